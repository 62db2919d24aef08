/*
 * "hawse.metrics/1": counters and gauges of instances, in the host's registry under
 * hawse_plugin_NAME.
 */
#include "host/host.h"

#include <ctype.h>
#include <hawse/service/metrics.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct host_metric {
    struct metric_counter *counter;
    struct metric_gauge *gauge;
    uint64_t handle;
};

static bool name_ok(hawse_view_t name)
{
    if (name.len == 0 || name.len > 64)
        return false;
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9' && i > 0) && c != '_')
            return false;
    }
    return true;
}

static int32_t declare(struct instance *inst, uint32_t kind, hawse_view_t name, hawse_view_t help,
                       hawse_view_t label, struct host_metric *m)
{
    char full[96], text[256], labels[384];
    if (!name_ok(name) || label.len > 200 || help.len > 200)
        return HAWSE_E_INVAL;
    (void)snprintf(full, sizeof(full), "hawse_plugin_%.*s", (int)name.len, (const char *)name.data);
    (void)snprintf(text, sizeof(text), "%.*s", (int)help.len,
                   help.data ? (const char *)help.data : "");
    (void)snprintf(labels, sizeof(labels), "instance=\"%s\"%s%.*s", inst->config->id,
                   label.len > 0 ? "," : "", (int)label.len,
                   label.data ? (const char *)label.data : "");
    if (kind == HAWSE_METRIC_COUNTER)
        m->counter = metrics_counter(inst->host->metrics, full, text, labels);
    else if (kind == HAWSE_METRIC_GAUGE)
        m->gauge = metrics_gauge(inst->host->metrics, full, text, labels);
    return m->counter || m->gauge ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t metrics_declare(const hawse_host_t *table, hawse_instance_t self, uint32_t kind,
                               hawse_view_t name, hawse_view_t help, hawse_view_t label,
                               hawse_metric_t *out)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_metric *m = NULL;
    if (!out || !name.data)
        code = HAWSE_E_INVAL;
    else if (inst->counts[4] >= HOST_METRICS_MAX)
        code = HAWSE_E_LIMIT;
    else if (!(m = calloc(1, sizeof(*m))))
        code = HAWSE_E_NOMEM;
    if (code == HAWSE_OK)
        code = declare(inst, kind, name, help, label, m);
    if (code == HAWSE_OK)
        code = handles_add(&inst->lane->metrics, m, inst->index, &m->handle);
    if (code == HAWSE_OK) {
        inst->counts[4]++;
        *out = m->handle;
    } else {
        free(m);
    }
    host_leave(inst);
    return code;
}

static int32_t change(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t handle,
                      int64_t value, bool add)
{
    int32_t code = HAWSE_OK;
    struct instance *inst = host_enter(table, self, &code);
    if (!inst)
        return code;
    struct host_metric *m = handles_get(&inst->lane->metrics, handle, inst->index);
    if (!m)
        code = HAWSE_E_STALE;
    else if (m->gauge)
        gauge_set(m->gauge, add ? m->gauge->value + value : value);
    else if (!add)
        code = HAWSE_E_INVAL;
    else if (value < 0)
        code = HAWSE_E_RANGE;
    else
        counter_add(m->counter, (uint64_t)value);
    host_leave(inst);
    return code;
}

static int32_t metrics_add(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t delta)
{
    return change(table, self, metric, delta, true);
}

static int32_t metrics_set(const hawse_host_t *table, hawse_instance_t self, hawse_metric_t metric,
                           int64_t value)
{
    return change(table, self, metric, value, false);
}

void metrics_release(struct instance *inst)
{
    struct handles *metrics = &inst->lane->metrics;
    uint32_t at = 0;
    struct host_metric *m;
    while ((m = handles_next(metrics, inst->index, &at)) != NULL) {
        handles_remove(metrics, m->handle);
        inst->counts[4]--;
        free(m);
    }
}

const hawse_metrics_service_t host_metrics_service = {
    .size = sizeof(hawse_metrics_service_t),
    .declare = metrics_declare,
    .add = metrics_add,
    .set = metrics_set,
};
