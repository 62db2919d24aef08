/* The ring of contents and the set of known logs; see log_store.h. */
#include "log_store.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEAD       UINT32_MAX
#define NO_WORD    UINT32_MAX
#define PREFIX     offsetof(hawse_evm_log_t, topics)
#define SORT_STEPS 4096u /* a hostile order of indexes must not cost more than this a log */

bool log_store_init(struct log_store *store, uint64_t bytes, uint32_t blocks, store_spare_fn spare,
                    void *ctx)
{
    memset(store, 0, sizeof(*store));
    store->size = bytes & ~7ull;
    store->head = store->tail = store->size; /* so that no position is 0 */
    store->block_count = blocks;
    store->word_count = 8192;
    store->bucket_mask = 16383;
    store->spare = spare;
    store->ctx = ctx;
    store->ring = malloc(store->size);
    store->blocks = calloc(blocks, sizeof(store->blocks[0]));
    store->words = malloc(store->word_count * sizeof(store->words[0]));
    store->buckets = malloc((store->bucket_mask + 1ull) * sizeof(store->buckets[0]));
    if (!store->ring || !store->blocks || !store->words || !store->buckets) {
        log_store_finish(store);
        return false;
    }
    memset(store->buckets, 0xff, (store->bucket_mask + 1ull) * sizeof(store->buckets[0]));
    for (uint32_t i = 0; i < store->word_count; i++) {
        store->words[i].slot = DEAD;
        store->words[i].block_next = i + 1 < store->word_count ? i + 1 : NO_WORD;
    }
    for (uint32_t i = 0; i < blocks; i++)
        store->blocks[i].words = NO_WORD;
    return true;
}

void log_store_finish(struct log_store *store)
{
    free(store->ring);
    free(store->blocks);
    free(store->words);
    free(store->buckets);
    memset(store, 0, sizeof(*store));
}

/* ---- known logs ---- */

static uint32_t *bucket_of(const struct log_store *store, uint32_t slot, uint32_t word)
{
    uint64_t k = ((uint64_t)slot << 32 | word) * 0x9e3779b97f4a7c15u;
    return &store->buckets[(k >> 40) & store->bucket_mask];
}

static uint32_t find_word(struct log_store *store, uint32_t slot, uint32_t word)
{
    const struct store_word *last = &store->words[store->last_word];
    if (last->slot == slot && last->word == word)
        return store->last_word;
    uint32_t at = *bucket_of(store, slot, word);
    while (at != NO_WORD && (store->words[at].slot != slot || store->words[at].word != word))
        at = store->words[at].bucket_next;
    if (at != NO_WORD)
        store->last_word = at;
    return at;
}

bool log_store_known(struct log_store *store, uint32_t slot, uint32_t log_index)
{
    uint32_t at = find_word(store, slot, log_index / 64);
    return at != NO_WORD && (store->words[at].bits >> (log_index % 64) & 1u) != 0;
}

static void set_known(struct log_store *store, uint32_t slot, uint32_t log_index)
{
    uint32_t at = find_word(store, slot, log_index / 64);
    if (at == NO_WORD) {
        at = store->free_word;
        if (at == NO_WORD) {
            store->blocks[slot].blind = true;
            return;
        }
        struct store_word *w = &store->words[at];
        uint32_t *bucket = bucket_of(store, slot, log_index / 64);
        store->free_word = w->block_next;
        *w = (struct store_word){.slot = slot,
                                 .word = log_index / 64,
                                 .bucket_next = *bucket,
                                 .block_next = store->blocks[slot].words};
        *bucket = at;
        store->blocks[slot].words = at;
    }
    store->words[at].bits |= 1ull << (log_index % 64);
}

static void forget_known(struct log_store *store, uint32_t slot)
{
    uint32_t at = store->blocks[slot].words;
    while (at != NO_WORD) {
        struct store_word *w = &store->words[at];
        uint32_t next = w->block_next, *link = bucket_of(store, slot, w->word);
        while (*link != at)
            link = &store->words[*link].bucket_next;
        *link = w->bucket_next;
        w->slot = DEAD;
        w->block_next = store->free_word;
        store->free_word = at;
        at = next;
    }
    store->blocks[slot].words = NO_WORD;
}

/* ---- contents ---- */

struct store_log *log_store_at(const struct log_store *store, uint64_t position)
{
    return (struct store_log *)(void *)(store->ring + position % store->size);
}

static void unlink_log(struct log_store *store, struct store_log *log)
{
    struct store_block *block = &store->blocks[log->slot];
    if (log->prev)
        log_store_at(store, log->prev)->next = log->next;
    else
        block->first = log->next;
    if (log->next)
        log_store_at(store, log->next)->prev = log->prev;
    else
        block->last = log->prev;
}

/* Frees the oldest entry. False when it waits to be told. */
static bool evict_oldest(struct log_store *store)
{
    struct store_log *log = log_store_at(store, store->tail);
    if (log->slot != DEAD) {
        struct store_block *block = &store->blocks[log->slot];
        if (log->held) {
            if (!store->spare(store->ctx, log->slot))
                return false;
            log_store_drop(store, log->slot);
        } else {
            if (block->cursor == store->tail)
                block->cursor = log->next;
            unlink_log(store, log);
            block->told--;
            block->truncated = true;
            store->evicted++;
        }
    }
    store->tail += log->size;
    return true;
}

/* Room for `need` bytes in one piece at head. A piece left over at the ring's end is filled by a
 * dead entry. */
