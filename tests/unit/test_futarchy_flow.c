/*
 * The two ways round a futarchy market, their bounds, the search for the best size, and the calls
 * that come of it: against brute force, against an account that makes the calls in a market that
 * moves as badly as the bounds allow, and against the SDK's own encoder.
 */
#include "../../plugins/strategies/futarchy-arb/bundle.h"
#include "../../plugins/strategies/futarchy-arb/size.h"
#include "../../plugins/strategies/futarchy-arb/ticks.h"
#include "futarchy_market.h"
#include "vectors.h"

#include <hawse/abi.h>
#include <hawse/abi_codec.h>

static struct flow_rules rules_of(uint32_t slippage_ppm, bool liquidate)
{
    return (struct flow_rules){.slippage_ppm = slippage_ppm,
                               .liquidate = liquidate,
                               .gas = milli(1),
                               .min_profit = milli(2)};
}

static struct size_limits limits_of(uint64_t whole)
{
    return (struct size_limits){.max_in = milli(whole * 1000), .min_company = hawse_u256(1000000)};
}

static void check_same(const char *what, const hawse_u256_t *got, const hawse_u256_t *want)
{
    char a[HAWSE_U256_DECIMAL_MAX], b[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(got, a);
    (void)hawse_u256_decimal(want, b);
    if (strcmp(a, b) != 0)
        FAIL("%s is %s, expected %s", what, a, b);
}

/* ---- flows ---- */

TEST(buy_amounts, "a buy splits what the dearer outcome may take, and merges what both bring")
{
    struct test_market t;
    struct flow_rules rules = rules_of(3000, true);
    hawse_u256_t company = milli(2000), in, most, left, out, sale, kept[2];
    struct flow f;
    test_market(&t, 140000, 120000, 600, 135000, 300000);
    CHECK_EQ(flow_buy(&t.m, &rules, &company, &f), HAWSE_OK);
    CHECK_EQ(market_in(&t.m.leg[POOL_YES], false, &company, &in), HAWSE_OK);
    CHECK_EQ(flow_above(&in, 3000, &most), HAWSE_OK);
    check_same("YES", &f.leg[0], &in);
    check_same("split", &f.paid, &most); /* YES is the dearer one */
    CHECK_EQ(market_in(&t.m.leg[POOL_NO], false, &company, &in), HAWSE_OK);
    CHECK_EQ(flow_above(&in, 3000, &most), HAWSE_OK);
    check_same("NO at most", &f.bound[1], &most);
    (void)hawse_u256_sub(&f.paid, &most, &left);
    check_same("left", &f.left, &left);
    CHECK_EQ(f.left_token, TOKEN_NO_SDAI);
    CHECK_EQ(market_out(&t.m.leg[POOL_NO_ODDS], true, &left, &out), HAWSE_OK);
    check_same("liquidated", &f.left_out, &out);
    CHECK_EQ(market_spot_sell(&t.m.spot, &company, &sale), HAWSE_OK);
    (void)hawse_u256_add(&sale, &out, &sale);
    check_same("back", &f.back, &sale);
    flow_kept(&f, kept);
    (void)hawse_u256_sub(&most, &in, &left); /* what NO's purchase took less than it may */
    check_same("kept of NO", &kept[1], &left);
    (void)hawse_u256_sub(&f.paid, &f.leg[0], &left);
    check_same("kept of YES", &kept[0], &left);
    rules.liquidate = false;
    CHECK_EQ(flow_buy(&t.m, &rules, &company, &f), HAWSE_OK);
    CHECK(hawse_u256_is_zero(&f.left) && hawse_u256_is_zero(&f.left_out));
}

TEST(sell_amounts,
     "a sell splits exactly what it buys, and merges the smaller of two least outputs")
{
    struct test_market t;
    struct flow_rules rules = rules_of(3000, true);
    hawse_u256_t company = milli(2000), out[2], least[2], left, kept[2];
    struct flow f;
    test_market(&t, 140000, 120000, 600, 125000, 300000);
    CHECK_EQ(flow_sell(&t.m, &rules, &company, &f), HAWSE_OK);
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(market_out(&t.m.leg[POOL_YES + i], true, &company, &out[i]), HAWSE_OK);
        CHECK_EQ(flow_below(&out[i], 3000, &least[i]), HAWSE_OK);
    }
    check_same("merged", &f.merged, &least[1]);
    (void)hawse_u256_sub(&least[0], &least[1], &left);
    check_same("left", &f.left, &left);
    CHECK_EQ(f.left_token, TOKEN_YES_SDAI);
    flow_kept(&f, kept);
    for (int i = 0; i < 2; i++) {
        (void)hawse_u256_sub(&out[i], &least[i], &left);
        check_same("kept", &kept[i], &left);
    }
    CHECK_EQ(market_spot_cost(&t.m.spot, &company, &out[0]), HAWSE_OK);
    check_same("paid", &f.paid, &out[0]);
}

