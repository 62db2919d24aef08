/*
 * When a channel of a stream counts as silent: clocks of a frame and of the step that looks are not
 * the same, and a difference below zero would be a silence of centuries.
 */
#include "harness.h"
#include "host/service_stream.h"

enum { IDLE = 1000000 };

TEST(silence, "a channel has been silent since it was last touched")
{
    struct host_channel ch = {.idle_ns = IDLE, .touched_ns = 5000};
    CHECK_EQ_U64(host_channel_silence(&ch, 5000), 0);
    CHECK_EQ_U64(host_channel_silence(&ch, 5001), 1);
    CHECK_EQ_U64(host_channel_silence(&ch, 5000 + IDLE), IDLE);
}

TEST(younger, "a channel that was touched after the step began is not silent")
{
    struct host_channel ch = {.idle_ns = IDLE, .touched_ns = 5000};
    CHECK_EQ_U64(host_channel_silence(&ch, 4999), 0);
    CHECK_EQ_U64(host_channel_silence(&ch, 0), 0);
}

TEST(looks, "it is looked at when its silence would be told, and never at a time that has passed")
{
    struct host_channel ch = {.idle_ns = IDLE, .touched_ns = 5000};
    CHECK_EQ_U64(host_channel_next_look(&ch, 4000), 5000 + IDLE);
    CHECK_EQ_U64(host_channel_next_look(&ch, 9000), 5000 + IDLE);
    for (uint64_t now = 4000; now < 4 * IDLE; now += 999) {
        ch.told = now > 2 * IDLE;
        CHECK(host_channel_next_look(&ch, now) > now);
    }
}
