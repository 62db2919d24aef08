/*
 * A sink that writes every event of its sources to standard output, one JSON object a line: for
 * scripts, trials, and looking at what a plugin really publishes.
 */
#include <hawse/base58.h>
#include <hawse/hawse.h>
#include <hawse/hex.h>
#include <hawse/json.h>
#include <hawse/service/sub.h>
#include <hawse/space/evm.h>
#include <hawse/space/intent.h>
#include <hawse/space/market.h>
#include <hawse/space/position.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>
#include <hawse/space/wallet.h>
#include <hawse/u256.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCES = 32, NAME_MAX_BYTES = 64, MARKS = 256 };

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.hawse.jsonl\",\"version\":\"0.1.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"description\":\"every event as one JSON line on standard output\",\"license\":\"MIT\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},"
    "\"consumes\":[\"evm/1\",\"solana/1\",\"market/1\",\"wallet/1\",\"position/1\","
    "\"intent/1\",\"stream/"
    "1\"],\"capabilities\":[\"outcomes\"],\"budget\":{\"callback_us\":100000},"
    "\"config\":{\"type\":\"object\",\"required\":[\"sources\"],\"properties\":{"
    "\"sources\":{\"type\":\"array\",\"minItems\":0,\"maxItems\":32,\"items\":{\"type\":\"string\"}"
    ","
    "\"description\":\"names of the links to follow\"}}}}";

struct jsonl {
    const hawse_host_t *host;
    hawse_instance_t self;
    uint32_t numbers[SOURCES];
    char names[SOURCES][NAME_MAX_BYTES];
    uint32_t count;
    char line[512 << 10]; /* a book of 9,999 levels */
    size_t len;
};

/* ---- building a line ---- */

static void put(struct jsonl *j, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct jsonl *j, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(j->line + j->len, sizeof(j->line) - j->len, format, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof(j->line) - j->len)
        j->len += (size_t)n;
}

static void put_hex(struct jsonl *j, const char *name, const uint8_t *bytes, uint64_t len)
{
    put(j, ",\"%s\":\"0x", name);
    if (2 * len + 2 < sizeof(j->line) - j->len) {
        hawse_hex_encode(bytes, len, j->line + j->len);
        j->len += 2 * len;
    }
    put(j, "\"");
}

static void put_amount(struct jsonl *j, const char *name, const hawse_u256_t *amount,
                       bool is_signed)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    if (is_signed)
        (void)hawse_i256_decimal(amount, text);
    else
        (void)hawse_u256_decimal(amount, text);
    put(j, ",\"%s\":\"%s\"", name, text);
}

static void put_origin(struct jsonl *j, const hawse_market_origin_t *o)
{
    put(j, ",\"block\":%llu,\"log_index\":%u", (unsigned long long)o->block_number, o->log_index);
    put_hex(j, "block_hash", o->block_hash, 32);
    put_hex(j, "tx", o->tx_hash, 32);
}

/* ---- one function per kind ---- */

static void put_block(struct jsonl *j, const hawse_evm_block_t *b)
{
    put(j, ",\"block\":%llu,\"timestamp\":%llu", (unsigned long long)b->number,
        (unsigned long long)b->timestamp);
    put_hex(j, "block_hash", b->hash, 32);
    put_hex(j, "parent_hash", b->parent_hash, 32);
}

static void put_log(struct jsonl *j, const hawse_evm_log_t *log)
{
    put(j, ",\"block\":%llu,\"log_index\":%u", (unsigned long long)log->block_number,
        log->log_index);
    put_hex(j, "block_hash", log->block_hash, 32);
    put_hex(j, "tx", log->tx_hash, 32);
    put_hex(j, "address", log->address, 20);
    put(j, ",\"topics\":[");
    for (uint32_t i = 0; i < log->topic_count && i < 4; i++) {
        char hex[64];
        hawse_hex_encode(log->topics[i], 32, hex);
        put(j, "%s\"0x%.64s\"", i ? "," : "", hex);
    }
    put(j, "]");
    put_hex(j, "data", (const uint8_t *)log + log->data_offset, log->data_len);
}

