/* The swapr venue: manifest, settings, pools by their factory; see swapr.h. */
#include "swapr.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.swapr\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"description\":\"Swapr v3 and other Algebra V1.9 pools: trades, liquidity, exact state\","
    "\"license\":\"MIT\",\"maturity\":\"stable\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\",\"hawse.timer/"
    "1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],"
    "\"streams\":{\"trades\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"rpc:eth_call\",\"rpc:eth_getLogs\"],"
    "\"budget\":{\"callback_us\":20000},"
    "\"config\":{\"type\":\"object\",\"properties\":{"
    "\"pools\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":4096,\"uniqueItems\":true,"
    "\"items\":{\"type\":\"string\",\"format\":\"address\"},"
    "\"examples\":[[\"0x720eab2d138b7a083b5bc1418c28dd8edbbcf092\"]],"
    "\"description\":\"addresses of pools to follow\"},"
    "\"factory\":{\"type\":\"string\",\"format\":\"address\","
    "\"description\":\"Algebra V1.9 factory whose pools are followed: those of pairs, or all\"},"
    "\"pairs\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1024,"
    "\"items\":{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,"
    "\"items\":{\"type\":\"string\",\"format\":\"address\"}},"
    "\"description\":\"pairs of tokens whose pool of the factory is followed, when it exists or as "
    "soon as it does\"},"
    "\"factory_block\":{\"type\":\"integer\",\"minimum\":0,"
    "\"description\":\"without pairs: pools created from this block on are followed; left out, "
    "those "
    "created from now on\"}}}}";

/* ---- pools ---- */

static struct venue_pool *add_pool(struct venue *v, const uint8_t address[20])
{
    uint8_t market[32] = {0};
    memcpy(market + 12, address, 20);
    return venue_pool_add(v, address, market);
}

static int32_t subscribe_pool(struct venue *v, struct venue_pool *p)
{
    return venue_subscribe(v, p->address, TOPIC_SWAP, 0, &p->sub);
}

static int32_t subscribe(struct venue *v)
{
    hawse_sub_t sub;
    return v->found.on ? venue_subscribe(v, v->found.source, TOPIC_POOL, 1, &sub) : HAWSE_OK;
}

/* ---- the factory ---- */

static bool is_wanted(const struct swapr *s, const uint8_t a[20], const uint8_t b[20])
{
    for (uint32_t i = 0; i < s->pair_count; i++) {
        const struct pair *p = &s->pairs[i];
        if ((memcmp(p->token[0], a, 20) == 0 && memcmp(p->token[1], b, 20) == 0) ||
            (memcmp(p->token[0], b, 20) == 0 && memcmp(p->token[1], a, 20) == 0))
            return true;
    }
    return s->pair_count == 0;
}

/* Pool(address indexed token0, address indexed token1, address pool) */
static void creation(struct venue *v, const hawse_evm_log_t *log, bool removed)
{
    uint8_t token[2][20], address[20];
    if (log->topic_count != 3 || log->data_len < 32 ||
        hawse_abi_address(log->topics[1], token[0]) != HAWSE_OK ||
        hawse_abi_address(log->topics[2], token[1]) != HAWSE_OK ||
        hawse_abi_address(venue_data(log), address) != HAWSE_OK) {
        venue_complain(v, "the factory's Pool event is malformed: is \"factory\" an Algebra V1.9 "
                          "factory?");
        return;
    }
    if (!is_wanted((struct swapr *)v, token[0], token[1]))
        return;
    struct venue_pool *p = removed ? venue_pool_find(v, address) : add_pool(v, address);
    if (p && removed)
        venue_pool_drop(v, p);
    else if (p)
        (void)venue_pool_listen(v, p);
}

static bool other(struct venue *v, const hawse_evm_log_t *log, uint32_t topic, bool removed)
{
    if (topic == TOPIC_POOL && v->found.on && memcmp(log->address, v->found.source, 20) == 0)
        creation(v, log, removed);
    return topic == TOPIC_POOL;
}

/* poolByPair(address,address) */
static void lookup(const struct venue *v, uint32_t n, struct venue_question *q)
{
    const struct pair *p = &((const struct swapr *)v)->pairs[n];
    char a[40], b[40];
    hawse_hex_encode(p->token[0], 20, a);
    hawse_hex_encode(p->token[1], 20, b);
    (void)snprintf(q->data, sizeof(q->data), "d9a641e1%024d%.40s%024d%.40s", 0, a, 0, b);
}

static bool looked_up(struct venue *v, uint32_t n, const uint8_t *d, uint64_t len)
{
    static const uint8_t none[20];
    uint8_t address[20];
    (void)n;
    if (len < 32 || hawse_abi_address(d, address) != HAWSE_OK)
        return false;
    if (memcmp(address, none, 20) == 0)
        return true; /* not created yet: the factory will say so */
    struct venue_pool *p = add_pool(v, address);
    return p && venue_pool_listen(v, p) == HAWSE_OK;
}

/* ---- settings ---- */

static int32_t read_address(const hawse_json_value_t *v, uint8_t out[20])
{
    return v->kind == HAWSE_JSON_STRING ? hawse_hex_fixed(v->data, v->len, out, 20)
                                        : HAWSE_E_FORMAT;
}

