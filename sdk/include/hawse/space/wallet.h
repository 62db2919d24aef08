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
