/*
 * Every call, decoded to the innermost, against the operator's table of counterparties.
 *
 * - A token that is an asset may be called for allowances and transfers without being a
 *   counterparty; spenders and receivers have to be.
 * - Everything else is called at a counterparty, by a function that it lists. That a function holds
 *   other calls changes nothing about it, and each of those is checked like the outer one.
 * - Taking an allowance back, or setting it to 0, is always allowed for an asset.
 */
#include "risk/calldata.h"
#include "risk/internal.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

enum { NEST_DEPTH = 4, NEST_CALLS = 512 };

struct walk {
    struct gate *g;
    char where[160]; /* "call 2, aggregate3 1" */
    uint32_t depth, calls;
    uint32_t at;                        /* number among its neighbours */
    hawse_u256_t stated[CONFIG_ASSETS]; /* what calldata itself says that leaves, by asset */
    hawse_u256_t given[CONFIG_ASSETS];  /* and what allowances it gives */
    hawse_u256_t value;                 /* of the outer calls */
    bool pays_without_quote;            /* something is called that has to come with a quote */
    enum risk_answer answer;
};

static const char *where(const struct walk *w)
{
    return w->where;
}

enum risk_answer gate_touch(struct gate *g, const uint8_t address[20])
{
    struct book_held *h = &g->held;
    const struct config_counterparty *c = gate_counterparty(g, address);
    if (!c || c->share_count == 0)
        return RISK_PASS;
    for (uint32_t i = 0; i < h->counterparty_count; i++) {
        if (memcmp(h->counterparties[i], address, 20) == 0)
            return RISK_PASS;
    }
    if (h->counterparty_count == sizeof(h->counterparties) / sizeof(h->counterparties[0]))
        return gate_refuse(g, NULL,
                           "it has to do with more than %u counterparties that have "
                           "limits of their own",
                           h->counterparty_count);
    memcpy(h->counterparties[h->counterparty_count++], address, 20);
    return RISK_PASS;
}

static json_t *allowance_figures(const uint8_t token[20], const uint8_t spender[20],
                                 const hawse_u256_t *amount, bool all)
{
    return json_pack("{s:s,s:s,s:o,s:b}", "token", address_text(token).text, "spender",
                     address_text(spender).text, "amount", figure(amount), "all", all);
}

enum risk_answer gate_allowance(struct gate *g, const char *at, const uint8_t token[20],
                                const uint8_t spender[20], const hawse_u256_t *amount, bool all)
{
    const struct config_asset *a = gate_asset(g, token);
    const struct config_counterparty *c = gate_counterparty(g, spender);
    if (hawse_u256_is_zero(amount) || (c && c->spender == SPENDER_UNLIMITED))
        return RISK_PASS;
    struct amount_text what = amount_text(g, token, amount);
    if (all)
        (void)snprintf(what.text, sizeof(what.text), "everything");
    hawse_u256_t limit = a ? gate_scaled(g, &a->per_intent) : hawse_u256(0);
    if (!c || c->spender == SPENDER_NO)
        return gate_refuse(g, allowance_figures(token, spender, amount, all),
                           "%s: gives an allowance of %s to %s, which is no spender in the table "
                           "of counterparties",
                           at, what.text, address_text(spender).text);
    if (!all && a && hawse_u256_compare(amount, &limit) <= 0)
        return RISK_PASS;
    return gate_refuse(g, allowance_figures(token, spender, amount, all),
                       "%s: gives an allowance of %s to %s, which may be given %s; approve what "
                       "is spent, or set its spender to \"unlimited\"",
                       at, what.text, address_text(spender).text,
                       a ? amount_text(g, token, &limit).text : "allowances of assets alone");
}

static bool lists(const struct config_counterparty *c, const uint8_t selector[4])
{
    for (size_t i = 0; c && i < c->selector_count; i++) {
        if (memcmp(c->selectors[i], selector, 4) == 0)
            return true;
    }
    return false;
}

