/* See session.h. */
#include "session.h"

#include "backfill.h"
#include "report.h"
#include "request.h"
#include "sync.h"
#include "teller.h"

#include <stdio.h>
#include <string.h>

enum {
    DEMAND_REST_MS = 20,         /* demands come in bursts: subscribe once for all of them */
    RESUBSCRIBE_REST_MS = 30000, /* silent again within this: the connection is at fault */
    WRONG_CHAIN_MS = 60000
};

/* ---- start and stop ---- */

static int32_t need_http(struct evm *e, const char *why)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "%s needs an endpoint \"http\", and there is none", why);
    return hawse_fail(e->host, e->self, HAWSE_E_NOTFOUND, text,
                      "add endpoints.http to this instance, and \"rpc\" to its grants");
}

int32_t session_start(struct evm *e)
{
    struct session *ses = &e->session;
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("ws")};
    ses->down_since_ns = e->now;
    if (e->set.poll) {
        ses->polling = true;
        report_set(e, METRIC_POLLING, 1);
        return e->rpc ? HAWSE_OK : need_http(e, "settings.transport \"poll\"");
    }
    int32_t code = e->streams->open(e->host, e->self, &spec, &ses->stream);
    if (code == HAWSE_E_NOTFOUND)
        return hawse_fail(e->host, e->self, code, "the endpoint \"ws\" is not configured",
                          "add endpoints.ws with a ws:// or wss:// URL, or set "
                          "settings.transport to \"poll\"");
    if (code != HAWSE_OK)
        return code;
    (void)e->streams->channel(e->host, e->self, ses->stream, hawse_text("heads"),
                              e->set.heads_idle_ms * EVM_MS, &ses->heads_channel);
    (void)e->streams->channel(e->host, e->self, ses->stream, hawse_text("logs"), 0,
                              &ses->logs_channel);
    if (e->set.pending_transactions)
        (void)e->streams->channel(e->host, e->self, ses->stream, hawse_text("pending"), 0,
                                  &ses->pending_channel);
    return HAWSE_OK;
}

void session_stop(struct evm *e)
{
    if (e->session.stream != 0)
        (void)e->streams->close(e->host, e->self, e->session.stream);
    e->session.stream = 0;
    e->session.link = LINK_DOWN;
}

/* ---- the stream comes and goes ---- */

static void forget_upstream(struct evm *e)
{
    struct session *ses = &e->session;
    memset(&ses->heads, 0, sizeof(ses->heads));
    memset(&ses->pending, 0, sizeof(ses->pending));
    memset(ses->chunks, 0, sizeof(ses->chunks));
    filter_unsure(&e->filter);
}

static void lost(struct evm *e)
{
    struct session *ses = &e->session;
    if (ses->link == LINK_DOWN)
        return;
    ses->link = LINK_DOWN;
    ses->down_since_ns = e->now;
    forget_upstream(e);
    requests_drop_stream(e);
    if (!ses->polling)
        sync_interrupt(e, HAWSE_REASON_DISCONNECTED, true);
    if (e->set.pending_transactions)
        teller_gap(e, HAWSE_EVM_STREAM_PENDING, HAWSE_REASON_DISCONNECTED, 0, HAWSE_POSITION_OPEN);
}

void session_state(struct evm *e, const hawse_event_t *event)
{
    const hawse_host_stream_state_t *state =
        (const hawse_host_stream_state_t *)(const void *)event->data;
    struct session *ses = &e->session;
    if (event->len < sizeof(*state) || state->stream != ses->stream || ses->stream == 0)
        return;
    teller_wake(e);
    if (state->state == HAWSE_STREAM_CLOSED) {
        lost(e);
    } else if (state->state == HAWSE_STREAM_OPEN) {
        lost(e); /* should a CLOSED have been left out */
        ses->link = LINK_CHECKING;
        ses->strikes = 0;
        ses->check_retry_ns = 0;
    }
}

void session_idle(struct evm *e, const hawse_event_t *event)
{
    const hawse_host_channel_idle_t *idle =
        (const hawse_host_channel_idle_t *)(const void *)event->data;
    if (event->len < sizeof(*idle) || idle->channel != e->session.heads_channel)
        return;
    e->sync.want_head = true; /* is it the chain that is quiet, or the subscription? */
    teller_wake(e);
}

