/* A node's stand-in and a judge; see evm_node.h. */
#include "evm_node.h"

#include "harness.h"

#include <hawse/keccak.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- blocks ---- */

static uint8_t pools[256][20];

const uint8_t *node_pool(uint32_t i)
{
    uint8_t *address = pools[i & 255];
    for (int k = 0; k < 20; k++)
        address[k] = (uint8_t)(i * 31 + 7 * (uint32_t)k + 1);
    return address;
}

const uint8_t *node_topic(void)
{
    static uint8_t topic[32];
    hawse_keccak_signature("Swap(address,address,int256,int256,uint160,uint128,int24)", topic);
    return topic;
}

static void bloom_add(uint8_t bloom[256], const uint8_t *value, size_t len)
{
    uint8_t digest[32];
    hawse_keccak256(value, len, digest);
    for (int i = 0; i < 6; i += 2) {
        unsigned bit = ((unsigned)digest[i] << 8 | digest[i + 1]) % 2048;
        bloom[255 - bit / 8] |= (uint8_t)(1u << (bit % 8));
    }
}

void node_init(struct node *node, struct fake_host *host, uint64_t chain_id, uint64_t first)
{
    memset(node, 0, sizeof(*node));
    node->host = host;
    node->chain_id = chain_id;
    node->base = first;
    node->cap = 64;
    node->blocks = calloc(node->cap, sizeof(node->blocks[0]));
    node->canon = calloc(1 << 16, sizeof(node->canon[0]));
    CHECK(node->blocks && node->canon);
    node_set_head(node, node_make(node, UINT32_MAX, 0));
}

void node_finish(struct node *node)
{
    node_forget(node);
    free(node->blocks);
    free(node->canon);
}

uint32_t node_make(struct node *node, uint32_t parent, uint32_t logs)
{
    if (node->count == node->cap) {
        node->cap *= 2;
        node->blocks = realloc(node->blocks, node->cap * sizeof(node->blocks[0]));
        CHECK(node->blocks);
    }
    struct node_block *b = &node->blocks[node->count];
    memset(b, 0, sizeof(*b));
    b->up = parent;
    b->number = parent == UINT32_MAX ? node->base : node->blocks[parent].number + 1;
    uint64_t seed = ++node->nonce;
    hawse_keccak256((const uint8_t *)&seed, sizeof(seed), b->hash);
    if (parent != UINT32_MAX)
        memcpy(b->parent, node->blocks[parent].hash, 32);
    CHECK(logs <= NODE_LOGS);
    for (uint32_t i = 0; i < logs; i++) {
        struct node_log *log = &b->logs[b->log_count++];
        memcpy(log->address, node_pool((uint32_t)(seed + i) % 5), 20);
        memcpy(log->topic, node_topic(), 32);
        log->index = i * 3 + (uint32_t)(seed % 3); /* others' logs stand between */
        log->data_len = 32 * (1 + i % 4);
        bloom_add(b->bloom, log->address, 20);
        bloom_add(b->bloom, log->topic, 32);
    }
    return node->count++;
}

void node_set_head(struct node *node, uint32_t block)
{
    node->head = block;
    for (uint32_t at = block; at != UINT32_MAX; at = node->blocks[at].up) {
        uint64_t i = node->blocks[at].number - node->base;
        CHECK(i < 1 << 16);
        if (node->canon[i] == at && at != block)
            break;
        node->canon[i] = at;
    }
}

uint64_t node_height(const struct node *node)
{
    return node->blocks[node->head].number;
}

uint32_t node_at(const struct node *node, uint64_t number)
{
    if (number < node->base || number > node_height(node))
        return UINT32_MAX;
    return node->canon[number - node->base];
}

static uint32_t find_hash(const struct node *node, const char *hex)
{
    uint8_t hash[32];
    for (int k = 0; k < 32; k++) {
        unsigned byte;
        CHECK(sscanf(hex + k * 2, "%2x", &byte) == 1);
        hash[k] = (uint8_t)byte;
    }
    for (uint32_t i = node->count; i-- > 0;) {
        if (memcmp(node->blocks[i].hash, hash, 32) == 0)
            return i;
    }
    return UINT32_MAX;
}

