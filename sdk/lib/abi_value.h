/*
 * What words and logs share when they are decoded; internal.
 */
#ifndef SDK_LIB_ABI_VALUE_H
#define SDK_LIB_ABI_VALUE_H

#include <hawse/abi.h>

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

int abi_is_zero(const uint8_t *p, uint64_t len);

/* Follows the offset in the word at `head`: *at is the first byte behind the length word there, and
 * *count what that word says, unchecked. HAWSE_E_RANGE. */
int32_t abi_tail(const uint8_t *data, uint64_t len, uint64_t head, uint64_t *at, uint64_t *count);

/* The bytes or string whose offset stands at `head`. HAWSE_E_RANGE; HAWSE_E_FORMAT. */
int32_t abi_tail_bytes(const uint8_t *data, uint64_t len, uint64_t head, hawse_abi_span_t *out);

#endif
