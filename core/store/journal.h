/*
 * The journal: what was wanted, what was decided about it and why, what was signed and sent, and
 * how it ended. One SQLite file that only grows, in a hash chain, written by one thread of one
 * host; see README.md of this room for the tables and what the chain proves.
 *
 * Everything here is [desk]: called on one thread, never on a lane. Nothing blocks for longer than
 * the disk takes. Texts are UTF-8 with a NUL; views that are handed in are copied; views that are
 * handed out last until the callback returns. Times are UTC nanoseconds, 0 as an input meaning now.
 *
 * Writing goes in groups: begin, any number of additions, commit. What stands before a commit that
 * returned HAWSE_OK survives the machine losing power; the caller lets nothing leave the process
 * before that. Secrets have no place in here: what is handed in is written as it is.
 *
 * Errors of every writing call: HAWSE_E_NOSPACE (the disk is full), HAWSE_E_IO (it failed),
 * HAWSE_E_FORMAT (the file is damaged), HAWSE_E_STATE (no group was begun, or an earlier call of
 * this group failed by one of these). After any of them nothing of the group is kept, or all of it
 * when it was the commit that failed: abort, treat it as not done, and read your state afresh, as
 * at a start. The next begin tries again, so that writing goes on by itself when there is room.
 */
#ifndef CORE_STORE_JOURNAL_H
#define CORE_STORE_JOURNAL_H

#include "base/fault.h"

#include <hawse/types.h>
#include <stdbool.h>
#include <stdint.h>

struct journal;

enum {
    JOURNAL_NAME = 64,           /* bytes of a name with its NUL: instance, chain, account */
    JOURNAL_ID = 65,             /* of an idempotency key */
    JOURNAL_MODE = 16,           /* of a mode */
    JOURNAL_WHAT = 32,           /* of the kind of a note, or of a total */
    JOURNAL_KEY = 128,           /* of what a total is of: an asset, a counterparty */
    JOURNAL_BODY_MAX = 1 << 20,  /* bytes of an intent's body, or of a transaction */
    JOURNAL_DATA_MAX = 64 << 10, /* bytes of the JSON of a step or note */
    JOURNAL_DAY_SECONDS = 24 * 3600,
};

struct journal_options {
    bool create;            /* make the file when it is not there */
    bool read_only;         /* for looking at it, also while a host writes: no lock is taken */
    uint64_t reserve_bytes; /* of the disk, kept for what is under way; 0 = 64 MiB */
};

/* Opens, takes the lock that makes this the only writer, and brings older schemas up to date.
 * HAWSE_E_EXISTS: another process has it, which is named; HAWSE_E_NOTFOUND; HAWSE_E_DENIED: open to
 * other users, or not ours to write; HAWSE_E_FORMAT: no journal, damaged, or records that were
 * there are gone (an older copy was put in its place); HAWSE_E_UNSUPPORTED: of a newer hawse. */
int32_t journal_open(const char *path, const struct journal_options *options, struct journal **out,
                     struct fault *fault);
void journal_close(struct journal *journal); /* a group that was begun is dropped; NULL is legal */

int32_t journal_begin(struct journal *journal, struct fault *fault);
int32_t journal_commit(struct journal *journal, struct fault *fault);
void journal_abort(struct journal *journal); /* legal without a group */
bool journal_in_group(const struct journal *journal);

/* May something new be started? HAWSE_OK, or why nothing may be signed: what failed last, or a disk
 * with less than the reserve left. Asks the disk, and costs a microsecond. */
int32_t journal_ready(struct journal *journal, struct fault *fault);

/* ---- intents ---- */

struct journal_intent {
    uint64_t number; /* 1, 2, 3 ... in the order of adding; what steps and attempts refer to */
    char instance[JOURNAL_NAME];
    char id[JOURNAL_ID]; /* idempotency key */
    char chain[JOURNAL_NAME];
    char account[JOURNAL_NAME];
    char mode[JOURNAL_MODE];
    uint64_t utc_ns;
    uint32_t step;     /* HAWSE_INTENT_...: the last one; PROPOSED when it is added */
    bool ended;        /* has its terminal step */
    hawse_view_t body; /* JSON object from which the whole intent can be read back */
};

/* Adds an intent and its step HAWSE_INTENT_PROPOSED. in_out: number and step are set.
 * HAWSE_E_EXISTS: this instance used the id before, at any time (in_out->number says by which
 * intent; nothing is added, and the group goes on); HAWSE_E_INVAL: a name is empty, or the body too
 * long or no JSON object. */
