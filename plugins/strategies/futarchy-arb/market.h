/*
 * The pools of one futarchy market and what they answer to swaps, exact to the last wei. Pure: no
 * question to a node, no allocation.
 *
 *   YES, NO            conditional company token against conditional sDAI, by outcome
 *   YES_ODDS, NO_ODDS  conditional sDAI against sDAI: the price of an outcome; may be missing
 *   spot               company token against sDAI
 *
 * The four are concentrated pools (Algebra), the fifth is a weighted pool of Balancer: of v2, or of
 * v3, where what the pool holds may be an ERC-4626 wrapper of the company token, through the
 * Vault's buffer. A swap changes one pool alone, so quotes of different pools hold together; two of
 * one pool would not.
 */
#ifndef FUTARCHY_ARB_MARKET_H
#define FUTARCHY_ARB_MARKET_H

#include <hawse/amm/balancer.h>
#include <hawse/amm/balancer_v3.h>
#include <hawse/amm/concentrated.h>
#include <stdbool.h>

enum market_pool { POOL_YES, POOL_NO, POOL_YES_ODDS, POOL_NO_ODDS, MARKET_POOLS };

/* The tokens of a market. */
enum market_token {
    TOKEN_SDAI,
    TOKEN_COMPANY,
    TOKEN_YES_SDAI,
    TOKEN_NO_SDAI,
    TOKEN_YES_COMPANY,
    TOKEN_NO_COMPANY,
    MARKET_TOKENS
};

/* A concentrated pool: `base` is the company token, or the conditional sDAI of a pool of odds. */
struct market_leg {
    bool there;
    bool base_is_0;         /* addresses sort, so pools of one market can differ */
    hawse_clmm_pool_t pool; /* ticks: who fills it in owns them */
};

struct market_spot {
    uint32_t company, sdai; /* indices into the pool's tokens */
    bool is_v3;
    bool wrapped;           /* v3: the pool's token wraps the company token */
    hawse_bal_pool_t pool;  /* of v2 */
    hawse_bal3_pool_t live; /* of v3 */
    hawse_bal3_wrapper_t wrapper;
    hawse_u256_t minimum_wrap;
};

struct market {
    struct market_leg leg[MARKET_POOLS];
    struct market_spot spot;
};

/* What comes out of a pool for exactly `amount` of the token that goes in: base (base_in) or the
 * other. HAWSE_E_RANGE: liquidity does not suffice, or the contract would revert. */
int32_t market_out(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                   hawse_u256_t *out);

/* What has to go in for exactly `amount` to come out. The same errors. */
int32_t market_in(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                  hawse_u256_t *in);

/* sDAI for so many company tokens. HAWSE_E_RANGE: above what the Vault swaps at once. */
int32_t market_spot_sell(const struct market_spot *spot, const hawse_u256_t *company,
                         hawse_u256_t *sdai);

/* Gas that such a swap takes for the ticks on its way, at most: what is beyond a swap that stays
 * between two ticks. Measured: 2,100 to read a row of the table, about 30,000 for a tick. */
uint64_t market_gas(const struct market_leg *leg, bool base_in, const hawse_u256_t *amount,
                    bool exact_out);

/* sDAI that so many company tokens cost, and company tokens that so much sDAI buys. */
int32_t market_spot_cost(const struct market_spot *spot, const hawse_u256_t *company,
                         hawse_u256_t *sdai);
int32_t market_spot_buy(const struct market_spot *spot, const hawse_u256_t *sdai,
                        hawse_u256_t *company);

#endif
