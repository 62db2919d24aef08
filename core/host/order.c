/*
 * Bringing instances up and down, one after the other in the order of the configuration, whatever
 * lanes they are on: all are created before any is started, and sources stop before their readers.
 * Each lane acts when it is the turn of one of its own, and wakes the others when it is done.
 */
#include "host/way.h"

enum { TURN_NS = 1000000 };

/* The first instance in this state. False: there is none. *mine: it, when it is this lane's. */
static bool first_in(struct lane *lane, enum instance_state state, struct instance **mine)
{
    struct host *host = lane->host;
    bool found = false;
    *mine = NULL;
    (void)pthread_mutex_lock(&host->lock);
    for (uint32_t i = 0; i < host->instance_count && !found; i++) {
        struct instance *inst = host->instances[i];
        found = inst && __atomic_load_n(&inst->state, __ATOMIC_ACQUIRE) == state;
        if (found && inst->lane == lane)
            *mine = inst;
    }
    (void)pthread_mutex_unlock(&host->lock);
    return found;
}

bool order_up(struct lane *lane, uint64_t *wait_ns)
{
    struct instance *inst = NULL;
    *wait_ns = 0;
    if (first_in(lane, INSTANCE_NEW, &inst)) {
        if (inst)
            instance_create(inst);
    } else if (first_in(lane, INSTANCE_CREATED, &inst)) {
        if (inst)
            instance_start(inst);
    } else {
        return true;
    }
    if (inst && lane->host->lane_count > 1)
        host_wake(lane->host);
    if (!inst)
        *wait_ns = TURN_NS;
    return false;
}

/* What its sources published before they stopped reaches it first. */
static bool stop(struct lane *lane, struct instance *inst)
{
    ways_take(lane);
    (void)bus_dispatch(&lane->bus);
    switch (inst->state) {
    case INSTANCE_RUNNING:
    case INSTANCE_STOPPING:
        return instance_stop(inst, lane->host->quit_deadline_ns);
    case INSTANCE_CREATED:
    case INSTANCE_NEW:
        instance_release(inst);
        __atomic_store_n(&inst->state, INSTANCE_STOPPED, __ATOMIC_RELEASE);
        return true;
    default:
        return true;
    }
}

bool order_down(struct lane *lane)
{
    struct host *host = lane->host;
    bool late = loop_clock() >= host->quit_deadline_ns;
    uint32_t turn;
    while ((turn = __atomic_load_n(&host->down_turn, __ATOMIC_ACQUIRE)) < host->instance_count) {
        struct instance *inst = host->instances[turn];
        if (inst && inst->lane != lane)
            return false;
        if (!inst && lane->index != 0)
            return false;
        if (inst && !stop(lane, inst))
            return false;
        (void)bus_dispatch(&lane->bus); /* its last words */
        if (!ways_flushed(lane) && !late)
            return false;
        __atomic_store_n(&host->down_turn, turn + 1, __ATOMIC_RELEASE);
        if (host->lane_count > 1)
            host_wake(host);
    }
    return late || __atomic_load_n(&host->ways, __ATOMIC_ACQUIRE) == 0;
}
