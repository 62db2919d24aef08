/*
 * Transactions against vectors that viem and ethers agree on, and the rules of the EIPs.
 */
#include "vectors.h"

#include <hawse/address.h>
#include <hawse/tx.h>
#include <hawse/u256.h>

/* Memory for the lists of one transaction. */
struct lists {
    uint8_t bytes[3][20000];
    hawse_writer_t access, authorizations, blobs;
};

static hawse_u256_t number_of(const json_t *object, const char *key)
{
    hawse_u256_t n = hawse_u256(0);
    const char *text = json_string_value(json_object_get(object, key));
    if (text && hawse_hex_u256((const uint8_t *)text, strlen(text), &n) != HAWSE_OK)
        FAIL("%s is not a quantity", key);
    return n;
}

static void read_access(const json_t *tx, struct lists *lists)
{
    const json_t *entry, *key;
    size_t i, k;
    json_array_foreach(json_object_get(tx, "accessList"), i, entry)
    {
        uint8_t address[20], keys[600][32];
        fixed_of(entry, "address", address, 20);
        json_array_foreach(json_object_get(entry, "storageKeys"), k, key)
        {
            const uint8_t *text = (const uint8_t *)json_string_value(key);
            CHECK_EQ(hawse_hex_fixed(text, json_string_length(key), keys[k], 32), HAWSE_OK);
        }
        hawse_tx_access_put(&lists->access, address, keys[0], k);
    }
}

static void read_authorizations(const json_t *tx, struct lists *lists)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(json_object_get(tx, "authorizationList"), i, entry)
    {
        uint8_t hash[32];
        hawse_tx_authorization_t a = {
            .chain_id = number_of(entry, "chainId"),
            .nonce = number_of(entry, "nonce").limb[0],
        };
        fixed_of(entry, "address", a.address, 20);
        fixed_of(entry, "r", a.signature.r, 32);
        fixed_of(entry, "s", a.signature.s, 32);
        a.signature.y_parity = (uint32_t)json_integer_value(json_object_get(entry, "yParity"));
        hawse_tx_authorization_hash(&a, hash);
        check_hex("authorization", entry, "hash", hash, 32);
        hawse_tx_authorization_put(&lists->authorizations, &a);
    }
}

static hawse_view_t written(const hawse_writer_t *w)
{
    hawse_view_t view = {w->data, w->len};
    CHECK_EQ(hawse_writer_end(w), HAWSE_OK);
    return view;
}

static hawse_tx_t tx_of(const json_t *row, struct lists *lists)
{
    const json_t *tx = json_object_get(row, "tx");
    hawse_tx_t out = {
        .type = (uint32_t)json_integer_value(json_object_get(row, "type")),
        .create = json_is_null(json_object_get(tx, "to")),
        .chain_id = number_of(tx, "chainId").limb[0],
        .nonce = number_of(tx, "nonce").limb[0],
        .gas_limit = number_of(tx, "gasLimit").limb[0],
        .max_priority_fee = number_of(tx, "maxPriorityFeePerGas"),
        .value = number_of(tx, "value"),
    };
    out.max_fee = number_of(tx, out.type >= HAWSE_TX_DYNAMIC_FEE ? "maxFeePerGas" : "gasPrice");
    if (!out.create)
        fixed_of(tx, "to", out.to, 20);
    out.data.data = data_of(tx, "data", &out.data.len);
    lists->access = hawse_writer(lists->bytes[0], sizeof(lists->bytes[0]));
    lists->authorizations = hawse_writer(lists->bytes[1], sizeof(lists->bytes[1]));
    read_access(tx, lists);
    read_authorizations(tx, lists);
    out.access_list = written(&lists->access);
    out.authorizations = written(&lists->authorizations);
    return out;
}

static hawse_tx_signature_t signature_of(const json_t *row)
{
    hawse_tx_signature_t out = {
        .y_parity = (uint32_t)json_integer_value(json_object_get(row, "yParity")),
    };
    fixed_of(row, "r", out.r, 32);
    fixed_of(row, "s", out.s, 32);
    return out;
}

