/*
 * The tables, and how older files are brought up to date. The records are the truth; intent, step,
 * attempt and total are made of them, by the views "made_...", in the same transaction, so that
 * they can be made again and compared (journal_verify.c). The tables of nonces are working state.
 *
 * A released version never changes: what is new is a further migration at the end of the list.
 */
#include "store/journal_private.h"

#include <hawse/types.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID "1751217002" /* "hawj" */

static const char version_1[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    /* one row for everything that happened, in order */
    "CREATE TABLE record (seq INTEGER PRIMARY KEY, utc_ns INTEGER NOT NULL, kind TEXT NOT NULL,"
    " intent INTEGER NOT NULL, instance TEXT NOT NULL, data TEXT NOT NULL, bytes BLOB,"
    " hash BLOB NOT NULL);"
    "CREATE INDEX record_intent ON record (intent) WHERE intent > 0;"
    "CREATE TRIGGER record_stays BEFORE UPDATE ON record BEGIN"
    " SELECT RAISE(ABORT, 'the journal only grows'); END;"
    "CREATE TRIGGER record_is_kept BEFORE DELETE ON record BEGIN"
    " SELECT RAISE(ABORT, 'the journal only grows'); END;"
    "CREATE TABLE intent (number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, instance TEXT NOT NULL,"
    " id TEXT NOT NULL, chain TEXT NOT NULL, account TEXT NOT NULL, mode TEXT NOT NULL,"
    " utc_ns INTEGER NOT NULL, step INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " UNIQUE (instance, id));"
    "CREATE INDEX intent_open ON intent (number) WHERE ended = 0;"
    "CREATE TABLE step (seq INTEGER PRIMARY KEY, intent INTEGER NOT NULL, utc_ns INTEGER NOT NULL,"
    " step INTEGER NOT NULL, attempts INTEGER NOT NULL, reference TEXT NOT NULL,"
    " block INTEGER NOT NULL, error INTEGER NOT NULL, data TEXT NOT NULL);"
    "CREATE INDEX step_intent ON step (intent);"
    "CREATE TABLE attempt (intent INTEGER NOT NULL, leg INTEGER NOT NULL, attempt INTEGER NOT NULL,"
    " seq INTEGER NOT NULL, state INTEGER NOT NULL, chain_id INTEGER NOT NULL,"
    " sender TEXT NOT NULL, nonce INTEGER NOT NULL, hash TEXT NOT NULL, simulation TEXT NOT NULL,"
    " max_fee TEXT NOT NULL, tip TEXT NOT NULL, utc_ns INTEGER NOT NULL,"
    " PRIMARY KEY (intent, leg, attempt), UNIQUE (hash)) WITHOUT ROWID;"
    "CREATE INDEX attempt_nonce ON attempt (chain_id, sender, nonce);"
    "CREATE TABLE total (instance TEXT NOT NULL, day INTEGER NOT NULL, what TEXT NOT NULL,"
    " key TEXT NOT NULL, amount TEXT NOT NULL, PRIMARY KEY (instance, day, what, key))"
    " WITHOUT ROWID;"
    "CREATE TABLE nonce_account (chain_id INTEGER NOT NULL, sender TEXT NOT NULL,"
    " next INTEGER NOT NULL, floor INTEGER NOT NULL, PRIMARY KEY (chain_id, sender)) WITHOUT ROWID;"
    "CREATE TABLE nonce (chain_id INTEGER NOT NULL, sender TEXT NOT NULL, number INTEGER NOT NULL,"
    " state INTEGER NOT NULL, token BLOB NOT NULL, hash BLOB NOT NULL, since_ns INTEGER NOT NULL,"
    " PRIMARY KEY (chain_id, sender, number)) WITHOUT ROWID;";

/* Some 256 mined numbers are kept of each account, and a few are open: steps look at these alone.
 */
static const char version_2[] =
    "CREATE INDEX nonce_open ON nonce (chain_id, sender, state, number, since_ns) WHERE state < 4;";

/* Notes are few among the records, and what instances keep is read from them at each start. */
static const char version_3[] = "CREATE INDEX record_note ON record (seq) WHERE kind = 'note';";

/* What the records say the tables are. Of the connection and not of the file, where they could be
 * changed with it; 3, 9, 11 and 12 are the terminal steps. */
