/* Questions and how they end; see request.h. */
#include "request.h"

#include "report.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_CAP = EVM_FILTER_TEXT + 1024,
    ANSWER_MAX = 16 << 20,
    HTTP_REST_MS = 2000 /* after a failure the stream is asked for so long, when it can be */
};

static const char *const methods[] = {
    [REQUEST_CHAIN_ID] = "eth_chainId",        [REQUEST_SUBSCRIBE] = "eth_subscribe",
    [REQUEST_UNSUBSCRIBE] = "eth_unsubscribe", [REQUEST_HEAD] = "eth_getBlockByNumber",
    [REQUEST_FINAL] = "eth_getBlockByNumber",  [REQUEST_BY_NUMBER] = "eth_getBlockByNumber",
    [REQUEST_BY_HASH] = "eth_getBlockByHash",  [REQUEST_LOGS] = "eth_getLogs",
};

bool requests_init(struct requests *requests)
{
    requests->text = malloc(TEXT_CAP);
    return requests->text != NULL;
}

void requests_finish(struct requests *requests)
{
    free(requests->text);
    requests->text = NULL;
}

size_t evm_put_u64(char *out, uint64_t n)
{
    int len = snprintf(out, 19, "0x%llx", (unsigned long long)n);
    return len > 0 ? (size_t)len : 0;
}

/* ---- sending ---- */

static struct request *free_request(struct evm *e)
{
    for (int i = 0; i < EVM_REQUESTS; i++) {
        if (e->requests.list[i].id == 0)
            return &e->requests.list[i];
    }
    return NULL;
}

/* The params stand at text + HEAD_ROOM; the envelope is put before them, the end behind them. */
enum { HEAD_ROOM = 128 };

static int32_t send_stream(struct evm *e, struct request *r, size_t len)
{
    char head[HEAD_ROOM];
    int n = snprintf(head, sizeof(head),
                     "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%s\",\"params\":",
                     (unsigned long long)r->id, methods[r->kind]);
    if (n <= 0 || n >= HEAD_ROOM)
        return HAWSE_E_INTERNAL;
    char *begin = e->requests.text + HEAD_ROOM - n;
    memcpy(begin, head, (size_t)n);
    e->requests.text[HEAD_ROOM + len] = '}';
    hawse_view_t message = {(const uint8_t *)begin, (uint64_t)n + len + 1};
    r->http = false;
    r->deadline_ns = e->now + e->set.request_timeout_ms * EVM_MS;
    return e->streams->send(e->host, e->self, e->session.stream, HAWSE_MESSAGE_TEXT, message);
}

static int32_t send_http(struct evm *e, struct request *r, size_t len)
{
    hawse_rpc_call_t call = {
        .size = sizeof(call),
        .timeout_ms = (uint32_t)e->set.request_timeout_ms,
        .method = hawse_text(methods[r->kind]),
        .params = {(const uint8_t *)e->requests.text + HEAD_ROOM, len},
        .tag = r->id,
        .max_response = ANSWER_MAX,
    };
    r->http = true;
    /* the host's answer always comes; this is for the case that it does not */
    r->deadline_ns = e->now + (e->set.request_timeout_ms * 2 + 5000) * EVM_MS;
    int32_t code = e->rpc->call(e->host, e->self, &call, &r->handle);
    if (code == HAWSE_E_NOTFOUND || code == HAWSE_E_DENIED || code == HAWSE_E_UNSUPPORTED) {
        e->requests.no_http = true;
        if (code == HAWSE_E_DENIED)
            report_warn(e, WARN_REQUEST,
                        "%s over HTTP is not granted; asking over the endpoint \"ws\" instead: add "
                        "\"rpc\" to this instance's grants",
                        methods[r->kind]);
    }
    return code;
}

static bool stream_ready(const struct evm *e, enum request_kind kind)
{
    bool first = kind == REQUEST_CHAIN_ID; /* everything else waits until the chain is known */
    return e->session.stream != 0 && e->session.link >= (first ? LINK_CHECKING : LINK_SUBSCRIBING);
}

static bool http_ready(const struct evm *e, enum request_kind kind)
{
    return e->rpc && !e->requests.no_http && kind != REQUEST_SUBSCRIBE &&
           kind != REQUEST_UNSUBSCRIBE && (e->requests.http_checked || kind == REQUEST_CHAIN_ID);
}

enum way { WAY_ANY, WAY_STREAM, WAY_HTTP };