/* ---- text ---- */

static void put_hex(FILE *f, const uint8_t *bytes, size_t len)
{
    (void)fputs("\"0x", f);
    for (size_t i = 0; i < len; i++)
        (void)fprintf(f, "%02x", bytes[i]);
    (void)fputc('"', f);
}

static void write_head(FILE *f, const struct node *node, uint32_t block)
{
    const struct node_block *b = &node->blocks[block];
    (void)fputs("{\"hash\":", f);
    put_hex(f, b->hash, 32);
    (void)fputs(",\"parentHash\":", f);
    put_hex(f, b->parent, 32);
    (void)fprintf(f,
                  ",\"number\":\"0x%llx\",\"timestamp\":\"0x%llx\",\"gasLimit\":\"0x1c9c380\","
                  "\"gasUsed\":\"0x5208\",\"baseFeePerGas\":\"0x7\",\"uncles\":[],"
                  "\"extraData\":\"0x\"",
                  (unsigned long long)b->number, (unsigned long long)(1760000000 + b->number * 5));
    if (!node->no_bloom) {
        (void)fputs(",\"logsBloom\":", f);
        put_hex(f, b->bloom, 256);
    }
    (void)fputc('}', f);
}

static void write_log(FILE *f, const struct node *node, uint32_t block, uint32_t index,
                      bool removed)
{
    const struct node_block *b = &node->blocks[block];
    const struct node_log *log = &b->logs[index];
    uint8_t tx[32], data[128];
    hawse_keccak256(b->hash, 32, tx);
    memset(data, (int)(log->index & 0xff), sizeof(data));
    (void)fputs("{\"address\":", f);
    put_hex(f, log->address, 20);
    (void)fputs(",\"topics\":[", f);
    put_hex(f, log->topic, 32);
    (void)fputs("],\"data\":", f);
    put_hex(f, data, log->data_len);
    (void)fputs(",\"blockHash\":", f);
    put_hex(f, b->hash, 32);
    (void)fprintf(
        f, ",\"blockNumber\":\"0x%llx\",\"transactionHash\":", (unsigned long long)b->number);
    put_hex(f, tx, 32);
    (void)fprintf(f, ",\"transactionIndex\":\"0x1\",\"logIndex\":\"0x%x\",\"removed\":%s}",
                  log->index, removed ? "true" : "false");
}

char *node_head_text(const struct node *node, uint32_t block)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    CHECK(f);
    write_head(f, node, block);
    (void)fclose(f);
    return text;
}

char *node_log_text(const struct node *node, uint32_t block, uint32_t log, bool removed)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    CHECK(f);
    write_log(f, node, block, log, removed);
    (void)fclose(f);
    return text;
}

static void has_hex(char *text, size_t cap, const uint8_t *bytes, size_t len)
{
    CHECK(cap > len * 2);
    for (size_t i = 0; i < len; i++)
        (void)snprintf(text + i * 2, 3, "%02x", bytes[i]);
}

/* Does the filter in these params want the log? */
static bool wanted(const char *params, const struct node_log *log)
{
    char hex[65];
    has_hex(hex, sizeof(hex), log->address, 20);
    if (!strstr(params, hex))
        return false;
    has_hex(hex, sizeof(hex), log->topic, 32);
    return !strstr(params, "topics") || strstr(params, hex);
}

/* ---- announcing ---- */

static void notify(struct node *node, const struct node_sub *sub, const char *result, bool twice)
{
    char *text = NULL;
    if (asprintf(&text,
                 "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{"
                 "\"subscription\":%s,\"result\":%s}}",
                 sub->id, result) < 0)
        FAIL("no memory");
    for (int i = 0; i < (twice ? 2 : 1); i++)
        fake_frame(node->host, text);
    free(text);
}

static void tell_all(struct node *node, char kind, const struct node_log *log, char *result,
                     bool twice)
{
    for (int i = 0; i < NODE_SUBS; i++) {
        const struct node_sub *sub = &node->subs[i];
        if (sub->kind == kind && (!log || wanted(sub->params, log)))
            notify(node, sub, result, twice);
    }
    free(result);
}

