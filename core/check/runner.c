/* Runs the cases of the table, each in a child process; see check.h. */
#include "check/run.h"

#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- verdicts, in the child ---- */

static void judge(struct check_run *run, enum check_verdict verdict, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void judge(struct check_run *run, enum check_verdict verdict, const char *format, va_list ap)
{
    if (run->note->verdict != CHECK_PASS)
        return;
    run->note->verdict = (int32_t)verdict;
    (void)vsnprintf(run->note->text, CHECK_TEXT, format, ap);
}

void check_fail(struct check_run *run, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    judge(run, CHECK_FAIL, format, ap);
    va_end(ap);
}

void check_warn(struct check_run *run, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    judge(run, CHECK_WARN, format, ap);
    va_end(ap);
}

void check_skip(struct check_run *run, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    judge(run, CHECK_SKIP, format, ap);
    va_end(ap);
}

void check_figure(struct check_run *run, const char *name, double figure)
{
    (void)snprintf(run->note->figure_name, sizeof(run->note->figure_name), "%s", name);
    run->note->figure = figure;
}

/* ---- the child ---- */

/* Nothing that the plugin does may reach the terminal or leave a core behind. */
static void confine(void)
{
    struct rlimit none = {0, 0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpgid(0, 0); /* what it starts ends with it */
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        (void)dup2(null, fd);
}

static bool load(struct check_run *run, const struct check_case *c)
{
    struct kit_host *host = NULL;
    struct fault fault = {0};
    if (c->needs < CHECK_NEEDS_TABLE || c->needs == CHECK_NEEDS_PLAY)
        return true;
    host = kit_host_create(KIT_SHAPE_PLAIN);
    if (!host || library_load(run->library, host->table, &fault) != HAWSE_OK) {
        check_skip(run, "cannot be loaded: %s", host ? fault.message : "no memory");
        return false;
    }
    run->host = host;
    run->plugin = run->library->table;
    return true;
}

static void child(struct check_run *run, const struct check_case *c)
{
    confine();
    (void)snprintf(run->note->doing, CHECK_DOING, "loading");
    if (load(run, c)) {
        run->note->doing[0] = '\0';
        c->run(run, c->arg);
    }
    run->note->done = 1;
    _exit(0); /* destructors of plugins are none of our business */
}

/* ---- the parent ---- */

uint64_t check_now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* Waits for the end of the child, and ends it at the limit; false = it was ended. */
static bool await(pid_t pid, unsigned limit_ms, int *status)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0u);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    uint64_t until = check_now_ns() + (uint64_t)limit_ms * 1000000u;
    int n = 0;
    while (fd >= 0 && n <= 0 && check_now_ns() < until)
        n = poll(&p, 1, (int)((until - check_now_ns()) / 1000000u) + 1);
    if (n <= 0)
        (void)kill(pid, SIGKILL);
    (void)kill(-pid, SIGKILL); /* and all that it has started */
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    if (fd >= 0)
        (void)close(fd);
    return n > 0;
}

static void died(const struct check_note *note, int status, struct check_result *r)
{
    char where[CHECK_DOING + 16] = "";
    if (note->doing[0])
        (void)snprintf(where, sizeof(where), " in %.*s", CHECK_DOING - 1, note->doing);
    r->verdict = CHECK_CRASH;
    if (WIFSIGNALED(status))
        (void)snprintf(r->text, CHECK_TEXT, "died of signal %d (%s)%s", WTERMSIG(status),
                       strsignal(WTERMSIG(status)), where);
    else
        (void)snprintf(r->text, CHECK_TEXT, "ended the process with exit code %d%s",
                       WEXITSTATUS(status), where);
}

