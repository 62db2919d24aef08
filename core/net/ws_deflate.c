/*
 * permessage-deflate by zlib. An inflater owns its window and its output buffer; a deflater its
 * window and its output buffer. Neither must ever produce more than its caller allowed.
 */
#include "net/ws_deflate.h"

#include "net/ws_buffer.h"

#include <hawse/types.h>
#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

enum {
    /* A message may hold several final blocks, after each of which the window is carried over by
     * copying; above this many it is an attack on our time, not data. */
    FINAL_BLOCKS_MAX = 16,
    WINDOW_SIZE = 1 << WS_WINDOW_BITS_MAX,
    AT_BLOCK_END = 128, /* in z_stream.data_type after inflate() */
    MEMORY_LEVEL = 8,   /* of deflate: zlib's own default */
    FLUSH_ROOM = 64,    /* with less, zlib may write its flush marker twice */
};

/* What the sender takes off the end of every message (RFC 7692, section 7.2.1). */
static const uint8_t tail[4] = {0x00, 0x00, 0xff, 0xff};

struct ws_inflater {
    z_stream z;
    struct ws_buffer out;
    bool forget; /* server_no_context_takeover */
};

struct ws_deflater {
    z_stream z;
    struct ws_buffer out;
    bool forget; /* client_no_context_takeover */
};

static bool bits_legal(unsigned bits)
{
    return bits >= WS_WINDOW_BITS_MIN && bits <= WS_WINDOW_BITS_MAX;
}

int32_t ws_inflater_create(const struct ws_deflate_agreed *agreed, struct ws_inflater **inflater)
{
    *inflater = NULL;
    if (!bits_legal(agreed->server_window_bits))
        return HAWSE_E_INVAL;
    struct ws_inflater *inf = calloc(1, sizeof(*inf));
    if (!inf)
        return HAWSE_E_NOMEM;
    inf->forget = agreed->server_no_context_takeover;
    if (inflateInit2(&inf->z, -(int)agreed->server_window_bits) != Z_OK) {
        free(inf);
        return HAWSE_E_NOMEM;
    }
    *inflater = inf;
    return HAWSE_OK;
}

void ws_inflater_use(struct ws_inflater *inflater, const struct ws_memory *memory)
{
    inflater->out.memory = memory;
}

bool ws_inflater_needed(struct ws_inflater *inflater, size_t cap)
{
    bool needed = inflater->out.peak > cap;
    inflater->out.peak = 0;
    return needed;
}

void ws_inflater_trim(struct ws_inflater *inflater, size_t cap)
{
    inflater->out.len = 0; /* the last message, which nobody reads any more */
    ws_buffer_trim(&inflater->out, cap);
}

void ws_inflater_destroy(struct ws_inflater *inflater)
{
    if (!inflater)
        return;
    (void)inflateEnd(&inflater->z);
    ws_buffer_finish(&inflater->out);
    free(inflater);
}

static int32_t out_of_memory(struct ws_failure *failure)
{
    return ws_fail(failure, HAWSE_E_NOMEM, WS_CLOSE_INTERNAL, "no memory to inflate a message");
}

/* Makes sure that at least one byte more can be written; one beyond the limit tells the bomb. */
static int32_t make_room(struct ws_inflater *inf, size_t limit, struct ws_failure *failure)
{
    struct ws_buffer *out = &inf->out;
    int32_t result = ws_buffer_reserve(out, out->len + 1, limit + 1);
    if (result == HAWSE_E_NOMEM)
        return out_of_memory(failure);
    if (result != HAWSE_OK || out->len > limit)
        return ws_fail(failure, HAWSE_E_LIMIT, WS_CLOSE_TOO_BIG,
                       "message inflates to more than %zu bytes", limit);
    return HAWSE_OK;
}

struct step {
    size_t limit;
    unsigned final_blocks;
    bool ended; /* a final block ended exactly where the bytes did */
};

/* After a final block: begin a new deflate stream, with the window that was there. */
static int32_t restart(struct ws_inflater *inf, struct step *step, struct ws_failure *failure)
{
    uint8_t window[WINDOW_SIZE];
    uInt size = 0;
    if (++step->final_blocks > FINAL_BLOCKS_MAX)
        return ws_fail(failure, HAWSE_E_FORMAT, WS_CLOSE_BAD_PAYLOAD,
                       "compressed message with more than %d final blocks", FINAL_BLOCKS_MAX);
    bool kept = inflateGetDictionary(&inf->z, window, &size) == Z_OK;
    if (!kept || inflateReset(&inf->z) != Z_OK)
        return out_of_memory(failure);
    if (size > 0 && inflateSetDictionary(&inf->z, window, size) != Z_OK)
        return out_of_memory(failure);
    return HAWSE_OK;
}

static uInt clamp(size_t len)
{
    return len < UINT_MAX ? (uInt)len : UINT_MAX;
}

/* One call of inflate() from in[0 .. len) to the end of the output. Returns zlib's code; *used
 * bytes of the input are gone, z.avail_out tells whether the output was filled. */
