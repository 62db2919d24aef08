/* The Polymarket venue's table: settings in, events in; see polymarket.h. */
#include "polymarket.h"

#include <hawse/hex.h>
#include <hawse/service/state.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 50, COMPLAIN_MS = 10000, MARKS_FIRST = 1 << 14, SCRATCH_FIRST = 1 << 16 };

#define SETTING(NAME, MIN, MAX, DEFAULT, TEXT)                                 \
    ",\"" NAME "\":{\"type\":\"integer\",\"minimum\":" MIN ",\"maximum\":" MAX \
    ",\"default\":" DEFAULT ",\"description\":\"" TEXT "\"}"

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.polymarket\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"description\":\"Polymarket: order books, trades, fills of watched wallets\","
    "\"license\":\"MIT\",\"maturity\":\"beta\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.stream/1\":\">=1.0\","
    "\"hawse.timer/1\":\">=1.0\",\"hawse.http/1\":\">=1.0\",\"hawse.metrics/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"wallet/1\",\"stream/1\"],"
    "\"streams\":{\"trades\":{\"overflow\":\"lossless\"},\"books\":{\"overflow\":\"lossless\"},"
    "\"fills\":{\"overflow\":\"lossless\"},\"account\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"net\",\"http:GET:/book\",\"http:POST:/books\",\"http:GET:/clob-markets\","
    "\"http:GET:/v2/trades\",\"http:GET:/data\",\"sign:polymarket-l1\",\"sign:polymarket-l2\"],"
    "\"budget\":{\"callback_us\":50000},"
    "\"config\":{\"type\":\"object\",\"properties\":{"
    "\"assets\":{\"type\":\"array\",\"maxItems\":20000,\"uniqueItems\":true,\"default\":[],"
    "\"items\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":78},"
    "\"examples\":[[\"1\",\"2\"]],"
    "\"description\":\"token ids to follow\"},"
    "\"markets\":{\"type\":\"array\",\"maxItems\":10000,\"uniqueItems\":true,\"default\":[],"
    "\"items\":{\"type\":\"string\",\"minLength\":66,\"maxLength\":66},"
    "\"description\":\"condition ids of which every outcome is to be followed\"},"
    "\"wallets\":{\"type\":\"array\",\"maxItems\":100,\"uniqueItems\":true,\"default\":[],"
    "\"items\":{\"type\":\"string\",\"format\":\"address\"},"
    "\"description\":\"proxy, safe or deposit wallets whose fills are to be told\"},"
    "\"account\":{\"type\":\"string\",\"maxLength\":63,\"default\":\"\",\"description\":"
    "\"the credential of the account whose orders and trades are to be told; empty: "
    "none\"}" SETTING("per_connection", "1", "500", "400", "assets of one connection at most")
        SETTING("ping_ms", "100", "60000", "10000", "a text PING this often")
            SETTING("pong_ms", "200", "600000", "30000", "reconnect when nothing came for so long")
                SETTING("dump_ms", "100", "600000", "10000",
                        "subscribe anew when no book came for so long")
                    SETTING("audit_ms", "0", "86400000", "60000",
                            "compare every book with the REST answer this often; 0: never")
                        SETTING("poll_ms", "1000", "600000", "30000",
                                "ask for a wallet's fills this often")
                            SETTING("chain_ms", "1000", "600000", "90000",
                                    "how long the linked chain may take to tell a fill that the "
                                    "data API has") SETTING("account_ms", "1000", "86400000",
                                                            "30000",
                                                            "compare the account's orders and "
                                                            "trades with REST this often")
                                SETTING("trades_late_ms", "0", "3600000", "60000",
                                        "how late the data API may have a trade: missed ones "
                                        "are asked for after it; 0: never")
                                    SETTING("trades_audit_ms", "0", "86400000", "600000",
                                            "look once in so long whether all trades of a market "
                                            "were told; 0: never")
                                        SETTING("requests_per_second", "1", "70", "20",
                                                "REST requests in all") "}}}";

/* ---- for all files ---- */

void pm_log(struct pm *p, uint32_t level, const char *format, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    hawse_log(p->host, p->self, level, text);
}

void pm_complain(struct pm *p, const char *format, ...)
{
    char text[400];
    va_list ap;
    uint64_t now = pm_now(p);
    if (p->complaint_ns != 0 && now - p->complaint_ns < COMPLAIN_MS * MS_NS)
        return;
    p->complaint_ns = now;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    hawse_log(p->host, p->self, HAWSE_LOG_WARN, text);
}

