/*
 * Requests to one endpoint that are prepared once and used again: see http_client.h. libcurl copies
 * URL and headers into each handle, which costs more than the request; here a handle keeps them, in
 * memory that is as safe as our own (base/secret_heap.h).
 */
#include "rpc/http_private.h"

#include <stdlib.h>
#include <string.h>

int32_t http_line_create(uint32_t keep, struct http_line **out)
{
    struct http_line *line = calloc(1, sizeof(*line));
    if (!line)
        return HAWSE_E_NOMEM;
    line->keep = keep;
    *out = line;
    return HAWSE_OK;
}

void http_line_destroy(struct http_line *line)
{
    if (!line)
        return;
    while (line->idle) {
        struct http_request *r = line->idle;
        line->idle = r->next;
        r->line = NULL;
        http_request_free(r);
    }
    free(line);
}

/* What differs from one request to the next. */
bool http_line_fill(struct http_request *r, const struct http_options *o)
{
    uint32_t timeout = o->timeout_ms ? o->timeout_ms : HTTP_TIMEOUT_MS;
    r->body = o->body;
    r->body_len = o->body_len;
    r->number = o->number;
    r->judge = o->judge;
    r->leaving = o->leaving;
    r->started_ns = loop_clock();
    r->max_response = o->max_response ? o->max_response : HTTP_RESPONSE_MAX;
    if (curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->body) != CURLE_OK ||
        curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE, (long)r->body_len) != CURLE_OK)
        return false;
    if (timeout == r->timeout_ms)
        return true;
    r->timeout_ms = timeout;
    return curl_easy_setopt(r->easy, CURLOPT_TIMEOUT_MS, (long)timeout) == CURLE_OK;
}

struct http_request *http_line_take(struct http_line *line)
{
    struct http_request *r = line->idle;
    if (!r)
        return NULL;
    line->idle = r->next;
    line->idle_count--;
    r->next = NULL;
    return r;
}

bool http_line_put(struct http_request *r)
{
    struct http_line *line = r->line;
    if (!line || !r->easy || line->idle_count >= line->keep)
        return false;
    free(r->body);
    free(r->response);
    r->body = NULL;
    r->response = NULL;
    r->response_len = r->response_cap = 0;
    r->too_large = false;
    r->canceled = 0;
    explicit_bzero(r->error, sizeof(r->error));
    r->text[0] = '\0';
    r->result = (struct http_result){0};
    r->prev = NULL;
    r->next = line->idle;
    line->idle = r;
    line->idle_count++;
    return true;
}
