/* A fake host for unit tests of plugins; validated by the end-to-end trials. See fake_host.h. */
#include "fake_host.h"

#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_ROUNDS 100000 /* of one run: more means that the plugin goes round in circles */

#define MUST(condition, ...)                                    \
    do {                                                        \
        if (!(condition)) {                                     \
            (void)fprintf(stderr, "# fake host: " __VA_ARGS__); \
            (void)fputc('\n', stderr);                          \
            abort();                                            \
        }                                                       \
    } while (0)

static struct fake_host *of(const hawse_host_t *table)
{
    union {
        const hawse_host_t *in;
        struct fake_host *out;
    } u = {.in = table};
    return u.out;
}

static struct fake_host *lane(const hawse_host_t *table)
{
    struct fake_host *h = of(table);
    MUST(h->in_plugin, "a lane call outside a callback");
    return h;
}

static void *grown(void *list, size_t count, size_t *cap, size_t item)
{
    if (count < *cap)
        return list;
    *cap = *cap ? *cap * 2 : 64;
    void *more = realloc(list, *cap * item);
    MUST(more, "no memory");
    return more;
}

static char *text_of(hawse_view_t v)
{
    char *text = malloc(v.len + 1);
    MUST(text, "no memory");
    if (v.len > 0)
        memcpy(text, v.data, v.len);
    text[v.len] = '\0';
    return text;
}

/* ---- the core table ---- */

static uint64_t table_now(const hawse_host_t *table, uint32_t clock)
{
    uint64_t now = of(table)->now;
    return clock == HAWSE_CLOCK_UTC ? now + 1760000000000000000ull : now;
}

static void table_log(const hawse_host_t *table, hawse_instance_t self, uint32_t level,
                      hawse_view_t text)
{
    struct fake_host *h = of(table);
    MUST(self == 1 && level <= HAWSE_LOG_DEBUG, "log with a wrong handle or level");
    h->log_lines[level]++;
    (void)snprintf(h->last_log[level], sizeof(h->last_log[level]), "%.*s", (int)text.len,
                   (const char *)text.data);
}

static int32_t table_set_error(const hawse_host_t *table, hawse_instance_t self, int32_t code,
                               hawse_view_t message, hawse_view_t hint)
{
    struct fake_host *h = of(table);
    MUST(self == 1 && code < 0, "set_error with a wrong handle or code");
    (void)snprintf(h->error, sizeof(h->error), "%.*s", (int)message.len,
                   (const char *)message.data);
    (void)snprintf(h->hint, sizeof(h->hint), "%.*s", (int)hint.len, (const char *)hint.data);
    return code;
}

static int32_t table_post(const hawse_host_t *table, hawse_instance_t self, uint64_t token)
{
    (void)table;
    (void)self;
    (void)token;
    return HAWSE_E_UNSUPPORTED;
}

/* ---- sub ---- */

static int32_t sub_link(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name,
                        uint32_t *source)
{
    (void)self;
    (void)name;
    (void)source;
    (void)lane(table);
    return HAWSE_E_NOTFOUND;
}

static int32_t sub_space(const hawse_host_t *table, hawse_instance_t self, hawse_view_t id,
                         uint16_t *space)
{
    (void)self;
    (void)id;
    (void)lane(table);
    *space = 0x8000;
    return HAWSE_OK;
}

static int32_t sub_subscribe(const hawse_host_t *table, hawse_instance_t self,
                             const hawse_sub_spec_t *spec, hawse_sub_t *sub)
{
    (void)self;
    (void)spec;
    (void)sub;
    (void)lane(table);
    return HAWSE_E_DENIED;
}

static int32_t sub_unsubscribe(const hawse_host_t *table, hawse_instance_t self, hawse_sub_t sub)
{
    (void)self;
    (void)sub;
    (void)lane(table);
    return HAWSE_E_STALE;
}

static void lend(struct fake_host *h, void *memory)
{
    h->lent = grown(h->lent, h->lent_count, &h->lent_cap, sizeof(h->lent[0]));
    h->lent[h->lent_count++] = memory;
}

static uint8_t *sub_reserve(const hawse_host_t *table, hawse_instance_t self, uint64_t len)
{
    struct fake_host *h = lane(table);
    (void)self;
    h->reserved = NULL;
    if (len > 256u << 10 || h->room == 0)
        return NULL;
    h->reserved = malloc(len ? len : 1);
    MUST(h->reserved, "no memory");
    memset(h->reserved, 0xa5, len);
    h->reserved_len = len;
    lend(h, h->reserved);
    return h->reserved;
}

