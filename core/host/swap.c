/* The lane's side of a hot swap, and who waits for it; see swap.h. */
#include "host/swap.h"

#include "host/isolated.h"

#include <hawse/service/state.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { POLL_NS = 1000000, MS = 1000000 };
#define LOAD_NS 5000000000u

static const hawse_state_interface_t *interface_of(const struct library *library)
{
    const hawse_state_interface_t *s =
        library->table && library->table->query ? library->table->query(HAWSE_STATE_ID) : NULL;
    return s && s->size >= sizeof(*s) && s->save && s->restore ? s : NULL;
}

static int32_t no_interface(const struct library *library, struct fault *fault)
{
    (void)fault_set(fault, HAWSE_E_UNSUPPORTED, "%s %s (sha256 %.12s) offers no %s",
                    library->manifest->id, library->manifest->version, library->digest,
                    HAWSE_STATE_ID);
    fault_hint(fault, "a plugin that cannot hand over its state is exchanged by a reload of the "
                      "configuration (SIGHUP), which stops it first");
    return HAWSE_E_UNSUPPORTED;
}

/* ---- the end ---- */

/* Frees what the new plugin had, or, when it stays, the old one. Its calls of the host find an
 * instance that is gone: what it has of the host is the other's. */
static void destroy_state(struct swap *s, const struct library *library, void *state)
{
    struct instance *inst = s->inst;
    __atomic_store_n(&inst->handle, 0, __ATOMIC_RELEASE);
    callback_begin(inst, CALLBACK_DESTROY, NULL);
    library->table->destroy(state);
    callback_end(inst);
    __atomic_store_n(&inst->handle, s->handle, __ATOMIC_RELEASE);
}

static void done(struct swap *s)
{
    loop_timer_cancel(s->inst->lane->loop, &s->timer);
    s->inst->swap = NULL;
    if (s->api)
        __atomic_store_n(&s->api->swap, NULL, __ATOMIC_RELEASE);
    swap_calls_free(s);
    __atomic_store_n(&s->done, 1, __ATOMIC_RELEASE);
}

/* Nothing has happened: the old plugin has all its handles, and gets the events that waited. */
static void roll_back(struct swap *s, int32_t code, const char *step)
{
    struct instance *inst = s->inst;
    if (s->fault.code == 0 && inst->last_error.code != 0)
        s->fault = inst->last_error;
    if (s->fault.code == 0)
        (void)fault_set(&s->fault, code < 0 ? code : HAWSE_E_INTERNAL,
                        "%s (%d): %s, without saying why", fault_name(code), code,
                        fault_meaning(code));
    fault_prefix(&s->fault, "%s", step);
    s->step = SWAP_OVER; /* what its destroy asks for is nothing to it any more */
    fault_clear(&inst->last_error);
    if (s->made && !s->worker && !inst->abandoned)
        destroy_state(s, s->p.library, s->state);
    worker_destroy(s->worker);
    s->worker = NULL;
    done(s);
}

void swap_abandon(struct instance *inst, const char *why)
{
    struct swap *s = inst->swap;
    if (s->step == SWAP_DECIDED) /* in the very callback that decided it */
        return;
    fault_clear(&s->fault);
    (void)fault_set(&s->fault, HAWSE_E_STATE, "%s", why);
    roll_back(s, HAWSE_E_STATE, "it was not decided yet");
}

/* The old plugin ends; what it is told it has of the host is gone. */
static void finish(struct swap *s)
{
    struct instance *inst = s->inst;
    struct swap_result *r = s->result;
    if (!s->worker && s->old_state)
        destroy_state(s, s->p.library, s->old_state);
    worker_destroy(s->old_worker);
    r->pause_ns = s->pause_ns;
    r->state_len = s->saved_len;
    r->events = s->n;
    log_line(inst->host->logger, HAWSE_LOG_INFO, inst->config->id,
             "swapped: runs %s %s (sha256 %.12s) in place of %s (sha256 %.12s); %llu bytes of "
             "state, events waited for %llu us, the first %u were taken while the old one stood by",
             inst->library->manifest->id, inst->library->manifest->version, inst->library->digest,
             s->p.library->manifest->version, s->p.library->digest,
             (unsigned long long)s->saved_len, (unsigned long long)(s->pause_ns / 1000u), s->n);
    done(s);
}

/* ---- deciding ---- */

static void record_restore(struct swap *s)
{
    struct instance *inst = s->inst;
    const hawse_event_t event = {
        .size = sizeof(event), .space = HAWSE_SPACE_HOST, .data = s->saved, .len = s->saved_len};
    const hawse_event_t *one = &event;
    tap_swapped(inst);
    tap_restore(inst, &one);
    for (const struct swap_call *c = s->restore_calls; c; c = c->next)
        recorder_call(inst->lane->recorder, &c->call);
    tap_end(inst, HAWSE_OK, s->restore_ns);
    if (s->n > 0)
        tap_events(inst, s->events, s->n);
}

