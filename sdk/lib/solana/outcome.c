/* What a node says of a transaction; see hawse/solana/outcome.h. */
#include <hawse/solana/outcome.h>
#include <stdio.h>
#include <string.h>

enum { UNITS_MAX = 1400000 };

/* ---- names ---- */

static const struct tx_name {
    const char *name;
    uint32_t number, advice;
} tx_names[] = {
#define NAME(number, name, advice) {#name, number, HAWSE_SOLANA_ADVICE_##advice},
    HAWSE_SOLANA_TX_ERRORS(NAME)
#undef NAME
};

static const struct ix_name {
    const char *name;
    uint32_t number;
} ix_names[] = {
#define NAME(number, name) {#name, number},
    HAWSE_SOLANA_IX_ERRORS(NAME)
#undef NAME
};

static int is_name(hawse_view_t text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.data, name, text.len) == 0;
}

static void name_transaction(hawse_solana_error_t *out, hawse_view_t name)
{
    out->transaction = HAWSE_SOLANA_TX_OTHER;
    out->name = name;
    for (size_t i = 0; i < sizeof(tx_names) / sizeof(tx_names[0]); i++) {
        if (!is_name(name, tx_names[i].name))
            continue;
        out->transaction = tx_names[i].number;
        out->advice = tx_names[i].advice;
    }
}

static void name_instruction(hawse_solana_error_t *out, hawse_view_t name)
{
    out->instruction = HAWSE_SOLANA_IX_OTHER;
    out->name = name;
    for (size_t i = 0; i < sizeof(ix_names) / sizeof(ix_names[0]); i++) {
        if (is_name(name, ix_names[i].name))
            out->instruction = ix_names[i].number;
    }
}

/* ---- reading ---- */

static int32_t small(const hawse_json_value_t *value, uint32_t *out)
{
    uint64_t n = 0;
    if (hawse_json_u64(value, &n) != HAWSE_OK || n > UINT32_MAX)
        return HAWSE_E_FORMAT;
    *out = (uint32_t)n;
    return HAWSE_OK;
}

static hawse_view_t text_of(const hawse_json_value_t *value)
{
    return (hawse_view_t){value->data, value->len};
}

