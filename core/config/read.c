/*
 * Instances, from the checked tree into the struct: names for numbers, paths from the
 * configuration's folder on, and what no schema can say of one value. What this changes (paths made
 * whole, sizes rounded) is written back into the tree, so that explain shows what holds.
 */
#include "config/internal.h"

#include "base/schema.h"

#include <hawse/hawse.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool copy_text(char **out, const char *text)
{
    *out = strdup(text);
    return *out != NULL;
}

char *path_from(const char *dir, const char *path)
{
    size_t cap = strlen(dir) + strlen(path) + 2;
    char *out = malloc(cap);
    if (out)
        (void)snprintf(out, cap, "%s%s%s", path[0] == '/' ? "" : dir, path[0] == '/' ? "" : "/",
                       path);
    return out;
}

bool name_legal(const char *name, bool upper_case)
{
    const char *legal = "abcdefghijklmnopqrstuvwxyz0123456789_-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t len = strlen(name);
    if (len == 0 || len > 63)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!memchr(legal, name[i], upper_case ? 64 : 38))
            return false;
    }
    return true;
}

int32_t no_memory(struct reader *r, const char *where)
{
    return fault_set(r->fault, HAWSE_E_NOMEM, "%s: no memory", where);
}

/* ---- values that the schema has checked ---- */

uint32_t read_number(const json_t *o, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(o, key));
}

unsigned read_word(const json_t *o, const char *key, const char *const *names, unsigned count)
{
    const char *value = json_string_value(json_object_get(o, key));
    for (unsigned i = 0; value && i < count; i++) {
        if (strcmp(names[i], value) == 0)
            return i;
    }
    return 0;
}

/* A path, NULL when the key holds none. */
int32_t read_path(struct reader *r, json_t *o, const char *key, char **out)
{
    const char *written = json_string_value(json_object_get(o, key));
    if (!written)
        return HAWSE_OK;
    *out = path_from(r->dir, written);
    if (!*out || json_object_set_new(o, key, json_string(*out)) != 0)
        return no_memory(r, key);
    return HAWSE_OK;
}

/* ---- instances ---- */

static int32_t check_lane(struct reader *r, const struct config_instance *in)
{
    const struct config *c = r->config;
    const char *names[CONFIG_LANES];
    char all[256];
    size_t at = 0;
    for (size_t i = 0; i < c->lane_count; i++) {
        names[i] = c->lanes[i].name;
        if (strcmp(names[i], in->lane) == 0)
            return HAWSE_OK;
        int n = snprintf(all + at, sizeof(all) - at, "%s%s", i > 0 ? ", " : "", names[i]);
        at = n > 0 && at + (size_t)n < sizeof(all) ? at + (size_t)n : sizeof(all) - 1;
    }
    (void)fault_set(r->fault, HAWSE_E_NOTFOUND, "instances.%s.lane: there is no lane \"%s\"",
                    in->id, in->lane);
    const char *near = schema_nearest(in->lane, names, c->lane_count);
    if (near)
        fault_hint(r->fault, "did you mean \"%s\"?", near);
    else
        fault_hint(r->fault, "the lanes are: %s; add lanes.%s, or name one of them", all, in->lane);
    return HAWSE_E_NOTFOUND;
}

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 64;
    while (p < n)
        p *= 2;
    return p;
}

static int32_t read_links(struct reader *r, struct config_instance *in, json_t *links)
{
    const char *name;
    json_t *value;
    in->links = calloc(json_object_size(links) + 1, sizeof(in->links[0]));
    if (!in->links)
        return no_memory(r, "links");
    json_object_foreach(links, name, value)
    {
        struct config_link *link = &in->links[in->link_count++];
        if (!copy_text(&link->name, name) || !copy_text(&link->target, json_string_value(value)))
            return no_memory(r, "links");
        if (!name_legal(name, true))
            return fault_set(r->fault, HAWSE_E_INVAL,
                             "instances.%s.links.%.64s: a link's name has 1 to 63 letters, digits, "
                             "'_' or '-'",
                             in->id, name);
    }
    return HAWSE_OK;
}

static int32_t read_permissions(struct reader *r, struct config_instance *in, const json_t *value)
{
    const char *name;
    json_t *enabled, *features = json_object_get(value, "features");
    const json_t *grants = json_object_get(value, "grants");
    in->grants = calloc(json_array_size(grants) + 1, sizeof(in->grants[0]));
    in->features = calloc(json_object_size(features) + 1, sizeof(in->features[0]));
    if (!in->grants || !in->features)
        return no_memory(r, "grants");
    for (size_t i = 0; i < json_array_size(grants); i++) {
        const char *grant = json_string_value(json_array_get(grants, i));
        if (!copy_text(&in->grants[in->grant_count++], grant))
            return no_memory(r, "grants");
    }
    json_object_foreach(features, name, enabled)
    {
        struct config_feature *feature = &in->features[in->feature_count++];
        feature->enabled = json_is_true(enabled);
        if (!copy_text(&feature->name, name))
            return no_memory(r, "features");
    }
    return HAWSE_OK;
}

