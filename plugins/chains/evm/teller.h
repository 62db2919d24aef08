/*
 * What subscribers hear, and in which order. The only place that publishes.
 *
 * Nothing is queued but a few announcements: every step is derived from the state of the chain and
 * the log store, takes one event, and is not taken when a subscriber has no room. So the work can
 * stop anywhere and goes on exactly there, and no pending output can pile up.
 *
 * The order of steps: announcements; logs that were told too early and proved wrong; logs that the
 * node took back; blocks that left the chain, newest first; blocks that came; logs that waited.
 */
#ifndef EVM_TELLER_H
#define EVM_TELLER_H

#include "evm.h"

void teller_init(struct evm *e);

/* Does what there is to do. False: a subscriber has no room; nothing new may be taken in before
 * this returns true. */
bool teller_pump(struct evm *e);
static inline void teller_wake(struct evm *e)
{
    e->teller.busy = true;
}

/* May a log of this block be told at once, ahead of everything? Only while the teller is idle. */
bool teller_ready(struct evm *e, uint32_t slot);
/* Tells a log whose record was built in reserve(). HAWSE_E_AGAIN: there is no room. */
int32_t teller_log(struct evm *e, uint32_t slot, const hawse_evm_log_t *record, uint64_t t_recv_ns);
/* Tells a record that belongs to no block: a pending transaction. */
int32_t teller_record(struct evm *e, uint16_t kind, uint32_t stream, uint32_t flags, uint64_t key,
                      uint64_t t_recv_ns, const void *data, uint64_t len);
/* The node took back a log of this block: those of it and of later ones are taken back now. */
void teller_suspect(struct evm *e, uint32_t slot);
/* What was told so far is no longer the teller's business: the told branch begins anew. */
void teller_forget(struct evm *e);

/* Continuity of a sequence. A gap that is open already is not opened again; the others say nothing
 * when there is nothing to say. */
void teller_gap(struct evm *e, uint32_t stream, uint32_t reason, uint64_t from, uint64_t to);
void teller_recovering(struct evm *e, uint32_t stream, uint64_t from, uint64_t to);
void teller_healed(struct evm *e, uint32_t stream, uint64_t to);
/* `ends`: nothing of the open gap, if any, is left to be healed. */
void teller_unhealable(struct evm *e, uint32_t stream, uint32_t reason, uint64_t from, uint64_t to,
                       bool ends);
void teller_live(struct evm *e, uint32_t stream, uint64_t from);
void teller_final(struct evm *e, uint32_t stream, uint64_t from, uint64_t to);

#endif
