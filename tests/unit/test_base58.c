/*
 * Base58 against published values and its own inverse.
 */
#include "solana_vectors.h"

TEST(base58_vectors, "base58 of published values, both ways, into room that is exactly enough")
{
    json_t *root = vectors_load("base58.json"), *row;
    size_t i;
    uint8_t data[256], back[256];
    char text[512];
    json_array_foreach(json_object_get(root, "ok"), i, row)
    {
        uint64_t len = bytes_of(text_of(row, "hex"), data, sizeof(data)), need = 0;
        const char *want = text_of(row, "text");
        CHECK_EQ(hawse_base58_encode(data, len, text, strlen(want) + 1, &need), HAWSE_OK);
        CHECK_STR(text, want);
        CHECK_EQ_U64(need, strlen(want));
        CHECK_EQ(hawse_base58_encode(data, len, text, strlen(want), &need), HAWSE_E_NOSPACE);
        CHECK_EQ(hawse_base58_decode((const uint8_t *)want, strlen(want), back, len, &need),
                 HAWSE_OK);
        CHECK_EQ_U64(need, len);
        CHECK_MEM(back, data, len);
        if (len > 0)
            CHECK_EQ(hawse_base58_decode((const uint8_t *)want, strlen(want), back, len - 1, &need),
                     HAWSE_E_NOSPACE);
    }
    CHECK_EQ(i, 74);
    json_decref(root);
}

TEST(base58_refusals, "what is no base58, or no key, is refused with the reason")
{
    json_t *root = vectors_load("base58.json"), *row;
    size_t i;
    uint8_t key[64];
    uint64_t need;
    json_array_foreach(json_object_get(root, "bad_text"), i, row)
    {
        const char *text = text_of(row, "text");
        CHECK_EQ(hawse_base58_decode((const uint8_t *)text, strlen(text), key, 64, &need),
                 HAWSE_E_FORMAT);
        CHECK_EQ(hawse_base58_key((const uint8_t *)text, strlen(text), key), HAWSE_E_FORMAT);
    }
    CHECK_EQ(i, 12);
    json_array_foreach(json_object_get(root, "bad_as_32_byte_key"), i, row)
    {
        const char *text = text_of(row, "text");
        CHECK_EQ(hawse_base58_key((const uint8_t *)text, strlen(text), key), HAWSE_E_RANGE);
    }
    CHECK_EQ(i, 6);
    json_decref(root);
}

TEST(base58_round_trip, "any bytes up to the bound survive, and the bound holds")
{
    static uint8_t data[HAWSE_BASE58_BYTES_MAX + 1], back[HAWSE_BASE58_BYTES_MAX];
    static char text[HAWSE_BASE58_DIGITS(HAWSE_BASE58_BYTES_MAX) + 2];
    uint64_t need = 0, got = 0;
    for (int round = 0; round < 3000; round++) {
        uint64_t len = round < 1500 ? test_random() % 70 : test_random() % sizeof(data);
        test_random_bytes(data, len);
        if (test_random() % 4 == 0)
            memset(data, test_random() % 2 ? 0 : 0xff, test_random() % (len + 1));
        CHECK_EQ(hawse_base58_encode(data, len, text, HAWSE_BASE58_DIGITS(len) + 1, &need),
                 HAWSE_OK);
        CHECK_EQ_U64(strlen(text), need);
        CHECK_EQ(hawse_base58_decode((uint8_t *)text, need, back, len, &got), HAWSE_OK);
        CHECK_EQ_U64(got, len);
        CHECK_MEM(back, data, len);
    }
    memset(data, 0xff, sizeof(data));
    CHECK_EQ(hawse_base58_encode(data, HAWSE_BASE58_BYTES_MAX, text, sizeof(text), &need),
             HAWSE_OK);
    CHECK_EQ(hawse_base58_encode(data, sizeof(data), text, sizeof(text), &need), HAWSE_E_LIMIT);
    memset(text, 'z', sizeof(text)); /* as many digits as allowed, but one byte too much */
    CHECK_EQ(hawse_base58_decode((uint8_t *)text, HAWSE_BASE58_DIGITS(HAWSE_BASE58_BYTES_MAX), back,
                                 sizeof(back), &got),
             HAWSE_E_LIMIT);
    CHECK_EQ(hawse_base58_decode((uint8_t *)text, sizeof(text), back, sizeof(back), &got),
             HAWSE_E_LIMIT);
}