TEST(no_fill, "what a pool cannot fill is no flow, and a pool that is not there sells nothing")
{
    struct test_market t;
    struct flow_rules rules = rules_of(1000, true);
    hawse_u256_t company = milli(130000), none = hawse_u256(0), some = milli(100);
    struct flow f;
    test_market(&t, 140000, 120000, 600, 135000, 300000);
    CHECK_EQ(flow_sell(&t.m, &rules, &company, &f), HAWSE_E_RANGE); /* above 3/10 of the Vault's */
    CHECK_EQ(flow_buy(&t.m, &rules, &none, &f), HAWSE_E_RANGE);
    t.m.leg[POOL_NO_ODDS].there = false;
    CHECK_EQ(flow_buy(&t.m, &rules, &some, &f), HAWSE_OK);
    CHECK(hawse_u256_is_zero(&f.left));
    t.m.leg[POOL_NO].there = false;
    CHECK_EQ(flow_buy(&t.m, &rules, &some, &f), HAWSE_E_RANGE);
    CHECK_EQ(flow_sweep(&none, &none, &f), HAWSE_E_RANGE);
}

/* ---- an account that makes the calls ---- */

struct account {
    hawse_u256_t has[MARKET_TOKENS];
    bool reverted;
};

static void take(struct account *a, enum market_token token, const hawse_u256_t *n)
{
    if (hawse_u256_sub(&a->has[token], n, &a->has[token]) != 0)
        a->reverted = true;
}

static void give(struct account *a, enum market_token token, const hawse_u256_t *n)
{
    (void)hawse_u256_add(&a->has[token], n, &a->has[token]);
}

static void swap_in(struct account *a, const struct market_leg *leg, bool base_in,
                    enum market_token in, enum market_token out, const hawse_u256_t *amount,
                    const hawse_u256_t *least)
{
    hawse_u256_t got;
    take(a, in, amount);
    if (market_out(leg, base_in, amount, &got) != HAWSE_OK || hawse_u256_compare(&got, least) < 0)
        a->reverted = true;
    else
        give(a, out, &got);
}

static void sell_left(struct account *a, const struct market *m, const struct flow *f)
{
    if (!hawse_u256_is_zero(&f->left))
        swap_in(a, &m->leg[f->left_token == TOKEN_YES_SDAI ? POOL_YES_ODDS : POOL_NO_ODDS], true,
                f->left_token, TOKEN_SDAI, &f->left, &f->left_min);
}

static void run_buy(struct account *a, const struct market *m, const struct flow *f)
{
    hawse_u256_t n;
    take(a, TOKEN_SDAI, &f->paid);
    give(a, TOKEN_YES_SDAI, &f->paid);
    give(a, TOKEN_NO_SDAI, &f->paid);
    for (uint32_t i = 0; i < 2; i++) {
        if (market_in(&m->leg[POOL_YES + i], false, &f->company, &n) != HAWSE_OK ||
            hawse_u256_compare(&n, &f->bound[i]) > 0)
            a->reverted = true;
        take(a, TOKEN_YES_SDAI + i, &n);
    }
    sell_left(a, m, f);
    if (market_spot_sell(&m->spot, &f->company, &n) != HAWSE_OK ||
        hawse_u256_compare(&n, &f->spot_min) < 0)
        a->reverted = true;
    give(a, TOKEN_SDAI, &n);
}

static void run_sell(struct account *a, const struct market *m, const struct flow *f)
{
    hawse_u256_t n;
    if (market_spot_cost(&m->spot, &f->company, &n) != HAWSE_OK ||
        hawse_u256_compare(&n, &f->paid_max) > 0)
        a->reverted = true;
    take(a, TOKEN_SDAI, &n);
    for (uint32_t i = 0; i < 2; i++) {
        give(a, TOKEN_YES_COMPANY + i, &f->company);
        swap_in(a, &m->leg[POOL_YES + i], true, TOKEN_YES_COMPANY + i, TOKEN_YES_SDAI + i,
                &f->company, &f->bound[i]);
    }
    take(a, TOKEN_YES_SDAI, &f->merged);
    take(a, TOKEN_NO_SDAI, &f->merged);
    give(a, TOKEN_SDAI, &f->merged);
    sell_left(a, m, f);
}

