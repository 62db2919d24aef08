/*
 * Loads a configuration: JSON, overrides, schema with defaults, then the struct, then what no
 * schema can say (references, URLs, links, circles). All is checked before anything is used, and
 * every fault says where in which file its value stands. Start reading here.
 */
#include "config/internal.h"

#include "base/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- where a value comes from ---- */

/* Is `path` the same as `around`, or inside it? */
static bool is_inside(const char *path, const char *around)
{
    size_t n = strlen(around);
    return strncmp(path, around, n) == 0 && (path[n] == '\0' || path[n] == '.' || path[n] == '[');
}

bool config_is_set(const struct config_source *source, const char *path)
{
    for (size_t i = 0; i < json_array_size(source->set); i++) {
        const char *set = json_string_value(json_array_get(source->set, i));
        if (set && is_inside(path, set))
            return true;
    }
    return false;
}

uint32_t config_line(const struct config_source *source, const char *path)
{
    char copy[CONFIG_PATH];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    for (;;) {
        const json_t *line = json_object_get(source->lines, copy);
        char *dot = strrchr(copy, '.'), *bracket = strrchr(copy, '[');
        if (line)
            return (uint32_t)json_integer_value(line);
        char *last = !dot || (bracket && bracket > dot) ? bracket : dot;
        if (!last)
            return 0;
        *last = '\0';
    }
}

/* Faults begin with the path of the value; in front of it comes where that value was said. */
static void place(const struct config *c, struct fault *fault)
{
    const struct config_source *source = c->source;
    char path[CONFIG_PATH];
    const char *colon = strstr(fault->message, ": ");
    size_t n = colon ? (size_t)(colon - fault->message) : 0;
    (void)snprintf(path, sizeof(path), "%.*s", (int)(n < sizeof(path) ? n : 0), fault->message);
    uint32_t line = config_line(source, path);
    bool set = config_is_set(source, path);
    for (size_t i = 0; i < json_array_size(source->set) && !set; i++) {
        const char *inside = json_string_value(json_array_get(source->set, i));
        set = inside && path[0] && is_inside(inside, path) && !json_object_get(source->lines, path);
    }
    if (set)
        fault_prefix(fault, "--set");
    else if (line > 0)
        fault_prefix(fault, "%s:%u", c->path, line);
    else
        fault_prefix(fault, "%s", c->path);
}

/* ---- from text to config ---- */

static int32_t apply_overrides(struct config *c, const struct config_override *overrides,
                               size_t count, struct fault *fault)
{
    char path[CONFIG_PATH];
    for (size_t i = 0; i < count; i++) {
        int32_t code = override_apply(c->source->effective, overrides[i].assignment, path, fault);
        if (code == HAWSE_OK && json_array_append_new(c->source->set, json_string(path)) != 0)
            code = fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", path);
        if (code != HAWSE_OK) {
            fault_prefix(fault, "--set");
            return code;
        }
    }
    return HAWSE_OK;
}

/* An endpoint in its short form gets the long one, so that defaults apply to both alike. */
static int32_t lengthen(struct config *c, json_t *around, const char *name, const char *path,
                        struct fault *fault)
{
    char inner[CONFIG_PATH + 8];
    json_t *endpoint = json_object_get(around, name);
    json_t *line = json_object_get(c->source->lines, path);
    if (!json_is_string(endpoint))
        return HAWSE_OK;
    if (json_object_set_new(around, name, json_pack("{s:O}", "url", endpoint)) != 0)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", path);
    (void)snprintf(inner, sizeof(inner), "%s.url", path);
    if (line)
        (void)json_object_set(c->source->lines, inner, line); /* helpful, not vital */
    return HAWSE_OK;
}

static int32_t lengthen_chains(struct config *c, struct fault *fault)
{
    const char *id, *name;
    json_t *chain, *safe;
    char path[CONFIG_PATH];
    int32_t code = HAWSE_OK;
    json_object_foreach(json_object_get(c->source->effective, "chains"), id, chain)
    {
        json_t *providers = json_object_get(chain, "providers");
        for (size_t i = 0; i < json_array_size(providers) && code == HAWSE_OK; i++) {
            (void)snprintf(path, sizeof(path), "chains.%.64s.providers[%zu].http", id, i);
            code = lengthen(c, json_array_get(providers, i), "http", path, fault);
            (void)snprintf(path, sizeof(path), "chains.%.64s.providers[%zu].ws", id, i);
            if (code == HAWSE_OK)
                code = lengthen(c, json_array_get(providers, i), "ws", path, fault);
        }
        (void)snprintf(path, sizeof(path), "chains.%.64s.tx.relay", id);
        if (code == HAWSE_OK)
            code = lengthen(c, json_object_get(chain, "tx"), "relay", path, fault);
        (void)snprintf(path, sizeof(path), "chains.%.64s.tx.relay_status", id);
        if (code == HAWSE_OK)
            code = lengthen(c, json_object_get(chain, "tx"), "relay_status", path, fault);
        (void)snprintf(path, sizeof(path), "chains.%.64s.tx.tenderly", id);
        if (code == HAWSE_OK)
            code = lengthen(c, json_object_get(chain, "tx"), "tenderly", path, fault);
        json_object_foreach(json_object_get(chain, "safes"), name, safe)
        {
            (void)snprintf(path, sizeof(path), "chains.%.64s.safes.%.64s.service", id, name);
            if (code == HAWSE_OK)
                code = lengthen(c, safe, "service", path, fault);
        }
    }
    return code;
}

