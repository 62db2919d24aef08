/*
 * What is added to the journal: a record for everything, chained to the one before, and from it, in
 * the same group, the rows of the tables that are asked later.
 */
#include "store/journal_private.h"

#include <hawse/hex.h>
#include <hawse/space/intent.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t utc_now(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* ---- JSON of a record ---- */

static void put_text(hawse_writer_t *w, const char *name, const char *text)
{
    char escaped[8];
    hawse_writer_text(w, w->len == 0 ? "{\"" : ",\"");
    hawse_writer_text(w, name);
    hawse_writer_text(w, "\":\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != '"' && c != '\\') {
            hawse_writer_put(w, text, 1);
        } else {
            (void)snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            hawse_writer_text(w, escaped);
        }
    }
    hawse_writer_text(w, "\"");
}

static void put_number(hawse_writer_t *w, const char *name, int64_t n)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%s\"%s\":%lld", w->len == 0 ? "{" : ",", name,
                   (long long)n);
    hawse_writer_text(w, text);
}

static void put_hex(hawse_writer_t *w, const char *name, const uint8_t *data, uint64_t len)
{
    char text[2 + 2 * 64 + 1] = "";
    if (len > 0) {
        memcpy(text, "0x", 2);
        hawse_hex_encode(data, len, text + 2);
    }
    put_text(w, name, text);
}

/* Checked to be an object before. */
static void put_object(hawse_writer_t *w, const char *name, hawse_view_t json)
{
    hawse_writer_text(w, w->len == 0 ? "{\"" : ",\"");
    hawse_writer_text(w, name);
    hawse_writer_text(w, "\":");
    if (json.len > 0)
        hawse_writer_put(w, json.data, json.len);
    else
        hawse_writer_text(w, "{}");
}

static int32_t check_object(struct journal *journal, const char *what, hawse_view_t json,
                            uint64_t max, struct fault *fault)
{
    bool good = json.len <= max && (json.len == 0 || !memchr(json.data, 0, json.len));
    if (good && json.len > 0) {
        sqlite3_stmt *s = journal_sql(journal, SQL_IS_OBJECT, fault);
        if (!s)
            return journal->failed;
        (void)sqlite3_bind_text64(s, 1, (const char *)json.data, json.len, SQLITE_STATIC,
                                  SQLITE_UTF8);
        int rc = journal_next(journal, s, "check JSON for", fault);
        good = rc == SQLITE_ROW && sqlite3_column_int(s, 0) == 1;
        (void)sqlite3_reset(s);
        if (rc < 0)
            return rc;
    }
    if (good)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_INVAL,
                     "%s for the journal (%llu bytes) is no JSON object of at most %llu bytes",
                     what, (unsigned long long)json.len, (unsigned long long)max);
}

/* ---- records ---- */

static int32_t append(struct journal *journal, struct journal_record *record,
                      const hawse_writer_t *json, struct fault *fault)
{
    if (hawse_writer_end(json) != HAWSE_OK)
        return fault_set(fault, HAWSE_E_INVAL, "a record of the journal has %llu bytes, at most %d",
                         (unsigned long long)json->len, JOURNAL_SCRATCH);
    record->seq = journal->head.seq + 1;
    record->utc_ns = record->utc_ns ? record->utc_ns : utc_now();
    record->data = (hawse_view_t){json->data, json->len};
    journal_hash(journal->head.hash, record, record->hash);
    sqlite3_stmt *s = journal_sql(journal, SQL_RECORD_ADD, fault);
    journal_bind(s, "iitit", record->seq, record->utc_ns, record->kind, record->intent,
                 record->instance);
    (void)sqlite3_bind_text64(s, 6, (const char *)json->data, json->len, SQLITE_STATIC,
                              SQLITE_UTF8);
    if (record->bytes.len > 0)
        (void)sqlite3_bind_blob64(s, 7, record->bytes.data, record->bytes.len, SQLITE_STATIC);
    else
        (void)sqlite3_bind_null(s, 7);
    (void)sqlite3_bind_blob64(s, 8, record->hash, 32, SQLITE_STATIC);
    int32_t code = journal_run(journal, s, "add to", fault);
    if (code == HAWSE_OK) {
        journal->head.seq = record->seq;
        memcpy(journal->head.hash, record->hash, 32);
    }
    return code;
}

