/*
 * Times of the number and encoding library beside nettle and GMP, in one process and in turns, so
 * that a busy machine slows all of them alike. Prints the best of many short runs, in nanoseconds,
 * and the goal beside it; exits 1 with --gate when a goal is missed.
 */
#include <gmp.h>
#include <hawse/abi.h>
#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <nettle/sha3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CASES = 1024, ROUNDS = 40, RATE = 136, BULK = 8192 };

struct operands {
    hawse_u256_t a, b, d;
};

/* Everything that is worked on; filled once. */
struct work {
    struct operands mixed[CASES]; /* divisors of 1 to 4 limbs, quotients that fit */
    struct operands by_96[CASES]; /* prices: x * y / 2^96 */
    struct operands by_128[CASES];
    uint8_t bytes[BULK];
    char digits[2 * BULK];
    char topic_text[3][66];
    char data_text[322];
    hawse_abi_signature_t swap;
};

static uint64_t random_state = 88172645463325252u;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 0x2545f4914f6cdd1du;
}

static hawse_u256_t random_bits(uint32_t bits)
{
    hawse_u256_t r = {{next_random(), next_random(), next_random(), next_random()}};
    hawse_u256_shift_right(&r, 256 - bits, &r);
    return r;
}

static void fill_operands(struct work *w)
{
    hawse_u256_t one = hawse_u256(1);
    for (int i = 0; i < CASES; i++) {
        struct operands *o = &w->mixed[i];
        o->a = random_bits(256);
        do
            o->d = random_bits(1 + (uint32_t)(next_random() % 256));
        while (hawse_u256_is_zero(&o->d));
        o->b = random_bits(256);
        (void)hawse_u256_div(&o->b, &o->d, NULL, &o->b); /* b < d: the quotient is below a */
        w->by_96[i].a = w->by_128[i].a = random_bits(160);
        w->by_96[i].b = w->by_128[i].b = random_bits(128);
        hawse_u256_shift_left(&one, 96, &w->by_96[i].d);
        hawse_u256_shift_left(&one, 128, &w->by_128[i].d);
    }
}

static void fill_log(struct work *w)
{
    static const char *const topics[3] = {
        "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67",
        "000000000000000000000000ffb643e73f280b97809a8b41f7232ab401a04ee1",
        "0000000000000000000000006b784e3ca49165585c669bf9ecdc5961a67fad01"};
    static const char data[] = "0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffff8a432eb"
                               "000000000000000000000000000000000000000000000000000000e5f4c8f368"
                               "000000000000000000000000000000000000000094295d689c13d92889716de8"
                               "00000000000000000000000000000000000000000000000027462e018a5b0000"
                               "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffd545";
    static const char event[] = "event Swap(address indexed sender, address indexed recipient, "
                                "int256 amount0, int256 amount1, uint160 price, uint128 liquidity, "
                                "int24 tick)";
    for (int i = 0; i < 3; i++) {
        memcpy(w->topic_text[i], "0x", 2);
        memcpy(w->topic_text[i] + 2, topics[i], 64);
    }
    memcpy(w->data_text, data, sizeof(w->data_text));
    if (hawse_abi_event_parse(event, sizeof(event) - 1, &w->swap, NULL) != HAWSE_OK)
        abort();
}

/* ---- what is timed: `n` operations; returns something that depends on all of them ---- */

static uint64_t muldiv(const struct operands *o, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        hawse_u256_t q;
        const struct operands *p = &o[i % CASES];
        if (hawse_u256_mul_div(&p->a, &p->b, &p->d, 0, &q) != HAWSE_OK)
            abort();
        sum += q.limb[0] ^ q.limb[3];
    }
    return sum;
}

static uint64_t muldiv_mixed(const struct work *w, uint64_t n)
{
    return muldiv(w->mixed, n);
}

static uint64_t muldiv_96(const struct work *w, uint64_t n)
{
    return muldiv(w->by_96, n);
}

static uint64_t muldiv_128(const struct work *w, uint64_t n)
{
    return muldiv(w->by_128, n);
}

static mp_size_t limbs(const mp_limb_t *p, mp_size_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n;
}

static uint64_t muldiv_mpn(const struct work *w, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        const struct operands *p = &w->mixed[i % CASES];
        mp_limb_t wide[8], q[8] = {0}, rest[4];
        mpn_mul_n(wide, p->a.limb, p->b.limb, 4);
        mp_size_t wide_len = limbs(wide, 8), d_len = limbs(p->d.limb, 4);
        if (wide_len >= d_len)
            mpn_tdiv_qr(q, rest, 0, wide, wide_len, p->d.limb, d_len);
        sum += q[0] ^ q[3];
    }
    return sum;
}

