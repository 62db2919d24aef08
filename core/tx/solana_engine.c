/* Entries of the Solana engine, events and their effects, and turns; see solana_engine.h. */
#include "tx/solana_private.h"

#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 1000, DEADLINE_MS = 5000 };

static uint64_t now_of(const struct solana_engine *engine)
{
    return engine->port.now(engine->port.ctx);
}

/* ---- questions ---- */

static void unlink_ask(struct solana_ask *ask)
{
    if (!ask->engine)
        return;
    *ask->at = ask->next;
    if (ask->next)
        ask->next->at = ask->at;
    if (ask->entry)
        ask->entry->asks--;
}

static void on_answer(void *ctx, const struct pool_result *result)
{
    struct solana_ask *ask = ctx;
    unlink_ask(ask);
    if (ask->engine)
        ask->done(ask, result);
    free(ask);
}

bool solana_ask(struct solana_engine *engine, const struct solana_ask *what, const char *method,
                const char *params, enum pool_class class, uint32_t flags)
{
    struct solana_ask *ask = malloc(sizeof(*ask));
    if (!ask)
        return false;
    *ask = *what;
    ask->engine = engine;
    ask->asked_ns = now_of(engine);
    ask->next = engine->asks;
    ask->at = &engine->asks;
    if (ask->next)
        ask->next->at = &ask->next;
    engine->asks = ask;
    if (ask->entry)
        ask->entry->asks++;
    struct pool_options options = {.method = method,
                                   .method_len = strlen(method),
                                   .params = (const uint8_t *)params,
                                   .params_len = strlen(params),
                                   .class = class,
                                   .flags = flags,
                                   .deadline_ms = DEADLINE_MS};
    if (engine->port.call(engine->port.ctx, &options, on_answer, ask) == HAWSE_OK)
        return true;
    unlink_ask(ask);
    free(ask);
    return false;
}

bool solana_good(struct solana_engine *engine, const struct pool_result *result,
                 struct solana_text *text)
{
    *text = (struct solana_text){result->body, result->body_len, engine->marks};
    return result->status == HAWSE_OK;
}

/* ---- what waits for the journal ---- */

static void add_effect(struct solana_engine *engine, const struct solana_effect *effect)
{
    struct solana_effect *copy = malloc(sizeof(*copy));
    if (!copy)
        abort(); /* the journal knows more than anybody was told: start again from there */
    *copy = *effect;
    copy->next = NULL;
    *engine->effects_end = copy;
    engine->effects_end = &copy->next;
}

static void solana_effect_send(struct solana_entry *e)
{
    e->sent_ns = now_of(e->engine);
    add_effect(e->engine,
               &(struct solana_effect){.kind = SOLANA_EFFECT_SEND, .number = e->wanted.number});
}

static void tell(struct solana_entry *e, enum solana_tell what)
{
    struct solana_effect effect = {.kind = SOLANA_EFFECT_TELL, .number = e->wanted.number};
    struct solana_told *t = &effect.told;
    t->number = e->wanted.number;
    t->tell = what;
    t->end = (enum solana_end)e->life.end;
    t->attempts = e->attempt_count;
    bool landed = what == SOLANA_TELL_INCLUDED || e->life.end == SOLANA_END_CONFIRMED ||
                  e->life.end == SOLANA_END_REVERTED;
    if (e->attempt_count > 0)
        memcpy(t->signature, e->attempts[landed ? e->landed : e->attempt_count - 1]->signature, 64);
    t->slot = landed ? e->landed_slot : 0;
    if (e->life.end != SOLANA_END_CONFIRMED)
        memcpy(t->reason, e->reason, sizeof(t->reason));
    add_effect(e->engine, &effect);
}

static struct solana_entry *by_number(const struct solana_engine *engine, uint64_t number)
{
    struct solana_entry *e = engine->entries;
    while (e && (e->wanted.number != number || e->life.state == SOLANA_ENDED))
        e = e->next;
    return e;
}

void solana_engine_go(struct solana_engine *engine)
{
    struct solana_effect *effect;
    while ((effect = engine->effects) != NULL) {
        engine->effects = effect->next;
        if (!engine->effects)
            engine->effects_end = &engine->effects;
        struct solana_entry *e =
            effect->kind == SOLANA_EFFECT_SEND ? by_number(engine, effect->number) : NULL;
        if (effect->kind == SOLANA_EFFECT_TELL)
            engine->port.tell(engine->port.ctx, &effect->told);
        else if (e && e->life.state >= SOLANA_SENT)
            solana_send_now(e);
        free(effect);
    }
}

/* ---- events ---- */

void solana_why(struct solana_entry *e, const char *reason)
{
    if (e->reason[0] == '\0')
        (void)snprintf(e->reason, sizeof(e->reason), "%s", reason);
}

