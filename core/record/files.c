/* Names of a capture's segments, and what becomes of old ones; see writer.h. */
#include "record/format.h"
#include "record/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SAME_SECOND = 1000 };

bool capture_name(const char *path, uint32_t segment, char out[CAPTURE_PATH])
{
    int n = segment == 1 ? snprintf(out, CAPTURE_PATH, "%s", path)
                         : snprintf(out, CAPTURE_PATH, "%s.%u", path, segment);
    return n > 0 && n < CAPTURE_PATH;
}

/* Every file "NAME.NUMBER..." beside `path`, and `path` itself: what a capture of this name may
 * have made. */
struct listing {
    char dir[CAPTURE_PATH];
    const char *base;
    DIR *handle;
};

static bool list_begin(struct listing *list, const char *path)
{
    if (snprintf(list->dir, sizeof(list->dir), "%s", path) >= (int)sizeof(list->dir))
        return false;
    char *slash = strrchr(list->dir, '/');
    list->base = slash ? path + (slash - list->dir) + 1 : path;
    if (slash)
        slash[slash == list->dir] = '\0';
    else
        (void)snprintf(list->dir, sizeof(list->dir), ".");
    list->handle = opendir(list->dir);
    return list->handle != NULL;
}

static bool belongs(const char *base, const char *name)
{
    size_t n = strlen(base);
    if (strncmp(name, base, n) != 0)
        return false;
    const char *rest = name + n;
    if (rest[0] == '\0')
        return true;
    if (rest[0] != '.' || rest[1] == '\0')
        return false;
    return strspn(rest + 1, "0123456789TZ.") == strlen(rest + 1);
}

/* The next file that belongs to the name, as a whole path; false: no more. */
static bool list_next(struct listing *list, char out[CAPTURE_PATH])
{
    const struct dirent *entry;
    while ((entry = readdir(list->handle)) != NULL) {
        if (belongs(list->base, entry->d_name) &&
            snprintf(out, CAPTURE_PATH, "%s/%s", list->dir, entry->d_name) < CAPTURE_PATH)
            return true;
    }
    (void)closedir(list->handle);
    return false;
}

/* "20261124T165500Z", from the capture's header, or from the file's time. */
static void stamp(const char *path, char out[32])
{
    struct format_file header;
    struct stat st = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    time_t when = fd >= 0 && fstat(fd, &st) == 0 ? st.st_mtime : 0;
    if (fd >= 0 && read(fd, &header, sizeof(header)) == (ssize_t)sizeof(header) &&
        format_file_good(&header))
        when = (time_t)(header.utc_ns / 1000000000u);
    if (fd >= 0)
        (void)close(fd);
    struct tm tm;
    if (!gmtime_r(&when, &tm) || strftime(out, 32, "%Y%m%dT%H%M%SZ", &tm) == 0)
        out[0] = '\0';
}

/* A name that no capture has: runs may follow each other within a second. */
static bool free_name(const char *path, char base[CAPTURE_PATH])
{
    char when[32];
    stamp(path, when);
    for (uint32_t n = 1; n <= SAME_SECOND; n++) {
        int len = n == 1 ? snprintf(base, CAPTURE_PATH, "%s.%s", path, when)
                         : snprintf(base, CAPTURE_PATH, "%s.%s.0%u", path, when, n);
        if (len < 0 || len >= CAPTURE_PATH)
            return false;
        if (access(base, F_OK) != 0)
            return true;
    }
    return true; /* renaming says that it is taken */
}

int32_t capture_set_aside(const char *path, struct fault *fault)
{
    char from[CAPTURE_PATH], base[CAPTURE_PATH], to[CAPTURE_PATH];
    if (access(path, F_OK) != 0)
        return HAWSE_OK;
    if (!free_name(path, base))
        return fault_set(fault, HAWSE_E_LIMIT, "record.file: the path is too long");
    /* the last segments first: the first one names the capture, and goes when all others have */
    uint32_t count = 1;
    while (capture_name(path, count + 1, from) && access(from, F_OK) == 0)
        count++;
    for (uint32_t segment = count; segment >= 1; segment--) {
        if (!capture_name(path, segment, from) || !capture_name(base, segment, to) ||
            renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0) {
            (void)fault_set(fault, HAWSE_E_EXISTS, "cannot move the earlier capture %s aside: %s",
                            from, strerror(errno));
            fault_hint(fault, "move or delete it, or record to another file");
            return HAWSE_E_EXISTS;
        }
    }
    return HAWSE_OK;
}

struct old_file {
    char path[CAPTURE_PATH];
    struct timespec when;
    uint64_t bytes;
};

static int by_age(const void *a, const void *b)
{
    const struct old_file *x = a, *y = b;
    if (x->when.tv_sec != y->when.tv_sec)
        return x->when.tv_sec < y->when.tv_sec ? -1 : 1;
    return x->when.tv_nsec < y->when.tv_nsec ? -1 : x->when.tv_nsec > y->when.tv_nsec;
}

static struct old_file *collect(const char *path, size_t *count, uint64_t *total)
{
    struct listing list;
    struct old_file *files = NULL;
    char name[CAPTURE_PATH];
    *count = 0;
    *total = 0;
    if (!list_begin(&list, path))
        return NULL;
    while (list_next(&list, name)) {
        struct stat st;
        if (stat(name, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        struct old_file *more = realloc(files, (*count + 1) * sizeof(files[0]));
        if (!more)
            continue;
        files = more;
        struct old_file *file = &files[(*count)++];
        (void)snprintf(file->path, sizeof(file->path), "%s", name);
        file->when = st.st_mtim;
        file->bytes = (uint64_t)st.st_size;
        *total += file->bytes;
    }
    return files;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

uint32_t capture_trim(const char *path, const char *current, uint64_t keep)
{
    size_t count = 0;
    uint64_t total = 0;
    uint32_t gone = 0;
    struct old_file *files = collect(path, &count, &total);
    if (files)
        qsort(files, count, sizeof(files[0]), by_age);
    for (size_t i = 0; files && i < count && total > keep; i++) {
        if (same_file(files[i].path, current) || unlink(files[i].path) != 0)
            continue;
        total -= files[i].bytes;
        gone++;
    }
    free(files);
    return gone;
}
