/*
 * Reads the head of an HTTP answer in place and strictly: what one reader may take for one header
 * and another for two (folded lines, bare line ends, space before the colon) is refused, not
 * repaired. Owns nothing; must never read outside the bytes it is given.
 */
#include "net/ws_http.h"

#include <hawse/types.h>
#include <string.h>
#include <strings.h>

bool ws_span_is(struct ws_span span, const char *text)
{
    return span.at && span.len == strlen(text) && strncasecmp(span.at, text, span.len) == 0;
}

bool ws_http_token_char(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c);
}

bool ws_http_token(struct ws_span span)
{
    for (size_t i = 0; i < span.len; i++) {
        if (!ws_http_token_char(span.at[i]))
            return false;
    }
    return span.len > 0;
}

bool ws_http_value(struct ws_span span)
{
    for (size_t i = 0; i < span.len; i++) {
        unsigned char c = (unsigned char)span.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static struct ws_span trimmed(struct ws_span span)
{
    while (span.len > 0 && (span.at[0] == ' ' || span.at[0] == '\t'))
        span = ws_span_from(span, 1);
    while (span.len > 0 && (span.at[span.len - 1] == ' ' || span.at[span.len - 1] == '\t'))
        span.len--;
    return span;
}

/* The part before the character; the part behind it stays in *span, without it. */
static struct ws_span take_until(struct ws_span *span, char end)
{
    const char *found = span->len > 0 ? memchr(span->at, end, span->len) : NULL;
    struct ws_span part = {span->at, found ? (size_t)(found - span->at) : span->len};
    *span = ws_span_from(*span, found ? part.len + 1 : part.len);
    return part;
}

bool ws_http_next(struct ws_span *list, struct ws_span *element)
{
    while (list->len > 0) {
        *element = trimmed(take_until(list, ','));
        if (element->len > 0)
            return true;
    }
    return false;
}

int32_t ws_http_find_end(const uint8_t *data, size_t len, size_t limit, size_t *scanned,
                         size_t *head_len, struct ws_failure *failure)
{
    static const char start[] = "HTTP/1.";
    for (size_t i = 0; i < len && i < sizeof(start) - 1; i++) {
        if (data[i] != (uint8_t)start[i])
            return ws_fail(failure, HAWSE_E_FORMAT, 0,
                           "the answer is not HTTP/1.1: byte 0x%02x at offset %zu%s", data[i], i,
                           i == 0 && (data[i] == 0x15 || data[i] == 0x16)
                               ? ", which looks like TLS: is it a wss:// address?"
                               : "");
    }
    size_t end = len < limit ? len : limit;
    while (*scanned < end) {
        const uint8_t *feed = memchr(data + *scanned, '\n', end - *scanned);
        if (!feed) {
            *scanned = end;
            break;
        }
        *scanned = (size_t)(feed - data) + 1;
        if (feed == data || feed[-1] != '\r')
            return ws_fail(failure, HAWSE_E_FORMAT, 0,
                           "the answer has a line that ends in LF without CR, at offset %zu",
                           *scanned - 1);
        if (*scanned >= 4 && memcmp(feed - 3, "\r\n\r\n", 4) == 0) {
            *head_len = *scanned;
            return HAWSE_OK;
        }
    }
    if (len < limit)
        return HAWSE_E_AGAIN;
    return ws_fail(failure, HAWSE_E_LIMIT, 0, "the answer's head is above %zu bytes", limit);
}

/* "HTTP/1.1 101 Switching Protocols"; the reason, and the space before it, may be missing. */
static int32_t read_status(struct ws_span line, struct ws_http_head *head,
                           struct ws_failure *failure)
{
    const char *at = line.at;
    bool good = line.len >= 12 && memcmp(at, "HTTP/1.", 7) == 0 && (at[7] == '0' || at[7] == '1') &&
                at[8] == ' ';
    head->status = 0;
    for (size_t i = 9; good && i < 12; i++) {
        good = at[i] >= '0' && at[i] <= '9';
        head->status = head->status * 10 + (unsigned)(at[i] - '0');
    }
    if (!good || head->status < 100 || (line.len > 12 && at[12] != ' ') || !ws_http_value(line))
        return ws_fail(failure, HAWSE_E_FORMAT, 0,
                       "the answer's first line is not \"HTTP/1.1 CODE REASON\"");
    head->minor = (unsigned)(at[7] - '0');
    head->reason = trimmed(ws_span_from(line, 12));
    return HAWSE_OK;
}

static const char *const field_names[WS_HTTP_FIELDS] = {
    [WS_HTTP_UPGRADE] = "Upgrade",
    [WS_HTTP_ACCEPT] = "Sec-WebSocket-Accept",
    [WS_HTTP_PROTOCOL] = "Sec-WebSocket-Protocol",
    [WS_HTTP_EXTENSIONS] = "Sec-WebSocket-Extensions",
    [WS_HTTP_LOCATION] = "Location",
    [WS_HTTP_RETRY_AFTER] = "Retry-After",
    [WS_HTTP_LENGTH] = "Content-Length",
    [WS_HTTP_TRANSFER] = "Transfer-Encoding",
    [WS_HTTP_ENCODING] = "Content-Encoding",
};

static int32_t keep(struct ws_http_head *head, struct ws_span name, struct ws_span value,
                    struct ws_failure *failure)
{
    struct ws_span element;
    if (ws_span_is(name, "Connection")) {
        while (ws_http_next(&value, &element)) {
            head->connection_upgrade |= ws_span_is(element, "upgrade");
            head->connection_close |= ws_span_is(element, "close");
        }
        return HAWSE_OK;
    }
    for (size_t i = 0; i < WS_HTTP_FIELDS; i++) {
        if (!ws_span_is(name, field_names[i]))
            continue;
        if (head->field[i].at)
            return ws_fail(failure, HAWSE_E_FORMAT, 0, "the answer has two %s headers",
                           field_names[i]);
        head->field[i] = value;
    }
    return HAWSE_OK;
}

static int32_t read_field(struct ws_span line, unsigned number, struct ws_http_head *head,
                          struct ws_failure *failure)
{
    if (line.at[0] == ' ' || line.at[0] == '\t')
        return ws_fail(failure, HAWSE_E_FORMAT, 0,
                       "line %u of the answer continues a header, which is forbidden", number);
    if (!ws_http_value(line))
        return ws_fail(failure, HAWSE_E_FORMAT, 0,
                       "line %u of the answer holds a control character", number);
    struct ws_span value = line;
    struct ws_span name = take_until(&value, ':');
    if (name.len == line.len)
        return ws_fail(failure, HAWSE_E_FORMAT, 0, "line %u of the answer has no colon", number);
    if (!ws_http_token(name))
        return ws_fail(failure, HAWSE_E_FORMAT, 0,
                       "line %u of the answer: illegal or no character before the colon", number);
    return keep(head, name, trimmed(value), failure);
}

int32_t ws_http_read(const uint8_t *data, size_t head_len, struct ws_http_head *head,
                     struct ws_failure *failure)
{
    *head = (struct ws_http_head){0};
    struct ws_span rest = {(const char *)data, head_len};
    for (unsigned number = 1;; number++) {
        struct ws_span line = take_until(&rest, '\n');
        line.len -= line.len > 0 && line.at[line.len - 1] == '\r';
        if (number > 1 && line.len == 0)
            return HAWSE_OK;
        int32_t result = number == 1 ? read_status(line, head, failure)
                                     : read_field(line, number, head, failure);
        if (result != HAWSE_OK)
            return result;
    }
}
