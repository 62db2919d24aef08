/*
 * Finds, judges, tries and loads plugins, and resolves what instances may do; see prepare.h. Keeps
 * every library that was ever loaded: a plugin is never unloaded, and the same file is loaded once.
 */
#include "host/prepare.h"

#include "plugin/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARNINGS = 8 }; /* of one file in the log: a stranger's manifest has room for thousands */

/* The library with this digest that is loaded already, if any. */
static struct library *known(struct host *host, const char *digest)
{
    for (uint32_t i = 0; i < host->library_count; i++) {
        if (strcmp(host->libraries[i]->digest, digest) == 0)
            return host->libraries[i];
    }
    return NULL;
}

static int32_t remember(struct host *host, struct library *library, struct fault *fault)
{
    if (host->library_count == HOST_INSTANCES)
        return fault_set(fault, HAWSE_E_LIMIT, "more than %d plugin files in one run",
                         HOST_INSTANCES);
    host->libraries[host->library_count++] = library;
    return HAWSE_OK;
}

static int32_t safe_mode(const struct host *host, const struct library *library,
                         struct fault *fault)
{
    if (!host->safe_digests || !strstr(host->safe_digests, library->digest))
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_DENIED, "left out by --safe: it crashed an earlier run");
    fault_hint(fault, "start without --safe to use it again");
    return HAWSE_E_DENIED;
}

/* What its author should mend, though it may run. */
static void log_warnings(struct logger *logger, const struct library *library)
{
    const struct manifest *m = library->manifest;
    for (size_t i = 0; i < m->warning_count && i < WARNINGS; i++)
        log_line(logger, HAWSE_LOG_WARN, "plugins", "%s: %s", library->path, m->warnings[i]);
    if (m->warning_count > WARNINGS)
        log_line(logger, HAWSE_LOG_WARN, "plugins",
                 "%s: and %zu more; `hawse plugins` prints them all", library->path,
                 m->warning_count - WARNINGS);
}

/* The manifest against what the operator wrote. */
static int32_t judge_manifest(const struct config_instance *instance, struct prepared *p)
{
    const struct manifest *m = p->library->manifest;
    char where[128];
    (void)snprintf(where, sizeof(where), "instances.%s.settings", instance->id);
    int32_t code = grants_resolve(m, instance, &p->grants, &p->fault);
    if (code == HAWSE_OK)
        code = credentials_make(instance, &p->credentials, &p->fault);
    return code == HAWSE_OK
               ? manifest_check_settings(m, where, instance->settings, &p->settings, &p->fault)
               : code;
}

/* Why it runs in a worker when its instance does not say where: code in this process could do all
 * that the host can. NULL: it runs in this process. */
static const char *why_isolated(const struct config *config, const struct config_instance *instance,
                                const struct library *library)
{
    if (!config->isolates)
        return NULL;
    if (!library_trusted(library, config->trusted, config->trusted_count))
        return "its file is not trusted (\"plugins.trusted\")";
    if (library->manifest->maturity == MATURITY_EXPERIMENTAL)
        return "it is experimental";
    for (size_t i = 0; i < instance->grant_count; i++) {
        if (strncmp(instance->grants[i], "intent", 6) == 0 ||
            strncmp(instance->grants[i], "sign:", 5) == 0)
            return "it may have something signed";
    }
    return NULL;
}

/* Static part: file, manifest, quarantine, grants, settings. */
static int32_t judge(struct host *host, const struct config *config,
                     struct config_instance *instance, struct prepared *p)
{
    struct fault *fault = &p->fault;
    struct library *found = NULL;
    int32_t code = library_find(instance->plugin, config->plugin_path, config->plugin_path_count,
                                &found, fault);
    if (code != HAWSE_OK)
        return code;
    struct library *loaded = known(host, found->digest);
    if (loaded) {
        library_destroy(found);
        found = loaded;
    } else {
        code = remember(host, found, fault);
        log_warnings(host->logger, found);
    }
    p->library = found;
    if (instance->isolation == ISOLATION_DEFAULT) {
        instance->isolation_left = true;
        instance->isolation_why = why_isolated(config, instance, found);
        instance->isolation = instance->isolation_why ? ISOLATION_PROCESS : ISOLATION_NONE;
    }
    if (code == HAWSE_OK)
        code = quarantine_check(config->state_dir, found->digest, fault);
    if (code == HAWSE_OK)
        code = safe_mode(host, found, fault);
    return code == HAWSE_OK ? judge_manifest(instance, p) : code;
}

