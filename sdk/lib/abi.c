/* Words of the Solidity ABI; see hawse/abi.h. */
#include <hawse/abi.h>
#include <hawse/u256.h>

#include <string.h>

int32_t hawse_abi_word(const uint8_t *data, uint64_t len, uint64_t index, const uint8_t **word)
{
    if (index >= len / 32)
        return HAWSE_E_RANGE;
    *word = data + 32 * index;
    return HAWSE_OK;
}

static int filled_with(const uint8_t *p, uint64_t n, uint8_t byte)
{
    for (uint64_t i = 0; i < n; i++) {
        if (p[i] != byte)
            return 0;
    }
    return 1;
}

int32_t hawse_abi_uint(const uint8_t word[32], uint32_t bits, hawse_u256_t *out)
{
    if (!filled_with(word, 32 - bits / 8, 0))
        return HAWSE_E_FORMAT;
    hawse_u256_from_be(word, out);
    return HAWSE_OK;
}

int32_t hawse_abi_int(const uint8_t word[32], uint32_t bits, hawse_u256_t *out)
{
    uint32_t high = 32 - bits / 8;
    uint8_t sign = (word[high] & 0x80) ? 0xff : 0;
    if (!filled_with(word, high, sign))
        return HAWSE_E_FORMAT;
    hawse_u256_from_be(word, out);
    return HAWSE_OK;
}

int32_t hawse_abi_u64(const uint8_t word[32], uint32_t bits, uint64_t *out)
{
    hawse_u256_t n;
    int32_t code = hawse_abi_uint(word, bits, &n);
    if (code == HAWSE_OK)
        *out = n.limb[0];
    return code;
}

int32_t hawse_abi_i64(const uint8_t word[32], uint32_t bits, int64_t *out)
{
    hawse_u256_t n;
    int32_t code = hawse_abi_int(word, bits, &n);
    if (code == HAWSE_OK)
        *out = (int64_t)n.limb[0];
    return code;
}

int32_t hawse_abi_address(const uint8_t word[32], uint8_t out[20])
{
    if (!filled_with(word, 12, 0))
        return HAWSE_E_FORMAT;
    memcpy(out, word + 12, 20);
    return HAWSE_OK;
}

int32_t hawse_abi_bool(const uint8_t word[32], uint32_t *out)
{
    uint64_t n = 0;
    int32_t code = hawse_abi_u64(word, 8, &n);
    if (code == HAWSE_OK && n > 1)
        return HAWSE_E_FORMAT;
    *out = (uint32_t)n;
    return code;
}

int32_t hawse_abi_bytes(const uint8_t *data, uint64_t len, uint64_t index, hawse_view_t *out)
{
    const uint8_t *word;
    uint64_t offset = 0, size = 0;
    if (hawse_abi_word(data, len, index, &word) != HAWSE_OK ||
        hawse_abi_u64(word, 64, &offset) != HAWSE_OK || offset > len || len - offset < 32 ||
        hawse_abi_u64(data + offset, 64, &size) != HAWSE_OK || size > len - offset - 32)
        return HAWSE_E_RANGE;
    uint64_t padding = (32 - size % 32) % 32, behind = len - offset - 32 - size;
    if (!filled_with(data + offset + 32 + size, padding < behind ? padding : behind, 0))
        return HAWSE_E_FORMAT;
    out->data = data + offset + 32;
    out->len = size;
    return HAWSE_OK;
}
