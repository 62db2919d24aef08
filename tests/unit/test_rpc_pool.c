/*
 * The pool against providers that fail in every way a provider can: who is asked, what is told, and
 * that it is told once.
 */
#include "../rpc/rig.h"
#include "harness.h"

#include <hawse/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const free_of_limits[] = {
    "'per_second':0,'priority':1", "'per_second':0,'priority':2", "'per_second':0,'priority':3"};
#define CALL "[{\"to\":\"0x00000000000000000000000000000000000000AA\"},\"latest\"]"

TEST(pool_asks, "the first by priority is asked, and its answer is told")
{
    struct rig r;
    rig_start(&r, free_of_limits, 3, "'hedge_ms':0,");
    struct told t = rig_get(&r, "eth_call", CALL, 0);
    CHECK_EQ(t.status, 0);
    CHECK_STR(t.provider, "p0");
    CHECK_EQ(strlen(t.body), 68);
    CHECK_EQ(faulty_count(r.servers[1], false) + faulty_count(r.servers[2], false), 0);
    rig_stop(&r);
}

TEST_LIMIT(pool_fails_over, 20, "whatever the first one does wrong, the second one answers")
{
    for (int mode = MODE_RESET; mode <= MODE_QUOTA; mode++) {
        struct rig r;
        rig_start(&r, free_of_limits, 2, "");
        struct told t = rig_get(&r, "eth_call", CALL, 0);
        CHECK_EQ(t.status, 0); /* of either: a busy machine is a slow provider */
        faulty_mode(r.servers[0], (enum fault_mode)mode);
        bool harmless = mode == MODE_STALE || mode == MODE_WRONG_CHAIN;
        for (int i = 0; i < 3 && !harmless; i++) {
            t = rig_get(&r, "eth_call", CALL, 0);
            if (t.status != 0 || strcmp(t.provider, "p1") != 0)
                FAIL("%s: status %d from %s: %s", faulty_mode_name((enum fault_mode)mode), t.status,
                     t.provider, t.body);
            CHECK(t.elapsed_ns < 500000000u);
        }
        rig_stop(&r);
    }
}

TEST(pool_refused, "a provider that is gone is left out, and used again when it is back")
{
    struct rig r;
    rig_start(&r, free_of_limits, 2, "'hedge_ms':0,");
    rig_sleep(&r, 100); /* both have told their chain ids */
    CHECK_STR(rig_get(&r, "eth_call", CALL, 0).provider, "p0");
    faulty_refuse(r.servers[0], true);
    for (int i = 0; i < 20; i++)
        CHECK_STR(rig_get(&r, "eth_call", CALL, 0).provider, "p1");
    faulty_refuse(r.servers[1], true);
    struct told t;
    (void)rig_ask(&r, "eth_call", CALL, 0, 3000, &t);
    rig_sleep(&r, 300);
    faulty_refuse(r.servers[1], false);
    rig_wait(&r, &t);
    CHECK_EQ(t.status, 0); /* asked again in a later round */
    rig_stop(&r);
}

TEST(pool_last_resort,
     "a pause that we guess ends early when nobody else is left, one asked for not")
{
    struct rig r;
    rig_start(&r, free_of_limits, 2, "'hedge_ms':0,");
    rig_sleep(&r, 100);
    faulty_mode(r.servers[0], MODE_429);
    CHECK_STR(rig_get(&r, "eth_call", CALL, POOL_FRESH).provider, "p1");
    faulty_mode(r.servers[0], MODE_GOOD);
    faulty_mode(r.servers[1], MODE_500);
    struct told t = rig_get(&r, "eth_call", CALL, POOL_FRESH);
    CHECK_STR(t.provider, "p0");
    CHECK(t.elapsed_ns < 500000000u);
    faulty_mode(r.servers[1], MODE_GOOD);
    faulty_mode(r.servers[0], MODE_429_AFTER);
    CHECK_STR(rig_get(&r, "eth_call", CALL, POOL_FRESH).provider, "p1");
    faulty_mode(r.servers[0], MODE_GOOD);
    faulty_mode(r.servers[1], MODE_500);
    uint64_t before = faulty_count(r.servers[0], true);
    (void)rig_ask(&r, "eth_call", CALL, POOL_FRESH, 800, &t);
    rig_wait(&r, &t);
    CHECK(t.status != 0);
    CHECK_EQ(faulty_count(r.servers[0], true), before);
    rig_stop(&r);
}