/* Decodes, and encodes what came out: the same bytes, and no byte less is accepted. */
static void check_decodes(const char *name, const uint8_t *bytes, uint64_t len, int is_signed)
{
    static uint8_t again[40000];
    hawse_tx_t tx;
    hawse_tx_signature_t signature;
    hawse_tx_place_t place;
    int32_t result = hawse_tx_decode(bytes, len, &tx, is_signed ? &signature : NULL, &place);
    if (result != HAWSE_OK)
        FAIL("%s: error %d in %s at %d", name, result, place.field, (int)place.at);
    hawse_writer_t w = hawse_writer(again, sizeof(again));
    CHECK_EQ(hawse_tx_encode(&tx, is_signed ? &signature : NULL, &w, NULL, NULL), HAWSE_OK);
    CHECK_EQ_U64(w.len, len);
    CHECK_MEM(again, bytes, len);
    uint8_t *cut = malloc(len);
    for (uint64_t n = 0; n < len; n += len < 200 ? 1 : len / 100) {
        memcpy(cut, bytes, n);
        CHECK(hawse_tx_decode(cut, n, &tx, is_signed ? &signature : NULL, &place) < 0);
        CHECK(place.at <= n && place.field);
    }
    free(cut);
}

static void check_row(const json_t *row)
{
    static struct lists lists;
    static uint8_t out[40000];
    const char *name = text_of(row, "name");
    uint8_t hash[32], address[20];
    hawse_tx_t tx = tx_of(row, &lists);
    hawse_tx_signature_t signature = signature_of(row);
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    CHECK_EQ(hawse_tx_encode(&tx, NULL, &w, hash, NULL), HAWSE_OK);
    check_hex(name, row, "unsigned", out, w.len);
    check_hex(name, row, "signingHash", hash, 32);
    check_decodes(name, out, w.len, 0);
    w = hawse_writer(out, sizeof(out));
    CHECK_EQ(hawse_tx_encode(&tx, &signature, &w, hash, NULL), HAWSE_OK);
    check_hex(name, row, "raw", out, w.len);
    check_hex(name, row, "hash", hash, 32);
    check_decodes(name, out, w.len, 1);
    uint64_t intrinsic, least;
    hawse_tx_intrinsic_gas(&tx, &intrinsic, &least);
    CHECK_EQ(intrinsic, json_integer_value(json_object_get(row, "intrinsicGas")));
    CHECK_EQ(least, json_integer_value(json_object_get(row, "floorGas7623")));
    if (json_is_string(json_object_get(row, "contractAddress"))) {
        uint8_t from[20], want[20];
        fixed_of(row, "from", from, 20);
        fixed_of(row, "contractAddress", want, 20);
        hawse_address_create(from, tx.nonce, address);
        CHECK_MEM(address, want, 20);
    }
    free((void *)(uintptr_t)tx.data.data);
}

TEST(tx_keys, "accounts have the addresses of their public keys")
{
    json_t *root = vectors_load("evm-tx.json"), *row;
    const char *name;
    json_object_foreach(json_object_get(root, "keys"), name, row)
    {
        uint8_t key[65], want[20], got[20];
        fixed_of(row, "publicKey", key, 65);
        fixed_of(row, "address", want, 20);
        hawse_address_of_key(key + 1, got);
        CHECK_MEM(got, want, 20);
    }
    json_decref(root);
}

TEST(tx_vectors, "44 transactions of four types have the bytes and hashes of viem and ethers")
{
    json_t *root = vectors_load("evm-tx.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row) check_row(row);
    CHECK_EQ(i, 44);
    json_decref(root);
}

/* ---- rules ---- */

static const hawse_tx_signature_t one = {.r = {[31] = 1}, .s = {[31] = 1}};

static hawse_tx_t plain(uint32_t type)
{
    hawse_tx_t tx = {.type = type, .chain_id = 100, .gas_limit = 21000, .to = {1}};
    return tx;
}

static uint32_t fault_of(const hawse_tx_t *tx)
{
    uint32_t fault = HAWSE_TX_FAULT_NONE;
    int32_t result = hawse_tx_check(tx, &fault);
    CHECK_EQ(result, fault ? HAWSE_E_INVAL : HAWSE_OK);
    CHECK(fault == 0 || strlen(hawse_tx_fault_text(fault)) > 10);
    return fault;
}

/* What encoding says of it. */
static uint32_t form_of(const hawse_tx_t *tx)
{
    uint8_t out[1000];
    uint32_t fault = HAWSE_TX_FAULT_NONE;
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    int32_t result = hawse_tx_encode(tx, NULL, &w, NULL, &fault);
    CHECK_EQ(result, fault ? HAWSE_E_INVAL : HAWSE_OK);
    CHECK_EQ(w.len == 0, fault != 0);
    return fault;
}

TEST(tx_rules, "what no chain would take is named")
{
    hawse_tx_t tx = plain(HAWSE_TX_DYNAMIC_FEE);
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_NONE);
    tx.max_priority_fee = hawse_u256(1);
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_FEES);
    tx.max_fee = hawse_u256(1);
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_NONE);
    tx.nonce = UINT64_MAX;
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_NONCE);
    tx.nonce--;
    tx.gas_limit = 20999;
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_GAS);
    tx.gas_limit = 21030; /* 21016 to run, 21040 for its data */
    tx.data = (hawse_view_t){(const uint8_t *)"x", 1};
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_GAS);
    tx.gas_limit = 21040;
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_NONE);
    tx = plain(5);
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_TYPE);
    tx = plain(HAWSE_TX_SET_CODE);
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_NO_AUTHORIZATION);
    memset(tx.to, 0, 20);
    tx.create = 1;
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_CREATE);
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_CREATE);
}

