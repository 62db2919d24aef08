/*
 * The first load of a plugin happens in a child process, which is this program again: `hawse
 * __trial FD`. The child loads the files named on FD, asks each for its table, and answers with a
 * line per file. When it dies, hangs or goes silent, the file it was at is the culprit; the others
 * are tried by a new child.
 */
#include "plugin/internal.h"
#include "plugin/quarantine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_MS = 5000, LINE_MAX_BYTES = 5000 };

#ifndef HAWSE_VERSION
#define HAWSE_VERSION "0"
#endif

/* ---- the child ---- */

static uint64_t stub_now(const hawse_host_t *host, uint32_t clock)
{
    (void)host, (void)clock;
    return 0;
}

static void stub_log(const hawse_host_t *host, hawse_instance_t self, uint32_t level,
                     hawse_view_t text)
{
    (void)host, (void)self, (void)level, (void)text;
}

static int32_t stub_error(const hawse_host_t *host, hawse_instance_t self, int32_t code,
                          hawse_view_t message, hawse_view_t hint)
{
    (void)host, (void)self, (void)message, (void)hint;
    return code;
}

static int32_t stub_post(const hawse_host_t *host, hawse_instance_t self, uint64_t token)
{
    (void)host, (void)self, (void)token;
    return HAWSE_E_STALE;
}

static const void *stub_query(const hawse_host_t *host, hawse_instance_t self, const char *id)
{
    (void)host, (void)self, (void)id;
    return NULL;
}

static const hawse_host_t stub_host = {
    .size = sizeof(hawse_host_t),
    .abi_minor = HAWSE_ABI_MINOR,
    .fork_tag = "hawse",
    .now = stub_now,
    .log = stub_log,
    .set_error = stub_error,
    .post = stub_post,
    .query = stub_query,
};

static void answer(FILE *out, const struct fault *fault)
{
    char text[1200];
    (void)snprintf(text, sizeof(text), "%d %s\t%s", fault->code, fault->message, fault->hint);
    for (char *c = text; *c; c++)
        *c = *c == '\n' ? ' ' : *c;
    (void)fprintf(out, "%s\n", text);
    (void)fflush(out);
}

int library_trial_child(int fd)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int copy = dup(fd);
    FILE *in = fdopen(fd, "r"), *out = copy >= 0 ? fdopen(copy, "w") : NULL;
    char path[LINE_MAX_BYTES];
    if (!in || !out)
        return 1;
    while (fgets(path, sizeof(path), in)) {
        path[strcspn(path, "\n")] = '\0';
        struct library *lib = NULL;
        struct fault fault = {0};
        if (library_inspect(path, &lib, &fault) == HAWSE_OK)
            (void)library_load(lib, &stub_host, &fault);
        answer(out, &fault);
    }
    _exit(0); /* destructors of plugins are none of our business */
}

/* ---- the parent ---- */

struct child {
    pid_t pid;
    int fd;
    char buffer[LINE_MAX_BYTES];
    size_t len;
};

static int32_t spawn(struct child *c, struct fault *fault)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return fault_set(fault, HAWSE_E_IO, "cannot try plugins: %s", strerror(errno));
    c->len = 0;
    c->pid = fork();
    if (c->pid == 0) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%d", dup(pair[1])); /* this copy survives exec */
        (void)execl("/proc/self/exe", "hawse", "__trial", number, (char *)NULL);
        _exit(127);
    }
    (void)close(pair[1]);
    c->fd = pair[0];
    if (c->pid > 0)
        return HAWSE_OK;
    (void)close(pair[0]);
    return fault_set(fault, HAWSE_E_IO, "cannot start a child to try plugins: %s", strerror(errno));
}

static uint64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}

/* The next line of the child's answer; NULL when it died or the time is over. */
static char *read_line(struct child *c, bool *timeout)
{
    uint64_t until = now_ms() + LIMIT_MS;
    *timeout = false;
    for (;;) {
        char *end = memchr(c->buffer, '\n', c->len);
        if (end) {
            *end = '\0';
            return c->buffer;
        }
        uint64_t now = now_ms();
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        int n = now < until ? poll(&p, 1, (int)(until - now)) : 0;
        if (n == 0) {
            *timeout = true;
            return NULL;
        }
        ssize_t got = n > 0 ? read(c->fd, c->buffer + c->len, sizeof(c->buffer) - 1 - c->len) : -1;
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return NULL;
        c->len += got > 0 ? (size_t)got : 0;
    }
}

