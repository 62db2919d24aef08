/* The life of one transaction; see life.h. */
#include "tx/life.h"

#include <stddef.h>

static struct life_result nothing(void)
{
    return (struct life_result){.tell = LIFE_TELL_NOTHING};
}

static struct life_result result(uint32_t effects, enum life_tell tell)
{
    return (struct life_result){.effects = effects, .tell = tell};
}

static struct life_result go(struct life *l, enum life_state state, uint32_t effects,
                             enum life_tell tell)
{
    l->state = (uint8_t)state;
    return result(effects, tell);
}

static struct life_result end(struct life *l, enum life_end how, uint32_t effects)
{
    l->state = LIFE_ENDED;
    l->end = (uint8_t)how;
    return result(effects | LIFE_DO_END, LIFE_TELL_NOTHING);
}

/* What ends it before anything was signed, in every state alike. */
static struct life_result end_unsigned(struct life *l, const struct life_event *e, uint32_t effects)
{
    switch (e->what) {
    case LIFE_ON_REFUSED:
        return end(l, l->state == LIFE_IDLE ? LIFE_END_DROPPED : LIFE_END_REFUSED, effects);
    case LIFE_ON_CANCEL:
        l->unwanted = true;
        return end(l, LIFE_END_CANCELED, effects);
    case LIFE_ON_EXPIRE:
        return end(l, LIFE_END_EXPIRED, effects);
    case LIFE_ON_WAIT:
        if (l->state == LIFE_IDLE || l->state == LIFE_WAITING)
            return nothing();
        return go(l, LIFE_WAITING, effects, LIFE_TELL_NOTHING);
    default:
        return nothing();
    }
}

static struct life_result restore(struct life *l, const struct life_event *e)
{
    l->voiding = e->empty;
    l->unsure = true;
    return go(l, LIFE_SENT, 0, LIFE_TELL_NOTHING);
}

static struct life_result in_idle(struct life *l, const struct life_event *e)
{
    if (e->what == LIFE_ON_RESTORED)
        return restore(l, e);
    if (e->what == LIFE_ON_BEGIN)
        return go(l, LIFE_START, LIFE_DO_CHECK, LIFE_TELL_NOTHING);
    if (e->what == LIFE_ON_SIGNED && l->bound) /* with the first of its bundle */
        return go(l, LIFE_SENT, LIFE_DO_SEND, LIFE_TELL_SENT);
    return end_unsigned(l, e, 0);
}

static struct life_result in_unsigned(struct life *l, const struct life_event *e)
{
    if (l->state == LIFE_WAITING && e->what == LIFE_ON_LOOK)
        return go(l, LIFE_START, LIFE_DO_CHECK, LIFE_TELL_NOTHING);
    if (l->state == LIFE_START && e->what == LIFE_ON_CHECKED)
        return go(l, LIFE_SIMULATING, LIFE_DO_SIMULATE, LIFE_TELL_NOTHING);
    if (l->state == LIFE_SIMULATING && e->what == LIFE_ON_SIMULATED)
        return go(l, LIFE_RESERVING, LIFE_DO_RESERVE, LIFE_TELL_SIMULATED);
    if (l->state == LIFE_RESERVING && e->what == LIFE_ON_RESERVED)
        return go(l, LIFE_SIGNING, LIFE_DO_SIGN, LIFE_TELL_NOTHING);
    return end_unsigned(l, e, 0);
}

static struct life_result in_signing(struct life *l, const struct life_event *e)
{
    if (e->what == LIFE_ON_SIGNED)
        return go(l, LIFE_SENT, LIFE_DO_SEND, LIFE_TELL_SENT);
    if (e->what == LIFE_ON_UNSIGNED)
        return end(l, LIFE_END_FAILED, LIFE_DO_RELEASE);
    return end_unsigned(l, e, LIFE_DO_RELEASE);
}

/* ---- what may be out ---- */

/* An empty transaction takes the nonce; there is no way back from that. */
static struct life_result void_it(struct life *l, uint32_t effects)
{
    l->voiding = true;
    l->signing = true;
    return result(effects | LIFE_DO_VOID, LIFE_TELL_NOTHING);
}

static bool hopeless(const struct life *l)
{
    return l->unwanted || l->rejected || l->bumps >= LIFE_BUMPS;
}

static struct life_result raise_fee(struct life *l)
{
    if (l->signing)
        return nothing();
    if (l->voiding || hopeless(l))
        return void_it(l, 0);
    l->signing = true;
    return result(LIFE_DO_BUMP, LIFE_TELL_NOTHING);
}

static struct life_result give_up(struct life *l)
{
    return l->voiding || l->signing ? nothing() : void_it(l, 0);
}

static struct life_result replaced(struct life *l)
{
    if (!l->signing)
        return result(LIFE_DO_DISCARD, LIFE_TELL_NOTHING);
    if (!l->voiding && (l->unwanted || l->rejected))
        return void_it(l, LIFE_DO_DISCARD);
    l->signing = false;
    l->seen = false;
    l->bumps += !l->voiding;
    return result(LIFE_DO_SEND, LIFE_TELL_REPLACED);
}