void pm_add(struct pm *p, hawse_metric_t metric, int64_t n)
{
    if (n != 0)
        (void)p->metrics->add(p->host, p->self, metric, n);
}

uint64_t pm_now(const struct pm *p)
{
    return p->host->now(p->host, HAWSE_CLOCK_MONOTONIC);
}

bool pm_room(struct pm *p, uint64_t bytes)
{
    uint64_t cap = p->scratch_cap;
    while (cap < bytes)
        cap *= 2;
    if (cap == p->scratch_cap)
        return true;
    uint8_t *bigger = realloc(p->scratch, cap);
    if (!bigger)
        return false;
    p->scratch = bigger;
    p->scratch_cap = cap;
    return true;
}

bool pm_tx(hawse_view_t text, uint8_t out[32])
{
    if (text.len == 66 && hawse_hex_fixed(text.data, text.len, out, 32) == HAWSE_OK)
        return true;
    memset(out, 0, 32);
    return false;
}

uint32_t pm_side(hawse_view_t text)
{
    if (text.len == 3 && memcmp(text.data, "BUY", 3) == 0)
        return HAWSE_SIDE_BUY;
    if (text.len == 4 && memcmp(text.data, "SELL", 4) == 0)
        return HAWSE_SIDE_SELL;
    return HAWSE_SIDE_UNKNOWN;
}

/* ---- making ---- */

void pm_free(struct pm *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->asset_count; i++)
        book_finish(&p->assets[i].book);
    for (uint32_t i = 0; i < p->wallet_count; i++) {
        free(p->wallets[i].seen);
        free(p->wallets[i].told);
    }
    account_finish(p);
    book_finish(&p->stage);
    free(p->assets);
    free(p->conditions);
    free(p->wallets);
    free(p->asset_names.slots);
    free(p->condition_names.slots);
    free(p->wallet_names.slots);
    free(p->held);
    free(p->marks);
    free(p->scratch);
    free(p);
}

static uint32_t count_items(const hawse_json_t *doc, hawse_json_value_t *root, const char *key,
                            hawse_json_value_t *list)
{
    hawse_json_value_t item;
    uint32_t n = 0;
    if (hawse_json_get(doc, root, key, list) != HAWSE_OK)
        list->kind = 0;
    while (list->kind == HAWSE_JSON_ARRAY && hawse_json_next(doc, list, NULL, &item) == 1)
        n++;
    hawse_json_rewind(list);
    return n;
}

