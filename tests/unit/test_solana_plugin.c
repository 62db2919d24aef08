/*
 * The whole Solana plugin in the fake host, beside a stand-in for a node that says what each test
 * wants said: the real ones of tests/solana cannot be made to answer late, out of order or wrong on
 * purpose, nor on a clock that stands still.
 */
#include "fakehost.h"
#include "harness.h"

#include <hawse/base58.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 512, SUBS = 16, TEXT = 2048, SLOT_MS = 400 };
#define SIGNATURE \
    "EDobk1sdiTnNHRHTBeyFcJQ4dZTUmqYtxrtQmw8EyFrT1vx9bR1Nrys2wid2k5VFEYrrbZ83dQcTJag2UTSnAMf"
#define KEY   "So11111111111111111111111111111111111111112"
#define OTHER "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"

struct told {
    uint16_t space, kind;
    uint32_t stream, flags;
    uint64_t slot, lamports; /* slot: `from` of a continuity event */
};

struct sub {
    char method[32];
    char params[TEXT];
    uint32_t id;
    bool on;
};

struct node {
    struct fakehost *host;
    hawse_stream_t stream;
    struct sub subs[SUBS]; /* in the order in which they came */
    uint32_t sub_count, unsubscribed;
    uint64_t slot;
    bool hold; /* replies wait for release() */
    uint32_t held[SUBS], held_count;
    uint32_t next_id; /* of the next subscription: from 0 */
    const char *genesis;
    char account[TEXT], list[TEXT], transaction[TEXT], status[TEXT], program[TEXT], blocks[TEXT];
    char last_accounts[TEXT]; /* parameters of the last getMultipleAccounts */
    uint32_t largest, room;   /* room: so many in a hundred find none */
    uint32_t reconnects, questions;
    struct told told[EVENTS];
    uint32_t told_count;
};

/* ---- the node ---- */

static void frame(struct node *n, const char *text)
{
    fakehost_frame(n->host, n->stream, text, strlen(text));
}

static void reply(void *ctx, uint64_t arg)
{
    struct node *n = ctx;
    char text[256];
    (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"result\":%u,\"id\":%u}",
                   (unsigned)(arg >> 32), (unsigned)arg);
    frame(n, text);
}

static int32_t on_open(void *ctx, hawse_stream_t stream, const char *endpoint)
{
    struct node *n = ctx;
    CHECK_STR(endpoint, "ws");
    n->stream = stream;
    return HAWSE_OK;
}

