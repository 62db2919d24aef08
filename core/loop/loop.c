/*
 * The event loop of one lane: epoll, a timer heap, and a mailbox for other threads. Owns the epoll
 * and event descriptors; never owns the watches, timers and work items that callers lend it.
 */
#include "loop/loop.h"

#include <errno.h>
#include <hawse/types.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_MAX = 64 };

struct loop {
    int epoll_fd;
    int wake_fd;
    uint64_t now_ns;
    uint64_t last_event_ns;
    struct loop_timer **heap; /* 1-based binary heap by at_ns; heap[0] is unused */
    uint32_t heap_len, heap_cap;
    struct epoll_event ready[EVENTS_MAX];
    int ready_count, ready_next;
    bool (*may_sleep)(void *ctx);
    void *may_sleep_ctx;
    bool whole_ms;        /* the kernel has no epoll_pwait2 */
    pthread_mutex_t lock; /* guards the mailbox only */
    struct loop_work *mail_first, *mail_last;
};

uint64_t loop_clock(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t loop_utc(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t loop_now(const struct loop *loop)
{
    return loop->now_ns;
}

int32_t loop_create(struct loop **out, struct fault *fault)
{
    int32_t result = HAWSE_OK;
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for an event loop");
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->heap_cap = 256;
    loop->heap = calloc(loop->heap_cap + 1u, sizeof(loop->heap[0]));
    struct epoll_event ev = {.events = EPOLLIN, .data = {.ptr = NULL}};
    if (loop->epoll_fd < 0 || loop->wake_fd < 0 || !loop->heap ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &ev) != 0) {
        result = fault_set(fault, HAWSE_E_IO, "cannot make an event loop: %s", strerror(errno));
        fault_hint(fault, "raise the limit of open files (ulimit -n)");
        goto fail;
    }
    (void)pthread_mutex_init(&loop->lock, NULL);
    loop->now_ns = loop_clock();
    *out = loop;
    return HAWSE_OK;
fail:
    if (loop->wake_fd >= 0)
        (void)close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        (void)close(loop->epoll_fd);
    free(loop->heap);
    free(loop);
    return result;
}

/* ---- descriptors ---- */

int32_t loop_watch(struct loop *loop, struct loop_watch *watch, struct fault *fault)
{
    struct epoll_event ev = {.events = watch->events, .data = {.ptr = watch}};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &ev) == 0)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_IO, "cannot watch descriptor %d: %s", watch->fd,
                     strerror(errno));
}

int32_t loop_modify(struct loop *loop, struct loop_watch *watch, uint32_t events)
{
    if (watch->events == events)
        return HAWSE_OK;
    struct epoll_event ev = {.events = events, .data = {.ptr = watch}};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &ev) != 0)
        return HAWSE_E_IO;
    watch->events = events;
    return HAWSE_OK;
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    for (int i = loop->ready_next; i < loop->ready_count; i++) {
        if (loop->ready[i].data.ptr == watch)
            loop->ready[i].events = 0; /* already reported, must not be called any more */
    }
}

/* ---- timers ---- */

static void heap_place(struct loop *loop, uint32_t i, struct loop_timer *timer)
{
    loop->heap[i] = timer;
    timer->heap_index = i;
}

static void heap_up(struct loop *loop, uint32_t i, struct loop_timer *timer)
{
    while (i > 1 && loop->heap[i / 2]->at_ns > timer->at_ns) {
        heap_place(loop, i, loop->heap[i / 2]);
        i /= 2;
    }
    heap_place(loop, i, timer);
}

static void heap_down(struct loop *loop, uint32_t i, struct loop_timer *timer)
{
    for (;;) {
        uint32_t child = 2 * i;
        if (child > loop->heap_len)
            break;
        if (child < loop->heap_len && loop->heap[child + 1]->at_ns < loop->heap[child]->at_ns)
            child++;
        if (loop->heap[child]->at_ns >= timer->at_ns)
            break;
        heap_place(loop, i, loop->heap[child]);
        i = child;
    }
    heap_place(loop, i, timer);
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    uint32_t i = timer->heap_index;
    if (i == 0)
        return;
    timer->heap_index = 0;
    struct loop_timer *last = loop->heap[loop->heap_len--];
    if (last == timer)
        return;
    if (i > 1 && loop->heap[i / 2]->at_ns > last->at_ns)
        heap_up(loop, i, last);
    else
        heap_down(loop, i, last);
}

int32_t loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at_ns)
{
    loop_timer_cancel(loop, timer);
    if (loop->heap_len == loop->heap_cap) {
        uint32_t cap = loop->heap_cap * 2;
        struct loop_timer **heap = realloc(loop->heap, (cap + 1u) * sizeof(heap[0]));
        if (!heap)
            return HAWSE_E_NOMEM;
        loop->heap = heap;
        loop->heap_cap = cap;
    }
    timer->at_ns = at_ns;
    heap_up(loop, ++loop->heap_len, timer);
    return HAWSE_OK;
}

