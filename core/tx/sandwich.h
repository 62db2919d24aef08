/*
 * Was a trade of ours sandwiched? One address traded before us in the same pool and block in our
 * direction, traded back behind us, and we got less than the simulation said. A heuristic over what
 * a block shows, pure: it finds the common form, where one address does both, and proves nothing.
 *
 * What it is for: a chain on which it happens to us should not be reached by the public mempool.
 *
 * Source: the definition of Qin, Zhou and Gervais, "Quantifying Blockchain Extractable Value"
 * (2022), section on sandwich attacks: conditions on position, direction and address.
 */
#ifndef CORE_TX_SANDWICH_H
#define CORE_TX_SANDWICH_H

#include <hawse/types.h>
#include <stdbool.h>
#include <stddef.h>

enum { SANDWICH_GAP = 3 }; /* transactions between us and either half, at most: other victims */

/* One swap in a block, in the order of its logs. Amounts are what the trader gave and got. */
struct sandwich_swap {
    uint32_t tx; /* index of its transaction in the block */
    uint8_t pool[20];
    uint8_t trader[20]; /* who signed the transaction */
    uint8_t target[20]; /* the contract that it called: attackers share it between their accounts */
    bool zero_for_one;  /* gave token 0 */
    hawse_u256_t gave, got;
    bool ours;
};

/* Keccak-256 of the events by which pools like Uniswap's V2 and V3 tell of swaps. */
#define SANDWICH_V2 "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"
#define SANDWICH_V3 "0xc42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"

/* What eth_getLogs tells of the swaps of one block: those in the pools in which the transaction
 * `ours` traded, and no farther from it than matters; traders are not known yet. HAWSE_PADDING
 * readable bytes follow each text. HAWSE_E_FORMAT. */
int32_t sandwich_logs(const uint8_t *text, uint64_t len, const uint8_t ours[32],
                      struct sandwich_swap *out, uint32_t cap, uint32_t *count);
/* Fills traders and targets in, from the block with its transactions. HAWSE_E_FORMAT. */
int32_t sandwich_traders(const uint8_t *text, uint64_t len, struct sandwich_swap *swaps,
                         uint32_t count);

enum sandwich_verdict {
    SANDWICH_NONE,
    SANDWICH_RUN,   /* somebody went before us in our direction, and we got less than simulated */
    SANDWICH_FOUND, /* and the same one traded back behind us */
};

struct sandwich {
    enum sandwich_verdict verdict;
    uint32_t before, after; /* indexes of swaps; after only when FOUND */
    hawse_u256_t lost;      /* less than simulated, in what we got */
};

/* `ours` is the index of our swap among `swaps` of one block; `simulated` is what it was to get. */
struct sandwich sandwich_look(const struct sandwich_swap *swaps, size_t count, size_t ours,
                              const hawse_u256_t *simulated);

/* How many were found lately: a window over blocks. Begins as zeroes. */
enum { SANDWICH_KEPT = 16, SANDWICH_WINDOW = 7200 /* blocks; a day of Ethereum's */ };
struct sandwich_count {
    uint64_t blocks[SANDWICH_KEPT]; /* at which one was found; 0 = none */
    uint32_t next;
    uint64_t total;
};
void sandwich_add(struct sandwich_count *count, uint64_t block);
/* Found in the last `window` blocks up to head; at most SANDWICH_KEPT. */
uint32_t sandwich_lately(const struct sandwich_count *count, uint64_t head, uint64_t window);

#endif
