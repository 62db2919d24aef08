/*
 * Between the files of the journal: the open file, its prepared statements, and the one way in
 * which errors of SQLite become faults.
 */
#ifndef CORE_STORE_JOURNAL_PRIVATE_H
#define CORE_STORE_JOURNAL_PRIVATE_H

#include "store/journal.h"
#include "store/journal_nonces.h"

#include <hawse/writer.h>
#include <sqlite3.h>

/* Prepared once, when first used. The texts are in journal_sql.c. */
enum journal_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_LAST,
    SQL_RECORD_ADD,
    SQL_IS_OBJECT,
    SQL_INTENT_NUMBER,
    SQL_INTENT_NEXT,
    SQL_INTENT_ADD,
    SQL_INTENT_OWNER,
    SQL_INTENT_STEP,
    SQL_INTENT_OPEN,
    SQL_INTENT_FIND,
    SQL_STEP_ADD,
    SQL_STEPS_OF,
    SQL_ATTEMPT_ADD,
    SQL_ATTEMPT_STATE,
    SQL_ATTEMPT_TAKEN,
    SQL_ATTEMPTS_OF,
    SQL_HIGH_WATER,
    SQL_TOTAL_GET,
    SQL_TOTAL_PUT,
    SQL_TOTALS,
    SQL_ACCOUNT_GET,
    SQL_ACCOUNT_PUT,
    SQL_ACCOUNTS,
    SQL_NONCE_PUT,
    SQL_NONCE_LIFE,
    SQL_NONCE_ROWS,
    SQL_NONCE_OPS, /* one for each JOURNAL_NONCE_... */
    JOURNAL_STATEMENTS = SQL_NONCE_OPS + JOURNAL_NONCE_OPS
};

struct journal {
    sqlite3 *db; /* NULL: closed after an error, and opened again by the next group */
    sqlite3_stmt *statements[JOURNAL_STATEMENTS];
    char *path;
    int lock_fd, head_fd;
    bool read_only;
    bool in_group;
    bool reload;    /* the head in memory may not be that of the file */
    int32_t failed; /* what last failed; 0 = nothing */
    int32_t doomed; /* the group that is open cannot be committed any more */
    bool damaged;   /* for good: nothing is written to it any more */
    char failure[256];
    uint64_t reserve_bytes;
    uint64_t probed_ns; /* when writing was tried again last */
    uint8_t identity[16];
    struct journal_head head, committed;
    uint8_t *scratch; /* JSON of the record that is being made */
    uint8_t *found;   /* body of what journal_find found */
};

enum { JOURNAL_SCRATCH = JOURNAL_DATA_MAX + (8 << 10), JOURNAL_VERSION = 3 };

/* The statement, reset; NULL when it cannot be had, which is told as a fault, and which the calls
 * below take and fail by. */
sqlite3_stmt *journal_sql(struct journal *journal, unsigned which, struct fault *fault);
/* Binds in order; each letter of `types` is one value: i = uint64_t, t = const char *, b = const
 * void * and size_t. */
void journal_bind(sqlite3_stmt *statement, const char *types, ...);
/* One step; SQLITE_ROW or SQLITE_DONE, anything else is a fault that is told and dooms the group:
 * the negative code. */
int journal_next(struct journal *journal, sqlite3_stmt *statement, const char *doing,
                 struct fault *fault);
/* Runs a statement that gives no row. */
int32_t journal_run(struct journal *journal, sqlite3_stmt *statement, const char *doing,
                    struct fault *fault);
int32_t journal_fail(struct journal *journal, int rc, const char *doing, struct fault *fault);

/* Is there a group that can still be committed? HAWSE_E_STATE and what failed, otherwise. */
int32_t journal_writable(struct journal *journal, struct fault *fault);
/* Text of a column into a fixed field; false: it does not fit. */
bool journal_column(sqlite3_stmt *statement, int column, char *out, size_t cap);

int32_t journal_schema(struct journal *journal, struct fault *fault);
/* The tables of a new file, in an empty database; SQLite's code. */
int journal_schema_make(sqlite3 *db);

/* hash of a record that follows `before`. */
void journal_hash(const uint8_t before[32], const struct journal_record *record, uint8_t out[32]);
/* What the first record follows. */
void journal_genesis(const uint8_t identity[16], uint8_t out[32]);
/* A record of a row of "seq, utc_ns, kind, intent, instance, data, bytes, hash"; false: the row is
 * not of this form. */
bool journal_record_of(sqlite3_stmt *row, struct journal_record *out);
#define JOURNAL_RECORD_COLUMNS "seq, utc_ns, kind, intent, instance, data, bytes, hash"

/* The file beside it that says how long the chain was; see journal_head.c. */
int32_t journal_head_check(struct journal *journal, struct fault *fault);
void journal_head_note(struct journal *journal);

int32_t journal_lock(struct journal *journal, struct fault *fault);

#endif
