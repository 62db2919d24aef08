/*
 * Questions to the node over HTTP, and what becomes of the answers. One at a time for each purpose
 * (enum evm_purpose). A question that was refused, or whose answer was no use, is asked again after
 * a pause that doubles up to a limit: never in a loop, and silence is never the end.
 */
#include "plugin.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS = 100, PAUSE_DOUBLINGS = 5, WRONG_CHAIN_MS = 10000 };

bool ask_ready(const struct evm *e, enum evm_purpose why)
{
    return !e->q[why].request && evm_now(e) >= e->q[why].again_ns;
}

void ask_pause(struct evm *e, enum evm_purpose why)
{
    struct evm_question *q = &e->q[why];
    q->again_ns = evm_now(e) + ((uint64_t)PAUSE_MS << q->failures) * EVM_MS;
    if (q->failures < PAUSE_DOUBLINGS)
        q->failures++;
}

void ask_cancel(struct evm *e, enum evm_purpose why)
{
    if (e->q[why].request)
        (void)e->rpc->cancel(e->host, e->self, e->q[why].request);
    e->q[why].request = 0;
}

static void ask(struct evm *e, enum evm_purpose why, enum evm_ask what, const char *method,
                const char *params, uint64_t len)
{
    hawse_rpc_call_t c = {.size = sizeof(c), .method = hawse_text(method), .tag = what};
    c.params.data = (const uint8_t *)params;
    c.params.len = len;
    int32_t code = e->rpc->call(e->host, e->self, &c, &e->q[why].request);
    if (code == HAWSE_OK)
        return;
    e->q[why].request = 0;
    evm_complain(e, "%s could not be asked (%d): is endpoint \"http\" configured and rpc granted?",
                 method, code);
    ask_pause(e, why);
}

void ask_chain_id(struct evm *e)
{
    if (ask_ready(e, Q_CHAIN))
        ask(e, Q_CHAIN, ASK_CHAIN_ID, "eth_chainId", "[]", 2);
}

static void ask_latest(struct evm *e, enum evm_ask what)
{
    static const char params[] = "[\"latest\",false]";
    if (ask_ready(e, Q_HEAD))
        ask(e, Q_HEAD, what, "eth_getBlockByNumber", params, sizeof(params) - 1);
}

void ask_head(struct evm *e)
{
    ask_latest(e, ASK_HEAD);
}

void ask_second(struct evm *e)
{
    ask_latest(e, ASK_SECOND);
}

void ask_final(struct evm *e)
{
    static const char params[] = "[\"finalized\",false]";
    if (ask_ready(e, Q_FINAL))
        ask(e, Q_FINAL, ASK_FINAL, "eth_getBlockByNumber", params, sizeof(params) - 1);
}

void ask_block(struct evm *e, const uint8_t hash[32])
{
    char params[96], hex[64];
    hawse_hex_encode(hash, 32, hex);
    int n = snprintf(params, sizeof(params), "[\"0x%.64s\",false]", hex);
    memcpy(e->q[Q_TELL].hash, hash, 32);
    ask(e, Q_TELL, ASK_BLOCK, "eth_getBlockByHash", params, (uint64_t)n);
}

void ask_number(struct evm *e, enum evm_purpose why, enum evm_ask what, uint64_t number)
{
    char params[64];
    int n = snprintf(params, sizeof(params), "[\"0x%llx\",false]", (unsigned long long)number);
    ask(e, why, what, "eth_getBlockByNumber", params, (uint64_t)n);
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
    e->q[Q_TELL].from = from;
    e->q[Q_TELL].to = to;
    uint64_t n = logs_params(e, rest);
    if (n > 0)
        ask(e, Q_TELL, ASK_RANGE, "eth_getLogs", (char *)e->scratch, n);
}

void ask_logs_of(struct evm *e, enum evm_purpose why, uint32_t slot)
{
    char rest[96], hex[64];
    const struct chain_block *b = &e->chain.blocks[slot];
    hawse_hex_encode(b->header.hash, 32, hex);
    (void)snprintf(rest, sizeof(rest), "\"blockHash\":\"0x%.64s\"", hex);
    uint64_t n = logs_params(e, rest);
    if (n == 0)
        return;
    memcpy(e->q[why].hash, b->header.hash, 32);
    ask(e, why, why == Q_CHECK ? ASK_CHECK : ASK_ONE, "eth_getLogs", (char *)e->scratch, n);
}

void ask_whole(struct evm *e, enum evm_purpose why, uint32_t slot)
{
    char params[112], hex[64];
    const struct chain_block *b = &e->chain.blocks[slot];
    hawse_hex_encode(b->header.hash, 32, hex);
    int n = snprintf(params, sizeof(params), "[{\"blockHash\":\"0x%.64s\"}]", hex);
    memcpy(e->q[why].hash, b->header.hash, 32);
    ask(e, why, why == Q_CHECK ? ASK_CHECK_WHOLE : ASK_WHOLE, "eth_getLogs", params, (uint64_t)n);
}

