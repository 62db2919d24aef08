/*
 * A sink that says what happens in words: blocks, slots, trades with amounts and prices, the best
 * prices of order books as they move, gaps. Its lines go to the host's log, and from there into the
 * live view.
 */
#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <hawse/space/market.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKETS = 1024, SLOTS_A_LINE = 5 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.ticker\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"description\":\"blocks, slots, trades, books and gaps in words, in the "
    "log\",\"license\":\"MIT\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\",\"market/1\",\"solana/1\",\"stream/1\"]}";

struct market {
    hawse_market_info_t info;
    uint64_t bid, ask; /* best prices that were said last */
};

struct ticker {
    const hawse_host_t *host;
    hawse_instance_t self;
    struct market markets[MARKETS];
    uint32_t count;
    uint32_t slots, accounts, transactions; /* since the last line */
};

static struct market *find(struct ticker *t, const uint8_t market[32])
{
    for (uint32_t i = 0; i < t->count; i++) {
        if (memcmp(t->markets[i].info.market, market, 32) == 0)
            return &t->markets[i];
    }
    return NULL;
}

static void learn(struct ticker *t, const hawse_market_info_t *info)
{
    struct market *m = find(t, info->market);
    if (!m && t->count < MARKETS)
        m = &t->markets[t->count++];
    if (!m)
        return;
    memset(&m->info, 0, sizeof(m->info)); /* a plugin of an older SDK tells less */
    memcpy(&m->info, info, info->size < sizeof(m->info) ? info->size : sizeof(m->info));
}

static void say_info(struct ticker *t, const hawse_event_t *e)
{
    learn(t, (const hawse_market_info_t *)(const void *)e->data);
}

