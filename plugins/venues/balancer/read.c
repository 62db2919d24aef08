/* What the chain is asked of a pool, and what the answers mean; see balancer.h. */
#include "balancer.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

/* The first 4 bytes of keccak-256 of the functions' signatures. */
static const char *const selectors[ASKS] = {
    [ASK_FACTORY] = "6634b753",  /* isPoolFromFactory(address) */
    [ASK_TOKENS] = "f94d4668",   /* getPoolTokens(bytes32) */
    [ASK_FEE] = "55c67628",      /* getSwapFeePercentage() */
    [ASK_WEIGHTS] = "f89f27ed",  /* getNormalizedWeights() */
    [ASK_AMP] = "6daccffa",      /* getAmplificationParameter() */
    [ASK_PAUSED] = "1c0de051",   /* getPausedState() */
    [ASK_RECOVERY] = "b35056b8", /* inRecoveryMode() */
    [ASK_VAULT_PAUSED] = "1c0de051", [ASK_DECIMALS] = "313ce567",
    [ASK_SYMBOL] = "95d89b41",       [ASK_SCALING] = "1dd746ea", /* getScalingFactors() */
    [ASK_PROVIDERS] = "238a2d59",                                /* getRateProviders() */
    [ASK_CACHE] = "7f1260d1",                                    /* getTokenRateCache(address) */
    [ASK_RATE] = "679aefce",                                     /* getRate() */
};

/* ---- questions ---- */

static bool is_weighted(const struct pool *p)
{
    return p->kind == HAWSE_BAL_WEIGHTED || p->kind == HAWSE_BAL_WEIGHTED_2021;
}

static bool is_of_2021(const struct pool *p)
{
    return p->kind == HAWSE_BAL_WEIGHTED_2021 || p->kind == HAWSE_BAL_STABLE_2021;
}

uint32_t read_times(const struct venue *v, const struct venue_pool *base)
{
    const struct pool *p = (const struct pool *)base;
    switch (base->ask) {
    case ASK_FACTORY:
        return p->kind ? 0 : ((const struct balancer *)v)->factory_count;
    case ASK_WEIGHTS:
        return is_weighted(p);
    case ASK_AMP:
        return !is_weighted(p);
    case ASK_DECIMALS:
    case ASK_SYMBOL:
        return base->announced && !base->renew ? 0 : p->token_count; /* they don't change */
    case ASK_RECOVERY:
    case ASK_SCALING:
        return !is_of_2021(p);
    case ASK_PROVIDERS: /* a weighted pool has them for its own fees, not for its swaps */
        return p->kind == HAWSE_BAL_STABLE;
    case ASK_CACHE:
        return p->rated_count;
    case ASK_RATE:
        return p->stale_count;
    default:
        return 1;
    }
}

void read_question(const struct venue *v, const struct venue_pool *base, struct venue_question *q)
{
    const struct balancer *b = (const struct balancer *)v;
    const struct pool *p = (const struct pool *)base;
    uint32_t item = base->ask_item;
    char word[64];
    memset(word, '0', sizeof(word));
    switch (base->ask) {
    case ASK_FACTORY:
        q->to = b->factories[item].address;
        hawse_hex_encode(base->address, 20, word + 24);
        break;
    case ASK_TOKENS:
        q->to = b->vault;
        hawse_hex_encode(base->market, 32, word);
        break;
    case ASK_VAULT_PAUSED:
        q->to = b->vault;
        break;
    case ASK_DECIMALS:
    case ASK_SYMBOL:
        q->to = p->token[item].base.address;
        break;
    case ASK_CACHE:
        hawse_hex_encode(p->token[p->rated[item]].base.address, 20, word + 24);
        break;
    case ASK_RATE:
        q->to = p->token[p->stale[item]].provider;
        break;
    default:
        break;
    }
    bool with_word = base->ask == ASK_FACTORY || base->ask == ASK_TOKENS || base->ask == ASK_CACHE;
    (void)snprintf(q->data, sizeof(q->data), "%s%.*s", selectors[base->ask], with_word ? 64 : 0,
                   word);
}

/* ---- answers ---- */

