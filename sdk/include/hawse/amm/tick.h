/*
 * Ticks and square-root prices of concentrated-liquidity pools, exactly as the contracts have them.
 *
 * A tick t stands for the price 1.0001^t of token 0 in token 1. Pools keep the square root of the
 * price times 2^96, 160 bits at most. Source of both formulas: Uniswap v3-core 1.0.1,
 * contracts/libraries/TickMath.sol; Algebra V1 and V1.9 have the same.
 *
 * Every function is [any], allocates nothing and keeps nothing.
 */
#ifndef HAWSE_AMM_TICK_H
#define HAWSE_AMM_TICK_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_TICK_MIN (-887272)
#define HAWSE_TICK_MAX 887272

/* The square-root price at the lowest tick, 4295128739, and at the highest one. A pool's price p is
 * always in lowest <= p < highest. */
hawse_u256_t hawse_sqrt_price_min(void);
hawse_u256_t hawse_sqrt_price_max(void);

/* getSqrtRatioAtTick: the square-root price of `tick`, rounded up. HAWSE_E_RANGE ("T"): the tick
 * is outside HAWSE_TICK_MIN to HAWSE_TICK_MAX; the result is not written then. */
int32_t hawse_sqrt_price_at_tick(int32_t tick, hawse_u256_t *sqrt_price);

/* getTickAtSqrtRatio: the highest tick whose price is not above `sqrt_price`. HAWSE_E_RANGE ("R"):
 * below the lowest price, or not below the highest one; the result is not written then. */
int32_t hawse_tick_at_sqrt_price(const hawse_u256_t *sqrt_price, int32_t *tick);

#ifdef __cplusplus
}
#endif
#endif
