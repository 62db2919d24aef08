/*
 * Gates about money on this chain: slippage, fees, funds, and what is held afterwards.
 */
#include "risk/internal.h"

#include <hawse/u256.h>
#include <string.h>

enum { CANCEL_GAS = 21000 }; /* of the empty transaction that takes a nonce back */

static const uint8_t coin[20] = {0};

/* ---- slippage ---- */

enum risk_answer gate_slippage(struct gate *g)
{
    const hawse_u256_t all = hawse_u256(RISK_PPM);
    const hawse_u256_t left = hawse_u256(RISK_PPM - g->limits->slippage_ppm);
    for (uint32_t i = 0; i < g->c->intent->flow_count; i++) {
        const hawse_intent_flow_t *f = gate_flow_at(g, i);
        hawse_u256_t least;
        if (hawse_u256_is_zero(&f->expected_in))
            continue;
        (void)hawse_u256_mul_div(&f->expected_in, &left, &all, 1, &least); /* at most expected */
        if (!hawse_u256_is_zero(&f->min_in) && hawse_u256_compare(&f->min_in, &least) >= 0)
            continue;
        return gate_refuse(
            g,
            json_pack("{s:s,s:o,s:o,s:o,s:i}", "asset", address_text(f->asset).text, "expected_in",
                      figure(&f->expected_in), "min_in", figure(&f->min_in), "least",
                      figure(&least), "slippage_ppm", (int)g->limits->slippage_ppm),
            "flow %u: takes %s at least for an expected %s; with slippage_percent "
            "%u.%04u it has to be %s at least",
            i + 1, amount_text(g, f->asset, &f->min_in).text,
            amount_text(g, f->asset, &f->expected_in).text, g->limits->slippage_ppm / 10000,
            g->limits->slippage_ppm % 10000, amount_text(g, f->asset, &least).text);
    }
    return RISK_PASS;
}

/* ---- fees ---- */

/* What is still to be sent: AFTER all of it, SIGN from tx_index on. HAWSE_E_RANGE: overflow. */
static int32_t gate_costs(const struct gate *g, hawse_u256_t *value, hawse_u256_t *fees)
{
    uint32_t carry = 0;
    *value = hawse_u256(0);
    *fees = hawse_u256(0);
    for (uint32_t i = g->stage == RISK_SIGN ? g->c->tx_index : 0; i < g->c->tx_count; i++) {
        const hawse_tx_t *tx = &g->c->txs[i];
        const hawse_u256_t gas = hawse_u256(tx->gas_limit);
        uint64_t wide[8];
        hawse_u256_t fee;
        hawse_u256_mul(&gas, &tx->max_fee, wide);
        carry |= (wide[4] | wide[5] | wide[6] | wide[7]) != 0;
        memcpy(fee.limb, wide, sizeof(fee.limb));
        carry |= hawse_u256_add(fees, &fee, fees) | hawse_u256_add(value, &tx->value, value);
    }
    carry |= hawse_u256_add(fees, &g->c->l1_fee, fees);
    return carry ? HAWSE_E_RANGE : HAWSE_OK;
}

/* The highest fee per gas at which all of the case costs no more than this; 0 = none is known. */
static uint64_t fee_within(const struct gate *g, const hawse_u256_t *limit)
{
    hawse_u256_t gas = hawse_u256(0), left;
    uint64_t most = 0;
    for (uint32_t i = g->stage == RISK_SIGN ? g->c->tx_index : 0; i < g->c->tx_count; i++) {
        const hawse_u256_t more = hawse_u256(g->c->txs[i].gas_limit);
        (void)hawse_u256_add(&gas, &more, &gas); /* at most 64 times 2^64 */
    }
    if (hawse_u256_sub(limit, &g->c->l1_fee, &left) || hawse_u256_is_zero(&gas))
        return 0;
    (void)hawse_u256_div(&left, &gas, &left, NULL);
    return hawse_u256_to_u64(&left, &most) == HAWSE_OK ? most : UINT64_MAX;
}

