/*
 * From lane to lane: nothing is lost, doubled or reordered whatever the two threads do, policies
 * hold over all three queues, a sleeper is woken, and none of it allocates.
 */
#include "bus/crossing.h"
#include "harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOURCE = 0,
    FIRST = 1,
    READERS = 3,
    MEMBERS = 8,
    KEYS = 13,
    EVENTS = 12000,
    SIZE_MAX_ = 900
};

struct record {
    uint64_t number, size, check;
};

struct reader {
    uint32_t policy;
    uint32_t sluggish; /* takes a part of a batch once in so many calls; 0 = never */
    uint64_t random;
    uint64_t got, lost, gaps;
    uint64_t last;            /* sequence number accounted for, delivered or announced */
    uint64_t of_key[KEYS];    /* number of the newest of each key */
    uint64_t clock_backwards; /* events that looked younger than the clock */
    struct bus *bus;
    struct crossing *crossing;
};

static struct bus from, to;
static struct crossing_bell bell;
static struct reader readers[READERS];
static int source_done; /* atomic */

static uint64_t step_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* Each event: the record's bytes are as written, numbers ascend, and what is missing between two of
 * them was announced before. */
static void look(struct reader *r, const hawse_event_t *e)
{
    if (e->space == HAWSE_SPACE_STREAM) {
        hawse_stream_range_t range;
        memcpy(&range, e->data, sizeof(range));
        CHECK(e->flags & HAWSE_EVENT_LOCAL);
        r->gaps++;
        r->lost += range.count;
        return;
    }
    struct record record;
    memcpy(&record, e->data, sizeof(record));
    CHECK_EQ_U64(record.number, e->seq);
    CHECK_EQ_U64(record.size, e->len);
    CHECK_EQ_U64(e->key, record.number % KEYS);
    CHECK_EQ(e->source, SOURCE + 1);
    CHECK_EQ_U64(record.check, record.number * 0x9e3779b97f4a7c15u);
    for (uint64_t i = sizeof(record); i < e->len; i++)
        CHECK_EQ(e->data[i], (uint8_t)(record.number + i));
    if (e->seq <= r->last)
        FAIL("number %llu after %llu", (unsigned long long)e->seq, (unsigned long long)r->last);
    r->last = e->seq;
    r->of_key[e->key] = e->seq;
    if (e->t_recv_ns >= r->bus->now_ns)
        r->clock_backwards++;
    r->got++;
}

static int32_t deliver(void *ctx, const hawse_event_t *const *events, uint32_t n)
{
    struct reader *r = ctx;
    uint32_t take = n;
    if (r->sluggish && step_random(&r->random) % r->sluggish == 0)
        take = (uint32_t)(step_random(&r->random) % (n + 1));
    for (uint32_t i = 0; i < take; i++)
        look(r, events[i]);
    return (int32_t)take;
}

static int32_t nothing(void *ctx, const hawse_event_t *const *events, uint32_t n)
{
    (void)ctx;
    (void)events;
    return (int32_t)n;
}

static void set_up(const uint32_t policies[READERS], uint32_t queue, uint32_t patience_ms)
{
    CHECK_EQ(bus_init(&from, MEMBERS), HAWSE_OK);
    CHECK_EQ(bus_init(&to, MEMBERS), HAWSE_OK);
    from.now_ns = to.now_ns = 1;
    CHECK_EQ(bus_join(&from, SOURCE, SOURCE + 1, 64, 1000, nothing, NULL), HAWSE_OK);
    for (uint32_t i = 0; i < READERS; i++) {
        struct reader *r = &readers[i];
        *r = (struct reader){.policy = policies[i], .random = test_random(), .bus = &to};
        r->crossing = crossing_new(FIRST + i, &bell);
        CHECK(r->crossing != NULL);
        CHECK_EQ(bus_join(&to, FIRST + i, FIRST + i + 1, queue, patience_ms, deliver, r), HAWSE_OK);
        CHECK_EQ(bus_expect(&to, FIRST + i, r->policy), HAWSE_OK);
        CHECK_EQ(crossing_join(r->crossing, &from, queue, patience_ms), HAWSE_OK);
        struct route_pattern p = {.source = SOURCE + 1, .space = HAWSE_SPACE_MARKET};
        CHECK_EQ(bus_subscribe(&from, FIRST + i, &p, r->policy, i + 1), HAWSE_OK);
    }
}

static void tear_down(void)
{
    for (uint32_t i = 0; i < READERS; i++) {
        crossing_leave(readers[i].crossing);
        crossing_free(readers[i].crossing);
    }
    bus_finish(&from);
    bus_finish(&to);
}

