/*
 * Carries out what life.h says: asks gates, waits for turns, and puts the ends of an intent's
 * transactions together to the one end of the intent.
 */
#include "tx/desk_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

void intent_fail(struct desk_intent *intent, int32_t error, const char *reason)
{
    if (intent->error == HAWSE_OK) {
        intent->error = error;
        (void)snprintf(intent->reason, sizeof(intent->reason), "%.639s", reason);
    }
}

/* With all that its token is made of, so that anybody can hold it against the signed bytes; NULL
 * when there is none. Until the next one. */
static const char *simulation_text(const struct leg *leg, enum life_tell what)
{
    static _Thread_local char text[SIM_JSON];
    bool told = (what == LIFE_TELL_SIMULATED || what == LIFE_TELL_REPLACED) && leg->sim &&
                sim_result_json(leg->sim, text, sizeof(text) - 256) > 0;
    return told ? text : NULL;
}

/* What its gas came to, beside the simulation; NULL = nothing is known to compare. */
static const char *accuracy_text(const struct leg *leg)
{
    static _Thread_local char text[128];
    const struct attempt *a = &leg->attempts[leg->mined];
    uint64_t used = leg->receipt.gas_used;
    if (a->gas_simulated == 0)
        return NULL;
    (void)snprintf(text, sizeof(text),
                   "{\"gas_used\":\"%llu\",\"gas_simulated\":\"%llu\",\"off_ppm\":%lld}",
                   (unsigned long long)used, (unsigned long long)a->gas_simulated,
                   (long long)accuracy_ppm(a->gas_simulated, used));
    return text;
}

/* How long it took from what it was decided from; NULL = that was not told. */
static const char *reaction_text(const struct leg *leg)
{
    static _Thread_local char text[48];
    uint64_t ns = leg->signing ? leg_reaction_ns(leg, leg->signing) : 0;
    (void)snprintf(text, sizeof(text), "{\"reaction_us\":%llu}", (unsigned long long)ns / 1000);
    return ns > 0 && leg->attempt_count == 0 ? text : NULL;
}

static const char *reason_of(const struct leg *leg, enum life_tell what)
{
    if (what == LIFE_TELL_RENEWED)
        return "its nonce was used by a transaction that is not ours: it gets another one";
    if (what == LIFE_TELL_REPLACED && leg->life.voiding)
        return "an empty transaction with its nonce takes it back";
    return NULL;
}

static void tell_leg(struct leg *leg, enum life_tell what)
{
    static const uint32_t steps[] = {[LIFE_TELL_SIMULATED] = HAWSE_INTENT_SIMULATED,
                                     [LIFE_TELL_SENT] = HAWSE_INTENT_SENT,
                                     [LIFE_TELL_SEEN] = HAWSE_INTENT_SEEN,
                                     [LIFE_TELL_UNKNOWN] = HAWSE_INTENT_UNKNOWN,
                                     [LIFE_TELL_REPLACED] = HAWSE_INTENT_REPLACED,
                                     [LIFE_TELL_INCLUDED] = HAWSE_INTENT_INCLUDED,
                                     [LIFE_TELL_REORGANIZED] = HAWSE_INTENT_REORGED,
                                     [LIFE_TELL_RENEWED] = HAWSE_INTENT_REPLACED,
                                     [LIFE_TELL_RECONCILED] = HAWSE_INTENT_RECONCILED};
    struct desk_words w = {.leg = leg->index};
    char relay[PRIVATE_FIGURES];
    if (what == LIFE_TELL_NOTHING)
        return;
    w.figures = simulation_text(leg, what);
    if (leg->attempt_count > 0)
        w.hash = leg->attempts[leg->attempt_count - 1].hash;
    if (leg->signing && (what == LIFE_TELL_SENT || what == LIFE_TELL_REPLACED))
        w.hash = leg->signing->hash;
    if (what == LIFE_TELL_INCLUDED) {
        w.hash = leg->attempts[leg->mined].hash;
        w.block = leg->receipt.block;
        w.figures = accuracy_text(leg);
        w.error = !leg->life.wanted_in  ? HAWSE_E_CANCELED
                  : leg->life.succeeded ? HAWSE_OK
                                        : HAWSE_E_REMOTE;
    }
    if (what == LIFE_TELL_SENT || what == LIFE_TELL_REPLACED)
        leg->intent->attempts++;
    w.reason = reason_of(leg, what);
    if (what == LIFE_TELL_SENT) {
        w.figures = reaction_text(leg);
        desk_step(leg->intent, HAWSE_INTENT_SIGNED, &w);
        w.figures = NULL;
    }
    if (what == LIFE_TELL_SENT || what == LIFE_TELL_REPLACED)
        w.relay = private_figures(leg, relay);
    desk_step(leg->intent, steps[what], &w);
}

