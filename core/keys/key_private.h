/*
 * What the files of this room may do with a private key, and nobody else: see it for a moment.
 */
#ifndef CORE_KEYS_KEY_PRIVATE_H
#define CORE_KEYS_KEY_PRIVATE_H

#include "keys/key.h"

/* Shows the KEY_SECRET bytes until key_close(), which wipes them and what calls in between left on
 * the stack. The key's lock is held. */
const uint8_t *key_open(struct key *key);
void key_close(struct key *key);

#endif
