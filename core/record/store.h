/*
 * How the lane writes into its spool: past the caches, where the CPU can (SSE2). The bytes are read
 * once, by another core, so a cache gains nothing from them; and an ordinary write to memory that
 * the other core has read waits until that core has given the line up, which costs the lane more
 * than the copy. All of a spool is written like this, in order, so that whole lines go out.
 *
 * store_fence before the bytes are handed over: such writes are not ordered by a release store.
 */
#ifndef CORE_RECORD_STORE_H
#define CORE_RECORD_STORE_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>

static inline void store_word(uint8_t *to, uint64_t word)
{
    _mm_stream_si64((long long *)(void *)to, (long long)word);
}

static inline void store_fence(void)
{
    _mm_sfence();
}
#else
static inline void store_word(uint8_t *to, uint64_t word)
{
    memcpy(to, &word, sizeof(word));
}

static inline void store_fence(void) {}
#endif

/* A structure of whole words, to `to`, which is a multiple of 8. Returns what is behind it. */
static inline uint8_t *store_struct(uint8_t *to, const void *from, uint64_t size)
{
    for (uint64_t i = 0; i < size; i += 8) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)from + i, sizeof(word));
        store_word(to + i, word);
    }
    return to + size;
}

/* Up to a few words, filled up with zeroes to whole ones. */
static inline uint8_t *store_words(uint8_t *to, const uint8_t *from, uint64_t len)
{
    uint64_t word;
    for (; len >= 8; len -= 8, to += 8, from += 8) {
        memcpy(&word, from, sizeof(word));
        store_word(to, word);
    }
    if (len > 0) {
        word = 0;
        memcpy(&word, from, len);
        store_word(to, word);
        to += 8;
    }
    return to;
}

/* The same for many bytes: 128 and more. */
uint8_t *store_many(uint8_t *to, const uint8_t *from, uint64_t len);

/* Any bytes, filled up with zeroes to whole words; `to` is a multiple of 8. */
static inline uint8_t *store_bytes(uint8_t *to, const uint8_t *from, uint64_t len)
{
    return len >= 128 ? store_many(to, from, len) : store_words(to, from, len);
}

#endif
