/*
 * Base58 as Solana and Bitcoin write keys and signatures: the bytes as one big-endian number in
 * base 58, with the alphabet 123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz, and one
 * '1' in front for each leading zero byte. No checksum: a mistyped digit gives another key.
 *
 * All functions are [any], allocate nothing and keep nothing. The cost grows with the square of the
 * length: use the fixed sizes where there is a choice.
 */
#ifndef HAWSE_BASE58_H
#define HAWSE_BASE58_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of one value, at most: a whole Solana transaction. */
#define HAWSE_BASE58_BYTES_MAX 1232u
/* Digits that `n` bytes take at most: log(256) / log(58) is a little below 1.366. */
#define HAWSE_BASE58_DIGITS(n) ((n)*1366u / 1000u + 1u)

#define HAWSE_BASE58_KEY_TEXT       45u /* a key of 32 bytes: 32 to 44 digits, and NUL */
#define HAWSE_BASE58_SIGNATURE_TEXT 89u /* a signature of 64 bytes: 64 to 88 digits, and NUL */

/* Writes the digits of `len` bytes and a NUL. *need is the number of digits, without the NUL, also
 * when `cap` is too small. HAWSE_E_NOSPACE: cap <= *need; HAWSE_E_LIMIT: more than
 * HAWSE_BASE58_BYTES_MAX bytes. */
int32_t hawse_base58_encode(const uint8_t *data, uint64_t len, char *out, uint64_t cap,
                            uint64_t *need);

/* Reads digits. *need is the number of bytes, also when `cap` is too small. HAWSE_E_FORMAT: a
 * character outside the alphabet; HAWSE_E_NOSPACE: more than `cap` bytes; HAWSE_E_LIMIT: more
 * digits or bytes than HAWSE_BASE58_BYTES_MAX bytes can have. out is written only on success. */
int32_t hawse_base58_decode(const uint8_t *text, uint64_t len, uint8_t *out, uint64_t cap,
                            uint64_t *need);

/* A key (or blockhash) of exactly 32 bytes. The first returns the number of digits. The second
 * answers HAWSE_E_FORMAT to a character outside the alphabet and HAWSE_E_RANGE to another number of
 * bytes; key is written only on success. */
uint32_t hawse_base58_from_key(const uint8_t key[32], char out[HAWSE_BASE58_KEY_TEXT]);
int32_t hawse_base58_key(const uint8_t *text, uint64_t len, uint8_t key[32]);

/* The same for a signature of exactly 64 bytes. */
uint32_t hawse_base58_from_signature(const uint8_t signature[64],
                                     char out[HAWSE_BASE58_SIGNATURE_TEXT]);
int32_t hawse_base58_signature(const uint8_t *text, uint64_t len, uint8_t signature[64]);

#ifdef __cplusplus
}
#endif
#endif
