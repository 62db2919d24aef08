/* Swaps of Balancer's weighted pools, and what all its pools share; see hawse/amm/balancer.h. */
#include "fixed.h"

static const hawse_u256_t most_of_balance = {{300000000000000000u, 0, 0, 0}}; /* 30 % in and out */

bal_t weighted_out(const hawse_u256_t balance[2], const hawse_u256_t weight[2],
                   const hawse_u256_t *amount, int32_t shortcuts, hawse_u256_t *r)
{
    hawse_u256_t most, base, exponent, power;
    TRY(fixed_mul(&balance[0], &most_of_balance, 0, &most));
    if (hawse_u256_compare(amount, &most) > 0)
        return FAILS(HAWSE_BAL_MAX_IN_RATIO);
    TRY(bal_add(&balance[0], amount, &base));
    TRY(fixed_div(&balance[0], &base, 1, &base));
    TRY(fixed_div(&weight[0], &weight[1], 0, &exponent));
    TRY(fixed_pow_up(&base, &exponent, shortcuts, &power));
    fixed_complement(&power, &power);
    return fixed_mul(&balance[1], &power, 0, r);
}

bal_t weighted_in(const hawse_u256_t balance[2], const hawse_u256_t weight[2],
                  const hawse_u256_t *amount, int32_t shortcuts, hawse_u256_t *r)
{
    hawse_u256_t most, base, exponent, power, one = fixed_one();
    TRY(fixed_mul(&balance[1], &most_of_balance, 0, &most));
    if (hawse_u256_compare(amount, &most) > 0)
        return FAILS(HAWSE_BAL_MAX_OUT_RATIO);
    TRY(bal_sub(&balance[1], amount, &base));
    TRY(fixed_div(&balance[1], &base, 1, &base));
    TRY(fixed_div(&weight[1], &weight[0], 1, &exponent));
    TRY(fixed_pow_up(&base, &exponent, shortcuts, &power));
    TRY(bal_sub(&power, &one, &power));
    return fixed_mul(&balance[0], &power, 1, r);
}

static int32_t is_stable(uint32_t kind)
{
    return kind == HAWSE_BAL_STABLE || kind == HAWSE_BAL_STABLE_2021;
}

static int32_t check(const hawse_bal_pool_t *p, uint32_t in, uint32_t out)
{
    hawse_u256_t one = fixed_one();
    if (p->kind < HAWSE_BAL_WEIGHTED || p->kind > HAWSE_BAL_STABLE_2021 || in == out ||
        in >= p->token_count || out >= p->token_count ||
        (is_stable(p->kind) && p->token_count > HAWSE_BAL_STABLE_MAX) ||
        hawse_u256_compare(&p->swap_fee, &one) >= 0)
        return HAWSE_E_INVAL;
    for (uint32_t i = 0; i < p->token_count; i++) {
        if (hawse_u256_is_zero(&p->tokens[i].scaling))
            return HAWSE_E_INVAL;
    }
    return HAWSE_OK;
}

/* The formula on scaled amounts. */
static bal_t swap_scaled(const hawse_bal_pool_t *p, uint32_t in, uint32_t out,
                         const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *r)
{
    hawse_u256_t balances[HAWSE_BAL_STABLE_MAX];
    if (is_stable(p->kind)) {
        for (uint32_t i = 0; i < p->token_count; i++)
            TRY(fixed_mul(&p->tokens[i].balance, &p->tokens[i].scaling, 0, &balances[i]));
        return stable_swap(p, balances, in, out, amount, exact_out, r);
    }
    const hawse_u256_t weights[2] = {p->tokens[in].weight, p->tokens[out].weight};
    int32_t shortcuts = p->kind != HAWSE_BAL_WEIGHTED_2021;
    TRY(fixed_mul(&p->tokens[in].balance, &p->tokens[in].scaling, 0, &balances[0]));
    TRY(fixed_mul(&p->tokens[out].balance, &p->tokens[out].scaling, 0, &balances[1]));
    return exact_out ? weighted_in(balances, weights, amount, shortcuts, r)
                     : weighted_out(balances, weights, amount, shortcuts, r);
}

/* The pool's answer: an exact input pays its fee first, an exact output's price gets it on top. */
static bal_t on_swap(const hawse_bal_pool_t *p, uint32_t in, uint32_t out,
                     const hawse_u256_t *given, int32_t exact_out, hawse_u256_t *r)
{
    hawse_u256_t amount = *given, fee;
    if (exact_out) {
        TRY(fixed_mul(&amount, &p->tokens[out].scaling, 0, &amount));
        TRY(swap_scaled(p, in, out, &amount, 1, &amount));
        TRY(fixed_div(&amount, &p->tokens[in].scaling, 1, &amount));
        fixed_complement(&p->swap_fee, &fee);
        return fixed_div(&amount, &fee, 1, r);
    }
    TRY(fixed_mul(&amount, &p->swap_fee, 1, &fee));
    TRY(bal_sub(&amount, &fee, &amount));
    TRY(fixed_mul(&amount, &p->tokens[in].scaling, 0, &amount));
    TRY(swap_scaled(p, in, out, &amount, 0, &amount));
    return fixed_div(&amount, &p->tokens[out].scaling, 0, r);
}

/* The Vault's balances after the swap: 112 bits, and not below 0. */
static bal_t vault_check(const hawse_bal_pool_t *p, uint32_t in, uint32_t out,
                         const hawse_u256_t *paid, const hawse_u256_t *got)
{
    hawse_u256_t balance;
    TRY(bal_add(&p->tokens[in].balance, paid, &balance));
    if (hawse_u256_bit_length(&balance) > 112)
        return FAILS(HAWSE_BAL_TOTAL_OVERFLOW);
    return bal_sub(&p->tokens[out].balance, got, &balance);
}

static bal_t vault_swap(const hawse_bal_pool_t *p, uint32_t in, uint32_t out,
                        const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *r)
{
    hawse_u256_t answer;
    TRY(on_swap(p, in, out, amount, exact_out, &answer));
    TRY(vault_check(p, in, out, exact_out ? &answer : amount, exact_out ? amount : &answer));
    *r = answer;
    return FINE;
}

int32_t hawse_bal_swap(const hawse_bal_pool_t *pool, uint32_t in, uint32_t out,
                       const hawse_u256_t *amount, int32_t exact_out, hawse_u256_t *result,
                       uint32_t *bal)
{
    int32_t code = check(pool, in, out);
    if (code != HAWSE_OK)
        return code;
    return bal_answer(vault_swap(pool, in, out, amount, exact_out, result), bal);
}
