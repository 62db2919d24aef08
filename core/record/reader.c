/* Reading a capture; see reader.h. */
#include "record/reader.h"

#include "record/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

struct reader {
    char path[CAPTURE_PATH]; /* of the first segment */
    char name[CAPTURE_PATH]; /* of the segment that is read */
    int fd;
    uint64_t offset, size;
    uint8_t hash[FORMAT_HASH];
    struct format_chunk chunk;
    uint8_t *stored, *raw;
    size_t stored_cap, raw_cap;
    ZSTD_DCtx *zstd;
    uint64_t segment_chunks;
    bool ended;
    struct reader_state state;
};

static int32_t damaged(const struct reader *r, const char *what, struct fault *fault)
{
    (void)fault_set(fault, HAWSE_E_FORMAT, "%s is damaged at byte %llu: %s", r->name,
                    (unsigned long long)r->offset, what);
    fault_hint(fault, "what stands before it is whole: %llu chunks",
               (unsigned long long)r->state.chunks);
    return HAWSE_E_FORMAT;
}

static int32_t read_at(struct reader *r, void *out, size_t len, uint64_t offset,
                       struct fault *fault)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pread(r->fd, (uint8_t *)out + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fault_set(fault, HAWSE_E_IO, "cannot read %s: %s", r->name,
                             n < 0 ? strerror(errno) : "it became shorter");
        done += (size_t)n;
    }
    return HAWSE_OK;
}

static int32_t grow(uint8_t **buffer, size_t *cap, size_t len, struct fault *fault)
{
    if (len + HAWSE_PADDING <= *cap)
        return HAWSE_OK;
    uint8_t *bigger = realloc(*buffer, len + HAWSE_PADDING);
    if (!bigger)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a chunk of %zu bytes", len);
    *buffer = bigger;
    *cap = len + HAWSE_PADDING;
    return HAWSE_OK;
}

/* ---- segments ---- */

static int32_t open_file(struct reader *r, struct format_file *header, struct fault *fault)
{
    struct stat st;
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = open(r->name, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0 || fstat(r->fd, &st) != 0) {
        (void)fault_set(fault, HAWSE_E_IO, "cannot read %s: %s", r->name, strerror(errno));
        return HAWSE_E_IO;
    }
    r->size = (uint64_t)st.st_size;
    r->offset = 0;
    r->segment_chunks = 0;
    if (r->size < sizeof(*header))
        return fault_set(fault, HAWSE_E_FORMAT, "%s is no capture: it has %llu bytes", r->name,
                         (unsigned long long)r->size);
    int32_t code = read_at(r, header, sizeof(*header), 0, fault);
    if (code != HAWSE_OK)
        return code;
    if (memcmp(header->magic, FORMAT_MAGIC, sizeof(header->magic)) != 0)
        return fault_set(fault, HAWSE_E_FORMAT, "%s is no capture of hawse", r->name);
    if (header->version != FORMAT_VERSION && format_file_good(header))
        return fault_set(fault, HAWSE_E_UNSUPPORTED,
                         "%s has format version %u, this program reads %d", r->name,
                         header->version, FORMAT_VERSION);
    if (!format_file_good(header))
        return damaged(r, "the header's checksum is wrong", fault);
    r->offset = sizeof(*header);
    r->state.segment = header->segment;
    return format_first_hash(header, r->hash)
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_NOMEM, "no memory for checksums");
}

/* Bytes of this and all later segments, for the display of progress. */
static uint64_t total_bytes(const struct reader *r)
{
    uint64_t total = r->size;
    char name[CAPTURE_PATH];
    struct stat st;
    for (uint32_t n = r->state.segment + 1; capture_name(r->path, n, name) && stat(name, &st) == 0;
         n++)
        total += (uint64_t)st.st_size;
    return total;
}

int32_t reader_open(const char *path, struct reader **out, struct fault *fault)
{
    struct reader *r = calloc(1, sizeof(*r));
    if (!r)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a reader");
    r->fd = -1;
    r->zstd = ZSTD_createDCtx();
    int32_t code = HAWSE_OK;
    if (!r->zstd)
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory for a reader");
    if (code == HAWSE_OK && (!capture_name(path, 1, r->path) || !capture_name(path, 1, r->name)))
        code = fault_set(fault, HAWSE_E_LIMIT, "%.200s...: the path is too long", path);
    if (code == HAWSE_OK)
        code = open_file(r, &r->state.first, fault);
    if (code != HAWSE_OK) {
        reader_close(r);
        return code;
    }
    /* FILE.3 was named: FILE.4 follows it */
    char suffix[16];
    int n = snprintf(suffix, sizeof(suffix), ".%u", r->state.segment);
    size_t len = strlen(r->path);
    if (r->state.segment > 1 && len > (size_t)n && strcmp(r->path + len - n, suffix) == 0)
        r->path[len - (size_t)n] = '\0';
    r->state.bytes_total = total_bytes(r);
    *out = r;
    return HAWSE_OK;
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    ZSTD_freeDCtx(r->zstd);
    free(r->stored);
    free(r->raw);
    free(r);
}

const struct reader_state *reader_state(const struct reader *r)
{
    return &r->state;
}

static int32_t missing(struct reader *r, const char *what)
{
    r->ended = true;
    (void)snprintf(r->state.missing, sizeof(r->state.missing), "%s", what);
    return 0;
}

