/*
 * Time stamps of the benchmark, shared by the C receivers: where the sender writes one into a log,
 * and the distribution of the delays. The stamp is the last sixteen hex digits of the first word of
 * a log's data: CLOCK_MONOTONIC in nanoseconds at which the message was due, so that a receiver
 * that holds up the sender pays for it (no coordinated omission).
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STAMP_MARK "\"data\":\"0x"
enum { STAMP_SKIP = sizeof(STAMP_MARK) - 1 + 48, STAMP_DIGITS = 16 };

static inline uint64_t bench_clock(clockid_t which)
{
    struct timespec ts;
    (void)clock_gettime(which, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

struct latency {
    uint64_t *ns; /* NULL: nothing is kept */
    uint64_t count, cap, seen;
    uint64_t skip, every; /* leave out the first logs; then keep each every-th */
};

static inline void latency_init(struct latency *l, uint64_t logs, uint64_t skip, uint64_t every)
{
    memset(l, 0, sizeof(*l));
    l->skip = skip;
    l->every = every;
    l->cap = every ? logs / every + 1 : 0;
    l->ns = l->cap ? calloc(l->cap, sizeof(l->ns[0])) : NULL;
}

static inline void latency_add(struct latency *l, uint64_t stamp)
{
    uint64_t nth = ++l->seen;
    if (!l->ns || nth <= l->skip || nth % l->every != 0 || l->count == l->cap)
        return;
    uint64_t now = bench_clock(CLOCK_MONOTONIC);
    l->ns[l->count++] = now > stamp ? now - stamp : 0;
}

static inline int latency_order(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A JSON member "latency_us", with a comma before it; nothing when none was kept. */
static inline int latency_json(struct latency *l, char *out, size_t cap)
{
    if (l->count == 0)
        return snprintf(out, cap, "%s", "");
    qsort(l->ns, l->count, sizeof(l->ns[0]), latency_order);
    uint64_t last = l->count - 1;
    return snprintf(out, cap,
                    ",\"latency_us\":{\"n\":%llu,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f,"
                    "\"max\":%.1f}",
                    (unsigned long long)l->count, (double)l->ns[last / 2] / 1e3,
                    (double)l->ns[last * 99 / 100] / 1e3, (double)l->ns[last * 999 / 1000] / 1e3,
                    (double)l->ns[last] / 1e3);
}

#endif
