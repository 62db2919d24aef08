/*
 * The services that the fake host hands out: sub, stream, timer, rpc, metrics. Each checks what its
 * header demands of the plugin.
 */
#include "fakehost_private.h"
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct fakehost *entered(const hawse_host_t *host)
{
    struct fakehost *h = fake_of(host);
    if (!h->inside)
        FAIL("a service was called outside of a callback");
    return h;
}

static void copy_name(char out[NAME], hawse_view_t name)
{
    (void)snprintf(out, NAME, "%.*s", (int)name.len, (const char *)name.data);
}

static char *copy_text(hawse_view_t v)
{
    char *text = calloc(1, v.len + 1);
    CHECK(text != NULL);
    if (v.len > 0)
        memcpy(text, v.data, v.len);
    return text;
}

/* ---- sub ---- */

static int32_t sub_link(const hawse_host_t *host, hawse_instance_t self, hawse_view_t name,
                        uint32_t *source)
{
    (void)host;
    (void)self;
    (void)name;
    *source = 2; /* every name is linked, to one and the same source */
    return HAWSE_OK;
}

static int32_t sub_space(const hawse_host_t *host, hawse_instance_t self, hawse_view_t id,
                         uint16_t *space)
{
    static const struct {
        const char *id;
        uint16_t number;
    } known[] = {{"host/1", 1},   {"stream/1", 2}, {"evm/1", 3},   {"solana/1", 4},
                 {"market/1", 5}, {"wallet/1", 6}, {"intent/1", 7}};
    (void)host;
    (void)self;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (id.len == strlen(known[i].id) && memcmp(id.data, known[i].id, id.len) == 0) {
            *space = known[i].number;
            return HAWSE_OK;
        }
    }
    *space = 0x8000;
    return HAWSE_OK;
}

static int32_t sub_subscribe(const hawse_host_t *host, hawse_instance_t self,
                             const hawse_sub_spec_t *spec, hawse_sub_t *sub)
{
    struct fakehost *h = entered(host);
    (void)self;
    CHECK(h->sub_count < SUBS);
    h->subs[h->sub_count] = *spec;
    h->subs[h->sub_count].filter = (hawse_view_t){NULL, 0}; /* was borrowed */
    *sub = ++h->sub_count;
    return HAWSE_OK;
}

static int32_t sub_unsubscribe(const hawse_host_t *host, hawse_instance_t self, hawse_sub_t sub)
{
    (void)self;
    return sub > 0 && sub <= entered(host)->sub_count ? HAWSE_OK : HAWSE_E_STALE;
}

static uint8_t *sub_reserve(const hawse_host_t *host, hawse_instance_t self, uint64_t len)
{
    struct fakehost *h = entered(host);
    (void)self;
    if (len > 256 << 10)
        return NULL;
    free(h->reserved);
    h->reserved = malloc(len ? len : 1); /* to the byte: an overrun is seen */
    h->reserved_len = len;
    CHECK(h->reserved != NULL);
    return h->reserved;
}

static int32_t sub_publish(const hawse_host_t *host, hawse_instance_t self,
                           const hawse_event_t *event)
{
    struct fakehost *h = entered(host);
    (void)self;
    CHECK(event->size == sizeof(*event) && event->stream < 256 && event->data != NULL);
    if (h->reserved && event->data == h->reserved)
        CHECK(event->len <= h->reserved_len);
    if (h->outside.room && !h->outside.room(h->outside.ctx, event))
        return HAWSE_E_AGAIN;
    hawse_event_t whole = *event;
    whole.source = 1;
    whole.seq = ++h->seq[event->stream];
    if (h->outside.publish)
        h->outside.publish(h->outside.ctx, &whole);
    return HAWSE_OK;
}

const hawse_sub_spec_t *fakehost_subscription(const struct fakehost *h, uint32_t index)
{
    return index < h->sub_count ? &h->subs[index] : NULL;
}

/* ---- stream ---- */

static int32_t stream_open(const hawse_host_t *host, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *stream)
{
    struct fakehost *h = entered(host);
    char name[NAME];
    (void)self;
    copy_name(name, spec->endpoint.len > 0 ? spec->endpoint : spec->url);
    if (h->stream_count == STREAMS)
        return HAWSE_E_LIMIT;
    hawse_stream_t handle = h->stream_count + 1;
    int32_t code = h->outside.open ? h->outside.open(h->outside.ctx, handle, name) : HAWSE_OK;
    if (code != HAWSE_OK)
        return code;
    h->stream_count++;
    *stream = handle;
    return HAWSE_OK;
}

