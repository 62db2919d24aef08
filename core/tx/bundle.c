/*
 * Transactions of an intent that go together, as one bundle of a private relay: all of them in one
 * block, or none (HAWSE_INTENT_RELAY_BUNDLE). The first one leads: gates, simulation and the word
 * of the relay are of all, and asked by it. They get nonces that follow each other, are signed
 * together and stand in the journal in one group, before anything of them leaves. From then on each
 * has a life of its own, since the chain speaks of each by itself.
 *
 * What must never happen here: one of them goes out without the others, or to anybody but the
 * relay. So when one is over (taken back, or found alone in a block) the others get an empty
 * transaction in their place, and none of them ever gets another nonce.
 */
#include "tx/desk_private.h"

#include <hawse/service/intent.h>
#include <stdio.h>

bool bundle_is(const struct desk_intent *intent)
{
    return intent->plan && intent->plan->together;
}

/* Of a bundle the relay is to find the first on the chain next, and what is taken back of it must
 * not stand behind others. An authorization of the account's own takes the nonce behind that of its
 * transaction (EIP-7702), which another transaction would have been signed with. */
bool goes_alone(const struct desk_intent *intent)
{
    return bundle_is(intent) || (intent->plan && intent->plan->delegated);
}

struct leg *leg_lead(const struct leg *leg)
{
    return &leg->intent->legs[bundle_is(leg->intent) ? 0 : leg->index];
}

const struct sim_gas *leg_gas(const struct leg *leg, uint32_t index)
{
    const struct leg *lead = leg_lead(leg);
    return lead->sim && index >= lead->index ? &lead->sim->gas[index - lead->index] : NULL;
}

/* ---- nonces ---- */

void bundle_release(struct desk_intent *intent)
{
    for (uint32_t i = 0; i < intent->plan->count; i++)
        leg_release(&intent->legs[i]);
}

static void reserve(struct leg *leg);

static void on_reserved(void *ctx, const struct nonce_answer *answer)
{
    struct leg *leg = ctx;
    struct desk_intent *intent = leg->intent;
    struct leg *lead = &intent->legs[0];
    bool good = answer->status == HAWSE_OK;
    intent->asks--;
    if (good) {
        leg->nonce = answer->nonce;
        leg->has_nonce = true;
        /* the first that the chain takes, and those behind it: a bundle waits for nobody */
        good = leg->nonce.number == intent->account->latest + leg->index;
    } else {
        desk_nonce_fault(intent->desk, answer);
    }
    if (!good || intent->ended || lead->life.state != LIFE_RESERVING) {
        bundle_release(intent);
        leg_on(lead, LIFE_ON_WAIT);
    } else if (leg->index + 1 < intent->plan->count) {
        reserve(leg + 1);
    } else {
        leg_on(lead, LIFE_ON_RESERVED);
    }
}

static void reserve(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    struct desk_account *account = intent->account;
    struct nonces *nonces = intent->desk->nonces;
    if (!desk_group(intent->desk) || !nonces)
        return;
    intent->asks++;
    nonce_reserve_alone(nonces, &account->nonces, account->pending, leg->index, on_reserved, leg);
}

void bundle_reserve(struct leg *lead)
{
    reserve(lead);
}

/* ---- signatures ---- */

static void discard(struct desk_intent *intent)
{
    for (uint32_t i = 0; i < intent->plan->count; i++)
        leg_discard(&intent->legs[i]);
}

void bundle_sign(struct leg *lead)
{
    struct desk_intent *intent = lead->intent;
    uint32_t count = intent->plan->count;
    for (uint32_t i = 0; i < count; i++) {
        intent->legs[i].fees = lead->fees;
        if (!leg_may_sign(&intent->legs[i], lead))
            return;
    }
    discard(intent);
    intent->bundle_left = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!leg_give(&intent->legs[i], false))
            bundle_signed(&intent->legs[i], NULL);
    }
}

static void mark(struct leg *leg);

/* Why a nonce could not be marked: it went to somebody else, or Redis did not say. */
static void mark_failed(struct desk_intent *intent, const struct nonce_answer *answer)
{
    char reason[400];
    if (answer->status == HAWSE_E_STALE)
        (void)snprintf(reason, sizeof(reason), "another host took a nonce of the bundle");
    else
        (void)snprintf(reason, sizeof(reason),
                       "not all nonces of the bundle could be marked as sent: %.300s",
                       answer->fault.message);
    intent_fail(intent, HAWSE_E_STATE, reason);
}

/* The first `marked` of them are marked as sent, and may never be given back any more. Where that
 * is not all of them, they go into the journal all the same, and are made void at once, as by the
 * answer about the next one it is not this host's any more. */
