/* Handle tables; see handles.h. */
#include "host/handles.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

static int32_t grow(struct handles *h)
{
    uint32_t cap = h->cap ? h->cap * 2 : 32;
    struct handle_slot *slots = realloc(h->slots, cap * sizeof(slots[0]));
    if (!slots)
        return HAWSE_E_NOMEM;
    memset(slots + h->cap, 0, (cap - h->cap) * sizeof(slots[0]));
    h->slots = slots;
    h->cap = cap;
    return HAWSE_OK;
}

int32_t handles_add(struct handles *h, void *item, uint32_t owner, uint64_t *handle)
{
    uint32_t index;
    if (h->free_first) {
        index = h->free_first - 1;
        h->free_first = h->slots[index].next_free;
    } else {
        if (h->used == h->cap && grow(h) != HAWSE_OK)
            return HAWSE_E_NOMEM;
        index = h->used++;
    }
    struct handle_slot *slot = &h->slots[index];
    slot->item = item;
    slot->owner = owner;
    slot->generation++; /* even to odd */
    *handle = (uint64_t)slot->generation << 32 | (h->base + index + 1u);
    return HAWSE_OK;
}

static struct handle_slot *find(const struct handles *h, uint64_t handle)
{
    uint32_t index = (uint32_t)handle - h->base - 1u; /* 0 wraps to no index */
    if (index >= h->used || h->slots[index].generation != (uint32_t)(handle >> 32))
        return NULL;
    return (h->slots[index].generation & 1u) ? &h->slots[index] : NULL;
}

void *handles_get(const struct handles *h, uint64_t handle, uint32_t owner)
{
    const struct handle_slot *slot = find(h, handle);
    return slot && slot->owner == owner ? slot->item : NULL;
}

void handles_remove(struct handles *h, uint64_t handle)
{
    struct handle_slot *slot = find(h, handle);
    if (!slot)
        return;
    slot->item = NULL;
    slot->generation++; /* odd to even; old handles are stale for ever */
    slot->next_free = h->free_first;
    h->free_first = (uint32_t)(slot - h->slots) + 1u;
}

void *handles_next(const struct handles *h, uint32_t owner, uint32_t *at)
{
    while (*at < h->used) {
        const struct handle_slot *slot = &h->slots[(*at)++];
        if ((slot->generation & 1u) && slot->owner == owner)
            return slot->item;
    }
    return NULL;
}

void handles_finish(struct handles *h)
{
    free(h->slots);
    memset(h, 0, sizeof(*h));
}
