/*
 * What nodes answer about blocks, receipts and counts: exactly of its form, or no answer.
 */
#include "harness.h"
#include "tx/answer.h"

#include <hawse/types.h>
#include <stdio.h>
#include <string.h>

#define H1   "0x1111111111111111111111111111111111111111111111111111111111111111"
#define H2   "0x2222222222222222222222222222222222222222222222222222222222222222"
#define FROM "0x00000000000000000000000000000000000000aa"

static uint8_t padded[4096];
static uint64_t padded_len;

static void put(const char *text)
{
    memset(padded, 0, sizeof(padded));
    padded_len = strlen(text);
    memcpy(padded, text, padded_len);
}

TEST(answer_blocks, "a header is read; one that lacks a field is none")
{
    struct answer_block b;
    put("{\"number\":\"0x10\",\"hash\":\"" H1 "\",\"parentHash\":\"" H2 "\",\"timestamp\":\"0x5\","
        "\"gasLimit\":\"0x64\",\"gasUsed\":\"0x32\",\"baseFeePerGas\":\"0x7\"}");
    CHECK_EQ(answer_block(padded, padded_len, &b), HAWSE_OK);
    CHECK_EQ_U64(b.number, 16);
    CHECK_EQ_U64(b.base_fee, 7);
    CHECK_EQ(b.parent[31], 0x22);
    put("{\"number\":\"0x10\",\"hash\":\"" H1 "\",\"parentHash\":\"0x22\",\"timestamp\":\"0x5\","
        "\"gasLimit\":\"0x64\",\"gasUsed\":\"0x32\"}");
    CHECK_EQ(answer_block(padded, padded_len, &b), HAWSE_E_FORMAT);
    put("null");
    CHECK_EQ(answer_block(padded, padded_len, &b), HAWSE_E_NOTFOUND);
    put("[1]");
    CHECK_EQ(answer_block(padded, padded_len, &b), HAWSE_E_FORMAT);
}

TEST(answer_receipts, "a receipt says whether it succeeded; other words than 0x0 and 0x1 do not")
{
    struct answer_receipt r;
    put("{\"transactionHash\":\"" H1 "\",\"blockHash\":\"" H2
        "\",\"blockNumber\":\"0x9\",\"status\":\"0x1\",\"gasUsed\":\"0x5208\"}");
    CHECK_EQ(answer_receipt(padded, padded_len, &r), HAWSE_OK);
    CHECK(r.succeeded);
    CHECK_EQ_U64(r.block, 9);
    put("{\"transactionHash\":\"" H1 "\",\"blockHash\":\"" H2
        "\",\"blockNumber\":\"0x9\",\"status\":\"0x0\",\"gasUsed\":\"0x5208\"}");
    CHECK_EQ(answer_receipt(padded, padded_len, &r), HAWSE_OK);
    CHECK(!r.succeeded);
    put("{\"transactionHash\":\"" H1 "\",\"blockHash\":\"" H2
        "\",\"blockNumber\":\"0x9\",\"status\":\"0x2\",\"gasUsed\":\"0x5208\"}");
    CHECK_EQ(answer_receipt(padded, padded_len, &r), HAWSE_E_FORMAT);
    put("{\"transactionHash\":\"" H1 "\",\"blockHash\":null,\"blockNumber\":null}");
    CHECK_EQ(answer_receipt(padded, padded_len, &r), HAWSE_E_FORMAT);
}

/* A block with two transactions of FROM, with the nonces 6 and 7. */
static void put_block(const char *second)
{
    char text[2048];
    (void)snprintf(text, sizeof(text),
                   "{\"number\":\"0x10\",\"transactions\":[{\"hash\":\"" H1 "\",\"from\":\"" FROM
                   "\",\"nonce\":\"0x6\"},%s]}",
                   second);
    put(text);
}

TEST(answer_sender, "who used a nonce is found in its block, by sender and number")
{
    uint8_t sender[20] = {0}, hash[32];
    sender[19] = 0xaa;
    put_block("{\"hash\":\"" H2 "\",\"from\":\"" FROM "\",\"nonce\":\"0x7\"}");
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 7, hash), HAWSE_OK);
    CHECK_EQ(hash[0], 0x22);
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 6, hash), HAWSE_OK);
    CHECK_EQ(hash[0], 0x11);
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 8, hash), HAWSE_E_NOTFOUND);
    sender[0] = 1;
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 7, hash), HAWSE_E_NOTFOUND);
}