static int32_t publish(uint64_t number, uint64_t size)
{
    uint8_t bytes[SIZE_MAX_ + sizeof(struct record)];
    struct record record = {number, size, number * 0x9e3779b97f4a7c15u};
    memcpy(bytes, &record, sizeof(record));
    for (uint64_t i = sizeof(record); i < size; i++)
        bytes[i] = (uint8_t)(number + i);
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_MARKET,
                       .kind = 2,
                       .stream = 1,
                       .t_recv_ns = from.now_ns,
                       .key = number % KEYS,
                       .data = bytes,
                       .len = size};
    return bus_publish(&from, SOURCE, &e);
}

/* What a reader's lane does between two events of its own. */
static bool take_all(void)
{
    uint32_t moved = 0;
    for (uint32_t i = 0; i < READERS; i++)
        moved += crossing_take(readers[i].crossing, &to);
    uint64_t delivered = bus_dispatch(&to);
    bus_unblock(&to);
    return moved > 0 || delivered > 0;
}

static void *source_main(void *arg)
{
    uint64_t random = *(uint64_t *)arg;
    for (uint64_t n = 1; n <= EVENTS;) {
        from.now_ns = loop_clock();
        uint64_t size = sizeof(struct record) + step_random(&random) % SIZE_MAX_;
        if (publish(n, size) == HAWSE_OK)
            n++;
        else
            (void)sched_yield();
        if (step_random(&random) % 8 == 0) {
            (void)bus_dispatch(&from);
            bus_unblock(&from);
        }
    }
    while (from.queued > 0) {
        (void)bus_dispatch(&from);
        bus_unblock(&from);
        (void)sched_yield();
    }
    __atomic_store_n(&source_done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void run_threads(uint32_t sluggish)
{
    pthread_t thread;
    uint64_t seed = test_random();
    for (uint32_t i = 0; i < READERS; i++)
        readers[i].sluggish = sluggish;
    __atomic_store_n(&source_done, 0, __ATOMIC_RELAXED);
    CHECK_EQ(pthread_create(&thread, NULL, source_main, &seed), 0);
    for (;;) {
        bool last = __atomic_load_n(&source_done, __ATOMIC_ACQUIRE) != 0;
        to.now_ns = loop_clock();
        bool moved = take_all();
        if (last && !moved && to.queued == 0)
            break;
        if (!moved)
            (void)sched_yield();
    }
    (void)pthread_join(thread, NULL);
}

static const uint32_t each[READERS] = {HAWSE_POLICY_LOSSLESS, HAWSE_POLICY_LATEST,
                                       HAWSE_POLICY_DROP_OLDEST};

/* Every event came to its reader, or was announced, or a newer one of its key came. */
static void judge(void)
{
    CHECK_EQ_U64(readers[0].got, EVENTS);
    CHECK_EQ_U64(readers[0].gaps, 0);
    for (uint64_t k = 0; k < KEYS; k++)
        CHECK_EQ_U64(readers[1].of_key[k], EVENTS - (EVENTS - k) % KEYS);
    CHECK_EQ_U64(readers[1].gaps, 0);
    CHECK_EQ_U64(readers[2].got + readers[2].lost, EVENTS);
    for (uint32_t i = 0; i < READERS; i++)
        CHECK_EQ_U64(readers[i].clock_backwards, 0);
}

TEST_LIMIT(crossing_threads, 40,
           "two threads: lossless loses nothing, latest ends with the newest of each key, "
           "drop-oldest announces what it lost, all in order")
{
    set_up(each, 256, 600000);
    run_threads(0);
    judge();
    tear_down();
}

TEST_LIMIT(crossing_sluggish, 40, "the same with readers that take a part of what they are given")
{
    set_up(each, 16, 600000);
    run_threads(3);
    judge();
    tear_down();
}

TEST(crossing_full, "a lossless reader that takes nothing stops its source, and its patience ends "
                    "in a gap that counts what was lost")
{
    const uint32_t lossless[READERS] = {HAWSE_POLICY_LOSSLESS, HAWSE_POLICY_LOSSLESS,
                                        HAWSE_POLICY_LOSSLESS};
    set_up(lossless, 16, 1000);
    bus_hold(&to, FIRST, true);
    uint64_t sent = 0;
    while (publish(sent + 1, SIZE_MAX_) == HAWSE_OK || take_all()) {
        sent = from.members[SOURCE].seq[1];
        (void)bus_dispatch(&from);
        bus_unblock(&from);
    }
    CHECK(sent > CROSSING_BYTES / (SIZE_MAX_ + 100)); /* inbox, ring, inbox of the stand-in */
    CHECK(readers[0].crossing->stuck);
    CHECK(!crossing_waiting(readers[0].crossing));
    from.now_ns += 2000000000u;
    for (uint64_t n = sent + 1; n <= sent + 10; n++) {
        CHECK_EQ(publish(n, 100), HAWSE_OK);
        (void)bus_dispatch(&from);
        (void)take_all();
    }
    bus_hold(&to, FIRST, false);
    for (int i = 0; i < 1000; i++) {
        bus_unblock(&from);
        (void)bus_dispatch(&from);
        (void)take_all();
    }
    CHECK(readers[0].got >= 16); /* the reader's own patience was over too */
    CHECK(readers[0].gaps >= 1);
    CHECK_EQ_U64(readers[0].got + readers[0].lost, sent + 10);
    CHECK_EQ_U64(readers[1].got, sent + 10); /* was never behind */
    tear_down();
}

TEST(crossing_gone, "a reader that failed is not waited for, and one that left gets nothing")
{
    set_up(each, 16, 1000);
    to.members[FIRST].open = false;
    for (uint64_t n = 1; n <= 20000; n++) {
        CHECK_EQ(publish(n, 100), HAWSE_OK);
        (void)bus_dispatch(&from);
        (void)take_all();
    }
    CHECK_EQ_U64(readers[0].got, 0);
    struct route_pattern p = {.source = SOURCE + 1, .space = HAWSE_SPACE_MARKET};
    for (uint32_t i = 0; i < READERS; i++) {
        bus_unsubscribe(&from, &p, i + 1);
        crossing_leave(readers[i].crossing);
    }
    CHECK_EQ(publish(20001, 100), HAWSE_OK);
    (void)bus_dispatch(&from);
    CHECK_EQ_U64(from.queued, 0);
    CHECK(!take_all());
    tear_down();
}

TEST(crossing_clock, "what is caused on another lane never looks earlier than its cause")
{
    set_up(each, 16, 1000);
    from.now_ns = 5000;
    to.now_ns = 4000;
    CHECK_EQ(publish(1, 100), HAWSE_OK);
    (void)bus_dispatch(&from);
    (void)take_all();
    CHECK_EQ_U64(to.now_ns, 5001);
    CHECK_EQ_U64(readers[0].clock_backwards, 0);
    tear_down();
}

TEST(crossing_no_allocation, "nothing allocates between publish and the reader")
{
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    set_up(each, 64, 1000);
    uint64_t before = test_alloc_count();
    for (uint64_t n = 1; n <= 10000; n++) {
        CHECK_EQ(publish(n, 300), HAWSE_OK);
        (void)bus_dispatch(&from);
        (void)take_all();
    }
    CHECK_EQ_U64(test_alloc_count() - before, 0);
    CHECK_EQ_U64(readers[0].got, 10000);
    tear_down();
}

/* ---- sleeping ---- */

static bool may_sleep(void *ctx)
{
    (void)ctx;
    bell_set(&bell);
    for (uint32_t i = 0; i < READERS; i++) {
        if (crossing_waiting(readers[i].crossing)) {
            bell_clear(&bell);
            return false;
        }
    }
    return true;
}

static uint64_t answered; /* atomic: number of the last event the reader has seen */

/* Publishes the next when the last was seen: each time the reader is about to sleep, or sleeps. */
static void *slow_source(void *arg)
{
    uint64_t random = *(uint64_t *)arg;
    for (uint64_t n = 1; n <= 500; n++) {
        from.now_ns = loop_clock();
        CHECK_EQ(publish(n, 64), HAWSE_OK);
        (void)bus_dispatch(&from);
        while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) < n)
            (void)sched_yield();
        for (uint64_t i = step_random(&random) % 2000; i > 0; i--)
            __atomic_signal_fence(__ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST_LIMIT(crossing_wakes, 15,
           "a lane that sleeps is woken, however close it was to falling asleep")
{
    struct fault fault = {0};
    set_up(each, 16, 1000);
    CHECK_EQ(loop_create(&bell.loop, &fault), HAWSE_OK);
    loop_on_sleep(bell.loop, may_sleep, NULL);
    pthread_t thread;
    uint64_t seed = test_random(), begun = loop_clock();
    CHECK_EQ(pthread_create(&thread, NULL, slow_source, &seed), 0);
    while (readers[0].got < 500) {
        (void)loop_step(bell.loop, 60000000000u, 0);
        bell_clear(&bell);
        to.now_ns = loop_clock();
        (void)take_all();
        __atomic_store_n(&answered, readers[0].got, __ATOMIC_RELEASE);
    }
    (void)pthread_join(thread, NULL);
    CHECK(loop_clock() - begun < 50000000000u); /* one wake-up that is missed costs a minute */
    loop_destroy(bell.loop);
    tear_down();
}
