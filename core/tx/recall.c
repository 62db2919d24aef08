/* What the journal has of an intent, for an instance that asks by its id (look_up of
 * hawse.intent/1): each transaction of it that is in a block, then its last step; see
 * desk_private.h. */
#include "tx/desk_private.h"

#include <jansson.h>
#include <string.h>

struct recalled {
    hawse_intent_step_t last;
    hawse_intent_step_t leg[HAWSE_INTENT_CALLS_MAX]; /* step 0: not in a block */
    int32_t end;                                     /* of a terminal step */
};

static void write_step(const struct journal_step *row, hawse_intent_step_t *out)
{
    *out = (hawse_intent_step_t){.size = sizeof(*out),
                                 .step = row->step,
                                 .attempt = row->attempts,
                                 .block_number = row->block,
                                 .error = row->error};
    memcpy(out->reference, row->reference, sizeof(out->reference));
}

/* An intent of one transaction names none. */
static uint32_t leg_of(const struct journal_step *row)
{
    json_t *data = json_loadb((const char *)row->data.data, (size_t)row->data.len, 0, NULL);
    json_int_t leg = json_integer_value(json_object_get(data, "leg"));
    json_decref(data);
    return leg >= 0 && leg < HAWSE_INTENT_CALLS_MAX ? (uint32_t)leg : 0;
}

static int32_t recall_step(void *ctx, const struct journal_step *row)
{
    struct recalled *r = ctx;
    bool in = row->step == HAWSE_INTENT_INCLUDED;
    write_step(row, &r->last);
    if (journal_terminal(row->step))
        r->end = row->error;
    if (!in && row->step != HAWSE_INTENT_REORGED)
        return HAWSE_OK;
    hawse_intent_step_t *leg = &r->leg[leg_of(row)];
    *leg = (hawse_intent_step_t){.size = 0};
    if (in)
        write_step(row, leg);
    return HAWSE_OK;
}

static struct desk_intent *find_open(struct desk *desk, uint64_t number)
{
    for (size_t i = 0; i < desk->chain_count; i++) {
        for (struct desk_intent *in = desk->chains[i].intents; in; in = in->next) {
            if (in->number == number)
                return in;
        }
    }
    return NULL;
}

static void tell_legs(struct desk *desk, const struct desk_owner *owner, const struct recalled *r)
{
    for (uint32_t i = 0; i < HAWSE_INTENT_CALLS_MAX; i++) {
        if (r->leg[i].step == 0)
            continue;
        struct desk_told told = {.owner = *owner, .kind = HAWSE_INTENT_LEG, .step = r->leg[i]};
        told.step.intent = owner->handle;
        told.step.tag = owner->tag;
        told.step.leg = i;
        desk_tell(desk, &told);
    }
}

struct desk_intent *desk_recall(struct desk *desk, const struct desk_owner *owner,
                                const char *instance, const char *id)
{
    struct journal_intent row;
    struct fault fault = {0};
    struct recalled r;
    memset(&r, 0, sizeof(r));
    int32_t code = journal_find(desk->journal, instance, id, &row, &fault);
    if (code == HAWSE_OK)
        code = journal_steps_of(desk->journal, row.number, recall_step, &r, &fault);
    struct desk_intent *open = code == HAWSE_OK && !row.ended ? find_open(desk, row.number) : NULL;
    if (code != HAWSE_OK) {
        desk_answer(desk, owner, HAWSE_INTENT_STATE, 0, code, fault.message, true);
        return NULL;
    }
    tell_legs(desk, owner, &r);
    struct desk_told told = {
        .owner = *owner, .kind = HAWSE_INTENT_STATE, .terminal = !open, .step = r.last};
    told.step.size = sizeof(told.step);
    told.step.step = row.step;
    told.step.error = row.ended ? r.end : HAWSE_OK;
    told.step.intent = owner->handle;
    told.step.tag = owner->tag;
    desk_tell(desk, &told);
    return open;
}
