/*
 * "hawse.http/1": HTTP requests of instances. Where it is decided what may be asked: the method,
 * the path and the headers are checked here, before the grants are asked, so that grants compare
 * what the server will see.
 */
#include "host/given.h"
#include "host/requests.h"

#include <hawse/service/http.h>
#include <hawse/space/host.h>
#include <stdlib.h>
#include <string.h>

static size_t record(const struct http_result *result, uint64_t handle, uint64_t tag, uint8_t *out)
{
    bool other = result->status == HAWSE_OK && result->http_status / 100 != 2;
    hawse_host_http_done_t done = {.size = sizeof(done),
                                   .status = other ? HAWSE_E_REMOTE : result->status,
                                   .request = handle,
                                   .tag = tag,
                                   .http_status = result->http_status,
                                   .retry_after_ms = result->retry_after_ms,
                                   .elapsed_ns = result->elapsed_ns,
                                   .body_len = result->body_len};
    memcpy(out, &done, sizeof(done));
    return sizeof(done);
}

/* The method as constant text; NULL: none that is known. The first two change nothing. */
static const char *find_method(hawse_view_t method, bool *safe)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strlen(methods[i]) == method.len && memcmp(methods[i], method.data, method.len) == 0) {
            *safe = i < 2;
            return methods[i];
        }
    }
    return NULL;
}

static int32_t refuse(struct instance *inst, int32_t code, const char *what, const char *hint)
{
    fault_clear(&inst->last_error);
    (void)fault_set(&inst->last_error, code, "hawse.http/1: %s", what);
    fault_hint(&inst->last_error, "%s", hint);
    return code;
}

static int32_t legal(struct instance *inst, const hawse_http_call_t *call, const char **found,
                     bool *safe)
{
    const char *method = find_method(call->method, safe);
    *found = method;
    if (!method)
        return refuse(inst, HAWSE_E_INVAL, "the method is unknown",
                      "GET, HEAD, POST, PUT, PATCH and DELETE are known");
    if (call->path.len > HAWSE_HTTP_PATH_MAX || !http_path_legal(call->path.data, call->path.len))
        return refuse(inst, HAWSE_E_INVAL, "the path is not legal",
                      "it begins with '/', is visible ASCII, and has no dot segment");
    if (call->headers.len > HAWSE_HTTP_HEADERS_MAX ||
        !http_headers_legal(call->headers.data, call->headers.len))
        return refuse(inst, HAWSE_E_INVAL, "a header is not legal or not among those allowed",
                      "the operator can set any header at the endpoint");
    if (call->body.len > HAWSE_HTTP_BODY_MAX || (*safe && call->body.len > 0))
        return refuse(inst, HAWSE_E_INVAL, "the body is too large, or the method has none",
                      "1 MiB at most, and none with GET and HEAD");
    return HAWSE_OK;
}

int32_t request_http_legal(struct instance *inst, const hawse_http_call_t *call,
                           const char **method)
{
    bool safe = false;
    return legal(inst, call, method, &safe);
}

static int32_t granted(struct instance *inst, const hawse_http_call_t *call, const char *method)
{
    if (grants_http(inst->grants, method, (const char *)call->path.data, call->path.len))
        return HAWSE_OK;
    const uint8_t *query = memchr(call->path.data, '?', call->path.len);
    int shown = query ? (int)(query - call->path.data) : (int)call->path.len;
    fault_clear(&inst->last_error);
    (void)fault_set(&inst->last_error, HAWSE_E_DENIED, "may not %s %.*s: not granted", method,
                    shown < 200 ? shown : 200, (const char *)call->path.data);
    fault_hint(&inst->last_error, "add \"http:%s:/...\" or \"http\" to instances.%s.grants", method,
               inst->config->id);
    return HAWSE_E_DENIED;
}

int32_t request_http(struct instance *inst, const hawse_http_call_t *call,
                     const struct request_login *login, hawse_request_t *out)
{
    bool safe = false;
    const char *method = NULL;
    int32_t code = legal(inst, call, &method, &safe);
    if (code == HAWSE_OK && !(login && login->session))
        code = granted(inst, call, method);
    if (code != HAWSE_OK)
        return code;
    const struct config_endpoint *endpoint = request_endpoint(inst, call->link, call->endpoint);
    if (!endpoint)
        return HAWSE_E_NOTFOUND;
    struct http_options options = {.endpoint = endpoint,
                                   .method = method,
                                   .path = (const char *)call->path.data,
                                   .path_len = call->path.len,
                                   .headers = (const char *)call->headers.data,
                                   .headers_len = call->headers.len,
                                   .logins = login ? login->lines : NULL,
                                   .logins_len = login ? login->lines_len : 0,
                                   .alone = login && login->session,
                                   .body_len = call->body.len,
                                   .once = !safe,
                                   .timeout_ms = call->timeout_ms,
                                   .max_response = call->max_response};
    struct host_request *r = NULL;
    code = request_new(inst, call->tag, HAWSE_HOST_HTTP_DONE, record, &r);
    if (code != HAWSE_OK)
        return code;
    r->login = login ? login->session : NULL;
    if (call->body.len > 0) {
        options.body = malloc(call->body.len);
        if (!options.body) {
            request_drop(r);
            return HAWSE_E_NOMEM;
        }
        memcpy(options.body, call->body.data, call->body.len);
    }
    fault_clear(&inst->last_error);
    code = http_send(inst->host->http, inst->lane->loop, &options, request_done, r, &r->request,
                     &inst->last_error);
    if (code != HAWSE_OK) {
        request_drop(r);
        return code;
    }
    *out = r->handle;
    return HAWSE_OK;
}

static int32_t http_call_method(const hawse_host_t *table, hawse_instance_t self,
                                const hawse_http_call_t *call, hawse_request_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    hawse_http_call_t own;
    call = GIVEN(call, &own, GIVEN_HTTP_CALL);
    code = call && out ? request_http(inst, call, NULL, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

const hawse_http_service_t host_http_service = {
    .size = sizeof(hawse_http_service_t),
    .call = http_call_method,
    .cancel = request_cancel,
};
