/*
 * Is a schema one that schema.c can check, and does it keep its own rules? See schema.h. Plugins
 * bring schemas: what is not understood is refused here, so that schema.c need not doubt.
 */
#include "base/schema_internal.h"

#include <hawse/types.h>
#include <stdio.h>
#include <string.h>

enum kind {
    KIND_TYPE,         /* a type's name, or several */
    KIND_RULE,         /* a schema */
    KIND_RULE_OR_BOOL, /* a schema, true or false */
    KIND_RULES,        /* an object of schemas */
    KIND_ALTERNATIVES, /* an array of schemas of different types */
    KIND_TEXTS,        /* an array of strings */
    KIND_VALUES,       /* an array with something in it */
    KIND_NUMBER,
    KIND_COUNT, /* an integer from 0 on */
    KIND_BOOL,
    KIND_TEXT,
    KIND_FORMAT,
    KIND_REFERENCE,
    KIND_ANY,
};

static const struct keyword {
    const char *name;
    enum kind kind;
    const char *expected;
} keywords[] = {
    {"type", KIND_TYPE, "object, array, string, integer, number, boolean or null, or an array"},
    {"properties", KIND_RULES, "an object of schemas"},
    {"required", KIND_TEXTS, "an array of strings"},
    {"additionalProperties", KIND_RULE_OR_BOOL, "a schema, true or false"},
    {"enum", KIND_VALUES, "an array that is not empty"},
    {"const", KIND_ANY, ""},
    {"minimum", KIND_NUMBER, "a number"},
    {"maximum", KIND_NUMBER, "a number"},
    {"minLength", KIND_COUNT, "an integer from 0 on"},
    {"maxLength", KIND_COUNT, "an integer from 0 on"},
    {"format", KIND_FORMAT, "address, uint256 or url"},
    {"items", KIND_RULE, "a schema"},
    {"minItems", KIND_COUNT, "an integer from 0 on"},
    {"maxItems", KIND_COUNT, "an integer from 0 on"},
    {"uniqueItems", KIND_BOOL, "true or false"},
    {"oneOf", KIND_ALTERNATIVES, "an array of schemas, each of one type, no type twice"},
    {"$ref", KIND_REFERENCE, "\"#/$defs/NAME\" of a definition that exists"},
    {"$defs", KIND_RULES, "an object of schemas"},
    {"default", KIND_ANY, ""},
    {"writeOnly", KIND_BOOL, "true or false"},
    {"$schema", KIND_TEXT, "a string"},
    {"title", KIND_TEXT, "a string"},
    {"description", KIND_TEXT, "a string"},
    {"examples", KIND_VALUES, "an array that is not empty"},
};
enum { KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

/* One look at every rule of a schema. */
struct walk {
    const json_t *root;
    struct fault *fault;
    size_t work; /* left, for all defaults together */
    int32_t (*visit)(struct walk *w, const json_t *rule, const char *where);
};

static bool is_type(const char *name)
{
    static const char *const names[] = {"object", "array",   "string", "integer",
                                        "number", "boolean", "null"};
    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool all_texts(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!json_is_string(json_array_get(array, i)))
            return false;
    }
    return json_is_array(array);
}

static bool legal_type(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!is_type(json_string_value(json_array_get(value, i))))
            return false;
    }
    return json_array_size(value) > 0 || is_type(json_string_value(value));
}

/* Alternatives are told apart by their types, so at most one can match. */
static bool legal_alternatives(const json_t *root, const json_t *options)
{
    for (size_t i = 0; i < json_array_size(options); i++) {
        const json_t *option = schema_resolve(root, json_array_get(options, i));
        const char *type = json_string_value(json_object_get(option, "type"));
        if (!is_type(type) || json_object_get(option, "oneOf"))
            return false;
        for (size_t k = 0; k < i; k++) {
            const char *other = json_string_value(
                json_object_get(schema_resolve(root, json_array_get(options, k)), "type"));
            bool numbers = (strcmp(type, "number") == 0 && strcmp(other, "integer") == 0) ||
                           (strcmp(type, "integer") == 0 && strcmp(other, "number") == 0);
            if (numbers || strcmp(type, other) == 0)
                return false;
        }
    }
    return json_array_size(options) > 0;
}

static bool legal_format(const char *name)
{
    return name && (strcmp(name, "address") == 0 || strcmp(name, "uint256") == 0 ||
                    strcmp(name, "url") == 0);
}

static bool legal(const struct walk *w, enum kind kind, const json_t *value, const json_t *rule)
{
    switch (kind) {
    case KIND_TYPE:
        return legal_type(value);
    case KIND_RULE_OR_BOOL:
        return json_is_object(value) || json_is_boolean(value);
    case KIND_ALTERNATIVES:
        return legal_alternatives(w->root, value);
    case KIND_TEXTS:
        return all_texts(value);
    case KIND_VALUES:
        return json_array_size(value) > 0;
    case KIND_NUMBER:
        return json_is_number(value);
    case KIND_COUNT:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case KIND_BOOL:
        return json_is_boolean(value);
    case KIND_TEXT:
        return json_is_string(value);
    case KIND_FORMAT:
        return legal_format(json_string_value(value));
    case KIND_REFERENCE:
        return json_is_object(schema_resolve(w->root, rule));
    case KIND_ANY:
        return true;
    default: /* KIND_RULE, KIND_RULES */
        return json_is_object(value);
    }
}

