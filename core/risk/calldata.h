/*
 * What calldata would do, where its function is a known one: allowances, transfers, and calls
 * inside of calls. Everything else is only a selector.
 *
 * Pure; reads bytes of plugins, so what does not decode strictly is an error and never a guess.
 *
 * Sources: EIP-20, EIP-721, EIP-1155, EIP-2612, EIP-677, ERC-7821; DAI's permit; Permit2;
 * Multicall3; Safe; the accounts and routers that made execute and multicall known.
 */
#ifndef CORE_RISK_CALLDATA_H
#define CORE_RISK_CALLDATA_H

#include <hawse/types.h>
#include <stdbool.h>

enum calldata_kind {
    CALLDATA_NONE,      /* no bytes: a plain transfer of coins */
    CALLDATA_OTHER,     /* a function that is not known here */
    CALLDATA_ALLOWANCE, /* spender, amount, token; all: of a whole collection, amount 1 or 0 */
    CALLDATA_LESS,      /* takes an allowance back, in part or all of it */
    CALLDATA_TRANSFER,  /* to, amount (0 when several or none is told) */
    CALLDATA_NEST,      /* holds calls: see calldata_inner() */
};

struct calldata {
    enum calldata_kind kind;
    const char *name; /* signature of a known function; otherwise NULL */
    uint8_t selector[4];
    uint8_t party[20]; /* spender, or who receives */
    bool names_token; /* the token stands in the calldata; otherwise it is the one that is called */
    uint8_t token[20];
    hawse_u256_t amount;
    bool all;
};

/* HAWSE_E_FORMAT: fewer than 4 bytes, or a known function with arguments that do not decode. */
int32_t calldata_read(hawse_view_t data, struct calldata *out);

struct calldata_call {
    uint8_t to[20];
    hawse_u256_t value;
    hawse_view_t data; /* lies in the outer data */
    bool delegated;    /* runs as the outer contract's own code */
};

enum { CALLDATA_INNER = 256 }; /* calls of one nest */

/* Each call inside of a CALLDATA_NEST to `outer`, in order, until fn returns false. HAWSE_OK, also
 * when fn ended it; HAWSE_E_FORMAT: it does not decode; HAWSE_E_LIMIT: more than CALLDATA_INNER. */
int32_t calldata_inner(hawse_view_t data, const uint8_t outer[20],
                       bool (*fn)(void *ctx, const struct calldata_call *call), void *ctx);

#endif
