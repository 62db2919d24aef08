/*
 * What can be known of a shared object without running it: a bounds-checked reader of ELF64 files
 * that trusts nothing it reads. Works on stripped files: it follows program headers and the dynamic
 * section.
 */
#ifndef CORE_PLUGIN_ELF_FILE_H
#define CORE_PLUGIN_ELF_FILE_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_EXPORTS = 64, ELF_NEEDED = 32 };

struct elf_export {
    const char *name;    /* in the file's bytes */
    const uint8_t *data; /* bytes of an object; NULL for functions and what is not in the file */
    uint64_t size;
    bool function;
};

struct elf_file {
    const uint8_t *bytes; /* of the caller */
    size_t len;
    struct elf_export exports[ELF_EXPORTS];
    size_t export_count;            /* all there are; the first ELF_EXPORTS are listed */
    const char *rpath;              /* RPATH or RUNPATH; NULL = none */
    const char *needed[ELF_NEEDED]; /* libraries it is linked with; NULL = the name is not there */
    size_t needed_count;            /* all there are; the first ELF_NEEDED are listed */
    bool text_relocations;
    bool executable_stack;
    bool writable_code; /* a segment that can be written and executed */
};

/* Faults: not ELF, other class, byte order, machine or type, or inconsistent. */
int32_t elf_read(const uint8_t *bytes, size_t len, struct elf_file *out, struct fault *fault);
/* The names of functions and objects that the file takes from others, in its bytes. */
int32_t elf_imports(const uint8_t *bytes, size_t len, void (*import)(void *ctx, const char *name),
                    void *ctx, struct fault *fault);
const struct elf_export *elf_find(const struct elf_file *file, const char *name);

#endif