static int32_t on_send(void *ctx, hawse_stream_t stream, const char *text, uint64_t len)
{
    struct node *n = ctx;
    unsigned id = 0;
    char method[32] = "";
    (void)stream;
    n->largest = len > n->largest ? (uint32_t)len : n->largest;
    CHECK(sscanf(text, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%31[a-zA-Z]", &id, method) ==
          2);
    if (strstr(method, "Unsubscribe")) {
        n->unsubscribed++;
        return HAWSE_OK;
    }
    CHECK(n->sub_count < SUBS);
    struct sub *sub = &n->subs[n->sub_count++];
    (void)snprintf(sub->method, sizeof(sub->method), "%s", method);
    (void)snprintf(sub->params, sizeof(sub->params), "%s", strstr(text, "\"params\":") + 9);
    sub->id = n->next_id++;
    sub->on = true;
    uint64_t arg = (uint64_t)sub->id << 32 | id;
    if (n->hold)
        n->held[n->held_count++] = id;
    else
        fakehost_later(n->host, FAKEHOST_MS, reply, n, arg);
    return HAWSE_OK;
}

static void release(struct node *n)
{
    n->hold = false;
    for (uint32_t i = 0; i < n->held_count; i++)
        reply(n, (uint64_t)n->subs[n->sub_count - n->held_count + i].id << 32 | n->held[i]);
    n->held_count = 0;
}

static void on_reconnect(void *ctx, hawse_stream_t stream, const char *reason)
{
    struct node *n = ctx;
    (void)stream;
    (void)reason;
    n->reconnects++;
}

struct answer {
    struct node *node;
    hawse_request_t request;
    char text[2 * TEXT];
};

static void answer_now(void *ctx, uint64_t arg)
{
    struct answer *a = ctx;
    (void)arg;
    fakehost_answer(a->node->host, a->request, a->text);
    free(a);
}

static int32_t on_ask(void *ctx, const struct fakehost_call *call)
{
    struct node *n = ctx;
    struct answer *a = calloc(1, sizeof(*a));
    unsigned long long slot = n->slot;
    const char *value = NULL;
    a->node = n;
    a->request = call->request;
    n->questions++;
    if (strcmp(call->method, "getGenesisHash") == 0) {
        (void)snprintf(a->text, sizeof(a->text), "\"%s\"", n->genesis);
    } else if (strcmp(call->method, "getSlot") == 0) {
        (void)snprintf(a->text, sizeof(a->text), "%llu", slot);
    } else if (strcmp(call->method, "getSignaturesForAddress") == 0) {
        (void)snprintf(a->text, sizeof(a->text), "[%s]", n->list);
    } else if (strcmp(call->method, "getTransaction") == 0) {
        (void)snprintf(a->text, sizeof(a->text), "%s", n->transaction);
    } else if (strcmp(call->method, "getBlocks") == 0) {
        (void)snprintf(a->text, sizeof(a->text), "[%s]", n->blocks);
    } else if (strcmp(call->method, "getMultipleAccounts") == 0) {
        value = n->account;
        (void)snprintf(n->last_accounts, sizeof(n->last_accounts), "%s", call->params);
    } else if (strcmp(call->method, "getProgramAccounts") == 0) {
        value = n->program;
    } else {
        CHECK_STR(call->method, "getSignatureStatuses");
        value = n->status;
    }
    if (value)
        (void)snprintf(a->text, sizeof(a->text), "{\"context\":{\"slot\":%llu},\"value\":[%s]}",
                       slot, value);
    fakehost_later_owned(n->host, FAKEHOST_MS, answer_now, a);
    return HAWSE_OK;
}

/* ---- the reader ---- */

static void on_publish(void *ctx, const hawse_event_t *event)
{
    struct node *n = ctx;
    CHECK(n->told_count < EVENTS);
    struct told *t = &n->told[n->told_count++];
    *t = (struct told){event->space, event->kind, event->stream, event->flags, 0, 0};
    const void *data = event->data;
    if (event->space == HAWSE_SPACE_STREAM) {
        t->slot = ((const hawse_stream_range_t *)data)->from;
    } else if (event->kind == HAWSE_SOLANA_ACCOUNT) {
        t->slot = ((const hawse_solana_account_t *)data)->slot;
        t->lamports = ((const hawse_solana_account_t *)data)->lamports;
    } else if (event->kind == HAWSE_SOLANA_PROGRAM_LOG) {
        t->slot = ((const hawse_solana_log_t *)data)->slot;
    } else if (event->kind == HAWSE_SOLANA_SLOT) {
        t->slot = ((const hawse_solana_slot_t *)data)->slot;
    }
}

static bool has_room(void *ctx, const hawse_event_t *event)
{
    const struct node *n = ctx;
    (void)event;
    return test_random() % 100 >= n->room;
}

/* How many events of this kind were told, with at least these flags. */
static uint32_t count(const struct node *n, uint16_t space, uint16_t kind, uint32_t flags)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n->told_count; i++)
        found += n->told[i].space == space && n->told[i].kind == kind &&
                 (n->told[i].flags & flags) == flags;
    return found;
}

static const struct told *last(const struct node *n, uint16_t space, uint16_t kind)
{
    for (uint32_t i = n->told_count; i-- > 0;) {
        if (n->told[i].space == space && n->told[i].kind == kind)
            return &n->told[i];
    }
    FAIL("no event of space %u, kind %u", space, kind);
}

