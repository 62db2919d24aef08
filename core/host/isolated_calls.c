/*
 * Calls of the host that a plugin in a worker makes, from the form in which they crossed: the
 * reverse of tap_services.c. Everything was copied before it came here, and is checked by the
 * services as if the plugin had called them itself.
 */
#include "host/isolated.h"
#include "host/tap.h"
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

enum { ID_MAX = 128 };

/* A call under way. */
struct wish {
    struct instance *inst;
    const hawse_host_t *host;
    hawse_instance_t self;
    struct record_call *call;
};

/* The same tables that a plugin in this process would have got. */
static const void *service(const struct wish *w, const char *id)
{
    const void *tapped = w->inst->lane->recorder ? tap_service(id) : NULL;
    return tapped ? tapped : host_service(id);
}

#define SERVICE(w, name, id) const hawse_##name##_service_t *s = service(w, id)
#define ARG(n)               (w->call->args[n])
#define ARG32(n)             ((uint32_t)w->call->args[n])
#define VIEW(n)              (w->call->views[n])
/* A struct that the plugin handed over: its size says that it was none. */
#define SIZE_OF(x) (w->call->arg_count > 0 ? (uint32_t)sizeof(x) : 0u)

/* ---- the host's own table ---- */

static int32_t query(const struct wish *w)
{
    char id[ID_MAX + 1];
    uint64_t len = VIEW(0).len;
    if (len > ID_MAX)
        return HAWSE_OK; /* no service has such a name */
    memcpy(id, VIEW(0).data, len);
    id[len] = '\0';
    w->call->result = w->host->query(w->host, w->self, id) ? TAP_SERVICE : TAP_NO_SERVICE;
    return HAWSE_OK;
}

static int32_t log_text(const struct wish *w)
{
    w->host->log(w->host, w->self, ARG32(0), VIEW(0));
    return HAWSE_OK;
}

static int32_t set_error(const struct wish *w)
{
    return w->host->set_error(w->host, w->self, (int32_t)ARG32(0), VIEW(0), VIEW(1));
}

static int32_t post(const struct wish *w)
{
    return w->host->post(w->host, w->self, ARG(0));
}

/* ---- hawse.sub/1 ---- */

static int32_t link_number(const struct wish *w)
{
    SERVICE(w, sub, HAWSE_SUB_ID);
    uint32_t source = 0;
    int32_t code = s->link(w->host, w->self, VIEW(0), &source);
    w->call->result = source;
    return code;
}

static int32_t space_number(const struct wish *w)
{
    SERVICE(w, sub, HAWSE_SUB_ID);
    uint16_t space = 0;
    int32_t code = s->space(w->host, w->self, VIEW(0), &space);
    w->call->result = space;
    return code;
}

static int32_t subscribe(const struct wish *w)
{
    SERVICE(w, sub, HAWSE_SUB_ID);
    hawse_sub_spec_t spec = {.size = SIZE_OF(spec),
                             .source = ARG32(0),
                             .space = (uint16_t)ARG(1),
                             .kind = (uint16_t)ARG(2),
                             .flags = ARG32(3),
                             .policy = ARG32(4),
                             .queue = ARG32(5),
                             .key = ARG(6),
                             .filter = VIEW(0)};
    return s->subscribe(w->host, w->self, &spec, &w->call->result);
}

static int32_t unsubscribe(const struct wish *w)
{
    SERVICE(w, sub, HAWSE_SUB_ID);
    return s->unsubscribe(w->host, w->self, ARG(0));
}

static int32_t publish(const struct wish *w)
{
    SERVICE(w, sub, HAWSE_SUB_ID);
    hawse_event_t event;
    _Static_assert(sizeof(event) <= sizeof(w->call->args), "an event's header is in the arguments");
    memcpy(&event, w->call->args, sizeof(event));
    event.data = VIEW(0).data;
    event.len = VIEW(0).len;
    if (w->call->arg_count < sizeof(event) / 8)
        event.size = 0;
    return s->publish(w->host, w->self, &event);
}

