/* An address for requests: what answers there, how far it is, and what it can do. */
#include "doctor/internal.h"
#include "rpc/failure.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/types.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SLOW_MS = 500, MARKS = 2048, BLOCKS_LATE = 4, LATE_S = 60, AHEAD_S = 15 };

/* What the host asks for: a question, and what it is for. */
static const struct ability {
    const char *method, *params;
    bool vital; /* for sending; the others have a substitute */
    const char *why;
} abilities[] = {
    {"eth_feeHistory", "[\"0x5\",\"latest\",[50]]", true, "fees are offered from it"},
    {"eth_getTransactionCount", "[\"0x0000000000000000000000000000000000000001\",\"pending\"]",
     true, "nonces begin from it"},
    {"eth_getTransactionReceipt",
     "[\"0x0000000000000000000000000000000000000000000000000000000000000001\"]", true,
     "outcomes are read from it"},
    {"eth_getLogs",
     "[{\"fromBlock\":\"latest\",\"toBlock\":\"latest\","
     "\"address\":\"0x0000000000000000000000000000000000000001\"}]",
     true, "what a stream missed is filled in by it"},
    {"eth_simulateV1", "[{\"blockStateCalls\":[{\"calls\":[]}]},\"latest\"]", false,
     "the best simulation; eth_call with less to see is used without it"},
    {"debug_traceCall",
     "[{\"to\":\"0x0000000000000000000000000000000000000001\"},\"latest\","
     "{\"tracer\":\"callTracer\"}]",
     false, "re-entrancy and approvals are found by it"},
    {"eth_getBlockByNumber", "[\"finalized\",false]", false,
     "finality is counted in blocks without this tag"},
};

/* The class of an answer that is an error. */
static enum rpc_class class_of(const char *method, const struct answer *a)
{
    bool answered = a->http_status != 0 && (a->http_status < 200 || a->http_status > 299);
    enum rpc_form form = a->status == HAWSE_E_REMOTE || answered ? RPC_FORM_ERROR
                         : a->status == HAWSE_E_TIMEOUT          ? RPC_FORM_TIMEOUT
                         : a->status == HAWSE_E_FORMAT           ? RPC_FORM_UNREADABLE
                                                                 : RPC_FORM_BROKEN;
    struct rpc_answer answer = {.form = form,
                                .http_status = (int)a->http_status,
                                .method = method,
                                .method_len = strlen(method),
                                .message = a->text,
                                .message_len = a->len};
    return rpc_classify(&answer);
}

bool answer_lacks(const char *method, const struct answer *a)
{
    return a->status != HAWSE_OK && class_of(method, a) == RPC_METHOD_UNSUPPORTED;
}

static void examine_abilities(struct doctor *d, const char *where,
                              const struct config_endpoint *endpoint, bool sends)
{
    bool all = true;
    static struct answer a;
    for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++) {
        const struct ability *x = &abilities[i];
        ask(d, endpoint, x->method, x->params, &a);
        if (a.status == HAWSE_OK)
            continue;
        if (answer_lacks(x->method, &a) || !x->vital) {
            say(d, x->vital && sends ? DOCTOR_BAD : DOCTOR_NOTE, where,
                x->vital && sends ? "use a provider, or a plan of it, that has this method" : NULL,
                "no %s: %s", x->method, x->why);
        } else {
            say(d, DOCTOR_WARN, where, rpc_policy(class_of(x->method, &a))->what,
                "%s failed (%s): %.200s", x->method, rpc_policy(class_of(x->method, &a))->name,
                a.text);
        }
        all = false;
    }
    if (all)
        say(d, DOCTOR_GOOD, where, NULL, "has every method that hawse asks for");
}

/* How many blocks may be asked for at once: gaps are filled in parts of that size. */
static void examine_range(struct doctor *d, const char *where,
                          const struct config_endpoint *endpoint, uint64_t head)
{
    static const uint64_t ranges[] = {10000, 2000, 500, 100};
    static struct answer a;
    char params[256];
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        if (head < ranges[i])
            continue;
        (void)snprintf(params, sizeof(params),
                       "[{\"fromBlock\":\"0x%" PRIx64 "\",\"toBlock\":\"0x%" PRIx64
                       "\",\"address\":\"0x0000000000000000000000000000000000000001\"}]",
                       head - ranges[i] + 1, head);
        ask(d, endpoint, "eth_getLogs", params, &a);
        if (a.status == HAWSE_OK) {
            say(d, i == 0 ? DOCTOR_GOOD : DOCTOR_NOTE, where, NULL,
                "gives logs of %" PRIu64 " blocks at once", ranges[i]);
            return;
        }
    }
}

/* "number" and "timestamp" of a block. */
static bool read_block(const struct answer *a, uint64_t *number, uint64_t *time)
{
    static uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root, n, t;
    return a->status == HAWSE_OK && a->whole &&
           hawse_json_index(&doc, (const uint8_t *)a->text, a->len, marks, MARKS) == HAWSE_OK &&
           hawse_json_root(&doc, &root) == HAWSE_OK && root.kind == HAWSE_JSON_OBJECT &&
           hawse_json_get(&doc, &root, "number", &n) == HAWSE_OK &&
           hawse_json_get(&doc, &root, "timestamp", &t) == HAWSE_OK &&
           hawse_hex_u64(n.data, n.len, number) == HAWSE_OK &&
           hawse_hex_u64(t.data, t.len, time) == HAWSE_OK;
}

