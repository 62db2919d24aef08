/*
 * Connections of the market channel and the activity feed: assets spread over connections within
 * the venue's limit, subscriptions, text pings, and silence. See polymarket.h.
 */
#include "polymarket.h"

#include <stdio.h>
#include <string.h>

enum {
    RTDS_PING_MS = 5000,
    RTDS_SILENT_MS = 60000, /* it carries 5 to 20 messages a second */
    SUSPECT_MS = 2000,      /* how long a change may be on its way */
    RESUBSCRIBES_PER_TICK = 20,
};

static bool send_text(struct pm *p, hawse_stream_t stream, const char *text, uint64_t len)
{
    hawse_view_t payload = {(const uint8_t *)text, len};
    return p->streams->send(p->host, p->self, stream, HAWSE_MESSAGE_TEXT, payload) == HAWSE_OK;
}

static void channel_state(struct pm *p, const struct connection *c, uint32_t state)
{
    (void)p->streams->channel_state(p->host, p->self, c->channel, state);
}

void link_live(struct pm *p, struct asset *a, int change)
{
    struct connection *c = &p->connections[a->connection];
    c->live += (uint32_t)change;
    pm_add(p, p->count.live, change);
    if (change < 0)
        channel_state(p, c, HAWSE_CHANNEL_GAP);
    else if (c->live == c->assets)
        channel_state(p, c, HAWSE_CHANNEL_LIVE);
}

/* ---- opening and spreading ---- */

static struct connection *connection_new(struct pm *p)
{
    char name[16];
    struct connection *c = &p->connections[p->connection_count];
    hawse_stream_spec_t spec = {.size = sizeof(spec), .endpoint = hawse_text("market")};
    memset(c, 0, sizeof(*c));
    int32_t code = p->streams->open(p->host, p->self, &spec, &c->stream);
    if (code != HAWSE_OK) {
        pm_complain(p, "stream \"market\" cannot be opened (%d): is that endpoint configured?",
                    code);
        return NULL;
    }
    (void)snprintf(name, sizeof(name), "books-%u", p->connection_count);
    (void)p->streams->channel(p->host, p->self, c->stream, hawse_text(name), 0, &c->channel);
    p->connection_count++;
    return c;
}

static char *add(char *out, const char *text, uint64_t len)
{
    memcpy(out, text, len);
    return out + len;
}

static char *add_id(char *out, const struct asset *a)
{
    *out++ = '"';
    out = add(out, a->id.text, a->id.len);
    return add(out, "\",", 2);
}

static char *end_list(char *out)
{
    static const char tail[] = "],\"custom_feature_enabled\":true,\"initial_dump\":true}";
    return add(out - 1, tail, sizeof(tail) - 1); /* over the last comma */
}

/* Subscribes all assets of a connection that just opened. */
static void subscribe_all(struct pm *p, struct connection *c)
{
    static const char head[] = "{\"type\":\"market\",\"assets_ids\":[";
    uint32_t own = (uint32_t)(c - p->connections);
    if (c->assets == 0 || !pm_room(p, (uint64_t)c->assets * (NAME_CAP + 3) + 128))
        return;
    char *out = add((char *)p->scratch, head, sizeof(head) - 1);
    for (uint32_t i = 0; i < p->asset_count; i++) {
        if (p->assets[i].connection != own)
            continue;
        out = add_id(out, &p->assets[i]);
        p->assets[i].subscribed_ns = pm_now(p);
    }
    out = end_list(out);
    if (!send_text(p, c->stream, (const char *)p->scratch, (uint64_t)(out - (char *)p->scratch)))
        pm_complain(p, "a subscription could not be sent");
}

static void operate(struct pm *p, struct asset *a, const char *operation)
{
    char text[256];
    const struct connection *c = &p->connections[a->connection];
    int n = snprintf(text, sizeof(text),
                     "{\"operation\":\"%s\",\"assets_ids\":[\"%.*s\"],"
                     "\"custom_feature_enabled\":true,\"initial_dump\":true}",
                     operation, (int)a->id.len, a->id.text);
    (void)send_text(p, c->stream, text, (uint64_t)n);
}

void link_resubscribe(struct pm *p, struct asset *a)
{
    if (a->connection == NONE || !p->connections[a->connection].open)
        return;
    a->subscribed_ns = pm_now(p);
    operate(p, a, "unsubscribe");
    operate(p, a, "subscribe");
}

void link_broken(struct pm *p, struct connection *c)
{
    (void)p->streams->reconnect(p->host, p->self, c->stream,
                                hawse_text("a message could not be read"));
}

void link_silent(struct pm *p, struct asset *a)
{
    struct connection *c = &p->connections[a->connection];
    if (++c->silent > 3 &&
        c->silent > c->assets / 4) { /* not it alone: the connection is at fault */
        (void)p->streams->reconnect(p->host, p->self, c->stream,
                                    hawse_text("subscriptions are open but silent"));
        return;
    }
    link_resubscribe(p, a);
}

void link_spread(struct pm *p)
{
    struct connection *c = p->connection_count ? &p->connections[p->connection_count - 1] : NULL;
    for (uint32_t i = 0; i < p->asset_count; i++) {
        struct asset *a = &p->assets[i];
        if (a->connection != NONE)
            continue;
        if (!c || c->assets >= p->set.per_connection) {
            if (p->connection_count == CONNECTIONS_MAX) {
                pm_complain(p, "more assets than %u connections may carry", p->connection_count);
                return;
            }
            c = connection_new(p);
            if (!c)
                return;
        }
        a->connection = (uint32_t)(c - p->connections);
        c->assets++;
        if (c->open) {
            a->subscribed_ns = pm_now(p);
            operate(p, a, "subscribe");
        }
    }
}

