/* Processes of `hawse check --host`; see host.h. */
#include "check/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The child's three streams; -1 = leads nowhere. Of a group of its own, so that all it starts can
 * be ended with it. */
static pid_t spawn(const char *const argv[], int in, int out, int err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    pid_t pid = -1;
    const int from[3] = {in, out, err};
    if (posix_spawn_file_actions_init(&files) != 0)
        return -1;
    if (posix_spawnattr_init(&how) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return -1;
    }
    int bad = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
    for (int fd = 0; fd < 3 && bad == 0; fd++)
        bad = from[fd] < 0
                  ? posix_spawn_file_actions_addopen(&files, fd, "/dev/null", fd ? O_WRONLY : 0, 0)
                  : posix_spawn_file_actions_adddup2(&files, from[fd], fd);
    if (bad == 0 &&
        posix_spawn(&pid, argv[0], &files, &how, (char *const *)(uintptr_t)argv, environ) != 0)
        pid = -1;
    (void)posix_spawnattr_destroy(&how);
    (void)posix_spawn_file_actions_destroy(&files);
    return pid;
}

pid_t trial_start(const char *const argv[], const char *log)
{
    int err = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (log && err < 0)
        return -1;
    pid_t pid = spawn(argv, -1, -1, err);
    if (err >= 0)
        (void)close(err);
    return pid;
}

bool trial_ended(pid_t pid, int ms, int *status)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (fd >= 0) {
        (void)poll(&p, 1, ms);
        (void)close(fd);
    }
    return waitpid(pid, status, WNOHANG) == pid;
}

/* Reads until the other side closes, or the time is over. */
static bool drain(int fd, char *out, size_t cap, int limit_ms)
{
    uint64_t until = check_now_ns() + (uint64_t)limit_ms * 1000000u;
    size_t len = 0;
    char rest[512];
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        uint64_t now = check_now_ns();
        if (now >= until ||
            (poll(&p, 1, (int)((until - now) / 1000000u) + 1) < 0 && errno != EINTR))
            return false;
        if (p.revents == 0)
            continue;
        bool full = len + 1 >= cap;
        ssize_t n = full ? read(fd, rest, sizeof(rest)) : read(fd, out + len, cap - 1 - len);
        if (n <= 0)
            return n == 0;
        len += full ? 0 : (size_t)n;
        out[len] = '\0';
    }
}

int trial_capture(const char *const argv[], const char *input, char *out, size_t cap, int limit_ms)
{
    int in[2] = {-1, -1}, back[2] = {-1, -1}, status = 0;
    out[0] = '\0';
    if (pipe2(in, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(back, O_CLOEXEC) != 0) {
        (void)close(in[0]);
        (void)close(in[1]);
        return -1;
    }
    pid_t pid = spawn(argv, in[0], back[1], back[1]);
    (void)close(in[0]);
    (void)close(back[1]);
    /* a line fits into the pipe, whether anybody reads it or not */
    if (pid > 0 && input && write(in[1], input, strlen(input)) < 0)
        out[0] = '\0';
    (void)close(in[1]);
    bool whole = pid > 0 && drain(back[0], out, cap, limit_ms);
    (void)close(back[0]);
    if (pid <= 0)
        return -1;
    if (!whole || !trial_ended(pid, 1000, &status)) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
