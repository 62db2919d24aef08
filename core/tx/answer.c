/* Answers of nodes; see answer.h. */
#include "tx/answer.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

/* An object under the reader, and the marks it needs. */
struct reading {
    hawse_json_t doc;
    hawse_json_value_t root;
    uint32_t *marks;
};

static int32_t begin_any(struct reading *r, const uint8_t *text, uint64_t len)
{
    r->marks = NULL;
    if (len == 4 && memcmp(text, "null", 4) == 0)
        return HAWSE_E_NOTFOUND;
    if (len > 8u << 20)
        return HAWSE_E_FORMAT;
    r->marks = malloc((len + 1) * sizeof(uint32_t));
    if (!r->marks)
        return HAWSE_E_NOMEM;
    if (hawse_json_index(&r->doc, text, len, r->marks, (uint32_t)len + 1) != HAWSE_OK ||
        hawse_json_root(&r->doc, &r->root) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

static int32_t begin(struct reading *r, const uint8_t *text, uint64_t len)
{
    int32_t code = begin_any(r, text, len);
    return code == HAWSE_OK && r->root.kind != HAWSE_JSON_OBJECT ? HAWSE_E_FORMAT : code;
}

static bool number(struct reading *r, const char *key, bool needed, uint64_t *out)
{
    hawse_json_value_t v;
    if (hawse_json_get(&r->doc, &r->root, key, &v) != HAWSE_OK || v.kind != HAWSE_JSON_STRING)
        return !needed;
    return hawse_hex_u64(v.data, v.len, out) == HAWSE_OK;
}

static bool hash(struct reading *r, const char *key, uint8_t out[32])
{
    hawse_json_value_t v;
    return hawse_json_get(&r->doc, &r->root, key, &v) == HAWSE_OK && v.kind == HAWSE_JSON_STRING &&
           hawse_hex_fixed(v.data, v.len, out, 32) == HAWSE_OK;
}

int32_t answer_block(const uint8_t *text, uint64_t len, struct answer_block *out)
{
    struct reading r;
    memset(out, 0, sizeof(*out));
    int32_t code = begin(&r, text, len);
    hawse_json_value_t miner;
    if (code == HAWSE_OK && hawse_json_get(&r.doc, &r.root, "miner", &miner) == HAWSE_OK &&
        miner.kind == HAWSE_JSON_STRING &&
        hawse_hex_fixed(miner.data, miner.len, out->miner, 20) != HAWSE_OK)
        code = HAWSE_E_FORMAT;
    if (code == HAWSE_OK &&
        !(number(&r, "number", true, &out->number) && hash(&r, "hash", out->hash) &&
          hash(&r, "parentHash", out->parent) && number(&r, "timestamp", true, &out->time) &&
          number(&r, "gasLimit", true, &out->gas_limit) &&
          number(&r, "gasUsed", true, &out->gas_used) &&
          number(&r, "baseFeePerGas", false, &out->base_fee)))
        code = HAWSE_E_FORMAT;
    free(r.marks);
    return code;
}

int32_t answer_receipt(const uint8_t *text, uint64_t len, struct answer_receipt *out)
{
    struct reading r;
    uint64_t status = 0;
    memset(out, 0, sizeof(*out));
    int32_t code = begin(&r, text, len);
    if (code == HAWSE_OK &&
        !(hash(&r, "transactionHash", out->hash) && hash(&r, "blockHash", out->block_hash) &&
          number(&r, "blockNumber", true, &out->block) && number(&r, "status", true, &status) &&
          number(&r, "gasUsed", true, &out->gas_used) &&
          number(&r, "effectiveGasPrice", false, &out->gas_price) && status <= 1))
        code = HAWSE_E_FORMAT;
    out->succeeded = status == 1;
    free(r.marks);
    return code;
}

/* 1: it is the one; 0: another; HAWSE_E_FORMAT. */
static int32_t is_sent_by(struct reading *r, hawse_json_value_t *tx, const uint8_t sender[20],
                          uint64_t nonce, uint8_t hash_of[32])
{
    hawse_json_value_t from, n, hash;
    uint8_t address[20];
    uint64_t number = 0;
    if (tx->kind != HAWSE_JSON_OBJECT || hawse_json_get(&r->doc, tx, "from", &from) != HAWSE_OK ||
        hawse_json_get(&r->doc, tx, "nonce", &n) != HAWSE_OK ||
        hawse_json_get(&r->doc, tx, "hash", &hash) != HAWSE_OK || from.kind != HAWSE_JSON_STRING ||
        n.kind != HAWSE_JSON_STRING || hash.kind != HAWSE_JSON_STRING ||
        hawse_hex_fixed(from.data, from.len, address, 20) != HAWSE_OK ||
        hawse_hex_u64(n.data, n.len, &number) != HAWSE_OK ||
        hawse_hex_fixed(hash.data, hash.len, hash_of, 32) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return memcmp(address, sender, 20) == 0 && number == nonce;
}

int32_t answer_sent_by(const uint8_t *text, uint64_t len, const uint8_t sender[20], uint64_t nonce,
                       uint8_t hash_of[32])
{
    struct reading r;
    hawse_json_value_t list, tx;
    int32_t code = begin(&r, text, len);
    if (code == HAWSE_OK && (hawse_json_get(&r.doc, &r.root, "transactions", &list) != HAWSE_OK ||
                             list.kind != HAWSE_JSON_ARRAY))
        code = HAWSE_E_FORMAT;
    int32_t is = 0;
    while (code == HAWSE_OK && is == 0) {
        int32_t more = hawse_json_next(&r.doc, &list, NULL, &tx);
        if (more == 0)
            code = HAWSE_E_NOTFOUND;
        else if (more < 0)
            code = HAWSE_E_FORMAT;
        else
            is = is_sent_by(&r, &tx, sender, nonce, hash_of);
        if (is < 0)
            code = is;
    }
    free(r.marks);
    return code;
}

/* A log as safe.h has it; `room` is what its parts are read into. */
struct log_room {
    uint8_t address[20], topics[4 * 32], data[32];
};

static int32_t read_topics(const hawse_json_t *doc, hawse_json_value_t *topics,
                           struct log_room *room, struct safe_log *out)
{
    hawse_json_value_t topic;
    int32_t more;
    while ((more = hawse_json_next(doc, topics, NULL, &topic)) == 1) {
        if (out->topic_count == 4 || topic.kind != HAWSE_JSON_STRING ||
            hawse_hex_fixed(topic.data, topic.len, room->topics + 32 * out->topic_count, 32) !=
                HAWSE_OK)
            return HAWSE_E_FORMAT;
        out->topic_count++;
    }
    return more == 0 ? HAWSE_OK : HAWSE_E_FORMAT;
}

static int32_t read_safe_log(const hawse_json_t *doc, hawse_json_value_t *log,
                             struct log_room *room, struct safe_log *out)
{
    hawse_json_value_t address, topics, data;
    *out = (struct safe_log){.address = room->address, .topics = room->topics, .data = room->data};
    if (log->kind != HAWSE_JSON_OBJECT || hawse_json_get(doc, log, "address", &address) != 0 ||
        address.kind != HAWSE_JSON_STRING || hawse_json_get(doc, log, "topics", &topics) != 0 ||
        topics.kind != HAWSE_JSON_ARRAY || hawse_json_get(doc, log, "data", &data) != 0 ||
        data.kind != HAWSE_JSON_STRING ||
        hawse_hex_fixed(address.data, address.len, room->address, 20) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (data.len >= 66) { /* the first word is enough */
        if (memcmp(data.data, "0x", 2) != 0 ||
            hawse_hex_decode(data.data + 2, room->data, 32) != HAWSE_OK)
            return HAWSE_E_FORMAT;
        out->data_len = 32;
    }
    return read_topics(doc, &topics, room, out);
}

/* Where a log of eth_getLogs stands. */
static int32_t read_place(const hawse_json_t *doc, hawse_json_value_t *log, struct answer_fate *out)
{
    hawse_json_value_t block, tx;
    if (hawse_json_get(doc, log, "blockNumber", &block) != 0 || block.kind != HAWSE_JSON_STRING ||
        hawse_json_get(doc, log, "transactionHash", &tx) != 0 || tx.kind != HAWSE_JSON_STRING ||
        hawse_hex_u64(block.data, block.len, &out->block) != HAWSE_OK ||
        hawse_hex_fixed(tx.data, tx.len, out->executed, 32) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

static int32_t logs_of(struct reading *r, hawse_json_value_t *logs)
{
    if (r->root.kind == HAWSE_JSON_ARRAY) {
        *logs = r->root;
        return HAWSE_OK;
    }
    return r->root.kind == HAWSE_JSON_OBJECT &&
                   hawse_json_get(&r->doc, &r->root, "logs", logs) == HAWSE_OK &&
                   logs->kind == HAWSE_JSON_ARRAY
               ? HAWSE_OK
               : HAWSE_E_FORMAT;
}

int32_t answer_safe(const uint8_t *text, uint64_t len, const struct safe_place *place,
                    const uint8_t hash_of[32], struct answer_fate *out)
{
    struct reading r;
    struct log_room room;
    struct safe_log one;
    hawse_json_value_t logs, log;
    int32_t more = 0, code = begin_any(&r, text, len);
    *out = (struct answer_fate){.end = SAFE_NOT_EXECUTED};
    if (code == HAWSE_OK)
        code = logs_of(&r, &logs);
    while (code == HAWSE_OK && out->end == SAFE_NOT_EXECUTED &&
           (more = hawse_json_next(&r.doc, &logs, NULL, &log)) == 1) {
        code = read_safe_log(&r.doc, &log, &room, &one);
        if (code == HAWSE_OK)
            out->end = safe_log_read(place, hash_of, &one);
        if (code == HAWSE_OK && out->end != SAFE_NOT_EXECUTED && r.root.kind == HAWSE_JSON_ARRAY)
            code = read_place(&r.doc, &log, out);
    }
    free(r.marks);
    return code != HAWSE_OK ? code : more < 0 ? HAWSE_E_FORMAT : HAWSE_OK;
}

int32_t answer_u256(const uint8_t *text, uint64_t len, hawse_u256_t *out)
{
    if (len < 2 || text[0] != '"' || text[len - 1] != '"' ||
        hawse_hex_u256(text + 1, len - 2, out) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t answer_u64(const uint8_t *text, uint64_t len, uint64_t *out)
{
    hawse_u256_t wide;
    if (answer_u256(text, len, &wide) != HAWSE_OK || hawse_u256_to_u64(&wide, out) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}
