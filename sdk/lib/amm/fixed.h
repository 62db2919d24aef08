/*
 * Balancer's checked and fixed-point arithmetic (Math, FixedPoint of solidity-utils), internal.
 * Results are written only when the answer is FINE, and may be written over operands.
 */
#ifndef SDK_LIB_AMM_FIXED_H
#define SDK_LIB_AMM_FIXED_H

#include "u256_multiply.h"

#include <hawse/amm/balancer.h>
#include <hawse/u256.h>

/* FINE, or one more than the number of the contract's error. */
typedef uint32_t bal_t;
#define FINE         0u
#define FAILS(error) ((error) + 1u)

/* Leaves the calling function when `call` failed. */
#define TRY(call)            \
    do {                     \
        bal_t try_ = (call); \
        if (try_ != FINE)    \
            return try_;     \
    } while (0)

/* The public form of an answer. */
static inline int32_t bal_answer(bal_t answer, uint32_t *bal)
{
    if (answer == FINE)
        return HAWSE_OK;
    if (bal)
        *bal = answer - 1;
    return HAWSE_E_RANGE;
}

static inline hawse_u256_t fixed_one(void)
{
    return hawse_u256(1000000000000000000u);
}

static inline bal_t bal_add(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    hawse_u256_t sum;
    if (hawse_u256_add(a, b, &sum))
        return FAILS(HAWSE_BAL_ADD_OVERFLOW);
    *r = sum;
    return FINE;
}

static inline bal_t bal_sub(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    hawse_u256_t rest;
    if (hawse_u256_sub(a, b, &rest))
        return FAILS(HAWSE_BAL_SUB_OVERFLOW);
    *r = rest;
    return FINE;
}

static inline bal_t bal_mul(const hawse_u256_t *a, const hawse_u256_t *b, hawse_u256_t *r)
{
    hawse_u256_t product;
    if (u256_multiply_checked(a, b, &product))
        return FAILS(HAWSE_BAL_MUL_OVERFLOW);
    *r = product;
    return FINE;
}

static inline bal_t bal_div(const hawse_u256_t *a, const hawse_u256_t *b, int32_t round_up,
                            hawse_u256_t *r)
{
    hawse_u256_t rest, one = hawse_u256(1);
    if (hawse_u256_div(a, b, r, &rest) != HAWSE_OK)
        return FAILS(HAWSE_BAL_ZERO_DIVISION);
    if (round_up && !hawse_u256_is_zero(&rest))
        (void)hawse_u256_add(r, &one, r); /* fits: the divisor is above 1 */
    return FINE;
}

/* a * b with 18 decimals */
static inline bal_t fixed_mul(const hawse_u256_t *a, const hawse_u256_t *b, int32_t round_up,
                              hawse_u256_t *r)
{
    hawse_u256_t one = fixed_one(), product;
    TRY(bal_mul(a, b, &product));
    return bal_div(&product, &one, round_up, r);
}

/* a / b with 18 decimals */
static inline bal_t fixed_div(const hawse_u256_t *a, const hawse_u256_t *b, int32_t round_up,
                              hawse_u256_t *r)
{
    hawse_u256_t one = fixed_one(), above;
    if (hawse_u256_is_zero(b))
        return FAILS(HAWSE_BAL_ZERO_DIVISION);
    if (u256_multiply_checked(a, &one, &above))
        return FAILS(HAWSE_BAL_DIV_INTERNAL);
    return bal_div(&above, b, round_up, r);
}

/* 1 - a, and 0 from 1 on */
static inline void fixed_complement(const hawse_u256_t *a, hawse_u256_t *r)
{
    hawse_u256_t one = fixed_one();
    if (hawse_u256_sub(&one, a, r))
        *r = hawse_u256(0);
}

/* power.c */
bal_t fixed_pow_up(const hawse_u256_t *x, const hawse_u256_t *y, int32_t shortcuts,
                   hawse_u256_t *r);

/* weighted.c, stable.c: on scaled balances */
bal_t weighted_out(const hawse_u256_t balance[2], const hawse_u256_t weight[2],
                   const hawse_u256_t *amount, int32_t shortcuts, hawse_u256_t *r);
bal_t weighted_in(const hawse_u256_t balance[2], const hawse_u256_t weight[2],
                  const hawse_u256_t *amount, int32_t shortcuts, hawse_u256_t *r);
bal_t stable_swap(const hawse_bal_pool_t *pool, hawse_u256_t *balances, uint32_t in, uint32_t out,
                  const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *r);

#endif
