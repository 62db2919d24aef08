/*
 * The order of the gates, and what all of them share. Start reading here.
 */
#include "risk/internal.h"

#include <hawse/base58.h>
#include <hawse/eip55.h>
#include <hawse/u256.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gate_entry {
    const char *name;
    const char *stages;
    gate_fn fn;
};

#define RISK_GATE_ENTRY(name, stages, asks) {#name, stages, gate_##name},
static const struct gate_entry gates[] = {RISK_GATES(RISK_GATE_ENTRY)};

/* ---- answers ---- */

__attribute__((format(printf, 4, 0))) static void
answer(struct gate *g, enum risk_answer what, json_t *figures, const char *fmt, va_list args)
{
    struct risk_verdict *v = g->v;
    v->answer = what;
    (void)snprintf(v->gate, sizeof(v->gate), "%s", g->name);
    (void)vsnprintf(v->reason, sizeof(v->reason), fmt, args);
    size_t n = figures ? json_dumpb(figures, v->figures, sizeof(v->figures), JSON_COMPACT) : 0;
    if (n == 0 || n >= sizeof(v->figures))
        (void)snprintf(v->figures, sizeof(v->figures), "{}");
    else
        v->figures[n] = '\0';
    json_decref(figures);
}

enum risk_answer gate_refuse(struct gate *g, json_t *figures, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    answer(g, RISK_REFUSE, figures, fmt, args);
    va_end(args);
    return RISK_REFUSE;
}

enum risk_answer gate_wait(struct gate *g, json_t *figures, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    answer(g, RISK_WAIT, figures, fmt, args);
    va_end(args);
    return RISK_WAIT;
}

void gate_warn(struct gate *g, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(g->v->warning, sizeof(g->v->warning), fmt, args);
    va_end(args);
}

/* ---- words ---- */

json_t *figure(const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(n, text);
    return json_string(text);
}

struct address_text address_text(const uint8_t address[20])
{
    struct address_text out;
    hawse_eip55_format(address, out.text);
    return out;
}

struct asset_text asset_text(const struct gate *g, const uint8_t asset[20])
{
    const hawse_intent_solana_t *s = g->c->solana ? g->c->intent->solana : NULL;
    struct asset_text out;
    (void)snprintf(out.text, sizeof(out.text), "%s", address_text(asset).text);
    for (uint32_t i = 0; s && i < s->flow_count; i++) {
        uint8_t handle[20];
        config_handle(s->flows[i].mint, handle);
        if (memcmp(handle, asset, 20) == 0)
            (void)hawse_base58_from_key(s->flows[i].mint, out.text);
    }
    return out;
}

struct amount_text amount_text(const struct gate *g, const uint8_t asset[20],
                               const hawse_u256_t *amount)
{
    static const uint8_t coin[20] = {0};
    struct amount_text out;
    char number[HAWSE_U256_DECIMAL_MAX + 4];
    const struct config_asset *a = gate_asset(g, asset);
    bool native = memcmp(asset, coin, 20) == 0;
    (void)hawse_u256_units(amount, 0, a ? a->decimals : 0, UINT32_MAX, number);
    (void)snprintf(out.text, sizeof(out.text), "%s %s", number,
                   a        ? a->name
                   : native ? g->c->solana ? "lamports" : "wei"
                            : asset_text(g, asset).text);
    return out;
}

/* ---- what gates look up ---- */

hawse_u256_t gate_scaled(const struct gate *g, const hawse_u256_t *amount)
{
    const hawse_u256_t ppm = hawse_u256(g->limits->canary_ppm), all = hawse_u256(RISK_PPM);
    hawse_u256_t out = *amount;
    if (g->canary)
        (void)hawse_u256_mul_div(amount, &ppm, &all, 0, &out); /* at most the amount */
    return out;
}

const struct config_asset *gate_asset(const struct gate *g, const uint8_t asset[20])
{
    for (size_t i = 0; g->limits && i < g->limits->asset_count; i++) {
        if (memcmp(g->limits->assets[i].address, asset, 20) == 0)
            return &g->limits->assets[i];
    }
    return NULL;
}

const struct config_counterparty *gate_counterparty(const struct gate *g, const uint8_t address[20])
{
    for (size_t i = 0; i < g->limits->counterparty_count; i++) {
        if (memcmp(g->limits->counterparties[i].address, address, 20) == 0)
            return &g->limits->counterparties[i];
    }
    return NULL;
}

const hawse_intent_call_t *gate_call(const struct gate *g, uint32_t i)
{
    const hawse_intent_t *in = g->c->intent;
    return (const hawse_intent_call_t *)((const char *)in->calls + (size_t)i * in->call_size);
}

