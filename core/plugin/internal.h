/*
 * Between the files of this room.
 */
#ifndef CORE_PLUGIN_INTERNAL_H
#define CORE_PLUGIN_INTERNAL_H

#include "plugin/elf_file.h"
#include "plugin/library.h"

/* The steps of that judgement, each by itself. */
int32_t plugin_check_entry(const struct elf_file *elf, struct fault *fault);
int32_t plugin_check_exports(const struct elf_file *elf, struct fault *fault);
int32_t plugin_manifest_text(const struct elf_file *elf, const char **text, size_t *len,
                             struct fault *fault);
int32_t plugin_check_stack(const struct elf_file *elf, struct fault *fault);
int32_t plugin_check_text(const struct elf_file *elf, struct fault *fault);
int32_t plugin_check_rpath(const struct elf_file *elf, const char *path, struct fault *fault);
int32_t plugin_check_requires(const struct manifest *m, struct fault *fault);
/* Copies and checks what a plugin's entry function returned. */
int32_t library_check_table(const hawse_plugin_t *table, const char *id, hawse_plugin_t *copy,
                            struct fault *fault);
/* Is this the id of a service that this host has? */
bool plugin_service_known(const char *id);

#endif