/* Publishes what was held back, in its place among the calls of the capture. */
static void release_calls(struct swap *s)
{
    struct instance *inst = s->inst;
    for (struct swap_call *c = s->event_calls; c; c = c->next) {
        if (c->held) {
            isolated_call(inst, &c->call);
            if (c->call.code < 0)
                log_line(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id,
                         "an event that was held back by the swap could not be published: %s",
                         fault_name(c->call.code));
        } else if (inst->lane->recorder) {
            recorder_call(inst->lane->recorder, &c->call);
        }
    }
}

bool swap_decide(struct swap *s)
{
    struct instance *inst = s->inst;
    uint64_t begin = loop_clock();
    if (s->failed || __atomic_load_n(&inst->abandoned, __ATOMIC_ACQUIRE))
        return false;
    s->step = SWAP_DECIDED;
    prepared_exchange(&s->p, inst);
    s->old_state = inst->plugin_state;
    inst->plugin_state = s->worker ? (void *)inst->isolated : s->state;
    if (s->worker)
        s->old_worker = isolated_exchange(inst, s->worker);
    if (s->api) {
        s->api->grants = s->p.grants;
        s->p.grants = NULL;
        __atomic_store_n(&s->api->api.replay, NULL, __ATOMIC_RELEASE);
    }
    if (inst->lane->recorder)
        record_restore(s);
    release_calls(s);
    s->pause_ns += loop_clock() - begin;
    return true;
}

/* No event has come for a while: it has restored, and that is all that can be seen of it. */
static void on_settled(void *ctx, uint64_t now_ns)
{
    struct swap *s = ctx;
    lane_clock(s->inst->lane, now_ns);
    if (swap_decide(s))
        finish(s);
    else
        roll_back(s, HAWSE_E_NOMEM, "no memory");
}

/* ---- the new plugin's callbacks ---- */

static int32_t run_worker(struct swap *s, struct worker_job *job)
{
    const struct lane *lane = s->inst->lane;
    int32_t result = 0;
    job->handle = s->handle;
    job->now_ns = lane->bus.now_ns;
    job->utc_ns = lane_utc(lane, lane->bus.now_ns);
    job->until_ns = loop_clock() + s->request.limit_ns;
    job->call = swap_worker_call;
    job->ctx = s;
    int32_t code = worker_run(s->worker, job, &result, &s->fault);
    s->lost = code != HAWSE_OK;
    return s->lost ? code : result;
}

static int32_t too_long(struct swap *s, uint64_t ns)
{
    (void)fault_set(&s->fault, HAWSE_E_TIMEOUT, "took %llu us, allowed are %llu",
                    (unsigned long long)(ns / 1000u),
                    (unsigned long long)(s->request.limit_ns / 1000u));
    fault_hint(&s->fault, "allow more by --limit MS: events wait so long");
    return HAWSE_E_TIMEOUT;
}

static int32_t give(struct swap *s, const hawse_event_t *const *events, uint32_t n)
{
    struct worker_job job = {.kind = LINK_EVENTS, .events = events, .n = n};
    return s->worker ? run_worker(s, &job) : s->p.library->table->on_events(s->state, events, n);
}

static int32_t judge(struct swap *s, int32_t took, uint64_t ns)
{
    if (took > (int32_t)s->n)
        return fault_set(&s->fault, HAWSE_E_INVAL,
                         "it was given %u events and claims to have taken %d", s->n, took);
    if (took >= 0 && ns > s->request.limit_ns)
        return too_long(s, ns);
    return took;
}

bool swap_events(struct instance *inst, const hawse_event_t *const *events, uint32_t n,
                 struct swap_tried *tried)
{
    struct swap *s = inst->swap;
    if (s->step != SWAP_TRYING || (s->worker && (n = worker_fits(s->worker, events, n)) == 0))
        return false;
    s->events = events;
    s->n = n;
    swap_calls_begin(s, &s->event_calls);
    /* by the table of the library that is the new one's now, also when it is decided meanwhile */
    callback_begin(inst, CALLBACK_EVENTS, events[0]);
    uint64_t begin = inst->lane->callback_since;
    int32_t took = give(s, events, n);
    uint64_t ns = loop_clock() - begin;
    if (s->step == SWAP_TRYING) {
        took = judge(s, took, ns);
        if (took >= 0)
            (void)swap_decide(s);
    }
    callback_end(inst);
    if (s->step != SWAP_DECIDED) {
        roll_back(s, took < 0 ? took : HAWSE_E_NOMEM, "its first events");
        return false;
    }
    if (s->lost)
        isolated_lost(inst, &s->fault, callback_name(CALLBACK_EVENTS));
    else if (inst->lane->recorder)
        tap_end(inst, took, ns);
    *tried = (struct swap_tried){.n = n, .took = took, .ns = ns};
    finish(s);
    return true;
}

