/*
 * The journal: what was committed is there again, what it is asked for is found, and who else wants
 * it is refused.
 */
#include "harness.h"
#include "journal_rig.h"

#include <fcntl.h>
#include <hawse/hawse.h>
#include <hawse/space/intent.h>
#include <hawse/u256.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what was written is read ---- */

static int32_t count_intents(void *ctx, const struct journal_intent *intent)
{
    uint64_t *numbers = ctx;
    numbers[0]++;
    numbers[numbers[0]] = intent->number;
    CHECK(!intent->ended);
    CHECK_EQ_U64(intent->body.len, sizeof(JOURNAL_BODY) - 1);
    CHECK_MEM(intent->body.data, JOURNAL_BODY, sizeof(JOURNAL_BODY) - 1);
    return 0;
}

static int32_t same_step(void *ctx, const struct journal_step *step)
{
    int *n = ctx;
    if ((*n)++ == 0) {
        CHECK_EQ(step->step, HAWSE_INTENT_PROPOSED);
        return 0;
    }
    struct journal_step want = a_step(2, HAWSE_INTENT_GATED);
    CHECK_EQ(step->step, want.step);
    CHECK_EQ_U64(step->block, want.block);
    CHECK_EQ(step->error, want.error);
    CHECK_MEM(step->reference, want.reference, 64);
    CHECK_EQ_U64(step->data.len, want.data.len);
    CHECK_MEM(step->data.data, want.data.data, want.data.len);
    return 0;
}

static int32_t same_attempt(void *ctx, const struct journal_attempt *a)
{
    struct journal_attempt want = an_attempt(2, 42);
    (*(int *)ctx)++;
    CHECK_EQ(a->state, JOURNAL_SENT);
    CHECK_EQ_U64(a->nonce, 42);
    CHECK_EQ_U64(a->raw.len, want.raw.len);
    CHECK_MEM(a->raw.data, want.raw.data, want.raw.len);
    CHECK_MEM(a->hash, want.hash, 32);
    CHECK_MEM(a->sender, want.sender, 20);
    CHECK_MEM(&a->max_fee, &want.max_fee, 32);
    CHECK_STR(a->simulation, "abcd");
    return 0;
}

static int32_t stop_at_once(void *ctx, const struct journal_intent *intent)
{
    (void)ctx;
    return (int32_t)intent->number + 100;
}

TEST(reopened, "what was committed is there again after a restart, and nothing else")
{
    uint64_t numbers[8] = {0}, next = 0;
    int steps = 0, attempts = 0;
    struct journal *journal = open_as("j", false);
    fill(journal);
    GOOD(journal_begin(journal, &fault));
    (void)add_intent(journal, "dropped");
    journal_abort(journal);
    GOOD(journal_begin(journal, &fault));
    (void)add_intent(journal, "dropped too");
    journal_close(journal);
    journal = open_as("j", false);
    GOOD(journal_open_intents(journal, count_intents, numbers, &fault));
    CHECK_EQ_U64(numbers[0], 2);
    CHECK_EQ_U64(numbers[1], 2);
    CHECK_EQ_U64(numbers[2], 4);
    CHECK_EQ(journal_open_intents(journal, stop_at_once, NULL, NULL), 102);
    GOOD(journal_steps_of(journal, 2, same_step, &steps, &fault));
    CHECK_EQ(steps, 2);
    GOOD(journal_attempts_of(journal, 2, same_attempt, &attempts, &fault));
    CHECK_EQ(attempts, 1);
    GOOD(journal_high_water(journal, 100, an_attempt(0, 0).sender, &next, &fault));
    CHECK_EQ_U64(next, 45);
    GOOD(journal_high_water(journal, 101, an_attempt(0, 0).sender, &next, &fault));
    CHECK_EQ_U64(next, 0);
    verify_good(journal);
    journal_close(journal);
}

TEST(ids, "an id is taken once per instance for ever, and an intent ends once")
{
    struct journal_intent found;
    struct journal *journal = open_as("j", false);
    fill(journal);
    journal_close(journal);
    journal = open_as("j", false);
    GOOD(journal_begin(journal, &fault));
    struct journal_intent again = an_intent("arb", "id-1");
    CHECK_EQ(journal_intent_add(journal, &again, NULL), HAWSE_E_EXISTS);
    CHECK_EQ_U64(again.number, 1);
    struct journal_intent other = an_intent("other", "id-1");
    GOOD(journal_intent_add(journal, &other, &fault));
    CHECK_EQ_U64(other.number, 5);
    struct journal_step step = a_step(1, HAWSE_INTENT_FAILED);
    CHECK_EQ(journal_step(journal, &step, NULL), HAWSE_E_EXISTS);
    step.step = HAWSE_INTENT_RECONCILED;
    GOOD(journal_step(journal, &step, &fault));
    struct journal_attempt a = an_attempt(1, 41);
    a.leg = 1;
    CHECK_EQ(journal_attempt_add(journal, &a, NULL), HAWSE_E_EXISTS); /* its hash */
    a = an_attempt(1, 99);
    CHECK_EQ(journal_attempt_add(journal, &a, NULL), HAWSE_E_EXISTS); /* its place */
    GOOD(journal_commit(journal, &fault));
    GOOD(journal_find(journal, "arb", "id-1", &found, &fault));
    CHECK_EQ(found.step, HAWSE_INTENT_CONFIRMED);
    CHECK(found.ended);
    CHECK_STR(found.instance, "arb");
    CHECK_EQ(journal_find(journal, "arb", "never", &found, NULL), HAWSE_E_NOTFOUND);
    verify_good(journal);
    journal_close(journal);
}

