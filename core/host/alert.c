/* See alert.h. */
#include "host/alert.h"

void alert_holds(struct alert *alert, uint64_t now_ns, uint64_t raise_ns)
{
    if (alert->state == ALERT_FADING)
        alert->state = ALERT_FIRING;
    if (alert->state != ALERT_QUIET)
        return;
    alert->state = ALERT_PENDING;
    alert->due_ns = now_ns + raise_ns;
}

void alert_over(struct alert *alert, uint64_t now_ns, uint64_t clear_ns)
{
    if (alert->state == ALERT_PENDING)
        alert->state = ALERT_QUIET;
    if (alert->state != ALERT_FIRING)
        return;
    alert->state = ALERT_FADING;
    alert->due_ns = now_ns + clear_ns;
}

enum alert_edge alert_pass(struct alert *alert, uint64_t now_ns)
{
    if (!alert_waits(alert) || now_ns < alert->due_ns)
        return ALERT_STAYS;
    if (alert->state == ALERT_FADING) {
        alert->state = ALERT_QUIET;
        return ALERT_RESOLVES;
    }
    alert->state = ALERT_FIRING;
    alert->since_ns = now_ns;
    return ALERT_FIRES;
}

const char *alert_state_name(enum alert_state state)
{
    static const char *const names[] = {"quiet", "pending", "firing", "fading"};
    return names[state];
}
