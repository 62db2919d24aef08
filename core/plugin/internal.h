/*
 * Between the files of this room.
 */
#ifndef CORE_PLUGIN_INTERNAL_H
#define CORE_PLUGIN_INTERNAL_H

#include "plugin/library.h"

/* The static judgement of a file that is in memory; its fd stays -1. */
int32_t library_inspect_bytes(const uint8_t *bytes, size_t len, const char *path,
                              struct library **out, struct fault *fault);
/* Copies and checks what a plugin's entry function returned. */
int32_t library_check_table(const hawse_plugin_t *table, const char *id, hawse_plugin_t *copy,
                            struct fault *fault);
/* Is this the id of a service that this host has? */
bool plugin_service_known(const char *id);

#endif
