/*
 * Who stays awake between callbacks, and for how long.
 */
#include "harness.h"
#include "worker/awake.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { US = 1000, WINDOW = 50 * US, MS = 1000000 };

static bool lingers(const struct awake *a)
{
    return __atomic_load_n(&a->link->lingers, __ATOMIC_RELAXED) != 0;
}

TEST(awake_follows, "a worker stays awake when callbacks follow each other, and not when they rest")
{
    static struct link_control link;
    struct awake a = {.link = &link, .window_ns = WINDOW};
    CHECK(!awake_ask(&a, 7 * US) && !lingers(&a));
    CHECK(awake_ask(&a, 8 * US) && lingers(&a));
    CHECK(awake_ask(&a, 8 * US + WINDOW - 1) && lingers(&a));
    CHECK(!awake_ask(&a, 8 * US + 2 * WINDOW) && !lingers(&a));
    CHECK(awake_ask(&a, 8 * US + 2 * WINDOW) && lingers(&a));
}

TEST(awake_never, "without a window none does")
{
    static struct link_control link;
    struct awake a = {.link = &link};
    for (uint64_t now = US; now < 4 * US; now++)
        CHECK(!awake_ask(&a, now) && !lingers(&a));
}

TEST(awake_one, "of the workers of a lane the one that was asked last alone stays awake")
{
    static struct link_control links[2];
    struct awake *asked = NULL;
    struct awake a = {.link = &links[0], .window_ns = WINDOW, .asked = &asked};
    struct awake b = {.link = &links[1], .window_ns = WINDOW, .asked = &asked};
    CHECK(!awake_ask(&a, 1 * US));
    CHECK(awake_ask(&a, 2 * US) && lingers(&a));
    CHECK(!awake_ask(&b, 3 * US) && !lingers(&a) && !lingers(&b));
    CHECK(!awake_ask(&a, 4 * US) && !awake_ask(&b, 5 * US) && !lingers(&a)); /* in turns: none */
    CHECK(awake_ask(&b, 6 * US) && lingers(&b));
    awake_forget(&a);
    CHECK(awake_ask(&b, 7 * US));
    awake_forget(&b);
    CHECK(asked == NULL);
    CHECK(!awake_ask(&a, 8 * US) && awake_ask(&a, 9 * US));
}

static uint64_t clock_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Whether a worker that waits between callbacks is asleep, at the latest after so long. */
static bool sleeps_within(const struct link_control *link, uint64_t ns)
{
    const uint64_t until = clock_ns() + ns;
    while (clock_ns() < until) {
        if (__atomic_load_n(&link->worker_sleeps, __ATOMIC_SEQ_CST))
            return true;
        (void)usleep(100);
    }
    return false;
}

TEST(awake_told,
     "a worker that is awake goes to sleep as soon as it is told to, and wakes with a turn")
{
    const struct link_patience between = {.spin_ns = 60000000000u, .yields = true, .lingers = true};
    struct link_control *link =
        mmap(NULL, LINK_SAID_AT, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(link != MAP_FAILED);
    struct awake a = {.link = link, .window_ns = WINDOW};
    link->turn = LINK_TURN_HOST;
    CHECK(!awake_ask(&a, 1) && awake_ask(&a, 2));
    pid_t pid = fork();
    if (pid == 0) {
        link_wait_worker(link, &between);
        _exit(7);
    }
    CHECK(!sleeps_within(link, 20 * MS)); /* its own time is a minute */
    (void)awake_ask(&a, 2 + WINDOW);
    CHECK(sleeps_within(link, 5000ull * MS));
    link_give(link, (uint32_t)pid);
    int status = 0;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    (void)munmap(link, LINK_SAID_AT);
}