/* The account begins with what may be put in and nothing else: whatever is short reverts. */
static struct account run(const struct market *m, const struct flow *f)
{
    struct account a = {.reverted = false};
    a.has[TOKEN_SDAI] = f->paid_max;
    (f->way == FLOW_BUY ? run_buy : run_sell)(&a, m, f);
    return a;
}

/* Another trader, in one pool: up to some per cent of what is quoted. */
static void adversary(struct test_market *t, const struct flow *f)
{
    uint32_t which = (uint32_t)(test_random() % (MARKET_POOLS + 1));
    if (which == MARKET_POOLS) {
        hawse_u256_t part = t->tokens[test_random() % 2].balance;
        hawse_u256_t n = hawse_u256(test_random() % 20000), d = hawse_u256(1000000);
        (void)hawse_u256_mul_div(&part, &n, &d, 0, &part);
        uint32_t up = (uint32_t)(test_random() % 2);
        (void)hawse_u256_add(&t->tokens[up].balance, &part, &t->tokens[up].balance);
        (void)hawse_u256_sub(&t->tokens[1 - up].balance, &part, &t->tokens[1 - up].balance);
        return;
    }
    struct market_leg *leg = &t->m.leg[which];
    hawse_u256_t amount = f->company, n = hawse_u256(test_random() % 300000),
                 d = hawse_u256(100000);
    hawse_clmm_result_t r;
    (void)hawse_u256_mul_div(&amount, &n, &d, 0, &amount);
    if (hawse_u256_is_zero(&amount) ||
        hawse_clmm_swap(&leg->pool, (int32_t)(test_random() % 2), &amount, NULL, &r) != HAWSE_OK)
        return;
    leg->pool.sqrt_price = r.sqrt_price;
    leg->pool.liquidity = r.liquidity;
    leg->pool.tick = r.tick;
}

TEST_LIMIT(gains, 20,
           "whatever a flow is decided on gains to the wei what it says when nothing moves, and "
           "otherwise the least profit after gas, or reverts")
{
    uint32_t decided = 0, moved = 0, reverted = 0;
    for (int i = 0; i < 600; i++) {
        struct test_market t;
        struct flow_rules rules = rules_of((uint32_t)(test_random() % 5000), test_random() % 2);
        struct size_limits limits = limits_of(1 + test_random() % 3000);
        struct flow f;
        hawse_u256_t had, least, gain;
        test_market_any(&t);
        enum flow_way way = test_random() % 2 ? FLOW_BUY : FLOW_SELL;
        if (size_best(&t.m, &rules, &limits, way, &f, NULL) != HAWSE_OK)
            continue;
        decided++;
        CHECK(hawse_u256_compare(&f.paid_max, &limits.max_in) <= 0);
        had = f.paid_max;
        struct account a = run(&t.m, &f);
        CHECK(!a.reverted);
        (void)hawse_u256_sub(&a.has[TOKEN_SDAI], &had, &gain);
        check_same("gain", &gain, &f.gain);
        adversary(&t, &f);
        a = run(&t.m, &f);
        moved++;
        reverted += a.reverted;
        (void)hawse_u256_add(&had, &rules.gas, &least);
        (void)hawse_u256_add(&least, &rules.min_profit, &least);
        if (!a.reverted && hawse_u256_compare(&a.has[TOKEN_SDAI], &least) < 0)
            FAIL("market %d: a transaction that went through lost", i);
    }
    CHECK(decided > 100);
    CHECK(reverted > 20 && reverted < moved); /* both came to pass */
}

/* ---- size ---- */

/* The best of 400 sizes, by looking at each. */
static bool brute(const struct test_market *t, const struct flow_rules *rules,
                  const struct size_limits *limits, enum flow_way way, hawse_u256_t *gain)
{
    bool any = false;
    hawse_u256_t step = limits->max_in, d = hawse_u256(20 * 400), at = hawse_u256(0);
    (void)hawse_u256_div(&step, &d, &step, NULL); /* 20 sDAI is less than any company token */
    for (int i = 0; i < 400; i++) {
        struct flow f;
        (void)hawse_u256_add(&at, &step, &at);
        if ((way == FLOW_BUY ? flow_buy : flow_sell)(&t->m, rules, &at, &f) != HAWSE_OK ||
            hawse_u256_compare(&f.paid_max, &limits->max_in) > 0)
            break;
        if (!any || hawse_i256_compare(&f.gain, gain) > 0)
            *gain = f.gain;
        any = true;
    }
    return any && !hawse_i256_is_negative(gain);
}

