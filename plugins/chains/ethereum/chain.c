/*
 * The told branch, the known blocks, and the way from one to the other; see chain.h.
 *
 * The plan is made by one walk from the target back to the first block that is told, and stays
 * valid while that walk would find the same: until the target changes, a header is added, or the
 * told branch begins anew. Telling and untelling by plan do not change it.
 */
#include "chain.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t bucket_of(const struct chain *chain, const uint8_t hash[32])
{
    uint32_t word;
    memcpy(&word, hash + 4, sizeof(word)); /* a hash is as good as random; the front may be mined */
    return word & chain->bucket_mask;
}

bool chain_init(struct chain *chain, uint32_t window, chain_evict_fn evict, void *ctx)
{
    assert(window >= 16 && window <= 4096);
    memset(chain, 0, sizeof(*chain));
    uint32_t buckets = 1024;
    while (buckets < window * 4)
        buckets *= 2;
    chain->window = window;
    chain->cap = window * 2 + 128; /* told, on the way, and what was dropped or came early */
    chain->bucket_mask = buckets - 1;
    chain->target = CHAIN_NONE;
    chain->evict = evict;
    chain->ctx = ctx;
    chain->blocks = calloc(chain->cap, sizeof(chain->blocks[0]));
    chain->buckets = malloc(buckets * sizeof(chain->buckets[0]));
    chain->told = malloc(window * sizeof(chain->told[0]));
    chain->path = malloc(window * 2 * sizeof(chain->path[0]));
    if (!chain->blocks || !chain->buckets || !chain->told || !chain->path) {
        chain_finish(chain);
        return false;
    }
    memset(chain->buckets, 0xff, buckets * sizeof(chain->buckets[0]));
    for (uint32_t i = 0; i < chain->cap; i++)
        chain->blocks[i].next = i + 1 < chain->cap ? i + 1 : CHAIN_NONE;
    return true;
}

void chain_finish(struct chain *chain)
{
    free(chain->blocks);
    free(chain->buckets);
    free(chain->told);
    free(chain->path);
    memset(chain, 0, sizeof(*chain));
}

/* ---- the table ---- */

uint32_t chain_find(const struct chain *chain, const uint8_t hash[32])
{
    uint32_t slot = chain->buckets[bucket_of(chain, hash)];
    while (slot != CHAIN_NONE && memcmp(chain->blocks[slot].header.hash, hash, 32) != 0)
        slot = chain->blocks[slot].next;
    return slot;
}

static void give_up(struct chain *chain, uint32_t slot)
{
    struct chain_block *block = &chain->blocks[slot];
    uint32_t *at = &chain->buckets[bucket_of(chain, block->header.hash)];
    if (chain->evict)
        chain->evict(chain->ctx, slot);
    while (*at != slot)
        at = &chain->blocks[*at].next;
    *at = block->next;
    memset(block, 0, sizeof(*block));
    block->next = chain->free;
    chain->free = slot;
    if (chain->target == slot) {
        chain->target = CHAIN_NONE;
        chain->resolved = false;
    }
}

bool chain_needed(const struct chain *chain, uint32_t slot)
{
    const struct chain_block *block = &chain->blocks[slot];
    return block->told || slot == chain->target ||
           (block->known && chain_path(chain, block->header.number) == slot);
}

static void resolve(struct chain *chain);

/* Gives up the block that matters least: below the told branch first, then the oldest that nobody
 * needs. */
static bool make_room(struct chain *chain)
{
    uint32_t victim = CHAIN_NONE;
    uint64_t best = UINT64_MAX;
    if ((chain->started || chain->rooted) && chain->target != CHAIN_NONE && !chain->resolved)
        resolve(chain); /* so that the way to the target counts as needed */
    for (uint32_t i = 0; i < chain->cap; i++) {
        const struct chain_block *block = &chain->blocks[i];
        if (!block->used || chain_needed(chain, i))
            continue;
        bool old = chain->started && block->header.number < chain->low;
        uint64_t rank = old ? 0 : block->touched;
        if (rank < best) {
            best = rank;
            victim = i;
        }
    }
    if (victim == CHAIN_NONE)
        return false;
    give_up(chain, victim);
    return true;
}

