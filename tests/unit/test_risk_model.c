/*
 * Random cases against a model of fees and funds that shares nothing with the gates: arithmetic by
 * GMP, the rule written out once more. None above the cap passes, none without funds; what is
 * within both passes.
 */
#include "risk_rig.h"

#include <gmp.h>

#define LIMITS                                                                                    \
    "\"assets\":{\"x\":{\"decimals\":18,\"per_intent\":\"1" ZEROS "\",\"per_day\":\"1" ZEROS      \
    "\",\"keep\":"                                                                                \
    "\"0.000000000000000777\"},\"usdc\":{\"address\":\"0x" USDC                                   \
    "\",\"decimals\":0,\"per_intent\":\"1" ZEROS "\",\"per_day\":\"1" ZEROS                       \
    "\",\"keep\":\"33\"},\"weth\":{\"address\":\"0x" WETH "\",\"decimals\":18,"                   \
    "\"per_intent\":\"2\",\"per_day\":\"4\"}},\"counterparties\":{\"0x" ROUTER                    \
    "\":{\"value\":true,\"functions\":[\"swap(address,uint256)\"]}},\"intents_per_day\":1000000," \
    "\"open_intents\":10000"
#define ZEROS "00000000000000000000000000000000000000000000000000000000"

/* Any number of bits is as likely as any other, and so is being next to a power of two. */
static hawse_u256_t any(unsigned bits)
{
    hawse_u256_t n;
    test_random_bytes(&n, sizeof(n));
    hawse_u256_shift_right(&n, 256 - (uint32_t)(test_random() % (bits + 1)), &n);
    if (test_random() % 8 == 0) {
        n = hawse_u256(1);
        hawse_u256_shift_left(&n, (uint32_t)(test_random() % bits), &n);
        const hawse_u256_t one = hawse_u256(1);
        if (test_random() % 2)
            (void)hawse_u256_sub(&n, &one, &n);
    }
    return n;
}

static void into(mpz_t out, const hawse_u256_t *n)
{
    mpz_import(out, 4, -1, 8, 0, 0, n->limb);
}

static hawse_u256_t from(const mpz_t n)
{
    hawse_u256_t out = {{0, 0, 0, 0}};
    size_t count;
    if (mpz_sizeinbase(n, 2) <= 256)
        mpz_export(out.limb, &count, -1, 8, 0, 0, n);
    return out;
}

struct model {
    bool above_cap, short_of_coins, short_of_tokens, overflow;
};

/* value + gas * fee of each + in flight + 21000 * cap + what is kept */
static void native_need(const struct rig *r, mpz_t need)
{
    mpz_t a, b;
    mpz_inits(a, b, NULL);
    into(need, &r->c.in_flight_cost);
    into(a, &r->c.l1_fee);
    mpz_add(need, need, a);
    for (uint32_t i = 0; i < r->c.tx_count; i++) {
        into(a, &r->txs[i].max_fee);
        mpz_mul_ui(a, a, r->txs[i].gas_limit);
        into(b, &r->txs[i].value);
        mpz_add(need, need, a);
        mpz_add(need, need, b);
    }
    into(a, &r->c.fee_cap);
    mpz_mul_ui(a, a, 21000);
    mpz_add(need, need, a);
    mpz_add_ui(need, need, 777);
    mpz_clears(a, b, NULL);
}

static struct model judge(const struct rig *r)
{
    struct model m = {0};
    mpz_t need, have, more;
    mpz_inits(need, have, more, NULL);
    for (uint32_t i = 0; i < r->c.tx_count; i++) {
        into(need, &r->txs[i].max_fee);
        into(have, &r->c.fee_cap);
        m.above_cap = m.above_cap || mpz_cmp(need, have) > 0;
    }
    native_need(r, need);
    into(have, &r->c.native_balance);
    m.overflow = mpz_sizeinbase(need, 2) > 256;
    m.short_of_coins = mpz_cmp(have, need) < 0;
    into(need, &r->sim.flows[0].out);
    if (mpz_sgn(need) > 0) {
        into(more, &r->balances[0].in_flight);
        mpz_add(need, need, more);
        mpz_add_ui(need, need, 33);
        into(have, &r->balances[0].balance);
        m.short_of_tokens = mpz_cmp(have, need) < 0;
    }
    mpz_clears(need, have, more, NULL);
    return m;
}

/* Random fees, values and balances; every second time the balance is what is needed, give or take
 * one. */
static void shuffle(struct rig *r)
{
    mpz_t need;
    mpz_init(need);
    unsigned bits = test_random() % 16 == 0 ? 256 : 90;
    r->intent.call_count = 1;
    uint32_t calls = 1 + (uint32_t)(test_random() % 3);
    hawse_view_t data = r->calls[0].data;
    for (uint32_t i = 0; i < calls; i++)
        rig_call(r, i, ROUTER, 0, data.data, data.len);
    r->c.fee_cap = any(60);
    for (uint32_t i = 0; i < calls; i++) {
        r->calls[i].value = r->txs[i].value = any(bits);
        r->txs[i].gas_limit = test_random() % 30000000;
        r->txs[i].max_fee =
            test_random() % 4 == 0 ? r->c.fee_cap : any(test_random() % 8 ? 58 : 256);
        if (test_random() % 16 == 0) { /* one above the cap */
            const hawse_u256_t one = hawse_u256(1);
            (void)hawse_u256_add(&r->c.fee_cap, &one, &r->txs[i].max_fee);
        }
    }
    r->c.in_flight_cost = any(bits);
    r->c.l1_fee = any(60);
    r->c.native_balance = any(bits + 20 > 256 ? 256 : bits + 20);
    if (test_random() % 2) {
        native_need(r, need);
        if (test_random() % 2)
            mpz_sub_ui(need, need, 1);
        r->c.native_balance = from(need);
    }
    r->sim.flows[0].out = r->flows[0].max_out = any(180);
    r->balances[0].in_flight = any(180);
    r->balances[0].balance = any(test_random() % 16 == 0 ? 256 : 184);
    rig_bind(r);
    mpz_clear(need);
}

