/*
 * The stream to the node: subscriptions and their ids, notifications that come before the reply
 * that names theirs, and what a loss of the stream means for readers. A socket that lives proves
 * nothing: slots are watched by time, everything else is audited (audit.c).
 */
#include "plugin.h"

#include <stdio.h>
#include <string.h>

static const char *const stream_names[STREAMS] = {"", "slots", "accounts", "logs", "signatures"};

void link_open(struct sol *s)
{
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("ws")};
    int32_t code = s->streams->open(s->host, s->self, &spec, &s->stream);
    if (code != HAWSE_OK) {
        sol_log(s, HAWSE_LOG_ERROR, "stream \"ws\" cannot be opened (%d)", code);
        return;
    }
    for (uint32_t i = 1; i < STREAMS; i++) {
        uint64_t idle = i == HAWSE_SOLANA_STREAM_SLOTS ? s->set.slots_idle_ms * SOL_MS : 0;
        (void)s->streams->channel(s->host, s->self, s->stream, hawse_text(stream_names[i]), idle,
                                  &s->channels[i]);
    }
}

static void reconnect(struct sol *s, uint32_t reason, const char *why)
{
    for (uint32_t i = 1; i < STREAMS; i++)
        gap_open(s, i, reason, s->newest + 1);
    (void)s->streams->reconnect(s->host, s->self, s->stream, hawse_text(why));
}

/* ---- requests ---- */

/* Sends a request; returns its id, 0 when it could not be sent. */
static uint32_t send_request(struct sol *s, const char *method, const char *params)
{
    char text[FRAME_OUT_MAX];
    uint32_t id = ++s->next_call;
    int n = snprintf(text, sizeof(text),
                     "{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"%s\",\"params\":%s}", id, method,
                     params);
    if (n < 0 || (size_t)n >= sizeof(text)) {
        sol_complain(s, "a request of %d bytes is more than a node takes", n);
        return 0;
    }
    hawse_view_t payload = {(const uint8_t *)text, (uint64_t)n};
    if (s->streams->send(s->host, s->self, s->stream, HAWSE_MESSAGE_TEXT, payload) != HAWSE_OK)
        return 0;
    return id;
}

/* A request whose reply is waited for. */
static uint32_t ask_stream(struct sol *s, const char *method, const char *params)
{
    uint32_t id = send_request(s, method, params);
    if (id != 0 && s->pending++ == 0)
        s->asked_ns = sol_now(s);
    return id;
}

void link_subscribe(struct sol *s, uint32_t watch)
{
    static const char *const methods[] = {"", "accountSubscribe", "programSubscribe",
                                          "logsSubscribe", "signatureSubscribe"};
    struct watch *w = &s->watches[watch];
    char params[FRAME_OUT_MAX / 2];
    if (watch + 2 >= s->set.max_subscriptions) {
        if (!w->refused)
            sol_log(s, HAWSE_LOG_ERROR,
                    "more than settings.max_subscriptions (%u) are asked for: watch %u is refused",
                    s->set.max_subscriptions, watch);
        w->refused = true;
        return;
    }
    (void)watch_params(w, params, sizeof(params));
    w->call = ask_stream(s, methods[w->filter.watch], params);
}

static void unsubscribe(struct sol *s, const struct watch *w, uint64_t id)
{
    static const char *const methods[] = {"", "accountUnsubscribe", "programUnsubscribe",
                                          "logsUnsubscribe", "signatureUnsubscribe"};
    char params[32];
    (void)snprintf(params, sizeof(params), "[%llu]", (unsigned long long)id);
    (void)send_request(s, methods[w->filter.watch], params);
}

void link_unsubscribe(struct sol *s, const struct watch *w)
{
    if (w->on && s->phase != PHASE_DOWN)
        unsubscribe(s, w, w->id);
}

