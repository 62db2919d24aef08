/*
 * The swapr venue from the inside: pools of Algebra V1.9 (Swapr v3 on Gnosis Chain), followed by
 * their logs.
 *
 *   swapr.c  the table: settings, subscriptions, events    pool.c  a pool's state and its history
 *   read.c   what is asked of the chain by eth_call        emit.c  events out
 *   discover.c  pools by their factory                     settings.c  the configuration
 *
 * A pool's state is read once, at a block, and from then on follows from its logs; a log that is
 * taken back takes the state back with it. What cannot be followed is read anew.
 */
#ifndef SWAPR_H
#define SWAPR_H

#include "../evm/venue.h"

#include <hawse/hawse.h>
#include <hawse/service/rpc.h>
#include <hawse/service/sub.h>
#include <hawse/service/timer.h>
#include <hawse/space/evm.h>
#include <hawse/space/host.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <stdbool.h>

enum { HISTORY = 256, EARLY_MAX = 64, OUT_MAX = 2, POOLS_MAX = 4096 };
#define SWAPR_TAG_DISCOVER UINT64_MAX /* of requests; pools use their index */

/* The topics of a pool's events. */
enum topic {
    TOPIC_SWAP,
    TOPIC_MINT,
    TOPIC_BURN,
    TOPIC_INITIALIZE,
    TOPIC_FEE,
    TOPIC_SPACING,
    TOPICS
};

struct pool_state {
    hawse_u256_t sqrt_price;
    hawse_u256_t liquidity;
    int32_t tick;
    uint32_t fee_ppm;
    uint32_t tick_spacing;
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
    char symbol[16];
    uint32_t decimals;
    bool known;
};

enum pool_phase { POOL_UNREAD, POOL_READING, POOL_FOLLOWED };

/* What is asked of the chain, one after the other. */
enum pool_ask {
    ASK_TOKEN0,
    ASK_TOKEN1,
    ASK_DECIMALS0,
    ASK_DECIMALS1,
    ASK_SYMBOL0,
    ASK_SYMBOL1,
    ASK_SPACING, /* from here on: state, all at one block */
    ASK_STATE,
    ASK_LIQUIDITY,
    ASKS
};

struct pool {
    uint8_t address[20];
    uint8_t market[32];
    uint64_t key;
    struct token token[2];
    hawse_sub_t sub; /* to its logs; 0 = its creation was taken back */
    enum pool_phase phase;
    enum pool_ask ask;
    hawse_request_t request;
    uint64_t read_block; /* the block of the state that is being read */
    uint8_t read_hash[32];
    uint64_t retry_ns;
    bool announced; /* its INFO was published */
    struct pool_state state;
    struct pool_step history[HISTORY]; /* ring: newest at (steps - 1) */
    uint64_t steps, forgotten;         /* steps so far; those no longer in the ring */
    uint8_t *early;                    /* logs that came while the state was being read */
    uint32_t early_count;
    uint32_t next; /* of the same bucket */
};

/* One event that waits for room, or is being built. */
struct out {
    hawse_event_t event;
    union {
        hawse_market_info_t info;
        hawse_market_trade_t trade;
        hawse_market_liquidity_t liquidity;
        hawse_market_pool_state_t state;
    } record;
};

/* Two tokens whose pool is wanted. */
struct pair {
    uint8_t token[2][20];
    bool asked; /* the factory answered; when it had none, its event will tell */
    bool found;
};

/* What is known of the factory; idle when none is configured. */
struct discovery {
    bool on;
    bool scan; /* pools created before are looked for from from_block on */
    uint8_t factory[20];
    uint8_t topic[32];
    struct pair *pairs; /* none: every pool */
    uint32_t pair_count;
    struct pair *asking; /* of the request; NULL: it is for a range of blocks */
    hawse_request_t request;
    uint64_t retry_ns;
    uint64_t from_block, next_block, last_block, asked_to;
    uint32_t range; /* blocks per request, halved on refusals */
};

struct swapr {
    const hawse_host_t *host;
    hawse_instance_t self;
    const hawse_sub_service_t *sub;
    const hawse_rpc_service_t *rpc;
    const hawse_timer_service_t *timers;
    uint32_t chain; /* source */
    struct pool **pools;
    uint32_t pool_count;
    struct discovery found;
    uint32_t *buckets;
    uint32_t mask;
    uint8_t topics[TOPICS][32];
    uint64_t head_number;
    uint8_t head_hash[32];
    bool head_known;
    struct out out[OUT_MAX];
    uint32_t out_count, out_next;
    bool resume; /* the first event of the next batch is done but for its output */
    uint64_t chain_id;
    uint64_t complaint_ns;
    uint32_t busy; /* requests under way */
    hawse_timer_t tick;
};

/* pool.c */
/* Applies one log to the state; false when it is none of a pool's or malformed. */
bool pool_apply(struct swapr *s, struct pool *p, const hawse_evm_log_t *log);
/* Goes back before the log; false when the history does not reach there. */
bool pool_undo(struct pool *p, const hawse_evm_log_t *log);
/* Is the log older than the newest one that was applied? */
bool pool_is_late(const struct pool *p, const hawse_evm_log_t *log);
enum topic pool_topic(const struct swapr *s, const hawse_evm_log_t *log);
struct pool *pool_find(const struct swapr *s, const uint8_t address[20]);
void pool_unread(struct swapr *s, struct pool *p);

/* emit.c */
void emit_info(struct swapr *s, const struct pool *p);
void emit_trade(struct swapr *s, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause);
void emit_liquidity(struct swapr *s, const struct pool *p, const hawse_evm_log_t *log,
                    enum topic topic, const hawse_event_t *cause);
void emit_state(struct swapr *s, const struct pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause);
bool emit_flush(struct swapr *s); /* false: no room */

/* read.c */
void read_next(struct swapr *s);
void read_answer(struct swapr *s, const hawse_event_t *event);

/* discover.c */
void discover_init(struct swapr *s);
void discover_finish(struct swapr *s);
int32_t discover_subscribe(struct swapr *s);
bool discover_is_event(const struct swapr *s, const hawse_evm_log_t *log);
void discover_event(struct swapr *s, const hawse_evm_log_t *log, bool removed);
void discover_next(struct swapr *s);
void discover_answer(struct swapr *s, const hawse_event_t *event);
/* The chain was lost from sight: all pairs and blocks are asked for anew. */
void discover_again(struct swapr *s);

/* settings.c: pools and factory; subscribes to nothing yet. */
int32_t settings_read(struct swapr *s, hawse_view_t config);

/* swapr.c */
/* A pool whose logs are not subscribed to yet; NULL when memory is short or there are too many. */
struct pool *swapr_know_pool(struct swapr *s, const uint8_t address[20]);
/* Follows a pool from now on; true also when it is followed already. */
bool swapr_add_pool(struct swapr *s, const uint8_t address[20]);
/* Its creation was taken back. */
void swapr_drop_pool(struct swapr *s, const uint8_t address[20]);
#define swapr_complain(s, ...) venue_complain((s)->host, (s)->self, &(s)->complaint_ns, __VA_ARGS__)

#endif
