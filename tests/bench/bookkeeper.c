/*
 * A sink that keeps the order books of its source as a strategy would, from whole books and changes
 * alone, and prints them when it stops, with what the way from the socket to here took. An
 * instrument for trials: it reads a clock and writes by itself, which no plugin for use should.
 */
#include "latency.h"

#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>

enum { MARKETS = 1 << 13, TICKS = 1001, TICK = 1000, UNIT = 10000, SAMPLE = 64, SAMPLES = 1 << 16 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.bench.bookkeeper\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":"
    "\"sink\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},\"consumes\":[\"market/1\"]}";

/* Sizes in hundredths by side and thousandth of a price. */
struct market {
    uint8_t id[32];
    uint32_t size[2][TICKS];
};

struct keeper {
    struct market *markets[MARKETS]; /* by key, probed */
    uint32_t count;
    uint64_t books, changes, quotes, gaps, outside;
    struct latency latency;
};

static struct market *find(struct keeper *k, const uint8_t id[32])
{
    uint64_t at = hawse_key(id, 32);
    for (;; at++) {
        struct market **m = &k->markets[at % MARKETS];
        if (!*m) {
            *m = calloc(1, sizeof(**m));
            if (!*m)
                abort();
            memcpy((*m)->id, id, 32);
            k->count++;
        }
        if (memcmp((*m)->id, id, 32) == 0)
            return *m;
    }
}

static void take_book(struct keeper *k, const hawse_event_t *e)
{
    const hawse_market_book_t *b = (const hawse_market_book_t *)(const void *)e->data;
    const hawse_market_level_t *l =
        (const hawse_market_level_t *)(const void *)(e->data + b->levels_offset);
    struct market *m = find(k, b->market);
    if (e->kind == HAWSE_MARKET_BOOK_SNAPSHOT) {
        memset(m->size, 0, sizeof(m->size));
        k->books++;
    } else {
        k->changes++;
        latency_add(&k->latency, e->t_recv_ns);
    }
    for (uint32_t i = 0; i < b->bid_count + b->ask_count; i++) {
        uint64_t tick = l[i].price_mantissa / TICK;
        if (tick < TICKS && l[i].size_mantissa / UNIT <= UINT32_MAX)
            m->size[i >= b->bid_count][tick] = (uint32_t)(l[i].size_mantissa / UNIT);
        else
            k->outside++;
    }
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct keeper *k = state;
    for (uint32_t i = 0; i < n; i++) {
        const hawse_event_t *e = events[i];
        if (e->space == HAWSE_SPACE_STREAM) {
            k->gaps += e->kind == HAWSE_STREAM_EVENT_GAP;
            continue;
        }
        if (e->kind == HAWSE_MARKET_BOOK_SNAPSHOT || e->kind == HAWSE_MARKET_BOOK_DELTA)
            take_book(k, e);
        k->quotes += e->kind == HAWSE_MARKET_QUOTE;
    }
    return (int32_t)n;
}

static void print_side(const uint32_t size[TICKS], const char *name)
{
    const char *comma = "";
    printf(",\"%s\":[", name);
    for (int tick = 0; tick < TICKS; tick++) {
        if (size[tick] == 0)
            continue;
        printf("%s[%d,%llu]", comma, tick * TICK, (unsigned long long)size[tick] * UNIT);
        comma = ",";
    }
    printf("]");
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    struct keeper *k = state;
    char delays[256] = "";
    (void)deadline_ns;
    for (int i = 0; i < MARKETS; i++) {
        const struct market *m = k->markets[i];
        if (!m)
            continue;
        printf("{\"market\":\"0x");
        for (int b = 0; b < 32; b++)
            printf("%02x", m->id[b]);
        printf("\"");
        print_side(m->size[0], "bids");
        print_side(m->size[1], "asks");
        printf("}\n");
    }
    (void)latency_json(&k->latency, delays, sizeof(delays));
    printf("{\"own_kb\":%u,\"books\":%llu,\"changes\":%llu,\"quotes\":%llu,\"gaps\":%llu,"
           "\"outside\":%llu%s}\n",
           (unsigned)(k->count * sizeof(struct market) / 1024), (unsigned long long)k->books,
           (unsigned long long)k->changes, (unsigned long long)k->quotes,
           (unsigned long long)k->gaps, (unsigned long long)k->outside, delays);
    (void)fflush(stdout);
    return HAWSE_OK;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    hawse_sub_spec_t spec = {.size = sizeof(spec), .space = HAWSE_SPACE_MARKET};
    hawse_sub_t handle;
    struct keeper *k = calloc(1, sizeof(*k));
    (void)config;
    if (!k)
        return HAWSE_E_NOMEM;
    latency_init(&k->latency, (uint64_t)SAMPLES * SAMPLE, 0, SAMPLE);
    *state = k;
    return sub->subscribe(host, self, &spec, &handle);
}

static int32_t start(void *state)
{
    (void)state;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    struct keeper *k = state;
    for (int i = 0; i < MARKETS; i++)
        free(k->markets[i]);
    free(k->latency.ns);
    free(k);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.bench.bookkeeper",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
    };
    (void)host;
    return &table;
}
