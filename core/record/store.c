/* Long copies past the caches; see store.h. */
#include "record/store.h"

#ifdef __SSE2__
#include <immintrin.h>

static inline void store_16(uint8_t *to, const uint8_t *from)
{
    _mm_stream_si128((__m128i *)(void *)to, _mm_loadu_si128((const __m128i *)(const void *)from));
}

static inline void word(uint8_t *to, const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    store_word(to, value);
}

__attribute__((target("avx2"))) static void copy_avx2(uint8_t *to, const uint8_t *from,
                                                      uint64_t len)
{
    for (uint64_t i = 0; i < len; i += 64) {
        const __m256i *at = (const __m256i *)(const void *)(from + i);
        __m256i low = _mm256_loadu_si256(at), high = _mm256_loadu_si256(at + 1);
        _mm256_stream_si256((__m256i *)(void *)(to + i), low);
        _mm256_stream_si256((__m256i *)(void *)(to + i + 32), high);
    }
}

static void copy_sse2(uint8_t *to, const uint8_t *from, uint64_t len)
{
    for (uint64_t i = 0; i < len; i += 16)
        store_16(to + i, from + i);
}

/* Up to a whole line, whole blocks, then the rest in halves. */
uint8_t *store_many(uint8_t *to, const uint8_t *from, uint64_t len)
{
    const uint8_t *end = from + len;
    if ((uintptr_t)to & 8) {
        word(to, from);
        to += 8;
        from += 8;
    }
    for (; (uintptr_t)to & 48; to += 16, from += 16)
        store_16(to, from);
    uint64_t whole = (uint64_t)(end - from) & ~(uint64_t)63;
    if (__builtin_cpu_supports("avx2"))
        copy_avx2(to, from, whole);
    else
        copy_sse2(to, from, whole);
    to += whole;
    from += whole;
    for (; end - from >= 16; to += 16, from += 16)
        store_16(to, from);
    return store_words(to, from, (uint64_t)(end - from));
}
#else
uint8_t *store_many(uint8_t *to, const uint8_t *from, uint64_t len)
{
    uint64_t whole = len & ~(uint64_t)7;
    memcpy(to, from, whole);
    return store_words(to + whole, from + whole, len - whole);
}
#endif
