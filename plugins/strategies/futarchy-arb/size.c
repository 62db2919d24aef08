/* The best size; see size.h. */
#include "size.h"

/* (sqrt(5) - 1) / 2 in millionths: both inner points of a bracket are so far from its other end. */
enum { GOLDEN_PPM = 618034, PRECISION_BITS = 10, CAP_STEPS = 12 };

struct search {
    const struct market *m;
    const struct flow_rules *rules;
    const struct size_limits *limits;
    enum flow_way way;
    struct flow best;
    bool any;
    uint32_t quotes;
};

struct probe {
    hawse_u256_t at, gain; /* gain is signed */
    bool good;
};

/* A size that pools cannot fill, or that puts in too much, gains less than any other. */
static void look(struct search *s, const hawse_u256_t *at, struct probe *p)
{
    struct flow f;
    p->at = *at;
    s->quotes++;
    p->good = (s->way == FLOW_BUY ? flow_buy : flow_sell)(s->m, s->rules, at, &f) == HAWSE_OK &&
              hawse_u256_compare(&f.paid_max, &s->limits->max_in) <= 0;
    if (!p->good)
        return;
    p->gain = f.gain;
    if (!s->any || hawse_i256_compare(&f.gain, &s->best.gain) > 0)
        s->best = f;
    s->any = true;
}

/* Is the left one better, so that the best is not to the right of the right one? */
static bool better(const struct probe *a, const struct probe *b)
{
    if (!a->good || !b->good)
        return !b->good; /* what is too much is to the right of what is not */
    return hawse_i256_compare(&a->gain, &b->gain) >= 0;
}

/* low + (high - low) * ppm / 10^6 */
static hawse_u256_t between(const hawse_u256_t *low, const hawse_u256_t *high, uint32_t ppm)
{
    hawse_u256_t width, share = hawse_u256(ppm), one = hawse_u256(FLOW_ONE), part = {{0, 0, 0, 0}};
    (void)hawse_u256_sub(high, low, &width);
    (void)hawse_u256_mul_div(&width, &share, &one, 0, &part);
    (void)hawse_u256_add(low, &part, &part);
    return part;
}

/* Company tokens that `in` buys on the way in. */
static int32_t bought(const struct search *s, const hawse_u256_t *in, hawse_u256_t *company)
{
    hawse_u256_t yes, no;
    if (s->way == FLOW_SELL)
        return market_spot_buy(&s->m->spot, in, company);
    if (market_out(&s->m->leg[POOL_YES], false, in, &yes) != HAWSE_OK ||
        market_out(&s->m->leg[POOL_NO], false, in, &no) != HAWSE_OK)
        return HAWSE_E_RANGE;
    *company = hawse_u256_compare(&yes, &no) < 0 ? yes : no;
    return HAWSE_OK;
}

/* The most company tokens that max_in can be for. Where pools cannot take max_in (the Vault swaps
 * 3/10 of a balance at once): what they can, within a hundredth. */
static int32_t most(const struct search *s, hawse_u256_t *high)
{
    hawse_u256_t one = hawse_u256(FLOW_ONE), with = hawse_u256(FLOW_ONE + s->rules->slippage_ppm);
    hawse_u256_t good = hawse_u256(0), bad, in;
    if (hawse_u256_mul_div(&s->limits->max_in, &one, &with, 0, &in) != HAWSE_OK)
        return HAWSE_E_RANGE;
    if (bought(s, &in, high) == HAWSE_OK)
        return HAWSE_OK;
    bad = in;
    for (int i = 0; i < 2 * CAP_STEPS && hawse_u256_bit_length(&bad) > 1; i++) {
        if (hawse_u256_is_zero(&good))
            hawse_u256_shift_right(&bad, 1, &in);
        else if (i < CAP_STEPS)
            in = between(&good, &bad, FLOW_ONE / 2);
        else
            break;
        if (bought(s, &in, high) == HAWSE_OK)
            good = in;
        else
            bad = in;
    }
    return hawse_u256_is_zero(&good) ? HAWSE_E_RANGE : bought(s, &good, high);
}

static void section(struct search *s, hawse_u256_t low, hawse_u256_t high)
{
    struct probe left, right;
    hawse_u256_t at, width, least;
    hawse_u256_shift_right(&high, PRECISION_BITS, &least);
    at = between(&low, &high, FLOW_ONE - GOLDEN_PPM);
    look(s, &at, &left);
    at = between(&low, &high, GOLDEN_PPM);
    look(s, &at, &right);
    while (s->quotes < SIZE_QUOTES_MAX) {
        (void)hawse_u256_sub(&high, &low, &width);
        if (hawse_u256_compare(&width, &least) <= 0 || hawse_u256_bit_length(&width) <= 2)
            return;
        if (better(&left, &right)) {
            high = right.at;
            right = left;
            at = between(&low, &high, FLOW_ONE - GOLDEN_PPM);
            look(s, &at, &left);
        } else {
            low = left.at;
            left = right;
            at = between(&low, &high, GOLDEN_PPM);
            look(s, &at, &right);
        }
    }
}

int32_t size_best(const struct market *m, const struct flow_rules *rules,
                  const struct size_limits *limits, enum flow_way way, struct flow *best,
                  uint32_t *quotes)
{
    struct search s = {.m = m, .rules = rules, .limits = limits, .way = way};
    struct probe first, last;
    hawse_u256_t high = {{0, 0, 0, 0}};
    look(&s, &limits->min_company, &first);
    if (quotes)
        *quotes = s.quotes;
    if (!first.good)
        return HAWSE_E_RANGE;
    /* the price is against it from the first token on: it gets no better with more */
    if (hawse_i256_is_negative(&first.gain) || hawse_u256_is_zero(&first.gain))
        return HAWSE_E_NOTFOUND;
    int32_t code = most(&s, &high);
    if (code == HAWSE_OK && hawse_u256_compare(&high, &limits->min_company) > 0) {
        look(&s, &high, &last);
        section(&s, limits->min_company, high);
    }
    if (quotes)
        *quotes = s.quotes;
    *best = s.best;
    return flow_guard(rules, best) == HAWSE_OK ? HAWSE_OK : HAWSE_E_NOTFOUND;
}
