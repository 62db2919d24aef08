/*
 * The host's log. Callers on lanes never wait: a line goes into a bounded ring and a thread of the
 * logger writes it; when the ring is full the line is counted and left out, and the count is
 * logged. Lines are redacted: values registered as secrets, URL credentials and queries, and
 * whatever looks like a private key never reach the file.
 */
#ifndef CORE_OBSERVE_LOG_H
#define CORE_OBSERVE_LOG_H

#include "base/fault.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logger;

/* file NULL = stderr. Level: HAWSE_LOG_... */
int32_t log_create(uint32_t level, enum config_log_format format, const char *file,
                   struct logger **out, struct fault *fault);
void log_destroy(struct logger *logger); /* writes all that is queued first */

/* [any] One line. `who`: instance id, or a room ("net", "config"). Cut at 1,023 bytes. NULL logger
 * = nothing happens. */
void log_line(struct logger *logger, uint32_t level, const char *who, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void log_bytes(struct logger *logger, uint32_t level, const char *who, const void *text,
               size_t len);
/* [any] Log a fault with its hint, at ERROR or the given level. */
void log_fault(struct logger *logger, uint32_t level, const char *who, const struct fault *fault);

/* [any] This exact text must never be written (at least 6 bytes long). Copied and locked in memory.
 */
int32_t log_secret(struct logger *logger, const char *value);
void log_level(struct logger *logger, uint32_t level);
/* [any] Wait until all that was queued before is written: before the process ends.
 * Async-signal-safe variant for the crash handler: writes directly to the descriptor. */
void log_flush(struct logger *logger);
int log_fd(const struct logger *logger);
/* A redacted copy of text into out (NUL-terminated, cut at cap): for errors and status. */
void log_redact(struct logger *logger, const char *text, size_t len, char *out, size_t cap);
/* [any] Masks only registered secrets, in the text itself; its new length: for what others wrote.
 */
size_t log_mask(struct logger *logger, char *text, size_t len);

/* The newest `want` lines (of `who`, or of all when NULL), oldest first, each with its newline,
 * into out. Returns how many. For the live view. */
size_t log_recent(struct logger *logger, const char *who, size_t want, char *out, size_t cap);

/* Lines are kept for log_recent but not written anywhere else: while a live view owns the terminal.
 */
void log_mute(struct logger *logger, bool muted);

#endif