TEST_LIMIT(best, 30, "the size that is found gains as much as the best of 400, to a thousandth")
{
    uint32_t found = 0;
    for (int i = 0; i < 120; i++) {
        struct test_market t;
        struct flow_rules rules = rules_of(1000, i % 2 == 0);
        struct size_limits limits = limits_of(i % 3 == 0 ? 60000 : 50 + test_random() % 2000);
        struct flow f;
        hawse_u256_t gain, least, part, d = hawse_u256(1000);
        uint32_t quotes = 0;
        enum flow_way way = i % 4 < 2 ? FLOW_BUY : FLOW_SELL;
        test_market_any(&t);
        rules.gas = rules.min_profit = hawse_u256(0);
        if (!brute(&t, &rules, &limits, way, &gain) || hawse_u256_is_zero(&gain))
            continue;
        CHECK_EQ(size_best(&t.m, &rules, &limits, way, &f, &quotes), HAWSE_OK);
        CHECK(quotes <= SIZE_QUOTES_MAX);
        (void)hawse_u256_div(&gain, &d, &part, NULL);
        (void)hawse_u256_sub(&gain, &part, &least);
        if (hawse_i256_compare(&f.gain, &least) < 0)
            FAIL("market %d: found %.0f, the best of 400 is %.0f", i, hawse_u256_double(&f.gain),
                 hawse_u256_double(&gain));
        found++;
    }
    CHECK(found > 20);
}

TEST(no_gain, "where no size gains after gas and the least profit, there is none")
{
    struct test_market t;
    struct flow_rules rules = rules_of(0, true);
    struct size_limits limits = limits_of(100);
    struct flow f;
    test_market(&t, 140000, 120000, 600, 132000, 300000); /* at the ideal price */
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_BUY, &f, NULL), HAWSE_E_NOTFOUND);
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_SELL, &f, NULL), HAWSE_E_NOTFOUND);
    test_market(&t, 140000, 120000, 600, 136000, 300000);
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_BUY, &f, NULL), HAWSE_OK);
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_SELL, &f, NULL), HAWSE_E_NOTFOUND);
    rules.gas = f.gain; /* all of it goes into gas */
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_BUY, &f, NULL), HAWSE_E_NOTFOUND);
    rules.gas = milli(1);
    rules.min_edge_ppm = 100000;
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_BUY, &f, NULL), HAWSE_E_NOTFOUND);
}

TEST(guard, "bounds leave no room below what was put in, the gas and the least profit")
{
    struct test_market t;
    struct flow_rules rules = rules_of(20000, true);
    struct size_limits limits = limits_of(300);
    hawse_u256_t need;
    struct flow f;
    test_market(&t, 140000, 120000, 600, 137500, 30000000);
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_BUY, &f, NULL), HAWSE_OK);
    (void)hawse_u256_add(&f.paid, &rules.gas, &need);
    (void)hawse_u256_add(&need, &rules.min_profit, &need);
    CHECK(hawse_u256_compare(&f.back_min, &need) >= 0);
    test_market(&t, 140000, 120000, 600, 126500, 30000000);
    CHECK_EQ(size_best(&t.m, &rules, &limits, FLOW_SELL, &f, NULL), HAWSE_OK);
    (void)hawse_u256_add(&f.paid_max, &rules.gas, &need);
    (void)hawse_u256_add(&need, &rules.min_profit, &need);
    CHECK(hawse_u256_compare(&f.back_min, &need) >= 0);
}

/* ---- calls ---- */

static struct bundle_places places;

static void make_places(void)
{
    test_random_bytes(&places, sizeof(places));
    places.spot = BUNDLE_SPOT_V2;
}

struct expected {
    const char *type;
    const uint8_t *to;
};

/* A call as the SDK's encoder writes it: values are words in order, whatever tuples they stand in.
 */
