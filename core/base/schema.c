/* JSON Schema, the part that operators and plugin authors need; see schema.h. Cold, recursive,
 * bounded. */
#include "base/schema.h"

#include <ctype.h>
#include <hawse/types.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, PATH_MAX_LEN = 256, WORD_MAX = 64 };

struct context {
    const json_t *root; /* schema: $ref begins here */
    struct fault *fault;
    int depth;
};

static int32_t apply(struct context *c, const json_t *schema, json_t *value, const char *where);

/* ---- nearest word ---- */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Optimal string alignment distance (Damerau-Levenshtein without overlapping swaps). */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    if (la >= WORD_MAX || lb >= WORD_MAX)
        return WORD_MAX;
    size_t d[3][WORD_MAX + 1];
    for (size_t j = 0; j <= lb; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t *row = d[i % 3], *above = d[(i + 2) % 3], *second = d[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && second[j - 2] + 1 < row[j])
                row[j] = second[j - 2] + 1;
        }
    }
    return d[la % 3][lb];
}

const char *schema_nearest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t n = distance(word, candidates[i]);
        if (n < best_distance) {
            best_distance = n;
            best = candidates[i];
        }
    }
    return best;
}

/* ---- words for faults ---- */

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_NULL:
        return "null";
    default:
        return "boolean";
    }
}

/* The value as found, short; texts only by their length when long, so that no secret is repeated.
 */
static void found(const json_t *value, char *out, size_t cap)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    bool plain = !json_is_string(value) || json_string_length(value) <= 24;
    if (text && strlen(text) <= 40 && plain)
        (void)snprintf(out, cap, "%s", text);
    else if (json_is_string(value))
        (void)snprintf(out, cap, "a string of %zu bytes", json_string_length(value));
    else
        (void)snprintf(out, cap, "%s %s", strchr("aio", type_name(value)[0]) ? "an" : "a",
                       type_name(value));
    free(text);
}

static int32_t refuse(struct context *c, const char *where, const json_t *value,
                      const char *allowed)
{
    char text[96];
    found(value, text, sizeof(text));
    (void)fault_set(c->fault, HAWSE_E_INVAL, "%s: found %s, expected %s", where, text, allowed);
    return HAWSE_E_INVAL;
}

/* ---- checks of single values ---- */

static bool type_matches(const char *type, const json_t *value)
{
    if (strcmp(type, "number") == 0)
        return json_is_number(value);
    return strcmp(type, type_name(value)) == 0;
}

static int32_t check_type(struct context *c, const json_t *schema, const json_t *value,
                          const char *where)
{
    const json_t *type = json_object_get(schema, "type");
    char allowed[160] = "";
    if (!type)
        return HAWSE_OK;
    if (json_is_string(type)) {
        if (type_matches(json_string_value(type), value))
            return HAWSE_OK;
        const char *name = json_string_value(type);
        (void)snprintf(allowed, sizeof(allowed), "%s %s", strchr("aio", name[0]) ? "an" : "a",
                       name);
        return refuse(c, where, value, allowed);
    }
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *name = json_string_value(json_array_get(type, i));
        if (name && type_matches(name, value))
            return HAWSE_OK;
        size_t at = strlen(allowed);
        (void)snprintf(allowed + at, sizeof(allowed) - at, "%s%s", i ? " or " : "",
                       name ? name : "?");
    }
    return refuse(c, where, value, allowed);
}

static int32_t check_enum(struct context *c, const json_t *schema, const json_t *value,
                          const char *where)
{
    const json_t *one = json_object_get(schema, "const"), *list = json_object_get(schema, "enum");
    char allowed[400] = "";
    if (one && !json_equal(one, value)) {
        found(one, allowed, sizeof(allowed));
        return refuse(c, where, value, allowed);
    }
    if (!list)
        return HAWSE_OK;
    const char *words[32];
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *option = json_array_get(list, i);
        if (json_equal(option, value))
            return HAWSE_OK;
        char text[64];
        found(option, text, sizeof(text));
        size_t at = strlen(allowed);
        (void)snprintf(allowed + at, sizeof(allowed) - at, "%s%s", i ? ", " : "one of ", text);
        if (json_is_string(option) && count < 32)
            words[count++] = json_string_value(option);
    }
    int32_t code = refuse(c, where, value, allowed);
    const char *near =
        json_is_string(value) ? schema_nearest(json_string_value(value), words, count) : NULL;
    if (near)
        fault_hint(c->fault, "did you mean \"%s\"?", near);
    return code;
}

