/*
 * Parses manifests; see manifest.h. Their rules are a schema too (manifest.json, which plugin
 * authors can read), and what no schema can say stands in manifest_rules.c. A manifest comes from a
 * stranger: nothing in it is trusted.
 */
#include "plugin/manifest.h"

#include "base/schema.h"
#include "plugin/manifest_rules.h"

#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <stdlib.h>
#include <string.h>

static void free_strings(char **list, size_t count)
{
    for (size_t i = 0; list && i < count; i++)
        free(list[i]);
    free(list);
}

void manifest_destroy(struct manifest *m)
{
    if (!m)
        return;
    free(m->id);
    free(m->version);
    free(m->kind);
    free(m->description);
    free(m->license);
    free(m->source);
    free(m->fork);
    free_strings(m->services, m->service_count);
    free_strings(m->provides, m->provide_count);
    free_strings(m->produces, m->produce_count);
    free_strings(m->consumes, m->consume_count);
    free_strings(m->capabilities, m->capability_count);
    free_strings(m->warnings, m->warning_count);
    for (size_t i = 0; i < m->feature_count; i++) {
        free(m->features[i].name);
        free(m->features[i].description);
    }
    for (size_t i = 0; i < m->stream_count; i++)
        free(m->streams[i].name);
    free(m->features);
    free(m->streams);
    json_decref(m->config_schema);
    free(m);
}

/* ---- reading what was checked; false = no memory ---- */

static bool copy(char **out, const char *text)
{
    *out = strdup(text);
    return *out != NULL;
}

/* An absent text stays NULL. */
static bool read_text(char **out, const json_t *o, const char *key)
{
    const char *value = json_string_value(json_object_get(o, key));
    return !value || copy(out, value);
}

static bool read_strings(char ***out, size_t *count, const json_t *array)
{
    *out = calloc(json_array_size(array) + 1, sizeof(**out));
    for (size_t i = 0; *out && i < json_array_size(array); i++) {
        if (!copy(&(*out)[(*count)++], json_string_value(json_array_get(array, i))))
            return false;
    }
    return *out != NULL;
}

static bool read_keys(char ***out, size_t *count, json_t *object)
{
    const char *key;
    json_t *value;
    *out = calloc(json_object_size(object) + 1, sizeof(**out));
    json_object_foreach(*out ? object : NULL, key, value)
    {
        if (!copy(&(*out)[(*count)++], key))
            return false;
    }
    return *out != NULL;
}

static enum config_maturity read_maturity(const json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "maturity"));
    enum config_maturity maturity = MATURITY_EXPERIMENTAL;
    for (int i = MATURITY_EXPERIMENTAL; name && i <= MATURITY_STABLE; i++) {
        if (strcmp(name, config_maturity_name((enum config_maturity)i)) == 0)
            maturity = (enum config_maturity)i;
    }
    return maturity;
}

static bool read_features(struct manifest *m, json_t *features)
{
    const char *name;
    json_t *value;
    m->features = calloc(json_object_size(features) + 1, sizeof(m->features[0]));
    if (!m->features)
        return false;
    json_object_foreach(features, name, value)
    {
        struct manifest_feature *feature = &m->features[m->feature_count++];
        feature->maturity = read_maturity(value);
        if (!copy(&feature->name, name) || !read_text(&feature->description, value, "description"))
            return false;
    }
    return true;
}

static uint32_t read_policy(const json_t *stream)
{
    const char *overflow = json_string_value(json_object_get(stream, "overflow"));
    if (strcmp(overflow, "latest") == 0)
        return HAWSE_POLICY_LATEST;
    return strcmp(overflow, "drop-oldest") == 0 ? HAWSE_POLICY_DROP_OLDEST : HAWSE_POLICY_LOSSLESS;
}

