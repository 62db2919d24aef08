/*
 * Swaps of Balancer v2 weighted and stable pools, exact to the last wei, reverts included.
 *
 * Sources: balancer-v2-monorepo, solidity-utils (Math, FixedPoint, LogExpMath), pool-weighted
 * (WeightedMath), pool-stable (StableMath), pool-utils (BaseMinimalSwapInfoPool, BaseGeneralPool);
 * as deployed by the tasks that are named at HAWSE_BAL_WEIGHTED and below.
 *
 * Every function is [any], allocates nothing and keeps nothing; pointers are the caller's and are
 * used during the call only. Fixed-point numbers have 18 decimals: 10^18 is 1. Where the contract
 * would revert with "BAL#n" the code is HAWSE_E_RANGE, n goes to *bal (which may be NULL) and no
 * result is written; otherwise *bal is not written.
 */
#ifndef HAWSE_AMM_BALANCER_H
#define HAWSE_AMM_BALANCER_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* the contracts' numbers of errors */
#define HAWSE_BAL_ADD_OVERFLOW       0u
#define HAWSE_BAL_SUB_OVERFLOW       1u
#define HAWSE_BAL_MUL_OVERFLOW       3u
#define HAWSE_BAL_ZERO_DIVISION      4u
#define HAWSE_BAL_DIV_INTERNAL       5u
#define HAWSE_BAL_X_OUT_OF_BOUNDS    6u
#define HAWSE_BAL_Y_OUT_OF_BOUNDS    7u
#define HAWSE_BAL_PRODUCT_OUT        8u /* of the logarithm and the exponent */
#define HAWSE_BAL_INVALID_EXPONENT   9u
#define HAWSE_BAL_MAX_IN_RATIO       304u
#define HAWSE_BAL_MAX_OUT_RATIO      305u
#define HAWSE_BAL_INVARIANT_DIVERGED 321u
#define HAWSE_BAL_BALANCE_DIVERGED   322u
#define HAWSE_BAL_TOTAL_OVERFLOW     526u /* the Vault keeps balances of 112 bits */

/* ---- fixed-point powers ---- */

/* LogExpMath.pow: x^y, good to about 10^-18 relative, cut where the contract cuts. */
int32_t hawse_bal_pow(const hawse_u256_t *x, const hawse_u256_t *y, hawse_u256_t *power,
                      uint32_t *bal);

/* FixedPoint.powDown and powUp: pow less or more its greatest error; with shortcuts not 0 the
 * exponents 1, 2 and 4 are multiplied out, as all but the pools of 2021 do. */
int32_t hawse_bal_pow_down(const hawse_u256_t *x, const hawse_u256_t *y, int32_t shortcuts,
                           hawse_u256_t *power, uint32_t *bal);
int32_t hawse_bal_pow_up(const hawse_u256_t *x, const hawse_u256_t *y, int32_t shortcuts,
                         hawse_u256_t *power, uint32_t *bal);

/* ---- pools ---- */

#define HAWSE_BAL_WEIGHTED      1u /* 20220908-weighted-pool-v2 and later */
#define HAWSE_BAL_WEIGHTED_2021 2u /* 20210418-weighted-pool: powers without shortcuts */
#define HAWSE_BAL_STABLE        3u /* 20220609-stable-pool-v2, composable-stable-pool to v3 */
#define HAWSE_BAL_STABLE_2021   4u /* 20210624-stable-pool, 20210727-meta-stable-pool */
#define HAWSE_BAL_STABLE_MAX    8u /* tokens of a stable pool that are swapped here */
#define HAWSE_BAL_AMP_PRECISION 1000u

typedef struct hawse_bal_token {
    hawse_u256_t balance; /* as the Vault has it, in the token's smallest unit */
    hawse_u256_t scaling; /* getScalingFactors(): 10^(18 - decimals), times the rate, 18 decimals */
    hawse_u256_t weight;  /* weighted pools: getNormalizedWeights() */
} hawse_bal_token_t;

/* A pool at one moment; the caller owns `tokens`. A composable pool's own token is left out. */
typedef struct hawse_bal_pool {
    uint32_t kind; /* HAWSE_BAL_... */
    uint32_t token_count;
    const hawse_bal_token_t *tokens;
    hawse_u256_t swap_fee;      /* getSwapFeePercentage() */
    hawse_u256_t amplification; /* stable pools: getAmplificationParameter(), times 1000 */
} hawse_bal_pool_t;

/* Always rounded for the pool: what goes out down, what comes in up, powers and the stable balance
 * by the contracts' own margins.
 *
 * What the Vault answers to a swap of token `in` against token `out`: exact_out 0: `amount` comes
 * in, the result goes out (GIVEN_IN); not 0: `amount` goes out, the result comes in (GIVEN_OUT).
 * WeightedMath._calcOutGivenIn, _calcInGivenOut; StableMath._calculateInvariant, _calcOutGivenIn,
 * _calcInGivenOut; the fee is taken before scaling down to up, the Vault's own checks of balances
 * included. All of a balance is taken to be cash: what asset managers hold of it (Vault,
 * PoolBalanceManaged) could not be paid out, and the real Vault would revert. HAWSE_E_INVAL: an
 * index or the kind is out of its bounds, in is out, the fee is not below 1, or a scaling is 0. */
int32_t hawse_bal_swap(const hawse_bal_pool_t *pool, uint32_t in, uint32_t out,
                       const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *result,
                       uint32_t *bal);

/* StableMath._calculateInvariant of scaled balances, by HAWSE_BAL_STABLE or HAWSE_BAL_STABLE_2021
 * (which swaps with the rounded-up one). HAWSE_E_INVAL: count is 0 or above HAWSE_BAL_STABLE_MAX,
 * or the kind is another. */
int32_t hawse_bal_invariant(uint32_t kind, const hawse_u256_t *amplification,
                            const hawse_u256_t *balances, uint32_t count, hawse_u256_t *invariant,
                            uint32_t *bal);

/* The amplification (times 1000) at `now` while it moves in a straight line from one value to
 * another; times in seconds. Before start_time it is start_value, from end_time on end_value.
 * StablePoolAmplification._getAmplificationParameter. */
uint64_t hawse_bal_amplification(uint64_t start_value, uint64_t end_value, uint64_t start_time,
                                 uint64_t end_time, uint64_t now);

#ifdef __cplusplus
}
#endif
#endif
