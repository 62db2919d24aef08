/*
 * Swaps of Balancer v3 and its ERC-4626 buffers; see hawse/amm/balancer_v3.h. The formulas of pools
 * are those of v2 (weighted.c, stable.c) on live balances; what the Vault does around them is here.
 */
#include "fixed.h"

#include <hawse/amm/balancer_v3.h>
#include <stdbool.h>

static const hawse_u256_t unit = {{1, 0, 0, 0}};

/* ScalingHelpers.computeRateRoundUp: rates are taken to be cut, except whole ones. */
static bal_t rate_up(const hawse_u256_t *rate, hawse_u256_t *r)
{
    hawse_u256_t one = fixed_one(), rest;
    (void)hawse_u256_div(rate, &one, NULL, &rest);
    *r = *rate;
    return hawse_u256_is_zero(&rest) ? FINE : bal_add(rate, &unit, r);
}

/* An amount in the pool's own unit. */
static bal_t scale(const hawse_u256_t *raw, const hawse_u256_t *factor, const hawse_u256_t *rate,
                   int32_t round_up, hawse_u256_t *r)
{
    hawse_u256_t whole;
    TRY(bal_mul(raw, factor, &whole));
    return fixed_mul(&whole, rate, round_up, r);
}

/* And back in the token's. */
static bal_t unscale(const hawse_u256_t *amount, const hawse_u256_t *factor,
                     const hawse_u256_t *rate, int32_t round_up, hawse_u256_t *r)
{
    hawse_u256_t scaling;
    TRY(bal_mul(factor, rate, &scaling));
    return fixed_div(amount, &scaling, round_up, r);
}

static bal_t at_least(const hawse_u256_t *amount, const hawse_u256_t *least, uint32_t why)
{
    return hawse_u256_compare(amount, least) < 0 ? FAILS(why) : FINE;
}

/* ---- pools ---- */

static int32_t check(const hawse_bal3_pool_t *p, uint32_t in, uint32_t out)
{
    hawse_u256_t one = fixed_one();
    if (p->kind < HAWSE_BAL3_WEIGHTED || p->kind > HAWSE_BAL3_STABLE || in == out ||
        in >= p->token_count || out >= p->token_count || p->token_count > HAWSE_BAL3_TOKENS_MAX ||
        hawse_u256_compare(&p->swap_fee, &one) >= 0)
        return HAWSE_E_INVAL;
    for (uint32_t i = 0; i < p->token_count; i++) {
        if (hawse_u256_is_zero(&p->tokens[i].factor) || hawse_u256_is_zero(&p->tokens[i].rate))
            return HAWSE_E_INVAL;
    }
    return HAWSE_OK;
}

static bal_t on_swap_stable(const hawse_bal3_pool_t *p, uint32_t in, uint32_t out,
                            const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *r)
{
    hawse_u256_t balances[HAWSE_BAL3_TOKENS_MAX];
    const hawse_bal_pool_t pool = {
        .kind = p->kind, .token_count = p->token_count, .amplification = p->amplification};
    for (uint32_t i = 0; i < p->token_count; i++)
        balances[i] = p->tokens[i].live;
    return stable_swap(&pool, balances, in, out, amount, exact_out, r);
}

/* WeightedPool.onSwap; r is none of its operands. Later pools take what comes in to be 1 unit more,
 * for their own good, and keep a least balance of each token. */
static bal_t on_swap_weighted(const hawse_bal3_pool_t *p, uint32_t in, uint32_t out,
                              const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *r)
{
    const hawse_u256_t weights[2] = {p->tokens[in].weight, p->tokens[out].weight};
    hawse_u256_t balances[2] = {p->tokens[in].live, p->tokens[out].live}, left;
    bool guarded = p->kind == HAWSE_BAL3_WEIGHTED_MIN;
    if (guarded) {
        TRY(bal_add(&balances[0], &unit, &balances[0]));
        TRY(at_least(&balances[0], &p->tokens[in].minimum, HAWSE_BAL3_BELOW_MINIMUM));
    }
    TRY(exact_out ? weighted_in(balances, weights, amount, 1, r)
                  : weighted_out(balances, weights, amount, 1, r));
    if (!guarded)
        return FINE;
    TRY(bal_sub(&balances[1], exact_out ? amount : r, &left));
    return at_least(&left, &p->tokens[out].minimum, HAWSE_BAL3_BELOW_MINIMUM);
}

static bal_t on_swap(const hawse_bal3_pool_t *p, uint32_t in, uint32_t out,
                     const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *r)
{
    TRY(at_least(amount, &p->minimum_trade, HAWSE_BAL3_TRADE_TOO_SMALL));
    TRY(p->kind == HAWSE_BAL3_STABLE ? on_swap_stable(p, in, out, amount, exact_out, r)
                                     : on_swap_weighted(p, in, out, amount, exact_out, r));
    return at_least(r, &p->minimum_trade, HAWSE_BAL3_TRADE_TOO_SMALL);
}

