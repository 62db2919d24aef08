/*
 * Concentrated liquidity and constant product, against results of the contracts' own bytecode
 * (tests/vectors), and properties that hold for any pool.
 */
#include "amm_vectors.h"

#include <hawse/amm/concentrated.h>
#include <hawse/amm/product.h>
#include <hawse/amm/tick.h>
#include <stdlib.h>

TEST(tick_vectors, "ticks and square-root prices equal the contract's at every vector")
{
    json_t *root = vectors_load("amm-algebra.json"), *math = json_object_get(root, "tickMath"),
           *row;
    size_t i;
    json_array_foreach(json_object_get(math, "sqrtAtTick"), i, row)
    {
        hawse_u256_t got, want = member(row, "sqrtPriceX96");
        int32_t tick = (int32_t)json_integer_value(json_object_get(row, "tick"));
        CHECK_EQ(hawse_sqrt_price_at_tick(tick, &got), HAWSE_OK);
        check_u256("price", i, &got, &want);
    }
    json_array_foreach(json_object_get(math, "tickAtSqrt"), i, row)
    {
        hawse_u256_t price = member(row, "sqrtPriceX96");
        int32_t tick = 0;
        CHECK_EQ(hawse_tick_at_sqrt_price(&price, &tick), HAWSE_OK);
        CHECK_EQ(tick, json_integer_value(json_object_get(row, "tick")));
    }
    hawse_u256_t low = hawse_sqrt_price_min(), high = hawse_sqrt_price_max();
    hawse_u256_t want_low = member(math, "minSqrt"), want_high = member(math, "maxSqrt");
    check_u256("lowest price", 0, &low, &want_low);
    check_u256("highest price", 0, &high, &want_high);
    json_decref(root);
}

TEST(tick_round_trip, "every 37th tick's price leads back to it, one less to the tick below")
{
    hawse_u256_t price, below, one = hawse_u256(1);
    int32_t tick;
    for (int32_t t = HAWSE_TICK_MIN; t <= HAWSE_TICK_MAX; t += 37) {
        CHECK_EQ(hawse_sqrt_price_at_tick(t, &price), HAWSE_OK);
        if (t < HAWSE_TICK_MAX) {
            CHECK_EQ(hawse_tick_at_sqrt_price(&price, &tick), HAWSE_OK);
            CHECK_EQ(tick, t);
        }
        (void)hawse_u256_sub(&price, &one, &below);
        if (t > HAWSE_TICK_MIN) {
            CHECK_EQ(hawse_tick_at_sqrt_price(&below, &tick), HAWSE_OK);
            CHECK_EQ(tick, t - 1);
        }
    }
}

TEST(tick_range, "prices and ticks outside the range are refused and write nothing")
{
    hawse_u256_t price = hawse_u256(7), one = hawse_u256(1), seven = price;
    int32_t tick = 5;
    CHECK_EQ(hawse_sqrt_price_at_tick(HAWSE_TICK_MIN - 1, &price), HAWSE_E_RANGE);
    CHECK_EQ(hawse_sqrt_price_at_tick(HAWSE_TICK_MAX + 1, &price), HAWSE_E_RANGE);
    CHECK_EQ(hawse_sqrt_price_at_tick(INT32_MIN, &price), HAWSE_E_RANGE);
    check_u256("untouched", 0, &price, &seven);
    price = hawse_sqrt_price_max();
    CHECK_EQ(hawse_tick_at_sqrt_price(&price, &tick), HAWSE_E_RANGE);
    price = hawse_sqrt_price_min();
    (void)hawse_u256_sub(&price, &one, &price);
    CHECK_EQ(hawse_tick_at_sqrt_price(&price, &tick), HAWSE_E_RANGE);
    CHECK_EQ(tick, 5);
}

TEST(step_vectors, "160 single steps equal the contract's, reverts included")
{
    json_t *root = vectors_load("amm-algebra.json"), *row;
    size_t i, reverts = 0;
    json_array_foreach(json_object_get(root, "singleStep"), i, row)
    {
        hawse_u256_t in[4], want[4];
        hawse_clmm_step_t s;
        for (size_t k = 0; k < 4; k++)
            in[k] = u256_of(json_array_get(row, 1 + k));
        uint32_t fee = (uint32_t)json_integer_value(json_array_get(row, 5));
        int32_t code = hawse_clmm_step(&in[0], &in[1], &in[2], &in[3], fee, &s);
        const char *first = json_string_value(json_array_get(row, 6));
        if (strcmp(first, "revert") == 0) {
            CHECK_EQ(code, HAWSE_E_RANGE);
            reverts++;
            continue;
        }
        CHECK_EQ(code, HAWSE_OK);
        for (size_t k = 0; k < 4; k++)
            want[k] = u256_of(json_array_get(row, 6 + k));
        check_u256("price", i, &s.price, &want[0]);
        check_u256("input", i, &s.input, &want[1]);
        check_u256("output", i, &s.output, &want[2]);
        check_u256("fee", i, &s.fee, &want[3]);
    }
    CHECK(i >= 160);
    json_decref(root);
}

