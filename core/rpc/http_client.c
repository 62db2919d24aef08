/*
 * HTTP on a thread of its own; see http_client.h. A request belongs to this thread from http_send
 * until it is posted, and to the caller's loop from then on. libcurl keeps the connections.
 */
#include "rpc/http_client.h"

#include "net/curl_options.h"

#include <curl/curl.h>
#include <errno.h>
#include <hawse/hawse.h>
#include <hawse/service/http.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RESPONSE_FIRST = 4096, CONNECTIONS_PER_HOST = 8 };

struct http_client {
    struct logger *logger;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* guards `queued` and `quit` */
    struct http_request *queued;
    bool quit;
    bool running;
    uint64_t next_id;
    struct http_request *active; /* this thread's own list */
};

struct http_request {
    struct http_request *next, *prev;
    struct http_client *client;
    struct loop *loop;
    struct loop_work work;
    http_done_fn done;
    http_judge_fn judge;
    void *ctx;
    int canceled; /* atomic */
    CURL *easy;
    struct curl_slist *headers;
    char *url; /* when it is not the endpoint's own */
    char *body;
    size_t body_len;
    uint64_t started_ns;
    uint64_t max_response;
    uint8_t *response; /* response_cap + HAWSE_PADDING bytes */
    size_t response_len, response_cap;
    bool too_large;
    bool once, alone;
    char error[CURL_ERROR_SIZE];
    char text[CURL_ERROR_SIZE + 128];
    struct http_result result;
};

static void request_free(struct http_request *r)
{
    if (r->easy)
        curl_easy_cleanup(r->easy);
    curl_slist_free_all(r->headers); /* and wipes them: see wiping_free in net/connect.c */
    if (r->url)
        explicit_bzero(r->url, strlen(r->url)); /* may hold a key */
    free(r->url);
    free(r->body);
    free(r->response);
    free(r);
}

/* [loop] */
static void report(void *ctx)
{
    struct http_request *r = ctx;
    if (!__atomic_load_n(&r->canceled, __ATOMIC_ACQUIRE))
        r->done(r->ctx, &r->result);
    request_free(r);
}

/* ---- the answer ---- */

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct http_request *r = ctx;
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

void http_words(struct http_request *r, int32_t status, const char *text)
{
    log_redact(r->client->logger, text, strlen(text), r->text, sizeof(r->text));
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

/* No whole answer came. Of a request that may change something it is not known whether it did, once
 * a connection stood over which it can have gone. */
static void fail(struct http_request *r, CURLcode code)
{
    curl_off_t connected_us = 0;
    (void)curl_easy_getinfo(r->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    const char *why = r->error[0] ? r->error : curl_easy_strerror(code);
    if (r->too_large)
        http_words(r, HAWSE_E_LIMIT, "the answer is larger than the limit of this call");
    else if (r->once && connected_us > 0)
        http_words(r, HAWSE_E_UNKNOWN, why);
    else
        http_words(r, code == CURLE_OPERATION_TIMEDOUT ? HAWSE_E_TIMEOUT : HAWSE_E_IO, why);
}

/* Servers repeat the key that they refuse; no plugin may see it. */
static void mask_refusal(struct http_request *r)
{
    struct http_result *result = &r->result;
    bool refused = result->status != HAWSE_OK || result->http_status / 100 != 2;
    if (!refused || result->body_len == 0 || result->body == (const uint8_t *)r->text)
        return;
    char *body = (char *)r->response + (result->body - r->response);
    size_t len = log_mask(r->client->logger, body, result->body_len);
    memset(body + len, 0, result->body_len - len);
    result->body_len = len;
}

static void finish(struct http_request *r, CURLcode code)
{
    long status = 0;
    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    r->result.http_status = status > 0 ? (uint32_t)status : 0;
    r->result.retry_after_ms = retry_after(r->easy);
    r->result.elapsed_ns = loop_clock() - r->started_ns;
    if (r->too_large || code != CURLE_OK) {
        fail(r, code);
    } else {
        if (r->response)
            memset(r->response + r->response_len, 0, HAWSE_PADDING);
        r->result.body = r->response;
        r->result.body_len = r->response_len;
        if (r->judge)
            r->judge(r, &r->result);
        mask_refusal(r);
    }
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

static void begin(struct http_client *c, struct http_request *r)
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
static bool take_queued(struct http_client *c)
{
    (void)pthread_mutex_lock(&c->lock);
    struct http_request *list = c->queued;
    c->queued = NULL;
    bool quit = c->quit;
    (void)pthread_mutex_unlock(&c->lock);
    struct http_request *ordered = NULL;
    while (list) {
        struct http_request *next = list->next;
        list->next = ordered;
        ordered = list;
        list = next;
    }
    while (ordered) {
        struct http_request *next = ordered->next;
        begin(c, ordered);
        ordered = next;
    }
    return !quit;
}

static void reap(struct http_client *c)
{
    int left = 0;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(c->multi, &left)) != NULL) {
        char *owner = NULL;
        if (msg->msg == CURLMSG_DONE &&
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK)
            finish((struct http_request *)(void *)owner, msg->data.result);
    }
}

static void *client_main(void *arg)
{
    struct http_client *c = arg;
    curl_easy_cleanup(curl_easy_init()); /* the first one is slower: not while a request waits */
    while (take_queued(c)) {
        int running = 0;
        if (curl_multi_perform(c->multi, &running) != CURLM_OK)
            log_line(c->logger, HAWSE_LOG_ERROR, "http", "libcurl's multi handle failed");
        reap(c);
        (void)curl_multi_poll(c->multi, NULL, 0, 1000, NULL);
    }
    return NULL;
}

int32_t http_client_create(struct logger *logger, struct http_client **out, struct fault *fault)
{
    struct http_client *c = calloc(1, sizeof(*c));
    if (!c)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the HTTP client");
    c->logger = logger;
    c->multi = curl_multi_init();
    (void)pthread_mutex_init(&c->lock, NULL);
    if (!c->multi || curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                                       (long)CONNECTIONS_PER_HOST) != CURLM_OK) {
        http_client_destroy(c);
        return fault_set(fault, HAWSE_E_NOMEM, "libcurl's multi handle could not be made");
    }
    *out = c;
    return HAWSE_OK;
}

