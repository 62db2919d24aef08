/* Reads the messages of a node; see logic.h. */
#include "logic.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <string.h>

enum { MARKS = 512 };

/* A member of an object that is a quantity, "0x1b4". */
static int32_t number(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                      uint64_t *out)
{
    hawse_json_value_t value;
    int32_t code = hawse_json_get(doc, object, key, &value);
    return code == HAWSE_OK ? hawse_hex_u64(value.data, value.len, out) : code;
}

static int32_t hash(const hawse_json_t *doc, hawse_json_value_t *object, const char *key,
                    uint8_t out[32])
{
    hawse_json_value_t value;
    int32_t code = hawse_json_get(doc, object, key, &value);
    return code == HAWSE_OK ? hawse_hex_fixed(value.data, value.len, out, 32) : code;
}

int32_t read_head(const uint8_t *text, uint64_t len, hawse_evm_block_t *block)
{
    uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root, params, head;
    int32_t code = hawse_json_index(&doc, text, len, marks, MARKS);
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code != HAWSE_OK)
        return code;
    if (hawse_json_get(&doc, &root, "params", &params) != HAWSE_OK ||
        hawse_json_get(&doc, &params, "result", &head) != HAWSE_OK)
        return 0;
    memset(block, 0, sizeof(*block));
    block->size = sizeof(*block);
    code = number(&doc, &head, "number", &block->number);
    if (code == HAWSE_OK)
        code = hash(&doc, &head, "hash", block->hash);
    if (code == HAWSE_OK)
        code = hash(&doc, &head, "parentHash", block->parent_hash);
    if (code == HAWSE_OK)
        code = number(&doc, &head, "timestamp", &block->timestamp);
    return code == HAWSE_OK ? 1 : code;
}
