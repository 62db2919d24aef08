/*
 * `hawse check --host`: builds the broken plugins, runs the host with each, and judges what it says
 * and does. Owns a folder for temporary files and one process at a time. Must never: load a broken
 * plugin itself.
 */
#include "check/host.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <jansson.h>
#include <regex.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_CAP = 160, LOG_CAP = 1 << 18, STATUS_CAP = 1 << 16 };
enum { EXPECT_MS = 10000, MOVES_MS = 4000, STOP_MS = 8000, QUIET_MS = 600, STEP_MS = 30 };
enum { EXIT_LATE = 3 };

struct trial {
    const char *program;
    char folder[64];
    const struct host_case *c;
    struct check_result *result;
    char log[LOG_CAP];
    char status[STATUS_CAP];
};

static void judge(struct trial *t, enum check_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first verdict that is worse than pass stays. */
static void judge(struct trial *t, enum check_verdict verdict, const char *format, ...)
{
    va_list ap;
    if (t->result->verdict != CHECK_PASS)
        return;
    va_start(ap, format);
    t->result->verdict = verdict;
    (void)vsnprintf(t->result->text, CHECK_TEXT, format, ap);
    va_end(ap);
}

static const char *path_of(const struct trial *t, const char *name, char out[PATH_CAP])
{
    (void)snprintf(out, PATH_CAP, "%s/%s", t->folder, name);
    return out;
}

/* ---- building ---- */

/* By the system's compiler, from the installed SDK, as an author would. */
static int32_t build(struct trial *t, const char *what, const char *flags, const char *name,
                     struct fault *fault)
{
    static const char script[] =
        "exec ${CC:-cc} -x c -std=gnu11 -O1 -shared -fPIC -fvisibility=hidden -w -DCASE=\"$1\" "
        "$(${PKG_CONFIG:-pkg-config} --cflags hawse-sdk) - -x none $2 -o \"$3\"";
    char path[PATH_CAP], said[2048];
    const char *const argv[] = {"/bin/sh", "-c", script, "sh", what, flags, path_of(t, name, path),
                                NULL};
    if (trial_capture(argv, "#include <hawse/check/broken.c>\n", said, sizeof(said), 60000) == 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "the broken plugin %s cannot be built: %.400s", what,
                    said);
    fault_hint(fault, "install a C compiler, pkg-config and the SDK (libhawse-sdk-dev); $CC and "
                      "$PKG_CONFIG_PATH are honoured");
    return HAWSE_E_NOTFOUND;
}

/* What no compiler makes. */
static bool spoil(struct trial *t, const char *path)
{
    static const uint8_t machine[] = {8, 0}, class32[] = {1}; /* EM_MIPS, ELFCLASS32 */
    static const char text[] = "hello, I am a plugin\n";
    struct stat st;
    unsigned how = t->c->how;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &st) == 0;
    if (good && (how & HOST_TRUNCATED))
        good = ftruncate(fd, st.st_size / 2) == 0;
    if (good && (how & HOST_TEXT))
        good = pwrite(fd, text, sizeof(text) - 1, 0) == (ssize_t)sizeof(text) - 1;
    if (good && (how & HOST_MACHINE))
        good = pwrite(fd, machine, sizeof(machine), 18) == (ssize_t)sizeof(machine);
    if (good && (how & HOST_32_BIT))
        good = pwrite(fd, class32, sizeof(class32), 4) == (ssize_t)sizeof(class32);
    if (good && (how & HOST_WRITABLE))
        good = fchmod(fd, 0666) == 0;
    if (fd >= 0)
        (void)close(fd);
    return good;
}

/* ---- the configuration ---- */

static json_t *instance(const struct trial *t, const char *file)
{
    char path[PATH_CAP];
    return json_pack("{s:s, s:s}", "plugin", path_of(t, file, path), "isolation", "none");
}

