/*
 * Arguments of a verb: from the words of a command line to a JSON object that keeps the verb's
 * schema. Pure; the words come from a terminal by way of the control socket, the schema from a
 * plugin, and neither is believed. Nothing here knows what a verb does.
 */
#ifndef CORE_HOST_COMMAND_ARGS_H
#define CORE_HOST_COMMAND_ARGS_H

#include "base/fault.h"

#include <hawse/types.h>
#include <jansson.h>

/* The schema of a verb as hawse/service/command.h has it; empty text: no arguments. *out is a new
 * reference. HAWSE_E_FORMAT: it is none, or none of an object, or it takes a name that `hawse call`
 * has for itself. */
int32_t command_schema(hawse_view_t text, json_t **out, struct fault *fault);

/* An array of words, filled in by the rules of hawse/service/command.h, checked, with defaults.
 * HAWSE_E_INVAL: a word has no place or is not of its type; other codes as of schema_apply. */
int32_t command_args_of_words(const json_t *schema, const json_t *words, json_t **out,
                              struct fault *fault);

/* The same for an object that is given as it is, or NULL for none. */
int32_t command_args_of_object(const json_t *schema, const json_t *object, json_t **out,
                               struct fault *fault);

/* How a verb is called, for its help: "WHAT [--token TEXT] [--send]". malloc'd; NULL when memory is
 * out. */
char *command_usage(const json_t *schema);

#endif
