/* Answers of the feed; see answer.h. */
#include "app/feed/answer.h"

#include "app/feed/rpc.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
    const struct feed_chain *chain;
    struct feed_subscriber *subscriber;
    const json_t *params;
    json_t *result; /* NULL = error */
    int code;
    const char *message;
};

static void fail(struct answer *a, int code, const char *message)
{
    a->code = code;
    a->message = message;
}

static json_t *quantity(uint64_t n)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)n);
    return json_string(text);
}

/* "latest", "0x1f", ... to a number; missing = head. */
static uint64_t block_tag(const struct feed_chain *chain, const json_t *tag)
{
    const char *text = json_string_value(tag);
    uint64_t head = feed_chain_head(chain), first = chain->sample->start_number;
    if (!text || strcmp(text, "latest") == 0 || strcmp(text, "pending") == 0)
        return head;
    if (strcmp(text, "earliest") == 0)
        return first;
    if (strcmp(text, "safe") == 0 || strcmp(text, "finalized") == 0)
        return head - first > 32 ? head - 32 : first;
    return sample_quantity(tag);
}

/* ---- methods ---- */

static void chain_id(struct answer *a)
{
    a->result = quantity(a->chain->sample->chain_id);
}

static void block_number(struct answer *a)
{
    a->result = quantity(feed_chain_head(a->chain));
}

static void block_by_number(struct answer *a)
{
    const struct feed_block *b =
        feed_chain_block(a->chain, block_tag(a->chain, json_array_get(a->params, 0)));
    a->result = b ? json_incref(b->header) : json_null();
}

static void block_by_hash(struct answer *a)
{
    const char *hash = json_string_value(json_array_get(a->params, 0));
    const struct feed_block *b = hash ? feed_chain_block_by_hash(a->chain, hash) : NULL;
    a->result = b ? json_incref(b->header) : json_null();
}

static void add_matching(json_t *out, const struct feed_block *b, const json_t *filter)
{
    for (size_t i = 0; b && i < json_array_size(b->logs); i++) {
        json_t *log = json_array_get(b->logs, i);
        if (feed_log_matches(log, filter))
            (void)json_array_append(out, log);
    }
}

static void get_logs(struct answer *a)
{
    const json_t *filter = json_array_get(a->params, 0);
    const char *hash = json_string_value(json_object_get(filter, "blockHash"));
    if (!json_is_object(filter)) {
        fail(a, -32602, "expected a filter object");
        return;
    }
    a->result = json_array();
    if (hash) {
        const struct feed_block *b = feed_chain_block_by_hash(a->chain, hash);
        if (!b) {
            json_decref(a->result);
            a->result = NULL;
            fail(a, -32000, "unknown block");
            return;
        }
        add_matching(a->result, b, filter);
        return;
    }
    uint64_t to = block_tag(a->chain, json_object_get(filter, "toBlock"));
    uint64_t n = block_tag(a->chain, json_object_get(filter, "fromBlock"));
    uint64_t head = feed_chain_head(a->chain);
    for (; n <= to && n <= head; n++)
        add_matching(a->result, feed_chain_block(a->chain, n), filter);
}

static void call(struct answer *a)
{
    const json_t *tx = json_array_get(a->params, 0), *tag = json_array_get(a->params, 1);
    const char *to = json_string_value(json_object_get(tx, "to"));
    const char *data = json_string_value(json_object_get(tx, "data"));
    if (!data)
        data = json_string_value(json_object_get(tx, "input"));
    uint64_t number = block_tag(a->chain, tag);
    const char *hash = json_string_value(json_object_get(tag, "blockHash")); /* EIP-1898 */
    if (hash) {
        const struct feed_block *b = feed_chain_block_by_hash(a->chain, hash);
        number = b ? sample_quantity(json_object_get(b->header, "number")) : 0;
    }
    char *out = to && data ? feed_chain_call(a->chain, to, data, number) : NULL;
    if (out)
        a->result = json_string(out);
    else
        fail(a, 3, "execution reverted");
    free(out);
}

static void subscribe(struct answer *a)
{
    const char *kind = json_string_value(json_array_get(a->params, 0));
    struct feed_subscriber *s = a->subscriber;
    if (!s) {
        fail(a, -32601, "subscriptions need a WebSocket");
        return;
    }
    bool heads = kind && strcmp(kind, "newHeads") == 0;
    if (!kind || (!heads && strcmp(kind, "logs") != 0)) {
        fail(a, -32602, "this feed has newHeads and logs");
        return;
    }
    struct feed_subscription *sub = feed_subscribe(s);
    if (!sub) {
        fail(a, -32005, "too many subscriptions on this connection");
        return;
    }
    (void)snprintf(sub->id, sizeof(sub->id), "0x%032llx", (unsigned long long)++s->next_id);
    sub->what = heads ? FEED_HEADS : FEED_LOGS;
    sub->filter = heads ? NULL : json_deep_copy(json_array_get(a->params, 1));
    a->result = json_string(sub->id);
}

static void unsubscribe(struct answer *a)
{
    const char *id = json_string_value(json_array_get(a->params, 0));
    struct feed_subscriber *s = a->subscriber;
    bool found = false;
    for (size_t i = 0; s && id && i < s->count; i++) {
        if (strcmp(s->list[i].id, id) != 0)
            continue;
        feed_unsubscribe(s, i);
        found = true;
        break;
    }
    a->result = json_boolean(found);
}

static const struct {
    const char *name;
    void (*run)(struct answer *a);
} methods[] = {
    {"eth_chainId", chain_id},    {"eth_blockNumber", block_number},
    {"eth_getLogs", get_logs},    {"eth_getBlockByNumber", block_by_number},
    {"eth_call", call},           {"eth_getBlockByHash", block_by_hash},
    {"eth_subscribe", subscribe}, {"eth_unsubscribe", unsubscribe},
};

/* ---- envelope ---- */

static void answer_one(void *ctx, const char *method, const json_t *params, struct rpc_answer *out)
{
    struct answer a = *(const struct answer *)ctx;
    a.params = params;
    a.code = out->code;
    a.message = out->message;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, method) == 0)
            methods[i].run(&a);
    }
    *out = (struct rpc_answer){.result = a.result, .code = a.code, .message = a.message};
}

char *feed_answer(const struct feed_chain *chain, struct feed_subscriber *subscriber,
                  const char *text, size_t len)
{
    struct answer a = {.chain = chain, .subscriber = subscriber};
    return rpc_reply(text, len, answer_one, &a);
}