static uint32_t place(const struct node *n, const struct told *t)
{
    return (uint32_t)(t - n->told);
}

/* ---- driving ---- */

static struct node *make(const char *settings)
{
    struct node *n = calloc(1, sizeof(*n));
    struct fakehost_outside outside = {.ctx = n,
                                       .open = on_open,
                                       .send = on_send,
                                       .reconnect = on_reconnect,
                                       .ask = on_ask,
                                       .publish = on_publish,
                                       .room = has_room};
    n->slot = 1000;
    n->host = fakehost_create(hawse_plugin_v1, settings, &outside);
    return n;
}

static void finish(struct node *n)
{
    fakehost_destroy(n->host);
    free(n);
}

static const struct sub *sub_of(const struct node *n, const char *method)
{
    for (uint32_t i = n->sub_count; i-- > 0;) {
        if (strcmp(n->subs[i].method, method) == 0)
            return &n->subs[i];
    }
    FAIL("nobody called %s", method);
}

static void say_slot(struct node *n, uint64_t slot, uint64_t parent)
{
    char text[256];
    n->slot = slot > n->slot ? slot : n->slot;
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":{\"result\":{"
                   "\"parent\":%llu,\"root\":%llu,\"slot\":%llu},\"subscription\":%u}}",
                   (unsigned long long)parent, (unsigned long long)(slot - 32),
                   (unsigned long long)slot, sub_of(n, "slotSubscribe")->id);
    frame(n, text);
}

/* So many slots, one after the other. */
static void pass_slots(struct node *n, uint32_t slots)
{
    for (uint32_t i = 0; i < slots; i++) {
        say_slot(n, n->slot + 1, n->slot);
        fakehost_pass(n->host, SLOT_MS * FAKEHOST_MS);
    }
}

static void connect_node(struct node *n)
{
    fakehost_stream_state(n->host, n->stream, HAWSE_STREAM_OPEN, 0);
    fakehost_pass(n->host, 50 * FAKEHOST_MS);
}

static void lose(struct node *n)
{
    fakehost_stream_state(n->host, n->stream, HAWSE_STREAM_CLOSED, HAWSE_E_IO);
    fakehost_pass(n->host, 50 * FAKEHOST_MS);
}

static void account_text(char *out, uint64_t lamports)
{
    (void)snprintf(out, TEXT,
                   "{\"lamports\":%llu,\"owner\":\"11111111111111111111111111111111\",\"data\":["
                   "\"AQID\",\"base64\"],\"executable\":false,\"rentEpoch\":18446744073709551615}",
                   (unsigned long long)lamports);
}

static void say_account(struct node *n, uint32_t sub, uint64_t slot, uint64_t lamports)
{
    char text[TEXT], account[TEXT];
    account_text(account, lamports);
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"accountNotification\",\"params\":{\"result\":"
                   "{\"context\":{\"slot\":%llu},\"value\":%.1000s},\"subscription\":%u}}",
                   (unsigned long long)slot, account, sub);
    frame(n, text);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
}

static void say_log(struct node *n, uint32_t sub, uint64_t slot, const char *signature)
{
    char text[TEXT];
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"logsNotification\",\"params\":{\"result\":{"
                   "\"context\":{\"slot\":%llu},\"value\":{\"signature\":\"%s\",\"err\":null,"
                   "\"logs\":[\"Program log: x\"]}},\"subscription\":%u}}",
                   (unsigned long long)slot, signature, sub);
    frame(n, text);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
}

static void start_live(struct node *n)
{
    fakehost_start(n->host);
    fakehost_pass(n->host, 10 * FAKEHOST_MS);
    connect_node(n);
    pass_slots(n, 6);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_LIVE, 0), 4);
}

