/* The cache; see cache.h: a hash table with chains, and one list by use. */
#include "rpc/cache.h"

#include <hawse/hawse.h>
#include <hawse/siphash.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct entry {
    struct entry *chain;         /* in its bucket */
    struct entry *newer, *older; /* by use */
    uint64_t hash;
    uint64_t until_ns; /* 0 = for good */
    uint64_t height;
    uint64_t block; /* good while the cache counts so many blocks; 0 = longer */
    size_t key_len, len, bytes;
    bool has_address;
    uint8_t address[20];
    uint8_t data[]; /* key, then body and padding */
};

struct cache {
    uint64_t max_bytes;
    uint32_t max_entries;
    uint64_t secret[2]; /* plugins choose keys: none may aim at a bucket */
    uint64_t blocks;    /* that came, from 1 on */
    uint64_t jitter;
    struct entry **buckets;
    uint64_t mask;
    struct entry *newest, *oldest;
    struct cache_stats stats;
};

struct cache *cache_create(uint64_t bytes, uint32_t entries)
{
    uint64_t buckets = 16;
    struct cache *c = calloc(1, sizeof(*c));
    while (buckets < entries)
        buckets *= 2;
    if (!c)
        return NULL;
    c->max_bytes = bytes;
    c->max_entries = entries;
    c->mask = buckets - 1;
    c->blocks = 1;
    c->buckets = calloc(buckets, sizeof(c->buckets[0]));
    if (c->buckets && getrandom(c->secret, sizeof(c->secret), 0) == sizeof(c->secret)) {
        c->jitter = c->secret[0] | 1;
        return c;
    }
    cache_destroy(c);
    return NULL;
}

/* ---- lists ---- */

static void unlink_entry(struct cache *c, struct entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void link_newest(struct cache *c, struct entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

static void drop(struct cache *c, struct entry *e)
{
    struct entry **at = &c->buckets[e->hash & c->mask];
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    unlink_entry(c, e);
    c->stats.bytes -= e->bytes;
    c->stats.entries--;
    free(e);
}

static void evict(struct cache *c, struct entry *e, enum cache_why why)
{
    c->stats.evictions[why]++;
    drop(c, e);
}

void cache_destroy(struct cache *c)
{
    if (!c)
        return;
    while (c->oldest)
        drop(c, c->oldest);
    free(c->buckets);
    free(c);
}

/* ---- use ---- */

static struct entry *lookup(struct cache *c, const char *key, size_t len, uint64_t *hash)
{
    *hash = hawse_siphash(c->secret, (const uint8_t *)key, len);
    for (struct entry *e = c->buckets[*hash & c->mask]; e; e = e->chain) {
        if (e->hash == *hash && e->key_len == len && memcmp(e->data, key, len) == 0)
            return e;
    }
    return NULL;
}

static bool is_over(const struct cache *c, const struct entry *e, uint64_t now)
{
    return (e->until_ns != 0 && now >= e->until_ns) || (e->block != 0 && e->block != c->blocks);
}

const uint8_t *cache_find(struct cache *c, const char *key, size_t key_len, uint64_t now,
                          size_t *len)
{
    uint64_t hash;
    struct entry *e = lookup(c, key, key_len, &hash);
    if (e && is_over(c, e, now)) {
        evict(c, e, CACHE_TTL);
        e = NULL;
    }
    if (!e) {
        c->stats.misses++;
        return NULL;
    }
    c->stats.hits++;
    unlink_entry(c, e);
    link_newest(c, e);
    *len = e->len;
    return e->data + e->key_len;
}

/* Up to a tenth less, so that what was asked together does not end together. */
static uint64_t shortened(struct cache *c, uint64_t ttl)
{
    c->jitter ^= c->jitter << 13;
    c->jitter ^= c->jitter >> 7;
    c->jitter ^= c->jitter << 17;
    return ttl - (ttl / 10) * (c->jitter % 1024) / 1024;
}

void cache_put(struct cache *c, const struct question *q, const struct question_keep *keep,
               const uint8_t *body, size_t len, uint64_t now)
{
    uint64_t hash;
    size_t bytes = sizeof(struct entry) + q->key_len + len + HAWSE_PADDING;
    struct entry *old = lookup(c, q->key, q->key_len, &hash);
    if (old)
        drop(c, old);
    struct entry *e = bytes <= c->max_bytes / 8 ? calloc(1, bytes) : NULL;
    if (!e)
        return;
    while (c->oldest &&
           (c->stats.entries >= c->max_entries || c->stats.bytes + bytes > c->max_bytes))
        evict(c, c->oldest, is_over(c, c->oldest, now) ? CACHE_TTL : CACHE_LRU);
    e->hash = hash;
    e->until_ns = keep->ttl_ns ? now + shortened(c, keep->ttl_ns) : 0;
    e->height = keep->height;
    e->block = keep->block ? c->blocks : 0;
    e->key_len = q->key_len;
    e->len = len;
    e->bytes = bytes;
    e->has_address = q->has_address;
    memcpy(e->address, q->address, sizeof(e->address));
    memcpy(e->data, q->key, q->key_len);
    memcpy(e->data + q->key_len, body, len);
    e->chain = c->buckets[hash & c->mask];
    c->buckets[hash & c->mask] = e;
    link_newest(c, e);
    c->stats.bytes += bytes;
    c->stats.entries++;
}

/* ---- what ends entries ---- */

void cache_reorg(struct cache *c, uint64_t fork_height)
{
    struct entry *next;
    for (struct entry *e = c->oldest; e; e = next) {
        next = e->newer;
        if (e->height != QUESTION_PINNED && e->height >= fork_height)
            evict(c, e, CACHE_REORG);
    }
}

void cache_block(struct cache *c)
{
    c->blocks++;
}

void cache_touched(struct cache *c, const uint8_t address[20])
{
    struct entry *next;
    for (struct entry *e = c->oldest; e; e = next) {
        next = e->newer;
        bool final = e->until_ns == 0; /* of a block that nothing changes any more */
        if (e->has_address && !final && memcmp(e->address, address, 20) == 0)
            evict(c, e, CACHE_MANUAL);
    }
}

void cache_stats(const struct cache *c, struct cache_stats *out)
{
    *out = c->stats;
}
