/*
 * Reading a node's messages and answers; see wire.h.
 */
#include "wire.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <string.h>

static int32_t number_of(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                         uint64_t *out)
{
    hawse_json_value_t v;
    int32_t code = hawse_json_get(doc, object, key, &v);
    return code == HAWSE_OK ? hawse_json_u64(&v, out) : code;
}

static int32_t key_of(const hawse_json_t *doc, hawse_json_value_t *object, const char *name,
                      uint8_t key[32])
{
    hawse_json_value_t v;
    int32_t code = hawse_json_get(doc, object, name, &v);
    if (code != HAWSE_OK)
        return code;
    return v.kind == HAWSE_JSON_STRING ? hawse_base58_key(v.data, v.len, key) : HAWSE_E_FORMAT;
}

/* ---- messages ---- */

static enum wire_kind kind_of(const hawse_json_value_t *method)
{
    static const struct {
        const char *name;
        enum wire_kind kind;
    } all[] = {
        {"accountNotification", WIRE_ACCOUNT}, {"logsNotification", WIRE_LOGS},
        {"slotNotification", WIRE_SLOT},       {"programNotification", WIRE_PROGRAM},
        {"rootNotification", WIRE_ROOT},       {"signatureNotification", WIRE_SIGNATURE},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (hawse_json_is(method, all[i].name))
            return all[i].kind;
    }
    return WIRE_OTHER;
}