static int32_t ask(struct evm *e, struct request *draft, size_t len, enum way way)
{
    struct request *r = free_request(e);
    int32_t code = HAWSE_E_IO;
    if (!r)
        return HAWSE_E_LIMIT;
    *r = *draft;
    r->id = ++e->requests.last_id;
    bool http = way != WAY_STREAM && http_ready(e, r->kind);
    bool stream = way != WAY_HTTP && stream_ready(e, r->kind);
    if (http && (!stream || e->now >= e->requests.http_down_ns)) {
        code = send_http(e, r, len);
        stream = stream && code != HAWSE_OK;
    }
    if (stream)
        code = send_stream(e, r, len);
    if (code == HAWSE_OK)
        report_add(e, METRIC_REQUESTS, 1);
    else
        r->id = 0;
    return code;
}

static char *params(struct evm *e)
{
    return e->requests.text + HEAD_ROOM;
}

static size_t put(char *out, size_t at, const char *text)
{
    size_t len = strlen(text);
    memcpy(out + at, text, len);
    return at + len;
}

static size_t put_hash(char *out, size_t at, const uint8_t *bytes, size_t len)
{
    at = put(out, at, "\"0x");
    hawse_hex_encode(bytes, len, out + at);
    return put(out, at + len * 2, "\"");
}

static size_t put_number(char *out, size_t at, uint64_t n)
{
    at = put(out, at, "\"");
    at += evm_put_u64(out + at, n);
    return put(out, at, "\"");
}

int32_t request_chain_id(struct evm *e, bool http)
{
    struct request r = {.kind = REQUEST_CHAIN_ID, .number = http};
    return ask(e, &r, put(params(e), 0, "[]"), http ? WAY_HTTP : WAY_STREAM);
}

int32_t request_subscribe(struct evm *e, uint32_t what, const char *feed)
{
    struct request r = {.kind = REQUEST_SUBSCRIBE, .arg = what};
    char *out = params(e);
    size_t at = put(out, 0, "[\"");
    at = put(out, at, feed);
    at = put(out, at, "\"");
    if (what < EVM_CHUNKS_MAX) {
        r.number = e->filter.chunks[what].version;
        at = put(out, at, ",{");
        at += filter_text(&e->filter, what, out + at, EVM_FILTER_TEXT);
        at = put(out, at, "}");
    }
    return ask(e, &r, put(out, at, "]"), WAY_STREAM);
}

int32_t request_unsubscribe(struct evm *e, const struct upstream *up)
{
    struct request r = {.kind = REQUEST_UNSUBSCRIBE};
    char *out = params(e);
    size_t at = put(out, 0, "[");
    memcpy(out + at, up->id, up->id_len);
    return ask(e, &r, put(out, at + up->id_len, "]"), WAY_STREAM);
}

int32_t request_head(struct evm *e, bool final)
{
    struct request r = {.kind = final ? REQUEST_FINAL : REQUEST_HEAD};
    const char *text = final ? "[\"finalized\",false]" : "[\"latest\",false]";
    return ask(e, &r, put(params(e), 0, text), WAY_ANY);
}

int32_t request_by_number(struct evm *e, uint64_t number)
{
    struct request r = {.kind = REQUEST_BY_NUMBER, .number = number};
    char *out = params(e);
    size_t at = put_number(out, put(out, 0, "["), number);
    return ask(e, &r, put(out, at, ",false]"), WAY_ANY);
}

int32_t request_by_hash(struct evm *e, const uint8_t hash[32], uint64_t number)
{
    struct request r = {.kind = REQUEST_BY_HASH, .number = number};
    char *out = params(e);
    size_t at = put_hash(out, put(out, 0, "["), hash, 32);
    memcpy(r.hash, hash, 32);
    return ask(e, &r, put(out, at, ",false]"), WAY_ANY);
}

static size_t put_range(char *out, size_t at, uint64_t from, uint64_t to)
{
    at = put_number(out, put(out, at, "\"fromBlock\":"), from);
    return put_number(out, put(out, at, ",\"toBlock\":"), to);
}

int32_t request_logs(struct evm *e, const struct job *job)
{
    struct request r = {
        .kind = REQUEST_LOGS, .arg = (uint32_t)(job - e->sync.jobs), .number = job->serial};
    char *out = params(e);
    size_t at = put(out, 0, "[{");
    at = job->by_hash ? put_hash(out, put(out, at, "\"blockHash\":"), job->hash, 32)
                      : put_range(out, at, job->from, job->to);
    at = put(out, at, ",");
    at += filter_text(&e->filter, job->chunk, out + at, EVM_FILTER_TEXT);
    return ask(e, &r, put(out, at, "}]"), WAY_ANY);
}

