/*
 * Hexadecimal by bytes, by 16 and by 32 bytes at a time; see hex_kernels.h. All give the same
 * result. What does not fill a vector is done by one more vector that ends where the data ends, and
 * so overlaps the one before; less than one vector is done by bytes, or under a mask.
 */
#include "hex_kernels.h"

int hex_decode_scalar(const uint8_t *digits, uint8_t *out, uint64_t len)
{
    uint8_t bad = 0;
    for (uint64_t i = 0; i < len; i++) {
        uint8_t high = hex_digit_value(digits[2 * i]), low = hex_digit_value(digits[2 * i + 1]);
        bad |= high | low;
        out[i] = (uint8_t)(high << 4 | (low & 15));
    }
    return (bad & 0x80) == 0;
}

int hex_u64_scalar(const uint8_t *digits, uint32_t len, uint64_t *out)
{
    uint64_t n = 0;
    uint8_t bad = 0;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t digit = hex_digit_value(digits[i]);
        bad |= digit;
        n = n << 4 | (digit & 15);
    }
    *out = n;
    return (bad & 0x80) == 0;
}

void hex_encode_scalar(const uint8_t *data, char *out, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        uint8_t high = data[i] >> 4, low = data[i] & 15;
        out[2 * i] = (char)(high + (high < 10 ? '0' : 'a' - 10));
        out[2 * i + 1] = (char)(low + (low < 10 ? '0' : 'a' - 10));
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

#define SSSE3 __attribute__((target("ssse3")))
#define AVX2  __attribute__((target("avx2")))

/*
 * The value of each digit, and 16 or more for what is none. '0' to '9' are moved to the top of the
 * byte's range, where subtracting 6 with saturation cannot touch them while everything else falls
 * below 0xf0; from there they go to 0 to 9. Letters without the bit of their case become 0 to 5,
 * and 10 added with saturation keeps everything else at 16 or above. The smaller of the two is the
 * value.
 */
SSSE3 static inline __m128i values_16(const uint8_t *digits)
{
    __m128i text = _mm_loadu_si128((const __m128i *)(const void *)digits);
    __m128i digit = _mm_add_epi8(text, _mm_set1_epi8((char)(0xff - '9')));
    digit = _mm_sub_epi8(_mm_subs_epu8(digit, _mm_set1_epi8(6)), _mm_set1_epi8((char)0xf0));
    __m128i letter =
        _mm_sub_epi8(_mm_and_si128(text, _mm_set1_epi8((char)0xdf)), _mm_set1_epi8('A'));
    return _mm_min_epu8(digit, _mm_adds_epu8(letter, _mm_set1_epi8(10)));
}

/* 32 digits to 16 bytes; *seen gathers the bits of all values. */
SSSE3 static inline void decode_16(const uint8_t *digits, uint8_t *out, __m128i *seen)
{
    const __m128i weights = _mm_set1_epi16(0x0110); /* 16 for the first, 1 for the second */
    __m128i left = values_16(digits), right = values_16(digits + 16);
    *seen = _mm_or_si128(*seen, _mm_or_si128(left, right));
    left = _mm_maddubs_epi16(left, weights);
    right = _mm_maddubs_epi16(right, weights);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_packus_epi16(left, right));
}

SSSE3 int hex_decode_ssse3(const uint8_t *digits, uint8_t *out, uint64_t len)
{
    __m128i seen = _mm_setzero_si128();
    if (len < 16)
        return hex_decode_scalar(digits, out, len);
    for (uint64_t i = 0; i + 16 <= len; i += 16)
        decode_16(digits + 2 * i, out + i, &seen);
    if (len % 16 != 0)
        decode_16(digits + 2 * (len - 16), out + len - 16, &seen);
    __m128i above = _mm_and_si128(seen, _mm_set1_epi8((char)0xf0));
    return _mm_movemask_epi8(_mm_cmpeq_epi8(above, _mm_setzero_si128())) == 0xffff;
}

