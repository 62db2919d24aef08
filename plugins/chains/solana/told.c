/*
 * Memory of what was told: accounts by key, transactions by signature, and copies of processed
 * records that may have to be taken back. All of it is allocated at the beginning; what is full
 * forgets its oldest, or (accounts) takes no more.
 */
#include "plugin.h"

#include <hawse/siphash.h>
#include <stdlib.h>
#include <string.h>

/* ---- accounts ---- */

bool accounts_init(struct account_table *table, uint64_t cap)
{
    table->cap = 64;
    while (table->cap < cap * 2)
        table->cap *= 2;
    table->count = 0;
    table->entries = calloc(table->cap, sizeof(table->entries[0]));
    return table->entries != NULL;
}

void accounts_finish(struct account_table *table)
{
    free(table->entries);
    table->entries = NULL;
}

static uint64_t home_of(const uint8_t key[32], uint32_t commitment)
{
    return hawse_key(key, 32) + commitment;
}

/* Entries behind it that would no longer be found move up. */
static void take_out(struct account_table *table, uint64_t hole)
{
    uint64_t mask = table->cap - 1;
    for (uint64_t at = (hole + 1) & mask; table->entries[at].used; at = (at + 1) & mask) {
        const struct account_entry *e = &table->entries[at];
        if (((at - home_of(e->key, e->commitment)) & mask) < ((at - hole) & mask))
            continue;
        table->entries[hole] = *e;
        hole = at;
    }
    table->entries[hole].used = false;
    table->count--;
}

/* Forgets accounts that nobody watches any more. */
static void make_space(struct account_table *table)
{
    for (uint64_t i = 0; i < table->cap; i++) {
        const struct account_entry *e = &table->entries[i];
        while (e->used && !e->own && e->watch == UINT32_MAX)
            take_out(table, i);
    }
    table->loose = 0;
}

void accounts_leave(struct account_table *table, const struct watch *w, uint32_t index)
{
    struct account_entry *e;
    if (w->filter.watch == HAWSE_SOLANA_WATCH_ACCOUNT) {
        e = accounts_find(table, w->filter.id, w->filter.commitment, false);
        if (e)
            e->own = false;
        table->loose += e != NULL;
        return;
    }
    for (uint64_t i = 0; w->filter.watch == HAWSE_SOLANA_WATCH_PROGRAM && i < table->cap; i++) {
        e = &table->entries[i];
        if (!e->used || e->watch != index)
            continue;
        e->watch = UINT32_MAX;
        table->loose++;
    }
}

struct account_entry *accounts_find(struct account_table *table, const uint8_t key[32],
                                    uint32_t commitment, bool add)
{
    uint64_t at = home_of(key, commitment);
    for (;; at++) {
        struct account_entry *entry = &table->entries[at & (table->cap - 1)];
        if (entry->used && entry->commitment == commitment && memcmp(entry->key, key, 32) == 0)
            return entry;
        if (entry->used)
            continue;
        if (add && table->count * 2 >= table->cap && table->loose > 0) {
            make_space(table);
            return accounts_find(table, key, commitment, add);
        }
        if (!add || table->count * 2 >= table->cap)
            return NULL;
        *entry =
            (struct account_entry){.commitment = commitment, .watch = UINT32_MAX, .used = true};
        memcpy(entry->key, key, 32);
        table->count++;
        table->loose++; /* until a watch claims it */
        return entry;
    }
}

/* ---- transactions ---- */

bool seen_init(struct seen_ring *seen, uint32_t cap)
{
    seen->cap = cap; /* a power of two */
    seen->at = 0;
    seen->ring = calloc(cap, sizeof(seen->ring[0]));
    seen->buckets = calloc(cap, sizeof(seen->buckets[0]));
    seen->next = calloc(cap, sizeof(seen->next[0]));
    return seen->ring && seen->buckets && seen->next;
}

void seen_finish(struct seen_ring *seen)
{
    free(seen->ring);
    free(seen->buckets);
    free(seen->next);
    memset(seen, 0, sizeof(*seen));
}

uint64_t seen_mark(const uint64_t secret[2], const uint8_t signature[64], uint64_t salt)
{
    /* all of it: who signs twice with one nonce makes the first half the same */
    uint64_t mark = hawse_siphash(secret, signature, 64) ^ salt * 0x9e3779b97f4a7c15u;
    return mark ? mark : 1;
}

static struct seen_entry *seen_find(const struct seen_ring *seen, uint64_t mark, uint64_t slot)
{
    uint32_t at = seen->buckets[mark & (seen->cap - 1)];
    for (; at != 0; at = seen->next[at - 1]) {
        struct seen_entry *entry = &seen->ring[at - 1];
        if (entry->mark == mark && entry->slot != 0 && (slot == 0 || entry->slot == slot))
            return entry;
    }
    return NULL;
}

bool seen_has(const struct seen_ring *seen, uint64_t mark, uint64_t slot)
{
    return seen_find(seen, mark, slot) != NULL;
}

void seen_add(struct seen_ring *seen, uint64_t mark, uint64_t slot)
{
    uint32_t index = seen->at;
    struct seen_entry *entry = &seen->ring[index];
    seen->at = (seen->at + 1) & (seen->cap - 1);
    if (entry->mark != 0) { /* the oldest goes: out of its bucket */
        uint32_t *link = &seen->buckets[entry->mark & (seen->cap - 1)];
        while (*link != index + 1)
            link = &seen->next[*link - 1];
        *link = seen->next[index];
    }
    *entry = (struct seen_entry){mark, slot ? slot : 1};
    uint32_t *bucket = &seen->buckets[mark & (seen->cap - 1)];
    seen->next[index] = *bucket;
    *bucket = index + 1;
}

void seen_drop(struct seen_ring *seen, uint64_t mark, uint64_t slot)
{
    struct seen_entry *entry = seen_find(seen, mark, slot);
    if (entry)
        entry->slot = 0;
}

/* ---- copies ---- */

bool copies_init(struct copy_ring *ring, uint64_t bytes)
{
    ring->cap = 1 << 16;
    while (ring->cap < bytes)
        ring->cap *= 2;
    ring->head = ring->newest = 0;
    ring->bytes = malloc(ring->cap);
    return ring->bytes != NULL;
}

void copies_finish(struct copy_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

struct copy *copies_at(struct copy_ring *ring, uint64_t position_plus_1)
{
    if (position_plus_1 == 0 || position_plus_1 - 1 + ring->cap < ring->head)
        return NULL;
    return (struct copy *)(void *)(ring->bytes + ((position_plus_1 - 1) & (ring->cap - 1)));
}

void copies_add(struct copy_ring *ring, const struct copy *head, const uint8_t *record)
{
    uint64_t total = (sizeof(struct copy) + head->len + 7) & ~7ull;
    uint64_t offset = ring->head & (ring->cap - 1);
    if (total > ring->cap / 2)
        return;
    if (offset + total > ring->cap) /* copies do not wrap */
        ring->head += ring->cap - offset;
    uint64_t position = ring->head;
    ring->head += total;
    struct copy *copy = copies_at(ring, position + 1);
    *copy = *head;
    copy->total = (uint32_t)total;
    copy->prev = ring->newest;
    memcpy(copy + 1, record, head->len);
    ring->newest = position + 1;
}
