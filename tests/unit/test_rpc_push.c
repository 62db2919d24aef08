/*
 * Heads by push: that they are told without being asked for, and that a WebSocket which says no
 * more, falls behind, breaks, or never could, is no reason not to know the head.
 */
#include "../rpc/rig.h"
#include "harness.h"

#include <hawse/types.h>

#include <stdio.h>
#include <string.h>

static const char *const two[] = {"'per_second':0,'priority':1", "'per_second':0,'priority':2"};

static void wait_subscribed(struct rig *r, unsigned server, uint64_t times)
{
    CHECK_EQ(rig_get(r, "eth_gasPrice", "[]", POOL_FRESH).status, HAWSE_OK);
    for (int i = 0; i < 400 && faulty_subscribed(r->servers[server]) < times; i++)
        rig_sleep(r, 10);
    CHECK_EQ_U64(faulty_subscribed(r->servers[server]), times);
    rig_sleep(r, 50);
}

static bool head_becomes(struct rig *r, uint64_t head, unsigned ms)
{
    for (unsigned i = 0; i < ms / 5 && pool_head(r->pool) != head; i++)
        rig_sleep(r, 5);
    return pool_head(r->pool) == head;
}

static void count(void *ctx)
{
    ++*(int *)ctx;
}

TEST(push_heads, "a head that is pushed is known at once, told on, and not asked for")
{
    struct rig r;
    int heard = 0;
    rig_start_sockets(&r, two, 1, "'block_ms':1000,");
    pool_listen(r.pool, r.loop, count, &heard);
    wait_subscribed(&r, 0, 1);
    CHECK(pool_pushes(r.pool));
    uint64_t asked = faulty_count(r.servers[0], true);
    faulty_push(r.servers[0], 101);
    CHECK(head_becomes(&r, 101, 500));
    rig_sleep(&r, 20);
    CHECK_EQ(heard, 1);
    for (uint64_t n = 102; n < 112; n++) { /* longer than the pool would wait to ask: 4 s */
        rig_sleep(&r, 450);
        faulty_push(r.servers[0], n);
        CHECK(head_becomes(&r, n, 500));
    }
    /* polling would have asked for each of them; what was under way before may still have come */
    CHECK(faulty_count(r.servers[0], true) <= asked + 2);
    pool_listen(r.pool, NULL, NULL, NULL);
    faulty_push(r.servers[0], 112);
    CHECK(head_becomes(&r, 112, 500));
    rig_sleep(&r, 20);
    CHECK_EQ(heard, 11);
    rig_stop(&r);
}

TEST(push_headers, "the header of the newest head that was pushed is there once, as it was told")
{
    static const char newest[] = "{\"number\":\"0x66\"}";
    uint8_t header[POOL_HEADER];
    struct rig r;
    rig_start_sockets(&r, two, 1, "");
    wait_subscribed(&r, 0, 1);
    CHECK_EQ_U64(pool_pushed(r.pool, header), 0);
    faulty_push(r.servers[0], 101);
    faulty_push(r.servers[0], 102);
    CHECK(head_becomes(&r, 102, 500));
    faulty_push(r.servers[0], 90); /* far behind: no news */
    rig_sleep(&r, 30);
    size_t len = pool_pushed(r.pool, header);
    CHECK_EQ_U64(len, sizeof(newest) - 1);
    CHECK(memcmp(header, newest, len) == 0);
    CHECK_EQ_U64(pool_pushed(r.pool, header), 0);
    rig_stop(&r);
}

TEST(push_others, "what is of another subscription, no block, or no JSON is passed over")
{
    static const char *const notes[] = {
        "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x1\","
        "\"result\":{\"number\":\"0x90\"}}}",
        "{\"params\":{\"subscription\":\"0x9ce59a13059e417087c02d3236a0b1cc\",\"result\":\"0x90\"}"
        "}",
        "{\"params\":{\"subscription\":\"0x9ce59a13059e417087c02d3236a0b1cc\",\"result\":{"
        "\"number\":144}}}",
        "{\"params\":[]}",
        "[",
        "",
    };
    struct rig r;
    rig_start_sockets(&r, two, 1, "");
    wait_subscribed(&r, 0, 1);
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
        faulty_note(r.servers[0], notes[i]);
    faulty_push(r.servers[0], 101);
    CHECK(head_becomes(&r, 101, 500));
    CHECK_EQ(rig_get(&r, "eth_gasPrice", "[]", POOL_FRESH).status, HAWSE_OK);
    rig_stop(&r);
}

