/* Tables from the SDK's headers; see fields.h. */
#include "replay/fields.h"

#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/position.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>
#include <hawse/space/wallet.h>
#include <stddef.h>

#define F(type, member)                                              \
    {                                                                \
#member, offsetof(type, member), sizeof(((type *)0)->member) \
    }
#define NONE       \
    {              \
        NULL, 0, 0 \
    }

static const struct field trade[] = {F(hawse_market_trade_t, side),
                                     F(hawse_market_trade_t, market),
                                     F(hawse_market_trade_t, amount0),
                                     F(hawse_market_trade_t, amount1),
                                     F(hawse_market_trade_t, price_mantissa),
                                     F(hawse_market_trade_t, price_exponent),
                                     F(hawse_market_trade_t, tick),
                                     F(hawse_market_trade_t, sqrt_price_x96),
                                     F(hawse_market_trade_t, liquidity),
                                     F(hawse_market_trade_t, sender),
                                     F(hawse_market_trade_t, recipient),
                                     F(hawse_market_trade_t, origin),
                                     NONE};
static const struct field quote[] = {F(hawse_market_quote_t, price_exponent),
                                     F(hawse_market_quote_t, size_exponent),
                                     F(hawse_market_quote_t, market),
                                     F(hawse_market_quote_t, bid.price_mantissa),
                                     F(hawse_market_quote_t, bid.size_mantissa),
                                     F(hawse_market_quote_t, ask.price_mantissa),
                                     F(hawse_market_quote_t, ask.size_mantissa),
                                     NONE};
static const struct field info[] = {F(hawse_market_info_t, decimals),
                                    F(hawse_market_info_t, market),
                                    F(hawse_market_info_t, token),
                                    F(hawse_market_info_t, symbol),
                                    F(hawse_market_info_t, tick_spacing),
                                    F(hawse_market_info_t, group),
                                    F(hawse_market_info_t, fee_ppm),
                                    F(hawse_market_info_t, flags),
                                    NONE};
static const struct field book[] = {F(hawse_market_book_t, bid_count),
                                    F(hawse_market_book_t, ask_count),
                                    F(hawse_market_book_t, price_exponent),
                                    F(hawse_market_book_t, size_exponent),
                                    F(hawse_market_book_t, market),
                                    F(hawse_market_book_t, hash),
                                    NONE};
static const struct field pool_state[] = {F(hawse_market_pool_state_t, market),
                                          F(hawse_market_pool_state_t, sqrt_price_x96),
                                          F(hawse_market_pool_state_t, liquidity),
                                          F(hawse_market_pool_state_t, reserve0),
                                          F(hawse_market_pool_state_t, reserve1),
                                          F(hawse_market_pool_state_t, tick),
                                          F(hawse_market_pool_state_t, fee_ppm),
                                          F(hawse_market_pool_state_t, origin),
                                          NONE};
static const struct field block[] = {
    F(hawse_evm_block_t, number), F(hawse_evm_block_t, timestamp),   F(hawse_evm_block_t, gas_used),
    F(hawse_evm_block_t, hash),   F(hawse_evm_block_t, parent_hash), NONE};
static const struct field log_record[] = {F(hawse_evm_log_t, topic_count),
                                          F(hawse_evm_log_t, block_number),
                                          F(hawse_evm_log_t, block_timestamp),
                                          F(hawse_evm_log_t, log_index),
                                          F(hawse_evm_log_t, tx_index),
                                          F(hawse_evm_log_t, data_len),
                                          F(hawse_evm_log_t, address),
                                          F(hawse_evm_log_t, block_hash),
                                          F(hawse_evm_log_t, tx_hash),
                                          F(hawse_evm_log_t, topics),
                                          NONE};
static const struct field slot[] = {F(hawse_solana_slot_t, commitment),
                                    F(hawse_solana_slot_t, slot), F(hawse_solana_slot_t, parent),
                                    F(hawse_solana_slot_t, root), NONE};
static const struct field account[] = {
    F(hawse_solana_account_t, slot),     F(hawse_solana_account_t, lamports),
    F(hawse_solana_account_t, pubkey),   F(hawse_solana_account_t, owner),
    F(hawse_solana_account_t, data_len), NONE};
