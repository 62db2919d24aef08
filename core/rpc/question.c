/* What a request asks; see question.h. */
#include "rpc/question.h"

#include <hawse/hawse.h>
#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/writer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- methods ---- */

enum { NONE = -1 };

static const struct method {
    const char *name;
    enum question_kind kind;
    int block;   /* which parameter names the block */
    int address; /* which the address */
} methods[] = {
    {"eth_call", QUESTION_STATE, 1, NONE},
    {"eth_blockNumber", QUESTION_HEAD, NONE, NONE},
    {"eth_getBalance", QUESTION_BALANCE, 1, 0},
    {"eth_getLogs", QUESTION_LOGS, NONE, NONE},
    {"eth_getTransactionReceipt", QUESTION_TX, NONE, NONE},
    {"eth_getTransactionByHash", QUESTION_TX, NONE, NONE},
    {"eth_getBlockByNumber", QUESTION_BLOCK, 0, NONE},
    {"eth_getBlockByHash", QUESTION_BLOCK, 0, NONE},
    {"eth_getBlockReceipts", QUESTION_BLOCK, 0, NONE},
    {"eth_getHeaderByNumber", QUESTION_BLOCK, 0, NONE},
    {"eth_getHeaderByHash", QUESTION_BLOCK, 0, NONE},
    {"eth_getBlockTransactionCountByNumber", QUESTION_BLOCK, 0, NONE},
    {"eth_getBlockTransactionCountByHash", QUESTION_BLOCK, 0, NONE},
    {"eth_getTransactionByBlockNumberAndIndex", QUESTION_BLOCK, 0, NONE},
    {"eth_getTransactionByBlockHashAndIndex", QUESTION_BLOCK, 0, NONE},
    {"eth_getTransactionCount", QUESTION_STATE, 1, 0},
    {"eth_getCode", QUESTION_STATE, 1, 0},
    {"eth_getStorageAt", QUESTION_STATE, 2, 0},
    {"eth_getProof", QUESTION_STATE, 2, 0},
    {"eth_gasPrice", QUESTION_GAS, NONE, NONE},
    {"eth_maxPriorityFeePerGas", QUESTION_GAS, NONE, NONE},
    {"eth_blobBaseFee", QUESTION_GAS, NONE, NONE},
    {"eth_feeHistory", QUESTION_GAS, NONE, NONE},
    {"eth_chainId", QUESTION_STATIC, NONE, NONE},
    {"net_version", QUESTION_STATIC, NONE, NONE},
    {"eth_sendRawTransaction", QUESTION_SEND, NONE, NONE},
    {"sendTransaction", QUESTION_SEND, NONE, NONE},
    {"simulateTransaction", QUESTION_READ, NONE, NONE},
    {"isBlockhashValid", QUESTION_READ, NONE, NONE},
    {"eth_sendRawTransactionSync", QUESTION_SEND, NONE, NONE},
    {"eth_estimateGas", QUESTION_READ, NONE, NONE},
    {"eth_simulateV1", QUESTION_READ, NONE, NONE},
    {"eth_createAccessList", QUESTION_READ, NONE, NONE},
    {"eth_syncing", QUESTION_READ, NONE, NONE},
    {"web3_clientVersion", QUESTION_READ, NONE, NONE},
    {"net_peerCount", QUESTION_READ, NONE, NONE},
    {"eth_newFilter", QUESTION_FILTER, NONE, NONE},
    {"eth_newBlockFilter", QUESTION_FILTER, NONE, NONE},
    {"eth_newPendingTransactionFilter", QUESTION_FILTER, NONE, NONE},
    {"eth_getFilterChanges", QUESTION_FILTER, NONE, NONE},
    {"eth_getFilterLogs", QUESTION_FILTER, NONE, NONE},
    {"eth_uninstallFilter", QUESTION_FILTER, NONE, NONE},
    {"eth_subscribe", QUESTION_FILTER, NONE, NONE},
    {"eth_unsubscribe", QUESTION_FILTER, NONE, NONE},
};

