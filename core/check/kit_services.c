/* The kit's table and the services sub, stream, timer and rpc; see kit.h. Each checks what its
 * header demands of the plugin. */
#include "check/kit.h"

#include "bus/bus.h"

#include <hawse/json.h>
#include <hawse/service/rpc.h>
#include <hawse/service/stream.h>
#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTER(k, table, self, call)                      \
    int32_t code = HAWSE_OK;                             \
    struct kit *k = kit_enter(table, self, call, &code); \
    if (!k)                                              \
    return code

/* ---- the table ---- */

static uint64_t table_now(const hawse_host_t *table, uint32_t clock)
{
    struct kit_host *host = kit_host_of(table);
    uint64_t now = 0;
    for (size_t i = 0; i < KIT_INSTANCES; i++) {
        struct kit *k = host->kits[i];
        bool mine = k && k->inside && pthread_equal(k->thread, pthread_self());
        if (mine)
            (void)kit_enter_any(table, k->self, KIT_NOW, &(int32_t){0});
        if (k && (mine || now == 0))
            now = clock == HAWSE_CLOCK_UTC ? k->utc_ns : k->now_ns;
    }
    return now;
}

static void table_log(const hawse_host_t *table, hawse_instance_t self, uint32_t level,
                      hawse_view_t text)
{
    int32_t code;
    struct kit *k = kit_enter_any(table, self, KIT_LOG, &code);
    if (!k)
        return;
    if ((!text.data && text.len > 0) || (text.data && hawse_utf8_valid(text.data, text.len) != 1))
        kit_break(k, KIT_RULE_TEXT, "log was given %llu bytes that are not UTF-8",
                  (unsigned long long)text.len);
    if (level > HAWSE_LOG_DEBUG)
        kit_break(k, KIT_RULE_TEXT, "log was given the level %u, which there is not", level);
    kit_did(k, KIT_LOG, text.data, text.len);
}

static int32_t table_set_error(const hawse_host_t *table, hawse_instance_t self, int32_t code,
                               hawse_view_t message, hawse_view_t hint)
{
    int32_t refused;
    struct kit *k = kit_enter_any(table, self, KIT_SET_ERROR, &refused);
    (void)hint;
    if (!k)
        return code;
    bool text = message.data && hawse_utf8_valid(message.data, message.len) == 1;
    if (!text && message.len > 0)
        kit_break(k, KIT_RULE_TEXT, "set_error was given a message that is not UTF-8");
    (void)snprintf(k->error, sizeof(k->error), "%.*s", text ? (int)message.len : 0,
                   text ? (const char *)message.data : "");
    kit_did(k, KIT_SET_ERROR, message.data, message.len);
    return code;
}

static void post_due(struct kit *k, uint64_t token)
{
    hawse_host_post_t record = {.size = sizeof(record), .token = token};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_POST,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    kit_push(k, &event);
}

static int32_t table_post(const hawse_host_t *table, hawse_instance_t self, uint64_t token)
{
    int32_t code = HAWSE_OK;
    struct kit *k = kit_enter_any(table, self, KIT_POST, &code);
    if (!k)
        return code;
    if (k->fault.code != 0 && k->fault.call == KIT_POST) {
        k->failed++;
        return k->fault.code;
    }
    if (!k->inside || !pthread_equal(k->thread, pthread_self()))
        return HAWSE_E_AGAIN; /* legal; but the kit's queue is the lane's own */
    kit_later(k, 0, post_due, token);
    kit_did(k, KIT_POST, &token, sizeof(token));
    return HAWSE_OK;
}

/* ---- sub ---- */

static int32_t sub_link(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name,
                        uint32_t *source)
{
    ENTER(k, table, self, KIT_SUB_LINK);
    kit_did(k, KIT_SUB_LINK, name.data, name.len);
    *source = 7; /* every name is linked, to one and the same */
    return HAWSE_OK;
}

static int32_t sub_space(const hawse_host_t *table, hawse_instance_t self, hawse_view_t id,
                         uint16_t *space)
{
    ENTER(k, table, self, KIT_SUB_SPACE);
    *space = kit_space((const char *)id.data, id.len);
    if (*space == 0)
        *space = (uint16_t)(0x8000u + (kit_mix(0, id.data, id.len) & 0xfffu));
    return HAWSE_OK;
}

