/*
 * Trades that were not pushed: asked for once the data API can have them, told once each and
 * marked, between the gap and its end; what was pushed is not told again.
 */
#include "../../plugins/venues/polymarket/polymarket.h"
#include "harness.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000ull
enum { BEGUN_S = 1780449000, LATE_MS = 60000 };

static uint64_t now_ns; /* since BEGUN_S */
static char asked[PATH_CAP];
static int32_t http_code;
static uint32_t questions;

static uint64_t host_now(const hawse_host_t *host, uint32_t clock)
{
    (void)host;
    return clock == HAWSE_CLOCK_UTC ? BEGUN_S * SECOND_NS + now_ns : SECOND_NS + now_ns;
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

static int32_t http_call(const hawse_host_t *host, hawse_instance_t self,
                         const hawse_http_call_t *call, hawse_request_t *request)
{
    (void)host, (void)self;
    (void)snprintf(asked, sizeof(asked), "%.*s", (int)call->path.len,
                   (const char *)call->path.data);
    *request = ++questions;
    return http_code;
}

static const hawse_host_t host = {.size = sizeof(host), .now = host_now, .log = host_log};
static const hawse_metrics_service_t metrics = {.size = sizeof(metrics), .add = metric_add};
static const hawse_http_service_t http = {.size = sizeof(http), .call = http_call};
static struct pm pm;
static struct asset assets[2];
static struct condition condition;
static struct condition pair[2] = {{.id = {"0xc0", 4}}, {.id = {"0xc1", 4}}};
static const char *const ids[2] = {"7", "8"};

static void begin(void)
{
    memset(&pm, 0, sizeof(pm));
    memset(assets, 0, sizeof(assets));
    now_ns = questions = 0;
    http_code = HAWSE_OK;
    pm.host = &host;
    pm.metrics = &metrics;
    pm.http = &http;
    pm.set.trades_late_ms = LATE_MS;
    pm.tokens = UINT32_MAX;
    pm.marks_cap = 64; /* grows */
    pm.marks = malloc(pm.marks_cap * sizeof(pm.marks[0]));
    pm.assets = assets;
    pm.conditions = &condition;
    memset(&condition, 0, sizeof(condition));
    (void)snprintf(condition.id.text, sizeof(condition.id.text), "0xc0");
    condition.id.len = 4;
    CHECK(names_init(&pm.asset_names, assets, sizeof(assets[0]), 2));
    for (uint32_t i = 0; i < 2; i++) {
        struct asset *a = &assets[i];
        memcpy(a->id.text, ids[i], 2);
        a->id.len = 1;
        a->market[31] = (uint8_t)(7 + i);
        a->key = 70 + i;
        a->ts = BEGUN_S * 1000ull - 500;
        names_add(&pm.asset_names, pm.asset_count++);
    }
}

static void end(void)
{
    free(pm.marks);
    free(pm.held);
    free(pm.asset_names.slots);
}

/* A trade with this number is pushed; false: it was told before. */
static bool push(uint32_t asset, uint32_t n, uint64_t ms)
{
    hawse_market_trade_t trade = {.size = sizeof(trade), .price_mantissa = 400000};
    for (int i = 0; i < 4; i++)
        trade.origin.tx_hash[31 - i] = (uint8_t)(n >> 8 * i);
    return missed_pushed(&pm, &assets[asset], &trade, BEGUN_S * 1000ull + ms);
}

static void pass(uint64_t seconds)
{
    now_ns += seconds * SECOND_NS;
    missed_tick(&pm, host_now(&host, HAWSE_CLOCK_MONOTONIC));
}

static char rows[2048];
static int rows_len;

/* Adds to the next answer: trade `n` of an asset, so many seconds after the beginning. */
static void row(const char *token, int n, int at_s)
{
    rows_len += snprintf(rows + rows_len, sizeof(rows) - (size_t)rows_len,
                         "%s{\"side\":\"BUY\",\"token_id\":\"%s\",\"size\":2.5,\"price\":0.4,"
                         "\"timestamp\":%d,\"transaction_hash\":\"0x%064x\"}",
                         rows_len > 0 ? "," : "", token, BEGUN_S + at_s, (unsigned)n);
}

/* True: another page is wanted. */
static bool answer(const char *cursor)
{
    static char body[4096 + HAWSE_PADDING];
    int n = snprintf(body, sizeof(body), "{\"data\":[%s],\"pagination\":{\"next_cursor\":%s}}",
                     rows, cursor);
    rows_len = 0;
    rows[0] = '\0';
    pm.missed.asking = false;
    return missed_page(&pm, 0, (const uint8_t *)body, (uint64_t)n);
}

static uint32_t told(uint16_t space, uint16_t kind, uint64_t key)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pm.held_count; i++)
        n += pm.held[i].event.space == space && pm.held[i].event.kind == kind &&
             pm.held[i].event.key == key;
    return n;
}

