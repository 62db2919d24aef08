/*
 * Between the files of this room: what a signer is made of. Its keys are here, or it has a link to
 * a process that holds them, never both.
 */
#ifndef CORE_KEYS_SIGNER_PRIVATE_H
#define CORE_KEYS_SIGNER_PRIVATE_H

#include "keys/signer.h"

/* What is to be signed by the key at `index`: a digest (32 bytes) or a message. */
struct signer_order {
    size_t index;
    const struct chain *chain;
    const uint8_t *bytes;
    size_t len;
};

/* Another process that signs. */
struct signer_link {
    int32_t (*sign)(void *ctx, const struct signer_order *order, struct signature *out,
                    struct fault *fault);
    void (*free)(void *ctx);
    void *ctx;
};

struct signer {
    struct signer_key keys[SIGNER_KEYS];
    struct key *held[SIGNER_KEYS]; /* NULL where a link signs */
    size_t count;
    struct signer_link link; /* sign NULL: none */
};

/* Adds what is known of a key; *added is its place. */
int32_t signer_describe(struct signer *signer, const struct signer_key *key, size_t *added,
                        struct fault *fault);

#endif
