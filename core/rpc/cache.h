/*
 * Answers that stay true for a while: least recently used, bounded by bytes and by number. Knows
 * nothing of JSON-RPC: question.h says what may be kept and how long. Of one thread.
 */
#ifndef CORE_RPC_CACHE_H
#define CORE_RPC_CACHE_H

#include "rpc/question.h"

struct cache;

enum cache_why { CACHE_LRU, CACHE_TTL, CACHE_REORG, CACHE_MANUAL, CACHE_WHYS };

struct cache_stats {
    uint64_t hits, misses;
    uint64_t evictions[CACHE_WHYS];
    uint64_t bytes, entries;
};

/* NULL: no memory. `bytes` counts everything that an entry takes. */
struct cache *cache_create(uint64_t bytes, uint32_t entries);
void cache_destroy(struct cache *cache);

/* What is kept under this key and still true; NULL = nothing. HAWSE_PADDING readable bytes follow.
 * Valid until the next call for this cache. */
const uint8_t *cache_find(struct cache *cache, const char *key, size_t key_len, uint64_t now_ns,
                          size_t *len);
/* Keeps a copy, in place of what was kept under this key. An answer larger than an eighth of the
 * cache is not kept; nor is one without memory. */
void cache_put(struct cache *cache, const struct question *question,
               const struct question_keep *keep, const uint8_t *body, size_t len, uint64_t now_ns);

/* The chain was reorganised from this height on. */
void cache_reorg(struct cache *cache, uint64_t fork_height);
/* A block came. */
void cache_block(struct cache *cache);
/* Something was sent in the name of this address. */
void cache_touched(struct cache *cache, const uint8_t address[20]);

void cache_stats(const struct cache *cache, struct cache_stats *out);

#endif
