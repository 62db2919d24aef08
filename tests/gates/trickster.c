/*
 * trickster: a strategy that tries to get past its operator. Its settings say what it proposes and
 * when; it says in the log how each was answered and how it ended. What the instances of one
 * process can see of each other it uses: `seen` is shared by them all, as no honest plugin's is.
 *
 * MATURITY, when it is built: "stable", "beta" or "experimental".
 */
#include "trickster.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/u256.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MATURITY
#define MATURITY "stable"
#endif

enum { MARKS = 4096, AGAIN_NS = 50000000 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.test.trickster-" MATURITY "\",\"version\":\"1.0.0\",\"abi\":\"1.0\","
    "\"kind\":\"strategy\",\"maturity\":\"" MATURITY
    "\",\"requires\":{\"hawse.intent/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\",\"hawse.sub/1\":\">=1.0\"},\"consumes\":[\"intent/"
    "1\"],\"capabilities\":[\"intent\"],"
    "\"config\":{\"type\":\"object\",\"additionalProperties\":true}}";

/* Somebody's instance and intent, for those that want to use what is not theirs. */
static struct {
    hawse_instance_t instance;
    uint64_t handle;
} seen;

void say(struct trickster *t, const char *fmt, ...)
{
    char text[900];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    t->host->log(t->host, t->self, HAWSE_LOG_INFO, hawse_text(text));
}

/* ---- proposing ---- */

static uint64_t now(const struct trickster *t)
{
    return t->host->now(t->host, HAWSE_CLOCK_UTC);
}

static int32_t propose(struct trickster *t, uint32_t index, uint32_t copy)
{
    struct item *item = &t->items[index];
    char id[TEXT + 8];
    if (item->copies > 1)
        (void)snprintf(id, sizeof(id), "%s-%u", item->id, copy);
    else
        (void)snprintf(id, sizeof(id), "%s", item->id);
    hawse_intent_t in = {.size = sizeof(in),
                         .kind = HAWSE_INTENT_EVM_CALLS,
                         .tag = (uint64_t)index * COPIES + copy,
                         .id = hawse_text(id),
                         .chain = hawse_text(item->chain),
                         .account = hawse_text(item->account),
                         .how = item->how,
                         .route = item->route,
                         .confirmations = (uint32_t)item->confirmations,
                         .call_count = item->call_count,
                         .call_size = sizeof(item->calls[0]),
                         .calls = item->calls,
                         .flow_count = item->flow_count,
                         .flow_size = sizeof(item->flows[0]),
                         .flows = item->flows,
                         .stream_count = item->stream_count,
                         .stream_size = sizeof(item->streams[0]),
                         .streams = item->streams,
                         .flags = item->flags,
                         .max_cost = item->max_cost,
                         .deadline_block = item->deadline_block};
    if (item->deadline_ms != 0)
        in.deadline_ns = now(t) + (uint64_t)(item->deadline_ms * 1000000);
    return t->intents->propose(t->host, t->self, &in, &item->handles[copy]);
}

static void propose_one(struct trickster *t, uint32_t i, uint32_t copy)
{
    hawse_timer_t timer;
    struct item *item = &t->items[i];
    int32_t code = propose(t, i, copy);
    item->again[copy] = code == HAWSE_E_AGAIN || (code == HAWSE_E_STATE && !t->in_thread);
    if (item->again[copy] && !t->armed)
        t->armed = t->timers->set(t->host, t->self, AGAIN_NS, 0, 0, &timer) == HAWSE_OK;
    if (item->again[copy])
        return;
    say(t, "proposed %s %u: %d", item->id, copy, code);
    seen.instance = t->self;
    seen.handle = item->handles[copy];
    if (item->cancel_on == HAWSE_INTENT_PROPOSED && code == HAWSE_OK)
        say(t, "canceled %s: %d", item->id,
            t->intents->cancel(t->host, t->self, item->handles[copy]));
}

static void propose_all(struct trickster *t, bool again)
{
    uint32_t count = t->one_by_one && !again && t->item_count > 0 ? 1 : t->item_count;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t copy = 0; copy < t->items[i].copies; copy++) {
            if (!again || t->items[i].again[copy])
                propose_one(t, i, copy);
        }
    }
}

