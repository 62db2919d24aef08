/*
 * The services with their taps: each function notes the call, makes it or has it answered from a
 * capture, and hands out what came of it. See tap.h.
 */
#include "host/tap.h"

#include "host/given.h"
#include "tx/intent.h"

#include <hawse/service/alert.h>
#include <hawse/service/command.h>
#include <hawse/service/config.h>
#include <hawse/service/http.h>
#include <hawse/service/intent.h>
#include <hawse/service/metrics.h>
#include <hawse/service/rpc.h>
#include <hawse/service/sign.h>
#include <hawse/service/store.h>
#include <hawse/service/stream.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <stdlib.h>
#include <string.h>

extern const hawse_sub_service_t host_sub_service;
extern const hawse_stream_service_t host_stream_service;
extern const hawse_timer_service_t host_timer_service;
extern const hawse_rpc_service_t host_rpc_service;
extern const hawse_http_service_t host_http_service;
extern const hawse_intent_service_t host_intent_service;
extern const hawse_metrics_service_t host_metrics_service;
extern const hawse_config_service_t host_config_service;
extern const hawse_sign_service_t host_sign_service;
extern const hawse_command_service_t host_command_service;
extern const hawse_alert_service_t host_alert_service;
extern const hawse_store_service_t host_store_service;

/* A call that hands out a number: `make` is the plain call. */
#define TAP_OUT(table, self, call, out, make)                       \
    do {                                                            \
        if (tap_answer(table, self, &(call))) {                     \
            if ((call).code >= 0 && (out))                          \
                *(out) = (__typeof__(*(out)))(call).result;         \
        } else {                                                    \
            (call).code = (make);                                   \
            (call).result = (call).code >= 0 && (out) ? *(out) : 0; \
            tap_call(table, self, &(call));                         \
        }                                                           \
    } while (0)

/* A call that hands out nothing but its code. */
#define TAP(table, self, call, make)             \
    do {                                         \
        if (!tap_answer(table, self, &(call))) { \
            (call).code = (make);                \
            tap_call(table, self, &(call));      \
        }                                        \
    } while (0)

/* ---- hawse.sub/1 ---- */

static int32_t sub_link(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name,
                        uint32_t *source)
{
    struct record_call call = {.call = CALL_LINK, .view_count = 1, .views = {name}};
    TAP_OUT(table, self, call, source, host_sub_service.link(table, self, name, source));
    return call.code;
}

static int32_t sub_space(const hawse_host_t *table, hawse_instance_t self, hawse_view_t id,
                         uint16_t *space)
{
    struct record_call call = {.call = CALL_SPACE, .view_count = 1, .views = {id}};
    TAP_OUT(table, self, call, space, host_sub_service.space(table, self, id, space));
    return call.code;
}

static int32_t sub_subscribe(const hawse_host_t *table, hawse_instance_t self,
                             const hawse_sub_spec_t *spec, hawse_sub_t *sub)
{
    struct record_call call = {.call = CALL_SUBSCRIBE};
    hawse_sub_spec_t own;
    if ((spec = GIVEN(spec, &own, GIVEN_SUB_SPEC)) != NULL) {
        call.arg_count = 7;
        call.args[0] = spec->source;
        call.args[1] = spec->space;
        call.args[2] = spec->kind;
        call.args[3] = spec->flags;
        call.args[4] = spec->policy;
        call.args[5] = spec->queue;
        call.args[6] = spec->key;
        call.view_count = 1;
        call.views[0] = spec->filter;
    }
    TAP_OUT(table, self, call, sub, host_sub_service.subscribe(table, self, spec, sub));
    return call.code;
}

static int32_t sub_unsubscribe(const hawse_host_t *table, hawse_instance_t self, hawse_sub_t sub)
{
    struct record_call call = {.call = CALL_UNSUBSCRIBE, .arg_count = 1, .args = {sub}};
    TAP(table, self, call, host_sub_service.unsubscribe(table, self, sub));
    return call.code;
}

