/* The swapr venue's table; see swapr.h. */
#include "swapr.h"

#include <hawse/keccak.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_MS = 50, EARLY_BYTES = 4096 };

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

static void destroy(void *state)
{
    struct swapr *s = state;
    if (!s)
        return;
    for (uint32_t i = 0; i < s->pool_count; i++) {
        free(s->pools[i]->early);
        free(s->pools[i]);
    }
    discover_finish(s);
    free(s->pools);
    free(s->buckets);
    free(s);
}

static int32_t subscribe_pool(struct swapr *s, struct pool *p)
{
    hawse_evm_log_filter_t wanted = {.size = sizeof(wanted)}; /* every event of the pool */
    memcpy(wanted.address, p->address, 20);
    hawse_sub_spec_t logs = {.size = sizeof(logs),
                             .source = s->chain,
                             .space = HAWSE_SPACE_EVM,
                             .kind = HAWSE_EVM_LOG,
                             .policy = HAWSE_POLICY_LOSSLESS,
                             .flags = HAWSE_SUB_KEYED,
                             .key = hawse_key(p->address, 20),
                             .filter = {(const uint8_t *)&wanted, sizeof(wanted)}};
    return s->sub->subscribe(s->host, s->self, &logs, &p->sub);
}

static struct pool *make_pool(struct swapr *s, const uint8_t address[20])
{
    if (s->pool_count == POOLS_MAX) {
        swapr_complain(s, "more than %d pools: name the wanted ones in \"pools\" or \"pairs\"",
                       POOLS_MAX);
        return NULL;
    }
    struct pool *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    memcpy(p->address, address, 20);
    memcpy(p->market + 12, address, 20);
    p->key = hawse_key(p->market, 32);
    uint32_t b = (uint32_t)hawse_key(address, 20) & s->mask;
    p->next = s->buckets[b];
    s->buckets[b] = s->pool_count;
    s->pools[s->pool_count++] = p;
    return p;
}

struct pool *swapr_know_pool(struct swapr *s, const uint8_t address[20])
{
    struct pool *p = pool_find(s, address);
    return p ? p : make_pool(s, address);
}

bool swapr_add_pool(struct swapr *s, const uint8_t address[20])
{
    struct pool *p = swapr_know_pool(s, address);
    if (!p)
        return false;
    return p->sub != 0 || subscribe_pool(s, p) == HAWSE_OK;
}

void swapr_drop_pool(struct swapr *s, const uint8_t address[20])
{
    struct pool *p = pool_find(s, address);
    if (!p || !p->sub)
        return;
    (void)s->sub->unsubscribe(s->host, s->self, p->sub);
    p->sub = 0;
    pool_unread(s, p);
}

/* ---- making ---- */

