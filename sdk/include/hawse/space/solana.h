/*
 * Event space 4, "solana/1": slots, accounts, logs and signatures of a Solana cluster.
 *
 * A processed slot may lie on a fork that is abandoned: then HAWSE_SOLANA_ROLLBACK comes, and what
 * was published for the abandoned slots comes again with HAWSE_EVENT_REMOVED. Accounts are states:
 * after a gap the newest one is told, not those between. Logs are told one by one, whole.
 */
#ifndef HAWSE_SPACE_SOLANA_H
#define HAWSE_SPACE_SOLANA_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_SOLANA_SLOT    1u /* hawse_solana_slot_t; key 0 */
#define HAWSE_SOLANA_ACCOUNT 2u /* hawse_solana_account_t, then data; key of the pubkey */
#define HAWSE_SOLANA_PROGRAM_LOG \
    3u /* hawse_solana_log_t, then lines; key of the program or account */
#define HAWSE_SOLANA_SIGNATURE 4u /* hawse_solana_signature_t; key of the signature */
#define HAWSE_SOLANA_ROLLBACK  5u /* hawse_solana_rollback_t; key 0 */
/* hawse_solana_account_part_t, then data; key of the pubkey. Accounts of more than
 * HAWSE_SOLANA_WHOLE_MAX bytes, which no single event can carry. */
#define HAWSE_SOLANA_ACCOUNT_PART 6u

#define HAWSE_SOLANA_WHOLE_MAX 196608u /* data of a HAWSE_SOLANA_ACCOUNT, and of one part */

#define HAWSE_SOLANA_PROCESSED 1u
#define HAWSE_SOLANA_CONFIRMED 2u
#define HAWSE_SOLANA_FINALIZED 3u

/* numbers of the sequences (event.stream) */
#define HAWSE_SOLANA_STREAM_SLOTS      1u
#define HAWSE_SOLANA_STREAM_ACCOUNTS   2u
#define HAWSE_SOLANA_STREAM_LOGS       3u
#define HAWSE_SOLANA_STREAM_SIGNATURES 4u

typedef struct hawse_solana_slot {
    uint32_t size;
    uint32_t commitment; /* HAWSE_SOLANA_... */
    uint64_t slot;
    uint64_t parent;
    uint64_t root;
} hawse_solana_slot_t;

typedef struct hawse_solana_account {
    uint32_t size;
    uint32_t commitment;
    uint64_t slot; /* context slot: order by this, not by content */
    uint64_t lamports;
    uint64_t rent_epoch; /* exact up to 2^64 - 1 */
    uint8_t pubkey[32];
    uint8_t owner[32];
    uint32_t executable; /* 0 or 1 */
    uint32_t data_offset;
    uint64_t data_len;
    uint32_t left; /* 1: it left what a program's watch asks for: it is closed, belongs to another
                      program, or its data no longer match. The record says what it is now. */
    uint32_t reserved;
} hawse_solana_account_t;

/*
 * A piece of one state of a large account. Pieces come in order and without a hole: part_offset 0
 * begins anew, whatever came before; part_offset + part_len == total_len ends. With part_len 0 the
 * data are not there: they are above the chain instance's settings.max_account_bytes, or the event
 * has HAWSE_EVENT_REMOVED, which comes once for all parts of that slot.
 */
typedef struct hawse_solana_account_part {
    uint32_t size;
    uint32_t commitment;
    uint64_t slot;
    uint64_t lamports;
    uint64_t rent_epoch;
    uint8_t pubkey[32];
    uint8_t owner[32];
    uint32_t executable; /* these as in hawse_solana_account_t */
    uint32_t left;
    uint64_t total_len;   /* bytes of the account's data */
    uint64_t part_offset; /* where this piece begins in them */
    uint32_t part_len;    /* bytes of this piece */
    uint32_t data_offset; /* where they are, from the start of the record */
} hawse_solana_account_part_t;

/* The lines follow the record: line_count times {uint32_t len, bytes}, from lines_offset on. */
typedef struct hawse_solana_log {
    uint32_t size;
    uint32_t commitment;
    uint64_t slot;
    uint8_t signature[64];
    uint32_t failed; /* 1: the transaction ended with an error */
    uint32_t line_count;
    uint32_t lines_offset;
    uint32_t lines_len;
} hawse_solana_log_t;

typedef struct hawse_solana_signature {
    uint32_t size;
    uint32_t commitment; /* reached */
    uint64_t slot;
    uint8_t signature[64];
    uint32_t failed;
    uint32_t error_len; /* bytes of JSON text after the record: "err" as the cluster gave it */
} hawse_solana_signature_t;

typedef struct hawse_solana_rollback {
    uint32_t size;
    uint32_t slots; /* told slots abandoned; 0 = only records of slots that were not told */
    uint64_t from;  /* lowest abandoned slot */
    uint64_t to;    /* highest abandoned slot */
    uint64_t ancestor;
} hawse_solana_rollback_t;

/* What a filter asks the chain instance to watch. */
#define HAWSE_SOLANA_WATCH_ACCOUNT   1u /* one account: HAWSE_SOLANA_ACCOUNT or _PART */
#define HAWSE_SOLANA_WATCH_PROGRAM   2u /* all accounts that a program owns: as above */
#define HAWSE_SOLANA_WATCH_LOGS      3u /* transactions naming a key: HAWSE_SOLANA_PROGRAM_LOG */
#define HAWSE_SOLANA_WATCH_SIGNATURE 4u /* one transaction: HAWSE_SOLANA_SIGNATURE */

/* Conditions on bytes of one filter; the size of the data is the fourth that a node takes. */
#define HAWSE_SOLANA_MEMCMP_MAX 3u

/* With PROGRAM: accounts with these bytes at this offset of their data. */
typedef struct hawse_solana_memcmp {
    uint64_t offset;
    uint32_t len; /* 1 to 128 */
    uint32_t reserved;
    uint8_t bytes[128];
} hawse_solana_memcmp_t;

/*
 * The filter of a subscription: what the chain instance must ask its node for. memcmp_count times
 * hawse_solana_memcmp_t follow. Slots come to everybody, without a filter.
 */
typedef struct hawse_solana_filter {
    uint32_t size;
    uint32_t watch;        /* HAWSE_SOLANA_WATCH_... */
    uint32_t commitment;   /* HAWSE_SOLANA_PROCESSED ... FINALIZED: when it is told */
    uint32_t memcmp_count; /* PROGRAM only, at most HAWSE_SOLANA_MEMCMP_MAX */
    uint64_t data_size;    /* PROGRAM only: accounts of so many bytes; 0 = any */
    uint8_t id[64];        /* a signature, or a key and 32 zero bytes */
} hawse_solana_filter_t;

#ifdef __cplusplus
}
#endif
#endif
