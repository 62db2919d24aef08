/*
 * x^y = e^(y ln x) in fixed point, cut exactly where Balancer's LogExpMath cuts; see
 * hawse/amm/balancer.h. The contract's numbers are signed; here a sign is kept beside a magnitude,
 * which cuts toward zero just as the EVM's signed division does.
 *
 * e^x and ln x are taken apart into known powers e^(2^k); what is left goes into a short series.
 */
#include "fixed.h"

struct known_power {
    hawse_u256_t exponent, power; /* power = e^exponent */
};

/* e^32 to e^(1/16), 20 decimals */
static const struct known_power parts[10] = {
    {{{0x78ebc5ac62000000u, 0xadu, 0, 0}}, {{0xf805980ff0084000u, 0x1855144814a7fu, 0, 0}}},
    {{{0xbc75e2d631000000u, 0x56u, 0, 0}}, {{0xa80a22c61ab5a700u, 0x2df0ab5u, 0, 0}}},
    {{{0x5e3af16b18800000u, 0x2bu, 0, 0}}, {{0xce3da636ea5cf850u, 0x3f1fu, 0, 0}}},
    {{{0xaf1d78b58c400000u, 0x15u, 0, 0}}, {{0xfa27722cc06cc5e2u, 0x127u, 0, 0}}},
    {{{0xd78ebc5ac6200000u, 0xau, 0, 0}}, {{0x0e60114edb805d03u, 0x28u, 0, 0}}},
    {{{0x6bc75e2d63100000u, 0x5u, 0, 0}}, {{0xbc5fb41746121110u, 0xeu, 0, 0}}},
    {{{0xb5e3af16b1880000u, 0x2u, 0, 0}}, {{0xf00f760a4b2db55du, 0x8u, 0, 0}}},
    {{{0x5af1d78b58c40000u, 0x1u, 0, 0}}, {{0xf5f1775788937937u, 0x6u, 0, 0}}},
    {{{0xad78ebc5ac620000u, 0, 0, 0}}, {{0x248f33704b286603u, 0x6u, 0, 0}}},
    {{{0x56bc75e2d6310000u, 0, 0, 0}}, {{0xc548670b9510e7acu, 0x5u, 0, 0}}},
};
enum { EXP_PARTS = 8, LN_PARTS = 10, EXP_TERMS = 12, LN_TERMS = 11, LN_36_TERMS = 15 };

/* e^128 and e^64: the exponent has 18 decimals, the power none */
static const struct known_power large[2] = {
    {{{0xf05b59d3b2000000u, 0x6u, 0, 0}},
     {{0x0262827000000000u, 0xf53a27172fa9ec63u, 0x0195e54c5dd42177u, 0}}},
    {{{0x782dace9d9000000u, 0x3u, 0, 0}}, {{0xf597cd205cef7380u, 0x1425982cu, 0, 0}}},
};

static const hawse_u256_t one_20 = {{0x6bc75e2d63100000u, 0x5u, 0, 0}};
static const hawse_u256_t one_36 = {{0xb34b9f1000000000u, 0x00c097ce7bc90715u, 0, 0}};

/* a * b / d, cut. Every product of this file fits 256 bits, as it must in the contract. */
static hawse_u256_t scale(const hawse_u256_t *a, const hawse_u256_t *b, const hawse_u256_t *d)
{
    hawse_u256_t q = {{0, 0, 0, 0}};
    (void)hawse_u256_mul_div(a, b, d, 0, &q);
    return q;
}

static hawse_u256_t times(const hawse_u256_t *a, uint64_t n)
{
    hawse_u256_t factor = hawse_u256(n), r;
    (void)u256_multiply_checked(a, &factor, &r);
    return r;
}

static hawse_u256_t part(const hawse_u256_t *a, uint64_t n)
{
    hawse_u256_t d = hawse_u256(n), q;
    (void)hawse_u256_div(a, &d, &q, NULL);
    return q;
}

static int32_t at_least(const hawse_u256_t *a, const hawse_u256_t *b)
{
    return hawse_u256_compare(a, b) >= 0;
}