/* The rows that are made of a record. */
static int32_t derive(struct journal *journal, enum journal_sql which, uint64_t seq,
                      struct fault *fault)
{
    sqlite3_stmt *s = journal_sql(journal, which, fault);
    journal_bind(s, "i", seq);
    return journal_run(journal, s, "add to", fault);
}

static hawse_writer_t scratch(struct journal *journal)
{
    return hawse_writer(journal->scratch, JOURNAL_SCRATCH);
}

/* Whose intent it is. HAWSE_E_NOTFOUND. */
static int32_t owner(struct journal *journal, uint64_t intent, char instance[JOURNAL_NAME],
                     bool *ended, struct fault *fault)
{
    sqlite3_stmt *s = journal_sql(journal, SQL_INTENT_OWNER, fault);
    journal_bind(s, "i", intent);
    int rc = journal_next(journal, s, "read", fault);
    bool found = rc == SQLITE_ROW && journal_column(s, 0, instance, JOURNAL_NAME);
    *ended = found && sqlite3_column_int(s, 1) != 0;
    (void)sqlite3_reset(s);
    if (rc < 0)
        return rc;
    return found ? HAWSE_OK
                 : fault_set(fault, HAWSE_E_NOTFOUND, "%s: there is no intent %llu", journal->path,
                             (unsigned long long)intent);
}

/* One number of a statement that is bound. */
static int32_t number_of(struct journal *journal, sqlite3_stmt *s, uint64_t *out,
                         struct fault *fault)
{
    int rc = journal_next(journal, s, "read", fault);
    *out = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_reset(s);
    return rc < 0 ? rc : HAWSE_OK;
}

/* ---- intents and steps ---- */

static int32_t check_intent(struct journal *journal, const struct journal_intent *intent,
                            struct fault *fault)
{
    if (!intent->instance[0] || !intent->id[0])
        return fault_set(fault, HAWSE_E_INVAL, "an intent for the journal has no %s",
                         intent->instance[0] ? "id" : "instance");
    if (intent->body.len == 0)
        return fault_set(fault, HAWSE_E_INVAL, "an intent for the journal has no body");
    return check_object(journal, "the body of an intent", intent->body, JOURNAL_BODY_MAX, fault);
}

/* Its number: the one of this id when there is one, else the next. */
static int32_t take_number(struct journal *journal, struct journal_intent *intent,
                           struct fault *fault)
{
    uint64_t number = 0;
    sqlite3_stmt *s = journal_sql(journal, SQL_INTENT_NUMBER, fault);
    journal_bind(s, "tt", intent->instance, intent->id);
    int32_t code = number_of(journal, s, &number, fault);
    if (code != HAWSE_OK)
        return code;
    if (number > 0) {
        intent->number = number;
        return fault_set(fault, HAWSE_E_EXISTS, "%s used the id \"%s\" before, for intent %llu",
                         intent->instance, intent->id, (unsigned long long)number);
    }
    s = journal_sql(journal, SQL_INTENT_NEXT, fault);
    return number_of(journal, s, &intent->number, fault);
}

int32_t journal_intent_add(struct journal *journal, struct journal_intent *in_out,
                           struct fault *fault)
{
    int32_t code = journal_writable(journal, fault);
    if (code == HAWSE_OK)
        code = check_intent(journal, in_out, fault);
    if (code == HAWSE_OK)
        code = take_number(journal, in_out, fault);
    if (code != HAWSE_OK)
        return code;
    hawse_writer_t w = scratch(journal);
    put_text(&w, "id", in_out->id);
    put_text(&w, "chain", in_out->chain);
    put_text(&w, "account", in_out->account);
    put_text(&w, "mode", in_out->mode);
    hawse_writer_text(&w, "}");
    struct journal_record record = {.utc_ns = in_out->utc_ns,
                                    .kind = "intent",
                                    .intent = in_out->number,
                                    .instance = in_out->instance,
                                    .bytes = in_out->body};
    code = append(journal, &record, &w, fault);
    if (code == HAWSE_OK)
        code = derive(journal, SQL_STEP_ADD, record.seq, fault);
    if (code == HAWSE_OK)
        code = derive(journal, SQL_INTENT_ADD, record.seq, fault);
    in_out->utc_ns = record.utc_ns;
    in_out->step = HAWSE_INTENT_PROPOSED;
    in_out->ended = false;
    return code;
}

