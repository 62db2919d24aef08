/*
 * Instructions of Solana's own programs, gathered in a builder from which a message is encoded
 * (hawse_solana_message_encode with builder.instructions and builder.count).
 *
 * A builder is memory of the caller; nothing is allocated. Each function appends one instruction.
 * The first that fails is kept in builder.error and makes all later ones do nothing, so that a
 * caller asks once, at the end. Keys are 32 bytes and are copied. All functions are [any].
 *
 * Sources: the instruction enumerations of the System, Compute Budget, Address Lookup Table, Memo
 * (v3), Token and Associated Token Account programs. Integers are little-endian.
 */
#ifndef HAWSE_SOLANA_PROGRAM_H
#define HAWSE_SOLANA_PROGRAM_H

#include <hawse/solana/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Addresses of programs and system variables, 32 bytes each. */
extern const uint8_t hawse_solana_system_program[32];
extern const uint8_t hawse_solana_compute_budget_program[32];
extern const uint8_t hawse_solana_token_program[32];
extern const uint8_t hawse_solana_token_2022_program[32];
extern const uint8_t hawse_solana_associated_token_program[32];
extern const uint8_t hawse_solana_memo_program[32];
extern const uint8_t hawse_solana_lookup_table_program[32];
extern const uint8_t hawse_solana_recent_blockhashes[32];
extern const uint8_t hawse_solana_rent[32];
extern const uint8_t hawse_solana_native_mint[32]; /* wrapped SOL */

#define HAWSE_SOLANA_SEED_MAX     32u      /* bytes of a seed */
#define HAWSE_SOLANA_UNITS_MAX    1400000u /* compute units of a transaction, at most */
#define HAWSE_SOLANA_BUILDER_DATA HAWSE_SOLANA_TX_MAX

/* Instructions being gathered. Owned by the caller; must not be moved or copied once something was
 * added, since instructions point into it. */
typedef struct hawse_solana_builder {
    int32_t error;  /* 0, or why the first instruction that failed did */
    uint32_t count; /* instructions */
    uint32_t meta_count;
    uint32_t data_len;
    hawse_solana_instruction_t instructions[64];
    hawse_solana_meta_t metas[HAWSE_SOLANA_KEYS_MAX];
    uint8_t data[HAWSE_SOLANA_BUILDER_DATA];
} hawse_solana_builder_t;

/* Makes it empty. */
void hawse_solana_begin(hawse_solana_builder_t *b);

/* Any instruction: accounts and data are copied. Like all that follow, returns builder.error:
 * HAWSE_E_NOSPACE when it does not fit the builder, HAWSE_E_INVAL for arguments out of range. */
int32_t hawse_solana_add(hawse_solana_builder_t *b, const uint8_t *program,
                         const hawse_solana_meta_t *accounts, uint32_t account_count,
                         const uint8_t *data, uint32_t data_len);

/* ---- Compute Budget: each at most once in a transaction ---- */

/* Compute units that the transaction may use. HAWSE_E_INVAL above HAWSE_SOLANA_UNITS_MAX. */
int32_t hawse_solana_unit_limit(hawse_solana_builder_t *b, uint32_t units);
/* Priority fee in micro-lamports (10^-15 SOL) per compute unit of the limit. */
int32_t hawse_solana_unit_price(hawse_solana_builder_t *b, uint64_t micro_lamports);
/* Heap in bytes: 32 KiB to 256 KiB in steps of 1 KiB, else HAWSE_E_INVAL. */
int32_t hawse_solana_heap(hawse_solana_builder_t *b, uint32_t bytes);
/* Bytes of account data that may be loaded; 0 is refused by the runtime, and so here. */
int32_t hawse_solana_loaded_data_limit(hawse_solana_builder_t *b, uint32_t bytes);
/* Priority fee in lamports for a limit and a price: the product in micro-lamports, rounded up.
 * UINT64_MAX when it does not fit. */
uint64_t hawse_solana_priority_fee(uint32_t units, uint64_t micro_lamports);

/* ---- System ---- */

/* Makes account `account` of `space` bytes, owned by program `owner`. Both sign. */
int32_t hawse_solana_create_account(hawse_solana_builder_t *b, const uint8_t *payer,
                                    const uint8_t *account, uint64_t lamports, uint64_t space,
                                    const uint8_t *owner);
/* Gives an account of the system program to `owner`. It signs. */
int32_t hawse_solana_assign(hawse_solana_builder_t *b, const uint8_t *account,
                            const uint8_t *owner);
int32_t hawse_solana_transfer(hawse_solana_builder_t *b, const uint8_t *from, const uint8_t *to,
                              uint64_t lamports);
int32_t hawse_solana_allocate(hawse_solana_builder_t *b, const uint8_t *account, uint64_t space);

