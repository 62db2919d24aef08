/*
 * intents: calls a contract once for each of some numbers, and never twice. An example of a
 * strategy that acts: it says what it wants done, and is told how that ended. It keeps nothing
 * itself. After a restart it asks the host about each number again: the id of an intent is taken
 * once for ever, so what was proposed goes on, and what was not can be proposed now.
 *
 *   look_up(id)  ->  never taken over: propose | open: wait | ended: the next number
 *
 * What ended without having been executed may be tried again, under an id of its own; what nobody
 * can be sure of may not.
 */
#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/service/intent.h>
#include <hawse/service/timer.h>
#include <hawse/u256.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 128, NAME = 64, AGAIN_MS = 50, RETRY_MS = 1000, AT_ONCE = 1000, TRY_SHIFT = 40 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.intents\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"strategy\","
    "\"license\":\"MIT\","
    "\"description\":\"calls a contract once for each of some numbers\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.intent/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\"},\"consumes\":[\"intent/1\"],\"capabilities\":[\"intent\"],"
    "\"config\":{\"type\":\"object\",\"required\":[\"chain\",\"account\",\"target\",\"count\"],"
    "\"properties\":{"
    "\"chain\":{\"type\":\"string\",\"description\":\"name in chains\"},"
    "\"account\":{\"type\":\"string\",\"description\":\"name of a key\"},"
    "\"target\":{\"type\":\"string\",\"format\":\"address\",\"description\":\"contract with "
    "hit(uint256)\"},"
    "\"first\":{\"type\":\"integer\",\"minimum\":0,\"default\":0,\"description\":\"number\"},"
    "\"count\":{\"type\":\"integer\",\"minimum\":0,\"examples\":[20],\"description\":\"how many "
    "numbers\"},"
    "\"at_once\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":8,"
    "\"description\":\"how many are under way at a time\"},"
    "\"calls\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":8,\"default\":1,"
    "\"description\":\"calls of each intent, with numbers of their own\"},"
    "\"tries\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000000,\"default\":1,"
    "\"description\":\"how often a number that was not executed is proposed\"}}}}";

/* hit(uint256) */
static const uint8_t selector[4] = {0xeb, 0xf6, 0xe9, 0x1d};

struct strategy {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_intent_service_t *intents;
    const hawse_timer_service_t *timers;
    char chain[NAME], account[NAME];
    uint8_t target[20];
    uint64_t first, count, at_once, calls, tries;
    uint64_t next;           /* number that is looked up next */
    uint64_t open;           /* looked up, proposed, not ended */
    uint64_t ended;          /* numbers that are over */
    uint64_t again[AT_ONCE]; /* tags, to be looked up once more */
    uint64_t again_count;
    bool armed; /* the timer runs */
};

static void say(struct strategy *s, const char *text)
{
    s->host->log(s->host, s->self, HAWSE_LOG_INFO, hawse_text(text));
}

/* ---- one number ---- */

/* A tag is a number, and above TRY_SHIFT how often it was tried before. */
static uint64_t number_of(uint64_t tag)
{
    return tag & ((1ull << TRY_SHIFT) - 1);
}

static hawse_view_t id_of(uint64_t tag, char out[48])
{
    int n = tag >> TRY_SHIFT == 0
                ? snprintf(out, 48, "hit-%llu", (unsigned long long)tag)
                : snprintf(out, 48, "hit-%llu.%llu", (unsigned long long)number_of(tag),
                           (unsigned long long)(tag >> TRY_SHIFT));
    return (hawse_view_t){(const uint8_t *)out, (uint64_t)n};
}

static int32_t propose(struct strategy *s, uint64_t tag)
{
    uint8_t data[8][36];
    hawse_intent_call_t calls[8];
    char id[48];
    uint64_t handle = 0, number = number_of(tag);
    for (uint64_t i = 0; i < s->calls; i++) {
        hawse_u256_t n = hawse_u256(number * s->calls + i);
        memcpy(data[i], selector, 4);
        hawse_u256_to_be(&n, data[i] + 4);
        calls[i] = (hawse_intent_call_t){.size = sizeof(calls[i]), .data = {data[i], 36}};
        memcpy(calls[i].to, s->target, 20);
    }
    hawse_intent_t intent = {.size = sizeof(intent),
                             .kind = HAWSE_INTENT_EVM_CALLS,
                             .tag = tag,
                             .id = id_of(tag, id),
                             .chain = hawse_text(s->chain),
                             .account = hawse_text(s->account),
                             .call_count = (uint32_t)s->calls,
                             .call_size = sizeof(calls[0]),
                             .calls = calls,
                             .note = hawse_text("an example")};
    return s->intents->propose(s->host, s->self, &intent, &handle);
}

/* Not now is no error: the host has much to do, or has not looked at its last run yet. */
static void later(struct strategy *s, uint64_t ms)
{
    hawse_timer_t timer;
    if (!s->armed)
        s->armed = s->timers->set(s->host, s->self, ms * 1000000ull, 0, 0, &timer) == HAWSE_OK;
}

/* It stays open, so there is room. */
static void ask_later(struct strategy *s, uint64_t tag, uint64_t ms)
{
    s->again[s->again_count++] = tag;
    later(s, ms);
}

static void propose_or_wait(struct strategy *s, uint64_t tag)
{
    int32_t code = propose(s, tag);
    if (code == HAWSE_E_AGAIN || code == HAWSE_E_STATE) {
        ask_later(s, tag, AGAIN_MS);
    } else if (code != HAWSE_OK) {
        char text[64];
        (void)snprintf(text, sizeof(text), "proposing %llu: error %d",
                       (unsigned long long)number_of(tag), code);
        say(s, text);
        s->open--;
        s->ended++;
    }
}

