/*
 * The log: a bounded ring of lines filled by any thread, written by one. Callers never wait:
 * claiming a slot is one atomic step; a full ring costs the line, which is counted. Owns its file
 * and thread.
 */
#include "observe/log.h"

#include "observe/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/hawse.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 256, TEXT_MAX = 1000, WHO_MAX = 64, TAIL_LINES = 64 };

/* sequence: 2 * lap when free, 2 * lap + 1 when filled; bounded queue after D. Vyukov (2010). */
struct slot {
    uint64_t sequence; /* atomic */
    uint64_t utc_ns;
    uint32_t level;
    uint32_t len;
    char who[WHO_MAX];
    char text[TEXT_MAX];
};

struct logger {
    struct slot *slots;
    uint64_t tail;    /* atomic: next to claim */
    uint64_t head;    /* atomic: next to write; the writer's own */
    uint64_t dropped; /* atomic */
    uint32_t level;   /* atomic */
    uint32_t wake;    /* futex word */
    uint32_t sleeping;
    int quit;
    enum config_log_format format;
    int fd;
    bool own_fd, colour;
    int muted; /* atomic */
    pthread_t thread;
    pthread_mutex_t lock; /* guards secrets and tail lines */
    struct redact_list secrets;
    char (*recent)[TEXT_MAX + 160];
    uint64_t recent_count;
};

static const char *const level_names[] = {"ERROR", "WARN", "INFO", "DEBUG"};

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

/* ---- writing ---- */

