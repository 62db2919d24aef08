/*
 * Sending, and what became of what was sent. The same bytes go out every two seconds until they are
 * seen on the chain. That something is not on the chain is believed only when it can no longer get
 * there, which two things prove together: the finalized chain is well past its last block height
 * (or holds another value in its nonce account), and then nodes that have that block do not find
 * it, history included, twice. A node whose history begins later than the transaction proves
 * nothing.
 */
#include "tx/solana_private.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <hawse/hawse.h>
#include <stdio.h>
#include <string.h>

enum {
    BASE64_MAX = HAWSE_BASE64_DIGITS(HAWSE_SOLANA_TX_MAX) + 1,
    DEPTH = 32, /* blocks more: there are nodes that tell the newest height at any commitment */
    STATUS_PARAMS = SOLANA_ATTEMPTS * (HAWSE_BASE58_SIGNATURE_TEXT + 3) + 64,
};

static uint64_t now_of(const struct solana_engine *engine)
{
    return engine->port.now(engine->port.ctx);
}

/* ---- what all transactions need ---- */

static void on_blockhash(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_engine *engine = ask->engine;
    struct solana_text text;
    struct solana_blockhash b;
    if (!solana_good(engine, result, &text) || solana_read_blockhash(&text, &b) != HAWSE_OK ||
        solana_hashes_told(&engine->hashes, b.slot, b.hash, b.last_height) != HAWSE_OK)
        solana_hashes_failed(&engine->hashes, now_of(engine));
}

static void on_price(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_engine *engine = ask->engine;
    struct solana_text text;
    uint64_t price = 0;
    if (solana_good(engine, result, &text) &&
        solana_read_price(&text, engine->options.price_percent, &price) == HAWSE_OK)
        engine->price = price;
}

static void on_epoch(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_engine *engine = ask->engine;
    struct solana_text text;
    uint64_t slot = 0, height = 0;
    engine->epoch_asking = false;
    if (!solana_good(engine, result, &text) ||
        solana_read_epoch(&text, &slot, &height) != HAWSE_OK || height < engine->epoch_height)
        return;
    engine->epoch_slot = slot;
    engine->epoch_height = height;
    solana_hashes_height(&engine->hashes, slot, height, ask->asked_ns);
}

void solana_refresh(struct solana_engine *engine)
{
    uint64_t now = now_of(engine);
    char params[96];
    struct solana_ask ask = {.done = on_blockhash};
    if (!solana_hashes_due(&engine->hashes, now))
        return;
    (void)snprintf(params, sizeof(params),
                   "[{\"commitment\":\"confirmed\",\"minContextSlot\":%lu}]",
                   engine->hashes.min_slot);
    solana_hashes_asked(&engine->hashes, now);
    if (!solana_ask(engine, &ask, "getLatestBlockhash", params, POOL_BACKGROUND, POOL_FRESH))
        solana_hashes_failed(&engine->hashes, now);
    ask = (struct solana_ask){.done = on_price};
    (void)solana_ask(engine, &ask, "getRecentPrioritizationFees", "[[]]", POOL_BACKGROUND, 0);
}

/* The finalized slot and height, at most once in a while. */
static void ask_epoch(struct solana_engine *engine)
{
    struct solana_ask ask = {.done = on_epoch};
    uint64_t now = now_of(engine);
    if (engine->epoch_asking ||
        (engine->epoch_ns > 0 && now - engine->epoch_ns < engine->options.poll_ms * SOLANA_MS))
        return;
    engine->epoch_ns = now;
    engine->epoch_asking = true;
    if (!solana_ask(engine, &ask, "getEpochInfo", "[{\"commitment\":\"finalized\"}]", POOL_DECISION,
                    POOL_FRESH))
        engine->epoch_asking = false;
}

/* ---- sending ---- */

