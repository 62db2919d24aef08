/* Secrets in files; see secret_file.h. Owns nothing. */
#include "base/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/types.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t check_file(const struct stat *st, const char *path, const char *where,
                          struct fault *fault)
{
    if (!S_ISREG(st->st_mode) || st->st_size > SECRET_FILE_BYTES)
        return fault_set(fault, HAWSE_E_INVAL,
                         "%s: the secret's file %s is no regular file of at most 64 KiB", where,
                         path);
    if ((st->st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_DENIED,
                    "%s: the secret's file %s is open to others (mode %04o, expected 0600)", where,
                    path, (unsigned)(st->st_mode & 07777));
    fault_hint(fault, "chmod 600 '%s'", path);
    return HAWSE_E_DENIED;
}

/* Up to the end, at most cap - 1 bytes; the length, or SIZE_MAX with errno set. */
static size_t read_all(int fd, char *out, size_t cap)
{
    size_t len = 0;
    while (len + 1 < cap) {
        ssize_t n = read(fd, out + len, cap - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return SIZE_MAX;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return len;
}

static int32_t read_secret(int fd, const char *path, const char *where, char *out,
                           struct fault *fault)
{
    size_t len = read_all(fd, out, SECRET_FILE_BYTES + 1);
    if (len == SIZE_MAX)
        return fault_set(fault, HAWSE_E_IO, "%s: cannot read the secret's file %s: %s", where, path,
                         strerror(errno));
    if (memchr(out, '\0', len))
        return fault_set(fault, HAWSE_E_FORMAT,
                         "%s: the secret's file %s holds a NUL byte: it must be text", where, path);
    while (len > 0 && (out[len - 1] == '\n' || out[len - 1] == '\r'))
        out[--len] = '\0';
    if (len == 0)
        return fault_set(fault, HAWSE_E_FORMAT, "%s: the secret's file %s is empty", where, path);
    return HAWSE_OK;
}

static int32_t unreadable(const char *path, const char *where, struct fault *fault)
{
    return fault_set(fault, HAWSE_E_NOTFOUND, "%s: cannot read the secret's file %s: %s", where,
                     path, strerror(errno));
}

int32_t secret_file_read(const char *path, const char *where, char *out, struct fault *fault)
{
    struct stat st;
    /* stat first: opening a device may do something, opening a pipe may wait. */
    if (stat(path, &st) != 0)
        return unreadable(path, where, fault);
    int32_t code = check_file(&st, path, where, fault);
    if (code != HAWSE_OK)
        return code;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return unreadable(path, where, fault);
    code = fstat(fd, &st) != 0 ? unreadable(path, where, fault)
                               : check_file(&st, path, where, fault); /* the name may have moved */
    if (code == HAWSE_OK)
        code = read_secret(fd, path, where, out, fault);
    (void)close(fd);
    return code;
}
