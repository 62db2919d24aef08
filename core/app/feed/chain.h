/*
 * The chain that a feed plays, as far as it has been played: blocks, their logs, and the state of
 * each pool, so that questions by JSON-RPC get the answers a node would give at that moment.
 */
#ifndef CORE_APP_FEED_CHAIN_H
#define CORE_APP_FEED_CHAIN_H

#include "app/feed/sample.h"

struct feed_vault_state;

struct feed_pool_state {
    char price[65], tick[65], fee[65]; /* 32-byte words as hex digits */
    unsigned __int128 liquidity;
    int32_t tick_number;
};

struct feed_block {
    json_t *header;
    json_t *logs;                   /* array */
    struct feed_pool_state *states; /* after this block; one per pool */
    struct feed_vault_state *vault; /* the same of Balancer's pools */
};

struct feed_chain {
    const struct sample *sample;
    struct feed_block *blocks; /* by number, from start_number on */
    size_t count, cap;
    size_t pool_count, vault_pools;
    json_t *early; /* logs that came before the head of their block */
};

int32_t feed_chain_create(const struct sample *sample, struct feed_chain **out,
                          struct fault *fault);
void feed_chain_destroy(struct feed_chain *chain);
/* Takes the next notification: a head extends or replaces, a log is added or removed. */
int32_t feed_chain_apply(struct feed_chain *chain, json_t *result, bool is_head);

uint64_t feed_chain_head(const struct feed_chain *chain);
/* The block of that number or hash, or NULL. */
const struct feed_block *feed_chain_block(const struct feed_chain *chain, uint64_t number);
const struct feed_block *feed_chain_block_by_hash(const struct feed_chain *chain, const char *hash);
/* Does the log match {address, topics} as eth_getLogs and eth_subscribe understand them? */
bool feed_log_matches(const json_t *log, const json_t *filter);
/* eth_call of the pool's and token's view functions: hex text, or NULL when nothing answers to it.
 */
char *feed_chain_call(const struct feed_chain *chain, const char *to, const char *data,
                      uint64_t number);

#endif
