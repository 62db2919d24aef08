/*
 * What it costs an event to reach a reader: on its own lane, and on another one. Two threads on two
 * cores; a record of 256 bytes, about an EVM log. Prints one line of JSON:
 *
 *   in_lane_ns      CPU of the lane an event, publish to callback, in batches
 *   cross_source_ns the same of the source's lane when the reader is on another
 *   cross_reader_ns ... and of the reader's lane
 *   in_lane, awake, asleep: nanoseconds from before publish to the callback, one event at a time;
 *                   on one lane, with the reader's lane polling, and with it sleeping
 *
 *   bench-crossing [EVENTS]
 */
#include "bus/crossing.h"
#include "latency.h"

#include <pthread.h>
#include <sched.h>

enum { SOURCE = 0, READER = 1, MEMBERS = 2, RECORD = 256, SINGLE = 20000, ASLEEP = 3000 };

struct bench {
    struct bus from, to;
    struct crossing_bell bell;
    struct crossing *crossing;
    uint64_t events;
    struct latency latency;
    uint64_t got;        /* atomic */
    uint64_t due;        /* of the event under way */
    uint64_t reader_cpu; /* of the thread that reads */
    int pace_ns;         /* between single events */
    bool sleeps;         /* the reader's lane sleeps */
};

static int32_t deliver(void *ctx, const hawse_event_t *const *events, uint32_t n)
{
    struct bench *b = ctx;
    if (b->latency.ns) {
        for (uint32_t i = 0; i < n; i++)
            latency_add(&b->latency, events[i]->t_recv_ns);
    }
    __atomic_store_n(&b->got, b->got + n, __ATOMIC_RELEASE);
    return (int32_t)n;
}

static int32_t nothing(void *ctx, const hawse_event_t *const *events, uint32_t n)
{
    (void)ctx;
    (void)events;
    return (int32_t)n;
}

static void pin(int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

static void need(bool good)
{
    if (!good)
        abort();
}

static bool publish(struct bench *b, uint64_t stamp)
{
    uint8_t *at = bus_reserve(&b->from, RECORD);
    if (!at)
        return false;
    memset(at, 7, RECORD);
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_EVM,
                       .kind = 2,
                       .stream = 1,
                       .t_recv_ns = stamp,
                       .key = 5,
                       .data = at,
                       .len = RECORD};
    return bus_publish(&b->from, SOURCE, &e) == HAWSE_OK;
}

static void set_up(struct bench *b, uint64_t events, uint64_t keep, bool crosses)
{
    memset(b, 0, sizeof(*b));
    b->events = events;
    struct fault fault = {0};
    struct route_pattern p = {.source = SOURCE + 1, .space = HAWSE_SPACE_EVM};
    need(bus_init(&b->from, MEMBERS) == HAWSE_OK && bus_init(&b->to, MEMBERS) == HAWSE_OK);
    need(loop_create(&b->bell.loop, &fault) == HAWSE_OK);
    need(bus_join(&b->from, SOURCE, SOURCE + 1, 64, 1000, nothing, NULL) == HAWSE_OK);
    b->from.now_ns = b->to.now_ns = 1;
    latency_init(&b->latency, events, events / 10, keep);
    if (crosses) {
        b->crossing = crossing_new(READER, &b->bell);
        need(b->crossing && crossing_join(b->crossing, &b->from, 4096, 600000) == HAWSE_OK);
    }
    need(bus_join(crosses ? &b->to : &b->from, READER, READER + 1, 4096, 600000, deliver, b) ==
         HAWSE_OK);
    need(bus_subscribe(&b->from, READER, &p, HAWSE_POLICY_LOSSLESS, 1) == HAWSE_OK);
}

static void tear_down(struct bench *b)
{
    if (b->crossing)
        crossing_leave(b->crossing);
    crossing_free(b->crossing);
    bus_finish(&b->from);
    bus_finish(&b->to);
    loop_destroy(b->bell.loop);
    free(b->latency.ns);
}

static void pass_time(uint64_t until)
{
    while (bench_clock(CLOCK_MONOTONIC) < until)
        ;
}

