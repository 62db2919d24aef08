/*
 * Messages, transactions and derived addresses of Solana against vectors made
 * with the official client and the runtime; see tests/vectors.
 */
#include "solana_vectors.h"

#include <hawse/hawse.h>
#include <hawse/solana/address.h>
#include <hawse/solana/program.h>
#include <sodium.h>
#include <stdlib.h>

TEST(solana_addresses, "the addresses of programs are what their names say")
{
    static const struct {
        const uint8_t *key;
        const char *text;
    } all[] = {
        {hawse_solana_system_program, "11111111111111111111111111111111"},
        {hawse_solana_compute_budget_program, "ComputeBudget111111111111111111111111111111"},
        {hawse_solana_token_program, "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"},
        {hawse_solana_token_2022_program, "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"},
        {hawse_solana_associated_token_program, "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"},
        {hawse_solana_memo_program, "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"},
        {hawse_solana_lookup_table_program, "AddressLookupTab1e1111111111111111111111111"},
        {hawse_solana_recent_blockhashes, "SysvarRecentB1ockHashes11111111111111111111"},
        {hawse_solana_rent, "SysvarRent111111111111111111111111111111111"},
        {hawse_solana_native_mint, "So11111111111111111111111111111111111111112"},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char text[HAWSE_BASE58_KEY_TEXT];
        CHECK_EQ_U64(hawse_base58_from_key(all[i].key, text), strlen(all[i].text));
        CHECK_STR(text, all[i].text);
    }
}

/* ---- compact-u16 ---- */

TEST(solana_compact, "compact-u16: all 65,536 values both ways, and only their shortest form")
{
    json_t *root = vectors_load("solana-tx.json"), *row;
    size_t i;
    uint8_t data[8], out[3];
    uint16_t n = 0;
    json_array_foreach(json_object_get(root, "compact_u16"), i, row)
    {
        uint64_t len = bytes_of(text_of(row, "hex"), data, sizeof(data));
        uint16_t value = (uint16_t)json_integer_value(json_object_get(row, "value"));
        CHECK_EQ(hawse_solana_compact_decode(data, len, &n), len);
        CHECK_EQ(n, value);
        CHECK_EQ(hawse_solana_compact_encode(value, out), len);
        CHECK_MEM(out, data, len);
    }
    CHECK_EQ(i, 11);
    json_array_foreach(json_object_get(root, "compact_u16_bad"), i, row)
    {
        uint64_t len = bytes_of(text_of(row, "hex"), data, sizeof(data));
        bool early = strstr("truncated empty", text_of(row, "why")) != NULL;
        CHECK_EQ(hawse_solana_compact_decode(data, len, &n),
                 early ? HAWSE_E_RANGE : HAWSE_E_FORMAT);
    }
    CHECK_EQ(i, 8);
    for (uint32_t v = 0; v <= UINT16_MAX; v++) {
        uint32_t len = hawse_solana_compact_encode((uint16_t)v, out);
        CHECK_EQ(hawse_solana_compact_decode(out, 3, &n), len);
        CHECK_EQ(n, v);
    }
    json_decref(root);
}

/* ---- messages and transactions ---- */

struct case_tx {
    uint8_t payer[32], blockhash[32];
    hawse_solana_builder_t builder;
    hawse_solana_table_t tables[4];
    uint8_t table_account[4][32], table_keys[4][256][32];
    uint32_t table_count;
    uint32_t version;
};

static void read_tables(const json_t *list, struct case_tx *c)
{
    size_t t, k;
    json_t *table, *key;
    c->table_count = 0;
    json_array_foreach(list, t, table)
    {
        key_of(text_of(table, "key"), c->table_account[t]);
        json_array_foreach(json_object_get(table, "addresses"), k, key)
            key_of(json_string_value(key), c->table_keys[t][k]);
        c->tables[t] = (hawse_solana_table_t){
            .account = c->table_account[t], .keys = c->table_keys[t][0], .key_count = (uint32_t)k};
        c->table_count++;
    }
}

/* The 32-byte seed of a signer's name, expanded: Ed25519 by libsodium. */
static void signer_keys(const json_t *root, const char *name, uint8_t public[32],
                        uint8_t secret[64])
{
    uint8_t seed[32];
    CHECK_EQ(bytes_of(text_of(json_object_get(root, "seeds"), name), seed, 32), 32);
    CHECK_EQ(crypto_sign_seed_keypair(public, secret, seed), 0);
}

