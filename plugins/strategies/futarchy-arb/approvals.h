/*
 * What contracts may spend of the account: who needs what, by the README's table, and the calls
 * that set or take back. No other spender is ever approved. Balancer v3 takes tokens by Permit2,
 * which has to be approved by the token, and itself keeps an allowance of its own for the router.
 * Pure.
 *
 * Sources: ERC-20 (approve, allowance); Permit2 (IAllowanceTransfer).
 */
#ifndef FUTARCHY_ARB_APPROVALS_H
#define FUTARCHY_ARB_APPROVALS_H

#include "bundle.h"

enum { APPROVALS = 14, APPROVAL_DATA = 132 }; /* at most */

struct approval {
    enum market_token token;
    bool by_permit2;        /* Permit2's own allowance, kept there */
    const uint8_t *at;      /* who keeps it: the token, or Permit2; in the places */
    const uint8_t *spender; /* in the places */
    const char *token_name, *spender_name;
};

uint32_t approval_count(const struct bundle_places *places);
/* Pair `index` below that. */
void approval_at(const struct bundle_places *places, uint32_t index, struct approval *out);
/* approve(spender, amount), or Permit2's approve(token, spender, amount, expiration) with an amount
 * of 160 bits at most and without an end; its length. */
uint32_t approval_encode(const struct bundle_places *places, const struct approval *pair,
                         const hawse_u256_t *amount, uint8_t out[APPROVAL_DATA]);
/* Permit2's answer (amount, expiration, nonce): what is left at `now`, in seconds; its greatest
 * amount, which no trade uses up, is 2^256 - 1 here. HAWSE_E_FORMAT. */
int32_t approval_permit2(const uint8_t *words, uint64_t len, uint64_t now, hawse_u256_t *amount);
/* Nothing that a trade could use up: 2^255 and more. */
bool approval_endless(const hawse_u256_t *amount);

#endif
