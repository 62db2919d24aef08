/*
 * Nonces against a chain that is a model: many senders that forget, crash and come too late,
 * blocks, foreign senders, transactions that pools drop, reorganizations, a journal that is closed,
 * dropped and killed in the middle. Whatever happens, in whatever order: no number is sent for by
 * two, and in the end there is no gap.
 */
#include "harness.h"
#include "journal_rig.h"

#include "tx/nonce.h"

#include <hawse/types.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SENDERS = 12, NUMBERS = 4096, WINDOW = 24 };

static const uint64_t S = 1000000000ULL;

/* Whose transaction is at a number: 0 nobody's, FOREIGN, or a hash made of our token. */
struct slot {
    uint8_t hash[32];
    bool taken, foreign;
};

struct sender {
    struct nonce nonce;
    bool holds;
};

struct world {
    struct journal *journal;
    struct nonces *nonces;
    uint64_t now;
    struct nonce_key key;
    struct sender senders[SENDERS];
    struct slot sent[NUMBERS]; /* what was ever let out: the first one */
    struct slot pool[NUMBERS]; /* what nodes have, mined or not */
    uint64_t latest, collisions, fills;
    struct nonce_answer answer;
    struct nonce_gap gaps[NONCE_GAPS];
};

static uint64_t world_clock(void *ctx)
{
    return ((struct world *)ctx)->now;
}

static void keep(void *ctx, const struct nonce_answer *answer)
{
    struct world *w = ctx;
    w->answer = *answer;
    if (answer->gap_count > 0)
        memcpy(w->gaps, answer->gaps, answer->gap_count * sizeof(w->gaps[0]));
}

static void open_world(struct world *w)
{
    struct nonce_options options = {.clock = world_clock, .clock_ctx = w};
    w->journal = open_as("j", false);
    GOOD(nonces_open(w->journal, &options, &w->nonces, &fault));
}

static void close_world(struct world *w)
{
    nonces_close(w->nonces);
    journal_close(w->journal);
}

static uint64_t pending(const struct world *w)
{
    uint64_t n = w->latest;
    while (n < NUMBERS && w->pool[n].taken)
        n++;
    return n;
}

static uint64_t draw(uint64_t n)
{
    return test_random() % n;
}

/* Lets bytes out that the nonces allowed: the one place where two could meet. */
static void broadcast(struct world *w, const struct nonce *nonce, const uint8_t hash[32])
{
    struct slot *sent = &w->sent[nonce->number], *pool = &w->pool[nonce->number];
    if (sent->taken && memcmp(sent->hash, hash, 32) != 0)
        w->collisions++;
    sent->taken = true;
    memcpy(sent->hash, hash, 32);
    if (nonce->number >= w->latest && !pool->taken && draw(8) > 0) { /* some get lost */
        pool->taken = true;
        memcpy(pool->hash, hash, 32);
    }
}

/* A transaction's hash, from the token: one sender, one transaction. */
static void hash_of(const struct nonce *nonce, uint8_t out[32])
{
    memcpy(out, nonce->token, 16);
    memcpy(out + 16, nonce->token, 16);
}

static void send_one(struct world *w, struct sender *s)
{
    uint8_t hash[32];
    hash_of(&s->nonce, hash);
    bool grouped = draw(2) == 0, crash = draw(10) == 0;
    if (grouped)
        GOOD(journal_begin(w->journal, &fault));
    nonce_sent(w->nonces, &w->key, &s->nonce, hash, keep, w);
    bool allowed = w->answer.status == HAWSE_OK;
    CHECK(allowed || w->answer.status == HAWSE_E_STALE);
    s->holds = false;
    if (grouped && crash) {
        journal_abort(w->journal); /* not committed: nothing leaves */
        return;
    }
    if (grouped)
        GOOD(journal_commit(w->journal, &fault));
    if (allowed)
        broadcast(w, &s->nonce, hash);
}

static void reserve_one(struct world *w, struct sender *s)
{
    bool grouped = draw(3) == 0;
    if (grouped)
        GOOD(journal_begin(w->journal, &fault));
    uint64_t floor = draw(4) == 0 ? w->latest : pending(w); /* a provider may be behind */
    nonce_reserve(w->nonces, &w->key, floor, WINDOW, keep, w);
    s->holds = w->answer.status == HAWSE_OK;
    s->nonce = w->answer.nonce;
    CHECK(s->holds || w->answer.status == HAWSE_E_AGAIN);
    CHECK(w->answer.in_flight <= WINDOW);
    if (grouped && draw(4) == 0) {
        journal_abort(w->journal);
        s->holds = draw(2) == 0; /* it may not know, and come with a token that is none */
    } else if (grouped) {
        GOOD(journal_commit(w->journal, &fault));
    }
}