static struct life_result accepted(struct life *l)
{
    bool was_unsure = l->unsure, was_seen = l->seen;
    l->unsure = false;
    l->seen = true;
    return result(0, was_unsure ? LIFE_TELL_RECONCILED
                     : was_seen ? LIFE_TELL_NOTHING
                                : LIFE_TELL_SEEN);
}

static struct life_result unsure(struct life *l)
{
    bool was_unsure = l->unsure;
    l->unsure = true;
    return result(0, was_unsure ? LIFE_TELL_NOTHING : LIFE_TELL_UNKNOWN);
}

static struct life_result included(struct life *l, const struct life_event *e)
{
    l->wanted_in = e->wanted;
    l->succeeded = e->succeeded;
    l->signing = false;
    l->unsure = false;
    return go(l, LIFE_INCLUDED, 0, LIFE_TELL_INCLUDED);
}

/* Its nonce is used. By somebody else, when that is proved: none of its attempts can ever be mined.
 * Otherwise one of them may have been, so it never gets another nonce. */
static struct life_result used(struct life *l, enum life_happening what)
{
    if (what == LIFE_ON_GONE)
        return end(l, LIFE_END_LOST, 0);
    if (what != LIFE_ON_TAKEN)
        return nothing();
    if (l->unwanted)
        return end(l, LIFE_END_CANCELED, 0);
    if (l->voiding || l->rejected || l->bound || l->renewals >= LIFE_RENEWALS)
        return end(l, LIFE_END_SUPERSEDED, 0);
    *l = (struct life){.renewals = (uint8_t)(l->renewals + 1)};
    return go(l, LIFE_START, LIFE_DO_CHECK, LIFE_TELL_RENEWED);
}

static struct life_result in_sent(struct life *l, const struct life_event *e)
{
    switch (e->what) {
    case LIFE_ON_ACCEPTED:
        return accepted(l);
    case LIFE_ON_UNSURE:
        return unsure(l);
    case LIFE_ON_CANCEL:
        l->unwanted = true;
        return give_up(l);
    case LIFE_ON_REFUSED: /* the replacement, by its simulation */
        l->signing = false;
        l->rejected = true;
        return give_up(l);
    case LIFE_ON_REJECTED:
        l->rejected = true;
        return give_up(l);
    case LIFE_ON_UNDERPRICED:
    case LIFE_ON_STUCK:
        return raise_fee(l);
    case LIFE_ON_SIGNED:
        return replaced(l);
    case LIFE_ON_UNSIGNED:
    case LIFE_ON_WAIT:
        l->signing = false;
        return nothing();
    case LIFE_ON_MISSING:
        return result(l->signing ? 0 : LIFE_DO_RESEND, LIFE_TELL_NOTHING);
    case LIFE_ON_INCLUDED:
        return included(l, e);
    default:
        return used(l, e->what);
    }
}

static struct life_result in_included(struct life *l, const struct life_event *e)
{
    switch (e->what) {
    case LIFE_ON_INCLUDED:
        return included(l, e);
    case LIFE_ON_REORGANIZED:
        return go(l, LIFE_SENT, LIFE_DO_RESEND, LIFE_TELL_REORGANIZED);
    case LIFE_ON_CONFIRMED:
        if (!l->wanted_in)
            return end(l, LIFE_END_CANCELED, 0);
        return end(l, l->succeeded ? LIFE_END_CONFIRMED : LIFE_END_REVERTED, 0);
    case LIFE_ON_CANCEL:
        l->unwanted = true;
        return nothing();
    case LIFE_ON_SIGNED:
        return result(LIFE_DO_DISCARD, LIFE_TELL_NOTHING);
    default:
        return nothing();
    }
}

struct life_result life_step(struct life *life, const struct life_event *event)
{
    switch (life->state) {
    case LIFE_IDLE:
        return event->what == LIFE_ON_RESERVED ? result(LIFE_DO_RELEASE, LIFE_TELL_NOTHING)
                                               : in_idle(life, event);
    case LIFE_SIGNING:
        return in_signing(life, event);
    case LIFE_SENT:
        return in_sent(life, event);
    case LIFE_INCLUDED:
        return in_included(life, event);
    case LIFE_ENDED:
        if (event->what == LIFE_ON_RESERVED) /* it came too late */
            return result(LIFE_DO_RELEASE, LIFE_TELL_NOTHING);
        return result(event->what == LIFE_ON_SIGNED ? LIFE_DO_DISCARD : 0, LIFE_TELL_NOTHING);
    default:
        if (event->what == LIFE_ON_RESERVED && life->state != LIFE_RESERVING)
            return result(LIFE_DO_RELEASE, LIFE_TELL_NOTHING);
        return in_unsigned(life, event);
    }
}

/* ---- words ---- */

#define WORD(name, word) word,

const char *life_state_word(uint8_t state)
{
    static const char *const words[] = {LIFE_STATES(WORD)};
    return state < LIFE_STATE_COUNT ? words[state] : "?";
}
