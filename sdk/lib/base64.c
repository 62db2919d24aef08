/*
 * Base64; see hawse/base64.h. Four digits at a time, every fault found by one test at the end of
 * the group.
 */
#include <hawse/base64.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of each character plus one; 0 outside the alphabet. */
static const uint8_t values[256] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  63,
    0,  0,  0,  64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0,  0,  0,  0,  0,  0,  0,  1,
    2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    24, 25, 26, 0,  0,  0,  0,  0,  0,  27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
    40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 0,  0,  0,  0,  0,
};

void hawse_base64_encode(const uint8_t *data, uint64_t len, char *out)
{
    for (uint64_t at = 0; at < len; at += 3, out += 4) {
        uint32_t word = (uint32_t)data[at] << 16;
        if (at + 1 < len)
            word |= (uint32_t)data[at + 1] << 8;
        if (at + 2 < len)
            word |= data[at + 2];
        out[0] = alphabet[word >> 18];
        out[1] = alphabet[word >> 12 & 63];
        out[2] = at + 1 < len ? alphabet[word >> 6 & 63] : '=';
        out[3] = at + 2 < len ? alphabet[word & 63] : '=';
    }
}

int32_t hawse_base64_size(const uint8_t *text, uint64_t len, uint64_t *size)
{
    if (len % 4 != 0)
        return HAWSE_E_FORMAT;
    *size = len / 4 * 3;
    for (uint64_t i = 1; i <= 2 && i <= len && text[len - i] == '='; i++)
        (*size)--;
    return HAWSE_OK;
}

/* The last group, `n` bytes of which count. */
static int32_t decode_last(const uint8_t *text, uint64_t n, uint8_t *out)
{
    uint32_t word = 0;
    for (uint64_t i = 0; i < 4; i++) {
        uint8_t value = i <= n ? values[text[i]] : 1;
        if (value == 0 || (i > n && text[i] != '='))
            return HAWSE_E_FORMAT;
        word = word << 6 | (value - 1u);
    }
    if (word & (0xffffffu >> (8 * n)))
        return HAWSE_E_FORMAT;
    for (uint64_t i = 0; i < n; i++)
        out[i] = (uint8_t)(word >> (16 - 8 * i));
    return HAWSE_OK;
}

int32_t hawse_base64_decode(const uint8_t *text, uint64_t len, uint8_t *out)
{
    uint64_t size = 0;
    if (hawse_base64_size(text, len, &size) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    uint64_t whole = size / 3 * 3;
    for (uint64_t at = 0; at < whole; at += 3, text += 4) {
        uint8_t a = values[text[0]], b = values[text[1]], c = values[text[2]], d = values[text[3]];
        if (!a || !b || !c || !d)
            return HAWSE_E_FORMAT;
        uint32_t word = (a - 1u) << 18 | (b - 1u) << 12 | (c - 1u) << 6 | (d - 1u);
        out[at] = (uint8_t)(word >> 16);
        out[at + 1] = (uint8_t)(word >> 8);
        out[at + 2] = (uint8_t)word;
    }
    return size > whole ? decode_last(text, size - whole, out + whole) : HAWSE_OK;
}
