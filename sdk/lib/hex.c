/*
 * Hexadecimal; see hawse/hex.h. Decoding works on 16 digits at a time where the CPU has SSSE3, by a
 * table otherwise, with the same result.
 */
#include "hex_kernels.h"

#include <hawse/hex.h>

#include <string.h>

/* Value of a digit, 0xff for anything else. */
static inline uint8_t digit_value(uint8_t c)
{
    uint8_t digit = (uint8_t)(c - '0'), letter = (uint8_t)((c | 0x20u) - 'a');
    if (digit < 10)
        return digit;
    return letter < 6 ? (uint8_t)(letter + 10) : 0xff;
}

int hex_decode_scalar(const uint8_t *digits, uint8_t *out, uint64_t len)
{
    uint8_t bad = 0;
    for (uint64_t i = 0; i < len; i++) {
        uint8_t high = digit_value(digits[2 * i]), low = digit_value(digits[2 * i + 1]);
        bad |= high | low;
        out[i] = (uint8_t)(high << 4 | (low & 15));
    }
    return (bad & 0x80) == 0;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* 32 digits to 16 bytes. A letter folds to lower case; a digit d is d - '0', a letter l - 'a' + 10;
 * what is neither sets a bit of *bad. */
__attribute__((target("ssse3"))) static inline __m128i decode_32(const uint8_t *p, __m128i *bad)
{
    __m128i result[2];
    for (int i = 0; i < 2; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
        __m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
        __m128i letter = _mm_sub_epi8(_mm_or_si128(v, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
        __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
        __m128i value =
            _mm_or_si128(_mm_and_si128(is_digit, digit),
                         _mm_and_si128(is_letter, _mm_add_epi8(letter, _mm_set1_epi8(10))));
        *bad = _mm_or_si128(*bad,
                            _mm_andnot_si128(_mm_or_si128(is_digit, is_letter), _mm_set1_epi8(1)));
        result[i] = _mm_maddubs_epi16(value, _mm_set1_epi16(0x0110)); /* high * 16 + low */
    }
    return _mm_packus_epi16(result[0], result[1]);
}

__attribute__((target("ssse3"))) int hex_decode_ssse3(const uint8_t *digits, uint8_t *out,
                                                      uint64_t len)
{
    __m128i bad = _mm_setzero_si128();
    uint64_t i = 0;
    for (; i + 16 <= len; i += 16)
        _mm_storeu_si128((__m128i *)(void *)(out + i), decode_32(digits + 2 * i, &bad));
    int good = _mm_movemask_epi8(_mm_cmpeq_epi8(bad, _mm_setzero_si128())) == 0xffff;
    return hex_decode_scalar(digits + 2 * i, out + i, len - i) && good;
}
#endif

static int decode(const uint8_t *digits, uint8_t *out, uint64_t len)
{
#if defined(__x86_64__)
    if (len >= 16 && __builtin_cpu_supports("ssse3"))
        return hex_decode_ssse3(digits, out, len);
#endif
    return hex_decode_scalar(digits, out, len);
}

void hawse_hex_encode(const uint8_t *data, uint64_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (uint64_t i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
}

int32_t hawse_hex_decode(const uint8_t *digits, uint8_t *out, uint64_t len)
{
    return decode(digits, out, len) ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int has_prefix(const uint8_t *text, uint64_t len)
{
    return len >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

int32_t hawse_hex_fixed(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t len)
{
    if (text_len != 2 + 2 * len || !has_prefix(text, text_len))
        return HAWSE_E_FORMAT;
    return hawse_hex_decode(text + 2, out, len);
}

int32_t hawse_hex_data(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t cap,
                       uint64_t *need)
{
    if (!has_prefix(text, text_len) || text_len % 2 != 0)
        return HAWSE_E_FORMAT;
    *need = (text_len - 2) / 2;
    if (*need > cap)
        return HAWSE_E_NOSPACE;
    return hawse_hex_decode(text + 2, out, *need);
}

int32_t hawse_hex_u64(const uint8_t *text, uint64_t text_len, uint64_t *out)
{
    uint64_t n = 0;
    if (text_len < 3 || !has_prefix(text, text_len))
        return HAWSE_E_FORMAT;
    for (uint64_t i = 2; i < text_len; i++) {
        uint8_t digit = digit_value(text[i]);
        if (digit > 15)
            return HAWSE_E_FORMAT;
        if (n >> 60)
            return HAWSE_E_RANGE;
        n = n << 4 | digit;
    }
    *out = n;
    return HAWSE_OK;
}

int32_t hawse_hex_u256(const uint8_t *text, uint64_t text_len, hawse_u256_t *out)
{
    hawse_u256_t n = {{0, 0, 0, 0}};
    if (text_len < 3 || !has_prefix(text, text_len))
        return HAWSE_E_FORMAT;
    for (uint64_t i = 2; i < text_len; i++) {
        uint8_t digit = digit_value(text[i]);
        if (digit > 15)
            return HAWSE_E_FORMAT;
        if (n.limb[3] >> 60)
            return HAWSE_E_RANGE;
        for (int l = 3; l > 0; l--)
            n.limb[l] = n.limb[l] << 4 | n.limb[l - 1] >> 60;
        n.limb[0] = n.limb[0] << 4 | digit;
    }
    *out = n;
    return HAWSE_OK;
}
