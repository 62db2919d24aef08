/*
 * The bus: who gets what, in which order, what happens when somebody does not keep up, and that
 * none of it allocates.
 */
#include "bus/bus.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

enum { SOURCE = 0, READER = 1, OTHER = 2, MEMBERS = 8 };

struct reader {
    struct bus *bus;
    uint32_t take; /* events it takes per call; UINT32_MAX = all */
    uint32_t calls, taken, gaps;
    uint64_t lost; /* events announced as lost */
    uint64_t last_seq;
    uint64_t last_value;
    bool ordered;
    uint64_t values[8192];
};

static struct bus bus;
static struct reader readers[MEMBERS];

static int32_t deliver(void *ctx, const hawse_event_t *const *events, uint32_t n)
{
    struct reader *r = ctx;
    r->calls++;
    uint32_t take = n < r->take ? n : r->take;
    for (uint32_t i = 0; i < take; i++) {
        const hawse_event_t *e = events[i];
        if (e->space == HAWSE_SPACE_STREAM) {
            hawse_stream_range_t range;
            memcpy(&range, e->data, sizeof(range));
            r->gaps++;
            r->lost += range.count;
            if (range.reason == HAWSE_REASON_OVERFLOW)
                r->last_seq = range.to > r->last_seq ? range.to : r->last_seq;
            continue;
        }
        uint64_t value;
        memcpy(&value, e->data, sizeof(value));
        if (e->source == SOURCE + 1 && e->seq <= r->last_seq)
            r->ordered = false;
        r->last_seq = e->seq;
        r->values[r->taken++ % 8192] = value;
    }
    return (int32_t)take;
}

static void set_up(uint32_t queue)
{
    CHECK_EQ(bus_init(&bus, MEMBERS), HAWSE_OK);
    bus.now_ns = 1;
    for (uint32_t i = 0; i < 3; i++) {
        readers[i] = (struct reader){.bus = &bus, .take = UINT32_MAX, .ordered = true};
        CHECK_EQ(bus_join(&bus, i, i + 1, queue, 1000, deliver, &readers[i]), HAWSE_OK);
    }
}

static void subscribe(uint32_t member, uint16_t kind, bool keyed, uint64_t key, uint32_t policy,
                      uint64_t sub)
{
    struct route_pattern p = {.source = SOURCE + 1,
                              .space = HAWSE_SPACE_MARKET,
                              .kind = kind,
                              .keyed = keyed,
                              .key = key};
    CHECK_EQ(bus_subscribe(&bus, member, &p, policy, sub), HAWSE_OK);
}

static int32_t publish(uint16_t kind, uint64_t key, uint64_t value)
{
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_MARKET,
                       .kind = kind,
                       .stream = 1,
                       .key = key,
                       .data = (const uint8_t *)&value,
                       .len = sizeof(value)};
    return bus_publish(&bus, SOURCE, &e);
}

TEST(bus_routes_by_kind_and_key, "an event reaches exactly those who asked for its kind and key")
{
    set_up(64);
    subscribe(READER, 2, true, 77, HAWSE_POLICY_LOSSLESS, 1);
    subscribe(OTHER, 0, false, 0, HAWSE_POLICY_LOSSLESS, 2);
    CHECK_EQ(publish(2, 77, 1), HAWSE_OK);
    CHECK_EQ(publish(2, 78, 2), HAWSE_OK);
    CHECK_EQ(publish(3, 77, 3), HAWSE_OK);
    CHECK_EQ(readers[READER].taken, 0); /* publish calls nobody */
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 1);
    CHECK_EQ_U64(readers[READER].values[0], 1);
    CHECK_EQ(readers[OTHER].taken, 3);
    bus_finish(&bus);
}

TEST(bus_delivers_once, "a reader with several matching subscriptions gets an event once")
{
    set_up(64);
    subscribe(READER, 2, true, 77, HAWSE_POLICY_LOSSLESS, 1);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 2);
    subscribe(READER, 0, true, 77, HAWSE_POLICY_LOSSLESS, 3);
    subscribe(READER, 0, false, 0, HAWSE_POLICY_LOSSLESS, 4);
    CHECK_EQ(publish(2, 77, 1), HAWSE_OK);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 1);
    bus_finish(&bus);
}

TEST(bus_unsubscribe, "after unsubscribe nothing more comes")
{
    set_up(64);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 9);
    struct route_pattern p = {.source = SOURCE + 1, .space = HAWSE_SPACE_MARKET, .kind = 2};
    bus_unsubscribe(&bus, &p, 9);
    CHECK_EQ(publish(2, 0, 1), HAWSE_OK);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 0);
    bus_finish(&bus);
}

