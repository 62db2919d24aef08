/* A stand-in for a Solana cluster; see solana_cluster.h. */
#include "solana_cluster.h"

#include "harness.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <hawse/hawse.h>
#include <hawse/json.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { FINAL = 32, RECENT = 150 };

static bool chance(uint32_t of, uint32_t n)
{
    return test_random() % of < n;
}

static void slot_hash(struct cluster *c, uint64_t slot)
{
    uint64_t in[2] = {slot, c->forks};
    (void)crypto_hash_sha256(c->slots[slot].hash, (const uint8_t *)in, sizeof(in));
}

/* The value of a nonce account after so many advances on this branch: like a real one it is never
 * the same again, since the fork is in it. */
static void value_of(int32_t nonce, uint32_t value, uint8_t out[32])
{
    uint64_t in[3] = {(uint64_t)nonce, value, 7};
    (void)crypto_hash_sha256(out, (const uint8_t *)in, sizeof(in));
}

static void finalize(struct cluster *c)
{
    uint64_t slot = c->head, height = c->slots[c->head].height;
    while (c->slots[slot].skipped || c->slots[slot].height + FINAL > height)
        slot--;
    if (slot > c->final)
        c->final = slot;
}

void cluster_init(struct cluster *c)
{
    memset(c, 0, sizeof(*c));
    for (c->head = 0; c->head < 400; c->head++) {
        c->slots[c->head].height = c->head;
        slot_hash(c, c->head);
    }
    c->head--;
    finalize(c);
    for (uint32_t i = 0; i < CLUSTER_NONCES; i++)
        memset(c->nonces[i], (int)(200 + i), 32);
    c->history = 1;
    c->price = 2000;
}

void cluster_executed(const struct cluster *c, uint64_t lamports, uint32_t *good, uint32_t *bad)
{
    *good = *bad = 0;
    for (uint32_t i = 0; i < c->tx_count; i++) {
        const struct cluster_tx *t = &c->txs[i];
        if (t->lamports == lamports && t->slot > 0 && t->slot <= c->final)
            *(t->fails ? bad : good) += 1;
    }
}

/* ---- slots ---- */

static void abandon(struct cluster *c)
{
    uint64_t keep = c->head - 1 - test_random() % 8;
    if (keep <= c->final)
        return;
    c->forks++;
    for (uint32_t i = 0; i < c->tx_count; i++) {
        if (c->txs[i].slot > keep)
            c->txs[i].slot = 0;
    }
    for (uint64_t s = keep + 1; s <= c->head; s++)
        c->slots[s].skipped = true; /* another leader's slots took their place */
    memcpy(c->slots[c->head].values, c->slots[keep].values, sizeof(c->slots[0].values));
    for (uint64_t s = keep + 1; s <= c->head; s++) {
        c->slots[s].height = c->slots[keep].height;
        memcpy(c->slots[s].values, c->slots[keep].values, sizeof(c->slots[0].values));
    }
}

static bool can_land(const struct cluster *c, const struct cluster_tx *t, uint64_t slot)
{
    uint8_t value[32];
    if (t->slot > 0)
        return false;
    if (t->nonce >= 0) {
        value_of(t->nonce, c->slots[slot].values[t->nonce], value);
        return memcmp(value, t->hash, 32) == 0;
    }
    for (uint64_t s = slot - 1; s > 0 && c->slots[s].height + 150 >= c->slots[slot].height; s--) {
        if (!c->slots[s].skipped && memcmp(c->slots[s].hash, t->hash, 32) == 0)
            return true;
    }
    return false;
}

/* Unique over all branches. */
static uint32_t next_value(struct cluster *c, uint64_t slot)
{
    return (uint32_t)(slot * 16 + c->forks % 16) * 2 + 1;
}

static void give(struct cluster *c, struct cluster_asked *a)
{
    struct pool_result r = {.status = a->status, .class = RPC_SERVER, .provider = "model"};
    char body[sizeof(a->body) + HAWSE_PADDING];
    memset(body, 0, sizeof(body));
    memcpy(body, a->body, sizeof(a->body));
    r.body = (const uint8_t *)body;
    r.body_len = strlen(a->body);
    a->used = false;
    (void)c;
    a->done(a->ctx, &r);
}

