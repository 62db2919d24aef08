/*
 * A plugin's manifest, parsed: what it says of itself, read from the file without running it.
 */
#ifndef CORE_PLUGIN_MANIFEST_H
#define CORE_PLUGIN_MANIFEST_H

#include "base/fault.h"
#include "config/config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct manifest_feature {
    char *name;
    enum config_maturity maturity;
    char *description; /* may be NULL */
};

struct manifest_stream {
    char *name;
    uint32_t policy; /* HAWSE_POLICY_... */
};

struct manifest {
    char *id;      /* reverse DNS */
    char *version; /* semantic version */
    char *kind;    /* chain, venue, protocol, strategy, sink */
    char *description;
    char *license;
    char *source;
    char *fork; /* fork tag of the host it wants; NULL = any */
    uint32_t abi_major, abi_minor;
    enum config_maturity maturity;
    char **services; /* "hawse.stream/1": what `requires` names; checked against this host */
    size_t service_count;
    char **provides;
    size_t provide_count;
    char **produces; /* event spaces: "evm/1" */
    size_t produce_count;
    char **consumes;
    size_t consume_count;
    char **capabilities; /* "net", "rpc:eth_getLogs", ... */
    size_t capability_count;
    struct manifest_feature *features;
    size_t feature_count;
    struct manifest_stream *streams;
    size_t stream_count;
    uint32_t callback_us;  /* budget; 0 = not stated */
    json_t *config_schema; /* JSON Schema of the settings; NULL = any object */
    char **warnings;       /* unknown keys */
    size_t warning_count;
};

/* Parses manifest text. Unknown keys warn, wrong types refuse. */
int32_t manifest_parse(const char *text, size_t len, struct manifest **out, struct fault *fault);
void manifest_destroy(struct manifest *manifest);

/* Checks settings (JSON text of an object) against the schema and fills in its defaults; *out is
 * the canonical text, malloc'd. Supports type, properties, required, additionalProperties (default
 * false), enum, const, minimum, maximum, minLength, maxLength, pattern-free "format" address /
 * uint256 / url, items, minItems, maxItems, uniqueItems, default, description. Faults name the path
 * below `where` and the nearest known key. */
int32_t manifest_check_settings(const struct manifest *manifest, const char *where,
                                const char *settings, char **out, struct fault *fault);

#endif
