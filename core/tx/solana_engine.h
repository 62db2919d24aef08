/*
 * Carries Solana transactions through their lives: blockhashes and durable nonces, simulation and
 * compute budget, signature, sending the same bytes again and again, and the proof of what became
 * of them. Every decision is solana_life.h's; this asks, waits and counts.
 *
 * Owns what it knows of each transaction. Never holds a key, never writes a file, never opens a
 * connection: all of that goes through the port. What is signed goes to the journal by `keep`, and
 * leaves the process only by solana_engine_go, which whoever owns the engine calls when the
 * journal's group is on the disk. When that fails: free the engine without it, and restore a new
 * one from the journal.
 *
 * All of it is [desk]: one thread, also the port's answers. Times are nanoseconds of port.now.
 */
#ifndef CORE_TX_SOLANA_ENGINE_H
#define CORE_TX_SOLANA_ENGINE_H

#include "base/fault.h"
#include "rpc/pool.h"
#include "tx/solana_answer.h"
#include "tx/solana_hash.h"
#include "tx/solana_life.h"

enum {
    SOLANA_ATTEMPTS = 8,  /* of one transaction: each renewal, and an empty one each */
    SOLANA_ENTRIES = 256, /* transactions under way at a time */
    SOLANA_LOOKS = 2,     /* answers that must agree that it is not on the chain */
    SOLANA_WATCHED = 64,  /* accounts that one may write: more, no transaction may lock */
};

struct solana_engine;

/* What is wanted. Copied. */
struct solana_wanted {
    uint64_t number;   /* the intent's, in the journal; unique */
    uint8_t payer[32]; /* pays the fee; signs first */
    uint32_t version;  /* HAWSE_SOLANA_LEGACY, HAWSE_SOLANA_V0 */
    bool durable;      /* lives by this nonce account; else by a blockhash */
    uint8_t nonce[32];
    uint8_t authority[32];
    uint32_t unit_limit;    /* compute units; 0 = what the simulation used, and a tenth more */
    uint64_t unit_price;    /* micro-lamports; 0 = what other transactions paid lately */
    uint64_t max_price;     /* micro-lamports: never above; 0 = any */
    uint64_t max_fee;       /* lamports, for all fees of one transaction: never above; 0 = none */
    uint64_t deadline_ns;   /* nothing is signed after it; 0 = none */
    uint64_t deadline_slot; /* nor in this slot or a later one; 0 = none */
    const hawse_solana_builder_t *instructions; /* without those of budget and nonce */
    const hawse_solana_table_t *tables;
    uint32_t table_count; /* at most 8 */
};

/* A signed transaction, as the journal keeps it. */
struct solana_attempt {
    uint64_t intent;
    uint32_t number;       /* 1, 2 ... of its intent */
    uint32_t renewals;     /* how often its intent was signed anew before */
    bool empty;            /* advances the nonce and does nothing */
    uint8_t signature[64]; /* the first one: its name on the chain */
    uint8_t binding[32];   /* SHA-256 of the message without its blockhash: what was simulated */
    uint64_t slot;         /* it is in none up to this one */
    hawse_solana_life_t life;
    uint32_t raw_len;
    uint8_t raw[HAWSE_SOLANA_TX_MAX]; /* what is sent */
};

/* What is told, once what led to it is on the disk. */
struct solana_told {
    uint64_t number;
    enum solana_tell tell;
    enum solana_end end;   /* not NONE: it ended, and nothing more comes */
    uint32_t attempts;     /* signed so far */
    uint8_t signature[64]; /* of what it is about; zero = none */
    uint64_t slot;         /* it landed in */
    char reason[SOLANA_REASON];
};

enum solana_gate { SOLANA_BEFORE, SOLANA_AFTER };

/* The accounts that a transaction may write, before and after it as simulated. What is the payer's
 * was the same before and after the simulation, so the difference is the transaction's alone. */
struct solana_seen {
    uint64_t slot; /* of the simulation */
    uint32_t count;
    struct solana_account before[SOLANA_WATCHED], after[SOLANA_WATCHED];
};