static bool make_room(struct log_store *store, uint64_t need)
{
    uint64_t rest = store->size - store->head % store->size;
    uint64_t pad = rest < need ? rest : 0;
    if (need > store->size / 4)
        return false;
    while (store->head + pad + need - store->tail > store->size) {
        if (!evict_oldest(store))
            return false;
    }
    if (pad) {
        /* a piece is a multiple of 8 bytes, and size and slot are all that is read of it */
        struct store_log *filler = log_store_at(store, store->head);
        filler->size = (uint32_t)pad;
        filler->slot = DEAD;
        store->head += pad;
    }
    return true;
}

/* Places the entry at `position` in its block's list, by log index. */
static void link_log(struct log_store *store, struct store_block *block, uint64_t position)
{
    struct store_log *log = log_store_at(store, position);
    uint64_t after = block->last;
    for (uint32_t i = 0; after && i < SORT_STEPS; i++) {
        const struct store_log *other = log_store_at(store, after);
        if (other->log_index <= log->log_index)
            break;
        after = other->prev;
    }
    log->prev = after;
    log->next = after ? log_store_at(store, after)->next : block->first;
    if (after)
        log_store_at(store, after)->next = position;
    else
        block->first = position;
    if (log->next)
        log_store_at(store, log->next)->prev = position;
    else
        block->last = position;
}

static void count_held(struct log_store *store, struct store_block *block, uint64_t position)
{
    const struct store_log *log = log_store_at(store, position);
    bool first = block->held == 0 || !block->cursor ||
                 log->log_index < log_store_at(store, block->cursor)->log_index;
    if (first)
        block->cursor = position;
    block->held++;
    store->held++;
}

int log_store_add(struct log_store *store, uint32_t slot, const hawse_evm_log_t *record, bool held,
                  bool fetched, uint64_t t_recv_ns)
{
    struct store_block *block = &store->blocks[slot];
    assert(record->topic_count <= 4);
    if (log_store_known(store, slot, record->log_index))
        return STORE_SEEN;
    uint64_t prefix = PREFIX + record->topic_count * 32u;
    uint64_t need = (sizeof(struct store_log) + prefix + record->data_len + 7) & ~7ull;
    if (!make_room(store, need))
        return STORE_FULL;
    uint64_t position = store->head;
    struct store_log *log = log_store_at(store, position);
    store->head += need;
    *log = (struct store_log){.size = (uint32_t)need,
                              .slot = slot,
                              .t_recv_ns = t_recv_ns,
                              .log_index = record->log_index,
                              .data_len = record->data_len,
                              .topic_count = record->topic_count,
                              .held = held,
                              .fetched = fetched};
    uint8_t *bytes = (uint8_t *)(log + 1);
    memcpy(bytes, record, prefix);
    if (record->data_len > 0)
        memcpy(bytes + prefix, (const uint8_t *)record + record->data_offset, record->data_len);
    link_log(store, block, position);
    if (held)
        count_held(store, block, position);
    else
        block->told++;
    set_known(store, slot, record->log_index);
    return 0;
}

void log_store_note(struct log_store *store, uint32_t slot, uint32_t log_index)
{
    store->blocks[slot].truncated = true;
    store->evicted++;
    set_known(store, slot, log_index);
}

void log_store_drop(struct log_store *store, uint32_t slot)
{
    struct store_block *block = &store->blocks[slot];
    for (uint64_t at = block->first; at;) {
        struct store_log *log = log_store_at(store, at);
        at = log->next;
        log->slot = DEAD;
    }
    store->held -= block->held;
    forget_known(store, slot);
    *block = (struct store_block){.words = NO_WORD};
}

uint64_t log_store_first_held(struct log_store *store, uint32_t slot)
{
    struct store_block *block = &store->blocks[slot];
    if (block->held == 0)
        return 0;
    uint64_t at = block->cursor;
    while (at && !log_store_at(store, at)->held)
        at = log_store_at(store, at)->next;
    if (!at) /* only where a hostile order of indexes was cut short: look from the front */
        for (at = block->first; !log_store_at(store, at)->held;)
            at = log_store_at(store, at)->next;
    block->cursor = at;
    return at;
}

uint64_t log_store_last_told(const struct log_store *store, uint32_t slot)
{
    const struct store_block *block = &store->blocks[slot];
    uint64_t at = block->told ? block->last : 0;
    while (at && log_store_at(store, at)->held)
        at = log_store_at(store, at)->prev;
    return at;
}

void log_store_set_held(struct log_store *store, uint64_t position, bool held)
{
    struct store_log *log = log_store_at(store, position);
    struct store_block *block = &store->blocks[log->slot];
    if (log->held == held)
        return;
    log->held = held;
    if (held) {
        count_held(store, block, position);
        block->told--;
    } else {
        block->held--;
        store->held--;
        block->told++;
    }
}

uint64_t log_store_record_size(const struct store_log *log)
{
    return sizeof(hawse_evm_log_t) + log->data_len;
}

void log_store_read(const struct store_log *log, hawse_evm_log_t *out)
{
    const uint8_t *bytes = (const uint8_t *)(log + 1);
    uint64_t prefix = PREFIX + log->topic_count * 32u;
    memset(out, 0, sizeof(*out));
    memcpy(out, bytes, prefix);
    out->data_offset = sizeof(*out);
    if (log->data_len > 0)
        memcpy((uint8_t *)out + sizeof(*out), bytes + prefix, log->data_len);
}
