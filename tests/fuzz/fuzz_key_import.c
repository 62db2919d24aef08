/*
 * Any text as another program's key: V3 keystores are read without deriving anything, plain ones
 * imported; refused with words, or a key that signs.
 */
#include "keys/import_private.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void plain(const char *text, enum import_format format)
{
    struct key *key = NULL;
    struct fault fault = {0};
    int32_t code = import_key(text, format, KEY_SECP256K1, NULL, &key, &fault);
    if ((code == HAWSE_OK) != (key != NULL) || (code != HAWSE_OK && !fault.message[0]))
        abort();
    key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    struct v3 v3;
    struct fault fault = {0};
    if (!text)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int32_t code = v3_read(text, &v3, &fault);
    if (code != HAWSE_OK && !fault.message[0])
        abort();
    if (code == HAWSE_OK && v3.scrypt &&
        (v3.n * v3.r > (UINT64_C(1) << 23) || v3.n * v3.r * v3.p > (UINT64_C(1) << 26)))
        abort(); /* more than 1 GiB, or hours */
    if (code == HAWSE_OK && (v3.salt_len == 0 || v3.salt_len > sizeof(v3.salt)))
        abort();
    plain(text, IMPORT_HEX);
    plain(text, IMPORT_SOLANA);
    free(text);
    return 0;
}
