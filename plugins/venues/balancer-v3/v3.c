/* The venue of Balancer v3: manifest, settings, the Vault's own events; see v3.h. */
#include "v3.h"

#include <hawse/hex.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.balancer-v3\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"description\":\"Balancer v3 weighted pools with rates and buffers: trades, exact state\","
    "\"license\":\"MIT\",\"maturity\":\"experimental\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\",\"hawse.timer/"
    "1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],"
    "\"streams\":{\"trades\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"rpc:eth_call\"],"
    "\"budget\":{\"callback_us\":20000},"
    "\"config\":{\"type\":\"object\",\"required\":[\"pools\"],\"properties\":{"
    "\"vault\":{\"type\":\"string\",\"format\":\"address\","
    "\"default\":\"0xbA1333333333a1BA1108E8412f11850A5C319bA9\","
    "\"description\":\"address of the Vault; the same on every public chain\"},"
    "\"pools\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":256,"
    "\"examples\":[[\"0xd1d7fa8871d84d0e77020fc28b7cd5718c446522\"]],"
    "\"description\":\"weighted pools to follow\","
    "\"items\":{\"type\":\"string\",\"format\":\"address\","
    "\"description\":\"address of a pool\"}}}}}";

/* ---- settings ---- */

static int32_t read_pools(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t entry;
    while (hawse_json_next(doc, list, NULL, &entry) == 1) {
        uint8_t market[32] = {0};
        if (hawse_hex_fixed(entry.data, entry.len, market + 12, 20) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        if (!venue_pool_add(v, market + 12, market))
            return HAWSE_E_NOMEM;
    }
    return HAWSE_OK;
}

static int32_t configure(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *root)
{
    static const char usual[] = "0xbA1333333333a1BA1108E8412f11850A5C319bA9";
    struct balancer_v3 *b = (struct balancer_v3 *)v;
    hawse_json_value_t value, pools;
    int32_t code = hawse_json_get(doc, root, "vault", &value) == HAWSE_OK
                       ? hawse_hex_fixed(value.data, value.len, b->vault, 20)
                       : hawse_hex_fixed((const uint8_t *)usual, sizeof(usual) - 1, b->vault, 20);
    if (code == HAWSE_OK)
        code = hawse_json_get(doc, root, "pools", &pools);
    return code == HAWSE_OK ? read_pools(v, doc, &pools) : code;
}

/* ---- the Vault ---- */

static int32_t subscribe(struct venue *v)
{
    hawse_sub_t sub;
    return venue_subscribe(v, ((struct balancer_v3 *)v)->vault, 0, TOPICS, &sub);
}

/* Pools say nothing themselves. */
static int32_t subscribe_pool(struct venue *v, struct venue_pool *p)
{
    (void)v, (void)p;
    return HAWSE_OK;
}

static bool other(struct venue *v, const hawse_evm_log_t *log, uint32_t topic, bool removed)
{
    (void)log, (void)removed;
    if (topic != TOPIC_VAULT_PAUSED && topic != TOPIC_BUFFERS_PAUSED)
        return false;
    for (uint32_t i = 0; i < v->pool_count; i++)
        venue_pool_unread(v, v->pools[i]);
    return true;
}

/* ---- the venue ---- */

static const char *const signatures[TOPICS] = {
    [TOPIC_SWAP] = "Swap(address,address,address,uint256,uint256,uint256,uint256)",
    [TOPIC_ADDED] = "LiquidityAdded(address,address,uint8,uint256,uint256[],uint256[])",
    [TOPIC_REMOVED] = "LiquidityRemoved(address,address,uint8,uint256,uint256[],uint256[])",
    [TOPIC_INITIALIZED] = "PoolInitialized(address)",
    [TOPIC_FEE] = "SwapFeePercentageChanged(address,uint256)",
    [TOPIC_AGGREGATE_SWAP_FEE] = "AggregateSwapFeePercentageChanged(address,uint256)",
    [TOPIC_AGGREGATE_YIELD_FEE] = "AggregateYieldFeePercentageChanged(address,uint256)",
    [TOPIC_PAUSED] = "PoolPausedStateChanged(address,bool)",
    [TOPIC_RECOVERY] = "PoolRecoveryModeStateChanged(address,bool)",
    [TOPIC_VAULT_PAUSED] = "VaultPausedStateChanged(bool)",
    [TOPIC_BUFFERS_PAUSED] = "VaultBuffersPausedStateChanged(bool)"};

static bool is_sound(const struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    (void)v;
    if (p->token_count > TOKENS_MAX || p->wrapper_count > p->token_count)
        return false;
    for (uint32_t i = 0; i < p->wrapper_count; i++) {
        if (p->wrapper[i] >= p->token_count)
            return false;
    }
    for (uint32_t i = 0; i < p->token_count; i++) {
        if (p->token[i].base.decimals > 18 ||
            memchr(p->token[i].base.symbol, 0, VENUE_SYMBOL) == NULL)
            return false;
    }
    return true;
}

static const struct venue_kind balancer_v3 = {
    .what = "a Balancer v3 weighted pool",
    .signatures = signatures,
    .topic_count = TOPICS,
    .created = TOPICS,
    .pools_max = POOLS_MAX,
    .venue_size = sizeof(struct balancer_v3),
    .pool_size = sizeof(struct pool),
    .state_size = sizeof(struct pool_state),
    .record_size = sizeof(union record),
    .records = PAIRS_MAX + VENUE_EARLY_MAX + 1,
    .ask_count = ASKS,
    .state_ask = ASK_DATA,
    .optional = 1u << ASK_MINIMUMS | 1u << ASK_SYMBOL,
    .configure = configure,
    .subscribe = subscribe,
    .subscribe_pool = subscribe_pool,
    .other = other,
    .pool_of = pool_of,
    .apply = pool_apply,
    .outdated = pool_outdated,
    .times = read_times,
    .question = read_question,
    .take = read_take,
    .is_sound = is_sound,
    .tell_info = emit_infos,
    .tell_log = emit_log,
    .tell_state = emit_state,
};

VENUE_PLUGIN("org.hawse.balancer-v3", balancer_v3)
