/*
 * Where a passphrase comes from: a terminal, a file, the environment, or a credential of systemd.
 * Never the command line, which every user of the machine can read.
 */
#ifndef CORE_KEYS_PASSPHRASE_H
#define CORE_KEYS_PASSPHRASE_H

#include "base/fault.h"

#include <stdbool.h>

enum passphrase_from { FROM_PROMPT, FROM_FILE, FROM_ENVIRONMENT, FROM_CREDENTIAL };

struct passphrase_source {
    enum passphrase_from from;
    char what[512]; /* the path, the variable, the credential */
};

/* "prompt", "file:PATH", "env:NAME" or "credential:NAME". `where` begins the fault, which does not
 * repeat the text: somebody may have written the passphrase itself there. HAWSE_E_FORMAT. */
int32_t passphrase_source_parse(const char *text, const char *where, struct passphrase_source *out,
                                struct fault *fault);

/* The passphrase, in memory of secret_new(). `question` is what the terminal shows ("Passphrase of
 * key \"bot\""); with `twice` it is asked for again and must be the same. HAWSE_E_NOTFOUND: not
 * there, or empty; HAWSE_E_DENIED: a file open to others; HAWSE_E_STATE: no terminal;
 * HAWSE_E_CANCELED: Ctrl-C or Ctrl-D; HAWSE_E_INVAL: not the same twice. */
int32_t passphrase_get(const struct passphrase_source *source, const char *question, bool twice,
                       char **out, struct fault *fault);

/* Wipes it from the environment of this process, where it came from there. */
void passphrase_forget(const struct passphrase_source *source);

#endif
