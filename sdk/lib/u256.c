/*
 * 256-bit integers on 64-bit limbs; see hawse/u256.h. Division is Knuth's algorithm D (The Art of
 * Computer Programming, vol. 2, 4.3.1) with 64-bit digits.
 */
#include <hawse/u256.h>

#include <string.h>

typedef unsigned __int128 u128;

int32_t hawse_u256_compare(const hawse_u256_t *a, const hawse_u256_t *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    }
    return 0;
}

uint32_t hawse_u256_add(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    uint64_t carry = 0;
    for (int i = 0; i < 4; i++) {
        u128 sum = (u128)a->limb[i] + b->limb[i] + carry;
        r->limb[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64);
    }
    return (uint32_t)carry;
}

uint32_t hawse_u256_sub(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 difference = (u128)a->limb[i] - b->limb[i] - borrow;
        r->limb[i] = (uint64_t)difference;
        borrow = (uint64_t)(difference >> 64) & 1u;
    }
    return (uint32_t)borrow;
}

void hawse_u256_mul(const hawse_u256_t *a, const hawse_u256_t *b, uint64_t wide[8])
{
    uint64_t out[8] = {0};
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 4; j++) {
            u128 t = (u128)a->limb[i] * b->limb[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + 4] = carry;
    }
    memcpy(wide, out, sizeof(out));
}

static int length(const uint64_t *n, int max)
{
    while (max > 0 && n[max - 1] == 0)
        max--;
    return max;
}

/* q (8 limbs) and the remainder in n, which has n_len + 1 limbs; d has d_len limbs, d_len >= 2 and
 * its top limb has its high bit set. */
static void divide_normalized(uint64_t *n, int n_len, const uint64_t *d, int d_len, uint64_t *q)
{
    for (int j = n_len - d_len; j >= 0; j--) {
        u128 top = (u128)n[j + d_len] << 64 | n[j + d_len - 1];
        u128 guess = n[j + d_len] >= d[d_len - 1] ? (u128)UINT64_MAX : top / d[d_len - 1];
        u128 rest = top - guess * d[d_len - 1];
        while (rest >> 64 == 0 && guess * d[d_len - 2] > (rest << 64 | n[j + d_len - 2])) {
            guess--;
            rest += d[d_len - 1];
        }
        uint64_t borrow = 0, carry = 0;
        for (int i = 0; i < d_len; i++) {
            u128 product = guess * d[i] + carry;
            carry = (uint64_t)(product >> 64);
            u128 t = (u128)n[i + j] - (uint64_t)product - borrow;
            n[i + j] = (uint64_t)t;
            borrow = (uint64_t)(t >> 64) & 1u;
        }
        u128 t = (u128)n[j + d_len] - carry - borrow;
        n[j + d_len] = (uint64_t)t;
        q[j] = (uint64_t)guess;
        if ((uint64_t)(t >> 64) & 1u) { /* one too many: add the divisor back */
            q[j]--;
            carry = 0;
            for (int i = 0; i < d_len; i++) {
                u128 sum = (u128)n[i + j] + d[i] + carry;
                n[i + j] = (uint64_t)sum;
                carry = (uint64_t)(sum >> 64);
            }
            n[j + d_len] += carry;
        }
    }
}

static void divide_by_limb(const uint64_t *n, int n_len, uint64_t d, uint64_t *q, uint64_t *rest)
{
    u128 r = 0;
    for (int i = n_len - 1; i >= 0; i--) {
        u128 part = r << 64 | n[i];
        q[i] = (uint64_t)(part / d);
        r = part % d;
    }
    *rest = (uint64_t)r;
}

