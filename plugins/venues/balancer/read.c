/*
 * What must be asked of the chain: a pool's whole state, all of it at one block. A few questions at
 * a time, each pool's in order; a failure is asked again later. See balancer.h.
 */
#include "balancer.h"

#include <hawse/abi.h>
#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

enum { BUSY_MAX = 16, RETRY_MS = 150, FAILURES_MAX = 8 };

/* Selectors of the view functions: the first 4 bytes of keccak-256 of their signatures. */
static const char *const selectors[ASKS] = {
    [ASK_TOKENS] = "f94d4668",   [ASK_FEE] = "55c67628",    [ASK_WEIGHTS] = "f89f27ed",
    [ASK_AMP] = "6daccffa",      [ASK_PAUSED] = "1c0de051", [ASK_VAULT_PAUSED] = "1c0de051",
    [ASK_DECIMALS] = "313ce567", [ASK_SYMBOL] = "95d89b41", [ASK_SCALING] = "1dd746ea"};

static const hawse_evm_log_t *early_log(const struct pool *p, uint32_t i)
{
    return (const hawse_evm_log_t *)(const void *)(p->early + (uint64_t)i * VENUE_ANSWER_MAX);
}

static bool is_weighted(const struct pool *p)
{
    return p->kind == HAWSE_BAL_WEIGHTED || p->kind == HAWSE_BAL_WEIGHTED_2021;
}

static bool is_of_2021(const struct pool *p)
{
    return p->kind == HAWSE_BAL_WEIGHTED_2021 || p->kind == HAWSE_BAL_STABLE_2021;
}

static bool applies(const struct pool *p)
{
    switch (p->ask) {
    case ASK_WEIGHTS:
        return is_weighted(p);
    case ASK_AMP:
        return !is_weighted(p);
    case ASK_DECIMALS:
    case ASK_SYMBOL:
        return !p->announced; /* they don't change */
    case ASK_SCALING:
        return !is_of_2021(p);
    default:
        return true;
    }
}

/* The next question: each token's own, then the next kind; false after the last one. */
static bool advance(struct pool *p)
{
    bool per_token = p->ask == ASK_DECIMALS || p->ask == ASK_SYMBOL;
    if (per_token && ++p->ask_token < p->token_count)
        return true;
    p->ask_token = 0;
    do
        p->ask = (enum pool_ask)(p->ask + 1);
    while (p->ask < ASKS && !applies(p));
    return p->ask < ASKS;
}

static const uint8_t *target_of(const struct balancer *b, const struct pool *p)
{
    if (p->ask == ASK_TOKENS || p->ask == ASK_VAULT_PAUSED)
        return b->vault;
    if (p->ask == ASK_DECIMALS || p->ask == ASK_SYMBOL)
        return p->token[p->ask_token].address;
    return p->id; /* begins with the address */
}

static bool call(struct balancer *b, struct pool *p)
{
    char data[80], id[64];
    if (p->ask == ASK_TOKENS) {
        p->read_block = b->head_number;
        memcpy(p->read_hash, b->head_hash, 32);
    }
    hawse_hex_encode(p->id, 32, id);
    (void)snprintf(data, sizeof(data), "%s%.*s", selectors[p->ask], p->ask == ASK_TOKENS ? 64 : 0,
                   id);
    int32_t code = venue_call(b->host, b->self, b->rpc, target_of(b, p), data, p->read_hash,
                              (uint64_t)(p - b->pools), &p->request);
    if (code == HAWSE_OK)
        return true;
    p->request = 0;
    balancer_complain(b,
                      "eth_call could not be asked (%d): is rpc granted, and has the chain "
                      "instance an endpoint \"http\"?",
                      code);
    return false;
}

void read_next(struct balancer *b)
{
    uint64_t now = b->host->now(b->host, HAWSE_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < b->pool_count && b->busy < BUSY_MAX && b->head_known; i++) {
        struct pool *p = &b->pools[i];
        if (p->phase == POOL_FOLLOWED || p->request || now < p->retry_ns)
            continue;
        p->phase = POOL_READING;
        if (call(b, p))
            b->busy++;
        else
            p->retry_ns = now + (uint64_t)RETRY_MS * 1000000u;
    }
}

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

/* (address[] tokens, uint256[] balances, uint256 lastChangeBlock) */
static bool take_tokens(struct pool *p, const uint8_t *d, uint64_t len)
{
    const uint8_t *tokens, *balances;
    uint64_t count = 0, same = 0;
    if (!array_at(d, len, 0, &tokens, &count) || !array_at(d, len, 1, &balances, &same) ||
        count != same || count < 2 || count > TOKENS_MAX)
        return false;
    p->own_token = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t address[20];
        if (hawse_abi_address(tokens + 32 * i, address) != HAWSE_OK)
            return false;
        if (i >= p->token_count || memcmp(p->token[i].address, address, 20) != 0)
            p->announced = false; /* other tokens than before */
        if (memcmp(address, p->id, 20) == 0)
            p->own_token = i;
        memcpy(p->token[i].address, address, 20);
        hawse_u256_from_be(balances + 32 * i, &p->state.balance[i]);
    }
    p->token_count = (uint32_t)count;
    return true;
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
    uint64_t value = 0, precision = 0;
    uint32_t moving = 0;
    if (len < 96 || hawse_abi_u64(d, 64, &value) != HAWSE_OK ||
        hawse_abi_bool(d + 32, &moving) != HAWSE_OK ||
        hawse_abi_u64(d + 64, 64, &precision) != HAWSE_OK || precision != HAWSE_BAL_AMP_PRECISION)
        return false;
    p->moving = moving != 0;
    p->state.amp = (struct amplification){value, value, 0, 0};
    return true;
}

