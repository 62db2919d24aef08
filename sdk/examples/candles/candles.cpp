// candles in C++17: the twin of candles.c, call by call. Needs no C++ library at run time: no
// exception, no new, and nothing unwinds into the host (-fno-exceptions -fno-rtti).
#include "candles.h"

#include <hawse/hawse.h>
#include <hawse/service/metrics.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

const char hawse_manifest_v1[] =
    R"({"id":"org.example.candles","version":"1.0.0","abi":"1.0","kind":"protocol",)"
    R"("description":"trades into candles of a minute","license":"MIT",)"
    R"("maturity":"stable","requires":{"hawse.sub/1":">=1.0","hawse.timer/1":">=1.0",)"
    R"("hawse.metrics/1":">=1.0"},"consumes":["market/1","stream/1"],)"
    R"("produces":["org.example.candles/1"]})";

namespace
{

constexpr uint64_t minute_ns = 60'000'000'000;
constexpr uint64_t second_ns = 1'000'000'000;
constexpr uint64_t flush_tick = 1; // tag of the timer

hawse_view_t view(std::string_view text)
{
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

hawse_u256_t magnitude(hawse_u256_t v)
{
    if (v.limb[3] >> 63) {
        uint64_t carry = 1;
        for (uint64_t &limb : v.limb) {
            limb = ~limb + carry;
            carry = carry && limb == 0;
        }
    }
    return v;
}

void add(hawse_u256_t &sum, const hawse_u256_t &v)
{
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        const uint64_t with = v.limb[i] + carry;
        carry = with < carry;
        sum.limb[i] += with;
        carry += sum.limb[i] < with;
    }
}

// The host and this instance of the plugin, so that a call needs neither.
struct Self {
    const hawse_host_t *host;
    hawse_instance_t id;

    template <typename Service> const Service *service(const char *name) const
    {
        return static_cast<const Service *>(host->query(host, id, name));
    }
};

class Candles
{
  public:
    int32_t create(Self with)
    {
        self = with;
        sub = self.service<hawse_sub_service_t>(HAWSE_SUB_ID);
        timer = self.service<hawse_timer_service_t>(HAWSE_TIMER_ID);
        metrics = self.service<hawse_metrics_service_t>(HAWSE_METRICS_ID);
        hawse_sub_spec_t spec{};
        spec.size = sizeof(spec);
        spec.source = HAWSE_SOURCE_ANY;
        spec.space = HAWSE_SPACE_MARKET;
        spec.kind = HAWSE_MARKET_TRADE;
        hawse_sub_t handle;
        int32_t code = sub->space(self.host, self.id, view(CANDLES_SPACE), &space);
        if (code == HAWSE_OK)
            code = sub->subscribe(self.host, self.id, &spec, &handle);
        if (code == HAWSE_OK)
            code = declare(HAWSE_METRIC_COUNTER, "candles_total", "Candles told.", told);
        if (code == HAWSE_OK)
            code = declare(HAWSE_METRIC_GAUGE, "candles_open", "Candles that are not over.", open);
        return code;
    }

    int32_t start()
    {
        self.host->log(self.host, self.id, HAWSE_LOG_INFO, view("candles of a minute"));
        return timer->set(self.host, self.id, second_ns, second_ns, flush_tick, &tick);
    }

    int32_t on_events(const hawse_event_t *const *events, uint32_t n)
    {
        for (uint32_t i = 0; i < n; i++) {
            const int32_t code = on_event(*events[i]);
            if (code == HAWSE_E_AGAIN)
                return static_cast<int32_t>(i);
            if (code != HAWSE_OK)
                return hawse_fail(self.host, self.id, code, "a candle was refused", "see the log");
        }
        return static_cast<int32_t>(n);
    }

    int32_t stop()
    {
        for (uint32_t i = 0; i < count; i++) {
            if (candle[i].trades && tell(candle[i], CANDLES_OPEN) == HAWSE_E_AGAIN)
                return HAWSE_E_AGAIN;
        }
        (void)timer->cancel(self.host, self.id, tick);
        return HAWSE_OK;
    }

  private:
    int32_t declare(uint32_t kind, std::string_view name, std::string_view help, hawse_metric_t &m)
    {
        return metrics->declare(self.host, self.id, kind, view(name), view(help), {}, &m);
    }

    int32_t on_event(const hawse_event_t &event)
    {
        if (event.space == HAWSE_SPACE_MARKET && event.kind == HAWSE_MARKET_TRADE)
            return on_trade(event);
        if (event.space == HAWSE_SPACE_STREAM && event.kind == HAWSE_STREAM_EVENT_GAP)
            on_gap();
        else if (event.space == HAWSE_SPACE_HOST && event.kind == HAWSE_HOST_TIMER)
            on_timer();
        return HAWSE_OK;
    }

