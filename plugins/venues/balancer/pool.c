/* A pool's state: what each log does to it, and the way back. See balancer.h. */
#include "balancer.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <string.h>

static const uint8_t *data_of(const hawse_evm_log_t *log)
{
    return (const uint8_t *)log + log->data_offset;
}

enum topic pool_topic(const struct balancer *b, const hawse_evm_log_t *log)
{
    for (int t = 0; t < TOPICS && log->topic_count > 0; t++) {
        if (memcmp(b->topics[t], log->topics[0], 32) == 0)
            return (enum topic)t;
    }
    return TOPICS;
}

struct pool *pool_of(const struct balancer *b, const hawse_evm_log_t *log)
{
    bool of_vault = memcmp(log->address, b->vault, 20) == 0;
    if (of_vault && log->topic_count < 2)
        return NULL;
    for (uint32_t i = 0; i < b->pool_count; i++) {
        struct pool *p = &b->pools[i];
        if (of_vault ? memcmp(p->id, log->topics[1], 32) == 0
                     : memcmp(p->id, log->address, 20) == 0)
            return p;
    }
    return NULL;
}

uint32_t pool_token(const struct pool *p, const uint8_t word[32])
{
    uint8_t address[20];
    uint32_t i = 0;
    if (hawse_abi_address(word, address) != HAWSE_OK)
        return p->token_count;
    while (i < p->token_count && memcmp(p->token[i].address, address, 20) != 0)
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
    hawse_u256_from_be(data_of(log), &in);
    hawse_u256_from_be(data_of(log) + 32, &out);
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
    const uint8_t *d = data_of(log);
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
    hawse_u256_from_be(data_of(log), &cash);
    hawse_u256_from_be(data_of(log) + 32, &managed);
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
        if (hawse_abi_u64(data_of(log) + 32 * i, 64, &n[i]) != HAWSE_OK)
            return false;
    }
    state->amp = started ? (struct amplification){n[0], n[1], n[2], n[3]}
                         : (struct amplification){n[0], n[0], 0, 0};
    return true;
}

static bool apply(const struct pool *p, struct pool_state *state, const hawse_evm_log_t *log,
                  enum topic topic)
{
    switch (topic) {
    case TOPIC_SWAP:
        return apply_swap(p, state, log);
    case TOPIC_BALANCE:
        return apply_balance(p, state, log);
    case TOPIC_MANAGED:
        return apply_managed(p, state, log);
    case TOPIC_FEE:
        return log->data_len >= 32 &&
               hawse_abi_uint(data_of(log), 64, &state->swap_fee) == HAWSE_OK;
    case TOPIC_AMP_STARTED:
    case TOPIC_AMP_STOPPED:
        return !p->moving && apply_amp(state, log, topic == TOPIC_AMP_STARTED);
    default:
        return false;
    }
}

bool pool_apply(struct pool *p, const hawse_evm_log_t *log, enum topic topic)
{
    struct pool_state next = p->state;
    if (!apply(p, &next, log, topic))
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
    if (p->steps == p->forgotten)
        return false;
    const struct pool_step *newest = &p->history[(p->steps - 1) % HISTORY];
    return log->block_number < newest->block ||
           (log->block_number == newest->block && log->log_index < newest->log_index);
}

void pool_unread(struct balancer *b, struct pool *p)
{
    if (p->request) {
        (void)b->rpc->cancel(b->host, b->self, p->request);
        p->request = 0;
        b->busy--;
    }
    p->phase = POOL_UNREAD;
    p->steps = p->forgotten = 0;
    p->early_count = 0;
    p->ask = ASK_TOKENS;
    p->ask_token = 0;
}
