/*
 * SQLite as the journal uses it: the texts of its statements, values in, rows out, and what its
 * errors mean. No text is ever built at run time.
 */
#include "store/journal_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INTENT_COLUMNS                                                                          \
    "number, i.instance, id, chain, account, mode, i.utc_ns, step, ended, bytes FROM intent i " \
    "JOIN "                                                                                     \
    "record r ON r.seq = i.seq "
#define ATTEMPT_COLUMNS                                                                          \
    "a.intent, leg, attempt, state, chain_id, sender, nonce, a.hash, simulation, max_fee, tip, " \
    "a.utc_ns, bytes FROM attempt a JOIN record r ON r.seq = a.seq "
#define ACCOUNT "chain_id = ?1 AND sender = ?2 "
#define OPEN    "AND state < 4" /* so that it is found by the index nonce_open */

static const char *const texts[JOURNAL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_LAST] = "SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1",
    [SQL_RECORD_ADD] =
        "INSERT INTO record (" JOURNAL_RECORD_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_IS_OBJECT] = "SELECT CASE WHEN json_valid(?1) THEN json_type(?1) = 'object' ELSE 0 END",
    [SQL_INTENT_NUMBER] = "SELECT number FROM intent WHERE instance = ? AND id = ?",
    [SQL_INTENT_NEXT] = "SELECT ifnull(max(number), 0) + 1 FROM intent",
    [SQL_INTENT_ADD] = "INSERT INTO intent SELECT * FROM made_intent WHERE seq = ?",
    [SQL_INTENT_OWNER] = "SELECT instance, ended FROM intent WHERE number = ?",
    [SQL_INTENT_STEP] = "UPDATE intent SET step = ?2, ended = ?3 WHERE number = ?1 AND ended = 0",
    [SQL_INTENT_OPEN] = "SELECT " INTENT_COLUMNS "WHERE ended = 0 ORDER BY number",
    [SQL_INTENT_FIND] = "SELECT " INTENT_COLUMNS "WHERE i.instance = ? AND id = ?",
    [SQL_STEP_ADD] = "INSERT INTO step SELECT * FROM made_step WHERE seq = ?",
    [SQL_STEPS_OF] =
        "SELECT intent, step, attempts, reference, block, error, utc_ns, data FROM step "
        "WHERE intent = ? ORDER BY seq",
    [SQL_ATTEMPT_ADD] = "INSERT INTO attempt SELECT * FROM made_attempt WHERE seq = ?",
    [SQL_ATTEMPT_STATE] =
        "UPDATE attempt SET state = ?4 WHERE intent = ?1 AND leg = ?2 AND attempt = ?3",
    [SQL_ATTEMPT_TAKEN] =
        "SELECT count(*) FROM attempt WHERE (intent = ?1 AND leg = ?2 AND attempt "
        "= ?3) OR hash = ?4",
    [SQL_ATTEMPTS_OF] = "SELECT " ATTEMPT_COLUMNS "WHERE a.intent = ? ORDER BY leg, attempt",
    [SQL_HIGH_WATER] = "SELECT ifnull(max(nonce) + 1, 0) FROM attempt WHERE " ACCOUNT,
    [SQL_TOTAL_GET] =
        "SELECT amount FROM total WHERE instance = ? AND day = ? AND what = ? AND key = ?",
    [SQL_TOTAL_PUT] = "INSERT OR REPLACE INTO total (instance, day, what, key, amount) VALUES (?, "
                      "?, ?, ?, ?)",
    [SQL_TOTALS] = "SELECT instance, day, what, key, amount FROM total WHERE day = ?1 AND (?2 IS "
                   "NULL OR instance = ?2)",
    [SQL_ACCOUNT_GET] = "SELECT next, floor FROM nonce_account WHERE " ACCOUNT,
    [SQL_ACCOUNT_PUT] =
        "INSERT OR REPLACE INTO nonce_account (chain_id, sender, next, floor) VALUES (?, ?, ?, ?)",
    [SQL_ACCOUNTS] = "SELECT chain_id, sender, next, floor FROM nonce_account",
    [SQL_NONCE_LIFE] =
        "INSERT INTO meta (name, value) VALUES ('nonce_life', ?1) ON CONFLICT (name) "
        "DO UPDATE SET value = max(value + 1, ?1) RETURNING value",
    [SQL_NONCE_PUT] = "INSERT OR REPLACE INTO nonce (chain_id, sender, number, state, token, hash, "
                      "since_ns) VALUES (?, ?, ?, ?, ?, ?, ?)",
    [SQL_NONCE_ROWS] =
        "SELECT number, state, token, hash, since_ns FROM nonce WHERE " ACCOUNT
        "AND number >= ?3 AND number < ?4 ORDER BY ?5 AND state = 4, number LIMIT ?6",
    [SQL_NONCE_OPS + JOURNAL_NONCE_FIRST_FREE] =
        "SELECT min(number) FROM nonce INDEXED BY nonce_open WHERE " ACCOUNT "AND state = 1 " OPEN,
    [SQL_NONCE_OPS + JOURNAL_NONCE_LAST_FREE] =
        "SELECT max(number) FROM nonce INDEXED BY nonce_open WHERE " ACCOUNT "AND state = 1 " OPEN,
    [SQL_NONCE_OPS + JOURNAL_NONCE_IN_FLIGHT] =
        "SELECT count(*) FROM nonce WHERE " ACCOUNT "AND state IN (2, 3) " OPEN,
    [SQL_NONCE_OPS + JOURNAL_NONCE_USED_FROM] =
        "SELECT count(*) FROM nonce WHERE " ACCOUNT "AND number >= ?3 AND state <> 1",
    [SQL_NONCE_OPS + JOURNAL_NONCE_EXPIRE] =
        "UPDATE nonce SET state = 1, since_ns = ?3, token = zeroblob(16) WHERE " ACCOUNT
        "AND state = 2 AND (since_ns <= ?4 OR since_ns > ?3) " OPEN,
    [SQL_NONCE_OPS + JOURNAL_NONCE_DROP_FREE] =
        "DELETE FROM nonce WHERE " ACCOUNT "AND state = 1 AND number < ?3 " OPEN,
    [SQL_NONCE_OPS + JOURNAL_NONCE_MINED] =
        "UPDATE nonce SET state = 4, since_ns = ?4 WHERE " ACCOUNT
        "AND state = 3 AND number < ?3 " OPEN,
    [SQL_NONCE_OPS + JOURNAL_NONCE_DROP_LOST] =
        "DELETE FROM nonce WHERE " ACCOUNT "AND state IN (1, 2) AND number < ?3 " OPEN,
    [SQL_NONCE_OPS + JOURNAL_NONCE_PRUNE] =
        "DELETE FROM nonce WHERE " ACCOUNT "AND state = 4 AND number < ?3",
    [SQL_NONCE_OPS + JOURNAL_NONCE_DROP_FROM] =
        "DELETE FROM nonce WHERE " ACCOUNT "AND number >= ?3",
    [SQL_NONCE_OPS + JOURNAL_NONCE_DELETE] = "DELETE FROM nonce WHERE " ACCOUNT "AND number = ?3",
    [SQL_NONCE_OPS + JOURNAL_NONCE_FREE_ALL] =
        "UPDATE nonce SET state = 1, since_ns = ?3, token = zeroblob(16) WHERE state = 2",
};