static void announce_logs(struct node *node, uint32_t block, unsigned manner)
{
    const struct node_block *b = &node->blocks[block];
    for (uint32_t k = 0; k < b->log_count; k++) {
        uint32_t i = manner & NODE_BACKWARDS ? b->log_count - 1 - k : k;
        if ((manner & NODE_NO_LOGS) != 0 || ((manner & NODE_LOSE_ONE) != 0 && i == 0))
            continue;
        tell_all(node, 'l', &b->logs[i], node_log_text(node, block, i, false),
                 (manner & NODE_TWICE) != 0);
        b = &node->blocks[block];
    }
}

void node_announce(struct node *node, uint32_t block, unsigned manner)
{
    if (manner & NODE_LOGS_FIRST)
        announce_logs(node, block, manner);
    if ((manner & NODE_NO_HEAD) == 0)
        tell_all(node, 'h', NULL, node_head_text(node, block), (manner & NODE_TWICE) != 0);
    if ((manner & NODE_LOGS_FIRST) == 0)
        announce_logs(node, block, manner);
}

void node_announce_removed(struct node *node, uint32_t block)
{
    const struct node_block *b = &node->blocks[block];
    for (uint32_t i = b->log_count; i-- > 0;)
        tell_all(node, 'l', &b->logs[i], node_log_text(node, block, i, true), false);
}

uint32_t node_mine(struct node *node, uint32_t logs, unsigned manner)
{
    uint32_t block = node_make(node, node->head, logs);
    node_set_head(node, block);
    node_announce(node, block, manner);
    return block;
}

void node_reorg(struct node *node, uint64_t depth, uint64_t length, bool removed_first,
                unsigned manner)
{
    uint32_t from = node->head;
    for (uint64_t i = 0; i < depth; i++) {
        if (removed_first)
            node_announce_removed(node, from);
        from = node->blocks[from].up;
    }
    for (uint64_t i = 0; i < length; i++) {
        from = node_make(node, from, (uint32_t)(test_random() % 5));
        node_set_head(node, from);
        node_announce(node, from, manner);
        if (i % 4 == 3)
            node_serve(node);
    }
}

void node_forget(struct node *node)
{
    for (int i = 0; i < NODE_SUBS; i++) {
        free(node->subs[i].params);
        memset(&node->subs[i], 0, sizeof(node->subs[i]));
    }
    node->sub_count = 0;
}

/* ---- answering ---- */

struct answer {
    char *text; /* of result, or of the error object */
    bool error;
};

static struct answer refusal(const char *text)
{
    return (struct answer){.text = strdup(text), .error = true};
}

static uint64_t number_after(const char *params, const char *key)
{
    const char *at = strstr(params, key);
    unsigned long long n = 0;
    CHECK(at && sscanf(at + strlen(key), "0x%llx", &n) == 1);
    return n;
}

static struct answer header_answer(struct node *node, uint32_t block)
{
    node->asked_headers++;
    return (struct answer){.text =
                               block == UINT32_MAX ? strdup("null") : node_head_text(node, block)};
}

static struct answer by_number(struct node *node, const char *params, uint64_t head)
{
    unsigned long long n = head;
    if (strstr(params, "finalized")) {
        if (node->no_final)
            return refusal("{\"code\":-32602,\"message\":\"unknown block tag\"}");
        n = head >= node->base + 20 ? head - 20 : node->base;
    } else if (!strstr(params, "latest")) {
        CHECK(sscanf(params, "[\"0x%llx\"", &n) == 1);
    }
    return header_answer(node, n <= head ? node_at(node, n) : UINT32_MAX);
}

static bool in_chain(const struct node *node, uint32_t block, uint64_t head)
{
    return block != UINT32_MAX && node->blocks[block].number <= head &&
           node_at(node, node->blocks[block].number) == block;
}