static uint32_t count_of(const hawse_json_t *doc, hawse_json_value_t list)
{
    hawse_json_value_t v;
    uint32_t n = 0;
    while (hawse_json_next(doc, &list, NULL, &v) == 1)
        n++;
    return n;
}

static int32_t read_pools(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t entry;
    uint8_t address[20];
    while (hawse_json_next(doc, list, NULL, &entry) == 1) {
        if (read_address(&entry, address) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        if (!add_pool(v, address))
            return HAWSE_E_NOMEM;
    }
    return HAWSE_OK;
}

static int32_t read_pair(const hawse_json_t *doc, hawse_json_value_t *pair, struct pair *out)
{
    hawse_json_value_t v;
    for (int i = 0; i < 2; i++) {
        if (hawse_json_next(doc, pair, NULL, &v) != 1 ||
            read_address(&v, out->token[i]) != HAWSE_OK)
            return HAWSE_E_FORMAT;
    }
    return HAWSE_OK;
}

static int32_t read_pairs(struct swapr *s, const hawse_json_t *doc, hawse_json_value_t *list)
{
    hawse_json_value_t v;
    s->pairs = calloc(count_of(doc, *list) + 1u, sizeof(s->pairs[0]));
    if (!s->pairs)
        return HAWSE_E_NOMEM;
    while (hawse_json_next(doc, list, NULL, &v) == 1) {
        int32_t code = read_pair(doc, &v, &s->pairs[s->pair_count++]);
        if (code != HAWSE_OK)
            return code;
    }
    s->base.found.lookups = s->pair_count;
    return HAWSE_OK;
}

static int32_t read_factory(struct swapr *s, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct venue_found *f = &s->base.found;
    hawse_json_value_t v;
    int32_t code = hawse_json_get(doc, root, "factory", &v);
    if (code == HAWSE_E_NOTFOUND)
        return HAWSE_OK;
    if (code == HAWSE_OK)
        code = read_address(&v, f->source);
    f->on = code == HAWSE_OK;
    if (code == HAWSE_OK && hawse_json_get(doc, root, "pairs", &v) == HAWSE_OK)
        return read_pairs(s, doc, &v);
    if (code == HAWSE_OK && hawse_json_get(doc, root, "factory_block", &v) == HAWSE_OK) {
        code = hawse_json_u64(&v, &f->from_block);
        f->scan = code == HAWSE_OK;
    }
    return code;
}

static int32_t configure(struct venue *v, const hawse_json_t *doc, hawse_json_value_t *root)
{
    hawse_json_value_t list;
    int32_t code = HAWSE_OK;
    bool named = hawse_json_get(doc, root, "pools", &list) == HAWSE_OK;
    if (named)
        code = read_pools(v, doc, &list);
    if (code == HAWSE_OK)
        code = read_factory((struct swapr *)v, doc, root);
    if (code == HAWSE_OK && !named && !v->found.on)
        code = hawse_fail(v->host, v->self, HAWSE_E_INVAL, "no pools are named, and no factory",
                          "set \"pools\" to a list of addresses, or \"factory\" to an Algebra V1.9 "
                          "factory");
    return code;
}

static void finish(struct venue *v)
{
    free(((struct swapr *)v)->pairs);
}

/* ---- the venue ---- */

static const char *const signatures[TOPICS] = {
    [TOPIC_SWAP] = "Swap(address,address,int256,int256,uint160,uint128,int24)",
    [TOPIC_MINT] = "Mint(address,address,int24,int24,uint128,uint256,uint256)",
    [TOPIC_BURN] = "Burn(address,int24,int24,uint128,uint256,uint256)",
    [TOPIC_INITIALIZE] = "Initialize(uint160,int24)",
    [TOPIC_FEE] = "Fee(uint16)",
    [TOPIC_SPACING] = "TickSpacing(int24)",
    [TOPIC_POOL] = "Pool(address,address,address)"};

static bool is_sound(const struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    (void)v;
    for (int i = 0; i < 2; i++) {
        if (p->token[i].decimals > DECIMALS_MAX ||
            memchr(p->token[i].symbol, 0, VENUE_SYMBOL) == NULL)
            return false;
    }
    return true;
}

static const struct venue_kind algebra = {
    .what = "an Algebra V1.9 pool",
    .signatures = signatures,
    .topic_count = TOPICS,
    .created = TOPIC_POOL,
    .pools_max = POOLS_MAX,
    .venue_size = sizeof(struct swapr),
    .pool_size = sizeof(struct pool),
    .state_size = sizeof(struct pool_state),
    .record_size = sizeof(union record),
    .records = 2,
    .ask_count = ASKS,
    .state_ask = ASK_SPACING,
    .optional = 1u << ASK_DECIMALS | 1u << ASK_SYMBOL,
    .tells_unread = true,
    .configure = configure,
    .subscribe = subscribe,
    .subscribe_pool = subscribe_pool,
    .other = other,
    .apply = state_apply,
    .times = state_times,
    .question = state_question,
    .take = state_take,
    .tell_info = emit_info,
    .tell_log = emit_log,
    .tell_state = emit_state,
    .creation = creation,
    .lookup = lookup,
    .looked_up = looked_up,
    .finish = finish,
    .is_sound = is_sound,
};

VENUE_PLUGIN("org.hawse.swapr", algebra)
