/* Instances in worker processes, and how they come back; see isolated.h. */
#include "host/isolated.h"

#include "host/way.h"
#include "plugin/quarantine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { LOAD_NS = 2000000000, POLL_NS = 1000000, SOON_NS = 1000000, BACKOFF_MAX_MS = 30000 };
#define RECENT_NS 600000000000u /* losses within ten minutes count together */

static void watch_death(struct isolated *iso);

int32_t isolated_new(struct instance *inst)
{
    struct isolated *iso = calloc(1, sizeof(*iso));
    struct fault fault = {0};
    if (!iso || received_open(&iso->received, &fault) != HAWSE_OK) {
        free(iso);
        return HAWSE_E_NOMEM;
    }
    iso->memory = (struct ws_memory){.resize = received_resize, .ctx = &iso->received};
    iso->inst = inst;
    inst->isolated = iso;
    return HAWSE_OK;
}

void isolated_free(struct instance *inst)
{
    struct isolated *iso = inst->isolated;
    if (!iso)
        return;
    loop_timer_cancel(inst->lane->loop, &iso->due); /* it may be waiting to come back */
    loop_timer_cancel(inst->lane->loop, &iso->tell);
    if (iso->watched)
        loop_unwatch(inst->lane->loop, &iso->death);
    worker_destroy(iso->worker);
    received_close(&iso->received);
    free(iso);
    inst->isolated = NULL;
}

/* ---- losing it ---- */

static void note(uint32_t *where, uint32_t what)
{
    __atomic_store_n(where, what, __ATOMIC_RELAXED);
}

static void count_loss(struct instance *inst)
{
    struct isolated *iso = inst->isolated;
    iso->lost = true;
    iso->lost_ns = loop_clock();
    inst->plugin_state = NULL;
    note(&iso->losses, iso->losses + 1);
    note(&iso->returning, 1); /* until it is decided */
}

/* The worker is of no use any more: words for the operator, and no state to destroy. */
static void lose(struct instance *inst, const struct fault *fault, const char *where)
{
    const struct manifest *m = inst->library->manifest;
    count_loss(inst);
    counter_add(inst->errors, 1);
    fault_clear(&inst->last_error);
    if (fault->code == HAWSE_E_TIMEOUT)
        (void)fault_set(&inst->last_error, HAWSE_E_TIMEOUT,
                        "%s %s (sha256 %.12s): %s has not returned within %u ms; its worker was "
                        "ended",
                        m->id, m->version, inst->library->digest, where,
                        inst->config->budget.hang_ms);
    else
        (void)fault_set(&inst->last_error, fault->code, "%s %s (sha256 %.12s): in %s %s", m->id,
                        m->version, inst->library->digest, where, fault->message);
    if (fault->hint[0])
        fault_hint(&inst->last_error, "%s", fault->hint);
}

void isolated_give_up(struct instance *inst)
{
    count_loss(inst);
}

/* ---- its process ---- */

int32_t isolated_launch(struct instance *inst, const struct library *library, struct worker **out,
                        struct fault *fault)
{
    const struct config_worker *config = &inst->config->worker;
    struct worker_options options = {.program = inst->host->options.worker_program,
                                     .id = library->manifest->id,
                                     .plugin_fd = library->fd,
                                     .received = &inst->isolated->received,
                                     .memory = (uint64_t)config->memory_mib << 20,
                                     .cpu = config->cpu,
                                     .poked = true,
                                     .spin_ns = (uint64_t)config->spin_us * 1000u,
                                     .asked = &inst->lane->asked};
    return worker_start(&options, out, fault);
}

static int32_t start_process(struct instance *inst, struct fault *fault)
{
    struct isolated *iso = inst->isolated;
    struct worker *worker = NULL;
    int32_t code = isolated_launch(inst, inst->library, &worker, fault);
    (void)pthread_mutex_lock(&inst->host->lock);
    iso->worker = worker;
    (void)pthread_mutex_unlock(&inst->host->lock);
    if (code == HAWSE_OK)
        note(&iso->pid, (uint32_t)worker_pid(iso->worker));
    return code;
}

