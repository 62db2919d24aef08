/*
 * Between hawse.intent/1 and the rest of the host: the desk, and the steps on their way back to
 * their lanes.
 */
#ifndef CORE_HOST_INTENTS_H
#define CORE_HOST_INTENTS_H

#include "host/host.h"

struct desk_told;

/* [main] Makes the desk where the configuration has chains and keys. */
int32_t intents_open(struct host *host, struct fault *fault);
/* [desk] The desk's port: posts an alert about a chain. */
void chain_alert(void *ctx, const struct config *config, const char *chain, const char *name,
                 bool up, const char *text);
/* [lane] What found a full inbox, again. */
void intents_retry(struct lane *lane);
/* [lane] The instance ends: its handles are stale from now on, its intents go on. */
void intents_release(struct instance *inst);
/* [main] What no lane will tell any more. */
void intents_drop(struct lane *lane);

#endif