static int32_t run_timers(struct loop *loop)
{
    int32_t ran = 0;
    while (loop->heap_len > 0 && loop->heap[1]->at_ns <= loop->now_ns) {
        struct loop_timer *timer = loop->heap[1];
        loop_timer_cancel(loop, timer);
        timer->fn(timer->ctx, loop->now_ns);
        ran++;
    }
    return ran;
}

/* ---- mailbox ---- */

void loop_wake(struct loop *loop)
{
    uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void loop_post(struct loop *loop, struct loop_work *work)
{
    work->next = NULL;
    (void)pthread_mutex_lock(&loop->lock);
    bool first = !loop->mail_last; /* else whoever posted that one wakes the loop for both */
    if (first)
        loop->mail_first = work;
    else
        loop->mail_last->next = work;
    loop->mail_last = work;
    (void)pthread_mutex_unlock(&loop->lock);
    if (first)
        loop_wake(loop);
}

static int32_t run_mail(struct loop *loop)
{
    uint64_t count;
    while (read(loop->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    (void)pthread_mutex_lock(&loop->lock);
    struct loop_work *work = loop->mail_first;
    loop->mail_first = loop->mail_last = NULL;
    (void)pthread_mutex_unlock(&loop->lock);
    int32_t ran = 0;
    while (work) {
        struct loop_work *next = work->next; /* fn may free work */
        work->fn(work->ctx);
        work = next;
        ran++;
    }
    return ran;
}

void loop_drain(struct loop *loop)
{
    (void)run_mail(loop);
}

/* Work that was posted and did not run yet runs now, so that it can free what it carries. */
void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    (void)run_mail(loop);
    (void)close(loop->wake_fd);
    (void)close(loop->epoll_fd);
    (void)pthread_mutex_destroy(&loop->lock);
    free(loop->heap);
    free(loop);
}

/* ---- stepping ---- */

void loop_on_sleep(struct loop *loop, bool (*fn)(void *ctx), void *ctx)
{
    loop->may_sleep = fn;
    loop->may_sleep_ctx = ctx;
}

void loop_touch(struct loop *loop)
{
    loop->last_event_ns = loop->now_ns;
}

/* Linux before 5.11, and some tools, do not know epoll_pwait2: then to the millisecond, rounded up,
 * so that a wait never ends before its timer is due. */
static int wait_ns(struct loop *loop, uint64_t wait)
{
    if (!loop->whole_ms) {
        struct timespec ts = {.tv_sec = (time_t)(wait / 1000000000u),
                              .tv_nsec = (long)(wait % 1000000000u)};
        int n = epoll_pwait2(loop->epoll_fd, loop->ready, EVENTS_MAX, &ts, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n;
        loop->whole_ms = true;
    }
    uint64_t ms = (wait + 999999u) / 1000000u;
    return epoll_wait(loop->epoll_fd, loop->ready, EVENTS_MAX, ms < 60000u ? (int)ms : 60000);
}

static int wait_ready(struct loop *loop, uint64_t max_wait_ns, uint64_t spin_ns)
{
    uint64_t wait = max_wait_ns;
    if (loop->heap_len > 0) {
        uint64_t at = loop->heap[1]->at_ns;
        uint64_t until = at > loop->now_ns ? at - loop->now_ns : 0;
        wait = until < wait ? until : wait;
    }
    if (spin_ns > 0 && loop->now_ns - loop->last_event_ns < spin_ns)
        wait = 0;
    if (wait > 0 && loop->may_sleep && !loop->may_sleep(loop->may_sleep_ctx))
        wait = 0;
    return wait_ns(loop, wait);
}

int32_t loop_step(struct loop *loop, uint64_t max_wait_ns, uint64_t spin_ns)
{
    loop->now_ns = loop_clock(); /* work since the last step took time */
    int n = wait_ready(loop, max_wait_ns, spin_ns);
    loop->now_ns = loop_clock();
    int32_t ran = 0;
    loop->ready_count = n > 0 ? n : 0;
    for (loop->ready_next = 0; loop->ready_next < loop->ready_count;) {
        struct epoll_event *ev = &loop->ready[loop->ready_next++];
        struct loop_watch *watch = ev->data.ptr;
        if (!watch) {
            ran += run_mail(loop);
        } else if (ev->events != 0) {
            watch->fn(watch->ctx, ev->events);
            ran++;
        }
    }
    loop->ready_count = 0;
    ran += run_timers(loop);
    if (ran > 0)
        loop->last_event_ns = loop->now_ns;
    return ran;
}
