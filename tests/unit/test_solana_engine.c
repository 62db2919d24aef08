/*
 * The Solana engine against a cluster that forks, lags, drops and loses, through restarts at any
 * moment: every intent ends once, and is executed on the finalized branch exactly once when it is
 * told so, and never otherwise, however long afterwards one looks.
 */
#include "tx/solana_engine.h"

#include "harness.h"
#include "solana_cluster.h"

#include <hawse/hawse.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTENTS = 12, KEPT = 128, SLOT_MS = 400 };

struct asked_signature {
    bool used;
    uint64_t ticket, due;
    uint8_t signature[64 * 2];
};

struct rig {
    struct cluster c;
    struct solana_engine *engine;
    uint8_t public[2][32], secret[2][64]; /* the payer, and who may advance nonces */
    struct solana_attempt kept[KEPT];     /* the journal ... */
    uint32_t kept_count, group;           /* ... of which the last `group` are not on the disk */
    struct asked_signature asked[64];
    uint32_t ends[INTENTS + 1], told[INTENTS + 1];
    enum solana_end end[INTENTS + 1];
    struct solana_told last;
    bool durable[INTENTS + 1], added[INTENTS + 1];
    uint32_t lag;    /* the largest so far */
    uint32_t seen;   /* 1 << SOLANA_TELL_... */
    uint32_t slow;   /* signatures, in a hundred */
    uint32_t refuse; /* signatures, in a hundred */
    bool disk_full;
    uint32_t restarts;
    enum solana_verdict verdict[2];
};

static uint64_t rig_now(void *ctx)
{
    struct rig *r = ctx;
    return r->c.head * SLOT_MS * 1000000ull;
}

static int32_t rig_call(void *ctx, const struct pool_options *options, pool_done_fn done,
                        void *done_ctx)
{
    return cluster_call(&((struct rig *)ctx)->c, options, done, done_ctx);
}

static bool rig_sign(void *ctx, const struct solana_signing *s)
{
    struct rig *r = ctx;
    struct asked_signature *a = r->asked;
    if (test_random() % 100 < r->refuse)
        return false;
    while (a->used)
        a++;
    CHECK(a < r->asked + 64 && s->count <= 2);
    *a = (struct asked_signature){.used = true, .ticket = s->ticket};
    for (uint32_t i = 0; i < s->count; i++) {
        int who = memcmp(s->keys + 32 * i, r->public[0], 32) == 0 ? 0 : 1;
        CHECK(memcmp(s->keys + 32 * i, r->public[who], 32) == 0);
        (void)crypto_sign_detached(a->signature + 64 * i, NULL, s->message, s->message_len,
                                   r->secret[who]);
    }
    bool slow = test_random() % 100 < r->slow;
    a->due = r->c.head + (slow ? 1 + test_random() % 150 : 0);
    if (slow)
        return true;
    a->used = false;
    solana_engine_signed(r->engine, s->ticket, a->signature);
    return true;
}

static int32_t rig_keep(void *ctx, const struct solana_attempt *attempt)
{
    struct rig *r = ctx;
    if (r->disk_full)
        return HAWSE_E_NOSPACE;
    CHECK(r->kept_count < KEPT);
    if (attempt->life.kind == HAWSE_SOLANA_LIFE_BLOCKHASH) /* never one that is nearly over, */
        CHECK(r->c.slots[r->c.head].height + 40 <= /* by what the nodes that were asked know */
              attempt->life.last_block_height + r->lag);
    r->kept[r->kept_count++] = *attempt;
    r->group++;
    return HAWSE_OK;
}

static void rig_tell(void *ctx, const struct solana_told *told)
{
    struct rig *r = ctx;
    CHECK(told->number >= 1 && told->number <= INTENTS);
    r->last = *told;
    r->told[told->number]++;
    r->seen |= 1u << told->tell;
    if (told->end == SOLANA_END_NONE)
        return;
    r->ends[told->number]++;
    r->end[told->number] = told->end;
}