static bool configure(const struct trial *t)
{
    char path[PATH_CAP], state[PATH_CAP], sock[PATH_CAP];
    json_t *source = instance(t, "source.so"), *bystander = instance(t, "bystander.so");
    json_t *victim = instance(t, "case.so");
    json_t *root = json_pack("{s:i, s:s, s:{s:s}, s:i, s:{s:o, s:o, s:o}}", "hawse", 1, "state_dir",
                             path_of(t, "state", state), "control", "socket",
                             path_of(t, "c.sock", sock), "stop_deadline_ms", 500, "instances",
                             "source", source, "bystander", bystander, "victim", victim);
    json_t *links = json_pack("{s:s}", "chain", "source");
    /* nothing listens there, and nothing is asked: what is tried is refused before */
    (void)json_object_set_new(
        source, "endpoints",
        json_pack("{s:s, s:s}", "ws", "ws://127.0.0.1:1", "http", "http://127.0.0.1:1"));
    (void)json_object_set_new(source, "grants", json_pack("[s]", "net"));
    (void)json_object_set(bystander, "links", links);
    (void)json_object_set_new(victim, "links", links);
    (void)json_object_set_new(victim, "grants", json_pack("[s, s]", "net", "http"));
    (void)json_object_set_new(victim, "budget", json_pack("{s:i}", "hang_ms", 300));
    if (t->c->how & HOST_WORKER)
        (void)json_object_set_new(victim, "isolation", json_string("process"));
    if (t->c->how & HOST_FEATURE)
        (void)json_object_set_new(victim, "features", json_pack("{s:b}", "unfinished", 1));
    bool good = root && json_dump_file(root, path_of(t, "config.json", path), JSON_INDENT(1)) == 0;
    json_decref(root);
    return good;
}

/* ---- watching ---- */

static void read_log(struct trial *t)
{
    char path[PATH_CAP];
    size_t len = 0;
    FILE *in = fopen(path_of(t, "log", path), "re");
    if (in) {
        len = fread(t->log, 1, LOG_CAP - 1, in);
        (void)fclose(in);
    }
    for (size_t i = 0; i < len; i++)
        t->log[i] = t->log[i] ? t->log[i] : ' ';
    t->log[len] = '\0';
}

/* Is the reason in the log, in a line that names the instance? */
static bool is_said(struct trial *t, const regex_t *expect)
{
    char *rest = NULL;
    read_log(t);
    for (char *line = strtok_r(t->log, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        if (regexec(expect, line, 0, NULL, 0) == 0 &&
            (strstr(line, "victim") || strstr(line, "case.so")))
            return true;
    }
    return false;
}

/* The end of the log, for a verdict. */
static const char *tail(struct trial *t)
{
    read_log(t);
    size_t len = strlen(t->log);
    for (size_t i = 0; i < len; i++)
        t->log[i] = t->log[i] == '\n' ? ' ' : t->log[i];
    return t->log + (len > 400 ? len - 400 : 0);
}

/* Events that the bystander has had; negative: no answer. */
static long long bystander_events(struct trial *t)
{
    char sock[PATH_CAP];
    const char *const argv[] = {
        t->program, "status", "--json", "--socket", path_of(t, "c.sock", sock), NULL};
    json_error_t error;
    long long events = -1;
    size_t i;
    json_t *one;
    if (trial_capture(argv, NULL, t->status, STATUS_CAP, MOVES_MS) < 0) /* 1: it is not ready */
        return -1;
    json_t *root = json_loads(t->status, 0, &error);
    json_array_foreach(json_object_get(root, "instances"), i, one)
    {
        const char *id = json_string_value(json_object_get(one, "id"));
        if (id && strcmp(id, "bystander") == 0)
            events = json_integer_value(json_object_get(one, "events_in"));
    }
    json_decref(root);
    return events;
}

static bool others_move(struct trial *t)
{
    uint64_t until = check_now_ns() + (uint64_t)MOVES_MS * 1000000u;
    long long before = -1;
    while (check_now_ns() < until) {
        long long now = bystander_events(t);
        if (now >= 0 && before >= 0 && now > before)
            return true;
        before = now > before ? now : before;
        (void)usleep(STEP_MS * 1000);
    }
    return false;
}

static void describe_end(int status, char out[64])
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, 64, "signal %d", WTERMSIG(status));
    else
        (void)snprintf(out, 64, "exit code %d", WEXITSTATUS(status));
}

