/*
 * Nonces in the journal: each step by itself, the rules of what is wrong, and what happens when the
 * journal fails. See test_nonce_model.c for all of it together.
 */
#include "harness.h"
#include "journal_rig.h"

#include "tx/nonce.h"

#include <hawse/types.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct nonce_key KEY = {100, {0xaa, 1}};
static const uint8_t HASH[32] = {1, 2, 3}, OTHER_HASH[32] = {4};
static const uint64_t S = 1000000000ULL;
static uint64_t now_ns = 1700000000000000000ULL;

static uint64_t test_clock(void *ctx)
{
    (void)ctx;
    return now_ns;
}

/* The answer of the last call; its lists are copied. */
static struct nonce_answer last;
static struct nonce_gap last_gaps[NONCE_GAPS];
static struct nonce_entry last_entries[NONCE_LIST];

static void keep(void *ctx, const struct nonce_answer *answer)
{
    (*(int *)ctx)++;
    last = *answer;
    if (answer->gap_count > 0)
        memcpy(last_gaps, answer->gaps, answer->gap_count * sizeof(last_gaps[0]));
    if (answer->entry_count > 0)
        memcpy(last_entries, answer->entries, answer->entry_count * sizeof(last_entries[0]));
}

#define ANSWER(call, want)                                                                   \
    do {                                                                                     \
        int told = 0;                                                                        \
        call;                                                                                \
        CHECK_EQ(told, 1);                                                                   \
        if (last.status != (want))                                                           \
            FAIL("%s: %d, expected %d: %s", #call, last.status, (want), last.fault.message); \
        CHECK((last.status == HAWSE_OK) == !last.fault.message[0]);                          \
    } while (0)

static struct nonces *open_nonces(struct journal *journal)
{
    struct nonces *nonces = NULL;
    struct nonce_options options = {.clock = test_clock};
    GOOD(nonces_open(journal, &options, &nonces, &fault));
    return nonces;
}

static struct nonce reserve(struct nonces *nonces, uint64_t floor, uint32_t window)
{
    ANSWER(nonce_reserve(nonces, &KEY, floor, window, keep, &told), HAWSE_OK);
    return last.nonce;
}

static void send(struct nonces *nonces, const struct nonce *nonce)
{
    ANSWER(nonce_sent(nonces, &KEY, nonce, HASH, keep, &told), HAWSE_OK);
}

static void release(struct nonces *nonces, const struct nonce *nonce)
{
    ANSWER(nonce_release(nonces, &KEY, nonce, keep, &told), HAWSE_OK);
}

static size_t gaps(struct nonces *nonces, uint64_t latest, uint64_t pending)
{
    struct nonce_view view = {latest, pending, 15 * S, 10 * S};
    ANSWER(nonce_gaps(nonces, &KEY, &view, keep, &told), HAWSE_OK);
    return last.gap_count;
}

TEST(in_order, "numbers go up from the floor, and come back when they were not needed")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    CHECK_EQ(nonce_mode(nonces), NONCE_LOCAL);
    struct nonce a = reserve(nonces, 7, 16), b = reserve(nonces, 7, 16), c = reserve(nonces, 7, 16);
    CHECK_EQ_U64(a.number, 7);
    CHECK_EQ_U64(b.number, 8);
    CHECK_EQ_U64(c.number, 9);
    CHECK(memcmp(a.token, b.token, 16) != 0);
    CHECK_EQ_U64(last.next, 10);
    CHECK_EQ(last.in_flight, 3);
    CHECK_EQ_U64(last.foreign, 0); /* of a new account everything below is old */
    release(nonces, &b);
    CHECK_EQ_U64(last.next, 10); /* c is above it */
    release(nonces, &c);
    CHECK_EQ_U64(last.next, 8); /* both are gone */
    b = reserve(nonces, 0, 16);
    CHECK_EQ_U64(b.number, 8);
    send(nonces, &a);
    release(nonces, &b);
    b = reserve(nonces, 20, 16);
    CHECK_EQ_U64(b.number, 20);
    CHECK_EQ_U64(last.foreign, 12); /* 8 to 19 */
    c = reserve(nonces, 20, 16);
    struct nonce d = reserve(nonces, 20, 16);
    release(nonces, &c);
    c = reserve(nonces, 20, 16);
    CHECK_EQ_U64(c.number, 21); /* the lowest that is free */
    release(nonces, &c);
    c = reserve(nonces, 22, 16); /* 21 is below the floor now: gone */
    CHECK_EQ_U64(c.number, 23);
    CHECK_EQ_U64(d.number, 22);
    struct nonce_key other = KEY;
    other.chain_id = 137;
    ANSWER(nonce_reserve(nonces, &other, 0, 1, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(last.nonce.number, 0);
    nonces_close(nonces);
    nonces_close(NULL);
    journal_close(journal);
}

TEST(window, "no more are in flight than the window allows, from reservation to mining")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce a = reserve(nonces, 5, 1);
    ANSWER(nonce_reserve(nonces, &KEY, 5, 1, keep, &told), HAWSE_E_AGAIN);
    send(nonces, &a);
    ANSWER(nonce_reserve(nonces, &KEY, 6, 1, keep, &told), HAWSE_E_AGAIN); /* pending, not mined */
    ANSWER(nonce_mined(nonces, &KEY, 6, keep, &told), HAWSE_OK);
    CHECK_EQ(last.in_flight, 0);
    a = reserve(nonces, 6, 1);
    CHECK_EQ_U64(a.number, 6);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(tokens, "only who holds the token may send, replace or release")
{
    struct nonce_counts counts;
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce a = reserve(nonces, 0, 16), forged = a;
    forged.token[15] ^= 1;
    ANSWER(nonce_sent(nonces, &KEY, &forged, HASH, keep, &told), HAWSE_E_STALE);
    ANSWER(nonce_release(nonces, &KEY, &forged, keep, &told), HAWSE_E_STALE);
    send(nonces, &a);
    ANSWER(nonce_sent(nonces, &KEY, &a, OTHER_HASH, keep, &told), HAWSE_OK); /* replaces */
    ANSWER(nonce_release(nonces, &KEY, &a, keep, &told), HAWSE_E_STALE);     /* never free again */
    ANSWER(nonce_sent(nonces, &KEY, &forged, HASH, keep, &told), HAWSE_E_STALE);
    ANSWER(nonce_list(nonces, &KEY, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(last.entry_count, 1);
    CHECK_EQ(last_entries[0].state, NONCE_SENT);
    CHECK_MEM(last_entries[0].hash, OTHER_HASH, 32);
    CHECK_MEM(last_entries[0].nonce.token, a.token, 16);
    forged.number = 99;
    ANSWER(nonce_sent(nonces, &KEY, &forged, HASH, keep, &told), HAWSE_E_STALE);
    ANSWER(nonce_mined(nonces, &KEY, 1, keep, &told), HAWSE_OK);
    struct nonce b = reserve(nonces, 1, 16); /* somebody else's transaction took it */
    ANSWER(nonce_mined(nonces, &KEY, b.number + 1, keep, &told), HAWSE_OK);
    ANSWER(nonce_sent(nonces, &KEY, &b, HASH, keep, &told), HAWSE_E_STALE);
    /* mined, and taken back by a reorganisation: it may have to be replaced */
    ANSWER(nonce_sent(nonces, &KEY, &a, HASH, keep, &told), HAWSE_OK);
    ANSWER(nonce_release(nonces, &KEY, &a, keep, &told), HAWSE_E_STALE);
    CHECK_EQ(last.in_flight, 1);
    ANSWER(nonce_mined(nonces, &KEY, b.number + 1, keep, &told), HAWSE_OK);
    CHECK_EQ(last.in_flight, 0);
    nonce_counts(nonces, &counts);
    CHECK_EQ_U64(counts.sent, 3);
    CHECK_EQ_U64(counts.stale, 7);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(expiry, "who holds one too long loses it; also when the clock is set back")
{
    struct nonce_counts counts;
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce a = reserve(nonces, 0, 16);
    now_ns += 29 * S;
    struct nonce b = reserve(nonces, 0, 16);
    CHECK_EQ_U64(b.number, 1);
    now_ns += 1 * S;
    struct nonce c = reserve(nonces, 0, 16);
    CHECK_EQ_U64(c.number, 0);
    ANSWER(nonce_sent(nonces, &KEY, &a, HASH, keep, &told), HAWSE_E_STALE);
    send(nonces, &c);
    now_ns -= 3600 * S; /* back by an hour: nobody may hold a number for an hour */
    struct nonce d = reserve(nonces, 0, 16);
    CHECK_EQ_U64(d.number, 1);
    ANSWER(nonce_sent(nonces, &KEY, &b, HASH, keep, &told), HAWSE_E_STALE);
    nonce_counts(nonces, &counts);
    CHECK_EQ_U64(counts.expired, 2);
    CHECK_EQ_U64(counts.reused, 1); /* 1 was on top, and had gone */
    nonces_close(nonces);
    journal_close(journal);
}

TEST(restart, "after a restart what was sent is known, and what was reserved is free")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce a = reserve(nonces, 3, 16), b = reserve(nonces, 3, 16), c = reserve(nonces, 3, 16);
    send(nonces, &b);
    nonces_close(nonces);
    journal_close(journal);
    journal = open_as("j", false);
    GOOD(journal_begin(journal, &fault)); /* as part of a group, too */
    nonces = open_nonces(journal);
    GOOD(journal_commit(journal, &fault));
    ANSWER(nonce_sent(nonces, &KEY, &a, HASH, keep, &told), HAWSE_E_STALE);
    ANSWER(nonce_sent(nonces, &KEY, &c, HASH, keep, &told), HAWSE_E_STALE);
    CHECK_EQ_U64(reserve(nonces, 3, 16).number, 3);
    CHECK_EQ_U64(reserve(nonces, 3, 16).number, 5);
    ANSWER(nonce_list(nonces, &KEY, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(last.entry_count, 3);
    CHECK_EQ(last_entries[1].state, NONCE_SENT);
    ANSWER(nonce_sent(nonces, &KEY, &last_entries[1].nonce, OTHER_HASH, keep, &told), HAWSE_OK);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(group, "a group that is dropped takes its nonces with it")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    GOOD(journal_begin(journal, &fault));
    struct nonce a = reserve(nonces, 0, 16);
    send(nonces, &a);
    journal_abort(journal);
    CHECK_EQ_U64(reserve(nonces, 0, 16).number, 0);
    ANSWER(nonce_sent(nonces, &KEY, &a, HASH, keep, &told), HAWSE_E_STALE);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(high_water, "what the journal has signed for is never handed out, whatever the tables say")
{
    struct journal *journal = open_as("j", false);
    GOOD(journal_begin(journal, &fault));
    uint64_t number = add_intent(journal, "a");
    struct journal_attempt attempt = an_attempt(number, 41);
    memcpy(attempt.sender, KEY.sender, 20);
    GOOD(journal_attempt_add(journal, &attempt, &fault));
    GOOD(journal_commit(journal, &fault));
    struct nonces *nonces = open_nonces(journal);
    CHECK_EQ_U64(reserve(nonces, 5, 16).number, 42);
    ANSWER(nonce_rewind(nonces, &KEY, 43, 10, keep, &told), HAWSE_E_STATE);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(rewind, "going back needs the proof that nothing above was used")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce a = reserve(nonces, 4, 16);
    send(nonces, &a);
    struct nonce b = reserve(nonces, 1000, 16); /* a provider lied */
    ANSWER(nonce_rewind(nonces, &KEY, 1000, 5, keep, &told), HAWSE_E_STALE);
    ANSWER(nonce_rewind(nonces, &KEY, 1001, 5, keep, &told), HAWSE_E_STATE); /* b is held */
    release(nonces, &b);
    ANSWER(nonce_rewind(nonces, &KEY, 1000, 1001, keep, &told), HAWSE_E_STATE); /* forward */
    ANSWER(nonce_rewind(nonces, &KEY, 1000, 4, keep, &told), HAWSE_E_STATE);    /* a was sent */
    ANSWER(nonce_rewind(nonces, &KEY, 1000, 5, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(last.next, 5);
    CHECK_EQ_U64(reserve(nonces, 5, 16).number, 5);
    ANSWER(nonce_mined(nonces, &KEY, 500, keep, &told), HAWSE_OK); /* lied again */
    ANSWER(nonce_rewind(nonces, &KEY, 500, 6, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(reserve(nonces, 6, 16).number, 6);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(claims, "a hole can be taken by one, and nothing else can be claimed")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce a = reserve(nonces, 0, 16), b = reserve(nonces, 0, 16);
    send(nonces, &b);
    ANSWER(nonce_claim(nonces, &KEY, 0, keep, &told), HAWSE_E_EXISTS);
    ANSWER(nonce_claim(nonces, &KEY, 1, keep, &told), HAWSE_E_EXISTS);
    ANSWER(nonce_claim(nonces, &KEY, 2, keep, &told), HAWSE_E_RANGE);
    release(nonces, &a);
    ANSWER(nonce_claim(nonces, &KEY, 0, keep, &told), HAWSE_OK);
    a = last.nonce;
    ANSWER(nonce_claim(nonces, &KEY, 0, keep, &told), HAWSE_E_EXISTS);
    send(nonces, &a);
    ANSWER(nonce_mined(nonces, &KEY, 2, keep, &told), HAWSE_OK);
    ANSWER(nonce_claim(nonces, &KEY, 0, keep, &told), HAWSE_E_RANGE);
    (void)gaps(nonces, 2, 5); /* 2 to 4 are another's, and then are not */
    CHECK_EQ_U64(last.foreign, 3);
    CHECK_EQ_U64(gaps(nonces, 2, 2), 3);
    ANSWER(nonce_claim(nonces, &KEY, 3, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(gaps(nonces, 2, 2), 2);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(what_is_wrong, "holes, and what was sent and is not seen, are told in time; the rest is not")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce n[6];
    for (int i = 0; i < 6; i++)
        n[i] = reserve(nonces, 10, 16);
    for (int i = 0; i < 6; i++) {
        if (i != 1 && i != 3)
            send(nonces, &n[i]);
    }
    release(nonces, &n[1]);                /* 11 free, 13 reserved; 10, 12, 14, 15 sent */
    CHECK_EQ_U64(gaps(nonces, 10, 11), 0); /* all of it is young */
    now_ns += 10 * S;
    CHECK_EQ_U64(gaps(nonces, 10, 11), 1); /* 11 */
    CHECK_EQ_U64(last_gaps[0].number, 11);
    CHECK_EQ(last_gaps[0].trouble, NONCE_HOLE);
    now_ns += 5 * S;
    CHECK_EQ_U64(gaps(nonces, 10, 11), 5); /* 10 does not come; 12, 14, 15 in no pool */
    CHECK_EQ_U64(last_gaps[0].number, 10);
    CHECK_EQ(last_gaps[0].trouble, NONCE_UNSEEN);
    CHECK_MEM(last_gaps[0].hash, HASH, 32);
    CHECK_EQ_U64(last_gaps[2].number, 12);
    CHECK_EQ_U64(last_gaps[4].number, 15);
    CHECK_EQ_U64(gaps(nonces, 10, 16), 1); /* the pools have them all: only 10 is late */
    CHECK_EQ_U64(gaps(nonces, 10, 10), 5);
    now_ns += 15 * S; /* 13 has expired */
    CHECK_EQ_U64(gaps(nonces, 10, 11), 5);
    now_ns += 10 * S;
    CHECK_EQ_U64(gaps(nonces, 10, 11), 6);
    ANSWER(nonce_mined(nonces, &KEY, 13, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(gaps(nonces, 13, 13), 3);
    now_ns += 20 * S;
    CHECK_EQ_U64(gaps(nonces, 12, 12), 4); /* a reorganization brings 12 back, with its hash */
    CHECK_EQ(last_gaps[0].trouble, NONCE_UNSEEN);
    CHECK_MEM(last_gaps[0].hash, HASH, 32);
    CHECK_EQ_U64(gaps(nonces, 20, 20), 0);
    CHECK_EQ_U64(last.foreign, 4);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(many, "lists and gaps have bounds, and mined numbers are forgotten after a while")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    GOOD(journal_begin(journal, &fault));
    for (int i = 0; i < 1100; i++) {
        struct nonce a = reserve(nonces, 0, 5000);
        send(nonces, &a);
    }
    GOOD(journal_commit(journal, &fault));
    now_ns += 60 * S;
    CHECK_EQ_U64(gaps(nonces, 0, 0), NONCE_GAPS);
    CHECK_EQ_U64(gaps(nonces, 0, 1000), 25); /* looked at 1,024 of them: the first and 1000 on */
    CHECK_EQ_U64(gaps(nonces, 0, 1099), 1);
    ANSWER(nonce_list(nonces, &KEY, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(last.entry_count, NONCE_LIST);
    ANSWER(nonce_mined(nonces, &KEY, 1099, keep, &told), HAWSE_OK);
    ANSWER(nonce_list(nonces, &KEY, keep, &told), HAWSE_OK);
    CHECK_EQ_U64(last_entries[0].nonce.number, 1099); /* what is open comes first */
    CHECK_EQ_U64(last_entries[1].nonce.number, 1099 - NONCE_MINED_KEPT);
    CHECK_EQ(last_entries[1].state, NONCE_MINED);
    nonces_close(nonces);
    journal_close(journal);
}

TEST(bounds, "numbers that a double does not count exactly are refused")
{
    const uint64_t end = 1ULL << 53;
    struct nonce big = {end, {0}};
    struct nonce_key key = {end, {0}};
    struct nonce_view view = {0, end, 0, 0};
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    ANSWER(nonce_reserve(nonces, &KEY, end, 1, keep, &told), HAWSE_E_RANGE);
    ANSWER(nonce_reserve(nonces, &key, 0, 1, keep, &told), HAWSE_E_RANGE);
    ANSWER(nonce_rewind(nonces, &KEY, 0, end, keep, &told), HAWSE_E_RANGE);
    ANSWER(nonce_sent(nonces, &KEY, &big, HASH, keep, &told), HAWSE_E_RANGE);
    ANSWER(nonce_gaps(nonces, &KEY, &view, keep, &told), HAWSE_E_RANGE);
    view = (struct nonce_view){.latest = end};
    ANSWER(nonce_gaps(nonces, &KEY, &view, keep, &told), HAWSE_E_RANGE);
    CHECK_EQ_U64(reserve(nonces, end - 1, 9).number, end - 1);
    ANSWER(nonce_reserve(nonces, &KEY, 0, 9, keep, &told), HAWSE_E_RANGE);
    CHECK_STR(nonce_mode_name(NONCE_ALONE), "alone");
    CHECK_STR(nonce_mode_name((enum nonce_mode)9), "unknown");
    nonces_close(nonces);
    journal_close(journal);
}

static void drop_table(const char *sql)
{
    sqlite3 *db = NULL;
    CHECK_EQ(sqlite3_open(path_of("j"), &db), 0);
    CHECK_EQ(sqlite3_exec(db, sql, NULL, NULL, NULL), 0);
    (void)sqlite3_close(db);
}

TEST(failing, "a journal that fails is told by every call, and nothing is handed out")
{
    static const char *const harm[] = {"DROP TABLE nonce", "DROP TABLE nonce_account"};
    for (size_t i = 0; i < 2; i++) {
        struct journal *journal = open_as("j", false);
        struct nonces *nonces = open_nonces(journal);
        struct nonce a = reserve(nonces, 0, 16);
        struct nonce_view view = {0};
        drop_table(harm[i]);
        ANSWER(nonce_reserve(nonces, &KEY, 0, 16, keep, &told), HAWSE_E_IO);
        ANSWER(nonce_claim(nonces, &KEY, 0, keep, &told), HAWSE_E_IO);
        ANSWER(nonce_sent(nonces, &KEY, &a, HASH, keep, &told), HAWSE_E_IO);
        ANSWER(nonce_release(nonces, &KEY, &a, keep, &told), HAWSE_E_IO);
        ANSWER(nonce_mined(nonces, &KEY, 1, keep, &told), HAWSE_E_IO);
        ANSWER(nonce_rewind(nonces, &KEY, 1, 0, keep, &told), HAWSE_E_IO);
        ANSWER(nonce_gaps(nonces, &KEY, &view, keep, &told), HAWSE_E_IO);
        ANSWER(nonce_list(nonces, &KEY, keep, &told), HAWSE_E_IO);
        nonces_close(nonces);
        struct nonce_options options = {0};
        if (i == 0)
            CHECK_EQ(nonces_open(journal, &options, &nonces, NULL), HAWSE_E_IO);
        journal_close(journal);
        drop_table("DROP TABLE IF EXISTS nonce; DROP TABLE IF EXISTS nonce_account");
        CHECK_EQ(remove(path_of("j")), 0);
        (void)remove(path_of("j.head"));
    }
}

TEST(damaged, "a row that is not of its form, or an account that can't be kept, is an error")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = open_nonces(journal);
    struct nonce a = reserve(nonces, 0, 16);
    drop_table("CREATE TRIGGER t BEFORE INSERT ON nonce_account BEGIN SELECT RAISE(ABORT, 'x'); "
               "END");
    ANSWER(nonce_sent(nonces, &KEY, &a, HASH, keep, &told), HAWSE_E_IO);
    drop_table("DROP TRIGGER t; UPDATE nonce SET token = x'00'");
    ANSWER(nonce_sent(nonces, &KEY, &a, HASH, keep, &told), HAWSE_E_FORMAT);
    ANSWER(nonce_list(nonces, &KEY, keep, &told), HAWSE_E_FORMAT); /* written to no more */
    nonces_close(nonces);
    journal_close(journal);
}

TEST(no_group, "a journal that can't begin or commit a group hands out nothing")
{
    struct journal *journal = open_as("j", false);
    struct nonces *nonces = NULL;
    struct nonce_options options = {0};
    GOOD(nonces_open(journal, NULL, &nonces, &fault));
    sqlite3 *db = NULL; /* another program keeps the file locked */
    CHECK_EQ(sqlite3_open(path_of("j"), &db), 0);
    CHECK_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), 0);
    ANSWER(nonce_reserve(nonces, &KEY, 0, 16, keep, &told), HAWSE_E_IO);
    CHECK_EQ(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), 0);
    (void)sqlite3_close(db);
    CHECK_EQ_U64(reserve(nonces, 0, 16).number, 0); /* by the system's clock */
    nonces_close(nonces);
    journal_close(journal);
    journal = open_as("j", true);
    CHECK_EQ(nonces_open(journal, &options, &nonces, NULL), HAWSE_E_STATE);
    CHECK(!nonces);
    if (test_alloc_hooks()) {
        test_alloc_fail_after(1);
        CHECK_EQ(nonces_open(journal, &options, &nonces, NULL), HAWSE_E_NOMEM);
        test_alloc_fail_after(0);
    }
    journal_close(journal);
}
