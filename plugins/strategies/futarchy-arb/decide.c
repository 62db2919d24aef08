/*
 * From the market to an intent; see arb.h. The hot path: nothing is asked, allocated or waited for
 * from the event that opens an opportunity to the proposal.
 */
#include "arb.h"

#include <stdio.h>
#include <string.h>

enum { FLOWS = MARKET_TOKENS, FEE_EIGHTHS = 9 };
/* Fees of an intent at most, in costs as reckoned: a limit of gas is above what is used, more so
 * where many ticks are crossed. Above it an intent waits, and its market moves on. */
enum { COST_TIMES = 6 };
/* The limit of gas that a bundle is simulated and signed with, so that it need not be found by a
 * simulation of its own: in units as reckoned, and what its ticks take. */
enum { LIMIT_TIMES = 2, LIMIT_MOST = 1 << 24 }; /* EIP-7825 */
enum { LEAST_COMPANY = 1000000000 };            /* 10^-9 tokens */
enum { ALL_HELD = (1 << MARKET_TOKENS) - 1 };

/* Nothing of ours is under way, its result is known, and the last refusal is some blocks ago. */
static bool is_idle(const struct arb *a)
{
    return !a->trade.open && !a->trade.measuring && a->head >= a->not_before_block;
}

/* What gas costs, in wei: at the highest base fee that the next block can have. */
static void gas_wei(const struct arb *a, hawse_u256_t *wei)
{
    hawse_u256_t price = hawse_u256(a->base_fee), eight = hawse_u256(8), one = hawse_u256(1);
    hawse_u256_t nine = hawse_u256(FEE_EIGHTHS), tip = hawse_u256(a->set.tip_wei);
    hawse_u256_t used = hawse_u256(a->set.gas_units);
    (void)hawse_u256_mul_div(&price, &nine, &eight, 1, &price);
    (void)hawse_u256_add(&price, &tip, &price);
    (void)hawse_u256_mul_div(&price, &used, &one, 0, wei);
}

static int32_t rules_now(const struct arb *a, const struct control_order *order,
                         struct flow_rules *rules)
{
    hawse_u256_t wei, one = hawse_u256(1000000000000000000u);
    gas_wei(a, &wei);
    *rules = (struct flow_rules){.slippage_ppm = order->slippage_ppm,
                                 .min_edge_ppm = a->set.min_edge_ppm,
                                 .liquidate = a->set.liquidation,
                                 .min_profit = a->set.min_profit};
    return hawse_u256_mul_div(&wei, &one, &a->rate, 1, &rules->gas);
}

/* The better one of both ways. */
static bool best(struct arb *a, const struct flow_rules *rules, const struct control_order *order,
                 struct flow *out)
{
    struct size_limits limits = {.max_in = order->max_in, .min_company = hawse_u256(LEAST_COMPANY)};
    struct flow f;
    bool any = false;
    uint32_t quotes = 0, sum = 0;
    for (int way = FLOW_BUY; way <= FLOW_SELL; way++) {
        int32_t code = size_best(&a->market, rules, &limits, (enum flow_way)way, &f, &quotes);
        sum += quotes;
        if (code == HAWSE_OK && (!any || hawse_i256_compare(&f.net, &out->net) > 0)) {
            *out = f;
            any = true;
        }
    }
    if (a->metrics)
        (void)a->metrics->add(a->host, a->self, a->m.evaluations, sum);
    return any;
}

/* ---- the proposal ---- */

static uint32_t put_flow(const struct arb *a, hawse_intent_flow_t *list, uint32_t n,
                         enum market_token token, const hawse_u256_t *max_out)
{
    list[n] = (hawse_intent_flow_t){.size = sizeof(list[n]), .max_out = *max_out};
    memcpy(list[n].asset, a->set.places.token[token], 20);
    return n + 1;
}

/* What a simulation of all calls must show: the gain, all but a part, and nothing else that leaves
 * for good. What comes of one transaction may leave by the next. */
