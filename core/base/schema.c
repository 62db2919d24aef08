/*
 * Walks a value along its schema, checks members and items, fills in defaults; see schema.h. Cold
 * and recursive, so bounded in depth and in work.
 */
#include "base/schema_internal.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const json_t *schema_resolve(const json_t *root, const json_t *rule)
{
    for (int hops = 0; hops < SCHEMA_DEPTH; hops++) {
        const char *ref = json_string_value(json_object_get(rule, "$ref"));
        if (!ref)
            return rule;
        if (strncmp(ref, "#/$defs/", 8) != 0)
            return NULL;
        rule = json_object_get(json_object_get(root, "$defs"), ref + 8);
    }
    return NULL;
}

/* At most `max` bytes of a text, without half a character at the end. */
static int clip(const char *text, size_t max)
{
    size_t n = strnlen(text, max + 1);
    if (n > max) {
        n = max;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    return (int)n;
}

void schema_join(char out[SCHEMA_PATH], const char *where, const char *key)
{
    (void)snprintf(out, SCHEMA_PATH, "%.*s%s%.*s", clip(where, 180), where, where[0] ? "." : "",
                   clip(key, 64), key);
}

/* ---- members ---- */

static const json_t *member_rule(const json_t *rule, const char *key)
{
    const json_t *own = json_object_get(json_object_get(rule, "properties"), key);
    const json_t *other = json_object_get(rule, "additionalProperties");
    return own ? own : json_is_object(other) ? other : NULL;
}

static int32_t unknown_key(struct schema_context *c, const json_t *rule, const char *path,
                           const char *key)
{
    const char *words[128];
    size_t count = 0;
    const char *name;
    json_t *unused;
    char hint[200] = "";
    json_object_foreach(json_object_get(rule, "properties"), name, unused)
    {
        if (count < sizeof(words) / sizeof(words[0]))
            words[count++] = name;
    }
    const char *near = schema_nearest(key, words, count);
    if (near)
        (void)snprintf(hint, sizeof(hint), "did you mean \"%.64s\"?", near);
    if (c->unknown) {
        json_t *sentence = json_sprintf("%s: no such key%s%s", path, hint[0] ? "; " : "", hint);
        if (json_array_append_new(c->unknown, sentence) != 0)
            return fault_set(c->fault, HAWSE_E_NOMEM, "%s: no memory", path);
        return HAWSE_OK;
    }
    (void)fault_set(c->fault, HAWSE_E_INVAL, "%s: no such key", path);
    for (size_t i = 0; i < count && !near; i++) {
        size_t at = strlen(hint);
        (void)snprintf(hint + at, sizeof(hint) - at, "%s%s",
                       i ? ", " : "the keys here are: ", words[i]);
    }
    fault_hint(c->fault, "%s", hint[0] ? hint : "there are no keys here");
    return HAWSE_E_INVAL;
}

static int32_t check_keys(struct schema_context *c, const json_t *rule, json_t *value,
                          const char *where)
{
    const char *key;
    json_t *unused;
    char path[SCHEMA_PATH];
    int32_t code = HAWSE_OK;
    if (json_is_true(json_object_get(rule, "additionalProperties")))
        return HAWSE_OK;
    json_object_foreach(value, key, unused)
    {
        schema_join(path, where, key);
        if (code == HAWSE_OK && !member_rule(rule, key))
            code = unknown_key(c, rule, path, key);
    }
    return code;
}

/* Values and the text in them: what a default costs each time it is filled in. */
static size_t weight(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t n = 1 + json_string_length(value) / 16;
    for (size_t i = 0; i < json_array_size(value); i++)
        n += weight(json_array_get(value, i));
    json_object_foreach((json_t *)(uintptr_t)value, key, member) n += weight(member);
    return n;
}

static int32_t spend(struct schema_context *c, size_t work, const char *where)
{
    if (work > c->work)
        return fault_set(c->fault, HAWSE_E_LIMIT, "%s: more than %d values to check", where,
                         SCHEMA_WORK);
    c->work -= work;
    return HAWSE_OK;
}

static int32_t add_default(struct schema_context *c, const json_t *rule, json_t *value,
                           const char *key, const char *where)
{
    json_t *preset = json_object_get(rule, "default");
    if (!preset)
        preset = json_object_get(schema_resolve(c->root, rule), "default");
    if (!preset || json_object_get(value, key))
        return HAWSE_OK;
    int32_t code = spend(c, weight(preset), where);
    if (code == HAWSE_OK && json_object_set_new(value, key, json_deep_copy(preset)) != 0)
        code = fault_set(c->fault, HAWSE_E_NOMEM, "%s: no memory", where);
    return code;
}

static int32_t check_required(struct schema_context *c, const json_t *rule, const json_t *value,
                              const char *where)
{
    const json_t *required = json_object_get(rule, "required");
    char path[SCHEMA_PATH];
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (json_object_get(value, name))
            continue;
        schema_join(path, where, name);
        (void)fault_set(c->fault, HAWSE_E_INVAL, "%s: is missing", path);
        const char *about =
            json_string_value(json_object_get(member_rule(rule, name), "description"));
        if (about)
            fault_hint(c->fault, "add it: %s", about);
        return HAWSE_E_INVAL;
    }
    return HAWSE_OK;
}

