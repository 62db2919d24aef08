/*
 * The keys of a configuration, unlocked: from the folder of key files, or from the process that
 * holds them.
 */
#ifndef CORE_APP_UNLOCK_H
#define CORE_APP_UNLOCK_H

#include "app/app.h"
#include "config/config.h"
#include "keys/signer.h"

/* All keys that the configuration uses; *out is NULL when there are none. Asks on the terminal
 * where a passphrase comes from there, and takes a second for each key. Passphrases that came from
 * the environment are wiped from it. */
int32_t unlock_keys(const struct config *config, struct signer **out, struct fault *fault);

/* What is known of a key without its passphrase, with the configuration's locks on top. */
int32_t unlock_look(const struct config *config, const struct config_key *key,
                    struct signer_key *out, struct fault *fault);

/* The passphrase from its source, and the key with it. Where a terminal is asked, three times, each
 * after a longer wait. */
struct keystore;
struct keyfile;
int32_t unlock_key(const struct keystore *store, const char *name,
                   const struct passphrase_source *source, struct key **out, struct keyfile *about,
                   struct fault *fault);

/* What the command line says: the folder of key files, and where their passphrases are. */
const char *keys_folder(const struct arguments *args);
int32_t keys_source(const struct arguments *args, struct passphrase_source *out,
                    struct fault *fault);

#endif