/* ---- events ---- */

void leg_count(struct leg *leg, bool busy)
{
    if (busy == leg->counted)
        return;
    leg->counted = busy;
    struct desk_account *account = leg->intent->account;
    uint32_t lone = goes_alone(leg->intent);
    if (busy) {
        account->busy++;
        account->lone += lone;
    } else {
        account->busy--;
        account->lone -= lone;
    }
}

static void recount(struct leg *leg)
{
    uint8_t s = leg->life.state;
    leg_count_dear(leg);
    leg_count(leg,
              s == LIFE_SIMULATING || s == LIFE_RESERVING || s == LIFE_SIGNING || s == LIFE_SENT);
}

static void begin_simulation(struct leg *leg)
{
    if (leg->intent->safe)
        safe_simulate(leg);
    else
        leg_simulate(leg, false);
}

/* What is done for all of a bundle at once. */
static void carry_out(struct leg *leg, uint32_t effects)
{
    bool bundle = bundle_is(leg->intent);
    if (effects & LIFE_DO_RELEASE && bundle)
        bundle_release(leg->intent);
    else if (effects & LIFE_DO_RELEASE)
        leg_release(leg);
    if (effects & LIFE_DO_RESERVE && bundle)
        bundle_reserve(leg);
    else if (effects & LIFE_DO_RESERVE)
        leg_reserve(leg);
    if (effects & LIFE_DO_SIGN && bundle)
        bundle_sign(leg);
    else if (effects & LIFE_DO_SIGN)
        leg_sign(leg, false);
}

void leg_event(struct leg *leg, const struct life_event *event)
{
    struct desk *desk = leg->intent->desk;
    if (desk->failed || leg->intent->ended || __atomic_load_n(&desk->halted, __ATOMIC_RELAXED))
        return;
    struct life_result r = life_step(&leg->life, event);
    recount(leg);
    tell_leg(leg, r.tell);
    if (r.effects & LIFE_DO_DISCARD)
        leg_discard(leg);
    if (r.effects & LIFE_DO_CHECK)
        leg_queue(leg);
    if (r.effects & LIFE_DO_SIMULATE)
        begin_simulation(leg);
    carry_out(leg, r.effects);
    if (r.effects & LIFE_DO_SEND)
        leg_send(leg);
    if (r.effects & (LIFE_DO_BUMP | LIFE_DO_VOID))
        leg_replace(leg, (r.effects & LIFE_DO_VOID) != 0);
    if (r.effects & LIFE_DO_RESEND)
        leg_resend(leg);
    if (r.effects & LIFE_DO_END || event->what == LIFE_ON_INCLUDED)
        intent_advance(leg->intent);
}

void leg_on(struct leg *leg, enum life_happening what)
{
    leg_event(leg, &(struct life_event){.what = what});
}

/* ---- the intent ---- */

/* How many of each end, and whether the last one may begin. */
struct tally {
    uint32_t ended, confirmed, begun;
    const struct leg *bad; /* the first that did not end well */
};

