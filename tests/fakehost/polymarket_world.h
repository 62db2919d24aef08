/*
 * The world of one Polymarket instance, for tests that drive the whole plugin by a list of steps: a
 * kind, a length, bytes. Frames of the three sockets, answers to whatever it asked, failures,
 * closed connections, time, and readers that have no room. All that it does is added up to one
 * number, so that two runs can be compared; with `hands_over` the instance is exchanged by another
 * after every step (hawse.state/1). What it publishes must have the form its records promise.
 */
#ifndef HAWSE_TESTS_POLYMARKET_WORLD_H
#define HAWSE_TESTS_POLYMARKET_WORLD_H

#include "../../plugins/venues/polymarket/polymarket.h"

#include <hawse/hawse.h>
#include <hawse/service/state.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 64, STEP_CLOSE = 4, STEP_TIME, STEP_ROOM, STEP_USER, STEPS };

static struct {
    uint64_t now, handles;
    hawse_stream_t streams[3]; /* market, rtds, user */
    struct {
        uint64_t request, tag;
    } asked[REQUESTS];
    uint32_t asked_count;
    bool no_room, hands_over;
    uint64_t trace; /* of all that was published, sent and asked */
    uint64_t published;
    bool changes_nothing; /* it is saved or restored: what would change something is refused */
    uint32_t saved_len;   /* of the last state */
    _Alignas(8) uint8_t arena[1 << 18];
} world;

/* FNV-1a. */
static void mix(const void *bytes, uint64_t len)
{
    const uint8_t *at = bytes;
    if (world.changes_nothing)
        abort();
    for (uint64_t i = 0; i < len; i++)
        world.trace = (world.trace ^ at[i]) * 0x100000001b3u;
}

static uint64_t now(const hawse_host_t *host, uint32_t clock)
{
    (void)host;
    return world.now + (clock == HAWSE_CLOCK_UTC ? 1780449000ull * 1000000000u : 0);
}

static void host_log(const hawse_host_t *host, hawse_instance_t self, uint32_t level,
                     hawse_view_t text)
{
    (void)host, (void)self, (void)level;
    if (text.len > 1024)
        abort();
}

static int32_t set_error(const hawse_host_t *host, hawse_instance_t self, int32_t code,
                         hawse_view_t message, hawse_view_t hint)
{
    (void)host, (void)self, (void)message, (void)hint;
    return code;
}

static int32_t link_to(const hawse_host_t *host, hawse_instance_t self, hawse_view_t name,
                       uint32_t *source)
{
    (void)host, (void)self, (void)name, (void)source;
    return HAWSE_E_NOTFOUND;
}

static uint8_t *reserve(const hawse_host_t *host, hawse_instance_t self, uint64_t len)
{
    (void)host, (void)self;
    return world.no_room || len > sizeof(world.arena) ? NULL : world.arena;
}

static int32_t publish(const hawse_host_t *host, hawse_instance_t self, const hawse_event_t *event)
{
    (void)host, (void)self;
    hawse_market_book_t book;
    if (world.no_room)
        return HAWSE_E_AGAIN;
    if (event->len < 16)
        abort();
    if (event->space == HAWSE_SPACE_MARKET &&
        (event->kind == HAWSE_MARKET_BOOK_SNAPSHOT || event->kind == HAWSE_MARKET_BOOK_DELTA)) {
        memcpy(&book, event->data, sizeof(book));
        uint64_t levels = (uint64_t)book.bid_count + book.ask_count;
        if (event->len != sizeof(book) + levels * sizeof(hawse_market_level_t))
            abort();
    }
    const uint64_t what[] = {event->space,       event->kind, event->stream, event->epoch,
                             event->flags,       event->key,  event->len,    event->t_recv_ns,
                             event->t_source_ns, world.now};
    mix(what, sizeof(what));
    mix(event->data, event->len);
    world.published++;
    return HAWSE_OK;
}

