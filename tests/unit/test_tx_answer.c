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
