/*
 * Links between instances: each leads to one that is there and enabled, none in a circle; and the
 * order that follows from them. Small lists: clarity over speed.
 */
#include "config/internal.h"

#include "base/schema.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t index_of(const struct config *c, const char *id)
{
    const struct config_instance *in = config_find(c, id);
    return in ? (size_t)(in - c->instances) : SIZE_MAX;
}

static int32_t unknown_target(const struct config *c, const struct config_instance *in,
                              const struct config_link *link, struct fault *fault)
{
    const char *ids[CONFIG_INSTANCES];
    for (size_t i = 0; i < c->instance_count; i++)
        ids[i] = c->instances[i].id;
    const char *near = schema_nearest(link->target, ids, c->instance_count);
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "instances.%s.links.%s: there is no instance \"%s\"",
                    in->id, link->name, link->target);
    if (near)
        fault_hint(fault, "did you mean \"%s\"?", near);
    else
        fault_hint(fault, "add instances.%s, or remove the link", link->target);
    return HAWSE_E_NOTFOUND;
}

static int32_t check_targets(const struct config *c, const struct config_instance *in,
                             struct fault *fault)
{
    for (size_t l = 0; in->enabled && l < in->link_count; l++) {
        const struct config_link *link = &in->links[l];
        const struct config_instance *target = config_find(c, link->target);
        if (!target)
            return unknown_target(c, in, link, fault);
        if (target->enabled)
            continue;
        (void)fault_set(fault, HAWSE_E_STATE,
                        "instances.%s.links.%s: instance \"%s\" is not enabled", in->id, link->name,
                        target->id);
        fault_hint(fault, "set instances.%s.enabled to true, or disable instances.%s too",
                   target->id, in->id);
        return HAWSE_E_STATE;
    }
    return HAWSE_OK;
}

/* The first link that waits for an instance which is not placed; NULL = it may be placed. Links of
 * what is disabled bind nobody. */
static const struct config_link *waits_for(const struct config *c, const bool *placed, size_t i)
{
    const struct config_instance *in = &c->instances[i];
    for (size_t l = 0; in->enabled && l < in->link_count; l++) {
        if (!placed[index_of(c, in->links[l].target)])
            return &in->links[l];
    }
    return NULL;
}

/* Everything that is not placed waits for something that is not placed either: following the links
 * must come round. */
static int32_t name_circle(const struct config *c, const bool *placed, struct fault *fault)
{
    char names[400] = "";
    size_t at = 0;
    while (placed[at])
        at++;
    for (size_t steps = 0; steps < c->instance_count; steps++) /* into the circle */
        at = index_of(c, waits_for(c, placed, at)->target);
    size_t first = at;
    do {
        size_t n = strlen(names);
        (void)snprintf(names + n, sizeof(names) - n, "%s -> ", c->instances[at].id);
        at = index_of(c, waits_for(c, placed, at)->target);
    } while (at != first);
    (void)fault_set(
        fault, HAWSE_E_INVAL, "instances.%s.links.%s: the links go round in a circle: %s%s",
        c->instances[first].id, waits_for(c, placed, first)->name, names, c->instances[first].id);
    fault_hint(fault, "remove one of these links");
    return HAWSE_E_INVAL;
}

/* The next one is always the first in the file that may be placed, so that the order changes as
 * little as possible. */
static size_t next_ready(const struct config *c, const bool *placed)
{
    for (size_t i = 0; i < c->instance_count; i++) {
        if (!placed[i] && !waits_for(c, placed, i))
            return i;
    }
    return SIZE_MAX;
}

static int32_t sort(struct config *c, struct fault *fault)
{
    struct config_instance *sorted = calloc(c->instance_count + 1, sizeof(sorted[0]));
    bool *placed = calloc(c->instance_count + 1, sizeof(placed[0]));
    int32_t code =
        sorted && placed ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "instances: no memory");
    for (size_t done = 0; code == HAWSE_OK && done < c->instance_count; done++) {
        size_t i = next_ready(c, placed);
        if (i == SIZE_MAX) {
            code = name_circle(c, placed, fault);
            break;
        }
        placed[i] = true;
        sorted[done] = c->instances[i];
    }
    if (code == HAWSE_OK)
        memcpy(c->instances, sorted, c->instance_count * sizeof(sorted[0]));
    free(sorted);
    free(placed);
    return code;
}

int32_t links_resolve(struct config *c, struct fault *fault)
{
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < c->instance_count && code == HAWSE_OK; i++)
        code = check_targets(c, &c->instances[i], fault);
    return code == HAWSE_OK ? sort(c, fault) : code;
}