static void read_budget(struct config_budget *budget, const json_t *value)
{
    static const char *const overruns[] = {"warn", "throttle", "stop"};
    static const char *const hangs[] = {"abandon", "exit"};
    budget->callback_us = read_number(value, "callback_us");
    budget->hang_ms = read_number(value, "hang_ms");
    budget->on_overrun = (enum config_overrun)read_word(value, "on_overrun", overruns, 3);
    budget->on_hang = (enum config_hang)read_word(value, "on_hang", hangs, 2);
}

static void read_isolation(struct config_instance *in, const json_t *value)
{
    static const char *const isolations[] = {"none", "process", "default"};
    const json_t *worker = json_object_get(value, "worker");
    const json_t *cpu = json_object_get(worker, "cpu");
    in->isolation = (enum config_isolation)read_word(value, "isolation", isolations, 3);
    in->worker = (struct config_worker){
        .memory_mib = read_number(worker, "memory_mib"),
        .restarts = read_number(worker, "restarts"),
        .backoff_ms = read_number(worker, "backoff_ms"),
        .cpu = json_is_integer(cpu) ? (int32_t)json_integer_value(cpu) : -1,
        .spin_us = read_number(worker, "spin_us"),
    };
}

/* A path to a plugin file counts from the configuration's folder on, like every path. */
static int32_t read_plugin(struct reader *r, struct config_instance *in, json_t *value)
{
    const char *plugin = json_string_value(json_object_get(value, "plugin"));
    if (strchr(plugin, '/'))
        return read_path(r, value, "plugin", &in->plugin);
    return copy_text(&in->plugin, plugin) ? HAWSE_OK : no_memory(r, "plugin");
}

static int32_t read_numbers(struct reader *r, struct config_instance *in, json_t *value)
{
    in->enabled = json_is_true(json_object_get(value, "enabled"));
    in->mode = (enum config_mode)read_word(value, "mode", config_mode_names, 5);
    in->allow = (enum config_maturity)read_word(value, "allow", config_maturity_names, 3);
    in->patience_ms = read_number(value, "patience_ms");
    in->queue = power_of_two(read_number(value, "queue"));
    read_budget(&in->budget, json_object_get(value, "budget"));
    read_isolation(in, value);
    const json_t *breaker = json_object_get(value, "breaker");
    in->breaker =
        (struct config_breaker){read_number(breaker, "failures"), read_number(breaker, "successes"),
                                read_number(breaker, "pause_ms")};
    if (json_object_set_new(value, "queue", json_integer(in->queue)) != 0)
        return no_memory(r, "queue");
    return HAWSE_OK;
}

static int32_t read_instance(struct reader *r, struct config_instance *in, const char *id,
                             json_t *value)
{
    if (!name_legal(id, false))
        return fault_set(r->fault, HAWSE_E_INVAL,
                         "instances.%.64s: an instance's id has 1 to 63 of a-z, 0-9, '_' and '-'",
                         id);
    const json_t *settings = json_object_get(value, "settings");
    in->settings = json_dumps(settings, JSON_COMPACT | JSON_SORT_KEYS);
    if (!in->settings || !copy_text(&in->id, id) ||
        !copy_text(&in->lane, json_string_value(json_object_get(value, "lane"))))
        return no_memory(r, "instances");
    int32_t code = read_plugin(r, in, value);
    if (code == HAWSE_OK)
        code = read_numbers(r, in, value);
    if (code == HAWSE_OK)
        code = check_lane(r, in);
    if (code == HAWSE_OK)
        code = read_links(r, in, json_object_get(value, "links"));
    if (code == HAWSE_OK)
        code = read_permissions(r, in, value);
    if (code == HAWSE_OK)
        code = read_endpoints(r, in, json_object_get(value, "endpoints"));
    if (code == HAWSE_OK)
        code = read_limits(r, in, json_object_get(value, "limits"));
    return code == HAWSE_OK ? read_credentials(r, in, json_object_get(value, "credentials")) : code;
}

int32_t read_instances(struct reader *r, json_t *instances)
{
    struct config *c = r->config;
    const char *id;
    json_t *value;
    int32_t code = HAWSE_OK;
    if (json_object_size(instances) > CONFIG_INSTANCES)
        return fault_set(r->fault, HAWSE_E_LIMIT, "instances: found %zu, expected at most %d",
                         json_object_size(instances), CONFIG_INSTANCES);
    c->instances = calloc(json_object_size(instances) + 1, sizeof(c->instances[0]));
    if (!c->instances)
        return no_memory(r, "instances");
    json_object_foreach(instances, id, value)
    {
        if (code == HAWSE_OK)
            code = read_instance(r, &c->instances[c->instance_count++], id, value);
    }
    return code;
}
