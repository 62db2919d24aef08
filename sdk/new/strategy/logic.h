/*
 * The decision, apart from any host: quotes in, what is wanted out. test.c tries it on a list.
 */
#ifndef LOGIC_H
#define LOGIC_H

#include <hawse/space/market.h>

struct decision {
    uint64_t below; /* buy when somebody offers for less: a price with six decimals */
    uint64_t seen;  /* quotes so far */
    uint32_t armed; /* 1: the price was above since the last time */
};

/* 1: now is the time to buy; once per fall below the threshold. */
int32_t decide(struct decision *d, const hawse_market_quote_t *quote);

#endif
