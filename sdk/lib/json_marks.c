/*
 * Marks of JSON: 64 bytes at a time, four bit masks (quotes, backslashes, brackets, inside a
 * string) say where the unescaped quotes and the brackets outside strings are. The idea of doing it
 * with masks, with a carry-less multiply for "inside a string", is Langdale and Lemire's (2019);
 * the code is ours.
 */
#include "json_marks.h"

#include <stdbool.h>
#include <string.h>

uint32_t json_marks_scalar(const uint8_t *text, uint32_t len, uint32_t *marks, uint32_t cap)
{
    uint32_t n = 0;
    uint8_t inside = 0, escaped = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t c = text[i];
        uint8_t folded = c | 0x20u; /* '[' and '{' fold to one, ']' and '}' too */
        uint8_t quote = c == '"' && !escaped;
        uint8_t bracket = !inside && (folded == '{' || folded == '}');
        escaped = c == '\\' && !escaped; /* outside strings too: every kernel must agree */
        if (!quote && !bracket)
            continue;
        if (n == cap)
            return JSON_MARKS_NOSPACE;
        marks[n++] = i;
        inside ^= quote;
    }
    return inside ? JSON_MARKS_UNTERMINATED : n;
}

#if defined(__x86_64__)
#include <immintrin.h>

struct state {
    uint64_t escaped; /* 1: the first byte of the next block is escaped */
    uint64_t inside;  /* all ones: the next block begins inside a string */
};

/* Bits of the bytes that a backslash escapes: those behind an odd run of backslashes. Works on runs
 * by adding their first bits: the carry ends behind the run. */
static inline uint64_t escaped_bits(uint64_t backslash, struct state *s)
{
    if (backslash == 0) {
        uint64_t e = s->escaped;
        s->escaped = 0;
        return e;
    }
    backslash &= ~s->escaped;
    uint64_t follows = backslash << 1 | s->escaped;
    const uint64_t even = 0x5555555555555555u;
    uint64_t odd_starts = backslash & ~even & ~follows;
    uint64_t sequences;
    s->escaped = (uint64_t)__builtin_add_overflow(odd_starts, backslash, &sequences);
    uint64_t invert = sequences << 1;
    return (even ^ invert) & follows;
}

/* Writes the positions of the bits; that there is room was checked. */
static inline uint32_t write_bits(uint64_t bits, uint32_t base, uint32_t *marks, uint32_t n)
{
    uint32_t count = (uint32_t)__builtin_popcountll(bits);
    uint32_t *out = marks + n;
    for (uint32_t done = 0; done < count; done++) {
        *out++ = base + (uint32_t)__builtin_ctzll(bits);
        bits &= bits - 1;
    }
    return n + count;
}

/* Keeps only bits of bytes that belong to the text. */
static inline uint64_t keep_mask(uint32_t left)
{
    return left >= 64 ? ~0ull : (1ull << left) - 1;
}

#define MARKS_BODY(MASKS, PREFIX_XOR, WRITE)                              \
    struct state s = {0, 0};                                              \
    uint32_t n = 0;                                                       \
    for (uint32_t base = 0; base < len; base += 64) {                     \
        uint64_t quote, backslash, bracket, keep = keep_mask(len - base); \
        MASKS(text + base, &quote, &backslash, &bracket);                 \
        quote &= keep & ~escaped_bits(backslash & keep, &s);              \
        uint64_t inside = PREFIX_XOR(quote) ^ s.inside;                   \
        s.inside = (uint64_t)((int64_t)inside >> 63);                     \
        uint64_t bits = quote | (bracket & keep & ~inside);               \
        if ((uint32_t)__builtin_popcountll(bits) > cap - n)               \
            return JSON_MARKS_NOSPACE;                                    \
        n = WRITE(bits, base, marks, n);                                  \
    }                                                                     \
    return s.inside ? JSON_MARKS_UNTERMINATED : n;

static inline uint64_t prefix_xor_shift(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    return x ^ x << 32;
}

