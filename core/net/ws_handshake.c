/*
 * Writes the upgrade request. Owns nothing but what a handshake remembers of its offer.
 */
#include "net/ws_handshake.h"

#include "net/http_head.h"
#include "net/ws_extension.h"

#include <hawse/types.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, section 1.3 */

enum { KEY_TEXT = 24, SHA1_BYTES = 20 };

/* ---- subprotocols ---- */

static int32_t put_protocols(struct ws_handshake *hs, struct http_writer *w, const char *protocols)
{
    struct ws_span list = ws_span_of(protocols), element;
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
    http_put_header(w, "Sec-WebSocket-Protocol", ws_span_of(protocols));
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

static void put_start(struct http_writer *w, const struct http_url *url, const char *key)
{
    http_put_start(w, "GET", url);
    http_put_header(w, "Upgrade", ws_span_of("websocket"));
    http_put_header(w, "Connection", ws_span_of("Upgrade"));
    http_put_header(w, "Sec-WebSocket-Key", ws_span_of(key));
    http_put_header(w, "Sec-WebSocket-Version", ws_span_of("13"));
}

int32_t ws_handshake_begin(struct ws_handshake *hs, const struct ws_handshake_options *o,
                           uint8_t *out, size_t cap, size_t *len)
{
    struct http_writer w = {.out = (char *)out, .cap = cap};
    struct http_url url;
    char key[KEY_TEXT + 1];
    *hs = (struct ws_handshake){.offered_deflate = o->offer_deflate};
    *len = 0;
    int32_t result = make_keys(hs, o->key, key);
    if (result == HAWSE_OK)
        result = http_url_split(o->url, "ws", &url, &hs->failure);
    if (result != HAWSE_OK)
        return result;
    put_start(&w, &url, key);
    if (o->protocols && o->protocols[0])
        result = put_protocols(hs, &w, o->protocols);
    if (o->offer_deflate)
        http_put_header(&w, "Sec-WebSocket-Extensions", ws_span_of(WS_EXTENSION_OFFER));
    if (result == HAWSE_OK)
        result = http_put_headers(&w, o->headers, o->header_count, &url, &hs->failure);
    if (result != HAWSE_OK)
        return result;
    http_put(&w, ws_span_of("\r\n"));
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
