/* The kit's services http, sign, metrics, config and intent; see kit.h. */
#include "check/kit.h"

#include <hawse/service/config.h>
#include <hawse/service/http.h>
#include <hawse/service/metrics.h>
#include <hawse/service/sign.h>
#include <hawse/space/host.h>
#include <stdio.h>
#include <string.h>

#define ENTER(k, table, self, call)                      \
    int32_t code = HAWSE_OK;                             \
    struct kit *k = kit_enter(table, self, call, &code); \
    if (!k)                                              \
    return code

/* ---- http and sign ---- */

static int32_t ask_http(struct kit *k, const hawse_http_call_t *call, hawse_request_t *request)
{
    char method[16], path[512];
    (void)snprintf(method, sizeof(method), "%.*s", (int)call->method.len,
                   (const char *)call->method.data);
    (void)snprintf(path, sizeof(path), "%.*s", (int)call->path.len, (const char *)call->path.data);
    if (!grants_http(k->grants, method, path, strlen(path))) {
        kit_break(k, KIT_RULE_GRANT, "asked %s %.60s, which its capabilities do not list", method,
                  path);
        return HAWSE_E_DENIED;
    }
    uint64_t asked = kit_mix(2, call->endpoint.data, call->endpoint.len);
    asked = kit_mix(kit_mix(asked, method, strlen(method)), call->path.data, call->path.len);
    asked = kit_mix(asked, call->body.data, call->body.len);
    bool sends = strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
    *request = kit_ask(k, call->tag, asked, true, sends);
    if (*request == 0)
        return HAWSE_E_LIMIT;
    kit_did(k, KIT_HTTP_CALL, &asked, sizeof(asked));
    return HAWSE_OK;
}

static int32_t http_call(const hawse_host_t *table, hawse_instance_t self,
                         const hawse_http_call_t *call, hawse_request_t *request)
{
    ENTER(k, table, self, KIT_HTTP_CALL);
    return ask_http(k, call, request);
}

static int32_t http_cancel(const hawse_host_t *table, hawse_instance_t self,
                           hawse_request_t request)
{
    ENTER(k, table, self, KIT_HTTP_CANCEL);
    int32_t i =
        kit_index(k, KIT_H_REQUEST, request & ~UINT64_C(0xffff00), KIT_REQUESTS, KIT_HTTP_CANCEL);
    if (i < 0 || !k->requests[i].used || k->requests[i].handle != request)
        return HAWSE_E_STALE;
    k->requests[i].used = false;
    return HAWSE_OK;
}

static bool may_sign(struct kit *k, enum kit_call call)
{
    for (size_t i = 0; i < k->manifest->capability_count; i++) {
        const char *c = k->manifest->capabilities[i];
        if (strncmp(c, "sign", 4) == 0 && (c[4] == '\0' || c[4] == ':'))
            return true;
    }
    kit_break(k, KIT_RULE_GRANT, "called %s, but its capabilities do not list sign",
              kit_call_name(call));
    return false;
}

static int32_t sign_http(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                         const hawse_http_call_t *call, hawse_request_t *request)
{
    ENTER(k, table, self, KIT_SIGN_HTTP);
    (void)credential;
    return may_sign(k, KIT_SIGN_HTTP) ? ask_http(k, call, request) : HAWSE_E_DENIED;
}

static int32_t sign_send(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                         hawse_stream_t stream, hawse_view_t text)
{
    ENTER(k, table, self, KIT_SIGN_SEND);
    (void)credential;
    if (!may_sign(k, KIT_SIGN_SEND))
        return HAWSE_E_DENIED;
    int32_t i = kit_index(k, KIT_H_STREAM, stream, k->stream_count, KIT_SIGN_SEND);
    if (i < 0 || k->streams[i].gone)
        return HAWSE_E_STALE;
    kit_did(k, KIT_SIGN_SEND, text.data, text.len);
    return k->streams[i].open ? HAWSE_OK : HAWSE_E_STATE;
}

static int32_t sign_names(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t text)
{
    ENTER(k, table, self, KIT_SIGN_NAMES);
    (void)credential;
    return may_sign(k, KIT_SIGN_NAMES) ? (int32_t)(text.len & 1u) : HAWSE_E_DENIED;
}

