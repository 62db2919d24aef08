/*
 * Texts that nobody may see: in memory of their own that is locked (never swapped out), left out of
 * core dumps, fenced by guard pages, and wiped when it ends. Each takes some pages: for keys and
 * URLs, not for bulk.
 */
#ifndef CORE_BASE_SECRET_H
#define CORE_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* `size` bytes, all zero; NULL when memory is out. */
char *secret_new(size_t size);
char *secret_copy(const char *text);
/* Wipes and frees; NULL is legal. */
void secret_free(char *text);
/* Is it locked? The process may lock RLIMIT_MEMLOCK bytes; what is above that is as good but for
 * the lock. */
bool secret_locked(const char *text);

/* The value of a variable of the environment; NULL: it is not set. The first time it is moved into
 * locked memory: the bytes that the process was started with, which /proc/PID/environ and core
 * dumps show, are wiped. Without memory for that it stays where it is. Before other threads ask for
 * it. */
const char *secret_env(const char *name);

/* Overwrites the 8 KiB of stack below the caller, where what it called may have left a secret. */
void secret_wipe_stack(void);

/* The C library's free, but what is freed is wiped. */
void wiping_free(void *block);

#endif