/* ---- hawse.stream/1 ---- */

static int32_t stream_open(const struct wish *w)
{
    SERVICE(w, stream, HAWSE_STREAM_ID);
    hawse_stream_spec_t spec = {.size = SIZE_OF(spec),
                                .flags = ARG32(0),
                                .max_message = ARG(1),
                                .ping_ns = ARG(2),
                                .idle_ns = ARG(3),
                                .endpoint = VIEW(0),
                                .url = VIEW(1),
                                .protocols = VIEW(2)};
    return s->open(w->host, w->self, &spec, &w->call->result);
}

static int32_t send_on_stream(const struct wish *w)
{
    SERVICE(w, stream, HAWSE_STREAM_ID);
    return s->send(w->host, w->self, ARG(0), ARG32(1), VIEW(0));
}

static int32_t reconnect_stream(const struct wish *w)
{
    SERVICE(w, stream, HAWSE_STREAM_ID);
    return s->reconnect(w->host, w->self, ARG(0), VIEW(0));
}

static int32_t stream_close(const struct wish *w)
{
    SERVICE(w, stream, HAWSE_STREAM_ID);
    return s->close(w->host, w->self, ARG(0));
}

static int32_t channel(const struct wish *w)
{
    SERVICE(w, stream, HAWSE_STREAM_ID);
    return s->channel(w->host, w->self, ARG(0), VIEW(0), ARG(1), &w->call->result);
}

static int32_t channel_touch(const struct wish *w)
{
    SERVICE(w, stream, HAWSE_STREAM_ID);
    return s->touch(w->host, w->self, ARG(0), ARG(1));
}

static int32_t channel_state(const struct wish *w)
{
    SERVICE(w, stream, HAWSE_STREAM_ID);
    return s->channel_state(w->host, w->self, ARG(0), ARG32(1));
}

/* ---- hawse.timer/1 ---- */

static int32_t timer_set(const struct wish *w)
{
    SERVICE(w, timer, HAWSE_TIMER_ID);
    return s->set(w->host, w->self, ARG(0), ARG(1), ARG(2), &w->call->result);
}

static int32_t timer_cancel(const struct wish *w)
{
    SERVICE(w, timer, HAWSE_TIMER_ID);
    return s->cancel(w->host, w->self, ARG(0));
}

/* ---- hawse.rpc/1, hawse.http/1, hawse.sign/1 ---- */

static int32_t rpc_call(const struct wish *w)
{
    SERVICE(w, rpc, HAWSE_RPC_ID);
    hawse_rpc_call_t what = {.size = SIZE_OF(what),
                             .timeout_ms = ARG32(0),
                             .tag = ARG(1),
                             .max_response = ARG(2),
                             .link = VIEW(0),
                             .method = VIEW(1),
                             .params = VIEW(2)};
    return s->call(w->host, w->self, &what, &w->call->result);
}

static int32_t rpc_cancel(const struct wish *w)
{
    SERVICE(w, rpc, HAWSE_RPC_ID);
    return s->cancel(w->host, w->self, ARG(0));
}

/* `first`: the link, or in its place the credential of a request with a login. */
static hawse_http_call_t http_request(const struct wish *w)
{
    return (hawse_http_call_t){.size = SIZE_OF(hawse_http_call_t),
                               .timeout_ms = ARG32(0),
                               .tag = ARG(1),
                               .max_response = ARG(2),
                               .endpoint = VIEW(1),
                               .method = VIEW(2),
                               .path = VIEW(3),
                               .headers = VIEW(4),
                               .body = VIEW(5)};
}

static int32_t http_call(const struct wish *w)
{
    SERVICE(w, http, HAWSE_HTTP_ID);
    hawse_http_call_t what = http_request(w);
    what.link = VIEW(0);
    return s->call(w->host, w->self, &what, &w->call->result);
}

