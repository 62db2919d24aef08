/*
 * The journal's file: opening it, its groups, and what happens when the disk fails. See journal.h.
 */
#include "store/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_MS = 200 };
static const uint64_t DEFAULT_RESERVE = 64ULL << 20, PROBE_NS = 1000000000ULL;

/* Made by us, so that it is never open to others, not even for a moment. */
static int32_t check_file(const char *path, bool create, struct fault *fault)
{
    struct stat st;
    if (create) {
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0)
            (void)close(fd);
        else if (errno != EEXIST)
            return fault_set(fault, errno == ENOSPC ? HAWSE_E_NOSPACE : HAWSE_E_DENIED,
                             "%s: the journal cannot be made: %s", path, strerror(errno));
    }
    if (stat(path, &st) != 0)
        return fault_set(fault, HAWSE_E_NOTFOUND, "%s: no journal: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return fault_set(fault, HAWSE_E_FORMAT, "%s: the journal must be a regular file", path);
    if ((st.st_mode & 077) != 0) {
        (void)fault_set(fault, HAWSE_E_DENIED, "%s: the journal is open to other users (mode %03o)",
                        path, (unsigned)st.st_mode & 0777);
        fault_hint(fault, "chmod 600 %s", path);
        return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}

/* Makes the connection; of the same settings each time. */
static int32_t journal_connect(struct journal *journal, struct fault *fault)
{
    static const char settings[] =
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;"
        "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
        "PRAGMA journal_size_limit = 67108864";
    static const char looking[] =
        "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY";
    int flags = journal->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(journal->path, &journal->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(journal->db, 1);
        (void)sqlite3_busy_timeout(journal->db, BUSY_MS);
        (void)sqlite3_db_config(journal->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        rc = sqlite3_exec(journal->db, journal->read_only ? looking : settings, NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        return journal_schema(journal, fault);
    return journal_fail(journal, rc, "open", fault);
}

static void journal_disconnect(struct journal *journal)
{
    for (size_t i = 0; i < JOURNAL_STATEMENTS; i++) {
        (void)sqlite3_finalize(journal->statements[i]);
        journal->statements[i] = NULL;
    }
    (void)sqlite3_close_v2(journal->db);
    journal->db = NULL;
}

static int32_t journal_load_head(struct journal *journal, struct fault *fault)
{
    sqlite3_stmt *s = journal_sql(journal, SQL_LAST, fault);
    int rc = journal_next(journal, s, "read the end of", fault);
    if (rc < 0)
        return rc;
    journal->head.seq = 0;
    journal_genesis(journal->identity, journal->head.hash);
    if (rc == SQLITE_ROW) {
        if (sqlite3_column_bytes(s, 1) != 32) {
            (void)sqlite3_reset(s);
            return journal_fail(journal, SQLITE_CORRUPT, "read the end of", fault);
        }
        journal->head.seq = (uint64_t)sqlite3_column_int64(s, 0);
        memcpy(journal->head.hash, sqlite3_column_blob(s, 1), 32);
    }
    (void)sqlite3_reset(s);
    journal->committed = journal->head;
    journal->reload = false;
    return HAWSE_OK;
}

static int32_t open_all(struct journal *journal, struct fault *fault)
{
    int32_t code = journal->read_only ? HAWSE_OK : journal_lock(journal, fault);
    if (code == HAWSE_OK)
        code = journal_connect(journal, fault);
    if (code == HAWSE_OK)
        code = journal_load_head(journal, fault);
    if (code == HAWSE_OK && !journal->read_only)
        code = journal_head_check(journal, fault);
    if (code == HAWSE_OK)
        journal_head_note(journal);
    return code;
}

int32_t journal_open(const char *path, const struct journal_options *options, struct journal **out,
                     struct fault *fault)
{
    *out = NULL;
    int32_t code = check_file(path, options->create && !options->read_only, fault);
    if (code != HAWSE_OK)
        return code;
    struct journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return fault_set(fault, HAWSE_E_NOMEM, "%s: no memory for the journal", path);
    journal->lock_fd = journal->head_fd = -1;
    journal->read_only = options->read_only;
    journal->reserve_bytes = options->reserve_bytes ? options->reserve_bytes : DEFAULT_RESERVE;
    journal->path = realpath(path, NULL); /* by whatever way: one file, one lock */
    journal->scratch = malloc(JOURNAL_SCRATCH);
    journal->found = malloc(JOURNAL_BODY_MAX);
    if (journal->path && journal->scratch && journal->found)
        code = open_all(journal, fault);
    else
        code = fault_set(fault, HAWSE_E_NOMEM, "%s: no memory for the journal", path);
    if (code != HAWSE_OK) {
        journal_close(journal);
        return code;
    }
    *out = journal;
    return HAWSE_OK;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    journal_abort(journal);
    journal_disconnect(journal);
    if (journal->head_fd >= 0)
        (void)close(journal->head_fd);
    if (journal->lock_fd >= 0)
        (void)close(journal->lock_fd);
    free(journal->path);
    free(journal->scratch);
    free(journal->found);
    free(journal);
}

/* ---- groups ---- */

static int32_t told_damage(struct journal *journal, struct fault *fault)
{
    (void)fault_set(fault, HAWSE_E_FORMAT, "%s: the journal is damaged: %s", journal->path,
                    journal->failure);
    fault_hint(fault, "stop the host and put a backup in its place: hawse journal restore");
    return HAWSE_E_FORMAT;
}

static int32_t begin(struct journal *journal, struct fault *fault)
{
    int32_t code = journal->db ? HAWSE_OK : journal_connect(journal, fault);
    if (code != HAWSE_OK)
        return code;
    sqlite3_stmt *s = journal_sql(journal, SQL_BEGIN, fault);
    code = journal_run(journal, s, "begin a group of", fault);
    if (code == HAWSE_OK && journal->reload)
        code = journal_load_head(journal, fault);
    return code;
}

int32_t journal_begin(struct journal *journal, struct fault *fault)
{
    if (journal->read_only || journal->in_group)
        return fault_set(fault, HAWSE_E_STATE, "%s: the journal %s", journal->path,
                         journal->read_only ? "is open for reading" : "has a group open");
    if (journal->damaged)
        return told_damage(journal, fault);
    int32_t code = begin(journal, fault);
    journal->in_group = code == HAWSE_OK;
    journal->doomed = HAWSE_OK;
    if (code != HAWSE_OK)
        journal_abort(journal);
    return code;
}

bool journal_in_group(const struct journal *journal)
{
    return journal->in_group;
}

int32_t journal_writable(struct journal *journal, struct fault *fault)
{
    if (!journal->in_group)
        return fault_set(fault, HAWSE_E_STATE, "%s: nothing is written outside of a group",
                         journal->path);
    if (journal->doomed != HAWSE_OK)
        return fault_set(fault, HAWSE_E_STATE, "%s: an earlier call of this group failed: %s",
                         journal->path, journal->failure);
    return HAWSE_OK;
}

int32_t journal_commit(struct journal *journal, struct fault *fault)
{
    int32_t code = journal_writable(journal, fault);
    if (code == HAWSE_OK) {
        sqlite3_stmt *s = journal_sql(journal, SQL_COMMIT, fault);
        code = journal_run(journal, s, "commit to", fault);
    }
    if (code != HAWSE_OK) {
        journal_abort(journal);
        return code;
    }
    journal->in_group = false;
    journal->failed = HAWSE_OK;
    journal->committed = journal->head;
    journal_head_note(journal);
    return HAWSE_OK;
}

/* After an error of the disk the connection goes too: what SQLite has in memory may not be what the
 * disk has. */
void journal_abort(struct journal *journal)
{
    if (journal->db && !sqlite3_get_autocommit(journal->db))
        (void)sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    if (journal->failed == HAWSE_E_IO || journal->failed == HAWSE_E_NOSPACE)
        journal_disconnect(journal);
    journal->in_group = false;
    journal->head = journal->committed;
    journal->reload = true;
}

/* Something is written and committed, to see whether it goes again. */
static int32_t probe(struct journal *journal, struct fault *fault)
{
    int32_t code = journal_begin(journal, fault);
    if (code != HAWSE_OK)
        return code;
    int rc = sqlite3_exec(journal->db,
                          "INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', random())",
                          NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        (void)journal_fail(journal, rc, "write to", fault);
    return journal_commit(journal, fault);
}

static uint64_t steady_ns(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

int32_t journal_ready(struct journal *journal, struct fault *fault)
{
    struct statvfs disk;
    if (journal->read_only)
        return fault_set(fault, HAWSE_E_STATE, "%s: the journal is open for reading",
                         journal->path);
    if (journal->damaged)
        return told_damage(journal, fault);
    if (statvfs(journal->path, &disk) == 0 &&
        (uint64_t)disk.f_bavail * disk.f_frsize < journal->reserve_bytes) {
        (void)fault_set(fault, HAWSE_E_NOSPACE,
                        "%s: its disk has %llu MiB left, and %llu are kept for what is under way",
                        journal->path,
                        (unsigned long long)((uint64_t)disk.f_bavail * disk.f_frsize >> 20),
                        (unsigned long long)(journal->reserve_bytes >> 20));
        fault_hint(fault, "make room on its disk; nothing new is signed until then");
        return HAWSE_E_NOSPACE;
    }
    if (journal->failed == HAWSE_OK)
        return HAWSE_OK;
    uint64_t now = steady_ns();
    if (journal->in_group || now - journal->probed_ns < PROBE_NS)
        return fault_set(fault, journal->failed, "%s: the last group could not be written: %s",
                         journal->path, journal->failure);
    journal->probed_ns = now;
    return probe(journal, fault);
}

void journal_head(const struct journal *journal, struct journal_head *out)
{
    *out = journal->committed;
}

void journal_identity(const struct journal *journal, uint8_t out[16])
{
    memcpy(out, journal->identity, 16);
}