static bool is(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(text, name, len) == 0;
}

/* Of families whose members all read: debug_traceCall, trace_block, bor_getAuthor ...; Solana's
 * have no family: getSlot, getAccountInfo ... */
static bool reads_by_name(const char *method, size_t len)
{
    static const char *const verbs[] = {"get", "trace", "call", "estimate", "simulate"};
    const char *at = memchr(method, '_', len);
    if (len > 6 && memcmp(method, "trace_", 6) == 0)
        return true;
    if (!at && len > 3 && memcmp(method, "get", 3) == 0)
        return true;
    for (size_t i = 0; at && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        size_t n = strlen(verbs[i]);
        if (len - (size_t)(at + 1 - method) >= n && memcmp(at + 1, verbs[i], n) == 0)
            return true;
    }
    return false;
}

static struct method method_of(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (is(name, len, methods[i].name))
            return methods[i];
    }
    return (struct method){NULL, reads_by_name(name, len) ? QUESTION_READ : QUESTION_OTHER, NONE,
                           NONE};
}

/* ---- canonical text ---- */

struct pen {
    const hawse_json_t *doc;
    hawse_writer_t out;
};

static int32_t write_value(struct pen *p, hawse_json_value_t *value);

static bool is_hex(const uint8_t *text, size_t len)
{
    if (len < 3 || text[0] != '0' || text[1] != 'x')
        return false;
    for (size_t i = 2; i < len; i++) {
        uint8_t c = text[i] | 0x20;
        if (!(text[i] >= '0' && text[i] <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

/* Hexadecimal in lower case; whatever else is a text stays as it stands. */
static void write_text(struct pen *p, const uint8_t *text, size_t len)
{
    bool hex = is_hex(text, len);
    hawse_writer_text(&p->out, "\"");
    for (size_t i = 0; hex && i < len; i++) {
        uint8_t c = text[i] >= 'A' && text[i] <= 'F' ? (uint8_t)(text[i] | 0x20) : text[i];
        hawse_writer_put(&p->out, &c, 1);
    }
    if (!hex)
        hawse_writer_put(&p->out, text, len);
    hawse_writer_text(&p->out, "\"");
}

struct member {
    hawse_view_t key;
    hawse_json_value_t value;
    size_t order;
};

/* By key; of two with the same one the first stays first, so that no two documents become alike
 * which are not. */
static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = n > 0 ? memcmp(x->key.data, y->key.data, n) : 0;
    if (order == 0)
        order = (x->key.len > y->key.len) - (x->key.len < y->key.len);
    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

static int32_t collect(struct pen *p, hawse_json_value_t *object, struct member **out,
                       size_t *count)
{
    size_t cap = 0;
    struct member m;
    int32_t more;
    *out = NULL;
    *count = 0;
    while ((more = hawse_json_next(p->doc, object, &m.key, &m.value)) == 1) {
        if (*count == cap) {
            cap = cap ? cap * 2 : 16;
            struct member *bigger = realloc(*out, cap * sizeof(m));
            if (!bigger)
                return HAWSE_E_NOMEM;
            *out = bigger;
        }
        m.order = *count;
        (*out)[(*count)++] = m;
    }
    return more;
}

static int32_t write_object(struct pen *p, hawse_json_value_t *object)
{
    struct member *members = NULL;
    size_t count = 0;
    int32_t code = collect(p, object, &members, &count);
    if (code == HAWSE_OK && count > 1)
        qsort(members, count, sizeof(members[0]), by_key);
    hawse_writer_text(&p->out, "{");
    for (size_t i = 0; i < count && code == HAWSE_OK; i++) {
        hawse_writer_text(&p->out, i > 0 ? ",\"" : "\"");
        hawse_writer_put(&p->out, members[i].key.data, members[i].key.len);
        hawse_writer_text(&p->out, "\":");
        code = write_value(p, &members[i].value);
    }
    hawse_writer_text(&p->out, "}");
    free(members);
    return code;
}

static int32_t write_array(struct pen *p, hawse_json_value_t *array)
{
    hawse_json_value_t item;
    int32_t more, code = HAWSE_OK;
    size_t n = 0;
    hawse_writer_text(&p->out, "[");
    while (code == HAWSE_OK && (more = hawse_json_next(p->doc, array, NULL, &item)) != 0) {
        if (more < 0)
            return more;
        if (n++ > 0)
            hawse_writer_text(&p->out, ",");
        code = write_value(p, &item);
    }
    hawse_writer_text(&p->out, "]");
    return code;
}

/* The text was validated: its nesting is bounded. */
static int32_t write_value(struct pen *p, hawse_json_value_t *v)
{
    switch (v->kind) {
    case HAWSE_JSON_OBJECT:
        return write_object(p, v);
    case HAWSE_JSON_ARRAY:
        return write_array(p, v);
    case HAWSE_JSON_STRING:
        write_text(p, v->data, v->len);
        return HAWSE_OK;
    default:
        hawse_writer_put(&p->out, v->data, v->len);
        return HAWSE_OK;
    }
}

/* ---- blocks ---- */

static const char *at_text(const struct question *q, char number[32])
{
    (void)snprintf(number, 32, "\"0x%llx\"", (unsigned long long)q->height);
    return q->at == AT_LATEST ? "\"latest\"" : number;
}

/* What a text says of a block: a number, a hash, or a tag. */
static void read_tag(const hawse_json_value_t *v, struct question *q)
{
    if (v->kind == HAWSE_JSON_NULL || hawse_json_is(v, "latest"))
        q->at = AT_LATEST;
    else if (hawse_json_is(v, "pending"))
        q->at = AT_PENDING;
    else if (hawse_json_is(v, "safe") || hawse_json_is(v, "finalized"))
        q->at = AT_TAG;
    else if (hawse_json_is(v, "earliest"))
        q->at = AT_NUMBER;
    else if (v->kind == HAWSE_JSON_STRING && v->len == 66 && is_hex(v->data, v->len))
        q->at = AT_HASH;
    else if (v->kind == HAWSE_JSON_STRING && hawse_hex_u64(v->data, v->len, &q->height) == HAWSE_OK)
        q->at = AT_NUMBER;
}

/* A block parameter: a text, or an object of EIP-1898. */
static void read_block(const hawse_json_t *doc, hawse_json_value_t *v, struct question *q)
{
    hawse_json_value_t inner;
    if (v->kind != HAWSE_JSON_OBJECT)
        read_tag(v, q);
    else if (hawse_json_get(doc, v, "blockHash", &inner) == HAWSE_OK)
        q->at = AT_HASH;
    else if (hawse_json_get(doc, v, "blockNumber", &inner) == HAWSE_OK)
        read_tag(&inner, q);
    if (v->kind == HAWSE_JSON_OBJECT)
        hawse_json_rewind(v);
}

/* Logs of one block by its hash, or up to a block; a range that moves with the head names none. */
static void read_filter(const hawse_json_t *doc, hawse_json_value_t *filter, struct question *q)
{
    hawse_json_value_t v;
    struct question from = {0}, to = {0};
    if (filter->kind != HAWSE_JSON_OBJECT)
        return;
    if (hawse_json_get(doc, filter, "blockHash", &v) == HAWSE_OK && v.kind == HAWSE_JSON_STRING) {
        q->at = AT_HASH;
    } else {
        if (hawse_json_get(doc, filter, "fromBlock", &v) == HAWSE_OK)
            read_tag(&v, &from);
        if (hawse_json_get(doc, filter, "toBlock", &v) == HAWSE_OK)
            read_tag(&v, &to);
        q->at = from.at == AT_NUMBER && to.at == AT_NUMBER ? AT_NUMBER : AT_LATEST;
        q->height = to.height;
    }
    hawse_json_rewind(filter);
}

/* One parameter: into the text, and what it says of block and address. */
static int32_t read_param(struct pen *p, hawse_json_value_t *item, const struct method *m, int n,
                          struct question *q)
{
    char number[32];
    if (n == m->block)
        read_block(p->doc, item, q);
    if (n == 0 && m->kind == QUESTION_LOGS)
        read_filter(p->doc, item, q);
    if (n == m->address && item->kind == HAWSE_JSON_STRING)
        q->has_address = hawse_hex_fixed(item->data, item->len, q->address, 20) == HAWSE_OK;
    bool plain = n == m->block && item->kind != HAWSE_JSON_OBJECT;
    if (!plain || (q->at != AT_NUMBER && q->at != AT_LATEST))
        return write_value(p, item);
    hawse_writer_text(&p->out, at_text(q, number));
    return HAWSE_OK;
}

static int32_t read_params(struct pen *p, hawse_json_value_t *array, const struct method *m,
                           struct question *q)
{
    hawse_json_value_t item;
    int32_t more, code = HAWSE_OK;
    int n = 0;
    hawse_writer_text(&p->out, "[");
    while (code == HAWSE_OK && (more = hawse_json_next(p->doc, array, NULL, &item)) != 0) {
        if (more < 0)
            return more;
        if (n > 0)
            hawse_writer_text(&p->out, ",");
        code = read_param(p, &item, m, n++, q);
    }
    if (code == HAWSE_OK && n == m->block && n > 0) { /* the default */
        hawse_writer_text(&p->out, ",\"latest\"");
        q->at = AT_LATEST;
    }
    hawse_writer_text(&p->out, "]");
    return code;
}

static int32_t read_text(const char *method, size_t method_len, const hawse_json_t *doc,
                         struct question *q)
{
    hawse_json_value_t root;
    const struct method m = method_of(method, method_len);
    size_t cap = method_len + doc->len + 64; /* a number may grow: "earliest", "" */
    if (hawse_json_root(doc, &root) != HAWSE_OK || root.kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    q->kind = m.kind;
    q->key = malloc(cap);
    if (!q->key)
        return HAWSE_E_NOMEM;
    struct pen pen = {doc, hawse_writer(q->key, cap)};
    hawse_writer_put(&pen.out, method, method_len);
    hawse_writer_text(&pen.out, " ");
    int32_t code = read_params(&pen, &root, &m, q);
    if (code == HAWSE_OK && hawse_writer_end(&pen.out) != HAWSE_OK)
        code = HAWSE_E_INTERNAL;
    q->key_len = (size_t)pen.out.len;
    return code;
}

int32_t question_read(const char *method, size_t method_len, const uint8_t *params,
                      size_t params_len, struct question *out)
{
    hawse_json_t doc;
    uint32_t few[256], *marks = few;
    int32_t code = hawse_json_validate(params, params_len, NULL);
    *out = (struct question){0};
    if (code != HAWSE_OK)
        return code;
    code = hawse_json_index(&doc, params, params_len, few, 256);
    if (code == HAWSE_E_NOSPACE) {
        marks = malloc((params_len + 1) * sizeof(marks[0]));
        code = marks ? hawse_json_index(&doc, params, params_len, marks, (uint32_t)params_len + 1)
                     : HAWSE_E_NOMEM;
    }
    if (code == HAWSE_OK)
        code = read_text(method, method_len, &doc, out);
    if (marks != few)
        free(marks);
    if (code != HAWSE_OK)
        question_finish(out);
    return code;
}

void question_finish(struct question *q)
{
    free(q->key);
    q->key = NULL;
}

bool question_is_read(const struct question *q)
{
    return q->kind >= QUESTION_READ;
}

bool question_null_is_missing(const struct question *q, const char *method, size_t method_len)
{
    /* of a block that has no such transaction null is the whole truth */
    return q->kind == QUESTION_BLOCK && !memmem(method, method_len, "AndIndex", 8);
}

/* ---- how long an answer is true ---- */

static const uint64_t MS = 1000000u;

/* Figures for 12 s blocks, shorter in proportion where blocks are. */
static uint64_t scaled(uint32_t ms, const struct question_chain *chain)
{
    uint64_t ns = (uint64_t)ms * MS * chain->block_ms / 12000;
    return ns < ms * MS ? ns : ms * MS;
}

static bool is_empty(const uint8_t *text, size_t len)
{
    static const char *const nothing[] = {"null", "\"\"", "\"0x\"", "[]", "{}", "false"};
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++) {
        if (is((const char *)text, len, nothing[i]))
            return true;
    }
    return len == 0;
}

/* Of a block by its number: for good once it is final, until the next block before. */
static bool keep_at(uint64_t height, const struct question_chain *chain, struct question_keep *out)
{
    bool final = chain->head >= height && chain->head - height + 1 >= chain->confirmations &&
                 chain->head > 0;
    out->height = height;
    out->ttl_ns = final ? 0 : chain->block_ms * MS;
    return true;
}

/* The block that a transaction or receipt says it is in. */
static bool keep_tx(const struct question_chain *chain, const uint8_t *result, size_t len,
                    struct question_keep *out)
{
    hawse_json_t doc;
    hawse_json_value_t root, number;
    uint64_t height = 0;
    uint32_t *marks = malloc((len + 1) * sizeof(marks[0]));
    bool found = marks &&
                 hawse_json_index(&doc, result, len, marks, (uint32_t)len + 1) == HAWSE_OK &&
                 hawse_json_root(&doc, &root) == HAWSE_OK &&
                 hawse_json_get(&doc, &root, "blockNumber", &number) == HAWSE_OK &&
                 number.kind == HAWSE_JSON_STRING &&
                 hawse_hex_u64(number.data, number.len, &height) == HAWSE_OK;
    free(marks);
    return found && keep_at(height, chain, out);
}

static bool keep_state(const struct question *q, const struct question_chain *chain,
                       struct question_keep *out)
{
    if (q->at == AT_HASH) {
        out->height = QUESTION_PINNED;
        return true;
    }
    if (q->at == AT_NUMBER)
        return keep_at(q->height, chain, out);
    if (q->kind == QUESTION_BALANCE && q->at == AT_LATEST) {
        out->ttl_ns = scaled(30000, chain);
        return true;
    }
    if (q->kind == QUESTION_BLOCK && (q->at == AT_LATEST || q->at == AT_TAG)) {
        out->ttl_ns = scaled(12000, chain);
        out->block = true;
        return true;
    }
    return false;
}

bool question_keeps(const struct question *q, const struct question_chain *chain,
                    const uint8_t *result, size_t len, struct question_keep *out)
{
    *out = (struct question_keep){.height = QUESTION_ANY_HEIGHT};
    if (is_empty(result, len))
        return false;
    switch (q->kind) {
    case QUESTION_STATIC:
        out->height = QUESTION_PINNED;
        return true;
    case QUESTION_HEAD:
        out->ttl_ns = scaled(12000, chain);
        out->block = true;
        return true;
    case QUESTION_GAS:
        out->ttl_ns = scaled(15000, chain);
        return true;
    case QUESTION_BALANCE:
    case QUESTION_STATE:
    case QUESTION_BLOCK:
        return keep_state(q, chain, out);
    case QUESTION_TX:
        return keep_tx(chain, result, len, out);
    case QUESTION_LOGS:
        if (q->at == AT_NUMBER) /* of blocks that may yet come or go nothing is kept */
            return keep_at(q->height, chain, out) && out->ttl_ns == 0;
        return keep_state(q, chain, out);
    default:
        return false;
    }
}
