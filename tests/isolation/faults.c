/*
 * What a worker must not survive. Each is what a broken or hostile plugin would do, by the C
 * library where that is how it would be done; those that look for the host's memory know the
 * process by its id, as if it had been guessed.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HOST_PID = 1 }; /* some process: the call itself is what is stopped */

static volatile int sink;

static void f_segfault(struct rig *rig)
{
    (void)rig;
    *(volatile int *)(uintptr_t)sink = 1;
}

static void f_abort(struct rig *rig)
{
    (void)rig;
    abort();
}

__attribute__((noinline)) static int deeper(int n)
{
    volatile char room[4096];
    room[0] = (char)n;
    return n == -1 ? 0 : deeper(n + 1) + room[0];
}

static void f_stack(struct rig *rig)
{
    (void)rig;
    sink = deeper(sink);
}

static void f_divide(struct rig *rig)
{
    (void)rig;
    sink = 1000 / sink;
}

static void f_illegal(struct rig *rig)
{
    (void)rig;
    __builtin_trap();
}

static void f_double_free(struct rig *rig)
{
    char *volatile p = malloc(100); /* volatile: or the compiler would see it */
    char *q = p;
    (void)rig;
    free(p);
    p = q;
    free(p);
}

static void f_exit(struct rig *rig)
{
    (void)rig;
    _exit(3);
}

static void f_loop(struct rig *rig)
{
    (void)rig;
    for (;;)
        sink++;
}

static void f_call_flood(struct rig *rig)
{
    uint16_t space;
    for (;;)
        (void)rig->sub->space(rig->host, rig->self, hawse_text("org.test.pulse/1"), &space);
}

static void f_publish_flood(struct rig *rig)
{
    static uint8_t data[4096];
    hawse_event_t event = {
        .size = sizeof(event), .space = rig->space, .kind = 2, .data = data, .len = sizeof(data)};
    for (;;)
        (void)rig->sub->publish(rig->host, rig->self, &event);
}

static void f_memory(struct rig *rig)
{
    char *p;
    (void)rig;
    do {
        p = malloc(1 << 20);
        memset(p, 1, 1 << 20);
    } while (p);
}

static void f_socket(struct rig *rig)
{
    (void)rig;
    sink = socket(AF_INET, SOCK_STREAM, 0);
}

static void f_file(struct rig *rig)
{
    (void)rig;
    FILE *f = fopen("/etc/passwd", "r");
    sink = f != NULL;
}

static void f_stat(struct rig *rig)
{
    struct stat st;
    (void)rig;
    sink = stat("/etc/passwd", &st);
}

static void f_host_memory(struct rig *rig)
{
    char here[8];
    struct iovec to = {here, sizeof(here)}, from = {rig, sizeof(here)};
    sink = (int)process_vm_readv(HOST_PID, &to, 1, &from, 1, 0);
}

static void f_host_memory_file(struct rig *rig)
{
    (void)rig;
    sink = open("/proc/1/mem", O_RDONLY);
}

static void f_ptrace(struct rig *rig)
{
    (void)rig;
    sink = (int)ptrace(PTRACE_ATTACH, HOST_PID, NULL, NULL);
}

static void f_kill(struct rig *rig)
{
    (void)rig;
    sink = kill(HOST_PID, 0);
}

static void f_fork(struct rig *rig)
{
    (void)rig;
    sink = fork();
}

static void f_exec(struct rig *rig)
{
    char *argv[] = {(char *)"sh", NULL};
    (void)rig;
    sink = execve("/bin/sh", argv, NULL);
}

static void *nothing(void *arg)
{
    return arg;
}

static void f_thread(struct rig *rig)
{
    pthread_t thread;
    sink = pthread_create(&thread, NULL, nothing, rig);
}

static void f_sleep(struct rig *rig)
{
    struct timespec long_time = {.tv_sec = 100};
    (void)rig;
    (void)nanosleep(&long_time, NULL);
}

static void f_code(struct rig *rig)
{
    (void)rig;
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sink = p == MAP_FAILED;
}

