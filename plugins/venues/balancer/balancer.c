/* The balancer venue: manifest, settings, the Vault's own events; see balancer.h. */
#include "balancer.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.balancer\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"description\":\"Balancer v2 weighted and stable pools: trades, exact state\","
    "\"license\":\"MIT\",\"maturity\":\"stable\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\",\"hawse.timer/"
    "1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],"
    "\"streams\":{\"trades\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"rpc:eth_call\",\"rpc:eth_getLogs\"],"
    "\"budget\":{\"callback_us\":20000},"
    "\"config\":{\"type\":\"object\",\"properties\":{"
    "\"vault\":{\"type\":\"string\",\"format\":\"address\","
    "\"default\":\"0xBA12222222228d8Ba445958a75a0704d566BF2C8\","
    "\"description\":\"address of the Vault; the same on every public chain\"},"
    "\"pools\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":4096,"
    "\"examples\":[[{\"id\":"
    "\"0x49cdeb36a3a18284a8d93dc5efc753e82ed0882e000200000000000000000000\","
    "\"kind\":\"weighted\"}]],"
    "\"description\":\"the pools to follow\",\"items\":{\"type\":\"object\","
    "\"required\":[\"id\",\"kind\"],\"properties\":{"
    "\"id\":{\"type\":\"string\",\"minLength\":66,\"maxLength\":66,"
    "\"description\":\"pool id, 32 bytes\"},"
    "\"kind\":{\"type\":\"string\",\"enum\":[\"weighted\",\"weighted-2021\",\"stable\","
    "\"stable-2021\"],"
    "\"description\":\"which formulas; the first weighted and stable pools round in another "
    "way\"}}}},"
    "\"factories\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":16,"
    "\"description\":\"factories whose pools are followed as soon as the Vault registers them\","
    "\"items\":{\"type\":\"object\",\"required\":[\"address\",\"kind\"],\"properties\":{"
    "\"address\":{\"type\":\"string\",\"format\":\"address\","
    "\"description\":\"it answers isPoolFromFactory(address)\"},"
    "\"kind\":{\"type\":\"string\",\"enum\":[\"weighted\",\"weighted-2021\",\"stable\","
    "\"stable-2021\"],\"description\":\"of all its pools\"}}}},"
    "\"factory_block\":{\"type\":\"integer\",\"minimum\":0,"
    "\"description\":\"with factories: pools registered from this block on are followed too; left "
    "out, those registered from now on\"}}}}";

/* ---- settings ---- */

static uint32_t kind_of(const hawse_json_value_t *name)
{
    static const char *const names[] = {[HAWSE_BAL_WEIGHTED] = "weighted",
                                        [HAWSE_BAL_WEIGHTED_2021] = "weighted-2021",
                                        [HAWSE_BAL_STABLE] = "stable",
                                        [HAWSE_BAL_STABLE_2021] = "stable-2021"};
    for (uint32_t k = HAWSE_BAL_WEIGHTED; k <= HAWSE_BAL_STABLE_2021; k++) {
        if (name->len == strlen(names[k]) && memcmp(name->data, names[k], name->len) == 0)
            return k;
    }
    return 0;
}

/* An entry {NAME: hexadecimal digits, "kind": ...}; 0 = it is none. */
static uint32_t read_entry(const hawse_json_t *doc, hawse_json_value_t *entry, const char *name,
                           uint8_t *bytes, uint64_t len)
{
    hawse_json_value_t v, kind;
    if (hawse_json_get(doc, entry, name, &v) != HAWSE_OK ||
        hawse_hex_fixed(v.data, v.len, bytes, len) != HAWSE_OK ||
        hawse_json_get(doc, entry, "kind", &kind) != HAWSE_OK)
        return 0;
    return kind_of(&kind);
}

static int32_t read_pools(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t entry;
    uint8_t id[32];
    while (hawse_json_next(doc, list, NULL, &entry) == 1) {
        uint32_t kind = read_entry(doc, &entry, "id", id, sizeof(id));
        if (!kind)
            return HAWSE_E_FORMAT;
        struct pool *p = (struct pool *)venue_pool_add(v, id, id);
        if (!p)
            return HAWSE_E_NOMEM;
        p->kind = kind;
    }
    return HAWSE_OK;
}

static int32_t read_factories(struct balancer *b, const hawse_json_t *doc, hawse_json_value_t *root,
                              hawse_json_value_t *list)
{
    struct venue_found *found = &b->base.found;
    hawse_json_value_t v;
    while (b->factory_count < FACTORIES_MAX && hawse_json_next(doc, list, NULL, &v) == 1) {
        struct factory *f = &b->factories[b->factory_count++];
        f->kind = read_entry(doc, &v, "address", f->address, 20);
        if (!f->kind)
            return HAWSE_E_FORMAT;
    }
    found->on = true;
    memcpy(found->source, b->vault, 20);
    if (hawse_json_get(doc, root, "factory_block", &v) != HAWSE_OK)
        return HAWSE_OK;
    found->scan = true;
    return hawse_json_u64(&v, &found->from_block);
}

static int32_t configure(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *root)
{
    static const char usual[] = "0xBA12222222228d8Ba445958a75a0704d566BF2C8";
    struct balancer *b = (struct balancer *)v;
    hawse_json_value_t value, pools, factories;
    int32_t code = hawse_json_get(doc, root, "vault", &value) == HAWSE_OK
                       ? hawse_hex_fixed(value.data, value.len, b->vault, 20)
                       : hawse_hex_fixed((const uint8_t *)usual, sizeof(usual) - 1, b->vault, 20);
    bool named = hawse_json_get(doc, root, "pools", &pools) == HAWSE_OK;
    bool found = hawse_json_get(doc, root, "factories", &factories) == HAWSE_OK;
    if (code == HAWSE_OK && named)
        code = read_pools(v, doc, &pools);
    if (code == HAWSE_OK && found)
        code = read_factories(b, doc, root, &factories);
    if (code == HAWSE_OK && !named && !found)
        code = hawse_fail(v->host, v->self, HAWSE_E_INVAL, "no pools are named, and no factories",
                          "set \"pools\" to a list of ids and kinds, or \"factories\" to a list of "
                          "addresses and kinds");
    return code;
}