static int32_t check_number(struct context *c, const json_t *schema, const json_t *value,
                            const char *where)
{
    const json_t *low = json_object_get(schema, "minimum"),
                 *high = json_object_get(schema, "maximum");
    char allowed[96];
    if (!json_is_number(value))
        return HAWSE_OK;
    if (low && json_number_value(value) < json_number_value(low)) {
        (void)snprintf(allowed, sizeof(allowed), "at least %.15g", json_number_value(low));
        return refuse(c, where, value, allowed);
    }
    if (high && json_number_value(value) > json_number_value(high)) {
        (void)snprintf(allowed, sizeof(allowed), "at most %.15g", json_number_value(high));
        return refuse(c, where, value, allowed);
    }
    return HAWSE_OK;
}

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static int32_t check_format(struct context *c, const char *format, const json_t *value,
                            const char *where)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (strcmp(format, "address") == 0) {
        if (len == 42 && strncmp(text, "0x", 2) == 0 && is_hex(text + 2, 40))
            return HAWSE_OK;
        return refuse(c, where, value, "an address: 0x and 40 hex digits");
    }
    if (strcmp(format, "uint256") == 0) {
        bool decimal = len > 0 && len <= 78 && strspn(text, "0123456789") == len;
        bool hex = len > 2 && len <= 66 && strncmp(text, "0x", 2) == 0 && is_hex(text + 2, len - 2);
        return decimal || hex ? HAWSE_OK
                              : refuse(c, where, value,
                                       "an unsigned number of up to 256 bits, "
                                       "decimal or 0x hex, as a string");
    }
    const char *slashes = strstr(text, "://"); /* url */
    if (slashes && slashes > text && slashes[3] != '\0')
        return HAWSE_OK;
    return refuse(c, where, value, "a URL: SCHEME://HOST...");
}

static int32_t check_string(struct context *c, const json_t *schema, const json_t *value,
                            const char *where)
{
    if (!json_is_string(value))
        return HAWSE_OK;
    const json_t *low = json_object_get(schema, "minLength");
    const json_t *high = json_object_get(schema, "maxLength");
    const char *format = json_string_value(json_object_get(schema, "format"));
    json_int_t len = (json_int_t)json_string_length(value);
    char allowed[96];
    if (low && len < json_integer_value(low)) {
        (void)snprintf(allowed, sizeof(allowed), "at least %lld bytes of text",
                       (long long)json_integer_value(low));
        return refuse(c, where, value, allowed);
    }
    if (high && len > json_integer_value(high)) {
        (void)snprintf(allowed, sizeof(allowed), "at most %lld bytes of text",
                       (long long)json_integer_value(high));
        return refuse(c, where, value, allowed);
    }
    return format ? check_format(c, format, value, where) : HAWSE_OK;
}

/* ---- containers ---- */

static int32_t unknown_key(struct context *c, const json_t *schema, const char *where,
                           const char *key)
{
    const char *words[128];
    size_t count = 0;
    const char *name;
    json_t *unused;
    json_object_foreach(json_object_get(schema, "properties"), name, unused)
    {
        if (count < 128)
            words[count++] = name;
    }
    const char *near = schema_nearest(key, words, count);
    (void)fault_set(c->fault, HAWSE_E_INVAL, "%s%s%s: no such key", where, where[0] ? "." : "",
                    key);
    if (near) {
        fault_hint(c->fault, "did you mean \"%s\"?", near);
        return HAWSE_E_INVAL;
    }
    char all[200] = "";
    for (size_t i = 0; i < count; i++) {
        size_t at = strlen(all);
        (void)snprintf(all + at, sizeof(all) - at, "%s%s", i ? ", " : "", words[i]);
    }
    fault_hint(c->fault, "the keys here are: %s", all);
    return HAWSE_E_INVAL;
}