/* A hash has 32 bytes, a signature 64; nothing is "". */
static uint64_t reference_len(const uint8_t reference[64])
{
    uint64_t used = 64;
    while (used > 0 && reference[used - 1] == 0)
        used--;
    return used == 0 ? 0 : used <= 32 ? 32 : 64;
}

static int32_t step_record(struct journal *journal, const struct journal_step *step,
                           const char *instance, uint64_t *seq, struct fault *fault)
{
    hawse_writer_t w = scratch(journal);
    put_number(&w, "step", step->step);
    put_number(&w, "attempts", step->attempts);
    put_hex(&w, "reference", step->reference, reference_len(step->reference));
    put_number(&w, "block", (int64_t)step->block);
    put_number(&w, "error", step->error);
    put_object(&w, "data", step->data);
    hawse_writer_text(&w, "}");
    struct journal_record record = {
        .utc_ns = step->utc_ns, .kind = "step", .intent = step->intent, .instance = instance};
    int32_t code = append(journal, &record, &w, fault);
    *seq = record.seq;
    return code;
}

int32_t journal_step(struct journal *journal, const struct journal_step *step, struct fault *fault)
{
    char instance[JOURNAL_NAME];
    bool ended = false;
    uint64_t seq = 0;
    int32_t code = journal_writable(journal, fault);
    if (code == HAWSE_OK && (!journal_step_name(step->step) || step->block > INT64_MAX))
        code = fault_set(fault, HAWSE_E_INVAL, "there is no step %u, or no block %llu", step->step,
                         (unsigned long long)step->block);
    if (code == HAWSE_OK)
        code = check_object(journal, "the data of a step", step->data, JOURNAL_DATA_MAX, fault);
    if (code == HAWSE_OK)
        code = owner(journal, step->intent, instance, &ended, fault);
    if (code == HAWSE_OK && ended && journal_terminal(step->step))
        code = fault_set(fault, HAWSE_E_EXISTS, "intent %llu has ended before",
                         (unsigned long long)step->intent);
    if (code == HAWSE_OK)
        code = step_record(journal, step, instance, &seq, fault);
    if (code == HAWSE_OK)
        code = derive(journal, SQL_STEP_ADD, seq, fault);
    if (code != HAWSE_OK)
        return code;
    sqlite3_stmt *s = journal_sql(journal, SQL_INTENT_STEP, fault);
    journal_bind(s, "iii", step->intent, (uint64_t)step->step,
                 (uint64_t)journal_terminal(step->step));
    return journal_run(journal, s, "add to", fault);
}

bool journal_terminal(uint32_t step)
{
    return step == HAWSE_INTENT_REFUSED || step == HAWSE_INTENT_CONFIRMED ||
           step == HAWSE_INTENT_EXPIRED || step == HAWSE_INTENT_FAILED;
}

const char *journal_step_name(uint32_t step)
{
    static const char *const names[] = {
        [HAWSE_INTENT_PROPOSED] = "PROPOSED",   [HAWSE_INTENT_GATED] = "GATED",
        [HAWSE_INTENT_REFUSED] = "REFUSED",     [HAWSE_INTENT_SIMULATED] = "SIMULATED",
        [HAWSE_INTENT_SIGNED] = "SIGNED",       [HAWSE_INTENT_SENT] = "SENT",
        [HAWSE_INTENT_SEEN] = "SEEN",           [HAWSE_INTENT_INCLUDED] = "INCLUDED",
        [HAWSE_INTENT_CONFIRMED] = "CONFIRMED", [HAWSE_INTENT_REPLACED] = "REPLACED",
        [HAWSE_INTENT_EXPIRED] = "EXPIRED",     [HAWSE_INTENT_FAILED] = "FAILED",
        [HAWSE_INTENT_UNKNOWN] = "UNKNOWN",     [HAWSE_INTENT_RECONCILED] = "RECONCILED",
        [HAWSE_INTENT_REORGED] = "REORGED",     [HAWSE_INTENT_WAITING] = "WAITING"};
    return step < sizeof(names) / sizeof(names[0]) ? names[step] : NULL;
}

/* ---- attempts ---- */