static void subscribe_all(struct sol *s)
{
    s->pending = 0;
    s->right = !s->set.has_genesis; /* the endpoint may lead elsewhere now */
    s->slot_on = s->root_on = s->slot_came = false;
    s->early_count = s->early_len = 0;
    s->slot_call = ask_stream(s, "slotSubscribe", "[]");
    s->root_call = ask_stream(s, "rootSubscribe", "[]");
    for (uint32_t i = 0; i < s->watch_count; i++) {
        s->watches[i].on = s->watches[i].refused = false;
        s->watches[i].call = 0;
        if (s->watches[i].used && !s->watches[i].done)
            link_subscribe(s, i);
    }
}

void link_tick(struct sol *s)
{
    if (s->phase == PHASE_DOWN)
        return;
    if (s->pending > 0 && sol_now(s) - s->asked_ns > s->set.reply_ms * SOL_MS) {
        s->pending = 0;
        reconnect(s, HAWSE_REASON_SILENT, "a subscription was not answered");
        return;
    }
    for (uint32_t i = 0; i < s->watch_count; i++) { /* what could not be sent before */
        const struct watch *w = &s->watches[i];
        if (w->used && !w->on && !w->refused && !w->done && w->call == 0)
            link_subscribe(s, i);
    }
}

/* ---- the stream's own events ---- */

static void on_closed(struct sol *s)
{
    uint64_t judged;
    s->phase = PHASE_DOWN;
    s->pending = 0;
    s->slot_on = s->root_on = false;
    for (uint32_t i = 1; i < STREAMS; i++)
        gap_open(s, i, HAWSE_REASON_DISCONNECTED,
                 (i == HAWSE_SOLANA_STREAM_SLOTS ? s->tree.head : s->newest) + 1);
    for (uint32_t i = 0; i < s->watch_count; i++) {
        struct watch *w = &s->watches[i];
        judged = w->judged > MARGIN_SLOTS ? w->judged - MARGIN_SLOTS : 0;
        if (judged > w->from)
            w->from = judged;
        w->on = false;
        w->call = 0;
        w->need = 0;
        w->dirty = !w->done;
    }
    audit_cancel(s);
}

static void on_stream_state(struct sol *s, const hawse_event_t *event)
{
    hawse_host_stream_state_t state;
    memcpy(&state, event->data, sizeof(state));
    if (state.state == HAWSE_STREAM_OPEN) {
        s->phase = PHASE_JOINING;
        subscribe_all(s);
    } else if (state.state == HAWSE_STREAM_CLOSED && s->phase != PHASE_DOWN) {
        on_closed(s);
    }
}

void link_event(struct sol *s, const hawse_event_t *event)
{
    if (event->kind == HAWSE_HOST_STREAM_STATE)
        on_stream_state(s, event);
    else if (event->kind == HAWSE_HOST_CHANNEL_IDLE &&
             event->key == s->channels[HAWSE_SOLANA_STREAM_SLOTS])
        reconnect(s, HAWSE_REASON_SILENT, "no slot came for too long");
}

/* ---- replies ---- */

static void on_refusal(struct sol *s, const hawse_json_t *doc, const struct wire_message *m,
                       struct watch *w)
{
    hawse_view_t raw = {NULL, 0};
    (void)hawse_json_raw(doc, &m->result, &raw);
    sol_count(s, s->count.errors, 1);
    sol_log(s, HAWSE_LOG_WARN, "the node refuses to subscribe watch %ld: %.*s",
            (long)(w - s->watches), (int)(raw.len < 300 ? raw.len : 300), (const char *)raw.data);
    uint32_t stream = watch_stream(w);
    w->refused = true;
    gap_open(s, stream, HAWSE_REASON_REJECTED, s->newest + 1);
    s->gaps[stream].lost = true;
}

/* The subscription is there: what it replaces may go. */
static void confirm(struct sol *s, struct watch *w, uint64_t id)
{
    if (w->on) { /* between the two anything may have been missed */
        w->dirty = true;
        if (w->id != id)
            unsubscribe(s, w, w->id);
    }
    w->on = true;
    w->id = id;
    watch_index(s);
    w->need = 0;
    if (s->newest > 0 && s->phase == PHASE_LIVE) {
        w->need = s->newest + 2;
        if (w->from == 0)
            w->from = s->newest;
    }
}

