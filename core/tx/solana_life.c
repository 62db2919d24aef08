/* The life of one Solana transaction; see solana_life.h. */
#include "tx/solana_life.h"

static struct solana_result result(uint32_t effects, enum solana_tell tell)
{
    return (struct solana_result){.effects = effects, .tell = tell};
}

static struct solana_result nothing(void)
{
    return result(0, SOLANA_TELL_NOTHING);
}

static struct solana_result go(struct solana_life *l, enum solana_state state, uint32_t effects,
                               enum solana_tell tell)
{
    l->state = (uint8_t)state;
    return result(effects, tell);
}

static struct solana_result end(struct solana_life *l, enum solana_end how, uint32_t effects)
{
    l->state = SOLANA_ENDED;
    l->end = (uint8_t)how;
    return result(effects | SOLANA_DO_END, SOLANA_TELL_NOTHING);
}

/* ---- nothing that could land is out ---- */

/* What ends it, in all of these states alike. */
static struct solana_result end_unsigned(struct solana_life *l, enum solana_happening what,
                                         uint32_t effects)
{
    switch (what) {
    case SOLANA_ON_REFUSED:
        return end(l, SOLANA_END_REFUSED, effects);
    case SOLANA_ON_UNSIGNED:
        return l->state == SOLANA_SIGNING ? end(l, SOLANA_END_FAILED, effects) : nothing();
    case SOLANA_ON_CANCEL:
        return end(l, SOLANA_END_CANCELED, effects);
    case SOLANA_ON_EXPIRE:
        return end(l, SOLANA_END_EXPIRED, effects);
    case SOLANA_ON_WAIT:
        if (l->state == SOLANA_IDLE || l->state == SOLANA_WAITING)
            return nothing();
        return go(l, SOLANA_WAITING, effects, SOLANA_TELL_WAITING);
    default:
        return nothing();
    }
}

static struct solana_result in_idle(struct solana_life *l, const struct solana_event *e)
{
    if (e->what == SOLANA_ON_BEGIN)
        return go(l, SOLANA_START, SOLANA_DO_CHECK, SOLANA_TELL_NOTHING);
    if (e->what != SOLANA_ON_RESTORED)
        return end_unsigned(l, e->what, 0);
    l->voiding = e->empty;
    l->unwanted = e->empty; /* why else would it be */
    l->unsure = true;
    l->renewals = e->renewals;
    return go(l, SOLANA_SENT, SOLANA_DO_LOOK_UP, SOLANA_TELL_NOTHING);
}

/* Each of these states waits for one thing, and then goes on. */
static struct solana_result in_unsigned(struct solana_life *l, const struct solana_event *e)
{
    static const struct {
        enum solana_state state;
        enum solana_happening what;
        enum solana_state next;
        enum solana_tell tell;
        uint32_t effects;
    } ways[] = {
        {SOLANA_START, SOLANA_ON_CHECKED, SOLANA_SIMULATING, SOLANA_TELL_NOTHING,
         SOLANA_DO_SIMULATE},
        {SOLANA_WAITING, SOLANA_ON_LOOK, SOLANA_START, SOLANA_TELL_NOTHING, SOLANA_DO_CHECK},
        {SOLANA_SIMULATING, SOLANA_ON_SIMULATED, SOLANA_ANCHORING, SOLANA_TELL_SIMULATED,
         SOLANA_DO_ANCHOR},
        {SOLANA_ANCHORING, SOLANA_ON_ANCHORED, SOLANA_SIGNING, SOLANA_TELL_NOTHING, SOLANA_DO_SIGN},
        {SOLANA_SIGNING, SOLANA_ON_SIGNED, SOLANA_SENT, SOLANA_TELL_SENT, SOLANA_DO_SEND},
    };
    for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        if (l->state == ways[i].state && e->what == ways[i].what)
            return go(l, ways[i].next, ways[i].effects, ways[i].tell);
    }
    if (e->what == SOLANA_ON_ANCHORED) /* it came too late */
        return result(SOLANA_DO_RELEASE, SOLANA_TELL_NOTHING);
    if (e->what == SOLANA_ON_SIGNED)
        return result(SOLANA_DO_DISCARD, SOLANA_TELL_NOTHING);
    return end_unsigned(l, e->what, l->state == SOLANA_SIGNING ? SOLANA_DO_RELEASE : 0);
}

/* ---- what may be out ---- */

static bool hopeless(const struct solana_life *l)
{
    return l->unwanted || l->rejected;
}

/* An empty transaction takes the nonce's value, where there is a nonce. */
static struct solana_result give_up(struct solana_life *l)
{
    if (!l->durable || l->voiding || l->signing)
        return nothing();
    l->signing = true;
    return result(SOLANA_DO_VOID, SOLANA_TELL_NOTHING);
}

static struct solana_result missing(struct solana_life *l)
{
    if (hopeless(l) && !l->voiding)
        return give_up(l);
    return result(SOLANA_DO_RESEND, SOLANA_TELL_NOTHING);
}

