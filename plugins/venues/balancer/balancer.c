/* The balancer venue's table; see balancer.h. */
#include "balancer.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 50 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.balancer\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
    "\"description\":\"Balancer v2 weighted and stable pools: trades, exact state\","
    "\"license\":\"MIT\",\"maturity\":\"stable\","
    "\"requires\":{\"hawse.sub/1\":\">=1.0\",\"hawse.rpc/1\":\">=1.0\",\"hawse.timer/"
    "1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\"],\"produces\":[\"market/1\",\"stream/1\"],"
    "\"streams\":{\"trades\":{\"overflow\":\"lossless\"}},"
    "\"capabilities\":[\"rpc:eth_call\"],"
    "\"budget\":{\"callback_us\":20000},"
    "\"config\":{\"type\":\"object\",\"required\":[\"pools\"],\"properties\":{"
    "\"vault\":{\"type\":\"string\",\"format\":\"address\","
    "\"default\":\"0xBA12222222228d8Ba445958a75a0704d566BF2C8\","
    "\"description\":\"address of the Vault; the same on every public chain\"},"
    "\"pools\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":256,"
    "\"description\":\"the pools to follow\",\"items\":{\"type\":\"object\","
    "\"required\":[\"id\",\"kind\"],\"properties\":{"
    "\"id\":{\"type\":\"string\",\"minLength\":66,\"maxLength\":66,"
    "\"description\":\"pool id, 32 bytes\"},"
    "\"kind\":{\"type\":\"string\",\"enum\":[\"weighted\",\"weighted-2021\",\"stable\","
    "\"stable-2021\"],"
    "\"description\":\"which formulas; the first weighted and stable pools round in another "
    "way\"}}}}}}}";

static void destroy(void *state)
{
    struct balancer *b = state;
    for (uint32_t i = 0; b && i < b->pool_count; i++) {
        free(b->pools[i].history);
        free(b->pools[i].early);
    }
    if (b)
        free(b->pools);
    free(b);
}

/* ---- settings ---- */

static uint32_t kind_of(hawse_view_t name)
{
    static const char *const names[] = {[HAWSE_BAL_WEIGHTED] = "weighted",
                                        [HAWSE_BAL_WEIGHTED_2021] = "weighted-2021",
                                        [HAWSE_BAL_STABLE] = "stable",
                                        [HAWSE_BAL_STABLE_2021] = "stable-2021"};
    for (uint32_t k = HAWSE_BAL_WEIGHTED; k <= HAWSE_BAL_STABLE_2021; k++) {
        if (name.len == strlen(names[k]) && memcmp(name.data, names[k], name.len) == 0)
            return k;
    }
    return 0;
}