static void *elsewhere(void *arg)
{
    propose_all(arg, false);
    return NULL;
}

/* With what belongs to another instance, or to nobody. */
static void foreign(struct trickster *t)
{
    hawse_instance_t self = t->self;
    say(t, "foreign cancel: %d", t->intents->cancel(t->host, self, seen.handle));
    say(t, "foreign zero: %d", t->intents->cancel(t->host, self, 0));
    say(t, "foreign all ones: %d", t->intents->cancel(t->host, self, UINT64_MAX));
    t->self = seen.instance;
    int32_t code = propose(t, 0, 0);
    int32_t cancel = t->intents->cancel(t->host, t->self, seen.handle);
    int32_t look = t->intents->look_up(t->host, t->self, hawse_text("any"), 0);
    t->self = self;
    say(t, "foreign self: %d %d %d", code, cancel, look);
    t->self = 0;
    code = propose(t, 0, 0);
    t->self = UINT64_MAX;
    cancel = propose(t, 0, 0);
    t->self = self;
    say(t, "foreign nobody: %d %d", code, cancel);
    say(t, "foreign look_up: %d", t->intents->look_up(t->host, self, hawse_text("theirs"), 999));
}

/* ---- events ---- */

static bool terminal(uint32_t step)
{
    return step == HAWSE_INTENT_REFUSED || step == HAWSE_INTENT_CONFIRMED ||
           step == HAWSE_INTENT_EXPIRED || step == HAWSE_INTENT_FAILED;
}

static void on_step(struct trickster *t, const hawse_event_t *event)
{
    hawse_intent_step_t step;
    memset(&step, 0, sizeof(step));
    memcpy(&step, event->data, event->len < sizeof(step) ? event->len : sizeof(step));
    if (event->kind == HAWSE_INTENT_STATE) {
        say(t, "state %llu: step %u error %d", (unsigned long long)step.tag, step.step, step.error);
        return;
    }
    if (step.tag >= (uint64_t)t->item_count * COPIES)
        return;
    struct item *item = &t->items[step.tag / COPIES];
    uint32_t copy = (uint32_t)(step.tag % COPIES);
    if (item->cancel_on == step.step && step.step != HAWSE_INTENT_PROPOSED)
        say(t, "canceled %s: %d", item->id,
            t->intents->cancel(t->host, t->self, item->handles[copy]));
    if (terminal(step.step) && t->one_by_one && step.tag / COPIES + 1 < t->item_count)
        propose_one(t, (uint32_t)(step.tag / COPIES) + 1, 0);
    if (terminal(step.step))
        say(t, "ended %s %u: step %u error %d: %.*s", item->id, copy, step.step, step.error,
            (int)(step.reason_len < 600 ? step.reason_len : 600),
            (const char *)event->data + step.size);
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct trickster *t = state;
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_INTENT) {
            on_step(t, events[i]);
            continue;
        }
        t->armed = false;
        propose_all(t, true);
    }
    return (int32_t)n;
}

/* ---- settings ---- */

struct reader {
    hawse_json_t doc;
    bool bad;
};

static bool get(const struct reader *r, hawse_json_value_t *o, const char *key,
                hawse_json_value_t *out)
{
    return hawse_json_get(&r->doc, o, key, out) == HAWSE_OK;
}

static void text(struct reader *r, hawse_json_value_t *o, const char *key, const char *usual,
                 char out[TEXT])
{
    hawse_json_value_t v;
    bool there = get(r, o, key, &v);
    r->bad = r->bad || (there && v.len >= TEXT);
    if (there && v.len < TEXT)
        (void)snprintf(out, TEXT, "%.*s", (int)v.len, (const char *)v.data);
    else
        (void)snprintf(out, TEXT, "%s", usual);
}

