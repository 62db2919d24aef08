/* Solana intents: what is legal in one, the copy, and JSON there and back. */
#include "config/config.h"
#include "tx/intent.h"

#include "harness.h"

#include <hawse/solana/program.h>
#include <hawse/u256.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static hawse_solana_builder_t builder;
static hawse_solana_table_t tables[HAWSE_INTENT_TABLES_MAX];
static uint8_t keys[HAWSE_INTENT_TABLES_MAX][16 * 32];
static hawse_intent_solana_flow_t flows[HAWSE_INTENT_FLOWS_MAX];
static hawse_intent_solana_t solana;

static void random_instructions(void)
{
    uint32_t count = (uint32_t)(1 + test_random() % 8);
    hawse_solana_begin(&builder);
    for (uint32_t i = 0; i < count; i++) {
        hawse_solana_meta_t metas[8];
        uint8_t program[32], data[100];
        test_random_bytes(program, 32);
        test_random_bytes(data, sizeof(data));
        test_random_bytes(metas, sizeof(metas));
        for (uint32_t k = 0; k < 8; k++) {
            metas[k].signer &= 1;
            metas[k].writable &= 1;
        }
        CHECK_EQ(hawse_solana_add(&builder, program, metas, (uint32_t)(test_random() % 9), data,
                                  (uint32_t)(test_random() % 101)),
                 HAWSE_OK);
    }
}

/* A legal intent of random size; its memory is static. */
static hawse_intent_t random_intent(void)
{
    random_instructions();
    solana = (hawse_intent_solana_t){
        .size = sizeof(solana),
        .version = HAWSE_INTENT_SOLANA_V0,
        .instruction_count = builder.count,
        .instruction_size = sizeof(builder.instructions[0]),
        .instructions = builder.instructions,
        .table_count = (uint32_t)(test_random() % (HAWSE_INTENT_TABLES_MAX + 1)),
        .table_size = sizeof(tables[0]),
        .tables = tables,
        .flow_count = (uint32_t)(test_random() % (HAWSE_INTENT_FLOWS_MAX + 1)),
        .flow_size = sizeof(flows[0]),
        .flows = flows,
        .unit_limit = (uint32_t)(test_random() % 1400001),
        .unit_price = test_random()};
    if (test_random() % 2)
        test_random_bytes(solana.nonce, 32);
    test_random_bytes(keys, sizeof(keys));
    for (uint32_t i = 0; i < HAWSE_INTENT_TABLES_MAX; i++)
        tables[i] =
            (hawse_solana_table_t){keys[i], keys[i] + 32, (uint32_t)(test_random() % 15), 0};
    for (uint32_t i = 0; i < HAWSE_INTENT_FLOWS_MAX; i++) {
        flows[i] = (hawse_intent_solana_flow_t){
            .size = sizeof(flows[i]), .max_out = test_random(), .min_in = 5, .expected_in = 6};
        if (i > 0)
            test_random_bytes(flows[i].mint, 32);
    }
    return (hawse_intent_t){.size = sizeof(hawse_intent_t),
                            .kind = HAWSE_INTENT_SOLANA_INSTRUCTIONS,
                            .tag = test_random(),
                            .id = hawse_text("pay-1"),
                            .chain = hawse_text("sol"),
                            .account = hawse_text("bot"),
                            .call_size = sizeof(hawse_intent_call_t),
                            .deadline_ns = test_random(),
                            .deadline_block = test_random(),
                            .max_cost = hawse_u256(5000),
                            .solana = &solana};
}

static void same_instructions(const hawse_intent_solana_t *a)
{
    CHECK_EQ(a->instruction_count, builder.count);
    for (uint32_t i = 0; i < builder.count; i++) {
        const hawse_solana_instruction_t *x = &a->instructions[i], *y = &builder.instructions[i];
        CHECK_MEM(x->program, y->program, 32);
        CHECK_EQ(x->account_count, y->account_count);
        CHECK_EQ(x->data_len, y->data_len);
        CHECK(x->account_count == 0 ||
              memcmp(x->accounts, y->accounts, y->account_count * sizeof(y->accounts[0])) == 0);
        CHECK(x->data_len == 0 || memcmp(x->data, y->data, y->data_len) == 0);
    }
}

