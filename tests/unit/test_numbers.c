/*
 * Hexadecimal, 256-bit integers, Keccak-256, EIP-55 and ABI words, against other people's code and
 * the published vectors.
 */
#include "harness.h"
#include "hex_kernels.h"

#include <gmp.h>
#include <hawse/abi.h>
#include <hawse/eip55.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <jansson.h>
#include <nettle/sha3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every kernel that this CPU has must say `good`, and give `want` when it is. */
static void every_decode(const char *text, const uint8_t *want, uint64_t n, bool good)
{
    static int (*const kernels[])(const uint8_t *, uint8_t *, uint64_t) = {
        hex_decode_scalar,
#if defined(__x86_64__)
        hex_decode_ssse3,
        hex_decode_avx2,
        hex_decode_avx512,
#endif
    };
    static bool (*const usable[])(void) = {
        hex_has_scalar,
#if defined(__x86_64__)
        hex_has_ssse3,
        hex_has_avx2,
        hex_has_avx512,
#endif
    };
    uint8_t back[300];
    for (size_t k = 0; k < sizeof(kernels) / sizeof(kernels[0]); k++) {
        if (!usable[k]())
            continue;
        CHECK_EQ(kernels[k]((const uint8_t *)text, back, n) != 0, good);
        if (good)
            CHECK_MEM(back, want, n);
    }
}

TEST(hex_round_trip, "decoding what was encoded gives the same bytes, by every kernel")
{
    uint8_t bytes[300], back[300];
    char text[600];
    for (int round = 0; round < 5000; round++) {
        uint64_t n = test_random() % 300;
        test_random_bytes(bytes, n);
        hawse_hex_encode(bytes, n, text);
        for (uint64_t i = 0; i < 2 * n; i++)
            text[i] = (char)(test_random() % 2 && text[i] >= 'a' ? text[i] - 32 : text[i]);
        every_decode(text, bytes, n, true);
        CHECK_EQ(hawse_hex_decode((uint8_t *)text, back, n), HAWSE_OK);
        CHECK_MEM(back, bytes, n);
    }
}

TEST(hex_any_byte, "any byte that is no digit is refused anywhere, by every kernel")
{
    char text[128];
    uint8_t want[64], back[64];
    for (int byte = 0; byte < 256; byte++) {
        bool digit = strchr("0123456789abcdefABCDEF", byte) != NULL && byte != 0;
        for (int at = 0; at < 128; at++) {
            memset(text, '7', sizeof(text));
            text[at] = (char)byte;
            CHECK_EQ(hex_decode_scalar((uint8_t *)text, want, 64), digit);
            for (uint64_t n = (uint64_t)at / 2 + 1; n <= 64; n += 13)
                every_decode(text, want, n, digit);
            CHECK_EQ(hawse_hex_decode((uint8_t *)text, back, 64) == HAWSE_OK, digit);
        }
    }
}

TEST(hex_runs, "runs of digits become what each alone becomes, and one bad digit spoils them")
{
    for (int round = 0; round < 3000; round++) {
        char text[8][200];
        uint8_t bytes[8][100], back[8][100];
        hawse_hex_run_t runs[8];
        uint32_t count = (uint32_t)(test_random() % 9);
        for (uint32_t i = 0; i < count; i++) {
            uint64_t n = test_random() % 2 ? 32 : test_random() % 100;
            test_random_bytes(bytes[i], n);
            hawse_hex_encode(bytes[i], n, text[i]);
            memset(back[i], 0xa5, sizeof(back[i]));
            runs[i] = (hawse_hex_run_t){(uint8_t *)text[i], back[i], n};
        }
        CHECK_EQ(hawse_hex_decode_runs(runs, count), HAWSE_OK);
        for (uint32_t i = 0; i < count; i++) {
            CHECK_MEM(back[i], bytes[i], runs[i].len);
            CHECK(runs[i].len == 100 || back[i][runs[i].len] == 0xa5);
        }
        uint32_t bad = count ? (uint32_t)(test_random() % count) : 0;
        if (count == 0 || runs[bad].len == 0)
            continue;
        text[bad][test_random() % (2 * runs[bad].len)] = 'g';
        CHECK_EQ(hawse_hex_decode_runs(runs, count), HAWSE_E_FORMAT);
    }
}

