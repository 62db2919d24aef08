/*
 * Gates: may this intent be signed? Every gate is asked in one fixed order, the first refusal
 * decides, and what no rule of the operator allows is refused.
 *
 * Owns the kill switches, the breakers, and the counters that limits are held against. Never sends
 * and never signs; never loosens what the operator set for anything that a plugin says.
 *
 * [desk] but where a line says [any]. Amounts are exact 256-bit integers in the smallest unit.
 *
 * How the desk uses it, for one intent:
 *
 *     risk_check(RISK_BEFORE)        the intent as proposed
 *     simulation, fees
 *     risk_check(RISK_AFTER)         the same again, and fees, funds, simulation; a pass holds its
 *                                    amounts against the limits until risk_ended()
 *     for each transaction:  risk_check(RISK_SIGN), reserve the nonce, sign
 *     risk_ended()                   once, however it ended, a refusal after AFTER included
 */
#ifndef CORE_RISK_RISK_H
#define CORE_RISK_RISK_H

#include "config/config.h"
#include "sim/sim.h"

#include <hawse/service/intent.h>

struct risk;

enum risk_stage {
    RISK_BEFORE, /* proposed; nothing was asked yet */
    RISK_AFTER,  /* simulated, fees are known; the next thing is to sign */
    RISK_SIGN,   /* right before each signature: what can change in an instant, and the bytes */
};
enum risk_answer {
    RISK_PASS,
    RISK_REFUSE,
    RISK_WAIT, /* fees are above a cap: ask again at a later head; the deadline ends it */
};

/*
 * Gates, in the order in which they are asked: word, stages (B, A, S), what it asks. Fees and funds
 * come before the simulation, which knows them and would fail for them with fewer words. The dry
 * run comes last, so that it shows what everything else says.
 */
#define RISK_GATES(X)                                                                    \
    X(kill, "BAS", "is no kill switch on?")                                              \
    X(mode, "BAS", "may this instance, of this maturity, sign at all?")                  \
    X(breaker, "BAS", "is the breaker closed, or does it let a probe through?")          \
    X(stream, "BAS", "are the streams that it was decided from live?")                   \
    X(deadline, "BAS", "is there time left?")                                            \
    X(limits, "BA", "are counts and amounts within the operator's limits?")              \
    X(calls, "BA", "is every call allowed, decoded to the innermost?")                   \
    X(slippage, "BA", "is the least that must come in near enough to the quote?")        \
    X(fee_cap, "AS", "is the fee per gas below the cap?")                                \
    X(max_cost, "AS", "are all fees below the intent's and the operator's limit?")       \
    X(funds, "A", "is there enough for value, fees, what is in flight, and a cancel?")   \
    X(simulation, "AS", "did it succeed as planned, on these bytes and a block of now?") \
    X(position, "A", "is what is held afterwards within its limits?")                    \
    X(dry_run, "AS", "may it be signed, now that all is well?")

/* What of a token the account has, as read at the head. */
struct risk_balance {
    uint8_t asset[20]; /* zero: the coin of a subject; that of `from` is native_balance */
    hawse_u256_t balance;
    hawse_u256_t in_flight; /* what own transactions under way may take of it */
};

struct risk_moved {
    uint8_t asset[20];    /* zero: the chain's own coin, with the fees that were paid */
    hawse_u256_t out, in; /* net: one of them is 0 */
    hawse_u256_t given;   /* allowances that were left behind: they count as taken, not as lost */
};

/* A token account of Solana that the transaction may write: whose it is when it has run. */
struct risk_token {
    uint8_t key[32], owner[32];
};

/* What gates look at of an intent of Solana. Everywhere else 20 bytes stand for an asset or a
 * counterparty: config_handle() of the mint or the address. */
struct risk_solana {
    const uint8_t *payer; /* 32 bytes: the account, and the only signer */
    const uint8_t
        *simulated; /* 32 bytes: the binding of the message that was simulated; AFTER, SIGN */
    const uint8_t *signing;          /* 32 bytes: that of the message that is to be signed */
    const struct risk_token *tokens; /* AFTER: those of the simulation */
    uint32_t token_count;
    uint64_t reserve; /* lamports that must be left: rent, and the fee of an empty transaction */
};

struct risk_case {
    const hawse_intent_t *intent;
    const struct risk_solana *solana; /* of an intent of Solana, otherwise NULL. `txs` is then one
                                         that has the lamports that leave and the fee, as one unit
                                         of gas; head is a slot */
    uint64_t number; /* of the intent in the journal: what is held, is held under it */
    const char *instance;
    const uint8_t *from;    /* 20 bytes: who signs transactions and pays for the gas */
    const uint8_t *subject; /* 20 bytes: the Safe whose money moves; NULL = from's does */
    const uint8_t *batch;   /* 20 bytes: the code that this Safe may run as its own, which makes
                               several calls of one; with subject */
    enum config_maturity maturity; /* the lower of the plugin's and the feature's */
    const char *dead_stream;       /* NULL = all that it depends on are live; otherwise in words */
    uint64_t utc_ns;               /* now */
    uint64_t head;                 /* number of the newest block */
    const uint8_t *head_hash;      /* 32 bytes; of AFTER and SIGN */
    const uint8_t *head_parent;    /* 32 bytes, or NULL */

    /* what the chain's configuration says */
    hawse_u256_t fee_cap;     /* wei per gas, lamports of a fee; 0 = refuse everything */
    bool simulation_required; /* no engine answered, or it can't tell flows: refuse */
    bool inspection_required; /* no call tree: refuse */

