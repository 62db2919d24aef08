/*
 * The life of an instance: made from its configuration, created, started, fed, stopped, released.
 * Every call into a plugin is made here, bounded by callback_begin and callback_end.
 */
#include "host/intents.h"
#include "host/isolated.h"
#include "host/swap.h"
#include "host/tap.h"
#include "host/way.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *instance_state_name(enum instance_state state)
{
    static const char *const names[] = {"new",     "created", "running", "stopping",
                                        "stopped", "refused", "failed"};
    return names[state];
}

const char *callback_name(enum callback callback)
{
    static const char *const names[] = {"none", "create",  "start", "on_events",
                                        "stop", "destroy", "save",  "restore"};
    return names[callback];
}

/* ---- entering the plugin ---- */

void callback_begin(struct instance *inst, enum callback callback, const hawse_event_t *event)
{
    struct lane *lane = inst->lane;
    __atomic_store_n(&lane->current_event, event, __ATOMIC_RELAXED);
    __atomic_store_n(&lane->callback, callback, __ATOMIC_RELAXED);
    __atomic_store_n(&lane->current, inst, __ATOMIC_RELAXED);
    __atomic_store_n(&lane->callback_since, loop_clock(), __ATOMIC_RELEASE);
}

void callback_end(struct instance *inst)
{
    if (__builtin_expect(__atomic_load_n(&inst->abandoned, __ATOMIC_ACQUIRE), 0)) {
        for (;;) /* the lane went on without this thread, which must touch nothing any more */
            (void)pause();
    }
    struct lane *lane = inst->lane;
    __atomic_store_n(&lane->callback_since, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&lane->current, NULL, __ATOMIC_RELAXED);
    __atomic_store_n(&lane->callback, CALLBACK_NONE, __ATOMIC_RELAXED);
}

static void failed_callback(struct instance *inst, int32_t code, enum callback callback)
{
    fault_clear(&inst->fault);
    if (inst->isolated && code == HAWSE_E_NOMEM && !inst->isolated->lost)
        isolated_give_up(inst); /* what it had used up is free again */
    if (inst->last_error.code != 0)
        inst->fault = inst->last_error;
    else
        (void)fault_set(&inst->fault, code, "%s returned %s (%d): %s, without saying why",
                        callback_name(callback), fault_name(code), code, fault_meaning(code));
    instance_fail(inst, INSTANCE_FAILED);
}

/* A callback that its worker did not live to end has no end in the capture either. */
static void record_end(struct instance *inst, int32_t code, uint64_t elapsed_ns)
{
    if (__builtin_expect(inst->lane->recorder != NULL, 0) &&
        !(inst->isolated && inst->isolated->lost))
        tap_end(inst, code, elapsed_ns);
}

static int32_t call_events(struct instance *inst, const hawse_event_t *const *events, uint32_t n)
{
    return inst->isolated ? isolated_events(inst, events, n)
                          : inst->library->table->on_events(inst->plugin_state, events, n);
}

/* What on_events said, and how long it took. */
static int32_t account(struct instance *inst, uint32_t n, int32_t took, uint64_t ns)
{
    if (__builtin_expect(took > (int32_t)n, 0)) {
        (void)fault_set(&inst->last_error, HAWSE_E_INVAL,
                        "on_events was given %u events and claims to have taken %d", n, took);
        took = HAWSE_E_INVAL;
    }
    if (__builtin_expect(took < 0, 0)) {
        failed_callback(inst, took, CALLBACK_EVENTS);
        return took;
    }
    __atomic_store_n(&inst->callback_events, inst->callback_events + (uint32_t)took,
                     __ATOMIC_RELAXED);
    budget_account(inst, ns, (uint32_t)took);
    if (__builtin_expect(inst->fault.code != 0, 0)) { /* the budget is used up for good */
        if (inst->isolated)
            isolated_give_up(inst);
        instance_fail(inst, INSTANCE_FAILED);
        return inst->fault.code;
    }
    return took;
}

