/*
 * The life of a Solana transaction beside a model of the cluster: whatever happens in whatever
 * order, restarts included, it ends once, is executed at most once, and nothing is signed anew
 * while something that was signed before can still land.
 */
#include "tx/solana_life.h"

#include "harness.h"

#include <string.h>

static struct solana_result on(struct solana_life *l, enum solana_happening what)
{
    return solana_life_step(l, &(struct solana_event){.what = what});
}

static struct solana_result lands(struct solana_life *l, bool wanted, bool succeeded)
{
    return solana_life_step(
        l,
        &(struct solana_event){.what = SOLANA_ON_LANDED, .wanted = wanted, .succeeded = succeeded});
}

static void to_sent(struct solana_life *l)
{
    if (l->state == SOLANA_IDLE)
        CHECK_EQ(on(l, SOLANA_ON_BEGIN).effects, SOLANA_DO_CHECK);
    CHECK_EQ(on(l, SOLANA_ON_CHECKED).effects, SOLANA_DO_SIMULATE);
    CHECK_EQ(on(l, SOLANA_ON_SIMULATED).effects, SOLANA_DO_ANCHOR);
    CHECK_EQ(on(l, SOLANA_ON_ANCHORED).effects, SOLANA_DO_SIGN);
    CHECK_EQ(on(l, SOLANA_ON_SIGNED).effects, SOLANA_DO_SEND);
    CHECK_EQ(l->state, SOLANA_SENT);
}

TEST(solana_life_plain, "checked, simulated, anchored, signed, sent, landed and final")
{
    struct solana_life l = {0};
    to_sent(&l);
    CHECK_EQ(on(&l, SOLANA_ON_ACCEPTED).tell, SOLANA_TELL_SEEN);
    CHECK_EQ(on(&l, SOLANA_ON_ACCEPTED).tell, SOLANA_TELL_NOTHING);
    CHECK_EQ(on(&l, SOLANA_ON_MISSING).effects, SOLANA_DO_RESEND);
    CHECK_EQ(lands(&l, true, true).tell, SOLANA_TELL_INCLUDED);
    CHECK_EQ(on(&l, SOLANA_ON_FINAL).effects, SOLANA_DO_RELEASE | SOLANA_DO_END);
    CHECK_EQ(l.end, SOLANA_END_CONFIRMED);
}

TEST(solana_life_failed, "what landed with an error has ended, and costs fees")
{
    struct solana_life l = {0};
    to_sent(&l);
    (void)lands(&l, true, false);
    (void)on(&l, SOLANA_ON_CANCEL); /* too late, and remembered */
    (void)on(&l, SOLANA_ON_EXPIRE);
    (void)on(&l, SOLANA_ON_FINAL);
    CHECK_EQ(l.end, SOLANA_END_REVERTED);
}

TEST(solana_life_rollback, "an abandoned slot sends the same bytes again, unless it is unwanted")
{
    struct solana_life l = {0};
    to_sent(&l);
    (void)lands(&l, true, true);
    struct solana_result r = on(&l, SOLANA_ON_ROLLED_BACK);
    CHECK_EQ(r.effects, SOLANA_DO_RESEND);
    CHECK_EQ(r.tell, SOLANA_TELL_ROLLED_BACK);
    (void)lands(&l, true, true);
    (void)on(&l, SOLANA_ON_CANCEL);
    CHECK_EQ(on(&l, SOLANA_ON_ROLLED_BACK).effects, 0);
    CHECK_EQ(on(&l, SOLANA_ON_MISSING).effects, 0);
    (void)lands(&l, true, true); /* it lands all the same */
    CHECK_EQ(lands(&l, true, false).tell, SOLANA_TELL_INCLUDED);
    (void)on(&l, SOLANA_ON_FINAL);
    CHECK_EQ(l.end, SOLANA_END_REVERTED);
}