static int32_t check_attempt(struct journal *journal, const struct journal_attempt *attempt,
                             struct fault *fault)
{
    uint64_t taken = 0;
    char hash[67] = "0x";
    if (attempt->chain_id > INT64_MAX || attempt->nonce > INT64_MAX)
        return fault_set(fault, HAWSE_E_RANGE, "chain id %llu or nonce %llu is above 2^63 - 1",
                         (unsigned long long)attempt->chain_id, (unsigned long long)attempt->nonce);
    if (attempt->raw.len == 0 || attempt->raw.len > JOURNAL_BODY_MAX)
        return fault_set(fault, HAWSE_E_INVAL, "a signed transaction of %llu bytes, at most %d",
                         (unsigned long long)attempt->raw.len, JOURNAL_BODY_MAX);
    hawse_hex_encode(attempt->hash, 32, hash + 2);
    hash[66] = 0;
    sqlite3_stmt *s = journal_sql(journal, SQL_ATTEMPT_TAKEN, fault);
    journal_bind(s, "iiit", attempt->intent, (uint64_t)attempt->leg, (uint64_t)attempt->attempt,
                 hash);
    int32_t code = number_of(journal, s, &taken, fault);
    if (code != HAWSE_OK || taken == 0)
        return code;
    return fault_set(fault, HAWSE_E_EXISTS,
                     "attempt %u of leg %u of intent %llu, or the transaction %s, was journalled "
                     "before",
                     attempt->attempt, attempt->leg, (unsigned long long)attempt->intent, hash);
}

