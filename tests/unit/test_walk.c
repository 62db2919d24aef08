/*
 * Walking a capture: events that went from plugin to plugin are found again where they were
 * published, however many lie between.
 */
#include "harness.h"
#include "record/writer.h"
#include "replay/walk.h"

#include <stdio.h>
#include <string.h>

enum { CALLBACKS = 2000, BATCH = 64, BEHIND = 500 };

static struct recorder recorder;
static char path[256];

static hawse_event_t event_of(uint64_t *n)
{
    return (hawse_event_t){.size = sizeof(hawse_event_t),
                           .space = HAWSE_SPACE_EVM,
                           .kind = 2,
                           .stream = (uint32_t)(*n % 3),
                           .key = *n,
                           .data = (const uint8_t *)n,
                           .len = sizeof(*n)};
}

static void publish(uint64_t callback)
{
    recorder_begin(&recorder, 4, RECORD_EVENTS, callback + 1, 0, 0, 0);
    for (uint64_t i = 0; i < BATCH; i++) {
        uint64_t n = callback * BATCH + i;
        hawse_event_t event = event_of(&n);
        recorder_publish(&recorder, &event, n / 3 + 1);
    }
    recorder_end(&recorder, 0, 1);
}

static void take(uint64_t callback)
{
    static hawse_event_t events[BATCH];
    static uint64_t numbers[BATCH];
    const hawse_event_t *list[BATCH];
    for (uint64_t i = 0; i < BATCH; i++) {
        numbers[i] = callback * BATCH + i;
        events[i] = event_of(&numbers[i]);
        events[i].source = 5;
        events[i].seq = numbers[i] / 3 + 1;
        list[i] = &events[i];
    }
    recorder_begin(&recorder, 1, RECORD_EVENTS, callback + 1, 0, 0, BATCH);
    recorder_events(&recorder, list, BATCH);
    recorder_end(&recorder, BATCH, 1);
}

static void record(void)
{
    struct fault fault = {0};
    struct writer *writer = NULL;
    struct writer_options options = {.path = path};
    (void)snprintf(path, sizeof(path), "%s/cap.hrec", test_tmp_dir());
    CHECK_EQ(recorder_init(&recorder, 4 << 20, RECORD_FULL_WAIT, &fault), HAWSE_OK);
    CHECK_EQ(writer_start(&recorder, &options, &writer, &fault), HAWSE_OK);
    for (uint64_t c = 0; c < CALLBACKS; c++) {
        publish(c);
        if (c >= BEHIND)
            take(c - BEHIND);
    }
    recorder_flush(&recorder);
    CHECK_EQ(writer_stop(writer), HAWSE_OK);
    recorder_finish(&recorder);
}

TEST_LIMIT(far_behind, 20, "a reader 32,000 events behind gets each as it was published")
{
    struct fault fault = {0};
    struct walk *walk = NULL;
    struct walk_step step = {0};
    uint64_t next = 0;
    record();
    CHECK_EQ(walk_open(path, &walk, &fault), HAWSE_OK);
    while (walk_next(walk, &step, &fault) == HAWSE_OK && step.kind != WALK_END) {
        CHECK_EQ(step.unresolved, 0);
        for (uint32_t i = 0; i < step.event_count; i++, next++) {
            hawse_event_t want = event_of(&next);
            const hawse_event_t *got = step.event_list[i];
            CHECK_EQ(got->source, 5);
            CHECK_EQ_U64(got->seq, next / 3 + 1);
            CHECK_EQ(got->stream, want.stream);
            CHECK_EQ_U64(got->key, next);
            CHECK_MEM(got->data, &next, sizeof(next));
        }
    }
    CHECK_STR(fault.message, "");
    CHECK_EQ_U64(next, (uint64_t)(CALLBACKS - BEHIND) * BATCH);
    walk_close(walk);
}

/* ---- two lanes ---- */

static struct recorder lanes[2];

/* Source 5 of the first lane publishes `n`; instances of both lanes read it. */
static void cross(uint64_t n)
{
    hawse_event_t event = event_of(&n);
    event.stream = 0;
    recorder_begin(&lanes[0], 4, RECORD_EVENTS, n * 10, 0, 0, 0);
    recorder_publish(&lanes[0], &event, n);
    recorder_end(&lanes[0], 0, 1);
    event.source = 5;
    event.seq = n;
    const hawse_event_t *list[] = {&event};
    for (uint16_t lane = 0; lane < 2; lane++) {
        recorder_begin(&lanes[lane], lane, RECORD_EVENTS, n * 10 + 1, 0, 0, 1);
        recorder_events(&lanes[lane], list, 1);
        recorder_end(&lanes[lane], 1, 1);
    }
}

static void record_lanes(void)
{
    struct fault fault = {0};
    struct writer *writer = NULL;
    struct writer_options options = {.path = path};
    (void)snprintf(path, sizeof(path), "%s/lanes.hrec", test_tmp_dir());
    for (uint16_t i = 0; i < 2; i++) {
        CHECK_EQ(recorder_init(&lanes[i], 4 << 20, RECORD_FULL_WAIT, &fault), HAWSE_OK);
        lanes[i].lane = i;
    }
    lanes[0].next = &lanes[1];
    recorder_foreign(&lanes[0], 5, true);
    recorder_foreign(&lanes[0], 5, false);
    recorder_foreign(&lanes[1], 5, true);
    CHECK_EQ(writer_start(lanes, &options, &writer, &fault), HAWSE_OK);
    for (uint64_t n = 1; n <= 50000; n++)
        cross(n);
    for (uint16_t i = 0; i < 2; i++)
        recorder_flush(&lanes[i]);
    CHECK_EQ(writer_stop(writer), HAWSE_OK);
    for (uint16_t i = 0; i < 2; i++)
        recorder_finish(&lanes[i]);
}

TEST_LIMIT(two_lanes, 20, "each lane's callbacks come in order, with events of other lanes in them")
{
    struct fault fault = {0};
    struct walk *walk = NULL;
    struct walk_step step = {0};
    uint64_t next[2] = {1, 1}, turns = 0;
    uint16_t before = 0;
    record_lanes();
    CHECK_EQ(walk_open(path, &walk, &fault), HAWSE_OK);
    while (walk_next(walk, &step, &fault) == HAWSE_OK && step.kind != WALK_END) {
        turns += step.instance < 2 && step.instance != before;
        before = step.instance < 2 ? step.instance : before;
        if (step.instance == 4)
            continue;
        CHECK_EQ(step.unresolved, 0);
        CHECK_EQ(step.event_count, 1);
        uint64_t n;
        memcpy(&n, step.events[0].data, sizeof(n));
        CHECK_EQ_U64(n, next[step.instance]);
        CHECK_EQ_U64(step.events[0].seq, n);
        CHECK_EQ_U64(step.begin.now_ns, n * 10 + 1);
        next[step.instance]++;
    }
    CHECK_EQ(fault.code, 0);
    CHECK_EQ_U64(next[0], 50001);
    CHECK_EQ_U64(next[1], 50001);
    CHECK(turns > 0);
    CHECK_EQ(walk_state(walk)->first.lanes, 2);
    CHECK(walk_state(walk)->closed);
    walk_close(walk);
}