/* Unknown keys come first: a misspelt key is more likely than a missing one. */
static int32_t check_members(struct schema_context *c, const json_t *rule, json_t *value,
                             const char *where)
{
    const char *key;
    json_t *member;
    char path[SCHEMA_PATH];
    int32_t code = check_keys(c, rule, value, where);
    json_object_foreach(json_object_get(rule, "properties"), key, member)
    {
        if (code == HAWSE_OK)
            code = add_default(c, member, value, key, where);
    }
    if (code == HAWSE_OK)
        code = check_required(c, rule, value, where);
    json_object_foreach(value, key, member)
    {
        const json_t *own = member_rule(rule, key);
        schema_join(path, where, key);
        if (code == HAWSE_OK && own)
            code = schema_apply_rule(c, own, member, path);
    }
    return code;
}

/* ---- items ---- */

static int32_t check_count(struct schema_context *c, const json_t *rule, const json_t *value,
                           const char *where)
{
    const json_t *low = json_object_get(rule, "minItems"),
                 *high = json_object_get(rule, "maxItems");
    json_int_t n = (json_int_t)json_array_size(value);
    bool few = low && n < json_integer_value(low);
    if (!few && !(high && n > json_integer_value(high)))
        return HAWSE_OK;
    return fault_set(c->fault, HAWSE_E_INVAL, "%s: found %lld items, expected %s %lld", where,
                     (long long)n, few ? "at least" : "at most",
                     (long long)json_integer_value(few ? low : high));
}

/* By a table of the items' texts: comparing each with each would let a long list stall the host. */
static int32_t check_unique(struct schema_context *c, const json_t *value, const char *where)
{
    json_t *seen = json_object();
    int32_t code = seen ? HAWSE_OK : HAWSE_E_NOMEM;
    for (size_t i = 0; i < json_array_size(value) && code == HAWSE_OK; i++) {
        char *text =
            json_dumps(json_array_get(value, i), JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
        const json_t *first = text ? json_object_get(seen, text) : NULL;
        if (first)
            code = fault_set(c->fault, HAWSE_E_INVAL, "%s[%zu]: the same as item %lld", where, i,
                             (long long)json_integer_value(first));
        else if (!text || json_object_set_new(seen, text, json_integer((json_int_t)i)) != 0)
            code = HAWSE_E_NOMEM;
        free(text);
    }
    json_decref(seen);
    return code == HAWSE_OK ? code : fault_set(c->fault, code, "%s: no memory", where);
}

static int32_t check_items(struct schema_context *c, const json_t *rule, json_t *value,
                           const char *where)
{
    const json_t *items = json_object_get(rule, "items");
    char path[SCHEMA_PATH];
    int32_t code = check_count(c, rule, value, where);
    for (size_t i = 0; items && i < json_array_size(value) && code == HAWSE_OK; i++) {
        (void)snprintf(path, sizeof(path), "%.*s[%zu]", clip(where, 200), where, i);
        code = schema_apply_rule(c, items, json_array_get(value, i), path);
    }
    if (code == HAWSE_OK && json_is_true(json_object_get(rule, "uniqueItems")))
        code = check_unique(c, value, where);
    return code;
}

/* ---- the walk ---- */

/* The alternatives have different types: the one whose type fits decides, and its fault is the one
 * that helps. */
static int32_t check_one_of(struct schema_context *c, const json_t *rule, json_t *value,
                            const char *where)
{
    const json_t *options = json_object_get(rule, "oneOf");
    char allowed[160] = "";
    for (size_t i = 0; i < json_array_size(options); i++) {
        const json_t *option = schema_resolve(c->root, json_array_get(options, i));
        const char *type = json_string_value(json_object_get(option, "type"));
        if (schema_type_matches(type, value))
            return schema_apply_rule(c, option, value, where);
        size_t at = strlen(allowed);
        (void)snprintf(allowed + at, sizeof(allowed) - at, "%s%s", i ? " or " : "", type);
    }
    return schema_refuse(c, rule, where, value, allowed);
}

int32_t schema_apply_rule(struct schema_context *c, const json_t *rule, json_t *value,
                          const char *where)
{
    int32_t code = spend(c, 1, where);
    if (code != HAWSE_OK)
        return code;
    if (c->depth >= SCHEMA_DEPTH)
        return fault_set(c->fault, HAWSE_E_LIMIT, "%s: nested deeper than %d", where, SCHEMA_DEPTH);
    rule = schema_resolve(c->root, rule);
    c->depth++;
    if (json_object_get(rule, "oneOf"))
        code = check_one_of(c, rule, value, where);
    else
        code = schema_check_value(c, rule, value, where);
    if (code == HAWSE_OK && json_is_array(value))
        code = check_items(c, rule, value, where);
    if (code == HAWSE_OK && json_is_object(value) && !json_object_get(rule, "oneOf"))
        code = check_members(c, rule, value, where);
    c->depth--;
    return code;
}

int32_t schema_apply_lenient(const json_t *schema, json_t *value, const char *where,
                             json_t *unknown, struct fault *fault)
{
    struct schema_context c = {
        .root = schema, .fault = fault, .unknown = unknown, .work = SCHEMA_WORK};
    return schema_apply_rule(&c, schema, value, where);
}

int32_t schema_apply(const json_t *schema, json_t *value, const char *where, struct fault *fault)
{
    return schema_apply_lenient(schema, value, where, NULL, fault);
}
