/*
 * Keccak-f[1600] after the Keccak reference, version 3.0 (Bertoni, Daemen, Peeters, Van Assche);
 * see keccak_permute.h. The round constants and rotations are the specification's.
 *
 * The five steps of a round are done as one walk over the rows of the result, and two rounds go
 * from one set of lanes to another and back, so that nothing is moved only to make room. A version
 * with a row in each AVX-512 register was slower than BMI2 where it was measured: the steps wait
 * for the permutations of one another.
 */
#include "keccak_permute.h"

#include <string.h>

#define ALWAYS static inline __attribute__((always_inline))

enum { ROUNDS = 24 };

static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

/* rho: how far lane (x, y) turns, at 5 * y + x */
static const uint8_t rotations[25] = {0,  1,  62, 28, 27, 36, 44, 6,  55, 20, 3,  10, 43,
                                      25, 39, 41, 45, 15, 21, 8,  18, 2,  61, 56, 14};

ALWAYS uint64_t turn(uint64_t lane, unsigned bits)
{
    return lane << (bits & 63) | lane >> ((64 - bits) & 63);
}

ALWAYS void permute_round(const uint64_t from[25], uint64_t to[25], uint64_t constant)
{
    uint64_t parity[5], effect[5];
#pragma GCC unroll 5
    for (int x = 0; x < 5; x++)
        parity[x] = from[x] ^ from[x + 5] ^ from[x + 10] ^ from[x + 15] ^ from[x + 20];
#pragma GCC unroll 5
    for (int x = 0; x < 5; x++)
        effect[x] = parity[(x + 4) % 5] ^ turn(parity[(x + 1) % 5], 1); /* theta */
#pragma GCC unroll 5
    for (int y = 0; y < 5; y++) {
        uint64_t row[5];
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) { /* pi brings lane (x + 3y, x) to (x, y) */
            int column = (x + 3 * y) % 5, lane = 5 * x + column;
            row[x] = turn(from[lane] ^ effect[column], rotations[lane]);
        }
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) /* chi */
            to[5 * y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    to[0] ^= constant; /* iota */
}

ALWAYS void permute(uint64_t lanes[25])
{
    uint64_t even[25], odd[25];
    memcpy(even, lanes, sizeof(even));
#pragma GCC unroll 1
    for (int i = 0; i < ROUNDS; i += 2) {
        permute_round(even, odd, round_constants[i]);
        permute_round(odd, even, round_constants[i + 1]);
    }
    memcpy(lanes, even, sizeof(even));
}

void keccak_permute_portable(uint64_t lanes[25])
{
    permute(lanes);
}

#if defined(__x86_64__)
__attribute__((target("bmi,bmi2"))) void keccak_permute_bmi2(uint64_t lanes[25])
{
    permute(lanes);
}
#endif
