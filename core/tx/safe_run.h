/*
 * One transaction of a Safe, from its calls to a call that an account can send: asks the chain what
 * the Safe is and what hash it would take, signs with our own owners' keys, adds the signatures of
 * others, and when there are enough tries the very call before it is given out. When there are not,
 * what is given out is a proposal for the other owners.
 *
 * Owns its questions under way and nothing else; sends nothing. Nothing is signed before the Safe
 * itself has named the hash. Everything here is [desk].
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
    hawse_view_t papers; /* signatures of others as safe_paper_read takes them; may be empty */
    const char *origin;  /* a note for the other owners; NULL = none */
};

/* Valid during the call that brings it. */
struct safe_result {
    int32_t status; /* HAWSE_OK: `data` is to be sent to the Safe. HAWSE_E_AGAIN: signatures are
                       missing, `proposal` is for the other owners (NULL when none of ours is among
                       them). Else why not, in `reason`: HAWSE_E_REMOTE is a refusal of the Safe
                       itself */
    uint8_t hash[32];
    uint64_t nonce;
    uint32_t threshold, signatures;
    hawse_view_t data;
    const char *proposal;
    const char *reason;
};
typedef void (*safe_done_fn)(void *ctx, const struct safe_result *result);

/* `done` is called exactly once after HAWSE_OK, maybe within this call, unless canceled. The port
 * outlives the run. HAWSE_E_INVAL, HAWSE_E_DENIED as safe_build; HAWSE_E_NOMEM. */
int32_t safe_run(const struct safe_port *port, const struct safe_request *request,
                 safe_done_fn done, void *ctx, struct safe_run **out, struct fault *fault);
/* `done` will not be called. NULL is legal; not after `done`. */
void safe_run_cancel(struct safe_run *run);

/* What a refusal of the contract means ("GS026" ...), or "" for one that nobody knows. */
const char *safe_error_meaning(const char *text, size_t len);

#endif
