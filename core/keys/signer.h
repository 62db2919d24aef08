/*
 * Keys that are unlocked, by name: in this process, or in another one behind a Unix socket. Whoever
 * signs asks here, names the chain that the signature is for, and is refused where the key's locks
 * say so. The locks hold against mistakes of whoever asks; what a digest is of, only who made it
 * knows.
 *
 * A signer does not change once it is in use: handles stay good for its life, and functions but
 * those that make and end it are [any]. With keys in this process a signature takes about 30 us and
 * waits for nothing but another signature by the same key.
 */
#ifndef CORE_KEYS_SIGNER_H
#define CORE_KEYS_SIGNER_H

#include "keys/chain.h"
#include "keys/key.h"

struct signer;
typedef uint32_t signer_handle; /* 0 = no key */

enum { SIGNER_NAME = 64, SIGNER_CHAINS = 8, SIGNER_KEYS = 64 };

/* For which chains a key may sign. */
struct key_locks {
    struct chain chains[SIGNER_CHAINS];
    size_t chain_count; /* 0 = all */
    bool testnet_only;  /* chains that hold real money are refused, and those nobody knows unless
                           they are in `chains` */
};

struct signer_key {
    char name[SIGNER_NAME]; /* legal by signer_name_legal */
    struct key_public public;
    struct key_locks locks;
};

/* 1 to 63 of a-z, A-Z, 0-9, '_' and '-'. */
bool signer_name_legal(const char *name);
/* May a key with these locks sign for this chain? Faults name the key, the chain and the lock.
 * No chain at all is refused by every lock: such a signature could be used on any. */
int32_t key_locks_check(const struct key_locks *locks, const char *name, const struct chain *chain,
                        struct fault *fault);

/* What both locks allow. HAWSE_E_DENIED: there is no chain that both do. */
int32_t key_locks_merge(const struct key_locks *a, const struct key_locks *b, const char *name,
                        struct key_locks *out, struct fault *fault);

/* A signer with keys of its own. */
int32_t signer_new(struct signer **out, struct fault *fault);
/* Takes over the key, also when it fails. HAWSE_E_EXISTS: the name is taken; HAWSE_E_LIMIT. */
int32_t signer_add(struct signer *signer, const char *name, struct key *key,
                   const struct key_locks *locks, struct fault *fault);
void signer_free(struct signer *signer); /* wipes; NULL is legal */

/* Could the memory of all its keys be locked? See key_locked(). */
bool signer_locked(const struct signer *signer);

size_t signer_count(const struct signer *signer);
/* By handle or, counted from 0, by place; NULL: no such key. */
const struct signer_key *signer_key(const struct signer *signer, signer_handle handle);
const struct signer_key *signer_at(const struct signer *signer, size_t index);
signer_handle signer_find(const struct signer *signer, const char *name); /* 0: not here */

/* Signs with a secp256k1 key. HAWSE_E_DENIED: a lock; HAWSE_E_UNSUPPORTED: a key of the other kind;
 * HAWSE_E_STALE: no such key. Nothing is signed then. */
int32_t signer_sign_digest(struct signer *signer, signer_handle handle, const struct chain *chain,
                           const uint8_t digest[32], struct signature *out, struct fault *fault);
/* The same with an Ed25519 key and a whole message of 1 to SIGNER_MESSAGE bytes (HAWSE_E_LIMIT). */
enum { SIGNER_MESSAGE = 1232 };
int32_t signer_sign_message(struct signer *signer, signer_handle handle, const struct chain *chain,
                            const uint8_t *message, size_t len, struct signature *out,
                            struct fault *fault);

#endif
