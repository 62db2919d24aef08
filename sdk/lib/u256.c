/*
 * Bits, products and roots of 256-bit integers; see hawse/u256.h. Division is in u256_divide.c,
 * text in u256_text.c.
 */
#include "u256_multiply.h"

#include <hawse/u256.h>

#include <string.h>

void hawse_u256_from_be(const uint8_t bytes[32], hawse_u256_t *r)
{
    for (int i = 0; i < 4; i++) {
        uint64_t word;
        memcpy(&word, bytes + 24 - 8 * i, 8);
        r->limb[i] = __builtin_bswap64(word);
    }
}

void hawse_u256_to_be(const hawse_u256_t *a, uint8_t bytes[32])
{
    for (int i = 0; i < 4; i++) {
        uint64_t word = __builtin_bswap64(a->limb[i]);
        memcpy(bytes + 24 - 8 * i, &word, 8);
    }
}

uint32_t hawse_u256_bit_length(const hawse_u256_t *a)
{
    for (uint32_t i = 4; i > 0; i--) {
        if (a->limb[i - 1] != 0)
            return 64 * i - (uint32_t)__builtin_clzll(a->limb[i - 1]);
    }
    return 0;
}

/* Limb i of a, counted from any place: zeros below, `above` over it. */
static inline uint64_t limb_at(const hawse_u256_t *a, int64_t i, uint64_t above)
{
    if (i < 0)
        return 0;
    return i > 3 ? above : a->limb[i];
}

void hawse_u256_shift_left(const hawse_u256_t *a, uint32_t bits, hawse_u256_t *r)
{
    hawse_u256_t from = *a;
    int64_t limbs = bits / 64;
    uint32_t rest = bits % 64;
    for (int i = 0; i < 4; i++) {
        uint64_t low = rest ? limb_at(&from, i - limbs - 1, 0) >> (64 - rest) : 0;
        r->limb[i] = limb_at(&from, i - limbs, 0) << rest | low;
    }
}

static void shift_right(const hawse_u256_t *a, uint32_t bits, uint64_t above, hawse_u256_t *r)
{
    hawse_u256_t from = *a;
    int64_t limbs = bits / 64;
    uint32_t rest = bits % 64;
    for (int i = 0; i < 4; i++) {
        uint64_t high = rest ? limb_at(&from, i + limbs + 1, above) << (64 - rest) : 0;
        r->limb[i] = limb_at(&from, i + limbs, above) >> rest | high;
    }
}

void hawse_u256_shift_right(const hawse_u256_t *a, uint32_t bits, hawse_u256_t *r)
{
    shift_right(a, bits, 0, r);
}

void hawse_i256_shift_right(const hawse_u256_t *a, uint32_t bits, hawse_u256_t *r)
{
    shift_right(a, bits, hawse_i256_is_negative(a) ? UINT64_MAX : 0, r);
}

void hawse_u256_mul(const hawse_u256_t *a, const hawse_u256_t *b, uint64_t wide[8])
{
    u256_multiply(a, b, wide);
}

/* Newton's iteration from above: every step stays at or above the root and falls until it is
 * there. It begins at the least power of two that is not below the root. */
void hawse_u256_sqrt(const hawse_u256_t *a, hawse_u256_t *r)
{
    hawse_u256_t one = hawse_u256(1), root = *a, next = one;
    if (hawse_u256_compare(a, &one) > 0) {
        hawse_u256_shift_left(&one, (hawse_u256_bit_length(a) + 1) / 2, &next);
        do {
            root = next;
            (void)hawse_u256_div(a, &root, &next, NULL);
            (void)hawse_u256_add(&next, &root, &next); /* below 2^256: both are near 2^128 */
            hawse_u256_shift_right(&next, 1, &next);
        } while (hawse_u256_compare(&next, &root) < 0);
    }
    *r = root;
}

/* The highest 64 bits, with a last bit that says whether anything was cut off, convert with one
 * rounding; the power of two that is left out is exact. */
double hawse_u256_double(const hawse_u256_t *a)
{
    uint32_t bits = hawse_u256_bit_length(a);
    if (bits <= 64)
        return (double)a->limb[0];
    hawse_u256_t top, back;
    hawse_u256_shift_right(a, bits - 64, &top);
    hawse_u256_shift_left(&top, bits - 64, &back);
    uint64_t sticky = hawse_u256_compare(&back, a) != 0;
    uint64_t scale_bits = (uint64_t)(1023 + bits - 64) << 52;
    double scale;
    memcpy(&scale, &scale_bits, sizeof(scale));
    return (double)(top.limb[0] | sticky) * scale;
}