TEST(pool_last_resort_few, "a provider that goes on refusing is tried a few times a second, by all")
{
    struct rig r;
    struct told t[8];
    rig_start(&r, free_of_limits, 2, "'hedge_ms':0,");
    rig_sleep(&r, 100);
    faulty_mode(r.servers[0], MODE_429);
    faulty_mode(r.servers[1], MODE_429);
    for (int i = 0; i < 8; i++)
        (void)rig_ask(&r, "eth_call", CALL, POOL_FRESH, 1000, &t[i]);
    rig_sleep(&r, 100); /* those that left before the first refusal came */
    uint64_t before = faulty_count(r.servers[0], true) + faulty_count(r.servers[1], true);
    for (int i = 0; i < 8; i++)
        rig_wait(&r, &t[i]);
    uint64_t tried = faulty_count(r.servers[0], true) + faulty_count(r.servers[1], true) - before;
    CHECK(tried >= 2 && tried <= 12);
    rig_stop(&r);
}

TEST(pool_verdicts, "a verdict is told at once and asked of nobody else")
{
    struct rig r;
    rig_start(&r, free_of_limits, 2, "'hedge_ms':0,");
    for (int i = 0; i < 2; i++) /* whichever is asked first */
        faulty_mode(r.servers[i], MODE_REVERT);
    struct told t = rig_get(&r, "eth_call", CALL, 0);
    CHECK_EQ(t.status, HAWSE_E_REMOTE);
    CHECK_EQ(t.class, RPC_REVERT);
    CHECK(strstr(t.body, "execution reverted") != NULL);
    for (int i = 0; i < 2; i++)
        faulty_mode(r.servers[i], MODE_NONCE);
    t = rig_get(&r, "eth_sendRawTransaction", "[\"0x02\"]", 0);
    CHECK_EQ(t.class, RPC_NONCE_TOO_LOW);
    CHECK_EQ(faulty_count(r.servers[0], false) + faulty_count(r.servers[1], false), 2);
    rig_stop(&r);
}

TEST(pool_lacks, "a method that a provider has not is asked elsewhere from then on")
{
    struct rig r;
    rig_start(&r, free_of_limits, 2, "'hedge_ms':0,");
    faulty_mode(r.servers[0], MODE_LACKS);
    for (int i = 0; i < 5; i++)
        CHECK_STR(rig_get(&r, "eth_call", CALL, 0).provider, "p1");
    CHECK_EQ(faulty_count(r.servers[0], false), 1);
    faulty_mode(r.servers[1], MODE_LACKS);
    CHECK_EQ(rig_get(&r, "eth_call", CALL, 0).class, RPC_METHOD_UNSUPPORTED);
    rig_stop(&r);
}

TEST(pool_wrong_chain, "a provider of another chain is never asked anything but its chain id")
{
    struct rig r;
    static const enum fault_mode wrong[] = {MODE_WRONG_CHAIN, MODE_GOOD};
    rig_start_as(&r, free_of_limits, wrong, 2, "");
    for (int i = 0; i < 5; i++)
        CHECK_STR(rig_get(&r, "eth_call", CALL, POOL_FRESH).provider, "p1");
    CHECK_EQ(faulty_count(r.servers[0], false), 0);
    rig_stop(&r);
    rig_start_as(&r, free_of_limits, wrong, 1, "");
    struct told t = rig_get(&r, "eth_call", CALL, 0);
    CHECK(t.status != 0 && t.elapsed_ns < 1000000000u);
    CHECK_EQ(faulty_count(r.servers[0], false), 0);
    rig_stop(&r);
}