TEST(solana_life_renewed, "what is proved dead is signed anew three times, and no more")
{
    struct solana_life l = {0};
    to_sent(&l);
    for (int i = 0; i < SOLANA_RENEWALS; i++) {
        struct solana_result r = on(&l, SOLANA_ON_DEAD);
        CHECK_EQ(r.effects, SOLANA_DO_RELEASE | SOLANA_DO_CHECK);
        CHECK_EQ(r.tell, SOLANA_TELL_RENEWED);
        to_sent(&l);
    }
    CHECK_EQ(on(&l, SOLANA_ON_DEAD).effects, SOLANA_DO_RELEASE | SOLANA_DO_END);
    CHECK_EQ(l.end, SOLANA_END_EXPIRED);
}

TEST(solana_life_not_renewed, "a deadline, a cancellation or a proof that it fails forbid it")
{
    static const struct {
        enum solana_happening what;
        enum solana_end end;
    } rows[] = {{SOLANA_ON_EXPIRE, SOLANA_END_EXPIRED},
                {SOLANA_ON_CANCEL, SOLANA_END_CANCELED},
                {SOLANA_ON_REJECTED, SOLANA_END_FAILED}};
    for (int i = 0; i < 3; i++) {
        struct solana_life l = {0};
        to_sent(&l);
        CHECK_EQ(on(&l, rows[i].what).effects, 0);
        CHECK_EQ(on(&l, SOLANA_ON_MISSING).effects, i == 0 ? SOLANA_DO_RESEND : 0);
        (void)on(&l, SOLANA_ON_DEAD);
        CHECK_EQ(l.end, rows[i].end);
    }
}

TEST(solana_life_void, "with a nonce an empty transaction takes its value, and one of them lands")
{
    struct solana_life l = {.durable = true};
    to_sent(&l);
    CHECK_EQ(on(&l, SOLANA_ON_CANCEL).effects, SOLANA_DO_VOID);
    CHECK_EQ(on(&l, SOLANA_ON_UNSIGNED).effects, 0);
    CHECK_EQ(on(&l, SOLANA_ON_MISSING).effects, SOLANA_DO_VOID); /* tried again */
    CHECK_EQ(on(&l, SOLANA_ON_MISSING).effects, 0);
    struct solana_result r = on(&l, SOLANA_ON_SIGNED);
    CHECK_EQ(r.effects, SOLANA_DO_SEND);
    CHECK_EQ(r.tell, SOLANA_TELL_REPLACED);
    CHECK_EQ(on(&l, SOLANA_ON_SIGNED).effects, SOLANA_DO_DISCARD);
    CHECK_EQ(on(&l, SOLANA_ON_MISSING).effects, SOLANA_DO_RESEND);
    (void)on(&l, SOLANA_ON_REJECTED); /* of the empty one */
    CHECK(!l.rejected);
    struct solana_life won = l;
    (void)lands(&l, false, true);
    (void)on(&l, SOLANA_ON_FINAL);
    CHECK_EQ(l.end, SOLANA_END_CANCELED);
    (void)lands(&won, true, true);
    CHECK_EQ(on(&won, SOLANA_ON_SIGNED).effects, SOLANA_DO_DISCARD);
    (void)on(&won, SOLANA_ON_FINAL);
    CHECK_EQ(won.end, SOLANA_END_CONFIRMED);
}

TEST(solana_life_void_rejected, "what a node proved to fail gives its nonce value up as well")
{
    struct solana_life l = {.durable = true};
    to_sent(&l);
    CHECK_EQ(on(&l, SOLANA_ON_REJECTED).effects, SOLANA_DO_VOID);
    (void)on(&l, SOLANA_ON_SIGNED);
    (void)lands(&l, false, true);
    (void)on(&l, SOLANA_ON_FINAL);
    CHECK_EQ(l.end, SOLANA_END_FAILED);
}

