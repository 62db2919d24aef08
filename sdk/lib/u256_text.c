/*
 * 256-bit integers as decimal text, with and without a decimal point; see hawse/u256.h.
 */
#include <hawse/u256.h>

#include <string.h>

typedef unsigned __int128 u128;

enum { CHUNK = 19 }; /* decimal digits that fit into a limb */

static const uint64_t powers[CHUNK + 1] = {1u,
                                           10u,
                                           100u,
                                           1000u,
                                           10000u,
                                           100000u,
                                           1000000u,
                                           10000000u,
                                           100000000u,
                                           1000000000u,
                                           10000000000u,
                                           100000000000u,
                                           1000000000000u,
                                           10000000000000u,
                                           100000000000000u,
                                           1000000000000000u,
                                           10000000000000000u,
                                           100000000000000000u,
                                           1000000000000000000u,
                                           10000000000000000000u};

/* ---- reading ---- */

/* n = n * factor + term; returns what does not fit. */
static uint64_t multiply_add(hawse_u256_t *n, uint64_t factor, uint64_t term)
{
    for (int i = 0; i < 4; i++) {
        u128 t = (u128)n->limb[i] * factor + term;
        n->limb[i] = (uint64_t)t;
        term = (uint64_t)(t >> 64);
    }
    return term;
}

static int all_digits(const uint8_t *text, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
    }
    return len > 0;
}

/* Appends digits, which are digits, to the decimal form of n. */
static int32_t append(hawse_u256_t *n, const uint8_t *digits, uint64_t len)
{
    while (len > 0) {
        uint64_t take = len < CHUNK ? len : CHUNK, chunk = 0;
        for (uint64_t i = 0; i < take; i++)
            chunk = chunk * 10 + (uint64_t)(digits[i] - '0');
        if (multiply_add(n, powers[take], chunk) != 0)
            return HAWSE_E_RANGE;
        digits += take;
        len -= take;
    }
    return HAWSE_OK;
}

int32_t hawse_u256_parse(const uint8_t *text, uint64_t len, hawse_u256_t *r)
{
    hawse_u256_t n = hawse_u256(0);
    if (len > 78 || !all_digits(text, len))
        return HAWSE_E_FORMAT;
    int32_t result = append(&n, text, len);
    if (result == HAWSE_OK)
        *r = n;
    return result;
}

int32_t hawse_i256_parse(const uint8_t *text, uint64_t len, hawse_u256_t *r)
{
    uint64_t sign = len > 0 && text[0] == '-';
    hawse_u256_t n;
    int32_t result = hawse_u256_parse(text + sign, len - sign, &n);
    if (result != HAWSE_OK)
        return result;
    if (sign)
        hawse_i256_negate(&n, &n);
    if (!hawse_u256_is_zero(&n) && hawse_i256_is_negative(&n) != (int32_t)sign)
        return HAWSE_E_RANGE;
    *r = n;
    return HAWSE_OK;
}

int32_t hawse_u256_parse_units(const uint8_t *text, uint64_t len, uint32_t decimals,
                               hawse_u256_t *r)
{
    uint64_t whole = 0, fraction;
    hawse_u256_t n = hawse_u256(0);
    if (decimals > 77)
        return HAWSE_E_INVAL;
    while (whole < len && text[whole] != '.')
        whole++;
    if (!all_digits(text, whole))
        return HAWSE_E_FORMAT;
    const uint8_t *behind = text + whole + 1;
    fraction = whole < len ? len - whole - 1 : 0;
    if (whole < len && !all_digits(behind, fraction))
        return HAWSE_E_FORMAT;
    while (fraction > 0 && behind[fraction - 1] == '0')
        fraction--;
    if (fraction > decimals || append(&n, text, whole) != HAWSE_OK ||
        append(&n, behind, fraction) != HAWSE_OK)
        return HAWSE_E_RANGE;
    for (uint64_t i = fraction; i < decimals; i++) {
        if (multiply_add(&n, 10, 0) != 0)
            return HAWSE_E_RANGE;
    }
    *r = n;
    return HAWSE_OK;
}

/* ---- writing ---- */

/* n = floor(n / 10^19); returns the remainder. */
static uint64_t divide_by_chunk(hawse_u256_t *n)
{
    static const hawse_u256_t divisor = {{10000000000000000000u, 0, 0, 0}};
    hawse_u256_t rest;
    (void)hawse_u256_div(n, &divisor, n, &rest);
    return rest.limb[0];
}