/* Events in batches of 64, as a burst of frames makes them, each when the one before was read: no
 * queue fills. Returns the CPU time of publishing and dispatching. */
static uint64_t flood(struct bench *b)
{
    uint64_t cpu = 0;
    for (uint64_t n = 0; n < b->events;) {
        uint64_t begin = bench_clock(CLOCK_THREAD_CPUTIME_ID);
        for (uint32_t i = 0; i < 64; i++, n++)
            need(publish(b, 0));
        (void)bus_dispatch(&b->from);
        cpu += bench_clock(CLOCK_THREAD_CPUTIME_ID) - begin;
        while (__atomic_load_n(&b->got, __ATOMIC_ACQUIRE) < n)
            ;
    }
    return cpu;
}

/* One at a time: the next when the one before has been read. */
static void single(struct bench *b)
{
    for (uint64_t n = 0; n < b->events; n++) {
        pass_time(bench_clock(CLOCK_MONOTONIC) + (uint64_t)b->pace_ns);
        b->from.now_ns = bench_clock(CLOCK_MONOTONIC);
        need(publish(b, b->from.now_ns));
        (void)bus_dispatch(&b->from);
        while (__atomic_load_n(&b->got, __ATOMIC_ACQUIRE) <= n)
            ;
    }
}

static bool may_sleep(void *ctx)
{
    struct bench *b = ctx;
    bell_set(&b->bell);
    return !crossing_waiting(b->crossing);
}

/* The reader's lane, without the sockets and timers of a real one. */
static void *reader_main(void *arg)
{
    struct bench *b = arg;
    pin(1);
    loop_on_sleep(b->bell.loop, may_sleep, b);
    while (b->got < b->events) {
        if (b->sleeps) {
            (void)loop_step(b->bell.loop, 1000000000u, 0);
            bell_clear(&b->bell);
        }
        if (!crossing_waiting(b->crossing))
            continue;
        uint64_t begin = b->latency.ns ? 0 : bench_clock(CLOCK_THREAD_CPUTIME_ID);
        (void)crossing_take(b->crossing, &b->to);
        (void)bus_dispatch(&b->to);
        b->reader_cpu += b->latency.ns ? 0 : bench_clock(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    return NULL;
}

static double percentile(const struct latency *l, uint64_t hundredths)
{
    return l->count ? (double)l->ns[(l->count - 1) * hundredths / 10000] : 0;
}

static void print_delays(const char *name, struct latency *l)
{
    qsort(l->ns, l->count, sizeof(l->ns[0]), latency_order);
    (void)printf(",\"%s\":{\"p50\":%.0f,\"p99\":%.0f}", name, percentile(l, 5000),
                 percentile(l, 9900));
}

static void crossed(struct bench *b, const char *name)
{
    pthread_t thread;
    need(pthread_create(&thread, NULL, reader_main, b) == 0);
    if (name) {
        single(b);
    } else {
        uint64_t cpu = flood(b);
        (void)printf(",\"cross_source_ns\":%.1f", (double)cpu / (double)b->events);
    }
    (void)pthread_join(thread, NULL);
    if (name)
        print_delays(name, &b->latency);
    else
        (void)printf(",\"cross_reader_ns\":%.1f", (double)b->reader_cpu / (double)b->events);
    tear_down(b);
}

int main(int argc, char **argv)
{
    static struct bench b;
    uint64_t events = (argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000) / 64 * 64;
    pin(0);
    set_up(&b, events, 0, false);
    (void)printf("{\"in_lane_ns\":%.1f", (double)flood(&b) / (double)events);
    tear_down(&b);
    set_up(&b, SINGLE, 1, false);
    single(&b);
    print_delays("in_lane", &b.latency);
    tear_down(&b);
    set_up(&b, events, 0, true);
    crossed(&b, NULL);
    set_up(&b, SINGLE, 1, true);
    b.pace_ns = 2000;
    crossed(&b, "awake");
    set_up(&b, ASLEEP, 1, true);
    b.pace_ns = 50000;
    b.sleeps = true;
    crossed(&b, "asleep");
    (void)printf("}\n");
    return 0;
}
