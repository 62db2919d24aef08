/*
 * The order in which an account's transactions get their turn, on lists that are made here: no
 * journal, no chain.
 */
#include "harness.h"
#include "tx/desk_private.h"

#include <hawse/u256.h>
#include <string.h>

enum { LEGS = 64 };

/* Intents of one account, one transaction each. */
struct bench {
    struct desk_chain chain;
    struct desk_account account;
    struct desk_intent intents[LEGS];
    struct leg legs[LEGS];
};

static void bench_init(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->account.chain = &b->chain;
    for (int i = 0; i < LEGS; i++) {
        b->intents[i].account = &b->account;
        b->intents[i].chain = &b->chain;
        b->legs[i].intent = &b->intents[i];
    }
}

static int place(const struct bench *b, const struct leg *leg)
{
    int n = 0;
    for (const struct leg *at = b->account.queue; at; at = at->next_queued, n++) {
        if (at == leg)
            return n;
    }
    return -1;
}

TEST(queue_worth, "what is worth more goes first, equals in the order in which they came")
{
    static struct bench b;
    static const uint64_t worth[] = {5, 0, 9, 5, 0, 9, 1};
    bench_init(&b);
    for (int i = 0; i < 7; i++) {
        b.intents[i].worth = hawse_u256(worth[i]);
        leg_queue(&b.legs[i]);
        leg_queue(&b.legs[i]); /* twice is once */
    }
    static const int order[] = {2, 5, 0, 3, 6, 1, 4};
    const struct leg *at = b.account.queue;
    for (int i = 0; i < 7; i++, at = at->next_queued) {
        CHECK(at == &b.legs[order[i]]);
        CHECK_EQ(place(&b, &b.legs[order[i]]), i);
    }
    CHECK(!at);
    CHECK(b.account.queue_last == &b.legs[4]);
}

TEST(queue_begun, "what closes a hole goes before what has begun, and that before any worth")
{
    static struct bench b;
    static const int order[] = {4, 5, 1, 2, 3, 0};
    bench_init(&b);
    memset(&b.intents[0].worth, 0xff, sizeof(b.intents[0].worth));
    b.legs[1].index = 1;
    b.legs[2].life.renewals = 1;
    b.intents[3].held = true;
    b.intents[4].filler = b.intents[5].filler = true;
    b.intents[4].held = true;
    for (int i = 0; i < 6; i++)
        leg_queue(&b.legs[i]);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(place(&b, &b.legs[order[i]]), i);
}

TEST(queue_room,
     "a bundle waits until it is alone and keeps others out, but not what closes a hole")
{
    static struct bench b;
    static struct plan plan = {.count = 2, .together = true};
    bench_init(&b);
    b.account.window = 1;
    b.intents[1].plan = &plan;
    b.intents[2].filler = true;
    for (int i = 0; i < 3; i++) {
        bool filler = i == 2;
        leg_queue(&b.legs[i]);
        b.account.busy = b.account.lone = 0;
        CHECK(account_has_room(&b.account));
        b.account.busy = 1;
        CHECK_EQ(account_has_room(&b.account), filler);
        b.account.window = 2;
        CHECK_EQ(account_has_room(&b.account), i == 0 || filler);
        b.account.lone = 1; /* a bundle is out, and what it waits for may be the hole */
        CHECK_EQ(account_has_room(&b.account), filler);
        b.account.window = 1;
        leg_unqueue(&b.legs[i]);
    }
}

TEST(queue_model, "10,000 random comings and goings leave the order that a sort would make")
{
    static struct bench b;
    uint64_t came[LEGS] = {0}, clock = 0;
    bench_init(&b);
    for (int round = 0; round < 10000; round++) {
        int i = (int)(test_random() % LEGS);
        if (b.legs[i].queued) {
            leg_unqueue(&b.legs[i]);
            leg_unqueue(&b.legs[i]);
        } else {
            b.intents[i].worth = hawse_u256(test_random() % 4);
            b.intents[i].filler = test_random() % 8 == 0;
            leg_queue(&b.legs[i]);
            came[i] = ++clock;
        }
        const struct leg *last = NULL;
        int queued = 0, linked = 0;
        for (const struct leg *at = b.account.queue; at; last = at, at = at->next_queued) {
            linked++;
            if (!last)
                continue;
            CHECK(!leg_before(at, last));
            CHECK(leg_before(last, at) || came[last - b.legs] < came[at - b.legs]);
        }
        for (int k = 0; k < LEGS; k++)
            queued += b.legs[k].queued;
        CHECK_EQ(linked, queued);
        CHECK(b.account.queue_last == last);
    }
}

TEST(queue_gain, "an intent that says nothing is worth what it expects to gain of the coin")
{
    hawse_intent_flow_t flows[2] = {{.size = sizeof(flows[0]), .asset = {1}},
                                    {.size = sizeof(flows[0])}};
    hawse_intent_t in = {.size = sizeof(in), .flow_count = 2, .flows = flows};
    hawse_u256_t worth;
    flows[0].expected_in = hawse_u256(1000000);
    intent_worth(&in, &worth);
    CHECK(hawse_u256_is_zero(&worth));
    flows[1].max_out = hawse_u256(70);
    flows[1].expected_in = hawse_u256(69);
    intent_worth(&in, &worth);
    CHECK(hawse_u256_is_zero(&worth));
    flows[1].expected_in = hawse_u256(100);
    intent_worth(&in, &worth);
    CHECK_EQ_U64(worth.limb[0], 30);
    in.worth = hawse_u256(7);
    intent_worth(&in, &worth);
    CHECK_EQ_U64(worth.limb[0], 7);
}

TEST(queue_dear, "what waits for lower fees is counted while it does, and only then")
{
    static struct bench b;
    bench_init(&b);
    struct leg *leg = &b.legs[0];
    leg->life.state = LIFE_WAITING;
    leg_count_dear(leg);
    CHECK_EQ(b.chain.dear, 0); /* for a nonce, say */
    leg->fee_most = 5;
    leg_count_dear(leg);
    leg_count_dear(leg);
    CHECK_EQ(b.chain.dear, 1);
    leg->life.state = LIFE_START;
    leg_count_dear(leg);
    CHECK_EQ(b.chain.dear, 0);
    CHECK_EQ_U64(leg->fee_most, 0);
    leg->life.state = LIFE_SENT; /* a replacement waits: what is out is no waiter */
    leg->fee_most = 5;
    leg_count_dear(leg);
    CHECK_EQ(b.chain.dear, 0);
}