static int32_t sub_publish(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_event_t *event)
{
    struct fake_host *h = lane(table);
    MUST(self == 1 && event->size >= sizeof(*event), "publish with a wrong handle or size");
    MUST(event->stream < FAKE_SEQUENCES && event->kind != 0, "stream or kind out of range");
    MUST(event->len <= 256u << 10 && (event->data || event->len == 0), "record out of range");
    if (h->publish_denied)
        return HAWSE_E_DENIED;
    if (h->room == 0)
        return HAWSE_E_AGAIN;
    if (h->room != UINT64_MAX)
        h->room--;
    h->events = grown(h->events, h->event_count, &h->event_cap, sizeof(h->events[0]));
    hawse_event_t *copy = &h->events[h->event_count++].event;
    uint8_t *data = malloc(event->len + 1);
    MUST(data, "no memory");
    memcpy(data, event->data, event->len);
    *copy = *event;
    copy->data = data;
    copy->source = 1;
    copy->seq = ++h->seq[event->stream];
    if (event->data == h->reserved)
        h->reserved = NULL;
    return HAWSE_OK;
}

static const hawse_sub_service_t sub_service = {
    .size = sizeof(sub_service),
    .link = sub_link,
    .space = sub_space,
    .subscribe = sub_subscribe,
    .unsubscribe = sub_unsubscribe,
    .reserve = sub_reserve,
    .publish = sub_publish,
};

/* ---- stream ---- */

static int32_t stream_open(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *stream)
{
    struct fake_host *h = lane(table);
    (void)self;
    MUST(spec->size >= sizeof(*spec) && spec->flags == 0, "a wrong stream spec");
    if (h->no_ws)
        return HAWSE_E_NOTFOUND;
    for (int i = 0; i < FAKE_STREAMS; i++) {
        if (h->streams[i] == 0) {
            h->stream_opened = h->streams[i] = *stream = ++h->last_handle;
            return HAWSE_OK;
        }
    }
    return HAWSE_E_LIMIT;
}

static bool is_stream(const struct fake_host *h, uint64_t stream)
{
    for (int i = 0; i < FAKE_STREAMS && stream != 0; i++) {
        if (h->streams[i] == stream)
            return true;
    }
    return false;
}

static int32_t stream_send(const hawse_host_t *table, hawse_instance_t self, hawse_stream_t stream,
                           uint32_t kind, hawse_view_t payload)
{
    struct fake_host *h = lane(table);
    (void)self;
    MUST(kind >= HAWSE_MESSAGE_TEXT && kind <= HAWSE_MESSAGE_PING, "a wrong kind of message");
    if (!is_stream(h, stream))
        return HAWSE_E_STALE;
    if (!h->stream_is_open)
        return HAWSE_E_STATE;
    if (h->send_fails)
        return HAWSE_E_AGAIN;
    h->messages = grown(h->messages, h->message_count, &h->message_cap, sizeof(h->messages[0]));
    h->messages[h->message_count++] =
        (struct fake_message){.stream = stream, .text = text_of(payload)};
    return HAWSE_OK;
}

static int32_t stream_reconnect(const hawse_host_t *table, hawse_instance_t self,
                                hawse_stream_t stream, hawse_view_t reason)
{
    struct fake_host *h = lane(table);
    (void)self;
    MUST(reason.len > 0, "a reconnect without a reason");
    if (!is_stream(h, stream))
        return HAWSE_E_STALE;
    h->reconnects++;
    return HAWSE_OK;
}

static int32_t stream_close(const hawse_host_t *table, hawse_instance_t self, hawse_stream_t stream)
{
    struct fake_host *h = lane(table);
    (void)self;
    for (int i = 0; i < FAKE_STREAMS; i++) {
        if (h->streams[i] == stream && stream != 0) {
            h->streams[i] = 0;
            return HAWSE_OK;
        }
    }
    return HAWSE_E_STALE;
}