TEST(pool_stale, "an old head is not told while another provider has a newer one")
{
    struct rig r;
    rig_start(&r, free_of_limits, 2, "'cache':false,'hedge_ms':0,");
    rig_sleep(&r, 100); /* both have told their heads */
    CHECK_EQ(pool_head(r.pool), 100);
    faulty_mode(r.servers[0], MODE_STALE);
    struct told t = rig_get(&r, "eth_blockNumber", "[]", 0);
    CHECK_STR(t.body, "\"0x64\"");
    CHECK_STR(t.provider, "p1");
    t = rig_get(&r, "eth_getBlockByNumber", "[\"latest\",false]", POOL_FRESH);
    CHECK_STR(t.body, "{\"number\":\"0x64\"}");
    t = rig_get(&r, "eth_call", CALL, 0); /* it is known to be behind now */
    CHECK_STR(t.provider, "p1");
    rig_stop(&r);
}

TEST(pool_null, "null for a block that should be there is asked elsewhere; else it is an answer")
{
    struct rig r;
    rig_start(&r, free_of_limits, 2, "'hedge_ms':0,");
    rig_sleep(&r, 100);
    faulty_mode(r.servers[0], MODE_NULL);
    CHECK_STR(rig_get(&r, "eth_getBlockByNumber", "[\"0x10\",false]", 0).provider, "p1");
    struct told t = rig_get(&r, "eth_getBlockByNumber", "[\"0xffff\",false]", 0);
    CHECK_STR(t.body, "null");
    CHECK_STR(t.provider, "p0");
    faulty_mode(r.servers[1], MODE_NULL);
    t = rig_get(&r, "eth_getBlockByNumber", "[\"0x11\",false]", 0);
    CHECK_EQ(t.status, 0);
    CHECK_STR(t.body, "null");
    rig_stop(&r);
}

TEST(pool_hedges, "a slow read is asked of the next one, and the first answer is told")
{
    struct rig r;
    rig_start(&r, free_of_limits, 2, "'hedge_ms':30,");
    CHECK_EQ(rig_get(&r, "eth_call", CALL, 0).status, 0);
    faulty_mode(r.servers[0], MODE_HANG);
    struct told t = rig_get(&r, "eth_call", CALL, 0);
    CHECK_STR(t.provider, "p1");
    CHECK(t.elapsed_ns < 400000000u);
    rig_stop(&r);
}

/* How often a server was asked, once it was: an answer of another may come before that. */
static uint64_t asked_by_now(struct rig *r, unsigned server)
{
    for (int i = 0; i < 100 && faulty_count(r->servers[server], false) == 0; i++)
        rig_sleep(r, 10);
    return faulty_count(r->servers[server], false);
}

TEST(pool_broadcasts, "a send goes to three, and one success or one that knows it is enough")
{
    struct rig r;
    rig_start(&r, free_of_limits, 3, "'hedge_ms':0,");
    rig_sleep(&r, 100);
    faulty_mode(r.servers[0], MODE_500);
    faulty_mode(r.servers[1], MODE_NONCE);
    struct told t = rig_get(&r, "eth_sendRawTransaction", "[\"0x02\"]", POOL_BROADCAST);
    CHECK_EQ(t.status, 0);
    CHECK_STR(t.provider, "p2");
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ_U64(asked_by_now(&r, i), 1);
    faulty_mode(r.servers[2], MODE_KNOWN);
    CHECK_EQ(rig_get(&r, "eth_sendRawTransaction", "[\"0x02\"]", POOL_BROADCAST).class,
             RPC_ALREADY_KNOWN);
    faulty_mode(r.servers[2], MODE_NONCE);
    t = rig_get(&r, "eth_sendRawTransaction", "[\"0x02\"]", POOL_BROADCAST);
    CHECK_EQ(t.status, HAWSE_E_UNKNOWN); /* the one that failed may have taken it */
    CHECK_EQ(t.class, RPC_NONCE_TOO_LOW);
    faulty_mode(r.servers[0], MODE_NONCE);
    t = rig_get(&r, "eth_sendRawTransaction", "[\"0x02\"]", POOL_BROADCAST);
    CHECK_EQ(t.status, HAWSE_E_REMOTE);
    CHECK_EQ(t.class, RPC_NONCE_TOO_LOW);
    rig_stop(&r);
}

