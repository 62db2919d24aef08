/* Makes events; see script.h. */
#include "check/script.h"

#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/position.h>
#include <hawse/space/solana.h>
#include <hawse/space/stream.h>
#include <hawse/space/wallet.h>
#include <string.h>

uint64_t script_random(struct script *s)
{
    uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void script_init(struct script *s, struct kit *k, uint64_t seed)
{
    *s = (struct script){.k = k, .random = seed, .block = 1000};
}

static void set_hash(uint8_t out[32], uint64_t what, uint64_t number)
{
    memset(out, (int)(what & 0xff), 32);
    memcpy(out, &number, sizeof(number));
}

/* One of four markets. */
static uint64_t set_market(struct script *s, uint8_t out[32])
{
    memset(out, 0, 32);
    memset(out + 12, 0x21 + (int)(script_random(s) & 3), 20);
    return hawse_key(out, 32);
}

static hawse_u256_t amount(struct script *s)
{
    return (hawse_u256_t){{script_random(s) >> 8, script_random(s) & 0xff, 0, 0}};
}

static hawse_market_origin_t origin(struct script *s)
{
    hawse_market_origin_t o = {.chain_id = 100,
                               .block_number = s->block,
                               .block_timestamp = 1700000000 + s->block,
                               .log_index = (uint32_t)(script_random(s) & 0x3f)};
    set_hash(o.block_hash, 1, s->block);
    set_hash(o.tx_hash, 2, script_random(s));
    return o;
}

/* ---- one function per space; the record stands in out->data, zeroed ---- */

static void evm_block(struct script *s, struct script_event *out)
{
    hawse_evm_block_t *b = (void *)out->data;
    s->block++;
    *b = (hawse_evm_block_t){.size = sizeof(*b),
                             .chain_id = 100,
                             .number = s->block,
                             .timestamp = 1700000000 + s->block,
                             .gas_limit = 17000000,
                             .gas_used = script_random(s) % 17000000,
                             .base_fee_wei = 1000000000};
    set_hash(b->hash, 1, s->block);
    set_hash(b->parent_hash, 1, s->block - 1);
    out->event.len = sizeof(*b);
    out->event.stream = HAWSE_EVM_STREAM_BLOCKS;
}

static void evm_log(struct script *s, const struct kit_sub *sub, struct script_event *out)
{
    hawse_evm_log_t *l = (void *)out->data;
    hawse_evm_log_filter_t filter = {.topic0_count = 0};
    uint32_t words = (uint32_t)(script_random(s) % 8);
    *l = (hawse_evm_log_t){.size = sizeof(*l),
                           .topic_count = 1 + (uint32_t)(script_random(s) & 3),
                           .chain_id = 100,
                           .block_number = s->block,
                           .block_timestamp = 1700000000 + s->block,
                           .log_index = (uint32_t)(script_random(s) & 0xff),
                           .data_offset = sizeof(*l),
                           .data_len = words * 32};
    memset(l->address, 0x11, sizeof(l->address));
    if (sub->spec.filter.len >= sizeof(filter)) {
        memcpy(&filter, sub->filter, sizeof(filter));
        memcpy(l->address, filter.address, sizeof(l->address));
    }
    for (uint32_t i = 0; i < l->topic_count; i++)
        set_hash(l->topics[i], 0, script_random(s) & 0xff);
    if (filter.topic0_count > 0 && sub->spec.filter.len >= sizeof(filter) + 32)
        memcpy(l->topics[0], sub->filter + sizeof(filter), 32);
    set_hash(l->block_hash, 1, s->block);
    set_hash(l->tx_hash, 2, script_random(s));
    for (uint32_t i = 0; i < words; i++)
        out->data[sizeof(*l) + i * 32 + 31] = (uint8_t)script_random(s);
    out->event.len = sizeof(*l) + l->data_len;
    out->event.stream = HAWSE_EVM_STREAM_LOGS;
    out->event.key = hawse_key(l->address, 20);
}

static void evm(struct script *s, const struct kit_sub *sub, struct script_event *out)
{
    hawse_evm_pending_tx_t *tx = (void *)out->data;
    hawse_evm_reorg_t *r = (void *)out->data;
    switch (out->event.kind) {
    case HAWSE_EVM_BLOCK:
        evm_block(s, out);
        break;
    case HAWSE_EVM_LOG:
        evm_log(s, sub, out);
        break;
    case HAWSE_EVM_PENDING_TX:
        *tx = (hawse_evm_pending_tx_t){.size = sizeof(*tx), .chain_id = 100};
        set_hash(tx->hash, 2, script_random(s));
        out->event.len = sizeof(*tx);
        out->event.stream = HAWSE_EVM_STREAM_PENDING;
        out->event.key = hawse_key(tx->hash, 32);
        break;
    default:
        *r = (hawse_evm_reorg_t){
            .size = sizeof(*r), .depth = 1, .chain_id = 100, .from = s->block, .to = s->block};
        set_hash(r->ancestor_hash, 1, s->block - 1);
        set_hash(r->old_hash, 1, s->block);
        set_hash(r->new_hash, 3, s->block);
        out->event.len = sizeof(*r);
        out->event.stream = HAWSE_EVM_STREAM_BLOCKS;
        break;
    }
}

static uint64_t set_key(struct script *s, const struct kit_sub *sub, uint8_t out[32])
{
    hawse_solana_filter_t filter;
    memset(out, 0x31 + (int)(script_random(s) & 1), 32);
    if (sub->spec.filter.len >= sizeof(filter)) {
        memcpy(&filter, sub->filter, sizeof(filter));
        memcpy(out, filter.id, 32);
    }
    return hawse_key(out, 32);
}

static void solana_account(struct script *s, const struct kit_sub *sub, struct script_event *out)
{
    hawse_solana_account_t *a = (void *)out->data;
    *a = (hawse_solana_account_t){.size = sizeof(*a),
                                  .commitment = HAWSE_SOLANA_CONFIRMED,
                                  .slot = s->block,
                                  .lamports = script_random(s) >> 20,
                                  .rent_epoch = UINT64_MAX,
                                  .data_offset = sizeof(*a),
                                  .data_len = 165};
    out->event.key = set_key(s, sub, a->pubkey);
    memset(a->owner, 6, 32);
    for (uint32_t i = 0; i < 165; i++)
        out->data[sizeof(*a) + i] = (uint8_t)(script_random(s) & 3);
    out->event.len = sizeof(*a) + a->data_len;
    out->event.stream = HAWSE_SOLANA_STREAM_ACCOUNTS;
}

static void solana(struct script *s, const struct kit_sub *sub, struct script_event *out)
{
    hawse_solana_slot_t *slot = (void *)out->data;
    hawse_solana_log_t *log = (void *)out->data;
    hawse_solana_signature_t *sig = (void *)out->data;
    hawse_solana_rollback_t *back = (void *)out->data;
    hawse_solana_account_part_t *part = (void *)out->data;
    static const char line[] = "\x05\0\0\0hello";
    uint32_t commitment = HAWSE_SOLANA_CONFIRMED;
    switch (out->event.kind) {
    case HAWSE_SOLANA_SLOT:
        s->block++;
        *slot =
            (hawse_solana_slot_t){sizeof(*slot), commitment, s->block, s->block - 1, s->block - 32};
        out->event.len = sizeof(*slot);
        break;
    case HAWSE_SOLANA_ACCOUNT:
        solana_account(s, sub, out);
        return;
    case HAWSE_SOLANA_PROGRAM_LOG:
        *log = (hawse_solana_log_t){.size = sizeof(*log),
                                    .commitment = commitment,
                                    .slot = s->block,
                                    .line_count = 1,
                                    .lines_offset = sizeof(*log),
                                    .lines_len = sizeof(line) - 1};
        memcpy(out->data + sizeof(*log), line, sizeof(line) - 1);
        out->event.len = sizeof(*log) + sizeof(line) - 1;
        break;
    case HAWSE_SOLANA_SIGNATURE:
        *sig = (hawse_solana_signature_t){
            .size = sizeof(*sig), .commitment = commitment, .slot = s->block};
        out->event.len = sizeof(*sig);
        break;
    case HAWSE_SOLANA_ROLLBACK:
        *back = (hawse_solana_rollback_t){sizeof(*back), 1, s->block, s->block, s->block - 1};
        out->event.len = sizeof(*back);
        break;
    default:
        *part = (hawse_solana_account_part_t){.size = sizeof(*part),
                                              .commitment = commitment,
                                              .slot = s->block,
                                              .total_len = 300000,
                                              .data_offset = sizeof(*part)};
        out->event.len = sizeof(*part);
        break;
    }
    out->event.stream = HAWSE_SOLANA_STREAM_SLOTS;
}

static void market_book(struct script *s, struct script_event *out)
{
    hawse_market_book_t *b = (void *)out->data;
    *b = (hawse_market_book_t){.size = sizeof(*b),
                               .bid_count = 2,
                               .ask_count = 2,
                               .price_exponent = -3,
                               .size_exponent = -6,
                               .levels_offset = sizeof(*b)};
    for (uint64_t i = 0; i < 4; i++) {
        hawse_market_level_t level = {i < 2 ? 500 - i : 501 + i, script_random(s) >> 40};
        memcpy(out->data + sizeof(*b) + i * sizeof(level), &level, sizeof(level));
    }
    out->event.key = set_market(s, b->market);
    out->event.len = sizeof(*b) + 4 * sizeof(hawse_market_level_t);
    out->event.stream = HAWSE_MARKET_STREAM_BOOKS;
}

static void market_tokens(struct script *s, struct script_event *out)
{
    hawse_market_pool_tokens_t *t = (void *)out->data;
    hawse_u256_t one = {{UINT64_C(1000000000000000000), 0, 0, 0}};
    *t = (hawse_market_pool_tokens_t){.size = sizeof(*t),
                                      .pool_kind = HAWSE_POOL_WEIGHTED,
                                      .token_count = 2,
                                      .tokens_offset = sizeof(*t),
                                      .own_token = UINT32_MAX,
                                      .swap_fee = {{UINT64_C(3000000000000000), 0, 0, 0}},
                                      .origin = origin(s)};
    out->event.key = set_market(s, t->market);
    for (uint32_t i = 0; i < 2; i++) {
        hawse_market_pool_token_t token = {
            .balance = amount(s), .scaling = one, .weight = {{one.limb[0] / 2, 0, 0, 0}}};
        memset(token.token + 12, 0x41 + (int)i, 20);
        memcpy(out->data + sizeof(*t) + i * sizeof(token), &token, sizeof(token));
    }
    out->event.len = sizeof(*t) + 2 * sizeof(hawse_market_pool_token_t);
}

static void market_trade(struct script *s, struct script_event *out)
{
    hawse_market_trade_t *t = (void *)out->data;
    *t = (hawse_market_trade_t){.size = sizeof(*t),
                                .side = 1 + (uint32_t)(script_random(s) & 1),
                                .amount0 = amount(s),
                                .amount1 = amount(s),
                                .price_mantissa = script_random(s) >> 44,
                                .price_exponent = -6,
                                .sqrt_price_x96 = {{1, script_random(s) >> 20, 0, 0}},
                                .liquidity = amount(s),
                                .origin = origin(s)};
    out->event.key = set_market(s, t->market);
    out->event.len = sizeof(*t);
    out->event.stream = HAWSE_MARKET_STREAM_TRADES;
}

static void market(struct script *s, struct script_event *out)
{
    struct {
        uint32_t size, word;
        uint8_t market[32];
    } *head = (void *)out->data; /* how most kinds begin */
    out->event.stream = HAWSE_MARKET_STREAM_STATES;
    switch (out->event.kind) {
    case HAWSE_MARKET_TRADE:
        market_trade(s, out);
        return;
    case HAWSE_MARKET_BOOK_SNAPSHOT:
    case HAWSE_MARKET_BOOK_DELTA:
        market_book(s, out);
        return;
    case HAWSE_MARKET_POOL_TOKENS:
        market_tokens(s, out);
        return;
    case HAWSE_MARKET_INFO:
        *(hawse_market_info_t *)(void *)out->data = (hawse_market_info_t){
            .size = sizeof(hawse_market_info_t), .decimals = {18, 6}, .tick_exponent = -3};
        out->event.key = set_market(s, ((hawse_market_info_t *)(void *)out->data)->market);
        out->event.len = sizeof(hawse_market_info_t);
        out->event.stream = HAWSE_MARKET_STREAM_INFO;
        return;
    case HAWSE_MARKET_LIQUIDITY:
        ((hawse_market_liquidity_t *)(void *)out->data)->delta = amount(s);
        ((hawse_market_liquidity_t *)(void *)out->data)->origin = origin(s);
        out->event.key = set_market(s, ((hawse_market_liquidity_t *)(void *)out->data)->market);
        break;
    case HAWSE_MARKET_QUOTE:
        out->event.key = set_market(s, ((hawse_market_quote_t *)(void *)out->data)->market);
        break;
    default:
        head->word = 1; /* a kind of pool, an exponent, a state */
        out->event.key = set_market(s, head->market);
        break;
    }
    out->event.len = kit_record_min(HAWSE_SPACE_MARKET, out->event.kind);
    head->size = (uint32_t)out->event.len;
}

/* Two numbers behind a record, of the kinds that have numbers there. */
static void position(struct script *s, struct script_event *out)
{
    hawse_position_condition_t *c = (void *)out->data;
    hawse_position_change_t *change = (void *)out->data;
    uint64_t size = sizeof(*change);
    out->event.stream = HAWSE_POSITION_STREAM_CHANGES;
    if (out->event.kind == HAWSE_POSITION_CONDITION) {
        size = sizeof(*c);
        *c = (hawse_position_condition_t){.size = sizeof(*c),
                                          .state = HAWSE_CONDITION_RESOLVED,
                                          .slots = 2,
                                          .payout_count = 2,
                                          .payouts_offset = sizeof(*c),
                                          .origin = origin(s)};
        out->event.key = set_market(s, c->condition);
        out->event.stream = HAWSE_POSITION_STREAM_CONDITIONS;
    } else {
        *change = (hawse_position_change_t){.size = sizeof(*change),
                                            .set_count = 2,
                                            .sets_offset = sizeof(*change),
                                            .amount = amount(s),
                                            .origin = origin(s)};
        out->event.key = set_market(s, change->condition);
    }
    for (uint64_t i = 0; i < 2; i++) {
        hawse_u256_t n = {{i + 1, 0, 0, 0}};
        memcpy(out->data + size + i * sizeof(n), &n, sizeof(n));
    }
    out->event.len = size + 2 * sizeof(hawse_u256_t);
}

/* Those of which all fields are plain numbers and names. */
static void plain(struct script *s, struct script_event *out)
{
    uint32_t size = kit_record_min(out->event.space, out->event.kind);
    for (uint32_t i = 8; i < size; i++)
        out->data[i] = (uint8_t)(script_random(s) & 1);
    memcpy(out->data, &size, sizeof(size));
    out->event.len = size;
    out->event.stream = 1;
}

/* ---- events ---- */

static void header(struct script *s, const struct kit_sub *sub, uint16_t space, uint16_t kind,
                   struct script_event *out)
{
    (void)sub;
    memset(out, 0, sizeof(*out));
    out->event = (hawse_event_t){.size = sizeof(out->event),
                                 .space = space,
                                 .kind = kind,
                                 .source = SCRIPT_SOURCE,
                                 .epoch = 1,
                                 .t_recv_ns = s->k->now_ns,
                                 .t_source_ns = s->k->utc_ns,
                                 .data = out->data};
}

static void make(struct script *s, const struct kit_sub *sub, uint16_t space, uint16_t kind,
                 struct script_event *out)
{
    header(s, sub, space, kind, out);
    bool known = kit_record_min(space, kind) > 0;
    if (known && space == HAWSE_SPACE_EVM)
        evm(s, sub, out);
    else if (known && space == HAWSE_SPACE_SOLANA)
        solana(s, sub, out);
    else if (known && space == HAWSE_SPACE_MARKET)
        market(s, out);
    else if (known && space == HAWSE_SPACE_POSITION && kind != HAWSE_POSITION_PROPOSAL)
        position(s, out);
    else if (known)
        plain(s, out);
    else
        out->event.len = 64; /* zeros, that nobody knows */
    if (sub->spec.flags & HAWSE_SUB_KEYED)
        out->event.key = sub->spec.key;
    out->event.seq = ++s->k->seq[out->event.stream & 0xff];
}

static const struct kit_sub *any_sub(struct script *s)
{
    uint32_t n = s->k->sub_count, at = n > 0 ? (uint32_t)(script_random(s) % n) : 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct kit_sub *sub = &s->k->subs[(at + i) % n];
        if (!sub->gone)
            return sub;
    }
    return NULL;
}

