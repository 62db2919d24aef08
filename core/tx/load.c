/*
 * What earlier runs left open, from the journal. What was signed may be out: it is looked for
 * before anything new is taken. What was not signed goes on when it is young, and expires when it
 * is not: what it was decided from is no longer so.
 */
#include "tx/desk_private.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

/* Rows are copied first: while the journal is walked nothing may be written. */
struct row {
    struct journal_intent row;
    char *body;
};

struct loading {
    struct desk *desk;
    struct row *rows;
    size_t count, cap;
    struct leg *leg;
    struct desk_intent *intent;
};

static int32_t keep_row(void *ctx, const struct journal_intent *row)
{
    struct loading *l = ctx;
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        struct row *more = realloc(l->rows, cap * sizeof(*more));
        if (!more)
            return HAWSE_E_NOMEM;
        l->rows = more;
        l->cap = cap;
    }
    struct row *to = &l->rows[l->count];
    to->row = *row;
    to->body = malloc(row->body.len + 1);
    if (!to->body)
        return HAWSE_E_NOMEM;
    memcpy(to->body, row->body.data, row->body.len);
    to->body[row->body.len] = '\0';
    to->row.body = (hawse_view_t){(const uint8_t *)to->body, row->body.len};
    l->count++;
    return HAWSE_OK;
}

static int32_t keep_attempt(void *ctx, const struct journal_attempt *row)
{
    struct desk_intent *intent = ((struct loading *)ctx)->intent;
    hawse_tx_t tx;
    hawse_tx_signature_t signature;
    if (row->leg >= intent->plan->count)
        return HAWSE_E_FORMAT;
    struct leg *leg = &intent->legs[row->leg];
    if (leg->attempt_count == DESK_ATTEMPTS ||
        hawse_tx_decode(row->raw.data, row->raw.len, &tx, &signature, NULL) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    struct attempt *a = &leg->attempts[leg->attempt_count];
    a->raw = malloc(row->raw.len + 1);
    if (!a->raw)
        return HAWSE_E_NOMEM;
    leg->attempt_count++;
    memcpy(a->raw, row->raw.data, row->raw.len);
    a->raw_len = row->raw.len;
    memcpy(a->hash, row->hash, 32);
    a->nonce = row->nonce;
    a->gas_limit = tx.gas_limit;
    a->empty = !plan_is_leg(intent->plan, row->leg, &tx);
    if (intent->safe && !a->empty && safe_restore_call(intent, tx.data) != HAWSE_OK)
        return HAWSE_E_NOMEM;
    a->ended = row->state == JOURNAL_SUPERSEDED || row->state == JOURNAL_LOST ? row->state : 0;
    (void)hawse_u256_to_u64(&row->max_fee, &a->fees.max_fee);
    (void)hawse_u256_to_u64(&row->tip, &a->fees.tip);
    intent->attempts++;
    return HAWSE_OK;
}

/* ---- tokens of nonces that are out ---- */

struct finding {
    struct leg *leg;
    uint64_t number;
    bool found;
};

static void on_list(void *ctx, const struct nonce_answer *answer)
{
    struct finding *f = ctx;
    for (size_t i = 0; i < answer->entry_count; i++) {
        if (answer->entries[i].nonce.number == f->number) {
            f->leg->nonce = answer->entries[i].nonce;
            f->found = true;
        }
    }
}

/* How many nonces it has lost to others. */
static uint32_t lost_nonces(const struct leg *leg)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < leg->attempt_count; i++) {
        const struct attempt *a = &leg->attempts[i];
        bool first = i == 0 || a->nonce != leg->attempts[i - 1].nonce;
        lost += first && a->ended == JOURNAL_SUPERSEDED;
    }
    return lost;
}

static uint8_t renewals_of(const struct leg *leg)
{
    uint32_t lost = lost_nonces(leg);
    return (uint8_t)(lost < LIFE_RENEWALS ? lost : LIFE_RENEWALS);
}

/* Nothing of it is out: its nonce went to somebody else. It begins anew when its turn comes; or it
 * has ended, where an earlier run would not have begun it anew. */
