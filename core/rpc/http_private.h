/*
 * Between the files of the HTTP client: http_client.c has the thread, http_request.c what one
 * request is and what its answer means.
 */
#ifndef CORE_RPC_HTTP_PRIVATE_H
#define CORE_RPC_HTTP_PRIVATE_H

#include "rpc/http_client.h"

#include <curl/curl.h>

/* A set of connections, driven by the client's loop. */
struct http_multi {
    struct http_client *client;
    CURLM *curl;
    struct loop_timer timer;
};

struct http_client {
    struct logger *logger;
    struct loop *loop;
    struct http_multi lanes; /* requests of lanes: few connections a host */
    struct http_multi pools; /* those of the client's own thread, which bound themselves */
    pthread_t thread;
    pthread_mutex_t lock; /* guards `running` */
    bool running;
    int quit; /* atomic */
    uint64_t next_id;
    struct http_request *active; /* from here on only on the client's thread */
};

/* Prepared requests to one endpoint. On the client's thread. */
struct http_line {
    struct http_request *idle;
    uint32_t idle_count, keep;
};

struct http_request {
    struct http_request *next, *prev; /* of those under way, or (next) of the idle ones of a line */
    struct http_client *client;
    struct http_line *line; /* to which it goes back; NULL = none */
    struct loop *loop;      /* NULL: asked on the client's thread, answered there */
    struct loop_work work;
    http_done_fn done;
    http_judge_fn judge;
    http_leaving_fn leaving;
    void *ctx;
    int canceled; /* atomic */
    CURL *easy;
    struct curl_slist *headers;
    char *url; /* when it is not the endpoint's own */
    char *body;
    size_t body_len;
    uint64_t number;
    uint64_t started_ns;
    uint64_t max_response;
    uint32_t timeout_ms;
    uint8_t *response; /* response_cap + HAWSE_PADDING bytes */
    size_t response_len, response_cap;
    bool too_large;
    bool once, alone;
    char error[CURL_ERROR_SIZE];
    char text[CURL_ERROR_SIZE + 128];
    struct http_result result;
};

/* Prepared, not begun. NULL: no memory, and the body is freed. */
struct http_request *http_request_new(const struct http_options *options);
void http_request_free(struct http_request *request);
/* What came, judged, in request->result. */
void http_request_judge(struct http_request *request, CURLcode code);

/* ---- http_line.c ---- */

/* An idle request of the line; NULL: there is none. */
struct http_request *http_line_take(struct http_line *line);
/* Makes it ready for this call; false: no memory. */
bool http_line_fill(struct http_request *request, const struct http_options *options);
/* Keeps it for the next call; false: it has no line, or the line has enough. */
bool http_line_put(struct http_request *request);

#endif
