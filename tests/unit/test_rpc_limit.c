/*
 * The limiter, the breaker and the choice of a provider, each against what it promises: rates by
 * counting every sliding second, the breaker by its life, the choice by shares.
 */
#include "harness.h"
#include "rpc/breaker.h"
#include "rpc/limit.h"
#include "rpc/select.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t MS = 1000000u, SECOND = 1000000000u;

/* ---- limiter ---- */

struct sent {
    uint64_t at;
    uint32_t cost;
};

/* The most units in any half-open second that begins with a request. */
static uint64_t worst_second(const struct sent *sent, size_t n)
{
    uint64_t worst = 0, units = 0;
    size_t from = 0;
    for (size_t i = 0; i < n; i++) {
        units += sent[i].cost;
        while (sent[i].at - sent[from].at >= SECOND)
            units -= sent[from++].cost;
        worst = units > worst ? units : worst;
    }
    return worst;
}

/* Random load far above the rate, a quarter of it sends, with pauses; the worst second. */
static uint64_t drive(uint32_t rate, uint32_t max_cost, bool pauses, size_t *count)
{
    enum { MOST = 20000 };
    struct sent *sent = calloc(MOST, sizeof(*sent));
    struct limit limit;
    uint64_t now = 77 * SECOND + test_random() % SECOND, end = now + 60 * SECOND;
    size_t n = 0;
    CHECK(sent != NULL);
    limit_init(&limit, rate);
    while (now < end && n < MOST) {
        bool send = test_random() % 4 == 0;
        uint32_t cost = 1 + (uint32_t)(test_random() % max_cost);
        uint64_t at = limit_at(&limit, now, cost, send);
        if (at > now && test_random() % 8 == 0) /* it gives up; others go on */
            at = now;
        if (at == now && limit_at(&limit, now, cost, send) == now) {
            limit_take(&limit, now, cost, send);
            sent[n++] = (struct sent){now, cost};
        }
        if (pauses && test_random() % 500 == 0)
            limit_pause(&limit, now, test_random() % SECOND);
        now = at > now ? at : now + test_random() % (4 * SECOND / rate);
    }
    uint64_t worst = worst_second(sent, n);
    *count = n;
    free(sent);
    return worst;
}

TEST(limit_never, "no sliding second sees more than the rate, whatever is asked")
{
    static const uint32_t rates[] = {1, 3, 5, 7, 10, 15, 25, 100};
    size_t n;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (int run = 0; run < 6; run++) {
            uint64_t worst = drive(rates[i], run % 2 && rates[i] > 4 ? 4 : 1, run >= 4, &n);
            if (worst > rates[i])
                FAIL("rate %u, run %d: %llu in one second", rates[i], run,
                     (unsigned long long)worst);
            CHECK(run >= 4 || n > rates[i] * 5);
        }
    }
}

TEST(limit_uses, "a steady load of sends uses the whole rate, reads four fifths of it")
{
    for (int send = 0; send < 2; send++) {
        struct limit limit;
        uint64_t now = SECOND, n = 0;
        limit_init(&limit, 25);
        while (now < 101 * SECOND) {
            now = limit_at(&limit, now, 1, send);
            limit_take(&limit, now, 1, send);
            n++;
        }
        CHECK(send ? n >= 2380 && n <= 2382 : n >= 1904 && n <= 1906);
    }
}

TEST(limit_reserve, "a send waits for no more than one spacing behind any number of reads")
{
    struct limit limit;
    uint64_t now = SECOND;
    limit_init(&limit, 10);
    for (int i = 0; i < 100; i++) {
        now = limit_at(&limit, now, 1, false);
        limit_take(&limit, now, 1, false);
        CHECK(limit_at(&limit, now, 1, true) <= now + 105 * MS);
        CHECK(limit_at(&limit, now, 1, false) == now + 131250 * MS / 1000);
    }
}

TEST(limit_pauses, "after a pause half the rate holds for a minute, then it comes back in tenths")
{
    struct limit limit;
    uint64_t now = 5 * SECOND;
    limit_init(&limit, 10);
    limit_pause(&limit, now, 3 * SECOND);
    CHECK_EQ(limit_at(&limit, now, 1, true), now + 3 * SECOND);
    limit_pause(&limit, now + 1, 2 * SECOND); /* of one burst: not cut twice, nor shortened */
    CHECK_EQ(limit_at(&limit, now, 1, true), now + 3 * SECOND);
    CHECK_EQ(limit_share(&limit, now + 59 * SECOND), 500);
    CHECK_EQ(limit_share(&limit, now + 60 * SECOND), 600);
    CHECK_EQ(limit_share(&limit, now + 75 * SECOND), 700);
    CHECK_EQ(limit_share(&limit, now + 100 * SECOND), 1000);
    CHECK_EQ(limit_share(&limit, now + 9999 * SECOND), 1000);
    limit_take(&limit, now + 3 * SECOND, 1, true);
    CHECK_EQ(limit_at(&limit, now, 1, true), now + 3 * SECOND + 210 * MS);
    limit_init(&limit, 0);
    CHECK_EQ(limit_at(&limit, now, 9, false), now);
    limit_take(&limit, now, 9, false);
    CHECK_EQ(limit_at(&limit, now, 9, false), now);
    limit_pause(&limit, now, SECOND);
    CHECK_EQ(limit_at(&limit, now, 1, true), now + SECOND);
}

