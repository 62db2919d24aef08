/*
 * candles: trades of any venue into candles of a minute, published in a space of its own. The same
 * plugin stands beside it in C++17 and in Rust; all three do the same, call by call.
 *
 * Things to take from it: nothing is lost when publish answers AGAIN, since the trade is then not
 * taken and comes again; a gap that a venue announces stays visible in what is made of its trades;
 * and a minute ends by the times that the venue states, so a replay makes the same candles.
 */
#include "candles.h"

#include <hawse/hawse.h>
#include <hawse/service/metrics.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS  60000000000u
#define SECOND_NS  1000000000u
#define MARKETS    64u
#define FLUSH_TICK 1u /* tag of the timer */

const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.candles\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"protocol\","
    "\"description\":\"trades into candles of a minute\",\"license\":\"MIT\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.timer/1\":\">=1.0\","
    "\"hawse.metrics/1\":\">=1.0\"},\"consumes\":[\"market/1\",\"stream/1\"],"
    "\"produces\":[\"org.example.candles/1\"]}";

struct candles {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_timer_service_t *timer;
    const hawse_metrics_service_t *metrics;
    hawse_metric_t told, open;
    hawse_timer_t tick;
    uint16_t space;
    uint32_t count;
    candles_candle_t candle[MARKETS]; /* trades 0: between two minutes */
};

/* ---- arithmetic of 256 bits ---- */

static hawse_u256_t magnitude(hawse_u256_t v)
{
    if (v.limb[3] >> 63) {
        uint64_t carry = 1;
        for (int i = 0; i < 4; i++) {
            v.limb[i] = ~v.limb[i] + carry;
            carry = carry && v.limb[i] == 0;
        }
    }
    return v;
}

static void add(hawse_u256_t *sum, hawse_u256_t v)
{
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t with = v.limb[i] + carry;
        carry = with < carry;
        sum->limb[i] += with;
        carry += sum->limb[i] < with;
    }
}

/* ---- candles ---- */

static int32_t tell(struct candles *c, candles_candle_t *candle, uint32_t flags)
{
    hawse_event_t event;
    candle->flags |= flags;
    memset(&event, 0, sizeof(event));
    event.size = sizeof(event);
    event.space = c->space;
    event.kind = CANDLES_CANDLE;
    event.stream = 1;
    event.epoch = 1;
    event.t_source_ns = candle->begin_ns + MINUTE_NS;
    event.key = hawse_key(candle->market, 32);
    event.data = (const uint8_t *)candle;
    event.len = sizeof(*candle);
    int32_t code = c->sub->publish(c->host, c->self, &event);
    if (code == HAWSE_OK) {
        (void)c->metrics->add(c->host, c->self, c->told, 1);
        candle->trades = 0;
        candle->flags = 0;
    }
    return code;
}

static candles_candle_t *find(struct candles *c, const uint8_t market[32])
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (memcmp(c->candle[i].market, market, 32) == 0)
            return &c->candle[i];
    }
    if (c->count == MARKETS)
        return NULL;
    candles_candle_t *fresh = &c->candle[c->count++];
    fresh->size = sizeof(*fresh);
    memcpy(fresh->market, market, 32);
    return fresh;
}

static void count_trade(candles_candle_t *candle, const hawse_market_trade_t *trade, uint64_t at)
{
    int64_t price = trade->price_mantissa ? (int64_t)trade->price_mantissa : trade->tick;
    if (candle->trades == 0) {
        candle->begin_ns = at / MINUTE_NS * MINUTE_NS;
        candle->exponent = trade->price_exponent;
        candle->open = candle->high = candle->low = price;
        memset(&candle->volume, 0, sizeof(candle->volume));
    }
    if (!trade->price_mantissa)
        candle->flags |= CANDLES_TICKS;
    candle->high = price > candle->high ? price : candle->high;
    candle->low = price < candle->low ? price : candle->low;
    candle->close = price;
    candle->trades++;
    add(&candle->volume, magnitude(trade->amount0));
}

static int32_t on_trade(struct candles *c, const hawse_event_t *event)
{
    hawse_market_trade_t trade;
    if (event->len < sizeof(trade))
        return HAWSE_OK; /* of a host that promised more than it holds: nothing to be read */
    memcpy(&trade, event->data, sizeof(trade));
    candles_candle_t *candle = find(c, trade.market);
    if (!candle)
        return HAWSE_OK;
    if (event->flags & HAWSE_EVENT_REMOVED) {
        candle->flags |= CANDLES_REMOVED;
        return HAWSE_OK;
    }
    uint64_t at = event->t_source_ns ? event->t_source_ns : c->host->now(c->host, HAWSE_CLOCK_UTC);
    if (candle->trades && at >= candle->begin_ns + MINUTE_NS) {
        int32_t code = tell(c, candle, 0);
        if (code != HAWSE_OK)
            return code;
    }
    count_trade(candle, &trade, at);
    return HAWSE_OK;
}

