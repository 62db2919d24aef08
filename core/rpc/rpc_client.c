/*
 * JSON-RPC over HTTP on a thread of its own; see rpc_client.h. A request belongs to this thread
 * from rpc_call until it is posted, and to the caller's loop from then on. libcurl keeps the
 * connections.
 */
#include "rpc/rpc_client.h"

#include "net/curl_options.h"
#include "rpc/envelope.h"

#include <curl/curl.h>
#include <errno.h>
#include <hawse/hawse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESPONSE_FIRST = 4096, CONNECTIONS_PER_HOST = 8 };

struct rpc_client {
    struct logger *logger;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* guards `queued` and `quit` */
    struct rpc_request *queued;
    bool quit;
    bool running;
    uint64_t next_id;
    struct rpc_request *active; /* this thread's own list */
};

struct rpc_request {
    struct rpc_request *next, *prev;
    struct rpc_client *client;
    struct loop *loop;
    struct loop_work work;
    rpc_done_fn done;
    void *ctx;
    int canceled; /* atomic */
    CURL *easy;
    struct curl_slist *headers;
    char *body;
    uint64_t started_ns;
    uint64_t max_response;
    uint8_t *response; /* response_cap + HAWSE_PADDING bytes */
    size_t response_len, response_cap;
    bool too_large;
    char error[CURL_ERROR_SIZE];
    char text[CURL_ERROR_SIZE + 128];
    struct rpc_result result;
};

static void request_free(struct rpc_request *r)
{
    if (r->easy)
        curl_easy_cleanup(r->easy);
    curl_slist_free_all(r->headers); /* may hold a key: wiped by libcurl's owner, the process */
    free(r->body);
    free(r->response);
    free(r);
}

/* [loop] */
static void report(void *ctx)
{
    struct rpc_request *r = ctx;
    if (!__atomic_load_n(&r->canceled, __ATOMIC_ACQUIRE))
        r->done(r->ctx, r, &r->result);
    request_free(r);
}

/* ---- the answer ---- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct rpc_request *r = ctx;
    size_t len = size * n;
    if (r->response_len + len > r->max_response) {
        r->too_large = true;
        return 0;
    }
    if (r->response_len + len > r->response_cap) {
        size_t cap = r->response_cap ? r->response_cap : RESPONSE_FIRST;
        while (cap < r->response_len + len)
            cap *= 2;
        uint8_t *bigger = realloc(r->response, cap + HAWSE_PADDING);
        if (!bigger)
            return 0;
        r->response = bigger;
        r->response_cap = cap;
    }
    memcpy(r->response + r->response_len, data, len);
    r->response_len += len;
    return len;
}

static void words(struct rpc_request *r, int32_t status, const char *text)
{
    (void)snprintf(r->text, sizeof(r->text), "%s", text);
    r->result.status = status;
    r->result.body = (const uint8_t *)r->text;
    r->result.body_len = strlen(r->text);
}

/* Seconds, as servers of JSON-RPC send them; a date is not understood and counts as nothing. */
static uint32_t retry_after(CURL *easy)
{
    curl_off_t seconds = 0;
    if (curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds <= 0)
        return 0;
    return seconds > 86400 ? 86400000u : (uint32_t)seconds * 1000u;
}

static void judge_body(struct rpc_request *r)
{
    memset(r->response + r->response_len, 0, HAWSE_PADDING);
    struct rpc_envelope envelope;
    int32_t code = rpc_envelope_read(r->response, r->response_len, &envelope);
    if (code != HAWSE_OK) {
        char text[128];
        (void)snprintf(text, sizeof(text), "HTTP %u, and the body is not a JSON-RPC answer: %s",
                       r->result.http_status, envelope.why);
        words(r, r->result.http_status == 200 ? HAWSE_E_FORMAT : HAWSE_E_IO, text);
        return;
    }
    r->result.status = envelope.is_error ? HAWSE_E_REMOTE : HAWSE_OK;
    r->result.rpc_code = envelope.error_code;
    r->result.body = envelope.data;
    r->result.body_len = envelope.len;
}