static int32_t deliver(void *ctx, const hawse_event_t *const *events, uint32_t n)
{
    struct instance *inst = ctx;
    struct swap_tried tried;
    if (__builtin_expect(inst->swap != NULL, 0) && swap_events(inst, events, n, &tried))
        return account(inst, tried.n, tried.took, tried.ns);
    if (inst->isolated && (n = isolated_fits(inst, events, n)) == 0) {
        failed_callback(inst, HAWSE_E_LIMIT, CALLBACK_EVENTS);
        return HAWSE_E_LIMIT;
    }
    if (__builtin_expect(inst->lane->recorder != NULL, 0))
        tap_events(inst, events, n);
    callback_begin(inst, CALLBACK_EVENTS, events[0]);
    uint64_t begin = inst->lane->callback_since;
    int32_t took = call_events(inst, events, n);
    uint64_t end = loop_clock();
    callback_end(inst);
    record_end(inst, took, end - begin);
    return account(inst, n, took, end - begin);
}

/* ---- making ---- */

static bool register_metrics(struct instance *inst)
{
    struct metrics *m = inst->host->metrics;
    char labels[128];
    (void)snprintf(labels, sizeof(labels), "instance=\"%s\"", inst->config->id);
    inst->callback_time =
        metrics_histogram(m, "hawse_callback_seconds", "Time of one on_events call.", labels);
    inst->events_in =
        metrics_counter(m, "hawse_events_in_total", "Events an instance has taken.", labels);
    inst->events_out =
        metrics_counter(m, "hawse_events_out_total", "Events an instance has published.", labels);
    inst->batches = metrics_counter(m, "hawse_batches_total", "Calls of on_events.", labels);
    inst->errors =
        metrics_counter(m, "hawse_plugin_errors_total", "Errors an instance has reported.", labels);
    inst->dropped = metrics_counter(m, "hawse_events_dropped_total",
                                    "Events lost or conflated because a queue was full.", labels);
    inst->up = metrics_gauge(m, "hawse_instance_up", "1 while an instance runs.", labels);
    return inst->callback_time && inst->events_in && inst->events_out && inst->batches &&
           inst->errors && inst->dropped && inst->up;
}

int32_t instance_new(struct host *host, const struct config_instance *config, struct instance **out,
                     struct fault *fault)
{
    uint32_t index = 0;
    while (index < host->instance_count && host->instances[index])
        index++;
    if (index == HOST_INSTANCES)
        return fault_set(fault, HAWSE_E_LIMIT, "more than %d instances", HOST_INSTANCES);
    struct instance *inst = calloc(1, sizeof(*inst));
    if (!inst)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for instance \"%s\"", config->id);
    inst->host = host;
    inst->index = index;
    inst->lane = host_lane(host, config->lane);
    inst->config = config;
    inst->generation = __atomic_add_fetch(&host->generation, 1, __ATOMIC_RELAXED);
    inst->handle = (uint64_t)inst->generation << 32 | (index + 1u);
    inst->callback_us = config->budget.callback_us ? config->budget.callback_us : 10000;
    inst->continuity = continuity_new();
    if (!inst->continuity || !register_metrics(inst) ||
        (config->isolation == ISOLATION_PROCESS && isolated_new(inst) != HAWSE_OK)) {
        continuity_free(inst->continuity);
        free(inst);
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for metrics of \"%s\"", config->id);
    }
    for (uint32_t i = 0; i < host->lane_count && host->recorders; i++)
        recorder_foreign(host->lanes[i]->recorder, index + 1, host->lanes[i] != inst->lane);
    (void)pthread_mutex_lock(&host->lock);
    host->instances[index] = inst;
    if (index == host->instance_count)
        host->instance_count++;
    (void)pthread_mutex_unlock(&host->lock);
    *out = inst;
    return HAWSE_OK;
}

void instance_free(struct instance *inst)
{
    if (!inst)
        return;
    struct host *host = inst->host;
    (void)pthread_mutex_lock(&host->lock);
    host->instances[inst->index] = NULL;
    (void)pthread_mutex_unlock(&host->lock);
    grants_destroy(inst->grants);
    credentials_finish(&inst->credentials);
    isolated_free(inst);
    continuity_free(inst->continuity);
    free(inst->settings);
    free(inst->links);
    free(inst);
}