TEST(push_behind, "a provider that pushes no more while others go on is asked for its head")
{
    struct rig r;
    rig_start_sockets(&r, two, 2, "'block_ms':100,");
    rig_sleep(&r, 300);
    wait_subscribed(&r, 0, 1);
    wait_subscribed(&r, 1, 1);
    faulty_push(r.servers[0], 101);
    uint64_t asked = faulty_count(r.servers[0], true);
    faulty_head(r.servers[0], 260);
    for (uint64_t n = 110; n <= 260; n += 10) {
        faulty_push(r.servers[1], n);
        rig_sleep(&r, 30);
    }
    for (int i = 0; i < 200 && faulty_count(r.servers[0], true) == asked; i++)
        rig_sleep(&r, 10);
    CHECK(faulty_count(r.servers[0], true) > asked);
    CHECK_EQ_U64(pool_head(r.pool), 260);
    rig_stop(&r);
}

TEST_LIMIT(push_silent, 15,
           "a subscription that falls silent is noticed, and the head is asked for")
{
    struct rig r;
    rig_start_sockets(&r, two, 1, "'block_ms':100,");
    wait_subscribed(&r, 0, 1);
    faulty_push(r.servers[0], 101);
    CHECK(head_becomes(&r, 101, 500));
    faulty_head(r.servers[0], 140); /* and says nothing */
    CHECK(head_becomes(&r, 140, 9000));
    CHECK(!pool_pushes(r.pool));
    faulty_push(r.servers[0], 141); /* it was only late: it counts again */
    CHECK(head_becomes(&r, 141, 500));
    CHECK(pool_pushes(r.pool));
    rig_stop(&r);
}

TEST(push_often, "heads that come while the clock is being looked at are no silence")
{
    struct rig r;
    rig_start_sockets(&r, two, 1, "'block_ms':1000,");
    wait_subscribed(&r, 0, 1);
    for (uint64_t head = 101; head < 700; head++) {
        faulty_push(r.servers[0], head);
        rig_sleep(&r, 1);
        CHECK(pool_pushes(r.pool));
    }
    CHECK(head_becomes(&r, 699, 1000));
    rig_stop(&r);
}

TEST(push_again, "after its WebSocket broke a provider is subscribed to anew")
{
    struct rig r;
    rig_start_sockets(&r, two, 1, "");
    wait_subscribed(&r, 0, 1);
    faulty_refuse(r.servers[0], true);
    for (int i = 0; i < 200 && pool_pushes(r.pool); i++)
        rig_sleep(&r, 10);
    CHECK(!pool_pushes(r.pool));
    faulty_refuse(r.servers[0], false);
    for (int i = 0; i < 400 && faulty_subscribed(r.servers[0]) < 2; i++)
        rig_sleep(&r, 10);
    rig_sleep(&r, 50);
    faulty_push(r.servers[0], 101);
    CHECK(head_becomes(&r, 101, 500));
    rig_stop(&r);
}

TEST(push_lacks, "a provider whose WebSocket has no subscriptions is asked once, and polled")
{
    struct rig r;
    rig_start_sockets(&r, two, 1, "");
    faulty_mode(r.servers[0], MODE_NO_PUSH);
    CHECK_EQ(rig_get(&r, "eth_gasPrice", "[]", POOL_FRESH).status, HAWSE_OK);
    rig_sleep(&r, 1500);
    CHECK(!pool_pushes(r.pool));
    CHECK_EQ_U64(pool_head(r.pool), 100);
    uint64_t asked = faulty_count(r.servers[0], true);
    rig_sleep(&r, 600);
    CHECK_EQ_U64(faulty_count(r.servers[0], true), asked);
    rig_stop(&r);
}
