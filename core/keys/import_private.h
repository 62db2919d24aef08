/*
 * Between the files that import keys.
 */
#ifndef CORE_KEYS_IMPORT_PRIVATE_H
#define CORE_KEYS_IMPORT_PRIVATE_H

#include "keys/import.h"

#include <stddef.h>

enum { V3_TEXT_MAX = 512 };

/* What a V3 keystore says of how it is encrypted. */
struct v3 {
    bool scrypt;             /* else PBKDF2 with HMAC-SHA-256 */
    uint64_t n, r, p, count; /* scrypt's N, r, p; PBKDF2's iterations */
    uint8_t salt[V3_TEXT_MAX / 2];
    size_t salt_len;
    uint8_t iv[16], ciphertext[KEY_SECRET], mac[32];
    bool has_address;
    uint8_t address[20];
};

/* import_v3.c: reads without deriving anything. */
int32_t v3_read(const char *text, struct v3 *out, struct fault *fault);
/* import_v3.c: the secret of it, into KEY_SECRET bytes of locked memory. */
int32_t v3_open(const struct v3 *v3, const char *passphrase, uint8_t *secret, struct fault *fault);

#endif