TEST(tx_blobs, "a blob transaction carries its hashes, and only good ones")
{
    uint8_t list[100], out[300], hash[32] = {1};
    hawse_tx_t tx = plain(HAWSE_TX_BLOB), back;
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_NO_BLOB);
    hawse_writer_t w = hawse_writer(list, sizeof(list));
    hawse_tx_blob_hash_put(&w, hash);
    tx.blob_hashes = written(&w);
    tx.max_blob_fee = hawse_u256_from_u128(0, 1);
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_NONE);
    hash[0] = 2;
    hawse_tx_blob_hash_put(&w, hash);
    tx.blob_hashes = written(&w);
    CHECK_EQ(fault_of(&tx), HAWSE_TX_FAULT_BLOB_VERSION);
    w = hawse_writer(out, sizeof(out));
    CHECK_EQ(hawse_tx_encode(&tx, &one, &w, NULL, NULL), HAWSE_OK);
    hawse_tx_signature_t signature;
    CHECK_EQ(hawse_tx_decode(out, w.len, &back, &signature, NULL), HAWSE_OK);
    CHECK_EQ_U64(back.max_blob_fee.limb[1], 1);
    hawse_rlp_t hashes = hawse_rlp(back.blob_hashes.data, back.blob_hashes.len);
    CHECK_EQ(hawse_tx_blob_hash_next(&hashes, hash), 1);
    CHECK_EQ(hash[0], 1);
    CHECK_EQ(hawse_tx_blob_hash_next(&hashes, hash), 1);
    CHECK_EQ(hash[0], 2);
    CHECK_EQ(hawse_tx_blob_hash_next(&hashes, hash), 0);
}

TEST(tx_fields, "a field that a type does not have is never dropped silently")
{
    const hawse_view_t entry = {(const uint8_t *)"\xc0", 1};
    hawse_tx_t tx = plain(HAWSE_TX_LEGACY);
    tx.max_priority_fee = hawse_u256(1);
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_FIELD);
    tx = plain(HAWSE_TX_LEGACY);
    tx.access_list = entry;
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_FIELD);
    tx = plain(HAWSE_TX_DYNAMIC_FEE);
    tx.authorizations = entry;
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_FIELD);
    tx = plain(HAWSE_TX_SET_CODE);
    tx.blob_hashes = entry;
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_FIELD);
    tx = plain(HAWSE_TX_SET_CODE);
    tx.max_blob_fee = hawse_u256(1);
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_FIELD);
    tx = plain(HAWSE_TX_LEGACY);
    tx.create = 1; /* and a destination */
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_FIELD);
    tx = plain(HAWSE_TX_DYNAMIC_FEE);
    tx.access_list = entry; /* an entry without an address */
    CHECK_EQ(form_of(&tx), HAWSE_TX_FAULT_LIST);
}

static uint32_t signature_fault(const char *r, const char *s, uint32_t parity)
{
    hawse_tx_signature_t signature = {.y_parity = parity};
    uint32_t fault = HAWSE_TX_FAULT_NONE;
    CHECK_EQ(hawse_hex_decode((const uint8_t *)r, signature.r, 32), HAWSE_OK);
    CHECK_EQ(hawse_hex_decode((const uint8_t *)s, signature.s, 32), HAWSE_OK);
    int32_t result = hawse_tx_signature_check(&signature, &fault);
    CHECK_EQ(result, fault ? HAWSE_E_INVAL : HAWSE_OK);
    return fault;
}

