/*
 * The stream to the node: subscriptions, whose answers and notifications are told apart by their
 * ids, and what a loss of the stream means for readers. The socket that lives proves nothing: heads
 * are watched by time, logs by the blocks' bloom filters (sync.c).
 */
#include "plugin.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRONG_CHAIN_MS = 10000, ANSWER_MS = 5000, SUBSCRIBE_MS = 10000 };

void link_open(struct evm *e)
{
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("ws")};
    int32_t code = e->streams->open(e->host, e->self, &spec, &e->stream);
    e->down_since_ns = evm_now(e);
    if (code != HAWSE_OK) {
        e->stream = 0;
        evm_log(e, e->set.polling ? HAWSE_LOG_WARN : HAWSE_LOG_ERROR,
                "stream \"ws\" cannot be opened (%d)", code);
        poll_begin(e, "there is no stream");
        return;
    }
    (void)e->streams->channel(e->host, e->self, e->stream, hawse_text("heads"),
                              (uint64_t)e->set.heads_idle_ms * EVM_MS, &e->heads_channel);
    (void)e->streams->channel(e->host, e->self, e->stream, hawse_text("logs"), 0, &e->logs_channel);
    if (e->set.pending)
        (void)e->streams->channel(e->host, e->self, e->stream, hawse_text("pending"), 0,
                                  &e->pending_channel);
}

static uint32_t send_request(struct evm *e, const char *method, const char *params, uint64_t len)
{
    uint64_t cap = e->scratch_cap / 2;
    char *out = (char *)e->scratch + cap; /* params may stand in the first half */
    uint32_t id = ++e->next_call;
    int n = snprintf(out, cap, "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":%.*s}",
                     id, method, (int)len, params);
    if (n < 0 || (uint64_t)n >= cap)
        return 0;
    hawse_view_t payload = {(const uint8_t *)out, (uint64_t)n};
    int32_t code = e->streams->send(e->host, e->self, e->stream, HAWSE_MESSAGE_TEXT, payload);
    return code == HAWSE_OK ? id : 0;
}

static void subscribe_logs(struct evm *e)
{
    char *out = (char *)e->scratch;
    static const char head[] = "[\"logs\",";
    memcpy(out, head, sizeof(head) - 1);
    uint64_t n = watches_filter(&e->watches, out + sizeof(head) - 1, e->scratch_cap / 2 - 64);
    if (n == 0) {
        e->logs_on = e->watches.count == 0;
        e->watches_changed = false;
        return;
    }
    n += sizeof(head) - 1;
    memcpy(out + n, "}]", 2);
    uint32_t id = send_request(e, "eth_subscribe", out, n + 2);
    if (id == 0)
        return; /* with the next tick */
    e->logs_call = id;
    e->logs_on = e->watches_changed = false;
}

void link_resubscribe(struct evm *e)
{
    e->watches_changed = true;
    subscribe_logs(e);
}

bool link_covers(const struct evm *e)
{
    return e->link == LINK_UP && !e->watches_changed && (e->logs_on || e->watches.count == 0);
}

static void reconnect(struct evm *e, const char *why)
{
    (void)e->streams->reconnect(e->host, e->self, e->stream, hawse_text(why));
}

static void ask_stream_chain(struct evm *e)
{
    e->chain_call = send_request(e, "eth_chainId", "[]", 2);
    e->stream_chain_again_ns = evm_now(e) + ANSWER_MS * EVM_MS;
}

static void join(struct evm *e)
{
    static const char heads[] = "[\"newHeads\"]", pending[] = "[\"newPendingTransactions\"]";
    e->link = LINK_JOINING;
    e->heads_on = e->logs_on = e->stream_chain_ok = false;
    e->heads_id[0] = e->logs_id[0] = e->pending_id[0] = '\0';
    e->heads_call = e->logs_call = e->pending_call = e->chain_call = e->head_call = 0;
    e->joining_ns = evm_now(e);
    if (!e->polling) {
        e->http_chain_ok = false;
        ask_cancel(e, Q_CHAIN);
        ask_chain_id(e);
    }
    ask_stream_chain(e);
    e->heads_call = send_request(e, "eth_subscribe", heads, sizeof(heads) - 1);
    subscribe_logs(e);
    if (e->set.pending)
        e->pending_call = send_request(e, "eth_subscribe", pending, sizeof(pending) - 1);
    if (e->heads_call == 0)
        reconnect(e, "nothing can be sent");
}

