/*
 * Instructions of the Address Lookup Table program, and accounts of the native and token programs
 * as they are stored; see hawse/solana/program.h. Integers are little-endian, as the machine is.
 */
#include "build.h"

#include <string.h>

enum { RW = BUILD_WRITE, SIGNER = BUILD_SIGN, PAYER = BUILD_SIGN | BUILD_WRITE };
enum { TABLE_CREATE, TABLE_FREEZE, TABLE_EXTEND, TABLE_DEACTIVATE, TABLE_CLOSE };

/* ---- instructions ---- */

static void begin_table(hawse_solana_builder_t *b, uint32_t tag, const uint8_t *table,
                        const uint8_t *authority)
{
    build_begin(b, hawse_solana_lookup_table_program);
    build_u32(b, tag);
    build_account(b, table, RW);
    build_account(b, authority, SIGNER);
}

int32_t hawse_solana_table_create(hawse_solana_builder_t *b, const uint8_t *table,
                                  const uint8_t *authority, const uint8_t *payer, uint64_t slot,
                                  uint8_t bump)
{
    begin_table(b, TABLE_CREATE, table, authority);
    build_account(b, payer, PAYER);
    build_account(b, hawse_solana_system_program, BUILD_READ);
    build_u64(b, slot);
    build_u8(b, bump);
    return build_end(b);
}

int32_t hawse_solana_table_freeze(hawse_solana_builder_t *b, const uint8_t *table,
                                  const uint8_t *authority)
{
    begin_table(b, TABLE_FREEZE, table, authority);
    return build_end(b);
}

int32_t hawse_solana_table_extend(hawse_solana_builder_t *b, const uint8_t *table,
                                  const uint8_t *authority, const uint8_t *payer,
                                  const uint8_t *keys, uint32_t count)
{
    if (count == 0 || count > 256)
        build_fail(b, HAWSE_E_INVAL);
    begin_table(b, TABLE_EXTEND, table, authority);
    if (payer) {
        build_account(b, payer, PAYER);
        build_account(b, hawse_solana_system_program, BUILD_READ);
    }
    build_u64(b, count);
    build_bytes(b, keys, 32ull * count);
    return build_end(b);
}

int32_t hawse_solana_table_deactivate(hawse_solana_builder_t *b, const uint8_t *table,
                                      const uint8_t *authority)
{
    begin_table(b, TABLE_DEACTIVATE, table, authority);
    return build_end(b);
}

int32_t hawse_solana_table_close(hawse_solana_builder_t *b, const uint8_t *table,
                                 const uint8_t *authority, const uint8_t *to)
{
    begin_table(b, TABLE_CLOSE, table, authority);
    build_account(b, to, RW);
    return build_end(b);
}

/* ---- accounts ---- */

static uint32_t u32_at(const uint8_t *data, uint64_t at)
{
    uint32_t n;
    memcpy(&n, data + at, sizeof(n));
    return n;
}

static uint64_t u64_at(const uint8_t *data, uint64_t at)
{
    uint64_t n;
    memcpy(&n, data + at, sizeof(n));
    return n;
}

/* An option of the token programs: u32 0 or 1, then room for the key in either case. */
static int32_t option_at(const uint8_t *data, uint64_t at, uint8_t key[32])
{
    uint32_t tag = u32_at(data, at);
    memset(key, 0, 32);
    if (tag == 1)
        memcpy(key, data + at + 4, 32);
    return tag > 1 ? HAWSE_E_FORMAT : HAWSE_OK;
}

int32_t hawse_solana_nonce_parse(const uint8_t *data, uint64_t len, hawse_solana_nonce_t *nonce)
{
    enum { VERSION_CURRENT = 1, STATE_INITIALIZED = 1 };
    if (len != HAWSE_SOLANA_NONCE_BYTES)
        return HAWSE_E_RANGE;
    if (u32_at(data, 0) != VERSION_CURRENT || u32_at(data, 4) != STATE_INITIALIZED)
        return HAWSE_E_FORMAT;
    memcpy(nonce->authority, data + 8, 32);
    memcpy(nonce->value, data + 40, 32);
    nonce->lamports_per_signature = u64_at(data, 72);
    return HAWSE_OK;
}

int32_t hawse_solana_token_parse(const uint8_t *data, uint64_t len, hawse_solana_token_t *token)
{
    memset(token, 0, sizeof(*token));
    if (len < HAWSE_SOLANA_TOKEN_BYTES)
        return HAWSE_E_RANGE;
    memcpy(token->mint, data, 32);
    memcpy(token->owner, data + 32, 32);
    token->amount = u64_at(data, 64);
    token->state = data[108];
    token->native = u32_at(data, 109);
    token->native_reserve = token->native ? u64_at(data, 113) : 0;
    token->delegated_amount = u64_at(data, 121);
    if (option_at(data, 72, token->delegate) != HAWSE_OK ||
        option_at(data, 129, token->close_authority) != HAWSE_OK || token->native > 1 ||
        token->state == 0 || token->state > HAWSE_SOLANA_TOKEN_FROZEN)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t hawse_solana_mint_parse(const uint8_t *data, uint64_t len, hawse_solana_mint_t *mint)
{
    memset(mint, 0, sizeof(*mint));
    if (len < HAWSE_SOLANA_MINT_BYTES)
        return HAWSE_E_RANGE;
    mint->supply = u64_at(data, 36);
    mint->decimals = data[44];
    if (option_at(data, 0, mint->authority) != HAWSE_OK ||
        option_at(data, 46, mint->freeze) != HAWSE_OK || data[45] != 1)
        return HAWSE_E_FORMAT;
    return HAWSE_OK;
}

int32_t hawse_solana_table_parse(const uint8_t *data, uint64_t len,
                                 hawse_solana_table_state_t *table)
{
    enum { STATE_TABLE = 1, HEAD = 56, KEYS = 256 };
    memset(table, 0, sizeof(*table));
    if (len < HEAD || (len - HEAD) % 32 != 0 || (len - HEAD) / 32 > KEYS)
        return HAWSE_E_RANGE;
    if (u32_at(data, 0) != STATE_TABLE || data[21] > 1)
        return HAWSE_E_FORMAT;
    table->deactivation_slot = u64_at(data, 4);
    table->last_extended_slot = u64_at(data, 12);
    table->last_extended_start = data[20];
    table->authority = data[21] ? data + 22 : NULL;
    table->keys = data + HEAD;
    table->key_count = (uint32_t)((len - HEAD) / 32);
    return HAWSE_OK;
}