/* From SIGTERM on. */
static void stop(struct trial *t, pid_t pid)
{
    int status = 0, wanted = t->c->how & HOST_LATE ? EXIT_LATE : 0;
    char end[64];
    (void)kill(pid, SIGTERM);
    if (!trial_ended(pid, STOP_MS, &status)) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        judge(t, CHECK_FAIL, "it did not stop within %d ms: %s", STOP_MS, tail(t));
        return;
    }
    describe_end(status, end);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted)
        judge(t, CHECK_FAIL, "asked to stop, it ended with %s, expected exit code %d: %s", end,
              wanted, tail(t));
}

/* Waits until the reason is said; true: the host has ended. */
static bool await(struct trial *t, pid_t pid, const regex_t *expect, bool *said, int *status)
{
    bool any = t->c->expect[0] == '\0', ends = (t->c->how & (HOST_ENDS | HOST_LATE)) != 0;
    uint64_t limit = any || (t->c->how & HOST_LATE) ? QUIET_MS : EXPECT_MS;
    uint64_t until = check_now_ns() + limit * 1000000u;
    *said = any;
    while (check_now_ns() < until) {
        bool ended = trial_ended(pid, STEP_MS, status);
        *said = any || is_said(t, expect);
        if (ended)
            return true;
        if (*said && !any && !ends)
            return false;
    }
    return false;
}

