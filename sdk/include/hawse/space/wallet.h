/*
 * Event space 6, "wallet/1": what accounts own and do, as a chain or venue reports it.
 *
 * Key: hawse_key(wallet, 32). Wallets and assets are named like markets (hawse/space/market.h).
 */
#ifndef HAWSE_SPACE_WALLET_H
#define HAWSE_SPACE_WALLET_H

#include <hawse/space/market.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_WALLET_TRANSFER 1u /* hawse_wallet_transfer_t */
#define HAWSE_WALLET_FILL     2u /* hawse_wallet_fill_t */
#define HAWSE_WALLET_BALANCE  3u /* hawse_wallet_balance_t */
#define HAWSE_WALLET_ORDER    4u /* hawse_wallet_order_t: an order of the operator's account */
#define HAWSE_WALLET_TRADE    5u /* hawse_wallet_trade_t: a trade of the operator's account */

typedef struct hawse_wallet_transfer {
    uint32_t size;
    uint32_t reserved;
    uint8_t from[32];
    uint8_t to[32];
    uint8_t asset[32];
    hawse_u256_t amount;
    hawse_market_origin_t origin;
} hawse_wallet_transfer_t;

#define HAWSE_ROLE_MAKER 1u
#define HAWSE_ROLE_TAKER 2u

/* A trade of a watched wallet. */
typedef struct hawse_wallet_fill {
    uint32_t size;
    uint32_t side; /* HAWSE_SIDE_..., of the wallet */
    uint32_t role; /* HAWSE_ROLE_... */
    uint32_t reserved;
    uint8_t wallet[32];
    uint8_t market[32];
    uint8_t order[32];    /* order hash; zero = not known */
    hawse_u256_t amount0; /* base, unsigned */
    hawse_u256_t amount1; /* quote, unsigned */
    hawse_u256_t fee;     /* quote */
    hawse_market_origin_t origin;
} hawse_wallet_fill_t;

/* states of an order; those above OPEN are final */
#define HAWSE_ORDER_OPEN     1u
#define HAWSE_ORDER_FILLED   2u
#define HAWSE_ORDER_CANCELED 3u /* what was filled before stays filled */
#define HAWSE_ORDER_GONE     4u /* the venue no longer knows it, nor says how it ended */

/* how long an order lives; 0 = not known */
#define HAWSE_ORDER_GTC 1u /* until canceled */
#define HAWSE_ORDER_GTD 2u /* until its expiry */
#define HAWSE_ORDER_FOK 3u /* all at once or nothing */
#define HAWSE_ORDER_FAK 4u /* what can be had at once */

/* flags of hawse_wallet_order */
#define HAWSE_ORDER_QUOTE_SIZE 0x1u /* `original` is an amount of quote, not of base */

/* An order of an account as its venue has it. Told at each change, whole; never backwards: an order
 * that ended stays so, and `filled` never falls. */
typedef struct hawse_wallet_order {
    uint32_t size;
    uint32_t side;  /* HAWSE_SIDE_... */
    uint32_t state; /* HAWSE_ORDER_OPEN ... */
    uint32_t kind;  /* HAWSE_ORDER_GTC ... */
    uint32_t flags; /* HAWSE_ORDER_QUOTE_SIZE */
    int32_t price_exponent;
    uint64_t price_mantissa;
    uint8_t wallet[32]; /* whose funds; zero = not known */
    uint8_t market[32];
    uint8_t group[32]; /* as in hawse_market_info */
    uint8_t order[32]; /* order hash */
    hawse_u256_t original;
    hawse_u256_t filled; /* base */
    uint64_t created_s;  /* UTC; 0 = not known */
    uint64_t expires_s;  /* UTC; 0 = never */
} hawse_wallet_order_t;

/* how far a trade is settled; CONFIRMED and FAILED are final */
#define HAWSE_TRADE_MATCHED   1u /* the venue's word; nothing is on the chain */
#define HAWSE_TRADE_RETRYING  2u /* its transaction failed and is sent again */
#define HAWSE_TRADE_MINED     3u
#define HAWSE_TRADE_CONFIRMED 4u
#define HAWSE_TRADE_FAILED    5u /* it did not happen: what it moved is moved back */

/* A trade of an account, per order of it that took part: told at each step of its settlement. */
typedef struct hawse_wallet_trade {
    uint32_t size;
    uint32_t side;       /* HAWSE_SIDE_..., of the order */
    uint32_t role;       /* HAWSE_ROLE_... */
    uint32_t settlement; /* HAWSE_TRADE_MATCHED ... */
    int32_t price_exponent;
    uint32_t reserved;
    uint64_t price_mantissa;
    uint8_t trade[64]; /* the venue's name of it, zero-padded */
    uint8_t wallet[32];
    uint8_t market[32];
    uint8_t group[32];
    uint8_t order[32];
    hawse_u256_t amount0;         /* base, unsigned */
    hawse_u256_t amount1;         /* quote, unsigned, rounded down; fees are not in it */
    uint64_t matched_s;           /* UTC */
    uint64_t updated_s;           /* UTC: of this step */
    hawse_market_origin_t origin; /* its transaction, once there is one */
} hawse_wallet_trade_t;

typedef struct hawse_wallet_balance {
    uint32_t size;
    uint32_t reserved;
    uint8_t wallet[32];
    uint8_t asset[32];
    hawse_u256_t amount;
    hawse_market_origin_t origin; /* as of this block */
} hawse_wallet_balance_t;

#ifdef __cplusplus
}
#endif
#endif
