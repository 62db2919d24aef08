/*
 * A host that does nothing: every service answers "done", nothing is queued, and no memory is
 * taken, so that a test or a benchmark of a chain plugin sees the plugin alone. What the plugin
 * publishes is counted. fakehost.h is the one that keeps the promises of a host.
 */
#ifndef HAWSE_TESTS_QUIETHOST_H
#define HAWSE_TESTS_QUIETHOST_H

#include <hawse/hawse.h>
#include <hawse/space/host.h>

enum { QUIETHOST_ARENA = 256 << 10 };

struct quiethost {
    hawse_host_t host;    /* first: what plugins are given */
    uint64_t now;         /* both clocks; the owner moves it */
    uint64_t request;     /* number of the last question ... */
    uint64_t tag;         /* ... and its tag */
    uint64_t published;   /* events of spaces other than stream/1 */
    uint64_t short_words; /* words to the operator that name memory */
    _Alignas(8) uint8_t arena[QUIETHOST_ARENA];
};

void quiethost_init(struct quiethost *q, uint64_t now);

#endif
