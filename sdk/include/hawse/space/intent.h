/*
 * Event space 7, "intent/1": how what was wanted ended. The host publishes these to the instance
 * that proposed the intent and to its subscribers; each step is in the journal before it is
 * published.
 *
 * Key: hawse_key(idempotency key).
 */
#ifndef HAWSE_SPACE_INTENT_H
#define HAWSE_SPACE_INTENT_H

#include <hawse/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_INTENT_STEP  1u /* hawse_intent_step_t, then the reason */
#define HAWSE_INTENT_STATE 2u /* hawse_intent_step_t: answer to look_up, error says whether */

/* steps, in the order in which they can come */
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
#define HAWSE_INTENT_RECONCILED 14u

typedef struct hawse_intent_step {
    uint32_t size;
    uint32_t step;         /* HAWSE_INTENT_... */
    uint64_t intent;       /* handle */
    uint64_t attempt;      /* sends so far */
    uint8_t reference[64]; /* transaction hash, signature or order id, zero-padded */
    uint64_t block_number;
    int32_t error;       /* HAWSE_E_... */
    uint32_t reason_len; /* bytes of UTF-8 text after the record */
    uint64_t tag;        /* of the proposal, or of the question */
} hawse_intent_step_t;

#ifdef __cplusplus
}
#endif
#endif