static struct fake_stream *stream_of(struct fakehost *h, hawse_stream_t stream)
{
    if (stream == 0 || stream > h->stream_count)
        FAIL("stream %llu was never opened", (unsigned long long)stream);
    return &h->streams[stream - 1];
}

static int32_t stream_send(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                           uint32_t message_kind, hawse_view_t payload)
{
    struct fakehost *h = entered(host);
    (void)self;
    if (!stream_of(h, stream)->open)
        return HAWSE_E_STATE;
    if (message_kind == HAWSE_MESSAGE_PING || !h->outside.send)
        return HAWSE_OK;
    char *text = copy_text(payload);
    int32_t code = h->outside.send(h->outside.ctx, stream, text, payload.len);
    free(text);
    return code;
}

static int32_t stream_reconnect(const hawse_host_t *host, hawse_instance_t self,
                                hawse_stream_t stream, hawse_view_t reason)
{
    struct fakehost *h = entered(host);
    (void)self;
    (void)stream_of(h, stream);
    char *text = copy_text(reason);
    if (h->outside.reconnect)
        h->outside.reconnect(h->outside.ctx, stream, text);
    free(text);
    return HAWSE_OK;
}

static int32_t stream_close(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream)
{
    struct fakehost *h = entered(host);
    (void)self;
    stream_of(h, stream)->open = false;
    stream_of(h, stream)->closed_for_good = true;
    return HAWSE_OK;
}

static int32_t stream_channel(const hawse_host_t *host, hawse_instance_t self,
                              hawse_stream_t stream, hawse_view_t name, uint64_t idle_ns,
                              hawse_channel_t *channel)
{
    struct fakehost *h = entered(host);
    (void)self;
    (void)stream_of(h, stream);
    CHECK(h->channel_count < CHANNELS);
    struct fake_channel *c = &h->channels[h->channel_count];
    copy_name(c->name, name);
    c->stream = stream;
    c->idle_ns = idle_ns;
    c->touched_ns = h->now_ns;
    *channel = ++h->channel_count;
    return HAWSE_OK;
}

static struct fake_channel *channel_of(struct fakehost *h, hawse_channel_t channel)
{
    return channel > 0 && channel <= h->channel_count ? &h->channels[channel - 1] : NULL;
}

static int32_t stream_touch(const hawse_host_t *host, hawse_instance_t self,
                            hawse_channel_t channel, uint64_t messages)
{
    struct fakehost *h = entered(host);
    struct fake_channel *c = channel_of(h, channel);
    (void)self;
    (void)messages;
    if (!c)
        return HAWSE_E_STALE;
    c->touched_ns = h->now_ns;
    c->silent = false;
    return HAWSE_OK;
}

static int32_t stream_channel_state(const hawse_host_t *host, hawse_instance_t self,
                                    hawse_channel_t channel, uint32_t state)
{
    struct fake_channel *c = channel_of(entered(host), channel);
    (void)self;
    if (!c)
        return HAWSE_E_STALE;
    c->state = state;
    return HAWSE_OK;
}

uint32_t fakehost_channel(const struct fakehost *h, const char *name)
{
    for (uint32_t i = 0; i < h->channel_count; i++) {
        if (strcmp(h->channels[i].name, name) == 0)
            return h->channels[i].state;
    }
    return UINT32_MAX;
}

/* ---- timer ---- */

static int32_t timer_set(const hawse_host_t *host, hawse_instance_t self, uint64_t delay_ns,
                         uint64_t period_ns, uint64_t tag, hawse_timer_t *timer)
{
    struct fakehost *h = entered(host);
    (void)self;
    if (period_ns > 0 && period_ns < FAKEHOST_MS)
        return HAWSE_E_INVAL;
    struct fake_task *task = fake_task_add(h, delay_ns);
    task->timer = ++h->handles;
    task->period_ns = period_ns;
    task->tag = tag;
    *timer = task->timer;
    return HAWSE_OK;
}

static int32_t timer_cancel(const hawse_host_t *host, hawse_instance_t self, hawse_timer_t timer)
{
    struct fakehost *h = entered(host);
    (void)self;
    for (struct fake_task **at = &h->tasks; timer != 0 && *at; at = &(*at)->next) {
        if ((*at)->timer != timer)
            continue;
        struct fake_task *task = *at;
        *at = task->next;
        free(task);
        return HAWSE_OK;
    }
    return HAWSE_E_STALE;
}

/* ---- rpc ---- */

