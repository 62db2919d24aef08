/*
 * Which logs are needed. Every told block is complete only when its bloom rules out a wanted log,
 * or when the node was asked for its logs: shortly behind the head, and at once after a gap. So a
 * log that was never pushed is found, and a subscription that died without a word shows.
 */
#ifndef EVM_BACKFILL_H
#define EVM_BACKFILL_H

#include "evm.h"

/* Notes blocks that are complete by their bloom, asks for the logs of others. True: something
 * became complete. */
bool backfill_step(struct evm *e);
/* An answer to REQUEST_LOGS. */
void backfill_reply(struct evm *e, const struct request *request, struct reply *reply);
/* Questions under way are void: nothing they said will be noted. */
void backfill_reset(struct evm *e);

/* Whether asking for fewer blocks at a time is the cure for this failure. */
bool backfill_too_much(const struct reply *reply);
/* How long to wait after the n-th failure in a row. */
uint64_t backfill_backoff_ns(const struct reply *reply, uint32_t fails);

#endif