TEST(intent_solana_roundtrip, "a Solana intent reads back as the same, to the last byte")
{
    for (int i = 0; i < 300; i++) {
        hawse_intent_t in = random_intent();
        struct intent *copy = NULL, *again = NULL;
        struct fault fault = {0};
        CHECK_EQ(intent_copy(&in, &copy, &fault), HAWSE_OK);
        same_instructions(copy->public.solana);
        char *text = intent_to_json(copy);
        CHECK(text && !strstr(text, "calls"));
        if (intent_from_json(text, strlen(text), &again, &fault) != HAWSE_OK)
            FAIL("%s: %s", fault.message, text);
        char *second = intent_to_json(again);
        CHECK_STR(second, text);
        same_instructions(again->public.solana);
        struct intent *third = NULL; /* a copy may be handed on, and copied again */
        CHECK_EQ(intent_copy(&again->public, &third, &fault), HAWSE_OK);
        same_instructions(third->public.solana);
        CHECK_EQ(third->public.flow_count, solana.flow_count);
        free(third);
        CHECK_EQ(again->solana.table_count, solana.table_count);
        CHECK_EQ_U64(again->solana.unit_price, solana.unit_price);
        for (uint32_t t = 0; t < solana.table_count; t++)
            CHECK_MEM(again->solana.tables[t].keys, tables[t].keys, 32 * tables[t].key_count);
        free(second);
        free(text);
        free(again);
        free(copy);
    }
}

TEST(intent_solana_flows, "gates know its flows by the handles of their mints")
{
    hawse_intent_t in = random_intent();
    struct intent *copy = NULL;
    uint8_t handle[20];
    static const uint8_t coin[20];
    solana.flow_count = 2;
    CHECK_EQ(intent_copy(&in, &copy, NULL), HAWSE_OK);
    CHECK_EQ(copy->public.flow_count, 2);
    CHECK_MEM(copy->flows[0].asset, coin, 20);
    config_handle(flows[1].mint, handle);
    CHECK_MEM(copy->flows[1].asset, handle, 20);
    hawse_u256_t most = hawse_u256(flows[1].max_out);
    CHECK_EQ(hawse_u256_compare(&copy->flows[1].max_out, &most), 0);
    free(copy);
}

static void refused(const hawse_intent_t *in, const char *field)
{
    struct intent *copy = NULL;
    struct fault fault = {0};
    CHECK_EQ(intent_copy(in, &copy, &fault), HAWSE_E_INVAL);
    if (!strstr(fault.message, field))
        FAIL("the fault does not name %s: %s", field, fault.message);
}

TEST(intent_solana_refused, "each fault of a Solana intent names the field")
{
    hawse_intent_t good = random_intent(), in = good;
    hawse_intent_solana_t part = solana;
    in.solana = NULL;
    refused(&in, "solana");
    in = good;
    in.how = 1;
    refused(&in, "how");
    in = good;
    in.route = HAWSE_INTENT_ROUTE_PRIVATE;
    refused(&in, "route");
    in = good;
    in.call_count = 1;
    refused(&in, "calls");
    in = good;
    in.flow_count = solana.flow_count + 1;
    refused(&in, "flows");
    in = good;
    in.solana = &part;
    part.size = 8;
    refused(&in, "solana.size");
    part = solana;
    part.version = 2;
    refused(&in, "solana.version");
    part.version = HAWSE_INTENT_SOLANA_LEGACY;
    part.table_count = 1;
    refused(&in, "solana.tables");
    part = solana;
    part.instruction_count = 0;
    refused(&in, "solana.instructions");
    part.instruction_count = HAWSE_INTENT_INSTRUCTIONS_MAX + 1;
    refused(&in, "solana.instructions");
    part = solana;
    part.unit_limit = 1400001;
    refused(&in, "unit_limit");
    part = solana;
    flows[0].min_in = 7;
    part.flow_count = 1;
    refused(&in, "min_in");
    flows[0].min_in = 0;
    memset(flows[1].mint, 0, 32);
    part.flow_count = 2;
    refused(&in, "one mint");
    hawse_solana_begin(&builder);
    (void)hawse_solana_unit_limit(&builder, 5);
    part = solana;
    part.instruction_count = 1;
    refused(&in, "compute budget");
}

