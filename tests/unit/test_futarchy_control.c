/* Stages, breaker and rollback of the futarchy strategy, rule by rule. */
#include "../../plugins/strategies/futarchy-arb/control.h"
#include "../../plugins/strategies/futarchy-arb/keep.h"
#include "harness.h"

#include <hawse/u256.h>
#include <string.h>

#define SECOND 1000000000ull
#define DAY    (86400ull * SECOND)

static struct control_rules rules;
static struct control c;
static uint64_t now;

static void begin(void)
{
    static const uint64_t ladder[] = {1, 5, 10, 50, 100};
    static const uint64_t daily[] = {1000, 10000, 100000, 1000000};
    memset(&c, 0, sizeof(c));
    now = 20000 * DAY + 1000 * SECOND;
    rules = (struct control_rules){.enabled = true,
                                   .bundle_enabled = true,
                                   .fallback_enabled = true,
                                   .execution = EXECUTE_BUNDLED,
                                   .ladder_count = 5,
                                   .daily_count = 4,
                                   .ladder_passes = 2,
                                   .breaker_failures = 3,
                                   .breaker_successes = 10,
                                   .slippage_ppm = 5000,
                                   .canary_slippage_ppm = 1000,
                                   .safe_slippage_ppm = 2000,
                                   .rollback_ppm = 200000,
                                   .sequential_gas = 1000,
                                   .canary_interval_ns = 300 * SECOND,
                                   .safe_interval_ns = 120 * SECOND};
    rules.amount = hawse_u256(500);
    rules.max_bundle = hawse_u256(100000);
    rules.test_amount = hawse_u256(7);
    rules.safe_amount = hawse_u256(20);
    for (int i = 0; i < 5; i++)
        rules.ladder[i] = hawse_u256(ladder[i]);
    for (int i = 0; i < 4; i++)
        rules.daily[i] = hawse_u256(daily[i]);
}

static struct control_order next(void)
{
    struct control_order o;
    CHECK_EQ(control_next(&rules, &c, now, &o, NULL), HAWSE_OK);
    return o;
}

/* One trade from order to outcome; returns notices. */
static uint32_t trade(bool succeeded, int64_t gain, uint64_t gas)
{
    struct control_order o;
    struct control_outcome out = {.succeeded = succeeded,
                                  .counts = true,
                                  .may_fall_back = !succeeded,
                                  .gas_used = gas,
                                  .delay_ns = 5,
                                  .gain = hawse_i256(gain)};
    uint32_t told = 0;
    now += 400 * SECOND;
    CHECK_EQ(control_next(&rules, &c, now, &o, &told), HAWSE_OK);
    control_begun(&c, &o);
    return told | control_ended(&rules, &c, &o, &out, now);
}

TEST(breaker, "three failures in a row open it, ten trials in a row close it, each told once")
{
    begin();
    rules.execution = EXECUTE_SEQUENTIAL; /* bundles would roll back by then */
    CHECK_EQ(trade(false, 0, 0), 0);
    CHECK_EQ(trade(false, 0, 0), 0);
    CHECK_EQ(trade(true, 1, 1), 0); /* not in a row */
    CHECK_EQ(trade(false, 0, 0), 0);
    CHECK_EQ(trade(false, 0, 0), 0);
    CHECK_EQ(trade(false, 0, 0), NOTICE_OPENED);
    CHECK_EQ(trade(false, 0, 0), 0); /* is open */
    CHECK(next().trial);
    CHECK_EQ_U64(next().max_in.limb[0], 1); /* the smallest amount */
    for (int i = 0; i < 9; i++)
        CHECK_EQ(trade(true, 1, 1) & (NOTICE_OPENED | NOTICE_CLOSED), 0);
    (void)trade(false, 0, 0); /* begins the ten anew */
    for (int i = 0; i < 9; i++)
        CHECK_EQ(trade(true, 1, 1) & NOTICE_CLOSED, 0);
    CHECK_EQ(trade(true, 1, 1) & NOTICE_CLOSED, NOTICE_CLOSED);
    CHECK(!next().trial);
}

