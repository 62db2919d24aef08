/*
 * Whose turn it is. Transactions of an account wait here for its window of nonces, and, while the
 * market asks for more than an intent may pay, for lower fees: without a nonce, since one that is
 * reserved would hold up all behind it, and without being simulated at each head in vain.
 *
 * What fills a hole of nonces goes first, and waits for no room and beside nothing: all above the
 * hole waits for it, a bundle that must be alone too. Then what ends something that has begun: a
 * later transaction of an intent, one whose nonce went to somebody else. Then by worth, then by
 * age. The order is made of what the journal has, so it is the same after a restart.
 */
#include "tx/desk_private.h"

#include <hawse/u256.h>
#include <string.h>

enum { LOOK_BLOCKS = 16 }; /* what its gas costs may have changed */

/* ---- order ---- */

void intent_worth(const hawse_intent_t *in, hawse_u256_t *out)
{
    static const uint8_t coin[20] = {0};
    *out = in->worth;
    if (!hawse_u256_is_zero(out) || in->solana)
        return;
    for (uint32_t i = 0; i < in->flow_count; i++) {
        const hawse_intent_flow_t *f = &in->flows[i];
        if (memcmp(f->asset, coin, 20) == 0 && hawse_u256_compare(&f->expected_in, &f->max_out) > 0)
            (void)hawse_u256_sub(&f->expected_in, &f->max_out, out);
    }
}

static bool has_begun(const struct leg *leg)
{
    return leg->index > 0 || leg->life.renewals > 0 || leg->intent->held;
}

bool leg_before(const struct leg *a, const struct leg *b)
{
    bool first = has_begun(a), second = has_begun(b);
    if (a->intent->filler != b->intent->filler)
        return a->intent->filler;
    if (first || second)
        return first && !second;
    return hawse_u256_compare(&a->intent->worth, &b->intent->worth) > 0;
}

void leg_queue(struct leg *leg)
{
    struct desk_account *a = leg->intent->account;
    struct leg **at = &a->queue;
    if (leg->queued)
        return;
    if (a->queue_last && !leg_before(leg, a->queue_last))
        at = &a->queue_last->next_queued;
    while (*at && !leg_before(leg, *at))
        at = &(*at)->next_queued;
    leg->queued = true;
    leg->next_queued = *at;
    *at = leg;
    if (!leg->next_queued)
        a->queue_last = leg;
}

void leg_unqueue(struct leg *leg)
{
    struct desk_account *a = leg->intent->account;
    struct leg **at = &a->queue, *last = NULL;
    if (!leg->queued)
        return;
    while (*at && *at != leg) {
        last = *at;
        at = &(*at)->next_queued;
    }
    *at = leg->next_queued;
    if (a->queue_last == leg)
        a->queue_last = last;
    leg->queued = false;
}

/* ---- waiting for fees ---- */

void leg_count_dear(struct leg *leg)
{
    struct desk_chain *chain = leg->intent->chain;
    if (leg->life.state != LIFE_WAITING)
        leg->fee_most = 0;
    bool dear = leg->fee_most != 0 && !leg->intent->ended;
    if (dear == leg->dear)
        return;
    leg->dear = dear;
    leg->dear_head = chain->head.number;
    if (dear)
        chain->dear++;
    else
        chain->dear--;
}

/* Is it in vain to look at it at this head? */
static bool too_dear(const struct leg *leg)
{
    const struct desk_chain *chain = leg->intent->chain;
    if (!leg->dear || chain_offer(chain).max_fee <= leg->fee_most)
        return false;
    return leg->fee_most >= chain_cap(chain) || chain->head.number < leg->dear_head + LOOK_BLOCKS;
}

static void look_again(struct desk_account *account)
{
    struct desk_intent *next;
    for (struct desk_intent *in = account->chain->intents; in; in = next) {
        next = in->next;
        for (uint32_t i = 0; in->account == account && in->plan && i < in->plan->count; i++) {
            struct leg *leg = &in->legs[i];
            if (leg->life.state == LIFE_WAITING && !safe_waits(in) && !too_dear(leg))
                leg_on(leg, LIFE_ON_LOOK);
        }
    }
}

/* ---- turns ---- */

/* While nonces cannot be had nothing need be simulated. */
static bool nonces_there(const struct desk *desk)
{
    return desk->nonces && nonce_mode(desk->nonces) != NONCE_STOPPED;
}

bool account_has_room(const struct desk_account *a)
{
    const struct desk_intent *intent = a->queue->intent;
    if (intent->filler)
        return true;
    return a->busy < a->window && a->lone == 0 && (!goes_alone(intent) || a->busy == 0);
}

/* Does the host know of the block that its first one was decided from? */
static bool has_basis(const struct desk_account *a)
{
    return a->chain->head.number >= a->queue->intent->body->public.basis_block;
}

/* Of one account, or (NULL) of all of the chain: who is next. */
static struct leg *next_leg(const struct desk_chain *chain, const struct desk_account *only)
{
    struct leg *best = NULL;
    for (struct desk_account *a = chain->accounts; a; a = a->next) {
        if ((only && a != only) || !a->queue || !account_has_room(a) || !chain_fresh(chain, a) ||
            !has_basis(a))
            continue;
        if (!best || leg_before(a->queue, best))
            best = a->queue;
    }
    return best;
}

/* What is not known of it, or not of this head, is looked at. */
static void look(struct desk_account *a)
{
    struct desk_chain *chain = a->chain;
    bool fresh = chain_fresh(chain, a);
    if (fresh && a->looked != chain->head.number) {
        a->looked = chain->head.number;
        look_again(a);
    } else if (a->queue && !fresh) {
        chain_soon(chain);
    }
    if (a->queue && !has_basis(a))
        chain_expect(chain, a->queue->intent->body->public.basis_block);
}

static void pump(struct desk_chain *chain, const struct desk_account *only)
{
    struct leg *leg;
    if (chain->pumping || !nonces_there(chain->desk))
        return; /* the next head looks again */
    chain->pumping = true;
    for (struct desk_account *a = chain->accounts; a; a = a->next) {
        if (!only || a == only)
            look(a);
    }
    while (chain->simulating < DESK_SIMULATING && !chain->desk->failed &&
           (leg = next_leg(chain, only)) != NULL) {
        leg_unqueue(leg);
        if (leg->life.state == LIFE_START)
            leg_check(leg);
    }
    chain->pumping = false;
}

void account_pump(struct desk_account *account)
{
    pump(account->chain, account);
}

void chain_pump(struct desk_chain *chain)
{
    pump(chain, NULL);
}