static int32_t sub_subscribe(const hawse_host_t *table, hawse_instance_t self,
                             const hawse_sub_spec_t *spec, hawse_sub_t *out)
{
    ENTER(k, table, self, KIT_SUB_SUBSCRIBE);
    struct kit_sub *s = &k->subs[k->sub_count];
    if (spec->size < sizeof(*spec) || spec->filter.len > 4096)
        return HAWSE_E_INVAL;
    if (k->sub_count == KIT_SUBS)
        return HAWSE_E_LIMIT;
    s->spec = *spec;
    if (spec->filter.len > 0)
        memcpy(s->filter, spec->filter.data,
               spec->filter.len < sizeof(s->filter) ? spec->filter.len : sizeof(s->filter));
    kit_did(k, KIT_SUB_SUBSCRIBE, &spec->space, 4);
    *out = kit_handle(k, KIT_H_SUB, k->sub_count++);
    return HAWSE_OK;
}

static int32_t sub_unsubscribe(const hawse_host_t *table, hawse_instance_t self, hawse_sub_t sub)
{
    ENTER(k, table, self, KIT_SUB_UNSUBSCRIBE);
    int32_t i = kit_index(k, KIT_H_SUB, sub, k->sub_count, KIT_SUB_UNSUBSCRIBE);
    if (i < 0 || k->subs[i].gone)
        return HAWSE_E_STALE;
    k->subs[i].gone = true;
    return HAWSE_OK;
}

static uint8_t *sub_reserve(const hawse_host_t *table, hawse_instance_t self, uint64_t len)
{
    int32_t code = HAWSE_OK;
    struct kit *k = kit_enter(table, self, KIT_SUB_RESERVE, &code);
    if (!k || len > BUS_RECORD_MAX)
        return NULL;
    free(k->reserved);
    k->reserved = aligned_alloc(8, (len + 15) & ~(uint64_t)7);
    k->reserved_len = len;
    if (k->reserved)
        memset(k->reserved, k->garbage, (len + 15) & ~(uint64_t)7);
    return k->reserved;
}

static bool may_publish(const struct kit *k, const hawse_event_t *e)
{
    for (size_t i = 0; i < k->manifest->produce_count; i++) {
        const char *id = k->manifest->produces[i];
        uint16_t space = kit_space(id, strlen(id));
        if (space == 0)
            space = (uint16_t)(0x8000u + (kit_mix(0, id, strlen(id)) & 0xfffu));
        if (space == e->space)
            return true;
    }
    return false;
}

static bool whole(const struct kit *k, const hawse_event_t *e)
{
    bool own = k->reserved && e->data == k->reserved;
    return e->size >= sizeof(*e) && e->kind != 0 && e->stream < BUS_STREAMS &&
           e->len >= kit_record_min(e->space, e->kind) && e->len <= BUS_RECORD_MAX &&
           (e->data || e->len == 0) && (!own || e->len <= k->reserved_len);
}

static int32_t sub_publish(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_event_t *event)
{
    ENTER(k, table, self, KIT_SUB_PUBLISH);
    if (!may_publish(k, event)) {
        kit_break(k, KIT_RULE_SPACE, "published an event of space %u, which `produces` lacks",
                  event->space);
        return HAWSE_E_INVAL;
    }
    if (!whole(k, event)) {
        kit_break(k, KIT_RULE_RECORD,
                  "published space %u kind %u stream %u with %llu bytes of %u at least, header %u",
                  event->space, event->kind, event->stream, (unsigned long long)event->len,
                  kit_record_min(event->space, event->kind), event->size);
        return HAWSE_E_INVAL;
    }
    const uint64_t header[] = {(uint64_t)event->space << 32 | event->kind,
                               (uint64_t)event->stream << 32 | event->epoch,
                               event->flags,
                               event->key,
                               event->t_recv_ns,
                               event->t_source_ns};
    kit_did(k, KIT_SUB_PUBLISH, header, sizeof(header));
    kit_did(k, KIT_SUB_PUBLISH, event->data, event->len);
    k->published++;
    return HAWSE_OK;
}

/* ---- stream ---- */

static void connect_due(struct kit *k, uint64_t stream)
{
    if (k->streams[(uint32_t)stream & 0xffffu].gone)
        return;
    if (k->answers.no_connection) {
        kit_connect(k, stream, false, HAWSE_E_IO, "connection refused");
        kit_later(k, 500 * KIT_MS, connect_due, stream);
    } else {
        kit_connect(k, stream, true, HAWSE_OK, "");
    }
}

