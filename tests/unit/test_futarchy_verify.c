/* What `verify` says of an account, an executor and a chain: each fault by itself is named. */
#include "../../plugins/strategies/futarchy-arb/verify.h"
#include "harness.h"

#include <hawse/keccak.h>
#include <string.h>

static const uint8_t clean[] = {0x60, 0xef, 0x60, 0x00, 0x52, 0x00};
static uint8_t delegation[23] = {0xef, 0x01, 0x00};

struct fixture {
    struct bundle_places places;
    struct verify_facts f;
    struct verify_report r;
};

/* All is well. */
static void begin(struct fixture *x)
{
    memset(x, 0, sizeof(*x));
    memset(x->f.executor, 0x11, 20);
    memset(delegation + 3, 0x11, 20);
    x->f.chain_id = x->f.wanted_chain_id = 100;
    x->f.code = clean;
    x->f.code_len = x->f.wanted_size = sizeof(clean);
    x->f.hash_pinned = x->f.set_code = true;
    hawse_keccak256(clean, sizeof(clean), x->f.wanted_hash);
    x->f.wanted_sdai = x->f.sdai = hawse_u256(1000);
    x->f.wanted_coin = x->f.coin = hawse_u256(50);
    for (uint32_t i = 0; i < APPROVALS; i++)
        memset(&x->f.allowance[i], 0xff, sizeof(x->f.allowance[i]));
}

/* These lines are bad, by bit, and no others; the first of them says `words`. */
static void judge(struct fixture *x, uint32_t bad, const char *words)
{
    verify_judge(&x->places, &x->f, &x->r);
    CHECK_EQ(x->r.good, bad == 0);
    bool said = false;
    for (uint32_t i = 0; i < VERIFY_LINES; i++) {
        const struct verify_verdict *v = &x->r.line[i];
        if (v->good != ((bad >> i & 1u) == 0))
            FAIL("line %u is %s: %s", i, v->good ? "good" : "bad", v->text);
        if (!v->good && !said && !strstr(v->text, words))
            FAIL("line %u: %s, wanted %s", i, v->text, words);
        said = said || !v->good;
        CHECK(v->text[0] && (v->good || v->fix[0]));
    }
}

TEST(verify_good, "a good chain is green, delegated already or not")
{
    struct fixture x;
    begin(&x);
    judge(&x, 0, "");
    CHECK(strcmp(x.r.line[VERIFY_OPCODES].text,
                 "No 0xEF opcodes found in bytecode (1 bytes 0xEF in data)") == 0);
    x.f.account_code = delegation;
    x.f.account_code_len = sizeof(delegation);
    x.f.hash_pinned = false;
    x.f.wanted_size = 0;
    judge(&x, 0, "");
}

TEST(verify_faults, "each fault is named, with what to do")
{
    static const uint8_t opcode[] = {0x60, 0xef, 0x60, 0x00, 0xef, 0x00};
    struct fixture x;
    begin(&x);
    x.f.code_len = 0;
    judge(&x, 1u << VERIFY_CODE | 1u << VERIFY_OPCODES | 1u << VERIFY_SIZE | 1u << VERIFY_HASH,
          "no code at 0x1111");
    begin(&x);
    x.f.wanted_hash[31] ^= 1;
    judge(&x, 1u << VERIFY_HASH, "code hash 0x");
    begin(&x);
    x.f.code = opcode;
    x.f.hash_pinned = false;
    judge(&x, 1u << VERIFY_OPCODES, "1 0xEF opcodes");
    begin(&x);
    x.f.wanted_size = 1379;
    judge(&x, 1u << VERIFY_SIZE, "Contract size: 6 bytes, pinned 1379");
    begin(&x);
    x.f.set_code = false;
    judge(&x, 1u << VERIFY_SET_CODE, "no EIP-7702");
    begin(&x);
    x.f.chain_id = 137;
    judge(&x, 1u << VERIFY_CHAIN, "chain id 137, expected 100");
    begin(&x);
    x.f.allowance[6] = hawse_u256(999);
    judge(&x, 1u << VERIFY_APPROVALS, "1 of 12 approvals are missing: YES-sDAI > swap_router");
    begin(&x);
    x.f.sdai = hawse_u256(999);
    judge(&x, 1u << VERIFY_MONEY, "0.000000000000000999, a trade needs 0.000000000000001");
    begin(&x);
    x.f.coin = hawse_u256(49);
    judge(&x, 1u << VERIFY_COIN, "0.000000000000000049, a trade needs 0.00000000000000005");
    begin(&x);
    delegation[22] ^= 1;
    x.f.account_code = delegation;
    x.f.account_code_len = sizeof(delegation);
    judge(&x, 1u << VERIFY_ACCOUNT, "code of somebody else");
    delegation[22] ^= 1;
}