    int32_t on_trade(const hawse_event_t &event)
    {
        hawse_market_trade_t trade;
        if (event.len < sizeof(trade))
            return HAWSE_OK; // of a host that promised more than it holds: nothing to be read
        std::memcpy(&trade, event.data, sizeof(trade));
        candles_candle_t *c = find(trade.market);
        if (!c)
            return HAWSE_OK;
        if (event.flags & HAWSE_EVENT_REMOVED) {
            c->flags |= CANDLES_REMOVED;
            return HAWSE_OK;
        }
        const uint64_t at =
            event.t_source_ns ? event.t_source_ns : self.host->now(self.host, HAWSE_CLOCK_UTC);
        if (c->trades && at >= c->begin_ns + minute_ns) {
            const int32_t code = tell(*c, 0);
            if (code != HAWSE_OK)
                return code;
        }
        count_trade(*c, trade, at);
        return HAWSE_OK;
    }

    static void count_trade(candles_candle_t &c, const hawse_market_trade_t &trade, uint64_t at)
    {
        const int64_t price =
            trade.price_mantissa ? static_cast<int64_t>(trade.price_mantissa) : trade.tick;
        if (c.trades == 0) {
            c.begin_ns = at / minute_ns * minute_ns;
            c.exponent = trade.price_exponent;
            c.open = c.high = c.low = price;
            c.volume = {};
        }
        if (!trade.price_mantissa)
            c.flags |= CANDLES_TICKS;
        c.high = price > c.high ? price : c.high;
        c.low = price < c.low ? price : c.low;
        c.close = price;
        c.trades++;
        add(c.volume, magnitude(trade.amount0));
    }

    void on_gap()
    {
        for (uint32_t i = 0; i < count; i++)
            candle[i].flags |= CANDLES_GAP;
    }

    void on_timer()
    {
        int64_t n = 0;
        for (uint32_t i = 0; i < count; i++)
            n += candle[i].trades > 0;
        (void)metrics->set(self.host, self.id, open, n);
    }

    candles_candle_t *find(const uint8_t *market)
    {
        for (uint32_t i = 0; i < count; i++) {
            if (std::memcmp(candle[i].market, market, 32) == 0)
                return &candle[i];
        }
        if (count == markets)
            return nullptr;
        candles_candle_t *fresh = &candle[count++];
        fresh->size = sizeof(*fresh);
        std::memcpy(fresh->market, market, 32);
        return fresh;
    }

    int32_t tell(candles_candle_t &c, uint32_t flags)
    {
        c.flags |= flags;
        hawse_event_t event{};
        event.size = sizeof(event);
        event.space = space;
        event.kind = CANDLES_CANDLE;
        event.stream = 1;
        event.epoch = 1;
        event.t_source_ns = c.begin_ns + minute_ns;
        event.key = hawse_key(c.market, 32);
        event.data = reinterpret_cast<const uint8_t *>(&c);
        event.len = sizeof(c);
        const int32_t code = sub->publish(self.host, self.id, &event);
        if (code == HAWSE_OK) {
            (void)metrics->add(self.host, self.id, told, 1);
            c.trades = 0;
            c.flags = 0;
        }
        return code;
    }

    static constexpr uint32_t markets = 64;

    Self self;
    const hawse_sub_service_t *sub;
    const hawse_timer_service_t *timer;
    const hawse_metrics_service_t *metrics;
    hawse_metric_t told, open;
    hawse_timer_t tick;
    uint16_t space;
    uint32_t count;
    candles_candle_t candle[markets]; // trades 0: between two minutes
};

Candles *of(void *state)
{
    return static_cast<Candles *>(state);
}

int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t, void **state)
{
    // all of Candles is plain data that begins as zero
    auto *made = static_cast<Candles *>(std::calloc(1, sizeof(Candles)));
    if (!made)
        return HAWSE_E_NOMEM;
    const int32_t code = made->create({host, self});
    if (code != HAWSE_OK) {
        std::free(made);
        return hawse_fail(host, self, code, "candles cannot begin", "link it to a venue");
    }
    *state = made;
    return HAWSE_OK;
}

int32_t start(void *state)
{
    return of(state)->start();
}
int32_t stop(void *state, uint64_t)
{
    return of(state)->stop();
}
void destroy(void *state)
{
    std::free(state);
}

int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    return of(state)->on_events(events, n);
}

} // namespace

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
                                         nullptr};
    return host ? &table : nullptr;
}
