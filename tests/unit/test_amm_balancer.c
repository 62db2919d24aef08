/*
 * Balancer's fixed-point powers, weighted and stable pools: against results of the contracts' own
 * bytecode (tests/vectors), against exact rational conditions by GMP, and properties of any pool.
 */
#include "amm_vectors.h"

#include <gmp.h>
#include <hawse/amm/balancer.h>

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

static void check_power(size_t row, const char *what, int32_t code, const hawse_u256_t *got,
                        const json_t *want)
{
    if (strcmp(json_string_value(want), "revert") == 0) {
        if (code != HAWSE_E_RANGE)
            FAIL("row %zu: %s gave %d, expected a revert", row, what, code);
        return;
    }
    hawse_u256_t value = u256_of(want);
    if (code != HAWSE_OK)
        FAIL("row %zu: %s gave %d", row, what, code);
    check_u256(what, row, got, &value);
}

TEST(power_vectors, "126 powers equal the contracts' library, plain and rounded either way")
{
    json_t *root = vectors_load("amm-balancer.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "pow"), i, row)
    {
        hawse_u256_t x = u256_of(json_array_get(row, 0)), y = u256_of(json_array_get(row, 1)), r;
        int32_t code = hawse_bal_pow(&x, &y, &r, NULL);
        check_power(i, "pow", code, &r, json_array_get(row, 2));
        code = hawse_bal_pow_up(&x, &y, 1, &r, NULL);
        check_power(i, "powUp", code, &r, json_array_get(row, 3));
        code = hawse_bal_pow_down(&x, &y, 1, &r, NULL);
        check_power(i, "powDown", code, &r, json_array_get(row, 4));
    }
    CHECK(i >= 126);
    json_decref(root);
}

TEST(power_errors, "bases, exponents and products out of bounds give the contract's numbers")
{
    hawse_u256_t x = {{0, 0, 0, 1ull << 63}}, y = hawse_u256(1), r = hawse_u256(9), nine = r;
    uint32_t bal = 0;
    CHECK_EQ(hawse_bal_pow(&x, &y, &r, &bal), HAWSE_E_RANGE);
    CHECK_EQ(bal, HAWSE_BAL_X_OUT_OF_BOUNDS);
    x = power_of_ten(18);
    y = power_of_ten(57);
    CHECK_EQ(hawse_bal_pow(&x, &y, &r, &bal), HAWSE_E_RANGE);
    CHECK_EQ(bal, HAWSE_BAL_Y_OUT_OF_BOUNDS);
    x = power_of_ten(36);
    y = power_of_ten(19);
    CHECK_EQ(hawse_bal_pow(&x, &y, &r, &bal), HAWSE_E_RANGE);
    CHECK_EQ(bal, HAWSE_BAL_PRODUCT_OUT);
    check_u256("untouched", 0, &r, &nine);
    x = hawse_u256(0);
    CHECK_EQ(hawse_bal_pow(&x, &y, &r, &bal), HAWSE_OK);
    CHECK(hawse_u256_is_zero(&r));
}

TEST(weighted_vectors, "182 swaps equal the Vault's on weighted pools, reverts by number")
{
    json_t *root = vectors_load("amm-balancer.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "v2Weighted"), i, row)
    {
        hawse_bal_token_t tokens[2] = {
            {.balance = member(row, "balanceIn"), .weight = member(row, "weightIn")},
            {.balance = member(row, "balanceOut"), .weight = member(row, "weightOut")}};
        uint32_t in = (uint32_t)json_integer_value(json_object_get(row, "decimalsIn"));
        uint32_t out = (uint32_t)json_integer_value(json_object_get(row, "decimalsOut"));
        tokens[0].scaling = power_of_ten(36 - in);
        tokens[1].scaling = power_of_ten(36 - out);
        hawse_bal_pool_t pool = {.kind = HAWSE_BAL_WEIGHTED,
                                 .token_count = 2,
                                 .tokens = tokens,
                                 .swap_fee = member(row, "swapFee")};
        hawse_u256_t amount = member(row, "amount"), got;
        bool exact_out = strcmp(json_string_value(json_object_get(row, "kind")), "GIVEN_OUT") == 0;
        uint32_t bal = 0;
        int32_t code = hawse_bal_swap(&pool, 0, 1, &amount, exact_out, &got, &bal);
        const char *result = json_string_value(json_object_get(row, "result"));
        if (strncmp(result, "revert BAL#", 11) == 0) {
            CHECK_EQ(code, HAWSE_E_RANGE);
            CHECK_EQ(bal, atoi(result + 11));
            continue;
        }
        hawse_u256_t want = u256_text(result);
        CHECK_EQ(code, HAWSE_OK);
        check_u256("result", i, &got, &want);
    }
    CHECK(i >= 182);
    json_decref(root);
}

/* ---- properties ---- */

static hawse_u256_t random_between(uint32_t least_bits, uint32_t most_bits)
{
    hawse_u256_t r;
    test_random_bytes(&r, sizeof(r));
    uint32_t bits = least_bits + (uint32_t)(test_random() % (most_bits - least_bits + 1));
    r.limb[3] |= 1ull << 63;
    hawse_u256_shift_right(&r, 256 - bits, &r);
    return r;
}

/* A pool of any kind with balances of like size. */
static hawse_bal_pool_t random_pool(hawse_bal_token_t tokens[HAWSE_BAL_STABLE_MAX], uint32_t kind)
{
    hawse_bal_pool_t p = {.kind = kind,
                          .token_count = 2 + (uint32_t)(test_random() % 4),
                          .tokens = tokens,
                          .swap_fee = hawse_u256(test_random() % 100000000000000000u),
                          .amplification = hawse_u256(1000 + test_random() % 5000000)};
    uint64_t weight = 1000000000000000000u;
    for (uint32_t i = 0; i < p.token_count; i++) {
        uint64_t part = i + 1 == p.token_count ? weight : 10000000000000000u + test_random() % 100;
        uint32_t decimals = test_random() % 2 ? 18 : 6;
        weight -= part;
        tokens[i] = (hawse_bal_token_t){.scaling = power_of_ten(36 - decimals),
                                        .weight = hawse_u256(part),
                                        .balance = decimals == 18 ? random_between(70, 85)
                                                                  : random_between(30, 45)};
    }
    return p;
}

TEST(balancer_properties, "out stays within the balance and grows with in, but for the error bound")
{
    hawse_bal_token_t tokens[HAWSE_BAL_STABLE_MAX];
    uint32_t answered = 0;
    for (int round = 0; round < 4000; round++) {
        hawse_bal_pool_t p = random_pool(tokens, 1 + (uint32_t)(round % 4));
        uint32_t in = (uint32_t)(test_random() % p.token_count), out = (in + 1) % p.token_count;
        hawse_u256_t amount = tokens[in].balance, more, got, got_more, again;
        hawse_u256_shift_right(&amount, 2 + (uint32_t)(test_random() % 60), &amount);
        hawse_u256_t eighth = amount;
        hawse_u256_shift_right(&eighth, 3, &eighth);
        (void)hawse_u256_add(&amount, &eighth, &more);
        if (hawse_bal_swap(&p, in, out, &amount, 0, &got, NULL) != HAWSE_OK ||
            hawse_bal_swap(&p, in, out, &more, 0, &got_more, NULL) != HAWSE_OK)
            continue;
        answered++;
        CHECK(hawse_u256_compare(&got, &tokens[out].balance) <= 0);
        /* a smaller power may be more exact: the error bound is 10^-14 of the balance */
        hawse_u256_t slack = tokens[out].balance, bound = power_of_ten(13);
        (void)hawse_u256_div(&slack, &bound, &slack, NULL);
        (void)hawse_u256_add(&got_more, &slack, &again);
        CHECK(hawse_u256_compare(&again, &got) >= 0);
    }
    CHECK(answered > 2000);
}

/* A n^n sum + D = A n^n D + D^(n+1) / (n^n prod): the sides differ in sign one above the root. */
static int invariant_sign(const hawse_u256_t *balances, uint32_t n, uint64_t amp, const mpz_t d)
{
    mpz_t left, right, product, sum, t;
    mpz_inits(left, right, product, sum, t, NULL);
    mpz_set_ui(product, 1);
    for (uint32_t i = 0; i < n; i++) {
        mpz_import(t, 4, -1, 8, 0, 0, balances[i].limb);
        mpz_add(sum, sum, t);
        mpz_mul(product, product, t);
        mpz_mul_ui(product, product, n);
    }
    /* times product * 1000: left = (amp n sum + 1000 d) product */
    mpz_mul_ui(left, sum, amp * n);
    mpz_mul_ui(t, d, 1000);
    mpz_add(left, left, t);
    mpz_mul(left, left, product);
    mpz_mul_ui(right, d, amp * n);
    mpz_mul(right, right, product);
    mpz_pow_ui(t, d, n + 1);
    mpz_mul_ui(t, t, 1000);
    mpz_add(right, right, t);
    int sign = mpz_cmp(left, right);
    mpz_clears(left, right, product, sum, t, NULL);
    return sign;
}

TEST(invariant_root, "a stable invariant is the equation's root to a few units")
{
    hawse_u256_t balances[4], d;
    mpz_t low, high;
    mpz_inits(low, high, NULL);
    for (int round = 0; round < 2000; round++) {
        uint32_t n = 2 + (uint32_t)(test_random() % 3);
        uint64_t amp = 1000 + test_random() % 5000000;
        hawse_u256_t a = hawse_u256(amp);
        for (uint32_t i = 0; i < n; i++)
            balances[i] = random_between(74, 80);
        CHECK_EQ(hawse_bal_invariant(HAWSE_BAL_STABLE, &a, balances, n, &d, NULL), HAWSE_OK);
        mpz_import(low, 4, -1, 8, 0, 0, d.limb);
        mpz_add_ui(high, low, 3);
        mpz_sub_ui(low, low, 3);
        CHECK(invariant_sign(balances, n, amp, low) > 0);
        CHECK(invariant_sign(balances, n, amp, high) < 0);
    }
    mpz_clears(low, high, NULL);
}

TEST(balancer_refusals, "indices, kinds, fees and scalings out of bounds are refused")
{
    hawse_bal_token_t tokens[HAWSE_BAL_STABLE_MAX];
    hawse_bal_pool_t good = random_pool(tokens, HAWSE_BAL_STABLE), bad;
    hawse_u256_t amount = hawse_u256(1), r = hawse_u256(4), four = r;
#define REFUSED(pool, in, out) \
    CHECK_EQ(hawse_bal_swap(pool, in, out, &amount, 0, &r, NULL), HAWSE_E_INVAL)
    REFUSED(&good, 0, 0);
    REFUSED(&good, 0, good.token_count);
    REFUSED(&good, UINT32_MAX, 0);
    bad = good, bad.kind = 5;
    REFUSED(&bad, 0, 1);
    bad = good, bad.swap_fee = power_of_ten(18);
    REFUSED(&bad, 0, 1);
    bad = good, bad.token_count = HAWSE_BAL_STABLE_MAX + 1;
    REFUSED(&bad, 0, 1);
    tokens[1].scaling = hawse_u256(0);
    REFUSED(&good, 0, 1);
#undef REFUSED
    check_u256("untouched", 0, &r, &four);
    CHECK_EQ(hawse_bal_invariant(HAWSE_BAL_WEIGHTED, &amount, &r, 1, &r, NULL), HAWSE_E_INVAL);
    CHECK_EQ(hawse_bal_invariant(HAWSE_BAL_STABLE, &amount, &r, 0, &r, NULL), HAWSE_E_INVAL);
}

TEST(amplification_line, "the amplification moves in a straight line, cut toward its start")
{
    CHECK_EQ_U64(hawse_bal_amplification(1000, 2000, 100, 200, 99), 1000);
    CHECK_EQ_U64(hawse_bal_amplification(1000, 2000, 100, 200, 150), 1500);
    CHECK_EQ_U64(hawse_bal_amplification(1000, 1007, 100, 203, 150), 1003);
    CHECK_EQ_U64(hawse_bal_amplification(1007, 1000, 100, 203, 150), 1004);
    CHECK_EQ_U64(hawse_bal_amplification(1000, 2000, 100, 200, 200), 2000);
    CHECK_EQ_U64(hawse_bal_amplification(1000, 2000, 0, 0, 0), 2000);
}