static void put_reorg(struct jsonl *j, const hawse_evm_reorg_t *r)
{
    put(j, ",\"depth\":%u,\"from\":%llu,\"to\":%llu", r->depth, (unsigned long long)r->from,
        (unsigned long long)r->to);
}

static void put_pending(struct jsonl *j, const hawse_evm_pending_tx_t *tx)
{
    put_hex(j, "tx", tx->hash, 32);
}

/* A pool by its address, other markets by their 32 bytes. */
static void put_market(struct jsonl *j, const uint8_t market[32])
{
    static const uint8_t none[12] = {0};
    if (memcmp(market, none, 12) == 0)
        put_hex(j, "pool", market + 12, 20);
    else
        put_hex(j, "market", market, 32);
}

/* An order book's trade: its market is no address. */
static void put_book_trade(struct jsonl *j, const hawse_market_trade_t *t)
{
    put_hex(j, "market", t->market, 32);
    put(j, ",\"side\":%u,\"price\":[%llu,%d]", t->side, (unsigned long long)t->price_mantissa,
        t->price_exponent);
    put_amount(j, "amount0", &t->amount0, true);
    put_amount(j, "amount1", &t->amount1, true);
    put_hex(j, "tx", t->origin.tx_hash, 32);
}

static void put_trade(struct jsonl *j, const hawse_market_trade_t *t)
{
    if (t->price_mantissa != 0) {
        put_book_trade(j, t);
        return;
    }
    put_market(j, t->market);
    put_amount(j, "amount0", &t->amount0, true);
    put_amount(j, "amount1", &t->amount1, true);
    put_amount(j, "sqrt_price", &t->sqrt_price_x96, false);
    put_amount(j, "liquidity", &t->liquidity, false);
    put(j, ",\"tick\":%d", t->tick);
    put_origin(j, &t->origin);
}

static void put_pool_tokens(struct jsonl *j, const hawse_market_pool_tokens_t *s)
{
    const hawse_market_pool_token_t *tokens =
        (const hawse_market_pool_token_t *)(const void *)((const uint8_t *)s + s->tokens_offset);
    put_hex(j, "market", s->market, 32);
    put(j, ",\"formula\":%u,\"paused\":%s,\"recovery\":%s,\"rates_due\":%s,\"own_token\":%d",
        s->formula, s->flags & HAWSE_POOL_PAUSED ? "true" : "false",
        s->flags & HAWSE_POOL_RECOVERY ? "true" : "false",
        s->flags & HAWSE_POOL_RATES_DUE ? "true" : "false", (int)s->own_token);
    put_amount(j, "swap_fee", &s->swap_fee, false);
    put(j, ",\"amp\":[%llu,%llu,%llu,%llu],\"tokens\":[", (unsigned long long)s->amp_start,
        (unsigned long long)s->amp_end, (unsigned long long)s->amp_start_time,
        (unsigned long long)s->amp_end_time);
    for (uint32_t i = 0; i < s->token_count; i++) {
        char hex[40];
        hawse_hex_encode(tokens[i].token + 12, 20, hex);
        put(j, "%s{\"token\":\"0x%.40s\"", i ? "," : "", hex);
        put_amount(j, "balance", &tokens[i].balance, false);
        put_amount(j, "scaling", &tokens[i].scaling, false);
        put_amount(j, "weight", &tokens[i].weight, false);
        put(j, "}");
    }
    put(j, "]");
    put_origin(j, &s->origin);
}

