/*
 * The stream to the node: subscriptions, whose answers and notifications are told apart by their
 * ids, and what a loss of the stream means for readers. The socket that lives proves nothing: heads
 * are watched by time, logs by the blocks' bloom filters (sync.c).
 */
#include "plugin.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <string.h>

enum { MS = 1000000 };

void link_open(struct evm *e)
{
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("ws")};
    int32_t code = e->streams->open(e->host, e->self, &spec, &e->stream);
    if (code != HAWSE_OK) {
        evm_log(e, HAWSE_LOG_ERROR, "stream \"ws\" cannot be opened (%d)", code);
        return;
    }
    (void)e->streams->channel(e->host, e->self, e->stream, hawse_text("heads"),
                              (uint64_t)e->set.heads_idle_ms * MS, &e->heads_channel);
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

void link_subscribe_logs(struct evm *e)
{
    char *out = (char *)e->scratch;
    static const char head[] = "[\"logs\",";
    memcpy(out, head, sizeof(head) - 1);
    uint64_t n = watches_filter(&e->watches, out + sizeof(head) - 1, e->scratch_cap / 2 - 64);
    e->watches_changed = false;
    if (n == 0) {
        e->logs_on = e->watches.count == 0;
        return;
    }
    n += sizeof(head) - 1;
    memcpy(out + n, "}]", 2);
    e->logs_call = send_request(e, "eth_subscribe", out, n + 2);
}

static void subscribe_all(struct evm *e)
{
    static const char heads[] = "[\"newHeads\"]", pending[] = "[\"newPendingTransactions\"]";
    e->heads_on = e->logs_on = false;
    e->heads_id[0] = e->logs_id[0] = e->pending_id[0] = '\0';
    e->heads_call = send_request(e, "eth_subscribe", heads, sizeof(heads) - 1);
    link_subscribe_logs(e);
    if (e->set.pending)
        e->pending_call = send_request(e, "eth_subscribe", pending, sizeof(pending) - 1);
}

void link_reconnect(struct evm *e, const char *why)
{
    (void)e->streams->reconnect(e->host, e->self, e->stream, hawse_text(why));
}

/* Heads are subscribed and the chain is the right one: ask where it stands. */
void link_try_join(struct evm *e)
{
    if (e->phase == PHASE_JOINING && e->heads_on && e->chain_ok &&
        (e->logs_on || e->watches.count == 0))
        ask_head(e);
}

void link_gap(struct evm *e, uint32_t reason, uint64_t from)
{
    if (e->gap_open || !e->chain.started)
        return;
    e->gap_open = true;
    e->gap_reason = reason;
    e->gap_from = from;
    e->late_logs = 0;
    e->epoch++;
    (void)sync_range(e, HAWSE_STREAM_EVENT_GAP, HAWSE_EVM_STREAM_BLOCKS, reason, e->gap_from,
                     HAWSE_POSITION_OPEN, 0);
    (void)sync_range(e, HAWSE_STREAM_EVENT_GAP, HAWSE_EVM_STREAM_LOGS, reason, e->gap_from,
                     HAWSE_POSITION_OPEN, 0);
    (void)e->streams->channel_state(e->host, e->self, e->heads_channel, HAWSE_CHANNEL_GAP);
    (void)e->streams->channel_state(e->host, e->self, e->logs_channel, HAWSE_CHANNEL_GAP);
}

static void on_stream_state(struct evm *e, const hawse_event_t *event)
{
    hawse_host_stream_state_t state;
    memcpy(&state, event->data, sizeof(state));
    if (state.state == HAWSE_STREAM_OPEN) {
        e->phase = PHASE_JOINING;
        e->chain_ok = false;
        ask_cancel(e);
        ask_chain_id(e);
        subscribe_all(e);
    } else if (state.state == HAWSE_STREAM_CLOSED && e->phase != PHASE_DOWN) {
        e->phase = PHASE_DOWN;
        e->heads_on = e->logs_on = false;
        link_gap(e, HAWSE_REASON_DISCONNECTED, sync_unsure_from(e));
        ask_cancel(e);
    }
}

