/* See command_args.h. */
#include "host/command_args.h"

#include "base/schema.h"

#include <errno.h>
#include <hawse/service/command.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64, WORDS_MAX = 256 };

/* Words while they are read. */
struct reading {
    const json_t *properties;
    const json_t *words;
    size_t next;
    bool plain; /* "--" was there: what follows begins with what it likes */
    json_t *args;
};

/* ---- schemas ---- */

static int32_t check_names(const json_t *properties, struct fault *fault)
{
    static const char *const ours[] = {"json", "socket",  "config", "live",
                                       "set",  "timeout", "help"};
    const char *name;
    json_t *property;
    if (json_object_size(properties) > NAMES_MAX)
        return fault_set(fault, HAWSE_E_FORMAT, "args.properties: more than %d", NAMES_MAX);
    json_object_foreach((json_t *)(uintptr_t)properties, name, property)
    {
        for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
            if (strcmp(name, ours[i]) == 0)
                return fault_set(fault, HAWSE_E_FORMAT,
                                 "args.properties.%s: `hawse call` has an option of this name",
                                 name);
        }
        if (name[0] == '\0' || name[0] == '-' || strchr(name, '='))
            return fault_set(fault, HAWSE_E_FORMAT,
                             "args.properties: \"%.64s\" cannot stand on a command line", name);
    }
    return HAWSE_OK;
}

int32_t command_schema(hawse_view_t text, json_t **out, struct fault *fault)
{
    json_error_t error;
    json_t *schema = text.len == 0 ? json_object()
                                   : json_loadb((const char *)text.data, (size_t)text.len,
                                                JSON_REJECT_DUPLICATES, &error);
    if (!schema)
        return fault_set(fault, HAWSE_E_FORMAT, "args: not JSON: line %d, column %d: %s",
                         error.line, error.column, error.text);
    const json_t *type = json_object_get(schema, "type");
    int32_t code = HAWSE_OK;
    if (!json_is_object(schema))
        code = fault_set(fault, HAWSE_E_FORMAT, "args: expected a schema of an object");
    else if (type && (!json_is_string(type) || strcmp(json_string_value(type), "object") != 0))
        code = fault_set(fault, HAWSE_E_FORMAT, "args.type: expected \"object\"");
    else if (!type)
        (void)json_object_set_new(schema, "type", json_string("object"));
    if (code == HAWSE_OK && schema_check(schema, "args", fault) != HAWSE_OK)
        code = HAWSE_E_FORMAT;
    if (code == HAWSE_OK)
        code = check_names(json_object_get(schema, "properties"), fault);
    if (code == HAWSE_OK)
        *out = schema;
    else
        json_decref(schema);
    return code;
}

static const char *type_of(const json_t *property)
{
    const char *type = json_string_value(json_object_get(property, "type"));
    return type ? type : "string"; /* also what is an enum of texts and nothing more */
}

static bool is(const json_t *property, const char *type)
{
    return strcmp(type_of(property), type) == 0;
}

/* ---- one value ---- */

static json_t *number(const char *text, bool whole)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
    if (whole ? json_is_integer(value) : json_is_number(value))
        return value;
    json_decref(value);
    return NULL;
}

static json_t *boolean(const char *text)
{
    if (strcmp(text, "true") == 0)
        return json_true();
    return strcmp(text, "false") == 0 ? json_false() : NULL;
}

static int32_t value_of(const json_t *property, const char *name, const char *text, json_t **out,
                        struct fault *fault)
{
    const char *type = type_of(property);
    if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        *out = number(text, type[0] == 'i');
    else if (strcmp(type, "boolean") == 0)
        *out = boolean(text);
    else if (strcmp(type, "string") == 0)
        *out = json_string(text);
    else
        *out = NULL;
    if (*out)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL, "%s: found \"%.64s\", expected %s %s", name, text,
                     strchr("aeio", type[0]) ? "an" : "a", type);
}

static int32_t fill(struct reading *r, const char *name, const json_t *property, const char *text,
                    struct fault *fault)
{
    json_t *there = json_object_get(r->args, name), *value = NULL;
    bool many = is(property, "array");
    if (there && !many)
        return fault_set(fault, HAWSE_E_INVAL, "%s is given twice", name);
    int32_t code =
        value_of(many ? json_object_get(property, "items") : property, name, text, &value, fault);
    if (code != HAWSE_OK)
        return code;
    if (many && !there) {
        there = json_array();
        (void)json_object_set_new(r->args, name, there);
    }
    if (many)
        (void)json_array_append_new(there, value);
    else
        (void)json_object_set_new(r->args, name, value);
    return HAWSE_OK;
}

/* ---- words ---- */

/* The property that the first `len` bytes name; NULL: there is none. */
static const json_t *named(const struct reading *r, const char *word, size_t len, const char **name)
{
    json_t *property;
    json_object_foreach((json_t *)(uintptr_t)r->properties, *name, property)
    {
        if (strlen(*name) == len && memcmp(*name, word, len) == 0)
            return property;
    }
    return NULL;
}

