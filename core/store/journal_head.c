/*
 * How long the chain was, in a file of its own beside the journal (PATH.head), and who has the
 * journal (PATH.lock). Written after each commit, so that it is never ahead of what is on the disk:
 * a journal that is shorter than its head has lost records, or an older copy stands in its place,
 * and ids and nonces that were used would be used again.
 */
#include "store/journal_private.h"

#include <errno.h>
#include <fcntl.h>
#include <hawse/hex.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* "hawse-journal-head 1 IDENTITY SEQ HASH\n", always of this length */
enum { HEAD_LINE = 21 + 32 + 1 + 20 + 1 + 64 + 1 };

void journal_genesis(const uint8_t identity[16], uint8_t out[32])
{
    crypto_hash_sha256_state state;
    static const char words[] = "hawse journal 1";
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)words, sizeof(words) - 1);
    crypto_hash_sha256_update(&state, identity, 16);
    crypto_hash_sha256_final(&state, out);
}

static void hash_number(crypto_hash_sha256_state *state, uint64_t n)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    crypto_hash_sha256_update(state, bytes, sizeof(bytes));
}

static void hash_bytes(crypto_hash_sha256_state *state, const void *data, uint64_t len)
{
    hash_number(state, len);
    crypto_hash_sha256_update(state, data ? data : (const void *)"", len);
}

/* Every field with its length before it, so that no two records read alike. */
void journal_hash(const uint8_t before[32], const struct journal_record *record, uint8_t out[32])
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, before, 32);
    hash_number(&state, record->seq);
    hash_number(&state, record->utc_ns);
    hash_number(&state, record->intent);
    hash_bytes(&state, record->kind, strlen(record->kind));
    hash_bytes(&state, record->instance, strlen(record->instance));
    hash_bytes(&state, record->data.data, record->data.len);
    hash_bytes(&state, record->bytes.data, record->bytes.len);
    crypto_hash_sha256_final(&state, out);
}

static int open_beside(const struct journal *journal, const char *suffix)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s%s", journal->path, suffix);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* What the holder wrote about itself. */
static int32_t told_holder(const struct journal *journal, int fd, struct fault *fault)
{
    char line[160] = "";
    ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
    line[n > 0 ? n : 0] = 0;
    line[strcspn(line, "\n")] = 0;
    (void)fault_set(fault, HAWSE_E_EXISTS, "%s: another process writes to this journal: %s",
                    journal->path, line[0] ? line : "it does not say which");
    fault_hint(fault, "stop that one first, or give this host a journal (state_dir) and keys of "
                      "its own");
    return HAWSE_E_EXISTS;
}

int32_t journal_lock(struct journal *journal, struct fault *fault)
{
    char host[64] = "?", when[32] = "?", line[160];
    int fd = open_beside(journal, ".lock");
    if (fd < 0)
        return fault_set(fault, HAWSE_E_DENIED, "%s.lock: %s", journal->path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int32_t code = errno == EWOULDBLOCK ? told_holder(journal, fd, fault)
                                            : fault_set(fault, HAWSE_E_IO, "%s.lock: %s",
                                                        journal->path, strerror(errno));
        (void)close(fd);
        return code;
    }
    time_t now = time(NULL);
    struct tm tm;
    if (gmtime_r(&now, &tm))
        (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void)gethostname(host, sizeof(host) - 1);
    int len =
        snprintf(line, sizeof(line), "process %ld on %s, since %s\n", (long)getpid(), host, when);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, line, (size_t)len, 0) != len) {
        /* only what the next one would be told */
    }
    journal->lock_fd = fd;
    return HAWSE_OK;
}

static void head_line(const struct journal *journal, char out[HEAD_LINE + 1])
{
    char identity[33] = "", hash[65] = "";
    hawse_hex_encode(journal->identity, 16, identity);
    hawse_hex_encode(journal->committed.hash, 32, hash);
    (void)snprintf(out, HEAD_LINE + 1, "hawse-journal-head 1 %s %020llu %s\n", identity,
                   (unsigned long long)journal->committed.seq, hash);
}

/* In place and of one length: it needs no room on the disk. Losing it loses nothing but what it can
 * prove, so that its errors stop nobody. */
void journal_head_note(struct journal *journal)
{
    char line[HEAD_LINE + 1];
    head_line(journal, line);
    if (journal->head_fd >= 0 && pwrite(journal->head_fd, line, HEAD_LINE, 0) != HEAD_LINE) {
        /* see above */
    }
}

static bool parse_head(const char *line, uint8_t identity[16], struct journal_head *head)
{
    char name[33], hash[65];
    unsigned long long seq = 0;
    if (sscanf(line, "hawse-journal-head 1 %32s %20llu %64s", name, &seq, hash) != 3 ||
        strlen(name) != 32 || strlen(hash) != 64)
        return false;
    head->seq = seq;
    return hawse_hex_decode((const uint8_t *)name, identity, 16) == HAWSE_OK &&
           hawse_hex_decode((const uint8_t *)hash, head->hash, 32) == HAWSE_OK;
}

static int32_t lost(struct journal *journal, const struct journal_head *noted, const char *what,
                    struct fault *fault)
{
    (void)fault_set(fault, HAWSE_E_FORMAT,
                    "%s: %s: it ends with record %llu, but had record %llu before", journal->path,
                    what, (unsigned long long)journal->head.seq, (unsigned long long)noted->seq);
    fault_hint(
        fault,
        "put the newer file back; if the loss is known and no transaction of it can still be "
        "mined, remove %s.head",
        journal->path);
    return HAWSE_E_FORMAT;
}

/* Is the record that was the last one still in the chain? */
int32_t journal_head_check(struct journal *journal, struct fault *fault)
{
    char line[HEAD_LINE + 1] = "";
    uint8_t identity[16], hash[32] = {0};
    struct journal_head noted;
    journal->head_fd = open_beside(journal, ".head");
    if (journal->head_fd < 0)
        return fault_set(fault, HAWSE_E_DENIED, "%s.head: %s", journal->path, strerror(errno));
    ssize_t n = pread(journal->head_fd, line, HEAD_LINE, 0);
    if (n <= 0 || !parse_head(line, identity, &noted))
        return HAWSE_OK; /* the first time, or lost with the disk: proves nothing */
    if (memcmp(identity, journal->identity, 16) != 0)
        return lost(journal, &noted, "is another journal than was here", fault);
    if (noted.seq == 0)
        return HAWSE_OK;
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(journal->db, "SELECT hash FROM record WHERE seq = ?", -1, &s, NULL);
    if (rc == SQLITE_OK) {
        journal_bind(s, "i", noted.seq);
        rc = sqlite3_step(s);
    }
    if (rc == SQLITE_ROW && sqlite3_column_bytes(s, 0) == 32)
        memcpy(hash, sqlite3_column_blob(s, 0), 32);
    (void)sqlite3_finalize(s);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return journal_fail(journal, rc, "read", fault);
    return memcmp(hash, noted.hash, 32) == 0
               ? HAWSE_OK
               : lost(journal, &noted, "records that were in it are gone", fault);
}