void link_event(struct evm *e, const hawse_event_t *event)
{
    if (event->kind == HAWSE_HOST_STREAM_STATE) {
        on_stream_state(e, event);
    } else if (event->kind == HAWSE_HOST_CHANNEL_IDLE && event->key == e->heads_channel) {
        link_gap(e, HAWSE_REASON_SILENT, sync_unsure_from(e));
        link_reconnect(e, "no head came for too long");
    }
}

/* ---- frames ---- */

static bool same_id(const char *id, const hawse_view_t *v)
{
    size_t n = strlen(id);
    return n > 0 && v->len == n && memcmp(v->data, id, n) == 0;
}

static bool is_id(const char *id, const hawse_json_value_t *v)
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
    evm_log(e, HAWSE_LOG_ERROR, "the node refuses eth_subscribe: %.*s",
            (int)(raw.len < 300 ? raw.len : 300), (const char *)raw.data);
    link_reconnect(e, "the node refuses eth_subscribe");
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

/* The answer to one of our requests on the stream. */
static void on_reply(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t id, result;
    uint64_t n = 0;
    if (hawse_json_get(doc, root, "id", &id) != HAWSE_OK || hawse_json_u64(&id, &n) != HAWSE_OK ||
        n == 0)
        return;
    bool good = hawse_json_get(doc, root, "result", &result) == HAWSE_OK &&
                (result.kind == HAWSE_JSON_STRING || result.kind == HAWSE_JSON_NUMBER);
    if (!good) {
        if (n == e->heads_call || n == e->logs_call)
            on_refusal(e, doc, root);
    } else if (n == e->heads_call) {
        keep_id(e->heads_id, &result);
        e->heads_on = true;
    } else if (n == e->logs_call) {
        switch_logs(e, &result);
    } else if (n == e->pending_call) {
        keep_id(e->pending_id, &result);
    }
    link_try_join(e);
}

static void on_head(struct evm *e, const hawse_json_t *doc, hawse_json_value_t *result)
{
    struct chain_header header;
    if (wire_header(doc, result, &header) == HAWSE_OK)
        sync_head(e, &header, true);
    else
        evm_count(e, e->count.malformed, 1);
}

static void on_pending(struct evm *e, const hawse_json_value_t *result)
{
    hawse_evm_pending_tx_t tx = {.size = sizeof(tx), .chain_id = e->set.chain_id};
    if (result->kind == HAWSE_JSON_STRING &&
        hawse_hex_fixed(result->data, result->len, tx.hash, 32) == HAWSE_OK)
        (void)sync_publish(e, HAWSE_SPACE_EVM, HAWSE_EVM_PENDING_TX, HAWSE_EVM_STREAM_PENDING, 0,
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

int32_t link_frame(struct evm *e, const hawse_event_t *event)
{
    hawse_json_t doc;
    hawse_json_value_t root, method;
    struct wire_log log;
    hawse_view_t id;
    if (wire_log_known(&e->shapes, event->data, event->len, &id, &log) && same_id(e->logs_id, &id))
        return sync_push(e, &log, event->t_recv_ns);
    int32_t code = hawse_json_index(&doc, event->data, event->len, e->marks, MARKS_MAX);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK && root.kind != HAWSE_JSON_OBJECT)
        code = HAWSE_E_FORMAT;
    if (code == HAWSE_OK) {
        if (hawse_json_get(&doc, &root, "method", &method) == HAWSE_OK &&
            hawse_json_is(&method, "eth_subscription")) {
            code = on_notification(e, &doc, &root, &method, event->t_recv_ns);
            if (code >= 0)
                return code;
        } else {
            hawse_json_rewind(&root);
            on_reply(e, &doc, &root);
            return 1;
        }
    }
    evm_count(e, e->count.malformed, 1);
    evm_complain(e, "a frame of %llu bytes is not what a node sends (%d): %.*s",
                 (unsigned long long)event->len, code, (int)(event->len < 80 ? event->len : 80),
                 (const char *)event->data);
    return 1;
}