static void put_pool_live(struct jsonl *j, const hawse_market_pool_live_t *s)
{
    const hawse_market_live_token_t *tokens =
        (const hawse_market_live_token_t *)(const void *)((const uint8_t *)s + s->tokens_offset);
    put_hex(j, "market", s->market, 32);
    put(j, ",\"formula\":%u,\"paused\":%s,\"recovery\":%s,\"buffers_paused\":%s", s->formula,
        s->flags & HAWSE_POOL_PAUSED ? "true" : "false",
        s->flags & HAWSE_POOL_RECOVERY ? "true" : "false",
        s->flags & HAWSE_POOL_BUFFERS_PAUSED ? "true" : "false");
    put_amount(j, "swap_fee", &s->swap_fee, false);
    put_amount(j, "minimum_trade", &s->minimum_trade, false);
    put_amount(j, "minimum_wrap", &s->minimum_wrap, false);
    put(j, ",\"tokens\":[");
    for (uint32_t i = 0; i < s->token_count; i++) {
        const hawse_market_live_token_t *t = &tokens[i];
        char hex[40];
        hawse_hex_encode(t->token + 12, 20, hex);
        put(j, "%s{\"token\":\"0x%.40s\"", i ? "," : "", hex);
        put_hex(j, "asset", t->asset + 12, 20);
        put_amount(j, "balance", &t->balance, false);
        put_amount(j, "factor", &t->factor, false);
        put_amount(j, "rate", &t->rate, false);
        put_amount(j, "weight", &t->weight, false);
        put_amount(j, "minimum", &t->minimum, false);
        put_amount(j, "assets", &t->assets, false);
        put(j, "}");
    }
    put(j, "]");
    put_origin(j, &s->origin);
}

static void put_liquidity(struct jsonl *j, const hawse_market_liquidity_t *l)
{
    put_hex(j, "pool", l->market + 12, 20);
    put_amount(j, "delta", &l->delta, true);
    put_amount(j, "amount0", &l->amount0, true);
    put_amount(j, "amount1", &l->amount1, true);
    put(j, ",\"tick_lower\":%d,\"tick_upper\":%d", l->tick_lower, l->tick_upper);
    put_origin(j, &l->origin);
}

static void put_state(struct jsonl *j, const hawse_market_pool_state_t *s)
{
    put_hex(j, "pool", s->market + 12, 20);
    if (s->pool_kind == HAWSE_POOL_PRODUCT) {
        put_amount(j, "reserve0", &s->reserve0, false);
        put_amount(j, "reserve1", &s->reserve1, false);
        put(j, ",\"fee\":%u", s->fee_ppm);
    } else {
        put_amount(j, "sqrt_price", &s->sqrt_price_x96, false);
        put_amount(j, "liquidity", &s->liquidity, false);
        put(j, ",\"tick\":%d,\"fee\":%u", s->tick, s->fee_ppm);
    }
    put_origin(j, &s->origin);
}

/* What only venues with order books say; `info` may be shorter than this header has it. */
static void put_book_info(struct jsonl *j, const hawse_market_info_t *info)
{
    put_hex(j, "market", info->market, 32);
    put(j, ",\"tick\":[%llu,%d]", (unsigned long long)info->tick_mantissa, info->tick_exponent);
    if (!HAWSE_HAS(info, flags))
        return;
    put_hex(j, "group", info->group, 32);
    put(j, ",\"min_size\":%llu,\"fee_ppm\":%u,\"fee_exponent\":%u,\"flags\":%u",
        (unsigned long long)info->min_size, info->fee_ppm, info->fee_exponent, info->flags);
}

static void put_info(struct jsonl *j, const hawse_market_info_t *info)
{
    if (info->tick_mantissa != 0)
        put_book_info(j, info);
    else
        put_market(j, info->market);
    put(j, ",\"symbols\":[\"%.15s\",\"%.15s\"],\"decimals\":[%u,%u]", info->symbol[0],
        info->symbol[1], info->decimals[0], info->decimals[1]);
}