const hawse_intent_flow_t *gate_flow_at(const struct gate *g, uint32_t i)
{
    const hawse_intent_t *in = g->c->intent;
    return (const hawse_intent_flow_t *)((const char *)in->flows + (size_t)i * in->flow_size);
}

const hawse_intent_flow_t *gate_flow(const struct gate *g, const uint8_t asset[20])
{
    for (uint32_t i = 0; i < g->c->intent->flow_count; i++) {
        if (memcmp(gate_flow_at(g, i)->asset, asset, 20) == 0)
            return gate_flow_at(g, i);
    }
    return NULL;
}

/* ---- parties and books ---- */

static struct party *party_of(struct risk *risk, const char *instance)
{
    for (size_t i = 0; i < risk->party_count; i++) {
        if (strcmp(risk->parties[i].instance, instance) == 0)
            return &risk->parties[i];
    }
    struct party *grown = realloc(risk->parties, (risk->party_count + 1) * sizeof(grown[0]));
    if (!grown)
        return NULL;
    risk->parties = grown;
    struct party *p = &grown[risk->party_count++];
    *p = (struct party){0};
    (void)snprintf(p->instance, sizeof(p->instance), "%s", instance);
    return p;
}

static struct book *book_of(struct risk *risk, const char *instance, const char *chain, size_t len)
{
    for (size_t i = 0; i < risk->book_count; i++) {
        const struct book *b = &risk->books[i];
        if (strcmp(b->instance, instance) == 0 && strlen(b->chain) == len &&
            memcmp(b->chain, chain, len) == 0)
            return &risk->books[i];
    }
    struct book *grown = realloc(risk->books, (risk->book_count + 1) * sizeof(grown[0]));
    if (!grown)
        return NULL;
    risk->books = grown;
    struct book *b = &grown[risk->book_count++];
    *b = (struct book){0};
    (void)snprintf(b->instance, sizeof(b->instance), "%s", instance);
    (void)snprintf(b->chain, sizeof(b->chain), "%.*s", (int)len, chain);
    return b;
}

static void notify(const struct risk *risk, const char *instance, const char *text)
{
    if (risk->options.notify)
        risk->options.notify(risk->options.notify_ctx, instance, text);
}

/* ---- the check ---- */

/* What a gate needs to be asked at all. */
static bool gate_begin(struct gate *g)
{
    const hawse_view_t chain = g->c->intent->chain;
    char name[64];
    g->instance = config_find(g->risk->config, g->c->instance);
    if (chain.len >= sizeof(name))
        return false;
    memcpy(name, chain.data, chain.len);
    name[chain.len] = '\0';
    g->party = party_of(g->risk, g->c->instance);
    g->book = book_of(g->risk, g->c->instance, name, chain.len);
    if (!g->instance || !g->party || !g->book)
        return false;
    g->limits = config_limits_find(g->instance, name);
    g->canary = g->instance->mode == MODE_CANARY || g->c->maturity == MATURITY_BETA;
    g->held.number = g->c->number;
    book_day(g->book, g->c->utc_ns);
    return true;
}

static void hold(struct gate *g)
{
    breaker_takes(&g->party->breaker, g->c->number);
    if (g->stage == RISK_AFTER && !book_hold(g->book, &g->held))
        (void)gate_refuse(g, NULL, "no memory to hold what this intent may take");
}

void risk_check(struct risk *risk, enum risk_stage stage, const struct risk_case *c,
                struct risk_verdict *out)
{
    struct gate g = {.risk = risk, .stage = stage, .c = c, .v = out, .name = "limits"};
    *out = (struct risk_verdict){.answer = RISK_PASS, .figures = "{}"};
    if (!gate_begin(&g)) {
        (void)gate_refuse(&g, NULL, "%.63s: there is no such instance or chain, or no memory",
                          c->instance);
        return;
    }
    for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++) {
        if (!strchr(gates[i].stages, "BAS"[stage]))
            continue;
        g.name = gates[i].name;
        if (gates[i].fn(&g) != RISK_PASS)
            break;
    }
    if (out->answer == RISK_PASS && stage != RISK_BEFORE)
        hold(&g);
    g.party->passed += out->answer == RISK_PASS;
    g.party->refused += out->answer == RISK_REFUSE;
    g.party->waited += out->answer == RISK_WAIT;
}

void risk_sim_policy(const struct risk *risk, const char *instance, const char *chain,
                     struct sim_policy *out)
{
    const struct config_instance *in = config_find(risk->config, instance);
    const struct config_limits *l = in ? config_limits_find(in, chain) : NULL;
    *out = (struct sim_policy){.callback_count = 0};
    out->callback_count = sim_usual_callbacks(out->callbacks);
    for (size_t i = 0; l && i < l->callback_count && out->callback_count < SIM_CALLBACKS; i++)
        memcpy(out->callbacks[out->callback_count++], l->callbacks[i], 4);
    for (size_t i = 0; l && i < l->code_count && out->code_count < SIM_ASSETS; i++)
        memcpy(out->code[out->code_count++], l->code[i], 20);
}