/* [main or any lane] */
int32_t http_client_start(struct http_client *c, struct fault *fault)
{
    int error = 0;
    (void)pthread_mutex_lock(&c->lock);
    if (!c->running) {
        pthread_attr_t attr;
        (void)pthread_attr_init(&attr);
        (void)pthread_attr_setstacksize(&attr, 256u << 10);
        error = pthread_create(&c->thread, &attr, client_main, c);
        (void)pthread_attr_destroy(&attr);
        c->running = error == 0;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (error == 0)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_NOMEM, "cannot start the HTTP thread: %s", strerror(error));
}

void http_client_destroy(struct http_client *c)
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
        struct http_request *r = c->active;
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

static bool add_line(struct http_request *r, const char *line)
{
    struct curl_slist *list = curl_slist_append(r->headers, line);
    r->headers = list ? list : r->headers;
    return list != NULL;
}

/* Sets a header unless it is set: what the operator wrote comes first and wins. libcurl takes
 * "Name:" as "do not send it" and "Name;" as "send it empty". */
static bool add_header(struct http_request *r, const char *name, size_t name_len, const char *value)
{
    char line[HAWSE_HTTP_HEADERS_MAX];
    for (const struct curl_slist *l = r->headers; l; l = l->next) {
        if (strncasecmp(l->data, name, name_len) == 0 && strchr(":;", l->data[name_len]))
            return true;
    }
    int n = snprintf(line, sizeof(line), "%.*s: %s", (int)name_len, name, value);
    bool ok = n > 0 && (size_t)n < sizeof(line) && add_line(r, line);
    explicit_bzero(line, sizeof(line));
    return ok;
}

/* Lines of the caller, each ended by a newline. */
static bool add_lines(struct http_request *r, const char *lines, size_t len)
{
    char value[HAWSE_HTTP_HEADERS_MAX];
    bool ok = true;
    while (ok && len > 0) {
        const char *end = memchr(lines, '\n', len), *colon = end ? memchr(lines, ':', len) : NULL;
        ok = colon && colon < end;
        if (!ok)
            break;
        const char *from = colon + 1 + strspn(colon + 1, " ");
        (void)snprintf(value, sizeof(value), "%.*s", (int)(end - from), from);
        ok = add_header(r, lines, (size_t)(colon - lines), value);
        len -= (size_t)(end + 1 - lines);
        lines = end + 1;
    }
    explicit_bzero(value, sizeof(value));
    return ok;
}

static bool set_headers(struct http_request *r, const struct http_options *o)
{
    bool ok = true;
    for (size_t i = 0; ok && i < o->endpoint->header_count; i++) {
        const struct config_header *h = &o->endpoint->headers[i];
        ok = add_header(r, h->name, strlen(h->name), h->value);
    }
    ok = ok && add_lines(r, o->logins, o->logins_len) && add_lines(r, o->headers, o->headers_len) &&
         add_line(r, "Expect:");
    return ok && (r->body ? add_header(r, "Content-Type", 12, "application/json")
                          : add_line(r, "Content-Type:"));
}

