/*
 * Numbers of the host: counters, gauges and time histograms, written by one thread each with
 * relaxed stores, read by others at any time. Registration takes a lock; updates do not.
 */
#ifndef CORE_OBSERVE_METRICS_H
#define CORE_OBSERVE_METRICS_H

#include "base/fault.h"

#include <stddef.h>
#include <stdint.h>

struct metrics;

struct metric_counter {
    uint64_t value; /* atomic, relaxed */
};

struct metric_gauge {
    int64_t value; /* atomic, relaxed */
};

/* Log-linear buckets of nanoseconds: 4 per power of two, from 64 ns to 2^37 ns (137 s): any
 * quantile is known to within 19 %. */
#define METRIC_HISTOGRAM_BUCKETS 128
struct metric_histogram {
    uint64_t bucket[METRIC_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
};

static inline void counter_add(struct metric_counter *c, uint64_t n)
{
    __atomic_store_n(&c->value, __atomic_load_n(&c->value, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

/* Of a number that is counted elsewhere. */
static inline void counter_set(struct metric_counter *c, uint64_t n)
{
    __atomic_store_n(&c->value, n, __ATOMIC_RELAXED);
}

static inline void gauge_set(struct metric_gauge *g, int64_t v)
{
    __atomic_store_n(&g->value, v, __ATOMIC_RELAXED);
}

static inline unsigned histogram_bucket(uint64_t ns)
{
    if (ns < 64)
        return 0;
    unsigned top = 63u - (unsigned)__builtin_clzll(ns);
    unsigned index = (top - 6u) * 4u + (unsigned)((ns >> (top - 2u)) & 3u);
    return index < METRIC_HISTOGRAM_BUCKETS ? index : METRIC_HISTOGRAM_BUCKETS - 1u;
}

/* One writer: `times` observations of `ns` each. */
static inline void histogram_add(struct metric_histogram *h, uint64_t ns, uint64_t times)
{
    uint64_t *b = &h->bucket[histogram_bucket(ns)];
    __atomic_store_n(b, *b + times, __ATOMIC_RELAXED);
    __atomic_store_n(&h->count, h->count + times, __ATOMIC_RELAXED);
    __atomic_store_n(&h->sum_ns, h->sum_ns + ns * times, __ATOMIC_RELAXED);
    if (ns > h->max_ns)
        __atomic_store_n(&h->max_ns, ns, __ATOMIC_RELAXED);
}

/* The value below which `ppm` millionths of the observations lie (upper edge of the bucket). */
uint64_t histogram_quantile(const struct metric_histogram *h, uint32_t ppm);

int32_t metrics_create(struct metrics **out);
void metrics_destroy(struct metrics *metrics);

/* Registration [any]. The memory belongs to the registry and stays until the instance's metrics are
 * dropped. `labels` is Prometheus text without braces: `instance="gnosis",stream="logs"` or "". The
 * same name and labels give the same object. Name rules and label escaping are checked. NULL when
 * memory is out or a name is illegal. */
struct metric_counter *metrics_counter(struct metrics *m, const char *name, const char *help,
                                       const char *labels);
struct metric_gauge *metrics_gauge(struct metrics *m, const char *name, const char *help,
                                   const char *labels);
/* A gauge of nanoseconds, which is shown in seconds, as Prometheus wants it. */
struct metric_gauge *metrics_seconds(struct metrics *m, const char *name, const char *help,
                                     const char *labels);
struct metric_histogram *metrics_histogram(struct metrics *m, const char *name, const char *help,
                                           const char *labels);
/* Drops every metric that carries instance="ID". Nobody may write to them any more. */
void metrics_drop_instance(struct metrics *m, const char *instance);

/* The Prometheus text exposition (format 0.0.4); malloc'd. */
char *metrics_text(struct metrics *m, size_t *len);

/* text -> escaped label value into out */
void metrics_escape(const char *text, char *out, size_t cap);

#endif
