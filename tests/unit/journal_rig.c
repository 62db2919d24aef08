/* See journal_rig.h. */
#include "journal_rig.h"

#include "harness.h"

#include <hawse/space/intent.h>
#include <hawse/u256.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fault fault;

/* Nobody cuts the power here: in memory a thousand commits take no time. */
__attribute__((constructor)) static void in_memory(void)
{
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 0);
}

const char *path_of(const char *name)
{
    static char paths[4][600];
    static int turn;
    char *path = paths[turn++ & 3];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", test_tmp_dir(), name);
    return path;
}

struct journal *open_as(const char *name, bool read_only)
{
    struct journal *journal = NULL;
    fault_clear(&fault);
    struct journal_options options = {
        .create = !read_only, .read_only = read_only, .reserve_bytes = 1};
    if (journal_open(path_of(name), &options, &journal, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    return journal;
}

int32_t open_code(const char *name, struct fault *why)
{
    struct journal *journal = NULL;
    struct journal_options options = {.create = true, .reserve_bytes = 1};
    int32_t code = journal_open(path_of(name), &options, &journal, why);
    journal_close(journal);
    return code;
}

hawse_view_t text_view(const char *text)
{
    return (hawse_view_t){(const uint8_t *)text, strlen(text)};
}

struct journal_intent an_intent(const char *instance, const char *id)
{
    struct journal_intent intent = {.utc_ns = 1700000000000000000ULL,
                                    .body = text_view(JOURNAL_BODY)};
    (void)snprintf(intent.instance, sizeof(intent.instance), "%s", instance);
    (void)snprintf(intent.id, sizeof(intent.id), "%s", id);
    (void)snprintf(intent.chain, sizeof(intent.chain), "gnosis");
    (void)snprintf(intent.account, sizeof(intent.account), "bot");
    (void)snprintf(intent.mode, sizeof(intent.mode), "live");
    return intent;
}

uint64_t add_intent(struct journal *journal, const char *id)
{
    struct journal_intent intent = an_intent("arb", id);
    GOOD(journal_intent_add(journal, &intent, &fault));
    return intent.number;
}

struct journal_step a_step(uint64_t intent, uint32_t step)
{
    return (struct journal_step){.intent = intent,
                                 .step = step,
                                 .attempts = 1,
                                 .reference = {1, 2, 3},
                                 .block = 7,
                                 .error = HAWSE_E_DENIED,
                                 .utc_ns = 1700000000000000001ULL,
                                 .data = text_view("{\"gate\":\"kill\",\"big\":123}")};
}

void add_step(struct journal *journal, uint64_t intent, uint32_t step)
{
    struct journal_step s = a_step(intent, step);
    GOOD(journal_step(journal, &s, &fault));
}

struct journal_attempt an_attempt(uint64_t intent, uint64_t nonce)
{
    static const uint8_t raw[300] = {2, 0xf8, 0, 1};
    struct journal_attempt a = {.intent = intent,
                                .attempt = 1,
                                .chain_id = 100,
                                .nonce = nonce,
                                .sender = {0xaa, 0xbb},
                                .simulation = "abcd",
                                .utc_ns = 5,
                                .raw = {raw, sizeof(raw)}};
    memcpy(a.hash, &nonce, sizeof(nonce));
    a.hash[31] = 9;
    a.max_fee = (hawse_u256_t){{1, 2, 3, 4}};
    a.tip = hawse_u256(17);
    return a;
}

void add_attempt(struct journal *journal, uint64_t intent, uint64_t nonce)
{
    struct journal_attempt a = an_attempt(intent, nonce);
    GOOD(journal_attempt_add(journal, &a, &fault));
}

void verify_good(struct journal *journal)
{
    struct journal_verdict verdict;
    GOOD(journal_verify(journal, NULL, &verdict, &fault));
    if (verdict.faults > 0)
        FAIL("%s", verdict.first);
}

/* Something of every kind. */
void fill(struct journal *journal)
{
    hawse_u256_t amount = hawse_i256(-5);
    GOOD(journal_begin(journal, &fault));
    for (uint64_t i = 1; i <= 4; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "id-%llu", (unsigned long long)i);
        uint64_t number = add_intent(journal, id);
        CHECK_EQ_U64(number, i);
        add_step(journal, number, HAWSE_INTENT_GATED);
        add_attempt(journal, number, i + 40);
        GOOD(journal_attempt_state(journal, number, 0, 1, JOURNAL_SENT, &fault));
        GOOD(journal_count(journal, number, "spent", "0xasset", &amount, 0, &fault));
        if (i & 1)
            add_step(journal, number, HAWSE_INTENT_CONFIRMED);
    }
    GOOD(journal_note(journal, "kill", "", text_view("{\"by\":\"test\"}"), &fault));
    GOOD(journal_commit(journal, &fault));
}

static void run_sql(sqlite3 *db, const char *sql)
{
    char *words = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &words) != 0)
        FAIL("%s: %s", sql, words);
}

/* As somebody would who knows the file: the triggers are there again afterwards. */
void change(const char *name, const char *sql)
{
    char triggers[1000] = "";
    sqlite3_stmt *s = NULL;
    sqlite3 *db = NULL;
    CHECK_EQ(sqlite3_open(path_of(name), &db), 0);
    CHECK_EQ(sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_master WHERE type = 'trigger'", -1, &s,
                                NULL),
             0);
    while (sqlite3_step(s) == SQLITE_ROW)
        (void)snprintf(triggers + strlen(triggers), sizeof(triggers) - strlen(triggers), "%s;",
                       (const char *)sqlite3_column_text(s, 0));
    (void)sqlite3_finalize(s);
    run_sql(db, "DROP TRIGGER record_stays; DROP TRIGGER record_is_kept");
    run_sql(db, sql);
    CHECK(sqlite3_total_changes(db) > 0 || strncmp(sql, "CREATE", 6) == 0 ||
          strncmp(sql, "DROP", 4) == 0);
    run_sql(db, triggers);
    (void)sqlite3_close(db);
}
