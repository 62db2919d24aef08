/*
 * Where events live between publish and their last reader: a ring of bytes, filled in order, freed
 * in order. One lane, one arena; its memory is allocated once. When nothing is queued it starts
 * over at its beginning, so that a lane that keeps up uses only the first few kilobytes, which stay
 * in cache.
 */
#ifndef CORE_BUS_ARENA_H
#define CORE_BUS_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base;
    uint64_t cap;  /* bytes, a power of two */
    uint64_t head; /* position after the newest byte; positions only grow, but for arena_reset */
    uint64_t tail; /* everything before it is free */
};

int32_t arena_init(struct arena *arena, uint64_t cap);
void arena_finish(struct arena *arena);

/* `len` contiguous bytes, 8-byte aligned, or NULL when that much is not free. Gives the position
 * where they begin; the space is taken only by arena_commit, so an uncommitted reserve costs
 * nothing. */
static inline uint8_t *arena_reserve(const struct arena *arena, uint64_t len, uint64_t *pos)
{
    uint64_t at = (arena->head + 7u) & ~(uint64_t)7u;
    uint64_t offset = at & (arena->cap - 1);
    if (offset + len > arena->cap)
        at += arena->cap - offset; /* does not fit before the end: go on at the beginning */
    if (at + len - arena->tail > arena->cap)
        return NULL;
    *pos = at;
    return arena->base + (at & (arena->cap - 1));
}

static inline void arena_commit(struct arena *arena, uint64_t pos, uint64_t len)
{
    arena->head = pos + len;
}

/* Everything before `pos` is no longer needed. */
static inline void arena_release(struct arena *arena, uint64_t pos)
{
    arena->tail = pos;
}

static inline void arena_reset(struct arena *arena)
{
    arena->head = arena->tail = 0;
}

#endif
