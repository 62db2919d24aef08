/*
 * What a worker said, as the host may use it: a call out of shared memory that may be anything, and
 * may change at any time, as a private copy of which every length has been checked.
 */
#ifndef CORE_WORKER_HEAR_H
#define CORE_WORKER_HEAR_H

#include "worker/link.h"

/* The private copy of the views. Zeroes at first; grows as needed; hear_finish frees it. */
struct hearing {
    uint8_t *bytes;
    uint64_t cap;
};

/* Copies the call at `link->call`, with views out of `said`, which has LINK_SAID_BYTES. False:
 * lengths that cannot be, or no memory. The views of *call last until the next call. */
bool hear_call(struct hearing *hearing, const struct link_control *link, const uint8_t *said,
               struct record_call *call);
void hear_finish(struct hearing *hearing);

#endif
