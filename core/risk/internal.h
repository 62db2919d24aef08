/*
 * Between the gates.
 */
#ifndef CORE_RISK_INTERNAL_H
#define CORE_RISK_INTERNAL_H

#include "risk/book.h"
#include "risk/breaker.h"
#include "risk/kill.h"
#include "risk/risk.h"

#include <jansson.h>

#define RISK_PPM 1000000u

/* An instance that was ever asked about. */
struct party {
    char instance[64];
    struct breaker breaker;
    uint64_t passed, refused, waited;
};

struct risk {
    const struct config *config;
    struct risk_options options;
    struct switches *switches;
    struct party *parties;
    size_t party_count;
    struct book *books;
    size_t book_count;
};

/* What every gate looks at. */
struct gate {
    struct risk *risk;
    enum risk_stage stage;
    const struct risk_case *c;
    const struct config_instance *instance;
    const struct config_limits *limits; /* NULL = none for this chain: the gate of limits refuses */
    struct party *party;
    struct book *book;
    bool canary; /* amounts are scaled down */
    const char *name;
    struct book_held held; /* what a pass of AFTER will hold: filled in by gates */
    struct risk_verdict *v;
};

typedef enum risk_answer (*gate_fn)(struct gate *g);

/* ---- risk.c: answers ---- */

/* Takes figures over; NULL = none. */
enum risk_answer gate_refuse(struct gate *g, json_t *figures, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum risk_answer gate_wait(struct gate *g, json_t *figures, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void gate_warn(struct gate *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For figures and words. */
json_t *figure(const hawse_u256_t *n); /* decimal text */
struct amount_text {
    char text[200];
};
/* "12.5 usdc" where the asset is known, otherwise the smallest units and the address. */
struct amount_text amount_text(const struct gate *g, const uint8_t asset[20],
                               const hawse_u256_t *amount);
/* An asset's address: of Solana its mint, where the intent names it. */
struct asset_text {
    char text[48];
};
struct asset_text asset_text(const struct gate *g, const uint8_t asset[20]);
struct address_text {
    char text[43];
};
struct address_text address_text(const uint8_t address[20]);

/* The operator's figure for an asset, scaled down where the canary's holds. */
hawse_u256_t gate_scaled(const struct gate *g, const hawse_u256_t *amount);
const struct config_asset *gate_asset(const struct gate *g, const uint8_t asset[20]);
const struct config_counterparty *gate_counterparty(const struct gate *g,
                                                    const uint8_t address[20]);
/* What the intent says of an asset; NULL = nothing. */
const hawse_intent_flow_t *gate_flow(const struct gate *g, const uint8_t asset[20]);

/* Items of the intent, whose maker may have been older. */
const hawse_intent_call_t *gate_call(const struct gate *g, uint32_t i);
const hawse_intent_flow_t *gate_flow_at(const struct gate *g, uint32_t i);

/* May this spender be given this allowance? Refuses with words that begin with `where`. */
enum risk_answer gate_allowance(struct gate *g, const char *where, const uint8_t token[20],
                                const uint8_t spender[20], const hawse_u256_t *amount, bool all);

/* An allowance that will be left behind: holds it, and counts it against the day's limits. */
enum risk_answer gate_given(struct gate *g, const uint8_t asset[20], const hawse_u256_t *amount);
/* Are the shares of those whom the intent has to do with within what they may have of a day? */
enum risk_answer gate_shares(struct gate *g);
/* Notes who an intent has to do with, for the limits per counterparty. */
enum risk_answer gate_touch(struct gate *g, const uint8_t address[20]);
/* Of what pays: is it said what is expected to come in? */
enum risk_answer gate_quote(struct gate *g);

/* ---- gate_solana.c ---- */

enum risk_answer gate_instructions(struct gate *g);
/* Is what is to be signed what was simulated? */
enum risk_answer gate_bound(struct gate *g);

#define RISK_GATE_FN(name, stages, asks) enum risk_answer gate_##name(struct gate *g);
RISK_GATES(RISK_GATE_FN)

#endif
