/*
 * Futarchy markets for tests: pools of any price and depth, with a wide and a narrow position each,
 * and the five of the rig by which the vectors were made.
 */
#ifndef TESTS_UNIT_FUTARCHY_MARKET_H
#define TESTS_UNIT_FUTARCHY_MARKET_H

#include "../../plugins/strategies/futarchy-arb/market.h"
#include "harness.h"

#include <hawse/amm/tick.h>
#include <hawse/u256.h>
#include <string.h>

#define E18 1000000000000000000ull

struct test_market {
    struct market m;
    hawse_clmm_tick_t ticks[MARKET_POOLS][4];
    hawse_bal_token_t tokens[2];
};

/* Whole units with 18 decimals, in thousandths. */
static inline hawse_u256_t milli(uint64_t thousandths)
{
    hawse_u256_t n = hawse_u256(thousandths), unit = hawse_u256(E18 / 1000), one = hawse_u256(1);
    (void)hawse_u256_mul_div(&n, &unit, &one, 0, &n);
    return n;
}

/* A pool at `price` thousandths of the other token for one base token. */
static inline void test_pool(struct test_market *t, enum market_pool which, uint64_t price,
                             uint64_t wide, uint64_t narrow, bool base_is_0)
{
    struct market_leg *leg = &t->m.leg[which];
    hawse_clmm_tick_t *ticks = t->ticks[which];
    hawse_u256_t one = hawse_u256(1), n = hawse_u256(base_is_0 ? price : 1000), ratio;
    hawse_u256_t d = hawse_u256(base_is_0 ? 1000 : price);
    hawse_u256_t far = milli(wide), near = milli(narrow), minus;
    int32_t tick = 0;
    hawse_u256_shift_left(&one, 192, &ratio);
    CHECK_EQ(hawse_u256_mul_div(&ratio, &n, &d, 0, &ratio), HAWSE_OK);
    memset(leg, 0, sizeof(*leg));
    hawse_u256_sqrt(&ratio, &leg->pool.sqrt_price);
    CHECK_EQ(hawse_tick_at_sqrt_price(&leg->pool.sqrt_price, &tick), HAWSE_OK);
    int32_t low = (tick - 1800) / 60 * 60, high = (tick + 1800) / 60 * 60;
    ticks[0] = (hawse_clmm_tick_t){.tick = -887220, .liquidity_net = far};
    ticks[1] = (hawse_clmm_tick_t){.tick = low, .liquidity_net = near};
    hawse_i256_negate(&near, &minus);
    ticks[2] = (hawse_clmm_tick_t){.tick = high, .liquidity_net = minus};
    hawse_i256_negate(&far, &minus);
    ticks[3] = (hawse_clmm_tick_t){.tick = 887220, .liquidity_net = minus};
    leg->there = true;
    leg->base_is_0 = base_is_0;
    leg->pool.kind = HAWSE_CLMM_ALGEBRA;
    leg->pool.fee_ppm = 100 + (uint32_t)which * 37;
    leg->pool.tick_unit = base_is_0 ? 1 : 60;
    leg->pool.tick = tick;
    leg->pool.tick_count = 4;
    leg->pool.ticks = ticks;
    (void)hawse_u256_add(&far, &near, &leg->pool.liquidity);
}

/* Prices in thousandths of sDAI; odds in thousandths. */
static inline void test_market(struct test_market *t, uint64_t yes, uint64_t no, uint64_t odds,
                               uint64_t spot, uint64_t depth)
{
    memset(t, 0, sizeof(*t));
    test_pool(t, POOL_YES, yes, depth, depth * 9, true);
    test_pool(t, POOL_NO, no, depth, depth * 9, false);
    test_pool(t, POOL_YES_ODDS, odds, depth * 4, depth * 30, true);
    test_pool(t, POOL_NO_ODDS, 1000 - odds, depth * 4, depth * 30, false);
    t->tokens[0] = (hawse_bal_token_t){milli(400000), hawse_u256(E18), hawse_u256(E18 / 2)};
    t->tokens[1] = (hawse_bal_token_t){milli(400 * spot), hawse_u256(E18), hawse_u256(E18 / 2)};
    t->m.spot = (struct market_spot){.company = 0,
                                     .sdai = 1,
                                     .pool = {.kind = HAWSE_BAL_WEIGHTED,
                                              .token_count = 2,
                                              .tokens = t->tokens,
                                              .swap_fee = hawse_u256(3000000000000000)}};
}

/* One of many: any prices, any depth, with a gap either way or none. */
static inline void test_market_any(struct test_market *t)
{
    uint64_t yes = 20000 + test_random() % 400000, odds = 50 + test_random() % 900;
    uint64_t no = yes * (500 + test_random() % 1000) / 1000;
    uint64_t ideal = (yes * odds + no * (1000 - odds)) / 1000;
    uint64_t spot = ideal * (850 + test_random() % 300) / 1000;
    test_market(t, yes, no, odds, spot, 20000 + test_random() % 4000000);
}

#endif
