/*
 * What isolation costs: one callback of one event, in process, in a worker on the same CPU (futex),
 * and in one that spins on a CPU of its own; for a plugin that only reads the event, and for one
 * that publishes one in each callback; for events that are copied, and for received ones that are
 * read where they are. The lane's side is the real one, and so is the worker; what answers the
 * plugin's calls does nothing, so that only the way there and back is measured. "bare" is what the
 * machine takes for it: two processes that do nothing but hand a word to and fro.
 *
 *   bench-isolation HAWSE PLUGIN.so [CALLBACKS]     PLUGIN is isolation-probe.so beside this
 *   program
 */
#include "host/tap.h"
#include "plugin/library.h"
#include "worker/process.h"
#include "worker/received.h"

#include "latency.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WARM = 2000, DATA_MAX = 64 << 10, LIMIT_S = 10 };

struct bench {
    struct host_api api;
    struct tap_replay replay;
    uint8_t room[DATA_MAX];
    uint64_t calls;
};

static void answer(void *ctx, hawse_instance_t self, struct record_call *call)
{
    struct bench *b = ctx;
    (void)self;
    b->calls++;
    call->code = HAWSE_OK;
    call->result = call->call == CALL_QUERY ? TAP_SERVICE : 1;
}

static void answer_worker(void *ctx, struct record_call *call)
{
    answer(ctx, 0, call);
}

static uint64_t now(void *ctx, uint32_t clock)
{
    (void)ctx, (void)clock;
    return 1;
}