/* e^x of x >= 0 with 18 decimals, at most 130. */
static hawse_u256_t exponential(const hawse_u256_t *exponent)
{
    hawse_u256_t x = *exponent, product = one_20, sum = one_20, term, first = hawse_u256(1);
    for (int i = 0; i < 2; i++) {
        if (at_least(&x, &large[i].exponent)) {
            (void)hawse_u256_sub(&x, &large[i].exponent, &x);
            first = large[i].power;
            break;
        }
    }
    x = times(&x, 100);
    for (int i = 0; i < EXP_PARTS; i++) {
        if (at_least(&x, &parts[i].exponent)) {
            (void)hawse_u256_sub(&x, &parts[i].exponent, &x);
            product = scale(&product, &parts[i].power, &one_20);
        }
    }
    term = x;
    (void)hawse_u256_add(&sum, &term, &sum);
    for (uint64_t n = 2; n <= EXP_TERMS; n++) {
        term = scale(&term, &x, &one_20);
        term = part(&term, n);
        (void)hawse_u256_add(&sum, &term, &sum);
    }
    product = scale(&product, &sum, &one_20);
    hawse_u256_t hundred = hawse_u256(100);
    return scale(&product, &first, &hundred);
}

/* 2 * (z + z^3/3 + z^5/5 + ...) up to the given power, in units of `one`. */
static hawse_u256_t area_series(const hawse_u256_t *z, const hawse_u256_t *one, uint64_t last)
{
    hawse_u256_t squared = scale(z, z, one), power = *z, sum = *z, term;
    for (uint64_t n = 3; n <= last; n += 2) {
        power = scale(&power, &squared, one);
        term = part(&power, n);
        (void)hawse_u256_add(&sum, &term, &sum);
    }
    return times(&sum, 2);
}

/* (a - one) / (a + one); *negative tells its sign. */
static hawse_u256_t area_argument(const hawse_u256_t *a, const hawse_u256_t *one, int32_t *negative)
{
    hawse_u256_t above, below;
    *negative = hawse_u256_compare(a, one) < 0;
    (void)hawse_u256_sub(*negative ? one : a, *negative ? a : one, &above);
    (void)hawse_u256_add(a, one, &below);
    return scale(&above, one, &below);
}

/* |ln a|, 18 decimals, for a > 0; *negative tells its sign. */
static hawse_u256_t logarithm(const hawse_u256_t *number, int32_t *negative)
{
    hawse_u256_t a = *number, one = fixed_one(), sum = hawse_u256(0), q;
    *negative = hawse_u256_compare(&a, &one) < 0;
    if (*negative)
        (void)hawse_u256_div(&one_36, &a, &a, NULL);
    for (int i = 0; i < 2; i++) {
        hawse_u256_t border;
        (void)u256_multiply_checked(&large[i].power, &one, &border);
        if (at_least(&a, &border)) {
            (void)hawse_u256_div(&a, &large[i].power, &a, NULL);
            (void)hawse_u256_add(&sum, &large[i].exponent, &sum);
        }
    }
    sum = times(&sum, 100);
    a = times(&a, 100);
    for (int i = 0; i < LN_PARTS; i++) {
        if (at_least(&a, &parts[i].power)) {
            a = scale(&a, &one_20, &parts[i].power);
            (void)hawse_u256_add(&sum, &parts[i].exponent, &sum);
        }
    }
    int32_t below; /* a >= 1 here */
    q = area_argument(&a, &one_20, &below);
    q = area_series(&q, &one_20, LN_TERMS);
    (void)hawse_u256_add(&sum, &q, &sum);
    return part(&sum, 100);
}

/* |ln a| with 36 decimals for a near 1; *negative tells its sign. */
static hawse_u256_t logarithm_36(const hawse_u256_t *number, int32_t *negative)
{
    hawse_u256_t one = fixed_one(), a, z;
    (void)u256_multiply_checked(number, &one, &a);
    z = area_argument(&a, &one_36, negative);
    return area_series(&z, &one_36, LN_36_TERMS);
}

/* |y ln x|, 18 decimals */
static hawse_u256_t scaled_logarithm(const hawse_u256_t *x, const hawse_u256_t *y,
                                     int32_t *negative)
{
    static const hawse_u256_t from = {{900000000000000000u, 0, 0, 0}};
    static const hawse_u256_t to = {{1100000000000000000u, 0, 0, 0}};
    hawse_u256_t one = fixed_one(), ln, product;
    if (hawse_u256_compare(&from, x) >= 0 || hawse_u256_compare(x, &to) >= 0) {
        ln = logarithm(x, negative);
        (void)u256_multiply_checked(&ln, y, &product);
    } else {
        hawse_u256_t whole, rest;
        ln = logarithm_36(x, negative);
        (void)hawse_u256_div(&ln, &one, &whole, &rest);
        (void)u256_multiply_checked(&whole, y, &product);
        rest = scale(&rest, y, &one);
        (void)hawse_u256_add(&product, &rest, &product);
    }
    (void)hawse_u256_div(&product, &one, &product, NULL);
    return product;
}

