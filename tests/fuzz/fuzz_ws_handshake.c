/*
 * The first byte chooses the offer. If its high bit is set, the rest is URL, header name, value and
 * subprotocols, NUL-separated, and the request that comes of it must consist of exactly the lines
 * that were meant; otherwise the rest is the server's answer, fed whole and in pieces, which must
 * agree.
 */
#include "net/ws_handshake.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void fuzz_request(uint8_t flags, const uint8_t *data, size_t size)
{
    char *text = malloc(size + 5);
    require(text != NULL);
    memcpy(text, data, size);
    memset(text + size, 0, 5);
    char *part[4];
    char *at = text;
    for (size_t i = 0; i < 4; i++) {
        part[i] = at;
        at += strlen(at) + (at < text + size);
    }
    struct config_header header = {part[1], part[2]};
    struct ws_handshake_options o = {.url = part[0],
                                     .protocols = part[3],
                                     .headers = &header,
                                     .header_count = flags & 1,
                                     .offer_deflate = flags & 2};
    struct ws_handshake hs;
    uint8_t out[1500];
    size_t len = 0, lines = 0;
    int32_t result = ws_handshake_begin(&hs, &o, out, sizeof(out), &len);
    for (size_t i = 0; i < len; i++) {
        require(out[i] != 0 && (out[i] != '\n' || out[i - 1] == '\r'));
        lines += out[i] == '\n';
    }
    require((result == HAWSE_OK) == (len > 0) && (result == HAWSE_OK) == !hs.failure.text[0]);
    size_t fixed = 7; /* request line, five headers, empty line */
    if (result == HAWSE_OK) {
        size_t optional = (flags & 1u) + (flags >> 1 & 1u) + (part[3][0] != '\0');
        bool may_authorize = strchr(part[0], '@') != NULL;
        require(lines == fixed + optional || (may_authorize && lines == fixed + optional + 1));
        require(memcmp(out + len - 4, "\r\n\r\n", 4) == 0);
    }
    ws_handshake_finish(&hs);
    free(text);
}

static int32_t read_answer(struct ws_handshake *hs, uint8_t flags, const uint8_t *data, size_t size,
                           size_t piece, size_t *consumed)
{
    struct ws_handshake_options o = {.url = "ws://a.example/",
                                     .protocols = flags & 1 ? "chat, v2.json" : NULL,
                                     .offer_deflate = flags & 2};
    uint8_t out[1000];
    size_t len;
    memcpy(o.key, "the sample nonce", sizeof(o.key));
    require(ws_handshake_begin(hs, &o, out, sizeof(out), &len) == HAWSE_OK);
    int32_t result = HAWSE_E_AGAIN;
    for (size_t there = 0; result == HAWSE_E_AGAIN && there < size;) {
        there = piece < size - there ? there + piece : size;
        uint8_t *exact = malloc(there);
        require(exact != NULL);
        memcpy(exact, data, there);
        result = ws_handshake_read(hs, exact, there, consumed);
        free(exact);
    }
    return result;
}

static void fuzz_answer(uint8_t flags, const uint8_t *data, size_t size)
{
    struct ws_handshake whole, pieces;
    size_t consumed = 0, consumed_pieces = 0;
    int32_t result = read_answer(&whole, flags, data, size, size, &consumed);
    int32_t again =
        read_answer(&pieces, flags, data, size, 1u + (flags >> 2 & 31u), &consumed_pieces);
    require(result == again);
    if (result == HAWSE_E_AGAIN)
        return;
    require(consumed == consumed_pieces && consumed <= size);
    require(whole.status == pieces.status && whole.retry_after_ms == pieces.retry_after_ms);
    require(strcmp(whole.protocol, pieces.protocol) == 0);
    require(whole.deflate_agreed == pieces.deflate_agreed);
    require((result == HAWSE_OK) == !whole.failure.text[0]);
    if (result == HAWSE_OK) {
        require(whole.status == 101 && memcmp(data + consumed - 4, "\r\n\r\n", 4) == 0);
        require(!whole.deflate_agreed || (flags & 2));
        require(!whole.protocol[0] || (flags & 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    if (data[0] & 0x80)
        fuzz_request(data[0], data + 1, size - 1);
    else
        fuzz_answer(data[0], data + 1, size - 1);
    return 0;
}