static int32_t unknown_option(const struct reading *r, const char *word, struct fault *fault)
{
    const char *names[NAMES_MAX], *name;
    char written[64];
    size_t count = 0;
    json_t *property;
    json_object_foreach((json_t *)(uintptr_t)r->properties, name, property)
    {
        names[count++] = name;
    }
    (void)snprintf(written, sizeof(written), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *near = schema_nearest(written, names, count);
    (void)fault_set(fault, HAWSE_E_INVAL, "there is no argument --%s", written);
    if (near)
        fault_hint(fault, "did you mean --%s?", near);
    return HAWSE_E_INVAL;
}

/* --NAME, --NAME=VALUE, --NAME VALUE */
static int32_t take_option(struct reading *r, const char *word, struct fault *fault)
{
    size_t len = strcspn(word + 2, "=");
    const char *name = NULL, *text = word[2 + len] == '=' ? word + 3 + len : NULL;
    const json_t *property = named(r, word + 2, len, &name);
    if (!property)
        return unknown_option(r, word, fault);
    if (!text && is(property, "boolean"))
        text = "true";
    if (!text)
        text = json_string_value(json_array_get(r->words, r->next++));
    if (!text)
        return fault_set(fault, HAWSE_E_INVAL, "--%s needs a value", name);
    return fill(r, name, property, text, fault);
}

/* The next property that a word without a name may fill: flags are set by name alone. */
static int32_t take_next(struct reading *r, const char *word, struct fault *fault)
{
    const char *name;
    json_t *property;
    json_object_foreach((json_t *)(uintptr_t)r->properties, name, property)
    {
        if (is(property, "array") || (!is(property, "boolean") && !json_object_get(r->args, name)))
            return fill(r, name, property, word, fault);
    }
    return fault_set(fault, HAWSE_E_INVAL, "one word too many: \"%.64s\"", word);
}

static int32_t take_word(struct reading *r, const char *word, struct fault *fault)
{
    const char *name = NULL, *equals = strchr(word, '=');
    const json_t *property = NULL;
    if (!r->plain && strcmp(word, "--") == 0) {
        r->plain = true;
        return HAWSE_OK;
    }
    if (!r->plain && strncmp(word, "--", 2) == 0)
        return take_option(r, word, fault);
    if (!r->plain && equals)
        property = named(r, word, (size_t)(equals - word), &name);
    return property ? fill(r, name, property, equals + 1, fault) : take_next(r, word, fault);
}

/* Takes args. */
static int32_t finish(const json_t *schema, json_t *args, json_t **out, struct fault *fault)
{
    int32_t code = schema_apply(schema, args, "arguments", fault);
    if (code == HAWSE_OK)
        *out = args;
    else
        json_decref(args);
    return code;
}

int32_t command_args_of_words(const json_t *schema, const json_t *words, json_t **out,
                              struct fault *fault)
{
    struct reading r = {
        .properties = json_object_get(schema, "properties"), .words = words, .args = json_object()};
    int32_t code = HAWSE_OK;
    if (json_array_size(words) > WORDS_MAX)
        code = fault_set(fault, HAWSE_E_LIMIT, "more than %d words", WORDS_MAX);
    while (code == HAWSE_OK && r.next < json_array_size(words)) {
        const char *word = json_string_value(json_array_get(words, r.next++));
        code = word ? take_word(&r, word, fault)
                    : fault_set(fault, HAWSE_E_FORMAT, "words: expected texts alone");
    }
    if (code == HAWSE_OK)
        return finish(schema, r.args, out, fault);
    json_decref(r.args);
    return code;
}

int32_t command_args_of_object(const json_t *schema, const json_t *object, json_t **out,
                               struct fault *fault)
{
    json_t *args = object ? json_deep_copy(object) : json_object();
    return finish(schema, args, out, fault);
}

/* ---- help ---- */

static bool required(const json_t *schema, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(schema, "required"), i, one)
    {
        if (strcmp(json_string_value(one), name) == 0)
            return true;
    }
    return false;
}

/* "list|set|revoke", or the name in capitals */
static void value_words(const json_t *property, const char *name, char *out, size_t cap)
{
    const json_t *choices = json_object_get(property, "enum");
    size_t at = 0, i;
    json_t *one;
    out[0] = '\0';
    json_array_foreach(choices, i, one)
    {
        if (!json_is_string(one))
            break;
        int n = snprintf(out + at, cap - at, "%s%s", i > 0 ? "|" : "", json_string_value(one));
        at += n > 0 && (size_t)n < cap - at ? (size_t)n : 0;
    }
    for (size_t k = 0; at == 0 && name[k] && k + 1 < cap; k++) {
        bool small = name[k] >= 'a' && name[k] <= 'z';
        out[k] = (char)(small ? name[k] - 32 : name[k]);
        out[k + 1] = '\0';
    }
}

char *command_usage(const json_t *schema)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const char *name;
    json_t *property;
    if (!out)
        return NULL;
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        char value[160];
        bool must = required(schema, name);
        value_words(property, name, value, sizeof(value));
        if (is(property, "boolean"))
            (void)fprintf(out, "%s[--%s]", ftell(out) > 0 ? " " : "", name);
        else
            (void)fprintf(out, "%s%s%s%s%s", ftell(out) > 0 ? " " : "", must ? "" : "[", value,
                          is(property, "array") ? "..." : "", must ? "" : "]");
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
