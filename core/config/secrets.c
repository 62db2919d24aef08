/*
 * References to secrets: resolved in endpoints and credentials, refused elsewhere; see internal.h.
 * What was resolved is wiped when the config is destroyed, and never stands in a fault.
 */
#include "config/internal.h"

#include "base/secret_file.h"

#include <ctype.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_BYTES = 128 << 10, DEPTH = 64 }; /* a value holds a file's and more */

static const char MASK[] = "***";

int32_t secret_mask(json_t *object, const char *key, const char *shown, const char *where,
                    struct fault *fault)
{
    json_t *old = json_object_get(object, key);
    json_t *mask = json_string(shown);
    if (!mask)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    explicit_bzero((char *)(uintptr_t)json_string_value(old), json_string_length(old));
    return json_object_set_new(object, key, mask) == 0
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
}

/* ---- files ---- */

/* `out` has room for SECRET_FILE_BYTES + 1, all zero. */
static int32_t resolve_file(const char *name, const char *dir, const char *where, char *out,
                            struct fault *fault)
{
    char *path = path_from(dir, name);
    int32_t code = path ? secret_file_read(path, where, out, fault)
                        : fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    if (code == HAWSE_E_NOTFOUND)
        fault_hint(fault,
                   "write the secret there, mode 600; the path is relative to the configuration");
    free(path);
    return code;
}

/* ---- variables ---- */

/* A variable that `text` names and that is not set, but not `known` nor in `list`, goes into it. */
static void list_missing(const char *text, const char *known, char *list, size_t size)
{
    for (const char *at = strstr(text, "${"); at; at = strstr(at + 2, "${")) {
        char name[128], quoted[sizeof(name) + 4];
        size_t len = strcspn(at + 2, "}"), used = strlen(list);
        bool reference =
            at[2 + len] == '}' && len > 0 && len < sizeof(name) && (at == text || at[-1] != '$');
        (void)snprintf(name, sizeof(name), "%.*s", reference ? (int)len : 0, at + 2);
        (void)snprintf(quoted, sizeof(quoted), ", %s,", name);
        if (reference && strcmp(name, known) != 0 && !secret_env(name) && !strstr(list, quoted))
            (void)snprintf(list + used, size - used, " %s,", name);
    }
}

/* What was resolved before is masked already: each reference that is left is still to come. */
static void walk_missing(const json_t *value, const char *known, char *list, size_t size)
{
    const char *key, *text = json_string_value(value);
    json_t *member;
    if (text)
        list_missing(text, known, list, size);
    for (size_t i = 0; i < json_array_size(value); i++)
        walk_missing(json_array_get(value, i), known, list, size);
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        walk_missing(member, known, list, size);
    }
}

static int32_t not_set(const struct reader *r, const char *name, const char *where)
{
    char list[512] = ","; /* commas around each, so that a part of a name is no name */
    walk_missing(r->config->source->effective, name, list, sizeof(list));
    list[strlen(list) - 1] = '\0';
    (void)fault_set(r->fault, HAWSE_E_NOTFOUND, "%s: the environment variable %s is not set%s%s",
                    where, name, list[0] ? "; nor are these: " : "", list[0] ? list + 2 : "");
    fault_hint(r->fault, "export %s=..., or read the value from a file: \"file:PATH\"", name);
    return HAWSE_E_NOTFOUND;
}

/* The variable named at "${NAME}"; *used is the length of the reference. */
static int32_t variable(const struct reader *r, const char *at, const char *where,
                        const char **value, size_t *used)
{
    char name[128];
    const char *end = strchr(at, '}');
    size_t len = end ? (size_t)(end - at - 2) : 0;
    bool good = end && len > 0 && len < sizeof(name) && !isdigit((unsigned char)at[2]);
    for (size_t i = 0; good && i < len; i++)
        good = isalnum((unsigned char)at[2 + i]) || at[2 + i] == '_';
    if (!good) {
        (void)fault_set(r->fault, HAWSE_E_FORMAT,
                        "%s: found \"${\" without the name of a variable and \"}\" behind it",
                        where);
        fault_hint(r->fault, "write ${NAME}; where a dollar and a brace are meant, write $${");
        return HAWSE_E_FORMAT;
    }
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, at + 2);
    *value = secret_env(name);
    *used = len + 3;
    if (!*value)
        return not_set(r, name, where);
    if (**value)
        return HAWSE_OK;
    (void)fault_set(r->fault, HAWSE_E_NOTFOUND, "%s: the environment variable %s is empty", where,
                    name);
    fault_hint(r->fault, "export %s=..., or read the value from a file: \"file:PATH\"", name);
    return HAWSE_E_NOTFOUND;
}

