/*
 * Fills of watched wallets from the data API: the sample fills of either version of the API, pages
 * in any order and more than once, give each fill once; numbers of JSON are read exactly.
 */
#include "../../plugins/venues/polymarket/polymarket.h"
#include "harness.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the little of a host that is asked ---- */

static uint64_t host_now(const hawse_host_t *host, uint32_t clock)
{
    (void)host, (void)clock;
    return 1780449900ull * 1000000000u;
}

static void host_log(const hawse_host_t *host, hawse_instance_t self, uint32_t level,
                     hawse_view_t text)
{
    (void)host, (void)self, (void)level, (void)text;
}

static int32_t metric_add(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                          int64_t delta)
{
    (void)host, (void)self, (void)metric, (void)delta;
    return HAWSE_OK;
}

static const hawse_host_t host = {.size = sizeof(host), .now = host_now, .log = host_log};
static const hawse_metrics_service_t metrics = {.size = sizeof(metrics), .add = metric_add};
static struct pm pm;
static struct wallet wallet;
static uint64_t told[TOLD_MAX];
static json_t *sample;

static void begin(uint64_t watermark)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/vectors/polymarket-target-trades.json",
                   test_source_dir());
    sample = json_load_file(path, 0, NULL);
    CHECK(sample != NULL);
    memset(&pm, 0, sizeof(pm));
    memset(&wallet, 0, sizeof(wallet));
    pm.host = &host;
    pm.metrics = &metrics;
    pm.tell_first = pm.tell_last = pm.due_first = pm.due_last = NONE;
    pm.marks_cap = 64; /* grows */
    pm.marks = malloc(pm.marks_cap * sizeof(pm.marks[0]));
    memset(told, 0, sizeof(told));
    wallet.told = told;
    wallet.seen = calloc(SEEN_MAX, sizeof(wallet.seen[0]));
    wallet.watermark = wallet.newest = watermark;
}

static void end(void)
{
    json_decref(sample);
    free(pm.marks);
    free(pm.held);
    free(wallet.seen);
}

/* One answer with these rows, the last `pages` - 1 of them announcing another page. */
static bool page(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    size_t len = strlen(text);
    uint8_t *body = calloc(1, len + HAWSE_PADDING);
    memcpy(body, text, len);
    bool more = wallet_page(&pm, &wallet, body, len);
    free(body);
    free(text);
    return more;
}

/* Every fill of the sample was told `times` times, exactly, and nothing else. */
static void check_fills(uint32_t times)
{
    json_t *fills = json_object_get(sample, "fills"), *f;
    size_t i;
    bool *used = calloc(pm.held_count + 1, sizeof(bool));
    CHECK_EQ(pm.held_count, times * json_array_size(fills));
    json_array_foreach(fills, i, f)
    {
        uint8_t tx[32];
        const char *hash = json_string_value(json_object_get(f, "transaction_hash"));
        uint64_t shares = strtoull(json_string_value(json_object_get(f, "shares")), NULL, 10);
        uint64_t usd = strtoull(json_string_value(json_object_get(f, "usd")), NULL, 10);
        bool buy = strcmp(json_string_value(json_object_get(f, "side")), "BUY") == 0;
        uint32_t found = 0;
        CHECK_EQ(hawse_hex_fixed((const uint8_t *)hash, 66, tx, 32), HAWSE_OK);
        for (uint32_t k = 0; k < pm.held_count && found < times; k++) {
            const hawse_wallet_fill_t *t = &pm.held[k].record.fill;
            if (used[k] || memcmp(t->origin.tx_hash, tx, 32) != 0 || t->amount0.limb[0] != shares ||
                t->amount1.limb[0] != usd || (t->side == HAWSE_SIDE_BUY) != buy)
                continue;
            used[k] = true;
            found++;
        }
        if (found != times)
            FAIL("%s was told %u times, expected %u", hash, found, times);
    }
    free(used);
}

TEST(fills_v2, "an answer of the data API, asked for three times, tells each of its fills once")
{
    begin(1780448000);
    for (int i = 0; i < 3; i++)
        CHECK(!page(json_object_get(sample, "data_api_v2_trades")));
    check_fills(1);
    end();
}

TEST(fills_v1, "both versions of the API name the same fills")
{
    begin(1780448000);
    (void)page(json_object_get(sample, "data_api_v1_trades"));
    (void)page(json_object_get(sample, "data_api_v2_trades"));
    check_fills(1);
    end();
}

