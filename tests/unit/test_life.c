/*
 * The life of a transaction beside a model of the chain: whatever happens in whatever order, it
 * ends once, what was signed is never given up before the chain has decided, and nothing new is
 * signed while something old can still be mined under another nonce.
 */
#include "tx/life.h"

#include "harness.h"

#include <string.h>

static struct life_result on(struct life *l, enum life_happening what)
{
    return life_step(l, &(struct life_event){.what = what});
}

static struct life_result in_block(struct life *l, bool wanted, bool succeeded)
{
    return life_step(l, &(struct life_event){
                            .what = LIFE_ON_INCLUDED, .wanted = wanted, .succeeded = succeeded});
}

static void to_sent(struct life *l)
{
    CHECK_EQ(on(l, LIFE_ON_BEGIN).effects, LIFE_DO_CHECK);
    CHECK_EQ(on(l, LIFE_ON_CHECKED).effects, LIFE_DO_SIMULATE);
    CHECK_EQ(on(l, LIFE_ON_SIMULATED).effects, LIFE_DO_RESERVE);
    CHECK_EQ(on(l, LIFE_ON_RESERVED).effects, LIFE_DO_SIGN);
    CHECK_EQ(on(l, LIFE_ON_SIGNED).effects, LIFE_DO_SEND);
    CHECK_EQ(l->state, LIFE_SENT);
}

TEST(life_plain, "checked, simulated, numbered, signed, sent, included and confirmed")
{
    struct life l = {0};
    to_sent(&l);
    CHECK_EQ(on(&l, LIFE_ON_ACCEPTED).tell, LIFE_TELL_SEEN);
    CHECK_EQ(on(&l, LIFE_ON_ACCEPTED).tell, LIFE_TELL_NOTHING);
    CHECK_EQ(in_block(&l, true, true).tell, LIFE_TELL_INCLUDED);
    CHECK_EQ(on(&l, LIFE_ON_CONFIRMED).effects, LIFE_DO_END);
    CHECK_EQ(l.end, LIFE_END_CONFIRMED);
}

TEST(life_reorg, "a receipt that is gone sends the same bytes again, and may come back as a revert")
{
    struct life l = {0};
    to_sent(&l);
    (void)in_block(&l, true, true);
    struct life_result r = on(&l, LIFE_ON_REORGANIZED);
    CHECK_EQ(r.effects, LIFE_DO_RESEND);
    CHECK_EQ(r.tell, LIFE_TELL_REORGANIZED);
    (void)in_block(&l, true, false);
    (void)on(&l, LIFE_ON_CONFIRMED);
    CHECK_EQ(l.end, LIFE_END_REVERTED);
}

TEST(life_stuck, "five higher fees, then an empty transaction, whose fee is raised without end")
{
    struct life l = {0};
    to_sent(&l);
    for (int i = 0; i < LIFE_BUMPS; i++) {
        CHECK_EQ(on(&l, LIFE_ON_STUCK).effects, LIFE_DO_BUMP);
        CHECK_EQ(on(&l, LIFE_ON_STUCK).effects, 0); /* while it is being signed */
        CHECK_EQ(on(&l, LIFE_ON_SIGNED).effects, LIFE_DO_SEND);
    }
    for (int i = 0; i < 9; i++) {
        CHECK_EQ(on(&l, LIFE_ON_STUCK).effects, LIFE_DO_VOID);
        CHECK_EQ(on(&l, LIFE_ON_SIGNED).effects, LIFE_DO_SEND);
    }
    struct life mined = l;
    (void)in_block(&l, false, true);
    (void)on(&l, LIFE_ON_CONFIRMED);
    CHECK_EQ(l.end, LIFE_END_CANCELED);
    (void)in_block(&mined, true, true); /* an earlier attempt won */
    (void)on(&mined, LIFE_ON_CONFIRMED);
    CHECK_EQ(mined.end, LIFE_END_CONFIRMED);
}

