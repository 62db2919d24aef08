/*
 * The fake node's answers over HTTP: what it knows (faults.lag), when (faults.slow_ms) and whether
 * at all (faults.refuse).
 */
#include "evmnode_private.h"
#include "harness.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER = 1 << 20 };

void node_wanted(const char *text, bool wanted[NODE_ADDRESSES])
{
    for (uint32_t i = 0; i < NODE_ADDRESSES; i++) {
        uint8_t address[20];
        char hex[41] = {0};
        evmnode_address(i, address);
        hawse_hex_encode(address, 20, hex);
        wanted[i] = strstr(text, hex) != NULL;
    }
}

/* The head as HTTP sees it. */
static uint32_t seen_head(const struct evmnode *n)
{
    return evmnode_up(n, n->http_head != UINT32_MAX ? n->http_head : n->head, n->faults.lag);
}

static bool is_ancestor(const struct evmnode *n, uint32_t index, uint32_t of)
{
    while (n->blocks[of].number > n->blocks[index].number)
        of = n->blocks[of].parent;
    return of == index;
}

/* The block of this hash, when it is on the branch that HTTP sees. */
static uint32_t by_hash(const struct evmnode *n, const char *at)
{
    uint8_t hash[32];
    if (!at || hawse_hex_decode((const uint8_t *)at, hash, 32) != HAWSE_OK)
        return UINT32_MAX;
    uint32_t index = evmnode_find(n, hash);
    bool seen = index != UINT32_MAX && (n->side_by_hash || is_ancestor(n, index, seen_head(n)));
    return seen ? index : UINT32_MAX;
}

static uint32_t by_number(const struct evmnode *n, uint64_t number)
{
    uint32_t at = seen_head(n);
    while (at != UINT32_MAX && n->blocks[at].number > number)
        at = n->blocks[at].parent;
    return at != UINT32_MAX && n->blocks[at].number == number ? at : UINT32_MAX;
}

static uint64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 16) : 0;
}

static void add_logs(const struct evmnode *n, uint32_t index, const bool *wanted, char *out,
                     size_t *len)
{
    for (uint32_t i = 0; i < n->blocks[index].log_count; i++) {
        uint16_t address = n->blocks[index].logs[i].address;
        if (wanted && (address >= NODE_ADDRESSES || !wanted[address]))
            continue;
        if (*len > 1)
            out[(*len)++] = ',';
        *len += (size_t)node_log_text(n, index, i, out + *len, ANSWER - *len);
    }
}

/* false: an error, its text in out. */
static bool logs_text(struct evmnode *n, const char *params, char *out)
{
    bool filter[NODE_ADDRESSES], *wanted = strstr(params, "\"address\"") ? filter : NULL;
    size_t len = 1;
    const char *hash = strstr(params, "\"blockHash\":\"0x");
    out[0] = '[';
    node_wanted(params, filter);
    if (n->empty_next > 0) {
        n->empty_next--;
    } else if (hash) {
        uint32_t index = by_hash(n, hash + strlen("\"blockHash\":\"0x"));
        if (index == UINT32_MAX && !n->faults.lag_is_empty) {
            (void)snprintf(out, ANSWER, "{\"code\":-32000,\"message\":\"unknown block\"}");
            return false;
        }
        if (index != UINT32_MAX)
            add_logs(n, index, wanted, out, &len);
    } else {
        uint64_t from = number_after(params, "\"fromBlock\":\"0x");
        uint64_t to = number_after(params, "\"toBlock\":\"0x");
        for (uint64_t number = from; number <= to && number >= NODE_FIRST; number++) {
            uint32_t index = by_number(n, number);
            if (index != UINT32_MAX)
                add_logs(n, index, wanted, out, &len);
        }
    }
    if (n->rubbish_next > 0) {
        n->rubbish_next--;
        len +=
            (size_t)snprintf(out + len, ANSWER - len, "%s{\"address\":\"0x\"}", len > 1 ? "," : "");
    }
    out[len] = ']';
    out[len + 1] = '\0';
    return true;
}

static void block_text(const struct evmnode *n, const char *method, const char *params, char *out)
{
    uint32_t index;
    if (strcmp(method, "eth_getBlockByHash") == 0) {
        const char *hash = strstr(params, "\"0x");
        index = by_hash(n, hash ? hash + 3 : NULL);
    } else if (strstr(params, "\"latest\"")) {
        index = seen_head(n);
    } else if (strstr(params, "\"finalized\"")) {
        index = n->final;
    } else {
        index = by_number(n, number_after(params, "[\"0x"));
    }
    if (index == UINT32_MAX)
        (void)snprintf(out, ANSWER, "null");
    else
        node_header_text(n, index, out, ANSWER);
}

static void count(struct evmnode *n, const struct fakehost_call *call)
{
    uint64_t now = fakehost_now(n->host);
    n->questions++;
    n->log_questions += strcmp(call->method, "eth_getLogs") == 0;
    n->head_questions += strstr(call->params, "\"latest\"") != NULL;
    n->same_time = n->same_time_ns == now ? n->same_time + 1 : 1;
    n->same_time_ns = now;
    if (n->same_time > n->same_time_most)
        n->same_time_most = n->same_time;
}

struct question {
    struct evmnode *node;
    hawse_request_t request;
    char *params; /* behind the method's NUL */
    char method[];
};

/* Answers by what is known when the answer is due. */
static void answer_due(void *ctx, uint64_t arg)
{
    struct question *q = ctx;
    struct evmnode *n = q->node;
    char *out = malloc(ANSWER);
    bool logs = strcmp(q->method, "eth_getLogs") == 0;
    (void)arg;
    CHECK(out != NULL);
    if (n->http_down) {
        fakehost_refuse(n->host, q->request, HAWSE_E_IO, 0, "connection refused");
    } else if (node_chance(n->faults.refuse) || (logs && n->refuse_next > 0)) {
        n->refuse_next -= logs && n->refuse_next > 0;
        fakehost_refuse(n->host, q->request, HAWSE_E_REMOTE, 429,
                        "{\"code\":-32005,\"message\":\"too many requests\"}");
    } else if (strcmp(q->method, "eth_chainId") == 0) {
        (void)snprintf(out, ANSWER, "\"0x%llx\"", (unsigned long long)n->http_chain);
        fakehost_answer(n->host, q->request, out);
    } else if (logs && !logs_text(n, q->params, out)) {
        fakehost_refuse(n->host, q->request, HAWSE_E_REMOTE, 200, out);
    } else {
        if (!logs)
            block_text(n, q->method, q->params, out);
        fakehost_answer(n->host, q->request, out);
    }
    free(out);
    free(q);
}

int32_t evmnode_ask(void *ctx, const struct fakehost_call *call)
{
    struct evmnode *n = ctx;
    size_t method = strlen(call->method) + 1, params = strlen(call->params) + 1;
    struct question *q = malloc(sizeof(*q) + method + params);
    CHECK(q != NULL);
    count(n, call);
    q->node = n;
    q->request = call->request;
    q->params = q->method + method;
    memcpy(q->method, call->method, method);
    memcpy(q->params, call->params, params);
    uint64_t delay = 1 + evmnode_dice(n->faults.slow_ms ? n->faults.slow_ms : 1);
    fakehost_later_owned(n->host, delay * FAKEHOST_MS, answer_due, q);
    return HAWSE_OK;
}