static int32_t stream_open(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *stream)
{
    ENTER(k, table, self, KIT_STREAM_OPEN);
    char url[256];
    (void)snprintf(url, sizeof(url), "%.*s", (int)spec->url.len, (const char *)spec->url.data);
    if (!grants_net(k->grants, url, spec->endpoint.len > 0)) {
        kit_break(k, KIT_RULE_GRANT, "opened a stream to %.*s%s without asking for net",
                  (int)spec->endpoint.len, (const char *)spec->endpoint.data, url);
        return HAWSE_E_DENIED;
    }
    if (k->stream_count == KIT_STREAMS)
        return HAWSE_E_LIMIT;
    kit_did(k, KIT_STREAM_OPEN, spec->endpoint.data, spec->endpoint.len);
    *stream = kit_handle(k, KIT_H_STREAM, k->stream_count++);
    kit_later(k, KIT_MS, connect_due, *stream);
    return HAWSE_OK;
}

static struct kit_stream *stream_of(struct kit *k, hawse_stream_t stream, enum kit_call call)
{
    int32_t i = kit_index(k, KIT_H_STREAM, stream, k->stream_count, call);
    return i < 0 || k->streams[i].gone ? NULL : &k->streams[i];
}

static int32_t stream_send(const hawse_host_t *table, hawse_instance_t self, hawse_stream_t stream,
                           uint32_t kind, hawse_view_t payload)
{
    ENTER(k, table, self, KIT_STREAM_SEND);
    const struct kit_stream *s = stream_of(k, stream, KIT_STREAM_SEND);
    if (!s)
        return HAWSE_E_STALE;
    if (!s->open)
        return HAWSE_E_STATE;
    if (kind == 0 || kind > HAWSE_MESSAGE_PING)
        return HAWSE_E_INVAL;
    kit_did(k, KIT_STREAM_SEND, payload.data, payload.len);
    return HAWSE_OK;
}

static int32_t stream_reconnect(const hawse_host_t *table, hawse_instance_t self,
                                hawse_stream_t stream, hawse_view_t reason)
{
    ENTER(k, table, self, KIT_STREAM_RECONNECT);
    if (!stream_of(k, stream, KIT_STREAM_RECONNECT))
        return HAWSE_E_STALE;
    kit_did(k, KIT_STREAM_RECONNECT, reason.data, reason.len);
    kit_connect(k, stream, false, HAWSE_E_IO, "reconnect was asked for");
    kit_later(k, 100 * KIT_MS, connect_due, stream);
    return HAWSE_OK;
}

static int32_t stream_close(const hawse_host_t *table, hawse_instance_t self, hawse_stream_t stream)
{
    ENTER(k, table, self, KIT_STREAM_CLOSE);
    struct kit_stream *s = stream_of(k, stream, KIT_STREAM_CLOSE);
    if (!s)
        return HAWSE_E_STALE;
    s->open = false;
    s->gone = true;
    kit_did(k, KIT_STREAM_CLOSE, NULL, 0);
    return HAWSE_OK;
}

static int32_t stream_channel(const hawse_host_t *table, hawse_instance_t self,
                              hawse_stream_t stream, hawse_view_t name, uint64_t idle_ns,
                              hawse_channel_t *channel)
{
    ENTER(k, table, self, KIT_STREAM_CHANNEL);
    (void)name;
    if (!stream_of(k, stream, KIT_STREAM_CHANNEL))
        return HAWSE_E_STALE;
    if (k->channel_count == KIT_CHANNELS)
        return HAWSE_E_LIMIT;
    k->channels[k->channel_count] =
        (struct kit_channel){.stream = stream, .idle_ns = idle_ns, .touched_ns = k->now_ns};
    *channel = kit_handle(k, KIT_H_CHANNEL, k->channel_count++);
    return HAWSE_OK;
}

static int32_t stream_touch(const hawse_host_t *table, hawse_instance_t self,
                            hawse_channel_t channel, uint64_t messages)
{
    ENTER(k, table, self, KIT_STREAM_TOUCH);
    int32_t i = kit_index(k, KIT_H_CHANNEL, channel, k->channel_count, KIT_STREAM_TOUCH);
    (void)messages;
    if (i < 0)
        return HAWSE_E_STALE;
    k->channels[i].touched_ns = k->now_ns;
    k->channels[i].silent = false;
    return HAWSE_OK;
}