struct writer {
    char *text; /* VALUE_BYTES */
    size_t len;
};

static bool put(struct writer *w, const char *piece, size_t n)
{
    if (n >= VALUE_BYTES - w->len)
        return false;
    memcpy(w->text + w->len, piece, n);
    w->len += n;
    return true;
}

static int32_t resolve_variables(const struct reader *r, const char *text, const char *where,
                                 struct writer *value, struct writer *shown)
{
    int32_t code = HAWSE_OK;
    bool fits = true;
    while (*text && code == HAWSE_OK && fits) {
        const char *piece = text;
        size_t used = 1;
        if (strncmp(text, "${", 2) == 0) {
            code = variable(r, text, where, &piece, &used);
            fits = code != HAWSE_OK ||
                   (put(value, piece, strlen(piece)) && put(shown, MASK, strlen(MASK)));
        } else {
            bool escaped = strncmp(text, "$${", 3) == 0; /* a dollar and a brace as they are */
            used = escaped ? 3 : 1;
            piece = escaped ? "${" : text;
            fits = put(value, piece, escaped ? 2 : 1) && put(shown, piece, escaped ? 2 : 1);
        }
        text += used;
    }
    return fits ? code : fault_set(r->fault, HAWSE_E_LIMIT, "%s: longer than 128 KiB", where);
}

int32_t secret_resolve(struct reader *r, const char *text, const char *where, char **value,
                       char **shown)
{
    struct writer v = {.text = secret_new(VALUE_BYTES)}, s = {.text = calloc(1, VALUE_BYTES)};
    int32_t code = v.text && s.text ? HAWSE_OK : HAWSE_E_NOMEM;
    *value = *shown = NULL;
    if (code == HAWSE_OK && strncmp(text, "file:", 5) == 0) {
        (void)put(&s, MASK, strlen(MASK));
        code = resolve_file(text + 5, r->dir, where, v.text, r->fault);
    } else if (code == HAWSE_OK) {
        code = resolve_variables(r, text, where, &v, &s);
    }
    if (code == HAWSE_OK) {
        *value = secret_copy(v.text);
        if (!*value || !copy_text(shown, s.text)) {
            secret_free(*value);
            *value = NULL;
            code = HAWSE_E_NOMEM;
        }
    }
    secret_free(v.text);
    free(s.text);
    return code == HAWSE_OK ? code : fault_set(r->fault, code, "%s: no memory", where);
}

int32_t secret_note_references(struct reader *r, const char *text, const char *value,
                               const char *where)
{
    int32_t code = HAWSE_OK;
    if (strncmp(text, "file:", 5) == 0)
        return hidden_add(r->config, value, strlen(value));
    for (const char *at = strstr(text, "${"); at && code == HAWSE_OK; at = strstr(at, "${")) {
        const char *piece = NULL;
        size_t used = 2;
        if (at == text || at[-1] != '$')
            code = variable(r, at, where, &piece, &used);
        if (code == HAWSE_OK && piece)
            code = hidden_add(r->config, piece, strlen(piece));
        at += used;
    }
    return code;
}

/* ---- where references may not stand ---- */