static enum risk_answer check_value(struct walk *w, const struct calldata_call *call,
                                    const struct calldata *d)
{
    static const uint8_t coin[20] = {0};
    const struct config_counterparty *c = gate_counterparty(w->g, call->to);
    if (d->kind == CALLDATA_NONE && c && (c->plain || c->recipient)) {
        w->pays_without_quote = w->pays_without_quote || !(c->without_quote || c->recipient);
        return RISK_PASS;
    }
    if (d->kind == CALLDATA_NONE)
        return gate_refuse(w->g, NULL,
                           "%s: sends coins to %s, which is no recipient and lists no "
                           "\"receive()\" in the table of counterparties",
                           where(w), address_text(call->to).text);
    if (hawse_u256_is_zero(&call->value) || (c && c->value))
        return RISK_PASS;
    return gate_refuse(w->g, json_pack("{s:o}", "value", figure(&call->value)),
                       "%s: %s go with a call of %s, which is not marked \"value\" in the table of "
                       "counterparties",
                       where(w), amount_text(w->g, coin, &call->value).text,
                       address_text(call->to).text);
}

static enum risk_answer check_listed(struct walk *w, const struct calldata_call *call,
                                     const struct calldata *d)
{
    const struct config_counterparty *c = gate_counterparty(w->g, call->to);
    char selector[9] = {0};
    if (lists(c, d->selector)) {
        w->pays_without_quote = w->pays_without_quote || !c->without_quote;
        return RISK_PASS;
    }
    hawse_hex_encode(d->selector, 4, selector);
    return gate_refuse(
        w->g, json_pack("{s:s,s:s}", "to", address_text(call->to).text, "selector", selector),
        "%s: calls %s%s0x%s of %s, which %s; add it to its functions if that is "
        "meant",
        where(w), d->name ? d->name : "", d->name ? ", " : "function ", selector,
        address_text(call->to).text,
        c ? "does not list it" : "is not in the table of counterparties");
}

static enum risk_answer check_party(struct walk *w, const struct calldata_call *call,
                                    const struct calldata *d)
{
    struct gate *g = w->g;
    const uint8_t *token = d->names_token ? d->token : call->to;
    const struct config_counterparty *c = gate_counterparty(g, d->party);
    enum risk_answer answer = gate_touch(g, d->party);
    if (answer != RISK_PASS || d->kind == CALLDATA_LESS)
        return answer;
    if (d->kind == CALLDATA_ALLOWANCE)
        return gate_allowance(g, where(w), token, d->party, &d->amount, d->all);
    const uint8_t *own = g->c->subject ? g->c->subject : g->c->from;
    if (memcmp(d->party, own, 20) == 0 || (c && c->recipient))
        return RISK_PASS;
    return gate_refuse(g,
                       json_pack("{s:s,s:s,s:o}", "token", address_text(token).text, "to",
                                 address_text(d->party).text, "amount", figure(&d->amount)),
                       "%s: %s to %s, which is no recipient in the table of counterparties",
                       where(w), d->name, address_text(d->party).text);
}

static enum risk_answer check_call(struct walk *w, const struct calldata_call *call);

static bool check_inner(void *ctx, const struct calldata_call *call)
{
    struct walk *w = ctx;
    char *end = w->where + strlen(w->where);
    (void)snprintf(end, sizeof(w->where) - (size_t)(end - w->where), ", inner call %u", ++w->at);
    w->answer = check_call(w, call);
    *end = '\0';
    return w->answer == RISK_PASS;
}

static enum risk_answer check_nest(struct walk *w, const struct calldata_call *call,
                                   const struct calldata *d)
{
    uint32_t at = w->at;
    if (w->depth == NEST_DEPTH)
        return gate_refuse(w->g, NULL, "%s: calls inside of calls, more than %d deep", where(w),
                           NEST_DEPTH);
    w->depth++;
    w->at = 0;
    int32_t code = calldata_inner(call->data, call->to, check_inner, w);
    w->depth--;
    w->at = at;
    if (code != HAWSE_OK)
        return gate_refuse(w->g, NULL, "%s: the calls inside of %s do not decode, or are too many",
                           where(w), d->name);
    return w->answer;
}

