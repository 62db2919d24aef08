/* The control socket; see control.h. One client at a time, bounded in bytes and time. */
#include "observe/control.h"

#include "base/local_socket.h"

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
#include <unistd.h>

enum { REQUEST_MAX = 1 << 20, ANSWER_MAX = 16 << 20, CLIENT_MS = 2000 };

struct control {
    int fd;
    int quit[2]; /* pipe: a byte ends the thread */
    pthread_t thread;
    control_fn fn;
    void *ctx;
    char path[LOCAL_PATH];
};

/* One line into a malloc'd text without its end; NULL on anything else. */
static char *read_line(int fd, size_t max, int ms)
{
    size_t len = 0, cap = 4096;
    char *text = malloc(cap);
    while (text && len < max && local_wait(fd, POLLIN, ms) > 0) {
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
        if (local_wait(fd, POLLOUT, ms) <= 0)
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
static bool trusted(int fd, uid_t *uid)
{
    return local_peer(fd, uid) && (*uid == geteuid() || *uid == 0);
}

char *control_answer(control_fn fn, void *ctx, const char *line, uid_t uid)
{
    struct fault fault = {0};
    json_t *request = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *verb = json_string_value(json_object_get(request, "verb"));
    char *text = NULL;
    if (verb && json_object_set_new(request, CONTROL_BY, json_integer(uid)) == 0)
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
    uid_t uid = 0;
    char *line = trusted(fd, &uid) ? read_line(fd, REQUEST_MAX, CLIENT_MS) : NULL;
    char *text = line ? control_answer(c->fn, c->ctx, line, uid) : NULL;
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

int32_t control_start(const char *path, control_fn fn, void *ctx, struct control **out,
                      struct fault *fault)
{
    int fd = -1;
    int32_t code = local_listen(path, 0600, "control.socket", "hawse", &fd, fault);
    if (code != HAWSE_OK)
        return code;
    struct control *c = calloc(1, sizeof(*c));
    bool piped = c && pipe2(c->quit, O_CLOEXEC) == 0;
    if (piped) {
        c->fn = fn;
        c->ctx = ctx;
        c->fd = fd;
        (void)snprintf(c->path, sizeof(c->path), "%s", path);
    }
    if (piped && pthread_create(&c->thread, NULL, serve, c) == 0) {
        *out = c;
        return HAWSE_OK;
    }
    if (piped) {
        (void)close(c->quit[0]);
        (void)close(c->quit[1]);
    }
    free(c);
    (void)close(fd);
    (void)unlink(path);
    return fault_set(fault, HAWSE_E_NOMEM, "no memory for the control socket");
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

int32_t control_ask(const char *path, const json_t *request, int timeout_ms, json_t **out,
                    struct fault *fault)
{
    int fd = local_connect(path, 0);
    int32_t code = HAWSE_OK;
    char *text = NULL, *line = json_dumps(request, JSON_COMPACT);
    if (fd < 0) {
        code = fault_set(fault, HAWSE_E_IO, "no hawse answers on %s: %s", path, strerror(errno));
        fault_hint(fault, "is it running, with control.socket set to this path?");
        goto out;
    }
    if (!line || !write_all(fd, line, strlen(line), timeout_ms) ||
        !write_all(fd, "\n", 1, timeout_ms) || !(text = read_line(fd, ANSWER_MAX, timeout_ms))) {
        code = fault_set(fault, HAWSE_E_TIMEOUT, "hawse on %s does not answer", path);
        goto out;
    }
    *out = json_loads(text, 0, NULL);
    const char *error = json_string_value(json_object_get(*out, "error"));
    if (!*out || error) {
        code = fault_set(fault, HAWSE_E_REMOTE, "%s", error ? error : "the answer is no JSON");
        fault_hint(fault, "%s",
                   json_string_value(json_object_get(*out, "fix"))
                       ? json_string_value(json_object_get(*out, "fix"))
                       : "");
        json_decref(*out);
        *out = NULL;
    }
out:
    free(text);
    free(line);
    if (fd >= 0)
        (void)close(fd);
    return code;
}

int32_t control_request(const char *path, const char *verb, int timeout_ms, json_t **out,
                        struct fault *fault)
{
    json_t *request = json_pack("{s:s}", "verb", verb);
    int32_t code = control_ask(path, request, timeout_ms, out, fault);
    json_decref(request);
    return code;
}