TEST(hex_quantities, "quantities are exact, and what is none is refused")
{
    uint64_t n = 0;
    hawse_u256_t wide;
#define Q(text) hawse_hex_u64((const uint8_t *)(text), sizeof(text) - 1, &n)
    CHECK_EQ(Q("0xffffffffffffffff"), HAWSE_OK);
    CHECK_EQ_U64(n, UINT64_MAX);
    CHECK_EQ(Q("0x10000000000000000"), HAWSE_E_RANGE);
    CHECK_EQ(Q("0x0000000000000000000f"), HAWSE_OK);
    CHECK_EQ_U64(n, 15);
    CHECK_EQ(Q("0x"), HAWSE_E_FORMAT);
    CHECK_EQ(Q("1f"), HAWSE_E_FORMAT);
    CHECK_EQ(Q("0x1g"), HAWSE_E_FORMAT);
    for (int round = 0; round < 20000; round++) {
        char text[24];
        uint64_t want = test_random() >> (test_random() % 64);
        uint32_t len = (uint32_t)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)want);
        CHECK_EQ(hawse_hex_u64((uint8_t *)text, len, &n), HAWSE_OK);
        CHECK_EQ_U64(n, want);
        CHECK(hex_u64_scalar((uint8_t *)text + 2, len - 2, &n) && n == want);
        text[2 + test_random() % (len - 2)] = (char)("/:@G`g\x01\xb1"[test_random() % 8]);
        CHECK_EQ(hawse_hex_u64((uint8_t *)text, len, &n), HAWSE_E_FORMAT);
    }
    char big[70] = "0x1";
    memset(big + 3, '0', 64);
    CHECK_EQ(hawse_hex_u256((const uint8_t *)big, 67, &wide), HAWSE_E_RANGE);
    CHECK_EQ(hawse_hex_u256((const uint8_t *)big, 66, &wide), HAWSE_OK);
    CHECK_EQ_U64(wide.limb[3], 1ull << 60);
}

/* A value of any magnitude, edges often. */
static hawse_u256_t random_u256(void)
{
    hawse_u256_t a;
    test_random_bytes(&a, sizeof(a));
    for (uint64_t l = test_random() % 5, i = l; i < 4; i++)
        a.limb[i] = test_random() % 4 ? 0 : UINT64_MAX;
    if (test_random() % 4 == 0)
        a.limb[test_random() % 4] = test_random() % 2 ? UINT64_MAX : 1;
    return a;
}

static void to_gmp(mpz_t out, const hawse_u256_t *a)
{
    mpz_import(out, 4, -1, 8, 0, 0, a->limb);
}

static bool equals_gmp(const hawse_u256_t *a, const mpz_t want)
{
    mpz_t got;
    mpz_init(got);
    to_gmp(got, a);
    bool same = mpz_cmp(got, want) == 0;
    mpz_clear(got);
    return same;
}

TEST_LIMIT(u256_equals_gmp, 30, "sums, products and quotients equal GMP's on 200,000 values")
{
    mpz_t a, b, d, t, modulus;
    mpz_inits(a, b, d, t, modulus, NULL);
    mpz_ui_pow_ui(modulus, 2, 256);
    for (int round = 0; round < 200000; round++) {
        hawse_u256_t x = random_u256(), y = random_u256(), z = random_u256(), r, q;
        to_gmp(a, &x);
        to_gmp(b, &y);
        to_gmp(d, &z);
        uint32_t carry = hawse_u256_add(&x, &y, &r);
        mpz_add(t, a, b);
        CHECK_EQ(carry, mpz_cmp(t, modulus) >= 0);
        mpz_mod(t, t, modulus);
        CHECK(equals_gmp(&r, t));
        uint32_t borrow = hawse_u256_sub(&x, &y, &r);
        mpz_sub(t, a, b);
        CHECK_EQ(borrow, mpz_sgn(t) < 0);
        mpz_mod(t, t, modulus);
        CHECK(equals_gmp(&r, t));
        CHECK_EQ(hawse_u256_compare(&x, &y), mpz_cmp(a, b) < 0 ? -1 : mpz_cmp(a, b) > 0);
        int32_t code = hawse_u256_div(&x, &z, &q, &r);
        CHECK_EQ(code, mpz_sgn(d) ? HAWSE_OK : HAWSE_E_RANGE);
        int32_t up = (int32_t)(test_random() % 2);
        hawse_u256_t product;
        int32_t wide = hawse_u256_mul_div(&x, &y, &z, up, &product);
        if (mpz_sgn(d) == 0) {
            CHECK_EQ(wide, HAWSE_E_RANGE);
            continue;
        }
        mpz_fdiv_q(t, a, d);
        CHECK(equals_gmp(&q, t));
        mpz_mod(t, a, d);
        CHECK(equals_gmp(&r, t));
        mpz_mul(t, a, b);
        if (up)
            mpz_cdiv_q(t, t, d);
        else
            mpz_fdiv_q(t, t, d);
        CHECK_EQ(wide == HAWSE_OK, mpz_cmp(t, modulus) < 0);
        if (wide == HAWSE_OK)
            CHECK(equals_gmp(&product, t));
    }
    mpz_clears(a, b, d, t, modulus, NULL);
}

