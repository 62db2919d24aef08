/*
 * The permutation Keccak-f[1600] for different CPUs; internal, compared with each other by tests.
 */
#ifndef SDK_LIB_KECCAK_PERMUTE_H
#define SDK_LIB_KECCAK_PERMUTE_H

#include <stdint.h>

/* Lane (x, y) is lanes[5 * y + x], in the byte order of the CPU. */
void keccak_permute_portable(uint64_t lanes[25]);
#if defined(__x86_64__)
/* Only on a CPU with BMI1 and BMI2: "and not" and a rotation into another register are then one
 * instruction each. */
void keccak_permute_bmi2(uint64_t lanes[25]);
#endif

#endif