static void run_case(struct check_run *run, const struct check_case *c, struct check_result *r)
{
    struct check_note *note = run->note;
    uint64_t begin = check_now_ns();
    int status = 0;
    memset(note, 0, sizeof(*note));
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(run, c);
    if (pid < 0) {
        r->verdict = CHECK_SKIP;
        (void)snprintf(r->text, CHECK_TEXT, "no process could be started: %s", strerror(errno));
        return;
    }
    unsigned limit = c->needs == CHECK_NEEDS_PLAY ? CHECK_RECORDING_MS : CHECK_LIMIT_MS;
    bool came = await(pid, limit, &status);
    r->elapsed_ns = check_now_ns() - begin;
    note->text[CHECK_TEXT - 1] = note->doing[CHECK_DOING - 1] = '\0';
    if (!came) {
        r->verdict = CHECK_FAIL;
        (void)snprintf(r->text, CHECK_TEXT, "did not come back within %u ms%s%s", limit,
                       note->doing[0] ? ", in " : "", note->doing);
    } else if (!note->done) {
        died(note, status, r);
    } else {
        r->verdict = (enum check_verdict)note->verdict;
        (void)snprintf(r->text, CHECK_TEXT, "%s", note->text);
        memcpy(r->figure_name, note->figure_name, sizeof(r->figure_name));
        r->figure = note->figure;
    }
}

/* What of the cases before c has to hold and does not; 0 = nothing. */
static unsigned blocked(const struct check_report *report, size_t upto)
{
    for (size_t i = 0; i < upto; i++) {
        const struct check_case *before = &check_cases[i];
        enum check_verdict v = report->results[i].verdict;
        bool bad = report->chosen[i] && (v == CHECK_FAIL || v == CHECK_CRASH);
        if (bad && before->needs < check_cases[upto].needs && before->needs >= CHECK_NEEDS_FILE)
            return before->number;
    }
    return 0;
}

static void run_chosen(struct check_run *run, struct check_report *report)
{
    for (size_t i = 0; i < check_case_count; i++) {
        const struct check_case *c = &check_cases[i];
        struct check_result *r = &report->results[i];
        unsigned before = blocked(report, i);
        if (!report->chosen[i])
            continue;
        if (c->needs >= CHECK_NEEDS_FILE && !run->library) {
            r->verdict = CHECK_SKIP;
            (void)snprintf(r->text, CHECK_TEXT, "the host refuses the file: %.540s",
                           run->refusal.message);
        } else if (before != 0) {
            r->verdict = CHECK_SKIP;
            (void)snprintf(r->text, CHECK_TEXT, "case %03u has to pass first", before);
        } else {
            run_case(run, c, r);
        }
        report->counts[r->verdict]++;
    }
}

/* ---- choosing ---- */

static bool wanted(const char *only, unsigned number)
{
    char text[16], level[16];
    (void)snprintf(text, sizeof(text), "%03u", number);
    (void)snprintf(level, sizeof(level), "L%u", number / 100);
    for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t n = strcspn(at, ",");
        if ((n == 3 && memcmp(at, text, 3) == 0) || (n == 2 && memcmp(at, level, 2) == 0))
            return true;
    }
    return !only;
}

int32_t check_choose(struct check_report *report, const char *only, struct fault *fault)
{
    size_t count = 0;
    for (size_t i = 0; i < report->case_count; i++) {
        report->chosen[i] = wanted(only, report->cases[i].number);
        count += report->chosen[i];
    }
    if (count > 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_NOTFOUND, "there is no case %s", only);
    fault_hint(fault, "`hawse check --list` names them: 203, 203,205 or L2");
    return HAWSE_E_NOTFOUND;
}

/* ---- the file ---- */

int32_t check_read_file(const char *path, uint8_t **bytes, size_t *len, struct fault *fault)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
        st.st_size > (off_t)256 << 20) {
        if (fd >= 0)
            (void)close(fd);
        return fault_set(fault, HAWSE_E_NOTFOUND,
                         "%s: expected a regular file of 1 byte to 256 MiB: %s", path,
                         strerror(fd < 0 ? errno : EINVAL));
    }
    *len = (size_t)st.st_size;
    *bytes = malloc(*len);
    size_t got = 0;
    ssize_t n = 1;
    while (*bytes && got < *len && (n = read(fd, *bytes + got, *len - got)) > 0)
        got += (size_t)n;
    (void)close(fd);
    if (*bytes && got == *len)
        return HAWSE_OK;
    free(*bytes);
    *bytes = NULL;
    return fault_set(fault, HAWSE_E_IO, "%s: cannot be read", path);
}

