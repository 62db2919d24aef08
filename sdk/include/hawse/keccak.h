/*
 * Keccak-256 as Ethereum uses it: Keccak-f[1600], rate 136, padding 0x01 (not FIPS 202's SHA-3).
 * [any]
 */
#ifndef HAWSE_KECCAK_H
#define HAWSE_KECCAK_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hawse_keccak {
    uint64_t lanes[25];
    uint32_t filled; /* bytes of the current block */
    uint32_t reserved;
} hawse_keccak_t;

void hawse_keccak_init(hawse_keccak_t *k);
void hawse_keccak_update(hawse_keccak_t *k, const uint8_t *data, uint64_t len);
void hawse_keccak_final(hawse_keccak_t *k, uint8_t digest[32]);

/* All at once. */
void hawse_keccak256(const uint8_t *data, uint64_t len, uint8_t digest[32]);

/* The first topic of an event, or the hash whose first 4 bytes select a function, by its signature:
 * "Transfer(address,address,uint256)". */
void hawse_keccak_signature(const char *signature, uint8_t digest[32]);

#ifdef __cplusplus
}
#endif
#endif