TEST(u256_decimal_text, "decimal text equals GMP's and reads back")
{
    char got[HAWSE_U256_DECIMAL_MAX], want[100];
    mpz_t a;
    mpz_init(a);
    for (int round = 0; round < 20000; round++) {
        hawse_u256_t x = random_u256(), back;
        to_gmp(a, &x);
        (void)mpz_get_str(want, 10, a);
        uint32_t n = hawse_u256_decimal(&x, got);
        CHECK_STR(got, want);
        CHECK_EQ(hawse_u256_parse((uint8_t *)got, n, &back), HAWSE_OK);
        CHECK_EQ(hawse_u256_compare(&x, &back), 0);
        uint8_t be[32];
        hawse_u256_to_be(&x, be);
        hawse_u256_from_be(be, &back);
        CHECK_EQ(hawse_u256_compare(&x, &back), 0);
    }
    mpz_clear(a);
    hawse_u256_t r;
    const char *above =
        "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    CHECK_EQ(hawse_u256_parse((const uint8_t *)above, 78, &r), HAWSE_E_RANGE);
    CHECK_EQ(hawse_u256_parse((const uint8_t *)"1a", 2, &r), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_u256_parse((const uint8_t *)"", 0, &r), HAWSE_E_FORMAT);
}

TEST(u256_units, "amounts are shown with their decimals, cut toward zero")
{
    static const struct {
        const char *value;
        int32_t negative;
        uint32_t decimals, digits;
        const char *shown;
    } rows[] = {
        {"1234500000000000000", 0, 18, 18, "1.2345"},
        {"1", 0, 18, 18, "0.000000000000000001"},
        {"1", 0, 18, 6, "0"},
        {"0", 0, 6, 6, "0"},
        {"1999999", 0, 6, 2, "1.99"},
        {"1999999", 1, 6, 2, "-1.99"},
        {"1000000", 0, 6, 6, "1"},
        {"12", 0, 0, 4, "12"},
        {"100", 1, 3, 3, "-0.1"},
    };
    char out[HAWSE_U256_DECIMAL_MAX + 4];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hawse_u256_t a;
        CHECK_EQ(hawse_u256_parse((const uint8_t *)rows[i].value, strlen(rows[i].value), &a), 0);
        if (rows[i].negative)
            hawse_i256_negate(&a, &a);
        (void)hawse_u256_units(&a, rows[i].negative, rows[i].decimals, rows[i].digits, out);
        CHECK_STR(out, rows[i].shown);
    }
}

static void check_keccak(const char *text, const char *want)
{
    uint8_t digest[32];
    char hex[65] = "";
    hawse_keccak_signature(text, digest);
    hawse_hex_encode(digest, 32, hex);
    CHECK_STR(hex, want);
}

