/*
 * Reads that come together go to a provider as one JSON-RPC batch, where its configuration says so
 * and the provider takes it. Each answer goes to who asked for it, by its id; an error is that of
 * one, what is missing has failed, and limits count every one. A provider that refuses batches as
 * such is asked singly from then on, and one that finds them too large gets half.
 *
 * On the HTTP client's thread.
 */
#ifndef CORE_RPC_BATCH_H
#define CORE_RPC_BATCH_H

#include "rpc/pool_private.h"

/* May it go with others? */
bool batch_fits(const struct provider *provider, const struct attempt *attempt);
/* One that gathers has room, whatever else is under way. */
bool batch_gathers(const struct provider *provider);
/* Takes an attempt that was started and fits; it ends as any other, by provider_ended. False: no
 * memory, ask by itself. */
bool batch_put(struct provider *provider, struct attempt *attempt, uint64_t now);
/* When nothing steps the loop any more. */
void batch_forget(struct provider *provider);

#endif