static bal_t power(const hawse_u256_t *x, const hawse_u256_t *y, hawse_u256_t *r)
{
    static const hawse_u256_t y_end = {
        {0x4181ea8059f76532u, 0xa88f4bb1ca6bcf58u, 0x0bce5086492111aeu, 0}};
    static const hawse_u256_t lowest = {{0x38fd42c5cf040000u, 0x2u, 0, 0}};  /* 41 */
    static const hawse_u256_t highest = {{0x0c1cc73b00c80000u, 0x7u, 0, 0}}; /* 130 */
    int32_t negative;
    if (hawse_u256_is_zero(y)) {
        *r = fixed_one();
        return FINE;
    }
    if (hawse_u256_is_zero(x)) {
        *r = hawse_u256(0);
        return FINE;
    }
    if (hawse_i256_is_negative(x))
        return FAILS(HAWSE_BAL_X_OUT_OF_BOUNDS);
    if (at_least(y, &y_end))
        return FAILS(HAWSE_BAL_Y_OUT_OF_BOUNDS);
    hawse_u256_t exponent = scaled_logarithm(x, y, &negative);
    if (hawse_u256_compare(&exponent, negative ? &lowest : &highest) > 0)
        return FAILS(HAWSE_BAL_PRODUCT_OUT);
    *r = exponential(&exponent);
    if (negative)
        (void)hawse_u256_div(&one_36, r, r, NULL);
    return FINE;
}

/* x^n for the exponents 1, 2 and 4; 0 when y is none of these. */
static bal_t multiplied_out(const hawse_u256_t *x, const hawse_u256_t *y, int32_t round_up,
                            hawse_u256_t *r, int32_t *done)
{
    hawse_u256_t n = fixed_one();
    *done = 1;
    if (hawse_u256_compare(y, &n) == 0) {
        *r = *x;
        return FINE;
    }
    n = times(&n, 2);
    if (hawse_u256_compare(y, &n) == 0)
        return fixed_mul(x, x, round_up, r);
    n = times(&n, 2);
    *done = hawse_u256_compare(y, &n) == 0;
    if (!*done)
        return FINE;
    hawse_u256_t square;
    TRY(fixed_mul(x, x, round_up, &square));
    return fixed_mul(&square, &square, round_up, r);
}

/* The power and the greatest error of pow: 10^-14 of it, rounded up, and one. */
static bal_t power_and_error(const hawse_u256_t *x, const hawse_u256_t *y, hawse_u256_t *raw,
                             hawse_u256_t *error)
{
    hawse_u256_t relative = hawse_u256(10000), one = hawse_u256(1);
    TRY(power(x, y, raw));
    TRY(fixed_mul(raw, &relative, 1, error));
    return bal_add(error, &one, error);
}

bal_t fixed_pow_up(const hawse_u256_t *x, const hawse_u256_t *y, int32_t shortcuts, hawse_u256_t *r)
{
    hawse_u256_t raw, error;
    int32_t done = 0;
    if (shortcuts)
        TRY(multiplied_out(x, y, 1, r, &done));
    if (done)
        return FINE;
    TRY(power_and_error(x, y, &raw, &error));
    return bal_add(&raw, &error, r);
}

static bal_t fixed_pow_down(const hawse_u256_t *x, const hawse_u256_t *y, int32_t shortcuts,
                            hawse_u256_t *r)
{
    hawse_u256_t raw, error;
    int32_t done = 0;
    if (shortcuts)
        TRY(multiplied_out(x, y, 0, r, &done));
    if (done)
        return FINE;
    TRY(power_and_error(x, y, &raw, &error));
    if (hawse_u256_sub(&raw, &error, r))
        *r = hawse_u256(0);
    return FINE;
}

int32_t hawse_bal_pow(const hawse_u256_t *x, const hawse_u256_t *y, hawse_u256_t *r, uint32_t *bal)
{
    return bal_answer(power(x, y, r), bal);
}

int32_t hawse_bal_pow_down(const hawse_u256_t *x, const hawse_u256_t *y, int32_t shortcuts,
                           hawse_u256_t *r, uint32_t *bal)
{
    return bal_answer(fixed_pow_down(x, y, shortcuts, r), bal);
}

int32_t hawse_bal_pow_up(const hawse_u256_t *x, const hawse_u256_t *y, int32_t shortcuts,
                         hawse_u256_t *r, uint32_t *bal)
{
    return bal_answer(fixed_pow_up(x, y, shortcuts, r), bal);
}
