/*
 * The account: the sample frames of the user channel and REST's answers give each state of an order
 * and each step of a trade once, whatever comes twice, late or out of order; a channel that was
 * down or silent is a gap that heals.
 */
#include "../../plugins/venues/polymarket/polymarket.h"
#include "harness.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OWNER   "9180014b-33c8-9240-a14b-bdca11c0a465"
#define NO_ROWS "{\"limit\":500,\"count\":0,\"next_cursor\":\"LTE=\",\"data\":[]}"

/* ---- the little of a host that is asked ---- */

static struct {
    uint64_t now;
    uint32_t logins, reconnects, asked, sessions;
    bool no_session; /* the host has to log in by a wallet's key before */
    char path[1024];
} world;

static uint64_t host_now(const hawse_host_t *host, uint32_t clock)
{
    (void)host;
    return clock == HAWSE_CLOCK_UTC ? 1780449000ull * 1000000000u + world.now : world.now;
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

static int32_t send_text(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                         uint32_t kind, hawse_view_t payload)
{
    (void)host, (void)self, (void)stream, (void)kind, (void)payload;
    return HAWSE_OK;
}

static int32_t reconnect(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                         hawse_view_t reason)
{
    (void)host, (void)self, (void)stream, (void)reason;
    world.reconnects++;
    return HAWSE_OK;
}

static int32_t channel_state(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t c,
                             uint32_t state)
{
    (void)host, (void)self, (void)c, (void)state;
    return HAWSE_OK;
}

static int32_t touch(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t c, uint64_t n)
{
    (void)host, (void)self, (void)c, (void)n;
    return HAWSE_OK;
}

static int32_t sign_http(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                         const hawse_http_call_t *call, hawse_request_t *request)
{
    (void)host, (void)self;
    CHECK(credential.len == 2 && memcmp(credential.data, "me", 2) == 0);
    (void)snprintf(world.path, sizeof(world.path), "%.*s", (int)call->path.len,
                   (const char *)call->path.data);
    *request = ++world.asked;
    return HAWSE_OK;
}

static int32_t sign_send(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                         hawse_stream_t stream, hawse_view_t text)
{
    (void)host, (void)self, (void)credential, (void)stream;
    CHECK(memmem(text.data, text.len, "\"$credential\"", 13) != NULL);
    if (world.no_session)
        return HAWSE_E_STATE;
    world.logins++;
    return HAWSE_OK;
}

static int32_t sign_login(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t endpoint, uint64_t tag, hawse_request_t *request)
{
    (void)host, (void)self, (void)credential, (void)endpoint, (void)tag;
    world.sessions++;
    *request = ++world.asked;
    return HAWSE_OK;
}

static int32_t sign_names(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t text)
{
    (void)host, (void)self, (void)credential;
    return text.len == strlen(OWNER) && memcmp(text.data, OWNER, text.len) == 0;
}

static const hawse_host_t host = {.size = sizeof(host), .now = host_now, .log = host_log};
static const hawse_metrics_service_t metrics = {.size = sizeof(metrics), .add = metric_add};
static const hawse_stream_service_t streams = {.size = sizeof(streams),
                                               .send = send_text,
                                               .reconnect = reconnect,
                                               .touch = touch,
                                               .channel_state = channel_state};
static const hawse_sign_service_t sign = {.size = sizeof(sign),
                                          .http = sign_http,
                                          .send = sign_send,
                                          .names = sign_names,
                                          .login = sign_login};
static struct pm pm;
static char **frames;
static size_t frame_count;

static void begin(void)
{
    char path[512], *line = NULL;
    size_t cap = 0;
    (void)snprintf(path, sizeof(path), "%s/vectors/polymarket-user-channel.ndjson",
                   test_source_dir());
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    frames = NULL;
    frame_count = 0;
    while (getline(&line, &cap, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        frames = realloc(frames, (frame_count + 1) * sizeof(frames[0]));
        frames[frame_count++] = strdup(line);
    }
    free(line);
    (void)fclose(f);
    CHECK(frame_count == 16);
    memset(&world, 0, sizeof(world));
    world.now = 1000 * MS_NS;
    memset(&pm, 0, sizeof(pm));
    pm.host = &host;
    pm.metrics = &metrics;
    pm.streams = &streams;
    pm.sign = &sign;
    pm.set.account_ms = 30000;
    pm.set.ping_ms = 10000;
    pm.set.pong_ms = 60000;
    pm.tell_first = pm.tell_last = pm.due_first = pm.due_last = NONE;
    pm.marks_cap = 64; /* grows */
    pm.marks = malloc(pm.marks_cap * sizeof(pm.marks[0]));
    pm.tokens = 1000000000;
    CHECK_EQ(account_init(&pm, hawse_text("me")), HAWSE_OK);
    pm.account.stream = 1;
    pm.account.channel = 1;
}

static void end(void)
{
    for (size_t i = 0; i < frame_count; i++)
        free(frames[i]);
    free(frames);
    free(pm.marks);
    free(pm.held);
    account_finish(&pm);
}

static void push(const char *text)
{
    uint8_t *copy = calloc(1, strlen(text) + HAWSE_PADDING);
    memcpy(copy, text, strlen(text));
    hawse_event_t event = {.size = sizeof(event), .data = copy, .len = strlen(text)};
    account_frame(&pm, &event);
    free(copy);
}

static void pass(uint64_t ms)
{
    world.now += ms * MS_NS;
    account_tick(&pm, pm_now(&pm));
}

/* What was asked last is answered. */
static void reply(uint32_t http_status, const char *text)
{
    CHECK(pm.account.scan.asking);
    uint8_t *copy = calloc(1, strlen(text) + HAWSE_PADDING);
    memcpy(copy, text, strlen(text));
    hawse_host_http_done_t done = {.size = sizeof(done),
                                   .status = http_status / 100 == 2 ? HAWSE_OK : HAWSE_E_REMOTE,
                                   .http_status = http_status,
                                   .body_len = strlen(text)};
    memset(pm.slots, 0, sizeof(pm.slots)); /* as ask.c does */
    pm.slots_used = 0;
    account_answer(&pm, &done, copy);
    free(copy);
    account_tick(&pm, pm_now(&pm));
}

static uint32_t kinds(uint16_t space, uint16_t kind)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < pm.held_count; i++)
        n += pm.held[i].event.space == space && pm.held[i].event.kind == kind;
    return n;
}