static void put_levels(struct jsonl *j, const char *name, const hawse_market_level_t *levels,
                       uint32_t count)
{
    put(j, ",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++)
        put(j, "%s[%llu,%llu]", i ? "," : "", (unsigned long long)levels[i].price_mantissa,
            (unsigned long long)levels[i].size_mantissa);
    put(j, "]");
}

static void put_book(struct jsonl *j, const hawse_market_book_t *b)
{
    const hawse_market_level_t *levels =
        (const hawse_market_level_t *)(const void *)((const uint8_t *)b + b->levels_offset);
    put_hex(j, "market", b->market, 32);
    put(j, ",\"exponents\":[%d,%d]", b->price_exponent, b->size_exponent);
    put_levels(j, "bids", levels, b->bid_count);
    put_levels(j, "asks", levels + b->bid_count, b->ask_count);
    put_hex(j, "hash", b->hash, 20);
}

static void put_quote(struct jsonl *j, const hawse_market_quote_t *q)
{
    put_hex(j, "market", q->market, 32);
    put(j, ",\"exponents\":[%d,%d]", q->price_exponent, q->size_exponent);
    put_levels(j, "bid", &q->bid, q->bid.size_mantissa != 0);
    put_levels(j, "ask", &q->ask, q->ask.size_mantissa != 0);
}

static void put_market_state(struct jsonl *j, const hawse_market_state_t *s)
{
    put_hex(j, "market", s->market, 32);
    put(j, ",\"state\":%u", s->state);
    put_hex(j, "outcome", s->outcome, 32);
}

static void put_fill(struct jsonl *j, const hawse_wallet_fill_t *f)
{
    put_hex(j, "wallet", f->wallet, 32);
    put_hex(j, "market", f->market, 32);
    put(j, ",\"side\":%u,\"role\":%u", f->side, f->role);
    put_amount(j, "amount0", &f->amount0, false);
    put_amount(j, "amount1", &f->amount1, false);
    put_amount(j, "fee", &f->fee, false);
    put(j, ",\"timestamp\":%llu", (unsigned long long)f->origin.block_timestamp);
    put_origin(j, &f->origin);
}

static void put_transfer(struct jsonl *j, const hawse_wallet_transfer_t *t)
{
    put_hex(j, "from", t->from, 32);
    put_hex(j, "to", t->to, 32);
    put_hex(j, "asset", t->asset, 32);
    put_amount(j, "amount", &t->amount, false);
    put_origin(j, &t->origin);
}

/* As many numbers behind a record as it says. */
static void put_numbers(struct jsonl *j, const char *name, const void *record, uint32_t offset,
                        uint32_t count)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    hawse_u256_t n;
    put(j, ",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&n, (const uint8_t *)record + offset + (size_t)i * 32, 32);
        (void)hawse_u256_decimal(&n, text);
        put(j, "%s\"%s\"", i ? "," : "", text);
    }
    put(j, "]");
}

static void put_condition(struct jsonl *j, const hawse_position_condition_t *c)
{
    put_hex(j, "condition", c->condition, 32);
    put_hex(j, "oracle", c->oracle, 32);
    put_hex(j, "question", c->question, 32);
    put(j, ",\"state\":%u,\"slots\":%u", c->state, c->slots);
    put_numbers(j, "payouts", c, c->payouts_offset, c->payout_count);
    put_origin(j, &c->origin);
}

static void put_change(struct jsonl *j, const hawse_position_change_t *c)
{
    put_hex(j, "condition", c->condition, 32);
    put_hex(j, "owner", c->owner, 32);
    put_hex(j, "collateral", c->collateral, 32);
    put_hex(j, "parent", c->parent, 32);
    put_amount(j, "amount", &c->amount, false);
    put_numbers(j, "sets", c, c->sets_offset, c->set_count);
    put_origin(j, &c->origin);
}

static void put_proposal(struct jsonl *j, const hawse_position_proposal_t *p)
{
    put_hex(j, "proposal", p->proposal, 32);
    put_hex(j, "condition", p->condition, 32);
    put(j, ",\"state\":%u", p->state);
    put_hex(j, "collateral0", p->collateral[0], 32);
    put_hex(j, "collateral1", p->collateral[1], 32);
    put_hex(j, "yes0", p->outcome[0], 32);
    put_hex(j, "no0", p->outcome[1], 32);
    put_hex(j, "yes1", p->outcome[2], 32);
    put_hex(j, "no1", p->outcome[3], 32);
    put_numbers(j, "payouts", p, offsetof(hawse_position_proposal_t, payout), 2);
}

static void put_name(struct jsonl *j, const char *name, const uint8_t *text, size_t cap)
{
    char copy[65] = "";
    memcpy(copy, text, cap < 64 ? cap : 64);
    for (char *c = copy; *c; c++)
        *c = *c > 0x20 && *c < 0x7f && *c != '"' && *c != '\\' ? *c : '?';
    put(j, ",\"%s\":\"%s\"", name, copy);
}