TEST(fills_any_order, "rows in any order, over pages and over growing answers, are told once each")
{
    json_t *rows, *taken, *answer, *cursor = json_string("bmV4dA==");
    for (int round = 0; round < 50; round++) {
        begin(1780448000);
        rows = json_copy(json_object_get(json_object_get(sample, "data_api_v2_trades"), "data"));
        for (size_t i = json_array_size(rows); i > 1; i--) { /* shuffled */
            size_t k = test_random() % i;
            json_t *a = json_incref(json_array_get(rows, i - 1));
            json_t *b = json_incref(json_array_get(rows, k));
            (void)json_array_set_new(rows, i - 1, b);
            (void)json_array_set_new(rows, k, a);
        }
        for (size_t upto = 3; upto <= 12; upto += 3) {
            for (size_t from = 0; from < upto;) { /* pages of one to five rows */
                size_t n = 1 + test_random() % 5;
                taken = json_array();
                for (; n > 0 && from < upto; n--, from++)
                    (void)json_array_append(taken, json_array_get(rows, from));
                answer = json_pack("{s:o,s:{s:O?}}", "data", taken, "pagination", "next_cursor",
                                   from < upto ? cursor : NULL);
                CHECK_EQ(page(answer), from < upto);
                json_decref(answer);
            }
        }
        check_fills(1);
        json_decref(rows);
        end();
    }
    json_decref(cursor);
}

TEST(fills_old, "what happened before the start is not told")
{
    begin(1780449100);
    (void)page(json_object_get(sample, "data_api_v2_trades"));
    for (uint32_t i = 0; i < pm.held_count; i++)
        CHECK(pm.held[i].record.fill.origin.block_timestamp >= 1780449100);
    CHECK(pm.held_count > 0 && pm.held_count < 12);
    end();
}

TEST(fills_gap, "two failures in a row are a gap, the next whole answer heals it")
{
    begin(1780448000);
    wallet_failed(&pm, &wallet);
    CHECK_EQ(pm.held_count, 0);
    wallet_failed(&pm, &wallet);
    wallet_failed(&pm, &wallet);
    CHECK_EQ(pm.held_count, 1);
    CHECK_EQ(pm.held[0].event.kind, HAWSE_STREAM_EVENT_GAP);
    (void)page(json_object_get(sample, "data_api_v2_trades"));
    CHECK_EQ(pm.held_count, 14);
    CHECK_EQ(pm.held[13].event.kind, HAWSE_STREAM_EVENT_HEALED);
    CHECK((pm.held[1].event.flags & HAWSE_EVENT_BACKFILLED) != 0);
    end();
}

TEST(fills_malformed, "rows that are none are counted and the others told; no array is a failure")
{
    static const char *const bodies[] = {
        "{}",          "[1,2]", "{\"data\":7}", "{\"data\":[{\"side\":\"BUY\"}]}",
        "{\"data\":[", "\"x\"", "[[[[]]]]"};
    begin(1);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        uint8_t body[128] = {0};
        memcpy(body, bodies[i], strlen(bodies[i]));
        (void)wallet_page(&pm, &wallet, body, strlen(bodies[i]));
    }
    for (uint32_t i = 0; i < pm.held_count; i++)
        CHECK(pm.held[i].event.space == HAWSE_SPACE_STREAM);
    end();
}

