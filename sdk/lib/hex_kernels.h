/*
 * The ways to decode hexadecimal; internal, compared with each other by tests. 1 = good.
 */
#ifndef SDK_LIB_HEX_KERNELS_H
#define SDK_LIB_HEX_KERNELS_H

#include <stdint.h>

int hex_decode_scalar(const uint8_t *digits, uint8_t *out, uint64_t len);
#if defined(__x86_64__)
int hex_decode_ssse3(const uint8_t *digits, uint8_t *out, uint64_t len);
#endif

#endif
