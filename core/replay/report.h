/*
 * A capture as one HTML page: events over time, latency, prices, what plugins measure,
 * decisions. Self-contained: no
 * script, no other file, and nothing that a plugin or a server wrote is markup in it.
 */
#ifndef CORE_REPLAY_REPORT_H
#define CORE_REPLAY_REPORT_H

#include "base/fault.h"

#include <stdbool.h>

/* With `by_blocks` time is what the newest block of a chain in it says, not the clock: for chains
 * that were simulated faster than time. */
int32_t report_write(const char *capture, const char *out, bool by_blocks, struct fault *fault);

#endif
