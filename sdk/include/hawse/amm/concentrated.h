/*
 * Swaps of concentrated-liquidity pools (Uniswap v3, Algebra V1 and V1.9), exact to the last wei.
 *
 * Sources: Uniswap v3-core 1.0.1 (libraries SqrtPriceMath, SwapMath, TickBitmap;
 * UniswapV3Pool.swap) and Algebra v1-core 1.0.0 (libraries TokenDeltaMath, PriceMovementMath,
 * TickTable, AdaptiveFee; AlgebraPool). The two families step alike; they differ in how far a step
 * may look for the next initialised tick, in the fee's origin and in the share of the fee that
 * leaves the pool.
 *
 * Every function is [any], allocates nothing and keeps nothing; pointers are the caller's and are
 * used during the call only. Amounts are in the token's smallest unit. Prices are square roots
 * times 2^96, see hawse/amm/tick.h. Where a contract would revert, the code is HAWSE_E_RANGE and
 * nothing is written.
 */
#ifndef HAWSE_AMM_CONCENTRATED_H
#define HAWSE_AMM_CONCENTRATED_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_FEE_ONE 1000000u /* fees are in millionths */

/* ---- one step ---- */

/* The amount of token 0 or token 1 between two prices (any order) at one liquidity (128 bits).
 * SqrtPriceMath.getAmount0Delta, getAmount1Delta; TokenDeltaMath.getToken0Delta, getToken1Delta. */
int32_t hawse_clmm_amount0(const hawse_u256_t *price_a, const hawse_u256_t *price_b,
                           const hawse_u256_t *liquidity, int32_t round_up, hawse_u256_t *amount);
int32_t hawse_clmm_amount1(const hawse_u256_t *price_a, const hawse_u256_t *price_b,
                           const hawse_u256_t *liquidity, int32_t round_up, hawse_u256_t *amount);

/* The price after `amount` came in (is_input not 0) or went out. zero_for_one: token 0 comes in.
 * Rounded for the pool: up where `amount` is of token 0, down where it is of token 1.
 * SqrtPriceMath.getNextSqrtPriceFromInput and FromOutput; PriceMovementMath.getNewPrice. */
int32_t hawse_clmm_next_price(const hawse_u256_t *price, const hawse_u256_t *liquidity,
                              const hawse_u256_t *amount, int32_t zero_for_one, int32_t is_input,
                              hawse_u256_t *next);

typedef struct hawse_clmm_step {
    hawse_u256_t price; /* after the step */
    hawse_u256_t input; /* without the fee */
    hawse_u256_t output;
    hawse_u256_t fee; /* in the token that comes in */
} hawse_clmm_step_t;

/* A step from `price` toward `target` with at most `amount` (two's complement: above 0 what may
 * come in, fee included; below 0 what shall go out). What comes in and the fee are rounded up, what
 * goes out down. HAWSE_E_INVAL: fee_ppm is not below
 * HAWSE_FEE_ONE. SwapMath.computeSwapStep; PriceMovementMath.movePriceTowardsTarget. */
int32_t hawse_clmm_step(const hawse_u256_t *price, const hawse_u256_t *target,
                        const hawse_u256_t *liquidity, const hawse_u256_t *amount, uint32_t fee_ppm,
                        hawse_clmm_step_t *step);

/* ---- a whole swap ---- */

/* An initialised tick: liquidity_net (two's complement, 128 bits) is added to the liquidity in
 * range when the price crosses it upward. */
typedef struct hawse_clmm_tick {
    int32_t tick;
    uint32_t reserved;
    hawse_u256_t liquidity_net;
} hawse_clmm_tick_t;

#define HAWSE_CLMM_UNISWAP_V3 1u /* tick_unit = the pool's tickSpacing */
#define HAWSE_CLMM_ALGEBRA    2u /* tick_unit = 1 in V1.9 (Swapr v3), 60 in V1 */

/* A pool at one moment. The caller owns `ticks`: all initialised ticks, ascending, none twice; it
 * is not checked here that their liquidity adds up. */
typedef struct hawse_clmm_pool {
    uint32_t kind;      /* HAWSE_CLMM_... */
    uint32_t fee_ppm;   /* what this swap pays; with Algebra see hawse_algebra_fee */
    int32_t tick_unit;  /* ticks for one bit of the pool's bitmap; a step ends at every 256 bits,
                           and each end is a rounding */
    int32_t tick;       /* the pool's own: at a border it isn't what the price says */
    uint32_t community; /* share of the fee that leaves the pool. Algebra: communityFee of the token
                           that comes in, thousandths. Uniswap: feeProtocol of it, 1/n; 0 = none */
    uint32_t tick_count;
    const hawse_clmm_tick_t *ticks;
    hawse_u256_t sqrt_price;
    hawse_u256_t liquidity; /* in range, 128 bits */
} hawse_clmm_pool_t;

typedef struct hawse_clmm_result {
    hawse_u256_t amount0; /* two's complement: above 0 the pool received it */
    hawse_u256_t amount1;
    hawse_u256_t sqrt_price; /* after the swap */
    hawse_u256_t liquidity;
    hawse_u256_t fee; /* of all steps, in the token that came in, community's share included */
    hawse_u256_t community; /* what left the pool of it */
    int32_t tick;
    uint32_t steps;   /* loops, row edges included */
    uint32_t crossed; /* initialised ticks */
    uint32_t reserved;
} hawse_clmm_result_t;

/* The swap of `amount` (above 0: exact input, below 0: exact output; two's complement) as the
 * contract would do it, with the price going no further than `limit`. limit NULL: as far as prices
 * go, which is what routers take for "no limit". When the limit is hit or liquidity is exhausted,
 * less than `amount` was swapped and the result is HAWSE_OK: compare amount0 and amount1 with what
 * was asked (a router's exact output reverts then, exact input leaves the rest with the payer).
 * Takes one loop for each initialised tick and for each 256 * tick_unit ticks on the way.
 * HAWSE_E_INVAL: amount is 0 ("AS"), the limit is on the wrong side of the price ("SPL"), or a
 * field of the pool is out of its bounds. HAWSE_E_RANGE: the contract would revert, or liquidity
 * went below 0 ("LS") or above 128 bits ("LA"). Whether the pool holds enough of the token that
 * goes out is not asked: positions always add up to it. */
int32_t hawse_clmm_swap(const hawse_clmm_pool_t *pool, int32_t zero_for_one,
                        const hawse_u256_t *amount, const hawse_u256_t *limit,
                        hawse_clmm_result_t *result);

/* ---- Algebra's fee ---- */

/* AdaptiveFee.Configuration */
typedef struct hawse_algebra_fee_config {
    uint32_t beta1, beta2, volume_beta;
    uint16_t alpha1, alpha2;
    uint16_t gamma1, gamma2, volume_gamma; /* above 0 */
    uint16_t base_fee;
} hawse_algebra_fee_config_t;

/* AdaptiveFee.getFee: the fee in millionths for a volatility (88 bits) and a volume per liquidity,
 * both averages of the last day as DataStorageOperator.getAverages tells them (the volatility
 * divided by 15, as the operator divides it, is the caller's). HAWSE_E_INVAL: a gamma is 0. */
int32_t hawse_algebra_fee(const hawse_u256_t *volatility, const hawse_u256_t *volume_per_liquidity,
                          const hawse_algebra_fee_config_t *config, uint32_t *fee_ppm);

#ifdef __cplusplus
}
#endif
#endif
