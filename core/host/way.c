/* From lane to lane; see way.h. */
#include "host/way.h"

#include <hawse/space/host.h>
#include <stdlib.h>
#include <string.h>

/* ---- demands; on the source's lane ---- */

int32_t demand_send(struct lane *lane, const struct demand *demand, uint32_t change)
{
    uint8_t buffer[sizeof(hawse_host_demand_t) + WAY_FILTER_MAX];
    const struct route_pattern *pattern = &demand->pattern;
    hawse_host_demand_t record = {.size = sizeof(record),
                                  .change = change,
                                  .sub = demand->sub,
                                  .key = pattern->key,
                                  .space = pattern->space,
                                  .kind = pattern->kind,
                                  .keyed = pattern->keyed,
                                  .subscriber = demand->subscriber,
                                  .filter_len = (uint32_t)demand->filter_len};
    memcpy(buffer, &record, sizeof(record));
    if (demand->filter_len > 0)
        memcpy(buffer + sizeof(record), demand->filter, demand->filter_len);
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_HOST,
                           .kind = HAWSE_HOST_DEMAND,
                           .key = demand->sub,
                           .data = buffer,
                           .len = sizeof(record) + demand->filter_len};
    return bus_send(&lane->bus, pattern->source - 1, &event);
}

/* Tells the source what it does not know yet. False: its queue is full. */
static bool tell(struct lane *lane, struct remote_sub *sub)
{
    if (sub->demand.filter_len > 0 && sub->told == sub->dropping) {
        uint32_t change = sub->dropping ? HAWSE_DEMAND_DROP : HAWSE_DEMAND_ADD;
        if (demand_send(lane, &sub->demand, change) == HAWSE_E_AGAIN)
            return false;
        sub->told = !sub->dropping;
    }
    if (sub->dropping)
        free(sub);
    return true;
}

/* In the order of subscribing: behind those that wait. */
static void tell_or_wait(struct lane *lane, struct remote_sub *sub)
{
    if (sub->waits || (!lane->demands && tell(lane, sub)))
        return;
    struct remote_sub **at = &lane->demands;
    while (*at)
        at = &(*at)->next;
    sub->next = NULL;
    sub->waits = true;
    *at = sub;
    lane_arm_retry(lane);
}

void demands_retry(struct lane *lane)
{
    while (lane->demands) {
        struct remote_sub *sub = lane->demands, *next = sub->next;
        sub->waits = false;
        if (!tell(lane, sub)) {
            sub->waits = true;
            lane_arm_retry(lane);
            return;
        }
        lane->demands = next;
    }
}

/* ---- ways ---- */

static void on_open(void *ctx)
{
    struct way *way = ctx;
    struct lane *lane = way->from;
    if (crossing_join(way->crossing, &lane->bus, way->queue, way->patience_ms) != HAWSE_OK) {
        log_line(
            lane->host->logger, HAWSE_LOG_ERROR, lane->name,
            "no memory for what an instance on lane \"%s\" subscribes to here: it gets nothing",
            way->to->name);
        return;
    }
    way->joined = true;
    way->next_out = lane->out;
    lane->out = way;
}

static void on_gone(void *ctx)
{
    struct way *way = ctx;
    for (struct way **at = &way->reader->ways; *at; at = &(*at)->next_of) {
        if (*at == way) {
            *at = way->next_of;
            break;
        }
    }
    (void)__atomic_sub_fetch(&way->to->host->ways, 1, __ATOMIC_RELEASE);
    crossing_free(way->crossing);
    free(way);
}

static void on_close(void *ctx)
{
    struct way *way = ctx;
    if (way->joined)
        crossing_leave(way->crossing);
    for (struct way **at = &way->from->out; *at; at = &(*at)->next_out) {
        if (*at == way) {
            *at = way->next_out;
            break;
        }
    }
    loop_post(way->to->loop, &way->gone);
}

static struct way *way_new(struct instance *reader, struct lane *from)
{
    struct way *way = calloc(1, sizeof(*way));
    struct crossing *crossing = way ? crossing_new(reader->index, &reader->lane->bell) : NULL;
    if (!crossing) {
        free(way);
        return NULL;
    }
    *way = (struct way){.crossing = crossing,
                        .reader = reader,
                        .from = from,
                        .to = reader->lane,
                        .queue = reader->config->queue,
                        .patience_ms = reader->config->patience_ms,
                        .open = {.fn = on_open, .ctx = way},
                        .close = {.fn = on_close, .ctx = way},
                        .gone = {.fn = on_gone, .ctx = way}};
    way->next = way->to->ways;
    way->to->ways = way;
    way->next_of = reader->ways;
    reader->ways = way;
    (void)__atomic_add_fetch(&way->to->host->ways, 1, __ATOMIC_RELAXED);
    loop_post(from->loop, &way->open);
    return way;
}