TEST(bus_lossless_refuses, "a full lossless reader makes publish answer AGAIN, and nobody gets it")
{
    set_up(16);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    subscribe(OTHER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 2);
    readers[READER].take = 0;
    uint64_t sent = 0;
    while (publish(2, 0, sent) == HAWSE_OK)
        sent++;
    CHECK_EQ_U64(sent, 16);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[OTHER].taken, 16);
    CHECK_EQ(publish(2, 0, sent), HAWSE_E_AGAIN);
    CHECK_EQ(readers[OTHER].taken, 16);
    readers[READER].take = UINT32_MAX;
    bus_unblock(&bus);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 16);
    CHECK(readers[READER].ordered);
    CHECK_EQ(publish(2, 0, sent), HAWSE_OK);
    bus_finish(&bus);
}

TEST(bus_patience_ends_in_a_gap,
     "a lossless reader that stays full past its patience loses counted events and is told")
{
    set_up(16);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    readers[READER].take = 0;
    for (uint64_t i = 0; i < 16; i++)
        CHECK_EQ(publish(2, 0, i), HAWSE_OK);
    CHECK_EQ(publish(2, 0, 16), HAWSE_E_AGAIN);
    bus.now_ns += 2000000000u;
    for (uint64_t i = 16; i < 20; i++)
        CHECK_EQ(publish(2, 0, i), HAWSE_OK);
    readers[READER].take = UINT32_MAX;
    (void)bus_dispatch(&bus);
    bus_unblock(&bus);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 16);
    CHECK_EQ(readers[READER].gaps, 1);
    CHECK_EQ_U64(readers[READER].lost, 4);
    CHECK_EQ(publish(2, 0, 20), HAWSE_OK);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 17);
    CHECK(readers[READER].ordered);
    bus_finish(&bus);
}

TEST(bus_patience_counts_on,
     "a reader that is asked again and takes nothing does not gain patience")
{
    set_up(16);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    readers[READER].take = 0;
    for (uint64_t i = 0; i < 16; i++)
        CHECK_EQ(publish(2, 0, i), HAWSE_OK);
    for (uint64_t ms = 0; ms < 1000; ms++) {
        CHECK_EQ(publish(2, 0, 16), HAWSE_E_AGAIN);
        bus.now_ns += 1000000u;
        bus_unblock(&bus);
        (void)bus_dispatch(&bus);
    }
    CHECK_EQ(publish(2, 0, 16), HAWSE_OK);
    readers[READER].take = UINT32_MAX;
    bus_unblock(&bus);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 16);
    CHECK_EQ_U64(readers[READER].lost, 1);
    bus_finish(&bus);
}

TEST(bus_drop_oldest, "drop-oldest keeps the newest and announces what was lost before them")
{
    set_up(16);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_DROP_OLDEST, 1);
    for (uint64_t i = 0; i < 100; i++)
        CHECK_EQ(publish(2, 0, i), HAWSE_OK);
    (void)bus_dispatch(&bus);
    struct reader *r = &readers[READER];
    CHECK_EQ(r->taken, 16);
    CHECK_EQ_U64(r->values[0], 84);
    CHECK_EQ_U64(r->values[15], 99);
    CHECK_EQ_U64(r->lost, 84);
    CHECK(r->ordered);
    bus_finish(&bus);
}

TEST(bus_latest, "latest keeps one event per key, the newest")
{
    set_up(64);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LATEST, 1);
    for (uint64_t i = 0; i < 1000; i++)
        CHECK_EQ(publish(2, i % 5, i), HAWSE_OK);
    (void)bus_dispatch(&bus);
    struct reader *r = &readers[READER];
    CHECK_EQ(r->taken, 5);
    for (uint64_t k = 0; k < 5; k++)
        CHECK_EQ_U64(r->values[k], 995 + k);
    CHECK_EQ(r->gaps, 0);
    bus_finish(&bus);
}

TEST(bus_partial_take, "what a reader does not take comes again, in order")
{
    set_up(1024);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    readers[READER].take = 7;
    for (uint64_t i = 0; i < 500; i++)
        CHECK_EQ(publish(2, 0, i), HAWSE_OK);
    for (int i = 0; i < 200 && readers[READER].taken < 500; i++) {
        (void)bus_dispatch(&bus);
        bus_unblock(&bus);
    }
    CHECK_EQ(readers[READER].taken, 500);
    for (uint64_t i = 0; i < 500; i++)
        CHECK_EQ_U64(readers[READER].values[i], i);
    bus_finish(&bus);
}