static uint8_t *reserve(void *ctx, hawse_instance_t self, uint64_t len)
{
    struct bench *b = ctx;
    (void)self;
    return len <= sizeof(b->room) ? b->room : NULL;
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

/* One way of running callbacks. */
struct way {
    const char *name;
    bool isolated;
    int cpu;
    uint64_t spin_ns;
};

struct subject {
    struct bench *bench;
    const struct library *library;
    struct worker *worker; /* NULL = in process */
    void *state;
};

static int32_t call(struct subject *s, enum link_kind kind, const char *settings,
                    const hawse_event_t *const *events)
{
    struct fault fault = {0};
    struct worker_job job = {.kind = kind,
                             .settings = hawse_text(settings),
                             .events = events,
                             .n = events ? 1 : 0,
                             .handle = 1,
                             .until_ns = bench_clock(CLOCK_MONOTONIC) + LIMIT_S * 1000000000ull,
                             .call = answer_worker,
                             .ctx = s->bench};
    int32_t result = 0;
    if (!s->worker)
        return kind == LINK_CREATE
                   ? s->library->table->create(&s->bench->api.table, 1, job.settings, &s->state)
                   : s->library->table->on_events(s->state, events, 1);
    if (worker_run(s->worker, &job, &result, &fault) == HAWSE_OK)
        return result;
    (void)fprintf(stderr, "bench-isolation: %s\n", fault.message);
    exit(1);
}

/* One kind of event. */
struct load {
    const char *data; /* where they are: "copied", "in place" */
    const struct received *received;
    uint8_t *at;
    uint64_t len;
    bool publishes;
};

static void print(const char *way, const struct load *load, struct latency *l)
{
    qsort(l->ns, l->count, sizeof(l->ns[0]), latency_order);
    (void)printf("{\"way\":\"%s\",\"data\":\"%s\",\"bytes\":%llu,\"publishes\":%d,\"n\":%llu,"
                 "\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f}\n",
                 way, load->data, (unsigned long long)load->len, load->publishes,
                 (unsigned long long)l->count, (double)l->ns[l->count / 2] / 1e3,
                 (double)l->ns[l->count * 99 / 100] / 1e3,
                 (double)l->ns[l->count * 999 / 1000] / 1e3);
    free(l->ns);
}

static void measure(const struct way *way, struct subject *s, const struct load *load, uint64_t n)
{
    hawse_event_t event = {
        .size = sizeof(event), .space = 0x8000, .kind = 1, .data = load->at, .len = load->len};
    const hawse_event_t *events[1] = {&event};
    struct latency l;
    latency_init(&l, n, WARM, 1);
    if (call(s, LINK_CREATE, load->publishes ? "{\"publish\":1}" : "{\"publish\":0}", NULL) < 0)
        exit(1);
    for (uint64_t i = 0; i < n; i++) {
        memset(load->at, (int)i, load->len); /* it was received a moment ago, by this CPU */
        uint64_t begin = bench_clock(CLOCK_MONOTONIC);
        if (call(s, LINK_EVENTS, "", events) != 1)
            exit(1);
        latency_add(&l, begin);
    }
    print(way->name, load, &l);
}

static void run(const struct way *way, struct bench *bench, const struct library *library,
                const char *program, const struct load *load, uint64_t n)
{
    struct fault fault = {0};
    struct subject s = {.bench = bench, .library = library};
    struct worker_options options = {.program = program,
                                     .id = library->manifest->id,
                                     .plugin_fd = library->fd,
                                     .received = load->received,
                                     .memory = 64u << 20,
                                     .cpu = way->cpu,
                                     .poked = true,
                                     .spin_ns = way->spin_ns};
    if (way->isolated && (worker_start(&options, &s.worker, &fault) != HAWSE_OK ||
                          worker_ready(s.worker, 5000000000u, &fault) != HAWSE_OK)) {
        (void)fprintf(stderr, "bench-isolation: %s\n", fault.message);
        exit(1);
    }
    measure(way, &s, load, n);
    worker_destroy(s.worker);
}

/* ---- what the machine takes ---- */

static void bare_give(uint32_t *word, uint32_t to, bool sleeps)
{
    __atomic_store_n(word, to, __ATOMIC_SEQ_CST);
    if (sleeps)
        (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void bare_wait(uint32_t *word, uint32_t other, bool sleeps)
{
    while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == other) {
        if (sleeps)
            (void)syscall(SYS_futex, word, FUTEX_WAIT, other, NULL, NULL, 0);
    }
}

static void bare(const char *name, bool sleeps, int cpu, uint64_t n)
{
    const struct load none = {.data = "none"};
    struct latency l;
    uint32_t *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (word == MAP_FAILED)
        exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        pin(cpu);
        for (;;) {
            bare_wait(word, 0, sleeps);
            bare_give(word, 0, sleeps);
        }
    }
    latency_init(&l, n, WARM, 1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t begin = bench_clock(CLOCK_MONOTONIC);
        bare_give(word, 1, sleeps);
        bare_wait(word, 1, sleeps);
        latency_add(&l, begin);
    }
    print(name, &none, &l);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    (void)munmap(word, 4096);
}

static void run_all(struct bench *bench, const struct library *library, const char *program,
                    uint64_t n)
{
    static const uint64_t sizes[] = {688, 2700, DATA_MAX};
    static const struct way ways[] = {
        {"in process", false, -1, 0},
        {"worker, same CPU, futex", true, -1, 0},
        {"worker, same CPU, yielding", true, -1, 50000},
        {"worker, own CPU, spinning", true, 1, 1000000},
    };
    static uint8_t own[DATA_MAX];
    struct received received;
    struct fault fault = {0};
    if (received_open(&received, &fault) != HAWSE_OK)
        exit(1);
    uint8_t *there = received_resize(&received, NULL, 0, DATA_MAX + HAWSE_PADDING);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        for (size_t k = 0; k < 4; k++) { /* three sizes, and one that publishes */
            struct load copied = {"copied", NULL, own, sizes[k % 3], k == 3};
            struct load lent = {"in place", &received, there, sizes[k % 3], k == 3};
            if (ways[i].isolated)
                run(&ways[i], bench, library, program, &copied, n);
            run(&ways[i], bench, library, program, &lent, n);
        }
    }
    received_close(&received);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct library *library = NULL;
    struct fault fault = {0};
    uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
    bench.api.table = tap_table;
    bench.api.replay = &bench.replay;
    bench.replay =
        (struct tap_replay){.ctx = &bench, .answer = answer, .now = now, .reserve = reserve};
    if (argc < 3 || n <= WARM || library_inspect(argv[2], &library, &fault) != HAWSE_OK ||
        library_load(library, &bench.api.table, &fault) != HAWSE_OK) {
        (void)fprintf(stderr, "usage: bench-isolation HAWSE PLUGIN.so [CALLBACKS > %d]  %s\n", WARM,
                      fault.message);
        return 2;
    }
    pin(0);
    bare("bare, same CPU, futex", true, 0, n);
    bare("bare, own CPU, spinning", false, 1, n);
    run_all(&bench, library, argv[1], n);
    return 0;
}