static struct answer logs_of(struct node *node, const char *params, uint64_t head)
{
    const char *hash = strstr(params, "\"blockHash\":\"0x");
    uint64_t from, to, count = 0;
    node->asked_logs++;
    if (hash) {
        uint32_t block = find_hash(node, hash + 15);
        if (!in_chain(node, block, head))
            return refusal("{\"code\":-32000,\"message\":\"unknown block\"}");
        from = to = node->blocks[block].number;
    } else {
        from = number_after(params, "\"fromBlock\":\"");
        to = number_after(params, "\"toBlock\":\"");
        if (node->max_range && to - from + 1 > node->max_range)
            return refusal("{\"code\":-32602,\"message\":\"exceed maximum block range\"}");
    }
    if (node->empty_logs > 0) {
        node->empty_logs--;
        return (struct answer){.text = strdup("[]")};
    }
    struct answer a = {0};
    size_t len = 0;
    FILE *f = open_memstream(&a.text, &len);
    CHECK(f);
    (void)fputc('[', f);
    for (uint64_t n = from; n <= to && n <= head; n++) {
        uint32_t block = node_at(node, n);
        for (uint32_t i = 0; i < node->blocks[block].log_count; i++) {
            if (!wanted(params, &node->blocks[block].logs[i]))
                continue;
            if (count++ > 0)
                (void)fputc(',', f);
            write_log(f, node, block, i, false);
        }
    }
    (void)fputc(']', f);
    (void)fclose(f);
    if (node->max_logs && count > node->max_logs && to > from) {
        free(a.text);
        return refusal("{\"code\":-32005,\"message\":\"query returned more than 10000 results\"}");
    }
    return a;
}

static struct answer subscribe(struct node *node, const char *params)
{
    if (node->refuse_subscribe > 0) {
        node->refuse_subscribe--;
        return refusal("{\"code\":-32601,\"message\":\"notifications not supported\"}");
    }
    for (int i = 0; i < NODE_SUBS; i++) {
        struct node_sub *sub = &node->subs[i];
        if (sub->kind)
            continue;
        sub->kind = strstr(params, "newHeads") ? 'h' : strstr(params, "\"logs\"") ? 'l' : 'p';
        sub->params = strdup(params);
        if (node->numeric_ids)
            (void)snprintf(sub->id, sizeof(sub->id), "%u", node->next_sub++);
        else
            (void)snprintf(sub->id, sizeof(sub->id), "\"0x%x\"", 0x1000 + node->next_sub++);
        node->sub_count++;
        return (struct answer){.text = strdup(sub->id)};
    }
    return refusal("{\"code\":-32005,\"message\":\"too many subscriptions\"}");
}

static struct answer unsubscribe(struct node *node, const char *params)
{
    for (int i = 0; i < NODE_SUBS; i++) {
        struct node_sub *sub = &node->subs[i];
        if (!sub->kind || !strstr(params, sub->id))
            continue;
        free(sub->params);
        memset(sub, 0, sizeof(*sub));
        node->sub_count--;
        return (struct answer){.text = strdup("true")};
    }
    return (struct answer){.text = strdup("false")};
}

static struct answer answer(struct node *node, const char *method, const char *params, bool http)
{
    uint64_t head = node_height(node);
    node->asked++;
    if (http && head > node->base + node->lag)
        head -= node->lag;
    if (node->refuse > 0 && strcmp(method, "eth_chainId") != 0) {
        node->refuse--;
        return refusal("{\"code\":-32603,\"message\":\"internal error\"}");
    }
    char *chain = NULL;
    if (strcmp(method, "eth_chainId") == 0) {
        CHECK(asprintf(&chain, "\"0x%llx\"", (unsigned long long)node->chain_id) > 0);
        return (struct answer){.text = chain};
    }
    if (strcmp(method, "eth_getBlockByNumber") == 0)
        return by_number(node, params, head);
    if (strcmp(method, "eth_getBlockByHash") == 0) {
        uint32_t block = find_hash(node, params + 4);
        bool known = block != UINT32_MAX && node->blocks[block].number <= head;
        return header_answer(node, known ? block : UINT32_MAX);
    }
    if (strcmp(method, "eth_getLogs") == 0)
        return logs_of(node, params, head);
    if (strcmp(method, "eth_subscribe") == 0)
        return subscribe(node, params);
    if (strcmp(method, "eth_unsubscribe") == 0)
        return unsubscribe(node, params);
    FAIL("the node was asked %s", method);
}

