/*
 * Solidity ABI: the words of events and results, with the range of each type checked: a word with
 * dirty high bits is not a value of its type. [any]
 *
 * Source: Solidity documentation, "Contract ABI Specification".
 */
#ifndef HAWSE_ABI_H
#define HAWSE_ABI_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Word `index` of data. HAWSE_E_RANGE: the data is shorter. */
int32_t hawse_abi_word(const uint8_t *data, uint64_t len, uint64_t index, const uint8_t **word);

/* uintN, N = 8 to 256 in steps of 8. HAWSE_E_FORMAT: higher bits are set. */
int32_t hawse_abi_uint(const uint8_t word[32], uint32_t bits, hawse_u256_t *out);
/* intN as two's complement of 256 bits. HAWSE_E_FORMAT: the higher bits are not the sign. */
int32_t hawse_abi_int(const uint8_t word[32], uint32_t bits, hawse_u256_t *out);
/* The same for types of at most 64 bits. */
int32_t hawse_abi_u64(const uint8_t word[32], uint32_t bits, uint64_t *out);
int32_t hawse_abi_i64(const uint8_t word[32], uint32_t bits, int64_t *out);
/* An address: the last 20 bytes. HAWSE_E_FORMAT: the first 12 are not 0. */
int32_t hawse_abi_address(const uint8_t word[32], uint8_t out[20]);
int32_t hawse_abi_bool(const uint8_t word[32], uint32_t *out);
/* bytes or string at the offset that word `index` holds: a view into data. HAWSE_E_RANGE: it
 * reaches beyond the data; HAWSE_E_FORMAT: the padding is not 0. */
int32_t hawse_abi_bytes(const uint8_t *data, uint64_t len, uint64_t index, hawse_view_t *out);

#ifdef __cplusplus
}
#endif
#endif
