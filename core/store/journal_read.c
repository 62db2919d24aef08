/*
 * What is asked of the journal: intents, steps, attempts and totals by the tables, records by a
 * filter. A row that is not of its form is damage, and told as that.
 */
#include "store/journal_private.h"

#include <hawse/hex.h>
#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

static int32_t damaged_row(struct journal *journal, sqlite3_stmt *s, const char *what,
                           struct fault *fault)
{
    (void)sqlite3_reset(s);
    return journal_fail(journal, SQLITE_CORRUPT, what, fault);
}

static hawse_view_t view_of(sqlite3_stmt *s, int column)
{
    return (hawse_view_t){sqlite3_column_blob(s, column),
                          (uint64_t)sqlite3_column_bytes(s, column)};
}

/* "0x" and the digits of `len` bytes. */
static bool hex_column(sqlite3_stmt *s, int column, uint8_t *out, uint64_t len)
{
    const uint8_t *text = sqlite3_column_text(s, column);
    return text &&
           hawse_hex_fixed(text, (uint64_t)sqlite3_column_bytes(s, column), out, len) == HAWSE_OK;
}

static bool u256_column(sqlite3_stmt *s, int column, hawse_u256_t *out)
{
    const uint8_t *text = sqlite3_column_text(s, column);
    return text && hawse_u256_parse(text, (uint64_t)sqlite3_column_bytes(s, column), out) == 0;
}

/* A walk: the statement is bound; `row` reads one and hands it on; 1 = go on. */
struct walk {
    struct journal *journal;
    sqlite3_stmt *s;
    struct fault *fault;
    const char *what;
};

/* The next row: 1; the end: 0; an error: negative. */
static int32_t step_on(const struct walk *walk)
{
    int rc = journal_next(walk->journal, walk->s, walk->what, walk->fault);
    return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : rc;
}

static int32_t end_walk(const struct walk *walk, int32_t code)
{
    (void)sqlite3_reset(walk->s);
    return code;
}

/* ---- intents ---- */

static bool read_intent(sqlite3_stmt *s, struct journal_intent *out)
{
    out->number = (uint64_t)sqlite3_column_int64(s, 0);
    bool good = journal_column(s, 1, out->instance, sizeof(out->instance)) &&
                journal_column(s, 2, out->id, sizeof(out->id)) &&
                journal_column(s, 3, out->chain, sizeof(out->chain)) &&
                journal_column(s, 4, out->account, sizeof(out->account)) &&
                journal_column(s, 5, out->mode, sizeof(out->mode));
    out->utc_ns = (uint64_t)sqlite3_column_int64(s, 6);
    out->step = (uint32_t)sqlite3_column_int(s, 7);
    out->ended = sqlite3_column_int(s, 8) != 0;
    out->body = view_of(s, 9);
    return good && out->body.len > 0 && out->body.len <= JOURNAL_BODY_MAX;
}

int32_t journal_open_intents(struct journal *journal, journal_intent_fn fn, void *ctx,
                             struct fault *fault)
{
    struct journal_intent intent;
    struct walk walk = {journal, journal_sql(journal, SQL_INTENT_OPEN, fault), fault,
                        "read open intents of"};
    int32_t code;
    while ((code = step_on(&walk)) == 1) {
        if (!read_intent(walk.s, &intent))
            return damaged_row(journal, walk.s, "read an intent of", fault);
        if ((code = fn(ctx, &intent)) != 0)
            break;
    }
    return end_walk(&walk, code);
}

/* The body is copied: nothing stays open that would hold the file's past. */
static int32_t one_intent(struct journal *journal, sqlite3_stmt *s, struct journal_intent *out,
                          struct fault *fault)
{
    int rc = journal_next(journal, s, "read", fault);
    if (rc < 0)
        return rc;
    if (rc == SQLITE_ROW && !read_intent(s, out))
        return damaged_row(journal, s, "read an intent of", fault);
    if (rc == SQLITE_ROW) {
        memcpy(journal->found, out->body.data, out->body.len);
        out->body.data = journal->found;
    }
    (void)sqlite3_reset(s);
    return rc == SQLITE_ROW ? HAWSE_OK : HAWSE_E_NOTFOUND;
}

int32_t journal_find(struct journal *journal, const char *instance, const char *id,
                     struct journal_intent *out, struct fault *fault)
{
    sqlite3_stmt *s = journal_sql(journal, SQL_INTENT_FIND, fault);
    journal_bind(s, "tt", instance, id);
    return one_intent(journal, s, out, fault);
}

/* ---- steps ---- */

