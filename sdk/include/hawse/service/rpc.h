/*
 * "hawse.rpc/1": JSON-RPC 2.0 over HTTP, asked of the endpoint "http" of this instance or of one it
 * is linked to. The answer arrives as HAWSE_HOST_RPC_DONE. Nothing is retried here: the asker knows
 * what may be asked twice. A method with "send" in its name goes out on a connection of its own, so
 * that it is sent once at most; when no answer came, HAWSE_E_UNKNOWN says that it may have been.
 */
#ifndef HAWSE_SERVICE_RPC_H
#define HAWSE_SERVICE_RPC_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_RPC_ID "hawse.rpc/1"

typedef struct hawse_rpc_call {
    uint32_t size;
    uint32_t timeout_ms;   /* 0 = the configuration's, 10 s */
    hawse_view_t link;     /* whose endpoint: a link's name; empty = this instance's own */
    hawse_view_t method;   /* "eth_getLogs"; needs the grant rpc:METHOD */
    hawse_view_t params;   /* JSON text, an array or object; copied. At most 1 MiB. */
    uint64_t tag;          /* comes back in the event */
    uint64_t max_response; /* bytes; 0 = 32 MiB */
} hawse_rpc_call_t;

typedef struct hawse_rpc_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows call, fills request] Send a request. Its completion always comes, once, unless
     * canceled. HAWSE_E_DENIED: no grant for the method; HAWSE_E_NOTFOUND: no such link or
     * endpoint; HAWSE_E_LIMIT: 256 are under way. */
    int32_t (*call)(const hawse_host_t *host, hawse_instance_t self, const hawse_rpc_call_t *call,
                    hawse_request_t *request);

    /* [lane] Ask for no completion any more. One that is already queued still comes; the request
     * may still reach the server. HAWSE_E_STALE when it is done. */
    int32_t (*cancel)(const hawse_host_t *host, hawse_instance_t self, hawse_request_t request);
} hawse_rpc_service_t;

#ifdef __cplusplus
}
#endif
#endif
