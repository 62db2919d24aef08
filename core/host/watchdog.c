/*
 * Sees a callback that never returns. The thread it runs on is given up: the instance is marked
 * abandoned, its handles die, and the lane goes on on a new thread, so that the other plugins keep
 * running. The lost thread may spin for ever at idle priority; it can reach nothing of the host.
 *
 * Why not kill it: a thread ended inside a library may hold that library's locks, and every later
 * call would wait for ever.
 */
#include "host/isolated.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TICK_NS = 25000000, HOST_CALL_PATIENCE_MS = 1000, EXIT_HUNG = 70 };

static void sleep_ns(long ns)
{
    struct timespec ts = {.tv_sec = 0, .tv_nsec = ns};
    (void)nanosleep(&ts, NULL);
}

static _Noreturn void give_up(struct host *host, const struct instance *inst, const char *why)
{
    log_line(host->logger, HAWSE_LOG_ERROR, inst->config->id, "%s; ending the process, because %s",
             "a callback hangs", why);
    log_flush(host->logger);
    _exit(EXIT_HUNG);
}

static void describe(const struct lane *lane, struct instance *inst, uint64_t ns)
{
    const hawse_event_t *event = lane->current_event;
    fault_clear(&inst->fault);
    (void)fault_set(&inst->fault, HAWSE_E_TIMEOUT,
                    "%s %s (sha256 %.12s): %s has not returned for %llu ms (limit %u ms)%s",
                    inst->library->manifest->id, inst->library->manifest->version,
                    inst->library->digest, callback_name(lane->callback),
                    (unsigned long long)(ns / 1000000), inst->config->budget.hang_ms,
                    event ? "; first event of the batch: see the next line" : "");
    fault_hint(&inst->fault,
               "the plugin is broken: it stays off until `hawse plugins release %.12s`",
               inst->library->digest);
    log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &inst->fault);
    if (event)
        log_line(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id,
                 "the event was space %u kind %u source %u stream %u seq %llu, %llu bytes",
                 event->space, event->kind, event->source, event->stream,
                 (unsigned long long)event->seq, (unsigned long long)event->len);
}

/* After this no host call of the hung thread is under way, and none can begin. */
static bool fence_off(struct lane *lane, struct instance *inst)
{
    __atomic_store_n(&inst->abandoned, 1, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    for (int ms = 0; ms < HOST_CALL_PATIENCE_MS; ms++) {
        if (__atomic_load_n(&lane->in_host, __ATOMIC_ACQUIRE) == 0)
            return true;
        sleep_ns(1000000);
    }
    return false;
}

static void abandon(struct host *host, struct instance *inst, uint64_t since, uint64_t ns)
{
    struct lane *lane = inst->lane;
    if (inst->config->budget.on_hang == HANG_EXIT) {
        describe(lane, inst, ns);
        give_up(host, inst, "budget.on_hang is \"exit\"");
    }
    if (!fence_off(lane, inst))
        give_up(host, inst, "it hangs inside a call of the host");
    if (__atomic_load_n(&lane->callback_since, __ATOMIC_ACQUIRE) != since) {
        /* it returned at the last moment: nothing is wrong */
        __atomic_store_n(&inst->abandoned, 0, __ATOMIC_SEQ_CST);
        return;
    }
    describe(lane, inst, ns);
    struct fault fault = {0};
    if (quarantine_add(host->config->state_dir, inst->library->digest, inst->library->path,
                       inst->fault.message, &fault) != HAWSE_OK)
        log_fault(host->logger, HAWSE_LOG_WARN, "plugins", &fault);
    struct sched_param param = {.sched_priority = 0};
    (void)sched_setscheduler(lane->tid, SCHED_IDLE, &param);
    (void)pthread_detach(lane->thread);
    __atomic_store_n(&inst->state, INSTANCE_FAILED, __ATOMIC_RELEASE);
    struct bus_member *member = &lane->bus.members[inst->index];
    member->open = false;
    lane->bus.queued -= member->inbox.live;
    inbox_clear(&member->inbox);
    lane->bus.reserved = NULL;
    lane->to_release++;
    lane->current = NULL;
    lane->callback = CALLBACK_NONE;
    __atomic_store_n(&lane->callback_since, 0, __ATOMIC_RELEASE);
    fault_clear(&fault);
    if (lane_thread_start(lane, &fault) != HAWSE_OK)
        give_up(host, inst, fault.message);
}

/* Whose callback has run too long, since when. Under the host's lock, without which neither an
 * instance nor its configuration is freed. */
static struct instance *overdue(struct lane *lane, uint64_t now, uint64_t *since)
{
    *since = __atomic_load_n(&lane->callback_since, __ATOMIC_ACQUIRE);
    struct instance *inst = __atomic_load_n(&lane->current, __ATOMIC_ACQUIRE);
    if (*since == 0 || !inst || now <= *since ||
        *since != __atomic_load_n(&lane->callback_since, __ATOMIC_ACQUIRE))
        return NULL;
    if (inst->isolated) { /* the lane itself ends its worker in time, when it looks at the clock */
        isolated_poke(inst);
        return NULL;
    }
    uint64_t limit = (uint64_t)instance_config(inst)->budget.hang_ms * 1000000u;
    return now - *since > limit ? inst : NULL;
}

static void look_at(struct lane *lane)
{
    uint64_t since, now = loop_clock();
    (void)pthread_mutex_lock(&lane->host->lock);
    struct instance *inst = overdue(lane, now, &since);
    (void)pthread_mutex_unlock(&lane->host->lock);
    if (inst)
        abandon(lane->host, inst, since, now - since);
}

static void *watchdog_main(void *arg)
{
    struct host *host = arg;
    while (!__atomic_load_n(&host->watchdog_quit, __ATOMIC_ACQUIRE)) {
        sleep_ns(TICK_NS);
        for (uint32_t i = 0; i < host->lane_count; i++)
            look_at(host->lanes[i]);
    }
    return NULL;
}

void host_prepare(void)
{
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

int32_t watchdog_start(struct host *host, struct fault *fault)
{
    host_prepare();
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, 128u << 10);
    int error = pthread_create(&host->watchdog, &attr, watchdog_main, host);
    (void)pthread_attr_destroy(&attr);
    if (error == 0)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_NOMEM, "cannot start the watchdog: %s", strerror(error));
}

void watchdog_stop(struct host *host)
{
    __atomic_store_n(&host->watchdog_quit, 1, __ATOMIC_RELEASE);
    (void)pthread_join(host->watchdog, NULL);
}
