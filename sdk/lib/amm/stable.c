/*
 * Swaps of Balancer's stable pools; see hawse/amm/balancer.h.
 *
 * The invariant D of n balances x and the amplification A solves
 *   A n sum(x) + D = A n D + D^(n+1) / (n^n prod(x))
 * (A here as the contracts keep it, n^(n-1) included); both D and a balance under D are found by
 * Newton's method, each step cut or rounded as in the contract, until two steps differ by 1 at
 * most.
 */
#include "fixed.h"

#include <hawse/amm/balancer_v3.h>

enum { ROUNDS = 255 };

/* One product of the contract's: a * b / c, each in 256 bits. */
static bal_t mul_div_checked(const hawse_u256_t *a, const hawse_u256_t *b, const hawse_u256_t *c,
                             int32_t round_up, hawse_u256_t *r)
{
    hawse_u256_t product;
    TRY(bal_mul(a, b, &product));
    return bal_div(&product, c, round_up, r);
}

static int32_t is_near(const hawse_u256_t *a, const hawse_u256_t *b)
{
    hawse_u256_t distance, one = hawse_u256(1);
    int32_t less = hawse_u256_compare(a, b) < 0;
    (void)hawse_u256_sub(less ? b : a, less ? a : b, &distance);
    return hawse_u256_compare(&distance, &one) <= 0;
}

/* What stays the same while an invariant is sought. */
struct newton {
    const hawse_u256_t *balances;
    uint32_t count;
    hawse_u256_t n, n_plus_one, precision;
    hawse_u256_t sum;
    hawse_u256_t amp;          /* A * n */
    hawse_u256_t amp_less_one; /* A * n - 1, modulo 2^256 as in the contract */
};

/* A step of today's pools: everything is rounded down. */
static bal_t step_down(const struct newton *w, const hawse_u256_t *invariant, hawse_u256_t *next)
{
    hawse_u256_t p = *invariant, t, above, below;
    for (uint32_t i = 0; i < w->count; i++) {
        TRY(bal_mul(&w->balances[i], &w->n, &t));
        TRY(mul_div_checked(&p, invariant, &t, 0, &p));
    }
    TRY(mul_div_checked(&w->amp, &w->sum, &w->precision, 0, &above));
    TRY(bal_mul(&p, &w->n, &t));
    TRY(bal_add(&above, &t, &above));
    TRY(bal_mul(&above, invariant, &above));
    TRY(mul_div_checked(&w->amp_less_one, invariant, &w->precision, 0, &below));
    TRY(bal_mul(&w->n_plus_one, &p, &t));
    TRY(bal_add(&below, &t, &below));
    return bal_div(&above, &below, 0, next);
}

/* A step of the pools of 2021, which swap with an invariant that is rounded up. */
static bal_t step_up(const struct newton *w, const hawse_u256_t *invariant, hawse_u256_t *next)
{
    hawse_u256_t p, t, above, below;
    (void)u256_multiply_checked(&w->balances[0], &w->n, &p);
    for (uint32_t i = 1; i < w->count; i++) {
        TRY(bal_mul(&p, &w->balances[i], &p));
        TRY(mul_div_checked(&p, &w->n, invariant, 1, &p));
    }
    TRY(bal_mul(&w->n, invariant, &above));
    TRY(bal_mul(&above, invariant, &above));
    TRY(bal_mul(&w->amp, &w->sum, &t));
    TRY(mul_div_checked(&t, &p, &w->precision, 1, &t));
    TRY(bal_add(&above, &t, &above));
    TRY(bal_mul(&w->n_plus_one, invariant, &below));
    TRY(mul_div_checked(&w->amp_less_one, &p, &w->precision, 0, &t));
    TRY(bal_add(&below, &t, &below));
    return bal_div(&above, &below, 1, next);
}

static bal_t invariant_of(uint32_t kind, const hawse_u256_t *amplification,
                          const hawse_u256_t *balances, uint32_t count, hawse_u256_t *invariant)
{
    struct newton w = {.balances = balances,
                       .count = count,
                       .n = hawse_u256(count),
                       .n_plus_one = hawse_u256((uint64_t)count + 1),
                       .precision = hawse_u256(HAWSE_BAL_AMP_PRECISION)};
    hawse_u256_t now, next;
    for (uint32_t i = 0; i < count; i++)
        TRY(bal_add(&w.sum, &balances[i], &w.sum));
    *invariant = w.sum;
    if (hawse_u256_is_zero(&w.sum))
        return FINE;
    (void)u256_multiply_checked(amplification, &w.n, &w.amp);
    (void)hawse_u256_sub(&w.amp, &w.precision, &w.amp_less_one);
    now = w.sum;
    for (int i = 0; i < ROUNDS; i++) {
        TRY(kind == HAWSE_BAL_STABLE_2021 ? step_up(&w, &now, &next) : step_down(&w, &now, &next));
        int32_t done = is_near(&next, &now);
        now = next;
        if (done) {
            *invariant = now;
            return FINE;
        }
    }
    return FAILS(kind == HAWSE_BAL_STABLE_2021 ? HAWSE_BAL_BALANCE_DIVERGED
                                               : HAWSE_BAL_INVARIANT_DIVERGED);
}

