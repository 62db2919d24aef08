/*
 * Unix sockets of a path: listening for this user alone, connecting, and who is at the other end.
 */
#ifndef CORE_BASE_LOCAL_SOCKET_H
#define CORE_BASE_LOCAL_SOCKET_H

#include "base/fault.h"

#include <stdbool.h>
#include <sys/types.h>

enum { LOCAL_PATH = 108 }; /* with its NUL */

/* Listens on the path, of this mode from its first moment on. A socket that nobody answers any more
 * is removed first. `where` begins the fault, and `what` is who else may be there ("hawse").
 * HAWSE_E_EXISTS: one that answers, or a file that is no socket; HAWSE_E_INVAL: too long;
 * HAWSE_E_IO. The caller closes *fd and removes the path. */
int32_t local_listen(const char *path, mode_t mode, const char *where, const char *what, int *fd,
                     struct fault *fault);

/* Connected, or -1 with errno. `flags` as of socket(), such as SOCK_NONBLOCK. */
int local_connect(const char *path, int flags);

/* The user at the other end; false: unknown. */
bool local_peer(int fd, uid_t *uid);

/* Waits for events of poll(); its answer. */
int local_wait(int fd, short events, int ms);

#endif