TEST(lifetime, "successes of a lifetime do not close a breaker that opens later")
{
    begin();
    for (int i = 0; i < 50; i++)
        CHECK_EQ(trade(true, 1, 1), 0);
    for (int i = 0; i < 3; i++)
        (void)trade(false, 0, 0);
    CHECK(c.open);
    CHECK_EQ(trade(true, 1, 1) & NOTICE_CLOSED, 0);
    CHECK(c.open);
}

TEST(ladder, "the canary's amounts go up one by one, and begin again after a failure")
{
    static const uint64_t amounts[] = {1, 5, 10, 50, 100};
    begin();
    rules.stage = STAGE_CANARY;
    for (uint32_t i = 0; i < 5; i++) {
        now += 400 * SECOND;
        CHECK_EQ_U64(next().max_in.limb[0], amounts[i]);
        CHECK_EQ(next().slippage_ppm, 1000);
        CHECK_EQ(trade(true, 1, 1), 0);
        CHECK_EQ(trade(true, 1, 1), i < 4 ? NOTICE_UP : 0);
    }
    now += 400 * SECOND;
    CHECK_EQ_U64(next().max_in.limb[0], 100); /* no further by itself */
    CHECK_EQ(trade(false, 0, 0), NOTICE_DOWN);
    now += 400 * SECOND;
    CHECK_EQ_U64(next().max_in.limb[0], 1);
    struct control_order o = next();
    control_begun(&c, &o);
    now += 299 * SECOND;
    CHECK_EQ(control_next(&rules, &c, now, &o, NULL), HAWSE_E_AGAIN);
    now += SECOND;
    CHECK_EQ(control_next(&rules, &c, now, &o, NULL), HAWSE_OK);
}

/* A day with so many trades, so many of which failed; then midnight. */
static uint32_t day(uint32_t trades, uint32_t failed, int64_t gain)
{
    struct control_order o;
    uint32_t told = 0;
    for (uint32_t i = 0; i < trades; i++) {
        now += 60 * SECOND;
        CHECK_EQ(control_next(&rules, &c, now, &o, NULL), HAWSE_OK);
        struct control_outcome out = {.succeeded = i >= failed,
                                      .counts = true,
                                      .gas_used = 1,
                                      .gain = hawse_i256(i + 1 == trades ? gain : 0)};
        control_begun(&c, &o);
        (void)control_ended(&rules, &c, &o, &out, now);
    }
    now = (now / DAY + 1) * DAY;
    CHECK_EQ(control_next(&rules, &c, now, &o, &told), HAWSE_OK);
    return told;
}

TEST(days, "the day's amount goes up after a day that gained with fewer than 5 % errors, else not")
{
    begin();
    rules.stage = STAGE_PROGRESSIVE;
    rules.execution = EXECUTE_SEQUENTIAL;
    rules.breaker_failures = 1000;
    CHECK_EQ_U64(next().max_in.limb[0], 1000);
    CHECK_EQ(day(41, 2, 100), NOTICE_UP); /* 4.9 % */
    CHECK_EQ_U64(next().max_in.limb[0], 10000);
    CHECK_EQ(day(40, 2, 100), 0); /* 5 %: stays */
    CHECK_EQ(day(10, 0, 0), 0);   /* gained nothing */
    CHECK_EQ(day(0, 0, 0), 0);    /* did nothing */
    CHECK_EQ(day(10, 0, 1), NOTICE_UP);
    CHECK_EQ(day(10, 3, 1), NOTICE_DOWN); /* 30 % */
    CHECK_EQ(day(10, 0, 1), NOTICE_UP);
    CHECK_EQ(day(10, 0, 1), NOTICE_UP);
    CHECK_EQ_U64(next().max_in.limb[0], 1000000);
    CHECK_EQ(day(10, 0, 1), 0);           /* there is no more */
    CHECK_EQ(day(1, 0, -1), NOTICE_DOWN); /* it lost */
}