static hawse_solana_filter_t filter_of(uint32_t watch, const char *key, uint32_t commitment)
{
    hawse_solana_filter_t f = {.size = sizeof(f), .watch = watch, .commitment = commitment};
    if (watch == HAWSE_SOLANA_WATCH_SIGNATURE)
        CHECK_EQ(hawse_base58_signature((const uint8_t *)key, strlen(key), f.id), HAWSE_OK);
    else
        CHECK_EQ(hawse_base58_key((const uint8_t *)key, strlen(key), f.id), HAWSE_OK);
    return f;
}

static void demand(struct node *n, uint64_t sub, const void *filter, uint32_t len)
{
    fakehost_demand(n->host, HAWSE_DEMAND_ADD, sub, HAWSE_SPACE_SOLANA, filter, len);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
}

/* ---- demands ---- */

TEST(demands,
     "each filter is subscribed once, with its commitment, and dropped with its last reader")
{
    struct node *n = make("{}");
    struct {
        hawse_solana_filter_t f;
        hawse_solana_memcmp_t m[3];
    } program = {.f = filter_of(HAWSE_SOLANA_WATCH_PROGRAM, OTHER, HAWSE_SOLANA_FINALIZED)};
    hawse_solana_filter_t account = filter_of(HAWSE_SOLANA_WATCH_ACCOUNT, KEY, 1);
    account_text(n->account, 5);
    start_live(n);
    demand(n, 1, &account, sizeof(account));
    demand(n, 2, &account, sizeof(account));
    CHECK_STR(sub_of(n, "accountSubscribe")->params,
              "[\"" KEY "\",{\"encoding\":\"base64\",\"commitment\":\"processed\"}]}");
    program.f.data_size = 165;
    program.f.memcmp_count = 3;
    for (int i = 0; i < 3; i++) {
        program.m[i].len = 128;
        memset(program.m[i].bytes, 0xff, 128);
    }
    demand(n, 3, &program, sizeof(program));
    CHECK(strstr(sub_of(n, "programSubscribe")->params, "\"commitment\":\"finalized\",\"filters\":["
                                                        "{\"dataSize\":165},{\"memcmp\":"));
    CHECK(n->largest < 4096);
    uint32_t subs = n->sub_count;
    program.m[2].len = 129; /* more than a node takes: no subscription comes of it */
    demand(n, 4, &program, sizeof(program));
    account.commitment = 4;
    demand(n, 5, &account, sizeof(account));
    CHECK_EQ(n->sub_count, subs);
    fakehost_demand(n->host, HAWSE_DEMAND_DROP, 1, HAWSE_SPACE_SOLANA, NULL, 0);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(n->unsubscribed, 0);
    fakehost_demand(n->host, HAWSE_DEMAND_DROP, 2, HAWSE_SPACE_SOLANA, NULL, 0);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(n->unsubscribed, 1);
    finish(n);
}

/* ---- notifications ---- */

TEST(early, "a notification that comes before the reply that names its id is told, once")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"commitment\":\"processed\"}");
    account_text(n->account, 1);
    start_live(n);
    hawse_solana_filter_t logs = filter_of(HAWSE_SOLANA_WATCH_LOGS, KEY, 1);
    n->hold = true;
    demand(n, 1, &logs, sizeof(logs));
    say_log(n, sub_of(n, "logsSubscribe")->id, n->slot, SIGNATURE);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 0);
    release(n);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 1);
    say_log(n, sub_of(n, "logsSubscribe")->id, n->slot, SIGNATURE);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 1);
    CHECK_EQ(fakehost_metric(n->host, "solana_duplicates_total"), 1);
    finish(n);
}

TEST(accounts_order,
     "states are told by slot: doubles and older ones are not, whatever their contents")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"commitment\":\"processed\"}");
    account_text(n->account, UINT64_MAX);
    start_live(n);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 1);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, UINT64_MAX);
    uint32_t sub = sub_of(n, "accountSubscribe")->id;
    uint64_t slot = n->slot + 5;
    say_account(n, sub, slot, 7);
    say_account(n, sub, slot, 7);
    say_account(n, sub, slot - 1, 8);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 2);
    say_account(n, sub, slot + 1, 7); /* written again with the same contents: an event */
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 3);
    CHECK_EQ(fakehost_metric(n->host, "solana_stale_total"), 1);
    finish(n);
}

