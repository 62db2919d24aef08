/*
 * Between the files of the schema checker.
 */
#ifndef CORE_BASE_SCHEMA_INTERNAL_H
#define CORE_BASE_SCHEMA_INTERNAL_H

#include "base/schema.h"

#include <stdbool.h>

enum {
    SCHEMA_DEPTH = 32,    /* of values and of schemas */
    SCHEMA_PATH = 256,    /* bytes of a path in a fault; longer ones are cut */
    SCHEMA_WORK = 200000, /* values that one check may visit: a small schema can ask for many */
};

/* One check: on the stack of who runs it. */
struct schema_context {
    const json_t *root; /* where $ref begins */
    struct fault *fault;
    json_t *unknown; /* array for sentences on unknown keys; NULL: they are faults */
    size_t work;     /* left */
    int depth;
};

bool schema_type_matches(const char *type, const json_t *value);

/* The rule that a $ref stands for, or the rule itself; NULL when it leads nowhere. */
const json_t *schema_resolve(const json_t *root, const json_t *rule);

/* A path one member further; an empty `where` is the top. */
void schema_join(char out[SCHEMA_PATH], const char *where, const char *key);

/* One step of schema_apply: the value against one rule. */
int32_t schema_apply_rule(struct schema_context *c, const json_t *rule, json_t *value,
                          const char *where);

/* schema_value.c: a value in a few words, and the checks of single values. */
void schema_found(const json_t *rule, const json_t *value, char *out, size_t cap);
int32_t schema_refuse(struct schema_context *c, const json_t *rule, const char *where,
                      const json_t *value, const char *allowed);
int32_t schema_check_value(struct schema_context *c, const json_t *rule, const json_t *value,
                           const char *where);

#endif
