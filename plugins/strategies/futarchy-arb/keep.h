/*
 * What has to be known again after a restart, as bytes: the control's state, and what sequences
 * left. Pure. Bytes of another format, or that cannot be a state, are refused as a whole.
 */
#ifndef FUTARCHY_ARB_KEEP_H
#define FUTARCHY_ARB_KEEP_H

#include "control.h"

enum { KEEP_TOKENS = 6, KEEP_MAX = 1024 };

struct keep {
    struct control control;
    hawse_u256_t left[KEEP_TOKENS]; /* of sequences that failed half way, by token */
};

/* Returns the length. */
uint64_t keep_write(const struct keep *k, uint8_t out[KEEP_MAX]);

/* HAWSE_E_UNSUPPORTED: of another format; HAWSE_E_FORMAT: not what keep_write makes. *out is
 * changed only on success. */
int32_t keep_read(const uint8_t *data, uint64_t len, struct keep *out);

#endif