static enum solana_verdict rig_gate(void *ctx, const struct solana_case *about, char *reason)
{
    struct rig *r = ctx;
    (void)snprintf(reason, SOLANA_REASON, "the gate says so");
    return r->verdict[about->gate];
}

static void start(struct rig *r, const struct solana_options *options)
{
    struct solana_port port = {r, rig_now, rig_call, rig_sign, rig_keep, rig_tell, rig_gate};
    CHECK_EQ(solana_engine_new(options, &port, &r->engine), HAWSE_OK);
}

static struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    CHECK(r && sodium_init() >= 0);
    cluster_init(&r->c);
    for (int i = 0; i < 2; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        (void)crypto_sign_seed_keypair(r->public[i], r -> secret[i], seed);
    }
    memcpy(r->c.authority, r->public[1], 32);
    start(r, &(struct solana_options){0});
    return r;
}

static void rig_free(struct rig *r)
{
    solana_engine_free(r->engine);
    r->engine = NULL;
    for (int i = 0; i < 8; i++) /* answers that come late find nobody */
        cluster_slot(&r->c);
    free(r);
}

/* A transfer whose amount is the intent's number, so that the cluster can count it. */
static struct solana_wanted wanted_of(struct rig *r, uint64_t number)
{
    static hawse_solana_builder_t b;
    hawse_solana_begin(&b);
    CHECK_EQ(hawse_solana_transfer(
                 &b, r->public [0], (const uint8_t[32]) { 9 }, number),
             HAWSE_OK);
    struct solana_wanted w = {.number = number, .instructions = &b, .max_fee = 100000};
    memcpy(w.payer, r->public[0], 32);
    w.version = number % 2 ? HAWSE_SOLANA_V0 : HAWSE_SOLANA_LEGACY;
    w.durable = r->durable[number];
    memcpy(w.nonce, r->c.nonces[number % CLUSTER_NONCES], 32);
    memcpy(w.authority, r->public[1], 32);
    return w;
}

static void add(struct rig *r, uint64_t number)
{
    struct solana_wanted w = wanted_of(r, number);
    struct fault fault = {0};
    r->added[number] = true;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
}

/* kill -9: what is on the disk is all that is left. */
static void restart(struct rig *r, const struct solana_options *options)
{
    struct solana_attempt mine[SOLANA_ATTEMPTS];
    struct fault fault = {0};
    r->kept_count -= r->group;
    r->group = 0;
    r->restarts++;
    solana_engine_free(r->engine);
    memset(r->asked, 0, sizeof(r->asked));
    start(r, options);
    for (uint64_t n = 1; n <= 2 * INTENTS; n++) { /* what is out goes before what is not */
        uint32_t count = 0;
        uint64_t number = (n - 1) % INTENTS + 1;
        for (uint32_t i = 0; i < r->kept_count; i++) {
            if (r->kept[i].intent == number)
                mine[count++] = r->kept[i];
        }
        struct solana_wanted w = wanted_of(r, number);
        if (r->added[number] && r->ends[number] == 0 && (n <= INTENTS) == (count > 0))
            CHECK_EQ(solana_engine_restore(r->engine, &w, mine, count, &fault), HAWSE_OK);
    }
}

/* One slot of time, as the desk lives it: turn, commit, go. */
static void live(struct rig *r)
{
    cluster_slot(&r->c);
    for (int i = 0; i < 64; i++) {
        if (r->asked[i].used && r->asked[i].due <= r->c.head) {
            r->asked[i].used = false;
            solana_engine_signed(r->engine, r->asked[i].ticket, r->asked[i].signature);
        }
    }
    (void)solana_engine_turn(r->engine);
    r->group = 0;
    solana_engine_go(r->engine);
}