static int32_t open_stream(const hawse_host_t *host, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *stream)
{
    (void)host, (void)self;
    *stream = ++world.handles;
    mix(spec->endpoint.data, spec->endpoint.len);
    size_t which = spec->endpoint.data[0] == 'm' ? 0 : spec->endpoint.data[0] == 'r' ? 1 : 2;
    if (world.streams[which] == 0)
        world.streams[which] = *stream;
    return HAWSE_OK;
}

static int32_t send_message(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                            uint32_t kind, hawse_view_t payload)
{
    (void)host, (void)self, (void)kind;
    mix(&stream, sizeof(stream));
    mix(payload.data, payload.len);
    return payload.len > 0 ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t reconnect(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                         hawse_view_t reason)
{
    (void)host, (void)self;
    mix(&stream, sizeof(stream));
    mix(reason.data, reason.len);
    return HAWSE_OK;
}

static int32_t channel(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                       hawse_view_t name, uint64_t idle_ns, hawse_channel_t *out)
{
    (void)host, (void)self, (void)stream, (void)name, (void)idle_ns;
    *out = ++world.handles;
    return HAWSE_OK;
}

static int32_t touch(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t c, uint64_t n)
{
    const uint64_t what[] = {c, n};
    (void)host, (void)self;
    mix(what, sizeof(what));
    return HAWSE_OK;
}

static int32_t channel_state(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t c,
                             uint32_t state)
{
    const uint64_t what[] = {c, state};
    (void)host, (void)self;
    mix(what, sizeof(what));
    return HAWSE_OK;
}

static int32_t set_timer(const hawse_host_t *host, hawse_instance_t self, uint64_t delay,
                         uint64_t period, uint64_t tag, hawse_timer_t *timer)
{
    (void)host, (void)self, (void)delay, (void)period, (void)tag;
    *timer = ++world.handles;
    return HAWSE_OK;
}

static int32_t http_call(const hawse_host_t *host, hawse_instance_t self,
                         const hawse_http_call_t *call, hawse_request_t *request)
{
    (void)host, (void)self;
    mix(call->path.data, call->path.len);
    mix(call->body.data, call->body.len);
    if (world.asked_count == REQUESTS)
        return HAWSE_E_LIMIT;
    *request = ++world.handles;
    world.asked[world.asked_count].request = *request;
    world.asked[world.asked_count++].tag = call->tag;
    return HAWSE_OK;
}

static int32_t http_cancel(const hawse_host_t *host, hawse_instance_t self, hawse_request_t request)
{
    (void)host, (void)self, (void)request;
    return HAWSE_OK;
}

static int32_t sign_http(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                         const hawse_http_call_t *call, hawse_request_t *request)
{
    if (credential.len == 0)
        abort();
    mix(credential.data, credential.len);
    return http_call(host, self, call, request);
}

static int32_t sign_send(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                         hawse_stream_t stream, hawse_view_t text)
{
    (void)host, (void)self, (void)credential;
    mix(&stream, sizeof(stream));
    mix(text.data, text.len);
    return text.len > 0 ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t sign_names(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t text)
{
    (void)host, (void)self, (void)credential;
    return text.len > 0 && (text.data[0] & 1) != 0;
}

static int32_t declare(const hawse_host_t *host, hawse_instance_t self, uint32_t kind,
                       hawse_view_t name, hawse_view_t help, hawse_view_t label,
                       hawse_metric_t *metric)
{
    (void)host, (void)self, (void)kind, (void)help, (void)label;
    mix(name.data, name.len);
    *metric = ++world.handles;
    return HAWSE_OK;
}

static int32_t metric_add(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                          int64_t delta)
{
    const uint64_t what[] = {metric, (uint64_t)delta};
    (void)host, (void)self;
    mix(what, sizeof(what));
    return metric ? HAWSE_OK : HAWSE_E_STALE;
}

static const void *query(const hawse_host_t *host, hawse_instance_t self, const char *id)
{
    static const hawse_sub_service_t sub = {
        .size = sizeof(sub), .link = link_to, .reserve = reserve, .publish = publish};
    static const hawse_stream_service_t streams = {.size = sizeof(streams),
                                                   .open = open_stream,
                                                   .send = send_message,
                                                   .reconnect = reconnect,
                                                   .channel = channel,
                                                   .touch = touch,
                                                   .channel_state = channel_state};
    static const hawse_timer_service_t timers = {.size = sizeof(timers), .set = set_timer};
    static const hawse_http_service_t http = {
        .size = sizeof(http), .call = http_call, .cancel = http_cancel};
    static const hawse_sign_service_t sign = {
        .size = sizeof(sign), .http = sign_http, .send = sign_send, .names = sign_names};
    static const hawse_metrics_service_t metrics = {
        .size = sizeof(metrics), .declare = declare, .add = metric_add};
    const struct {
        const char *id;
        const void *table;
    } all[] = {{HAWSE_SUB_ID, &sub},   {HAWSE_STREAM_ID, &streams}, {HAWSE_TIMER_ID, &timers},
               {HAWSE_HTTP_ID, &http}, {HAWSE_SIGN_ID, &sign},      {HAWSE_METRICS_ID, &metrics}};
    (void)host, (void)self;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(id, all[i].id) == 0)
            return all[i].table;
    }
    return NULL;
}