TEST(signatures, "an outcome is told once with its error, receipts are not outcomes")
{
    struct node *n = make("{}");
    start_live(n);
    hawse_solana_filter_t f = filter_of(HAWSE_SOLANA_WATCH_SIGNATURE, SIGNATURE, 2);
    (void)snprintf(n->status, TEXT, "null");
    demand(n, 1, &f, sizeof(f));
    char text[TEXT];
    uint32_t sub = sub_of(n, "signatureSubscribe")->id;
    const char *const values[] = {"\"receivedSignature\"", "{\"err\":{\"InstructionError\":[0,"
                                                           "{\"Custom\":1}]}}"};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(
            text, sizeof(text),
            "{\"jsonrpc\":\"2.0\",\"method\":\"signatureNotification\",\"params\":{"
            "\"result\":{\"context\":{\"slot\":1007},\"value\":%s},\"subscription\":%u}}",
            values[i], sub);
        frame(n, text);
        fakehost_pass(n->host, 5 * FAKEHOST_MS);
        CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SIGNATURE, 0), i);
    }
    frame(n, text);
    pass_slots(n, 5);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SIGNATURE, 0), 1);
    finish(n);
}

TEST(malformed, "what no node sends is counted, and the stream goes on")
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":{\"result\":{\"slot\":-1},"
        "\"subscription\":0}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":{\"result\":1,"
        "\"subscription\":18446744073709551616}}",
    };
    struct node *n = make("{}");
    start_live(n);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        frame(n, bad[i]);
    pass_slots(n, 2);
    CHECK_EQ(fakehost_metric(n->host, "solana_malformed_total"), sizeof(bad) / sizeof(bad[0]));
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT)->slot, n->slot);
    finish(n);
}

/* ---- continuity ---- */

TEST(reconnect,
     "after a loss: gap, then the newest state of a slot that is late enough, then healed")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"commitment\":\"confirmed\"}");
    account_text(n->account, 1);
    start_live(n);
    lose(n);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 4);
    account_text(n->account, 2);
    n->slot += 10;
    (void)snprintf(n->blocks, TEXT, "1006,1009,1010,1016");
    connect_node(n);
    say_slot(n, 1017, 1016);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 1); /* the node is at 1017 */
    pass_slots(n, 3);
    const struct told *account = last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT);
    CHECK_EQ_U64(account->lamports, 2);
    CHECK(account->slot >= 1019);
    CHECK(account->flags & HAWSE_EVENT_BACKFILLED);
    CHECK(strstr(n->last_accounts, "\"commitment\":\"confirmed\",\"minContextSlot\":1019}"));
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 0), 4);
    CHECK(place(n, last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP)) < place(n, account));
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, HAWSE_EVENT_BACKFILLED), 3);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT)->slot, n->slot);
    finish(n);
}

TEST(dead_subscription, "a subscription that falls silent is found out, filled, and made anew")
{
    struct node *n = make("{\"logs\":[\"" KEY "\"],\"commitment\":\"confirmed\","
                          "\"check_ms\":1000}");
    start_live(n);
    uint32_t subs = n->sub_count;
    pass_slots(n, 10);
    (void)snprintf(n->list, TEXT, "{\"signature\":\"" SIGNATURE "\",\"slot\":%llu,\"err\":null}",
                   (unsigned long long)n->slot);
    (void)snprintf(n->transaction, TEXT,
                   "{\"slot\":%llu,\"meta\":{\"err\":null,\"logMessages\":[\"x\"]}}",
                   (unsigned long long)n->slot);
    pass_slots(n, 12);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_BACKFILLED), 1);
    const struct told *gap = last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP);
    CHECK_EQ(gap->stream, HAWSE_SOLANA_STREAM_LOGS);
    CHECK(place(n, gap) < place(n, last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)));
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 0), 1);
    CHECK_EQ(n->sub_count, subs + 1);
    CHECK_EQ(n->unsubscribed, 1);
    CHECK_EQ(n->reconnects, 0);
    finish(n);
}

