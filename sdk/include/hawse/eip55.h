/*
 * Addresses with a checksum in the case of their letters (EIP-55). [any]
 */
#ifndef HAWSE_EIP55_H
#define HAWSE_EIP55_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0x", 40 digits, NUL: 43 bytes. */
void hawse_eip55_format(const uint8_t address[20], char out[43]);

/* All lower or all upper case is accepted as it is; mixed case must be the checksum.
 * HAWSE_E_FORMAT: not an address; HAWSE_E_INVAL: the checksum is wrong, so some digit may be too.
 */
int32_t hawse_eip55_parse(const uint8_t *text, uint64_t len, uint8_t address[20]);

#ifdef __cplusplus
}
#endif
#endif
