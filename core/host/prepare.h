/*
 * Everything about an instance that can be decided before any of its code runs: its file, its
 * manifest, its grants, its credentials, its settings. Used at start and for a reload.
 */
#ifndef CORE_HOST_PREPARE_H
#define CORE_HOST_PREPARE_H

#include "host/host.h"

struct prepared {
    struct library *library; /* shared: the registry in prepare.c keeps loaded ones for ever */
    struct grants *grants;
    struct credentials credentials;
    char *settings; /* checked, with defaults */
    struct fault fault;
};

/* Prepares every enabled instance. strict: the first fault refuses the whole (and is returned);
 * else each keeps its own. */
int32_t prepare_all(struct host *host, struct config *config, bool strict, struct prepared **out,
                    struct fault *fault);
/* Moves library and grants into the instance, or its fault, which makes it REFUSED. */
void prepared_give(struct prepared *prepared, struct instance *inst);
/* The same for one instance without loading anything: for `hawse config`. *out is filled in as far
 * as it goes, also when it is refused; prepare_forget ends it. */
int32_t prepare_look(const struct config *config, const struct config_instance *instance,
                     struct prepared *out);
/* Another file for an instance that runs: the same plugin, within the same grants, fit to run where
 * the instance does. Runs none of it. prepare_swap_end ends it, also when it was refused. */
int32_t prepare_swap(struct host *host, const struct instance *inst, const char *path,
                     struct prepared *out);
/* Tries and loads it, unless it is for a worker, which does that itself. */
int32_t prepare_swap_load(struct host *host, const struct instance *inst, struct prepared *p);
void prepare_swap_end(struct host *host, struct prepared *p);
/* [lane] The instance is the other plugin's from now on; *p is what it was before. */
void prepared_exchange(struct prepared *p, struct instance *inst);
void prepare_forget(struct prepared *prepared);
void prepared_destroy(struct prepared *prepared, size_t count);

#endif
