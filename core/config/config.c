/*
 * Loads a configuration: JSON, overrides, schema with defaults, then the struct, then what no
 * schema can say (links, cycles, URLs, secrets). Everything is checked before anything is used.
 */
#include "config/config.h"

#include "base/schema.h"
#include "config/internal.h"

#include <errno.h>
#include <hawse/hawse.h>
#include <hawse/types.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *config_schema(void)
{
    return config_schema_text;
}

static const char *const mode_names[] = {"replay", "shadow", "dry-run", "canary", "live"};
static const char *const maturity_names[] = {"experimental", "beta", "stable"};
static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *const overrun_names[] = {"warn", "throttle", "stop"};
static const char *const hang_names[] = {"abandon", "exit"};

const char *config_mode_name(enum config_mode mode)
{
    return mode_names[mode];
}

const char *config_maturity_name(enum config_maturity maturity)
{
    return maturity_names[maturity];
}

/* ---- reading values the schema has checked ---- */

static uint32_t number(const json_t *o, const char *key)
{
    return (uint32_t)json_integer_value(json_object_get(o, key));
}

static bool truth(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static char *text(const json_t *o, const char *key)
{
    const char *value = json_string_value(json_object_get(o, key));
    return value ? strdup(value) : NULL;
}

static unsigned word(const json_t *o, const char *key, const char *const *names, unsigned count)
{
    const char *value = json_string_value(json_object_get(o, key));
    for (unsigned i = 0; value && i < count; i++) {
        if (strcmp(names[i], value) == 0)
            return i;
    }
    return 0;
}

/* A path as it is from the configuration's folder on. */
static char *path_of(const char *dir, const json_t *value)
{
    const char *name = json_string_value(value);
    char out[4096];
    if (!name)
        return NULL;
    (void)snprintf(out, sizeof(out), "%s%s%s", name[0] == '/' ? "" : dir, name[0] == '/' ? "" : "/",
                   name);
    return strdup(out);
}

/* ---- destroying ---- */

static void endpoint_finish(struct config_endpoint *e)
{
    free(e->name);
    secret_free(e->url);
    free(e->display);
    for (size_t i = 0; i < e->header_count; i++) {
        free(e->headers[i].name);
        secret_free(e->headers[i].value);
    }
    free(e->headers);
    secret_free(e->proxy);
    free(e->ca_file);
}

static void instance_finish(struct config_instance *in)
{
    free(in->id);
    free(in->plugin);
    free(in->lane);
    for (size_t i = 0; i < in->link_count; i++) {
        free(in->links[i].name);
        free(in->links[i].target);
    }
    for (size_t i = 0; i < in->endpoint_count; i++)
        endpoint_finish(&in->endpoints[i]);
    for (size_t i = 0; i < in->grant_count; i++)
        free(in->grants[i]);
    for (size_t i = 0; i < in->feature_count; i++)
        free(in->features[i].name);
    free(in->links);
    free(in->endpoints);
    free(in->grants);
    free(in->features);
    free(in->settings);
}

void config_destroy(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->plugin_path_count; i++)
        free(c->plugin_path[i]);
    for (size_t i = 0; i < c->lane_count; i++)
        free(c->lanes[i].name);
    for (size_t i = 0; i < c->instance_count; i++)
        instance_finish(&c->instances[i]);
    if (c->source) {
        json_decref(c->source->effective);
        json_decref(c->source->written);
        json_decref(c->source->set);
        free(c->source);
    }
    free(c->plugin_path);
    free(c->lanes);
    free(c->instances);
    free(c->path);
    free(c->log_file);
    free(c->http_listen);
    free(c->control_path);
    free(c->state_dir);
    free(c);
}

/* ---- endpoints ---- */

static int32_t read_headers(struct config_endpoint *e, json_t *headers, const char *dir,
                            const char *where, struct fault *fault)
{
    const char *name;
    json_t *value;
    char path[256];
    bool secret = false;
    e->headers = calloc(json_object_size(headers) + 1, sizeof(e->headers[0]));
    if (!e->headers)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    json_object_foreach(headers, name, value)
    {
        struct config_header *h = &e->headers[e->header_count];
        (void)snprintf(path, sizeof(path), "%.180s.headers.%.64s", where, name);
        int32_t code =
            secret_resolve(json_string_value(value), dir, path, &h->value, &secret, fault);
        if (code != HAWSE_OK)
            return code;
        e->header_count++;
        h->name = strdup(name);
        if (strpbrk(name, "\r\n: ") || strpbrk(h->value, "\r\n"))
            return fault_set(fault, HAWSE_E_INVAL,
                             "%s: a header has no line breaks, its name no "
                             "spaces or colons",
                             path);
    }
    return HAWSE_OK;
}

