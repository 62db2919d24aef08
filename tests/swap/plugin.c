/*
 * What tests/swap/run.py swaps: a source that counts, a subject that passes on what it counts, and
 * a reader that misses nothing, in one file by the setting "role". -DFAULT=N builds a subject that
 * fails in one step of a swap; -DBUILD=N tells builds apart.
 */
#include <hawse/hawse.h>
#include <hawse/service/state.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    GOOD,
    OTHER_ID,
    OTHER_ABI,
    OTHER_KIND,
    WRONG_KEY,
    MORE_GRANTS,
    NO_STATE,
    LOAD_CRASHES,
    RESTORE_FAILS,
    RESTORE_SLOW,
    RESTORE_ACTS,
    EVENTS_FAIL,
    EVENTS_FAIL_LATE,
    EVENTS_TOO_MANY,
    EVENTS_SLOW,
    DECIDES_OTHERWISE,
    RESTORE_CRASHES,
    RESTORE_HANGS,
    EVENTS_CRASH,
    EVENTS_HANG,
};

#ifndef FAULT
#define FAULT 0
#endif
#ifndef BUILD
#define BUILD 1
#endif
#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

#if FAULT == 1
#define ID "org.test.other"
#else
#define ID "org.test.swap"
#endif
#if FAULT == 2
#define ABI "2.0"
#else
#define ABI "1.0"
#endif
#if FAULT == 3
#define KIND "sink"
#else
#define KIND "strategy"
#endif
#if FAULT == 4
#define MORE_KEYS ""
#else
#define MORE_KEYS ",\"fail_save\":{\"type\":\"integer\",\"default\":0}"
#endif
#if FAULT == 5
#define CAPABILITIES "\"capabilities\":[\"net\"],"
#else
#define CAPABILITIES ""
#endif

HAWSE_EXPORT const char hawse_manifest_v1[] = "{\"id\":\"" ID "\",\"version\":\"1.0." TEXT(
    BUILD) "\",\"abi\":\"" ABI "\",\"kind\":\"" KIND
           "\",\"maturity\":\"stable\",\"produces\":[\"org.test.count/1\"]," CAPABILITIES
           "\"config\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
           "\"role\":{\"type\":\"string\"},\"rate\":{\"type\":\"integer\",\"default\":"
           "20000}" MORE_KEYS "}}}";

enum { TICK_NS = 1000000 };

/* All that an instance knows. The format is this struct, after its number. */
struct memory {
    uint64_t format;
    uint64_t expected, count, wrong, ticks, saves;
    uint64_t began_ns;
    uint64_t rate, fail_save;
    hawse_timer_t timer;
    uint16_t space;
    char role;
};

struct state {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_timer_service_t *timers;
    struct memory m;
};

static void say(const struct state *s, const char *what)
{
    char line[160];
    (void)snprintf(line, sizeof(line), "%s count %llu wrong %llu ticks %llu build %d", what,
                   (unsigned long long)s->m.count, (unsigned long long)s->m.wrong,
                   (unsigned long long)s->m.ticks, BUILD);
    hawse_log(s->host, s->self, HAWSE_LOG_INFO, line);
}

static uint64_t number(hawse_view_t config, const char *key)
{
    char text[512] = "";
    (void)snprintf(text, sizeof(text), "%.*s", (int)config.len, (const char *)config.data);
    const char *at = strstr(text, key);
    return at && (at = strchr(at + strlen(key), ':')) ? strtoull(at + 1, NULL, 10) : 0;
}

static char role(hawse_view_t config)
{
    char text[512] = "";
    (void)snprintf(text, sizeof(text), "%.*s", (int)config.len, (const char *)config.data);
    return strstr(text, "\"source\"") ? 's' : strstr(text, "\"reader\"") ? 'r' : 'm';
}