TEST(step_overflow,
     "an input whose product leaves 256 bits is divided in the contract's other order")
{
    hawse_u256_t price = {{0, 1ull << 36, 0, 0}}, next, one = hawse_u256(1); /* 2^100 */
    hawse_u256_t liquidity = price, amount = {{0, 0, 0, 1ull << 8}};         /* 2^200 */
    CHECK_EQ(hawse_clmm_next_price(&price, &liquidity, &amount, 1, 1, &next), HAWSE_OK);
    check_u256("price", 0, &next, &one);
    CHECK_EQ(hawse_clmm_next_price(&price, &liquidity, &amount, 0, 0, &next), HAWSE_E_RANGE);
}

/* The pool of a vector's state; the caller frees its ticks. */
static hawse_clmm_pool_t pool_of(const json_t *state, hawse_clmm_tick_t *ticks)
{
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(state, "ticks"), i, row)
    {
        ticks[i] = (hawse_clmm_tick_t){
            .tick = (int32_t)json_integer_value(json_array_get(row, 0)),
            .liquidity_net = u256_of(json_array_get(row, 1)),
        };
    }
    return (hawse_clmm_pool_t){
        .kind = HAWSE_CLMM_ALGEBRA,
        .tick = (int32_t)json_integer_value(json_object_get(state, "tick")),
        .ticks = ticks,
        .tick_count = (uint32_t)i,
        .sqrt_price = member(state, "price"),
        .liquidity = member(state, "liquidity"),
    };
}

static const json_t *state_named(const json_t *root, const char *name)
{
    json_t *state;
    size_t i;
    json_array_foreach(json_object_get(root, "states"), i, state)
    {
        if (strcmp(json_string_value(json_object_get(state, "name")), name) == 0)
            return state;
    }
    FAIL("no state %s", name);
}

static void check_swap(const json_t *row, const json_t *want, size_t i, hawse_clmm_pool_t *pool)
{
    hawse_clmm_result_t r;
    hawse_u256_t amount = member(row, "amountRequired");
    int32_t down = json_is_true(json_object_get(row, "zeroToOne"));
    CHECK_EQ(hawse_clmm_swap(pool, down, &amount, NULL, &r), HAWSE_OK);
    hawse_u256_t amount0 = member(want, "amount0"), amount1 = member(want, "amount1");
    hawse_u256_t price = member(want, "priceAfter"), liquidity = member(want, "liquidityAfter");
    check_u256("amount0", i, &r.amount0, &amount0);
    check_u256("amount1", i, &r.amount1, &amount1);
    check_u256("price", i, &r.sqrt_price, &price);
    check_u256("liquidity", i, &r.liquidity, &liquidity);
    CHECK_EQ(r.tick, json_integer_value(json_object_get(want, "tickAfter")));
    CHECK_EQ(r.steps, json_integer_value(json_object_get(want, "steps")));
    CHECK_EQ(r.crossed, json_integer_value(json_object_get(want, "ticksCrossed")));
}

TEST(swap_vectors,
     "204 swaps equal the Algebra pool's to the wei, with rows of 60 and of 1 tick a bit")
{
    json_t *root = vectors_load("amm-algebra.json"), *row;
    hawse_clmm_tick_t ticks[64];
    size_t i;
    json_array_foreach(json_object_get(root, "swaps"), i, row)
    {
        const json_t *state = state_named(root, json_string_value(json_object_get(row, "state")));
        hawse_clmm_pool_t pool = pool_of(state, ticks);
        pool.fee_ppm = (uint32_t)json_integer_value(json_object_get(row, "fee"));
        pool.tick_unit = 60;
        check_swap(row, row, i, &pool);
        pool.tick_unit = 1;
        check_swap(row, json_object_get(row, "rowUnit1"), i, &pool);
    }
    CHECK(i >= 204);
    json_decref(root);
}