static int32_t read_url(struct config_endpoint *e, const json_t *written, const char *dir,
                        const char *where, struct fault *fault)
{
    bool secret = false;
    const char *url = json_string_value(written);
    int32_t code = secret_resolve(url, dir, where, &e->url, &secret, fault);
    if (code == HAWSE_OK)
        code = url_check(e->url, e->insecure, where, fault);
    if (code != HAWSE_OK)
        return code;
    e->display = url_display(url, e->url);
    return e->display ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
}

static int32_t read_optional(const json_t *value, const char *dir, const char *where, char **out,
                             struct fault *fault)
{
    bool secret = false;
    if (!json_is_string(value))
        return HAWSE_OK;
    return secret_resolve(json_string_value(value), dir, where, out, &secret, fault);
}

static int32_t read_endpoint(struct config_endpoint *e, const char *name, json_t *value,
                             const char *dir, const char *where, struct fault *fault)
{
    e->name = strdup(name);
    e->insecure = truth(value, "insecure");
    e->deflate = truth(value, "deflate");
    e->validate_utf8 = truth(value, "validate_utf8");
    e->connect_timeout_ms = number(value, "connect_timeout_ms");
    e->request_timeout_ms = number(value, "request_timeout_ms");
    e->ping_ms = number(value, "ping_ms");
    e->idle_ms = number(value, "idle_ms");
    e->backoff_min_ms = number(value, "backoff_min_ms");
    e->backoff_max_ms = number(value, "backoff_max_ms");
    int32_t code = read_url(e, json_object_get(value, "url"), dir, where, fault);
    if (code == HAWSE_OK)
        code = read_headers(e, json_object_get(value, "headers"), dir, where, fault);
    if (code == HAWSE_OK)
        code = read_optional(json_object_get(value, "proxy"), dir, where, &e->proxy, fault);
    if (code == HAWSE_OK && json_is_string(json_object_get(value, "ca_file")))
        e->ca_file = path_of(dir, json_object_get(value, "ca_file"));
    if (code == HAWSE_OK && e->backoff_min_ms > e->backoff_max_ms)
        code = fault_set(fault, HAWSE_E_INVAL, "%s: backoff_min_ms is larger than backoff_max_ms",
                         where);
    return code;
}

/* ---- instances ---- */

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 64;
    while (p < n)
        p *= 2;
    return p;
}

static bool id_legal(const char *id)
{
    size_t len = strlen(id);
    return len > 0 && len < 64 && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_-") == len;
}

static bool read_lists(struct config_instance *in, const json_t *value)
{
    const char *key;
    json_t *member, *links = json_object_get(value, "links"),
                    *grants = json_object_get(value, "grants"),
                    *features = json_object_get(value, "features");
    in->links = calloc(json_object_size(links) + 1, sizeof(in->links[0]));
    in->grants = calloc(json_array_size(grants) + 1, sizeof(in->grants[0]));
    in->features = calloc(json_object_size(features) + 1, sizeof(in->features[0]));
    if (!in->links || !in->grants || !in->features)
        return false;
    json_object_foreach(links, key, member) in->links[in->link_count++] =
        (struct config_link){.name = strdup(key), .target = strdup(json_string_value(member))};
    for (size_t i = 0; i < json_array_size(grants); i++)
        in->grants[in->grant_count++] = strdup(json_string_value(json_array_get(grants, i)));
    json_object_foreach(features, key, member) in->features[in->feature_count++] =
        (struct config_feature){.name = strdup(key), .enabled = json_is_true(member)};
    return true;
}

static int32_t read_endpoints(struct config_instance *in, json_t *endpoints, const char *dir,
                              struct fault *fault)
{
    const char *key;
    json_t *value;
    char where[256];
    in->endpoints = calloc(json_object_size(endpoints) + 1, sizeof(in->endpoints[0]));
    if (!in->endpoints)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for endpoints");
    json_object_foreach(endpoints, key, value)
    {
        (void)snprintf(where, sizeof(where), "instances.%s.endpoints.%.64s", in->id, key);
        struct config_endpoint *e = &in->endpoints[in->endpoint_count++];
        int32_t code = read_endpoint(e, key, value, dir, where, fault);
        if (code != HAWSE_OK)
            return code;
    }
    return HAWSE_OK;
}

