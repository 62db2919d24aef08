/*
 * See breaker.h.
 */
#include "risk/breaker.h"

void breaker_open(struct breaker *b, uint64_t utc_ns)
{
    *b = (struct breaker){.state = BREAKER_OPEN, .opened_ns = utc_ns};
}

bool breaker_allows(struct breaker *b, const struct config_breaker *config, uint64_t utc_ns,
                    uint64_t number)
{
    if (b->state == BREAKER_OPEN && utc_ns < b->opened_ns)
        b->opened_ns = utc_ns; /* the clock was set back: no shorter a pause, and no endless one */
    if (b->state == BREAKER_OPEN && utc_ns - b->opened_ns >= config->pause_ms * UINT64_C(1000000)) {
        b->state = BREAKER_HALF_OPEN;
        b->successes = 0;
        b->probe = 0;
    }
    return b->state == BREAKER_CLOSED ||
           (b->state == BREAKER_HALF_OPEN && (b->probe == 0 || b->probe == number));
}

void breaker_takes(struct breaker *b, uint64_t number)
{
    if (b->state == BREAKER_HALF_OPEN)
        b->probe = number;
}

static bool is_failure(enum risk_outcome outcome)
{
    return outcome == RISK_REVERTED || outcome == RISK_EXPIRED || outcome == RISK_REFUSED;
}

enum breaker_edge breaker_ended(struct breaker *b, const struct config_breaker *config,
                                uint64_t number, enum risk_outcome outcome, uint64_t utc_ns)
{
    bool probe = b->state == BREAKER_HALF_OPEN && b->probe == number;
    if (probe)
        b->probe = 0;
    if (is_failure(outcome)) {
        if (b->state == BREAKER_OPEN)
            return BREAKER_STAYS;
        b->failures++;
        if (b->state == BREAKER_CLOSED && b->failures < config->failures)
            return BREAKER_STAYS;
        breaker_open(b, utc_ns);
        return BREAKER_OPENS;
    }
    if (outcome != RISK_SUCCEEDED)
        return BREAKER_STAYS;
    if (b->state == BREAKER_CLOSED)
        b->failures = 0;
    if (!probe || ++b->successes < config->successes)
        return BREAKER_STAYS;
    *b = (struct breaker){.state = BREAKER_CLOSED};
    return BREAKER_CLOSES;
}