/* The words of a dynamic array whose offset stands in word `at`; false when it doesn't fit. */
static bool array_at(const uint8_t *d, uint64_t len, uint64_t at, const uint8_t **words,
                     uint64_t *count)
{
    uint64_t offset = 0;
    if (len < 32 * (at + 1) || hawse_abi_u64(d + 32 * at, 64, &offset) != HAWSE_OK ||
        offset > len || len - offset < 32 || hawse_abi_u64(d + offset, 64, count) != HAWSE_OK ||
        *count > (len - offset - 32) / 32)
        return false;
    *words = d + offset + 32;
    return true;
}

static bool take_flag(uint32_t *flag, const uint8_t *d, uint64_t len)
{
    return len >= 32 && hawse_abi_bool(d, flag) == HAWSE_OK;
}

/* Is it the pool of the factory that was asked? After the last one that says no, it is nobody's. */
static enum venue_taken take_factory(struct venue *v, struct pool *p, const uint8_t *d,
                                     uint64_t len)
{
    const struct balancer *b = (const struct balancer *)v;
    uint32_t ours = 0;
    if (!take_flag(&ours, d, len))
        return ANSWER_BAD;
    if (!ours)
        return p->base.ask_item + 1 < b->factory_count ? ANSWER_TAKEN : ANSWER_FOREIGN;
    p->kind = b->factories[p->base.ask_item].kind;
    return venue_pool_listen(v, &p->base) == HAWSE_OK ? ANSWER_TAKEN : ANSWER_BAD;
}

/* (address[] tokens, uint256[] balances, uint256 lastChangeBlock) */
static enum venue_taken take_tokens(struct venue *v, struct pool *p, const uint8_t *d, uint64_t len)
{
    struct pool_state *state = p->base.state;
    const uint8_t *tokens, *balances;
    uint64_t count = 0, same = 0;
    if (!array_at(d, len, 0, &tokens, &count) || !array_at(d, len, 1, &balances, &same) ||
        count != same)
        return ANSWER_BAD;
    if (count < 2)
        return ANSWER_NOT_YET; /* until TokensRegistered */
    if (count > TOKENS_MAX) {
        venue_complain(v, "a pool has %llu tokens; at most %d are followed",
                       (unsigned long long)count, TOKENS_MAX);
        return ANSWER_FOREIGN;
    }
    p->own_token = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t address[20];
        if (hawse_abi_address(tokens + 32 * i, address) != HAWSE_OK)
            return ANSWER_BAD;
        if (count != p->token_count || memcmp(p->token[i].base.address, address, 20) != 0)
            p->base.renew = true; /* other tokens than before */
        if (memcmp(address, p->base.address, 20) == 0)
            p->own_token = i;
        memcpy(p->token[i].base.address, address, 20);
        hawse_u256_from_be(balances + 32 * i, &state->balance[i]);
    }
    p->token_count = (uint32_t)count;
    p->rated_count = p->stale_count = 0; /* what not every pool is asked, or answers */
    p->expires = UINT64_MAX;
    p->moving = false;
    state->recovery = 0;
    return ANSWER_TAKEN;
}

