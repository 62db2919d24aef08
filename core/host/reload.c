/*
 * Reload: a new configuration is loaded, checked and prepared off the lane; the lane then stops
 * what is gone or changed, and makes what is new or changed. Rejected as a whole when anything in
 * it is refused; what did not change keeps running and misses nothing.
 */
#include "host/prepare.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct reload {
    struct config *config;
    struct prepared *prepared; /* one per instance of the new config, in order */
    bool *keep;                /* by slot of the running instances */
    bool stopping_done;
    int finished; /* atomic */
};

static struct instance *running(struct host *host, const char *id)
{
    for (uint32_t i = 0; i < host->instance_count; i++) {
        struct instance *inst = host->instances[i];
        if (inst && strcmp(inst->config->id, id) == 0)
            return inst;
    }
    return NULL;
}

/* Unchanged, running, and everything it links to is kept too. */
static bool may_keep(const struct reload *r, struct host *host, const struct config_instance *next,
                     const struct library *library)
{
    const struct instance *inst = running(host, next->id);
    if (!inst || inst->state != INSTANCE_RUNNING || !next->enabled ||
        strcmp(inst->library->digest, library->digest) != 0 ||
        !config_instance_equal(inst->config, next))
        return false;
    for (size_t l = 0; l < next->link_count; l++) {
        const struct instance *target = running(host, next->links[l].target);
        if (!target || !r->keep[target->index])
            return false;
    }
    return true;
}

/* Readers before their sources here, the other way round than in a shutdown: a reader that stays
 * has no source that goes, so what stops loses nothing that anybody still reads. */
static bool stop_changed(struct lane *lane, struct reload *r)
{
    struct host *host = lane->host;
    uint64_t deadline = host->quit_deadline_ns;
    for (uint32_t i = host->instance_count; i-- > 0;) {
        struct instance *inst = host->instances[i];
        if (!inst || r->keep[i])
            continue;
        if ((inst->state == INSTANCE_RUNNING || inst->state == INSTANCE_STOPPING) &&
            !instance_stop(inst, deadline))
            return false;
        instance_release(inst);
        metrics_drop_instance(host->metrics, inst->config->id);
        instance_free(inst);
    }
    return true;
}

static void add_new(struct host *host, struct reload *r)
{
    for (size_t i = 0; i < r->config->instance_count; i++) {
        const struct config_instance *config = &r->config->instances[i];
        struct prepared *p = &r->prepared[i];
        struct instance *inst = running(host, config->id);
        if (inst) { /* kept: it points into the new configuration from now on */
            inst->config = config;
            (void)instance_resolve_links(inst);
            continue;
        }
        if (!config->enabled)
            continue;
        struct fault fault = {0};
        if (instance_new(host, config, &inst, &fault) != HAWSE_OK) {
            log_fault(host->logger, HAWSE_LOG_ERROR, config->id, &fault);
            continue;
        }
        prepared_give(p, inst);
    }
}

bool reload_advance(struct lane *lane)
{
    struct host *host = lane->host;
    struct reload *r = __atomic_load_n(&host->reload, __ATOMIC_ACQUIRE);
    if (!r || r->finished)
        return true;
    if (!r->stopping_done) {
        if (host->quit_deadline_ns == 0)
            host->quit_deadline_ns =
                loop_clock() + (uint64_t)host->config->stop_deadline_ms * 1000000u;
        if (!stop_changed(lane, r))
            return false;
        r->stopping_done = true;
        host->quit_deadline_ns = 0;
    }
    struct config *old = host->config;
    add_new(host, r);
    host->config = r->config;
    r->config = old; /* destroyed by the main thread: it may take time */
    lane->started = false;
    __atomic_store_n(&r->finished, 1, __ATOMIC_RELEASE);
    return false;
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

int32_t host_reload(struct host *host, struct config *config, struct fault *fault)
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
    plan(host, r);
    __atomic_store_n(&host->reload, r, __ATOMIC_RELEASE);
    host_wake(host);
    while (!__atomic_load_n(&r->finished, __ATOMIC_ACQUIRE)) {
        struct timespec ts = {.tv_nsec = 1000000};
        (void)nanosleep(&ts, NULL);
    }
    __atomic_store_n(&host->reload, NULL, __ATOMIC_RELEASE);
    prepared_destroy(r->prepared, host->config->instance_count);
    r->prepared = NULL;
    config = r->config; /* the old one */
out:
    if (r)
        prepared_destroy(r->prepared, r->config ? r->config->instance_count : 0);
    config_destroy(config);
    free(keep);
    free(r);
    return code;
}