static int64_t number(struct reader *r, hawse_json_value_t *o, const char *key, int64_t usual)
{
    hawse_json_value_t v;
    int64_t n = usual;
    if (get(r, o, key, &v) && hawse_json_i64(&v, &n) != HAWSE_OK)
        r->bad = true;
    return n;
}

static void amount(struct reader *r, hawse_json_value_t *o, const char *key, hawse_u256_t *out)
{
    hawse_json_value_t v;
    if (get(r, o, key, &v) && hawse_u256_parse(v.data, v.len, out) != HAWSE_OK)
        r->bad = true;
}

static void address(struct reader *r, hawse_json_value_t *o, const char *key, uint8_t out[20])
{
    hawse_json_value_t v;
    if (get(r, o, key, &v) && hawse_hex_fixed(v.data, v.len, out, 20) != HAWSE_OK)
        r->bad = true;
}

static void read_call(struct reader *r, hawse_json_value_t *o, hawse_intent_call_t *call)
{
    hawse_json_value_t v;
    call->size = sizeof(*call);
    address(r, o, "to", call->to);
    amount(r, o, "value", &call->value);
    call->gas_limit = (uint64_t)number(r, o, "gas_limit", 0);
    if (!get(r, o, "data", &v) || v.len <= 2)
        return;
    uint8_t *bytes = calloc(1, v.len / 2 + 1);
    call->data = (hawse_view_t){bytes, (v.len - 2) / 2};
    if (!bytes || hawse_hex_decode(v.data + 2, bytes, call->data.len) != HAWSE_OK)
        r->bad = true;
}

static void read_flow(struct reader *r, hawse_json_value_t *o, hawse_intent_flow_t *flow)
{
    flow->size = sizeof(*flow);
    address(r, o, "asset", flow->asset);
    amount(r, o, "max_out", &flow->max_out);
    amount(r, o, "min_in", &flow->min_in);
    amount(r, o, "expected_in", &flow->expected_in);
}

/* By the name of a link, or by a number that it just made up. */
static void read_stream(struct trickster *t, struct reader *r, hawse_json_value_t *o,
                        hawse_intent_stream_t *stream)
{
    char link[TEXT];
    stream->size = sizeof(*stream);
    stream->source = (uint32_t)number(r, o, "source", 0);
    stream->stream = (uint32_t)number(r, o, "stream", 0);
    text(r, o, "link", "", link);
    if (link[0] && t->subs->link(t->host, t->self, hawse_text(link), &stream->source) != HAWSE_OK)
        r->bad = true;
}

static void read_item(struct trickster *t, struct reader *r, hawse_json_value_t *o)
{
    struct item *item = &t->items[t->item_count++];
    hawse_json_value_t list, v;
    text(r, o, "id", "trick", item->id);
    text(r, o, "chain", t->chain, item->chain);
    text(r, o, "account", t->account, item->account);
    item->how = (uint32_t)number(r, o, "how", 0);
    item->route = (uint32_t)number(r, o, "route", 0);
    item->copies = (uint64_t)number(r, o, "copies", 1);
    item->deadline_ms = number(r, o, "deadline_ms", 0);
    item->deadline_block = (uint64_t)number(r, o, "deadline_block", 0);
    item->cancel_on = (uint64_t)number(r, o, "cancel_on", 0);
    item->confirmations = (uint64_t)number(r, o, "confirmations", 0);
    amount(r, o, "max_cost", &item->max_cost);
    r->bad = r->bad || item->copies > COPIES;
    if (get(r, o, "calls", &list)) {
        while (item->call_count < CALLS && hawse_json_next(&r->doc, &list, NULL, &v) == 1)
            read_call(r, &v, &item->calls[item->call_count++]);
    }
    if (get(r, o, "streams", &list)) {
        while (item->stream_count < STREAMS && hawse_json_next(&r->doc, &list, NULL, &v) == 1)
            read_stream(t, r, &v, &item->streams[item->stream_count++]);
    }
    item->flags = (number(r, o, "stale_ok", 0) ? HAWSE_INTENT_STALE_OK : 0) |
                  (number(r, o, "keep_signed", 0) ? HAWSE_INTENT_KEEP_SIGNED : 0);
    if (get(r, o, "flows", &list)) {
        while (item->flow_count < FLOWS && hawse_json_next(&r->doc, &list, NULL, &v) == 1)
            read_flow(r, &v, &item->flows[item->flow_count++]);
    }
}