static void check_call(const struct bundle_call *c, const char *type, const uint8_t *to)
{
    hawse_abi_declaration_t d;
    hawse_abi_reader_t r;
    uint64_t where = 0;
    CHECK_MEM(c->to, to, 20);
    CHECK_EQ(hawse_abi_parse(type, strlen(type), &d, NULL), HAWSE_OK);
    if (hawse_abi_call_read(&r, &d, c->data, c->len, HAWSE_ABI_CANONICAL, &where) != HAWSE_OK)
        FAIL("%s: not so at byte %u", type, (unsigned)where);
}

static const char split_type[] = "splitPosition(address,address,uint256)";
static const char merge_type[] = "mergePositions(address,address,uint256)";
static const char in_type[] =
    "exactInputSingle((address,address,address,uint256,uint256,uint256,uint160) p)";
static const char out_type[] =
    "exactOutputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160) p)";
static const char vault_type[] = "swap((bytes32,uint8,address,address,uint256,bytes) s,(address,"
                                 "bool,address,bool) f,uint256 limit,uint256 deadline)";

TEST(calls, "calls come in order, to their places, in the encoding of their functions")
{
    struct test_market t;
    struct flow_rules rules = rules_of(1000, true);
    hawse_u256_t company = milli(1000), some = milli(5), none = hawse_u256(0);
    struct bundle b;
    struct flow f;
    make_places();
    test_market(&t, 140000, 120000, 600, 136000, 300000);
    CHECK_EQ(flow_buy(&t.m, &rules, &company, &f), HAWSE_OK);
    CHECK_EQ(bundle_make(&places, &f, 1700000000, &b), HAWSE_OK);
    CHECK_EQ(b.count, 6);
    check_call(&b.call[0], split_type, places.router);
    check_call(&b.call[1], out_type, places.swap_router);
    check_call(&b.call[2], out_type, places.swap_router);
    check_call(&b.call[3], merge_type, places.router);
    check_call(&b.call[4], in_type, places.swap_router);
    check_call(&b.call[5], vault_type, places.vault);
    CHECK_MEM(b.call[5].data + 4 + 32 + 12, places.account, 20);
    CHECK_MEM(b.call[5].data + 4 + 7 * 32, places.spot_pool, 32);
    CHECK_EQ(bundle_check(&places, &b), HAWSE_OK);
    CHECK_EQ(flow_sell(&t.m, &rules, &company, &f), HAWSE_OK);
    CHECK_EQ(bundle_make(&places, &f, 1700000000, &b), HAWSE_OK);
    CHECK_EQ(b.count, 6);
    check_call(&b.call[0], vault_type, places.vault);
    check_call(&b.call[1], split_type, places.router);
    check_call(&b.call[2], in_type, places.swap_router);
    check_call(&b.call[3], in_type, places.swap_router);
    check_call(&b.call[4], merge_type, places.router);
    check_call(&b.call[5], in_type, places.swap_router);
    CHECK_EQ(flow_sweep(&some, &none, &f), HAWSE_OK);
    CHECK_EQ(bundle_make(&places, &f, 1700000000, &b), HAWSE_OK);
    CHECK_EQ(b.count, 1);
    check_call(&b.call[0], merge_type, places.router);
}

TEST(recover, "what a sequence left is sold in its own pool, for what that brings at least")
{
    struct test_market t;
    struct flow_rules rules = rules_of(2000, false);
    hawse_u256_t some = milli(700), out, least, none = hawse_u256(0);
    struct bundle b;
    struct flow f;
    make_places();
    test_market(&t, 140000, 120000, 600, 136000, 300000);
    CHECK_EQ(flow_recover(&t.m, &rules, TOKEN_NO_COMPANY, &some, &f), HAWSE_OK);
    CHECK_EQ(market_out(&t.m.leg[POOL_NO], true, &some, &out), HAWSE_OK);
    CHECK_EQ(flow_below(&out, 2000, &least), HAWSE_OK);
    check_same("brings", &f.left_out, &out);
    check_same("at least", &f.left_min, &least);
    CHECK(hawse_u256_is_zero(&f.gain)); /* sDAI of one outcome is no sDAI */
    CHECK_EQ(bundle_make(&places, &f, 1700000000, &b), HAWSE_OK);
    CHECK_EQ(b.count, 1);
    check_call(&b.call[0], in_type, places.swap_router);
    CHECK_MEM(b.call[0].data + 4 + 12, places.token[TOKEN_NO_COMPANY], 20);
    CHECK_MEM(b.call[0].data + 4 + 32 + 12, places.token[TOKEN_NO_SDAI], 20);
    CHECK_EQ(flow_recover(&t.m, &rules, TOKEN_COMPANY, &some, &f), HAWSE_OK);
    check_same("gain", &f.gain, &f.left_out);
    CHECK_EQ(bundle_make(&places, &f, 1700000000, &b), HAWSE_OK);
    check_call(&b.call[0], vault_type, places.vault);
    CHECK_EQ(flow_recover(&t.m, &rules, TOKEN_YES_SDAI, &some, &f), HAWSE_OK);
    CHECK_EQ(bundle_make(&places, &f, 1700000000, &b), HAWSE_OK);
    check_call(&b.call[0], in_type, places.swap_router);
    CHECK_EQ(flow_recover(&t.m, &rules, TOKEN_YES_SDAI, &none, &f), HAWSE_E_RANGE);
}

