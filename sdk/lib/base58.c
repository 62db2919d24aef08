/*
 * Base58; see hawse/base58.h. Both directions go through limbs that hold several digits: words of
 * 32 bits on the side of the bytes, 5 digits (58^5, below 2^30) on the side of the text. A limb
 * times a base plus a carry then fits 64 bits, and each division is by a constant.
 */
#include <hawse/base58.h>
#include <string.h>

enum {
    DIGITS = 5, /* of one limb of text */
    WORDS_MAX = HAWSE_BASE58_BYTES_MAX / 4,
    TEXT_MAX = HAWSE_BASE58_DIGITS(HAWSE_BASE58_BYTES_MAX),
    LIMBS_MAX = TEXT_MAX / DIGITS + 1,
};
#define BASE 656356768u /* 58^5 */

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* The value of each character plus one; 0 outside the alphabet. */
static const uint8_t values[256] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  0,  0,  0,  0,  0,  0,  0,  10,
    11, 12, 13, 14, 15, 16, 17, 0,  18, 19, 20, 21, 22, 0,  23, 24, 25, 26, 27, 28, 29, 30,
    31, 32, 33, 0,  0,  0,  0,  0,  0,  34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 0,  45,
    46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 0,  0,  0,  0,  0,
};

/* ---- to text ---- */

/* The bytes after the leading zeros as limbs of 5 digits, least significant first. */
static uint32_t to_limbs(const uint8_t *data, uint64_t len, uint32_t *limbs)
{
    uint32_t count = 0;
    for (uint64_t at = 0; at < len;) {
        uint32_t take = (len - at) % 4 ? (uint32_t)((len - at) % 4) : 4, word = 0;
        for (uint32_t i = 0; i < take; i++)
            word = word << 8 | data[at + i];
        at += take;
        uint64_t carry = word; /* only the first word may be short: what it shifts is zero */
        for (uint32_t i = 0; i < count; i++) {
            uint64_t n = ((uint64_t)limbs[i] << 32) + carry;
            limbs[i] = (uint32_t)(n % BASE);
            carry = n / BASE;
        }
        for (; carry; carry /= BASE)
            limbs[count++] = (uint32_t)(carry % BASE);
    }
    return count;
}

static void limb_digits(uint32_t limb, char out[DIGITS])
{
    for (int i = DIGITS - 1; i >= 0; i--, limb /= 58)
        out[i] = alphabet[limb % 58];
}

int32_t hawse_base58_encode(const uint8_t *data, uint64_t len, char *out, uint64_t cap,
                            uint64_t *need)
{
    uint32_t limbs[LIMBS_MAX];
    char digits[DIGITS];
    uint64_t zeros = 0, at;
    if (len > HAWSE_BASE58_BYTES_MAX)
        return HAWSE_E_LIMIT;
    while (zeros < len && data[zeros] == 0)
        zeros++;
    uint32_t count = to_limbs(data + zeros, len - zeros, limbs), skip = 0;
    if (count > 0) {
        limb_digits(limbs[count - 1], digits);
        while (digits[skip] == '1')
            skip++;
    }
    *need = zeros + (uint64_t)count * DIGITS - skip;
    if (*need >= cap)
        return HAWSE_E_NOSPACE;
    memset(out, '1', zeros);
    at = zeros;
    if (count > 0) {
        memcpy(out + at, digits + skip, DIGITS - skip);
        at += DIGITS - skip;
    }
    for (uint32_t i = count; i > 1; i--, at += DIGITS)
        limb_digits(limbs[i - 2], out + at);
    out[at] = '\0';
    return HAWSE_OK;
}

/* ---- to bytes ---- */

/* Digits after the leading ones as words, least significant first, and how many; -1 when a
 * character is outside the alphabet. */
static int to_words(const uint8_t *text, uint64_t len, uint32_t *words)
{
    int count = 0;
    for (uint64_t at = 0; at < len;) {
        uint32_t take = (len - at) % DIGITS ? (uint32_t)((len - at) % DIGITS) : DIGITS;
        uint32_t limb = 0;
        for (uint32_t i = 0; i < take; i++) {
            uint8_t value = values[text[at + i]];
            if (value == 0)
                return -1;
            limb = limb * 58 + value - 1;
        }
        at += take;
        uint64_t carry = limb;
        for (int i = 0; i < count; i++) {
            uint64_t n = (uint64_t)words[i] * BASE + carry;
            words[i] = (uint32_t)n;
            carry = n >> 32;
        }
        if (carry)
            words[count++] = (uint32_t)carry;
    }
    return count;
}

int32_t hawse_base58_decode(const uint8_t *text, uint64_t len, uint8_t *out, uint64_t cap,
                            uint64_t *need)
{
    uint32_t words[WORDS_MAX + 1];
    uint64_t zeros = 0;
    if (len > TEXT_MAX)
        return HAWSE_E_LIMIT;
    while (zeros < len && text[zeros] == '1')
        zeros++;
    int count = to_words(text + zeros, len - zeros, words);
    if (count < 0)
        return HAWSE_E_FORMAT;
    uint64_t bytes = (uint64_t)count * 4;
    if (count > 0)
        bytes -= (uint64_t)__builtin_clz(words[count - 1]) / 8;
    *need = zeros + bytes;
    if (*need > HAWSE_BASE58_BYTES_MAX)
        return HAWSE_E_LIMIT;
    if (*need > cap)
        return HAWSE_E_NOSPACE;
    if (*need == 0)
        return HAWSE_OK;
    memset(out, 0, zeros);
    for (uint64_t i = 0; i < bytes; i++)
        out[*need - 1 - i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
    return HAWSE_OK;
}

/* ---- keys and signatures ---- */

static int32_t exact(const uint8_t *text, uint64_t len, uint8_t *out, uint64_t bytes)
{
    uint8_t value[64];
    uint64_t need = 0;
    /* longer than any value of this size can be: refused before the work of reading it */
    if (len > HAWSE_BASE58_DIGITS(bytes)) {
        for (uint64_t i = 0; i < len; i++) {
            if (values[text[i]] == 0)
                return HAWSE_E_FORMAT;
        }
        return HAWSE_E_RANGE;
    }
    int32_t code = hawse_base58_decode(text, len, value, sizeof(value), &need);
    if (code == HAWSE_E_FORMAT)
        return code;
    if (code != HAWSE_OK || need != bytes)
        return HAWSE_E_RANGE;
    memcpy(out, value, bytes);
    return HAWSE_OK;
}

uint32_t hawse_base58_from_key(const uint8_t key[32], char out[HAWSE_BASE58_KEY_TEXT])
{
    uint64_t need = 0;
    (void)hawse_base58_encode(key, 32, out, HAWSE_BASE58_KEY_TEXT, &need);
    return (uint32_t)need;
}

int32_t hawse_base58_key(const uint8_t *text, uint64_t len, uint8_t key[32])
{
    return exact(text, len, key, 32);
}

uint32_t hawse_base58_from_signature(const uint8_t signature[64],
                                     char out[HAWSE_BASE58_SIGNATURE_TEXT])
{
    uint64_t need = 0;
    (void)hawse_base58_encode(signature, 64, out, HAWSE_BASE58_SIGNATURE_TEXT, &need);
    return (uint32_t)need;
}

int32_t hawse_base58_signature(const uint8_t *text, uint64_t len, uint8_t signature[64])
{
    return exact(text, len, signature, 64);
}