/* ---- which chain is it? ---- */

static void wrong_chain(struct evm *e, bool http, uint64_t found)
{
    struct session *ses = &e->session;
    char text[240], hint[160];
    (void)snprintf(
        text, sizeof(text),
        "endpoint \"%s\": the node is on chain %llu, this instance is for %s, chain %llu",
        http ? "http" : "ws", (unsigned long long)found, evm_chain_params.name,
        (unsigned long long)e->set.chain_id);
    (void)snprintf(hint, sizeof(hint), "put the URL of a node of chain %llu there",
                   (unsigned long long)e->set.chain_id);
    if (http ? !e->requests.http_confirmed : !ses->confirmed) {
        ses->failed = true; /* a mistake of the configuration, not of the node */
        (void)hawse_fail(e->host, e->self, HAWSE_E_INVAL, text, hint);
        return;
    }
    report_log(e, HAWSE_LOG_ERROR, "%s; nothing it says is used", text);
    ses->check_retry_ns = e->now + WRONG_CHAIN_MS * EVM_MS;
    if (!http)
        (void)e->streams->reconnect(e->host, e->self, ses->stream, hawse_text(text));
}

void session_chain_id(struct evm *e, const struct request *request, struct reply *reply)
{
    struct session *ses = &e->session;
    uint64_t id = 0;
    bool http = request->number != 0;
    int32_t code = reply->code;
    if (code == HAWSE_OK)
        code = decode_quantity(&reply->value, &id);
    teller_wake(e);
    if (code != HAWSE_OK) {
        ses->check_retry_ns = e->now + 500 * EVM_MS;
        report_warn(e, WARN_REQUEST,
                    "endpoint \"%s\": eth_chainId failed: code %d, JSON-RPC %lld, HTTP %u: %s; "
                    "asking again",
                    http ? "http" : "ws", code, (long long)reply->rpc_code, reply->http_status,
                    reply->text);
        return;
    }
    if (id != e->set.chain_id) {
        wrong_chain(e, http, id);
        return;
    }
    if (http) {
        e->requests.http_checked = e->requests.http_confirmed = true;
        if (ses->polling)
            sync_recover(e);
    } else if (ses->link == LINK_CHECKING) {
        ses->confirmed = true;
        ses->link = LINK_SUBSCRIBING;
    }
}

static void check_chain(struct evm *e)
{
    struct session *ses = &e->session;
    struct requests *r = &e->requests;
    if (e->now < ses->check_retry_ns)
        return;
    if (e->rpc && !r->no_http && !r->http_checked &&
        !request_pending(e, REQUEST_CHAIN_ID, 1, NULL) && request_chain_id(e, true) != HAWSE_OK &&
        !r->no_http)
        ses->check_retry_ns = e->now + 500 * EVM_MS;
    if (r->no_http && e->set.poll && !ses->failed) {
        ses->failed = true;
        (void)need_http(e, "settings.transport \"poll\"");
    }
    if (ses->link == LINK_CHECKING && !request_pending(e, REQUEST_CHAIN_ID, 0, NULL) &&
        request_chain_id(e, false) != HAWSE_OK)
        ses->check_retry_ns = e->now + EVM_TICK_MS * EVM_MS;
}

/* ---- subscriptions ---- */

static struct upstream *upstream_of(struct evm *e, uint32_t what)
{
    if (what == SESSION_HEADS)
        return &e->session.heads;
    if (what == SESSION_PENDING)
        return &e->session.pending;
    return what < EVM_CHUNKS_MAX ? &e->session.chunks[what] : NULL;
}

static const char *feed_of(uint32_t what)
{
    return what == SESSION_HEADS     ? "newHeads"
           : what == SESSION_PENDING ? "newPendingTransactions"
                                     : "logs";
}

static void subscribe(struct evm *e, uint32_t what, uint32_t version)
{
    struct upstream *up = upstream_of(e, what);
    if (up->version == version || up->asked != 0 || e->now < up->retry_ns)
        return;
    if (request_subscribe(e, what, feed_of(what)) == HAWSE_OK)
        up->asked = version;
    else
        up->retry_ns = e->now + EVM_TICK_MS * EVM_MS;
}

