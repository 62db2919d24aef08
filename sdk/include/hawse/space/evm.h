/*
 * Event space 3, "evm/1": chains that run the Ethereum virtual machine.
 *
 * Hashes, addresses and topics are raw bytes as the protocol defines them. Each sequence has its
 * own `stream` number. Each log is delivered once per canonical block, identified by (block hash,
 * log index); when its block leaves the chain it comes again with HAWSE_EVENT_REMOVED, newest
 * first, and before that a HAWSE_STREAM_EVENT_RETRACT names the blocks.
 */
#ifndef HAWSE_SPACE_EVM_H
#define HAWSE_SPACE_EVM_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_EVM_BLOCK      1u /* hawse_evm_block_t; key 0 */
#define HAWSE_EVM_LOG        2u /* hawse_evm_log_t, then its data; key = hawse_key(address, 20) */
#define HAWSE_EVM_PENDING_TX 3u /* hawse_evm_pending_tx_t; key = hawse_key(hash, 32) */
#define HAWSE_EVM_REORG      4u /* hawse_evm_reorg_t; key 0 */

/* numbers of the sequences (event.stream) of every EVM chain instance */
#define HAWSE_EVM_STREAM_BLOCKS  1u
#define HAWSE_EVM_STREAM_LOGS    2u
#define HAWSE_EVM_STREAM_PENDING 3u

/* One block that became the head, or (HAWSE_EVENT_REMOVED) that left the chain. */
typedef struct hawse_evm_block {
    uint32_t size;
    uint32_t reserved;
    uint64_t chain_id;
    uint64_t number;
    uint64_t timestamp; /* seconds, UTC, as the header states */
    uint64_t gas_limit;
    uint64_t gas_used;
    uint64_t base_fee_wei; /* EIP-1559; 0 = before it. UINT64_MAX = larger than that */
    uint8_t hash[32];
    uint8_t parent_hash[32];
    uint8_t logs_bloom[256]; /* Yellow Paper section 4.3.1, as in the header */
} hawse_evm_block_t;

/* One log. Its data stands data_offset bytes after the start of the record. */
typedef struct hawse_evm_log {
    uint32_t size;
    uint32_t topic_count; /* 0 to 4 */
    uint64_t chain_id;
    uint64_t block_number;
    uint64_t block_timestamp; /* seconds, UTC; 0 = the head was not seen yet */
    uint32_t log_index;       /* in the block */
    uint32_t tx_index;        /* in the block */
    uint32_t data_offset;
    uint32_t data_len;
    uint8_t address[20];
    uint8_t reserved[4];
    uint8_t block_hash[32];
    uint8_t tx_hash[32];
    uint8_t topics[4][32];
} hawse_evm_log_t;

/* A transaction that a node announced and that is in no block yet. Best effort: never complete. */
typedef struct hawse_evm_pending_tx {
    uint32_t size;
    uint32_t reserved;
    uint64_t chain_id;
    uint8_t hash[32];
} hawse_evm_pending_tx_t;

/* Another branch became the chain: blocks from `from` to `to` of the old one are dropped. */
typedef struct hawse_evm_reorg {
    uint32_t size;
    uint32_t depth; /* blocks dropped */
    uint64_t chain_id;
    uint64_t from;             /* number of the lowest dropped block */
    uint64_t to;               /* number of the highest dropped block */
    uint8_t ancestor_hash[32]; /* zero: below all that was told; what a reader asked of the chain by
                                  itself is to be asked anew */
    uint8_t old_hash[32];      /* head before */
    uint8_t new_hash[32];      /* head that revealed it */
} hawse_evm_reorg_t;

/*
 * The filter of a subscription to HAWSE_EVM_LOG: what the chain instance must ask its node for. The
 * record may be followed by up to 16 topics0 (32 bytes each); none = every event of the address.
 * A filter without an address is refused: it would ask for the whole chain.
 */
typedef struct hawse_evm_log_filter {
    uint32_t size;
    uint32_t topic0_count;
    uint64_t reserved_number; /* 0 */
    uint8_t address[20];
    uint8_t reserved[4];
} hawse_evm_log_filter_t;

#ifdef __cplusplus
}
#endif
#endif
