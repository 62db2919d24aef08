/* The keystore's folder; see folder.h. Owns its descriptor. */
#include "keys/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_MAX = 4096 };

struct folder {
    int fd;
    char *path;
};

static int32_t io_fault(struct fault *fault, const struct folder *f, const char *name,
                        const char *what)
{
    return fault_set(fault, errno == ENOENT ? HAWSE_E_NOTFOUND : HAWSE_E_IO, "%s %s/%s: %s", what,
                     f->path, name, strerror(errno));
}

/* ---- who may read it ---- */

/* `type` is S_IFREG or S_IFDIR; `mode` the one that is right. */
static int32_t check_mode(const struct stat *st, const char *path, mode_t type, unsigned mode,
                          struct fault *fault)
{
    const char *what = type == S_IFDIR ? "folder" : "file";
    if ((st->st_mode & S_IFMT) != type)
        return fault_set(fault, HAWSE_E_DENIED, "%s is no %s", path, what);
    if (st->st_uid != geteuid()) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "the %s %s belongs to user %u, and this process is of user %u", what, path,
                        (unsigned)st->st_uid, (unsigned)geteuid());
        fault_hint(fault, "chown %u '%s', when you know what is in it", (unsigned)geteuid(), path);
        return HAWSE_E_DENIED;
    }
    if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)fault_set(fault, HAWSE_E_DENIED,
                        "the %s %s is open to others (mode %04o, expected %04o)", what, path,
                        (unsigned)(st->st_mode & 07777), mode);
        fault_hint(fault, "chmod %o '%s'; whoever could read a key may have it", mode, path);
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

static int32_t refuse_link(const char *path, struct fault *fault)
{
    (void)fault_set(fault, HAWSE_E_DENIED, "%s is a symbolic link, which somebody could turn",
                    path);
    fault_hint(fault, "name what it leads to");
    return HAWSE_E_DENIED;
}

/* ---- opening ---- */

int32_t folder_open(const char *path, bool create, struct folder **out, struct fault *fault)
{
    struct stat st;
    *out = NULL;
    if (create && mkdir(path, 0700) != 0 && errno != EEXIST)
        return fault_set(fault, HAWSE_E_IO, "cannot make the folder %s: %s", path, strerror(errno));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
        return refuse_link(path, fault);
    if (fd < 0)
        return fault_set(fault, errno == ENOENT ? HAWSE_E_NOTFOUND : HAWSE_E_IO,
                         "cannot open the folder %s: %s", path, strerror(errno));
    struct folder *f = calloc(1, sizeof(*f));
    char *copy = strdup(path);
    int32_t code = !f || !copy ? fault_set(fault, HAWSE_E_NOMEM, "no memory for a folder")
                   : fstat(fd, &st) != 0
                       ? fault_set(fault, HAWSE_E_IO, "%s: %s", path, strerror(errno))
                       : check_mode(&st, path, S_IFDIR, 0700, fault);
    if (code != HAWSE_OK) {
        (void)close(fd);
        free(copy);
        free(f);
        return code;
    }
    f->fd = fd;
    f->path = copy;
    *out = f;
    return HAWSE_OK;
}

void folder_close(struct folder *folder)
{
    if (!folder)
        return;
    (void)close(folder->fd);
    free(folder->path);
    free(folder);
}

const char *folder_path(const struct folder *folder)
{
    return folder->path;
}

/* ---- reading ---- */

/* Up to FOLDER_FILE bytes. */
static int32_t read_whole(const struct folder *f, const char *name, int fd, char *out, size_t *len,
                          struct fault *fault)
{
    *len = 0;
    for (;;) {
        ssize_t n = read(fd, out + *len, FOLDER_FILE + 1 - *len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return io_fault(fault, f, name, "cannot read");
        if (n == 0)
            break;
        *len += (size_t)n;
        if (*len > FOLDER_FILE)
            return fault_set(fault, HAWSE_E_LIMIT, "%s/%s is no key file: above %d bytes", f->path,
                             name, FOLDER_FILE);
    }
    out[*len] = '\0';
    return HAWSE_OK;
}

int32_t folder_read(const struct folder *f, const char *name, char *out, size_t *len,
                    struct fault *fault)
{
    struct stat st;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
    int fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno == ELOOP)
        return refuse_link(path, fault);
    if (fd < 0)
        return io_fault(fault, f, name, "cannot open");
    int32_t code = fstat(fd, &st) != 0 ? io_fault(fault, f, name, "cannot look at")
                                       : check_mode(&st, path, S_IFREG, 0600, fault);
    if (code == HAWSE_OK)
        code = read_whole(f, name, fd, out, len, fault);
    (void)close(fd);
    return code;
}

/* ---- writing ---- */

static int32_t write_whole(const struct folder *f, const char *name, int fd, const char *data,
                           size_t len, struct fault *fault)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(fd, data + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return io_fault(fault, f, name, "cannot write");
        done += (size_t)n;
    }
    return fsync(fd) == 0 ? HAWSE_OK : io_fault(fault, f, name, "cannot write");
}