/* ---- how it ended ---- */

static void tell_breaker(struct risk *risk, struct party *p, uint64_t number,
                         enum risk_outcome outcome, uint64_t utc_ns)
{
    const struct config_instance *in = config_find(risk->config, p->instance);
    static const struct config_breaker usual = {3, 10, 60000}; /* of an instance that is gone */
    const struct config_breaker *config = in ? &in->breaker : &usual;
    char name[96], text[160];
    enum breaker_edge edge = breaker_ended(&p->breaker, config, number, outcome, utc_ns);
    if (edge == BREAKER_STAYS)
        return;
    (void)snprintf(name, sizeof(name), "breaker.%s", p->instance);
    if (edge == BREAKER_OPENS) {
        (void)snprintf(text, sizeof(text),
                       "breaker open after failures in a row; probes begin in %u ms",
                       config->pause_ms);
        (void)switches_set(risk->switches, name, text, NULL);
    } else {
        (void)snprintf(text, sizeof(text), "breaker closed after %u probes that succeeded",
                       config->successes);
        (void)switches_clear(risk->switches, name, NULL);
    }
    notify(risk, p->instance, text);
}

void risk_break(struct risk *risk, const char *instance, const char *why, uint64_t utc_ns)
{
    char name[96], text[256];
    struct party *p = party_of(risk, instance);
    if (!p) { /* what cannot be counted is stopped */
        (void)risk_kill(risk, instance, "host", why, NULL);
        return;
    }
    breaker_open(&p->breaker, utc_ns);
    (void)snprintf(name, sizeof(name), "breaker.%.63s", instance);
    (void)snprintf(text, sizeof(text), "breaker opened by %s", why);
    (void)switches_set(risk->switches, name, text, NULL);
    notify(risk, instance, text);
}

uint32_t risk_given(const struct risk *risk, const char *instance, const char *chain,
                    uint64_t number, struct risk_moved *out)
{
    uint32_t count = 0;
    for (size_t i = 0; i < risk->book_count; i++) {
        const struct book *book = &risk->books[i];
        const struct book_held *held =
            strcmp(book->instance, instance) == 0 && strcmp(book->chain, chain) == 0
                ? book_find(book, number)
                : NULL;
        for (uint32_t k = 0; held && k < held->flow_count; k++) {
            if (hawse_u256_is_zero(&held->flows[k].given))
                continue;
            out[count] = (struct risk_moved){.given = held->flows[k].given};
            memcpy(out[count++].asset, held->flows[k].asset, 20);
        }
    }
    return count;
}

void risk_ended(struct risk *risk, const char *instance, const char *chain, uint64_t number,
                enum risk_outcome outcome, const struct risk_moved *moved, uint32_t moved_count,
                uint64_t utc_ns)
{
    struct party *p = party_of(risk, instance);
    struct book *book = book_of(risk, instance, chain, strlen(chain));
    struct book_held held = {0};
    bool good = p && book;
    if (good) {
        book_day(book, utc_ns);
        (void)book_release(book, number, &held);
        book->intents += outcome != RISK_NOT_SENT;
    }
    for (uint32_t i = 0; good && i < moved_count; i++) {
        good = book_count(book, &moved[i]);
        for (uint32_t k = 0; good && k < held.counterparty_count; k++)
            good = book_count_share(book, &moved[i], held.counterparties[k]);
    }
    if (good)
        tell_breaker(risk, p, number, outcome, utc_ns);
    else /* what can't be counted can't be limited */
        (void)risk_kill(risk, instance, "host", "no memory to count what its intents take", NULL);
}

int32_t risk_restore_day(struct risk *risk, const char *instance, const char *chain,
                         const struct risk_moved *moved, uint32_t intents, uint64_t utc_ns)
{
    const struct config_instance *config = config_find(risk->config, instance);
    const struct config_limits *limits = config ? config_limits_find(config, chain) : NULL;
    struct book *book = book_of(risk, instance, chain, strlen(chain));
    if (!book)
        return HAWSE_E_NOMEM;
    book_day(book, utc_ns);
    book->intents = intents > book->intents ? intents : book->intents;
    bool good = book_count(book, moved);
    /* the journal does not say who got it: count it as if each had */
    for (size_t i = 0; good && limits && i < limits->counterparty_count; i++) {
        if (limits->counterparties[i].share_count > 0)
            good = book_count_share(book, moved, limits->counterparties[i].address);
    }
    if (!good)
        return HAWSE_E_NOMEM;
    return limits ? HAWSE_OK : HAWSE_E_NOTFOUND;
}

