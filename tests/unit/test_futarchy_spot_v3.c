/*
 * A spot pool of Balancer v3: quotes through pool and buffer against the two of them by hand, and
 * the batch router's calls against the SDK's own encoder.
 */
#include "../../plugins/strategies/futarchy-arb/bundle.h"
#include "futarchy_market.h"

#include <hawse/abi_codec.h>
#include <hawse/u256.h>

static const hawse_u256_t shares = {{0x9fd0803ce8000000u, 0x33b2e3cu, 0, 0}}; /* 10^27 */
static const char in_type[] = "swapExactIn((address,(address,address,bool)[],uint256,uint256)[] p,"
                              "uint256 deadline,bool e,bytes d)";
static const char out_type[] = "swapExactOut((address,(address,address,bool)[],uint256,uint256)[] "
                               "p,uint256 deadline,bool e,bytes d)";

struct spot {
    struct market_spot s;
    hawse_bal3_token_t token[2];
};

/* 400 of the wrapper, or of the company token itself, against 54,000 sDAI. */
static void begin(struct spot *x, bool wrapped)
{
    hawse_u256_t ray = hawse_u256(1034567890123456789u), billion = hawse_u256(1000000000);
    hawse_u256_t one = hawse_u256(1), raw[2] = {milli(400000), milli(54000000)};
    memset(x, 0, sizeof(*x));
    for (uint32_t i = 0; i < 2; i++) {
        x->token[i].factor = hawse_u256(1);
        x->token[i].rate = hawse_u256(i ? 1259870628000000001u : 1034567890123456789u);
        x->token[i].weight = hawse_u256(500000000000000000u);
        CHECK_EQ(hawse_bal3_live(&raw[i], &x->token[i].factor, &x->token[i].rate, &x->token[i].live,
                                 NULL),
                 HAWSE_OK);
    }
    x->s = (struct market_spot){.company = 0,
                                .sdai = 1,
                                .is_v3 = true,
                                .wrapped = wrapped,
                                .live = {.kind = HAWSE_BAL3_WEIGHTED,
                                         .token_count = 2,
                                         .tokens = x->token,
                                         .swap_fee = hawse_u256(3000000000000000u),
                                         .minimum_trade = hawse_u256(1000000)},
                                .wrapper = {.shares = shares},
                                .minimum_wrap = hawse_u256(10000)};
    (void)hawse_u256_mul_div(&ray, &billion, &one, 0, &x->s.wrapper.assets);
}

static void check_same(const char *what, const hawse_u256_t *got, const hawse_u256_t *want)
{
    if (hawse_u256_compare(got, want) != 0)
        FAIL("%s: quoted otherwise than pool and buffer one after the other", what);
}

TEST(v3_paths, "a quote is what buffer and pool answer one after the other, from the known amount")
{
    struct spot x;
    hawse_u256_t company = milli(2500), sdai = milli(300000), got, between, want;
    const hawse_u256_t *least;
    begin(&x, true);
    least = &x.s.minimum_wrap;
    CHECK_EQ(market_spot_sell(&x.s, &company, &got), HAWSE_OK);
    CHECK_EQ(hawse_bal3_buffer(&x.s.wrapper, 1, &company, 0, least, &between, NULL), HAWSE_OK);
    CHECK_EQ(hawse_bal3_swap(&x.s.live, 0, 1, &between, 0, &want, NULL), HAWSE_OK);
    check_same("sale", &got, &want);
    CHECK_EQ(market_spot_cost(&x.s, &company, &got), HAWSE_OK);
    CHECK_EQ(hawse_bal3_buffer(&x.s.wrapper, 0, &company, 1, least, &between, NULL), HAWSE_OK);
    CHECK_EQ(hawse_bal3_swap(&x.s.live, 1, 0, &between, 1, &want, NULL), HAWSE_OK);
    check_same("purchase", &got, &want);
    CHECK_EQ(market_spot_buy(&x.s, &sdai, &got), HAWSE_OK);
    CHECK_EQ(hawse_bal3_swap(&x.s.live, 1, 0, &sdai, 0, &between, NULL), HAWSE_OK);
    CHECK_EQ(hawse_bal3_buffer(&x.s.wrapper, 0, &between, 0, least, &want, NULL), HAWSE_OK);
    check_same("purchase for sDAI", &got, &want);
    begin(&x, false);
    CHECK_EQ(market_spot_sell(&x.s, &company, &got), HAWSE_OK);
    CHECK_EQ(hawse_bal3_swap(&x.s.live, 0, 1, &company, 0, &want, NULL), HAWSE_OK);
    check_same("sale without a wrapper", &got, &want);
    company = hawse_u256(100); /* below what is swapped at all */
    CHECK_EQ(market_spot_sell(&x.s, &company, &got), HAWSE_E_RANGE);
    begin(&x, true);
    CHECK_EQ(market_spot_sell(&x.s, &company, &got), HAWSE_E_RANGE);
}

