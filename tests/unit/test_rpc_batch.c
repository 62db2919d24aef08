/*
 * Reads that go in batches: that each answer finds who asked, in whatever order they come, that an
 * error is that of one, that refusals are learnt, and that limits count every one.
 */
#include "../rpc/rig.h"
#include "harness.h"

#include <hawse/types.h>

#include <stdio.h>
#include <string.h>

enum { MANY = 40 };

static const char *const batching[] = {
    "'per_second':0,'priority':1,'in_flight':4,'batch':{'max':10,'delay_ms':20}",
    "'per_second':0,'priority':2"};

/* Two kinds of question, so that an answer that went astray is seen. */
static void ask(struct rig *r, struct told t[MANY])
{
    for (int i = 0; i < MANY; i++) {
        char params[128];
        (void)snprintf(params, sizeof(params), "[{\"to\":\"0x%040x\"},\"latest\"]", i);
        if (i % 2)
            (void)rig_ask(r, "eth_call", params, POOL_FRESH, 3000, &t[i]);
        else
            (void)rig_ask(r, "eth_getBalance",
                          "[\"0x00000000000000000000000000000000000000aa\",\"latest\"]", POOL_FRESH,
                          3000, &t[i]);
    }
    for (int i = 0; i < MANY; i++) {
        rig_wait(r, &t[i]);
        CHECK_EQ(t[i].done, 1);
    }
}

static void check_good(const struct told *t, int i)
{
    CHECK_EQ(t[i].status, HAWSE_OK);
    if (i % 2)
        CHECK_EQ(strlen(t[i].body), 68);
    else
        CHECK_STR(t[i].body, "\"0x1\"");
}

TEST(batch_answers, "reads that come together go in few requests, and each gets its own answer")
{
    static struct told t[MANY];
    struct rig r;
    rig_start(&r, batching, 1, "'cache':false,'hedge_ms':0,");
    CHECK_EQ(rig_get(&r, "eth_chainId", "[]", POOL_FRESH).status, HAWSE_OK);
    ask(&r, t);
    for (int i = 0; i < MANY; i++)
        check_good(t, i);
    CHECK_EQ_U64(faulty_batched(r.servers[0]), MANY);
    CHECK_EQ_U64(faulty_batches(r.servers[0]), MANY / 10);
    CHECK_EQ(rig_get(&r, "eth_sendRawTransaction", "[\"0x02\"]", 0).status, HAWSE_OK);
    CHECK_EQ(rig_get(&r, "evm_mine", "[]", 0).status, HAWSE_OK);
    CHECK_EQ_U64(faulty_batched(r.servers[0]), MANY); /* neither sends nor one alone */
    rig_stop(&r);
}

TEST(batch_one_slot, "others join what gathers although no more requests may be under way")
{
    static struct told t[MANY];
    struct rig r;
    rig_start(
        &r, (const char *const[]){"'per_second':0,'in_flight':1,'batch':{'max':10,'delay_ms':20}"},
        1, "'cache':false,");
    CHECK_EQ(rig_get(&r, "eth_chainId", "[]", POOL_FRESH).status, HAWSE_OK);
    ask(&r, t);
    CHECK_EQ_U64(faulty_batches(r.servers[0]), MANY / 10);
    rig_stop(&r);
}

TEST(batch_part, "an error is that of one, and what is left out is asked elsewhere")
{
    static struct told t[MANY];
    struct rig r;
    rig_start(&r, batching, 2, "'cache':false,'hedge_ms':0,");
    rig_sleep(&r, 150);
    CHECK_EQ(rig_get(&r, "eth_call", "[{},\"latest\"]", POOL_FRESH).status, HAWSE_OK);
    uint64_t other = faulty_count(r.servers[1], false);
    faulty_mode(r.servers[0], MODE_BATCH_PART);
    ask(&r, t);
    int reverted = 0, elsewhere = 0;
    for (int i = 0; i < MANY; i++) {
        reverted += t[i].class == RPC_REVERT;
        elsewhere += strcmp(t[i].provider, "p1") == 0;
        if (t[i].class != RPC_REVERT)
            check_good(t, i);
    }
    CHECK_EQ(reverted, 4); /* of four batches */
    CHECK_EQ(elsewhere, 4);
    CHECK_EQ_U64(faulty_count(r.servers[1], false), other + 4);
    rig_stop(&r);
}