/* Is what can be read the same as what was written? Disks have lied before. */
static int32_t read_back(const struct folder *f, const char *name, const char *data, size_t len,
                         struct fault *fault)
{
    char found[FOLDER_FILE + 1];
    size_t n = 0;
    int32_t code = folder_read(f, name, found, &n, fault);
    if (code == HAWSE_OK && (n != len || memcmp(found, data, len) != 0))
        code = fault_set(fault, HAWSE_E_IO, "%s/%s does not read as it was written", f->path, name);
    return code;
}

/* A file beside the one that is meant, whole and on the disk. What an earlier process left under
 * its name goes: it never got a name of its own. */
static int32_t write_beside(const struct folder *f, const char *beside, const char *data,
                            size_t len, struct fault *fault)
{
    (void)unlinkat(f->fd, beside, 0);
    int fd = openat(f->fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return io_fault(fault, f, beside, "cannot make");
    int32_t code = write_whole(f, beside, fd, data, len, fault);
    if (close(fd) != 0 && code == HAWSE_OK)
        code = io_fault(fault, f, beside, "cannot write");
    if (code == HAWSE_OK)
        code = read_back(f, beside, data, len, fault);
    if (code != HAWSE_OK)
        (void)unlinkat(f->fd, beside, 0);
    return code;
}

/* The name is on the disk too. */
static int32_t settle(const struct folder *f, const char *name, struct fault *fault)
{
    return fsync(f->fd) == 0 ? HAWSE_OK : io_fault(fault, f, name, "cannot write the name of");
}

static int32_t put(const struct folder *f, const char *name, const char *data, size_t len,
                   bool replace, struct fault *fault)
{
    char beside[FOLDER_NAME + 8];
    (void)snprintf(beside, sizeof(beside), ".%.79s.new", name);
    if (flock(f->fd, LOCK_EX) != 0)
        return io_fault(fault, f, name, "cannot lock the folder for");
    int32_t code = write_beside(f, beside, data, len, fault);
    if (code == HAWSE_OK && replace && renameat(f->fd, beside, f->fd, name) != 0)
        code = io_fault(fault, f, name, "cannot replace");
    if (code == HAWSE_OK && !replace && linkat(f->fd, beside, f->fd, name, 0) != 0)
        code = errno == EEXIST
                   ? fault_set(fault, HAWSE_E_EXISTS, "%s/%s is there already", f->path, name)
                   : io_fault(fault, f, name, "cannot make");
    if (code != HAWSE_OK || !replace)
        (void)unlinkat(f->fd, beside, 0);
    if (code == HAWSE_OK)
        code = settle(f, name, fault);
    (void)flock(f->fd, LOCK_UN);
    return code;
}

int32_t folder_add(const struct folder *f, const char *name, const char *data, size_t len,
                   struct fault *fault)
{
    return put(f, name, data, len, false, fault);
}

int32_t folder_replace(const struct folder *f, const char *name, const char *data, size_t len,
                       struct fault *fault)
{
    return put(f, name, data, len, true, fault);
}

/* ---- names ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Appends the name of an entry that is meant. */
static int32_t take_name(folder_name **names, size_t *count, const char *entry, const char *suffix)
{
    size_t len = strlen(entry), end = strlen(suffix);
    if (entry[0] == '.' || len <= end || len - end >= FOLDER_NAME ||
        strcmp(entry + len - end, suffix) != 0)
        return HAWSE_OK;
    if (*count == NAMES_MAX)
        return HAWSE_E_LIMIT;
    folder_name *bigger = realloc(*names, (*count + 1) * sizeof(bigger[0]));
    if (!bigger)
        return HAWSE_E_NOMEM;
    *names = bigger;
    (void)snprintf(bigger[(*count)++], FOLDER_NAME, "%.*s", (int)(len - end), entry);
    return HAWSE_OK;
}

int32_t folder_names(const struct folder *f, const char *suffix, folder_name **out, size_t *count,
                     struct fault *fault)
{
    int32_t code = HAWSE_OK;
    *out = NULL;
    *count = 0;
    int fd = openat(f->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        code = io_fault(fault, f, "", "cannot list");
        if (fd >= 0)
            (void)close(fd);
        return code;
    }
    for (struct dirent *entry; code == HAWSE_OK && (entry = readdir(dir)) != NULL;)
        code = take_name(out, count, entry->d_name, suffix);
    (void)closedir(dir);
    if (code != HAWSE_OK) {
        free(*out);
        *out = NULL;
        *count = 0;
        return fault_set(fault, code, "%s: %s", f->path,
                         code == HAWSE_E_LIMIT ? "more than 4,096 keys" : "no memory");
    }
    if (*count > 0)
        qsort(*out, *count, sizeof((*out)[0]), by_name);
    return HAWSE_OK;
}
