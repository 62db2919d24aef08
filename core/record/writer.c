/* The thread that writes a capture; see writer.h. */
#include "record/writer.h"

#include "base/secret.h"
#include "record/format.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

enum {
    TICK_NS = 10000000,     /* between two looks, while little comes */
    TICK_BUSY_NS = 1000000, /* ... while much does: so that the lane finds its parts free again */
    FLUSH_NS = 200000000,
    LEVEL = 1,
    LEVEL_HURRY = -4,
    SECRET_MIN = 6,
    NICE = 5
};

struct writer {
    struct recorder *recorders; /* one a lane */
    char *path;
    uint64_t rotate_bytes, keep_bytes;
    pthread_mutex_t lock; /* guards the secrets */
    char **secrets;
    size_t secret_count;
    struct logger *logger;
    struct metric_counter *bytes, *records, *lost, *masked;
    struct metric_gauge *active;
    pthread_t thread;
    int quit; /* atomic */
    int32_t error;
    ZSTD_CCtx *zstd;
    uint8_t *out;
    size_t out_cap;
    int fd;
    char name[CAPTURE_PATH]; /* of the segment under way */
    struct format_file header;
    uint64_t offset; /* of the segment: all before it is whole */
    uint64_t chunks, segment_chunks, segment_records;
    uint64_t first_ns, last_ns; /* time of the records looked at */
    uint64_t newest_ns;         /* of all */
    uint64_t told;              /* lost callbacks that were reported */
    uint8_t hash[FORMAT_HASH];
};