TEST(cap, "bundles are capped whatever the stage says, and test mode caps all")
{
    begin();
    rules.stage = STAGE_PROGRESSIVE;
    c.level = 3;
    c.day = now / DAY;
    CHECK_EQ_U64(next().max_in.limb[0], 100000);
    rules.execution = EXECUTE_SEQUENTIAL;
    CHECK_EQ_U64(next().max_in.limb[0], 1000000);
    rules.test_mode = true;
    CHECK_EQ_U64(next().max_in.limb[0], 7);
    rules.execution = EXECUTE_BUNDLED;
    CHECK_EQ_U64(next().max_in.limb[0], 7);
    rules.max_bundle = hawse_u256(0);
    struct control_order o;
    CHECK_EQ(control_next(&rules, &c, now, &o, NULL), HAWSE_E_DENIED);
}

/* After a rollback, or with enabled off. */
static void check_down(void)
{
    now += 400 * SECOND;
    struct control_order o = next();
    CHECK_EQ(o.path, PATH_SEQUENTIAL);
    CHECK_EQ_U64(o.max_in.limb[0], 20);
    CHECK_EQ(o.slippage_ppm, 2000);
    control_begun(&c, &o);
    now += 119 * SECOND;
    CHECK_EQ(control_next(&rules, &c, now, &o, NULL), HAWSE_E_AGAIN);
    now += SECOND;
    CHECK_EQ(control_next(&rules, &c, now, &o, NULL), HAWSE_OK);
}

TEST(switches, "enabled off means single transactions of the safe amount at the safe interval")
{
    begin();
    CHECK_EQ(next().path, PATH_BUNDLE);
    rules.enabled = false;
    check_down();
    rules.enabled = true;
    CHECK_EQ(next().path, PATH_BUNDLE);
    rules.bundle_enabled = false;
    CHECK_EQ(next().path, PATH_SEQUENTIAL);
}

TEST(roll_back_failures, "more than one in five of the last bundles, ten at least, rolls back")
{
    begin();
    rules.breaker_failures = 1000;
    for (int i = 0; i < 9; i++)
        CHECK_EQ(trade(i != 0 && i != 4 && i != 8, 1, 1), 0); /* 3 of 9: too few to say */
    CHECK_EQ(trade(true, 1, 1), NOTICE_ROLLED_BACK);
    CHECK_EQ(c.rolled_back, REASON_FAILURES);
    check_down();
    CHECK_EQ(control_roll_back(&c, REASON_NONE), 0); /* the operator ends it */
    CHECK_EQ(next().path, PATH_BUNDLE);
    for (int i = 0; i < 30; i++)
        CHECK_EQ(trade(i % 5 != 4, 1, 1), 0); /* exactly one in five: not more */
}

TEST(roll_back_loss, "any loss rolls back at once")
{
    begin();
    CHECK_EQ(trade(true, -1, 1), NOTICE_ROLLED_BACK);
    CHECK_EQ(c.rolled_back, REASON_LOSS);
    check_down();
}

TEST(roll_back_gas, "more than twice the gas of single transactions rolls back")
{
    begin();
    CHECK_EQ(trade(true, 1, 2000), 0);
    CHECK_EQ(trade(true, 1, 2001), NOTICE_ROLLED_BACK);
    CHECK_EQ(c.rolled_back, REASON_GAS);
    (void)control_roll_back(&c, REASON_NONE);
    c.arm[PATH_SEQUENTIAL].succeeded = 2;
    c.arm[PATH_SEQUENTIAL].gas = 3000; /* what was measured counts, not what was assumed */
    CHECK_EQ(trade(true, 1, 3000), 0);
    CHECK_EQ(trade(true, 1, 3001), NOTICE_ROLLED_BACK);
}

