/*
 * --set PATH=VALUE: changes the tree before it is checked, so that what is set is checked like what
 * is written; see internal.h. Paths of files count from the folder in which they are typed, not
 * from the configuration's. Must never make an instance: its plugin, grants and endpoints belong
 * into a file that can be read again.
 */
#include "config/internal.h"

#include "base/schema.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECES = 32 };

/* ---- paths of files ---- */

/* Keys that hold one, "*" for any name. */
static const char *const file_keys[] = {
    "plugins.path",
    "state_dir",
    "journal",
    "log.file",
    "control.socket",
    "record.file",
    "keys.dir",
    "keys.signer.socket",
    "instances.*.plugin",
    "instances.*.endpoints.*.ca_file",
};

static bool matches(const char *path, const char *pattern)
{
    while (*pattern) {
        if (*pattern == '*') {
            path += strcspn(path, ".");
            pattern++;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

/* A relative path of the command line counts from the folder in which it is typed. */
static json_t *from_here(json_t *value, bool plugin)
{
    char here[CONFIG_PATH];
    const char *text = json_string_value(value);
    bool stays = !text || text[0] == '/' || text[0] == '\0' || (plugin && !strchr(text, '/'));
    char *whole = stays || !getcwd(here, sizeof(here)) ? NULL : path_from(here, text);
    json_t *out = whole ? json_string(whole) : json_incref(value);
    free(whole);
    return out;
}

/* `value` is what --set gives `path`: the same with its paths made absolute. Takes the value. */
static json_t *with_paths(json_t *value, const char *path)
{
    json_t *member;
    const char *name;
    bool found = false;
    for (size_t i = 0; i < sizeof(file_keys) / sizeof(file_keys[0]); i++)
        found = found || matches(path, file_keys[i]);
    size_t n = strlen(path);
    bool plugin = n > 7 && strcmp(path + n - 7, ".plugin") == 0;
    if (found && json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++)
            (void)json_array_set_new(value, i, from_here(json_array_get(value, i), plugin));
    } else if (found) {
        json_t *out = from_here(value, plugin);
        json_decref(value);
        return out;
    }
    json_object_foreach(value, name, member)
    {
        char inner[CONFIG_PATH];
        if (snprintf(inner, sizeof(inner), "%s.%s", path, name) < (int)sizeof(inner))
            (void)json_object_set_new(value, name, with_paths(json_incref(member), inner));
    }
    return value;
}

/* ---- the assignment ---- */

/* The path, cut from the assignment; a fault does not repeat the value. */
static int32_t split(const char *assignment, char path[CONFIG_PATH], const char **value,
                     struct fault *fault)
{
    size_t n = strcspn(assignment, "=");
    size_t shown = strspn(assignment, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789_-.");
    if (assignment[n] != '=' || n == 0 || n >= CONFIG_PATH)
        return fault_set(fault, HAWSE_E_INVAL, "%.*s: expected PATH=VALUE",
                         (int)(shown < 64 ? shown : 64), assignment);
    (void)snprintf(path, CONFIG_PATH, "%.*s", (int)n, assignment);
    *value = assignment + n + 1;
    bool empty = path[0] == '.' || path[n - 1] == '.' || strstr(path, "..") != NULL;
    if (empty)
        return fault_set(fault, HAWSE_E_INVAL, "%s: a part of the path is empty", path);
    if (strchr(path, '[')) {
        (void)fault_set(fault, HAWSE_E_INVAL, "%s: items of an array cannot be set one by one",
                        path);
        fault_hint(fault, "set the whole array: PATH='[...]'");
        return HAWSE_E_INVAL;
    }
    return HAWSE_OK;
}

static int32_t unknown_instance(const json_t *instances, const char *path, const char *id,
                                struct fault *fault)
{
    const char *ids[CONFIG_INSTANCES], *name;
    size_t count = 0;
    json_t *unused;
    json_object_foreach((json_t *)(uintptr_t)instances, name, unused)
    {
        if (count < CONFIG_INSTANCES)
            ids[count++] = name;
    }
    const char *near = schema_nearest(id, ids, count);
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "%s: there is no instance \"%s\" in the file", path,
                    id);
    if (near)
        fault_hint(fault, "did you mean \"%s\"?", near);
    else
        fault_hint(fault, "--set changes instances; write new ones into the file");
    return HAWSE_E_NOTFOUND;
}

/* A path in pieces; they point into `copy`. */
struct pieces {
    char copy[CONFIG_PATH];
    char *names[PIECES];
    size_t count;
};

static bool cut(const char *path, struct pieces *p)
{
    char *save = NULL;
    (void)snprintf(p->copy, sizeof(p->copy), "%s", path);
    p->count = 0;
    for (char *name = strtok_r(p->copy, ".", &save); name; name = strtok_r(NULL, ".", &save)) {
        if (p->count == PIECES)
            return false;
        p->names[p->count++] = name;
    }
    return true;
}

/* Does piece `i` name an endpoint? */
static bool is_endpoint(const struct pieces *p, size_t i)
{
    return i == 3 && strcmp(p->names[0], "instances") == 0 && strcmp(p->names[2], "endpoints") == 0;
}

/* The member that the path goes through: made when it is missing, for the check to judge; an
 * endpoint in its short form gets its long one. NULL when memory is out. */
static json_t *step(json_t *at, const char *name, bool endpoint)
{
    json_t *inner = json_object_get(at, name), *made = NULL;
    if (inner && !(endpoint && json_is_string(inner)))
        return inner;
    made = inner ? json_pack("{s:O}", "url", inner) : json_object();
    return json_object_set_new(at, name, made) == 0 ? made : NULL;
}

static int32_t set_last(json_t *at, const char *name, bool endpoint, const char *value,
                        const char *path, struct fault *fault)
{
    /* The parser does not tell bad syntax from lack of memory: a second look does. */
    json_t *parsed = json_loads(value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!parsed)
        parsed = json_loads(value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (!parsed)
        parsed = json_string(value);
    if (!parsed)
        return fault_set(fault, HAWSE_E_INVAL, "%s: the value is not UTF-8", path);
    parsed = with_paths(parsed, path);
    if (!parsed)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", path);
    json_t *old = json_object_get(at, name);
    if (endpoint && json_is_string(parsed) && json_is_object(old)) { /* the rest of it stays */
        (void)json_object_del(old, "chain");
        at = old;
        name = "url";
    }
    return json_object_set_new(at, name, parsed) == 0
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", path);
}

static int32_t check_start(const json_t *root, const struct pieces *p, const char *path,
                           struct fault *fault)
{
    if (strcmp(p->names[0], "instances") != 0)
        return HAWSE_OK;
    if (p->count == 1)
        return fault_set(fault, HAWSE_E_INVAL,
                         "%s: cannot be set as a whole, only members of its instances", path);
    const json_t *instances = json_object_get(root, "instances");
    return json_object_get(instances, p->names[1])
               ? HAWSE_OK
               : unknown_instance(instances, path, p->names[1], fault);
}

int32_t override_apply(json_t *root, const char *assignment, char path[CONFIG_PATH],
                       struct fault *fault)
{
    struct pieces p;
    const char *value = NULL;
    json_t *at = root;
    int32_t code = split(assignment, path, &value, fault);
    if (code != HAWSE_OK)
        return code;
    if (!cut(path, &p))
        return fault_set(fault, HAWSE_E_LIMIT, "%s: more than %d parts", path, PIECES);
    code = check_start(root, &p, path, fault);
    if (code != HAWSE_OK)
        return code;
    for (size_t i = 0; i + 1 < p.count; i++) {
        at = step(at, p.names[i], is_endpoint(&p, i));
        if (!at)
            return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", path);
        if (!json_is_object(at))
            return fault_set(fault, HAWSE_E_INVAL,
                             "%s: \"%s\" is no object, nothing can be set in it", path, p.names[i]);
    }
    size_t last = p.count - 1;
    return set_last(at, p.names[last], is_endpoint(&p, last), value, path, fault);
}
