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
    CHECK_EQ_U64(next, (uint64_t)(CALLBACKS - BEHIND) * BATCH);
    walk_close(walk);
}
