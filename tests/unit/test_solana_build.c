/*
 * Instructions of Solana's own programs and accounts as they store them, against the instructions
 * of the vectors.
 */
#include "solana_vectors.h"

#include <hawse/hawse.h>
#include <hawse/solana/address.h>
#include <hawse/solana/program.h>

static uint64_t word(const uint8_t *data, uint32_t bytes)
{
    uint64_t n = 0;
    memcpy(&n, data, bytes);
    return n;
}

/* The seed of an instruction that has one: its length as 64 bits, then its bytes. */
static hawse_view_t seed_at(const uint8_t *data)
{
    return (hawse_view_t){data + 8, word(data, 8)};
}

#define KEY(i) one->accounts[i].key

/* Makes a System instruction again from its parts; false = a kind without a function. */
static bool system_again(hawse_solana_builder_t *b, const hawse_solana_instruction_t *one)
{
    const uint8_t *d = one->data + 4;
    hawse_view_t seed = {NULL, 0};
    switch (word(one->data, 4)) {
    case 0:
        (void)hawse_solana_create_account(b, KEY(0), KEY(1), word(d, 8), word(d + 8, 8), d + 16);
        return true;
    case 1:
        (void)hawse_solana_assign(b, KEY(0), d);
        return true;
    case 2:
        (void)hawse_solana_transfer(b, KEY(0), KEY(1), word(d, 8));
        return true;
    case 3:
        seed = seed_at(d + 32);
        (void)hawse_solana_create_with_seed(
            b, KEY(0), KEY(1), d, seed, word(seed.data + seed.len, 8),
            word(seed.data + seed.len + 8, 8), seed.data + seed.len + 16);
        return true;
    case 4:
        (void)hawse_solana_nonce_advance(b, KEY(0), KEY(2));
        return true;
    case 5:
        (void)hawse_solana_nonce_withdraw(b, KEY(0), KEY(4), KEY(1), word(d, 8));
        return true;
    case 6:
        (void)hawse_solana_nonce_initialize(b, KEY(0), d);
        return true;
    case 7:
        (void)hawse_solana_nonce_authorize(b, KEY(0), KEY(1), d);
        return true;
    case 8:
        (void)hawse_solana_allocate(b, KEY(0), word(d, 8));
        return true;
    case 11:
        seed = seed_at(d + 8);
        (void)hawse_solana_transfer_with_seed(b, KEY(0), KEY(1), seed, seed.data + seed.len, KEY(2),
                                              word(d, 8));
        return true;
    default:
        return false;
    }
}

static bool token_again(hawse_solana_builder_t *b, const hawse_solana_instruction_t *one)
{
    const uint8_t *d = one->data + 1, *p = one->program;
    switch (one->data[0]) {
    case 3:
        (void)hawse_solana_token_transfer(b, p, KEY(0), KEY(1), KEY(2), word(d, 8));
        return true;
    case 5:
        (void)hawse_solana_token_revoke(b, p, KEY(0), KEY(1));
        return true;
    case 7:
        (void)hawse_solana_token_mint_to(b, p, KEY(0), KEY(1), KEY(2), word(d, 8));
        return true;
    case 9:
        (void)hawse_solana_token_close(b, p, KEY(0), KEY(1), KEY(2));
        return true;
    case 12:
        (void)hawse_solana_token_transfer_checked(b, p, KEY(0), KEY(1), KEY(2), KEY(3), word(d, 8),
                                                  d[8]);
        return true;
    case 13:
        (void)hawse_solana_token_approve_checked(b, p, KEY(0), KEY(1), KEY(2), KEY(3), word(d, 8),
                                                 d[8]);
        return true;
    case 17:
        (void)hawse_solana_token_sync_native(b, p, KEY(0));
        return true;
    case 20:
        (void)hawse_solana_token_initialize_mint(b, p, KEY(0), d[0], d + 1, d[33] ? d + 34 : NULL);
        return true;
    default:
        return false;
    }
}

static bool budget_again(hawse_solana_builder_t *b, const hawse_solana_instruction_t *one)
{
    const uint8_t *d = one->data + 1;
    switch (one->data[0]) {
    case 1:
        (void)hawse_solana_heap(b, (uint32_t)word(d, 4));
        return true;
    case 2:
        (void)hawse_solana_unit_limit(b, (uint32_t)word(d, 4));
        return true;
    case 3:
        (void)hawse_solana_unit_price(b, word(d, 8));
        return true;
    default:
        (void)hawse_solana_loaded_data_limit(b, (uint32_t)word(d, 4));
        return true;
    }
}