void cluster_slot(struct cluster *c)
{
    if (chance(1000, c->fork))
        abandon(c);
    uint64_t slot = ++c->head;
    CHECK(slot < CLUSTER_SLOTS);
    struct cluster_slot *s = &c->slots[slot];
    *s = c->slots[slot - 1];
    s->skipped = chance(10, 1);
    if (!s->skipped) {
        s->height++;
        slot_hash(c, slot);
        for (uint32_t i = 0; i < c->tx_count; i++) {
            struct cluster_tx *t = &c->txs[i];
            if (!chance(100, c->slow) && can_land(c, t, slot)) {
                t->slot = slot;
                if (t->nonce >= 0)
                    s->values[t->nonce] = next_value(c, slot);
            }
        }
        if (chance(1000, (uint32_t)c->foreign))
            s->values[test_random() % CLUSTER_NONCES] = next_value(c, slot) + 1;
    }
    finalize(c);
    for (uint32_t i = 0; i < CLUSTER_ASKED; i++) {
        if (c->asked[i].used && c->asked[i].due <= slot)
            give(c, &c->asked[i]);
    }
}

/* ---- answers ---- */

static struct {
    hawse_json_t doc;
    hawse_json_value_t list, first, options;
    uint8_t text[16384 + HAWSE_PADDING];
    uint32_t marks[4096];
} in;

static void read_params(const struct pool_options *o)
{
    CHECK(o->params_len < 16384);
    memcpy(in.text, o->params, o->params_len);
    memset(in.text + o->params_len, 0, HAWSE_PADDING);
    CHECK_EQ(hawse_json_index(&in.doc, in.text, o->params_len, in.marks, 4096), HAWSE_OK);
    CHECK_EQ(hawse_json_root(&in.doc, &in.list), HAWSE_OK);
    (void)hawse_json_next(&in.doc, &in.list, NULL, &in.first);
    (void)hawse_json_next(&in.doc, &in.list, NULL, &in.options);
}

static bool option_is(hawse_json_value_t *object, const char *key, const char *text)
{
    hawse_json_value_t v;
    hawse_view_t raw;
    return hawse_json_get(&in.doc, object, key, &v) == HAWSE_OK &&
           hawse_json_raw(&in.doc, &v, &raw) == HAWSE_OK && raw.len == strlen(text) &&
           memcmp(raw.data, text, raw.len) == 0;
}

static uint64_t existing(const struct cluster *c, uint64_t slot)
{
    while (c->slots[slot].skipped)
        slot--;
    return slot;
}

static int32_t too_low(struct cluster_asked *a, hawse_json_value_t *object, uint64_t slot)
{
    hawse_json_value_t v;
    uint64_t min = 0;
    if (hawse_json_get(&in.doc, object, "minContextSlot", &v) != HAWSE_OK ||
        hawse_json_u64(&v, &min) != HAWSE_OK || min <= slot)
        return HAWSE_OK;
    (void)snprintf(a->body, sizeof(a->body), "{\"code\":-32016,\"message\":\"min slot\"}");
    return HAWSE_E_REMOTE;
}

static int32_t blockhash(struct cluster *c, struct cluster_asked *a, uint64_t slot)
{
    char text[HAWSE_BASE58_KEY_TEXT];
    uint64_t s = existing(c, slot > 2 ? slot - 2 : slot); /* confirmed is a little behind */
    if (too_low(a, &in.first, s) != HAWSE_OK)
        return HAWSE_E_REMOTE;
    (void)hawse_base58_from_key(c->slots[s].hash, text);
    (void)snprintf(a->body, sizeof(a->body),
                   "{\"context\":{\"slot\":%lu},\"value\":{\"blockhash\":\"%s\","
                   "\"lastValidBlockHeight\":%lu}}",
                   s, text, c->slots[s].height + 150);
    return HAWSE_OK;
}

