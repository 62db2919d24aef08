/*
 * Event space 5, "market/1": trades, books, pools and prices of any venue. A strategy that speaks
 * it runs on an automated market maker and on an order book alike.
 *
 * A market is named by 32 bytes: an EVM pool's address left-padded with zeros, a Balancer pool id,
 * a Polymarket asset id (big-endian), a Solana account. A pair of tokens of a pool with more than
 * two is keccak-256 of the pool's market and both token addresses (72 bytes). Key:
 * hawse_key(market, 32). Amounts are in the token's smallest unit. Prices of books are mantissa x
 * 10^exponent, exact.
 */
#ifndef HAWSE_SPACE_MARKET_H
#define HAWSE_SPACE_MARKET_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_MARKET_INFO          1u  /* hawse_market_info_t */
#define HAWSE_MARKET_TRADE         2u  /* hawse_market_trade_t */
#define HAWSE_MARKET_LIQUIDITY     3u  /* hawse_market_liquidity_t */
#define HAWSE_MARKET_POOL_STATE    4u  /* hawse_market_pool_state_t */
#define HAWSE_MARKET_BOOK_SNAPSHOT 5u  /* hawse_market_book_t, then levels */
#define HAWSE_MARKET_BOOK_DELTA    6u  /* hawse_market_book_t, then levels; size 0 = level gone */
#define HAWSE_MARKET_QUOTE         7u  /* hawse_market_quote_t: best bid and ask */
#define HAWSE_MARKET_ORACLE_PRICE  8u  /* hawse_market_oracle_price_t */
#define HAWSE_MARKET_STATE         9u  /* hawse_market_state_t: open, halted, resolved ... */
#define HAWSE_MARKET_POOL_TOKENS   10u /* hawse_market_pool_tokens_t, then tokens */
#define HAWSE_MARKET_POOL_LIVE     11u /* hawse_market_pool_live_t, then tokens */

/* numbers of the sequences (event.stream) */
#define HAWSE_MARKET_STREAM_INFO   1u
#define HAWSE_MARKET_STREAM_TRADES 2u
#define HAWSE_MARKET_STREAM_STATES 3u
#define HAWSE_MARKET_STREAM_BOOKS  4u

/* Where on a chain something happened; all zero for venues off chain. */
typedef struct hawse_market_origin {
    uint64_t chain_id;
    uint64_t block_number;
    uint64_t block_timestamp; /* seconds, UTC; 0 = not known */
    uint32_t log_index;
    uint32_t tx_index;
    uint8_t block_hash[32];
    uint8_t tx_hash[32];
} hawse_market_origin_t;

/* flags of hawse_market_info */
#define HAWSE_MARKET_NEG_RISK 0x1u /* Polymarket: one of several markets of which one wins */

/* What a market is. Comes first, and again when it changes. */
typedef struct hawse_market_info {
    uint32_t size;
    uint32_t decimals[2]; /* of token 0 (base) and token 1 (quote) */
    uint32_t reserved;
    uint8_t market[32];
    uint8_t token[2][32];   /* as market: addresses left-padded; zero = not known */
    uint8_t symbol[2][16];  /* UTF-8, NUL-padded; empty = not known */
    uint64_t tick_mantissa; /* order books: smallest price step */
    int32_t tick_exponent;
    uint32_t tick_spacing; /* concentrated liquidity; 0 = none */
    uint8_t group[32];     /* what several markets belong to, such as the condition whose outcomes
                              they are; zero = none or not known */
    uint64_t min_size;     /* smallest order, in base units; 0 = not known */
    uint32_t fee_ppm;      /* of a taker: shares x fee x (price x (1 - price))^fee_exponent */
    uint32_t fee_exponent;
    uint32_t flags; /* HAWSE_MARKET_NEG_RISK */
    uint32_t reserved2;
} hawse_market_info_t;

/* sides, from the taker's view, of token 0 (base) */
#define HAWSE_SIDE_UNKNOWN 0u
#define HAWSE_SIDE_BUY     1u
#define HAWSE_SIDE_SELL    2u

