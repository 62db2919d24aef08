/* Both ways round a market; see flow.h. */
#include "flow.h"

#include <string.h>

static const hawse_u256_t *less(const hawse_u256_t *a, const hawse_u256_t *b)
{
    return hawse_u256_compare(a, b) <= 0 ? a : b;
}

int32_t flow_above(const hawse_u256_t *amount, uint32_t ppm, hawse_u256_t *out)
{
    hawse_u256_t one = hawse_u256(FLOW_ONE), share = hawse_u256((uint64_t)FLOW_ONE + ppm);
    return hawse_u256_mul_div(amount, &share, &one, 1, out);
}

int32_t flow_below(const hawse_u256_t *amount, uint32_t ppm, hawse_u256_t *out)
{
    hawse_u256_t one = hawse_u256(FLOW_ONE), share = hawse_u256(FLOW_ONE - ppm);
    return ppm > FLOW_ONE ? HAWSE_E_RANGE : hawse_u256_mul_div(amount, &share, &one, 0, out);
}

/* What is left of the outcome that has more: `amount` of it, from both that are held. */
static void take_left(struct flow *f, const hawse_u256_t *yes, const hawse_u256_t *no)
{
    if (hawse_u256_compare(yes, no) > 0) {
        f->left_token = TOKEN_YES_SDAI;
        (void)hawse_u256_sub(yes, no, &f->left);
    } else {
        f->left_token = TOKEN_NO_SDAI;
        (void)hawse_u256_sub(no, yes, &f->left);
    }
}

/* Sells it for sDAI. Where no pool takes all of it at a price above nothing it is kept. */
static int32_t liquidate(const struct market *m, const struct flow_rules *rules, struct flow *f)
{
    enum market_pool pool = f->left_token == TOKEN_YES_SDAI ? POOL_YES_ODDS : POOL_NO_ODDS;
    if (!rules->liquidate || hawse_u256_is_zero(&f->left) ||
        market_out(&m->leg[pool], true, &f->left, &f->left_out) != HAWSE_OK ||
        flow_below(&f->left_out, rules->slippage_ppm, &f->left_min) != HAWSE_OK ||
        hawse_u256_is_zero(&f->left_min)) {
        f->left = f->left_out = f->left_min = hawse_u256(0);
    }
    return HAWSE_OK;
}

/* Sums that no market reaches are refused before they can go round. */
static int32_t total(const struct flow_rules *rules, struct flow *f)
{
    hawse_u256_t cost;
    if (hawse_i256_is_negative(&f->back) || hawse_i256_is_negative(&f->paid_max) ||
        hawse_u256_add(&f->paid, &rules->gas, &cost) != 0 || hawse_i256_is_negative(&cost))
        return HAWSE_E_RANGE;
    (void)hawse_u256_sub(&f->back, &f->paid, &f->gain);
    (void)hawse_u256_sub(&f->back, &cost, &f->net);
    return HAWSE_OK;
}

int32_t flow_buy(const struct market *m, const struct flow_rules *rules,
                 const hawse_u256_t *company, struct flow *f)
{
    hawse_u256_t kept[2], sale;
    memset(f, 0, sizeof(*f));
    f->way = FLOW_BUY;
    f->company = *company;
    for (int i = 0; i < 2; i++) {
        int32_t code = market_in(&m->leg[POOL_YES + i], false, company, &f->leg[i]);
        if (code == HAWSE_OK)
            code = flow_above(&f->leg[i], rules->slippage_ppm, &f->bound[i]);
        if (code != HAWSE_OK)
            return code;
    }
    f->paid = hawse_u256_compare(&f->bound[0], &f->bound[1]) <= 0 ? f->bound[1] : f->bound[0];
    f->paid_max = f->paid;
    for (int i = 0; i < 2; i++)
        (void)hawse_u256_sub(&f->paid, &f->bound[i], &kept[i]);
    take_left(f, &kept[0], &kept[1]);
    (void)liquidate(m, rules, f);
    int32_t code = market_spot_sell(&m->spot, company, &sale);
    if (code == HAWSE_OK)
        code = flow_below(&sale, rules->slippage_ppm, &f->spot_min);
    if (code != HAWSE_OK || hawse_u256_add(&sale, &f->left_out, &f->back) != 0)
        return HAWSE_E_RANGE;
    (void)hawse_u256_add(&f->spot_min, &f->left_min, &f->back_min);
    return total(rules, f);
}

int32_t flow_sell(const struct market *m, const struct flow_rules *rules,
                  const hawse_u256_t *company, struct flow *f)
{
    memset(f, 0, sizeof(*f));
    f->way = FLOW_SELL;
    f->company = *company;
    int32_t code = market_spot_cost(&m->spot, company, &f->paid);
    if (code == HAWSE_OK)
        code = flow_above(&f->paid, rules->slippage_ppm, &f->paid_max);
    for (int i = 0; i < 2 && code == HAWSE_OK; i++) {
        code = market_out(&m->leg[POOL_YES + i], true, company, &f->leg[i]);
        if (code == HAWSE_OK)
            code = flow_below(&f->leg[i], rules->slippage_ppm, &f->bound[i]);
        if (code == HAWSE_OK && hawse_u256_is_zero(&f->bound[i]))
            code = HAWSE_E_RANGE;
    }
    if (code != HAWSE_OK)
        return code;
    f->merged = *less(&f->bound[0], &f->bound[1]);
    take_left(f, &f->bound[0], &f->bound[1]);
    (void)liquidate(m, rules, f);
    if (hawse_u256_add(&f->merged, &f->left_out, &f->back) != 0)
        return HAWSE_E_RANGE;
    (void)hawse_u256_add(&f->merged, &f->left_min, &f->back_min);
    return total(rules, f);
}

