/*
 * The logs of recent blocks: which ones are known, so that none is told twice, and their contents,
 * so that those of a dropped block can be told again as removed, and early ones can wait for their
 * block.
 *
 * Contents live in one ring of fixed size: the oldest give way. What gives way after it was told
 * can no longer be taken back (its block is then `truncated`); what waits to be told never gives
 * way. The set of known logs is kept apart from the contents, so a short ring never leads to
 * doubles.
 *
 * All memory is allocated by log_store_init. Blocks are named by their slot in the chain's table.
 */
#ifndef EVM_LOG_STORE_H
#define EVM_LOG_STORE_H

#include <hawse/space/evm.h>
#include <stdbool.h>
#include <stdint.h>

/* One log in the ring; the record follows, without the topics it does not have, then the data. */
struct store_log {
    uint32_t size; /* bytes to the next entry */
    uint32_t slot; /* its block; UINT32_MAX = dead */
    uint64_t prev; /* in its block, by log index; 0 = none */
    uint64_t next;
    uint64_t t_recv_ns;
    uint32_t log_index;
    uint32_t data_len;
    uint32_t topic_count;
    bool held;    /* not told yet, or taken back while its block stays */
    bool fetched; /* asked for; otherwise the node pushed it */
    uint8_t reserved[2];
};

struct store_block {
    uint64_t first, last; /* positions, by log index; 0 = none */
    uint64_t cursor;      /* no held log stands before it; 0 = none is held */
    uint32_t told;        /* logs of it that subscribers have */
    uint32_t held;
    uint32_t words; /* first node of its known logs */
    bool truncated; /* told logs of it gave way */
    bool blind;     /* the set of known logs had no room for all of it */
    uint8_t reserved[2];
};

/* 64 neighbouring log indexes of one block. */
struct store_word {
    uint64_t bits;
    uint32_t slot;
    uint32_t word;
    uint32_t bucket_next;
    uint32_t block_next; /* or the next free one */
};

/* May this block's waiting logs be thrown away? If so the callee must see to it that they are
 * fetched again should they be needed. */
typedef bool (*store_spare_fn)(void *ctx, uint32_t slot);

/* Owned by one instance. Positions count bytes since the beginning of time; 0 is none. */
struct log_store {
    uint8_t *ring;
    uint64_t size, head, tail;
    struct store_block *blocks;
    uint32_t block_count;
    struct store_word *words;
    uint32_t *buckets;
    uint32_t word_count, bucket_mask, free_word;
    uint32_t last_word; /* the node found last: logs come in runs */
    uint64_t held;      /* in all blocks */
    uint64_t evicted;   /* told logs that gave way, ever */
    store_spare_fn spare;
    void *ctx;
};

#define STORE_SEEN 1
#define STORE_FULL 2

bool log_store_init(struct log_store *store, uint64_t bytes, uint32_t blocks, store_spare_fn spare,
                    void *ctx);
void log_store_finish(struct log_store *store);

/* Is this log of the block known? */
bool log_store_known(struct log_store *store, uint32_t slot, uint32_t log_index);
/* Keeps a log: `record` with its data at data_offset. Returns 0, STORE_SEEN, or STORE_FULL: nothing
 * was kept. */
int log_store_add(struct log_store *store, uint32_t slot, const hawse_evm_log_t *record, bool held,
                  bool fetched, uint64_t t_recv_ns);
/* Notes a log as known although its contents could not be kept: its block is truncated. */
void log_store_note(struct log_store *store, uint32_t slot, uint32_t log_index);
/* Forgets all of a block: contents and which ones are known. */
void log_store_drop(struct log_store *store, uint32_t slot);

struct store_log *log_store_at(const struct log_store *store, uint64_t position);
/* The held log with the lowest index, the told one with the highest; 0 = none. */
uint64_t log_store_first_held(struct log_store *store, uint32_t slot);
uint64_t log_store_last_told(const struct log_store *store, uint32_t slot);
void log_store_set_held(struct log_store *store, uint64_t position, bool held);

/* The record of a kept log with its data behind it, into `out` of log_store_record_size bytes. */
uint64_t log_store_record_size(const struct store_log *log);
void log_store_read(const struct store_log *log, hawse_evm_log_t *out);

#endif