TEST(roll_back_contract,
     "a contract that is not what it was rolls back, and the first reason stays")
{
    begin();
    CHECK_EQ(control_roll_back(&c, REASON_CONTRACT), NOTICE_ROLLED_BACK);
    CHECK_EQ(control_roll_back(&c, REASON_LOSS), 0);
    CHECK_EQ(c.rolled_back, REASON_CONTRACT);
    check_down();
}

TEST(fallback, "after a bundle that cannot be under way any more, one goes by single transactions")
{
    struct control_outcome out = {.succeeded = false};
    struct control_order o;
    begin();
    rules.execution = EXECUTE_FALLBACK;
    o = next();
    CHECK_EQ(o.path, PATH_BUNDLE);
    control_begun(&c, &o);
    (void)control_ended(&rules, &c, &o, &out, now); /* nobody knows: never */
    CHECK_EQ(next().path, PATH_BUNDLE);
    out.may_fall_back = true;
    (void)control_ended(&rules, &c, &o, &out, now); /* refused before it was sent */
    o = next();
    CHECK_EQ(o.path, PATH_SEQUENTIAL);
    control_begun(&c, &o);
    CHECK_EQ(next().path, PATH_BUNDLE); /* once */
    (void)trade(false, 0, 0);           /* mined, and reverted */
    CHECK_EQ(next().path, PATH_SEQUENTIAL);
    rules.fallback_enabled = false;
    c.fall_back = false;
    (void)trade(false, 0, 0);
    CHECK_EQ(next().path, PATH_BUNDLE);
}

TEST(arms, "both arms take turns, and each keeps its own sums")
{
    begin();
    rules.execution = EXECUTE_BOTH;
    for (int i = 0; i < 10; i++)
        (void)trade(i != 3, i != 3 ? 10 + i : 0, 100);
    CHECK_EQ_U64(c.arm[PATH_BUNDLE].ended, 5);
    CHECK_EQ_U64(c.arm[PATH_SEQUENTIAL].ended, 5);
    CHECK_EQ_U64(c.arm[PATH_SEQUENTIAL].succeeded, 4);
    CHECK_EQ_U64(c.arm[PATH_BUNDLE].gain.limb[0], 10 + 12 + 14 + 16 + 18);
    CHECK_EQ_U64(c.arm[PATH_BUNDLE].gas, 500);
    CHECK_EQ_U64(c.arm[PATH_BUNDLE].delay_ns, 25);
}

TEST(not_counted, "what a gate refused before it was signed is no failure of a bundle")
{
    struct control_outcome out = {.succeeded = false, .counts = false, .may_fall_back = true};
    begin();
    for (int i = 0; i < 30; i++) {
        struct control_order o = next();
        control_begun(&c, &o);
        CHECK_EQ(control_ended(&rules, &c, &o, &out, now), 0);
    }
    CHECK(!c.open && c.rolled_back == REASON_NONE);
}

/* ---- what outlives a restart ---- */

static void fill(struct keep *k)
{
    begin();
    rules.stage = STAGE_CANARY;
    rules.execution = EXECUTE_BOTH;
    for (int i = 0; i < 9; i++)
        (void)trade(i != 5, i != 5 ? 10 + i : 0, 100);
    (void)control_roll_back(&c, REASON_GAS);
    memset(k, 0, sizeof(*k));
    k->control = c;
    for (uint32_t i = 0; i < KEEP_TOKENS; i++)
        k->left[i] = hawse_u256(7 + i);
    k->run = 1700;
    k->number = 9;
}