static void check(struct solana_entry *e)
{
    struct solana_engine *engine = e->engine;
    struct solana_case about = {
        .number = e->wanted.number, .gate = SOLANA_BEFORE, .renewed = e->life.renewals > 0};
    char reason[SOLANA_REASON] = "";
    switch (engine->port.gate(engine->port.ctx, &about, reason)) {
    case SOLANA_PASS:
        solana_on(e, SOLANA_ON_CHECKED);
        break;
    case SOLANA_HOLD:
        solana_on(e, SOLANA_ON_WAIT);
        break;
    default:
        solana_why(e, reason);
        solana_on(e, SOLANA_ON_REFUSED);
        break;
    }
}

void solana_event(struct solana_entry *e, const struct solana_event *event)
{
    struct solana_result r = solana_life_step(&e->life, event);
    if (r.tell != SOLANA_TELL_NOTHING && !(r.tell == SOLANA_TELL_WAITING && e->told_waiting))
        tell(e, r.tell);
    e->told_waiting = e->told_waiting ? r.tell != SOLANA_TELL_SENT : r.tell == SOLANA_TELL_WAITING;
    if (r.tell == SOLANA_TELL_WAITING)
        e->look_ns = now_of(e->engine) + LOOK_MS * SOLANA_MS;
    if (r.effects & (SOLANA_DO_RELEASE | SOLANA_DO_END) || e->life.state == SOLANA_WAITING)
        e->held = false;
    if (r.effects & SOLANA_DO_END) {
        e->ticket = 0;
        tell(e, SOLANA_TELL_NOTHING);
    }
    if (r.effects & SOLANA_DO_LOOK_UP)
        e->look_up = true;
    if (r.effects & (SOLANA_DO_SEND | SOLANA_DO_RESEND))
        solana_effect_send(e);
    if (r.effects & SOLANA_DO_CHECK)
        check(e);
    if (r.effects & SOLANA_DO_SIMULATE)
        solana_do_simulate(e);
    if (r.effects & SOLANA_DO_ANCHOR)
        solana_do_anchor(e);
    if (r.effects & (SOLANA_DO_SIGN | SOLANA_DO_VOID))
        solana_do_sign(e, (r.effects & SOLANA_DO_VOID) != 0);
}

void solana_on(struct solana_entry *e, enum solana_happening what)
{
    solana_event(e, &(struct solana_event){.what = what});
}

/* ---- entries ---- */

int32_t solana_engine_new(const struct solana_options *options, const struct solana_port *port,
                          struct solana_engine **out)
{
    struct solana_engine *engine = calloc(1, sizeof(*engine));
    if (!engine)
        return HAWSE_E_NOMEM;
    struct solana_options *o = &engine->options;
    *o = *options;
    o->slot_ms = o->slot_ms ? o->slot_ms : 400;
    o->resend_ms = o->resend_ms ? o->resend_ms : 2000;
    o->poll_ms = o->poll_ms ? o->poll_ms : 1000;
    o->confirmations = o->confirmations ? o->confirmations : 32;
    o->price_percent = o->price_percent ? o->price_percent : 60;
    engine->port = *port;
    engine->hashes.slot_ms = o->slot_ms;
    engine->effects_end = &engine->effects;
    *out = engine;
    return HAWSE_OK;
}

static void entry_free(struct solana_entry *e)
{
    for (uint32_t i = 0; i < e->attempt_count; i++)
        free(e->attempts[i]);
    free(e->table_bytes);
    free(e->seen);
    free(e);
}

void solana_engine_free(struct solana_engine *engine)
{
    if (!engine)
        return;
    for (struct solana_ask *ask = engine->asks; ask; ask = ask->next)
        ask->engine = NULL;
    while (engine->entries) {
        struct solana_entry *next = engine->entries->next;
        entry_free(engine->entries);
        engine->entries = next;
    }
    while (engine->effects) {
        struct solana_effect *next = engine->effects->next;
        free(engine->effects);
        engine->effects = next;
    }
    free(engine);
}

void solana_engine_canceled(struct solana_engine *engine)
{
    while (engine->asks) {
        struct solana_ask *ask = engine->asks;
        unlink_ask(ask);
        free(ask);
    }
}

/* Instructions and tables of the caller become the entry's own. */
static int32_t copy_wanted(struct solana_entry *e, const struct solana_wanted *w)
{
    const hawse_solana_builder_t *from = w->instructions;
    size_t size = 0, at = 0;
    e->wanted = *w;
    hawse_solana_begin(&e->builder);
    for (uint32_t i = 0; i < from->count; i++) {
        const hawse_solana_instruction_t *one = &from->instructions[i];
        (void)hawse_solana_add(&e->builder, one->program, one->accounts, one->account_count,
                               one->data, one->data_len);
    }
    if (from->error != 0)
        e->builder.error = from->error;
    for (uint32_t i = 0; i < w->table_count; i++)
        size += 32 + 32 * (size_t)w->tables[i].key_count;
    e->table_bytes = malloc(size + 1);
    if (!e->table_bytes)
        return HAWSE_E_NOMEM;
    for (uint32_t i = 0; i < w->table_count; i++) {
        const hawse_solana_table_t *t = &w->tables[i];
        e->tables[i] = *t;
        e->tables[i].account = e->table_bytes + at;
        e->tables[i].keys = e->table_bytes + at + 32;
        memcpy(e->table_bytes + at, t->account, 32);
        if (t->key_count > 0)
            memcpy(e->table_bytes + at + 32, t->keys, 32 * (size_t)t->key_count);
        at += 32 + 32 * (size_t)t->key_count;
    }
    e->wanted.instructions = &e->builder;
    e->wanted.tables = e->tables;
    return HAWSE_OK;
}

