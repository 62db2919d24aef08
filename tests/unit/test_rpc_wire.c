/*
 * The pool's own connections for what is asked again and again: that they are used, that whatever a
 * server does over them means what it means over libcurl, and that what they can't do is no
 * failure.
 */
#include "../rpc/rig.h"
#include "harness.h"

#include <hawse/types.h>

#include <stdio.h>
#include <string.h>

static const char *const one[] = {"'per_second':0,'in_flight':8"};
#define CALL "[{\"to\":\"0x00000000000000000000000000000000000000AA\"},\"latest\"]"

/* Asks n times, eight at a time; how many were answered well. */
static unsigned burst(struct rig *r, unsigned n)
{
    struct told t[8];
    unsigned good = 0;
    for (unsigned asked = 0; asked < n; asked += 8) {
        for (unsigned i = 0; i < 8; i++)
            (void)rig_ask(r, "eth_call", CALL, POOL_FRESH, 5000, &t[i]);
        for (unsigned i = 0; i < 8; i++) {
            rig_wait(r, &t[i]);
            good += t[i].status == HAWSE_OK && t[i].done == 1 && strlen(t[i].body) == 68;
        }
    }
    return good;
}

/* A provider of which connections of our own are open. */
static void start_warm(struct rig *r)
{
    rig_start(r, one, 1, "'cache':false,'attempt_ms':300,");
    for (int i = 0; i < 50 && faulty_plain(r->servers[0]) < 40; i++) {
        CHECK_EQ(burst(r, 16), 16);
        rig_sleep(r, 5);
    }
    CHECK(faulty_plain(r->servers[0]) >= 40);
}

TEST(wire_used, "what is asked again and again goes over connections of the pool's own")
{
    struct rig r;
    start_warm(&r);
    uint64_t before = faulty_plain(r.servers[0]);
    CHECK_EQ(burst(&r, 400), 400);
    CHECK(faulty_plain(r.servers[0]) >= before + 300);
    rig_stop(&r);
}

TEST(wire_seldom, "what is asked now and then does not")
{
    struct rig r;
    rig_start(&r, one, 1, "'cache':false,");
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(rig_get(&r, "eth_call", CALL, POOL_FRESH).status, HAWSE_OK);
        rig_sleep(&r, 300);
    }
    CHECK_EQ_U64(faulty_plain(r.servers[0]), 0);
    rig_stop(&r);
}

TEST_LIMIT(wire_same, 30, "whatever a server does wrong means the same as over libcurl")
{
    for (int mode = MODE_RESET; mode <= MODE_NULL; mode++) {
        struct rig cold, warm;
        struct told a, b;
        bool of_chain = mode == MODE_STALE || mode == MODE_WRONG_CHAIN;
        if (of_chain) /* what is asked for that is asked by libcurl alone */
            continue;
        rig_start(&cold, one, 1, "'cache':false,'attempt_ms':300,");
        CHECK_EQ(rig_get(&cold, "eth_call", CALL, POOL_FRESH).status, HAWSE_OK);
        start_warm(&warm);
        uint64_t before = faulty_plain(warm.servers[0]);
        faulty_mode(cold.servers[0], (enum fault_mode)mode);
        faulty_mode(warm.servers[0], (enum fault_mode)mode);
        (void)rig_ask(&cold, "eth_call", CALL, POOL_FRESH, 250, &a);
        (void)rig_ask(&warm, "eth_call", CALL, POOL_FRESH, 250, &b);
        rig_wait(&cold, &a);
        rig_wait(&warm, &b);
        if (a.status != b.status || a.class != b.class)
            FAIL("%s: %d (class %d) by libcurl, %d (class %d) by our own: %s",
                 faulty_mode_name((enum fault_mode)mode), a.status, a.class, b.status, b.class,
                 b.body);
        CHECK(faulty_plain(warm.servers[0]) > before);
        rig_stop(&cold);
        rig_stop(&warm);
    }
}

TEST_LIMIT(wire_legal, 20, "chunks, ends that were announced and ends that were not are no failure")
{
    for (int mode = MODE_CHUNKED; mode <= MODE_UNTIL_CLOSE; mode++) {
        struct rig r;
        start_warm(&r);
        uint64_t before = faulty_plain(r.servers[0]);
        faulty_mode(r.servers[0], (enum fault_mode)mode);
        unsigned good = burst(&r, 64);
        if (good != 64)
            FAIL("%s: %u of 64", faulty_mode_name((enum fault_mode)mode), good);
        CHECK(faulty_plain(r.servers[0]) > before);
        faulty_mode(r.servers[0], MODE_GOOD);
        CHECK_EQ(burst(&r, 64), 64);
        rig_stop(&r);
    }
}

TEST(wire_idle_ends, "connections that the server ended while they were idle are not used")
{
    struct rig r;
    start_warm(&r);
    faulty_refuse(r.servers[0], true);
    faulty_refuse(r.servers[0], false);
    rig_sleep(&r, 50);
    CHECK_EQ(burst(&r, 64), 64);
    rig_stop(&r);
}

TEST(wire_sends, "a send that a connection of our own may have carried is of unknown outcome")
{
    struct rig r;
    struct told t;
    start_warm(&r);
    uint64_t before = faulty_plain(r.servers[0]);
    faulty_mode(r.servers[0], MODE_HANG);
    (void)rig_ask(&r, "eth_sendRawTransaction", "[\"0x02\"]", 0, 200, &t);
    rig_wait(&r, &t);
    CHECK_EQ(t.status, HAWSE_E_UNKNOWN);
    CHECK(faulty_plain(r.servers[0]) > before);
    uint64_t plain = faulty_plain(r.servers[0]);
    faulty_mode(r.servers[0], MODE_GOOD);
    CHECK_EQ(rig_get(&r, "evm_mine", "[]", 0).status, HAWSE_OK); /* may be done once only */
    CHECK_EQ_U64(faulty_plain(r.servers[0]), plain);
    rig_stop(&r);
}