TEST(life_cancel,
     "what is not signed ends at once; what is out is voided, and may win all the same")
{
    struct life l = {0};
    (void)on(&l, LIFE_ON_BEGIN);
    CHECK_EQ(on(&l, LIFE_ON_CANCEL).effects, LIFE_DO_END);
    CHECK_EQ(l.end, LIFE_END_CANCELED);
    l = (struct life){0};
    to_sent(&l);
    CHECK_EQ(on(&l, LIFE_ON_CANCEL).effects, LIFE_DO_VOID);
    (void)on(&l, LIFE_ON_SIGNED);
    (void)in_block(&l, true, true);
    (void)on(&l, LIFE_ON_CONFIRMED);
    CHECK_EQ(l.end, LIFE_END_CONFIRMED);
}

TEST(life_bound, "one of a bundle is sent with the first of it, and never gets another nonce")
{
    struct life l = {.bound = true}, alone = {0};
    CHECK_EQ(on(&alone, LIFE_ON_SIGNED).effects, 0);
    struct life_result r = on(&l, LIFE_ON_SIGNED);
    CHECK_EQ(r.effects, LIFE_DO_SEND);
    CHECK_EQ(r.tell, LIFE_TELL_SENT);
    CHECK_EQ(on(&l, LIFE_ON_TAKEN).effects, LIFE_DO_END);
    CHECK_EQ(l.end, LIFE_END_SUPERSEDED);
    to_sent(&alone);
    CHECK_EQ(on(&alone, LIFE_ON_TAKEN).effects, LIFE_DO_CHECK);
}

TEST(life_cancel_while_bumping, "a higher fee that comes after the cancellation is never sent")
{
    struct life l = {0};
    to_sent(&l);
    (void)on(&l, LIFE_ON_STUCK);
    CHECK_EQ(on(&l, LIFE_ON_CANCEL).effects, 0);
    CHECK_EQ(on(&l, LIFE_ON_SIGNED).effects, LIFE_DO_DISCARD | LIFE_DO_VOID);
    CHECK_EQ(on(&l, LIFE_ON_SIGNED).effects, LIFE_DO_SEND);
    CHECK(l.voiding);
}

TEST(life_late, "a nonce that comes after the end is given back, a signature is forgotten")
{
    struct life l = {0};
    (void)on(&l, LIFE_ON_BEGIN);
    (void)on(&l, LIFE_ON_CHECKED);
    (void)on(&l, LIFE_ON_SIMULATED);
    (void)on(&l, LIFE_ON_EXPIRE);
    CHECK_EQ(l.end, LIFE_END_EXPIRED);
    CHECK_EQ(on(&l, LIFE_ON_RESERVED).effects, LIFE_DO_RELEASE);
    CHECK_EQ(on(&l, LIFE_ON_SIGNED).effects, LIFE_DO_DISCARD);
    CHECK_EQ(l.state, LIFE_ENDED);
}

TEST(life_taken, "a nonce that went to somebody else is asked for anew three times, never after a "
                 "cancellation")
{
    struct life l = {0};
    to_sent(&l);
    for (int i = 0; i < LIFE_RENEWALS; i++) {
        struct life_result r = on(&l, LIFE_ON_TAKEN);
        CHECK_EQ(r.effects, LIFE_DO_CHECK);
        CHECK_EQ(r.tell, LIFE_TELL_RENEWED);
        (void)on(&l, LIFE_ON_CHECKED);
        (void)on(&l, LIFE_ON_SIMULATED);
        (void)on(&l, LIFE_ON_RESERVED);
        (void)on(&l, LIFE_ON_SIGNED);
    }
    CHECK_EQ(on(&l, LIFE_ON_TAKEN).effects, LIFE_DO_END);
    CHECK_EQ(l.end, LIFE_END_SUPERSEDED);
    l = (struct life){0};
    to_sent(&l);
    (void)on(&l, LIFE_ON_CANCEL);
    (void)on(&l, LIFE_ON_TAKEN);
    CHECK_EQ(l.end, LIFE_END_CANCELED);
}

TEST(life_gone, "a nonce that is used by nobody knows what ends it, and is never asked for anew")
{
    struct life l = {0};
    to_sent(&l);
    CHECK_EQ(on(&l, LIFE_ON_GONE).effects, LIFE_DO_END);
    CHECK_EQ(l.end, LIFE_END_LOST);
    l = (struct life){0};
    to_sent(&l);
    (void)on(&l, LIFE_ON_CANCEL);
    (void)on(&l, LIFE_ON_GONE);
    CHECK_EQ(l.end, LIFE_END_LOST);
}

