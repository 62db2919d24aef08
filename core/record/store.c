/* Long copies past the caches; see store.h. */
#include "record/store.h"

#ifdef __SSE2__
#include <immintrin.h>

/* Words until `to` is a multiple of `multiple`, a power of two. */
static uint8_t *align(uint8_t *to, const uint8_t **from, uint64_t *len, uint64_t multiple)
{
    uint64_t before = -(uintptr_t)to & (multiple - 1);
    (void)store_words(to, *from, before);
    *from += before;
    *len -= before;
    return to + before;
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
    for (uint64_t i = 0; i < len; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(from + i));
        _mm_stream_si128((__m128i *)(void *)(to + i), block);
    }
}

uint8_t *store_blocks(uint8_t *to, const uint8_t **from, uint64_t *len)
{
    to = align(to, from, len, 32);
    uint64_t whole = *len & ~(uint64_t)63;
    if (__builtin_cpu_supports("avx2"))
        copy_avx2(to, *from, whole);
    else
        copy_sse2(to, *from, whole);
    *from += whole;
    *len -= whole;
    return to + whole;
}
#else
uint8_t *store_blocks(uint8_t *to, const uint8_t **from, uint64_t *len)
{
    uint64_t whole = *len & ~(uint64_t)7;
    memcpy(to, *from, whole);
    *from += whole;
    *len -= whole;
    return to + whole;
}
#endif