/* Only failures are recorded: the room itself says nothing. */
static uint8_t *sub_reserve(const hawse_host_t *table, hawse_instance_t self, uint64_t len)
{
    const struct tap_replay *replay = ((const struct host_api *)(const void *)table)->replay;
    if (replay)
        return replay->reserve(replay->ctx, self, len);
    uint8_t *at = host_sub_service.reserve(table, self, len);
    struct instance *inst = host_instance(table, self);
    if (!inst)
        return NULL;
    struct recorder *recorder = inst->lane->recorder;
    if (at || !recorder) { /* NULL: nothing is recorded, and the plugin was swapped in */
        if (recorder)
            recorder->reserves++;
        return at;
    }
    struct record_call call = {.call = CALL_RESERVE, .arg_count = 2, .code = HAWSE_E_AGAIN};
    call.args[0] = len;
    call.args[1] = recorder->reserves;
    tap_call(table, self, &call);
    return NULL;
}

static void note_publish(struct record_call *call, const hawse_event_t *event)
{
    hawse_event_t own, none = {.size = 0};
    event = GIVEN(event, &own, GIVEN_EVENT);
    bool readable = event && (event->len == 0 || event->data);
    call->call = CALL_PUBLISH;
    call->code = HAWSE_OK;
    call->result = 0;
    record_publish_args(call, readable ? event : &none);
}

/* The hottest of all: what was published goes straight into the ring. */
static int32_t sub_publish(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_event_t *event)
{
    const struct host_api *api = (const void *)table;
    struct record_call call;
    if (api->replay) {
        note_publish(&call, event);
        (void)tap_answer(table, self, &call);
        return call.code;
    }
    int32_t code = host_sub_service.publish(table, self, event);
    if (__builtin_expect(code == HAWSE_OK, 1)) {
        struct instance *inst = api->host->instances[(uint32_t)self - 1u];
        if (tap_enter(inst)) {
            if (inst->lane->recorder)
                recorder_publish(inst->lane->recorder, event,
                                 inst->lane->bus.members[inst->index].seq[event->stream]);
            host_leave(inst);
        }
        return code;
    }
    note_publish(&call, event);
    call.code = code;
    tap_call(table, self, &call);
    return code;
}

static const hawse_sub_service_t sub_service = {
    .size = sizeof(hawse_sub_service_t),
    .link = sub_link,
    .space = sub_space,
    .subscribe = sub_subscribe,
    .unsubscribe = sub_unsubscribe,
    .reserve = sub_reserve,
    .publish = sub_publish,
};

/* ---- hawse.stream/1 ---- */

static int32_t stream_open(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_stream_spec_t *spec, hawse_stream_t *stream)
{
    struct record_call call = {.call = CALL_STREAM_OPEN};
    hawse_stream_spec_t own;
    if ((spec = GIVEN(spec, &own, GIVEN_STREAM_SPEC)) != NULL) {
        call.arg_count = 4;
        call.args[0] = spec->flags;
        call.args[1] = spec->max_message;
        call.args[2] = spec->ping_ns;
        call.args[3] = spec->idle_ns;
        call.view_count = 3;
        call.views[0] = spec->endpoint;
        call.views[1] = spec->url;
        call.views[2] = spec->protocols;
    }
    TAP_OUT(table, self, call, stream, host_stream_service.open(table, self, spec, stream));
    return call.code;
}

static int32_t stream_send_message(const hawse_host_t *table, hawse_instance_t self,
                                   hawse_stream_t stream, uint32_t kind, hawse_view_t payload)
{
    struct record_call call = {.call = CALL_STREAM_SEND,
                               .arg_count = 2,
                               .view_count = 1,
                               .args = {stream, kind},
                               .views = {payload}};
    TAP(table, self, call, host_stream_service.send(table, self, stream, kind, payload));
    return call.code;
}

static int32_t stream_reconnect_now(const hawse_host_t *table, hawse_instance_t self,
                                    hawse_stream_t stream, hawse_view_t reason)
{
    struct record_call call = {.call = CALL_STREAM_RECONNECT,
                               .arg_count = 1,
                               .view_count = 1,
                               .args = {stream},
                               .views = {reason}};
    TAP(table, self, call, host_stream_service.reconnect(table, self, stream, reason));
    return call.code;
}

