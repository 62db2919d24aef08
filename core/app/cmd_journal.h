/* Between the files of `hawse journal`. */
#ifndef CORE_APP_CMD_JOURNAL_H
#define CORE_APP_CMD_JOURNAL_H

#include "app/app.h"
#include "store/journal.h"

/* `hawse journal query` and `export`: records on stdout, as text, or as one JSON object a line. */
int journal_show(const struct arguments *args, const char *path, bool everything);

#endif