/* Code that runs as the caller's own may do anything: it has to be listed. */
static enum risk_answer check_delegated(struct walk *w, const struct calldata_call *call)
{
    const struct config_limits *l = w->g->limits;
    for (size_t i = 0; i < l->code_count; i++) {
        if (memcmp(l->code[i], call->to, 20) == 0)
            return RISK_PASS;
    }
    return gate_refuse(w->g, NULL,
                       "%s: runs the code of %s as the caller's own, which is not listed in "
                       "\"code\"",
                       where(w), address_text(call->to).text);
}

static bool is_known(const struct calldata *d)
{
    return d->kind == CALLDATA_ALLOWANCE || d->kind == CALLDATA_LESS ||
           d->kind == CALLDATA_TRANSFER;
}

static void add_to(hawse_u256_t *sum, const hawse_u256_t *more)
{
    if (hawse_u256_add(sum, more, sum))
        memset(sum, 0xff, sizeof(*sum)); /* above every limit */
}

/* Sums up what the calldata says by itself. Values of inner calls are the outer one's, handed on.
 */
static void state(struct walk *w, const struct calldata_call *call, const struct calldata *d)
{
    const uint8_t *token = d->names_token ? d->token : call->to;
    const struct config_asset *a = gate_asset(w->g, token);
    if (w->depth == 0)
        add_to(&w->value, &call->value);
    const struct config_counterparty *c = gate_counterparty(w->g, d->party);
    if (a && d->kind == CALLDATA_ALLOWANCE && !(c && c->spender == SPENDER_UNLIMITED))
        add_to(&w->given[a - w->g->limits->assets], &d->amount);
    if (a && d->kind == CALLDATA_TRANSFER)
        add_to(&w->stated[a - w->g->limits->assets], &d->amount);
}

static enum risk_answer check_call(struct walk *w, const struct calldata_call *call)
{
    struct gate *g = w->g;
    struct calldata d;
    if (++w->calls > NEST_CALLS)
        return gate_refuse(g, NULL, "more than %d calls inside of each other", NEST_CALLS);
    if (calldata_read(call->data, &d) != HAWSE_OK)
        return gate_refuse(g, NULL, "%s: its calldata does not decode as %s", where(w),
                           d.name ? d.name : "a function: fewer than 4 bytes");
    state(w, call, &d);
    enum risk_answer answer = call->delegated ? check_delegated(w, call) : RISK_PASS;
    if (answer == RISK_PASS)
        answer = gate_touch(g, call->to);
    if (answer == RISK_PASS)
        answer = check_value(w, call, &d);
    if (answer == RISK_PASS && d.kind != CALLDATA_NONE &&
        !(is_known(&d) && gate_asset(g, call->to)))
        answer = check_listed(w, call, &d);
    if (answer == RISK_PASS && is_known(&d))
        answer = check_party(w, call, &d);
    return answer == RISK_PASS && d.kind == CALLDATA_NEST ? check_nest(w, call, &d) : answer;
}

/* ---- what is known when all calls are ---- */

static enum risk_answer check_share(struct gate *g, const struct config_counterparty *c,
                                    const struct config_share *share)
{
    const struct config_asset *a = &g->limits->assets[share->asset];
    hawse_u256_t taken = book_share_out(g->book, g->c->number, a->address, c->address);
    hawse_u256_t sum, limit = gate_scaled(g, &share->per_day), asked = hawse_u256(0);
    for (uint32_t i = 0; i < g->held.flow_count; i++) {
        if (memcmp(g->held.flows[i].asset, a->address, 20) == 0)
            asked = book_flow_sum(&g->held.flows[i]);
    }
    if (hawse_u256_is_zero(&asked) ||
        (hawse_u256_add(&taken, &asked, &sum) == 0 && hawse_u256_compare(&sum, &limit) <= 0))
        return RISK_PASS;
    return gate_refuse(g,
                       json_pack("{s:s,s:s,s:o,s:o,s:o}", "asset", a->name, "counterparty",
                                 address_text(c->address).text, "taken", figure(&taken), "asked",
                                 figure(&asked), "limit", figure(&limit)),
                       "asks for %s with %s taken or held already by intents with %s, and its "
                       "per_day%s is %s",
                       amount_text(g, a->address, &asked).text,
                       amount_text(g, a->address, &taken).text, address_text(c->address).text,
                       g->canary ? " (canary)" : "", amount_text(g, a->address, &limit).text);
}

