/*
 * A lane's thread: steps the loop, takes what came from other lanes, dispatches the bus, and brings
 * instances up and down one step at a time, so that a new thread can go on where a hung one was
 * left. Owns the loop, the bus and
 * the handle tables; plugin code runs nowhere else.
 */
#include "host/intents.h"
#include "host/way.h"
#include "record/recorder.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LANE_ALIGN = 64, RETRY_NS = 1000000, IDLE_WAIT_NS = 250000000, UTC_CHECK_NS = 1000000000 };

uint64_t lane_utc(const struct lane *lane, uint64_t monotonic_ns)
{
    return monotonic_ns + lane->utc_offset;
}

void lane_clock(struct lane *lane, uint64_t now_ns)
{
    if (now_ns > lane->bus.now_ns)
        lane->bus.now_ns = now_ns;
}

static void retry_due(void *ctx, uint64_t now_ns)
{
    struct lane *lane = ctx;
    lane->retry_armed = false;
    lane_clock(lane, now_ns);
    bus_unblock(&lane->bus);
}

void lane_arm_retry(struct lane *lane)
{
    if (lane->retry_armed)
        return;
    lane->retry_armed = true;
    (void)loop_timer_set(lane->loop, &lane->retry, loop_now(lane->loop) + RETRY_NS);
}

/* Looks for the last time whether something came from another lane. */
static bool may_sleep(void *ctx)
{
    struct lane *lane = ctx;
    bell_set(&lane->bell);
    for (const struct way *way = lane->ways; way; way = way->next) {
        if (crossing_waiting(way->crossing))
            return false;
    }
    return true;
}

int32_t lane_create(struct host *host, uint32_t index, struct lane **out, struct fault *fault)
{
    const struct config_lane *config = &host->config->lanes[index];
    struct lane *lane = aligned_alloc(LANE_ALIGN, (sizeof(*lane) / LANE_ALIGN + 1) * LANE_ALIGN);
    if (!lane)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for lane \"%s\"", config->name);
    memset(lane, 0, sizeof(*lane));
    lane->host = host;
    lane->index = index;
    lane->name = strdup(config->name);
    lane->cpu = config->cpu;
    lane->recorder = host->recorders ? &host->recorders[index] : NULL;
    lane->retry.fn = retry_due;
    lane->retry.ctx = lane;
    lane->spin_ns = (uint64_t)config->spin_us * 1000u;
    int32_t code = lane->name ? loop_create(&lane->loop, fault)
                              : fault_set(fault, HAWSE_E_NOMEM, "no memory for a lane's name");
    lane->subs.base = index << 24; /* a subscription's handle is known on the source's lane too */
    lane->intents.base = index << 24; /* and an intent's on the desk */
    lane->bell.loop = lane->loop;
    if (code == HAWSE_OK && host->config->lane_count > 1)
        loop_on_sleep(lane->loop, may_sleep, lane);
    if (code == HAWSE_OK && bus_init(&lane->bus, HOST_INSTANCES) != HAWSE_OK)
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory for the event bus");
    if (code != HAWSE_OK) {
        lane_destroy(lane);
        return code;
    }
    *out = lane;
    return HAWSE_OK;
}

void lane_destroy(struct lane *lane)
{
    if (!lane)
        return;
    while (lane->demands) {
        struct remote_sub *next = lane->demands->next;
        free(lane->demands);
        lane->demands = next;
    }
    bus_finish(&lane->bus);
    handles_finish(&lane->timers);
    handles_finish(&lane->streams);
    handles_finish(&lane->channels);
    handles_finish(&lane->requests);
    handles_finish(&lane->subs);
    handles_finish(&lane->metrics);
    handles_finish(&lane->intents);
    handles_finish(&lane->commands);
    intents_drop(lane);
    loop_destroy(lane->loop);
    free(lane->name);
    free(lane);
}

static void release_failed(struct lane *lane)
{
    lane->to_release = 0;
    for (uint32_t i = 0; i < lane->host->instance_count; i++) {
        struct instance *inst = lane->host->instances[i];
        if (inst && inst->lane == lane &&
            (inst->state == INSTANCE_FAILED || inst->state == INSTANCE_REFUSED))
            instance_release(inst);
    }
}

/* ---- the thread ---- */

static void check_utc(struct lane *lane, uint64_t now)
{
    if (lane->utc_checked_ns != 0 && now - lane->utc_checked_ns < UTC_CHECK_NS)
        return;
    lane->utc_checked_ns = now;
    lane->utc_offset = loop_utc() - loop_clock();
}

static bool step(struct lane *lane)
{
    struct host *host = lane->host;
    uint64_t wait = IDLE_WAIT_NS;
    if (__atomic_load_n(&host->quit, __ATOMIC_ACQUIRE)) {
        if (order_down(lane))
            return false;
        wait = RETRY_NS;
    } else if (!lane->started) {
        bool up = order_up(lane, &wait);
        __atomic_store_n(&lane->started, up, __ATOMIC_RELEASE);
    } else if (!reload_advance(lane)) {
        wait = host->lane_count > 1 ? RETRY_NS : 0;
    }
    if (lane->to_release > 0)
        release_failed(lane);
    lane_clock(lane, loop_now(lane->loop));
    if (lane->bus.ready_first != lane->bus.ready_next)
        wait = 0;
    if (lane->recorder)
        recorder_flush(lane->recorder);
    (void)loop_step(lane->loop, wait, lane->spin_ns);
    bell_clear(&lane->bell);
    uint64_t begin = loop_now(lane->loop);
    check_utc(lane, begin);
    lane_clock(lane, begin);
    if (lane->ways)
        ways_take(lane);
    (void)bus_dispatch(&lane->bus);
    if (lane->demands)
        demands_retry(lane);
    if (lane->undelivered)
        requests_retry(lane);
    if (lane->told)
        intents_retry(lane);
    streams_resume(lane);
    if (lane->bus.blocked > 0)
        lane_arm_retry(lane);
    __atomic_store_n(&lane->steps, lane->steps + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&lane->last_step_ns, begin, __ATOMIC_RELAXED);
    return true;
}

static void pin(const struct lane *lane)
{
    if (lane->cpu < 0)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)lane->cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set) != 0)
        log_line(lane->host->logger, HAWSE_LOG_WARN, "lane", "cannot run lane \"%s\" on CPU %d: %s",
                 lane->name, lane->cpu, strerror(errno));
}

static void *lane_main(void *arg)
{
    struct lane *lane = arg;
    (void)pthread_setname_np(pthread_self(), "lane");
    __atomic_store_n(&lane->tid, (int)syscall(SYS_gettid), __ATOMIC_RELAXED);
    crash_thread_stack();
    pin(lane);
    if (lane->reading)
        streams_reading_lost(lane);
    while (step(lane))
        ;
    if (lane->recorder)
        recorder_flush(lane->recorder);
    if (__atomic_add_fetch(&lane->host->lanes_ended, 1, __ATOMIC_ACQ_REL) == lane->host->lane_count)
        __atomic_store_n(&lane->host->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

int32_t lane_thread_start(struct lane *lane, struct fault *fault)
{
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, 1u << 20);
    int error = pthread_create(&lane->thread, &attr, lane_main, lane);
    (void)pthread_attr_destroy(&attr);
    if (error == 0)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_NOMEM, "cannot start the lane's thread: %s", strerror(error));
}