TEST(kept, "the state comes back from its bytes to the last field")
{
    uint8_t first[KEEP_MAX], second[KEEP_MAX];
    struct keep k, again;
    fill(&k);
    uint64_t len = keep_write(&k, first);
    CHECK(len > 0 && len < KEEP_MAX);
    CHECK_EQ(keep_read(first, len, &again), HAWSE_OK);
    CHECK_EQ_U64(keep_write(&again, second), len);
    CHECK(memcmp(first, second, len) == 0);
    CHECK_EQ(again.control.rolled_back, REASON_GAS);
    CHECK_EQ_U64(again.control.orders, 9);
    CHECK_EQ_U64(again.control.last_ns, c.last_ns);
    CHECK_EQ_U64(again.control.step, c.step);
    CHECK_EQ_U64(again.control.passes, c.passes);
    CHECK_EQ_U64(again.control.day, c.day);
    CHECK_EQ_U64(again.control.day_failed, 1);
    CHECK(hawse_u256_compare(&again.control.day_gain, &c.day_gain) == 0);
    CHECK(memcmp(again.control.window, c.window, sizeof(c.window)) == 0);
    CHECK_EQ_U64(again.control.arm[PATH_BUNDLE].gas, c.arm[PATH_BUNDLE].gas);
    CHECK_EQ_U64(again.left[5].limb[0], 12);
    CHECK_EQ_U64(again.run, 1700);
    CHECK_EQ_U64(again.number, 9);
}

TEST(kept_before, "a state of before it named a trade is taken, and names none")
{
    uint8_t bytes[KEEP_MAX];
    struct keep k, again;
    fill(&k);
    uint64_t len = keep_write(&k, bytes) - 16;
    bytes[7] = 1;
    CHECK_EQ(keep_read(bytes, len, &again), HAWSE_OK);
    CHECK_EQ_U64(again.control.orders, 9);
    CHECK_EQ_U64(again.number, 0);
}

TEST(kept_refused, "bytes that are cut, longer, of another format or no state are refused")
{
    uint8_t bytes[KEEP_MAX + 1];
    struct keep k, again;
    fill(&k);
    uint64_t len = keep_write(&k, bytes);
    memset(&again, 0xa5, sizeof(again));
    k = again;
    for (uint64_t n = 0; n < len; n++)
        CHECK_EQ(keep_read(bytes, n, &again), HAWSE_E_FORMAT);
    bytes[len] = 0;
    CHECK_EQ(keep_read(bytes, len + 1, &again), HAWSE_E_FORMAT);
    bytes[7] = 9;
    CHECK_EQ(keep_read(bytes, len, &again), HAWSE_E_UNSUPPORTED);
    bytes[7] = 2;
    bytes[15] = 2; /* a breaker that is neither open nor closed */
    CHECK_EQ(keep_read(bytes, len, &again), HAWSE_E_FORMAT);
    CHECK(memcmp(&k, &again, sizeof(k)) == 0);
}

/* ---- a trade under way ---- */

/* The trade that comes next, as it is kept; the control goes on with it. */
static struct keep_trade propose(uint64_t number)
{
    now += 400 * SECOND;
    struct keep_trade t = {.run = 3,
                           .number = number,
                           .block = 70,
                           .way = 2,
                           .order = next(),
                           .gain = hawse_i256(-5),
                           .orders = c.orders + 1,
                           .last_ns = c.last_ns,
                           .fell_back = c.fall_back};
    control_begun(&c, &t.order);
    return t;
}

