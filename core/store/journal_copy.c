/*
 * Backups of a journal and putting one back. A copy is made by SQLite's own online backup, into a
 * file that gets its name only when it was proved; what is replaced is kept.
 */
#include "store/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGES_AT_A_TIME = 256, PATH_BYTES = 4096, KEPT_MAX = 1000 };

/* `base` and `suffix`; "" when it is too long, which no file has as its name. */
static const char *beside(const char *base, const char *suffix, char out[PATH_BYTES])
{
    int n = snprintf(out, PATH_BYTES, "%s%s", base, suffix);
    if (n < 0 || n >= PATH_BYTES)
        out[0] = 0;
    return out;
}

static int32_t disk_fault(struct fault *fault, const char *path, const char *doing)
{
    int32_t code = errno == ENOSPC ? HAWSE_E_NOSPACE : HAWSE_E_IO;
    return fault_set(fault, code, "%s: could not %s: %s", path, doing, strerror(errno));
}

static int32_t sync_folder(const char *path, struct fault *fault)
{
    char folder[PATH_BYTES];
    (void)beside(path, "", folder);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder ? 1 : 0] = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return disk_fault(fault, path, "open its folder");
    int32_t code = fsync(fd) == 0 ? HAWSE_OK : disk_fault(fault, path, "write its folder");
    (void)close(fd);
    return code;
}

static int32_t copy_pages(struct journal *from, sqlite3 *to, const char *path, struct fault *fault)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->db, "main");
    int rc = backup ? SQLITE_OK : sqlite3_errcode(to);
    while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
        rc = sqlite3_backup_step(backup, PAGES_AT_A_TIME);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            (void)sqlite3_sleep(10);
    }
    if (backup)
        (void)sqlite3_backup_finish(backup);
    if (rc == SQLITE_DONE)
        return HAWSE_OK;
    return fault_set(fault, (rc & 0xff) == SQLITE_FULL ? HAWSE_E_NOSPACE : HAWSE_E_IO,
                     "%s: the copy of %s failed: %s", path, from->path, sqlite3_errstr(rc));
}

/* One file without a log beside it: what is copied elsewhere must be whole in itself. */
static int32_t write_copy(struct journal *from, const char *path, struct fault *fault)
{
    sqlite3 *to = NULL;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return disk_fault(fault, path, "make the copy");
    (void)close(fd);
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int32_t code = rc == SQLITE_OK
                       ? copy_pages(from, to, path, fault)
                       : fault_set(fault, HAWSE_E_IO, "%s: %s", path, sqlite3_errstr(rc));
    if (code == HAWSE_OK && sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != 0)
        code = fault_set(fault, HAWSE_E_IO, "%s: %s", path, sqlite3_errmsg(to));
    (void)sqlite3_close_v2(to);
    return code;
}

static int32_t open_to_look(const char *path, struct journal **out, struct fault *fault)
{
    struct journal_options look = {.read_only = true};
    return journal_open(path, &look, out, fault);
}

/* Opens, proves, closes. */
static int32_t prove(const char *path, struct journal_verdict *out, uint8_t identity[16],
                     struct fault *fault)
{
    struct journal *journal = NULL;
    int32_t code = open_to_look(path, &journal, fault);
    if (code == HAWSE_OK) {
        journal_identity(journal, identity);
        code = journal_verify(journal, NULL, out, fault);
    }
    journal_close(journal);
    if (code == HAWSE_OK && out->faults > 0)
        return fault_set(fault, HAWSE_E_FORMAT, "%s: does not verify: %s", path, out->first);
    return code;
}

/* A proved copy at `to`, which is not there yet. */
static int32_t proved_copy(const char *path, const char *to, struct journal_verdict *out,
                           uint8_t identity[16], struct fault *fault)
{
    char draft[PATH_BYTES];
    struct journal *from = NULL;
    int32_t code = open_to_look(path, &from, fault);
    if (code != HAWSE_OK)
        return code;
    (void)unlink(beside(to, ".part", draft));
    code = write_copy(from, draft, fault);
    journal_close(from);
    if (code == HAWSE_OK)
        code = prove(draft, out, identity, fault);
    if (code == HAWSE_OK && link(draft, to) != 0) { /* unlike rename(), never over another file */
        code = errno == EEXIST ? HAWSE_E_EXISTS : HAWSE_E_IO;
        (void)fault_set(fault, code, "%s: %s", to, strerror(errno));
    }
    (void)unlink(draft);
    return code == HAWSE_OK ? sync_folder(to, fault) : code;
}

