/*
 * The sending half of RFC 6455 for a client: frames are masked and written into the caller's
 * buffer. Does no I/O, allocates nothing, keeps no state; the mask is random bytes of the caller's.
 */
#ifndef HAWSE_CORE_NET_WS_BUILD_H
#define HAWSE_CORE_NET_WS_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WS_BUILD_HEADER_MAX = 14 };

struct ws_frame_spec {
    uint8_t opcode;
    bool more;     /* a fragment that is not the last one */
    bool deflated; /* RSV1: only where permessage-deflate was negotiated */
    uint32_t mask; /* fresh random bits for every frame (RFC 6455, section 10.3) */
};

/* Bytes of a masked frame with this payload. */
size_t ws_frame_size(size_t payload_len);

/* Writes one frame to out[0 .. *len). HAWSE_E_INVAL: no such opcode, or a control frame that is
 * fragmented, deflated or above 125 bytes; HAWSE_E_NOSPACE: cap < ws_frame_size(). `payload` may be
 * NULL when payload_len is 0, and must not overlap `out`. */
int32_t ws_build_frame(const struct ws_frame_spec *spec, const uint8_t *payload, size_t payload_len,
                       uint8_t *out, size_t cap, size_t *len);

/* Writes a close frame. The code 1005 writes an empty one. HAWSE_E_INVAL: a code that must not be
 * sent, a reason above 123 bytes or not UTF-8. */
int32_t ws_build_close(unsigned code, const uint8_t *reason, size_t reason_len, uint32_t mask,
                       uint8_t *out, size_t cap, size_t *len);

/* dst[i] = src[i] ^ byte i % 4 of mask, as it lies in memory. dst == src is legal, other overlap is
 * not. */
void ws_mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t mask);

#endif
