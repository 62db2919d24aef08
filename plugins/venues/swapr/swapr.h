/*
 * The swapr venue from the inside: pools of Algebra V1.9 (Swapr v3 on Gnosis Chain). How pools are
 * followed, read and found stands in ../evm/venue.h; here is what makes them Algebra's.
 *
 *   swapr.c  manifest, settings, pools by their factory     state.c  logs and answers to a state
 *   emit.c   records out
 */
#ifndef SWAPR_H
#define SWAPR_H

#include "../evm/venue.h"

enum { POOLS_MAX = 4096, DECIMALS_MAX = 77 /* of a token: 10^77 fits into 256 bits */ };

enum topic {
    TOPIC_SWAP,
    TOPIC_MINT,
    TOPIC_BURN,
    TOPIC_INITIALIZE,
    TOPIC_FEE,
    TOPIC_SPACING,
    TOPIC_POOL, /* of the factory */
    TOPICS
};

struct pool_state {
    hawse_u256_t sqrt_price;
    hawse_u256_t liquidity;
    int32_t tick;
    uint32_t fee_ppm;
    uint32_t tick_spacing;
    uint32_t reserved;
};

/* What is asked; the first three of each of the two tokens. */
enum pool_ask {
    ASK_TOKEN,
    ASK_DECIMALS,
    ASK_SYMBOL,
    ASK_SPACING, /* from here on: state */
    ASK_STATE,
    ASK_LIQUIDITY,
    ASKS
};

struct pool {
    struct venue_pool base;
    struct venue_token token[2];
};

/* Two tokens whose pool is wanted. */
struct pair {
    uint8_t token[2][20];
};

struct swapr {
    struct venue base;
    struct pair *pairs; /* none: every pool of the factory */
    uint32_t pair_count;
};

/* state.c */
bool state_apply(const struct venue_pool *base, void *state, const hawse_evm_log_t *log,
                 uint32_t topic);
uint32_t state_times(const struct venue *v, const struct venue_pool *base);
void state_question(const struct venue *v, const struct venue_pool *base, struct venue_question *q);
enum venue_taken state_take(struct venue *v, struct venue_pool *base, const uint8_t *d,
                            uint64_t len);

/* emit.c */
/* The largest record, for the queue. */
union record {
    hawse_market_info_t info;
    hawse_market_trade_t trade;
    hawse_market_liquidity_t liquidity;
    hawse_market_pool_state_t state;
};
void emit_info(struct venue *v, const struct venue_pool *base);
void emit_log(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
              uint32_t topic, const hawse_event_t *cause);
void emit_state(struct venue *v, const struct venue_pool *p, const hawse_evm_log_t *log,
                const hawse_event_t *cause);

#endif
