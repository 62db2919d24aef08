/*
 * Proving a journal: every record hashes what is before it, none is missing, and the tables are
 * what the records say. One read transaction, so that a host may go on writing.
 */
#include "store/journal_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void found(struct journal_verdict *out,
                                                        const char *fmt, ...)
{
    if (out->faults++ > 0)
        return;
    va_list list;
    va_start(list, fmt);
    (void)vsnprintf(out->first, sizeof(out->first), fmt, list);
    va_end(list);
}

struct query {
    struct journal *journal;
    struct fault *fault;
    sqlite3_stmt *s;
};

static int32_t ask(struct query *query, const char *sql)
{
    int rc = sqlite3_prepare_v2(query->journal->db, sql, -1, &query->s, NULL);
    return rc == SQLITE_OK ? HAWSE_OK : journal_fail(query->journal, rc, "verify", query->fault);
}

/* Damage of the file itself is a verdict too. */
static int next(const struct query *query, struct journal_verdict *out)
{
    int rc = sqlite3_step(query->s);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return rc;
    if ((rc & 0xff) == SQLITE_CORRUPT) {
        found(out, "the file is damaged: %s", sqlite3_errmsg(query->journal->db));
        return SQLITE_DONE;
    }
    return journal_fail(query->journal, rc, "verify", query->fault);
}

static void check_record(struct journal_verdict *out, sqlite3_stmt *row, uint8_t hash[32],
                         const struct journal_head *expected, bool *met)
{
    struct journal_record record;
    uint8_t want[32];
    uint64_t seq = (uint64_t)sqlite3_column_int64(row, 0);
    if (seq != out->head.seq + 1)
        found(out, "record %llu is missing: record %llu follows record %llu",
              (unsigned long long)out->head.seq + 1, (unsigned long long)seq,
              (unsigned long long)out->head.seq);
    if (!journal_record_of(row, &record)) {
        found(out, "record %llu is malformed", (unsigned long long)seq);
        out->head.seq = seq;
        return;
    }
    journal_hash(hash, &record, want);
    if (memcmp(want, record.hash, 32) != 0)
        found(out, "record %llu (%s) was changed, or does not follow the one before it",
              (unsigned long long)seq, record.kind);
    memcpy(hash, record.hash, 32); /* one change is one fault */
    if (expected && seq == expected->seq)
        *met = memcmp(record.hash, expected->hash, 32) == 0;
    out->head.seq = seq;
    out->records++;
}

static int32_t check_chain(struct journal *journal, const struct journal_head *expected,
                           struct journal_verdict *out, struct fault *fault)
{
    struct query query = {journal, fault, NULL};
    bool met = !expected || expected->seq == 0;
    journal_genesis(journal->identity, out->head.hash);
    int32_t code =
        ask(&query, "SELECT " JOURNAL_RECORD_COLUMNS " FROM record NOT INDEXED ORDER BY seq");
    while (code == HAWSE_OK) {
        int rc = next(&query, out);
        if (rc == SQLITE_DONE)
            break;
        if (rc < 0)
            code = rc;
        else
            check_record(out, query.s, out->head.hash, expected, &met);
    }
    (void)sqlite3_finalize(query.s);
    if (code == HAWSE_OK && !met)
        found(out, "the head that was noted, record %llu, is not in the chain",
              (unsigned long long)expected->seq);
    return code;
}

/* Rows that are in one of the two and not in the other. */
static int32_t compare(struct journal *journal, const char *table, struct journal_verdict *out,
                       struct fault *fault)
{
    static const struct {
        const char *table, *sql;
    } checks[] = {
#define COMPARE(name)                                                                       \
    {name,                                                                                  \
     "SELECT (SELECT count(*) FROM (SELECT * FROM " name " EXCEPT SELECT * FROM made_" name \
     ")) + (SELECT count(*) FROM (SELECT * FROM made_" name " EXCEPT SELECT * FROM " name "))"}
        COMPARE("step"),
        COMPARE("intent"),
        COMPARE("attempt"),
        /* working state, but never below what was signed; 16 bytes are a token */
        {"nonce_account", "SELECT count(*) FROM nonce_account n WHERE next <= (SELECT max(nonce) "
                          "FROM attempt a WHERE "
                          "a.chain_id = n.chain_id AND a.sender = n.sender)"},
    };
    struct query query = {journal, fault, NULL};
    size_t i = 0;
    while (strcmp(checks[i].table, table) != 0)
        i++;
    int32_t code = ask(&query, checks[i].sql);
    int rc = code == HAWSE_OK ? next(&query, out) : code;
    int64_t rows = rc == SQLITE_ROW ? sqlite3_column_int64(query.s, 0) : 0;
    (void)sqlite3_finalize(query.s);
    if (rows > 0)
        found(out, "%lld rows of the table \"%s\" are not what the records say", (long long)rows,
              table);
    return rc < 0 ? rc : HAWSE_OK;
}

/* ---- totals: SQL has no numbers of 256 bits ---- */

struct sum {
    char instance[JOURNAL_NAME], what[JOURNAL_WHAT], key[JOURNAL_KEY];
    uint64_t day;
    hawse_u256_t amount;
    bool any;
};

