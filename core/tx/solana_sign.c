/*
 * From the instructions to the signed bytes: simulated first to find the compute units, then as
 * exactly that message which is signed, but for its blockhash; then a blockhash or a nonce value,
 * then the signature. What is signed without having been simulated does not exist.
 */
#include "tx/solana_private.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <hawse/hawse.h>
#include <hawse/solana/address.h>
#include <hawse/solana/transaction.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARGIN = 10, BASE64_MAX = HAWSE_BASE64_DIGITS(HAWSE_SOLANA_TX_MAX) + 1 };

/* The message of an entry with this lifetime; empty: one that only advances its nonce. */
static int32_t compile(struct solana_entry *e, const hawse_solana_life_t *life, bool empty,
                       hawse_solana_compiled_tx_t *made)
{
    static _Thread_local hawse_solana_builder_t none;
    hawse_solana_draft_t draft = {.size = sizeof(draft),
                                  .version = e->wanted.version,
                                  .unit_limit = e->limit,
                                  .unit_price = e->price,
                                  .locks_max = 0,
                                  .life = *life,
                                  .instructions = &e->builder,
                                  .tables = e->tables,
                                  .table_count = e->wanted.table_count};
    memcpy(draft.payer, e->wanted.payer, 32);
    if (empty) {
        hawse_solana_begin(&none);
        draft.instructions = &none;
        draft.table_count = 0;
        draft.unit_limit = 0;
        draft.unit_price = 0;
    }
    *made = (hawse_solana_compiled_tx_t){.size = sizeof(*made)};
    return hawse_solana_compile(&draft, e->message, sizeof(e->message), &e->message_len, made);
}

/* SHA-256 of the message with zeros for its blockhash. */
static void bind(const struct solana_entry *e, uint8_t binding[32])
{
    uint8_t copy[HAWSE_SOLANA_MESSAGE_MAX];
    hawse_solana_message_t m;
    memcpy(copy, e->message, e->message_len);
    if (hawse_solana_message_decode(copy, e->message_len, &m, NULL) == HAWSE_OK)
        memset(copy + (m.blockhash - copy), 0, 32);
    (void)crypto_hash_sha256(binding, copy, e->message_len);
}

static hawse_solana_life_t no_life(const struct solana_entry *e)
{
    hawse_solana_life_t life = {.size = sizeof(life), .kind = HAWSE_SOLANA_LIFE_BLOCKHASH};
    if (e->wanted.durable)
        life.kind = HAWSE_SOLANA_LIFE_NONCE;
    memcpy(life.nonce, e->wanted.nonce, 32);
    memcpy(life.authority, e->wanted.authority, 32);
    return life;
}

int32_t solana_wanted_check(struct solana_entry *e, struct fault *fault)
{
    hawse_solana_compiled_tx_t made;
    hawse_solana_life_t life = no_life(e);
    e->limit = HAWSE_SOLANA_UNITS_MAX;
    e->price = 1;
    int32_t code = compile(e, &life, false, &made);
    e->limit = 0;
    return fault_set(fault, code == HAWSE_OK ? HAWSE_OK : HAWSE_E_INVAL,
                     "it can't be a transaction: %s", hawse_solana_obstacle_text(made.obstacle));
}

/* ---- simulation ---- */

static void budgeted(struct solana_entry *e);

/* A price below which the fee stays within its limit. False: there is none. */
static bool set_price(struct solana_entry *e, uint32_t signatures)
{
    uint64_t base = hawse_solana_fee(signatures, 0, 0), max = e->wanted.max_fee;
    uint64_t most = e->wanted.max_price;
    e->price = e->wanted.unit_price ? e->wanted.unit_price : e->engine->price;
    e->price = most > 0 && e->price > most ? most : e->price;
    if (max == 0 || hawse_solana_fee(signatures, e->limit, e->price) <= max)
        return true;
    if (base > max || e->wanted.unit_price)
        return false;
    uint64_t left = max - base, scaled = left > UINT64_MAX / 1000000 ? UINT64_MAX : left * 1000000;
    e->price = scaled / e->limit;
    return true;
}

void solana_refuse(struct solana_entry *e, const char *reason)
{
    solana_why(e, reason);
    solana_on(e, SOLANA_ON_REFUSED);
}

static uint32_t signatures_of(const struct solana_entry *e)
{
    hawse_solana_message_t m;
    if (hawse_solana_message_decode(e->message, e->message_len, &m, NULL) != HAWSE_OK)
        return 0;
    return m.required_signatures;
}