void link_ask_head(struct evm *e)
{
    static const char params[] = "[\"latest\",false]";
    uint64_t now = evm_now(e);
    if (e->head_call != 0 && now - e->head_asked_ns < ANSWER_MS * EVM_MS)
        return;
    e->head_asked_ns = now;
    e->head_call = send_request(e, "eth_getBlockByNumber", params, sizeof(params) - 1);
}

/* The chain is the right one and the subscriptions stand: the head of the same node is what the
 * pushes go on from. */
void link_try_join(struct evm *e)
{
    if (e->link == LINK_JOINING && e->heads_on && e->stream_chain_ok && e->http_chain_ok &&
        (e->logs_on || e->watches.count == 0))
        link_ask_head(e);
}

void link_lost(struct evm *e, uint32_t reason)
{
    if (e->phase == PHASE_WAITING)
        return;
    e->phase = PHASE_WAITING;
    if (e->chain.started || e->chain.rooted)
        gap_open(e, GAP_LINK, reason, e->chain.started ? check_unsure_from(e) : e->chain.first);
    for (uint32_t why = 0; why < Q_COUNT; why++)
        ask_cancel(e, (enum evm_purpose)why);
}

static void on_stream_state(struct evm *e, const hawse_event_t *event)
{
    hawse_host_stream_state_t state;
    memcpy(&state, event->data, sizeof(state));
    if (state.state == HAWSE_STREAM_OPEN) {
        join(e);
    } else if (state.state == HAWSE_STREAM_CLOSED && e->link != LINK_DOWN) {
        if (e->link == LINK_UP)
            e->down_since_ns = evm_now(e);
        e->link = LINK_DOWN;
        e->heads_on = e->logs_on = false;
        if (!e->polling)
            link_lost(e, HAWSE_REASON_DISCONNECTED);
    }
}

void link_silent(struct evm *e, const char *why)
{
    if (!e->polling)
        link_lost(e, HAWSE_REASON_SILENT);
    reconnect(e, why);
}

void link_event(struct evm *e, const hawse_event_t *event)
{
    if (event->kind == HAWSE_HOST_STREAM_STATE) {
        on_stream_state(e, event);
    } else if (event->kind == HAWSE_HOST_CHANNEL_IDLE && event->key == e->heads_channel) {
        link_silent(e, "no head came for too long");
    }
}

void link_tick(struct evm *e)
{
    if (e->link == LINK_DOWN)
        return;
    if (e->watches_changed)
        subscribe_logs(e);
    if (e->link != LINK_JOINING)
        return;
    if (!e->http_chain_ok)
        ask_chain_id(e);
    if (!e->stream_chain_ok && evm_now(e) >= e->stream_chain_again_ns)
        ask_stream_chain(e);
    if ((!e->heads_on || (!e->logs_on && e->watches.count > 0)) &&
        evm_now(e) - e->joining_ns >= SUBSCRIBE_MS * EVM_MS) {
        e->joining_ns = evm_now(e);
        reconnect(e, "the node does not answer eth_subscribe");
    }
    link_try_join(e);
}

/* ---- frames ---- */

static bool same_id(const char id[ID_MAX], const hawse_view_t *v)
{
    return v->len > 0 && v->len < ID_MAX && id[v->len] == '\0' && memcmp(v->data, id, v->len) == 0;
}

static bool is_id(const char id[ID_MAX], const hawse_json_value_t *v)
{
    hawse_view_t text = {v->data, v->len};
    return same_id(id, &text);
}

static void keep_id(char *out, const hawse_json_value_t *v)
{
    uint32_t n = v->len < ID_MAX - 1 ? v->len : ID_MAX - 1;
    memcpy(out, v->data, n);
    out[n] = '\0';
}