static int32_t stream_channel(const hawse_host_t *table, hawse_instance_t self,
                              hawse_stream_t stream, hawse_view_t name, uint64_t idle_ns,
                              hawse_channel_t *channel)
{
    struct fake_host *h = lane(table);
    (void)self;
    MUST(h->channel_count < 16, "too many channels");
    if (!is_stream(h, stream))
        return HAWSE_E_STALE;
    struct fake_channel *c = &h->channels[h->channel_count++];
    (void)snprintf(c->name, sizeof(c->name), "%.*s", (int)name.len, (const char *)name.data);
    c->idle_ns = idle_ns;
    *channel = 1000 + h->channel_count;
    return HAWSE_OK;
}

static struct fake_channel *channel_of(struct fake_host *h, hawse_channel_t channel)
{
    MUST(channel > 1000 && channel <= 1000 + h->channel_count, "a wrong channel");
    return &h->channels[channel - 1001];
}

static int32_t stream_touch(const hawse_host_t *table, hawse_instance_t self,
                            hawse_channel_t channel, uint64_t messages)
{
    (void)self;
    channel_of(lane(table), channel)->touched += messages;
    return HAWSE_OK;
}

static int32_t stream_channel_state(const hawse_host_t *table, hawse_instance_t self,
                                    hawse_channel_t channel, uint32_t state)
{
    (void)self;
    MUST(state <= HAWSE_CHANNEL_UNHEALABLE, "a wrong channel state");
    channel_of(lane(table), channel)->state = state;
    return HAWSE_OK;
}

static const hawse_stream_service_t stream_service = {
    .size = sizeof(stream_service),
    .open = stream_open,
    .send = stream_send,
    .reconnect = stream_reconnect,
    .close = stream_close,
    .channel = stream_channel,
    .touch = stream_touch,
    .channel_state = stream_channel_state,
};

/* ---- timer ---- */

static int32_t timer_set(const hawse_host_t *table, hawse_instance_t self, uint64_t delay_ns,
                         uint64_t period_ns, uint64_t tag, hawse_timer_t *timer)
{
    struct fake_host *h = lane(table);
    (void)self;
    MUST(period_ns == 0 || period_ns >= 1000000, "a period below 1 ms");
    if (h->timer_count == 64)
        return HAWSE_E_LIMIT;
    *timer = ++h->last_handle;
    h->timers[h->timer_count++] = (struct fake_timer){
        .handle = *timer, .due = h->now + delay_ns, .period = period_ns, .tag = tag};
    return HAWSE_OK;
}

static int32_t timer_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_timer_t timer)
{
    struct fake_host *h = lane(table);
    (void)self;
    for (size_t i = 0; i < h->timer_count; i++) {
        if (h->timers[i].handle == timer) {
            h->timers[i] = h->timers[--h->timer_count];
            return HAWSE_OK;
        }
    }
    return HAWSE_E_STALE;
}

static const hawse_timer_service_t timer_service = {
    .size = sizeof(timer_service), .set = timer_set, .cancel = timer_cancel};

/* ---- rpc ---- */

static int32_t rpc_call(const hawse_host_t *table, hawse_instance_t self,
                        const hawse_rpc_call_t *call, hawse_request_t *request)
{
    struct fake_host *h = lane(table);
    (void)self;
    MUST(call->size >= sizeof(*call) && call->method.len > 0, "a wrong call");
    if (h->no_http)
        return HAWSE_E_NOTFOUND;
    size_t open = 0;
    for (size_t i = 0; i < h->request_count; i++)
        open += !h->requests[i].done;
    if (open >= 256)
        return HAWSE_E_LIMIT;
    h->requests = grown(h->requests, h->request_count, &h->request_cap, sizeof(h->requests[0]));
    struct fake_request *r = &h->requests[h->request_count++];
    *request = ++h->last_handle;
    *r = (struct fake_request){.handle = *request,
                               .tag = call->tag,
                               .method = text_of(call->method),
                               .params = text_of(call->params)};
    return HAWSE_OK;
}

static int32_t rpc_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_request_t request)
{
    struct fake_host *h = lane(table);
    (void)self;
    for (size_t i = 0; i < h->request_count; i++) {
        if (h->requests[i].handle == request && !h->requests[i].done) {
            h->requests[i].done = true;
            return HAWSE_OK;
        }
    }
    return HAWSE_E_STALE;
}

static const hawse_rpc_service_t rpc_service = {
    .size = sizeof(rpc_service), .call = rpc_call, .cancel = rpc_cancel};

/* ---- metrics ---- */

