/*
 * Nonces of accounts that this host signs for: who has which, so that no two transactions get the
 * same one and none is left out.
 *
 * A nonce is free (was handed out and came back unused), reserved (somebody with the token may sign
 * with it, for a limited time), sent (may be known to the world, and is never free by itself again)
 * or mined. Two backends of the same meaning keep that: the journal, for one host; and Redis, for
 * several hosts that share keys.
 *
 * Everything is [desk]. Every call answers through `done`, exactly once: the journal's before the
 * call returns, that of Redis later, on the desk's loop, within its budget. The journal's answers
 * are part of the group that is open (journal_begin); where none is, the call makes one of its own.
 *
 * The order for a caller: reserve, sign, sent, commit, broadcast. `sent` comes before the bytes
 * leave: when it answers anything but HAWSE_OK the bytes are thrown away. Numbers stay below 2^53,
 * where a double counts exactly (Redis' scripts): HAWSE_E_RANGE. Formulas: EIP-2681 (bound), the
 * pools' rules for gaps and delegated accounts (EIP-7702) as in this room's README.
 */
#ifndef CORE_TX_NONCE_H
#define CORE_TX_NONCE_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal;
struct loop;
struct nonces;

struct nonce_key {
    uint64_t chain_id;
    uint8_t sender[20];
};

struct nonce {
    uint64_t number;
    uint8_t token[16]; /* random: proves that it is still yours */
};

enum nonce_trouble {
    NONCE_HOLE = 1,  /* nobody has it and the ones above wait for it: claim and fill it */
    NONCE_UNSEEN = 2 /* was sent, and no pool shows it, or it is next and does not come: send its
                        bytes again; its hash is told */
};

struct nonce_gap {
    uint64_t number;
    enum nonce_trouble trouble;
    uint8_t hash[32]; /* NONCE_UNSEEN: as sent() was told last */
};

enum { NONCE_GAPS = 100, NONCE_LIST = 256, NONCE_MINED_KEPT = 256 };

enum nonce_state { NONCE_FREE = 1, NONCE_RESERVED = 2, NONCE_SENT = 3, NONCE_MINED = 4 };

struct nonce_entry {
    struct nonce nonce;
    enum nonce_state state;
    uint8_t hash[32];  /* sent, mined */
    uint64_t since_ns; /* UTC, when it came into this state */
};

struct nonce_answer {
    int32_t status;               /* HAWSE_OK or HAWSE_E_... */
    struct fault fault;           /* in words, when it is not HAWSE_OK */
    struct nonce nonce;           /* reserve, claim */
    uint64_t next;                /* the lowest that was never handed out */
    uint32_t in_flight;           /* reserved and sent */
    uint64_t foreign;             /* reserve, gaps: so many nonces were used by somebody else */
    const struct nonce_gap *gaps; /* gaps: lowest first; until done returns */
    size_t gap_count;
    const struct nonce_entry *entries; /* list: lowest first; until done returns */
    size_t entry_count;
};

typedef void (*nonce_done_fn)(void *ctx, const struct nonce_answer *answer);

/* The lowest number that may be used: a free one, else a new one. floor: the highest "pending"
 * count that a provider tells; the numbers below are gone. window: how many may be in flight (1 for
 * an account with delegated code). HAWSE_E_AGAIN: so many are in flight. HAWSE_E_STATE: nonces
 * cannot be had now (see nonce_mode), nothing may be sent. */
void nonce_reserve(struct nonces *nonces, const struct nonce_key *key, uint64_t floor,
                   uint32_t window, nonce_done_fn done, void *ctx);
/* The same for one beside which nothing of the account may be in flight, on any host, but `held`
 * numbers of its own: of a bundle, those it has so far. HAWSE_E_AGAIN: others are; on other hosts
 * none is given any more for half the time that a reservation holds, so that its turn comes. While
 * it is in flight other hosts are answered HAWSE_E_AGAIN. */
void nonce_reserve_alone(struct nonces *nonces, const struct nonce_key *key, uint64_t floor,
                         uint32_t held, nonce_done_fn done, void *ctx);
