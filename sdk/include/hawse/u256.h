/*
 * Exact 256-bit integers: least significant limb first, two's complement where signed.
 *
 * Every function is [any], allocates nothing and keeps nothing. Pointers are the caller's and are
 * only used during the call; results may be written over operands unless a line says otherwise.
 * Overflow is told, never silent, except where "modulo 2^256" is written. What begins with
 * hawse_u256_ reads its operands as unsigned, what begins with hawse_i256_ as signed.
 */
#ifndef HAWSE_U256_H
#define HAWSE_U256_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_U256_DECIMAL_MAX 80 /* room for any value in decimal, a sign and a NUL */

/* ---- making and reading ---- */

/* The value n. */
static inline hawse_u256_t hawse_u256(uint64_t n)
{
    hawse_u256_t r = {{n, 0, 0, 0}};
    return r;
}

/* The signed value n. */
static inline hawse_u256_t hawse_i256(int64_t n)
{
    uint64_t sign = n < 0 ? UINT64_MAX : 0;
    hawse_u256_t r = {{(uint64_t)n, sign, sign, sign}};
    return r;
}

/* high * 2^64 + low. */
static inline hawse_u256_t hawse_u256_from_u128(uint64_t low, uint64_t high)
{
    hawse_u256_t r = {{low, high, 0, 0}};
    return r;
}

/* 1 when a is 0, otherwise 0. */
static inline int32_t hawse_u256_is_zero(const hawse_u256_t *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

/* 1 when the sign bit is set, otherwise 0. */
static inline int32_t hawse_i256_is_negative(const hawse_u256_t *a)
{
    return (int32_t)(a->limb[3] >> 63);
}

/* Into a narrower type. HAWSE_E_RANGE: it does not fit; the result is not written then. */
static inline int32_t hawse_u256_to_u64(const hawse_u256_t *a, uint64_t *out)
{
    if ((a->limb[1] | a->limb[2] | a->limb[3]) != 0)
        return HAWSE_E_RANGE;
    *out = a->limb[0];
    return HAWSE_OK;
}

static inline int32_t hawse_u256_to_u128(const hawse_u256_t *a, uint64_t *low, uint64_t *high)
{
    if ((a->limb[2] | a->limb[3]) != 0)
        return HAWSE_E_RANGE;
    *low = a->limb[0];
    *high = a->limb[1];
    return HAWSE_OK;
}

static inline int32_t hawse_i256_to_i64(const hawse_u256_t *a, int64_t *out)
{
    uint64_t sign = a->limb[0] >> 63 ? UINT64_MAX : 0;
    if (((a->limb[1] ^ sign) | (a->limb[2] ^ sign) | (a->limb[3] ^ sign)) != 0)
        return HAWSE_E_RANGE;
    *out = (int64_t)a->limb[0];
    return HAWSE_OK;
}

/* 32 bytes, most significant first, as the EVM has them. */
void hawse_u256_from_be(const uint8_t bytes[32], hawse_u256_t *r);
void hawse_u256_to_be(const hawse_u256_t *a, uint8_t bytes[32]);

/* Nearest double, ties to even: for display and scores only, never for money. */
double hawse_u256_double(const hawse_u256_t *a);

/* ---- order and bits ---- */

/* -1, 0 or 1 as a is less than, equal to or greater than b. */
static inline int32_t hawse_u256_compare(const hawse_u256_t *a, const hawse_u256_t *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

static inline int32_t hawse_i256_compare(const hawse_u256_t *a, const hawse_u256_t *b)
{
    int32_t sign = hawse_i256_is_negative(a);
    if (sign != hawse_i256_is_negative(b))
        return sign ? -1 : 1;
    return hawse_u256_compare(a, b);
}

/* The operators &, |, ^ and ~ on all 256 bits. */
static inline void hawse_u256_and(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    for (int i = 0; i < 4; i++)
        r->limb[i] = a->limb[i] & b->limb[i];
}

static inline void hawse_u256_or(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    for (int i = 0; i < 4; i++)
        r->limb[i] = a->limb[i] | b->limb[i];
}

static inline void hawse_u256_xor(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    for (int i = 0; i < 4; i++)
        r->limb[i] = a->limb[i] ^ b->limb[i];
}

static inline void hawse_u256_not(const hawse_u256_t *a, hawse_u256_t *r)
{
    for (int i = 0; i < 4; i++)
        r->limb[i] = ~a->limb[i];
}

/* Number of bits up to the highest one that is set: 0 for 0, 256 at most. */
uint32_t hawse_u256_bit_length(const hawse_u256_t *a);

/* a * 2^bits modulo 2^256; floor(a / 2^bits). 256 bits and more give 0. */
void hawse_u256_shift_left(const hawse_u256_t *a, uint32_t bits, hawse_u256_t *r);
void hawse_u256_shift_right(const hawse_u256_t *a, uint32_t bits, hawse_u256_t *r);

/* floor(a / 2^bits) of a signed value: -1 >> n is -1. 256 bits and more give 0 or -1. */
void hawse_i256_shift_right(const hawse_u256_t *a, uint32_t bits, hawse_u256_t *r);

/* ---- arithmetic ---- */

/* r = a + b or a - b modulo 2^256; returns the carry or borrow (0 or 1). */
static inline uint32_t hawse_u256_add(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t x = a->limb[i], sum = x + b->limb[i], with = sum + carry;
        carry = (uint64_t)(sum < x) | (uint64_t)(with < sum);
        r->limb[i] = with;
    }
    return (uint32_t)carry;
}

static inline uint32_t hawse_u256_sub(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t x = a->limb[i], y = b->limb[i], rest = x - y, with = rest - borrow;
        borrow = (uint64_t)(x < y) | (uint64_t)(rest < borrow);
        r->limb[i] = with;
    }
    return (uint32_t)borrow;
}

