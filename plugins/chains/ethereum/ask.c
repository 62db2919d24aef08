/*
 * Questions to the node by JSON-RPC, and what becomes of the answers. One question at a time stands
 * in the way of telling (`asking`); checks, the final block and the chain id are asked beside it. A
 * refused range is halved; anything that fails is asked again after a pause: silence is never the
 * end.
 */
#include "plugin.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS = 1000000, TAG_ANSWER = 1 };

static hawse_view_t view(const char *text)
{
    return hawse_text(text);
}

static uint64_t now(const struct evm *e)
{
    return e->host->now(e->host, HAWSE_CLOCK_MONOTONIC);
}

static bool call(struct evm *e, const char *method, const char *params, uint64_t params_len,
                 enum evm_ask what, hawse_request_t *request)
{
    hawse_rpc_call_t c = {.size = sizeof(c), .method = view(method), .tag = what};
    c.params.data = (const uint8_t *)params;
    c.params.len = params_len;
    int32_t code = e->rpc->call(e->host, e->self, &c, request);
    if (code == HAWSE_OK)
        return true;
    *request = 0;
    evm_complain(e, "%s could not be asked (%d): is endpoint \"http\" configured and rpc granted?",
                 method, code);
    return false;
}

/* The question that telling waits for. */
static void ask(struct evm *e, enum evm_ask what, const char *method, const char *params,
                uint64_t len)
{
    if (call(e, method, params, len, what, &e->ask_request))
        e->asking = what;
    else
        e->ask_again_ns = now(e) + 1000ull * MS;
}

void ask_cancel(struct evm *e)
{
    hawse_request_t *all[] = {&e->ask_request, &e->final_request, &e->check_request,
                              &e->chain_request, &e->head_request};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (*all[i])
            (void)e->rpc->cancel(e->host, e->self, *all[i]);
        *all[i] = 0;
    }
    e->asking = ASK_NONE;
}

void ask_chain_id(struct evm *e)
{
    if (!e->chain_request)
        (void)call(e, "eth_chainId", "[]", 2, ASK_CHAIN_ID, &e->chain_request);
}

void ask_head(struct evm *e)
{
    static const char params[] = "[\"latest\",false]";
    if (!e->head_request)
        (void)call(e, "eth_getBlockByNumber", params, sizeof(params) - 1, ASK_HEAD,
                   &e->head_request);
}

void ask_final(struct evm *e)
{
    static const char params[] = "[\"finalized\",false]";
    if (!e->final_request)
        (void)call(e, "eth_getBlockByNumber", params, sizeof(params) - 1, ASK_FINAL,
                   &e->final_request);
}

void ask_block_by_hash(struct evm *e, const uint8_t hash[32])
{
    char params[96], hex[64];
    hawse_hex_encode(hash, 32, hex);
    int n = snprintf(params, sizeof(params), "[\"0x%.64s\",false]", hex);
    memcpy(e->ask_hash, hash, 32);
    ask(e, ASK_BLOCK_BY_HASH, "eth_getBlockByHash", params, (uint64_t)n);
}

void ask_block_by_number(struct evm *e, uint64_t number)
{
    char params[64];
    int n = snprintf(params, sizeof(params), "[\"0x%llx\",false]", (unsigned long long)number);
    e->ask_from = number;
    ask(e, ASK_BLOCK_BY_NUMBER, "eth_getBlockByNumber", params, (uint64_t)n);
}

/* [{"address":[...], <rest>}] in scratch; 0 when nobody wants logs. */
static uint64_t logs_params(struct evm *e, const char *rest)
{
    char *out = (char *)e->scratch;
    out[0] = '[';
    uint64_t n = watches_filter(&e->watches, out + 1, e->scratch_cap - 256);
    if (n == 0)
        return 0;
    return 1 + n + (uint64_t)snprintf(out + 1 + n, 200, ",%s}]", rest);
}

void ask_logs_range(struct evm *e, uint64_t from, uint64_t to)
{
    char rest[96];
    (void)snprintf(rest, sizeof(rest), "\"fromBlock\":\"0x%llx\",\"toBlock\":\"0x%llx\"",
                   (unsigned long long)from, (unsigned long long)to);
    e->ask_from = from;
    e->ask_to = to;
    uint64_t n = logs_params(e, rest);
    if (n > 0)
        ask(e, ASK_RANGE, "eth_getLogs", (char *)e->scratch, n);
}

void ask_logs_of(struct evm *e, uint32_t slot, bool check)
{
    char rest[96], hex[64];
    const struct chain_block *b = &e->chain.blocks[slot];
    hawse_hex_encode(b->header.hash, 32, hex);
    (void)snprintf(rest, sizeof(rest), "\"blockHash\":\"0x%.64s\"", hex);
    uint64_t n = logs_params(e, rest);
    if (n == 0)
        return;
    if (check) {
        memcpy(e->check_hash, b->header.hash, 32);
        (void)call(e, "eth_getLogs", (char *)e->scratch, n, ASK_CHECK, &e->check_request);
        return;
    }
    e->ask_from = e->ask_to = 0; /* no range: that block */
    memcpy(e->ask_hash, b->header.hash, 32);
    ask(e, ASK_ONE, "eth_getLogs", (char *)e->scratch, n);
}

