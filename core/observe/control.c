/* The control socket; see control.h. One client at a time, bounded in bytes and time. */
#include "observe/control.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 64 << 10, ANSWER_MAX = 4 << 20, CLIENT_MS = 2000 };

struct control {
    int fd;
    int quit[2]; /* pipe: a byte ends the thread */
    pthread_t thread;
    control_fn fn;
    void *ctx;
    char path[108];
};

static bool address(const char *path, struct sockaddr_un *out)
{
    memset(out, 0, sizeof(*out));
    out->sun_family = AF_UNIX;
    if (strlen(path) >= sizeof(out->sun_path))
        return false;
    memcpy(out->sun_path, path, strlen(path) + 1);
    return true;
}

static int wait_for(int fd, short events, int ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, ms);
    while (n < 0 && errno == EINTR);
    return n;
}

/* One line into a malloc'd text without its end; NULL on anything else. */
static char *read_line(int fd, size_t max, int ms)
{
    size_t len = 0, cap = 4096;
    char *text = malloc(cap);
    while (text && len < max && wait_for(fd, POLLIN, ms) > 0) {
        if (len + 1 >= cap) {
            char *bigger = realloc(text, cap *= 2);
            if (!bigger)
                break;
            text = bigger;
        }
        ssize_t n = recv(fd, text + len, cap - len - 1, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
        text[len] = '\0';
        char *end = memchr(text, '\n', len);
        if (end) {
            *end = '\0';
            return text;
        }
    }
    free(text);
    return NULL;
}

static bool write_all(int fd, const char *text, size_t len, int ms)
{
    while (len > 0) {
        if (wait_for(fd, POLLOUT, ms) <= 0)
            return false;
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Our own user, or root. */
static bool trusted(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

char *control_answer(control_fn fn, void *ctx, const char *line)
{
    struct fault fault = {0};
    json_t *request = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *verb = json_string_value(json_object_get(request, "verb"));
    char *text = NULL;
    if (verb)
        text = fn(ctx, verb, request, &fault);
    else
        (void)fault_set(&fault, HAWSE_E_FORMAT, "expected a line {\"verb\": ...}");
    json_decref(request);
    if (text)
        return text;
    json_t *error = json_pack("{s:s, s:s}", "error", fault.message, "fix", fault.hint);
    text = error ? json_dumps(error, JSON_COMPACT) : NULL;
    json_decref(error);
    return text;
}

static void serve_client(struct control *c, int fd)
{
    char *line = trusted(fd) ? read_line(fd, REQUEST_MAX, CLIENT_MS) : NULL;
    char *text = line ? control_answer(c->fn, c->ctx, line) : NULL;
    if (text && write_all(fd, text, strlen(text), CLIENT_MS))
        (void)write_all(fd, "\n", 1, CLIENT_MS);
    free(line);
    free(text);
}

static void *serve(void *arg)
{
    struct control *c = arg;
    for (;;) {
        struct pollfd p[2] = {{.fd = c->fd, .events = POLLIN},
                              {.fd = c->quit[0], .events = POLLIN}};
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (p[1].revents)
            return NULL;
        int fd = p[0].revents ? accept4(c->fd, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd < 0)
            continue;
        serve_client(c, fd);
        (void)close(fd);
    }
}

/* A socket that nobody answers any more is removed; one that answers belongs to another hawse. */
static int32_t clear_stale(const char *path, const struct sockaddr_un *where, struct fault *fault)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)where, sizeof(*where)) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (alive) {
        (void)fault_set(fault, HAWSE_E_EXISTS, "control.socket: %s is in use by another hawse",
                        path);
        fault_hint(fault, "stop that one, or choose another path");
        return HAWSE_E_EXISTS;
    }
    (void)unlink(path);
    return HAWSE_OK;
}

int32_t control_start(const char *path, control_fn fn, void *ctx, struct control **out,
                      struct fault *fault)
{
    struct sockaddr_un where;
    if (!address(path, &where))
        return fault_set(fault, HAWSE_E_INVAL, "control.socket: the path is longer than 107 bytes");
    int32_t code = clear_stale(path, &where, fault);
    if (code != HAWSE_OK)
        return code;
    struct control *c = calloc(1, sizeof(*c));
    if (!c || pipe2(c->quit, O_CLOEXEC) != 0) {
        free(c);
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the control socket");
    }
    c->fn = fn;
    c->ctx = ctx;
    memcpy(c->path, where.sun_path, sizeof(c->path));
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    mode_t before = umask(0177); /* 0600 from its first moment on */
    bool good = c->fd >= 0 && bind(c->fd, (struct sockaddr *)&where, sizeof(where)) == 0 &&
                listen(c->fd, 8) == 0;
    int saved = errno;
    (void)umask(before);
    if (!good || pthread_create(&c->thread, NULL, serve, c) != 0) {
        (void)close(c->fd);
        (void)close(c->quit[0]);
        (void)close(c->quit[1]);
        free(c);
        return fault_set(fault, HAWSE_E_IO, "control.socket: cannot listen on %s: %s", path,
                         strerror(saved));
    }
    *out = c;
    return HAWSE_OK;
}

void control_stop(struct control *c)
{
    if (!c)
        return;
    while (write(c->quit[1], "q", 1) < 0 && errno == EINTR)
        ;
    (void)pthread_join(c->thread, NULL);
    (void)close(c->fd);
    (void)close(c->quit[0]);
    (void)close(c->quit[1]);
    (void)unlink(c->path);
    free(c);
}

int32_t control_request(const char *path, const char *verb, int timeout_ms, json_t **out,
                        struct fault *fault)
{
    struct sockaddr_un where;
    char line[256];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int32_t code = HAWSE_OK;
    char *text = NULL;
    if (fd < 0 || !address(path, &where) ||
        connect(fd, (struct sockaddr *)&where, sizeof(where)) != 0) {
        code = fault_set(fault, HAWSE_E_IO, "no hawse answers on %s: %s", path, strerror(errno));
        fault_hint(fault, "is it running, with control.socket set to this path?");
        goto out;
    }
    int n = snprintf(line, sizeof(line), "{\"verb\":\"%s\"}\n", verb);
    if (!write_all(fd, line, (size_t)n, timeout_ms) ||
        !(text = read_line(fd, ANSWER_MAX, timeout_ms))) {
        code = fault_set(fault, HAWSE_E_TIMEOUT, "hawse on %s does not answer", path);
        goto out;
    }
    *out = json_loads(text, 0, NULL);
    const char *error = json_string_value(json_object_get(*out, "error"));
    if (!*out || error) {
        code = fault_set(fault, HAWSE_E_REMOTE, "%s", error ? error : "the answer is no JSON");
        json_decref(*out);
        *out = NULL;
    }
out:
    free(text);
    if (fd >= 0)
        (void)close(fd);
    return code;
}
