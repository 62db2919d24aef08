/*
 * The gate of the simulation: it was made, of these bytes, on a block of now; it succeeded; nothing
 * left the account that the intent does not name, and what must come in came; no allowance was
 * given that calldata could not be given either; nothing was found.
 *
 * No simulation, or one that can't tell what moves, passes only where the operator does not require
 * it for this chain, and then with a warning.
 */
#include "risk/internal.h"

#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

static enum risk_answer missing(struct gate *g, const char *what)
{
    if (g->c->simulation_required)
        return gate_refuse(g, NULL,
                           "%.400s, and chains.%s.tx.simulation_required is set: nothing is signed "
                           "without; see that a provider answers eth_simulateV1",
                           what, g->limits->chain);
    gate_warn(g, "signed without what a simulation would have told: %.160s", what);
    return RISK_PASS;
}

static enum risk_answer check_tokens(struct gate *g)
{
    const struct risk_case *c = g->c;
    uint32_t first = g->stage == RISK_SIGN ? c->tx_index : c->sim_first;
    uint32_t last = g->stage == RISK_SIGN ? c->tx_index + 1 : c->tx_count;
    const char *why = "it was not part of the simulation";
    for (uint32_t i = first; i < last; i++) {
        if (i < c->sim_first || i >= c->tx_count ||
            !sim_token_good(c->sim, i - c->sim_first, &c->txs[i], c->from, c->head, c->head_hash,
                            c->head_parent, &why))
            return gate_refuse(g,
                               json_pack("{s:I,s:I}", "simulated_on",
                                         (json_int_t)c->sim->block_number, "head",
                                         (json_int_t)c->head),
                               "transaction %u: %s; simulate it again", i + 1, why);
    }
    return RISK_PASS;
}

/* What transactions before the simulated ones moved of an asset. */
static const struct risk_moved *done_of(const struct gate *g, const uint8_t asset[20])
{
    static const struct risk_moved nothing;
    for (uint32_t i = 0; i < g->c->done_count; i++) {
        if (memcmp(g->c->done[i].asset, asset, 20) == 0)
            return &g->c->done[i];
    }
    return &nothing;
}

/* The most that may still leave: by the plan, with what came before, less what left before. */
static hawse_u256_t may_leave(const struct gate *g, const uint8_t asset[20])
{
    const hawse_intent_flow_t *plan = gate_flow(g, asset);
    const struct risk_moved *done = done_of(g, asset);
    hawse_u256_t most = plan ? plan->max_out : hawse_u256(0);
    if (hawse_u256_add(&most, &done->in, &most))
        memset(&most, 0xff, sizeof(most));
    return hawse_u256_sub(&most, &done->out, &most) ? hawse_u256(0) : most;
}

static enum risk_answer check_outflow(struct gate *g, const struct sim_flow *f)
{
    const hawse_u256_t most = may_leave(g, f->asset);
    if (hawse_u256_compare(&f->out, &most) <= 0)
        return RISK_PASS;
    return gate_refuse(g,
                       json_pack("{s:s,s:o,s:o}", "asset", address_text(f->asset).text, "out",
                                 figure(&f->out), "max_out", figure(&most)),
                       "%s would leave the account, and the intent lets %s of it go",
                       amount_text(g, f->asset, &f->out).text,
                       hawse_u256_is_zero(&most) ? "nothing"
                                                 : amount_text(g, f->asset, &most).text);
}

static enum risk_answer check_inflow(struct gate *g, const hawse_intent_flow_t *plan)
{
    const struct risk_moved *done = done_of(g, plan->asset);
    hawse_u256_t in = hawse_u256(0), all, out = done->out;
    for (uint32_t i = 0; i < g->c->sim->flow_count; i++) {
        const struct sim_flow *f = &g->c->sim->flows[i];
        if (memcmp(f->asset, plan->asset, 20) != 0)
            continue;
        in = f->in;
        (void)hawse_u256_add(&out, &f->out, &out); /* no more than may leave: see check_outflow */
    }
    if (hawse_u256_add(&in, &done->in, &all))
        memset(&all, 0xff, sizeof(all));
    if (hawse_u256_sub(&all, &out, &in))
        in = hawse_u256(0);
    if (hawse_u256_compare(&in, &plan->min_in) >= 0)
        return RISK_PASS;
    return gate_refuse(g,
                       json_pack("{s:s,s:o,s:o}", "asset", address_text(plan->asset).text, "in",
                                 figure(&in), "min_in", figure(&plan->min_in)),
                       "%s would come in, and the intent wants %s at least",
                       amount_text(g, plan->asset, &in).text,
                       amount_text(g, plan->asset, &plan->min_in).text);
}

