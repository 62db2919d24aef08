/* What relays answer; see relay.h. */
#include "tx/relay.h"

#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

void relay_header(const uint8_t address[20], const uint8_t signature[64], uint8_t parity,
                  char out[RELAY_HEADER])
{
    char who[43], digits[131] = "";
    uint8_t bytes[65];
    memcpy(bytes, signature, 64);
    bytes[64] = (uint8_t)(27 + parity);
    hawse_eip55_format(address, who);
    hawse_hex_encode(bytes, 65, digits);
    (void)snprintf(out, RELAY_HEADER, "%.42s:0x%.130s", who, digits);
}

static json_t *load(const uint8_t *text, size_t len)
{
    return json_loadb((const char *)text, len, JSON_DECODE_ANY, NULL);
}

/* 64 digits, with 0x or without. */
static int32_t hash_of(const json_t *value, uint8_t hash[32])
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (text && len == 66 && text[0] == '0' && text[1] == 'x') {
        text += 2;
        len -= 2;
    }
    if (!text || len != 64 || hawse_hex_decode((const uint8_t *)text, hash, 32) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t relay_read_hash(const uint8_t *text, size_t len, uint8_t hash[32])
{
    static const char *const names[] = {"bundleHash", "txHash", "tx_hash", "hash"};
    json_t *root = load(text, len);
    const json_t *value = root;
    for (size_t i = 0; json_is_object(root) && i < sizeof(names) / sizeof(names[0]); i++) {
        value = json_object_get(root, names[i]);
        if (value)
            break;
    }
    int32_t code = hash_of(value, hash);
    json_decref(root);
    return code;
}

int32_t relay_read_cancel(const uint8_t *text, size_t len, bool *canceled)
{
    json_t *root = load(text, len);
    bool known = json_is_boolean(root) || json_is_null(root);
    *canceled = json_is_true(root) || json_is_null(root);
    json_decref(root);
    return known ? HAWSE_OK : HAWSE_E_FORMAT;
}

/* Relays give numbers as JSON numbers, as decimal text and as "0x" text. */
static int32_t number_of(const json_t *o, const char *key, hawse_u256_t *out)
{
    const json_t *value = json_object_get(o, key);
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *out = hawse_u256((uint64_t)json_integer_value(value));
        return HAWSE_OK;
    }
    if (!text)
        return HAWSE_E_FORMAT;
    return len > 1 && text[1] == 'x' ? hawse_hex_u256((const uint8_t *)text, len, out)
                                     : hawse_u256_parse((const uint8_t *)text, len, out);
}

static int32_t small_of(const json_t *o, const char *key, uint64_t *out)
{
    hawse_u256_t n;
    return number_of(o, key, &n) == HAWSE_OK && hawse_u256_to_u64(&n, out) == HAWSE_OK
               ? HAWSE_OK
               : HAWSE_E_FORMAT;
}

static bool told(const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    return json_is_array(value) ? json_array_size(value) > 0 : json_string_length(value) > 0;
}

int32_t relay_read_call(const uint8_t *text, size_t len, struct relay_call *out)
{
    json_t *root = load(text, len);
    const json_t *results = json_object_get(root, "results");
    int32_t code = json_is_array(results) ? HAWSE_OK : HAWSE_E_FORMAT;
    *out = (struct relay_call){.count = (uint32_t)json_array_size(results)};
    for (; out->failed < out->count; out->failed++) {
        const json_t *one = json_array_get(results, out->failed);
        const char *revert = json_string_value(json_object_get(one, "revert"));
        const char *error = json_string_value(json_object_get(one, "error"));
        if (!error && !revert)
            continue;
        (void)snprintf(out->reason, sizeof(out->reason), "%s", revert ? revert : error);
        break;
    }
    for (char *c = out->reason; *c; c++)
        *c = *c >= 0x20 && *c < 0x7f ? *c : '?';
    json_decref(root);
    return code;
}

int32_t relay_read_stage(const uint8_t *text, size_t len, enum relay_stage *out)
{
    json_t *root = load(text, len);
    int32_t code = json_is_object(root) ? HAWSE_OK : HAWSE_E_FORMAT;
    *out = told(root, "sealedByBuildersAt")                     ? RELAY_STAGE_SEALED
           : told(root, "consideredByBuildersAt")               ? RELAY_STAGE_CONSIDERED
           : json_is_true(json_object_get(root, "isSimulated")) ? RELAY_STAGE_SIMULATED
           : told(root, "receivedAt")                           ? RELAY_STAGE_RECEIVED
                                                                : RELAY_STAGE_MISSING;
    json_decref(root);
    return code;
}

const char *relay_stage_word(enum relay_stage stage)
{
#define RELAY_STAGE_WORD(name, word) word,
    static const char *const words[] = {RELAY_STAGES(RELAY_STAGE_WORD)};
    return words[stage];
}

static const char *const status_words[] = {
#define RELAY_STATUS_WORD(name, word) word,
    RELAY_STATUSES(RELAY_STATUS_WORD)};

const char *relay_status_word(enum relay_status status)
{
    return status_words[status];
}

int32_t relay_read_fate(const uint8_t *text, size_t len, struct relay_fate *out)
{
    json_t *root = load(text, len);
    const char *word = json_string_value(json_object_get(root, "status"));
    int32_t code = HAWSE_E_FORMAT;
    *out = (struct relay_fate){0};
    for (size_t i = 0; word && i < RELAY_STATUS_COUNT; i++) {
        if (strcmp(word, status_words[i]) == 0) {
            out->status = (enum relay_status)i;
            code = HAWSE_OK;
        }
    }
    if (small_of(root, "maxBlockNumber", &out->max_block) != HAWSE_OK)
        out->max_block = 0;
    out->leaked = json_is_true(json_object_get(root, "seenInMempool"));
    json_decref(root);
    return code;
}