int32_t prepare_look(const struct config *config, const struct config_instance *instance,
                     struct prepared *p)
{
    memset(p, 0, sizeof(*p));
    int32_t code = library_find(instance->plugin, config->plugin_path, config->plugin_path_count,
                                &p->library, &p->fault);
    if (code == HAWSE_OK)
        code = quarantine_check(config->state_dir, p->library->digest, &p->fault);
    return code == HAWSE_OK ? judge_manifest(instance, p) : code;
}

void prepare_forget(struct prepared *p)
{
    free(p->settings);
    grants_destroy(p->grants);
    credentials_finish(&p->credentials);
    library_destroy(p->library);
}

/* ---- a swap ---- */

static int32_t same_plugin(const struct library *old, const struct library *new,
                           struct fault *fault)
{
    const struct manifest *a = old->manifest, *b = new->manifest;
    if (strcmp(a->id, b->id) == 0 && strcmp(a->kind, b->kind) == 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_INVAL, "%s: expected a %s with the id %s, found a %s with %s",
                    new->path, a->kind, a->id, b->kind, b->id);
    fault_hint(fault, "another plugin is another instance: change the configuration, and reload");
    return HAWSE_E_INVAL;
}

static int32_t fits_here(const struct host *host, const struct instance *inst,
                         const struct library *library, struct fault *fault)
{
    const char *why = inst->isolated || !inst->config->isolation_left
                          ? NULL
                          : why_isolated(host->config, inst->config, library);
    if (!why)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_DENIED,
                    "%s would run in the host's own process, and may not: %s", library->path, why);
    fault_hint(fault,
               "name it in plugins.trusted, or say \"isolation\" of instance \"%s\"; then "
               "reload",
               inst->config->id);
    return HAWSE_E_DENIED;
}

int32_t prepare_swap(struct host *host, const struct instance *inst, const char *path,
                     struct prepared *p)
{
    struct library *found = NULL;
    memset(p, 0, sizeof(*p));
    int32_t code = library_inspect(path, &found, &p->fault);
    if (code != HAWSE_OK)
        return code;
    p->library = known(host, found->digest);
    if (p->library)
        library_destroy(found);
    else
        p->library = found;
    code = same_plugin(inst->library, p->library, &p->fault);
    if (code == HAWSE_OK)
        code = quarantine_check(host->config->state_dir, p->library->digest, &p->fault);
    if (code == HAWSE_OK)
        code = safe_mode(host, p->library, &p->fault);
    if (code == HAWSE_OK)
        code = fits_here(host, inst, p->library, &p->fault);
    return code == HAWSE_OK ? judge_manifest(inst->config, p) : code;
}

int32_t prepare_swap_load(struct host *host, const struct instance *inst, struct prepared *p)
{
    struct library *library = p->library;
    struct fault verdict = {0};
    int32_t code = HAWSE_OK;
    if (!library_unchanged(library))
        return fault_set(&p->fault, HAWSE_E_STATE, "%s was overwritten since it was judged",
                         library->path);
    if (!inst->isolated && !library->table) {
        code = library_trial(&library, 1, host->config->state_dir, &verdict, &p->fault);
        if (code == HAWSE_OK && verdict.code != 0) {
            p->fault = verdict;
            code = verdict.code;
        }
        if (code == HAWSE_OK)
            code = library_load(library, &host->api.table, &p->fault);
    }
    if (code == HAWSE_OK && !known(host, library->digest))
        code = remember(host, library, &p->fault);
    return code;
}

void prepare_swap_end(struct host *host, struct prepared *p)
{
    struct library *library = p->library;
    bool kept = library && (known(host, library->digest) == library || library->dl);
    free(p->settings);
    grants_destroy(p->grants);
    credentials_finish(&p->credentials);
    if (!kept)
        library_destroy(library);
}

/* Accepted files that are not loaded yet, each once. */
static size_t collect_fresh(const struct config *config, const struct prepared *prepared,
                            struct library **fresh)
{
    size_t count = 0;
    for (size_t i = 0; i < config->instance_count; i++) {
        struct library *library = prepared[i].library;
        bool listed = !library || prepared[i].fault.code != 0 || library->table ||
                      config->instances[i].isolation == ISOLATION_PROCESS; /* which loads it */
        for (size_t k = 0; k < count && !listed; k++)
            listed = fresh[k] == library;
        if (!listed)
            fresh[count++] = library;
    }
    return count;
}