/* ---- answers ---- */

static void on_chain_id(struct evm *e, const hawse_json_value_t *v)
{
    uint64_t id = 0;
    if (v->kind != HAWSE_JSON_STRING || hawse_hex_u64(v->data, v->len, &id) != HAWSE_OK) {
        ask_pause(e, Q_CHAIN);
        return;
    }
    e->http_chain_ok = id == e->set.chain_id;
    if (e->http_chain_ok) {
        link_try_join(e);
        return;
    }
    e->q[Q_CHAIN].again_ns = evm_now(e) + WRONG_CHAIN_MS * EVM_MS;
    evm_log(e, HAWSE_LOG_ERROR,
            "endpoint \"http\" answers for chain %llu, this plugin is for chain %llu: nothing is "
            "told until the endpoint is put right",
            (unsigned long long)id, (unsigned long long)e->set.chain_id);
}

/* header is NULL when the node does not have the block (yet, or any more). */
static void on_block(struct evm *e, enum evm_ask what, enum evm_purpose why,
                     const struct chain_header *header)
{
    if (what == ASK_PROOF || what == ASK_CHECK_PROOF) {
        if (what == ASK_PROOF)
            fetch_proof(e, header);
        else
            check_proof(e, header);
        return;
    }
    if (!header) {
        ask_pause(e, why);
        if (what == ASK_BLOCK && e->q[why].failures >= 3)
            e->head_wanted = true; /* its branch may be gone: see where the chain stands */
        return;
    }
    e->q[why].failures = 0;
    if (what == ASK_FINAL)
        final_answer(e, header);
    else if (what == ASK_HEAD)
        sync_head(e, header, HEAD_ASKED);
    else if (what == ASK_SECOND)
        silence_answer(e, header);
    else if (what == ASK_MILESTONE)
        sync_milestone(e, header);
    else if (memcmp(header->hash, e->q[why].hash, 32) != 0 ||
             chain_put(&e->chain, header) == CHAIN_NONE)
        ask_pause(e, why); /* not what was asked for, or it contradicts what is known */
}

/* A server's refusal: too many logs, too many blocks, too many questions; or no answer at all. */
static void on_refused(struct evm *e, enum evm_ask what, enum evm_purpose why,
                       const hawse_host_rpc_done_t *done, const uint8_t *body)
{
    evm_count(e, e->count.errors, 1);
    evm_complain(e, "the node refused a question (%d, HTTP %u, code %lld): %.*s", done->status,
                 done->http_status, (long long)done->rpc_code,
                 (int)(done->body_len < 200 ? done->body_len : 200), (const char *)body);
    ask_pause(e, why);
    if (done->retry_after_ms > 0)
        e->q[why].again_ns = evm_now(e) + done->retry_after_ms * EVM_MS;
    if (what == ASK_RANGE && e->range > 1)
        e->range /= 2;
    if ((what == ASK_ONE || what == ASK_WHOLE) &&
        e->q[why].failures >= 2) /* the block may be gone from its branch */
        e->head_wanted = true;
}

static void on_result(struct evm *e, enum evm_ask what, enum evm_purpose why,
                      const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct chain_header header;
    switch (what) {
    case ASK_CHAIN_ID:
        on_chain_id(e, root);
        break;
    case ASK_RANGE:
    case ASK_ONE:
    case ASK_WHOLE:
        fetch_answer(e, what, doc, root);
        break;
    case ASK_CHECK:
    case ASK_CHECK_WHOLE:
        check_answer(e, what, doc, root);
        break;
    default:
        on_block(e, what, why, wire_header(doc, root, &header) == HAWSE_OK ? &header : NULL);
    }
}

static bool find_question(struct evm *e, hawse_request_t request, enum evm_purpose *why)
{
    for (uint32_t i = 0; i < Q_COUNT; i++) {
        if (request == 0 || e->q[i].request != request)
            continue;
        e->q[i].request = 0;
        *why = (enum evm_purpose)i;
        return true;
    }
    return false;
}

void ask_answer(struct evm *e, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    memcpy(&done, event->data, sizeof(done));
    const uint8_t *body = event->data + sizeof(done);
    enum evm_ask what = (enum evm_ask)done.tag;
    enum evm_purpose why;
    if (!find_question(e, done.request, &why))
        return; /* canceled meanwhile */
    if (done.status != HAWSE_OK) {
        on_refused(e, what, why, &done, body);
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
        on_result(e, what, why, &doc, &root);
    } else {
        evm_count(e, e->count.malformed, 1);
        evm_complain(e, "the node's answer is no JSON");
        ask_pause(e, why);
    }
    if (marks != e->marks)
        free(marks);
}