static struct state *make(const hawse_host_t *host, hawse_instance_t self)
{
    struct state *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->host = host;
    s->self = self;
    s->sub = host->query(host, self, HAWSE_SUB_ID);
    s->timers = host->query(host, self, HAWSE_TIMER_ID);
    return s;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **out)
{
    struct state *s = make(host, self);
    if (!s)
        return HAWSE_E_NOMEM;
    s->m.format = 1;
    s->m.role = role(config);
    s->m.rate = number(config, "\"rate\"");
    s->m.fail_save = number(config, "\"fail_save\"");
    hawse_sub_t handle;
    uint32_t source = 0;
    int32_t code = s->sub->space(host, self, hawse_text("org.test.count/1"), &s->m.space);
    if (code >= 0 && s->m.role != 's') {
        code = s->sub->link(host, self, hawse_text("from"), &source);
        hawse_sub_spec_t spec = {.size = sizeof(spec),
                                 .source = source,
                                 .space = s->m.space,
                                 .policy = HAWSE_POLICY_LOSSLESS};
        if (code >= 0)
            code = s->sub->subscribe(host, self, &spec, &handle);
    }
    *out = s;
    return code;
}

static int32_t start(void *state)
{
    struct state *s = state;
    uint64_t period = s->m.role == 's' ? TICK_NS : 100u * TICK_NS;
    s->m.began_ns = s->host->now(s->host, HAWSE_CLOCK_MONOTONIC);
    return s->timers->set(s->host, s->self, period, period, 1, &s->m.timer);
}

static int32_t publish(struct state *s, uint64_t value)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = s->m.space,
                           .kind = 1,
                           .data = (const uint8_t *)&value,
                           .len = sizeof(value)};
    return s->sub->publish(s->host, s->self, &event);
}

/* As many as are due by now, or as there is room for. */
static void pulse(struct state *s)
{
    uint64_t since = s->host->now(s->host, HAWSE_CLOCK_MONOTONIC) - s->m.began_ns;
    uint64_t due = since / 1000u * s->m.rate / 1000000u;
    for (int i = 0; i < 2000 && s->m.count < due; i++) {
        if (publish(s, s->m.count + 1) != HAWSE_OK)
            return;
        s->m.count++;
    }
}

/* False: it has to come again. */
static int take(struct state *s, const hawse_event_t *event)
{
    uint64_t value = 0;
    if (event->space == HAWSE_SPACE_HOST && event->kind == HAWSE_HOST_TIMER) {
        s->m.ticks++;
        if (s->m.role == 's')
            pulse(s);
        return 1;
    }
    if (event->space == HAWSE_SPACE_STREAM) {
        s->m.wrong++;
        say(s, "GAP");
        return 1;
    }
    if (event->space != s->m.space || event->len < sizeof(value))
        return 1;
    memcpy(&value, event->data, sizeof(value));
    if (s->m.role == 'm') {
        if (publish(s, value) != HAWSE_OK)
            return 0;
        if (FAULT == DECIDES_OTHERWISE && value % 100 == 0)
            hawse_log(s->host, s->self, HAWSE_LOG_DEBUG, "otherwise");
    }
    if (value != s->m.expected + 1) {
        s->m.wrong++;
        say(s, "WRONG");
    }
    s->m.expected = value;
    s->m.count++;
    return 1;
}