    /* RISK_AFTER and RISK_SIGN */
    const struct sim_result *sim; /* NULL = none was made */
    const hawse_tx_t *txs;        /* as they will be signed; nonces need not be set before SIGN */
    uint32_t tx_count;
    uint32_t tx_index;  /* SIGN: which one; those before it are done */
    uint32_t sim_first; /* the transaction that is the first of the simulation: more than 0 when the
                           rest was simulated again */
    const struct risk_moved *done; /* what those before sim_first moved, as far as it is known: it
                                      counts for what may leave and must come in; NULL = nothing */
    uint32_t done_count;
    hawse_u256_t l1_fee; /* wei, of a rollup's data; otherwise 0 */
    hawse_u256_t native_balance;
    hawse_u256_t in_flight_cost; /* wei: value and most of the fees of own transactions under way */
    const struct risk_balance *balances; /* of tokens; the gates of funds and position need those of
                                            the intent's flows, and refuse what is missing */
    uint32_t balance_count;
};

struct risk_verdict {
    enum risk_answer answer;
    char gate[16];      /* word of the gate that decided; "" after a pass */
    char reason[640];   /* what, where, found, expected, what to do */
    char figures[1024]; /* JSON object */
    char warning[256];  /* not refused, but an operator should know: "" = nothing */
    uint64_t fee_most;  /* RISK_WAIT: the highest fee per gas that may pass, wei; 0 = not known */
};

/* [desk] Asks every gate of the stage. */
void risk_check(struct risk *risk, enum risk_stage stage, const struct risk_case *c,
                struct risk_verdict *out);

/* [desk] What a simulation for this instance has to know: the operator's callbacks beside the usual
 * ones, and the code that the account may run as its own. Nothing of an instance that is unknown.
 */
void risk_sim_policy(const struct risk *risk, const char *instance, const char *chain,
                     struct sim_policy *out);

/* How an intent ended. What the breaker counts as a failure: REVERTED, EXPIRED, REFUSED. */
enum risk_outcome {
    RISK_SUCCEEDED, /* on chain and confirmed: `moved` says what it did */
    RISK_REVERTED,  /* on chain, without success; earlier calls of it may have moved something */
    RISK_EXPIRED,   /* sent, never included */
    RISK_REFUSED,   /* signed, but no provider took it for a reason of its own */
    RISK_CANCELED,  /* sent and taken back, or never sent because the plugin or the host ended */
    RISK_NOT_SENT,  /* a gate refused it after AFTER, a deadline passed: nothing was signed */
};

/* [desk] The allowances that an intent leaves behind when it is executed, by asset, with `given`
 * alone set: at most HAWSE_INTENT_FLOWS_MAX + 1. For one that is held: before risk_ended(). */
uint32_t risk_given(const struct risk *risk, const char *instance, const char *chain,
                    uint64_t number, struct risk_moved *out);

/* [desk] Exactly once for each intent that passed AFTER: gives back what it held, counts what it
 * moved, and tells the breaker. A number that holds nothing is legal and only counts what moved. */
void risk_ended(struct risk *risk, const char *instance, const char *chain, uint64_t number,
                enum risk_outcome outcome, const struct risk_moved *moved, uint32_t moved_count,
                uint64_t utc_ns);

/* [desk] After a restart, before the first check: what this UTC day holds already, and intents that
 * are still open (as if their AFTER had passed just now). HAWSE_E_NOTFOUND: no such limits. */
int32_t risk_restore_day(struct risk *risk, const char *instance, const char *chain,
                         const struct risk_moved *moved, uint32_t intents, uint64_t utc_ns);
int32_t risk_restore_open(struct risk *risk, const struct risk_case *c);

/* [desk] Opens the breaker of an instance by a word from outside, which holds across a restart. It
 * closes by its probes, as after failures. */
void risk_break(struct risk *risk, const char *instance, const char *why, uint64_t utc_ns);

/* ---- life ---- */

/* Something that operators are told at once: a breaker's edge, a kill switch. [any] thread that
 * caused it. */
typedef void (*risk_notify_fn)(void *ctx, const char *instance, const char *text);

struct risk_options {
    const char *dir; /* where switches and open breakers survive a restart; made with mode 0700 */
    risk_notify_fn notify; /* may be NULL */
    void *notify_ctx;
};

/* [desk] The config must outlive it, or the next risk_reload(). */
int32_t risk_create(const struct config *config, const struct risk_options *options,
                    struct risk **out, struct fault *fault);
void risk_destroy(struct risk *risk); /* NULL is legal */
/* [desk] Other limits from now on; counters, switches and breakers stay. */
int32_t risk_reload(struct risk *risk, const struct config *config, struct fault *fault);

/* ---- kill switches: a file each, so that `touch` works too ---- */

/* [any] On, for one instance or (NULL) for all; `who` says who did it: "command", "alert", "file".
 * It holds in memory even when the file can't be written, which is then the error. */
int32_t risk_kill(struct risk *risk, const char *instance, const char *who, const char *why,
                  struct fault *fault);
/* [any] Off again. HAWSE_E_NOTFOUND: it was not on. An instance stays killed while all are. */
int32_t risk_resume(struct risk *risk, const char *instance, struct fault *fault);
/* [any] Is one on, for this instance (NULL: for all)? `why`, unless NULL, gets words. */
bool risk_killed(struct risk *risk, const char *instance, char *why, size_t cap);

/* ---- for status ---- */

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct risk_status {
    bool killed;
    enum breaker_state breaker;
    uint32_t failures, successes; /* in a row: while closed, while half open */
    uint32_t open_intents;        /* held */
    uint32_t intents_today;
    uint64_t passed, refused, waited; /* verdicts since the start */
};
/* [desk] HAWSE_E_NOTFOUND: no such instance. */
int32_t risk_status(const struct risk *risk, const char *instance, uint64_t utc_ns,
                    struct risk_status *out);

#endif