static void restore_lost(struct leg *leg)
{
    const struct attempt *newest = &leg->attempts[leg->attempt_count - 1];
    leg->life.renewals = renewals_of(leg);
    if (newest->ended == JOURNAL_SUPERSEDED && !newest->empty && !leg->life.bound &&
        lost_nonces(leg) <= LIFE_RENEWALS)
        return;
    leg_event(leg, &(struct life_event){.what = LIFE_ON_RESTORED, .empty = newest->empty});
    leg_on(leg, newest->ended == JOURNAL_LOST ? LIFE_ON_GONE : LIFE_ON_TAKEN);
}

static void restore_leg(struct leg *leg)
{
    struct desk_intent *intent = leg->intent;
    const struct attempt *newest = &leg->attempts[leg->attempt_count - 1];
    struct finding f = {.leg = leg, .number = newest->nonce};
    leg->nonce.number = newest->nonce;
    nonce_list(intent->desk->nonces, &intent->account->nonces, on_list, &f);
    leg->has_nonce = f.found;
    leg->fees = newest->fees;
    leg->life.renewals = renewals_of(leg);
    leg->sent_ns = loop_clock();
    leg->restored = true;
    intent->chain->unready++;
    leg_event(leg, &(struct life_event){.what = LIFE_ON_RESTORED, .empty = newest->empty});
}

/* ---- intents ---- */

/* What it may still take counts against the limits again. */
static void hold_again(struct desk_intent *intent)
{
    struct risk_case c;
    if (intent->filler)
        return;
    gate_case(&intent->legs[0], &c, NULL);
    intent->held = true;
    if (risk_restore_open(intent->desk->risk, &c) == HAWSE_E_NOMEM)
        (void)risk_kill(intent->desk->risk, intent->instance, "host",
                        "no memory for what its open intents hold", NULL);
}

/* After those that may be out: by these the intent may end. */
static void restore_lost_legs(struct desk_intent *intent)
{
    for (uint32_t i = 0; i < intent->plan->count && !intent->ended; i++) {
        struct leg *leg = &intent->legs[i];
        if (leg->attempt_count > 0 && leg->attempts[leg->attempt_count - 1].ended)
            restore_lost(leg);
    }
    if (!intent->ended)
        leg_on(&intent->legs[0], LIFE_ON_BEGIN); /* where it is not out */
}

/* What its newest transaction was simulated to use. */
static void restore_gas(struct desk_intent *intent, const struct journal_step *step)
{
    bool has = step->step == HAWSE_INTENT_SIMULATED || step->step == HAWSE_INTENT_REPLACED;
    json_t *root = has ? json_loadb((const char *)step->data.data, step->data.len, 0, NULL) : NULL;
    const json_t *calls = json_object_get(json_object_get(root, "figures"), "calls");
    json_int_t index = json_integer_value(json_object_get(root, "leg"));
    size_t count = bundle_is(intent) ? json_array_size(calls) : 1;
    for (size_t i = 0; i < count && index >= 0; i++) {
        json_int_t used = json_integer_value(json_object_get(json_array_get(calls, i), "gas_used"));
        size_t at = (size_t)index + i;
        struct leg *leg = at < intent->plan->count ? &intent->legs[at] : NULL;
        if (leg && used > 0 && leg->attempt_count > 0)
            leg->attempts[leg->attempt_count - 1].gas_simulated = (uint64_t)used;
    }
    json_decref(root);
}

/* What of a step is needed again beside its transactions. */
static int32_t keep_step(void *ctx, const struct journal_step *step)
{
    struct desk_intent *intent = ctx;
    private_restore(intent, step);
    restore_gas(intent, step);
    if (intent->safe)
        safe_restore_step(intent, step);
    return HAWSE_OK;
}

