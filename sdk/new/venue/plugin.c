/*
 * @NAME@: a venue. It follows the trades of one market over WebSocket and tells each in the space
 * market/1. The host owns the connection; this file decides what to ask and what to tell.
 *
 * Continuity comes first: when the connection is lost, readers are told of the gap before anything
 * else. This one does not fetch what it missed: it says UNHEALABLE, and readers start afresh. To do
 * better, ask the venue by hawse.http/1 and say HEALED.
 */
#include "logic.h"

#include <hawse/hawse.h>
#include <hawse/service/state.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/space/host.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

const char hawse_manifest_v1[] =
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"description\":\"trades of one market\",\"license\":\"MIT\",\"maturity\":\"experimental\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.stream/1\":\">=1.0\"},"
    "\"produces\":[\"market/1\",\"stream/1\"],\"streams\":{\"trades\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"net\"],\"config\":{\"type\":\"object\",\"properties\":{}}}";

/* All that it knows, and what another build goes on from: `hawse reload`. Whoever changes a member
 * counts the format up, and reads the old one for as long as operators have it. */
enum { FORMAT = 1 };
struct memory {
    uint32_t format;
    uint32_t epoch; /* counts gaps */
    hawse_stream_t stream;
    uint64_t last;   /* time of the newest trade that was told, UTC ms; 0 = none */
    uint64_t next;   /* time of the first trade after the gap */
    uint32_t to_say; /* a HAWSE_STREAM_EVENT_... that has to be told first; 0 = none */
    uint32_t lost;   /* 1: the connection was lost, no trade has come since */
    uint32_t broken; /* frames that were no messages */
    uint32_t reserved;
};

struct plugin {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_stream_service_t *streams;
    struct memory m;
};

static int32_t publish(struct plugin *p, uint16_t space, uint16_t kind, const void *record,
                       uint64_t len)
{
    hawse_event_t e;
    memset(&e, 0, sizeof(e));
    e.size = sizeof(e);
    e.space = space;
    e.kind = kind;
    e.stream = HAWSE_MARKET_STREAM_TRADES;
    e.epoch = p->m.epoch;
    e.data = (const uint8_t *)record;
    e.len = len;
    if (kind == HAWSE_MARKET_TRADE && space == HAWSE_SPACE_MARKET)
        e.key = hawse_key(((const hawse_market_trade_t *)record)->market, 32);
    return p->sub->publish(p->host, p->self, &e);
}

/* ---- continuity ---- */

/* What readers have to hear before the next trade. HAWSE_E_AGAIN: not yet. */
static int32_t say_first(struct plugin *p)
{
    while (p->m.to_say != 0) {
        hawse_stream_range_t range;
        memset(&range, 0, sizeof(range));
        range.size = sizeof(range);
        range.reason = HAWSE_REASON_DISCONNECTED;
        range.from = p->m.last + 1;
        range.to = p->m.to_say == HAWSE_STREAM_EVENT_GAP ? HAWSE_POSITION_OPEN : p->m.next - 1;
        if (p->m.to_say == HAWSE_STREAM_EVENT_LIVE)
            range.from = range.to = p->m.next;
        if (publish(p, HAWSE_SPACE_STREAM, (uint16_t)p->m.to_say, &range, sizeof(range)) ==
            HAWSE_E_AGAIN)
            return HAWSE_E_AGAIN;
        p->m.to_say = p->m.to_say == HAWSE_STREAM_EVENT_UNHEALABLE ? HAWSE_STREAM_EVENT_LIVE : 0;
    }
    return HAWSE_OK;
}

static void on_connection(struct plugin *p, const hawse_host_stream_state_t *state)
{
    static const char subscribe[] = "{\"type\":\"subscribe\",\"channel\":\"trades\"}";
    if (state->stream != p->m.stream)
        return;
    if (state->state == HAWSE_STREAM_OPEN) {
        int32_t code = p->streams->send(p->host, p->self, p->m.stream, HAWSE_MESSAGE_TEXT,
                                        hawse_text(subscribe));
        if (code != HAWSE_OK)
            hawse_log(p->host, p->self, HAWSE_LOG_WARN, "the subscription could not be sent");
    } else if (state->state == HAWSE_STREAM_CLOSED && p->m.last != 0 && !p->m.lost) {
        p->m.lost = 1;
        p->m.epoch++;
        p->m.to_say = HAWSE_STREAM_EVENT_GAP;
    }
}

/* ---- frames ---- */

