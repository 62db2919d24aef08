/*
 * Between the files of the Solana engine.
 *
 *   solana_engine.c   entries, events and their effects, turns
 *   solana_watch.c    accounts that it may write, before and after
 *   solana_sign.c     from the instructions to the signed bytes
 *   solana_track.c    sending, and what became of what was sent
 */
#ifndef CORE_TX_SOLANA_PRIVATE_H
#define CORE_TX_SOLANA_PRIVATE_H

#include "tx/solana_engine.h"

#define SOLANA_MS 1000000ull

enum { SOLANA_TABLES = 8, SOLANA_QUEUE = 4096 };

/* One transaction of an intent. */
struct solana_entry {
    struct solana_entry *next;
    struct solana_engine *engine;
    struct solana_life life;
    struct solana_wanted wanted; /* instructions and tables lead to the copies below */
    hawse_solana_builder_t builder;
    hawse_solana_table_t tables[SOLANA_TABLES];
    uint8_t *table_bytes; /* malloc'd: accounts and keys of the tables */
    uint32_t asks;        /* questions under way about it: it may not be freed */
    bool asking_status, asking_proof;

    /* from the check to the signature */
    uint32_t limit;      /* compute units to sign with; 0 = not known yet */
    uint64_t price;      /* to sign with */
    uint8_t binding[32]; /* of what was simulated */
    hawse_solana_life_t anchor;
    uint64_t anchor_slot, anchor_ns;
    bool held;                /* the nonce account is this entry's */
    uint64_t ticket;          /* of the signature that is awaited; 0 = none */
    bool sign_empty;          /* what is being signed */
    uint8_t sign_binding[32]; /* of what is being signed */
    uint8_t message[HAWSE_SOLANA_MESSAGE_MAX];
    uint64_t message_len;
    struct solana_seen *seen; /* malloc'd: of the newest simulation */
    uint32_t looks_again;     /* simulations in a row that something else came between */
    struct solana_simulated simulated;
    bool told_waiting;
    uint64_t look_ns; /* WAITING: when to look again */

    /* what is out */
    struct solana_attempt *attempts[SOLANA_ATTEMPTS]; /* malloc'd */
    uint32_t attempt_count;
    uint64_t sent_ns;  /* the newest one, last */
    uint64_t asked_ns; /* statuses, last */
    uint32_t sends;    /* of the newest one */
    bool look_up;      /* history included, at the next question */
    uint32_t landed;   /* LANDED: which attempt */
    uint64_t landed_slot;
    char reason[SOLANA_REASON]; /* why it ends badly, the first that was found */

    /* the proof that it is dead */
    uint64_t proof_slot; /* finalized: nothing of it can land after it; 0 = not proved */
    uint32_t looks;      /* answers that did not find it since */
    bool history;        /* a node has all slots that it could be in */
};

enum solana_effect_kind { SOLANA_EFFECT_TELL, SOLANA_EFFECT_SEND };
struct solana_effect {
    struct solana_effect *next;
    enum solana_effect_kind kind;
    uint64_t number; /* SEND: whose newest attempt */
    struct solana_told told;
};

/* A question under way. */
struct solana_ask {
    struct solana_ask *next, **at;
    struct solana_engine *engine; /* NULL: it is gone */
    struct solana_entry *entry;   /* NULL: a question of the engine's own */
    void (*done)(struct solana_ask *ask, const struct pool_result *result);
    uint64_t asked_ns;
    uint32_t attempt; /* a send: which */
    bool history;     /* statuses with history; a proof for which none is needed */
};

struct solana_engine {
    struct solana_options options;
    struct solana_port port;
    struct solana_hashes hashes;
    struct solana_entry *entries;
    uint32_t count;
    struct solana_ask *asks;
    struct solana_effect *effects, **effects_end;
    uint64_t tickets;
    uint64_t price;                              /* micro-lamports: what others pay */
    uint64_t epoch_slot, epoch_height, epoch_ns; /* at finalized; when it was asked for */
    bool epoch_asking;
    uint32_t marks[SOLANA_MARKS];
};

/* ---- solana_engine.c ---- */

void solana_on(struct solana_entry *entry, enum solana_happening what);
void solana_event(struct solana_entry *entry, const struct solana_event *event);
void solana_why(struct solana_entry *entry, const char *reason); /* the first one stays */
/* Asks. `params` is the text of an array, copied. False: it could not be asked, done is not
 * called. */
bool solana_ask(struct solana_engine *engine, const struct solana_ask *what, const char *method,
                const char *params, enum pool_class class, uint32_t flags);
/* The answer as text; false: there is none. */
bool solana_good(struct solana_engine *engine, const struct pool_result *result,
                 struct solana_text *text);

/* ---- solana_watch.c ---- */

/* Reads what the message in e->message may write, and then simulates it; see solana_simulate. */
void solana_watch(struct solana_entry *entry);
/* The text of the list of watched accounts, "[\"KEY\",...]", into room for it. */
enum { SOLANA_KEYS_TEXT = (SOLANA_WATCHED + SOLANA_TABLES) * 48 + 3 };
void solana_watched_text(const struct solana_entry *entry, bool tables, char out[SOLANA_KEYS_TEXT]);
/* Reads the same once more, and hands over to solana_passed when nothing came between. */
void solana_watch_again(struct solana_entry *entry);

/* ---- solana_sign.c ---- */

void solana_refuse(struct solana_entry *entry, const char *reason);
/* Simulates exactly what will be signed, with the accounts that are watched. */
void solana_simulate(struct solana_entry *entry);
void solana_passed(struct solana_entry *entry);

void solana_do_simulate(struct solana_entry *entry);
void solana_do_anchor(struct solana_entry *entry);
void solana_do_sign(struct solana_entry *entry, bool empty);
/* Does it make a transaction at all, with the largest budget? */
int32_t solana_wanted_check(struct solana_entry *entry, struct fault *fault);

/* ---- solana_track.c ---- */

void solana_refresh(struct solana_engine *engine); /* blockhash, price, finalized height */
void solana_track(struct solana_entry *entry);     /* what is due for it */
void solana_send_now(struct solana_entry *entry);  /* the newest attempt */

#endif