enum risk_answer gate_fee_cap(struct gate *g)
{
    const hawse_u256_t *cap = &g->c->fee_cap;
    const hawse_u256_t four = hawse_u256(4), five = hawse_u256(5);
    hawse_u256_t warn;
    uint32_t first = g->stage == RISK_SIGN ? g->c->tx_index : 0;
    uint32_t last = g->stage == RISK_SIGN ? g->c->tx_index + 1 : g->c->tx_count;
    (void)hawse_u256_mul_div(cap, &four, &five, 0, &warn);
    if (first >= g->c->tx_count || last > g->c->tx_count)
        return gate_refuse(g, NULL, "there is no transaction %u among %u", first + 1,
                           g->c->tx_count);
    for (uint32_t i = first; i < last; i++) {
        const hawse_u256_t *fee = &g->c->txs[i].max_fee;
        if (hawse_u256_compare(fee, cap) > 0 && hawse_u256_to_u64(cap, &g->v->fee_most) != HAWSE_OK)
            g->v->fee_most = UINT64_MAX;
        if (hawse_u256_compare(fee, cap) > 0)
            return gate_wait(g, json_pack("{s:o,s:o}", "max_fee", figure(fee), "cap", figure(cap)),
                             "transaction %u: a fee of %s per gas is needed, and the cap is %s; it "
                             "waits until that is enough",
                             i + 1, amount_text(g, coin, fee).text, amount_text(g, coin, cap).text);
        if (hawse_u256_compare(fee, &warn) >= 0)
            gate_warn(g, "transaction %u: its fee per gas is above 80 %% of the cap", i + 1);
    }
    return RISK_PASS;
}

/* Fees count against the limits of the chain's own coin, where it has some. */
static enum risk_answer check_fee_limits(struct gate *g, const hawse_u256_t *fees)
{
    const struct config_asset *a = gate_asset(g, coin);
    hawse_u256_t taken, sum = *fees, lost, limit;
    struct book_flow *held = book_flow(&g->held, coin);
    uint32_t carry = 0;
    carry = hawse_u256_add(&held->out, fees, &held->out) |
            hawse_u256_add(&held->loss, fees, &held->loss);
    if (!a)
        return carry ? gate_refuse(g, NULL, "its fees are above 2^256 wei") : RISK_PASS;
    limit = gate_scaled(g, &a->per_day);
    taken = book_out(g->book, g->c->number, coin);
    carry |= hawse_u256_add(&taken, &held->out, &sum);
    if (carry || hawse_u256_compare(&sum, &limit) > 0)
        return gate_refuse(g,
                           json_pack("{s:o,s:o,s:o}", "taken", figure(&taken), "asked",
                                     figure(&held->out), "limit", figure(&limit)),
                           "asks for %s with its fees, with %s taken or held already, and per_day "
                           "is %s",
                           amount_text(g, coin, &held->out).text, amount_text(g, coin, &taken).text,
                           amount_text(g, coin, &limit).text);
    limit = gate_scaled(g, &a->loss_per_day);
    lost = book_loss(g->book, g->c->number, coin);
    carry = hawse_u256_add(&lost, &held->loss, &sum);
    if (a->limits_loss && (carry || hawse_u256_compare(&sum, &limit) > 0))
        return gate_refuse(g,
                           json_pack("{s:o,s:o,s:o}", "lost", figure(&lost), "asked",
                                     figure(&held->loss), "limit", figure(&limit)),
                           "may lose %s with its fees, with %s lost or at stake already, and "
                           "loss_per_day is %s",
                           amount_text(g, coin, &held->loss).text, amount_text(g, coin, &lost).text,
                           amount_text(g, coin, &limit).text);
    return RISK_PASS;
}

enum risk_answer gate_max_cost(struct gate *g)
{
    hawse_u256_t value, fees;
    const hawse_u256_t *own = &g->c->intent->max_cost;
    if (gate_costs(g, &value, &fees) != HAWSE_OK)
        return gate_refuse(g, NULL, "its value or its fees are above 2^256 wei");
    bool over_own = !hawse_u256_is_zero(own) && hawse_u256_compare(&fees, own) > 0;
    bool over_ours =
        g->limits->limits_fee && hawse_u256_compare(&fees, &g->limits->fee_per_intent) > 0;
    const hawse_u256_t *limit = over_own ? own : &g->limits->fee_per_intent;
    if (over_own || over_ours)
        g->v->fee_most = fee_within(g, limit);
    if (over_own || over_ours)
        return gate_wait(g, json_pack("{s:o,s:o}", "fees", figure(&fees), "limit", figure(limit)),
                         "its fees may be %s, and %s is %s; it waits until they are lower",
                         amount_text(g, coin, &fees).text,
                         over_own ? "the intent's max_cost" : "the operator's fee_per_intent",
                         amount_text(g, coin, limit).text);
    return g->stage == RISK_AFTER ? check_fee_limits(g, &fees) : RISK_PASS;
}