/* Newton's steps x = (x^2 + c) / (2 x + b - D), rounded up. */
static bal_t balance_by_steps(const hawse_u256_t *b, const hawse_u256_t *c,
                              const hawse_u256_t *invariant, hawse_u256_t *balance)
{
    hawse_u256_t two = hawse_u256(2), now = *balance, above, below;
    for (int i = 0; i < ROUNDS; i++) {
        hawse_u256_t before = now;
        TRY(bal_mul(&now, &now, &above));
        TRY(bal_add(&above, c, &above));
        TRY(bal_mul(&now, &two, &below));
        TRY(bal_add(&below, b, &below));
        TRY(bal_sub(&below, invariant, &below));
        TRY(bal_div(&above, &below, 1, &now));
        if (is_near(&now, &before)) {
            *balance = now;
            return FINE;
        }
    }
    return FAILS(HAWSE_BAL_BALANCE_DIVERGED);
}

/* a / b * 1000 rounded up, or down; pools of v3 multiply first. */
static bal_t precise_div(uint32_t kind, const hawse_u256_t *a, const hawse_u256_t *b,
                         int32_t round_up, hawse_u256_t *r)
{
    hawse_u256_t precision = hawse_u256(HAWSE_BAL_AMP_PRECISION);
    if (kind == HAWSE_BAL3_STABLE)
        return mul_div_checked(a, &precision, b, round_up, r);
    TRY(bal_div(a, b, round_up, r));
    return bal_mul(r, &precision, r);
}

/* The balance of token `at` under which the others have this invariant. */
static bal_t balance_under(const hawse_bal_pool_t *pool, const hawse_u256_t *balances,
                           const hawse_u256_t *invariant, uint32_t at, hawse_u256_t *balance)
{
    hawse_u256_t n = hawse_u256(pool->token_count), amp, p;
    hawse_u256_t sum = balances[0], squared, b, c, t;
    /* modulo 2^256, as in the contract */
    (void)u256_multiply_checked(&pool->amplification, &n, &amp);
    (void)u256_multiply_checked(&balances[0], &n, &p);
    for (uint32_t i = 1; i < pool->token_count; i++) {
        TRY(bal_mul(&p, &balances[i], &p));
        TRY(mul_div_checked(&p, &n, invariant, 0, &p));
        TRY(bal_add(&sum, &balances[i], &sum));
    }
    (void)hawse_u256_sub(&sum, &balances[at], &sum);
    TRY(bal_mul(invariant, invariant, &squared));
    TRY(bal_mul(&amp, &p, &t));
    TRY(precise_div(pool->kind, &squared, &t, 1, &c));
    TRY(bal_mul(&c, &balances[at], &c));
    TRY(precise_div(pool->kind, invariant, &amp, 0, &b));
    TRY(bal_add(&sum, &b, &b));
    TRY(bal_add(&squared, &c, &t));
    TRY(bal_add(invariant, &b, &sum));
    TRY(bal_div(&t, &sum, 1, balance));
    return balance_by_steps(&b, &c, invariant, balance);
}

bal_t stable_swap(const hawse_bal_pool_t *pool, hawse_u256_t *balances, uint32_t in, uint32_t out,
                  const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *r)
{
    hawse_u256_t invariant, final, one = hawse_u256(1);
    TRY(invariant_of(pool->kind, &pool->amplification, balances, pool->token_count, &invariant));
    if (exact_out) {
        TRY(bal_sub(&balances[out], amount, &balances[out]));
        TRY(balance_under(pool, balances, &invariant, in, &final));
        TRY(bal_sub(&final, &balances[in], &final));
        return bal_add(&final, &one, r);
    }
    TRY(bal_add(&balances[in], amount, &balances[in]));
    TRY(balance_under(pool, balances, &invariant, out, &final));
    TRY(bal_sub(&balances[out], &final, &final));
    return bal_sub(&final, &one, r);
}

int32_t hawse_bal_invariant(uint32_t kind, const hawse_u256_t *amplification,
                            const hawse_u256_t *balances, uint32_t count, hawse_u256_t *invariant,
                            uint32_t *bal)
{
    hawse_u256_t r;
    if ((kind != HAWSE_BAL_STABLE && kind != HAWSE_BAL_STABLE_2021) || count == 0 ||
        count > HAWSE_BAL_STABLE_MAX)
        return HAWSE_E_INVAL;
    int32_t code = bal_answer(invariant_of(kind, amplification, balances, count, &r), bal);
    if (code == HAWSE_OK)
        *invariant = r;
    return code;
}

uint64_t hawse_bal_amplification(uint64_t start_value, uint64_t end_value, uint64_t start_time,
                                 uint64_t end_time, uint64_t now)
{
    if (now >= end_time)
        return end_value;
    if (now <= start_time)
        return start_value;
    unsigned __int128 passed = now - start_time, whole = end_time - start_time;
    if (end_value > start_value)
        return start_value + (uint64_t)((end_value - start_value) * passed / whole);
    return start_value - (uint64_t)((start_value - end_value) * passed / whole);
}