TEST(verify_scan, "data behind PUSH and metadata are no opcodes, whatever the length")
{
    static const uint8_t push32_cut[] = {0x7f, 0xef, 0xef};
    static const uint8_t metadata[] = {0x00, 0xa1, 0x64, 0xef, 0x00, 0x03};
    static const uint8_t not_metadata[] = {0x00, 0x00, 0xef, 0x00, 0x00, 0x02};
    uint32_t opcodes, bytes;
    verify_scan(push32_cut, sizeof(push32_cut), &opcodes, &bytes);
    CHECK(opcodes == 0 && bytes == 2);
    verify_scan(metadata, sizeof(metadata), &opcodes, &bytes);
    CHECK(opcodes == 0 && bytes == 1);
    verify_scan(not_metadata, sizeof(not_metadata), &opcodes, &bytes);
    CHECK(opcodes == 1 && bytes == 1);
    for (uint64_t len = 0; len < 3; len++)
        verify_scan(not_metadata, len, &opcodes, &bytes);
    CHECK(opcodes == 0 && bytes == 0);
}

TEST(approvals_encode, "approve(spender, amount), to the spenders of the table alone")
{
    struct bundle_places places;
    struct approval pair;
    uint8_t data[APPROVAL_DATA];
    hawse_u256_t all, none = hawse_u256(0);
    memset(&all, 0xff, sizeof(all));
    memset(&places, 0, sizeof(places));
    memset(places.router, 1, 20);
    memset(places.swap_router, 2, 20);
    memset(places.vault, 3, 20);
    CHECK_EQ(approval_count(&places), 12);
    for (uint32_t i = 0; i < approval_count(&places); i++) {
        approval_at(&places, i, &pair);
        CHECK(pair.spender == places.router || pair.spender == places.swap_router ||
              pair.spender == places.vault);
        CHECK(!pair.by_permit2 && pair.at == places.token[pair.token]);
    }
    CHECK_EQ(approval_encode(&places, &pair, &all, data), 68);
    CHECK_MEM(data, "\x09\x5e\xa7\xb3\0\0\0\0\0\0\0\0\0\0\0\0\3\3\3\3", 20);
    CHECK(data[36] == 0xff && data[67] == 0xff && data[35] == 3);
    CHECK(approval_endless(&all) && !approval_endless(&none));
}

TEST(approvals_permit2, "with a pool of v3 no vault is a spender: Permit2 is, and in it the router")
{
    struct bundle_places places;
    struct approval pair;
    uint8_t data[APPROVAL_DATA];
    hawse_u256_t all, some = hawse_u256(7);
    uint32_t by_permit2 = 0;
    memset(&all, 0xff, sizeof(all));
    memset(&places, 0, sizeof(places));
    places.spot = BUNDLE_SPOT_V3;
    memset(places.batch_router, 4, 20);
    memset(places.token[TOKEN_COMPANY], 5, 20);
    CHECK_EQ(approval_count(&places), APPROVALS);
    for (uint32_t i = 0; i < APPROVALS; i++) {
        approval_at(&places, i, &pair);
        CHECK(pair.spender == places.router || pair.spender == places.swap_router ||
              pair.spender == places.permit2 || pair.spender == places.batch_router);
        CHECK_EQ(pair.by_permit2, pair.spender == places.batch_router);
        CHECK(pair.at == (pair.by_permit2 ? places.permit2 : places.token[pair.token]));
        by_permit2 += pair.by_permit2;
    }
    CHECK_EQ(by_permit2, 2);
    CHECK_EQ(approval_encode(&places, &pair, &all, data), 132); /* company, the last */
    CHECK_MEM(data, "\x87\x51\x7c\x45\0\0\0\0\0\0\0\0\0\0\0\0\5\5\5\5", 20);
    CHECK(data[4 + 63] == 4 && data[4 + 64 + 11] == 0 && data[4 + 64 + 12] == 0xff); /* 160 bits */
    CHECK(data[4 + 96 + 25] == 0 && data[4 + 96 + 26] == 0xff && data[131] == 0xff); /* 48 */
    CHECK_EQ(approval_encode(&places, &pair, &some, data), 132);
    CHECK(data[4 + 95] == 7 && data[4 + 94] == 0);
}

TEST(permit2_left, "an allowance in Permit2 counts until it expires; its greatest is without end")
{
    uint8_t words[96] = {0};
    hawse_u256_t left;
    words[31] = 9;
    words[63] = 100; /* seconds */
    CHECK_EQ(approval_permit2(words, 96, 100, &left), HAWSE_OK);
    CHECK_EQ(left.limb[0], 9);
    CHECK_EQ(approval_permit2(words, 96, 101, &left), HAWSE_OK);
    CHECK(hawse_u256_is_zero(&left));
    memset(words + 12, 0xff, 20);
    CHECK_EQ(approval_permit2(words, 96, 100, &left), HAWSE_OK);
    CHECK(approval_endless(&left));
    words[31] = 0xfe;
    CHECK_EQ(approval_permit2(words, 96, 100, &left), HAWSE_OK);
    CHECK(!approval_endless(&left));
    CHECK_EQ(approval_permit2(words, 95, 100, &left), HAWSE_E_FORMAT);
    words[11] = 1; /* more than 160 bits */
    CHECK_EQ(approval_permit2(words, 96, 100, &left), HAWSE_E_FORMAT);
}
