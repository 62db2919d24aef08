/*
 * EIP-55; see hawse/eip55.h. A letter is in upper case where the hash of the address in lower case
 * has a half byte of 8 or more.
 */
#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>

#include <string.h>

void hawse_eip55_format(const uint8_t address[20], char out[43])
{
    uint8_t hash[32];
    char digits[40];
    hawse_hex_encode(address, 20, digits);
    hawse_keccak256((const uint8_t *)digits, 40, hash);
    memcpy(out, "0x", 2);
    for (int i = 0; i < 40; i++) {
        uint8_t nibble = i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4;
        out[2 + i] = digits[i];
        if (digits[i] >= 'a' && nibble >= 8)
            out[2 + i] = (char)(digits[i] - 'a' + 'A');
    }
    out[42] = '\0';
}

int32_t hawse_eip55_parse(const uint8_t *text, uint64_t len, uint8_t address[20])
{
    uint8_t bytes[20];
    char right[43];
    int lower = 0, upper = 0;
    if (hawse_hex_fixed(text, len, bytes, 20) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    for (int i = 2; i < 42; i++) {
        lower |= text[i] >= 'a';
        upper |= text[i] >= 'A' && text[i] <= 'F';
    }
    if (lower && upper) {
        hawse_eip55_format(bytes, right);
        if (memcmp(right + 2, text + 2, 40) != 0)
            return HAWSE_E_INVAL;
    }
    memcpy(address, bytes, 20);
    return HAWSE_OK;
}