static const hawse_host_t host = {
    .size = sizeof(host), .now = now, .log = host_log, .set_error = set_error, .query = query};

/* ---- steps ---- */

static void deliver(const hawse_plugin_t *plugin, void *state, uint16_t kind, uint64_t key,
                    const uint8_t *record, size_t record_len, const uint8_t *body, size_t len)
{
    uint8_t *block = calloc(1, record_len + len + HAWSE_PADDING);
    if (record_len > 0)
        memcpy(block, record, record_len);
    if (len > 0)
        memcpy(block + record_len, body, len);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = kind,
                           .key = key,
                           .data = block,
                           .len = record_len + len};
    const hawse_event_t *list[1] = {&event};
    int32_t taken = plugin->on_events(state, list, 1);
    if (taken < 0 || taken > 1)
        abort();
    if (taken == 0) { /* it waits for room: that comes */
        world.no_room = false;
        if (plugin->on_events(state, list, 1) != 1)
            abort();
    }
    free(block);
}

static void stream_state(const hawse_plugin_t *plugin, void *state, uint32_t which, uint32_t to)
{
    hawse_host_stream_state_t s = {.size = sizeof(s), .state = to, .stream = world.streams[which]};
    deliver(plugin, state, HAWSE_HOST_STREAM_STATE, s.stream, (const uint8_t *)&s, sizeof(s), NULL,
            0);
}

static void answer(const hawse_plugin_t *plugin, void *state, bool good, const uint8_t *body,
                   size_t len)
{
    if (world.asked_count == 0)
        return;
    hawse_host_http_done_t done = {.size = sizeof(done),
                                   .status = good ? HAWSE_OK : HAWSE_E_REMOTE,
                                   .request = world.asked[0].request,
                                   .tag = world.asked[0].tag,
                                   .http_status = good ? 200 : 400 + (uint32_t)(len % 130),
                                   .retry_after_ms = (uint32_t)(len % 3) * 10,
                                   .body_len = len};
    memmove(world.asked, world.asked + 1, --world.asked_count * sizeof(world.asked[0]));
    deliver(plugin, state, HAWSE_HOST_HTTP_DONE, done.request, (const uint8_t *)&done, sizeof(done),
            body, len);
}