void link_open(struct pm *p)
{
    hawse_stream_spec_t rtds = {
        .size = sizeof(rtds), .endpoint = hawse_text("rtds"), .idle_ns = RTDS_SILENT_MS * MS_NS};
    link_spread(p);
    account_open(p);
    if (p->wallet_count == 0)
        return;
    if (p->streams->open(p->host, p->self, &rtds, &p->rtds) != HAWSE_OK) {
        p->rtds = 0;
        pm_log(p, HAWSE_LOG_INFO, "no endpoint \"rtds\": wallets are followed by polling alone");
    }
}

/* ---- events ---- */

static void on_open(struct pm *p, struct connection *c)
{
    c->open = true;
    c->silent = 0;
    c->ping_ns = c->heard_ns = pm_now(p);
    channel_state(p, c, HAWSE_CHANNEL_PENDING);
    subscribe_all(p, c);
}

static void on_closed(struct pm *p, struct connection *c)
{
    uint32_t own = (uint32_t)(c - p->connections);
    if (!c->open)
        return;
    c->open = false;
    for (uint32_t i = 0; i < p->asset_count; i++) {
        if (p->assets[i].connection == own)
            asset_gap(p, &p->assets[i], HAWSE_REASON_DISCONNECTED);
    }
}

static void on_rtds_state(struct pm *p, uint32_t state)
{
    static const char subscribe[] = "{\"action\":\"subscribe\",\"subscriptions\":[{\"topic\":"
                                    "\"activity\",\"type\":\"orders_matched\",\"filters\":\"\"}]}";
    p->rtds_open = state == HAWSE_STREAM_OPEN;
    p->rtds_ping_ns = p->rtds_heard_ns = pm_now(p);
    if (p->rtds_open)
        (void)send_text(p, p->rtds, subscribe, sizeof(subscribe) - 1);
}

static struct connection *connection_of(struct pm *p, uint64_t stream)
{
    for (uint32_t i = 0; i < p->connection_count; i++) {
        if (p->connections[i].stream == stream)
            return &p->connections[i];
    }
    return NULL;
}

void link_event(struct pm *p, const hawse_event_t *event)
{
    struct connection *c = connection_of(p, event->key);
    hawse_host_stream_state_t state;
    if (event->kind == HAWSE_HOST_FRAME) {
        if (c)
            feed_frame(p, c, event);
        else if (event->key == p->rtds)
            wallet_rtds(p, event);
        else if (event->key == p->account.stream)
            account_frame(p, event);
        return;
    }
    if (event->kind != HAWSE_HOST_STREAM_STATE)
        return;
    memcpy(&state, event->data, sizeof(state));
    if (c && state.state == HAWSE_STREAM_OPEN)
        on_open(p, c);
    else if (c && state.state == HAWSE_STREAM_CLOSED)
        on_closed(p, c);
    else if (event->key == p->rtds && state.state != HAWSE_STREAM_CONNECTING)
        on_rtds_state(p, state.state);
    else if (event->key == p->account.stream && state.state != HAWSE_STREAM_CONNECTING)
        account_state(p, state.state);
}

/* ---- time ---- */

static void ping(struct pm *p, struct connection *c, uint64_t now)
{
    if (!c->open)
        return;
    if (now > c->heard_ns && now - c->heard_ns > p->set.pong_ms * MS_NS) {
        c->heard_ns = now;
        (void)p->streams->reconnect(p->host, p->self, c->stream,
                                    hawse_text("the server sends nothing, not even a PONG"));
    } else if (now - c->ping_ns >= p->set.ping_ms * MS_NS) {
        c->ping_ns = now;
        (void)send_text(p, c->stream, "PING", 4);
    }
}

static void ping_rtds(struct pm *p, uint64_t now)
{
    if (!p->rtds_open)
        return;
    if (now - p->rtds_heard_ns > RTDS_SILENT_MS * MS_NS) {
        p->rtds_heard_ns = now;
        (void)p->streams->reconnect(p->host, p->self, p->rtds,
                                    hawse_text("the activity feed is silent"));
    } else if (now - p->rtds_ping_ns >= RTDS_PING_MS * MS_NS) {
        p->rtds_ping_ns = now;
        (void)send_text(p, p->rtds, "PING", 4);
    }
}

/* Subscriptions whose first book did not come, and suspicions that are old enough. */
static void look_after(struct pm *p, uint64_t now)
{
    uint32_t again = 0;
    for (uint32_t i = 0; i < p->asset_count; i++) {
        struct asset *a = &p->assets[i];
        if (a->suspect_ts != 0 && now - a->suspect_ns > SUSPECT_MS * MS_NS)
            asset_suspect(p, a);
        if (a->phase == ASSET_LIVE || a->connection == NONE ||
            !p->connections[a->connection].open || again == RESUBSCRIBES_PER_TICK ||
            now - a->subscribed_ns <= p->set.dump_ms * MS_NS)
            continue;
        again++;
        a->resync = true;
        link_resubscribe(p, a);
    }
}

void link_tick(struct pm *p)
{
    uint64_t now = pm_now(p);
    for (uint32_t i = 0; i < p->connection_count; i++) {
        struct connection *c = &p->connections[i];
        ping(p, c, now);
        if (c->frames > 0)
            (void)p->streams->touch(p->host, p->self, c->channel, c->frames);
        pm_add(p, p->count.messages, (int64_t)c->messages);
        c->frames = c->messages = 0;
    }
    ping_rtds(p, now);
    look_after(p, now);
}
