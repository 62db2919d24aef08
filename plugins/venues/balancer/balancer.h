/*
 * The balancer venue from the inside: weighted and stable pools of Balancer v2. How pools are
 * followed, read and found stands in ../evm/venue.h; here is what makes them Balancer's.
 *
 *   balancer.c  manifest, settings, the Vault's own events     pool.c  what a log does to a state
 *   read.c      questions and their answers                    emit.c  records out
 *
 * Trades and balances come from the Vault, fees, amplifications, pauses and rates from each pool.
 * Rates that a pool has cached belong to what is read; when a cache has run out, the next swap asks
 * the rate provider first, and so do we, at every block until the pool has a new one. A composable
 * pool's own share is a token of the pool like any other, with trades of its own; quotes leave it
 * out.
 */
#ifndef BALANCER_H
#define BALANCER_H

#include "../evm/venue.h"

#include <hawse/amm/balancer.h>

enum { TOKENS_MAX = 8, PAIRS_MAX = TOKENS_MAX * (TOKENS_MAX - 1) / 2 };
enum { POOLS_MAX = 4096, FACTORIES_MAX = 16, DECIMALS_MAX = 18 };

enum topic {
    TOPIC_POOL, /* of the Vault */
    TOPIC_SWAP,
    TOPIC_BALANCE,
    TOPIC_MANAGED,
    TOPIC_REGISTERED,
    TOPIC_DEREGISTERED,
    TOPIC_PAUSED, /* of the Vault and of pools */
    TOPIC_FEE,    /* of pools */
    TOPIC_AMP_STARTED,
    TOPIC_AMP_STOPPED,
    TOPIC_RATE,
    TOPIC_PROVIDER,
    TOPIC_RECOVERY,
    TOPICS
};

/* Amplification, times 1,000, between two times in seconds. */
struct amplification {
    uint64_t from, to, begins, ends;
};

struct pool_state {
    hawse_u256_t balance[TOKENS_MAX];
    hawse_u256_t swap_fee;
    struct amplification amp;
    uint32_t paused, recovery;
};

/* What is asked. */
enum pool_ask {
    ASK_FACTORY, /* of each configured factory: is it yours? */
    ASK_TOKENS,  /* from here on: state */
    ASK_FEE,
    ASK_WEIGHTS,
    ASK_AMP,
    ASK_PAUSED,
    ASK_RECOVERY,
    ASK_VAULT_PAUSED,
    ASK_DECIMALS, /* these two once for each token */
    ASK_SYMBOL,   /* for show: a pool does not wait for it */
    ASK_SCALING,  /* after the decimals, from which the pools of 2021 have it */
    ASK_PROVIDERS,
    ASK_CACHE, /* of each token with a rate provider */
    ASK_RATE,  /* of each whose cached rate has run out */
    ASKS
};

struct token {
    struct venue_token base;
    hawse_u256_t scaling, weight;
    uint8_t provider[20];
};

struct pool {
    struct venue_pool base; /* market: the pool's id, which begins with its address */
    uint32_t kind;          /* HAWSE_BAL_...; 0 = a factory is still to say so */
    uint32_t token_count;
    uint32_t own_token; /* UINT32_MAX = none */
    bool vault_paused;
    bool moving; /* the amplification's line is not known */
    struct token token[TOKENS_MAX];
    uint32_t rated[TOKENS_MAX], rated_count; /* tokens with a rate provider */
    uint32_t stale[TOKENS_MAX], stale_count; /* of them, with a cache that has run out */
    uint64_t expires;                        /* seconds; the first cache to run out */
};

struct factory {
    uint8_t address[20];
    uint32_t kind;
};

struct balancer {
    struct venue base;
    uint8_t vault[20];
    struct factory factories[FACTORIES_MAX];
    uint32_t factory_count;
};

/* pool.c */
/* The pool that a log speaks of, by its id or its address; NULL = none that is followed. */
struct venue_pool *pool_of(const struct venue *v, const hawse_evm_log_t *log, uint32_t topic);
bool pool_apply(const struct venue_pool *base, void *state, const hawse_evm_log_t *log,
                uint32_t topic);
/* Is what was read another one in this block? */
bool pool_outdated(const struct venue_pool *base, const hawse_evm_block_t *block);
/* The index of a token, or token_count. */
uint32_t pool_token(const struct pool *p, const uint8_t word[32]);

/* read.c */
uint32_t read_times(const struct venue *v, const struct venue_pool *base);
void read_question(const struct venue *v, const struct venue_pool *base, struct venue_question *q);
enum venue_taken read_take(struct venue *v, struct venue_pool *base, const uint8_t *d,
                           uint64_t len);

/* emit.c */
/* The largest record, for the queue. */
union record {
    hawse_market_info_t info;
    hawse_market_trade_t trade;
    struct {
        hawse_market_pool_tokens_t head;
        hawse_market_pool_token_t token[TOKENS_MAX];
    } state;
};
void emit_infos(struct venue *v, const struct venue_pool *base);
void emit_log(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
              uint32_t topic, const hawse_event_t *cause);
void emit_state(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
                const hawse_event_t *cause);

#endif