static void tx_decode(const struct cluster *c, hawse_view_t text, struct cluster_tx *t)
{
    uint8_t raw[HAWSE_SOLANA_TX_MAX];
    uint64_t size = 0;
    uint32_t fault = 0;
    hawse_solana_tx_t tx;
    hawse_solana_compiled_t one = {0};
    const uint8_t *nonce = NULL;
    CHECK_EQ(hawse_base64_size(text.data, text.len, &size), HAWSE_OK);
    CHECK(size <= sizeof(raw));
    CHECK_EQ(hawse_base64_decode(text.data, text.len, raw), HAWSE_OK);
    CHECK_EQ(hawse_solana_tx_decode(raw, size, &tx, &fault), HAWSE_OK);
    *t = (struct cluster_tx){.nonce = -1};
    memcpy(t->signature, tx.signatures, 64);
    memcpy(t->hash, tx.message.blockhash, 32);
    if (hawse_solana_durable(&tx.message, &nonce, NULL)) {
        for (int32_t i = 0; i < CLUSTER_NONCES; i++) {
            if (memcmp(c->nonces[i], nonce, 32) == 0)
                t->nonce = i;
        }
        CHECK(t->nonce >= 0);
    }
    while (hawse_solana_instruction_next(&tx.message, &one)) {
        if (one.data_len == 12 && one.data[0] == 2)
            memcpy(&t->lamports, one.data + 4, 8);
    }
    t->fails = t->lamports % 7 == 3;
}

static int32_t send(struct cluster *c, struct cluster_asked *a, uint64_t slot)
{
    struct cluster_tx t;
    char text[HAWSE_BASE58_SIGNATURE_TEXT];
    CHECK(option_is(&in.options, "maxRetries", "0"));
    CHECK(option_is(&in.options, "encoding", "\"base64\""));
    tx_decode(c, (hawse_view_t){in.first.data, in.first.len}, &t);
    if (too_low(a, &in.options, slot) != HAWSE_OK)
        return HAWSE_E_REMOTE;
    c->sends++;
    if (option_is(&in.options, "skipPreflight", "false") && chance(100, c->refuse)) {
        (void)snprintf(
            a->body, sizeof(a->body), "{\"code\":-32002,\"message\":\"m\",\"data\":{\"err\":%s}}",
            chance(2, 1) ? "\"BlockhashNotFound\"" : "{\"InstructionError\":[0,{\"Custom\":1}]}");
        return HAWSE_E_REMOTE;
    }
    bool known = chance(100, c->drop);
    for (uint32_t i = 0; i < c->tx_count && !known; i++)
        known = memcmp(c->txs[i].signature, t.signature, 64) == 0;
    CHECK(c->tx_count < CLUSTER_TXS);
    if (!known)
        c->txs[c->tx_count++] = t;
    (void)hawse_base58_from_signature(t.signature, text);
    (void)snprintf(a->body, sizeof(a->body), "\"%s\"", text);
    return HAWSE_OK;
}

static size_t status_of(const struct cluster *c, const uint8_t signature[64], uint64_t slot,
                        uint64_t from, char *out, size_t cap)
{
    for (uint32_t i = 0; i < c->tx_count; i++) {
        const struct cluster_tx *t = &c->txs[i];
        if (memcmp(t->signature, signature, 64) != 0 || t->slot == 0 || t->slot > slot ||
            t->slot < from)
            continue;
        uint64_t depth = c->slots[slot].height - c->slots[t->slot].height;
        bool rooted = t->slot <= c->final && depth >= FINAL;
        char depth_text[24];
        (void)snprintf(depth_text, sizeof(depth_text), "%lu", depth);
        return (size_t)snprintf(
            out, cap,
            "{\"slot\":%lu,\"confirmations\":%s,\"err\":%s,\"confirmationStatus\":\"%s\"}", t->slot,
            rooted ? "null" : depth_text,
            t->fails ? "{\"InstructionError\":[0,{\"Custom\":1}]}" : "null",
            rooted       ? "finalized"
            : depth > 10 ? "confirmed"
                         : "processed");
    }
    return (size_t)snprintf(out, cap, "null");
}

