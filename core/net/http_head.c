/* The beginning of a request; see http_head.h. */
#include "net/http_head.h"

#include <hawse/types.h>
#include <openssl/evp.h>
#include <strings.h>

enum { USERINFO_MAX = 256 };

void http_put(struct http_writer *w, struct ws_span text)
{
    if (text.len > w->cap - w->len) {
        w->full = true;
        return;
    }
    if (text.len > 0)
        memcpy(w->out + w->len, text.at, text.len);
    w->len += text.len;
}

void http_put_header(struct http_writer *w, const char *name, struct ws_span value)
{
    http_put(w, ws_span_of(name));
    http_put(w, ws_span_of(": "));
    http_put(w, value);
    http_put(w, ws_span_of("\r\n"));
}

/* ---- the URL ---- */

static struct ws_span without_port(struct ws_span host, const char *port)
{
    size_t n = strlen(port);
    if (host.len > n && memcmp(host.at + host.len - n, port, n) == 0)
        host.len -= n;
    return host;
}

/* Visible ASCII only: everything else must have been percent-encoded. */
static int32_t check_visible(struct ws_failure *failure, const char *what, struct ws_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= 0x20 || c >= 0x7f)
            return ws_fail(failure, HAWSE_E_INVAL, 0,
                           "the URL's %s holds byte 0x%02x at offset %zu; only visible ASCII is "
                           "allowed, other bytes as %%XX",
                           what, c, i);
    }
    return HAWSE_OK;
}

int32_t http_url_split(const char *text, const char *scheme, struct http_url *url,
                       struct ws_failure *failure)
{
    size_t n = strlen(scheme);
    bool same = strncasecmp(text, scheme, n) == 0;
    bool tls = same && (text[n] == 's' || text[n] == 'S');
    *url = (struct http_url){0};
    if (!same || strncmp(text + n + tls, "://", 3) != 0)
        return ws_fail(failure, HAWSE_E_INVAL, 0,
                       "the URL begins neither with %s:// nor with %ss://", scheme, scheme);
    const char *start = text + n + tls + 3;
    struct ws_span authority = {start, strcspn(start, "/?#")};
    url->path = (struct ws_span){start + authority.len, strcspn(start + authority.len, "#")};
    for (size_t i = authority.len; i-- > 0;) {
        if (authority.at[i] == '@') {
            url->userinfo = (struct ws_span){authority.at, i};
            authority = ws_span_from(authority, i + 1);
            break;
        }
    }
    url->host = without_port(authority, tls ? ":443" : ":80");
    if (url->host.len == 0 || url->host.at[0] == ':')
        return ws_fail(failure, HAWSE_E_INVAL, 0, "the URL names no host");
    int32_t result = check_visible(failure, "host", url->host);
    return result == HAWSE_OK ? check_visible(failure, "path", url->path) : result;
}

void http_put_start(struct http_writer *w, const char *method, const struct http_url *url)
{
    http_put(w, ws_span_of(method));
    http_put(w, ws_span_of(" "));
    if (url->path.len == 0 || url->path.at[0] != '/')
        http_put(w, ws_span_of("/"));
    http_put(w, url->path);
    http_put(w, ws_span_of(" HTTP/1.1\r\n"));
    http_put_header(w, "Host", url->host);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* "user:password" with %XX decoded, as Basic authorization (RFC 7617). */
static int32_t put_userinfo(struct http_writer *w, struct ws_span info, struct ws_failure *failure)
{
    unsigned char plain[USERINFO_MAX + 1], coded[USERINFO_MAX / 3 * 4 + 8] = "";
    int n = 0;
    if (info.len >= USERINFO_MAX)
        return ws_fail(failure, HAWSE_E_INVAL, 0,
                       "the URL's user and password have %zu characters; at most %d are allowed",
                       info.len, USERINFO_MAX - 1);
    bool has_password = memchr(info.at, ':', info.len) != NULL;
    for (size_t i = 0; i < info.len; i++) {
        int high = i + 2 < info.len && info.at[i] == '%' ? hex_digit(info.at[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(info.at[i + 2]) : -1;
        plain[n++] = (unsigned char)(low >= 0 ? high * 16 + low : info.at[i]);
        i += low >= 0 ? 2 : 0;
    }
    if (!has_password)
        plain[n++] = ':';
    (void)EVP_EncodeBlock(coded, plain, n);
    http_put(w, ws_span_of("Authorization: Basic "));
    http_put(w, ws_span_of((const char *)coded));
    http_put(w, ws_span_of("\r\n"));
    explicit_bzero(plain, sizeof(plain));
    explicit_bzero(coded, sizeof(coded));
    return HAWSE_OK;
}

/* ---- headers ---- */

static bool written_by_us(struct ws_span name)
{
    static const char *const ours[] = {"Host", "Upgrade", "Connection", "Content-Length",
                                       "Transfer-Encoding"};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        if (ws_span_is(name, ours[i]))
            return true;
    }
    static const char prefix[] = "Sec-WebSocket-";
    return name.len >= sizeof(prefix) - 1 && strncasecmp(name.at, prefix, sizeof(prefix) - 1) == 0;
}

int32_t http_put_headers(struct http_writer *w, const struct config_header *headers, size_t count,
                         const struct http_url *url, struct ws_failure *failure)
{
    bool authorized = false;
    for (size_t i = 0; i < count; i++) {
        struct ws_span name = ws_span_of(headers[i].name), value = ws_span_of(headers[i].value);
        if (!ws_http_token(name))
            return ws_fail(failure, HAWSE_E_INVAL, 0,
                           "the name of header %zu is empty or holds a character that is not "
                           "allowed in one",
                           i + 1);
        if (written_by_us(name))
            return ws_fail(failure, HAWSE_E_INVAL, 0,
                           "the header %.40s is written by the handshake itself", name.at);
        if (!ws_http_value(value))
            return ws_fail(failure, HAWSE_E_INVAL, 0,
                           "the header %.40s holds a line break or another control character",
                           name.at);
        authorized = authorized || ws_span_is(name, "Authorization");
        http_put_header(w, headers[i].name, value);
    }
    return url->userinfo.len > 0 && !authorized ? put_userinfo(w, url->userinfo, failure)
                                                : HAWSE_OK;
}

uint64_t http_retry_after_ms(struct ws_span value)
{
    uint64_t seconds = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return 0;
        seconds = seconds * 10 + (uint64_t)(value.at[i] - '0');
        if (seconds > HTTP_RETRY_AFTER_MAX_S)
            seconds = HTTP_RETRY_AFTER_MAX_S;
    }
    return seconds * 1000u;
}