static bool read_step(sqlite3_stmt *s, struct journal_step *out)
{
    memset(out, 0, sizeof(*out));
    int digits = sqlite3_column_bytes(s, 3);
    out->intent = (uint64_t)sqlite3_column_int64(s, 0);
    out->step = (uint32_t)sqlite3_column_int(s, 1);
    out->attempts = (uint32_t)sqlite3_column_int(s, 2);
    out->block = (uint64_t)sqlite3_column_int64(s, 4);
    out->error = sqlite3_column_int(s, 5);
    out->utc_ns = (uint64_t)sqlite3_column_int64(s, 6);
    out->data = view_of(s, 7);
    return digits == 0 || hex_column(s, 3, out->reference, digits == 2 + 64 ? 32 : 64);
}

int32_t journal_steps_of(struct journal *journal, uint64_t intent, journal_step_fn fn, void *ctx,
                         struct fault *fault)
{
    struct journal_step step;
    struct walk walk = {journal, journal_sql(journal, SQL_STEPS_OF, fault), fault, "read steps of"};
    journal_bind(walk.s, "i", intent);
    int32_t code;
    while ((code = step_on(&walk)) == 1) {
        if (!read_step(walk.s, &step))
            return damaged_row(journal, walk.s, "read a step of", fault);
        if ((code = fn(ctx, &step)) != 0)
            break;
    }
    return end_walk(&walk, code);
}

/* ---- attempts ---- */

static bool read_attempt(sqlite3_stmt *s, struct journal_attempt *out)
{
    memset(out, 0, sizeof(*out));
    out->intent = (uint64_t)sqlite3_column_int64(s, 0);
    out->leg = (uint32_t)sqlite3_column_int(s, 1);
    out->attempt = (uint32_t)sqlite3_column_int(s, 2);
    out->state = (uint32_t)sqlite3_column_int(s, 3);
    out->chain_id = (uint64_t)sqlite3_column_int64(s, 4);
    out->nonce = (uint64_t)sqlite3_column_int64(s, 6);
    out->utc_ns = (uint64_t)sqlite3_column_int64(s, 11);
    out->raw = view_of(s, 12);
    return hex_column(s, 5, out->sender, 20) && hex_column(s, 7, out->hash, 32) &&
           journal_column(s, 8, out->simulation, sizeof(out->simulation)) &&
           u256_column(s, 9, &out->max_fee) && u256_column(s, 10, &out->tip) && out->raw.len > 0;
}

static int32_t walk_attempts(const struct walk *walk, journal_attempt_fn fn, void *ctx)
{
    struct journal_attempt attempt;
    int32_t code;
    while ((code = step_on(walk)) == 1) {
        if (!read_attempt(walk->s, &attempt))
            return damaged_row(walk->journal, walk->s, "read an attempt of", walk->fault);
        if ((code = fn(ctx, &attempt)) != 0)
            break;
    }
    return end_walk(walk, code);
}

int32_t journal_attempts_of(struct journal *journal, uint64_t intent, journal_attempt_fn fn,
                            void *ctx, struct fault *fault)
{
    struct walk walk = {journal, journal_sql(journal, SQL_ATTEMPTS_OF, fault), fault,
                        "read attempts of"};
    journal_bind(walk.s, "i", intent);
    return walk_attempts(&walk, fn, ctx);
}

static void show_sender(const uint8_t sender[20], char out[43])
{
    memcpy(out, "0x", 2);
    hawse_hex_encode(sender, 20, out + 2);
    out[42] = 0;
}

int32_t journal_high_water(struct journal *journal, uint64_t chain_id, const uint8_t sender[20],
                           uint64_t *next, struct fault *fault)
{
    char text[43];
    sqlite3_stmt *s = journal_sql(journal, SQL_HIGH_WATER, fault);
    show_sender(sender, text);
    journal_bind(s, "it", chain_id, text);
    int rc = journal_next(journal, s, "read", fault);
    *next = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s);
    return rc < 0 ? rc : HAWSE_OK;
}

/* ---- totals ---- */

int32_t journal_totals(struct journal *journal, const char *instance, uint64_t day,
                       journal_total_fn fn, void *ctx, struct fault *fault)
{
    char amount[HAWSE_U256_DECIMAL_MAX];
    struct journal_total total;
    struct walk walk = {journal, journal_sql(journal, SQL_TOTALS, fault), fault, "read totals of"};
    journal_bind(walk.s, "it", day, instance);
    int32_t code;
    while ((code = step_on(&walk)) == 1) {
        bool good = journal_column(walk.s, 0, total.instance, sizeof(total.instance)) &&
                    journal_column(walk.s, 2, total.what, sizeof(total.what)) &&
                    journal_column(walk.s, 3, total.key, sizeof(total.key)) &&
                    journal_column(walk.s, 4, amount, sizeof(amount)) &&
                    hawse_i256_parse((const uint8_t *)amount, strlen(amount), &total.amount) == 0;
        if (!good)
            return damaged_row(journal, walk.s, "read a total of", fault);
        total.day = (uint64_t)sqlite3_column_int64(walk.s, 1);
        if ((code = fn(ctx, &total)) != 0)
            break;
    }
    return end_walk(&walk, code);
}

