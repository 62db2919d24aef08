/*
 * Checks JSON against a JSON Schema (a fixed subset) and fills in defaults. One mechanism for
 * hawse's own configuration, for manifests and for the settings of plugins.
 *
 * Keywords: type, properties, required, additionalProperties (a schema, or false, which is also the
 * default, or true), enum, const, minimum, maximum, minLength, maxLength, format (address, uint256,
 * url), items, minItems, maxItems, uniqueItems, oneOf (alternatives of different types), $ref
 * ("#/$defs/NAME"), $defs, default, writeOnly (a secret: never repeated in a fault), and the words
 * for readers: $schema, title, description, examples. Any other keyword is a fault of the schema:
 * nothing passes because nobody looked.
 */
#ifndef CORE_BASE_SCHEMA_H
#define CORE_BASE_SCHEMA_H

#include "base/fault.h"

#include <jansson.h>

/* Is this a schema that schema_apply understands, with defaults that keep its own rules? Faults
 * name the place in it, below `where`. */
int32_t schema_check(const json_t *schema, const char *where, struct fault *fault);

/* Checks value; faults name the path below `where`, what was found and what is allowed, and for an
 * unknown key the nearest known one. Missing members with a default are added to value, also inside
 * what a default has added. The schema must have passed schema_check. */
int32_t schema_apply(const json_t *schema, json_t *value, const char *where, struct fault *fault);

/* The same, but unknown keys are no fault: a sentence on each is appended to the array `unknown`.
 */
int32_t schema_apply_lenient(const json_t *schema, json_t *value, const char *where,
                             json_t *unknown, struct fault *fault);

/* The candidate nearest to `word` by edits (insert, delete, change, swap), else one that begins
 * with it, or NULL. */
const char *schema_nearest(const char *word, const char *const *candidates, size_t count);

#endif
