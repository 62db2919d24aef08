/*
 * The chain as far as an instance needs it: recent headers by hash, and the branch that has been
 * told to subscribers. Says what is to be told or taken back next so that the told branch becomes
 * the branch of the target, the head that the node announced last.
 *
 * Pure: no clock, no host, no events. All memory is allocated by chain_init. It must never take a
 * step by itself: the caller tells or untells one block at a time, as fast as its readers allow.
 */
#ifndef EVM_CHAIN_H
#define EVM_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#define CHAIN_NONE UINT32_MAX

/* A header as nodes send it. */
struct chain_header {
    uint64_t number;
    uint64_t timestamp;
    uint64_t gas_limit;
    uint64_t gas_used;
    uint64_t base_fee;
    uint8_t hash[32];
    uint8_t parent[32];
    uint8_t bloom[256];
    bool has_bloom;
};

/* One block, in a slot of the table. Lives from chain_put or chain_stub until it is evicted. */
struct chain_block {
    struct chain_header header;
    uint64_t touched; /* counts up: the smaller, the longer ago it was put */
    uint64_t seen_ns; /* for the caller */
    uint32_t next;    /* of the same bucket, or of the free list */
    bool used;
    bool known;  /* the header is here; otherwise only hash and number (a stub) */
    bool told;   /* on the told branch */
    bool pushed; /* for the caller: the node sent it by itself */
};

/* Called before a slot is given up, so that what hangs on it can go. */
typedef void (*chain_evict_fn)(void *ctx, uint32_t slot);

/* Owned by one instance. The told branch is a ring by number: low to high, without holes. */
struct chain {
    struct chain_block *blocks;
    uint32_t *buckets;
    uint32_t *told;
    uint32_t *path; /* ring of twice the size: the target's branch above the ancestor */
    uint32_t cap, bucket_mask, window, free;
    uint64_t touched;
    uint64_t low, high; /* numbers of the told branch */
    uint64_t first;     /* the number at which telling began */
    bool started;       /* something is told */
    bool rooted;        /* all told since is still here: another branch is told from `first` on */
    uint32_t target;    /* slot or CHAIN_NONE */
    bool resolved;      /* the plan below holds */
    uint8_t step;       /* the plan's verdict: CHAIN_... */
    uint64_t ancestor;  /* number of the last block shared by the two branches */
    uint64_t path_low;  /* numbers from here to the target's are in path */
    uint8_t missing[32];
    uint64_t missing_number;
    chain_evict_fn evict;
    void *ctx;
};

enum chain_step {
    CHAIN_REST = 1, /* told and target agree */
    CHAIN_TELL,     /* the block `slot` follows the told ones */
    CHAIN_UNTELL,   /* the told head, `slot`, is not on the target's branch */
    CHAIN_MISSING,  /* an ancestor of the target is not known: see missing, missing_number */
    CHAIN_FAR,      /* the target is too far ahead to be linked at once */
    CHAIN_BROKEN,   /* no common ancestor within the window, and what was told is not all here */
};

/* window: how many told blocks are kept, 16 to 4096. Returns false when memory is short. */
bool chain_init(struct chain *chain, uint32_t window, chain_evict_fn evict, void *ctx);
void chain_finish(struct chain *chain);

uint32_t chain_find(const struct chain *chain, const uint8_t hash[32]);
/* The slot of the header, added or completed. CHAIN_NONE: it contradicts what is known (another
 * number or parent for the same hash, a parent of the wrong height), or there is no room. */
uint32_t chain_put(struct chain *chain, const struct chain_header *header);
/* The slot of a block of which only a log is known so far. CHAIN_NONE as above, and when its number
 * is too far from the told head for it to matter. */
uint32_t chain_stub(struct chain *chain, const uint8_t hash[32], uint64_t number);

/* The branch that ends in this known block is now the chain. */
void chain_aim(struct chain *chain, uint32_t slot);
/* How far a target may be ahead of the told head. */
uint64_t chain_reach(const struct chain *chain);

/* What is to be done next; *slot is the block that TELL and UNTELL mean. */
enum chain_step chain_plan(struct chain *chain, uint32_t *slot);
/* Begins the told branch with this block. Legal when nothing is told; of the height at which it
 * began before, where the chain is rooted. */
void chain_start(struct chain *chain, uint32_t slot);
void chain_tell(struct chain *chain, uint32_t slot);
/* The told head is taken back. It stays known. */
void chain_untell(struct chain *chain);
/* Nothing is told any more, and telling may begin anywhere; the blocks stay known until their room
 * is needed. */
void chain_forget(struct chain *chain);

/* The told block of that number, or CHAIN_NONE; the same on the way to the target. */
uint32_t chain_told(const struct chain *chain, uint64_t number);
uint32_t chain_path(const struct chain *chain, uint64_t number);
/* Is the block told, or on the way to the target? */
bool chain_needed(const struct chain *chain, uint32_t slot);

#endif
