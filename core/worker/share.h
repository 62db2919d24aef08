/*
 * Memory that host and worker share: of a fixed size, so that nobody can shrink it under the host's
 * feet, and for the worker's side a way to it that cannot write.
 */
#ifndef CORE_WORKER_SHARE_H
#define CORE_WORKER_SHARE_H

#include <stddef.h>
#include <stdint.h>

/* Makes and maps it; pages never reached cost nothing. HAWSE_E_NOMEM: errno says why, and what was
 * opened by then is the caller's to close. */
int32_t share_memory(const char *name, size_t bytes, int *fd, uint8_t **map);
/* The same memory by a descriptor that nobody can write by, nor make a mapping writable that was
 * made of it; -1: errno. A seal against writing would do that too, and keep the host from giving
 * pages back. */
int share_read_only(int fd);

#endif
