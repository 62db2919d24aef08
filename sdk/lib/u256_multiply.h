/*
 * The product of two 256-bit integers, in line, whole or checked; internal.
 */
#ifndef SDK_LIB_U256_MULTIPLY_H
#define SDK_LIB_U256_MULTIPLY_H

#include <hawse/types.h>

/* wide = a * b, row by row. With the loops laid out the sum stays in registers, and each limb is
 * stored once and alone: a compiler that joins two of them to one store has to wait for the first.
 */
static inline __attribute__((always_inline)) void
u256_multiply(const hawse_u256_t *a, const hawse_u256_t *b, uint64_t wide[8])
{
    hawse_u256_t x = *a, y = *b, sum = {{0, 0, 0, 0}};
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            unsigned __int128 t = (unsigned __int128)x.limb[i] * y.limb[j] + sum.limb[j] + carry;
            carry = (uint64_t)(t >> 64);
            if (j > 0)
                sum.limb[j - 1] = (uint64_t)t;
            else
                wide[i] = (uint64_t)t;
        }
        sum.limb[3] = carry;
    }
    for (int i = 0; i < 4; i++)
        wide[4 + i] = sum.limb[i];
}

/* *r = a * b modulo 2^256; not 0 when it did not fit. */
static inline __attribute__((always_inline)) uint32_t
u256_multiply_checked(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    uint64_t wide[8];
    u256_multiply(a, b, wide);
    *r = (hawse_u256_t){{wide[0], wide[1], wide[2], wide[3]}};
    return (wide[4] | wide[5] | wide[6] | wide[7]) != 0;
}

#endif