TEST(tx_signatures, "r and s are between 0 and the order, and s in its lower half")
{
#define ZERO   "0000000000000000000000000000000000000000000000000000000000000000"
#define ONE    "0000000000000000000000000000000000000000000000000000000000000001"
#define HALF   "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0"
#define BEHIND "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a1"
#define LAST   "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
#define ORDER  "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
    CHECK_EQ(signature_fault(ONE, ONE, 0), HAWSE_TX_FAULT_NONE);
    CHECK_EQ(signature_fault(LAST, HALF, 1), HAWSE_TX_FAULT_NONE);
    CHECK_EQ(signature_fault(ONE, BEHIND, 1), HAWSE_TX_FAULT_HIGH_S);
    CHECK_EQ(signature_fault(ONE, LAST, 1), HAWSE_TX_FAULT_HIGH_S);
    CHECK_EQ(signature_fault(ZERO, ONE, 0), HAWSE_TX_FAULT_SIGNATURE);
    CHECK_EQ(signature_fault(ONE, ZERO, 0), HAWSE_TX_FAULT_SIGNATURE);
    CHECK_EQ(signature_fault(ORDER, ONE, 0), HAWSE_TX_FAULT_SIGNATURE);
    CHECK_EQ(signature_fault(ONE, ORDER, 0), HAWSE_TX_FAULT_SIGNATURE);
    CHECK_EQ(signature_fault(ONE, ONE, 2), HAWSE_TX_FAULT_SIGNATURE);
    hawse_tx_t tx = plain(HAWSE_TX_LEGACY);
    hawse_tx_signature_t none = {.y_parity = 0};
    uint8_t out[200];
    uint32_t fault = 0;
    hawse_writer_t w = hawse_writer(out, sizeof(out));
    CHECK_EQ(hawse_tx_encode(&tx, &none, &w, NULL, &fault), HAWSE_E_INVAL);
    CHECK_EQ(fault, HAWSE_TX_FAULT_SIGNATURE);
    CHECK_EQ_U64(w.len, 0);
}

TEST(tx_authorizations, "an authorization that a chain would skip is named")
{
    hawse_tx_authorization_t a = {.chain_id = hawse_u256(100), .signature = one};
    uint32_t fault = 0;
    CHECK_EQ(hawse_tx_authorization_check(&a, 100, &fault), HAWSE_OK);
    CHECK_EQ(hawse_tx_authorization_check(&a, 1, &fault), HAWSE_E_INVAL);
    CHECK_EQ(fault, HAWSE_TX_FAULT_AUTHORIZATION_CHAIN);
    a.chain_id = hawse_u256_from_u128(100, 1);
    CHECK_EQ(hawse_tx_authorization_check(&a, 100, &fault), HAWSE_E_INVAL);
    a.chain_id = hawse_u256(0);
    CHECK_EQ(hawse_tx_authorization_check(&a, 1, &fault), HAWSE_OK);
    a.nonce = UINT64_MAX;
    CHECK_EQ(hawse_tx_authorization_check(&a, 1, &fault), HAWSE_E_INVAL);
    CHECK_EQ(fault, HAWSE_TX_FAULT_NONCE);
    a.nonce--;
    a.signature.s[0] = 0x80;
    CHECK_EQ(hawse_tx_authorization_check(&a, 1, &fault), HAWSE_E_INVAL);
    CHECK_EQ(fault, HAWSE_TX_FAULT_HIGH_S);
}

/* ---- malformed bytes ---- */

static void check_place(const char *hex, int is_signed, int32_t want, const char *field,
                        uint64_t at)
{
    uint8_t bytes[256];
    hawse_tx_t tx;
    hawse_tx_signature_t signature;
    hawse_tx_place_t place = {0, "nothing"};
    uint64_t len = strlen(hex) / 2;
    CHECK_EQ(hawse_hex_decode((const uint8_t *)hex, bytes, len), HAWSE_OK);
    int32_t result = hawse_tx_decode(bytes, len, &tx, is_signed ? &signature : NULL, &place);
    if (result != want || strcmp(place.field, field) != 0 || place.at != at)
        FAIL("%s: %d, %s at %d; expected %d, %s at %d", hex, result, place.field, (int)place.at,
             want, field, (int)at);
}

#define TO "940100000000000000000000000000000000000000"

