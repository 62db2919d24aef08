/*
 * Messages that people and services sign with an account's key (EIP-191): what is hashed can never
 * be a transaction.
 *
 * Both functions are [any], allocate nothing and keep nothing.
 *
 * Sources: EIP-191, version 0x45; Flashbots documentation, "Authentication".
 */
#ifndef HAWSE_EIP191_H
#define HAWSE_EIP191_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What personal_sign and eth_sign sign: Keccak-256 of "\x19Ethereum Signed Message:\n", the length
 * in decimal, and the message. */
void hawse_eip191_digest(const uint8_t *message, uint64_t len, uint8_t digest[32]);

/* What the header X-Flashbots-Signature signs: as above the message "0x..." of 66 characters that
 * is Keccak-256 of the request's body, byte for byte as it is sent. */
void hawse_flashbots_digest(const uint8_t *body, uint64_t len, uint8_t digest[32]);

#ifdef __cplusplus
}
#endif
#endif
