/*
 * The growable buffer behind fragmented and inflated messages. Owns nothing but the memory of the
 * buffer it is given; never shrinks one by itself, so that a warm stream allocates nothing.
 */
#include "net/ws_buffer.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4096 };

void *ws_memory_resize(const struct ws_memory *memory, void *old, size_t held, size_t want)
{
    if (memory)
        return memory->resize(memory->ctx, old, held, want);
    if (want > 0)
        return realloc(old, want);
    free(old);
    return NULL;
}

static size_t held_by(const struct ws_buffer *buf)
{
    return buf->data ? buf->cap + WS_SLACK : 0;
}

int32_t ws_buffer_reserve(struct ws_buffer *buf, size_t want, size_t limit)
{
    if (want > limit || limit > SIZE_MAX - WS_SLACK)
        return HAWSE_E_LIMIT;
    buf->peak = want > buf->peak ? want : buf->peak;
    if (buf->data && want <= buf->cap)
        return HAWSE_OK;
    size_t cap = buf->cap > FIRST_CAPACITY ? buf->cap : FIRST_CAPACITY;
    while (cap < want && cap <= limit / 2)
        cap *= 2;
    if (cap < want || cap > limit)
        cap = limit;
    uint8_t *data = ws_memory_resize(buf->memory, buf->data, held_by(buf), cap + WS_SLACK);
    if (!data)
        return HAWSE_E_NOMEM;
    buf->data = data;
    buf->cap = cap;
    return HAWSE_OK;
}

int32_t ws_buffer_append(struct ws_buffer *buf, const uint8_t *data, size_t len, size_t limit)
{
    if (len > limit || buf->len > limit - len)
        return HAWSE_E_LIMIT;
    int32_t result = ws_buffer_reserve(buf, buf->len + len, limit);
    if (result != HAWSE_OK)
        return result;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return HAWSE_OK;
}

void ws_buffer_seal(struct ws_buffer *buf)
{
    if (buf->data)
        memset(buf->data + buf->len, 0, WS_SLACK);
}

void ws_buffer_trim(struct ws_buffer *buf, size_t cap)
{
    if (buf->cap <= cap || buf->len > cap)
        return;
    uint8_t *data = ws_memory_resize(buf->memory, buf->data, held_by(buf), cap + WS_SLACK);
    if (!data)
        return;
    buf->data = data;
    buf->cap = cap;
}

void ws_buffer_finish(struct ws_buffer *buf)
{
    (void)ws_memory_resize(buf->memory, buf->data, held_by(buf), 0);
    *buf = (struct ws_buffer){.memory = buf->memory};
}
