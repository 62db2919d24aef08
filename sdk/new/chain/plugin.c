/*
 * @NAME@: a chain. It follows the heads of an EVM node over WebSocket and tells each as a block of
 * the space evm/1. The host owns the connection; this file decides what to ask and what to tell.
 *
 * Continuity comes first: when the connection is lost, readers are told of the gap before anything
 * else. This one does not fetch what it missed: it says UNHEALABLE, and readers start afresh. To do
 * better, ask the node by hawse.rpc/1 and say HEALED.
 */
#include "logic.h"

#include <hawse/hawse.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/space/host.h>
#include <hawse/space/stream.h>
#include <stdlib.h>
#include <string.h>

const char hawse_manifest_v1[] =
    "{\"id\":\"@ID@\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"chain\","
    "\"description\":\"heads of an EVM chain\",\"license\":\"MIT\",\"maturity\":\"experimental\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.stream/1\":\">=1.0\"},"
    "\"produces\":[\"evm/1\",\"stream/1\"],\"streams\":{\"blocks\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"net\"],\"config\":{\"type\":\"object\",\"properties\":{}}}";

struct plugin {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_stream_service_t *streams;
    hawse_stream_t stream;
    uint64_t last;   /* number of the newest block that was told; 0 = none */
    uint32_t epoch;  /* counts gaps */
    uint32_t to_say; /* a HAWSE_STREAM_EVENT_... that has to be told first; 0 = none */
    uint64_t next;   /* number of the first block after the gap */
    uint32_t lost;   /* 1: the connection was lost, no block has come since */
    uint32_t broken; /* frames that were no messages */
};

static int32_t publish(struct plugin *p, uint16_t space, uint16_t kind, const void *record,
                       uint64_t len)
{
    hawse_event_t e;
    memset(&e, 0, sizeof(e));
    e.size = sizeof(e);
    e.space = space;
    e.kind = kind;
    e.stream = HAWSE_EVM_STREAM_BLOCKS;
    e.epoch = p->epoch;
    e.data = (const uint8_t *)record;
    e.len = len;
    return p->sub->publish(p->host, p->self, &e);
}

/* ---- continuity ---- */

/* What readers have to hear before the next block. HAWSE_E_AGAIN: not yet. */
static int32_t say_first(struct plugin *p)
{
    while (p->to_say != 0) {
        hawse_stream_range_t range;
        memset(&range, 0, sizeof(range));
        range.size = sizeof(range);
        range.reason = HAWSE_REASON_DISCONNECTED;
        range.from = p->last + 1;
        range.to = p->to_say == HAWSE_STREAM_EVENT_GAP ? HAWSE_POSITION_OPEN : p->next - 1;
        if (p->to_say == HAWSE_STREAM_EVENT_LIVE)
            range.from = range.to = p->next;
        if (publish(p, HAWSE_SPACE_STREAM, (uint16_t)p->to_say, &range, sizeof(range)) ==
            HAWSE_E_AGAIN)
            return HAWSE_E_AGAIN;
        p->to_say = p->to_say == HAWSE_STREAM_EVENT_UNHEALABLE ? HAWSE_STREAM_EVENT_LIVE : 0;
    }
    return HAWSE_OK;
}

static void on_connection(struct plugin *p, const hawse_host_stream_state_t *state)
{
    static const char subscribe[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\","
                                    "\"params\":[\"newHeads\"]}";
    if (state->stream != p->stream)
        return;
    if (state->state == HAWSE_STREAM_OPEN) {
        int32_t code = p->streams->send(p->host, p->self, p->stream, HAWSE_MESSAGE_TEXT,
                                        hawse_text(subscribe));
        if (code != HAWSE_OK)
            hawse_log(p->host, p->self, HAWSE_LOG_WARN, "the subscription could not be sent");
    } else if (state->state == HAWSE_STREAM_CLOSED && p->last != 0 && !p->lost) {
        p->lost = 1;
        p->epoch++;
        p->to_say = HAWSE_STREAM_EVENT_GAP;
    }
}

/* ---- frames ---- */

/* HAWSE_E_AGAIN: the frame is to come again. */
static int32_t on_frame(struct plugin *p, const hawse_event_t *frame)
{
    hawse_evm_block_t block;
    int32_t found = read_head(frame->data, frame->len, &block);
    if (found < 0 && p->broken++ == 0)
        hawse_log(p->host, p->self, HAWSE_LOG_WARN, "the node sent what is no message");
    if (found != 1)
        return HAWSE_OK;
    if (p->lost && p->to_say == 0) {
        p->lost = 0;
        p->next = block.number;
        p->to_say =
            block.number == p->last + 1 ? HAWSE_STREAM_EVENT_LIVE : HAWSE_STREAM_EVENT_UNHEALABLE;
    }
    int32_t code = say_first(p);
    if (code == HAWSE_OK)
        code = publish(p, HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, &block, sizeof(block));
    if (code != HAWSE_E_AGAIN)
        p->last = block.number;
    return code;
}

static int32_t on_event(struct plugin *p, const hawse_event_t *e)
{
    if (e->space != HAWSE_SPACE_HOST)
        return HAWSE_OK;
    if (e->kind == HAWSE_HOST_STREAM_STATE)
        on_connection(p, (const hawse_host_stream_state_t *)(const void *)e->data);
    else if (e->kind == HAWSE_HOST_FRAME && e->key == p->stream)
        return on_frame(p, e);
    return HAWSE_OK;
}

/* ---- the table ---- */

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    struct plugin *p = (struct plugin *)calloc(1, sizeof(*p));
    (void)config;
    if (!p)
        return hawse_fail(host, self, HAWSE_E_NOMEM, "no memory", "");
    p->host = host;
    p->self = self;
    p->sub = (const hawse_sub_service_t *)host->query(host, self, HAWSE_SUB_ID);
    p->streams = (const hawse_stream_service_t *)host->query(host, self, HAWSE_STREAM_ID);
    *state = p;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    struct plugin *p = (struct plugin *)state;
    hawse_stream_spec_t spec;
    memset(&spec, 0, sizeof(spec));
    spec.size = sizeof(spec);
    spec.endpoint = hawse_text("ws");
    int32_t code = p->streams->open(p->host, p->self, &spec, &p->stream);
    return code == HAWSE_OK ? code
                            : hawse_fail(p->host, p->self, code, "the stream cannot be opened",
                                         "set endpoints.ws and grant net");
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct plugin *p = (struct plugin *)state;
    if (p->to_say == HAWSE_STREAM_EVENT_GAP && say_first(p) == HAWSE_E_AGAIN)
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
                                         NULL};
    return host ? &table : NULL;
}