/* What gates are asked about. AFTER: the figures of the simulation, and the fee at most. */
struct solana_case {
    uint64_t number;
    enum solana_gate gate;
    uint32_t units; /* consumed */
    uint32_t limit; /* compute units that are asked for */
    uint64_t fee;   /* lamports */
    bool renewed;   /* an earlier attempt is dead */
    const struct solana_seen *seen;
    const uint8_t *binding; /* 32 bytes: SHA-256 of the message without its blockhash */
};
enum solana_verdict { SOLANA_PASS, SOLANA_REFUSE, SOLANA_HOLD };

/* To be signed: answer once by solana_engine_signed, now or later. */
struct solana_signing {
    uint64_t ticket;
    const uint8_t *message; /* valid during the call */
    uint32_t message_len;
    uint32_t count;      /* signatures */
    const uint8_t *keys; /* whose: count times 32 bytes, in the order in which they are wanted */
    uint64_t number;
    bool empty;             /* it does nothing but advance a nonce */
    const uint8_t *binding; /* 32 bytes, as in solana_case, of this message */
};

struct solana_port {
    void *ctx;
    uint64_t (*now)(void *ctx);
    /* As pool_call; may answer before it returns. After HAWSE_OK `done` is called exactly once,
     * after anything else never. */
    int32_t (*call)(void *ctx, const struct pool_options *options, pool_done_fn done,
                    void *done_ctx);
    /* false: it cannot be signed. */
    bool (*sign)(void *ctx, const struct solana_signing *signing);
    /* Into the journal's group. Anything but HAWSE_OK: it is not in it, and will not leave. */
    int32_t (*keep)(void *ctx, const struct solana_attempt *attempt);
    void (*tell)(void *ctx, const struct solana_told *told);
    /* reason: of what does not pass, at most SOLANA_REASON bytes with its NUL. */
    enum solana_verdict (*gate)(void *ctx, const struct solana_case *about, char *reason);
};

/* 0 = the default of each. */
struct solana_options {
    uint32_t slot_ms;       /* 400 */
    uint32_t resend_ms;     /* 2,000: the same bytes are sent once more */
    uint32_t poll_ms;       /* 1,000: statuses are asked for */
    uint32_t confirmations; /* 32: blocks that make it final; the cluster's `finalized` always
                               does */
    uint32_t price_percent; /* 60: of the slots' prices that ours is above */
};

/* HAWSE_E_NOMEM. The port is copied; its ctx outlives the engine. */
int32_t solana_engine_new(const struct solana_options *options, const struct solana_port *port,
                          struct solana_engine **out);
/* No answer comes any more to what was asked: whoever canceled that says so, before the end. */
void solana_engine_canceled(struct solana_engine *engine);
/* Answers that are still to come may come after it. NULL is legal. */
void solana_engine_free(struct solana_engine *engine);

/* HAWSE_E_EXISTS: that number is under way; HAWSE_E_LIMIT: SOLANA_ENTRIES are; HAWSE_E_INVAL: it
 * can't be a transaction, the fault says why; HAWSE_E_NOMEM. After HAWSE_OK one end is told. */
int32_t solana_engine_add(struct solana_engine *engine, const struct solana_wanted *wanted,
                          struct fault *fault);
/* The same for what an earlier run left, with all that was signed for it, oldest first: it is
 * looked for before anything else is done. Add those before anything new. */
int32_t solana_engine_restore(struct solana_engine *engine, const struct solana_wanted *wanted,
                              const struct solana_attempt *attempts, uint32_t count,
                              struct fault *fault);
/* No longer wanted. What is out may land all the same. HAWSE_E_STALE: it is not under way. */
int32_t solana_engine_cancel(struct solana_engine *engine, uint64_t number);
/* `signatures`: as many times 64 bytes as were asked for; NULL: it was not signed. Unknown tickets
 * are ignored. */
void solana_engine_signed(struct solana_engine *engine, uint64_t ticket, const uint8_t *signatures);

/* Does what is due. Returns when it wants to be called again. */
uint64_t solana_engine_turn(struct solana_engine *engine);
/* The journal has everything: what waits for that is sent and told. */
void solana_engine_go(struct solana_engine *engine);

/* The highest slot that any answer was of; 0 = none yet. */
uint64_t solana_engine_slot(const struct solana_engine *engine);

#endif
