/*
 * A bundle of three transactions between nonces, signatures and the chain: whatever comes back, in
 * whatever order, they are sent together or none is, and what is over for one of them is over for
 * all. Around bundle.c stands a desk of this test alone.
 */
#include "tx/desk_private.h"

#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEGS = 3, LATEST = 7, HEAD = 120 };

static struct desk desk;
static struct desk_chain chain;
static struct desk_account account;
static struct plan plan;
static struct leg legs[LEGS];
static struct desk_intent intent;
static uint64_t next_nonce[LEGS];
static uint32_t reserved, released, marked, given, refuse_mark, refuse_gate, canceled;
static int32_t refuse_status;   /* of a mark */
static char said[256];          /* why the intent failed */
static nonce_done_fn held_done; /* the answer of a mark that is not given yet */
static void *held_ctx;
static bool hold;

/* ---- the desk ---- */

void leg_on(struct leg *leg, enum life_happening what)
{
    struct life_result r = life_step(&leg->life, &(struct life_event){.what = what});
    if (intent.ended)
        return;
    if (r.effects & LIFE_DO_SEND) {
        leg->attempts[leg->attempt_count++] = *leg->signing;
        leg_discard(leg);
    }
    if (r.effects & LIFE_DO_RELEASE)
        bundle_release(&intent);
    if (r.effects & LIFE_DO_SIGN)
        bundle_sign(leg);
}

void leg_release(struct leg *leg)
{
    released += leg->has_nonce;
    leg->has_nonce = false;
}

void leg_discard(struct leg *leg)
{
    free(leg->signing);
    leg->signing = NULL;
}

bool desk_group(struct desk *of)
{
    (void)of;
    return true;
}

void desk_nonce_fault(const struct desk *of, const struct nonce_answer *answer)
{
    (void)of, (void)answer;
}

void nonce_reserve_alone(struct nonces *nonces, const struct nonce_key *key, uint64_t floor,
                         uint32_t held, nonce_done_fn done, void *ctx)
{
    (void)nonces, (void)key, (void)floor;
    CHECK_EQ(held, reserved % LEGS); /* nothing else may be in flight */
    struct nonce_answer answer = {.nonce = {.number = next_nonce[reserved++ % LEGS]}};
    done(ctx, &answer);
}

void nonce_sent(struct nonces *nonces, const struct nonce_key *key, const struct nonce *nonce,
                const uint8_t hash[32], nonce_done_fn done, void *ctx)
{
    (void)nonces, (void)key, (void)nonce, (void)hash;
    struct nonce_answer answer = {.status = marked == refuse_mark ? refuse_status : HAWSE_OK,
                                  .fault = {.message = "Redis does not answer"}};
    if (hold) {
        held_done = done;
        held_ctx = ctx;
        return;
    }
    marked += answer.status == HAWSE_OK;
    done(ctx, &answer);
}

bool leg_may_sign(struct leg *leg, struct leg *told)
{
    CHECK(told == &legs[0]);
    return leg->index != refuse_gate;
}

bool leg_give(struct leg *leg, bool empty)
{
    CHECK(!empty);
    given++;
    return leg->life.state != LIFE_ENDED;
}

void intent_fail(struct desk_intent *of, int32_t error, const char *reason)
{
    if (of->error == HAWSE_OK) {
        of->error = error;
        (void)snprintf(said, sizeof(said), "%s", reason);
    }
    CHECK(reason[0]);
}

void intent_cancel(struct desk_intent *of)
{
    (void)of;
    canceled++;
}

bool chain_has(const struct desk_chain *of, uint64_t number, const uint8_t hash[32])
{
    (void)of, (void)number;
    return hash[0] == 0;
}

/* ---- what happens ---- */

static void begin(void)
{
    memset(legs, 0, sizeof(legs));
    plan = (struct plan){.count = LEGS, .together = true};
    chain = (struct desk_chain){.head = {.number = HEAD}};
    account = (struct desk_account){.chain = &chain, .latest = LATEST, .pending = LATEST};
    desk.nonces = (struct nonces *)&desk; /* never looked into */
    intent = (struct desk_intent){
        .desk = &desk, .chain = &chain, .account = &account, .plan = &plan, .legs = legs};
    reserved = released = marked = given = canceled = 0;
    refuse_mark = refuse_gate = UINT32_MAX;
    refuse_status = HAWSE_E_STALE;
    said[0] = '\0';
    hold = false;
    for (uint32_t i = 0; i < LEGS; i++) {
        next_nonce[i] = LATEST + i;
        legs[i].intent = &intent;
        legs[i].index = i;
        legs[i].life.bound = true;
    }
    legs[0].life.state = LIFE_RESERVING;
}

