/*
 * Where encoders put their bytes: memory of the caller, filled from the front.
 *
 * A writer never allocates and never writes beyond its memory. It goes on counting when the memory
 * is full, so that one run over too little of it (none, even) tells how much is needed: `len` is
 * the length of the whole result either way. Ask hawse_writer_end() once, at the end. Everything
 * here is [any].
 */
#ifndef HAWSE_WRITER_H
#define HAWSE_WRITER_H

#include <hawse/types.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Belongs to whoever made it; needs no clean-up. */
typedef struct hawse_writer {
    uint8_t *data; /* may be NULL when cap is 0 */
    uint64_t cap;
    uint64_t len; /* bytes so far, those that did not fit included */
} hawse_writer_t;

/* An empty writer over `cap` bytes. */
static inline hawse_writer_t hawse_writer(void *memory, uint64_t cap)
{
    hawse_writer_t w = {(uint8_t *)memory, cap, 0};
    return w;
}

/* Appends bytes; a part that does not fit is left out as a whole. */
static inline void hawse_writer_put(hawse_writer_t *w, const void *bytes, uint64_t len)
{
    if (len > 0 && w->len <= w->cap && len <= w->cap - w->len)
        memcpy(w->data + w->len, bytes, len);
    w->len += len;
}

/* Appends `len` times the same byte. */
static inline void hawse_writer_fill(hawse_writer_t *w, uint8_t byte, uint64_t len)
{
    if (len > 0 && w->len <= w->cap && len <= w->cap - w->len)
        memset(w->data + w->len, byte, len);
    w->len += len;
}

/* Appends a text without its NUL. */
static inline void hawse_writer_text(hawse_writer_t *w, const char *text)
{
    hawse_writer_put(w, text, strlen(text));
}

/* HAWSE_OK, or HAWSE_E_NOSPACE when not all of it fitted: w->len bytes are needed. */
static inline int32_t hawse_writer_end(const hawse_writer_t *w)
{
    return w->len <= w->cap ? HAWSE_OK : HAWSE_E_NOSPACE;
}

#ifdef __cplusplus
}
#endif
#endif