TEST(bus_continuity_reaches_readers, "gap events reach every reader of the source, and only them")
{
    set_up(64);
    subscribe(READER, 4, true, 5, HAWSE_POLICY_LOSSLESS, 1);
    hawse_stream_range_t range = {.size = sizeof(range), .reason = HAWSE_REASON_SILENT, .count = 3};
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_STREAM,
                       .kind = HAWSE_STREAM_EVENT_GAP,
                       .data = (const uint8_t *)&range,
                       .len = sizeof(range)};
    CHECK_EQ(bus_publish(&bus, SOURCE, &e), HAWSE_OK);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].gaps, 1);
    CHECK_EQ(readers[OTHER].gaps, 0);
    bus_finish(&bus);
}

TEST(bus_announce_when_full, "a source's last word reaches its readers though the arena is full")
{
    set_up(4096);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    readers[READER].take = 0;
    static uint8_t record[64 << 10];
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_MARKET,
                       .kind = 2,
                       .stream = 1,
                       .data = record,
                       .len = sizeof(record)};
    uint32_t n = 0;
    while (bus_publish(&bus, SOURCE, &e) == HAWSE_OK)
        n++;
    e.len = 64; /* and the rest with small ones */
    while (bus_publish(&bus, SOURCE, &e) == HAWSE_OK)
        n++;
    e.len = 8;
    while (bus_publish(&bus, SOURCE, &e) == HAWSE_OK)
        n++;
    hawse_stream_range_t range = {
        .size = sizeof(range), .reason = HAWSE_REASON_DISCONNECTED, .count = 7};
    hawse_event_t last = {.size = sizeof(last),
                          .space = HAWSE_SPACE_STREAM,
                          .kind = HAWSE_STREAM_EVENT_UNHEALABLE,
                          .data = (const uint8_t *)&range,
                          .len = sizeof(range)};
    CHECK_EQ(bus_publish(&bus, SOURCE, &last), HAWSE_E_AGAIN);
    bus_announce(&bus, SOURCE, &last);
    memset(&range, 0xff, sizeof(range)); /* it is a copy */
    readers[READER].take = UINT32_MAX;
    (void)bus_dispatch(&bus);
    bus_unblock(&bus);
    (void)bus_dispatch(&bus);
    CHECK_EQ_U64(readers[READER].taken, n);
    CHECK_EQ(readers[READER].gaps, 1);
    CHECK_EQ_U64(readers[READER].lost, 7);
    CHECK_EQ(readers[OTHER].gaps, 0);
    bus_finish(&bus);
}

TEST(bus_announce_without_room, "where even the queue is full the last word becomes a gap")
{
    set_up(64);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    for (uint64_t i = 0; i < 64; i++)
        CHECK_EQ(publish(2, 1, i), HAWSE_OK);
    hawse_event_t last = {
        .size = sizeof(last), .space = HAWSE_SPACE_STREAM, .kind = HAWSE_STREAM_EVENT_UNHEALABLE};
    bus_announce(&bus, SOURCE, &last);
    (void)bus_dispatch(&bus);
    CHECK_EQ_U64(readers[READER].taken, 64);
    CHECK_EQ(readers[READER].gaps, 1);
    CHECK_EQ_U64(readers[READER].lost, 1);
    bus_finish(&bus);
}

TEST(bus_reserve_in_place, "a record built in the arena is handed over where it was built")
{
    set_up(64);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    uint8_t *at = bus_reserve(&bus, 8);
    CHECK(at != NULL);
    uint64_t value = 4711;
    /* something else is placed meanwhile: what is being built must not be touched */
    memcpy(at, &value, sizeof(value));
    CHECK_EQ(publish(2, 1, 1), HAWSE_OK);
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_MARKET,
                       .kind = 2,
                       .stream = 1,
                       .data = at,
                       .len = 8};
    CHECK_EQ(bus_publish(&bus, SOURCE, &e), HAWSE_OK);
    CHECK_EQ(publish(2, 1, 3), HAWSE_OK);
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, 3);
    CHECK_EQ_U64(readers[READER].values[0], 1);
    CHECK_EQ_U64(readers[READER].values[1], 4711);
    CHECK_EQ_U64(readers[READER].values[2], 3);
    CHECK(bus_reserve(&bus, BUS_RECORD_MAX + 1) == NULL);
    bus_finish(&bus);
}

