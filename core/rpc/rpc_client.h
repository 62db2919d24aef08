/*
 * JSON-RPC over HTTP for cold paths: a thread of its own with a libcurl multi handle, connections
 * kept alive per endpoint. Calls come from lanes; completions are posted back to the caller's loop.
 */
#ifndef CORE_RPC_RPC_CLIENT_H
#define CORE_RPC_RPC_CLIENT_H

#include "base/fault.h"
#include "config/config.h"
#include "loop/loop.h"
#include "observe/log.h"

struct rpc_client;
struct rpc_request;

struct rpc_result {
    int32_t status; /* 0, HAWSE_E_REMOTE, or a transport error */
    uint32_t http_status;
    uint32_t retry_after_ms;
    int64_t rpc_code;
    uint64_t elapsed_ns;
    const uint8_t *body; /* text of "result" or of "error", or words; 64 readable bytes follow */
    uint64_t body_len;
};

typedef void (*rpc_done_fn)(void *ctx, struct rpc_request *request,
                            const struct rpc_result *result);

int32_t rpc_client_create(struct logger *logger, struct rpc_client **out, struct fault *fault);
void rpc_client_destroy(
    struct rpc_client *client); /* cancels what is under way; no more completions */

struct rpc_options {
    const struct config_endpoint *endpoint; /* copied */
    const char *method;
    size_t method_len;
    const uint8_t *params; /* JSON text; empty = [] */
    size_t params_len;
    uint32_t timeout_ms;   /* 0 = the endpoint's */
    uint64_t max_response; /* 0 = 32 MiB */
};

/* [lane] done is called on `loop`, exactly once, unless canceled; the request is freed after it. */
int32_t rpc_call(struct rpc_client *client, struct loop *loop, const struct rpc_options *options,
                 rpc_done_fn done, void *ctx, struct rpc_request **out, struct fault *fault);
/* [lane] done will not be called; the request is freed. */
void rpc_cancel(struct rpc_request *request);

#endif