TEST(refused, "what is not of its form is refused, and the group goes on")
{
    static const char *const bad[] = {"", "[]", "{", "{\"a\":1}x", "null", "\"{}\""};
    struct journal *journal = open_as("j", false);
    struct journal_step step = a_step(1, HAWSE_INTENT_GATED);
    CHECK_EQ(journal_step(journal, &step, NULL), HAWSE_E_STATE); /* no group */
    GOOD(journal_begin(journal, &fault));
    CHECK_EQ(journal_begin(journal, NULL), HAWSE_E_STATE);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct journal_intent intent = an_intent("arb", "x");
        intent.body = text_view(bad[i]);
        CHECK_EQ(journal_intent_add(journal, &intent, NULL), HAWSE_E_INVAL);
    }
    struct journal_intent nameless = an_intent("", "x");
    CHECK_EQ(journal_intent_add(journal, &nameless, NULL), HAWSE_E_INVAL);
    CHECK_EQ(journal_step(journal, &step, NULL), HAWSE_E_NOTFOUND);
    uint64_t number = add_intent(journal, "quote \" backslash \\ tab \t");
    step.step = 99;
    CHECK_EQ(journal_step(journal, &step, NULL), HAWSE_E_INVAL);
    step.step = 0;
    CHECK_EQ(journal_step(journal, &step, NULL), HAWSE_E_INVAL);
    step = a_step(number, HAWSE_INTENT_GATED);
    step.data = text_view("{\"a\":");
    CHECK_EQ(journal_step(journal, &step, NULL), HAWSE_E_INVAL);
    struct journal_attempt a = an_attempt(number, 1ULL << 63);
    CHECK_EQ(journal_attempt_add(journal, &a, NULL), HAWSE_E_RANGE);
    a = an_attempt(number, 1);
    a.raw.len = 0;
    CHECK_EQ(journal_attempt_add(journal, &a, NULL), HAWSE_E_INVAL);
    CHECK_EQ(journal_attempt_state(journal, number, 0, 1, JOURNAL_SENT, NULL), HAWSE_E_NOTFOUND);
    CHECK_EQ(journal_attempt_state(journal, number, 0, 1, JOURNAL_LOST + 1, NULL), HAWSE_E_INVAL);
    GOOD(journal_commit(journal, &fault));
    struct journal_intent found;
    GOOD(journal_find(journal, "arb", "quote \" backslash \\ tab \t", &found, &fault));
    struct journal *reader = open_as("j", true);
    CHECK_EQ(journal_begin(reader, NULL), HAWSE_E_STATE);
    CHECK_EQ(journal_ready(reader, NULL), HAWSE_E_STATE);
    journal_close(reader);
    verify_good(journal);
    journal_close(journal);
}

static int32_t sum_total(void *ctx, const struct journal_total *total)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_i256_decimal(&total->amount, text);
    (void)snprintf((char *)ctx + strlen(ctx), 400, "%s %s %s %s;", total->instance, total->what,
                   total->key, text);
    return 0;
}

