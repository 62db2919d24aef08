/*
 * Division of up to 512 by up to 256 bits; see hawse/u256.h.
 *
 * The schoolbook method with one quotient limb at a time. Each limb is found by a multiplication
 * with the reciprocal of the divisor's highest one or two limbs, so that the slow division of the
 * CPU is used once and not once per limb. Source: N. Moeller and T. Granlund, "Improved division by
 * invariant integers", IEEE Transactions on Computers 60 (2011), algorithms 4 to 6.
 */
#include "u256_multiply.h"

#include <hawse/u256.h>

#include <string.h>

typedef unsigned __int128 u128;

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS uint64_t high(u128 n)
{
    return (uint64_t)(n >> 64);
}

ALWAYS int length(const uint64_t *n, int max)
{
    while (max > 0 && n[max - 1] == 0)
        max--;
    return max;
}

/* floor((2^128 - 1) / d) - 2^64; d has its high bit set. */
ALWAYS uint64_t reciprocal_of_limb(uint64_t d)
{
#if defined(__x86_64__)
    uint64_t quotient, rest; /* it fits: ~d < d */
    __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "a"(UINT64_MAX), "d"(~d), "r"(d) : "cc");
    return quotient;
#else
    return (uint64_t)(((u128)~d << 64 | UINT64_MAX) / d);
#endif
}

/* floor((2^192 - 1) / d) - 2^64; d has its high bit set. Algorithm 6. */
ALWAYS uint64_t reciprocal_of_pair(u128 d)
{
    uint64_t d1 = high(d), d0 = (uint64_t)d, v = reciprocal_of_limb(d1);
    uint64_t p = d1 * v + d0;
    if (p < d0) {
        v--;
        if (p >= d1) {
            v--;
            p -= d1;
        }
        p -= d1;
    }
    u128 t = (u128)v * d0;
    p += high(t);
    if (p < high(t)) {
        v--;
        if (((u128)p << 64 | (uint64_t)t) >= d)
            v--;
    }
    return v;
}

/* One limb of the quotient of (*rest, low) by d, *rest < d. Algorithm 4. */
ALWAYS uint64_t step_by_limb(uint64_t *rest, uint64_t low, uint64_t d, uint64_t v)
{
    u128 guess = (u128)v * *rest + ((u128)*rest << 64 | low);
    uint64_t q = high(guess) + 1, r = low - q * d;
    if (r > (uint64_t)guess) {
        q--;
        r += d;
    }
    if (__builtin_expect(r >= d, 0)) {
        q++;
        r -= d;
    }
    *rest = r;
    return q;
}

/* One limb of the quotient of (*rest, low) by d, *rest < d, both of two limbs. Algorithm 5. */
ALWAYS uint64_t step_by_pair(u128 *rest, uint64_t low, u128 d, uint64_t v)
{
    u128 guess = (u128)v * high(*rest) + *rest;
    uint64_t q = high(guess);
    u128 r = (u128)((uint64_t)*rest - q * high(d)) << 64 | low;
    r -= (u128)q * (uint64_t)d + d;
    q++;
    if (high(r) >= (uint64_t)guess) {
        q--;
        r += d;
    }
    if (__builtin_expect(r >= d, 0)) {
        q++;
        r -= d;
    }
    *rest = r;
    return q;
}

/* n - q * d on `len` limbs in place; returns what is to be borrowed from above. */
ALWAYS uint64_t subtract_product(uint64_t *n, const uint64_t *d, int len, uint64_t q)
{
    uint64_t carry = 0;
    for (int i = 0; i < len; i++) {
        u128 product = (u128)q * d[i] + carry;
        carry = high(product) + (n[i] < (uint64_t)product);
        n[i] -= (uint64_t)product;
    }
    return carry;
}

ALWAYS uint64_t add_back(uint64_t *n, const uint64_t *d, int len)
{
    uint64_t carry = 0;
    for (int i = 0; i < len; i++) {
        u128 sum = (u128)n[i] + d[i] + carry;
        n[i] = (uint64_t)sum;
        carry = high(sum);
    }
    return carry;
}

