/* SHA-1; see hawse/sha1.h. FIPS 180-4, section 6.1.2, with the schedule in a ring of 16 words. */
#include <hawse/sha1.h>
#include <string.h>

static uint32_t rotate(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t load(const uint8_t *p)
{
    uint32_t x;
    memcpy(&x, p, 4);
    return __builtin_bswap32(x);
}

static void store(uint8_t *p, uint32_t x)
{
    x = __builtin_bswap32(x);
    memcpy(p, &x, 4);
}

struct rounds {
    uint32_t a, b, c, d, e;
    uint32_t w[16];
};

static inline uint32_t schedule(struct rounds *r, unsigned t)
{
    uint32_t x = r->w[(t + 13) & 15] ^ r->w[(t + 8) & 15] ^ r->w[(t + 2) & 15] ^ r->w[t & 15];
    return r->w[t & 15] = rotate(x, 1);
}

static inline void step(struct rounds *r, uint32_t f, uint32_t k, uint32_t w)
{
    uint32_t x = rotate(r->a, 5) + f + r->e + k + w;
    r->e = r->d;
    r->d = r->c;
    r->c = rotate(r->b, 30);
    r->b = r->a;
    r->a = x;
}

static void block(uint32_t h[5], const uint8_t *p)
{
    struct rounds r = {.a = h[0], .b = h[1], .c = h[2], .d = h[3], .e = h[4]};
    unsigned t = 0;
#pragma GCC unroll 16
    for (; t < 16; t++) {
        r.w[t] = load(p + 4 * t);
        step(&r, r.d ^ (r.b & (r.c ^ r.d)), 0x5a827999u, r.w[t]);
    }
#pragma GCC unroll 4
    for (; t < 20; t++)
        step(&r, r.d ^ (r.b & (r.c ^ r.d)), 0x5a827999u, schedule(&r, t));
#pragma GCC unroll 20
    for (; t < 40; t++)
        step(&r, r.b ^ r.c ^ r.d, 0x6ed9eba1u, schedule(&r, t));
#pragma GCC unroll 20
    for (; t < 60; t++)
        step(&r, (r.b & r.c) | (r.d & (r.b | r.c)), 0x8f1bbcdcu, schedule(&r, t));
#pragma GCC unroll 20
    for (; t < 80; t++)
        step(&r, r.b ^ r.c ^ r.d, 0xca62c1d6u, schedule(&r, t));
    h[0] += r.a;
    h[1] += r.b;
    h[2] += r.c;
    h[3] += r.d;
    h[4] += r.e;
}

void hawse_sha1(const uint8_t *data, uint64_t len, uint8_t digest[20])
{
    uint32_t h[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    uint8_t tail[128] = {0};
    uint64_t whole = len & ~63ull, rest = len - whole;
    for (uint64_t at = 0; at < whole; at += 64)
        block(h, data + at);
    if (rest > 0)
        memcpy(tail, data + whole, rest);
    tail[rest] = 0x80;
    uint64_t end = rest < 56 ? 64 : 128;
    store(tail + end - 8, (uint32_t)(len >> 29));
    store(tail + end - 4, (uint32_t)(len << 3));
    block(h, tail);
    if (end == 128)
        block(h, tail + 64);
    for (int i = 0; i < 5; i++)
        store(digest + 4 * i, h[i]);
}
