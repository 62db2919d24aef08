/*
 * How often a provider may be asked: GCRA (ITU-T I.371, virtual scheduling) with a burst of one, so
 * that no second, wherever it begins, sees more than the rate. Pure: time is an argument, always
 * from a monotonic clock. Owns no queue.
 *
 * Sends may use the whole rate, everything else four fifths of it: a send never finds the rate used
 * up. A provider that asks for a pause gets it, and half the rate for a minute after.
 */
#ifndef CORE_RPC_LIMIT_H
#define CORE_RPC_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as limit_init leaves it. */
struct limit {
    uint64_t spacing_ns; /* of one unit at full rate, rounded up; 0 = no limit */
    uint64_t next_ns;    /* GCRA's theoretical arrival time: when the next unit may go */
    uint64_t reads_ns;   /* the same for what is no send, at 4/5 of the rate */
    uint64_t slow_ns;    /* when the rate was last cut; 0 = it is whole */
    uint32_t slow_share; /* of 1,000: what it was cut to */
};

/* per_second 0 = no limit, but pauses are kept. Spaced for a second and 50 ms: the provider counts
 * when requests arrive, and the first of a second may have been held up on the way. */
void limit_init(struct limit *limit, uint32_t per_second);

/* When one of `cost` units may go, at the earliest; not after `now_ns` = at once. A costly one also
 * waits before, not only those behind it: units of any second stay below the rate. */
uint64_t limit_at(const struct limit *limit, uint64_t now_ns, uint32_t cost, bool send);

/* One goes now. Legal only when limit_at allows it. */
void limit_take(struct limit *limit, uint64_t now_ns, uint32_t cost, bool send);

/* One that was taken leaves only now: connecting took time, or this thread got none. Those behind
 * it are spaced from here. */
void limit_left(struct limit *limit, uint64_t now_ns, uint32_t cost, bool send);

/* Nothing goes for so long; then half of what it was for a minute, and a tenth of the whole more
 * every 10 s. */
void limit_pause(struct limit *limit, uint64_t now_ns, uint64_t pause_ns);

/* The share of the full rate that holds now, of 1,000. */
uint32_t limit_share(const struct limit *limit, uint64_t now_ns);

#endif
