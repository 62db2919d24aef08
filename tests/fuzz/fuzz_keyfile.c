/*
 * Any bytes as a key file, and the same with its sum put right, so that what is behind the sum is
 * reached: read or refused with words, and what is read is what a file could have been made of.
 */
#include "keys/keyfile.h"

#include <hawse/hex.h>
#include <hawse/types.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SUM = 33 }; /* digits and the end of the last line */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_it(const char *text, size_t size)
{
    struct keyfile about, again;
    struct fault fault = {0};
    int32_t code = keyfile_read(text, size, "bot", &about, &fault);
    if (code != HAWSE_OK) {
        if (!fault.message[0])
            abort();
        return;
    }
    struct key_public public = about.key.public;
    key_set_address(&public);
    if (strcmp(about.key.name, "bot") != 0 || about.key.locks.chain_count > SIGNER_CHAINS ||
        memcmp(&public, &about.key.public, sizeof(public)) != 0 || about.cost.passes < 1 ||
        about.cost.passes > 16 || about.cost.memory_kib > 1 << 20)
        abort();
    if (keyfile_read(text, size, "bot", &again, &fault) != HAWSE_OK ||
        memcmp(&about, &again, sizeof(about)) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t sum[16];
    read_it((const char *)data, size);
    char *text = malloc(size + SUM + 1);
    if (!text)
        return 0;
    size_t cut =
        size > SUM && data[size - 1] == '\n' && data[size - SUM - 1] == '\n' ? size - SUM : size;
    if (cut > 0)
        memcpy(text, data, cut);
    (void)crypto_generichash(sum, sizeof(sum), (const uint8_t *)text, cut, NULL, 0);
    hawse_hex_encode(sum, sizeof(sum), text + cut);
    text[cut + SUM - 1] = '\n';
    read_it(text, cut + SUM);
    free(text);
    return 0;
}