static uint64_t muldiv_mpz(const struct work *w, uint64_t n)
{
    static mpz_t a[CASES], b[CASES], d[CASES], q;
    static bool ready;
    uint64_t sum = 0;
    for (int i = 0; !ready && i < CASES; i++) {
        mpz_inits(a[i], b[i], d[i], NULL);
        mpz_import(a[i], 4, -1, 8, 0, 0, w->mixed[i].a.limb);
        mpz_import(b[i], 4, -1, 8, 0, 0, w->mixed[i].b.limb);
        mpz_import(d[i], 4, -1, 8, 0, 0, w->mixed[i].d.limb);
    }
    if (!ready)
        mpz_init(q);
    ready = true;
    for (uint64_t i = 0; i < n; i++) {
        mpz_mul(q, a[i % CASES], b[i % CASES]);
        mpz_tdiv_q(q, q, d[i % CASES]);
        sum += mpz_getlimbn(q, 0) ^ mpz_getlimbn(q, 3);
    }
    return sum;
}

static uint64_t multiply(const struct work *w, uint64_t n)
{
    uint64_t sum = 0, wide[8];
    for (uint64_t i = 0; i < n; i++) {
        hawse_u256_mul(&w->mixed[i % CASES].a, &w->mixed[i % CASES].b, wide);
        sum += wide[0] ^ wide[7];
    }
    return sum;
}

static uint64_t keccak(const struct work *w, uint64_t n, uint64_t len)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint8_t digest[32];
        hawse_keccak256(w->bytes + i % 32, len, digest);
        sum += digest[0];
    }
    return sum;
}

static uint64_t keccak_nettle(const struct work *w, uint64_t n, uint64_t len)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        struct sha3_state s = {{0}};
        const uint8_t *data = w->bytes + i % 32;
        uint64_t rest = len;
        uint64_t block[RATE / 8] = {0};
        for (; rest >= RATE; rest -= RATE, data += RATE) {
            memcpy(block, data, RATE);
            for (int l = 0; l < RATE / 8; l++)
                s.a[l] ^= block[l];
            sha3_permute(&s);
        }
        memset(block, 0, RATE);
        memcpy(block, data, rest);
        ((uint8_t *)block)[rest] ^= 0x01;
        ((uint8_t *)block)[RATE - 1] ^= 0x80;
        for (int l = 0; l < RATE / 8; l++)
            s.a[l] ^= block[l];
        sha3_permute(&s);
        sum += s.a[0] & 0xff;
    }
    return sum;
}

static uint64_t keccak_64(const struct work *w, uint64_t n)
{
    return keccak(w, n, 64);
}

static uint64_t nettle_64(const struct work *w, uint64_t n)
{
    return keccak_nettle(w, n, 64);
}

static uint64_t keccak_bulk(const struct work *w, uint64_t n)
{
    return keccak(w, n, BULK - 32);
}

static uint64_t nettle_bulk(const struct work *w, uint64_t n)
{
    return keccak_nettle(w, n, BULK - 32);
}

static uint64_t hex_words(const struct work *w, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint8_t out[32];
        if (hawse_hex_decode((const uint8_t *)w->digits + 64 * (i % 64), out, 32) != HAWSE_OK)
            abort();
        sum += out[0] ^ out[31];
    }
    return sum;
}

static uint64_t hex_encode_words(const struct work *w, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        char out[64];
        hawse_hex_encode(w->bytes + 32 * (i % 64), 32, out);
        sum += (uint64_t)out[0] ^ (uint64_t)out[63];
    }
    return sum;
}

static uint64_t swap_log(const struct work *w, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint8_t topics[4 * 32], data[160];
        uint64_t need;
        hawse_abi_value_t values[7];
        int32_t bad = 0;
        for (int t = 0; t < 3; t++)
            bad |= hawse_hex_fixed((const uint8_t *)w->topic_text[t], 66, topics + 32 * t, 32);
        bad |= hawse_hex_data((const uint8_t *)w->data_text, sizeof(w->data_text), data,
                              sizeof(data), &need);
        if (bad || hawse_abi_event_decode(&w->swap, topics, 3, data, need, values, 7, NULL) != 7)
            abort();
        sum += values[2].as.number.limb[0] ^ values[4].as.number.limb[2];
    }
    return sum;
}