static void end_process(struct isolated *iso)
{
    if (iso->watched)
        loop_unwatch(iso->inst->lane->loop, &iso->death);
    iso->watched = false;
    struct worker *worker = iso->worker;
    (void)pthread_mutex_lock(&iso->inst->host->lock); /* the watchdog may be about to poke it */
    iso->worker = NULL;
    (void)pthread_mutex_unlock(&iso->inst->host->lock);
    worker_destroy(worker);
    note(&iso->pid, 0);
}

static void log_walls(const struct instance *inst, uint32_t walls)
{
    uint32_t all = LINK_WALL_SYSCALLS | LINK_WALL_NETWORK | LINK_WALL_FILES | LINK_WALL_USER;
    if (walls == all)
        return;
    log_line(inst->host->logger, HAWSE_LOG_WARN, inst->config->id,
             "its worker has no namespace of its own for%s%s%s here: the filter of system calls "
             "alone keeps it in",
             walls & LINK_WALL_NETWORK ? "" : " network", walls & LINK_WALL_FILES ? "" : " files",
             walls & LINK_WALL_USER ? "" : " users");
}

static void is_ready(struct isolated *iso)
{
    uint32_t walls = worker_walls(iso->worker);
    if (iso->restarts == 0 && iso->losses == 0)
        log_walls(iso->inst, walls);
    note(&iso->walls, walls);
    watch_death(iso);
}

int32_t isolated_open(struct instance *inst)
{
    struct isolated *iso = inst->isolated;
    struct fault fault = {0};
    if (iso->worker) /* made anew: it is ready */
        return HAWSE_OK;
    iso->lost = false;
    int32_t code = start_process(inst, &fault);
    if (code == HAWSE_OK)
        code = worker_ready(iso->worker, LOAD_NS, &fault);
    if (code == HAWSE_E_AGAIN)
        code = fault_set(&fault, HAWSE_E_TIMEOUT, "could not be loaded in time");
    if (code == HAWSE_OK) {
        is_ready(iso);
        return HAWSE_OK;
    }
    inst->fault = fault;
    fault_prefix(&inst->fault, "%s, in a worker process", inst->library->path);
    return code;
}

/* ---- callbacks ---- */

/* A plugin that prints would else leave the operator with an empty screen and no word. */
static void tell_output(struct isolated *iso)
{
    const struct instance *inst = iso->inst;
    const char *why = inst->config->isolation_why;
    struct fault fault = {0};
    iso->output_told = true;
    (void)fault_set(
        &fault, HAWSE_E_DENIED,
        "writes to standard output or error, which lead nowhere in a worker process; it "
        "runs in one because %s",
        why ? why : "its \"isolation\" is \"process\"");
    fault_hint(&fault, "\"isolation\": \"none\" on the instance runs it in the host's own process, "
                       "with all that the host may do");
    log_fault(inst->host->logger, HAWSE_LOG_WARN, inst->config->id, &fault);
}

static int32_t run(struct instance *inst, struct worker_job *job, enum callback callback)
{
    struct isolated *iso = inst->isolated;
    struct lane *lane = inst->lane;
    struct fault fault = {0};
    int32_t result = 0;
    job->handle = inst->handle;
    job->now_ns = lane->bus.now_ns;
    job->utc_ns = lane_utc(lane, lane->bus.now_ns);
    job->until_ns = loop_clock() + (uint64_t)inst->config->budget.hang_ms * 1000000u;
    job->call = isolated_call;
    job->ctx = inst;
    int32_t code = iso->worker ? worker_run(iso->worker, job, &result, &fault)
                               : fault_set(&fault, HAWSE_E_STATE, "its worker is gone");
    if (__builtin_expect(code == HAWSE_OK, 1)) {
        if (__builtin_expect(worker_wrote(iso->worker) && !iso->output_told, 0))
            tell_output(iso);
        return result;
    }
    lose(inst, &fault, callback_name(callback));
    return code;
}

