/*
 * Reload: a new configuration is loaded, checked and prepared off the lanes; they then stop what is
 * gone or changed, one after the other in turns, make what is new or changed, and take over the new
 * configuration of what stays. Rejected as a whole when anything in it is refused; what did not
 * change keeps running and misses nothing.
 *
 * The old configuration is freed when every lane has let go of it: each does so between callbacks,
 * so none is inside a call that still looks at it.
 */
#include "host/prepare.h"
#include "host/way.h"
#include "tx/desk.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct reload {
    struct config *config;        /* the new one, until the old one takes its place here */
    struct prepared *prepared;    /* one per instance of the new config, in order */
    bool *keep;                   /* by slot of the running instances */
    uint8_t ends[HOST_INSTANCES]; /* by slot: which lane ends its turn; fixed before any begins */
    uint64_t deadline_ns;
    uint32_t turn;   /* atomic: one more than the slot of the instance that stops next */
    int added;       /* atomic: new instances are there */
    uint32_t joined; /* atomic: lanes that have taken over the new configuration */
    uint32_t left;   /* atomic: lanes that do not look at this any more */
};

static struct instance *running(struct host *host, const char *id)
{
    for (uint32_t i = 0; i < host->instance_count; i++) {
        struct instance *inst = host->instances[i];
        if (inst && strcmp(instance_config(inst)->id, id) == 0)
            return inst;
    }
    return NULL;
}

/* Unchanged, running, and everything it links to is kept too. */
static bool may_keep(const struct reload *r, struct host *host, const struct config_instance *next,
                     const struct library *library)
{
    const struct instance *inst = running(host, next->id);
    if (!inst || __atomic_load_n(&inst->state, __ATOMIC_ACQUIRE) != INSTANCE_RUNNING ||
        !next->enabled || strcmp(inst->library->digest, library->digest) != 0 ||
        !config_instance_equal(inst->config, next))
        return false;
    for (size_t l = 0; l < next->link_count; l++) {
        const struct instance *target = running(host, next->links[l].target);
        if (!target || !r->keep[target->index])
            return false;
    }
    return true;
}

/* Ends an instance that does not stay. False: not yet. */
static bool end_instance(struct reload *r, struct instance *inst)
{
    struct host *host = inst->host;
    if ((inst->state == INSTANCE_RUNNING || inst->state == INSTANCE_STOPPING) &&
        !instance_stop(inst, r->deadline_ns))
        return false;
    instance_release(inst);
    if (inst->ways) /* until other lanes have let go of it */
        return false;
    (void)pthread_mutex_lock(&host->lock); /* status finds it no more when its metrics go */
    host->instances[inst->index] = NULL;
    metrics_drop_instance(host->metrics, inst->config->id);
    (void)pthread_mutex_unlock(&host->lock);
    instance_free(inst);
    return true;
}

/* Readers before their sources here, the other way round than in a shutdown: a reader that stays
 * has no source that goes, so what stops loses nothing that anybody still reads. True when all are
 * done; each lane takes the turns of its own. */
static bool stop_changed(struct lane *lane, struct reload *r)
{
    struct host *host = lane->host;
    uint32_t turn;
    while ((turn = __atomic_load_n(&r->turn, __ATOMIC_ACQUIRE)) > 0) {
        uint32_t slot = turn - 1;
        if (lane->index != r->ends[slot])
            return false;
        struct instance *inst = host->instances[slot];
        if (inst && !r->keep[slot] && !end_instance(r, inst))
            return false;
        __atomic_store_n(&r->turn, slot, __ATOMIC_RELEASE);
        if (host->lane_count > 1)
            host_wake(host);
    }
    return true;
}

/* On the first lane, when all others wait. */
static void add_new(struct host *host, struct reload *r)
{
    for (size_t i = 0; i < r->config->instance_count; i++) {
        const struct config_instance *config = &r->config->instances[i];
        struct instance *inst = running(host, config->id);
        if (inst || !config->enabled) /* kept: see take_over */
            continue;
        struct fault fault = {0};
        if (instance_new(host, config, &inst, &fault) != HAWSE_OK) {
            log_fault(host->logger, HAWSE_LOG_ERROR, config->id, &fault);
            continue;
        }
        prepared_give(&r->prepared[i], inst);
    }
}

/* What stays on this lane points into the new configuration from now on. */
static void take_over(struct lane *lane, struct reload *r)
{
    struct host *host = lane->host;
    for (size_t i = 0; i < r->config->instance_count; i++) {
        const struct config_instance *config = &r->config->instances[i];
        struct instance *inst = running(host, config->id);
        if (!inst || inst->lane != lane || inst->config == config)
            continue;
        (void)pthread_mutex_lock(&host->lock); /* status may be looking at it */
        __atomic_store_n(&inst->config, config, __ATOMIC_RELEASE);
        (void)pthread_mutex_unlock(&host->lock);
        (void)instance_resolve_links(inst);
    }
}