static void on_refusal(struct evm *e, const hawse_json_t *doc, const hawse_json_value_t *root)
{
    hawse_view_t raw = {NULL, 0};
    (void)hawse_json_raw(doc, root, &raw);
    evm_log(e, HAWSE_LOG_ERROR, "the node refuses what the stream asks: %.*s",
            (int)(raw.len < 300 ? raw.len : 300), (const char *)raw.data);
    reconnect(e, "the node refuses what the stream asks");
}

static void on_stream_chain(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *v)
{
    (void)doc;
    uint64_t id = 0;
    if (v->kind != HAWSE_JSON_STRING || hawse_hex_u64(v->data, v->len, &id) != HAWSE_OK)
        return; /* asked again in a while */
    e->stream_chain_ok = id == e->set.chain_id;
    if (e->stream_chain_ok)
        return;
    e->stream_chain_again_ns = evm_now(e) + WRONG_CHAIN_MS * EVM_MS;
    evm_log(e, HAWSE_LOG_ERROR,
            "endpoint \"ws\" answers for chain %llu, this plugin is for chain %llu: the stream is "
            "not used until the endpoint is put right",
            (unsigned long long)id, (unsigned long long)e->set.chain_id);
}

static void on_stream_head(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *v)
{
    struct chain_header header;
    if (wire_header(doc, v, &header) != HAWSE_OK) {
        evm_count(e, e->count.malformed, 1);
        reconnect(e, "the node's head is none");
        return;
    }
    if (e->link != LINK_UP)
        e->link_up_ns = evm_now(e);
    e->link = LINK_UP;
    e->down_since_ns = 0;
    poll_end(e);
    sync_head(e, &header, HEAD_ASKED);
}

/* The new subscription is there: the old one, if any, may go. */
static void switch_logs(struct evm *e, const hawse_json_value_t *id)
{
    char old[ID_MAX + 8];
    int len = snprintf(old, sizeof(old), "[\"%s\"]", e->logs_id);
    bool had = e->logs_id[0] != '\0';
    keep_id(e->logs_id, id);
    e->logs_on = true;
    if (had)
        (void)send_request(e, "eth_unsubscribe", old, (uint64_t)len);
}

/* Answers to our requests on the stream: whether each is there, and what it means. */
static void on_heads_reply(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *result)
{
    (void)doc;
    keep_id(e->heads_id, result);
    e->heads_on = true;
}

static void on_logs_reply(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *result)
{
    (void)doc;
    switch_logs(e, result);
}

static void on_pending_reply(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *result)
{
    (void)doc;
    keep_id(e->pending_id, result);
}

static void on_reply(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *root)
{
    const struct {
        uint32_t *call;
        void (*take)(struct evm *, const hawse_json_t *, hawse_json_value_t *);
        bool needed; /* without it the stream is of no use */
        bool name;   /* of a subscription */
    } kinds[] = {{&e->heads_call, on_heads_reply, true, true},
                 {&e->logs_call, on_logs_reply, true, true},
                 {&e->head_call, on_stream_head, true, false},
                 {&e->chain_call, on_stream_chain, false, false},
                 {&e->pending_call, on_pending_reply, false, true}};
    hawse_json_value_t id, result;
    uint64_t n = 0;
    if (hawse_json_get(doc, root, "id", &id) != HAWSE_OK || hawse_json_u64(&id, &n) != HAWSE_OK ||
        n == 0)
        return;
    bool good = hawse_json_get(doc, root, "result", &result) == HAWSE_OK;
    bool name = good && (result.kind == HAWSE_JSON_STRING || result.kind == HAWSE_JSON_NUMBER);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (*kinds[i].call != n)
            continue;
        *kinds[i].call = 0; /* read once, also when the frame comes again */
        if (kinds[i].name ? name : good)
            kinds[i].take(e, doc, &result);
        else if (kinds[i].needed)
            on_refusal(e, doc, root);
        break;
    }
    link_try_join(e);
}