TEST(pool_once, "what may change something and is no signed transaction is asked once")
{
    struct rig r;
    rig_start(&r, free_of_limits, 3, "'hedge_ms':0,");
    rig_sleep(&r, 100);
    faulty_mode(r.servers[0], MODE_500);
    struct told t = rig_get(&r, "evm_mine", "[]", 0);
    CHECK_EQ(t.status, HAWSE_E_UNKNOWN);
    CHECK_EQ(faulty_count(r.servers[0], false), 1);
    CHECK_EQ(faulty_count(r.servers[1], false) + faulty_count(r.servers[2], false), 0);
    faulty_refuse(r.servers[0], true); /* it can't have arrived */
    CHECK_EQ(rig_get(&r, "evm_mine", "[]", 0).status, 0);
    rig_stop(&r);
}

TEST(pool_quorum, "a quorum takes what two say, and refuses when none agree")
{
    struct rig r;
    rig_start(&r, free_of_limits, 3, "'hedge_ms':0,");
    rig_sleep(&r, 100);
    faulty_balance(r.servers[0], 7);
    struct told t = rig_get(&r, "eth_getBalance",
                            "[\"0x00000000000000000000000000000000000000aa\"]", POOL_QUORUM);
    CHECK_EQ(t.status, 0);
    CHECK_STR(t.body, "\"0x1\"");
    faulty_balance(r.servers[1], 8);
    t = rig_get(&r, "eth_getBalance", "[\"0x00000000000000000000000000000000000000aa\"]",
                POOL_QUORUM);
    CHECK_EQ(t.status, HAWSE_E_STATE);
    faulty_mode(r.servers[0], MODE_REVERT);
    faulty_mode(r.servers[1], MODE_INVALID);
    faulty_mode(r.servers[2], MODE_500);
    CHECK_EQ(rig_get(&r, "eth_call", CALL, POOL_QUORUM).status, HAWSE_E_STATE);
    faulty_mode(r.servers[1], MODE_REVERT);
    CHECK_EQ(rig_get(&r, "eth_call", CALL, POOL_QUORUM).class, RPC_REVERT);
    faulty_mode(r.servers[0], MODE_GOOD);
    faulty_mode(r.servers[1], MODE_GOOD);
    faulty_balance(r.servers[1], 7);
    t = rig_get(&r, "eth_getBalance", "[\"0x00000000000000000000000000000000000000aa\"]",
                POOL_QUORUM);
    CHECK_EQ(t.status, 0);
    CHECK_STR(t.body, "\"0x7\"");
    rig_stop(&r);
}

TEST(pool_shares, "equal reads under way are asked once, and each is told")
{
    struct rig r;
    struct told t[20];
    rig_start(&r, free_of_limits, 1, "'hedge_ms':0,");
    CHECK_EQ(rig_get(&r, "eth_call", CALL, 0).status, 0);
    faulty_mode(r.servers[0], MODE_SLOW);
    uint64_t before = faulty_count(r.servers[0], false);
    for (int i = 0; i < 20; i++)
        (void)rig_ask(&r, "eth_call",
                      i % 2 ? CALL
                            : " [ {\"to\":\"0x00000000000000000000000000000"
                              "000000000aa\"} ] ",
                      0, 5000, &t[i]);
    for (int i = 0; i < 20; i++) {
        rig_wait(&r, &t[i]);
        CHECK_EQ(t[i].status, 0);
        CHECK_EQ(t[i].done, 1);
    }
    CHECK_EQ(faulty_count(r.servers[0], false), before + 1);
    for (int i = 0; i < 4; i++)
        (void)rig_ask(&r, "eth_call", CALL, POOL_FRESH, 5000, &t[i]);
    for (int i = 0; i < 4; i++)
        rig_wait(&r, &t[i]);
    CHECK_EQ(faulty_count(r.servers[0], false), before + 5);
    rig_stop(&r);
}