TEST_LIMIT(risk_model, 20,
           "100,000 random cases: none above the cap passes, none without funds, all others do")
{
    struct rig r;
    uint32_t passed = 0, above = 0, short_of = 0;
    rig_start_with(&r, ",\"mode\":\"live\"", LIMITS);
    rig_flow(&r, 2, COIN, 0, 0, 0);
    memset(&r.flows[2].max_out, 0, sizeof(r.flows[2].max_out));
    for (uint32_t i = 0; i < 100000; i++) {
        shuffle(&r);
        struct model m = judge(&r);
        risk_check(r.risk, RISK_AFTER, &r.c, &r.v);
        bool bad = m.above_cap || m.short_of_coins || m.short_of_tokens;
        if ((r.v.answer == RISK_PASS) == bad)
            FAIL("case %u: %d %s %s %s (cap %d, coins %d, tokens %d)", i, r.v.answer, r.v.gate,
                 r.v.reason, r.v.figures, m.above_cap, m.short_of_coins, m.short_of_tokens);
        if (r.v.answer == RISK_WAIT)
            CHECK(m.above_cap);
        passed += !bad;
        above += m.above_cap;
        short_of += m.short_of_coins || m.short_of_tokens;
        if (r.v.answer == RISK_PASS)
            rig_end(&r, RISK_NOT_SENT);
    }
    if (passed < 5000 || above < 5000 || short_of < 5000)
        FAIL("%u passed, %u above the cap, %u short: cases of one kind are too rare", passed, above,
             short_of);
    rig_stop(&r);
}

TEST_LIMIT(risk_held, 20, "however intents come and end, a day's sum never goes above its limit")
{
    struct rig r;
    uint64_t held[64] = {0}, number = 0, taken = 0, passed = 0, refused = 0;
    uint64_t numbers[64];
    uint32_t count = 0;
    rig_start_with(&r, ",\"mode\":\"live\"",
                   "\"assets\":{\"usdc\":{\"address\":\"0x" USDC
                   "\",\"decimals\":0,\"per_intent\":\"1000\",\"per_day\":"
                   "\"50000\"},\"weth\":{\"address\":\"0x" WETH
                   "\",\"decimals\":18,\"per_intent\":\"2\",\"per_day\":"
                   "\"4\"}},\"counterparties\":{\"0x" ROUTER
                   "\":{\"functions\":[\"swap(address,uint256)\"]}},"
                   "\"intents_per_day\":1000000,\"open_intents\":64");
    r.balances[0].balance = hawse_u256(1000000);
    r.intent.deadline_ns = 0;
    uint64_t day = NOON / BOOK_DAY_NS;
    for (uint32_t i = 0; i < 20000; i++) {
        r.c.utc_ns += UINT64_C(20000000000);
        if (r.c.utc_ns / BOOK_DAY_NS != day) {
            day = r.c.utc_ns / BOOK_DAY_NS;
            taken = 0;
        }
        uint64_t ask = test_random() % 1100, sum = taken;
        for (uint32_t k = 0; k < count; k++)
            sum += held[k];
        if (count < 64 && test_random() % 2) {
            r.c.number = ++number;
            rig_flow(&r, 0, USDC, ask, 0, 0);
            rig_sim_flow(&r, 0, USDC, ask, 0);
            rig_bind(&r);
            risk_check(r.risk, RISK_AFTER, &r.c, &r.v);
            bool good = ask <= 1000 && sum + ask <= 50000;
            if ((r.v.answer == RISK_PASS) != good)
                FAIL("%llu with %llu: %s", (unsigned long long)ask, (unsigned long long)sum,
                     r.v.reason);
            passed += good;
            refused += !good;
            if (good) {
                held[count] = ask;
                numbers[count++] = number;
            }
        } else if (count > 0) {
            uint32_t k = (uint32_t)(test_random() % count);
            struct risk_moved moved = {.out = hawse_u256(held[k] - test_random() % (held[k] + 1))};
            address_of(USDC, moved.asset);
            bool good = test_random() % 2;
            taken += good ? moved.out.limb[0] : 0;
            risk_ended(r.risk, "a", "gnosis", numbers[k], good ? RISK_SUCCEEDED : RISK_CANCELED,
                       &moved, good ? 1 : 0, r.c.utc_ns);
            held[k] = held[--count];
            numbers[k] = numbers[count];
        }
    }
    CHECK(passed > 1000 && refused > 1000);
    rig_stop(&r);
}
