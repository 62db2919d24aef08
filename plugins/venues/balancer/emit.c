/* Records of the venue; see balancer.h. */
#include "balancer.h"

#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <string.h>

/* The name of a pair, i < j: the pool's own when it has no other. */
static void name_pair(const struct pool *p, uint32_t i, uint32_t j, uint8_t market[32])
{
    uint8_t text[32 + 20 + 20];
    memcpy(text, p->base.market, 32);
    memcpy(text + 32, p->token[i].base.address, 20);
    memcpy(text + 52, p->token[j].base.address, 20);
    if (p->token_count == 2)
        memcpy(market, p->base.market, 32);
    else
        hawse_keccak256(text, sizeof(text), market);
}

static void emit_info(struct venue *v, const struct pool *p, uint32_t i, uint32_t j)
{
    uint8_t market[32];
    name_pair(p, i, j, market);
    hawse_market_info_t *info = venue_out(v, HAWSE_MARKET_INFO, HAWSE_MARKET_STREAM_INFO,
                                          hawse_key(market, 32), sizeof(*info), NULL);
    info->size = sizeof(*info);
    memcpy(info->market, market, 32);
    venue_info_token(info, 0, &p->token[i].base);
    venue_info_token(info, 1, &p->token[j].base);
    memcpy(info->group, p->base.market, 32);
}

void emit_infos(struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    for (uint32_t i = 0; i < p->token_count; i++) {
        for (uint32_t j = i + 1; j < p->token_count; j++)
            emit_info(v, p, i, j);
    }
}

void emit_log(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
              uint32_t topic, const hawse_event_t *cause)
{
    const struct pool *p = (const struct pool *)base;
    const uint8_t *d = venue_data(log);
    uint8_t market[32];
    hawse_u256_t in, out;
    if (topic != TOPIC_SWAP || log->topic_count != 4 || log->data_len < 64)
        return;
    uint32_t i = pool_token(p, log->topics[2]), j = pool_token(p, log->topics[3]);
    if (i >= p->token_count || j >= p->token_count || i == j)
        return;
    hawse_u256_from_be(d, &in);
    hawse_u256_from_be(d + 32, &out);
    hawse_i256_negate(&out, &out);
    name_pair(p, i < j ? i : j, i < j ? j : i, market);
    hawse_market_trade_t *t = venue_out(v, HAWSE_MARKET_TRADE, HAWSE_MARKET_STREAM_TRADES,
                                        hawse_key(market, 32), sizeof(*t), cause);
    t->size = sizeof(*t);
    memcpy(t->market, market, 32);
    t->side = i < j ? HAWSE_SIDE_SELL : HAWSE_SIDE_BUY; /* token 0 comes in: the taker sells it */
    t->amount0 = i < j ? in : out;
    t->amount1 = i < j ? out : in;
    venue_origin(&t->origin, log);
}

static uint32_t flags_of(const struct pool *p, const struct pool_state *state)
{
    return (state->paused || p->vault_paused ? HAWSE_POOL_PAUSED : 0) |
           (state->recovery ? HAWSE_POOL_RECOVERY : 0) |
           (p->stale_count > 0 ? HAWSE_POOL_RATES_DUE : 0);
}

void emit_state(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
                const hawse_event_t *cause)
{
    const struct pool *p = (const struct pool *)base;
    const struct pool_state *state = base->state;
    uint64_t len = sizeof(hawse_market_pool_tokens_t) +
                   (uint64_t)p->token_count * sizeof(hawse_market_pool_token_t);
    hawse_market_pool_tokens_t *s =
        venue_out(v, HAWSE_MARKET_POOL_TOKENS, HAWSE_MARKET_STREAM_STATES, base->key, len, cause);
    hawse_market_pool_token_t *tokens = (hawse_market_pool_token_t *)(void *)(s + 1);
    bool stable = p->kind == HAWSE_BAL_STABLE || p->kind == HAWSE_BAL_STABLE_2021;
    s->size = sizeof(*s);
    s->pool_kind = stable ? HAWSE_POOL_STABLE : HAWSE_POOL_WEIGHTED;
    s->formula = p->kind;
    s->flags = flags_of(p, state);
    s->token_count = p->token_count;
    s->tokens_offset = sizeof(*s);
    s->own_token = p->own_token;
    memcpy(s->market, base->market, 32);
    s->swap_fee = state->swap_fee;
    s->amp_start = state->amp.from;
    s->amp_end = state->amp.to;
    s->amp_start_time = state->amp.begins;
    s->amp_end_time = state->amp.ends;
    for (uint32_t i = 0; i < p->token_count; i++) {
        memcpy(tokens[i].token + 12, p->token[i].base.address, 20);
        tokens[i].balance = state->balance[i];
        tokens[i].scaling = p->token[i].scaling;
        tokens[i].weight = p->token[i].weight;
    }
    venue_state_origin(v, base, &s->origin, log);
}