static void on_reply(struct sol *s, const hawse_json_t *doc, const struct wire_message *m)
{
    uint64_t id = 0;
    bool good = !m->failed && hawse_json_u64(&m->result, &id) == HAWSE_OK;
    struct watch *w = NULL;
    for (uint32_t i = 0; i < s->watch_count && !w && m->id != 0; i++) {
        if (s->watches[i].used && s->watches[i].call == m->id)
            w = &s->watches[i];
    }
    if (!w && m->id != s->slot_call && m->id != s->root_call)
        return; /* to a request whose outcome does not matter */
    if (s->pending > 0)
        s->pending--;
    s->asked_ns = sol_now(s);
    if (w) {
        w->call = 0;
        if (good)
            confirm(s, w, id);
        else
            on_refusal(s, doc, m, w);
    } else if (m->id == s->slot_call) {
        s->slot_id = id;
        s->slot_on = good;
        if (!good)
            reconnect(s, HAWSE_REASON_REJECTED, "the node refuses slotSubscribe");
    } else { /* some nodes have none: roots then come with the slots */
        s->root_id = id;
        s->root_on = good;
    }
}

/* ---- notifications ---- */

static void bump(struct sol *s, struct watch *w)
{
    w->messages++;
    s->touched[watch_stream(w)]++;
}

/* As on_watched. */
static int32_t on_account(struct sol *s, const hawse_json_t *doc, const struct wire_message *m,
                          hawse_json_value_t *value, struct watch *w, uint64_t slot,
                          uint64_t t_recv_ns)
{
    struct wire_account account;
    int32_t code = m->kind == WIRE_PROGRAM ? wire_owned(doc, value, &account)
                                           : wire_account(doc, value, &account);
    if (code != HAWSE_OK)
        return code;
    account.record.slot = slot;
    if (m->kind == WIRE_ACCOUNT)
        memcpy(account.record.pubkey, w->filter.id, 32);
    else if (!account_wanted(s, w, &account))
        return 1;
    return tell_account(s, w, &account, 0, t_recv_ns);
}

/* 1 taken, 0 no room, or an error. */
static int32_t on_watched(struct sol *s, const hawse_json_t *doc, struct wire_message *m,
                          struct watch *w, uint64_t t_recv_ns)
{
    union {
        struct wire_logs logs;
        struct wire_status status;
    } u;
    hawse_json_value_t value;
    uint64_t slot = 0;
    int32_t code = wire_context(doc, &m->result, &slot, &value);
    if (code != HAWSE_OK)
        return code;
    if (m->kind == WIRE_LOGS) {
        code = wire_logs(doc, &value, &u.logs);
        u.logs.record.slot = slot;
        if (code == HAWSE_OK)
            code = tell_logs(s, doc, w, &u.logs, 0, t_recv_ns);
    } else if (m->kind == WIRE_SIGNATURE) {
        code = wire_status(doc, &value, &u.status);
        if (code == HAWSE_E_NOTFOUND)
            return 1; /* it was received: no outcome yet */
        u.status.slot = slot;
        if (code == HAWSE_OK)
            code = tell_status(s, w, &u.status, 0, t_recv_ns);
    } else {
        code = on_account(s, doc, m, &value, w, slot, t_recv_ns);
    }
    if (code == 1)
        bump(s, w);
    return code;
}

static int32_t on_slot(struct sol *s, const hawse_json_t *doc, struct wire_message *m)
{
    hawse_solana_slot_t slot;
    int32_t code = wire_slot(doc, &m->result, &slot);
    if (code != HAWSE_OK)
        return code;
    s->touched[HAWSE_SOLANA_STREAM_SLOTS]++;
    s->slot_came = true;
    tell_slot(s, &slot);
    return 1;
}

/* Nobody has this id yet: it may be named by a reply that is under way. */
static void keep_early(struct sol *s, const uint8_t *text, uint64_t len, uint64_t t_recv_ns)
{
    if (s->pending == 0)
        return;
    if (s->early_count == EARLY_MAX || s->early_len + len + HAWSE_PADDING > EARLY_BYTES) {
        sol_count(s, s->count.orphans, 1); /* the audit finds what it said */
        return;
    }
    memcpy(s->early_bytes + s->early_len, text, len);
    s->early[s->early_count].offset = s->early_len;
    s->early[s->early_count].len = (uint32_t)len;
    s->early[s->early_count++].t_recv_ns = t_recv_ns;
    s->early_len += (uint32_t)((len + HAWSE_PADDING + 7) & ~7ull);
}

