/*
 * The builder of instructions, and the addresses of the programs; see hawse/solana/program.h.
 * Fields that an instruction has not reached yet lie behind the counts of the builder, so that one
 * that fails half way leaves no trace.
 */
#include "build.h"

#include <string.h>

enum {
    INSTRUCTIONS =
        sizeof(((hawse_solana_builder_t *)0)->instructions) / sizeof(hawse_solana_instruction_t)
};

/* 11111111111111111111111111111111 */
const uint8_t hawse_solana_system_program[32] = {0};

/* ComputeBudget111111111111111111111111111111 */
const uint8_t hawse_solana_compute_budget_program[32] = {
    0x03, 0x06, 0x46, 0x6f, 0xe5, 0x21, 0x17, 0x32, 0xff, 0xec, 0xad, 0xba, 0x72, 0xc3, 0x9b, 0xe7,
    0xbc, 0x8c, 0xe5, 0xbb, 0xc5, 0xf7, 0x12, 0x6b, 0x2c, 0x43, 0x9b, 0x3a, 0x40, 0x00, 0x00, 0x00};

/* TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA */
const uint8_t hawse_solana_token_program[32] = {
    0x06, 0xdd, 0xf6, 0xe1, 0xd7, 0x65, 0xa1, 0x93, 0xd9, 0xcb, 0xe1, 0x46, 0xce, 0xeb, 0x79, 0xac,
    0x1c, 0xb4, 0x85, 0xed, 0x5f, 0x5b, 0x37, 0x91, 0x3a, 0x8c, 0xf5, 0x85, 0x7e, 0xff, 0x00, 0xa9};

/* TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb */
const uint8_t hawse_solana_token_2022_program[32] = {
    0x06, 0xdd, 0xf6, 0xe1, 0xee, 0x75, 0x8f, 0xde, 0x18, 0x42, 0x5d, 0xbc, 0xe4, 0x6c, 0xcd, 0xda,
    0xb6, 0x1a, 0xfc, 0x4d, 0x83, 0xb9, 0x0d, 0x27, 0xfe, 0xbd, 0xf9, 0x28, 0xd8, 0xa1, 0x8b, 0xfc};

/* ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL */
const uint8_t hawse_solana_associated_token_program[32] = {
    0x8c, 0x97, 0x25, 0x8f, 0x4e, 0x24, 0x89, 0xf1, 0xbb, 0x3d, 0x10, 0x29, 0x14, 0x8e, 0x0d, 0x83,
    0x0b, 0x5a, 0x13, 0x99, 0xda, 0xff, 0x10, 0x84, 0x04, 0x8e, 0x7b, 0xd8, 0xdb, 0xe9, 0xf8, 0x59};

/* MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr */
const uint8_t hawse_solana_memo_program[32] = {
    0x05, 0x4a, 0x53, 0x5a, 0x99, 0x29, 0x21, 0x06, 0x4d, 0x24, 0xe8, 0x71, 0x60, 0xda, 0x38, 0x7c,
    0x7c, 0x35, 0xb5, 0xdd, 0xbc, 0x92, 0xbb, 0x81, 0xe4, 0x1f, 0xa8, 0x40, 0x41, 0x05, 0x44, 0x8d};

/* AddressLookupTab1e1111111111111111111111111 */
const uint8_t hawse_solana_lookup_table_program[32] = {
    0x02, 0x77, 0xa6, 0xaf, 0x97, 0x33, 0x9b, 0x7a, 0xc8, 0x8d, 0x18, 0x92, 0xc9, 0x04, 0x46, 0xf5,
    0x00, 0x02, 0x30, 0x92, 0x66, 0xf6, 0x2e, 0x53, 0xc1, 0x18, 0x24, 0x49, 0x82, 0x00, 0x00, 0x00};

/* SysvarRecentB1ockHashes11111111111111111111 */
const uint8_t hawse_solana_recent_blockhashes[32] = {
    0x06, 0xa7, 0xd5, 0x17, 0x19, 0x2c, 0x56, 0x8e, 0xe0, 0x8a, 0x84, 0x5f, 0x73, 0xd2, 0x97, 0x88,
    0xcf, 0x03, 0x5c, 0x31, 0x45, 0xb2, 0x1a, 0xb3, 0x44, 0xd8, 0x06, 0x2e, 0xa9, 0x40, 0x00, 0x00};

