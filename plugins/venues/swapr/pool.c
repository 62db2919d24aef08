/* A pool's state: what each log does to it, and the way back. See swapr.h. */
#include "swapr.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <string.h>

struct pool *pool_find(const struct swapr *s, const uint8_t address[20])
{
    uint32_t i = s->buckets[(uint32_t)hawse_key(address, 20) & s->mask];
    for (; i != UINT32_MAX; i = s->pools[i]->next) {
        if (memcmp(s->pools[i]->address, address, 20) == 0)
            return s->pools[i];
    }
    return NULL;
}

enum topic pool_topic(const struct swapr *s, const hawse_evm_log_t *log)
{
    for (int t = 0; t < TOPICS && log->topic_count > 0; t++) {
        if (memcmp(s->topics[t], log->topics[0], 32) == 0)
            return (enum topic)t;
    }
    return TOPICS;
}

static const uint8_t *data_of(const hawse_evm_log_t *log)
{
    return (const uint8_t *)log + log->data_offset;
}

/* Swap(sender, recipient, int256 amount0, int256 amount1, uint160 price, uint128 liquidity, int24
 * tick) */
static bool apply_swap(struct pool_state *state, const hawse_evm_log_t *log)
{
    const uint8_t *d = data_of(log);
    int64_t tick = 0;
    if (log->data_len < 5 * 32 || hawse_abi_uint(d + 64, 160, &state->sqrt_price) != HAWSE_OK ||
        hawse_abi_uint(d + 96, 128, &state->liquidity) != HAWSE_OK ||
        hawse_abi_i64(d + 128, 24, &tick) != HAWSE_OK)
        return false;
    state->tick = (int32_t)tick;
    return true;
}

/* Mint(sender, owner idx, bottom idx, top idx, liquidity, ...), Burn(owner idx, bottom idx, top
 * idx, liquidity, ...): liquidity in range changes only when the price is inside [bottom, top). */
static bool apply_liquidity(struct pool_state *state, const hawse_evm_log_t *log, bool mint)
{
    const uint8_t *d = data_of(log) + (mint ? 32 : 0);
    int64_t bottom = 0, top = 0;
    hawse_u256_t amount;
    if (log->topic_count != 4 || log->data_len < (mint ? 4u : 3u) * 32 ||
        hawse_abi_i64(log->topics[2], 24, &bottom) != HAWSE_OK ||
        hawse_abi_i64(log->topics[3], 24, &top) != HAWSE_OK ||
        hawse_abi_uint(d, 128, &amount) != HAWSE_OK)
        return false;
    if (state->tick < bottom || state->tick >= top)
        return true;
    if (mint)
        return hawse_u256_add(&state->liquidity, &amount, &state->liquidity) == 0;
    return hawse_u256_sub(&state->liquidity, &amount, &state->liquidity) == 0;
}

static bool apply_other(struct pool_state *state, const hawse_evm_log_t *log, enum topic topic)
{
    const uint8_t *d = data_of(log);
    uint64_t n = 0;
    int64_t tick = 0;
    if (log->data_len < 32)
        return false;
    if (topic == TOPIC_FEE) {
        if (hawse_abi_u64(d, 16, &n) != HAWSE_OK)
            return false;
        state->fee_ppm = (uint32_t)n;
        return true;
    }
    if (topic == TOPIC_SPACING) {
        if (hawse_abi_i64(d, 24, &tick) != HAWSE_OK || tick <= 0)
            return false;
        state->tick_spacing = (uint32_t)tick;
        return true;
    }
    if (log->data_len < 64 || hawse_abi_uint(d, 160, &state->sqrt_price) != HAWSE_OK ||
        hawse_abi_i64(d + 32, 24, &tick) != HAWSE_OK)
        return false;
    state->tick = (int32_t)tick;
    return true;
}

bool pool_apply(struct swapr *s, struct pool *p, const hawse_evm_log_t *log)
{
    enum topic topic = pool_topic(s, log);
    struct pool_state next = p->state;
    bool good = topic == TOPIC_SWAP ? apply_swap(&next, log)
                : topic == TOPIC_MINT || topic == TOPIC_BURN
                    ? apply_liquidity(&next, log, topic == TOPIC_MINT)
                    : apply_other(&next, log, topic);
    if (topic == TOPICS || !good)
        return false;
    struct pool_step *step = &p->history[p->steps++ % HISTORY];
    step->before = p->state;
    step->block = log->block_number;
    step->log_index = log->log_index;
    memcpy(step->block_hash, log->block_hash, 32);
    if (p->steps - p->forgotten > HISTORY)
        p->forgotten = p->steps - HISTORY;
    p->state = next;
    return true;
}

bool pool_undo(struct pool *p, const hawse_evm_log_t *log)
{
    if (p->steps == p->forgotten)
        return false;
    const struct pool_step *step = &p->history[(p->steps - 1) % HISTORY];
    if (step->log_index != log->log_index || memcmp(step->block_hash, log->block_hash, 32) != 0)
        return false;
    p->state = step->before;
    p->steps--;
    return true;
}

bool pool_is_late(const struct pool *p, const hawse_evm_log_t *log)
{
    const struct pool_step *newest = &p->history[(p->steps + HISTORY - 1) % HISTORY];
    if (p->steps == p->forgotten)
        return false;
    return log->block_number < newest->block ||
           (log->block_number == newest->block && log->log_index < newest->log_index);
}

void pool_unread(struct swapr *s, struct pool *p)
{
    if (p->request) {
        (void)s->rpc->cancel(s->host, s->self, p->request);
        p->request = 0;
        s->busy--;
    }
    p->phase = POOL_UNREAD;
    p->steps = p->forgotten = 0;
    p->early_count = 0;
    if (p->ask > ASK_SPACING)
        p->ask = ASK_SPACING;
}
