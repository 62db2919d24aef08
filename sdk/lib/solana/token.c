/*
 * Instructions of the Token, Associated Token Account and Memo programs; see
 * hawse/solana/program.h. Numbers are those of the programs' enumerations.
 */
#include "build.h"

#include <hawse/json.h>

enum { RW = BUILD_WRITE, SIGNER = BUILD_SIGN };
enum {
    TOKEN_TRANSFER = 3,
    TOKEN_APPROVE = 4,
    TOKEN_REVOKE = 5,
    TOKEN_MINT_TO = 7,
    TOKEN_BURN = 8,
    TOKEN_CLOSE = 9,
    TOKEN_TRANSFER_CHECKED = 12,
    TOKEN_APPROVE_CHECKED = 13,
    TOKEN_SYNC_NATIVE = 17,
    TOKEN_INITIALIZE_ACCOUNT3 = 18,
    TOKEN_INITIALIZE_MINT2 = 20,
    ASSOCIATED_CREATE_IDEMPOTENT = 1,
};

static void begin_token(hawse_solana_builder_t *b, const uint8_t *program, uint8_t tag)
{
    build_begin(b, program);
    build_u8(b, tag);
}

/* Two accounts, the owner, an amount: most instructions are so. */
static int32_t move(hawse_solana_builder_t *b, const uint8_t *program, uint8_t tag,
                    const uint8_t *first, const uint8_t *second, unsigned second_flags,
                    const uint8_t *owner, uint64_t amount)
{
    begin_token(b, program, tag);
    build_account(b, first, RW);
    build_account(b, second, second_flags);
    build_account(b, owner, SIGNER);
    build_u64(b, amount);
    return build_end(b);
}

/* The same with the mint between the two and its decimals behind the amount. */
static void move_checked(hawse_solana_builder_t *b, const uint8_t *program, uint8_t tag,
                         const uint8_t *first, const uint8_t *mint, const uint8_t *second,
                         unsigned second_flags, const uint8_t *owner)
{
    begin_token(b, program, tag);
    build_account(b, first, RW);
    build_account(b, mint, BUILD_READ);
    build_account(b, second, second_flags);
    build_account(b, owner, SIGNER);
}

int32_t hawse_solana_token_transfer(hawse_solana_builder_t *b, const uint8_t *token_program,
                                    const uint8_t *from, const uint8_t *to, const uint8_t *owner,
                                    uint64_t amount)
{
    return move(b, token_program, TOKEN_TRANSFER, from, to, RW, owner, amount);
}

int32_t hawse_solana_token_transfer_checked(hawse_solana_builder_t *b, const uint8_t *token_program,
                                            const uint8_t *from, const uint8_t *mint,
                                            const uint8_t *to, const uint8_t *owner,
                                            uint64_t amount, uint8_t decimals)
{
    move_checked(b, token_program, TOKEN_TRANSFER_CHECKED, from, mint, to, RW, owner);
    build_u64(b, amount);
    build_u8(b, decimals);
    return build_end(b);
}

int32_t hawse_solana_token_approve(hawse_solana_builder_t *b, const uint8_t *token_program,
                                   const uint8_t *account, const uint8_t *delegate,
                                   const uint8_t *owner, uint64_t amount)
{
    return move(b, token_program, TOKEN_APPROVE, account, delegate, BUILD_READ, owner, amount);
}

int32_t hawse_solana_token_approve_checked(hawse_solana_builder_t *b, const uint8_t *token_program,
                                           const uint8_t *account, const uint8_t *mint,
                                           const uint8_t *delegate, const uint8_t *owner,
                                           uint64_t amount, uint8_t decimals)
{
    move_checked(b, token_program, TOKEN_APPROVE_CHECKED, account, mint, delegate, BUILD_READ,
                 owner);
    build_u64(b, amount);
    build_u8(b, decimals);
    return build_end(b);
}