TEST(trade_kept, "a kept trade comes back from its bytes; cut, longer or of no state it is refused")
{
    uint8_t bytes[KEEP_TRADE_MAX + 1];
    struct keep_trade t, again;
    begin();
    t = propose(8);
    uint64_t len = keep_trade_write(&t, bytes);
    CHECK(len < KEEP_TRADE_MAX);
    CHECK_EQ(keep_trade_read(bytes, len, &again), HAWSE_OK);
    CHECK_EQ_U64(again.number, 8);
    CHECK_EQ(again.order.path, PATH_BUNDLE);
    CHECK_EQ_U64(again.order.at_ns, now);
    CHECK(hawse_u256_compare(&again.order.max_in, &t.order.max_in) == 0);
    CHECK(hawse_u256_compare(&again.gain, &t.gain) == 0);
    CHECK_EQ_U64(again.orders, 1);
    for (uint64_t n = 0; n < len; n++)
        CHECK_EQ(keep_trade_read(bytes, n, &again), HAWSE_E_FORMAT);
    bytes[len] = 0;
    CHECK_EQ(keep_trade_read(bytes, len + 1, &again), HAWSE_E_FORMAT);
    bytes[7] = 9;
    CHECK_EQ(keep_trade_read(bytes, len, &again), HAWSE_E_UNSUPPORTED);
    bytes[7] = 2;
    bytes[8 + 3 * 8 + 7] = KEEP_WAYS; /* no way that there is */
    CHECK_EQ(keep_trade_read(bytes, len, &again), HAWSE_E_FORMAT);
}

/* The host ends and starts again: what is kept is all there is. */
static void restart(struct keep *k, const struct keep_trade *t, uint32_t *accounted)
{
    struct control_outcome out = {
        .succeeded = true, .counts = true, .gas_used = 1, .gain = hawse_i256(10)};
    c = k->control;
    if (!keep_is_open(k, t))
        return;
    keep_begun(&c, t);
    (void)control_ended(&rules, &c, &t->order, &out, now);
    (*accounted)++;
    *k = (struct keep){.control = c, .run = t->run, .number = t->number};
}

TEST(once, "wherever the host ends, the result of a trade under way is in all sums once")
{
    for (int at = 0; at < 4; at++) {
        struct keep k = {.number = 0};
        uint32_t accounted = 0;
        begin();
        (void)trade(true, 7, 1);
        k = (struct keep){.control = c, .run = 3, .number = 1};
        struct keep_trade t = propose(2);
        if (at == 1) /* the control was kept since, for another reason */
            k.control = c;
        if (at == 2) /* its result came, and is not kept yet */
            (void)control_ended(&rules, &c, &t.order,
                                &(struct control_outcome){.succeeded = true, .counts = true}, now);
        restart(&k, &t, &accounted);
        if (at == 3) /* killed again before it was kept */
            k = (struct keep){.control = k.control, .run = t.run, .number = t.number};
        restart(&k, &t, &accounted);
        CHECK_EQ(accounted, 1);
        CHECK_EQ_U64(c.arm[PATH_BUNDLE].ended, 2);
        CHECK_EQ_U64(c.arm[PATH_BUNDLE].gain.limb[0], 17);
        CHECK_EQ_U64(c.day_gain.limb[0], 17);
        CHECK_EQ_U64(c.orders, 2);
        CHECK_EQ_U64(c.last_ns, t.order.at_ns);
    }
}

TEST(loss_carried, "a loss of a trade under way takes bundles out of use after the restart")
{
    struct keep k = {.number = 0};
    struct control_outcome out = {.succeeded = false, .counts = true, .gain = hawse_i256(-1)};
    begin();
    rules.stage = STAGE_PROGRESSIVE;
    struct keep_trade t = propose(1);
    c = k.control;
    CHECK(keep_is_open(&k, &t));
    keep_begun(&c, &t);
    CHECK_EQ(control_ended(&rules, &c, &t.order, &out, now), NOTICE_ROLLED_BACK);
    CHECK_EQ(c.rolled_back, REASON_LOSS);
    CHECK(hawse_i256_is_negative(&c.day_gain));
}

TEST(never_taken, "a trade that the host never took over is as if it never was")
{
    begin();
    (void)trade(false, 0, 1);
    c.fall_back = true;
    struct control before = c;
    struct keep_trade t = propose(2);
    c = before;
    keep_begun(&c, &t);
    CHECK_EQ_U64(c.orders, before.orders + 1);
    keep_undo(&c, &t);
    CHECK(memcmp(&c, &before, sizeof(c)) == 0);
}
