/*
 * The life of one Solana transaction of an intent, as a pure function: what is, and what happened,
 * give what is next and what is to be done. Like life.h for the EVM; the chain differs, so the
 * rules do.
 *
 *   START --checked--> SIMULATING --simulated--> ANCHORING --anchored--> SIGNING --signed--> SENT
 *     ^                     |                        |                                        |
 *     +------ look again ---+------- WAITING <-------+                       landed, rolled back
 *     +---------------------------- dead, renewed --------------------------------------------+
 *                                                                                             |
 *                                                      ENDED <-------- final -------------- LANDED
 *
 * A transaction has no number that keeps a second one out: two with different blockhashes both
 * land. So what was signed may be out until it is proved dead (DEAD): neither it nor anything else
 * that was signed for this intent is on the chain, and none of it can land any more, both seen at
 * finalized state. Nothing new is signed for the intent before that; the same bytes may be sent as
 * often as one likes. With a durable nonce a transaction never dies by itself: it is dead when its
 * nonce has another value and it is not on the chain, and what is no longer wanted is ended by an
 * empty transaction with the same nonce value. And every life ends exactly once.
 */
#ifndef CORE_TX_SOLANA_LIFE_H
#define CORE_TX_SOLANA_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum { SOLANA_RENEWALS = 3 }; /* signed anew at most so many times */

/* X(NAME, "word") */
#define SOLANA_STATES(X)                             \
    X(IDLE)       /* nothing was begun */            \
    X(START)      /* gates are next */               \
    X(SIMULATING) /* */                              \
    X(WAITING)    /* a fee, a blockhash, a nonce */  \
    X(ANCHORING)  /* a blockhash or nonce is next */ \
    X(SIGNING)    /* nothing of it is out */         \
    X(SENT)       /* it may be out */                \
    X(LANDED)     /* in a slot that may still go */  \
    X(ENDED)

/* How it ended. */
#define SOLANA_ENDS(X)                                                       \
    X(NONE, "not yet")                                                       \
    X(CONFIRMED, "confirmed") /* executed, for good */                       \
    X(REVERTED, "reverted")   /* executed in vain, for good; it cost fees */ \
    X(REFUSED, "refused")     /* by a gate or the simulation */              \
    X(EXPIRED, "expired")     /* dead, or its deadline came first */         \
    X(CANCELED, "canceled")   /* nothing of it was executed */               \
    X(FAILED, "failed")       /* not signed, or no node takes it */

/* What can happen. */
#define SOLANA_HAPPENINGS(X)                                 \
    X(BEGIN)       /* */                                     \
    X(CHECKED)     /* gates before the simulation passed */  \
    X(REFUSED)     /* a gate, or the simulation */           \
    X(SIMULATED)   /* and every gate passed */               \
    X(WAIT)        /* not now */                             \
    X(LOOK)        /* something changed: try again */        \
    X(ANCHORED)    /* it has a blockhash or a nonce value */ \
    X(SIGNED)      /* an attempt is ready to be sent */      \
    X(UNSIGNED)    /* the signer refused or failed */        \
    X(ACCEPTED)    /* a node took an attempt */              \
    X(UNSURE)      /* nobody knows whether one did */        \
    X(REJECTED)    /* a node says that it can only fail */   \
    X(MISSING)     /* time to send it once more */           \
    X(LANDED)      /* one of its attempts is in a slot */    \
    X(ROLLED_BACK) /* that slot was abandoned */             \
    X(FINAL)       /* that slot is rooted */                 \
    X(DEAD)        /* see above */                           \
    X(CANCEL)      /* no longer wanted */                    \
    X(EXPIRE)      /* its deadline is over */                \
    X(RESTORED)    /* after a restart: an attempt was signed */

#define SOLANA_ENUM_STATE(name) SOLANA_##name,
enum solana_state { SOLANA_STATES(SOLANA_ENUM_STATE) SOLANA_STATE_COUNT };
#define SOLANA_ENUM_END(name, word) SOLANA_END_##name,
enum solana_end { SOLANA_ENDS(SOLANA_ENUM_END) SOLANA_END_COUNT };
#define SOLANA_ENUM_HAPPENING(name) SOLANA_ON_##name,
enum solana_happening { SOLANA_HAPPENINGS(SOLANA_ENUM_HAPPENING) SOLANA_HAPPENING_COUNT };

/* What is to be done, in this order. */
enum {
    SOLANA_DO_CHECK = 1 << 0,    /* ask the gates */
    SOLANA_DO_SIMULATE = 1 << 1, /* and set the compute budget by it */
    SOLANA_DO_ANCHOR = 1 << 2,   /* get a blockhash, or the nonce account and its value */
    SOLANA_DO_RELEASE = 1 << 3,  /* give the nonce account back */
    SOLANA_DO_SIGN = 1 << 4,     /* the wanted transaction */
    SOLANA_DO_VOID = 1 << 5,     /* sign one that does nothing but advance the nonce */
    SOLANA_DO_SEND = 1 << 6,     /* the newest attempt, once it is in the journal */
    SOLANA_DO_RESEND = 1 << 7,   /* the same bytes once more */
    SOLANA_DO_DISCARD = 1 << 8,  /* what was signed is not needed: it never leaves */
    SOLANA_DO_LOOK_UP = 1 << 9,  /* look for all attempts on the chain, history included */
    SOLANA_DO_END = 1 << 10,     /* it ended: see `end` */
};

/* What is to be told of it. */
enum solana_tell {
    SOLANA_TELL_NOTHING,
    SOLANA_TELL_SIMULATED,
    SOLANA_TELL_WAITING,
    SOLANA_TELL_SENT,
    SOLANA_TELL_SEEN,
    SOLANA_TELL_UNKNOWN,
    SOLANA_TELL_REPLACED,
    SOLANA_TELL_INCLUDED,
    SOLANA_TELL_ROLLED_BACK,
    SOLANA_TELL_RENEWED,
    SOLANA_TELL_RECONCILED,
};

/* Plain data; one a transaction. `durable` is set by who makes it. */
struct solana_life {
    uint8_t state;    /* enum solana_state */
    uint8_t end;      /* enum solana_end */
    bool durable;     /* it has a nonce instead of a blockhash */
    bool signing;     /* SENT: an empty transaction is being signed */
    bool voiding;     /* the newest attempt is empty */
    bool unwanted;    /* canceled by its owner */
    bool late;        /* its deadline is over: it is not signed anew */
    bool rejected;    /* a node proved that it can only fail */
    bool seen;        /* SEEN was told of the newest attempt */
    bool unsure;      /* UNKNOWN was told and nothing since */
    bool wanted_in;   /* LANDED: the wanted transaction, not an empty one */
    bool succeeded;   /* LANDED: without an error */
    uint8_t renewals; /* so far */
};

struct solana_event {
    enum solana_happening what;
    bool wanted;      /* LANDED: one of the wanted attempts, not an empty one */
    bool succeeded;   /* LANDED: without an error */
    bool empty;       /* RESTORED: the newest attempt is empty */
    uint8_t renewals; /* RESTORED: how often it was signed anew before */
};

struct solana_result {
    uint32_t effects; /* SOLANA_DO_... */
    enum solana_tell tell;
};

/* What does not fit the state changes nothing: it came too late. */
struct solana_result solana_life_step(struct solana_life *life, const struct solana_event *event);

const char *solana_end_word(uint8_t end);

#endif
