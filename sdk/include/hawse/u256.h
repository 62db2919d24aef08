/*
 * Exact 256-bit integers: least significant limb first, two's complement where signed. All
 * functions are [any]; none allocates. Overflow is told, never silent.
 */
#ifndef HAWSE_U256_H
#define HAWSE_U256_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_U256_DECIMAL_MAX 80 /* room for any value in decimal, a sign and a NUL */

static inline hawse_u256_t hawse_u256(uint64_t n)
{
    hawse_u256_t r = {{n, 0, 0, 0}};
    return r;
}

static inline int32_t hawse_u256_is_zero(const hawse_u256_t *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

/* -1, 0 or 1. */
int32_t hawse_u256_compare(const hawse_u256_t *a, const hawse_u256_t *b);

/* r = a + b or a - b modulo 2^256; returns the carry or borrow (0 or 1). r may be a or b. */
uint32_t hawse_u256_add(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r);
uint32_t hawse_u256_sub(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r);

/* wide[0..3] is the low, wide[4..7] the high half of a * b. */
void hawse_u256_mul(const hawse_u256_t *a, const hawse_u256_t *b, uint64_t wide[8]);

/* q = a / b, r = a % b; either may be NULL. HAWSE_E_RANGE: b is 0. */
int32_t hawse_u256_div(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *q,
                       hawse_u256_t *r);

/* floor(a * b / d), or the ceiling when round_up is not 0, with a 512-bit product. HAWSE_E_RANGE: d
 * is 0 or the quotient does not fit. */
int32_t hawse_u256_mul_div(const hawse_u256_t *a, const hawse_u256_t *b, const hawse_u256_t *d,
                           int32_t round_up, hawse_u256_t *q);

/* Two's complement. */
static inline int32_t hawse_i256_is_negative(const hawse_u256_t *a)
{
    return (int32_t)(a->limb[3] >> 63);
}
void hawse_i256_negate(const hawse_u256_t *a, hawse_u256_t *r);

/* 32 bytes, most significant first, as the EVM has them. */
void hawse_u256_from_be(const uint8_t bytes[32], hawse_u256_t *r);
void hawse_u256_to_be(const hawse_u256_t *a, uint8_t bytes[32]);

/* Decimal text with a NUL into out (HAWSE_U256_DECIMAL_MAX bytes); returns its length. */
uint32_t hawse_u256_decimal(const hawse_u256_t *a, char *out);
uint32_t hawse_i256_decimal(const hawse_u256_t *a, char *out);

/* 1 to 78 decimal digits. HAWSE_E_FORMAT; HAWSE_E_RANGE. */
int32_t hawse_u256_parse(const uint8_t *text, uint64_t len, hawse_u256_t *r);

/* The value as a decimal fraction: a / 10^decimals (decimals at most 77) with at most `digits`
 * fraction digits, cut toward zero, trailing zeros left out; negative when is_signed and the sign
 * bit is set. For display only. Writes a NUL; out has HAWSE_U256_DECIMAL_MAX + 4 bytes. Returns the
 * length. */
uint32_t hawse_u256_units(const hawse_u256_t *a, int32_t is_signed, uint32_t decimals,
                          uint32_t digits, char *out);

/* Nearest double, for display and scores only. */
double hawse_u256_double(const hawse_u256_t *a);

#ifdef __cplusplus
}
#endif
#endif