static struct solana_result accepted(struct solana_life *l)
{
    bool was_unsure = l->unsure, was_seen = l->seen;
    l->unsure = false;
    l->seen = true;
    return result(0, was_unsure ? SOLANA_TELL_RECONCILED
                     : was_seen ? SOLANA_TELL_NOTHING
                                : SOLANA_TELL_SEEN);
}

static struct solana_result unsure(struct solana_life *l)
{
    bool was_unsure = l->unsure;
    l->unsure = true;
    return result(0, was_unsure ? SOLANA_TELL_NOTHING : SOLANA_TELL_UNKNOWN);
}

static struct solana_result replaced(struct solana_life *l)
{
    if (!l->signing)
        return result(SOLANA_DO_DISCARD, SOLANA_TELL_NOTHING);
    l->signing = false;
    l->voiding = true;
    l->seen = false;
    return result(SOLANA_DO_SEND, SOLANA_TELL_REPLACED);
}

static struct solana_result landed(struct solana_life *l, const struct solana_event *e)
{
    l->wanted_in = e->wanted;
    l->succeeded = e->succeeded;
    l->signing = false;
    l->unsure = false;
    return go(l, SOLANA_LANDED, 0, SOLANA_TELL_INCLUDED);
}

/* Nothing of it can land any more, and nothing did: the only way back to signing. */
static struct solana_result dead(struct solana_life *l)
{
    if (l->unwanted)
        return end(l, SOLANA_END_CANCELED, SOLANA_DO_RELEASE);
    if (l->rejected)
        return end(l, SOLANA_END_FAILED, SOLANA_DO_RELEASE);
    if (l->late || l->renewals >= SOLANA_RENEWALS)
        return end(l, SOLANA_END_EXPIRED, SOLANA_DO_RELEASE);
    *l = (struct solana_life){.durable = l->durable, .renewals = (uint8_t)(l->renewals + 1)};
    return go(l, SOLANA_START, SOLANA_DO_RELEASE | SOLANA_DO_CHECK, SOLANA_TELL_RENEWED);
}

static struct solana_result in_sent(struct solana_life *l, const struct solana_event *e)
{
    switch (e->what) {
    case SOLANA_ON_ACCEPTED:
        return accepted(l);
    case SOLANA_ON_UNSURE:
        return unsure(l);
    case SOLANA_ON_CANCEL:
        l->unwanted = true;
        return give_up(l);
    case SOLANA_ON_REJECTED:
        l->rejected = l->rejected || !l->voiding;
        return give_up(l);
    case SOLANA_ON_EXPIRE:
        l->late = true;
        return nothing();
    case SOLANA_ON_SIGNED:
        return replaced(l);
    case SOLANA_ON_UNSIGNED: /* it is tried again when the next one is due */
        l->signing = false;
        return nothing();
    case SOLANA_ON_MISSING:
        return missing(l);
    case SOLANA_ON_LANDED:
        return landed(l, e);
    case SOLANA_ON_DEAD:
        return dead(l);
    default:
        return nothing();
    }
}

static struct solana_result in_landed(struct solana_life *l, const struct solana_event *e)
{
    switch (e->what) {
    case SOLANA_ON_LANDED: /* in another slot, or another of its attempts */
        return landed(l, e);
    case SOLANA_ON_ROLLED_BACK:
        l->rejected = false; /* it could land */
        return go(l, SOLANA_SENT, l->unwanted && !l->voiding ? 0 : SOLANA_DO_RESEND,
                  SOLANA_TELL_ROLLED_BACK);
    case SOLANA_ON_FINAL:
        if (!l->wanted_in)
            return end(l, l->unwanted ? SOLANA_END_CANCELED : SOLANA_END_FAILED, SOLANA_DO_RELEASE);
        return end(l, l->succeeded ? SOLANA_END_CONFIRMED : SOLANA_END_REVERTED, SOLANA_DO_RELEASE);
    case SOLANA_ON_CANCEL:
        l->unwanted = true;
        return nothing();
    case SOLANA_ON_EXPIRE:
        l->late = true;
        return nothing();
    case SOLANA_ON_SIGNED:
        return result(SOLANA_DO_DISCARD, SOLANA_TELL_NOTHING);
    default:
        return nothing();
    }
}

struct solana_result solana_life_step(struct solana_life *life, const struct solana_event *event)
{
    switch (life->state) {
    case SOLANA_IDLE:
        return in_idle(life, event);
    case SOLANA_SENT:
        return in_sent(life, event);
    case SOLANA_LANDED:
        return in_landed(life, event);
    case SOLANA_ENDED:
        if (event->what == SOLANA_ON_ANCHORED) /* it came too late */
            return result(SOLANA_DO_RELEASE, SOLANA_TELL_NOTHING);
        return result(event->what == SOLANA_ON_SIGNED ? SOLANA_DO_DISCARD : 0, SOLANA_TELL_NOTHING);
    default:
        return in_unsigned(life, event);
    }
}

/* ---- words ---- */

#define WORD(name, word) word,

const char *solana_end_word(uint8_t how)
{
    static const char *const words[] = {SOLANA_ENDS(WORD)};
    return how < SOLANA_END_COUNT ? words[how] : "?";
}
