/*
 * Looks at everything that a configuration needs from outside, before money depends on it: this
 * machine, plugin files, and every network address, by asking it. Changes nothing, sends no
 * transaction, and asks each address little enough for a free plan.
 *
 * Runs on the thread of a command; never inside a host.
 */
#ifndef CORE_DOCTOR_DOCTOR_H
#define CORE_DOCTOR_DOCTOR_H

#include "config/config.h"

/* GOOD is as it should be; NOTE is good to know; WARN works now but not well, or not for long; BAD
 * does not work. */
enum doctor_level { DOCTOR_GOOD, DOCTOR_NOTE, DOCTOR_WARN, DOCTOR_BAD };

/* One thing that was looked at. Texts are valid during the call; no secret is in them. */
struct finding {
    enum doctor_level level;
    const char *where; /* path in the configuration, or of a file */
    const char *what;  /* found, and expected where that differs */
    const char *fix;   /* what to change; empty = nothing */
};

typedef void (*doctor_fn)(void *ctx, const struct finding *finding);

/* Everything, in the order of the configuration. False: it could not be done, see `fault`; what was
 * found wrong is told to `tell` only. */
bool doctor_run(const struct config *config, doctor_fn tell, void *ctx, struct fault *fault);

const char *doctor_level_name(enum doctor_level level);

#endif
