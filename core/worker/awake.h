/*
 * Whether a worker that runs on its lane's CPU stays awake when its callback has returned: it then
 * leaves the CPU to the lane again and again, which is cheaper than to sleep and to be woken, but
 * takes time for nothing when no callback follows. So it does when callbacks follow each other, and
 * only one worker of a lane does: each that is awake is one more that the CPU is left to.
 *
 * [the instance's lane]
 */
#ifndef CORE_WORKER_AWAKE_H
#define CORE_WORKER_AWAKE_H

#include "worker/link.h"

struct awake {
    struct link_control *link;
    uint64_t window_ns;   /* callbacks follow each other when they begin within it; 0 = never */
    uint64_t asked_ns;    /* when the last callback began; 0 = there was none */
    struct awake **asked; /* whose worker was asked last of those on the lane; NULL: it is alone.
                             Borrowed while the worker lives; *asked is NULL at first */
};

/* A callback begins at now_ns (any clock that only counts up). Tells the worker whether to stay
 * awake when it has returned, and another one on this CPU not to. Returns what it told it: then the
 * lane does not sleep either while it waits for this callback. */
bool awake_ask(struct awake *awake, uint64_t now_ns);
/* The worker ends. */
void awake_forget(const struct awake *awake);

#endif