/* One number that gaps() told as a hole, to fill it; the window does not count. HAWSE_E_EXISTS:
 * somebody has it by now; HAWSE_E_RANGE: it was never handed out. */
void nonce_claim(struct nonces *nonces, const struct nonce_key *key, uint64_t number,
                 nonce_done_fn done, void *ctx);
/* The same, also of a number that another host marked as sent and was not heard of since for as
 * long as a reservation holds: an operator says that it will not come back. It may all the same:
 * then its token is worth nothing any more, and the chain takes one of the two. HAWSE_E_EXISTS as
 * well: that host is there, or the number is this host's. */
void nonce_take(struct nonces *nonces, const struct nonce_key *key, uint64_t number,
                nonce_done_fn done, void *ctx);
/* It will leave now, by this hash. Again for each transaction that replaces it, with the same
 * token, also where it was mined: a reorganisation may have taken that back. HAWSE_E_STALE: no
 * longer yours, throw the bytes away. */
void nonce_sent(struct nonces *nonces, const struct nonce_key *key, const struct nonce *nonce,
                const uint8_t hash[32], nonce_done_fn done, void *ctx);
/* Not needed, and nothing was sent. HAWSE_E_STALE: it is not reserved by this token any more. */
void nonce_release(struct nonces *nonces, const struct nonce_key *key, const struct nonce *nonce,
                   nonce_done_fn done, void *ctx);
/* The account's count at "latest": all below are mined, by whomever. A lower count takes nothing
 * back. */
void nonce_mined(struct nonces *nonces, const struct nonce_key *key, uint64_t latest,
                 nonce_done_fn done, void *ctx);
/* Back to `target`, when next is `expected` and nothing from target on was reserved, sent or mined:
 * the way out when a provider told a floor that was too high. HAWSE_E_STALE: next is another;
 * HAWSE_E_STATE: some of them were used. */
void nonce_rewind(struct nonces *nonces, const struct nonce_key *key, uint64_t expected,
                  uint64_t target, nonce_done_fn done, void *ctx);

struct nonce_view {
    uint64_t latest;      /* count at "latest", of a provider that is not behind */
    uint64_t pending;     /* the highest "pending" count of all providers */
    uint64_t sent_age_ns; /* what was sent so long ago should be there: 3 blocks */
    uint64_t free_age_ns; /* what is free so long will not be used: 2 blocks */
};

/* Compares with the chain, at each head: what must be filled or sent again (at most NONCE_GAPS, the
 * lowest). pending above next: somebody else uses the key, which is told and taken over. */
void nonce_gaps(struct nonces *nonces, const struct nonce_key *key, const struct nonce_view *view,
                nonce_done_fn done, void *ctx);
/* What is free, reserved, sent or lately mined, at most NONCE_LIST, the lowest not mined first. */
void nonce_list(struct nonces *nonces, const struct nonce_key *key, nonce_done_fn done, void *ctx);

struct nonce_options {
    uint64_t ttl_ns;              /* of a reservation; 0 = 30 s */
    uint64_t (*clock)(void *ctx); /* UTC; NULL = the system's */
    void *clock_ctx;
};

/* The journal's backend. The journal stays the caller's and outlives it. Reservations of an earlier
 * run are free again: nobody else can have this journal. */
int32_t nonces_open(struct journal *journal, const struct nonce_options *options,
                    struct nonces **out, struct fault *fault);
/* What waits is answered HAWSE_E_CANCELED. NULL is legal. */
void nonces_close(struct nonces *nonces);

enum nonce_mode {
    NONCE_LOCAL = 1,  /* the journal alone */
    NONCE_SHARED = 2, /* Redis */
    NONCE_ALONE = 3, /* Redis does not answer; this host has the lease and goes on by its journal */
    NONCE_STOPPED = 4 /* Redis does not answer, and others may be using the keys: nothing is sent */
};
enum nonce_mode nonce_mode(const struct nonces *nonces);
const char *nonce_mode_name(enum nonce_mode mode);

struct nonce_counts {
    uint64_t reserved, reused, sent, released, expired, busy, stale, holes, claimed, mined, foreign,
        rewound, resynced;
};
void nonce_counts(const struct nonces *nonces, struct nonce_counts *out);

#endif