static void sign_all(void)
{
    for (uint32_t i = 0; i < LEGS; i++)
        bundle_signed(&legs[(i + 1) % LEGS], calloc(1, sizeof(struct attempt)));
}

/* All three are out. */
static void out(void)
{
    begin();
    bundle_reserve(&legs[0]);
    sign_all();
    CHECK(bundle_whole(&intent));
}

static void included(uint32_t i, bool here)
{
    legs[i].receipt = (struct answer_receipt){.block = HEAD, .block_hash = {!here}};
    (void)life_step(
        &legs[i].life,
        &(struct life_event){.what = LIFE_ON_INCLUDED, .wanted = true, .succeeded = true});
}

TEST(bundle_together, "three get nonces that follow each other, signatures, and are sent as one")
{
    begin();
    bundle_reserve(&legs[0]);
    CHECK_EQ(legs[0].life.state, LIFE_SIGNING);
    CHECK_EQ(given, LEGS);
    CHECK(!bundle_whole(&intent));
    sign_all();
    CHECK_EQ(marked, LEGS);
    CHECK(bundle_whole(&intent));
    for (uint32_t i = 0; i < LEGS; i++)
        CHECK_EQ_U64(legs[i].nonce.number, LATEST + i);
    CHECK_EQ(intent.asks, 0);
    bundle_look(&intent);
    CHECK(bundle_whole(&intent));
}

TEST(bundle_gap, "nonces that do not follow each other, or are not next, are all given back")
{
    begin();
    next_nonce[1] = LATEST + 4;
    bundle_reserve(&legs[0]);
    CHECK_EQ(legs[0].life.state, LIFE_WAITING);
    CHECK_EQ(released, 2);
    begin();
    next_nonce[0] = LATEST + 1; /* somebody else has the first in a pool */
    bundle_reserve(&legs[0]);
    CHECK_EQ(legs[0].life.state, LIFE_WAITING);
    CHECK_EQ(released, 1);
    CHECK_EQ(given, 0);
}

TEST(bundle_gate, "a gate that refuses one of them keeps all unsigned")
{
    begin();
    refuse_gate = 2;
    bundle_reserve(&legs[0]);
    CHECK_EQ(given, 0);
}

TEST(bundle_unsigned, "when one signature fails none is sent, and every nonce is given back")
{
    begin();
    bundle_reserve(&legs[0]);
    bundle_signed(&legs[0], calloc(1, sizeof(struct attempt)));
    bundle_signed(&legs[2], calloc(1, sizeof(struct attempt)));
    bundle_signed(&legs[1], NULL);
    CHECK_EQ(legs[0].life.end, LIFE_END_FAILED);
    CHECK_EQ(released, LEGS);
    CHECK_EQ(marked, 0);
    CHECK(!legs[0].signing && !legs[2].signing);
}

TEST(bundle_late, "signatures of an intent that has ended are forgotten")
{
    begin();
    bundle_reserve(&legs[0]);
    leg_on(&legs[0], LIFE_ON_CANCEL);
    intent.ended = true;
    sign_all();
    CHECK_EQ(marked, 0);
    CHECK_EQ(released, LEGS);
    CHECK(!legs[0].signing && !legs[1].signing && !legs[2].signing);
}

TEST(bundle_mark_none, "when the first nonce is somebody else's the others are given back")
{
    begin();
    refuse_mark = 0;
    bundle_reserve(&legs[0]);
    sign_all();
    CHECK_EQ(legs[0].life.state, LIFE_WAITING);
    CHECK_EQ(released, 2);
    CHECK_EQ(legs[0].attempt_count + legs[1].attempt_count, 0);
}

TEST(bundle_mark_some,
     "nonces that were marked before one is lost are made void, none is given back")
{
    begin();
    refuse_mark = 2;
    bundle_reserve(&legs[0]);
    sign_all();
    CHECK_EQ(released, 0);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK_EQ(legs[i].life.state, LIFE_SENT);
        CHECK(legs[i].life.voiding);
    }
    CHECK_EQ(legs[2].life.state, LIFE_IDLE);
    CHECK_EQ(legs[2].attempt_count, 0);
    CHECK(!bundle_whole(&intent));
    CHECK_EQ(intent.error, HAWSE_E_STATE);
    CHECK(strstr(said, "another host took"));
}

