/* Answers of Solana nodes, read; see solana_answer.h. */
#include "tx/solana_answer.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t open_text(const struct solana_text *t, hawse_json_t *doc, hawse_json_value_t *root)
{
    int32_t code = hawse_json_validate(t->text, t->len, NULL);
    if (code == HAWSE_OK)
        code = hawse_json_index(doc, t->text, t->len, t->marks, SOLANA_MARKS);
    if (code == HAWSE_OK)
        code = hawse_json_root(doc, root);
    return code == HAWSE_E_NOSPACE ? code : code == HAWSE_OK ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int32_t number(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                      uint64_t *out)
{
    hawse_json_value_t value;
    if (hawse_json_get(doc, object, key, &value) != HAWSE_OK ||
        hawse_json_u64(&value, out) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

/* {"context":{"slot":N,...},"value":...} */
static int32_t open_answer(const struct solana_text *t, hawse_json_t *doc, uint64_t *slot,
                           hawse_json_value_t *value)
{
    hawse_json_value_t root, context;
    int32_t code = open_text(t, doc, &root);
    if (code != HAWSE_OK)
        return code;
    if (root.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, &root, "context", &context) != HAWSE_OK ||
        context.kind != HAWSE_JSON_OBJECT || number(doc, &context, "slot", slot) != HAWSE_OK ||
        hawse_json_get(doc, &root, "value", value) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t solana_read_blockhash(const struct solana_text *t, struct solana_blockhash *out)
{
    hawse_json_t doc;
    hawse_json_value_t value, hash;
    int32_t code = open_answer(t, &doc, &out->slot, &value);
    if (code != HAWSE_OK)
        return code;
    if (value.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(&doc, &value, "blockhash", &hash) != HAWSE_OK ||
        hash.kind != HAWSE_JSON_STRING ||
        hawse_base58_key(hash.data, hash.len, out->hash) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return number(&doc, &value, "lastValidBlockHeight", &out->last_height);
}

int32_t solana_read_epoch(const struct solana_text *t, uint64_t *slot, uint64_t *height)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    int32_t code = open_text(t, &doc, &root);
    if (code != HAWSE_OK)
        return code;
    if (root.kind != HAWSE_JSON_OBJECT || number(&doc, &root, "absoluteSlot", slot) != HAWSE_OK ||
        number(&doc, &root, "blockHeight", height) != HAWSE_OK || *height > *slot)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t solana_read_u64(const struct solana_text *t, uint64_t *out)
{
    hawse_json_t doc;
    hawse_json_value_t root;
    int32_t code = open_text(t, &doc, &root);
    if (code != HAWSE_OK)
        return code;
    return hawse_json_u64(&root, out) == HAWSE_OK ? HAWSE_OK : HAWSE_E_FORMAT;
}

/* ---- statuses ---- */

static int32_t read_error(const hawse_json_t *doc, hawse_json_value_t *object,
                          hawse_solana_error_t *error, char reason[SOLANA_REASON])
{
    hawse_json_value_t value;
    *error = (hawse_solana_error_t){.size = sizeof(*error)};
    if (hawse_json_get(doc, object, "err", &value) != HAWSE_OK ||
        hawse_solana_error_read(doc, &value, error) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    reason[0] = '\0';
    if (error->transaction != HAWSE_SOLANA_TX_GOOD)
        (void)hawse_solana_error_text(error, reason, SOLANA_REASON);
    return HAWSE_OK;
}

/* Older nodes leave confirmationStatus out; what is not rooted is then taken for processed. */
static int32_t read_level(const hawse_json_t *doc, hawse_json_value_t *value,
                          struct solana_status *out)
{
    hawse_json_value_t confirmations, status;
    out->confirmations = UINT64_MAX;
    if (hawse_json_get(doc, value, "confirmations", &confirmations) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    bool rooted = confirmations.kind == HAWSE_JSON_NULL;
    if (!rooted && hawse_json_u64(&confirmations, &out->confirmations) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    int32_t code = hawse_json_get(doc, value, "confirmationStatus", &status);
    if (code == HAWSE_E_NOTFOUND || (code == HAWSE_OK && status.kind == HAWSE_JSON_NULL))
        out->level = rooted ? SOLANA_FINALIZED : SOLANA_PROCESSED;
    else if (code == HAWSE_OK && hawse_json_is(&status, "finalized"))
        out->level = SOLANA_FINALIZED;
    else if (code == HAWSE_OK && hawse_json_is(&status, "confirmed"))
        out->level = SOLANA_CONFIRMED;
    else if (code == HAWSE_OK && hawse_json_is(&status, "processed"))
        out->level = SOLANA_PROCESSED;
    else
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

static int32_t read_status(const hawse_json_t *doc, hawse_json_value_t *value,
                           struct solana_status *out)
{
    hawse_solana_error_t error;
    *out = (struct solana_status){.level = SOLANA_NOWHERE};
    if (value->kind == HAWSE_JSON_NULL)
        return HAWSE_OK;
    if (value->kind != HAWSE_JSON_OBJECT || number(doc, value, "slot", &out->slot) != HAWSE_OK ||
        read_error(doc, value, &error, out->reason) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->failed = error.transaction != HAWSE_SOLANA_TX_GOOD;
    return read_level(doc, value, out);
}

int32_t solana_read_statuses(const struct solana_text *t, uint32_t count, uint64_t *slot,
                             struct solana_status *out)
{
    hawse_json_t doc;
    hawse_json_value_t list, one;
    uint32_t n = 0;
    int32_t code = open_answer(t, &doc, slot, &list);
    if (code != HAWSE_OK)
        return code;
    if (list.kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    while ((code = hawse_json_next(&doc, &list, NULL, &one)) == 1) {
        if (n >= count || read_status(&doc, &one, &out[n]) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        n++;
    }
    return code == 0 && n == count ? HAWSE_OK : HAWSE_E_FORMAT;
}

/* ---- accounts ---- */

static int32_t account_bytes(const hawse_json_t *doc, hawse_json_value_t *account,
                             hawse_solana_nonce_t *out)
{
    hawse_json_value_t owner, data, text, encoding;
    uint8_t key[32], bytes[HAWSE_SOLANA_NONCE_BYTES];
    uint64_t size = 0;
    if (hawse_json_get(doc, account, "owner", &owner) != HAWSE_OK ||
        owner.kind != HAWSE_JSON_STRING || hawse_base58_key(owner.data, owner.len, key) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (hawse_json_get(doc, account, "data", &data) != HAWSE_OK || data.kind != HAWSE_JSON_ARRAY ||
        hawse_json_next(doc, &data, NULL, &text) != 1 || text.kind != HAWSE_JSON_STRING ||
        hawse_json_next(doc, &data, NULL, &encoding) != 1 || !hawse_json_is(&encoding, "base64") ||
        hawse_base64_size(text.data, text.len, &size) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (memcmp(key, hawse_solana_system_program, sizeof(key)) != 0 || size != sizeof(bytes))
        return HAWSE_E_INVAL;
    if (hawse_base64_decode(text.data, text.len, bytes) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return hawse_solana_nonce_parse(bytes, sizeof(bytes), out) == HAWSE_OK ? HAWSE_OK
                                                                           : HAWSE_E_INVAL;
}

int32_t solana_read_nonce(const struct solana_text *t, uint64_t *slot, hawse_solana_nonce_t *out)
{
    hawse_json_t doc;
    hawse_json_value_t value;
    int32_t code = open_answer(t, &doc, slot, &value);
    if (code != HAWSE_OK)
        return code;
    if (value.kind == HAWSE_JSON_NULL)
        return HAWSE_E_NOTFOUND;
    return value.kind == HAWSE_JSON_OBJECT ? account_bytes(&doc, &value, out) : HAWSE_E_FORMAT;
}

/* ---- simulations and fees ---- */

int32_t solana_read_simulation(const struct solana_text *t, struct solana_simulated *out)
{
    hawse_json_t doc;
    hawse_json_value_t value;
    hawse_solana_simulation_t s = {.size = sizeof(s)};
    *out = (struct solana_simulated){.error = HAWSE_SOLANA_TX_OTHER};
    int32_t code = open_answer(t, &doc, &out->slot, &value);
    if (code != HAWSE_OK)
        return code;
    if (hawse_solana_simulation_read(&doc, &value, &s) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (s.error.transaction == HAWSE_SOLANA_TX_GOOD && !s.has_units)
        return HAWSE_E_FORMAT;
    out->units = s.units;
    out->error = s.error.transaction;
    out->advice = s.error.advice;
    if (s.error.transaction != HAWSE_SOLANA_TX_GOOD)
        (void)hawse_solana_error_text(&s.error, out->reason, SOLANA_REASON);
    return HAWSE_OK;
}

/* ---- accounts ---- */

/* ["BASE64","base64"], of at most `cap` bytes; HAWSE_E_LIMIT: more of them. */
static int32_t read_bytes(const hawse_json_t *doc, hawse_json_value_t *account, uint8_t *out,
                          uint64_t cap, uint64_t *len)
{
    hawse_json_value_t data, text;
    if (hawse_json_get(doc, account, "data", &data) != HAWSE_OK || data.kind != HAWSE_JSON_ARRAY ||
        hawse_json_next(doc, &data, NULL, &text) != 1 || text.kind != HAWSE_JSON_STRING ||
        hawse_base64_size(text.data, text.len, len) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (*len > cap)
        return HAWSE_E_LIMIT;
    return hawse_base64_decode(text.data, text.len, out) == HAWSE_OK ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int32_t read_account(const hawse_json_t *doc, hawse_json_value_t *value,
                            struct solana_account *out)
{
    uint8_t data[SOLANA_ACCOUNT_MAX];
    hawse_json_value_t owner;
    uint64_t len = 0;
    out->there = out->token = false;
    out->lamports = 0;
    if (value->kind == HAWSE_JSON_NULL)
        return HAWSE_OK;
    if (value->kind != HAWSE_JSON_OBJECT ||
        number(doc, value, "lamports", &out->lamports) != HAWSE_OK ||
        hawse_json_get(doc, value, "owner", &owner) != HAWSE_OK ||
        owner.kind != HAWSE_JSON_STRING ||
        hawse_base58_key(owner.data, owner.len, out->owner) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->there = true;
    int32_t code = read_bytes(doc, value, data, sizeof(data), &len);
    bool program = memcmp(out->owner, hawse_solana_token_program, 32) == 0 ||
                   memcmp(out->owner, hawse_solana_token_2022_program, 32) == 0;
    if (code == HAWSE_OK && program)
        out->token = hawse_solana_token_parse(data, len, &out->held) == HAWSE_OK;
    return code == HAWSE_E_LIMIT && !program ? HAWSE_OK : code;
}

/* The list of accounts in one of the two answers. */
static int32_t open_accounts(const struct solana_text *t, bool simulated, hawse_json_t *doc,
                             uint64_t *slot, hawse_json_value_t *list)
{
    hawse_json_value_t value;
    int32_t code = open_answer(t, doc, slot, &value);
    if (code != HAWSE_OK)
        return code;
    *list = value;
    if (simulated && (value.kind != HAWSE_JSON_OBJECT ||
                      hawse_json_get(doc, &value, "accounts", list) != HAWSE_OK))
        return HAWSE_E_FORMAT;
    return list->kind == HAWSE_JSON_ARRAY ? HAWSE_OK : HAWSE_E_FORMAT;
}

int32_t solana_read_accounts(const struct solana_text *t, bool simulated, uint32_t count,
                             uint64_t *slot, struct solana_account *out)
{
    hawse_json_t doc;
    hawse_json_value_t list, one;
    uint32_t n = 0;
    int32_t more, code = open_accounts(t, simulated, &doc, slot, &list);
    while (code == HAWSE_OK && (more = hawse_json_next(&doc, &list, NULL, &one)) != 0) {
        if (more < 0 || n == count)
            return HAWSE_E_FORMAT;
        code = read_account(&doc, &one, &out[n++]);
    }
    return code == HAWSE_OK && n != count ? HAWSE_E_FORMAT : code;
}

int32_t solana_read_data(const struct solana_text *t, uint32_t index, uint8_t *out, uint64_t *len)
{
    hawse_json_t doc;
    hawse_json_value_t list, one;
    uint64_t slot;
    if (open_accounts(t, false, &doc, &slot, &list) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    for (uint32_t i = 0; hawse_json_next(&doc, &list, NULL, &one) == 1; i++) {
        if (i == index)
            return one.kind == HAWSE_JSON_OBJECT &&
                           read_bytes(&doc, &one, out, SOLANA_ACCOUNT_MAX, len) == HAWSE_OK
                       ? HAWSE_OK
                       : HAWSE_E_NOTFOUND;
    }
    return HAWSE_E_NOTFOUND;
}

static int compare(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

int32_t solana_read_price(const struct solana_text *t, uint32_t percent, uint64_t *price)
{
    enum { SLOTS = 150 };
    hawse_json_t doc;
    hawse_json_value_t list, one;
    uint64_t prices[SLOTS];
    uint32_t n = 0;
    int32_t code = open_text(t, &doc, &list);
    if (code != HAWSE_OK)
        return code;
    if (list.kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    while ((code = hawse_json_next(&doc, &list, NULL, &one)) == 1) {
        uint64_t fee = 0;
        if (one.kind != HAWSE_JSON_OBJECT ||
            number(&doc, &one, "prioritizationFee", &fee) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        prices[n++ % SLOTS] = fee; /* the last ones stay */
    }
    if (code != 0)
        return HAWSE_E_FORMAT;
    n = n < SLOTS ? n : SLOTS;
    qsort(prices, n, sizeof(prices[0]), compare);
    uint32_t at = n * (percent < 100 ? percent : 100) / 100;
    *price = n == 0 ? 0 : prices[at < n ? at : n - 1];
    return HAWSE_OK;
}

/* ---- sending ---- */

int32_t solana_read_sent(const struct solana_text *t, const uint8_t expected[64])
{
    hawse_json_t doc;
    hawse_json_value_t root;
    uint8_t signature[64];
    int32_t code = open_text(t, &doc, &root);
    if (code != HAWSE_OK)
        return code;
    if (root.kind != HAWSE_JSON_STRING ||
        hawse_base58_signature(root.data, root.len, signature) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return memcmp(signature, expected, sizeof(signature)) == 0 ? HAWSE_OK : HAWSE_E_STATE;
}

/* A preflight says by the simulation in "data" what would become of it. */
static enum solana_refusal preflight(const hawse_json_t *doc, hawse_json_value_t *data,
                                     char reason[SOLANA_REASON])
{
    hawse_solana_error_t error;
    if (data->kind != HAWSE_JSON_OBJECT || read_error(doc, data, &error, reason) != HAWSE_OK ||
        error.transaction == HAWSE_SOLANA_TX_GOOD)
        return SOLANA_REFUSED_MAYBE;
    switch (error.advice) {
    case HAWSE_SOLANA_ADVICE_LANDED:
        return SOLANA_REFUSED_KNOWN;
    case HAWSE_SOLANA_ADVICE_NONE:
        /* A name that is not known says nothing; funds may come, or be there and not seen yet. */
        return error.transaction == HAWSE_SOLANA_TX_OTHER ? SOLANA_REFUSED_AGAIN
                                                          : SOLANA_REFUSED_NEVER;
    default:
        return SOLANA_REFUSED_AGAIN;
    }
}

enum solana_refusal solana_read_refusal(const struct solana_text *t, char reason[SOLANA_REASON])
{
    enum { PREFLIGHT = -32002, SIGNATURE = -32003, PARAMS = -32602, MIN_SLOT = -32016 };
    hawse_json_t doc;
    hawse_json_value_t root, code, data;
    int64_t number_of = 0;
    reason[0] = '\0';
    if (open_text(t, &doc, &root) != HAWSE_OK || root.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(&doc, &root, "code", &code) != HAWSE_OK ||
        hawse_json_i64(&code, &number_of) != HAWSE_OK)
        return SOLANA_REFUSED_MAYBE;
    if (number_of == SIGNATURE || number_of == PARAMS) {
        (void)snprintf(reason, SOLANA_REASON, "a node refuses its form: error %d", (int)number_of);
        return SOLANA_REFUSED_NEVER;
    }
    if (number_of == MIN_SLOT)
        return SOLANA_REFUSED_AGAIN;
    if (number_of != PREFLIGHT || hawse_json_get(&doc, &root, "data", &data) != HAWSE_OK)
        return SOLANA_REFUSED_MAYBE;
    return preflight(&doc, &data, reason);
}
