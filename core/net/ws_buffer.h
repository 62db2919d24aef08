/*
 * A growable run of bytes that keeps WS_SLACK readable bytes behind its end, as the readers on the
 * hot path ask for. Owns its memory; never grows beyond the limit its user names.
 */
#ifndef HAWSE_CORE_NET_WS_BUFFER_H
#define HAWSE_CORE_NET_WS_BUFFER_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that may be read, though they mean nothing, behind any message. */
#define WS_SLACK 64u

/* Where buffers of received bytes live. `resize` is realloc that is also told how many bytes there
 * were; want 0 = give them back, and NULL is returned. */
struct ws_memory {
    void *(*resize)(void *ctx, void *old, size_t held, size_t want);
    void *ctx;
};

/* Owner: whoever embeds it; lane: the owner's; lives until ws_buffer_finish. All zero = empty. */
struct ws_buffer {
    const struct ws_memory *memory; /* NULL = the heap */
    uint8_t *data;                  /* NULL or at least cap + WS_SLACK bytes */
    size_t len;
    size_t cap;
    size_t peak; /* most bytes asked for; set back by who wants to know when that was */
};

/* resize of `memory`, or the heap's. */
void *ws_memory_resize(const struct ws_memory *memory, void *old, size_t held, size_t want);

/* Makes room for `want` bytes in all, growing in doubling steps but never above `limit`. Returns
 * HAWSE_OK, HAWSE_E_LIMIT (want > limit) or HAWSE_E_NOMEM; the contents stay in every case. */
int32_t ws_buffer_reserve(struct ws_buffer *buf, size_t want, size_t limit);

/* Adds bytes at the end; errors as above, and then nothing was added. */
int32_t ws_buffer_append(struct ws_buffer *buf, const uint8_t *data, size_t len, size_t limit);

/* Clears the slack behind the contents, so that no reader of it sees what was never written. */
void ws_buffer_seal(struct ws_buffer *buf);

/* Gives memory above `cap` bytes back; contents stay, and if they are larger so does the memory. */
void ws_buffer_trim(struct ws_buffer *buf, size_t cap);

/* Frees the memory and leaves an empty buffer of the same kind of memory. */
void ws_buffer_finish(struct ws_buffer *buf);

#endif