static void write_all(struct logger *l, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(l->fd, text, len);
        if (n < 0 && errno != EINTR)
            return; /* nowhere to complain to */
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

static size_t stamp(uint64_t utc_ns, char *out, size_t cap)
{
    time_t seconds = (time_t)(utc_ns / 1000000000u);
    struct tm tm;
    char date[32];
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    int n = snprintf(out, cap, "%s.%03uZ", date, (unsigned)(utc_ns / 1000000u % 1000u));
    return n > 0 ? (size_t)n : 0;
}

static void json_text(const char *text, char *out, size_t cap)
{
    size_t len = 0;
    for (; *text && len + 3 < cap; text++) {
        if (*text == '"' || *text == '\\')
            out[len++] = '\\';
        out[len++] = *text;
    }
    out[len] = '\0';
}

static void write_slot(struct logger *l, const struct slot *s)
{
    char when[40], safe[TEXT_MAX + 1], line[2 * TEXT_MAX + 256];
    (void)stamp(s->utc_ns, when, sizeof(when));
    (void)pthread_mutex_lock(&l->lock);
    (void)redact(&l->secrets, s->text, s->len, safe, sizeof(safe));
    const char *name = level_names[s->level];
    (void)snprintf(l->recent[l->recent_count++ % TAIL_LINES], sizeof(l->recent[0]),
                   "%.8s %-5s %-12s %s", when + 11, name, s->who, safe);
    (void)pthread_mutex_unlock(&l->lock);
    if (__atomic_load_n(&l->muted, __ATOMIC_RELAXED) && !l->own_fd)
        return;
    int n;
    if (l->format == LOG_FORMAT_JSON) {
        char escaped[2 * TEXT_MAX];
        json_text(safe, escaped, sizeof(escaped));
        n = snprintf(line, sizeof(line),
                     "{\"ts\":\"%s\",\"level\":\"%s\",\"who\":\"%s\",\"msg\":\"%s\"}\n", when, name,
                     s->who, escaped);
    } else {
        static const char *const colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};
        bool colour = l->colour && s->level != HAWSE_LOG_INFO;
        n = snprintf(line, sizeof(line), "%s %s%-5s%s %-12s %s\n", when,
                     colour ? colours[s->level] : "", name, colour ? "\033[0m" : "", s->who, safe);
    }
    if (n > 0)
        write_all(l, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

static void write_dropped(struct logger *l)
{
    uint64_t dropped = __atomic_exchange_n(&l->dropped, 0, __ATOMIC_RELAXED);
    if (dropped == 0)
        return;
    struct slot s = {.level = HAWSE_LOG_WARN};
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    s.utc_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
    (void)snprintf(s.who, sizeof(s.who), "log");
    s.len = (uint32_t)snprintf(s.text, sizeof(s.text),
                               "%llu lines were left out: the log's queue "
                               "was full",
                               (unsigned long long)dropped);
    write_slot(l, &s);
}

static bool write_next(struct logger *l)
{
    uint64_t n = l->head;
    struct slot *s = &l->slots[n % SLOTS];
    if (__atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE) != 2 * (n / SLOTS) + 1)
        return false;
    write_slot(l, s);
    explicit_bzero(s->text, s->len); /* it is not redacted, and the slot may rest for hours */
    __atomic_store_n(&s->sequence, 2 * (n / SLOTS + 1), __ATOMIC_RELEASE);
    __atomic_store_n(&l->head, n + 1, __ATOMIC_RELEASE);
    return true;
}

static void *writer_main(void *arg)
{
    struct logger *l = arg;
    (void)pthread_setname_np(pthread_self(), "log");
    struct timespec limit = {.tv_sec = 0, .tv_nsec = 200000000};
    for (;;) {
        uint32_t seen = __atomic_load_n(&l->wake, __ATOMIC_ACQUIRE);
        while (write_next(l))
            ;
        write_dropped(l);
        if (__atomic_load_n(&l->quit, __ATOMIC_ACQUIRE) &&
            __atomic_load_n(&l->tail, __ATOMIC_ACQUIRE) == l->head)
            return NULL;
        __atomic_store_n(&l->sleeping, 1, __ATOMIC_SEQ_CST);
        (void)futex(&l->wake, FUTEX_WAIT_PRIVATE, seen, &limit);
        __atomic_store_n(&l->sleeping, 0, __ATOMIC_SEQ_CST);
    }
}

/* ---- making ---- */

int32_t log_create(uint32_t level, enum config_log_format format, const char *file,
                   struct logger **out, struct fault *fault)
{
    struct logger *l = calloc(1, sizeof(*l));
    if (!l)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the log");
    l->slots = calloc(SLOTS, sizeof(l->slots[0]));
    l->recent = calloc(TAIL_LINES, sizeof(l->recent[0]));
    l->level = level;
    l->format = format;
    l->fd = STDERR_FILENO;
    l->colour = !file && isatty(STDERR_FILENO) && !getenv("NO_COLOR");
    (void)pthread_mutex_init(&l->lock, NULL);
    int32_t code =
        l->slots && l->recent ? HAWSE_OK : fault_set(fault, HAWSE_E_NOMEM, "no memory for the log");
    if (code == HAWSE_OK && file) {
        l->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        l->own_fd = l->fd >= 0;
        if (l->fd < 0)
            code =
                fault_set(fault, HAWSE_E_IO, "log.file: cannot open %s: %s", file, strerror(errno));
    }
    if (code == HAWSE_OK && pthread_create(&l->thread, NULL, writer_main, l) != 0)
        code = fault_set(fault, HAWSE_E_NOMEM, "cannot start the log's thread");
    if (code != HAWSE_OK) {
        if (l->own_fd)
            (void)close(l->fd);
        free(l->slots);
        free(l->recent);
        free(l);
        return code;
    }
    *out = l;
    return HAWSE_OK;
}

static void wake_writer(struct logger *l)
{
    (void)__atomic_add_fetch(&l->wake, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&l->sleeping, __ATOMIC_SEQ_CST))
        (void)futex(&l->wake, FUTEX_WAKE_PRIVATE, 1, NULL);
}

void log_destroy(struct logger *l)
{
    if (!l)
        return;
    __atomic_store_n(&l->quit, 1, __ATOMIC_RELEASE);
    wake_writer(l);
    (void)pthread_join(l->thread, NULL);
    if (l->own_fd)
        (void)close(l->fd);
    redact_finish(&l->secrets);
    (void)pthread_mutex_destroy(&l->lock);
    free(l->slots);
    free(l->recent);
    free(l);
}

/* ---- asking ---- */

/* A slot to fill, or NULL when the ring is full. */
static struct slot *claim(struct logger *l, uint64_t *number)
{
    uint64_t n = __atomic_load_n(&l->tail, __ATOMIC_RELAXED);
    for (;;) {
        struct slot *s = &l->slots[n % SLOTS];
        uint64_t sequence = __atomic_load_n(&s->sequence, __ATOMIC_ACQUIRE);
        if (sequence == 2 * (n / SLOTS)) {
            if (__atomic_compare_exchange_n(&l->tail, &n, n + 1, true, __ATOMIC_ACQ_REL,
                                            __ATOMIC_RELAXED)) {
                *number = n;
                return s;
            }
        } else if (sequence < 2 * (n / SLOTS)) {
            return NULL; /* still holds a line of the lap before */
        } else {
            n = __atomic_load_n(&l->tail, __ATOMIC_RELAXED);
        }
    }
}

