/* Events of the venue; see balancer.h. Built in a small queue, flushed as there is room. */
#include "balancer.h"

#include <hawse/abi.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <string.h>

static struct out *next_out(struct balancer *b, uint16_t kind, uint32_t stream, uint64_t len,
                            const hawse_event_t *cause)
{
    struct out *o = &b->out[b->out_count++];
    memset(o, 0, sizeof(*o));
    o->event = (hawse_event_t){.size = sizeof(o->event),
                               .space = HAWSE_SPACE_MARKET,
                               .kind = kind,
                               .stream = stream,
                               .epoch = cause ? cause->epoch : 0,
                               .flags = cause ? cause->flags & HAWSE_EVENT_BACKFILLED : 0,
                               .t_recv_ns = cause ? cause->t_recv_ns : 0,
                               .t_source_ns = cause ? cause->t_source_ns : 0,
                               .data = (const uint8_t *)&o->record,
                               .len = len};
    return o;
}

bool emit_flush(struct balancer *b)
{
    while (b->out_next < b->out_count) {
        if (b->sub->publish(b->host, b->self, &b->out[b->out_next].event) == HAWSE_E_AGAIN)
            return false;
        b->out_next++;
    }
    b->out_next = b->out_count = 0;
    return true;
}

/* The name of a pair, i < j: the pool's own when it has no other. */
static void name_pair(const struct pool *p, uint32_t i, uint32_t j, uint8_t market[32])
{
    uint8_t text[32 + 20 + 20];
    memcpy(text, p->id, 32);
    memcpy(text + 32, p->token[i].address, 20);
    memcpy(text + 52, p->token[j].address, 20);
    if (p->token_count == 2)
        memcpy(market, p->id, 32);
    else
        hawse_keccak256(text, sizeof(text), market);
}

static void emit_info(struct balancer *b, const struct pool *p, uint32_t i, uint32_t j)
{
    struct out *o =
        next_out(b, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO, sizeof(o->record.info), NULL);
    hawse_market_info_t *info = &o->record.info;
    const uint32_t tokens[2] = {i, j};
    info->size = sizeof(*info);
    name_pair(p, i, j, info->market);
    o->event.key = hawse_key(info->market, 32);
    for (int k = 0; k < 2; k++) {
        const struct token *t = &p->token[tokens[k]];
        info->decimals[k] = t->decimals;
        memcpy(info->token[k] + 12, t->address, 20);
        memcpy(info->symbol[k], t->symbol, sizeof(t->symbol));
    }
    memcpy(info->group, p->id, 32);
}

void emit_infos(struct balancer *b, const struct pool *p)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        for (uint32_t j = i + 1; j < p->token_count; j++)
            emit_info(b, p, i, j);
    }
}

void emit_trade(struct balancer *b, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause)
{
    const uint8_t *d = (const uint8_t *)log + log->data_offset;
    hawse_u256_t in, out;
    if (log->topic_count != 4 || log->data_len < 64)
        return;
    uint32_t i = pool_token(p, log->topics[2]), j = pool_token(p, log->topics[3]);
    if (i >= p->token_count || j >= p->token_count || i == j)
        return;
    hawse_u256_from_be(d, &in);
    hawse_u256_from_be(d + 32, &out);
    hawse_i256_negate(&out, &out);
    struct out *o =
        next_out(b, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES, sizeof(o->record.trade), cause);
    o->event.flags |= cause ? cause->flags & HAWSE_EVENT_REMOVED : 0;
    hawse_market_trade_t *t = &o->record.trade;
    t->size = sizeof(*t);
    name_pair(p, i < j ? i : j, i < j ? j : i, t->market);
    o->event.key = hawse_key(t->market, 32);
    t->side = i < j ? HAWSE_SIDE_SELL : HAWSE_SIDE_BUY; /* token 0 comes in: the taker sells it */
    t->amount0 = i < j ? in : out;
    t->amount1 = i < j ? out : in;
    venue_origin(&t->origin, log);
}

static void put_tokens(const struct pool *p, hawse_market_pool_token_t *tokens)
{
    for (uint32_t i = 0; i < p->token_count; i++) {
        memcpy(tokens[i].token + 12, p->token[i].address, 20);
        tokens[i].balance = p->state.balance[i];
        tokens[i].scaling = p->token[i].scaling;
        tokens[i].weight = p->token[i].weight;
    }
}

void emit_state(struct balancer *b, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause)
{
    uint64_t len = sizeof(hawse_market_pool_tokens_t) +
                   (uint64_t)p->token_count * sizeof(hawse_market_pool_token_t);
    struct out *o = next_out(b, HAWSE_MARKET_POOL_TOKENS, HAWSE_MARKET_STREAM_STATES, len, cause);
    hawse_market_pool_tokens_t *s = &o->record.state.head;
    bool stable = p->kind == HAWSE_BAL_STABLE || p->kind == HAWSE_BAL_STABLE_2021;
    o->event.key = p->key;
    s->size = sizeof(*s);
    s->pool_kind = stable ? HAWSE_POOL_STABLE : HAWSE_POOL_WEIGHTED;
    s->formula = p->kind;
    s->flags = p->paused || p->vault_paused ? HAWSE_POOL_PAUSED : 0;
    s->token_count = p->token_count;
    s->tokens_offset = sizeof(*s);
    s->own_token = p->own_token;
    memcpy(s->market, p->id, 32);
    s->swap_fee = p->state.swap_fee;
    s->amp_start = p->state.amp.from;
    s->amp_end = p->state.amp.to;
    s->amp_start_time = p->state.amp.begins;
    s->amp_end_time = p->state.amp.ends;
    put_tokens(p, o->record.state.token);
    if (log) {
        venue_origin(&s->origin, log);
    } else {
        s->origin.chain_id = b->chain_id;
        s->origin.block_number = p->read_block;
        memcpy(s->origin.block_hash, p->read_hash, 32);
    }
}