TEST(rollback,
     "abandoned slots and what they held are taken back, newest first, and compared again")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"logs\":[\"" KEY "\"],"
                          "\"commitment\":\"processed\",\"check_ms\":1000}");
    account_text(n->account, 1);
    start_live(n);
    uint64_t slot = n->slot;
    say_slot(n, slot + 1, slot);
    say_account(n, sub_of(n, "accountSubscribe")->id, slot + 1, 2);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE);
    say_slot(n, slot + 2, slot + 1);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
    say_slot(n, slot + 3, slot);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, 0), 1);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_RETRACT, 0), 4);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, HAWSE_EVENT_REMOVED), 2);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, HAWSE_EVENT_REMOVED), 1);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_REMOVED), 1);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE); /* from the past */
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 2);
    pass_slots(n, 4);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 1);
    uint64_t again = n->slot; /* it landed again, and nobody said so */
    (void)snprintf(n->list, TEXT, "{\"signature\":\"" SIGNATURE "\",\"slot\":%llu}",
                   (unsigned long long)again);
    (void)snprintf(n->transaction, TEXT,
                   "{\"slot\":%llu,\"meta\":{\"err\":null,"
                   "\"logMessages\":[]}}",
                   (unsigned long long)again);
    pass_slots(n, 12);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 3);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)->slot, again);
    say_slot(n, n->slot + 1, again); /* what was taken back once is not taken back again */
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, 0), 2);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_REMOVED), 1);
    finish(n);
}

TEST(minority, "a branch that comes back after a minority's slot has its records told again")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"logs\":[\"" KEY "\"],"
                          "\"commitment\":\"processed\"}");
    account_text(n->account, 1);
    start_live(n);
    uint64_t slot = n->slot;
    say_slot(n, slot + 1, slot);
    say_account(n, sub_of(n, "accountSubscribe")->id, slot + 1, 2);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE);
    account_text(n->account, 2);
    say_slot(n, slot + 2, slot);
    fakehost_pass(n->host, FAKEHOST_MS / 2); /* before anything could be asked */
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_REMOVED), 1);
    say_slot(n, slot + 3, slot + 1);
    fakehost_pass(n->host, FAKEHOST_MS / 4);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, 0), 2);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)->slot, slot + 1);
    CHECK_EQ(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)->flags, 0);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 2);
    CHECK_EQ(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->flags, 0);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE);
    pass_slots(n, 40);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 3);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 0);
    finish(n);
}

TEST(program_accounts, "accounts of a program that vanish are told as gone")
{
    struct node *n = make("{\"programs\":[\"" OTHER "\"],\"check_ms\":1000}");
    char account[TEXT];
    account_text(account, 9);
    (void)snprintf(n->program, TEXT, "{\"pubkey\":\"" KEY "\",\"account\":%.1500s}", account);
    start_live(n);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 9);
    n->program[0] = '\0';
    pass_slots(n, 12);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 2);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 0);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 1);
    finish(n);
}

TEST(wrong_cluster, "nothing of another cluster is told, and all of the right one once it is there")
{
    struct node *n = make("{\"genesis\":\"" KEY "\",\"accounts\":[\"" KEY "\"]}");
    account_text(n->account, 1);
    n->genesis = OTHER;
    fakehost_start(n->host);
    fakehost_pass(n->host, 10 * FAKEHOST_MS);
    connect_node(n);
    pass_slots(n, 10);
    CHECK_EQ(n->told_count, 0);
    n->genesis = KEY;
    pass_slots(n, 20);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_LIVE, 0), 4);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 1);
    finish(n);
}

