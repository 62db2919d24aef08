/*
 * A trade that was under way when the host ended; see arb.h. It is the trade under way again, so
 * that nothing is begun beside it: the host is asked by its id what became of it. What its
 * transactions moved is read from their receipts, as of any other trade, and is in all sums once
 * (keep.h).
 */
#include "arb.h"

#include <stdio.h>
#include <string.h>

static void undone(struct arb *a)
{
    a->trade.open = false;
    a->carried.waits = false;
    if (is_cycle(&a->trade.flow))
        keep_undo(&a->control, &a->carried.trade);
    outcome_done(a);
    a->changed = true;
}

void carried_begin(struct arb *a)
{
    const struct keep_trade *k = &a->carried.trade;
    struct trade *t = &a->trade;
    memset(t, 0, sizeof(*t));
    t->open = true;
    t->run = k->run;
    t->number = k->number;
    t->block = k->block;
    t->order = k->order;
    t->flow.way = (enum flow_way)k->way;
    t->flow.gain = k->gain;
    t->last_ns = k->last_ns;
    t->fell_back = k->fell_back;
    a->carried.waits = true;
    if (is_cycle(&t->flow))
        keep_begun(&a->control, k);
    carried_go_on(a);
}

void carried_go_on(struct arb *a)
{
    char id[HAWSE_INTENT_ID_MAX];
    if (!a->carried.waits || a->carried.asked)
        return;
    arb_intent_id(a->trade.run, a->trade.number, id);
    int32_t code = a->intents->look_up(a->host, a->self, hawse_text(id), a->trade.number);
    a->carried.asked = code == HAWSE_OK;
    if (code == HAWSE_OK || code == HAWSE_E_AGAIN || code == HAWSE_E_STATE)
        return; /* not yet: asked anew at the next event */
    complain(a, "what became of trade %llu of the run before cannot be asked: %d; it is in no sum",
             (unsigned long long)a->trade.number, code);
    undone(a);
}

/* One of its transactions is in a block. */
static void leg(struct arb *a, const hawse_intent_step_t *step)
{
    struct trade *t = &a->trade;
    t->signed_out = t->is_signed = true;
    if (step->leg >= ARB_LEGS)
        return;
    memcpy(t->hash[step->leg], step->reference, 32);
    t->hash_set[step->leg] = true;
    t->included_ns = a->host->now(a->host, HAWSE_CLOCK_UTC);
}

static void state(struct arb *a, const hawse_intent_step_t *step)
{
    struct trade *t = &a->trade;
    a->carried.waits = false;
    if (step->step == 0) {
        say(a, HAWSE_LOG_INFO, "trade %llu of the run before was never taken over",
            (unsigned long long)t->number);
        undone(a);
        return;
    }
    say(a, HAWSE_LOG_INFO, "trade %llu of the run before: step %u, %llu times sent",
        (unsigned long long)t->number, step->step, (unsigned long long)step->attempt);
    t->handle = step->intent;
    t->signed_out = t->signed_out || step->attempt > 0;
    t->is_signed = t->signed_out;
    t->outdated = !t->is_signed; /* the market is another one by now */
    if (outcome_is_end(step->step))
        outcome_ended(a, step, (hawse_view_t){NULL, 0});
    else if (t->outdated)
        (void)a->intents->cancel(a->host, a->self, t->handle);
}

bool carried_event(struct arb *a, const hawse_event_t *event)
{
    hawse_intent_step_t step;
    if (event->kind != HAWSE_INTENT_LEG && event->kind != HAWSE_INTENT_STATE)
        return false;
    memset(&step, 0, sizeof(step));
    memcpy(&step, event->data, event->len < sizeof(step) ? event->len : sizeof(step));
    if (!a->carried.waits || step.tag != a->trade.number)
        return true;
    if (event->kind == HAWSE_INTENT_LEG)
        leg(a, &step);
    else
        state(a, &step);
    return true;
}
