/*
 * Which provider is asked next: the healthier before the less healthy, then those without a wait,
 * then by priority, and by weight among equals (smooth weighted round-robin, as nginx does it, so
 * that 5:1:1 gives a b a c a ... and not five in a row). Pure.
 */
#ifndef CORE_RPC_SELECT_H
#define CORE_RPC_SELECT_H

#include <stddef.h>
#include <stdint.h>

/* How good a provider is for one request. */
enum grade {
    GRADE_GOOD,
    GRADE_BEHIND, /* its head lags, or it is slow */
    GRADE_OPEN,   /* its breaker is open: when nobody else is left */
    GRADE_NEVER,  /* not for this request */
};

struct candidate {
    enum grade grade;
    uint32_t priority;
    uint32_t weight;
    uint64_t wait_ns; /* until its limits let the request go */
    int64_t *turn;    /* of the round-robin; kept by the caller, begins at 0 */
};

/* The index of the one to ask; `count` = none. A wait up to patience_ns is as good as none. Moves
 * the turns of those among which it chose. */
size_t select_one(const struct candidate *candidates, size_t count, uint64_t patience_ns);

#endif
