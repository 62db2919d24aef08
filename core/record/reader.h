/*
 * Reads a capture, chunk by chunk, over all its segments, and believes nothing: every byte is
 * covered by a checksum before it is used. A tail that was cut off (the process was killed, the
 * machine lost power) is left out and told; anything else that does not fit is damage, and an error
 * that says where.
 */
#ifndef CORE_RECORD_READER_H
#define CORE_RECORD_READER_H

#include "base/fault.h"
#include "record/format.h"

struct reader;

struct reader_state {
    struct format_file first;         /* header of the segment that was opened */
    uint32_t segment;                 /* now read */
    uint16_t lane;                    /* of the chunk that was read last */
    uint64_t chunks, records;         /* read so far */
    uint64_t first_chunk;             /* number of the first one read */
    uint64_t bytes_read, bytes_total; /* of the segments there are now */
    uint64_t first_ns, last_ns;
    uint64_t lost_callbacks, lost_events; /* as the END chunks say */
    bool closed;                          /* the run's own end was reached: nothing is missing */
    uint64_t torn_bytes;                  /* of a tail that was cut off and left out */
    char missing[64]; /* what is missing after the last chunk, in words; empty = nothing */
};

/* `path`: the first segment, or a later one to begin there. */
int32_t reader_open(const char *path, struct reader **out, struct fault *fault);
void reader_close(struct reader *reader);
/* The next chunk's records, valid until the next call; 64 readable bytes follow. 1, 0 at the end,
 * or a negative code. */
int32_t reader_next(struct reader *reader, const uint8_t **records, size_t *len,
                    struct fault *fault);
const struct reader_state *reader_state(const struct reader *reader);

#endif
