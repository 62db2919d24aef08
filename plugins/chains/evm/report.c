/* See report.h. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

#define MINUTE_NS (60000 * EVM_MS)

static const struct {
    const char *name, *help;
} metrics[METRIC_COUNT] = {
    [METRIC_HEADS] = {"heads_total", "Blocks told to subscribers."},
    [METRIC_LOGS] = {"logs_total", "Logs told to subscribers, without those taken back."},
    [METRIC_DUPLICATES] = {"duplicates_total", "Heads and logs that the node sent again."},
    [METRIC_UNWANTED] = {"unwanted_total", "Logs that the node sent and nobody asked for."},
    [METRIC_REMOVED] = {"removed_total", "Logs taken back."},
    [METRIC_REORGS] = {"reorgs_total", "Times that told blocks left the chain."},
    [METRIC_BACKFILLED] = {"backfilled_total", "Blocks and logs fetched within a gap."},
    [METRIC_MISSING] = {"missing_total", "Heads and logs that the node should have pushed."},
    [METRIC_MALFORMED] = {"malformed_total", "Messages and answers that were not understood."},
    [METRIC_REQUESTS] = {"requests_total", "JSON-RPC requests sent."},
    [METRIC_REQUEST_FAILURES] = {"request_failures_total", "JSON-RPC requests that failed."},
    [METRIC_EVICTED] = {"log_store_evicted_total",
                        "Told logs that gave way before their block was out of the window."},
    [METRIC_REORG_DEPTH] = {"reorg_depth", "Blocks dropped by the last reorganisation."},
    [METRIC_HEAD] = {"head_block", "Number of the newest block told."},
    [METRIC_COMPLETE] = {"complete_block", "Every block up to here has been checked."},
    [METRIC_FINAL] = {"final_block", "Number of the newest block told as final."},
    [METRIC_POLLING] = {"polling", "1 while HTTP stands in for the stream."},
};

void report_init(struct evm *e)
{
    const hawse_view_t none = {NULL, 0};
    for (int i = 0; i < METRIC_COUNT; i++)
        e->report.gauges[i] = -1;
    for (int i = 0; i < METRIC_COUNT && e->metrics; i++) {
        uint32_t kind = i < METRIC_COUNTERS ? HAWSE_METRIC_COUNTER : HAWSE_METRIC_GAUGE;
        if (e->metrics->declare(e->host, e->self, kind, hawse_text(metrics[i].name),
                                hawse_text(metrics[i].help), none,
                                &e->report.metrics[i]) != HAWSE_OK)
            e->report.metrics[i] = 0;
    }
}

void report_set(struct evm *e, enum report_metric metric, uint64_t value)
{
    int64_t now = value > INT64_MAX ? INT64_MAX : (int64_t)value;
    if (e->report.gauges[metric] == now)
        return;
    e->report.gauges[metric] = now;
    e->report.pending[metric] = 1;
    e->report.changed = true;
}

void report_flush(struct evm *e)
{
    struct report *r = &e->report;
    if (e->logs.evicted != r->evicted) {
        report_add(e, METRIC_EVICTED, (int64_t)(e->logs.evicted - r->evicted));
        r->evicted = e->logs.evicted;
    }
    if (!r->changed)
        return;
    r->changed = false;
    for (int i = 0; i < METRIC_COUNT; i++) {
        if (r->pending[i] == 0 || r->metrics[i] == 0)
            continue;
        if (i < METRIC_COUNTERS)
            (void)e->metrics->add(e->host, e->self, r->metrics[i], r->pending[i]);
        else
            (void)e->metrics->set(e->host, e->self, r->metrics[i], r->gauges[i]);
        r->pending[i] = 0;
    }
}

static void write_line(struct evm *e, uint32_t level, char *line, size_t cap, size_t at,
                       uint32_t unsaid)
{
    if (unsaid > 0 && at < cap)
        (void)snprintf(line + at, cap - at, " (and %u more of this kind since the last line)",
                       unsaid);
    hawse_log(e->host, e->self, level, line);
}

void report_warn(struct evm *e, enum report_warning kind, const char *format, ...)
{
    struct report *r = &e->report;
    if (r->warned_ns[kind] != 0 && e->now - r->warned_ns[kind] < MINUTE_NS) {
        r->unsaid[kind]++;
        return;
    }
    char line[600];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    write_line(e, HAWSE_LOG_WARN, line, sizeof(line), n > 0 ? (size_t)n : 0, r->unsaid[kind]);
    r->warned_ns[kind] = e->now ? e->now : 1;
    r->unsaid[kind] = 0;
}

void report_log(struct evm *e, uint32_t level, const char *format, ...)
{
    char line[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    hawse_log(e->host, e->self, level, line);
}