static uint32_t take_slot(struct chain *chain, const uint8_t hash[32], uint64_t number)
{
    if (chain->free == CHAIN_NONE && !make_room(chain))
        return CHAIN_NONE;
    uint32_t slot = chain->free;
    struct chain_block *block = &chain->blocks[slot];
    chain->free = block->next;
    memset(block, 0, sizeof(*block));
    block->used = true;
    block->touched = ++chain->touched;
    block->header.number = number;
    memcpy(block->header.hash, hash, 32);
    uint32_t *bucket = &chain->buckets[bucket_of(chain, hash)];
    block->next = *bucket;
    *bucket = slot;
    return slot;
}

/* Heights rise by one from parent to child, in both directions of what is known. */
static bool fits_parent(const struct chain *chain, const struct chain_header *header)
{
    uint32_t parent = chain_find(chain, header->parent);
    if (header->number == 0)
        return parent == CHAIN_NONE;
    return parent == CHAIN_NONE || chain->blocks[parent].header.number + 1 == header->number;
}

uint32_t chain_put(struct chain *chain, const struct chain_header *header)
{
    uint32_t slot = chain_find(chain, header->hash);
    if (header->number >= UINT64_MAX - UINT32_MAX || !fits_parent(chain, header))
        return CHAIN_NONE;
    if (slot != CHAIN_NONE) {
        struct chain_block *block = &chain->blocks[slot];
        if (block->header.number != header->number ||
            (block->known && memcmp(block->header.parent, header->parent, 32) != 0))
            return CHAIN_NONE;
        if (block->known)
            return slot;
    } else {
        slot = take_slot(chain, header->hash, header->number);
        if (slot == CHAIN_NONE)
            return CHAIN_NONE;
    }
    chain->blocks[slot].header = *header;
    chain->blocks[slot].known = true;
    if (chain->step == CHAIN_MISSING || chain->step == CHAIN_FAR)
        chain->resolved = false;
    return slot;
}

uint32_t chain_stub(struct chain *chain, const uint8_t hash[32], uint64_t number)
{
    uint32_t slot = chain_find(chain, hash);
    if (slot != CHAIN_NONE)
        return chain->blocks[slot].header.number == number ? slot : CHAIN_NONE;
    if (number >= UINT64_MAX - UINT32_MAX)
        return CHAIN_NONE;
    if (chain->started && (number < chain->low || number > chain->high + chain_reach(chain)))
        return CHAIN_NONE;
    return take_slot(chain, hash, number);
}

/* ---- the plan ---- */

void chain_aim(struct chain *chain, uint32_t slot)
{
    assert(chain->blocks[slot].known);
    if (chain->target == slot)
        return;
    chain->target = slot;
    chain->resolved = false;
}

uint64_t chain_reach(const struct chain *chain)
{
    return chain->window / 2;
}

uint32_t chain_told(const struct chain *chain, uint64_t number)
{
    if (!chain->started || number < chain->low || number > chain->high)
        return CHAIN_NONE;
    return chain->told[number % chain->window];
}

uint32_t chain_path(const struct chain *chain, uint64_t number)
{
    if (chain->target == CHAIN_NONE || !chain->resolved || chain->path_low == 0 ||
        number < chain->path_low || number > chain->blocks[chain->target].header.number)
        return CHAIN_NONE;
    return chain->path[number % (chain->window * 2)];
}

static void set_missing(struct chain *chain, const struct chain_block *child)
{
    chain->step = CHAIN_MISSING;
    memcpy(chain->missing, child->header.parent, 32);
    chain->missing_number = child->header.number - 1;
}

/* Heights that do not rise by one: somebody lies. What is told stays until a better head comes. */
static void disbelieve(struct chain *chain)
{
    chain->target = CHAIN_NONE;
    chain->path_low = 0;
    chain->step = CHAIN_REST;
}

/* The way has come down to `number`, and nothing told is on it. Where all that was ever told is
 * still here, it is taken back as a whole, and telling begins at its height again, on this branch.
 */