TEST(solana_life_waiting, "what is not signed waits, looks again, and ends at once when it must")
{
    static const struct {
        enum solana_happening what;
        enum solana_end end;
    } ends[] = {{SOLANA_ON_REFUSED, SOLANA_END_REFUSED},
                {SOLANA_ON_CANCEL, SOLANA_END_CANCELED},
                {SOLANA_ON_EXPIRE, SOLANA_END_EXPIRED},
                {SOLANA_ON_UNSIGNED, SOLANA_END_FAILED}};
    struct solana_life l = {0};
    CHECK_EQ(on(&l, SOLANA_ON_WAIT).tell, SOLANA_TELL_NOTHING);
    (void)on(&l, SOLANA_ON_BEGIN);
    CHECK_EQ(on(&l, SOLANA_ON_UNSIGNED).effects, 0);
    CHECK_EQ(on(&l, SOLANA_ON_WAIT).tell, SOLANA_TELL_WAITING);
    CHECK_EQ(on(&l, SOLANA_ON_WAIT).tell, SOLANA_TELL_NOTHING);
    CHECK_EQ(on(&l, SOLANA_ON_LOOK).effects, SOLANA_DO_CHECK);
    (void)on(&l, SOLANA_ON_CHECKED);
    (void)on(&l, SOLANA_ON_SIMULATED);
    (void)on(&l, SOLANA_ON_ANCHORED);
    struct solana_life signing = l;
    CHECK_EQ(on(&l, SOLANA_ON_WAIT).effects, SOLANA_DO_RELEASE); /* its blockhash got too old */
    CHECK_EQ(on(&l, SOLANA_ON_SIGNED).effects, SOLANA_DO_DISCARD);
    for (int i = 0; i < 4; i++) {
        struct solana_life one = signing;
        CHECK_EQ(on(&one, ends[i].what).effects, SOLANA_DO_RELEASE | SOLANA_DO_END);
        CHECK_EQ(one.end, ends[i].end);
        CHECK_EQ(on(&one, SOLANA_ON_SIGNED).effects, SOLANA_DO_DISCARD);
        CHECK_EQ(on(&one, SOLANA_ON_ANCHORED).effects, SOLANA_DO_RELEASE);
        CHECK_EQ(on(&one, SOLANA_ON_BEGIN).effects, 0);
    }
}

TEST(solana_life_restored, "after a restart what was signed is looked for before anything is done")
{
    struct solana_life l = {0};
    CHECK_EQ(solana_life_step(&l, &(struct solana_event){.what = SOLANA_ON_RESTORED, .renewals = 3})
                 .effects,
             SOLANA_DO_LOOK_UP);
    CHECK_EQ(on(&l, SOLANA_ON_BEGIN).effects, 0);
    CHECK_EQ(on(&l, SOLANA_ON_UNSURE).tell, SOLANA_TELL_NOTHING);
    CHECK_EQ(on(&l, SOLANA_ON_ACCEPTED).tell, SOLANA_TELL_RECONCILED);
    CHECK_EQ(on(&l, SOLANA_ON_UNSURE).tell, SOLANA_TELL_UNKNOWN);
    (void)on(&l, SOLANA_ON_DEAD);
    CHECK_EQ(l.end, SOLANA_END_EXPIRED); /* it was renewed three times before */
    l = (struct solana_life){.durable = true};
    (void)solana_life_step(&l, &(struct solana_event){.what = SOLANA_ON_RESTORED, .empty = true});
    (void)on(&l, SOLANA_ON_DEAD);
    CHECK_EQ(l.end, SOLANA_END_CANCELED);
}

/* ---- a cluster that may do anything ---- */

enum { ATTEMPTS = 16 };

struct attempt {
    bool wanted, sent, dead;
};

/* What the world knows of one intent; the journal holds `attempts`. */
struct world {
    struct solana_life life;
    struct attempt attempts[ATTEMPTS];
    uint32_t count;
    bool asked_anchor, asked_sign, sign_empty;
    int32_t held; /* nonce accounts */
    int32_t in;   /* which attempt is in a slot; -1 = none */
    bool final;
    uint32_t executed, ends, renewals, restarts;
};

