/*
 * Addresses that Solana programs derive, durable nonce values, and signatures: what needs SHA-256
 * and the Ed25519 curve. This part is a library of its own, hawse-sdk-solana, because it links
 * libsodium; the rest of the SDK needs no other library.
 *
 * All functions are [any], allocate nothing and keep nothing.
 */
#ifndef HAWSE_SOLANA_ADDRESS_H
#define HAWSE_SOLANA_ADDRESS_H

#include <hawse/solana/message.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_SOLANA_SEEDS_MAX 16u /* of an address, the bump included; each at most 32 bytes */

/* 1 when the 32 bytes are a point of the Ed25519 curve by the runtime's rule: they decompress. Bit
 * 255 (the sign) does not matter, y may be above the prime, and points of small order count. This
 * is weaker than what "valid point" means elsewhere. */
int32_t hawse_solana_on_curve(const uint8_t key[32]);

/* SHA-256 of the seeds, the program and "ProgramDerivedAddress" in a row. Seeds are joined without
 * separators: give them fixed widths. HAWSE_E_INVAL: more than 16 seeds, or one above 32 bytes;
 * HAWSE_E_NOTFOUND: the hash is a point of the curve, so somebody could have its key. */
int32_t hawse_solana_create_address(const hawse_view_t *seeds, uint32_t seed_count,
                                    const uint8_t program[32], uint8_t address[32]);

/* The first address that is no point of the curve with one more seed, the bump, from 255 down.
 * At most 15 seeds. HAWSE_E_INVAL as above; HAWSE_E_NOTFOUND: none of them (never seen). */
int32_t hawse_solana_find_address(const hawse_view_t *seeds, uint32_t seed_count,
                                  const uint8_t program[32], uint8_t address[32], uint8_t *bump);

/* SHA-256 of base, seed and owner. HAWSE_E_INVAL: a seed above 32 bytes; HAWSE_E_DENIED: an owner
 * that ends in "ProgramDerivedAddress", which the runtime refuses. */
int32_t hawse_solana_address_with_seed(const uint8_t base[32], hawse_view_t seed,
                                       const uint8_t owner[32], uint8_t address[32]);

/* The account of a wallet for a mint: derived from [wallet, token program, mint] by the Associated
 * Token Account program. */
int32_t hawse_solana_associated_token(const uint8_t wallet[32], const uint8_t token_program[32],
                                      const uint8_t mint[32], uint8_t address[32], uint8_t *bump);

/* The address of a lookup table: derived from [authority, slot LE]. */
int32_t hawse_solana_table_address(const uint8_t authority[32], uint64_t slot, uint8_t address[32],
                                   uint8_t *bump);

/* The value that advancing a nonce in the block after `blockhash` stores: SHA-256 of
 * "DURABLE_NONCE" and the blockhash. */
void hawse_solana_nonce_value(const uint8_t blockhash[32], uint8_t value[32]);

/* Are all signatures of a sanitized transaction those of its first keys over its message? Strict,
 * as in the runtime: keys and points of small order and S above the group's order are refused.
 * HAWSE_E_INVAL, and the number of the first bad one in *bad when it is not NULL. */
int32_t hawse_solana_tx_verify(const hawse_solana_tx_t *tx, uint32_t *bad);

#ifdef __cplusplus
}
#endif
#endif
