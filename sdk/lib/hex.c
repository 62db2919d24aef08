/*
 * Hexadecimal text; see hawse/hex.h. The kernel that fits the CPU is chosen at each call, which
 * costs one test of a word that the start of the program filled in.
 */
#include "hex_kernels.h"

#include <hawse/hex.h>
#include <hawse/u256.h>

#include <stdbool.h>
#include <string.h>

static int decode(const uint8_t *digits, uint8_t *out, uint64_t len)
{
#if defined(__x86_64__)
    if (hex_has_avx512())
        return hex_decode_avx512(digits, out, len);
    if (hex_has_avx2())
        return hex_decode_avx2(digits, out, len);
    if (hex_has_ssse3())
        return hex_decode_ssse3(digits, out, len);
#endif
    return hex_decode_scalar(digits, out, len);
}

void hawse_hex_encode(const uint8_t *data, uint64_t len, char *out)
{
#if defined(__x86_64__)
    if (hex_has_avx2()) {
        hex_encode_avx2(data, out, len);
        return;
    }
    if (hex_has_ssse3()) {
        hex_encode_ssse3(data, out, len);
        return;
    }
#endif
    hex_encode_scalar(data, out, len);
}

int32_t hawse_hex_decode(const uint8_t *digits, uint8_t *out, uint64_t len)
{
    return decode(digits, out, len) ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t hawse_hex_decode_runs(const hawse_hex_run_t *runs, uint32_t count)
{
#if defined(__x86_64__)
    if (hex_has_avx512())
        return hex_runs_avx512(runs, count) ? HAWSE_OK : HAWSE_E_FORMAT;
    if (hex_has_avx2())
        return hex_runs_avx2(runs, count) ? HAWSE_OK : HAWSE_E_FORMAT;
#endif
    int32_t code = HAWSE_OK;
    for (uint32_t i = 0; i < count; i++)
        code |= hawse_hex_decode(runs[i].digits, runs[i].out, runs[i].len);
    return code;
}

static int has_prefix(const uint8_t *text, uint64_t len)
{
    return len >= 2 && text[0] == '0' && text[1] == 'x';
}

int32_t hawse_hex_fixed(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t len)
{
    if (!has_prefix(text, text_len) || text_len % 2 != 0 || (text_len - 2) / 2 != len)
        return HAWSE_E_FORMAT;
    return hawse_hex_decode(text + 2, out, len);
}

int32_t hawse_hex_data(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t cap,
                       uint64_t *need)
{
    if (!has_prefix(text, text_len))
        return HAWSE_E_FORMAT;
    return hawse_hex_loose(text, text_len, out, cap, need);
}

int32_t hawse_hex_loose(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t cap,
                        uint64_t *need)
{
    uint64_t prefix = has_prefix(text, text_len) ? 2 : 0;
    if (text_len % 2 != 0)
        return HAWSE_E_FORMAT;
    *need = (text_len - prefix) / 2;
    if (*need > cap)
        return HAWSE_E_NOSPACE;
    return hawse_hex_decode(text + prefix, out, *need);
}

/* ---- quantities ---- */

struct digits {
    const uint8_t *first;
    uint64_t len; /* leading zeros are left out, so 0 for zero */
};

static int32_t find_digits(const uint8_t *text, uint64_t len, int strict, struct digits *out)
{
    if (len < 3 || !has_prefix(text, len) || (strict && len > 3 && text[2] == '0'))
        return HAWSE_E_FORMAT;
    out->first = text + 2;
    out->len = len - 2;
    while (out->len > 0 && *out->first == '0') {
        out->first++;
        out->len--;
    }
    return HAWSE_OK;
}

/* The answer to more digits than fit: what is no number at all is no number out of range either. */
static int32_t too_many(const struct digits *d)
{
    for (uint64_t i = 0; i < d->len; i++) {
        if (hex_digit_value(d->first[i]) > 15)
            return HAWSE_E_FORMAT;
    }
    return HAWSE_E_RANGE;
}

static int32_t quantity_u64(const uint8_t *text, uint64_t len, int strict, uint64_t *out)
{
    struct digits d;
    bool plain = len >= 3 && len <= 18 && has_prefix(text, len) && !(strict && text[2] == '0');
    if (plain) {
        d = (struct digits){text + 2, len - 2};
    } else {
        if (find_digits(text, len, strict, &d) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        if (d.len > 16)
            return too_many(&d);
        if (d.len == 0)
            d = (struct digits){text + 2, 1}; /* a zero */
    }
#if defined(__x86_64__)
    if (hex_has_avx512())
        return hex_u64_avx512(d.first, (uint32_t)d.len, out) ? HAWSE_OK : HAWSE_E_FORMAT;
#endif
    return hex_u64_scalar(d.first, (uint32_t)d.len, out) ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int32_t quantity_u256(const uint8_t *text, uint64_t len, int strict, hawse_u256_t *out)
{
    struct digits d;
    uint8_t padded[64], bytes[32];
    if (find_digits(text, len, strict, &d) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (d.len > 64)
        return too_many(&d);
    memset(padded, '0', sizeof(padded));
    memcpy(padded + 64 - d.len, d.first, d.len);
    if (!decode(padded, bytes, 32))
        return HAWSE_E_FORMAT;
    hawse_u256_from_be(bytes, out);
    return HAWSE_OK;
}

int32_t hawse_hex_u64(const uint8_t *text, uint64_t text_len, uint64_t *out)
{
    return quantity_u64(text, text_len, 0, out);
}

int32_t hawse_hex_u64_strict(const uint8_t *text, uint64_t text_len, uint64_t *out)
{
    return quantity_u64(text, text_len, 1, out);
}

int32_t hawse_hex_u256(const uint8_t *text, uint64_t text_len, hawse_u256_t *out)
{
    return quantity_u256(text, text_len, 0, out);
}

int32_t hawse_hex_u256_strict(const uint8_t *text, uint64_t text_len, hawse_u256_t *out)
{
    return quantity_u256(text, text_len, 1, out);
}

uint32_t hawse_hex_from_u64(uint64_t n, char *out)
{
    uint8_t bytes[8];
    char digits[16];
    uint64_t swapped = __builtin_bswap64(n);
    memcpy(bytes, &swapped, sizeof(bytes));
    hex_encode_scalar(bytes, digits, sizeof(bytes));
    uint32_t skip = n ? (uint32_t)__builtin_clzll(n) / 4 : 15, len = 16 - skip;
    memcpy(out, "0x", 2);
    memcpy(out + 2, digits + skip, len);
    out[2 + len] = '\0';
    return 2 + len;
}

uint32_t hawse_hex_from_u256(const hawse_u256_t *n, char *out)
{
    uint8_t bytes[32];
    char digits[64];
    hawse_u256_to_be(n, bytes);
    hawse_hex_encode(bytes, sizeof(bytes), digits);
    uint32_t bits = hawse_u256_bit_length(n), len = bits ? (bits + 3) / 4 : 1;
    memcpy(out, "0x", 2);
    memcpy(out + 2, digits + 64 - len, len);
    out[2 + len] = '\0';
    return 2 + len;
}
