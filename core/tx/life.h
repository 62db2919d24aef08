/*
 * The life of one transaction of an intent, as a pure function: what is, and what happened, give
 * what is next and what is to be done. Everything that decides whether money moves once, twice or
 * not at all is here and in plan.c; whoever carries the effects out may be late or may fail, which
 * then is another thing that happened.
 *
 *   START --checked--> SIMULATING --simulated--> RESERVING --reserved--> SIGNING --signed--> SENT
 *     ^                     |                        |                                        |
 *     +------ look again ---+------- WAITING <-------+                    included, reorganised
 *                                                                                             |
 *                                            ENDED <--confirmed, or its nonce went -- INCLUDED
 *
 * Three rules carry it. What was signed may be out, whatever a provider says: from then on only the
 * chain ends it, by a receipt deep enough of any of its hashes or by its nonce going to somebody
 * else deep enough. A nonce has one wanted transaction and at most one kind of replacement that
 * does nothing; which of them is mined decides. And every life ends exactly once.
 */
#ifndef CORE_TX_LIFE_H
#define CORE_TX_LIFE_H

#include <stdbool.h>
#include <stdint.h>

enum { LIFE_BUMPS = 5, LIFE_RENEWALS = 3 };

/* X(NAME, "word") */
#define LIFE_STATES(X)                                                \
    X(IDLE, "idle")             /* an earlier transaction is first */ \
    X(START, "start")           /* gates are next */                  \
    X(SIMULATING, "simulating") /* */                                 \
    X(WAITING, "waiting")       /* fees, or a nonce */                \
    X(RESERVING, "reserving")   /* a nonce was asked for */           \
    X(SIGNING, "signing")       /* it has a nonce, nothing is out */  \
    X(SENT, "sent")             /* it may be out */                   \
    X(INCLUDED, "included")     /* in a block, not deep enough */     \
    X(ENDED, "ended")

/* How it ended. */
#define LIFE_ENDS(X)                                                      \
    X(NONE, "not yet")                                                    \
    X(CONFIRMED, "confirmed")   /* executed, deep enough */               \
    X(REVERTED, "reverted")     /* executed in vain, deep enough */       \
    X(REFUSED, "refused")       /* by a gate */                           \
    X(EXPIRED, "expired")       /* by its deadline, before it was sent */ \
    X(CANCELED, "canceled")     /* nothing was executed */                \
    X(SUPERSEDED, "superseded") /* its nonce was used by somebody else */ \
    X(LOST, "lost")             /* its nonce is used, nobody says how */  \
    X(FAILED, "failed")         /* could not be signed */                 \
    X(DROPPED, "dropped")       /* never begun: an earlier one went bad */

/* What can happen. */
#define LIFE_HAPPENINGS(X)                                  \
    X(BEGIN)       /* its turn */                           \
    X(CHECKED)     /* gates before the simulation passed */ \
    X(REFUSED)     /* a gate, or the simulation */          \
    X(SIMULATED)   /* and every gate passed */              \
    X(WAIT)        /* not now: fees, window, funds */       \
    X(LOOK)        /* something changed: try again */       \
    X(RESERVED)    /* it has a nonce */                     \
    X(SIGNED)      /* an attempt is ready to be sent */     \
    X(UNSIGNED)    /* the signer refused or failed */       \
    X(ACCEPTED)    /* a provider took an attempt */         \
    X(UNSURE)      /* nobody knows whether one did */       \
    X(REJECTED)    /* every provider refused it for good */ \
    X(UNDERPRICED) /* its fee was too low for the pool */   \
    X(STUCK)       /* too long without a block */           \
    X(MISSING)     /* no pool has it */                     \
    X(INCLUDED)    /* a receipt of one of its attempts */   \
    X(REORGANIZED) /* that receipt is gone */               \
    X(CONFIRMED)   /* that receipt is deep enough */        \
    X(TAKEN)       /* the nonce is another's, proved */     \
    X(GONE)        /* the nonce is used, nobody says how */ \
    X(CANCEL)      /* no longer wanted */                   \
    X(EXPIRE)      /* the deadline is over */               \
    X(RESTORED)    /* after a restart: an attempt was signed */

#define LIFE_ENUM_STATE(name, word) LIFE_##name,
enum life_state { LIFE_STATES(LIFE_ENUM_STATE) LIFE_STATE_COUNT };
#define LIFE_ENUM_END(name, word) LIFE_END_##name,
enum life_end { LIFE_ENDS(LIFE_ENUM_END) LIFE_END_COUNT };
#define LIFE_ENUM_HAPPENING(name) LIFE_ON_##name,
enum life_happening { LIFE_HAPPENINGS(LIFE_ENUM_HAPPENING) LIFE_HAPPENING_COUNT };

/* What is to be done, in this order. */
enum {
    LIFE_DO_CHECK = 1 << 0,    /* ask the gates */
    LIFE_DO_SIMULATE = 1 << 1, /* the very transaction */
    LIFE_DO_RESERVE = 1 << 2,  /* a nonce */
    LIFE_DO_RELEASE = 1 << 3,  /* give the nonce back: nothing was ever signed with it */
    LIFE_DO_SIGN = 1 << 4,     /* the first attempt */
    LIFE_DO_SEND = 1 << 5,     /* the newest attempt, once it is in the journal */
    LIFE_DO_BUMP = 1 << 6,     /* sign one like the last with a higher fee */
    LIFE_DO_VOID = 1 << 7,     /* sign an empty transaction with its nonce */
    LIFE_DO_RESEND = 1 << 8,   /* the same bytes of the newest attempt once more */
    LIFE_DO_DISCARD = 1 << 9,  /* what was signed is no longer needed: forget it */
    LIFE_DO_END = 1 << 10,     /* it ended: see `end` */
};

/* What is to be told of it. */
enum life_tell {
    LIFE_TELL_NOTHING,
    LIFE_TELL_SIMULATED,
    LIFE_TELL_SENT,
    LIFE_TELL_SEEN,
    LIFE_TELL_UNKNOWN,
    LIFE_TELL_REPLACED,
    LIFE_TELL_INCLUDED,
    LIFE_TELL_REORGANIZED,
    LIFE_TELL_RENEWED,
    LIFE_TELL_RECONCILED,
};

/* Plain data; one a transaction. */
struct life {
    uint8_t state;    /* enum life_state */
    uint8_t end;      /* enum life_end */
    bool signing;     /* SENT: a replacement is being signed */
    bool voiding;     /* the newest attempt is empty, or the one that is being signed */
    bool unwanted;    /* canceled by its owner */
    bool rejected;    /* providers refused the wanted transaction for good */
    bool seen;        /* SEEN was told of the newest attempt */
    bool unsure;      /* UNKNOWN was told and nothing since */
    bool wanted_in;   /* INCLUDED: the wanted transaction, not an empty one */
    bool succeeded;   /* INCLUDED: it did not revert */
    bool bound;       /* it goes with others or not at all: it never gets another nonce */
    uint8_t bumps;    /* of the wanted transaction */
    uint8_t renewals; /* nonces lost to others so far */
};

/* What happened, with what is to be known about it. */
struct life_event {
    enum life_happening what;
    bool wanted;    /* INCLUDED: one of the wanted attempts, not an empty one */
    bool succeeded; /* INCLUDED: it did not revert */
    bool empty;     /* RESTORED: the newest attempt is empty */
};

struct life_result {
    uint32_t effects; /* LIFE_DO_... */
    enum life_tell tell;
};

/* What does not fit the state changes nothing: it came too late. */
struct life_result life_step(struct life *life, const struct life_event *event);

const char *life_state_word(uint8_t state);

#endif