static void step(const hawse_plugin_t *plugin, void *state, uint8_t kind, const uint8_t *body,
                 size_t len)
{
    switch (kind % STEPS) {
    case 0:
    case 1:
        deliver(plugin, state, HAWSE_HOST_FRAME, world.streams[kind % STEPS], NULL, 0, body, len);
        break;
    case 2:
    case 3:
        answer(plugin, state, kind % STEPS == 2, body, len);
        break;
    case STEP_USER:
        deliver(plugin, state, HAWSE_HOST_FRAME, world.streams[2], NULL, 0, body, len);
        break;
    case STEP_CLOSE:
        stream_state(plugin, state, (uint32_t)(len % 3), HAWSE_STREAM_CLOSED);
        stream_state(plugin, state, (uint32_t)(len % 3), HAWSE_STREAM_OPEN);
        break;
    case STEP_TIME:
        world.now += (uint64_t)len * len * 10 * MS_NS;
        deliver(plugin, state, HAWSE_HOST_TIMER, 0, NULL, 0, NULL, 0);
        break;
    default:
        world.no_room = !world.no_room;
    }
}

/* Another instance takes its place: the same from what it saved. */
static void *hand_over(const hawse_plugin_t *plugin, const char *settings, void *state)
{
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    uint8_t *bytes = malloc(HAWSE_STATE_MAX);
    uint64_t len = 0;
    void *made = NULL;
    world.changes_nothing = true;
    if (!bytes || i->save(state, bytes, HAWSE_STATE_MAX, &len) != HAWSE_OK)
        abort();
    uint8_t *exact = malloc(len); /* so that sanitizers see its end */
    memcpy(exact, bytes, len);
    if (i->restore(&host, 1, hawse_text(settings), (hawse_view_t){exact, len}, &made) != HAWSE_OK)
        abort();
    plugin->destroy(state);
    world.changes_nothing = false;
    world.saved_len = (uint32_t)len;
    free(bytes);
    free(exact);
    return made;
}

/* Two assets, a market, a wallet and the account, all followed as closely as can be. */
static const char world_settings[] =
    "{\"assets\":["
    "\"71321045679252212594626385532706912750332728571942532289631379312455583992563\","
    "\"1\"],\"markets\":["
    "\"0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1\"],"
    "\"wallets\":[\"0x7c3db723f1d4d8cb9c550095203b686cb11e5c6b\"],\"per_connection\":400,"
    "\"ping_ms\":1000,\"pong_ms\":3000,\"dump_ms\":1000,\"audit_ms\":1000,\"poll_ms\":1000,"
    "\"account\":\"me\",\"account_ms\":1000,\"trades_late_ms\":2000,"
    "\"trades_audit_ms\":3000,\"requests_per_second\":20}";

/* A life from its beginning: its three streams are open. */
static void *world_begin(const hawse_plugin_t *plugin, bool hands_over)
{
    void *state = NULL;
    memset(&world, 0, offsetof(__typeof__(world), arena));
    world.now = 1000000000;
    world.hands_over = hands_over;
    if (plugin->create(&host, 1, hawse_text(world_settings), &state) != HAWSE_OK ||
        plugin->start(state) != HAWSE_OK)
        abort();
    for (uint32_t i = 0; i < 3; i++)
        stream_state(plugin, state, i, HAWSE_STREAM_OPEN);
    return state;
}

/* Steps of the form that fuzzers make. Returns the instance, which may be another by then. */
static inline void *world_run(const hawse_plugin_t *plugin, void *state, const uint8_t *data,
                              size_t size)
{
    for (size_t at = 0; at + 3 <= size;) {
        size_t len = (size_t)data[at + 1] << 8 | data[at + 2];
        uint8_t kind = data[at];
        at += 3;
        len = len < size - at ? len : size - at;
        step(plugin, state, kind, data + at, len);
        at += len;
        if (world.hands_over)
            state = hand_over(plugin, world_settings, state);
    }
    return state;
}

static void world_end(const hawse_plugin_t *plugin, void *state)
{
    (void)plugin->stop(state, 0);
    plugin->destroy(state);
}

#endif
