/*
 * Which headers are needed, which head is to be followed, and when a gap is closed.
 *
 * While the instance is `strict`, pushes may have been missed: blocks and their logs are told in
 * order, and a block only after the one before it has all its logs. It stops being strict when the
 * stream is subscribed and everything up to the goal, the node's head after it was subscribed, has
 * been told. Polling is the same without the end.
 */
#ifndef EVM_SYNC_H
#define EVM_SYNC_H

#include "evm.h"

void sync_init(struct evm *e);

/* The node says that this is its head. pushed: by itself; otherwise it was asked. */
void sync_head(struct evm *e, const struct chain_header *header, bool pushed, uint64_t t_recv_ns);
void sync_head_failed(struct evm *e, const struct reply *reply);
/* A header that was asked for by number or by hash; NULL: the node does not have it, or failed. */
void sync_header(struct evm *e, const struct request *request, const struct chain_header *header);

/* The stream is lost, or silent where it should not be: nothing pushed from now on counts as
 * complete. Announces the gap: of the logs, and, if they are concerned, of the blocks. */
void sync_interrupt(struct evm *e, uint32_t reason, bool blocks);
/* The stream is subscribed (or polling begins): find out what was missed. */
void sync_recover(struct evm *e);
/* From this block on the logs must be looked at again: somebody wants more of them. */
void sync_recheck(struct evm *e, uint64_t from);

/* The teller's steps. */
void sync_told(struct evm *e, uint32_t slot, bool first);
void sync_untold(struct evm *e, uint32_t slot);
void sync_broken(struct evm *e, uint64_t low);

/* Asks what there is to ask, closes gaps that are filled. True: the teller has something to do. */
bool sync_step(struct evm *e);
void sync_tick(struct evm *e);

#endif
