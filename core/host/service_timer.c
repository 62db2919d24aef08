/*
 * "hawse.timer/1": timers of instances, on the lane's heap. A firing that finds a full inbox is
 * tried again a millisecond later, so none is lost; missed periods are counted.
 */
#include "host/host.h"

#include <hawse/service/timer.h>
#include <hawse/space/host.h>
#include <stdlib.h>

enum { PERIOD_MIN_NS = 1000000, RETRY_NS = 1000000 };

struct host_timer {
    struct loop_timer timer;
    struct instance *owner;
    uint64_t handle;
    uint64_t tag;
    uint64_t period_ns;
    uint64_t due_ns;
};

static void drop_timer(struct host_timer *t)
{
    struct lane *lane = t->owner->lane;
    loop_timer_cancel(lane->loop, &t->timer);
    handles_remove(&lane->timers, t->handle);
    t->owner->counts[0]--;
    free(t);
}

static void fire(void *ctx, uint64_t now_ns)
{
    struct host_timer *t = ctx;
    struct lane *lane = t->owner->lane;
    uint64_t late = now_ns - t->due_ns;
    hawse_host_timer_t record = {.size = sizeof(record), .timer = t->handle, .tag = t->tag};
    if (t->period_ns > 0)
        record.missed = (uint32_t)(late / t->period_ns);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_TIMER,
                           .key = t->handle,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record)};
    int32_t code = bus_send(&lane->bus, t->owner->index, &event);
    if (code == HAWSE_E_AGAIN) {
        (void)loop_timer_set(lane->loop, &t->timer, now_ns + RETRY_NS);
        return;
    }
    if (t->period_ns == 0 || code != HAWSE_OK) {
        drop_timer(t);
        return;
    }
    t->due_ns += (uint64_t)(record.missed + 1) * t->period_ns;
    (void)loop_timer_set(lane->loop, &t->timer, t->due_ns);
}

static int32_t set(struct instance *inst, uint64_t delay_ns, uint64_t period_ns, uint64_t tag,
                   hawse_timer_t *out)
{
    struct lane *lane = inst->lane;
    if (period_ns != 0 && period_ns < PERIOD_MIN_NS)
        return HAWSE_E_INVAL;
    if (delay_ns > UINT64_MAX / 4 || period_ns > UINT64_MAX / 4)
        return HAWSE_E_RANGE;
    if (inst->counts[0] >= HOST_TIMERS_MAX)
        return HAWSE_E_LIMIT;
    struct host_timer *t = calloc(1, sizeof(*t));
    if (!t)
        return HAWSE_E_NOMEM;
    t->owner = inst;
    t->tag = tag;
    t->period_ns = period_ns;
    t->due_ns = lane->bus.now_ns + delay_ns;
    t->timer.fn = fire;
    t->timer.ctx = t;
    int32_t code = handles_add(&lane->timers, t, inst->index, &t->handle);
    if (code == HAWSE_OK) {
        code = loop_timer_set(lane->loop, &t->timer, t->due_ns);
        if (code != HAWSE_OK)
            handles_remove(&lane->timers, t->handle);
    }
    if (code != HAWSE_OK) {
        free(t);
        return code;
    }
    inst->counts[0]++;
    *out = t->handle;
    return HAWSE_OK;
}

static int32_t timer_set(const hawse_host_t *table, hawse_instance_t self, uint64_t delay_ns,
                         uint64_t period_ns, uint64_t tag, hawse_timer_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    code = out ? set(inst, delay_ns, period_ns, tag, out) : HAWSE_E_INVAL;
    host_leave(inst);
    return code;
}

static int32_t timer_cancel(const hawse_host_t *table, hawse_instance_t self, hawse_timer_t handle)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_timer *t = handles_get(&inst->lane->timers, handle, inst->index);
    if (t)
        drop_timer(t);
    else
        code = HAWSE_E_STALE;
    host_leave(inst);
    return code;
}

void timers_release(struct instance *inst)
{
    uint32_t at = 0;
    struct host_timer *t;
    while ((t = handles_next(&inst->lane->timers, inst->index, &at)) != NULL)
        drop_timer(t);
}

const hawse_timer_service_t host_timer_service = {
    .size = sizeof(hawse_timer_service_t),
    .set = timer_set,
    .cancel = timer_cancel,
};
