/*
 * The lane's loop, and the handles that plugins hold.
 */
#include "harness.h"
#include "host/handles.h"
#include "loop/loop.h"

#include <errno.h>
#include <hawse/types.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MS = 1000000, TIMERS = 500 };

struct fired {
    uint64_t at[TIMERS];
    uint32_t count;
};

struct test_timer {
    struct loop_timer timer;
    struct fired *fired;
};

static void on_timer(void *ctx, uint64_t now_ns)
{
    struct test_timer *t = ctx;
    CHECK(now_ns >= t->timer.at_ns);
    t->fired->at[t->fired->count++] = t->timer.at_ns;
}

TEST(loop_timers_in_order, "timers fire in the order of their time, canceled ones never")
{
    struct loop *loop;
    CHECK_EQ(loop_create(&loop, NULL), HAWSE_OK);
    static struct test_timer timers[TIMERS];
    struct fired fired = {.count = 0};
    uint64_t now = loop_clock();
    for (uint32_t i = 0; i < TIMERS; i++) {
        timers[i] = (struct test_timer){.timer = {.fn = on_timer}, .fired = &fired};
        timers[i].timer.ctx = &timers[i];
        CHECK_EQ(loop_timer_set(loop, &timers[i].timer, now + test_random() % (20 * MS)), 0);
    }
    for (uint32_t i = 0; i < TIMERS; i += 3)
        loop_timer_cancel(loop, &timers[i].timer);
    for (uint32_t i = 1; i < TIMERS; i += 3) /* re-armed: counts once, at its new time */
        CHECK_EQ(loop_timer_set(loop, &timers[i].timer, now + test_random() % (20 * MS)), 0);
    while (loop_clock() < now + 25 * MS)
        (void)loop_step(loop, MS, 0);
    CHECK_EQ(fired.count, TIMERS - (TIMERS + 2) / 3);
    for (uint32_t i = 1; i < fired.count; i++)
        CHECK(fired.at[i - 1] <= fired.at[i]);
    loop_destroy(loop);
}

struct ball {
    struct loop_work work;
    struct loop *loop;
    uint32_t *next;
    uint32_t number;
};

static void on_ball(void *ctx)
{
    struct ball *b = ctx;
    CHECK_EQ(*b->next, b->number);
    (*b->next)++;
}

static void *throw_balls(void *arg)
{
    struct ball *balls = arg;
    for (uint32_t i = 0; i < 10000; i++)
        loop_post(balls[i].loop, &balls[i].work);
    return NULL;
}

TEST(loop_post_in_order, "work posted by another thread runs once, in order")
{
    struct loop *loop;
    CHECK_EQ(loop_create(&loop, NULL), HAWSE_OK);
    static struct ball balls[10000];
    uint32_t next = 0;
    for (uint32_t i = 0; i < 10000; i++) {
        balls[i] = (struct ball){.loop = loop, .next = &next, .number = i};
        balls[i].work = (struct loop_work){.fn = on_ball, .ctx = &balls[i]};
    }
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, throw_balls, balls), 0);
    while (next < 10000)
        (void)loop_step(loop, 100 * MS, 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    loop_destroy(loop);
}

struct pair {
    struct loop *loop;
    struct loop_watch a, b;
    int calls;
};

static void drop_the_other(void *ctx, uint32_t events)
{
    (void)events;
    struct pair *p = ctx;
    p->calls++;
    loop_unwatch(p->loop, &p->a);
    loop_unwatch(p->loop, &p->b);
}

TEST(loop_unwatch_in_batch, "a descriptor that was reported and then dropped is not called")
{
    struct pair p = {0};
    int one[2], two[2];
    CHECK_EQ(loop_create(&p.loop, NULL), HAWSE_OK);
    CHECK(pipe(one) == 0 && pipe(two) == 0);
    p.a = (struct loop_watch){.fd = one[0], .fn = drop_the_other, .ctx = &p, .events = EPOLLIN};
    p.b = (struct loop_watch){.fd = two[0], .fn = drop_the_other, .ctx = &p, .events = EPOLLIN};
    CHECK_EQ(loop_watch(p.loop, &p.a, NULL), HAWSE_OK);
    CHECK_EQ(loop_watch(p.loop, &p.b, NULL), HAWSE_OK);
    CHECK(write(one[1], "x", 1) == 1 && write(two[1], "x", 1) == 1);
    (void)loop_step(p.loop, MS, 0);
    (void)loop_step(p.loop, MS, 0);
    CHECK_EQ(p.calls, 1);
    loop_destroy(p.loop);
}

TEST(handles_stale, "a handle is good until removed, for its owner only, and never again")
{
    struct handles h = {0};
    int items[100];
    uint64_t handle[100], old[100];
    for (int round = 0; round < 50; round++) {
        for (uint32_t i = 0; i < 100; i++) {
            CHECK_EQ(handles_add(&h, &items[i], i % 7, &handle[i]), HAWSE_OK);
            CHECK(handle[i] != 0);
        }
        for (uint32_t i = 0; i < 100; i++) {
            CHECK(handles_get(&h, handle[i], i % 7) == &items[i]);
            CHECK(handles_get(&h, handle[i], i % 7 + 1) == NULL);
            if (round > 0)
                CHECK(handles_get(&h, old[i], i % 7) == NULL);
        }
        for (uint32_t i = 0; i < 100; i++)
            handles_remove(&h, handle[i]);
        memcpy(old, handle, sizeof(old));
    }
    CHECK(handles_get(&h, 0, 0) == NULL);
    for (int i = 0; i < 10000; i++)
        CHECK(handles_get(&h, test_random(), (uint32_t)(test_random() % 7)) == NULL);
    handles_finish(&h);
}

/* From here on this process lives on a kernel without epoll_pwait2. */
static void forget_epoll_pwait2(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = rules};
    CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

TEST(loop_old_kernel, "without epoll_pwait2 the loop still sleeps, and no timer fires early")
{
    struct loop *loop;
    forget_epoll_pwait2();
    CHECK_EQ(loop_create(&loop, NULL), HAWSE_OK);
    struct fired fired = {.count = 0};
    struct test_timer t = {.fired = &fired, .timer = {.fn = on_timer}};
    t.timer.ctx = &t;
    CHECK_EQ(loop_timer_set(loop, &t.timer, loop_clock() + 40500000u), HAWSE_OK);
    uint32_t steps = 0;
    for (; fired.count == 0 && steps < 1000; steps++)
        (void)loop_step(loop, 1000ull * MS, 0);
    CHECK_EQ(fired.count, 1);
    CHECK(steps < 10);
    loop_destroy(loop);
}
