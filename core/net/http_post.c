/* POSTs over a connection that stays; see http_post.h. */
#include "net/http_post.h"

#include <hawse/types.h>
#include <string.h>

static bool has_header(const struct config_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (ws_span_is(ws_span_of(headers[i].name), name))
            return true;
    }
    return false;
}

int32_t http_post_head(const char *url, const struct config_header *headers, size_t count,
                       char *out, size_t cap, size_t *len, struct ws_failure *failure)
{
    struct http_writer w = {.out = out, .cap = cap};
    struct http_url parts;
    int32_t code = http_url_split(url, "http", &parts, failure);
    if (code != HAWSE_OK)
        return code;
    http_put_start(&w, "POST", &parts);
    if (!has_header(headers, count, "Accept"))
        http_put_header(&w, "Accept", ws_span_of("*/*"));
    if (!has_header(headers, count, "Content-Type"))
        http_put_header(&w, "Content-Type", ws_span_of("application/json"));
    code = http_put_headers(&w, headers, count, &parts, failure);
    http_put(&w, ws_span_of("Content-Length: "));
    if (code == HAWSE_OK && w.full)
        code = ws_fail(failure, HAWSE_E_NOSPACE, 0, "the request's head is above %zu bytes", cap);
    *len = code == HAWSE_OK ? w.len : 0;
    return code;
}

/* ---- the head of an answer ---- */

/* Decimal digits and nothing else; false also for what no memory could hold. */
static bool read_length(struct ws_span text, size_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' || i > 14)
            return false;
        n = n * 10 + (size_t)(text.at[i] - '0');
    }
    *out = n;
    return text.len > 0;
}

static int32_t refuse(struct ws_failure *failure, int32_t code, const char *what)
{
    return ws_fail(failure, code, 0, "%s", what);
}

/* How long the body is, or that chunks will say it (RFC 9112, section 6.3). */
static int32_t read_framing(struct http_answer *a, const struct ws_http_head *head, size_t limit,
                            struct ws_failure *failure)
{
    struct ws_span length = head->field[WS_HTTP_LENGTH], coding = head->field[WS_HTTP_TRANSFER];
    struct ws_span content = head->field[WS_HTTP_ENCODING];
    if (head->status < 200 || head->status == 204 || head->status == 304)
        return refuse(failure, HAWSE_E_UNSUPPORTED, "an answer that is none yet, or has no body");
    if (content.at && !ws_span_is(content, "identity"))
        return refuse(failure, HAWSE_E_UNSUPPORTED, "the answer is compressed");
    if (coding.at && length.at)
        return refuse(failure, HAWSE_E_FORMAT, "the answer has a length and a transfer coding");
    if (coding.at && !ws_span_is(coding, "chunked"))
        return refuse(failure, HAWSE_E_UNSUPPORTED, "a transfer coding other than chunks");
    if (!coding.at && !length.at)
        return refuse(failure, HAWSE_E_UNSUPPORTED, "the answer ends with its connection");
    a->chunked = coding.at != NULL;
    if (length.at && !read_length(length, &a->body_len))
        return refuse(failure, HAWSE_E_FORMAT, "the answer's Content-Length is no number");
    if (a->body_len > limit)
        return refuse(failure, HAWSE_E_LIMIT, "the answer is larger than the limit of this call");
    return HAWSE_OK;
}

static int32_t read_head(struct http_answer *a, const uint8_t *data, size_t len, size_t limit,
                         struct ws_failure *failure)
{
    struct ws_http_head head;
    int32_t code =
        ws_http_find_end(data, len, HTTP_POST_HEAD_MAX, &a->scanned, &a->head_len, failure);
    if (code == HAWSE_OK)
        code = ws_http_read(data, a->head_len, &head, failure);
    if (code == HAWSE_OK)
        code = read_framing(a, &head, limit, failure);
    if (code != HAWSE_OK)
        return code;
    a->status = head.status;
    a->retry_after_ms = (uint32_t)http_retry_after_ms(head.field[WS_HTTP_RETRY_AFTER]);
    a->stays = head.minor == 1 && !head.connection_close;
    a->headed = true;
    return HAWSE_OK;
}

/* ---- chunks (RFC 9112, section 7.1) ---- */

enum { SIZE_LINE, CHUNK, CHUNK_END, TRAILER };

enum { LINE_MAX = 256 };