static void live_until(struct rig *r, uint64_t number, uint32_t slots)
{
    for (uint32_t i = 0; i < slots && r->ends[number] == 0; i++)
        live(r);
    CHECK_EQ(r->ends[number], 1);
}

static void expect_executed(struct rig *r, uint64_t number, uint32_t good, uint32_t bad)
{
    uint32_t g = 0, b = 0;
    cluster_executed(&r->c, number, &g, &b);
    CHECK_EQ(g, good);
    CHECK_EQ(b, bad);
}

TEST(solana_engine_plain,
     "a transfer is simulated, signed, sent, and final; a failing one costs fees")
{
    struct rig *r = rig_new();
    add(r, 1);
    live_until(r, 1, 400);
    CHECK_EQ(r->end[1], SOLANA_END_CONFIRMED);
    CHECK(r->last.slot > 0 && r->last.reason[0] == '\0');
    CHECK(r->c.sends <= 2); /* nothing is sent again without need */
    CHECK_EQ(r->kept_count, 1);
    expect_executed(r, 1, 1, 0);
    add(r, 3);
    live_until(r, 3, 400);
    CHECK_EQ(r->end[3], SOLANA_END_REVERTED);
    CHECK(strstr(r->last.reason, "Custom 1") != NULL);
    expect_executed(r, 3, 0, 1);
    live(r);
    rig_free(r);
}

TEST(solana_engine_drops, "what nodes drop is sent again, and what cannot land is signed anew")
{
    struct rig *r = rig_new();
    r->c.drop = 100;
    add(r, 1);
    for (int i = 0; i < 100; i++)
        live(r);
    CHECK(r->c.sends > 10);
    CHECK_EQ(r->kept_count, 1); /* the same bytes */
    for (int i = 0; i < 250; i++)
        live(r);
    CHECK_EQ(r->kept_count, 2); /* it was dead */
    CHECK(r->seen & 1u << SOLANA_TELL_RENEWED);
    r->c.drop = 0;
    live_until(r, 1, 400);
    CHECK_EQ(r->end[1], SOLANA_END_CONFIRMED);
    expect_executed(r, 1, 1, 0);
    rig_free(r);
}

TEST(solana_engine_gives_up, "after three renewals it has expired, and nothing of it can land")
{
    struct rig *r = rig_new();
    r->c.slow = 100;
    add(r, 1);
    for (uint32_t signed_before = 0; r->ends[1] == 0; live(r)) {
        if (r->kept_count != signed_before) /* a restart forgets nothing of it */
            restart(r, &(struct solana_options){0});
        signed_before = r->kept_count;
        CHECK(r->c.head < 3000);
    }
    CHECK_EQ(r->end[1], SOLANA_END_EXPIRED);
    CHECK_EQ(r->kept_count, 1 + SOLANA_RENEWALS);
    r->c.slow = 0;
    for (int i = 0; i < 300; i++)
        live(r);
    expect_executed(r, 1, 0, 0);
    rig_free(r);
}

TEST(solana_engine_history, "where no node's history reaches back, nothing is signed anew")
{
    struct rig *r = rig_new();
    r->c.slow = 100;
    add(r, 1);
    for (int i = 0; i < 20; i++)
        live(r);
    r->c.history = r->c.head;
    for (int i = 0; i < 600; i++)
        live(r);
    CHECK_EQ(r->ends[1], 0);
    CHECK_EQ(r->kept_count, 1);
    CHECK(r->seen & 1u << SOLANA_TELL_UNKNOWN);
    r->c.history = 1; /* an archive is asked */
    r->c.slow = 0;
    live_until(r, 1, 400);
    CHECK_EQ(r->kept_count, 2);
    expect_executed(r, 1, 1, 0);
    rig_free(r);
}

