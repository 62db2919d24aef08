/*
 * What requests ask, and the cache: against a table of requests, and against a chain that grows and
 * is reorganised at random, of which no reader may see what has left.
 */
#include "harness.h"
#include "rpc/cache.h"

#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MS = 1000000u, SECOND = 1000000000u;

/* ---- requests ---- */

static struct question ask(const char *method, const char *params)
{
    struct question q;
    size_t len = strlen(params);
    uint8_t *text = calloc(1, len + HAWSE_PADDING);
    CHECK(text != NULL);
    for (size_t i = 0; i < len; i++)
        text[i] = params[i] == '\'' ? '"' : (uint8_t)params[i];
    CHECK_EQ(question_read(method, strlen(method), text, len, &q), 0);
    free(text);
    return q;
}

TEST(question_keys, "requests that ask the same have the same key, and others have not")
{
    static const struct {
        const char *method, *a, *b;
        bool same;
    } rows[] = {
        {"eth_getBalance", "['0xAB']", "[ '0xab' , 'latest' ]", true},
        {"eth_getBalance", "['0xAB','0x01']", "['0xab','0x1']", true},
        {"eth_getBalance", "['0xab','0x1']", "['0xab','0x10']", false},
        {"eth_call", "[{'to':'0xA','data':'0x00ab'},'latest']", "[{'data':'0x00AB','to':'0xa'}]",
         true},
        {"eth_call", "[{'to':'0xa','data':'0x00ab'}]", "[{'to':'0xa','data':'0xab'}]", false},
        {"eth_call", "[{'a':'1','a':'2'}]", "[{'a':'2','a':'1'}]", false},
        {"eth_call", "[{},null]", "[{},'latest']", true},
        {"eth_call", "[{},{'blockHash':'0xAa'}]", "[{},{'blockHash':'0xaa'}]", true},
        {"eth_getBlockByNumber", "['earliest',true]", "['0x0',true]", true},
        {"eth_getBlockByNumber", "['latest',true]", "['latest',false]", false},
        {"eth_getLogs", "[{'topics':[null,'0xA']}]", "[{'topics':['0xA',null]}]", false},
        {"web3_sha3", "['0xAg']", "['0xag']", false},
        {"x", "[1.0]", "[1]", false},
        {"x", "['a,b']", "['a','b']", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct question a = ask(rows[i].method, rows[i].a), b = ask(rows[i].method, rows[i].b);
        bool same = a.key_len == b.key_len && memcmp(a.key, b.key, a.key_len) == 0;
        if (same != rows[i].same)
            FAIL("%.*s and %.*s", (int)a.key_len, a.key, (int)b.key_len, b.key);
        question_finish(&a);
        question_finish(&b);
    }
}

#define H32 "'0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'"

TEST(question_keeps, "each kind of answer is kept as long as it stays true, and the rest never")
{
    enum { NEVER = -1 };
    static const struct {
        const char *method, *params, *result;
        int64_t ttl_ms; /* 0 = for good */
        uint64_t height;
    } rows[] = {
        {"eth_chainId", "[]", "\"0x64\"", 0, QUESTION_PINNED},
        {"eth_blockNumber", "[]", "\"0x64\"", 5000, QUESTION_ANY_HEIGHT},
        {"eth_gasPrice", "[]", "\"0x64\"", 6250, QUESTION_ANY_HEIGHT},
        {"eth_getBalance", "['0xaa']", "\"0x1\"", 12500, QUESTION_ANY_HEIGHT},
        {"eth_getBalance", "['0xaa','pending']", "\"0x1\"", NEVER, 0},
        {"eth_getBalance", "['0xaa','0x10']", "\"0x1\"", 0, 16},
        {"eth_getBalance", "['0xaa','0x60']", "\"0x1\"", 5000, 96},
        {"eth_getBalance", "['0xaa',{'blockHash':'0xaa'}]", "\"0x1\"", 0, QUESTION_PINNED},
        {"eth_call", "[{}]", "\"0x01\"", NEVER, 0},
        {"eth_call", "[{},'0x10']", "\"0x01\"", 0, 16},
        {"eth_call", "[{},'0x10']", "\"0x\"", NEVER, 0},
        {"eth_call", "[{},'safe']", "\"0x01\"", NEVER, 0},
        {"eth_getTransactionCount", "['0xaa']", "\"0x1\"", NEVER, 0},
        {"eth_getTransactionCount", "['0xaa','pending']", "\"0x1\"", NEVER, 0},
        {"eth_estimateGas", "[{}]", "\"0x1\"", NEVER, 0},
        {"eth_getBlockByNumber", "['0x10',false]", "{\"n\":1}", 0, 16},
        {"eth_getBlockByNumber", "['0x10',false]", "null", NEVER, 0},
        {"eth_getBlockByNumber", "['0x60',false]", "{\"n\":1}", 5000, 96},
        {"eth_getBlockByNumber", "['latest',false]", "{\"n\":1}", 5000, QUESTION_ANY_HEIGHT},
        {"eth_getBlockByNumber", "['pending',false]", "{\"n\":1}", NEVER, 0},
        {"eth_getBlockByHash", "[" H32 ",false]", "{\"n\":1}", 0, QUESTION_PINNED},
        {"eth_getTransactionReceipt", "[" H32 "]", "{\"blockNumber\":\"0x10\"}", 0, 16},
        {"eth_getTransactionReceipt", "[" H32 "]", "{\"blockNumber\":\"0x60\"}", 5000, 96},
        {"eth_getTransactionByHash", "[" H32 "]", "{\"blockNumber\":null}", NEVER, 0},
        {"eth_getTransactionReceipt", "[" H32 "]", "null", NEVER, 0},
        {"eth_getLogs", "[{'blockHash':" H32 "}]", "[1]", 0, QUESTION_PINNED},
        {"eth_getLogs", "[{'fromBlock':'0x1','toBlock':'0x10'}]", "[1]", 0, 16},
        {"eth_getLogs", "[{'fromBlock':'0x1','toBlock':'0x10'}]", "[]", NEVER, 0},
        {"eth_getLogs", "[{'fromBlock':'0x1','toBlock':'0x60'}]", "[1]", NEVER, 0},
        {"eth_getLogs", "[{'fromBlock':'0x1'}]", "[1]", NEVER, 0},
        {"eth_sendRawTransaction", "['0x01']", "\"0x1\"", NEVER, 0},
        {"anvil_mine", "[]", "1", NEVER, 0},
        {"debug_traceTransaction", "[" H32 "]", "{\"n\":1}", NEVER, 0},
        {"txpool_status", "[]", "{\"n\":1}", NEVER, 0},
        {"eth_syncing", "[]", "false", NEVER, 0},
    };
    const struct question_chain chain = {.head = 100, .confirmations = 12, .block_ms = 5000};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct question q = ask(rows[i].method, rows[i].params);
        struct question_keep k;
        char text[128] = "";
        (void)snprintf(text, sizeof(text) - HAWSE_PADDING, "%s", rows[i].result);
        bool keeps = question_keeps(&q, &chain, (const uint8_t *)text, strlen(text), &k);
        if (keeps != (rows[i].ttl_ms != NEVER) ||
            (keeps && (k.ttl_ns != (uint64_t)rows[i].ttl_ms * MS || k.height != rows[i].height)))
            FAIL("%s %s: %d, %llu ms, %llu", rows[i].method, rows[i].params, keeps,
                 (unsigned long long)(k.ttl_ns / MS), (unsigned long long)k.height);
        question_finish(&q);
    }
}