static struct tally tally(const struct desk_intent *intent)
{
    struct tally t = {0};
    for (uint32_t i = 0; i < intent->plan->count; i++) {
        const struct leg *leg = &intent->legs[i];
        bool good = leg->life.end == LIFE_END_CONFIRMED;
        t.begun += leg->life.state != LIFE_IDLE;
        t.ended += leg->life.state == LIFE_ENDED;
        t.confirmed += good;
        if (leg->life.state == LIFE_ENDED && !good && leg->life.end != LIFE_END_DROPPED && !t.bad)
            t.bad = leg;
    }
    return t;
}

static enum risk_outcome outcome_of(const struct tally *t, const struct desk_intent *intent)
{
    if (!t->bad)
        return RISK_SUCCEEDED;
    switch (t->bad->life.end) {
    case LIFE_END_REVERTED:
        return RISK_REVERTED;
    case LIFE_END_CANCELED:
        if (t->bad->attempt_count == 0)
            return RISK_NOT_SENT;
        return t->bad->life.rejected   ? RISK_REFUSED
               : t->bad->life.unwanted ? RISK_CANCELED
                                       : RISK_EXPIRED;
    case LIFE_END_SUPERSEDED:
    case LIFE_END_LOST:
        return RISK_EXPIRED;
    default:
        return intent->attempts > 0 ? RISK_CANCELED : RISK_NOT_SENT;
    }
}

static uint32_t lost_step(struct desk_intent *intent, int32_t *error)
{
    *error = HAWSE_E_UNKNOWN;
    intent_fail(intent, *error,
                "its nonce is used and no provider shows by what: look at the account");
    return HAWSE_INTENT_FAILED;
}

/* The step and error of an end that is not CONFIRMED. */
static uint32_t bad_step(struct desk_intent *intent, const struct leg *bad, int32_t *error)
{
    switch (bad->life.end) {
    case LIFE_END_REFUSED:
        *error = intent->error ? intent->error : HAWSE_E_DENIED;
        return intent->attempts == 0 ? HAWSE_INTENT_REFUSED : HAWSE_INTENT_FAILED;
    case LIFE_END_EXPIRED:
        *error = HAWSE_E_TIMEOUT;
        intent_fail(intent, *error, "its deadline passed before it was sent");
        return intent->attempts == 0 ? HAWSE_INTENT_EXPIRED : HAWSE_INTENT_FAILED;
    case LIFE_END_REVERTED:
        *error = HAWSE_E_REMOTE;
        intent_fail(intent, *error, "it was executed, and reverted");
        return HAWSE_INTENT_FAILED;
    case LIFE_END_CANCELED:
        *error = bad->life.unwanted || bad->attempt_count == 0 ? HAWSE_E_CANCELED
                 : bad->life.rejected                          ? HAWSE_E_DENIED
                                                               : HAWSE_E_TIMEOUT;
        intent_fail(intent, *error,
                    bad->life.unwanted || bad->attempt_count == 0
                        ? "canceled"
                        : "no block took it: an empty transaction used its nonce");
        return HAWSE_INTENT_FAILED;
    case LIFE_END_SUPERSEDED:
        *error = HAWSE_E_STATE;
        intent_fail(intent, *error, "its nonce was used by a transaction that is not ours");
        return HAWSE_INTENT_FAILED;
    default:
        *error = intent->error ? intent->error : HAWSE_E_INTERNAL;
        return HAWSE_INTENT_FAILED;
    }
}

static void count_moved(struct desk_intent *intent, enum risk_outcome outcome)
{
    if (!intent->held)
        return;
    intent->held = false;
    totals_ended(intent, outcome);
}