int32_t journal_intent_add(struct journal *journal, struct journal_intent *in_out,
                           struct fault *fault);

struct journal_step {
    uint64_t intent;       /* its number */
    uint32_t step;         /* HAWSE_INTENT_... */
    uint32_t attempts;     /* sends so far */
    uint8_t reference[64]; /* transaction hash or the like, zero-padded */
    uint64_t block;
    int32_t error; /* HAWSE_E_... */
    uint64_t utc_ns;
    hawse_view_t data; /* JSON object: gate, reason, figures; len 0 = {} */
};

/* Adds a step. A terminal one (see journal_terminal) ends the intent: HAWSE_E_EXISTS when it has
 * ended before, so that no intent ends twice (nothing is added, the group goes on); steps that are
 * not terminal may follow, and do not open it again. HAWSE_E_NOTFOUND: no such intent. */
int32_t journal_step(struct journal *journal, const struct journal_step *step, struct fault *fault);
bool journal_terminal(uint32_t step);
const char *journal_step_name(uint32_t step); /* "PROPOSED" ...; NULL: no such step */

/* Return 0 to go on; anything else ends the walk and is returned by it. They may not write. */
typedef int32_t (*journal_intent_fn)(void *ctx, const struct journal_intent *intent);
typedef int32_t (*journal_step_fn)(void *ctx, const struct journal_step *step);

/* Those without a terminal step, oldest first. */
int32_t journal_open_intents(struct journal *journal, journal_intent_fn fn, void *ctx,
                             struct fault *fault);
/* The body lasts until the next call. HAWSE_E_NOTFOUND sets no fault. */
int32_t journal_find(struct journal *journal, const char *instance, const char *id,
                     struct journal_intent *out, struct fault *fault);
/* All steps of an intent, oldest first. */
int32_t journal_steps_of(struct journal *journal, uint64_t intent, journal_step_fn fn, void *ctx,
                         struct fault *fault);

/* ---- attempts: transactions that were signed ---- */

enum journal_attempt_state {
    JOURNAL_SIGNED = 1,     /* journalled before it leaves: whether it left is not known */
    JOURNAL_SENT = 2,       /* a provider took it */
    JOURNAL_MINED = 3,      /* in a block */
    JOURNAL_REPLACED = 4,   /* another attempt of the same nonce was mined */
    JOURNAL_SUPERSEDED = 5, /* its nonce was used by a transaction that is not in this journal */
    JOURNAL_REFUSED = 6,    /* every provider refused it for a reason of its own */
    JOURNAL_LOST = 7,       /* its nonce is used, and nobody can show by what */
};

struct journal_attempt {
    uint64_t intent;
    uint32_t leg;     /* which of the intent's transactions: 0, 1 ... */
    uint32_t attempt; /* of this leg: 1 is the first, later ones replace it */
    uint32_t state;   /* JOURNAL_SIGNED when it is added */
    uint32_t reserved;
    uint64_t chain_id;
    uint64_t nonce;
    uint8_t sender[20];
    uint8_t hash[32];
    char simulation[65];       /* the simulation that it was signed by, in hexadecimal; "" = none */
    hawse_u256_t max_fee, tip; /* wei per gas */
    uint64_t utc_ns;
    hawse_view_t raw; /* the signed bytes, as they are sent */
};

typedef int32_t (*journal_attempt_fn)(void *ctx, const struct journal_attempt *attempt);

/* HAWSE_E_EXISTS: this leg has that attempt, or another attempt has that hash (nothing is added);
 * HAWSE_E_NOTFOUND: no such intent; HAWSE_E_RANGE: chain_id or nonce above 2^63 - 1. */
int32_t journal_attempt_add(struct journal *journal, const struct journal_attempt *attempt,
                            struct fault *fault);
/* HAWSE_E_NOTFOUND: no such attempt. */
int32_t journal_attempt_state(struct journal *journal, uint64_t intent, uint32_t leg,
                              uint32_t attempt, uint32_t state, struct fault *fault);
/* All of an intent, by leg and attempt. */
int32_t journal_attempts_of(struct journal *journal, uint64_t intent, journal_attempt_fn fn,
                            void *ctx, struct fault *fault);
/* One above the highest nonce that was ever signed with; 0 = none. */
int32_t journal_high_water(struct journal *journal, uint64_t chain_id, const uint8_t sender[20],
                           uint64_t *next, struct fault *fault);

/* ---- totals: what limits count, by instance and UTC day ---- */

