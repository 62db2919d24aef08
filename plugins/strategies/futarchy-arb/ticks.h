/*
 * Initialised ticks of one concentrated pool, from what was minted and burnt since it was created:
 * independent of how the pool keeps them, and exact. Pure; owns its memory, which is bounded.
 *
 * Changes may come in any order: sums do not mind. A change that is taken back is its negative.
 */
#ifndef FUTARCHY_ARB_TICKS_H
#define FUTARCHY_ARB_TICKS_H

#include <hawse/amm/concentrated.h>

enum { TICKS_MAX = 1024 };

struct ticks {
    uint32_t count;
    uint32_t lost; /* not 0: a change did not fit, and what stands here is not the pool's */
    hawse_clmm_tick_t tick[TICKS_MAX]; /* ascending; none whose net is 0 */
};

/* Adds `delta` (two's complement) of liquidity from tick `lower` to `upper`. HAWSE_E_LIMIT: there
 * is no room; HAWSE_E_INVAL: not lower < upper, or beyond the ticks there are. Either way `lost`.
 */
int32_t ticks_add(struct ticks *t, int32_t lower, int32_t upper, const hawse_u256_t *delta);

/* Do they add up to the pool's own liquidity in range at its tick? Not so: something was missed. */
int32_t ticks_match(const struct ticks *t, int32_t tick, const hawse_u256_t *liquidity);

void ticks_clear(struct ticks *t);

#endif