static int32_t rpc_call(const hawse_host_t *host, hawse_instance_t self,
                        const hawse_rpc_call_t *call, hawse_request_t *request)
{
    struct fakehost *h = entered(host);
    (void)self;
    if (call->params.len > 1 << 20)
        return HAWSE_E_INVAL;
    for (uint32_t i = 0; i < CALLS; i++) {
        struct fakehost_call *c = &h->calls[i];
        if (c->request != 0)
            continue;
        *c = (struct fakehost_call){.request = ++h->handles,
                                    .tag = call->tag,
                                    .asked_ns = h->now_ns,
                                    .method = copy_text(call->method),
                                    .params = copy_text(call->params)};
        int32_t code = h->outside.ask ? h->outside.ask(h->outside.ctx, c) : HAWSE_OK;
        *request = c->request;
        if (code == HAWSE_OK)
            return HAWSE_OK;
        free(c->method);
        free(c->params);
        memset(c, 0, sizeof(*c));
        return code;
    }
    return HAWSE_E_LIMIT;
}

static int32_t rpc_cancel(const hawse_host_t *host, hawse_instance_t self, hawse_request_t request)
{
    struct fakehost *h = entered(host);
    (void)self;
    for (uint32_t i = 0; i < CALLS; i++) {
        struct fakehost_call *c = &h->calls[i];
        if (request == 0 || c->request != request)
            continue;
        free(c->method);
        free(c->params);
        memset(c, 0, sizeof(*c));
        return HAWSE_OK;
    }
    return HAWSE_E_STALE;
}

/* ---- metrics ---- */

static int32_t metrics_declare(const hawse_host_t *host, hawse_instance_t self,
                               uint32_t metric_kind, hawse_view_t name, hawse_view_t help,
                               hawse_view_t label, hawse_metric_t *metric)
{
    struct fakehost *h = entered(host);
    (void)self;
    (void)help;
    (void)label;
    CHECK(h->metric_count < METRICS &&
          (metric_kind == HAWSE_METRIC_COUNTER || metric_kind == HAWSE_METRIC_GAUGE));
    copy_name(h->metrics[h->metric_count].name, name);
    *metric = ++h->metric_count;
    return HAWSE_OK;
}

static int32_t metrics_add(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                           int64_t delta)
{
    struct fakehost *h = entered(host);
    (void)self;
    if (metric == 0 || metric > h->metric_count)
        return HAWSE_E_STALE;
    h->metrics[metric - 1].value += delta;
    return HAWSE_OK;
}

static int32_t metrics_set(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                           int64_t value)
{
    struct fakehost *h = entered(host);
    (void)self;
    if (metric == 0 || metric > h->metric_count)
        return HAWSE_E_STALE;
    h->metrics[metric - 1].value = value;
    return HAWSE_OK;
}

int64_t fakehost_metric(const struct fakehost *h, const char *name)
{
    for (uint32_t i = 0; i < h->metric_count; i++) {
        if (strcmp(h->metrics[i].name, name) == 0)
            return h->metrics[i].value;
    }
    return 0;
}

/* ---- by name ---- */

const void *fake_query(const hawse_host_t *host, hawse_instance_t self, const char *id)
{
    static const hawse_sub_service_t sub = {.size = sizeof(sub),
                                            .link = sub_link,
                                            .space = sub_space,
                                            .subscribe = sub_subscribe,
                                            .unsubscribe = sub_unsubscribe,
                                            .reserve = sub_reserve,
                                            .publish = sub_publish};
    static const hawse_stream_service_t stream = {.size = sizeof(stream),
                                                  .open = stream_open,
                                                  .send = stream_send,
                                                  .reconnect = stream_reconnect,
                                                  .close = stream_close,
                                                  .channel = stream_channel,
                                                  .touch = stream_touch,
                                                  .channel_state = stream_channel_state};
    static const hawse_timer_service_t timer = {
        .size = sizeof(timer), .set = timer_set, .cancel = timer_cancel};
    static const hawse_rpc_service_t rpc = {
        .size = sizeof(rpc), .call = rpc_call, .cancel = rpc_cancel};
    static const hawse_metrics_service_t metrics = {.size = sizeof(metrics),
                                                    .declare = metrics_declare,
                                                    .add = metrics_add,
                                                    .set = metrics_set};
    const struct {
        const char *id;
        const void *table;
    } all[] = {{HAWSE_SUB_ID, &sub},
               {HAWSE_STREAM_ID, &stream},
               {HAWSE_TIMER_ID, &timer},
               {HAWSE_RPC_ID, &rpc},
               {HAWSE_METRICS_ID, &metrics}};
    (void)host;
    (void)self;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(id, all[i].id) == 0)
            return all[i].table;
    }
    return NULL;
}
