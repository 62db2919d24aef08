/* Parses manifests; see manifest.h. The manifest's own rules are a schema too: one mechanism. */
#include "plugin/manifest.h"

#include "base/schema.h"

#include <hawse/service/sub.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char manifest_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":true,"
    "\"required\":[\"id\",\"version\",\"abi\",\"kind\"],\"properties\":{"
    "\"id\":{\"type\":\"string\",\"minLength\":3,\"maxLength\":100,"
    "\"description\":\"reverse DNS, such as org.example.weather\"},"
    "\"version\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":40,"
    "\"description\":\"semantic version\"},"
    "\"abi\":{\"type\":\"string\",\"maxLength\":8,\"description\":\"MAJOR.MINOR, now 1.0\"},"
    "\"kind\":{\"type\":\"string\","
    "\"enum\":[\"chain\",\"venue\",\"protocol\",\"strategy\",\"sink\"]},"
    "\"description\":{\"type\":\"string\",\"maxLength\":200},"
    "\"license\":{\"type\":\"string\"},\"source\":{\"type\":\"string\"},"
    "\"fork\":{\"type\":\"string\"},"
    "\"maturity\":{\"type\":\"string\",\"enum\":[\"experimental\",\"beta\",\"stable\"],"
    "\"default\":\"experimental\"},"
    "\"requires\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"provides\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}},"
    "\"produces\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":3}},"
    "\"consumes\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":3}},"
    "\"capabilities\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}},"
    "\"features\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\","
    "\"required\":[\"maturity\"],\"properties\":{\"description\":{\"type\":\"string\"},"
    "\"maturity\":{\"type\":\"string\",\"enum\":[\"experimental\",\"beta\",\"stable\"]}}}},"
    "\"streams\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"object\","
    "\"required\":[\"overflow\"],\"properties\":{\"overflow\":{\"type\":\"string\","
    "\"enum\":[\"lossless\",\"latest\",\"drop-oldest\"]}}}},"
    "\"budget\":{\"type\":\"object\",\"properties\":{"
    "\"callback_us\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":60000000}}},"
    "\"config\":{\"type\":\"object\",\"additionalProperties\":true}}}";

static const char *const known_keys[] = {
    "id",       "version",      "abi",      "kind",     "description", "license",
    "source",   "fork",         "maturity", "requires", "provides",    "produces",
    "consumes", "capabilities", "features", "streams",  "budget",      "config"};

static char *text(const json_t *o, const char *key)
{
    const char *value = json_string_value(json_object_get(o, key));
    return value ? strdup(value) : NULL;
}

static enum config_maturity maturity(const json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "maturity"));
    for (int i = MATURITY_EXPERIMENTAL; name && i <= MATURITY_STABLE; i++) {
        if (strcmp(name, config_maturity_name((enum config_maturity)i)) == 0)
            return (enum config_maturity)i;
    }
    return MATURITY_EXPERIMENTAL;
}

static char **strings(const json_t *array, size_t *count)
{
    char **list = calloc(json_array_size(array) + 1, sizeof(list[0]));
    for (size_t i = 0; list && i < json_array_size(array); i++) {
        list[*count] = strdup(json_string_value(json_array_get(array, i)));
        *count += list[*count] ? 1 : 0;
    }
    return list;
}

static char **keys(json_t *object, size_t *count)
{
    const char *key;
    json_t *value;
    char **list = calloc(json_object_size(object) + 1, sizeof(list[0]));
    json_object_foreach(list ? object : NULL, key, value)
    {
        list[*count] = strdup(key);
        *count += list[*count] ? 1 : 0;
    }
    return list;
}

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

static bool read_features(struct manifest *m, json_t *features)
{
    const char *name;
    json_t *value;
    m->features = calloc(json_object_size(features) + 1, sizeof(m->features[0]));
    if (!m->features)
        return false;
    json_object_foreach(features, name, value) m->features[m->feature_count++] =
        (struct manifest_feature){.name = strdup(name),
                                  .maturity = maturity(value),
                                  .description = text(value, "description")};
    return true;
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
        const char *overflow = json_string_value(json_object_get(value, "overflow"));
        uint32_t policy = strcmp(overflow, "latest") == 0        ? HAWSE_POLICY_LATEST
                          : strcmp(overflow, "drop-oldest") == 0 ? HAWSE_POLICY_DROP_OLDEST
                                                                 : HAWSE_POLICY_LOSSLESS;
        m->streams[m->stream_count++] =
            (struct manifest_stream){.name = strdup(name), .policy = policy};
    }
    return true;
}