static int32_t metrics_declare(const hawse_host_t *table, hawse_instance_t self, uint32_t kind,
                               hawse_view_t name, hawse_view_t help, hawse_view_t label,
                               hawse_metric_t *metric)
{
    struct fake_host *h = lane(table);
    (void)self;
    (void)label;
    MUST(help.len > 0 && name.len < 64 && h->metric_count < 64, "a wrong metric");
    struct fake_metric *m = &h->metrics[h->metric_count++];
    (void)snprintf(m->name, sizeof(m->name), "%.*s", (int)name.len, (const char *)name.data);
    m->kind = kind;
    m->value = 0;
    *metric = h->metric_count;
    return HAWSE_OK;
}

static struct fake_metric *metric_of(struct fake_host *h, hawse_metric_t metric, uint32_t kind)
{
    MUST(metric > 0 && metric <= h->metric_count, "a wrong metric handle");
    MUST(h->metrics[metric - 1].kind == kind || kind == 0, "not that kind of metric");
    return &h->metrics[metric - 1];
}

static int32_t metrics_add(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t delta)
{
    (void)self;
    struct fake_metric *m = metric_of(lane(table), metric, 0);
    MUST(delta >= 0 || m->kind == HAWSE_METRIC_GAUGE, "a counter that shrinks");
    m->value += delta;
    return HAWSE_OK;
}

static int32_t metrics_set(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t value)
{
    (void)self;
    metric_of(lane(table), metric, HAWSE_METRIC_GAUGE)->value = value;
    return HAWSE_OK;
}

static const hawse_metrics_service_t metrics_service = {.size = sizeof(metrics_service),
                                                        .declare = metrics_declare,
                                                        .add = metrics_add,
                                                        .set = metrics_set};

static const void *table_query(const hawse_host_t *table, hawse_instance_t self, const char *id)
{
    struct fake_host *h = of(table);
    (void)self;
    if (strcmp(id, HAWSE_SUB_ID) == 0)
        return &sub_service;
    if (strcmp(id, HAWSE_STREAM_ID) == 0)
        return &stream_service;
    if (strcmp(id, HAWSE_TIMER_ID) == 0)
        return &timer_service;
    if (strcmp(id, HAWSE_RPC_ID) == 0)
        return h->no_rpc_service ? NULL : &rpc_service;
    return strcmp(id, HAWSE_METRICS_ID) == 0 ? &metrics_service : NULL;
}

/* ---- running the plugin ---- */

static void enter(struct fake_host *h)
{
    MUST(!h->in_plugin, "the plugin was entered from inside its own call");
    h->in_plugin = true;
}

static void leave(struct fake_host *h)
{
    h->in_plugin = false;
    for (size_t i = 0; i < h->lent_count; i++)
        free(h->lent[i]);
    h->lent_count = 0;
    h->reserved = NULL;
}

static void enqueue(struct fake_host *h, const hawse_event_t *event)
{
    struct fake_queued *q = calloc(1, sizeof(*q));
    MUST(q, "no memory");
    uint8_t *data = malloc(event->len + HAWSE_PADDING);
    MUST(data, "no memory");
    if (event->len > 0)
        memcpy(data, event->data, event->len);
    memset(data + event->len, 0xee, HAWSE_PADDING);
    q->event = *event;
    q->event.size = sizeof(q->event);
    q->event.data = data;
    if (h->queue_tail)
        h->queue_tail->next = q;
    else
        h->queue = q;
    h->queue_tail = q;
}

static void pop(struct fake_host *h)
{
    struct fake_queued *q = h->queue;
    union {
        const uint8_t *in;
        uint8_t *out;
    } u = {.in = q->event.data};
    h->queue = q->next;
    if (!h->queue)
        h->queue_tail = NULL;
    free(u.out);
    free(q);
}

void fake_run(struct fake_host *h)
{
    for (int round = 0; h->queue && !h->failed; round++) {
        const hawse_event_t *batch[HAWSE_BATCH_MAX];
        uint32_t n = 0;
        MUST(round < FAKE_ROUNDS, "the plugin takes nothing and stops at nothing");
        for (struct fake_queued *q = h->queue; q && n < HAWSE_BATCH_MAX; q = q->next)
            batch[n++] = &q->event;
        enter(h);
        int32_t took = h->plugin->on_events(h->state, batch, n);
        leave(h);
        MUST(took <= (int32_t)n, "the plugin took %d of %u events", took, n);
        if (took < 0) {
            h->failed = true;
            h->code = took;
            return;
        }
        for (int32_t i = 0; i < took; i++)
            pop(h);
        if (took == 0)
            return; /* it waits for room or time */
    }
}

