/*
 * "hawse.sign/1": where it is decided which credential an instance may use, with which of its
 * endpoints, and where a login meets what a plugin wants sent. Both are in locked memory from here
 * to the socket. Must never hand anything of it back, or log it.
 */
#include "host/given.h"
#include "host/requests.h"
#include "host/service_stream.h"

#include "base/secret.h"

#include <hawse/service/sign.h>
#include <hawse/service/stream.h>
#include <stdio.h>
#include <string.h>

enum { LOGIN_ANSWER_MAX = 4096 }; /* what is read without growing, and so without copies */

static struct credential *refuse(struct instance *inst, int32_t refusal, int32_t *code)
{
    *code = refusal;
    log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &inst->last_error);
    return NULL;
}

/* The credential of that name, when its schema is granted. */
static struct credential *find(struct instance *inst, hawse_view_t name, int32_t *code)
{
    struct credential *c = credentials_find(&inst->credentials, name);
    fault_clear(&inst->last_error);
    if (!c) {
        *code = fault_set(&inst->last_error, HAWSE_E_NOTFOUND, "has no credential \"%.*s\"",
                          (int)(name.len < 63 ? name.len : 63), (const char *)name.data);
        fault_hint(&inst->last_error, "add it to instances.%s.credentials", inst->config->id);
        return NULL;
    }
    if (grants_sign(inst->grants, credential_schema(c)))
        return c;
    (void)fault_set(&inst->last_error, HAWSE_E_DENIED, "may not use credential \"%s\": not granted",
                    credential_name(c));
    fault_hint(&inst->last_error, "add \"sign:%s\" to instances.%s.grants", credential_schema(c),
               inst->config->id);
    return refuse(inst, HAWSE_E_DENIED, code);
}

/* The same, for use with an endpoint of this instance. */
static struct credential *find_for(struct instance *inst, hawse_view_t name, const char *endpoint,
                                   int32_t *code)
{
    struct credential *c = find(inst, name, code);
    if (!c || credential_endpoint(c, endpoint))
        return c;
    (void)fault_set(&inst->last_error, HAWSE_E_DENIED,
                    "credential \"%s\" is not for endpoint \"%s\"", credential_name(c), endpoint);
    fault_hint(&inst->last_error, "instances.%s.credentials.%s.endpoints names those it is for",
               inst->config->id, credential_name(c));
    return refuse(inst, HAWSE_E_DENIED, code);
}

static void copy_name(hawse_view_t name, char out[64])
{
    (void)snprintf(out, 64, "%.*s", (int)(name.len < 64 ? name.len : 0), (const char *)name.data);
}

/* ---- requests ---- */

static int32_t http(struct instance *inst, hawse_view_t name, const hawse_http_call_t *call,
                    hawse_request_t *out)
{
    const char *method = NULL;
    char endpoint[64];
    size_t len = 0;
    int32_t code = request_http_legal(inst, call, &method);
    if (code != HAWSE_OK)
        return code;
    if (call->link.len > 0)
        return HAWSE_E_INVAL;
    copy_name(call->endpoint, endpoint);
    const struct credential *c = find_for(inst, name, endpoint, &code);
    if (!c)
        return code;
    struct sign_request request = {
        .method = method,
        .path = call->path,
        .body = call->body,
        .utc_s = lane_utc(inst->lane, inst->lane->bus.now_ns) / 1000000000u,
    };
    char *headers = secret_new(SIGN_HEADERS_MAX);
    if (!headers)
        return HAWSE_E_NOMEM;
    code = sign_headers(c, &request, headers, &len, &inst->last_error);
    if (code == HAWSE_OK)
        code = request_http(inst, call, &(struct request_login){headers, len, NULL}, out);
    else if (code != HAWSE_E_STATE) /* a login first: that is no mistake */
        (void)refuse(inst, code, &code);
    secret_free(headers);
    return code;
}

static int32_t sign_http(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                         const hawse_http_call_t *call, hawse_request_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    hawse_http_call_t own;
    call = GIVEN(call, &own, GIVEN_HTTP_CALL);
    code = call && out ? http(inst, credential, call, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

/* ---- logging in ---- */

static int32_t login(struct instance *inst, hawse_view_t name, hawse_view_t place, uint64_t tag,
                     hawse_request_t *out)
{
    char endpoint[64];
    size_t len = 0;
    int32_t code = HAWSE_OK;
    copy_name(place, endpoint);
    struct credential *c = find_for(inst, name, endpoint, &code);
    if (!c)
        return code;
    const char *path = credential_login_path(c);
    char *headers = path ? secret_new(SIGN_HEADERS_MAX) : NULL;
    if (!headers)
        return path ? HAWSE_E_NOMEM : HAWSE_E_UNSUPPORTED;
    hawse_http_call_t call = {.size = sizeof(call),
                              .endpoint = place,
                              .method = hawse_text("GET"),
                              .path = hawse_text(path),
                              .tag = tag,
                              .max_response = LOGIN_ANSWER_MAX};
    code = sign_login_headers(c, lane_utc(inst->lane, inst->lane->bus.now_ns) / 1000000000u,
                              headers, &len);
    if (code == HAWSE_OK)
        code = request_http(inst, &call, &(struct request_login){headers, len, c}, out);
    secret_free(headers);
    return code;
}

static int32_t sign_login_call(const hawse_host_t *table, hawse_instance_t self,
                               hawse_view_t credential, hawse_view_t endpoint, uint64_t tag,
                               hawse_request_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = out ? login(inst, credential, endpoint, tag, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

/* ---- messages ---- */

static int32_t send_login(struct instance *inst, hawse_view_t name, const struct host_stream *s,
                          hawse_view_t text)
{
    char *filled = NULL;
    size_t len = 0;
    int32_t code = HAWSE_OK;
    const struct credential *c = find_for(inst, name, s->endpoint_name, &code);
    if (!c)
        return code;
    code = sign_message(c, text, &filled, &len, &inst->last_error);
    if (code == HAWSE_OK)
        code = stream_send_secret(s->stream, filled, len);
    else if (code != HAWSE_E_STATE)
        (void)refuse(inst, code, &code);
    secret_free(filled);
    return code;
}

static int32_t sign_send(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                         hawse_stream_t stream, hawse_view_t text)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    const struct host_stream *s = handles_get(&inst->lane->streams, stream, inst->index);
    code = !s ? HAWSE_E_STALE : text.data ? send_login(inst, credential, s, text) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

/* ---- names ---- */

static int32_t sign_names(const hawse_host_t *table, hawse_instance_t self, hawse_view_t credential,
                          hawse_view_t text)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    const struct credential *c = find(inst, credential, &code);
    if (c)
        code = text.data && credential_is(c, text) ? 1 : 0;
    host_leave(inst);
    return code;
}

const hawse_sign_service_t host_sign_service = {.size = sizeof(hawse_sign_service_t),
                                                .http = sign_http,
                                                .send = sign_send,
                                                .names = sign_names,
                                                .login = sign_login_call};
