/*
 * Base64 by the vectors of RFC 4648 and against its own inverse.
 */
#include "harness.h"

#include <hawse/base64.h>
#include <stdlib.h>
#include <string.h>

TEST(base64_rfc, "the test vectors of RFC 4648, section 10")
{
    static const char *const rows[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t len = strlen(rows[i][0]), digits = strlen(rows[i][1]), size = 99;
        char text[16] = "";
        uint8_t data[8] = {0};
        CHECK_EQ_U64(HAWSE_BASE64_DIGITS(len), digits);
        hawse_base64_encode((const uint8_t *)rows[i][0], len, text);
        CHECK_STR(text, rows[i][1]);
        CHECK_EQ(hawse_base64_size((const uint8_t *)text, digits, &size), HAWSE_OK);
        CHECK_EQ_U64(size, len);
        CHECK_EQ(hawse_base64_decode((const uint8_t *)text, digits, data), HAWSE_OK);
        CHECK_MEM(data, rows[i][0], len);
    }
}

TEST(base64_strict, "missing padding, foreign characters and loose bits are refused")
{
    static const char *const bad[] = {
        "Zg",   "Zg=",      "Z===", "====",  "Zh==",  "Zm9=",  "Zm9 ",          "Zm-_",
        "=Zm9", "Zg==Zg==", "Z=g=", "Zm\n9", "Zm9v=", "Zm9vY", "Zm9v\xc3\xa9=="};
    uint8_t data[16];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (hawse_base64_decode((const uint8_t *)bad[i], strlen(bad[i]), data) != HAWSE_E_FORMAT)
            FAIL("taken: %s", bad[i]);
    }
}

TEST(base64_round_trip, "any bytes survive, into room that is exactly enough")
{
    for (int round = 0; round < 3000; round++) {
        uint64_t len = test_random() % 300, size = 0, digits = HAWSE_BASE64_DIGITS(len);
        uint8_t *data = malloc(len + 1), *back = malloc(len + 1);
        char *text = malloc(digits + 1);
        test_random_bytes(data, len);
        hawse_base64_encode(data, len, text);
        CHECK_EQ(hawse_base64_size((uint8_t *)text, digits, &size), HAWSE_OK);
        CHECK_EQ_U64(size, len);
        CHECK_EQ(hawse_base64_decode((uint8_t *)text, digits, back), HAWSE_OK);
        CHECK_MEM(back, data, len);
        free(data);
        free(back);
        free(text);
    }
}