static void serve_stream(struct node *node, const char *text)
{
    unsigned long long id;
    char method[64];
    char *reply = NULL;
    CHECK(sscanf(text, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%63[^\"]\"", &id, method) ==
          2);
    const char *params = strstr(text, "\"params\":");
    CHECK(params && text[strlen(text) - 1] == '}');
    struct answer a = answer(node, method, params + 9, false);
    CHECK(asprintf(&reply, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"%s\":%s}", id,
                   a.error ? "error" : "result", a.text) > 0);
    fake_frame(node->host, reply);
    free(reply);
    free(a.text);
}

static void serve_http(struct node *node, struct fake_request *request)
{
    struct answer a = answer(node, request->method, request->params, true);
    long long code = 0;
    if (a.error)
        CHECK(sscanf(a.text, "{\"code\":%lld", &code) == 1);
    fake_answer(node->host, request, a.error ? HAWSE_E_REMOTE : HAWSE_OK, code, 200, a.text);
    free(a.text);
}

void node_serve(struct node *node)
{
    for (int i = 0; i < 20000 && !node->deaf && !node->host->failed; i++) {
        const char *message = node->host->stream_is_open ? fake_message(node->host) : NULL;
        struct fake_request *request = message ? NULL : fake_request(node->host);
        if (message)
            serve_stream(node, message);
        else if (request)
            serve_http(node, request);
        else
            return;
    }
    if (!node->deaf && !node->host->failed)
        FAIL("the plugin never stops asking");
}

void node_wait(struct node *node, uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += 10) {
        fake_advance(node->host, 10);
        node_serve(node);
    }
}

/* ---- the judge ---- */

void judge_finish(struct judge *j)
{
    free(j->live);
    free(j->branch);
    free(j->numbers);
    memset(j, 0, sizeof(*j));
}

static size_t find_live(const struct judge *j, const uint8_t hash[32], uint32_t index)
{
    for (size_t i = 0; i < j->live_count; i++) {
        if (j->live[i].index == index && memcmp(j->live[i].hash, hash, 32) == 0)
            return i;
    }
    return SIZE_MAX;
}

static uint64_t newest_live(const struct judge *j)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < j->live_count; i++)
        newest = j->live[i].number > newest ? j->live[i].number : newest;
    return newest;
}

static void check_fields(const struct node *node, const hawse_evm_log_t *log,
                         const hawse_event_t *event)
{
    const struct node_block *b = NULL;
    for (uint32_t i = 0; i < node->count && !b; i++) {
        if (memcmp(node->blocks[i].hash, log->block_hash, 32) == 0)
            b = &node->blocks[i];
    }
    CHECK(b);
    const struct node_log *truth = NULL;
    for (uint32_t i = 0; i < b->log_count; i++)
        truth = b->logs[i].index == log->log_index ? &b->logs[i] : truth;
    CHECK(truth);
    CHECK_EQ_U64(log->block_number, b->number);
    CHECK_EQ_U64(log->chain_id, node->chain_id);
    CHECK_MEM(log->address, truth->address, 20);
    CHECK_EQ(log->topic_count, 1);
    CHECK_MEM(log->topics[0], truth->topic, 32);
    CHECK_EQ(log->data_len, truth->data_len);
    CHECK_EQ_U64(event->len, (uint64_t)log->data_offset + log->data_len);
    CHECK_EQ_U64(event->key, hawse_key(log->address, 20));
    for (uint32_t i = 0; i < log->data_len; i++)
        CHECK_EQ(((const uint8_t *)log)[log->data_offset + i], truth->index & 0xff);
    if (log->block_timestamp != 0)
        CHECK_EQ_U64(log->block_timestamp, 1760000000 + b->number * 5);
}

