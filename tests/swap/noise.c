/*
 * How long this machine keeps a thread waiting that has something to do: every millisecond it is to
 * wake and to compute for a moment. Each time one of the two takes longer than it should, a line
 * with the clock's time at its end and how much longer it was, in nanoseconds. Ends when its input
 * does.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { TICK_NS = 1000000, WORK_NS = 50000, SAID_NS = 300000 };

static int64_t clock_of(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Computes, and says how much longer that took than it had the CPU for. */
static int64_t work(void)
{
    int64_t wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_THREAD_CPUTIME_ID), used = 0;
    while (used < WORK_NS)
        used = clock_of(CLOCK_THREAD_CPUTIME_ID) - cpu;
    return clock_of(CLOCK_MONOTONIC) - wall - used;
}

int main(void)
{
    struct pollfd in = {.fd = 0, .events = POLLIN};
    int64_t due = clock_of(CLOCK_MONOTONIC);
    while (poll(&in, 1, 0) == 0) {
        due += TICK_NS;
        struct timespec until = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        int64_t late = clock_of(CLOCK_MONOTONIC) - due, away = work();
        int64_t worst = late > away ? late : away, now = clock_of(CLOCK_MONOTONIC);
        if (worst > SAID_NS) {
            (void)printf("%lld %lld\n", (long long)now, (long long)worst);
            (void)fflush(stdout);
        }
        due = due < now - TICK_NS ? now : due;
    }
    return 0;
}