/* The exact message passed: the gates see its figures. */
void solana_passed(struct solana_entry *e)
{
    struct solana_engine *engine = e->engine;
    struct solana_case about = {.number = e->wanted.number,
                                .gate = SOLANA_AFTER,
                                .units = (uint32_t)e->simulated.units,
                                .limit = e->limit,
                                .fee = hawse_solana_fee(signatures_of(e), e->limit, e->price),
                                .renewed = e->life.renewals > 0,
                                .seen = e->seen,
                                .binding = e->binding};
    bind(e, e->binding);
    char reason[SOLANA_REASON] = "";
    switch (engine->port.gate(engine->port.ctx, &about, reason)) {
    case SOLANA_PASS:
        solana_on(e, SOLANA_ON_SIMULATED);
        break;
    case SOLANA_HOLD:
        solana_on(e, SOLANA_ON_WAIT);
        break;
    default:
        solana_refuse(e, reason);
        break;
    }
}

/* The units that it needs are known: now with a limit and a price, as it will be signed. */
static void found_units(struct solana_entry *e, uint64_t units)
{
    uint32_t signatures = signatures_of(e);
    e->limit = hawse_solana_units_with_margin(units > 0 ? units : 1, MARGIN);
    if (!set_price(e, signatures)) {
        solana_refuse(e, "its fee is above max_fee at any price");
        return;
    }
    budgeted(e);
}

/* What will be signed was simulated: what it left of the accounts. */
static void exact(struct solana_entry *e, const struct solana_text *text,
                  const struct solana_simulated *s)
{
    e->simulated = *s;
    e->seen->slot = s->slot;
    uint64_t slot = 0;
    if (solana_read_accounts(text, true, e->seen->count, &slot, e->seen->after) != HAWSE_OK) {
        solana_why(e, "the simulation does not tell what it leaves of the accounts");
        solana_on(e, SOLANA_ON_WAIT);
        return;
    }
    solana_watch_again(e);
}

static void on_simulated(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_text text;
    struct solana_simulated s;
    if (e->life.state != SOLANA_SIMULATING)
        return;
    if (!solana_good(ask->engine, result, &text) || solana_read_simulation(&text, &s) != HAWSE_OK) {
        solana_on(e, SOLANA_ON_WAIT);
        return;
    }
    if (s.error != HAWSE_SOLANA_TX_GOOD && s.advice != HAWSE_SOLANA_ADVICE_NONE)
        solana_on(e, SOLANA_ON_WAIT); /* an account is in use, the node is starting ... */
    else if (s.error != HAWSE_SOLANA_TX_GOOD)
        solana_refuse(e, s.reason);
    else if (e->limit == 0)
        found_units(e, s.units);
    else
        exact(e, &text, &s);
}

/* Its message into e->message, and as a transaction without signatures into `coded`, as text. */
static bool encode(struct solana_entry *e, char coded[BASE64_MAX])
{
    hawse_solana_life_t life = e->wanted.durable ? e->anchor : no_life(e);
    hawse_solana_compiled_tx_t made;
    uint8_t zeros[64 * 19] = {0}, tx[HAWSE_SOLANA_TX_MAX];
    uint64_t need = 0;
    int32_t code = compile(e, &life, false, &made);
    if (code == HAWSE_OK)
        code = hawse_solana_tx_encode(zeros, made.signatures, e->message, e->message_len, tx,
                                      sizeof(tx), &need);
    memset(coded, 0, BASE64_MAX);
    if (code == HAWSE_OK)
        hawse_base64_encode(tx, need, coded);
    else
        solana_refuse(e, hawse_solana_obstacle_text(made.obstacle));
    return code == HAWSE_OK;
}

/* `accounts` is the text of a member, or empty. */
static void ask_simulation(struct solana_entry *e, const char *coded, const char *accounts)
{
    char params[BASE64_MAX + 320 + SOLANA_KEYS_TEXT];
    struct solana_ask ask = {.entry = e, .done = on_simulated};
    (void)snprintf(params, sizeof(params),
                   "[\"%s\",{\"encoding\":\"base64\",\"commitment\":\"confirmed\","
                   "\"sigVerify\":false,\"replaceRecentBlockhash\":%s,%s\"minContextSlot\":%lu}]",
                   coded, e->wanted.durable ? "false" : "true", accounts,
                   e->engine->hashes.min_slot);
    if (!solana_ask(e->engine, &ask, "simulateTransaction", params, POOL_DECISION, POOL_FRESH))
        solana_on(e, SOLANA_ON_WAIT);
}

/* How many units does it need? With as many as there are, at a price that anybody can pay. */
static void find_units(struct solana_entry *e)
{
    char coded[BASE64_MAX];
    e->limit = HAWSE_SOLANA_UNITS_MAX;
    e->price = 1;
    bool good = encode(e, coded);
    e->limit = 0;
    if (good)
        ask_simulation(e, coded, "");
}

