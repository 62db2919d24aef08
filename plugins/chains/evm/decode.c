/* Headers, logs and envelopes; see decode.h. Members are taken in the order in which they stand, by
 * one pass, because no two kinds of node agree on it. */
#include "decode.h"

#include <hawse/hex.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS_KEPT = 16384, MARKS_MAX = 1 << 23 };

bool decoder_init(struct decoder *decoder)
{
    decoder->cap = MARKS_KEPT;
    decoder->marks = malloc(MARKS_KEPT * sizeof(decoder->marks[0]));
    return decoder->marks != NULL;
}

void decoder_finish(struct decoder *decoder)
{
    free(decoder->marks);
    decoder->marks = NULL;
    decoder->cap = 0;
}

static int32_t grow(struct decoder *decoder)
{
    if (decoder->cap >= MARKS_MAX)
        return HAWSE_E_LIMIT;
    uint32_t *more = malloc((size_t)decoder->cap * 4 * sizeof(more[0]));
    if (!more)
        return HAWSE_E_NOMEM;
    free(decoder->marks);
    decoder->marks = more;
    decoder->cap *= 4;
    return HAWSE_OK;
}

int32_t decode_text(struct decoder *decoder, const uint8_t *text, uint64_t len,
                    hawse_json_value_t *root)
{
    int32_t code;
    while ((code = hawse_json_index(&decoder->doc, text, len, decoder->marks, decoder->cap)) ==
           HAWSE_E_NOSPACE) {
        code = grow(decoder);
        if (code != HAWSE_OK)
            return code;
    }
    return code == HAWSE_OK ? hawse_json_root(&decoder->doc, root) : code;
}

void decode_rest(struct decoder *decoder)
{
    if (decoder->cap == MARKS_KEPT)
        return;
    uint32_t *less = malloc(MARKS_KEPT * sizeof(less[0]));
    if (!less)
        return;
    free(decoder->marks);
    decoder->marks = less;
    decoder->cap = MARKS_KEPT;
}

static bool is_key(hawse_view_t key, const char *name, size_t len)
{
    return key.len == len && memcmp(key.data, name, len) == 0;
}
#define KEY(name) is_key(key, "" name, sizeof(name) - 1)

/* ---- fields ---- */