/* q[0 .. n_len - d_len] and, in n[0 .. d_len - 1], the remainder. n has n_len + 1 limbs; the
 * highest of the d_len >= 2 limbs of d has its high bit set, and n[n_len] is below it. */
ALWAYS void divide_normalized(uint64_t *n, int n_len, const uint64_t *d, int d_len, uint64_t *q)
{
    u128 pair = (u128)d[d_len - 1] << 64 | d[d_len - 2];
    uint64_t v = reciprocal_of_pair(pair);
    for (int j = n_len - d_len; j >= 0; j--) {
        uint64_t *part = n + j; /* d_len + 1 limbs */
        u128 rest = (u128)part[d_len] << 64 | part[d_len - 1];
        if (__builtin_expect(rest == pair, 0)) { /* the guess would not fit into a limb */
            q[j] = UINT64_MAX;
            part[d_len] -= subtract_product(part, d, d_len, UINT64_MAX);
        } else {
            q[j] = step_by_pair(&rest, part[d_len - 2], pair, v);
            uint64_t borrow = subtract_product(part, d, d_len - 2, q[j]);
            uint64_t below = rest < borrow;
            rest -= borrow;
            part[d_len - 2] = (uint64_t)rest;
            part[d_len - 1] = high(rest);
            part[d_len] = 0 - below;
        }
        if (__builtin_expect(part[d_len] != 0, 0)) {
            q[j]--;
            part[d_len] += add_back(part, d, d_len);
        }
    }
}

static void divide_by_limb(const uint64_t *n, int n_len, uint64_t d, uint64_t *q, uint64_t *rest)
{
    int shift = __builtin_clzll(d);
    uint64_t normal = d << shift, v = reciprocal_of_limb(normal);
    uint64_t r = n_len > 0 && shift ? n[n_len - 1] >> (64 - shift) : 0;
    for (int i = n_len - 1; i >= 0; i--) {
        uint64_t below = shift && i > 0 ? n[i - 1] >> (64 - shift) : 0;
        q[i] = step_by_limb(&r, n[i] << shift | below, normal, v);
    }
    *rest = r >> shift;
}

/* The same for divisors of 2 to 4 limbs; n has n_len >= d_len limbs. */
ALWAYS void divide_by_limbs(const uint64_t *n, int n_len, const uint64_t *d, int d_len, uint64_t *q,
                            uint64_t *rest)
{
    int shift = __builtin_clzll(d[d_len - 1]);
    uint64_t u[9], v[4];
    if (shift) {
        u[n_len] = n[n_len - 1] >> (64 - shift);
        for (int i = n_len - 1; i > 0; i--)
            u[i] = n[i] << shift | n[i - 1] >> (64 - shift);
        for (int i = d_len - 1; i > 0; i--)
            v[i] = d[i] << shift | d[i - 1] >> (64 - shift);
        u[0] = n[0] << shift;
        v[0] = d[0] << shift;
    } else {
        memcpy(u, n, (size_t)n_len * sizeof(u[0]));
        memcpy(v, d, (size_t)d_len * sizeof(v[0]));
        u[n_len] = 0;
    }
    divide_normalized(u, n_len, v, d_len, q);
    for (int i = 0; i < d_len; i++)
        rest[i] = u[i] >> shift | (shift && i < d_len - 1 ? u[i + 1] << (64 - shift) : 0);
}

/* q and the remainder of n[0..7] by d, which is not 0. The number of limbs is a constant in each
 * branch, so that the compiler lays the loops out. */
static void divide(const uint64_t n[8], const hawse_u256_t *d, uint64_t q[8], hawse_u256_t *rest)
{
    int n_len = length(n, 8), d_len = length(d->limb, 4);
    memset(q, 0, 8 * sizeof(q[0]));
    memset(rest, 0, sizeof(*rest));
    if (n_len < d_len)
        memcpy(rest->limb, n, 4 * sizeof(n[0]));
    else if (d_len == 1)
        divide_by_limb(n, n_len, d->limb[0], q, &rest->limb[0]);
    else if (d_len == 2)
        divide_by_limbs(n, n_len, d->limb, 2, q, rest->limb);
    else if (d_len == 3)
        divide_by_limbs(n, n_len, d->limb, 3, q, rest->limb);
    else
        divide_by_limbs(n, n_len, d->limb, 4, q, rest->limb);
}

