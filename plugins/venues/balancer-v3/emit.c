/* Records of the venue; see v3.h. */
#include "v3.h"

#include <string.h>

static struct venue_pair pair_of(const struct pool *p, uint32_t i, uint32_t j)
{
    return (struct venue_pair){{&p->token[i].base, &p->token[j].base}, p->token_count == 2};
}

void emit_infos(struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    for (uint32_t i = 0; i < p->token_count; i++) {
        for (uint32_t j = i + 1; j < p->token_count; j++) {
            struct venue_pair pair = pair_of(p, i, j);
            venue_tell_pair(v, base, &pair);
        }
    }
}

void emit_log(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
              uint32_t topic, const hawse_event_t *cause)
{
    const struct pool *p = (const struct pool *)base;
    if (topic != TOPIC_SWAP || log->topic_count != 4 || log->data_len < 64)
        return;
    uint32_t i = pool_token(p, log->topics[2]), j = pool_token(p, log->topics[3]);
    if (i >= p->token_count || j >= p->token_count || i == j)
        return;
    struct venue_pair pair = i < j ? pair_of(p, i, j) : pair_of(p, j, i);
    venue_tell_swap(v, base, &pair, i < j, log, cause);
}

static uint32_t flags_of(const struct pool *p, const struct pool_state *state)
{
    return (state->paused || p->vault_paused ? HAWSE_POOL_PAUSED : 0) |
           (state->recovery ? HAWSE_POOL_RECOVERY : 0) |
           (p->buffers_paused ? HAWSE_POOL_BUFFERS_PAUSED : 0) |
           (p->rated ? HAWSE_POOL_RATES_MOVE : 0);
}

void emit_state(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
                const hawse_event_t *cause)
{
    const struct pool *p = (const struct pool *)base;
    const struct pool_state *state = base->state;
    uint64_t len = sizeof(hawse_market_pool_live_t) +
                   (uint64_t)p->token_count * sizeof(hawse_market_live_token_t);
    hawse_market_pool_live_t *s =
        venue_out(v, HAWSE_MARKET_POOL_LIVE, HAWSE_MARKET_STREAM_STATES, base->key, len, cause);
    hawse_market_live_token_t *tokens = (hawse_market_live_token_t *)(void *)(s + 1);
    s->size = sizeof(*s);
    s->pool_kind = HAWSE_POOL_WEIGHTED;
    s->formula = p->kind;
    s->flags = flags_of(p, state);
    s->token_count = p->token_count;
    s->tokens_offset = sizeof(*s);
    memcpy(s->market, base->market, 32);
    s->swap_fee = state->swap_fee;
    s->minimum_trade = p->minimum_trade;
    s->minimum_wrap = p->minimum_wrap;
    for (uint32_t i = 0; i < p->token_count; i++) {
        const struct token *t = &p->token[i];
        memcpy(tokens[i].token + 12, t->base.address, 20);
        memcpy(tokens[i].asset + 12, t->asset, 20);
        tokens[i].balance = state->balance[i];
        tokens[i].factor = t->factor;
        tokens[i].rate = state->rate[i];
        tokens[i].weight = t->weight;
        tokens[i].minimum = t->minimum;
        tokens[i].assets = state->assets[i];
    }
    venue_state_origin(v, base, &s->origin, log);
}
