/* What providers are asked about themselves, by family; see pool_private.h. */
#include "rpc/pool_private.h"

#include <hawse/base58.h>
#include <hawse/hex.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* By family and enum attempt_kind. */
static const struct probe {
    const char *method, *params;
} probes[][6] = {
    [FAMILY_EVM] = {[ATTEMPT_CHAIN] = {"eth_chainId", ""},
                    [ATTEMPT_HEAD] = {"eth_blockNumber", ""},
                    [ATTEMPT_LINK] = {"eth_chainId", ""},
                    [ATTEMPT_PUSH] = {"eth_subscribe", "[\"newHeads\"]"}},
    [FAMILY_SOLANA] = {[ATTEMPT_CHAIN] = {"getGenesisHash", ""},
                       [ATTEMPT_HEAD] = {"getSlot", "[{\"commitment\":\"confirmed\"}]"},
                       [ATTEMPT_HEALTH] = {"getHealth", ""},
                       [ATTEMPT_LINK] = {"getGenesisHash", ""}},
};

const char *probe_method(const struct pool *pool, enum attempt_kind kind)
{
    return probes[pool->chain.family][kind].method;
}

const char *probe_params(const struct pool *pool, enum attempt_kind kind)
{
    return probes[pool->chain.family][kind].params;
}

/* A JSON number without a sign, a point or an exponent. */
static uint64_t decimal(const uint8_t *body, size_t len)
{
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (body[i] < '0' || body[i] > '9' || n > (UINT64_MAX - 9) / 10)
            return 0;
        n = n * 10 + (uint64_t)(body[i] - '0');
    }
    return n;
}

uint64_t probe_head(const struct pool *pool, const uint8_t *body, size_t len)
{
    uint64_t n = 0;
    if (pool->chain.family == FAMILY_SOLANA)
        return decimal(body, len);
    return len > 2 && hawse_hex_u64(body + 1, len - 2, &n) == HAWSE_OK ? n : 0;
}

bool probe_chain_right(const struct pool *pool, const uint8_t *body, size_t len)
{
    uint8_t genesis[32];
    uint64_t id = 0;
    if (len < 3)
        return false;
    if (pool->chain.family == FAMILY_SOLANA)
        return hawse_base58_key(body + 1, len - 2, genesis) == HAWSE_OK &&
               memcmp(genesis, pool->chain.solana.genesis, 32) == 0;
    return hawse_hex_u64(body + 1, len - 2, &id) == HAWSE_OK && id == pool->chain.chain_id;
}

void probe_chain_text(const struct pool *pool, char out[64])
{
    char genesis[HAWSE_BASE58_KEY_TEXT];
    if (pool->chain.family == FAMILY_EVM) {
        (void)snprintf(out, 64, "chain id %" PRIu64, pool->chain.chain_id);
        return;
    }
    (void)hawse_base58_from_key(pool->chain.solana.genesis, genesis);
    (void)snprintf(out, 64, "genesis %s", genesis);
}