static bool read_streams(struct manifest *m, json_t *streams)
{
    const char *name;
    json_t *value;
    m->streams = calloc(json_object_size(streams) + 1, sizeof(m->streams[0]));
    if (!m->streams)
        return false;
    json_object_foreach(streams, name, value)
    {
        struct manifest_stream *stream = &m->streams[m->stream_count++];
        stream->policy = read_policy(value);
        if (!copy(&stream->name, name))
            return false;
    }
    return true;
}

static bool read_texts(struct manifest *m, const json_t *root)
{
    return read_text(&m->id, root, "id") && read_text(&m->version, root, "version") &&
           read_text(&m->kind, root, "kind") && read_text(&m->description, root, "description") &&
           read_text(&m->license, root, "license") && read_text(&m->source, root, "source") &&
           read_text(&m->fork, root, "fork");
}

static bool read_lists(struct manifest *m, const json_t *root, const json_t *warnings)
{
    return read_keys(&m->services, &m->service_count, json_object_get(root, "requires")) &&
           read_keys(&m->provides, &m->provide_count, json_object_get(root, "provides")) &&
           read_strings(&m->produces, &m->produce_count, json_object_get(root, "produces")) &&
           read_strings(&m->consumes, &m->consume_count, json_object_get(root, "consumes")) &&
           read_strings(&m->capabilities, &m->capability_count,
                        json_object_get(root, "capabilities")) &&
           read_strings(&m->warnings, &m->warning_count, warnings) &&
           read_features(m, json_object_get(root, "features")) &&
           read_streams(m, json_object_get(root, "streams"));
}

/* ---- parsing ---- */

/* A settings schema that could not hold for any object would be blamed on the operator later. */
static int32_t check_config(const json_t *schema, struct fault *fault)
{
    const json_t *type = json_object_get(schema, "type");
    int32_t code = schema ? schema_check(schema, "manifest.config", fault) : HAWSE_OK;
    if (code != HAWSE_OK || !type)
        return code;
    if (json_is_string(type) && strcmp(json_string_value(type), "object") == 0)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_FORMAT,
                     "manifest.config.type: expected \"object\": settings are an object");
}

static int32_t check(json_t *root, json_t *warnings, struct fault *fault)
{
    json_t *schema = json_loads(manifest_schema_text, 0, NULL);
    int32_t code = schema ? schema_apply_lenient(schema, root, "manifest", warnings, fault)
                          : fault_set(fault, HAWSE_E_NOMEM, "manifest: no memory");
    json_decref(schema);
    if (code == HAWSE_OK)
        code = manifest_check_rules(root, warnings, fault);
    return code == HAWSE_OK ? check_config(json_object_get(root, "config"), fault) : code;
}

static int32_t read_all(struct manifest *m, json_t *root, const json_t *warnings,
                        struct fault *fault)
{
    const json_t *budget = json_object_get(root, "budget");
    m->maturity = read_maturity(root);
    m->callback_us = (uint32_t)json_integer_value(json_object_get(budget, "callback_us"));
    m->config_schema = json_incref(json_object_get(root, "config"));
    (void)manifest_version(json_string_value(json_object_get(root, "abi")), &m->abi_major,
                           &m->abi_minor);
    return read_texts(m, root) && read_lists(m, root, warnings)
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_NOMEM, "manifest: no memory");
}

int32_t manifest_parse(const char *text, size_t len, struct manifest **out, struct fault *fault)
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        bool memory = json_error_code(&error) == json_error_out_of_memory;
        return fault_set(fault, memory ? HAWSE_E_NOMEM : HAWSE_E_FORMAT,
                         "manifest: not JSON: line %d, column %d: %s", error.line, error.column,
                         error.text);
    }
    struct manifest *m = calloc(1, sizeof(*m));
    json_t *warnings = json_array();
    int32_t code =
        m && warnings ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "manifest: no memory");
    if (code == HAWSE_OK)
        code = check(root, warnings, fault);
    if (code == HAWSE_OK)
        code = read_all(m, root, warnings, fault);
    json_decref(warnings);
    json_decref(root);
    if (code != HAWSE_OK) {
        manifest_destroy(m);
        return code;
    }
    *out = m;
    return HAWSE_OK;
}