bool request_pending(const struct evm *e, enum request_kind kind, uint64_t number,
                     const uint8_t *hash)
{
    for (int i = 0; i < EVM_REQUESTS; i++) {
        const struct request *r = &e->requests.list[i];
        if (r->id != 0 && r->kind == kind && r->number == number &&
            (!hash || memcmp(r->hash, hash, 32) == 0))
            return true;
    }
    return false;
}

uint32_t request_count(const struct evm *e, enum request_kind kind)
{
    uint32_t n = 0;
    for (int i = 0; i < EVM_REQUESTS; i++)
        n += e->requests.list[i].id != 0 && e->requests.list[i].kind == kind;
    return n;
}

/* ---- ending ---- */

static struct request *find(struct evm *e, uint64_t id)
{
    for (int i = 0; i < EVM_REQUESTS && id != 0; i++) {
        if (e->requests.list[i].id == id)
            return &e->requests.list[i];
    }
    return NULL;
}

static int finish(struct evm *e, struct request *r, struct reply *reply)
{
    struct request copy = *r;
    r->id = 0; /* the answer may lead to a new question */
    if (evm_reply(e, &copy, reply)) {
        if (reply->code != HAWSE_OK)
            report_add(e, METRIC_REQUEST_FAILURES, 1);
        return 1;
    }
    *r = copy; /* not taken: nothing was asked meanwhile that could have used its place */
    return 0;
}

int request_frame(struct evm *e, const struct decode_frame *frame)
{
    struct request *r = find(e, frame->id);
    struct reply reply = {.value = frame->value};
    if (!r || r->http)
        return 1; /* late: it was given up */
    if (frame->kind == DECODE_ERROR) {
        reply.code = HAWSE_E_REMOTE;
        decode_error(&e->decoder.doc, &reply.value, &reply.rpc_code, reply.text,
                     sizeof(reply.text));
    }
    return finish(e, r, &reply);
}

int request_done(struct evm *e, const hawse_event_t *event)
{
    const hawse_host_rpc_done_t *done = (const hawse_host_rpc_done_t *)(const void *)event->data;
    const uint8_t *body = event->data + sizeof(*done);
    if (event->len < sizeof(*done) || done->body_len > event->len - sizeof(*done))
        return 1;
    struct request *r = find(e, done->tag);
    if (!r || !r->http || r->handle != done->request)
        return 1;
    struct reply reply = {.code = done->status,
                          .rpc_code = done->rpc_code,
                          .http_status = done->http_status,
                          .retry_after_ms = done->retry_after_ms};
    int32_t code = decode_text(&e->decoder, body, done->body_len, &reply.value);
    int64_t unused;
    if (done->status == HAWSE_OK)
        reply.code = code;
    else if (done->status == HAWSE_E_REMOTE && code == HAWSE_OK)
        decode_error(&e->decoder.doc, &reply.value, &unused, reply.text, sizeof(reply.text));
    else
        (void)snprintf(reply.text, sizeof(reply.text), "%.*s",
                       (int)(done->body_len < 180 ? done->body_len : 180), (const char *)body);
    if (reply.code != HAWSE_OK && reply.code != HAWSE_E_REMOTE)
        e->requests.http_down_ns = e->now + HTTP_REST_MS * EVM_MS;
    int taken = finish(e, r, &reply);
    decode_rest(&e->decoder);
    return taken;
}

static void fail(struct evm *e, struct request *r, int32_t code, const char *why)
{
    struct reply reply = {.code = code};
    (void)snprintf(reply.text, sizeof(reply.text), "%s", why);
    (void)finish(e, r, &reply);
}

void requests_tick(struct evm *e)
{
    for (int i = 0; i < EVM_REQUESTS; i++) {
        struct request *r = &e->requests.list[i];
        if (r->id == 0 || e->now < r->deadline_ns)
            continue;
        if (r->http)
            (void)e->rpc->cancel(e->host, e->self, r->handle);
        fail(e, r, HAWSE_E_TIMEOUT, "no answer in time");
    }
}

void requests_drop_stream(struct evm *e)
{
    for (int i = 0; i < EVM_REQUESTS; i++) {
        struct request *r = &e->requests.list[i];
        if (r->id != 0 && !r->http)
            fail(e, r, HAWSE_E_IO, "the stream was lost");
    }
}
