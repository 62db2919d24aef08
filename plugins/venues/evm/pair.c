/* Records of pairs: what venues whose pools hold more than two tokens tell alike. See venue.h. */
#include "venue.h"

#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <string.h>

/* The name of a pair: the pool's own when it has no other. */
static void name_pair(const struct venue_pool *p, const struct venue_pair *pair, uint8_t market[32])
{
    uint8_t text[32 + 20 + 20];
    memcpy(text, p->market, 32);
    memcpy(text + 32, pair->token[0]->address, 20);
    memcpy(text + 52, pair->token[1]->address, 20);
    if (pair->alone)
        memcpy(market, p->market, 32);
    else
        hawse_keccak256(text, sizeof(text), market);
}

void venue_tell_pair(struct venue *v, const struct venue_pool *p, const struct venue_pair *pair)
{
    uint8_t market[32];
    name_pair(p, pair, market);
    hawse_market_info_t *info = venue_out(v, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO,
                                          hawse_key(market, 32), sizeof(*info), NULL);
    info->size = sizeof(*info);
    memcpy(info->market, market, 32);
    venue_info_token(info, 0, pair->token[0]);
    venue_info_token(info, 1, pair->token[1]);
    memcpy(info->group, p->market, 32);
}

void venue_tell_swap(struct venue *v, const struct venue_pool *p, const struct venue_pair *pair,
                     bool first_in, const hawse_evm_log_t *log, const hawse_event_t *cause)
{
    uint8_t market[32];
    hawse_u256_t in, out;
    hawse_u256_from_be(venue_data(log), &in);
    hawse_u256_from_be(venue_data(log) + 32, &out);
    hawse_i256_negate(&out, &out);
    name_pair(p, pair, market);
    hawse_market_trade_t *t = venue_out(v, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES,
                                        hawse_key(market, 32), sizeof(*t), cause);
    t->size = sizeof(*t);
    memcpy(t->market, market, 32);
    t->side = first_in ? HAWSE_SIDE_SELL : HAWSE_SIDE_BUY; /* the taker sells what comes in */
    t->amount0 = first_in ? in : out;
    t->amount1 = first_in ? out : in;
    venue_origin(&t->origin, log);
}