static int32_t stream_close(const hawse_host_t *table, hawse_instance_t self, hawse_stream_t stream)
{
    struct record_call call = {.call = CALL_STREAM_CLOSE, .arg_count = 1, .args = {stream}};
    TAP(table, self, call, host_stream_service.close(table, self, stream));
    return call.code;
}

static int32_t stream_channel(const hawse_host_t *table, hawse_instance_t self,
                              hawse_stream_t stream, hawse_view_t name, uint64_t idle_ns,
                              hawse_channel_t *channel)
{
    struct record_call call = {.call = CALL_CHANNEL,
                               .arg_count = 2,
                               .view_count = 1,
                               .args = {stream, idle_ns},
                               .views = {name}};
    TAP_OUT(table, self, call, channel,
            host_stream_service.channel(table, self, stream, name, idle_ns, channel));
    return call.code;
}

static int32_t stream_touch(const hawse_host_t *table, hawse_instance_t self,
                            hawse_channel_t channel, uint64_t messages)
{
    struct record_call call = {
        .call = CALL_CHANNEL_TOUCH, .arg_count = 2, .args = {channel, messages}};
    TAP(table, self, call, host_stream_service.touch(table, self, channel, messages));
    return call.code;
}

static int32_t stream_channel_state(const hawse_host_t *table, hawse_instance_t self,
                                    hawse_channel_t channel, uint32_t state)
{
    struct record_call call = {
        .call = CALL_CHANNEL_STATE, .arg_count = 2, .args = {channel, state}};
    TAP(table, self, call, host_stream_service.channel_state(table, self, channel, state));
    return call.code;
}

static const hawse_stream_service_t stream_service = {
    .size = sizeof(hawse_stream_service_t),
    .open = stream_open,
    .send = stream_send_message,
    .reconnect = stream_reconnect_now,
    .close = stream_close,
    .channel = stream_channel,
    .touch = stream_touch,
    .channel_state = stream_channel_state,
};

/* ---- hawse.timer/1 ---- */

static int32_t timer_set(const hawse_host_t *table, hawse_instance_t self, uint64_t delay_ns,
                         uint64_t period_ns, uint64_t tag, hawse_timer_t *timer)
{
    struct record_call call = {
        .call = CALL_TIMER_SET, .arg_count = 3, .args = {delay_ns, period_ns, tag}};
    TAP_OUT(table, self, call, timer,
            host_timer_service.set(table, self, delay_ns, period_ns, tag, timer));
    return call.code;
}

static int32_t timer_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_timer_t timer)
{
    struct record_call call = {.call = CALL_TIMER_CANCEL, .arg_count = 1, .args = {timer}};
    TAP(table, self, call, host_timer_service.cancel(table, self, timer));
    return call.code;
}

static const hawse_timer_service_t timer_service = {
    .size = sizeof(hawse_timer_service_t), .set = timer_set, .cancel = timer_cancel};

/* ---- hawse.rpc/1 and hawse.http/1 ---- */

static int32_t rpc_call_method(const hawse_host_t *table, hawse_instance_t self,
                               const hawse_rpc_call_t *what, hawse_request_t *request)
{
    struct record_call call = {.call = CALL_RPC_CALL};
    hawse_rpc_call_t own;
    if ((what = GIVEN(what, &own, GIVEN_RPC_CALL)) != NULL) {
        call.arg_count = 3;
        call.args[0] = what->timeout_ms;
        call.args[1] = what->tag;
        call.args[2] = what->max_response;
        call.view_count = 3;
        call.views[0] = what->link;
        call.views[1] = what->method;
        call.views[2] = what->params;
    }
    TAP_OUT(table, self, call, request, host_rpc_service.call(table, self, what, request));
    return call.code;
}

static int32_t rpc_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_request_t request)
{
    struct record_call call = {.call = CALL_RPC_CANCEL, .arg_count = 1, .args = {request}};
    TAP(table, self, call, host_rpc_service.cancel(table, self, request));
    return call.code;
}

