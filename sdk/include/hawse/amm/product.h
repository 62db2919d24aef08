/*
 * Constant-product pairs (Uniswap v2 and its forks, DXswap = Swapr v2), exact to the last wei.
 *
 * Source: Uniswap v2-periphery 1.1.0-beta.0, contracts/libraries/UniswapV2Library.sol; Swapr's
 * DXswapLibrary has the same with the pair's own fee. The fee is `fee` of `fee_one`: 3 of 1000 with
 * Uniswap, swapFee() of 10000 with Swapr (25 unless set otherwise).
 *
 * Both functions are [any], allocate nothing and keep nothing. HAWSE_E_INVAL: a reserve or the
 * amount is 0, or the fee is not below fee_one. HAWSE_E_RANGE: the contract would revert, because a
 * product leaves 256 bits or more is asked for than the reserve. The result is not written then.
 */
#ifndef HAWSE_AMM_PRODUCT_H
#define HAWSE_AMM_PRODUCT_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* getAmountOut: what goes out for `amount_in`, rounded down. */
int32_t hawse_product_out(const hawse_u256_t *reserve_in, const hawse_u256_t *reserve_out,
                          const hawse_u256_t *amount_in, uint32_t fee, uint32_t fee_one,
                          hawse_u256_t *amount_out);

/* getAmountIn: what must come in for `amount_out`: rounded down, and one more. */
int32_t hawse_product_in(const hawse_u256_t *reserve_in, const hawse_u256_t *reserve_out,
                         const hawse_u256_t *amount_out, uint32_t fee, uint32_t fee_one,
                         hawse_u256_t *amount_in);

#ifdef __cplusplus
}
#endif
#endif
