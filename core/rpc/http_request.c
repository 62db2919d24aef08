/*
 * One HTTP request: how libcurl is told of it, and what its answer means; see http_client.h. Knows
 * no thread: http_client.c says when each part runs.
 */
#include "rpc/http_private.h"

#include "net/curl_options.h"

#include <hawse/hawse.h>
#include <hawse/service/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { RESPONSE_FIRST = 4096 };

void http_request_free(struct http_request *r)
{
    if (http_line_put(r))
        return;
    if (r->easy)
        curl_easy_cleanup(r->easy);
    curl_slist_free_all(r->headers); /* and wipes them: base/secret_heap.h */
    if (r->url)
        explicit_bzero(r->url, strlen(r->url)); /* may hold a key */
    free(r->url);
    free(r->body);
    free(r->response);
    free(r);
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
    const char *why = r->error[0] ? r->error : curl_easy_strerror(code);
    if (r->too_large)
        http_words(r, HAWSE_E_LIMIT, "the answer is larger than the limit of this call");
    else if (r->once && r->result.left)
        http_words(r, HAWSE_E_UNKNOWN, why);
    else
        http_words(r, code == CURLE_OPERATION_TIMEDOUT ? HAWSE_E_TIMEOUT : HAWSE_E_IO, why);
}

void http_mask_refusal(struct logger *logger, struct http_result *result, uint8_t *block,
                       size_t block_len)
{
    bool refused = result->status != HAWSE_OK || result->http_status / 100 != 2;
    bool inside = block && result->body >= block && result->body < block + block_len;
    if (!refused || result->body_len == 0 || !inside)
        return;
    char *body = (char *)block + (result->body - block);
    size_t len = log_mask(logger, body, result->body_len);
    memset(body + len, 0, result->body_len - len);
    result->body_len = len;
}

void http_request_judge(struct http_request *r, CURLcode code)
{
    long status = 0, connects = 0;
    curl_off_t gone_us = 0;
    (void)curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &connects);
    (void)curl_easy_getinfo(r->easy, CURLINFO_PRETRANSFER_TIME_T, &gone_us);
    r->result.http_status = status > 0 ? (uint32_t)status : 0;
    r->result.retry_after_ms = retry_after(r->easy);
    r->result.elapsed_ns = loop_clock() - r->started_ns;
    r->result.left = gone_us > 0;
    r->result.connected = connects > 0;
    if (r->too_large || code != CURLE_OK) {
        fail(r, code);
        return;
    }
    if (r->response)
        memset(r->response + r->response_len, 0, HAWSE_PADDING);
    r->result.body = r->response;
    r->result.body_len = r->response_len;
    if (r->judge)
        r->judge(r, &r->result);
    http_mask_refusal(r->client->logger, &r->result, r->response, r->response_len);
}

uint64_t http_request_number(const struct http_request *r)
{
    return r->number;
}

uint8_t *http_take_body(struct http_request *r)
{
    uint8_t *block = r->response;
    r->response = NULL;
    r->response_len = r->response_cap = 0;
    return block;
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

/* CURLOPT_PREREQFUNCTION */
static int on_leaving(void *ctx, char *to, char *from, int to_port, int from_port)
{
    struct http_request *r = ctx;
    (void)to, (void)from, (void)to_port, (void)from_port;
    if (r->leaving)
        r->leaving(r->ctx);
    return CURL_PREREQFUNC_OK;
}

static bool set_options(struct http_request *r, const struct http_options *o)
{
    const struct config_endpoint *e = o->endpoint;
    CURL *easy = r->easy;
    uint32_t timeout = o->timeout_ms ? o->timeout_ms : e->request_timeout_ms;
    timeout = timeout ? timeout : HTTP_TIMEOUT_MS;
    r->timeout_ms = timeout;
    const struct curl_long longs[] = {
        {CURLOPT_NOSIGNAL, 1L},
        {CURLOPT_TIMEOUT_MS, (long)timeout},
        {CURLOPT_TCP_KEEPALIVE, 1L},
        /* one slow answer must not hold up the others on its connection */
        {CURLOPT_HTTP_VERSION,
         o->pooled ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_NONE},
        {CURLOPT_PATH_AS_IS, 1L},           /* what was checked is what is sent */
        {CURLOPT_UPLOAD_BUFFERSIZE, 16384}, /* the least: each handle may have one */
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
    if (o->leaving && (curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_leaving) != CURLE_OK ||
                       curl_easy_setopt(easy, CURLOPT_PREREQDATA, r) != CURLE_OK))
        return false;
    return curl_set_longs(easy, longs, CURL_COUNT(longs)) &&
           curl_set_pointers(easy, pointers, CURL_COUNT(pointers)) &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
}

static struct http_request *fresh(const struct http_options *o)
{
    struct http_request *r = calloc(1, sizeof(*r));
    if (!r) {
        free(o->body);
        return NULL;
    }
    r->body = o->body;
    r->body_len = o->body_len;
    r->number = o->number;
    r->once = o->once;
    r->alone = o->alone;
    r->judge = o->judge;
    r->leaving = o->leaving;
    r->started_ns = loop_clock();
    r->max_response = o->max_response ? o->max_response : HTTP_RESPONSE_MAX;
    r->easy = curl_easy_init();
    r->url = o->path_len ? http_path_join(o->endpoint->url, o->path, o->path_len) : NULL;
    if (r->easy && (r->url || o->path_len == 0) && set_headers(r, o) && set_method(r, o->method) &&
        set_options(r, o))
        return r;
    http_request_free(r);
    return NULL;
}

struct http_request *http_request_new(const struct http_options *o)
{
    struct http_line *line = o->once || o->alone ? NULL : o->line;
    struct http_request *r = line ? http_line_take(line) : NULL;
    if (!r) {
        r = fresh(o);
        if (r)
            r->line = line;
        return r;
    }
    if (http_line_fill(r, o))
        return r;
    r->line = NULL;
    http_request_free(r);
    return NULL;
}
