/* Swaps that an operator asks for; see swap.h. */
#include "app/swap.h"

#include "host/swap.h"
#include "observe/control.h"
#include "tx/desk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PLUGIN_FD = 9, /* of the new plugin's file, in the process that replays */
    LIMIT_MAX_MS = 10000,
    SHADOW_S = 60,
    SHADOW_MAX_S = 3600,
    SAID_MAX = 4096,
};

#define ALLOW_ANY INT64_MAX

struct swapper {
    struct host *host;
    char *capture;
    pthread_mutex_t lock; /* guards what follows */
    bool begun, ended;    /* a thread exists; it has ended its work */
    pthread_t thread;
    uint64_t number;
    struct fault fault;
    struct swap_result result;
    int64_t differing; /* callbacks of the recording; -1 = it was not compared */
    /* set before the thread begins */
    char *instance, *path, *shadow;
    int64_t allow, by; /* by: who asked, a user id */
    uint64_t limit_ms, shadow_s;
};

/* ---- the shadow: `hawse replay` of the recording with the new file ---- */

static int32_t spawn_replay(const struct swapper *w, int plugin, int out, pid_t *pid,
                            struct fault *fault)
{
    char exchange[512];
    posix_spawn_file_actions_t actions;
    (void)snprintf(exchange, sizeof(exchange), "%s=/proc/self/fd/%d", w->instance, PLUGIN_FD);
    char *argv[] = {(char *)"hawse",       (char *)"replay",   w->shadow, (char *)"--instance",
                    w->instance,           (char *)"--plugin", exchange,  (char *)"--json",
                    (char *)"--isolation", (char *)"process",  NULL};
    char *env[] = {NULL};
    int high = fcntl(plugin, F_DUPFD_CLOEXEC, PLUGIN_FD + 1);
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0 && high < 0)
        error = errno;
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, high, PLUGIN_FD);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    if (error == 0)
        error = posix_spawn(pid, "/proc/self/exe", &actions, NULL, argv, env);
    if (high >= 0)
        (void)close(high);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error == 0
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_IO, "cannot replay %s: %s", w->shadow, strerror(error));
}

/* What it says until it ends. False: its time is up, or the host stops. */
static bool listen_to(const struct swapper *w, int in, char said[SAID_MAX])
{
    uint64_t until = loop_clock() + w->shadow_s * 1000000000u;
    size_t len = 0;
    for (;;) {
        char rest[256];
        struct pollfd p = {.fd = in, .events = POLLIN};
        if (loop_clock() > until || __atomic_load_n(&w->host->quit, __ATOMIC_ACQUIRE))
            return false;
        if (poll(&p, 1, 50) <= 0)
            continue;
        bool room = len < SAID_MAX - 1;
        ssize_t n = read(in, room ? said + len : rest, room ? SAID_MAX - 1 - len : sizeof(rest));
        if (n <= 0)
            return true;
        len += room ? (size_t)n : 0;
        said[len] = '\0';
    }
}

static int32_t judge(struct swapper *w, const char *said, struct fault *fault)
{
    const char *line = strstr(said, "{\"same\"");
    json_t *o = line ? json_loads(line, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    const json_t *differing = json_object_get(o, "differing");
    int64_t count = json_integer_value(differing);
    bool told = json_is_integer(differing);
    bool none = json_integer_value(json_object_get(o, "callbacks")) == 0;
    json_decref(o);
    if (!told || none) {
        (void)fault_set(fault, HAWSE_E_FORMAT, "the recording %s cannot be compared: %.300s",
                        w->shadow, none && told ? "it has nothing of this instance" : said);
        fault_hint(fault, "name another by --shadow FILE, or go without by --allow-diff any");
        return HAWSE_E_FORMAT;
    }
    w->differing = count;
    if (count <= w->allow)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_DENIED,
                    "it decides otherwise in %lld callbacks of the recording %s, allowed are %lld",
                    (long long)count, w->shadow, (long long)w->allow);
    fault_hint(fault,
               "`hawse replay %s --instance %s --plugin %s=FILE` tells the first of them; "
               "--allow-diff N accepts so many",
               w->shadow, w->instance, w->instance);
    return HAWSE_E_DENIED;
}

