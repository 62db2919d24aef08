/*
 * What ended intents moved and left as allowances: told to the gates, which hold it against the
 * operator's limits, and written to the journal, so that a day's limits outlive the host. Of what
 * an earlier run sent only the most that it could take is known, and that is counted.
 */
#include "tx/desk_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t coin[20];

static struct risk_moved *entry(struct risk_moved *list, uint32_t *count, const uint8_t asset[20])
{
    for (uint32_t i = 0; i < *count; i++) {
        if (memcmp(list[i].asset, asset, 20) == 0)
            return &list[i];
    }
    struct risk_moved *m = &list[(*count)++];
    *m = (struct risk_moved){.out = hawse_u256(0)};
    memcpy(m->asset, asset, 20);
    return m;
}

/* Net: of `out` and `in` one is 0. */
static void add_net(hawse_u256_t *more, hawse_u256_t *less, const hawse_u256_t *amount)
{
    hawse_u256_t rest;
    if (hawse_u256_sub(less, amount, &rest) == 0) {
        *less = rest;
        return;
    }
    (void)hawse_u256_sub(amount, less, &rest);
    *less = hawse_u256(0);
    if (hawse_u256_add(more, &rest, more) != 0)
        memset(more, 0xff, sizeof(*more));
}

void moved_add(struct risk_moved *list, uint32_t *count, const uint8_t asset[20],
               const hawse_u256_t *amount, bool in)
{
    struct risk_moved *m = entry(list, count, asset);
    if (in)
        add_net(&m->in, &m->out, amount);
    else
        add_net(&m->out, &m->in, amount);
}

/* How many of its transactions were executed and did what was wanted, however the rest ended. */
static uint32_t executed(const struct desk_intent *intent)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < intent->plan->count; i++) {
        const struct leg *leg = &intent->legs[i];
        count += leg->receipt.block != 0 && leg->life.wanted_in && leg->life.succeeded;
    }
    return count;
}

void moved_by(const struct leg *leg, struct risk_moved *list, uint32_t *count)
{
    for (uint32_t i = 0; i < leg->moved_count; i++) {
        if (!hawse_u256_is_zero(&leg->moved[i].out))
            moved_add(list, count, leg->moved[i].asset, &leg->moved[i].out, false);
        if (!hawse_u256_is_zero(&leg->moved[i].in))
            moved_add(list, count, leg->moved[i].asset, &leg->moved[i].in, true);
    }
}

/* By the receipts of all that was executed. False: one of them does not tell. */
static bool received(const struct desk_intent *intent, struct risk_moved *list, uint32_t *count)
{
    for (uint32_t i = 0; i < intent->plan->count; i++) {
        const struct leg *leg = &intent->legs[i];
        if (leg->receipt.block == 0 || !leg->life.wanted_in || !leg->life.succeeded)
            continue;
        if (!leg->moved_known)
            return false;
        moved_by(leg, list, count);
    }
    return true;
}

/* What was foreseen: as it was simulated, when all of it was done and receipts can be held against
 * that; otherwise the most that it may have taken. */
static uint32_t foreseen(const struct desk_intent *intent, bool all, struct risk_moved *list)
{
    const struct leg *first = &intent->legs[0];
    const struct sim_result *sim = first->simulating_empty ? NULL : first->sim;
    uint32_t count = 0;
    if (all && sim && sim->success && sim->flows_known) {
        for (uint32_t i = 0; i < sim->flow_count; i++) {
            struct risk_moved *m = entry(list, &count, sim->flows[i].asset);
            m->in = sim->flows[i].in;
            m->out = sim->flows[i].out;
        }
        return count;
    }
    for (uint32_t i = 0; i < intent->body->public.flow_count; i++)
        entry(list, &count, intent->body->flows[i].asset)->out = intent->body->flows[i].max_out;
    return count;
}

/* The worse of what was foreseen and what receipts show: a contract may do otherwise than it did in
 * the simulation, and a token may log what is not so. Receipts do not tell of the chain's own coin.
 */
static uint32_t flows_of(const struct desk_intent *intent, struct risk_moved *list)
{
    struct risk_moved *shown = intent->desk->scratch->done;
    uint32_t done = executed(intent), known = 0;
    if (done == 0)
        return safe_may_move(intent) ? foreseen(intent, false, list) : 0;
    bool told = received(intent, shown, &known);
    uint32_t count = foreseen(intent, told && done == intent->plan->count, list);
    for (uint32_t i = 0; i < known; i++) {
        struct risk_moved *m = entry(list, &count, shown[i].asset);
        if (hawse_u256_compare(&shown[i].out, &m->out) > 0)
            m->out = shown[i].out;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = 0;
        while (k < known && memcmp(shown[k].asset, list[i].asset, 20) != 0)
            k++;
        const hawse_u256_t in = k < known ? shown[k].in : hawse_u256(0);
        if (memcmp(list[i].asset, coin, 20) != 0 && hawse_u256_compare(&list[i].in, &in) > 0)
            list[i].in = in;
    }
    return count;
}