static enum risk_answer check_flows(struct gate *g)
{
    const struct sim_result *sim = g->c->sim;
    enum risk_answer answer = RISK_PASS;
    for (uint32_t i = 0; answer == RISK_PASS && i < sim->flow_count; i++)
        answer = check_outflow(g, &sim->flows[i]);
    if (g->c->sim_first > 0 && !g->c->done)
        return answer; /* what must come in may have come by those before */
    for (uint32_t i = 0; answer == RISK_PASS && i < g->c->intent->flow_count; i++)
        answer = check_inflow(g, gate_flow_at(g, i));
    return answer;
}

/* The first of those to the same spender stands for all of them. */
static bool is_first(const struct sim_result *sim, uint32_t index)
{
    const struct sim_approval *a = &sim->approvals[index];
    for (uint32_t i = 0; i < index; i++) {
        if (memcmp(sim->approvals[i].asset, a->asset, 20) == 0 &&
            memcmp(sim->approvals[i].spender, a->spender, 20) == 0)
            return false;
    }
    return true;
}

/* What is left of it in the end; where the token did not tell, the most that was given. */
static hawse_u256_t left_of(const struct sim_result *sim, uint32_t index)
{
    const struct sim_approval *a = &sim->approvals[index];
    hawse_u256_t most = a->left_known ? a->left : a->amount;
    for (uint32_t i = index + 1; i < sim->approval_count; i++) {
        const struct sim_approval *b = &sim->approvals[i];
        const hawse_u256_t *amount = b->left_known ? &b->left : &b->amount;
        if (memcmp(a->asset, b->asset, 20) == 0 && memcmp(a->spender, b->spender, 20) == 0 &&
            hawse_u256_compare(amount, &most) > 0)
            most = *amount;
    }
    return most;
}

/* Allowances that are left behind may be taken at any time: they count as taken today, but for
 * spenders to whom the operator lets any amount go. */
static enum risk_answer check_given(struct gate *g)
{
    const struct sim_result *sim = g->c->sim;
    enum risk_answer answer = RISK_PASS;
    for (uint32_t i = 0; answer == RISK_PASS && i < sim->approval_count; i++) {
        const struct sim_approval *a = &sim->approvals[i];
        const struct config_counterparty *c = gate_counterparty(g, a->spender);
        if (!is_first(sim, i) || (c && c->spender == SPENDER_UNLIMITED))
            continue;
        const hawse_u256_t left = left_of(sim, i);
        answer = gate_given(g, a->asset, &left);
    }
    return answer;
}

static enum risk_answer check_findings(struct gate *g)
{
    const struct sim_result *sim = g->c->sim;
    enum risk_answer answer = RISK_PASS;
    for (uint32_t i = 0; answer == RISK_PASS && i < sim->approval_count; i++) {
        const struct sim_approval *a = &sim->approvals[i];
        char where[96];
        (void)snprintf(where, sizeof(where), "in the simulation %s", address_text(a->asset).text);
        answer = gate_allowance(g, where, a->asset, a->spender, &a->amount, a->all);
    }
    for (uint32_t i = 0; answer == RISK_PASS && i < sim->finding_count; i++) {
        const struct sim_finding *f = &sim->findings[i];
        bool allowed =
            f->kind != SIM_FINDING_UNREADABLE && (g->limits->allowed_findings >> f->kind & 1) != 0;
        if (!allowed)
            answer = gate_refuse(
                g,
                json_pack("{s:s,s:s,s:i}", "finding", sim_finding_word(f->kind), "where",
                          address_text(f->where).text, "call", (int)f->call + 1),
                "the simulation found %s in call %u, at %s (0x%02x%02x%02x%02x): %s",
                sim_finding_word(f->kind), f->call + 1, address_text(f->where).text, f->selector[0],
                f->selector[1], f->selector[2], f->selector[3], sim_finding_meaning(f->kind));
    }
    return answer;
}

enum risk_answer gate_simulation(struct gate *g)
{
    const struct sim_result *sim = g->c->sim;
    if (!sim)
        return missing(g, "it was not simulated");
    if (sim->status != HAWSE_OK)
        return missing(g, sim->reason);
    if (!sim->success)
        return gate_refuse(g,
                           json_pack("{s:s,s:i}", "engine", sim_engine_name(sim->engine), "call",
                                     (int)sim->failed_call + 1),
                           "call %u of %u would fail at block %llu: %s", sim->failed_call + 1,
                           sim->call_count, (unsigned long long)sim->block_number, sim->reason);
    enum risk_answer answer = g->c->solana ? gate_bound(g) : check_tokens(g);
    if (answer != RISK_PASS)
        return answer;
    if (g->c->inspection_required && !sim->inspected)
        return gate_refuse(g, NULL,
                           "no provider gave the call tree, and it is required; see that one "
                           "answers debug_traceCall");
    answer = sim->flows_known ? check_flows(g) : missing(g, "what moves is not known");
    if (answer == RISK_PASS)
        answer = check_findings(g);
    /* without flows the gate of calls has counted those in the calldata */
    return answer == RISK_PASS && g->stage == RISK_AFTER && sim->flows_known ? check_given(g)
                                                                             : answer;
}