static void examine_head(struct doctor *d, const char *where,
                         const struct config_endpoint *endpoint, uint32_t block_ms,
                         struct view_of_chain *view)
{
    static struct answer a;
    uint64_t number = 0;
    if (!ask_number(d, endpoint, "eth_blockNumber", NULL, &a, &number)) {
        say(d, DOCTOR_BAD, where, NULL, "does not tell its newest block: %.200s", a.text);
        return;
    }
    view->head = number;
    /* without its transactions a block may still be larger than an answer here: its header is not
     */
    ask(d, endpoint, "eth_getBlockByNumber", "[\"latest\",false]", &a);
    if (!read_block(&a, &view->head, &view->head_time)) {
        say(d, a.whole ? DOCTOR_WARN : DOCTOR_NOTE, where, NULL,
            "newest block %" PRIu64 "; its time cannot be read", number);
        return;
    }
    int64_t age = (int64_t)(loop_utc() / 1000000000) - (int64_t)view->head_time;
    int64_t late = block_ms ? (int64_t)block_ms * BLOCKS_LATE / 1000 + 10 : LATE_S;
    if (age > late)
        say(d, DOCTOR_WARN, where,
            "the node is behind or its chain stands still; or this machine's clock is ahead: see "
            "timedatectl",
            "newest block %" PRIu64 " is %" PRId64 " s old, expected at most %" PRId64, view->head,
            age, late);
    else if (age < -AHEAD_S)
        say(d, DOCTOR_WARN, where, "this machine's clock is behind: see timedatectl",
            "newest block %" PRIu64 " is %" PRId64 " s in the future", view->head, -age);
    else
        say(d, DOCTOR_GOOD, where, NULL, "newest block %" PRIu64 ", %" PRId64 " s old", view->head,
            age);
}

static void examine_evm(struct doctor *d, const char *where, const struct config_endpoint *endpoint,
                        uint64_t expected, uint32_t block_ms, bool sends,
                        struct view_of_chain *view)
{
    static struct answer a;
    if (expected != 0 && view->chain_id != expected) {
        char fix[160];
        (void)snprintf(fix, sizeof(fix),
                       "the URL is of another network, or chain_id should be %" PRIu64,
                       view->chain_id);
        say(d, DOCTOR_BAD, where, fix, "speaks for chain %" PRIu64 ", expected %" PRIu64,
            view->chain_id, expected);
        return;
    }
    ask(d, endpoint, "web3_clientVersion", NULL, &a);
    say(d, DOCTOR_GOOD, where, NULL, "chain %" PRIu64 "%s%.80s", view->chain_id,
        a.status == HAWSE_OK ? ", " : "", a.status == HAWSE_OK ? a.text : "");
    examine_head(d, where, endpoint, block_ms, view);
    examine_abilities(d, where, endpoint, sends);
    examine_range(d, where, endpoint, view->head);
}

/* Of three, so that the first one's handshake does not count. */
static void examine_delay(struct doctor *d, const char *where,
                          const struct config_endpoint *endpoint, const char *method)
{
    static struct answer a;
    uint64_t best = UINT64_MAX, first = 0;
    for (int i = 0; i < 3; i++) {
        ask(d, endpoint, method, NULL, &a);
        if (a.status == HAWSE_OK && a.elapsed_ns < best)
            best = a.elapsed_ns;
        if (i == 0)
            first = a.elapsed_ns;
    }
    if (best == UINT64_MAX)
        return;
    say(d, best / 1000000 > SLOW_MS ? DOCTOR_WARN : DOCTOR_GOOD, where,
        best / 1000000 > SLOW_MS ? "a provider nearer to this machine, or a larger plan" : NULL,
        "answers within %.1f ms, the first time within %.1f", (double)best / 1e6,
        (double)first / 1e6);
}

enum speaks examine_http(struct doctor *d, const char *where,
                         const struct config_endpoint *endpoint, uint64_t chain_id,
                         uint32_t block_ms, bool sends, struct view_of_chain *view)
{
    static struct answer a, b;
    if (ask_number(d, endpoint, "eth_chainId", NULL, &a, &view->chain_id)) {
        examine_delay(d, where, endpoint, "eth_chainId");
        examine_evm(d, where, endpoint, chain_id, block_ms, sends, view);
        return SPEAKS_EVM;
    }
    if (a.http_status == 0 && a.status != HAWSE_E_REMOTE) {
        say(d, DOCTOR_BAD, where, "see that the URL is right and that this machine may go there",
            "does not answer: %.300s", a.text);
        return SPEAKS_NOTHING;
    }
    enum rpc_class class = class_of("eth_chainId", &a);
    if (class == RPC_AUTH || class == RPC_QUOTA_EXHAUSTED || class == RPC_RATE_LIMITED) {
        say(d, DOCTOR_BAD, where, rpc_policy(class)->what, "refuses us (%s): HTTP %u, %.200s",
            rpc_policy(class)->name, a.http_status, a.text);
        return SPEAKS_NOTHING;
    }
    if (chain_id == 0) {
        ask(d, endpoint, "getHealth", NULL, &b);
        if (b.status == HAWSE_OK || b.status == HAWSE_E_REMOTE) {
            bool well = b.status == HAWSE_OK && strcmp(b.text, "\"ok\"") == 0;
            examine_delay(d, where, endpoint, "getSlot");
            say(d, well ? DOCTOR_GOOD : DOCTOR_WARN, where,
                well ? NULL : "another node, until this one has caught up", "a Solana node, %.200s",
                b.text);
            return SPEAKS_SOLANA;
        }
        say(d, DOCTOR_NOTE, where, NULL, "answers HTTP (%u to a JSON-RPC question)", a.http_status);
        return SPEAKS_HTTP;
    }
    say(d, DOCTOR_BAD, where, "see that the URL is that of the JSON-RPC service",
        "speaks no Ethereum JSON-RPC: HTTP %u, %.200s", a.http_status, a.text);
    return SPEAKS_HTTP;
}
