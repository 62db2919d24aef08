/*
 * What words and logs share when they are decoded; internal.
 */
#ifndef SDK_LIB_ABI_VALUE_H
#define SDK_LIB_ABI_VALUE_H

#include <hawse/abi.h>
#include <hawse/u256.h>

#include <string.h>

/* Is n below 2^bits, 1 <= bits <= 256? */
static inline int abi_fits_uint(const hawse_u256_t *n, uint32_t bits)
{
    uint64_t above = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t begin = 64 * i;
        if (bits <= begin)
            above |= n->limb[i];
        else if (bits < begin + 64)
            above |= n->limb[i] >> (bits - begin);
    }
    return above == 0;
}

/* Are bit bits - 1 of n and all above it the same? */
static inline int abi_fits_int(const hawse_u256_t *n, uint32_t bits)
{
    uint32_t top = (bits - 1) / 64;
    uint64_t sign = (uint64_t)((int64_t)n->limb[top] >> ((bits - 1) % 64)), differs = 0;
    for (uint32_t i = top + 1; i < 4; i++)
        differs |= n->limb[i] ^ sign;
    return (sign == 0 || sign == UINT64_MAX) && differs == 0;
}

/* Is n a number of that kind, UINT or INT, of `size` bytes? */
static inline int abi_fits(uint32_t kind, uint32_t size, const hawse_u256_t *n)
{
    return kind == HAWSE_ABI_INT ? abi_fits_int(n, 8 * size) : abi_fits_uint(n, 8 * size);
}

/* A word that counts bytes or elements; what does not fit into 64 bits is beyond any data. */
uint64_t abi_small_number(const uint8_t word[32]);

int abi_is_zero(const uint8_t *p, uint64_t len);

/* The value of a word by v's kind and size. HAWSE_E_FORMAT: not one of that type. */
static inline int32_t abi_decode_word(const uint8_t *word, hawse_abi_value_t *v)
{
    hawse_u256_t n;
    hawse_u256_from_be(word, &n);
    switch (v->kind) {
    case HAWSE_ABI_UINT:
    case HAWSE_ABI_INT:
        v->as.number = n;
        return abi_fits(v->kind, v->size, &n) ? HAWSE_OK : HAWSE_E_FORMAT;
    case HAWSE_ABI_BOOL:
        v->as.number = n;
        return abi_fits_uint(&n, 1) ? HAWSE_OK : HAWSE_E_FORMAT;
    case HAWSE_ABI_ADDRESS:
        memset(v->as.bytes + 20, 0, 12);
        memcpy(v->as.bytes, word + 12, 20);
        return abi_fits_uint(&n, 160) ? HAWSE_OK : HAWSE_E_FORMAT;
    case HAWSE_ABI_FIXED_BYTES:
        memcpy(v->as.bytes, word, 32);
        return abi_is_zero(word + v->size, 32u - v->size) ? HAWSE_OK : HAWSE_E_FORMAT;
    default:
        return HAWSE_E_INVAL;
    }
}

/* Follows the offset in the word at `head`: *at is the first byte behind the length word there, and
 * *count what that word says, unchecked. HAWSE_E_RANGE. */
int32_t abi_tail(const uint8_t *data, uint64_t len, uint64_t head, uint64_t *at, uint64_t *count);

/* The bytes or string whose length word stands at `at`. HAWSE_E_RANGE; HAWSE_E_FORMAT. */
int32_t abi_bytes_at(const uint8_t *data, uint64_t len, uint64_t at, hawse_abi_span_t *out);

/* The bytes or string whose offset stands at `head`. HAWSE_E_RANGE; HAWSE_E_FORMAT. */
int32_t abi_tail_bytes(const uint8_t *data, uint64_t len, uint64_t head, hawse_abi_span_t *out);

#endif
