/*
 * What a private relay is asked beside being handed a transaction: what became of it, and to take
 * it back. Answers are words for the operator and a reason to offer it again or to give it up; none
 * of them is proof of anything: that is the chain's.
 */
#include "tx/desk_private.h"
#include "tx/relay_client.h"

#include <hawse/hex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY = 256 };

/* ---- which bundle ---- */

void private_uuid(const struct leg *leg, uint64_t block, char out[RELAY_UUID])
{
    const struct attempt *newest = &leg->attempts[leg->attempt_count - 1], *first = newest;
    for (const struct attempt *a = leg->attempts; a < newest && first == newest; a++) {
        if (a->nonce == newest->nonce)
            first = a;
    }
    relay_uuid(first->hash, block, out);
}

void private_note_bundle(struct leg *leg, uint64_t block, const struct relay_answer *answer)
{
    struct leg_bundle *b = &leg->bundles[block % LEG_BUNDLES];
    if (block != 0 && relay_read_hash(answer->body, answer->body_len, b->hash) == HAWSE_OK)
        b->block = block;
}

/* ---- asking ---- */

/* Takes the body. */
static void ask(struct leg *leg, enum relay_kind kind, uint64_t number, char *body, size_t len,
                relay_done_fn done)
{
    struct desk_chain *chain = leg->intent->chain;
    struct fault fault = {0};
    struct desk_ask *held = desk_ask_hold(
        chain,
        &(struct desk_ask){.intent = leg->intent, .leg = leg, .number = leg->attempt_count - 1});
    if (!held) {
        free(body);
        return;
    }
    int32_t code = relay_client_ask(chain->relay, kind, number, body, len, done, held, &fault);
    if (code == HAWSE_OK)
        return;
    if (code != HAWSE_E_AGAIN) /* asked at a later head */
        log_fault(chain->desk->logger, HAWSE_LOG_WARN, "tx", &fault);
    desk_ask_drop(held);
}

/* Is it still about the newest transaction, which is still out? */
static bool is_news(struct desk_ask *about, struct leg **leg)
{
    *leg = about->leg;
    uint32_t attempt = about->number;
    desk_ask_drop(about);
    return !(*leg)->intent->ended && (*leg)->life.state == LIFE_SENT &&
           attempt + 1 == (*leg)->attempt_count;
}

static void said(struct leg *leg, const char *word)
{
    if (leg->relay_said && strcmp(leg->relay_said, word) == 0)
        return;
    leg->relay_said = word;
    log_line(leg->intent->desk->logger, HAWSE_LOG_INFO, leg->intent->instance,
             "intent %s: the relay says: %s", leg->intent->body->id, word);
}

/* ---- what became of it ---- */

bool private_may_ask(const struct leg *leg)
{
    const struct config_tx *tx = &leg->intent->chain->config->tx;
    return leg->intent->chain->relay && !tx->private_way.raw &&
           (private_bundles(leg) || tx->relay_status.url);
}

static void on_fate(void *ctx, const struct relay_answer *answer)
{
    struct relay_fate fate;
    struct leg *leg;
    if (!is_news(ctx, &leg) || answer->status != HAWSE_OK ||
        relay_read_fate(answer->body, answer->body_len, &fate) != HAWSE_OK)
        return;
    said(leg, relay_status_word(fate.status));
    if (fate.leaked && !leg->stay.leaked)
        log_line(leg->intent->desk->logger, HAWSE_LOG_WARN, leg->intent->instance,
                 "intent %s: the relay says that its transaction was seen in the public pool",
                 leg->intent->body->id);
    relay_heard(&leg->stay, &fate, leg->intent->chain->head.number);
}

static void on_stage(void *ctx, const struct relay_answer *answer)
{
    enum relay_stage stage;
    struct leg *leg;
    if (is_news(ctx, &leg) && answer->status == HAWSE_OK &&
        relay_read_stage(answer->body, answer->body_len, &stage) == HAWSE_OK)
        said(leg, relay_stage_word(stage));
}