static uint64_t clock_of(clockid_t id)
{
    struct timespec ts;
    (void)clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- the file ---- */

/* What was appended in part is taken back, so that the next attempt does not follow a hole. */
static int32_t append(struct writer *w, const void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n =
            pwrite(w->fd, (const uint8_t *)bytes + done, len - done, (off_t)(w->offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int why = n < 0 ? errno : EIO;
            if (ftruncate(w->fd, (off_t)w->offset) != 0)
                why = errno;
            struct fault fault = {0};
            (void)fault_set(&fault, HAWSE_E_IO, "recording ends: cannot write %s: %s", w->name,
                            strerror(why));
            fault_hint(&fault, "what was recorded until now is whole; make room and restart");
            log_fault(w->logger, HAWSE_LOG_ERROR, "record", &fault);
            return HAWSE_E_IO;
        }
        done += (size_t)n;
    }
    w->offset += len;
    if (w->bytes)
        counter_add(w->bytes, len);
    return HAWSE_OK;
}

static int32_t open_segment(struct writer *w, uint32_t segment, struct fault *fault)
{
    if (!capture_name(w->path, segment, w->name))
        return fault_set(fault, HAWSE_E_LIMIT, "record.file: the path is too long");
    w->fd = open(w->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->fd < 0) {
        (void)fault_set(fault, HAWSE_E_IO, "cannot make the capture %s: %s", w->name,
                        strerror(errno));
        fault_hint(fault, "its folder must exist and be writable");
        return HAWSE_E_IO;
    }
    memcpy(w->header.before, w->hash, FORMAT_HASH);
    w->header.segment = segment;
    w->header.utc_ns = clock_of(CLOCK_REALTIME);
    w->header.mono_ns = clock_of(CLOCK_MONOTONIC);
    format_file_seal(&w->header);
    w->offset = w->segment_chunks = w->segment_records = 0;
    if (append(w, &w->header, sizeof(w->header)) != HAWSE_OK)
        return fault_set(fault, HAWSE_E_IO, "cannot write the capture %s", w->name);
    return format_first_hash(&w->header, w->hash)
               ? HAWSE_OK
               : fault_set(fault, HAWSE_E_NOMEM, "no memory for checksums");
}

/* Header and payload lie one after the other in w->out, so that a chunk is one write. */
static int32_t append_chunk(struct writer *w, struct format_chunk *chunk)
{
    chunk->magic = FORMAT_CHUNK_MAGIC;
    chunk->number = ++w->chunks;
    if (!format_chunk_hash(chunk, w->hash, w->out + sizeof(*chunk), chunk->hash))
        return HAWSE_E_NOMEM;
    format_chunk_seal(chunk);
    memcpy(w->out, chunk, sizeof(*chunk));
    uint64_t from = w->offset;
    int32_t code = append(w, w->out, sizeof(*chunk) + chunk->stored_len);
    if (code != HAWSE_OK)
        return code;
    memcpy(w->hash, chunk->hash, FORMAT_HASH);
    w->segment_chunks++;
    (void)sync_file_range(w->fd, (off_t)from, (off_t)(w->offset - from), SYNC_FILE_RANGE_WRITE);
    return HAWSE_OK;
}

static uint64_t lost_callbacks(const struct writer *w)
{
    uint64_t sum = 0;
    for (const struct recorder *r = w->recorders; r; r = r->next)
        sum += __atomic_load_n(&r->lost_callbacks, __ATOMIC_RELAXED);
    return sum;
}

static uint64_t lost_events(const struct writer *w)
{
    uint64_t sum = 0;
    for (const struct recorder *r = w->recorders; r; r = r->next)
        sum += __atomic_load_n(&r->lost_events, __ATOMIC_RELAXED);
    return sum;
}

static int32_t close_segment(struct writer *w, bool last)
{
    struct format_end end = {.chunks = w->segment_chunks,
                             .records = w->segment_records,
                             .lost_callbacks = lost_callbacks(w),
                             .lost_events = lost_events(w),
                             .last = last};
    struct format_chunk chunk = {.type = CHUNK_END,
                                 .raw_len = sizeof(end),
                                 .stored_len = sizeof(end),
                                 .first_ns = w->newest_ns,
                                 .last_ns = w->newest_ns};
    memcpy(w->out + sizeof(chunk), &end, sizeof(end));
    int32_t code = append_chunk(w, &chunk);
    if (code == HAWSE_OK && fdatasync(w->fd) != 0)
        code = HAWSE_E_IO;
    (void)close(w->fd);
    w->fd = -1;
    return code;
}

static int32_t rotate(struct writer *w)
{
    struct fault fault = {0};
    int32_t code = close_segment(w, false);
    if (code == HAWSE_OK)
        code = open_segment(w, w->header.segment + 1, &fault);
    if (fault.code != 0)
        log_fault(w->logger, HAWSE_LOG_ERROR, "record", &fault);
    uint32_t gone =
        code == HAWSE_OK && w->keep_bytes > 0 ? capture_trim(w->path, w->name, w->keep_bytes) : 0;
    if (gone > 0)
        log_line(w->logger, HAWSE_LOG_INFO, "record",
                 "%u old segments were deleted to stay within record.keep_mib", gone);
    return code;
}

/* ---- chunks ---- */

/* Secrets never reach a plugin, unless a server repeats one to it: then its bytes are masked here,
 * and a replay will tell where the plugin saw others. */
static void mask_secrets(struct writer *w, uint8_t *raw, size_t len)
{
    (void)pthread_mutex_lock(&w->lock);
    for (size_t s = 0; s < w->secret_count; s++) {
        size_t n = strlen(w->secrets[s]);
        uint8_t *at = raw;
        while ((at = memmem(at, (size_t)(raw + len - at), w->secrets[s], n)) != NULL) {
            memset(at, '*', n);
            at += n;
            if (w->masked)
                counter_add(w->masked, 1);
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* As many whole callbacks as make a chunk, at least one. */
static size_t measure(struct writer *w, const uint8_t *raw, uint64_t filled, uint32_t *records)
{
    size_t at = 0, whole = 0;
    uint32_t seen = 0;
    bool bad = false;
    const struct record_head *head;
    w->first_ns = *records = 0;
    while (whole < FORMAT_CHUNK && (head = record_next(raw, filled, &at, &bad)) != NULL) {
        seen++;
        if (head->kind == RECORD_BEGIN) {
            w->last_ns = ((const struct record_begin *)(const void *)head)->now_ns;
            if (w->first_ns == 0)
                w->first_ns = w->last_ns;
        }
        if (head->kind == RECORD_END || head->kind == RECORD_INSTANCE ||
            head->kind == RECORD_LOSS) {
            whole = at;
            *records = seen;
        }
    }
    if (w->first_ns == 0)
        w->first_ns = w->last_ns;
    w->newest_ns = w->last_ns > w->newest_ns ? w->last_ns : w->newest_ns;
    return whole;
}

static bool room_for(struct writer *w, size_t payload)
{
    size_t need = sizeof(struct format_chunk) + payload;
    if (need <= w->out_cap)
        return true;
    uint8_t *bigger = realloc(w->out, need);
    if (!bigger)
        return false;
    w->out = bigger;
    w->out_cap = need;
    return true;
}

static int32_t write_chunk(struct writer *w, struct recorder *r, uint8_t *raw, uint64_t filled)
{
    struct spool *spool = &r->spool;
    uint32_t records = 0;
    size_t len = measure(w, raw, filled, &records);
    size_t bound = ZSTD_compressBound(len);
    if (len == 0 || !room_for(w, bound))
        return HAWSE_E_NOMEM;
    mask_secrets(w, raw, len);
    size_t stored =
        ZSTD_compressCCtx(w->zstd, w->out + sizeof(struct format_chunk), bound, raw, len,
                          spool_busy(spool) > spool->cap / 4 ? LEVEL_HURRY : LEVEL);
    if (ZSTD_isError(stored))
        return HAWSE_E_INTERNAL;
    struct format_chunk chunk = {.type = CHUNK_RECORDS,
                                 .lane = r->lane,
                                 .raw_len = (uint32_t)len,
                                 .stored_len = (uint32_t)stored,
                                 .first_ns = w->first_ns,
                                 .last_ns = w->last_ns,
                                 .records = records};
    spool_release(spool, len);
    int32_t code = append_chunk(w, &chunk);
    w->segment_records += records;
    if (code == HAWSE_OK && w->records)
        counter_add(w->records, records);
    if (code == HAWSE_OK && w->rotate_bytes > 0 && w->offset >= w->rotate_bytes)
        code = rotate(w);
    return code;
}

/* ---- the thread ---- */

static void report_losses(struct writer *w)
{
    uint64_t lost = lost_callbacks(w);
    if (lost == w->told)
        return;
    if (w->told == 0)
        log_line(w->logger, HAWSE_LOG_ERROR, "record",
                 "%s is incomplete: the disk or the CPU does not keep up; raise record.buffer_mib, "
                 "or see record.when_full",
                 w->name);
    if (w->lost)
        counter_add(w->lost, lost - w->told);
    w->told = lost;
}

/* What one lane has recorded, when it is time. True: something was written; *closed: and more waits
 * behind it. */
static bool serve(struct writer *w, struct recorder *r, bool quit, bool *closed)
{
    uint64_t filled, now = clock_of(CLOCK_MONOTONIC);
    bool full;
    uint8_t *raw = spool_front(&r->spool, &filled, &full);
    r->waits_ns = filled == 0 ? 0 : r->waits_ns != 0 ? r->waits_ns : now;
    if (filled == 0 || !(full || quit || now - r->waits_ns >= FLUSH_NS))
        return false;
    w->error = write_chunk(w, r, raw, filled);
    r->waits_ns = 0;
    *closed = *closed || full;
    return true;
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* a lane on this CPU goes first */
    long tick = TICK_NS;
    while (w->error == HAWSE_OK) {
        bool quit = __atomic_load_n(&w->quit, __ATOMIC_ACQUIRE) != 0, wrote = false, closed = false;
        for (struct recorder *r = w->recorders; r && w->error == HAWSE_OK; r = r->next)
            wrote = serve(w, r, quit, &closed) || wrote;
        if (wrote) {
            tick = closed ? TICK_BUSY_NS : TICK_NS;
            continue;
        }
        report_losses(w);
        if (quit)
            break;
        (void)nanosleep(&(struct timespec){.tv_nsec = tick}, NULL);
        tick = tick * 2 < TICK_NS ? tick * 2 : TICK_NS;
    }
    for (struct recorder *r = w->recorders; r; r = r->next)
        __atomic_store_n(&r->stopped, 1, __ATOMIC_RELEASE);
    report_losses(w);
    if (w->error == HAWSE_OK)
        w->error = close_segment(w, true);
    if (w->active)
        gauge_set(w->active, 0);
    return NULL;
}

/* ---- life ---- */

static void forget_secrets(struct writer *w)
{
    for (size_t i = 0; i < w->secret_count; i++)
        secret_free(w->secrets[i]);
    free(w->secrets);
    w->secrets = NULL;
    w->secret_count = 0;
}

static void writer_free(struct writer *w)
{
    forget_secrets(w);
    if (w->fd >= 0)
        (void)close(w->fd);
    (void)pthread_mutex_destroy(&w->lock);
    ZSTD_freeCCtx(w->zstd);
    free(w->out);
    free(w->path);
    free(w);
}

int32_t writer_secrets(struct writer *w, char *const *secrets, size_t count)
{
    int32_t code = HAWSE_OK;
    (void)pthread_mutex_lock(&w->lock);
    char **list = realloc(w->secrets, (w->secret_count + count + 1) * sizeof(list[0]));
    if (list)
        w->secrets = list;
    for (size_t i = 0; list && i < count; i++) {
        if (strlen(secrets[i]) < SECRET_MIN)
            continue;
        list[w->secret_count] = secret_copy(secrets[i]);
        if (!list[w->secret_count])
            break;
        w->secret_count++;
    }
    code = list ? HAWSE_OK : HAWSE_E_NOMEM;
    (void)pthread_mutex_unlock(&w->lock);
    return code;
}

static void register_metrics(struct writer *w, struct metrics *metrics)
{
    w->bytes = metrics_counter(metrics, "hawse_record_bytes_total", "Bytes of captures.", "");
    w->records = metrics_counter(metrics, "hawse_record_records_total", "Records written.", "");
    w->lost = metrics_counter(metrics, "hawse_record_lost_callbacks_total",
                              "Callbacks that are not in the capture.", "");
    w->masked = metrics_counter(metrics, "hawse_record_masked_total",
                                "Secrets that a server repeated, masked in the capture.", "");
    w->active = metrics_gauge(metrics, "hawse_record_active", "1 while a capture is written.", "");
    if (w->active)
        gauge_set(w->active, 1);
}

static void adopt(struct writer *w, struct recorder *recorders)
{
    w->recorders = recorders;
    for (struct recorder *r = recorders; r; r = r->next) {
        r->writer = w;
        w->header.lanes++;
    }
}

int32_t writer_start(struct recorder *recorders, const struct writer_options *options,
                     struct writer **out, struct fault *fault)
{
    struct writer *w = calloc(1, sizeof(*w));
    if (!w)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the recorder");
    w->fd = -1;
    (void)pthread_mutex_init(&w->lock, NULL);
    w->rotate_bytes = options->rotate_bytes;
    w->keep_bytes = options->keep_bytes;
    w->logger = options->logger;
    w->path = strdup(options->path);
    w->zstd = ZSTD_createCCtx();
    w->header = (struct format_file){.version = FORMAT_VERSION, .size = sizeof(w->header)};
    adopt(w, recorders);
    memcpy(w->header.magic, FORMAT_MAGIC, sizeof(w->header.magic));
    int32_t code = HAWSE_OK;
    if (!w->path || !w->zstd ||
        writer_secrets(w, options->secrets, options->secret_count) != HAWSE_OK ||
        !room_for(w, ZSTD_compressBound(FORMAT_CHUNK)) ||
        getrandom(w->header.run, FORMAT_RUN, 0) != FORMAT_RUN)
        code = fault_set(fault, HAWSE_E_NOMEM, "no memory for the recorder");
    if (code == HAWSE_OK)
        code = capture_set_aside(w->path, fault);
    if (code == HAWSE_OK)
        code = open_segment(w, 1, fault);
    if (code == HAWSE_OK && options->metrics)
        register_metrics(w, options->metrics);
    if (code == HAWSE_OK && pthread_create(&w->thread, NULL, writer_main, w) != 0)
        code = fault_set(fault, HAWSE_E_NOMEM, "cannot start the recorder's thread");
    if (code != HAWSE_OK) {
        writer_free(w);
        return code;
    }
    *out = w;
    return HAWSE_OK;
}

int32_t writer_stop(struct writer *w)
{
    if (!w)
        return HAWSE_OK;
    __atomic_store_n(&w->quit, 1, __ATOMIC_RELEASE);
    (void)pthread_join(w->thread, NULL);
    int32_t code = w->error;
    writer_free(w);
    return code;
}