/* One number for each token: weights, or scalings. */
static bool take_numbers(struct pool *p, const uint8_t *d, uint64_t len, bool weights)
{
    const uint8_t *words;
    uint64_t count = 0;
    if (!array_at(d, len, 0, &words, &count) || count != p->token_count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        hawse_u256_from_be(words + 32 * i, weights ? &p->token[i].weight : &p->token[i].scaling);
    return true;
}

/* (uint256 value, bool isUpdating, uint256 precision) */
static bool take_amp(struct pool *p, const uint8_t *d, uint64_t len)
{
    struct pool_state *state = p->base.state;
    uint64_t value = 0, precision = 0;
    uint32_t moving = 0;
    if (len < 96 || hawse_abi_u64(d, 64, &value) != HAWSE_OK ||
        hawse_abi_bool(d + 32, &moving) != HAWSE_OK ||
        hawse_abi_u64(d + 64, 64, &precision) != HAWSE_OK || precision != HAWSE_BAL_AMP_PRECISION)
        return false;
    p->moving = moving != 0;
    state->amp = (struct amplification){value, value, 0, 0};
    return true;
}

/* 10^(36 - decimals): a token's scaling without a rate. */
static hawse_u256_t scaling_of(const struct token *t)
{
    hawse_u256_t ten = hawse_u256(10), scaling = hawse_u256(1);
    for (uint32_t n = t->base.decimals; n < 36; n++) {
        uint64_t wide[8];
        hawse_u256_mul(&scaling, &ten, wide);
        scaling = (hawse_u256_t){{wide[0], wide[1], wide[2], wide[3]}};
    }
    return scaling;
}

static bool take_decimals(struct token *t, const uint8_t *d, uint64_t len)
{
    if (!venue_take_decimals(&t->base, d, len, DECIMALS_MAX))
        return false;
    t->scaling = scaling_of(t);
    return true;
}

static bool take_providers(struct pool *p, const uint8_t *d, uint64_t len)
{
    static const uint8_t none[20];
    const uint8_t *words;
    uint64_t count = 0;
    if (!array_at(d, len, 0, &words, &count) || count != p->token_count)
        return false;
    p->rated_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (hawse_abi_address(words + 32 * i, p->token[i].provider) != HAWSE_OK)
            return false;
        if (i != p->own_token && memcmp(p->token[i].provider, none, 20) != 0)
            p->rated[p->rated_count++] = i;
    }
    return true;
}

/* (uint256 rate, uint256 oldRate, uint256 duration, uint256 expires) */
static bool take_cache(struct pool *p, const uint8_t *d, uint64_t len)
{
    uint64_t expires = 0;
    if (len < 128 || hawse_abi_u64(d + 96, 64, &expires) != HAWSE_OK)
        return false;
    if (expires < p->expires)
        p->expires = expires;
    if (p->base.ask_item == 0)
        p->stale_count = 0;
    if (p->base.read_time > expires)
        p->stale[p->stale_count++] = p->rated[p->base.ask_item];
    return true;
}

/* The rate that the next swap would cache: FixedPoint.mulDown of the scaling without one. */
static bool take_rate(struct token *t, const uint8_t *d, uint64_t len)
{
    hawse_u256_t rate, scaling = scaling_of(t), one = hawse_u256(1000000000000000000u);
    if (len < 32 || hawse_abi_uint(d, 96, &rate) != HAWSE_OK)
        return false;
    return hawse_u256_mul_div(&scaling, &rate, &one, 0, &t->scaling) == HAWSE_OK;
}

static bool take(struct pool *p, const uint8_t *d, uint64_t len)
{
    struct pool_state *state = p->base.state;
    uint32_t item = p->base.ask_item % TOKENS_MAX, flag = 0;
    switch (p->base.ask) {
    case ASK_FEE:
        return len >= 32 && hawse_abi_uint(d, 64, &state->swap_fee) == HAWSE_OK;
    case ASK_WEIGHTS:
    case ASK_SCALING:
        return take_numbers(p, d, len, p->base.ask == ASK_WEIGHTS);
    case ASK_AMP:
        return take_amp(p, d, len);
    case ASK_PAUSED:
        return take_flag(&state->paused, d, len);
    case ASK_RECOVERY:
        return take_flag(&state->recovery, d, len);
    case ASK_VAULT_PAUSED:
        if (!take_flag(&flag, d, len))
            return false;
        p->vault_paused = flag != 0;
        return true;
    case ASK_DECIMALS:
        return take_decimals(&p->token[item], d, len);
    case ASK_SYMBOL:
        venue_take_symbol(d, len, p->token[item].base.symbol);
        return true;
    case ASK_PROVIDERS:
        return take_providers(p, d, len);
    case ASK_CACHE:
        return take_cache(p, d, len);
    default:
        return take_rate(&p->token[p->stale[item]], d, len);
    }
}

enum venue_taken read_take(struct venue *v, struct venue_pool *base, const uint8_t *d, uint64_t len)
{
    struct pool *p = (struct pool *)base;
    if (base->ask == ASK_FACTORY)
        return take_factory(v, p, d, len);
    if (base->ask == ASK_TOKENS)
        return take_tokens(v, p, d, len);
    return take(p, d, len) ? ANSWER_TAKEN : ANSWER_BAD;
}