/* ---- calls ---- */

static struct bundle_places places_of(bool wrapped)
{
    struct bundle_places p;
    memset(&p, 0, sizeof(p));
    test_random_bytes(p.router, 20);
    test_random_bytes(p.swap_router, 20);
    test_random_bytes(p.vault, 20);
    test_random_bytes(p.batch_router, 20);
    test_random_bytes(p.spot_pool + 12, 20);
    test_random_bytes(p.token, sizeof(p.token));
    if (wrapped)
        test_random_bytes(p.wrapper, 20);
    p.spot = BUNDLE_SPOT_V3;
    return p;
}

/* Words of the call, from the first after its selector. */
static const uint8_t *word(const struct bundle_call *c, uint32_t n)
{
    return c->data + 4 + 32 * n;
}

static void check_step(const struct bundle_call *c, uint32_t n, const uint8_t *pool,
                       const uint8_t *out, uint8_t buffer)
{
    CHECK_MEM(word(c, 11 + 3 * n) + 12, pool, 20);
    CHECK_MEM(word(c, 12 + 3 * n) + 12, out, 20);
    CHECK_EQ(word(c, 13 + 3 * n)[31], buffer);
}

static void check_type(const struct bundle_call *c, const char *type)
{
    hawse_abi_declaration_t d;
    hawse_abi_reader_t r;
    uint64_t where = 0;
    CHECK_EQ(hawse_abi_parse(type, strlen(type), &d, NULL), HAWSE_OK);
    if (hawse_abi_call_read(&r, &d, c->data, c->len, HAWSE_ABI_CANONICAL, &where) != HAWSE_OK)
        FAIL("%s: not so at byte %u", type, (unsigned)where);
}

/* The only call of a sale, or the first of a flow that begins with a purchase. */
static struct bundle_call call_of(const struct bundle_places *at, enum flow_way way)
{
    struct bundle b;
    struct flow f = {.way = way,
                     .left_token = TOKEN_COMPANY,
                     .company = hawse_u256(1111),
                     .paid_max = hawse_u256(2222),
                     .bound = {hawse_u256(1), hawse_u256(1)},
                     .merged = hawse_u256(1)};
    if (way == FLOW_RECOVER) {
        f.left = hawse_u256(1111);
        f.left_min = hawse_u256(3333);
    }
    CHECK_EQ(bundle_make(at, &f, 1700000000, &b), HAWSE_OK);
    CHECK_EQ(bundle_check(at, &b), HAWSE_OK);
    return b.call[0];
}

TEST(v3_calls, "sales wrap and swap exactly what is there, purchases end at exactly what is wanted")
{
    struct bundle_places at = places_of(true);
    struct bundle_call c = call_of(&at, FLOW_RECOVER);
    check_type(&c, in_type);
    CHECK_MEM(c.to, at.batch_router, 20);
    CHECK_MEM(word(&c, 6) + 12, at.token[TOKEN_COMPANY], 20);
    CHECK(word(&c, 8)[30] == 1111 >> 8 && word(&c, 9)[30] == 3333 >> 8);
    check_step(&c, 0, at.wrapper, at.wrapper, 1);
    check_step(&c, 1, at.spot_pool + 12, at.token[TOKEN_SDAI], 0);
    c = call_of(&at, FLOW_SELL);
    check_type(&c, out_type);
    CHECK_MEM(word(&c, 6) + 12, at.token[TOKEN_SDAI], 20);
    CHECK(word(&c, 8)[30] == 2222 >> 8 && word(&c, 9)[30] == 1111 >> 8);
    check_step(&c, 0, at.spot_pool + 12, at.wrapper, 0);
    check_step(&c, 1, at.wrapper, at.token[TOKEN_COMPANY], 1);
    at = places_of(false);
    c = call_of(&at, FLOW_RECOVER);
    check_type(&c, in_type);
    check_step(&c, 0, at.spot_pool + 12, at.token[TOKEN_SDAI], 0);
    c = call_of(&at, FLOW_SELL);
    check_type(&c, out_type);
    check_step(&c, 0, at.spot_pool + 12, at.token[TOKEN_COMPANY], 0);
}

TEST(v3_calls_refused,
     "the Vault of v2 has no place in a bundle of v3, nor the router in one of v2")
{
    struct bundle_places at = places_of(true);
    struct bundle b = {.count = 1};
    b.call[0] = call_of(&at, FLOW_RECOVER);
    at.spot = BUNDLE_SPOT_V2;
    CHECK_EQ(bundle_check(&at, &b), HAWSE_E_DENIED);
    b.call[0] = call_of(&at, FLOW_RECOVER);
    CHECK_EQ(bundle_check(&at, &b), HAWSE_OK);
    at.spot = BUNDLE_SPOT_V3;
    CHECK_EQ(bundle_check(&at, &b), HAWSE_E_DENIED);
}