static uint64_t checksum_address(const struct work *w, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        char out[43];
        hawse_eip55_format(w->bytes + i % 64, out);
        sum += (uint64_t)out[41];
    }
    return sum;
}

static uint64_t decimal_text(const struct work *w, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        char out[HAWSE_U256_DECIMAL_MAX];
        sum += hawse_u256_decimal(&w->by_96[i % CASES].a, out);
    }
    return sum;
}

/* ---- the table ---- */

enum which {
    MULDIV,
    MULDIV_MPN,
    MULDIV_MPZ,
    MULDIV_96,
    MULDIV_128,
    MULTIPLY,
    KECCAK_64,
    NETTLE_64,
    KECCAK_BULK,
    NETTLE_BULK,
    HEX_DECODE,
    HEX_ENCODE,
    SWAP_LOG,
    CHECKSUM,
    DECIMAL,
    BENCHES
};

struct bench {
    const char *name;
    uint64_t (*run)(const struct work *w, uint64_t n);
    uint64_t n;
    int peer;    /* -1 = none */
    double most; /* goal: at most so many times the peer, or so many ns */
};

static const struct bench benches[BENCHES] = {
    [MULDIV] = {"mul_div, mixed divisors", muldiv_mixed, 20000, MULDIV_MPN, 1.15},
    [MULDIV_MPN] = {"  GMP mpn", muldiv_mpn, 20000, -1, 0},
    [MULDIV_MPZ] = {"  GMP mpz", muldiv_mpz, 20000, -1, 0},
    [MULDIV_96] = {"mul_div by 2^96", muldiv_96, 20000, -1, 15},
    [MULDIV_128] = {"mul_div by 2^128", muldiv_128, 20000, -1, 15},
    [MULTIPLY] = {"256 x 256 -> 512", multiply, 20000, -1, 0},
    [KECCAK_64] = {"Keccak-256 of 64 bytes", keccak_64, 2000, NETTLE_64, 1.0},
    [NETTLE_64] = {"  nettle", nettle_64, 2000, -1, 0},
    [KECCAK_BULK] = {"Keccak-256 of 8160 bytes", keccak_bulk, 40, NETTLE_BULK, 1.0},
    [NETTLE_BULK] = {"  nettle", nettle_bulk, 40, -1, 0},
    [HEX_DECODE] = {"hex, 64 digits to bytes", hex_words, 40000, -1, 10},
    [HEX_ENCODE] = {"hex, 32 bytes to digits", hex_encode_words, 40000, -1, 10},
    [SWAP_LOG] = {"Swap log, hex to 7 values", swap_log, 5000, -1, 300},
    [CHECKSUM] = {"address with checksum", checksum_address, 2000, -1, 0},
    [DECIMAL] = {"160 bits to decimal", decimal_text, 5000, -1, 0},
};

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int report(const double *best, const uint64_t *sums)
{
    int missed = sums[MULDIV] != sums[MULDIV_MPN] || sums[MULDIV] != sums[MULDIV_MPZ] ||
                 sums[KECCAK_64] != sums[NETTLE_64] || sums[KECCAK_BULK] != sums[NETTLE_BULK];
    if (missed)
        (void)printf("results differ from the peers'\n");
    for (int i = 0; i < BENCHES; i++) {
        const struct bench *b = &benches[i];
        (void)printf("%-28s %8.1f ns", b->name, best[i]);
        if (b->most > 0) {
            double got = b->peer < 0 ? best[i] : best[i] / best[b->peer];
            if (b->peer < 0)
                (void)printf("   goal <= %.0f ns", b->most);
            else
                (void)printf("   %.2f of the peer's, goal <= %.2f", got, b->most);
            (void)printf("%s", got <= b->most ? "" : "   MISSED");
            missed |= got > b->most;
        }
        (void)printf("\n");
    }
    return missed;
}

int main(int argc, char **argv)
{
    static struct work w;
    static double best[BENCHES];
    static uint64_t sums[BENCHES];
    fill_operands(&w);
    fill_log(&w);
    for (size_t i = 0; i < sizeof(w.bytes); i++)
        w.bytes[i] = (uint8_t)next_random();
    hawse_hex_encode(w.bytes, sizeof(w.bytes), w.digits);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BENCHES; i++) {
            double begin = now();
            sums[i] = benches[i].run(&w, benches[i].n);
            double each = (now() - begin) / (double)benches[i].n;
            if (round == 0 || each < best[i])
                best[i] = each;
        }
    }
    int missed = report(best, sums);
    return argc > 1 && strcmp(argv[1], "--gate") == 0 ? missed : 0;
}