/* Logged in, and everything known: nothing. */
static void begin_live(void)
{
    begin();
    account_state(&pm, HAWSE_STREAM_OPEN);
    push("PONG");
    pass(50);
    reply(200, NO_ROWS);
    reply(200, NO_ROWS);
    CHECK(pm.account.known && !pm.account.gap && world.logins == 1);
}

/* A page of REST with these frames as rows. */
static char *page_of(const char *const *rows, size_t count)
{
    size_t cap = 65536, n = 0;
    char *text = calloc(1, cap);
    n += (size_t)snprintf(text, cap, "{\"next_cursor\":\"LTE=\",\"data\":[");
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(text + n, cap - n, "%s%s", i ? "," : "", rows[i]);
    (void)snprintf(text + n, cap - n, "]}");
    return text;
}

static void check_sample(void)
{
    static const struct {
        uint16_t kind;
        uint32_t state; /* of an order, or the settlement of a trade */
        uint64_t filled;
        uint32_t role;
    } want[] = {
        {HAWSE_WALLET_ORDER, HAWSE_ORDER_OPEN, 0, 0},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_MATCHED, 6010000, HAWSE_ROLE_TAKER},
        {HAWSE_WALLET_ORDER, HAWSE_ORDER_FILLED, 6010000, 0},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_MINED, 6010000, HAWSE_ROLE_TAKER},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_CONFIRMED, 6010000, HAWSE_ROLE_TAKER},
        {HAWSE_WALLET_ORDER, HAWSE_ORDER_OPEN, 0, 0},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_MATCHED, 4000000, HAWSE_ROLE_MAKER},
        {HAWSE_WALLET_ORDER, HAWSE_ORDER_OPEN, 4000000, 0},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_MINED, 4000000, HAWSE_ROLE_MAKER},
        {HAWSE_WALLET_ORDER, HAWSE_ORDER_CANCELED, 4000000, 0},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_CONFIRMED, 4000000, HAWSE_ROLE_MAKER},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_MATCHED, 9090000, HAWSE_ROLE_TAKER},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_RETRYING, 9090000, HAWSE_ROLE_TAKER},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_FAILED, 9090000, HAWSE_ROLE_TAKER},
        {HAWSE_WALLET_ORDER, HAWSE_ORDER_CANCELED, 0, 0},
        {HAWSE_WALLET_ORDER, HAWSE_ORDER_OPEN, 0, 0},
        {HAWSE_WALLET_TRADE, HAWSE_TRADE_MATCHED, 1000000, HAWSE_ROLE_MAKER},
    };
    CHECK_EQ(pm.held_count, sizeof(want) / sizeof(want[0]));
    for (uint32_t i = 0; i < pm.held_count; i++) {
        const struct held *h = &pm.held[i];
        bool order = want[i].kind == HAWSE_WALLET_ORDER;
        CHECK_EQ(h->event.kind, want[i].kind);
        CHECK_EQ(order ? h->record.order.state : h->record.own.settlement, want[i].state);
        CHECK_EQ_U64(order ? h->record.order.filled.limb[0] : h->record.own.amount0.limb[0],
                     want[i].filled);
        CHECK_EQ(order ? 0 : h->record.own.role, want[i].role);
    }
}