TEST(totals, "totals are exact, of one UTC day and instance, and give back what did not happen")
{
    char text[2000] = "";
    const uint64_t day = 86400ULL * 1000000000ULL;
    hawse_u256_t big = {{0, 0, 0, 1ULL << 62}}, less = hawse_i256(-3), most;
    struct journal *journal = open_as("j", false);
    GOOD(journal_begin(journal, &fault));
    uint64_t number = add_intent(journal, "a");
    GOOD(journal_count(journal, number, "spent", "x", &big, 10 * day, &fault));
    GOOD(journal_count(journal, number, "spent", "x", &less, 11 * day - 1, &fault));
    GOOD(journal_count(journal, number, "spent", "x", &less, 11 * day, &fault));
    hawse_i256_negate(&less, &most);
    GOOD(journal_count(journal, number, "spent", "x", &most, 11 * day, &fault));
    GOOD(journal_count(journal, number, "count", "", &most, 10 * day, &fault));
    CHECK_EQ(journal_count(journal, number, "spent", "x", &big, 10 * day, NULL), 0);
    CHECK_EQ(journal_count(journal, number, "spent", "x", &big, 10 * day, NULL), HAWSE_E_RANGE);
    CHECK_EQ(journal_count(journal, 99, "spent", "x", &big, 10 * day, NULL), HAWSE_E_NOTFOUND);
    GOOD(journal_commit(journal, &fault));
    GOOD(journal_totals(journal, "arb", 10, sum_total, text, &fault));
    GOOD(journal_totals(journal, NULL, 11, sum_total, text, &fault));
    GOOD(journal_totals(journal, "other", 10, sum_total, text, &fault));
    CHECK_STR(text, "arb count  3;arb spent x "
                    "57896044618658097711785492504343953926634992332820282019728792003956564819965;"
                    "arb spent x 0;");
    verify_good(journal);
    journal_close(journal);
}

/* ---- who else ---- */

TEST(second_owner, "a second host is refused, with the process that has the journal")
{
    char want[64];
    struct journal *journal = open_as("j", false);
    CHECK_EQ(open_code("j", &fault), HAWSE_E_EXISTS);
    (void)snprintf(want, sizeof(want), "process %ld on ", (long)getpid());
    CHECK(strstr(fault.message, want));
    CHECK_EQ(symlink(path_of("j"), path_of("link")), 0);
    CHECK_EQ(open_code("link", NULL), HAWSE_E_EXISTS);
    journal_close(journal);
    CHECK_EQ(open_code("link", NULL), HAWSE_OK);
}

TEST(older, "a journal of an older version is brought up to date, and only by who may write it")
{
    struct journal *journal = open_as("j", false);
    fill(journal);
    journal_close(journal);
    change("j", "DROP INDEX nonce_open; DROP INDEX record_note; PRAGMA user_version = 1");
    struct journal_options options = {.read_only = true};
    CHECK_EQ(journal_open(path_of("j"), &options, &journal, &fault), HAWSE_E_UNSUPPORTED);
    CHECK(strstr(fault.message, "schema version 1"));
    journal = open_as("j", false);
    verify_good(journal);
    journal_close(journal);
    journal = open_as("j", true);
    verify_good(journal);
    journal_close(journal);
}

TEST(not_ours, "a file that others can read, or that is no journal, or a newer one, is refused")
{
    sqlite3 *db = NULL;
    CHECK_EQ(open_code("j", NULL), HAWSE_OK);
    struct stat st;
    CHECK_EQ(stat(path_of("j"), &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(chmod(path_of("j"), 0640), 0);
    CHECK_EQ(open_code("j", &fault), HAWSE_E_DENIED);
    CHECK(strstr(fault.hint, "chmod 600"));
    CHECK_EQ(chmod(path_of("j"), 0600), 0);
    CHECK_EQ(sqlite3_open(path_of("j"), &db), 0);
    CHECK_EQ(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), 0);
    (void)sqlite3_close(db);
    CHECK_EQ(open_code("j", NULL), HAWSE_E_UNSUPPORTED);
    CHECK_EQ(sqlite3_open(path_of("other"), &db), 0);
    CHECK_EQ(sqlite3_exec(db, "CREATE TABLE t (a)", NULL, NULL, NULL), 0);
    (void)sqlite3_close(db);
    CHECK_EQ(chmod(path_of("other"), 0600), 0);
    CHECK_EQ(open_code("other", NULL), HAWSE_E_FORMAT);
    int fd = open(path_of("text"), O_WRONLY | O_CREAT, 0600);
    CHECK_EQ(write(fd, "this is a text and not a database, but long enough", 50), 50);
    (void)close(fd);
    CHECK_EQ(open_code("text", NULL), HAWSE_E_FORMAT);
    CHECK_EQ(mkdir(path_of("dir"), 0700), 0);
    CHECK_EQ(open_code("dir", NULL), HAWSE_E_FORMAT);
    CHECK_EQ(open_code("none/j", NULL), HAWSE_E_DENIED);
    struct journal *journal = NULL;
    struct journal_options options = {0};
    CHECK_EQ(journal_open(path_of("absent"), &options, &journal, NULL), HAWSE_E_NOTFOUND);
}

/* ---- looking and copying ---- */

static int32_t count_record(void *ctx, const struct journal_record *record)
{
    (void)record;
    (*(int *)ctx)++;
    return 0;
}

static int query_count(struct journal *journal, const struct journal_filter *filter)
{
    int n = 0;
    GOOD(journal_query(journal, filter, count_record, &n, &fault));
    return n;
}

TEST(queries, "records are found by instance, intent, id, time, step and place")
{
    struct journal *writer = open_as("j", false);
    fill(writer);
    struct journal *journal = open_as("j", true); /* while a host has it */
    CHECK_EQ(query_count(journal, &(struct journal_filter){0}), 4 * 5 + 2 + 1);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.instance = "arb"}), 22);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.instance = "none"}), 0);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.intent = 1}), 6);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.id = "id-2"}), 5);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.id = "id-2", .intent = 1}), 0);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.step = HAWSE_INTENT_CONFIRMED}), 2);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.step = HAWSE_INTENT_PROPOSED}), 4);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.after = 20}), 3);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.to_ns = 10}), 4);
    CHECK_EQ(query_count(journal, &(struct journal_filter){.from_ns = 1700000000000000001ULL,
                                                           .to_ns = 1700000000000000002ULL}),
             6);
    journal_close(journal);
    journal_close(writer);
}