static bal_t swap_in(const hawse_bal3_pool_t *p, uint32_t in, uint32_t out,
                     const hawse_u256_t *given, hawse_u256_t *r)
{
    const hawse_bal3_token_t *from = &p->tokens[in], *to = &p->tokens[out];
    hawse_u256_t amount, answer, fee, rate;
    TRY(rate_up(&to->rate, &rate));
    TRY(scale(given, &from->factor, &from->rate, 0, &amount));
    TRY(fixed_mul(&amount, &p->swap_fee, 1, &fee));
    TRY(bal_sub(&amount, &fee, &amount));
    TRY(on_swap(p, in, out, &amount, 0, &answer));
    return unscale(&answer, &to->factor, &rate, 0, r);
}

static bal_t swap_out(const hawse_bal3_pool_t *p, uint32_t in, uint32_t out,
                      const hawse_u256_t *given, hawse_u256_t *r)
{
    const hawse_bal3_token_t *from = &p->tokens[in], *to = &p->tokens[out];
    hawse_u256_t amount, answer, fee, rest, rate;
    TRY(rate_up(&to->rate, &rate));
    TRY(scale(given, &to->factor, &rate, 1, &amount));
    TRY(on_swap(p, in, out, &amount, 1, &answer));
    fixed_complement(&p->swap_fee, &rest);
    TRY(bal_mul(&answer, &p->swap_fee, &fee));
    TRY(bal_div(&fee, &rest, 1, &fee));
    TRY(bal_add(&answer, &fee, &answer));
    return unscale(&answer, &from->factor, &from->rate, 1, r);
}

int32_t hawse_bal3_live(const hawse_u256_t *raw, const hawse_u256_t *factor,
                        const hawse_u256_t *rate, hawse_u256_t *live, uint32_t *why)
{
    return bal_answer(scale(raw, factor, rate, 0, live), why);
}

int32_t hawse_bal3_swap(const hawse_bal3_pool_t *pool, uint32_t in, uint32_t out,
                        const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *result,
                        uint32_t *why)
{
    hawse_u256_t answer;
    int32_t code = check(pool, in, out);
    if (code != HAWSE_OK)
        return code;
    if (hawse_u256_is_zero(amount))
        return bal_answer(FAILS(HAWSE_BAL3_TRADE_TOO_SMALL), why);
    code = bal_answer(exact_out ? swap_out(pool, in, out, amount, &answer)
                                : swap_in(pool, in, out, amount, &answer),
                      why);
    if (code == HAWSE_OK)
        *result = answer;
    return code;
}

/* ---- ERC-4626 ---- */

int32_t hawse_bal3_convert(const hawse_bal3_wrapper_t *wrapper, int32_t wrap,
                           const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *result)
{
    if (hawse_u256_is_zero(&wrapper->assets) || hawse_u256_is_zero(&wrapper->shares))
        return HAWSE_E_INVAL;
    bool to_shares = !wrap == !!exact_out; /* deposit and withdraw answer in shares */
    return to_shares
               ? hawse_u256_mul_div(amount, &wrapper->shares, &wrapper->assets, exact_out, result)
               : hawse_u256_mul_div(amount, &wrapper->assets, &wrapper->shares, exact_out, result);
}

/* The answer a unit beside the exact one, on the Vault's side. */
static bal_t buffer(const hawse_bal3_wrapper_t *wrapper, int32_t wrap, const hawse_u256_t *amount,
                    int32_t exact_out, hawse_u256_t *r)
{
    TRY(exact_out ? bal_add(amount, &unit, r) : bal_sub(amount, &unit, r));
    if (hawse_bal3_convert(wrapper, wrap, r, exact_out, r) != HAWSE_OK)
        return FAILS(HAWSE_BAL_MUL_OVERFLOW);
    return exact_out ? bal_add(r, &unit, r) : bal_sub(r, &unit, r);
}

int32_t hawse_bal3_buffer(const hawse_bal3_wrapper_t *wrapper, int32_t wrap,
                          const hawse_u256_t *amount, int32_t exact_out,
                          const hawse_u256_t *minimum, hawse_u256_t *result, uint32_t *why)
{
    hawse_u256_t answer;
    if (hawse_u256_is_zero(&wrapper->assets) || hawse_u256_is_zero(&wrapper->shares))
        return HAWSE_E_INVAL;
    bal_t done = at_least(amount, minimum, HAWSE_BAL3_WRAP_TOO_SMALL);
    if (done == FINE)
        done = buffer(wrapper, wrap, amount, exact_out, &answer);
    if (done == FINE)
        done = at_least(&answer, minimum, HAWSE_BAL3_WRAP_TOO_SMALL);
    if (done == FINE)
        *result = answer;
    return bal_answer(done, why);
}
