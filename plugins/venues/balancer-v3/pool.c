/* What each log does to a pool's state; see v3.h. */
#include "v3.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <string.h>

struct venue_pool *pool_of(const struct venue *v, const hawse_evm_log_t *log, uint32_t topic)
{
    uint8_t address[20];
    (void)topic;
    if (memcmp(log->address, ((const struct balancer_v3 *)v)->vault, 20) != 0 ||
        log->topic_count < 2 || hawse_abi_address(log->topics[1], address) != HAWSE_OK)
        return NULL;
    return venue_pool_find(v, address);
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

/* Balances have 128 bits in the Vault; more or less than none is a log that was missed. */
static bool change(hawse_u256_t *balance, const hawse_u256_t *in, const hawse_u256_t *out)
{
    hawse_u256_t sum;
    if (hawse_u256_add(balance, in, &sum) || hawse_u256_sub(&sum, out, &sum) ||
        hawse_u256_bit_length(&sum) > 128)
        return false;
    *balance = sum;
    return true;
}

/* What the Vault keeps of a fee, on top of what leaves a balance (Vault,
 * _computeAndChargeAggregateSwapFees): nothing in recovery mode. */
static bool add_kept(const struct pool_state *state, const hawse_u256_t *fee, hawse_u256_t *out)
{
    hawse_u256_t kept, one = hawse_u256(1000000000000000000u);
    if (state->recovery)
        return true;
    return hawse_u256_mul_div(fee, &state->aggregate_fee, &one, 0, &kept) == HAWSE_OK &&
           !hawse_u256_add(out, &kept, out);
}

/* Swap(address idx pool, address idx tokenIn, address idx tokenOut, uint256 amountIn, uint256
 * amountOut, uint256 swapFeePercentage, uint256 swapFeeAmount) */
static bool apply_swap(const struct pool *p, struct pool_state *state, const hawse_evm_log_t *log)
{
    hawse_u256_t in, out, fee, none = hawse_u256(0), kept = none;
    if (log->topic_count != 4 || log->data_len < 128)
        return false;
    uint32_t i = pool_token(p, log->topics[2]), j = pool_token(p, log->topics[3]);
    hawse_u256_from_be(venue_data(log), &in);
    hawse_u256_from_be(venue_data(log) + 32, &out);
    hawse_u256_from_be(venue_data(log) + 96, &fee);
    return i < p->token_count && j < p->token_count && add_kept(state, &fee, &kept) &&
           change(&state->balance[i], &in, &kept) && change(&state->balance[j], &none, &out);
}

/* LiquidityAdded, LiquidityRemoved(address idx pool, address idx provider, uint8 idx kind, uint256
 * totalSupply, uint256[] amountsRaw, uint256[] swapFeeAmountsRaw) */
static bool apply_liquidity(const struct pool *p, struct pool_state *state,
                            const hawse_evm_log_t *log, bool added)
{
    static const char *const texts[] = {
        "event LiquidityRemoved(address indexed, address indexed, uint8 indexed, uint256, "
        "uint256[], uint256[])",
        "event LiquidityAdded(address indexed, address indexed, uint8 indexed, uint256, "
        "uint256[], uint256[])"};
    hawse_abi_signature_t signature;
    hawse_abi_value_t values[6], amount, fee;
    const uint8_t *d = venue_data(log);
    if (hawse_abi_event_parse(texts[added], strlen(texts[added]), &signature, NULL) != HAWSE_OK ||
        hawse_abi_event_decode(&signature, log->topics[0], log->topic_count, d, log->data_len,
                               values, 6, NULL) != 6 ||
        values[4].as.span.count != p->token_count || values[5].as.span.count != p->token_count)
        return false;
    for (uint32_t i = 0; i < p->token_count; i++) {
        hawse_u256_t none = hawse_u256(0), kept = none;
        if (hawse_abi_element(&values[4], d, log->data_len, i, &amount) != HAWSE_OK ||
            hawse_abi_element(&values[5], d, log->data_len, i, &fee) != HAWSE_OK)
            return false;
        if (!added)
            kept = amount.as.number;
        if (!add_kept(state, &fee.as.number, &kept) ||
            !change(&state->balance[i], added ? &amount.as.number : &none, &kept))
            return false;
    }
    return true;
}

static bool apply_fee(hawse_u256_t *fee, const hawse_evm_log_t *log)
{
    return log->data_len >= 32 && hawse_abi_uint(venue_data(log), 64, fee) == HAWSE_OK;
}

/* Everything else, and all of a pool whose rates move, is read anew. */
bool pool_apply(const struct venue_pool *base, void *of, const hawse_evm_log_t *log, uint32_t topic)
{
    const struct pool *p = (const struct pool *)base;
    struct pool_state *state = of;
    if (p->rated)
        return false;
    switch (topic) {
    case TOPIC_SWAP:
        return apply_swap(p, state, log);
    case TOPIC_ADDED:
    case TOPIC_REMOVED:
        return apply_liquidity(p, state, log, topic == TOPIC_ADDED);
    case TOPIC_FEE:
        return apply_fee(&state->swap_fee, log);
    case TOPIC_AGGREGATE_SWAP_FEE:
        return apply_fee(&state->aggregate_fee, log);
    default:
        return false;
    }
}

bool pool_outdated(const struct venue_pool *base, const hawse_evm_block_t *block)
{
    (void)block;
    return ((const struct pool *)base)->rated;
}