static int32_t read_reply(const hawse_json_t *doc, hawse_json_value_t *root,
                          struct wire_message *out)
{
    hawse_json_value_t error, code;
    out->kind = WIRE_REPLY;
    if (hawse_json_get(doc, root, "result", &out->result) == HAWSE_OK)
        return HAWSE_OK;
    if (hawse_json_get(doc, root, "error", &error) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->failed = true;
    out->result = error;
    if (error.kind == HAWSE_JSON_OBJECT && hawse_json_get(doc, &error, "code", &code) == HAWSE_OK)
        (void)hawse_json_i64(&code, &out->error_code);
    return HAWSE_OK;
}

int32_t wire_message(const hawse_json_t *doc, hawse_json_value_t *root, struct wire_message *out)
{
    hawse_json_value_t method, params;
    memset(out, 0, sizeof(*out));
    if (root->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    if (hawse_json_get(doc, root, "method", &method) != HAWSE_OK)
        return number_of(doc, root, "id", &out->id) == HAWSE_OK ? read_reply(doc, root, out)
                                                                : HAWSE_E_FORMAT;
    out->kind = kind_of(&method);
    if (hawse_json_get(doc, root, "params", &params) != HAWSE_OK ||
        params.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, &params, "result", &out->result) != HAWSE_OK ||
        number_of(doc, &params, "subscription", &out->id) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t wire_context(const hawse_json_t *doc, hawse_json_value_t *result, uint64_t *slot,
                     hawse_json_value_t *value)
{
    hawse_json_value_t context;
    if (result->kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, result, "context", &context) != HAWSE_OK ||
        context.kind != HAWSE_JSON_OBJECT || number_of(doc, &context, "slot", slot) != HAWSE_OK ||
        hawse_json_get(doc, result, "value", value) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t wire_slot(const hawse_json_t *doc, hawse_json_value_t *result, hawse_solana_slot_t *out)
{
    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    if (result->kind != HAWSE_JSON_OBJECT ||
        number_of(doc, result, "parent", &out->parent) != HAWSE_OK ||
        number_of(doc, result, "root", &out->root) != HAWSE_OK ||
        number_of(doc, result, "slot", &out->slot) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

/* ---- accounts ---- */

/* ["...","base64"] */
static int32_t read_data(const hawse_json_t *doc, hawse_json_value_t *list,
                         struct wire_account *out)
{
    hawse_json_value_t encoding;
    if (list->kind != HAWSE_JSON_ARRAY || hawse_json_next(doc, list, NULL, &out->data) != 1 ||
        out->data.kind != HAWSE_JSON_STRING || hawse_json_next(doc, list, NULL, &encoding) != 1 ||
        !hawse_json_is(&encoding, "base64"))
        return HAWSE_E_FORMAT;
    return hawse_base64_size(out->data.data, out->data.len, &out->record.data_len);
}

int32_t wire_account(const hawse_json_t *doc, hawse_json_value_t *value, struct wire_account *out)
{
    hawse_json_value_t v;
    memset(out, 0, sizeof(*out));
    out->record.size = sizeof(out->record);
    out->record.data_offset = sizeof(out->record);
    if (value->kind == HAWSE_JSON_NULL)
        return HAWSE_OK;
    if (value->kind != HAWSE_JSON_OBJECT ||
        number_of(doc, value, "lamports", &out->record.lamports) != HAWSE_OK ||
        key_of(doc, value, "owner", out->record.owner) != HAWSE_OK ||
        hawse_json_get(doc, value, "data", &v) != HAWSE_OK || read_data(doc, &v, out) != HAWSE_OK ||
        hawse_json_get(doc, value, "executable", &v) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->record.executable = v.kind == HAWSE_JSON_TRUE;
    /* newer nodes may leave it out: it means nothing any more */
    int32_t code = number_of(doc, value, "rentEpoch", &out->record.rent_epoch);
    return code == HAWSE_E_NOTFOUND ? HAWSE_OK : code;
}

int32_t wire_account_data(const struct wire_account *account, uint8_t *out)
{
    return account->record.data_len == 0
               ? HAWSE_OK
               : hawse_base64_decode(account->data.data, account->data.len, out);
}

int32_t wire_owned(const hawse_json_t *doc, hawse_json_value_t *value, struct wire_account *out)
{
    hawse_json_value_t account;
    uint8_t key[32];
    if (value->kind != HAWSE_JSON_OBJECT || key_of(doc, value, "pubkey", key) != HAWSE_OK ||
        hawse_json_get(doc, value, "account", &account) != HAWSE_OK ||
        account.kind != HAWSE_JSON_OBJECT || wire_account(doc, &account, out) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    memcpy(out->record.pubkey, key, 32);
    return HAWSE_OK;
}

/* ---- logs ---- */

/* Room that the lines take. null = the node kept none. */
static int32_t measure(const hawse_json_t *doc, struct wire_logs *out)
{
    hawse_json_value_t list = out->lines, line;
    uint64_t len = 0;
    int32_t code = 0;
    if (list.kind == HAWSE_JSON_NULL)
        return HAWSE_OK;
    if (list.kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    while ((code = hawse_json_next(doc, &list, NULL, &line)) == 1) {
        uint64_t need = 0;
        if (line.kind != HAWSE_JSON_STRING)
            return HAWSE_E_FORMAT;
        code = hawse_json_unescape(&line, NULL, 0, &need);
        if (code != HAWSE_OK && code != HAWSE_E_NOSPACE)
            return HAWSE_E_FORMAT;
        len += sizeof(uint32_t) + need;
        out->record.line_count++;
    }
    out->record.lines_len = (uint32_t)len;
    return code < 0 || len > UINT32_MAX ? HAWSE_E_FORMAT : HAWSE_OK;
}

static void begin_logs(struct wire_logs *out)
{
    memset(out, 0, sizeof(*out));
    out->record.size = sizeof(out->record);
    out->record.lines_offset = sizeof(out->record);
    out->lines.kind = HAWSE_JSON_NULL;
}

int32_t wire_logs(const hawse_json_t *doc, hawse_json_value_t *value, struct wire_logs *out)
{
    hawse_json_value_t v;
    begin_logs(out);
    if (value->kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, value, "signature", &v) != HAWSE_OK || v.kind != HAWSE_JSON_STRING ||
        hawse_base58_signature(v.data, v.len, out->record.signature) != HAWSE_OK ||
        hawse_json_get(doc, value, "err", &v) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->record.failed = v.kind != HAWSE_JSON_NULL;
    if (hawse_json_get(doc, value, "logs", &out->lines) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return measure(doc, out);
}

int32_t wire_transaction(const hawse_json_t *doc, hawse_json_value_t *result, struct wire_logs *out)
{
    hawse_json_value_t meta, v;
    begin_logs(out);
    if (result->kind == HAWSE_JSON_NULL)
        return HAWSE_E_NOTFOUND;
    if (result->kind != HAWSE_JSON_OBJECT ||
        number_of(doc, result, "slot", &out->record.slot) != HAWSE_OK ||
        hawse_json_get(doc, result, "meta", &meta) != HAWSE_OK || meta.kind != HAWSE_JSON_OBJECT ||
        hawse_json_get(doc, &meta, "err", &v) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->record.failed = v.kind != HAWSE_JSON_NULL;
    if (hawse_json_get(doc, &meta, "logMessages", &out->lines) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return measure(doc, out);
}

int32_t wire_lines(const hawse_json_t *doc, const struct wire_logs *logs, uint8_t *out)
{
    hawse_json_value_t list = logs->lines, line;
    uint64_t at = 0;
    if (list.kind != HAWSE_JSON_ARRAY)
        return HAWSE_OK;
    while (hawse_json_next(doc, &list, NULL, &line) == 1) {
        uint64_t need = 0;
        if (hawse_json_unescape(&line, out + at + sizeof(uint32_t), line.len, &need) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        uint32_t len = (uint32_t)need;
        memcpy(out + at, &len, sizeof(len));
        at += sizeof(len) + len;
    }
    return HAWSE_OK;
}

/* ---- signatures ---- */

int32_t wire_listed(const hawse_json_t *doc, hawse_json_value_t *item, uint8_t signature[64],
                    uint64_t *slot)
{
    hawse_json_value_t v;
    if (item->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, item, "signature", &v) != HAWSE_OK ||
        v.kind != HAWSE_JSON_STRING ||
        hawse_base58_signature(v.data, v.len, signature) != HAWSE_OK ||
        number_of(doc, item, "slot", slot) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

static uint32_t level_of(const hawse_json_value_t *v)
{
    if (hawse_json_is(v, "finalized"))
        return HAWSE_SOLANA_FINALIZED;
    return hawse_json_is(v, "confirmed") ? HAWSE_SOLANA_CONFIRMED : HAWSE_SOLANA_PROCESSED;
}

int32_t wire_status(const hawse_json_t *doc, hawse_json_value_t *item, struct wire_status *out)
{
    hawse_json_value_t v;
    memset(out, 0, sizeof(*out));
    if (item->kind == HAWSE_JSON_NULL || item->kind == HAWSE_JSON_STRING)
        return HAWSE_E_NOTFOUND;
    if (item->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, item, "err", &v) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    out->failed = v.kind != HAWSE_JSON_NULL;
    if (out->failed && hawse_json_raw(doc, &v, &out->error) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    int32_t code = number_of(doc, item, "slot", &out->slot);
    if (code != HAWSE_OK && code != HAWSE_E_NOTFOUND)
        return HAWSE_E_FORMAT;
    if (hawse_json_get(doc, item, "confirmationStatus", &v) == HAWSE_OK)
        out->commitment = level_of(&v);
    return HAWSE_OK;
}