TEST(bundle_mark_silent,
     "where Redis did not answer a mark, that is said, and no other host blamed")
{
    begin();
    refuse_mark = 1;
    refuse_status = HAWSE_E_STATE;
    bundle_reserve(&legs[0]);
    sign_all();
    CHECK(legs[0].life.voiding);
    CHECK(strstr(said, "Redis does not answer") && !strstr(said, "another host"));
}

TEST(bundle_cancel, "a cancellation while nonces are marked comes when all of them are out")
{
    begin();
    hold = true;
    bundle_reserve(&legs[0]);
    sign_all();
    CHECK(legs[0].committing && legs[2].committing);
    legs[1].canceled = true;
    hold = false;
    held_done(held_ctx, &(struct nonce_answer){.status = HAWSE_OK});
    CHECK_EQ(canceled, 1);
    CHECK(bundle_whole(&intent));
    CHECK(!legs[0].committing && !legs[1].canceled);
}

TEST(bundle_part,
     "one that is in a block alone takes the others back; a block that is gone does not")
{
    out();
    account.latest = LATEST + 1;
    included(0, false);
    bundle_look(&intent);
    CHECK(!legs[1].life.voiding && !legs[2].life.voiding);
    included(0, true);
    bundle_look(&intent);
    CHECK(legs[1].life.voiding && legs[2].life.voiding);
    CHECK_EQ(intent.error, HAWSE_E_REMOTE);
    CHECK(strstr(said, "a part of the bundle alone"));
}

TEST(bundle_others, "where a nonce went to somebody else, or nobody says how, no part is blamed")
{
    static const struct {
        enum life_happening what;
        int32_t error;
        const char *words;
    } ends[] = {{LIFE_ON_TAKEN, HAWSE_E_STATE, "somebody else used"},
                {LIFE_ON_GONE, HAWSE_E_UNKNOWN, "no provider shows by what"}};
    for (size_t i = 0; i < 2; i++) {
        out();
        account.latest = LATEST + 1;
        leg_on(&legs[0], ends[i].what);
        bundle_look(&intent);
        CHECK(legs[1].life.voiding && legs[2].life.voiding);
        CHECK_EQ(intent.error, ends[i].error);
        CHECK(strstr(said, ends[i].words));
    }
}

TEST(bundle_emptied, "an empty transaction in a block is no part of the bundle")
{
    out();
    account.latest = LATEST + 1;
    legs[0].receipt = (struct answer_receipt){.block = HEAD};
    (void)life_step(&legs[0].life, &(struct life_event){.what = LIFE_ON_INCLUDED});
    bundle_look(&intent);
    CHECK(legs[1].life.voiding && legs[2].life.voiding);
    CHECK_EQ(intent.error, HAWSE_OK);
}

TEST(bundle_used, "one whose nonce is used by now waits for its receipt")
{
    out();
    account.latest = LATEST + LEGS;
    included(0, true);
    bundle_look(&intent);
    CHECK(!legs[1].life.voiding && !legs[2].life.voiding);
}

TEST(bundle_void, "when one is being taken back, all are")
{
    out();
    leg_on(&legs[0], LIFE_ON_REJECTED);
    bundle_look(&intent);
    CHECK(legs[1].life.voiding && legs[2].life.voiding);
    CHECK_EQ(intent.error, HAWSE_OK);
}

TEST(bundle_incomplete, "what a crash left of a bundle that was not marked whole is taken back")
{
    out();
    legs[2].life = (struct life){.bound = true};
    legs[2].attempt_count = 0;
    bundle_look(&intent);
    CHECK(legs[0].life.voiding && legs[1].life.voiding);
}

TEST(bundle_gas, "the simulation of the first is that of all")
{
    static struct sim_result sim;
    begin();
    sim.gas[2].limit = 77;
    legs[0].sim = &sim;
    CHECK_EQ_U64(leg_gas(&legs[1], 2)->limit, 77);
    CHECK(leg_lead(&legs[2]) == &legs[0]);
    plan.together = false;
    CHECK(leg_lead(&legs[2]) == &legs[2]);
    CHECK(!leg_gas(&legs[2], 1));
}