int32_t instance_resolve_links(struct instance *inst)
{
    const struct config_instance *config = inst->config;
    struct host *host = inst->host;
    free(inst->links);
    inst->link_count = 0;
    inst->links = calloc(config->link_count + 1, sizeof(inst->links[0]));
    if (!inst->links)
        return fault_set(&inst->fault, HAWSE_E_NOMEM, "no memory for links");
    for (size_t l = 0; l < config->link_count; l++) {
        struct instance *target = NULL;
        for (uint32_t i = 0; i < host->instance_count && !target; i++) {
            struct instance *other = host->instances[i];
            if (other && strcmp(instance_config(other)->id, config->links[l].target) == 0)
                target = other;
        }
        enum instance_state state =
            target ? __atomic_load_n(&target->state, __ATOMIC_ACQUIRE) : INSTANCE_FAILED;
        if (state == INSTANCE_REFUSED || state == INSTANCE_FAILED) {
            (void)fault_set(&inst->fault, HAWSE_E_STATE,
                            "links.%s needs instance \"%s\", which is not running",
                            config->links[l].name, config->links[l].target);
            fault_hint(&inst->fault, "mend that instance first: its own message says how");
            return HAWSE_E_STATE;
        }
        inst->links[inst->link_count++] =
            (struct instance_link){.name = config->links[l].name, .target = target->index};
    }
    return HAWSE_OK;
}

static void log_up(const struct instance *inst)
{
    char *grants = grants_describe(inst->grants);
    log_line(inst->host->logger, HAWSE_LOG_INFO, inst->config->id,
             "running %s %s (%s, mode %s, sha256 %.12s) in %s with %s", inst->library->manifest->id,
             inst->library->manifest->version,
             config_maturity_name(inst->library->manifest->maturity),
             config_mode_name(inst->config->mode), inst->library->digest,
             inst->isolated ? "a process of its own" : "the host's process", grants ? grants : "-");
    free(grants);
}

void instance_create(struct instance *inst)
{
    struct host *host = inst->host;
    if (instance_resolve_links(inst) != HAWSE_OK) {
        instance_fail(inst, INSTANCE_REFUSED);
        return;
    }
    if (bus_join(&inst->lane->bus, inst->index, inst->index + 1, inst->config->queue,
                 inst->config->patience_ms, deliver, inst) != HAWSE_OK) {
        (void)fault_set(&inst->fault, HAWSE_E_NOMEM, "no memory for a queue of %u events",
                        inst->config->queue);
        instance_fail(inst, INSTANCE_REFUSED);
        return;
    }
    if (inst->isolated)
        isolated_joined(inst);
    if (inst->isolated && isolated_open(inst) != HAWSE_OK) {
        instance_fail(inst, INSTANCE_REFUSED);
        return;
    }
    void *state = NULL;
    if (inst->lane->recorder)
        tap_create(inst);
    callback_begin(inst, CALLBACK_CREATE, NULL);
    int32_t code = inst->isolated ? isolated_create(inst, &state)
                                  : inst->library->table->create(&host->api.table, inst->handle,
                                                                 instance_settings(inst), &state);
    callback_end(inst);
    record_end(inst, code, 0);
    if (code < 0) {
        failed_callback(inst, code, CALLBACK_CREATE);
        return;
    }
    inst->plugin_state = state;
    __atomic_store_n(&inst->state, INSTANCE_CREATED, __ATOMIC_RELEASE);
}

void instance_start(struct instance *inst)
{
    if (inst->lane->recorder)
        tap_begin(inst, RECORD_START, 0);
    callback_begin(inst, CALLBACK_START, NULL);
    int32_t code =
        inst->isolated ? isolated_start(inst) : inst->library->table->start(inst->plugin_state);
    callback_end(inst);
    record_end(inst, code, 0);
    if (code < 0) {
        failed_callback(inst, code, CALLBACK_START);
        return;
    }
    fault_clear(&inst->last_error);
    __atomic_store_n(&inst->state, INSTANCE_RUNNING, __ATOMIC_RELEASE);
    gauge_set(inst->up, 1);
    log_up(inst);
}

