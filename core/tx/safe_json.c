/* Transactions of a Safe as its service has them; see safe.h. */
#include "tx/safe.h"

#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAPERS = 64 }; /* of one list */

/* ---- writing ---- */

static json_t *address_text(const uint8_t address[20])
{
    char text[43];
    hawse_eip55_format(address, text);
    return json_string(text);
}

static json_t *bytes_text(const uint8_t *bytes, uint64_t len)
{
    char *text = calloc(1, 2 * len + 3);
    if (!text)
        return NULL;
    text[0] = '0';
    text[1] = 'x';
    hawse_hex_encode(bytes, len, text + 2);
    json_t *value = json_string_nocheck(text);
    free(text);
    return value;
}

static json_t *amount_text(const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX + 4];
    (void)hawse_u256_units(n, 0, 0, 0, text);
    return json_string(text);
}

/* How many bytes of a text are at most SAFE_ORIGIN whole characters. */
static size_t origin_length(const char *origin)
{
    size_t characters = 0, at = 0;
    for (; origin[at]; at++) {
        if (((uint8_t)origin[at] & 0xc0) != 0x80 && characters++ == SAFE_ORIGIN)
            break;
    }
    return at;
}

char *safe_proposal(const struct safe_paper *paper, const uint8_t sender[20],
                    const uint8_t signature[SAFE_SIGNATURE], const char *origin)
{
    const hawse_safe_tx_t *tx = paper->tx;
    uint64_t nonce = 0;
    if (hawse_u256_to_u64(&tx->nonce, &nonce) != HAWSE_OK || nonce > INT64_MAX)
        return NULL;
    json_t *o =
        json_pack("{s:o, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o}", "to",
                  address_text(tx->to), "value", amount_text(&tx->value), "data",
                  bytes_text(tx->data.data, tx->data.len), "operation", (json_int_t)tx->operation,
                  "safeTxGas", amount_text(&tx->safe_tx_gas), "baseGas", amount_text(&tx->base_gas),
                  "gasPrice", amount_text(&tx->gas_price), "gasToken", address_text(tx->gas_token),
                  "refundReceiver", address_text(tx->refund_receiver), "nonce", (json_int_t)nonce,
                  "contractTransactionHash", bytes_text(paper->hash, 32), "sender",
                  address_text(sender), "signature", bytes_text(signature, SAFE_SIGNATURE));
    if (o && origin && origin[0])
        (void)json_object_set_new(o, "origin", json_stringn(origin, origin_length(origin)));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

/* ---- reading ---- */

struct reading {
    const struct safe_paper *paper;
    const struct safe_state *state;
    struct safe_approvals *approvals;
    struct fault *fault;
    int32_t added;
};

static int32_t other(struct reading *r, const char *key)
{
    return fault_set(r->fault, HAWSE_E_DENIED,
                     "%s: is not that of our transaction: this is another one", key);
}

static int32_t bad(struct reading *r, const char *key, const char *expected)
{
    return fault_set(r->fault, HAWSE_E_FORMAT, "%s: expected %s", key, expected);
}

/* A member that is absent or null says nothing. */
static const json_t *member(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    return json_is_null(value) ? NULL : value;
}

/* Any "0x" text against bytes of ours. */
static int32_t same_bytes(struct reading *r, const json_t *o, const char *key, const uint8_t *ours,
                          uint64_t len)
{
    const json_t *value = member(o, key);
    const char *text = json_string_value(value);
    if (!value)
        return HAWSE_OK;
    uint64_t digits = text ? json_string_length(value) : 0, got = 0;
    uint8_t *bytes = text ? malloc(digits / 2 + 1) : NULL;
    if (!bytes || hawse_hex_data((const uint8_t *)text, digits, bytes, digits / 2, &got) != 0) {
        free(bytes);
        return bad(r, key, "\"0x\" and hexadecimal digits");
    }
    bool same = got == len && (len == 0 || memcmp(bytes, ours, len) == 0);
    free(bytes);
    return same ? HAWSE_OK : other(r, key);
}

/* A number, as JSON number or as decimal text. */
static int32_t same_number(struct reading *r, const json_t *o, const char *key,
                           const hawse_u256_t *ours)
{
    const json_t *value = member(o, key);
    const char *text = json_string_value(value);
    hawse_u256_t n = hawse_u256((uint64_t)json_integer_value(value));
    if (!value)
        return HAWSE_OK;
    bool good = json_is_integer(value) && json_integer_value(value) >= 0;
    if (text)
        good = hawse_u256_parse((const uint8_t *)text, json_string_length(value), &n) == HAWSE_OK;
    if (!good)
        return bad(r, key, "a whole number");
    return hawse_u256_compare(&n, ours) == 0 ? HAWSE_OK : other(r, key);
}

/* Everything that is said of the transaction must be true of ours. */
static int32_t same_transaction(struct reading *r, const json_t *o)
{
    const hawse_safe_tx_t *tx = r->paper->tx;
    const hawse_u256_t operation = hawse_u256(tx->operation);
    const struct {
        const char *key;
        const uint8_t *bytes;
        uint64_t len;
        const hawse_u256_t *number;
    } fields[] = {
        {"safe", r->paper->place->address, 20, NULL},
        {"safeTxHash", r->paper->hash, 32, NULL},
        {"contractTransactionHash", r->paper->hash, 32, NULL},
        {"to", tx->to, 20, NULL},
        {"data", tx->data.data, tx->data.len, NULL},
        {"gasToken", tx->gas_token, 20, NULL},
        {"refundReceiver", tx->refund_receiver, 20, NULL},
        {"value", NULL, 0, &tx->value},
        {"operation", NULL, 0, &operation},
        {"safeTxGas", NULL, 0, &tx->safe_tx_gas},
        {"baseGas", NULL, 0, &tx->base_gas},
        {"gasPrice", NULL, 0, &tx->gas_price},
        {"nonce", NULL, 0, &tx->nonce},
    };
    int32_t code = HAWSE_OK;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]) && code == HAWSE_OK; i++)
        code = fields[i].number ? same_number(r, o, fields[i].key, fields[i].number)
                                : same_bytes(r, o, fields[i].key, fields[i].bytes, fields[i].len);
    if (code == HAWSE_OK && !member(o, "safeTxHash") && !member(o, "contractTransactionHash"))
        return bad(r, "safeTxHash", "the transaction's hash");
    return code;
}