static void intent_end(struct desk_intent *intent, const struct tally *t)
{
    const struct leg *last = &intent->legs[intent->plan->count - 1];
    struct desk_words w = {.leg = t->bad ? t->bad->index : last->index};
    const struct leg *shown = t->bad ? t->bad : last;
    uint32_t step = HAWSE_INTENT_CONFIRMED;
    bool elsewhere = t->bad && safe_executed(intent, &w);
    if (t->bad && !elsewhere)
        step = t->bad->life.end == LIFE_END_LOST ? lost_step(intent, &w.error)
                                                 : bad_step(intent, t->bad, &w.error);
    if (shown->attempt_count > 0 && !elsewhere) {
        w.hash = shown->attempts[shown->mined].hash;
        w.block = shown->receipt.block;
    }
    if (step != HAWSE_INTENT_CONFIRMED) {
        safe_warn(intent);
        w.reason = intent->reason;
    }
    w.gate = intent->gate[0] && step == HAWSE_INTENT_REFUSED ? intent->gate : NULL;
    w.figures = w.gate ? intent->figures : NULL;
    count_moved(intent, elsewhere ? RISK_SUCCEEDED : outcome_of(t, intent));
    desk_step(intent, step, &w);
    intent->ended = true;
    desk_forget(intent);
}

/* May the next transaction begin after this one? */
static bool done_well(const struct leg *leg)
{
    return leg->life.end == LIFE_END_CONFIRMED ||
           (leg->life.state == LIFE_INCLUDED && leg->life.wanted_in && leg->life.succeeded);
}

void intent_advance(struct desk_intent *intent)
{
    if (intent->ended || !intent->plan)
        return;
    struct tally t = tally(intent);
    for (uint32_t i = 1; i < intent->plan->count; i++) {
        struct leg *leg = &intent->legs[i];
        if (leg->life.state != LIFE_IDLE)
            continue;
        if (t.bad) {
            leg_on(leg, LIFE_ON_REFUSED);
            return; /* which came back here */
        }
        if (done_well(leg - 1) && !bundle_is(intent)) {
            leg_on(leg, LIFE_ON_BEGIN);
            account_pump(intent->account);
        }
        break;
    }
    t = tally(intent);
    if (!intent->ended && t.ended == intent->plan->count && !(t.bad && safe_unproved(intent)))
        intent_end(intent, &t);
}

void intent_plan(struct desk_intent *intent)
{
    struct fault fault = {0};
    if (desk_is_solana(intent->chain)) {
        if (!intent->restoring)
            solana_begin(intent);
        return;
    }
    const struct config_tx *tx = &intent->chain->config->tx;
    int32_t code = intent->safe
                       ? plan_safe(intent_subject(intent), &intent->plan, &fault)
                       : plan_make(&intent->body->public, intent->account->nonces.sender,
                                   (enum plan_executor)tx->executor,
                                   tx->executor ? tx->delegate : NULL, &intent->plan, &fault);
    if (code == HAWSE_OK)
        code = private_check(intent, &fault);
    if (code == HAWSE_OK) {
        intent->legs = calloc(intent->plan->count, sizeof(intent->legs[0]));
        if (!intent->legs)
            code = fault_set(&fault, HAWSE_E_NOMEM, "no memory for an intent's transactions");
    }
    if (code != HAWSE_OK) {
        free(intent->plan);
        intent->plan = NULL;
        desk_step(intent, HAWSE_INTENT_REFUSED,
                  &(struct desk_words){.error = code, .reason = fault.message});
        intent->ended = true;
        desk_forget(intent);
        return;
    }
    for (uint32_t i = 0; i < intent->plan->count; i++) {
        intent->legs[i].intent = intent;
        intent->legs[i].index = i;
        intent->legs[i].life.bound = intent->plan->together;
    }
    if (intent->restoring)
        return;
    leg_on(&intent->legs[0], LIFE_ON_BEGIN);
    account_pump(intent->account);
}

/* ---- turns ---- */