int32_t isolated_create(struct instance *inst, void **state)
{
    struct worker_job job = {.kind = LINK_CREATE, .settings = instance_settings(inst)};
    int32_t code = run(inst, &job, CALLBACK_CREATE);
    *state = code >= 0 && job.number != 0 ? inst->isolated : NULL; /* whether there is one */
    return code;
}

int32_t isolated_start(struct instance *inst)
{
    struct worker_job job = {.kind = LINK_START};
    return run(inst, &job, CALLBACK_START);
}

int32_t isolated_events(struct instance *inst, const hawse_event_t *const *events, uint32_t n)
{
    struct worker_job job = {.kind = LINK_EVENTS, .events = events, .n = n};
    return run(inst, &job, CALLBACK_EVENTS);
}

int32_t isolated_stop(struct instance *inst, uint64_t deadline_ns)
{
    struct worker_job job = {.kind = LINK_STOP, .number = deadline_ns};
    return run(inst, &job, CALLBACK_STOP);
}

void isolated_destroy(struct instance *inst)
{
    struct worker_job job = {.kind = LINK_DESTROY};
    (void)run(inst, &job, CALLBACK_DESTROY);
}

int32_t isolated_save(struct instance *inst, uint8_t *out, uint64_t *len)
{
    struct worker_job job = {.kind = LINK_SAVE};
    int32_t code = run(inst, &job, CALLBACK_SAVE);
    const uint8_t *at = code >= 0 ? worker_saved(inst->isolated->worker, job.number) : NULL;
    if (code < 0)
        return code;
    if (!at)
        return HAWSE_E_NOSPACE;
    memcpy(out, at, job.number);
    *len = job.number;
    return HAWSE_OK;
}

struct worker *isolated_exchange(struct instance *inst, struct worker *worker)
{
    struct isolated *iso = inst->isolated;
    struct worker *old = iso->worker;
    if (iso->watched)
        loop_unwatch(inst->lane->loop, &iso->death);
    iso->watched = false;
    (void)pthread_mutex_lock(&inst->host->lock); /* the watchdog may be about to poke it */
    iso->worker = worker;
    (void)pthread_mutex_unlock(&inst->host->lock);
    worker_poked(worker, true);
    iso->output_told = false;
    note(&iso->pid, (uint32_t)worker_pid(worker));
    is_ready(iso);
    return old;
}

void isolated_lost(struct instance *inst, const struct fault *fault, const char *where)
{
    lose(inst, fault, where);
}

void isolated_missed(struct instance *inst)
{
    inst->fault = inst->last_error;
    instance_fail(inst, INSTANCE_FAILED);
}

uint32_t isolated_fits(struct instance *inst, const hawse_event_t *const *events, uint32_t n)
{
    const struct isolated *iso = inst->isolated;
    uint32_t fits = iso->worker ? worker_fits(iso->worker, events, n) : n;
    if (fits == 0) {
        fault_clear(&inst->last_error);
        (void)fault_set(&inst->last_error, HAWSE_E_LIMIT,
                        "an event of %llu bytes is more than can be given to a worker (%d MiB)",
                        (unsigned long long)events[0]->len, LINK_TOLD_BYTES >> 20);
        fault_hint(&inst->last_error, "ask for less (max_response, max_message), or set "
                                      "\"isolation\" of this instance to \"none\"");
    }
    return fits;
}

void isolated_poke(struct instance *inst)
{
    if (inst->isolated->worker)
        worker_poke(inst->isolated->worker);
}

/* ---- coming back ---- */

static void rearm(struct isolated *iso, uint64_t after_ns)
{
    struct loop *loop = iso->inst->lane->loop;
    (void)loop_timer_set(loop, &iso->due, loop_clock() + after_ns);
}

