/*
 * What a pool tells of itself in metrics. Series are registered when they first count; methods come
 * from plugins, so their number is bounded and the rest is counted as method="other".
 */
#include "rpc/pool_private.h"

#include <stdio.h>
#include <string.h>

enum { LABELS = 320 };

static int32_t provider_told(struct provider *p)
{
    struct metrics *m = p->pool->metrics;
    char l[LABELS];
    (void)snprintf(l, sizeof(l), "chain=\"%s\",provider=\"%s\"", p->pool->chain.name,
                   p->config->name);
    p->latency_seconds =
        metrics_histogram(m, "hawse_rpc_latency_seconds", "Time of one answer of a provider.", l);
    p->wait_seconds = metrics_histogram(m, "hawse_rate_limit_wait_seconds",
                                        "How long requests wait for a provider's limits.", l);
    p->state = metrics_gauge(m, "hawse_rpc_provider_state",
                             "0 good, 1 half-open, 2 open, 3 refuses us, 4 of another chain, 5 not "
                             "yet known.",
                             l);
    p->lag = metrics_gauge(m, "hawse_rpc_provider_lag_blocks",
                           "Blocks between its head and the highest.", l);
    p->errors = metrics_gauge(m, "hawse_rpc_provider_errors_permille",
                              "Failed answers of the last 30 s, of 1,000.", l);
    p->connected = p->config->ws.url
                       ? metrics_gauge(m, "hawse_rpc_ws_connected",
                                       "1 while its WebSocket is open and of the right chain.", l)
                       : NULL;
    p->pushed = p->config->ws.url
                    ? metrics_gauge(m, "hawse_rpc_heads_pushed",
                                    "1 while new blocks are told by it, 0 while it is asked.", l)
                    : NULL;
    bool batches = p->config->batch > 0;
    if (batches) {
        p->batch_count =
            metrics_counter(m, "hawse_rpc_batches_total", "Requests that were several in one.", l);
        p->batched_count =
            metrics_counter(m, "hawse_rpc_batched_total", "Requests that went in batches.", l);
    }
    if (batches && (!p->batch_count || !p->batched_count))
        return HAWSE_E_NOMEM;
    return p->latency_seconds && p->wait_seconds && p->state && p->lag && p->errors &&
                   ((p->connected && p->pushed) || !p->config->ws.url)
               ? HAWSE_OK
               : HAWSE_E_NOMEM;
}

static int32_t cache_told(struct pool *pool, const char *chain)
{
    static const char *const reasons[] = {"lru", "ttl", "reorg", "manual"};
    struct metrics *m = pool->metrics;
    char l[LABELS];
    bool ok = true;
    pool->hits = metrics_counter(m, "hawse_cache_hits_total", "Answers from the cache.", chain);
    pool->misses = metrics_counter(m, "hawse_cache_misses_total",
                                   "Requests that the cache could not answer.", chain);
    pool->coalesced = metrics_counter(m, "hawse_cache_coalesced_total",
                                      "Requests that got the answer to another's.", chain);
    pool->bytes = metrics_gauge(m, "hawse_cache_bytes", "Memory of the cache.", chain);
    pool->entries = metrics_gauge(m, "hawse_cache_entries", "Answers in the cache.", chain);
    for (unsigned i = 0; i < CACHE_WHYS; i++) {
        (void)snprintf(l, sizeof(l), "%s,reason=\"%s\"", chain, reasons[i]);
        pool->evictions[i] =
            metrics_counter(m, "hawse_cache_evictions_total", "Answers that left the cache.", l);
        ok = ok && pool->evictions[i];
    }
    return ok && pool->hits && pool->misses && pool->coalesced && pool->bytes && pool->entries
               ? HAWSE_OK
               : HAWSE_E_NOMEM;
}

