/*
 * Was a trade of ours run into? When an intent that was to get something got less than its
 * simulation said, its block is looked at: swaps in the same pools, before and behind ours. What is
 * found is in the journal and in the log, and sends what names no way of its own by the chain's
 * relay for a while. It changes nothing of the intent.
 *
 * Owns what it asks about a transaction, until it is answered.
 */
#include "tx/desk_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWAPS = 64, WATCH_MS = 5000 };

/* Of one leg: swaps near ours, and what ours was to get. */
struct watch {
    hawse_u256_t simulated, got;
    struct sandwich_swap swaps[SWAPS];
    uint32_t count;
};

void watch_free(struct leg *leg)
{
    free(leg->watch);
    leg->watch = NULL;
}

/* What was to come in, and what came. False: it got at least that, or it is not known. */
static bool fell_short(const struct leg *leg, struct watch *w)
{
    const struct desk_intent *intent = leg->intent;
    const struct sim_result *sim = leg->sim;
    if (!sim || !sim->success || !sim->flows_known || leg->simulating_empty || !leg->moved_known ||
        leg->index + 1 != intent->plan->count)
        return false; /* a simulation of several tells nothing of one of them */
    for (uint32_t i = 0; i < intent->body->public.flow_count; i++) {
        const hawse_intent_flow_t *f = &intent->body->flows[i];
        if (hawse_u256_is_zero(&f->expected_in))
            continue;
        w->simulated = w->got = hawse_u256(0);
        for (uint32_t k = 0; k < sim->flow_count; k++) {
            if (memcmp(sim->flows[k].asset, f->asset, 20) == 0)
                w->simulated = sim->flows[k].in;
        }
        for (uint32_t k = 0; k < leg->moved_count; k++) {
            if (memcmp(leg->moved[k].asset, f->asset, 20) == 0)
                w->got = leg->moved[k].in;
        }
        if (hawse_u256_compare(&w->got, &w->simulated) < 0)
            return true;
    }
    return false;
}

static void tell(struct leg *leg, const struct watch *w, const struct sandwich *found)
{
    struct desk_intent *intent = leg->intent;
    struct desk *desk = intent->desk;
    const struct sandwich_swap *by = &w->swaps[found->before];
    char lost[HAWSE_U256_DECIMAL_MAX], pool[41] = "", who[41] = "", hash[65] = "", data[400];
    struct fault fault = {0};
    bool whole = found->verdict == SANDWICH_FOUND;
    (void)hawse_u256_decimal(&found->lost, lost);
    hawse_hex_encode(by->pool, 20, pool);
    hawse_hex_encode(by->trader, 20, who);
    hawse_hex_encode(leg->attempts[leg->mined].hash, 32, hash);
    if (whole)
        sandwich_add(&intent->chain->sandwiches, leg->receipt.block);
    log_line(desk->logger, HAWSE_LOG_WARN, intent->instance,
             "intent %s: %s by 0x%s in pool 0x%s, block %llu: it got %s less than simulated",
             intent->body->id, whole ? "was sandwiched" : "somebody traded before it", who, pool,
             (unsigned long long)leg->receipt.block, lost);
    (void)snprintf(data, sizeof(data),
                   "{\"intent\":%llu,\"transaction\":\"0x%s\",\"pool\":\"0x%s\",\"by\":\"0x%s\","
                   "\"lost\":\"%s\",\"whole\":%s}",
                   (unsigned long long)intent->number, hash, pool, who, lost,
                   whole ? "true" : "false");
    if (desk_group(desk) && journal_note(desk->journal, "sandwich", intent->instance,
                                         hawse_text(data), &fault) != HAWSE_OK)
        desk_broke(desk, &fault);
}

static void on_block(struct desk_ask *ask, const struct pool_result *r)
{
    struct leg *leg = ask->leg;
    struct watch *w = leg->watch;
    if (!w)
        return;
    bool good = r->status == HAWSE_OK &&
                sandwich_traders(r->body, r->body_len, w->swaps, w->count) == HAWSE_OK;
    struct sandwich worst = {.verdict = SANDWICH_NONE};
    for (uint32_t i = 0; good && i < w->count; i++) {
        if (!w->swaps[i].ours)
            continue;
        w->swaps[i].got = w->got; /* of all its swaps together */
        struct sandwich found = sandwich_look(w->swaps, w->count, i, &w->simulated);
        if (found.verdict > worst.verdict)
            worst = found;
    }
    if (worst.verdict != SANDWICH_NONE)
        tell(leg, w, &worst);
    watch_free(leg);
}

static void block_hash(const struct leg *leg, char out[67])
{
    memcpy(out, "0x", 2);
    hawse_hex_encode(leg->receipt.block_hash, 32, out + 2);
    out[66] = '\0';
}

static void on_logs(struct desk_ask *ask, const struct pool_result *r)
{
    struct leg *leg = ask->leg;
    struct watch *w = leg->watch;
    struct desk_ask next = {.done = on_block, .intent = leg->intent, .leg = leg};
    char hash[67], params[96];
    if (!w)
        return;
    bool others = false;
    bool good =
        r->status == HAWSE_OK && sandwich_logs(r->body, r->body_len, leg->attempts[leg->mined].hash,
                                               w->swaps, SWAPS, &w->count) == HAWSE_OK;
    for (uint32_t i = 0; good && i < w->count; i++)
        others = others || !w->swaps[i].ours;
    block_hash(leg, hash);
    (void)snprintf(params, sizeof(params), "[\"%s\",true]", hash);
    if (!others || !desk_ask(leg->intent->chain, &next, "eth_getBlockByHash", params, POOL_FRESH,
                             POOL_BACKGROUND, WATCH_MS))
        watch_free(leg);
}

void watch_included(struct leg *leg)
{
    struct desk_ask ask = {.done = on_logs, .intent = leg->intent, .leg = leg};
    struct watch w = {.count = 0};
    char hash[67], params[400];
    if (leg->watch || !leg->life.wanted_in || !leg->life.succeeded || !fell_short(leg, &w))
        return;
    leg->watch = malloc(sizeof(w));
    if (!leg->watch)
        return;
    *leg->watch = w;
    block_hash(leg, hash);
    (void)snprintf(
        params, sizeof(params),
        "[{\"blockHash\":\"%s\",\"topics\":[[\"" SANDWICH_V2 "\",\"" SANDWICH_V3 "\"]]}]", hash);
    if (!desk_ask(leg->intent->chain, &ask, "eth_getLogs", params, POOL_FRESH, POOL_BACKGROUND,
                  WATCH_MS))
        watch_free(leg);
}
