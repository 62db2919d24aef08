/* Metrics, and warnings of which each kind comes at most once a minute. */
#ifndef EVM_REPORT_H
#define EVM_REPORT_H

#include "evm.h"

void report_init(struct evm *e);
static inline void report_add(struct evm *e, enum report_metric metric, int64_t n)
{
    e->report.pending[metric] += n;
    e->report.changed = true;
}
void report_set(struct evm *e, enum report_metric metric, uint64_t value);
/* Hands to the host what was counted since the last time: once a callback, not once an event. */
void report_flush(struct evm *e);

/* A warning, unless one of its kind came within the last minute; those left out are counted. */
void report_warn(struct evm *e, enum report_warning kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_log(struct evm *e, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
