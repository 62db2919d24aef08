/*
 * AMM formulas on any numbers: nothing crashes or runs on for ever, errors write nothing, what goes
 * out is within what is there, amounts have their signs, and more in never gives less out.
 */
#include <hawse/amm/balancer.h>
#include <hawse/amm/balancer_v3.h>
#include <hawse/amm/concentrated.h>
#include <hawse/amm/product.h>
#include <hawse/amm/tick.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TICKS = 6, TOKENS = 4 };

struct input {
    const uint8_t *at;
    size_t left;
};

static void take(struct input *in, void *out, size_t n)
{
    size_t have = n < in->left ? n : in->left;
    memset(out, 0, n);
    if (have > 0) /* an empty input has no address */
        memcpy(out, in->at, have);
    in->at += have;
    in->left -= have;
}

static uint32_t take_u32(struct input *in)
{
    uint32_t n;
    take(in, &n, sizeof(n));
    return n;
}

/* A number of any size: one byte says how many bits are kept. */
static hawse_u256_t take_wide(struct input *in, uint32_t most)
{
    hawse_u256_t r;
    uint8_t bits;
    take(in, &bits, 1);
    take(in, &r, sizeof(r));
    hawse_u256_shift_right(&r, 256 - bits % (most + 1), &r);
    return r;
}

static void expect(int32_t fact)
{
    if (!fact)
        abort();
}

static void concentrated(struct input *in)
{
    hawse_clmm_tick_t ticks[TICKS];
    hawse_clmm_pool_t p = {.kind = 1 + take_u32(in) % 2,
                           .fee_ppm = take_u32(in) % (HAWSE_FEE_ONE + 1),
                           .tick_unit = (int32_t)(take_u32(in) % 300),
                           .community = take_u32(in) % 256,
                           .ticks = ticks};
    int32_t down = (int32_t)(take_u32(in) % 2), tick = (int32_t)(take_u32(in) % 1800000) - 900000;
    p.sqrt_price = take_wide(in, 160);
    if (take_u32(in) % 4 && hawse_sqrt_price_at_tick(tick, &p.sqrt_price) != HAWSE_OK)
        return;
    p.tick = tick;
    if (take_u32(in) % 8)
        (void)hawse_tick_at_sqrt_price(&p.sqrt_price, &p.tick);
    p.liquidity = take_wide(in, 129);
    for (p.tick_count = 0; p.tick_count < TICKS && in->left > 0; p.tick_count++) {
        tick = (int32_t)((uint32_t)tick + take_u32(in) % 100000);
        ticks[p.tick_count] =
            (hawse_clmm_tick_t){.tick = tick - 250000, .liquidity_net = take_wide(in, 127)};
        if (take_u32(in) % 2)
            hawse_i256_negate(&ticks[p.tick_count].liquidity_net,
                              &ticks[p.tick_count].liquidity_net);
    }
    hawse_u256_t amount = take_wide(in, 256), limit, zero = hawse_u256(0);
    int32_t far = down ? p.tick - 20000 : p.tick + 20000; /* bounded, for speed */
    if (hawse_sqrt_price_at_tick(far, &limit) != HAWSE_OK)
        return;
    hawse_clmm_result_t r;
    if (hawse_clmm_swap(&p, down, &amount, &limit, &r) != HAWSE_OK)
        return;
    const hawse_u256_t *paid = down ? &r.amount0 : &r.amount1;
    const hawse_u256_t *got = down ? &r.amount1 : &r.amount0;
    expect(hawse_i256_compare(paid, &zero) >= 0 && hawse_i256_compare(got, &zero) <= 0);
    expect(hawse_u256_compare(&r.community, &r.fee) <= 0);
    expect(down ? hawse_u256_compare(&r.sqrt_price, &limit) >= 0
                : hawse_u256_compare(&r.sqrt_price, &limit) <= 0);
    if (hawse_i256_is_negative(&amount))
        expect(hawse_i256_compare(got, &amount) >= 0);
    else
        expect(hawse_i256_compare(paid, &amount) <= 0);
}

static void constant_product(struct input *in)
{
    hawse_u256_t rin = take_wide(in, 256), rout = take_wide(in, 256), a = take_wide(in, 256);
    hawse_u256_t more, out = rout, out_more, one = hawse_u256(1);
    uint32_t fee_one = take_u32(in), fee = take_u32(in);
    if (hawse_product_out(&rin, &rout, &a, fee, fee_one, &out) == HAWSE_OK) {
        expect(hawse_u256_compare(&out, &rout) < 0);
        if (!hawse_u256_add(&a, &one, &more) &&
            hawse_product_out(&rin, &rout, &more, fee, fee_one, &out_more) == HAWSE_OK)
            expect(hawse_u256_compare(&out, &out_more) <= 0);
    } else {
        expect(hawse_u256_compare(&out, &rout) == 0);
    }
    (void)hawse_product_in(&rin, &rout, &a, fee, fee_one, &out);
}

