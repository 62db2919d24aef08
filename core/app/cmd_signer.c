/*
 * `hawse signer`: holds keys in a process of its own and signs for hosts over a Unix socket, so
 * that a host that is taken over has no key to lose.
 */
#include "app/app.h"

#include "app/unlock.h"
#include "base/local_socket.h"
#include "keys/keystore.h"
#include "keys/serve.h"

#include <errno.h>
#include <hawse/types.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* ---- keys ---- */

/* Unlocks NAME, or NAME=SOURCE. */
static int32_t unlock_one(const struct keystore *store, const char *word,
                          const struct passphrase_source *common, struct signer *signer,
                          struct fault *fault)
{
    struct passphrase_source source = *common;
    struct keyfile about;
    struct key *key = NULL;
    char name[2 * SIGNER_NAME]; /* one that is too long is refused, not cut */
    const char *equals = strchr(word, '=');
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    int32_t code = equals ? passphrase_source_parse(equals + 1, name, &source, fault) : HAWSE_OK;
    if (code == HAWSE_OK)
        code = unlock_key(store, name, &source, &key, &about, fault);
    if (code == HAWSE_OK)
        code = signer_add(signer, name, key, &about.key.locks, fault);
    return code;
}

/* Keys may share a variable, so it is wiped when all are open. */
static void forget(const char *word)
{
    struct passphrase_source source;
    const char *equals = strchr(word, '=');
    if (equals && passphrase_source_parse(equals + 1, "", &source, NULL) == HAWSE_OK)
        passphrase_forget(&source);
}

static int32_t unlock_all(const struct arguments *args, struct signer *signer, struct fault *fault)
{
    struct keystore *store = NULL;
    struct passphrase_source common;
    folder_name *names = NULL;
    size_t count = 0;
    int32_t code = keys_source(args, &common, fault);
    if (code == HAWSE_OK)
        code = keystore_open(keys_folder(args), false, &store, fault);
    if (code == HAWSE_OK && args->word_count == 0)
        code = keystore_names(store, &names, &count, fault);
    for (int i = 0; i < args->word_count && code == HAWSE_OK; i++)
        code = unlock_one(store, args->words[i], &common, signer, fault);
    for (size_t i = 0; i < count && code == HAWSE_OK; i++)
        code = unlock_one(store, names[i], &common, signer, fault);
    for (int i = 0; i < args->word_count; i++)
        forget(args->words[i]);
    if (code == HAWSE_OK) {
        passphrase_forget(&common);
        if (signer_count(signer) == 0)
            code = fault_set(fault, HAWSE_E_NOTFOUND, "there is no key in %s", keys_folder(args));
    }
    free(names);
    keystore_close(store);
    return code;
}

/* ---- serving ---- */

/* Digits of a user's number; our own where none is given. */
static int32_t read_uid(const struct arguments *args, uid_t *uid, struct fault *fault)
{
    char *end = NULL;
    *uid = geteuid();
    if (!args->client_uid)
        return HAWSE_OK;
    errno = 0;
    unsigned long n = strtoul(args->client_uid, &end, 10);
    if (errno == 0 && end != args->client_uid && *end == '\0' && n < UINT32_MAX) {
        *uid = (uid_t)n;
        return HAWSE_OK;
    }
    return fault_set(fault, HAWSE_E_INVAL, "--client-uid: found \"%.20s\", expected a number",
                     args->client_uid);
}

static int32_t serve(const struct arguments *args, struct signer *signer, const sigset_t *signals,
                     struct fault *fault)
{
    struct serve_counts counts = {0};
    uid_t uid = geteuid();
    int listening = -1;
    int stop = signalfd(-1, signals, SFD_CLOEXEC);
    int32_t code = stop < 0 ? fault_set(fault, HAWSE_E_IO, "signals: %s", strerror(errno))
                            : read_uid(args, &uid, fault);
    /* With a client of another user the file's mode cannot tell who may: credentials do. */
    if (code == HAWSE_OK)
        code = local_listen(args->socket, uid == geteuid() ? 0600 : 0666, "--socket",
                            "hawse signer", &listening, fault);
    if (code == HAWSE_OK && !signer_locked(signer))
        (void)fprintf(stderr, "hawse: warning: %s\n", UNLOCKED_MEMORY);
    if (code == HAWSE_OK) {
        (void)printf("hawse signer: %zu keys on %s\n", signer_count(signer), args->socket);
        (void)fflush(stdout);
        code = serve_signer(signer, listening, uid, stop, &counts, fault);
        (void)unlink(args->socket);
        (void)printf("hawse signer: %" PRIu64 " signatures, %" PRIu64 " refused, %" PRIu64
                     " clients of other users turned away\n",
                     counts.made, counts.refused, counts.strangers);
    }
    if (listening >= 0)
        (void)close(listening);
    if (stop >= 0)
        (void)close(stop);
    return code;
}

int command_signer(const struct arguments *args)
{
    struct fault fault = {0};
    struct signer *signer = NULL;
    sigset_t signals;
    if (!args->socket) {
        (void)fprintf(stderr, "hawse: signer needs --socket PATH\n");
        return EXIT_USAGE;
    }
    app_guard_memory();
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)signal(SIGPIPE, SIG_IGN);
    int32_t code = signer_new(&signer, &fault);
    if (code == HAWSE_OK)
        code = unlock_all(args, signer, &fault);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    if (code == HAWSE_OK)
        code = serve(args, signer, &signals, &fault);
    signer_free(signer);
    return code == HAWSE_OK ? EXIT_GOOD : app_fail(EXIT_TROUBLE, &fault);
}
