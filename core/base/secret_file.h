/*
 * A secret in a file of its own: one text, for this user alone. Symbolic links are followed, as the
 * secret stores of containers use them.
 */
#ifndef CORE_BASE_SECRET_FILE_H
#define CORE_BASE_SECRET_FILE_H

#include "base/fault.h"

enum { SECRET_FILE_BYTES = 64 << 10 };

/* Reads the text into `out`, which has room for SECRET_FILE_BYTES + 1 and is all zero; ends of
 * lines at its end are taken off. Faults begin with `where` and never repeat what was read.
 * HAWSE_E_NOTFOUND: not there, or not readable; HAWSE_E_DENIED: open to others; HAWSE_E_INVAL: no
 * regular file, or too long; HAWSE_E_FORMAT: empty, or no text. */
int32_t secret_file_read(const char *path, const char *where, char *out, struct fault *fault);

#endif