TEST(account_sample, "the sample frames give every state of an order and step of a trade, exactly")
{
    begin_live();
    for (size_t i = 0; i < frame_count; i++)
        push(frames[i]);
    check_sample();
    const hawse_wallet_order_t *first = &pm.held[0].record.order;
    CHECK_EQ(first->flags, HAWSE_ORDER_QUOTE_SIZE); /* dollars of a market order */
    CHECK_EQ_U64(first->original.limb[0], 4990000);
    CHECK_EQ_U64(pm.held[2].record.order.original.limb[0], 6010000);
    CHECK_EQ(pm.held[2].record.order.flags, 0);
    CHECK_EQ(first->kind, HAWSE_ORDER_FAK);
    const hawse_wallet_trade_t *own = &pm.held[6].record.own; /* as maker: the part that is ours */
    CHECK_EQ(own->side, HAWSE_SIDE_BUY);
    CHECK_EQ_U64(own->price_mantissa, 550000);
    CHECK_EQ_U64(own->amount1.limb[0], 2200000);
    CHECK(own->order[0] == 0x37 && own->order[1] == 0x30);
    CHECK_EQ_U64(own->matched_s, 1780449207);
    end();
}

TEST(account_twice, "frames that come twice, or after later ones, change nothing")
{
    begin_live();
    for (size_t i = 0; i < frame_count; i++) {
        push(frames[i]);
        for (size_t k = 0; k <= i; k++)
            push(frames[k]);
    }
    check_sample();
    end();
}

TEST(account_gap,
     "what happened while the channel was down is told late, once, between gap and healed")
{
    begin_live();
    for (size_t i = 0; i < 6; i++)
        push(frames[i]);
    uint32_t told = pm.held_count;
    account_state(&pm, HAWSE_STREAM_CLOSED);
    account_state(&pm, HAWSE_STREAM_CLOSED);
    CHECK_EQ(pm.held_count, told + 1);
    CHECK_EQ(pm.held[told].event.kind, HAWSE_STREAM_EVENT_GAP);
    account_state(&pm, HAWSE_STREAM_OPEN);
    pass(50);
    CHECK(!pm.account.scan.asking); /* the login may not have been read yet */
    push("PONG");
    pass(50);
    CHECK(strstr(world.path, "/data/orders?next_cursor=MA%3D%3D"));
    reply(200, NO_ROWS); /* the order that rested is not listed any more */
    CHECK(strstr(world.path, "/data/trades?after="));
    const char *rows[] = {frames[10], frames[4]};
    char *page = page_of(rows, 2);
    reply(200, page);
    free(page);
    CHECK(strstr(world.path, "/data/order/0x373002"));
    reply(200, frames[9]);
    CHECK(!pm.account.gap);
    CHECK_EQ(pm.held_count, told + 4);
    CHECK_EQ(pm.held[told + 1].record.own.settlement, HAWSE_TRADE_CONFIRMED);
    CHECK_EQ(pm.held[told + 2].record.order.state, HAWSE_ORDER_CANCELED);
    CHECK_EQ(pm.held[told + 3].event.kind, HAWSE_STREAM_EVENT_HEALED);
    CHECK(pm.held[told + 1].event.flags & HAWSE_EVENT_BACKFILLED);
    push(frames[6]); /* pushes from before come late: they are no news */
    push(frames[9]);
    CHECK_EQ(pm.held_count, told + 4);
    end();
}

