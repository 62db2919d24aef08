/*
 * Recent blockhashes of a Solana cluster: the newest one that any provider told, whether it may
 * still be signed with, and when the next is to be asked for. Pure: time comes from the caller, and
 * questions are the caller's too.
 *
 * A blockhash lives for 150 blocks, about a minute; what is signed with one that is nearly over is
 * likely not to land, and must then be waited for before anything else can be done. So one is given
 * out only when it is at most 60 s old and has at least 40 blocks left, counted with the highest
 * block height that was told and with the blocks that time alone must have brought. A provider that
 * lags behind another is never believed: what it tells of an older slot is dropped.
 *
 * Sources: Solana documentation, "Transaction confirmation & expiration".
 */
#ifndef CORE_TX_SOLANA_HASH_H
#define CORE_TX_SOLANA_HASH_H

#include <hawse/hawse.h>
#include <hawse/solana/transaction.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    SOLANA_HASH_AGE_MS = 60 * 1000,  /* never used when older */
    SOLANA_HASH_BLOCKS = 40,         /* nor with fewer blocks left */
    SOLANA_HASH_NEXT_MS = 12 * 1000, /* the next one is asked for so long after the last */
    SOLANA_HASH_RETRY_MS = 1000,     /* or so long after a question that was in vain */
    SOLANA_HASH_LOST_MS = 10 * 1000, /* a question that nobody answered is over after that */
};

/* Plain data; all zero but slot_ms = nothing is known. */
struct solana_hashes {
    uint32_t slot_ms;           /* of the cluster: the shortest time of a block; 0 = 400 */
    bool known;                 /* hash, last_height and so on are set */
    bool asking;                /* a question is under way */
    uint8_t hash[32];           /* the newest blockhash */
    uint64_t last_height;       /* lastValidBlockHeight of it */
    uint64_t slot;              /* of the answer that brought it */
    uint64_t asked_ns;          /* when that was asked for: it is at least as old */
    uint64_t height, height_ns; /* the highest block height that was told, and when it was asked */
    uint64_t min_slot;          /* the highest slot that any answer was of: minContextSlot */
    uint64_t question_ns;       /* when the last question went out */
    uint64_t next_ns;           /* when the next is due */
};

/* Is it time to ask? Then ask getLatestBlockhash with commitment confirmed and minContextSlot =
 * min_slot, and call solana_hashes_asked. */
bool solana_hashes_due(const struct solana_hashes *h, uint64_t now_ns);
void solana_hashes_asked(struct solana_hashes *h, uint64_t now_ns);

/* The answer came. HAWSE_OK: it is the newest now, or the same one again; HAWSE_E_STALE: of a slot
 * before one that is known, dropped; HAWSE_E_RANGE: figures that no node can give, dropped. */
int32_t solana_hashes_told(struct solana_hashes *h, uint64_t slot, const uint8_t hash[32],
                           uint64_t last_height);
/* There was no answer, or none of use. */
void solana_hashes_failed(struct solana_hashes *h, uint64_t now_ns);
/* Another answer told a slot and the block height at it, at whatever commitment; asked_ns: when. */
void solana_hashes_height(struct solana_hashes *h, uint64_t slot, uint64_t height,
                          uint64_t asked_ns);

/* Blocks for which `last_height` is good, by all that is known at that time; 0 = none, or unknown.
 */
uint64_t solana_hashes_left(const struct solana_hashes *h, uint64_t last_height, uint64_t now_ns);

/* A blockhash to sign with. HAWSE_E_AGAIN: there is none that may be used; ask, and wait. */
int32_t solana_hashes_get(const struct solana_hashes *h, uint64_t now_ns,
                          hawse_solana_life_t *life);
/* May what has this blockhash still be sent for the first time? By the same two rules. */
bool solana_hashes_good(const struct solana_hashes *h, const hawse_solana_life_t *life,
                        uint64_t asked_ns, uint64_t now_ns);

#endif
