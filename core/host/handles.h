/*
 * Handles: {index, generation} in one number. A handle whose slot was freed, or that belongs to
 * another owner, is stale; it never leads to memory. One table per sort of thing; lives on one
 * lane.
 */
#ifndef CORE_HOST_HANDLES_H
#define CORE_HOST_HANDLES_H

#include <stdint.h>

struct handle_slot {
    void *item;
    uint32_t generation; /* odd while in use */
    uint32_t owner;      /* instance index */
    uint32_t next_free;
};

struct handles {
    struct handle_slot *slots;
    uint32_t cap, used, free_first; /* free_first: index + 1; 0 = none */
    uint32_t base;                  /* added to each index, to tell tables apart; see lane_create */
};

int32_t handles_add(struct handles *handles, void *item, uint32_t owner, uint64_t *handle);
/* The item, or NULL when the handle is stale or another's. */
void *handles_get(const struct handles *handles, uint64_t handle, uint32_t owner);
void handles_remove(struct handles *handles, uint64_t handle);
/* Walks the items of an owner: start with *at = 0; NULL at the end. */
void *handles_next(const struct handles *handles, uint32_t owner, uint32_t *at);
void handles_finish(struct handles *handles);

#endif