static void put_order(struct jsonl *j, const hawse_wallet_order_t *o)
{
    put_hex(j, "order", o->order, 32);
    put_hex(j, "wallet", o->wallet, 32);
    put_hex(j, "market", o->market, 32);
    put(j, ",\"side\":%u,\"state\":%u,\"kind\":%u,\"flags\":%u", o->side, o->state, o->kind,
        o->flags);
    put(j, ",\"price\":%llu,\"exponent\":%d", (unsigned long long)o->price_mantissa,
        o->price_exponent);
    put_amount(j, "original", &o->original, false);
    put_amount(j, "filled", &o->filled, false);
    put(j, ",\"created\":%llu,\"expires\":%llu", (unsigned long long)o->created_s,
        (unsigned long long)o->expires_s);
}

static void put_own_trade(struct jsonl *j, const hawse_wallet_trade_t *t)
{
    put_name(j, "trade", t->trade, sizeof(t->trade));
    put_hex(j, "order", t->order, 32);
    put_hex(j, "wallet", t->wallet, 32);
    put_hex(j, "market", t->market, 32);
    put(j, ",\"side\":%u,\"role\":%u,\"settlement\":%u", t->side, t->role, t->settlement);
    put(j, ",\"price\":%llu,\"exponent\":%d", (unsigned long long)t->price_mantissa,
        t->price_exponent);
    put_amount(j, "amount0", &t->amount0, false);
    put_amount(j, "amount1", &t->amount1, false);
    put(j, ",\"matched\":%llu,\"updated\":%llu", (unsigned long long)t->matched_s,
        (unsigned long long)t->updated_s);
    put_origin(j, &t->origin);
}

static void put_range(struct jsonl *j, const hawse_stream_range_t *r)
{
    static const char *const reasons[] = {"",        "start",    "disconnected", "silent",
                                          "missing", "overflow", "reorg",        "rejected"};
    put(j, ",\"reason\":\"%s\",\"from\":%llu,\"to\":%lld,\"count\":%llu",
        r->reason < 8 ? reasons[r->reason] : "?", (unsigned long long)r->from,
        r->to == HAWSE_POSITION_OPEN ? -1 : (long long)r->to, (unsigned long long)r->count);
}

/* ---- Solana: keys in base58, numbers above 2^53 as they are ---- */

static void put_key(struct jsonl *j, const char *name, const uint8_t key[32])
{
    char text[HAWSE_BASE58_KEY_TEXT];
    (void)hawse_base58_from_key(key, text);
    put(j, ",\"%s\":\"%s\"", name, text);
}

static void put_signature(struct jsonl *j, const uint8_t signature[64], uint32_t failed)
{
    char text[HAWSE_BASE58_SIGNATURE_TEXT];
    (void)hawse_base58_from_signature(signature, text);
    put(j, ",\"signature\":\"%s\",\"failed\":%s", text, failed ? "true" : "false");
}

static void put_position(struct jsonl *j, uint64_t slot, uint32_t commitment)
{
    static const char *const names[] = {"", "processed", "confirmed", "finalized"};
    put(j, ",\"slot\":%llu,\"commitment\":\"%s\"", (unsigned long long)slot,
        names[commitment & 3u]);
}

static void put_slot(struct jsonl *j, const hawse_solana_slot_t *s)
{
    put_position(j, s->slot, s->commitment);
    put(j, ",\"parent\":%llu,\"root\":%llu", (unsigned long long)s->parent,
        (unsigned long long)s->root);
}

static void put_account(struct jsonl *j, const hawse_solana_account_t *a)
{
    put_position(j, a->slot, a->commitment);
    put_key(j, "pubkey", a->pubkey);
    put_key(j, "owner", a->owner);
    put(j, ",\"lamports\":\"%llu\",\"rent_epoch\":\"%llu\"", (unsigned long long)a->lamports,
        (unsigned long long)a->rent_epoch);
    if (HAWSE_HAS(a, left) && a->left)
        put(j, ",\"left\":true");
    put_hex(j, "data", (const uint8_t *)a + a->data_offset, a->data_len);
}