/* Signs with the named signers; in the order of the message's keys. */
static uint32_t sign(const json_t *root, const json_t *row, const hawse_solana_message_t *m,
                     uint8_t *signatures)
{
    size_t i;
    json_t *name;
    json_array_foreach(json_object_get(row, "signers"), i, name)
    {
        uint8_t public[32], secret[64];
        uint32_t at = 0;
        signer_keys(root, json_string_value(name), public, secret);
        while (at < m->required_signatures && memcmp(m->keys + 32 * at, public, 32) != 0)
            at++;
        CHECK(at < m->required_signatures);
        CHECK_EQ(
            crypto_sign_detached(signatures + 64 * at, NULL, m->bytes.data, m->bytes.len, secret),
            0);
    }
    CHECK_EQ(i, m->required_signatures);
    return (uint32_t)i;
}

static void check_wire(const json_t *row, const uint8_t *wire, uint64_t len)
{
    uint8_t hash[32], want[32];
    CHECK_EQ_U64(len, (uint64_t)json_integer_value(json_object_get(row, "wire_len")));
    CHECK_EQ(crypto_hash_sha256(hash, wire, len), 0);
    (void)bytes_of(text_of(row, "wire_sha256"), want, 32);
    CHECK_MEM(hash, want, 32);
}

/* Every instruction of the decoded message names what the case does. */
static void check_decoded(const hawse_solana_message_t *m, const struct case_tx *c)
{
    hawse_solana_compiled_t got = {0};
    CHECK_EQ(m->instruction_count, c->builder.count);
    for (uint32_t i = 0; hawse_solana_instruction_next(m, &got); i++) {
        const hawse_solana_instruction_t *want = &c->builder.instructions[i];
        CHECK_MEM(m->keys + 32 * got.program, want->program, 32);
        CHECK_EQ(got.account_count, want->account_count);
        CHECK_EQ(got.data_len, want->data_len);
        CHECK_MEM(got.data, want->data, want->data_len);
        for (uint32_t a = 0; a < got.account_count; a++) {
            uint32_t at = got.accounts[a];
            if (at < m->key_count)
                CHECK_MEM(m->keys + 32 * at, want->accounts[a].key, 32);
            if (want->accounts[a].signer)
                CHECK(hawse_solana_message_signs(m, at));
            if (want->accounts[a].writable)
                CHECK(hawse_solana_message_writes(m, at));
        }
    }
}

static void check_case(const json_t *root, const json_t *row, struct case_tx *c)
{
    uint8_t message[HAWSE_SOLANA_TX_MAX], want[HAWSE_SOLANA_TX_MAX], wire[HAWSE_SOLANA_TX_MAX];
    uint8_t signatures[20 * 64], secret[64];
    uint64_t need = 0, len = 0;
    uint32_t fault = 99;
    signer_keys(root, text_of(row, "payer"), c->payer, secret);
    key_of(text_of(row, "blockhash"), c->blockhash);
    c->version =
        strcmp(text_of(row, "version"), "legacy") == 0 ? HAWSE_SOLANA_LEGACY : HAWSE_SOLANA_V0;
    read_instructions(json_object_get(row, "instructions"), &c->builder);
    read_tables(json_object_get(row, "lookup_tables"), c);
    hawse_solana_plan_t plan = {c->version,   c->builder.count,        c->table_count, c->payer,
                                c->blockhash, c->builder.instructions, c->tables};
    uint64_t want_len = bytes_of(text_of(row, "message"), want, sizeof(want));
    CHECK_EQ(hawse_solana_message_encode(&plan, message, want_len - 1, &need), HAWSE_E_NOSPACE);
    CHECK_EQ_U64(need, want_len);
    CHECK_EQ(hawse_solana_message_encode(&plan, message, want_len, &need), HAWSE_OK);
    CHECK_MEM(message, want, want_len);

    hawse_solana_message_t m;
    CHECK_EQ(hawse_solana_message_decode(message, need, &m, &fault), HAWSE_OK);
    CHECK_EQ(fault, HAWSE_SOLANA_FAULT_NONE);
    CHECK_EQ(hawse_solana_message_sanitize(&m, &fault), HAWSE_OK);
    check_decoded(&m, c);
    uint32_t count = sign(root, row, &m, signatures);
    CHECK_EQ(hawse_solana_tx_encode(signatures, count, message, need, wire, sizeof(wire), &len),
             HAWSE_OK);
    check_wire(row, wire, len);

    hawse_solana_tx_t tx;
    CHECK_EQ(hawse_solana_tx_decode(wire, len, &tx, &fault), HAWSE_OK);
    CHECK_EQ(hawse_solana_tx_sanitize(&tx, &fault), HAWSE_OK);
    CHECK_EQ(hawse_solana_tx_verify(&tx, NULL), HAWSE_OK);
    const char *name = text_of(row, "name");
    bool durable = strstr(name, "durable") != NULL;
    CHECK_EQ(hawse_solana_durable(&tx.message, NULL, NULL), durable);
}