static uint32_t assets(const struct arb *a, const struct flow *f, bool bundle,
                       hawse_intent_flow_t *list)
{
    const hawse_u256_t none = hawse_u256(0);
    bool whole = bundle || !is_cycle(f); /* else a part of it may be all that happens */
    uint32_t n = put_flow(a, list, 0, TOKEN_SDAI, whole ? &none : &f->paid_max);
    if (!hawse_i256_is_negative(&f->gain) && !hawse_u256_is_zero(&f->gain)) {
        list[0].expected_in = f->gain;
        (void)flow_below(&f->gain, a->set.net_slippage_ppm, &list[0].min_in);
    }
    if (f->way == FLOW_RECOVER && f->left_token >= TOKEN_YES_COMPANY) {
        /* sold for sDAI of its outcome */
        n = put_flow(a, list, n, f->left_token - TOKEN_YES_COMPANY + TOKEN_YES_SDAI, &none);
        list[n - 1].expected_in = f->left_out;
        list[n - 1].min_in = f->left_min;
    }
    if (f->way == FLOW_RECOVER)
        n = put_flow(a, list, n, f->left_token, &f->left);
    if (f->way == FLOW_SWEEP && !hawse_u256_is_zero(&f->company)) { /* a merge gives as much */
        n = put_flow(a, list, n, TOKEN_COMPANY, &none);
        list[n - 1].expected_in = list[n - 1].min_in = f->company;
    }
    for (uint32_t i = 0; i < 2 && f->way == FLOW_SWEEP; i++) {
        n = put_flow(a, list, n, TOKEN_YES_SDAI + i, &f->merged);
        n = put_flow(a, list, n, TOKEN_YES_COMPANY + i, &f->company);
    }
    return n;
}

static uint64_t gas_limit(const struct arb *a, const struct flow *f)
{
    uint64_t limit = LIMIT_TIMES * a->set.gas_units + flow_gas(&a->market, f);
    return limit < LIMIT_MOST ? limit : LIMIT_MOST;
}

/* Fees at most, in wei. */
static hawse_u256_t fees_most(const struct arb *a, uint64_t limit)
{
    hawse_u256_t wei, times, units = hawse_u256(a->set.gas_units);
    uint64_t usual = LIMIT_TIMES * a->set.gas_units;
    gas_wei(a, &wei);
    times = hawse_u256(COST_TIMES * (limit > usual ? limit : usual) / LIMIT_TIMES);
    (void)hawse_u256_mul_div(&wei, &times, &units, 1, &wei);
    return wei;
}

void arb_intent_id(uint64_t run, uint64_t number, char id[HAWSE_INTENT_ID_MAX])
{
    (void)snprintf(id, HAWSE_INTENT_ID_MAX, "arb-%llx-%llu", (unsigned long long)run,
                   (unsigned long long)number);
}

static int32_t propose(struct arb *a, const struct flow *f, const struct bundle *b, bool bundle)
{
    hawse_intent_call_t calls[BUNDLE_CALLS];
    hawse_intent_flow_t flows[FLOWS];
    hawse_intent_stream_t streams[2];
    uint64_t now = a->host->now(a->host, HAWSE_CLOCK_UTC);
    uint64_t limit = bundle && is_cycle(f) ? gas_limit(a, f) : 0;
    char id[HAWSE_INTENT_ID_MAX], note[128];
    arb_intent_id(a->run, a->next_number, id);
    (void)snprintf(note, sizeof(note), "block %llu: %s", (unsigned long long)a->head,
                   f->way == FLOW_BUY     ? "buy conditionals, sell the company token"
                   : f->way == FLOW_SELL  ? "buy the company token, sell conditionals"
                   : f->way == FLOW_SWEEP ? "merge what is left"
                                          : "sell what a sequence left");
    for (uint32_t i = 0; i < b->count; i++) {
        calls[i] = (hawse_intent_call_t){.size = sizeof(calls[i]),
                                         .gas_limit = (limit + b->count - 1) / b->count,
                                         .data = {b->call[i].data, b->call[i].len}};
        memcpy(calls[i].to, b->call[i].to, 20);
    }
    for (uint32_t i = 0; i < 2; i++)
        streams[i] = (hawse_intent_stream_t){
            .size = sizeof(streams[i]), .source = a->chain, .stream = HAWSE_EVM_STREAM_BLOCKS + i};
    hawse_intent_t intent = {.size = sizeof(intent),
                             .kind = HAWSE_INTENT_EVM_CALLS,
                             .tag = a->next_number,
                             .id = hawse_text(id),
                             .chain = hawse_text(a->set.chain),
                             .account = hawse_text(a->set.account),
                             .how = bundle ? HAWSE_INTENT_BUNDLE : HAWSE_INTENT_EACH,
                             .call_count = b->count,
                             .call_size = sizeof(calls[0]),
                             .calls = calls,
                             .flow_count = assets(a, f, bundle, flows),
                             .flow_size = sizeof(flows[0]),
                             .flows = flows,
                             .stream_count = 2,
                             .flags = HAWSE_INTENT_KEEP_SIGNED,
                             .stream_size = sizeof(streams[0]),
                             .streams = streams,
                             .deadline_ns = now + a->set.deadline_s * 1000000000u,
                             .note = hawse_text(note),
                             .max_cost = fees_most(a, limit),
                             .basis_block = a->basis_block > a->head ? a->basis_block : a->head,
                             .basis_ns = a->basis_ns};
    return a->intents->propose(a->host, a->self, &intent, &a->trade.handle);
}

