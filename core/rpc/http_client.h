/*
 * HTTP for cold paths: a thread of its own with a libcurl multi handle, connections kept alive per
 * endpoint. Requests come from lanes; completions are posted back to the caller's loop. Follows no
 * redirect, and retries nothing by itself.
 */
#ifndef CORE_RPC_HTTP_CLIENT_H
#define CORE_RPC_HTTP_CLIENT_H

#include "base/fault.h"
#include "config/config.h"
#include "loop/loop.h"
#include "observe/log.h"

enum { HTTP_RESPONSE_MAX = 32 << 20, HTTP_TIMEOUT_MS = 10000 }; /* unless told */

struct http_client;
struct http_request;
struct http_line; /* prepared requests to one endpoint */

struct http_result {
    int32_t status; /* 0: a whole answer came; else why not, and the body is a reason in words */
    uint32_t http_status;
    uint32_t retry_after_ms;
    int64_t rpc_code; /* JSON-RPC only */
    uint64_t elapsed_ns;
    bool left;           /* it may have reached the server */
    bool connected;      /* over a new connection */
    const uint8_t *body; /* 64 readable bytes follow */
    uint64_t body_len;
};

/* [loop of the caller] */
typedef void (*http_done_fn)(void *ctx, const struct http_result *result);
/* [client's thread] Looks at a whole answer and says what it means: may set status and rpc_code,
 * and let the body be a part of itself or, with http_words, a text. */
typedef void (*http_judge_fn)(struct http_request *request, struct http_result *result);

/* [client's thread] The connection stands, and the request is about to be written. */
typedef void (*http_leaving_fn)(void *ctx);

struct http_options {
    const struct config_endpoint *endpoint; /* copied */
    const char *method;                     /* constant text */
    const char *path;                       /* checked by http_path_legal; empty = the URL as is */
    size_t path_len;
    const char *headers; /* lines, each ended by '\n'; copied */
    size_t headers_len;
    const char *logins; /* more lines, of the host's own: secret */
    size_t logins_len;
    char *body; /* malloc'd; taken, freed also on failure; NULL = none */
    size_t body_len;
    bool once;   /* may change something: on a fresh connection, and UNKNOWN when no answer came */
    bool pooled; /* over HTTP/1.1 */
    struct http_line *line;  /* NULL = none; of the same endpoint */
    uint64_t number;         /* for the judge: see http_request_number */
    bool alone;              /* on a connection that nothing else uses, before or after */
    uint32_t timeout_ms;     /* 0 = the endpoint's */
    uint64_t max_response;   /* 0 = 32 MiB */
    http_judge_fn judge;     /* NULL = an answer is an answer */
    http_leaving_fn leaving; /* NULL = nobody wants to know; its ctx is that of done */
};

int32_t http_client_create(struct logger *logger, struct http_client **out, struct fault *fault);
/* Starts its thread, unless it runs; else the first request does, on the lane. A host that has no
 * endpoint for requests does without. */
int32_t http_client_start(struct http_client *client, struct fault *fault);
/* Ends the thread; nothing is told any more. Idempotent; NULL is legal. */
void http_client_stop(struct http_client *client);
/* Stops it, and cancels what is under way. */
void http_client_destroy(struct http_client *client);

/* [lane] done is called on `loop`, exactly once, unless canceled; the request is freed after it. */
int32_t http_send(struct http_client *client, struct loop *loop, const struct http_options *options,
                  http_done_fn done, void *ctx, struct http_request **out, struct fault *fault);
/* [lane] done will not be called; the request is freed. */
void http_cancel(struct http_request *request);

/* [client's thread] The same for those who live there: done is called on this thread, exactly once,
 * and never within this call. */
int32_t http_begin(struct http_client *client, const struct http_options *options,
                   http_done_fn done, void *ctx, struct http_request **out, struct fault *fault);
/* Keeps up to `keep` requests prepared for those who ask the same endpoint again and again: POST,
 * pooled, without path, headers or logins of the call's own. A call that is `once` or `alone` is
 * made afresh all the same. The endpoint must outlive the line. Made and destroyed while the
 * client's thread does not run, or on it; none of its requests may be under way at the end. */
int32_t http_line_create(uint32_t keep, struct http_line **out);
void http_line_destroy(struct http_line *line);

/* [any] The loop of the client's thread, for timers and posts. */
struct loop *http_client_loop(struct http_client *client);
/* [client's thread, within done] The block in which the result's body lies, for free(); NULL when
 * the body is words. */
uint8_t *http_take_body(struct http_request *request);

/* [any] 1, 2, 3, ... of this client. */
uint64_t http_number(struct http_client *client);

/* [client's thread, within judge] */
uint64_t http_request_number(const struct http_request *request);
void http_words(struct http_request *request, int32_t status, const char *text);

/* Servers repeat the key that they refuse; nobody may see it: masks what a result that is a refusal
 * shows of the block of its answer. A body that lies elsewhere is ours, and stays. */
void http_mask_refusal(struct logger *logger, struct http_result *result, uint8_t *block,
                       size_t block_len);

/* ---- http_path.c ---- */

/* May these bytes be appended to the URL of an endpoint? As hawse_http_call says of `path`. */
bool http_path_legal(const uint8_t *path, size_t len);
/* The endpoint's URL with the path behind its own path, and its query, if any, behind both.
 * malloc'd, secret; NULL: no memory. */
char *http_path_join(const char *url, const char *path, size_t path_len);
/* Lines of headers that a plugin may send, and nothing else in them? */
bool http_headers_legal(const uint8_t *lines, size_t len);

#endif
