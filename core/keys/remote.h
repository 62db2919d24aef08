/*
 * The host's side of a signer in another process: the same struct signer, whose keys are there. It
 * is connected again when the signer was away; while it is, nothing is signed.
 */
#ifndef CORE_KEYS_REMOTE_H
#define CORE_KEYS_REMOTE_H

#include "keys/signer.h"

/* A key that is wanted of it, with locks on top of its own. */
struct signer_want {
    const char *name;
    struct key_locks locks;
};

/* Connects and learns the keys; *out has those that are wanted, in their order. A signature waits
 * up to timeout_ms: never on a lane. HAWSE_E_IO: it is away; HAWSE_E_TIMEOUT; HAWSE_E_NOTFOUND: it
 * has no such key; HAWSE_E_FORMAT: it is no signer of this version.
 *
 * Signing then also fails with those codes, and with HAWSE_E_STATE when it came back with another
 * key under a name; nothing is signed that the host could use, and asking again is safe. What it
 * answers is checked: a signature that is not by the key is HAWSE_E_REMOTE. */
int32_t signer_connect(const char *path, uint32_t timeout_ms, const struct signer_want *wants,
                       size_t count, struct signer **out, struct fault *fault);

#endif
