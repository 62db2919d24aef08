/* Names of conditional tokens; see hawse/ctf.h. */
#include <hawse/ctf.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <stdbool.h>
#include <string.h>

/* alt_bn128: y^2 = x^3 + 3 modulo this prime (EIP-196), which is 3 modulo 4 */
static const hawse_u256_t prime = {
    {0x3c208c16d87cfd47u, 0x97816a916871ca8du, 0xb85045b68181585du, 0x30644e72e131a029u}};

struct point {
    hawse_u256_t x, y; /* both 0: the point at infinity */
};

/* ---- arithmetic modulo the prime; arguments are below it ---- */

static void mod_add(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    (void)hawse_u256_add(a, b, r); /* no carry: the prime has 254 bits */
    if (hawse_u256_compare(r, &prime) >= 0)
        (void)hawse_u256_sub(r, &prime, r);
}

static void mod_negate(const hawse_u256_t *a, hawse_u256_t *r)
{
    if (hawse_u256_is_zero(a))
        *r = *a;
    else
        (void)hawse_u256_sub(&prime, a, r);
}

static void mod_sub(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    hawse_u256_t minus;
    mod_negate(b, &minus);
    mod_add(a, &minus, r);
}

/* a * b - prime * floor(a * b / prime): the difference fits, so its low half is all of it. */
static void mod_mul(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    uint64_t product[8], whole[8];
    hawse_u256_t quotient = {{0, 0, 0, 0}};
    (void)hawse_u256_mul_div(a, b, &prime, 0, &quotient);
    hawse_u256_mul(a, b, product);
    hawse_u256_mul(&quotient, &prime, whole);
    hawse_u256_t low = {{product[0], product[1], product[2], product[3]}};
    hawse_u256_t less = {{whole[0], whole[1], whole[2], whole[3]}};
    (void)hawse_u256_sub(&low, &less, r);
}

static void mod_power(const hawse_u256_t *a, const hawse_u256_t *exponent, hawse_u256_t *r)
{
    hawse_u256_t base = *a, sum = hawse_u256(1);
    for (uint32_t i = hawse_u256_bit_length(exponent); i-- > 0;) {
        mod_mul(&sum, &sum, &sum);
        if (exponent->limb[i / 64] >> (i % 64) & 1)
            mod_mul(&sum, &base, &sum);
    }
    *r = sum;
}

/* One of the two y above x; false: x is not on the curve. */
static bool curve_y(const hawse_u256_t *x, hawse_u256_t *y)
{
    hawse_u256_t square, check, three = hawse_u256(3), one = hawse_u256(1), exponent;
    mod_mul(x, x, &square);
    mod_mul(&square, x, &square);
    mod_add(&square, &three, &square);
    (void)hawse_u256_add(&prime, &one, &exponent);
    hawse_u256_shift_right(&exponent, 2, &exponent);
    mod_power(&square, &exponent, y);
    mod_mul(y, y, &check);
    return hawse_u256_compare(&check, &square) == 0;
}

/* The other y, where the parity is not this one. */
static void make_parity(hawse_u256_t *y, bool odd)
{
    if ((y->limb[0] & 1) != odd)
        mod_negate(y, y);
}

static void point_add(const struct point *a, const struct point *b, struct point *r)
{
    hawse_u256_t rise, run, two = hawse_u256(2), inverse;
    bool same_x = hawse_u256_compare(&a->x, &b->x) == 0;
    if (same_x && hawse_u256_compare(&a->y, &b->y) != 0) {
        *r = (struct point){hawse_u256(0), hawse_u256(0)};
        return;
    }
    if (same_x) { /* no point of this curve has y = 0: its order is odd */
        hawse_u256_t three = hawse_u256(3);
        mod_mul(&a->x, &a->x, &rise);
        mod_mul(&rise, &three, &rise);
        mod_add(&a->y, &a->y, &run);
    } else {
        mod_sub(&b->y, &a->y, &rise);
        mod_sub(&b->x, &a->x, &run);
    }
    (void)hawse_u256_sub(&prime, &two, &inverse);
    mod_power(&run, &inverse, &run);
    mod_mul(&rise, &run, &rise);
    struct point sum;
    mod_mul(&rise, &rise, &sum.x);
    mod_sub(&sum.x, &a->x, &sum.x);
    mod_sub(&sum.x, &b->x, &sum.x);
    mod_sub(&a->x, &sum.x, &sum.y);
    mod_mul(&rise, &sum.y, &sum.y);
    mod_sub(&sum.y, &a->y, &sum.y);
    *r = sum;
}

/* ---- names ---- */

void hawse_ctf_condition(const uint8_t oracle[20], const uint8_t question[32], uint32_t slots,
                         uint8_t out[32])
{
    uint8_t text[20 + 32 + 32] = {0};
    hawse_u256_t count = hawse_u256(slots);
    memcpy(text, oracle, 20);
    memcpy(text + 20, question, 32);
    hawse_u256_to_be(&count, text + 52);
    hawse_keccak256(text, sizeof(text), out);
}

/* The point that a hash stands for: the next x on the curve, and the hash's highest bit says which
 * of its two y. */
static void hash_to_point(const uint8_t hash[32], struct point *p)
{
    hawse_u256_t one = hawse_u256(1), ignored;
    hawse_u256_from_be(hash, &p->x);
    (void)hawse_u256_div(&p->x, &prime, &ignored, &p->x);
    do
        mod_add(&p->x, &one, &p->x);
    while (!curve_y(&p->x, &p->y));
    make_parity(&p->y, hash[0] >> 7);
}

/* What a collection's own name stands for: x, and above it whether y is odd. */
static bool name_to_point(const uint8_t name[32], struct point *p)
{
    uint8_t x[32];
    memcpy(x, name, 32);
    x[0] &= 0x3f;
    hawse_u256_from_be(x, &p->x);
    if (hawse_u256_compare(&p->x, &prime) >= 0 || !curve_y(&p->x, &p->y))
        return false;
    make_parity(&p->y, name[0] >> 6 != 0);
    return true;
}

int32_t hawse_ctf_collection(const uint8_t parent[32], const uint8_t condition[32],
                             const hawse_u256_t *index_set, uint8_t out[32])
{
    static const uint8_t none[32];
    uint8_t text[64], hash[32];
    struct point p, outer;
    memcpy(text, condition, 32);
    hawse_u256_to_be(index_set, text + 32);
    hawse_keccak256(text, sizeof(text), hash);
    hash_to_point(hash, &p);
    if (memcmp(parent, none, 32) != 0) {
        if (!name_to_point(parent, &outer))
            return HAWSE_E_FORMAT;
        point_add(&p, &outer, &p);
    }
    hawse_u256_to_be(&p.x, out);
    if (p.y.limb[0] & 1)
        out[0] ^= 0x40;
    return HAWSE_OK;
}

void hawse_ctf_position(const uint8_t collateral[20], const uint8_t collection[32], uint8_t out[32])
{
    uint8_t text[20 + 32];
    memcpy(text, collateral, 20);
    memcpy(text + 20, collection, 32);
    hawse_keccak256(text, sizeof(text), out);
}