static int inflate_once(struct ws_inflater *inf, const uint8_t *in, size_t len, size_t *used)
{
    z_stream *z = &inf->z;
    uInt chunk = clamp(len), room = clamp(inf->out.cap - inf->out.len);
    z->next_in = in;
    z->avail_in = chunk;
    z->next_out = inf->out.data + inf->out.len;
    z->avail_out = room;
    int code = inflate(z, Z_SYNC_FLUSH);
    *used = chunk - z->avail_in;
    inf->out.len += room - z->avail_out;
    return code;
}

/* Inflates these bytes, all of them or with an error. */
static int32_t feed(struct ws_inflater *inf, const uint8_t *in, size_t len, struct step *step,
                    struct ws_failure *failure)
{
    size_t at = 0;
    do {
        size_t used;
        int32_t result = make_room(inf, step->limit, failure);
        if (result != HAWSE_OK)
            return result;
        int code = inflate_once(inf, in + at, len - at, &used);
        at += used;
        step->ended = code == Z_STREAM_END && at == len;
        if (code == Z_MEM_ERROR)
            return out_of_memory(failure);
        if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END)
            return ws_fail(failure, HAWSE_E_FORMAT, WS_CLOSE_BAD_PAYLOAD,
                           "compressed message is not deflate: %s at byte %zu of %zu",
                           inf->z.msg ? inf->z.msg : "bad data", at, len);
        if (code == Z_STREAM_END)
            result = restart(inf, step, failure);
        if (result != HAWSE_OK)
            return result;
    } while (!step->ended && (at < len || inf->z.avail_out == 0));
    return HAWSE_OK;
}

int32_t ws_inflater_message(struct ws_inflater *inflater, const uint8_t *payload,
                            size_t payload_len, size_t limit, const uint8_t **data, size_t *len,
                            struct ws_failure *failure)
{
    struct step step = {.limit = limit < SIZE_MAX / 2 ? limit : SIZE_MAX / 2};
    struct ws_buffer *out = &inflater->out;
    out->len = 0;
    *data = NULL;
    *len = 0;
    int32_t result = feed(inflater, payload, payload_len, &step, failure);
    /* An empty payload, and one that ends with a final block, want no tail. */
    if (result == HAWSE_OK && payload_len > 0 && !step.ended) {
        result = feed(inflater, tail, sizeof(tail), &step, failure);
        if (result == HAWSE_OK && !(inflater->z.data_type & AT_BLOCK_END) && !step.ended)
            result = ws_fail(failure, HAWSE_E_FORMAT, WS_CLOSE_BAD_PAYLOAD,
                             "compressed message of %zu bytes ends inside a block", payload_len);
    }
    if (result != HAWSE_OK)
        return result;
    if (out->len > limit)
        return make_room(inflater, limit, failure);
    if (inflater->forget && inflateReset(&inflater->z) != Z_OK)
        return out_of_memory(failure);
    ws_buffer_seal(out);
    *data = out->data;
    *len = out->len;
    return HAWSE_OK;
}

int32_t ws_deflater_create(const struct ws_deflate_agreed *agreed, int level,
                           struct ws_deflater **deflater)
{
    *deflater = NULL;
    if (!bits_legal(agreed->client_window_bits) || level < Z_DEFAULT_COMPRESSION ||
        level > Z_BEST_COMPRESSION)
        return HAWSE_E_INVAL;
    if (agreed->client_window_bits == WS_WINDOW_BITS_MIN)
        return HAWSE_E_UNSUPPORTED;
    struct ws_deflater *def = calloc(1, sizeof(*def));
    if (!def)
        return HAWSE_E_NOMEM;
    def->forget = agreed->client_no_context_takeover;
    if (deflateInit2(&def->z, level, Z_DEFLATED, -(int)agreed->client_window_bits, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        free(def);
        return HAWSE_E_NOMEM;
    }
    *deflater = def;
    return HAWSE_OK;
}

void ws_deflater_destroy(struct ws_deflater *deflater)
{
    if (!deflater)
        return;
    (void)deflateEnd(&deflater->z);
    ws_buffer_finish(&deflater->out);
    free(deflater);
}

int32_t ws_deflater_message(struct ws_deflater *deflater, const uint8_t *message,
                            size_t message_len, const uint8_t **data, size_t *len)
{
    z_stream *z = &deflater->z;
    struct ws_buffer *out = &deflater->out;
    *data = NULL;
    *len = 0;
    out->len = 0;
    size_t at = 0;
    do {
        int32_t result = ws_buffer_reserve(out, out->len + FLUSH_ROOM, SIZE_MAX / 2);
        if (result != HAWSE_OK)
            return result;
        uInt chunk = clamp(message_len - at), room = clamp(out->cap - out->len);
        z->next_in = message + at;
        z->avail_in = chunk;
        z->next_out = out->data + out->len;
        z->avail_out = room;
        (void)deflate(z, Z_SYNC_FLUSH); /* fails only for want of room, which is seen below */
        at += chunk - z->avail_in;
        out->len += room - z->avail_out;
    } while (at < message_len || z->avail_out == 0);
    /* An empty message directly after a flush leaves zlib nothing to write: the tail alone. */
    if (out->len < sizeof(tail)) {
        out->data[0] = 0x00;
        out->len = 1;
    } else {
        out->len -= sizeof(tail);
    }
    if (deflater->forget && deflateReset(z) != Z_OK)
        return HAWSE_E_INTERNAL;
    *data = out->data;
    *len = out->len;
    return HAWSE_OK;
}