TEST(decimals, "numbers of JSON become integers exactly, half up, exponents included")
{
    static const struct {
        const char *text;
        uint32_t decimals;
        int32_t code;
        uint64_t value;
    } rows[] = {
        {"0", 6, 0, 0},
        {"1", 6, 0, 1000000},
        {"0.55", 6, 0, 550000},
        {"1.464786", 6, 0, 1464786},
        {"1.4647865", 6, 0, 1464787},
        {"1.46478649999", 6, 0, 1464786},
        {"0.7100013244", 12, 0, 710001324400},
        {"1e-05", 6, 0, 10},
        {"1E+3", 6, 0, 1000000000},
        {"4.9e-7", 6, 0, 0},
        {"5e-7", 6, 0, 1},
        {"1e-99", 6, 0, 0},
        {"0e99", 6, 0, 0},
        {"9223372036854.775807", 6, 0, 9223372036854775807u},
        {"9223372036854.775808", 6, HAWSE_E_RANGE, 0},
        {"1e99", 6, HAWSE_E_RANGE, 0},
        {"-1", 6, HAWSE_E_FORMAT, 0},
        {"", 6, HAWSE_E_FORMAT, 0},
        {".", 6, HAWSE_E_FORMAT, 0},
        {"1e", 6, HAWSE_E_FORMAT, 0},
        {"1.2.3", 6, HAWSE_E_FORMAT, 0},
        {"NaN", 6, HAWSE_E_FORMAT, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t n = 0;
        int32_t code = wallet_decimal(hawse_text(rows[i].text), rows[i].decimals, &n);
        if (code != rows[i].code || (code == HAWSE_OK && n != rows[i].value))
            FAIL("%s: %d, %llu", rows[i].text, code, (unsigned long long)n);
    }
}

/* ---- markets that are new ---- */

TEST(new_market,
     "a market that was made just now is told, outcome by outcome, once for each message")
{
    static const char text[] =
        "{\"id\":\"1\",\"question\":\"Will it?\",\"market\":"
        "\"0xabababababababababababababababababababababababababababababababab\","
        "\"assets_ids\":[\"1111\",\"2222\"],\"outcomes\":[\"Yes\",\"No\"],"
        "\"event_message\":{\"id\":\"2\"},\"timestamp\":\"1780449201385\","
        "\"event_type\":\"new_market\"}";
    static const uint16_t kinds[] = {HAWSE_MARKET_INFO, HAWSE_MARKET_STATE, HAWSE_MARKET_INFO,
                                     HAWSE_MARKET_STATE};
    static struct connection connection;
    uint8_t copy[1024] = {0};
    memcpy(copy, text, sizeof(text) - 1);
    hawse_event_t event = {.size = sizeof(event), .data = copy, .len = sizeof(text) - 1};
    begin(1);
    book_init(&pm.stage);
    feed_frame(&pm, &connection, &event);
    CHECK_EQ(pm.held_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct held *h = &pm.held[i];
        CHECK_EQ(h->event.kind, kinds[i]);
        CHECK_EQ_U64(h->event.t_source_ns, 1780449201385000000u);
    }
    CHECK_EQ(pm.held[0].record.info.group[31], 0xab);
    CHECK_EQ(pm.held[2].record.info.market[31], 2222 % 256);
    CHECK_EQ(pm.held[3].record.state.state, HAWSE_MARKET_OPEN);
    CHECK_EQ(pm.held[3].record.state.market[30], 2222 / 256);
    memcpy(copy + (strstr(text, "2222") - text), "22 2", 4); /* no token */
    pm.held_count = 0;
    feed_frame(&pm, &connection, &event);
    CHECK_EQ(pm.held_count, 2);
    book_finish(&pm.stage);
    end();
}

/* ---- from the chain ---- */

static hawse_wallet_fill_t fills[16];
static uint32_t fill_count;

/* One log in eth_getLogs' form, as the chain instance tells it. */
static void take_log(const json_t *log)
{
    union {
        hawse_evm_log_t head;
        uint8_t bytes[sizeof(hawse_evm_log_t) + 1024];
    } r;
    uint64_t len = 0;
    size_t i;
    json_t *topic;
    const char *data = json_string_value(json_object_get(log, "data"));
    const char *address = json_string_value(json_object_get(log, "address"));
    memset(&r, 0, sizeof(r));
    r.head.size = sizeof(r.head);
    r.head.data_offset = sizeof(r.head);
    r.head.chain_id = 137;
    r.head.log_index =
        (uint32_t)strtoul(json_string_value(json_object_get(log, "logIndex")), NULL, 16);
    CHECK_EQ(
        hawse_hex_data((const uint8_t *)data, strlen(data), r.bytes + sizeof(r.head), 1024, &len),
        HAWSE_OK);
    r.head.data_len = (uint32_t)len;
    CHECK_EQ(hawse_hex_fixed((const uint8_t *)address, 42, r.head.address, 20), HAWSE_OK);
    json_array_foreach(json_object_get(log, "topics"), i, topic)
    {
        const char *hex = json_string_value(topic);
        CHECK_EQ(hawse_hex_fixed((const uint8_t *)hex, 66, r.head.topics[i], 32), HAWSE_OK);
        r.head.topic_count++;
    }
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_LOG,
                           .data = r.bytes,
                           .len = sizeof(r.head) + len};
    uint32_t before = pm.held_count;
    chain_event(&pm, &event);
    for (; before < pm.held_count; before++)
        fills[fill_count++] = pm.held[before].record.fill;
}