static void finish(struct rpc_request *r, CURLcode code)
{
    long status = 0;
    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    r->result.http_status = status > 0 ? (uint32_t)status : 0;
    r->result.retry_after_ms = retry_after(r->easy);
    r->result.elapsed_ns = loop_clock() - r->started_ns;
    if (r->too_large)
        words(r, HAWSE_E_LIMIT, "the answer is larger than the limit of this call");
    else if (code == CURLE_OPERATION_TIMEDOUT)
        words(r, HAWSE_E_TIMEOUT, r->error[0] ? r->error : curl_easy_strerror(code));
    else if (code != CURLE_OK)
        words(r, HAWSE_E_IO, r->error[0] ? r->error : curl_easy_strerror(code));
    else if (r->response_len == 0)
        words(r, HAWSE_E_FORMAT, "the answer is empty");
    else
        judge_body(r);
    (void)curl_multi_remove_handle(r->client->multi, r->easy);
    curl_easy_cleanup(r->easy); /* on this thread, as libcurl wants it */
    r->easy = NULL;
    if (r->prev)
        r->prev->next = r->next;
    else
        r->client->active = r->next;
    if (r->next)
        r->next->prev = r->prev;
    loop_post(r->loop, &r->work);
}

/* ---- the thread ---- */

static void begin(struct rpc_client *c, struct rpc_request *r)
{
    r->prev = NULL;
    r->next = c->active;
    if (c->active)
        c->active->prev = r;
    c->active = r;
    if (curl_multi_add_handle(c->multi, r->easy) != CURLM_OK)
        finish(r, CURLE_OUT_OF_MEMORY);
}

/* Requests that came, oldest first. False: quit. */
static bool take_queued(struct rpc_client *c)
{
    (void)pthread_mutex_lock(&c->lock);
    struct rpc_request *list = c->queued;
    c->queued = NULL;
    bool quit = c->quit;
    (void)pthread_mutex_unlock(&c->lock);
    struct rpc_request *ordered = NULL;
    while (list) {
        struct rpc_request *next = list->next;
        list->next = ordered;
        ordered = list;
        list = next;
    }
    while (ordered) {
        struct rpc_request *next = ordered->next;
        begin(c, ordered);
        ordered = next;
    }
    return !quit;
}

static void reap(struct rpc_client *c)
{
    int left = 0;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(c->multi, &left)) != NULL) {
        char *owner = NULL;
        if (msg->msg == CURLMSG_DONE &&
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK)
            finish((struct rpc_request *)(void *)owner, msg->data.result);
    }
}

static void *client_main(void *arg)
{
    struct rpc_client *c = arg;
    while (take_queued(c)) {
        int running = 0;
        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
            log_line(c->logger, HAWSE_LOG_ERROR, "rpc", "libcurl's multi handle failed");
        reap(c);
        (void)curl_multi_poll(c->multi, NULL, 0, 1000, NULL);
    }
    return NULL;
}

int32_t rpc_client_create(struct logger *logger, struct rpc_client **out, struct fault *fault)
{
    struct rpc_client *c = calloc(1, sizeof(*c));
    if (!c)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the JSON-RPC client");
    c->logger = logger;
    c->multi = curl_multi_init();
    (void)pthread_mutex_init(&c->lock, NULL);
    if (!c->multi || curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                                       (long)CONNECTIONS_PER_HOST) != CURLM_OK) {
        rpc_client_destroy(c);
        return fault_set(fault, HAWSE_E_NOMEM, "libcurl's multi handle could not be made");
    }
    *out = c;
    return HAWSE_OK;
}

/* The thread starts with the first call: a host without JSON-RPC does without it. */
static int32_t ensure_thread(struct rpc_client *c, struct fault *fault)
{
    if (c->running)
        return HAWSE_OK;
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, 256u << 10);
    int error = pthread_create(&c->thread, &attr, client_main, c);
    (void)pthread_attr_destroy(&attr);
    if (error != 0)
        return fault_set(fault, HAWSE_E_NOMEM, "cannot start the JSON-RPC thread: %s",
                         strerror(error));
    c->running = true;
    return HAWSE_OK;
}

