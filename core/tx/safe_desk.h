/*
 * Between the desk and what an intent of a Safe needs beside: see safe_desk.c (owners),
 * safe_proof.c (what became of what they signed), safe_papers.c (proposals for the other owners).
 * Everything here is [desk].
 */
#ifndef CORE_TX_SAFE_DESK_H
#define CORE_TX_SAFE_DESK_H

#include "tx/desk_private.h"
#include "tx/safe_run.h"

enum safe_proof {
    SAFE_UNPROVED,
    SAFE_ASKED,    /* the chain is asked, or will be at the next head */
    SAFE_EXECUTED, /* by a transaction that is in no attempt of ours, as deep as is wanted */
    SAFE_DEAD,     /* its nonce was used for something else, as deep: it can never be executed */
    SAFE_ALIVE,    /* its nonce is free: who has the signatures can execute it */
};

struct desk_safe {
    struct desk_intent *intent;
    const struct config_safe *config;
    struct safe_place place;
    struct safe_run *run;  /* under way, or through with its first half; NULL = none */
    bool complete;         /* the call has the signatures that it needs */
    bool out;              /* owners have signed `hash`; others may have that by now */
    uint64_t nonce, since; /* of the Safe; block */
    uint8_t hash[32];
    uint8_t singleton[20];
    struct sim_slot slots[SIM_SLOTS];
    uint32_t slot_count;
    struct safe_approvals approvals; /* out: of `hash` */
    uint8_t *data;                   /* of the call; malloc'd */
    struct loop_work work;
    enum safe_proof proof;
    bool asking;
    struct answer_fate fate; /* EXECUTED */
    char *proposal;          /* to be published; malloc'd */
    char *papers;            /* signatures of others, as they came; malloc'd */
    bool waits;              /* for other owners: nothing new came */
    uint64_t looked_ns;      /* when the service was asked last */
    uint64_t waits_ns;       /* since when it waits */
};

/* The proposal leaves: a file in state_dir/safe, and the Safe Transaction Service. */
void safe_publish(struct desk_intent *intent);
/* Signatures are missing: says so, and waits for them. */
void safe_wait(struct desk_intent *intent, const struct safe_result *result);
/* Have others signed? Asked at each head while it waits. */
void safe_collect(struct desk_intent *intent);

#endif