static bool can_land(const struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (!w->attempts[i].dead)
            return true;
    }
    return false;
}

static void act(struct world *w, struct solana_result r)
{
    w->renewals += r.tell == SOLANA_TELL_RENEWED;
    w->asked_anchor = w->asked_anchor || (r.effects & SOLANA_DO_ANCHOR);
    if (r.effects & SOLANA_DO_RELEASE)
        w->held--;
    if (r.effects & (SOLANA_DO_SIGN | SOLANA_DO_VOID)) {
        w->sign_empty = (r.effects & SOLANA_DO_VOID) != 0;
        w->asked_sign = true;
        if (!w->sign_empty && can_land(w))
            FAIL("signed anew while an earlier attempt can still land");
        if (w->sign_empty && !w->life.durable)
            FAIL("an empty transaction without a nonce");
    }
    if (r.effects & SOLANA_DO_SEND && w->count < ATTEMPTS)
        w->attempts[w->count++] = (struct attempt){!w->sign_empty, test_random() % 8 != 0, false};
    if (r.effects & SOLANA_DO_RESEND && w->count > 0)
        w->attempts[w->count - 1].sent = true;
    w->ends += (r.effects & SOLANA_DO_END) != 0;
}

static void step(struct world *w, struct solana_event e)
{
    uint8_t before = w->life.state;
    struct solana_result r = solana_life_step(&w->life, &e);
    if (before == SOLANA_ENDED && w->life.state != SOLANA_ENDED)
        FAIL("it lives again after its end");
    if (before >= SOLANA_SENT && w->life.state < SOLANA_SENT && e.what != SOLANA_ON_DEAD)
        FAIL("happening %d takes back what was signed", (int)e.what);
    act(w, r);
}

static void land(struct world *w)
{
    uint32_t i = w->count ? (uint32_t)(test_random() % w->count) : 0;
    if (w->count == 0 || w->in >= 0 || w->attempts[i].dead || !w->attempts[i].sent)
        return;
    w->in = (int32_t)i;
    step(w, (struct solana_event){.what = SOLANA_ON_LANDED,
                                  .wanted = w->attempts[i].wanted,
                                  .succeeded = test_random() % 4 != 0});
}

/* Blockhashes go by, or somebody advances the nonce; whoever watches hears of it at some time. */
static void die(struct world *w)
{
    if (w->in >= 0)
        return;
    for (uint32_t i = 0; i < w->count; i++)
        w->attempts[i].dead = true;
    if (w->count > 0 && test_random() % 2)
        step(w, (struct solana_event){.what = SOLANA_ON_DEAD});
}

static void finalize(struct world *w)
{
    if (w->in < 0)
        return;
    w->executed += w->attempts[w->in].wanted && !w->final;
    w->final = true;
    for (uint32_t i = 0; i < w->count; i++) /* one blockhash or one nonce value for all of them */
        w->attempts[i].dead = true;
    step(w, (struct solana_event){.what = SOLANA_ON_FINAL});
}

static void cluster(struct world *w)
{
    switch (test_random() % 6) {
    case 0:
    case 1:
        land(w);
        break;
    case 2:
        if (w->in >= 0 && !w->final) {
            w->in = -1;
            step(w, (struct solana_event){.what = SOLANA_ON_ROLLED_BACK});
        }
        break;
    case 3:
        finalize(w);
        break;
    case 4:
        if (test_random() % 4 == 0)
            die(w);
        break;
    default:
        step(w, (struct solana_event){.what = SOLANA_ON_MISSING});
        break;
    }
}

static void answers(struct world *w)
{
    if (w->asked_anchor && test_random() % 2) {
        bool got = test_random() % 4 != 0;
        w->asked_anchor = false;
        w->held += got;
        step(w, (struct solana_event){.what = got ? SOLANA_ON_ANCHORED : SOLANA_ON_WAIT});
    }
    if (w->asked_sign && test_random() % 2) {
        w->asked_sign = false;
        step(w, (struct solana_event){.what = test_random() % 8 ? SOLANA_ON_SIGNED
                                                                : SOLANA_ON_UNSIGNED});
    }
}

