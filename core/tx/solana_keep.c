/* What the journal has of Solana transactions, as text and back; see solana_desk.h. */
#include "tx/solana_desk.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAW_TEXT = HAWSE_BASE64_DIGITS(HAWSE_SOLANA_TX_MAX) + 1 };

static json_t *key_text(const uint8_t key[32])
{
    char text[HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(key, text);
    return json_string(text);
}

static json_t *number_text(uint64_t n)
{
    return json_sprintf("%llu", (unsigned long long)n);
}

static json_t *hex_text(const uint8_t bytes[32])
{
    char text[65] = "";
    hawse_hex_encode(bytes, 32, text);
    return json_string(text);
}

char *solana_attempt_text(const struct solana_attempt *a)
{
    const hawse_solana_life_t *life = &a->life;
    char raw[RAW_TEXT] = "", signature[HAWSE_BASE58_SIGNATURE_TEXT];
    hawse_base64_encode(a->raw, a->raw_len, raw);
    (void)hawse_base58_from_signature(a->signature, signature);
    json_t *o = json_pack("{s:I, s:I, s:b, s:s, s:o, s:o, s:o, s:o, s:s}", "number",
                          (json_int_t)a->number, "renewals", (json_int_t)a->renewals, "empty",
                          a->empty, "signature", signature, "binding", hex_text(a->binding), "slot",
                          number_text(a->slot), "hash", key_text(life->hash), "last_height",
                          number_text(life->last_block_height), "raw", raw);
    if (o && life->kind == HAWSE_SOLANA_LIFE_NONCE) {
        (void)json_object_set_new(o, "nonce", key_text(life->nonce));
        (void)json_object_set_new(o, "authority", key_text(life->authority));
    }
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

/* ---- back ---- */

static bool read_key(const json_t *o, const char *name, uint8_t out[32])
{
    const char *text = json_string_value(json_object_get(o, name));
    return text && hawse_base58_key((const uint8_t *)text, strlen(text), out) == HAWSE_OK;
}

static bool read_number(const json_t *o, const char *name, uint64_t *out)
{
    const char *text = json_string_value(json_object_get(o, name));
    hawse_u256_t wide;
    return text && hawse_u256_parse((const uint8_t *)text, strlen(text), &wide) == HAWSE_OK &&
           hawse_u256_to_u64(&wide, out) == HAWSE_OK;
}

static bool read_raw(const json_t *o, struct solana_attempt *a)
{
    const char *text = json_string_value(json_object_get(o, "raw"));
    uint64_t size = 0;
    hawse_solana_tx_t tx;
    if (!text || hawse_base64_size((const uint8_t *)text, strlen(text), &size) != HAWSE_OK ||
        size > sizeof(a->raw) ||
        hawse_base64_decode((const uint8_t *)text, strlen(text), a->raw) != HAWSE_OK ||
        hawse_solana_tx_decode(a->raw, size, &tx, NULL) != HAWSE_OK)
        return false;
    a->raw_len = (uint32_t)size;
    return memcmp(tx.signatures, a->signature, 64) == 0;
}

static bool read_all(const json_t *o, struct solana_attempt *a)
{
    const char *binding = json_string_value(json_object_get(o, "binding"));
    const char *signature = json_string_value(json_object_get(o, "signature"));
    bool durable = json_object_get(o, "nonce") != NULL;
    a->number = (uint32_t)json_integer_value(json_object_get(o, "number"));
    a->renewals = (uint32_t)json_integer_value(json_object_get(o, "renewals"));
    a->empty = json_is_true(json_object_get(o, "empty"));
    a->life.size = sizeof(a->life);
    a->life.kind = durable ? HAWSE_SOLANA_LIFE_NONCE : HAWSE_SOLANA_LIFE_BLOCKHASH;
    if (durable &&
        !(read_key(o, "nonce", a->life.nonce) && read_key(o, "authority", a->life.authority)))
        return false;
    return binding && strlen(binding) == 64 &&
           hawse_hex_decode((const uint8_t *)binding, a->binding, 32) == HAWSE_OK && signature &&
           hawse_base58_signature((const uint8_t *)signature, strlen(signature), a->signature) ==
               HAWSE_OK &&
           read_key(o, "hash", a->life.hash) && read_number(o, "slot", &a->slot) &&
           read_number(o, "last_height", &a->life.last_block_height) && read_raw(o, a);
}

int32_t solana_attempt_read(hawse_view_t text, struct solana_attempt *out)
{
    json_t *root = json_loadb((const char *)text.data, text.len, 0, NULL);
    memset(out, 0, sizeof(*out));
    bool good = root && read_all(json_object_get(root, "figures"), out);
    json_decref(root);
    return good ? HAWSE_OK : HAWSE_E_FORMAT;
}

/* ---- figures ---- */

static json_t *amount(const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(n, text);
    return json_string(text);
}

static json_t *flows_of(const struct sim_result *sim)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < sim->flow_count; i++) {
        char handle[43] = "0x";
        hawse_hex_encode(sim->flows[i].asset, 20, handle + 2);
        handle[42] = '\0';
        (void)json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "asset", handle, "out",
                                                    amount(&sim->flows[i].out), "in",
                                                    amount(&sim->flows[i].in)));
    }
    return list;
}

void solana_figures(struct solana_part *part, const struct solana_case *about)
{
    json_t *o = json_pack("{s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:o}", "engine",
                          "simulateTransaction", "binding", hex_text(about->binding), "slot",
                          number_text(about->seen->slot), "units", (json_int_t)about->units,
                          "limit", (json_int_t)about->limit, "fee", number_text(about->fee),
                          "lamports", number_text(part->lamports), "flows", flows_of(&part->sim));
    size_t n = o ? json_dumpb(o, part->figures, sizeof(part->figures) - 1, JSON_COMPACT) : 0;
    part->figures[n < sizeof(part->figures) ? n : 0] = '\0';
    json_decref(o);
}
