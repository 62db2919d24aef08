/*
 * Instructions of the Compute Budget and System programs, durable nonces among them; see
 * hawse/solana/program.h. Numbers are those of the programs' enumerations.
 */
#include "build.h"

#include <string.h>

enum { RW = BUILD_WRITE, SIGNER = BUILD_SIGN, PAYER = BUILD_SIGN | BUILD_WRITE };

/* ---- Compute Budget ---- */

enum { BUDGET_HEAP = 1, BUDGET_UNITS, BUDGET_PRICE, BUDGET_LOADED_DATA };
enum { HEAP_MIN = 32 << 10, HEAP_MAX = 256 << 10 };

static void begin_budget(hawse_solana_builder_t *b, uint8_t tag)
{
    build_begin(b, hawse_solana_compute_budget_program);
    build_u8(b, tag);
}

int32_t hawse_solana_unit_limit(hawse_solana_builder_t *b, uint32_t units)
{
    if (units > HAWSE_SOLANA_UNITS_MAX)
        build_fail(b, HAWSE_E_INVAL);
    begin_budget(b, BUDGET_UNITS);
    build_u32(b, units);
    return build_end(b);
}

int32_t hawse_solana_unit_price(hawse_solana_builder_t *b, uint64_t micro_lamports)
{
    begin_budget(b, BUDGET_PRICE);
    build_u64(b, micro_lamports);
    return build_end(b);
}

int32_t hawse_solana_heap(hawse_solana_builder_t *b, uint32_t bytes)
{
    if (bytes < HEAP_MIN || bytes > HEAP_MAX || bytes % 1024 != 0)
        build_fail(b, HAWSE_E_INVAL);
    begin_budget(b, BUDGET_HEAP);
    build_u32(b, bytes);
    return build_end(b);
}

int32_t hawse_solana_loaded_data_limit(hawse_solana_builder_t *b, uint32_t bytes)
{
    if (bytes == 0)
        build_fail(b, HAWSE_E_INVAL);
    begin_budget(b, BUDGET_LOADED_DATA);
    build_u32(b, bytes);
    return build_end(b);
}

uint64_t hawse_solana_priority_fee(uint32_t units, uint64_t micro_lamports)
{
    unsigned __int128 fee = ((unsigned __int128)units * micro_lamports + 999999) / 1000000;
    return fee > UINT64_MAX ? UINT64_MAX : (uint64_t)fee;
}

/* ---- System ---- */

enum {
    SYSTEM_CREATE,
    SYSTEM_ASSIGN,
    SYSTEM_TRANSFER,
    SYSTEM_CREATE_WITH_SEED,
    SYSTEM_NONCE_ADVANCE,
    SYSTEM_NONCE_WITHDRAW,
    SYSTEM_NONCE_INITIALIZE,
    SYSTEM_NONCE_AUTHORIZE,
    SYSTEM_ALLOCATE,
    SYSTEM_ALLOCATE_WITH_SEED,
    SYSTEM_ASSIGN_WITH_SEED,
    SYSTEM_TRANSFER_WITH_SEED,
};

static void begin_system(hawse_solana_builder_t *b, uint32_t tag)
{
    build_begin(b, hawse_solana_system_program);
    build_u32(b, tag);
}

static void put_seed(hawse_solana_builder_t *b, hawse_view_t seed)
{
    if (seed.len > HAWSE_SOLANA_SEED_MAX)
        build_fail(b, HAWSE_E_INVAL);
    build_u64(b, seed.len);
    build_bytes(b, seed.data, seed.len);
}

int32_t hawse_solana_create_account(hawse_solana_builder_t *b, const uint8_t *payer,
                                    const uint8_t *account, uint64_t lamports, uint64_t space,
                                    const uint8_t *owner)
{
    begin_system(b, SYSTEM_CREATE);
    build_account(b, payer, PAYER);
    build_account(b, account, PAYER);
    build_u64(b, lamports);
    build_u64(b, space);
    build_bytes(b, owner, 32);
    return build_end(b);
}

int32_t hawse_solana_assign(hawse_solana_builder_t *b, const uint8_t *account, const uint8_t *owner)
{
    begin_system(b, SYSTEM_ASSIGN);
    build_account(b, account, PAYER);
    build_bytes(b, owner, 32);
    return build_end(b);
}

int32_t hawse_solana_transfer(hawse_solana_builder_t *b, const uint8_t *from, const uint8_t *to,
                              uint64_t lamports)
{
    begin_system(b, SYSTEM_TRANSFER);
    build_account(b, from, PAYER);
    build_account(b, to, RW);
    build_u64(b, lamports);
    return build_end(b);
}

int32_t hawse_solana_allocate(hawse_solana_builder_t *b, const uint8_t *account, uint64_t space)
{
    begin_system(b, SYSTEM_ALLOCATE);
    build_account(b, account, PAYER);
    build_u64(b, space);
    return build_end(b);
}

