/*
 * Encrypted keys in a folder, a file NAME.key for each. Writing never takes away the only copy of a
 * key: a file is proved to open before it gets its name, and the file that it replaces stays until
 * then.
 *
 * Functions take about as long as the cost of a key's passphrase, a second: never on a lane.
 */
#ifndef CORE_KEYS_KEYSTORE_H
#define CORE_KEYS_KEYSTORE_H

#include "keys/folder.h"
#include "keys/keyfile.h"

enum { PASSPHRASE_LEAST = 12 }; /* bytes of a new one: a copied file can be guessed at for ever */

struct keystore;

/* See folder_open(). */
int32_t keystore_open(const char *path, bool create, struct keystore **out, struct fault *fault);
void keystore_close(struct keystore *store); /* NULL is legal */
/* See folder_names(). */
int32_t keystore_names(const struct keystore *store, folder_name **out, size_t *count,
                       struct fault *fault);
/* What the file of a key says, unproved; see keyfile_read(). */
int32_t keystore_look(const struct keystore *store, const char *name, struct keyfile *out,
                      struct fault *fault);

/* Encrypts a key into a new file; name, locks and cost are those of `about`, and the time is now.
 * HAWSE_E_EXISTS: there is a key of this name, or this key under another name. */
int32_t keystore_add(const struct keystore *store, struct key *key, const struct keyfile *about,
                     const char *passphrase, struct fault *fault);
/* Decrypts, with what the file says, which is proved then. The caller frees the key. */
int32_t keystore_unlock(const struct keystore *store, const char *name, const char *passphrase,
                        struct key **out, struct keyfile *about, struct fault *fault);
/* Encrypts a key again: with another passphrase, cost, or locks of `about`. The key itself stays.
 */
int32_t keystore_rotate(const struct keystore *store, struct key *key, const struct keyfile *about,
                        const char *passphrase, struct fault *fault);

#endif