static inline void masks_sse2(const uint8_t *p, uint64_t *quote, uint64_t *backslash,
                              uint64_t *bracket)
{
    *quote = *backslash = *bracket = 0;
    for (int i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
        __m128i b = _mm_or_si128(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')),
                                 _mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
        unsigned q = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')));
        unsigned s = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
        *quote |= (uint64_t)q << (16 * i);
        *backslash |= (uint64_t)s << (16 * i);
        *bracket |= (uint64_t)(unsigned)_mm_movemask_epi8(b) << (16 * i);
    }
}

uint32_t json_marks_sse2(const uint8_t *text, uint32_t len, uint32_t *marks,
                         uint32_t cap){MARKS_BODY(masks_sse2, prefix_xor_shift, write_bits)}

#define AVX2 __attribute__((target("avx2,pclmul,bmi,bmi2,popcnt")))

AVX2 static inline uint64_t prefix_xor_clmul(uint64_t x)
{
    __m128i all = _mm_set1_epi8((char)0xff);
    __m128i v = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)x), all, 0);
    return (uint64_t)_mm_cvtsi128_si64(v);
}

AVX2 static inline uint64_t pair_mask(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(low) |
           (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

AVX2 static inline void masks_avx2(const uint8_t *p, uint64_t *quote, uint64_t *backslash,
                                   uint64_t *bracket)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    __m256i q = _mm256_set1_epi8('"'), s = _mm256_set1_epi8('\\'), fold = _mm256_set1_epi8(0x20);
    __m256i open = _mm256_set1_epi8('{'), close = _mm256_set1_epi8('}');
    __m256i fa = _mm256_or_si256(a, fold), fb = _mm256_or_si256(b, fold);
    *quote = pair_mask(_mm256_cmpeq_epi8(a, q), _mm256_cmpeq_epi8(b, q));
    *backslash = pair_mask(_mm256_cmpeq_epi8(a, s), _mm256_cmpeq_epi8(b, s));
    *bracket =
        pair_mask(_mm256_or_si256(_mm256_cmpeq_epi8(fa, open), _mm256_cmpeq_epi8(fa, close)),
                  _mm256_or_si256(_mm256_cmpeq_epi8(fb, open), _mm256_cmpeq_epi8(fb, close)));
}

AVX2 uint32_t json_marks_avx2(const uint8_t *text, uint32_t len, uint32_t *marks,
                              uint32_t cap){MARKS_BODY(masks_avx2, prefix_xor_clmul, write_bits)}

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi2,avx2,pclmul,bmi,bmi2,popcnt")))

AVX512 static inline void masks_avx512(const uint8_t *p, uint64_t *quote, uint64_t *backslash,
                                       uint64_t *bracket)
{
    __m512i v = _mm512_loadu_si512(p);
    __m512i folded = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
    *quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
    *backslash = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
    *bracket = _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('{')) |
               _mm512_cmpeq_epi8_mask(folded, _mm512_set1_epi8('}'));
}

static const uint8_t places[64] __attribute__((aligned(64))) = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
    22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
    44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};

/* The same as write_bits without a branch that depends on how many there are, up to 32: a list of
 * levels has 15 to 19 a block, and guessing their number wrong costs as much as writing them. */
AVX512 static inline uint32_t write_avx512(uint64_t bits, uint32_t base, uint32_t *marks,
                                           uint32_t n)
{
    uint32_t count = (uint32_t)__builtin_popcountll(bits);
    uint64_t used = _bzhi_u64(~0ull, count);
    __m512i at = _mm512_maskz_compress_epi8(bits, _mm512_load_si512(places));
    __m512i from = _mm512_set1_epi32((int)base);
    uint32_t *out = marks + n;
    __m512i a = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(at));
    __m512i b = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, 1));
    _mm512_mask_storeu_epi32(out, (__mmask16)used, _mm512_add_epi32(a, from));
    _mm512_mask_storeu_epi32(out + 16, (__mmask16)(used >> 16), _mm512_add_epi32(b, from));
    if (count > 32) {
        a = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, 2));
        b = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(at, 3));
        _mm512_mask_storeu_epi32(out + 32, (__mmask16)(used >> 32), _mm512_add_epi32(a, from));
        _mm512_mask_storeu_epi32(out + 48, (__mmask16)(used >> 48), _mm512_add_epi32(b, from));
    }
    return n + count;
}

AVX512 uint32_t json_marks_avx512(const uint8_t *text, uint32_t len, uint32_t *marks, uint32_t cap){
    MARKS_BODY(masks_avx512, prefix_xor_clmul, write_avx512)}
#endif

json_marks_fn json_marks_best(void)
{
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
                __builtin_cpu_supports("bmi2");
    if (avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2"))
        return json_marks_avx512;
    if (avx2)
        return json_marks_avx2;
    return json_marks_sse2;
#else
    return json_marks_scalar;
#endif
}