static int32_t read_pool(struct balancer *b, const hawse_json_t *doc, hawse_json_value_t *entry)
{
    hawse_json_value_t id, kind;
    struct pool *p = &b->pools[b->pool_count];
    if (hawse_json_get(doc, entry, "id", &id) != HAWSE_OK ||
        hawse_hex_fixed(id.data, id.len, p->id, 32) != HAWSE_OK ||
        hawse_json_get(doc, entry, "kind", &kind) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    p->kind = kind_of((hawse_view_t){kind.data, kind.len});
    p->key = hawse_key(p->id, 32);
    p->own_token = UINT32_MAX;
    p->history = calloc(HISTORY, sizeof(p->history[0]));
    if (!p->history)
        return HAWSE_E_NOMEM;
    b->pool_count++; /* from here on destroy frees it */
    return p->kind ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int32_t read_settings(void *state, const hawse_json_t *doc, hawse_json_value_t *root)
{
    struct balancer *b = state;
    hawse_json_value_t v, list, entry;
    const char *usual = "0xBA12222222228d8Ba445958a75a0704d566BF2C8";
    int32_t code = hawse_json_get(doc, root, "vault", &v) == HAWSE_OK
                       ? hawse_hex_fixed(v.data, v.len, b->vault, 20)
                       : hawse_hex_fixed((const uint8_t *)usual, 42, b->vault, 20);
    if (code == HAWSE_OK)
        code = hawse_json_get(doc, root, "pools", &list);
    b->pools = calloc(POOLS_MAX, sizeof(b->pools[0]));
    if (!b->pools)
        return HAWSE_E_NOMEM;
    while (code == HAWSE_OK && b->pool_count < POOLS_MAX &&
           hawse_json_next(doc, &list, NULL, &entry) == 1)
        code = read_pool(b, doc, &entry);
    return code;
}

/* ---- making ---- */

static int32_t subscribe_logs(struct balancer *b, const uint8_t address[20], enum topic first,
                              enum topic last)
{
    struct {
        hawse_evm_log_filter_t head;
        uint8_t topics[TOPICS][32];
    } wanted = {
        .head = {.size = sizeof(wanted.head), .topic0_count = (uint32_t)(last - first) + 1u}};
    hawse_sub_t sub;
    memcpy(wanted.head.address, address, 20);
    memcpy(wanted.topics, b->topics[first], 32u * wanted.head.topic0_count);
    hawse_sub_spec_t logs = {
        .size = sizeof(logs),
        .source = b->chain,
        .space = HAWSE_SPACE_EVM,
        .kind = HAWSE_EVM_LOG,
        .flags = HAWSE_SUB_KEYED,
        .policy = HAWSE_POLICY_LOSSLESS,
        .key = hawse_key(address, 20),
        .filter = {(const uint8_t *)&wanted, sizeof(wanted.head) + 32u * wanted.head.topic0_count}};
    return b->sub->subscribe(b->host, b->self, &logs, &sub);
}

static int32_t subscribe(struct balancer *b)
{
    hawse_sub_t sub;
    hawse_sub_spec_t heads = {.size = sizeof(heads),
                              .source = b->chain,
                              .space = HAWSE_SPACE_EVM,
                              .kind = HAWSE_EVM_BLOCK,
                              .policy = HAWSE_POLICY_LOSSLESS};
    int32_t code = b->sub->subscribe(b->host, b->self, &heads, &sub);
    if (code == HAWSE_OK)
        code = subscribe_logs(b, b->vault, TOPIC_SWAP, TOPIC_PAUSED);
    for (uint32_t i = 0; i < b->pool_count && code == HAWSE_OK; i++)
        code = subscribe_logs(b, b->pools[i].id, TOPIC_PAUSED, TOPIC_RATE);
    return code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    static const char *const signatures[TOPICS] = {
        [TOPIC_SWAP] = "Swap(bytes32,address,address,uint256,uint256)",
        [TOPIC_BALANCE] = "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])",
        [TOPIC_MANAGED] = "PoolBalanceManaged(bytes32,address,address,int256,int256)",
        [TOPIC_REGISTERED] = "TokensRegistered(bytes32,address[],address[])",
        [TOPIC_DEREGISTERED] = "TokensDeregistered(bytes32,address[])",
        [TOPIC_PAUSED] = "PausedStateChanged(bool)",
        [TOPIC_FEE] = "SwapFeePercentageChanged(uint256)",
        [TOPIC_AMP_STARTED] = "AmpUpdateStarted(uint256,uint256,uint256,uint256)",
        [TOPIC_AMP_STOPPED] = "AmpUpdateStopped(uint256)",
        [TOPIC_RATE] = "TokenRateCacheUpdated(uint256,uint256)"};
    struct balancer *b = calloc(1, sizeof(*b));
    if (!b)
        return HAWSE_E_NOMEM;
    b->host = host;
    b->self = self;
    b->sub = host->query(host, self, HAWSE_SUB_ID);
    b->rpc = host->query(host, self, HAWSE_RPC_ID);
    b->timers = host->query(host, self, HAWSE_TIMER_ID);
    for (int t = 0; t < TOPICS; t++)
        hawse_keccak_signature(signatures[t], b->topics[t]);
    int32_t code = venue_settings(config, b, read_settings);
    if (code == HAWSE_OK && b->sub->link(host, self, hawse_text("chain"), &b->chain) != HAWSE_OK)
        code = hawse_fail(host, self, HAWSE_E_NOTFOUND, "needs a link named \"chain\"",
                          "add links: {\"chain\": \"ID OF A CHAIN INSTANCE\"}");
    if (code == HAWSE_OK)
        code = subscribe(b);
    if (code != HAWSE_OK) {
        destroy(b);
        return code;
    }
    *state = b;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    struct balancer *b = state;
    uint64_t every = (uint64_t)TICK_MS * 1000000u;
    return b->timers->set(b->host, b->self, every, every, 0, &b->tick);
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

/* ---- events ---- */

/* A block that left the chain takes a state that was read at it along, or, when no log of it was in
 * that state, leaves it good for the block below. */
static void on_removed_block(struct balancer *b, const hawse_evm_block_t *block)
{
    b->head_known = false;
    for (uint32_t i = 0; i < b->pool_count; i++) {
        struct pool *p = &b->pools[i];
        if (memcmp(p->read_hash, block->hash, 32) != 0)
            continue;
        if (p->phase == POOL_READING) {
            pool_unread(b, p);
        } else {
            p->read_block = block->number - 1;
            memcpy(p->read_hash, block->parent_hash, 32);
        }
    }
}

static void on_block(struct balancer *b, const hawse_event_t *event)
{
    const hawse_evm_block_t *block = (const hawse_evm_block_t *)(const void *)event->data;
    b->chain_id = block->chain_id;
    if (event->flags & HAWSE_EVENT_REMOVED) {
        on_removed_block(b, block);
        return;
    }
    b->head_number = block->number;
    memcpy(b->head_hash, block->hash, 32);
    b->head_known = true;
    for (uint32_t i = 0; i < b->pool_count; i++) {
        if (b->pools[i].moving && b->pools[i].phase == POOL_FOLLOWED)
            pool_unread(b, &b->pools[i]); /* its amplification is another one in every block */
    }
    read_next(b);
}

/* A log while the state is being read: kept for later, unless there are too many. */
static void keep_early(struct balancer *b, struct pool *p, const hawse_event_t *event)
{
    if (!p->early)
        p->early = malloc((size_t)EARLY_MAX * VENUE_ANSWER_MAX);
    if (!p->early || event->len > VENUE_ANSWER_MAX || p->early_count == EARLY_MAX) {
        pool_unread(b, p); /* read again, at a later block */
        return;
    }
    memcpy(p->early + (uint64_t)p->early_count++ * VENUE_ANSWER_MAX, event->data, event->len);
}

static void drop_early(struct balancer *b, struct pool *p, const hawse_evm_log_t *log)
{
    if (p->early_count > 0) {
        const hawse_evm_log_t *kept =
            (const hawse_evm_log_t *)(const void *)(p->early + (uint64_t)(p->early_count - 1) *
                                                                   VENUE_ANSWER_MAX);
        if (kept->log_index == log->log_index &&
            memcmp(kept->block_hash, log->block_hash, 32) == 0) {
            p->early_count--; /* they are taken back newest first */
            return;
        }
    }
    pool_unread(b, p); /* the state that is being read may contain it */
}

static void change_state(struct balancer *b, struct pool *p, const hawse_evm_log_t *log,
                         const hawse_event_t *event, enum topic topic)
{
    bool removed = (event->flags & HAWSE_EVENT_REMOVED) != 0;
    if (p->phase != POOL_FOLLOWED) {
        if (p->phase == POOL_READING && removed)
            drop_early(b, p, log);
        else if (p->phase == POOL_READING)
            keep_early(b, p, event);
        return;
    }
    if (!removed && log->block_number <= p->read_block && p->steps == 0)
        return; /* the state that was read contains it */
    bool good = removed ? pool_undo(p, log) : !pool_is_late(p, log) && pool_apply(p, log, topic);
    if (good)
        emit_state(b, p, log, event);
    else
        pool_unread(b, p); /* cannot be followed: read anew */
}

static void on_log(struct balancer *b, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    enum topic topic = pool_topic(b, log);
    bool of_vault = memcmp(log->address, b->vault, 20) == 0;
    if (topic == TOPICS)
        return;
    if (of_vault && topic == TOPIC_PAUSED) {
        for (uint32_t i = 0; i < b->pool_count; i++)
            pool_unread(b, &b->pools[i]);
        return;
    }
    struct pool *p = pool_of(b, log);
    if (!p || of_vault != (topic < TOPIC_PAUSED))
        return;
    if (topic == TOPIC_SWAP && p->announced && log->block_number > p->told_from)
        emit_trade(b, p, log, event);
    change_state(b, p, log, event, topic);
}

/* The source lost events for good: what follows from logs is no longer certain. */
static void on_continuity(struct balancer *b, const hawse_event_t *event)
{
    bool lost = event->kind == HAWSE_STREAM_EVENT_UNHEALABLE ||
                (event->kind == HAWSE_STREAM_EVENT_GAP && (event->flags & HAWSE_EVENT_LOCAL));
    for (uint32_t i = 0; lost && i < b->pool_count; i++)
        pool_unread(b, &b->pools[i]);
}

static void on_event(struct balancer *b, const hawse_event_t *event)
{
    if (event->space == HAWSE_SPACE_EVM && event->kind == HAWSE_EVM_LOG)
        on_log(b, event);
    else if (event->space == HAWSE_SPACE_EVM && event->kind == HAWSE_EVM_BLOCK)
        on_block(b, event);
    else if (event->space == HAWSE_SPACE_STREAM)
        on_continuity(b, event);
    else if (event->space == HAWSE_SPACE_HOST && event->kind == HAWSE_HOST_RPC_DONE)
        read_answer(b, event);
    if (event->space == HAWSE_SPACE_HOST)
        read_next(b);
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct balancer *b = state;
    for (uint32_t i = 0; i < n; i++) {
        if (b->resume)
            b->resume = false; /* this one was done, only its output waited for room */
        else
            on_event(b, events[i]);
        if (!emit_flush(b)) {
            b->resume = true;
            return (int32_t)i;
        }
    }
    return (int32_t)n;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.balancer",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
    };
    (void)host;
    return &table;
}