/* The segment after this one, which says itself that there is one. */
static int32_t next_segment(struct reader *r, struct fault *fault)
{
    struct format_file header;
    uint8_t before[FORMAT_HASH];
    uint32_t number = r->state.segment + 1;
    memcpy(before, r->hash, FORMAT_HASH);
    if (!capture_name(r->path, number, r->name) || access(r->name, F_OK) != 0)
        return missing(r, "the next segment is not there");
    struct stat st;
    if (stat(r->name, &st) == 0 && (uint64_t)st.st_size < sizeof(header))
        return missing(r, "the next segment was cut off at its beginning");
    int32_t code = open_file(r, &header, fault);
    if (code != HAWSE_OK)
        return code;
    if (memcmp(header.run, r->state.first.run, FORMAT_RUN) != 0 || header.segment != number ||
        memcmp(header.before, before, FORMAT_HASH) != 0)
        return damaged(r, "it does not follow the segment before it", fault);
    r->state.bytes_read += sizeof(header);
    return 1;
}

/* ---- chunks ---- */

static bool all_zero(const void *bytes, size_t len)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < len; i++) {
        if (b[i] != 0)
            return false;
    }
    return true;
}

/* A tail that is no chunk: cut off (too short, or zeroes that a file system left behind), or
 * damaged. */
static int32_t torn(struct reader *r, const char *what)
{
    r->state.torn_bytes = r->size - r->offset;
    return missing(r, what);
}

/* 1: r->chunk is a header, its payload is there; 0: the end. */
static int32_t read_header(struct reader *r, struct fault *fault)
{
    uint64_t left = r->size - r->offset;
    if (left == 0)
        return missing(r, "it was not closed: the process ended without warning");
    if (left < sizeof(r->chunk))
        return torn(r, "its last chunk was cut off");
    int32_t code = read_at(r, &r->chunk, sizeof(r->chunk), r->offset, fault);
    if (code != HAWSE_OK)
        return code;
    if (all_zero(&r->chunk, sizeof(r->chunk)))
        return torn(r, "its last chunk was cut off");
    if (!format_chunk_good(&r->chunk))
        return damaged(r, "the checksum of a chunk's header is wrong", fault);
    if (r->state.chunks > 0 && r->chunk.number != r->state.chunks + r->state.first_chunk)
        return damaged(r, "a chunk is missing", fault);
    if (left - sizeof(r->chunk) < r->chunk.stored_len)
        return torn(r, "its last chunk was cut off");
    return 1;
}

static int32_t read_payload(struct reader *r, struct fault *fault)
{
    uint8_t hash[FORMAT_HASH];
    const struct format_chunk *chunk = &r->chunk;
    int32_t code = grow(&r->stored, &r->stored_cap, chunk->stored_len, fault);
    if (code == HAWSE_OK)
        code = read_at(r, r->stored, chunk->stored_len, r->offset + sizeof(*chunk), fault);
    if (code != HAWSE_OK)
        return code;
    if (!format_chunk_hash(chunk, r->hash, r->stored, hash))
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for checksums");
    if (memcmp(hash, chunk->hash, FORMAT_HASH) != 0)
        return damaged(r, "a chunk's checksum is wrong", fault);
    memcpy(r->hash, hash, FORMAT_HASH);
    uint64_t whole = sizeof(*chunk) + chunk->stored_len;
    r->offset += whole;
    r->state.bytes_read += whole;
    if (r->state.chunks++ == 0)
        r->state.first_chunk = chunk->number;
    return HAWSE_OK;
}

static int32_t read_end(struct reader *r, struct fault *fault)
{
    struct format_end end;
    if (r->chunk.stored_len != sizeof(end) || r->chunk.raw_len != sizeof(end))
        return damaged(r, "a segment's end has a wrong length", fault);
    memcpy(&end, r->stored, sizeof(end));
    if (end.chunks != r->segment_chunks)
        return damaged(r, "a segment's end counts other chunks than there are", fault);
    if (r->offset != r->size)
        return damaged(r, "bytes follow the segment's end", fault);
    r->state.lost_callbacks = end.lost_callbacks;
    r->state.lost_events = end.lost_events;
    r->state.closed = end.last == 1;
    r->ended = r->state.closed;
    return end.last == 1 ? 0 : next_segment(r, fault);
}

static int32_t unpack(struct reader *r, const uint8_t **records, size_t *len, struct fault *fault)
{
    int32_t code = grow(&r->raw, &r->raw_cap, r->chunk.raw_len, fault);
    if (code != HAWSE_OK)
        return code;
    size_t n =
        ZSTD_decompressDCtx(r->zstd, r->raw, r->chunk.raw_len, r->stored, r->chunk.stored_len);
    if (ZSTD_isError(n) || n != r->chunk.raw_len)
        return damaged(r, "a chunk does not unpack to its length", fault);
    memset(r->raw + n, 0, HAWSE_PADDING);
    r->segment_chunks++;
    r->state.records += r->chunk.records;
    if (r->state.first_ns == 0)
        r->state.first_ns = r->chunk.first_ns;
    if (r->chunk.last_ns > r->state.last_ns) /* of whatever lane */
        r->state.last_ns = r->chunk.last_ns;
    r->state.lane = r->chunk.lane;
    *records = r->raw;
    *len = n;
    return 1;
}

int32_t reader_next(struct reader *r, const uint8_t **records, size_t *len, struct fault *fault)
{
    while (!r->ended) {
        int32_t code = read_header(r, fault);
        if (code <= 0)
            return code;
        code = read_payload(r, fault);
        if (code != HAWSE_OK)
            return code;
        if (r->chunk.type == CHUNK_RECORDS)
            return unpack(r, records, len, fault);
        if (r->chunk.type != CHUNK_END)
            return damaged(r, "a chunk is of a kind that is not known", fault);
        code = read_end(r, fault);
        if (code < 0)
            return code;
    }
    return 0;
}
