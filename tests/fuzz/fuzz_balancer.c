/*
 * The balancer venue on any log and any answer: what is applied can be taken back to the same
 * state, what is refused changes nothing, and balances stay within the Vault's 112 bits.
 */
#include "../../plugins/venues/balancer/balancer.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG_MAX = 2048, TOKENS = 3 };

/* topic kind, number of topics, then topics, then data */
static void fill_log(hawse_evm_log_t *log, const uint8_t *data, size_t size)
{
    *log = (hawse_evm_log_t){.size = sizeof(*log),
                             .topic_count = size > 1 ? data[1] % 5 : 0,
                             .data_offset = sizeof(*log)};
    size_t topics = size > 2 ? size - 2 : 0;
    topics = topics < sizeof(log->topics) ? topics : sizeof(log->topics);
    if (topics > 0)
        memcpy(log->topics, data + 2, topics);
    log->data_len = (uint32_t)(size - (size < 2 ? size : 2) - topics);
    if (log->data_len > 0)
        memcpy((uint8_t *)log + sizeof(*log), data + 2 + topics, log->data_len);
}

static void answer(const uint8_t *data, size_t size)
{
    uint8_t out[VENUE_ANSWER_MAX];
    uint64_t len = 0;
    char symbol[VENUE_SYMBOL];
    venue_take_symbol(data, size, symbol);
    if (strnlen(symbol, sizeof(symbol)) == sizeof(symbol))
        abort();
    uint8_t *record = calloc(1, sizeof(hawse_host_rpc_done_t) + size + HAWSE_PADDING);
    if (size > 0)
        memcpy(record + sizeof(hawse_host_rpc_done_t), data, size);
    hawse_event_t event = {.data = record, .len = sizeof(hawse_host_rpc_done_t) + size};
    if (venue_answer(&event, out, &len) && len > sizeof(out))
        abort();
    free(record);
}

static uint64_t host_now(const hawse_host_t *host, uint32_t clock)
{
    (void)host, (void)clock;
    return 1;
}

static void host_log(const hawse_host_t *host, hawse_instance_t self, uint32_t level,
                     hawse_view_t text)
{
    (void)host, (void)self, (void)level, (void)text;
}

/* Any bytes as the answer to any question: indexes stay within the pool's tokens. */
static void take(const uint8_t *data, size_t size)
{
    struct pool_state state = {.paused = 0};
    struct pool p = {.base = {.state = &state, .ask = ASK_TOKENS + data[0] % (ASKS - ASK_TOKENS)},
                     .token_count = TOKENS,
                     .own_token = UINT32_MAX,
                     .kind = HAWSE_BAL_STABLE};
    static const hawse_host_t host = {.size = sizeof(host), .now = host_now, .log = host_log};
    struct balancer b = {.base = {.host = &host}, .factory_count = 1};
    p.base.ask_item = size > 1 ? data[1] % TOKENS : 0;
    uint32_t ask = p.base.ask;
    for (uint32_t i = 0; i < TOKENS; i++) { /* twice: what came first is in the way of the second */
        p.base.ask = i % 2 ? (uint32_t)ASK_PROVIDERS : ask;
        if (size > 32)
            (void)read_take(&b.base, &p.base, data + 2, size - 2);
    }
    if (p.token_count > TOKENS_MAX || p.rated_count > TOKENS_MAX || p.stale_count > TOKENS_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct venue_kind kind = {.state_size = sizeof(struct pool_state),
                                           .apply = pool_apply};
    struct pool_state state = {.paused = 0}, before;
    struct pool p = {.base = {.state = &state, .phase = POOL_FOLLOWED}, .token_count = TOKENS};
    if (size > LOG_MAX || size == 0)
        return 0;
    for (uint32_t i = 0; i < TOKENS; i++) {
        memset(p.token[i].base.address, (int)i + 1, 20);
        state.balance[i] = hawse_u256(1000000);
    }
    before = state;
    uint8_t *bytes = calloc(1, sizeof(hawse_evm_log_t) + size);
    hawse_evm_log_t *log = (hawse_evm_log_t *)(void *)bytes;
    fill_log(log, data, size);
    bool applied = venue_pool_apply(&kind, &p.base, log, data[0] % TOPICS);
    for (uint32_t i = 0; i < TOKENS; i++) {
        if (hawse_u256_bit_length(&state.balance[i]) > 112)
            abort();
    }
    if (applied && !venue_pool_undo(&kind, &p.base, log))
        abort();
    if (memcmp(&before, &state, sizeof(before)) != 0)
        abort();
    free(p.base.history);
    free(p.base.befores);
    free(bytes);
    answer(data, size);
    take(data, size);
    return 0;
}