static int32_t read_instance(struct config_instance *in, const char *id, json_t *value,
                             const char *dir, struct fault *fault)
{
    const json_t *budget = json_object_get(value, "budget");
    char where[128];
    if (!id_legal(id)) {
        (void)fault_set(fault, HAWSE_E_INVAL,
                        "instances.%.64s: an instance's id has 1 to 63 of "
                        "a-z 0-9 _ -",
                        id);
        return HAWSE_E_INVAL;
    }
    in->id = strdup(id);
    in->plugin = text(value, "plugin");
    in->enabled = truth(value, "enabled");
    in->mode = (enum config_mode)word(value, "mode", mode_names, 5);
    in->allow = (enum config_maturity)word(value, "allow", maturity_names, 3);
    in->lane = text(value, "lane");
    in->budget.callback_us = number(budget, "callback_us");
    in->budget.hang_ms = number(budget, "hang_ms");
    in->budget.on_overrun = (enum config_overrun)word(budget, "on_overrun", overrun_names, 3);
    in->budget.on_hang = (enum config_hang)word(budget, "on_hang", hang_names, 2);
    in->queue = power_of_two(number(value, "queue"));
    in->patience_ms = number(value, "patience_ms");
    if (!in->id || !in->plugin || !in->lane || !read_lists(in, value))
        return fault_set(fault, HAWSE_E_NOMEM, "instances.%s: no memory", id);
    if (strcmp(in->lane, "main") != 0)
        return fault_set(fault, HAWSE_E_INVAL,
                         "instances.%s.lane: found \"%s\"; this version has "
                         "one lane, \"main\"",
                         id, in->lane);
    const json_t *settings = json_object_get(value, "settings");
    (void)snprintf(where, sizeof(where), "instances.%s.settings", id);
    int32_t code = secret_refuse(settings, where, fault);
    in->settings = json_dumps(settings, JSON_COMPACT | JSON_SORT_KEYS);
    if (code == HAWSE_OK && !in->settings)
        code = fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    return code == HAWSE_OK ? read_endpoints(in, json_object_get(value, "endpoints"), dir, fault)
                            : code;
}

/* ---- links ---- */

static size_t find_index(const struct config *c, const char *id)
{
    for (size_t i = 0; i < c->instance_count; i++) {
        if (strcmp(c->instances[i].id, id) == 0)
            return i;
    }
    return SIZE_MAX;
}

static int32_t check_links(const struct config *c, struct fault *fault)
{
    const char *ids[256];
    size_t count = 0;
    for (size_t i = 0; i < c->instance_count && count < 256; i++)
        ids[count++] = c->instances[i].id;
    for (size_t i = 0; i < c->instance_count; i++) {
        const struct config_instance *in = &c->instances[i];
        for (size_t l = 0; l < in->link_count && in->enabled; l++) {
            const struct config_link *link = &in->links[l];
            size_t target = find_index(c, link->target);
            if (target == SIZE_MAX) {
                const char *near = schema_nearest(link->target, ids, count);
                (void)fault_set(fault, HAWSE_E_NOTFOUND,
                                "instances.%s.links.%s: there is no "
                                "instance \"%s\"",
                                in->id, link->name, link->target);
                if (near)
                    fault_hint(fault, "did you mean \"%s\"?", near);
                return HAWSE_E_NOTFOUND;
            }
            if (!c->instances[target].enabled)
                return fault_set(fault, HAWSE_E_STATE,
                                 "instances.%s.links.%s: instance \"%s\" is "
                                 "not enabled",
                                 in->id, link->name, link->target);
        }
    }
    return HAWSE_OK;
}

