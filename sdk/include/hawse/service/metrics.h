/*
 * "hawse.metrics/1": numbers an operator can watch. They appear in the Prometheus endpoint as
 * hawse_plugin_NAME{instance="..."}.
 */
#ifndef HAWSE_SERVICE_METRICS_H
#define HAWSE_SERVICE_METRICS_H

#include <hawse/hawse.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAWSE_METRICS_ID "hawse.metrics/1"

#define HAWSE_METRIC_COUNTER 1u /* only grows; name it ..._total */
#define HAWSE_METRIC_GAUGE   2u

typedef struct hawse_metrics_service {
    uint32_t size;
    uint32_t reserved;

    /* [lane; borrows name, help, label, fills metric] Declare a metric: name [a-z0-9_]{1,64}, one
     * line of help, at most one label as text `pool="0x..."` (empty = none). HAWSE_E_LIMIT above
     * 1,024 of one instance. */
    int32_t (*declare)(const hawse_host_t *host, hawse_instance_t self, uint32_t metric_kind,
                       hawse_view_t name, hawse_view_t help, hawse_view_t label,
                       hawse_metric_t *metric);

    /* [lane] Add to a counter or gauge. A counter refuses negative deltas with HAWSE_E_RANGE. */
    int32_t (*add)(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                   int64_t delta);

    /* [lane] Set a gauge. */
    int32_t (*set)(const hawse_host_t *host, hawse_instance_t self, hawse_metric_t metric,
                   int64_t value);
} hawse_metrics_service_t;

#ifdef __cplusplus
}
#endif
#endif