static int32_t cancel_http(const struct wish *w)
{
    SERVICE(w, http, HAWSE_HTTP_ID);
    return s->cancel(w->host, w->self, ARG(0));
}

static int32_t sign_http(const struct wish *w)
{
    SERVICE(w, sign, HAWSE_SIGN_ID);
    hawse_http_call_t what = http_request(w);
    return s->http(w->host, w->self, VIEW(0), &what, &w->call->result);
}

static int32_t sign_send(const struct wish *w)
{
    SERVICE(w, sign, HAWSE_SIGN_ID);
    return s->send(w->host, w->self, VIEW(0), ARG(0), VIEW(1));
}

static int32_t sign_names(const struct wish *w)
{
    SERVICE(w, sign, HAWSE_SIGN_ID);
    return s->names(w->host, w->self, VIEW(0), VIEW(1));
}

static int32_t sign_login(const struct wish *w)
{
    SERVICE(w, sign, HAWSE_SIGN_ID);
    return s->login(w->host, w->self, VIEW(0), VIEW(1), ARG(0), &w->call->result);
}

/* ---- hawse.metrics/1, hawse.config/1 ---- */

static int32_t metric_declare(const struct wish *w)
{
    SERVICE(w, metrics, HAWSE_METRICS_ID);
    return s->declare(w->host, w->self, ARG32(0), VIEW(0), VIEW(1), VIEW(2), &w->call->result);
}

static int32_t metric_add(const struct wish *w)
{
    SERVICE(w, metrics, HAWSE_METRICS_ID);
    return s->add(w->host, w->self, ARG(0), (int64_t)ARG(1));
}

static int32_t metric_set(const struct wish *w)
{
    SERVICE(w, metrics, HAWSE_METRICS_ID);
    return s->set(w->host, w->self, ARG(0), (int64_t)ARG(1));
}

static int32_t feature(const struct wish *w)
{
    SERVICE(w, config, HAWSE_CONFIG_ID);
    return s->feature(w->host, w->self, VIEW(0));
}

/* ---- hawse.intent/1 ---- */

/* As text, because that is how an intent is recorded and journalled: to the last byte. */
static int32_t intent_propose(const struct wish *w)
{
    SERVICE(w, intent, HAWSE_INTENT_ID);
    struct intent *intent = NULL;
    struct fault fault = {0};
    if (w->call->view_count > 0 &&
        intent_from_json((const char *)VIEW(0).data, VIEW(0).len, &intent, &fault) != HAWSE_OK)
        return HAWSE_E_INVAL;
    if (intent) {
        intent->public.tag = ARG(0);
        intent->public.basis_ns = ARG(1);
    }
    int32_t code = s->propose(w->host, w->self, intent ? &intent->public : NULL, &w->call->result);
    free(intent);
    return code;
}

static int32_t intent_cancel(const struct wish *w)
{
    SERVICE(w, intent, HAWSE_INTENT_ID);
    return s->cancel(w->host, w->self, ARG(0));
}

static int32_t intent_look_up(const struct wish *w)
{
    SERVICE(w, intent, HAWSE_INTENT_ID);
    return s->look_up(w->host, w->self, VIEW(0), ARG(0));
}

/* ---- hawse.command/1 ---- */

static int32_t add_command(const struct wish *w)
{
    SERVICE(w, command, HAWSE_COMMAND_ID);
    hawse_command_spec_t spec = {.size = SIZE_OF(spec),
                                 .flags = ARG32(0),
                                 .tag = ARG(1),
                                 .name = VIEW(0),
                                 .help = VIEW(1),
                                 .args = VIEW(2)};
    return s->add(w->host, w->self, &spec);
}

static int32_t print_for_command(const struct wish *w)
{
    SERVICE(w, command, HAWSE_COMMAND_ID);
    return s->print(w->host, w->self, ARG(0), VIEW(0));
}

