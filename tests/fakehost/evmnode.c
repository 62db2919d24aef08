/*
 * The fake node's chain and its stream; see evmnode.h. Its answers over HTTP are in evmnode_http.c.
 */
#include "evmnode_private.h"
#include "harness.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t evmnode_dice(uint32_t below)
{
    return (uint32_t)(test_random() >> 33) % below;
}

bool node_chance(uint32_t in_a_thousand)
{
    return in_a_thousand > 0 && evmnode_dice(1000) < in_a_thousand;
}

/* ---- the chain ---- */

void evmnode_address(uint32_t address, uint8_t out[20])
{
    memset(out, 0x40 + (int)(address & 0xff), 20);
    out[0] = (uint8_t)(out[0] + (address >> 8));
}

void evmnode_topic(uint32_t topic, uint8_t out[32])
{
    memset(out, 0xa0 + (int)topic, 32);
}

/* Yellow Paper, section 4.3.1, equation 29. */
void evmnode_bloom_bits(const uint8_t *item, uint64_t len, uint32_t bits[3])
{
    uint8_t hash[32];
    hawse_keccak256(item, len, hash);
    for (int i = 0; i < 3; i++)
        bits[i] = ((uint32_t)hash[2 * i] << 8 | hash[2 * i + 1]) & 2047u;
}

static void bloom_add(uint8_t bloom[256], const uint8_t *item, uint64_t len)
{
    uint32_t bits[3];
    evmnode_bloom_bits(item, len, bits);
    for (int i = 0; i < 3; i++)
        bloom[255 - bits[i] / 8] = (uint8_t)(bloom[255 - bits[i] / 8] | 1u << (bits[i] % 8));
}

static void make_hash(struct node_block *b, uint32_t index)
{
    uint64_t words[2] = {index, b->number};
    hawse_keccak256((const uint8_t *)words, sizeof(words), b->hash);
}

void evmnode_init(struct evmnode *n, uint64_t chain_id)
{
    memset(n, 0, sizeof(*n));
    n->http_chain = n->ws_chain = chain_id;
    n->has_ws = n->ws_up = true;
    n->retry_ms = 50;
    n->faults.slow_ms = 1;
    n->final = n->http_head = UINT32_MAX;
    n->head = UINT32_MAX;
    n->head = evmnode_grow(n, UINT32_MAX, 0);
}

void evmnode_finish(struct evmnode *n)
{
    free(n->blocks);
}

uint32_t evmnode_grow_with(struct evmnode *n, uint32_t parent, const struct node_log *logs,
                           uint32_t count)
{
    if (n->count == n->cap) {
        n->cap = n->cap ? n->cap * 2 : 1024;
        n->blocks = realloc(n->blocks, n->cap * sizeof(n->blocks[0]));
        CHECK(n->blocks != NULL);
    }
    uint32_t index = n->count++;
    struct node_block *b = &n->blocks[index];
    memset(b, 0, sizeof(*b));
    b->parent = parent;
    b->number = parent == UINT32_MAX ? NODE_FIRST : n->blocks[parent].number + 1;
    make_hash(b, index);
    b->log_count = count < NODE_LOGS ? count : NODE_LOGS;
    for (uint32_t i = 0; i < b->log_count; i++) {
        uint8_t address[20], topic[32];
        b->logs[i] = logs[i];
        b->logs[i].index = i;
        evmnode_address(b->logs[i].address, address);
        evmnode_topic(b->logs[i].topic, topic);
        bloom_add(b->bloom, address, 20);
        bloom_add(b->bloom, topic, 32);
    }
    n->head = index;
    return index;
}

uint32_t evmnode_grow(struct evmnode *n, uint32_t parent, uint32_t logs)
{
    struct node_log list[NODE_LOGS];
    for (uint32_t i = 0; i < NODE_LOGS; i++)
        list[i] = (struct node_log){.address = (uint16_t)evmnode_dice(NODE_ADDRESSES),
                                    .topic = (uint8_t)evmnode_dice(NODE_TOPICS),
                                    .value = test_random()};
    return evmnode_grow_with(n, parent, list, logs);
}

uint32_t evmnode_up(const struct evmnode *n, uint32_t index, uint32_t blocks)
{
    while (blocks-- > 0 && n->blocks[index].parent != UINT32_MAX)
        index = n->blocks[index].parent;
    return index;
}

uint32_t evmnode_find(const struct evmnode *n, const uint8_t hash[32])
{
    for (uint32_t i = n->count; i-- > 0;) {
        if (memcmp(n->blocks[i].hash, hash, 32) == 0)
            return i;
    }
    return UINT32_MAX;
}

/* ---- texts ---- */

static void hex(char *out, const uint8_t *bytes, uint64_t len)
{
    memcpy(out, "0x", 2);
    hawse_hex_encode(bytes, len, out + 2);
    out[2 + 2 * len] = '\0';
}