struct fake_host *fake_create(const hawse_plugin_t *plugin, const char *settings, int32_t *code,
                              char *error, size_t cap)
{
    struct fake_host *h = calloc(1, sizeof(*h));
    MUST(h, "no memory");
    h->table = (hawse_host_t){.size = sizeof(h->table),
                              .abi_minor = HAWSE_ABI_MINOR,
                              .fork_tag = "hawse",
                              .now = table_now,
                              .log = table_log,
                              .set_error = table_set_error,
                              .post = table_post,
                              .query = table_query};
    h->plugin = plugin;
    h->room = UINT64_MAX;
    h->now = 1000000000;
    hawse_view_t config = {(const uint8_t *)strdup(settings), strlen(settings)};
    union {
        const uint8_t *in;
        uint8_t *out;
    } u = {.in = config.data};
    lend(h, u.out);
    enter(h);
    int32_t result = plugin->create(&h->table, 1, config, &h->state);
    leave(h);
    if (code)
        *code = result;
    if (error)
        (void)snprintf(error, cap, "%s", h->error);
    if (result >= 0)
        return h;
    MUST(!h->state, "a failed create left a state");
    free(h->lent);
    free(h);
    return NULL;
}

int32_t fake_start(struct fake_host *h)
{
    enter(h);
    int32_t code = h->plugin->start(h->state);
    leave(h);
    return code;
}

void fake_destroy(struct fake_host *h)
{
    if (!h)
        return;
    enter(h);
    (void)h->plugin->stop(h->state, h->now + 1000000000);
    leave(h);
    enter(h);
    h->plugin->destroy(h->state);
    leave(h);
    while (h->queue)
        pop(h);
    for (size_t i = 0; i < h->event_count; i++) {
        union {
            const uint8_t *in;
            uint8_t *out;
        } u = {.in = h->events[i].event.data};
        free(u.out);
    }
    for (size_t i = 0; i < h->request_count; i++) {
        free(h->requests[i].method);
        free(h->requests[i].params);
    }
    for (size_t i = 0; i < h->message_count; i++)
        free(h->messages[i].text);
    free(h->events);
    free(h->requests);
    free(h->messages);
    free(h->lent);
    free(h);
}

/* ---- what the test sends ---- */

void fake_event(struct fake_host *h, const hawse_event_t *event)
{
    enqueue(h, event);
    fake_run(h);
}

