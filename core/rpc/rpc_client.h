/*
 * JSON-RPC 2.0 over the HTTP client: builds the request, finds "result" or "error" of the answer on
 * the client's thread.
 */
#ifndef CORE_RPC_RPC_CLIENT_H
#define CORE_RPC_RPC_CLIENT_H

#include "rpc/http_client.h"

struct rpc_options {
    const struct config_endpoint *endpoint; /* copied */
    const char *method;
    size_t method_len;
    const uint8_t *params; /* JSON text; empty = [] */
    size_t params_len;
    uint32_t timeout_ms;   /* 0 = the endpoint's */
    uint64_t max_response; /* 0 = 32 MiB */
};

/* [lane] As http_send. The result's status is 0 and the body the text of "result"; or
 * HAWSE_E_REMOTE, the body that of "error" and rpc_code its code; or a transport error in words. */
int32_t rpc_call(struct http_client *client, struct loop *loop, const struct rpc_options *options,
                 http_done_fn done, void *ctx, struct http_request **out, struct fault *fault);

enum { RPC_WORDS = 128 };

/* What a whole answer says to the request with that id: sets status, rpc_code, and the body, which
 * becomes a part of itself; or `words`, when it is no answer to it. */
void rpc_read(uint64_t number, struct http_result *result, char words[RPC_WORDS]);
/* The http_judge_fn of JSON-RPC: the request's number is the id that the answer must have. */
void rpc_judge(struct http_request *request, struct http_result *result);
/* The text of a request; malloc'd, NULL: no memory. */
char *rpc_body(const char *method, size_t method_len, const uint8_t *params, size_t params_len,
               uint64_t id, size_t *len);

/* The same into `out`: the bytes it took, 0 when they do not fit. What is written may be followed
 * by a NUL. */
size_t rpc_body_put(char *out, size_t cap, const char *method, size_t method_len,
                    const uint8_t *params, size_t params_len, uint64_t id);
enum { RPC_BODY = 96 }; /* more than method and params together */

#endif
