/*
 * The whole Polymarket plugin on any bytes: frames of both sockets, answers to whatever it asked,
 * failures, closed connections, time, and readers that have no room. The input is a list of steps:
 * a kind, a length, bytes. What it publishes must have the form its records promise.
 */
#include "../../plugins/venues/polymarket/polymarket.h"

#include <hawse/hawse.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS = 64, STEP_CLOSE = 4, STEP_TIME, STEP_ROOM, STEP_USER, STEPS };

static struct {
    uint64_t now, handles;
    hawse_stream_t streams[3]; /* market, rtds, user */
    struct {
        uint64_t request, tag;
    } asked[REQUESTS];
    uint32_t asked_count;
    bool no_room;
    _Alignas(8) uint8_t arena[1 << 18];
} world;

static uint64_t now(const hawse_host_t *host, uint32_t clock)
{
    (void)host;
    return world.now + (clock == HAWSE_CLOCK_UTC ? 1780449000ull * 1000000000u : 0);
}

static void say(const hawse_host_t *host, hawse_instance_t self, uint32_t level, hawse_view_t text)
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
    return HAWSE_OK;
}

static int32_t open_stream(const hawse_host_t *host, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *stream)
{
    (void)host, (void)self;
    *stream = ++world.handles;
    size_t which = spec->endpoint.data[0] == 'm' ? 0 : spec->endpoint.data[0] == 'r' ? 1 : 2;
    if (world.streams[which] == 0)
        world.streams[which] = *stream;
    return HAWSE_OK;
}

static int32_t send_message(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                            uint32_t kind, hawse_view_t payload)
{
    (void)host, (void)self, (void)stream, (void)kind;
    return payload.len > 0 ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t reconnect(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                         hawse_view_t reason)
{
    (void)host, (void)self, (void)stream, (void)reason;
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
    (void)host, (void)self, (void)c, (void)n;
    return HAWSE_OK;
}

static int32_t channel_state(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t c,
                             uint32_t state)
{
    (void)host, (void)self, (void)c, (void)state;
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
    return http_call(host, self, call, request);
}

static int32_t sign_send(const hawse_host_t *host, hawse_instance_t self, hawse_view_t credential,
                         hawse_stream_t stream, hawse_view_t text)
{
    (void)host, (void)self, (void)credential, (void)stream;
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
    (void)host, (void)self, (void)kind, (void)name, (void)help, (void)label;
    *metric = ++world.handles;
    return HAWSE_OK;
}

static int32_t add(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                   int64_t delta)
{
    (void)host, (void)self, (void)delta;
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
        .size = sizeof(metrics), .declare = declare, .add = add};
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
    .size = sizeof(host), .now = now, .log = say, .set_error = set_error, .query = query};

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
        stream_state(plugin, state, len % 3, HAWSE_STREAM_CLOSED);
        stream_state(plugin, state, len % 3, HAWSE_STREAM_OPEN);
        break;
    case STEP_TIME:
        world.now += (uint64_t)len * len * 10 * MS_NS;
        deliver(plugin, state, HAWSE_HOST_TIMER, 0, NULL, 0, NULL, 0);
        break;
    default:
        world.no_room = !world.no_room;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char settings[] =
        "{\"assets\":["
        "\"71321045679252212594626385532706912750332728571942532289631379312455583992563\","
        "\"1\"],\"markets\":["
        "\"0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1\"],"
        "\"wallets\":[\"0x7c3db723f1d4d8cb9c550095203b686cb11e5c6b\"],\"per_connection\":400,"
        "\"ping_ms\":1000,\"pong_ms\":3000,\"dump_ms\":1000,\"audit_ms\":1000,\"poll_ms\":1000,"
        "\"account\":\"me\",\"account_ms\":1000,\"requests_per_second\":20}";
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    void *state = NULL;
    memset(&world, 0, offsetof(__typeof__(world), arena));
    world.now = 1000000000;
    if (plugin->create(&host, 1, hawse_text(settings), &state) != HAWSE_OK ||
        plugin->start(state) != HAWSE_OK)
        abort();
    stream_state(plugin, state, 0, HAWSE_STREAM_OPEN);
    stream_state(plugin, state, 1, HAWSE_STREAM_OPEN);
    stream_state(plugin, state, 2, HAWSE_STREAM_OPEN);
    for (size_t at = 0; at + 3 <= size;) {
        size_t len = (size_t)data[at + 1] << 8 | data[at + 2];
        uint8_t kind = data[at];
        at += 3;
        len = len < size - at ? len : size - at;
        step(plugin, state, kind, data + at, len);
        at += len;
    }
    (void)plugin->stop(state, 0);
    plugin->destroy(state);
    return 0;
}