int32_t journal_backup(const char *path, const char *to, struct journal_verdict *out,
                       struct fault *fault)
{
    uint8_t identity[16];
    memset(out, 0, sizeof(*out));
    if (access(to, F_OK) == 0)
        return fault_set(fault, HAWSE_E_EXISTS, "%s: there is a file of this name", to);
    return proved_copy(path, to, out, identity, fault);
}

/* ---- restore ---- */

/* May the copy take the place of what is there? */
static int32_t compare_ages(const char *path, const struct journal_verdict *copy,
                            const uint8_t identity[16], struct fault *fault)
{
    struct fault why = {0};
    struct journal *there = NULL;
    uint8_t other[16];
    struct journal_head head;
    int32_t code = open_to_look(path, &there, &why);
    if (code == HAWSE_E_NOTFOUND)
        return HAWSE_OK;
    if (code == HAWSE_OK) {
        journal_identity(there, other);
        journal_head(there, &head);
        journal_close(there);
        if (memcmp(identity, other, 16) == 0 && head.seq <= copy->head.seq)
            return HAWSE_OK;
        code = fault_set(fault, HAWSE_E_EXISTS,
                         "%s: has %llu records of %s, the copy has %llu: what it knows of used ids "
                         "and nonces would be forgotten",
                         path, (unsigned long long)head.seq,
                         memcmp(identity, other, 16) == 0 ? "the same journal" : "another journal",
                         (unsigned long long)copy->head.seq);
    } else {
        code = fault_set(fault, HAWSE_E_EXISTS, "%s: cannot be read (%s): it may be newer", path,
                         why.message);
    }
    fault_hint(fault, "with --force it is put aside and the copy takes its place; then no host may "
                      "have sent anything since the copy was made");
    return code;
}

/* The file and what SQLite keeps beside it, to names of their own. */
static int32_t put_aside(const char *path, struct fault *fault)
{
    static const char *const parts[] = {"", "-wal", "-shm", ".head"};
    char kept[PATH_BYTES], from[PATH_BYTES], to[PATH_BYTES], suffix[40];
    struct stat st;
    for (int n = 1; n <= KEPT_MAX; n++) {
        (void)snprintf(suffix, sizeof(suffix), ".before-restore-%d", n);
        if (lstat(beside(path, suffix, kept), &st) == 0)
            continue;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            (void)beside(path, parts[i], from);
            (void)beside(kept, parts[i], to);
            if (rename(from, to) != 0 && errno != ENOENT)
                return disk_fault(fault, from, "put it aside");
        }
        return sync_folder(path, fault);
    }
    return fault_set(fault, HAWSE_E_EXISTS, "%s: %d files of earlier restores are there", path,
                     KEPT_MAX);
}

int32_t journal_restore(const char *copy, const char *path, bool force, struct journal_verdict *out,
                        struct fault *fault)
{
    char draft[PATH_BYTES], given[PATH_BYTES], *resolved = realpath(path, NULL);
    struct journal lock = {.lock_fd = -1, .head_fd = -1};
    uint8_t identity[16];
    memset(out, 0, sizeof(*out));
    (void)beside(resolved ? resolved : path, "", given);
    free(resolved);
    lock.path = given;
    int32_t code = journal_lock(&lock, fault); /* no host may have it meanwhile */
    if (code != HAWSE_OK)
        return code;
    (void)unlink(beside(given, ".restore", draft));
    code = proved_copy(copy, draft, out, identity, fault);
    if (code == HAWSE_OK && !force)
        code = compare_ages(given, out, identity, fault);
    if (code == HAWSE_OK)
        code = put_aside(given, fault);
    if (code == HAWSE_OK && rename(draft, given) != 0)
        code = disk_fault(fault, given, "put the copy in its place");
    if (code == HAWSE_OK)
        code = sync_folder(given, fault);
    else
        (void)unlink(draft);
    (void)close(lock.lock_fd);
    return code;
}