TEST(pool_caches, "a balance is kept until its address sends, the chain reorganises, or its time")
{
    struct rig r;
    static const uint8_t address[20] = {[19] = 0xaa}, other[20] = {[19] = 0xbb};
    const char *params = "[\"0x00000000000000000000000000000000000000aa\",\"latest\"]";
    rig_start(&r, free_of_limits, 1, "");
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).body, "\"0x1\"");
    faulty_balance(r.servers[0], 2);
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).provider, "cache");
    CHECK_STR(rig_get(&r, "eth_getBalance", params, POOL_FRESH).body, "\"0x2\"");
    faulty_balance(r.servers[0], 3);
    pool_touched(r.pool, other);
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).body, "\"0x2\"");
    pool_touched(r.pool, address);
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).body, "\"0x3\"");
    faulty_balance(r.servers[0], 4);
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).body, "\"0x3\"");
    pool_epoch(r.pool, 90);
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).body, "\"0x4\"");
    rig_stop(&r);
    rig_start(&r, free_of_limits, 1, "'cache':false,");
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).body, "\"0x1\"");
    CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).provider, "p0");
    rig_stop(&r);
}

TEST(pool_overtaken, "an answer that was under way during a reorganisation or a send is not kept")
{
    struct rig r;
    struct told t, again;
    static const uint8_t address[20] = {[19] = 0xaa};
    const char *params = "[\"0x00000000000000000000000000000000000000aa\",\"latest\"]";
    rig_start(&r, free_of_limits, 1, "");
    CHECK_EQ(rig_get(&r, "eth_gasPrice", "[]", 0).status, 0);
    for (int i = 0; i < 3; i++) {
        faulty_mode(r.servers[0], MODE_SLOW);
        uint64_t before = faulty_count(r.servers[0], false);
        (void)rig_ask(&r, "eth_getBalance", params, 0, 5000, &t);
        rig_sleep(&r, 20);
        if (i == 1)
            pool_touched(r.pool, address);
        else
            pool_epoch(r.pool, 50);
        if (i == 2) { /* nor is it shared */
            (void)rig_ask(&r, "eth_getBalance", params, 0, 5000, &again);
            rig_wait(&r, &again);
            CHECK_EQ(faulty_count(r.servers[0], false), before + 2);
        }
        rig_wait(&r, &t);
        faulty_mode(r.servers[0], MODE_GOOD);
        CHECK_STR(rig_get(&r, "eth_getBalance", params, 0).provider, i == 2 ? "cache" : "p0");
        pool_touched(r.pool, address);
    }
    rig_stop(&r);
}

TEST(pool_in_flight,
     "no more than in_flight are under way at a provider, and all the others follow")
{
    enum { MANY = 150 };
    static struct told t[MANY];
    struct rig r;
    rig_start(&r, (const char *const[]){"'per_second':0,'in_flight':50"}, 1, "");
    CHECK_EQ(rig_get(&r, "eth_call", CALL, 0).status, 0);
    faulty_mode(r.servers[0], MODE_SLOW); /* 100 ms each: three times 50 take 300 */
    uint64_t began = loop_clock();
    for (int i = 0; i < MANY; i++)
        (void)rig_ask(&r, "eth_call", CALL, POOL_FRESH, 5000, &t[i]);
    for (int i = 0; i < MANY; i++) {
        rig_wait(&r, &t[i]);
        CHECK(t[i].status == 0 && t[i].done == 1);
    }
    CHECK(loop_clock() - began >= 300000000u);
    rig_stop(&r);
}

