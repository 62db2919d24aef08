/* The host that does nothing; see quiethost.h. */
#include "quiethost.h"

#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <string.h>

static struct quiethost *of(const hawse_host_t *host)
{
    return (struct quiethost *)(uintptr_t)host;
}

static uint64_t now(const hawse_host_t *host, uint32_t clock)
{
    (void)clock;
    return of(host)->now;
}

static void say(const hawse_host_t *host, hawse_instance_t self, uint32_t level, hawse_view_t text)
{
    (void)self, (void)level;
    of(host)->short_words += memmem(text.data, text.len, "memory", 6) != NULL;
}

static int32_t set_error(const hawse_host_t *host, hawse_instance_t self, int32_t code,
                         hawse_view_t message, hawse_view_t hint)
{
    (void)host, (void)self, (void)message, (void)hint;
    return code;
}

static uint8_t *reserve(const hawse_host_t *host, hawse_instance_t self, uint64_t len)
{
    (void)self;
    return len <= QUIETHOST_ARENA ? of(host)->arena : NULL;
}

static int32_t publish(const hawse_host_t *host, hawse_instance_t self, const hawse_event_t *event)
{
    (void)self;
    of(host)->published += event->space != HAWSE_SPACE_STREAM;
    return HAWSE_OK;
}

static int32_t link_to(const hawse_host_t *host, hawse_instance_t self, hawse_view_t name,
                       uint32_t *source)
{
    (void)host, (void)self, (void)name;
    *source = 1;
    return HAWSE_OK;
}

static int32_t subscribe(const hawse_host_t *host, hawse_instance_t self,
                         const hawse_sub_spec_t *spec, hawse_sub_t *out)
{
    (void)host, (void)self, (void)spec;
    *out = 1;
    return HAWSE_OK;
}

static int32_t unsubscribe(const hawse_host_t *host, hawse_instance_t self, hawse_sub_t old)
{
    (void)host, (void)self, (void)old;
    return HAWSE_OK;
}

static int32_t open_stream(const hawse_host_t *host, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *stream)
{
    (void)host, (void)self, (void)spec;
    *stream = 1;
    return HAWSE_OK;
}

static int32_t send_frame(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                          uint32_t kind, hawse_view_t payload)
{
    (void)host, (void)self, (void)stream, (void)kind, (void)payload;
    return HAWSE_OK;
}

static int32_t reconnect(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                         hawse_view_t why)
{
    (void)host, (void)self, (void)stream, (void)why;
    return HAWSE_OK;
}

static int32_t channel(const hawse_host_t *host, hawse_instance_t self, hawse_stream_t stream,
                       hawse_view_t name, uint64_t idle_ns, hawse_channel_t *out)
{
    (void)host, (void)self, (void)stream, (void)name, (void)idle_ns;
    *out = 1;
    return HAWSE_OK;
}

static int32_t touch(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t ch,
                     uint64_t messages)
{
    (void)host, (void)self, (void)ch, (void)messages;
    return HAWSE_OK;
}

static int32_t set_state(const hawse_host_t *host, hawse_instance_t self, hawse_channel_t ch,
                         uint32_t state)
{
    (void)host, (void)self, (void)ch, (void)state;
    return HAWSE_OK;
}

static int32_t set_timer(const hawse_host_t *host, hawse_instance_t self, uint64_t delay_ns,
                         uint64_t period_ns, uint64_t tag, hawse_timer_t *timer)
{
    (void)host, (void)self, (void)delay_ns, (void)period_ns, (void)tag;
    *timer = 1;
    return HAWSE_OK;
}

static int32_t ask(const hawse_host_t *host, hawse_instance_t self, const hawse_rpc_call_t *call,
                   hawse_request_t *request)
{
    (void)self;
    *request = ++of(host)->request;
    of(host)->tag = call->tag;
    return HAWSE_OK;
}

static int32_t cancel(const hawse_host_t *host, hawse_instance_t self, hawse_request_t request)
{
    (void)host, (void)self, (void)request;
    return HAWSE_OK;
}

static int32_t declare_metric(const hawse_host_t *host, hawse_instance_t self, uint32_t kind,
                              hawse_view_t name, hawse_view_t help, hawse_view_t label,
                              hawse_metric_t *metric)
{
    (void)host, (void)self, (void)kind, (void)name, (void)help, (void)label;
    *metric = 1;
    return HAWSE_OK;
}

static int32_t add(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                   int64_t n)
{
    (void)host, (void)self, (void)metric, (void)n;
    return HAWSE_OK;
}

static const void *query(const hawse_host_t *host, hawse_instance_t self, const char *id)
{
    static const hawse_sub_service_t sub = {.size = sizeof(sub),
                                            .link = link_to,
                                            .subscribe = subscribe,
                                            .unsubscribe = unsubscribe,
                                            .reserve = reserve,
                                            .publish = publish};
    static const hawse_stream_service_t stream = {.size = sizeof(stream),
                                                  .open = open_stream,
                                                  .send = send_frame,
                                                  .reconnect = reconnect,
                                                  .channel = channel,
                                                  .touch = touch,
                                                  .channel_state = set_state};
    static const hawse_timer_service_t timer = {.size = sizeof(timer), .set = set_timer};
    static const hawse_rpc_service_t rpc = {.size = sizeof(rpc), .call = ask, .cancel = cancel};
    static const hawse_metrics_service_t metrics = {
        .size = sizeof(metrics), .declare = declare_metric, .add = add, .set = add};
    static const struct {
        const char *id;
        const void *table;
    } all[] = {{HAWSE_SUB_ID, &sub},
               {HAWSE_STREAM_ID, &stream},
               {HAWSE_TIMER_ID, &timer},
               {HAWSE_RPC_ID, &rpc},
               {HAWSE_METRICS_ID, &metrics}};
    (void)host, (void)self;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].id, id) == 0)
            return all[i].table;
    }
    return NULL;
}

void quiethost_init(struct quiethost *q, uint64_t now_ns)
{
    memset(q, 0, sizeof(*q));
    q->host = (hawse_host_t){.size = sizeof(q->host),
                             .abi_minor = HAWSE_ABI_MINOR,
                             .now = now,
                             .log = say,
                             .set_error = set_error,
                             .query = query};
    q->now = now_ns;
}