static void judge_log(struct judge *j, struct node *node, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    CHECK(event->len >= sizeof(*log) && log->size == sizeof(*log));
    CHECK_EQ(event->stream, HAWSE_EVM_STREAM_LOGS);
    check_fields(node, log, event);
    size_t at = find_live(j, log->block_hash, log->log_index);
    if (event->flags & HAWSE_EVENT_REMOVED) {
        CHECK(at != SIZE_MAX); /* taken back without having been told */
        CHECK_EQ_U64(log->block_number, newest_live(j));
        j->live[at] = j->live[--j->live_count];
        j->removed++;
        return;
    }
    CHECK_EQ(at, SIZE_MAX); /* told twice */
    if (event->flags & HAWSE_EVENT_BACKFILLED)
        j->backfilled++;
    if (log->block_number < newest_live(j)) {
        CHECK(j->gap[HAWSE_EVM_STREAM_LOGS]); /* late, and no gap was announced */
        j->late++;
    }
    if (j->live_count == j->live_cap) {
        j->live_cap = j->live_cap ? j->live_cap * 2 : 64;
        j->live = realloc(j->live, j->live_cap * sizeof(j->live[0]));
        CHECK(j->live);
    }
    struct judge_log *live = &j->live[j->live_count++];
    memcpy(live->hash, log->block_hash, 32);
    live->number = log->block_number;
    live->index = log->log_index;
    j->logs++;
}

static void judge_block(struct judge *j, const hawse_event_t *event)
{
    const hawse_evm_block_t *block = (const hawse_evm_block_t *)(const void *)event->data;
    CHECK(event->len == sizeof(*block) && block->size == sizeof(*block));
    CHECK_EQ(event->stream, HAWSE_EVM_STREAM_BLOCKS);
    if (event->flags & HAWSE_EVENT_REMOVED) {
        CHECK(j->branch_count > 0);
        CHECK_MEM(j->branch[j->branch_count - 1], block->hash, 32); /* newest first */
        for (size_t i = 0; i < j->live_count; i++)
            CHECK(memcmp(j->live[i].hash, block->hash, 32) != 0); /* its logs went before */
        j->branch_count--;
        return;
    }
    if (j->branch_count > 0 && j->numbers[j->branch_count - 1] + 1 == block->number)
        CHECK_MEM(j->branch[j->branch_count - 1], block->parent_hash, 32);
    else
        CHECK_EQ(j->branch_count, 0);
    if (j->branch_count == j->branch_cap) {
        j->branch_cap = j->branch_cap ? j->branch_cap * 2 : 64;
        j->branch = realloc(j->branch, j->branch_cap * sizeof(j->branch[0]));
        j->numbers = realloc(j->numbers, j->branch_cap * sizeof(j->numbers[0]));
        CHECK(j->branch && j->numbers);
    }
    memcpy(j->branch[j->branch_count], block->hash, 32);
    j->numbers[j->branch_count++] = block->number;
    j->blocks++;
}

static void judge_range(struct judge *j, const hawse_event_t *event)
{
    const hawse_stream_range_t *range = (const hawse_stream_range_t *)(const void *)event->data;
    uint32_t s = event->stream;
    CHECK(event->len == sizeof(*range) && range->size == sizeof(*range));
    CHECK(range->from <= range->to);
    switch (event->kind) {
    case HAWSE_STREAM_EVENT_GAP:
        CHECK(!j->gap[s]);
        CHECK(event->epoch > j->epoch[s]);
        j->gap[s] = true;
        j->live_told[s] = false;
        j->gaps++;
        break;
    case HAWSE_STREAM_EVENT_RECOVERING:
        CHECK(j->gap[s]);
        j->recovering++;
        break;
    case HAWSE_STREAM_EVENT_HEALED:
        CHECK(j->gap[s]);
        j->gap[s] = false;
        j->healed++;
        break;
    case HAWSE_STREAM_EVENT_UNHEALABLE:
        j->unhealable++;
        j->live_told[s] = false;
        if (s == HAWSE_EVM_STREAM_BLOCKS)
            j->branch_count = 0; /* readers start afresh */
        break;
    case HAWSE_STREAM_EVENT_RETRACT:
        j->retracts++;
        break;
    case HAWSE_STREAM_EVENT_FINAL:
        if (s == HAWSE_EVM_STREAM_BLOCKS) {
            CHECK(j->finals == 0 || range->from == j->last_final + 1);
            j->finals++;
            j->last_final = range->to;
        }
        break;
    case HAWSE_STREAM_EVENT_LIVE:
        j->live_told[s] = true;
        j->gap[s] = false; /* after UNHEALABLE */
        break;
    default:
        FAIL("continuity event of kind %u", event->kind);
    }
}

