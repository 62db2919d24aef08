/*
 * Transactions from drafts, with every limit, and what nodes say of them.
 */
#include "solana_vectors.h"

#include <hawse/solana/outcome.h>
#include <hawse/solana/transaction.h>

enum { PAYER = 1, OTHER = 2, NONCE = 3, MARKS = 256 };

static const uint8_t *key(uint8_t n)
{
    static uint8_t keys[256][32];
    memset(keys[n], n, 32);
    keys[n][31] = 1;
    return keys[n];
}

static hawse_solana_draft_t draft_of(const hawse_solana_builder_t *b, uint32_t version)
{
    hawse_solana_draft_t d = {
        .size = sizeof(d),
        .version = version,
        .life = {.size = sizeof(d.life), .kind = HAWSE_SOLANA_LIFE_BLOCKHASH},
        .instructions = b,
    };
    memcpy(d.payer, key(PAYER), 32);
    memset(d.life.hash, 7, 32);
    return d;
}

static int32_t compile(const hawse_solana_draft_t *d, uint8_t *out, uint64_t *len,
                       hawse_solana_compiled_tx_t *result)
{
    return hawse_solana_compile(d, out, HAWSE_SOLANA_MESSAGE_MAX, len, result);
}

/* ---- compiling ---- */

TEST(compile_vectors, "drafts of the vectors' instructions compile to the official client's bytes")
{
    json_t *root = vectors_load("solana-tx.json"), *one;
    size_t i;
    uint32_t compared = 0;
    json_array_foreach(json_object_get(root, "transactions"), i, one)
    {
        static hawse_solana_builder_t b;
        uint8_t want[HAWSE_SOLANA_TX_MAX], out[HAWSE_SOLANA_MESSAGE_MAX];
        uint64_t len = 0, want_len = bytes_of(text_of(one, "message"), want, sizeof(want));
        hawse_solana_message_t m;
        hawse_solana_compiled_tx_t result;
        CHECK_EQ(hawse_solana_message_decode(want, want_len, &m, NULL), HAWSE_OK);
        if (m.lookup_count > 0)
            continue; /* with their tables, in the tests of messages */
        read_instructions(json_object_get(one, "instructions"), &b);
        hawse_solana_draft_t d = draft_of(&b, m.version);
        memcpy(d.payer, m.keys, 32);
        memcpy(d.life.hash, m.blockhash, 32);
        d.locks_max = 256;
        CHECK_EQ(compile(&d, out, &len, &result), HAWSE_OK);
        CHECK_EQ_U64(len, want_len);
        CHECK(memcmp(out, want, len) == 0);
        CHECK_EQ(result.signatures, m.required_signatures);
        CHECK_EQ(result.tx_bytes, 1 + 64 * result.signatures + len);
        compared++;
    }
    CHECK(compared > 30);
    json_decref(root);
}

TEST(compile_order, "a durable transaction advances its nonce first, then comes the budget")
{
    static hawse_solana_builder_t b, want;
    uint8_t out[HAWSE_SOLANA_MESSAGE_MAX], other[HAWSE_SOLANA_MESSAGE_MAX];
    uint64_t len = 0, other_len = 0;
    hawse_solana_compiled_tx_t result;
    hawse_solana_message_t m;
    const uint8_t *nonce = NULL, *authority = NULL;
    hawse_solana_begin(&b);
    (void)hawse_solana_transfer(&b, key(PAYER), key(OTHER), 5);
    hawse_solana_draft_t d = draft_of(&b, HAWSE_SOLANA_V0);
    d.life.kind = HAWSE_SOLANA_LIFE_NONCE;
    memcpy(d.life.nonce, key(NONCE), 32);
    memcpy(d.life.authority, key(PAYER), 32);
    d.unit_limit = 1001;
    d.unit_price = 1000;
    d.heap = 64 << 10;
    d.loaded_data = 1 << 20;
    CHECK_EQ(compile(&d, out, &len, &result), HAWSE_OK);
    CHECK_EQ(hawse_solana_message_decode(out, len, &m, NULL), HAWSE_OK);
    CHECK_EQ(hawse_solana_durable(&m, &nonce, &authority), 1);
    CHECK(memcmp(nonce, key(NONCE), 32) == 0 && memcmp(authority, key(PAYER), 32) == 0);
    CHECK_EQ(result.instructions, 6);
    CHECK_EQ_U64(result.fee, 5000 + 2); /* 1.001 lamports, rounded up */
    hawse_solana_begin(&want);
    (void)hawse_solana_nonce_advance(&want, key(NONCE), key(PAYER));
    (void)hawse_solana_unit_limit(&want, 1001);
    (void)hawse_solana_unit_price(&want, 1000);
    (void)hawse_solana_heap(&want, 64 << 10);
    (void)hawse_solana_loaded_data_limit(&want, 1 << 20);
    (void)hawse_solana_transfer(&want, key(PAYER), key(OTHER), 5);
    hawse_solana_plan_t plan = {HAWSE_SOLANA_V0, want.count,        0,   d.payer,
                                d.life.hash,     want.instructions, NULL};
    CHECK_EQ(hawse_solana_message_encode(&plan, other, sizeof(other), &other_len), HAWSE_OK);
    CHECK(other_len == len && memcmp(out, other, len) == 0);
    CHECK_EQ_U64(hawse_solana_blocks_left(&d.life, UINT64_MAX), UINT64_MAX);
}