static void f_code_later(struct rig *rig)
{
    (void)rig;
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sink = mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static void f_handler(struct rig *rig)
{
    (void)rig;
    sink = signal(SIGSYS, SIG_IGN) == SIG_ERR;
}

static void f_write(struct rig *rig)
{
    (void)rig;
    sink = (int)write(3, "x", 1);
}

static void f_namespace(struct rig *rig)
{
    (void)rig;
    sink = unshare(CLONE_NEWUSER);
}

static void f_io_uring(struct rig *rig)
{
    (void)rig;
    sink = (int)syscall(SYS_io_uring_setup, 8, NULL);
}

static void f_memory_file(struct rig *rig)
{
    (void)rig;
    sink = memfd_create("x", 0);
}

static void f_filter(struct rig *rig)
{
    (void)rig;
    sink = (int)syscall(SYS_seccomp, 0, 0, NULL);
}

static void f_read(struct rig *rig)
{
    char c;
    (void)rig;
    sink = (int)read(0, &c, 1);
}

static void f_old_calls(struct rig *rig)
{
    (void)rig;
#if defined(__x86_64__)
    sink = (int)syscall(0x40000000 | SYS_getpid); /* of the x32 ABI */
#else
    _exit(3);
#endif
}

/* What worker and host share, by way of the host's table, as core/worker has it: noise in all of
 * it, and the turn to the host. */
static void f_scribble(struct rig *rig)
{
    struct api {
        hawse_host_t table;
        void *host;
        void *const *replay; /* its first member leads to the worker's own */
    };
    struct own {
        struct api api;
        void *replay[4];
        uint8_t *link;
    };
    const struct own *own =
        (const struct own *)((const struct api *)(const void *)rig->host)->replay[0];
    uint64_t x = rig->life * 0x9e3779b97f4a7c15u;
    for (size_t i = 64; i < 4096; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        own->link[i] = rig->life % 4 == 0 ? 0xff : (uint8_t)x;
    }
    if (rig->life % 2 == 0) { /* a call whose lengths cannot be */
        uint32_t call = 2;
        memcpy(own->link + 64, &call, sizeof(call));
    }
    uint32_t turn = 1;
    __atomic_store_n((uint32_t *)(void *)own->link, turn, __ATOMIC_SEQ_CST);
    (void)syscall(SYS_futex, own->link, FUTEX_WAKE, 1, NULL, NULL, 0);
    for (;;)
        sink++;
}

/* Moves whoever sleeps on one word of what is shared to another, where nobody wakes it. */
static void f_requeue(struct rig *rig)
{
    static uint32_t words[2];
    (void)rig;
    sink = (int)syscall(SYS_futex, &words[0], FUTEX_REQUEUE, 0, 1, &words[1], 0);
}

/* Events are the host's: a worker cannot write to them, nor make them so. */
static void f_told(struct rig *rig)
{
    uintptr_t page = (uintptr_t)rig->event & ~(uintptr_t)4095;
    void *at;
    memcpy(&at, &page, sizeof(at));
    if (mprotect(at, 4096, PROT_READ | PROT_WRITE) == 0)
        return;
    *(volatile uint8_t *)at = 1;
}

/* ---- received bytes, which are read where they are ---- */

static uint8_t *writable(const uint8_t *at)
{
    uint8_t *same;
    memcpy(&same, &at, sizeof(same));
    return same;
}

static void *page_of(const uint8_t *at)
{
    return writable(at - ((uintptr_t)at & 4095));
}

static void f_frame_write(struct rig *rig)
{
    *(volatile uint8_t *)writable(rig->event->data) = 1;
}

/* What is behind it is not the plugin's either. */
static void f_frame_behind(struct rig *rig)
{
    *(volatile uint8_t *)writable(rig->event->data + rig->event->len + 100000) = 1;
}

static void f_frame_open(struct rig *rig)
{
    if (mprotect(page_of(rig->event->data), 4096, PROT_READ | PROT_WRITE) == 0)
        return;
    f_frame_write(rig);
}

static void f_frame_remove(struct rig *rig)
{
    if (madvise(page_of(rig->event->data), 4096, MADV_REMOVE) == 0)
        return;
    f_frame_write(rig);
}

/* A view that was not let go with its callback leads to the plugin's own bytes, and binds nobody.
 */
static void f_frame_keep(struct rig *rig)
{
    for (uint64_t i = 0; i < rig->kept_len; i++)
        sink += rig->kept[i];
    *(volatile uint8_t *)writable(rig->kept) = 1;
}

static void f_frame_hang(struct rig *rig)
{
    for (;;)
        sink += rig->event->data[0];
}

struct fault_row {
    const char *name;
    void (*run)(struct rig *rig);
};

static _Noreturn void run_fault(struct rig *rig, const hawse_event_t *event,
                                const struct fault_row *fault)
{
    char text[64];
    rig->event = event;
    (void)snprintf(text, sizeof(text), "FAULT %s", fault->name);
    hawse_log(rig->host, rig->self, HAWSE_LOG_INFO, text);
    fault->run(rig);
    (void)snprintf(text, sizeof(text), "SURVIVED %s", fault->name);
    hawse_log(rig->host, rig->self, HAWSE_LOG_ERROR, text);
    _exit(9); /* on to the next */
}

#define ROW(name)       \
    {                   \
#name, f_##name \
    }

_Noreturn void frame_fault_of_this_life(struct rig *rig, const hawse_event_t *frame)
{
    static const struct fault_row faults[] = {ROW(frame_write), ROW(frame_behind),
                                              ROW(frame_open),  ROW(frame_remove),
                                              ROW(frame_keep),  ROW(frame_hang)};
    /* a copy would stand behind its header */
    const char *way = frame->data == (const uint8_t *)(frame + 1) ? "SURVIVED a copy" : "in place";
    hawse_log(rig->host, rig->self, HAWSE_LOG_INFO, way);
    run_fault(rig, frame, &faults[rig->life % (sizeof(faults) / sizeof(faults[0]))]);
}

_Noreturn void fault_of_this_life(struct rig *rig, const hawse_event_t *event)
{
    static const struct fault_row faults[] = {
        ROW(segfault),
        ROW(socket),
        ROW(loop),
        ROW(abort),
        ROW(file),
        ROW(memory),
        ROW(stack),
        ROW(host_memory),
        ROW(divide),
        ROW(ptrace),
        ROW(call_flood),
        ROW(illegal),
        ROW(kill),
        ROW(double_free),
        ROW(fork),
        ROW(publish_flood),
        ROW(exit),
        ROW(exec),
        ROW(thread),
        ROW(scribble),
        ROW(sleep),
        ROW(code),
        ROW(host_memory_file),
        ROW(code_later),
        ROW(handler),
        ROW(write),
        ROW(stat),
        ROW(namespace),
        ROW(io_uring),
        ROW(scribble),
        ROW(memory_file),
        ROW(filter),
        ROW(read),
        ROW(old_calls),
        ROW(requeue),
        ROW(told),
    };
    run_fault(rig, event, &faults[rig->life % (sizeof(faults) / sizeof(faults[0]))]);
}
