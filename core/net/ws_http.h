/*
 * As much of HTTP/1.1 as an opening handshake and a POST need: spans of text, tokens, lists, and
 * the head of an answer split into its fields. Owns nothing: everything is a view into the caller's
 * bytes.
 */
#ifndef HAWSE_CORE_NET_WS_HTTP_H
#define HAWSE_CORE_NET_WS_HTTP_H

#include "net/ws_failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text that belongs to somebody else; `at` NULL = absent. */
struct ws_span {
    const char *at;
    size_t len;
};

/* Without its first n characters, of which there are at least n. */
static inline struct ws_span ws_span_from(struct ws_span span, size_t n)
{
    return (struct ws_span){span.at + n, span.len - n};
}

/* The same, whatever the case of ASCII letters? */
bool ws_span_is(struct ws_span span, const char *text);

/* May it stand in a token (RFC 9110, section 5.6.2)? */
bool ws_http_token_char(char c);
bool ws_http_token(struct ws_span span);
/* May it stand in a field's value: no control character but the tab? */
bool ws_http_value(struct ws_span span);

/* Takes the next element off a comma-separated list, without the space around it; empty elements
 * are passed over. False at the end. */
bool ws_http_next(struct ws_span *list, struct ws_span *element);

/* The fields of an answer that matter; the order of ws_http_head.field. */
enum ws_http_field {
    WS_HTTP_UPGRADE,
    WS_HTTP_ACCEPT,
    WS_HTTP_PROTOCOL,
    WS_HTTP_EXTENSIONS,
    WS_HTTP_LOCATION,
    WS_HTTP_RETRY_AFTER,
    WS_HTTP_LENGTH,   /* Content-Length */
    WS_HTTP_TRANSFER, /* Transfer-Encoding */
    WS_HTTP_ENCODING, /* Content-Encoding */
    WS_HTTP_FIELDS,
};

/* Lives as long as the bytes it was read from. */
struct ws_http_head {
    unsigned status;
    unsigned minor;        /* of the version: HTTP/1.minor */
    struct ws_span reason; /* may be empty */
    struct ws_span field[WS_HTTP_FIELDS];
    bool connection_upgrade; /* a Connection header lists "upgrade" */
    bool connection_close;   /* ... or "close" */
};

/* Looks for the end of a head that arrives in pieces. HAWSE_OK: the head is the first *head_len
 * bytes; HAWSE_E_AGAIN: more is needed; HAWSE_E_LIMIT: above `limit` bytes; HAWSE_E_FORMAT: not
 * HTTP/1.x, or a line that ends in a bare LF. *scanned starts at 0 and is the call's own. */
int32_t ws_http_find_end(const uint8_t *data, size_t len, size_t limit, size_t *scanned,
                         size_t *head_len, struct ws_failure *failure);

/* Splits a whole head, the empty line included. HAWSE_E_FORMAT: it is none. */
int32_t ws_http_read(const uint8_t *data, size_t head_len, struct ws_http_head *head,
                     struct ws_failure *failure);

#endif
