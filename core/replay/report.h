/*
 * A capture as one HTML page: events over time, latency, prices, decisions. Self-contained: no
 * script, no other file, and nothing that a plugin or a server wrote is markup in it.
 */
#ifndef CORE_REPLAY_REPORT_H
#define CORE_REPLAY_REPORT_H

#include "base/fault.h"

int32_t report_write(const char *capture, const char *out, struct fault *fault);

#endif