static void put_account_part(struct jsonl *j, const hawse_solana_account_part_t *a)
{
    put_position(j, a->slot, a->commitment);
    put_key(j, "pubkey", a->pubkey);
    put_key(j, "owner", a->owner);
    put(j, ",\"lamports\":\"%llu\",\"total_len\":%llu,\"part_offset\":%llu",
        (unsigned long long)a->lamports, (unsigned long long)a->total_len,
        (unsigned long long)a->part_offset);
    if (a->left)
        put(j, ",\"left\":true");
    put_hex(j, "data", (const uint8_t *)a + a->data_offset, a->part_len);
}

static void put_balance(struct jsonl *j, const hawse_wallet_balance_t *b)
{
    put_hex(j, "wallet", b->wallet, 32);
    put_hex(j, "asset", b->asset, 32);
    put_amount(j, "amount", &b->amount, false);
    put_origin(j, &b->origin);
}

static void put_program_log(struct jsonl *j, const hawse_solana_log_t *log)
{
    put_position(j, log->slot, log->commitment);
    put_signature(j, log->signature, log->failed);
    put(j, ",\"lines\":%u", log->line_count);
}

static void put_outcome(struct jsonl *j, const hawse_solana_signature_t *s)
{
    put_position(j, s->slot, s->commitment);
    put_signature(j, s->signature, s->failed);
}

static void put_end(struct jsonl *j, const hawse_intent_outcome_t *o)
{
    static const char *const ends[] = {[HAWSE_INTENT_REFUSED] = "refused",
                                       [HAWSE_INTENT_CONFIRMED] = "confirmed",
                                       [HAWSE_INTENT_EXPIRED] = "expired",
                                       [HAWSE_INTENT_FAILED] = "failed"};
    const uint8_t *text = (const uint8_t *)o + o->size;
    bool known = o->step < sizeof(ends) / sizeof(ends[0]) && ends[o->step];
    put_name(j, "instance", text, o->instance_len);
    put_name(j, "chain", text + o->instance_len, o->chain_len);
    put_name(j, "id", text + o->instance_len + o->chain_len, o->id_len);
    put(j, ",\"number\":%llu,\"end\":\"%s\",\"error\":%d,\"attempts\":%llu,\"block\":%llu",
        (unsigned long long)o->number, known ? ends[o->step] : "?", o->error,
        (unsigned long long)o->attempt, (unsigned long long)o->block_number);
    put_hex(j, "reference", o->reference, sizeof(o->reference));
}

static void put_rollback(struct jsonl *j, const hawse_solana_rollback_t *r)
{
    put(j, ",\"slots\":%u,\"from\":%llu,\"to\":%llu,\"ancestor\":%llu", r->slots,
        (unsigned long long)r->from, (unsigned long long)r->to, (unsigned long long)r->ancestor);
}