/* One trade. Signed amounts are what the market received: negative = it paid out. */
typedef struct hawse_market_trade {
    uint32_t size;
    uint32_t side; /* HAWSE_SIDE_... */
    uint8_t market[32];
    hawse_u256_t amount0;    /* two's complement */
    hawse_u256_t amount1;    /* two's complement */
    uint64_t price_mantissa; /* order books; 0 with pools: see sqrt_price_x96 */
    int32_t price_exponent;
    int32_t tick;                /* pools with ticks: after the trade */
    hawse_u256_t sqrt_price_x96; /* pools with ticks: sqrt(token1/token0) x 2^96 after the trade */
    hawse_u256_t liquidity;      /* pools with ticks: in range after the trade */
    uint8_t sender[32];          /* left-padded; zero = not known */
    uint8_t recipient[32];
    hawse_market_origin_t origin;
} hawse_market_trade_t;

/* Liquidity added (positive delta) or removed. */
typedef struct hawse_market_liquidity {
    uint32_t size;
    int32_t tick_lower;
    int32_t tick_upper;
    uint32_t reserved;
    uint8_t market[32];
    uint8_t owner[32];
    hawse_u256_t delta;   /* two's complement */
    hawse_u256_t amount0; /* what the market received, two's complement */
    hawse_u256_t amount1;
    hawse_market_origin_t origin;
} hawse_market_liquidity_t;

#define HAWSE_POOL_CONCENTRATED 1u
#define HAWSE_POOL_PRODUCT      2u
#define HAWSE_POOL_WEIGHTED     3u
#define HAWSE_POOL_STABLE       4u

/* The whole state of a pool after an event of its own. */
typedef struct hawse_market_pool_state {
    uint32_t size;
    uint32_t pool_kind; /* HAWSE_POOL_... */
    uint8_t market[32];
    hawse_u256_t sqrt_price_x96; /* concentrated */
    hawse_u256_t liquidity;      /* concentrated: in range */
    hawse_u256_t reserve0;       /* product; else 0 */
    hawse_u256_t reserve1;
    int32_t tick;
    uint32_t fee_ppm; /* of the next trade as stored; dynamic fees may differ when it executes */
    hawse_market_origin_t origin;
} hawse_market_pool_state_t;

/* One token of a pool with two or more. */
typedef struct hawse_market_pool_token {
    uint8_t token[32];    /* an address left-padded */
    hawse_u256_t balance; /* in its smallest unit */
    hawse_u256_t scaling; /* 18 decimals: balance times this has the pool's own unit */
    hawse_u256_t weight;  /* 18 decimals; pools without weights: 0 */
} hawse_market_pool_token_t;

/* flags of hawse_market_pool_tokens */
#define HAWSE_POOL_PAUSED 0x1u /* takes no swaps now */
/* in recovery mode: swaps go on by the same formulas; shares can be taken out without them */
#define HAWSE_POOL_RECOVERY 0x2u
/* a cached rate ran out: scaling has the rate provider's own, as of this block, which the next swap
 * takes; it may be another one in every block */
#define HAWSE_POOL_RATES_DUE 0x4u
/* the Vault wraps and unwraps nothing now: hawse_market_pool_live */
#define HAWSE_POOL_BUFFERS_PAUSED 0x8u
/* rates may be others in each block, and the state is told of in each: hawse_market_pool_live */
#define HAWSE_POOL_RATES_MOVE 0x10u

/* The whole state of a pool of two or more tokens after an event of its own: what
 * hawse/amm/balancer.h needs for a quote. token_count records of hawse_market_pool_token_t follow.
 * The amplification moves from amp_start to amp_end between two times, in seconds, UTC; both are
 * multiplied by 1,000. */
