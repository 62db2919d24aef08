/*
 * What a request of ours over HTTP/1.1 begins with: a URL taken apart, headers, and the user and
 * password of a URL as Basic authorization. Must never write a request in which a part of the URL
 * or of a header becomes a line of its own. Pure; errors name parts and offsets, never contents,
 * which may be secret.
 */
#ifndef CORE_NET_HTTP_HEAD_H
#define CORE_NET_HTTP_HEAD_H

#include "config/config.h"
#include "net/ws_http.h"

#include <string.h>

/* Text into the caller's memory; `full`: it did not fit, and what is there means nothing. */
struct http_writer {
    char *out;
    size_t len, cap;
    bool full;
};

void http_put(struct http_writer *writer, struct ws_span text);
void http_put_header(struct http_writer *writer, const char *name, struct ws_span value);

static inline struct ws_span ws_span_of(const char *text)
{
    return (struct ws_span){text, strlen(text)};
}

/* Views into the URL; the host with its port, unless that is the scheme's own. */
struct http_url {
    struct ws_span userinfo, host, path;
};

/* scheme: "ws" or "http"; with an s behind it, encrypted. HAWSE_E_INVAL: another one, no host, or
 * bytes that may not stand in a request. */
int32_t http_url_split(const char *text, const char *scheme, struct http_url *url,
                       struct ws_failure *failure);
/* METHOD PATH HTTP/1.1 and Host. */
void http_put_start(struct http_writer *writer, const char *method, const struct http_url *url);
/* The operator's headers, then Basic authorization for the URL's user unless one of them is
 * Authorization. HAWSE_E_INVAL: a header that HTTP cannot carry, or that is written by us. */
int32_t http_put_headers(struct http_writer *writer, const struct config_header *headers,
                         size_t count, const struct http_url *url, struct ws_failure *failure);

/* Of a Retry-After. Seconds only: the other form, a date, would need the two clocks to agree. */
uint64_t http_retry_after_ms(struct ws_span value);

enum { HTTP_RETRY_AFTER_MAX_S = 86400 }; /* who asks for longer is asked again after a day */

#endif