static void on_gap(struct candles *c)
{
    for (uint32_t i = 0; i < c->count; i++)
        c->candle[i].flags |= CANDLES_GAP;
}

static void on_timer(struct candles *c)
{
    int64_t open = 0;
    for (uint32_t i = 0; i < c->count; i++)
        open += c->candle[i].trades > 0;
    (void)c->metrics->set(c->host, c->self, c->open, open);
}

static int32_t on_event(struct candles *c, const hawse_event_t *event)
{
    if (event->space == HAWSE_SPACE_MARKET && event->kind == HAWSE_MARKET_TRADE)
        return on_trade(c, event);
    if (event->space == HAWSE_SPACE_STREAM && event->kind == HAWSE_STREAM_EVENT_GAP)
        on_gap(c);
    else if (event->space == HAWSE_SPACE_HOST && event->kind == HAWSE_HOST_TIMER)
        on_timer(c);
    return HAWSE_OK;
}

/* ---- the table ---- */

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct candles *c = (struct candles *)state;
    for (uint32_t i = 0; i < n; i++) {
        int32_t code = on_event(c, events[i]);
        if (code == HAWSE_E_AGAIN)
            return (int32_t)i;
        if (code != HAWSE_OK)
            return hawse_fail(c->host, c->self, code, "a candle was refused", "see the log");
    }
    return (int32_t)n;
}

static int32_t prepare(struct candles *c)
{
    hawse_sub_spec_t spec;
    hawse_sub_t handle;
    hawse_view_t none = {NULL, 0};
    memset(&spec, 0, sizeof(spec));
    spec.size = sizeof(spec);
    spec.source = HAWSE_SOURCE_ANY;
    spec.space = HAWSE_SPACE_MARKET;
    spec.kind = HAWSE_MARKET_TRADE;
    int32_t code = c->sub->space(c->host, c->self, hawse_text(CANDLES_SPACE), &c->space);
    if (code == HAWSE_OK)
        code = c->sub->subscribe(c->host, c->self, &spec, &handle);
    if (code == HAWSE_OK)
        code =
            c->metrics->declare(c->host, c->self, HAWSE_METRIC_COUNTER, hawse_text("candles_total"),
                                hawse_text("Candles told."), none, &c->told);
    if (code == HAWSE_OK)
        code = c->metrics->declare(c->host, c->self, HAWSE_METRIC_GAUGE, hawse_text("candles_open"),
                                   hawse_text("Candles that are not over."), none, &c->open);
    return code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct candles *c = (struct candles *)calloc(1, sizeof(*c));
    (void)config;
    if (!c)
        return HAWSE_E_NOMEM;
    c->host = host;
    c->self = self;
    c->sub = (const hawse_sub_service_t *)host->query(host, self, HAWSE_SUB_ID);
    c->timer = (const hawse_timer_service_t *)host->query(host, self, HAWSE_TIMER_ID);
    c->metrics = (const hawse_metrics_service_t *)host->query(host, self, HAWSE_METRICS_ID);
    int32_t code = prepare(c);
    if (code != HAWSE_OK) {
        free(c);
        return hawse_fail(host, self, code, "candles cannot begin", "link it to a venue");
    }
    *state = c;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    struct candles *c = (struct candles *)state;
    hawse_log(c->host, c->self, HAWSE_LOG_INFO, "candles of a minute");
    return c->timer->set(c->host, c->self, SECOND_NS, SECOND_NS, FLUSH_TICK, &c->tick);
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    struct candles *c = (struct candles *)state;
    (void)deadline_ns;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->candle[i].trades && tell(c, &c->candle[i], CANDLES_OPEN) == HAWSE_E_AGAIN)
            return HAWSE_E_AGAIN;
    }
    (void)c->timer->cancel(c->host, c->self, c->tick);
    return HAWSE_OK;
}

static void destroy(void *state)
{
    free(state);
}

const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {sizeof(hawse_plugin_t),
                                         HAWSE_ABI_MINOR,
                                         "org.example.candles",
                                         create,
                                         start,
                                         on_events,
                                         stop,
                                         destroy,
                                         NULL};
    return host ? &table : NULL;
}
