/*
 * The opening handshake of RFC 6455, client's side: writes the request, judges the answer. Does no
 * I/O and allocates nothing. Error texts name parts and offsets, never the contents of the URL or
 * of the headers, which may be secret.
 */
#ifndef HAWSE_CORE_NET_WS_HANDSHAKE_H
#define HAWSE_CORE_NET_WS_HANDSHAKE_H

#include "config/config.h"
#include "net/ws_deflate.h"
#include "net/ws_failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_HANDSHAKE_MAX = 16 << 10, /* bytes of the answer's head */
    WS_KEY_BYTES = 16,
    WS_ACCEPT_TEXT = 28,    /* base64 of a SHA-1 */
    WS_PROTOCOLS_MAX = 255, /* characters of the offer of subprotocols */
};

struct ws_handshake_options {
    const char *url;       /* ws:// or wss://; "user:password@" becomes Basic authorization */
    const char *protocols; /* comma-separated offer; NULL or empty = none */
    const struct config_header *headers; /* more headers, for example Origin or Authorization */
    size_t header_count;
    bool offer_deflate;
    uint8_t key[WS_KEY_BYTES]; /* random */
};

/* Owner: the stream; lives from the request to the upgrade. */
struct ws_handshake {
    char accept[WS_ACCEPT_TEXT + 1]; /* what the server must answer */
    char protocols[WS_PROTOCOLS_MAX + 1];
    size_t scanned; /* bytes of the answer known not to end its head */
    bool offered_deflate;

    /* After an answer that upgrades: */
    char protocol[WS_PROTOCOLS_MAX + 1]; /* the server's choice; empty = none, which is its right */
    bool deflate_agreed;
    struct ws_deflate_agreed deflate;

    /* After one that refuses: */
    unsigned status;         /* of HTTP; 0 = it was not even that */
    uint64_t retry_after_ms; /* 0 = it did not say, or not in seconds */
    struct ws_failure failure;
};

/* Writes the request. HAWSE_E_INVAL: a part holds what HTTP cannot carry, or a header is one that
 * the handshake itself writes; HAWSE_E_NOSPACE. `failure` says which. */
int32_t ws_handshake_begin(struct ws_handshake *hs, const struct ws_handshake_options *options,
                           uint8_t *out, size_t cap, size_t *len);

/* Judges what has come of the answer, all of it from its first byte. HAWSE_E_AGAIN: more is needed;
 * 0: upgraded, and the first *consumed bytes were the head: the rest is frames. Else it failed,
 * `failure` says why: HAWSE_E_DENIED (401, 403), HAWSE_E_REMOTE (any other status but 101; with
 * what has come of the body), HAWSE_E_FORMAT, HAWSE_E_LIMIT. Redirects are not followed. */
int32_t ws_handshake_read(struct ws_handshake *hs, const uint8_t *data, size_t len,
                          size_t *consumed);

/* Wipes what it knows. */
void ws_handshake_finish(struct ws_handshake *hs);

#endif
