/*
 * One transaction of a Safe, from its calls to a call that an account can send, in two halves. The
 * first asks the chain what the Safe is and what hash it would take, and gives the call out without
 * a signature, to be simulated: with the owners' approval standing on the chain, where the
 * simulation is told to see it. The second, when the gates have passed that, signs with our own
 * owners' keys and adds the signatures of others. When there are not enough, what is given out is a
 * proposal for the other owners.
 *
 * Owns its questions under way and nothing else; sends nothing. Nothing is signed before the Safe
 * itself has named the hash: with a signature anybody can execute it. Everything here is [desk].
 */
#ifndef CORE_TX_SAFE_RUN_H
#define CORE_TX_SAFE_RUN_H

#include "keys/key.h"
#include "sim/sim.h"
#include "tx/safe.h"

struct safe_run;

typedef void (*safe_signed_fn)(void *ctx, int32_t status, const struct signature *signature);

/* The way out. Both may answer before they return. After HAWSE_OK `done` is called exactly once;
 * after anything else never. */
struct safe_port {
    void *ctx;
    /* As sim_port's `call`: JSON-RPC at the chain's providers. */
    int32_t (*call)(void *ctx, const char *method, const char *params, size_t len,
                    sim_answer_fn done, void *done_ctx);
    /* Signs with the key of this owner, for the Safe's chain. */
    int32_t (*sign)(void *ctx, const uint8_t owner[20], const uint8_t digest[32],
                    safe_signed_fn done, void *done_ctx);
};

/* Everything is copied. */
struct safe_request {
    struct safe_place place;
    const hawse_intent_call_t *calls;
    uint32_t count;
    uint8_t sender[20];          /* who will send it and pay for the gas */
    const uint8_t (*owners)[20]; /* whose keys we have */
    uint32_t owner_count;
    bool later; /* behind what is proposed already: with `nonce`, and only as a proposal */
    uint64_t nonce;
    const char *origin; /* a note for the other owners; NULL = none */
    const struct safe_approvals
        *known;                /* of an earlier run, of the hash `known_hash`; NULL = none */
    const uint8_t *known_hash; /* 32 bytes */
};

/* Valid during the call that brings it. */
struct safe_result {
    int32_t status; /* HAWSE_OK: `data` is for the Safe: to be simulated with `slots`, or with its
                       signatures to be sent. HAWSE_E_AGAIN: signatures are missing, `proposal` is
                       for the other owners (NULL when none of ours is among them). Else why not, in
                       `reason` */
    uint8_t hash[32];
    uint64_t nonce;
    uint32_t threshold, signatures;
    hawse_view_t data;
    const struct sim_slot *slots; /* of the first half: the owners' approval */
    uint32_t slot_count;
    uint8_t singleton[20]; /* the code that the Safe runs as its own */
    const struct safe_approvals *approvals;
    const char *proposal;
    const char *reason;
};
typedef void (*safe_done_fn)(void *ctx, const struct safe_result *result);

/* The first half. `done` is called exactly once after HAWSE_OK, maybe within this call, unless
 * canceled; with HAWSE_OK in its result the run stays, for safe_run_sign or safe_run_cancel. The
 * port outlives the run. HAWSE_E_INVAL, HAWSE_E_DENIED as safe_build; HAWSE_E_NOMEM. */
int32_t safe_run(const struct safe_port *port, const struct safe_request *request,
                 safe_done_fn done, void *ctx, struct safe_run **out, struct fault *fault);
/* The second half: `done` is called as above, and ends the run. `papers`: signatures of others as
 * safe_paper_read takes them, may be empty; where they cannot be taken nothing is signed, the run
 * stays, and what is wrong is returned. */
int32_t safe_run_sign(struct safe_run *run, hawse_view_t papers, safe_done_fn done, void *ctx,
                      struct fault *fault);
/* `done` will not be called. NULL is legal; not when the run has ended. */
void safe_run_cancel(struct safe_run *run);

/* What a refusal of the contract means ("GS026" ...), or "" for one that nobody knows. */
const char *safe_error_meaning(const char *text, size_t len);

#endif