TEST(question_final, "a block is final with all its confirmations, not one before, nor unknown")
{
    struct question q = ask("eth_getBlockByNumber", "['0x64',false]");
    struct question_keep k;
    static const uint8_t result[8 + HAWSE_PADDING] = "{\"n\":1}";
    struct question_chain chain = {.head = 110, .confirmations = 12, .block_ms = 5000};
    CHECK(question_keeps(&q, &chain, result, 7, &k) && k.ttl_ns > 0);
    chain.head = 111;
    CHECK(question_keeps(&q, &chain, result, 7, &k) && k.ttl_ns == 0);
    chain.head = 0;
    CHECK(question_keeps(&q, &chain, result, 7, &k) && k.ttl_ns > 0);
    question_finish(&q);
    q = ask("eth_getBlockByNumber", "['0x0',false]");
    CHECK(question_keeps(&q, &chain, result, 7, &k) && k.ttl_ns > 0);
    question_finish(&q);
}

/* ---- the cache ---- */

static struct question key(const char *text)
{
    struct question q = {.key = strdup(text), .key_len = strlen(text)};
    return q;
}

static void put(struct cache *c, const char *k, const char *body, uint64_t ttl, uint64_t height,
                uint64_t now)
{
    struct question q = key(k);
    cache_put(c, &q, &(struct question_keep){.ttl_ns = ttl, .height = height},
              (const uint8_t *)body, strlen(body), now);
    question_finish(&q);
}

