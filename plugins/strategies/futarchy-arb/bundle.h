/*
 * The calls of a flow, in order, as calldata. Approvals are not among them: they are set before, by
 * an operator's command, and a bundle without them reverts.
 *
 *   buy    splitPosition, exactOutputSingle (YES), the same (NO), mergePositions,
 *          [exactInputSingle of what is left], swap at the Vault
 *   sell   swap at the Vault, splitPosition, exactInputSingle (YES), the same (NO), mergePositions,
 *          [exactInputSingle of what is left]
 *   sweep  mergePositions of sDAI and of company tokens
 *   recover  one sale: swap at the Vault, or exactInputSingle
 *
 * Where the spot pool is Balancer v3's, "swap at the Vault" is a path of its batch router: the
 * pool, and the buffer of the company token where the pool holds a wrapper of it.
 *
 * Every recipient is the account; every call goes to the router, the swap router, the Vault or the
 * batch router, by one of seven functions; no bound is 0. Pure, allocates nothing.
 *
 * Sources: FutarchyRouter (seer-pm), Algebra periphery 1.0.0 (ISwapRouter), Balancer v2 (IVault),
 * Balancer v3 (IBatchRouter: who pays and who gets is the caller).
 */
#ifndef FUTARCHY_ARB_BUNDLE_H
#define FUTARCHY_ARB_BUNDLE_H

#include "flow.h"

enum {
    BUNDLE_CALLS = 10, /* slots of execute10 */
    BUNDLE_DATA = 608, /* bytes of the longest call: a path of two steps has 580 */
};

enum { BUNDLE_SPOT_V2, BUNDLE_SPOT_V3 };

/* Where calls go, and of what. */
struct bundle_places {
    uint8_t account[20];
    uint8_t router[20]; /* the futarchy's */
    uint8_t proposal[20];
    uint8_t swap_router[20];
    uint8_t vault[20];
    uint8_t spot_pool[32];                 /* its id at the Vault; of v3 its address, left-padded */
    uint32_t spot;                         /* BUNDLE_SPOT_V2, BUNDLE_SPOT_V3 */
    uint8_t batch_router[20], permit2[20]; /* of v3 */
    uint8_t wrapper[20]; /* of v3: of the company token, as the pool holds it; 0: it holds that */
    uint8_t token[MARKET_TOKENS][20];
};

struct bundle_call {
    uint8_t to[20];
    uint32_t len;
    uint8_t data[BUNDLE_DATA];
};

struct bundle {
    uint32_t count;
    uint32_t reserved;
    struct bundle_call call[BUNDLE_CALLS];
};

/* The calls of a guarded flow; swaps are good until `deadline`, in seconds, UTC. HAWSE_E_INVAL: an
 * amount or a bound is 0, or the deadline is. */
int32_t bundle_make(const struct bundle_places *places, const struct flow *flow, uint64_t deadline,
                    struct bundle *out);

/* 1 to 10 calls, each to a place that is listed by a function that belongs to it. HAWSE_E_LIMIT;
 * HAWSE_E_DENIED: a call that no flow has. */
int32_t bundle_check(const struct bundle_places *places, const struct bundle *bundle);

#endif