/* Seconds, UTC: of the block, or the clock where that is ahead. */
static uint64_t deadline(const struct arb *a)
{
    uint64_t now = a->host->now(a->host, HAWSE_CLOCK_UTC) / 1000000000u;
    return (a->head_time > now ? a->head_time : now) + a->set.deadline_s;
}

static void act(struct arb *a, const struct flow *f, const struct control_order *order)
{
    struct bundle b;
    int32_t code = bundle_make(&a->set.places, f, deadline(a), &b);
    if (code == HAWSE_OK)
        code = bundle_check(&a->set.places, &b);
    if (code != HAWSE_OK) {
        complain(a, "calls cannot be made of a flow: %d", code);
        return;
    }
    memset(&a->trade, 0, sizeof(a->trade));
    a->trade.flow = *f;
    a->trade.order = *order;
    a->trade.block = a->head;
    a->trade.run = a->run;
    a->trade.number = a->next_number;
    if (!stored_trade(a))
        return;
    code = propose(a, f, &b, order->path == PATH_BUNDLE);
    if (code != HAWSE_OK) {
        a->not_before_block = a->head + 1;
        if (code != HAWSE_E_AGAIN && code != HAWSE_E_STATE)
            complain(a,
                     "an intent was not taken (%d): are \"intent\", the chain and the account "
                     "granted?",
                     code);
        return;
    }
    a->trade.open = true;
    a->trade.legs = order->path == PATH_BUNDLE ? 1 : b.count;
    a->next_number++;
    a->trade.last_ns = a->control.last_ns;
    a->trade.fell_back = a->control.fall_back;
    if (is_cycle(f))
        control_begun(&a->control, order);
    stored_begun(a);
    say_decision(a, f);
}

/* ---- what is left of earlier trades ---- */

static const hawse_u256_t *less(const hawse_u256_t *x, const hawse_u256_t *y)
{
    return hawse_u256_compare(x, y) <= 0 ? x : y;
}

/* Pairs of both outcomes are worth what they were made of: they are merged when there is enough. */
static bool sweep(struct arb *a, const struct control_order *order)
{
    const hawse_u256_t *sdai = less(&a->held[TOKEN_YES_SDAI], &a->held[TOKEN_NO_SDAI]);
    const hawse_u256_t *company = less(&a->held[TOKEN_YES_COMPANY], &a->held[TOKEN_NO_COMPANY]);
    struct control_order single = *order;
    struct flow f;
    if (a->held_known != ALL_HELD || hawse_u256_compare(sdai, &a->set.sweep_min) < 0 ||
        flow_sweep(sdai, company, &f) != HAWSE_OK)
        return false;
    single.path = PATH_SEQUENTIAL;
    act(a, &f, &single);
    return true;
}

/* ---- what a sequence that failed half way left ---- */

static bool is_worth(const struct arb *a, const hawse_u256_t *sdai)
{
    return hawse_u256_compare(sdai, &a->set.sweep_min) >= 0;
}

/* What of it is still ours. */
static hawse_u256_t stranded(const struct arb *a, enum market_token token)
{
    return *less(&a->stranded[token], &a->held[token]);
}

static bool recover_by(struct arb *a, const struct flow_rules *rules,
                       const struct control_order *order, enum market_token token)
{
    hawse_u256_t amount = stranded(a, token);
    struct flow f;
    if (hawse_u256_is_zero(&amount) ||
        flow_recover(&a->market, rules, token, &amount, &f) != HAWSE_OK ||
        !is_worth(a, &f.left_out))
        return false;
    act(a, &f, order);
    return true;
}

/* Pairs are merged, then the company token goes back to sDAI, one outcome's company tokens to its
 * sDAI; one outcome's sDAI is sold where that is allowed. One step at a time, before any trade;
 * true when nothing else is to be done now. */
