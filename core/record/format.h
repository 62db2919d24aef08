/*
 * A capture file, byte for byte: a header, then chunks that are only ever appended. Each chunk is
 * one zstd frame of whole records, and carries a hash of itself and of all before it (SHA-256), so
 * that a byte that was changed, a chunk that was taken out and one that was put elsewhere are all
 * seen. Headers carry a CRC-32 of their own, so that a length can be believed before the hash is
 * known: that is what tells a tail that was cut from one that was damaged.
 *
 * Chunk headers are the index by time: they hold the time of their first and last record, and
 * walking them touches no payload.
 *
 * All numbers are little-endian, like the machines that hawse runs on.
 */
#ifndef CORE_RECORD_FORMAT_H
#define CORE_RECORD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FORMAT_VERSION = 1,
    FORMAT_HASH = 32,
    FORMAT_RUN = 16,
    FORMAT_RAW_MAX = 64 << 20, /* bytes of records in one chunk */
    FORMAT_CHUNK = 1 << 20,    /* as the writer cuts them */
    FORMAT_LANES = 16,         /* at most, numbered from 0 */
};

#define FORMAT_MAGIC       "HAWSEREC"
#define FORMAT_CHUNK_MAGIC 0x4b4e4843u /* "CHNK" */

struct format_file {
    char magic[8];
    uint32_t version;
    uint32_t size;           /* of this header */
    uint8_t run[FORMAT_RUN]; /* random; the same in every segment of one run */
    uint32_t segment;        /* 1, 2, ... */
    uint32_t lanes;          /* lanes whose records are in here */
    uint64_t utc_ns;         /* when the segment was begun */
    uint64_t mono_ns;
    uint8_t before[FORMAT_HASH]; /* last hash of the segment before; zeroes in the first */
    uint32_t reserved;
    uint32_t crc; /* of all before it */
};

enum format_type { CHUNK_RECORDS = 1, CHUNK_END = 2 };

struct format_chunk {
    uint32_t magic;
    uint16_t type;
    uint16_t lane;
    uint32_t raw_len;
    uint32_t stored_len;
    uint64_t number; /* 1, 2, ... in the whole run */
    uint64_t first_ns, last_ns;
    uint32_t records;
    uint32_t reserved;
    uint8_t hash[FORMAT_HASH]; /* of the hash before, the fields above, and the stored bytes */
    uint32_t reserved2;
    uint32_t crc;
};

/* Payload of CHUNK_END, stored as it is. */
struct format_end {
    uint64_t chunks, records;             /* of this segment */
    uint64_t lost_callbacks, lost_events; /* of the run so far */
    uint32_t last; /* 1: the run ends here; 0: it goes on in the next segment */
    uint32_t reserved;
};

_Static_assert(sizeof(struct format_file) == 96, "no hidden padding");
_Static_assert(sizeof(struct format_chunk) == 88, "no hidden padding");
_Static_assert(sizeof(struct format_end) == 40, "no hidden padding");

void format_file_seal(struct format_file *header);
bool format_file_good(const struct format_file *header);
/* The hash that the first chunk of a segment follows. False: no memory. */
bool format_first_hash(const struct format_file *header, uint8_t hash[FORMAT_HASH]);

/* Computes the chunk's hash from the one before and its payload. False: no memory. */
bool format_chunk_hash(const struct format_chunk *chunk, const uint8_t before[FORMAT_HASH],
                       const uint8_t *stored, uint8_t hash[FORMAT_HASH]);
void format_chunk_seal(struct format_chunk *chunk);
/* CRC, magic and bounds. */
bool format_chunk_good(const struct format_chunk *chunk);

#endif
