/*
 * Recursive Length Prefix against vectors of three libraries, and derived addresses.
 */
#include "vectors.h"

#include <hawse/address.h>
#include <hawse/keccak.h>
#include <hawse/rlp.h>
#include <hawse/u256.h>

/* A hexadecimal text, or an array of what is encoded. */
static void put_value(hawse_writer_t *w, const json_t *value)
{
    uint8_t bytes[70000];
    uint64_t len = 0;
    if (json_is_string(value)) {
        const uint8_t *text = (const uint8_t *)json_string_value(value);
        CHECK_EQ(hawse_hex_data(text, json_string_length(value), bytes, sizeof(bytes), &len), 0);
        hawse_rlp_bytes(w, bytes, len);
        return;
    }
    uint64_t list = hawse_rlp_list_begin(w);
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)value, i, item) put_value(w, item);
    hawse_rlp_list_end(w, list);
}

static void check_value(hawse_rlp_t *r, const json_t *value)
{
    hawse_rlp_item_t item;
    CHECK_EQ(hawse_rlp_next(r, &item), 1);
    CHECK_EQ(item.list, json_is_array(value));
    if (!item.list) {
        char *text = calloc(1, 2 * item.len + 3);
        memcpy(text, "0x", 2);
        hawse_hex_encode(item.data, item.len, text + 2);
        CHECK_STR(text, json_string_value(value));
        free(text);
        return;
    }
    hawse_rlp_t inside = hawse_rlp_inside(r, &item);
    const json_t *child;
    size_t i;
    json_array_foreach((json_t *)value, i, child) check_value(&inside, child);
    CHECK_EQ(hawse_rlp_end(&inside), HAWSE_OK);
}