/* HAWSE_TEST_TRACE=1: what was told, one line each, for looking into a failure. */
static void trace(const hawse_event_t *event)
{
    const hawse_stream_range_t *range = (const hawse_stream_range_t *)(const void *)event->data;
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    const hawse_evm_block_t *block = (const hawse_evm_block_t *)(const void *)event->data;
    if (!getenv("HAWSE_TEST_TRACE"))
        return;
    (void)fprintf(stderr, "# space %u kind %u stream %u epoch %u flags %u: ", event->space,
                  event->kind, event->stream, event->epoch, event->flags);
    if (event->space == HAWSE_SPACE_STREAM)
        (void)fprintf(stderr, "reason %u, %llu to %lld, %llu\n", range->reason,
                      (unsigned long long)range->from, (long long)range->to,
                      (unsigned long long)range->count);
    else if (event->kind == HAWSE_EVM_LOG)
        (void)fprintf(stderr, "log %u of %llu %02x%02x\n", log->log_index,
                      (unsigned long long)log->block_number, log->block_hash[0],
                      log->block_hash[1]);
    else
        (void)fprintf(stderr, "block %llu %02x%02x\n", (unsigned long long)block->number,
                      block->hash[0], block->hash[1]);
}

void judge_read(struct judge *j, struct node *node)
{
    const hawse_event_t *event;
    while ((event = fake_published(node->host)) != NULL) {
        trace(event);
        CHECK(event->stream > 0 && event->stream < NODE_STREAMS);
        CHECK(event->epoch >= j->epoch[event->stream]);
        if (event->space == HAWSE_SPACE_STREAM)
            judge_range(j, event);
        else if (event->kind == HAWSE_EVM_LOG)
            judge_log(j, node, event);
        else if (event->kind == HAWSE_EVM_BLOCK)
            judge_block(j, event);
        else if (event->kind == HAWSE_EVM_PENDING_TX)
            j->pending++;
        else if (event->kind == HAWSE_EVM_REORG) {
            j->reorgs++;
            j->last_depth = ((const hawse_evm_reorg_t *)(const void *)event->data)->depth;
        } else {
            FAIL("an event of kind %u", event->kind);
        }
        j->epoch[event->stream] = event->epoch;
    }
}

void judge_settle(struct judge *j, struct node *node, uint64_t first)
{
    size_t expected = 0;
    judge_read(j, node);
    CHECK(!j->gap[HAWSE_EVM_STREAM_BLOCKS] && !j->gap[HAWSE_EVM_STREAM_LOGS]);
    CHECK(j->live_told[HAWSE_EVM_STREAM_BLOCKS] && j->live_told[HAWSE_EVM_STREAM_LOGS]);
    CHECK(j->branch_count > 0);
    CHECK_EQ_U64(j->numbers[j->branch_count - 1], node_height(node));
    CHECK_MEM(j->branch[j->branch_count - 1], node->blocks[node->head].hash, 32);
    for (uint64_t n = first; n <= node_height(node); n++) {
        const struct node_block *b = &node->blocks[node_at(node, n)];
        for (uint32_t i = 0; i < b->log_count; i++) {
            if (find_live(j, b->hash, b->logs[i].index) == SIZE_MAX)
                FAIL("log %u of block %llu is missing", b->logs[i].index, (unsigned long long)n);
            expected++;
        }
    }
    size_t told = 0;
    for (size_t i = 0; i < j->live_count; i++)
        told += j->live[i].number >= first;
    CHECK_EQ(told, expected);
}