int32_t hawse_u256_div(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *q,
                       hawse_u256_t *r)
{
    uint64_t n[8] = {a->limb[0], a->limb[1], a->limb[2], a->limb[3]}, quotient[8];
    hawse_u256_t rest;
    if (hawse_u256_is_zero(b))
        return HAWSE_E_RANGE;
    divide(n, b, quotient, &rest);
    if (q)
        memcpy(q->limb, quotient, sizeof(q->limb));
    if (r)
        *r = rest;
    return HAWSE_OK;
}

/* Limb `at` of wide >> shift. */
ALWAYS uint64_t shifted_limb(const uint64_t wide[8], int at, int shift)
{
    return wide[at] >> shift | (shift ? wide[at + 1] << (64 - shift) : 0);
}

/* wide / 2^bits, which fits; 1 when bits were cut off. */
static uint64_t divide_by_power(const uint64_t wide[8], int bits, hawse_u256_t *q)
{
    int limbs = bits / 64, shift = bits % 64;
    uint64_t cut = wide[limbs] & ~(UINT64_MAX << shift);
    for (int i = 0; i < limbs; i++)
        cut |= wide[i];
    for (int i = 0; i < 4; i++)
        q->limb[i] = shifted_limb(wide, limbs + i, shift);
    return cut != 0;
}

/* n when d is 2^n, otherwise -1. */
ALWAYS int power_of_two(const hawse_u256_t *d)
{
    int set = 0, at = 0;
    for (int i = 0; i < 4; i++) {
        if (d->limb[i] == 0)
            continue;
        set += (d->limb[i] & (d->limb[i] - 1)) ? 2 : 1;
        at = 64 * i + __builtin_ctzll(d->limb[i]);
    }
    return set == 1 ? at : -1;
}

int32_t hawse_u256_mul_div(const hawse_u256_t *a, const hawse_u256_t *b, const hawse_u256_t *d,
                           int32_t round_up, hawse_u256_t *q)
{
    uint64_t wide[8], quotient[8], cut;
    hawse_u256_t rest, result;
    u256_multiply(a, b, wide);
    hawse_u256_t top = {{wide[4], wide[5], wide[6], wide[7]}};
    if (hawse_u256_compare(&top, d) >= 0) /* too large, or d is 0 */
        return HAWSE_E_RANGE;
    int power = power_of_two(d);
    if (power >= 0) {
        cut = divide_by_power(wide, power, &result);
    } else {
        divide(wide, d, quotient, &rest);
        memcpy(result.limb, quotient, sizeof(result.limb));
        cut = !hawse_u256_is_zero(&rest);
    }
    hawse_u256_t one = hawse_u256(1);
    if (round_up && cut && hawse_u256_add(&result, &one, &result))
        return HAWSE_E_RANGE;
    *q = result;
    return HAWSE_OK;
}

int32_t hawse_i256_div(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *q,
                       hawse_u256_t *r)
{
    hawse_u256_t n, d, quotient, rest;
    int32_t a_sign = hawse_i256_is_negative(a), sign = a_sign ^ hawse_i256_is_negative(b);
    hawse_i256_magnitude(a, &n);
    hawse_i256_magnitude(b, &d);
    if (hawse_u256_div(&n, &d, &quotient, &rest) != HAWSE_OK)
        return HAWSE_E_RANGE;
    if (!sign && hawse_i256_is_negative(&quotient)) /* 2^255 */
        return HAWSE_E_RANGE;
    if (sign)
        hawse_i256_negate(&quotient, &quotient);
    if (a_sign)
        hawse_i256_negate(&rest, &rest);
    if (q)
        *q = quotient;
    if (r)
        *r = rest;
    return HAWSE_OK;
}
