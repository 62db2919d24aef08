/*
 * What isolation costs: one callback of one event, in process, in a worker on the same CPU that
 * sleeps, in one that stays awake there while callbacks follow each other, and in one that spins on
 * a CPU of its own; for a plugin that only reads the event, and for one that publishes one in each
 * callback; for events that are copied, and for received ones that are read where they are; one
 * after the other, and with a rest before each. The lane's side is the real one, and so is the
 * worker; what answers the plugin's calls does nothing, so that only the way there and back is
 * measured. bench_bare.c says what the machine takes for it.
 *
 *   bench-isolation HAWSE PLUGIN.so [CALLBACKS [ROUNDS]]     PLUGIN is isolation-probe.so beside
 *   this program; of the rounds the one with the least median counts, as others use the machine too
 *
 * Ends with what isolation adds to 688 bytes read in place, beside the goal and what the machine
 * takes for the same handing over. It never fails on time.
 */
#include "bench_bare.h"
#include "host/tap.h"
#include "plugin/library.h"
#include "worker/process.h"
#include "worker/received.h"

#include "latency.h"

#include <sched.h>
#include <stdbool.h>
#include <time.h>

enum { WARM = 2000, DATA_MAX = 64 << 10, LIMIT_S = 10, RESTS = 2000, REST_NS = 200000 };

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
    bool publishes, rests;
};

static void print(const char *way, const struct load *load, const struct figures *f)
{
    (void)printf("{\"way\":\"%s\",\"data\":\"%s\",\"bytes\":%llu,\"publishes\":%d,\"rests\":%d,"
                 "\"p50_us\":%.3f,\"p99_us\":%.3f,\"p999_us\":%.3f}\n",
                 way, load->data, (unsigned long long)load->len, load->publishes, load->rests,
                 f->p50_us, f->p99_us, f->p999_us);
}

static struct figures measure(struct subject *s, const struct load *load, uint64_t n)
{
    const struct timespec rest = {.tv_nsec = REST_NS};
    hawse_event_t event = {
        .size = sizeof(event), .space = 0x8000, .kind = 1, .data = load->at, .len = load->len};
    const hawse_event_t *events[1] = {&event};
    struct latency l;
    latency_init(&l, n, WARM, 1);
    if (call(s, LINK_CREATE, load->publishes ? "{\"publish\":1}" : "{\"publish\":0}", NULL) < 0)
        exit(1);
    for (uint64_t i = 0; i < n; i++) {
        if (load->rests)
            (void)nanosleep(&rest, NULL);
        memset(load->at, (int)i, load->len); /* it was received a moment ago, by this CPU */
        uint64_t begin = bench_clock(CLOCK_MONOTONIC);
        if (call(s, LINK_EVENTS, "", events) != 1)
            exit(1);
        latency_add(&l, begin);
    }
    return figures_of(&l);
}

static struct figures run(const struct way *way, struct bench *bench, const struct library *library,
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
    struct figures f = measure(&s, load, load->rests ? WARM + RESTS : n);
    worker_destroy(s.worker);
    return f;
}

/* What is measured, and with what. */
struct plan {
    struct bench *bench;
    const struct library *library;
    const char *program;
    uint64_t n, rounds;
};

static struct figures best(const struct plan *p, const struct way *way, const struct load *load)
{
    struct figures least = {.p50_us = 1e9};
    for (uint64_t i = 0; i < p->rounds; i++) {
        struct figures f = run(way, p->bench, p->library, p->program, load, p->n);
        least = f.p50_us < least.p50_us ? f : least;
    }
    print(way->name, load, &least);
    return least;
}

static const struct way ways[] = {
    {"in process", false, -1, 0},
    {"worker, same CPU, asleep", true, -1, 0},
    {"worker, same CPU, awake", true, -1, 50000},
    {"worker, own CPU, spinning", true, 1, 1000000},
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

/* The median of 688 bytes in place, of each way. */
static void run_all(const struct plan *p, double medians[WAYS])
{
    static const uint64_t sizes[] = {688, 2700, DATA_MAX, 688, 688};
    static uint8_t own[DATA_MAX];
    struct received received;
    struct fault fault = {0};
    if (received_open(&received, &fault) != HAWSE_OK)
        exit(1);
    uint8_t *there = received_resize(&received, NULL, 0, DATA_MAX + HAWSE_PADDING);
    for (size_t i = 0; i < WAYS; i++) {
        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            struct load copied = {"copied", NULL, own, sizes[k], k == 3, k == 4};
            struct load lent = {"in place", &received, there, sizes[k], k == 3, k == 4};
            struct figures f = best(p, &ways[i], &lent);
            medians[i] = k == 0 ? f.p50_us : medians[i];
            if (ways[i].isolated && !copied.rests)
                (void)best(p, &ways[i], &copied);
        }
    }
    received_close(&received);
}

static double least_bare(const struct plan *p, const struct bare_way *way)
{
    const struct load none = {.data = "none"};
    struct figures least = {.p50_us = 1e9};
    for (uint64_t i = 0; i < p->rounds; i++) {
        struct figures f = bare_run(way, p->n, WARM);
        least = f.p50_us < least.p50_us ? f : least;
    }
    print(way->name, &none, &least);
    return least.p50_us;
}

static void judge(const char *what, double adds_us, double goal_us, double bare_us)
{
    (void)printf(
        "%s: isolation adds %.2f us to the median (goal %.0f: %s); the machine alone takes "
        "%.2f\n",
        what, adds_us, goal_us, adds_us <= goal_us ? "kept" : "missed", bare_us);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    struct library *library = NULL;
    struct fault fault = {0};
    uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 100000;
    uint64_t rounds = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    double medians[WAYS] = {0}, bare[BARE_WAYS] = {0};
    bench.api.table = tap_table;
    bench.api.replay = &bench.replay;
    bench.replay =
        (struct tap_replay){.ctx = &bench, .answer = answer, .now = now, .reserve = reserve};
    if (argc < 3 || n <= WARM || rounds < 1 ||
        library_inspect(argv[2], &library, &fault) != HAWSE_OK ||
        library_load(library, &bench.api.table, &fault) != HAWSE_OK) {
        (void)fprintf(stderr,
                      "usage: bench-isolation HAWSE PLUGIN.so [CALLBACKS > %d [ROUNDS]]  %s\n",
                      WARM, fault.message);
        return 2;
    }
    struct plan plan = {&bench, library, argv[1], n, rounds};
    bare_pin(0);
    for (size_t i = 0; i < BARE_WAYS; i++)
        bare[i] = least_bare(&plan, &bare_ways[i]);
    run_all(&plan, medians);
    judge("same CPU, asleep", medians[1] - medians[0], 3, bare[BARE_FUTEX]);
    judge("same CPU, awake", medians[2] - medians[0], 3, bare[BARE_YIELD]);
    judge("own CPU", medians[3] - medians[0], 1, bare[BARE_LINE]);
    return 0;
}
