/*
 * Keccak-256: absorbing, padding and squeezing; see hawse/keccak.h. The permutation is in
 * keccak_permute.c.
 */
#include "keccak_permute.h"

#include <hawse/keccak.h>

#include <string.h>

enum { RATE = 136 };

static inline void permute(uint64_t lanes[25])
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
        keccak_permute_bmi2(lanes);
        return;
    }
#endif
    keccak_permute_portable(lanes);
}

/* Adds bytes to the state from byte `at` on; at + len <= RATE. The machine is little-endian, as the
 * lanes of Keccak are. */
static void absorb(uint64_t lanes[25], uint32_t at, const uint8_t *data, uint64_t len)
{
    for (; len > 0 && at % 8 != 0; at++, len--)
        lanes[at / 8] ^= (uint64_t)*data++ << (8 * (at % 8));
    uint64_t *lane = lanes + at / 8, word;
    for (; len >= 8; len -= 8, data += 8) {
        memcpy(&word, data, 8);
        *lane++ ^= word;
    }
    for (uint64_t i = 0; i < len; i++)
        *lane ^= (uint64_t)data[i] << (8 * i);
}

static void finish(uint64_t lanes[25], uint32_t filled, uint8_t digest[32])
{
    lanes[filled / 8] ^= (uint64_t)0x01 << (8 * (filled % 8));
    lanes[RATE / 8 - 1] ^= (uint64_t)0x80 << 56;
    permute(lanes);
    memcpy(digest, lanes, 32);
}

void hawse_keccak_init(hawse_keccak_t *k)
{
    memset(k, 0, sizeof(*k));
}

void hawse_keccak_update(hawse_keccak_t *k, const uint8_t *data, uint64_t len)
{
    while (len > 0) {
        uint64_t room = RATE - k->filled, take = len < room ? len : room;
        absorb(k->lanes, k->filled, data, take);
        data += take;
        len -= take;
        k->filled += (uint32_t)take;
        if (k->filled == RATE) {
            permute(k->lanes);
            k->filled = 0;
        }
    }
}

void hawse_keccak_final(hawse_keccak_t *k, uint8_t digest[32])
{
    finish(k->lanes, k->filled, digest);
    memset(k, 0, sizeof(*k));
}

void hawse_keccak256(const uint8_t *data, uint64_t len, uint8_t digest[32])
{
    uint64_t lanes[25] = {0};
    for (; len >= RATE; len -= RATE, data += RATE) {
        absorb(lanes, 0, data, RATE);
        permute(lanes);
    }
    absorb(lanes, 0, data, len);
    finish(lanes, (uint32_t)len, digest);
}

void hawse_keccak_signature(const char *signature, uint8_t digest[32])
{
    hawse_keccak256((const uint8_t *)signature, strlen(signature), digest);
}

void hawse_keccak_selector(const char *signature, uint8_t selector[4])
{
    uint8_t digest[32];
    hawse_keccak_signature(signature, digest);
    memcpy(selector, digest, 4);
}
