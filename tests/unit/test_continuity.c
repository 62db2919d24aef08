/* Which sequences of a source are live: by its own words, of the whole and of single markets. */
#include "harness.h"
#include "host/continuity.h"

#include <hawse/space/stream.h>

static void tell(struct continuity *c, uint32_t stream, uint16_t kind, uint64_t key)
{
    const hawse_event_t event = {.size = sizeof(event),
                                 .space = HAWSE_SPACE_STREAM,
                                 .kind = kind,
                                 .stream = (uint16_t)stream,
                                 .key = key};
    continuity_told(c, &event);
}

TEST(continuity_whole, "a sequence is live when it said so, until it breaks")
{
    struct continuity *c = continuity_new();
    static const struct {
        uint16_t kind;
        enum continuity_state state;
    } life[] = {{HAWSE_STREAM_EVENT_RETRACT, CONTINUITY_UNKNOWN},
                {HAWSE_STREAM_EVENT_FINAL, CONTINUITY_UNKNOWN},
                {99, CONTINUITY_UNKNOWN},
                {HAWSE_STREAM_EVENT_GAP, CONTINUITY_GAP},
                {HAWSE_STREAM_EVENT_LIVE, CONTINUITY_LIVE},
                {HAWSE_STREAM_EVENT_RETRACT, CONTINUITY_LIVE},
                {HAWSE_STREAM_EVENT_GAP, CONTINUITY_GAP},
                {HAWSE_STREAM_EVENT_RECOVERING, CONTINUITY_RECOVERING},
                {HAWSE_STREAM_EVENT_FINAL, CONTINUITY_RECOVERING},
                {HAWSE_STREAM_EVENT_HEALED, CONTINUITY_LIVE},
                {HAWSE_STREAM_EVENT_UNHEALABLE, CONTINUITY_UNHEALABLE},
                {HAWSE_STREAM_EVENT_LIVE, CONTINUITY_LIVE}};
    CHECK_EQ(continuity_of(c, 1, 0), CONTINUITY_UNKNOWN);
    for (size_t i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
        tell(c, 1, life[i].kind, 0);
        CHECK_EQ(continuity_of(c, 1, 0), life[i].state);
        CHECK_EQ(continuity_of(c, 1, 77), life[i].state); /* a market of which nothing was said */
        CHECK_EQ(continuity_of(c, 2, 0), CONTINUITY_UNKNOWN);
    }
    tell(c, 16, HAWSE_STREAM_EVENT_LIVE, 0); /* no stream */
    CHECK_EQ(continuity_of(c, 16, 0), CONTINUITY_UNKNOWN);
    continuity_lost(c);
    CHECK_EQ(continuity_of(c, 1, 0), CONTINUITY_UNKNOWN);
    CHECK_STR(continuity_word(CONTINUITY_GAP), "in a gap");
    continuity_free(c);
    continuity_free(NULL);
}

TEST(continuity_markets,
     "markets break by themselves and with the whole, and heal by their own word")
{
    struct continuity *c = continuity_new();
    tell(c, 3, HAWSE_STREAM_EVENT_LIVE, 5);
    CHECK_EQ(continuity_of(c, 3, 5), CONTINUITY_LIVE);
    CHECK_EQ(continuity_of(c, 3, 6), CONTINUITY_UNKNOWN);
    CHECK_EQ(continuity_of(c, 3, 0), CONTINUITY_UNKNOWN);
    tell(c, 3, HAWSE_STREAM_EVENT_LIVE, 0);
    tell(c, 3, HAWSE_STREAM_EVENT_GAP, 6);
    CHECK_EQ(continuity_of(c, 3, 5), CONTINUITY_LIVE);
    CHECK_EQ(continuity_of(c, 3, 6), CONTINUITY_GAP);
    CHECK_EQ(continuity_of(c, 3, 0), CONTINUITY_GAP); /* not all of it is live */
    tell(c, 3, HAWSE_STREAM_EVENT_GAP, 0);
    CHECK_EQ(continuity_of(c, 3, 5), CONTINUITY_GAP);
    tell(c, 3, HAWSE_STREAM_EVENT_HEALED, 0);
    CHECK_EQ(continuity_of(c, 3, 5), CONTINUITY_LIVE);
    CHECK_EQ(continuity_of(c, 3, 6), CONTINUITY_GAP); /* its own is not healed by that */
    tell(c, 3, HAWSE_STREAM_EVENT_HEALED, 6);
    CHECK_EQ(continuity_of(c, 3, 0), CONTINUITY_LIVE);
    tell(c, 3, HAWSE_STREAM_EVENT_UNHEALABLE, 6);
    tell(c, 3, HAWSE_STREAM_EVENT_LIVE, 0); /* complete from here on */
    CHECK_EQ(continuity_of(c, 3, 6), CONTINUITY_LIVE);
    CHECK_EQ(continuity_of(c, 3, 0), CONTINUITY_LIVE);
    tell(c, 3, HAWSE_STREAM_EVENT_GAP, 6);
    continuity_lost(c);
    CHECK_EQ(continuity_of(c, 3, 6), CONTINUITY_UNKNOWN);
    continuity_free(c);
}

TEST(continuity_many, "thousands of markets are kept apart, and what is too many is not live")
{
    struct continuity *c = continuity_new();
    tell(c, 1, HAWSE_STREAM_EVENT_LIVE, 0);
    for (uint64_t key = 1; key <= CONTINUITY_KEYS_MAX; key++)
        tell(c, key % 2 ? 1 : 2, key % 3 ? HAWSE_STREAM_EVENT_LIVE : HAWSE_STREAM_EVENT_GAP, key);
    for (uint64_t key = 1; key <= CONTINUITY_KEYS_MAX; key++)
        CHECK_EQ(continuity_of(c, key % 2 ? 1 : 2, key),
                 key % 3 ? CONTINUITY_LIVE : CONTINUITY_GAP);
    CHECK_EQ(continuity_of(c, 2, 1), CONTINUITY_UNKNOWN); /* the same key of another sequence */
    tell(c, 1, HAWSE_STREAM_EVENT_LIVE, 0);
    CHECK_EQ(continuity_of(c, 1, 0), CONTINUITY_LIVE);
    tell(c, 1, HAWSE_STREAM_EVENT_LIVE, UINT64_MAX); /* no room: follows the whole */
    CHECK_EQ(continuity_of(c, 1, UINT64_MAX), CONTINUITY_LIVE);
    tell(c, 1, HAWSE_STREAM_EVENT_GAP, UINT64_MAX); /* and so does the whole it */
    CHECK_EQ(continuity_of(c, 1, UINT64_MAX), CONTINUITY_GAP);
    CHECK_EQ(continuity_of(c, 1, 0), CONTINUITY_GAP);
    continuity_free(c);
}

TEST(continuity_memory, "without memory for a market its whole sequence is not live")
{
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    test_alloc_fail_after(1);
    CHECK(continuity_new() == NULL);
    test_alloc_fail_after(0);
    struct continuity *c = continuity_new();
    tell(c, 1, HAWSE_STREAM_EVENT_LIVE, 0);
    test_alloc_fail_after(1);
    tell(c, 1, HAWSE_STREAM_EVENT_GAP, 9);
    test_alloc_fail_after(0);
    CHECK_EQ(continuity_of(c, 1, 9), CONTINUITY_GAP);
    CHECK_EQ(continuity_of(c, 1, 0), CONTINUITY_GAP);
    continuity_free(c);
}