static int32_t add_wallet(struct pm *p, hawse_view_t address)
{
    struct wallet *w = &p->wallets[p->wallet_count];
    if (address.len != 42 || hawse_hex_fixed(address.data, 42, w->bytes + 12, 20) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    memcpy(w->id.text, "0x", 2);
    hawse_hex_encode(w->bytes + 12, 20, w->id.text + 2);
    w->id.len = 42;
    w->key = hawse_key(w->bytes, 32);
    w->watermark = w->newest = p->host->now(p->host, HAWSE_CLOCK_UTC) / 1000000000u;
    w->seen = calloc(SEEN_MAX, sizeof(w->seen[0]));
    w->told = calloc(TOLD_MAX, sizeof(w->told[0]));
    names_add(&p->wallet_names, p->wallet_count++);
    return w->seen && w->told ? HAWSE_OK : HAWSE_E_NOMEM;
}

static int32_t make_room(struct pm *p, uint32_t assets, uint32_t markets, uint32_t wallets)
{
    p->asset_cap = assets + 4 * markets; /* a market has two outcomes; new ones may replace them */
    p->condition_cap = assets + markets;
    p->assets = calloc(p->asset_cap + 1, sizeof(p->assets[0]));
    p->conditions = calloc(p->condition_cap + 1, sizeof(p->conditions[0]));
    p->wallets = calloc(wallets + 1, sizeof(p->wallets[0]));
    p->marks_cap = MARKS_FIRST;
    p->marks = malloc(MARKS_FIRST * sizeof(p->marks[0]));
    p->scratch_cap = SCRATCH_FIRST;
    p->scratch = malloc(SCRATCH_FIRST);
    bool good = p->assets && p->conditions && p->wallets && p->marks && p->scratch &&
                names_init(&p->asset_names, p->assets, sizeof(p->assets[0]), p->asset_cap) &&
                names_init(&p->condition_names, p->conditions, sizeof(p->conditions[0]),
                           p->condition_cap) &&
                names_init(&p->wallet_names, p->wallets, sizeof(p->wallets[0]), wallets);
    return good ? HAWSE_OK : HAWSE_E_NOMEM;
}

static uint32_t number(const hawse_json_t *doc, hawse_json_value_t *root, const char *key)
{
    hawse_json_value_t v;
    uint64_t n = 0;
    if (hawse_json_get(doc, root, key, &v) == HAWSE_OK)
        (void)hawse_json_u64(&v, &n);
    return (uint32_t)n;
}

static void read_numbers(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *root)
{
    p->set.per_connection = number(doc, root, "per_connection");
    p->set.ping_ms = number(doc, root, "ping_ms");
    p->set.pong_ms = number(doc, root, "pong_ms");
    p->set.dump_ms = number(doc, root, "dump_ms");
    p->set.audit_ms = number(doc, root, "audit_ms");
    p->set.poll_ms = number(doc, root, "poll_ms");
    p->set.chain_ms = number(doc, root, "chain_ms");
    p->set.account_ms = number(doc, root, "account_ms");
    p->set.trades_late_ms = number(doc, root, "trades_late_ms");
    p->set.trades_audit_ms = number(doc, root, "trades_audit_ms");
    p->set.requests_per_second = number(doc, root, "requests_per_second");
}

static int32_t add_all(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *assets,
                       hawse_json_value_t *markets, hawse_json_value_t *wallets)
{
    hawse_json_value_t v;
    int32_t code = HAWSE_OK;
    while (code == HAWSE_OK && assets->kind && hawse_json_next(doc, assets, NULL, &v) == 1)
        code = asset_add(p, (hawse_view_t){v.data, v.len}) == NONE ? HAWSE_E_FORMAT : HAWSE_OK;
    while (code == HAWSE_OK && markets->kind && hawse_json_next(doc, markets, NULL, &v) == 1) {
        uint32_t index = condition_add(p, (hawse_view_t){v.data, v.len});
        code = index == NONE ? HAWSE_E_FORMAT : HAWSE_OK;
        if (code == HAWSE_OK)
            p->conditions[index].wanted = true;
    }
    while (code == HAWSE_OK && wallets->kind && hawse_json_next(doc, wallets, NULL, &v) == 1)
        code = add_wallet(p, (hawse_view_t){v.data, v.len});
    return code;
}

static int32_t read_settings(struct pm *p, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t assets, markets, wallets, v;
    read_numbers(p, doc, root);
    uint32_t asset_count = count_items(doc, root, "assets", &assets);
    uint32_t market_count = count_items(doc, root, "markets", &markets);
    uint32_t wallet_count = count_items(doc, root, "wallets", &wallets);
    int32_t code = make_room(p, asset_count, market_count, wallet_count);
    if (code == HAWSE_OK)
        code = add_all(p, doc, &assets, &markets, &wallets);
    if (code == HAWSE_OK && hawse_json_get(doc, root, "account", &v) == HAWSE_OK && v.len > 0)
        code = account_init(p, (hawse_view_t){v.data, v.len});
    if (code == HAWSE_E_FORMAT)
        return hawse_fail(
            p->host, p->self, code, "an id in assets, markets or wallets is none",
            "token ids are decimal and below 2^256, markets 0x and 64 digits, wallets "
            "addresses");
    return code;
}

static int32_t read_config(struct pm *p, hawse_view_t config)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    uint32_t *marks = malloc((config.len + 2) * sizeof(marks[0]));
    int32_t code = text && marks ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        memcpy(text, config.data, config.len);
        code = hawse_json_index(&doc, text, config.len, marks, (uint32_t)config.len + 2);
    }
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = read_settings(p, &doc, &root);
    free(text);
    free(marks);
    return code;
}

