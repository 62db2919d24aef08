/*
 * The two ways round a futarchy market, for one number of company tokens: what each step takes and
 * gives as quoted, and the bound that goes into its calldata. Pure and exact.
 *
 *   buy    split sDAI by outcome, buy YES and NO company tokens, merge them, sell the company token
 *   sell   buy the company token, split it by outcome, sell both, merge the sDAI of both outcomes
 *
 * One transaction makes all calls with amounts that are fixed before (execute10 passes no result
 * on), so every amount here is there in the worst case that the bounds let through: what is merged
 * is an exact output or the smaller of two least outputs, what is left over is counted from the
 * most that a purchase may take. What a quote is better than its bound stays in the account as
 * conditional sDAI, and a sweep merges it later.
 *
 * The bounds are a guard: the sale of the company token (buy), or its purchase (sell), is bounded
 * so that whatever else happens within the bounds, sDAI that comes back covers what was put in, the
 * gas and the least profit. A transaction that would lose reverts as a whole.
 */
#ifndef FUTARCHY_ARB_FLOW_H
#define FUTARCHY_ARB_FLOW_H

#include "market.h"

#include <hawse/u256.h>

#define FLOW_ONE 1000000u /* shares are in millionths */

enum flow_way { FLOW_NONE, FLOW_BUY, FLOW_SELL, FLOW_SWEEP, FLOW_RECOVER };

struct flow_rules {
    uint32_t slippage_ppm;   /* what each leg may be worse than quoted */
    uint32_t min_edge_ppm;   /* gain after gas, of what is put in */
    bool liquidate;          /* sell what is left of the dearer outcome */
    hawse_u256_t gas;        /* what the transaction costs, in sDAI */
    hawse_u256_t min_profit; /* sDAI, after gas */
};

/* All amounts in the token's smallest unit. */
struct flow {
    enum flow_way way;
    enum market_token left_token;  /* what is liquidated; meaningful when left is not 0 */
    hawse_u256_t company;          /* tokens that go round */
    hawse_u256_t paid, paid_max;   /* sDAI put in: what is split (buy), what spot costs (sell) */
    hawse_u256_t leg[2], bound[2]; /* by outcome: sDAI that goes in and its most (buy), that comes
                                      out and its least (sell) */
    hawse_u256_t spot_min;         /* buy: the least that the sale brings */
    hawse_u256_t merged;           /* sDAI of both outcomes that is merged at the end (sell) */
    hawse_u256_t left, left_out, left_min; /* liquidated, what it brings, and at least */
    hawse_u256_t back;                     /* sDAI that comes back, as quoted */
    hawse_u256_t back_min;                 /* and at least */
    hawse_u256_t gain;                     /* back - paid, before gas; signed */
    hawse_u256_t net;                      /* after gas; signed */
};

/* Each for `company` tokens. HAWSE_OK: it is possible, whatever it gains; bounds are set as far as
 * slippage goes. HAWSE_E_RANGE: a pool cannot fill it. */
int32_t flow_buy(const struct market *m, const struct flow_rules *rules,
                 const hawse_u256_t *company, struct flow *out);
int32_t flow_sell(const struct market *m, const struct flow_rules *rules,
                  const hawse_u256_t *company, struct flow *out);

/* Merging of pairs that are held: `sdai` of both outcomes, `company` of both. HAWSE_E_RANGE: both
 * are 0. */
int32_t flow_sweep(const hawse_u256_t *sdai, const hawse_u256_t *company, struct flow *out);

/* One sale of what a sequence that failed half way left: the company token for sDAI, a conditional
 * company token for sDAI of its outcome, conditional sDAI for sDAI. Its amounts are left, left_out
 * and left_min. HAWSE_E_RANGE: no pool takes it. */
int32_t flow_recover(const struct market *m, const struct flow_rules *rules,
                     enum market_token token, const hawse_u256_t *amount, struct flow *out);

/* Gas for the ticks that the swaps of a cycle cross, at most. */
uint64_t flow_gas(const struct market *m, const struct flow *flow);

/* Tightens the bounds of a flow to the guard. HAWSE_E_RANGE: it does not gain enough for them: it
 * is not worth doing. */
int32_t flow_guard(const struct flow_rules *rules, struct flow *flow);

/* What it does to the account's conditional sDAI of each outcome, as quoted; signed. Of a buy or a
 * sell: with the gain, each swap's amounts follow from it. */
void flow_kept(const struct flow *flow, hawse_u256_t kept[2]);

/* `amount` plus, or less, so many millionths of it: rounded up, or down. HAWSE_E_RANGE. */
int32_t flow_above(const hawse_u256_t *amount, uint32_t ppm, hawse_u256_t *out);
int32_t flow_below(const hawse_u256_t *amount, uint32_t ppm, hawse_u256_t *out);

#endif