bool reload_advance(struct lane *lane)
{
    struct host *host = lane->host;
    uint32_t number = __atomic_load_n(&host->reloads, __ATOMIC_ACQUIRE);
    if (__builtin_expect(number == lane->reloads_seen, 1))
        return true;
    struct reload *r = host->reload;
    if (!stop_changed(lane, r))
        return false;
    if (lane->index == 0 && !r->added) {
        add_new(host, r);
        __atomic_store_n(&r->added, 1, __ATOMIC_RELEASE);
    }
    if (!__atomic_load_n(&r->added, __ATOMIC_ACQUIRE))
        return false;
    if (!lane->reload_joined) {
        take_over(lane, r);
        lane->reload_joined = true;
        (void)__atomic_add_fetch(&r->joined, 1, __ATOMIC_ACQ_REL);
    }
    if (__atomic_load_n(&r->joined, __ATOMIC_ACQUIRE) < host->lane_count)
        return false;
    lane->reload_joined = false;
    lane->reloads_seen = number;
    __atomic_store_n(&lane->started, false, __ATOMIC_RELEASE);
    (void)__atomic_add_fetch(&r->left, 1, __ATOMIC_ACQ_REL);
    return false;
}

static bool same_lanes(const struct config *a, const struct config *b)
{
    bool same = a->lane_count == b->lane_count;
    for (size_t i = 0; i < a->lane_count && same; i++)
        same = strcmp(a->lanes[i].name, b->lanes[i].name) == 0 &&
               a->lanes[i].cpu == b->lanes[i].cpu && a->lanes[i].spin_us == b->lanes[i].spin_us;
    return same;
}

static int32_t refuse_fixed(const struct config *old, const struct config *next,
                            struct fault *fault)
{
    const char *what = NULL;
    if (strcmp(old->state_dir, next->state_dir) != 0)
        what = "state_dir";
    if ((old->http_listen == NULL) != (next->http_listen == NULL) ||
        (old->http_listen && strcmp(old->http_listen, next->http_listen) != 0))
        what = "http.listen";
    if ((old->control_path == NULL) != (next->control_path == NULL) ||
        (old->control_path && strcmp(old->control_path, next->control_path) != 0))
        what = "control.socket";
    if ((old->record.file == NULL) != (next->record.file == NULL) ||
        (old->record.file && strcmp(old->record.file, next->record.file) != 0))
        what = "record.file";
    if (!same_lanes(old, next))
        what = "lanes";
    if (!what)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_STATE, "%s: %s cannot change while hawse runs", next->path,
                    what);
    fault_hint(fault, "set it back, or restart");
    return HAWSE_E_STATE;
}

static void plan(struct host *host, struct reload *r)
{
    for (size_t i = 0; i < r->config->instance_count; i++) {
        const struct config_instance *next = &r->config->instances[i];
        struct instance *inst = running(host, next->id);
        if (inst && r->prepared[i].library)
            r->keep[inst->index] = may_keep(r, host, next, r->prepared[i].library);
    }
}

static int32_t apply(struct host *host, struct config *config, struct fault *fault)
{
    struct reload *r = calloc(1, sizeof(*r));
    bool *keep = calloc(HOST_INSTANCES, sizeof(bool));
    int32_t code = HAWSE_OK;
    if (!r || !keep) {
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory for a reload");
        goto out;
    }
    r->config = config;
    r->keep = keep;
    code = refuse_fixed(host->config, config, fault);
    if (code != HAWSE_OK)
        goto out;
    code = prepare_all(host, config, true, &r->prepared, fault);
    if (code != HAWSE_OK)
        goto out;
    desk_reload(host->desk, config); /* limits of new instances are there before they are */
    plan(host, r);
    r->turn = host->instance_count;
    for (uint32_t i = 0; i < host->instance_count; i++)
        r->ends[i] = host->instances[i] ? (uint8_t)host->instances[i]->lane->index : 0;
    r->deadline_ns = loop_clock() + (uint64_t)host->config->stop_deadline_ms * 1000000u;
    host->reload = r;
    (void)__atomic_add_fetch(&host->reloads, 1, __ATOMIC_RELEASE);
    host_wake(host);
    while (__atomic_load_n(&r->left, __ATOMIC_ACQUIRE) < host->lane_count) {
        struct timespec ts = {.tv_nsec = 1000000};
        (void)nanosleep(&ts, NULL);
    }
    host->reload = NULL;
    (void)pthread_mutex_lock(&host->lock);
    config = host->config;
    host->config = r->config;
    (void)pthread_mutex_unlock(&host->lock);
    r->config = NULL;
    prepared_destroy(r->prepared, host->config->instance_count);
    r->prepared = NULL;
out:
    if (r && r->prepared)
        prepared_destroy(r->prepared, r->config->instance_count);
    config_destroy(config);
    free(keep);
    free(r);
    return code;
}

int32_t host_reload(struct host *host, struct config *config, struct fault *fault)
{
    if (pthread_mutex_trylock(&host->changing) != 0) {
        (void)fault_set(fault, HAWSE_E_STATE, "a plugin is being swapped");
        fault_hint(fault, "reload again when `hawse reload` has answered");
        config_destroy(config);
        return HAWSE_E_STATE;
    }
    int32_t code = apply(host, config, fault);
    (void)pthread_mutex_unlock(&host->changing);
    return code;
}