AVX2 static inline __m256i values_32(const uint8_t *digits)
{
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)digits);
    __m256i digit = _mm256_add_epi8(text, _mm256_set1_epi8((char)(0xff - '9')));
    digit =
        _mm256_sub_epi8(_mm256_subs_epu8(digit, _mm256_set1_epi8(6)), _mm256_set1_epi8((char)0xf0));
    __m256i letter = _mm256_sub_epi8(_mm256_and_si256(text, _mm256_set1_epi8((char)0xdf)),
                                     _mm256_set1_epi8('A'));
    return _mm256_min_epu8(digit, _mm256_adds_epu8(letter, _mm256_set1_epi8(10)));
}

/* 64 digits to 32 bytes. */
AVX2 static inline void decode_32(const uint8_t *digits, uint8_t *out, __m256i *seen)
{
    const __m256i weights = _mm256_set1_epi16(0x0110);
    __m256i left = values_32(digits), right = values_32(digits + 32);
    *seen = _mm256_or_si256(*seen, _mm256_or_si256(left, right));
    left = _mm256_maddubs_epi16(left, weights);
    right = _mm256_maddubs_epi16(right, weights);
    __m256i bytes = _mm256_packus_epi16(left, right); /* quarters 0 2 1 3 */
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permute4x64_epi64(bytes, 0xd8));
}

/* At least 32 bytes. */
AVX2 static inline void decode_long(const uint8_t *digits, uint8_t *out, uint64_t len,
                                    __m256i *seen)
{
    for (uint64_t i = 0; i + 32 <= len; i += 32)
        decode_32(digits + 2 * i, out + i, seen);
    if (len % 32 != 0)
        decode_32(digits + 2 * (len - 32), out + len - 32, seen);
}

AVX2 int hex_decode_avx2(const uint8_t *digits, uint8_t *out, uint64_t len)
{
    __m256i seen = _mm256_setzero_si256();
    if (len < 32)
        return hex_decode_ssse3(digits, out, len);
    decode_long(digits, out, len, &seen);
    return _mm256_testz_si256(seen, _mm256_set1_epi8((char)0xf0));
}

AVX2 int hex_runs_avx2(const hawse_hex_run_t *runs, uint32_t count)
{
    __m256i seen = _mm256_setzero_si256();
    int good = 1;
    for (uint32_t i = 0; i < count; i++) {
        if (runs[i].len < 32)
            good &= hex_decode_ssse3(runs[i].digits, runs[i].out, runs[i].len);
        else
            decode_long(runs[i].digits, runs[i].out, runs[i].len, &seen);
    }
    return good & _mm256_testz_si256(seen, _mm256_set1_epi8((char)0xf0));
}

/*
 * With AVX-512 VBMI one instruction looks 64 characters up in a table of 128: the value of a digit,
 * 0x80 for every other character. Characters from 0x80 up wrap around in the table, so their own
 * top bit is gathered too.
 */
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,bmi2")))
#define NO     0x80
#define NO_8   NO, NO, NO, NO, NO, NO, NO, NO

static const uint8_t digit_values[128] __attribute__((aligned(64))) = {
    NO_8, NO_8, NO_8, NO_8, NO_8, NO_8, 0,  1,  2,  3,  4,  5,    6,    7,    8,
    9,    NO,   NO,   NO,   NO,   NO,   NO, NO, 10, 11, 12, 13,   14,   15,   NO,
    NO_8, NO_8, NO_8, NO,   10,   11,   12, 13, 14, 15, NO, NO_8, NO_8, NO_8,
};

struct avx512_table {
    __m512i low, high, bad;
};

AVX512 static inline struct avx512_table avx512_begin(void)
{
    const __m512i *table = (const __m512i *)(const void *)digit_values;
    return (struct avx512_table){_mm512_load_si512(table), _mm512_load_si512(table + 1),
                                 _mm512_setzero_si512()};
}

AVX512 static inline int avx512_good(const struct avx512_table *t)
{
    return _mm512_movepi8_mask(t->bad) == 0;
}

/* 64 characters to 32 bytes. */
AVX512 static inline __m256i avx512_bytes(struct avx512_table *t, __m512i text)
{
    const __m512i weights = _mm512_set1_epi16(0x0110);
    __m512i values = _mm512_permutex2var_epi8(t->low, text, t->high);
    t->bad = _mm512_ternarylogic_epi32(t->bad, values, text, 0xfe); /* a | b | c */
    return _mm512_cvtepi16_epi8(_mm512_maddubs_epi16(values, weights));
}

