/*
 * Numbers and addresses as text. What is read must come out of its own writer as it went in, or as
 * the canonical form of it; what is refused must have been refused for a reason that holds. The
 * first byte chooses the decimals of an amount.
 */
#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static int same(const hawse_u256_t *a, const hawse_u256_t *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

static void decimals(const uint8_t *text, size_t len, uint32_t places)
{
    char out[512];
    hawse_u256_t n, again;
    if (hawse_u256_parse(text, len, &n) == HAWSE_OK) {
        uint32_t written = hawse_u256_decimal(&n, out);
        require(written <= len && memcmp(out, text + (len - written), written) == 0);
    }
    if (hawse_i256_parse(text, len, &n) == HAWSE_OK) {
        uint32_t written = hawse_i256_decimal(&n, out);
        require(hawse_i256_parse((const uint8_t *)out, written, &again) == HAWSE_OK);
        require(same(&n, &again));
    }
    if (hawse_u256_parse_units(text, len, places, &n) == HAWSE_OK) {
        int32_t written =
            hawse_u256_format(&n, HAWSE_FORMAT_ZEROS, places, UINT32_MAX, out, sizeof(out));
        require(written > 0 && (size_t)written == strlen(out));
        require(hawse_u256_parse_units((const uint8_t *)out, (uint64_t)written, places, &again) ==
                HAWSE_OK);
        require(same(&n, &again));
    }
}

static void quantities(const uint8_t *text, size_t len)
{
    char out[HAWSE_HEX_QUANTITY_MAX];
    uint64_t small = 0, small_strict = 0;
    hawse_u256_t n, strict;
    int32_t code = hawse_hex_u256(text, len, &n);
    int32_t code_strict = hawse_hex_u256_strict(text, len, &strict);
    require(code_strict != HAWSE_OK || (code == HAWSE_OK && same(&n, &strict)));
    if (code_strict == HAWSE_OK) {
        require(hawse_hex_from_u256(&n, out) == len);
        for (size_t i = 0; i < len; i++)
            require(out[i] == text[i] || (out[i] | 0x20) == (text[i] | 0x20));
    }
    int32_t code_small = hawse_hex_u64(text, len, &small);
    require(code_small != HAWSE_OK || code == HAWSE_OK);
    if (hawse_hex_u64_strict(text, len, &small_strict) == HAWSE_OK)
        require(code_small == HAWSE_OK && small == small_strict &&
                hawse_hex_from_u64(small, out) == len);
}

static void bytes(const uint8_t *text, size_t len)
{
    uint64_t need = 0, need_loose = 0;
    size_t room = len / 2 + 1;
    uint8_t *out = malloc(room), *loose = malloc(room), *tight = NULL;
    char *digits = malloc(2 * room);
    int32_t code = hawse_hex_data(text, len, out, room, &need);
    require(code == HAWSE_OK || code == HAWSE_E_FORMAT);
    if (code == HAWSE_OK) {
        require(need == (len - 2) / 2);
        require(hawse_hex_loose(text, len, loose, room, &need_loose) == HAWSE_OK);
        require(need == need_loose && memcmp(out, loose, need) == 0);
        hawse_hex_encode(out, need, digits);
        for (size_t i = 0; i < 2 * need; i++)
            require(digits[i] == text[i + 2] || digits[i] == (text[i + 2] | 0x20));
        tight = malloc(need); /* exactly as long as it says: writes behind it are seen */
        require(hawse_hex_fixed(text, len, tight, need) == HAWSE_OK);
        require(need == 0 || memcmp(tight, out, need) == 0);
        if (need > 0)
            require(hawse_hex_data(text, len, out, need - 1, &need) == HAWSE_E_NOSPACE);
    }
    free(out);
    free(loose);
    free(tight);
    free(digits);
}

static void address(const uint8_t *text, size_t len)
{
    uint8_t raw[20], again[20];
    char out[43];
    if (hawse_eip55_parse(text, len, raw) != HAWSE_OK)
        return;
    hawse_eip55_format(raw, out);
    require(strlen(out) == 42 && hawse_eip55_parse((const uint8_t *)out, 42, again) == HAWSE_OK);
    require(memcmp(raw, again, 20) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint8_t *text = malloc(size); /* exact: reads behind the text are seen */
    memcpy(text, data + 1, size - 1);
    decimals(text, size - 1, data[0] % 80u);
    quantities(text, size - 1);
    bytes(text, size - 1);
    address(text, size - 1);
    free(text);
    return 0;
}