static int32_t fixed(const hawse_json_value_t *value, uint8_t *out, uint64_t len)
{
    if (value->kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    return hawse_hex_fixed(value->data, value->len, out, len);
}

int32_t decode_quantity(const hawse_json_value_t *value, uint64_t *out)
{
    if (value->kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    return hawse_hex_u64(value->data, value->len, out);
}

static int32_t small(const hawse_json_value_t *value, uint32_t *out)
{
    uint64_t n;
    int32_t code = decode_quantity(value, &n);
    if (code == HAWSE_OK && n > UINT32_MAX)
        code = HAWSE_E_RANGE;
    *out = code == HAWSE_OK ? (uint32_t)n : 0;
    return code;
}

/* ---- header ---- */

enum { HAS_NUMBER = 1, HAS_HASH = 2, HAS_PARENT = 4, HAS_TIME = 8, HAS_HEAD = 15 };

static int32_t base_fee(const hawse_json_value_t *value, uint64_t *out)
{
    if (value->kind == HAWSE_JSON_NULL)
        return HAWSE_OK;
    int32_t code = decode_quantity(value, out);
    if (code != HAWSE_E_RANGE)
        return code;
    *out = UINT64_MAX;
    return HAWSE_OK;
}

static int32_t header_member(hawse_view_t key, const hawse_json_value_t *value,
                             struct chain_header *h, uint32_t *has)
{
    if (KEY("number")) {
        *has |= HAS_NUMBER;
        return decode_quantity(value, &h->number);
    }
    if (KEY("hash")) {
        *has |= HAS_HASH;
        return fixed(value, h->hash, 32);
    }
    if (KEY("parentHash")) {
        *has |= HAS_PARENT;
        return fixed(value, h->parent, 32);
    }
    if (KEY("timestamp")) {
        *has |= HAS_TIME;
        return decode_quantity(value, &h->timestamp);
    }
    if (KEY("gasLimit"))
        return decode_quantity(value, &h->gas_limit);
    if (KEY("gasUsed"))
        return decode_quantity(value, &h->gas_used);
    if (KEY("baseFeePerGas"))
        return base_fee(value, &h->base_fee);
    if (KEY("logsBloom") && value->kind == HAWSE_JSON_STRING) {
        h->has_bloom = true;
        return fixed(value, h->bloom, sizeof(h->bloom));
    }
    return HAWSE_OK;
}

int32_t decode_header(const hawse_json_t *doc, hawse_json_value_t *value, struct chain_header *h)
{
    hawse_view_t key;
    hawse_json_value_t member;
    uint32_t has = 0;
    int32_t code;
    if (value->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    memset(h, 0, sizeof(*h));
    hawse_json_rewind(value);
    while ((code = hawse_json_next(doc, value, &key, &member)) == 1) {
        code = header_member(key, &member, h, &has);
        if (code != HAWSE_OK)
            return code;
    }
    return code == 0 && has != HAS_HEAD ? HAWSE_E_FORMAT : code;
}

/* ---- log ---- */

enum {
    LOG_ADDRESS = 1,
    LOG_TOPICS = 2,
    LOG_DATA = 4,
    LOG_BLOCK = 8,
    LOG_BLOCK_HASH = 16,
    LOG_TX = 32,
    LOG_TX_INDEX = 64,
    LOG_INDEX = 128,
    LOG_ALL = 255
};

static int32_t topics(const hawse_json_t *doc, hawse_json_value_t *array, hawse_evm_log_t *out)
{
    hawse_json_value_t item;
    int32_t code;
    if (array->kind != HAWSE_JSON_ARRAY)
        return HAWSE_E_FORMAT;
    out->topic_count = 0;
    while ((code = hawse_json_next(doc, array, NULL, &item)) == 1) {
        if (out->topic_count == 4 || fixed(&item, out->topics[out->topic_count], 32) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        out->topic_count++;
    }
    return code;
}

static int32_t log_data(const hawse_json_value_t *value, hawse_evm_log_t *out, uint64_t cap)
{
    uint64_t need = 0;
    if (value->kind != HAWSE_JSON_STRING)
        return HAWSE_E_FORMAT;
    int32_t code = hawse_hex_data(value->data, value->len, (uint8_t *)out + sizeof(*out),
                                  cap - sizeof(*out), &need);
    out->data_len = (uint32_t)need;
    return code;
}

static int32_t log_place(hawse_view_t key, const hawse_json_value_t *value, hawse_evm_log_t *out,
                         uint32_t *has)
{
    if (KEY("blockNumber")) {
        *has |= LOG_BLOCK;
        return decode_quantity(value, &out->block_number);
    }
    if (KEY("transactionHash")) {
        *has |= LOG_TX;
        return fixed(value, out->tx_hash, 32);
    }
    if (KEY("transactionIndex")) {
        *has |= LOG_TX_INDEX;
        return small(value, &out->tx_index);
    }
    if (KEY("blockHash")) {
        *has |= LOG_BLOCK_HASH;
        return fixed(value, out->block_hash, 32);
    }
    if (KEY("logIndex")) {
        *has |= LOG_INDEX;
        return small(value, &out->log_index);
    }
    return HAWSE_OK;
}

static int32_t log_member(const hawse_json_t *doc, hawse_view_t key, hawse_json_value_t *value,
                          hawse_evm_log_t *out, uint64_t cap, uint32_t *has, bool *removed)
{
    if (KEY("address")) {
        *has |= LOG_ADDRESS;
        return fixed(value, out->address, 20);
    }
    if (KEY("topics")) {
        *has |= LOG_TOPICS;
        return topics(doc, value, out);
    }
    if (KEY("data")) {
        *has |= LOG_DATA;
        return log_data(value, out, cap);
    }
    if (KEY("removed")) {
        *removed = value->kind == HAWSE_JSON_TRUE;
        return HAWSE_OK;
    }
    return log_place(key, value, out, has);
}

int32_t decode_log(const hawse_json_t *doc, hawse_json_value_t *value, hawse_evm_log_t *out,
                   uint64_t cap, bool *removed)
{
    hawse_view_t key;
    hawse_json_value_t member;
    uint32_t has = 0;
    int32_t code;
    *removed = false;
    if (value->kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    memset(out, 0, sizeof(*out));
    out->size = sizeof(*out);
    out->data_offset = sizeof(*out);
    hawse_json_rewind(value);
    while ((code = hawse_json_next(doc, value, &key, &member)) == 1) {
        code = log_member(doc, key, &member, out, cap, &has, removed);
        if (code != HAWSE_OK)
            return code;
    }
    return code == 0 && has != LOG_ALL ? HAWSE_E_FORMAT : code;
}

int32_t decode_pending(const hawse_json_t *doc, hawse_json_value_t *value, uint8_t hash[32])
{
    hawse_json_value_t member;
    if (value->kind == HAWSE_JSON_STRING)
        return fixed(value, hash, 32);
    int32_t code = hawse_json_get(doc, value, "hash", &member);
    return code == HAWSE_OK ? fixed(&member, hash, 32) : code;
}

/* ---- envelopes ---- */

int32_t decode_frame(struct decoder *decoder, const uint8_t *text, uint64_t len,
                     struct decode_frame *frame)
{
    const hawse_json_t *doc = &decoder->doc;
    hawse_json_value_t root, params, member;
    int32_t code = decode_text(decoder, text, len, &root);
    if (code != HAWSE_OK)
        return code;
    if (root.kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    if (hawse_json_get(doc, &root, "method", &member) == HAWSE_OK) {
        frame->kind = DECODE_NOTIFICATION;
        if (!hawse_json_is(&member, "eth_subscription") ||
            hawse_json_get(doc, &root, "params", &params) != HAWSE_OK ||
            params.kind != HAWSE_JSON_OBJECT ||
            hawse_json_get(doc, &params, "subscription", &member) != HAWSE_OK ||
            hawse_json_raw(doc, &member, &frame->sub) != HAWSE_OK ||
            hawse_json_get(doc, &params, "result", &frame->value) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        return HAWSE_OK;
    }
    if (hawse_json_get(doc, &root, "id", &member) != HAWSE_OK ||
        hawse_json_u64(&member, &frame->id) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    frame->kind = DECODE_ERROR;
    if (hawse_json_get(doc, &root, "error", &frame->value) == HAWSE_OK &&
        frame->value.kind == HAWSE_JSON_OBJECT)
        return HAWSE_OK;
    frame->kind = DECODE_RESULT;
    return hawse_json_get(doc, &root, "result", &frame->value) == HAWSE_OK ? HAWSE_OK
                                                                           : HAWSE_E_FORMAT;
}

void decode_error(const hawse_json_t *doc, hawse_json_value_t *value, int64_t *code, char *message,
                  size_t cap)
{
    hawse_json_value_t member;
    *code = 0;
    message[0] = '\0';
    if (value->kind != HAWSE_JSON_OBJECT)
        return;
    if (hawse_json_get(doc, value, "code", &member) == HAWSE_OK)
        (void)hawse_json_i64(&member, code);
    if (hawse_json_get(doc, value, "message", &member) == HAWSE_OK &&
        member.kind == HAWSE_JSON_STRING) {
        size_t len = member.len < cap - 1 ? member.len : cap - 1;
        for (size_t i = 0; i < len; i++)
            message[i] = (char)(member.data[i] < ' ' ? '?' : member.data[i]);
        message[len] = '\0';
    }
}
