/* An alert's four states: what is noticed, when, and how often where it comes and goes. */
#include "host/alert.h"

#include <harness.h>

enum { RAISE = 10, CLEAR = 50 };

TEST(alert_edges,
     "it fires when it has held for raise_ns, and resolves when it is over for clear_ns")
{
    struct alert a = {0};
    alert_holds(&a, 100, RAISE);
    CHECK(alert_waits(&a) && a.due_ns == 110);
    CHECK_EQ(alert_pass(&a, 109), ALERT_STAYS);
    CHECK_EQ(alert_pass(&a, 110), ALERT_FIRES);
    CHECK_EQ(a.since_ns, 110);
    CHECK(!alert_waits(&a));
    CHECK_EQ(alert_pass(&a, 1000), ALERT_STAYS);
    alert_holds(&a, 1000, RAISE); /* once more: nothing new */
    CHECK_EQ(alert_pass(&a, 5000), ALERT_STAYS);
    alert_over(&a, 5000, CLEAR);
    CHECK_EQ(alert_pass(&a, 5049), ALERT_STAYS);
    CHECK_EQ(alert_pass(&a, 5050), ALERT_RESOLVES);
    CHECK_EQ(a.state, ALERT_QUIET);
}

TEST(alert_at_once, "without times it fires and resolves at once")
{
    struct alert a = {0};
    alert_holds(&a, 7, 0);
    CHECK_EQ(alert_pass(&a, 7), ALERT_FIRES);
    alert_over(&a, 8, 0);
    CHECK_EQ(alert_pass(&a, 8), ALERT_RESOLVES);
}

TEST(alert_short, "what does not hold for long enough is never noticed")
{
    struct alert a = {0};
    for (uint64_t t = 0; t < 1000; t += 10) {
        alert_holds(&a, t, RAISE);
        alert_over(&a, t + 9, CLEAR);
        CHECK_EQ(alert_pass(&a, t + 9), ALERT_STAYS);
        CHECK_EQ(a.state, ALERT_QUIET);
    }
}

TEST(alert_flapping, "what comes and goes for an hour is noticed once, and over once")
{
    struct alert a = {0};
    int fires = 0, resolves = 0;
    for (uint64_t t = 0; t < 3600; t++) {
        if (t % 7 == 0)
            alert_holds(&a, t, 0);
        if (t % 7 == 3)
            alert_over(&a, t, CLEAR);
        enum alert_edge edge = alert_pass(&a, t);
        fires += edge == ALERT_FIRES;
        resolves += edge == ALERT_RESOLVES;
    }
    CHECK(fires == 1 && resolves == 0);
    alert_over(&a, 3600, CLEAR);
    CHECK_EQ(alert_pass(&a, 3700), ALERT_RESOLVES);
}

TEST(alert_over_nothing, "clearing what is not up changes nothing")
{
    struct alert a = {0};
    alert_over(&a, 5, CLEAR);
    CHECK(a.state == ALERT_QUIET && alert_pass(&a, 100) == ALERT_STAYS);
    alert_holds(&a, 100, 0);
    (void)alert_pass(&a, 100);
    alert_over(&a, 200, CLEAR);
    alert_over(&a, 240, CLEAR); /* said again: it is not put off */
    CHECK_EQ(alert_pass(&a, 250), ALERT_RESOLVES);
}
