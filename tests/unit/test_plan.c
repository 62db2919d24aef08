/* From intents to transactions, and from nodes' answers to what they say. */
#include "tx/plan.h"

#include "harness.h"
#include "tx/answer.h"
#include "vectors.h"

#include <hawse/abi_codec.h>
#include <hawse/hawse.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t sender[20] = {9, 9}, delegate[20] = {7, 7};

struct fixture {
    hawse_intent_call_t calls[3];
    uint8_t data[3][40];
    hawse_intent_t in;
};

static void make(struct fixture *f, uint32_t how)
{
    memset(f, 0, sizeof(*f));
    for (int i = 0; i < 3; i++) {
        test_random_bytes(f->data[i], sizeof(f->data[i]));
        f->calls[i] = (hawse_intent_call_t){.size = sizeof(f->calls[i]),
                                            .value = hawse_u256((uint64_t)i + 1),
                                            .gas_limit = 50000,
                                            .data = {f->data[i], (uint64_t)(13 * i)}};
        f->calls[i].to[0] = (uint8_t)(i + 1);
    }
    f->in = (hawse_intent_t){.size = sizeof(f->in),
                             .chain = hawse_text("local"),
                             .how = how,
                             .call_count = 3,
                             .call_size = sizeof(f->calls[0]),
                             .calls = f->calls};
}

TEST(plan_each, "each call becomes a transaction of its own, and is told apart from others")
{
    struct fixture f;
    struct plan *plan = NULL;
    hawse_tx_t tx;
    make(&f, HAWSE_INTENT_EACH);
    CHECK_EQ(plan_make(&f.in, sender, PLAN_NO_EXECUTOR, NULL, &plan, NULL), HAWSE_OK);
    CHECK_EQ(plan->count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        plan_tx(plan, i, 100, &tx);
        CHECK_EQ(tx.type, HAWSE_TX_DYNAMIC_FEE);
        CHECK_EQ(tx.to[0], i + 1);
        CHECK_EQ_U64(tx.value.limb[0], i + 1);
        CHECK_EQ_U64(tx.gas_limit, 50000);
        for (uint32_t k = 0; k < 3; k++)
            CHECK_EQ(plan_is_leg(plan, k, &tx), i == k);
    }
    plan_void_tx(sender, 100, &tx);
    CHECK_MEM(tx.to, sender, 20);
    CHECK_EQ_U64(tx.gas_limit, 21000);
    CHECK_EQ_U64(tx.data.len, 0);
    CHECK(!plan_is_leg(plan, 0, &tx));
    free(plan);
}

/* The calls that an executor would make. */
static void read_calls(const struct fixture *f, hawse_abi_reader_t *r)
{
    hawse_abi_value_t v;
    CHECK_EQ(hawse_abi_take(r, HAWSE_ABI_LIST, &v), HAWSE_OK);
    CHECK_EQ(hawse_abi_enter(r), HAWSE_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(hawse_abi_take(r, HAWSE_ABI_TUPLE, &v), HAWSE_OK);
        CHECK_EQ(hawse_abi_enter(r), HAWSE_OK);
        CHECK_EQ(hawse_abi_take(r, HAWSE_ABI_ADDRESS, &v), HAWSE_OK);
        CHECK_EQ(hawse_abi_take(r, HAWSE_ABI_UINT, &v), HAWSE_OK);
        CHECK_EQ(hawse_abi_take(r, HAWSE_ABI_BYTES, &v), HAWSE_OK);
        hawse_view_t data = hawse_abi_view(r, &v);
        CHECK_EQ_U64(data.len, f->calls[i].data.len);
        CHECK_MEM(data.data, f->calls[i].data.data, data.len);
        CHECK_EQ(hawse_abi_leave(r), HAWSE_OK);
    }
}