static int32_t stream_channel_state(const hawse_host_t *table, hawse_instance_t self,
                                    hawse_channel_t channel, uint32_t state)
{
    ENTER(k, table, self, KIT_STREAM_STATE);
    kit_did(k, KIT_STREAM_STATE, &state, sizeof(state));
    return kit_index(k, KIT_H_CHANNEL, channel, k->channel_count, KIT_STREAM_STATE) < 0
               ? HAWSE_E_STALE
               : HAWSE_OK;
}

/* ---- timer ---- */

static int32_t timer_set(const hawse_host_t *table, hawse_instance_t self, uint64_t delay_ns,
                         uint64_t period_ns, uint64_t tag, hawse_timer_t *timer)
{
    ENTER(k, table, self, KIT_TIMER_SET);
    if (period_ns > 0 && period_ns < KIT_MS)
        return HAWSE_E_INVAL;
    if (k->timer_count >= KIT_TIMERS)
        return HAWSE_E_LIMIT;
    *timer = kit_timer(k, delay_ns, period_ns, tag);
    return HAWSE_OK;
}

static int32_t timer_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_timer_t timer)
{
    ENTER(k, table, self, KIT_TIMER_CANCEL);
    uint64_t base = (k->self & 0xff) << 48;
    if (timer != 0 && (timer <= base || timer > k->handles))
        kit_break(k, KIT_RULE_HANDLE,
                  "timer.cancel was called with %#llx, which the host never gave out",
                  (unsigned long long)timer);
    return kit_timer_cancel(k, timer) ? HAWSE_OK : HAWSE_E_STALE;
}

/* ---- rpc ---- */

static int32_t rpc_call(const hawse_host_t *table, hawse_instance_t self,
                        const hawse_rpc_call_t *call, hawse_request_t *request)
{
    ENTER(k, table, self, KIT_RPC_CALL);
    const char *method = (const char *)call->method.data;
    if (!grants_rpc(k->grants, method, call->method.len)) {
        kit_break(k, KIT_RULE_GRANT, "asked %.*s, which its capabilities do not list",
                  (int)call->method.len, method);
        return HAWSE_E_DENIED;
    }
    if (call->params.len > 1 << 20)
        return HAWSE_E_INVAL;
    uint64_t asked =
        kit_mix(kit_mix(1, method, call->method.len), call->params.data, call->params.len);
    bool sends = memmem(method, call->method.len, "send", 4) != NULL;
    *request = kit_ask(k, call->tag, asked, false, sends);
    if (*request == 0)
        return HAWSE_E_LIMIT;
    kit_did(k, KIT_RPC_CALL, &asked, sizeof(asked));
    return HAWSE_OK;
}

static int32_t rpc_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_request_t request)
{
    ENTER(k, table, self, KIT_RPC_CANCEL);
    int32_t i =
        kit_index(k, KIT_H_REQUEST, request & ~UINT64_C(0xffff00), KIT_REQUESTS, KIT_RPC_CANCEL);
    if (i < 0 || !k->requests[i].used || k->requests[i].handle != request)
        return HAWSE_E_STALE;
    k->requests[i].used = false;
    return HAWSE_OK;
}

/* ---- by name ---- */

static bool required(const struct manifest *m, const char *id)
{
    for (size_t i = 0; i < m->service_count; i++) {
        if (strcmp(m->services[i], id) == 0)
            return true;
    }
    return false;
}

static const void *table_query(const hawse_host_t *table, hawse_instance_t self, const char *id)
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
    static const struct {
        const char *id;
        const void *table;
    } all[] = {{HAWSE_SUB_ID, &sub},
               {HAWSE_STREAM_ID, &stream},
               {HAWSE_TIMER_ID, &timer},
               {HAWSE_RPC_ID, &rpc}};
    int32_t code;
    struct kit *k = kit_enter_any(table, self, KIT_QUERY, &code);
    if (!id || !k || (k->host->no_services && !required(k->manifest, id)))
        return NULL;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(id, all[i].id) == 0)
            return all[i].table;
    }
    return kit_service(id);
}

extern const hawse_host_t kit_table;
const hawse_host_t kit_table = {.size = sizeof(hawse_host_t),
                                .abi_minor = HAWSE_ABI_MINOR,
                                .fork_tag = "hawse",
                                .now = table_now,
                                .log = table_log,
                                .set_error = table_set_error,
                                .post = table_post,
                                .query = table_query};