static bool has(struct cache *c, const char *k, uint64_t now)
{
    size_t len = 0;
    return cache_find(c, k, strlen(k), now, &len) != NULL;
}

TEST(cache_bounds, "the least recently used go first, by number and by bytes, and all is counted")
{
    struct cache *c = cache_create(1 << 20, 100);
    struct cache_stats s;
    char name[32];
    for (int i = 0; i < 150; i++) {
        (void)snprintf(name, sizeof(name), "k%d", i);
        put(c, name, "body", 0, QUESTION_PINNED, 1);
        CHECK(has(c, "k0", 1)); /* stays in use */
    }
    cache_stats(c, &s);
    CHECK_EQ(s.entries, 100);
    CHECK_EQ(s.evictions[CACHE_LRU], 50);
    CHECK(!has(c, "k1", 1) && !has(c, "k50", 1) && has(c, "k51", 1) && has(c, "k149", 1));
    cache_destroy(c);
    c = cache_create(8192, 1000);
    char *big = calloc(1, 2000);
    memset(big, 'x', 1999);
    put(c, "big", big, 0, QUESTION_PINNED, 1); /* above an eighth */
    CHECK(!has(c, "big", 1));
    big[300] = '\0';
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "k%d", i);
        put(c, name, big, 0, QUESTION_PINNED, 1);
        cache_stats(c, &s);
        CHECK(s.bytes <= 8192);
    }
    CHECK(s.entries > 5 && s.evictions[CACHE_LRU] > 50);
    free(big);
    cache_destroy(c);
}

TEST(cache_ends, "time, blocks, reorganisations and own sends end what they concern, nothing else")
{
    struct cache *c = cache_create(1 << 20, 100);
    static const uint8_t address[20] = {1}, other[20] = {2};
    struct question q = key("balance");
    put(c, "short", "b", SECOND, QUESTION_ANY_HEIGHT, SECOND);
    CHECK(has(c, "short", SECOND + SECOND * 9 / 10 - 1));
    CHECK(!has(c, "short", 2 * SECOND));
    put(c, "low", "b", 0, 10, 1);
    put(c, "high", "b", 0, 20, 1);
    put(c, "any", "b", 9 * SECOND, QUESTION_ANY_HEIGHT, 1);
    put(c, "pinned", "b", 0, QUESTION_PINNED, 1);
    cache_reorg(c, 20);
    CHECK(has(c, "low", 1) && has(c, "pinned", 1) && !has(c, "high", 1) && !has(c, "any", 1));
    q.has_address = true;
    q.address[0] = 1;
    cache_put(c, &q, &(struct question_keep){.ttl_ns = SECOND, .height = QUESTION_ANY_HEIGHT},
              (const uint8_t *)"b", 1, 1);
    cache_touched(c, other);
    CHECK(has(c, "balance", 1));
    cache_touched(c, address);
    CHECK(!has(c, "balance", 1));
    cache_put(c, &q, &(struct question_keep){.ttl_ns = SECOND, .height = 5, .block = true},
              (const uint8_t *)"b", 1, 1);
    CHECK(has(c, "balance", 1));
    cache_block(c);
    CHECK(!has(c, "balance", 1));
    question_finish(&q);
    cache_destroy(c);
}

/* ---- a chain that grows and is reorganised ---- */

enum { KEYS = 200, LONG = 4096 };

struct world {
    struct cache *cache;
    struct question_chain chain;
    uint64_t branch[LONG]; /* which branch each block is of: the truth about it */
    uint64_t branches, now;
    uint64_t reads, stale;
};

