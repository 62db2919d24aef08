/* Passphrases from where an operator keeps them; see passphrase.h. Owns nothing. */
#include "keys/passphrase.h"

#include "base/secret.h"
#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, CTRL_C = 3, CTRL_D = 4, BACKSPACE = 8, CTRL_U = 21, DELETE = 127 };

int32_t passphrase_source_parse(const char *text, const char *where, struct passphrase_source *out,
                                struct fault *fault)
{
    static const struct {
        const char *prefix;
        enum passphrase_from from;
    } kinds[] = {
        {"file:", FROM_FILE}, {"env:", FROM_ENVIRONMENT}, {"credential:", FROM_CREDENTIAL}};
    memset(out, 0, sizeof(*out));
    if (strcmp(text, "prompt") == 0)
        return HAWSE_OK;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t n = strlen(kinds[i].prefix), len = strlen(text);
        if (strncmp(text, kinds[i].prefix, n) != 0 || len == n || len - n >= sizeof(out->what))
            continue;
        if (kinds[i].from == FROM_CREDENTIAL && strchr(text + n, '/'))
            break;
        out->from = kinds[i].from;
        memcpy(out->what, text + n, len - n + 1);
        return HAWSE_OK;
    }
    (void)fault_set(fault, HAWSE_E_FORMAT,
                    "%s: found no source of a passphrase, expected prompt, file:PATH, env:NAME or "
                    "credential:NAME",
                    where);
    fault_hint(fault, "a passphrase itself never stands here: if it did, change it");
    return HAWSE_E_FORMAT;
}

/* ---- files, environment, credentials ---- */

static int32_t from_file(const char *path, char *out, struct fault *fault)
{
    int32_t code = secret_file_read(path, "passphrase", out, fault);
    if (code == HAWSE_E_NOTFOUND)
        fault_hint(fault, "write the passphrase there, mode 600");
    return code;
}

static int32_t from_credential(const char *name, char *out, struct fault *fault)
{
    char path[1024];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!folder || !*folder) {
        (void)fault_set(fault, HAWSE_E_NOTFOUND,
                        "passphrase: credential \"%s\": $CREDENTIALS_DIRECTORY is not set", name);
        fault_hint(fault, "LoadCredentialEncrypted=%s:... in the unit; see systemd.exec(5)", name);
        return HAWSE_E_NOTFOUND;
    }
    if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
        return fault_set(fault, HAWSE_E_LIMIT, "passphrase: the credential's path is too long");
    return from_file(path, out, fault);
}

static int32_t from_environment(const char *name, char *out, struct fault *fault)
{
    const char *value = getenv(name);
    size_t len = value ? strlen(value) : 0;
    if (len > 0 && len <= SECRET_FILE_BYTES) {
        memcpy(out, value, len + 1);
        return HAWSE_OK;
    }
    return fault_set(fault, len ? HAWSE_E_LIMIT : HAWSE_E_NOTFOUND,
                     "passphrase: the environment variable %s is %s", name,
                     !value ? "not set"
                     : len  ? "too long"
                            : "empty");
}

void passphrase_forget(const struct passphrase_source *source)
{
    char *value = source->from == FROM_ENVIRONMENT ? getenv(source->what) : NULL;
    if (value)
        explicit_bzero(value, strlen(value)); /* the very bytes that /proc/PID/environ shows */
}

/* ---- the terminal ---- */

/* A line without echo, byte by byte, so that the kernel's line buffer never holds it. */
static int32_t read_line(int tty, char *out, struct fault *fault)
{
    size_t len = 0;
    for (;;) {
        char c = 0;
        ssize_t n = read(tty, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != 1 || c == CTRL_C || (c == CTRL_D && len == 0))
            return fault_set(fault, HAWSE_E_CANCELED, "passphrase: canceled");
        if (c == '\n' || c == '\r')
            break;
        if (c == CTRL_U)
            len = 0;
        else if (c == BACKSPACE || c == DELETE)
            len -= len > 0;
        else if (len + 1 < LINE_MAX_BYTES)
            out[len++] = c;
        else
            return fault_set(fault, HAWSE_E_LIMIT, "passphrase: longer than %d bytes",
                             LINE_MAX_BYTES - 1);
    }
    out[len] = '\0';
    return len > 0 ? HAWSE_OK : fault_set(fault, HAWSE_E_NOTFOUND, "passphrase: it is empty");
}

static void show(int tty, const char *text)
{
    ssize_t n = write(tty, text, strlen(text));
    (void)n;
}

/* Asks once. The terminal is put back as it was whatever happens, Ctrl-C included. */
static int32_t ask(int tty, const char *question, const char *again, char *out, struct fault *fault)
{
    struct termios before, quiet;
    if (tcgetattr(tty, &before) != 0)
        return fault_set(fault, HAWSE_E_IO, "passphrase: %s", strerror(errno));
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
        return fault_set(fault, HAWSE_E_IO, "passphrase: %s", strerror(errno));
    show(tty, question);
    show(tty, again);
    int32_t code = read_line(tty, out, fault);
    show(tty, "\n");
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    return code;
}

static int32_t from_prompt(const char *question, bool twice, char *out, struct fault *fault)
{
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0) {
        (void)fault_set(fault, HAWSE_E_STATE, "%s: there is no terminal to ask on", question);
        fault_hint(fault, "say where it is kept: file:PATH, env:NAME or credential:NAME");
        return HAWSE_E_STATE;
    }
    int32_t code = ask(tty, question, ": ", out, fault);
    char *second = code == HAWSE_OK && twice ? secret_new(LINE_MAX_BYTES) : NULL;
    if (code == HAWSE_OK && twice) {
        code = second ? ask(tty, question, ", again: ", second, fault)
                      : fault_set(fault, HAWSE_E_NOMEM, "no memory for a passphrase");
        if (code == HAWSE_OK && strcmp(out, second) != 0)
            code = fault_set(fault, HAWSE_E_INVAL, "passphrase: the two are not the same");
    }
    secret_free(second);
    (void)close(tty);
    return code;
}

int32_t passphrase_get(const struct passphrase_source *source, const char *question, bool twice,
                       char **out, struct fault *fault)
{
    int32_t code = HAWSE_E_INVAL;
    *out = NULL;
    char *text = secret_new(SECRET_FILE_BYTES + 1);
    if (!text)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a passphrase");
    switch (source->from) {
    case FROM_PROMPT:
        code = from_prompt(question, twice, text, fault);
        break;
    case FROM_FILE:
        code = from_file(source->what, text, fault);
        break;
    case FROM_ENVIRONMENT:
        code = from_environment(source->what, text, fault);
        break;
    case FROM_CREDENTIAL:
        code = from_credential(source->what, text, fault);
        break;
    }
    if (code == HAWSE_OK) {
        *out = secret_copy(text);
        if (!*out)
            code = fault_set(fault, HAWSE_E_NOMEM, "no memory for a passphrase");
    }
    secret_free(text);
    return code;
}