void solana_simulate(struct solana_entry *e)
{
    char coded[BASE64_MAX], keys[SOLANA_KEYS_TEXT], accounts[SOLANA_KEYS_TEXT + 64];
    if (!encode(e, coded))
        return;
    solana_watched_text(e, false, keys);
    (void)snprintf(accounts, sizeof(accounts),
                   "\"accounts\":{\"encoding\":\"base64\",\"addresses\":%s},", keys);
    ask_simulation(e, coded, accounts);
}

/* Limit and price are known, and with them the message that is signed. */
static void budgeted(struct solana_entry *e)
{
    char coded[BASE64_MAX];
    if (encode(e, coded))
        solana_watch(e);
}

static void begin(struct solana_entry *e)
{
    hawse_solana_compiled_tx_t made;
    hawse_solana_life_t life = no_life(e);
    e->limit = e->wanted.unit_limit;
    if (e->limit > 0) {
        (void)compile(e, &life, false, &made);
        if (!set_price(e, made.signatures)) {
            solana_refuse(e, "its fee is above max_fee at any price");
            return;
        }
        budgeted(e);
        return;
    }
    find_units(e);
}

/* ---- a nonce before the simulation, a blockhash after it ---- */

/* One transaction in flight for each nonce account. */
static bool nonce_free(const struct solana_entry *e)
{
    for (const struct solana_entry *o = e->engine->entries; o; o = o->next) {
        if (o != e && o->held && memcmp(o->wanted.nonce, e->wanted.nonce, 32) == 0)
            return false;
    }
    return true;
}

/* A value that anything was signed with before is not signed with again. */
static bool used(const struct solana_entry *e, const uint8_t value[32])
{
    for (uint32_t i = 0; i < e->attempt_count; i++) {
        if (memcmp(e->attempts[i]->life.hash, value, 32) == 0)
            return true;
    }
    return false;
}

static void on_nonce(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_text text;
    hawse_solana_nonce_t nonce;
    uint64_t slot = 0;
    if (e->life.state != SOLANA_SIMULATING)
        return;
    int32_t code = solana_good(ask->engine, result, &text) ? solana_read_nonce(&text, &slot, &nonce)
                                                           : HAWSE_E_AGAIN;
    if (code == HAWSE_E_NOTFOUND || code == HAWSE_E_INVAL) {
        solana_refuse(e, "the nonce account is not there, or is none");
        return;
    }
    if (code == HAWSE_OK && memcmp(nonce.authority, e->wanted.authority, 32) != 0) {
        solana_refuse(e, "the nonce account has another authority");
        return;
    }
    if (code != HAWSE_OK || used(e, nonce.value) || !nonce_free(e)) {
        solana_on(e, SOLANA_ON_WAIT);
        return;
    }
    e->anchor = no_life(e);
    memcpy(e->anchor.hash, nonce.value, 32);
    e->anchor_slot = slot;
    e->anchor_ns = ask->asked_ns;
    e->held = true;
    begin(e);
}

static void ask_nonce(struct solana_entry *e)
{
    char params[256], key[HAWSE_BASE58_KEY_TEXT];
    struct solana_ask ask = {.entry = e, .done = on_nonce};
    (void)hawse_base58_from_key(e->wanted.nonce, key);
    (void)snprintf(params, sizeof(params),
                   "[\"%s\",{\"encoding\":\"base64\",\"commitment\":\"confirmed\","
                   "\"minContextSlot\":%lu}]",
                   key, e->engine->hashes.min_slot);
    if (!nonce_free(e) ||
        !solana_ask(e->engine, &ask, "getAccountInfo", params, POOL_DECISION, POOL_FRESH))
        solana_on(e, SOLANA_ON_WAIT);
}

void solana_do_simulate(struct solana_entry *e)
{
    if (e->wanted.durable)
        ask_nonce(e);
    else
        begin(e);
}

void solana_do_anchor(struct solana_entry *e)
{
    struct solana_engine *engine = e->engine;
    if (e->wanted.durable) { /* since it was simulated */
        solana_on(e, SOLANA_ON_ANCHORED);
        return;
    }
    if (solana_hashes_get(&engine->hashes, engine->port.now(engine->port.ctx), &e->anchor) !=
        HAWSE_OK) {
        solana_on(e, SOLANA_ON_WAIT);
        return;
    }
    e->anchor_slot = engine->hashes.slot;
    e->anchor_ns = engine->hashes.asked_ns;
    solana_on(e, SOLANA_ON_ANCHORED);
}

/* ---- signing ---- */