static void expect(const hawse_solana_draft_t *d, int32_t code, uint32_t obstacle)
{
    uint8_t out[HAWSE_SOLANA_MESSAGE_MAX];
    uint64_t len = 0;
    hawse_solana_compiled_tx_t result;
    CHECK_EQ(compile(d, out, &len, &result), code);
    CHECK_EQ(result.obstacle, obstacle);
    CHECK(obstacle == 0 || strlen(hawse_solana_obstacle_text(obstacle)) > 10);
}

TEST(compile_bytes, "1,232 bytes are a transaction, one more is named with its size")
{
    static hawse_solana_builder_t b;
    static uint8_t data[HAWSE_SOLANA_TX_MAX];
    uint8_t out[HAWSE_SOLANA_MESSAGE_MAX];
    uint64_t len = 0;
    hawse_solana_compiled_tx_t result;
    uint32_t most = 0;
    for (uint32_t n = 900; n < 1100; n++) {
        hawse_solana_begin(&b);
        (void)hawse_solana_add(&b, key(OTHER), NULL, 0, data, n);
        hawse_solana_draft_t d = draft_of(&b, HAWSE_SOLANA_LEGACY);
        int32_t code = compile(&d, out, &len, &result);
        if (code == HAWSE_OK) {
            most = result.tx_bytes;
            continue;
        }
        CHECK_EQ(code, HAWSE_E_LIMIT);
        CHECK_EQ(result.obstacle, HAWSE_SOLANA_OBSTACLE_BYTES);
        CHECK(65 + result.message_len > HAWSE_SOLANA_TX_MAX);
    }
    CHECK_EQ(most, HAWSE_SOLANA_TX_MAX);
}

TEST(compile_locks, "64 accounts can be locked, 65 need a cluster that allows more")
{
    static hawse_solana_builder_t b;
    static uint8_t keys[70][32];
    hawse_solana_meta_t metas[70];
    hawse_solana_table_t table = {key(200), keys[0], 70, 0};
    for (uint32_t i = 0; i < 70; i++) {
        memset(keys[i], 100, 32);
        keys[i][0] = (uint8_t)i;
        memset(&metas[i], 0, sizeof(metas[i]));
        memcpy(metas[i].key, keys[i], 32);
    }
    for (uint32_t n = 62; n <= 63; n++) { /* and the payer, and the program */
        hawse_solana_begin(&b);
        (void)hawse_solana_add(&b, key(OTHER), metas, n, NULL, 0);
        hawse_solana_draft_t d = draft_of(&b, HAWSE_SOLANA_V0);
        d.tables = &table;
        d.table_count = 1;
        expect(&d, n == 62 ? HAWSE_OK : HAWSE_E_LIMIT, n == 62 ? 0 : HAWSE_SOLANA_OBSTACLE_LOCKS);
        d.locks_max = 128;
        expect(&d, HAWSE_OK, 0);
    }
}

TEST(compile_refusals, "what the runtime would refuse is refused before it is signed, by name")
{
    static hawse_solana_builder_t b;
    hawse_solana_begin(&b);
    (void)hawse_solana_transfer(&b, key(PAYER), key(OTHER), 5);
    hawse_solana_draft_t good = draft_of(&b, HAWSE_SOLANA_LEGACY), d = good;
    expect(&d, HAWSE_OK, 0);
    d.unit_limit = HAWSE_SOLANA_UNITS_MAX + 1;
    expect(&d, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_BUDGET);
    d = good;
    d.life.kind = 3;
    expect(&d, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_LIFE);
    d = good;
    d.version = 1;
    expect(&d, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_VERSION);
    d = good;
    d.table_count = 1;
    expect(&d, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_VERSION);
    (void)hawse_solana_unit_price(&b, 9);
    d = good;
    expect(&d, HAWSE_OK, 0);
    d.unit_price = 9;
    expect(&d, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_BUDGET_TWICE);
    (void)hawse_solana_unit_price(&b, 9);
    expect(&good, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_BUDGET_TWICE);
    hawse_solana_begin(&b);
    (void)hawse_solana_add(&b, key(PAYER), NULL, 0, NULL, 0);
    expect(&good, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_RULE); /* the payer as a program */
    (void)hawse_solana_unit_limit(&b, HAWSE_SOLANA_UNITS_MAX + 1);
    expect(&good, HAWSE_E_INVAL, HAWSE_SOLANA_OBSTACLE_BUILDER);
    hawse_solana_begin(&b);
    for (int i = 0; i < 64; i++)
        (void)hawse_solana_add(&b, key(OTHER), NULL, 0, NULL, 0);
    d = good;
    expect(&d, HAWSE_OK, 0);
    d.unit_limit = 5;
    expect(&d, HAWSE_E_LIMIT, HAWSE_SOLANA_OBSTACLE_INSTRUCTIONS);
}