static void wait_for(struct leg *leg, const struct risk_verdict *v)
{
    struct desk_intent *intent = leg->intent;
    if (!intent->told_waiting)
        desk_step(
            intent, HAWSE_INTENT_WAITING,
            &(struct desk_words){
                .leg = leg->index, .reason = v->reason, .gate = v->gate, .figures = v->figures});
    intent->told_waiting = true;
    leg->fee_most = v->fee_most;
    leg_on(leg, LIFE_ON_WAIT);
}

bool leg_verdict(struct leg *leg, const struct risk_verdict *v)
{
    struct desk_intent *intent = leg->intent;
    if (v->warning[0])
        log_line(intent->desk->logger, HAWSE_LOG_WARN, intent->instance, "intent %s: %s",
                 intent->body->id, v->warning);
    desk_count_verdict(intent->desk, v);
    if (v->answer == RISK_PASS)
        return true;
    if (v->answer == RISK_WAIT) {
        wait_for(leg, v);
        return false;
    }
    const char *more = intent->safe && leg->sim ? safe_failure(leg) : "";
    char reason[640];
    (void)snprintf(reason, sizeof(reason), "%.540s%s%s", v->reason, more[0] ? ": " : "", more);
    intent_fail(intent, HAWSE_E_DENIED, reason);
    if (!intent->gate[0]) {
        (void)snprintf(intent->gate, sizeof(intent->gate), "%s", v->gate);
        (void)snprintf(intent->figures, sizeof(intent->figures), "%s", v->figures);
    }
    leg_on(leg, LIFE_ON_REFUSED);
    return false;
}

void leg_check(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct risk_case c;
    struct risk_verdict v;
    intent_expire(intent);
    if (intent->ended || leg->life.state != LIFE_START)
        return;
    if (!intent->filler && !intent->held) {
        gate_case(leg, &c, NULL);
        risk_check(intent->desk->risk, RISK_BEFORE, &c, &v);
        if (!leg_verdict(leg, &v))
            return;
        if (intent->last_step < HAWSE_INTENT_GATED || intent->last_step == 0)
            desk_step(intent, HAWSE_INTENT_GATED, &(struct desk_words){.leg = leg->index});
    }
    leg_on(leg, LIFE_ON_CHECKED);
}

/* ---- deadline and cancellation ---- */

static bool unsigned_yet(const struct leg *leg)
{
    return leg->life.state < LIFE_SENT && !leg->committing;
}

void intent_expire(struct desk_intent *intent)
{
    const hawse_intent_t *in = &intent->body->public;
    bool late = (in->deadline_ns != 0 && desk_utc() > in->deadline_ns) ||
                (in->deadline_block != 0 && intent->chain->head.number >= in->deadline_block);
    if (!late || !intent->plan)
        return;
    for (uint32_t i = 0; i < intent->plan->count && !intent->ended; i++) {
        struct leg *leg = &intent->legs[i];
        if (leg->life.state != LIFE_IDLE && unsigned_yet(leg)) {
            leg_unqueue(leg);
            leg_simulate_stop(leg);
            safe_stop(intent);
            leg_on(leg, LIFE_ON_EXPIRE);
        }
    }
}

static bool is_kept(const struct desk_intent *intent)
{
    bool kept = false;
    for (uint32_t i = 0; intent->plan && i < intent->plan->count && !kept; i++)
        kept = !unsigned_yet(&intent->legs[i]);
    return kept && intent->body->public.flags & HAWSE_INTENT_KEEP_SIGNED;
}

void intent_cancel(struct desk_intent *intent)
{
    if (is_kept(intent))
        return;
    if (intent->solana)
        solana_cancel(intent);
    for (uint32_t i = 0; intent->plan && i < intent->plan->count && !intent->ended; i++) {
        struct leg *leg = &intent->legs[i];
        if (leg->committing) {
            leg->canceled = true; /* as soon as it is known whether it goes out */
            continue;
        }
        if (unsigned_yet(leg)) {
            leg_unqueue(leg);
            leg_simulate_stop(leg);
            safe_stop(intent);
        }
        leg_on(leg, LIFE_ON_CANCEL);
    }
}
