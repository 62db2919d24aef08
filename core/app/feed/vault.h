/*
 * Balancer's pools in a feed: the balances that the Vault's logs make of those in the sample's
 * first line, and what the node answered there to everything that no swap, join or exit changes.
 */
#ifndef CORE_APP_FEED_VAULT_H
#define CORE_APP_FEED_VAULT_H

#include "app/feed/sample.h"

enum { FEED_VAULT_TOKENS = 8 };

struct feed_vault_state {
    unsigned __int128 balance[FEED_VAULT_TOKENS];
};

/* How many there are; 0: the sample has no Vault. */
size_t feed_vault_pools(const struct sample *sample);
/* As before the sample. One of each pool. */
void feed_vault_first(const struct sample *sample, struct feed_vault_state *states);
void feed_vault_apply(const struct sample *sample, struct feed_vault_state *states,
                      const json_t *log);
/* eth_call: hex text, malloc'd, or NULL when nothing answers to it. */
char *feed_vault_call(const struct sample *sample, const struct feed_vault_state *states,
                      const char *to, const char *data);

#endif