static void lose_and_find_again(void)
{
    for (uint32_t i = 0; i < 2; i++)
        missed_begin(&pm, &assets[i], HAWSE_REASON_DISCONNECTED);
    now_ns += 5 * SECOND_NS;
    for (uint32_t i = 0; i < 2; i++)
        missed_live(&pm, &assets[i]);
}

TEST(healed,
     "a market's missed trades are told once the data API can have them, and then it is healed")
{
    begin();
    CHECK(push(0, 2, 100));
    lose_and_find_again();
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 70), 1);
    pass(LATE_MS / 1000 - 1);
    CHECK_EQ(questions, 0);
    pass(1);
    CHECK_EQ(questions, 1);
    CHECK_STR(asked, "/v2/trades?condition=0xc0&taker_only=true&filter_amount=0&limit=1000&start="
                     "1780448989");
    pass(1); /* one question at a time */
    CHECK_EQ(questions, 1);
    row("7", 4, 90); /* long after: pushed, surely */
    row("7", 1, 3);
    row("7", 2, 1); /* pushed before */
    row("9", 5, 1); /* of nobody */
    CHECK(answer("\"more\""));
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 70), 0);
    pass(1);
    CHECK_EQ(questions, 2);
    CHECK(strstr(asked, "&cursor=more") != NULL);
    row("8", 1, 3);
    CHECK(!answer("null"));
    for (uint64_t key = 70; key < 72; key++) {
        CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, key), 1);
        CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, key), 1);
    }
    const struct held *h = &pm.held[2];
    CHECK_EQ(h->event.flags, HAWSE_EVENT_BACKFILLED);
    CHECK_EQ_U64(h->event.t_source_ns, (BEGUN_S + 3) * SECOND_NS);
    CHECK_EQ_U64(h->record.trade.price_mantissa, 400000);
    CHECK_EQ_U64(h->record.trade.amount1.limb[0], 1000000);
    CHECK_EQ(h->record.trade.side, HAWSE_SIDE_BUY);
    pass(100);
    CHECK_EQ(questions, 2);
    end();
}

TEST(same_transaction, "rows of one transaction are all told, and not again by a later answer")
{
    begin();
    lose_and_find_again();
    pass(LATE_MS / 1000);
    row("7", 1, 3);
    row("7", 1, 3);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, 70), 2);
    lose_and_find_again();
    pass(LATE_MS / 1000);
    CHECK_EQ(questions, 2);
    row("7", 1, 3);
    row("7", 1, 3);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, 70), 2);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 70), 2);
    end();
}

TEST(pushed_meanwhile, "what is pushed while the question is on its way is not told by its answer")
{
    begin();
    lose_and_find_again();
    pass(LATE_MS / 1000);
    CHECK(push(0, 1, 3000));
    row("7", 1, 3);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, 70), 0);
    end();
}

TEST(lost_again, "a connection lost again before the answer leaves its gap open")
{
    begin();
    lose_and_find_again();
    pass(LATE_MS / 1000);
    missed_begin(&pm, &assets[0], HAWSE_REASON_DISCONNECTED);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 70), 0);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 71), 1);
    missed_live(&pm, &assets[0]);
    pass(LATE_MS / 1000);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 70), 1);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 70), 1);
    end();
}

TEST(unhealable, "it is unhealable when nobody answers, when the question is refused, or not asked")
{
    begin();
    http_code = HAWSE_E_NOTFOUND; /* no endpoint */
    lose_and_find_again();
    pass(LATE_MS / 1000);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 70), 0);
    for (int i = 0; i < 4; i++)
        pass(5);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 70), 1);
    http_code = HAWSE_OK;
    lose_and_find_again();
    pass(LATE_MS / 1000);
    pm.missed.asking = false;
    missed_failed(&pm, 0, true);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 70), 2);
    pm.set.trades_late_ms = 0;
    lose_and_find_again();
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 70), 3);
    CHECK_EQ(pm.missed.open, 0);
    end();
}

TEST(forgotten, "it is unhealable when more was pushed since than is remembered")
{
    begin();
    lose_and_find_again();
    for (uint32_t i = 0; i <= RECENT_MAX; i++)
        CHECK(push(1, i, 6000));
    pass(LATE_MS / 1000);
    row("7", 99, 3);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, 70), 0);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 70), 1);
    end();
}