/* ---- the Vault ---- */

static int32_t subscribe(struct venue *v)
{
    hawse_sub_t sub;
    uint32_t first = v->found.on ? TOPIC_POOL : TOPIC_SWAP;
    return venue_subscribe(v, ((struct balancer *)v)->vault, first, TOPIC_PAUSED - first + 1, &sub);
}

static int32_t subscribe_pool(struct venue *v, struct venue_pool *p)
{
    return venue_subscribe(v, p->address, TOPIC_PAUSED, TOPICS - TOPIC_PAUSED, &p->sub);
}

/* PoolRegistered(bytes32 idx poolId, address idx poolAddress, uint8 specialization). Whose pool it
 * is, a factory says; until then it is not listened to. */
static void creation(struct venue *v, const hawse_evm_log_t *log, bool removed)
{
    if (log->topic_count != 3)
        return;
    const uint8_t *id = log->topics[1];
    struct venue_pool *p = removed ? venue_pool_find(v, id) : venue_pool_add(v, id, id);
    if (p && removed)
        venue_pool_drop(v, p);
    else if (p && ((struct pool *)p)->kind)
        (void)venue_pool_listen(v, p);
}

static bool other(struct venue *v, const hawse_evm_log_t *log, uint32_t topic, bool removed)
{
    if (memcmp(log->address, ((struct balancer *)v)->vault, 20) != 0)
        return false;
    if (topic == TOPIC_POOL)
        creation(v, log, removed);
    for (uint32_t i = 0; i < v->pool_count && topic == TOPIC_PAUSED; i++)
        venue_pool_unread(v, v->pools[i]);
    return topic == TOPIC_POOL || topic == TOPIC_PAUSED;
}

/* ---- the venue ---- */

static bool is_sound_token(const struct pool *p, uint32_t i)
{
    return p->rated[i] < TOKENS_MAX && p->stale[i] < TOKENS_MAX &&
           p->token[i].base.decimals <= DECIMALS_MAX &&
           memchr(p->token[i].base.symbol, 0, VENUE_SYMBOL) != NULL;
}

/* Indexes stay within the tokens, whatever comes next; a byte that is no bool is none. */
static bool is_sound(const struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    uint8_t flags[2];
    (void)v;
    memcpy(&flags[0], &p->vault_paused, 1);
    memcpy(&flags[1], &p->moving, 1);
    bool good = (flags[0] | flags[1]) <= 1 && p->kind <= HAWSE_BAL_STABLE_2021 &&
                p->token_count <= TOKENS_MAX && p->rated_count <= p->token_count &&
                p->stale_count <= p->rated_count &&
                (p->own_token == UINT32_MAX || p->own_token < TOKENS_MAX);
    /* the answer that is awaited adds to the stale ones */
    if (base->ask == ASK_CACHE && base->ask_item > 0)
        good = good && p->stale_count <= base->ask_item;
    for (uint32_t i = 0; i < TOKENS_MAX; i++)
        good = good && is_sound_token(p, i);
    return good;
}

static const char *const signatures[TOPICS] = {
    [TOPIC_POOL] = "PoolRegistered(bytes32,address,uint8)",
    [TOPIC_SWAP] = "Swap(bytes32,address,address,uint256,uint256)",
    [TOPIC_BALANCE] = "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])",
    [TOPIC_MANAGED] = "PoolBalanceManaged(bytes32,address,address,int256,int256)",
    [TOPIC_REGISTERED] = "TokensRegistered(bytes32,address[],address[])",
    [TOPIC_DEREGISTERED] = "TokensDeregistered(bytes32,address[])",
    [TOPIC_PAUSED] = "PausedStateChanged(bool)",
    [TOPIC_FEE] = "SwapFeePercentageChanged(uint256)",
    [TOPIC_AMP_STARTED] = "AmpUpdateStarted(uint256,uint256,uint256,uint256)",
    [TOPIC_AMP_STOPPED] = "AmpUpdateStopped(uint256)",
    [TOPIC_RATE] = "TokenRateCacheUpdated(uint256,uint256)",
    [TOPIC_PROVIDER] = "TokenRateProviderSet(uint256,address,uint256)",
    [TOPIC_RECOVERY] = "RecoveryModeStateChanged(bool)"};

static const struct venue_kind balancer_v2 = {
    .what = "a Balancer v2 pool of its kind",
    .signatures = signatures,
    .topic_count = TOPICS,
    .created = TOPIC_POOL,
    .pools_max = POOLS_MAX,
    .venue_size = sizeof(struct balancer),
    .pool_size = sizeof(struct pool),
    .state_size = sizeof(struct pool_state),
    .record_size = sizeof(union record),
    .records = PAIRS_MAX + VENUE_EARLY_MAX + 1,
    .ask_count = ASKS,
    .state_ask = ASK_TOKENS,
    .optional = 1u << ASK_SYMBOL | 1u << ASK_RECOVERY | 1u << ASK_PROVIDERS,
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
    .tell_info = emit_infos,
    .tell_log = emit_log,
    .tell_state = emit_state,
    .creation = creation,
    .is_sound = is_sound,
};

VENUE_PLUGIN("org.hawse.balancer", balancer_v2)
