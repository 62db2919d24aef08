/*
 * The fee market of EIP-1559: what the next block asks for, what others pay, what is offered and
 * how an offer is raised. Pure; asks nobody and keeps nothing but the trend that its caller keeps.
 *
 * All fees are wei per gas in 64 bits: 1.8e10 gwei, beyond any limit that an operator sets. Sums
 * saturate, they never wrap. Sources: EIP-1559; for replacements go-ethereum's, erigon's and
 * Nethermind's pools, which all want 10 % more.
 */
#ifndef CORE_TX_FEES_H
#define CORE_TX_FEES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FEES_BLOCKS = 20, FEES_BLOCKS_MAX = 64 };

struct fees {
    uint64_t max_fee; /* per gas; never below tip */
    uint64_t tip;     /* per gas: the priority fee */
};

/* What eth_feeHistory told. */
struct fees_history {
    uint64_t oldest;    /* block */
    uint64_t base_fee;  /* of the block after the newest */
    uint64_t tip;       /* median over the blocks that were not empty; 0 = all were */
    uint32_t full;      /* blocks that were more than 9/10 full */
    uint32_t blocks;    /* that were told */
    uint64_t newest_at; /* base fee of the newest block that is there already */
};

/* Moving averages of the base fee over about 20 and 100 blocks, in 1/65536 wei. */
struct fees_trend {
    unsigned __int128 fast, slow;
    uint32_t blocks; /* seen so far */
};

/* The base fee of the block after one with this base fee. The denominator is the chain's: 8 on
 * Ethereum and Gnosis, 64 on Polygon. */
uint64_t fees_next_base(uint64_t base_fee, uint64_t gas_used, uint64_t gas_limit,
                        uint64_t denominator);

/* The answer to eth_feeHistory with one percentile. HAWSE_E_FORMAT; HAWSE_E_RANGE: a fee that fits
 * no 64 bits. HAWSE_PADDING readable bytes must follow the text. */
int32_t fees_history_read(const uint8_t *text, size_t len, struct fees_history *out);

/* A first offer: tip (not below the floor) and twice the base fee, which five full blocks in a row
 * cannot outgrow at a denominator of 8. */
struct fees fees_offer(uint64_t base_fee, uint64_t tip, uint64_t tip_floor);

/* An offer that pools take in place of the old one: an eighth more of both, or the market when that
 * is more, cut at `cap`. False: the cap leaves no room; *out is not written then. */
bool fees_bump(const struct fees *old, const struct fees *market, uint64_t cap, struct fees *out);

void fees_trend_add(struct fees_trend *trend, uint64_t base_fee);
/* The fast average in thousandths of the slow one: above 1000 fees rise. 1000 = nothing is known.
 */
uint64_t fees_trend_permille(const struct fees_trend *trend);
/* Is the fast average more than half above the slow one? Never in the first 20 blocks. */
bool fees_trend_spike(const struct fees_trend *trend);

#endif
