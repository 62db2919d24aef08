/*
 * The list of files that passed their trial; the quarantine's own functions stand in library.h.
 */
#ifndef CORE_PLUGIN_QUARANTINE_H
#define CORE_PLUGIN_QUARANTINE_H

#include "plugin/library.h"

#include <stdbool.h>

bool tried_before(const char *state_dir, const char *digest, const char *host_version);
int32_t tried_add(const char *state_dir, const char *digest, const char *host_version,
                  struct fault *fault);

#endif