/* ---- answers ---- */

static void on_chain_id(struct evm *e, const hawse_json_value_t *v)
{
    uint64_t id = 0;
    if (v->kind != HAWSE_JSON_STRING || hawse_hex_u64(v->data, v->len, &id) != HAWSE_OK)
        return;
    if (id == e->set.chain_id) {
        e->chain_ok = true;
        link_try_join(e);
        return;
    }
    e->chain_ok = false;
    evm_log(e, HAWSE_LOG_ERROR,
            "endpoint \"http\" answers for chain %llu, this plugin is for chain %llu: nothing is "
            "told until the endpoint is put right",
            (unsigned long long)id, (unsigned long long)e->set.chain_id);
}

static void on_block(struct evm *e, enum evm_ask what, const hawse_json_t *doc,
                     hawse_json_value_t *v)
{
    struct chain_header header;
    bool good = v->kind == HAWSE_JSON_OBJECT && wire_header(doc, v, &header) == HAWSE_OK;
    if (!good) {
        if (what != ASK_FINAL) /* null: the node does not have it (yet, or any more) */
            e->ask_again_ns = now(e) + 200ull * MS;
        if (what == ASK_BLOCK_BY_HASH)
            ask_head(e); /* the branch may be gone: aim anew */
        return;
    }
    if (what == ASK_FINAL) {
        if (header.number > e->final_number && e->final_number > 0)
            (void)sync_range(e, HAWSE_STREAM_EVENT_FINAL, HAWSE_EVM_STREAM_BLOCKS, 0,
                             e->final_number + 1, header.number, 0);
        e->final_number = header.number > e->final_number ? header.number : e->final_number;
        return;
    }
    if (what == ASK_HEAD)
        sync_head(e, &header, false);
    else
        (void)chain_put(&e->chain, &header);
}

/* A server's refusal of a range: too many logs, too many blocks. */
static void on_refused(struct evm *e, enum evm_ask what, const hawse_host_rpc_done_t *done,
                       const uint8_t *body)
{
    evm_count(e, e->count.errors, 1);
    evm_complain(e, "the node refused a question (%d, HTTP %u, code %lld): %.*s", done->status,
                 done->http_status, (long long)done->rpc_code,
                 (int)(done->body_len < 200 ? done->body_len : 200), (const char *)body);
    uint64_t pause = done->retry_after_ms ? done->retry_after_ms : 100ull << (e->ask_failures & 7u);
    if (e->ask_failures < 6)
        e->ask_failures++;
    if (what == ASK_RANGE && e->range > 1)
        e->range /= 2;
    if (what == ASK_ONE) /* the block may be gone from the node's branch */
        ask_head(e);
    e->ask_again_ns = now(e) + pause * MS;
}

static void forget_request(struct evm *e, const hawse_host_rpc_done_t *done)
{
    hawse_request_t *all[] = {&e->final_request, &e->check_request, &e->chain_request,
                              &e->head_request};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (*all[i] == done->request)
            *all[i] = 0;
    }
    if (e->ask_request == done->request) {
        e->ask_request = 0;
        e->asking = ASK_NONE;
    }
}

static void on_result(struct evm *e, enum evm_ask what, const hawse_json_t *doc,
                      hawse_json_value_t *root)
{
    switch (what) {
    case ASK_CHAIN_ID:
        on_chain_id(e, root);
        break;
    case ASK_RANGE:
    case ASK_ONE:
        sync_logs_answer(e, doc, root);
        break;
    case ASK_CHECK:
        sync_check_answer(e, doc, root);
        break;
    default:
        on_block(e, what, doc, root);
    }
}

void ask_answer(struct evm *e, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    memcpy(&done, event->data, sizeof(done));
    const uint8_t *body = event->data + sizeof(done);
    enum evm_ask what = (enum evm_ask)done.tag;
    bool current = done.request == e->ask_request || done.request == e->final_request ||
                   done.request == e->check_request || done.request == e->chain_request ||
                   done.request == e->head_request;
    if (!current)
        return; /* canceled meanwhile */
    forget_request(e, &done);
    if (done.status != HAWSE_OK) {
        on_refused(e, what, &done, body);
        return;
    }
    /* an answer may have more marks than a frame: its own array, the size of which the text bounds
     */
    uint32_t cap = done.body_len < MARKS_MAX ? MARKS_MAX : (uint32_t)done.body_len + 2;
    uint32_t *marks = cap == MARKS_MAX ? e->marks : malloc((size_t)cap * sizeof(marks[0]));
    hawse_json_t doc;
    hawse_json_value_t root;
    if (marks && hawse_json_index(&doc, body, done.body_len, marks, cap) == HAWSE_OK &&
        hawse_json_root(&doc, &root) == HAWSE_OK) {
        e->ask_failures = 0;
        on_result(e, what, &doc, &root);
    } else {
        evm_count(e, e->count.malformed, 1);
        evm_complain(e, "the node's answer is no JSON");
        e->ask_again_ns = now(e) + 1000ull * MS;
    }
    if (marks != e->marks)
        free(marks);
}