/* ---- funds ---- */

static const struct risk_balance *balance_of(const struct gate *g, const uint8_t asset[20])
{
    for (uint32_t i = 0; i < g->c->balance_count; i++) {
        if (memcmp(g->c->balances[i].asset, asset, 20) == 0)
            return &g->c->balances[i];
    }
    return NULL;
}

static enum risk_answer check_native(struct gate *g)
{
    const struct config_asset *a = gate_asset(g, coin);
    const hawse_u256_t *have = &g->c->native_balance, *flight = &g->c->in_flight_cost;
    hawse_u256_t value, fees, reserve = hawse_u256(0), need = hawse_u256(0), missing;
    uint32_t carry = gate_costs(g, &value, &fees) != HAWSE_OK;
    const hawse_u256_t gas = hawse_u256(CANCEL_GAS), one = hawse_u256(1);
    if (g->c->solana)
        reserve = hawse_u256(g->c->solana->reserve);
    else
        carry |= hawse_u256_mul_div(&gas, &g->c->fee_cap, &one, 0, &reserve) != HAWSE_OK;
    if (a && !g->c->subject) /* what is to be kept is the subject's */
        carry |= hawse_u256_add(&reserve, &a->keep, &reserve);
    const hawse_u256_t *parts[] = {&value, &fees, flight, &reserve};
    for (size_t i = 0; i < 4; i++)
        carry |= hawse_u256_add(&need, parts[i], &need);
    if (carry)
        return gate_refuse(g, NULL, "what is needed is above 2^256 wei");
    if (hawse_u256_compare(have, &need) >= 0)
        return RISK_PASS;
    (void)hawse_u256_sub(&need, have, &missing);
    return gate_refuse(
        g,
        json_pack("{s:s,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o}}", "asset", "native", "have", figure(have),
                  "need", figure(&need), "short", figure(&missing), "split", "value",
                  figure(&value), "fees", figure(&fees), "in_flight", figure(flight), "reserve",
                  figure(&reserve)),
        "the account has %s and needs %s, so %s are missing: value %s, fees %s, own transactions "
        "under way %s, kept for a cancel and by \"keep\" %s",
        amount_text(g, coin, have).text, amount_text(g, coin, &need).text,
        amount_text(g, coin, &missing).text, amount_text(g, coin, &value).text,
        amount_text(g, coin, &fees).text, amount_text(g, coin, flight).text,
        amount_text(g, coin, &reserve).text);
}

/* What of a token the intent takes: as simulated where that is known, otherwise at most. */
static hawse_u256_t taken(const struct gate *g, const hawse_intent_flow_t *flow)
{
    const struct sim_result *sim = g->c->sim;
    if (!sim || sim->status != HAWSE_OK || !sim->flows_known)
        return flow->max_out;
    for (uint32_t i = 0; i < sim->flow_count; i++) {
        if (memcmp(sim->flows[i].asset, flow->asset, 20) == 0)
            return sim->flows[i].out;
    }
    return hawse_u256(0);
}

static enum risk_answer check_token(struct gate *g, const hawse_intent_flow_t *flow)
{
    const struct config_asset *a = gate_asset(g, flow->asset);
    const struct risk_balance *b = balance_of(g, flow->asset);
    hawse_u256_t out = taken(g, flow), need, missing;
    if (hawse_u256_is_zero(&out))
        return RISK_PASS;
    if (!b)
        return gate_refuse(g, NULL, "the account's balance of %s is not known", a->name);
    uint32_t carry = hawse_u256_add(&out, &b->in_flight, &need);
    carry |= hawse_u256_add(&need, &a->keep, &need);
    if (!carry && hawse_u256_compare(&b->balance, &need) >= 0)
        return RISK_PASS;
    (void)hawse_u256_sub(&need, &b->balance, &missing);
    return gate_refuse(
        g,
        json_pack("{s:s,s:o,s:o,s:o,s:{s:o,s:o,s:o}}", "asset", a->name, "have",
                  figure(&b->balance), "need", figure(&need), "short", figure(&missing), "split",
                  "taken", figure(&out), "in_flight", figure(&b->in_flight), "keep",
                  figure(&a->keep)),
        "the account has %s and needs %s, so %s are missing: taken %s, own "
        "transactions under way %s, kept %s",
        amount_text(g, flow->asset, &b->balance).text, amount_text(g, flow->asset, &need).text,
        amount_text(g, flow->asset, &missing).text, amount_text(g, flow->asset, &out).text,
        amount_text(g, flow->asset, &b->in_flight).text,
        amount_text(g, flow->asset, &a->keep).text);
}

