/*
 * The folder of a keystore and the files in it: for this user alone, written so that a file is
 * there whole or not at all, whatever happens meanwhile, and never over one that is not meant to
 * go.
 *
 * Refuses what others could read or change, with the command that mends it. Writers of several
 * processes take turns.
 */
#ifndef CORE_KEYS_FOLDER_H
#define CORE_KEYS_FOLDER_H

#include "base/fault.h"

#include <stdbool.h>
#include <stddef.h>

enum { FOLDER_FILE = 8 << 10, FOLDER_NAME = 80 };

struct folder;

/* Opens; `create` makes it, mode 0700, where it is not there. HAWSE_E_NOTFOUND; HAWSE_E_DENIED:
 * another's, open to others, or a symbolic link; HAWSE_E_IO. */
int32_t folder_open(const char *path, bool create, struct folder **out, struct fault *fault);
void folder_close(struct folder *folder); /* NULL is legal */
const char *folder_path(const struct folder *folder);

/* The file's bytes into `out`, which has room for FOLDER_FILE + 1, and a NUL behind them.
 * HAWSE_E_NOTFOUND; HAWSE_E_DENIED as above; HAWSE_E_LIMIT: larger than FOLDER_FILE. */
int32_t folder_read(const struct folder *folder, const char *name, char *out, size_t *len,
                    struct fault *fault);

/* Writes a new file, mode 0600: on the disk when it returns. HAWSE_E_EXISTS: there is one. */
int32_t folder_add(const struct folder *folder, const char *name, const char *data, size_t len,
                   struct fault *fault);
/* The same in place of the file that is there: at any moment either the old one or the new one is
 * whole under its name. */
int32_t folder_replace(const struct folder *folder, const char *name, const char *data, size_t len,
                       struct fault *fault);

/* Names that end with `suffix` and do not begin with a dot, sorted, without the suffix; malloc'd
 * array of `*count`. HAWSE_E_LIMIT: more than 4,096. */
typedef char folder_name[FOLDER_NAME];
int32_t folder_names(const struct folder *folder, const char *suffix, folder_name **out,
                     size_t *count, struct fault *fault);

#endif