uint32_t hawse_u256_decimal(const hawse_u256_t *a, char *out)
{
    char digits[5 * CHUNK]; /* from the end: 256 bits need 78 */
    uint32_t at = sizeof(digits);
    hawse_u256_t n = *a;
    do {
        uint64_t chunk = divide_by_chunk(&n);
        int last = hawse_u256_is_zero(&n);
        for (int i = 0; i < CHUNK && (!last || chunk > 0 || i == 0); i++) {
            digits[--at] = (char)('0' + chunk % 10);
            chunk /= 10;
        }
    } while (!hawse_u256_is_zero(&n));
    uint32_t len = (uint32_t)sizeof(digits) - at;
    memcpy(out, digits + at, len);
    out[len] = '\0';
    return len;
}

uint32_t hawse_i256_decimal(const hawse_u256_t *a, char *out)
{
    hawse_u256_t magnitude;
    uint32_t sign = (uint32_t)hawse_i256_is_negative(a);
    hawse_i256_magnitude(a, &magnitude);
    if (sign)
        *out++ = '-';
    return sign + hawse_u256_decimal(&magnitude, out);
}

/* The decimal digits of a magnitude, and which of them are to be shown around a point. */
struct fixed_point {
    char digits[HAWSE_U256_DECIMAL_MAX];
    uint32_t len;
    uint32_t decimals;
    uint32_t whole; /* of `len`; 0 = a zero stands there */
    uint32_t shown; /* behind the point */
};

/* Digit i behind the point. */
static char fraction_digit(const struct fixed_point *f, uint32_t i)
{
    uint32_t place = f->len + i; /* in the digits with zeros in front */
    return place < f->decimals ? '0' : f->digits[place - f->decimals];
}

/* Lays the magnitude out; returns how many of the shown digits stand before the last zeros. */
static uint32_t lay_out(struct fixed_point *f, const hawse_u256_t *magnitude, uint32_t decimals,
                        uint32_t digits)
{
    f->len = hawse_u256_decimal(magnitude, f->digits);
    f->decimals = decimals;
    f->whole = f->len > decimals ? f->len - decimals : 0;
    f->shown = digits < decimals ? digits : decimals;
    uint32_t significant = f->shown;
    while (significant > 0 && fraction_digit(f, significant - 1) == '0')
        significant--;
    return significant;
}

static void write_fixed_point(const struct fixed_point *f, int negative, char *out)
{
    if (negative)
        *out++ = '-';
    *out = '0';
    memcpy(out, f->digits, f->whole);
    out += f->whole ? f->whole : 1;
    if (f->shown)
        *out++ = '.';
    for (uint32_t i = 0; i < f->shown; i++)
        *out++ = fraction_digit(f, i);
    *out = '\0';
}

int32_t hawse_u256_format(const hawse_u256_t *a, uint32_t flags, uint32_t decimals, uint32_t digits,
                          char *out, uint64_t cap)
{
    struct fixed_point f;
    hawse_u256_t magnitude = *a;
    if (decimals > 255 || (flags & ~(HAWSE_FORMAT_SIGNED | HAWSE_FORMAT_ZEROS)) != 0)
        return HAWSE_E_INVAL;
    int negative = (flags & HAWSE_FORMAT_SIGNED) && hawse_i256_is_negative(a);
    if (negative)
        hawse_i256_negate(a, &magnitude);
    uint32_t significant = lay_out(&f, &magnitude, decimals, digits);
    if (significant == 0 && f.whole == 0)
        negative = 0;
    if (!(flags & HAWSE_FORMAT_ZEROS))
        f.shown = significant;
    uint32_t need = (uint32_t)negative + (f.whole ? f.whole : 1) + (f.shown ? 1 + f.shown : 0);
    if (need >= cap)
        return HAWSE_E_NOSPACE;
    write_fixed_point(&f, negative, out);
    return (int32_t)need;
}

uint32_t hawse_u256_units(const hawse_u256_t *a, int32_t is_signed, uint32_t decimals,
                          uint32_t digits, char *out)
{
    return (uint32_t)hawse_u256_format(a, is_signed ? HAWSE_FORMAT_SIGNED : 0,
                                       decimals < 77 ? decimals : 77, digits, out,
                                       HAWSE_U256_DECIMAL_MAX + 4);
}