/* One read of a block by number through the cache, as a pool would do it. */
static void read_block(struct world *w, uint64_t height)
{
    char params[64], truth[64 + HAWSE_PADDING] = "";
    struct question_keep k;
    size_t len = 0;
    (void)snprintf(params, sizeof(params), "['0x%llx',false]", (unsigned long long)height);
    (void)snprintf(truth, 64, "{\"branch\":%llu}", (unsigned long long)w->branch[height]);
    struct question q = ask("eth_getBlockByNumber", params);
    const uint8_t *got = cache_find(w->cache, q.key, q.key_len, w->now, &len);
    w->reads++;
    if (got)
        w->stale += len != strlen(truth) || memcmp(got, truth, len) != 0;
    else if (question_keeps(&q, &w->chain, (const uint8_t *)truth, strlen(truth), &k))
        cache_put(w->cache, &q, &k, (const uint8_t *)truth, strlen(truth), w->now);
    question_finish(&q);
}

static void reorganise(struct world *w)
{
    uint64_t depth = 1 + test_random() % 12, fork = w->chain.head - depth + 1;
    w->branches++;
    for (uint64_t h = fork; h <= w->chain.head; h++)
        w->branch[h] = w->branches;
    cache_reorg(w->cache, fork);
}

TEST(cache_model, "over thousands of blocks and reorganisations no read is stale")
{
    struct world w = {.cache = cache_create(1 << 20, 500),
                      .chain = {.head = 100, .confirmations = 5, .block_ms = 5000}};
    unsigned reorgs = 0;
    while (w.chain.head + 1 < LONG) {
        w.now += 5 * SECOND;
        w.chain.head++;
        w.branch[w.chain.head] = w.branches;
        cache_block(w.cache);
        if (test_random() % 6 == 0) { /* deeper than what counts as final, too */
            reorganise(&w);
            reorgs++;
        }
        for (int i = 0; i < 20; i++)
            read_block(&w, w.chain.head - test_random() % 60);
    }
    struct cache_stats s;
    cache_stats(w.cache, &s);
    CHECK(reorgs > 500 && s.evictions[CACHE_REORG] > 1000 && s.hits > w.reads / 2);
    CHECK_EQ(w.stale, 0);
    cache_destroy(w.cache);
}

/* Zipf with exponent 1 over KEYS keys. */
static unsigned zipf(void)
{
    static double total;
    double at, sum = 0;
    if (total == 0) {
        for (unsigned i = 1; i <= KEYS; i++)
            total += 1.0 / i;
    }
    at = (double)(test_random() >> 11) / 9007199254740992.0 * total;
    for (unsigned i = 1; i < KEYS; i++) {
        sum += 1.0 / i;
        if (at < sum)
            return i - 1;
    }
    return KEYS - 1;
}

TEST(cache_zipf, "balances asked by Zipf's law, 30 in a second, come from the cache above 70 %")
{
    struct cache *c = cache_create(32u << 20, 65536);
    const struct question_chain chain = {.head = 100, .confirmations = 12, .block_ms = 12000};
    uint64_t now = SECOND;
    static const uint8_t body[8 + HAWSE_PADDING] = "\"0x1234\"";
    for (int i = 0; i < 60000; i++) {
        char params[64];
        size_t len;
        struct question_keep k;
        now += test_random() % (2 * SECOND / 30);
        (void)snprintf(params, sizeof(params), "['0x%040x']", zipf());
        struct question q = ask("eth_getBalance", params);
        if (!cache_find(c, q.key, q.key_len, now, &len) && question_keeps(&q, &chain, body, 8, &k))
            cache_put(c, &q, &k, body, 8, now);
        question_finish(&q);
    }
    struct cache_stats s;
    cache_stats(c, &s);
    uint64_t permille = s.hits * 1000 / (s.hits + s.misses);
    if (permille <= 700)
        FAIL("%llu of 1,000", (unsigned long long)permille);
    (void)printf("# hit rate %llu.%llu %%\n", (unsigned long long)permille / 10,
                 (unsigned long long)permille % 10);
    cache_destroy(c);
}