TEST(limit_late,
     "one that leaves late holds back those behind it, one that leaves at once does not")
{
    struct limit limit;
    uint64_t now = SECOND;
    limit_init(&limit, 10);
    limit_take(&limit, now, 1, true);
    limit_left(&limit, now, 1, true);
    CHECK_EQ(limit_at(&limit, now, 1, true), now + 105 * MS);
    limit_left(&limit, now + 60 * MS, 1, true);
    CHECK_EQ(limit_at(&limit, now, 1, true), now + 165 * MS);
    CHECK_EQ(limit_at(&limit, now, 1, false), now + 165 * MS);
    limit_left(&limit, now + 60 * MS, 1, false);
    CHECK_EQ(limit_at(&limit, now, 1, false), now + 60 * MS + 131250 * MS / 1000);
}

/* ---- breaker ---- */

static void open_it(struct breaker *b, uint64_t now)
{
    while (!breaker_failure(b, now))
        ;
}

TEST(breaker_row, "five failures in a row open it, four and a success do not")
{
    struct breaker b = {0};
    for (int i = 0; i < 100; i++) /* one good in five: neither in a row, nor half of twenty */
        CHECK(i % 5 ? !breaker_success(&b, SECOND) : !breaker_failure(&b, SECOND));
    b = (struct breaker){0};
    for (int i = 0; i < 4; i++)
        CHECK(!breaker_failure(&b, SECOND));
    CHECK(!breaker_success(&b, SECOND));
    for (int i = 0; i < 4; i++)
        CHECK(!breaker_failure(&b, SECOND));
    CHECK(breaker_failure(&b, SECOND));
    CHECK_EQ(b.state, BREAKER_OPEN);
}

TEST(breaker_ratio, "half of twenty in thirty seconds open it; older ones do not count")
{
    struct breaker b = {0};
    bool opened = false;
    int n = 0;
    while (!opened && n < 100)
        opened = n++ % 2 ? breaker_failure(&b, SECOND) : breaker_success(&b, SECOND);
    CHECK_EQ(n, 20);
    CHECK_EQ(breaker_errors(&b, SECOND), 500);
    b = (struct breaker){0};
    for (n = 0; n < 400; n++) { /* 16 in any 30 s */
        uint64_t now = (uint64_t)n * 2 * SECOND;
        CHECK(!(n % 2 ? breaker_failure(&b, now) : breaker_success(&b, now)));
    }
}

TEST(breaker_life, "it opens for 10 s, doubling to 5 minutes, lets one probe go, three close it")
{
    struct breaker b = {0};
    uint64_t now = SECOND, wait = 10 * SECOND;
    open_it(&b, now);
    for (int i = 0; i < 8; i++) {
        CHECK(!breaker_probe(&b, now + wait - 1));
        now += wait;
        CHECK(breaker_probe(&b, now));
        CHECK(!breaker_probe(&b, now));
        CHECK(breaker_failure(&b, now));
        wait = wait * 2 > 300 * SECOND ? 300 * SECOND : wait * 2;
    }
    now += wait;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(b.state, i == 0 ? BREAKER_OPEN : BREAKER_HALF_OPEN);
        CHECK(breaker_probe(&b, now));
        CHECK_EQ(breaker_success(&b, now), i == 2);
    }
    CHECK_EQ(b.state, BREAKER_CLOSED);
    open_it(&b, now);
    CHECK_EQ(b.until_ns, now + 10 * SECOND); /* and begins anew */
    CHECK(!breaker_probe(&b, now + 9 * SECOND));
    CHECK(breaker_probe(&b, now + 10 * SECOND));
    breaker_forget(&b);
    CHECK(breaker_probe(&b, now + 10 * SECOND));
}

/* ---- choice ---- */

TEST(select_shares, "among equals everyone gets its weight's share, spread evenly")
{
    int64_t turns[3] = {0};
    struct candidate c[3] = {{GRADE_GOOD, 1, 5, 0, &turns[0]},
                             {GRADE_GOOD, 1, 1, 0, &turns[1]},
                             {GRADE_GOOD, 1, 1, 0, &turns[2]}};
    char order[8] = "";
    for (int i = 0; i < 7; i++)
        order[i] = (char)('a' + select_one(c, 3, 0));
    CHECK_STR(order, "aabacaa");
    unsigned seen[3] = {0};
    for (int i = 0; i < 7000; i++)
        seen[select_one(c, 3, 0)]++;
    CHECK(seen[0] == 5000 && seen[1] == 1000 && seen[2] == 1000);
}

TEST(select_order, "health goes before waits, waits before priority, and nobody is an answer too")
{
    int64_t turns[4] = {0};
    struct candidate c[4] = {{GRADE_OPEN, 1, 1, 0, &turns[0]},
                             {GRADE_GOOD, 1, 1, 900, &turns[1]},
                             {GRADE_GOOD, 2, 1, 100, &turns[2]},
                             {GRADE_GOOD, 3, 1, 0, &turns[3]}};
    CHECK_EQ(select_one(c, 4, 1000), 1); /* patient: by priority */
    CHECK_EQ(select_one(c, 4, 100), 2);
    CHECK_EQ(select_one(c, 4, 0), 3);
    c[2].grade = c[3].grade = GRADE_BEHIND;
    CHECK_EQ(select_one(c, 4, 0), 1); /* a wait is better than one that is behind */
    c[1].grade = c[2].grade = c[3].grade = GRADE_NEVER;
    CHECK_EQ(select_one(c, 4, 0), 0);
    c[0].grade = GRADE_NEVER;
    CHECK_EQ(select_one(c, 4, 0), 4);
}