static bool read_settings(struct trickster *t, const uint8_t *bytes, uint64_t len)
{
    uint32_t marks[MARKS];
    struct reader r = {.bad = false};
    hawse_json_value_t root, list, v;
    char at[TEXT];
    if (hawse_json_index(&r.doc, bytes, len, marks, MARKS) != HAWSE_OK ||
        hawse_json_root(&r.doc, &root) != HAWSE_OK)
        return false;
    text(&r, &root, "chain", "", t->chain);
    text(&r, &root, "account", "", t->account);
    text(&r, &root, "target", "", t->target);
    text(&r, &root, "at", "start", at);
    t->in_create = strcmp(at, "create") == 0;
    t->in_thread = strcmp(at, "thread") == 0;
    t->malformed = strcmp(at, "malformed") == 0;
    t->one_by_one = strcmp(at, "one by one") == 0;
    t->handles = strcmp(at, "foreign") == 0;
    t->after_ms = number(&r, &root, "after_ms", 0);
    if (get(&r, &root, "intents", &list)) {
        while (t->item_count < ITEMS && hawse_json_next(&r.doc, &list, NULL, &v) == 1)
            read_item(t, &r, &v);
    }
    return !r.bad;
}

/* ---- life ---- */

static void destroy(void *state)
{
    struct trickster *t = state;
    for (uint32_t i = 0; i < t->item_count; i++) {
        for (uint32_t k = 0; k < t->items[i].call_count; k++)
            free((void *)(uintptr_t)t->items[i].calls[k].data.data);
    }
    free(t);
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct trickster *t = calloc(1, sizeof(*t));
    uint8_t *copy = calloc(1, config.len + HAWSE_PADDING);
    if (!t || !copy) {
        free(t);
        free(copy);
        return HAWSE_E_NOMEM;
    }
    t->host = host;
    t->self = self;
    t->intents = host->query(host, self, HAWSE_INTENT_ID);
    t->timers = host->query(host, self, HAWSE_TIMER_ID);
    t->subs = host->query(host, self, HAWSE_SUB_ID);
    memcpy(copy, config.data, config.len);
    bool good = read_settings(t, copy, config.len);
    free(copy);
    if (!good) {
        destroy(t);
        return hawse_fail(host, self, HAWSE_E_INVAL, "settings cannot be read", "see trickster.c");
    }
    if (t->in_create) { /* and is never there to hear how it ended */
        propose_all(t, false);
        destroy(t);
        return hawse_fail(host, self, HAWSE_E_INVAL, "I was only here to propose", "none");
    }
    *state = t;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    struct trickster *t = state;
    pthread_t thread;
    hawse_timer_t timer;
    if (t->after_ms > 0) {
        for (uint32_t i = 0; i < t->item_count; i++)
            t->items[i].again[0] = true;
        t->armed = true;
        return t->timers->set(t->host, t->self, (uint64_t)t->after_ms * 1000000, 0, 0, &timer);
    }
    if (t->malformed) {
        malformed(t);
    } else if (t->handles) {
        foreign(t);
    } else if (!t->in_thread) {
        propose_all(t, false);
    } else if (pthread_create(&thread, NULL, elsewhere, t) == 0) {
        (void)pthread_join(thread, NULL);
    }
    return HAWSE_OK;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state;
    (void)deadline_ns;
    return HAWSE_OK;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.test.trickster-" MATURITY,
        create,        start,           on_events,
        stop,          destroy,         NULL};
    return host ? &table : NULL;
}
