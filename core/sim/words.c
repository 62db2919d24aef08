/*
 * JSON in and out: what engines are asked in, and reading what they answer without trusting it.
 */
#include "sim/internal.h"

#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/revert.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool words_set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0; /* refuses NULL on either side */
}

json_t *words_hex(const uint8_t *data, uint64_t len)
{
    char *text = malloc(2 * len + 3);
    if (!text)
        return NULL;
    memcpy(text, "0x", 3);
    hawse_hex_encode(data, len, text + 2);
    json_t *out = json_stringn_nocheck(text, 2 * len + 2);
    free(text);
    return out;
}

void words_address(const uint8_t address[20], char out[43])
{
    memcpy(out, "0x", 2);
    hawse_hex_encode(address, 20, out + 2);
    out[42] = '\0';
}

json_t *words_quantity(uint64_t n)
{
    char text[24];
    (void)hawse_hex_from_u64(n, text);
    return json_string(text);
}

json_t *words_u256(const hawse_u256_t *n)
{
    char text[HAWSE_HEX_QUANTITY_MAX];
    (void)hawse_hex_from_u256(n, text);
    return json_string(text);
}

/* ---- what is asked ---- */

static json_t *access_list(hawse_view_t view)
{
    hawse_rlp_t list = hawse_rlp(view.data, view.len);
    hawse_tx_access_t entry;
    json_t *out = json_array();
    while (hawse_tx_access_next(&list, &entry) == 1) {
        json_t *one = json_object(), *keys = json_array();
        for (uint64_t i = 0; i < entry.key_count; i++)
            (void)json_array_append_new(keys, words_hex(entry.keys + 33 * i + 1, 32));
        (void)words_set(one, "address", words_hex(entry.address, 20));
        (void)words_set(one, "storageKeys", keys);
        (void)json_array_append_new(out, one);
    }
    return out;
}

json_t *words_call(const struct sim_run *run, uint32_t index, bool fees)
{
    const struct sim_call *call = &run->calls[index];
    uint64_t gas = call->gas_limit > 0 ? call->gas_limit : run->result.gas[index].limit;
    json_t *out = json_object();
    bool good = words_set(out, "from", words_hex(run->request.from, 20)) &&
                words_set(out, "to", words_hex(call->to, 20)) &&
                words_set(out, "value", words_u256(&call->value)) &&
                words_set(out, "input", words_hex(call->data.data, call->data.len));
    if (good && gas > 0)
        good = words_set(out, "gas", words_quantity(gas));
    if (good && call->access_list.len > 0)
        good = words_set(out, "accessList", access_list(call->access_list));
    if (good && fees)
        good = words_set(out, "maxFeePerGas", words_u256(&run->request.max_fee)) &&
               words_set(out, "maxPriorityFeePerGas", words_u256(&run->request.tip));
    if (good)
        return out;
    json_decref(out);
    return NULL;
}

json_t *words_block(const struct sim_run *run)
{
    json_t *out = json_object();
    if (words_set(out, "blockHash", words_hex(run->request.block_hash, 32)))
        return out;
    json_decref(out);
    return NULL;
}

bool words_has_fees(const struct sim_run *run)
{
    return !hawse_u256_is_zero(&run->request.max_fee);
}

/* NULL = none are needed. */
static json_t *sender_state(const struct sim_run *run)
{
    if (!run->request.delegated && !run->request.has_nonce)
        return NULL;
    json_t *out = json_object();
    if (run->request.delegated) {
        uint8_t code[23] = {0xef, 0x01, 0x00};
        memcpy(code + 3, run->request.delegate, 20);
        (void)words_set(out, "code", words_hex(code, sizeof(code)));
    }
    if (run->request.has_nonce)
        (void)words_set(out, "nonce", words_quantity(run->request.nonce));
    return out;
}

static bool put_slot(json_t *state, const struct sim_slot *slot, const char *slots)
{
    char key[43], word[67] = "0x";
    words_address(slot->address, key);
    hawse_hex_encode(slot->slot, 32, word + 2);
    word[66] = '\0';
    if (!json_object_get(state, key) && !words_set(state, key, json_object()))
        return false;
    json_t *account = json_object_get(state, key);
    if (!json_object_get(account, slots) && !words_set(account, slots, json_object()))
        return false;
    return words_set(json_object_get(account, slots), word, words_hex(slot->value, 32));
}

json_t *words_state(const struct sim_run *run, const char *slots)
{
    json_t *out = json_object(), *sender = sender_state(run);
    char key[43];
    words_address(run->request.from, key);
    bool good = out && (!sender || words_set(out, key, sender));
    for (uint32_t i = 0; good && i < run->request.slot_count; i++)
        good = put_slot(out, &run->request.slots[i], slots);
    if (good)
        return out;
    json_decref(out);
    return NULL;
}

json_t *words_next_block(const struct sim_run *run)
{
    const struct sim_request *r = &run->request;
    static const uint8_t nothing[32];
    uint64_t step = (r->block_ms + 999) / 1000;
    json_t *out = json_object();
    (void)words_set(out, "number", words_quantity(r->block_number + 1));
    if (r->block_time > 0)
        (void)words_set(out, "time", words_quantity(r->block_time + (step > 0 ? step : 1)));
    if (!hawse_u256_is_zero(&r->base_fee))
        (void)words_set(out, "baseFeePerGas", words_u256(&r->base_fee));
    if (memcmp(r->prev_randao, nothing, 32) != 0)
        (void)words_set(out, "prevRandao", words_hex(r->prev_randao, 32));
    if (memcmp(r->fee_recipient, nothing, 20) != 0)
        (void)words_set(out, "feeRecipient", words_hex(r->fee_recipient, 20));
    return out;
}

