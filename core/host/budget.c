/*
 * Time accounting of callbacks: a histogram, a soft limit per call, and what happens to an instance
 * that keeps breaking it: a warning, then pauses as long as its overruns, then, if so configured, a
 * stop. Runs on the lane after each timed callback; must stay cheap.
 */
#include "host/host.h"

enum {
    STRIKES_TO_THROTTLE = 8, /* overruns within a second */
    THROTTLES_TO_STOP = 8,   /* throttled so often without a quiet minute */
    SECOND_NS = 1000000000,
    HOLD_MIN_NS = 100000000,
};

static void release_hold(void *ctx, uint64_t now_ns)
{
    struct instance *inst = ctx;
    (void)now_ns;
    __atomic_store_n(&inst->hold_until_ns, 0, __ATOMIC_RELAXED);
    if (inst->state == INSTANCE_RUNNING)
        bus_hold(&inst->lane->bus, inst->index, false);
}

static void throttle(struct instance *inst, uint64_t ns, uint64_t now)
{
    struct host *host = inst->host;
    inst->throttles++;
    if (inst->config->budget.on_overrun == OVERRUN_STOP && inst->throttles >= THROTTLES_TO_STOP) {
        fault_clear(&inst->fault);
        (void)fault_set(&inst->fault, HAWSE_E_LIMIT,
                        "stopped: callbacks kept running longer than its budget of %u us "
                        "(the last took %llu us)",
                        inst->callback_us, (unsigned long long)(ns / 1000));
        fault_hint(&inst->fault,
                   "raise budget.callback_us of instance \"%s\", or ask the plugin's "
                   "author",
                   inst->config->id);
        return; /* the caller turns the fault into a stop */
    }
    uint64_t hold = ns > HOLD_MIN_NS ? ns : HOLD_MIN_NS;
    __atomic_store_n(&inst->hold_until_ns, now + hold, __ATOMIC_RELAXED);
    inst->hold_timer.fn = release_hold;
    inst->hold_timer.ctx = inst;
    bus_hold(&inst->lane->bus, inst->index, true);
    (void)loop_timer_set(inst->lane->loop, &inst->hold_timer, inst->hold_until_ns);
    log_line(host->logger, HAWSE_LOG_WARN, inst->config->id,
             "throttled for %llu ms: %u callbacks within a second ran longer than the budget of "
             "%u us, the last %llu us",
             (unsigned long long)(hold / 1000000), inst->strikes, inst->callback_us,
             (unsigned long long)(ns / 1000));
}

static void overrun(struct instance *inst, uint64_t ns, uint64_t now)
{
    if (now - inst->strike_window_ns > SECOND_NS) {
        if (now - inst->strike_window_ns > 60ull * SECOND_NS)
            inst->throttles = 0;
        inst->strike_window_ns = now;
        inst->strikes = 0;
    }
    if (++inst->strikes == 1)
        log_line(inst->host->logger, HAWSE_LOG_WARN, inst->config->id,
                 "a callback ran %llu us, its budget is %u us", (unsigned long long)(ns / 1000),
                 inst->callback_us);
    if (inst->strikes >= STRIKES_TO_THROTTLE && inst->config->budget.on_overrun != OVERRUN_WARN) {
        throttle(inst, ns, now);
        inst->strikes = 0;
    }
}

void budget_account(struct instance *inst, uint64_t ns, uint32_t events)
{
    histogram_add(inst->callback_time, ns, 1);
    counter_add(inst->events_in, events);
    counter_add(inst->batches, 1);
    if (ns > (uint64_t)inst->callback_us * 1000u)
        overrun(inst, ns, loop_now(inst->lane->loop));
}
