/*
 * The way of events from one lane to a reader on another: a ring of one producer and one consumer,
 * in front of it the reader's stand-in on the source's bus, behind it the reader's own inbox.
 *
 *   publish -> inbox of the stand-in -> ring -> inbox of the reader -> on_events
 *
 * Records are borrowed memory of the source's arena, so an event that crosses is copied: into the
 * ring, and out of it into the arena of the reader's lane. In-lane readers pay nothing of this.
 *
 * Order: all that one lane publishes for a reader comes in the order of publication; between lanes
 * only the clock tells, and it never runs backwards on the way: see crossing_take.
 *
 * When the reader does not keep up, its inbox fills, then the ring, then the inbox of its stand-in,
 * each by the policy of the subscription: newest of a key, oldest dropped and announced, or the
 * source is answered AGAIN until the reader's patience is over, and then a gap is announced. What
 * is in the ring (CROSSING_BYTES at most) is neither conflated nor dropped.
 *
 * Never allocates, locks or waits after set-up; one system call, and only when the other sleeps.
 */
#ifndef CORE_BUS_CROSSING_H
#define CORE_BUS_CROSSING_H

#include "bus/bus.h"
#include "loop/loop.h"
#include "record/ring.h"

enum { CROSSING_BYTES = 1 << 20 };

/* How a lane is woken when something came for it. One per lane. */
struct crossing_bell {
    int asleep; /* atomic: it sleeps, or is about to */
    struct loop *loop;
};

struct crossing {
    struct ring ring;
    /* source's lane */
    struct bus *from;
    uint32_t member; /* index of the reader, and of its stand-in on `from` */
    struct crossing_bell *bell;
    uint64_t pad[5];
    /* reader's lane */
    bool stuck; /* the reader had no room for what is next */
    uint64_t moved;
};

/* Memory on cache lines of its own; crossing_free. */
struct crossing *crossing_new(uint32_t member, struct crossing_bell *bell);
void crossing_free(struct crossing *crossing);

/* [source's lane] Joins the stand-in, which then may subscribe. */
int32_t crossing_join(struct crossing *crossing, struct bus *from, uint32_t queue,
                      uint32_t patience_ms);
/* [source's lane] After its routes are gone: nothing is put into the ring any more. */
void crossing_leave(struct crossing *crossing);

/* [reader's lane] Moves what has come into the reader's inbox. Returns how many events; `stuck`
 * says that more are there and the reader has no room. The bus's clock is put behind that of the
 * callback which published, should it not be: what is caused never looks earlier than its cause. */
uint32_t crossing_take(struct crossing *crossing, struct bus *to);
/* [reader's lane] Is there something that could be taken? */
static inline bool crossing_waiting(const struct crossing *crossing)
{
    return !crossing->stuck && ring_filled(&crossing->ring) > 0;
}

/* [reader's lane] Before it looks for the last time whether something came, and sleeps. */
static inline void bell_set(struct crossing_bell *bell)
{
    (void)__atomic_exchange_n(&bell->asleep, 1, __ATOMIC_ACQ_REL);
}

/* [reader's lane] It is awake. */
static inline void bell_clear(struct crossing_bell *bell)
{
    __atomic_store_n(&bell->asleep, 0, __ATOMIC_RELAXED);
}

/* [any] After something was put where the lane finds it. Both sides exchange the same word: either
 * the sleeper sees what was put, or this sees that it sleeps. */
static inline void bell_ring(struct crossing_bell *bell)
{
    if (__atomic_exchange_n(&bell->asleep, 0, __ATOMIC_ACQ_REL) != 0)
        loop_wake(bell->loop);
}

#endif
