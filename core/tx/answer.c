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

static int32_t begin(struct reading *r, const uint8_t *text, uint64_t len)
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
        hawse_json_root(&r->doc, &r->root) != HAWSE_OK || r->root.kind != HAWSE_JSON_OBJECT)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
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

/* Keccak-256 of Transfer(address,address,uint256) */
static const char transfer_topic[] =
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/* Is this topic the account, as an address in 32 bytes? */
static bool is_account(const hawse_json_value_t *topic, const uint8_t account[20], int32_t *code)
{
    uint8_t word[32];
    if (hawse_hex_fixed(topic->data, topic->len, word, 32) != HAWSE_OK)
        *code = HAWSE_E_FORMAT;
    return *code == HAWSE_OK && memcmp(word + 12, account, 20) == 0;
}

/* 1: a transfer of the account; 0: another log. */
static int32_t read_transfer(const hawse_json_t *doc, hawse_json_value_t *log,
                             const uint8_t account[20], struct answer_transfer *out)
{
    hawse_json_value_t address, topics, topic, from, to, data;
    int32_t code = HAWSE_OK;
    if (hawse_json_get(doc, log, "address", &address) != HAWSE_OK ||
        hawse_hex_fixed(address.data, address.len, out->asset, 20) != HAWSE_OK ||
        hawse_json_get(doc, log, "topics", &topics) != HAWSE_OK ||
        topics.kind != HAWSE_JSON_ARRAY || hawse_json_get(doc, log, "data", &data) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    if (hawse_json_next(doc, &topics, NULL, &topic) != 1 ||
        !hawse_json_is(&topic, transfer_topic) || hawse_json_next(doc, &topics, NULL, &from) != 1 ||
        hawse_json_next(doc, &topics, NULL, &to) != 1 ||
        hawse_json_next(doc, &topics, NULL, &topic) != 0 || data.len != 66)
        return 0; /* another event, or one of a collection */
    bool out_of = is_account(&from, account, &code);
    out->in = is_account(&to, account, &code);
    if (code == HAWSE_OK && hawse_hex_u256(data.data, data.len, &out->amount) != HAWSE_OK)
        code = HAWSE_E_FORMAT;
    if (code != HAWSE_OK)
        return code;
    return out_of != out->in; /* to itself moves nothing */
}

int32_t answer_transfers(const uint8_t *text, uint64_t len, const uint8_t account[20],
                         struct answer_transfer *out, uint32_t cap)
{
    struct reading r;
    hawse_json_value_t logs, log;
    struct answer_transfer one;
    int32_t count = 0, more = 0;
    int32_t code = begin(&r, text, len);
    if (code == HAWSE_OK && (hawse_json_get(&r.doc, &r.root, "logs", &logs) != HAWSE_OK ||
                             logs.kind != HAWSE_JSON_ARRAY))
        code = HAWSE_E_FORMAT;
    while (code == HAWSE_OK && (more = hawse_json_next(&r.doc, &logs, NULL, &log)) == 1) {
        int32_t is = log.kind == HAWSE_JSON_OBJECT ? read_transfer(&r.doc, &log, account, &one)
                                                   : HAWSE_E_FORMAT;
        code = is < 0 ? is : code;
        if (is == 1 && (uint32_t)count < cap)
            out[count] = one;
        count += is == 1;
    }
    free(r.marks);
    return code != HAWSE_OK ? code : more < 0 ? HAWSE_E_FORMAT : count;
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
