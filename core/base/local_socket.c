/* Unix sockets; see local_socket.h. Owns nothing. */
#include "base/local_socket.h"

#include <errno.h>
#include <hawse/types.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

static bool address(const char *path, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(out->sun_path))
        return false;
    memcpy(out->sun_path, path, strlen(path) + 1);
    return true;
}

int local_wait(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, ms);
    while (n < 0 && errno == EINTR);
    return n;
}

bool local_peer(int fd, uid_t *uid)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    if (known)
        *uid = peer.uid;
    return known;
}

int local_connect(const char *path, int flags)
{
    struct sockaddr_un where;
    if (!address(path, &where)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* One that answers belongs to another process; what is no socket is somebody's file. */
static int32_t clear_stale(const char *path, const char *where, const char *what,
                           struct fault *fault)
{
    struct stat st;
    int fd = local_connect(path, 0);
    if (fd >= 0) {
        (void)close(fd);
        (void)fault_set(fault, HAWSE_E_EXISTS, "%s: %s is in use by another %s", where, path, what);
        fault_hint(fault, "stop that one, or choose another path");
        return HAWSE_E_EXISTS;
    }
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
        (void)fault_set(fault, HAWSE_E_EXISTS, "%s: %s is there, and no socket", where, path);
        fault_hint(fault, "choose another path");
        return HAWSE_E_EXISTS;
    }
    (void)unlink(path);
    return HAWSE_OK;
}

int32_t local_listen(const char *path, mode_t mode, const char *where, const char *what, int *out,
                     struct fault *fault)
{
    struct sockaddr_un name;
    if (!address(path, &name))
        return fault_set(fault, HAWSE_E_INVAL, "%s: the path is longer than 107 bytes", where);
    int32_t code = clear_stale(path, where, what, fault);
    if (code != HAWSE_OK)
        return code;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t before = umask(0777 & ~mode);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 &&
                listen(fd, BACKLOG) == 0;
    int saved = errno;
    (void)umask(before);
    if (good) {
        *out = fd;
        return HAWSE_OK;
    }
    if (fd >= 0)
        (void)close(fd);
    return fault_set(fault, HAWSE_E_IO, "%s: cannot listen on %s: %s", where, path,
                     strerror(saved));
}