void log_bytes(struct logger *l, uint32_t level, const char *who, const void *text, size_t len)
{
    if (!l || level > __atomic_load_n(&l->level, __ATOMIC_RELAXED) || level > HAWSE_LOG_DEBUG)
        return;
    uint64_t number = 0;
    struct slot *s = claim(l, &number);
    if (!s) {
        (void)__atomic_add_fetch(&l->dropped, 1, __ATOMIC_RELAXED);
        return;
    }
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    s->utc_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
    s->level = level;
    (void)snprintf(s->who, sizeof(s->who), "%s", who);
    s->len = (uint32_t)(len < TEXT_MAX ? len : TEXT_MAX);
    memcpy(s->text, text, s->len);
    __atomic_store_n(&s->sequence, 2 * (number / SLOTS) + 1, __ATOMIC_RELEASE);
    wake_writer(l);
}

void log_line(struct logger *l, uint32_t level, const char *who, const char *fmt, ...)
{
    if (!l || level > __atomic_load_n(&l->level, __ATOMIC_RELAXED))
        return;
    char text[TEXT_MAX + 24];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n > 0)
        log_bytes(l, level, who, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void log_fault(struct logger *l, uint32_t level, const char *who, const struct fault *fault)
{
    log_line(l, level, who, "%s%s%s", fault->message, fault->hint[0] ? " | fix: " : "",
             fault->hint);
}

int32_t log_secret(struct logger *l, const char *value)
{
    if (!l || !value)
        return HAWSE_OK;
    (void)pthread_mutex_lock(&l->lock);
    int32_t code = redact_add(&l->secrets, value);
    (void)pthread_mutex_unlock(&l->lock);
    return code;
}

void log_level(struct logger *l, uint32_t level)
{
    __atomic_store_n(&l->level, level, __ATOMIC_RELAXED);
}

void log_mute(struct logger *l, bool muted)
{
    __atomic_store_n(&l->muted, muted, __ATOMIC_RELAXED);
}

void log_flush(struct logger *l)
{
    if (!l)
        return;
    uint64_t until = __atomic_load_n(&l->tail, __ATOMIC_ACQUIRE);
    for (int ms = 0; ms < 1000 && __atomic_load_n(&l->head, __ATOMIC_ACQUIRE) < until; ms++) {
        wake_writer(l);
        struct timespec ts = {.tv_nsec = 1000000};
        (void)nanosleep(&ts, NULL);
    }
}

int log_fd(const struct logger *l)
{
    return l ? l->fd : STDERR_FILENO;
}

void log_redact(struct logger *l, const char *text, size_t len, char *out, size_t cap)
{
    if (l)
        (void)pthread_mutex_lock(&l->lock);
    (void)redact(l ? &l->secrets : NULL, text, len, out, cap);
    if (l)
        (void)pthread_mutex_unlock(&l->lock);
}

size_t log_mask(struct logger *l, char *text, size_t len)
{
    if (!l)
        return len;
    (void)pthread_mutex_lock(&l->lock);
    size_t n = redact_listed(&l->secrets, text, len);
    (void)pthread_mutex_unlock(&l->lock);
    return n;
}

size_t log_recent(struct logger *l, const char *who, size_t want, char *out, size_t cap)
{
    size_t len = 0, found = 0;
    const char *lines[TAIL_LINES];
    (void)pthread_mutex_lock(&l->lock);
    uint64_t first = l->recent_count > TAIL_LINES ? l->recent_count - TAIL_LINES : 0;
    for (uint64_t i = l->recent_count; i > first && found < want && found < TAIL_LINES; i--) {
        const char *line = l->recent[(i - 1) % TAIL_LINES];
        if (!who || strncmp(line + 15, who, strlen(who)) == 0)
            lines[found++] = line;
    }
    out[0] = '\0';
    for (size_t i = found; i-- > 0;) {
        int n = snprintf(out + len, cap - len, "%s\n", lines[i]);
        if (n < 0 || (size_t)n >= cap - len)
            break;
        len += (size_t)n;
    }
    (void)pthread_mutex_unlock(&l->lock);
    return found;
}