TEST(blocks_left, "a blockhash is good through its last block height, and not one block longer")
{
    hawse_solana_life_t life = {.kind = HAWSE_SOLANA_LIFE_BLOCKHASH, .last_block_height = 1150};
    CHECK_EQ_U64(hawse_solana_blocks_left(&life, 1000), 151);
    CHECK_EQ_U64(hawse_solana_blocks_left(&life, 1150), 1);
    CHECK_EQ_U64(hawse_solana_blocks_left(&life, 1151), 0);
    CHECK_EQ_U64(hawse_solana_fee(2, 200000, 1), 10001);
    CHECK_EQ_U64(hawse_solana_fee(1, 1400000, UINT64_MAX), UINT64_MAX);
    CHECK_EQ(hawse_solana_units_with_margin(150, 15), 173);
    CHECK_EQ(hawse_solana_units_with_margin(1300000, 15), 1400000);
    CHECK_EQ(hawse_solana_units_with_margin(UINT64_MAX, 15), 1400000);
}

/* ---- outcomes ---- */

static int32_t read_error(const char *text, hawse_solana_error_t *out)
{
    static uint8_t padded[1024];
    static uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root;
    uint64_t len = strlen(text);
    memset(padded, 0, sizeof(padded));
    memcpy(padded, text, len);
    if (hawse_json_index(&doc, padded, len, marks, MARKS) != HAWSE_OK ||
        hawse_json_root(&doc, &root) != HAWSE_OK)
        return HAWSE_E_FORMAT;
    return hawse_solana_error_read(&doc, &root, out);
}