static int32_t statuses(struct cluster *c, struct cluster_asked *a, uint64_t slot)
{
    hawse_json_value_t one;
    uint8_t signature[64];
    bool history = option_is(&in.options, "searchTransactionHistory", "true");
    uint64_t from = history ? c->history : slot > RECENT ? slot - RECENT : 1;
    size_t at =
        (size_t)snprintf(a->body, sizeof(a->body), "{\"context\":{\"slot\":%lu},\"value\":[", slot);
    for (uint32_t n = 0; hawse_json_next(&in.doc, &in.first, NULL, &one) == 1; n++) {
        CHECK_EQ(hawse_base58_signature(one.data, one.len, signature), HAWSE_OK);
        at += (size_t)snprintf(a->body + at, sizeof(a->body) - at, "%s", n ? "," : "");
        at += status_of(c, signature, slot, from, a->body + at, sizeof(a->body) - at);
    }
    (void)snprintf(a->body + at, sizeof(a->body) - at, "]}");
    return HAWSE_OK;
}

static int32_t account(struct cluster *c, struct cluster_asked *a, uint64_t slot)
{
    uint8_t key[32], data[HAWSE_SOLANA_NONCE_BYTES] = {1, 0, 0, 0, 1};
    char text[HAWSE_BASE64_DIGITS(sizeof(data)) + 1] = "";
    int32_t which = -1;
    CHECK_EQ(hawse_base58_key(in.first.data, in.first.len, key), HAWSE_OK);
    if (option_is(&in.options, "commitment", "\"finalized\"")) {
        slot = slot < c->final ? slot : c->final;
    }
    if (too_low(a, &in.options, slot) != HAWSE_OK)
        return HAWSE_E_REMOTE;
    for (int32_t i = 0; i < CLUSTER_NONCES; i++) {
        if (memcmp(c->nonces[i], key, 32) == 0)
            which = i;
    }
    if (which < 0) {
        (void)snprintf(a->body, sizeof(a->body), "{\"context\":{\"slot\":%lu},\"value\":null}",
                       slot);
        return HAWSE_OK;
    }
    memcpy(data + 8, c->authority, 32);
    value_of(which, c->slots[slot].values[which], data + 40);
    hawse_base64_encode(data, sizeof(data), text);
    (void)snprintf(a->body, sizeof(a->body),
                   "{\"context\":{\"slot\":%lu},\"value\":{\"data\":[\"%s\",\"base64\"],"
                   "\"owner\":\"11111111111111111111111111111111\"}}",
                   slot, text);
    return HAWSE_OK;
}

static size_t put_account(struct cluster *c, const hawse_json_value_t *key, char *out, size_t cap)
{
    uint8_t data[56 + 64] = {1}, wanted[32];
    char text[HAWSE_BASE64_DIGITS(sizeof(data)) + 1] = "";
    CHECK_EQ(hawse_base58_key(key->data, key->len, wanted), HAWSE_OK);
    if (c->moving)
        return (size_t)snprintf(out, cap,
                                "{\"lamports\":%lu,\"owner\":\"11111111111111111111111111111111\","
                                "\"data\":[\"\",\"base64\"]}",
                                ++c->looks);
    if (c->table[0] == 0 || memcmp(wanted, c->table, 32) != 0)
        return (size_t)snprintf(out, cap, "null");
    memset(data + 4, 0xff, 8); /* active */
    memcpy(data + 56, c->table_keys, 64);
    hawse_base64_encode(data, sizeof(data), text);
    return (size_t)snprintf(out, cap,
                            "{\"lamports\":1,\"owner\":\"11111111111111111111111111111111\","
                            "\"data\":[\"%s\",\"base64\"]}",
                            text);
}

/* As many accounts as are asked for; but for the table none is there: it keeps no balances. */
static void no_accounts(struct cluster *c, hawse_json_value_t *keys, char *out, size_t cap)
{
    hawse_json_value_t one;
    size_t at = (size_t)snprintf(out, cap, "[");
    for (uint32_t n = 0; hawse_json_next(&in.doc, keys, NULL, &one) == 1; n++) {
        at += (size_t)snprintf(out + at, cap - at, "%s", n ? "," : "");
        at += put_account(c, &one, out + at, cap - at);
    }
    (void)snprintf(out + at, cap - at, "]");
}

