/*
 * Event space 7, "intent/1": how what was wanted ended. The host tells these to the instance that
 * proposed the intent, once and in order; each step is in the journal before it is told. Terminal
 * steps come once per intent and last.
 *
 * Key: the handle of the intent.
 *
 * HAWSE_INTENT_LEG comes before the answer to look_up (hawse/service/intent.h), once for each
 * transaction of that intent that is in a block: it is the step INCLUDED of that one.
 *
 * HAWSE_INTENT_OUTCOME is for others: whoever has the grant "outcomes", or "outcomes:INSTANCE",
 * hears how each intent of that instance ended, those of operators and of earlier runs among them,
 * without the reason, whose words may quote a node. Source 0, key: the intent's number in the
 * journal. What nobody was there to hear is in the journal alone.
 */
#ifndef HAWSE_SPACE_INTENT_H
#define HAWSE_SPACE_INTENT_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_INTENT_STEP    1u /* hawse_intent_step_t, then the reason */
#define HAWSE_INTENT_STATE   2u /* hawse_intent_step_t: answer to look_up; step 0: unknown */
#define HAWSE_INTENT_OUTCOME 3u /* hawse_intent_outcome_t, then the names of whose it is */
#define HAWSE_INTENT_LEG     4u /* hawse_intent_step_t: before STATE, one in a block; see below */

/* steps, in the order in which they can come. An intent of several transactions tells each one's;
 * terminal steps are of the whole intent. */
#define HAWSE_INTENT_PROPOSED   1u
#define HAWSE_INTENT_GATED      2u
#define HAWSE_INTENT_REFUSED    3u /* terminal: by which gate stands in the reason */
#define HAWSE_INTENT_SIMULATED  4u
#define HAWSE_INTENT_SIGNED     5u
#define HAWSE_INTENT_SENT       6u
#define HAWSE_INTENT_SEEN       7u
#define HAWSE_INTENT_INCLUDED   8u
#define HAWSE_INTENT_CONFIRMED  9u /* terminal */
#define HAWSE_INTENT_REPLACED   10u
#define HAWSE_INTENT_EXPIRED    11u /* terminal */
#define HAWSE_INTENT_FAILED     12u /* terminal */
#define HAWSE_INTENT_UNKNOWN    13u /* not terminal: will be reconciled, never blindly resent */
#define HAWSE_INTENT_RECONCILED 14u /* what was unknown is known again */
#define HAWSE_INTENT_REORGED    15u /* INCLUDED no longer holds; it was sent again */
#define HAWSE_INTENT_WAITING    16u /* for lower fees or a free nonce; nothing is signed */

typedef struct hawse_intent_step {
    uint32_t size;
    uint32_t step;         /* HAWSE_INTENT_... */
    uint64_t intent;       /* handle */
    uint64_t attempt;      /* sends so far */
    uint8_t reference[64]; /* transaction hash, signature or order id, zero-padded */
    uint64_t block_number; /* of INCLUDED and CONFIRMED */
    int32_t error;       /* HAWSE_E_...: of what ended badly. REMOTE: it was executed and reverted;
                            DENIED: a gate; TIMEOUT: never included; CANCELED; EXISTS: this id was
                            used before, and the terminal step of that one stands */
    uint32_t reason_len; /* bytes of UTF-8 text after the record */
    uint64_t tag;        /* of the proposal, or of the question */
    uint32_t leg;        /* which of its transactions, counted from 0 */
    uint32_t leg_count;  /* how many it has; 0 = not planned yet */
} hawse_intent_step_t;

/* Behind the record, without NULs between them: id of the instance, name of the chain, id of the
 * intent (its idempotency key). */
typedef struct hawse_intent_outcome {
    uint32_t size;
    uint32_t step;                            /* a terminal one */
    uint64_t number;                          /* in the journal */
    uint64_t attempt;                         /* sends of it */
    uint64_t block_number;                    /* of CONFIRMED */
    uint8_t reference[64];                    /* as of its terminal step */
    int32_t error;                            /* 〃 */
    uint32_t instance_len, chain_len, id_len; /* bytes of the names */
} hawse_intent_outcome_t;

#ifdef __cplusplus
}
#endif
#endif
