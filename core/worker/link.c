/* Turns; see link.h. */
#include "worker/link.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { LOOKS = 32 }; /* at the turn, between two looks at the clock */

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

static uint32_t *sleeps(struct link_control *link, uint32_t who)
{
    return who == LINK_TURN_HOST ? &link->host_sleeps : &link->worker_sleeps;
}

void link_give(struct link_control *link, uint32_t to)
{
    __atomic_store_n(&link->turn, to, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(sleeps(link, to), __ATOMIC_SEQ_CST))
        (void)syscall(SYS_futex, &link->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static bool is(const struct link_control *link, uint32_t me)
{
    return __atomic_load_n(&link->turn, __ATOMIC_ACQUIRE) == me;
}

static bool spin(const struct link_control *link, uint32_t me, uint64_t spin_ns)
{
    uint64_t until = spin_ns > 0 ? clock_ns() + spin_ns : 0;
    do {
        for (uint32_t i = 0; i < LOOKS; i++) {
            if (is(link, me))
                return true;
            relax();
        }
    } while (spin_ns > 0 && clock_ns() < until);
    return false;
}

bool link_wait(struct link_control *link, uint32_t me, uint64_t spin_ns, uint64_t timeout_ns)
{
    struct timespec limit = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                             .tv_nsec = (long)(timeout_ns % 1000000000u)};
    uint32_t seen;
    if (is(link, me) || (spin_ns > 0 && spin(link, me, spin_ns)))
        return true;
    __atomic_store_n(sleeps(link, me), 1, __ATOMIC_SEQ_CST);
    while ((seen = __atomic_load_n(&link->turn, __ATOMIC_SEQ_CST)) != me) {
        (void)syscall(SYS_futex, &link->turn, FUTEX_WAIT, seen, timeout_ns > 0 ? &limit : NULL,
                      NULL, 0);
        if (timeout_ns > 0)
            break; /* however it was woken: the other may wake it for nothing, again and again */
    }
    __atomic_store_n(sleeps(link, me), 0, __ATOMIC_RELAXED);
    return is(link, me);
}