#define TEXT_OF(key) json_string_value(json_object_get(want, key))

static void check_trade(const json_t *want, const hawse_wallet_fill_t *got)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    hawse_u256_t token;
    hawse_u256_from_be(got->market, &token);
    (void)hawse_u256_decimal(&token, text);
    CHECK_STR(text, TEXT_OF("token_id"));
    (void)hawse_u256_decimal(&got->amount0, text);
    CHECK_STR(text, TEXT_OF("shares"));
    (void)hawse_u256_decimal(&got->amount1, text);
    CHECK_STR(text, TEXT_OF("usd"));
    (void)hawse_u256_decimal(&got->fee, text);
    CHECK_STR(text, TEXT_OF("fee"));
    CHECK_STR(got->side == HAWSE_SIDE_BUY ? "BUY" : "SELL", TEXT_OF("side"));
    CHECK_STR(got->role == HAWSE_ROLE_TAKER ? "TAKER" : "MAKER", TEXT_OF("role"));
    CHECK_EQ(got->origin.log_index, json_integer_value(json_object_get(want, "log_index")));
}

TEST(chain_vectors, "the exchanges' logs give the target's trades, in both roles, of all versions")
{
    char path[512];
    size_t i, k;
    json_t *tx, *log, *want;
    uint32_t trades = 0;
    begin(1);
    pm.wallets = &wallet;
    pm.wallet_count = 1;
    (void)snprintf(path, sizeof(path), "%s/vectors/polymarket-event-logs.json", test_source_dir());
    json_t *vectors = json_load_file(path, 0, NULL);
    const json_t *topics = json_object_get(vectors, "topic0");
    static const char *const names[2] = {"OrderFilledV2", "OrderFilledV1"};
    for (int t = 0; t < 2; t++) {
        uint8_t topic[32];
        const char *hex = json_string_value(json_object_get(topics, names[t]));
        CHECK_EQ(hawse_hex_fixed((const uint8_t *)hex, 66, topic, 32), HAWSE_OK);
        chain_topic(t, pm.fill_topics[t]);
        CHECK_MEM(pm.fill_topics[t], topic, 32);
    }
    const char *target = json_string_value(json_object_get(vectors, "target"));
    CHECK_EQ(hawse_hex_fixed((const uint8_t *)target, 42, wallet.bytes + 12, 20), HAWSE_OK);
    json_array_foreach(json_object_get(vectors, "transactions"), i, tx)
    {
        json_t *expected = json_object_get(tx, "expected_trades_of_target");
        fill_count = 0;
        json_array_foreach(json_object_get(tx, "logs"), k, log)
        {
            take_log(log);
        }
        if (fill_count != json_array_size(expected))
            FAIL("%s: %u trades", json_string_value(json_object_get(tx, "id")), fill_count);
        json_array_foreach(expected, k, want)
        {
            check_trade(want, &fills[k]);
        }
        trades += fill_count;
    }
    CHECK_EQ(trades, 6);
    json_decref(vectors);
    end();
}

TEST(chain_first, "what the chain told the API does not tell again, what it did not tell it does")
{
    json_t *rows, *row;
    uint8_t tx[32];
    size_t i;
    uint32_t by_chain = 0;
    begin(1780448000);
    pm.chain = true;
    pm.set.chain_ms = 90000;
    rows = json_object_get(json_object_get(sample, "data_api_v2_trades"), "data");
    for (int pass = 0; pass < 2; pass++) {
        json_array_foreach(rows, i, row)
        {
            const char *hash = json_string_value(json_object_get(row, "transaction_hash"));
            CHECK_EQ(hawse_hex_fixed((const uint8_t *)hash, 66, tx, 32), HAWSE_OK);
            if (pass == 0 && i % 2 == 0)
                wallet.told[wallet.told_next++] = hawse_key(tx, 32);
            by_chain += pass == 1 && chain_told(&wallet, tx);
        }
    }
    (void)page(json_object_get(sample, "data_api_v2_trades"));
    (void)page(json_object_get(sample, "data_api_v2_trades"));
    CHECK_EQ(pm.held_count, 12 - by_chain);
    CHECK(by_chain >= 6 && by_chain < 12);
    end();
}
