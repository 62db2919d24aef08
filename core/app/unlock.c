/* Keys of a configuration; see unlock.h. Owns nothing. */
#include "app/unlock.h"

#include "base/secret.h"
#include "keys/keystore.h"
#include "keys/remote.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TRIES = 3 };

const char *keys_folder(const struct arguments *args)
{
    const char *environment = getenv("HAWSE_KEYS");
    return args->dir ? args->dir : environment && *environment ? environment : "keys";
}

int32_t keys_source(const struct arguments *args, struct passphrase_source *out,
                    struct fault *fault)
{
    char text[600];
    if (!args->passphrase_file)
        return passphrase_source_parse(args->passphrase_from ? args->passphrase_from : "prompt",
                                       "--passphrase-from", out, fault);
    if (args->passphrase_from)
        return fault_set(fault, HAWSE_E_INVAL,
                         "found --passphrase-from and --passphrase-file, expected one of them");
    (void)snprintf(text, sizeof(text), "file:%s", args->passphrase_file);
    return passphrase_source_parse(text, "--passphrase-file", out, fault);
}

int32_t unlock_key(const struct keystore *store, const char *name,
                   const struct passphrase_source *source, struct key **out, struct keyfile *about,
                   struct fault *fault)
{
    char question[128];
    (void)snprintf(question, sizeof(question), "Passphrase of key \"%.63s\"", name);
    int32_t code = keystore_look(store, name, about, fault); /* before anybody is asked */
    *out = NULL;
    for (int i = 1; code == HAWSE_OK; i++) {
        struct fault one = {0};
        struct timespec wait = {.tv_sec = 1 << i};
        char *passphrase = NULL;
        code = passphrase_get(source, question, false, &passphrase, &one);
        if (code == HAWSE_OK)
            code = keystore_unlock(store, name, passphrase, out, about, &one);
        secret_free(passphrase);
        if (code == HAWSE_OK)
            return code;
        if (source->from != FROM_PROMPT || code != HAWSE_E_DENIED || i == TRIES) {
            (void)fault_set(fault, code, "%s", one.message);
            fault_hint(fault, "%s", one.hint);
            return code;
        }
        (void)fprintf(stderr, "hawse: %s\n", one.message);
        (void)nanosleep(&wait, NULL);
        code = HAWSE_OK;
    }
    return code;
}

/* What the file of a key says, with the configuration's locks on top. */
static int32_t describe(const struct config_key *key, const struct keyfile *about,
                        struct signer_key *out, struct fault *fault)
{
    *out = about->key;
    return key_locks_merge(&about->key.locks, &key->locks, key->name, &out->locks, fault);
}

/* From the process that holds them; `out` has `count` of the configuration's keys from this on. */
static int32_t connect_keys(const struct config *config, const struct config_key *keys,
                            size_t count, struct signer **out, struct fault *fault)
{
    struct signer_want wants[SIGNER_KEYS];
    for (size_t i = 0; i < count; i++)
        wants[i] = (struct signer_want){keys[i].name, keys[i].locks};
    return signer_connect(config->keys.signer, config->keys.timeout_ms, wants, count, out, fault);
}

static int32_t look_remote(const struct config *config, const struct config_key *key,
                           struct signer_key *out, struct fault *fault)
{
    struct signer *signer = NULL;
    int32_t code = connect_keys(config, key, 1, &signer, fault);
    if (code == HAWSE_OK)
        *out = *signer_at(signer, 0);
    signer_free(signer);
    return code;
}

int32_t unlock_look(const struct config *config, const struct config_key *key,
                    struct signer_key *out, struct fault *fault)
{
    if (config->keys.signer)
        return look_remote(config, key, out, fault);
    struct keystore *store = NULL;
    struct keyfile about;
    int32_t code = keystore_open(config->keys.dir, false, &store, fault);
    if (code == HAWSE_OK)
        code = keystore_look(store, key->name, &about, fault);
    if (code == HAWSE_OK)
        code = describe(key, &about, out, fault);
    keystore_close(store);
    return code;
}

static int32_t unlock_one(const struct keystore *store, const struct config_key *key,
                          struct signer *signer, struct fault *fault)
{
    struct keyfile about;
    struct signer_key described;
    struct key *unlocked = NULL;
    int32_t code = unlock_key(store, key->name, &key->unlock, &unlocked, &about, fault);
    if (code == HAWSE_OK)
        code = describe(key, &about, &described, fault);
    if (code != HAWSE_OK) {
        key_free(unlocked);
        return code;
    }
    key_hedge(unlocked, key->hedged);
    return signer_add(signer, key->name, unlocked, &described.locks, fault);
}

int32_t unlock_keys(const struct config *config, struct signer **out, struct fault *fault)
{
    const struct config_keys *keys = &config->keys;
    struct keystore *store = NULL;
    struct signer *signer = NULL;
    *out = NULL;
    if (keys->use_count == 0)
        return HAWSE_OK;
    if (keys->signer)
        return connect_keys(config, keys->use, keys->use_count, out, fault);
    int32_t code = keystore_open(keys->dir, false, &store, fault);
    if (code == HAWSE_OK)
        code = signer_new(&signer, fault);
    for (size_t i = 0; i < keys->use_count && code == HAWSE_OK; i++)
        code = unlock_one(store, &keys->use[i], signer, fault);
    for (size_t i = 0; i < keys->use_count; i++)
        passphrase_forget(&keys->use[i].unlock);
    keystore_close(store);
    if (code == HAWSE_OK)
        *out = signer;
    else
        signer_free(signer);
    return code;
}
