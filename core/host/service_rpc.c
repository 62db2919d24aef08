/* "hawse.rpc/1": JSON-RPC requests of instances. */
#include "host/given.h"
#include "host/requests.h"
#include "rpc/rpc_client.h"

#include <hawse/service/rpc.h>
#include <hawse/space/host.h>
#include <string.h>

static size_t record(const struct http_result *result, uint64_t handle, uint64_t tag, uint8_t *out)
{
    hawse_host_rpc_done_t done = {.size = sizeof(done),
                                  .status = result->status,
                                  .request = handle,
                                  .tag = tag,
                                  .http_status = result->http_status,
                                  .retry_after_ms = result->retry_after_ms,
                                  .rpc_code = result->rpc_code,
                                  .elapsed_ns = result->elapsed_ns,
                                  .body_len = result->body_len};
    memcpy(out, &done, sizeof(done));
    return sizeof(done);
}

static int32_t ask_endpoint(struct instance *inst, const hawse_rpc_call_t *call,
                            const struct config_endpoint *endpoint, struct host_request *r)
{
    const struct rpc_options options = {.endpoint = endpoint,
                                        .method = (const char *)call->method.data,
                                        .method_len = call->method.len,
                                        .params = call->params.data,
                                        .params_len = call->params.len,
                                        .timeout_ms = call->timeout_ms,
                                        .max_response = call->max_response};
    return rpc_call(inst->host->http, inst->lane->loop, &options, request_done, r, &r->request,
                    &inst->last_error);
}

/* What a chain plugin asks is what all others build on: never from the cache. */
static int32_t ask_pool(struct instance *inst, const hawse_rpc_call_t *call, const char *chain,
                        struct host_request *r)
{
    bool source = strcmp(inst->library->manifest->kind, "chain") == 0;
    const struct pool_options options = {.method = (const char *)call->method.data,
                                         .method_len = call->method.len,
                                         .params = call->params.data,
                                         .params_len = call->params.len,
                                         .class = POOL_DECISION,
                                         .flags = source ? POOL_FRESH : 0,
                                         .deadline_ms = call->timeout_ms,
                                         .max_response = call->max_response};
    return pool_call(host_pool(inst->host, chain), inst->lane->loop, &options, request_done_by_pool,
                     r, &r->pooled, &inst->last_error);
}

static int32_t send_call(struct instance *inst, const hawse_rpc_call_t *call, hawse_request_t *out)
{
    if (call->method.len == 0 || call->method.len > 128 || call->params.len > 1u << 20)
        return HAWSE_E_INVAL;
    if (!grants_rpc(inst->grants, (const char *)call->method.data, call->method.len)) {
        fault_clear(&inst->last_error);
        (void)fault_set(&inst->last_error, HAWSE_E_DENIED, "may not call %.*s: not granted",
                        (int)call->method.len, (const char *)call->method.data);
        fault_hint(&inst->last_error, "add \"rpc:%.*s\" or \"rpc\" to instances.%s.grants",
                   (int)call->method.len, (const char *)call->method.data, inst->config->id);
        return HAWSE_E_DENIED;
    }
    const struct config_endpoint *endpoint = request_endpoint(inst, call->link, hawse_text("http"));
    if (!endpoint)
        return HAWSE_E_NOTFOUND;
    struct host_request *r = NULL;
    int32_t code = request_new(inst, call->tag, HAWSE_HOST_RPC_DONE, record, &r);
    if (code != HAWSE_OK)
        return code;
    fault_clear(&inst->last_error);
    code = endpoint->chain ? ask_pool(inst, call, endpoint->chain, r)
                           : ask_endpoint(inst, call, endpoint, r);
    if (code != HAWSE_OK) {
        request_drop(r);
        return code;
    }
    *out = r->handle;
    return HAWSE_OK;
}

static int32_t rpc_call_method(const hawse_host_t *table, hawse_instance_t self,
                               const hawse_rpc_call_t *call, hawse_request_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    hawse_rpc_call_t own;
    call = GIVEN(call, &own, GIVEN_RPC_CALL);
    code = call && out ? send_call(inst, call, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

const hawse_rpc_service_t host_rpc_service = {
    .size = sizeof(hawse_rpc_service_t),
    .call = rpc_call_method,
    .cancel = request_cancel,
};