static int32_t sign_login(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t endpoint, uint64_t tag, hawse_request_t *request)
{
    ENTER(k, table, self, KIT_SIGN_LOGIN);
    (void)credential, (void)endpoint;
    if (!may_sign(k, KIT_SIGN_LOGIN))
        return HAWSE_E_DENIED;
    *request = kit_ask(k, tag, 3, true, false);
    return *request == 0 ? HAWSE_E_LIMIT : HAWSE_OK;
}

/* ---- metrics ---- */

static bool metric_name(hawse_view_t name)
{
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return name.len >= 1 && name.len <= 64;
}

static int32_t metrics_declare(const hawse_host_t *table, hawse_instance_t self, uint32_t kind,
                               hawse_view_t name, hawse_view_t help, hawse_view_t label,
                               hawse_metric_t *metric)
{
    ENTER(k, table, self, KIT_METRICS_DECLARE);
    (void)help, (void)label;
    if (!metric_name(name) || (kind != HAWSE_METRIC_COUNTER && kind != HAWSE_METRIC_GAUGE)) {
        kit_break(k, KIT_RULE_METRIC,
                  "declared a metric \"%.*s\" of kind %u; names are "
                  "[a-z0-9_]{1,64}",
                  (int)(name.len < 80 ? name.len : 80), (const char *)name.data, kind);
        return HAWSE_E_INVAL;
    }
    if (k->metric_count == KIT_METRICS)
        return HAWSE_E_LIMIT;
    k->metric_kinds[k->metric_count] = kind;
    *metric = kit_handle(k, KIT_H_METRIC, k->metric_count++);
    return HAWSE_OK;
}

static int32_t metrics_add(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t delta)
{
    ENTER(k, table, self, KIT_METRICS_ADD);
    int32_t i = kit_index(k, KIT_H_METRIC, metric, k->metric_count, KIT_METRICS_ADD);
    if (i < 0)
        return HAWSE_E_STALE;
    if (k->metric_kinds[i] == HAWSE_METRIC_COUNTER && delta < 0) {
        kit_break(k, KIT_RULE_METRIC, "added %lld to a counter, which only grows",
                  (long long)delta);
        return HAWSE_E_RANGE;
    }
    kit_did(k, KIT_METRICS_ADD, &delta, sizeof(delta));
    return HAWSE_OK;
}

static int32_t metrics_set(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t value)
{
    ENTER(k, table, self, KIT_METRICS_SET);
    int32_t i = kit_index(k, KIT_H_METRIC, metric, k->metric_count, KIT_METRICS_SET);
    if (i < 0)
        return HAWSE_E_STALE;
    kit_did(k, KIT_METRICS_SET, &value, sizeof(value));
    return HAWSE_OK;
}

/* ---- config ---- */

static int32_t config_feature(const hawse_host_t *table, hawse_instance_t self, hawse_view_t name)
{
    ENTER(k, table, self, KIT_CONFIG_FEATURE);
    return grants_feature_state(k->grants, (const char *)name.data, name.len);
}

/* ---- intent ---- */

static void step_due(struct kit *k, uint64_t arg)
{
    uint32_t step = (uint32_t)(arg >> 32);
    kit_step(k, arg & UINT32_MAX, step, HAWSE_OK);
}

static bool may_intend(struct kit *k)
{
    if (grants_intent(k->grants, NULL, 0))
        return true;
    kit_break(k, KIT_RULE_GRANT, "used hawse.intent/1, but its capabilities do not list intent");
    return false;
}

/* What it does, whatever it is called. */
static uint64_t what_of(const hawse_intent_t *intent)
{
    uint64_t hash = kit_mix(4, intent->chain.data, intent->chain.len);
    hash = kit_mix(hash, intent->account.data, intent->account.len);
    for (uint32_t i = 0; i < intent->call_count; i++) {
        const hawse_intent_call_t *c = &intent->calls[i];
        hash = kit_mix(hash, c->to, sizeof(c->to));
        hash = kit_mix(hash, &c->value, sizeof(c->value));
        hash = kit_mix(hash, c->data.data, c->data.len);
    }
    return hash;
}

