/*
 * permessage-deflate (RFC 7692): what was agreed on, the inflater of what comes in, the deflater of
 * what goes out. Used only where it was negotiated. Output is bounded: a small message that would
 * unfold beyond the limit fails the connection instead of filling the memory.
 */
#ifndef HAWSE_CORE_NET_WS_DEFLATE_H
#define HAWSE_CORE_NET_WS_DEFLATE_H

#include "net/ws_buffer.h"
#include "net/ws_failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_WINDOW_BITS_MIN = 8, WS_WINDOW_BITS_MAX = 15 };

/* What a handshake agreed on. Window bits are 8 to 15; 15 when nothing was said. */
struct ws_deflate_agreed {
    bool server_no_context_takeover;
    bool client_no_context_takeover;
    uint8_t server_window_bits;
    uint8_t client_window_bits;
};

/* Owner: the stream; lane: the stream's; lives as long as the connection. */
struct ws_inflater;
struct ws_deflater;

/* HAWSE_E_INVAL: window bits outside 8-15; HAWSE_E_NOMEM. */
int32_t ws_inflater_create(const struct ws_deflate_agreed *agreed, struct ws_inflater **inflater);
/* Where it puts what it inflates, from before its first message on. Borrowed while it lives. */
void ws_inflater_use(struct ws_inflater *inflater, const struct ws_memory *memory);
/* Was room for more than `cap` bytes needed since it was last asked? */
bool ws_inflater_needed(struct ws_inflater *inflater, size_t cap);
/* Gives memory for messages above `cap` bytes back. */
void ws_inflater_trim(struct ws_inflater *inflater, size_t cap);
void ws_inflater_destroy(struct ws_inflater *inflater);

/* Inflates the payload of one whole message into the inflater's own buffer; *data[0 .. *len) and
 * WS_SLACK readable bytes behind it hold until the next call. HAWSE_E_FORMAT (1007): not deflate;
 * HAWSE_E_LIMIT (1009): more than `limit` bytes; HAWSE_E_NOMEM (1011). After an error the
 * connection must be failed: the window is no longer the peer's. */
int32_t ws_inflater_message(struct ws_inflater *inflater, const uint8_t *payload,
                            size_t payload_len, size_t limit, const uint8_t **data, size_t *len,
                            struct ws_failure *failure);

/* `level` is zlib's, 0 to 9 or -1. HAWSE_E_INVAL; HAWSE_E_NOMEM; HAWSE_E_UNSUPPORTED: the agreed
 * window is 256 bytes (8 bits), which zlib can't write: send everything uncompressed, which is
 * always legal. */
int32_t ws_deflater_create(const struct ws_deflate_agreed *agreed, int level,
                           struct ws_deflater **deflater);
void ws_deflater_destroy(struct ws_deflater *deflater);

/* Deflates one message into the deflater's own buffer, for one frame (or fragments) of which the
 * first has `deflated` set. The result must be sent: later messages refer to it. HAWSE_E_NOMEM: the
 * deflater is out of step with the peer and must not be used again. */
int32_t ws_deflater_message(struct ws_deflater *deflater, const uint8_t *message,
                            size_t message_len, const uint8_t **data, size_t *len);

#endif