void ways_close(struct instance *inst)
{
    for (struct way *way = inst->ways; way; way = way->next_of) {
        for (struct way **at = &inst->lane->ways; *at; at = &(*at)->next) {
            if (*at == way) {
                *at = way->next;
                break;
            }
        }
        loop_post(way->from->loop, &way->close);
    }
}

void ways_take(struct lane *lane)
{
    uint32_t moved = 0;
    for (struct way *way = lane->ways; way; way = way->next) {
        moved += crossing_take(way->crossing, &lane->bus);
        if (way->crossing->stuck)
            lane_arm_retry(lane);
    }
    if (moved > 0) {
        loop_touch(lane->loop);
        __atomic_store_n(&lane->crossed, lane->crossed + moved, __ATOMIC_RELAXED);
    }
}

bool ways_flushed(const struct lane *lane)
{
    for (const struct way *way = lane->out; way; way = way->next_out) {
        const struct inbox *inbox = &lane->bus.members[way->crossing->member].inbox;
        if (inbox->live > 0 || inbox->loss_count > 0)
            return false;
    }
    return true;
}

/* ---- subscriptions ---- */

static void on_add(void *ctx)
{
    struct remote_sub *sub = ctx;
    struct lane *lane = sub->way->from;
    uint32_t member = sub->way->crossing->member;
    if (sub->way->joined && bus_subscribe(&lane->bus, member, &sub->demand.pattern, sub->policy,
                                          sub->demand.sub) != HAWSE_OK)
        log_line(lane->host->logger, HAWSE_LOG_ERROR, lane->name,
                 "no memory for a subscription from lane \"%s\": it gets nothing",
                 sub->way->to->name);
    tell_or_wait(lane, sub);
}

static void on_drop(void *ctx)
{
    struct remote_sub *sub = ctx;
    struct lane *lane = sub->way->from;
    bus_unsubscribe(&lane->bus, &sub->demand.pattern, sub->demand.sub);
    sub->dropping = true;
    tell_or_wait(lane, sub);
}

static void on_again(void *ctx)
{
    struct remote_sub *sub = ctx;
    __atomic_store_n(&sub->again_posted, 0, __ATOMIC_RELEASE);
    sub->told = false;
    tell_or_wait(sub->way->from, sub);
}

int32_t remote_subscribe(struct instance *reader, const struct demand *demand, uint32_t policy,
                         struct remote_sub **out)
{
    const struct instance *source = reader->host->instances[demand->pattern.source - 1];
    if (__atomic_load_n(&source->state, __ATOMIC_ACQUIRE) >= INSTANCE_STOPPED)
        return HAWSE_E_STALE;
    struct way *way = reader->ways;
    while (way && way->from != source->lane)
        way = way->next_of;
    if (!way)
        way = way_new(reader, source->lane);
    struct remote_sub *sub = way ? calloc(1, sizeof(*sub) + demand->filter_len) : NULL;
    if (!sub || bus_expect(&reader->lane->bus, reader->index, policy) != HAWSE_OK) {
        free(sub);
        return HAWSE_E_NOMEM;
    }
    sub->add = (struct loop_work){.fn = on_add, .ctx = sub};
    sub->drop = (struct loop_work){.fn = on_drop, .ctx = sub};
    sub->again = (struct loop_work){.fn = on_again, .ctx = sub};
    sub->way = way;
    sub->demand = *demand;
    sub->demand.filter = sub->filter;
    sub->policy = policy;
    if (demand->filter_len > 0)
        memcpy(sub->filter, demand->filter, demand->filter_len);
    loop_post(source->lane->loop, &sub->add);
    *out = sub;
    return HAWSE_OK;
}

void remote_unsubscribe(struct remote_sub *sub)
{
    loop_post(sub->way->from->loop, &sub->drop);
}

void remote_tell_again(struct remote_sub *sub)
{
    if (!__atomic_exchange_n(&sub->again_posted, 1, __ATOMIC_ACQ_REL))
        loop_post(sub->way->from->loop, &sub->again);
}
