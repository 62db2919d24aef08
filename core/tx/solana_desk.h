/*
 * The Solana engine on the desk: gates, journal, signatures and words for what solana_engine.h
 * carries out. Between solana_desk.c and solana_keep.c; everything is [desk].
 */
#ifndef CORE_TX_SOLANA_DESK_H
#define CORE_TX_SOLANA_DESK_H

#include "tx/desk_private.h"
#include "tx/solana_engine.h"

/* Of one intent, beside desk_intent. */
struct solana_part {
    struct sim_result sim; /* of the newest simulation; call_count 0 = none was made */
    uint8_t binding[32];   /* of the message that it was of */
    uint64_t lamports;     /* that the account had then */
    uint64_t fee;          /* lamports of what is signed, at most */
    struct risk_token tokens[SOLANA_WATCHED];
    uint32_t token_count;
    struct risk_balance balances[SOLANA_WATCHED];
    uint32_t balance_count;
    uint8_t signature[64]; /* of what was signed last; zero = nothing was */
    bool restored;         /* by an earlier run; the chain has not spoken of it */
    char figures[2048];    /* JSON of the simulation */
};

/* What an attempt is in the journal: the data of its step SIGNED. malloc'd JSON text; NULL: no
 * memory. */
char *solana_attempt_text(const struct solana_attempt *attempt);
/* Back again; HAWSE_E_FORMAT. */
int32_t solana_attempt_read(hawse_view_t text, struct solana_attempt *out);
/* The simulation in figures, for the journal. */
void solana_figures(struct solana_part *part, const struct solana_case *about);

#endif