void fake_stream_state(struct fake_host *h, uint32_t state)
{
    hawse_host_stream_state_t record = {
        .size = sizeof(record), .state = state, .stream = h->stream_opened, .retry_ms = 10};
    h->stream_is_open = state == HAWSE_STREAM_OPEN;
    if (state == HAWSE_STREAM_OPEN) {
        h->epoch++;
        h->frame_seq = 0;
    }
    hawse_event_t event = {.space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_STREAM_STATE,
                           .epoch = h->epoch,
                           .key = h->stream_opened,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    fake_event(h, &event);
}

static void queue_frame(struct fake_host *h, const uint8_t *data, size_t len, uint32_t flags)
{
    hawse_event_t event = {.space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_FRAME,
                           .epoch = h->epoch,
                           .flags = flags,
                           .seq = ++h->frame_seq,
                           .t_recv_ns = h->now,
                           .key = h->stream_opened,
                           .data = data,
                           .len = len};
    enqueue(h, &event);
}

void fake_queue_frame(struct fake_host *h, const char *text)
{
    queue_frame(h, (const uint8_t *)text, strlen(text), 0);
}

void fake_frame(struct fake_host *h, const char *text)
{
    fake_queue_frame(h, text);
    fake_run(h);
}

void fake_frame_bytes(struct fake_host *h, const uint8_t *data, size_t len, uint32_t flags)
{
    queue_frame(h, data, len, flags);
    fake_run(h);
}

void fake_channel_idle(struct fake_host *h, const char *channel)
{
    hawse_host_channel_idle_t record = {.size = sizeof(record), .stream = h->stream_opened};
    for (size_t i = 0; i < h->channel_count; i++) {
        if (strcmp(h->channels[i].name, channel) == 0) {
            record.channel = 1001 + i;
            record.idle_ns = h->channels[i].idle_ns;
        }
    }
    hawse_event_t event = {.space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_CHANNEL_IDLE,
                           .key = record.channel,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    fake_event(h, &event);
}

void fake_demand(struct fake_host *h, uint32_t change, uint64_t sub, uint16_t space, uint16_t kind,
                 const void *filter, uint32_t filter_len)
{
    uint8_t buffer[sizeof(hawse_host_demand_t) + 4096];
    hawse_host_demand_t record = {.size = sizeof(record),
                                  .change = change,
                                  .sub = sub,
                                  .space = space,
                                  .kind = kind,
                                  .subscriber = 2,
                                  .filter_len = filter_len};
    MUST(filter_len <= 4096, "a filter that long");
    memcpy(buffer, &record, sizeof(record));
    if (filter_len > 0)
        memcpy(buffer + sizeof(record), filter, filter_len);
    hawse_event_t event = {.space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_DEMAND,
                           .key = sub,
                           .data = buffer,
                           .len = sizeof(record) + filter_len};
    fake_event(h, &event);
}

void fake_answer(struct fake_host *h, struct fake_request *request, int32_t status,
                 int64_t rpc_code, uint32_t http_status, const char *body)
{
    size_t len = strlen(body);
    hawse_host_rpc_done_t record = {.size = sizeof(record),
                                    .status = status,
                                    .request = request->handle,
                                    .tag = request->tag,
                                    .http_status = http_status,
                                    .rpc_code = rpc_code,
                                    .body_len = len};
    uint8_t *block = malloc(sizeof(record) + len);
    MUST(block, "no memory");
    memcpy(block, &record, sizeof(record));
    memcpy(block + sizeof(record), body, len);
    hawse_event_t event = {.space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_RPC_DONE,
                           .key = request->handle,
                           .data = block,
                           .len = sizeof(record) + len};
    request->done = true;
    fake_event(h, &event); /* may move h->requests: request is not used any more */
    free(block);
}

struct fake_request *fake_request(struct fake_host *h)
{
    for (size_t i = 0; i < h->request_count; i++) {
        if (!h->requests[i].done)
            return &h->requests[i];
    }
    return NULL;
}

const char *fake_message(struct fake_host *h)
{
    return h->message_read < h->message_count ? h->messages[h->message_read++].text : NULL;
}

const hawse_event_t *fake_published(struct fake_host *h)
{
    return h->event_read < h->event_count ? &h->events[h->event_read++].event : NULL;
}

/* ---- time ---- */

static struct fake_timer *next_due(struct fake_host *h, uint64_t until)
{
    struct fake_timer *next = NULL;
    for (size_t i = 0; i < h->timer_count; i++) {
        struct fake_timer *t = &h->timers[i];
        if (t->due <= until && (!next || t->due < next->due))
            next = t;
    }
    return next;
}

void fake_advance(struct fake_host *h, uint64_t ms)
{
    uint64_t until = h->now + ms * 1000000;
    struct fake_timer *timer;
    while ((timer = next_due(h, until)) != NULL && !h->failed) {
        hawse_host_timer_t record = {
            .size = sizeof(record), .timer = timer->handle, .tag = timer->tag};
        h->now = timer->due > h->now ? timer->due : h->now;
        hawse_event_t event = {.space = HAWSE_SPACE_HOST,
                               .kind = HAWSE_HOST_TIMER,
                               .key = timer->handle,
                               .data = (const uint8_t *)&record,
                               .len = sizeof(record)};
        if (timer->period)
            timer->due += timer->period;
        else
            *timer = h->timers[--h->timer_count];
        fake_event(h, &event);
    }
    h->now = until;
    fake_run(h); /* the real host offers what was left again */
}

int64_t fake_metric(const struct fake_host *h, const char *name)
{
    for (size_t i = 0; i < h->metric_count; i++) {
        if (strcmp(h->metrics[i].name, name) == 0)
            return h->metrics[i].value;
    }
    return INT64_MIN;
}

uint32_t fake_channel_state(const struct fake_host *h, const char *name)
{
    for (size_t i = 0; i < h->channel_count; i++) {
        if (strcmp(h->channels[i].name, name) == 0)
            return h->channels[i].state;
    }
    return UINT32_MAX;
}