static const hawse_rpc_service_t rpc_service = {
    .size = sizeof(hawse_rpc_service_t), .call = rpc_call_method, .cancel = rpc_cancel};

static int32_t http_call_method(const hawse_host_t *table, hawse_instance_t self,
                                const hawse_http_call_t *what, hawse_request_t *request)
{
    struct record_call call = {.call = CALL_HTTP_CALL};
    hawse_http_call_t own;
    if ((what = GIVEN(what, &own, GIVEN_HTTP_CALL)) != NULL) {
        call.arg_count = 3;
        call.args[0] = what->timeout_ms;
        call.args[1] = what->tag;
        call.args[2] = what->max_response;
        call.view_count = 6;
        call.views[0] = what->link;
        call.views[1] = what->endpoint;
        call.views[2] = what->method;
        call.views[3] = what->path;
        call.views[4] = what->headers;
        call.views[5] = what->body;
    }
    TAP_OUT(table, self, call, request, host_http_service.call(table, self, what, request));
    return call.code;
}

static int32_t http_cancel_request(const hawse_host_t *table, hawse_instance_t self,
                                   hawse_request_t request)
{
    struct record_call call = {.call = CALL_HTTP_CANCEL, .arg_count = 1, .args = {request}};
    TAP(table, self, call, host_http_service.cancel(table, self, request));
    return call.code;
}

static const hawse_http_service_t http_service = {
    .size = sizeof(hawse_http_service_t), .call = http_call_method, .cancel = http_cancel_request};

/* ---- hawse.metrics/1 ---- */

static int32_t metrics_declare(const hawse_host_t *table, hawse_instance_t self, uint32_t kind,
                               hawse_view_t name, hawse_view_t help, hawse_view_t label,
                               hawse_metric_t *metric)
{
    struct record_call call = {.call = CALL_METRIC_DECLARE,
                               .arg_count = 1,
                               .view_count = 3,
                               .args = {kind},
                               .views = {name, help, label}};
    TAP_OUT(table, self, call, metric,
            host_metrics_service.declare(table, self, kind, name, help, label, metric));
    return call.code;
}

static int32_t metrics_add(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t delta)
{
    struct record_call call = {
        .call = CALL_METRIC_ADD, .arg_count = 2, .args = {metric, (uint64_t)delta}};
    TAP(table, self, call, host_metrics_service.add(table, self, metric, delta));
    return call.code;
}

static int32_t metrics_set(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t value)
{
    struct record_call call = {
        .call = CALL_METRIC_SET, .arg_count = 2, .args = {metric, (uint64_t)value}};
    TAP(table, self, call, host_metrics_service.set(table, self, metric, value));
    return call.code;
}

static const hawse_metrics_service_t metrics_service = {.size = sizeof(hawse_metrics_service_t),
                                                        .declare = metrics_declare,
                                                        .add = metrics_add,
                                                        .set = metrics_set};

/* ---- hawse.config/1 ---- */

static int32_t config_feature(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name)
{
    struct record_call call = {.call = CALL_FEATURE, .view_count = 1, .views = {name}};
    TAP(table, self, call, host_config_service.feature(table, self, name));
    return call.code;
}

static const hawse_config_service_t config_service = {.size = sizeof(hawse_config_service_t),
                                                      .feature = config_feature};

/* ---- hawse.sign/1: what a plugin says, never what the host makes of it ---- */

static int32_t sign_http(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                         const hawse_http_call_t *what, hawse_request_t *request)
{
    struct record_call call = {.call = CALL_SIGN_HTTP};
    hawse_http_call_t own;
    if ((what = GIVEN(what, &own, GIVEN_HTTP_CALL)) != NULL) {
        call.arg_count = 3;
        call.args[0] = what->timeout_ms;
        call.args[1] = what->tag;
        call.args[2] = what->max_response;
        call.view_count = 6; /* a link is refused */
        call.views[0] = credential;
        call.views[1] = what->endpoint;
        call.views[2] = what->method;
        call.views[3] = what->path;
        call.views[4] = what->headers;
        call.views[5] = what->body;
    }
    TAP_OUT(table, self, call, request,
            host_sign_service.http(table, self, credential, what, request));
    return call.code;
}