static void one_nonce(void)
{
    struct rig *r = rig_new();
    r->durable[1] = r->durable[5] = r->durable[9] = true; /* all of the same account */
    add(r, 1);
    add(r, 5);
    add(r, 9);
    r->c.slow = 100;
    for (int i = 0; i < 60; i++) {
        live(r);
        CHECK(r->kept_count <= 1);
        if (i == 30)
            restart(r, &(struct solana_options){0});
    }
    CHECK(r->seen & 1u << SOLANA_TELL_WAITING);
    r->c.slow = 0;
    for (uint64_t n = 1; n <= 9; n += 4) {
        live_until(r, n, 1200);
        CHECK_EQ(r->end[n], SOLANA_END_CONFIRMED);
        expect_executed(r, n, 1, 0);
    }
    rig_free(r);
}

TEST(solana_engine_nonce, "one transaction in flight for each nonce account, and each lands once")
{
    for (int i = 0; i < 20; i++)
        one_nonce();
}

TEST(solana_engine_blind, "nodes that are behind the last block it could be in prove nothing")
{
    struct rig *r = rig_new();
    r->c.slow = 100;
    add(r, 1);
    for (int i = 0; i < 20; i++)
        live(r);
    while (r->c.txs[0].slot == 0) { /* it lands at the last moment */
        uint64_t last = r->kept[0].life.last_block_height;
        r->c.slow = r->c.slots[r->c.head].height + 2 < last ? 100 : 0;
        r->c.blind = r->c.slow ? 0 : 100;
        live(r);
    }
    for (int i = 0; i < 95; i++)
        live(r);
    CHECK_EQ(r->kept_count, 1);
    r->c.blind = 0;
    live_until(r, 1, 100);
    CHECK_EQ(r->end[1], SOLANA_END_CONFIRMED);
    CHECK_EQ(r->kept_count, 1);
    expect_executed(r, 1, 1, 0);
    rig_free(r);
}

TEST(solana_engine_nonce_before, "a nonce value from before it was signed does not prove it dead")
{
    struct rig *r = rig_new();
    r->durable[2] = true;
    r->c.foreign = 1000;
    for (int i = 0; i < 20; i++) /* finalized state still has an older value */
        live(r);
    r->c.foreign = 0;
    r->c.slow = 100;
    add(r, 2);
    for (int i = 0; i < 60; i++)
        live(r);
    CHECK_EQ(r->kept_count, 1);
    CHECK(!(r->seen & 1u << SOLANA_TELL_RENEWED));
    r->c.slow = 0;
    live_until(r, 2, 400);
    CHECK_EQ(r->end[2], SOLANA_END_CONFIRMED);
    rig_free(r);
}

TEST(solana_engine_void_late, "an empty transaction that is signed too late never leaves")
{
    struct rig *r = rig_new();
    r->durable[2] = true;
    r->c.slow = 100;
    add(r, 2);
    for (int i = 0; i < 20; i++)
        live(r);
    r->slow = 100;
    CHECK_EQ(solana_engine_cancel(r->engine, 2), HAWSE_OK);
    for (int i = 0; i < 64; i++) {
        if (r->asked[i].used)
            r->asked[i].due = r->c.head + 20;
    }
    r->c.slow = 0;
    live_until(r, 2, 400);
    CHECK_EQ(r->end[2], SOLANA_END_CONFIRMED);
    CHECK_EQ(r->kept_count, 1);
    rig_free(r);
}

TEST(solana_engine_nonce_cancel, "a durable one is canceled by an empty transaction, or by landing")
{
    struct rig *r = rig_new();
    r->durable[2] = true;
    r->c.slow = 100;
    add(r, 2);
    for (int i = 0; i < 500; i++)
        live(r);
    CHECK_EQ(r->ends[2], 0); /* it never dies by itself */
    CHECK_EQ(r->kept_count, 1);
    CHECK_EQ(solana_engine_cancel(r->engine, 2), HAWSE_OK);
    r->c.txs[0].hash[0] ^= 1; /* only the empty one can land */
    r->c.slow = 0;
    live_until(r, 2, 400);
    CHECK_EQ(r->end[2], SOLANA_END_CANCELED);
    CHECK_EQ(r->kept_count, 2);
    CHECK(r->kept[1].empty);
    expect_executed(r, 2, 0, 0);
    CHECK_EQ(solana_engine_cancel(r->engine, 2), HAWSE_E_STALE);
    rig_free(r);
}

