/* Turns; see link.h. */
#include "worker/link.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* At the turn, between two looks at the clock: some microseconds. */
enum { LOOKS = 32, YIELDS = 8 };

static uint64_t clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *limit)
{
    return syscall(SYS_futex, word, op, value, limit, NULL, 0);
}

void link_poke(struct link_control *link)
{
    /* all: a worker that sleeps on its own turn as well is not woken in place of the host */
    (void)futex(&link->turn, FUTEX_WAKE, INT_MAX, NULL);
}

void link_give(struct link_control *link, uint32_t to)
{
    const uint32_t *sleeps = to == LINK_TURN_HOST ? &link->host_sleeps : &link->worker_sleeps;
    __atomic_store_n(&link->turn, to, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(sleeps, __ATOMIC_SEQ_CST))
        link_poke(link);
}

static bool has_turn(const struct link_control *link, bool host)
{
    return (__atomic_load_n(&link->turn, __ATOMIC_ACQUIRE) == LINK_TURN_HOST) == host;
}

/* The clock is only read when the first looks were in vain. */
static bool spin(const struct link_control *link, bool host, const struct link_patience *patience)
{
    uint64_t until = 0, now = 0;
    const uint32_t looks = patience->yields ? YIELDS : LOOKS;
    do {
        for (uint32_t i = 0; i < looks; i++) {
            if (has_turn(link, host))
                return true;
            if (patience->lingers && !__atomic_load_n(&link->lingers, __ATOMIC_RELAXED))
                return false;
            if (patience->yields)
                (void)sched_yield();
            else
                relax();
        }
        now = clock_ns();
        until = until == 0 ? now + patience->spin_ns : until;
    } while (now < until);
    return false;
}

bool link_wait_host(struct link_control *link, const struct link_patience *patience)
{
    struct timespec limit = {.tv_sec = (time_t)(patience->timeout_ns / 1000000000u),
                             .tv_nsec = (long)(patience->timeout_ns % 1000000000u)};
    if (has_turn(link, true) || (patience->spin_ns > 0 && spin(link, true, patience)))
        return true;
    __atomic_store_n(&link->host_sleeps, 1, __ATOMIC_SEQ_CST);
    uint32_t seen = __atomic_load_n(&link->turn, __ATOMIC_SEQ_CST);
    if (seen != LINK_TURN_HOST && !(seen & FUTEX_OWNER_DIED))
        (void)futex(&link->turn, FUTEX_WAIT, seen, patience->timeout_ns > 0 ? &limit : NULL);
    __atomic_store_n(&link->host_sleeps, 0, __ATOMIC_RELAXED);
    return has_turn(link, true);
}

void link_wait_worker(struct link_control *link, const struct link_patience *patience)
{
    if (has_turn(link, false) || (patience->spin_ns > 0 && spin(link, false, patience)))
        return;
    __atomic_store_n(&link->worker_sleeps, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&link->turn, __ATOMIC_SEQ_CST) == LINK_TURN_HOST)
        (void)futex(&link->turn, FUTEX_WAIT, LINK_TURN_HOST, NULL);
    __atomic_store_n(&link->worker_sleeps, 0, __ATOMIC_RELAXED);
}