static void act(struct world *w)
{
    struct sender *s = &w->senders[draw(SENDERS)];
    if (!s->holds) {
        reserve_one(w, s);
    } else if (draw(5) == 0) {
        nonce_release(w->nonces, &w->key, &s->nonce, keep, w);
        s->holds = false;
    } else {
        send_one(w, s);
    }
}

/* Sends again what is not seen, fills what nobody has. */
static void repair(struct world *w)
{
    struct nonce_view view = {w->latest, pending(w), 15 * S, 10 * S};
    nonce_gaps(w->nonces, &w->key, &view, keep, w);
    CHECK_EQ(w->answer.status, HAWSE_OK);
    size_t count = w->answer.gap_count;
    for (size_t i = 0; i < count; i++) {
        struct nonce_gap *gap = &w->gaps[i];
        struct nonce nonce = {.number = gap->number};
        if (gap->trouble == NONCE_UNSEEN) {
            broadcast(w, &nonce, gap->hash);
            continue;
        }
        nonce_claim(w->nonces, &w->key, gap->number, keep, w);
        if (w->answer.status != HAWSE_OK)
            continue;
        uint8_t hash[32];
        nonce = w->answer.nonce;
        hash_of(&nonce, hash);
        nonce_sent(w->nonces, &w->key, &nonce, hash, keep, w);
        CHECK_EQ(w->answer.status, HAWSE_OK);
        broadcast(w, &nonce, hash);
        w->fills++;
    }
}

static void mine(struct world *w)
{
    uint64_t end = pending(w);
    w->latest += end > w->latest ? 1 + draw(end - w->latest) : 0;
    nonce_mined(w->nonces, &w->key, w->latest, keep, w);
    CHECK_EQ(w->answer.status, HAWSE_OK);
    w->now += 5 * S;
}

/* The last blocks are undone; some of their transactions do not come back. */
static void reorganize(struct world *w)
{
    uint64_t depth = draw(4);
    if (depth > w->latest)
        return;
    w->latest -= depth;
    for (uint64_t n = w->latest; n < w->latest + depth; n++)
        w->pool[n].taken = w->pool[n].foreign || draw(3) > 0;
}

static void disturb(struct world *w)
{
    uint64_t n = pending(w);
    switch (draw(6)) {
    case 0: /* somebody else uses the key */
        if (n < NUMBERS && draw(3) == 0) {
            w->pool[n] = (struct slot){.taken = true, .foreign = true};
            w->sent[n] = (struct slot){0}; /* ours, if there was one, can't be mined any more */
        }
        break;
    case 1: /* a pool drops one */
        n = w->latest + draw(WINDOW);
        if (n < NUMBERS && !w->pool[n].foreign)
            w->pool[n].taken = false;
        break;
    case 2:
        reorganize(w);
        break;
    case 3: /* the host dies */
        for (size_t i = 0; i < SENDERS; i++)
            w->senders[i].holds = w->senders[i].holds && draw(8) == 0; /* some tokens survive */
        close_world(w);
        open_world(w);
        break;
    case 4:
        w->now += draw(40) * S; /* reservations run out */
        break;
    default:
        w->senders[draw(SENDERS)].holds = false; /* forgot */
    }
}

/* All that is open comes to its end. */
static void drain(struct world *w)
{
    memset(w->senders, 0, sizeof(w->senders));
    for (int round = 0; round < 200; round++) {
        w->now += 40 * S;
        repair(w);
        mine(w);
        if (w->latest == w->answer.next)
            break;
    }
    if (w->latest != w->answer.next || w->answer.in_flight != 0)
        FAIL("latest %llu, next %llu, in flight %u", (unsigned long long)w->latest,
             (unsigned long long)w->answer.next, w->answer.in_flight);
}