TEST(calls_refused, "no bound of 0, no swap without a deadline, no call to anybody else")
{
    struct test_market t;
    struct flow_rules rules = rules_of(1000, false);
    hawse_u256_t company = milli(1000);
    struct bundle b;
    struct flow f;
    make_places();
    test_market(&t, 140000, 120000, 600, 136000, 300000);
    CHECK_EQ(flow_buy(&t.m, &rules, &company, &f), HAWSE_OK);
    CHECK_EQ(bundle_make(&places, &f, 0, &b), HAWSE_E_INVAL);
    f.spot_min = hawse_u256(0);
    CHECK_EQ(bundle_make(&places, &f, 1, &b), HAWSE_E_INVAL);
    f.spot_min = company;
    CHECK_EQ(bundle_make(&places, &f, 1, &b), HAWSE_OK);
    CHECK_EQ(b.count, 5);
    b.call[3].to[7] ^= 1;
    CHECK_EQ(bundle_check(&places, &b), HAWSE_E_DENIED);
    b.call[3].to[7] ^= 1;
    b.call[3].data[0] ^= 1;
    CHECK_EQ(bundle_check(&places, &b), HAWSE_E_DENIED);
    b.call[3].data[0] ^= 1;
    memcpy(b.call[3].to, places.vault, 20); /* a place that is listed, by another's function */
    CHECK_EQ(bundle_check(&places, &b), HAWSE_E_DENIED);
    b.count = 0;
    CHECK_EQ(bundle_check(&places, &b), HAWSE_E_LIMIT);
    b.count = BUNDLE_CALLS + 1;
    CHECK_EQ(bundle_check(&places, &b), HAWSE_E_LIMIT);
}

/* ---- ticks ---- */

TEST(ticks, "ticks from mints and burns in any order are those of the vectors' pools")
{
    struct ticks t = {.count = 0};
    hawse_u256_t a = milli(7000), b = milli(300), minus, three;
    CHECK_EQ(ticks_add(&t, -887220, 887220, &a), HAWSE_OK);
    CHECK_EQ(ticks_add(&t, -60, 120, &b), HAWSE_OK);
    hawse_i256_negate(&b, &minus);
    CHECK_EQ(ticks_add(&t, 60, 120, &minus), HAWSE_OK); /* burnt before it is told of as minted */
    CHECK_EQ(t.count, 4);                               /* at 120 both cancel */
    CHECK_EQ(ticks_add(&t, 60, 120, &b), HAWSE_OK);
    CHECK_EQ(t.count, 4);
    (void)hawse_u256_add(&a, &b, &three);
    CHECK(ticks_match(&t, 0, &three));
    CHECK(ticks_match(&t, 119, &three));
    CHECK(ticks_match(&t, 120, &a));
    CHECK(ticks_match(&t, -61, &a));
    CHECK(!ticks_match(&t, -60, &a));
    for (uint32_t i = 1; i < t.count; i++)
        CHECK(t.tick[i - 1].tick < t.tick[i].tick);
    CHECK_EQ(ticks_add(&t, 60, 60, &b), HAWSE_E_INVAL);
    CHECK(!ticks_match(&t, 0, &three)); /* what did not fit makes all of it doubtful */
    ticks_clear(&t);
    for (int32_t i = 0; i < TICKS_MAX / 2; i++)
        CHECK_EQ(ticks_add(&t, 2 * i, 2 * i + 1, &b), HAWSE_OK);
    CHECK_EQ(ticks_add(&t, -2, -1, &b), HAWSE_E_LIMIT);
}