static bool memo_again(hawse_solana_builder_t *b, const hawse_solana_instruction_t *one)
{
    uint8_t signers[8][32];
    for (uint32_t i = 0; i < one->account_count; i++) {
        if (!one->accounts[i].signer || one->accounts[i].writable)
            return false;
        memcpy(signers[i], KEY(i), 32);
    }
    (void)hawse_solana_memo(b, (hawse_view_t){one->data, one->data_len}, signers[0],
                            one->account_count);
    return true;
}

static bool again(hawse_solana_builder_t *b, const hawse_solana_instruction_t *one)
{
    if (memcmp(one->program, hawse_solana_system_program, 32) == 0)
        return system_again(b, one);
    if (memcmp(one->program, hawse_solana_token_program, 32) == 0)
        return token_again(b, one);
    if (memcmp(one->program, hawse_solana_compute_budget_program, 32) == 0)
        return budget_again(b, one);
    if (memcmp(one->program, hawse_solana_memo_program, 32) == 0)
        return memo_again(b, one);
    if (memcmp(one->program, hawse_solana_associated_token_program, 32) != 0)
        return false;
    uint8_t account[32], bump;
    CHECK_EQ(hawse_solana_associated_token(KEY(2), KEY(5), KEY(3), account, &bump), HAWSE_OK);
    (void)hawse_solana_token_create_associated(b, KEY(5), KEY(0), account, KEY(2), KEY(3));
    return true;
}

TEST(solana_instructions, "instructions built from their arguments equal the official client's")
{
    json_t *root = vectors_load("solana-tx.json"), *row;
    static hawse_solana_builder_t given, b;
    uint32_t built = 0, foreign = 0;
    size_t i;
    json_array_foreach(json_object_get(root, "transactions"), i, row)
    {
        read_instructions(json_object_get(row, "instructions"), &given);
        for (uint32_t n = 0; n < given.count; n++) {
            const hawse_solana_instruction_t *want = &given.instructions[n];
            hawse_solana_begin(&b);
            if (!again(&b, want)) {
                foreign++;
                continue;
            }
            built++;
            CHECK_EQ(b.error, HAWSE_OK);
            CHECK_EQ(b.count, 1);
            CHECK_MEM(b.instructions[0].program, want->program, 32);
            CHECK_EQ(b.instructions[0].account_count, want->account_count);
            CHECK_EQ(b.instructions[0].data_len, want->data_len);
            CHECK_MEM(b.instructions[0].data, want->data, want->data_len);
            CHECK_MEM(b.metas, want->accounts, want->account_count * sizeof(hawse_solana_meta_t));
        }
    }
    printf("# %u instructions built, %u of other programs\n", built, foreign);
    CHECK(built > 60);
    json_decref(root);
}

TEST(solana_builder, "a builder keeps its first error, and what failed half way leaves no trace")
{
    static hawse_solana_builder_t b;
    uint8_t key[32] = {1}, keys[40][32] = {{0}};
    hawse_solana_begin(&b);
    CHECK_EQ(hawse_solana_transfer(&b, key, key, 1), HAWSE_OK);
    CHECK_EQ(hawse_solana_table_extend(&b, key, key, key, keys[0], 40), HAWSE_E_NOSPACE);
    CHECK_EQ(hawse_solana_unit_limit(&b, HAWSE_SOLANA_UNITS_MAX + 1), HAWSE_E_NOSPACE);
    CHECK_EQ(b.count, 1);
    CHECK_EQ(b.data_len, 12);
    CHECK_EQ(b.meta_count, 2);
    hawse_solana_begin(&b);
    CHECK_EQ(hawse_solana_unit_limit(&b, HAWSE_SOLANA_UNITS_MAX + 1), HAWSE_E_INVAL);
    hawse_solana_begin(&b);
    CHECK_EQ(hawse_solana_heap(&b, 33 << 10), HAWSE_OK);
    CHECK_EQ(hawse_solana_heap(&b, (33 << 10) + 1), HAWSE_E_INVAL);
    hawse_solana_begin(&b);
    CHECK_EQ(hawse_solana_memo(&b, hawse_text("\xff"), NULL, 0), HAWSE_E_FORMAT);
    hawse_solana_begin(&b);
    for (int i = 0; i < 64; i++)
        CHECK_EQ(hawse_solana_unit_price(&b, 1), HAWSE_OK);
    CHECK_EQ(hawse_solana_unit_price(&b, 1), HAWSE_E_NOSPACE);
    hawse_solana_begin(&b);
    for (int i = 0; i < 51; i++) /* 5 accounts each: 255 of 256 */
        CHECK_EQ(hawse_solana_nonce_withdraw(&b, key, key, key, 1), HAWSE_OK);
    CHECK_EQ(hawse_solana_transfer(&b, key, key, 1), HAWSE_E_NOSPACE);
}

