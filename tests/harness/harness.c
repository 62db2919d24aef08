/*
 * Runs registered tests, one process each, and reports in TAP. Owns the process of a test and its
 * scratch folder; never lets one test's crash, hang or leak reach another.
 */
#include "harness.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FAILED = 97, EXIT_SKIPPED = 98 };

static struct test_case *first, *last;
static uint64_t seed = 0x9e3779b97f4a7c15u, rng_state;
static char tmp_dir[64];

void test_register(struct test_case *tc)
{
    if (last)
        last->next = tc;
    else
        first = tc;
    last = tc;
}

static _Noreturn void leave(int code)
{
    (void)fflush(NULL);
    exit(code);
}

_Noreturn void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)printf("# %s:%d: ", file, line);
    (void)vprintf(fmt, ap);
    (void)printf(" (seed %" PRIu64 ")\n", seed);
    va_end(ap);
    leave(EXIT_FAILED);
}

_Noreturn void test_skip(const char *reason)
{
    (void)printf("# skipped: %s\n", reason);
    leave(EXIT_SKIPPED);
}

void test_eq_i64(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    if (got != want)
        test_fail(file, line, "%s is %" PRId64 ", expected %" PRId64, what, got, want);
}

void test_eq_u64(const char *file, int line, const char *what, uint64_t got, uint64_t want)
{
    if (got != want)
        test_fail(file, line, "%s is %" PRIu64 ", expected %" PRIu64, what, got, want);
}

void test_eq_str(const char *file, int line, const char *what, const char *got, const char *want)
{
    if (!got || !want || strcmp(got, want) != 0)
        test_fail(file, line, "%s is \"%s\", expected \"%s\"", what, got ? got : "(null)",
                  want ? want : "(null)");
}

void test_eq_mem(const char *file, int line, const char *what, const void *got, const void *want,
                 size_t len)
{
    const uint8_t *a = got, *b = want;
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i])
            test_fail(file, line, "%s differs at byte %zu of %zu: %02x, expected %02x", what, i,
                      len, a[i], b[i]);
    }
}

const char *test_source_dir(void)
{
    const char *dir = getenv("HAWSE_TESTS_DIR");
    return dir ? dir : "tests";
}

const char *test_tmp_dir(void)
{
    if (!tmp_dir[0]) {
        const char *base = getenv("TMPDIR");
        (void)snprintf(tmp_dir, sizeof(tmp_dir), "%s/hawse-test-XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(tmp_dir))
            FAIL("cannot make a scratch folder: %s", strerror(errno));
    }
    return tmp_dir;
}

static void remove_tmp_dir(void)
{
    if (!tmp_dir[0])
        return;
    char cmd[128];
    (void)snprintf(cmd, sizeof(cmd), "rm -rf %s", tmp_dir);
    if (system(cmd) != 0)
        (void)printf("# could not remove %s\n", tmp_dir);
}

uint8_t *test_read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        FAIL("cannot open %s: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fileno(f), &st) != 0)
        FAIL("cannot stat %s", path);
    size_t n = (size_t)st.st_size;
    uint8_t *buf = calloc(1, n + 65);
    if (!buf || fread(buf, 1, n, f) != n)
        FAIL("cannot read %s", path);
    (void)fclose(f);
    *len = n;
    return buf;
}

uint64_t test_random(void) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void test_random_bytes(void *out, size_t len)
{
    uint8_t *p = out;
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)test_random();
}

static void run_here(const struct test_case *tc)
{
    rng_state = seed;
    (void)atexit(remove_tmp_dir);
    tc->run();
}

/* Sanitizers make a program several times slower; how many times, no test should have to know. */
static unsigned limit_of(const struct test_case *tc)
{
    return tc->limit_s * (TEST_SANITIZED ? 6 : 1);
}

/* The limit is of the test's own time; four times as much may pass on a machine with other work. */
static void set_limits(const struct test_case *tc)
{
    struct rlimit cpu = {.rlim_cur = limit_of(tc), .rlim_max = limit_of(tc) + 1};
    (void)setrlimit(RLIMIT_CPU, &cpu);
    (void)alarm(limit_of(tc) * 4);
}

/* Returns the wait status of the child that ran the test. */
static int run_child(const struct test_case *tc)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        set_limits(tc);
        run_here(tc);
        leave(0);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)kill(-pid, SIGKILL); /* whatever the test started and left behind */
    return status;
}

/* Prints the TAP line; returns whether the test failed. */
static bool report(const struct test_case *tc, unsigned n, int status)
{
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    bool failed = code != 0 && code != EXIT_SKIPPED;
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGXCPU))
        (void)printf("# took longer than %u s%s\n",
                     limit_of(tc) * (WTERMSIG(status) == SIGALRM ? 4 : 1),
                     WTERMSIG(status) == SIGALRM ? "" : " of CPU time");
    else if (WIFSIGNALED(status))
        (void)printf("# killed by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (failed && code != EXIT_FAILED)
        (void)printf("# exited with %d\n", code);
    (void)printf("%sok %u - %s: %s%s\n", failed ? "not " : "", n, tc->name, tc->sentence,
                 code == EXIT_SKIPPED ? " # SKIP" : "");
    return failed;
}

struct options {
    const char *only;
    bool list, no_fork;
};

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        bool value = i + 1 < argc;
        if (strcmp(argv[i], "--list") == 0)
            o->list = true;
        else if (strcmp(argv[i], "--no-fork") == 0)
            o->no_fork = true;
        else if (strcmp(argv[i], "--only") == 0 && value)
            o->only = argv[++i];
        else if (strcmp(argv[i], "--seed") == 0 && value)
            seed = strtoull(argv[++i], NULL, 0);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    if (!parse(argc, argv, &o)) {
        (void)fprintf(stderr, "usage: %s [--list] [--only NAME] [--no-fork] [--seed N]\n", argv[0]);
        return 2;
    }
    unsigned n = 0, failures = 0;
    for (struct test_case *tc = first; tc; tc = tc->next) {
        if (o.only && strcmp(o.only, tc->name) != 0)
            continue;
        n++;
        if (o.list) {
            (void)printf("%s: %s\n", tc->name, tc->sentence);
        } else if (o.no_fork) {
            run_here(tc);
            (void)printf("ok %u - %s: %s\n", n, tc->name, tc->sentence);
        } else if (report(tc, n, run_child(tc))) {
            failures++;
        }
    }
    if (!o.list)
        (void)printf("1..%u\n", n);
    return failures ? 1 : 0;
}
