/*
 * Keccak-256 as Ethereum uses it: Keccak-f[1600], rate 136, padding 0x01 (not FIPS 202's SHA-3).
 *
 * Every function is [any] and allocates nothing. A hawse_keccak_t belongs to the caller, needs no
 * clean-up and may be copied to keep the hash of a common beginning. Nothing here can fail.
 */
#ifndef HAWSE_KECCAK_H
#define HAWSE_KECCAK_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A hash under way. Its fields are private. */
typedef struct hawse_keccak {
    uint64_t lanes[25];
    uint32_t filled; /* bytes of the current block */
    uint32_t reserved;
} hawse_keccak_t;

/* Begins, takes `len` more bytes, ends: 32 bytes into digest, and *k is wiped. */
void hawse_keccak_init(hawse_keccak_t *k);
void hawse_keccak_update(hawse_keccak_t *k, const uint8_t *data, uint64_t len);
void hawse_keccak_final(hawse_keccak_t *k, uint8_t digest[32]);

/* All at once; digest may be where the data is. data may be NULL when len is 0. */
void hawse_keccak256(const uint8_t *data, uint64_t len, uint8_t digest[32]);

/* The first topic of an event, or the hash whose first 4 bytes select a function, by its signature
 * in canonical form with a NUL: "Transfer(address,address,uint256)". Names, spaces and aliases such
 * as "uint" are taken literally: hawse_abi_event_parse() knows them. */
void hawse_keccak_signature(const char *signature, uint8_t digest[32]);

/* The first 4 bytes of that: the selector of a function or of an error. */
void hawse_keccak_selector(const char *signature, uint8_t selector[4]);

#ifdef __cplusplus
}
#endif
#endif
