/*
 * Words of the Solidity ABI; see hawse/abi.h. Signatures are in abi_signature.c, logs in
 * abi_event.c.
 */
#include "abi_value.h"

#include <hawse/u256.h>

#include <string.h>

int32_t hawse_abi_word(const uint8_t *data, uint64_t len, uint64_t index, const uint8_t **word)
{
    if (index >= len / 32)
        return HAWSE_E_RANGE;
    *word = data + 32 * index;
    return HAWSE_OK;
}

static int is_width(uint32_t bits, uint32_t most)
{
    return bits >= 8 && bits <= most && bits % 8 == 0;
}

int32_t hawse_abi_uint(const uint8_t word[32], uint32_t bits, hawse_u256_t *out)
{
    if (!is_width(bits, 256))
        return HAWSE_E_INVAL;
    hawse_u256_from_be(word, out);
    return abi_fits_uint(out, bits) ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t hawse_abi_int(const uint8_t word[32], uint32_t bits, hawse_u256_t *out)
{
    if (!is_width(bits, 256))
        return HAWSE_E_INVAL;
    hawse_u256_from_be(word, out);
    return abi_fits_int(out, bits) ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t hawse_abi_u64(const uint8_t word[32], uint32_t bits, uint64_t *out)
{
    hawse_u256_t n;
    if (!is_width(bits, 64))
        return HAWSE_E_INVAL;
    int32_t result = hawse_abi_uint(word, bits, &n);
    if (result == HAWSE_OK)
        *out = n.limb[0];
    return result;
}

int32_t hawse_abi_i64(const uint8_t word[32], uint32_t bits, int64_t *out)
{
    hawse_u256_t n;
    if (!is_width(bits, 64))
        return HAWSE_E_INVAL;
    int32_t result = hawse_abi_int(word, bits, &n);
    if (result == HAWSE_OK)
        *out = (int64_t)n.limb[0];
    return result;
}

int32_t hawse_abi_address(const uint8_t word[32], uint8_t out[20])
{
    hawse_u256_t n;
    hawse_u256_from_be(word, &n);
    if (!abi_fits_uint(&n, 160))
        return HAWSE_E_FORMAT;
    memcpy(out, word + 12, 20);
    return HAWSE_OK;
}

int32_t hawse_abi_bool(const uint8_t word[32], uint32_t *out)
{
    hawse_u256_t n;
    hawse_u256_from_be(word, &n);
    if (!abi_fits_uint(&n, 1))
        return HAWSE_E_FORMAT;
    *out = (uint32_t)n.limb[0];
    return HAWSE_OK;
}

int32_t hawse_abi_fixed_bytes(const uint8_t word[32], uint32_t n, uint8_t *out)
{
    if (n < 1 || n > 32)
        return HAWSE_E_INVAL;
    if (!abi_is_zero(word + n, 32 - n))
        return HAWSE_E_FORMAT;
    memcpy(out, word, n);
    return HAWSE_OK;
}

int abi_is_zero(const uint8_t *p, uint64_t len)
{
    uint8_t bits = 0;
    for (uint64_t i = 0; i < len; i++)
        bits |= p[i];
    return bits == 0;
}

uint64_t abi_small_number(const uint8_t word[32])
{
    hawse_u256_t n;
    uint64_t out = UINT64_MAX;
    hawse_u256_from_be(word, &n);
    (void)hawse_u256_to_u64(&n, &out);
    return out;
}

int32_t abi_tail(const uint8_t *data, uint64_t len, uint64_t head, uint64_t *at, uint64_t *count)
{
    if (len < 32 || head > len - 32)
        return HAWSE_E_RANGE;
    uint64_t offset = abi_small_number(data + head);
    if (offset > len - 32)
        return HAWSE_E_RANGE;
    *count = abi_small_number(data + offset);
    *at = offset + 32;
    return HAWSE_OK;
}

int32_t abi_bytes_at(const uint8_t *data, uint64_t len, uint64_t at, hawse_abi_span_t *out)
{
    if (len < 32 || at > len - 32)
        return HAWSE_E_RANGE;
    uint64_t size = abi_small_number(data + at), begin = at + 32;
    if (size > len - begin)
        return HAWSE_E_RANGE;
    uint64_t padding = (32 - size % 32) % 32, behind = len - begin - size;
    if (!abi_is_zero(data + begin + size, padding < behind ? padding : behind))
        return HAWSE_E_FORMAT;
    out->offset = begin;
    out->len = size;
    out->count = size;
    return HAWSE_OK;
}

int32_t abi_tail_bytes(const uint8_t *data, uint64_t len, uint64_t head, hawse_abi_span_t *out)
{
    uint64_t at, size;
    int32_t result = abi_tail(data, len, head, &at, &size);
    return result == HAWSE_OK ? abi_bytes_at(data, len, at - 32, out) : result;
}

int32_t hawse_abi_bytes(const uint8_t *data, uint64_t len, uint64_t index, hawse_view_t *out)
{
    hawse_abi_span_t span;
    if (index >= len / 32)
        return HAWSE_E_RANGE;
    int32_t result = abi_tail_bytes(data, len, 32 * index, &span);
    if (result != HAWSE_OK)
        return result;
    out->data = data + span.offset;
    out->len = span.len;
    return HAWSE_OK;
}
