/*
 * What a plugin takes from the C library, watched: the entries of its own import table are pointed
 * at functions that count, and that fail when a case wants it. Only calls of the plugin itself come
 * through here, none of the host or of the C library.
 */
#ifndef CORE_CHECK_HOOKS_H
#define CORE_CHECK_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is not there under replay. */
enum hook_family { HOOK_CLOCK, HOOK_RANDOM, HOOK_ENVIRONMENT, HOOK_FILE, HOOK_FAMILIES };

struct hook_counts {
    uint64_t allocations; /* malloc, calloc, realloc, strdup, aligned_alloc */
    uint64_t refused;     /* of them */
    uint64_t ambient[HOOK_FAMILIES];
    const char *first[HOOK_FAMILIES]; /* the function of each that was called first */
};

/* Watches the plugin that dlopen gave. False: its import table cannot be read. */
bool hooks_install(void *dl);
/* The allocation of this number, counted from 1, gives NULL; 0: none. Counts begin anew. */
void hooks_reset(uint64_t refuse);
struct hook_counts hooks_counts(void);

#endif