TEST(life_restored, "after a restart what was signed is looked for before anything else is done")
{
    struct life l = {0};
    CHECK_EQ(life_step(&l, &(struct life_event){.what = LIFE_ON_RESTORED}).effects, 0);
    CHECK_EQ(l.state, LIFE_SENT);
    CHECK_EQ(on(&l, LIFE_ON_BEGIN).effects, 0);
    CHECK_EQ(on(&l, LIFE_ON_MISSING).effects, LIFE_DO_RESEND);
    CHECK_EQ(on(&l, LIFE_ON_ACCEPTED).tell, LIFE_TELL_RECONCILED);
}

/* ---- a chain that may do anything ---- */

struct attempt {
    bool wanted;
    uint32_t nonce;
};

/* What the world knows of one life. */
struct world {
    struct life life;
    struct attempt attempts[64];
    uint32_t count;
    uint32_t nonce;     /* held now */
    bool holds;         /* a nonce that is reserved or sent */
    bool final[64];     /* by nonce: decided for ever */
    bool asked_reserve; /* not answered yet */
    bool asked_sign;    /* not answered yet */
    bool sign_empty;    /* what is being signed */
    uint32_t sign_nonce;
    bool in; /* a receipt stands */
    bool in_wanted;
    uint32_t executed; /* wanted transactions that are final */
    uint32_t ends, releases, reserves;
};

static void act(struct world *w, struct life_result r)
{
    if (r.effects & LIFE_DO_RESERVE)
        w->asked_reserve = true;
    if (r.effects & LIFE_DO_RELEASE) {
        w->releases++;
        w->holds = false;
    }
    if (r.effects & (LIFE_DO_SIGN | LIFE_DO_BUMP | LIFE_DO_VOID)) {
        if (!w->holds)
            FAIL("something is signed without a nonce");
        w->asked_sign = true;
        w->sign_empty = (r.effects & LIFE_DO_VOID) != 0;
        w->sign_nonce = w->nonce;
    }
    if (r.effects & LIFE_DO_SEND) {
        if (w->count < 64)
            w->attempts[w->count++] = (struct attempt){!w->sign_empty, w->sign_nonce};
        for (uint32_t i = 0; i < w->count; i++) {
            const struct attempt *a = &w->attempts[i];
            if (a->nonce != w->nonce && !w->final[a->nonce])
                FAIL("sent with nonce %u while one with nonce %u may still be mined", w->nonce,
                     a->nonce);
        }
    }
    if (r.effects & LIFE_DO_END)
        w->ends++;
}

static void step(struct world *w, struct life_event e)
{
    uint8_t before = w->life.state;
    struct life_result r = life_step(&w->life, &e);
    if (before == LIFE_ENDED && w->life.state != LIFE_ENDED)
        FAIL("it lives again after its end");
    act(w, r);
}

/* Mines an attempt of the present nonce, or somebody else's transaction. */
static void mine(struct world *w)
{
    uint32_t mine_of[64], n = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->attempts[i].nonce == w->nonce)
            mine_of[n++] = i;
    }
    if (n == 0 || w->in || w->final[w->nonce])
        return;
    w->in = true;
    w->in_wanted = w->attempts[mine_of[test_random() % n]].wanted;
    step(w, (struct life_event){.what = LIFE_ON_INCLUDED,
                                .wanted = w->in_wanted,
                                .succeeded = test_random() % 4 != 0});
}

static bool sent_now(const struct world *w)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->attempts[i].nonce == w->nonce)
            return true;
    }
    return false;
}

static void chain_step(struct world *w)
{
    switch (test_random() % 6) {
    case 0:
    case 1:
        mine(w);
        break;
    case 2:
        if (w->in) {
            w->in = false;
            step(w, (struct life_event){.what = LIFE_ON_REORGANIZED});
        }
        break;
    case 3:
        if (w->in) {
            w->in = false;
            w->final[w->nonce] = true;
            w->executed += w->in_wanted;
            step(w, (struct life_event){.what = LIFE_ON_CONFIRMED});
        }
        break;
    case 4:
        if (!w->in && sent_now(w) && !w->final[w->nonce] && test_random() % 4 == 0) {
            w->final[w->nonce] = true;
            w->holds = false;
            step(w, (struct life_event){.what = LIFE_ON_TAKEN});
        }
        break;
    default:
        step(w, (struct life_event){.what = test_random() % 2 ? LIFE_ON_STUCK : LIFE_ON_MISSING});
        break;
    }
}