TEST(repeated, "a frame that comes again tells no trade again; two equal matches are two trades")
{
    begin();
    CHECK(push(0, 1, 100));
    CHECK(push(0, 1, 100)); /* before the book that they make */
    assets[0].ts = BEGUN_S * 1000ull + 100;
    CHECK(!push(0, 1, 100));
    CHECK(push(0, 2, 100));
    CHECK(push(1, 1, 100));
    end();
}

/* The audit's turn, LATE_MS and more after an asset's book was right for the first time. */
static void audit(uint64_t seconds)
{
    now_ns += seconds * SECOND_NS;
    missed_audit(&pm, host_now(&host, HAWSE_CLOCK_MONOTONIC));
}

static void begin_audits(void)
{
    begin();
    pm.condition_count = 1;
    pm.set.trades_audit_ms = 300000;
    for (uint32_t i = 0; i < 2; i++)
        missed_live(&pm, &assets[i]);
    audit(0);
    CHECK_EQ(questions, 0);
    audit(299);
    CHECK_EQ(questions, 0);
}

TEST(audited, "a trade that was not told though nothing seemed lost is found, told once, healed")
{
    begin_audits();
    CHECK(push(0, 2, 100000));
    audit(1);
    CHECK_EQ(questions, 1);
    CHECK(strstr(asked, "condition=0xc0") != NULL);
    row("7", 5, 290); /* may be on its way */
    row("7", 1, 120);
    row("7", 2, 101);
    row("7", 3, 20); /* before it was followed, by the time of its match */
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 70), 1);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 71), 0);
    CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, 70), 0);
    pass(LATE_MS / 1000);
    CHECK_EQ(questions, 2);
    row("7", 1, 120);
    row("7", 2, 101);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, 70), 1);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 70), 1);
    audit(300);
    CHECK_EQ(questions, 3);
    row("7", 1, 120);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 70), 1);
    audit(300);
    CHECK(strstr(asked, "&start=1780449600") != NULL); /* what the last one could not have */
    end();
}

TEST(audit_fails, "an audit that fails ends no gap and is held again since the same time")
{
    begin_audits();
    audit(1);
    CHECK_EQ(questions, 1);
    pm.missed.asking = false;
    missed_failed(&pm, 0, false);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 70), 0);
    CHECK_EQ_U64(condition.audited_ms, (BEGUN_S - 60) * 1000ull);
    audit(299);
    CHECK_EQ(questions, 1);
    http_code = HAWSE_E_NOTFOUND; /* no endpoint */
    audit(1);
    CHECK_EQ(questions, 2);
    http_code = HAWSE_OK;
    audit(3599);
    CHECK_EQ(questions, 2);
    audit(1);
    CHECK_EQ(questions, 3);
    CHECK_EQ_U64(condition.audited_ms, (BEGUN_S - 60) * 1000ull);
    end();
}

TEST(audit_in_gap, "what an audit met inside a gap is looked at again by the next one")
{
    begin_audits();
    now_ns -= SECOND_NS;
    missed_begin(&pm, &assets[0], HAWSE_REASON_DISCONNECTED);
    assets[0].lost.from_ms = BEGUN_S * 1000ull + 200000;
    audit(2);
    row("7", 1, 120);
    CHECK(!answer("null"));
    CHECK_EQ_U64(condition.audited_ms, (BEGUN_S - 60) * 1000ull);
    missed_live(&pm, &assets[0]);
    pass(LATE_MS / 1000);
    row("7", 1, 120);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, 70), 0);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 70), 1);
    audit(300);
    row("7", 1, 120);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 70), 2);
    CHECK_EQ_U64(condition.audited_ms, (BEGUN_S - 60) * 1000ull);
    end();
}

TEST(nameless, "where trades come without their transaction nothing can be said to be missing")
{
    begin_audits();
    assets[0].nameless = true;
    audit(1);
    row("7", 1, 120);
    row("8", 1, 120);
    CHECK(!answer("null"));
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 70), 0);
    CHECK_EQ(told(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 71), 1);
    end();
}

TEST(pages, "the pages of one market are asked for to the last, whatever is due meanwhile")
{
    begin();
    missed_begin(&pm, &assets[1], HAWSE_REASON_DISCONNECTED);
    missed_live(&pm, &assets[1]);
    assets[1].condition = 1;
    pm.conditions = pair;
    pass(LATE_MS / 1000);
    CHECK(strstr(asked, "condition=0xc1") != NULL);
    missed_begin(&pm, &assets[0], HAWSE_REASON_DISCONNECTED);
    missed_live(&pm, &assets[0]);
    pm.missed.asking = false;
    memcpy(pm.missed.cursor, "more", 5);
    pass(LATE_MS / 1000);
    CHECK(strstr(asked, "condition=0xc1") != NULL);
    CHECK(strstr(asked, "&cursor=more") != NULL);
    end();
}
