/* Between the files of `hawse journal`. */
#ifndef CORE_APP_CMD_JOURNAL_H
#define CORE_APP_CMD_JOURNAL_H

#include "app/app.h"
#include "store/journal.h"

/* `hawse journal query` and `export`: records on stdout, as text, or as one JSON object a line. */
int journal_show(const struct arguments *args, const char *path, bool everything);

/* "SEQ:HASH", as verify prints it. HAWSE_E_INVAL. */
int32_t journal_head_parse(const char *text, struct journal_head *out, struct fault *fault);
/* A time: a UTC date, a UTC date and time, or "90s", "15m", "2h", "7d" before now_ns.
 * HAWSE_E_INVAL.
 */
int32_t journal_time_parse(const char *text, uint64_t now_ns, uint64_t *out, struct fault *fault);

#endif