static bool read_warnings(struct manifest *m, json_t *root)
{
    const char *key;
    json_t *value;
    size_t n = sizeof(known_keys) / sizeof(known_keys[0]);
    m->warnings = calloc(json_object_size(root) + 1, sizeof(m->warnings[0]));
    if (!m->warnings)
        return false;
    json_object_foreach(root, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known = known || strcmp(key, known_keys[i]) == 0;
        if (!known)
            m->warnings[m->warning_count++] = strdup(key);
    }
    return true;
}

static bool read_root(struct manifest *m, json_t *root)
{
    m->id = text(root, "id");
    m->version = text(root, "version");
    m->kind = text(root, "kind");
    m->description = text(root, "description");
    m->license = text(root, "license");
    m->source = text(root, "source");
    m->fork = text(root, "fork");
    m->maturity = maturity(root);
    m->services = keys(json_object_get(root, "requires"), &m->service_count);
    m->provides = keys(json_object_get(root, "provides"), &m->provide_count);
    m->produces = strings(json_object_get(root, "produces"), &m->produce_count);
    m->consumes = strings(json_object_get(root, "consumes"), &m->consume_count);
    m->capabilities = strings(json_object_get(root, "capabilities"), &m->capability_count);
    m->callback_us = (uint32_t)json_integer_value(
        json_object_get(json_object_get(root, "budget"), "callback_us"));
    m->config_schema = json_incref(json_object_get(root, "config"));
    return m->id && m->version && m->kind && m->services && m->provides && m->produces &&
           m->consumes && m->capabilities && read_features(m, json_object_get(root, "features")) &&
           read_streams(m, json_object_get(root, "streams")) && read_warnings(m, root);
}

static int32_t check_abi(struct manifest *m, const json_t *root, struct fault *fault)
{
    const char *abi = json_string_value(json_object_get(root, "abi"));
    char *end = NULL;
    m->abi_major = (uint32_t)strtoul(abi, &end, 10);
    m->abi_minor = *end == '.' ? (uint32_t)strtoul(end + 1, &end, 10) : 0;
    if (*end != '\0')
        return fault_set(fault, HAWSE_E_FORMAT, "manifest.abi: found \"%s\", expected MAJOR.MINOR",
                         abi);
    if (m->abi_major == HAWSE_ABI_MAJOR)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_UNSUPPORTED,
                    "manifest.abi: the plugin speaks ABI %s, this host "
                    "%u.%u",
                    abi, HAWSE_ABI_MAJOR, HAWSE_ABI_MINOR);
    fault_hint(fault, "build the plugin with an SDK of ABI %u", HAWSE_ABI_MAJOR);
    return HAWSE_E_UNSUPPORTED;
}

int32_t manifest_parse(const char *text_, size_t len, struct manifest **out, struct fault *fault)
{
    json_error_t error;
    json_t *root = json_loadb(text_, len, JSON_REJECT_DUPLICATES, &error);
    json_t *schema = json_loads(manifest_schema, 0, NULL);
    struct manifest *m = calloc(1, sizeof(*m));
    int32_t code = HAWSE_E_NOMEM;
    if (!schema || !m)
        goto out;
    if (!root) {
        code = fault_set(fault, HAWSE_E_FORMAT, "manifest: not JSON: line %d: %s", error.line,
                         error.text);
        goto out;
    }
    code = schema_apply(schema, root, "manifest", fault);
    if (code == HAWSE_OK)
        code = check_abi(m, root, fault);
    if (code == HAWSE_OK && !read_root(m, root))
        code = HAWSE_E_NOMEM;
    if (code == HAWSE_OK && m->config_schema) {
        code = schema_check(m->config_schema, "config", fault);
        fault_prefix(fault, "manifest");
    }
out:
    json_decref(root);
    json_decref(schema);
    if (code != HAWSE_OK) {
        manifest_destroy(m);
        return fault_set(fault, code, "manifest: no memory");
    }
    *out = m;
    return HAWSE_OK;
}

int32_t manifest_check_settings(const struct manifest *m, const char *where, const char *settings,
                                char **out, struct fault *fault)
{
    json_t *value = json_loads(settings, 0, NULL);
    if (!value)
        return fault_set(fault, HAWSE_E_FORMAT, "%s: not JSON", where);
    int32_t code = HAWSE_OK;
    if (m->config_schema) {
        code = schema_apply(m->config_schema, value, where, fault);
        if (code == HAWSE_OK)
            code = schema_apply(m->config_schema, value, where, fault); /* defaults of defaults */
    } else if (json_object_size(value) > 0) {
        code = fault_set(fault, HAWSE_E_INVAL, "%s: plugin %s has no settings", where, m->id);
    }
    *out = code == HAWSE_OK ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(value);
    if (code == HAWSE_OK && !*out)
        code = fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    return code;
}