static int32_t close_sum(struct journal *journal, const struct sum *sum,
                         struct journal_verdict *out, struct fault *fault)
{
    char text[HAWSE_U256_DECIMAL_MAX], is[HAWSE_U256_DECIMAL_MAX] = "";
    if (!sum->any)
        return HAWSE_OK;
    sqlite3_stmt *s = journal_sql(journal, SQL_TOTAL_GET, fault);
    (void)hawse_i256_decimal(&sum->amount, text);
    journal_bind(s, "titt", sum->instance, sum->day, sum->what, sum->key);
    struct query query = {journal, fault, s};
    int rc = next(&query, out);
    bool same = rc == SQLITE_ROW && journal_column(s, 0, is, sizeof(is)) && strcmp(is, text) == 0;
    (void)sqlite3_reset(s);
    if (!same)
        found(out, "the total \"%s\" of %s on day %llu is \"%s\", but the records say %s",
              sum->what, sum->instance, (unsigned long long)sum->day, is, text);
    return rc < 0 ? rc : HAWSE_OK;
}

static bool read_sum(sqlite3_stmt *s, struct sum *out)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    out->any = true;
    out->day = (uint64_t)sqlite3_column_int64(s, 1);
    return journal_column(s, 0, out->instance, sizeof(out->instance)) &&
           journal_column(s, 2, out->what, sizeof(out->what)) &&
           journal_column(s, 3, out->key, sizeof(out->key)) &&
           journal_column(s, 4, text, sizeof(text)) &&
           hawse_i256_parse((const uint8_t *)text, strlen(text), &out->amount) == HAWSE_OK;
}

static bool same_total(const struct sum *a, const struct sum *b)
{
    return a->any && a->day == b->day && strcmp(a->instance, b->instance) == 0 &&
           strcmp(a->what, b->what) == 0 && strcmp(a->key, b->key) == 0;
}

static int32_t check_totals(struct journal *journal, struct journal_verdict *out,
                            struct fault *fault)
{
    struct query query = {journal, fault, NULL};
    struct sum sum = {0}, row;
    int64_t totals = 0;
    int32_t code = ask(&query, "SELECT instance, data->>'$.day', data->>'$.what', data->>'$.key', "
                               "data->>'$.amount', (SELECT count(*) FROM total) FROM record WHERE "
                               "kind = 'count' ORDER BY 1, 2, 3, 4");
    int rc = SQLITE_ROW;
    while (code == HAWSE_OK && (rc = next(&query, out)) == SQLITE_ROW) {
        if (!read_sum(query.s, &row)) {
            found(out, "a record of a total is malformed");
            continue;
        }
        if (!same_total(&sum, &row)) {
            code = close_sum(journal, &sum, out, fault);
            sum = row;
            totals++;
        } else {
            (void)hawse_u256_add(&sum.amount, &row.amount, &sum.amount);
        }
        if (totals > sqlite3_column_int64(query.s, 5)) {
            found(out, "a total is missing");
            break;
        }
    }
    (void)sqlite3_finalize(query.s);
    if (code == HAWSE_OK && rc >= 0)
        code = close_sum(journal, &sum, out, fault);
    return code == HAWSE_OK && rc < 0 ? rc : code;
}

/* ---- the schema: a trigger or table that is not ours could lie ---- */

static const char objects[] = "SELECT group_concat(sql, char(10)) FROM (SELECT sql FROM "
                              "sqlite_master WHERE sql NOT NULL ORDER "
                              "BY type, name)";

static int32_t check_schema(struct journal *journal, struct journal_verdict *out,
                            struct fault *fault)
{
    struct query is = {journal, fault, NULL};
    sqlite3 *fresh = NULL;
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_open(":memory:", &fresh);
    if (rc == SQLITE_OK)
        rc = journal_schema_make(fresh);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(fresh, objects, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int32_t code =
        rc == SQLITE_ROW ? ask(&is, objects) : journal_fail(journal, rc, "verify", fault);
    if (code == HAWSE_OK) {
        rc = next(&is, out);
        const char *want = (const char *)sqlite3_column_text(s, 0);
        const char *has = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(is.s, 0) : NULL;
        if (!want || !has || strcmp(want, has) != 0)
            found(out, "its tables, indexes or triggers are not those that hawse makes");
        code = rc < 0 ? rc : HAWSE_OK;
    }
    (void)sqlite3_finalize(is.s);
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(fresh);
    return code;
}

static int32_t check_all(struct journal *journal, const struct journal_head *expected,
                         struct journal_verdict *out, struct fault *fault)
{
    int32_t code = check_chain(journal, expected, out, fault);
    if (code == HAWSE_OK)
        code = check_schema(journal, out, fault);
    static const char *const tables[] = {"step", "intent", "attempt", "nonce_account"};
    for (size_t i = 0; code == HAWSE_OK && i < sizeof(tables) / sizeof(tables[0]); i++)
        code = compare(journal, tables[i], out, fault);
    return code == HAWSE_OK ? check_totals(journal, out, fault) : code;
}

int32_t journal_verify(struct journal *journal, const struct journal_head *expected,
                       struct journal_verdict *out, struct fault *fault)
{
    memset(out, 0, sizeof(*out));
    if (!journal->db)
        return fault_set(fault, HAWSE_E_IO, "%s: closed after an error", journal->path);
    bool own = sqlite3_get_autocommit(journal->db) != 0;
    int rc = own ? sqlite3_exec(journal->db, "BEGIN", NULL, NULL, NULL) : SQLITE_OK;
    if (rc != SQLITE_OK)
        return journal_fail(journal, rc, "verify", fault);
    int32_t code = check_all(journal, expected, out, fault);
    if (own)
        (void)sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}
