/*
 * `hawse keys`: makes, imports, lists and re-encrypts private keys. Shows names, addresses and
 * locks; a private key or a passphrase is neither shown nor taken from the command line.
 */
#include "app/app.h"

#include "app/unlock.h"
#include "base/schema.h"
#include "base/secret.h"
#include "base/secret_file.h"
#include "keys/import.h"
#include "keys/keystore.h"

#include <hawse/hex.h>
#include <hawse/types.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is shown ---- */

static json_t *public_json(const struct keyfile *about)
{
    const struct signer_key *k = &about->key;
    char address[KEY_ADDRESS], public[129] = "";
    json_t *chains = json_array();
    key_describe(&k->public, address);
    hawse_hex_encode(k->public.bytes, k->public.kind == KEY_SECP256K1 ? 64 : 32, public);
    for (size_t i = 0; i < k->locks.chain_count; i++)
        (void)json_array_append_new(chains, json_string(k->locks.chains[i].text));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b}", "name", k->name, "kind",
                     key_kind_name(k->public.kind), "address", address, "public", public, "created",
                     about->created, "chains", chains, "testnet_only", k->locks.testnet_only);
}

/* Takes over what is printed. */
static void print_json(json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2));
    (void)printf("%s\n", text ? text : "{}");
    free(text);
    json_decref(value);
}

static void print_line(const struct keyfile *about)
{
    const struct key_locks *locks = &about->key.locks;
    char address[KEY_ADDRESS];
    key_describe(&about->key.public, address);
    (void)printf("%-20s %-9s %-44s %s%s", about->key.name, key_kind_name(about->key.public.kind),
                 address, about->created, locks->testnet_only ? " testnet-only" : "");
    for (size_t i = 0; i < locks->chain_count; i++)
        (void)printf(" %s", locks->chains[i].text);
    (void)printf("\n");
}

static int show(const struct arguments *args, const struct keyfile *about, const char *advice)
{
    if (args->json) {
        print_json(public_json(about));
    } else {
        print_line(about);
        (void)fprintf(stderr, "%s", advice);
    }
    return EXIT_GOOD;
}

/* ---- what the command line says ---- */

static int32_t read_source(const char *text, const char *where, struct passphrase_source *out,
                           struct fault *fault)
{
    return passphrase_source_parse(text ? text : "prompt", where, out, fault);
}

static int32_t read_cost(const struct arguments *args, struct keyfile_cost *cost,
                         struct fault *fault)
{
    if (keyfile_cost_parse(args->cost ? args->cost : "moderate", cost))
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL,
                     "--cost: found \"%.40s\", expected interactive, moderate or sensitive",
                     args->cost);
}

static int32_t read_locks(const struct arguments *args, struct key_locks *locks,
                          struct fault *fault)
{
    int32_t code = HAWSE_OK;
    locks->testnet_only = locks->testnet_only || args->testnet_only;
    if (args->chain_count == 0)
        return HAWSE_OK;
    locks->chain_count = 0;
    if (args->chain_count == 1 && strcmp(args->chains[0], "any") == 0)
        return HAWSE_OK;
    for (size_t i = 0; i < args->chain_count && code == HAWSE_OK; i++)
        code = chain_parse(args->chains[i], "--chain", &locks->chains[locks->chain_count++], fault);
    return code;
}

/* Name, cost, locks of a new key. */
static int32_t read_about(const struct arguments *args, struct keyfile *about, struct fault *fault)
{
    memset(about, 0, sizeof(*about));
    if (!signer_name_legal(args->words[1]))
        return fault_set(fault, HAWSE_E_INVAL,
                         "a key's name has 1 to 63 letters, digits, '_' or '-', found \"%.80s\"",
                         args->words[1]);
    (void)snprintf(about->key.name, sizeof(about->key.name), "%s", args->words[1]);
    int32_t code = read_cost(args, &about->cost, fault);
    return code == HAWSE_OK ? read_locks(args, &about->key.locks, fault) : code;
}

static int32_t read_kind(const struct arguments *args, enum key_kind *kind, struct fault *fault)
{
    *kind = KEY_SECP256K1;
    if (!args->kind || key_kind_parse(args->kind, kind))
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL, "--kind: found \"%.40s\", expected secp256k1 or ed25519",
                     args->kind);
}

/* ---- new and import ---- */

/* Encrypts the key, which it takes over, into a new file. */
static int32_t add(const struct arguments *args, const struct keystore *store, struct key *key,
                   struct keyfile *about, struct fault *fault)
{
    struct passphrase_source source;
    char *passphrase = NULL;
    int32_t code = keys_source(args, &source, fault);
    if (code == HAWSE_OK)
        code = passphrase_get(&source, "New passphrase", true, &passphrase, fault);
    if (code == HAWSE_OK)
        code = keystore_add(store, key, about, passphrase, fault);
    if (code == HAWSE_OK)
        code = keystore_look(store, args->words[1], about, fault);
    secret_free(passphrase);
    key_free(key);
    return code;
}

