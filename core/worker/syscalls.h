/*
 * Names of this machine's system calls. Made from the C library's header when hawse is built: a
 * number that a later kernel adds has no name here.
 */
#ifndef CORE_WORKER_SYSCALLS_H
#define CORE_WORKER_SYSCALLS_H

#include <stdint.h>

/* "openat"; "unknown" when it has no name. */
const char *syscall_name(uint32_t number);

#endif