bool script_next(struct script *s, struct script_event *out)
{
    const struct kit_sub *sub = any_sub(s);
    if (!sub)
        return false;
    uint16_t kind = sub->spec.kind;
    for (int i = 0; kind == 0 && i < 32; i++) { /* known ones of this space, if it is known */
        uint16_t some = (uint16_t)(1 + script_random(s) % 10);
        kind = kit_record_min(sub->spec.space, some) > 0 ? some : kind;
    }
    make(s, sub, sub->spec.space, kind ? kind : 1, out);
    return true;
}

bool script_of_kind(struct script *s, uint16_t space, uint16_t kind, struct script_event *out)
{
    for (uint32_t i = 0; i < s->k->sub_count; i++) {
        const struct kit_sub *sub = &s->k->subs[i];
        if (sub->gone || (sub->spec.kind != 0 && sub->spec.kind != kind) ||
            (space != 0 && sub->spec.space != space))
            continue;
        make(s, sub, sub->spec.space, kind, out);
        return true;
    }
    return false;
}

bool script_range(struct script *s, uint16_t kind, uint32_t reason, uint64_t from, uint64_t to,
                  struct script_event *out)
{
    const struct kit_sub *sub = any_sub(s);
    if (!sub)
        return false;
    header(s, sub, HAWSE_SPACE_STREAM, kind, out);
    hawse_stream_range_t range = {.size = sizeof(range), .reason = reason, .from = from, .to = to};
    memcpy(out->data, &range, sizeof(range));
    out->event.len = sizeof(range);
    out->event.stream = 2;
    out->event.seq = ++s->k->seq[2];
    return true;
}