TEST(solana_engine_nonce_taken, "a nonce that somebody else advanced is proved, then signed anew")
{
    struct rig *r = rig_new();
    r->durable[2] = true;
    r->c.slow = 100;
    add(r, 2);
    for (int i = 0; i < 20; i++)
        live(r);
    r->c.foreign = 1000;
    for (int i = 0; i < 20; i++)
        live(r);
    r->c.foreign = 0;
    r->c.slow = 0;
    live_until(r, 2, 800);
    CHECK_EQ(r->end[2], SOLANA_END_CONFIRMED);
    CHECK_EQ(r->kept_count, 2);
    expect_executed(r, 2, 1, 0);
    rig_free(r);
}

TEST(solana_engine_gates, "what a gate refuses is never signed, what it holds is looked at again")
{
    struct rig *r = rig_new();
    r->verdict[SOLANA_BEFORE] = SOLANA_REFUSE;
    add(r, 1);
    live_until(r, 1, 10);
    CHECK_EQ(r->end[1], SOLANA_END_REFUSED);
    CHECK_STR(r->last.reason, "the gate says so");
    r->verdict[SOLANA_BEFORE] = SOLANA_PASS;
    r->verdict[SOLANA_AFTER] = SOLANA_REFUSE;
    add(r, 2);
    live_until(r, 2, 100);
    CHECK_EQ(r->end[2], SOLANA_END_REFUSED);
    r->verdict[SOLANA_AFTER] = SOLANA_HOLD;
    r->verdict[SOLANA_BEFORE] = SOLANA_HOLD;
    add(r, 4);
    for (int i = 0; i < 20; i++)
        live(r);
    r->verdict[SOLANA_BEFORE] = SOLANA_PASS;
    for (int i = 0; i < 20; i++)
        live(r);
    CHECK_EQ(r->kept_count, 0);
    CHECK_EQ(r->told[4], 1); /* WAITING, once */
    r->verdict[SOLANA_AFTER] = SOLANA_PASS;
    live_until(r, 4, 400);
    CHECK_EQ(r->end[4], SOLANA_END_CONFIRMED);
    rig_free(r);
}

TEST(solana_engine_fee,
     "a fee above its limit is never signed: the price gives way, or it is refused")
{
    struct rig *r = rig_new();
    struct fault fault = {0};
    struct solana_wanted w = wanted_of(r, 1);
    w.max_fee = 4999;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 1, 100);
    CHECK_EQ(r->end[1], SOLANA_END_REFUSED);
    w = wanted_of(r, 2);
    w.unit_limit = 1000;
    w.unit_price = 1000000; /* 1,000 lamports */
    w.max_fee = 5999;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 2, 100);
    CHECK_EQ(r->end[2], SOLANA_END_REFUSED);
    w = wanted_of(r, 4);
    w.unit_limit = 1000;
    w.unit_price = 1000000;
    w.max_fee = 6000;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 4, 400);
    CHECK_EQ(r->end[4], SOLANA_END_CONFIRMED);
    w = wanted_of(r, 5);
    w.max_fee = 5000; /* no room for a price: others pay 2,000 */
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 5, 400);
    CHECK_EQ(r->end[5], SOLANA_END_CONFIRMED);
    rig_free(r);
}

