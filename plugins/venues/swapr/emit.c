/* Records of the venue; see swapr.h. */
#include "swapr.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <string.h>

void emit_info(struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    const struct pool_state *state = base->state;
    hawse_market_info_t *info =
        venue_out(v, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO, base->key, sizeof(*info), NULL);
    info->size = sizeof(*info);
    memcpy(info->market, base->market, 32);
    for (uint32_t i = 0; i < 2; i++)
        venue_info_token(info, i, &p->token[i]);
    info->tick_spacing = state->tick_spacing;
}

static void emit_trade(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                       const hawse_event_t *cause)
{
    const uint8_t *d = venue_data(log);
    hawse_u256_t amount0, amount1, price, liquidity;
    int64_t tick = 0;
    if (log->data_len < 160 || log->topic_count != 3 ||
        hawse_abi_int(d, 256, &amount0) != HAWSE_OK ||
        hawse_abi_int(d + 32, 256, &amount1) != HAWSE_OK ||
        hawse_abi_uint(d + 64, 160, &price) != HAWSE_OK ||
        hawse_abi_uint(d + 96, 128, &liquidity) != HAWSE_OK ||
        hawse_abi_i64(d + 128, 24, &tick) != HAWSE_OK) {
        venue_complain(v, "a Swap log is malformed: block %llu, index %u",
                       (unsigned long long)log->block_number, log->log_index);
        return;
    }
    hawse_market_trade_t *t =
        venue_out(v, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES, p->key, sizeof(*t), cause);
    t->size = sizeof(*t);
    /* the pool pays out token 0: the taker buys it */
    t->side = hawse_i256_is_negative(&amount0) ? HAWSE_SIDE_BUY : HAWSE_SIDE_SELL;
    memcpy(t->market, p->market, 32);
    t->amount0 = amount0;
    t->amount1 = amount1;
    t->sqrt_price_x96 = price;
    t->liquidity = liquidity;
    t->tick = (int32_t)tick;
    memcpy(t->sender, log->topics[1], 32);
    memcpy(t->recipient, log->topics[2], 32);
    venue_origin(&t->origin, log);
}

static void emit_liquidity(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                           bool mint, const hawse_event_t *cause)
{
    const uint8_t *d = venue_data(log) + (mint ? 32 : 0);
    int64_t bottom = 0, top = 0;
    hawse_u256_t delta, amount[2];
    if (log->topic_count != 4 || log->data_len < (mint ? 128u : 96u) ||
        hawse_abi_i64(log->topics[2], 24, &bottom) != HAWSE_OK ||
        hawse_abi_i64(log->topics[3], 24, &top) != HAWSE_OK ||
        hawse_abi_uint(d, 128, &delta) != HAWSE_OK)
        return;
    hawse_market_liquidity_t *l =
        venue_out(v, HAWSE_MARKET_LIQUIDITY, HAWSE_MARKET_STREAM_TRADES, p->key, sizeof(*l), cause);
    l->size = sizeof(*l);
    l->tick_lower = (int32_t)bottom;
    l->tick_upper = (int32_t)top;
    memcpy(l->market, p->market, 32);
    memcpy(l->owner, log->topics[1], 32);
    for (int i = 0; i < 2; i++) {
        hawse_u256_from_be(d + 32 + 32 * i, &amount[i]);
        if (!mint) /* what a burn frees leaves the pool's books */
            hawse_i256_negate(&amount[i], &amount[i]);
    }
    if (!mint)
        hawse_i256_negate(&delta, &delta);
    l->delta = delta;
    l->amount0 = amount[0];
    l->amount1 = amount[1];
    venue_origin(&l->origin, log);
}

void emit_log(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
              uint32_t topic, const hawse_event_t *cause)
{
    if (topic == TOPIC_SWAP)
        emit_trade(v, p, log, cause);
    else if (topic == TOPIC_MINT || topic == TOPIC_BURN)
        emit_liquidity(v, p, log, topic == TOPIC_MINT, cause);
}

void emit_state(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause)
{
    const struct pool_state *state = p->state;
    hawse_market_pool_state_t *s = venue_out(v, HAWSE_MARKET_POOL_STATE, HAWSE_MARKET_STREAM_STATES,
                                             p->key, sizeof(*s), cause);
    s->size = sizeof(*s);
    s->pool_kind = HAWSE_POOL_CONCENTRATED;
    memcpy(s->market, p->market, 32);
    s->sqrt_price_x96 = state->sqrt_price;
    s->liquidity = state->liquidity;
    s->tick = state->tick;
    s->fee_ppm = state->fee_ppm;
    venue_state_origin(v, p, &s->origin, log);
}
