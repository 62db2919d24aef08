/*
 * Memory for what the streams of one instance receive: the host writes it, the instance's worker
 * reads it where it is. One such arena per instance, in which only bytes are that its own streams
 * brought: a worker never sees a byte that was meant for another plugin, nor the answer to an
 * upgrade, which may repeat keys.
 *
 * A view of it lasts as long as any other, until on_events returns. The lane waits for that, and it
 * alone writes here: so nothing is overwritten while it may be read, and no count of views is
 * needed. A worker that does not return is ended (`budget.hang_ms`); one that looks later sees what
 * its own streams brought since, or zeroes.
 *
 * When it is full, further buffers are taken from the heap, and events in them are copied.
 *
 * [the instance's lane]
 */
#ifndef CORE_WORKER_RECEIVED_H
#define CORE_WORKER_RECEIVED_H

#include "base/fault.h"

#include <hawse/hawse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Address space of the host and of the worker; pages never reached cost nothing. What a worker can
 * make the host spend by reading all of it is this much. */
enum { RECEIVED_BYTES = 64 << 20 };

struct received {
    uint8_t *base;
    int fd;                        /* the host's, for giving pages back */
    int read_fd;                   /* by which nobody can write: a worker's */
    struct received_block *blocks; /* in use, in order */
    uint32_t count, cap;
};

/* HAWSE_E_NOMEM, HAWSE_E_IO. */
int32_t received_open(struct received *received, struct fault *fault);
/* No worker may have events any more, and no stream a buffer. */
void received_close(struct received *received);

/* For a struct ws_memory; ctx is the struct received. Contents stay; what is given back is zeroed.
 */
void *received_resize(void *ctx, void *old, size_t held, size_t want);

/* Whether these bytes, with the padding that a reader may look at, are here; then where. */
static inline bool received_find(const struct received *received, const uint8_t *data, uint64_t len,
                                 uint64_t *offset)
{
    uintptr_t at = (uintptr_t)data - (uintptr_t)received->base;
    *offset = at;
    return at < RECEIVED_BYTES && len <= RECEIVED_BYTES - at &&
           HAWSE_PADDING <= RECEIVED_BYTES - at - len;
}

#endif