/* Puts instances behind those they link to, otherwise in the file's order. */
static int32_t sort_links(struct config *c, struct fault *fault)
{
    struct config_instance *sorted = calloc(c->instance_count + 1, sizeof(sorted[0]));
    bool *placed = calloc(c->instance_count + 1, sizeof(bool));
    size_t done = 0, before = SIZE_MAX;
    int32_t code = sorted && placed ? HAWSE_OK : HAWSE_E_NOMEM;
    while (code == HAWSE_OK && done < c->instance_count && before != done) {
        before = done;
        for (size_t i = 0; i < c->instance_count; i++) {
            const struct config_instance *in = &c->instances[i];
            bool ready = !placed[i];
            for (size_t l = 0; l < in->link_count && ready; l++) {
                size_t target = find_index(c, in->links[l].target);
                ready = target == SIZE_MAX || placed[target];
            }
            if (ready) {
                placed[i] = true;
                sorted[done++] = *in;
            }
        }
    }
    if (code == HAWSE_OK && done < c->instance_count) {
        size_t i = 0;
        while (placed[i])
            i++;
        code = fault_set(fault, HAWSE_E_INVAL, "instances.%s.links: the links go round in a circle",
                         c->instances[i].id);
    } else if (code == HAWSE_OK) {
        memcpy(c->instances, sorted, c->instance_count * sizeof(sorted[0]));
    }
    free(sorted);
    free(placed);
    return code;
}

/* ---- the whole ---- */

static void add_folder(struct config *c, char *folder)
{
    char **list = realloc(c->plugin_path, (c->plugin_path_count + 1) * sizeof(list[0]));
    if (!list || !folder) {
        free(folder);
        if (list)
            c->plugin_path = list;
        return;
    }
    c->plugin_path = list;
    c->plugin_path[c->plugin_path_count++] = folder;
}

static void read_plugin_path(struct config *c, const json_t *path, const char *dir)
{
    for (size_t i = 0; i < json_array_size(path); i++)
        add_folder(c, path_of(dir, json_array_get(path, i)));
    char own[4096];
    (void)snprintf(own, sizeof(own), "%s/plugins", dir);
    add_folder(c, strdup(own));
    const char *environment = getenv("HAWSE_PLUGIN_PATH");
    char *copy = environment ? strdup(environment) : NULL, *save = NULL;
    for (char *folder = copy ? strtok_r(copy, ":", &save) : NULL; folder;
         folder = strtok_r(NULL, ":", &save))
        add_folder(c, strdup(folder));
    free(copy);
    add_folder(c, strdup(HAWSE_PLUGIN_DIR));
}

static int32_t read_top(struct config *c, const json_t *root, const char *dir, struct fault *fault)
{
    const json_t *log = json_object_get(root, "log");
    const json_t *lane = json_object_get(json_object_get(root, "lanes"), "main");
    c->log_level = word(log, "level", level_names, 4);
    c->log_format = strcmp(json_string_value(json_object_get(log, "format")), "json") == 0
                        ? LOG_FORMAT_JSON
                        : LOG_FORMAT_TEXT;
    c->log_file = path_of(dir, json_object_get(log, "file"));
    c->http_listen = text(json_object_get(root, "http"), "listen");
    c->control_path = path_of(dir, json_object_get(json_object_get(root, "control"), "socket"));
    c->state_dir = path_of(dir, json_object_get(root, "state_dir"));
    c->stop_deadline_ms = number(root, "stop_deadline_ms");
    c->lanes = calloc(1, sizeof(c->lanes[0]));
    if (!c->lanes || !c->state_dir)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the configuration");
    c->lane_count = 1;
    c->lanes[0].name = strdup("main");
    const json_t *cpu = json_object_get(lane, "cpu");
    c->lanes[0].cpu = json_is_integer(cpu) ? (int32_t)json_integer_value(cpu) : -1;
    c->lanes[0].spin_us = number(lane, "spin_us");
    read_plugin_path(c, json_object_get(json_object_get(root, "plugins"), "path"), dir);
    return HAWSE_OK;
}

/* Endpoints in their short form become objects, so that defaults apply to both alike. */
static void lengthen_endpoints(json_t *root)
{
    const char *id, *name;
    json_t *instance, *endpoint;
    json_object_foreach(json_object_get(root, "instances"), id, instance)
    {
        json_t *endpoints = json_object_get(instance, "endpoints");
        void *tmp;
        json_object_foreach_safe(endpoints, tmp, name, endpoint)
        {
            if (json_is_string(endpoint))
                (void)json_object_set_new(endpoints, name, json_pack("{s:O}", "url", endpoint));
        }
    }
}

