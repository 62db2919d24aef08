/* What the chain is asked of a pool, and what the answers mean; see v3.h. */
#include "v3.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

/* The first 4 bytes of keccak-256 of the functions' signatures. */
static const char *const selectors[ASKS] = {
    [ASK_DATA] = "13d21cdf",           /* getPoolData(address) */
    [ASK_VAULT_PAUSED] = "098401f5",   /* isVaultPaused() */
    [ASK_BUFFERS_PAUSED] = "55cba7fe", /* areBuffersPaused() */
    [ASK_MIN_TRADE] = "e2cb0ba0",      /* getMinimumTradeAmount() */
    [ASK_MIN_WRAP] = "53956aa2",       /* getMinimumWrapAmount() */
    [ASK_WEIGHTS] = "f89f27ed",        /* getNormalizedWeights() */
    [ASK_MINIMUMS] = "d67f280b",       /* getMinTokenBalances() */
    [ASK_DECIMALS] = "313ce567",       [ASK_SYMBOL] = "95d89b41",
    [ASK_BUFFER] = "6844846b", /* isERC4626BufferInitialized(address) */
    [ASK_ASSET] = "38d52e0f",          [ASK_ASSETS] = "07a2d13a", /* convertToAssets(uint256) */
};

/* ---- questions ---- */

uint32_t read_times(const struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    bool known = base->announced && !base->renew;
    (void)v;
    switch (base->ask) {
    case ASK_DATA:
    case ASK_VAULT_PAUSED:
        return 1;
    case ASK_BUFFERS_PAUSED:
        return !known || p->wrapper_count > 0;
    case ASK_DECIMALS:
    case ASK_SYMBOL:
    case ASK_BUFFER:
        return known ? 0 : p->token_count;
    case ASK_ASSET:
        return known ? 0 : p->wrapper_count;
    case ASK_ASSETS:
        return p->wrapper_count;
    default:
        return !known;
    }
}

void read_question(const struct venue *v, const struct venue_pool *base, struct venue_question *q)
{
    const struct pool *p = (const struct pool *)base;
    uint32_t item = base->ask_item;
    char word[64];
    memset(word, '0', sizeof(word));
    q->to = ((const struct balancer_v3 *)v)->vault;
    switch (base->ask) {
    case ASK_DATA:
        hawse_hex_encode(base->address, 20, word + 24);
        break;
    case ASK_WEIGHTS:
    case ASK_MINIMUMS:
        q->to = base->address;
        break;
    case ASK_DECIMALS:
    case ASK_SYMBOL:
        q->to = p->token[item].base.address;
        break;
    case ASK_BUFFER:
        hawse_hex_encode(p->token[item].base.address, 20, word + 24);
        break;
    case ASK_ASSET:
        q->to = p->token[p->wrapper[item]].base.address;
        break;
    case ASK_ASSETS:
        q->to = p->token[p->wrapper[item]].base.address;
        memcpy(word + 41, "33b2e3c9fd0803ce8000000", 23); /* 10^27 */
        break;
    default:
        break;
    }
    bool with_word = base->ask == ASK_DATA || base->ask == ASK_BUFFER || base->ask == ASK_ASSETS;
    (void)snprintf(q->data, sizeof(q->data), "%s%.*s", selectors[base->ask], with_word ? 64 : 0,
                   word);
}

/* ---- answers ---- */

static bool take_flag(uint32_t *flag, const uint8_t *d, uint64_t len)
{
    return len >= 32 && hawse_abi_bool(d, flag) == HAWSE_OK;
}

static bool take_number(hawse_u256_t *n, uint32_t bits, const uint8_t *d, uint64_t len)
{
    return len >= 32 && hawse_abi_uint(d, bits, n) == HAWSE_OK;
}

/* The items, of `words` words each, of the array whose offset stands in word `at`; NULL when it
 * does not fit. */