TEST(account_final, "what ended stays ended, whatever comes later")
{
    static const char *const later[][2] = {
        {"\"status\":\"FAILED\"", "\"status\":\"MINED\" "},
        {"\"last_update\":\"1780449230\"", "\"last_update\":\"1780449999\""}};
    begin_live();
    for (size_t i = 0; i < frame_count; i++)
        push(frames[i]);
    char *frame = strdup(frames[13]);
    for (int i = 0; i < 2; i++) {
        char *at = strstr(frame, later[i][0]);
        CHECK(at && strlen(later[i][0]) == strlen(later[i][1]));
        memcpy(at, later[i][1], strlen(later[i][1]));
    }
    push(frame);
    free(frame);
    check_sample();
    end();
}

TEST(account_again, "a connection that is lost while REST is asked is not healed by those answers")
{
    begin_live();
    push(frames[5]);
    for (int i = 0; i < 2; i++) {
        account_state(&pm, HAWSE_STREAM_CLOSED);
        account_state(&pm, HAWSE_STREAM_OPEN);
        push("PONG");
        if (i == 0)
            pass(50);
    }
    char *page = page_of((const char *const *)&frames[5], 1);
    reply(200, page);
    reply(200, NO_ROWS);
    CHECK(pm.account.gap);
    pass(50);
    reply(200, page);
    reply(200, NO_ROWS);
    CHECK(!pm.account.gap);
    free(page);
    end();
}

TEST(account_session, "where the host has to log in before, nothing counts until it has")
{
    begin();
    world.no_session = true;
    account_state(&pm, HAWSE_STREAM_OPEN);
    push("PONG");
    CHECK(!pm.account.through);
    pass(50);
    CHECK_EQ(world.sessions, 1);
    CHECK_EQ(world.logins, 0);
    reply(401, "");
    CHECK(!pm.account.scan.asking); /* not at once again */
    pass(30000);
    CHECK_EQ(world.sessions, 2);
    world.no_session = false;
    reply(200, "");
    CHECK_EQ(world.logins, 1);
    push("PONG");
    CHECK(pm.account.through);
    pass(50);
    CHECK(strstr(world.path, "/data/orders"));
    reply(200, NO_ROWS);
    reply(200, NO_ROWS);
    if (!pm.account.known) { /* it was asked before the channel was through: once more */
        pass(50);
        reply(200, NO_ROWS);
        reply(200, NO_ROWS);
    }
    CHECK(pm.account.known);
    end();
}

TEST(account_gone, "an order that the venue forgot is gone, and stays so")
{
    begin_live();
    push(frames[5]);
    account_state(&pm, HAWSE_STREAM_CLOSED);
    account_state(&pm, HAWSE_STREAM_OPEN);
    push("PONG");
    pass(50);
    reply(200, NO_ROWS);
    reply(500, "oops"); /* once more, later */
    pass(1000);
    CHECK(!pm.account.scan.asking);
    pass(1500);
    reply(200, NO_ROWS);
    reply(404, "{\"error\":\"not found\"}");
    CHECK(!pm.account.gap);
    CHECK_EQ(pm.held[2].record.order.state, HAWSE_ORDER_GONE);
    push(frames[7]);
    CHECK_EQ(kinds(HAWSE_SPACE_WALLET, HAWSE_WALLET_ORDER), 2);
    end();
}

TEST(account_inside, "an order that was placed and filled inside a gap is found by its trade")
{
    begin_live();
    account_state(&pm, HAWSE_STREAM_CLOSED);
    account_state(&pm, HAWSE_STREAM_OPEN);
    push("PONG");
    pass(50);
    reply(200, NO_ROWS);
    char *page = page_of((const char *const *)&frames[4], 1);
    reply(200, page);
    free(page);
    CHECK(strstr(world.path, "/data/order/0xf57267"));
    CHECK(pm.account.gap);
    reply(200, frames[2]);
    CHECK(!pm.account.gap);
    CHECK_EQ(kinds(HAWSE_SPACE_WALLET, HAWSE_WALLET_TRADE), 1);
    CHECK_EQ(kinds(HAWSE_SPACE_WALLET, HAWSE_WALLET_ORDER), 1);
    CHECK_EQ(pm.held[2].record.order.state, HAWSE_ORDER_FILLED);
    end();
}