static void on_sent(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_text text = {result->body, result->body_len, ask->engine->marks};
    char reason[SOLANA_REASON] = "";
    if (ask->attempt != e->attempt_count)
        return; /* a newer one is out */
    if (result->status == HAWSE_OK) {
        bool ours = solana_read_sent(&text, e->attempts[ask->attempt - 1]->signature) == HAWSE_OK;
        solana_on(e, ours ? SOLANA_ON_ACCEPTED : SOLANA_ON_UNSURE);
        return;
    }
    if (result->status != HAWSE_E_REMOTE) {
        solana_on(e, SOLANA_ON_UNSURE);
        return;
    }
    switch (solana_read_refusal(&text, reason)) {
    case SOLANA_REFUSED_KNOWN:
        solana_on(e, SOLANA_ON_ACCEPTED);
        break;
    case SOLANA_REFUSED_NEVER:
        if (!e->life.voiding)
            solana_why(e, reason);
        solana_on(e, SOLANA_ON_REJECTED);
        break;
    case SOLANA_REFUSED_AGAIN:
        break; /* the next sending is soon */
    default:
        solana_on(e, SOLANA_ON_UNSURE);
        break;
    }
}

void solana_send_now(struct solana_entry *e)
{
    const struct solana_attempt *a = e->attempts[e->attempt_count - 1];
    char coded[BASE64_MAX] = "", params[BASE64_MAX + 192];
    struct solana_ask ask = {.entry = e, .done = on_sent, .attempt = e->attempt_count};
    hawse_base64_encode(a->raw, a->raw_len, coded);
    /* The first one is looked at by the node before it passes it on; later ones would only be
     * refused for being known. */
    (void)snprintf(params, sizeof(params),
                   "[\"%s\",{\"encoding\":\"base64\",\"skipPreflight\":%s,"
                   "\"preflightCommitment\":\"confirmed\",\"maxRetries\":0,"
                   "\"minContextSlot\":%lu}]",
                   coded, e->sends > 0 ? "true" : "false", a->slot);
    e->sends++;
    e->sent_ns = now_of(e->engine);
    (void)solana_ask(e->engine, &ask, "sendTransaction", params, POOL_SEND,
                     POOL_FRESH | POOL_BROADCAST);
}

/* Asks what `done` sets *asking back for; the answer may come before this returns. */
static void ask_about(const struct solana_ask *ask, bool *asking, const char *method,
                      const char *params)
{
    *asking = true;
    if (!solana_ask(ask->entry->engine, ask, method, params, POOL_DECISION, POOL_FRESH))
        *asking = false;
}

/* ---- that it is dead ---- */

/* Nothing of it can land after this finalized slot. */
static void proved(struct solana_entry *e, uint64_t slot)
{
    if (e->proof_slot == 0) {
        e->proof_slot = slot;
        e->looks = 0;
        e->history = false;
    }
}

static void on_value(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_text text;
    hawse_solana_nonce_t nonce;
    uint64_t slot = 0;
    e->asking_proof = false;
    if (!solana_good(ask->engine, result, &text))
        return;
    int32_t code = solana_read_nonce(&text, &slot, &nonce);
    bool gone = code == HAWSE_E_NOTFOUND || code == HAWSE_E_INVAL;
    const struct solana_attempt *a = e->attempts[e->attempt_count - 1];
    /* An answer of before it was signed says nothing. */
    if (slot > a->slot &&
        (gone || (code == HAWSE_OK && memcmp(nonce.value, a->life.hash, 32) != 0)))
        proved(e, slot);
}

static void on_history(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_text text;
    uint64_t first = 0;
    e->asking_proof = false;
    if (!solana_good(ask->engine, result, &text) || solana_read_u64(&text, &first) != HAWSE_OK)
        return;
    e->history = first <= e->attempts[0]->slot;
    if (!e->history)
        solana_on(e, SOLANA_ON_UNSURE);
}

static void ask_proof(struct solana_entry *e)
{
    struct solana_engine *engine = e->engine;
    const struct solana_attempt *a = e->attempts[e->attempt_count - 1];
    struct solana_ask ask = {.entry = e};
    char params[192], key[HAWSE_BASE58_KEY_TEXT];
    if (e->asking_proof)
        return;
    if (e->proof_slot > 0) {
        ask.done = on_history;
        if (!e->history)
            ask_about(&ask, &e->asking_proof, "getFirstAvailableBlock", "[]");
        return;
    }
    if (!e->wanted.durable) {
        if (engine->epoch_height > a->life.last_block_height + DEPTH)
            proved(e, engine->epoch_slot);
        else if (solana_hashes_left(&engine->hashes, a->life.last_block_height, now_of(engine)) ==
                 0)
            ask_epoch(engine);
        return;
    }
    ask.done = on_value;
    (void)hawse_base58_from_key(e->wanted.nonce, key);
    (void)snprintf(params, sizeof(params),
                   "[\"%s\",{\"encoding\":\"base64\",\"commitment\":\"finalized\"}]", key);
    ask_about(&ask, &e->asking_proof, "getAccountInfo", params);
}

