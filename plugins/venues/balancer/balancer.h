/*
 * The balancer venue from the inside: weighted and stable pools of Balancer v2, followed by the
 * logs of the Vault and of each pool.
 *
 *   balancer.c  the table: settings, subscriptions, events   pool.c  a pool's state and its history
 *   read.c      what is asked of the chain by eth_call       emit.c  events out
 *
 * A pool's state is read once, all of it at one block, and from then on follows from its logs; a
 * log that is taken back takes the state back with it. What cannot be followed (rates, an
 * amplification that was found moving, tokens registered anew) is read anew. A composable pool's
 * own share is a token of the pool like any other, with trades of its own; quotes leave it out.
 */
#ifndef BALANCER_H
#define BALANCER_H

#include "../evm/venue.h"

#include <hawse/amm/balancer.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/stream.h>

enum { TOKENS_MAX = 8, PAIRS_MAX = TOKENS_MAX * (TOKENS_MAX - 1) / 2 };
enum { HISTORY = 256, EARLY_MAX = 64, POOLS_MAX = 256, OUT_MAX = PAIRS_MAX + EARLY_MAX + 2 };

enum topic {
    TOPIC_SWAP, /* of the Vault */
    TOPIC_BALANCE,
    TOPIC_MANAGED,
    TOPIC_REGISTERED,
    TOPIC_DEREGISTERED,
    TOPIC_PAUSED, /* of the Vault and of pools */
    TOPIC_FEE,    /* of pools */
    TOPIC_AMP_STARTED,
    TOPIC_AMP_STOPPED,
    TOPIC_RATE,
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
};

/* The state before a log, to go back to. */
struct pool_step {
    struct pool_state before;
    uint64_t block;
    uint8_t block_hash[32];
    uint32_t log_index;
    uint32_t reserved;
};

struct token {
    uint8_t address[20];
    char symbol[VENUE_SYMBOL];
    uint32_t decimals;
    hawse_u256_t scaling, weight;
};

enum pool_phase { POOL_UNREAD, POOL_READING, POOL_FOLLOWED };

/* What is asked, one after the other; the last two once for each token. */
enum pool_ask {
    ASK_TOKENS,
    ASK_FEE,
    ASK_WEIGHTS,
    ASK_AMP,
    ASK_PAUSED,
    ASK_VAULT_PAUSED,
    ASK_DECIMALS,
    ASK_SYMBOL,  /* for show: a pool does not wait for it */
    ASK_SCALING, /* after the decimals, from which the pools of 2021 have it */
    ASKS
};

struct pool {
    uint8_t id[32]; /* begins with the pool's address */
    uint64_t key;
    uint32_t kind; /* HAWSE_BAL_... */
    uint32_t token_count;
    uint32_t own_token;                /* UINT32_MAX = none */
    bool paused, vault_paused, moving; /* moving: the amplification's line is not known */
    bool announced;
    struct token token[TOKENS_MAX];
    enum pool_phase phase;
    enum pool_ask ask;
    uint32_t ask_token;
    uint32_t failures; /* of this question */
    hawse_request_t request;
    uint64_t told_from;  /* trades are told of later blocks */
    uint64_t read_block; /* the block of the state that was read */
    uint8_t read_hash[32];
    uint64_t retry_ns;
    struct pool_state state;
    struct pool_step *history; /* ring of HISTORY: newest at (steps - 1) */
    uint64_t steps, forgotten; /* steps so far; those no longer in the ring */
    uint8_t *early;            /* logs that came while the state was being read */
    uint32_t early_count;
};

/* One event that waits for room, or is being built. */
struct out {
    hawse_event_t event;
    union {
        hawse_market_info_t info;
        hawse_market_trade_t trade;
        struct {
            hawse_market_pool_tokens_t head;
            hawse_market_pool_token_t token[TOKENS_MAX];
        } state;
    } record;
};

struct balancer {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_rpc_service_t *rpc;
    const hawse_timer_service_t *timers;
    uint32_t chain; /* source */
    uint8_t vault[20];
    struct pool *pools;
    uint32_t pool_count;
    uint8_t topics[TOPICS][32];
    uint64_t chain_id, head_number;
    uint8_t head_hash[32];
    bool head_known;
    struct out out[OUT_MAX];
    uint32_t out_count, out_next;
    bool resume; /* the first event of the next batch is done but for its output */
    uint64_t complaint_ns;
    uint32_t busy; /* requests under way */
    hawse_timer_t tick;
};

#define balancer_complain(b, ...) \
    venue_complain((b)->host, (b)->self, &(b)->complaint_ns, __VA_ARGS__)

/* pool.c */
enum topic pool_topic(const struct balancer *b, const hawse_evm_log_t *log);
/* The pool that a log speaks of, by its id or its address; NULL = none that is followed. */
struct pool *pool_of(const struct balancer *b, const hawse_evm_log_t *log);
/* Applies one log to the state; false when it can't be followed: the pool is to be read anew. */
bool pool_apply(struct pool *p, const hawse_evm_log_t *log, enum topic topic);
/* Goes back before the log; false when the history does not reach there. */
bool pool_undo(struct pool *p, const hawse_evm_log_t *log);
/* Is the log older than the newest one that was applied? */
bool pool_is_late(const struct pool *p, const hawse_evm_log_t *log);
void pool_unread(struct balancer *b, struct pool *p);
/* The index of a token, or token_count. */
uint32_t pool_token(const struct pool *p, const uint8_t word[32]);

/* emit.c */
void emit_infos(struct balancer *b, const struct pool *p);
/* cause: the log's event, or NULL when it waited for the pool to be read. */
void emit_trade(struct balancer *b, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause);
void emit_state(struct balancer *b, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause);
bool emit_flush(struct balancer *b); /* false: no room */

/* read.c */
void read_next(struct balancer *b);
void read_answer(struct balancer *b, const hawse_event_t *event);

#endif