/* wide[0..3] is the low, wide[4..7] the high half of a * b. */
void hawse_u256_mul(const hawse_u256_t *a, const hawse_u256_t *b, uint64_t wide[8]);

/* q = floor(a / b), r = a - q * b; either may be NULL. HAWSE_E_RANGE: b is 0. Nothing is written
 * then. */
int32_t hawse_u256_div(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *q,
                       hawse_u256_t *r);

/* floor(a * b / d), or the ceiling when round_up is not 0, with a 512-bit product. HAWSE_E_RANGE: d
 * is 0 or the quotient does not fit; q is not written then. */
int32_t hawse_u256_mul_div(const hawse_u256_t *a, const hawse_u256_t *b, const hawse_u256_t *d,
                           int32_t round_up, hawse_u256_t *q);

/* The largest r with r * r <= a. */
void hawse_u256_sqrt(const hawse_u256_t *a, hawse_u256_t *r);

/* -a modulo 2^256: the least value, -2^255, stays as it is. */
static inline void hawse_i256_negate(const hawse_u256_t *a, hawse_u256_t *r)
{
    hawse_u256_t zero = {{0, 0, 0, 0}};
    (void)hawse_u256_sub(&zero, a, r);
}

/* The magnitude of a signed value, to be read as unsigned: 2^255 for the least one. */
static inline void hawse_i256_magnitude(const hawse_u256_t *a, hawse_u256_t *r)
{
    if (hawse_i256_is_negative(a))
        hawse_i256_negate(a, r);
    else
        *r = *a;
}

/* q = a / b cut toward zero, r = a - q * b with the sign of a, as in C and in the EVM; either may
 * be NULL. HAWSE_E_RANGE: b is 0, or -2^255 / -1. Nothing is written then. */
int32_t hawse_i256_div(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *q,
                       hawse_u256_t *r);

/* ---- text ---- */

/* Decimal text with a NUL into out (HAWSE_U256_DECIMAL_MAX bytes); returns its length. */
uint32_t hawse_u256_decimal(const hawse_u256_t *a, char *out);
uint32_t hawse_i256_decimal(const hawse_u256_t *a, char *out);

/* 1 to 78 decimal digits and nothing else; the signed form may begin with '-'. HAWSE_E_FORMAT;
 * HAWSE_E_RANGE: it does not fit. r is not written then. */
int32_t hawse_u256_parse(const uint8_t *text, uint64_t len, hawse_u256_t *r);
int32_t hawse_i256_parse(const uint8_t *text, uint64_t len, hawse_u256_t *r);

/* "12", "0.015": an amount in whole units, into the smallest ones: r = text * 10^decimals, exactly.
 * Digits stand on both sides of the point, and there is no sign and no exponent. HAWSE_E_FORMAT;
 * HAWSE_E_RANGE: it does not fit, or is finer than one smallest unit; HAWSE_E_INVAL: decimals above
 * 77. r is not written then. */
int32_t hawse_u256_parse_units(const uint8_t *text, uint64_t len, uint32_t decimals,
                               hawse_u256_t *r);

#define HAWSE_FORMAT_SIGNED 1u /* a is signed */
#define HAWSE_FORMAT_ZEROS  2u /* zeros at the end of the fraction stay */

/* a / 10^decimals as text with a NUL, of `cap` bytes at most: 1234500000000000000 with 18 decimals
 * is "1.2345". At most `digits` digits stand behind the point (UINT32_MAX: all); what follows them
 * is cut off, toward zero. Zeros at the end of the fraction are left out, and so is the point when
 * nothing follows it; with HAWSE_FORMAT_ZEROS exactly min(decimals, digits) digits stand there.
 * What shows as 0 has no sign. Returns the length. HAWSE_E_INVAL: decimals above 255 or an unknown
 * flag; HAWSE_E_NOSPACE. Nothing is written then. */
int32_t hawse_u256_format(const hawse_u256_t *a, uint32_t flags, uint32_t decimals, uint32_t digits,
                          char *out, uint64_t cap);

/* hawse_u256_format without errors: signed when is_signed is not 0, zeros left out, decimals above
 * 77 taken as 77; out has HAWSE_U256_DECIMAL_MAX + 4 bytes. Returns the length. */
uint32_t hawse_u256_units(const hawse_u256_t *a, int32_t is_signed, uint32_t decimals,
                          uint32_t digits, char *out);

#ifdef __cplusplus
}
#endif
#endif