TEST(solana_priority_fee, "a priority fee is exact and rounded up, however large")
{
    CHECK_EQ_U64(hawse_solana_priority_fee(200000, 1), 1);
    CHECK_EQ_U64(hawse_solana_priority_fee(200000, 5), 1);
    CHECK_EQ_U64(hawse_solana_priority_fee(200000, 6), 2);
    CHECK_EQ_U64(hawse_solana_priority_fee(0, 6), 0);
    CHECK_EQ_U64(hawse_solana_priority_fee(1000000, UINT64_MAX), UINT64_MAX);
    CHECK_EQ_U64(hawse_solana_priority_fee(1000001, UINT64_MAX), UINT64_MAX);
}

/* ---- stored accounts ---- */

TEST(solana_accounts, "nonces, tokens, mints and tables are read, and what is none is refused")
{
    uint8_t data[HAWSE_SOLANA_TOKEN_BYTES] = {1, 0, 0, 0, 1, 0, 0, 0, 7};
    hawse_solana_nonce_t nonce;
    hawse_solana_token_t token;
    hawse_solana_mint_t mint;
    hawse_solana_table_state_t table;
    data[40] = 9;
    data[72] = 0x88;
    data[73] = 0x13;
    CHECK_EQ(hawse_solana_nonce_parse(data, 80, &nonce), HAWSE_OK);
    CHECK_EQ(nonce.authority[0], 7);
    CHECK_EQ(nonce.value[0], 9);
    CHECK_EQ_U64(nonce.lamports_per_signature, 5000);
    CHECK_EQ(hawse_solana_nonce_parse(data, 81, &nonce), HAWSE_E_RANGE);
    data[4] = 0;
    CHECK_EQ(hawse_solana_nonce_parse(data, 80, &nonce), HAWSE_E_FORMAT);

    memset(data, 0, sizeof(data));
    memset(data + 64, 0xff, 8);
    CHECK_EQ(hawse_solana_token_parse(data, 165, &token), HAWSE_E_FORMAT);
    data[108] = HAWSE_SOLANA_TOKEN_FROZEN;
    data[109] = 1;
    data[113] = 5;
    CHECK_EQ(hawse_solana_token_parse(data, 164, &token), HAWSE_E_RANGE);
    CHECK_EQ(hawse_solana_token_parse(data, 165, &token), HAWSE_OK);
    CHECK_EQ_U64(token.amount, UINT64_MAX);
    CHECK_EQ_U64(token.native_reserve, 5);
    CHECK_EQ(token.state, HAWSE_SOLANA_TOKEN_FROZEN);
    data[129] = 2;
    CHECK_EQ(hawse_solana_token_parse(data, 165, &token), HAWSE_E_FORMAT);

    memset(data, 0, sizeof(data));
    data[0] = 1;
    data[4] = 3;
    data[36] = 100;
    data[44] = 6;
    CHECK_EQ(hawse_solana_mint_parse(data, 82, &mint), HAWSE_E_FORMAT);
    data[45] = 1;
    CHECK_EQ(hawse_solana_mint_parse(data, 82, &mint), HAWSE_OK);
    CHECK_EQ(mint.authority[0], 3);
    CHECK_EQ_U64(mint.supply, 100);
    CHECK_EQ(mint.decimals, 6);

    memset(data, 0, sizeof(data));
    data[0] = 1;
    memset(data + 4, 0xff, 8);
    data[21] = 1;
    data[22] = 4;
    data[56] = 5;
    CHECK_EQ(hawse_solana_table_parse(data, 56 + 64, &table), HAWSE_OK);
    CHECK_EQ(table.key_count, 2);
    CHECK_EQ(table.authority[0], 4);
    CHECK_EQ(table.keys[0], 5);
    CHECK_EQ_U64(table.deactivation_slot, UINT64_MAX);
    CHECK_EQ(hawse_solana_table_parse(data, 56 + 63, &table), HAWSE_E_RANGE);
    data[0] = 0;
    CHECK_EQ(hawse_solana_table_parse(data, 56, &table), HAWSE_E_FORMAT);
}
