/*
 * The routing index: which members want an event of (source, space, kind, key). Finding them costs
 * the same with one subscription and with 65,536: a constant number of hash probes.
 */
#ifndef CORE_BUS_ROUTE_H
#define CORE_BUS_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

/* What one subscription asks for. kind 0 = every kind; keyed false = every key. */
struct route_pattern {
    uint32_t source;
    uint16_t space;
    uint16_t kind;
    bool keyed;
    uint64_t key;
};

/* One reader of a pattern. */
struct route_target {
    uint32_t member; /* index in the bus */
    uint32_t policy; /* HAWSE_POLICY_... */
    uint64_t sub;    /* handle, to find it again */
};

struct route_list {
    struct route_target *targets;
    uint32_t count, cap;
};

struct route_slot {
    uint64_t head; /* of the pattern, in one word; 0 = free */
    struct route_pattern pattern;
    struct route_list list;
};

struct route_index {
    struct route_slot *slots; /* open addressing, linear probing; a power of two */
    uint32_t cap, used;
    uint32_t shapes[4]; /* subscriptions per shape (keyed, any kind): a shape nobody uses is not
                           probed */
};

int32_t route_init(struct route_index *index);
void route_finish(struct route_index *index);
int32_t route_add(struct route_index *index, const struct route_pattern *pattern,
                  const struct route_target *target);
/* Removes the target whose sub is `sub`; false when there is none. */
bool route_remove(struct route_index *index, const struct route_pattern *pattern, uint64_t sub);

/* The lists that match, at most four, into lists; returns how many. */
uint32_t route_find(const struct route_index *index, uint32_t source, uint16_t space, uint16_t kind,
                    uint64_t key, const struct route_list *lists[4]);

#endif
