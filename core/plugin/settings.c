/*
 * The settings of an instance against the schema that its plugin brings; see manifest.h.
 */
#include "base/schema.h"
#include "plugin/manifest.h"

#include <hawse/types.h>
#include <stdlib.h>

int32_t manifest_check_settings(const struct manifest *manifest, const char *where,
                                const char *settings, char **out, struct fault *fault)
{
    json_error_t error;
    json_t *value = json_loads(settings, JSON_REJECT_DUPLICATES, &error);
    if (!value || !json_is_object(value)) {
        json_decref(value);
        return fault_set(fault, HAWSE_E_FORMAT, "%s: expected a JSON object", where);
    }
    int32_t code = HAWSE_OK;
    if (manifest->config_schema)
        code = schema_apply(manifest->config_schema, value, where, fault);
    char *text = code == HAWSE_OK ? json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(value);
    if (code == HAWSE_OK && !text)
        code = fault_set(fault, HAWSE_E_NOMEM, "%s: no memory", where);
    if (code == HAWSE_OK)
        *out = text;
    return code;
}