TEST(bus_arena_bound, "a reader that keeps large records cannot make memory grow")
{
    set_up(4096);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    readers[READER].take = 0;
    static uint8_t record[64 << 10];
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_MARKET,
                       .kind = 2,
                       .stream = 1,
                       .data = record,
                       .len = sizeof(record)};
    uint32_t n = 0;
    while (n < 1000 && bus_publish(&bus, SOURCE, &e) == HAWSE_OK)
        n++;
    CHECK(n >= 60 && n <= 64);
    readers[READER].take = UINT32_MAX;
    (void)bus_dispatch(&bus);
    CHECK_EQ(readers[READER].taken, n);
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(bus_publish(&bus, SOURCE, &e), HAWSE_OK);
        (void)bus_dispatch(&bus);
    }
    bus_finish(&bus);
}

TEST(bus_failed_member, "a member that answers with an error gets nothing more; others go on")
{
    set_up(64);
    subscribe(READER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 1);
    subscribe(OTHER, 2, false, 0, HAWSE_POLICY_LOSSLESS, 2);
    bus.members[READER].open = false;
    for (uint64_t i = 0; i < 200; i++) {
        CHECK_EQ(publish(2, 0, i), HAWSE_OK);
        (void)bus_dispatch(&bus);
    }
    CHECK_EQ(readers[READER].taken, 0);
    CHECK_EQ(readers[OTHER].taken, 200);
    bus_finish(&bus);
}

TEST(bus_no_allocation, "publishing and dispatching a million events allocates nothing")
{
    if (!test_alloc_hooks())
        test_skip("allocation hooks are not available under a sanitizer");
    set_up(4096);
    for (uint64_t k = 0; k < 1000; k++)
        subscribe(READER, 2, true, k, HAWSE_POLICY_LOSSLESS, k + 1);
    subscribe(OTHER, 2, false, 0, HAWSE_POLICY_LATEST, 5000);
    uint64_t before = test_alloc_count();
    for (uint64_t i = 0; i < 1000000; i++) {
        if (publish(2, i % 1000, i) != HAWSE_OK)
            FAIL("event %llu was refused", (unsigned long long)i);
        if (i % 64 == 63)
            (void)bus_dispatch(&bus);
    }
    CHECK_EQ_U64(test_alloc_count() - before, 0);
    CHECK_EQ(readers[READER].taken, 1000000);
    bus_finish(&bus);
}

TEST(bus_random_model, "over random traffic nothing is lost unannounced, doubled or out of order")
{
    for (int round = 0; round < 200; round++) {
        set_up(16u << (test_random() % 4));
        uint32_t policy = 1 + (uint32_t)(test_random() % 3);
        subscribe(READER, 2, false, 0, policy, 1);
        uint64_t sent = 0;
        for (int i = 0; i < 2000; i++) {
            readers[READER].take = (uint32_t)(test_random() % 70);
            if (test_random() % 3 != 0)
                sent += publish(2, test_random() % 40, sent) == HAWSE_OK;
            if (test_random() % 5 == 0)
                (void)bus_dispatch(&bus);
            if (test_random() % 3 == 0)
                bus_unblock(&bus);
        }
        readers[READER].take = UINT32_MAX;
        bus_unblock(&bus);
        (void)bus_dispatch(&bus);
        CHECK(readers[READER].ordered);
        if (policy != HAWSE_POLICY_LATEST)
            CHECK_EQ_U64(readers[READER].taken + readers[READER].lost, sent);
        CHECK_EQ_U64(bus.queued, 0);
        bus_finish(&bus);
    }
}

/* The rule, byte by byte: what publishers and readers of every build must agree on. */
static uint64_t key_by_bytes(const uint8_t *id, uint64_t len)
{
    uint64_t k = len * 0x9e3779b97f4a7c15u;
    for (uint64_t i = 0; i < len; i += 8) {
        uint64_t word = 0;
        for (uint64_t j = 0; j < 8 && i + j < len; j++)
            word |= (uint64_t)id[i + j] << (8 * j);
        k = (k ^ word) * 0xff51afd7ed558ccdu;
        k ^= k >> 32;
    }
    return k;
}

TEST(bus_key, "a routing key is the same however the compiler reads the identifier")
{
    uint8_t id[48];
    for (size_t i = 0; i < sizeof(id); i++)
        id[i] = (uint8_t)(i * 37 + 200);
    for (uint64_t len = 0; len <= sizeof(id); len++)
        CHECK_EQ(hawse_key(id, len), key_by_bytes(id, len));
    CHECK_EQ(hawse_key((const uint8_t *)"hawse", 5), 0xadd8d257433a279au);
}