void script_push(struct script *s, uint32_t n)
{
    struct script_event e;
    for (uint32_t i = 0; i < n && script_next(s, &e); i++)
        kit_push(s->k, &e.event);
}

void script_push_range(struct script *s, uint16_t kind, uint32_t reason, uint64_t from, uint64_t to)
{
    struct script_event e;
    if (script_range(s, kind, reason, from, to, &e))
        kit_push(s->k, &e.event);
}

void script_frames(struct script *s)
{
    static const char *const texts[] = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"0x1\"}",
        "{\"method\":\"x\",\"params\":{\"subscription\":\"0x1\",\"result\":{}}}",
        "[{\"event_type\":\"book\",\"bids\":[],\"asks\":[]}]", "PONG", "{\"open\":"};
    for (uint32_t i = 0; i < s->k->stream_count; i++) {
        hawse_stream_t stream = kit_handle(s->k, KIT_H_STREAM, i);
        const char *text = texts[script_random(s) % (sizeof(texts) / sizeof(texts[0]))];
        uint64_t bytes[4] = {script_random(s), script_random(s)};
        kit_frame(s->k, stream, text, strlen(text), false);
        if (script_random(s) % 8 == 0)
            kit_frame(s->k, stream, bytes, sizeof(bytes), true);
    }
}