static int32_t subscribe(struct swapr *s)
{
    hawse_sub_t sub;
    hawse_sub_spec_t heads = {.size = sizeof(heads),
                              .source = s->chain,
                              .space = HAWSE_SPACE_EVM,
                              .kind = HAWSE_EVM_BLOCK,
                              .policy = HAWSE_POLICY_LOSSLESS};
    int32_t code = s->sub->subscribe(s->host, s->self, &heads, &sub);
    for (uint32_t i = 0; i < s->pool_count && code == HAWSE_OK; i++)
        code = subscribe_pool(s, s->pools[i]);
    return code == HAWSE_OK && s->found.on ? discover_subscribe(s) : code;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    static const char *const signatures[TOPICS] = {
        [TOPIC_SWAP] = "Swap(address,address,int256,int256,uint160,uint128,int24)",
        [TOPIC_MINT] = "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        [TOPIC_BURN] = "Burn(address,int24,int24,uint128,uint256,uint256)",
        [TOPIC_INITIALIZE] = "Initialize(uint160,int24)",
        [TOPIC_FEE] = "Fee(uint16)",
        [TOPIC_SPACING] = "TickSpacing(int24)"};
    struct swapr *s = calloc(1, sizeof(*s));
    if (!s)
        return HAWSE_E_NOMEM;
    s->host = host;
    s->self = self;
    s->sub = host->query(host, self, HAWSE_SUB_ID);
    s->rpc = host->query(host, self, HAWSE_RPC_ID);
    s->timers = host->query(host, self, HAWSE_TIMER_ID);
    for (int t = 0; t < TOPICS; t++)
        hawse_keccak_signature(signatures[t], s->topics[t]);
    discover_init(s);
    s->mask = 2 * POOLS_MAX - 1;
    s->pools = calloc(POOLS_MAX, sizeof(s->pools[0]));
    s->buckets = malloc(2 * POOLS_MAX * sizeof(s->buckets[0]));
    if (!s->pools || !s->buckets) {
        destroy(s);
        return HAWSE_E_NOMEM;
    }
    memset(s->buckets, 0xff, 2 * POOLS_MAX * sizeof(s->buckets[0]));
    int32_t code = settings_read(s, config);
    if (code == HAWSE_OK && s->sub->link(host, self, hawse_text("chain"), &s->chain) != HAWSE_OK)
        code = hawse_fail(host, self, HAWSE_E_NOTFOUND, "needs a link named \"chain\"",
                          "add links: {\"chain\": \"ID OF A CHAIN INSTANCE\"}");
    if (code == HAWSE_OK)
        code = subscribe(s);
    if (code != HAWSE_OK) {
        destroy(s);
        return code;
    }
    *state = s;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    struct swapr *s = state;
    uint64_t every = (uint64_t)TICK_MS * 1000000u;
    return s->timers->set(s->host, s->self, every, every, 0, &s->tick);
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

/* ---- events ---- */

static void on_block(struct swapr *s, const hawse_event_t *event)
{
    const hawse_evm_block_t *b = (const hawse_evm_block_t *)(const void *)event->data;
    s->chain_id = b->chain_id;
    if (event->flags & HAWSE_EVENT_REMOVED) {
        s->head_known = false;
        for (uint32_t i = 0; i < s->pool_count; i++) {
            struct pool *p = s->pools[i];
            if (memcmp(p->read_hash, b->hash, 32) != 0)
                continue;
            if (p->phase == POOL_READING) { /* a state read at this block is no longer one */
                pool_unread(s, p);
            } else { /* logs of that height may come again on another branch */
                p->read_block = b->number - 1;
                memcpy(p->read_hash, b->parent_hash, 32);
            }
        }
        return;
    }
    s->head_number = b->number;
    memcpy(s->head_hash, b->hash, 32);
    s->head_known = true;
    discover_next(s);
    read_next(s);
}

/* A log while the state is being read: kept for later, unless there are too many. */
static void keep_early(struct swapr *s, struct pool *p, const hawse_event_t *event)
{
    if (event->len > EARLY_BYTES || p->early_count == EARLY_MAX) {
        pool_unread(s, p); /* read again, at a later block */
        return;
    }
    if (!p->early)
        p->early = malloc((size_t)EARLY_MAX * EARLY_BYTES);
    if (p->early)
        memcpy(p->early + (uint64_t)p->early_count++ * EARLY_BYTES, event->data, event->len);
}

static void drop_early(struct pool *p, const hawse_evm_log_t *log)
{
    for (uint32_t i = p->early_count; i-- > 0;) {
        const hawse_evm_log_t *kept =
            (const hawse_evm_log_t *)(const void *)(p->early + (uint64_t)i * EARLY_BYTES);
        if (kept->log_index == log->log_index && memcmp(kept->block_hash, log->block_hash, 32) == 0)
            p->early_count = i; /* it was the newest: they are taken back newest first */
    }
}

static void change_state(struct swapr *s, struct pool *p, const hawse_evm_log_t *log,
                         const hawse_event_t *event, enum topic topic)
{
    bool removed = (event->flags & HAWSE_EVENT_REMOVED) != 0;
    if (p->phase != POOL_FOLLOWED) {
        if (removed)
            drop_early(p, log);
        else if (p->phase == POOL_READING)
            keep_early(s, p, event);
        return;
    }
    if (!removed && log->block_number <= p->read_block && p->steps == 0)
        return;                             /* the state that was read contains it */
    if (!removed && pool_is_late(p, log)) { /* told after newer ones: what it changed is unknown */
        pool_unread(s, p);
        return;
    }
    bool good = removed ? pool_undo(p, log) : pool_apply(s, p, log);
    if (good)
        emit_state(s, p, log, event);
    else if (removed || topic < TOPICS)
        pool_unread(s, p); /* cannot be followed: read anew at the next block */
}

static void on_log(struct swapr *s, const hawse_event_t *event)
{
    const hawse_evm_log_t *log = (const hawse_evm_log_t *)(const void *)event->data;
    struct pool *p = pool_find(s, log->address);
    enum topic topic = pool_topic(s, log);
    if (discover_is_event(s, log))
        discover_event(s, log, (event->flags & HAWSE_EVENT_REMOVED) != 0);
    if (!p || topic == TOPICS)
        return;
    if (topic == TOPIC_SWAP)
        emit_trade(s, p, log, event);
    else if (topic == TOPIC_MINT || topic == TOPIC_BURN)
        emit_liquidity(s, p, log, topic, event);
    change_state(s, p, log, event, topic);
}

/* The source lost events for good: what follows from logs is no longer certain. */
static void on_continuity(struct swapr *s, const hawse_event_t *event)
{
    bool lost = event->kind == HAWSE_STREAM_EVENT_UNHEALABLE ||
                (event->kind == HAWSE_STREAM_EVENT_GAP && (event->flags & HAWSE_EVENT_LOCAL));
    for (uint32_t i = 0; lost && i < s->pool_count; i++)
        pool_unread(s, s->pools[i]);
    if (lost)
        discover_again(s);
}

static void on_event(struct swapr *s, const hawse_event_t *event)
{
    if (event->space == HAWSE_SPACE_EVM && event->kind == HAWSE_EVM_LOG)
        on_log(s, event);
    else if (event->space == HAWSE_SPACE_EVM && event->kind == HAWSE_EVM_BLOCK)
        on_block(s, event);
    else if (event->space == HAWSE_SPACE_STREAM)
        on_continuity(s, event);
    else if (event->space == HAWSE_SPACE_HOST && event->kind == HAWSE_HOST_RPC_DONE)
        read_answer(s, event);
    if (event->space == HAWSE_SPACE_HOST) {
        discover_next(s);
        read_next(s);
    }
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    struct swapr *s = state;
    for (uint32_t i = 0; i < n; i++) {
        if (s->resume)
            s->resume = false; /* this one was done, only its output waited for room */
        else
            on_event(s, events[i]);
        if (!emit_flush(s)) {
            s->resume = true;
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
        .id = "org.hawse.swapr",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
    };
    (void)host;
    return &table;
}