static int32_t new_key(const struct arguments *args, struct keyfile *about, struct fault *fault)
{
    struct keystore *store = NULL;
    struct key *key = NULL;
    enum key_kind kind;
    int32_t code = read_about(args, about, fault);
    if (code == HAWSE_OK)
        code = read_kind(args, &kind, fault);
    if (code == HAWSE_OK)
        code = keystore_open(keys_folder(args), true, &store, fault);
    if (code == HAWSE_OK)
        code = key_generate(kind, &key, fault);
    if (code == HAWSE_OK)
        code = add(args, store, key, about, fault);
    keystore_close(store);
    return code;
}

/* The key of a file of another program. */
static int32_t read_foreign(const struct arguments *args, struct key **out, struct fault *fault)
{
    enum import_format format = IMPORT_AUTO;
    enum key_kind kind;
    struct passphrase_source source;
    char *passphrase = NULL;
    int32_t code = read_kind(args, &kind, fault);
    if (code == HAWSE_OK && args->format && !import_format_parse(args->format, &format))
        code =
            fault_set(fault, HAWSE_E_INVAL,
                      "--format: found \"%.40s\", expected auto, v3, hex or solana", args->format);
    char *text = code == HAWSE_OK ? secret_new(SECRET_FILE_BYTES + 1) : NULL;
    if (code == HAWSE_OK && !text)
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory for a key");
    if (code == HAWSE_OK)
        code = secret_file_read(args->words[2], "import", text, fault);
    if (code == HAWSE_OK && format == IMPORT_AUTO)
        format = import_guess(text);
    if (code == HAWSE_OK && format == IMPORT_V3) {
        code = read_source(args->import_from, "--import-passphrase-from", &source, fault);
        if (code == HAWSE_OK)
            code = passphrase_get(&source, "Passphrase of the imported file", false, &passphrase,
                                  fault);
    }
    if (code == HAWSE_OK)
        code = import_key(text, format, kind, passphrase, out, fault);
    secret_free(text);
    secret_free(passphrase);
    return code;
}

static int32_t import_one(const struct arguments *args, struct keyfile *about, struct fault *fault)
{
    struct keystore *store = NULL;
    struct key *key = NULL;
    int32_t code = read_about(args, about, fault);
    if (code == HAWSE_OK)
        code = keystore_open(keys_folder(args), true, &store, fault);
    if (code == HAWSE_OK)
        code = read_foreign(args, &key, fault);
    if (code == HAWSE_OK)
        code = add(args, store, key, about, fault);
    keystore_close(store);
    return code;
}

/* ---- with a key that is there ---- */

static int32_t look(const struct arguments *args, struct keyfile *about, struct fault *fault)
{
    struct keystore *store = NULL;
    int32_t code = keystore_open(keys_folder(args), false, &store, fault);
    if (code == HAWSE_OK)
        code = keystore_look(store, args->words[1], about, fault);
    keystore_close(store);
    return code;
}

static int32_t reencrypt(const struct arguments *args, const struct keystore *store,
                         struct key *key, struct keyfile *about, struct fault *fault)
{
    struct passphrase_source source;
    char *passphrase = NULL;
    int32_t code = read_source(args->new_from, "--new-passphrase-from", &source, fault);
    if (code == HAWSE_OK && args->cost)
        code = read_cost(args, &about->cost, fault);
    if (code == HAWSE_OK)
        code = read_locks(args, &about->key.locks, fault);
    if (code == HAWSE_OK)
        code = passphrase_get(&source, "New passphrase", true, &passphrase, fault);
    if (code == HAWSE_OK)
        code = keystore_rotate(store, key, about, passphrase, fault);
    secret_free(passphrase);
    return code;
}

static int32_t rotate(const struct arguments *args, struct keyfile *about, struct fault *fault)
{
    struct keystore *store = NULL;
    struct key *key = NULL;
    struct passphrase_source source;
    int32_t code = keys_source(args, &source, fault);
    if (code == HAWSE_OK)
        code = keystore_open(keys_folder(args), false, &store, fault);
    if (code == HAWSE_OK)
        code = unlock_key(store, args->words[1], &source, &key, about, fault);
    if (code == HAWSE_OK)
        code = reencrypt(args, store, key, about, fault);
    key_free(key);
    keystore_close(store);
    return code;
}

/* ---- several keys ---- */

/* Told, or collected for --json. */
static void tell(json_t *rows, const char *name, const struct keyfile *about,
                 const struct fault *fault)
{
    if (rows && about)
        (void)json_array_append_new(rows, public_json(about));
    else if (rows)
        (void)json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "name", name, "error",
                                                    fault->message, "fix", fault->hint));
    else if (about)
        print_line(about);
    else
        (void)app_fail(EXIT_TROUBLE, fault);
}

