/* Quotes of a market's pools; see market.h. */
#include "market.h"

#include <hawse/u256.h>

enum { STEP_GAS = 12000, CROSS_GAS = 60000 }; /* a row of the table of ticks; a tick in it */

static int32_t run(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                   bool exact_out, hawse_clmm_result_t *r)
{
    hawse_u256_t signed_amount = *amount;
    if (!leg->there || hawse_u256_is_zero(amount) || hawse_i256_is_negative(amount))
        return HAWSE_E_RANGE;
    if (exact_out)
        hawse_i256_negate(amount, &signed_amount);
    return hawse_clmm_swap(&leg->pool, base_in == leg->base_is_0, &signed_amount, NULL, r);
}

/* A whole swap, or HAWSE_E_RANGE: what routers with no limit would fill in part, or revert. */
static int32_t swap(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                    bool exact_out, hawse_u256_t *result)
{
    hawse_u256_t in, out;
    hawse_clmm_result_t r;
    int32_t zero_for_one = base_in == leg->base_is_0;
    if (run(leg, base_in, amount, exact_out, &r) != HAWSE_OK)
        return HAWSE_E_RANGE;
    in = zero_for_one ? r.amount0 : r.amount1;
    hawse_i256_negate(zero_for_one ? &r.amount1 : &r.amount0, &out);
    if (hawse_u256_compare(exact_out ? &out : &in, amount) != 0)
        return HAWSE_E_RANGE;
    *result = exact_out ? in : out;
    return hawse_u256_is_zero(result) ? HAWSE_E_RANGE : HAWSE_OK;
}

int32_t market_out(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                   hawse_u256_t *out)
{
    return swap(leg, base_in, amount, false, out);
}

int32_t market_in(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                  hawse_u256_t *in)
{
    return swap(leg, base_in, amount, true, in);
}

uint64_t market_gas(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                    bool exact_out)
{
    hawse_clmm_result_t r;
    if (run(leg, base_in, amount, exact_out, &r) != HAWSE_OK)
        return 0;
    return (uint64_t)r.steps * STEP_GAS + (uint64_t)r.crossed * CROSS_GAS;
}

/* Buffer and pool of v3, in the order in which the router asks them: from the known amount on. */
static int32_t path_v3(const struct market_spot *s, bool company_in, const hawse_u256_t *amount,
                       bool exact_out, hawse_u256_t *result)
{
    uint32_t in = company_in ? s->company : s->sdai, out = company_in ? s->sdai : s->company;
    bool buffer_first = company_in != exact_out; /* the company token's amount is the known one */
    hawse_u256_t between = *amount;
    int32_t code = HAWSE_OK;
    if (s->wrapped && buffer_first)
        code = hawse_bal3_buffer(&s->wrapper, company_in, amount, exact_out, &s->minimum_wrap,
                                 &between, NULL);
    if (code == HAWSE_OK)
        code = hawse_bal3_swap(&s->live, in, out, &between, exact_out, result, NULL);
    if (code != HAWSE_OK || !s->wrapped || buffer_first)
        return code;
    between = *result;
    return hawse_bal3_buffer(&s->wrapper, company_in, &between, exact_out, &s->minimum_wrap, result,
                             NULL);
}

static int32_t vault(const struct market_spot *spot, bool company_in, const hawse_u256_t *amount,
                     bool exact_out, hawse_u256_t *result)
{
    uint32_t in = company_in ? spot->company : spot->sdai;
    uint32_t out = company_in ? spot->sdai : spot->company;
    if (hawse_u256_is_zero(amount))
        return HAWSE_E_RANGE;
    int32_t code = spot->is_v3
                       ? path_v3(spot, company_in, amount, exact_out, result)
                       : hawse_bal_swap(&spot->pool, in, out, amount, exact_out, result, NULL);
    return code != HAWSE_OK || hawse_u256_is_zero(result) ? HAWSE_E_RANGE : HAWSE_OK;
}

int32_t market_spot_sell(const struct market_spot *spot, const hawse_u256_t *company,
                         hawse_u256_t *sdai)
{
    return vault(spot, true, company, false, sdai);
}

int32_t market_spot_cost(const struct market_spot *spot, const hawse_u256_t *company,
                         hawse_u256_t *sdai)
{
    return vault(spot, false, company, true, sdai);
}

int32_t market_spot_buy(const struct market_spot *spot, const hawse_u256_t *sdai,
                        hawse_u256_t *company)
{
    return vault(spot, false, sdai, false, company);
}