static bool take_decimals(struct token *t, const uint8_t *d, uint64_t len)
{
    uint64_t n = 0;
    hawse_u256_t ten = hawse_u256(10);
    if (len < 32 || hawse_abi_u64(d, 8, &n) != HAWSE_OK || n > 18)
        return false;
    t->decimals = (uint32_t)n;
    t->scaling = hawse_u256(1); /* 10^(36 - decimals): what it is without a rate */
    for (; n < 36; n++) {
        uint64_t wide[8];
        hawse_u256_mul(&t->scaling, &ten, wide);
        t->scaling = (hawse_u256_t){{wide[0], wide[1], wide[2], wide[3]}};
    }
    return true;
}

static bool take_paused(bool *paused, const uint8_t *d, uint64_t len)
{
    uint32_t n = 0;
    if (len < 32 || hawse_abi_bool(d, &n) != HAWSE_OK)
        return false;
    *paused = n != 0;
    return true;
}

static bool take(struct pool *p, const uint8_t *d, uint64_t len)
{
    switch (p->ask) {
    case ASK_TOKENS:
        return take_tokens(p, d, len);
    case ASK_FEE:
        return len >= 32 && hawse_abi_uint(d, 64, &p->state.swap_fee) == HAWSE_OK;
    case ASK_WEIGHTS:
    case ASK_SCALING:
        return take_numbers(p, d, len, p->ask == ASK_WEIGHTS);
    case ASK_AMP:
        return take_amp(p, d, len);
    case ASK_PAUSED:
        return take_paused(&p->paused, d, len);
    case ASK_VAULT_PAUSED:
        return take_paused(&p->vault_paused, d, len);
    case ASK_DECIMALS:
        return take_decimals(&p->token[p->ask_token], d, len);
    default:
        venue_symbol(d, len, p->token[p->ask_token].symbol);
        return true;
    }
}

/* Tells what the pool is, and the trades that waited for it. */
static void announce(struct balancer *b, struct pool *p, uint32_t early)
{
    emit_infos(b, p);
    p->announced = true;
    p->told_from = p->read_block;
    for (uint32_t i = 0; i < early; i++) {
        const hawse_evm_log_t *log = early_log(p, i);
        if (log->block_number > p->told_from && pool_topic(b, log) == TOPIC_SWAP)
            emit_trade(b, p, log, NULL);
    }
}

/* The state is there: what happened meanwhile is applied to it. */
static void follow(struct balancer *b, struct pool *p)
{
    uint32_t count = p->early_count;
    p->phase = POOL_FOLLOWED;
    p->ask = ASK_TOKENS;
    p->steps = p->forgotten = 0;
    p->early_count = 0;
    if (!p->announced)
        announce(b, p, count);
    for (uint32_t i = 0; i < count; i++) {
        const hawse_evm_log_t *log = early_log(p, i);
        if (log->block_number > p->read_block && !pool_apply(p, log, pool_topic(b, log))) {
            pool_unread(b, p);
            return;
        }
    }
    emit_state(b, p, NULL, NULL);
}

void read_answer(struct balancer *b, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    uint8_t data[VENUE_ANSWER_MAX];
    uint64_t len = 0;
    memcpy(&done, event->data, sizeof(done));
    if (done.tag >= b->pool_count || b->pools[done.tag].request != done.request)
        return;
    struct pool *p = &b->pools[done.tag];
    p->request = 0;
    b->busy--;
    bool optional = p->ask == ASK_SYMBOL;
    bool good = done.status == HAWSE_OK && venue_answer(event, data, &len) && take(p, data, len);
    if (good || (optional && venue_reverted(event))) {
        p->failures = 0;
        if (!advance(p))
            follow(b, p);
        return;
    }
    p->retry_ns = b->host->now(b->host, HAWSE_CLOCK_MONOTONIC) + (uint64_t)RETRY_MS * 1000000u;
    if (++p->failures < FAILURES_MAX)
        return; /* the same question again */
    p->failures = 0;
    if (done.status == HAWSE_OK || done.status == HAWSE_E_REMOTE)
        balancer_complain(b,
                          "a pool does not answer as its kind does (question %d): are id and kind "
                          "right?",
                          (int)p->ask);
    pool_unread(b, p); /* its block may be gone: all anew */
}