/* q = n / d for up to 512 by 256 bits; d is not 0. */
static void divide(const uint64_t n[8], const hawse_u256_t *d, uint64_t q[8], hawse_u256_t *rest)
{
    int n_len = length(n, 8), d_len = length(d->limb, 4);
    memset(q, 0, 8 * sizeof(q[0]));
    memset(rest, 0, sizeof(*rest));
    if (d_len == 1) {
        divide_by_limb(n, n_len, d->limb[0], q, &rest->limb[0]);
        return;
    }
    if (n_len < d_len) {
        memcpy(rest->limb, n, 4 * sizeof(n[0]));
        return;
    }
    int shift = __builtin_clzll(d->limb[d_len - 1]);
    uint64_t u[9] = {0}, v[4] = {0};
    for (int i = n_len; i >= 0; i--) {
        uint64_t high = i < n_len ? n[i] << shift : 0;
        u[i] = high | (shift && i > 0 ? n[i - 1] >> (64 - shift) : 0);
    }
    for (int i = d_len - 1; i >= 0; i--)
        v[i] = d->limb[i] << shift | (shift && i > 0 ? d->limb[i - 1] >> (64 - shift) : 0);
    divide_normalized(u, n_len, v, d_len, q);
    for (int i = 0; i < d_len; i++)
        rest->limb[i] = u[i] >> shift | (shift ? u[i + 1] << (64 - shift) : 0);
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

int32_t hawse_u256_mul_div(const hawse_u256_t *a, const hawse_u256_t *b, const hawse_u256_t *d,
                           int32_t round_up, hawse_u256_t *q)
{
    uint64_t wide[8], quotient[8];
    hawse_u256_t rest, one = hawse_u256(1), result;
    if (hawse_u256_is_zero(d))
        return HAWSE_E_RANGE;
    hawse_u256_mul(a, b, wide);
    divide(wide, d, quotient, &rest);
    if ((quotient[4] | quotient[5] | quotient[6] | quotient[7]) != 0)
        return HAWSE_E_RANGE;
    memcpy(result.limb, quotient, sizeof(result.limb));
    if (round_up && !hawse_u256_is_zero(&rest) && hawse_u256_add(&result, &one, &result))
        return HAWSE_E_RANGE;
    *q = result;
    return HAWSE_OK;
}

void hawse_i256_negate(const hawse_u256_t *a, hawse_u256_t *r)
{
    hawse_u256_t zero = hawse_u256(0);
    (void)hawse_u256_sub(&zero, a, r);
}

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

/* ---- text ---- */

uint32_t hawse_u256_decimal(const hawse_u256_t *a, char *out)
{
    char reversed[HAWSE_U256_DECIMAL_MAX];
    uint64_t n[4], rest;
    uint32_t len = 0;
    memcpy(n, a->limb, sizeof(n));
    int limbs = length(n, 4);
    do { /* 19 digits at a time */
        uint64_t q[4] = {0};
        divide_by_limb(n, limbs, 10000000000000000000u, q, &rest);
        memcpy(n, q, sizeof(n));
        limbs = length(n, 4);
        for (int i = 0; i < 19 && (limbs > 0 || rest > 0 || (i == 0 && len == 0)); i++) {
            reversed[len++] = (char)('0' + rest % 10);
            rest /= 10;
        }
    } while (limbs > 0);
    for (uint32_t i = 0; i < len; i++)
        out[i] = reversed[len - 1 - i];
    out[len] = '\0';
    return len;
}

uint32_t hawse_i256_decimal(const hawse_u256_t *a, char *out)
{
    hawse_u256_t magnitude = *a;
    uint32_t sign = (uint32_t)hawse_i256_is_negative(a);
    if (sign) {
        hawse_i256_negate(a, &magnitude);
        *out++ = '-';
    }
    return sign + hawse_u256_decimal(&magnitude, out);
}

int32_t hawse_u256_parse(const uint8_t *text, uint64_t len, hawse_u256_t *r)
{
    hawse_u256_t n = hawse_u256(0);
    if (len == 0 || len > 78)
        return HAWSE_E_FORMAT;
    for (uint64_t i = 0; i < len; i++) {
        uint64_t carry = (uint64_t)text[i] - '0';
        if (carry > 9)
            return HAWSE_E_FORMAT;
        for (int l = 0; l < 4; l++) {
            u128 t = (u128)n.limb[l] * 10 + carry;
            n.limb[l] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        if (carry != 0)
            return HAWSE_E_RANGE;
    }
    *r = n;
    return HAWSE_OK;
}

uint32_t hawse_u256_units(const hawse_u256_t *a, int32_t is_signed, uint32_t decimals,
                          uint32_t digits, char *out)
{
    char plain[HAWSE_U256_DECIMAL_MAX];
    hawse_u256_t magnitude = *a;
    uint32_t at = 0, whole = 0;
    if (is_signed && hawse_i256_is_negative(a)) {
        hawse_i256_negate(a, &magnitude);
        out[at++] = '-';
    }
    uint32_t len = hawse_u256_decimal(&magnitude, plain);
    decimals = decimals < 77 ? decimals : 77;
    whole = len > decimals ? len - decimals : 0;
    memcpy(out + at, plain, whole);
    at += whole;
    if (whole == 0)
        out[at++] = '0';
    uint32_t end = at; /* behind the last digit that is not 0 */
    char *fraction = out + at + 1;
    for (uint32_t i = 0; i < decimals && i < digits; i++) {
        uint32_t place = len + i; /* index in the digits padded to `decimals` */
        fraction[i] = place < decimals ? '0' : plain[place - decimals];
        if (fraction[i] != '0')
            end = at + 2 + i;
    }
    if (end > at)
        out[at] = '.';
    out[end] = '\0';
    return end;
}

double hawse_u256_double(const hawse_u256_t *a)
{
    double n = 0;
    for (int i = 3; i >= 0; i--)
        n = n * 18446744073709551616.0 + (double)a->limb[i];
    return n;
}
