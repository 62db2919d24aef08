/*
 * What no schema can say of a manifest: the forms of ids, versions and ranges.
 */
#ifndef CORE_PLUGIN_MANIFEST_RULES_H
#define CORE_PLUGIN_MANIFEST_RULES_H

#include "base/fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

extern const char manifest_schema_text[];

/* Checks a manifest that the schema has passed. Sentences on what does no harm but no good either
 * (capabilities nobody knows) are appended to `warnings`. */
int32_t manifest_check_rules(json_t *root, json_t *warnings, struct fault *fault);

/* "MAJOR.MINOR"; false when it is none. */
bool manifest_version(const char *text, uint32_t *major, uint32_t *minor);

#endif