/* SysvarRent111111111111111111111111111111111 */
const uint8_t hawse_solana_rent[32] = {
    0x06, 0xa7, 0xd5, 0x17, 0x19, 0x2c, 0x5c, 0x51, 0x21, 0x8c, 0xc9, 0x4c, 0x3d, 0x4a, 0xf1, 0x7f,
    0x58, 0xda, 0xee, 0x08, 0x9b, 0xa1, 0xfd, 0x44, 0xe3, 0xdb, 0xd9, 0x8a, 0x00, 0x00, 0x00, 0x00};

/* So11111111111111111111111111111111111111112 */
const uint8_t hawse_solana_native_mint[32] = {
    0x06, 0x9b, 0x88, 0x57, 0xfe, 0xab, 0x81, 0x84, 0xfb, 0x68, 0x7f, 0x63, 0x46, 0x18, 0xc0, 0x35,
    0xda, 0xc4, 0x39, 0xdc, 0x1a, 0xeb, 0x3b, 0x55, 0x98, 0xa0, 0xf0, 0x00, 0x00, 0x00, 0x00, 0x01};

/* ---- parts ---- */

void build_fail(hawse_solana_builder_t *b, int32_t code)
{
    if (b->error == HAWSE_OK)
        b->error = code;
}

void build_begin(hawse_solana_builder_t *b, const uint8_t *program)
{
    if (b->count == INSTRUCTIONS)
        build_fail(b, HAWSE_E_NOSPACE);
    if (b->error)
        return;
    hawse_solana_instruction_t *one = &b->instructions[b->count];
    memcpy(one->program, program, 32);
    one->account_count = one->data_len = 0;
    one->accounts = b->metas + b->meta_count;
    one->data = b->data + b->data_len;
}

void build_account(hawse_solana_builder_t *b, const uint8_t *key, unsigned flags)
{
    if (b->error)
        return;
    hawse_solana_instruction_t *one = &b->instructions[b->count];
    if (b->meta_count + one->account_count == HAWSE_SOLANA_KEYS_MAX) {
        build_fail(b, HAWSE_E_NOSPACE);
        return;
    }
    hawse_solana_meta_t *meta = &b->metas[b->meta_count + one->account_count++];
    memcpy(meta->key, key, 32);
    meta->signer = (flags & BUILD_SIGN) != 0;
    meta->writable = (flags & BUILD_WRITE) != 0;
}

void build_bytes(hawse_solana_builder_t *b, const void *bytes, uint64_t len)
{
    if (b->error || len == 0)
        return;
    hawse_solana_instruction_t *one = &b->instructions[b->count];
    uint64_t at = (uint64_t)b->data_len + one->data_len;
    if (len > HAWSE_SOLANA_BUILDER_DATA - at) {
        build_fail(b, HAWSE_E_NOSPACE);
        return;
    }
    memcpy(b->data + at, bytes, len);
    one->data_len += (uint32_t)len;
}

void build_u8(hawse_solana_builder_t *b, uint8_t n)
{
    build_bytes(b, &n, sizeof(n));
}

void build_u32(hawse_solana_builder_t *b, uint32_t n)
{
    build_bytes(b, &n, sizeof(n));
}

void build_u64(hawse_solana_builder_t *b, uint64_t n)
{
    build_bytes(b, &n, sizeof(n));
}

int32_t build_end(hawse_solana_builder_t *b)
{
    if (b->error == HAWSE_OK) {
        const hawse_solana_instruction_t *one = &b->instructions[b->count++];
        b->meta_count += one->account_count;
        b->data_len += one->data_len;
    }
    return b->error;
}

/* ---- the public beginning ---- */

void hawse_solana_begin(hawse_solana_builder_t *b)
{
    b->error = HAWSE_OK;
    b->count = b->meta_count = b->data_len = 0;
}

int32_t hawse_solana_add(hawse_solana_builder_t *b, const uint8_t *program,
                         const hawse_solana_meta_t *accounts, uint32_t account_count,
                         const uint8_t *data, uint32_t data_len)
{
    build_begin(b, program);
    for (uint32_t i = 0; i < account_count && !b->error; i++)
        build_account(b, accounts[i].key,
                      (accounts[i].signer ? BUILD_SIGN : 0u) |
                          (accounts[i].writable ? BUILD_WRITE : 0u));
    build_bytes(b, data, data_len);
    return build_end(b);
}