/* One look at REST while the channel lives. */
static void look(const char *orders, const char *trades, uint64_t after_ms)
{
    push("PONG");
    pass(after_ms);
    reply(200, orders);
    reply(200, trades);
}

TEST(account_late, "what REST knows before the channel tells it is no gap")
{
    begin_live();
    char *page = page_of((const char *const *)&frames[5], 1);
    look(page, NO_ROWS, 30000);
    push("PONG");
    CHECK_EQ(pm.held_count, 0);
    push(frames[5]);
    CHECK_EQ(pm.held_count, 1);
    look(page, NO_ROWS, 3000);
    look(page, NO_ROWS, 30000);
    CHECK_EQ(pm.held_count, 1);
    CHECK_EQ(world.reconnects, 0);
    free(page);
    end();
}

TEST(account_silent, "a channel that is open but silent is found, a gap, and healed by a new one")
{
    begin_live();
    char *page = page_of((const char *const *)&frames[5], 1);
    look(page, NO_ROWS, 30000);
    push("PONG");
    CHECK_EQ(pm.held_count, 0);
    look(page, NO_ROWS, 3000);
    CHECK_EQ(world.reconnects, 1);
    CHECK_EQ(kinds(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP), 1);
    pass(50); /* it is asked for at once, without waiting for the new one */
    account_state(&pm, HAWSE_STREAM_CLOSED);
    reply(200, page);
    reply(200, NO_ROWS);
    CHECK_EQ(kinds(HAWSE_SPACE_WALLET, HAWSE_WALLET_ORDER), 1);
    CHECK(pm.account.gap); /* told, but not whole: the connection is another one by now */
    account_state(&pm, HAWSE_STREAM_OPEN);
    push("PONG");
    pass(50);
    reply(200, page);
    reply(200, NO_ROWS);
    CHECK(!pm.account.gap);
    CHECK_EQ(kinds(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED), 1);
    CHECK_EQ(kinds(HAWSE_SPACE_WALLET, HAWSE_WALLET_ORDER), 1);
    free(page);
    end();
}

TEST(account_start,
     "open orders and unsettled trades are told at the start, what ended before is not")
{
    begin();
    pm.account.from_s = 1780449210; /* after the first trades */
    account_state(&pm, HAWSE_STREAM_OPEN);
    push("PONG");
    pass(50);
    char *orders = page_of((const char *const *)&frames[5], 1);
    reply(200, orders);
    const char *rows[] = {frames[8], frames[4]}; /* mined, confirmed */
    char *trades = page_of(rows, 2);
    reply(200, trades);
    CHECK_EQ(kinds(HAWSE_SPACE_WALLET, HAWSE_WALLET_ORDER), 1);
    CHECK_EQ(kinds(HAWSE_SPACE_WALLET, HAWSE_WALLET_TRADE), 1);
    CHECK(pm.account.known);
    free(orders);
    free(trades);
    end();
}

TEST(account_times, "seconds, milliseconds and ISO 8601 are times")
{
    static const struct {
        const char *text;
        uint64_t ms;
    } rows[] = {
        {"1780449200", 1780449200000},
        {"1780449200137", 1780449200137},
        {"2026-06-03T01:13:20Z", 1780449200000},
        {"2026-06-03T01:13:20.137Z", 1780449200000},
        {"2026-06-03 01:13:20+00", 1780449200000},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"1970-01-01T00:00:01Z", 1000},
        {"", 0},
        {"0", 0},
        {"soon", 0},
        {"2026-13-03T01:13:20Z", 0},
        {"2026-06-03", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t got = account_time(hawse_text(rows[i].text));
        if (got != rows[i].ms)
            FAIL("%s: %llu", rows[i].text, (unsigned long long)got);
    }
}

TEST(account_malformed, "what is no order or trade is counted and skipped")
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "[1,\"x\",null]",
        "{\"event_type\":\"order\"}",
        "{\"event_type\":\"trade\",\"id\":\"x\",\"status\":\"MATCHED\",\"match_time\":\"\"}",
        "{\"event_type\":\"trade\",\"id\":\"x\",\"status\":\"NEW\",\"match_time\":\"1780449200\"}",
        "{\"event_type\":7}",
        "INVALID OPERATION",
        "{\"event_type\":\"order\",\"id\":",
    };
    begin_live();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        push(bad[i]);
    CHECK_EQ(pm.held_count, 0);
    CHECK_EQ(world.reconnects, 1);
    end();
}