static void all_marked(struct desk_intent *intent, uint32_t marked,
                       const struct nonce_answer *answer)
{
    uint32_t count = intent->plan->count;
    bool canceled = false;
    for (uint32_t i = 0; i < count; i++) {
        struct leg *leg = &intent->legs[i];
        canceled |= leg->canceled;
        leg->committing = leg->canceled = false;
        if (i >= marked)
            leg_discard(leg);
        if (i == marked)
            leg->has_nonce = false; /* somebody else's, or taken back from us */
        else if (i > marked)
            leg_release(leg);
    }
    if (marked == 0)
        leg_on(&intent->legs[0], LIFE_ON_WAIT);
    for (uint32_t i = 0; i < marked; i++)
        leg_on(&intent->legs[i], LIFE_ON_SIGNED);
    if (marked > 0 && marked < count)
        mark_failed(intent, answer);
    for (uint32_t i = 0; i < marked && marked < count; i++)
        leg_on(&intent->legs[i], LIFE_ON_REJECTED);
    if (canceled)
        intent_cancel(intent);
}

static void on_marked(void *ctx, const struct nonce_answer *answer)
{
    struct leg *leg = ctx;
    struct desk_intent *intent = leg->intent;
    bool good = answer->status == HAWSE_OK;
    intent->asks--;
    if (!good)
        desk_nonce_fault(intent->desk, answer);
    if (good && leg->index + 1 < intent->plan->count)
        mark(leg + 1);
    else
        all_marked(intent, leg->index + good, answer);
}

static void mark(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    if (!desk_group(intent->desk))
        return; /* memory is read from the journal again */
    intent->asks++;
    nonce_sent(intent->desk->nonces, &intent->account->nonces, &leg->nonce, leg->signing->hash,
               on_marked, leg);
}

void bundle_signed(struct leg *leg, struct attempt *attempt)
{
    struct desk_intent *intent = leg->intent;
    struct leg *lead = &intent->legs[0];
    bool all = true;
    leg_discard(leg);
    leg->signing = attempt;
    if (--intent->bundle_left > 0)
        return;
    for (uint32_t i = 0; i < intent->plan->count; i++)
        all = all && intent->legs[i].signing;
    if (!all || intent->ended || lead->life.state != LIFE_SIGNING) {
        discard(intent);
        leg_on(lead, LIFE_ON_UNSIGNED);
        return;
    }
    for (uint32_t i = 0; i < intent->plan->count; i++)
        intent->legs[i].committing = true; /* a cancellation waits until it is out */
    mark(lead);
}

/* ---- out ---- */

static bool is_out(const struct leg *leg)
{
    return leg->life.state == LIFE_SENT && leg->attempt_count == 1 && !leg->life.voiding &&
           !leg->attempts[0].empty;
}

bool bundle_whole(const struct desk_intent *intent)
{
    bool whole = true;
    for (uint32_t i = 0; i < intent->plan->count; i++)
        whole = whole && is_out(&intent->legs[i]);
    return whole;
}

/* Is it in a block of the chain as it is now, or over? */
static bool is_in(const struct leg *leg)
{
    const struct desk_chain *chain = leg->intent->chain;
    return leg->life.state == LIFE_INCLUDED && leg->receipt.block <= chain->head.number &&
           chain_has(chain, leg->receipt.block, leg->receipt.block_hash);
}

/* What one of them that is over means for the others. */
static const struct over {
    int32_t error;
    const char *reason; /* NULL: said already, or to be said by its own end */
} overs[LIFE_END_COUNT] = {
    [LIFE_END_CONFIRMED] = {HAWSE_E_REMOTE,
                            "a part of the bundle alone is in a block: the rest was taken back"},
    [LIFE_END_REVERTED] = {HAWSE_E_REMOTE,
                           "a part of the bundle alone is in a block: the rest was taken back"},
    [LIFE_END_SUPERSEDED] = {HAWSE_E_STATE,
                             "somebody else used a nonce of the bundle: the rest was taken back"},
    [LIFE_END_LOST] = {HAWSE_E_UNKNOWN,
                       "a nonce of the bundle is used and no provider shows by what: the rest was "
                       "taken back, look at the account"},
};

/* Of the bundle's own transactions: an empty one in a block is none. */
static const struct over *over_by(const struct leg *leg)
{
    bool in = is_in(leg) && leg->life.wanted_in;
    return &overs[in ? LIFE_END_CONFIRMED : leg->life.end];
}

void bundle_look(struct desk_intent *intent)
{
    const struct over *why = NULL;
    bool over = false;
    for (uint32_t i = 0; i < intent->plan->count; i++) {
        const struct leg *leg = &intent->legs[i];
        if (!why && over_by(leg)->reason)
            why = over_by(leg);
        over |= is_in(leg) || leg->life.state == LIFE_ENDED || leg->life.state == LIFE_IDLE ||
                leg->life.voiding;
    }
    for (uint32_t i = 0; over && i < intent->plan->count && !intent->ended; i++) {
        struct leg *leg = &intent->legs[i];
        if (leg->life.state != LIFE_SENT || leg->life.voiding || leg->life.signing ||
            leg->nonce.number < intent->account->latest)
            continue;
        if (why)
            intent_fail(intent, why->error, why->reason);
        leg_on(leg, LIFE_ON_REJECTED);
    }
}