TEST(errors, "every form of an error is read, and said in words")
{
    static const struct {
        const char *json, *text;
        uint32_t transaction, instruction, index, custom, advice;
    } rows[] = {
        {"null", "good", 0, 0, 0, 0, 0},
        {"\"BlockhashNotFound\"", "BlockhashNotFound", HAWSE_SOLANA_TX_BlockhashNotFound, 0, 0, 0,
         HAWSE_SOLANA_ADVICE_RENEW},
        {"\"AlreadyProcessed\"", "AlreadyProcessed", HAWSE_SOLANA_TX_AlreadyProcessed, 0, 0, 0,
         HAWSE_SOLANA_ADVICE_LANDED},
        {"{\"InstructionError\":[2,{\"Custom\":6001}]}",
         "instruction 2 failed: Custom 6001 (0x1771)", HAWSE_SOLANA_TX_InstructionError,
         HAWSE_SOLANA_IX_Custom, 2, 6001, 0},
        {"{\"InstructionError\":[0,{\"Custom\":4294967295}]}",
         "instruction 0 failed: Custom 4294967295 (0xffffffff)", HAWSE_SOLANA_TX_InstructionError,
         HAWSE_SOLANA_IX_Custom, 0, 4294967295u, 0},
        {"{\"InstructionError\":[1,\"MissingRequiredSignature\"]}",
         "instruction 1 failed: MissingRequiredSignature", HAWSE_SOLANA_TX_InstructionError,
         HAWSE_SOLANA_IX_MissingRequiredSignature, 1, 0, 0},
        {"{\"InstructionError\":[1,{\"BorshIoError\":\"Unknown\"}]}",
         "instruction 1 failed: BorshIoError", HAWSE_SOLANA_TX_InstructionError,
         HAWSE_SOLANA_IX_BorshIoError, 1, 0, 0},
        {"{\"InstructionError\":[3,\"SomethingNew\"]}", "instruction 3 failed: SomethingNew",
         HAWSE_SOLANA_TX_InstructionError, HAWSE_SOLANA_IX_OTHER, 3, 0, 0},
        {"{\"InsufficientFundsForRent\":{\"account_index\":4}}",
         "InsufficientFundsForRent, account 4", HAWSE_SOLANA_TX_InsufficientFundsForRent, 0, 4, 0,
         0},
        {"{\"DuplicateInstruction\":7}", "DuplicateInstruction, instruction 7",
         HAWSE_SOLANA_TX_DuplicateInstruction, 0, 7, 0, 0},
        {"\"Tomorrow\"", "Tomorrow", HAWSE_SOLANA_TX_OTHER, 0, 0, 0, 0},
        {"{\"Tomorrow\":{\"x\":1}}", "Tomorrow", HAWSE_SOLANA_TX_OTHER, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hawse_solana_error_t e;
        char text[128];
        CHECK_EQ(read_error(rows[i].json, &e), HAWSE_OK);
        CHECK_EQ(e.transaction, rows[i].transaction);
        CHECK_EQ(e.instruction, rows[i].instruction);
        CHECK_EQ(e.index, rows[i].index);
        CHECK_EQ(e.custom, rows[i].custom);
        CHECK_EQ(e.advice, rows[i].advice);
        CHECK_EQ_U64(hawse_solana_error_text(&e, text, sizeof(text)), strlen(rows[i].text));
        CHECK_STR(text, rows[i].text);
        CHECK_EQ_U64(hawse_solana_error_text(&e, text, 4), 3);
    }
}

TEST(bad_errors, "what has not the form of an error is refused")
{
    static const char *const rows[] = {
        "1",
        "true",
        "[]",
        "{}",
        "{\"a\":1,\"b\":2}",
        "{\"InstructionError\":0}",
        "{\"InstructionError\":[]}",
        "{\"InstructionError\":[0]}",
        "{\"InstructionError\":[0,1]}",
        "{\"InstructionError\":[-1,\"Custom\"]}",
        "{\"InstructionError\":[0,\"Custom\"]}",
        "{\"InstructionError\":[0,{\"Custom\":4294967296}]}",
        "{\"InstructionError\":[4294967296,\"InvalidArgument\"]}",
        "{\"InsufficientFundsForRent\":{}}",
        "{\"DuplicateInstruction\":1.5}",
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hawse_solana_error_t e;
        if (read_error(rows[i], &e) != HAWSE_E_FORMAT)
            FAIL("%s was taken", rows[i]);
    }
}

TEST(simulations, "the answer of a simulation is read, also without what older nodes leave out")
{
    static const char text[] =
        "{\"err\":{\"InstructionError\":[0,\"InvalidArgument\"]},\"logs\":[\"a\",\"b\"],"
        "\"accounts\":null,\"unitsConsumed\":150,\"loadedAccountsDataSize\":206,\"returnData\":{"
        "\"programId\":\"So11111111111111111111111111111111111111112\",\"data\":[\"AQID\","
        "\"base64\"]},\"replacementBlockhash\":{\"blockhash\":\"hhh\",\"lastValidBlockHeight\":"
        "18446744073709551615},\"innerInstructions\":null}";
    static uint8_t padded[1024];
    static uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root;
    hawse_solana_simulation_t s;
    memcpy(padded, text, sizeof(text) - 1);
    CHECK_EQ(hawse_json_index(&doc, padded, sizeof(text) - 1, marks, MARKS), HAWSE_OK);
    CHECK_EQ(hawse_json_root(&doc, &root), HAWSE_OK);
    CHECK_EQ(hawse_solana_simulation_read(&doc, &root, &s), HAWSE_OK);
    CHECK_EQ(s.error.instruction, HAWSE_SOLANA_IX_InvalidArgument);
    CHECK_EQ(s.has_units, 1);
    CHECK_EQ_U64(s.units, 150);
    CHECK_EQ_U64(s.loaded_data, 206);
    CHECK_EQ(s.logs.kind, HAWSE_JSON_ARRAY);
    CHECK_EQ(s.accounts.kind, HAWSE_JSON_NULL);
    CHECK(s.return_data.len == 4 && memcmp(s.return_data.data, "AQID", 4) == 0);
    CHECK_EQ_U64(s.last_block_height, UINT64_MAX);
    static const char old[] = "{\"err\":null,\"logs\":null}";
    memset(padded, 0, sizeof(padded));
    memcpy(padded, old, sizeof(old) - 1);
    CHECK_EQ(hawse_json_index(&doc, padded, sizeof(old) - 1, marks, MARKS), HAWSE_OK);
    CHECK_EQ(hawse_json_root(&doc, &root), HAWSE_OK);
    CHECK_EQ(hawse_solana_simulation_read(&doc, &root, &s), HAWSE_OK);
    CHECK_EQ(s.error.transaction, HAWSE_SOLANA_TX_GOOD);
    CHECK_EQ(s.has_units, 0);
    CHECK_EQ_U64(s.blockhash.len, 0);
}