TEST(keccak_vectors, "known digests and event topics come out")
{
    check_keccak("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    check_keccak("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    check_keccak("Transfer(address,address,uint256)",
                 "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    check_keccak("Swap(address,address,int256,int256,uint160,uint128,int24)",
                 "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67");
    check_keccak("Mint(address,address,int24,int24,uint128,uint256,uint256)",
                 "7a53080ba414158be7ec69b987b5fb7d07dee101fe85488f0853ae16239d0bde");
    check_keccak("Fee(uint16)", "598b9f043c813aa6be3426ca60d1c65d17256312890be5118dab55b0775ebe2a");
}

TEST(keccak_equals_nettle, "digests of every length to 1,000 equal those of nettle's permutation")
{
    uint8_t data[1000], digest[32], parts[32], want[32];
    test_random_bytes(data, sizeof(data));
    for (size_t n = 0; n <= sizeof(data); n++) {
        struct sha3_state s = {{0}};
        size_t at = 0;
        uint8_t block[136];
        for (;;) { /* original Keccak: padding 0x01 on nettle's public permutation */
            size_t take = n - at < 136 ? n - at : 136;
            memset(block, 0, sizeof(block));
            memcpy(block, data + at, take);
            at += take;
            if (take < 136) {
                block[take] ^= 0x01;
                block[135] ^= 0x80;
            }
            for (int i = 0; i < 17; i++) {
                uint64_t lane;
                memcpy(&lane, block + 8 * i, 8);
                s.a[i] ^= lane;
            }
            sha3_permute(&s);
            if (take < 136)
                break;
        }
        memcpy(want, s.a, 32);
        hawse_keccak256(data, n, digest);
        CHECK_MEM(digest, want, 32);
        hawse_keccak_t k;
        hawse_keccak_init(&k);
        size_t cut = n ? test_random() % n : 0;
        hawse_keccak_update(&k, data, cut);
        hawse_keccak_update(&k, data + cut, n - cut);
        hawse_keccak_final(&k, parts);
        CHECK_MEM(parts, want, 32);
    }
}

TEST(eip55_vectors, "the addresses of EIP-55 are formatted and parsed, wrong case is caught")
{
    static const char *const good[] = {
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"};
    uint8_t address[20];
    char out[43], broken[43];
    for (size_t i = 0; i < 4; i++) {
        CHECK_EQ(hawse_eip55_parse((const uint8_t *)good[i], 42, address), HAWSE_OK);
        hawse_eip55_format(address, out);
        CHECK_STR(out, good[i]);
        for (size_t at = 2; at < 42; at++) {
            memcpy(broken, good[i], 43);
            if (broken[at] < 'A')
                continue;
            broken[at] = (char)(broken[at] ^ 0x20);
            CHECK_EQ(hawse_eip55_parse((uint8_t *)broken, 42, address), HAWSE_E_INVAL);
        }
    }
    CHECK_EQ(hawse_eip55_parse((const uint8_t *)"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", 42,
                               address),
             HAWSE_OK);
    CHECK_EQ(hawse_eip55_parse((const uint8_t *)"0x5aae", 6, address), HAWSE_E_FORMAT);
}

TEST(abi_words, "a word is a value of its type only when the bits above it say so")
{
    uint8_t word[32] = {0};
    uint64_t n;
    int64_t m;
    uint32_t flag;
    uint8_t address[20];
    word[31] = 0xff;
    CHECK_EQ(hawse_abi_u64(word, 8, &n), HAWSE_OK);
    CHECK_EQ(hawse_abi_i64(word, 8, &m), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_abi_i64(word, 16, &m), HAWSE_OK);
    CHECK_EQ(m, 255);
    CHECK_EQ(hawse_abi_bool(word, &flag), HAWSE_E_FORMAT);
    word[30] = 1;
    CHECK_EQ(hawse_abi_u64(word, 8, &n), HAWSE_E_FORMAT);
    memset(word, 0xff, 32);
    CHECK_EQ(hawse_abi_i64(word, 24, &m), HAWSE_OK);
    CHECK_EQ(m, -1);
    CHECK_EQ(hawse_abi_address(word, address), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_abi_u64(word, 64, &n), HAWSE_E_FORMAT);
}

TEST(abi_bytes, "dynamic values stay inside their data")
{
    uint8_t data[128] = {0};
    hawse_view_t v;
    data[31] = 32;
    data[63] = 3;
    memcpy(data + 64, "abc", 3);
    CHECK_EQ(hawse_abi_bytes(data, 96, 0, &v), HAWSE_OK);
    CHECK_EQ_U64(v.len, 3);
    data[67] = 1;
    CHECK_EQ(hawse_abi_bytes(data, 96, 0, &v), HAWSE_E_FORMAT);
    data[67] = 0;
    data[63] = 33;
    CHECK_EQ(hawse_abi_bytes(data, 96, 0, &v), HAWSE_E_RANGE);
    memset(data + 24, 0xff, 8);
    CHECK_EQ(hawse_abi_bytes(data, 96, 0, &v), HAWSE_E_RANGE);
    CHECK_EQ(hawse_abi_bytes(data, 31, 0, &v), HAWSE_E_RANGE);
}