TEST(solana_engine_signer, "no signature, no journal or no time: nothing leaves")
{
    struct rig *r = rig_new();
    r->refuse = 100;
    add(r, 1);
    live_until(r, 1, 100);
    CHECK_EQ(r->end[1], SOLANA_END_FAILED);
    r->refuse = 0;
    r->disk_full = true;
    add(r, 2);
    for (int i = 0; i < 50; i++)
        live(r);
    CHECK_EQ_U64(r->c.sends, 0);
    CHECK_EQ(solana_engine_cancel(r->engine, 2), HAWSE_OK);
    live(r);
    CHECK_EQ(r->end[2], SOLANA_END_CANCELED);
    r->disk_full = false;
    struct solana_wanted w = wanted_of(r, 4);
    struct fault fault = {0};
    w.deadline_ns = rig_now(r);
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 4, 100);
    CHECK(r->end[4] == SOLANA_END_EXPIRED || r->end[4] == SOLANA_END_CONFIRMED);
    solana_engine_signed(r->engine, 12345, NULL); /* nobody asked */
    rig_free(r);
}

TEST(solana_engine_bad, "what can't be a transaction is refused with words")
{
    struct rig *r = rig_new();
    struct fault fault = {0};
    struct solana_wanted w = wanted_of(r, 1);
    static hawse_solana_builder_t twice;
    hawse_solana_begin(&twice);
    (void)hawse_solana_unit_limit(&twice, 5);
    w.instructions = &twice;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_E_INVAL);
    CHECK(strstr(fault.message, "compute budget") != NULL);
    w = wanted_of(r, 1);
    w.table_count = 9;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_E_INVAL);
    add(r, 1);
    w = wanted_of(r, 1);
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_E_EXISTS);
    rig_free(r);
}

TEST(solana_engine_tables, "lookup tables are the engine's own once it has them")
{
    struct rig *r = rig_new();
    struct fault fault = {0};
    struct solana_wanted w = wanted_of(r, 1);
    uint8_t keys[2 * 32], account[32] = {77};
    hawse_solana_table_t tables[2] = {{account, keys, 2, 0}, {account, NULL, 0, 0}};
    memset(keys, 8, 32);
    memset(keys + 32, 0, 32);
    keys[32] = 9; /* who is paid */
    memcpy(r->c.table, account, 32);
    memcpy(r->c.table_keys, keys, sizeof(keys));
    w.tables = tables;
    w.table_count = 2;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    memset(keys, 0xee, sizeof(keys));
    memset(account, 0xee, sizeof(account));
    live_until(r, 1, 400);
    CHECK_EQ(r->end[1], SOLANA_END_CONFIRMED);
    hawse_solana_tx_t tx;
    hawse_solana_lookup_t lookup = {0};
    CHECK_EQ(hawse_solana_tx_decode(r->kept[0].raw, r->kept[0].raw_len, &tx, NULL), HAWSE_OK);
    CHECK_EQ(hawse_solana_lookup_next(&tx.message, &lookup), 1);
    CHECK(lookup.table[0] == 77 && lookup.writable_count == 1 && lookup.writable[0] == 1);
    rig_free(r);
}

TEST(solana_engine_nonce_bad, "a nonce account that is none, or another's, is refused with words")
{
    struct rig *r = rig_new();
    struct fault fault = {0};
    r->durable[1] = r->durable[2] = true;
    struct solana_wanted w = wanted_of(r, 1);
    memset(w.nonce, 99, 32);
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 1, 100);
    CHECK_EQ(r->end[1], SOLANA_END_REFUSED);
    CHECK(strstr(r->last.reason, "not there") != NULL);
    r->c.authority[0] ^= 1;
    add(r, 2);
    live_until(r, 2, 100);
    CHECK_EQ(r->end[2], SOLANA_END_REFUSED);
    CHECK(strstr(r->last.reason, "authority") != NULL);
    rig_free(r);
}