static bool recover(struct arb *a, const struct flow_rules *rules,
                    const struct control_order *order)
{
    struct control_order single = *order;
    hawse_u256_t sides[4], value, any = hawse_u256(0);
    struct flow f;
    for (uint32_t i = TOKEN_COMPANY; i < MARKET_TOKENS; i++)
        hawse_u256_or(&any, &a->stranded[i], &any);
    if (hawse_u256_is_zero(&any))
        return false;
    if (a->held_known != ALL_HELD)
        return true; /* balances are on their way */
    for (uint32_t i = 0; i < 4; i++)
        sides[i] = stranded(a, TOKEN_YES_SDAI + i);
    single.path = PATH_SEQUENTIAL;
    const hawse_u256_t none = hawse_u256(0), *sdai = less(&sides[0], &sides[1]);
    const hawse_u256_t *company = less(&sides[2], &sides[3]);
    if (market_spot_sell(&a->market.spot, company, &value) != HAWSE_OK || !is_worth(a, &value))
        company = &none;
    if (!is_worth(a, sdai))
        sdai = &none;
    if (flow_sweep(sdai, company, &f) == HAWSE_OK) {
        act(a, &f, &single);
        return true;
    }
    return recover_by(a, rules, &single, TOKEN_COMPANY) ||
           recover_by(a, rules, &single, TOKEN_YES_COMPANY) ||
           recover_by(a, rules, &single, TOKEN_NO_COMPANY) ||
           (a->set.liquidation && (recover_by(a, rules, &single, TOKEN_YES_SDAI) ||
                                   recover_by(a, rules, &single, TOKEN_NO_SDAI)));
}

int32_t decide_quote(struct arb *a, enum flow_way way, const hawse_u256_t *max_in, struct flow *f,
                     struct control_order *order)
{
    struct control now = a->control; /* a question changes nothing */
    struct flow_rules rules;
    now.last_ns = 0;
    if (!world_ready(a) ||
        control_next(&a->set.rules, &now, a->host->now(a->host, HAWSE_CLOCK_UTC), order, NULL) !=
            HAWSE_OK ||
        rules_now(a, order, &rules) != HAWSE_OK)
        return HAWSE_E_STATE;
    struct size_limits limits = {.max_in = max_in ? *max_in : order->max_in,
                                 .min_company = hawse_u256(LEAST_COMPANY)};
    return size_best(&a->market, &rules, &limits, way, f, NULL);
}

void decide_outdated(struct arb *a)
{
    struct trade *t = &a->trade;
    if (!t->open && t->refused) { /* its simulation saw what we see only now */
        t->refused = false;
        a->refusals--;
        a->not_before_block = a->head;
    }
    if (!t->open || t->is_signed || t->outdated || t->flow.way == FLOW_SWEEP || a->carried.waits)
        return;
    t->outdated = true;
    (void)a->intents->cancel(a->host, a->self, t->handle);
}

/* The rest of a block is on its way: a timer looks again, should it not come. */
static bool waits(struct arb *a)
{
    uint64_t now = a->host->now(a->host, HAWSE_CLOCK_MONOTONIC);
    hawse_timer_t timer;
    if (!whole_waits(&a->whole, now))
        return false;
    if (!a->whole_asked)
        (void)a->timers->set(a->host, a->self, a->whole.until_ns - now, 0, 1, &timer);
    a->whole_asked = true;
    return true;
}

static bool is_due(struct arb *a)
{
    return a->changed && !a->stored_waits && is_idle(a) && world_ready(a) && !waits(a);
}

void decide(struct arb *a)
{
    struct control_order order;
    struct flow_rules rules;
    struct flow f;
    uint32_t notices = 0;
    if (!is_due(a))
        return;
    a->changed = false;
    int32_t code = control_next(&a->set.rules, &a->control, a->host->now(a->host, HAWSE_CLOCK_UTC),
                                &order, &notices);
    if (notices)
        say_notices(a, notices);
    if ((code != HAWSE_OK && code != HAWSE_E_AGAIN) || rules_now(a, &order, &rules) != HAWSE_OK ||
        recover(a, &rules, &order) || code == HAWSE_E_AGAIN)
        return;
    if (order.path == PATH_BUNDLE && a->set.hash_set && !a->code_good)
        return; /* not looked at yet, or bad: then bundles are out of use in a moment */
    if (!a->over && best(a, &rules, &order, &f))
        act(a, &f, &order);
    else
        (void)sweep(a, &order);
}