void solana_do_sign(struct solana_entry *e, bool empty)
{
    struct solana_engine *engine = e->engine;
    hawse_solana_compiled_tx_t made;
    hawse_solana_message_t m;
    const hawse_solana_life_t *life = empty ? &e->attempts[e->attempt_count - 1]->life : &e->anchor;
    if (compile(e, life, empty, &made) != HAWSE_OK ||
        hawse_solana_message_decode(e->message, e->message_len, &m, NULL) != HAWSE_OK) {
        solana_on(e, SOLANA_ON_UNSIGNED);
        return;
    }
    bind(e, e->sign_binding);
    if (!empty && memcmp(e->binding, e->sign_binding, 32) != 0) {
        solana_why(e, "what would be signed is not what was simulated");
        solana_on(e, SOLANA_ON_UNSIGNED);
        return;
    }
    e->ticket = ++engine->tickets;
    e->sign_empty = empty;
    struct solana_signing signing = {.ticket = e->ticket,
                                     .message = e->message,
                                     .message_len = (uint32_t)e->message_len,
                                     .count = m.required_signatures,
                                     .keys = m.keys,
                                     .number = e->wanted.number,
                                     .empty = empty,
                                     .binding = e->sign_binding};
    if (!engine->port.sign(engine->port.ctx, &signing))
        solana_engine_signed(engine, signing.ticket, NULL);
}

/* What was signed, as the journal keeps it. NULL: no memory, or the signatures are not right. */
static struct solana_attempt *attempt_of(const struct solana_entry *e, const uint8_t *signatures)
{
    struct solana_attempt *a = calloc(1, sizeof(*a));
    hawse_solana_tx_t tx;
    uint64_t need = 0;
    if (!a)
        return NULL;
    if (hawse_solana_tx_encode(signatures, signatures_of(e), e->message, e->message_len, a->raw,
                               sizeof(a->raw), &need) != HAWSE_OK ||
        hawse_solana_tx_decode(a->raw, need, &tx, NULL) != HAWSE_OK ||
        hawse_solana_tx_sanitize(&tx, NULL) != HAWSE_OK ||
        hawse_solana_tx_verify(&tx, NULL) != HAWSE_OK) {
        free(a);
        return NULL;
    }
    const struct solana_attempt *last = e->attempt_count ? e->attempts[e->attempt_count - 1] : NULL;
    a->intent = e->wanted.number;
    a->number = e->attempt_count + 1;
    a->renewals = e->life.renewals;
    a->empty = e->sign_empty;
    memcpy(a->signature, signatures, 64);
    memcpy(a->binding, e->sign_binding, 32);
    a->slot = e->sign_empty && last ? last->slot : e->anchor_slot;
    a->life = e->sign_empty && last ? last->life : e->anchor;
    a->raw_len = (uint32_t)need;
    return a;
}

/* Is it still young enough to be sent? A signer in another process may take its time. */
static bool young(const struct solana_entry *e)
{
    const struct solana_engine *engine = e->engine;
    return e->wanted.durable || solana_hashes_good(&engine->hashes, &e->anchor, e->anchor_ns,
                                                   engine->port.now(engine->port.ctx));
}

/* Would it be sent? Asked before anything of it is written. */
static bool wanted(const struct solana_entry *e)
{
    struct solana_life copy = e->life;
    struct solana_event event = {.what = SOLANA_ON_SIGNED};
    return (solana_life_step(&copy, &event).effects & SOLANA_DO_SEND) != 0;
}

static struct solana_entry *by_ticket(struct solana_engine *engine, uint64_t ticket)
{
    struct solana_entry *e = engine->entries;
    while (e && e->ticket != ticket)
        e = e->next;
    return ticket == 0 ? NULL : e;
}

void solana_engine_signed(struct solana_engine *engine, uint64_t ticket, const uint8_t *signatures)
{
    struct solana_entry *e = by_ticket(engine, ticket);
    if (!e)
        return;
    e->ticket = 0;
    struct solana_attempt *a = signatures ? attempt_of(e, signatures) : NULL;
    if (!a) {
        if (!e->sign_empty)
            solana_why(e, signatures ? "the signatures are not those of its message"
                                     : "it could not be signed");
        solana_on(e, SOLANA_ON_UNSIGNED);
        return;
    }
    bool kept = wanted(e) && e->attempt_count < SOLANA_ATTEMPTS && young(e) &&
                engine->port.keep(engine->port.ctx, a) == HAWSE_OK;
    if (!kept) {
        free(a);
        solana_on(e, e->sign_empty ? SOLANA_ON_UNSIGNED : SOLANA_ON_WAIT);
        return;
    }
    e->attempts[e->attempt_count++] = a;
    e->sends = 0;
    solana_on(e, SOLANA_ON_SIGNED);
}
