/*
 * One alert as a machine of four states, with hysteresis in time on both edges: what comes and goes
 * is noticed once. Pure: time comes in, edges come out.
 *
 *     quiet -> pending (it holds) -> firing (for raise_ns) -> fading (it does not) -> quiet (for
 *     clear_ns); pending falls back at once, and so does fading when it holds again
 */
#ifndef CORE_HOST_ALERT_H
#define CORE_HOST_ALERT_H

#include <stdint.h>

enum alert_state { ALERT_QUIET, ALERT_PENDING, ALERT_FIRING, ALERT_FADING };
enum alert_edge { ALERT_STAYS, ALERT_FIRES, ALERT_RESOLVES };

struct alert {
    enum alert_state state;
    uint64_t due_ns;   /* pending, fading: when they pass on */
    uint64_t since_ns; /* firing, fading: since when */
};

/* It holds, or no longer. Sets what is due; the edge comes from alert_pass. */
void alert_holds(struct alert *alert, uint64_t now_ns, uint64_t raise_ns);
void alert_over(struct alert *alert, uint64_t now_ns, uint64_t clear_ns);
/* Time has passed. */
enum alert_edge alert_pass(struct alert *alert, uint64_t now_ns);

/* Is there something that time alone will change? */
static inline int alert_waits(const struct alert *alert)
{
    return alert->state == ALERT_PENDING || alert->state == ALERT_FADING;
}

const char *alert_state_name(enum alert_state state);

#endif