static int32_t shadow(void *ctx, const struct library *library, struct fault *fault)
{
    struct swapper *w = ctx;
    char said[SAID_MAX] = "";
    int ends[2] = {-1, -1};
    pid_t pid = 0;
    if (!w->shadow || w->allow == ALLOW_ANY)
        return HAWSE_OK;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fault_set(fault, HAWSE_E_IO, "no pipe: %s", strerror(errno));
    int32_t code = spawn_replay(w, library->fd, ends[1], &pid, fault);
    (void)close(ends[1]);
    bool ended = code == HAWSE_OK && listen_to(w, ends[0], said);
    (void)close(ends[0]);
    if (code != HAWSE_OK)
        return code;
    if (!ended)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (ended)
        return judge(w, said, fault);
    (void)fault_set(fault, HAWSE_E_TIMEOUT, "the recording %s was not replayed within %llu s",
                    w->shadow, (unsigned long long)w->shadow_s);
    fault_hint(fault, "allow more by --timeout SECONDS, or name a shorter one by --shadow FILE");
    return HAWSE_E_TIMEOUT;
}

/* ---- the journal ---- */

/* Who exchanged what for what, and what became of it. */
static json_t *describe(const struct swapper *w, const struct fault *fault,
                        const struct swap_result *r)
{
    json_t *o = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "outcome",
                          fault->code == 0 ? "swapped" : "rolled back", CONTROL_BY,
                          (json_int_t)w->by, "plugin", w->path, "before", r->before, "digest",
                          r->digest, "version", r->version);
    if (w->differing >= 0)
        (void)json_object_set_new(o, "differing", json_integer(w->differing));
    if (w->allow != ALLOW_ANY)
        (void)json_object_set_new(o, "allow_diff", json_integer(w->allow));
    if (fault->code != 0) {
        (void)json_object_set_new(o, "error", json_string(fault_name(fault->code)));
        (void)json_object_set_new(o, "reason", json_string(fault->message));
    } else {
        (void)json_object_set_new(o, "pause_us", json_integer((json_int_t)(r->pause_ns / 1000u)));
        (void)json_object_set_new(o, "state_bytes", json_integer((json_int_t)r->state_len));
    }
    return o;
}

/* Where the host has a journal. An instance that there is not was not touched: nothing to keep. */
static void write_down(const struct swapper *w, const struct fault *fault,
                       const struct swap_result *result)
{
    struct fault failed = {0};
    if (!w->host->desk || !result->before[0])
        return;
    json_t *o = describe(w, fault, result);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (!text)
        (void)fault_set(&failed, HAWSE_E_NOMEM, "no memory for a record of the journal");
    else
        (void)desk_note(w->host->desk, "reload", w->instance, text, &failed);
    if (failed.code != 0)
        log_fault(w->host->logger, HAWSE_LOG_ERROR, w->instance, &failed);
    free(text);
}

/* ---- one swap ---- */

static void *run(void *arg)
{
    struct swapper *w = arg;
    struct fault fault = {0};
    struct swap_result result;
    struct swap_request request = {.instance = w->instance,
                                   .path = w->path,
                                   .limit_ns = w->limit_ms * 1000000u,
                                   .shadow = shadow,
                                   .ctx = w};
    (void)pthread_setname_np(pthread_self(), "swap");
    (void)host_swap(w->host, &request, &result, &fault);
    write_down(w, &fault, &result);
    (void)pthread_mutex_lock(&w->lock);
    w->fault = fault;
    w->result = result;
    w->ended = true;
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void forget(struct swapper *w)
{
    if (w->begun)
        (void)pthread_join(w->thread, NULL);
    w->begun = w->ended = false;
    free(w->instance);
    free(w->path);
    free(w->shadow);
    w->instance = w->path = w->shadow = NULL;
}

struct swapper *swapper_new(struct host *host, const char *capture)
{
    struct swapper *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->host = host;
    w->capture = capture ? strdup(capture) : NULL;
    (void)pthread_mutex_init(&w->lock, NULL);
    return w;
}

void swapper_free(struct swapper *w)
{
    if (!w)
        return;
    forget(w);
    (void)pthread_mutex_destroy(&w->lock);
    free(w->capture);
    free(w);
}

/* ---- verbs ---- */

bool swapper_has_verb(const char *verb)
{
    return strcmp(verb, "reload") == 0 || strcmp(verb, "reload-next") == 0;
}

static int32_t number(const json_t *request, const char *key, int64_t least, int64_t most,
                      int64_t *out, struct fault *fault)
{
    const json_t *value = json_object_get(request, key);
    if (!value)
        return HAWSE_OK;
    *out = json_integer_value(value);
    if (json_is_integer(value) && *out >= least && *out <= most)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL, "%s: expected a number from %lld to %lld", key,
                     (long long)least, (long long)most);
}

