/* What each log of a pool does to its state, and what the chain is asked for; see swapr.h. */
#include "swapr.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <stdio.h>

/* ---- logs ---- */

/* Swap(sender, recipient, int256 amount0, int256 amount1, uint160 price, uint128 liquidity, int24
 * tick) */
static bool apply_swap(struct pool_state *state, const hawse_evm_log_t *log)
{
    const uint8_t *d = venue_data(log);
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
    const uint8_t *d = venue_data(log) + (mint ? 32 : 0);
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

/* Initialize(uint160 price, int24 tick) */
static bool apply_initialize(struct pool_state *state, const hawse_evm_log_t *log)
{
    const uint8_t *d = venue_data(log);
    int64_t tick = 0;
    if (log->data_len < 64 || hawse_abi_uint(d, 160, &state->sqrt_price) != HAWSE_OK ||
        hawse_abi_i64(d + 32, 24, &tick) != HAWSE_OK)
        return false;
    state->tick = (int32_t)tick;
    return true;
}

/* The fee, or globalState's third word. */
static bool take_fee(struct pool_state *state, const uint8_t *d)
{
    uint64_t n = 0;
    if (hawse_abi_u64(d, 16, &n) != HAWSE_OK)
        return false;
    state->fee_ppm = (uint32_t)n;
    return true;
}

static bool take_spacing(struct pool_state *state, const uint8_t *d)
{
    int64_t n = 0;
    if (hawse_abi_i64(d, 24, &n) != HAWSE_OK || n <= 0)
        return false;
    state->tick_spacing = (uint32_t)n;
    return true;
}

bool state_apply(const struct venue_pool *base, void *state, const hawse_evm_log_t *log,
                 uint32_t topic)
{
    (void)base;
    switch (topic) {
    case TOPIC_SWAP:
        return apply_swap(state, log);
    case TOPIC_MINT:
    case TOPIC_BURN:
        return apply_liquidity(state, log, topic == TOPIC_MINT);
    case TOPIC_INITIALIZE:
        return apply_initialize(state, log);
    case TOPIC_FEE:
        return log->data_len >= 32 && take_fee(state, venue_data(log));
    case TOPIC_SPACING:
        return log->data_len >= 32 && take_spacing(state, venue_data(log));
    default:
        return false;
    }
}

/* ---- questions ---- */

uint32_t state_times(const struct venue *v, const struct venue_pool *base)
{
    (void)v;
    return base->ask < ASK_SPACING ? 2 : 1;
}

void state_question(const struct venue *v, const struct venue_pool *base, struct venue_question *q)
{
    /* the first 4 bytes of keccak-256 of the functions' signatures */
    static const char *const selectors[ASKS] = {[ASK_DECIMALS] = "313ce567",
                                                [ASK_SYMBOL] = "95d89b41",
                                                [ASK_SPACING] = "d0c93a7c",
                                                [ASK_STATE] = "e76c01e4",
                                                [ASK_LIQUIDITY] = "1a686502"};
    static const char *const tokens[2] = {"0dfe1681", "d21220a7"};
    const struct pool *p = (const struct pool *)base;
    (void)v;
    if (base->ask == ASK_DECIMALS || base->ask == ASK_SYMBOL)
        q->to = p->token[base->ask_item].address;
    (void)snprintf(q->data, sizeof(q->data), "%s",
                   base->ask == ASK_TOKEN ? tokens[base->ask_item] : selectors[base->ask]);
}

/* globalState(): (uint160 price, int24 tick, uint16 fee, ...) */
static bool take_state(struct pool_state *state, const uint8_t *d, uint64_t len)
{
    int64_t tick = 0;
    if (len < 96 || hawse_abi_uint(d, 160, &state->sqrt_price) != HAWSE_OK ||
        hawse_abi_i64(d + 32, 24, &tick) != HAWSE_OK || !take_fee(state, d + 64))
        return false;
    state->tick = (int32_t)tick;
    return true;
}

static bool take(struct pool *p, const uint8_t *d, uint64_t len)
{
    struct venue_token *token = &p->token[p->base.ask_item % 2];
    struct pool_state *state = p->base.state;
    switch (p->base.ask) {
    case ASK_TOKEN:
        return len >= 32 && hawse_abi_address(d, token->address) == HAWSE_OK;
    case ASK_DECIMALS:
        return venue_take_decimals(token, d, len, DECIMALS_MAX);
    case ASK_SYMBOL:
        venue_take_symbol(d, len, token->symbol);
        return true;
    case ASK_SPACING:
        return len >= 32 && take_spacing(state, d);
    case ASK_STATE:
        return take_state(state, d, len);
    default:
        return len >= 32 && hawse_abi_uint(d, 128, &state->liquidity) == HAWSE_OK;
    }
}

enum venue_taken state_take(struct venue *v, struct venue_pool *base, const uint8_t *d,
                            uint64_t len)
{
    (void)v;
    return take((struct pool *)base, d, len) ? ANSWER_TAKEN : ANSWER_BAD;
}