/* ---- statuses ---- */

static void not_found(struct solana_entry *e, uint64_t slot, bool history)
{
    if (e->life.state == SOLANA_LANDED) {
        if (slot >= e->landed_slot) {
            e->reason[0] = '\0'; /* it did not fail, after all */
            solana_on(e, SOLANA_ON_ROLLED_BACK);
        }
        return;
    }
    if (history && e->proof_slot > 0 && slot >= e->proof_slot)
        e->looks++;
    if (e->proof_slot > 0 && e->looks >= SOLANA_LOOKS && e->history) {
        e->proof_slot = 0; /* the next one is proved by itself */
        solana_on(e, SOLANA_ON_DEAD);
        return;
    }
    ask_proof(e);
}

static void found(struct solana_entry *e, uint32_t which, const struct solana_status *s)
{
    bool final =
        s->level == SOLANA_FINALIZED ||
        (s->level == SOLANA_CONFIRMED && s->confirmations >= e->engine->options.confirmations);
    e->proof_slot = 0;
    if (e->life.state != SOLANA_LANDED || e->landed != which || e->landed_slot != s->slot ||
        e->life.succeeded == s->failed) {
        e->landed = which;
        e->landed_slot = s->slot;
        if (s->failed)
            (void)snprintf(e->reason, sizeof(e->reason), "%s", s->reason);
        solana_event(e, &(struct solana_event){.what = SOLANA_ON_LANDED,
                                               .wanted = !e->attempts[which]->empty,
                                               .succeeded = !s->failed});
    }
    if (final)
        solana_on(e, SOLANA_ON_FINAL);
}

static void on_statuses(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_status s[SOLANA_ATTEMPTS];
    struct solana_text text;
    uint64_t slot = 0;
    uint32_t best = 0;
    e->asking_status = false;
    if (e->life.state != SOLANA_SENT && e->life.state != SOLANA_LANDED)
        return;
    if (ask->attempt != e->attempt_count || !solana_good(ask->engine, result, &text) ||
        solana_read_statuses(&text, e->attempt_count, &slot, s) != HAWSE_OK)
        return;
    e->look_up = e->look_up && !ask->history;
    for (uint32_t i = 1; i < e->attempt_count; i++) {
        if (s[i].level > s[best].level)
            best = i;
    }
    if (s[best].level == SOLANA_NOWHERE)
        not_found(e, slot, ask->history);
    else
        found(e, best, &s[best]);
}

static void ask_statuses(struct solana_entry *e)
{
    char params[STATUS_PARAMS], text[HAWSE_BASE58_SIGNATURE_TEXT];
    bool history = e->look_up || e->proof_slot > 0;
    struct solana_ask ask = {
        .entry = e, .done = on_statuses, .attempt = e->attempt_count, .history = history};
    size_t at = (size_t)snprintf(params, sizeof(params), "[[");
    for (uint32_t i = 0; i < e->attempt_count; i++) {
        (void)hawse_base58_from_signature(e->attempts[i]->signature, text);
        at += (size_t)snprintf(params + at, sizeof(params) - at, "%s\"%s\"", i ? "," : "", text);
    }
    (void)snprintf(params + at, sizeof(params) - at, "],{\"searchTransactionHistory\":%s}]",
                   history ? "true" : "false");
    e->asked_ns = now_of(e->engine);
    ask_about(&ask, &e->asking_status, "getSignatureStatuses", params);
}

void solana_track(struct solana_entry *e)
{
    const struct solana_options *o = &e->engine->options;
    uint64_t now = now_of(e->engine);
    if (e->life.state != SOLANA_SENT && e->life.state != SOLANA_LANDED)
        return;
    if (!e->asking_status && now - e->asked_ns >= o->poll_ms * SOLANA_MS)
        ask_statuses(e);
    if (e->life.state == SOLANA_SENT && !e->look_up && e->proof_slot == 0 &&
        now - e->sent_ns >= o->resend_ms * SOLANA_MS)
        solana_on(e, SOLANA_ON_MISSING);
}
