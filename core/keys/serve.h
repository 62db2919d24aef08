/*
 * The side of the signer that holds keys: answers hosts on a Unix socket, so that a host that is
 * taken over has no key to lose. The locks of the keys are judged here too; what a digest is of,
 * the host alone knows.
 *
 * One thread; a client can hold up nothing: what is not there at once is waited for beside the
 * others, and what cannot be written at once ends its connection.
 */
#ifndef CORE_KEYS_SERVE_H
#define CORE_KEYS_SERVE_H

#include "keys/wire.h"

#include <sys/types.h>

enum { SERVE_CLIENTS = 16, SERVE_PATIENCE_MS = 5000 };

struct serve_counts {
    uint64_t asked, made, refused, strangers; /* strangers: clients of another user */
};

/* Answers one question: a whole frame into `out` (WIRE_PREFIX + WIRE_ANSWER), and its length; 0: it
 * was none, and the connection ends. *greeted is of the connection, and begins false. */
size_t serve_answer(struct signer *signer, const uint8_t *body, size_t len, bool *greeted,
                    uint8_t *out, struct serve_counts *counts);

/* Serves clients of this user, of root and of `uid` on a socket that listens, until `stop` can be
 * read. */
int32_t serve_signer(struct signer *signer, int listening, uid_t uid, int stop,
                     struct serve_counts *counts, struct fault *fault);

#endif
