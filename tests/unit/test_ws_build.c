/* Building client frames: what is written is what a server unmasks, and nothing illegal is. */
#include "harness.h"
#include "net/ws_build.h"
#include "net/ws_frame.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

/* Unmasks by the letter of the RFC: octet i by mask octet i mod 4. */
static void unmask(uint8_t *payload, size_t len, const uint8_t mask[4])
{
    for (size_t i = 0; i < len; i++)
        payload[i] ^= mask[i % 4];
}

TEST(mask, "masking agrees with the RFC's octet by octet, at every length and alignment")
{
    uint8_t src[400], dst[400], want[400], key[4];
    test_random_bytes(src, sizeof(src));
    for (size_t len = 0; len <= 300; len++) {
        for (size_t shift = 0; shift < 9; shift += 1 + len % 4) {
            uint32_t mask = (uint32_t)test_random();
            memcpy(key, &mask, 4);
            memcpy(want, src + shift, len);
            unmask(want, len, key);
            memset(dst, 0xee, sizeof(dst));
            ws_mask(dst + 8 - shift % 8, src + shift, len, mask);
            CHECK_MEM(dst + 8 - shift % 8, want, len);
            CHECK_EQ(dst[8 - shift % 8 + len], 0xee);
            memcpy(dst, src + shift, len); /* in place */
            ws_mask(dst, dst, len, mask);
            CHECK_MEM(dst, want, len);
        }
    }
}

TEST(frames, "a built frame has a masked header of the shortest form and its payload")
{
    static const struct {
        size_t len, header;
    } cases[] = {{0, 6}, {1, 6}, {125, 6}, {126, 8}, {65535, 8}, {65536, 14}, {1 << 20, 14}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = cases[i].len, head = cases[i].header, len = 0;
        uint8_t *payload = malloc(n + 1), *out = malloc(n + WS_BUILD_HEADER_MAX);
        CHECK(payload && out);
        test_random_bytes(payload, n);
        struct ws_frame_spec spec = {.opcode = WS_BINARY, .mask = (uint32_t)test_random()};
        CHECK_EQ(ws_frame_size(n), head + n);
        CHECK_EQ(ws_build_frame(&spec, payload, n, out, head + n - 1, &len), HAWSE_E_NOSPACE);
        CHECK_EQ(len, 0);
        CHECK_EQ(ws_build_frame(&spec, payload, n, out, head + n, &len), HAWSE_OK);
        CHECK_EQ(len, head + n);
        CHECK_EQ(out[0], 0x82);
        CHECK_EQ(out[1], 0x80 | (head == 6 ? (int)n : head == 8 ? 126 : 127));
        uint64_t written = 0;
        for (size_t at = 2; at < head - 4; at++)
            written = written << 8 | out[at];
        if (head > 6)
            CHECK_EQ_U64(written, n);
        unmask(out + head, n, out + head - 4);
        CHECK_MEM(out + head, payload, n);
        free(payload);
        free(out);
    }
}

TEST(illegal, "no frame is built that RFC 6455 forbids")
{
    uint8_t out[400], payload[200] = {0};
    size_t len;
    for (unsigned i = 0; i < 16 * 4; i++) {
        struct ws_frame_spec spec = {
            .opcode = (uint8_t)(i & 15), .more = i & 16, .deflated = i & 32};
        bool control = spec.opcode >= 8 && spec.opcode <= 10;
        bool good = spec.opcode <= 2 ? spec.opcode != 0 || !spec.deflated
                                     : control && !spec.more && !spec.deflated;
        CHECK_EQ(ws_build_frame(&spec, payload, 125, out, sizeof(out), &len),
                 good ? HAWSE_OK : HAWSE_E_INVAL);
        CHECK_EQ(ws_build_frame(&spec, payload, 126, out, sizeof(out), &len),
                 good && !control ? HAWSE_OK : HAWSE_E_INVAL);
        unsigned want = (spec.more ? 0u : 0x80u) | (spec.deflated ? 0x40u : 0u) | spec.opcode;
        if (good && !control)
            CHECK_EQ(out[0], want);
    }
}

TEST(close, "a close frame carries its code and reason; what must not be sent is refused")
{
    uint8_t out[200], reason[124];
    size_t len;
    memset(reason, 'x', sizeof(reason));
    CHECK_EQ(ws_build_close(1000, reason, 123, 0x01020304, out, sizeof(out), &len), HAWSE_OK);
    CHECK_EQ(len, 6 + 125);
    CHECK_EQ(out[0], 0x88);
    unmask(out + 6, 125, out + 2);
    CHECK_MEM(out + 6, "\x03\xe8", 2);
    CHECK_MEM(out + 8, reason, 123);
    CHECK_EQ(ws_build_close(1000, reason, 124, 0, out, sizeof(out), &len), HAWSE_E_INVAL);
    CHECK_EQ(ws_build_close(1006, NULL, 0, 0, out, sizeof(out), &len), HAWSE_E_INVAL);
    CHECK_EQ(ws_build_close(5000, NULL, 0, 0, out, sizeof(out), &len), HAWSE_E_INVAL);
    CHECK_EQ(ws_build_close(1000, (const uint8_t *)"\xff", 1, 0, out, sizeof(out), &len),
             HAWSE_E_INVAL);
    CHECK_EQ(ws_build_close(1005, reason, 1, 0, out, sizeof(out), &len), HAWSE_E_INVAL);
    CHECK_EQ(ws_build_close(1005, NULL, 0, 0, out, sizeof(out), &len), HAWSE_OK);
    CHECK_EQ(len, 6);
    CHECK_EQ(ws_build_close(4000, NULL, 0, 0, out, 7, &len), HAWSE_E_NOSPACE);
}