/* What waited for lower fees, or for other owners, is good as long as it says itself. */
static bool is_old(const struct desk_intent *intent)
{
    const hawse_intent_t *in = &intent->body->public;
    bool says = in->deadline_ns != 0 || in->deadline_block != 0;
    uint64_t age = desk_utc() - intent->utc_ns;
    return age > (uint64_t)intent->desk->tx.restart_s * 1000000000u &&
           !(intent->last_step == HAWSE_INTENT_WAITING && says);
}

static int32_t restore_legs(struct desk_intent *intent, struct fault *fault)
{
    struct loading l = {.intent = intent};
    int32_t code =
        journal_attempts_of(intent->desk->journal, intent->number, keep_attempt, &l, fault);
    if (code == HAWSE_OK)
        code = journal_steps_of(intent->desk->journal, intent->number, keep_step, intent, fault);
    if (code != HAWSE_OK)
        return fault_set(fault, code, "intent %llu: its transactions cannot be read back",
                         (unsigned long long)intent->number);
    bool any = false;
    for (uint32_t i = 0; i < intent->plan->count; i++) {
        struct leg *leg = &intent->legs[i];
        any |= leg->attempt_count > 0;
        if (leg->attempt_count > 0 && !leg->attempts[leg->attempt_count - 1].ended)
            restore_leg(leg);
    }
    intent->restoring = false;
    if (any) {
        hold_again(intent);
        restore_lost_legs(intent);
        return HAWSE_OK;
    }
    if (intent->safe && safe_signed(intent))
        hold_again(intent); /* who has the signatures may execute it */
    leg_on(&intent->legs[0], LIFE_ON_BEGIN);
    if (is_old(intent))
        leg_on(&intent->legs[0], LIFE_ON_EXPIRE);
    return HAWSE_OK;
}

static int32_t restore(struct desk *desk, const struct row *from, struct fault *fault)
{
    struct intent *body = NULL;
    struct desk_intent *intent = NULL;
    int32_t code = intent_from_json(from->body, from->row.body.len, &body, fault);
    if (code == HAWSE_OK)
        code = desk_intent_new(desk, body, from->row.instance, &intent, fault);
    if (code != HAWSE_OK) {
        fault_prefix(fault, "intent \"%s\" of %s is open and cannot be taken up", from->row.id,
                     from->row.instance);
        fault_hint(fault, "put its chain \"%s\" and key \"%s\" back into the configuration",
                   from->row.chain, from->row.account);
        return code;
    }
    intent->number = from->row.number;
    intent->utc_ns = from->row.utc_ns;
    intent->maturity = desk_maturity(from->row.mode);
    intent->last_step = from->row.step;
    intent->durable = true;
    intent->restoring = true;
    intent->filler = strcmp(from->row.instance, DESK_OWN) == 0;
    if (intent->filler)
        intent->fill = strtoull(intent->body->id + sizeof("fill-") - 1, NULL, 10);
    intent_plan(intent);
    if (desk_is_solana(intent->chain))
        return solana_restore(intent, fault);
    return intent->ended ? HAWSE_OK : restore_legs(intent, fault);
}

int32_t desk_load(struct desk *desk, struct fault *fault)
{
    struct loading l = {.desk = desk};
    int32_t code = journal_open_intents(desk->journal, keep_row, &l, fault);
    for (size_t i = 0; i < desk->chain_count; i++) {
        desk->chains[i].unready = 0;
        __atomic_store_n(&desk->chains[i].ready, 0, __ATOMIC_RELEASE);
    }
    for (size_t i = 0; i < l.count && code == HAWSE_OK; i++)
        code = restore(desk, &l.rows[i], fault);
    for (size_t i = 0; i < l.count; i++)
        free(l.rows[i].body);
    free(l.rows);
    if (code != HAWSE_OK)
        return code;
    if (l.count > 0)
        log_line(desk->logger, HAWSE_LOG_INFO, "tx", "%zu intents of earlier runs are open",
                 l.count);
    for (size_t i = 0; i < desk->chain_count; i++) {
        if (desk->chains[i].unready == 0)
            __atomic_store_n(&desk->chains[i].ready, 1, __ATOMIC_RELEASE);
    }
    return HAWSE_OK;
}
