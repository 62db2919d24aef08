/*
 * The venue of Balancer v3 from the inside: weighted pools by the logs of the one Vault. How pools
 * are followed and read stands in ../evm/venue.h; here is what makes them Balancer v3's.
 *
 *   v3.c    manifest, settings, the Vault's own events     pool.c  what a log does to a state
 *   read.c  questions and their answers                    emit.c  records out
 *
 * A pool counts in live balances: what the Vault has, at rates that providers give at the moment of
 * a swap and that move without a log; before a swap the Vault takes its part of what rates have
 * grown by. So a pool with a rate, or with a wrapper that the Vault has a buffer for, is read at
 * every block, and nothing of it is followed between two. Only a pool of plain tokens follows from
 * its logs.
 */
#ifndef BALANCER_V3_H
#define BALANCER_V3_H

#include "../evm/venue.h"

#include <hawse/amm/balancer_v3.h>

enum { TOKENS_MAX = HAWSE_BAL3_TOKENS_MAX, PAIRS_MAX = TOKENS_MAX * (TOKENS_MAX - 1) / 2 };
enum { POOLS_MAX = 256 };

/* All of the Vault; the second topic of all but the last two is the pool. */
enum topic {
    TOPIC_SWAP,
    TOPIC_ADDED,
    TOPIC_REMOVED,
    TOPIC_INITIALIZED,
    TOPIC_FEE,
    TOPIC_AGGREGATE_SWAP_FEE,
    TOPIC_AGGREGATE_YIELD_FEE,
    TOPIC_PAUSED,
    TOPIC_RECOVERY,
    TOPIC_VAULT_PAUSED,
    TOPIC_BUFFERS_PAUSED,
    TOPICS
};

struct pool_state {
    hawse_u256_t balance[TOKENS_MAX]; /* after the Vault's part of what rates have grown by */
    hawse_u256_t rate[TOKENS_MAX];
    hawse_u256_t assets[TOKENS_MAX]; /* of 10^27 shares; 0: no wrapper, or it has no buffer */
    hawse_u256_t swap_fee;
    hawse_u256_t aggregate_fee; /* the Vault's part of a swap's fee */
    uint32_t paused, recovery;
};

/* What is asked: state first, then what never changes. */
enum pool_ask {
    ASK_DATA,
    ASK_VAULT_PAUSED,
    ASK_BUFFERS_PAUSED,
    ASK_MIN_TRADE, /* from here on once */
    ASK_MIN_WRAP,
    ASK_WEIGHTS,
    ASK_MINIMUMS,
    ASK_DECIMALS, /* these four once for each token */
    ASK_SYMBOL,
    ASK_BUFFER,
    ASK_ASSET,
    ASK_ASSETS, /* of each wrapper with a buffer; state again */
    ASKS
};

struct token {
    struct venue_token base;
    hawse_u256_t factor, weight, minimum;
    uint8_t asset[20];
};

struct pool {
    struct venue_pool base; /* market: the pool's address, left-padded */
    uint32_t kind;          /* HAWSE_BAL3_... */
    uint32_t token_count;
    uint32_t vault_paused, buffers_paused;
    bool rated; /* a rate or a buffer: read at every block */
    struct token token[TOKENS_MAX];
    uint32_t wrapper[TOKENS_MAX], wrapper_count; /* tokens with a buffer */
    hawse_u256_t minimum_trade, minimum_wrap;
};

struct balancer_v3 {
    struct venue base;
    uint8_t vault[20];
};

/* pool.c */
struct venue_pool *pool_of(const struct venue *v, const hawse_evm_log_t *log, uint32_t topic);
bool pool_apply(const struct venue_pool *base, void *state, const hawse_evm_log_t *log,
                uint32_t topic);
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
        hawse_market_pool_live_t head;
        hawse_market_live_token_t token[TOKENS_MAX];
    } state;
};
void emit_infos(struct venue *v, const struct venue_pool *base);
void emit_log(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
              uint32_t topic, const hawse_event_t *cause);
void emit_state(struct venue *v, const struct venue_pool *base, const hawse_evm_log_t *log,
                const hawse_event_t *cause);

#endif
