/*
 * What plugins measured, over time: the metrics that they declared, from the calls of a capture to
 * plots. A metric and its labels are one plot; one that never changed has none.
 */
#ifndef CORE_REPLAY_METERS_H
#define CORE_REPLAY_METERS_H

#include "record/record.h"

#include <stdint.h>
#include <stdio.h>

struct meters;

/* NULL: no memory. */
struct meters *meters_new(void);
void meters_free(struct meters *meters);

/* A call of an instance, which `owner` names by a number; other calls than those of metrics are
 * passed over. */
void meters_take(struct meters *meters, uint32_t owner, const struct record_call *call,
                 uint64_t at_ns);
/* Does anything of this owner have a plot? */
bool meters_any(const struct meters *meters, uint32_t owner);
/* Its plots, as <figure>s, in the order in which they were declared. */
void meters_plot(struct meters *meters, uint32_t owner, FILE *out, uint64_t span_ns);

#endif