void script_demands(struct script *s)
{
    hawse_evm_log_filter_t filter = {.size = sizeof(filter)};
    static const uint8_t nonsense[24] = {0xff, 0xfe};
    memset(filter.address, 0x11, sizeof(filter.address));
    for (size_t i = 0; i < s->k->manifest->produce_count; i++) {
        const char *id = s->k->manifest->produces[i];
        uint16_t space = kit_space(id, strlen(id));
        uint64_t sub = 0x500 + i * 4;
        if (space == HAWSE_SPACE_STREAM || space == 0)
            continue;
        kit_demand(s->k, HAWSE_DEMAND_ADD, sub, space, 0, NULL, 0);
        if (space == HAWSE_SPACE_EVM)
            kit_demand(s->k, HAWSE_DEMAND_ADD, sub + 1, space, HAWSE_EVM_LOG, &filter,
                       sizeof(filter));
        kit_demand(s->k, HAWSE_DEMAND_ADD, sub + 2, space, 0, nonsense, sizeof(nonsense));
    }
}

void script_tour(struct script *s, uint32_t rounds)
{
    for (uint32_t i = 0; i < rounds && s->k->ended == HAWSE_OK; i++) {
        script_push(s, 4);
        script_frames(s);
        kit_pass(s->k, 50 * KIT_MS);
    }
}
