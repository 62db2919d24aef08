/* Gas that was used, held against gas that was simulated. */
#include "tx/accuracy.h"

#include "harness.h"

TEST(accuracy_ppm, "what is off is told in millionths, exactly, with its sign")
{
    CHECK_EQ(accuracy_ppm(100000, 100000), 0);
    CHECK_EQ(accuracy_ppm(100000, 100001), 10);
    CHECK_EQ(accuracy_ppm(100000, 99999), -10);
    CHECK_EQ(accuracy_ppm(3, 4), 333333);
    CHECK_EQ(accuracy_ppm(1, 0), -1000000);
    CHECK_EQ(accuracy_ppm(1, UINT64_MAX), 1000000000); /* at most */
    CHECK_EQ(accuracy_ppm(UINT64_MAX, UINT64_MAX), 0);
}

TEST(accuracy_drift, "a drift is told after four transactions, and holds again below half of it")
{
    struct accuracy a = {.count = 0};
    CHECK(!accuracy_add(&a, 0, 5)); /* nothing was simulated */
    CHECK_EQ(a.count, 0);
    for (int i = 0; i < 3; i++) {
        CHECK(accuracy_add(&a, 100000, 130000));
        CHECK(!accuracy_drifts(&a));
    }
    CHECK(accuracy_add(&a, 100000, 130000));
    CHECK_EQ(a.drift_ppm, 300000);
    CHECK(accuracy_drifts(&a) && !accuracy_holds(&a));
    int n = 0;
    while (!accuracy_holds(&a) && n < 100) {
        CHECK(accuracy_add(&a, 100000, 100000));
        n++;
    }
    CHECK(n > 8 && n < 40);
    CHECK(!accuracy_drifts(&a));
    for (int i = 0; i < 100; i++)
        CHECK(accuracy_add(&a, 100000, 70000));
    CHECK(accuracy_drifts(&a) && a.drift_ppm < -290000);
}

TEST(accuracy_one, "one transaction that is far off does not drown in a window, nor raise it alone")
{
    struct accuracy a = {.count = 0};
    for (int i = 0; i < 100; i++)
        CHECK(accuracy_add(&a, 50000, 50000));
    CHECK(accuracy_add(&a, 50000, 100000));
    CHECK_EQ(a.drift_ppm, 62500); /* a sixteenth of it */
    CHECK(!accuracy_drifts(&a));
}