/* False: never again in this run. */
static bool may_return(struct isolated *iso, uint64_t *after_ns)
{
    struct instance *inst = iso->inst;
    const struct config_worker *config = &inst->config->worker;
    struct fault fault = {0};
    uint64_t now = loop_clock();
    if (iso->recent == 0 || now - iso->recent_since_ns > RECENT_NS) {
        iso->recent = 0;
        iso->recent_since_ns = now;
    }
    iso->recent++;
    note(&iso->returning, 0);
    if (config->restarts > 0 && iso->recent > config->restarts) {
        log_line(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id,
                 "lost its worker %u times within ten minutes: it stays off until `hawse plugins "
                 "release %.12s`",
                 iso->recent, inst->library->digest);
        if (quarantine_add(inst->host->config->state_dir, inst->library->digest,
                           inst->library->path, inst->fault.message, &fault) != HAWSE_OK)
            log_fault(inst->host->logger, HAWSE_LOG_WARN, "plugins", &fault);
        return false;
    }
    uint64_t ms = iso->recent == 1 ? 0 : config->backoff_ms;
    for (uint32_t i = 2; i < iso->recent && ms > 0 && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    *after_ns = (ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS) * 1000000u + SOON_NS;
    note(&iso->returning, 1);
    return true;
}

/* As a new instance in the same place: what held its old handle holds nothing. */
static void make_new(struct instance *inst)
{
    struct host *host = inst->host;
    (void)pthread_mutex_lock(&host->lock);
    inst->generation = __atomic_add_fetch(&host->generation, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&inst->handle, (uint64_t)inst->generation << 32 | (inst->index + 1u),
                     __ATOMIC_RELEASE);
    inst->released = false;
    fault_clear(&inst->fault);
    (void)pthread_mutex_unlock(&host->lock);
    fault_clear(&inst->last_error);
    continuity_lost(inst->continuity); /* what its last life said before it ran */
    inst->strikes = inst->throttles = 0;
    __atomic_store_n(&inst->hold_until_ns, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&inst->state, INSTANCE_NEW, __ATOMIC_RELEASE);
}

static void tell_demands(void *ctx, uint64_t now_ns)
{
    struct isolated *iso = ctx;
    lane_clock(iso->inst->lane, now_ns);
    if (!subs_tell_again(iso->inst, &iso->told))
        (void)loop_timer_set(iso->inst->lane->loop, &iso->tell, loop_clock() + POLL_NS);
}

static void revive(struct isolated *iso)
{
    struct instance *inst = iso->inst;
    is_ready(iso);
    iso->lost = false;
    note(&iso->returning, 0);
    make_new(inst);
    instance_create(inst);
    if (inst->state != INSTANCE_CREATED)
        return;
    iso->told = (struct subs_cursor){0};
    iso->tell.fn = tell_demands;
    iso->tell.ctx = iso;
    tell_demands(iso, loop_now(inst->lane->loop));
    instance_start(inst);
    if (inst->state != INSTANCE_RUNNING)
        return;
    __atomic_store_n(&iso->restart_ns, loop_clock() - iso->lost_ns, __ATOMIC_RELAXED);
    note(&iso->restarts, iso->restarts + 1);
    log_line(inst->host->logger, HAWSE_LOG_WARN, inst->config->id,
             "is back in a new worker, %.1f ms after it lost the old one",
             (double)iso->restart_ns / 1e6);
}

static void failed_to_return(struct isolated *iso, const struct fault *fault)
{
    struct instance *inst = iso->inst;
    uint64_t after = 0;
    end_process(iso);
    (void)pthread_mutex_lock(&inst->host->lock);
    inst->fault = *fault;
    (void)pthread_mutex_unlock(&inst->host->lock);
    log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, fault);
    if (may_return(iso, &after))
        rearm(iso, after);
}

/* One it reads was lost with it, and would refuse it for good if it came first. */
static bool reads_one_that_returns(const struct instance *inst)
{
    for (uint32_t i = 0; i < inst->link_count; i++) {
        const struct instance *target = inst->host->instances[inst->links[i].target];
        if (target && target->isolated &&
            __atomic_load_n(&target->isolated->returning, __ATOMIC_RELAXED) != 0)
            return true;
    }
    return false;
}