/* ---- properties ---- */

enum { RANDOM_TICKS = 12 };

static hawse_u256_t random_bits(uint32_t most)
{
    hawse_u256_t r;
    test_random_bytes(&r, sizeof(r));
    hawse_u256_shift_right(&r, 256 - 1 - (uint32_t)(test_random() % most), &r);
    return r;
}

/* Positions over random ranges, and the liquidity in range at a random price. */
static hawse_clmm_pool_t random_pool(hawse_clmm_tick_t ticks[RANDOM_TICKS])
{
    hawse_clmm_pool_t p = {.kind = 1 + (uint32_t)(test_random() % 2),
                           .fee_ppm = (uint32_t)(test_random() % 100000),
                           .tick_unit = test_random() % 2 ? 60 : 1,
                           .ticks = ticks,
                           .tick_count = RANDOM_TICKS};
    int32_t at = -6000 + (int32_t)(test_random() % 100) * 60;
    for (int i = 0; i < RANDOM_TICKS; i++) {
        ticks[i] = (hawse_clmm_tick_t){.tick = at};
        at += 60 * (1 + (int32_t)(test_random() % 40));
    }
    for (int i = 0; i < RANDOM_TICKS / 2; i++) { /* position i: from tick i to tick 11 - i */
        hawse_u256_t liquidity = random_bits(100);
        ticks[i].liquidity_net = liquidity;
        hawse_i256_negate(&liquidity, &ticks[RANDOM_TICKS - 1 - i].liquidity_net);
    }
    p.tick = ticks[0].tick - 100 + (int32_t)(test_random() % 3000);
    (void)hawse_sqrt_price_at_tick(p.tick, &p.sqrt_price);
    for (int i = 0; i < RANDOM_TICKS; i++) {
        if (ticks[i].tick <= p.tick)
            (void)hawse_u256_add(&p.liquidity, &ticks[i].liquidity_net, &p.liquidity);
    }
    return p;
}

static const hawse_u256_t *token(const hawse_clmm_result_t *r, int32_t one)
{
    return one ? &r->amount1 : &r->amount0;
}

TEST(swap_monotone, "more in never gives less out, in and out have their signs, the limit holds")
{
    hawse_clmm_tick_t ticks[RANDOM_TICKS];
    for (int round = 0; round < 3000; round++) {
        hawse_clmm_pool_t pool = random_pool(ticks);
        int32_t down = (int32_t)(test_random() % 2);
        hawse_u256_t less = random_bits(100), more = random_bits(60), limit, zero = hawse_u256(0);
        hawse_clmm_result_t a, b;
        (void)hawse_u256_add(&less, &more, &more);
        if (hawse_u256_is_zero(&less))
            continue;
        (void)hawse_sqrt_price_at_tick(pool.tick + (down ? -1500 : 1500), &limit);
        CHECK_EQ(hawse_clmm_swap(&pool, down, &less, &limit, &a), HAWSE_OK);
        CHECK_EQ(hawse_clmm_swap(&pool, down, &more, &limit, &b), HAWSE_OK);
        CHECK(hawse_i256_compare(token(&a, down), &zero) <= 0);
        CHECK(hawse_i256_compare(token(&a, !down), &zero) >= 0);
        CHECK(hawse_i256_compare(token(&b, down), token(&a, down)) <= 0);
        CHECK(hawse_i256_compare(token(&a, !down), &less) <= 0);
        int32_t order = hawse_u256_compare(&a.sqrt_price, &limit);
        CHECK(down ? order >= 0 : order <= 0);
        CHECK(hawse_u256_compare(&a.community, &a.fee) <= 0);
    }
}

TEST(swap_back, "what an exact input gave, asked for as exact output, costs no more than the input")
{
    hawse_clmm_tick_t ticks[RANDOM_TICKS];
    for (int round = 0; round < 3000; round++) {
        hawse_clmm_pool_t pool = random_pool(ticks);
        int32_t down = (int32_t)(test_random() % 2);
        hawse_u256_t in = random_bits(90);
        hawse_clmm_result_t a, b;
        if (hawse_u256_is_zero(&in))
            continue;
        CHECK_EQ(hawse_clmm_swap(&pool, down, &in, NULL, &a), HAWSE_OK);
        if (hawse_u256_is_zero(token(&a, down)))
            continue;
        CHECK_EQ(hawse_clmm_swap(&pool, down, token(&a, down), NULL, &b), HAWSE_OK);
        CHECK(hawse_u256_compare(token(&b, down), token(&a, down)) == 0);
        CHECK(hawse_i256_compare(token(&b, !down), token(&a, !down)) <= 0);
    }
}