enum risk_answer gate_funds(struct gate *g)
{
    enum risk_answer answer = check_native(g);
    for (uint32_t i = 0; answer == RISK_PASS && i < g->c->intent->flow_count; i++) {
        const hawse_intent_flow_t *flow = gate_flow_at(g, i);
        bool apart = g->c->subject || memcmp(flow->asset, coin, 20) != 0;
        if (apart && gate_asset(g, flow->asset))
            answer = check_token(g, flow);
    }
    return answer;
}

/* ---- positions ---- */

/* What comes in: as simulated where that is known, otherwise as expected. */
static hawse_u256_t coming(const struct gate *g, const struct config_asset *a)
{
    const struct sim_result *sim = g->c->sim;
    const hawse_intent_flow_t *flow = gate_flow(g, a->address);
    bool known = sim && sim->status == HAWSE_OK && sim->flows_known;
    for (uint32_t i = 0; known && i < sim->flow_count; i++) {
        if (memcmp(sim->flows[i].asset, a->address, 20) == 0)
            return sim->flows[i].in;
    }
    if (known || !flow)
        return hawse_u256(0);
    return hawse_u256_compare(&flow->expected_in, &flow->min_in) > 0 ? flow->expected_in
                                                                     : flow->min_in;
}

/* What is held of one asset, and of how many. */
struct held {
    uint32_t positions;
    bool grows; /* by one that was not held before */
};

static enum risk_answer check_held(struct gate *g, const struct config_asset *a, struct held *all)
{
    const struct risk_balance *b = balance_of(g, a->address);
    const hawse_u256_t *have = b                             ? &b->balance
                               : a->native && !g->c->subject ? &g->c->native_balance
                                                             : NULL;
    hawse_u256_t in = coming(g, a), held, limit = gate_scaled(g, &a->max_held);
    bool comes = !hawse_u256_is_zero(&in);
    if (!have && !comes && g->limits->open_positions == 0)
        return RISK_PASS;
    if (!have)
        return gate_refuse(
            g, NULL, "the account's balance of %s is not known, and it has a max_held", a->name);
    uint32_t carry = hawse_u256_add(have, &in, &held);
    all->positions += !hawse_u256_is_zero(&held);
    all->grows = all->grows || (hawse_u256_is_zero(have) && comes);
    if (!comes || (!carry && hawse_u256_compare(&held, &limit) <= 0))
        return RISK_PASS;
    return gate_refuse(g,
                       json_pack("{s:s,s:o,s:o,s:o}", "asset", a->name, "have", figure(have),
                                 "comes", figure(&in), "limit", figure(&limit)),
                       "the account would hold %s, and max_held%s is %s",
                       amount_text(g, a->address, &held).text, g->canary ? " (canary)" : "",
                       amount_text(g, a->address, &limit).text);
}

enum risk_answer gate_position(struct gate *g)
{
    struct held all = {0};
    enum risk_answer answer = RISK_PASS;
    for (size_t i = 0; answer == RISK_PASS && i < g->limits->asset_count; i++) {
        if (g->limits->assets[i].limits_held)
            answer = check_held(g, &g->limits->assets[i], &all);
    }
    if (answer != RISK_PASS || g->limits->open_positions == 0 ||
        all.positions <= g->limits->open_positions || !all.grows)
        return answer;
    return gate_refuse(g,
                       json_pack("{s:i,s:i}", "positions", (int)all.positions, "limit",
                                 (int)g->limits->open_positions),
                       "the account would hold %u positions, and open_positions is %u",
                       all.positions, g->limits->open_positions);
}