int32_t risk_restore_open(struct risk *risk, const struct risk_case *c)
{
    struct risk_verdict v = {.answer = RISK_PASS};
    struct gate g = {.risk = risk, .stage = RISK_AFTER, .c = c, .v = &v, .name = "limits"};
    if (!gate_begin(&g) || !g.limits)
        return HAWSE_E_NOTFOUND;
    /* What they fill in to be held counts; what they answer comes too late. */
    (void)gate_limits(&g);
    (void)gate_calls(&g);
    return book_hold(g.book, &g.held) ? HAWSE_OK : HAWSE_E_NOMEM;
}

/* ---- life ---- */

int32_t risk_create(const struct config *config, const struct risk_options *options,
                    struct risk **out, struct fault *fault)
{
    struct risk *risk = calloc(1, sizeof(*risk));
    if (!risk)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the gates");
    risk->config = config;
    risk->options = *options;
    risk->options.dir = NULL; /* the switches have a copy */
    int32_t code = switches_create(options->dir, &risk->switches, fault);
    for (size_t i = 0; code == HAWSE_OK && i < config->instance_count; i++) {
        char name[96];
        struct party *p = party_of(risk, config->instances[i].id);
        (void)snprintf(name, sizeof(name), "breaker.%s", config->instances[i].id);
        if (!p)
            code = fault_set(fault, HAWSE_E_NOMEM, "no memory for the gates");
        else if (switches_on(risk->switches, name, NULL, 0))
            breaker_open(&p->breaker, UINT64_MAX); /* its pause begins with the first check */
    }
    if (code != HAWSE_OK) {
        risk_destroy(risk);
        return code;
    }
    *out = risk;
    return HAWSE_OK;
}

void risk_destroy(struct risk *risk)
{
    if (!risk)
        return;
    switches_destroy(risk->switches);
    for (size_t i = 0; i < risk->book_count; i++)
        book_finish(&risk->books[i]);
    free(risk->books);
    free(risk->parties);
    free(risk);
}

int32_t risk_reload(struct risk *risk, const struct config *config, struct fault *fault)
{
    for (size_t i = 0; i < config->instance_count; i++) {
        if (!party_of(risk, config->instances[i].id))
            return fault_set(fault, HAWSE_E_NOMEM, "no memory for the gates");
    }
    risk->config = config;
    return HAWSE_OK;
}

static void kill_name(const char *instance, char *out, size_t cap)
{
    (void)snprintf(out, cap, "kill%s%.63s", instance ? "." : "", instance ? instance : "");
}

int32_t risk_kill(struct risk *risk, const char *instance, const char *who, const char *why,
                  struct fault *fault)
{
    char name[96], words[256];
    kill_name(instance, name, sizeof(name));
    (void)snprintf(words, sizeof(words), "%s: %s", who, why);
    int32_t code = switches_set(risk->switches, name, words, fault);
    notify(risk, instance, words);
    return code;
}

int32_t risk_resume(struct risk *risk, const char *instance, struct fault *fault)
{
    char name[96];
    kill_name(instance, name, sizeof(name));
    int32_t code = switches_clear(risk->switches, name, fault);
    if (code == HAWSE_OK)
        notify(risk, instance, "resumed");
    return code;
}

bool risk_killed(struct risk *risk, const char *instance, char *why, size_t cap)
{
    char name[96];
    if (switches_on(risk->switches, "kill", why, cap))
        return true;
    kill_name(instance, name, sizeof(name));
    return instance && switches_on(risk->switches, name, why, cap);
}

int32_t risk_status(const struct risk *risk, const char *instance, uint64_t utc_ns,
                    struct risk_status *out)
{
    *out = (struct risk_status){0};
    for (size_t i = 0; i < risk->book_count; i++) {
        const struct book *b = &risk->books[i];
        if (strcmp(b->instance, instance) != 0)
            continue;
        out->open_intents += book_open(b, UINT64_MAX);
        out->intents_today += (uint32_t)b->held_count;
        out->intents_today += b->day == utc_ns / BOOK_DAY_NS ? b->intents : 0;
    }
    for (size_t i = 0; i < risk->party_count; i++) {
        const struct party *p = &risk->parties[i];
        if (strcmp(p->instance, instance) != 0)
            continue;
        out->killed = risk_killed((struct risk *)risk, instance, NULL, 0);
        out->breaker = p->breaker.state;
        out->failures = p->breaker.failures;
        out->successes = p->breaker.successes;
        out->passed = p->passed;
        out->refused = p->refused;
        out->waited = p->waited;
        return HAWSE_OK;
    }
    return HAWSE_E_NOTFOUND;
}