TEST(swap_exhausted, "without liquidity nothing is swapped and the price goes to the limit")
{
    hawse_clmm_pool_t pool = {.kind = HAWSE_CLMM_UNISWAP_V3, .fee_ppm = 3000, .tick_unit = 60};
    hawse_u256_t amount = hawse_u256(1000), zero = hawse_u256(0), one = hawse_u256(1);
    hawse_u256_t last = hawse_sqrt_price_min();
    hawse_clmm_result_t r;
    (void)hawse_sqrt_price_at_tick(0, &pool.sqrt_price);
    (void)hawse_u256_add(&last, &one, &last);
    CHECK_EQ(hawse_clmm_swap(&pool, 1, &amount, NULL, &r), HAWSE_OK);
    check_u256("amount0", 0, &r.amount0, &zero);
    check_u256("amount1", 0, &r.amount1, &zero);
    check_u256("price", 0, &r.sqrt_price, &last);
    CHECK_EQ(r.tick, HAWSE_TICK_MIN);
}

TEST(swap_refusals, "amount 0, a limit on the wrong side and impossible pools are refused")
{
    hawse_clmm_pool_t good = {.kind = HAWSE_CLMM_ALGEBRA, .fee_ppm = 100, .tick_unit = 1}, bad;
    hawse_u256_t amount = hawse_u256(5), zero = hawse_u256(0), end = hawse_sqrt_price_min();
    hawse_clmm_result_t r;
    (void)hawse_sqrt_price_at_tick(0, &good.sqrt_price);
#define REFUSED(pool, down, amount, limit) \
    CHECK_EQ(hawse_clmm_swap(pool, down, amount, limit, &r), HAWSE_E_INVAL)
    REFUSED(&good, 1, &zero, NULL);
    REFUSED(&good, 1, &amount, &good.sqrt_price);
    REFUSED(&good, 0, &amount, &good.sqrt_price);
    REFUSED(&good, 1, &amount, &end);
    bad = good, bad.kind = 3;
    REFUSED(&bad, 1, &amount, NULL);
    bad = good, bad.fee_ppm = HAWSE_FEE_ONE;
    REFUSED(&bad, 1, &amount, NULL);
    bad = good, bad.tick_unit = 0;
    REFUSED(&bad, 1, &amount, NULL);
    bad = good, bad.tick = 5; /* not the tick of this price */
    REFUSED(&bad, 1, &amount, NULL);
    bad = good, bad.liquidity = (hawse_u256_t){{0, 0, 1, 0}};
    REFUSED(&bad, 1, &amount, NULL);
    bad = good, bad.tick_count = 1;
    REFUSED(&bad, 1, &amount, NULL);
#undef REFUSED
}

TEST(swap_torn_ticks, "ticks that would take liquidity below 0 end the swap with an error")
{
    hawse_clmm_tick_t ticks[1] = {{.tick = -60, .liquidity_net = {{1000, 0, 0, 0}}}};
    hawse_clmm_pool_t pool = {.kind = HAWSE_CLMM_UNISWAP_V3,
                              .fee_ppm = 500,
                              .tick_unit = 10,
                              .ticks = ticks,
                              .tick_count = 1,
                              .liquidity = {{999, 0, 0, 0}}};
    hawse_u256_t amount = hawse_u256(100000);
    hawse_clmm_result_t r;
    (void)hawse_sqrt_price_at_tick(0, &pool.sqrt_price);
    CHECK_EQ(hawse_clmm_swap(&pool, 1, &amount, NULL, &r), HAWSE_E_RANGE);
    pool.liquidity = hawse_u256(1000);
    CHECK_EQ(hawse_clmm_swap(&pool, 1, &amount, NULL, &r), HAWSE_OK);
}

