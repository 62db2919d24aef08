/*
 * Addresses with a checksum in the case of their letters (EIP-55).
 *
 * Both functions are [any], allocate nothing and keep nothing.
 */
#ifndef HAWSE_EIP55_H
#define HAWSE_EIP55_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0x", 40 digits, NUL: 43 bytes. */
void hawse_eip55_format(const uint8_t address[20], char out[43]);

/* "0x" and 40 digits. Letters that are all lower or all upper case are accepted as they are; mixed
 * case must be the checksum. HAWSE_E_FORMAT: not an address (length, prefix or a digit);
 * HAWSE_E_INVAL: the checksum is wrong, so some digit may be too. address is written only on
 * success. */
int32_t hawse_eip55_parse(const uint8_t *text, uint64_t len, uint8_t address[20]);

#ifdef __cplusplus
}
#endif
#endif