TEST(pool_deadline, "a deadline is kept, and a send under way then is of unknown outcome")
{
    struct rig r;
    struct told t, s;
    rig_start(&r, free_of_limits, 1, "");
    CHECK_EQ(rig_get(&r, "eth_call", CALL, 0).status, 0);
    faulty_mode(r.servers[0], MODE_HANG);
    (void)rig_ask(&r, "eth_call", CALL, 0, 100, &t);
    (void)rig_ask(&r, "eth_sendRawTransaction", "[\"0x02\"]", 0, 100, &s);
    rig_wait(&r, &t);
    rig_wait(&r, &s);
    CHECK_EQ(t.status, HAWSE_E_TIMEOUT);
    CHECK_EQ(s.status, HAWSE_E_UNKNOWN);
    CHECK(t.elapsed_ns < 250000000u);
    rig_stop(&r);
}

TEST(pool_limits, "what limits can't let go before the deadline is refused at once")
{
    struct rig r;
    struct told t[8];
    rig_start(&r, (const char *const[]){"'per_second':2"}, 1, "'cache':false,");
    rig_sleep(&r, 1200); /* chain id and head were asked */
    for (int i = 0; i < 8; i++)
        (void)rig_ask(&r, "eth_call", CALL, POOL_FRESH, 1500, &t[i]);
    int good = 0, refused = 0;
    for (int i = 0; i < 8; i++) {
        rig_wait(&r, &t[i]);
        good += t[i].status == 0;
        refused += t[i].status == HAWSE_E_AGAIN && t[i].elapsed_ns < 200000000u;
    }
    CHECK(good >= 2 && good <= 4);
    CHECK(refused >= 3); /* one may be overtaken by the question for the head */
    CHECK(faulty_worst_second(r.servers[0]) <= 2);
    rig_stop(&r);
}

TEST(pool_cancels, "who canceled is not told, takes no slot, and leaks nothing")
{
    struct rig r;
    struct told t[30], last;
    struct pool_request *q[30];
    rig_start(&r, (const char *const[]){"'per_second':0,'in_flight':1"}, 1, "");
    CHECK_EQ(rig_get(&r, "eth_call", CALL, 0).status, 0);
    faulty_mode(r.servers[0], MODE_SLOW);
    uint64_t before = faulty_count(r.servers[0], false);
    for (int i = 0; i < 30; i++)
        q[i] = rig_ask(&r, "eth_call", CALL, i < 20 ? POOL_FRESH : 0, 5000, &t[i]);
    for (int i = 0; i < 30; i++)
        pool_cancel(q[i]);
    (void)rig_ask(&r, "eth_gasPrice", "[]", 0, 5000, &last);
    rig_wait(&r, &last);
    for (int i = 0; i < 30; i++)
        CHECK_EQ(t[i].done, 0);
    CHECK(faulty_count(r.servers[0], false) <= before + 3);
    rig_stop(&r);
}