struct journal_total {
    char instance[JOURNAL_NAME];
    uint64_t day;            /* utc_ns / 86400e9 */
    char what[JOURNAL_WHAT]; /* "count", "spent", "loss": the caller's words */
    char key[JOURNAL_KEY];   /* of which asset, counterparty ...; may be empty */
    hawse_u256_t amount;     /* signed */
};

typedef int32_t (*journal_total_fn)(void *ctx, const struct journal_total *total);

/* Adds a signed amount (what was counted and did not happen is given back as a negative one), in
 * the name of an intent. The day is that of utc_ns. HAWSE_E_NOTFOUND: no such intent;
 * HAWSE_E_RANGE: the sum does not fit. */
int32_t journal_count(struct journal *journal, uint64_t intent, const char *what, const char *key,
                      const hawse_u256_t *amount, uint64_t utc_ns, struct fault *fault);
/* All totals of a day; instance NULL = of every instance. */
int32_t journal_totals(struct journal *journal, const char *instance, uint64_t day,
                       journal_total_fn fn, void *ctx, struct fault *fault);

/* ---- notes: what happened to the host and no intent is named for ---- */

/* `what`: "start", "stop", "kill", "resume", "reload", "sandwich"; instance may be "" ; data as of
 * a step. */
int32_t journal_note(struct journal *journal, const char *what, const char *instance,
                     hawse_view_t data, struct fault *fault);

/* The data lasts until the next call. */
typedef int32_t (*journal_note_fn)(void *ctx, const char *instance, hawse_view_t data);
/* All notes of this name, of every instance, oldest first. */
int32_t journal_notes(struct journal *journal, const char *what, journal_note_fn fn, void *ctx,
                      struct fault *fault);

/* ---- the chain, and looking at all of it ---- */

struct journal_head {
    uint64_t seq; /* number of records */
    uint8_t hash[32];
};

/* Of what is committed. Note it elsewhere: see README.md, "What the chain proves". */
void journal_head(const struct journal *journal, struct journal_head *out);
/* 16 bytes that name this journal; copies share it. */
void journal_identity(const struct journal *journal, uint8_t out[16]);

struct journal_record {
    uint64_t seq;
    uint64_t utc_ns;
    uint64_t intent;      /* 0 = none */
    const char *kind;     /* "intent", "step", "attempt", "state", "count", "note" */
    const char *instance; /* "" = none */
    hawse_view_t data;    /* JSON object */
    hawse_view_t bytes;   /* an intent's body, a transaction's signed bytes; or none */
    uint8_t hash[32];
};

struct journal_filter {
    const char *instance;    /* NULL = all */
    const char *id;          /* idempotency key; NULL = all */
    uint64_t intent;         /* 0 = all */
    uint64_t from_ns, to_ns; /* from <= utc_ns < to; to 0 = no end */
    uint32_t step;           /* steps of this kind alone; 0 = all records */
    uint64_t after;          /* seq above this */
};

typedef int32_t (*journal_record_fn)(void *ctx, const struct journal_record *record);

/* Records in their order. */
int32_t journal_query(struct journal *journal, const struct journal_filter *filter,
                      journal_record_fn fn, void *ctx, struct fault *fault);

struct journal_verdict {
    uint64_t records;
    struct journal_head head;
    uint64_t faults;
    char first[512]; /* the first fault in words; "" = none */
};

/* Hashes every record again and compares all tables with the records they are made of. `expected`:
 * a head that was noted earlier and has to be in the chain; NULL = none. HAWSE_OK when it could be
 * read, whatever the verdict. */
int32_t journal_verify(struct journal *journal, const struct journal_head *expected,
                       struct journal_verdict *out, struct fault *fault);

/* Copies the journal at `path` to a new file, also while a host writes to it, and proves the copy.
 * HAWSE_E_EXISTS: there is a file; HAWSE_E_FORMAT: what was copied does not verify. */
int32_t journal_backup(const char *path, const char *to, struct journal_verdict *out,
                       struct fault *fault);
/* Puts a copy in the place of `path`, which no host may use. HAWSE_E_EXISTS: what is there is
 * newer, or another journal, and `force` is not set: going back in time forgets which ids and
 * nonces were used; what was there is kept beside it as PATH.before-restore-N. HAWSE_E_FORMAT: the
 * copy does not verify, and is never put in place. */
int32_t journal_restore(const char *copy, const char *path, bool force, struct journal_verdict *out,
                        struct fault *fault);

#endif
