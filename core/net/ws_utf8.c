/*
 * The UTF-8 check of text messages and close reasons. Feeds are ASCII nearly always, so ASCII is
 * passed over in vectors and only the other characters are looked at one by one. Owns nothing;
 * never reads outside the bytes it is given.
 */
#include "net/ws_utf8.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define HIGH_BITS 0x8080808080808080u

static uint64_t load64(const uint8_t *s)
{
    uint64_t word;
    memcpy(&word, s, sizeof(word));
    return word;
}

static uint32_t load32(const uint8_t *s)
{
    uint32_t word;
    memcpy(&word, s, sizeof(word));
    return word;
}

/* Fewer than 16 bytes, by two loads that overlap: returns len when all is ASCII, otherwise 0. */
static size_t short_run(const uint8_t *s, size_t len)
{
    if (len >= 8)
        return ((load64(s) | load64(s + len - 8)) & HIGH_BITS) ? 0 : len;
    if (len >= 4)
        return ((load32(s) | load32(s + len - 4)) & (uint32_t)HIGH_BITS) ? 0 : len;
    if (len == 0)
        return 0;
    return ((s[0] | s[len / 2] | s[len - 1]) & 0x80) ? 0 : len;
}

#if defined(__x86_64__)
static bool ascii16(const uint8_t *s)
{
    return _mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)s)) == 0;
}

size_t ws_ascii_run_base(const uint8_t *s, size_t len)
{
    if (len < 16)
        return short_run(s, len);
    size_t at = 0;
    for (; at + 64 <= len; at += 64) {
        const __m128i *v = (const __m128i *)(const void *)(s + at);
        __m128i low = _mm_or_si128(_mm_loadu_si128(v), _mm_loadu_si128(v + 1));
        __m128i high = _mm_or_si128(_mm_loadu_si128(v + 2), _mm_loadu_si128(v + 3));
        if (_mm_movemask_epi8(_mm_or_si128(low, high)) != 0)
            break;
    }
    for (; at + 16 <= len; at += 16) {
        if (!ascii16(s + at))
            return at;
    }
    return at < len && !ascii16(s + len - 16) ? at : len;
}

__attribute__((target("avx2"))) size_t ws_ascii_run_avx2(const uint8_t *s, size_t len)
{
    if (len < 32)
        return ws_ascii_run_base(s, len);
    size_t at = 0;
    for (; at + 128 <= len; at += 128) {
        const __m256i *v = (const __m256i *)(const void *)(s + at);
        __m256i low = _mm256_or_si256(_mm256_loadu_si256(v), _mm256_loadu_si256(v + 1));
        __m256i high = _mm256_or_si256(_mm256_loadu_si256(v + 2), _mm256_loadu_si256(v + 3));
        if (_mm256_movemask_epi8(_mm256_or_si256(low, high)) != 0)
            break;
    }
    for (; at + 32 <= len; at += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(s + at));
        if (_mm256_movemask_epi8(v) != 0)
            return at;
    }
    __m256i last = _mm256_loadu_si256((const __m256i *)(const void *)(s + len - 32));
    return at < len && _mm256_movemask_epi8(last) != 0 ? at : len;
}

bool ws_utf8_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
size_t ws_ascii_run_base(const uint8_t *s, size_t len)
{
    if (len < 16)
        return short_run(s, len);
    size_t at = 0;
    for (; at + 16 <= len; at += 16) {
        if ((load64(s + at) | load64(s + at + 8)) & HIGH_BITS)
            return at;
    }
    return at < len && ((load64(s + len - 16) | load64(s + len - 8)) & HIGH_BITS) ? at : len;
}

size_t ws_ascii_run_avx2(const uint8_t *s, size_t len)
{
    return ws_ascii_run_base(s, len);
}

bool ws_utf8_has_avx2(void)
{
    return false;
}
#endif

ws_ascii_run_fn ws_ascii_run_best(void)
{
    return ws_utf8_has_avx2() ? ws_ascii_run_avx2 : ws_ascii_run_base;
}

/* Length that the first byte of a character above ASCII announces (0: it can't be a first byte),
 * and the range its second byte must lie in, which is where overlong forms, surrogates and code
 * points above U+10FFFF are cut off. */
static size_t announce(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    if (first < 0xe0)
        return 2;
    if (first < 0xf0) {
        if (first == 0xe0)
            *low = 0xa0;
        if (first == 0xed)
            *high = 0x9f;
        return 3;
    }
    if (first == 0xf0)
        *low = 0x90;
    if (first == 0xf4)
        *high = 0x8f;
    return 4;
}

/* Is what is there of one character (at most `size` bytes of it) right so far? */
static bool well_begun(const uint8_t *s, size_t there, uint8_t low, uint8_t high)
{
    if (there > 1 && (s[1] < low || s[1] > high))
        return false;
    for (size_t i = 2; i < there; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return false;
    }
    return true;
}

size_t ws_utf8_prefix(ws_ascii_run_fn ascii_run, const uint8_t *s, size_t len)
{
    size_t at = 0;
    while (at < len) {
        at += ascii_run(s + at, len - at);
        /* What isn't ASCII mostly stands in company: go on one by one, and back to vectors only
         * after a stretch of ASCII long enough to be worth the call. */
        for (size_t plain = 0; at < len && plain < 32;) {
            if (s[at] < 0x80) {
                at++;
                plain++;
                continue;
            }
            uint8_t low, high;
            size_t size = announce(s[at], &low, &high);
            if (size == 0 || size > len - at || !well_begun(s + at, size, low, high))
                return at;
            at += size;
            plain = 0;
        }
    }
    return len;
}

bool ws_utf8_may_continue(const uint8_t *s, size_t len)
{
    if (len == 0)
        return true;
    uint8_t low, high;
    size_t size = announce(s[0], &low, &high);
    return len < size && well_begun(s, len, low, high);
}

bool ws_utf8_valid(const uint8_t *s, size_t len)
{
    return ws_utf8_prefix(ws_ascii_run_best(), s, len) == len;
}