TEST(batch_refused, "a provider that refuses batches is asked singly from then on")
{
    static struct told t[MANY];
    struct rig r;
    rig_start(&r, batching, 1, "'cache':false,");
    CHECK_EQ(rig_get(&r, "eth_chainId", "[]", POOL_FRESH).status, HAWSE_OK);
    faulty_mode(r.servers[0], MODE_BATCH_REFUSED);
    ask(&r, t);
    for (int i = 0; i < MANY; i++)
        check_good(t, i);
    uint64_t refused = faulty_batches(r.servers[0]);
    CHECK(refused >= 1 && refused <= 4); /* those under way when the first was refused */
    ask(&r, t);
    CHECK_EQ_U64(faulty_batches(r.servers[0]), refused);
    rig_stop(&r);
}

TEST(batch_large, "a provider that finds batches too large gets smaller ones")
{
    static struct told t[MANY];
    struct rig r;
    rig_start(&r, batching, 1, "'cache':false,");
    CHECK_EQ(rig_get(&r, "eth_chainId", "[]", POOL_FRESH).status, HAWSE_OK);
    faulty_mode(r.servers[0], MODE_BATCH_LARGE);
    for (int turn = 0; turn < 3; turn++) {
        ask(&r, t);
        for (int i = 0; i < MANY; i++)
            check_good(t, i);
    }
    uint64_t batches = faulty_batches(r.servers[0]);
    uint64_t batched = faulty_batched(r.servers[0]);
    ask(&r, t);
    batches = faulty_batches(r.servers[0]) - batches;
    batched = faulty_batched(r.servers[0]) - batched;
    CHECK_EQ_U64(batched, MANY);
    CHECK(batches >= MANY / 4 && batches <= MANY / 2); /* of two, after ten and five */
    rig_stop(&r);
}

TEST(batch_fails, "a batch that fails is asked elsewhere, and counts as one failure")
{
    static struct told t[MANY];
    struct rig r;
    rig_start(&r, batching, 2, "'cache':false,'hedge_ms':0,");
    rig_sleep(&r, 150);
    static const enum fault_mode modes[] = {MODE_500, MODE_GARBAGE, MODE_HALF, MODE_RESET};
    for (unsigned m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
        struct told few[10];
        faulty_mode(r.servers[0], modes[m]);
        for (int i = 0; i < 10; i++)
            (void)rig_ask(&r, "eth_call", "[{},\"latest\"]", POOL_FRESH, 3000, &few[i]);
        for (int i = 0; i < 10; i++) {
            rig_wait(&r, &few[i]);
            CHECK_EQ(few[i].status, HAWSE_OK);
            CHECK_STR(few[i].provider, "p1");
        }
        faulty_mode(r.servers[0], MODE_GOOD);
        ask(&r, t); /* its breaker is closed still */
        for (int i = 0; i < MANY; i++)
            CHECK_STR(t[i].provider, "p0");
    }
    rig_stop(&r);
}

TEST_LIMIT(batch_limits, 20, "limits count every request of a batch")
{
    static struct told t[MANY * 5];
    struct rig r;
    rig_start(
        &r,
        (const char *const[]){"'per_second':100,'in_flight':4,'batch':{'max':20,'delay_ms':50}"}, 1,
        "'cache':false,");
    for (int i = 0; i < MANY * 5; i++)
        (void)rig_ask(&r, "eth_call", "[{},\"latest\"]", POOL_FRESH, 8000, &t[i]);
    for (int i = 0; i < MANY * 5; i++) {
        rig_wait(&r, &t[i]);
        CHECK_EQ(t[i].status, HAWSE_OK);
    }
    CHECK(faulty_batched(r.servers[0]) > MANY);
    CHECK(faulty_worst_second(r.servers[0]) <= 100);
    rig_stop(&r);
}

TEST(batch_left, "a pool that ends while batches gather or are under way leaves nothing behind")
{
    static struct told t[MANY];
    struct rig r;
    rig_start(&r, batching, 1, "'cache':false,");
    CHECK_EQ(rig_get(&r, "eth_chainId", "[]", POOL_FRESH).status, HAWSE_OK);
    faulty_mode(r.servers[0], MODE_HANG);
    struct pool_request *first = NULL;
    for (int i = 0; i < 25; i++) {
        struct pool_request *q =
            rig_ask(&r, "eth_call", "[{},\"latest\"]", POOL_FRESH, 3000, &t[i]);
        first = first ? first : q;
    }
    pool_cancel(first);
    rig_sleep(&r, 10);
    rig_stop(&r);
}