TEST(plan_together, "a relay's bundle is a transaction for each call, told apart from single ones")
{
    struct fixture f;
    struct plan *plan = NULL;
    make(&f, HAWSE_INTENT_RELAY_BUNDLE);
    CHECK_EQ(plan_make(&f.in, sender, PLAN_NO_EXECUTOR, NULL, &plan, NULL), HAWSE_OK);
    CHECK_EQ(plan->count, 3);
    CHECK(plan->together && !plan->delegated);
    free(plan);
    f.in.how = HAWSE_INTENT_EACH;
    CHECK_EQ(plan_make(&f.in, sender, PLAN_NO_EXECUTOR, NULL, &plan, NULL), HAWSE_OK);
    CHECK(!plan->together);
    free(plan);
}

TEST(plan_bundle, "a bundle is one transaction to the account itself, which delegates its code")
{
    static const char batch[] = "executeBatch((address to,uint256 value,bytes data)[] calls)";
    struct fixture f;
    struct plan *plan = NULL;
    hawse_abi_declaration_t d;
    hawse_abi_reader_t r;
    hawse_tx_t tx;
    make(&f, HAWSE_INTENT_BUNDLE);
    CHECK_EQ(plan_make(&f.in, sender, PLAN_EXECUTE_BATCH, delegate, &plan, NULL), HAWSE_OK);
    CHECK_EQ(plan->count, 1);
    plan_tx(plan, 0, 100, &tx);
    CHECK_EQ(tx.type, HAWSE_TX_SET_CODE);
    CHECK_MEM(tx.to, sender, 20);
    CHECK_EQ_U64(tx.gas_limit, 150000);
    CHECK_EQ(hawse_abi_parse(batch, sizeof(batch) - 1, &d, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_call_read(&r, &d, tx.data.data, tx.data.len, HAWSE_ABI_CANONICAL, NULL),
             HAWSE_OK);
    read_calls(&f, &r);
    free(plan);
}

TEST(plan_erc7821, "by ERC-7821 the calls are bytes within execute, in the mode that reverts all")
{
    static const char outer[] = "execute(bytes32 mode,bytes executionData)";
    static const char inner[] = "calls((address to,uint256 value,bytes data)[] calls)";
    struct fixture f;
    struct plan *plan = NULL;
    hawse_abi_declaration_t d, e;
    hawse_abi_reader_t r, s;
    hawse_abi_value_t v;
    hawse_tx_t tx;
    make(&f, HAWSE_INTENT_BUNDLE);
    f.calls[1].gas_limit = 0;
    CHECK_EQ(plan_make(&f.in, sender, PLAN_ERC7821, delegate, &plan, NULL), HAWSE_OK);
    plan_tx(plan, 0, 100, &tx);
    CHECK_EQ_U64(tx.gas_limit, 0); /* to be found */
    CHECK_EQ(hawse_abi_parse(outer, sizeof(outer) - 1, &d, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_call_read(&r, &d, tx.data.data, tx.data.len, HAWSE_ABI_CANONICAL, NULL),
             HAWSE_OK);
    CHECK_EQ(hawse_abi_read(&r, &v), 1);
    CHECK_EQ(tx.data.data[4], 1);
    CHECK_EQ(hawse_abi_take(&r, HAWSE_ABI_BYTES, &v), HAWSE_OK);
    hawse_view_t data = hawse_abi_view(&r, &v);
    CHECK_EQ(hawse_abi_parse(inner, sizeof(inner) - 1, &e, NULL), HAWSE_OK);
    CHECK_EQ(hawse_abi_read_begin(&s, &e, e.inputs, data.data, data.len, HAWSE_ABI_CANONICAL, NULL),
             HAWSE_OK);
    read_calls(&f, &s);
    free(plan);
}

/* The calls of a row of abi.json as an intent's. */
static uint32_t ten_calls(const json_t *args, hawse_intent_call_t *calls)
{
    uint32_t count = (uint32_t)atoi(json_string_value(json_array_get(args, 2)));
    for (uint32_t i = 0; i < count; i++) {
        const char *to = json_string_value(json_array_get(json_array_get(args, 0), i));
        const char *data = json_string_value(json_array_get(json_array_get(args, 1), i));
        uint8_t *bytes = malloc(strlen(data));
        calls[i] = (hawse_intent_call_t){.size = sizeof(calls[i])};
        CHECK_EQ(hawse_hex_fixed((const uint8_t *)to, strlen(to), calls[i].to, 20), HAWSE_OK);
        CHECK_EQ(hawse_hex_data((const uint8_t *)data, strlen(data), bytes, strlen(data),
                                &calls[i].data.len),
                 HAWSE_OK);
        calls[i].data.data = bytes;
    }
    return count;
}

TEST(plan_ten, "a bundle of 1, 3 and 10 calls by execute10 has the very bytes of other encoders")
{
    json_t *root = vectors_load("abi.json"), *row;
    hawse_intent_call_t calls[PLAN_TEN];
    hawse_intent_t in = {.size = sizeof(in),
                         .chain = hawse_text("local"),
                         .how = HAWSE_INTENT_BUNDLE,
                         .call_size = sizeof(calls[0]),
                         .calls = calls};
    uint32_t rows = 0;
    size_t i;
    json_array_foreach(json_object_get(root, "functions"), i, row)
    {
        struct plan *plan = NULL;
        hawse_tx_t tx;
        if (strncmp(text_of(row, "signature"), "execute10", 9) != 0)
            continue;
        in.call_count = ten_calls(json_object_get(row, "args"), calls);
        if (in.call_count == 0)
            continue; /* an intent has calls */
        CHECK_EQ(plan_make(&in, sender, PLAN_EXECUTE10, delegate, &plan, NULL), HAWSE_OK);
        plan_tx(plan, 0, 100, &tx);
        CHECK_EQ(tx.type, HAWSE_TX_SET_CODE);
        check_hex("execute10", row, "calldata", tx.data.data, tx.data.len);
        for (uint32_t k = 0; k < in.call_count; k++)
            free((void *)(uintptr_t)calls[k].data.data);
        free(plan);
        rows++;
    }
    CHECK_EQ(rows, 3);
    json_decref(root);
}

TEST(plan_ten_limits, "what execute10 would drop in silence, an eleventh call or value, is refused")
{
    static const uint8_t data[4] = {1, 2, 3, 4};
    hawse_intent_call_t calls[PLAN_TEN + 1];
    struct plan *plan = NULL;
    struct fault fault = {0};
    hawse_intent_t in = {.size = sizeof(in),
                         .chain = hawse_text("local"),
                         .how = HAWSE_INTENT_BUNDLE,
                         .call_count = PLAN_TEN + 1,
                         .call_size = sizeof(calls[0]),
                         .calls = calls};
    for (uint32_t i = 0; i <= PLAN_TEN; i++)
        calls[i] = (hawse_intent_call_t){.size = sizeof(calls[i]), .to = {1}, .data = {data, 4}};
    CHECK_EQ(plan_make(&in, sender, PLAN_EXECUTE10, delegate, &plan, &fault), HAWSE_E_LIMIT);
    CHECK(strstr(fault.message, "found 11 calls, expected 1 to 10"));
    in.call_count = PLAN_TEN;
    fault = (struct fault){0};
    calls[9].value = hawse_u256(1);
    CHECK_EQ(plan_make(&in, sender, PLAN_EXECUTE10, delegate, &plan, &fault), HAWSE_E_INVAL);
    CHECK(strstr(fault.message, "call 9 has value"));
    CHECK(!plan);
    calls[9].value = hawse_u256(0);
    CHECK_EQ(plan_make(&in, sender, PLAN_EXECUTE10, delegate, &plan, &fault), HAWSE_OK);
    free(plan);
}

TEST(plan_no_executor, "a bundle on a chain without an executor is refused, and says what to do")
{
    struct fixture f;
    struct plan *plan = NULL;
    struct fault fault = {0};
    make(&f, HAWSE_INTENT_BUNDLE);
    CHECK_EQ(plan_make(&f.in, sender, PLAN_NO_EXECUTOR, NULL, &plan, &fault), HAWSE_E_UNSUPPORTED);
    CHECK(strstr(fault.hint, "chains.local.tx.executor"));
}

/* ---- answers ---- */

static uint8_t *padded(const char *text)
{
    static uint8_t out[4096];
    memset(out, 0, sizeof(out));
    memcpy(out, text, strlen(text));
    return out;
}

#define ONES "0x1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "0x2222222222222222222222222222222222222222222222222222222222222222"

TEST(answers, "blocks, receipts and numbers are read strictly")
{
    static const char block[] =
        "{\"number\":\"0x1b4\",\"hash\":\"" ONES "\",\"parentHash\":\"" TWOS
        "\",\"timestamp\":\"0x5\",\"gasLimit\":\"0xff\",\"gasUsed\":\"0x7\"}";
    static const char receipt[] =
        "{\"transactionHash\":\"" ONES "\",\"blockHash\":\"" TWOS
        "\",\"blockNumber\":\"0x5\",\"status\":\"0x0\",\"gasUsed\":\"0x9\"}";
    static const char strange[] =
        "{\"transactionHash\":\"" ONES "\",\"blockHash\":\"" TWOS
        "\",\"blockNumber\":\"0x5\",\"status\":\"0x2\",\"gasUsed\":\"0x9\"}";
    struct answer_block b;
    struct answer_receipt r;
    hawse_u256_t wide;
    uint64_t n = 0;
    CHECK_EQ(answer_block(padded(block), strlen(block), &b), HAWSE_OK);
    CHECK_EQ_U64(b.number, 436);
    CHECK_EQ_U64(b.base_fee, 0); /* before EIP-1559 */
    CHECK_EQ(answer_block(padded("null"), 4, &b), HAWSE_E_NOTFOUND);
    CHECK_EQ(answer_block(padded("{}"), 2, &b), HAWSE_E_FORMAT);
    CHECK_EQ(answer_receipt(padded(receipt), strlen(receipt), &r), HAWSE_OK);
    CHECK(!r.succeeded);
    CHECK_EQ_U64(r.gas_used, 9);
    CHECK_EQ(answer_receipt(padded(strange), strlen(strange), &r), HAWSE_E_FORMAT);
    CHECK_EQ(answer_receipt(padded("null"), 4, &r), HAWSE_E_NOTFOUND);
    CHECK_EQ(answer_u64(padded("\"0x1a\""), 6, &n), HAWSE_OK);
    CHECK_EQ_U64(n, 26);
    CHECK_EQ(answer_u64(padded("\"0x1ffffffffffffffff\""), 21, &n), HAWSE_E_FORMAT);
    CHECK_EQ(answer_u256(padded("26"), 2, &wide), HAWSE_E_FORMAT);
    CHECK_EQ(answer_u256(padded("\""), 1, &wide), HAWSE_E_FORMAT);
}

TEST(plan_of_safe,
     "a Safe's only transaction calls execTransaction of it, and is the one that was signed")
{
    const uint8_t safe[20] = {5}, other[20] = {6};
    uint8_t data[] = {0x6a, 0x76, 0x12, 0x02, 9}, more[] = {0x6a, 0x76, 0x12, 0x02, 8};
    struct plan *plan = NULL;
    hawse_tx_t tx;
    CHECK_EQ(plan_safe(safe, &plan, NULL), HAWSE_OK);
    CHECK(plan->count == 1 && plan->safe && !plan->delegated);
    plan_void_tx(other, 100, &tx);
    CHECK(!plan_is_leg(plan, 0, &tx));
    tx.data = (hawse_view_t){data, sizeof(data)};
    CHECK(!plan_is_leg(plan, 0, &tx));
    memcpy(tx.to, safe, 20);
    CHECK(plan_is_leg(plan, 0, &tx)); /* of an earlier run: it says what was signed */
    tx.data.len = 3;
    CHECK(!plan_is_leg(plan, 0, &tx));
    plan->legs[0].data = (hawse_view_t){data, sizeof(data)};
    tx.data = (hawse_view_t){more, sizeof(more)};
    CHECK(!plan_is_leg(plan, 0, &tx));
    tx.data.data = data;
    CHECK(plan_is_leg(plan, 0, &tx));
    free(plan);
}