static int32_t refuse_in(const json_t *value, const char *where, bool settings, int depth,
                         struct fault *fault)
{
    const char *key, *text = json_string_value(value);
    json_t *member;
    char path[CONFIG_PATH];
    int32_t code = HAWSE_OK;
    if (depth > DEPTH)
        return fault_set(fault, HAWSE_E_LIMIT, "%s: nested deeper than %d", where, DEPTH);
    if (text && (strncmp(text, "file:", 5) == 0 || strstr(text, "${"))) {
        (void)fault_set(
            fault, HAWSE_E_DENIED,
            settings ? "%s: references to secrets are not resolved here: settings "
                       "reach the plugin"
                     : "%s: references to secrets are resolved in endpoints and credentials only",
            where);
        fault_hint(fault, settings ? "what is secret belongs into an endpoint's url or headers, "
                                     "which stay with the host"
                                   : "write the value itself");
        return HAWSE_E_DENIED;
    }
    for (size_t i = 0; i < json_array_size(value) && code == HAWSE_OK; i++) {
        (void)snprintf(path, sizeof(path), "%.200s[%zu]", where, i);
        code = refuse_in(json_array_get(value, i), path, settings, depth + 1, fault);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        (void)snprintf(path, sizeof(path), "%.180s.%.64s", where, key);
        if (code == HAWSE_OK)
            code = refuse_in(member, path, settings, depth + 1, fault);
    }
    return code;
}

static int32_t refuse_in_instance(const char *id, json_t *instance, struct fault *fault)
{
    const char *key;
    json_t *value;
    char path[CONFIG_PATH];
    int32_t code = HAWSE_OK;
    json_object_foreach(instance, key, value)
    {
        (void)snprintf(path, sizeof(path), "instances.%.64s.%.64s", id, key);
        bool own = strcmp(key, "endpoints") == 0 || strcmp(key, "credentials") == 0;
        if (code == HAWSE_OK && !own)
            code = refuse_in(value, path, strcmp(key, "settings") == 0, 0, fault);
    }
    return code;
}

/* Members of an object but those that hold endpoints. */
static int32_t refuse_but(const json_t *object, const char *where, const char *endpoint,
                          const char *other, struct fault *fault)
{
    const char *key;
    json_t *value;
    char path[CONFIG_PATH];
    int32_t code = HAWSE_OK;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        (void)snprintf(path, sizeof(path), "%.180s.%.64s", where, key);
        if (code == HAWSE_OK && strcmp(key, endpoint) != 0 && strcmp(key, other) != 0)
            code = refuse_in(value, path, false, 0, fault);
    }
    return code;
}

static int32_t refuse_in_chain(const char *id, const json_t *chain, struct fault *fault)
{
    char path[CONFIG_PATH];
    const char *name;
    json_t *safe;
    const json_t *providers = json_object_get(chain, "providers");
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < json_array_size(providers) && code == HAWSE_OK; i++) {
        (void)snprintf(path, sizeof(path), "chains.%.64s.providers[%zu]", id, i);
        code = refuse_but(json_array_get(providers, i), path, "http", "ws", fault);
    }
    json_object_foreach(json_object_get(chain, "safes"), name, safe)
    {
        (void)snprintf(path, sizeof(path), "chains.%.64s.safes.%.64s", id, name);
        if (code == HAWSE_OK)
            code = refuse_but(safe, path, "service", "service", fault);
    }
    (void)snprintf(path, sizeof(path), "chains.%.64s.tx", id);
    return code == HAWSE_OK
               ? refuse_but(json_object_get(chain, "tx"), path, "relay", "tenderly", fault)
               : code;
}

int32_t secret_refuse(const json_t *root, struct fault *fault)
{
    const char *key, *id;
    json_t *value, *instance;
    int32_t code = HAWSE_OK;
    json_object_foreach((json_t *)(uintptr_t)root, key, value)
    {
        bool own = strcmp(key, "instances") == 0 || strcmp(key, "keys") == 0 ||
                   strcmp(key, "chains") == 0 || strcmp(key, "nonces") == 0;
        if (code == HAWSE_OK && !own)
            code = refuse_in(value, key, false, 0, fault);
    }
    if (code == HAWSE_OK)
        code = refuse_but(json_object_get(json_object_get(root, "nonces"), "redis"), "nonces.redis",
                          "password", "password", fault);
    json_object_foreach(json_object_get(root, "chains"), id, instance)
    {
        if (code == HAWSE_OK)
            code = refuse_in_chain(id, instance, fault);
    }
    json_object_foreach(json_object_get(root, "instances"), id, instance)
    {
        if (code == HAWSE_OK)
            code = refuse_in_instance(id, instance, fault);
    }
    return code;
}
