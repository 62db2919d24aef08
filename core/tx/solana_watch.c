/*
 * The accounts that a transaction may write, read before it is simulated, by the simulation itself,
 * and once more behind it: what is the payer's must not have moved by anything else in between, so
 * that the difference is the transaction's alone. And lookup tables, which have to hold what the
 * transaction was made from: a message names a place in a table, and gates look at the key.
 */
#include "tx/solana_private.h"

#include <hawse/base58.h>
#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN = 5, READ_PARAMS = SOLANA_KEYS_TEXT + 128 };

/* ---- which ---- */

static bool watch_key(struct solana_seen *seen, const uint8_t key[32])
{
    if (seen->count == SOLANA_WATCHED)
        return false;
    memcpy(seen->before[seen->count].key, key, 32);
    memcpy(seen->after[seen->count].key, key, 32);
    seen->count++;
    return true;
}

static const hawse_solana_table_t *table_of(const struct solana_entry *e, const uint8_t account[32])
{
    for (uint32_t i = 0; i < e->wanted.table_count; i++) {
        if (memcmp(e->tables[i].account, account, 32) == 0)
            return &e->tables[i];
    }
    return NULL;
}

static bool watch_lookup(const struct solana_entry *e, const hawse_solana_lookup_t *lookup)
{
    const hawse_solana_table_t *t = table_of(e, lookup->table);
    for (uint32_t i = 0; t && i < lookup->writable_count; i++) {
        if (lookup->writable[i] >= t->key_count ||
            !watch_key(e->seen, t->keys + 32 * (size_t)lookup->writable[i]))
            return false;
    }
    return t != NULL;
}

/* All that the message in e->message may write. False: more than there can be. */
static bool watch_all(struct solana_entry *e)
{
    hawse_solana_message_t m;
    hawse_solana_lookup_t lookup = {0};
    bool good = hawse_solana_message_decode(e->message, e->message_len, &m, NULL) == HAWSE_OK;
    e->seen->count = 0;
    for (uint32_t i = 0; good && i < m.key_count; i++) {
        if (hawse_solana_message_writes(&m, i))
            good = watch_key(e->seen, m.keys + 32 * (size_t)i);
    }
    while (good && hawse_solana_lookup_next(&m, &lookup) == 1)
        good = watch_lookup(e, &lookup);
    return good;
}

