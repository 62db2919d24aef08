/* Constant-product pairs; see hawse/amm/product.h. */
#include "u256_multiply.h"

#include <hawse/amm/product.h>
#include <hawse/u256.h>

static int32_t check(const hawse_u256_t *reserve_in, const hawse_u256_t *reserve_out,
                     const hawse_u256_t *amount, uint32_t fee, uint32_t fee_one)
{
    int32_t empty = hawse_u256_is_zero(reserve_in) || hawse_u256_is_zero(reserve_out) ||
                    hawse_u256_is_zero(amount);
    return empty || fee >= fee_one ? HAWSE_E_INVAL : HAWSE_OK;
}

int32_t hawse_product_out(const hawse_u256_t *reserve_in, const hawse_u256_t *reserve_out,
                          const hawse_u256_t *amount_in, uint32_t fee, uint32_t fee_one,
                          hawse_u256_t *amount_out)
{
    hawse_u256_t kept = hawse_u256(fee_one - fee), one = hawse_u256(fee_one), paid, above, below;
    int32_t code = check(reserve_in, reserve_out, amount_in, fee, fee_one);
    if (code != HAWSE_OK)
        return code;
    if (u256_multiply_checked(amount_in, &kept, &paid) ||
        u256_multiply_checked(&paid, reserve_out, &above) ||
        u256_multiply_checked(reserve_in, &one, &below) || hawse_u256_add(&below, &paid, &below))
        return HAWSE_E_RANGE;
    return hawse_u256_div(&above, &below, amount_out, NULL);
}

int32_t hawse_product_in(const hawse_u256_t *reserve_in, const hawse_u256_t *reserve_out,
                         const hawse_u256_t *amount_out, uint32_t fee, uint32_t fee_one,
                         hawse_u256_t *amount_in)
{
    hawse_u256_t kept = hawse_u256(fee_one - fee), one = hawse_u256(fee_one), above, below;
    int32_t code = check(reserve_in, reserve_out, amount_out, fee, fee_one);
    if (code != HAWSE_OK)
        return code;
    if (hawse_u256_sub(reserve_out, amount_out, &below) || hawse_u256_is_zero(&below) ||
        u256_multiply_checked(&below, &kept, &below) ||
        u256_multiply_checked(reserve_in, amount_out, &above) ||
        u256_multiply_checked(&above, &one, &above))
        return HAWSE_E_RANGE;
    (void)hawse_u256_div(&above, &below, &above, NULL);
    one = hawse_u256(1);
    if (hawse_u256_add(&above, &one, &above))
        return HAWSE_E_RANGE;
    *amount_in = above;
    return HAWSE_OK;
}
