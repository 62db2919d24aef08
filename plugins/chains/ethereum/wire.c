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

/* ---- logs: first the places of the members, then their values ---- */

static int32_t find_topics(const hawse_json_t *doc, hawse_json_value_t *topics,
                           struct wire_places *p)
{
    hawse_json_value_t v;
    int32_t code;
    if (topics->kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    while ((code = hawse_json_next(doc, topics, NULL, &v)) == 1) {
        if (p->topic_count == 4 || v.kind != HAWSE_JSON_STRING)
            return HAWSE_E_FORMAT;
        p->at[WIRE_TOPICS + p->topic_count++] = v;
    }
    return code;
}

static int32_t find_text(const hawse_view_t *key, const hawse_json_value_t *v,
                         struct wire_places *p)
{
    static const struct {
        const char *name;
        uint32_t len;
    } names[] = {
        [WIRE_ADDRESS] = {"address", 7},
        [WIRE_BLOCK_HASH] = {"blockHash", 9},
        [WIRE_TX_HASH] = {"transactionHash", 15},
        [WIRE_BLOCK_NUMBER] = {"blockNumber", 11},
        [WIRE_LOG_INDEX] = {"logIndex", 8},
        [WIRE_TX_INDEX] = {"transactionIndex", 16},
        [WIRE_DATA] = {"data", 4},
    };
    for (uint32_t i = WIRE_ADDRESS; i < WIRE_TOPICS; i++) {
        if (key->len != names[i].len || memcmp(key->data, names[i].name, key->len) != 0)
            continue;
        if (v->kind != HAWSE_JSON_STRING || p->at[i].kind != 0)
            return HAWSE_E_FORMAT;
        p->at[i] = *v;
        return HAWSE_OK;
    }
    return HAWSE_OK; /* a member we do not need */
}

static int32_t find_places(const hawse_json_t *doc, hawse_json_value_t *object,
                           struct wire_places *p)
{
    hawse_json_value_t v;
    hawse_view_t key;
    int32_t code;
    if (object->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    while ((code = hawse_json_next(doc, object, &key, &v)) == 1) {
        if (key.len == 6 && memcmp(key.data, "topics", 6) == 0)
            code = find_topics(doc, &v, p);
        else if (key.len == 7 && memcmp(key.data, "removed", 7) == 0)
            p->removed = v.kind == HAWSE_JSON_TRUE;
        else
            code = find_text(&key, &v, p);
        if (code < 0)
            return code;
    }
    for (uint32_t i = WIRE_ADDRESS; i < WIRE_TOPICS; i++) {
        if (p->at[i].kind == 0)
            return HAWSE_E_FORMAT;
    }
    return code;
}

static bool is_hash(const uint8_t *frame, const hawse_json_field_t *f, uint32_t len)
{
    return f->len == 2 * len + 2 && memcmp(frame + f->at, "0x", 2) == 0;
}

/* Have the members of a log the lengths that they must have? */
static bool right_lengths(const uint8_t *frame, const hawse_json_field_t *f, uint32_t topics)
{
    const hawse_json_field_t *data = &f[WIRE_DATA];
    bool right = is_hash(frame, &f[WIRE_ADDRESS], 20) && is_hash(frame, &f[WIRE_BLOCK_HASH], 32) &&
                 is_hash(frame, &f[WIRE_TX_HASH], 32) && data->len >= 2 && data->len % 2 == 0 &&
                 data->len <= 2 * DATA_MAX + 2 && memcmp(frame + data->at, "0x", 2) == 0;
    for (uint32_t i = 0; i < topics && right; i++)
        right = is_hash(frame, &f[WIRE_TOPICS + i], 32);
    return right;
}

static int32_t quantity_at(const uint8_t *frame, const hawse_json_field_t *f, uint64_t *out)
{
    return hawse_hex_u64(frame + f->at, f->len, out);
}

/* The values of a log whose members stand at `f`, be it by a walk or by a layout, with the lengths
 * that they must have. */
static int32_t read_places(const uint8_t *frame, const hawse_json_field_t *f, uint32_t topics,
                           struct wire_log *out)
{
    hawse_evm_log_t *r = &out->record;
    uint64_t log_index = 0, tx_index = 0;
    const uint8_t *digits = frame + 2; /* of a member that begins at 0 */
    hawse_hex_run_t runs[7] = {{digits + f[WIRE_ADDRESS].at, r->address, 20},
                               {digits + f[WIRE_BLOCK_HASH].at, r->block_hash, 32},
                               {digits + f[WIRE_TX_HASH].at, r->tx_hash, 32}};
    memset(r->topics, 0, sizeof(r->topics));
    for (uint32_t i = 0; i < topics; i++)
        runs[3 + i] = (hawse_hex_run_t){digits + f[WIRE_TOPICS + i].at, r->topics[i], 32};
    int32_t bad = hawse_hex_decode_runs(runs, 3 + topics) |
                  quantity_at(frame, &f[WIRE_BLOCK_NUMBER], &r->block_number) |
                  quantity_at(frame, &f[WIRE_LOG_INDEX], &log_index) |
                  quantity_at(frame, &f[WIRE_TX_INDEX], &tx_index);
    if (bad != HAWSE_OK || log_index > UINT32_MAX || tx_index > UINT32_MAX)
        return HAWSE_E_FORMAT;
    out->data = frame + f[WIRE_DATA].at;
    r->size = r->data_offset = sizeof(*r);
    r->topic_count = topics;
    r->chain_id = r->block_timestamp = 0;
    r->log_index = (uint32_t)log_index;
    r->tx_index = (uint32_t)tx_index;
    r->data_len = (f[WIRE_DATA].len - 2) / 2;
    memset(r->reserved, 0, sizeof(r->reserved));
    return HAWSE_OK;
}

int32_t wire_log(const hawse_json_t *doc, hawse_json_value_t *object, struct wire_places *places,
                 struct wire_log *out)
{
    hawse_json_field_t fields[WIRE_PLACES];
    memset(places, 0, sizeof(*places));
    int32_t code = find_places(doc, object, places);
    if (code < 0)
        return code;
    for (uint32_t i = WIRE_ADDRESS; i < WIRE_TOPICS + places->topic_count; i++)
        fields[i] = (hawse_json_field_t){(uint32_t)(places->at[i].data - doc->text),
                                         places->at[i].len, places->at[i].kind};
    out->removed = places->removed;
    if (!right_lengths(doc->text, fields, places->topic_count))
        return HAWSE_E_FORMAT;
    return read_places(doc->text, fields, places->topic_count, out);
}

/* ---- pushed logs of a layout that is known: lengths and "0x" are part of it ---- */

enum { TAG_REMOVED = 1 };

bool wire_log_known(hawse_json_shapes_t *shapes, const uint8_t *frame, uint64_t len,
                    hawse_view_t *id, struct wire_log *out)
{
    const hawse_json_layout_t *layout = hawse_json_shape_find(shapes, frame, len);
    if (!layout)
        return false;
    const hawse_json_field_t *fields = layout->fields;
    *id = (hawse_view_t){frame + fields[WIRE_ID].at, fields[WIRE_ID].len};
    out->removed = (layout->tag & TAG_REMOVED) != 0;
    return read_places(frame, fields, layout->field_count - WIRE_TOPICS, out) == HAWSE_OK;
}

void wire_log_learn(hawse_json_shapes_t *shapes, const hawse_json_t *doc,
                    const hawse_json_value_t *method, const hawse_json_value_t *id,
                    struct wire_places *places)
{
    places->at[WIRE_METHOD] = *method;
    places->at[WIRE_ID] = *id;
    (void)hawse_json_shape_learn(shapes, doc, places->at, WIRE_TOPICS + places->topic_count,
                                 WIRE_METHOD + 1, WIRE_ADDRESS, places->removed ? TAG_REMOVED : 0);
}

int32_t wire_log_data(const struct wire_log *log, uint8_t *out)
{
    return hawse_hex_decode(log->data + 2, out, log->record.data_len);
}
