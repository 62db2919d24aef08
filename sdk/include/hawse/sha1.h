/*
 * SHA-1 (FIPS 180-4, section 6.1), for venues that use it as the check value of an order book. It
 * is no protection against anybody: nothing that must not be forged may rest on it.
 */
#ifndef HAWSE_SHA1_H
#define HAWSE_SHA1_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* [any] The digest of `len` bytes; data may be NULL when len is 0. Allocates nothing, cannot fail.
 */
void hawse_sha1(const uint8_t *data, uint64_t len, uint8_t digest[20]);

#ifdef __cplusplus
}
#endif
#endif