typedef struct hawse_market_pool_tokens {
    uint32_t size;
    uint32_t pool_kind; /* HAWSE_POOL_WEIGHTED, HAWSE_POOL_STABLE */
    uint32_t formula;   /* HAWSE_BAL_WEIGHTED ... of hawse/amm/balancer.h */
    uint32_t flags;     /* HAWSE_POOL_PAUSED ... */
    uint32_t token_count;
    uint32_t tokens_offset;
    uint32_t own_token; /* which of them is the pool's own share; UINT32_MAX = none */
    uint32_t reserved;
    uint8_t market[32];
    hawse_u256_t swap_fee; /* 18 decimals */
    uint64_t amp_start;
    uint64_t amp_end;
    uint64_t amp_start_time;
    uint64_t amp_end_time;
    hawse_market_origin_t origin;
} hawse_market_pool_tokens_t;

/* One token of a pool that counts in live balances. */
typedef struct hawse_market_live_token {
    uint8_t token[32];    /* an address left-padded */
    uint8_t asset[32];    /* what it wraps, where the venue wraps and unwraps it; otherwise 0 */
    hawse_u256_t balance; /* in its smallest unit, less what the venue takes of it first */
    hawse_u256_t factor;  /* 10^(18 - decimals) */
    hawse_u256_t rate;    /* 18 decimals: balance times factor times rate is its live balance */
    hawse_u256_t weight;  /* 18 decimals; pools without weights: 0 */
    hawse_u256_t minimum; /* live; the pool keeps so much of it; 0: nothing */
    hawse_u256_t assets;  /* of asset, for 10^27 units of the token; 0 without one */
} hawse_market_live_token_t;

/* The whole state of a pool whose tokens count at rates that move without a log, as of the end of
 * the origin's block: what hawse/amm/balancer_v3.h needs for a quote. A swap in a later block finds
 * that block's rates. token_count records of hawse_market_live_token_t follow. */
typedef struct hawse_market_pool_live {
    uint32_t size;
    uint32_t pool_kind; /* HAWSE_POOL_WEIGHTED */
    uint32_t formula;   /* HAWSE_BAL3_WEIGHTED ... of hawse/amm/balancer_v3.h */
    uint32_t flags;     /* HAWSE_POOL_PAUSED ... */
    uint32_t token_count;
    uint32_t tokens_offset;
    uint8_t market[32];
    hawse_u256_t swap_fee;      /* 18 decimals */
    hawse_u256_t minimum_trade; /* live: the least that is swapped */
    hawse_u256_t minimum_wrap;  /* the least that is wrapped or unwrapped, of either side */
    hawse_market_origin_t origin;
} hawse_market_pool_live_t;

typedef struct hawse_market_level {
    uint64_t price_mantissa;
    uint64_t size_mantissa;
} hawse_market_level_t;

/* A book or a change to it: bid_count, then ask_count levels follow, best first. */
typedef struct hawse_market_book {
    uint32_t size;
    uint32_t bid_count;
    uint32_t ask_count;
    int32_t price_exponent;
    int32_t size_exponent;
    uint32_t levels_offset;
    uint8_t market[32];
    uint8_t hash[32]; /* the venue's own check value, zero-padded; zero = none */
} hawse_market_book_t;

typedef struct hawse_market_quote {
    uint32_t size;
    int32_t price_exponent;
    int32_t size_exponent;
    uint32_t reserved;
    uint8_t market[32];
    hawse_market_level_t bid; /* size 0 = none */
    hawse_market_level_t ask;
} hawse_market_quote_t;

typedef struct hawse_market_oracle_price {
    uint32_t size;
    int32_t price_exponent;
    uint8_t market[32];
    hawse_u256_t price_mantissa;
    uint64_t updated_at; /* seconds, UTC, as the oracle states */
    hawse_market_origin_t origin;
} hawse_market_oracle_price_t;

#define HAWSE_MARKET_OPEN     1u
#define HAWSE_MARKET_HALTED   2u
#define HAWSE_MARKET_CLOSED   3u
#define HAWSE_MARKET_RESOLVED 4u

typedef struct hawse_market_state {
    uint32_t size;
    uint32_t state; /* HAWSE_MARKET_... */
    uint8_t market[32];
    uint8_t outcome[32]; /* RESOLVED: the winning market, when the venue names one */
    hawse_market_origin_t origin;
} hawse_market_state_t;

#ifdef __cplusplus
}
#endif
#endif