TEST(product_vectors, "constant-product amounts equal the routers' of Uniswap v2 and Swapr")
{
    static const struct {
        const char *name;
        uint32_t fee, one;
    } pairs[] = {{"uni", 3, 1000},
                 {"dx25", 25, 10000},
                 {"dx15", 15, 10000},
                 {"dx0", 0, 10000},
                 {"dx1000", 1000, 10000}};
    json_t *root = vectors_load("amm-univ2.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "rows"), i, row)
    {
        hawse_u256_t in = member(row, "reserveIn"), out = member(row, "reserveOut");
        hawse_u256_t amount = member(row, "amount"), got = hawse_u256(0);
        for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++) {
            for (int exact_out = 0; exact_out < 2; exact_out++) {
                char key[16];
                (void)snprintf(key, sizeof(key), "%s%s", pairs[p].name, exact_out ? "In" : "Out");
                const json_t *cell = json_object_get(row, key);
                const char *text = json_string_value(cell);
                int32_t code = (exact_out ? hawse_product_in : hawse_product_out)(
                    &in, &out, &amount, pairs[p].fee, pairs[p].one, &got);
                if (text && strncmp(text, "revert", 6) == 0) {
                    CHECK(code == HAWSE_E_RANGE || code == HAWSE_E_INVAL);
                    continue;
                }
                CHECK_EQ(code, HAWSE_OK);
                hawse_u256_t want = u256_of(cell);
                check_u256(key, i, &got, &want);
            }
        }
    }
    CHECK(i >= 30);
    json_decref(root);
}

TEST(product_properties, "out stays below the reserve and grows with in; in pays for at least out")
{
    for (int round = 0; round < 20000; round++) {
        hawse_u256_t rin = random_bits(112), rout = random_bits(112), a = random_bits(112);
        hawse_u256_t more = random_bits(100), out, out_more, back;
        (void)hawse_u256_add(&a, &more, &more);
        if (hawse_product_out(&rin, &rout, &a, 3, 1000, &out) != HAWSE_OK)
            continue;
        CHECK_EQ(hawse_product_out(&rin, &rout, &more, 3, 1000, &out_more), HAWSE_OK);
        CHECK(hawse_u256_compare(&out, &rout) < 0);
        CHECK(hawse_u256_compare(&out_more, &out) >= 0);
        if (!hawse_u256_is_zero(&out)) {
            CHECK_EQ(hawse_product_in(&rin, &rout, &out, 3, 1000, &back), HAWSE_OK);
            hawse_u256_t again;
            CHECK_EQ(hawse_product_out(&rin, &rout, &back, 3, 1000, &again), HAWSE_OK);
            CHECK(hawse_u256_compare(&again, &out) >= 0);
        }
    }
    hawse_u256_t one = hawse_u256(1), big = {{0, 0, 0, 1ull << 60}}, r;
    CHECK_EQ(hawse_product_in(&one, &one, &one, 3, 1000, &r), HAWSE_E_RANGE);
    CHECK_EQ(hawse_product_out(&big, &one, &one, 3, 1000, &r), HAWSE_E_RANGE);
    CHECK_EQ(hawse_product_out(&one, &one, &one, 1000, 1000, &r), HAWSE_E_INVAL);
}

TEST(algebra_fee, "the dynamic fee goes from its base to the sum of its parts")
{
    hawse_algebra_fee_config_t c = {.alpha1 = 2900,
                                    .alpha2 = 12000,
                                    .beta1 = 360,
                                    .beta2 = 60000,
                                    .gamma1 = 59,
                                    .gamma2 = 8500,
                                    .volume_beta = 0,
                                    .volume_gamma = 10,
                                    .base_fee = 100};
    hawse_u256_t zero = hawse_u256(0), big = hawse_u256(10000000), at = hawse_u256(360);
    uint32_t fee = 0, last = 0;
    CHECK_EQ(hawse_algebra_fee(&zero, &zero, &c, &fee), HAWSE_OK);
    CHECK_EQ(fee, 100);
    CHECK_EQ(hawse_algebra_fee(&big, &big, &c, &fee), HAWSE_OK);
    CHECK_EQ(fee, 15000);
    CHECK_EQ(hawse_algebra_fee(&at, &big, &c, &fee), HAWSE_OK);
    CHECK_EQ(fee, 100 + 2900 / 2); /* half of the first sigmoid, nothing of the second */
    for (uint64_t v = 0; v < 200000; v += 97) {
        hawse_u256_t volatility = hawse_u256(v);
        CHECK_EQ(hawse_algebra_fee(&volatility, &big, &c, &fee), HAWSE_OK);
        CHECK(fee >= last);
        last = fee;
    }
    c.gamma2 = 0;
    CHECK_EQ(hawse_algebra_fee(&zero, &zero, &c, &fee), HAWSE_E_INVAL);
}