static const char made[] =
    "CREATE TEMP VIEW made_step AS SELECT seq, intent, utc_ns, json_extract(data, '$.step') AS "
    "step,"
    " json_extract(data, '$.attempts') AS attempts, json_extract(data, '$.reference') AS "
    "reference, json_extract(data, '$.block') AS "
    "block,"
    " json_extract(data, '$.error') AS error, json_extract(data, '$.data') AS data FROM record "
    "WHERE kind = 'step'"
    " UNION ALL SELECT seq, intent, utc_ns, 1, 0, '', 0, 0, '{}' FROM record WHERE kind = 'intent';"
    "CREATE TEMP VIEW made_intent AS SELECT intent AS number, seq, instance, json_extract(data, "
    "'$.id') "
    "AS id,"
    " json_extract(data, '$.chain') AS chain, json_extract(data, '$.account') AS account, "
    "json_extract(data, '$.mode') AS mode, utc_ns,"
    " ifnull((SELECT step FROM step s WHERE s.intent = r.intent"
    "  ORDER BY step IN (3, 9, 11, 12) DESC, s.seq DESC LIMIT 1), 1) AS step,"
    " EXISTS (SELECT 1 FROM step s WHERE s.intent = r.intent AND s.step IN (3, 9, 11, 12)) AS ended"
    " FROM record r WHERE kind = 'intent';"
    "CREATE TEMP VIEW made_attempt AS SELECT intent, json_extract(data, '$.leg') AS leg,"
    " json_extract(data, '$.attempt') AS attempt, seq,"
    " ifnull((SELECT json_extract(s.data, '$.state') FROM record s WHERE s.kind = 'state' AND "
    "s.intent > 0 AND s.intent = r.intent" /* the first for the index, which has no others */
    "  AND json_extract(s.data, '$.leg') = json_extract(r.data, '$.leg') AND json_extract(s.data, "
    "'$.attempt') = json_extract(r.data, '$.attempt')"
    "  ORDER BY s.seq DESC LIMIT 1), 1) AS state,"
    " json_extract(data, '$.chain_id') AS chain_id, json_extract(data, '$.sender') AS sender, "
    "json_extract(data, '$.nonce') AS nonce,"
    " json_extract(data, '$.hash') AS hash, json_extract(data, '$.simulation') AS simulation, "
    "json_extract(data, '$.max_fee') AS max_fee,"
    " json_extract(data, '$.tip') AS tip, utc_ns FROM record r WHERE kind = 'attempt';";

static const char *const migrations[JOURNAL_VERSION] = {version_1, version_2, version_3};

static int32_t pragma_number(struct journal *journal, const char *sql, int64_t *out,
                             struct fault *fault)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_finalize(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return journal_fail(journal, rc, "read", fault);
    return HAWSE_OK;
}

static int32_t new_identity(struct journal *journal, struct fault *fault)
{
    sqlite3_stmt *statement = NULL;
    uint8_t identity[16];
    randombytes_buf(identity, sizeof(identity));
    int rc = sqlite3_prepare_v2(
        journal->db, "INSERT INTO meta (name, value) VALUES ('identity', ?)", -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        journal_bind(statement, "b", (const void *)identity, sizeof(identity));
        rc = sqlite3_step(statement);
    }
    (void)sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? HAWSE_OK : journal_fail(journal, rc, "set up", fault);
}

static int32_t read_identity(struct journal *journal, struct fault *fault)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(journal->db, "SELECT value FROM meta WHERE name = 'identity'", -1,
                                &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    bool good = rc == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == 16;
    if (good)
        memcpy(journal->identity, sqlite3_column_blob(statement, 0), 16);
    (void)sqlite3_finalize(statement);
    if (good)
        return HAWSE_OK;
    return journal_fail(journal, rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_CORRUPT : rc,
                        "read the identity of", fault);
}

static int32_t migrate(struct journal *journal, int64_t from, struct fault *fault)
{
    char mark[96];
    (void)snprintf(mark, sizeof(mark), "PRAGMA application_id = %s; PRAGMA user_version = %d",
                   APPLICATION_ID, JOURNAL_VERSION);
    int rc = sqlite3_exec(journal->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int64_t v = from; rc == SQLITE_OK && v < JOURNAL_VERSION; v++)
        rc = sqlite3_exec(journal->db, migrations[v], NULL, NULL, NULL);
    if (rc == SQLITE_OK && from == 0 && new_identity(journal, fault) != HAWSE_OK)
        rc = SQLITE_ERROR;
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(journal->db, mark, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(journal->db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return HAWSE_OK;
    int32_t code = journal_fail(journal, rc, "bring the schema up to date of", fault);
    (void)sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

/* Called on every connection: what is there must be a journal of a version that we know. */
int32_t journal_schema(struct journal *journal, struct fault *fault)
{
    int64_t application = 0, version = 0, tables = 0;
    int32_t code = pragma_number(journal, "PRAGMA application_id", &application, fault);
    if (code == HAWSE_OK)
        code = pragma_number(journal, "PRAGMA user_version", &version, fault);
    if (code == HAWSE_OK)
        code = pragma_number(journal, "SELECT count(*) FROM sqlite_master", &tables, fault);
    if (code != HAWSE_OK)
        return code;
    if (tables > 0 && application != (int64_t)atoll(APPLICATION_ID))
        return fault_set(fault, HAWSE_E_FORMAT, "%s: is a database, but no journal of hawse",
                         journal->path);
    if (version > JOURNAL_VERSION) {
        (void)fault_set(fault, HAWSE_E_UNSUPPORTED,
                        "%s: is of schema version %lld, this hawse knows up to %d", journal->path,
                        (long long)version, JOURNAL_VERSION);
        fault_hint(fault, "use the hawse that wrote it, or a newer one");
        return HAWSE_E_UNSUPPORTED;
    }
    if (version < JOURNAL_VERSION) {
        if (journal->read_only)
            return fault_set(fault, HAWSE_E_UNSUPPORTED,
                             "%s: is of schema version %lld, and is read only here", journal->path,
                             (long long)version);
        code = migrate(journal, version, fault);
    }
    if (code == HAWSE_OK)
        code = read_identity(journal, fault);
    int rc = code == HAWSE_OK ? sqlite3_exec(journal->db, made, NULL, NULL, NULL) : SQLITE_OK;
    return rc == SQLITE_OK ? code : journal_fail(journal, rc, "set up", fault);
}

int journal_schema_make(sqlite3 *db)
{
    int rc = SQLITE_OK;
    for (int v = 0; rc == SQLITE_OK && v < JOURNAL_VERSION; v++)
        rc = sqlite3_exec(db, migrations[v], NULL, NULL, NULL);
    return rc;
}