/* What to do with each key. */
typedef int32_t (*each_fn)(const struct arguments *args, const struct keystore *store,
                           const char *name, struct keyfile *about, struct fault *fault);

static int32_t list_one(const struct arguments *args, const struct keystore *store,
                        const char *name, struct keyfile *about, struct fault *fault)
{
    (void)args;
    return keystore_look(store, name, about, fault);
}

static int32_t verify_one(const struct arguments *args, const struct keystore *store,
                          const char *name, struct keyfile *about, struct fault *fault)
{
    struct passphrase_source source;
    struct key *key = NULL;
    int32_t code = keys_source(args, &source, fault);
    if (code == HAWSE_OK)
        code = unlock_key(store, name, &source, &key, about, fault);
    key_free(key);
    return code;
}

static int each(const struct arguments *args, each_fn fn)
{
    struct fault fault = {0};
    struct keystore *store = NULL;
    folder_name *names = NULL;
    size_t count = 0;
    int code = EXIT_GOOD;
    if (keystore_open(keys_folder(args), false, &store, &fault) != HAWSE_OK ||
        keystore_names(store, &names, &count, &fault) != HAWSE_OK) {
        keystore_close(store);
        return app_fail(EXIT_TROUBLE, &fault);
    }
    json_t *rows = args->json ? json_array() : NULL;
    for (size_t i = 0; i < count; i++) {
        struct keyfile about;
        fault_clear(&fault);
        int32_t one = fn(args, store, names[i], &about, &fault);
        tell(rows, names[i], one == HAWSE_OK ? &about : NULL, &fault);
        code = one == HAWSE_OK ? code : EXIT_TROUBLE;
    }
    if (rows)
        print_json(rows);
    free(names);
    keystore_close(store);
    return code;
}

static int32_t verify_named(const struct arguments *args, struct keyfile *about,
                            struct fault *fault)
{
    struct keystore *store = NULL;
    int32_t code = keystore_open(keys_folder(args), false, &store, fault);
    if (code == HAWSE_OK)
        code = verify_one(args, store, args->words[1], about, fault);
    keystore_close(store);
    return code;
}

/* ---- the verbs ---- */

static const struct verb {
    const char *name;
    int words, most; /* with the verb */
    const char *takes;
    int32_t (*one)(const struct arguments *args, struct keyfile *about, struct fault *fault);
    each_fn each;       /* without a name */
    const char *advice; /* on standard error, when it went well */
} verbs[] = {
    {"new", 2, 2, "NAME", new_key, NULL,
     "The key is in this one file: back it up, and its passphrase apart from it. Neither can be "
     "made again.\n"},
    {"import", 3, 3, "NAME FILE", import_one, NULL,
     "The imported file holds the key too: remove it when the new one is backed up and "
     "verified.\n"},
    {"list", 1, 1, "", NULL, list_one, ""},
    {"export-public", 2, 2, "NAME", look, NULL, ""},
    {"rotate", 2, 2, "NAME", rotate, NULL,
     "The key and its address are the same; copies of the old file still open with the old "
     "passphrase. If the\nkey itself may be known to somebody, rotation does not help: make a new "
     "key, move what it owns and every\napproval and role that it has, and retire this one.\n"},
    {"verify", 1, 2, "[NAME]", verify_named, verify_one,
     "The passphrase opens it, and what the file says is authentic.\n"},
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static int unknown_verb(const char *written)
{
    const char *names[VERBS];
    for (size_t i = 0; i < VERBS; i++)
        names[i] = verbs[i].name;
    const char *near = schema_nearest(written, names, VERBS);
    (void)fprintf(stderr,
                  "hawse: keys%s%s: expected new, import, list, export-public, rotate or "
                  "verify\n",
                  written[0] ? " " : "", written);
    if (near)
        (void)fprintf(stderr, "  fix: did you mean \"%s\"?\n", near);
    return EXIT_USAGE;
}

int command_keys(const struct arguments *args)
{
    struct fault fault = {0};
    struct keyfile about;
    const char *word = args->word_count > 0 ? args->words[0] : "";
    const struct verb *verb = NULL;
    for (size_t i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i].name, word) == 0)
            verb = &verbs[i];
    }
    if (!verb)
        return unknown_verb(word);
    if (args->word_count < verb->words || args->word_count > verb->most) {
        (void)fprintf(stderr, "hawse: keys %s takes %s\n", verb->name,
                      verb->takes[0] ? verb->takes : "no name");
        return EXIT_USAGE;
    }
    app_guard_memory();
    if (args->word_count == 1)
        return each(args, verb->each);
    if (verb->one(args, &about, &fault) != HAWSE_OK)
        return app_fail(EXIT_TROUBLE, &fault);
    return show(args, &about, verb->advice);
}
