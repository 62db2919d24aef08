/*
 * A plugin that counts logs: the far end of every benchmark. It adds up what proves that each log
 * came once, whole and in order, measures CPU time from the first log to the last and, where asked,
 * delays (latency.h), and writes one line of JSON to the descriptor it was given. Being a measuring
 * instrument it reads clocks and writes by itself, which no plugin for use should.
 */
#include "latency.h"

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <hawse/space/stream.h>
#include <stdbool.h>
#include <unistd.h>

#define NUMBER "{\"type\":\"integer\",\"minimum\":0,\"default\":0}"

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.bench.counter\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"config\":{\"type\":\"object\",\"properties\":{\"report_fd\":" NUMBER ",\"expect\":" NUMBER
    ",\"skip\":" NUMBER ",\"every\":" NUMBER "}}}";

struct counter {
    uint64_t fd, expect, skip, every; /* settings */
    uint64_t logs, late, disorder, gaps, healed, unhealable;
    uint64_t last_block, last_index;
    uint64_t begin_cpu, begin_lane, begin_ns;
    uint32_t sum; /* over the last hex digit of each transaction hash, in order */
    struct latency latency;
};

static void say(const struct counter *c, const char *text, int n)
{
    if (c->fd > 0 && n > 0 && write((int)c->fd, text, (size_t)n) != n)
        abort(); /* a measurement that nobody gets */
}

static void report(struct counter *c, const char *what)
{
    char text[1024], delays[256];
    uint64_t cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t lane = bench_clock(CLOCK_THREAD_CPUTIME_ID), now = bench_clock(CLOCK_MONOTONIC);
    (void)latency_json(&c->latency, delays, sizeof(delays));
    int n = snprintf(text, sizeof(text),
                     "{\"%s\":true,\"logs\":%llu,\"sum\":%u,\"late\":%llu,\"disorder\":%llu,"
                     "\"gaps\":%llu,\"healed\":%llu,\"unhealable\":%llu,"
                     "\"cpu_ns\":%llu,\"lane_ns\":%llu,\"ns\":%llu,\"at_ns\":%llu%s}\n",
                     what, (unsigned long long)c->logs, c->sum, (unsigned long long)c->late,
                     (unsigned long long)c->disorder, (unsigned long long)c->gaps,
                     (unsigned long long)c->healed, (unsigned long long)c->unhealable,
                     (unsigned long long)(cpu - c->begin_cpu),
                     (unsigned long long)(lane - c->begin_lane),
                     (unsigned long long)(now - c->begin_ns), (unsigned long long)now, delays);
    say(c, text, n);
}

static void read_settings(struct counter *c, hawse_view_t config)
{
    uint32_t marks[256];
    hawse_json_t doc;
    hawse_json_value_t root, v;
    const struct {
        const char *name;
        uint64_t *out;
    } all[] = {
        {"report_fd", &c->fd}, {"expect", &c->expect}, {"skip", &c->skip}, {"every", &c->every}};
    if (hawse_json_index(&doc, config.data, config.len, marks, 256) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK)
        return;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        hawse_json_rewind(&root);
        if (hawse_json_get(&doc, &root, all[i].name, &v) == HAWSE_OK)
            (void)hawse_json_u64(&v, all[i].out);
    }
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    hawse_evm_log_filter_t filter = {.size = sizeof(filter)};
    hawse_sub_spec_t spec = {.size = sizeof(spec),
                             .space = HAWSE_SPACE_EVM,
                             .kind = HAWSE_EVM_LOG,
                             .flags = HAWSE_SUB_KEYED,
                             .filter = {(const uint8_t *)&filter, sizeof(filter)}};
    hawse_sub_t handle;
    struct counter *c = calloc(1, sizeof(*c));
    if (!c)
        return HAWSE_E_NOMEM;
    read_settings(c, config);
    latency_init(&c->latency, c->expect, c->skip, c->every);
    memset(filter.address, 0xaa, 20); /* the only address of the benchmarks */
    spec.key = hawse_key(filter.address, 20);
    *state = c;
    return sub->subscribe(host, self, &spec, &handle);
}

static void take_log(struct counter *c, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    if (c->logs++ == 0) {
        c->begin_cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
        c->begin_lane = bench_clock(CLOCK_THREAD_CPUTIME_ID);
        c->begin_ns = bench_clock(CLOCK_MONOTONIC);
    }
    c->sum = c->sum * 31 + (uint8_t) "0123456789abcdef"[log->tx_hash[31] & 15];
    c->disorder +=
        log->block_number < c->last_block ||
        (log->block_number == c->last_block && log->log_index <= c->last_index && c->logs > 1);
    c->last_block = log->block_number;
    c->last_index = log->log_index;
    c->late += (event->flags & HAWSE_EVENT_BACKFILLED) != 0;
    if (c->every && log->data_len >= 32) {
        uint64_t stamp = 0;
        for (int i = 24; i < 32; i++)
            stamp = stamp << 8 | event->data[log->data_offset + (uint32_t)i];
        latency_add(&c->latency, stamp);
    }
    if (c->expect && c->logs == c->expect)
        report(c, "done");
}

/* Continuity: told to the bench as it comes, since its time is what is measured. */
static void take_continuity(struct counter *c, const hawse_event_t *event)
{
    if (event->stream != HAWSE_EVM_STREAM_LOGS)
        return;
    if (event->kind == HAWSE_STREAM_EVENT_LIVE)
        report(c, "live");
    c->gaps += event->kind == HAWSE_STREAM_EVENT_GAP;
    c->healed += event->kind == HAWSE_STREAM_EVENT_HEALED;
    c->unhealable += event->kind == HAWSE_STREAM_EVENT_UNHEALABLE;
    if (event->kind == HAWSE_STREAM_EVENT_GAP)
        report(c, "gap");
    if (event->kind == HAWSE_STREAM_EVENT_HEALED)
        report(c, "heal");
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct counter *c = state;
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_EVM)
            take_log(c, events[i]);
        else if (events[i]->space == HAWSE_SPACE_STREAM)
            take_continuity(c, events[i]);
    }
    return (int32_t)n;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    report(state, "stop");
    return deadline_ns ? HAWSE_OK : HAWSE_E_INVAL;
}

static void destroy(void *state)
{
    struct counter *c = state;
    free(c->latency.ns);
    free(c);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.bench.counter",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
    };
    return host ? &table : NULL;
}
