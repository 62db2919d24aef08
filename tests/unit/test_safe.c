/*
 * Hashes that owners of a Safe sign, and signed messages, against vectors that were made and run by
 * the official kits and contracts.
 */
#include "vectors.h"

#include <hawse/abi_codec.h>
#include <hawse/eip191.h>
#include <hawse/eip712.h>
#include <hawse/safe.h>
#include <hawse/u256.h>

/* Decimal text or a JSON integer. */
static hawse_u256_t number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    hawse_u256_t n = hawse_u256((uint64_t)json_integer_value(value));
    if (text && hawse_u256_parse((const uint8_t *)text, strlen(text), &n) != HAWSE_OK)
        FAIL("%s is not a number", key);
    return n;
}

static hawse_safe_tx_t tx_of(const json_t *row)
{
    const json_t *tx = json_object_get(row, "tx");
    hawse_safe_tx_t out = {
        .operation = (uint32_t)json_integer_value(json_object_get(tx, "operation")),
        .value = number_of(tx, "value"),
        .safe_tx_gas = number_of(tx, "safeTxGas"),
        .base_gas = number_of(tx, "baseGas"),
        .gas_price = number_of(tx, "gasPrice"),
        .nonce = number_of(tx, "nonce"),
    };
    fixed_of(tx, "to", out.to, 20);
    fixed_of(tx, "gasToken", out.gas_token, 20);
    fixed_of(tx, "refundReceiver", out.refund_receiver, 20);
    out.data.data = data_of(tx, "data", &out.data.len);
    return out;
}

/* The call of the contract that executes it. */
static void check_call(const json_t *row, const hawse_safe_tx_t *tx)
{
    static const char text[] = "execTransaction(address,uint256,bytes,uint8,uint256,uint256,"
                               "uint256,address,address,bytes)";
    static hawse_abi_declaration_t d;
    static hawse_abi_encoder_t e;
    static uint8_t out[4000];
    uint64_t len;
    uint8_t *signatures = data_of(row, "packedSignatures", &len);
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    CHECK_EQ(hawse_abi_parse(text, sizeof(text) - 1, &d, NULL), HAWSE_OK);
    hawse_abi_call_begin(&e, &d, &w);
    hawse_abi_put_address(&e, tx->to);
    hawse_abi_put_uint(&e, &tx->value);
    hawse_abi_put_bytes(&e, tx->data.data, tx->data.len);
    hawse_abi_put_u64(&e, tx->operation);
    hawse_abi_put_uint(&e, &tx->safe_tx_gas);
    hawse_abi_put_uint(&e, &tx->base_gas);
    hawse_abi_put_uint(&e, &tx->gas_price);
    hawse_abi_put_address(&e, tx->gas_token);
    hawse_abi_put_address(&e, tx->refund_receiver);
    hawse_abi_put_bytes(&e, signatures, len);
    CHECK_EQ(hawse_abi_end(&e), HAWSE_OK);
    check_hex(text_of(row, "label"), row, "execCalldata", out, w.len);
    free(signatures);
}

static size_t check_rows(const json_t *rows)
{
    const json_t *row, *place = NULL; /* a row that names no Safe is of the one before it */
    size_t i;
    json_array_foreach((json_t *)rows, i, row)
    {
        uint8_t safe[20], hash[32];
        hawse_safe_tx_t tx = tx_of(row);
        place = json_object_get(row, "safe") ? row : place;
        hawse_u256_t chain = number_of(place, "chainId");
        fixed_of(place, "safe", safe, 20);
        CHECK_EQ(hawse_safe_hash(&tx, &chain, safe, hash), HAWSE_OK);
        check_hex(text_of(row, "label"), row, "safeTxHash", hash, 32);
        if (json_object_get(row, "execCalldata") && json_object_get(row, "packedSignatures"))
            check_call(row, &tx);
        free((void *)(uintptr_t)tx.data.data);
    }
    return i;
}

TEST(safe_hashes, "transactions of a Safe have the hashes and calls that the contracts took")
{
    json_t *root = vectors_load("safe-tx.json");
    CHECK_EQ(check_rows(json_object_get(root, "executed")), 11);
    CHECK_EQ(check_rows(json_object_get(root, "offchain_only")), 2);
    json_decref(root);
}

TEST(safe_old, "a Safe before 1.3.0 has another domain, and an unknown operation is refused")
{
    json_t *root = vectors_load("safe-tx.json");
    hawse_safe_tx_t tx = {.operation = HAWSE_SAFE_CALL};
    static hawse_eip712_schema_t schema;
    uint8_t safe[20] = {7}, old[32], now[32];
    hawse_u256_t chain = hawse_u256(1);
    static const char type[] = "EIP712Domain(address verifyingContract)";
    CHECK_EQ(hawse_eip712_parse(&schema, type, sizeof(type) - 1, NULL), HAWSE_OK);
    check_hex("domain", json_object_get(root, "constants"),
              "DOMAIN_SEPARATOR_TYPEHASH_before_1_3_0", schema.structs[0].hash, 32);
    CHECK_EQ(hawse_safe_hash(&tx, NULL, safe, old), HAWSE_OK);
    CHECK_EQ(hawse_safe_hash(&tx, &chain, safe, now), HAWSE_OK);
    CHECK(memcmp(old, now, 32) != 0);
    tx.operation = 2;
    CHECK_EQ(hawse_safe_hash(&tx, &chain, safe, now), HAWSE_E_INVAL);
    json_decref(root);
}

TEST(safe_batches, "calls are packed as MultiSend unpacks them")
{
    json_t *root = vectors_load("safe-tx.json"), *row, *call;
    uint8_t out[1000];
    size_t i, k;
    json_array_foreach(json_object_get(root, "multisend"), i, row)
    {
        hawse_writer_t w = hawse_writer(out, sizeof(out));
        json_array_foreach(json_object_get(row, "calls"), k, call)
        {
            uint8_t to[20];
            uint64_t len;
            uint8_t *data = data_of(call, "data", &len);
            hawse_u256_t value = number_of(call, "value");
            fixed_of(call, "to", to, 20);
            hawse_safe_batch_put(&w,
                                 (uint32_t)json_integer_value(json_object_get(call, "operation")),
                                 to, &value, data, len);
            free(data);
        }
        check_hex("batch", row, "packed", out, w.len);
    }
    CHECK_EQ(i, 1);
    json_decref(root);
}

TEST(flashbots_digests, "requests to relays are signed over the text of their body's hash")
{
    json_t *root = vectors_load("flashbots-signature.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "vectors"), i, row)
    {
        uint8_t digest[32];
        const char *body = text_of(row, "body"), *signed_text = text_of(row, "signedText");
        hawse_flashbots_digest((const uint8_t *)body, strlen(body), digest);
        check_hex(text_of(row, "method"), row, "eip191Digest", digest, 32);
        hawse_eip191_digest((const uint8_t *)signed_text, strlen(signed_text), digest);
        check_hex(text_of(row, "method"), row, "eip191Digest", digest, 32);
    }
    CHECK_EQ(i, 6);
    json_decref(root);
}