static int32_t look_up(struct strategy *s, uint64_t tag)
{
    char id[48];
    return s->intents->look_up(s->host, s->self, id_of(tag, id), tag);
}

static void go_on(struct strategy *s)
{
    uint64_t again = s->armed ? 0 : s->again_count;
    while (again > 0 && look_up(s, s->again[again - 1]) == HAWSE_OK)
        s->again[--again] = s->again[--s->again_count];
    if (again > 0)
        later(s, AGAIN_MS);
    while (s->open < s->at_once && s->next < s->first + s->count) {
        if (look_up(s, s->next) != HAWSE_OK) {
            later(s, AGAIN_MS);
            return;
        }
        s->next++;
        s->open++;
    }
}

/* ---- events ---- */

static bool terminal(uint32_t step)
{
    return step == HAWSE_INTENT_REFUSED || step == HAWSE_INTENT_CONFIRMED ||
           step == HAWSE_INTENT_EXPIRED || step == HAWSE_INTENT_FAILED;
}

static void tell(struct strategy *s, const hawse_intent_step_t *step, const hawse_event_t *event)
{
    char text[512], hash[65];
    hawse_hex_encode(step->reference, 32, hash);
    hash[64] = '\0';
    (void)snprintf(
        text, sizeof(text), "number %llu.%llu %s step %u attempts %llu error %d tx %s %.*s",
        (unsigned long long)number_of(step->tag), (unsigned long long)(step->tag >> TRY_SHIFT),
        event->kind == HAWSE_INTENT_STATE ? "was" : "is", step->step,
        (unsigned long long)step->attempt, step->error, hash,
        (int)(step->reason_len < 200 ? step->reason_len : 200),
        (const char *)event->data + step->size);
    say(s, text);
}

/* Was it surely not executed, and may it be tried once more? */
static bool may_try_again(const struct strategy *s, const hawse_intent_step_t *step)
{
    return step->step != HAWSE_INTENT_CONFIRMED && step->error != HAWSE_E_UNKNOWN &&
           step->error != HAWSE_E_REMOTE && (step->tag >> TRY_SHIFT) + 1 < s->tries;
}

static void on_step(struct strategy *s, const hawse_event_t *event)
{
    hawse_intent_step_t step;
    memset(&step, 0, sizeof(step));
    memcpy(&step, event->data, event->len < sizeof(step) ? event->len : sizeof(step));
    if (event->kind == HAWSE_INTENT_STATE && step.step == 0) {
        propose_or_wait(s, step.tag);
        return;
    }
    if (!terminal(step.step))
        return;
    tell(s, &step, event);
    if (may_try_again(s, &step)) {
        ask_later(s, step.tag + (1ull << TRY_SHIFT), RETRY_MS);
        return;
    }
    s->open--;
    s->ended++;
    if (s->ended == s->count)
        say(s, "all numbers are over");
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct strategy *s = state;
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_INTENT)
            on_step(s, events[i]);
        else
            s->armed = false; /* the timer */
    }
    go_on(s);
    return (int32_t)n;
}

/* ---- settings ---- */

static bool text_of(const hawse_json_t *doc, hawse_json_value_t *root, const char *key,
                    char out[NAME])
{
    hawse_json_value_t v;
    if (hawse_json_get(doc, root, key, &v) != HAWSE_OK || v.len >= NAME)
        return false;
    memcpy(out, v.data, v.len);
    out[v.len] = '\0';
    return true;
}

static bool read_settings(struct strategy *s, const uint8_t *text, uint64_t len)
{
    static const char *const numbers[] = {"first", "count", "at_once", "calls", "tries"};
    uint64_t *places[] = {&s->first, &s->count, &s->at_once, &s->calls, &s->tries};
    uint32_t marks[MARKS];
    char target[NAME];
    hawse_json_t doc;
    hawse_json_value_t root, v;
    if (hawse_json_index(&doc, text, len, marks, MARKS) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK || !text_of(&doc, &root, "chain", s->chain) ||
        !text_of(&doc, &root, "account", s->account) || !text_of(&doc, &root, "target", target) ||
        hawse_hex_fixed((const uint8_t *)target, strlen(target), s->target, 20) != HAWSE_OK)
        return false;
    for (int i = 0; i < 5; i++) {
        if (hawse_json_get(&doc, &root, numbers[i], &v) == HAWSE_OK &&
            hawse_json_u64(&v, places[i]) != HAWSE_OK)
            return false;
    }
    return s->at_once <= AT_ONCE && s->calls <= 8;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct strategy *s = calloc(1, sizeof(*s));
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    if (!s || !text) {
        free(s);
        free(text);
        return HAWSE_E_NOMEM;
    }
    *s = (struct strategy){.host = host, .self = self, .at_once = 8, .calls = 1, .tries = 1};
    s->intents = host->query(host, self, HAWSE_INTENT_ID);
    s->timers = host->query(host, self, HAWSE_TIMER_ID);
    memcpy(text, config.data, config.len);
    bool good = read_settings(s, text, config.len);
    free(text);
    if (!good) {
        free(s);
        return hawse_fail(host, self, HAWSE_E_INVAL, "settings cannot be read",
                          "target is an address; see the manifest's config");
    }
    s->next = s->first;
    *state = s;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    go_on(state);
    return HAWSE_OK;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state;
    (void)deadline_ns;
    return HAWSE_OK; /* what is open goes on, and is in the journal */
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.example.intents", create, start, on_events, stop, free,
        NULL};
    return host ? &table : NULL;
}