int32_t told_init(struct pool *pool)
{
    struct metrics *m = pool->metrics;
    char chain[96], l[LABELS];
    (void)snprintf(chain, sizeof(chain), "chain=\"%s\"", pool->chain.name);
    pool->failover_seconds = metrics_histogram(
        m, "hawse_rpc_failover_seconds", "From the first failure of a call to its answer.", chain);
    (void)snprintf(l, sizeof(l), "%s,won=\"true\"", chain);
    pool->hedges_won =
        metrics_counter(m, "hawse_rpc_hedges_total", "Calls asked of a second provider.", l);
    (void)snprintf(l, sizeof(l), "%s,won=\"false\"", chain);
    pool->hedges_lost =
        metrics_counter(m, "hawse_rpc_hedges_total", "Calls asked of a second provider.", l);
    int32_t code = pool->failover_seconds && pool->hedges_won && pool->hedges_lost
                       ? cache_told(pool, chain)
                       : HAWSE_E_NOMEM;
    for (uint32_t i = 0; i < pool->count && code == HAWSE_OK; i++)
        code = provider_told(&pool->providers[i]);
    return code;
}

static struct series *series_of(struct provider *p, const char *method, size_t len)
{
    for (unsigned i = 0; i < p->series_count; i++) {
        if (strncmp(p->series[i].method, method, len) == 0 && p->series[i].method[len] == '\0')
            return &p->series[i];
    }
    if (p->series_count + 1 >= POOL_SERIES && len != 5) {
        method = "other";
        len = 5;
        return series_of(p, method, len);
    }
    struct series *s = &p->series[p->series_count < POOL_SERIES ? p->series_count++ : 0];
    (void)snprintf(s->method, sizeof(s->method), "%.*s", (int)len, method);
    return s;
}

void told_request(struct provider *p, const struct attempt *a, bool good, enum rpc_class class,
                  uint64_t elapsed_ns)
{
    const char *method = a->call ? a->call->method : probe_method(p->pool, a->kind);
    size_t len = strlen(method);
    struct series *s = series_of(p, len < 64 ? method : "other", len < 64 ? len : 5);
    unsigned slot = good ? RPC_CLASS_COUNT : class;
    char escaped[160], l[LABELS + 64];
    if (!s->classes[slot]) {
        metrics_escape(s->method, escaped, sizeof(escaped));
        (void)snprintf(l, sizeof(l), "chain=\"%s\",provider=\"%s\",method=\"%s\",class=\"%s\"",
                       p->pool->chain.name, p->config->name, escaped,
                       good ? "OK" : rpc_policy(class)->name);
        s->classes[slot] = metrics_counter(p->pool->metrics, "hawse_rpc_requests_total",
                                           "Requests to providers, by how they ended.", l);
    }
    if (s->classes[slot])
        counter_add(s->classes[slot], 1);
    histogram_add(p->latency_seconds, elapsed_ns, 1);
}

static int64_t state_of(const struct provider *p, uint64_t now)
{
    if (p->standing != STANDING_GOOD)
        return p->standing == STANDING_WRONG ? 4 : 5;
    if (p->out_ns > now)
        return 3;
    return p->breaker.state == BREAKER_CLOSED ? 0 : p->breaker.state == BREAKER_OPEN ? 2 : 1;
}

void told_sample(struct pool *pool, uint64_t now)
{
    struct cache_stats stats = {0};
    if (pool->cache)
        cache_stats(pool->cache, &stats);
    counter_set(pool->hits, stats.hits);
    counter_set(pool->misses, stats.misses);
    counter_set(pool->coalesced, pool->joined);
    gauge_set(pool->bytes, (int64_t)stats.bytes);
    gauge_set(pool->entries, (int64_t)stats.entries);
    for (unsigned i = 0; i < CACHE_WHYS; i++)
        counter_set(pool->evictions[i], stats.evictions[i]);
    for (uint32_t i = 0; i < pool->count; i++) {
        struct provider *p = &pool->providers[i];
        gauge_set(p->state, state_of(p, now));
        gauge_set(p->lag,
                  p->head > 0 && pool->head > p->head ? (int64_t)(pool->head - p->head) : 0);
        gauge_set(p->errors, breaker_errors(&p->breaker, now));
        if (p->connected) {
            gauge_set(p->connected, p->link_good);
            gauge_set(p->pushed, p->push.on);
        }
        if (p->batched_count) {
            counter_set(p->batch_count, p->batches_sent);
            counter_set(p->batched_count, p->batched_sent);
        }
    }
}
