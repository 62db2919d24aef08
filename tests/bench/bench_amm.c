/*
 * Time of a quote from local state, in nanoseconds: the best of many short runs, one line a kind.
 */
#include <hawse/amm/balancer.h>
#include <hawse/amm/concentrated.h>
#include <hawse/amm/product.h>
#include <hawse/amm/tick.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 60, QUOTES = 500 };

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static hawse_u256_t power_of_ten(uint32_t n)
{
    hawse_u256_t r = hawse_u256(1), ten = hawse_u256(10);
    uint64_t wide[8];
    while (n-- > 0) {
        hawse_u256_mul(&r, &ten, wide);
        r = (hawse_u256_t){{wide[0], wide[1], wide[2], wide[3]}};
    }
    return r;
}

/* `n` quotes; returns something that depends on all of them. */
typedef uint64_t (*quote_fn)(uint64_t n);

static hawse_clmm_pool_t concentrated_pool(hawse_clmm_tick_t *ticks)
{
    hawse_clmm_pool_t p = {.kind = HAWSE_CLMM_ALGEBRA,
                           .fee_ppm = 500,
                           .tick_unit = 60,
                           .ticks = ticks,
                           .tick_count = 8,
                           .liquidity = power_of_ten(22)};
    for (int i = 0; i < 8; i++) {
        ticks[i] = (hawse_clmm_tick_t){.tick = -240 + 60 * i, .liquidity_net = power_of_ten(20)};
        if (i >= 4)
            hawse_i256_negate(&ticks[i].liquidity_net, &ticks[i].liquidity_net);
    }
    p.tick = 5;
    (void)hawse_sqrt_price_at_tick(5, &p.sqrt_price);
    return p;
}

static uint64_t concentrated(uint64_t n, uint32_t digits)
{
    hawse_clmm_tick_t ticks[8];
    hawse_clmm_pool_t p = concentrated_pool(ticks);
    hawse_u256_t amount = power_of_ten(digits);
    hawse_clmm_result_t r;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        amount.limb[0] += i;
        if (hawse_clmm_swap(&p, 1, &amount, NULL, &r) != HAWSE_OK)
            abort();
        sum += r.amount1.limb[0] + r.crossed;
    }
    return sum;
}

static uint64_t within_tick(uint64_t n)
{
    return concentrated(n, 18);
}

static uint64_t over_ticks(uint64_t n)
{
    hawse_clmm_tick_t ticks[8];
    hawse_clmm_pool_t p = concentrated_pool(ticks);
    hawse_u256_t amount = power_of_ten(20), limit;
    hawse_clmm_result_t r;
    uint64_t sum = 0;
    (void)hawse_sqrt_price_at_tick(-200, &limit); /* four ticks are crossed */
    for (uint64_t i = 0; i < n; i++) {
        amount.limb[1] = 100 + i;
        if (hawse_clmm_swap(&p, 1, &amount, &limit, &r) != HAWSE_OK || r.crossed != 4)
            abort();
        sum += r.amount1.limb[0];
    }
    return sum;
}

static uint64_t constant_product(uint64_t n)
{
    hawse_u256_t in = power_of_ten(24), out = power_of_ten(21), amount = power_of_ten(18), r;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        amount.limb[0] += i;
        (void)hawse_product_out(&in, &out, &amount, 3, 1000, &r);
        sum += r.limb[0];
    }
    return sum;
}

static uint64_t balancer(uint64_t n, uint32_t kind, uint32_t count, uint64_t percent)
{
    hawse_bal_token_t tokens[5];
    hawse_bal_pool_t p = {.kind = kind,
                          .token_count = count,
                          .tokens = tokens,
                          .swap_fee = hawse_u256(3000000000000000u),
                          .amplification = hawse_u256(200000)};
    for (uint32_t i = 0; i < count; i++) {
        tokens[i] = (hawse_bal_token_t){
            .balance = power_of_ten(24),
            .scaling = power_of_ten(18),
            .weight = hawse_u256(10000000000000000u * (i == 0 ? percent : 100 - percent))};
    }
    hawse_u256_t amount = power_of_ten(21), r;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        amount.limb[0] += i;
        if (hawse_bal_swap(&p, 0, 1, &amount, 0, &r, NULL) != HAWSE_OK)
            abort();
        sum += r.limb[0];
    }
    return sum;
}

static uint64_t weighted_80_20(uint64_t n)
{
    return balancer(n, HAWSE_BAL_WEIGHTED, 2, 80); /* exponent 4 is multiplied out */
}

static uint64_t weighted_60_40(uint64_t n)
{
    return balancer(n, HAWSE_BAL_WEIGHTED, 2, 60);
}

static uint64_t stable_2(uint64_t n)
{
    return balancer(n, HAWSE_BAL_STABLE, 2, 50);
}

static uint64_t stable_5(uint64_t n)
{
    return balancer(n, HAWSE_BAL_STABLE, 5, 50);
}

static const struct {
    const char *name;
    quote_fn run;
} benches[] = {
    {"concentrated, within a tick", within_tick},
    {"concentrated, over 4 ticks", over_ticks},
    {"constant product", constant_product},
    {"weighted 80/20", weighted_80_20},
    {"weighted 60/40", weighted_60_40},
    {"stable, 2 tokens", stable_2},
    {"stable, 5 tokens", stable_5},
};

int main(void)
{
    for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
        double best = 0;
        uint64_t sum = 0;
        for (int round = 0; round < ROUNDS; round++) {
            double begin = now();
            sum = benches[i].run(QUOTES);
            double each = (now() - begin) / QUOTES;
            if (round == 0 || each < best)
                best = each;
        }
        (void)printf("%-30s %8.0f ns   (sum %016llx)\n", benches[i].name, best,
                     (unsigned long long)sum);
    }
    return 0;
}
