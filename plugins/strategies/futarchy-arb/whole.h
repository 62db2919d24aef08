/*
 * Blocks that change more than one of the market's pools: their logs come one by one, by way of two
 * venues, and a decision between two of them would be about a market that never was.
 *
 * A block's bloom filter names what may have a log in it. Pools that it names are waited for until
 * the venues have told of them, but not longer than `whole_block_ms`: a filter has false positives.
 * Where it names one pool alone, that pool's event is the last one, and nothing is waited for. What
 * a filter cannot tell is how many logs a pool has: a pool that changes once more while what was
 * decided is unsigned takes the decision back, and it is made anew.
 *
 * Pure, but for the keccak of what is looked for. Must never hold a decision without end.
 */
#ifndef FUTARCHY_ARB_WHOLE_H
#define FUTARCHY_ARB_WHOLE_H

#include "market.h"

#include <hawse/space/evm.h>
#include <hawse/space/market.h>

enum { WHOLE_SPOT = MARKET_POOLS, WHOLE_POOLS };

/* Where in a filter something is: bits 0 to 2047 (Yellow Paper, equation 29). */
struct whole_bits {
    uint32_t bit[3];
};

struct whole {
    bool known[WHOLE_POOLS];
    struct whole_bits pool[WHOLE_POOLS]; /* its address; of the spot pool the id, as a topic */
    uint8_t told[WHOLE_POOLS][32];       /* hash of the block of its state */
    uint8_t hash[32];                    /* of the newest block */
    uint32_t awaited;                    /* bit n: of pool n something is to be told yet */
    bool spot_each_block; /* the spot pool is told of in each, whatever the filter names */
    uint64_t until_ns;    /* monotonic: then it is not waited for any longer */
};

/* A pool, by its 20 bytes of address or, of the spot pool, 32 bytes of id. */
void whole_pool(struct whole *w, uint32_t pool, const uint8_t *item, uint64_t len);

/* A block became the head. */
void whole_block(struct whole *w, const hawse_evm_block_t *block, uint64_t until_ns);

/* The venue told a pool's state, of this block. */
void whole_told(struct whole *w, uint32_t pool, const uint8_t block_hash[32]);

/* Is more of the newest block to come? */
bool whole_waits(struct whole *w, uint64_t now_ns);

#endif