static const struct {
    uint16_t space, kind;
    uint32_t size; /* of the record */
    const char *name;
    void (*put)(struct jsonl *j, const void *record);
} kinds[] = {
#define KIND(space, kind, type, name, function)                                                   \
    {                                                                                             \
        space, kind, sizeof(type), name, (void (*)(struct jsonl *, const void *))(void *)function \
    }
    KIND(HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, hawse_evm_block_t, "evm.block", put_block),
    KIND(HAWSE_SPACE_EVM, HAWSE_EVM_LOG, hawse_evm_log_t, "evm.log", put_log),
    KIND(HAWSE_SPACE_EVM, HAWSE_EVM_REORG, hawse_evm_reorg_t, "evm.reorg", put_reorg),
    KIND(HAWSE_SPACE_EVM, HAWSE_EVM_PENDING_TX, hawse_evm_pending_tx_t, "evm.pending_tx",
         put_pending),
    KIND(HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, hawse_solana_slot_t, "solana.slot", put_slot),
    {HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, offsetof(hawse_solana_account_t, left),
     "solana.account", (void (*)(struct jsonl *, const void *))(void *)put_account},
    KIND(HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT_PART, hawse_solana_account_part_t,
         "solana.account_part", put_account_part),
    KIND(HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, hawse_solana_log_t, "solana.log",
         put_program_log),
    KIND(HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SIGNATURE, hawse_solana_signature_t, "solana.signature",
         put_outcome),
    KIND(HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, hawse_solana_rollback_t, "solana.rollback",
         put_rollback),
    KIND(HAWSE_SPACE_WALLET, HAWSE_WALLET_BALANCE, hawse_wallet_balance_t, "wallet.balance",
         put_balance),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_TRADE, hawse_market_trade_t, "market.trade", put_trade),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_LIQUIDITY, hawse_market_liquidity_t, "market.liquidity",
         put_liquidity),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_STATE, hawse_market_pool_state_t,
         "market.pool_state", put_state),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_TOKENS, hawse_market_pool_tokens_t,
         "market.pool_tokens", put_pool_tokens),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_POOL_LIVE, hawse_market_pool_live_t, "market.pool_live",
         put_pool_live),
    {HAWSE_SPACE_MARKET, HAWSE_MARKET_INFO, offsetof(hawse_market_info_t, group), "market.info",
     (void (*)(struct jsonl *, const void *))(void *)put_info},
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_SNAPSHOT, hawse_market_book_t, "market.book",
         put_book),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_BOOK_DELTA, hawse_market_book_t, "market.book_delta",
         put_book),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_QUOTE, hawse_market_quote_t, "market.quote", put_quote),
    KIND(HAWSE_SPACE_MARKET, HAWSE_MARKET_STATE, hawse_market_state_t, "market.state",
         put_market_state),
    KIND(HAWSE_SPACE_WALLET, HAWSE_WALLET_FILL, hawse_wallet_fill_t, "wallet.fill", put_fill),
    KIND(HAWSE_SPACE_WALLET, HAWSE_WALLET_ORDER, hawse_wallet_order_t, "wallet.order", put_order),
    KIND(HAWSE_SPACE_WALLET, HAWSE_WALLET_TRADE, hawse_wallet_trade_t, "wallet.trade",
         put_own_trade),
    KIND(HAWSE_SPACE_WALLET, HAWSE_WALLET_TRANSFER, hawse_wallet_transfer_t, "wallet.transfer",
         put_transfer),
    KIND(HAWSE_SPACE_POSITION, HAWSE_POSITION_CONDITION, hawse_position_condition_t,
         "position.condition", put_condition),
    KIND(HAWSE_SPACE_POSITION, HAWSE_POSITION_SPLIT, hawse_position_change_t, "position.split",
         put_change),
    KIND(HAWSE_SPACE_POSITION, HAWSE_POSITION_MERGE, hawse_position_change_t, "position.merge",
         put_change),
    KIND(HAWSE_SPACE_POSITION, HAWSE_POSITION_REDEMPTION, hawse_position_change_t,
         "position.redemption", put_change),
    KIND(HAWSE_SPACE_POSITION, HAWSE_POSITION_PROPOSAL, hawse_position_proposal_t,
         "position.proposal", put_proposal),
    KIND(HAWSE_SPACE_INTENT, HAWSE_INTENT_OUTCOME, hawse_intent_outcome_t, "intent.outcome",
         put_end),
    KIND(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, hawse_stream_range_t, "stream.gap", put_range),
    KIND(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_RECOVERING, hawse_stream_range_t,
         "stream.recovering", put_range),
    KIND(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, hawse_stream_range_t, "stream.healed",
         put_range),
    KIND(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, hawse_stream_range_t,
         "stream.unhealable", put_range),
    KIND(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_RETRACT, hawse_stream_range_t, "stream.retract",
         put_range),
    KIND(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_FINAL, hawse_stream_range_t, "stream.final",
         put_range),
    KIND(HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_LIVE, hawse_stream_range_t, "stream.live",
         put_range),
};

static const char *source_name(const struct jsonl *j, uint32_t number)
{
    for (uint32_t i = 0; i < j->count; i++) {
        if (j->numbers[i] == number)
            return j->names[i];
    }
    return "?";
}