static int32_t lengthen_endpoints(struct config *c, struct fault *fault)
{
    const char *id, *name;
    json_t *instance, *endpoint;
    void *next;
    char path[CONFIG_PATH];
    int32_t code = lengthen_chains(c, fault);
    json_object_foreach(json_object_get(c->source->effective, "instances"), id, instance)
    {
        json_t *endpoints = json_object_get(instance, "endpoints");
        json_object_foreach_safe(endpoints, next, name, endpoint)
        {
            (void)snprintf(path, sizeof(path), "instances.%.64s.endpoints.%.64s", id, name);
            if (code == HAWSE_OK)
                code = lengthen(c, endpoints, name, path, fault);
        }
    }
    return code;
}

static int32_t check_tree(const struct config *c, struct fault *fault)
{
    json_t *schema = json_loads(config_schema_text, 0, NULL);
    int32_t code = schema ? schema_apply(schema, c->source->effective, "", fault)
                          : fault_set(fault, HAWSE_E_NOMEM, "no memory for the schema");
    json_decref(schema);
    return code == HAWSE_OK ? secret_refuse(c->source->effective, fault) : code;
}

static int32_t read_tree(struct config *c, struct fault *fault)
{
    char *dir = strdup(c->path);
    if (!dir)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the configuration");
    char *slash = strrchr(dir, '/');
    if (slash)
        slash[slash == dir ? 1 : 0] = '\0';
    struct reader r = {.config = c, .dir = slash ? dir : ".", .fault = fault};
    int32_t code = read_config(&r, c->source->effective);
    free(dir);
    return code == HAWSE_OK ? links_resolve(c, fault) : code;
}

static struct config *config_new(const char *path)
{
    struct config *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->source = calloc(1, sizeof(*c->source));
    c->path = strdup(path);
    if (c->source) {
        c->source->set = json_array();
        c->source->folders = json_array();
    }
    if (c->source && c->source->set && c->source->folders && c->path)
        return c;
    config_destroy(c);
    return NULL;
}

static int32_t fill(struct config *c, const char *text, size_t len,
                    const struct config_override *overrides, size_t count, struct fault *fault)
{
    c->source->effective = syntax_parse(text, len, c->path, fault);
    if (!c->source->effective)
        return fault->code;
    c->source->lines = syntax_lines(text, len);
    if (!c->source->lines)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", c->path);
    int32_t code = apply_overrides(c, overrides, count, fault);
    if (code != HAWSE_OK)
        return code;
    code = lengthen_endpoints(c, fault);
    if (code == HAWSE_OK)
        code = check_tree(c, fault);
    if (code == HAWSE_OK)
        code = read_tree(c, fault);
    if (code != HAWSE_OK)
        place(c, fault);
    return code;
}

int32_t config_parse(const char *text, size_t len, const char *path,
                     const struct config_override *overrides, size_t count, struct config **out,
                     struct fault *fault)
{
    struct fault own = {0}; /* the caller's may be NULL, and place() needs the words */
    struct config *c = config_new(path);
    int32_t code = c ? fill(c, text, len, overrides, count, &own)
                     : fault_set(&own, HAWSE_E_NOMEM, "%s: no memory", path);
    if (code == HAWSE_OK) {
        *out = c;
        return HAWSE_OK;
    }
    config_destroy(c);
    if (fault && fault->code == 0)
        *fault = own;
    return code;
}

/* ---- from a file ---- */

/* The whole file into `out`, which has room for CONFIG_BYTES + 1. Works for pipes too. */
static int32_t read_file(const char *path, char *out, size_t *len, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        int32_t code = errno == ENOENT ? HAWSE_E_NOTFOUND : HAWSE_E_IO;
        return fault_set(fault, code, "cannot open the configuration %s: %s", path,
                         strerror(errno));
    }
    ssize_t n = 1;
    *len = 0;
    while (n > 0 && *len <= CONFIG_BYTES) {
        n = read(fd, out + *len, CONFIG_BYTES + 1 - *len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            *len += (size_t)n;
    }
    int32_t code = HAWSE_OK;
    if (n < 0)
        code = fault_set(fault, HAWSE_E_IO, "cannot read the configuration %s: %s", path,
                         strerror(errno));
    else if (*len > CONFIG_BYTES)
        code = fault_set(fault, HAWSE_E_LIMIT, "%s: larger than %d KiB", path, CONFIG_BYTES / 1024);
    (void)close(fd);
    return code;
}

int32_t config_load(const char *path, const struct config_override *overrides, size_t count,
                    struct config **out, struct fault *fault)
{
    char *text = malloc(CONFIG_BYTES + 1);
    size_t len = 0;
    if (!text)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", path);
    int32_t code = read_file(path, text, &len, fault);
    if (code == HAWSE_OK) {
        char *full = realpath(path, NULL); /* relative paths stay what they are after a chdir */
        code = config_parse(text, len, full ? full : path, overrides, count, out, fault);
        free(full);
    }
    explicit_bzero(text, len);
    free(text);
    return code;
}
