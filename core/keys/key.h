/*
 * Private keys, and what can be done with one without ever seeing it: secp256k1 (EVM chains) and
 * Ed25519 (Solana). A key lies in memory that is locked, fenced, left out of core dumps, absent in
 * forked children and, while it is not signing, neither readable nor in one piece. Nothing here
 * returns a private key, and nothing may be added that does.
 *
 * Functions are [any] and take a key's own lock; none of them waits for anything else.
 */
#ifndef CORE_KEYS_KEY_H
#define CORE_KEYS_KEY_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_kind { KEY_SECP256K1 = 1, KEY_ED25519 = 2 };

enum { KEY_SECRET = 32, KEY_ADDRESS = 64 };

/* What anybody may know of a key. */
struct key_public {
    enum key_kind kind;
    uint8_t bytes[64];   /* secp256k1: x and y, big-endian; Ed25519: the first 32, the rest zero */
    uint8_t address[20]; /* secp256k1: the last 20 bytes of keccak256(bytes); else zero */
};

/* secp256k1: r and s, big-endian, s in the lower half (EIP-2), and the parity of R's y: "yParity",
 * or v less 27. Ed25519: the 64 bytes of RFC 8032; parity is 0. */
struct signature {
    uint8_t bytes[64];
    uint8_t parity;
};

struct key;

/* A new key from the kernel's random numbers. */
int32_t key_generate(enum key_kind kind, struct key **out, struct fault *fault);
/* From 32 secret bytes: the private scalar, or the seed of RFC 8032. Copies them; the caller wipes
 * its own. HAWSE_E_RANGE: a scalar that is 0 or not below the order of the group. */
int32_t key_from_secret(enum key_kind kind, const uint8_t secret[KEY_SECRET], struct key **out,
                        struct fault *fault);
/* Wipes; NULL is legal. */
void key_free(struct key *key);

const struct key_public *key_public(const struct key *key);
const char *key_kind_name(enum key_kind kind);
/* "secp256k1" or "ed25519"; false: neither. */
bool key_kind_parse(const char *name, enum key_kind *kind);
/* Its EIP-55 address, or its base58 public key, with a NUL. */
void key_describe(const struct key_public *public, char out[KEY_ADDRESS]);
/* Fills in the address of a public key that was read from somewhere. */
void key_set_address(struct key_public *public);
bool key_same(const struct key_public *a, const struct key_public *b);
/* Could all of its memory be locked? What is above RLIMIT_MEMLOCK may be swapped out. */
bool key_locked(struct key *key);

/* Mixes fresh random bytes into the nonce of each secp256k1 signature ("additional data" of RFC
 * 6979, 3.6), against faults induced in the hardware; the same digest then gets another signature
 * each time. Off unless set. */
void key_hedge(struct key *key, bool on);

/* Signs a digest with secp256k1: ECDSA with RFC 6979 nonces, about 30 us. What the digest is of,
 * and for which chain, is the caller's to know. HAWSE_E_UNSUPPORTED: an Ed25519 key. */
int32_t key_sign_digest(struct key *key, const uint8_t digest[32], struct signature *out);
/* Signs a message with Ed25519 (RFC 8032, pure). HAWSE_E_UNSUPPORTED: a secp256k1 key. */
int32_t key_sign_message(struct key *key, const uint8_t *message, size_t len,
                         struct signature *out);

/* Who signed this digest? HAWSE_E_FORMAT: nobody can have (r or s out of range, no such point). An
 * s in the upper half is recovered too, as the EVM's precompile does; see signature_is_low. */
int32_t signature_recover(const uint8_t digest[32], const struct signature *signature,
                          struct key_public *out);
/* Is s in the lower half of the order, as EIP-2 demands of transactions? */
bool signature_is_low(const struct signature *signature);
/* Is this what the key signed? A digest (32 bytes) for secp256k1, the message for Ed25519. */
bool signature_verify(const struct key_public *public, const uint8_t *message, size_t len,
                      const struct signature *signature);

#endif