static int32_t sign_send(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                         hawse_stream_t stream, hawse_view_t text)
{
    struct record_call call = {.call = CALL_SIGN_SEND,
                               .arg_count = 1,
                               .view_count = 2,
                               .args = {stream},
                               .views = {credential, text}};
    TAP(table, self, call, host_sign_service.send(table, self, credential, stream, text));
    return call.code;
}

static int32_t sign_names(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t text)
{
    struct record_call call = {
        .call = CALL_SIGN_NAMES, .view_count = 2, .views = {credential, text}};
    TAP(table, self, call, host_sign_service.names(table, self, credential, text));
    return call.code;
}

static int32_t sign_login(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t endpoint, uint64_t tag, hawse_request_t *request)
{
    struct record_call call = {.call = CALL_SIGN_LOGIN,
                               .arg_count = 1,
                               .view_count = 2,
                               .args = {tag},
                               .views = {credential, endpoint}};
    TAP_OUT(table, self, call, request,
            host_sign_service.login(table, self, credential, endpoint, tag, request));
    return call.code;
}

static const hawse_sign_service_t sign_service = {.size = sizeof(hawse_sign_service_t),
                                                  .http = sign_http,
                                                  .send = sign_send,
                                                  .names = sign_names,
                                                  .login = sign_login};

/* ---- hawse.intent/1: what a plugin wants, as the journal would have it ---- */

static int32_t intent_propose(const hawse_host_t *table, hawse_instance_t self,
                              const hawse_intent_t *intent, uint64_t *handle)
{
    struct record_call call = {.call = CALL_INTENT_PROPOSE};
    struct intent *copy = NULL;
    char *text = NULL;
    if (intent && intent_copy(intent, &copy, NULL) == HAWSE_OK) /* what is malformed has no text */
        text = intent_to_json(copy);
    if (text) {
        call.arg_count = copy->public.basis_ns ? 2 : 1;
        call.args[0] = intent->tag;
        call.args[1] = copy->public.basis_ns; /* of this run's clock: not in the text */
        call.view_count = 1;
        call.views[0] = hawse_text(text);
    }
    TAP_OUT(table, self, call, handle, host_intent_service.propose(table, self, intent, handle));
    free(text);
    free(copy);
    return call.code;
}

static int32_t intent_cancel_call(const hawse_host_t *table, hawse_instance_t self, uint64_t handle)
{
    struct record_call call = {.call = CALL_INTENT_CANCEL, .arg_count = 1, .args = {handle}};
    TAP(table, self, call, host_intent_service.cancel(table, self, handle));
    return call.code;
}

static int32_t intent_look_up(const hawse_host_t *table, hawse_instance_t self, hawse_view_t id,
                              uint64_t tag)
{
    struct record_call call = {
        .call = CALL_INTENT_LOOK_UP, .arg_count = 1, .view_count = 1, .args = {tag}, .views = {id}};
    TAP(table, self, call, host_intent_service.look_up(table, self, id, tag));
    return call.code;
}

static const hawse_intent_service_t intent_service = {.size = sizeof(hawse_intent_service_t),
                                                      .propose = intent_propose,
                                                      .cancel = intent_cancel_call,
                                                      .look_up = intent_look_up};

/* ---- hawse.command/1 ---- */

static int32_t command_add(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_command_spec_t *spec)
{
    struct record_call call = {.call = CALL_COMMAND_ADD};
    hawse_command_spec_t own;
    if ((spec = GIVEN(spec, &own, GIVEN_COMMAND_SPEC)) != NULL) {
        call.arg_count = 2;
        call.args[0] = spec->flags;
        call.args[1] = spec->tag;
        call.view_count = 3;
        call.views[0] = spec->name;
        call.views[1] = spec->help;
        call.views[2] = spec->args;
    }
    TAP(table, self, call, host_command_service.add(table, self, spec));
    return call.code;
}