/* The same with an address made from (base, seed, owner): see hawse_solana_address_with_seed. The
 * base signs. A seed is at most HAWSE_SOLANA_SEED_MAX bytes of UTF-8. */
int32_t hawse_solana_create_with_seed(hawse_solana_builder_t *b, const uint8_t *payer,
                                      const uint8_t *account, const uint8_t *base,
                                      hawse_view_t seed, uint64_t lamports, uint64_t space,
                                      const uint8_t *owner);
int32_t hawse_solana_allocate_with_seed(hawse_solana_builder_t *b, const uint8_t *account,
                                        const uint8_t *base, hawse_view_t seed, uint64_t space,
                                        const uint8_t *owner);
int32_t hawse_solana_assign_with_seed(hawse_solana_builder_t *b, const uint8_t *account,
                                      const uint8_t *base, hawse_view_t seed, const uint8_t *owner);
int32_t hawse_solana_transfer_with_seed(hawse_solana_builder_t *b, const uint8_t *from,
                                        const uint8_t *base, hawse_view_t seed,
                                        const uint8_t *owner, const uint8_t *to, uint64_t lamports);

/* Durable nonces. A transaction with one has nonce_advance as its first instruction and the nonce's
 * value as its blockhash; it never expires, and is canceled by advancing the nonce. */
int32_t hawse_solana_nonce_initialize(hawse_solana_builder_t *b, const uint8_t *nonce,
                                      const uint8_t *authority);
int32_t hawse_solana_nonce_advance(hawse_solana_builder_t *b, const uint8_t *nonce,
                                   const uint8_t *authority);
int32_t hawse_solana_nonce_withdraw(hawse_solana_builder_t *b, const uint8_t *nonce,
                                    const uint8_t *authority, const uint8_t *to, uint64_t lamports);
int32_t hawse_solana_nonce_authorize(hawse_solana_builder_t *b, const uint8_t *nonce,
                                     const uint8_t *authority, const uint8_t *new_authority);
/* 1 when the message is a durable one: *nonce and *authority, when not NULL, then point to the keys
 * of the account that is advanced and of the one that must sign. 0 otherwise; an account that is
 * looked up in a table does not count, as in the runtime. */
int32_t hawse_solana_durable(const hawse_solana_message_t *message, const uint8_t **nonce,
                             const uint8_t **authority);

/* ---- Token (SPL), for either token program; the owner signs ---- */

int32_t hawse_solana_token_transfer(hawse_solana_builder_t *b, const uint8_t *token_program,
                                    const uint8_t *from, const uint8_t *to, const uint8_t *owner,
                                    uint64_t amount);
/* Fails when the mint or its decimals are not those: prefer it. */
int32_t hawse_solana_token_transfer_checked(hawse_solana_builder_t *b, const uint8_t *token_program,
                                            const uint8_t *from, const uint8_t *mint,
                                            const uint8_t *to, const uint8_t *owner,
                                            uint64_t amount, uint8_t decimals);
int32_t hawse_solana_token_approve(hawse_solana_builder_t *b, const uint8_t *token_program,
                                   const uint8_t *account, const uint8_t *delegate,
                                   const uint8_t *owner, uint64_t amount);
int32_t hawse_solana_token_approve_checked(hawse_solana_builder_t *b, const uint8_t *token_program,
                                           const uint8_t *account, const uint8_t *mint,
                                           const uint8_t *delegate, const uint8_t *owner,
                                           uint64_t amount, uint8_t decimals);
int32_t hawse_solana_token_revoke(hawse_solana_builder_t *b, const uint8_t *token_program,
                                  const uint8_t *account, const uint8_t *owner);
int32_t hawse_solana_token_mint_to(hawse_solana_builder_t *b, const uint8_t *token_program,
                                   const uint8_t *mint, const uint8_t *to, const uint8_t *authority,
                                   uint64_t amount);
int32_t hawse_solana_token_burn(hawse_solana_builder_t *b, const uint8_t *token_program,
                                const uint8_t *account, const uint8_t *mint, const uint8_t *owner,
                                uint64_t amount);
/* Closes an empty account; its lamports go to `to`. */
int32_t hawse_solana_token_close(hawse_solana_builder_t *b, const uint8_t *token_program,
                                 const uint8_t *account, const uint8_t *to, const uint8_t *owner);
/* Makes an account of wrapped SOL count the lamports that were sent to it. Nobody signs. */
int32_t hawse_solana_token_sync_native(hawse_solana_builder_t *b, const uint8_t *token_program,
                                       const uint8_t *account);
int32_t hawse_solana_token_initialize_account(hawse_solana_builder_t *b,
                                              const uint8_t *token_program, const uint8_t *account,
                                              const uint8_t *mint, const uint8_t *owner);