static int32_t end_command(const struct wish *w)
{
    SERVICE(w, command, HAWSE_COMMAND_ID);
    hawse_command_result_t result = {
        .size = SIZE_OF(result), .status = ARG32(1), .json = VIEW(0), .text = VIEW(1)};
    return s->end(w->host, w->self, ARG(0), w->call->arg_count > 1 ? &result : NULL);
}

/* ---- hawse.alert/1 ---- */

static int32_t raise_alert(const struct wish *w)
{
    SERVICE(w, alert, HAWSE_ALERT_ID);
    hawse_alert_t alert = {.size = SIZE_OF(alert),
                           .severity = ARG32(0),
                           .name = VIEW(0),
                           .text = VIEW(1),
                           .fields = VIEW(2)};
    return s->raise(w->host, w->self, &alert);
}

static int32_t clear_alert(const struct wish *w)
{
    SERVICE(w, alert, HAWSE_ALERT_ID);
    return s->clear(w->host, w->self, VIEW(0));
}

/* ---- hawse.store/1 ---- */

static int32_t open_store(const struct wish *w)
{
    SERVICE(w, store, HAWSE_STORE_ID);
    return s->open(w->host, w->self);
}

static int32_t put_into_store(const struct wish *w)
{
    SERVICE(w, store, HAWSE_STORE_ID);
    return s->put(w->host, w->self, VIEW(0), VIEW(1));
}

static int32_t (*const wishes[CALL_KINDS])(const struct wish *w) = {
    [CALL_QUERY] = query,
    [CALL_LOG] = log_text,
    [CALL_ERROR] = set_error,
    [CALL_POST] = post,
    [CALL_LINK] = link_number,
    [CALL_SPACE] = space_number,
    [CALL_SUBSCRIBE] = subscribe,
    [CALL_UNSUBSCRIBE] = unsubscribe,
    [CALL_PUBLISH] = publish,
    [CALL_STREAM_OPEN] = stream_open,
    [CALL_STREAM_SEND] = send_on_stream,
    [CALL_STREAM_RECONNECT] = reconnect_stream,
    [CALL_STREAM_CLOSE] = stream_close,
    [CALL_CHANNEL] = channel,
    [CALL_CHANNEL_TOUCH] = channel_touch,
    [CALL_CHANNEL_STATE] = channel_state,
    [CALL_TIMER_SET] = timer_set,
    [CALL_TIMER_CANCEL] = timer_cancel,
    [CALL_RPC_CALL] = rpc_call,
    [CALL_RPC_CANCEL] = rpc_cancel,
    [CALL_HTTP_CALL] = http_call,
    [CALL_HTTP_CANCEL] = cancel_http,
    [CALL_METRIC_DECLARE] = metric_declare,
    [CALL_METRIC_ADD] = metric_add,
    [CALL_METRIC_SET] = metric_set,
    [CALL_FEATURE] = feature,
    [CALL_SIGN_HTTP] = sign_http,
    [CALL_SIGN_SEND] = sign_send,
    [CALL_SIGN_NAMES] = sign_names,
    [CALL_SIGN_LOGIN] = sign_login,
    [CALL_INTENT_PROPOSE] = intent_propose,
    [CALL_INTENT_CANCEL] = intent_cancel,
    [CALL_INTENT_LOOK_UP] = intent_look_up,
    [CALL_COMMAND_ADD] = add_command,
    [CALL_COMMAND_PRINT] = print_for_command,
    [CALL_COMMAND_END] = end_command,
    [CALL_ALERT_RAISE] = raise_alert,
    [CALL_ALERT_CLEAR] = clear_alert,
    [CALL_STORE_OPEN] = open_store,
    [CALL_STORE_PUT] = put_into_store,
};

void isolated_call(void *ctx, struct record_call *call)
{
    struct instance *inst = ctx;
    struct wish w = {
        .inst = inst, .host = &inst->host->api.table, .self = inst->handle, .call = call};
    call->result = 0;
    call->code = call->call < CALL_KINDS && wishes[call->call] ? wishes[call->call](&w)
                                                               : HAWSE_E_UNSUPPORTED;
}