static void unsubscribe(struct evm *e, struct upstream *up)
{
    if (up->id_len > 0)
        (void)request_unsubscribe(e, up);
    up->id_len = 0;
}

static bool chunk_ready(const struct evm *e, uint32_t chunk)
{
    return e->filter.chunks[chunk].addresses == 0 || e->session.chunks[chunk].version != 0;
}

/* Everything is subscribed: what was missed meanwhile can be found out. */
static void check_ready(struct evm *e)
{
    struct session *ses = &e->session;
    if (ses->link != LINK_SUBSCRIBING || ses->heads.version == 0)
        return;
    for (uint32_t i = 0; i < e->filter.chunk_count; i++) {
        if (!chunk_ready(e, i))
            return;
    }
    ses->link = LINK_READY;
    ses->last_head_ns = e->now;
    if (ses->polling)
        report_log(e, HAWSE_LOG_INFO, "the stream is back: no more polling");
    ses->polling = false;
    report_set(e, METRIC_POLLING, 0);
    sync_recover(e);
}

static void refused(struct evm *e, uint32_t what, const struct reply *reply)
{
    struct upstream *up = upstream_of(e, what);
    up->asked = 0;
    up->retry_ns = e->now + backfill_backoff_ns(reply, 3 + up->attempts++);
    report_warn(e, WARN_SUBSCRIBE,
                "endpoint \"ws\": eth_subscribe %s was refused: code %d, JSON-RPC %lld: %s; asking "
                "again",
                feed_of(what), reply->code, (long long)reply->rpc_code, reply->text);
}

void session_subscribed(struct evm *e, const struct request *request, struct reply *reply)
{
    struct upstream *up = upstream_of(e, request->arg);
    hawse_view_t id;
    teller_wake(e);
    if (!up || up->asked == 0)
        return;
    if (reply->code == HAWSE_OK &&
        (hawse_json_raw(&e->decoder.doc, &reply->value, &id) != HAWSE_OK || id.len >= EVM_ID_MAX ||
         (reply->value.kind != HAWSE_JSON_STRING && reply->value.kind != HAWSE_JSON_NUMBER))) {
        reply->code = HAWSE_E_FORMAT;
        (void)snprintf(reply->text, sizeof(reply->text), "the answer is no subscription id");
    }
    if (reply->code != HAWSE_OK) {
        refused(e, request->arg, reply);
        return;
    }
    unsubscribe(e, up); /* only now: the new one already brings everything */
    memcpy(up->id, id.data, id.len);
    up->id_len = (uint32_t)id.len;
    up->version = up->asked;
    up->asked = up->attempts = 0;
    if (request->arg < EVM_CHUNKS_MAX && up->version == e->filter.chunks[request->arg].version)
        filter_sure(&e->filter, request->arg, e->chain.started ? e->chain.high + 2 : 0);
    if (request->arg == SESSION_PENDING) {
        struct continuity *c = &e->teller.streams[HAWSE_EVM_STREAM_PENDING];
        if (c->gap)
            teller_unhealable(e, HAWSE_EVM_STREAM_PENDING, HAWSE_REASON_DISCONNECTED, 0,
                              HAWSE_POSITION_OPEN, true);
        teller_live(e, HAWSE_EVM_STREAM_PENDING, 0);
    }
    check_ready(e);
}

static void subscribe_chunks(struct evm *e)
{
    struct session *ses = &e->session;
    bool burst = e->now - ses->demand_ns < DEMAND_REST_MS * EVM_MS && ses->link == LINK_READY;
    for (uint32_t i = 0; i < e->filter.chunk_count && !burst; i++) {
        struct upstream *up = &ses->chunks[i];
        if (e->filter.chunks[i].addresses > 0) {
            subscribe(e, i, e->filter.chunks[i].version);
        } else if (up->version != e->filter.chunks[i].version && up->asked == 0) {
            unsubscribe(e, up);
            up->version = e->filter.chunks[i].version;
        }
    }
}

void session_step(struct evm *e)
{
    struct session *ses = &e->session;
    check_chain(e);
    if (ses->link < LINK_SUBSCRIBING)
        return;
    subscribe_chunks(e);
    subscribe(e, SESSION_HEADS, 1);
    if (e->set.pending_transactions)
        subscribe(e, SESSION_PENDING, 1);
    check_ready(e);
}

