/*
 * Between the front of the nonces (nonce.c) and its backends: a call as data, and how it is
 * answered.
 */
#ifndef CORE_TX_NONCE_PRIVATE_H
#define CORE_TX_NONCE_PRIVATE_H

#include "tx/nonce.h"

enum nonce_op {
    NONCE_OP_RESERVE,
    NONCE_OP_CLAIM,
    NONCE_OP_SENT,
    NONCE_OP_RELEASE,
    NONCE_OP_MINED,
    NONCE_OP_REWIND,
    NONCE_OP_GAPS,
    NONCE_OP_LIST,
    NONCE_OP_COUNT
};

struct nonce_call {
    enum nonce_op op;
    struct nonce_key key;
    uint64_t a, b;      /* floor and window; number; latest; expected and target */
    bool alone;         /* reserve: no other host may have any meanwhile */
    bool take;          /* claim: also what a host that is gone has marked as sent */
    struct nonce nonce; /* sent, release */
    uint8_t hash[32];
    struct nonce_view view;
    nonce_done_fn done;
    void *ctx;
};

struct nonce_backend {
    /* Ends in nonce_answer(), then or later. */
    void (*call)(struct nonces *nonces, const struct nonce_call *call);
    enum nonce_mode (*mode)(const struct nonces *nonces);
    void (*close)(struct nonces *nonces); /* answers what waits, frees */
};

/* The beginning of every backend's own struct. */
struct nonces {
    const struct nonce_backend *backend;
    struct nonce_options options; /* with defaults filled in */
    struct nonce_counts counts;
};

void nonces_init(struct nonces *nonces, const struct nonce_backend *backend,
                 const struct nonce_options *options);
/* Counts it, and tells the caller. */
void nonce_answer(struct nonces *nonces, const struct nonce_call *call,
                  const struct nonce_answer *answer);

#define NONCE_MAX ((1ULL << 53) - 1)

enum { NONCE_ROWS = 1024 }; /* that a comparison with the chain looks at */

/* What is wrong from `latest` on, by entries of [latest, next), the lowest first: the rules of both
 * backends. Returns how many were written, NONCE_GAPS at most. */
size_t nonce_find_gaps(const struct nonce_view *view, uint64_t next, uint64_t now_ns,
                       const struct nonce_entry *entries, size_t count,
                       struct nonce_gap out[NONCE_GAPS]);

#endif
