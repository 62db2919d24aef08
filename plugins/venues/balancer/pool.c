/* What each log does to a pool's state; see balancer.h. */
#include "balancer.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <string.h>

struct venue_pool *pool_of(const struct venue *v, const hawse_evm_log_t *log, uint32_t topic)
{
    const struct balancer *b = (const struct balancer *)v;
    bool of_vault = memcmp(log->address, b->vault, 20) == 0;
    if (of_vault != (topic < TOPIC_PAUSED))
        return NULL;
    if (!of_vault)
        return venue_pool_find(v, log->address);
    struct venue_pool *p = log->topic_count < 2 ? NULL : venue_pool_find(v, log->topics[1]);
    return p && memcmp(p->market, log->topics[1], 32) == 0 ? p : NULL;
}

uint32_t pool_token(const struct pool *p, const uint8_t word[32])
{
    uint8_t address[20];
    uint32_t i = 0;
    if (hawse_abi_address(word, address) != HAWSE_OK)
        return p->token_count;
    while (i < p->token_count && memcmp(p->token[i].base.address, address, 20) != 0)
        i++;
    return i;
}

/* Balances have 112 bits in the Vault; more or less than none is a log that was missed. */
static bool change(hawse_u256_t *balance, const hawse_u256_t *delta)
{
    hawse_u256_t sum;
    (void)hawse_u256_add(balance, delta, &sum);
    if (hawse_u256_bit_length(&sum) > 112)
        return false;
    *balance = sum;
    return true;
}

/* Swap(bytes32 idx poolId, address idx tokenIn, address idx tokenOut, uint256 amountIn, uint256
 * amountOut) */
static bool apply_swap(const struct pool *p, struct pool_state *state, const hawse_evm_log_t *log)
{
    hawse_u256_t in, out;
    if (log->topic_count != 4 || log->data_len < 64)
        return false;
    uint32_t i = pool_token(p, log->topics[2]), j = pool_token(p, log->topics[3]);
    hawse_u256_from_be(venue_data(log), &in);
    hawse_u256_from_be(venue_data(log) + 32, &out);
    hawse_i256_negate(&out, &out);
    return i < p->token_count && j < p->token_count && change(&state->balance[i], &in) &&
           change(&state->balance[j], &out);
}

/* PoolBalanceChanged(bytes32 idx poolId, address idx provider, address[] tokens, int256[] deltas,
 * uint256[] protocolFees): a balance changes by its delta less the fee. */
static bool apply_balance(const struct pool *p, struct pool_state *state,
                          const hawse_evm_log_t *log)
{
    static const char text[] = "event PoolBalanceChanged(bytes32 indexed, address indexed, "
                               "address[], int256[], uint256[])";
    hawse_abi_signature_t signature;
    hawse_abi_value_t values[5], token, delta, fee;
    const uint8_t *d = venue_data(log);
    if (hawse_abi_event_parse(text, sizeof(text) - 1, &signature, NULL) != HAWSE_OK ||
        hawse_abi_event_decode(&signature, log->topics[0], log->topic_count, d, log->data_len,
                               values, 5, NULL) != 5)
        return false;
    for (uint64_t i = 0; i < values[2].as.span.count; i++) {
        if (hawse_abi_element(&values[2], d, log->data_len, i, &token) != HAWSE_OK ||
            hawse_abi_element(&values[3], d, log->data_len, i, &delta) != HAWSE_OK ||
            hawse_abi_element(&values[4], d, log->data_len, i, &fee) != HAWSE_OK)
            return false;
        uint8_t word[32] = {0};
        memcpy(word + 12, token.as.bytes, 20);
        uint32_t at = pool_token(p, word);
        hawse_i256_negate(&fee.as.number, &fee.as.number);
        (void)hawse_u256_add(&delta.as.number, &fee.as.number, &delta.as.number);
        if (at == p->token_count || !change(&state->balance[at], &delta.as.number))
            return false;
    }
    return true;
}

/* PoolBalanceManaged(bytes32 idx poolId, address idx manager, address idx token, int256 cashDelta,
 * int256 managedDelta) */
static bool apply_managed(const struct pool *p, struct pool_state *state,
                          const hawse_evm_log_t *log)
{
    hawse_u256_t cash, managed;
    if (log->topic_count != 4 || log->data_len < 64)
        return false;
    uint32_t at = pool_token(p, log->topics[3]);
    hawse_u256_from_be(venue_data(log), &cash);
    hawse_u256_from_be(venue_data(log) + 32, &managed);
    (void)hawse_u256_add(&cash, &managed, &cash);
    return at < p->token_count && change(&state->balance[at], &cash);
}

/* AmpUpdateStarted(uint256 startValue, uint256 endValue, uint256 startTime, uint256 endTime),
 * AmpUpdateStopped(uint256 currentValue) */
static bool apply_amp(struct pool_state *state, const hawse_evm_log_t *log, bool started)
{
    uint64_t n[4];
    uint32_t count = started ? 4 : 1;
    if (log->data_len < 32 * count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (hawse_abi_u64(venue_data(log) + 32 * i, 64, &n[i]) != HAWSE_OK)
            return false;
    }
    state->amp = started ? (struct amplification){n[0], n[1], n[2], n[3]}
                         : (struct amplification){n[0], n[0], 0, 0};
    return true;
}

static bool apply_flag(uint32_t *flag, const hawse_evm_log_t *log)
{
    return log->data_len >= 32 && hawse_abi_bool(venue_data(log), flag) == HAWSE_OK;
}

/* Rates and tokens are read anew. */
bool pool_apply(const struct venue_pool *base, void *of, const hawse_evm_log_t *log, uint32_t topic)
{
    const struct pool *p = (const struct pool *)base;
    struct pool_state *state = of;
    switch (topic) {
    case TOPIC_SWAP:
        return apply_swap(p, state, log);
    case TOPIC_BALANCE:
        return apply_balance(p, state, log);
    case TOPIC_MANAGED:
        return apply_managed(p, state, log);
    case TOPIC_PAUSED:
        return apply_flag(&state->paused, log);
    case TOPIC_RECOVERY:
        return apply_flag(&state->recovery, log);
    case TOPIC_FEE:
        return log->data_len >= 32 &&
               hawse_abi_uint(venue_data(log), 64, &state->swap_fee) == HAWSE_OK;
    case TOPIC_AMP_STARTED:
    case TOPIC_AMP_STOPPED:
        return !p->moving && apply_amp(state, log, topic == TOPIC_AMP_STARTED);
    default:
        return false;
    }
}

/* The contract takes a new rate when block.timestamp > expires (_cacheTokenRateIfNecessary). */
bool pool_outdated(const struct venue_pool *base, const hawse_evm_block_t *block)
{
    const struct pool *p = (const struct pool *)base;
    return p->moving || block->timestamp > p->expires;
}
