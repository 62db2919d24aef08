/* One step of a concentrated-liquidity swap; see hawse/amm/concentrated.h. */
#include <hawse/amm/concentrated.h>
#include <hawse/u256.h>

static const hawse_u256_t q96 = {{0, 1ull << 32, 0, 0}};

static hawse_u256_t shifted_96(const hawse_u256_t *liquidity)
{
    hawse_u256_t r;
    hawse_u256_shift_left(liquidity, 96, &r);
    return r;
}

/* a / b, rounded up or down. */
static int32_t divide(const hawse_u256_t *a, const hawse_u256_t *b, int32_t round_up,
                      hawse_u256_t *q)
{
    hawse_u256_t rest, one = hawse_u256(1);
    int32_t code = hawse_u256_div(a, b, q, &rest);
    if (code == HAWSE_OK && round_up && !hawse_u256_is_zero(&rest))
        (void)hawse_u256_add(q, &one, q); /* fits: the divisor is above 1 */
    return code;
}

/* Lower and upper one of two prices, and what is between them. HAWSE_E_INVAL: one has more than 160
 * bits, or the liquidity more than 128. */
static int32_t order(const hawse_u256_t *a, const hawse_u256_t *b, const hawse_u256_t *liquidity,
                     hawse_u256_t *lower, hawse_u256_t *upper, hawse_u256_t *between)
{
    if (hawse_u256_bit_length(a) > 160 || hawse_u256_bit_length(b) > 160 ||
        hawse_u256_bit_length(liquidity) > 128)
        return HAWSE_E_INVAL;
    int32_t swapped = hawse_u256_compare(a, b) > 0;
    hawse_u256_t low = swapped ? *b : *a;
    *upper = swapped ? *a : *b;
    *lower = low;
    (void)hawse_u256_sub(upper, lower, between);
    return HAWSE_OK;
}

int32_t hawse_clmm_amount0(const hawse_u256_t *price_a, const hawse_u256_t *price_b,
                           const hawse_u256_t *liquidity, int32_t round_up, hawse_u256_t *amount)
{
    hawse_u256_t lower, upper, between, shifted = shifted_96(liquidity), r;
    int32_t code = order(price_a, price_b, liquidity, &lower, &upper, &between);
    if (code != HAWSE_OK)
        return code;
    if (hawse_u256_is_zero(&lower))
        return HAWSE_E_RANGE;
    code = hawse_u256_mul_div(&shifted, &between, &upper, round_up, &r);
    return code == HAWSE_OK ? divide(&r, &lower, round_up, amount) : code;
}

int32_t hawse_clmm_amount1(const hawse_u256_t *price_a, const hawse_u256_t *price_b,
                           const hawse_u256_t *liquidity, int32_t round_up, hawse_u256_t *amount)
{
    hawse_u256_t lower, upper, between;
    int32_t code = order(price_a, price_b, liquidity, &lower, &upper, &between);
    if (code != HAWSE_OK)
        return code;
    return hawse_u256_mul_div(liquidity, &between, &q96, round_up, amount);
}

/* Token 0 in or out: L * p / (L +- amount * p), rounded up, L shifted by 96 bits. When the
 * denominator overflows, an input is divided in another order, which is less exact: so do the
 * contracts. */
static int32_t next_by_token0(const hawse_u256_t *price, const hawse_u256_t *liquidity,
                              const hawse_u256_t *amount, int32_t is_input, hawse_u256_t *next)
{
    hawse_u256_t shifted = shifted_96(liquidity), d, r;
    uint64_t wide[8];
    if (hawse_u256_is_zero(amount)) {
        *next = *price;
        return HAWSE_OK;
    }
    hawse_u256_mul(amount, price, wide);
    uint64_t above = wide[4] | wide[5] | wide[6] | wide[7];
    hawse_u256_t product = {{wide[0], wide[1], wide[2], wide[3]}};
    if (is_input) {
        if (above == 0 && hawse_u256_add(&shifted, &product, &d) == 0)
            return hawse_u256_mul_div(&shifted, price, &d, 1, next);
        (void)hawse_u256_div(&shifted, price, &r, NULL);
        if (hawse_u256_add(&r, amount, &d))
            return HAWSE_E_RANGE;
        return divide(&shifted, &d, 1, next);
    }
    if (above != 0 || hawse_u256_compare(&shifted, &product) <= 0)
        return HAWSE_E_RANGE;
    (void)hawse_u256_sub(&shifted, &product, &d);
    int32_t code = hawse_u256_mul_div(&shifted, price, &d, 1, &r);
    if (code != HAWSE_OK || hawse_u256_bit_length(&r) > 160)
        return HAWSE_E_RANGE;
    *next = r;
    return HAWSE_OK;
}

/* Token 1 in or out: p +- amount / L, rounded down. */
static int32_t next_by_token1(const hawse_u256_t *price, const hawse_u256_t *liquidity,
                              const hawse_u256_t *amount, int32_t is_input, hawse_u256_t *next)
{
    hawse_u256_t quotient, r;
    int32_t code = hawse_u256_mul_div(amount, &q96, liquidity, !is_input, &quotient);
    if (code != HAWSE_OK)
        return code;
    if (is_input) {
        if (hawse_u256_add(price, &quotient, &r) || hawse_u256_bit_length(&r) > 160)
            return HAWSE_E_RANGE;
    } else {
        if (hawse_u256_compare(price, &quotient) <= 0)
            return HAWSE_E_RANGE;
        (void)hawse_u256_sub(price, &quotient, &r);
    }
    *next = r;
    return HAWSE_OK;
}

