/* The fee market: EIP-1559's own rule, offers, replacements, and answers to eth_feeHistory. */
#include "tx/fees.h"

#include "harness.h"

#include <hawse/types.h>
#include <string.h>

#define GWEI 1000000000ull

TEST(fees_next, "the base fee follows EIP-1559, rounding and denominators included")
{
    CHECK_EQ_U64(fees_next_base(100 * GWEI, 15000000, 30000000, 8), 100 * GWEI);
    CHECK_EQ_U64(fees_next_base(100 * GWEI, 30000000, 30000000, 8), 112500000000);
    CHECK_EQ_U64(fees_next_base(100 * GWEI, 0, 30000000, 8), 87500000000);
    CHECK_EQ_U64(fees_next_base(100 * GWEI, 30000000, 30000000, 64), 101562500000);
    CHECK_EQ_U64(fees_next_base(7, 15000001, 30000000, 8), 8); /* at least 1 up */
    CHECK_EQ_U64(fees_next_base(7, 14999999, 30000000, 8), 7); /* but not down */
    CHECK_EQ_U64(fees_next_base(0, 0, 30000000, 8), 0);
    CHECK_EQ_U64(fees_next_base(UINT64_MAX, 30000000, 30000000, 8), UINT64_MAX);
    CHECK_EQ_U64(fees_next_base(5, 1, 0, 8), 5);
}

TEST(fees_five_blocks, "a first offer outlives five full blocks at a denominator of 8, not six")
{
    uint64_t base = 30 * GWEI;
    struct fees offer = fees_offer(base, GWEI, 0);
    for (int i = 0; i < 5; i++)
        base = fees_next_base(base, 30000000, 30000000, 8);
    CHECK(base <= offer.max_fee);
    base = fees_next_base(base, 30000000, 30000000, 8);
    CHECK(base > offer.max_fee - GWEI);
}

TEST(fees_offers, "an offer has the floor's tip at least and never wraps")
{
    struct fees f = fees_offer(100, 3, 25);
    CHECK_EQ_U64(f.tip, 25);
    CHECK_EQ_U64(f.max_fee, 225);
    f = fees_offer(UINT64_MAX / 2 + 1, 3, 0);
    CHECK_EQ_U64(f.max_fee, UINT64_MAX);
}

TEST(fees_bumps,
     "every replacement is one that each client's pool takes, and none is above the cap")
{
    for (int i = 0; i < 200000; i++) {
        uint64_t cap = test_random() >> (test_random() % 64);
        struct fees old = {.max_fee = test_random() >> (test_random() % 64)}, next = {0, 0};
        old.tip = old.max_fee ? test_random() % old.max_fee : 0;
        struct fees market = fees_offer(test_random() >> (test_random() % 64),
                                        test_random() >> (test_random() % 64), 0);
        if (!fees_bump(&old, &market, cap, &next))
            continue;
        CHECK(next.max_fee > old.max_fee && next.tip > old.tip);
        /* geth: at least floor(old * 110 / 100); Nethermind: old / 10 more */
        CHECK((unsigned __int128)next.max_fee * 100 >= (unsigned __int128)old.max_fee * 110);
        CHECK((unsigned __int128)next.tip * 100 >= (unsigned __int128)old.tip * 110);
        CHECK(next.max_fee <= cap && next.tip <= next.max_fee);
    }
    struct fees out, old = {.max_fee = 400, .tip = 8}, market = {.max_fee = 900, .tip = 1};
    CHECK(!fees_bump(&old, &market, 449, &out));
    CHECK(fees_bump(&old, &market, 450, &out));
    CHECK_EQ_U64(out.max_fee, 450);
    CHECK_EQ_U64(out.tip, 9);
    CHECK(fees_bump(&old, &market, 5000, &out));
    CHECK_EQ_U64(out.max_fee, 900);
}

static int32_t read(const char *text, struct fees_history *out)
{
    char padded[2048] = {0};
    (void)strncpy(padded, text, sizeof(padded) - 100);
    return fees_history_read((const uint8_t *)padded, strlen(padded), out);
}

TEST(fees_history, "the next base fee and the median tip of blocks that were not empty")
{
    struct fees_history h;
    CHECK_EQ(
        read("{\"oldestBlock\":\"0x10\",\"baseFeePerGas\":[\"0x64\",\"0x65\",\"0x66\",\"0x67\","
             "\"0x68\"],\"gasUsedRatio\":[0.5,0,0.95,1],\"reward\":[[\"0x5\"],[\"0x0\"],"
             "[\"0x9\"],[\"0x7\"]]}",
             &h),
        HAWSE_OK);
    CHECK_EQ_U64(h.oldest, 16);
    CHECK_EQ_U64(h.base_fee, 0x68);
    CHECK_EQ_U64(h.newest_at, 0x67);
    CHECK_EQ_U64(h.tip, 7);
    CHECK_EQ(h.full, 2);
    CHECK_EQ(h.blocks, 4);
}

TEST(fees_history_bad, "what is no answer to eth_feeHistory is refused")
{
    struct fees_history h;
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{}",
        "{\"oldestBlock\":\"0x10\"}",
        "{\"oldestBlock\":\"0x10\",\"baseFeePerGas\":[\"0x64\"],\"gasUsedRatio\":[],\"reward\":[]}",
        "{\"oldestBlock\":\"0x1\",\"baseFeePerGas\":[\"0x1\",\"0x1\"],\"gasUsedRatio\":[0.5]}",
        "{\"oldestBlock\":\"0x1\",\"baseFeePerGas\":[\"0x1\",\"0x1\"],\"gasUsedRatio\":[-1],"
        "\"reward\":[[\"0x1\"]]}",
        "{\"oldestBlock\":\"0x1\",\"baseFeePerGas\":[\"0x1\",\"0x1\"],\"gasUsedRatio\":[0.5],"
        "\"reward\":[[]]}",
        "{\"oldestBlock\":\"0x1\",\"baseFeePerGas\":[\"0x1\",\"0x1ffffffffffffffff\"],"
        "\"gasUsedRatio\":[0.5],\"reward\":[[\"0x1\"]]}",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(read(bad[i], &h) < 0);
}

TEST(fees_trend, "a spike is a fast average half above the slow one, not before 20 blocks")
{
    struct fees_trend t = {.blocks = 0};
    for (int i = 0; i < 100; i++) {
        fees_trend_add(&t, 30 * GWEI);
        CHECK(!fees_trend_spike(&t));
        CHECK_EQ_U64(fees_trend_permille(&t), 1000);
    }
    int blocks = 0;
    while (!fees_trend_spike(&t) && blocks < 100) {
        fees_trend_add(&t, 90 * GWEI);
        blocks++;
    }
    CHECK(blocks > 3 && blocks < 20);
    CHECK(fees_trend_permille(&t) > 1500);
    for (int i = 0; i < 200; i++)
        fees_trend_add(&t, 90 * GWEI);
    CHECK(!fees_trend_spike(&t));
}
