/*
 * Writes the upgrade request. Owns nothing but what a handshake remembers of its offer; must never
 * write a request in which a part of the URL or of a header becomes a line of its own.
 */
#include "net/ws_handshake.h"

#include "net/ws_extension.h"
#include "net/ws_http.h"

#include <hawse/types.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, section 1.3 */

enum { KEY_TEXT = 24, SHA1_BYTES = 20, USERINFO_MAX = 256 };

struct writer {
    char *out;
    size_t len, cap;
    bool full;
};

static void put(struct writer *w, struct ws_span text)
{
    if (text.len > w->cap - w->len) {
        w->full = true;
        return;
    }
    if (text.len > 0)
        memcpy(w->out + w->len, text.at, text.len);
    w->len += text.len;
}

static struct ws_span span(const char *text)
{
    return (struct ws_span){text, strlen(text)};
}

static void put_header(struct writer *w, const char *name, struct ws_span value)
{
    put(w, span(name));
    put(w, span(": "));
    put(w, value);
    put(w, span("\r\n"));
}

/* ---- the URL ---- */

struct url {
    struct ws_span userinfo, host, path; /* host with its port, unless that is the scheme's own */
};

static struct ws_span without_port(struct ws_span host, const char *port)
{
    size_t n = strlen(port);
    if (host.len > n && memcmp(host.at + host.len - n, port, n) == 0)
        host.len -= n;
    return host;
}

/* Visible ASCII only: everything else must have been percent-encoded. */
static int32_t check_visible(struct ws_handshake *hs, const char *what, struct ws_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c <= 0x20 || c >= 0x7f)
            return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                           "the URL's %s holds byte 0x%02x at offset %zu; only visible ASCII is "
                           "allowed, other bytes as %%XX",
                           what, c, i);
    }
    return HAWSE_OK;
}

static int32_t split_url(struct ws_handshake *hs, const char *text, struct url *url)
{
    bool tls = strncasecmp(text, "wss://", 6) == 0;
    *url = (struct url){0};
    if (!tls && strncasecmp(text, "ws://", 5) != 0)
        return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                       "the URL begins neither with ws:// nor with wss://");
    const char *start = text + (tls ? 6 : 5);
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
        return ws_fail(&hs->failure, HAWSE_E_INVAL, 0, "the URL names no host");
    int32_t result = check_visible(hs, "host", url->host);
    return result == HAWSE_OK ? check_visible(hs, "path", url->path) : result;
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
static int32_t put_userinfo(struct ws_handshake *hs, struct writer *w, struct ws_span info)
{
    unsigned char plain[USERINFO_MAX + 1], coded[USERINFO_MAX / 3 * 4 + 8] = "";
    int n = 0;
    if (info.len >= USERINFO_MAX)
        return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
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
    put(w, span("Authorization: Basic "));
    put(w, span((const char *)coded));
    put(w, span("\r\n"));
    explicit_bzero(plain, sizeof(plain));
    explicit_bzero(coded, sizeof(coded));
    return HAWSE_OK;
}

/* ---- headers and subprotocols ---- */

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

static int32_t put_headers(struct ws_handshake *hs, struct writer *w,
                           const struct ws_handshake_options *o, bool *authorized)
{
    for (size_t i = 0; i < o->header_count; i++) {
        struct ws_span name = span(o->headers[i].name), value = span(o->headers[i].value);
        if (!ws_http_token(name))
            return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                           "the name of header %zu is empty or holds a character that is not "
                           "allowed in one",
                           i + 1);
        if (written_by_us(name))
            return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                           "the header %.40s is written by the handshake itself", name.at);
        if (!ws_http_value(value))
            return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                           "the header %.40s holds a line break or another control character",
                           name.at);
        *authorized = *authorized || ws_span_is(name, "Authorization");
        put_header(w, o->headers[i].name, value);
    }
    return HAWSE_OK;
}