/* `owner` and `signature` of an object; one that is there already is no fault. */
static int32_t take(struct reading *r, const json_t *o, const char *owner_key)
{
    const json_t *text = member(o, "signature"), *owner = member(o, owner_key);
    uint8_t bytes[SAFE_SIGNATURE + 32 + 4096], address[20];
    uint64_t len = 0;
    if (!json_is_string(text) ||
        hawse_hex_data((const uint8_t *)json_string_value(text), json_string_length(text), bytes,
                       sizeof(bytes), &len) != HAWSE_OK)
        return bad(r, "signature", "\"0x\" and at most 4,193 bytes in hexadecimal digits");
    if (owner && (!json_is_string(owner) ||
                  hawse_hex_fixed((const uint8_t *)json_string_value(owner),
                                  json_string_length(owner), address, 20) != HAWSE_OK))
        return bad(r, owner_key, "an address");
    int32_t code = safe_approve(r->approvals, r->state, r->paper->hash, owner ? address : NULL,
                                bytes, len, r->fault);
    r->added += code == HAWSE_OK;
    if (code == HAWSE_E_EXISTS)
        fault_clear(r->fault);
    return code == HAWSE_E_EXISTS ? HAWSE_OK : code;
}

static int32_t read_paper(struct reading *r, const json_t *o)
{
    const json_t *list = member(o, "confirmations"), *item;
    size_t i;
    if (!json_is_object(o))
        return bad(r, "transaction", "an object");
    if (json_is_true(member(o, "isExecuted")))
        return fault_set(r->fault, HAWSE_E_DENIED, "isExecuted: it was executed already");
    int32_t code = same_transaction(r, o);
    if (code == HAWSE_OK && member(o, "signature"))
        code = take(r, o, "sender");
    if (code == HAWSE_OK && list && !json_is_array(list))
        return bad(r, "confirmations", "a list");
    json_array_foreach((json_t *)list, i, item)
    {
        if (code == HAWSE_OK)
            code = take(r, item, "owner");
    }
    return code;
}

int32_t safe_paper_read(const struct safe_paper *paper, const struct safe_state *state,
                        const char *text, size_t len, struct safe_approvals *approvals,
                        struct fault *fault)
{
    json_error_t error;
    struct reading r = {paper, state, approvals, fault, 0};
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error), *item;
    int32_t code = HAWSE_OK;
    size_t i;
    if (!root)
        return fault_set(fault, HAWSE_E_FORMAT, "line %d: %.120s", error.line, error.text);
    if (!json_is_array(root))
        code = read_paper(&r, root);
    else if (json_array_size(root) > PAPERS)
        code = fault_set(fault, HAWSE_E_LIMIT, "found %zu transactions, expected at most %d",
                         json_array_size(root), PAPERS);
    json_array_foreach(root, i, item)
    {
        if (code == HAWSE_OK)
            code = read_paper(&r, item);
    }
    json_decref(root);
    return code == HAWSE_OK ? r.added : code;
}