/* `freeze` may be NULL: nobody can freeze accounts. */
int32_t hawse_solana_token_initialize_mint(hawse_solana_builder_t *b, const uint8_t *token_program,
                                           const uint8_t *mint, uint8_t decimals,
                                           const uint8_t *authority, const uint8_t *freeze);
/* Makes the associated token account of a wallet, or does nothing when it is there. `account` is
 * what hawse_solana_associated_token gives. */
int32_t hawse_solana_token_create_associated(hawse_solana_builder_t *b,
                                             const uint8_t *token_program, const uint8_t *payer,
                                             const uint8_t *account, const uint8_t *wallet,
                                             const uint8_t *mint);

/* ---- Memo ---- */

/* Text that stays in the chain's log; the signers (may be none) must sign the transaction.
 * HAWSE_E_FORMAT: not UTF-8, which the program refuses. */
int32_t hawse_solana_memo(hawse_solana_builder_t *b, hawse_view_t text, const uint8_t *signers,
                          uint32_t signer_count);

/* ---- Address Lookup Table ---- */

/* `table` is the derived address of [authority, slot LE]; `bump` its bump; the slot a recent one.
 * The payer signs. */
int32_t hawse_solana_table_create(hawse_solana_builder_t *b, const uint8_t *table,
                                  const uint8_t *authority, const uint8_t *payer, uint64_t slot,
                                  uint8_t bump);
/* Nothing can be added or closed any more. */
int32_t hawse_solana_table_freeze(hawse_solana_builder_t *b, const uint8_t *table,
                                  const uint8_t *authority);
/* Adds `count` keys (32 bytes each, at least one); they can be used from the next slot on. The
 * payer (may be NULL) pays the rent that is missing. */
int32_t hawse_solana_table_extend(hawse_solana_builder_t *b, const uint8_t *table,
                                  const uint8_t *authority, const uint8_t *payer,
                                  const uint8_t *keys, uint32_t count);
int32_t hawse_solana_table_deactivate(hawse_solana_builder_t *b, const uint8_t *table,
                                      const uint8_t *authority);
/* About 513 slots after its deactivation; its lamports go to `to`. */
int32_t hawse_solana_table_close(hawse_solana_builder_t *b, const uint8_t *table,
                                 const uint8_t *authority, const uint8_t *to);

/* ---- accounts of these programs, as read from the chain ---- */

#define HAWSE_SOLANA_NONCE_BYTES 80u
#define HAWSE_SOLANA_TOKEN_BYTES 165u
#define HAWSE_SOLANA_MINT_BYTES  82u

typedef struct hawse_solana_nonce {
    uint8_t authority[32];
    uint8_t value[32]; /* to be used as blockhash */
    uint64_t lamports_per_signature;
} hawse_solana_nonce_t;

#define HAWSE_SOLANA_TOKEN_INITIALIZED 1u
#define HAWSE_SOLANA_TOKEN_FROZEN      2u

typedef struct hawse_solana_token {
    uint8_t mint[32];
    uint8_t owner[32];
    uint8_t delegate[32];        /* zero = none */
    uint8_t close_authority[32]; /* zero = none */
    uint64_t amount;
    uint64_t delegated_amount;
    uint64_t native_reserve; /* lamports kept for rent by wrapped SOL */
    uint32_t native;         /* 1 = wrapped SOL */
    uint32_t state;          /* HAWSE_SOLANA_TOKEN_... */
} hawse_solana_token_t;

typedef struct hawse_solana_mint {
    uint8_t authority[32]; /* zero = none: the supply is fixed */
    uint8_t freeze[32];    /* zero = none */
    uint64_t supply;
    uint32_t decimals;
    uint32_t reserved;
} hawse_solana_mint_t;

typedef struct hawse_solana_table_state {
    uint64_t deactivation_slot;  /* UINT64_MAX = active */
    uint64_t last_extended_slot; /* keys from last_extended_start on can be used after this slot */
    uint32_t last_extended_start;
    uint32_t key_count;
    const uint8_t *authority; /* NULL = frozen */
    const uint8_t *keys;      /* in the account's data */
} hawse_solana_table_state_t;

/* The account's data must have exactly (tables and accounts of the 2022 program: at least) its
 * size. HAWSE_E_RANGE: another size; HAWSE_E_FORMAT: not initialized, or a field with a value that
 * the program never writes. Whose the account is stands in its owner: compare that first. */
int32_t hawse_solana_nonce_parse(const uint8_t *data, uint64_t len, hawse_solana_nonce_t *nonce);
int32_t hawse_solana_token_parse(const uint8_t *data, uint64_t len, hawse_solana_token_t *token);
int32_t hawse_solana_mint_parse(const uint8_t *data, uint64_t len, hawse_solana_mint_t *mint);
int32_t hawse_solana_table_parse(const uint8_t *data, uint64_t len,
                                 hawse_solana_table_state_t *table);

#ifdef __cplusplus
}
#endif
#endif