int32_t flow_sweep(const hawse_u256_t *sdai, const hawse_u256_t *company, struct flow *f)
{
    memset(f, 0, sizeof(*f));
    f->way = FLOW_SWEEP;
    f->merged = *sdai;
    f->company = *company;
    f->back = f->back_min = f->gain = f->net = *sdai;
    return hawse_u256_is_zero(sdai) && hawse_u256_is_zero(company) ? HAWSE_E_RANGE : HAWSE_OK;
}

int32_t flow_recover(const struct market *m, const struct flow_rules *rules,
                     enum market_token token, const hawse_u256_t *amount, struct flow *f)
{
    static const enum market_pool pools[MARKET_TOKENS] = {[TOKEN_YES_SDAI] = POOL_YES_ODDS,
                                                          [TOKEN_NO_SDAI] = POOL_NO_ODDS,
                                                          [TOKEN_YES_COMPANY] = POOL_YES,
                                                          [TOKEN_NO_COMPANY] = POOL_NO};
    memset(f, 0, sizeof(*f));
    f->way = FLOW_RECOVER;
    f->left_token = token;
    f->left = *amount;
    int32_t code = token == TOKEN_COMPANY
                       ? market_spot_sell(&m->spot, amount, &f->left_out)
                       : market_out(&m->leg[pools[token]], true, amount, &f->left_out);
    if (code == HAWSE_OK)
        code = flow_below(&f->left_out, rules->slippage_ppm, &f->left_min);
    if (code != HAWSE_OK || hawse_u256_is_zero(&f->left_min))
        return HAWSE_E_RANGE;
    if (token < TOKEN_YES_COMPANY)
        f->back = f->back_min = f->gain = f->net = f->left_out;
    return HAWSE_OK;
}

uint64_t flow_gas(const struct market *m, const struct flow *f)
{
    enum market_pool odds = f->left_token == TOKEN_YES_SDAI ? POOL_YES_ODDS : POOL_NO_ODDS;
    uint64_t gas =
        hawse_u256_is_zero(&f->left) ? 0 : market_gas(&m->leg[odds], true, &f->left, false);
    for (int i = 0; i < 2; i++)
        gas +=
            market_gas(&m->leg[POOL_YES + i], f->way == FLOW_SELL, &f->company, f->way == FLOW_BUY);
    return gas;
}

/* Is the gain large enough for what is put in? */
static bool is_edge(const struct flow_rules *rules, const struct flow *f)
{
    hawse_u256_t need, one = hawse_u256(FLOW_ONE), share = hawse_u256(rules->min_edge_ppm);
    return !hawse_i256_is_negative(&f->net) && !hawse_u256_is_zero(&f->net) &&
           hawse_u256_mul_div(&f->paid, &share, &one, 1, &need) == HAWSE_OK &&
           hawse_u256_compare(&f->net, &need) >= 0;
}

int32_t flow_guard(const struct flow_rules *rules, struct flow *f)
{
    hawse_u256_t cost, room;
    if (!is_edge(rules, f) || hawse_u256_add(&rules->gas, &rules->min_profit, &cost) != 0)
        return HAWSE_E_RANGE;
    if (f->way == FLOW_BUY) {
        hawse_u256_t sale, need;
        (void)hawse_u256_sub(&f->back, &f->left_out, &sale);
        if (hawse_u256_add(&f->paid, &cost, &need) != 0)
            return HAWSE_E_RANGE;
        if (hawse_u256_sub(&need, &f->left_min, &room) != 0)
            room = hawse_u256(0); /* what is left pays for all of it */
        if (hawse_u256_compare(&room, &f->spot_min) > 0)
            f->spot_min = room;
        if (hawse_u256_compare(&f->spot_min, &sale) > 0)
            return HAWSE_E_RANGE;
        (void)hawse_u256_add(&f->spot_min, &f->left_min, &f->back_min);
        return HAWSE_OK;
    }
    if (hawse_u256_sub(&f->back_min, &cost, &room) != 0)
        return HAWSE_E_RANGE;
    f->paid_max = *less(&f->paid_max, &room);
    return hawse_u256_compare(&f->paid_max, &f->paid) < 0 ? HAWSE_E_RANGE : HAWSE_OK;
}

void flow_kept(const struct flow *f, hawse_u256_t kept[2])
{
    for (int i = 0; i < 2; i++) {
        if (f->way == FLOW_BUY)
            (void)hawse_u256_sub(&f->paid, &f->leg[i], &kept[i]);
        else
            (void)hawse_u256_sub(&f->leg[i], &f->merged, &kept[i]);
    }
    int side = f->left_token == TOKEN_YES_SDAI ? 0 : 1;
    (void)hawse_u256_sub(&kept[side], &f->left, &kept[side]); /* 0 where nothing is liquidated */
}
