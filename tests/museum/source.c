/*
 * source: a venue that needs no network. On each firing of a timer it tells a few trades of made-up
 * markets, pools and order books in turn, whose time runs some hundred times faster than the
 * clock's; now and then a trade is taken back or a gap is announced. What it tells depends on
 * nothing but how often it was called. The recordings of the museum are made with it.
 */
#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_NS  10000000u /* of the timer */
#define BURST      4u        /* trades a firing */
#define MARKETS    7u
#define STEP_NS    700000000u /* between two trades, in the venue's own time */
#define BEGIN_NS   1760000000000000000u
#define GAP_EVERY  40u /* firings */
#define BACK_EVERY 23u /* trades */

const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.source\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.timer/1\":\">=1.0\"},"
    "\"produces\":[\"market/1\",\"stream/1\"]}";

struct source {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_timer_service_t *timer;
    uint64_t firings, trades, seed;
    uint32_t epoch;
};

static uint64_t random_below(struct source *s, uint64_t n)
{
    s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
    return (s->seed >> 33) % n;
}

static void fill(struct source *s, hawse_market_trade_t *t, uint64_t market)
{
    uint64_t amount = 1 + random_below(s, 5000);
    memset(t, 0, sizeof(*t));
    t->size = sizeof(*t);
    t->market[31] = (uint8_t)market;
    t->side = random_below(s, 2) ? HAWSE_SIDE_BUY : HAWSE_SIDE_SELL;
    t->amount0.limb[0] = amount;
    if (t->side == HAWSE_SIDE_BUY) { /* it paid out: two's complement */
        t->amount0.limb[0] = ~amount + 1;
        t->amount0.limb[1] = t->amount0.limb[2] = t->amount0.limb[3] = UINT64_MAX;
    }
    t->tick = (int32_t)random_below(s, 200) - 100;
    if (market % 2) {
        t->price_mantissa = 400 + random_below(s, 100);
        t->price_exponent = -3;
    }
}

static int32_t tell(struct source *s, uint16_t space, uint16_t kind, const void *data, uint64_t len,
                    hawse_event_t *event)
{
    event->size = sizeof(*event);
    event->space = space;
    event->kind = kind;
    event->stream = HAWSE_MARKET_STREAM_TRADES;
    event->epoch = s->epoch;
    event->data = (const uint8_t *)data;
    event->len = len;
    return s->sub->publish(s->host, s->self, event);
}

static int32_t tell_trade(struct source *s)
{
    hawse_event_t event;
    hawse_market_trade_t *t =
        (hawse_market_trade_t *)(void *)s->sub->reserve(s->host, s->self, sizeof(*t));
    if (!t)
        return HAWSE_E_AGAIN;
    fill(s, t, 1 + s->trades % MARKETS);
    memset(&event, 0, sizeof(event));
    event.t_source_ns = BEGIN_NS + s->trades * STEP_NS;
    event.key = hawse_key(t->market, 32);
    event.flags = s->trades % BACK_EVERY == BACK_EVERY - 1 ? HAWSE_EVENT_REMOVED : 0;
    s->trades++;
    return tell(s, HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, t, sizeof(*t), &event);
}

static int32_t tell_gap(struct source *s, uint16_t kind)
{
    hawse_event_t event;
    hawse_stream_range_t range;
    uint64_t now_ms = (BEGIN_NS + s->trades * STEP_NS) / 1000000u;
    memset(&event, 0, sizeof(event));
    memset(&range, 0, sizeof(range));
    range.size = sizeof(range);
    range.reason = HAWSE_REASON_SILENT;
    range.from = now_ms - 1000;
    range.to = now_ms;
    s->epoch += kind == HAWSE_STREAM_EVENT_GAP;
    return tell(s, HAWSE_SPACE_STREAM, kind, &range, sizeof(range), &event);
}

static void fire(struct source *s)
{
    s->firings++;
    if (s->firings % GAP_EVERY == 0)
        (void)tell_gap(s, HAWSE_STREAM_EVENT_GAP);
    if (s->firings % GAP_EVERY == 1 && s->firings > 1)
        (void)tell_gap(s, HAWSE_STREAM_EVENT_HEALED);
    for (uint32_t i = 0; i < BURST; i++) {
        if (tell_trade(s) != HAWSE_OK)
            return; /* made up as it is, nobody misses it */
    }
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct source *s = (struct source *)calloc(1, sizeof(*s));
    (void)config;
    if (!s)
        return HAWSE_E_NOMEM;
    s->host = host;
    s->self = self;
    s->epoch = 1;
    s->sub = (const hawse_sub_service_t *)host->query(host, self, HAWSE_SUB_ID);
    s->timer = (const hawse_timer_service_t *)host->query(host, self, HAWSE_TIMER_ID);
    *state = s;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    struct source *s = (struct source *)state;
    hawse_timer_t timer;
    return s->timer->set(s->host, s->self, PERIOD_NS, PERIOD_NS, 1, &timer);
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_HOST && events[i]->kind == HAWSE_HOST_TIMER)
            fire((struct source *)state);
    }
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)deadline_ns;
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static void destroy(void *state)
{
    free(state);
}

const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {sizeof(hawse_plugin_t),
                                         HAWSE_ABI_MINOR,
                                         "org.example.source",
                                         create,
                                         start,
                                         on_events,
                                         stop,
                                         destroy,
                                         NULL};
    return host ? &table : NULL;
}