static int32_t read_all(struct config *c, json_t *root, struct fault *fault)
{
    char buffer[4096];
    (void)snprintf(buffer, sizeof(buffer), "%s", c->path);
    const char *dir = dirname(buffer);
    json_t *instances = json_object_get(root, "instances"), *value;
    const char *id;
    int32_t code = read_top(c, root, dir, fault);
    c->instances = calloc(json_object_size(instances) + 1, sizeof(c->instances[0]));
    if (code == HAWSE_OK && !c->instances)
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory for instances");
    if (code == HAWSE_OK && json_object_size(instances) > 250)
        code = fault_set(fault, HAWSE_E_LIMIT, "instances: found %zu, at most 250",
                         json_object_size(instances));
    json_object_foreach(instances, id, value)
    {
        if (code == HAWSE_OK)
            code = read_instance(&c->instances[c->instance_count++], id, value, dir, fault);
    }
    if (code == HAWSE_OK)
        code = check_links(c, fault);
    return code == HAWSE_OK ? sort_links(c, fault) : code;
}

static int32_t apply_overrides(struct config *c, json_t *root, const struct config_override *sets,
                               size_t count, struct fault *fault)
{
    char path[256];
    for (size_t i = 0; i < count; i++) {
        int32_t code = override_apply(root, sets[i].assignment, path, sizeof(path), fault);
        if (code != HAWSE_OK)
            return code;
        (void)json_array_append_new(c->source->set, json_string(path));
    }
    return HAWSE_OK;
}

static json_t *parse_json(const char *text, size_t len, const char *path, struct fault *fault)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (root)
        return root;
    (void)fault_set(fault, HAWSE_E_FORMAT, "%s:%d:%d: %s", path, error.line, error.column,
                    error.text);
    fault_hint(fault, "the file must be JSON; look at that line and the one before");
    return NULL;
}

int32_t config_parse(const char *text, size_t len, const char *path,
                     const struct config_override *overrides, size_t count, struct config **out,
                     struct fault *fault)
{
    struct config *c = calloc(1, sizeof(*c));
    struct config_source *source = calloc(1, sizeof(*source));
    json_t *schema = json_loads(config_schema_text, 0, NULL);
    int32_t code = HAWSE_E_NOMEM;
    if (!c || !source || !schema || !(c->path = strdup(path))) {
        free(source);
        goto out;
    }
    c->source = source;
    source->set = json_array();
    source->effective = parse_json(text, len, path, fault);
    source->written = json_deep_copy(source->effective);
    code = source->effective ? HAWSE_OK : HAWSE_E_FORMAT;
    if (code == HAWSE_OK && !json_is_object(source->effective))
        code = fault_set(fault, HAWSE_E_FORMAT, "%s: the file must hold one JSON object", path);
    if (code == HAWSE_OK)
        code = apply_overrides(c, source->effective, overrides, count, fault);
    if (code == HAWSE_OK) {
        lengthen_endpoints(source->effective);
        code = schema_apply(schema, source->effective, "", fault);
    }
    if (code == HAWSE_OK) /* twice: members that defaults have added get their own defaults */
        code = schema_apply(schema, source->effective, "", fault);
    if (code == HAWSE_OK)
        code = read_all(c, source->effective, fault);
out:
    json_decref(schema);
    if (code != HAWSE_OK) {
        config_destroy(c);
        return fault_set(fault, code, "no memory for the configuration");
    }
    *out = c;
    return HAWSE_OK;
}

int32_t config_load(const char *path, const struct config_override *overrides, size_t count,
                    struct config **out, struct fault *fault)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND, "cannot open the configuration %s: %s", path,
                        strerror(errno));
        return HAWSE_E_NOTFOUND;
    }
    char *full = realpath(path, NULL), *text = NULL;
    size_t cap = 0;
    ssize_t len = getdelim(&text, &cap, '\0', f); /* to the end: a configuration has no NUL */
    (void)fclose(f);
    int32_t code = config_parse(text ? text : "", len > 0 ? (size_t)len : 0, full ? full : path,
                                overrides, count, out, fault);
    free(text);
    free(full);
    return code;
}

/* ---- asking ---- */

const struct config_instance *config_find(const struct config *c, const char *id)
{
    size_t i = find_index(c, id);
    return i == SIZE_MAX ? NULL : &c->instances[i];
}

const struct config_endpoint *config_endpoint_find(const struct config_instance *in,
                                                   const char *name)
{
    for (size_t i = 0; i < in->endpoint_count; i++) {
        if (strcmp(in->endpoints[i].name, name) == 0)
            return &in->endpoints[i];
    }
    return NULL;
}
