/*
 * Balancer v3's pools and ERC-4626 buffers: against balancer-maths' results (tests/vectors), what
 * later pools and the Vault do differently, and properties of any pool.
 */
#include "amm_vectors.h"

#include <hawse/amm/balancer_v3.h>

static const hawse_u256_t one = {{1000000000000000000u, 0, 0, 0}};

static bool is_out(const json_t *row)
{
    return strcmp(json_string_value(json_object_get(row, "kind")), "GIVEN_OUT") == 0;
}

static hawse_u256_t item(const json_t *row, const char *key, uint32_t i)
{
    return u256_of(json_array_get(json_object_get(row, key), i));
}

static hawse_bal3_pool_t pool_of_row(const json_t *row, hawse_bal3_token_t tokens[2])
{
    bool stable = strcmp(json_string_value(json_object_get(row, "poolType")), "STABLE") == 0;
    hawse_bal3_pool_t p = {.kind = stable ? HAWSE_BAL3_STABLE : HAWSE_BAL3_WEIGHTED,
                           .token_count = 2,
                           .tokens = tokens,
                           .swap_fee = member(row, "swapFee")};
    for (uint32_t i = 0; i < 2; i++) {
        tokens[i] = (hawse_bal3_token_t){.live = item(row, "balancesLiveScaled18", i),
                                         .factor = item(row, "decimalScalingFactors", i),
                                         .rate = item(row, "tokenRates", i)};
        if (!stable)
            tokens[i].weight = item(row, "weights", i);
    }
    if (stable)
        p.amplification = member(row, "amp");
    return p;
}

TEST(v3_swap_vectors, "80 swaps equal balancer-maths, with rates and decimals, both ways")
{
    json_t *root = vectors_load("amm-balancer.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "v3Swap"), i, row)
    {
        hawse_bal3_token_t tokens[2];
        hawse_bal3_pool_t pool = pool_of_row(row, tokens);
        hawse_u256_t amount = member(row, "amountRaw"), want = member(row, "result"), got;
        uint32_t in = (uint32_t)json_integer_value(json_object_get(row, "indexIn"));
        uint32_t out = (uint32_t)json_integer_value(json_object_get(row, "indexOut"));
        CHECK_EQ(hawse_bal3_swap(&pool, in, out, &amount, is_out(row), &got, NULL), HAWSE_OK);
        check_u256("result", i, &got, &want);
    }
    CHECK_EQ(i, 80);
    json_decref(root);
}

TEST(v3_buffer_vectors, "36 conversions equal balancer-maths; the Vault's are a unit beside them")
{
    json_t *root = vectors_load("amm-balancer.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "v3Buffer"), i, row)
    {
        hawse_bal3_wrapper_t wrapper = {.assets = member(row, "rate"), .shares = one};
        hawse_u256_t amount = member(row, "amountRaw"), want = member(row, "result"), got, near;
        hawse_u256_t zero = hawse_u256(0), unit = hawse_u256(1);
        const char *direction = json_string_value(json_object_get(row, "direction"));
        bool wrap = strcmp(direction, "wrap") == 0;
        CHECK_EQ(hawse_bal3_convert(&wrapper, wrap, &amount, is_out(row), &got), HAWSE_OK);
        check_u256("result", i, &got, &want);
        /* the Vault: its answer to a unit less or more, and that a unit less or more */
        if (is_out(row))
            (void)hawse_u256_add(&amount, &unit, &near);
        else
            (void)hawse_u256_sub(&amount, &unit, &near);
        CHECK_EQ(hawse_bal3_convert(&wrapper, wrap, &near, is_out(row), &want), HAWSE_OK);
        if (is_out(row))
            (void)hawse_u256_add(&want, &unit, &want);
        else
            (void)hawse_u256_sub(&want, &unit, &want);
        CHECK_EQ(hawse_bal3_buffer(&wrapper, wrap, &amount, is_out(row), &zero, &got, NULL),
                 HAWSE_OK);
        check_u256("buffer", i, &got, &want);
    }
    CHECK_EQ(i, 36);
    json_decref(root);
}

static hawse_u256_t units(uint64_t n)
{
    hawse_u256_t r = hawse_u256(n);
    uint64_t wide[8];
    hawse_u256_mul(&r, &one, wide);
    return (hawse_u256_t){{wide[0], wide[1], wide[2], wide[3]}};
}

/* 1,000 of one against 135,000 of the other, at rates that are not whole. */
static hawse_bal3_pool_t sample(hawse_bal3_token_t tokens[2], uint32_t kind)
{
    for (uint32_t i = 0; i < 2; i++) {
        tokens[i] = (hawse_bal3_token_t){
            .live = units(i ? 135000 : 1000),
            .factor = hawse_u256(1),
            .rate = hawse_u256(i ? 1259870628000000001u : 1034567890123456789u),
            .weight = hawse_u256(500000000000000000u)};
    }
    return (hawse_bal3_pool_t){.kind = kind,
                               .token_count = 2,
                               .tokens = tokens,
                               .swap_fee = hawse_u256(3000000000000000u),
                               .minimum_trade = hawse_u256(1000000)};
}

TEST(v3_limits, "what the Vault or the pool would refuse is refused, with the reason")
{
    hawse_bal3_token_t tokens[2];
    hawse_bal3_pool_t p = sample(tokens, HAWSE_BAL3_WEIGHTED);
    hawse_u256_t amount = hawse_u256(0), got = hawse_u256(9), nine = got;
    uint32_t why = 0;
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 0, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL3_TRADE_TOO_SMALL);
    amount = hawse_u256(900000); /* below a million, scaled */
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 0, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL3_TRADE_TOO_SMALL);
    amount = hawse_u256(2000000); /* of the cheap token: what would come out is too small */
    CHECK_EQ(hawse_bal3_swap(&p, 1, 0, &amount, 0, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL3_TRADE_TOO_SMALL);
    amount = units(301);
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 0, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL_MAX_IN_RATIO);
    amount = units(40501);
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 1, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL_MAX_OUT_RATIO);
    check_u256("untouched", 0, &got, &nine);
    CHECK_EQ(hawse_bal3_swap(&p, 0, 0, &amount, 1, &got, &why), HAWSE_E_INVAL);
    CHECK_EQ(hawse_bal3_swap(&p, 0, 2, &amount, 1, &got, &why), HAWSE_E_INVAL);
    p.kind = HAWSE_BAL_WEIGHTED;
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 1, &got, &why), HAWSE_E_INVAL);
    p.kind = HAWSE_BAL3_WEIGHTED;
    tokens[1].rate = hawse_u256(0);
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 1, &got, &why), HAWSE_E_INVAL);
}