/* "Name" or {"Name": payload}, the only member. */
static int32_t variant(const hawse_json_t *doc, hawse_json_value_t *value, hawse_view_t *name,
                       hawse_json_value_t *payload)
{
    hawse_json_value_t more;
    hawse_view_t key;
    payload->kind = HAWSE_JSON_NULL;
    if (value->kind == HAWSE_JSON_STRING) {
        *name = text_of(value);
        return HAWSE_OK;
    }
    if (value->kind != HAWSE_JSON_OBJECT || hawse_json_next(doc, value, name, payload) != 1 ||
        hawse_json_next(doc, value, &key, &more) != 0)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

/* [index, "Name" or {"Custom": n}] */
static int32_t read_instruction(const hawse_json_t *doc, hawse_json_value_t *list,
                                hawse_solana_error_t *out)
{
    hawse_json_value_t index, what, payload;
    hawse_view_t name;
    if (list->kind != HAWSE_JSON_ARRAY || hawse_json_next(doc, list, NULL, &index) != 1 ||
        hawse_json_next(doc, list, NULL, &what) != 1 || small(&index, &out->index) != HAWSE_OK ||
        variant(doc, &what, &name, &payload) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    name_instruction(out, name);
    if (out->instruction == HAWSE_SOLANA_IX_Custom)
        return small(&payload, &out->custom);
    return HAWSE_OK;
}

/* What some errors carry: an index, bare or as "account_index". */
static int32_t read_index(const hawse_json_t *doc, hawse_json_value_t *payload,
                          hawse_solana_error_t *out)
{
    hawse_json_value_t v = *payload;
    if (payload->kind == HAWSE_JSON_OBJECT &&
        hawse_json_get(doc, payload, "account_index", &v) != HAWSE_OK)
        return out->transaction == HAWSE_SOLANA_TX_OTHER ? HAWSE_OK : HAWSE_E_FORMAT;
    if (v.kind == HAWSE_JSON_NUMBER)
        return small(&v, &out->index);
    return HAWSE_OK;
}

int32_t hawse_solana_error_read(const hawse_json_t *doc, hawse_json_value_t *value,
                                hawse_solana_error_t *out)
{
    hawse_json_value_t payload;
    hawse_view_t name;
    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    if (value->kind == HAWSE_JSON_NULL)
        return HAWSE_OK;
    if (variant(doc, value, &name, &payload) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    name_transaction(out, name);
    if (out->transaction == HAWSE_SOLANA_TX_InstructionError)
        return read_instruction(doc, &payload, out);
    return read_index(doc, &payload, out);
}

/* ---- words ---- */

uint64_t hawse_solana_error_text(const hawse_solana_error_t *error, char *out, uint64_t cap)
{
    int len = (int)(error->name.len < 128 ? error->name.len : 128);
    const char *name = (const char *)error->name.data;
    int n;
    if (error->transaction == HAWSE_SOLANA_TX_GOOD)
        n = snprintf(out, cap, "good");
    else if (error->instruction == HAWSE_SOLANA_IX_Custom)
        n = snprintf(out, cap, "instruction %u failed: Custom %u (0x%x)", error->index,
                     error->custom, error->custom);
    else if (error->instruction != HAWSE_SOLANA_IX_NONE)
        n = snprintf(out, cap, "instruction %u failed: %.*s", error->index, len, name);
    else if (error->transaction == HAWSE_SOLANA_TX_InsufficientFundsForRent ||
             error->transaction == HAWSE_SOLANA_TX_ProgramExecutionTemporarilyRestricted)
        n = snprintf(out, cap, "%.*s, account %u", len, name, error->index);
    else if (error->transaction == HAWSE_SOLANA_TX_DuplicateInstruction)
        n = snprintf(out, cap, "%.*s, instruction %u", len, name, error->index);
    else
        n = snprintf(out, cap, "%.*s", len, name);
    return n < 0 ? 0 : (uint64_t)n < cap ? (uint64_t)n : cap - 1;
}

/* ---- simulations ---- */

/* An optional member; null counts as absent. */
static int member(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                  hawse_json_value_t *out)
{
    if (hawse_json_get(doc, object, key, out) == HAWSE_OK && out->kind != HAWSE_JSON_NULL)
        return 1;
    memset(out, 0, sizeof(*out));
    out->kind = HAWSE_JSON_NULL;
    return 0;
}

/* {"programId": P, "data": [D, "base64"]} */
static int32_t read_return(const hawse_json_t *doc, hawse_json_value_t *object,
                           hawse_solana_simulation_t *out)
{
    hawse_json_value_t program, list, data;
    if (object->kind != HAWSE_JSON_OBJECT || !member(doc, object, "programId", &program) ||
        program.kind != HAWSE_JSON_STRING || !member(doc, object, "data", &list) ||
        list.kind != HAWSE_JSON_ARRAY || hawse_json_next(doc, &list, NULL, &data) != 1 ||
        data.kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    out->return_program = text_of(&program);
    out->return_data = text_of(&data);
    return HAWSE_OK;
}

/* {"blockhash": H, "lastValidBlockHeight": N} */
static int32_t read_blockhash(const hawse_json_t *doc, hawse_json_value_t *object,
                              hawse_solana_simulation_t *out)
{
    hawse_json_value_t hash, height;
    if (object->kind != HAWSE_JSON_OBJECT || !member(doc, object, "blockhash", &hash) ||
        hash.kind != HAWSE_JSON_STRING || !member(doc, object, "lastValidBlockHeight", &height))
        return HAWSE_E_FORMAT;
    out->blockhash = text_of(&hash);
    return hawse_json_u64(&height, &out->last_block_height);
}

/* An array, or nothing. */
static int32_t read_array(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                          hawse_json_value_t *out)
{
    return member(doc, object, key, out) && out->kind != HAWSE_JSON_ARRAY ? HAWSE_E_FORMAT
                                                                          : HAWSE_OK;
}

/* A number, or nothing. */
static int32_t read_number(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                           uint64_t *out, uint32_t *there)
{
    hawse_json_value_t v;
    *there = (uint32_t)member(doc, object, key, &v);
    return *there ? hawse_json_u64(&v, out) : HAWSE_OK;
}

int32_t hawse_solana_simulation_read(const hawse_json_t *doc, hawse_json_value_t *value,
                                     hawse_solana_simulation_t *out)
{
    hawse_json_value_t v;
    uint32_t there;
    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    if (value->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, value, "err", &v) != HAWSE_OK ||
        hawse_solana_error_read(doc, &v, &out->error) != HAWSE_OK ||
        read_array(doc, value, "logs", &out->logs) != HAWSE_OK ||
        read_array(doc, value, "accounts", &out->accounts) != HAWSE_OK ||
        read_number(doc, value, "unitsConsumed", &out->units, &out->has_units) != HAWSE_OK ||
        read_number(doc, value, "loadedAccountsDataSize", &out->loaded_data, &there) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (member(doc, value, "returnData", &v) && read_return(doc, &v, out) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (member(doc, value, "replacementBlockhash", &v) && read_blockhash(doc, &v, out) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

uint32_t hawse_solana_units_with_margin(uint64_t units, uint32_t percent)
{
    if (units >= UNITS_MAX)
        return UNITS_MAX;
    uint64_t most = (units * (100 + (uint64_t)percent) + 99) / 100;
    return most < UNITS_MAX ? (uint32_t)most : UNITS_MAX;
}
