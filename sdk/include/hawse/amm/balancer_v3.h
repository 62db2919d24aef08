/*
 * Swaps of Balancer v3 weighted and stable pools, and the Vault's ERC-4626 buffers, exact to the
 * last wei. Unlike v2 a pool counts in live balances: what the Vault has of a token, at the rate of
 * its rate provider at that moment.
 *
 * Sources: balancer-v3-monorepo, v3-vault (Vault._swap, _wrapWithBuffer, _unwrapWithBuffer),
 * v3-solidity-utils (ScalingHelpers, FixedPoint, WeightedMath, StableMath), v3-pool-weighted; and
 * balancer-maths for pools of 2024.
 *
 * Every function is [any], allocates nothing and keeps nothing; pointers are the caller's and are
 * used during the call only. Fixed-point numbers have 18 decimals: 10^18 is 1. Where the contracts
 * would revert the code is HAWSE_E_RANGE, *why (which may be NULL) is HAWSE_BAL3_... or, of
 * arithmetic and of ratios, HAWSE_BAL_... of balancer.h, and no result is written; otherwise *why
 * is not written.
 */
#ifndef HAWSE_AMM_BALANCER_V3_H
#define HAWSE_AMM_BALANCER_V3_H

#include <hawse/amm/balancer.h>

#ifdef __cplusplus
extern "C" {
#endif

/* kinds; they go on after those of v2 */
#define HAWSE_BAL3_WEIGHTED     5u /* 20241205-v3-weighted-pool */
#define HAWSE_BAL3_WEIGHTED_MIN 6u /* later ones, which have getMinTokenBalances() */
#define HAWSE_BAL3_STABLE       7u /* without the later pools' bound on how unequal balances are */
#define HAWSE_BAL3_TOKENS_MAX   8u

/* why a swap reverts, beside HAWSE_BAL_... */
#define HAWSE_BAL3_TRADE_TOO_SMALL 1000u /* TradeAmountTooSmall, AmountGivenZero */
#define HAWSE_BAL3_WRAP_TOO_SMALL  1001u /* WrapAmountTooSmall */
#define HAWSE_BAL3_BELOW_MINIMUM   1002u /* a pool's least balance of a token */

typedef struct hawse_bal3_token {
    hawse_u256_t live;    /* hawse_bal3_live() of what the Vault has of it */
    hawse_u256_t factor;  /* 10^(18 - decimals) */
    hawse_u256_t rate;    /* of its rate provider, 18 decimals; 10^18 without one */
    hawse_u256_t weight;  /* weighted pools: getNormalizedWeights() */
    hawse_u256_t minimum; /* HAWSE_BAL3_WEIGHTED_MIN: getMinTokenBalances() */
} hawse_bal3_token_t;

/* A pool at one moment; the caller owns `tokens`. */
typedef struct hawse_bal3_pool {
    uint32_t kind; /* HAWSE_BAL3_... */
    uint32_t token_count;
    const hawse_bal3_token_t *tokens;
    hawse_u256_t swap_fee;      /* the static one, 18 decimals */
    hawse_u256_t amplification; /* stable pools: times 1000 */
    hawse_u256_t minimum_trade; /* the Vault's getMinimumTradeAmount() */
} hawse_bal3_pool_t;

/* The live balance of `raw` units of a token: ScalingHelpers.toScaled18ApplyRateRoundDown. */
int32_t hawse_bal3_live(const hawse_u256_t *raw, const hawse_u256_t *factor,
                        const hawse_u256_t *rate, hawse_u256_t *live, uint32_t *why);

/* What the Vault answers to a swap of token `in` against token `out`, in the tokens' smallest
 * units: exact_out 0: `amount` comes in, the result goes out, rounded down; not 0: `amount` goes
 * out, the result comes in, rounded up. Hooks and dynamic fees are not in it. HAWSE_E_INVAL: an
 * index or the kind is out of its bounds, in is out, the fee is not below 1, or a factor or a rate
 * is 0. */
int32_t hawse_bal3_swap(const hawse_bal3_pool_t *pool, uint32_t in, uint32_t out,
                        const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *result,
                        uint32_t *why);

/* ---- ERC-4626 ---- */

/* A wrapper's rate: so many assets are worth so many shares. convertToAssets(10^27) against 10^27
 * is exact for wrappers with a rate of 27 decimals or fewer (those of Aave, most with a fixed
 * rate); of any other a result may be 1 unit off. */
typedef struct hawse_bal3_wrapper {
    hawse_u256_t assets;
    hawse_u256_t shares;
} hawse_bal3_wrapper_t;

/* The wrapper's own answer: wrap not 0: assets become shares, exact_out 0: previewDeposit(amount),
 * down; else previewMint(amount), up. wrap 0: shares become assets, previewRedeem, down, or
 * previewWithdraw, up. HAWSE_E_INVAL: a side of the rate is 0; HAWSE_E_RANGE: no 256-bit number. */
int32_t hawse_bal3_convert(const hawse_bal3_wrapper_t *wrapper, int32_t wrap,
                           const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *result);

/* What the Vault's buffer answers: the wrapper's answer to 1 unit less (exact in) or more (exact
 * out), itself 1 unit less or more. `minimum` is the Vault's getMinimumWrapAmount(). The same
 * whether the buffer has the liquidity itself or wraps at once. As hawse_bal3_convert; in *why
 * also HAWSE_BAL_ADD_OVERFLOW, HAWSE_BAL_MUL_OVERFLOW, HAWSE_BAL3_WRAP_TOO_SMALL. */
int32_t hawse_bal3_buffer(const hawse_bal3_wrapper_t *wrapper, int32_t wrap,
                          const hawse_u256_t *amount, int32_t exact_out,
                          const hawse_u256_t *minimum, hawse_u256_t *result, uint32_t *why);

#ifdef __cplusplus
}
#endif
#endif