/* ---- handing over ---- */

static int32_t save(struct swap *s)
{
    struct instance *inst = s->inst;
    const hawse_state_interface_t *i = inst->isolated ? NULL : interface_of(inst->library);
    int32_t code;
    if (!inst->isolated && !i)
        return no_interface(inst->library, &s->fault);
    fault_clear(&inst->last_error);
    if (inst->lane->recorder)
        tap_begin(inst, RECORD_SAVE, 0);
    callback_begin(inst, CALLBACK_SAVE, NULL);
    if (i)
        code = i->save(inst->plugin_state, s->saved, HAWSE_STATE_MAX, &s->saved_len);
    else
        code = isolated_save(inst, s->saved, &s->saved_len);
    callback_end(inst);
    if (inst->lane->recorder && !(inst->isolated && inst->isolated->lost))
        tap_end(inst, code, 0);
    if (code >= 0 && s->saved_len > HAWSE_STATE_MAX)
        code = HAWSE_E_NOSPACE;
    if (code == HAWSE_E_UNSUPPORTED && inst->isolated)
        return no_interface(inst->library, &s->fault);
    return code < 0 ? code : HAWSE_OK;
}

static int32_t restore(struct swap *s)
{
    struct instance *inst = s->inst;
    hawse_view_t saved = {.data = s->saved, .len = s->saved_len};
    hawse_view_t settings = hawse_text(s->p.settings);
    struct worker_job job = {.kind = LINK_RESTORE, .settings = settings, .saved = saved};
    fault_clear(&inst->last_error);
    s->step = SWAP_RESTORING;
    swap_calls_begin(s, &s->restore_calls);
    callback_begin(inst, CALLBACK_RESTORE, NULL);
    int32_t code = s->worker
                       ? run_worker(s, &job)
                       : interface_of(s->p.library)
                             ->restore(&s->api->api.table, s->handle, settings, saved, &s->state);
    callback_end(inst);
    s->made = code >= 0;
    if (code == HAWSE_E_UNSUPPORTED && s->worker && !s->lost)
        return no_interface(s->p.library, &s->fault);
    return code < 0 ? code : HAWSE_OK;
}

static void hand_over(struct swap *s)
{
    struct instance *inst = s->inst;
    uint64_t begin = loop_clock();
    s->step = SWAP_SAVING;
    int32_t code = save(s);
    if (inst->isolated && inst->isolated->lost) { /* as if it had been lost in any callback */
        s->fault = inst->last_error;
        isolated_missed(inst);
        return;
    }
    if (code != HAWSE_OK) {
        roll_back(s, code, "the old plugin's save");
        return;
    }
    code = restore(s);
    s->restore_ns = s->pause_ns = loop_clock() - begin;
    if (code == HAWSE_OK && s->pause_ns > s->request.limit_ns)
        code = too_long(s, s->pause_ns);
    if (code != HAWSE_OK) {
        roll_back(s, code, "its restore");
        return;
    }
    s->step = SWAP_TRYING;
    s->timer.fn = on_settled;
    (void)loop_timer_set(inst->lane->loop, &s->timer, loop_clock() + (uint64_t)SWAP_SETTLE_MS * MS);
}

static void on_worker(void *ctx, uint64_t now_ns)
{
    struct swap *s = ctx;
    lane_clock(s->inst->lane, now_ns);
    int32_t code = worker_ready(s->worker, 1, &s->fault);
    if (code == HAWSE_E_AGAIN && now_ns - s->asked_ns < LOAD_NS)
        (void)loop_timer_set(s->inst->lane->loop, &s->timer, loop_clock() + POLL_NS);
    else if (code != HAWSE_OK)
        roll_back(s, code, "loading it in a worker");
    else
        hand_over(s);
}