void session_resubscribe(struct evm *e, bool logs, bool heads, const char *why)
{
    struct session *ses = &e->session;
    if (ses->link != LINK_READY)
        return;
    report_log(e, HAWSE_LOG_WARN, "subscribing to %s anew: %s", logs ? "logs" : "heads", why);
    sync_interrupt(e, HAWSE_REASON_SILENT, heads);
    if (ses->resubscribed_ns != 0 && e->now - ses->resubscribed_ns < RESUBSCRIBE_REST_MS * EVM_MS) {
        (void)e->streams->reconnect(e->host, e->self, ses->stream, hawse_text(why));
        ses->resubscribed_ns = 0;
        return;
    }
    ses->resubscribed_ns = e->now;
    ses->link = LINK_SUBSCRIBING;
    ses->down_since_ns = e->now;
    filter_unsure(&e->filter);
    for (uint32_t i = 0; i < EVM_CHUNKS_MAX && logs; i++)
        ses->chunks[i].version = 0;
    if (heads)
        ses->heads.version = 0;
    teller_wake(e);
}

void session_strike(struct evm *e, enum report_warning kind, const char *what)
{
    struct session *ses = &e->session;
    report_add(e, METRIC_MALFORMED, 1);
    report_warn(e, kind, "%s", what);
    if (++ses->strikes < e->set.strikes || ses->link == LINK_DOWN)
        return;
    ses->strikes = 0;
    (void)e->streams->reconnect(e->host, e->self, ses->stream,
                                hawse_text("too many messages in a row were not understood"));
}

/* ---- time ---- */

static void poll_instead(struct evm *e)
{
    struct session *ses = &e->session;
    if (!e->set.poll_fallback || ses->polling || ses->link == LINK_READY ||
        !e->requests.http_checked || e->now - ses->down_since_ns < e->set.poll_after_ms * EVM_MS)
        return;
    report_log(e, HAWSE_LOG_WARN, "the stream has been away for %llu ms: polling over HTTP",
               (unsigned long long)((e->now - ses->down_since_ns) / EVM_MS));
    ses->polling = true;
    report_set(e, METRIC_POLLING, 1);
    sync_recover(e);
}

void session_tick(struct evm *e)
{
    struct session *ses = &e->session;
    poll_instead(e);
    if (!ses->polling || e->now < ses->next_poll_ns)
        return;
    ses->next_poll_ns = e->now + e->set.poll_ms * EVM_MS;
    e->sync.want_head = true;
    teller_wake(e);
}

/* ---- channels ---- */

static void touch(struct evm *e, hawse_channel_t channel, uint64_t *seen)
{
    if (*seen > 0 && channel != 0)
        (void)e->streams->touch(e->host, e->self, channel, *seen);
    *seen = 0;
}

void session_touch(struct evm *e)
{
    struct session *ses = &e->session;
    touch(e, ses->heads_channel, &ses->heads_seen);
    touch(e, ses->logs_channel, &ses->logs_seen);
    touch(e, ses->pending_channel, &ses->pending_seen);
}

static void show(struct evm *e, uint32_t stream, hawse_channel_t channel, uint32_t *shown)
{
    const struct continuity *c = &e->teller.streams[stream];
    uint32_t state = c->gap    ? (c->recovering ? HAWSE_CHANNEL_RECOVERING : HAWSE_CHANNEL_GAP)
                     : c->live ? HAWSE_CHANNEL_LIVE
                               : HAWSE_CHANNEL_PENDING;
    if (channel == 0 || state == *shown)
        return;
    *shown = state;
    (void)e->streams->channel_state(e->host, e->self, channel, state);
}

void session_channels(struct evm *e)
{
    struct session *ses = &e->session;
    show(e, HAWSE_EVM_STREAM_BLOCKS, ses->heads_channel, &ses->shown[HAWSE_EVM_STREAM_BLOCKS]);
    show(e, HAWSE_EVM_STREAM_LOGS, ses->logs_channel, &ses->shown[HAWSE_EVM_STREAM_LOGS]);
    show(e, HAWSE_EVM_STREAM_PENDING, ses->pending_channel, &ses->shown[HAWSE_EVM_STREAM_PENDING]);
}