static const uint8_t *list_at(const uint8_t *d, uint64_t len, uint64_t at, uint64_t words,
                              uint64_t *count)
{
    uint64_t offset = 0;
    if (len < 32 * (at + 1) || hawse_abi_u64(d + 32 * at, 64, &offset) != HAWSE_OK ||
        offset > len || len - offset < 32 || hawse_abi_u64(d + offset, 64, count) != HAWSE_OK ||
        *count > (len - offset - 32) / (32 * words))
        return NULL;
    return d + offset + 32;
}

/* Bits of the pool's configuration (PoolConfigConst). */
enum {
    BIT_PAUSED = 2,
    BIT_RECOVERY = 3,
    BIT_DYNAMIC_FEE = 11,
    BIT_BEFORE_SWAP = 12,
    BIT_AFTER_SWAP = 13,
    BIT_SWAP_FEE = 18,
    BIT_AGGREGATE_FEE = 42,
    FEE_UNIT = 24 /* bits of a fee, in units of 10^-7 */
};

static uint64_t bits(const hawse_u256_t *config, uint32_t from, uint32_t count)
{
    hawse_u256_t shifted;
    hawse_u256_shift_right(config, from, &shifted);
    return shifted.limb[0] & ((1ull << count) - 1);
}

static hawse_u256_t fee_at(const hawse_u256_t *config, uint32_t from)
{
    return hawse_u256(bits(config, from, FEE_UNIT) * 100000000000u);
}

/* (address[] tokens, (uint8 type, address provider, bool paysYieldFees)[], uint256[] balancesRaw,
 * uint256[] balancesLive, uint256[] rates, uint256[] factors), of which four matter */
struct lists {
    const uint8_t *tokens, *info, *balances, *rates, *factors;
    uint64_t count;
};

static bool find_lists(const uint8_t *d, uint64_t len, struct lists *l)
{
    uint64_t n[4] = {0};
    l->tokens = list_at(d, len, 1, 1, &l->count);
    l->info = list_at(d, len, 2, 3, &n[0]);
    l->balances = list_at(d, len, 3, 1, &n[1]);
    l->rates = list_at(d, len, 5, 1, &n[2]);
    l->factors = list_at(d, len, 6, 1, &n[3]);
    if (!l->tokens || !l->info || !l->balances || !l->rates || !l->factors)
        return false;
    for (int i = 0; i < 4; i++) {
        if (n[i] != l->count)
            return false;
    }
    return l->count >= 2 && l->count <= TOKENS_MAX;
}

/* One token's part of the pool's data. */
static bool take_token(struct pool *p, const struct lists *l, uint32_t i)
{
    static const hawse_u256_t one = {{1000000000000000000u, 0, 0, 0}};
    struct pool_state *state = p->base.state;
    struct token *t = &p->token[i];
    uint8_t address[20];
    if (hawse_abi_address(l->tokens + 32 * i, address) != HAWSE_OK ||
        hawse_abi_uint(l->balances + 32 * i, 128, &state->balance[i]) != HAWSE_OK ||
        hawse_abi_uint(l->rates + 32 * i, 128, &state->rate[i]) != HAWSE_OK ||
        hawse_abi_uint(l->factors + 32 * i, 64, &t->factor) != HAWSE_OK)
        return false;
    if (l->count != p->token_count || memcmp(t->base.address, address, 20) != 0)
        p->base.renew = true;
    memcpy(t->base.address, address, 20);
    hawse_u256_t type;
    hawse_u256_from_be(l->info + 96 * i, &type);
    if (!hawse_u256_is_zero(&type) || hawse_u256_compare(&state->rate[i], &one) != 0)
        p->rated = true;
    return true;
}