/* Between callbacks, on the instance's lane. */
static void on_lane(void *ctx)
{
    struct swap *s = ctx;
    struct instance *inst = host_instance(&s->host->api.table, s->handle);
    struct host *host = s->host;
    bool runs = inst && inst->state == INSTANCE_RUNNING && !inst->swap &&
                !__atomic_load_n(&host->quit, __ATOMIC_ACQUIRE);
    if (!runs) {
        (void)fault_set(&s->fault, HAWSE_E_STATE, "instance \"%s\" does not run any more",
                        s->request.instance);
        __atomic_store_n(&s->done, 1, __ATOMIC_RELEASE);
        return;
    }
    inst->swap = s;
    s->timer.ctx = s;
    if (!inst->isolated) {
        hand_over(s);
        return;
    }
    int32_t code = isolated_launch(inst, s->p.library, &s->worker, &s->fault);
    if (code == HAWSE_OK) /* the watchdog knows nothing of it yet */
        worker_poked(s->worker, false);
    s->timer.fn = on_worker;
    s->asked_ns = loop_clock();
    if (code != HAWSE_OK)
        roll_back(s, code, "starting a worker");
    else
        (void)loop_timer_set(inst->lane->loop, &s->timer, s->asked_ns + POLL_NS);
}

/* ---- who waits for it ---- */

static struct instance *find(struct host *host, const char *id, struct fault *fault)
{
    struct instance *inst = NULL;
    (void)pthread_mutex_lock(&host->lock);
    for (uint32_t i = 0; i < host->instance_count && !inst; i++) {
        if (host->instances[i] && strcmp(host->instances[i]->config->id, id) == 0)
            inst = host->instances[i];
    }
    (void)pthread_mutex_unlock(&host->lock);
    if (!inst) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND, "there is no instance \"%s\"", id);
        fault_hint(fault, "`hawse status` lists them");
    } else if (__atomic_load_n(&inst->state, __ATOMIC_ACQUIRE) != INSTANCE_RUNNING) {
        (void)fault_set(fault, HAWSE_E_STATE,
                        "instance \"%s\" is %s, and only one that runs can "
                        "hand over what it knows",
                        id, instance_state_name(inst->state));
        inst = NULL;
    }
    return inst;
}

static void on_the_lane(struct swap *s)
{
    struct timespec tick = {.tv_nsec = MS / 4};
    s->work = (struct loop_work){.fn = on_lane, .ctx = s};
    loop_post(s->inst->lane->loop, &s->work);
    while (!__atomic_load_n(&s->done, __ATOMIC_ACQUIRE) && !host_done(s->host))
        (void)nanosleep(&tick, NULL);
    if (!__atomic_load_n(&s->done, __ATOMIC_ACQUIRE))
        (void)fault_set(&s->fault, HAWSE_E_STATE, "hawse stopped meanwhile");
}

/* All that is decided before the instance notices anything. */
static int32_t get_ready(struct swap *s)
{
    struct instance *inst = s->inst;
    int32_t code = prepare_swap(s->host, inst, s->request.path, &s->p);
    if (code == HAWSE_OK && s->request.shadow)
        code = s->request.shadow(s->request.ctx, s->p.library, &s->p.fault);
    if (code == HAWSE_OK)
        code = prepare_swap_load(s->host, inst, &s->p);
    if (code == HAWSE_OK && !inst->isolated && !interface_of(s->p.library))
        code = no_interface(s->p.library, &s->p.fault);
    if (code == HAWSE_OK && swap_api_new(s) != HAWSE_OK)
        code = fault_set(&s->p.fault, HAWSE_E_NOMEM, "no memory for a swap");
    s->fault = s->p.fault;
    return code;
}

int32_t host_swap(struct host *host, const struct swap_request *request, struct swap_result *result,
                  struct fault *fault)
{
    if (pthread_mutex_trylock(&host->changing) != 0)
        return fault_set(fault, HAWSE_E_STATE, "another swap or a reload is under way");
    struct swap *s = calloc(1, sizeof(*s));
    uint8_t *saved = malloc(HAWSE_STATE_MAX);
    memset(result, 0, sizeof(*result));
    if (s && saved && (s->inst = find(host, request->instance, fault)) != NULL) {
        s->host = host;
        s->handle = s->inst->handle;
        s->request = *request;
        s->result = result;
        s->saved = saved;
        memcpy(result->before, s->inst->library->digest, sizeof(result->before));
        if (get_ready(s) == HAWSE_OK) {
            memcpy(result->digest, s->p.library->digest, sizeof(result->digest));
            (void)snprintf(result->version, sizeof(result->version), "%s",
                           s->p.library->manifest->version);
            on_the_lane(s);
        }
        *fault = s->fault;
        prepare_swap_end(host, &s->p);
    } else if (fault->code == 0) {
        (void)fault_set(fault, HAWSE_E_NOMEM, "no memory for a swap");
    }
    if (s)
        free(s->reserved);
    free(s);
    free(saved);
    (void)pthread_mutex_unlock(&host->changing);
    if (fault->code != 0) {
        fault_prefix(fault, "swap rolled back, the old plugin goes on");
        log_fault(host->logger, HAWSE_LOG_ERROR, request->instance, fault);
    }
    return fault->code;
}
