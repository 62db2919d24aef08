/* Settings for a plugin that nobody has configured: made from its manifest's schema. */
#include "check/run.h"

#include "base/schema.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 8 };

static json_t *make(const json_t *root, const json_t *schema, int depth);

/* As short as minLength allows, of the form that "format" asks for. */
static json_t *make_text(const json_t *schema)
{
    const char *format = json_string_value(json_object_get(schema, "format"));
    size_t least = (size_t)json_integer_value(json_object_get(schema, "minLength"));
    char text[257];
    if (format && strcmp(format, "address") == 0)
        return json_string("0x1111111111111111111111111111111111111111");
    if (format && strcmp(format, "uint256") == 0)
        return json_string("1");
    if (format && strcmp(format, "url") == 0)
        return json_string("https://example.org/");
    least = least < 1 ? 1 : least > 256 ? 256 : least;
    memset(text, 'a', least);
    text[least] = '\0';
    return json_string(text);
}

static json_t *make_object(const json_t *root, const json_t *schema, int depth)
{
    const json_t *required = json_object_get(schema, "required");
    const char *key;
    json_t *member, *value = json_object();
    json_object_foreach(json_object_get(schema, "properties"), key, member)
    {
        bool want = json_object_get(member, "examples") != NULL;
        for (size_t i = 0; i < json_array_size(required) && !want; i++)
            want = strcmp(json_string_value(json_array_get(required, i)), key) == 0;
        if (want)
            (void)json_object_set_new(value, key, make(root, member, depth + 1));
    }
    return value;
}

static json_t *make_array(const json_t *root, const json_t *schema, int depth)
{
    json_t *value = json_array();
    json_int_t least = json_integer_value(json_object_get(schema, "minItems"));
    for (json_int_t i = 0; i < least && i < 64; i++)
        (void)json_array_append_new(value, make(root, json_object_get(schema, "items"), depth + 1));
    return value;
}

static const json_t *resolve(const json_t *root, const json_t *schema)
{
    const char *ref = json_string_value(json_object_get(schema, "$ref"));
    if (!ref || strncmp(ref, "#/$defs/", 8) != 0)
        return schema;
    return json_object_get(json_object_get(root, "$defs"), ref + 8);
}

static json_t *make(const json_t *root, const json_t *schema, int depth)
{
    const json_t *s = resolve(root, schema), *one = json_object_get(s, "oneOf");
    if (depth > DEPTH || !s)
        return json_null();
    const json_t *said = json_array_get(json_object_get(s, "examples"), 0);
    said = said ? said : json_object_get(s, "default");
    said = said ? said : json_object_get(s, "const");
    said = said ? said : json_array_get(json_object_get(s, "enum"), 0);
    if (said)
        return json_deep_copy(said);
    if (one)
        return make(root, json_array_get(one, 0), depth + 1);
    const char *type = json_string_value(json_object_get(s, "type"));
    if (!type || strcmp(type, "object") == 0)
        return make_object(root, s, depth);
    if (strcmp(type, "array") == 0)
        return make_array(root, s, depth);
    if (strcmp(type, "string") == 0)
        return make_text(s);
    if (strcmp(type, "boolean") == 0)
        return json_true();
    json_t *least = json_object_get(s, "minimum");
    return least ? json_deep_copy(least) : json_integer(1);
}

int32_t check_settings(const struct manifest *manifest, const char *given, char **out,
                       struct fault *fault)
{
    char *text = NULL;
    if (!given && manifest->config_schema) {
        json_t *value = make(manifest->config_schema, manifest->config_schema, 0);
        text = json_dumps(value, JSON_COMPACT);
        json_decref(value);
    }
    int32_t code = manifest_check_settings(manifest, "settings",
                                           given  ? given
                                           : text ? text
                                                  : "{}",
                                           out, fault);
    if (code != HAWSE_OK)
        fault_hint(fault, "give settings by --settings FILE, or put `examples` into the schema");
    free(text);
    return code;
}