int32_t hawse_solana_create_with_seed(hawse_solana_builder_t *b, const uint8_t *payer,
                                      const uint8_t *account, const uint8_t *base,
                                      hawse_view_t seed, uint64_t lamports, uint64_t space,
                                      const uint8_t *owner)
{
    begin_system(b, SYSTEM_CREATE_WITH_SEED);
    build_account(b, payer, PAYER);
    build_account(b, account, RW);
    if (memcmp(base, payer, 32) != 0)
        build_account(b, base, SIGNER);
    build_bytes(b, base, 32);
    put_seed(b, seed);
    build_u64(b, lamports);
    build_u64(b, space);
    build_bytes(b, owner, 32);
    return build_end(b);
}

int32_t hawse_solana_allocate_with_seed(hawse_solana_builder_t *b, const uint8_t *account,
                                        const uint8_t *base, hawse_view_t seed, uint64_t space,
                                        const uint8_t *owner)
{
    begin_system(b, SYSTEM_ALLOCATE_WITH_SEED);
    build_account(b, account, RW);
    build_account(b, base, SIGNER);
    build_bytes(b, base, 32);
    put_seed(b, seed);
    build_u64(b, space);
    build_bytes(b, owner, 32);
    return build_end(b);
}

int32_t hawse_solana_assign_with_seed(hawse_solana_builder_t *b, const uint8_t *account,
                                      const uint8_t *base, hawse_view_t seed, const uint8_t *owner)
{
    begin_system(b, SYSTEM_ASSIGN_WITH_SEED);
    build_account(b, account, RW);
    build_account(b, base, SIGNER);
    build_bytes(b, base, 32);
    put_seed(b, seed);
    build_bytes(b, owner, 32);
    return build_end(b);
}

int32_t hawse_solana_transfer_with_seed(hawse_solana_builder_t *b, const uint8_t *from,
                                        const uint8_t *base, hawse_view_t seed,
                                        const uint8_t *owner, const uint8_t *to, uint64_t lamports)
{
    begin_system(b, SYSTEM_TRANSFER_WITH_SEED);
    build_account(b, from, RW);
    build_account(b, base, SIGNER);
    build_account(b, to, RW);
    build_u64(b, lamports);
    put_seed(b, seed);
    build_bytes(b, owner, 32);
    return build_end(b);
}

/* ---- durable nonces ---- */

int32_t hawse_solana_nonce_initialize(hawse_solana_builder_t *b, const uint8_t *nonce,
                                      const uint8_t *authority)
{
    begin_system(b, SYSTEM_NONCE_INITIALIZE);
    build_account(b, nonce, RW);
    build_account(b, hawse_solana_recent_blockhashes, BUILD_READ);
    build_account(b, hawse_solana_rent, BUILD_READ);
    build_bytes(b, authority, 32);
    return build_end(b);
}

int32_t hawse_solana_nonce_advance(hawse_solana_builder_t *b, const uint8_t *nonce,
                                   const uint8_t *authority)
{
    begin_system(b, SYSTEM_NONCE_ADVANCE);
    build_account(b, nonce, RW);
    build_account(b, hawse_solana_recent_blockhashes, BUILD_READ);
    build_account(b, authority, SIGNER);
    return build_end(b);
}

int32_t hawse_solana_nonce_withdraw(hawse_solana_builder_t *b, const uint8_t *nonce,
                                    const uint8_t *authority, const uint8_t *to, uint64_t lamports)
{
    begin_system(b, SYSTEM_NONCE_WITHDRAW);
    build_account(b, nonce, RW);
    build_account(b, to, RW);
    build_account(b, hawse_solana_recent_blockhashes, BUILD_READ);
    build_account(b, hawse_solana_rent, BUILD_READ);
    build_account(b, authority, SIGNER);
    build_u64(b, lamports);
    return build_end(b);
}

int32_t hawse_solana_nonce_authorize(hawse_solana_builder_t *b, const uint8_t *nonce,
                                     const uint8_t *authority, const uint8_t *new_authority)
{
    begin_system(b, SYSTEM_NONCE_AUTHORIZE);
    build_account(b, nonce, RW);
    build_account(b, authority, SIGNER);
    build_bytes(b, new_authority, 32);
    return build_end(b);
}

int32_t hawse_solana_durable(const hawse_solana_message_t *message, const uint8_t **nonce,
                             const uint8_t **authority)
{
    static const uint8_t advance[4] = {SYSTEM_NONCE_ADVANCE};
    hawse_solana_compiled_t one = {0};
    if (!hawse_solana_instruction_next(message, &one) || one.program >= message->key_count ||
        memcmp(message->keys + 32ull * one.program, hawse_solana_system_program, 32) != 0 ||
        one.data_len < 4 || memcmp(one.data, advance, 4) != 0 || one.account_count < 3)
        return 0;
    if (one.accounts[0] >= message->key_count || one.accounts[2] >= message->key_count ||
        !hawse_solana_message_writes(message, one.accounts[0]))
        return 0;
    if (nonce)
        *nonce = message->keys + 32ull * one.accounts[0];
    if (authority)
        *authority = message->keys + 32ull * one.accounts[2];
    return 1;
}
