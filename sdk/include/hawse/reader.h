/*
 * Where decoders of a plugin's own bytes take them from: a saved state (hawse/service/state.h), a
 * stored value (hawse/service/store.h). The counterpart of hawse/writer.h.
 *
 * A reader never reads beyond its bytes and never allocates. The first step that fails is
 * remembered, and everything behind it gives zeros: check counts and indexes before they are used,
 * and ask hawse_reader_end() once, at the end. Everything here is [any].
 */
#ifndef HAWSE_READER_H
#define HAWSE_READER_H

#include <hawse/types.h>

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Belongs to whoever made it; needs no clean-up. The bytes are borrowed. */
typedef struct hawse_reader {
    const uint8_t *at;
    uint64_t left;
    uint32_t bad; /* not 0: it wanted more than there is, or met what cannot be */
    uint32_t reserved;
} hawse_reader_t;

/* From the first of the bytes on; they need no alignment. */
static inline hawse_reader_t hawse_reader(hawse_view_t bytes)
{
    hawse_reader_t r = {bytes.data, bytes.len, 0, 0};
    return r;
}

/* What must be: when `good` is 0 nothing of it is to be believed. */
static inline void hawse_reader_must(hawse_reader_t *r, int good)
{
    if (!good)
        r->bad = 1;
}

/* Whether nothing was wrong so far. */
static inline int hawse_reader_good(const hawse_reader_t *r)
{
    return r->bad == 0;
}

/* Takes the next `len` bytes. Zeros, and bad from here on, when there are not so many. */
static inline void hawse_reader_get(hawse_reader_t *r, void *out, uint64_t len)
{
    if (r->bad || len > r->left) {
        r->bad = 1;
        if (len > 0)
            memset(out, 0, len);
        return;
    }
    if (len == 0)
        return; /* of nothing, which may be at no address */
    memcpy(out, r->at, len);
    r->at += len;
    r->left -= len;
}

/* HAWSE_OK when all was good and nothing is left, else HAWSE_E_FORMAT. */
static inline int32_t hawse_reader_end(const hawse_reader_t *r)
{
    return !r->bad && r->left == 0 ? HAWSE_OK : HAWSE_E_FORMAT;
}

#ifdef __cplusplus
}
#endif
#endif
