/*
 * Whose file a plugin is, and whether it may run in the host's own process when the operator has
 * not said so for its instance: see "isolation" in the configuration. Code in this process could do
 * all that the host can.
 */
#ifndef CORE_PLUGIN_TRUST_H
#define CORE_PLUGIN_TRUST_H

#include "plugin/library.h"

/* True for what came with this program (the installed folder, or `plugins` beside the folder of a
 * program that was not installed), what lies in a folder of the list, and what has a digest of the
 * list ("sha256:..."). Folders are compared as they are on disk, links followed. */
bool library_trusted(const struct library *library, char *const *trusted, size_t count);

#endif
