/*
 * How much to trade: the number of company tokens at which a flow gains most, by search over exact
 * quotes. Pure, bounded in quotes, exact integers.
 *
 * Gain by size rises to one maximum and falls (pools get worse the more one takes): a golden
 * section finds it, and what it ends at is within 1/1024 of the best size; as the curve is flat
 * there, the gain is within millionths of the best. Where liquidity ends, or at ticks, the curve
 * may have more than one hill: what is found is then a hill, and its gain is exact all the same.
 */
#ifndef FUTARCHY_ARB_SIZE_H
#define FUTARCHY_ARB_SIZE_H

#include "flow.h"

enum { SIZE_QUOTES_MAX = 64 }; /* flows that are quoted in one search, at most */

struct size_limits {
    hawse_u256_t max_in;      /* sDAI that may be put in */
    hawse_u256_t min_company; /* the least that is worth a look; not 0 */
};

/* The best flow of one way. HAWSE_OK: bounds are guarded, it may be proposed. HAWSE_E_NOTFOUND: no
 * size gains enough; HAWSE_E_RANGE: pools cannot fill even the least. *quotes, unless NULL, is how
 * many flows were looked at. */
int32_t size_best(const struct market *m, const struct flow_rules *rules,
                  const struct size_limits *limits, enum flow_way way, struct flow *best,
                  uint32_t *quotes);

#endif
