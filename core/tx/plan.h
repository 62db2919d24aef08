/*
 * From an intent to transactions: one for each call, or one that delegates the account's code to an
 * executor and has it make all of them (EIP-7702). Pure. What comes out lacks nonce, gas limit and
 * fees; all else is decided here, once, and never changes.
 */
#ifndef CORE_TX_PLAN_H
#define CORE_TX_PLAN_H

#include "base/fault.h"
#include "tx/fees.h"

#include <hawse/service/intent.h>
#include <hawse/tx.h>

enum { PLAN_LEGS = HAWSE_INTENT_CALLS_MAX };

/* How an executor wants to be called. */
enum plan_executor {
    PLAN_NO_EXECUTOR,
    PLAN_ERC7821,       /* execute(bytes32 mode, bytes) with mode 0x01 */
    PLAN_EXECUTE_BATCH, /* executeBatch((address,uint256,bytes)[]) */
    PLAN_EXECUTE10,     /* execute10(address[10],bytes[10],uint256) */
};

enum { PLAN_TEN = 10 }; /* slots of execute10 */

struct plan_leg {
    uint8_t to[20];
    uint8_t reserved[4];
    hawse_u256_t value;
    hawse_view_t data;
    uint64_t gas_limit; /* that the intent asked for; 0 = what the simulation finds */
};

/* free() it. Views lead into the intent, or behind the legs. */
struct plan {
    uint32_t count;
    bool delegated;
    bool together; /* its transactions are one bundle: see bundle.c */
    bool safe; /* its only transaction is a Safe's, whose data comes when its owners have signed */
    uint8_t delegate[20];
    struct plan_leg legs[PLAN_LEGS];
    uint8_t data[];
};

/* `delegate`: of the chain's configuration, or NULL. HAWSE_E_UNSUPPORTED: a bundle, and the chain
 * has no executor. HAWSE_E_LIMIT: more calls than execute10 has slots; HAWSE_E_INVAL: execute10
 * makes calls without value. */
int32_t plan_make(const hawse_intent_t *intent, const uint8_t sender[20],
                  enum plan_executor executor, const uint8_t *delegate, struct plan **out,
                  struct fault *fault);

/* The one of a Safe. */
int32_t plan_safe(const uint8_t safe[20], struct plan **out, struct fault *fault);

/* The transaction of a leg; views lead into the plan. A delegating one still lacks its
 * authorization. */
void plan_tx(const struct plan *plan, uint32_t leg, uint64_t chain_id, hawse_tx_t *tx);

/* The one that does nothing: it takes a nonce. */
void plan_void_tx(const uint8_t sender[20], uint64_t chain_id, hawse_tx_t *tx);

/* Is this transaction the leg's, whatever its nonce, fees and gas limit? That of a Safe whose data
 * is not there yet: any execTransaction of it. */
bool plan_is_leg(const struct plan *plan, uint32_t leg, const hawse_tx_t *tx);

#endif
