/*
 * Compressed payloads from a server, several in a row on one window, each behind its length in two
 * bytes; and the way back: what our deflater makes of any message must inflate to that message.
 */
#include "net/ws_buffer.h"
#include "net/ws_deflate.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 16 };

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* Takes the next length-prefixed part; false at the end. */
static bool next_part(const uint8_t **data, size_t *size, const uint8_t **part, size_t *len)
{
    if (*size < 2)
        return false;
    *len = (size_t)(*data)[0] << 8 | (*data)[1];
    *len = *len < *size - 2 ? *len : *size - 2;
    *part = *data + 2;
    *data += 2 + *len;
    *size -= 2 + *len;
    return true;
}

static void inflate_all(const struct ws_deflate_agreed *agreed, const uint8_t *data, size_t size)
{
    struct ws_inflater *inf;
    struct ws_failure failure = {0};
    const uint8_t *part, *out;
    size_t len, n;
    require(ws_inflater_create(agreed, &inf) == HAWSE_OK);
    while (next_part(&data, &size, &part, &len)) {
        int32_t result = ws_inflater_message(inf, part, len, LIMIT, &out, &n, &failure);
        require((result == HAWSE_OK) == (failure.close_code == 0));
        if (result != HAWSE_OK)
            break;
        unsigned sum = 0;
        for (size_t i = 0; i < n + WS_SLACK; i++)
            sum += out[i];
        require(n <= LIMIT && sum != 1u << 31);
    }
    ws_inflater_destroy(inf);
}

static void round_trip(const struct ws_deflate_agreed *agreed, int level, const uint8_t *data,
                       size_t size)
{
    struct ws_inflater *inf;
    struct ws_deflater *def;
    struct ws_failure failure = {0};
    const uint8_t *part, *packed, *out;
    size_t len, packed_len, n;
    int32_t result = ws_deflater_create(agreed, level, &def);
    require(result == (agreed->client_window_bits == 8 ? HAWSE_E_UNSUPPORTED : HAWSE_OK));
    if (result != HAWSE_OK)
        return;
    struct ws_deflate_agreed back = {.server_no_context_takeover =
                                         agreed->client_no_context_takeover,
                                     .server_window_bits = agreed->client_window_bits,
                                     .client_window_bits = 15};
    require(ws_inflater_create(&back, &inf) == HAWSE_OK);
    while (next_part(&data, &size, &part, &len)) {
        require(ws_deflater_message(def, part, len, &packed, &packed_len) == HAWSE_OK);
        require(ws_inflater_message(inf, packed, packed_len, LIMIT, &out, &n, &failure) ==
                HAWSE_OK);
        require(n == len && memcmp(out, part, len) == 0);
    }
    ws_inflater_destroy(inf);
    ws_deflater_destroy(def);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint8_t flags = data[0], bits = (uint8_t)(8 + (flags & 7));
    struct ws_deflate_agreed agreed = {flags & 8, flags & 16, bits, bits};
    inflate_all(&agreed, data + 1, size - 1);
    round_trip(&agreed, (flags >> 5) + 2, data + 1, size - 1);
    return 0;
}
