/*
 * SipHash-1-3: 64 bits of any bytes under a secret key, many times faster than a cryptographic
 * hash. For tables and for noticing change: whoever does not know the key cannot aim at a hash. No
 * signature, and no checksum against somebody who does.
 *
 * [any]; allocates nothing and keeps nothing.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), with 1 and 3 rounds.
 */
#ifndef HAWSE_SIPHASH_H
#define HAWSE_SIPHASH_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `data` may be NULL when len is 0. */
uint64_t hawse_siphash(const uint64_t key[2], const uint8_t *data, uint64_t len);

#ifdef __cplusplus
}
#endif
#endif
