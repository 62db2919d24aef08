/*
 * Keccak-f[1600] after the Keccak reference (Bertoni, Daemen, Peeters, Van Assche, version 3.0);
 * see hawse/keccak.h. The round constants and rotations are the specification's.
 */
#include <hawse/keccak.h>

#include <string.h>

enum { RATE = 136, ROUNDS = 24 };

static const uint64_t round_constants[ROUNDS] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

/* Lane (x + 5y) moves to (y, 2x + 3y), turned by so many bits: rho and pi in one walk. */
static const uint8_t pi_order[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                     15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t rho_bits[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                     27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

static inline uint64_t turn(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static void permute(uint64_t a[25])
{
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t c[5], carried = a[1];
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++)
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
#pragma GCC unroll 5
        for (int x = 0; x < 5; x++) {
            uint64_t d = c[(x + 4) % 5] ^ turn(c[(x + 1) % 5], 1);
            for (int y = 0; y < 25; y += 5)
                a[y + x] ^= d;
        }
        carried = a[1];
#pragma GCC unroll 24
        for (int i = 0; i < 24; i++) {
            uint64_t next = a[pi_order[i]];
            a[pi_order[i]] = turn(carried, rho_bits[i]);
            carried = next;
        }
#pragma GCC unroll 5
        for (int y = 0; y < 25; y += 5) {
            uint64_t row[5] = {a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
            for (int x = 0; x < 5; x++)
                a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
        a[0] ^= round_constants[round];
    }
}

void hawse_keccak_init(hawse_keccak_t *k)
{
    memset(k, 0, sizeof(*k));
}

static void absorb_byte(hawse_keccak_t *k, uint32_t at, uint8_t byte)
{
    k->lanes[at / 8] ^= (uint64_t)byte << (8 * (at % 8));
}

void hawse_keccak_update(hawse_keccak_t *k, const uint8_t *data, uint64_t len)
{
    while (len > 0) {
        if (k->filled == 0 && len >= RATE) {
            for (int i = 0; i < RATE / 8; i++) {
                uint64_t lane;
                memcpy(&lane, data + 8 * i, 8);
                k->lanes[i] ^= lane;
            }
            permute(k->lanes);
            data += RATE;
            len -= RATE;
            continue;
        }
        absorb_byte(k, k->filled++, *data++);
        len--;
        if (k->filled == RATE) {
            permute(k->lanes);
            k->filled = 0;
        }
    }
}

void hawse_keccak_final(hawse_keccak_t *k, uint8_t digest[32])
{
    absorb_byte(k, k->filled, 0x01);
    absorb_byte(k, RATE - 1, 0x80);
    permute(k->lanes);
    memcpy(digest, k->lanes, 32);
    memset(k, 0, sizeof(*k));
}

void hawse_keccak256(const uint8_t *data, uint64_t len, uint8_t digest[32])
{
    hawse_keccak_t k;
    hawse_keccak_init(&k);
    hawse_keccak_update(&k, data, len);
    hawse_keccak_final(&k, digest);
}

void hawse_keccak_signature(const char *signature, uint8_t digest[32])
{
    hawse_keccak256((const uint8_t *)signature, strlen(signature), digest);
}