TEST(pool_refuses, "filters, bad methods and bad params are refused before anything is asked")
{
    struct rig r;
    struct told t;
    struct pool_request *q;
    rig_start(&r, free_of_limits, 1, "");
    const struct {
        const char *method, *params;
        int32_t code;
    } rows[] = {{"eth_newFilter", "[{}]", HAWSE_E_UNSUPPORTED},
                {"eth_call", "{}", HAWSE_E_INVAL},
                {"eth_call", "[]]", HAWSE_E_INVAL},
                {"eth_call", "[],\"id\":1", HAWSE_E_INVAL},
                {"eth_\"call", "[]", HAWSE_E_INVAL},
                {"", "[]", HAWSE_E_INVAL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pool_options o = {.method = rows[i].method,
                                       .method_len = strlen(rows[i].method),
                                       .params = (const uint8_t *)rows[i].params,
                                       .params_len = strlen(rows[i].params)};
        CHECK_EQ(rig_try(&r, &o, &t, &q), rows[i].code);
    }
    rig_stop(&r);
}

#define SOLANA "'family':'solana','genesis':'mainnet','hedge_ms':0,"

TEST_LIMIT(pool_solana, 20,
           "a Solana node is known by its genesis hash, and left out when it is late")
{
    struct rig r;
    static const enum fault_mode first_wrong[] = {MODE_WRONG_CHAIN, MODE_GOOD};
    rig_start_as(&r, free_of_limits, first_wrong, 2, SOLANA);
    CHECK_STR(rig_get(&r, "getAccountInfo", "[\"x\"]", POOL_FRESH).provider, "p1");
    CHECK_EQ(faulty_count(r.servers[0], false), 0);
    rig_stop(&r);
    rig_start(&r, free_of_limits, 2, SOLANA);
    CHECK_STR(rig_get(&r, "getAccountInfo", "[\"x\"]", POOL_FRESH).provider, "p0");
    faulty_mode(r.servers[0], MODE_STALE); /* its head is well, and it says that it is not */
    for (int i = 0; i < 100; i++) {
        if (strcmp(rig_get(&r, "getAccountInfo", "[\"x\"]", POOL_FRESH).provider, "p1") == 0)
            break;
        rig_sleep(&r, 100);
    }
    CHECK_STR(rig_get(&r, "getAccountInfo", "[\"x\"]", POOL_FRESH).provider, "p1");
    CHECK_EQ(pool_head(r.pool), 100);
    rig_stop(&r);
}

/* ---- over a WebSocket ---- */

/* Waits until `n` requests have come over it, the one for its chain id included. */
static bool framed(struct rig *r, unsigned i, uint64_t n)
{
    for (int turn = 0; turn < 100 && faulty_framed(r->servers[i]) < n; turn++)
        rig_sleep(r, 20);
    return faulty_framed(r->servers[i]) >= n;
}

TEST_LIMIT(link_answers, 10, "a provider is asked over its WebSocket, what is costly over HTTP")
{
    struct rig r;
    struct told t[32];
    rig_start_sockets(&r, free_of_limits, 1, "'hedge_ms':0,");
    CHECK(framed(&r, 0, 1));
    rig_sleep(&r, 50);
    uint64_t before = faulty_framed(r.servers[0]), all = faulty_count(r.servers[0], true);
    for (int i = 0; i < 32; i++)
        (void)rig_ask(&r, "eth_call", CALL, POOL_FRESH, 5000, &t[i]);
    for (int i = 0; i < 32; i++) {
        rig_wait(&r, &t[i]);
        CHECK_EQ(t[i].status, 0);
        CHECK_EQ(strlen(t[i].body), 68);
    }
    CHECK_EQ(faulty_framed(r.servers[0]) - before, faulty_count(r.servers[0], true) - all);
    before = faulty_framed(r.servers[0]);
    CHECK_EQ(rig_get(&r, "eth_getLogs", "[{\"fromBlock\":\"0x1\"}]", POOL_FRESH).status, 0);
    CHECK_EQ(faulty_framed(r.servers[0]), before);
    faulty_mode(r.servers[0], MODE_REVERT);
    CHECK_EQ(rig_get(&r, "eth_call", CALL, POOL_FRESH).class, RPC_REVERT);
    CHECK_EQ(faulty_framed(r.servers[0]), before + 1);
    rig_stop(&r);
}

TEST_LIMIT(link_fails_over, 20, "whatever a WebSocket does wrong, another provider answers in time")
{
    static const enum fault_mode ways[] = {MODE_RESET, MODE_500,  MODE_GARBAGE,
                                           MODE_HALF,  MODE_HANG, MODE_WRONG_ID};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct rig r;
        rig_start_sockets(&r, free_of_limits, 2, "");
        CHECK(framed(&r, 0, 1) && framed(&r, 1, 1));
        rig_sleep(&r, 50);
        faulty_mode(r.servers[0], ways[i]);
        for (int n = 0; n < 3; n++) {
            struct told t = rig_get(&r, "eth_call", CALL, POOL_FRESH);
            if (t.status != 0 || strcmp(t.provider, "p1") != 0 || t.elapsed_ns >= 500000000u)
                FAIL("%s: status %d from %s after %llu ms: %s", faulty_mode_name(ways[i]), t.status,
                     t.provider, (unsigned long long)(t.elapsed_ns / 1000000), t.body);
        }
        rig_stop(&r);
    }
}

