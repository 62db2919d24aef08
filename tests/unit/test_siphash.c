/*
 * SipHash-1-3 against CPython's, which hashes bytes with it: PYTHONHASHSEED=0 is the key 0.
 */
#include "harness.h"

#include <hawse/siphash.h>
#include <string.h>

TEST(siphash, "SipHash-1-3 of texts of all lengths around its blocks")
{
    static const struct {
        const char *text;
        uint64_t hash;
    } rows[] = {{"a", 0x407448d2b89b1813u},
                {"abcdefg", 0x6db12aae9070f506u},
                {"abcdefgh", 0x3f7b849c0b8e35eau},
                {"abcdefghi", 0xf89b34a3d11eb6e5u}};
    const uint64_t zero[2] = {0, 0}, other[2] = {0, 1};
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK_EQ_U64(hawse_siphash(zero, (const uint8_t *)rows[i].text, strlen(rows[i].text)),
                     rows[i].hash);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    CHECK_EQ_U64(hawse_siphash(zero, bytes, sizeof(bytes)), 0x498f889ac054d2d8u);
    CHECK(hawse_siphash(other, bytes, sizeof(bytes)) != hawse_siphash(zero, bytes, sizeof(bytes)));
    CHECK(hawse_siphash(zero, NULL, 0) != 0);
}
