/*
 * Base58 on any text: what decodes encodes to the same text, and nothing is written past the room.
 */
#include <hawse/base58.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t need = 0, digits = 0;
    uint8_t key[32], bytes[HAWSE_BASE58_BYTES_MAX];
    int32_t code = hawse_base58_decode(data, size, bytes, sizeof(bytes), &need);
    int32_t fixed = hawse_base58_key(data, size, key);
    if ((fixed == HAWSE_OK) != (code == HAWSE_OK && need == 32))
        abort();
    if (code != HAWSE_OK)
        return 0;
    uint8_t *exact = malloc(need + 1);
    char *text = malloc(size + 1);
    if (hawse_base58_decode(data, size, exact, need, &need) != HAWSE_OK ||
        memcmp(exact, bytes, need) != 0)
        abort();
    if (hawse_base58_encode(exact, need, text, size + 1, &digits) != HAWSE_OK || digits != size ||
        memcmp(text, data, size) != 0)
        abort();
    free(text);
    free(exact);
    return 0;
}
