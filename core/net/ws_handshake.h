/*
 * The opening handshake of RFC 6455, client's side: writes the request, judges the answer. Does no
 * I/O.
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
    WS_ACCEPT_TEXT = 28, /* base64 of a SHA-1 */
};

struct ws_handshake_options {
    const char *url;       /* ws:// or wss:// */
    const char *protocols; /* comma-separated offer; NULL = none */
    const struct config_header *headers;
    size_t header_count;
    bool offer_deflate;
    uint8_t key[WS_KEY_BYTES]; /* random */
};

/* Owner: the stream; lives from the request to the upgrade. */
struct ws_handshake {
    char accept[WS_ACCEPT_TEXT + 1]; /* what the server must answer */
    char protocols[256];
    bool offered_deflate;
    bool deflate_agreed;
    struct ws_deflate_agreed deflate;
    uint64_t retry_after_ms; /* of an answer that refuses */
    struct ws_failure failure;
};

/* Writes the request. HAWSE_E_INVAL: a part holds what HTTP cannot carry; HAWSE_E_NOSPACE. */
int32_t ws_handshake_begin(struct ws_handshake *hs, const struct ws_handshake_options *options,
                           uint8_t *out, size_t cap, size_t *len);

/* Judges what has come of the answer. HAWSE_E_AGAIN: more is needed; 0: upgraded, and the first
 * *consumed bytes were the head: the rest is frames; else it failed, `failure` says why. */
int32_t ws_handshake_read(struct ws_handshake *hs, const uint8_t *data, size_t len,
                          size_t *consumed);

/* Wipes what it knows. */
void ws_handshake_finish(struct ws_handshake *hs);

#endif