/* Do others have to be done first? A reload decides itself what becomes of this instance. */
static bool has_to_wait(const struct instance *inst)
{
    const struct lane *lane = inst->lane;
    return inst->ways || !lane->started || reads_one_that_returns(inst) ||
           __atomic_load_n(&inst->host->reloads, __ATOMIC_ACQUIRE) != lane->reloads_seen;
}

/* The file that is held open may have been written to since; what is in it now nobody has judged.
 */
static bool is_still_judged(struct isolated *iso)
{
    const struct instance *inst = iso->inst;
    struct fault fault = {0};
    if (library_unchanged(inst->library))
        return true;
    note(&iso->returning, 0);
    (void)fault_set(&fault, HAWSE_E_STATE,
                    "%s was overwritten since it was judged: it stays off until a reload",
                    inst->library->path);
    fault_hint(&fault, "reload the configuration (SIGHUP); install files by renaming the new one "
                       "over the old");
    log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &fault);
    return false;
}

static void on_due(void *ctx, uint64_t now_ns)
{
    struct isolated *iso = ctx;
    struct instance *inst = iso->inst;
    struct fault fault = {0};
    lane_clock(inst->lane, now_ns);
    if (__atomic_load_n(&inst->host->quit, __ATOMIC_ACQUIRE) || inst->state != INSTANCE_FAILED)
        return;
    if (!iso->worker && !is_still_judged(iso))
        return;
    if (!iso->worker && start_process(inst, &fault) != HAWSE_OK) {
        failed_to_return(iso, &fault);
        return;
    }
    int32_t code = worker_ready(iso->worker, 1, &fault);
    if (code == HAWSE_E_AGAIN && now_ns > iso->lost_ns + LOAD_NS * 4ull)
        code = fault_set(&fault, HAWSE_E_TIMEOUT, "its worker could not load it in time");
    if (code == HAWSE_E_AGAIN || (code == HAWSE_OK && has_to_wait(inst)))
        rearm(iso, POLL_NS);
    else if (code == HAWSE_OK)
        revive(iso);
    else
        failed_to_return(iso, &fault);
}

void isolated_release(struct instance *inst)
{
    struct isolated *iso = inst->isolated;
    const struct bus_member *member = &inst->lane->bus.members[inst->index];
    uint64_t after = 0;
    loop_timer_cancel(inst->lane->loop, &iso->due);
    loop_timer_cancel(inst->lane->loop, &iso->tell);
    if (member->used)
        memcpy(iso->seq, member->seq, sizeof(iso->seq));
    end_process(iso);
    if (!iso->lost || inst->state != INSTANCE_FAILED || !may_return(iso, &after)) {
        note(&iso->returning, 0);
        return;
    }
    iso->due.fn = on_due;
    iso->due.ctx = iso;
    rearm(iso, after);
}

void isolated_joined(struct instance *inst)
{
    struct bus_member *member = &inst->lane->bus.members[inst->index];
    memcpy(member->seq, inst->isolated->seq, sizeof(member->seq));
}

/* ---- a death that no callback saw ---- */

static void on_death(void *ctx, uint32_t events)
{
    struct isolated *iso = ctx;
    struct instance *inst = iso->inst;
    struct fault fault = {0};
    (void)events;
    if (!iso->worker || !worker_ended(iso->worker, &fault))
        return;
    loop_unwatch(inst->lane->loop, &iso->death);
    iso->watched = false;
    if (inst->state != INSTANCE_RUNNING && inst->state != INSTANCE_CREATED)
        return;
    lose(inst, &fault, "no callback");
    isolated_missed(inst);
}

static void watch_death(struct isolated *iso)
{
    struct fault fault = {0};
    iso->death = (struct loop_watch){
        .fd = worker_death_fd(iso->worker), .fn = on_death, .ctx = iso, .events = EPOLLIN};
    iso->watched =
        iso->death.fd >= 0 && loop_watch(iso->inst->lane->loop, &iso->death, &fault) == HAWSE_OK;
}
