/*
 * The command line: one file per command, one table that names them.
 */
#ifndef CORE_APP_APP_H
#define CORE_APP_APP_H

#include "base/fault.h"
#include "config/config.h"
#include "observe/log.h"

#include <stdbool.h>

/* Exit codes, the same for every command. */
enum {
    EXIT_GOOD = 0,
    EXIT_TROUBLE = 1,   /* it ran, and something is wrong with what it looked at */
    EXIT_USAGE = 2,     /* the command line or the configuration is wrong; nothing was done */
    EXIT_HARD_STOP = 3, /* run: something did not stop before the deadline */
};

enum { SETS_MAX = 64, PLUGINS_MAX = 32, CHAINS_MAX = 8 };

/* What the common options of a command line said. */
struct arguments {
    const char *words[8]; /* positional */
    int word_count;
    struct config_override sets[SETS_MAX];
    size_t set_count;
    const char *path;                 /* --path */
    const char *socket;               /* --socket */
    const char *listen;               /* --listen */
    const char *speed;                /* --speed */
    const char *isolation;            /* --isolation */
    const char *lanes;                /* --lanes */
    const char *record;               /* --record */
    const char *out;                  /* --out */
    const char *from, *to;            /* --from, --to */
    const char *plugins[PLUGINS_MAX]; /* --plugin INSTANCE=FILE */
    size_t plugin_count;
    const char *dir, *kind, *cost, *format;        /* --dir ... of keys */
    const char *passphrase_from, *passphrase_file; /* --passphrase-from, --passphrase-file */
    const char *client_uid;                        /* --client-uid */
    const char *new_from, *import_from;            /* --new-passphrase-from ... */
    const char *why;                               /* --why */
    const char *chains[CHAINS_MAX];                /* --chain */
    size_t chain_count;
    const char *instance, *intent, *id, *since; /* --instance ... of journal */
    const char *until, *step, *head;            /* --until, --step, --head */
    bool diff, testnet_only, force;             /* --diff, --testnet-only, --force */
    bool chain_time;                            /* --chain-time */
    const char *cases, *seed, *settings;        /* --case ... of check */
    bool list, junit, host;                     /* --list, --junit, --host */
    const char *recording;                      /* --recording */
    const char *lang, *of;                      /* --lang, --of */
    const char *config, *timeout;               /* --config, --timeout of call */
    const char *allow_diff, *shadow, *limit;    /* --allow-diff ... of reload */
    const char *const *rest;                    /* words behind the command's own: see commands.h */
    int rest_count;
    bool live; /* --live */
    bool json, strict, safe, quiet, view, once;
};

int command_run(const struct arguments *args);
int command_plugins(const struct arguments *args);
int command_config(const struct arguments *args);
int command_replay(const struct arguments *args);
int command_reload(const struct arguments *args);
int command_report(const struct arguments *args);
int command_status(const struct arguments *args);
int command_top(const struct arguments *args);
int command_feed(const struct arguments *args);
int command_signer(const struct arguments *args);
int command_keys(const struct arguments *args);
int command_journal(const struct arguments *args);
int command_doctor(const struct arguments *args);
int command_intents(const struct arguments *args);
int command_call(const struct arguments *args);
int command_kill(const struct arguments *args);
int command_fill_nonce(const struct arguments *args);
int command_resume(const struct arguments *args);
int command_send(const struct arguments *args);
int command_check(const struct arguments *args);
int command_new(const struct arguments *args);
int command_version(const struct arguments *args);

/* Secrets are in memory from now on: no core dumps, no debugger of another process of this user. */
void app_guard_memory(void);

/* What is warned of where memory with secrets may be swapped out. */
#define UNLOCKED_MEMORY                                                                     \
    "secrets may be swapped to disk: this process may lock too little memory | fix: raise " \
    "RLIMIT_MEMLOCK (ulimit -l; LimitMEMLOCK= of systemd)"

/* What the log must never show. */
int32_t app_register_secrets(struct logger *logger, const struct config *config,
                             struct fault *fault);

/* Where a running hawse listens: --socket, $HAWSE_CONTROL, or ./control.sock. */
const char *control_path(const struct arguments *args);

/* Prints a fault to stderr, with its hint, and returns `code`. */
int app_fail(int code, const struct fault *fault);
/* Like app_fail with EXIT_TROUBLE; a fault of the host may repeat what a library or a server said.
 */
int app_fail_redacted(struct logger *logger, const struct fault *fault);

#endif