static int32_t intent_propose(const hawse_host_t *table, hawse_instance_t self,
                              const hawse_intent_t *intent, uint64_t *handle)
{
    ENTER(k, table, self, KIT_INTENT_PROPOSE);
    if (!may_intend(k))
        return HAWSE_E_DENIED;
    if (!k->created)
        return HAWSE_E_STATE;
    if (intent->size < offsetof(hawse_intent_t, note) + sizeof(intent->note) || intent->kind == 0 ||
        intent->call_count == 0 || intent->call_size < sizeof(hawse_intent_call_t) ||
        intent->call_count > HAWSE_INTENT_CALLS_MAX || intent->id.len == 0 ||
        intent->id.len > HAWSE_INTENT_ID_MAX)
        return HAWSE_E_INVAL;
    if (k->intent_count == KIT_INTENTS)
        return HAWSE_E_AGAIN;
    uint64_t what = what_of(intent);
    kit_sends(k, what);
    kit_did(k, KIT_INTENT_PROPOSE, &what, sizeof(what));
    uint32_t i = k->intent_count++;
    k->intents[i] = (struct kit_intent){.tag = intent->tag, .what = what};
    *handle = kit_handle(k, KIT_H_INTENT, i);
    kit_later(k, KIT_MS, step_due, i | (uint64_t)HAWSE_INTENT_PROPOSED << 32);
    kit_later(k, 2 * KIT_MS, step_due, i | (uint64_t)HAWSE_INTENT_SENT << 32);
    kit_later(k, 3 * KIT_MS, step_due, i | (uint64_t)k->answers.last_step << 32);
    if (k->answers.last_step == HAWSE_INTENT_UNKNOWN) {
        kit_later(k, 30 * KIT_SECOND, step_due, i | (uint64_t)HAWSE_INTENT_RECONCILED << 32);
        kit_later(k, 31 * KIT_SECOND, step_due, i | (uint64_t)HAWSE_INTENT_CONFIRMED << 32);
    }
    return HAWSE_OK;
}

static int32_t intent_cancel(const hawse_host_t *table, hawse_instance_t self, uint64_t handle)
{
    ENTER(k, table, self, KIT_INTENT_CANCEL);
    int32_t i = kit_index(k, KIT_H_INTENT, handle, k->intent_count, KIT_INTENT_CANCEL);
    return i < 0 ? HAWSE_E_STALE : HAWSE_OK;
}

static void looked_up(struct kit *k, uint64_t tag)
{
    hawse_intent_step_t record = {.size = sizeof(record), .error = HAWSE_E_NOTFOUND, .tag = tag};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_INTENT,
                           .kind = HAWSE_INTENT_STATE,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    kit_push(k, &event);
}

static int32_t intent_look_up(const hawse_host_t *table, hawse_instance_t self, hawse_view_t id,
                              uint64_t tag)
{
    ENTER(k, table, self, KIT_INTENT_LOOK_UP);
    if (!may_intend(k))
        return HAWSE_E_DENIED;
    kit_did(k, KIT_INTENT_LOOK_UP, id.data, id.len);
    kit_later(k, KIT_MS, looked_up, tag);
    return HAWSE_OK;
}

const void *kit_service(const char *id)
{
    static const hawse_http_service_t http = {
        .size = sizeof(http), .call = http_call, .cancel = http_cancel};
    static const hawse_sign_service_t sign = {.size = sizeof(sign),
                                              .http = sign_http,
                                              .send = sign_send,
                                              .names = sign_names,
                                              .login = sign_login};
    static const hawse_metrics_service_t metrics = {.size = sizeof(metrics),
                                                    .declare = metrics_declare,
                                                    .add = metrics_add,
                                                    .set = metrics_set};
    static const hawse_config_service_t config = {.size = sizeof(config),
                                                  .feature = config_feature};
    static const hawse_intent_service_t intent = {.size = sizeof(intent),
                                                  .propose = intent_propose,
                                                  .cancel = intent_cancel,
                                                  .look_up = intent_look_up};
    static const struct {
        const char *id;
        const void *table;
    } all[] = {{HAWSE_HTTP_ID, &http},
               {HAWSE_SIGN_ID, &sign},
               {HAWSE_METRICS_ID, &metrics},
               {HAWSE_CONFIG_ID, &config},
               {HAWSE_INTENT_ID, &intent}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(id, all[i].id) == 0)
            return all[i].table;
    }
    return kit_operator_service(id);
}
