/*
 * What has to be known again after a restart, as bytes: the control's state and what sequences
 * left, as of the last trade whose result is in them; and the trade under way. Pure. Bytes of
 * another format, or that cannot be a state, are refused as a whole.
 *
 * A trade is kept before it is proposed, the state after its result. So whatever the host ended in
 * between, a trade that the state does not name is still to be accounted for, and is so once.
 */
#ifndef FUTARCHY_ARB_KEEP_H
#define FUTARCHY_ARB_KEEP_H

#include "control.h"

enum { KEEP_TOKENS = 6, KEEP_MAX = 1024, KEEP_TRADE_MAX = 256, KEEP_WAYS = 5 };

struct keep {
    struct control control;
    hawse_u256_t left[KEEP_TOKENS]; /* of sequences that failed half way, by token */
    uint64_t run, number;           /* of the last trade that is in all of this; 0: none */
};

/* A trade when it is proposed. */
struct keep_trade {
    uint64_t run, number; /* its id is arb-RUN-NUMBER */
    uint64_t block;
    uint32_t way; /* enum flow_way */
    struct control_order order;
    hawse_u256_t gain; /* predicted; signed */
    uint64_t orders;   /* of the control, with this one; what follows: without it */
    uint64_t last_ns;
    bool fell_back;
};

/* Returns the length. */
uint64_t keep_write(const struct keep *k, uint8_t out[KEEP_MAX]);

/* HAWSE_E_UNSUPPORTED: of another format; HAWSE_E_FORMAT: not what keep_write makes. *out is
 * changed only on success. */
int32_t keep_read(const uint8_t *data, uint64_t len, struct keep *out);

uint64_t keep_trade_write(const struct keep_trade *t, uint8_t out[KEEP_TRADE_MAX]);
int32_t keep_trade_read(const uint8_t *data, uint64_t len, struct keep_trade *out);

/* Is the result of this trade not in that state? */
bool keep_is_open(const struct keep *k, const struct keep_trade *t);

/* The control as it was when the trade was under way; and as if it never was. */
void keep_begun(struct control *c, const struct keep_trade *t);
void keep_undo(struct control *c, const struct keep_trade *t);

#endif
