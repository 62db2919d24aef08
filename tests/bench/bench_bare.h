/*
 * What this machine takes to hand something to another process and to get it back: two processes
 * that do nothing else. The floor under every figure of isolation.
 */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include "latency.h"

#include <stdint.h>

struct figures {
    double p50_us, p99_us, p999_us;
};

/* Sorts what was measured, and frees it. */
struct figures figures_of(struct latency *latency);

enum bare_kind { BARE_FUTEX, BARE_PIPE, BARE_EVENTFD, BARE_YIELD, BARE_LINE, BARE_WAYS };

struct bare_way {
    const char *name;
    enum bare_kind kind;
    int cpu; /* of the other process */
};

extern const struct bare_way bare_ways[BARE_WAYS];

void bare_pin(int cpu);
/* n times to and fro, of which the first `warm` do not count. */
struct figures bare_run(const struct bare_way *way, uint64_t n, uint64_t warm);

#endif
