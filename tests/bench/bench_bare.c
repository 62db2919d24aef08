/* See bench_bare.h. */
#include "bench_bare.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const struct bare_way bare_ways[BARE_WAYS] = {
    [BARE_FUTEX] = {"bare, same CPU, futex", BARE_FUTEX, 0},
    [BARE_PIPE] = {"bare, same CPU, pipe", BARE_PIPE, 0},
    [BARE_EVENTFD] = {"bare, same CPU, eventfd", BARE_EVENTFD, 0},
    [BARE_YIELD] = {"bare, same CPU, sched_yield", BARE_YIELD, 0},
    [BARE_LINE] = {"bare, own CPU, one line", BARE_LINE, 1},
};

/* Between the two; [0] of a pair is read, [1] written. */
struct pair {
    enum bare_kind kind;
    uint32_t *word; /* 1: the other's turn */
    int there[2], back[2];
};

struct figures figures_of(struct latency *l)
{
    qsort(l->ns, l->count, sizeof(l->ns[0]), latency_order);
    struct figures f = {.p50_us = (double)l->ns[l->count / 2] / 1e3,
                        .p99_us = (double)l->ns[l->count * 99 / 100] / 1e3,
                        .p999_us = (double)l->ns[l->count * 999 / 1000] / 1e3};
    free(l->ns);
    return f;
}

void bare_pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static void give(const struct pair *p, uint32_t to, int fd)
{
    const uint64_t one = 1;
    if (p->kind == BARE_PIPE || p->kind == BARE_EVENTFD) {
        if (write(fd, &one, sizeof(one)) != sizeof(one))
            _exit(1);
        return;
    }
    __atomic_store_n(p->word, to, __ATOMIC_SEQ_CST);
    if (p->kind == BARE_FUTEX)
        (void)syscall(SYS_futex, p->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void relax(const struct pair *p, uint32_t other)
{
    if (p->kind == BARE_FUTEX)
        (void)syscall(SYS_futex, p->word, FUTEX_WAIT, other, NULL, NULL, 0);
    else if (p->kind == BARE_YIELD)
        (void)sched_yield();
}

static void await(const struct pair *p, uint32_t other, int fd)
{
    uint64_t one;
    if (p->kind == BARE_PIPE || p->kind == BARE_EVENTFD) {
        if (read(fd, &one, sizeof(one)) != sizeof(one))
            _exit(1);
        return;
    }
    while (__atomic_load_n(p->word, __ATOMIC_SEQ_CST) == other)
        relax(p, other);
}

static void open_pair(struct pair *p, int ends[2])
{
    if (p->kind == BARE_PIPE && pipe(ends) != 0)
        exit(1);
    if (p->kind == BARE_EVENTFD && (ends[0] = eventfd(0, 0)) >= 0)
        ends[1] = dup(ends[0]);
}

static _Noreturn void answer_all(const struct pair *p, int cpu)
{
    bare_pin(cpu);
    for (;;) {
        await(p, 0, p->there[0]);
        give(p, 0, p->back[1]);
    }
}

struct figures bare_run(const struct bare_way *way, uint64_t n, uint64_t warm)
{
    struct pair p = {.kind = way->kind, .there = {-1, -1}, .back = {-1, -1}};
    const struct timespec arrival = {.tv_nsec = 1000000}; /* of the other on its CPU */
    struct latency l;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        exit(1);
    p.word = page;
    open_pair(&p, p.there);
    open_pair(&p, p.back);
    pid_t pid = fork();
    if (pid == 0)
        answer_all(&p, way->cpu);
    (void)nanosleep(&arrival, NULL);
    latency_init(&l, n, warm, 1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t begin = bench_clock(CLOCK_MONOTONIC);
        give(&p, 1, p.there[1]);
        await(&p, 1, p.back[0]);
        latency_add(&l, begin);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    for (int i = 0; i < 2; i++) {
        (void)close(p.there[i]);
        (void)close(p.back[i]);
    }
    (void)munmap(page, 4096);
    return figures_of(&l);
}