/* ---- records ---- */

bool journal_record_of(sqlite3_stmt *row, struct journal_record *out)
{
    memset(out, 0, sizeof(*out));
    out->seq = (uint64_t)sqlite3_column_int64(row, 0);
    out->utc_ns = (uint64_t)sqlite3_column_int64(row, 1);
    out->kind = (const char *)sqlite3_column_text(row, 2);
    out->intent = (uint64_t)sqlite3_column_int64(row, 3);
    out->instance = (const char *)sqlite3_column_text(row, 4);
    out->data.data = sqlite3_column_text(row, 5);
    out->data.len = (uint64_t)sqlite3_column_bytes(row, 5);
    out->bytes = view_of(row, 6);
    const void *hash = sqlite3_column_blob(row, 7);
    bool good = out->kind && out->instance && out->data.data && hash &&
                sqlite3_column_bytes(row, 7) == 32 &&
                strlen(out->kind) == (size_t)sqlite3_column_bytes(row, 2) &&
                strlen(out->instance) == (size_t)sqlite3_column_bytes(row, 4);
    if (good)
        memcpy(out->hash, hash, 32);
    return good;
}

/* Which of them it is depends on the filter: an index is of use for one intent only. */
static const char by_intent[] =
    "SELECT " JOURNAL_RECORD_COLUMNS
    " FROM record WHERE intent = ?1 AND intent > 0 AND seq > ?2 AND "
    "utc_ns >= ?3 AND utc_ns < ?4 AND (?5 IS NULL OR instance = ?5) AND (?6 = 0 OR (kind = 'step' "
    "AND data->>'$.step' = ?6) OR (kind = 'intent' AND ?6 = 1)) ORDER BY seq";
static const char by_scan[] =
    "SELECT " JOURNAL_RECORD_COLUMNS " FROM record WHERE (?1 = 0 OR intent = ?1) AND seq > ?2 AND "
    "utc_ns >= ?3 AND utc_ns < ?4 AND (?5 IS NULL OR instance = ?5) AND (?6 = 0 OR (kind = 'step' "
    "AND data->>'$.step' = ?6) OR (kind = 'intent' AND ?6 = 1)) AND (?7 IS NULL OR intent IN "
    "(SELECT number FROM intent WHERE id = ?7)) ORDER BY seq";

int32_t journal_query(struct journal *journal, const struct journal_filter *filter,
                      journal_record_fn fn, void *ctx, struct fault *fault)
{
    struct journal_record record;
    sqlite3_stmt *s = NULL;
    if (!journal->db)
        return fault_set(fault, HAWSE_E_IO, "%s: closed after an error", journal->path);
    bool indexed = filter->intent > 0 && !filter->id;
    int rc = sqlite3_prepare_v2(journal->db, indexed ? by_intent : by_scan, -1, &s, NULL);
    if (rc != SQLITE_OK)
        return journal_fail(journal, rc, "read", fault);
    uint64_t to = filter->to_ns ? filter->to_ns : INT64_MAX;
    journal_bind(s, indexed ? "iiiiti" : "iiiitit", filter->intent, filter->after, filter->from_ns,
                 to, filter->instance, (uint64_t)filter->step, filter->id);
    struct walk walk = {journal, s, fault, "read"};
    int32_t code;
    while ((code = step_on(&walk)) == 1) {
        if (!journal_record_of(s, &record)) {
            code = journal_fail(journal, SQLITE_CORRUPT, "read a record of", fault);
            break;
        }
        if ((code = fn(ctx, &record)) != 0)
            break;
    }
    (void)sqlite3_finalize(s);
    return code;
}

/* ---- notes ---- */

int32_t journal_notes(struct journal *journal, const char *what, journal_note_fn fn, void *ctx,
                      struct fault *fault)
{
    static const char notes[] =
        "SELECT instance, json_extract(data, '$.data') FROM record WHERE kind = 'note'"
        " AND json_extract(data, '$.what') = ? ORDER BY seq";
    sqlite3_stmt *s = NULL;
    if (!journal->db)
        return fault_set(fault, HAWSE_E_IO, "%s: closed after an error", journal->path);
    int rc = sqlite3_prepare_v2(journal->db, notes, -1, &s, NULL);
    if (rc != SQLITE_OK)
        return journal_fail(journal, rc, "read", fault);
    journal_bind(s, "t", what);
    struct walk walk = {journal, s, fault, "read notes of"};
    int32_t code;
    while ((code = step_on(&walk)) == 1) {
        const char *instance = (const char *)sqlite3_column_text(s, 0);
        if (!instance || (code = fn(ctx, instance, view_of(s, 1))) != 0)
            break;
    }
    (void)sqlite3_finalize(s);
    return code;
}
