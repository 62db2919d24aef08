/*
 * What contracts may spend of the account: who needs what, by the README's table, and the calls
 * that set or take back. No other spender is ever approved. Pure.
 *
 * Sources: ERC-20 (approve, allowance).
 */
#ifndef FUTARCHY_ARB_APPROVALS_H
#define FUTARCHY_ARB_APPROVALS_H

#include "bundle.h"

enum { APPROVALS = 12, APPROVAL_DATA = 68 };

struct approval {
    enum market_token token;
    const uint8_t *spender; /* in the places */
    const char *token_name, *spender_name;
};

/* Pair `index` of 0 to APPROVALS - 1. */
void approval_at(const struct bundle_places *places, uint32_t index, struct approval *out);
/* approve(spender, amount) */
void approval_encode(const struct approval *pair, const hawse_u256_t *amount,
                     uint8_t out[APPROVAL_DATA]);
/* Nothing that a trade could use up: 2^255 and more. */
bool approval_endless(const hawse_u256_t *amount);

#endif
