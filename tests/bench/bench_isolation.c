/*
 * What isolation costs: one callback of one event, in process, in a worker on the same CPU (futex),
 * and in one that spins on a CPU of its own; for a plugin that only reads the event, and for one
 * that publishes one in each callback. The lane's side is the real one, and so is the worker; what
 * answers the plugin's calls does nothing, so that only the way there and back is measured.
 *
 *   bench-isolation HAWSE PLUGIN.so [CALLBACKS]     PLUGIN is isolation-probe.so beside this
 * program
 */
#include "host/tap.h"
#include "plugin/library.h"
#include "worker/process.h"

#include "latency.h"

#include <sched.h>
#include <stdbool.h>

enum { WARM = 2000, DATA = 688, LIMIT_S = 10 };

struct bench {
    struct host_api api;
    struct tap_replay replay;
    uint8_t room[4096];
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

static void measure(const struct way *way, struct subject *s, bool publishes, uint64_t n)
{
    static uint8_t data[DATA];
    hawse_event_t event = {
        .size = sizeof(event), .space = 0x8000, .kind = 1, .data = data, .len = sizeof(data)};
    const hawse_event_t *events[1] = {&event};
    struct latency l;
    latency_init(&l, n, WARM, 1);
    if (call(s, LINK_CREATE, publishes ? "{\"publish\":1}" : "{\"publish\":0}", NULL) < 0)
        exit(1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t begin = bench_clock(CLOCK_MONOTONIC);
        if (call(s, LINK_EVENTS, "", events) != 1)
            exit(1);
        latency_add(&l, begin);
    }
    qsort(l.ns, l.count, sizeof(l.ns[0]), latency_order);
    (void)printf("{\"way\":\"%s\",\"publishes\":%d,\"n\":%llu,\"p50_us\":%.3f,\"p99_us\":%.3f,"
                 "\"p999_us\":%.3f}\n",
                 way->name, publishes, (unsigned long long)l.count, (double)l.ns[l.count / 2] / 1e3,
                 (double)l.ns[l.count * 99 / 100] / 1e3, (double)l.ns[l.count * 999 / 1000] / 1e3);
    free(l.ns);
}

static void run(const struct way *way, struct bench *bench, const struct library *library,
                const char *program, uint64_t n)
{
    struct fault fault = {0};
    for (int publishes = 0; publishes < 2; publishes++) {
        struct subject s = {.bench = bench, .library = library};
        struct worker_options options = {.program = program,
                                         .id = library->manifest->id,
                                         .plugin_fd = library->fd,
                                         .memory = 64u << 20,
                                         .cpu = way->cpu,
                                         .poked = true,
                                         .spin_ns = way->spin_ns};
        if (way->isolated && (worker_start(&options, &s.worker, &fault) != HAWSE_OK ||
                              worker_ready(s.worker, 5000000000u, &fault) != HAWSE_OK)) {
            (void)fprintf(stderr, "bench-isolation: %s\n", fault.message);
            exit(1);
        }
        measure(way, &s, publishes != 0, n);
        worker_destroy(s.worker);
    }
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
    const struct way ways[] = {
        {"in process", false, -1, 0},
        {"worker, same CPU, futex", true, -1, 0},
        {"worker, same CPU, yielding", true, -1, 50000},
        {"worker, own CPU, spinning", true, 1, 1000000},
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        run(&ways[i], &bench, library, argv[1], n);
    return 0;
}
