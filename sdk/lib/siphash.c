/* SipHash-1-3; see hawse/siphash.h. */
#include <hawse/siphash.h>
#include <string.h>

struct state {
    uint64_t a, b, c, d;
};

static inline uint64_t turn(uint64_t n, unsigned bits)
{
    return n << bits | n >> (64 - bits);
}

static inline void mix(struct state *s)
{
    s->a += s->b;
    s->b = turn(s->b, 13) ^ s->a;
    s->a = turn(s->a, 32);
    s->c += s->d;
    s->d = turn(s->d, 16) ^ s->c;
    s->a += s->d;
    s->d = turn(s->d, 21) ^ s->a;
    s->c += s->b;
    s->b = turn(s->b, 17) ^ s->c;
    s->c = turn(s->c, 32);
}

uint64_t hawse_siphash(const uint64_t key[2], const uint8_t *data, uint64_t len)
{
    /* "somepseudorandomlygeneratedbytes" */
    struct state s = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                      key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    uint64_t word, at = 0;
    for (; len - at >= 8; at += 8) {
        memcpy(&word, data + at, 8);
        s.d ^= word;
        mix(&s);
        s.a ^= word;
    }
    word = len << 56;
    for (uint64_t i = 0; at + i < len; i++)
        word |= (uint64_t)data[at + i] << (8 * i);
    s.d ^= word;
    mix(&s);
    s.a ^= word;
    s.c ^= 0xff;
    for (int i = 0; i < 3; i++)
        mix(&s);
    return s.a ^ s.b ^ s.c ^ s.d;
}