TEST(solana_engine_simulation, "what cannot succeed is refused, what may later waits")
{
    struct rig *r = rig_new();
    r->c.err = "{\"InstructionError\":[0,{\"Custom\":1}]}";
    add(r, 1);
    live_until(r, 1, 100);
    CHECK_EQ(r->end[1], SOLANA_END_REFUSED);
    CHECK(strstr(r->last.reason, "Custom 1") != NULL);
    r->c.err = "\"AccountInUse\"";
    add(r, 2);
    for (int i = 0; i < 30; i++)
        live(r);
    r->c.err = NULL;
    r->c.down = true; /* nobody can be asked */
    for (int i = 0; i < 30; i++)
        live(r);
    CHECK_EQ(r->ends[2], 0);
    CHECK_EQ(r->kept_count, 0);
    r->c.down = false;
    live_until(r, 2, 400);
    CHECK_EQ(r->end[2], SOLANA_END_CONFIRMED);
    rig_free(r);
}

TEST(solana_engine_false_signature, "a signature that is not of the message never leaves")
{
    struct rig *r = rig_new();
    r->slow = 100;
    add(r, 1);
    for (int i = 0; i < 200 && !r->asked[0].used; i++)
        live(r);
    r->asked[0].signature[5] ^= 1;
    live_until(r, 1, 400);
    CHECK_EQ(r->end[1], SOLANA_END_FAILED);
    CHECK(strstr(r->last.reason, "not those of its message") != NULL);
    CHECK_EQ(r->kept_count, 0);
    CHECK_EQ_U64(r->c.sends, 0);
    rig_free(r);
}

TEST(solana_engine_many,
     "no more than a limit are under way, and freeing all of them leaks nothing")
{
    struct rig *r = rig_new();
    struct fault fault = {0};
    struct solana_attempt attempts[SOLANA_ATTEMPTS + 1] = {0};
    struct solana_wanted w = wanted_of(r, 1);
    CHECK_EQ(solana_engine_restore(r->engine, &w, attempts, SOLANA_ATTEMPTS + 1, &fault),
             HAWSE_E_INVAL);
    for (uint64_t n = 1; n <= SOLANA_ENTRIES; n++) {
        w.number = 1000 + n;
        CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    }
    w.number = 1;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_E_LIMIT);
    rig_free(r); /* questions are still under way */
}

/* ---- all at once ---- */

static void troubles(struct rig *r)
{
    r->c.drop = (uint32_t)(test_random() % 60);
    r->c.lose = (uint32_t)(test_random() % 30);
    r->c.slow = (uint32_t)(test_random() % 100);
    r->c.fork = (uint32_t)(test_random() % 60);
    r->c.lag = (uint32_t)(test_random() % 40);
    r->lag = r->c.lag > r->lag ? r->c.lag : r->lag;
    r->c.refuse = (uint32_t)(test_random() % 10);
    r->c.foreign = test_random() % 10;
    r->slow = (uint32_t)(test_random() % 50);
    r->refuse = (uint32_t)(test_random() % 3);
}

static void one_world(uint32_t *ends, uint32_t *seen)
{
    struct rig *r = rig_new();
    struct solana_options options = {.resend_ms = 400, .poll_ms = 400};
    uint32_t open = INTENTS;
    for (uint64_t n = 1; n <= INTENTS; n++)
        r->added[n] = true, r->durable[n] = test_random() % 3 == 0;
    restart(r, &options); /* begins them */
    for (uint32_t i = 0; i < 5000 && open > 0; i++) {
        if (i % 100 == 0 && i < 2000)
            troubles(r);
        if (i == 2000) { /* then everything heals */
            struct cluster *c = &r->c;
            c->drop = c->lose = c->slow = c->fork = c->lag = c->refuse = r->slow = 0;
            c->foreign = 0;
        }
        live(r);
        if (i < 2000 && test_random() % 150 == 0)
            (void)solana_engine_cancel(r->engine, 1 + test_random() % INTENTS);
        if (i < 2000 && test_random() % 100 == 0)
            restart(r, &options);
        open = 0;
        for (uint64_t n = 1; n <= INTENTS; n++)
            open += r->ends[n] == 0;
    }
    r->c.slow = r->c.drop = 0;
    for (int i = 0; i < 400; i++) /* whatever is still out may land now */
        live(r);
    for (uint64_t n = 1; n <= INTENTS; n++) {
        CHECK_EQ(r->ends[n], 1);
        expect_executed(r, n, r->end[n] == SOLANA_END_CONFIRMED, r->end[n] == SOLANA_END_REVERTED);
        *ends |= 1u << r->end[n];
    }
    *seen |= r->seen;
    rig_free(r);
}