int32_t hawse_solana_token_revoke(hawse_solana_builder_t *b, const uint8_t *token_program,
                                  const uint8_t *account, const uint8_t *owner)
{
    begin_token(b, token_program, TOKEN_REVOKE);
    build_account(b, account, RW);
    build_account(b, owner, SIGNER);
    return build_end(b);
}

int32_t hawse_solana_token_mint_to(hawse_solana_builder_t *b, const uint8_t *token_program,
                                   const uint8_t *mint, const uint8_t *to, const uint8_t *authority,
                                   uint64_t amount)
{
    return move(b, token_program, TOKEN_MINT_TO, mint, to, RW, authority, amount);
}

int32_t hawse_solana_token_burn(hawse_solana_builder_t *b, const uint8_t *token_program,
                                const uint8_t *account, const uint8_t *mint, const uint8_t *owner,
                                uint64_t amount)
{
    return move(b, token_program, TOKEN_BURN, account, mint, RW, owner, amount);
}

int32_t hawse_solana_token_close(hawse_solana_builder_t *b, const uint8_t *token_program,
                                 const uint8_t *account, const uint8_t *to, const uint8_t *owner)
{
    begin_token(b, token_program, TOKEN_CLOSE);
    build_account(b, account, RW);
    build_account(b, to, RW);
    build_account(b, owner, SIGNER);
    return build_end(b);
}

int32_t hawse_solana_token_sync_native(hawse_solana_builder_t *b, const uint8_t *token_program,
                                       const uint8_t *account)
{
    begin_token(b, token_program, TOKEN_SYNC_NATIVE);
    build_account(b, account, RW);
    return build_end(b);
}

int32_t hawse_solana_token_initialize_account(hawse_solana_builder_t *b,
                                              const uint8_t *token_program, const uint8_t *account,
                                              const uint8_t *mint, const uint8_t *owner)
{
    begin_token(b, token_program, TOKEN_INITIALIZE_ACCOUNT3);
    build_account(b, account, RW);
    build_account(b, mint, BUILD_READ);
    build_bytes(b, owner, 32);
    return build_end(b);
}

int32_t hawse_solana_token_initialize_mint(hawse_solana_builder_t *b, const uint8_t *token_program,
                                           const uint8_t *mint, uint8_t decimals,
                                           const uint8_t *authority, const uint8_t *freeze)
{
    begin_token(b, token_program, TOKEN_INITIALIZE_MINT2);
    build_account(b, mint, RW);
    build_u8(b, decimals);
    build_bytes(b, authority, 32);
    build_u8(b, freeze ? 1 : 0);
    build_bytes(b, freeze, freeze ? 32 : 0);
    return build_end(b);
}

int32_t hawse_solana_token_create_associated(hawse_solana_builder_t *b,
                                             const uint8_t *token_program, const uint8_t *payer,
                                             const uint8_t *account, const uint8_t *wallet,
                                             const uint8_t *mint)
{
    begin_token(b, hawse_solana_associated_token_program, ASSOCIATED_CREATE_IDEMPOTENT);
    build_account(b, payer, BUILD_SIGN | BUILD_WRITE);
    build_account(b, account, RW);
    build_account(b, wallet, BUILD_READ);
    build_account(b, mint, BUILD_READ);
    build_account(b, hawse_solana_system_program, BUILD_READ);
    build_account(b, token_program, BUILD_READ);
    return build_end(b);
}

int32_t hawse_solana_memo(hawse_solana_builder_t *b, hawse_view_t text, const uint8_t *signers,
                          uint32_t signer_count)
{
    if (!hawse_utf8_valid(text.data, text.len))
        build_fail(b, HAWSE_E_FORMAT);
    build_begin(b, hawse_solana_memo_program);
    for (uint32_t i = 0; i < signer_count && !b->error; i++)
        build_account(b, signers + 32ull * i, SIGNER);
    build_bytes(b, text.data, text.len);
    return build_end(b);
}