static int32_t on_root(struct sol *s, const struct wire_message *m)
{
    uint64_t root = 0;
    int32_t code = hawse_json_u64(&m->result, &root);
    if (code == HAWSE_OK && root > s->root)
        s->root = root;
    return code == HAWSE_OK ? 1 : code;
}

/* As dispatch. */
static int32_t on_notification(struct sol *s, const hawse_json_t *doc, struct wire_message *m,
                               uint64_t t_recv_ns)
{
    struct watch *w;
    if (!s->right)
        return 1; /* of an unknown cluster; once it is known, everything is compared */
    switch (m->kind) {
    case WIRE_SLOT:
        return s->slot_on && m->id == s->slot_id ? on_slot(s, doc, m) : HAWSE_E_NOTFOUND;
    case WIRE_ROOT:
        return s->root_on && m->id == s->root_id ? on_root(s, m) : HAWSE_E_NOTFOUND;
    case WIRE_OTHER:
        return 1;
    default:
        w = watch_of_id(s, m->id, m->kind);
        return w ? on_watched(s, doc, m, w, t_recv_ns) : HAWSE_E_NOTFOUND;
    }
}

/* 1 taken, 0 no room, HAWSE_E_NOTFOUND: nobody's, HAWSE_E_FORMAT. */
static int32_t dispatch(struct sol *s, const uint8_t *text, uint64_t len, uint64_t t_recv_ns)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    struct wire_message m;
    int32_t code = hawse_json_index(&doc, text, len, s->marks, MARKS_MAX);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = wire_message(&doc, &root, &m);
    if (code != HAWSE_OK)
        return code;
    if (m.kind != WIRE_REPLY)
        return on_notification(s, &doc, &m, t_recv_ns);
    on_reply(s, &doc, &m);
    return 1;
}

static void malformed(struct sol *s, const uint8_t *text, uint64_t len, int32_t code)
{
    sol_count(s, s->count.malformed, 1);
    sol_complain(s, "a frame of %llu bytes is not what a node sends (%d): %.*s",
                 (unsigned long long)len, code, (int)(len < 80 ? len : 80), (const char *)text);
}

bool link_early(struct sol *s)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->early_count; i++) {
        const uint8_t *text = s->early_bytes + s->early[i].offset;
        int32_t code = dispatch(s, text, s->early[i].len, s->early[i].t_recv_ns);
        bool keep = code == 0 || (code == HAWSE_E_NOTFOUND && s->pending > 0);
        if (code == HAWSE_E_NOTFOUND && !keep)
            sol_count(s, s->count.orphans, 1);
        if (keep)
            s->early[kept++] = s->early[i];
        if (code == 0) { /* the others wait behind it */
            for (i++; i < s->early_count; i++)
                s->early[kept++] = s->early[i];
            s->early_count = kept;
            return false;
        }
    }
    s->early_count = kept;
    if (kept == 0)
        s->early_len = 0;
    return true;
}

int32_t link_frame(struct sol *s, const hawse_event_t *event)
{
    int32_t code = dispatch(s, event->data, event->len, event->t_recv_ns);
    if (code == HAWSE_E_NOTFOUND)
        keep_early(s, event->data, event->len, event->t_recv_ns);
    else if (code < 0)
        malformed(s, event->data, event->len, code);
    if (code == 0)
        return 0;
    if (s->early_count > 0)
        (void)link_early(s); /* what finds no room is tried before the next event */
    return 1;
}

void link_touch(struct sol *s)
{
    for (uint32_t i = 1; i < STREAMS; i++) {
        if (s->touched[i] > 0 && s->phase != PHASE_DOWN)
            (void)s->streams->touch(s->host, s->self, s->channels[i], s->touched[i]);
        s->touched[i] = 0;
    }
}