static void declare_metrics(struct pm *p)
{
    const struct {
        hawse_metric_t *metric;
        uint32_t kind;
        const char *name, *help;
    } list[] = {
        {&p->count.messages, HAWSE_METRIC_COUNTER, "messages_total",
         "messages of the market channel"},
        {&p->count.malformed, HAWSE_METRIC_COUNTER, "malformed_total",
         "messages and rows that were none"},
        {&p->count.unknown, HAWSE_METRIC_COUNTER, "unknown_total", "messages of unknown kinds"},
        {&p->count.stale, HAWSE_METRIC_COUNTER, "stale_total", "messages older than the book"},
        {&p->count.checked, HAWSE_METRIC_COUNTER, "checked_total", "check values compared"},
        {&p->count.mismatches, HAWSE_METRIC_COUNTER, "mismatches_total",
         "check values that differed"},
        {&p->count.gaps, HAWSE_METRIC_COUNTER, "gaps_total", "books that were in doubt"},
        {&p->count.healed, HAWSE_METRIC_COUNTER, "healed_total", "books that are right again"},
        {&p->count.resyncs, HAWSE_METRIC_COUNTER, "resyncs_total", "whole books asked for"},
        {&p->count.silent, HAWSE_METRIC_COUNTER, "silent_total",
         "subscriptions found open but silent"},
        {&p->count.requests, HAWSE_METRIC_COUNTER, "requests_total", "REST requests"},
        {&p->count.failures, HAWSE_METRIC_COUNTER, "failures_total", "REST requests that failed"},
        {&p->count.fills, HAWSE_METRIC_COUNTER, "fills_total", "fills of watched wallets"},
        {&p->count.orders, HAWSE_METRIC_COUNTER, "own_orders_total", "states of own orders told"},
        {&p->count.trades, HAWSE_METRIC_COUNTER, "own_trades_total", "steps of own trades told"},
        {&p->count.doubts, HAWSE_METRIC_COUNTER, "own_silent_total",
         "times that REST knew what the user channel had not told"},
        {&p->count.late, HAWSE_METRIC_COUNTER, "late_trades_total",
         "trades that were not pushed, told late"},
        {&p->count.live, HAWSE_METRIC_GAUGE, "books_live", "books that are the venue's"},
    };
    hawse_view_t none = {NULL, 0};
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        (void)p->metrics->declare(p->host, p->self, list[i].kind, hawse_text(list[i].name),
                                  hawse_text(list[i].help), none, list[i].metric);
}

int32_t pm_make(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                struct pm **out)
{
    struct pm *p = calloc(1, sizeof(*p));
    if (!p)
        return HAWSE_E_NOMEM;
    p->host = host;
    p->self = self;
    p->sub = host->query(host, self, HAWSE_SUB_ID);
    p->streams = host->query(host, self, HAWSE_STREAM_ID);
    p->timers = host->query(host, self, HAWSE_TIMER_ID);
    p->http = host->query(host, self, HAWSE_HTTP_ID);
    p->sign = host->query(host, self, HAWSE_SIGN_ID);
    p->metrics = host->query(host, self, HAWSE_METRICS_ID);
    p->tell_first = p->tell_last = p->due_first = p->due_last = NONE;
    book_init(&p->stage);
    chain_init(p);
    int32_t code = read_config(p, config);
    if (code != HAWSE_OK) {
        pm_free(p);
        return code;
    }
    *out = p;
    return HAWSE_OK;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct pm *p = NULL;
    int32_t code = pm_make(host, self, config, &p);
    if (code != HAWSE_OK)
        return code;
    declare_metrics(p);
    code = chain_subscribe(p);
    if (code != HAWSE_OK) {
        pm_free(p);
        return code;
    }
    *state = p;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    pm_free(state);
}

static int32_t start(void *state)
{
    struct pm *p = state;
    p->filled_ns = pm_now(p);
    link_open(p);
    return p->timers->set(p->host, p->self, TICK_MS * MS_NS, TICK_MS * MS_NS, 0, &p->tick);
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    struct pm *p = state;
    (void)deadline_ns;
    if (!p->stopping)
        ask_cancel(p);
    p->stopping = true;
    return HAWSE_OK;
}

/* ---- events ---- */

static void on_event(struct pm *p, const hawse_event_t *event)
{
    switch (event->kind) {
    case HAWSE_HOST_HTTP_DONE:
        ask_answer(p, event);
        break;
    case HAWSE_HOST_TIMER:
        asset_check_due(p);
        link_tick(p);
        ask_tick(p);
        break;
    default:
        link_event(p, event);
    }
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct pm *p = state;
    for (uint32_t i = 0; i < n; i++) {
        if (!emit_flush(p)) /* what found no room before goes first */
            return (int32_t)i;
        if (events[i]->space == HAWSE_SPACE_HOST && !p->stopping)
            on_event(p, events[i]);
        else if (events[i]->space == HAWSE_SPACE_EVM)
            chain_event(p, events[i]);
    }
    (void)emit_flush(p); /* else with the next event, the timer's at the latest */
    return (int32_t)n;
}

static const void *query(const char *id)
{
    static const hawse_state_interface_t interface = {
        .size = sizeof(interface), .save = pm_save, .restore = pm_restore};
    return strcmp(id, HAWSE_STATE_ID) == 0 ? &interface : NULL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.polymarket",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
        .query = query,
    };
    (void)host;
    return &table;
}