static void balancer(struct input *in)
{
    hawse_bal_token_t tokens[TOKENS];
    hawse_bal_pool_t p = {.kind = take_u32(in) % 6,
                          .token_count = take_u32(in) % (TOKENS + 1),
                          .tokens = tokens,
                          .swap_fee = take_wide(in, 64),
                          .amplification = take_wide(in, 256)};
    for (int i = 0; i < TOKENS; i++) {
        tokens[i] = (hawse_bal_token_t){.balance = take_wide(in, 128),
                                        .scaling = take_wide(in, 128),
                                        .weight = take_wide(in, 64)};
    }
    uint32_t i = take_u32(in) % (TOKENS + 1), j = take_u32(in) % (TOKENS + 1), bal = 9999;
    int32_t exact_out = (int32_t)(take_u32(in) % 2);
    hawse_u256_t amount = take_wide(in, 256), r = amount;
    int32_t code = hawse_bal_swap(&p, i, j, &amount, exact_out, &r, &bal);
    if (code == HAWSE_OK)
        expect(hawse_u256_compare(exact_out ? &amount : &r, &tokens[j].balance) <= 0);
    else
        expect(hawse_u256_compare(&r, &amount) == 0);
    expect((code == HAWSE_E_RANGE) == (bal != 9999));
    hawse_u256_t x = take_wide(in, 256), y = take_wide(in, 256), power, up, low;
    if (hawse_bal_pow(&x, &y, &power, NULL) != HAWSE_OK ||
        hawse_bal_pow_down(&x, &y, 0, &low, NULL) != HAWSE_OK ||
        hawse_bal_pow_up(&x, &y, 0, &up, NULL) != HAWSE_OK)
        return;
    expect(hawse_u256_compare(&low, &power) <= 0 && hawse_u256_compare(&power, &up) <= 0);
}

static void buffer(struct input *in)
{
    hawse_bal3_wrapper_t w = {.assets = take_wide(in, 256), .shares = take_wide(in, 256)};
    hawse_u256_t amount = take_wide(in, 256), minimum = take_wide(in, 64), r = amount, plain;
    int32_t wrap = (int32_t)(take_u32(in) % 2), exact_out = (int32_t)(take_u32(in) % 2);
    uint32_t why = 9999;
    int32_t code = hawse_bal3_buffer(&w, wrap, &amount, exact_out, &minimum, &r, &why);
    expect((code == HAWSE_E_RANGE) == (why != 9999));
    expect(code == HAWSE_OK || hawse_u256_compare(&r, &amount) == 0);
    if (code != HAWSE_OK || hawse_bal3_convert(&w, wrap, &amount, exact_out, &plain) != HAWSE_OK)
        return;
    /* never better than the wrapper itself */
    expect(hawse_u256_compare(&r, &plain) == (exact_out ? 1 : -1));
}

static void balancer_v3(struct input *in)
{
    hawse_bal3_token_t tokens[TOKENS];
    hawse_bal3_pool_t p = {.kind = HAWSE_BAL_STABLE + take_u32(in) % 6,
                           .token_count = take_u32(in) % (TOKENS + 1),
                           .tokens = tokens,
                           .swap_fee = take_wide(in, 64),
                           .amplification = take_wide(in, 256),
                           .minimum_trade = take_wide(in, 64)};
    for (int i = 0; i < TOKENS; i++) {
        tokens[i] = (hawse_bal3_token_t){.live = take_wide(in, 128),
                                         .factor = take_wide(in, 64),
                                         .rate = take_wide(in, 128),
                                         .weight = take_wide(in, 64),
                                         .minimum = take_wide(in, 64)};
    }
    uint32_t i = take_u32(in) % (TOKENS + 1), j = take_u32(in) % (TOKENS + 1), why = 9999;
    int32_t exact_out = (int32_t)(take_u32(in) % 2);
    hawse_u256_t amount = take_wide(in, 256), r = amount, live;
    int32_t code = hawse_bal3_swap(&p, i, j, &amount, exact_out, &r, &why);
    expect((code == HAWSE_E_RANGE) == (why != 9999));
    expect(code == HAWSE_OK || hawse_u256_compare(&r, &amount) == 0);
    if (code == HAWSE_OK && hawse_bal3_live(exact_out ? &amount : &r, &tokens[j].factor,
                                            &tokens[j].rate, &live, NULL) == HAWSE_OK)
        expect(hawse_u256_compare(&live, &tokens[j].live) <= 0);
    buffer(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint32_t which = take_u32(&in) % 4;
    if (which == 0)
        concentrated(&in);
    else if (which == 1)
        constant_product(&in);
    else if (which == 2)
        balancer(&in);
    else
        balancer_v3(&in);
    return 0;
}