TEST(answer_sender_broken, "a block that is not all transactions proves nothing")
{
    uint8_t sender[20] = {0}, hash[32];
    put_block("\"" H2 "\""); /* hashes alone */
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 7, hash), HAWSE_E_FORMAT);
    put_block("{\"hash\":\"" H2 "\",\"from\":\"" FROM "\"}");
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 7, hash), HAWSE_E_FORMAT);
    put("{\"number\":\"0x10\",\"transactions\":7}");
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 7, hash), HAWSE_E_FORMAT);
    put("null");
    CHECK_EQ(answer_sent_by(padded, padded_len, sender, 7, hash), HAWSE_E_NOTFOUND);
}

TEST(answer_numbers, "quantities in quotes, and nothing else")
{
    uint64_t n = 0;
    hawse_u256_t wide;
    put("\"0xff\"");
    CHECK_EQ(answer_u64(padded, padded_len, &n), HAWSE_OK);
    CHECK_EQ_U64(n, 255);
    put("\"0x1ffffffffffffffff\"");
    CHECK_EQ(answer_u64(padded, padded_len, &n), HAWSE_E_FORMAT);
    CHECK_EQ(answer_u256(padded, padded_len, &wide), HAWSE_OK);
    CHECK_EQ_U64(wide.limb[1], 1);
    put("255");
    CHECK_EQ(answer_u64(padded, padded_len, &n), HAWSE_E_FORMAT);
    put("\"");
    CHECK_EQ(answer_u64(padded, padded_len, &n), HAWSE_E_FORMAT);
}

#define SAFE "0x00000000000000000000000000000000000005af"
#define GOOD "0x442e715f626346e8c54381002da614f62bee8d27386535b2521ec8540898556e"
#define BAD  "0x23428b18acfb3ea64b08dc0c1d296ea9c09702c09083ca5272e64d115b687d23"
#define LOG(who, topics, data, more) \
    "{\"address\":\"" who "\",\"topics\":[" topics "],\"data\":\"" data "\"" more "}"
#define PLACE ",\"blockNumber\":\"0x9\",\"transactionHash\":\"" H2 "\""

static int32_t fate_of(const char *text, struct answer_fate *out)
{
    const struct safe_place place = {.address = {[18] = 0x05, [19] = 0xaf}};
    uint8_t hash[32];
    memset(hash, 0x11, sizeof(hash));
    put(text);
    return answer_safe(padded, padded_len, &place, hash, out);
}

TEST(answer_safes, "how a Safe's transaction ended is said by its own events, with its hash")
{
    struct answer_fate f;
    CHECK_EQ(fate_of("{\"logs\":[]}", &f), HAWSE_OK);
    CHECK_EQ(f.end, SAFE_NOT_EXECUTED);
    /* 1.4.1 has the hash in a topic, 1.3.0 in the data */
    CHECK_EQ(fate_of("{\"logs\":[" LOG(FROM, "\"" GOOD "\",\"" H1 "\"", "0x",
                                       "") "," LOG(SAFE, "\"" BAD "\",\"" H2 "\"", "0x", "") "," //
                     LOG(SAFE, "\"" GOOD "\",\"" H1 "\"", "0x00", "") "]}",
                     &f),
             HAWSE_OK);
    CHECK_EQ(f.end, SAFE_SUCCEEDED);
    CHECK_EQ(fate_of("{\"logs\":[" LOG(SAFE, "\"" BAD "\"", H1, "") "]}", &f), HAWSE_OK);
    CHECK_EQ(f.end, SAFE_FAILED);
    CHECK_EQ(fate_of("[" LOG(SAFE, "\"" GOOD "\",\"" H1 "\"", "0x", PLACE) "]", &f), HAWSE_OK);
    CHECK_EQ(f.end, SAFE_SUCCEEDED);
    CHECK_EQ_U64(f.block, 9);
    CHECK_EQ(f.executed[31], 0x22);
    CHECK_EQ(fate_of("[]", &f), HAWSE_OK);
    static const char *const bad[] = {
        "{}",
        "\"0x\"",
        "{\"logs\":{}}",
        "[7]",
        "[{\"address\":\"" SAFE "\"}]",
        "[" LOG("0x1", "", "0x", "") "]",
        "[" LOG(SAFE, "7", "0x", "") "]",
        "[" LOG(SAFE, "\"0x11\"", "0x", "") "]",
        "[" LOG(SAFE, "\"" H1 "\",\"" H1 "\",\"" H1 "\",\"" H1 "\",\"" H1 "\"", "0x", "") "]",
        "[" LOG(SAFE, "\"" GOOD "\",\"" H1 "\"", "0x", "") "]",
        "[" LOG(SAFE, "", "zz11111111111111111111111111111111111111111111111111111111111111zz",
                "") "]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (fate_of(bad[i], &f) != HAWSE_E_FORMAT)
            FAIL("taken: %s", bad[i]);
    }
    CHECK_EQ(fate_of("null", &f), HAWSE_E_NOTFOUND);
}
