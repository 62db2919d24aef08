/*
 * What ended intents moved: told to the gates, which hold it against the operator's limits, and
 * written to the journal, so that a day's limits outlive the host. Of what an earlier run sent only
 * the most that it could take is known, and that is counted.
 */
#include "tx/desk_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOVED = SIM_FLOWS + 1 };

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

/* As it was simulated, when all of it was done as simulated; otherwise the most that it may have
 * taken. */
static uint32_t flows_of(const struct desk_intent *intent, struct risk_moved *list)
{
    const struct leg *first = &intent->legs[0];
    const struct sim_result *sim = first->simulating_empty ? NULL : first->sim;
    uint32_t count = 0, done = executed(intent);
    if (done == 0)
        return 0;
    if (done == intent->plan->count && sim && sim->success && sim->flows_known) {
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
    struct risk_moved list[MOVED];
    uint32_t n = flows_of(intent, list);
    const hawse_u256_t one = hawse_u256(1);
    add_fees(intent, list, &n);
    risk_ended(intent->desk->risk, intent->instance, intent->chain->config->name, intent->number,
               outcome, list, n, desk_utc());
    for (uint32_t i = 0; i < n; i++) {
        count(intent, "out", list[i].asset, &list[i].out);
        count(intent, "in", list[i].asset, &list[i].in);
    }
    if (outcome != RISK_NOT_SENT)
        count(intent, "intents", NULL, &one);
}

/* ---- after a restart ---- */

static int32_t on_total(void *ctx, const struct journal_total *t)
{
    struct desk *desk = ctx;
    const hawse_u256_t zero = hawse_u256(0);
    char chain[JOURNAL_NAME] = "";
    uint8_t asset[20] = {0};
    uint64_t intents = 0;
    const char *slash = strchr(t->key, '/');
    size_t len = slash ? (size_t)(slash - t->key) : strlen(t->key);
    bool out = strcmp(t->what, "out") == 0, in = strcmp(t->what, "in") == 0;
    if (len >= sizeof(chain) || hawse_i256_is_negative(&t->amount))
        return HAWSE_OK;
    memcpy(chain, t->key, len);
    if (slash && hawse_hex_fixed((const uint8_t *)slash + 1, strlen(slash + 1), asset, 20) < 0)
        return HAWSE_OK;
    if (strcmp(t->what, "intents") == 0)
        (void)hawse_u256_to_u64(&t->amount, &intents);
    int32_t code = risk_restore_day(desk->risk, t->instance, chain, asset, out ? &t->amount : &zero,
                                    in ? &t->amount : &zero, (uint32_t)intents, desk_utc());
    return code == HAWSE_E_NOMEM ? code : HAWSE_OK; /* an instance that is gone has no limits */
}

int32_t totals_restore(struct desk *desk, struct fault *fault)
{
    uint64_t day = desk_utc() / 1000000000u / JOURNAL_DAY_SECONDS;
    int32_t code = journal_totals(desk->journal, NULL, day, on_total, desk, fault);
    return code == HAWSE_OK ? code
                            : fault_set(fault, code, "what this day holds cannot be counted");
}