/* Bytes behind the head that are not looked at yet. */
struct rest {
    uint8_t *at;
    size_t len;
};

/* The next line, without its CR LF; AGAIN: it is not whole. */
static int32_t take_line(struct rest *rest, struct ws_span *line, struct ws_failure *failure)
{
    size_t room = rest->len < LINE_MAX ? rest->len : LINE_MAX;
    const uint8_t *from = rest->at, *feed = room > 0 ? memchr(from, '\n', room) : NULL;
    if (!feed)
        return room < LINE_MAX ? HAWSE_E_AGAIN
                               : refuse(failure, HAWSE_E_FORMAT, "a chunk's line is too long");
    if (feed == from || feed[-1] != '\r')
        return refuse(failure, HAWSE_E_FORMAT, "a chunk's line ends in LF without CR");
    *line = (struct ws_span){(const char *)from, (size_t)(feed - from) - 1};
    rest->at += line->len + 2;
    rest->len -= line->len + 2;
    return HAWSE_OK;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A size in hexadecimal, and behind it, if anything, an extension, which is passed over. */
static int32_t read_size(struct http_answer *a, struct ws_span line, size_t limit,
                         struct ws_failure *failure)
{
    size_t n = 0, i = 0;
    for (; i < line.len && digit_of(line.at[i]) >= 0 && i < 12; i++)
        n = n * 16 + (size_t)digit_of(line.at[i]);
    if (i == 0 || (i < line.len && line.at[i] != ';' && line.at[i] != ' ' && line.at[i] != '\t'))
        return refuse(failure, HAWSE_E_FORMAT, "a chunk begins without its size");
    if (n > limit || a->body_len > limit - n)
        return refuse(failure, HAWSE_E_LIMIT, "the answer is larger than the limit of this call");
    a->left = n;
    a->part = n > 0 ? CHUNK : TRAILER;
    return HAWSE_OK;
}

/* Moves what has come of the chunk behind the others. */
static int32_t take_chunk(struct http_answer *a, uint8_t *body, struct rest *rest)
{
    size_t n = rest->len < a->left ? rest->len : a->left;
    memmove(body + a->body_len, rest->at, n);
    a->body_len += n;
    a->left -= n;
    rest->at += n;
    rest->len -= n;
    a->part = a->left > 0 ? CHUNK : CHUNK_END;
    return a->left > 0 ? HAWSE_E_AGAIN : HAWSE_OK;
}

/* One step: a line, or a chunk. True in *whole: that was the end. */
static int32_t step(struct http_answer *a, uint8_t *body, struct rest *rest, size_t limit,
                    bool *whole, struct ws_failure *failure)
{
    struct ws_span line = {0};
    if (a->part == CHUNK)
        return take_chunk(a, body, rest);
    int32_t code = take_line(rest, &line, failure);
    if (code != HAWSE_OK || a->part == TRAILER) { /* trailers are passed over */
        *whole = code == HAWSE_OK && line.len == 0;
        return code;
    }
    if (a->part == SIZE_LINE)
        return read_size(a, line, limit, failure);
    a->part = SIZE_LINE;
    return line.len == 0 ? HAWSE_OK
                         : refuse(failure, HAWSE_E_FORMAT, "a chunk is longer than its size");
}

static int32_t read_chunks(struct http_answer *a, uint8_t *data, size_t *len, size_t limit,
                           struct ws_failure *failure)
{
    uint8_t *body = data + a->head_len;
    struct rest rest = {body + a->body_len, *len - a->head_len - a->body_len};
    bool whole = false;
    int32_t code = HAWSE_OK;
    while (code == HAWSE_OK && !whole)
        code = step(a, body, &rest, limit, &whole, failure);
    memmove(body + a->body_len, rest.at, rest.len);
    *len = a->head_len + a->body_len + rest.len;
    return code;
}

int32_t http_answer_read(struct http_answer *a, uint8_t *data, size_t *len, size_t limit,
                         struct ws_failure *failure)
{
    int32_t code = a->headed ? HAWSE_OK : read_head(a, data, *len, limit, failure);
    if (code != HAWSE_OK)
        return code;
    if (a->chunked)
        return read_chunks(a, data, len, limit, failure);
    return *len - a->head_len < a->body_len ? HAWSE_E_AGAIN : HAWSE_OK;
}
