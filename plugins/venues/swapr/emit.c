/* Events of the venue; see swapr.h. Built in a small queue of two, flushed as there is room. */
#include "swapr.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <string.h>

static struct out *next_out(struct swapr *s, const struct pool *p, uint16_t kind, uint32_t stream,
                            uint64_t len, const hawse_event_t *cause)
{
    struct out *o = &s->out[s->out_count++];
    memset(o, 0, sizeof(*o));
    o->event = (hawse_event_t){.size = sizeof(o->event),
                               .space = HAWSE_SPACE_MARKET,
                               .kind = kind,
                               .stream = stream,
                               .epoch = cause ? cause->epoch : 0,
                               .flags = cause ? cause->flags & HAWSE_EVENT_BACKFILLED : 0,
                               .t_recv_ns = cause ? cause->t_recv_ns : 0,
                               .t_source_ns = cause ? cause->t_source_ns : 0,
                               .key = p->key,
                               .data = (const uint8_t *)&o->record,
                               .len = len};
    return o;
}

bool emit_flush(struct swapr *s)
{
    while (s->out_next < s->out_count) {
        if (s->sub->publish(s->host, s->self, &s->out[s->out_next].event) == HAWSE_E_AGAIN)
            return false;
        s->out_next++;
    }
    s->out_next = s->out_count = 0;
    return true;
}

void emit_info(struct swapr *s, const struct pool *p)
{
    struct out *o =
        next_out(s, p, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO, sizeof(o->record.info), NULL);
    hawse_market_info_t *info = &o->record.info;
    info->size = sizeof(*info);
    memcpy(info->market, p->market, 32);
    for (int i = 0; i < 2; i++) {
        info->decimals[i] = p->token[i].decimals;
        memcpy(info->token[i] + 12, p->token[i].address, 20);
        memcpy(info->symbol[i], p->token[i].symbol, 16);
    }
    info->tick_spacing = p->state.tick_spacing;
}

void emit_trade(struct swapr *s, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause)
{
    const uint8_t *d = (const uint8_t *)log + log->data_offset;
    hawse_u256_t amount0, amount1, price, liquidity;
    int64_t tick = 0;
    if (log->data_len < 160 || log->topic_count != 3 ||
        hawse_abi_int(d, 256, &amount0) != HAWSE_OK ||
        hawse_abi_int(d + 32, 256, &amount1) != HAWSE_OK ||
        hawse_abi_uint(d + 64, 160, &price) != HAWSE_OK ||
        hawse_abi_uint(d + 96, 128, &liquidity) != HAWSE_OK ||
        hawse_abi_i64(d + 128, 24, &tick) != HAWSE_OK) {
        swapr_complain(s, "a Swap log is malformed: block %llu, index %u",
                       (unsigned long long)log->block_number, log->log_index);
        return;
    }
    struct out *o = next_out(s, p, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES,
                             sizeof(o->record.trade), cause);
    o->event.flags |= cause->flags & HAWSE_EVENT_REMOVED;
    hawse_market_trade_t *t = &o->record.trade;
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

void emit_liquidity(struct swapr *s, const struct pool *p, const hawse_evm_log_t *log,
                    enum topic topic, const hawse_event_t *cause)
{
    bool mint = topic == TOPIC_MINT;
    const uint8_t *d = (const uint8_t *)log + log->data_offset + (mint ? 32 : 0);
    int64_t bottom = 0, top = 0;
    hawse_u256_t delta, amount[2];
    if (log->topic_count != 4 || log->data_len < (mint ? 128u : 96u) ||
        hawse_abi_i64(log->topics[2], 24, &bottom) != HAWSE_OK ||
        hawse_abi_i64(log->topics[3], 24, &top) != HAWSE_OK ||
        hawse_abi_uint(d, 128, &delta) != HAWSE_OK)
        return;
    struct out *o = next_out(s, p, HAWSE_MARKET_LIQUIDITY, HAWSE_MARKET_STREAM_TRADES,
                             sizeof(o->record.liquidity), cause);
    o->event.flags |= cause->flags & HAWSE_EVENT_REMOVED;
    hawse_market_liquidity_t *l = &o->record.liquidity;
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

void emit_state(struct swapr *s, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause)
{
    struct out *o = next_out(s, p, HAWSE_MARKET_POOL_STATE, HAWSE_MARKET_STREAM_STATES,
                             sizeof(o->record.state), cause);
    hawse_market_pool_state_t *st = &o->record.state;
    st->size = sizeof(*st);
    st->pool_kind = HAWSE_POOL_CONCENTRATED;
    memcpy(st->market, p->market, 32);
    st->sqrt_price_x96 = p->state.sqrt_price;
    st->liquidity = p->state.liquidity;
    st->tick = p->state.tick;
    st->fee_ppm = p->state.fee_ppm;
    if (log) {
        venue_origin(&st->origin, log);
    } else {
        st->origin.chain_id = s->chain_id;
        st->origin.block_number = p->read_block;
        memcpy(st->origin.block_hash, p->read_hash, 32);
    }
}
