/*
 * The memory between a lane and the writer: one producer, one consumer, bytes in runs. A run is one
 * or more of 64 equal parts of one block of memory. The producer opens the lowest parts that are
 * free, fills them and goes on in the next ones; the consumer gives runs back in the order they
 * were filled. So while the writer keeps up, the same few parts are used again and again and stay
 * in the caches: writing to memory that is not there costs the lane more than all else that
 * recording does. Behind a writer that does not keep up all of the block is used.
 *
 * What is taken between two commits (one callback) is contiguous; where a run ends too early it is
 * moved to a longer one, of up to all parts but one. The producer never waits and makes no system
 * call.
 */
#ifndef CORE_RECORD_SPOOL_H
#define CORE_RECORD_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

enum { SPOOL_PARTS = 64, SPOOL_RUNS = 2 * SPOOL_PARTS };

struct spool_run {
    uint32_t first, count; /* parts */
    uint32_t used;         /* bytes, once a later run was begun */
    uint32_t reserved;
};

struct spool {
    uint8_t *base;
    uint64_t cap; /* bytes in all */
    uint32_t part, reserved;
    /* producer */
    uint8_t *at, *end;  /* next byte of the open run; behind its last */
    uint8_t *begun;     /* behind the last byte that is whole */
    uint8_t *start;     /* of the open run */
    uint64_t number;    /* of the open run: 0, 1, ... */
    uint64_t line[2];   /* what follows is shared, a cache line each */
    uint64_t committed; /* atomic: number of a run << 32 | bytes of it */
    uint64_t line2[7];
    uint64_t free; /* atomic: one bit a part */
    uint64_t line3[7];
    /* consumer */
    uint64_t taken; /* number of the run at the front */
    uint64_t done;  /* bytes of it that were released */
    struct spool_run runs[SPOOL_RUNS];
};

/* `cap` is a power of two, 64 pages or more. All pages are there from now on. */
int32_t spool_init(struct spool *spool, uint64_t cap);
void spool_finish(struct spool *spool);

/* [producer] The rare cases of spool_take; false: there is no room. */
bool spool_grow(struct spool *spool, uint64_t len);
/* [producer] The rare case of spool_begin. */
void spool_next(struct spool *spool);

/* [producer] Before what must be contiguous: goes on in another run when this one is nearly full.
 */
static inline void spool_begin(struct spool *spool)
{
    if (__builtin_expect((uint64_t)(spool->at - spool->start) >= spool->part / 4 * 3, 0))
        spool_next(spool);
    spool->begun = spool->at;
}

/* [producer] `len` bytes behind what was taken before, or NULL. Everything since spool_begin may
 * have moved: it begins at spool->begun. */
static inline uint8_t *spool_take(struct spool *spool, uint64_t len)
{
    if (__builtin_expect(len > (uint64_t)(spool->end - spool->at), 0) && !spool_grow(spool, len))
        return 0;
    uint8_t *at = spool->at;
    spool->at += len;
    return at;
}

/* [producer] What was taken since spool_begin was never there. */
static inline void spool_drop(struct spool *spool)
{
    spool->at = spool->begun;
}

/* [producer] What was taken since spool_begin is whole. */
static inline void spool_end(struct spool *spool)
{
    spool->begun = spool->at;
}

static inline uint64_t spool_ended(const struct spool *spool)
{
    return spool->number << 32 | (uint64_t)(spool->begun - spool->start);
}

/* [producer] Bytes that are whole and not the consumer's yet; of those in a run before this one
 * only that there are some. */
static inline uint64_t spool_held(const struct spool *spool)
{
    return spool_ended(spool) - __atomic_load_n(&spool->committed, __ATOMIC_RELAXED);
}

/* [producer] All that is whole is the consumer's. */
static inline void spool_hand_over(struct spool *spool)
{
    __atomic_store_n(&spool->committed, spool_ended(spool), __ATOMIC_RELEASE);
}

/* [producer] Everything that was taken is the consumer's. */
static inline void spool_commit(struct spool *spool)
{
    spool_end(spool);
    spool_hand_over(spool);
}

/* [any] Bytes of parts that are in use. */
static inline uint64_t spool_busy(const struct spool *spool)
{
    uint64_t bits = __atomic_load_n(&spool->free, __ATOMIC_RELAXED);
    return (uint64_t)(SPOOL_PARTS - __builtin_popcountll(bits)) * spool->part;
}

/* [consumer] What can be read now: *bytes long. *closed: no more will come behind it. */
uint8_t *spool_front(struct spool *spool, uint64_t *bytes, bool *closed);
/* [consumer] So many bytes of what spool_front said are not needed any more. */
void spool_release(struct spool *spool, uint64_t bytes);

#endif