enum risk_answer gate_shares(struct gate *g)
{
    enum risk_answer answer = RISK_PASS;
    for (uint32_t i = 0; i < g->held.counterparty_count; i++) {
        const struct config_counterparty *c = gate_counterparty(g, g->held.counterparties[i]);
        for (size_t k = 0; answer == RISK_PASS && k < c->share_count; k++)
            answer = check_share(g, c, &c->shares[k]);
    }
    return answer;
}

static enum risk_answer check_stated_of(struct gate *g, const uint8_t asset[20],
                                        const hawse_u256_t *stated)
{
    const hawse_u256_t none = hawse_u256(0);
    const hawse_intent_flow_t *flow = gate_flow(g, asset);
    if (hawse_u256_compare(stated, flow ? &flow->max_out : &none) <= 0)
        return RISK_PASS;
    return gate_refuse(g,
                       json_pack("{s:s,s:o,s:o}", "asset", address_text(asset).text, "stated",
                                 figure(stated), "max_out", figure(flow ? &flow->max_out : &none)),
                       "by its calls %s leave, the intent lets %s go, and no simulation says what "
                       "comes back",
                       amount_text(g, asset, stated).text,
                       amount_text(g, asset, flow ? &flow->max_out : &none).text);
}

/* Where no simulation tells flows, and the operator requires none: at least what stands in the
 * calls is within the plan, and allowances count in full. */
static enum risk_answer check_stated(struct gate *g, const struct walk *w)
{
    static const uint8_t coin[20] = {0};
    const struct sim_result *sim = g->c->sim;
    bool known = sim && sim->status == HAWSE_OK && sim->flows_known;
    if (g->stage != RISK_AFTER || known)
        return RISK_PASS;
    enum risk_answer answer = check_stated_of(g, coin, &w->value);
    for (size_t i = 0; answer == RISK_PASS && i < g->limits->asset_count; i++) {
        const struct config_asset *a = &g->limits->assets[i];
        if (!a->native)
            answer = check_stated_of(g, a->address, &w->stated[i]);
        if (answer == RISK_PASS)
            answer = gate_given(g, a->address, &w->given[i]);
    }
    return answer;
}

enum risk_answer gate_quote(struct gate *g)
{
    bool pays = false, quoted = false;
    for (uint32_t i = 0; i < g->c->intent->flow_count; i++) {
        const hawse_intent_flow_t *flow = gate_flow_at(g, i);
        pays = pays || !hawse_u256_is_zero(&flow->max_out);
        quoted = quoted || !hawse_u256_is_zero(&flow->expected_in);
    }
    if (!pays || quoted)
        return RISK_PASS;
    return gate_refuse(g, NULL,
                       "it pays and says of no asset what is expected to come in, so slippage has "
                       "no bound; name expected_in and min_in, or mark the counterparty "
                       "\"without_quote\"");
}

static bool is_call(const struct gate *g, uint32_t i, const struct calldata_call *found)
{
    if (i >= g->c->intent->call_count)
        return false;
    const hawse_intent_call_t *call = gate_call(g, i);
    return memcmp(found->to, call->to, 20) == 0 &&
           hawse_u256_compare(&found->value, &call->value) == 0 &&
           found->data.len == call->data.len &&
           (call->data.len == 0 || memcmp(found->data.data, call->data.data, call->data.len) == 0);
}