static const struct field condition[] = {
    F(hawse_position_condition_t, state),        F(hawse_position_condition_t, slots),
    F(hawse_position_condition_t, payout_count), F(hawse_position_condition_t, condition),
    F(hawse_position_condition_t, oracle),       F(hawse_position_condition_t, question),
    F(hawse_position_condition_t, origin),       NONE};
static const struct field change[] = {
    F(hawse_position_change_t, set_count),  F(hawse_position_change_t, owner),
    F(hawse_position_change_t, collateral), F(hawse_position_change_t, parent),
    F(hawse_position_change_t, condition),  F(hawse_position_change_t, amount),
    F(hawse_position_change_t, origin),     NONE};
static const struct field proposal[] = {F(hawse_position_proposal_t, state),
                                        F(hawse_position_proposal_t, proposal),
                                        F(hawse_position_proposal_t, condition),
                                        F(hawse_position_proposal_t, collateral),
                                        F(hawse_position_proposal_t, outcome),
                                        F(hawse_position_proposal_t, payout),
                                        NONE};
static const struct field range[] = {F(hawse_stream_range_t, from), F(hawse_stream_range_t, to),
                                     NONE};

static const struct {
    uint16_t space, kind;
    const char *name;
    const struct field *fields;
} records[] = {
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO, "info", info},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, "trade", trade},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_LIQUIDITY, "liquidity", NULL},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_STATE, "pool state", pool_state},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_SNAPSHOT, "book snapshot", book},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_DELTA, "book delta", book},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_QUOTE, "quote", quote},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_ORACLE_PRICE, "oracle price", NULL},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_STATE, "state", NULL},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_TOKENS, "pool tokens", NULL},
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_LIVE, "pool live", NULL},
    {HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, "block", block},
    {HAWSE_SPACE_EVM, HAWSE_EVM_LOG, "log", log_record},
    {HAWSE_SPACE_EVM, HAWSE_EVM_PENDING_TX, "pending transaction", NULL},
    {HAWSE_SPACE_EVM, HAWSE_EVM_REORG, "reorganisation", NULL},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, "slot", slot},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, "account", account},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, "log", NULL},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SIGNATURE, "signature", NULL},
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, "rollback", NULL},
    {HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, "gap", range},
    {HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_RECOVERING, "recovering", range},
    {HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, "healed", range},
    {HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, "unhealable", range},
    {HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_RETRACT, "retract", range},
    {HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_FINAL, "final", range},
    {HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_LIVE, "live", range},
    {HAWSE_SPACE_WALLET, HAWSE_WALLET_TRANSFER, "transfer", NULL},
    {HAWSE_SPACE_WALLET, HAWSE_WALLET_FILL, "fill", NULL},
    {HAWSE_SPACE_WALLET, HAWSE_WALLET_BALANCE, "balance", NULL},
    {HAWSE_SPACE_POSITION, HAWSE_POSITION_CONDITION, "condition", condition},
    {HAWSE_SPACE_POSITION, HAWSE_POSITION_SPLIT, "split", change},
    {HAWSE_SPACE_POSITION, HAWSE_POSITION_MERGE, "merge", change},
    {HAWSE_SPACE_POSITION, HAWSE_POSITION_REDEMPTION, "redemption", change},
    {HAWSE_SPACE_POSITION, HAWSE_POSITION_PROPOSAL, "proposal", proposal},
};
enum { RECORDS = sizeof(records) / sizeof(records[0]) };

const char *kind_name(uint16_t space, uint16_t kind)
{
    for (int i = 0; i < RECORDS; i++) {
        if (records[i].space == space && records[i].kind == kind)
            return records[i].name;
    }
    return NULL;
}

const struct field *field_at(uint16_t space, uint16_t kind, uint64_t byte)
{
    for (int i = 0; i < RECORDS; i++) {
        const struct field *f = records[i].fields;
        if (records[i].space != space || records[i].kind != kind)
            continue;
        for (; f && f->name; f++) {
            if (byte >= f->offset && byte < (uint64_t)f->offset + f->size)
                return f;
        }
    }
    return NULL;
}
