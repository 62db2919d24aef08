/*
 * Event space 8, "position/1": conditional tokens. Conditions, and how collateral becomes positions
 * in their outcomes and comes back. What of these tokens is moved between accounts is told as
 * hawse_wallet_transfer_t (wallet/1), where the asset is the token's id.
 *
 * Key: hawse_key(condition, 32). Accounts are addresses left-padded with zeros; amounts are in the
 * collateral's smallest unit. hawse/ctf.h makes the ids.
 */
#ifndef HAWSE_SPACE_POSITION_H
#define HAWSE_SPACE_POSITION_H

#include <hawse/space/market.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_POSITION_CONDITION  1u /* hawse_position_condition_t, then payouts */
#define HAWSE_POSITION_SPLIT      2u /* hawse_position_change_t, then index sets */
#define HAWSE_POSITION_MERGE      3u /* hawse_position_change_t, then index sets */
#define HAWSE_POSITION_REDEMPTION 4u /* hawse_position_change_t, then index sets */
#define HAWSE_POSITION_PROPOSAL   5u /* hawse_position_proposal_t; key of its proposal */

/* numbers of the sequences (event.stream) */
#define HAWSE_POSITION_STREAM_CONDITIONS 1u
#define HAWSE_POSITION_STREAM_CHANGES    2u
#define HAWSE_POSITION_STREAM_TRANSFERS  3u /* wallet/1 */
#define HAWSE_POSITION_STREAM_PROPOSALS  4u

/* states of a condition */
#define HAWSE_CONDITION_PREPARED 1u
#define HAWSE_CONDITION_RESOLVED 2u /* final: its tokens are worth what the payouts say */

/* A condition that was prepared, or that its oracle answered: then payout_count numerators
 * (hawse_u256_t) follow, of outcome 0 on; an outcome is worth its share of their sum. */
typedef struct hawse_position_condition {
    uint32_t size;
    uint32_t state; /* HAWSE_CONDITION_... */
    uint32_t slots; /* outcomes: 2 to 256 */
    uint32_t payout_count;
    uint32_t payouts_offset;
    uint32_t reserved;
    uint8_t condition[32];
    uint8_t oracle[32];
    uint8_t question[32];
    hawse_market_origin_t origin;
} hawse_position_condition_t;

/* Collateral, or where parent is not zero the tokens of that collection, became tokens of the index
 * sets (hawse_u256_t) that follow (split), or the other way (merge), or was paid out for them. */
typedef struct hawse_position_change {
    uint32_t size;
    uint32_t set_count;
    uint32_t sets_offset;
    uint32_t reserved;
    uint8_t owner[32]; /* who called: with a router it is the router */
    uint8_t collateral[32];
    uint8_t parent[32]; /* a collection; zero = none */
    uint8_t condition[32];
    hawse_u256_t amount; /* of each set; redemptions: of what was paid out */
    hawse_market_origin_t origin;
} hawse_position_change_t;

/* states of a proposal */
#define HAWSE_PROPOSAL_OPEN     1u
#define HAWSE_PROPOSAL_RESOLVED 2u /* its tokens can only be merged and redeemed any more */
#define HAWSE_PROPOSAL_GONE     3u /* its creation left the chain */

/* A futarchy proposal: a condition of two outcomes (YES, NO), and for each of two collaterals an
 * ERC-20 for each outcome. Told whole when it is known and whenever its state changes; a state is
 * not taken back, the next one says what holds. */
typedef struct hawse_position_proposal {
    uint32_t size;
    uint32_t state; /* HAWSE_PROPOSAL_... */
    uint8_t proposal[32];
    uint8_t condition[32];
    uint8_t collateral[2][32]; /* as the proposal numbers them */
    uint8_t outcome[4][32];    /* YES and NO of collateral 0, YES and NO of collateral 1 */
    hawse_u256_t payout[2];    /* numerators of YES and NO; 0 while it is open */
} hawse_position_proposal_t;

#ifdef __cplusplus
}
#endif
#endif