static void simulated(struct cluster *c, struct cluster_asked *a, uint64_t slot)
{
    char accounts[1024] = "null";
    hawse_json_value_t wanted, addresses;
    if (hawse_json_get(&in.doc, &in.options, "accounts", &wanted) == HAWSE_OK &&
        hawse_json_get(&in.doc, &wanted, "addresses", &addresses) == HAWSE_OK)
        no_accounts(c, &addresses, accounts, sizeof(accounts));
    (void)snprintf(a->body, sizeof(a->body),
                   "{\"context\":{\"slot\":%lu},\"value\":{\"err\":%s,\"logs\":[],"
                   "\"accounts\":%s,\"unitsConsumed\":450}}",
                   slot, c->err ? c->err : "null", accounts);
}

static int32_t accounts(struct cluster *c, struct cluster_asked *a, uint64_t slot)
{
    char list[1024];
    if (too_low(a, &in.options, slot) != HAWSE_OK)
        return HAWSE_E_REMOTE;
    no_accounts(c, &in.first, list, sizeof(list));
    (void)snprintf(a->body, sizeof(a->body), "{\"context\":{\"slot\":%lu},\"value\":%s}", slot,
                   list);
    return HAWSE_OK;
}

static int32_t others(struct cluster *c, struct cluster_asked *a, uint64_t slot, const char *method)
{
    uint64_t final = c->final < slot ? c->final : slot;
    if (strcmp(method, "getEpochInfo") == 0)
        (void)snprintf(a->body, sizeof(a->body), "{\"absoluteSlot\":%lu,\"blockHeight\":%lu}",
                       final, c->slots[final].height);
    else if (strcmp(method, "getFirstAvailableBlock") == 0)
        (void)snprintf(a->body, sizeof(a->body), "%lu", c->history);
    else if (strcmp(method, "getRecentPrioritizationFees") == 0)
        (void)snprintf(a->body, sizeof(a->body), "[{\"slot\":1,\"prioritizationFee\":%lu}]",
                       c->price);
    else if (strcmp(method, "simulateTransaction") == 0)
        simulated(c, a, slot);
    else
        FAIL("asked for %s", method);
    return HAWSE_OK;
}

static int32_t answer(struct cluster *c, struct cluster_asked *a, const char *method)
{
    uint64_t lag = c->lag ? test_random() % (c->lag + 1) : 0;
    uint64_t slot = existing(c, c->head - lag);
    if (strcmp(method, "getLatestBlockhash") == 0)
        return blockhash(c, a, slot);
    if (strcmp(method, "sendTransaction") == 0)
        return send(c, a, slot);
    if (strcmp(method, "getSignatureStatuses") == 0)
        return statuses(c, a, existing(c, slot - c->blind));
    if (strcmp(method, "getAccountInfo") == 0)
        return account(c, a, slot);
    if (strcmp(method, "getMultipleAccounts") == 0)
        return accounts(c, a, slot);
    return others(c, a, slot, method);
}

int32_t cluster_call(struct cluster *c, const struct pool_options *options, pool_done_fn done,
                     void *ctx)
{
    char method[64];
    struct cluster_asked *a = c->asked;
    (void)snprintf(method, sizeof(method), "%.*s", (int)options->method_len, options->method);
    while (a < c->asked + CLUSTER_ASKED && a->used)
        a++;
    if (c->down || a == c->asked + CLUSTER_ASKED)
        return HAWSE_E_LIMIT;
    read_params(options);
    *a = (struct cluster_asked){.done = done, .ctx = ctx, .due = c->head + test_random() % 4};
    if (chance(100, c->lose)) {
        bool reached = chance(2, 1);
        if (reached)
            (void)answer(c, a, method);
        a->status = chance(2, 1) ? HAWSE_E_TIMEOUT : HAWSE_E_UNKNOWN;
        (void)snprintf(a->body, sizeof(a->body), "nothing came");
    } else {
        a->status = answer(c, a, method);
    }
    if (a->due == c->head && chance(2, 1))
        give(c, a); /* before this returns */
    else
        a->used = true;
    return HAWSE_OK;
}