TEST(rlp_vectors, "values are encoded as three libraries encode them, and read back")
{
    static uint8_t out[70000];
    json_t *root = vectors_load("rlp.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "encode"), i, row)
    {
        const char *name = text_of(row, "name");
        const json_t *value = json_object_get(row, "value");
        hawse_writer_t w = hawse_writer(out, sizeof(out));
        put_value(&w, value);
        check_hex(name, row, "rlp", out, w.len);
        CHECK_EQ(hawse_rlp_validate(out, w.len, NULL), HAWSE_OK);
        hawse_rlp_t r = hawse_rlp(out, w.len);
        check_value(&r, value);
        CHECK_EQ(hawse_rlp_end(&r), HAWSE_OK);
        for (uint64_t cap = w.len < 40 ? 0 : w.len - 40; cap <= w.len; cap++) {
            uint8_t *exact = malloc(cap + 1); /* writes behind it are seen */
            hawse_writer_t less = hawse_writer(exact, cap);
            put_value(&less, value);
            CHECK_EQ_U64(less.len, w.len);
            CHECK_EQ(hawse_writer_end(&less), cap < w.len ? HAWSE_E_NOSPACE : HAWSE_OK);
            free(exact);
        }
    }
    CHECK_EQ(i, 27);
    json_decref(root);
}

TEST(rlp_integers, "integers of up to 256 bits are their shortest bytes")
{
    json_t *root = vectors_load("rlp.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "integers"), i, row)
    {
        const char *text = text_of(row, "integer");
        uint8_t out[64];
        hawse_u256_t n, back;
        hawse_writer_t w = hawse_writer(out, sizeof(out));
        const char *hex = text_of(row, "bytes");
        n = hawse_u256(0);
        if (strlen(hex) > 2)
            CHECK_EQ(hawse_hex_u256((const uint8_t *)hex, strlen(hex), &n), HAWSE_OK);
        hawse_rlp_u256(&w, &n);
        check_hex(text, row, "rlp", out, w.len);
        hawse_rlp_t r = hawse_rlp(out, w.len);
        CHECK_EQ(hawse_rlp_take_u256(&r, &back), HAWSE_OK);
        CHECK_EQ(hawse_u256_compare(&n, &back), 0);
        CHECK_EQ(hawse_rlp_end(&r), HAWSE_OK);
        uint64_t small = 0;
        r = hawse_rlp(out, w.len);
        CHECK_EQ(hawse_rlp_take_u64(&r, &small),
                 hawse_u256_bit_length(&n) > 64 ? HAWSE_E_RANGE : HAWSE_OK);
    }
    CHECK_EQ(i, 8);
    json_decref(root);
}

TEST(rlp_refused, "what is not the one canonical form is refused")
{
    json_t *root = vectors_load("rlp.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "mustReject"), i, row)
    {
        uint64_t len, where = UINT64_MAX;
        uint8_t *bytes = data_of(row, "rlp", &len);
        if (hawse_rlp_validate(bytes, len, &where) == HAWSE_OK || where > len)
            FAIL("%s is accepted, or its fault is at %d", text_of(row, "name"), (int)where);
        free(bytes);
    }
    CHECK_EQ(i, 18);
    json_decref(root);
}

static void check_fault(const char *hex, int32_t want, uint64_t at)
{
    uint8_t bytes[80];
    uint64_t where = UINT64_MAX, len = strlen(hex) / 2;
    CHECK_EQ(hawse_hex_decode((const uint8_t *)hex, bytes, len), HAWSE_OK);
    int32_t result = hawse_rlp_validate(bytes, len, &where);
    if (result != want || where != at)
        FAIL("%s: %d at %d, expected %d at %d", hex, result, (int)where, want, (int)at);
}

#define LONG                                                   \
    "61616161616161616161616161616161616161616161616161616161" \
    "61616161616161616161616161616161616161616161616161616161"

TEST(rlp_places, "the place of a fault is the first byte of the item that is wrong")
{
    check_fault("c3018100", HAWSE_E_FORMAT, 2);
    check_fault("c401c20102", HAWSE_OK, 5);
    check_fault("c401c28102", HAWSE_E_FORMAT, 3);
    check_fault("c40183c0c0", HAWSE_E_RANGE, 2);
    check_fault("c0c0", HAWSE_E_FORMAT, 1);
    check_fault("", HAWSE_E_RANGE, 0);
    check_fault("b90038" LONG, HAWSE_E_FORMAT, 0); /* a length that is long enough, with a zero */
    check_fault("b838" LONG, HAWSE_OK, 58);
    uint8_t deep[HAWSE_RLP_DEPTH + 1];
    uint64_t where;
    uint8_t nested[128];
    for (uint32_t depth = HAWSE_RLP_DEPTH - 1; depth <= HAWSE_RLP_DEPTH + 1; depth++) {
        hawse_writer_t w = hawse_writer(nested, sizeof(nested));
        uint64_t lists[HAWSE_RLP_DEPTH + 2];
        for (uint32_t i = 0; i < depth; i++)
            lists[i] = hawse_rlp_list_begin(&w);
        for (uint32_t i = depth; i-- > 0;)
            hawse_rlp_list_end(&w, lists[i]);
        CHECK_EQ(hawse_rlp_validate(nested, w.len, &where),
                 depth <= HAWSE_RLP_DEPTH ? HAWSE_OK : HAWSE_E_LIMIT);
    }
    memset(deep, 0xc1, sizeof(deep));
    CHECK_EQ(hawse_rlp_validate(deep, sizeof(deep), &where), HAWSE_E_FORMAT);
}

TEST(rlp_random, "whatever is accepted is encoded to the same bytes again")
{
    uint8_t bytes[12], out[24];
    int accepted = 0;
    for (int round = 0; round < 300000; round++) {
        uint64_t len = 1 + test_random() % sizeof(bytes);
        test_random_bytes(bytes, len);
        bytes[0] = (uint8_t)(test_random() % 2 ? 0x80 + len - 1 : 0xc0 + len - 1);
        if (hawse_rlp_validate(bytes, len, NULL) != HAWSE_OK)
            continue;
        accepted++;
        hawse_rlp_t r = hawse_rlp(bytes, len);
        hawse_rlp_item_t item;
        CHECK_EQ(hawse_rlp_next(&r, &item), 1);
        hawse_writer_t w = hawse_writer(out, sizeof(out));
        if (item.list) {
            uint64_t list = hawse_rlp_list_begin(&w);
            hawse_writer_put(&w, item.data, item.len);
            hawse_rlp_list_end(&w, list);
        } else {
            hawse_rlp_bytes(&w, item.data, item.len);
        }
        CHECK_EQ_U64(w.len, len);
        CHECK_MEM(out, bytes, len);
    }
    CHECK(accepted > 1000);
}

static void from_hex(const char *hex, uint8_t *out)
{
    CHECK_EQ(hawse_hex_decode((const uint8_t *)hex, out, strlen(hex) / 2), HAWSE_OK);
}

TEST(addresses, "contracts have the addresses of EIP-1014's examples and of known deployments")
{
    static const char *const create2[][4] = {
        {"0000000000000000000000000000000000000000",
         "0000000000000000000000000000000000000000000000000000000000000000", "00",
         "4d1a2e2bb4f88f0250f26ffff098b0b30b26bf38"},
        {"deadbeef00000000000000000000000000000000",
         "0000000000000000000000000000000000000000000000000000000000000000", "00",
         "b928f69bb1d91cd65274e3c79d8986362984fda3"},
        {"deadbeef00000000000000000000000000000000",
         "000000000000000000000000feed000000000000000000000000000000000000", "00",
         "d04116cdd17bebe565eb2422f2497e06cc1c9833"},
        {"00000000000000000000000000000000deadbeef",
         "00000000000000000000000000000000000000000000000000000000cafebabe", "deadbeef",
         "60f3f640a8508fc6a86d45df051962668e1e8ac7"},
    };
    uint8_t sender[20], salt[32], code[4], hash[32], want[20], got[20];
    for (size_t i = 0; i < sizeof(create2) / sizeof(create2[0]); i++) {
        from_hex(create2[i][0], sender);
        from_hex(create2[i][1], salt);
        from_hex(create2[i][2], code);
        from_hex(create2[i][3], want);
        hawse_keccak256(code, strlen(create2[i][2]) / 2, hash);
        hawse_address_create2(sender, salt, hash, got);
        CHECK_MEM(got, want, 20);
    }
    /* the first contracts of the account of the Yellow Paper's own example network */
    from_hex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0", sender);
    from_hex("cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", want);
    hawse_address_create(sender, 0, got);
    CHECK_MEM(got, want, 20);
    from_hex("343c43a37d37dff08ae8c4a11544c718abb4fcf8", want);
    hawse_address_create(sender, 1, got);
    CHECK_MEM(got, want, 20);
}

TEST(delegations, "a delegation is 0xef0100 and 20 bytes, and nothing else is one")
{
    uint8_t code[24] = {0xef, 0x01, 0x00, 7}, out[20];
    CHECK_EQ(hawse_address_delegation(code, 23, out), 1);
    CHECK_EQ(out[0], 7);
    CHECK_EQ(hawse_address_delegation(code, 24, out), 0);
    CHECK_EQ(hawse_address_delegation(code, 22, out), 0);
    CHECK_EQ(hawse_address_delegation(code, 0, out), 0);
    code[2] = 1;
    CHECK_EQ(hawse_address_delegation(code, 23, out), 0);
}
