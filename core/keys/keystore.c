/* Keys in a folder; see keystore.h. Owns its folder. */
#include "keys/keystore.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char SUFFIX[] = ".key";

struct keystore {
    struct folder *folder;
};

int32_t keystore_open(const char *path, bool create, struct keystore **out, struct fault *fault)
{
    struct keystore *store = calloc(1, sizeof(*store));
    *out = NULL;
    if (!store)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a keystore");
    int32_t code = folder_open(path, create, &store->folder, fault);
    if (code == HAWSE_E_NOTFOUND)
        fault_hint(fault, "`hawse keys new NAME --dir %s` makes it", path);
    if (code == HAWSE_OK)
        *out = store;
    else
        free(store);
    return code;
}

void keystore_close(struct keystore *store)
{
    if (store)
        folder_close(store->folder);
    free(store);
}

static const char *keystore_path(const struct keystore *store)
{
    return folder_path(store->folder);
}

int32_t keystore_names(const struct keystore *store, folder_name **out, size_t *count,
                       struct fault *fault)
{
    return folder_names(store->folder, SUFFIX, out, count, fault);
}

/* ---- reading ---- */

/* The bytes of a key's file. */
static int32_t load(const struct keystore *store, const char *name, char text[FOLDER_FILE + 1],
                    size_t *len, struct fault *fault)
{
    char file[FOLDER_NAME];
    if (!signer_name_legal(name))
        return fault_set(fault, HAWSE_E_INVAL,
                         "a key's name has 1 to 63 letters, digits, '_' or '-', found \"%.80s\"",
                         name);
    (void)snprintf(file, sizeof(file), "%.63s%s", name, SUFFIX);
    int32_t code = folder_read(store->folder, file, text, len, fault);
    if (code == HAWSE_E_NOTFOUND)
        fault_hint(fault, "`hawse keys list --dir %s` names the keys", keystore_path(store));
    return code;
}

int32_t keystore_look(const struct keystore *store, const char *name, struct keyfile *out,
                      struct fault *fault)
{
    char text[FOLDER_FILE + 1];
    size_t len = 0;
    int32_t code = load(store, name, text, &len, fault);
    return code == HAWSE_OK ? keyfile_read(text, len, name, out, fault) : code;
}

int32_t keystore_unlock(const struct keystore *store, const char *name, const char *passphrase,
                        struct key **out, struct keyfile *about, struct fault *fault)
{
    char text[FOLDER_FILE + 1];
    size_t len = 0;
    *out = NULL;
    int32_t code = load(store, name, text, &len, fault);
    return code == HAWSE_OK ? keyfile_open(text, len, name, passphrase, about, out, fault) : code;
}

/* ---- writing ---- */

/* Is it long enough for a new key file? HAWSE_E_INVAL. */
static int32_t passphrase_check(const char *passphrase, struct fault *fault)
{
    size_t len = strlen(passphrase);
    if (len >= PASSPHRASE_LEAST)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_INVAL, "the new passphrase has %zu bytes, expected at least %d",
                    len, PASSPHRASE_LEAST);
    fault_hint(fault, "whoever copies the file may guess for ever: take five random words or more");
    return HAWSE_E_INVAL;
}

/* Is this key here under another name? Two files of one key would be rotated apart. */
static int32_t refuse_twin(const struct keystore *store, const struct key *key, struct fault *fault)
{
    folder_name *names = NULL;
    size_t count = 0;
    struct keyfile about;
    int32_t code = keystore_names(store, &names, &count, fault);
    for (size_t i = 0; i < count && code == HAWSE_OK; i++) {
        if (keystore_look(store, names[i], &about, NULL) == HAWSE_OK &&
            key_same(&about.key.public, key_public(key)))
            code =
                fault_set(fault, HAWSE_E_EXISTS, "this key is here already, as \"%s\"", names[i]);
    }
    free(names);
    return code;
}

/* A text that opens, by proof, with the passphrase and gives the key. */
static int32_t seal_and_prove(struct key *key, const struct keyfile *about, const char *passphrase,
                              char **text, struct fault *fault)
{
    struct keyfile found;
    struct key *again = NULL;
    int32_t code = passphrase_check(passphrase, fault);
    if (code == HAWSE_OK && !signer_name_legal(about->key.name))
        code = fault_set(fault, HAWSE_E_INVAL,
                         "a key's name has 1 to 63 letters, digits, '_' or '-', found \"%.80s\"",
                         about->key.name);
    if (code == HAWSE_OK)
        code = keyfile_seal(key, about, passphrase, text, fault);
    if (code == HAWSE_OK)
        code =
            keyfile_open(*text, strlen(*text), about->key.name, passphrase, &found, &again, fault);
    if (code == HAWSE_OK && !key_same(key_public(again), key_public(key)))
        code = fault_set(fault, HAWSE_E_INTERNAL, "key \"%s\": its new file opens to another key",
                         about->key.name);
    key_free(again);
    return code;
}

static int32_t write(const struct keystore *store, struct key *key, const struct keyfile *about,
                     const char *passphrase, bool replace, struct fault *fault)
{
    char *text = NULL, file[FOLDER_NAME];
    (void)snprintf(file, sizeof(file), "%.63s%s", about->key.name, SUFFIX);
    int32_t code = seal_and_prove(key, about, passphrase, &text, fault);
    if (code == HAWSE_OK)
        code = replace ? folder_replace(store->folder, file, text, strlen(text), fault)
                       : folder_add(store->folder, file, text, strlen(text), fault);
    free(text);
    return code;
}

int32_t keystore_add(const struct keystore *store, struct key *key, const struct keyfile *about,
                     const char *passphrase, struct fault *fault)
{
    struct keyfile dated = *about;
    struct tm utc;
    time_t now = time(NULL);
    (void)strftime(dated.created, sizeof(dated.created), "%Y-%m-%dT%H:%M:%SZ",
                   gmtime_r(&now, &utc));
    int32_t code = refuse_twin(store, key, fault);
    return code == HAWSE_OK ? write(store, key, &dated, passphrase, false, fault) : code;
}

int32_t keystore_rotate(const struct keystore *store, struct key *key, const struct keyfile *about,
                        const char *passphrase, struct fault *fault)
{
    struct keyfile found;
    int32_t code = keystore_look(store, about->key.name, &found, fault);
    if (code == HAWSE_OK && !key_same(&found.key.public, key_public(key)))
        code = fault_set(fault, HAWSE_E_STATE, "the file of key \"%s\" holds another key by now",
                         about->key.name);
    return code == HAWSE_OK ? write(store, key, about, passphrase, true, fault) : code;
}