static int32_t command_print(const hawse_host_t *table, hawse_instance_t self,
                             hawse_command_t command, hawse_view_t text)
{
    struct record_call call = {.call = CALL_COMMAND_PRINT,
                               .arg_count = 1,
                               .view_count = 1,
                               .args = {command},
                               .views = {text}};
    TAP(table, self, call, host_command_service.print(table, self, command, text));
    return call.code;
}

static int32_t command_end(const hawse_host_t *table, hawse_instance_t self,
                           hawse_command_t command, const hawse_command_result_t *result)
{
    struct record_call call = {.call = CALL_COMMAND_END, .arg_count = 1, .args = {command}};
    hawse_command_result_t own;
    if ((result = GIVEN(result, &own, GIVEN_COMMAND_RESULT)) != NULL) {
        call.arg_count = 2;
        call.args[1] = result->status;
        call.view_count = 2;
        call.views[0] = result->json;
        call.views[1] = result->text;
    }
    TAP(table, self, call, host_command_service.end(table, self, command, result));
    return call.code;
}

static const hawse_command_service_t command_service = {.size = sizeof(hawse_command_service_t),
                                                        .add = command_add,
                                                        .print = command_print,
                                                        .end = command_end};

/* ---- hawse.alert/1 ---- */

static int32_t alert_raise(const hawse_host_t *table, hawse_instance_t self,
                           const hawse_alert_t *alert)
{
    struct record_call call = {.call = CALL_ALERT_RAISE};
    hawse_alert_t own;
    if ((alert = GIVEN(alert, &own, GIVEN_ALERT)) != NULL) {
        call.arg_count = 1;
        call.args[0] = alert->severity;
        call.view_count = 3;
        call.views[0] = alert->name;
        call.views[1] = alert->text;
        call.views[2] = alert->fields;
    }
    TAP(table, self, call, host_alert_service.raise(table, self, alert));
    return call.code;
}

static int32_t alert_clear(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name)
{
    struct record_call call = {.call = CALL_ALERT_CLEAR, .view_count = 1, .views = {name}};
    TAP(table, self, call, host_alert_service.clear(table, self, name));
    return call.code;
}

static const hawse_alert_service_t alert_service = {
    .size = sizeof(hawse_alert_service_t), .raise = alert_raise, .clear = alert_clear};

/* ---- hawse.store/1 ---- */

static int32_t store_open(const hawse_host_t *table, hawse_instance_t self)
{
    struct record_call call = {.call = CALL_STORE_OPEN};
    TAP(table, self, call, host_store_service.open(table, self));
    return call.code;
}

static int32_t store_put(const hawse_host_t *table, hawse_instance_t self, hawse_view_t key,
                         hawse_view_t value)
{
    struct record_call call = {.call = CALL_STORE_PUT, .view_count = 2, .views = {key, value}};
    TAP(table, self, call, host_store_service.put(table, self, key, value));
    return call.code;
}

static const hawse_store_service_t store_service = {
    .size = sizeof(hawse_store_service_t), .open = store_open, .put = store_put};

const void *tap_service(const char *id)
{
    static const struct {
        const char *id;
        const void *table;
    } services[] = {
        {HAWSE_SUB_ID, &sub_service},         {HAWSE_STREAM_ID, &stream_service},
        {HAWSE_TIMER_ID, &timer_service},     {HAWSE_RPC_ID, &rpc_service},
        {HAWSE_METRICS_ID, &metrics_service}, {HAWSE_HTTP_ID, &http_service},
        {HAWSE_CONFIG_ID, &config_service},   {HAWSE_SIGN_ID, &sign_service},
        {HAWSE_INTENT_ID, &intent_service},   {HAWSE_COMMAND_ID, &command_service},
        {HAWSE_ALERT_ID, &alert_service},     {HAWSE_STORE_ID, &store_service},
    };
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (strcmp(id, services[i].id) == 0)
            return services[i].table;
    }
    return NULL;
}