TEST(intent_older, "an intent of a plugin that knows no Solana part is legal as before")
{
    hawse_intent_call_t call = {.size = sizeof(call), .to = {1}};
    union {
        uint8_t bytes[sizeof(hawse_intent_t)];
        hawse_intent_t in;
    } older;
    struct intent *copy = NULL;
    memset(&older, 0xff, sizeof(older)); /* what stands behind it is anybody's */
    hawse_intent_t in = {.size = (uint32_t)offsetof(hawse_intent_t, solana),
                         .kind = HAWSE_INTENT_EVM_CALLS,
                         .id = hawse_text("a"),
                         .chain = hawse_text("gnosis"),
                         .account = hawse_text("bot"),
                         .call_count = 1,
                         .call_size = sizeof(call),
                         .calls = &call};
    memcpy(&older, &in, offsetof(hawse_intent_t, solana));
    CHECK_EQ(intent_copy(&older.in, &copy, NULL), HAWSE_OK);
    CHECK(copy->public.solana == NULL);
    free(copy);
}

TEST(intent_solana_json, "an operator's Solana intent needs little, and is told what is wrong")
{
    static const char good[] =
        "{\"id\":\"a\",\"chain\":\"sol\",\"account\":\"bot\",\"solana\":{\"instructions\":[{"
        "\"program\":\"11111111111111111111111111111111\",\"data\":\"0x0200\",\"accounts\":[{"
        "\"key\":"
        "\"SysvarRent111111111111111111111111111111111\",\"signer\":true}]}],\"flows\":[{\"mint\":"
        "\"sol\",\"max_out\":\"18446744073709551615\"}]}}";
    static const char *const wrong[][2] = {
        {"{\"id\":\"a\",\"chain\":\"s\",\"account\":\"b\",\"solana\":[]}", "JSON object"},
        {"{\"id\":\"a\",\"chain\":\"s\",\"account\":\"b\",\"calls\":[],\"solana\":{}}", "calls"},
        {"{\"id\":\"a\",\"chain\":\"s\",\"account\":\"b\",\"solana\":{\"x\":1}}", "x"},
        {"{\"id\":\"a\",\"chain\":\"s\",\"account\":\"b\",\"solana\":{\"instructions\":[{"
         "\"program\":\"0\"}]}}",
         "program"},
        {"{\"id\":\"a\",\"chain\":\"s\",\"account\":\"b\",\"solana\":{\"unit_price\":"
         "\"18446744073709551616\"}}",
         "unit_price"}};
    struct intent *in = NULL;
    struct fault fault = {0};
    if (intent_from_json(good, sizeof(good) - 1, &in, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    CHECK(in->solana.instructions[0].accounts[0].signer == 1);
    CHECK_EQ_U64(in->solana.flows[0].max_out, UINT64_MAX);
    free(in);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        fault = (struct fault){0};
        CHECK_EQ(intent_from_json(wrong[i][0], strlen(wrong[i][0]), &in, &fault), HAWSE_E_FORMAT);
        if (!strstr(fault.message, wrong[i][1]))
            FAIL("%s: %s", wrong[i][1], fault.message);
    }
}