static void answers(struct world *w)
{
    if (w->asked_reserve && test_random() % 2) {
        w->asked_reserve = false;
        bool got = test_random() % 4 != 0;
        if (got) {
            w->reserves++;
            w->nonce++;
            w->holds = true;
        }
        step(w, (struct life_event){.what = got ? LIFE_ON_RESERVED : LIFE_ON_WAIT});
    }
    if (w->asked_sign && test_random() % 2) {
        w->asked_sign = false;
        step(w, (struct life_event){.what = test_random() % 8 ? LIFE_ON_SIGNED : LIFE_ON_UNSIGNED});
    }
}

static void gates(struct world *w)
{
    static const enum life_happening random[] = {
        LIFE_ON_CHECKED, LIFE_ON_CHECKED,  LIFE_ON_SIMULATED, LIFE_ON_SIMULATED,  LIFE_ON_LOOK,
        LIFE_ON_LOOK,    LIFE_ON_ACCEPTED, LIFE_ON_UNSURE,    LIFE_ON_REJECTED,   LIFE_ON_REFUSED,
        LIFE_ON_EXPIRE,  LIFE_ON_CANCEL,   LIFE_ON_ACCEPTED,  LIFE_ON_UNDERPRICED};
    uint64_t n = test_random() % 24;
    enum life_happening what = n < 14 ? random[n] : LIFE_ON_CHECKED;
    bool rare = what == LIFE_ON_REFUSED || what == LIFE_ON_EXPIRE || what == LIFE_ON_CANCEL;
    if (what == LIFE_ON_REFUSED && w->asked_sign && w->life.state == LIFE_SENT)
        w->asked_sign = false; /* its simulation failed: nothing is signed */
    if (!rare || test_random() % 8 == 0)
        step(w, (struct life_event){.what = what});
}

static void one_life(void)
{
    struct world w = {.nonce = 0};
    step(&w, (struct life_event){.what = LIFE_ON_BEGIN});
    for (uint32_t i = 0; i < 4000 && (w.life.state != LIFE_ENDED || w.asked_reserve); i++) {
        uint64_t who = test_random() % 3;
        if (who == 0)
            answers(&w);
        else if (who == 1)
            gates(&w);
        else
            chain_step(&w);
        if (w.count == 64)
            return;
    }
    if (w.life.state != LIFE_ENDED)
        return; /* waits for fees: legal */
    CHECK_EQ(w.ends, 1);
    CHECK(w.executed <= 1);
    CHECK_EQ(w.executed, w.life.end == LIFE_END_CONFIRMED || w.life.end == LIFE_END_REVERTED);
    if (w.life.end != LIFE_END_CONFIRMED && w.life.end != LIFE_END_REVERTED)
        for (uint32_t i = 0; i < w.count; i++)
            CHECK(w.final[w.attempts[i].nonce]); /* nothing of it can be mined any more */
    uint32_t sent = 0;
    bool nonces[64] = {false};
    for (uint32_t i = 0; i < w.count; i++) {
        sent += !nonces[w.attempts[i].nonce];
        nonces[w.attempts[i].nonce] = true;
    }
    CHECK_EQ(w.reserves, sent + w.releases); /* each nonce was sent or given back, once */
}

TEST(life_random,
     "100,000 random lives: each ends once, executes at most once, leaks no nonce, and "
     "never has two nonces out")
{
    for (int i = 0; i < 100000; i++)
        one_life();
}

TEST(life_every_state, "every happening in every state is legal, and words exist for all")
{
    for (int state = 0; state < LIFE_STATE_COUNT; state++) {
        CHECK(strcmp(life_state_word((uint8_t)state), "?") != 0);
        for (int what = 0; what < LIFE_HAPPENING_COUNT; what++) {
            struct life l = {.state = (uint8_t)state};
            (void)on(&l, (enum life_happening)what);
            CHECK(l.state < LIFE_STATE_COUNT);
            if (state >= LIFE_SENT && l.state < LIFE_SENT)
                CHECK_EQ(what, LIFE_ON_TAKEN); /* only the chain takes a signed one back */
        }
    }
}
