/*
 * A sink that says what happens in words: blocks, trades with amounts and prices, gaps. Its lines
 * go to the host's log, and from there into the live view.
 */
#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKETS = 1024 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.ticker\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"description\":\"blocks, trades and gaps in words, in the log\",\"license\":\"MIT\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\",\"market/1\",\"stream/1\"]}";

struct ticker {
    const hawse_host_t *host;
    hawse_instance_t self;
    hawse_market_info_t markets[MARKETS];
    uint32_t count;
};

static const hawse_market_info_t *find(const struct ticker *t, const uint8_t market[32])
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (memcmp(t->markets[i].market, market, 32) == 0)
            return &t->markets[i];
    }
    return NULL;
}

static void learn(struct ticker *t, const hawse_market_info_t *info)
{
    hawse_market_info_t *known = (hawse_market_info_t *)(uintptr_t)find(t, info->market);
    if (!known && t->count < MARKETS)
        known = &t->markets[t->count++];
    if (!known)
        return;
    memset(known, 0, sizeof(*known)); /* a plugin of an older SDK tells less */
    memcpy(known, info, info->size < sizeof(*known) ? info->size : sizeof(*known));
}

/* Price of token 0 in token 1 as the pool's square root says; a double is enough to be looked at.
 */
static double price_of(const hawse_market_info_t *info, const hawse_u256_t *sqrt_price_x96)
{
    double root = hawse_u256_double(sqrt_price_x96) / 79228162514264337593543950336.0;
    double price = root * root;
    for (uint32_t i = info->decimals[0]; i < info->decimals[1]; i++)
        price /= 10;
    for (uint32_t i = info->decimals[1]; i < info->decimals[0]; i++)
        price *= 10;
    return price;
}

/* An order book's price is stated. */
static double stated_price(const hawse_market_trade_t *trade)
{
    double price = (double)trade->price_mantissa;
    for (int32_t i = trade->price_exponent; i < 0; i++)
        price /= 10;
    return price;
}

static void say_trade(struct ticker *t, const hawse_event_t *e)
{
    const hawse_market_trade_t *trade = (const hawse_market_trade_t *)(const void *)e->data;
    const hawse_market_info_t *info = find(t, trade->market);
    char in[HAWSE_U256_DECIMAL_MAX + 4], out[HAWSE_U256_DECIMAL_MAX + 4], line[400];
    hawse_u256_t paid, got;
    if (!info)
        return;
    int buys0 = trade->side == HAWSE_SIDE_BUY;
    paid = buys0 ? trade->amount1 : trade->amount0;
    hawse_i256_negate(buys0 ? &trade->amount0 : &trade->amount1, &got);
    (void)hawse_u256_units(&paid, 1, info->decimals[buys0], 4, in);
    (void)hawse_u256_units(&got, 1, info->decimals[!buys0], 4, out);
    (void)snprintf(
        line, sizeof(line), "%sswap  %s %.15s -> %s %.15s   1 %.15s = %.6g %.15s   block %llu",
        e->flags & HAWSE_EVENT_REMOVED ? "TAKEN BACK " : "", in, info->symbol[buys0], out,
        info->symbol[!buys0], info->symbol[0],
        trade->price_mantissa ? stated_price(trade) : price_of(info, &trade->sqrt_price_x96),
        info->symbol[1], (unsigned long long)trade->origin.block_number);
    hawse_log(t->host, t->self, HAWSE_LOG_INFO, line);
}

static void say_block(struct ticker *t, const hawse_event_t *e)
{
    const hawse_evm_block_t *b = (const hawse_evm_block_t *)(const void *)e->data;
    char line[128];
    (void)snprintf(line, sizeof(line), "%sblock %llu  %02x%02x%02x%02x...  gas %llu",
                   e->flags & HAWSE_EVENT_REMOVED ? "TAKEN BACK " : "",
                   (unsigned long long)b->number, b->hash[0], b->hash[1], b->hash[2], b->hash[3],
                   (unsigned long long)b->gas_used);
    hawse_log(t->host, t->self, HAWSE_LOG_INFO, line);
}

static void say_liquidity(struct ticker *t, const hawse_event_t *e)
{
    const hawse_market_liquidity_t *l = (const hawse_market_liquidity_t *)(const void *)e->data;
    const hawse_market_info_t *info = find(t, l->market);
    char line[160];
    if (!info || hawse_u256_is_zero(&l->delta))
        return;
    (void)snprintf(line, sizeof(line), "%s  %.15s/%.15s  ticks %d to %d   block %llu",
                   hawse_i256_is_negative(&l->delta) ? "burn" : "mint", info->symbol[0],
                   info->symbol[1], l->tick_lower, l->tick_upper,
                   (unsigned long long)l->origin.block_number);
    hawse_log(t->host, t->self, HAWSE_LOG_INFO, line);
}

static void say_continuity(struct ticker *t, const hawse_event_t *e)
{
    static const char *const names[] = {"",           "GAP",     "recovering", "HEALED",
                                        "UNHEALABLE", "RETRACT", "final",      "live"};
    const hawse_stream_range_t *r = (const hawse_stream_range_t *)(const void *)e->data;
    char line[160];
    if (e->kind > 7 || e->stream != HAWSE_EVM_STREAM_BLOCKS || e->kind == HAWSE_STREAM_EVENT_FINAL)
        return;
    (void)snprintf(line, sizeof(line), "%s from %llu", names[e->kind], (unsigned long long)r->from);
    hawse_log(t->host, t->self, HAWSE_LOG_INFO, line);
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct ticker *t = state;
    for (uint32_t i = 0; i < n; i++) {
        const hawse_event_t *e = events[i];
        if (e->space == HAWSE_SPACE_STREAM)
            say_continuity(t, e);
        else if (e->space == HAWSE_SPACE_EVM && e->kind == HAWSE_EVM_BLOCK)
            say_block(t, e);
        else if (e->space == HAWSE_SPACE_MARKET && e->kind == HAWSE_MARKET_INFO)
            learn(t, (const hawse_market_info_t *)(const void *)e->data);
        else if (e->space == HAWSE_SPACE_MARKET && e->kind == HAWSE_MARKET_TRADE)
            say_trade(t, e);
        else if (e->space == HAWSE_SPACE_MARKET && e->kind == HAWSE_MARKET_LIQUIDITY)
            say_liquidity(t, e);
    }
    return (int32_t)n;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    static const struct {
        uint16_t space, kind;
    } wanted[] = {{HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK},
                  {HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO},
                  {HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE},
                  {HAWSE_SPACE_MARKET, HAWSE_MARKET_LIQUIDITY}};
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    struct ticker *t = calloc(1, sizeof(*t));
    int32_t code = t ? HAWSE_OK : HAWSE_E_NOMEM;
    (void)config;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && code == HAWSE_OK; i++) {
        hawse_sub_t handle;
        hawse_sub_spec_t spec = {.size = sizeof(spec),
                                 .space = wanted[i].space,
                                 .kind = wanted[i].kind,
                                 .policy = HAWSE_POLICY_DROP_OLDEST};
        code = sub->subscribe(host, self, &spec, &handle);
    }
    if (code != HAWSE_OK) {
        free(t);
        return code;
    }
    t->host = host;
    t->self = self;
    *state = t;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    (void)state;
    return HAWSE_OK;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    free(state);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.ticker",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
    };
    (void)host;
    return &table;
}