/* What an operator is told, and what callers act on. */
static int32_t code_of(struct journal *journal, int rc, const char **hint)
{
    int error = journal->db ? sqlite3_system_errno(journal->db) : 0;
    bool room = error == ENOSPC || error == EDQUOT || error == EFBIG;
    *hint = "";
    switch (rc & 0xff) {
    case SQLITE_FULL:
        *hint = "make room on its disk; nothing is signed until then, and it goes on by itself";
        return HAWSE_E_NOSPACE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        *hint = room ? "make room on its disk; it goes on by itself"
                     : "look at the disk and at the file's permissions";
        return room ? HAWSE_E_NOSPACE : HAWSE_E_IO;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        *hint = "stop the host and put a backup in its place: hawse journal restore";
        return HAWSE_E_FORMAT;
    case SQLITE_NOMEM:
        return HAWSE_E_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        *hint = "another program holds the file locked: end it";
        return HAWSE_E_IO;
    default:
        return HAWSE_E_IO;
    }
}

int32_t journal_fail(struct journal *journal, int rc, const char *doing, struct fault *fault)
{
    const char *hint = "";
    int32_t code = code_of(journal, rc, &hint);
    const char *words = journal->db ? sqlite3_errmsg(journal->db) : sqlite3_errstr(rc);
    (void)snprintf(journal->failure, sizeof(journal->failure), "%s (%d)", words, rc);
    journal->failed = code;
    if (journal->in_group)
        journal->doomed = code;
    if (code == HAWSE_E_FORMAT)
        journal->damaged = true;
    (void)fault_set(fault, code, "%s: could not %s the journal: %s", journal->path, doing,
                    journal->failure);
    if (hint[0])
        fault_hint(fault, "%s", hint);
    return code;
}

sqlite3_stmt *journal_sql(struct journal *journal, unsigned which, struct fault *fault)
{
    if (!journal->db) {
        (void)fault_set(fault, HAWSE_E_IO, "%s: closed after an error: %s", journal->path,
                        journal->failure);
        return NULL;
    }
    sqlite3_stmt **at = &journal->statements[which];
    if (*at) {
        (void)sqlite3_reset(*at);
        return *at;
    }
    int rc = sqlite3_prepare_v3(journal->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, at, NULL);
    if (rc == SQLITE_OK)
        return *at;
    (void)journal_fail(journal, rc, "use", fault);
    return NULL;
}

void journal_bind(sqlite3_stmt *statement, const char *types, ...)
{
    va_list list;
    va_start(list, types);
    for (int i = 1; *types; types++, i++) {
        if (*types == 'i') {
            (void)sqlite3_bind_int64(statement, i, (int64_t)va_arg(list, uint64_t));
        } else if (*types == 't') {
            (void)sqlite3_bind_text(statement, i, va_arg(list, const char *), -1, SQLITE_STATIC);
        } else {
            const void *data = va_arg(list, const void *);
            (void)sqlite3_bind_blob64(statement, i, data ? data : "", va_arg(list, size_t),
                                      SQLITE_STATIC);
        }
    }
    va_end(list);
}

int journal_next(struct journal *journal, sqlite3_stmt *statement, const char *doing,
                 struct fault *fault)
{
    if (!statement) /* journal_sql() told why; to bind and to reset nothing is legal */
        return journal->failed != HAWSE_OK ? journal->failed : HAWSE_E_STATE;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return rc;
    int32_t code = journal_fail(journal, rc, doing, fault);
    (void)sqlite3_reset(statement);
    return code;
}

int32_t journal_run(struct journal *journal, sqlite3_stmt *statement, const char *doing,
                    struct fault *fault)
{
    int rc = journal_next(journal, statement, doing, fault);
    (void)sqlite3_reset(statement);
    return rc < 0 ? rc : HAWSE_OK;
}

bool journal_column(sqlite3_stmt *statement, int column, char *out, size_t cap)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    size_t len = (size_t)sqlite3_column_bytes(statement, column);
    out[0] = 0;
    if (!text || len >= cap || memchr(text, 0, len))
        return false;
    memcpy(out, text, len + 1);
    return true;
}
