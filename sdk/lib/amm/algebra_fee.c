/* The dynamic fee of Algebra pools: two sigmoids of the volatility under one of the volume; see
 * hawse/amm/concentrated.h. */
#include <hawse/amm/concentrated.h>
#include <hawse/u256.h>

/* x^n * g^m / divisor as a 256-bit number; x below 2^19 and g below 2^16, so 152 bits at most. */
static hawse_u256_t summand(uint64_t x, unsigned n, uint64_t g, unsigned m, uint32_t divisor)
{
    hawse_u256_t r = hawse_u256(1), factor;
    uint64_t wide[8];
    while (n + m > 0) {
        factor = hawse_u256(n > 0 ? x : g);
        hawse_u256_mul(&r, &factor, wide);
        r = (hawse_u256_t){{wide[0], wide[1], wide[2], wide[3]}};
        if (n > 0)
            n--;
        else
            m--;
    }
    factor = hawse_u256(divisor);
    (void)hawse_u256_div(&r, &factor, &r, NULL);
    return r;
}

/* e^(x / g) * g^8 by the first nine terms of its series, each cut. */
static hawse_u256_t exponential(uint64_t x, uint64_t g)
{
    static const uint32_t factorial[9] = {1, 1, 2, 6, 24, 120, 720, 5040, 40320};
    hawse_u256_t sum = hawse_u256(0);
    for (unsigned n = 0; n <= 8; n++) {
        hawse_u256_t term = summand(x, n, g, 8 - n, factorial[n]);
        (void)hawse_u256_add(&sum, &term, &sum);
    }
    return sum;
}

/* alpha / (1 + e^((beta - x) / g)) */
static uint32_t sigmoid(const hawse_u256_t *x, uint32_t g, uint32_t alpha, uint32_t beta)
{
    hawse_u256_t shift = hawse_u256(beta), distance, most = hawse_u256(6 * (uint64_t)g), q;
    int32_t above = hawse_u256_compare(x, &shift) > 0;
    (void)hawse_u256_sub(above ? x : &shift, above ? &shift : x, &distance);
    if (hawse_u256_compare(&distance, &most) >= 0)
        return above ? alpha : 0;
    hawse_u256_t g8 = summand(0, 0, g, 8, 1), e = exponential(distance.limb[0], g), sum;
    hawse_u256_t factor = hawse_u256(alpha);
    (void)hawse_u256_add(&g8, &e, &sum);
    (void)hawse_u256_mul_div(&factor, above ? &e : &g8, &sum, 0, &q); /* at most alpha */
    return (uint32_t)q.limb[0];
}

int32_t hawse_algebra_fee(const hawse_u256_t *volatility, const hawse_u256_t *volume_per_liquidity,
                          const hawse_algebra_fee_config_t *config, uint32_t *fee_ppm)
{
    if (config->gamma1 == 0 || config->gamma2 == 0 || config->volume_gamma == 0)
        return HAWSE_E_INVAL;
    uint32_t sum = sigmoid(volatility, config->gamma1, config->alpha1, config->beta1) +
                   sigmoid(volatility, config->gamma2, config->alpha2, config->beta2);
    if (sum > UINT16_MAX)
        sum = UINT16_MAX;
    *fee_ppm = (config->base_fee +
                sigmoid(volume_per_liquidity, config->volume_gamma, sum, config->volume_beta)) &
               UINT16_MAX;
    return HAWSE_OK;
}