static void write_event(struct jsonl *j, const hawse_event_t *e)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].space != e->space || kinds[i].kind != e->kind || e->len < kinds[i].size)
            continue;
        j->len = 0;
        put(j,
            "{\"t\":\"%s\",\"src\":\"%s\",\"stream\":%u,\"seq\":%llu,\"epoch\":%u,\"removed\":%s",
            kinds[i].name, source_name(j, e->source), e->stream, (unsigned long long)e->seq,
            e->epoch, e->flags & HAWSE_EVENT_REMOVED ? "true" : "false");
        if (e->flags & HAWSE_EVENT_BACKFILLED)
            put(j, ",\"backfilled\":true");
        if (e->flags & HAWSE_EVENT_LOCAL)
            put(j, ",\"local\":true");
        if (e->space == HAWSE_SPACE_STREAM && e->key != 0)
            put(j, ",\"key\":\"%016llx\"", (unsigned long long)e->key);
        kinds[i].put(j, e->data);
        put(j, "}\n");
        (void)fwrite(j->line, 1, j->len, stdout);
        return;
    }
}

/* ---- the table ---- */

static int32_t follow(struct jsonl *j, const hawse_sub_service_t *sub,
                      const hawse_json_value_t *name)
{
    static const uint16_t spaces[] = {HAWSE_SPACE_EVM, HAWSE_SPACE_SOLANA, HAWSE_SPACE_MARKET,
                                      HAWSE_SPACE_WALLET, HAWSE_SPACE_POSITION};
    hawse_view_t text = {name->data, name->len};
    hawse_sub_t handle;
    if (name->len >= NAME_MAX_BYTES || j->count == SOURCES ||
        sub->link(j->host, j->self, text, &j->numbers[j->count]) != HAWSE_OK)
        return hawse_fail(j->host, j->self, HAWSE_E_NOTFOUND, "settings.sources names no link",
                          "every name must be one of the instance's links");
    memcpy(j->names[j->count], name->data, name->len);
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        hawse_sub_spec_t spec = {.size = sizeof(spec),
                                 .source = j->numbers[j->count],
                                 .space = spaces[i],
                                 .policy = HAWSE_POLICY_LOSSLESS};
        int32_t code = sub->subscribe(j->host, j->self, &spec, &handle);
        if (code != HAWSE_OK)
            return hawse_fail(j->host, j->self, code, "cannot subscribe to one of `sources`",
                              "link it to each of them");
    }
    j->count++;
    return HAWSE_OK;
}

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    struct jsonl *j = calloc(1, sizeof(*j));
    uint8_t *text = calloc(1, config.len + HAWSE_PADDING);
    uint32_t marks[MARKS];
    hawse_json_t doc;
    hawse_json_value_t root, list, name;
    int32_t code = j && text ? HAWSE_OK : HAWSE_E_NOMEM;
    if (code == HAWSE_OK) {
        j->host = host;
        j->self = self;
        memcpy(text, config.data, config.len);
        code = hawse_json_index(&doc, text, config.len, marks, MARKS);
    }
    if (code == HAWSE_OK)
        code = hawse_json_root(&doc, &root);
    if (code == HAWSE_OK)
        code = hawse_json_get(&doc, &root, "sources", &list);
    while (code == HAWSE_OK && hawse_json_next(&doc, &list, NULL, &name) == 1)
        code = follow(j, sub, &name);
    free(text);
    if (code != HAWSE_OK) {
        free(j);
        return code;
    }
    *state = j;
    return HAWSE_OK;
}

static int32_t start(void *state)
{
    (void)state;
    return HAWSE_OK;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        write_event(state, events[i]);
    (void)fflush(stdout);
    return (int32_t)n;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    (void)state, (void)deadline_ns;
    return HAWSE_OK;
}

static void destroy(void *state)
{
    free(state);
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        .size = sizeof(table),
        .abi_minor = HAWSE_ABI_MINOR,
        .id = "org.hawse.jsonl",
        .create = create,
        .start = start,
        .on_events = on_events,
        .stop = stop,
        .destroy = destroy,
    };
    (void)host;
    return &table;
}