/* The calls that a Safe will make, against the intent's. */
struct match {
    const struct gate *g;
    uint32_t at;
    bool same, inside; /* of the batch */
};

static bool is_selector(hawse_view_t data, uint32_t selector)
{
    return data.len >= 4 && ((uint32_t)data.data[0] << 24 | (uint32_t)data.data[1] << 16 |
                             (uint32_t)data.data[2] << 8 | data.data[3]) == selector;
}

static bool match_next(void *ctx, const struct calldata_call *call)
{
    struct match *m = ctx;
    if (!call->delegated) {
        m->same = is_call(m->g, m->at++, call);
        return m->same;
    }
    m->same = !m->inside && memcmp(call->to, m->g->c->batch, 20) == 0 &&
              is_selector(call->data, 0x8d80ff0a); /* multiSend(bytes) */
    m->inside = true;
    m->same = m->same && calldata_inner(call->data, call->to, match_next, m) == HAWSE_OK && m->same;
    return m->same;
}

/* execTransaction of the Safe itself, with these calls, and with no gas that the Safe would pay
 * for. */
static bool is_of_safe(const struct gate *g)
{
    static const uint8_t zeroes[5 * 32] = {0};
    const hawse_tx_t *tx = &g->c->txs[0];
    struct match m = {.g = g, .same = true};
    return g->c->tx_count == 1 && g->c->subject && g->c->batch && tx->create == 0 &&
           memcmp(tx->to, g->c->subject, 20) == 0 && hawse_u256_is_zero(&tx->value) &&
           is_selector(tx->data, 0x6a761202) && tx->data.len >= 4 + 10 * 32 &&
           memcmp(tx->data.data + 4 + 4 * 32, zeroes, sizeof(zeroes)) == 0 &&
           calldata_inner(tx->data, tx->to, match_next, &m) == HAWSE_OK && m.same &&
           m.at == g->c->intent->call_count;
}

/* What is about to be signed has to be what was checked: one transaction for each call, or one of a
 * Safe that makes all of them. A bundle is encoded by the host, and held against the intent by the
 * simulation alone. */
static enum risk_answer check_plan(struct gate *g)
{
    const hawse_intent_t *in = g->c->intent;
    bool safe = in->how == HAWSE_INTENT_SAFE;
    if (g->stage != RISK_AFTER || in->how == HAWSE_INTENT_BUNDLE || !g->c->txs)
        return RISK_PASS;
    bool same = safe ? is_of_safe(g) : g->c->tx_count == in->call_count;
    for (uint32_t i = 0; same && !safe && i < in->call_count; i++) {
        const hawse_tx_t *tx = &g->c->txs[i];
        struct calldata_call found = {.value = tx->value, .data = tx->data};
        memcpy(found.to, tx->to, 20);
        same = tx->create == 0 && is_call(g, i, &found);
    }
    return same ? RISK_PASS
                : gate_refuse(g, NULL,
                              "the transactions that were made of it are not its calls: a "
                              "fault of the host");
}

enum risk_answer gate_calls(struct gate *g)
{
    struct walk w = {.g = g};
    enum risk_answer answer = RISK_PASS;
    if (g->c->solana)
        return gate_instructions(g);
    for (uint32_t i = 0; answer == RISK_PASS && i < g->c->intent->call_count; i++) {
        const hawse_intent_call_t *in = gate_call(g, i);
        struct calldata_call call = {.value = in->value, .data = in->data};
        memcpy(call.to, in->to, 20);
        (void)snprintf(w.where, sizeof(w.where), "call %u", i + 1);
        answer = check_call(&w, &call);
    }
    if (answer == RISK_PASS)
        answer = check_plan(g);
    if (answer == RISK_PASS)
        answer = check_stated(g, &w);
    if (answer == RISK_PASS && w.pays_without_quote)
        answer = gate_quote(g);
    return answer == RISK_PASS ? gate_shares(g) : answer;
}