TEST(v3_minimum, "a later weighted pool gives a unit less and keeps a least balance")
{
    hawse_bal3_token_t tokens[2];
    hawse_bal3_pool_t p = sample(tokens, HAWSE_BAL3_WEIGHTED);
    hawse_u256_t amount = units(10), first, later;
    uint32_t why = 0;
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 0, &first, NULL), HAWSE_OK);
    p.kind = HAWSE_BAL3_WEIGHTED_MIN;
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 0, &later, NULL), HAWSE_OK);
    CHECK(hawse_u256_compare(&later, &first) <= 0);
    CHECK_EQ(hawse_bal3_swap(&p, 1, 0, &amount, 1, &later, NULL), HAWSE_OK);
    p.kind = HAWSE_BAL3_WEIGHTED;
    CHECK_EQ(hawse_bal3_swap(&p, 1, 0, &amount, 1, &first, NULL), HAWSE_OK);
    CHECK(hawse_u256_compare(&later, &first) >= 0);
    p.kind = HAWSE_BAL3_WEIGHTED_MIN;
    tokens[0].minimum = units(1000); /* what comes in is a unit above it */
    CHECK_EQ(hawse_bal3_swap(&p, 0, 1, &amount, 0, &later, &why), HAWSE_OK);
    CHECK_EQ(hawse_bal3_swap(&p, 1, 0, &amount, 1, &later, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL3_BELOW_MINIMUM);
}

TEST(v3_wrap_limits, "amounts that a buffer would refuse are refused")
{
    hawse_bal3_wrapper_t wrapper = {.assets = hawse_u256(2), .shares = hawse_u256(1)};
    hawse_u256_t minimum = hawse_u256(10000), amount = hawse_u256(9999), got = hawse_u256(9);
    uint32_t why = 0;
    CHECK_EQ(hawse_bal3_buffer(&wrapper, 1, &amount, 0, &minimum, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL3_WRAP_TOO_SMALL);
    amount = hawse_u256(20000); /* 9,998 shares */
    CHECK_EQ(hawse_bal3_buffer(&wrapper, 1, &amount, 0, &minimum, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL3_WRAP_TOO_SMALL);
    CHECK_EQ(hawse_bal3_buffer(&wrapper, 1, &amount, 1, &minimum, &got, &why), HAWSE_OK);
    CHECK_EQ(got.limb[0], 40003); /* 2 * 20,001 + 1 */
    memset(&amount, 0xff, sizeof(amount));
    CHECK_EQ(hawse_bal3_buffer(&wrapper, 1, &amount, 1, &minimum, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL_ADD_OVERFLOW);
    CHECK_EQ(hawse_bal3_buffer(&wrapper, 0, &amount, 0, &minimum, &got, &why), HAWSE_E_RANGE);
    CHECK_EQ(why, HAWSE_BAL_MUL_OVERFLOW);
    amount = minimum = hawse_u256(0); /* no minimum: a unit less than nothing */
    CHECK_EQ(hawse_bal3_buffer(&wrapper, 0, &amount, 0, &minimum, &got, &why), HAWSE_E_RANGE);
    wrapper.shares = hawse_u256(0);
    CHECK_EQ(hawse_bal3_buffer(&wrapper, 0, &amount, 0, &minimum, &got, &why), HAWSE_E_INVAL);
    CHECK_EQ(hawse_bal3_convert(&wrapper, 0, &amount, 0, &got), HAWSE_E_INVAL);
}

TEST(v3_both_ways, "what came out costs no more than was given for it, but for the powers' margin")
{
    uint32_t answered = 0;
    for (int round = 0; round < 4000; round++) {
        hawse_bal3_token_t tokens[2];
        hawse_bal3_pool_t p = sample(tokens, HAWSE_BAL3_WEIGHTED + (uint32_t)(round % 3));
        p.swap_fee = hawse_u256(0);
        p.amplification = hawse_u256(1000 + test_random() % 1000000);
        tokens[0].live = tokens[1].live = units(1000);
        tokens[0].rate = hawse_u256(900000000000000000u + test_random() % 900000000000000000u);
        tokens[1].factor = hawse_u256(round % 2 ? 1 : 1000000000000u);
        hawse_u256_t given = hawse_u256(1000000000000u + test_random() % 100000000000000000u);
        hawse_u256_t out, back;
        if (hawse_bal3_swap(&p, 0, 1, &given, 0, &out, NULL) != HAWSE_OK ||
            hawse_bal3_swap(&p, 0, 1, &out, 1, &back, NULL) != HAWSE_OK)
            continue;
        answered++;
        hawse_u256_t slack = hawse_u256(10000000000000u);
        (void)hawse_u256_add(&given, &slack, &given);
        CHECK(hawse_u256_compare(&back, &given) <= 0);
    }
    CHECK(answered > 2000);
}