/* Of a group's markets, whose books mirror each other, the first one is shown. */
static int is_first(const struct ticker *t, const struct market *m)
{
    static const uint8_t none[32];
    for (uint32_t i = 0; i < t->count && &t->markets[i] != m; i++) {
        if (memcmp(m->info.group, none, 32) != 0 &&
            memcmp(m->info.group, t->markets[i].info.group, 32) == 0)
            return 0;
    }
    return 1;
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

/* What one of token 0 went for in token 1, where no other price is told. */
static double price_paid(const hawse_market_info_t *info, const hawse_market_trade_t *trade)
{
    hawse_u256_t amount[2] = {trade->amount0, trade->amount1};
    double units[2];
    for (int i = 0; i < 2; i++) {
        if (hawse_i256_is_negative(&amount[i]))
            hawse_i256_negate(&amount[i], &amount[i]);
        units[i] = hawse_u256_double(&amount[i]);
        for (uint32_t n = 0; n < info->decimals[i]; n++)
            units[i] /= 10;
    }
    return units[0] > 0 ? units[1] / units[0] : 0;
}

static double price_told(const hawse_market_info_t *info, const hawse_market_trade_t *trade)
{
    return hawse_u256_is_zero(&trade->sqrt_price_x96) ? price_paid(info, trade)
                                                      : price_of(info, &trade->sqrt_price_x96);
}

static double scaled(uint64_t mantissa, int32_t exponent)
{
    double value = (double)mantissa;
    for (int32_t i = exponent; i < 0; i++)
        value /= 10;
    return value;
}

static void say_trade(struct ticker *t, const hawse_event_t *e)
{
    const hawse_market_trade_t *trade = (const hawse_market_trade_t *)(const void *)e->data;
    const struct market *m = find(t, trade->market);
    char in[HAWSE_U256_DECIMAL_MAX + 4], out[HAWSE_U256_DECIMAL_MAX + 4], line[400], where[40];
    hawse_u256_t paid, got;
    if (!m)
        return;
    const hawse_market_info_t *info = &m->info;
    int book = trade->price_mantissa != 0; /* an order book's price is stated */
    int buys0 = trade->side == HAWSE_SIDE_BUY;
    paid = buys0 ? trade->amount1 : trade->amount0;
    hawse_i256_negate(buys0 ? &trade->amount0 : &trade->amount1, &got);
    (void)hawse_u256_units(&paid, 1, info->decimals[buys0], 4, in);
    (void)hawse_u256_units(&got, 1, info->decimals[!buys0], 4, out);
    if (book)
        (void)snprintf(where, sizeof(where), "market %02x%02x", info->group[0], info->group[1]);
    else
        (void)snprintf(where, sizeof(where), "block %llu",
                       (unsigned long long)trade->origin.block_number);
    (void)snprintf(line, sizeof(line), "%s%s %s %.15s -> %s %.15s   1 %.15s = %.6g %.15s   %s",
                   e->flags & HAWSE_EVENT_REMOVED ? "TAKEN BACK " : "", book ? "trade" : "swap ",
                   in, info->symbol[buys0], out, info->symbol[!buys0], info->symbol[0],
                   book ? scaled(trade->price_mantissa, trade->price_exponent)
                        : price_told(info, trade),
                   info->symbol[1], where);
    hawse_log(t->host, t->self, HAWSE_LOG_INFO, line);
}

/* Best prices, when they moved. */
static void say_quote(struct ticker *t, const hawse_event_t *e)
{
    const hawse_market_quote_t *q = (const hawse_market_quote_t *)(const void *)e->data;
    struct market *m = find(t, q->market);
    char line[200];
    if (!m || (m->bid == q->bid.price_mantissa && m->ask == q->ask.price_mantissa) ||
        !is_first(t, m))
        return;
    m->bid = q->bid.price_mantissa;
    m->ask = q->ask.price_mantissa;
    (void)snprintf(line, sizeof(line),
                   "book  %.15s  bid %g x %.6g  ask %g x %.6g %.15s   market %02x%02x",
                   m->info.symbol[0], scaled(q->bid.price_mantissa, q->price_exponent),
                   scaled(q->bid.size_mantissa, q->size_exponent),
                   scaled(q->ask.price_mantissa, q->price_exponent),
                   scaled(q->ask.size_mantissa, q->size_exponent), m->info.symbol[1],
                   m->info.group[0], m->info.group[1]);
    hawse_log(t->host, t->self, HAWSE_LOG_INFO, line);
}

/* One line for some slots: they come every 400 ms. */
static void say_solana(struct ticker *t, const hawse_event_t *e)
{
    const hawse_solana_slot_t *slot = (const hawse_solana_slot_t *)(const void *)e->data;
    char line[160];
    t->accounts += e->kind == HAWSE_SOLANA_ACCOUNT;
    t->transactions += e->kind == HAWSE_SOLANA_PROGRAM_LOG;
    if (e->kind != HAWSE_SOLANA_SLOT || ++t->slots < SLOTS_A_LINE)
        return;
    (void)snprintf(line, sizeof(line),
                   "slot  %llu  root %llu   in %u slots: accounts told %u times, %u transactions",
                   (unsigned long long)slot->slot, (unsigned long long)slot->root, t->slots,
                   t->accounts, t->transactions);
    t->slots = t->accounts = t->transactions = 0;
    hawse_log(t->host, t->self, HAWSE_LOG_INFO, line);
}

static void say_rollback(struct ticker *t, const hawse_event_t *e)
{
    const hawse_solana_rollback_t *r = (const hawse_solana_rollback_t *)(const void *)e->data;
    char line[120];
    (void)snprintf(line, sizeof(line), "ROLLED BACK slots %llu to %llu",
                   (unsigned long long)r->from, (unsigned long long)r->to);
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
    const struct market *m = find(t, l->market);
    char line[160];
    if (!m || hawse_u256_is_zero(&l->delta))
        return;
    (void)snprintf(line, sizeof(line), "%s  %.15s/%.15s  ticks %d to %d   block %llu",
                   hawse_i256_is_negative(&l->delta) ? "burn" : "mint", m->info.symbol[0],
                   m->info.symbol[1], l->tick_lower, l->tick_upper,
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

static const struct {
    uint16_t space, kind;
    void (*say)(struct ticker *t, const hawse_event_t *e);
} wanted[] = {
    {HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, say_block},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO, say_info},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, say_trade},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_LIQUIDITY, say_liquidity},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_QUOTE, say_quote},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, say_solana},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, say_solana},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, say_solana},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, say_rollback},
};
enum { WANTED = sizeof(wanted) / sizeof(wanted[0]) };

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct ticker *t = state;
    for (uint32_t i = 0; i < n; i++) {
        const hawse_event_t *e = events[i];
        if (e->space == HAWSE_SPACE_STREAM)
            say_continuity(t, e);
        for (size_t k = 0; k < WANTED; k++) {
            if (e->space == wanted[k].space && e->kind == wanted[k].kind)
                wanted[k].say(t, e);
        }
    }
    return (int32_t)n;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    struct ticker *t = calloc(1, sizeof(*t));
    int32_t code = t ? HAWSE_OK : HAWSE_E_NOMEM;
    (void)config;
    for (size_t i = 0; i < WANTED && code == HAWSE_OK; i++) {
        hawse_sub_t handle;
        hawse_sub_spec_t spec = {.size = sizeof(spec),
                                 .space = wanted[i].space,
                                 .kind = wanted[i].kind,
                                 .policy = HAWSE_POLICY_DROP_OLDEST};
        code = sub->subscribe(host, self, &spec, &handle);
    }
    if (code != HAWSE_OK) {
        free(t);
        return hawse_fail(host, self, code, "cannot subscribe", "link it to a source");
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