static int32_t read_request(struct swapper *w, const json_t *request, struct fault *fault)
{
    const char *instance = json_string_value(json_object_get(request, "instance"));
    const char *path = json_string_value(json_object_get(request, "plugin"));
    const char *other = json_string_value(json_object_get(request, "shadow"));
    int64_t allow = 0, limit = SWAP_LIMIT_MS, seconds = SHADOW_S;
    if (!instance || !path || path[0] != '/' || strlen(path) >= PATH_MAX)
        return fault_set(fault, HAWSE_E_INVAL,
                         "expected \"instance\" and \"plugin\", the whole path of a file");
    int32_t code = number(request, "allow_diff", 0, ALLOW_ANY - 1, &allow, fault);
    if (code == HAWSE_OK)
        code = number(request, "limit_ms", 1, LIMIT_MAX_MS, &limit, fault);
    if (code == HAWSE_OK)
        code = number(request, "timeout_s", 1, SHADOW_MAX_S, &seconds, fault);
    if (code != HAWSE_OK)
        return code;
    w->allow = json_is_true(json_object_get(request, "allow_any")) ? ALLOW_ANY : allow;
    w->limit_ms = (uint64_t)limit;
    w->shadow_s = (uint64_t)seconds;
    w->differing = -1;
    w->by = json_integer_value(json_object_get(request, CONTROL_BY));
    w->instance = strdup(instance);
    w->path = strdup(path);
    const char *from = other ? other : w->capture;
    w->shadow = from ? strdup(from) : NULL;
    return w->instance && w->path && (!from || w->shadow)
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_NOMEM, "no memory for a swap");
}

static char *begin(struct swapper *w, bool ended, const json_t *request, struct fault *fault)
{
    if (w->begun && !ended) {
        (void)fault_set(fault, HAWSE_E_STATE, "instance \"%s\" is being swapped", w->instance);
        fault_hint(fault, "one at a time: wait for its answer");
        return NULL;
    }
    forget(w);
    if (read_request(w, request, fault) != HAWSE_OK)
        return NULL;
    fault_clear(&w->fault);
    if (pthread_create(&w->thread, NULL, run, w) != 0) {
        (void)fault_set(fault, HAWSE_E_NOMEM, "cannot start a thread");
        return NULL;
    }
    w->begun = true;
    json_t *o = json_pack("{s:I}", "number", (json_int_t)++w->number);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

static char *tell(const struct swapper *w, const json_t *request, struct fault *fault)
{
    json_t *o = NULL;
    if (!w->begun ||
        json_integer_value(json_object_get(request, "number")) != (json_int_t)w->number) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND, "there is no such swap");
    } else if (!w->ended) {
        o = json_pack("{s:b}", "done", 0);
    } else if (w->fault.code != 0) {
        *fault = w->fault;
    } else {
        const struct swap_result *r = &w->result;
        o = json_pack("{s:b, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "done", 1, "instance",
                      w->instance, "before", r->before, "digest", r->digest, "version", r->version,
                      "pause_us", (json_int_t)(r->pause_ns / 1000u), "state_bytes",
                      (json_int_t)r->state_len, "first_events", (json_int_t)r->events, "differing",
                      (json_int_t)w->differing);
    }
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

char *swapper_verb(struct swapper *w, const char *verb, const json_t *request, struct fault *fault)
{
    bool next = strcmp(verb, "reload-next") == 0;
    (void)pthread_mutex_lock(&w->lock);
    bool ended = w->ended; /* only the control thread comes here, and begins one */
    char *text = next ? tell(w, request, fault) : NULL;
    (void)pthread_mutex_unlock(&w->lock);
    return next ? text : begin(w, ended, request, fault);
}