void rpc_client_destroy(struct rpc_client *c)
{
    if (!c)
        return;
    if (c->running) {
        (void)pthread_mutex_lock(&c->lock);
        c->quit = true;
        (void)pthread_mutex_unlock(&c->lock);
        (void)curl_multi_wakeup(c->multi);
        (void)pthread_join(c->thread, NULL);
    }
    while (c->active) {
        struct rpc_request *r = c->active;
        c->active = r->next;
        (void)curl_multi_remove_handle(c->multi, r->easy);
        request_free(r);
    }
    if (c->multi)
        (void)curl_multi_cleanup(c->multi);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- asking ---- */

static bool add_header(struct rpc_request *r, const char *name, const char *value)
{
    char line[4096];
    int n = snprintf(line, sizeof(line), "%s: %s", name, value);
    struct curl_slist *list =
        n > 0 && (size_t)n < sizeof(line) ? curl_slist_append(r->headers, line) : NULL;
    explicit_bzero(line, sizeof(line));
    if (!list)
        return false;
    r->headers = list;
    return true;
}

static bool make_body(struct rpc_request *r, const struct rpc_options *o, uint64_t id)
{
    size_t cap = o->method_len + o->params_len + 96;
    r->body = malloc(cap);
    if (!r->body)
        return false;
    bool none = o->params_len == 0;
    int n = snprintf(r->body, cap,
                     "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"%.*s\",\"params\":%.*s}",
                     (unsigned long long)id, (int)o->method_len, o->method,
                     none ? 2 : (int)o->params_len, none ? "[]" : (const char *)o->params);
    return n > 0 && (size_t)n < cap;
}

static bool set_options(struct rpc_request *r, const struct rpc_options *o)
{
    const struct config_endpoint *e = o->endpoint;
    CURL *easy = r->easy;
    bool ok = add_header(r, "Content-Type", "application/json") && add_header(r, "Expect", "");
    for (size_t i = 0; ok && i < e->header_count; i++)
        ok = add_header(r, e->headers[i].name, e->headers[i].value);
    uint32_t timeout = o->timeout_ms ? o->timeout_ms : e->request_timeout_ms;
    timeout = timeout ? timeout : 10000;
    const struct curl_long longs[] = {
        {CURLOPT_POSTFIELDSIZE, (long)strlen(r->body)},
        {CURLOPT_NOSIGNAL, 1L},
        {CURLOPT_TIMEOUT_MS, (long)timeout},
    };
    const struct curl_pointer pointers[] = {
        {CURLOPT_URL, e->url},
        {CURLOPT_HTTPHEADER, r->headers},
        {CURLOPT_POSTFIELDS, r->body},
        {CURLOPT_WRITEDATA, r},
        {CURLOPT_PRIVATE, r},
        {CURLOPT_ERRORBUFFER, r->error},
        {CURLOPT_ACCEPT_ENCODING, ""}, /* whatever libcurl can undo */
        {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_PROXY, e->proxy ? e->proxy : ""},
        {CURLOPT_CAINFO, e->ca_file},
    };
    return ok && curl_set_longs(easy, longs, CURL_COUNT(longs)) &&
           curl_set_pointers(easy, pointers, CURL_COUNT(pointers)) &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
}

int32_t rpc_call(struct rpc_client *c, struct loop *loop, const struct rpc_options *options,
                 rpc_done_fn done, void *ctx, struct rpc_request **out, struct fault *fault)
{
    if (strncmp(options->endpoint->url, "http", 4) != 0)
        return fault_set(fault, HAWSE_E_INVAL,
                         "JSON-RPC needs an http:// or https:// URL, found %s",
                         options->endpoint->display);
    struct rpc_request *r = calloc(1, sizeof(*r));
    if (!r)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a request");
    r->client = c;
    r->loop = loop;
    r->work = (struct loop_work){.fn = report, .ctx = r};
    r->done = done;
    r->ctx = ctx;
    r->started_ns = loop_clock();
    r->max_response = options->max_response ? options->max_response : 32u << 20;
    r->easy = curl_easy_init();
    if (!r->easy || !make_body(r, options, ++c->next_id) || !set_options(r, options)) {
        request_free(r);
        return fault_set(fault, HAWSE_E_NOMEM, "a request could not be prepared");
    }
    int32_t code = ensure_thread(c, fault);
    if (code != HAWSE_OK) {
        request_free(r);
        return code;
    }
    (void)pthread_mutex_lock(&c->lock);
    r->next = c->queued;
    c->queued = r;
    (void)pthread_mutex_unlock(&c->lock);
    (void)curl_multi_wakeup(c->multi);
    *out = r;
    return HAWSE_OK;
}

void rpc_cancel(struct rpc_request *request)
{
    if (request)
        __atomic_store_n(&request->canceled, 1, __ATOMIC_RELEASE);
}