static void put_attempt(hawse_writer_t *w, const struct journal_attempt *attempt)
{
    char max_fee[HAWSE_U256_DECIMAL_MAX], tip[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(&attempt->max_fee, max_fee);
    (void)hawse_u256_decimal(&attempt->tip, tip);
    put_number(w, "leg", attempt->leg);
    put_number(w, "attempt", attempt->attempt);
    put_number(w, "chain_id", (int64_t)attempt->chain_id);
    put_hex(w, "sender", attempt->sender, 20);
    put_number(w, "nonce", (int64_t)attempt->nonce);
    put_hex(w, "hash", attempt->hash, 32);
    put_text(w, "simulation", attempt->simulation);
    put_text(w, "max_fee", max_fee);
    put_text(w, "tip", tip);
    hawse_writer_text(w, "}");
}

int32_t journal_attempt_add(struct journal *journal, const struct journal_attempt *attempt,
                            struct fault *fault)
{
    char instance[JOURNAL_NAME];
    bool ended = false;
    int32_t code = journal_writable(journal, fault);
    if (code == HAWSE_OK)
        code = owner(journal, attempt->intent, instance, &ended, fault);
    if (code == HAWSE_OK)
        code = check_attempt(journal, attempt, fault);
    if (code != HAWSE_OK)
        return code;
    hawse_writer_t w = scratch(journal);
    put_attempt(&w, attempt);
    struct journal_record record = {.utc_ns = attempt->utc_ns,
                                    .kind = "attempt",
                                    .intent = attempt->intent,
                                    .instance = instance,
                                    .bytes = attempt->raw};
    code = append(journal, &record, &w, fault);
    return code == HAWSE_OK ? derive(journal, SQL_ATTEMPT_ADD, record.seq, fault) : code;
}

int32_t journal_attempt_state(struct journal *journal, uint64_t intent, uint32_t leg,
                              uint32_t attempt, uint32_t state, struct fault *fault)
{
    char instance[JOURNAL_NAME];
    bool ended = false;
    int32_t code = journal_writable(journal, fault);
    if (code == HAWSE_OK && (state < JOURNAL_SIGNED || state > JOURNAL_LOST))
        code = fault_set(fault, HAWSE_E_INVAL, "there is no state %u of an attempt", state);
    if (code == HAWSE_OK)
        code = owner(journal, intent, instance, &ended, fault);
    sqlite3_stmt *s = code == HAWSE_OK ? journal_sql(journal, SQL_ATTEMPT_STATE, fault) : NULL;
    if (!s)
        return code != HAWSE_OK ? code : journal->failed;
    journal_bind(s, "iiii", intent, (uint64_t)leg, (uint64_t)attempt, (uint64_t)state);
    code = journal_run(journal, s, "add to", fault);
    if (code == HAWSE_OK && sqlite3_changes(journal->db) == 0)
        code = fault_set(fault, HAWSE_E_NOTFOUND, "intent %llu has no attempt %u of leg %u",
                         (unsigned long long)intent, attempt, leg);
    if (code != HAWSE_OK)
        return code;
    hawse_writer_t w = scratch(journal);
    put_number(&w, "leg", leg);
    put_number(&w, "attempt", attempt);
    put_number(&w, "state", state);
    hawse_writer_text(&w, "}");
    struct journal_record record = {.kind = "state", .intent = intent, .instance = instance};
    return append(journal, &record, &w, fault);
}

/* ---- totals and notes ---- */

static int32_t add_total(struct journal *journal, const char *instance, uint64_t day,
                         const char *what, const char *key, const hawse_u256_t *amount,
                         struct fault *fault)
{
    char sum_text[HAWSE_U256_DECIMAL_MAX] = "0";
    hawse_u256_t before = hawse_u256(0), sum;
    sqlite3_stmt *s = journal_sql(journal, SQL_TOTAL_GET, fault);
    journal_bind(s, "titt", instance, day, what, key);
    int rc = journal_next(journal, s, "read", fault);
    bool good = rc != SQLITE_ROW ||
                (journal_column(s, 0, sum_text, sizeof(sum_text)) &&
                 hawse_i256_parse((const uint8_t *)sum_text, strlen(sum_text), &before) == 0);
    (void)sqlite3_reset(s);
    if (rc < 0)
        return rc;
    if (!good)
        return journal_fail(journal, SQLITE_CORRUPT, "read a total of", fault);
    (void)hawse_u256_add(&before, amount, &sum);
    if (hawse_i256_is_negative(&before) == hawse_i256_is_negative(amount) &&
        hawse_i256_is_negative(&sum) != hawse_i256_is_negative(amount))
        return fault_set(fault, HAWSE_E_RANGE, "the total \"%s\" of %s does not fit", what,
                         instance);
    (void)hawse_i256_decimal(&sum, sum_text);
    s = journal_sql(journal, SQL_TOTAL_PUT, fault);
    journal_bind(s,
                 "titt"
                 "t",
                 instance, day, what, key, sum_text);
    return journal_run(journal, s, "add to", fault);
}

int32_t journal_count(struct journal *journal, uint64_t intent, const char *what, const char *key,
                      const hawse_u256_t *amount, uint64_t utc_ns, struct fault *fault)
{
    char instance[JOURNAL_NAME], text[HAWSE_U256_DECIMAL_MAX];
    bool ended = false;
    uint64_t when = utc_ns ? utc_ns : utc_now();
    uint64_t day = when / 1000000000ULL / JOURNAL_DAY_SECONDS;
    int32_t code = journal_writable(journal, fault);
    if (code == HAWSE_OK && (strlen(what) >= JOURNAL_WHAT || strlen(key) >= JOURNAL_KEY))
        code = fault_set(fault, HAWSE_E_INVAL, "the name of a total is too long: %s %s", what, key);
    if (code == HAWSE_OK)
        code = owner(journal, intent, instance, &ended, fault);
    if (code == HAWSE_OK)
        code = add_total(journal, instance, day, what, key, amount, fault);
    if (code != HAWSE_OK)
        return code;
    hawse_writer_t w = scratch(journal);
    (void)hawse_i256_decimal(amount, text);
    put_number(&w, "day", (int64_t)day);
    put_text(&w, "what", what);
    put_text(&w, "key", key);
    put_text(&w, "amount", text);
    hawse_writer_text(&w, "}");
    struct journal_record record = {
        .utc_ns = when, .kind = "count", .intent = intent, .instance = instance};
    return append(journal, &record, &w, fault);
}

int32_t journal_note(struct journal *journal, const char *what, const char *instance,
                     hawse_view_t data, struct fault *fault)
{
    int32_t code = journal_writable(journal, fault);
    if (code == HAWSE_OK && (strlen(what) >= JOURNAL_WHAT || strlen(instance) >= JOURNAL_NAME))
        code = fault_set(fault, HAWSE_E_INVAL, "the name of a note is too long: %s", what);
    if (code == HAWSE_OK)
        code = check_object(journal, "the data of a note", data, JOURNAL_DATA_MAX, fault);
    if (code != HAWSE_OK)
        return code;
    hawse_writer_t w = scratch(journal);
    put_text(&w, "what", what);
    put_object(&w, "data", data);
    hawse_writer_text(&w, "}");
    struct journal_record record = {.kind = "note", .instance = instance};
    return append(journal, &record, &w, fault);
}
