/*
 * The flight recorder's file side: a thread takes whole callbacks out of the spool, compresses them
 * and appends them to the capture; begins a new segment when one is full; deletes the oldest when
 * all of them are too large together. Whatever has been appended survives the end of the process,
 * however it ends; at most FLUSH (200 ms) of records wait for it.
 *
 * Names: FILE is the first segment, FILE.2, FILE.3 ... those that follow. An older capture of that
 * name is moved aside as FILE.YYYYMMDDTHHMMSSZ.
 */
#ifndef CORE_RECORD_WRITER_H
#define CORE_RECORD_WRITER_H

#include "observe/log.h"
#include "observe/metrics.h"
#include "record/recorder.h"

struct writer_options {
    const char *path;
    uint64_t rotate_bytes; /* begin a new segment above this; 0 = never */
    uint64_t keep_bytes;   /* delete the oldest segments above this in all; 0 = keep all */
    char *const *secrets;  /* texts that must not be in the capture; copied */
    size_t secret_count;
    struct logger *logger;   /* may be NULL */
    struct metrics *metrics; /* may be NULL */
};

/* Opens the capture (mode 0600) and starts the thread. `recorders`: one for each lane, linked by
 * `next`; they must outlive the writer. Chunks of lanes take turns in the file, each whole
 * callbacks of one lane in order; between lanes only the clock of the callbacks tells. */
int32_t writer_start(struct recorder *recorders, const struct writer_options *options,
                     struct writer **out, struct fault *fault);
/* [any] More texts that must not be in the capture, from now on. HAWSE_E_NOMEM. */
int32_t writer_secrets(struct writer *writer, char *const *secrets, size_t count);
/* Writes what the spool still holds, ends the capture and joins the thread; NULL is legal. Returns
 * the first error that stopped it earlier, or 0. */
int32_t writer_stop(struct writer *writer);

/* ---- files.c: names of segments ---- */

enum { CAPTURE_PATH = 4096 };

/* "FILE" for segment 1, "FILE.N" for the others. False: the path is too long. */
bool capture_name(const char *path, uint32_t segment, char out[CAPTURE_PATH]);
/* Moves an older capture of this name aside. */
int32_t capture_set_aside(const char *path, struct fault *fault);
/* Deletes the oldest files of this name until all together are within `keep`; never `current`.
 * Returns how many it deleted. */
uint32_t capture_trim(const char *path, const char *current, uint64_t keep);

#endif