TEST_LIMIT(solana_engine_random, 40,
           "120 clusters full of trouble with restarts: 1,440 intents, each ends once, and is "
           "executed as often as it is told")
{
    uint32_t ends = 0, seen = 0;
    for (int i = 0; i < 120; i++)
        one_world(&ends, &seen);
    CHECK(ends & 1u << SOLANA_END_CONFIRMED && ends & 1u << SOLANA_END_REVERTED);
    CHECK(ends & 1u << SOLANA_END_CANCELED);
    CHECK(seen & 1u << SOLANA_TELL_ROLLED_BACK && seen & 1u << SOLANA_TELL_RENEWED &&
          seen & 1u << SOLANA_TELL_REPLACED && seen & 1u << SOLANA_TELL_UNKNOWN);
}

TEST(solana_engine_lies,
     "a table that holds something else than the intent says is never signed for")
{
    struct rig *r = rig_new();
    struct fault fault = {0};
    struct solana_wanted w = wanted_of(r, 1);
    uint8_t keys[2 * 32] = {8}, account[32] = {77};
    hawse_solana_table_t table = {account, keys, 2, 0};
    keys[32] = 9; /* who is paid, by the intent */
    memcpy(r->c.table, account, 32);
    memcpy(r->c.table_keys, keys, sizeof(keys));
    r->c.table_keys[1][5] = 1; /* who would be */
    w.tables = &table;
    w.table_count = 1;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 1, 400);
    CHECK_EQ(r->end[1], SOLANA_END_REFUSED);
    CHECK_EQ(r->kept_count, 0);
    rig_free(r);
}

TEST(solana_engine_slots, "a deadline by slot ends what is not signed, and prices keep to the cap")
{
    struct rig *r = rig_new();
    struct fault fault = {0};
    struct solana_wanted w = wanted_of(r, 1);
    w.deadline_slot = 1;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 1, 400);
    CHECK_EQ(r->end[1], SOLANA_END_EXPIRED);
    CHECK(solana_engine_slot(r->engine) > 0);
    w = wanted_of(r, 2);
    w.unit_price = 1000;
    w.max_price = 7;
    CHECK_EQ(solana_engine_add(r->engine, &w, &fault), HAWSE_OK);
    live_until(r, 2, 400);
    CHECK_EQ(r->end[2], SOLANA_END_CONFIRMED);
    hawse_solana_tx_t tx;
    hawse_solana_compiled_t one = {0};
    uint64_t price = 0;
    CHECK_EQ(hawse_solana_tx_decode(r->kept[0].raw, r->kept[0].raw_len, &tx, NULL), HAWSE_OK);
    while (hawse_solana_instruction_next(&tx.message, &one)) {
        if (one.data_len == 9 && one.data[0] == 3)
            memcpy(&price, one.data + 1, 8);
    }
    CHECK_EQ_U64(price, 7);
    rig_free(r);
}

TEST(solana_engine_moving, "what something else moves during a simulation is simulated again")
{
    struct rig *r = rig_new();
    r->c.moving = true;
    add(r, 1);
    for (int i = 0; i < 60; i++)
        live(r);
    CHECK_EQ(r->kept_count, 0);
    CHECK(r->c.looks > 30);
    r->c.moving = false;
    live_until(r, 1, 400);
    CHECK_EQ(r->end[1], SOLANA_END_CONFIRMED);
    rig_free(r);
}