static int32_t entry_new(struct solana_engine *engine, const struct solana_wanted *wanted,
                         struct solana_entry **out, struct fault *fault)
{
    if (by_number(engine, wanted->number))
        return fault_set(fault, HAWSE_E_EXISTS, "intent %lu is under way already", wanted->number);
    if (engine->count >= SOLANA_ENTRIES)
        return fault_set(fault, HAWSE_E_LIMIT, "%d transactions are under way, more are too many",
                         SOLANA_ENTRIES);
    if (wanted->table_count > SOLANA_TABLES)
        return fault_set(fault, HAWSE_E_INVAL, "%u lookup tables, at most %d", wanted->table_count,
                         SOLANA_TABLES);
    struct solana_entry *e = calloc(1, sizeof(*e));
    if (!e)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a transaction");
    e->engine = engine;
    e->life.durable = wanted->durable;
    int32_t code = copy_wanted(e, wanted);
    if (code == HAWSE_OK)
        code = solana_wanted_check(e, fault);
    if (code != HAWSE_OK) {
        entry_free(e);
        return code;
    }
    *out = e;
    return HAWSE_OK;
}

static void entry_link(struct solana_entry *e)
{
    struct solana_entry **at = &e->engine->entries;
    while (*at)
        at = &(*at)->next;
    *at = e;
    e->engine->count++;
}

int32_t solana_engine_add(struct solana_engine *engine, const struct solana_wanted *wanted,
                          struct fault *fault)
{
    struct solana_entry *e = NULL;
    int32_t code = entry_new(engine, wanted, &e, fault);
    if (code != HAWSE_OK)
        return code;
    entry_link(e);
    solana_on(e, SOLANA_ON_BEGIN);
    return HAWSE_OK;
}

int32_t solana_engine_restore(struct solana_engine *engine, const struct solana_wanted *wanted,
                              const struct solana_attempt *attempts, uint32_t count,
                              struct fault *fault)
{
    struct solana_entry *e = NULL;
    if (count == 0)
        return solana_engine_add(engine, wanted, fault);
    if (count > SOLANA_ATTEMPTS)
        return fault_set(fault, HAWSE_E_INVAL, "%u attempts, at most %d", count, SOLANA_ATTEMPTS);
    int32_t code = entry_new(engine, wanted, &e, fault);
    if (code != HAWSE_OK)
        return code;
    for (uint32_t i = 0; i < count; i++) {
        struct solana_attempt *copy = malloc(sizeof(*copy));
        if (!copy) {
            entry_free(e);
            return fault_set(fault, HAWSE_E_NOMEM, "no memory for a transaction");
        }
        *copy = attempts[i];
        e->attempts[e->attempt_count++] = copy;
    }
    entry_link(e);
    e->held = wanted->durable;
    e->sends = 1;
    solana_event(e, &(struct solana_event){.what = SOLANA_ON_RESTORED,
                                           .empty = attempts[count - 1].empty,
                                           .renewals = (uint8_t)attempts[count - 1].renewals});
    return HAWSE_OK;
}

int32_t solana_engine_cancel(struct solana_engine *engine, uint64_t number)
{
    struct solana_entry *e = by_number(engine, number);
    if (!e)
        return HAWSE_E_STALE;
    solana_on(e, SOLANA_ON_CANCEL);
    return HAWSE_OK;
}

uint64_t solana_engine_slot(const struct solana_engine *engine)
{
    return engine->hashes.min_slot;
}

/* ---- turns ---- */

static void entry_turn(struct solana_entry *e, uint64_t now)
{
    const struct solana_wanted *w = &e->wanted;
    bool late = (w->deadline_ns > 0 && now > w->deadline_ns) ||
                (w->deadline_slot > 0 && e->engine->hashes.min_slot >= w->deadline_slot);
    if (late)
        solana_on(e, SOLANA_ON_EXPIRE);
    if (e->life.state == SOLANA_WAITING && now >= e->look_ns)
        solana_on(e, SOLANA_ON_LOOK);
    solana_track(e);
}

uint64_t solana_engine_turn(struct solana_engine *engine)
{
    uint64_t now = now_of(engine);
    uint32_t step = engine->options.poll_ms / 4;
    solana_refresh(engine);
    for (struct solana_entry *e = engine->entries; e; e = e->next)
        entry_turn(e, now);
    for (struct solana_entry **at = &engine->entries; *at;) {
        struct solana_entry *e = *at;
        if (e->life.state != SOLANA_ENDED || e->asks > 0) {
            at = &e->next;
            continue;
        }
        *at = e->next;
        engine->count--;
        entry_free(e);
    }
    return now + (engine->count > 0 ? (step ? step : 1) : 1000) * SOLANA_MS;
}