TEST(backup, "a backup is taken while a host writes, and put back only over what is not newer")
{
    struct journal_verdict verdict;
    struct journal *journal = open_as("j", false);
    fill(journal);
    GOOD(journal_backup(path_of("j"), path_of("copy"), &verdict, &fault));
    CHECK_EQ_U64(verdict.records, 23);
    struct stat st;
    CHECK_EQ(stat(path_of("copy"), &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0600);
    CHECK_EQ(journal_backup(path_of("j"), path_of("copy"), &verdict, NULL), HAWSE_E_EXISTS);
    CHECK_EQ(journal_restore(path_of("copy"), path_of("j"), true, &verdict, NULL), HAWSE_E_EXISTS);
    journal_close(journal);
    GOOD(journal_restore(path_of("copy"), path_of("j"), false, &verdict, &fault)); /* as old */
    journal = open_as("j", false);
    GOOD(journal_begin(journal, &fault));
    CHECK_EQ_U64(add_intent(journal, "later"), 5);
    GOOD(journal_commit(journal, &fault));
    journal_close(journal);
    CHECK_EQ(journal_restore(path_of("copy"), path_of("j"), false, &verdict, &fault),
             HAWSE_E_EXISTS);
    CHECK(strstr(fault.message, "has 24 records of the same journal, the copy has 23"));
    GOOD(journal_restore(path_of("copy"), path_of("j"), true, &verdict, &fault));
    journal = open_as("j", false);
    verify_good(journal);
    CHECK_EQ(query_count(journal, &(struct journal_filter){0}), 23);
    journal_close(journal);
    journal = open_as("j.before-restore-2", false); /* what was put aside is whole */
    CHECK_EQ(query_count(journal, &(struct journal_filter){0}), 24);
    journal_close(journal);
    GOOD(journal_restore(path_of("copy"), path_of("elsewhere"), false, &verdict, &fault));
    change("copy", "DELETE FROM record WHERE seq = 3");
    CHECK_EQ(journal_restore(path_of("copy"), path_of("j"), true, &verdict, NULL), HAWSE_E_FORMAT);
    CHECK_EQ(open_code("j", NULL), HAWSE_OK);
    CHECK_EQ(journal_restore(path_of("absent"), path_of("j"), true, &verdict, NULL),
             HAWSE_E_NOTFOUND);
}

struct found {
    uint32_t count;
    char last[64];
};

static int32_t find_note(void *ctx, const char *instance, hawse_view_t data)
{
    struct found *f = ctx;
    f->count++;
    (void)snprintf(f->last, sizeof(f->last), "%s %.*s", instance, (int)data.len,
                   (const char *)data.data);
    return HAWSE_OK;
}

TEST(notes, "notes are found by name, of every instance, oldest first, also after opening anew")
{
    struct found f = {0};
    struct journal *j = open_as("j", false);
    CHECK_EQ(journal_begin(j, &fault), HAWSE_OK);
    CHECK_EQ(journal_note(j, "store", "a", hawse_text("{\"key\":\"x\"}"), &fault), HAWSE_OK);
    CHECK_EQ(journal_note(j, "stop", "", hawse_text("{}"), &fault), HAWSE_OK);
    CHECK_EQ(journal_note(j, "store", "b", hawse_text("{\"key\":\"y\"}"), &fault), HAWSE_OK);
    CHECK_EQ(journal_commit(j, &fault), HAWSE_OK);
    CHECK_EQ(journal_notes(j, "store", find_note, &f, &fault), HAWSE_OK);
    CHECK_EQ_U64(f.count, 2);
    CHECK_STR(f.last, "b {\"key\":\"y\"}");
    CHECK_EQ(journal_notes(j, "reload", find_note, &f, &fault), HAWSE_OK);
    CHECK_EQ_U64(f.count, 2);
    journal_close(j);
}
