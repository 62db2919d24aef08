/*
 * An allocator for a library that keeps copies of secrets in memory of its own, as libcurl does of
 * URLs, logins and headers. Its memory is left out of core dumps, is locked up to SECRET_HEAP_LOCK
 * bytes and as far as the process may lock any, and is wiped when it is freed; so a library that
 * holds on to what it was told holds nothing that could be read in a dump or in swap.
 *
 * Blocks come from chunks by size class and are never given back to the system but for large ones:
 * for what lives long or comes again and again, not for bulk.
 */
#ifndef CORE_BASE_SECRET_HEAP_H
#define CORE_BASE_SECRET_HEAP_H

#include <stddef.h>

/* A process that is not root may lock 8 MiB on most systems, and keys need some of it. */
enum { SECRET_HEAP_LOCK = 2 << 20 };

/* [any] As the C library's of the same names: aligned for everything, NULL when memory is out. */
void *secret_heap_malloc(size_t size);
void *secret_heap_calloc(size_t count, size_t size);
void *secret_heap_realloc(void *block, size_t size);
char *secret_heap_strdup(const char *text);
void secret_heap_free(void *block);

/* [any] Blocks that are not freed yet. */
size_t secret_heap_living(void);

#endif
