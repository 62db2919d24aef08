/*
 * Switches that survive a restart: a file each, in one folder of mode 0700. A file that is there is
 * a switch that is on, whoever made it, so that an operator can stop a host with `touch` alone; a
 * folder that can't be looked into counts as all of them on.
 *
 * kill, kill.INSTANCE: kill switches. breaker.INSTANCE: an open breaker.
 *
 * [any]: guarded by a lock of its own.
 */
#ifndef CORE_RISK_KILL_H
#define CORE_RISK_KILL_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

struct switches;

int32_t switches_create(const char *dir, struct switches **out, struct fault *fault);
void switches_destroy(struct switches *s);

/* On, by a file with these words; where that can't be written, in memory alone, and the file's
 * error is returned. */
int32_t switches_set(struct switches *s, const char *name, const char *words, struct fault *fault);
/* Off. HAWSE_E_NOTFOUND: it was not on. */
int32_t switches_clear(struct switches *s, const char *name, struct fault *fault);
/* Is it on? `why`, unless NULL, gets its words. */
bool switches_on(struct switches *s, const char *name, char *why, size_t cap);

#endif
