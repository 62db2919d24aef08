/* See actor.h. */
#include "replay/actor.h"

#include "loop/loop.h"

#include <hawse/service/state.h>
#include <sched.h>
#include <unistd.h>

enum { MEMORY_MIB = 1024, SPIN_NS = 200000 };
#define LOAD_NS     5000000000u
#define CALLBACK_NS 60000000000u /* nobody waits for it but the one who replays */

/* A CPU beside this one; -1: there is none. */
static int32_t other_cpu(void)
{
    int here = sched_getcpu();
    long all = sysconf(_SC_NPROCESSORS_ONLN);
    return here >= 0 && all > 1 ? (int32_t)((here + 1) % all) : -1;
}

int32_t actor_worker(const struct library *library, bool spins, struct worker **out,
                     struct fault *fault)
{
    struct worker_options options = {.id = library->manifest->id,
                                     .plugin_fd = library->fd,
                                     .memory = (uint64_t)MEMORY_MIB << 20,
                                     .cpu = spins ? other_cpu() : -1,
                                     .spin_ns = spins ? SPIN_NS : 0,
                                     .asks_reserve = true};
    int32_t code = worker_start(&options, out, fault);
    if (code == HAWSE_OK)
        code = worker_ready(*out, LOAD_NS, fault);
    if (code == HAWSE_E_AGAIN)
        code = fault_set(fault, HAWSE_E_TIMEOUT, "its worker is not ready in time");
    fault_prefix(fault, "%s", library->path);
    return code;
}

static enum link_kind kind_of(uint32_t callback)
{
    switch (callback) {
    case RECORD_CREATE:
        return LINK_CREATE;
    case RECORD_START:
        return LINK_START;
    case RECORD_EVENTS:
        return LINK_EVENTS;
    case RECORD_STOP:
        return LINK_STOP;
    case RECORD_SAVE:
        return LINK_SAVE;
    case RECORD_RESTORE:
        return LINK_RESTORE;
    default:
        return LINK_DESTROY;
    }
}

int32_t actor_call(struct worker *worker, const struct walk_step *step, uint64_t handle,
                   const char *settings, worker_call_fn call, void *ctx, int32_t *code,
                   struct fault *fault)
{
    struct worker_job job = {.kind = kind_of(step->begin.callback),
                             .settings = hawse_text(settings),
                             .events = step->event_list,
                             .n = step->event_count,
                             .number = step->begin.argument,
                             .handle = handle,
                             .now_ns = step->begin.now_ns,
                             .utc_ns = step->begin.utc_ns,
                             .until_ns = loop_clock() + CALLBACK_NS,
                             .call = call,
                             .ctx = ctx};
    if (job.kind == LINK_RESTORE) {
        if (step->event_count != 1 || step->events[0].len > HAWSE_STATE_MAX)
            return fault_set(fault, HAWSE_E_FORMAT, "the capture holds a state that cannot be");
        job.saved = (hawse_view_t){.data = step->events[0].data, .len = step->events[0].len};
        job.n = 0;
    } else if (worker_fits(worker, step->event_list, step->event_count) < step->event_count) {
        return fault_set(fault, HAWSE_E_LIMIT, "its events are more than a worker can be given");
    }
    return worker_run(worker, &job, code, fault);
}