/* Allowances that it left count as taken. */
static void add_given(const struct desk_intent *intent, struct risk_moved *list, uint32_t *count)
{
    struct risk_moved given[HAWSE_INTENT_FLOWS_MAX + 1];
    uint32_t n = risk_given(intent->desk->risk, intent->instance, intent->chain->config->name,
                            intent->number, given);
    bool counts = executed(intent) > 0 || safe_may_move(intent);
    for (uint32_t i = 0; counts && i < n; i++)
        entry(list, count, given[i].asset)->given = given[i].given;
}

static void add_fees(const struct desk_intent *intent, struct risk_moved *list, uint32_t *count)
{
    const hawse_u256_t one = hawse_u256(1);
    for (uint32_t i = 0; i < intent->plan->count; i++) {
        const struct leg *leg = &intent->legs[i];
        if (leg->receipt.block == 0 || leg->attempt_count == 0)
            continue;
        uint64_t price = leg->receipt.gas_price ? leg->receipt.gas_price
                                                : leg->attempts[leg->mined].fees.max_fee;
        hawse_u256_t gas = hawse_u256(leg->receipt.gas_used), wei = hawse_u256(price), fee;
        if (hawse_u256_mul_div(&gas, &wei, &one, 0, &fee) == HAWSE_OK)
            moved_add(list, count, coin, &fee, false);
    }
}

/* ---- the journal ---- */

static void count(struct desk_intent *intent, const char *what, const uint8_t *asset,
                  const hawse_u256_t *amount)
{
    struct desk *desk = intent->desk;
    char key[JOURNAL_KEY];
    struct fault fault = {0};
    int n = snprintf(key, sizeof(key), "%s", intent->chain->config->name);
    if (asset) {
        memcpy(key + n, "/0x", 3);
        hawse_hex_encode(asset, 20, key + n + 3);
        key[n + 43] = '\0';
    }
    if (hawse_u256_is_zero(amount) || !desk_group(desk))
        return;
    int32_t code = journal_count(desk->journal, intent->number, what, key, amount, 0, &fault);
    if (code == HAWSE_E_RANGE) /* what cannot be counted cannot be limited */
        (void)risk_kill(desk->risk, intent->instance, "host", "what it moved cannot be counted",
                        NULL);
    else if (code != HAWSE_OK)
        desk_broke(desk, &fault);
}

void totals_ended(struct desk_intent *intent, enum risk_outcome outcome)
{
    struct risk_moved *list = intent->desk->scratch->ended;
    uint32_t n = flows_of(intent, list);
    add_fees(intent, list, &n);
    add_given(intent, list, &n);
    totals_moved(intent, outcome, list, n);
}

void totals_moved(struct desk_intent *intent, enum risk_outcome outcome,
                  const struct risk_moved *list, uint32_t n)
{
    const hawse_u256_t one = hawse_u256(1);
    risk_ended(intent->desk->risk, intent->instance, intent->chain->config->name, intent->number,
               outcome, list, n, desk_utc());
    for (uint32_t i = 0; i < n; i++) {
        count(intent, "out", list[i].asset, &list[i].out);
        count(intent, "in", list[i].asset, &list[i].in);
        count(intent, "given", list[i].asset, &list[i].given);
    }
    if (outcome != RISK_NOT_SENT)
        count(intent, "intents", NULL, &one);
}

/* ---- after a restart ---- */

static int32_t on_total(void *ctx, const struct journal_total *t)
{
    struct desk *desk = ctx;
    struct risk_moved moved = {.out = hawse_u256(0)};
    char chain[JOURNAL_NAME] = "";
    uint64_t intents = 0;
    const char *slash = strchr(t->key, '/');
    size_t len = slash ? (size_t)(slash - t->key) : strlen(t->key);
    if (len >= sizeof(chain) || hawse_i256_is_negative(&t->amount))
        return HAWSE_OK;
    memcpy(chain, t->key, len);
    if (slash &&
        hawse_hex_fixed((const uint8_t *)slash + 1, strlen(slash + 1), moved.asset, 20) < 0)
        return HAWSE_OK;
    if (strcmp(t->what, "intents") == 0)
        (void)hawse_u256_to_u64(&t->amount, &intents);
    else if (strcmp(t->what, "out") == 0)
        moved.out = t->amount;
    else if (strcmp(t->what, "in") == 0)
        moved.in = t->amount;
    else if (strcmp(t->what, "given") == 0)
        moved.given = t->amount;
    int32_t code =
        risk_restore_day(desk->risk, t->instance, chain, &moved, (uint32_t)intents, desk_utc());
    return code == HAWSE_E_NOMEM ? code : HAWSE_OK; /* an instance that is gone has no limits */
}

int32_t totals_restore(struct desk *desk, struct fault *fault)
{
    uint64_t day = desk_utc() / 1000000000u / JOURNAL_DAY_SECONDS;
    int32_t code = journal_totals(desk->journal, NULL, day, on_total, desk, fault);
    return code == HAWSE_OK ? code
                            : fault_set(fault, code, "what this day holds cannot be counted");
}
