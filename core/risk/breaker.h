/*
 * The breaker of one instance: closed, open after failures in a row, half open after a pause, when
 * it lets one intent through at a time, closed again after successes of those in a row. Any failure
 * while half open, also of an intent that was on its way before, opens it anew.
 *
 * Pure: what time it is and how intents ended is told.
 */
#ifndef CORE_RISK_BREAKER_H
#define CORE_RISK_BREAKER_H

#include "risk/risk.h"

struct breaker {
    enum breaker_state state;
    uint32_t failures, successes;
    uint64_t opened_ns; /* UTC */
    uint64_t probe;     /* number of the intent that is under way while half open; 0 = none */
};

enum breaker_edge { BREAKER_STAYS, BREAKER_OPENS, BREAKER_CLOSES };

/* May this intent go on? Turns open into half open when the pause is over. */
bool breaker_allows(struct breaker *b, const struct config_breaker *config, uint64_t utc_ns,
                    uint64_t number);
/* It goes on: while half open it is the probe. */
void breaker_takes(struct breaker *b, uint64_t number);
enum breaker_edge breaker_ended(struct breaker *b, const struct config_breaker *config,
                                uint64_t number, enum risk_outcome outcome, uint64_t utc_ns);
/* Open from now on: after a restart. */
void breaker_open(struct breaker *b, uint64_t utc_ns);

#endif