static bool is_root(struct chain *chain, uint64_t number)
{
    if (!chain->rooted)
        return false;
    chain->ancestor = number - 1;
    chain->step = CHAIN_REST;
    return true;
}

/* Walks from the target to the first told block and notes the way. */
static void resolve(struct chain *chain)
{
    uint32_t at = chain->target;
    uint64_t top = chain->blocks[at].header.number;
    uint64_t low = chain->started ? chain->low : chain->first;
    uint64_t high = chain->started ? chain->high : chain->first;
    chain->resolved = true;
    chain->path_low = 0;
    if (top > high + chain_reach(chain)) {
        chain->step = CHAIN_FAR;
        return;
    }
    if (top < low && chain->rooted) { /* a node behind, or a short branch: its next heads say */
        disbelieve(chain);
        return;
    }
    chain->step = CHAIN_BROKEN;
    for (;;) {
        const struct chain_block *block = &chain->blocks[at];
        uint64_t number = block->header.number;
        if (block->told) {
            chain->ancestor = number;
            chain->step = CHAIN_REST;
            return;
        }
        if (number < low || number == 0) {
            chain->path_low = 0;
            return;
        }
        chain->path[number % (chain->window * 2)] = at;
        chain->path_low = number;
        if (number == low) { /* not told, and its parent cannot be told either */
            if (!is_root(chain, number))
                chain->path_low = 0;
            return;
        }
        uint32_t parent = chain_find(chain, block->header.parent);
        if (parent == CHAIN_NONE || !chain->blocks[parent].known) {
            set_missing(chain, block);
            return;
        }
        if (chain->blocks[parent].header.number + 1 != block->header.number) {
            disbelieve(chain);
            return;
        }
        at = parent;
    }
}

enum chain_step chain_plan(struct chain *chain, uint32_t *slot)
{
    *slot = CHAIN_NONE;
    if ((!chain->started && !chain->rooted) || chain->target == CHAIN_NONE)
        return CHAIN_REST;
    if (!chain->resolved)
        resolve(chain);
    if (chain->step != CHAIN_REST || chain->target == CHAIN_NONE)
        return (enum chain_step)chain->step;
    if (chain->started && chain->high > chain->ancestor) {
        *slot = chain_told(chain, chain->high);
        return CHAIN_UNTELL;
    }
    *slot = chain_path(chain, chain->started ? chain->high + 1 : chain->first);
    return *slot == CHAIN_NONE ? CHAIN_REST : CHAIN_TELL;
}

void chain_start(struct chain *chain, uint32_t slot)
{
    assert(!chain->started && chain->blocks[slot].known);
    chain->started = true;
    chain->low = chain->high = chain->blocks[slot].header.number;
    assert(!chain->rooted || chain->low == chain->first);
    chain->first = chain->low;
    chain->rooted = true;
    chain->told[chain->low % chain->window] = slot;
    chain->blocks[slot].told = true;
    chain->resolved = false;
}

void chain_tell(struct chain *chain, uint32_t slot)
{
    struct chain_block *block = &chain->blocks[slot];
    assert(chain->started && block->known && block->header.number == chain->high + 1);
    if (chain->high - chain->low + 1 == chain->window) {
        uint32_t oldest = chain_told(chain, chain->low);
        chain->low++;
        chain->rooted = false;
        chain->blocks[oldest].told = false;
        give_up(chain, oldest);
    }
    chain->high++;
    chain->told[chain->high % chain->window] = slot;
    block->told = true;
    if (chain->step == CHAIN_REST && chain->resolved)
        chain->ancestor = chain->high;
}

void chain_untell(struct chain *chain)
{
    assert(chain->started);
    chain->blocks[chain_told(chain, chain->high)].told = false;
    if (chain->high == chain->low) {
        chain->started = false;
        chain->resolved = false;
        return;
    }
    chain->high--;
}

void chain_forget(struct chain *chain)
{
    for (uint64_t n = chain->low; chain->started && n <= chain->high; n++)
        chain->blocks[chain->told[n % chain->window]].told = false;
    chain->started = chain->rooted = false;
    chain->resolved = false;
}