static void burn(uint64_t ms)
{
    struct timespec ts;
    uint64_t until = 0, now;
    do {
        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        now = (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
        until = until ? until : now + ms;
    } while (now < until);
}

/* What its manifest asks for and its instance was not granted. */
static void overreach(const struct state *s)
{
    const hawse_stream_service_t *streams = s->host->query(s->host, s->self, HAWSE_STREAM_ID);
    hawse_stream_spec_t spec = {.size = sizeof(spec), .url = hawse_text("ws://127.0.0.1:9/")};
    hawse_stream_t handle;
    if (streams->open(s->host, s->self, &spec, &handle) == HAWSE_E_DENIED)
        hawse_log(s->host, s->self, HAWSE_LOG_INFO, "DENIED");
    else
        hawse_log(s->host, s->self, HAWSE_LOG_INFO, "GRANTED");
}

static int restored; /* in this process: faults are for the first events after a swap */

static int32_t misbehave(struct state *s, uint32_t n)
{
    if (!restored)
        return 0;
    switch (FAULT) {
    case EVENTS_FAIL:
        return hawse_fail(s->host, s->self, HAWSE_E_FORMAT, "its first events fail", "");
    case EVENTS_TOO_MANY:
        return (int32_t)n + 1;
    case EVENTS_SLOW:
        burn(80);
        return 0;
    case MORE_GRANTS:
        restored = 0;
        overreach(s);
        return 0;
    case EVENTS_CRASH:
        abort();
    case EVENTS_HANG:
        for (;;)
            burn(1000);
    default:
        return 0;
    }
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct state *s = state;
    int32_t bad = misbehave(s, n);
    if (bad != 0)
        return bad;
    for (uint32_t i = 0; i < n; i++) {
        if (!take(s, events[i]))
            return (int32_t)i;
    }
    if (FAULT == EVENTS_FAIL_LATE && restored)
        return hawse_fail(s->host, s->self, HAWSE_E_FORMAT, "its first events fail late", "");
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)deadline_ns;
    say(state, "TOTAL");
    return HAWSE_OK;
}

/* Its handles are the other build's by now: none of this may do anything. */
static void destroy(void *state)
{
    struct state *s = state;
    if (s->timers->cancel(s->host, s->self, s->m.timer) == HAWSE_OK)
        say(s, "CANCELLED");
    free(s);
}

static int32_t save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    struct state *s = state;
    s->m.saves++;
    if (s->m.fail_save > 0 && s->m.saves % s->m.fail_save == 0)
        return hawse_fail(s->host, s->self, HAWSE_E_AGAIN, "it cannot save now", "");
    *need = sizeof(s->m);
    if (cap < *need)
        return HAWSE_E_NOSPACE;
    memcpy(out, &s->m, sizeof(s->m));
    return HAWSE_OK;
}

static int32_t restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                       hawse_view_t saved, void **out)
{
    (void)config;
    if (FAULT == RESTORE_FAILS)
        return hawse_fail(host, self, HAWSE_E_FORMAT, "its restore fails", "");
    if (FAULT == RESTORE_CRASHES)
        abort();
    while (FAULT == RESTORE_HANGS)
        burn(1000);
    if (FAULT == RESTORE_SLOW)
        burn(80);
    if (saved.len != sizeof(struct memory))
        return HAWSE_E_FORMAT;
    struct state *s = make(host, self);
    if (!s)
        return HAWSE_E_NOMEM;
    memcpy(&s->m, saved.data, sizeof(s->m));
    hawse_timer_t more;
    if (FAULT == RESTORE_ACTS) { /* which is refused: it does not go on without */
        int32_t code = s->timers->set(host, self, TICK_NS, TICK_NS, 2, &more);
        free(s);
        return code == HAWSE_OK ? HAWSE_E_INTERNAL : code;
    }
    restored = 1;
    *out = s;
    return HAWSE_OK;
}

static const void *query(const char *id)
{
    static const hawse_state_interface_t table = {
        .size = sizeof(table), .save = save, .restore = restore};
    return FAULT != NO_STATE && strcmp(id, HAWSE_STATE_ID) == 0 ? &table : NULL;
}

static const hawse_plugin_t plugin = {.size = sizeof(plugin),
                                      .abi_minor = HAWSE_ABI_MINOR,
                                      .id = ID,
                                      .create = create,
                                      .start = start,
                                      .on_events = on_events,
                                      .stop = stop,
                                      .destroy = destroy,
                                      .query = query};

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    (void)host;
    if (FAULT == LOAD_CRASHES)
        abort();
    return &plugin;
}