/* Files that were never tried before are loaded in a child first, then here. */
static int32_t load_all(struct host *host, const struct config *config, struct prepared *prepared)
{
    struct library *fresh[HOST_INSTANCES];
    size_t count = collect_fresh(config, prepared, fresh);
    if (count == 0)
        return HAWSE_OK;
    struct fault *verdicts = calloc(count, sizeof(*verdicts));
    if (!verdicts)
        return HAWSE_E_NOMEM;
    struct fault trial = {0};
    int32_t code = library_trial(fresh, count, config->state_dir, verdicts, &trial);
    for (size_t k = 0; k < count; k++) {
        if (code != HAWSE_OK && verdicts[k].code == 0)
            verdicts[k] = trial;
        if (verdicts[k].code == 0)
            (void)library_load(fresh[k], &host->api.table, &verdicts[k]);
        for (size_t i = 0; i < config->instance_count; i++) {
            if (prepared[i].library == fresh[k] && prepared[i].fault.code == 0)
                prepared[i].fault = verdicts[k];
        }
    }
    free(verdicts);
    return HAWSE_OK;
}

int32_t prepare_all(struct host *host, struct config *config, bool strict, struct prepared **out,
                    struct fault *fault)
{
    struct prepared *prepared = calloc(config->instance_count + 1, sizeof(*prepared));
    if (!prepared)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for %zu instances",
                         config->instance_count);
    for (size_t i = 0; i < config->instance_count; i++) {
        struct config_instance *instance = &config->instances[i];
        if (instance->enabled && judge(host, config, instance, &prepared[i]) == HAWSE_OK) {
            free(instance->settings);
            instance->settings = prepared[i].settings;
            prepared[i].settings = NULL;
        }
    }
    int32_t code = load_all(host, config, prepared);
    for (size_t i = 0; i < config->instance_count && strict && code == HAWSE_OK; i++) {
        if (prepared[i].fault.code == 0)
            continue;
        *fault = prepared[i].fault;
        fault_prefix(fault, "instance \"%s\"", config->instances[i].id);
        code = fault->code;
    }
    if (code != HAWSE_OK) {
        prepared_destroy(prepared, config->instance_count);
        return fault_set(fault, code, "plugins could not be prepared");
    }
    *out = prepared;
    return HAWSE_OK;
}

/* Bits and numbers of the spaces that the manifest says it produces, for a cheap check per publish.
 */
static void resolve_spaces(struct instance *inst)
{
    const struct manifest *m = inst->library->manifest;
    inst->own_space_count = 0;
    inst->produces = 1ull << HAWSE_SPACE_STREAM; /* any source may speak of its own continuity */
    for (size_t i = 0; i < m->produce_count; i++) {
        uint16_t n = host_space_number(inst->host, m->produces[i], strlen(m->produces[i]), true);
        if (n > 0 && n < 64)
            inst->produces |= 1ull << n;
        else if (n > 0 && inst->own_space_count < 16)
            inst->own_spaces[inst->own_space_count++] = n;
    }
    if (inst->config->budget.callback_us == 0 && m->callback_us > 0)
        inst->callback_us = m->callback_us;
}

void prepared_give(struct prepared *prepared, struct instance *inst)
{
    inst->library = prepared->library;
    if (prepared->fault.code != 0) {
        inst->fault = prepared->fault;
        inst->state = INSTANCE_REFUSED;
        inst->released = true;
        log_fault(inst->host->logger, HAWSE_LOG_ERROR, inst->config->id, &inst->fault);
        return;
    }
    inst->grants = prepared->grants;
    prepared->grants = NULL;
    inst->credentials = prepared->credentials;
    prepared->credentials = (struct credentials){NULL, 0};
    resolve_spaces(inst);
}

void prepared_exchange(struct prepared *p, struct instance *inst)
{
    struct prepared old = {.library = inst->library,
                           .grants = inst->grants,
                           .credentials = inst->credentials,
                           .settings = inst->settings};
    (void)pthread_mutex_lock(&inst->host->lock); /* status may be looking at it */
    inst->library = p->library;
    inst->grants = p->grants;
    inst->credentials = p->credentials;
    inst->settings = p->settings;
    (void)pthread_mutex_unlock(&inst->host->lock);
    *p = old;
    resolve_spaces(inst);
}

void prepared_destroy(struct prepared *prepared, size_t count)
{
    for (size_t i = 0; prepared && i < count; i++) {
        grants_destroy(prepared[i].grants);
        credentials_finish(&prepared[i].credentials);
        free(prepared[i].settings);
    }
    free(prepared);
}
