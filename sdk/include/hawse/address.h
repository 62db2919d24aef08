/*
 * Addresses of the EVM that follow from others, and what an account's code says.
 *
 * Every function is [any], allocates nothing and keeps nothing.
 *
 * Sources: Ethereum Yellow Paper, section 7 (CREATE); EIP-1014 (CREATE2); EIP-7702.
 */
#ifndef HAWSE_ADDRESS_H
#define HAWSE_ADDRESS_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The contract that `sender` creates with its nonce. */
void hawse_address_create(const uint8_t sender[20], uint64_t nonce, uint8_t out[20]);

/* The contract that `deployer` creates by CREATE2: init_code_hash is Keccak-256 of the code that
 * runs first, arguments included. */
void hawse_address_create2(const uint8_t deployer[20], const uint8_t salt[32],
                           const uint8_t init_code_hash[32], uint8_t out[20]);

/* Is an account's code a delegation (0xef0100 and an address)? 1 with that address, or 0. */
int32_t hawse_address_delegation(const uint8_t *code, uint64_t len, uint8_t out[20]);

/* The last 20 bytes of Keccak-256 of a public key without its first byte, 64 bytes. */
void hawse_address_of_key(const uint8_t key[64], uint8_t out[20]);

#ifdef __cplusplus
}
#endif
#endif