/* HAWSE_E_AGAIN: the frame is to come again. */
static int32_t on_frame(struct plugin *p, const hawse_event_t *frame)
{
    hawse_market_trade_t trade;
    uint64_t time_ms;
    int32_t found = read_trade(frame->data, frame->len, &trade, &time_ms);
    if (found < 0 && p->m.broken++ == 0)
        hawse_log(p->host, p->self, HAWSE_LOG_WARN, "the venue sent what is no message");
    if (found != 1)
        return HAWSE_OK;
    if (p->m.lost && p->m.to_say == 0) {
        p->m.lost = 0;
        p->m.next = time_ms;
        p->m.to_say =
            HAWSE_STREAM_EVENT_UNHEALABLE; /* trades have no numbers: some may be missing */
    }
    int32_t code = say_first(p);
    if (code == HAWSE_OK)
        code = publish(p, HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, &trade, sizeof(trade));
    if (code != HAWSE_E_AGAIN)
        p->m.last = time_ms;
    return code;
}

static int32_t on_event(struct plugin *p, const hawse_event_t *e)
{
    if (e->space != HAWSE_SPACE_HOST)
        return HAWSE_OK;
    if (e->kind == HAWSE_HOST_STREAM_STATE)
        on_connection(p, (const hawse_host_stream_state_t *)(const void *)e->data);
    else if (e->kind == HAWSE_HOST_FRAME && e->key == p->m.stream)
        return on_frame(p, e);
    return HAWSE_OK;
}

/* ---- the table ---- */

static int32_t make(const hawse_host_t *host, hawse_instance_t self, struct plugin **out)
{
    struct plugin *p = (struct plugin *)calloc(1, sizeof(*p));
    if (!p)
        return hawse_fail(host, self, HAWSE_E_NOMEM, "no memory", "");
    p->host = host;
    p->self = self;
    p->sub = (const hawse_sub_service_t *)host->query(host, self, HAWSE_SUB_ID);
    p->streams = (const hawse_stream_service_t *)host->query(host, self, HAWSE_STREAM_ID);
    p->m.format = FORMAT;
    *out = p;
    return HAWSE_OK;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct plugin *p = NULL;
    int32_t code = make(host, self, &p);
    (void)config;
    if (code == HAWSE_OK)
        *state = p;
    return code;
}

static int32_t start(void *state)
{
    struct plugin *p = (struct plugin *)state;
    hawse_stream_spec_t spec;
    memset(&spec, 0, sizeof(spec));
    spec.size = sizeof(spec);
    spec.endpoint = hawse_text("ws");
    int32_t code = p->streams->open(p->host, p->self, &spec, &p->m.stream);
    return code == HAWSE_OK ? code
                            : hawse_fail(p->host, p->self, code, "the stream cannot be opened",
                                         "set endpoints.ws and grant net");
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct plugin *p = (struct plugin *)state;
    if (p->m.to_say == HAWSE_STREAM_EVENT_GAP && say_first(p) == HAWSE_E_AGAIN)
        return 0;
    for (uint32_t i = 0; i < n; i++) {
        if (on_event(p, events[i]) == HAWSE_E_AGAIN)
            return (int32_t)i;
    }
    (void)say_first(p); /* of a gap that has just begun; if not now, then first thing next time */
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state;
    (void)deadline_ns;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    free(state);
}

/* ---- handed over to another build ---- */

static int32_t save(void *state, uint8_t *out, uint64_t cap, uint64_t *need)
{
    const struct plugin *p = (const struct plugin *)state;
    *need = sizeof(p->m);
    if (cap < *need)
        return HAWSE_E_NOSPACE;
    memcpy(out, &p->m, sizeof(p->m));
    return HAWSE_OK;
}

/* Is it what this build's save() writes? The bytes are another build's: nothing of them is taken
 * for granted. */
static int is_known(hawse_view_t saved, struct memory *m)
{
    if (saved.len != sizeof(*m))
        return 0;
    memcpy(m, saved.data, sizeof(*m));
    return m->format == FORMAT && m->lost <= 1 &&
           (m->to_say == 0 || m->to_say == HAWSE_STREAM_EVENT_GAP ||
            m->to_say == HAWSE_STREAM_EVENT_UNHEALABLE || m->to_say == HAWSE_STREAM_EVENT_LIVE);
}

static int32_t restore(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                       hawse_view_t saved, void **state)
{
    struct plugin *p = NULL;
    struct memory m;
    (void)config;
    if (!is_known(saved, &m))
        return hawse_fail(host, self, HAWSE_E_FORMAT, "the saved state is of another format",
                          "restart the instance instead");
    int32_t code = make(host, self, &p);
    if (code != HAWSE_OK)
        return code;
    p->m = m;
    *state = p;
    return HAWSE_OK;
}

static const void *query(const char *id)
{
    static const hawse_state_interface_t interface = {sizeof(interface), 0, save, restore};
    return strcmp(id, HAWSE_STATE_ID) == 0 ? &interface : NULL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {sizeof(hawse_plugin_t),
                                         HAWSE_ABI_MINOR,
                                         "@ID@",
                                         create,
                                         start,
                                         on_events,
                                         stop,
                                         destroy,
                                         query};
    return host ? &table : NULL;
}
