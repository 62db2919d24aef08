/*
 * The Balancer v3 venue on any log and any answer: what a log does stays within the Vault's 128
 * bits, what is refused changes nothing, and indexes stay within the pool's tokens.
 */
#include "../../plugins/venues/balancer-v3/v3.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 4096, TOKENS = 2 };

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

/* Three topics, then the data, of a log of the Vault about this pool. */
static void follow(struct pool *p, struct pool_state *state, const uint8_t *data, size_t size)
{
    uint8_t *bytes = calloc(1, sizeof(hawse_evm_log_t) + size);
    hawse_evm_log_t *log = (hawse_evm_log_t *)(void *)bytes;
    uint32_t topic = data[0] % TOPICS;
    struct venue_pool *base = &p->base;
    *log = (hawse_evm_log_t){.size = sizeof(*log),
                             .topic_count = data[0] % 5,
                             .data_offset = sizeof(*log),
                             .data_len = (uint32_t)size - 1};
    log->topics[2][31] = 1;
    log->topics[3][31] = 2;
    memcpy(bytes + sizeof(*log), data + 1, size - 1);
    static const struct venue_kind kind = {.state_size = sizeof(struct pool_state),
                                           .apply = pool_apply};
    struct pool_state before = *state;
    if (venue_pool_apply(&kind, base, log, topic) && !venue_pool_undo(&kind, base, log))
        abort();
    if (memcmp(&before, state, sizeof(before)) != 0)
        abort();
    if (pool_apply(base, state, log, topic)) {
        for (uint32_t i = 0; i < TOKENS; i++) {
            if (hawse_u256_bit_length(&state->balance[i]) > 128)
                abort();
        }
    }
    free(base->history);
    free(base->befores);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hawse_host_t host = {.size = sizeof(host), .now = host_now, .log = host_log};
    struct pool_state state = {.recovery = 0};
    struct pool p = {.base = {.state = &state, .phase = POOL_FOLLOWED}, .token_count = TOKENS};
    struct balancer_v3 b = {.base = {.host = &host}};
    if (size < 2 || size > INPUT_MAX)
        return 0;
    for (uint32_t i = 0; i < TOKENS; i++) {
        p.token[i].base.address[19] = (uint8_t)(i + 1);
        state.balance[i] = hawse_u256(1000000);
    }
    state.aggregate_fee = hawse_u256(500000000000000000u);
    follow(&p, &state, data, size);
    for (uint32_t ask = 0; ask < 2; ask++) { /* what came first is in the way of the second */
        p.base.ask = ask ? data[0] % ASKS : ASK_DATA;
        p.base.ask_item = p.token_count > 0 ? data[1] % p.token_count : 0;
        if (p.base.ask >= ASK_ASSET && p.wrapper_count == 0)
            p.base.ask = ASK_BUFFER;
        if (p.base.ask >= ASK_ASSET)
            p.base.ask_item = data[1] % p.wrapper_count;
        (void)read_take(&b.base, &p.base, data + 2, size - 2);
    }
    if (p.token_count > TOKENS_MAX || p.wrapper_count > TOKENS_MAX)
        abort();
    return 0;
}