static size_t put_key(char *out, size_t at, const uint8_t key[32])
{
    char text[HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(key, text);
    return at +
           (size_t)snprintf(out + at, SOLANA_KEYS_TEXT - at, "%s\"%s\"", at > 1 ? "," : "", text);
}

void solana_watched_text(const struct solana_entry *e, bool tables, char out[SOLANA_KEYS_TEXT])
{
    size_t at = (size_t)snprintf(out, SOLANA_KEYS_TEXT, "[");
    for (uint32_t i = 0; i < e->seen->count; i++)
        at = put_key(out, at, e->seen->before[i].key);
    for (uint32_t i = 0; tables && i < e->wanted.table_count; i++)
        at = put_key(out, at, e->tables[i].account);
    (void)snprintf(out + at, SOLANA_KEYS_TEXT - at, "]");
}

/* Asks for the accounts, at least as new as `slot`. */
static void read_accounts(struct solana_entry *e, uint64_t slot,
                          void (*done)(struct solana_ask *, const struct pool_result *))
{
    char keys[SOLANA_KEYS_TEXT], params[READ_PARAMS];
    struct solana_ask ask = {.entry = e, .done = done};
    solana_watched_text(e, true, keys);
    (void)snprintf(params, sizeof(params),
                   "[%s,{\"encoding\":\"base64\",\"commitment\":\"confirmed\","
                   "\"minContextSlot\":%lu}]",
                   keys, slot);
    if (!solana_ask(e->engine, &ask, "getMultipleAccounts", params, POOL_DECISION, POOL_FRESH))
        solana_on(e, SOLANA_ON_WAIT);
}

/* ---- before ---- */

/* Does table i hold what the transaction was made from? */
static bool table_holds(const struct solana_entry *e, const struct solana_text *text, uint32_t i)
{
    uint8_t data[SOLANA_ACCOUNT_MAX];
    const hawse_solana_table_t *t = &e->tables[i];
    hawse_solana_table_state_t state;
    uint64_t len = 0;
    return solana_read_data(text, e->seen->count + i, data, &len) == HAWSE_OK &&
           hawse_solana_table_parse(data, len, &state) == HAWSE_OK &&
           state.key_count >= t->key_count &&
           (t->key_count == 0 || memcmp(state.keys, t->keys, 32 * (size_t)t->key_count) == 0);
}

/* All of them, tables behind the others, into `out`. */
static bool read_all(struct solana_entry *e, const struct pool_result *result,
                     struct solana_account *out, struct solana_text *text)
{
    struct solana_account all[SOLANA_WATCHED + SOLANA_TABLES];
    uint64_t slot = 0;
    if (!solana_good(e->engine, result, text) ||
        solana_read_accounts(text, false, e->seen->count + e->wanted.table_count, &slot, all) !=
            HAWSE_OK)
        return false;
    for (uint32_t i = 0; i < e->seen->count; i++) {
        memcpy(all[i].key, e->seen->before[i].key, 32);
        out[i] = all[i];
    }
    return true;
}

static void on_before(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_text text;
    if (e->life.state != SOLANA_SIMULATING)
        return;
    if (!read_all(e, result, e->seen->before, &text)) {
        solana_on(e, SOLANA_ON_WAIT);
        return;
    }
    for (uint32_t i = 0; i < e->wanted.table_count; i++) {
        if (!table_holds(e, &text, i)) {
            solana_refuse(e, "a lookup table does not hold on the chain what the intent says");
            return;
        }
    }
    solana_simulate(e);
}

void solana_watch(struct solana_entry *e)
{
    if (!e->seen)
        e->seen = calloc(1, sizeof(*e->seen));
    if (!e->seen)
        solana_on(e, SOLANA_ON_WAIT);
    else if (!watch_all(e))
        solana_refuse(e, "it writes more accounts than a transaction may lock");
    else
        read_accounts(e, e->engine->hashes.min_slot, on_before);
}

/* ---- and once more ---- */

static bool ours(const struct solana_entry *e, const struct solana_account *a)
{
    return memcmp(a->key, e->wanted.payer, 32) == 0 ||
           (a->token && memcmp(a->held.owner, e->wanted.payer, 32) == 0);
}

static bool moved(const struct solana_account *a, const struct solana_account *b)
{
    return a->there != b->there || a->lamports != b->lamports || a->token != b->token ||
           (a->token && memcmp(&a->held, &b->held, sizeof(a->held)) != 0);
}

static void on_again(struct solana_ask *ask, const struct pool_result *result)
{
    struct solana_entry *e = ask->entry;
    struct solana_account now[SOLANA_WATCHED];
    struct solana_text text;
    bool other = false;
    if (e->life.state != SOLANA_SIMULATING)
        return;
    if (!read_all(e, result, now, &text)) {
        solana_on(e, SOLANA_ON_WAIT);
        return;
    }
    for (uint32_t i = 0; i < e->seen->count; i++)
        other = other || ((ours(e, &e->seen->before[i]) || ours(e, &now[i])) &&
                          moved(&e->seen->before[i], &now[i]));
    if (!other) {
        e->looks_again = 0;
        solana_passed(e);
    } else if (e->looks_again++ < AGAIN) {
        solana_watch(e); /* something else came between */
    } else {
        e->looks_again = 0;
        solana_on(e, SOLANA_ON_WAIT);
    }
}

void solana_watch_again(struct solana_entry *e)
{
    read_accounts(e, e->seen->slot, on_again);
}