/* ---- what was answered ---- */

json_t *words_parse(const struct sim_answer *answer)
{
    return json_loadb((const char *)answer->body, answer->body_len,
                      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

bool words_read_fixed(const json_t *value, uint8_t *out, uint64_t len)
{
    const char *text = json_string_value(value);
    return text &&
           hawse_hex_fixed((const uint8_t *)text, json_string_length(value), out, len) == HAWSE_OK;
}

bool words_read_u64(const json_t *value, uint64_t *out)
{
    const char *text = json_string_value(value);
    return text && hawse_hex_u64((const uint8_t *)text, json_string_length(value), out) == HAWSE_OK;
}

bool words_read_u256(const json_t *value, hawse_u256_t *out)
{
    const char *text = json_string_value(value);
    return text &&
           hawse_hex_u256((const uint8_t *)text, json_string_length(value), out) == HAWSE_OK;
}

bool words_read_bytes(const json_t *value, uint8_t **out, uint64_t *len)
{
    const char *text = json_string_value(value);
    size_t n = json_string_length(value);
    uint8_t *bytes = text ? malloc(n / 2 + 1) : NULL;
    if (bytes && hawse_hex_data((const uint8_t *)text, n, bytes, n / 2 + 1, len) == HAWSE_OK) {
        *out = bytes;
        return true;
    }
    free(bytes);
    return false;
}

void words_plain(char *out, size_t cap, const char *text)
{
    size_t i = 0;
    for (; text[i] && i + 1 < cap; i++)
        out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    out[i] = '\0';
}

uint32_t words_reason(char out[SIM_WORDS], const json_t *data, const char *message)
{
    uint8_t *bytes = NULL;
    uint64_t len = 0;
    uint32_t kind = HAWSE_REVERT_NONE;
    char text[1024];
    if (data && words_read_bytes(data, &bytes, &len) && len > 0) {
        hawse_revert_t revert;
        hawse_writer_t w = hawse_writer(text, sizeof(text) - 1);
        hawse_revert_decode(bytes, len, NULL, &revert);
        int32_t code = hawse_revert_text(&revert, NULL, &w);
        kind = revert.kind;
        text[code == HAWSE_OK ? w.len : 0] = '\0';
        if (code == HAWSE_OK)
            message = text;
    }
    words_plain(out, SIM_WORDS, message && message[0] ? message : "no reason given");
    free(bytes);
    return kind;
}

/* ---- names and the journal ---- */

const char *sim_finding_word(enum sim_finding_kind kind)
{
#define WORD(name, word, meaning) word,
    static const char *const words[] = {SIM_FINDING_LIST(WORD)};
    return words[kind];
}

const char *sim_finding_meaning(enum sim_finding_kind kind)
{
#define MEANING(name, word, meaning) meaning,
    static const char *const meanings[] = {SIM_FINDING_LIST(MEANING)};
    return meanings[kind];
}

static json_t *decimal(const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(n, text);
    return json_string(text);
}

static json_t *address(const uint8_t a[20])
{
    char text[43];
    hawse_eip55_format(a, text);
    return json_string(text);
}

static json_t *lists(const struct sim_result *r, json_t *out)
{
    json_t *flows = json_array(), *approvals = json_array(), *findings = json_array();
    json_t *calls = json_array();
    for (uint32_t i = 0; i < r->flow_count; i++)
        (void)json_array_append_new(
            flows, json_pack("{s:o,s:o,s:o,s:b}", "asset", address(r->flows[i].asset), "out",
                             decimal(&r->flows[i].out), "in", decimal(&r->flows[i].in), "measured",
                             r->flows[i].measured));
    for (uint32_t i = 0; i < r->approval_count; i++)
        (void)json_array_append_new(
            approvals,
            json_pack("{s:o,s:o,s:o,s:o*,s:b}", "asset", address(r->approvals[i].asset), "spender",
                      address(r->approvals[i].spender), "amount", decimal(&r->approvals[i].amount),
                      "left", r->approvals[i].left_known ? decimal(&r->approvals[i].left) : NULL,
                      "all", r->approvals[i].all));
    for (uint32_t i = 0; i < r->finding_count; i++)
        (void)json_array_append_new(findings, json_pack("{s:s,s:i,s:o}", "kind",
                                                        sim_finding_word(r->findings[i].kind),
                                                        "call", (int)r->findings[i].call, "where",
                                                        address(r->findings[i].where)));
    for (uint32_t i = 0; i < r->call_count; i++)
        (void)json_array_append_new(
            calls, json_pack("{s:o,s:I,s:I}", "binding", words_hex(r->bindings[i], 32), "gas_used",
                             (json_int_t)r->gas[i].used, "gas_limit", (json_int_t)r->gas[i].limit));
    (void)words_set(out, "calls", calls);
    (void)words_set(out, "flows", flows);
    (void)words_set(out, "approvals", approvals);
    (void)words_set(out, "findings", findings);
    return out;
}

int32_t sim_result_json(const struct sim_result *r, char *out, size_t cap)
{
    json_t *root =
        json_pack("{s:i,s:b,s:s,s:s,s:I,s:o,s:o,s:b,s:b}", "status", (int)r->status, "success",
                  r->success, "engine", sim_engine_name(r->engine), "reason", r->reason, "block",
                  (json_int_t)r->block_number, "block_hash", words_hex(r->block_hash, 32), "token",
                  words_hex(r->token, 32), "inspected", r->inspected, "validated", r->validated);
    size_t len = root ? json_dumpb(lists(r, root), out, cap, JSON_COMPACT) : cap;
    json_decref(root);
    if (len >= cap)
        return HAWSE_E_NOSPACE;
    out[len] = '\0';
    return (int32_t)len;
}
