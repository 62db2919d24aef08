/*
 * "hawse.timer/1": one-shot and periodic timers, delivered as HAWSE_HOST_TIMER events.
 */
#ifndef HAWSE_SERVICE_TIMER_H
#define HAWSE_SERVICE_TIMER_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_TIMER_ID "hawse.timer/1"

typedef struct hawse_timer_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; fills timer] Fire after delay_ns, then, when period_ns is not 0, every period_ns (at
     * least 1 ms). `tag` comes back in the event. HAWSE_E_LIMIT above 4,096 timers of one instance.
     */
    int32_t (*set)(const hawse_host_t *host, hawse_instance_t self, uint64_t delay_ns,
                   uint64_t period_ns, uint64_t tag, hawse_timer_t *timer);

    /* [lane] End a timer. A firing that is already queued still comes: compare its handle.
     * HAWSE_E_STALE when a one-shot timer has fired. */
    int32_t (*cancel)(const hawse_host_t *host, hawse_instance_t self, hawse_timer_t timer);
} hawse_timer_service_t;

#ifdef __cplusplus
}
#endif
#endif