static void play(int steps, uint64_t disturbances)
{
    static struct world w;
    w = (struct world){.now = 1700000000 * S, .key = {100, {0xaa}}};
    open_world(&w);
    for (int i = 0; i < steps && w.latest < NUMBERS - 200; i++) {
        uint64_t what = draw(100);
        if (what < 70)
            act(&w);
        else if (what < 85)
            mine(&w);
        else if (what < 93)
            repair(&w);
        else if (draw(100) < disturbances)
            disturb(&w);
    }
    drain(&w);
    CHECK_EQ_U64(w.collisions, 0);
    CHECK(w.latest > (uint64_t)steps / 20);
    verify_good(w.journal);
    close_world(&w);
}

TEST_LIMIT(random_worlds, 30, "thousands of random happenings: no number twice, no gap in the end")
{
    play(6000, 60);
}

TEST_LIMIT(calm_world, 10, "when all goes well nothing is filled and every number is used in turn")
{
    play(1500, 0);
}

/* ---- kill -9 ---- */

struct told {
    uint64_t number;
    uint8_t hash[32];
};

/* Reserves, sends and tells, until it is killed: what it tells is committed. */
static void send_for_ever(int pipe, uint64_t latest)
{
    static struct world w;
    w.now = 1700000000 * S;
    w.key = (struct nonce_key){100, {0xaa}};
    open_world(&w);
    for (;;) {
        struct told told[4];
        size_t count = 1 + draw(4);
        GOOD(journal_begin(w.journal, &fault));
        for (size_t i = 0; i < count; i++) {
            nonce_reserve(w.nonces, &w.key, latest, 100000, keep, &w);
            CHECK_EQ(w.answer.status, HAWSE_OK);
            struct nonce nonce = w.answer.nonce;
            told[i].number = nonce.number;
            hash_of(&nonce, told[i].hash);
            if (draw(4) == 0) { /* given back or kept until the end */
                told[i--].number = 0;
                count--;
                if (draw(2) == 0)
                    nonce_release(w.nonces, &w.key, &nonce, keep, &w);
                continue;
            }
            nonce_sent(w.nonces, &w.key, &nonce, told[i].hash, keep, &w);
            CHECK_EQ(w.answer.status, HAWSE_OK);
        }
        GOOD(journal_commit(w.journal, &fault));
        if (write(pipe, told, count * sizeof(told[0])) < 0)
            _exit(1);
    }
}

TEST_LIMIT(killed, 60, "kill -9 while it writes: what was sent is known, and is nobody else's")
{
    static struct slot sent[100000];
    uint64_t highest = 0;
    (void)test_tmp_dir();
    for (int round = 0; round < 20; round++) {
        int ends[2];
        struct told told;
        CHECK_EQ(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0)
            send_for_ever(ends[1], 0);
        (void)close(ends[1]);
        (void)usleep((useconds_t)(20000 + draw(40000)));
        CHECK_EQ(kill(child, SIGKILL), 0);
        CHECK_EQ(waitpid(child, NULL, 0), child);
        while (read(ends[0], &told, sizeof(told)) == (ssize_t)sizeof(told)) {
            CHECK(told.number < 100000);
            if (sent[told.number].taken)
                FAIL("%llu was sent for twice", (unsigned long long)told.number);
            sent[told.number].taken = true;
            memcpy(sent[told.number].hash, told.hash, 32);
            highest = told.number > highest ? told.number : highest;
        }
        (void)close(ends[0]);
    }
    CHECK(highest > 20);
    static struct world w;
    w.now = 1700000000 * S + 60 * S;
    w.key = (struct nonce_key){100, {0xaa}};
    open_world(&w);
    struct nonce_view view = {0, 0, 0, 0};
    uint64_t filled = 0, seen = 0;
    while (view.latest <
           highest) { /* every number is a hole to fill, or has the hash it went with */
        nonce_gaps(w.nonces, &w.key, &view, keep, &w);
        CHECK_EQ(w.answer.status, HAWSE_OK);
        CHECK(w.answer.gap_count > 0);
        for (size_t i = 0; i < w.answer.gap_count; i++) {
            CHECK_EQ_U64(w.gaps[i].number, view.latest);
            const struct slot *slot = &sent[view.latest++];
            if (slot->taken) {
                CHECK_EQ(w.gaps[i].trouble, NONCE_UNSEEN);
                CHECK_MEM(w.gaps[i].hash, slot->hash, 32);
                seen++;
            }
            filled += w.gaps[i].trouble == NONCE_HOLE;
        }
    }
    CHECK(seen > filled);
    verify_good(w.journal);
    close_world(&w);
}