/* kill -9: what is in the journal is all that is left. */
static void restart(struct world *w)
{
    w->restarts++;
    w->asked_anchor = w->asked_sign = false;
    w->life = (struct solana_life){.durable = w->life.durable};
    w->held = w->count > 0;
    struct solana_event e = {.what = w->count ? SOLANA_ON_RESTORED : SOLANA_ON_BEGIN,
                             .renewals = (uint8_t)w->renewals};
    e.empty = w->count > 0 && !w->attempts[w->count - 1].wanted;
    step(w, e);
    if (w->in >= 0)
        step(w, (struct solana_event){.what = SOLANA_ON_LANDED,
                                      .wanted = w->attempts[w->in].wanted,
                                      .succeeded = true});
}

static void gates(struct world *w)
{
    static const enum solana_happening often[] = {SOLANA_ON_CHECKED, SOLANA_ON_SIMULATED,
                                                  SOLANA_ON_LOOK, SOLANA_ON_ACCEPTED,
                                                  SOLANA_ON_UNSURE};
    static const enum solana_happening seldom[] = {SOLANA_ON_REFUSED, SOLANA_ON_EXPIRE,
                                                   SOLANA_ON_CANCEL, SOLANA_ON_REJECTED};
    uint64_t n = test_random();
    if (n % 64 == 0)
        step(w, (struct solana_event){.what = seldom[n / 64 % 4]});
    else
        step(w, (struct solana_event){.what = often[n / 64 % 5]});
}

static uint32_t one_life(bool durable)
{
    struct world w = {.life = {.durable = durable}, .in = -1};
    step(&w, (struct solana_event){.what = SOLANA_ON_BEGIN});
    for (uint32_t i = 0; i < 4000 && (w.life.state != SOLANA_ENDED || w.asked_anchor); i++) {
        uint64_t who = test_random() % 16;
        if (who < 5)
            answers(&w);
        else if (who < 10)
            gates(&w);
        else if (who < 15)
            cluster(&w);
        else if (w.life.state != SOLANA_ENDED && test_random() % 8 == 0)
            restart(&w);
        if (w.count == ATTEMPTS)
            return 0;
    }
    CHECK_EQ(w.life.state, SOLANA_ENDED);
    CHECK_EQ(w.ends, 1);
    CHECK(w.executed <= 1);
    CHECK_EQ(w.executed, w.life.end == SOLANA_END_CONFIRMED || w.life.end == SOLANA_END_REVERTED);
    CHECK(!can_land(&w)); /* nothing of it can happen after its end */
    CHECK_EQ(w.held, 0);
    return 1u << w.life.end;
}

TEST(solana_life_random, "100,000 random lives with restarts: each ends once, is executed at most "
                         "once, and nothing is signed anew while an earlier one can land")
{
    uint32_t ends = 0;
    for (int i = 0; i < 100000; i++)
        ends |= one_life(i % 2);
    CHECK_EQ(ends & ~1u, (1u << SOLANA_END_COUNT) - 2); /* all of them were met */
}

TEST(solana_life_every_state, "every happening in every state is legal, and words exist for all")
{
    for (int state = 0; state < SOLANA_STATE_COUNT; state++) {
        for (int what = 0; what < SOLANA_HAPPENING_COUNT; what++) {
            struct solana_life l = {.state = (uint8_t)state};
            (void)on(&l, (enum solana_happening)what);
            CHECK(l.state < SOLANA_STATE_COUNT);
            if (state >= SOLANA_SENT && l.state < SOLANA_SENT)
                CHECK_EQ(what, SOLANA_ON_DEAD);
        }
    }
    for (int how = 0; how < SOLANA_END_COUNT; how++)
        CHECK(strcmp(solana_end_word((uint8_t)how), "?") != 0);
    CHECK_STR(solana_end_word(99), "?");
}