TEST(solana_transactions, "43 transactions: encoded, signed, decoded as the official client does")
{
    json_t *root = vectors_load("solana-tx.json"), *row;
    static struct case_tx c;
    size_t i;
    json_array_foreach(json_object_get(root, "transactions"), i, row) check_case(root, row, &c);
    CHECK_EQ(i, 43);
    json_decref(root);
}

TEST(solana_foreign_order, "transactions whose keys another client sorted are decoded")
{
    json_t *root = vectors_load("solana-tx.json"), *row;
    static struct case_tx c;
    size_t i;
    json_array_foreach(json_object_get(root, "decode_only_web3_order"), i, row)
    {
        uint8_t wire[HAWSE_SOLANA_TX_MAX];
        hawse_solana_tx_t tx;
        uint64_t len = bytes_of(text_of(row, "wire"), wire, sizeof(wire));
        CHECK_EQ(hawse_solana_tx_decode(wire, len, &tx, NULL), HAWSE_OK);
        CHECK_EQ(hawse_solana_tx_sanitize(&tx, NULL), HAWSE_OK);
        CHECK_EQ(hawse_solana_tx_verify(&tx, NULL), HAWSE_OK);
        read_instructions(json_object_get(row, "instructions"), &c.builder);
        check_decoded(&tx.message, &c);
    }
    CHECK_EQ(i, 3);
    json_decref(root);
}