static bool set_method(struct http_request *r, const char *method)
{
    bool get = strcmp(method, "GET") == 0, head = strcmp(method, "HEAD") == 0;
    const struct curl_long longs[] = {
        {get    ? CURLOPT_HTTPGET
         : head ? CURLOPT_NOBODY
                : CURLOPT_POST,
         1L},
        {CURLOPT_FRESH_CONNECT,
         r->once || r->alone ? 1L : 0L}, /* libcurl asks again on a kept one */
        {CURLOPT_FORBID_REUSE, r->alone ? 1L : 0L},
    };
    bool ok = curl_set_longs(r->easy, longs, CURL_COUNT(longs));
    if (!get && !head) {
        const struct curl_pointer body[] = {{CURLOPT_CUSTOMREQUEST, method},
                                            {CURLOPT_POSTFIELDS, r->body ? r->body : ""}};
        ok = ok &&
             curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, (long)r->body_len) == CURLE_OK &&
             curl_set_pointers(r->easy, body, CURL_COUNT(body));
    }
    return ok;
}

static bool set_options(struct http_request *r, const struct http_options *o)
{
    const struct config_endpoint *e = o->endpoint;
    CURL *easy = r->easy;
    uint32_t timeout = o->timeout_ms ? o->timeout_ms : e->request_timeout_ms;
    timeout = timeout ? timeout : 10000;
    const struct curl_long longs[] = {
        {CURLOPT_NOSIGNAL, 1L},
        {CURLOPT_TIMEOUT_MS, (long)timeout},
        {CURLOPT_PATH_AS_IS, 1L}, /* what was checked is what is sent */
    };
    const struct curl_pointer pointers[] = {
        {CURLOPT_URL, r->url ? r->url : e->url},
        {CURLOPT_HTTPHEADER, r->headers},
        {CURLOPT_WRITEDATA, r},
        {CURLOPT_PRIVATE, r},
        {CURLOPT_ERRORBUFFER, r->error},
        {CURLOPT_ACCEPT_ENCODING, ""}, /* whatever libcurl can undo */
        {CURLOPT_PROTOCOLS_STR, "http,https"},
        {CURLOPT_PROXY, e->proxy ? e->proxy : ""},
        {CURLOPT_CAINFO, e->ca_file},
    };
    return curl_set_longs(easy, longs, CURL_COUNT(longs)) &&
           curl_set_pointers(easy, pointers, CURL_COUNT(pointers)) &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
}

static struct http_request *request_new(const struct http_options *o)
{
    struct http_request *r = calloc(1, sizeof(*r));
    if (!r) {
        free(o->body);
        return NULL;
    }
    r->body = o->body;
    r->body_len = o->body_len;
    r->once = o->once;
    r->alone = o->alone;
    r->judge = o->judge;
    r->started_ns = loop_clock();
    r->max_response = o->max_response ? o->max_response : 32u << 20;
    r->easy = curl_easy_init();
    r->url = o->path_len ? http_path_join(o->endpoint->url, o->path, o->path_len) : NULL;
    if (r->easy && (r->url || o->path_len == 0) && set_headers(r, o) && set_method(r, o->method) &&
        set_options(r, o))
        return r;
    request_free(r);
    return NULL;
}

uint64_t http_number(struct http_client *client)
{
    return __atomic_add_fetch(&client->next_id, 1, __ATOMIC_RELAXED);
}

int32_t http_send(struct http_client *c, struct loop *loop, const struct http_options *options,
                  http_done_fn done, void *ctx, struct http_request **out, struct fault *fault)
{
    if (strncmp(options->endpoint->url, "http", 4) != 0) {
        free(options->body);
        return fault_set(fault, HAWSE_E_INVAL,
                         "endpoints.%s: a request needs an http:// or https:// URL, found %s",
                         options->endpoint->name, options->endpoint->display);
    }
    struct http_request *r = request_new(options);
    if (!r)
        return fault_set(fault, HAWSE_E_NOMEM, "a request could not be prepared");
    r->client = c;
    r->loop = loop;
    r->work = (struct loop_work){.fn = report, .ctx = r};
    r->done = done;
    r->ctx = ctx;
    int32_t code = http_client_start(c, fault);
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

void http_cancel(struct http_request *request)
{
    if (request)
        __atomic_store_n(&request->canceled, 1, __ATOMIC_RELEASE);
}
