/*
 * A stand-in for a Solana cluster, in memory: no programs run. The real runtime (tests/solana)
 * cannot be made to fork, lag and lose answers a hundred thousand times in a second. It keeps the
 * rules that decide whether a transaction can land: blockhashes live for 150 block heights, a nonce
 * has one value at a time, a signature is executed once on a branch, slots are skipped and
 * abandoned, and each question is answered by a node that may lag behind, or not at all.
 */
#ifndef HAWSE_TESTS_SOLANA_CLUSTER_H
#define HAWSE_TESTS_SOLANA_CLUSTER_H

#include "rpc/pool.h"

#include <hawse/solana/transaction.h>
#include <stdbool.h>
#include <stdint.h>

enum { CLUSTER_SLOTS = 8192, CLUSTER_TXS = 4096, CLUSTER_NONCES = 4, CLUSTER_ASKED = 256 };

/* A transaction that some node has. */
struct cluster_tx {
    uint8_t signature[64];
    uint8_t hash[32];  /* its blockhash, or nonce value */
    uint64_t lamports; /* of its transfer; 0 = none: it only advances a nonce */
    int32_t nonce;     /* which; -1 = none */
    uint64_t slot;     /* on the branch; 0 = not */
    bool fails;        /* when it lands */
};

struct cluster_slot {
    bool skipped;
    uint64_t height;
    uint8_t hash[32];
    uint32_t values[CLUSTER_NONCES]; /* of the nonces, after it */
};

struct cluster_asked {
    bool used;
    uint64_t due; /* slot at which it is answered */
    pool_done_fn done;
    void *ctx;
    int32_t status;
    char body[4096];
};

struct cluster {
    struct cluster_slot slots[CLUSTER_SLOTS];
    uint64_t head, final; /* slots; final never goes back */
    uint64_t forks;       /* so many times slots were abandoned: hashes differ by it */
    struct cluster_tx txs[CLUSTER_TXS];
    uint32_t tx_count;
    struct cluster_asked asked[CLUSTER_ASKED];
    uint8_t nonces[CLUSTER_NONCES][32]; /* their accounts */
    uint8_t authority[32];
    uint8_t table[32];         /* an account with a lookup table; zero = none */
    uint8_t table_keys[2][32]; /* what it holds */
    /* troubles, in a hundred */
    uint32_t drop;    /* a transaction is not passed on */
    uint32_t lose;    /* a question, or its answer */
    uint32_t slow;    /* a transaction does not land in a slot */
    uint32_t fork;    /* in a thousand slots: up to 8 are abandoned */
    uint32_t lag;     /* slots, at most */
    uint32_t blind;   /* slots by which nodes lag that are asked for statuses */
    uint32_t refuse;  /* a send, by its preflight, which proves nothing */
    uint64_t history; /* nodes know slots from here on */
    uint64_t price;   /* what others pay */
    bool down;        /* nothing can be asked */
    bool moving;      /* each account has other lamports whenever it is looked at */
    uint64_t looks;   /* so many times one was */
    const char *err;  /* of simulations; NULL = null */
    uint64_t foreign; /* nonces advanced by somebody else, in a thousand slots */
    uint64_t sends;   /* that reached a node */
};

void cluster_init(struct cluster *c);
/* One more slot: what can land may; answers that are due are given. */
void cluster_slot(struct cluster *c);
/* As solana_port.call. */
int32_t cluster_call(struct cluster *c, const struct pool_options *options, pool_done_fn done,
                     void *ctx);
/* Transactions with a transfer of so much that are on the finalized branch: how many succeeded, and
 * how many failed. */
void cluster_executed(const struct cluster *c, uint64_t lamports, uint32_t *good, uint32_t *bad);

#endif