static void drop_line(struct child *c)
{
    size_t used = strlen(c->buffer) + 1;
    c->len -= used;
    memmove(c->buffer, c->buffer + used, c->len);
}

/* How the child ended, as words. */
static void end_child(struct child *c, bool kill_it, char *how, size_t cap)
{
    int status = 0;
    if (kill_it)
        (void)kill(c->pid, SIGKILL);
    (void)close(c->fd);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (kill_it)
        (void)snprintf(how, cap, "did not come back within %d ms", LIMIT_MS);
    else if (WIFSIGNALED(status))
        (void)snprintf(how, cap, "crashed with signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(how, cap, "ended the process with exit code %d", WEXITSTATUS(status));
}

static void take_verdict(const char *line, struct fault *verdict)
{
    char *rest = NULL;
    long code = strtol(line, &rest, 10);
    char *tab = rest ? strchr(rest, '\t') : NULL;
    if (code == 0)
        return;
    if (tab)
        *tab = '\0';
    (void)fault_set(verdict, (int32_t)code, "%s", rest && *rest ? rest + 1 : "refused");
    if (tab && tab[1])
        fault_hint(verdict, "%s", tab + 1);
}

/* Tries libraries[first ...] in one child; returns the index of the first that was not judged. */
static size_t try_some(struct library *const *libraries, size_t first, size_t count,
                       const char *state_dir, struct fault *verdicts, struct fault *fault)
{
    struct child child;
    if (spawn(&child, fault) != HAWSE_OK)
        return count;
    size_t i = first;
    for (; i < count; i++) {
        char path[LINE_MAX_BYTES];
        bool timeout = false;
        char *line = NULL;
        int n = snprintf(path, sizeof(path), "%s\n", libraries[i]->path);
        if (n > 0 && send(child.fd, path, (size_t)n, MSG_NOSIGNAL) == n)
            line = read_line(&child, &timeout);
        if (line) {
            take_verdict(line, &verdicts[i]);
            drop_line(&child);
            if (verdicts[i].code == 0)
                (void)tried_add(state_dir, libraries[i]->digest, HAWSE_VERSION, NULL);
            continue;
        }
        char how[128];
        end_child(&child, timeout, how, sizeof(how));
        (void)fault_set(&verdicts[i], HAWSE_E_DENIED,
                        "%s: %s when it was first loaded (in a child "
                        "process; nothing else was harmed)",
                        libraries[i]->path, how);
        fault_hint(&verdicts[i], "mend the plugin: it is quarantined by its SHA-256 %.12s",
                   libraries[i]->digest);
        (void)quarantine_add(state_dir, libraries[i]->digest, libraries[i]->path,
                             verdicts[i].message, NULL);
        return i + 1;
    }
    char how[128];
    (void)shutdown(child.fd, SHUT_WR);
    end_child(&child, false, how, sizeof(how));
    return count;
}

int32_t library_trial(struct library *const *libraries, size_t count, const char *state_dir,
                      struct fault *verdicts, struct fault *fault)
{
    struct library **fresh = calloc(count + 1, sizeof(fresh[0]));
    struct fault *results = calloc(count + 1, sizeof(results[0]));
    size_t *index = calloc(count + 1, sizeof(index[0])), n = 0;
    int32_t code = HAWSE_OK;
    if (!fresh || !results || !index) {
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory to try plugins");
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (!tried_before(state_dir, libraries[i]->digest, HAWSE_VERSION)) {
            index[n] = i;
            fresh[n++] = libraries[i];
        }
    }
    for (size_t next = 0; next < n && code == HAWSE_OK;) {
        struct fault trouble = {0};
        next = try_some(fresh, next, n, state_dir, results, &trouble);
        code = trouble.code;
        if (code != HAWSE_OK && fault)
            *fault = trouble;
    }
    for (size_t k = 0; k < n; k++)
        verdicts[index[k]] = results[k];
out:
    free(fresh);
    free(results);
    free(index);
    return code;
}
