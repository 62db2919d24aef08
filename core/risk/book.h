/*
 * What an instance has taken on one chain in this UTC day, and what its intents under way may still
 * take: the figures that limits are held against.
 *
 * Owned by the risk, one for each instance and chain that ever acted. [desk] All sums are exact;
 * one that does not fit into 256 bits is told, never cut.
 */
#ifndef CORE_RISK_BOOK_H
#define CORE_RISK_BOOK_H

#include "risk/risk.h"

#define BOOK_DAY_NS (UINT64_C(86400) * 1000000000)

/* Of one asset, in this day. */
struct book_asset {
    uint8_t asset[20];
    hawse_u256_t out, in;
    hawse_u256_t given; /* allowances that were left */
};

/* The part of an asset that one counterparty had, in this day. */
struct book_share {
    uint8_t asset[20];
    uint8_t counterparty[20];
    hawse_u256_t out;
};

struct book_flow {
    uint8_t asset[20];
    hawse_u256_t out, loss; /* at most */
    hawse_u256_t given;     /* allowances that it leaves */
};

/* The assets that an operator can name, which alone may leave or be approved, and fees. */
enum { BOOK_FLOWS = CONFIG_ASSETS + 1 };

/* An intent that passed and has not ended. */
struct book_held {
    uint64_t number;
    struct book_flow flows[BOOK_FLOWS];
    uint32_t flow_count;
    uint8_t counterparties[32][20];
    uint32_t counterparty_count;
};

struct book {
    char instance[64];
    char chain[64];
    uint64_t day; /* since 1970 */
    uint32_t intents;
    struct book_asset *assets;
    size_t asset_count;
    struct book_share *shares;
    size_t share_count;
    struct book_held *held;
    size_t held_count, held_cap;
};

void book_finish(struct book *book);
/* The day changes at 00:00 UTC: what was counted is gone, what is held stays. A clock that goes
 * back changes nothing. */
void book_day(struct book *book, uint64_t utc_ns);

/* Intents of this day, and under way, but for `number`. */
uint64_t book_intents(const struct book *book, uint64_t number);
uint32_t book_open(const struct book *book, uint64_t number);

/* What left and what may by an allowance: sums of this day with what others than `number` hold;
 * what does not fit is 2^256 - 1. */
hawse_u256_t book_out(const struct book *book, uint64_t number, const uint8_t asset[20]);
hawse_u256_t book_share_out(const struct book *book, uint64_t number, const uint8_t asset[20],
                            const uint8_t counterparty[20]);
/* What left at most less what came: 0 when more came. */
hawse_u256_t book_loss(const struct book *book, uint64_t number, const uint8_t asset[20]);

/* Holds, in the place of what the same number held; false when memory is out. */
bool book_hold(struct book *book, const struct book_held *held);
/* What a number holds; NULL = nothing. */
const struct book_held *book_find(const struct book *book, uint64_t number);
/* No longer held; `out`, unless NULL, gets it. false: it was not. */
bool book_release(struct book *book, uint64_t number, struct book_held *out);
/* One more allowance of it, and what it takes and gives allowances of together. */
void book_give(struct book_flow *flow, const hawse_u256_t *amount);
hawse_u256_t book_flow_sum(const struct book_flow *flow);
/* The flow of an asset among what will be held, made when there is none. */
struct book_flow *book_flow(struct book_held *held, const uint8_t asset[20]);
/* Counts into this day: an asset, and with a counterparty its share. false when memory is out. */
bool book_count(struct book *book, const struct risk_moved *moved);
bool book_count_share(struct book *book, const struct risk_moved *moved,
                      const uint8_t counterparty[20]);

#endif