TEST(tx_malformed, "malformed transactions are refused, with field and place")
{
    check_place("", 1, HAWSE_E_RANGE, "type", 0);
    check_place("00c0", 1, HAWSE_E_UNSUPPORTED, "type", 0);
    check_place("05c0", 1, HAWSE_E_UNSUPPORTED, "type", 0);
    check_place("7f", 1, HAWSE_E_UNSUPPORTED, "type", 0);
    check_place("02", 1, HAWSE_E_RANGE, "fields", 1);
    check_place("0280", 1, HAWSE_E_FORMAT, "fields", 1);
    check_place("02c000", 1, HAWSE_E_FORMAT, "end", 2);
    check_place("02c0", 1, HAWSE_E_RANGE, "chain_id", 2);
    check_place("02c100", 1, HAWSE_E_FORMAT, "chain_id", 2);
    check_place("02c20100", 1, HAWSE_E_FORMAT, "nonce", 3);
    check_place("02cb01890100000000000000"
                "00",
                1, HAWSE_E_RANGE, "nonce", 3);
    check_place("02c3010101", 1, HAWSE_E_RANGE, "max_fee", 5);
    check_place("02c60101010101c0", 1, HAWSE_E_FORMAT, "to", 7);
    check_place("02c6010101010181", 1, HAWSE_E_RANGE, "to", 7);
    check_place("02cb01010101018401020304"
                "01",
                1, HAWSE_E_FORMAT, "to", 7);
    check_place("04c8010101010180"
                "8080",
                1, HAWSE_E_FORMAT, "to", 7);
    /* legacy to be signed, with and without a chain, and with zeros that are none */
    check_place("da010101" TO "8080", 0, HAWSE_OK, "nothing", 0);
    check_place("dd010101" TO "8080"
                "648080",
                0, HAWSE_OK, "nothing", 0);
    check_place("dc010101" TO "8080"
                "6480",
                0, HAWSE_E_RANGE, "s", 29);
    check_place("dd010101" TO "8080"
                "648001",
                0, HAWSE_E_FORMAT, "s", 29);
    check_place("dd010101" TO "8080"
                "808080",
                0, HAWSE_E_FORMAT, "chain_id", 27);
    check_place("de010101" TO "8080"
                "64808080",
                0, HAWSE_E_FORMAT, "end", 30);
    /* signed: v of no kind, of chain 0, and beyond 64 bits */
    check_place("dd010101" TO "8080"
                "1b0101",
                1, HAWSE_OK, "nothing", 0);
    check_place("dd010101" TO "8080"
                "1a0101",
                1, HAWSE_E_FORMAT, "v", 27);
    check_place("dd010101" TO "8080"
                "230101",
                1, HAWSE_E_FORMAT, "v", 27);
    check_place("dd010101" TO "8080"
                "250101",
                1, HAWSE_OK, "nothing", 0);
    check_place("e6010101" TO "8080"
                "89020000000000000022"
                "0101",
                1, HAWSE_OK, "nothing", 0);
    check_place("e6010101" TO "8080"
                "89020000000000000023"
                "0101",
                1, HAWSE_E_RANGE, "v", 27);
    check_place("dd010101" TO "8080"
                "1b8001",
                1, HAWSE_E_FORMAT, "signature", 27);
    check_place("de010101" TO "8080"
                "1b010101",
                1, HAWSE_E_FORMAT, "end", 30);
    /* an authorization's parity has 8 bits, and may be one that is no parity */
    check_place("04f83d6401010101" TO "8080c0dcdb01" TO "8081ff0101800101", 1, HAWSE_OK, "nothing",
                0);
    check_place("04f83e6401010101" TO "8080c0dddc01" TO "808201000101800101", 1, HAWSE_E_RANGE,
                "authorizations", 57);
    /* typed: lists that are none, a parity that is none */
    check_place("01df640101"
                "01" TO "8080"
                "80"
                "800101",
                1, HAWSE_E_FORMAT, "access_list", 29);
    check_place("01e1640101"
                "01" TO "8080"
                "c2c180"
                "800101",
                1, HAWSE_E_FORMAT, "access_list", 31);
    check_place("01df640101"
                "01" TO "8080"
                "c0"
                "020101",
                1, HAWSE_E_FORMAT, "y_parity", 30);
    check_place("01df640101"
                "01" TO "8080"
                "c0"
                "010101",
                1, HAWSE_OK, "nothing", 0);
}

TEST(tx_noise, "a transaction with a byte changed is refused or is another one, never the same")
{
    static uint8_t raw[40000], again[40000];
    json_t *root = vectors_load("evm-tx.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "cases"), i, row)
    {
        uint64_t len;
        uint8_t *bytes = data_of(row, "raw", &len);
        for (int round = 0; round < 300 && len < sizeof(raw); round++) {
            hawse_tx_t tx;
            hawse_tx_signature_t signature;
            memcpy(raw, bytes, len);
            raw[test_random() % (len < 150 ? len : 150)] ^= (uint8_t)(1 + test_random() % 255);
            if (hawse_tx_decode(raw, len, &tx, &signature, NULL) != HAWSE_OK)
                continue;
            hawse_writer_t w = hawse_writer(again, sizeof(again));
            CHECK_EQ(hawse_tx_encode(&tx, &signature, &w, NULL, NULL), HAWSE_OK);
            CHECK_EQ_U64(w.len, len);
            CHECK_MEM(again, raw, len);
        }
        free(bytes);
    }
    json_decref(root);
}