static void watch(struct trial *t, pid_t pid, const regex_t *expect)
{
    int status = 0;
    char end[64];
    bool said = false, ended = await(t, pid, expect, &said, &status);
    if (ended) {
        describe_end(status, end);
        if (!(t->c->how & HOST_ENDS) || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
            judge(t, CHECK_CRASH, "the host ended with %s: %s", end, tail(t));
        (void)kill(-pid, SIGKILL);
    } else if (t->c->how & HOST_ENDS) {
        (void)kill(-pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        judge(t, CHECK_FAIL, "the host did not end with an error: %s", tail(t));
    } else {
        if (!others_move(t))
            judge(t, CHECK_FAIL, "the other instance stands still: %s", tail(t));
        stop(t, pid);
        said = said || is_said(t, expect);
    }
    if (!said)
        judge(t, CHECK_FAIL, "no line that names the culprit has /%s/: %s", t->c->expect, tail(t));
}

/* ---- one case ---- */

static int32_t run_case(struct trial *t, struct fault *fault)
{
    char path[PATH_CAP], config[PATH_CAP], log[PATH_CAP];
    const char *const argv[] = {t->program, "run", path_of(t, "config.json", config), NULL};
    regex_t expect;
    (void)unlink(path_of(t, "case.so", path));
    int32_t code = build(t, t->c->build, t->c->flags, "case.so", fault);
    if (code != HAWSE_OK)
        return code;
    (void)unlink(path_of(t, "state/quarantine.json", path)); /* each case begins afresh */
    if (regcomp(&expect, t->c->expect[0] ? t->c->expect : ".", REG_EXTENDED | REG_NOSUB) != 0)
        return fault_set(fault, HAWSE_E_INTERNAL, "case %u: no expression", t->c->number);
    if (!spoil(t, path_of(t, "case.so", path)) || !configure(t))
        code = fault_set(fault, HAWSE_E_IO, "%s: %s", t->folder, strerror(errno));
    pid_t pid = code == HAWSE_OK ? trial_start(argv, path_of(t, "log", log)) : -1;
    if (pid > 0)
        watch(t, pid, &expect);
    else if (code == HAWSE_OK)
        code = fault_set(fault, HAWSE_E_NOTFOUND, "%s cannot be started", t->program);
    regfree(&expect);
    return code;
}

struct check_case *check_host_cases(size_t *count)
{
    struct check_case *list = calloc(host_case_count, sizeof(*list));
    for (size_t i = 0; list && i < host_case_count; i++)
        list[i] = (struct check_case){.number = host_cases[i].number,
                                      .name = host_cases[i].name,
                                      .reason = host_cases[i].reason,
                                      .fix = host_cases[i].fix};
    *count = host_case_count;
    return list;
}

static int32_t run_chosen(struct trial *t, struct check_report *report, struct fault *fault)
{
    int32_t code = build(t, "SOURCE", "", "source.so", fault);
    if (code == HAWSE_OK)
        code = build(t, "BYSTANDER", "", "bystander.so", fault);
    for (size_t i = 0; i < host_case_count && code == HAWSE_OK; i++) {
        uint64_t begin = check_now_ns();
        if (!report->chosen[i])
            continue;
        t->c = &host_cases[i];
        t->result = &report->results[i];
        code = run_case(t, fault);
        t->result->elapsed_ns = check_now_ns() - begin;
        report->counts[t->result->verdict]++;
    }
    return code;
}

/* Which program it is: its own words, and its digest. */
static int32_t name_program(struct trial *t, struct check_report *report, struct fault *fault)
{
    const char *const argv[] = {t->program, "version", NULL};
    uint8_t *bytes = NULL;
    size_t len = 0;
    int32_t code = check_read_file(t->program, &bytes, &len, fault);
    if (code != HAWSE_OK)
        return code;
    check_digest(bytes, len, report->digest);
    free(bytes);
    if (trial_capture(argv, NULL, t->status, STATUS_CAP, 5000) != 0)
        return fault_set(fault, HAWSE_E_INVAL, "%s: `version` did not answer", t->program);
    t->status[strcspn(t->status, "\n")] = '\0';
    char *space = strchr(t->status, ' ');
    if (space)
        *space = '\0';
    (void)snprintf(report->id, sizeof(report->id), "%.100s", t->status);
    (void)snprintf(report->version, sizeof(report->version), "%.70s", space ? space + 1 : "");
    return HAWSE_OK;
}

/* Whatever is in it, one level of folders below it included. */
static void remove_folder(const char *folder)
{
    char said[64];
    const char *const argv[] = {"/bin/rm", "-rf", "--", folder, NULL};
    (void)trial_capture(argv, NULL, said, sizeof(said), 10000);
}

int32_t check_host(const struct check_host_options *options, struct check_report **out,
                   struct fault *fault)
{
    size_t count = 0;
    uint64_t begin = check_now_ns();
    struct check_case *cases = check_host_cases(&count);
    struct check_report *report = cases ? check_report_new(options->program, cases, count) : NULL;
    struct trial *t = calloc(1, sizeof(*t));
    int32_t code = report && t ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory");
    if (report)
        report->own_cases = cases;
    else
        free(cases);
    if (code == HAWSE_OK)
        code = check_choose(report, options->only, fault);
    if (code == HAWSE_OK) {
        t->program = options->program;
        (void)snprintf(t->folder, sizeof(t->folder), "/tmp/hawse-host-XXXXXX");
        code = name_program(t, report, fault);
    }
    if (code == HAWSE_OK && !mkdtemp(t->folder))
        code = fault_set(fault, HAWSE_E_IO, "%s: %s", t->folder, strerror(errno));
    else if (code == HAWSE_OK) {
        code = run_chosen(t, report, fault);
        remove_folder(t->folder);
    }
    if (code == HAWSE_OK) {
        report->elapsed_ns = check_now_ns() - begin;
        *out = report;
        report = NULL;
    }
    check_report_destroy(report);
    free(t);
    return code;
}