static void join(char *out, const char *where, const char *key)
{
    (void)snprintf(out, PATH_MAX_LEN, "%.180s%s%.64s", where, where[0] ? "." : "", key);
}

static int32_t check_members(struct context *c, const json_t *schema, json_t *value,
                             const char *where)
{
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *additional = json_object_get(schema, "additionalProperties");
    const char *key;
    json_t *member;
    char path[PATH_MAX_LEN];
    json_object_foreach(value, key, member)
    {
        const json_t *rule = json_object_get(properties, key);
        if (!rule && json_is_object(additional))
            rule = additional;
        if (!rule && json_is_true(additional))
            continue;
        if (!rule)
            return unknown_key(c, schema, where, key);
        join(path, where, key);
        int32_t code = apply(c, rule, member, path);
        if (code != HAWSE_OK)
            return code;
    }
    return HAWSE_OK;
}

static int32_t add_defaults(struct context *c, const json_t *schema, json_t *value,
                            const char *where)
{
    const char *key;
    json_t *rule;
    json_object_foreach(json_object_get(schema, "properties"), key, rule)
    {
        json_t *preset = json_object_get(rule, "default");
        if (!preset || json_object_get(value, key))
            continue;
        if (json_object_set_new(value, key, json_deep_copy(preset)) != 0)
            return fault_set(c->fault, HAWSE_E_NOMEM, "%s: no memory", where);
    }
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        if (name && !json_object_get(value, name)) {
            (void)fault_set(c->fault, HAWSE_E_INVAL, "%s%s%s: is missing", where,
                            where[0] ? "." : "", name);
            const char *about = json_string_value(json_object_get(
                json_object_get(json_object_get(schema, "properties"), name), "description"));
            if (about)
                fault_hint(c->fault, "add it: %s", about);
            return HAWSE_E_INVAL;
        }
    }
    return HAWSE_OK;
}

static int32_t check_items(struct context *c, const json_t *schema, json_t *value,
                           const char *where)
{
    const json_t *items = json_object_get(schema, "items");
    const json_t *low = json_object_get(schema, "minItems"),
                 *high = json_object_get(schema, "maxItems");
    size_t n = json_array_size(value);
    char path[PATH_MAX_LEN];
    if ((low && (json_int_t)n < json_integer_value(low)) ||
        (high && (json_int_t)n > json_integer_value(high)))
        return fault_set(c->fault, HAWSE_E_INVAL, "%s: found %zu items, expected %s %lld", where, n,
                         low && (json_int_t)n < json_integer_value(low) ? "at least" : "at most",
                         (long long)json_integer_value(
                             low && (json_int_t)n < json_integer_value(low) ? low : high));
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(path, sizeof(path), "%.200s[%zu]", where, i);
        int32_t code = items ? apply(c, items, json_array_get(value, i), path) : HAWSE_OK;
        if (code != HAWSE_OK)
            return code;
        for (size_t k = 0; k < i && json_is_true(json_object_get(schema, "uniqueItems")); k++) {
            if (json_equal(json_array_get(value, k), json_array_get(value, i)))
                return fault_set(c->fault, HAWSE_E_INVAL, "%s: the same as item %zu", path, k);
        }
    }
    return HAWSE_OK;
}

/* Exactly the alternatives of different types that the configuration needs: the first whose type
 * fits decides, so that its fault is the one that is shown. */
static int32_t check_one_of(struct context *c, const json_t *options, json_t *value,
                            const char *where)
{
    for (size_t i = 0; i < json_array_size(options); i++) {
        const json_t *option = json_array_get(options, i);
        const char *type = json_string_value(json_object_get(option, "type"));
        if (type && type_matches(type, value))
            return apply(c, option, value, where);
    }
    char allowed[160] = "";
    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *type = json_string_value(json_object_get(json_array_get(options, i), "type"));
        size_t at = strlen(allowed);
        (void)snprintf(allowed + at, sizeof(allowed) - at, "%s%s", i ? " or " : "",
                       type ? type : "?");
    }
    return refuse(c, where, value, allowed);
}

