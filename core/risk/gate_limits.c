/*
 * Counts and amounts: what the intent may take at most, with all that others hold, against what the
 * operator set. Exactly at a limit is within it; a sum that does not fit into 256 bits is above it.
 */
#include "risk/internal.h"

#include <hawse/u256.h>
#include <string.h>

static enum risk_answer check_counts(struct gate *g)
{
    uint64_t today = book_intents(g->book, g->c->number);
    uint32_t open = book_open(g->book, g->c->number);
    const struct config_limits *l = g->limits;
    if (today >= l->intents_per_day)
        return gate_refuse(
            g, json_pack("{s:I,s:i}", "today", (json_int_t)today, "limit", (int)l->intents_per_day),
            "%llu intents today on %s, and intents_per_day is %u; the day ends at "
            "00:00 UTC",
            (unsigned long long)today, l->chain, l->intents_per_day);
    if (open >= l->open_intents)
        return gate_refuse(g,
                           json_pack("{s:i,s:i}", "open", (int)open, "limit", (int)l->open_intents),
                           "%u intents are under way on %s, and open_intents is %u", open, l->chain,
                           l->open_intents);
    return RISK_PASS;
}

/* `have` and `more` together against a limit. */
static enum risk_answer check_sum(struct gate *g, const uint8_t asset[20], const char *limit_name,
                                  const hawse_u256_t *have, const hawse_u256_t *more,
                                  const hawse_u256_t *limit)
{
    hawse_u256_t sum;
    if (hawse_u256_add(have, more, &sum) == 0 && hawse_u256_compare(&sum, limit) <= 0)
        return RISK_PASS;
    return gate_refuse(g,
                       json_pack("{s:s,s:s,s:o,s:o,s:o}", "asset", address_text(asset).text, "name",
                                 limit_name, "taken", figure(have), "asked", figure(more), "limit",
                                 figure(limit)),
                       "asks for %s with %s taken or held already, and its limit %s%s is %s",
                       amount_text(g, asset, more).text, amount_text(g, asset, have).text,
                       limit_name, g->canary ? " (canary)" : "", amount_text(g, asset, limit).text);
}

/* What may leave less what must come in, of the same asset. */
static hawse_u256_t worst_loss(const hawse_intent_flow_t *flow)
{
    hawse_u256_t loss;
    if (hawse_u256_sub(&flow->max_out, &flow->min_in, &loss))
        return hawse_u256(0);
    return loss;
}

static enum risk_answer check_asset(struct gate *g, const hawse_intent_flow_t *flow,
                                    const struct config_asset *a)
{
    const hawse_u256_t none = hawse_u256(0), loss = worst_loss(flow);
    hawse_u256_t limit = gate_scaled(g, &a->per_intent), taken;
    enum risk_answer answer =
        check_sum(g, flow->asset, "per_intent", &none, &flow->max_out, &limit);
    if (answer != RISK_PASS)
        return answer;
    limit = gate_scaled(g, &a->per_day);
    taken = book_out(g->book, g->c->number, flow->asset);
    answer = check_sum(g, flow->asset, "per_day", &taken, &flow->max_out, &limit);
    if (answer != RISK_PASS || !a->limits_loss)
        return answer;
    limit = gate_scaled(g, &a->loss_per_day);
    taken = book_loss(g->book, g->c->number, flow->asset);
    return check_sum(g, flow->asset, "loss_per_day", &taken, &loss, &limit);
}

static enum risk_answer check_flow(struct gate *g, uint32_t i)
{
    const hawse_intent_flow_t *flow = gate_flow_at(g, i);
    const struct config_asset *a = gate_asset(g, flow->asset);
    if (gate_flow(g, flow->asset) != flow)
        return gate_refuse(g, NULL, "flow %u: the asset %s stands twice among the flows", i + 1,
                           address_text(flow->asset).text);
    if (hawse_u256_is_zero(&flow->max_out))
        return RISK_PASS;
    if (!a)
        return gate_refuse(g, json_pack("{s:s}", "asset", asset_text(g, flow->asset).text),
                           "flow %u: %s is not among the assets of instances.%s.limits.%s, so "
                           "nothing of it may leave the account; add it there with its limits",
                           i + 1, asset_text(g, flow->asset).text, g->c->instance,
                           g->limits->chain);
    enum risk_answer answer = check_asset(g, flow, a);
    struct book_flow *held = book_flow(&g->held, flow->asset); /* there is room for all flows */
    held->out = flow->max_out;
    held->loss = worst_loss(flow);
    return answer;
}

enum risk_answer gate_given(struct gate *g, const uint8_t asset[20], const hawse_u256_t *amount)
{
    const struct config_asset *a = gate_asset(g, asset);
    hawse_u256_t taken, asked, limit;
    if (!a || hawse_u256_is_zero(amount))
        return RISK_PASS; /* of what is no asset nothing was allowed, or anything */
    struct book_flow *held = book_flow(&g->held, asset);
    book_give(held, amount);
    asked = book_flow_sum(held);
    limit = gate_scaled(g, &a->per_day);
    taken = book_out(g->book, g->c->number, asset);
    enum risk_answer answer =
        check_sum(g, asset, "per_day, which allowances count against", &taken, &asked, &limit);
    return answer == RISK_PASS ? gate_shares(g) : answer;
}

enum risk_answer gate_limits(struct gate *g)
{
    const hawse_intent_t *in = g->c->intent;
    if (!g->limits)
        return gate_refuse(g, NULL,
                           "instances.%s.limits has nothing for the chain \"%.*s\", so nothing is "
                           "allowed there; write its limits",
                           g->c->instance, (int)in->chain.len, in->chain.data);
    if ((in->call_count == 0 && !g->c->solana) || in->call_count > HAWSE_INTENT_CALLS_MAX ||
        in->flow_count > HAWSE_INTENT_FLOWS_MAX)
        return gate_refuse(g, NULL, "%u calls and %u flows, expected 1 to %u and at most %u",
                           in->call_count, in->flow_count, HAWSE_INTENT_CALLS_MAX,
                           HAWSE_INTENT_FLOWS_MAX);
    enum risk_answer answer = check_counts(g);
    for (uint32_t i = 0; answer == RISK_PASS && i < in->flow_count; i++)
        answer = check_flow(g, i);
    return answer;
}
