/*
 * One lane's event loop: descriptors, timers, and work posted from other threads. Single-threaded
 * but for loop_post and loop_wake. Never allocates after set-up on the path of descriptors and
 * timers.
 */
#ifndef CORE_LOOP_LOOP_H
#define CORE_LOOP_LOOP_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

typedef void (*loop_fd_fn)(void *ctx, uint32_t epoll_events);
typedef void (*loop_timer_fn)(void *ctx, uint64_t now_ns);
typedef void (*loop_post_fn)(void *ctx);

/* A watched descriptor. Memory of the caller; must stay until loop_unwatch. */
struct loop_watch {
    int fd;
    loop_fd_fn fn;
    void *ctx;
    uint32_t events;
};

/* A one-shot timer. Memory of the caller; heap_index 0 = not armed. */
struct loop_timer {
    uint64_t at_ns;
    loop_timer_fn fn;
    void *ctx;
    uint32_t heap_index;
};

/* Work from another thread. Memory of the caller until fn runs. */
struct loop_work {
    loop_post_fn fn;
    void *ctx;
    struct loop_work *next;
};

int32_t loop_create(struct loop **out, struct fault *fault);
void loop_destroy(struct loop *loop);

int32_t loop_watch(struct loop *loop, struct loop_watch *watch, struct fault *fault);
int32_t loop_modify(struct loop *loop, struct loop_watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct loop_watch *watch);

/* Arms or re-arms. HAWSE_E_NOMEM only when the heap must grow and cannot. */
int32_t loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at_ns);
void loop_timer_cancel(struct loop *loop, struct loop_timer *timer);

/* [any] Run work->fn on the loop's thread soon, in order of posting. */
void loop_post(struct loop *loop, struct loop_work *work);
/* Runs what was posted, now: when no thread steps the loop any more. */
void loop_drain(struct loop *loop);
/* [any] Make loop_step return from its wait. */
void loop_wake(struct loop *loop);

/* Monotonic nanoseconds: read once per step (cheap), and read now (18 ns). */
uint64_t loop_now(const struct loop *loop);
uint64_t loop_clock(void);
uint64_t loop_utc(void);

/* `fn` is asked before each wait that would sleep; false: do not, there is work. */
void loop_on_sleep(struct loop *loop, bool (*fn)(void *ctx), void *ctx);
/* Something came by another way than the loop's own: it counts for spin_ns. */
void loop_touch(struct loop *loop);

/* Waits at most until the next timer, or max_wait_ns, then runs what is due. spin_ns: keep polling
 * so long after the last event before sleeping. Returns the number of things run. */
int32_t loop_step(struct loop *loop, uint64_t max_wait_ns, uint64_t spin_ns);

#endif
