/*
 * The format of a key file: what anybody may know in plain text, and the private key encrypted
 * under a passphrase. All of the plain text is authenticated with the key: whoever changes a lock
 * or a name makes a file that does not open.
 *
 *   hawse-key 1
 *   {"address":...,"chains":[...],"cipher":{...},"created":...,"kdf":{...},"kind":...,"name":...,
 *    "public":...,"testnet_only":...}                     one line
 *   base64 of the ciphertext and its tag                  64 digits
 *   hex of BLAKE2b-128 of the lines above                 tells damage from a wrong passphrase
 *
 * The key of XChaCha20-Poly1305 (IETF) is Argon2id (RFC 9106) of the passphrase; the plain text is
 * the 32 secret bytes; the additional data are the first two lines with their ends.
 */
#ifndef CORE_KEYS_KEYFILE_H
#define CORE_KEYS_KEYFILE_H

#include "keys/signer.h"

enum { KEYFILE_MAX = 8 << 10, KEYFILE_CREATED = 24 };

/* What Argon2id costs: memory for each guess, and passes over it. */
struct keyfile_cost {
    uint32_t memory_kib; /* 8 to 2^20 (1 GiB) */
    uint32_t passes;     /* 1 to 16 */
};

/* All of a key file but the key. */
struct keyfile {
    struct signer_key key;
    char created[KEYFILE_CREATED]; /* "2026-01-31T12:00:00Z" */
    struct keyfile_cost cost;
};

/* "interactive" (64 MiB, 2 passes), "moderate" (256 MiB, 3; about a second), "sensitive" (1 GiB,
 * 4); false: none of them. */
bool keyfile_cost_parse(const char *name, struct keyfile_cost *cost);

/* Encrypts. Name, locks, time and cost are those of `about`; its public part is the key's.
 * *text is KEYFILE_MAX bytes at most with a NUL, malloc'd; nothing in it is secret without the
 * passphrase. HAWSE_E_NOMEM: the cost is more than there is memory. */
int32_t keyfile_seal(struct key *key, const struct keyfile *about, const char *passphrase,
                     char **text, struct fault *fault);

/* What stands in a file, without its passphrase: not authentic before keyfile_open() says so.
 * `name` is the one that the file is found by. HAWSE_E_FORMAT: no key file, or damaged;
 * HAWSE_E_UNSUPPORTED: of a later version; HAWSE_E_LIMIT: a cost out of bounds. */
int32_t keyfile_read(const char *text, size_t len, const char *name, struct keyfile *out,
                     struct fault *fault);

/* Decrypts, and checks all that keyfile_read() gave. HAWSE_E_DENIED: the passphrase is wrong, or
 * the file was changed by somebody who made the damage look whole. */
int32_t keyfile_open(const char *text, size_t len, const char *name, const char *passphrase,
                     struct keyfile *about, struct key **out, struct fault *fault);

#endif
