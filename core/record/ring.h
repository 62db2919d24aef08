/*
 * A ring of bytes from lane to lane: one producer, one consumer. Mapped twice in a row, so that
 * whatever lies in it is contiguous. The producer never waits and makes no system call.
 */
#ifndef CORE_RECORD_RING_H
#define CORE_RECORD_RING_H

#include <stdbool.h>
#include <stdint.h>

/* A cache line each for what both read, what the producer has, and what either writes for the other
 * (when it begins on one). */
struct ring {
    uint8_t *base;
    uint64_t cap; /* a power of two, whole pages */
    uint64_t pad0[6];
    /* producer */
    uint64_t at;        /* next byte to write */
    uint64_t tail_seen; /* consumer's position as last looked at */
    uint64_t pad1[6];
    /* shared */
    uint64_t head; /* atomic: the consumer may read up to here */
    uint64_t pad2[7];
    uint64_t tail; /* atomic: the producer may write up to tail + cap */
    uint64_t pad3[7];
};

int32_t ring_init(struct ring *ring, uint64_t cap);
void ring_finish(struct ring *ring);

static inline uint64_t ring_room(struct ring *ring)
{
    ring->tail_seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    return ring->cap - (ring->at - ring->tail_seen);
}

/* [producer] `len` bytes behind what was taken before, or NULL. */
static inline uint8_t *ring_take(struct ring *ring, uint64_t len)
{
    if (__builtin_expect(ring->at + len - ring->tail_seen > ring->cap, 0) && ring_room(ring) < len)
        return 0;
    uint8_t *at = ring->base + (ring->at & (ring->cap - 1));
    ring->at += len;
    return at;
}

/* [producer] Everything that was taken is the consumer's. */
static inline void ring_commit(struct ring *ring)
{
    __atomic_store_n(&ring->head, ring->at, __ATOMIC_RELEASE);
}

/* [consumer] What can be read. */
static inline uint64_t ring_filled(const struct ring *ring)
{
    return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) - ring->tail;
}

static inline uint8_t *ring_front(const struct ring *ring)
{
    return ring->base + (ring->tail & (ring->cap - 1));
}

static inline void ring_release(struct ring *ring, uint64_t len)
{
    __atomic_store_n(&ring->tail, ring->tail + len, __ATOMIC_RELEASE);
}

#endif