TEST(solana_malformed, "14 malformed transactions are refused, each for its own fault")
{
    static const struct {
        const char *name;
        uint32_t fault;
    } why[] = {
        {"sig-count-0", HAWSE_SOLANA_FAULT_SIGNATURE_COUNT},
        {"sig-count-mismatch", HAWSE_SOLANA_FAULT_SIGNATURE_COUNT},
        {"header-zero-signers", HAWSE_SOLANA_FAULT_NO_SIGNER},
        {"header-all-signers-readonly", HAWSE_SOLANA_FAULT_READONLY_PAYER},
        {"header-readonly-overflow", HAWSE_SOLANA_FAULT_TOO_FEW_KEYS},
        {"program-index-out-of-range", HAWSE_SOLANA_FAULT_PROGRAM_INDEX},
        {"program-index-zero", HAWSE_SOLANA_FAULT_PROGRAM_IS_PAYER},
        {"account-index-out-of-range", HAWSE_SOLANA_FAULT_ACCOUNT_INDEX},
        {"duplicate-key", HAWSE_SOLANA_FAULT_DUPLICATE_KEY},
        {"trailing-byte", HAWSE_SOLANA_FAULT_TRAILING},
        {"truncated", HAWSE_SOLANA_FAULT_TRUNCATED},
        {"bad-signature", HAWSE_SOLANA_FAULT_NONE},
        {"version-1-prefix", HAWSE_SOLANA_FAULT_VERSION},
        {"v0-empty-lookup", HAWSE_SOLANA_FAULT_EMPTY_LOOKUP},
    };
    json_t *root = vectors_load("solana-tx.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "malformed"), i, row)
    {
        uint8_t wire[HAWSE_SOLANA_TX_MAX + 8];
        hawse_solana_tx_t tx;
        uint32_t fault = 99, bad = 99;
        uint64_t len = bytes_of(text_of(row, "wire"), wire, sizeof(wire));
        CHECK_STR(text_of(row, "name"), why[i].name);
        int32_t code = hawse_solana_tx_decode(wire, len, &tx, &fault);
        if (code == HAWSE_OK)
            code = hawse_solana_tx_sanitize(&tx, &fault);
        if (fault != why[i].fault)
            FAIL("%s: fault %u (%s)", why[i].name, fault, hawse_solana_fault_text(fault));
        CHECK_EQ(code == HAWSE_OK, fault == HAWSE_SOLANA_FAULT_NONE);
        if (code != HAWSE_OK)
            continue;
        CHECK_EQ(hawse_solana_tx_verify(&tx, &bad), HAWSE_E_INVAL);
        CHECK_EQ(bad, 0);
    }
    CHECK_EQ(i, 14);
    json_decref(root);
}

TEST(solana_every_prefix, "no transaction cut short or lengthened decodes, none reads outside")
{
    json_t *root = vectors_load("solana-tx.json"), *row;
    size_t i;
    json_array_foreach(json_object_get(root, "transactions"), i, row)
    {
        uint8_t want[HAWSE_SOLANA_TX_MAX + 1];
        hawse_solana_message_t m;
        uint32_t fault;
        uint64_t len = bytes_of(text_of(row, "message"), want, HAWSE_SOLANA_TX_MAX);
        for (uint64_t n = 0; n < len; n++) {
            uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees what is beyond */
            memcpy(exact, want, n);
            CHECK_EQ(hawse_solana_message_decode(exact, n, &m, &fault), HAWSE_E_FORMAT);
            CHECK_EQ(fault, HAWSE_SOLANA_FAULT_TRUNCATED);
            free(exact);
        }
        want[len] = 0;
        int32_t code = hawse_solana_message_decode(want, len + 1, &m, &fault);
        CHECK(code == (len < HAWSE_SOLANA_MESSAGE_MAX ? HAWSE_E_FORMAT : HAWSE_E_LIMIT));
        CHECK_EQ(fault, len < HAWSE_SOLANA_MESSAGE_MAX ? HAWSE_SOLANA_FAULT_TRAILING
                                                       : HAWSE_SOLANA_FAULT_TOO_LARGE);
    }
    json_decref(root);
}

TEST(solana_too_many_keys, "a message of 257 accounts is refused when read and when built")
{
    uint8_t wire[512] = {0x80, 1, 0, 0, 2};
    uint64_t at = 5, need = 0;
    hawse_solana_message_t m;
    uint32_t fault = 0;
    wire[5 + 32] = 7;         /* a second key that is not the first */
    at += 64 + 32;            /* keys, blockhash */
    wire[at++] = 0;           /* no instructions */
    wire[at++] = 1;           /* one lookup */
    at += 32;                 /* its table */
    wire[at++] = 0x80 | 0x7f; /* 255 writable ones */
    wire[at++] = 1;
    at += 255;
    wire[at++] = 0; /* no others */
    CHECK_EQ(hawse_solana_message_decode(wire, at, &m, &fault), HAWSE_OK);
    CHECK_EQ(m.key_count + m.loaded_writable, 257);
    CHECK_EQ(hawse_solana_message_sanitize(&m, &fault), HAWSE_E_INVAL);
    CHECK_EQ(fault, HAWSE_SOLANA_FAULT_TOO_MANY_KEYS);

    static hawse_solana_meta_t metas[257];
    static uint8_t keys[256][32];
    uint8_t payer[32] = {9}, out[HAWSE_SOLANA_TX_MAX];
    for (uint32_t i = 0; i < 257; i++) {
        metas[i].key[0] = (uint8_t)i;
        metas[i].key[1] = (uint8_t)(1 + (i >> 8));
        if (i < 256)
            memcpy(keys[i], metas[i].key, 32);
    }
    hawse_solana_table_t table = {payer, keys[0], 256, 0};
    hawse_solana_instruction_t one = {{1}, 254, 0, metas, NULL};
    hawse_solana_plan_t plan = {HAWSE_SOLANA_V0, 1, 1, payer, payer, &one, &table};
    CHECK_EQ(hawse_solana_message_encode(&plan, out, sizeof(out), &need), HAWSE_OK);
    CHECK_EQ(hawse_solana_message_decode(out, need, &m, &fault), HAWSE_OK);
    CHECK_EQ(hawse_solana_message_sanitize(&m, &fault), HAWSE_OK);
    CHECK_EQ(m.loaded_readonly, 254);
    one.account_count = 255;
    CHECK_EQ(hawse_solana_message_encode(&plan, out, sizeof(out), &need), HAWSE_E_LIMIT);
    plan.table_count = 0;
    one.account_count = 40; /* without the table they do not fit */
    CHECK_EQ(hawse_solana_message_encode(&plan, out, sizeof(out), &need), HAWSE_E_LIMIT);
    plan.version = HAWSE_SOLANA_LEGACY;
    plan.table_count = 1;
    CHECK_EQ(hawse_solana_message_encode(&plan, out, sizeof(out), &need), HAWSE_E_INVAL);
    plan.version = 1;
    CHECK_EQ(hawse_solana_message_encode(&plan, out, sizeof(out), &need), HAWSE_E_INVAL);
}

/* ---- derived addresses ---- */

TEST(solana_curve, "a point is a point by the runtime's rule, edge encodings included")
{
    json_t *root = vectors_load("solana-pda.json"), *row;
    size_t i;
    uint8_t key[32];
    json_array_foreach(json_object_get(root, "curve"), i, row)
    {
        (void)bytes_of(json_string_value(json_array_get(row, 0)), key, 32);
        CHECK_EQ(hawse_solana_on_curve(key), json_integer_value(json_array_get(row, 1)));
    }
    CHECK_EQ(i, 120);
    json_array_foreach(json_object_get(root, "curve_edge"), i, row)
    {
        (void)bytes_of(text_of(row, "bytes"), key, 32);
        CHECK_EQ(hawse_solana_on_curve(key),
                 json_is_true(json_object_get(row, "runtime_on_curve")));
    }
    CHECK_EQ(i, 19);
    json_decref(root);
}

struct seeds {
    uint8_t bytes[20][64];
    hawse_view_t list[20];
    uint32_t count;
};

static void read_seeds(const json_t *list, struct seeds *s)
{
    size_t i;
    json_t *seed;
    json_array_foreach(list, i, seed)
    {
        s->list[i].data = s->bytes[i];
        s->list[i].len = bytes_of(json_string_value(seed), s->bytes[i], 64);
    }
    s->count = (uint32_t)i;
}

TEST(solana_pda, "200 derived addresses with their bumps, 24 by chosen bumps, refused seeds")
{
    json_t *root = vectors_load("solana-pda.json"), *row;
    struct seeds s;
    size_t i;
    uint8_t program[32], want[32], got[32], bump = 0;
    json_array_foreach(json_object_get(root, "find"), i, row)
    {
        key_of(text_of(row, "program"), program);
        key_of(text_of(row, "address"), want);
        read_seeds(json_object_get(row, "seeds"), &s);
        CHECK_EQ(hawse_solana_find_address(s.list, s.count, program, got, &bump), HAWSE_OK);
        CHECK_MEM(got, want, 32);
        CHECK_EQ(bump, json_integer_value(json_object_get(row, "bump")));
        s.list[s.count] = (hawse_view_t){&bump, 1};
        CHECK_EQ(hawse_solana_create_address(s.list, s.count + 1, program, got), HAWSE_OK);
        CHECK_MEM(got, want, 32);
    }
    CHECK_EQ(i, 200);
    json_array_foreach(json_object_get(root, "create"), i, row)
    {
        const char *address = json_string_value(json_object_get(row, "address"));
        key_of(text_of(row, "program"), program);
        read_seeds(json_object_get(row, "seeds"), &s);
        CHECK_EQ(hawse_solana_create_address(s.list, s.count, program, got),
                 address ? HAWSE_OK : HAWSE_E_NOTFOUND);
        if (address) {
            key_of(address, want);
            CHECK_MEM(got, want, 32);
        }
    }
    CHECK_EQ(i, 24);
    json_array_foreach(json_object_get(root, "create_errors"), i, row)
    {
        read_seeds(json_object_get(row, "seeds"), &s);
        CHECK_EQ(hawse_solana_create_address(s.list, s.count, program, got), HAWSE_E_INVAL);
    }
    read_seeds(json_object_get(json_array_get(json_object_get(root, "create_errors"), 1), "seeds"),
               &s);
    CHECK_EQ(hawse_solana_find_address(s.list, 16, program, got, &bump), HAWSE_E_INVAL);
    CHECK_EQ(hawse_solana_find_address(s.list, 15, program, got, &bump), HAWSE_OK);
    json_decref(root);
}

TEST(solana_with_seed, "addresses with a seed, and the owner that the runtime refuses")
{
    json_t *root = vectors_load("solana-pda.json"), *row;
    size_t i;
    uint8_t base[32], owner[32], want[32], got[32];
    json_array_foreach(json_object_get(root, "with_seed"), i, row)
    {
        key_of(text_of(row, "base"), base);
        key_of(text_of(row, "owner"), owner);
        key_of(text_of(row, "address"), want);
        CHECK_EQ(hawse_solana_address_with_seed(base, hawse_text(text_of(row, "seed")), owner, got),
                 HAWSE_OK);
        CHECK_MEM(got, want, 32);
    }
    CHECK_EQ(i, 3);
    CHECK_EQ(hawse_solana_address_with_seed(base, hawse_text("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
                                            owner, got),
             HAWSE_E_INVAL);
    memcpy(owner + 11, "ProgramDerivedAddress", 21);
    CHECK_EQ(hawse_solana_address_with_seed(base, hawse_text("a"), owner, got), HAWSE_E_DENIED);
    json_decref(root);
}