void node_header_text(const struct evmnode *n, uint32_t index, char *out, size_t cap)
{
    const struct node_block *b = &n->blocks[index];
    char hash[67], parent[67], bloom[515];
    static const uint8_t nothing[32];
    hex(hash, b->hash, 32);
    hex(parent, b->parent == UINT32_MAX ? nothing : n->blocks[b->parent].hash, 32);
    hex(bloom, b->bloom, 256);
    int len = snprintf(out, cap,
                       "{\"hash\":\"%s\",\"parentHash\":\"%s\",\"number\":\"0x%llx\","
                       "\"timestamp\":\"0x%llx\",\"gasLimit\":\"0x1c9c380\",\"gasUsed\":\"0x0\","
                       "\"baseFeePerGas\":\"0x7\"",
                       hash, parent, (unsigned long long)b->number,
                       (unsigned long long)(1700000000 + 5 * b->number));
    if (!n->faults.no_bloom)
        len += snprintf(out + len, cap - (size_t)len, ",\"logsBloom\":\"%s\"", bloom);
    len += snprintf(out + len, cap - (size_t)len, "}");
    CHECK((size_t)len < cap);
}

int node_log_text(const struct evmnode *n, uint32_t index, uint32_t log, char *out, size_t cap)
{
    const struct node_block *b = &n->blocks[index];
    const struct node_log *l = &b->logs[log];
    uint8_t address[20], topic[32];
    char address_text[43], topic_text[67], hash[67];
    evmnode_address(l->address, address);
    evmnode_topic(l->topic, topic);
    hex(address_text, address, 20);
    hex(topic_text, topic, 32);
    hex(hash, b->hash, 32);
    int len = snprintf(out, cap,
                       "{\"address\":\"%s\",\"topics\":[\"%s\"],\"data\":\"0x%016llx\","
                       "\"blockHash\":\"%s\",\"blockNumber\":\"0x%llx\",\"transactionHash\":\"%s\","
                       "\"transactionIndex\":\"0x%x\",\"logIndex\":\"0x%x\",\"removed\":false}",
                       address_text, topic_text, (unsigned long long)l->value, hash,
                       (unsigned long long)b->number, hash, l->index, l->index);
    CHECK(len > 0 && (size_t)len < cap);
    return len;
}

/* ---- the stream ---- */

struct frame {
    struct evmnode *node;
    uint32_t connection;
    char text[NODE_HEADER_TEXT + 256];
};

static void frame_due(void *ctx, uint64_t arg)
{
    struct frame *f = ctx;
    struct evmnode *n = f->node;
    (void)arg;
    if (n->connected && f->connection == n->connection)
        fakehost_frame(n->host, n->stream, f->text, strlen(f->text));
    free(f);
}

