/* The routing index; see route.h. Owns its slots and lists; allocates only when subscribing. */
#include "bus/route.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_FIRST = 64 };

/* All of a pattern but its key in one word; never 0, because sources count from 1. */
static uint64_t head_of(uint32_t source, uint16_t space, uint16_t kind, bool keyed)
{
    return (uint64_t)source << 33 | (uint64_t)space << 17 | (uint64_t)kind << 1 | keyed;
}

static uint64_t hash(uint64_t head, uint64_t key)
{
    uint64_t h = (head ^ key) * 0x9e3779b97f4a7c15u; /* Fibonacci hashing, Knuth vol. 3, 6.4 */
    return h ^ h >> 29;
}

static unsigned shape(bool keyed, uint16_t kind)
{
    return (keyed ? 2u : 0u) | (kind == 0 ? 1u : 0u);
}

int32_t route_init(struct route_index *index)
{
    memset(index, 0, sizeof(*index));
    index->slots = calloc(CAP_FIRST, sizeof(index->slots[0]));
    if (!index->slots)
        return HAWSE_E_NOMEM;
    index->cap = CAP_FIRST;
    return HAWSE_OK;
}

void route_finish(struct route_index *index)
{
    for (uint32_t i = 0; i < index->cap; i++)
        free(index->slots[i].list.targets);
    free(index->slots);
    memset(index, 0, sizeof(*index));
}

/* The slot of the pattern, or the free one where it would go; key is 0 where there is none. */
static struct route_slot *probe(const struct route_index *index, uint64_t head, uint64_t key)
{
    uint32_t mask = index->cap - 1, i = (uint32_t)hash(head, key) & mask;
    while (index->slots[i].head != 0 &&
           (index->slots[i].head != head || index->slots[i].pattern.key != key))
        i = (i + 1) & mask;
    return &index->slots[i];
}

static struct route_slot *slot_of(const struct route_index *index, const struct route_pattern *p)
{
    return probe(index, head_of(p->source, p->space, p->kind, p->keyed), p->keyed ? p->key : 0);
}

static int32_t grow(struct route_index *index)
{
    struct route_index bigger = {.cap = index->cap * 2, .used = index->used};
    bigger.slots = calloc(bigger.cap, sizeof(bigger.slots[0]));
    if (!bigger.slots)
        return HAWSE_E_NOMEM;
    for (uint32_t i = 0; i < index->cap; i++) {
        const struct route_slot *old = &index->slots[i];
        if (old->head != 0)
            *probe(&bigger, old->head, old->pattern.key) = *old;
    }
    free(index->slots);
    index->slots = bigger.slots;
    index->cap = bigger.cap;
    return HAWSE_OK;
}

int32_t route_add(struct route_index *index, const struct route_pattern *p,
                  const struct route_target *target)
{
    if (index->used * 2 >= index->cap && grow(index) != HAWSE_OK)
        return HAWSE_E_NOMEM;
    struct route_slot *slot = slot_of(index, p);
    struct route_list *list = &slot->list;
    if (list->count == list->cap) {
        uint32_t cap = list->cap ? list->cap * 2 : 2;
        struct route_target *targets = realloc(list->targets, cap * sizeof(targets[0]));
        if (!targets)
            return HAWSE_E_NOMEM;
        list->targets = targets;
        list->cap = cap;
    }
    if (slot->head == 0) {
        slot->head = head_of(p->source, p->space, p->kind, p->keyed);
        slot->pattern = *p;
        slot->pattern.key = p->keyed ? p->key : 0;
        index->used++;
    }
    list->targets[list->count++] = *target;
    index->shapes[shape(p->keyed, p->kind)]++;
    return HAWSE_OK;
}

/* A pattern that nobody asks for any more keeps its slot, so that probing stays simple; the same
 * patterns come back when instances restart. */
bool route_remove(struct route_index *index, const struct route_pattern *p, uint64_t sub)
{
    struct route_slot *slot = slot_of(index, p);
    struct route_list *list = &slot->list;
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->targets[i].sub != sub)
            continue;
        memmove(&list->targets[i], &list->targets[i + 1],
                (list->count - i - 1) * sizeof(list->targets[0]));
        list->count--;
        index->shapes[shape(p->keyed, p->kind)]--;
        return true;
    }
    return false;
}

uint32_t route_find(const struct route_index *index, uint32_t source, uint16_t space, uint16_t kind,
                    uint64_t key, const struct route_list *lists[4])
{
    uint32_t n = 0;
    for (unsigned s = 0; s < 4; s++) {
        if (index->shapes[s] == 0)
            continue;
        bool keyed = (s & 2u) != 0;
        uint64_t head = head_of(source, space, (s & 1u) ? 0 : kind, keyed);
        const struct route_slot *slot = probe(index, head, keyed ? key : 0);
        if (slot->list.count > 0)
            lists[n++] = &slot->list;
    }
    return n;
}
