/*
 * What a plugin's constructor can do in a worker, before it is loaded to the end: nothing that
 * reaches beyond the process either.
 */
#include "harness.h"
#include "worker/seal.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DONE = 42, WRONG = 43, ENDED = 70 }; /* exit codes; the last is that of seal.c */

/* Runs it behind the walls that stand while a plugin is loaded. */
static int run_sealed(struct link_control **out, void (*what)(void))
{
    struct link_control *link =
        mmap(NULL, LINK_CONTROL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(link != MAP_FAILED);
    *out = link;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        struct fault fault = {0};
        if (seal_filter(link, "/none", -1, &fault) != HAWSE_OK)
            _exit(WRONG);
        what();
        _exit(DONE);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void is_stopped(void (*what)(void), long number)
{
    struct link_control *link;
    CHECK_EQ(run_sealed(&link, what), ENDED);
    CHECK_EQ(link->end, LINK_END_SYSCALL);
    CHECK_EQ(link->end_number, number);
}

static pid_t parent;

static void limit_parent(void)
{
    struct rlimit none = {0, 0};
    (void)syscall(SYS_prlimit64, parent, RLIMIT_NOFILE, &none, NULL);
}

TEST(seal_limits_of_others, "a constructor cannot set limits of the host")
{
    parent = getpid();
    is_stopped(limit_parent, SYS_prlimit64);
}

static void limit_itself(void)
{
    struct rlimit limit;
    if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) != 0)
        _exit(WRONG);
}

TEST(seal_limits_own, "its own it may ask for, as the C library does")
{
    struct link_control *link;
    CHECK_EQ(run_sealed(&link, limit_itself), DONE);
}

static void outlive(void)
{
    if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) == 0 || errno != EINVAL)
        _exit(WRONG);
}

TEST(seal_outlive, "it cannot arrange to outlive the host")
{
    struct link_control *link;
    CHECK_EQ(run_sealed(&link, outlive), DONE);
}

static uint32_t words[2];

static void requeue(void)
{
    (void)syscall(SYS_futex, &words[0], FUTEX_REQUEUE, 0, 1, &words[1], 0);
}

static void lock(void)
{
    (void)syscall(SYS_futex, &words[0], FUTEX_LOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
}

TEST(seal_futex, "nobody who sleeps on a word is moved to another, nor has it taken by rank")
{
    is_stopped(requeue, SYS_futex);
    is_stopped(lock, SYS_futex);
}

static void wait_and_wake(void)
{
    static const int flags[] = {0, FUTEX_PRIVATE_FLAG, FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        (void)syscall(SYS_futex, &words[0], FUTEX_WAIT_BITSET | flags[i], 1, NULL, NULL, ~0u);
        (void)syscall(SYS_futex, &words[0], FUTEX_WAIT | flags[i], 1, NULL, NULL, 0);
        (void)syscall(SYS_futex, &words[0], FUTEX_WAKE | flags[i], 1, NULL, NULL, 0);
        (void)syscall(SYS_futex, &words[0], FUTEX_WAKE_BITSET | flags[i], 1, NULL, NULL, ~0u);
    }
}

TEST(seal_locks, "locks of the language work")
{
    struct link_control *link;
    CHECK_EQ(run_sealed(&link, wait_and_wake), DONE);
}

static void print(void)
{
    struct iovec parts[2] = {{(void *)(uintptr_t) "one ", 4}, {(void *)(uintptr_t) "two\n", 4}};
    if (write(STDOUT_FILENO, "printed\n", 8) != 8 || writev(STDERR_FILENO, parts, 2) != 8)
        _exit(WRONG);
}

static void print_much(void)
{
    static char much[3 * LINK_WORDS];
    memset(much, 'x', sizeof(much));
    struct iovec parts[2] = {{much, sizeof(much)}, {much, sizeof(much)}};
    if (writev(STDERR_FILENO, parts, 2) != 2 * sizeof(much))
        _exit(WRONG);
}

static void print_elsewhere(void)
{
    (void)syscall(SYS_write, STDERR_FILENO + 1, "x", 1);
}

TEST(seal_output, "output is taken for written, and the host can tell that there was some")
{
    struct link_control *link;
    CHECK_EQ(run_sealed(&link, wait_and_wake), DONE);
    CHECK_EQ(link->wrote, 0);
    CHECK_EQ(run_sealed(&link, print), DONE);
    CHECK_EQ(link->wrote, LINK_WROTE_OUTPUT | LINK_WROTE_ERROR);
    CHECK_STR(link->words, "one two\n");
    CHECK_EQ(run_sealed(&link, print_much), DONE);
    CHECK_EQ_U64(strlen(link->words), LINK_WORDS - 1);
    is_stopped(print_elsewhere, SYS_write);
}