TEST(silent_slots, "a stream without slots is given up, and the gap is announced before")
{
    struct node *n = make("{\"slots_idle_ms\":2000}");
    start_live(n);
    fakehost_pass(n->host, 5000 * FAKEHOST_MS);
    CHECK_EQ(n->reconnects, 1);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 4);
    finish(n);
}

TEST(lost_slots, "slots that the node cannot list any more are declared lost, and others follow")
{
    struct node *n = make("{}");
    start_live(n);
    lose(n);
    n->slot += 10; /* and getBlocks knows nothing */
    connect_node(n);
    say_slot(n, n->slot + 1, n->slot);
    fakehost_pass(n->host, 40000 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 0), 1);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT)->slot, n->slot);
    finish(n);
}

TEST_LIMIT(no_room, 20, "when readers have no room, nothing is lost, doubled or out of order")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"logs\":[\"" KEY "\"],"
                          "\"commitment\":\"processed\"}");
    account_text(n->account, 1);
    start_live(n);
    n->told_count = 0;
    n->room = 60;
    uint64_t first = n->slot;
    for (int i = 0; i < 60; i++) {
        char signature[HAWSE_BASE58_SIGNATURE_TEXT];
        uint8_t bytes[64];
        test_random_bytes(bytes, sizeof(bytes));
        (void)hawse_base58_from_signature(bytes, signature);
        say_slot(n, n->slot + 1, n->slot);
        say_log(n, sub_of(n, "logsSubscribe")->id, n->slot, signature);
        account_text(n->account, 100 + (uint64_t)i);
        say_account(n, sub_of(n, "accountSubscribe")->id, n->slot, 100 + (uint64_t)i);
        fakehost_pass(n->host, 100 * FAKEHOST_MS);
    }
    n->room = 0;
    fakehost_pass(n->host, 1000 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, 0), 60);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 60);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 60);
    for (uint32_t i = 0; i < n->told_count; i++) {
        if (n->told[i].space == HAWSE_SPACE_SOLANA && n->told[i].kind == HAWSE_SOLANA_SLOT)
            CHECK_EQ_U64(n->told[i].slot, ++first);
    }
    finish(n);
}

TEST(rate, "questions stay within what the provider allows, whatever there is to compare")
{
    struct node *n = make("{\"check_ms\":100,\"requests_per_second\":2,\"logs\":[\"" KEY "\"],"
                          "\"accounts\":[\"" OTHER "\"]}");
    (void)snprintf(n->account, TEXT, "null");
    fakehost_start(n->host);
    fakehost_pass(n->host, 10 * FAKEHOST_MS);
    connect_node(n);
    pass_slots(n, 50); /* 20 seconds */
    CHECK(n->questions > 20);
    CHECK(n->questions <= 2 * 20 + 3);
    finish(n);
}

TEST(many_ids, "notifications find their watch among many, also when numbers are used again")
{
    struct node *n = make("{}");
    hawse_solana_filter_t f = filter_of(HAWSE_SOLANA_WATCH_LOGS, KEY, 2);
    start_live(n);
    for (uint64_t i = 0; i < SUBS - 3; i++) {
        f.id[0] = (uint8_t)(i + 1);
        demand(n, 10 + i, &f, sizeof(f));
    }
    fakehost_demand(n->host, HAWSE_DEMAND_DROP, 12, HAWSE_SPACE_SOLANA, NULL, 0);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    for (uint32_t i = 2; i < n->sub_count; i++) {
        uint8_t bytes[64] = {(uint8_t)i};
        char signature[HAWSE_BASE58_SIGNATURE_TEXT];
        (void)hawse_base58_from_signature(bytes, signature);
        say_log(n, n->subs[i].id, n->slot, signature);
    }
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), SUBS - 4);
    finish(n);
}