/* ---- ending ---- */

/* Tells readers that nothing more comes from this source. */
static void announce_end(struct instance *inst)
{
    hawse_stream_range_t range = {
        .size = sizeof(range), .reason = HAWSE_REASON_DISCONNECTED, .to = HAWSE_POSITION_OPEN};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_STREAM,
                           .kind = HAWSE_STREAM_EVENT_UNHEALABLE,
                           .data = (const uint8_t *)&range,
                           .len = sizeof(range)};
    bus_announce(&inst->lane->bus, inst->index, &event);
    continuity_lost(inst->continuity);
}

void instance_release(struct instance *inst)
{
    struct lane *lane = inst->lane;
    if (inst->released)
        return;
    inst->released = true;
    if (inst->swap)
        swap_abandon(inst, "the instance ended");
    loop_timer_cancel(lane->loop, &inst->hold_timer);
    timers_release(inst);
    streams_release(inst);
    requests_release(inst);
    intents_release(inst);
    commands_release(inst);
    alerts_release(inst);
    subs_release(inst);
    ways_close(inst);
    metrics_release(inst);
    if (inst->plugin_state && !inst->abandoned) {
        void *state = inst->plugin_state;
        inst->plugin_state = NULL;
        if (inst->lane->recorder)
            tap_begin(inst, RECORD_DESTROY, 0);
        callback_begin(inst, CALLBACK_DESTROY, NULL);
        if (inst->isolated)
            isolated_destroy(inst);
        else
            inst->library->table->destroy(state);
        callback_end(inst);
        record_end(inst, 0, 0);
    }
    if (inst->isolated)
        isolated_release(inst);
    if (lane->bus.members[inst->index].used)
        bus_leave(&lane->bus, inst->index);
    if (inst->up)
        gauge_set(inst->up, 0);
}

const char *instance_error(const struct instance *inst)
{
    bool ended = __atomic_load_n(&inst->state, __ATOMIC_ACQUIRE) >= INSTANCE_REFUSED;
    return ended ? inst->fault.message : "";
}

void instance_fail(struct instance *inst, enum instance_state state)
{
    bool was_running = inst->state == INSTANCE_RUNNING;
    __atomic_store_n(&inst->state, state, __ATOMIC_RELEASE);
    log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &inst->fault);
    struct bus_member *member = &inst->lane->bus.members[inst->index];
    if (member->used) {
        member->open = false;
        if (was_running)
            announce_end(inst);
    }
    inst->lane->to_release++; /* between callbacks: this may run inside a dispatch */
}

bool instance_stop(struct instance *inst, uint64_t deadline_ns)
{
    uint64_t now = loop_clock();
    if (inst->swap)
        swap_abandon(inst, "the instance is stopped");
    if (inst->state == INSTANCE_STOPPING && now < inst->stop_retry_ns && now < deadline_ns)
        return false;
    __atomic_store_n(&inst->state, INSTANCE_STOPPING, __ATOMIC_RELEASE);
    inst->stop_retry_ns = now + 1000000u;
    if (inst->lane->recorder)
        tap_begin(inst, RECORD_STOP, deadline_ns);
    callback_begin(inst, CALLBACK_STOP, NULL);
    int32_t code = inst->isolated ? isolated_stop(inst, deadline_ns)
                                  : inst->library->table->stop(inst->plugin_state, deadline_ns);
    callback_end(inst);
    record_end(inst, code, 0);
    if (code == HAWSE_E_AGAIN && now < deadline_ns)
        return false;
    if (code == HAWSE_E_AGAIN) {
        inst->host->stopped_by_deadline = 1;
        log_line(inst->host->logger, HAWSE_LOG_WARN, inst->config->id,
                 "did not finish its stop before the deadline; ended anyway");
    } else if (code < 0) {
        log_line(inst->host->logger, HAWSE_LOG_WARN, inst->config->id, "stop returned %s (%d)",
                 fault_name(code), code);
    }
    instance_release(inst);
    __atomic_store_n(&inst->state, INSTANCE_STOPPED, __ATOMIC_RELEASE);
    return true;
}
