/*
 * Hexadecimal as Ethereum's JSON-RPC writes it. All functions are [any]; none allocates.
 */
#ifndef HAWSE_HEX_H
#define HAWSE_HEX_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lower-case digits of `len` bytes into out, which has room for 2 * len; no prefix, no NUL. */
void hawse_hex_encode(const uint8_t *data, uint64_t len, char *out);

/* Exactly 2 * len digits, of any case, into len bytes. HAWSE_E_FORMAT: something is no digit. */
int32_t hawse_hex_decode(const uint8_t *digits, uint8_t *out, uint64_t len);

/* "0x" and exactly 2 * len digits: hashes (32), addresses (20). HAWSE_E_FORMAT. */
int32_t hawse_hex_fixed(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t len);

/* "0x" and an even number of digits: bytes of any length. HAWSE_E_FORMAT; HAWSE_E_NOSPACE, *need
 * tells. */
int32_t hawse_hex_data(const uint8_t *text, uint64_t text_len, uint8_t *out, uint64_t cap,
                       uint64_t *need);

/* A quantity: "0x" and 1 to 16 significant digits. Leading zeros are accepted, as some nodes send
 * them. HAWSE_E_FORMAT; HAWSE_E_RANGE above 2^64 - 1. */
int32_t hawse_hex_u64(const uint8_t *text, uint64_t text_len, uint64_t *out);

/* A quantity of up to 256 bits. */
int32_t hawse_hex_u256(const uint8_t *text, uint64_t text_len, hawse_u256_t *out);

#ifdef __cplusplus
}
#endif
#endif