int32_t hawse_clmm_next_price(const hawse_u256_t *price, const hawse_u256_t *liquidity,
                              const hawse_u256_t *amount, int32_t zero_for_one, int32_t is_input,
                              hawse_u256_t *next)
{
    if (hawse_u256_is_zero(price) || hawse_u256_is_zero(liquidity))
        return HAWSE_E_RANGE;
    if (hawse_u256_bit_length(price) > 160 || hawse_u256_bit_length(liquidity) > 128)
        return HAWSE_E_INVAL;
    if (!zero_for_one == !is_input)
        return next_by_token0(price, liquidity, amount, is_input, next);
    return next_by_token1(price, liquidity, amount, is_input, next);
}

/* What comes in (or goes out) between two prices: inputs are rounded up, outputs down. */
static int32_t amount_in(const hawse_u256_t *a, const hawse_u256_t *b,
                         const hawse_u256_t *liquidity, int32_t zero_for_one, hawse_u256_t *amount)
{
    return zero_for_one ? hawse_clmm_amount0(a, b, liquidity, 1, amount)
                        : hawse_clmm_amount1(a, b, liquidity, 1, amount);
}

static int32_t amount_out(const hawse_u256_t *a, const hawse_u256_t *b,
                          const hawse_u256_t *liquidity, int32_t zero_for_one, hawse_u256_t *amount)
{
    return zero_for_one ? hawse_clmm_amount1(a, b, liquidity, 0, amount)
                        : hawse_clmm_amount0(a, b, liquidity, 0, amount);
}

static int32_t fee_on(const hawse_u256_t *input, uint32_t fee_ppm, hawse_u256_t *fee)
{
    hawse_u256_t rate = hawse_u256(fee_ppm), rest = hawse_u256(HAWSE_FEE_ONE - fee_ppm);
    return hawse_u256_mul_div(input, &rate, &rest, 1, fee);
}

static int32_t step_exact_in(const hawse_u256_t *price, const hawse_u256_t *target,
                             const hawse_u256_t *liquidity, const hawse_u256_t *amount,
                             uint32_t fee_ppm, int32_t zero_for_one, hawse_clmm_step_t *s)
{
    hawse_u256_t after, kept = hawse_u256(HAWSE_FEE_ONE - fee_ppm), one = hawse_u256(HAWSE_FEE_ONE);
    int32_t code = amount_in(target, price, liquidity, zero_for_one, &s->input);
    if (code == HAWSE_OK)
        code = hawse_u256_mul_div(amount, &kept, &one, 0, &after);
    if (code != HAWSE_OK)
        return code;
    int32_t reached = hawse_u256_compare(&after, &s->input) >= 0;
    s->price = *target;
    if (!reached) {
        code = hawse_clmm_next_price(price, liquidity, &after, zero_for_one, 1, &s->price);
        if (code != HAWSE_OK)
            return code;
        reached = hawse_u256_compare(&s->price, target) == 0;
    }
    if (reached) {
        code = fee_on(&s->input, fee_ppm, &s->fee);
    } else { /* all that is left of the input is fee */
        code = amount_in(&s->price, price, liquidity, zero_for_one, &s->input);
        if (code == HAWSE_OK)
            (void)hawse_u256_sub(amount, &s->input, &s->fee);
    }
    return code == HAWSE_OK ? amount_out(&s->price, price, liquidity, zero_for_one, &s->output)
                            : code;
}

static int32_t step_exact_out(const hawse_u256_t *price, const hawse_u256_t *target,
                              const hawse_u256_t *liquidity, const hawse_u256_t *amount,
                              uint32_t fee_ppm, int32_t zero_for_one, hawse_clmm_step_t *s)
{
    int32_t code = amount_out(target, price, liquidity, zero_for_one, &s->output);
    s->price = *target;
    if (code == HAWSE_OK && hawse_u256_compare(amount, &s->output) < 0) {
        code = hawse_clmm_next_price(price, liquidity, amount, zero_for_one, 0, &s->price);
        if (code == HAWSE_OK && hawse_u256_compare(&s->price, target) != 0)
            code = amount_out(&s->price, price, liquidity, zero_for_one, &s->output);
        if (hawse_u256_compare(&s->output, amount) > 0)
            s->output = *amount;
    }
    if (code == HAWSE_OK)
        code = amount_in(&s->price, price, liquidity, zero_for_one, &s->input);
    return code == HAWSE_OK ? fee_on(&s->input, fee_ppm, &s->fee) : code;
}

int32_t hawse_clmm_step(const hawse_u256_t *price, const hawse_u256_t *target,
                        const hawse_u256_t *liquidity, const hawse_u256_t *amount, uint32_t fee_ppm,
                        hawse_clmm_step_t *step)
{
    hawse_u256_t size;
    hawse_clmm_step_t s;
    if (fee_ppm >= HAWSE_FEE_ONE)
        return HAWSE_E_INVAL;
    int32_t zero_for_one = hawse_u256_compare(price, target) >= 0;
    hawse_i256_magnitude(amount, &size);
    int32_t code = hawse_i256_is_negative(amount)
                       ? step_exact_out(price, target, liquidity, &size, fee_ppm, zero_for_one, &s)
                       : step_exact_in(price, target, liquidity, &size, fee_ppm, zero_for_one, &s);
    if (code == HAWSE_OK)
        *step = s;
    return code;
}
