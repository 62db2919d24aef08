/*
 * Builds masked client frames. Owns nothing; must never write a frame that RFC 6455 forbids, nor
 * beyond the room it was given.
 */
#include "net/ws_build.h"

#include "net/ws_frame.h"

#include <hawse/types.h>
#include <string.h>

/* Lowered to whatever vectors the target has. */
typedef uint64_t lanes __attribute__((vector_size(32)));

void ws_mask(uint8_t *dst, const uint8_t *src, size_t len, uint32_t mask)
{
    uint64_t mask64 = (uint64_t)mask << 32 | mask;
    lanes mask256 = {mask64, mask64, mask64, mask64};
    size_t at = 0;
    for (; at + sizeof(lanes) <= len; at += sizeof(lanes)) {
        lanes block;
        memcpy(&block, src + at, sizeof(block));
        block ^= mask256;
        memcpy(dst + at, &block, sizeof(block));
    }
    for (; at + sizeof(mask64) <= len; at += sizeof(mask64)) {
        uint64_t word;
        memcpy(&word, src + at, sizeof(word));
        word ^= mask64;
        memcpy(dst + at, &word, sizeof(word));
    }
    for (; at < len; at++)
        dst[at] = (uint8_t)(src[at] ^ (uint8_t)(mask >> (at % 4 * 8)));
}

static size_t header_size(size_t payload_len)
{
    if (payload_len <= WS_CONTROL_MAX)
        return 2 + 4;
    return payload_len <= UINT16_MAX ? 4 + 4 : 10 + 4;
}

size_t ws_frame_size(size_t payload_len)
{
    return header_size(payload_len) + payload_len;
}

static bool spec_legal(const struct ws_frame_spec *spec, size_t payload_len)
{
    switch (spec->opcode) {
    case WS_CONTINUATION:
        return !spec->deflated; /* RSV1 stands in the first frame only */
    case WS_TEXT:
    case WS_BINARY:
        return true;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return !spec->more && !spec->deflated && payload_len <= WS_CONTROL_MAX;
    default:
        return false;
    }
}

static void put_big_endian(uint8_t *out, uint64_t value, size_t bytes)
{
    for (size_t i = bytes; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

/* Writes the header of a legal frame and returns its size. */
static size_t put_header(const struct ws_frame_spec *spec, size_t payload_len, uint8_t *out)
{
    size_t size = header_size(payload_len), length_bytes = size - 6;
    out[0] = (uint8_t)((spec->more ? 0 : 0x80) | (spec->deflated ? 0x40 : 0) | spec->opcode);
    out[1] = 0x80;
    if (length_bytes == 0)
        out[1] = (uint8_t)(0x80 | payload_len);
    else
        out[1] = (uint8_t)(0x80 | (length_bytes == 2 ? 126 : 127));
    put_big_endian(out + 2, payload_len, length_bytes);
    memcpy(out + size - 4, &spec->mask, 4);
    return size;
}

int32_t ws_build_frame(const struct ws_frame_spec *spec, const uint8_t *payload, size_t payload_len,
                       uint8_t *out, size_t cap, size_t *len)
{
    *len = 0;
    if (!spec_legal(spec, payload_len))
        return HAWSE_E_INVAL;
    if (payload_len > SIZE_MAX - WS_BUILD_HEADER_MAX || cap < ws_frame_size(payload_len))
        return HAWSE_E_NOSPACE;
    size_t head = put_header(spec, payload_len, out);
    ws_mask(out + head, payload, payload_len, spec->mask);
    *len = head + payload_len;
    return HAWSE_OK;
}

int32_t ws_build_close(unsigned code, const uint8_t *reason, size_t reason_len, uint32_t mask,
                       uint8_t *out, size_t cap, size_t *len)
{
    struct ws_frame_spec spec = {.opcode = WS_CLOSE, .mask = mask};
    *len = 0;
    if (code == WS_CLOSE_NO_STATUS)
        return reason_len ? HAWSE_E_INVAL : ws_build_frame(&spec, NULL, 0, out, cap, len);
    if (!ws_close_code_legal(code) || reason_len > WS_CONTROL_MAX - 2 ||
        !ws_utf8_valid(reason, reason_len))
        return HAWSE_E_INVAL;
    uint8_t payload[WS_CONTROL_MAX];
    put_big_endian(payload, code, 2);
    if (reason_len > 0)
        memcpy(payload + 2, reason, reason_len);
    return ws_build_frame(&spec, payload, reason_len + 2, out, cap, len);
}