void check_digest(const uint8_t *bytes, size_t len, char out[65])
{
    unsigned char hash[32];
    unsigned n = 0;
    out[0] = '\0';
    if (EVP_Digest(bytes, len, hash, &n, EVP_sha256(), NULL) == 1) {
        for (unsigned i = 0; i < n; i++)
            (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }
}

static void name_file(const struct check_run *run, struct check_report *report)
{
    check_digest(run->bytes, run->len, report->digest);
    if (!run->library)
        return;
    (void)snprintf(report->id, sizeof(report->id), "%s", run->library->manifest->id);
    (void)snprintf(report->version, sizeof(report->version), "%s", run->library->manifest->version);
}

/* All that the manifest asks for is granted: what is refused is tried by cases of its own. */
static int32_t grant_all(struct check_run *run, struct fault *fault)
{
    const struct manifest *m = run->library->manifest;
    struct config_instance all = {.allow = MATURITY_EXPERIMENTAL,
                                  .grants = m->capabilities,
                                  .grant_count = m->capability_count};
    return grants_resolve(m, &all, &run->grants, fault);
}

static int32_t prepare(const struct check_options *options, struct check_run *run,
                       struct check_report *report, struct fault *fault)
{
    uint8_t *bytes = NULL;
    int32_t code = check_read_file(options->path, &bytes, &run->len, fault);
    if (code != HAWSE_OK)
        return code;
    run->bytes = bytes;
    if (library_inspect(options->path, &run->library, &run->refusal) == HAWSE_OK) {
        code = grant_all(run, fault);
        struct fault unmade = {0};
        int32_t made =
            check_settings(run->library->manifest, options->settings, &report->settings, &unmade);
        if (code == HAWSE_OK && made != HAWSE_OK && options->settings) {
            code = made; /* made by the kit they are case 018's to judge */
            *fault = unmade;
        }
    }
    name_file(run, report);
    run->settings = report->settings;
    return code;
}

struct check_report *check_report_new(const char *path, const struct check_case *cases,
                                      size_t count)
{
    struct check_report *report = calloc(1, sizeof(*report));
    if (!report)
        return NULL;
    report->path = strdup(path);
    report->cases = cases;
    report->case_count = count;
    report->results = calloc(count, sizeof(report->results[0]));
    report->chosen = calloc(count, sizeof(report->chosen[0]));
    if (report->path && report->results && report->chosen)
        return report;
    check_report_destroy(report);
    return NULL;
}

int32_t check_file(const struct check_options *options, struct check_report **out,
                   struct fault *fault)
{
    struct check_run run = {
        .path = options->path, .seed = options->seed, .recording = options->recording};
    struct check_report *report = check_report_new(options->path, check_cases, check_case_count);
    void *note =
        mmap(NULL, sizeof(*run.note), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int32_t code = HAWSE_OK;
    uint64_t begin = check_now_ns();
    if (report)
        report->seed = options->seed;
    if (!report || note == MAP_FAILED)
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory");
    run.note = note == MAP_FAILED ? NULL : note;
    if (code == HAWSE_OK)
        code = check_choose(report, options->only, fault);
    if (code == HAWSE_OK)
        code = prepare(options, &run, report, fault);
    if (code == HAWSE_OK) {
        run_chosen(&run, report);
        report->elapsed_ns = check_now_ns() - begin;
        *out = report;
        report = NULL;
    }
    grants_destroy(run.grants);
    library_destroy(run.library);
    free((void *)(uintptr_t)run.bytes);
    check_report_destroy(report);
    if (run.note)
        (void)munmap(run.note, sizeof(*run.note));
    return code;
}

void check_report_destroy(struct check_report *report)
{
    if (!report)
        return;
    free(report->path);
    free(report->settings);
    free(report->own_cases);
    free(report->results);
    free(report->chosen);
    free(report);
}
