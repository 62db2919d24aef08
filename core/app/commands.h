/*
 * The tables of commands and options, and what is said of them: to people and, as JSON, to the
 * programs that make man pages and completions.
 */
#ifndef CORE_APP_COMMANDS_H
#define CORE_APP_COMMANDS_H

#include "app/app.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_id {
    OPT_SET,
    OPT_PATH,
    OPT_SOCKET,
    OPT_LISTEN,
    OPT_SPEED,
    OPT_LANES,
    OPT_ISOLATION,
    OPT_JSON,
    OPT_STRICT,
    OPT_SAFE,
    OPT_QUIET,
    OPT_VIEW,
    OPT_ONCE,
    OPT_RECORD,
    OPT_OUT,
    OPT_FROM,
    OPT_TO,
    OPT_PLUGIN,
    OPT_DIFF,
    OPT_CHAIN_TIME,
    OPT_DIR,
    OPT_KIND,
    OPT_CHAIN,
    OPT_TESTNET_ONLY,
    OPT_COST,
    OPT_FORMAT,
    OPT_PASSPHRASE_FROM,
    OPT_PASSPHRASE_FILE,
    OPT_NEW_FROM,
    OPT_IMPORT_FROM,
    OPT_WHY,
    OPT_CLIENT_UID,
    OPT_INSTANCE,
    OPT_INTENT,
    OPT_ID,
    OPT_SINCE,
    OPT_UNTIL,
    OPT_STEP,
    OPT_HEAD,
    OPT_FORCE,
    OPT_CASE,
    OPT_SEED,
    OPT_SETTINGS,
    OPT_LIST,
    OPT_JUNIT,
    OPT_LANG,
    OPT_OF,
    OPT_CONFIG,
    OPT_LIVE,
    OPT_TIMEOUT,
    OPT_ALLOW_DIFF,
    OPT_SHADOW,
    OPT_LIMIT,
    OPT_HOST,
    OPT_RECORDING,
    OPTIONS,
};

#define OPT(id) (UINT64_C(1) << (id))
/* Among the options: words behind a command's own are for what it calls, `rest` of the arguments.
 */
#define PASSES_ON (UINT64_C(1) << 63)
_Static_assert(OPTIONS < 63, "a bit for each option");

enum { COMMANDS_MAX = 48 };

struct option_line {
    const char *name;
    const char *value; /* what stands behind it; NULL: a flag */
    const char *meaning;
    size_t field; /* which member of the arguments takes it; 0: a list has its own */
};

struct command {
    const char *name;
    const char *usage;   /* after the name */
    const char *summary; /* one line */
    const char *details; /* what else --help says; may be empty */
    uint64_t options;    /* a bit for each that it takes */
    int max_words;
    int (*run)(const struct arguments *args);
};

extern const struct option_line option_table[OPTIONS];
extern const struct command commands[];
extern const size_t command_count;

/* Every command, for people: a line of usage each. */
void help_all(FILE *out);
/* One command, whole. */
void help_command(const struct command *command);
/* Every command with its options, as one JSON document on stdout. */
int help_json(void);

#endif