static void on_head(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *result)
{
    struct chain_header header;
    if (wire_header(doc, result, &header) == HAWSE_OK)
        sync_head(e, &header, HEAD_PUSHED);
    else
        evm_count(e, e->count.malformed, 1);
}

static void on_pending(struct evm *e, const hawse_json_value_t *result)
{
    hawse_evm_pending_tx_t tx = {.size = sizeof(tx), .chain_id = e->set.chain_id};
    if (result->kind == HAWSE_JSON_STRING &&
        hawse_hex_fixed(result->data, result->len, tx.hash, 32) == HAWSE_OK)
        (void)say_publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_PENDING_TX, HAWSE_EVM_STREAM_PENDING, 0,
                          hawse_key(tx.hash, 32), &tx, sizeof(tx));
}

static int32_t on_notification(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *root,
                               const hawse_json_value_t *method, uint64_t t_recv_ns)
{
    hawse_json_value_t params, id, result;
    struct wire_places places;
    struct wire_log log;
    if (hawse_json_get(doc, root, "params", &params) != HAWSE_OK ||
        hawse_json_get(doc, &params, "subscription", &id) != HAWSE_OK ||
        hawse_json_get(doc, &params, "result", &result) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (is_id(e->logs_id, &id)) {
        int32_t code = wire_log(doc, &result, &places, &log);
        if (code != HAWSE_OK)
            return code;
        wire_log_learn(&e->shapes, doc, method, &id, &places);
        return sync_push(e, &log, t_recv_ns);
    }
    if (is_id(e->heads_id, &id)) {
        on_head(e, doc, &result);
        (void)e->streams->touch(e->host, e->self, e->heads_channel, 1);
    } else if (is_id(e->pending_id, &id)) {
        on_pending(e, &result);
    } else if (hawse_json_get(doc, &result, "topics", &params) == HAWSE_OK &&
               wire_log(doc, &result, &places, &log) == HAWSE_OK) {
        return sync_push(e, &log, t_recv_ns); /* before the answer that names its id */
    }
    return 1;
}

/* Reads one frame. 1 or 2: taken; 0: no room; an error: not what a node sends. */
static int32_t read_frame(struct evm *e, const hawse_event_t *event, uint32_t *marks, uint32_t cap)
{
    hawse_json_t doc;
    hawse_json_value_t root, method;
    int32_t code = hawse_json_index(&doc, event->data, event->len, marks, cap);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code != HAWSE_OK)
        return code;
    if (root.kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    if (hawse_json_get(&doc, &root, "method", &method) == HAWSE_OK &&
        hawse_json_is(&method, "eth_subscription"))
        return on_notification(e, &doc, &root, &method, event->t_recv_ns);
    hawse_json_rewind(&root);
    on_reply(e, &doc, &root);
    return 1;
}

int32_t link_frame(struct evm *e, const hawse_event_t *event)
{
    struct wire_log log;
    hawse_view_t id;
    if (wire_log_known(&e->shapes, event->data, event->len, &id, &log) &&
        same_id(e->logs_id, &id)) {
        int32_t took = sync_push(e, &log, event->t_recv_ns);
        if (took >= 0)
            return took;
    }
    int32_t code = read_frame(e, event, e->marks, MARKS_MAX);
    if (code == HAWSE_E_NOSPACE && event->len < UINT32_MAX - 2) { /* a head with thousands of
                                                                     transactions: seldom */
        uint32_t cap = (uint32_t)event->len + 2;
        uint32_t *marks = malloc((size_t)cap * sizeof(marks[0]));
        code = marks ? read_frame(e, event, marks, cap) : HAWSE_E_NOMEM;
        free(marks);
    }
    if (code >= 0)
        return code;
    evm_count(e, e->count.malformed, 1);
    evm_complain(e, "a frame of %llu bytes is not what a node sends (%d): %.*s",
                 (unsigned long long)event->len, code, (int)(event->len < 80 ? event->len : 80),
                 (const char *)event->data);
    sync_suspect(e); /* it may have been a log */
    return 1;
}