/* One millisecond on the way, so frames keep their order; lost with the connection. */
static void send_frame(struct evmnode *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void send_frame(struct evmnode *n, const char *format, ...)
{
    struct frame *f = calloc(1, sizeof(*f));
    va_list ap;
    CHECK(f != NULL);
    f->node = n;
    f->connection = n->connection;
    va_start(ap, format);
    int len = vsnprintf(f->text, sizeof(f->text), format, ap);
    va_end(ap);
    CHECK(len > 0 && (size_t)len < sizeof(f->text));
    fakehost_later_owned(n->host, FAKEHOST_MS, frame_due, f);
}

static void push(struct evmnode *n, uint32_t subscription, const char *text)
{
    uint32_t times = node_chance(n->faults.twice) ? 2 : 1;
    while (times-- > 0)
        send_frame(n,
                   "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{"
                   "\"subscription\":\"0x%x\",\"result\":%s}}",
                   subscription, text);
}

void evmnode_push_head(struct evmnode *n, uint32_t index)
{
    char text[NODE_HEADER_TEXT];
    if (!n->connected || n->heads_sub == 0 || n->mute || node_chance(n->faults.drop_head))
        return;
    node_header_text(n, index, text, sizeof(text));
    push(n, n->heads_sub, text);
}

void evmnode_push_log(struct evmnode *n, uint32_t index, uint32_t log)
{
    char text[NODE_LOG_TEXT];
    uint16_t address = n->blocks[index].logs[log].address;
    if (!n->connected || n->mute || address >= NODE_ADDRESSES || !n->logs_wanted[address])
        return;
    (void)node_log_text(n, index, log, text, sizeof(text));
    for (size_t i = 0; i < 4; i++) {
        if (n->logs_sub[i] != 0 && !node_chance(n->faults.drop_log))
            push(n, n->logs_sub[i], text);
    }
}

static void push_logs(struct evmnode *n, uint32_t index)
{
    for (uint32_t i = 0; i < n->blocks[index].log_count; i++)
        evmnode_push_log(n, index, i);
}

uint32_t evmnode_mine(struct evmnode *n, uint32_t logs)
{
    uint32_t index = evmnode_grow(n, n->head, logs);
    bool log_first = node_chance(n->faults.log_first);
    if (log_first)
        push_logs(n, index);
    evmnode_push_head(n, index);
    if (!log_first)
        push_logs(n, index);
    if (node_chance(n->faults.stale_head))
        evmnode_push_head(n, evmnode_up(n, index, 1 + evmnode_dice(3)));
    return index;
}

void evmnode_reorg(struct evmnode *n, uint32_t depth, uint32_t more, bool all)
{
    uint32_t at = evmnode_up(n, n->head, depth);
    for (uint32_t i = 0; i < depth + more; i++) {
        at = evmnode_grow(n, at, evmnode_dice(NODE_LOGS));
        if (all || i + 1 == depth + more)
            evmnode_push_head(n, at);
        push_logs(n, at);
    }
}

/* ---- connection ---- */

static void open_due(void *ctx, uint64_t arg)
{
    struct evmnode *n = ctx;
    if (n->connected || arg != n->connection)
        return;
    if (!n->ws_up) {
        fakehost_stream_state(n->host, n->stream, HAWSE_STREAM_CLOSED, HAWSE_E_IO);
        fakehost_later(n->host, n->retry_ms * FAKEHOST_MS, open_due, n, n->connection);
        return;
    }
    n->connected = true;
    n->connection++;
    n->heads_sub = 0;
    memset(n->logs_sub, 0, sizeof(n->logs_sub));
    fakehost_stream_state(n->host, n->stream, HAWSE_STREAM_OPEN, 0);
}

int32_t evmnode_open(void *ctx, hawse_stream_t stream, const char *endpoint)
{
    struct evmnode *n = ctx;
    CHECK_STR(endpoint, "ws");
    if (!n->has_ws)
        return HAWSE_E_NOTFOUND;
    n->stream = stream;
    fakehost_later(n->host, FAKEHOST_MS, open_due, n, n->connection);
    return HAWSE_OK;
}

void evmnode_cut(struct evmnode *n)
{
    if (!n->connected)
        return;
    n->connected = false;
    n->connection++;
    if (n->on_cut)
        n->on_cut(n->ctx);
    fakehost_stream_state(n->host, n->stream, HAWSE_STREAM_CLOSED, HAWSE_E_IO);
    fakehost_later(n->host, n->retry_ms * FAKEHOST_MS, open_due, n, n->connection);
}

static void cut_due(void *ctx, uint64_t arg)
{
    struct evmnode *n = ctx;
    if (arg == n->connection)
        evmnode_cut(n);
}

void evmnode_reconnect(void *ctx, hawse_stream_t stream, const char *reason)
{
    struct evmnode *n = ctx;
    (void)reason;
    CHECK_EQ(stream, n->stream);
    fakehost_later(n->host, 0, cut_due, n, n->connection);
}

static void subscribe(struct evmnode *n, uint32_t id, const char *text)
{
    if (n->refuse_subscribe) {
        send_frame(n,
                   "{\"jsonrpc\":\"2.0\",\"id\":%u,\"error\":{\"code\":-32601,"
                   "\"message\":\"Method not found\"}}",
                   id);
        return;
    }
    uint32_t subscription = ++n->next_id;
    send_frame(n, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":\"0x%x\"}", id, subscription);
    if (strstr(text, "\"newHeads\"")) {
        n->heads_sub = subscription;
    } else if (strstr(text, "\"logs\"")) {
        size_t free_at = 0;
        while (free_at < 3 && n->logs_sub[free_at] != 0)
            free_at++;
        n->logs_sub[free_at] = subscription;
        node_wanted(text, n->logs_wanted);
    }
}

static void unsubscribe(struct evmnode *n, uint32_t id, const char *text)
{
    for (size_t i = 0; i < 4; i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "[\"0x%x\"]", n->logs_sub[i]);
        if (n->logs_sub[i] != 0 && strstr(text, name))
            n->logs_sub[i] = 0;
    }
    send_frame(n, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":true}", id);
}

int32_t evmnode_send(void *ctx, hawse_stream_t stream, const char *text, uint64_t len)
{
    struct evmnode *n = ctx;
    uint32_t id = 0;
    (void)len;
    CHECK_EQ(stream, n->stream);
    if (n->deaf)
        return HAWSE_OK;
    const char *at = strstr(text, "\"id\":");
    CHECK(at != NULL && sscanf(at, "\"id\":%u", &id) == 1);
    if (strstr(text, "\"eth_subscribe\""))
        subscribe(n, id, text);
    else if (strstr(text, "\"eth_unsubscribe\""))
        unsubscribe(n, id, text);
    else if (strstr(text, "\"eth_chainId\""))
        send_frame(n, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":\"0x%llx\"}", id,
                   (unsigned long long)n->ws_chain);
    else if (strstr(text, "\"eth_getBlockByNumber\"") && strstr(text, "\"latest\"")) {
        char header[NODE_HEADER_TEXT];
        node_header_text(n, n->head, header, sizeof(header));
        send_frame(n, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"result\":%s}", id, header);
    } else
        FAIL("the fake node does not know this request: %s", text);
    return HAWSE_OK;
}