void private_ask_status(struct leg *leg)
{
    struct desk_chain *chain = leg->intent->chain;
    uint64_t head = chain->head.number, number = relay_client_number(chain->relay);
    const struct leg_bundle *b = &leg->bundles[head % LEG_BUNDLES];
    bool bundle = private_bundles(leg);
    if (bundle && b->block != head)
        return; /* no bundle was for the block that did not take it */
    char *body = malloc(BODY);
    hawse_writer_t w = hawse_writer(body, body ? BODY : 0);
    if (bundle) {
        (void)relay_write_bundle_stats(&w, number, b->hash, b->block);
    } else {
        char path[3 + 64] = "/0x";
        hawse_hex_encode(leg->attempts[leg->attempt_count - 1].hash, 32, path + 3);
        hawse_writer_put(&w, path, sizeof(path));
    }
    if (body)
        ask(leg, bundle ? RELAY_BUNDLE_STATS : RELAY_STATUS, number, body, w.len,
            bundle ? on_stage : on_fate);
}

/* ---- what a whole bundle would do ---- */

static void on_call(void *ctx, const struct relay_answer *answer)
{
    struct relay_call call;
    struct leg *leg;
    if (!is_news(ctx, &leg) || answer->status != HAWSE_OK ||
        relay_read_call(answer->body, answer->body_len, &call) != HAWSE_OK)
        return; /* not every relay has it */
    if (call.failed == call.count) {
        said(leg, "the bundle would succeed");
        return;
    }
    said(leg, "the bundle would fail");
    log_line(leg->intent->desk->logger, HAWSE_LOG_WARN, leg->intent->instance,
             "intent %s: by the relay transaction %u of %u would fail: %s", leg->intent->body->id,
             call.failed + 1, call.count, call.reason);
}

void private_ask_call(struct leg *lead)
{
    const struct desk_chain *chain = lead->intent->chain;
    uint64_t number = relay_client_number(chain->relay);
    size_t room = private_room(lead);
    char *body = malloc(room);
    hawse_writer_t w = hawse_writer(body, body ? room : 0);
    if (private_write_bundle(lead, chain->head.number + 1, number, true, &w) == HAWSE_OK)
        ask(lead, RELAY_CALL_BUNDLE, number, body, w.len, on_call);
    else
        free(body);
}

/* ---- taking it back ---- */

static void on_cancel(void *ctx, const struct relay_answer *answer)
{
    struct desk_ask *about = ctx;
    const struct leg *leg = about->leg;
    bool done = false;
    if (answer->status != HAWSE_OK ||
        relay_read_cancel(answer->body, answer->body_len, &done) != HAWSE_OK || !done)
        log_line(about->desk->logger, HAWSE_LOG_WARN, leg->intent->instance,
                 "intent %s: the relay does not say that it took it back", leg->intent->body->id);
    desk_ask_drop(about);
}

static void cancel_bundle(struct leg *leg, uint64_t block)
{
    uint64_t number = relay_client_number(leg->intent->chain->relay);
    char uuid[RELAY_UUID], *body = malloc(BODY);
    hawse_writer_t w = hawse_writer(body, body ? BODY : 0);
    private_uuid(leg, block, uuid);
    (void)relay_write_cancel_bundle(&w, number, uuid);
    if (body)
        ask(leg, RELAY_CANCEL_BUNDLE, number, body, w.len, on_cancel);
}

static void cancel_transaction(struct leg *leg)
{
    uint64_t number = relay_client_number(leg->intent->chain->relay);
    char *body = malloc(BODY);
    hawse_writer_t w = hawse_writer(body, body ? BODY : 0);
    (void)relay_write_cancel_private(&w, number, leg->attempts[leg->stay_attempt - 1].hash);
    if (body)
        ask(leg, RELAY_CANCEL_PRIVATE, number, body, w.len, on_cancel);
}

void private_take_back(struct leg *leg)
{
    const struct desk_chain *chain = leg->intent->chain;
    const struct config_relay *way = &chain->config->tx.private_way;
    bool has = chain->relay && leg->stay.rounds > 0 && leg->stay_attempt > 0 &&
               leg->stay_attempt <= leg->attempt_count &&
               !leg->attempts[leg->stay_attempt - 1].empty;
    if (!has || way->raw || leg->taken_back == leg->stay_attempt)
        return;
    leg->taken_back = leg->stay_attempt;
    bool bundle = private_bundles(leg);
    for (uint64_t i = 1; bundle && i <= RELAY_AHEAD; i++)
        cancel_bundle(leg, chain->head.number + i);
    if (!bundle)
        cancel_transaction(leg);
}