TEST_LIMIT(link_lost, 10,
           "while its WebSocket is away a provider is asked over HTTP, then over it again")
{
    struct rig r;
    rig_start_sockets(&r, free_of_limits, 1, "'hedge_ms':0,");
    CHECK(framed(&r, 0, 1));
    rig_sleep(&r, 50);
    faulty_refuse(r.servers[0], true);
    rig_sleep(&r, 50);
    faulty_refuse(r.servers[0], false);
    CHECK_EQ(rig_get(&r, "eth_call", CALL, POOL_FRESH).status, 0);
    uint64_t before = faulty_framed(r.servers[0]);
    for (int i = 0; i < 100 && faulty_sockets(r.servers[0]) < 2; i++)
        rig_sleep(&r, 20);
    CHECK(framed(&r, 0, before + 1));
    rig_sleep(&r, 50);
    before = faulty_framed(r.servers[0]);
    CHECK_EQ(rig_get(&r, "eth_call", CALL, POOL_FRESH).status, 0);
    CHECK(faulty_framed(r.servers[0]) > before);
    rig_stop(&r);
}

TEST_LIMIT(link_once, 10,
           "what may have been done when a WebSocket is lost is unknown, and is not asked twice")
{
    struct rig r;
    struct told t;
    rig_start_sockets(&r, free_of_limits, 2, "'hedge_ms':0,");
    CHECK(framed(&r, 0, 1));
    rig_sleep(&r, 50);
    faulty_mode(r.servers[0], MODE_RESET);
    uint64_t before = faulty_count(r.servers[0], false) + faulty_count(r.servers[1], false);
    t = rig_get(&r, "evm_mine", "[]", 0);
    CHECK_EQ(t.status, HAWSE_E_UNKNOWN);
    CHECK_EQ(faulty_count(r.servers[0], false) + faulty_count(r.servers[1], false), before + 1);
    rig_stop(&r);
}

TEST_LIMIT(link_limits, 10, "limits hold over both ways of a provider together")
{
    static const char *const slow[] = {"'per_second':10"};
    struct rig r;
    struct told t[40];
    rig_start_sockets(&r, slow, 1, "'hedge_ms':0,'cache':false,");
    CHECK(framed(&r, 0, 1));
    for (int i = 0; i < 40; i++)
        (void)rig_ask(&r, i % 3 ? "eth_call" : "eth_getLogs", i % 3 ? CALL : "[{}]", POOL_FRESH,
                      2500, &t[i]);
    for (int i = 0; i < 40; i++)
        rig_wait(&r, &t[i]);
    CHECK(faulty_worst_second(r.servers[0]) <= 11); /* one may have been held up on its way */
    CHECK(faulty_framed(r.servers[0]) > 3);
    rig_stop(&r);
}

TEST_LIMIT(link_wrong_chain, 10, "a WebSocket of another chain is not used, the provider is")
{
    struct rig r;
    rig_start_sockets(&r, free_of_limits, 1, "'hedge_ms':0,");
    CHECK(framed(&r, 0, 1));
    CHECK_EQ(rig_get(&r, "eth_call", CALL, POOL_FRESH).status, 0);
    faulty_mode(r.servers[0], MODE_WRONG_CHAIN);
    faulty_refuse(r.servers[0], true);
    rig_sleep(&r, 50);
    faulty_refuse(r.servers[0], false);
    for (int i = 0; i < 100 && faulty_sockets(r.servers[0]) < 2; i++)
        rig_sleep(&r, 20);
    rig_sleep(&r, 100);
    uint64_t before = faulty_framed(r.servers[0]);
    (void)rig_get(&r, "eth_call", CALL, POOL_FRESH);
    CHECK_EQ(faulty_framed(r.servers[0]), before);
    rig_stop(&r);
}