static const json_t *resolve(const struct context *c, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (!ref || strncmp(ref, "#/$defs/", 8) != 0)
        return schema;
    const json_t *target = json_object_get(json_object_get(c->root, "$defs"), ref + 8);
    return target ? target : schema;
}

static int32_t apply(struct context *c, const json_t *schema, json_t *value, const char *where)
{
    if (c->depth >= DEPTH_MAX)
        return fault_set(c->fault, HAWSE_E_LIMIT, "%s: nested deeper than %d", where, DEPTH_MAX);
    schema = resolve(c, schema);
    c->depth++;
    const json_t *options = json_object_get(schema, "oneOf");
    int32_t code = options ? check_one_of(c, options, value, where) : HAWSE_OK;
    if (code == HAWSE_OK)
        code = check_type(c, schema, value, where);
    if (code == HAWSE_OK)
        code = check_enum(c, schema, value, where);
    if (code == HAWSE_OK)
        code = check_number(c, schema, value, where);
    if (code == HAWSE_OK)
        code = check_string(c, schema, value, where);
    if (code == HAWSE_OK && json_is_array(value))
        code = check_items(c, schema, value, where);
    if (code == HAWSE_OK && json_is_object(value) && !options) {
        code = check_members(c, schema, value, where);
        if (code == HAWSE_OK)
            code = add_defaults(c, schema, value, where);
    }
    c->depth--;
    return code;
}

int32_t schema_apply(const json_t *schema, json_t *value, const char *where, struct fault *fault)
{
    struct context c = {.root = schema, .fault = fault};
    return apply(&c, schema, value, where);
}

/* ---- the schema itself ---- */

static const char *const keywords[] = {
    "type",      "properties", "required",    "additionalProperties",
    "enum",      "const",      "minimum",     "maximum",
    "minLength", "maxLength",  "format",      "items",
    "minItems",  "maxItems",   "uniqueItems", "oneOf",
    "$ref",      "$defs",      "default",     "description",
    "title",     "$schema",    "examples"};

static bool known_format(const json_t *format)
{
    const char *text = json_string_value(format);
    return !format || (text && (strcmp(text, "address") == 0 || strcmp(text, "uint256") == 0 ||
                                strcmp(text, "url") == 0));
}

static int32_t check_rule(json_t *rule, const char *where, int depth, struct fault *fault)
{
    if (!json_is_object(rule))
        return fault_set(fault, HAWSE_E_FORMAT, "%s: a schema must be an object", where);
    if (depth > DEPTH_MAX)
        return fault_set(fault, HAWSE_E_LIMIT, "%s: nested deeper than %d", where, DEPTH_MAX);
    const char *key, *name;
    json_t *value, *member;
    char path[PATH_MAX_LEN];
    json_object_foreach(rule, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
            known = known || strcmp(key, keywords[i]) == 0;
        if (!known || !known_format(json_object_get(rule, "format")))
            return fault_set(fault, HAWSE_E_UNSUPPORTED, "%s: this host cannot check \"%s\"", where,
                             known ? "format" : key);
        join(path, where, key);
        bool group = strcmp(key, "properties") == 0 || strcmp(key, "$defs") == 0;
        if (group && !json_is_object(value))
            return fault_set(fault, HAWSE_E_FORMAT, "%s: must be an object", path);
        int32_t code = HAWSE_OK;
        json_object_foreach(group ? value : NULL, name, member)
        {
            char inner[PATH_MAX_LEN];
            join(inner, path, name);
            if ((code = check_rule(member, inner, depth + 1, fault)) != HAWSE_OK)
                return code;
        }
        if (strcmp(key, "items") == 0 ||
            (strcmp(key, "additionalProperties") == 0 && !json_is_boolean(value)))
            code = check_rule(value, path, depth + 1, fault);
        if (code != HAWSE_OK)
            return code;
    }
    return HAWSE_OK;
}

int32_t schema_check(const json_t *schema, struct fault *fault)
{
    return check_rule((json_t *)(uintptr_t)schema, "config", 0, fault);
}
