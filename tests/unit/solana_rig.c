/* The rig of the Solana plugin's tests; see solana_rig.h. */
#include "solana_rig.h"

#include <hawse/base58.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the node ---- */

void frame(struct node *n, const char *text)
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

void release(struct node *n)
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
    bool too_large;
    char text[2 * TEXT];
};

/* How many keys stand in [[...],...]. */
static uint32_t keys_in(const char *params)
{
    uint32_t commas = 0;
    for (const char *at = params; *at != ']'; at++)
        commas += *at == ',';
    return commas + 1;
}

static void answer_now(void *ctx, uint64_t arg)
{
    struct answer *a = ctx;
    (void)arg;
    if (a->too_large)
        fakehost_refuse(a->node->host, a->request, HAWSE_E_LIMIT, 200, "");
    else
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
        a->too_large = n->too_large > 0 && keys_in(call->params) >= n->too_large;
        if (!a->too_large && keys_in(call->params) > n->most_keys)
            n->most_keys = keys_in(call->params);
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

static void keep(struct node *n, const void *record, uint32_t offset, uint64_t len)
{
    if (!n->data)
        return;
    memcpy(n->data + n->data_len, (const uint8_t *)record + offset, len);
    n->data_len += len;
}

static void on_account(struct node *n, struct told *t, const hawse_solana_account_t *a)
{
    t->slot = a->slot;
    t->lamports = a->lamports;
    t->len = a->data_len;
    t->left = a->left;
    keep(n, a, a->data_offset, a->data_len);
}

static void on_part(struct node *n, struct told *t, const hawse_solana_account_part_t *a)
{
    t->slot = a->slot;
    t->lamports = a->lamports;
    t->offset = a->part_offset;
    t->len = a->part_len;
    t->left = a->left;
    keep(n, a, a->data_offset, a->part_len);
}

static void on_publish(void *ctx, const hawse_event_t *event)
{
    struct node *n = ctx;
    CHECK(n->told_count < EVENTS);
    struct told *t = &n->told[n->told_count++];
    *t = (struct told){
        .space = event->space, .kind = event->kind, .stream = event->stream, .flags = event->flags};
    const void *data = event->data;
    if (event->space == HAWSE_SPACE_STREAM) {
        t->slot = ((const hawse_stream_range_t *)data)->from;
    } else if (event->kind == HAWSE_SOLANA_ACCOUNT) {
        on_account(n, t, data);
    } else if (event->kind == HAWSE_SOLANA_ACCOUNT_PART) {
        on_part(n, t, data);
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
uint32_t count(const struct node *n, uint16_t space, uint16_t kind, uint32_t flags)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n->told_count; i++)
        found += n->told[i].space == space && n->told[i].kind == kind &&
                 (n->told[i].flags & flags) == flags;
    return found;
}

const struct told *last(const struct node *n, uint16_t space, uint16_t kind)
{
    for (uint32_t i = n->told_count; i-- > 0;) {
        if (n->told[i].space == space && n->told[i].kind == kind)
            return &n->told[i];
    }
    FAIL("no event of space %u, kind %u", space, kind);
}

uint32_t place(const struct node *n, const struct told *t)
{
    return (uint32_t)(t - n->told);
}

/* ---- driving ---- */

struct node *make(const char *settings)
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

void finish(struct node *n)
{
    fakehost_destroy(n->host);
    free(n->data);
    free(n);
}

const struct sub *sub_of(const struct node *n, const char *method)
{
    for (uint32_t i = n->sub_count; i-- > 0;) {
        if (strcmp(n->subs[i].method, method) == 0)
            return &n->subs[i];
    }
    FAIL("nobody called %s", method);
}

void say_slot(struct node *n, uint64_t slot, uint64_t parent)
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
void pass_slots(struct node *n, uint32_t slots)
{
    for (uint32_t i = 0; i < slots; i++) {
        say_slot(n, n->slot + 1, n->slot);
        fakehost_pass(n->host, SLOT_MS * FAKEHOST_MS);
    }
}

void connect_node(struct node *n)
{
    fakehost_stream_state(n->host, n->stream, HAWSE_STREAM_OPEN, 0);
    fakehost_pass(n->host, 50 * FAKEHOST_MS);
}

void lose(struct node *n)
{
    fakehost_stream_state(n->host, n->stream, HAWSE_STREAM_CLOSED, HAWSE_E_IO);
    fakehost_pass(n->host, 50 * FAKEHOST_MS);
}

void account_text(char *out, uint64_t lamports)
{
    (void)snprintf(out, TEXT,
                   "{\"lamports\":%llu,\"owner\":\"11111111111111111111111111111111\",\"data\":["
                   "\"AQID\",\"base64\"],\"executable\":false,\"rentEpoch\":18446744073709551615}",
                   (unsigned long long)lamports);
}

void say_account(struct node *n, uint32_t sub, uint64_t slot, uint64_t lamports)
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

void say_log(struct node *n, uint32_t sub, uint64_t slot, const char *signature)
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

void start_live(struct node *n)
{
    fakehost_start(n->host);
    fakehost_pass(n->host, 10 * FAKEHOST_MS);
    connect_node(n);
    pass_slots(n, 6);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_LIVE, 0), 4);
}

hawse_solana_filter_t filter_of(uint32_t watch, const char *key, uint32_t commitment)
{
    hawse_solana_filter_t f = {.size = sizeof(f), .watch = watch, .commitment = commitment};
    if (watch == HAWSE_SOLANA_WATCH_SIGNATURE)
        CHECK_EQ(hawse_base58_signature((const uint8_t *)key, strlen(key), f.id), HAWSE_OK);
    else
        CHECK_EQ(hawse_base58_key((const uint8_t *)key, strlen(key), f.id), HAWSE_OK);
    return f;
}

void demand(struct node *n, uint64_t sub, const void *filter, uint32_t len)
{
    fakehost_demand(n->host, HAWSE_DEMAND_ADD, sub, HAWSE_SPACE_SOLANA, filter, len);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
}