AVX512 static inline void avx512_run(struct avx512_table *t, const uint8_t *digits, uint8_t *out,
                                     uint64_t len)
{
    uint64_t i = 0;
    for (; i + 32 <= len; i += 32)
        _mm256_storeu_si256((__m256i *)(void *)(out + i),
                            avx512_bytes(t, _mm512_loadu_si512(digits + 2 * i)));
    if (i == len)
        return;
    uint32_t rest = (uint32_t)(len - i);
    __mmask64 in = _bzhi_u64(~0ull, 2 * rest);
    __m512i text = _mm512_mask_loadu_epi8(_mm512_set1_epi8('0'), in, digits + 2 * i);
    _mm256_mask_storeu_epi8(out + i, _bzhi_u32(~0u, rest), avx512_bytes(t, text));
}

AVX512 int hex_decode_avx512(const uint8_t *digits, uint8_t *out, uint64_t len)
{
    struct avx512_table t = avx512_begin();
    avx512_run(&t, digits, out, len);
    return avx512_good(&t);
}

AVX512 int hex_runs_avx512(const hawse_hex_run_t *runs, uint32_t count)
{
    struct avx512_table t = avx512_begin();
    for (uint32_t i = 0; i < count; i++)
        avx512_run(&t, runs[i].digits, runs[i].out, runs[i].len);
    return avx512_good(&t);
}

/* The digits fill the number from its top; what is behind them is shifted out. */
AVX512 int hex_u64_avx512(const uint8_t *digits, uint32_t len, uint64_t *out)
{
    struct avx512_table t = avx512_begin();
    __mmask64 in = _bzhi_u64(~0ull, len);
    __m512i text = _mm512_mask_loadu_epi8(_mm512_set1_epi8('0'), in, digits);
    __m128i bytes = _mm256_castsi256_si128(avx512_bytes(&t, text));
    uint64_t left = __builtin_bswap64((uint64_t)_mm_cvtsi128_si64(bytes));
    *out = left >> (64 - 4 * len);
    return avx512_good(&t);
}

/* 16 bytes to 32 digits: each half byte chooses a digit. */
SSSE3 static inline void encode_16(const uint8_t *data, char *out)
{
    const __m128i digits = _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b',
                                         'c', 'd', 'e', 'f');
    const __m128i mask = _mm_set1_epi8(15);
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)data);
    __m128i low = _mm_shuffle_epi8(digits, _mm_and_si128(bytes, mask));
    __m128i high = _mm_shuffle_epi8(digits, _mm_and_si128(_mm_srli_epi16(bytes, 4), mask));
    _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi8(high, low));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_unpackhi_epi8(high, low));
}

SSSE3 void hex_encode_ssse3(const uint8_t *data, char *out, uint64_t len)
{
    if (len < 16) {
        hex_encode_scalar(data, out, len);
        return;
    }
    for (uint64_t i = 0; i + 16 <= len; i += 16)
        encode_16(data + i, out + 2 * i);
    if (len % 16 != 0)
        encode_16(data + len - 16, out + 2 * (len - 16));
}

/* 32 bytes to 64 digits. */
AVX2 static inline void encode_32(const uint8_t *data, char *out)
{
    const __m256i digits = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'));
    const __m256i mask = _mm256_set1_epi8(15);
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)data);
    __m256i low = _mm256_shuffle_epi8(digits, _mm256_and_si256(bytes, mask));
    __m256i high = _mm256_shuffle_epi8(digits, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask));
    __m256i left = _mm256_unpacklo_epi8(high, low), right = _mm256_unpackhi_epi8(high, low);
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permute2x128_si256(left, right, 0x20));
    _mm256_storeu_si256((__m256i *)(void *)(out + 32),
                        _mm256_permute2x128_si256(left, right, 0x31));
}

AVX2 void hex_encode_avx2(const uint8_t *data, char *out, uint64_t len)
{
    if (len < 32) {
        hex_encode_ssse3(data, out, len);
        return;
    }
    for (uint64_t i = 0; i + 32 <= len; i += 32)
        encode_32(data + i, out + 2 * i);
    if (len % 32 != 0)
        encode_32(data + len - 32, out + 2 * (len - 32));
}
#endif