static int32_t put_protocols(struct ws_handshake *hs, struct writer *w, const char *protocols)
{
    struct ws_span list = span(protocols), element;
    if (list.len > WS_PROTOCOLS_MAX)
        return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                       "the offer of subprotocols has %zu characters; at most %d are allowed",
                       list.len, WS_PROTOCOLS_MAX);
    while (ws_http_next(&list, &element)) {
        struct ws_span others = list, other;
        bool good = ws_http_token(element);
        while (good && ws_http_next(&others, &other))
            good = other.len != element.len || memcmp(other.at, element.at, other.len) != 0;
        if (!good)
            return ws_fail(&hs->failure, HAWSE_E_INVAL, 0,
                           "a subprotocol in the offer stands twice or holds a character that is "
                           "not allowed in one");
    }
    (void)snprintf(hs->protocols, sizeof(hs->protocols), "%s", protocols);
    put_header(w, "Sec-WebSocket-Protocol", span(protocols));
    return HAWSE_OK;
}

/* ---- the request ---- */

/* The key as it is sent, and what the server must answer to it. */
static int32_t make_keys(struct ws_handshake *hs, const uint8_t *key, char text[KEY_TEXT + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char joined[KEY_TEXT + sizeof(GUID)];
    (void)EVP_EncodeBlock((unsigned char *)text, key, WS_KEY_BYTES);
    (void)snprintf(joined, sizeof(joined), "%s" GUID, text);
    if (EVP_Digest(joined, strlen(joined), hash, &n, EVP_sha1(), NULL) != 1 || n != SHA1_BYTES)
        return ws_fail(&hs->failure, HAWSE_E_UNSUPPORTED, 0,
                       "this OpenSSL refuses SHA-1, which the WebSocket handshake needs");
    (void)EVP_EncodeBlock((unsigned char *)hs->accept, hash, SHA1_BYTES);
    return HAWSE_OK;
}

static void put_start(struct writer *w, const struct url *url, const char *key)
{
    put(w, span("GET "));
    if (url->path.len == 0 || url->path.at[0] != '/')
        put(w, span("/"));
    put(w, url->path);
    put(w, span(" HTTP/1.1\r\n"));
    put_header(w, "Host", url->host);
    put_header(w, "Upgrade", span("websocket"));
    put_header(w, "Connection", span("Upgrade"));
    put_header(w, "Sec-WebSocket-Key", span(key));
    put_header(w, "Sec-WebSocket-Version", span("13"));
}

int32_t ws_handshake_begin(struct ws_handshake *hs, const struct ws_handshake_options *o,
                           uint8_t *out, size_t cap, size_t *len)
{
    struct writer w = {.out = (char *)out, .cap = cap};
    struct url url;
    char key[KEY_TEXT + 1];
    bool authorized = false;
    *hs = (struct ws_handshake){.offered_deflate = o->offer_deflate};
    *len = 0;
    int32_t result = make_keys(hs, o->key, key);
    if (result == HAWSE_OK)
        result = split_url(hs, o->url, &url);
    if (result != HAWSE_OK)
        return result;
    put_start(&w, &url, key);
    if (o->protocols && o->protocols[0])
        result = put_protocols(hs, &w, o->protocols);
    if (o->offer_deflate)
        put_header(&w, "Sec-WebSocket-Extensions", span(WS_EXTENSION_OFFER));
    if (result == HAWSE_OK)
        result = put_headers(hs, &w, o, &authorized);
    if (result == HAWSE_OK && url.userinfo.len > 0 && !authorized)
        result = put_userinfo(hs, &w, url.userinfo);
    if (result != HAWSE_OK)
        return result;
    put(&w, span("\r\n"));
    if (w.full)
        return ws_fail(&hs->failure, HAWSE_E_NOSPACE, 0, "the upgrade request is above %zu bytes",
                       cap);
    *len = w.len;
    return HAWSE_OK;
}

void ws_handshake_finish(struct ws_handshake *hs)
{
    explicit_bzero(hs, sizeof(*hs));
}