/* PoolData, a tuple; the configuration comes first. */
static enum venue_taken take_data(struct venue *v, struct pool *p, const uint8_t *d, uint64_t len)
{
    struct pool_state *state = p->base.state;
    struct lists l = {.count = 0};
    hawse_u256_t config;
    uint64_t offset = 0;
    if (len < 64 || hawse_abi_u64(d, 64, &offset) != HAWSE_OK || offset != 32 ||
        !find_lists(d + 32, len - 32, &l))
        return ANSWER_BAD;
    hawse_u256_from_be(d + 32, &config);
    if (bits(&config, BIT_DYNAMIC_FEE, 3) != 0) {
        venue_complain(v, "a pool has hooks on its swaps, which nothing outside can foresee: it is "
                          "not followed");
        return ANSWER_FOREIGN;
    }
    state->paused = bits(&config, BIT_PAUSED, 1) != 0;
    state->recovery = bits(&config, BIT_RECOVERY, 1) != 0;
    state->swap_fee = fee_at(&config, BIT_SWAP_FEE);
    state->aggregate_fee = fee_at(&config, BIT_AGGREGATE_FEE);
    p->rated = p->wrapper_count > 0;
    for (uint32_t i = 0; i < l.count; i++) {
        if (!take_token(p, &l, i))
            return ANSWER_BAD;
    }
    p->token_count = (uint32_t)l.count;
    if (!p->base.announced || p->base.renew) {
        p->kind = HAWSE_BAL3_WEIGHTED;
        p->wrapper_count = 0;
    }
    return ANSWER_TAKEN;
}

/* One number for each token. Only later pools have least balances. */
static bool take_numbers(struct pool *p, const uint8_t *d, uint64_t len, bool weights)
{
    uint64_t count = 0;
    const uint8_t *words = list_at(d, len, 0, 1, &count);
    if (!words || count != p->token_count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct token *t = &p->token[i];
        if (hawse_abi_uint(words + 32 * i, 128, weights ? &t->weight : &t->minimum) != HAWSE_OK)
            return false;
    }
    if (!weights)
        p->kind = HAWSE_BAL3_WEIGHTED_MIN;
    return true;
}

/* Has the Vault a buffer of the token? */
static bool take_buffer(struct pool *p, uint32_t item, const uint8_t *d, uint64_t len)
{
    uint32_t there = 0;
    if (!take_flag(&there, d, len))
        return false;
    if (item == 0)
        p->wrapper_count = 0;
    if (there && p->wrapper_count < TOKENS_MAX) {
        p->wrapper[p->wrapper_count++] = item;
        p->rated = true;
    }
    return true;
}

static bool take(struct pool *p, const uint8_t *d, uint64_t len)
{
    struct pool_state *state = p->base.state;
    uint32_t item = p->base.ask_item % TOKENS_MAX;
    switch (p->base.ask) {
    case ASK_VAULT_PAUSED:
        return take_flag(&p->vault_paused, d, len);
    case ASK_BUFFERS_PAUSED:
        return take_flag(&p->buffers_paused, d, len);
    case ASK_MIN_TRADE:
        return take_number(&p->minimum_trade, 128, d, len);
    case ASK_MIN_WRAP:
        return take_number(&p->minimum_wrap, 128, d, len);
    case ASK_WEIGHTS:
    case ASK_MINIMUMS:
        return take_numbers(p, d, len, p->base.ask == ASK_WEIGHTS);
    case ASK_DECIMALS:
        return venue_take_decimals(&p->token[item].base, d, len, 18);
    case ASK_SYMBOL:
        venue_take_symbol(d, len, p->token[item].base.symbol);
        return true;
    case ASK_BUFFER:
        return take_buffer(p, item, d, len);
    case ASK_ASSET:
        return len >= 32 && hawse_abi_address(d, p->token[p->wrapper[item]].asset) == HAWSE_OK;
    default:
        return take_number(&state->assets[p->wrapper[item]], 128, d, len);
    }
}

enum venue_taken read_take(struct venue *v, struct venue_pool *base, const uint8_t *d, uint64_t len)
{
    struct pool *p = (struct pool *)base;
    if (base->ask == ASK_DATA)
        return take_data(v, p, d, len);
    return take(p, d, len) ? ANSWER_TAKEN : ANSWER_BAD;
}
