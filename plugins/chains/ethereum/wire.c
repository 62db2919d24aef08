/*
 * What a node writes, to what readers get: headers and logs of eth_subscribe, eth_getLogs and
 * eth_getBlockBy... Reads in place; every field is checked.
 */
#include "plugin.h"

#include <hawse/hex.h>
#include <string.h>

static int32_t hash_of(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                       uint8_t *out, uint64_t len)
{
    hawse_json_value_t v;
    int32_t code = hawse_json_get(doc, object, key, &v);
    if (code != HAWSE_OK)
        return code;
    return v.kind == HAWSE_JSON_STRING ? hawse_hex_fixed(v.data, v.len, out, len) : HAWSE_E_FORMAT;
}

static int32_t quantity_of(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                           uint64_t *out)
{
    hawse_json_value_t v;
    int32_t code = hawse_json_get(doc, object, key, &v);
    if (code != HAWSE_OK)
        return code;
    return v.kind == HAWSE_JSON_STRING ? hawse_hex_u64(v.data, v.len, out) : HAWSE_E_FORMAT;
}

int32_t wire_header(const hawse_json_t *doc, hawse_json_value_t *object, struct chain_header *h)
{
    memset(h, 0, sizeof(*h));
    if (object->kind != HAWSE_JSON_OBJECT ||
        hash_of(doc, object, "hash", h->hash, 32) != HAWSE_OK ||
        hash_of(doc, object, "parentHash", h->parent, 32) != HAWSE_OK ||
        quantity_of(doc, object, "number", &h->number) != HAWSE_OK ||
        quantity_of(doc, object, "timestamp", &h->timestamp) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    (void)quantity_of(doc, object, "gasLimit", &h->gas_limit);
    (void)quantity_of(doc, object, "gasUsed", &h->gas_used);
    if (quantity_of(doc, object, "baseFeePerGas", &h->base_fee) == HAWSE_E_RANGE)
        h->base_fee = UINT64_MAX;
    h->has_bloom = hash_of(doc, object, "logsBloom", h->bloom, 256) == HAWSE_OK;
    return HAWSE_OK;
}

static int32_t read_topics(const hawse_json_t *doc, hawse_json_value_t *topics,
                           hawse_evm_log_t *record)
{
    hawse_json_value_t v;
    int32_t code;
    if (topics->kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    while ((code = hawse_json_next(doc, topics, NULL, &v)) == 1) {
        if (record->topic_count == 4 || v.kind != HAWSE_JSON_STRING ||
            hawse_hex_fixed(v.data, v.len, record->topics[record->topic_count++], 32) != HAWSE_OK)
            return HAWSE_E_FORMAT;
    }
    return code;
}

static int32_t take_text(const hawse_view_t *key, hawse_json_value_t *v, struct wire_log *out,
                         uint32_t *seen)
{
    static const struct {
        const char *name;
        uint8_t len, bytes; /* bytes: of a hash; 0 = a quantity */
        uint8_t offset;
        uint8_t bit;
    } fields[] = {
        {"address", 7, 20, offsetof(hawse_evm_log_t, address), 0},
        {"blockHash", 9, 32, offsetof(hawse_evm_log_t, block_hash), 1},
        {"transactionHash", 15, 32, offsetof(hawse_evm_log_t, tx_hash), 2},
        {"blockNumber", 11, 0, offsetof(hawse_evm_log_t, block_number), 3},
        {"logIndex", 8, 0, offsetof(hawse_evm_log_t, log_index), 4},
        {"transactionIndex", 16, 0, offsetof(hawse_evm_log_t, tx_index), 5},
    };
    uint8_t *base = (uint8_t *)&out->record;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (key->len != fields[i].len || memcmp(key->data, fields[i].name, key->len) != 0)
            continue;
        if (v->kind != HAWSE_JSON_STRING || (*seen & 1u << fields[i].bit))
            return HAWSE_E_FORMAT;
        *seen |= 1u << fields[i].bit;
        if (fields[i].bytes)
            return hawse_hex_fixed(v->data, v->len, base + fields[i].offset, fields[i].bytes);
        uint64_t n = 0;
        int32_t code = hawse_hex_u64(v->data, v->len, &n);
        if (code != HAWSE_OK || (fields[i].bit > 3 && n > UINT32_MAX))
            return HAWSE_E_FORMAT;
        memcpy(base + fields[i].offset, &n, fields[i].bit > 3 ? 4 : 8);
        return HAWSE_OK;
    }
    return HAWSE_OK; /* a member we do not need */
}

static bool is_data(const hawse_json_value_t *v)
{
    return v->kind == HAWSE_JSON_STRING && v->len >= 2 && v->len % 2 == 0 &&
           v->len <= 2 * DATA_MAX + 2 && v->data[0] == '0' && v->data[1] == 'x';
}

int32_t wire_log(const hawse_json_t *doc, hawse_json_value_t *object, struct wire_log *out)
{
    hawse_json_value_t v;
    hawse_view_t key;
    uint32_t seen = 0;
    int32_t code;
    memset(&out->record, 0, sizeof(out->record));
    out->removed = false;
    out->data.kind = 0;
    if (object->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    while ((code = hawse_json_next(doc, object, &key, &v)) == 1) {
        if (key.len == 4 && memcmp(key.data, "data", 4) == 0)
            out->data = v;
        else if (key.len == 6 && memcmp(key.data, "topics", 6) == 0)
            code = read_topics(doc, &v, &out->record);
        else if (key.len == 7 && memcmp(key.data, "removed", 7) == 0)
            out->removed = v.kind == HAWSE_JSON_TRUE;
        else
            code = take_text(&key, &v, out, &seen);
        if (code < 0)
            return code;
    }
    if (code < 0 || seen != 0x3f || !is_data(&out->data))
        return HAWSE_E_FORMAT;
    out->record.size = sizeof(out->record);
    out->record.data_offset = sizeof(out->record);
    out->record.data_len = (out->data.len - 2) / 2;
    return HAWSE_OK;
}

int32_t wire_log_data(const struct wire_log *log, uint8_t *out)
{
    return hawse_hex_decode(log->data.data + 2, out, log->record.data_len);
}