static const struct keyword *find(const char *name)
{
    for (size_t i = 0; i < KEYWORDS; i++) {
        if (strcmp(name, keywords[i].name) == 0)
            return &keywords[i];
    }
    return NULL;
}

static int32_t unknown_keyword(struct walk *w, const char *where, const char *name)
{
    const char *words[KEYWORDS];
    for (size_t i = 0; i < KEYWORDS; i++)
        words[i] = keywords[i].name;
    const char *near = schema_nearest(name, words, KEYWORDS);
    (void)fault_set(w->fault, HAWSE_E_UNSUPPORTED,
                    "%s: this host cannot check the keyword \"%.64s\"", where, name);
    if (near)
        fault_hint(w->fault, "did you mean \"%s\"?", near);
    else
        fault_hint(w->fault, "leave it out, and let the plugin check it in create");
    return HAWSE_E_UNSUPPORTED;
}

/* $ref and oneOf stand alone: what stood beside them would not be looked at. */
static const char *ignored_beside(const json_t *rule, const char *name)
{
    static const char *const fine[] = {"$schema",     "$defs",   "title",
                                       "description", "default", "writeOnly"};
    const char *master = json_object_get(rule, "$ref")    ? "$ref"
                         : json_object_get(rule, "oneOf") ? "oneOf"
                                                          : NULL;
    if (!master || strcmp(name, master) == 0)
        return NULL;
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        if (strcmp(name, fine[i]) == 0)
            return NULL;
    }
    return master;
}

static int32_t visit_keywords(struct walk *w, const json_t *rule, const char *where)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)rule, name, value)
    {
        const struct keyword *keyword = find(name);
        const char *master = ignored_beside(rule, name);
        char path[SCHEMA_PATH], found[96];
        if (!keyword)
            return unknown_keyword(w, where, name);
        if (master)
            return fault_set(w->fault, HAWSE_E_UNSUPPORTED,
                             "%s: this host cannot check \"%s\" beside \"%s\"", where, name,
                             master);
        if (legal(w, keyword->kind, value, rule))
            continue;
        schema_join(path, where, name);
        schema_found(NULL, value, found, sizeof(found));
        return fault_set(w->fault, HAWSE_E_FORMAT, "%s: found %s, expected %s", path, found,
                         keyword->expected);
    }
    return HAWSE_OK;
}

/* A default that breaks its own rule would be blamed on the operator. */
static int32_t visit_default(struct walk *w, const json_t *rule, const char *where)
{
    const json_t *preset = json_object_get(rule, "default");
    char path[SCHEMA_PATH];
    if (!preset)
        return HAWSE_OK;
    json_t *copy = json_deep_copy(preset);
    if (!copy)
        return fault_set(w->fault, HAWSE_E_NOMEM, "%s: no memory", where);
    struct schema_context c = {.root = w->root, .fault = w->fault, .work = w->work};
    schema_join(path, where, "default");
    int32_t code = schema_apply_rule(&c, rule, copy, path);
    w->work = c.work;
    json_decref(copy);
    return code;
}

static int32_t walk(struct walk *w, const json_t *rule, const char *where, int depth);

/* The rules inside the value of one keyword. */
static int32_t walk_inside(struct walk *w, const struct keyword *keyword, json_t *value,
                           const char *path, int depth)
{
    const char *name;
    json_t *member;
    char inner[SCHEMA_PATH];
    int32_t code = HAWSE_OK;
    switch (keyword->kind) {
    case KIND_RULE:
        return walk(w, value, path, depth);
    case KIND_RULE_OR_BOOL:
        return json_is_object(value) ? walk(w, value, path, depth) : HAWSE_OK;
    case KIND_RULES:
        json_object_foreach(value, name, member)
        {
            schema_join(inner, path, name);
            if (code == HAWSE_OK)
                code = walk(w, member, inner, depth);
        }
        return code;
    case KIND_ALTERNATIVES:
        for (size_t i = 0; i < json_array_size(value) && code == HAWSE_OK; i++) {
            (void)snprintf(inner, sizeof(inner), "%.200s[%zu]", path, i);
            code = walk(w, json_array_get(value, i), inner, depth);
        }
        return code;
    default:
        return HAWSE_OK;
    }
}

static int32_t walk(struct walk *w, const json_t *rule, const char *where, int depth)
{
    const char *name;
    json_t *value;
    char path[SCHEMA_PATH];
    if (!json_is_object(rule))
        return fault_set(w->fault, HAWSE_E_FORMAT, "%s: a schema must be an object", where);
    if (depth > SCHEMA_DEPTH)
        return fault_set(w->fault, HAWSE_E_LIMIT, "%s: nested deeper than %d", where, SCHEMA_DEPTH);
    int32_t code = w->visit(w, rule, where);
    json_object_foreach((json_t *)(uintptr_t)rule, name, value)
    {
        const struct keyword *keyword = find(name);
        schema_join(path, where, name);
        if (code == HAWSE_OK && keyword)
            code = walk_inside(w, keyword, value, path, depth + 1);
    }
    return code;
}

int32_t schema_check(const json_t *schema, const char *where, struct fault *fault)
{
    struct walk w = {.root = schema, .fault = fault, .work = SCHEMA_WORK, .visit = visit_keywords};
    int32_t code = walk(&w, schema, where, 0);
    w.visit = visit_default;
    return code == HAWSE_OK ? walk(&w, schema, where, 0) : code;
}
