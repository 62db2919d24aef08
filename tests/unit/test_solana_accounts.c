/*
 * Accounts that leave what a program's watch asks for, accounts larger than an event, answers that
 * are too large, and the memory of what was told.
 */
#include "../../plugins/chains/solana/plugin.h"
#include "solana_rig.h"

#include <hawse/base58.h>
#include <hawse/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM "11111111111111111111111111111111"

/* ---- accounts of programs ---- */

struct program_filter {
    hawse_solana_filter_t f;
    hawse_solana_memcmp_t m[1];
};

/* Accounts of OTHER whose data begin, at `offset`, with the byte `first`. */
static struct program_filter begins_with(uint64_t offset, uint8_t first)
{
    struct program_filter p = {.f = filter_of(HAWSE_SOLANA_WATCH_PROGRAM, OTHER, 2)};
    p.f.memcmp_count = 1;
    p.m[0].offset = offset;
    p.m[0].len = 1;
    p.m[0].bytes[0] = first;
    return p;
}

static void owned_text(char *out, const char *owner, uint64_t lamports, const char *data)
{
    (void)snprintf(out, TEXT,
                   "{\"lamports\":%llu,\"owner\":\"%s\",\"data\":[\"%s\",\"base64\"],"
                   "\"executable\":false,\"rentEpoch\":0}",
                   (unsigned long long)lamports, owner, data);
}

/* What getProgramAccounts answers: KEY with these data. */
static void list_one(struct node *n, const char *data)
{
    char account[TEXT];
    owned_text(account, OTHER, 9, data);
    (void)snprintf(n->program, TEXT, "{\"pubkey\":\"" KEY "\",\"account\":%.1500s}", account);
}

static void say_owned(struct node *n, const char *data)
{
    char text[2 * TEXT], account[TEXT];
    owned_text(account, OTHER, 9, data);
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"programNotification\",\"params\":{\"result\":"
                   "{\"context\":{\"slot\":%llu},\"value\":{\"pubkey\":\"" KEY
                   "\",\"account\":%.1500s}},\"subscription\":%u}}",
                   (unsigned long long)n->slot, account, sub_of(n, "programSubscribe")->id);
    frame(n, text);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
}

static uint32_t accounts_told(const struct node *n)
{
    return count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0);
}

static const struct told *account_told(const struct node *n)
{
    return last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT);
}

/* A reader with that filter, and KEY told once as matching it. */
static struct node *with_program(const struct program_filter *filter, const char *data)
{
    struct node *n = make("{\"check_ms\":1000}");
    list_one(n, data);
    start_live(n);
    demand(n, 1, filter, sizeof(*filter));
    pass_slots(n, 6);
    CHECK_EQ(accounts_told(n), 1);
    CHECK_EQ(account_told(n)->left, 0);
    return n;
}

TEST(program_accounts, "accounts of a program that vanish are told as gone")
{
    struct node *n = make("{\"programs\":[\"" OTHER "\"],\"check_ms\":1000}");
    list_one(n, "AQID");
    start_live(n);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 9);
    CHECK_EQ(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->left, 0);
    n->program[0] = '\0';
    (void)snprintf(n->account, TEXT, "null");
    pass_slots(n, 12);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 2);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 0);
    CHECK_EQ(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->left, 1);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 1);
    finish(n);
}

TEST(program_data, "an account whose data no longer match is told once with what it is now")
{
    struct program_filter filter = begins_with(2, 3); /* AQID = 1, 2, 3 */
    struct node *n = with_program(&filter, "AQID");
    n->data = malloc(TEXT);
    n->program[0] = '\0';
    owned_text(n->account, OTHER, 9, "AQIE");
    uint32_t subs = n->sub_count;
    pass_slots(n, 20);
    CHECK_EQ(accounts_told(n), 2);
    const struct told *gone = account_told(n);
    CHECK_EQ(gone->left, 1);
    CHECK(gone->flags & HAWSE_EVENT_BACKFILLED);
    CHECK(n->data_len == 3 && memcmp(n->data, "\1\2\4", 3) == 0);
    CHECK(place(n, last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP)) < place(n, gone));
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 0), 1);
    CHECK_EQ(n->sub_count, subs); /* the subscription is as good as it was */
    CHECK_EQ(fakehost_metric(n->host, "solana_left_total"), 1);
    list_one(n, "AQID"); /* and it comes back */
    say_owned(n, "AQID");
    pass_slots(n, 10);
    CHECK_EQ(accounts_told(n), 3);
    CHECK_EQ(account_told(n)->left, 0);
    finish(n);
}

TEST(program_owner, "an account that another program owns now is told as that program's")
{
    struct program_filter filter = begins_with(0, 1);
    struct node *n = with_program(&filter, "AQID");
    n->program[0] = '\0';
    owned_text(n->account, SYSTEM, 9, "AQID"); /* the same bytes */
    pass_slots(n, 12);
    CHECK_EQ(accounts_told(n), 2);
    CHECK_EQ(account_told(n)->left, 1);
    CHECK_EQ_U64(account_told(n)->lamports, 9);
    finish(n);
}

TEST(program_racing, "an account that is there again when it is asked for has not left")
{
    struct program_filter filter = begins_with(1, 2);
    struct node *n = with_program(&filter, "AQID");
    n->program[0] = '\0';
    owned_text(n->account, OTHER, 9, "AQID");
    pass_slots(n, 20);
    CHECK_EQ(accounts_told(n), 1);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 0);
    n->account[0] = '\0'; /* an answer that is shorter than the question says nothing */
    pass_slots(n, 10);
    CHECK_EQ(accounts_told(n), 1);
    CHECK(fakehost_metric(n->host, "solana_malformed_total") > 0);
    finish(n);
}

TEST(program_pushed, "a pushed account that does not match has left, or was never asked for")
{
    struct program_filter filter = begins_with(2, 3);
    struct node *n = with_program(&filter, "AQID");
    say_owned(n, "AQIE");
    CHECK_EQ(accounts_told(n), 2);
    CHECK_EQ(account_told(n)->left, 1);
    CHECK_EQ(account_told(n)->flags, 0);
    n->program[0] = '\0';
    finish(n);
    n = make("{}");
    start_live(n);
    demand(n, 1, &filter, sizeof(filter));
    pass_slots(n, 6);
    say_owned(n, "AQIE");
    CHECK_EQ(accounts_told(n), 0);
    say_owned(n, "AQID");
    CHECK_EQ(accounts_told(n), 1);
    finish(n);
}

TEST(program_reconnect, "what left while the stream was down is told before it counts as healed")
{
    struct program_filter filter = begins_with(0, 1);
    struct node *n = with_program(&filter, "AQID");
    lose(n);
    n->program[0] = '\0';
    (void)snprintf(n->account, TEXT, "null");
    connect_node(n);
    pass_slots(n, 8);
    CHECK_EQ(accounts_told(n), 2);
    const struct told *gone = account_told(n);
    CHECK(gone->left && gone->lamports == 0);
    for (uint32_t i = place(n, gone); i < n->told_count; i++)
        CHECK(n->told[i].space != HAWSE_SPACE_STREAM || n->told[i].stream != gone->stream ||
              n->told[i].kind == HAWSE_STREAM_EVENT_HEALED);
    finish(n);
}

/* ---- large accounts ---- */

static uint8_t *large_data(uint64_t len)
{
    uint8_t *data = malloc(len);
    test_random_bytes(data, len);
    return data;
}

static void say_large(struct node *n, const uint8_t *data, uint64_t len, uint64_t slot)
{
    uint64_t digits = HAWSE_BASE64_DIGITS(len);
    char *text = malloc(digits + 1024);
    int at = snprintf(text, 1024,
                      "{\"jsonrpc\":\"2.0\",\"method\":\"accountNotification\",\"params\":{"
                      "\"result\":{\"context\":{\"slot\":%llu},\"value\":{\"lamports\":5,\"owner\":"
                      "\"" OTHER "\",\"executable\":false,\"data\":[\"",
                      (unsigned long long)slot);
    hawse_base64_encode(data, len, text + at);
    (void)snprintf(text + at + digits, 512, "\",\"base64\"]}},\"subscription\":%u}}",
                   sub_of(n, "accountSubscribe")->id);
    frame(n, text);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
    free(text);
}

static uint32_t parts_told(const struct node *n, uint32_t flags)
{
    return count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT_PART, flags);
}

/* Parts without a hole, from 0 to `len`, after event number `from`. */
static void check_parts(const struct node *n, uint32_t from, uint64_t len)
{
    uint64_t at = 0;
    for (uint32_t i = from; i < n->told_count; i++) {
        if (n->told[i].kind != HAWSE_SOLANA_ACCOUNT_PART || n->told[i].space != HAWSE_SPACE_SOLANA)
            continue;
        CHECK_EQ_U64(n->told[i].offset, at);
        CHECK(n->told[i].len > 0 && n->told[i].len <= HAWSE_SOLANA_WHOLE_MAX);
        at += n->told[i].len;
    }
    CHECK_EQ_U64(at, len);
}

TEST_LIMIT(large, 20, "accounts up to 10 MiB are told whole, in parts, each byte once")
{
    static const uint64_t sizes[] = {HAWSE_SOLANA_WHOLE_MAX, HAWSE_SOLANA_WHOLE_MAX + 1, 300001,
                                     2 * HAWSE_SOLANA_WHOLE_MAX, 10 << 20};
    struct node *n = make("{\"accounts\":[\"" KEY "\"]}");
    account_text(n->account, 1);
    start_live(n);
    n->data = malloc(11 << 20);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *data = large_data(sizes[i]);
        uint32_t from = n->told_count;
        n->data_len = 0;
        n->slot++;
        say_large(n, data, sizes[i], n->slot);
        say_large(n, data, sizes[i], n->slot); /* told once */
        CHECK_EQ_U64(n->data_len, sizes[i]);
        CHECK(memcmp(n->data, data, sizes[i]) == 0);
        if (i > 0)
            check_parts(n, from, sizes[i]);
        free(data);
    }
    CHECK_EQ(accounts_told(n), 2);
    finish(n);
}

TEST(large_no_room, "a large account goes on where it found no room")
{
    enum { LEN = 8 * HAWSE_SOLANA_WHOLE_MAX + 5 };
    struct node *n = make("{\"accounts\":[\"" KEY "\"]}");
    account_text(n->account, 1);
    start_live(n);
    uint8_t *data = large_data(LEN);
    n->data = malloc(2 * LEN);
    n->room = 60;
    uint32_t from = n->told_count;
    say_large(n, data, LEN, n->slot + 1);
    for (int i = 0; i < 100 && n->data_len < LEN; i++)
        fakehost_pass(n->host, 100 * FAKEHOST_MS);
    CHECK_EQ_U64(n->data_len, LEN);
    CHECK(memcmp(n->data, data, LEN) == 0);
    check_parts(n, from, LEN);
    free(data);
    finish(n);
}

TEST(large_withheld, "above settings.max_account_bytes a state is told without its data, by name")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"max_account_bytes\":400000}");
    account_text(n->account, 1);
    start_live(n);
    uint8_t *data = large_data(400001);
    say_large(n, data, 400001, n->slot + 1);
    CHECK_EQ(parts_told(n, 0), 1);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT_PART)->len, 0);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT_PART)->lamports, 5);
    CHECK_EQ(fakehost_metric(n->host, "solana_withheld_total"), 1);
    say_large(n, data, 400000, n->slot + 2);
    CHECK_EQ(parts_told(n, 0), 1 + 3);
    free(data);
    finish(n);
}

TEST(large_rollback, "a large account of an abandoned slot is taken back once, and asked for again")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"commitment\":\"processed\","
                          "\"check_ms\":1000}");
    account_text(n->account, 1);
    start_live(n);
    uint64_t slot = n->slot;
    uint8_t *data = large_data(300000);
    say_slot(n, slot + 1, slot);
    say_large(n, data, 300000, slot + 1);
    CHECK_EQ(parts_told(n, 0), 2);
    say_slot(n, slot + 2, slot);
    fakehost_pass(n->host, FAKEHOST_MS / 2);
    CHECK_EQ(parts_told(n, HAWSE_EVENT_REMOVED), 1);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT_PART)->slot, slot + 1);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT_PART)->len, 0);
    pass_slots(n, 5);
    CHECK_EQ_U64(account_told(n)->lamports, 1); /* what it is on the other branch */
    free(data);
    finish(n);
}

/* ---- answers ---- */

TEST(too_large, "an answer that is too large is asked for in smaller pieces, and more again later")
{
    struct node *n = make("{\"check_ms\":1000,\"requests_per_second\":100}");
    hawse_solana_filter_t f = filter_of(HAWSE_SOLANA_WATCH_ACCOUNT, KEY, 2);
    char one[TEXT];
    account_text(one, 1);
    for (int i = 0; i < 12; i++) {
        uint64_t at = strlen(n->account);
        (void)snprintf(n->account + at, TEXT - at, "%s%s", i ? "," : "", one);
    }
    start_live(n);
    n->too_large = 5;
    for (uint64_t i = 0; i < 12; i++) {
        f.id[0] = (uint8_t)i;
        demand(n, 10 + i, &f, sizeof(f));
    }
    pass_slots(n, 10);
    CHECK_EQ(accounts_told(n), 12);
    CHECK(n->most_keys >= 3 && n->most_keys < 5);
    n->too_large = 1; /* not even one: nothing is proved any more, and it is said */
    lose(n);
    connect_node(n);
    pass_slots(n, 20);
    CHECK_EQ(last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE)->stream,
             HAWSE_SOLANA_STREAM_ACCOUNTS);
    finish(n);
}

/* ---- memory ---- */

enum { KEYS = 200 };

TEST(account_table, "accounts that nobody watches make room, the others stay to be found")
{
    struct account_table table;
    struct watch program = {.filter = {.watch = HAWSE_SOLANA_WATCH_PROGRAM}};
    uint8_t keys[KEYS][32];
    bool there[KEYS] = {false};
    test_random_bytes(keys, sizeof(keys));
    CHECK(accounts_init(&table, 32)); /* 32 of 64 places */
    uint32_t kept = 0;
    for (int round = 0; round < 20000; round++) {
        uint64_t i = test_random() % KEYS;
        uint32_t index = (uint32_t)(test_random() % 4);
        struct account_entry *e = accounts_find(&table, keys[i], 1, test_random() % 2 == 0);
        if (e && e->watch == UINT32_MAX && !e->own && kept < 24) {
            e->watch = index;
            there[i] = true;
            kept++;
        }
        if (round % 50 == 49)
            accounts_leave(&table, &program, index);
        kept = 0;
        for (uint32_t k = 0; k < KEYS; k++) {
            e = accounts_find(&table, keys[k], 1, false);
            CHECK(!e || memcmp(e->key, keys[k], 32) == 0);
            bool watched = e && e->watch != UINT32_MAX;
            CHECK(watched || !there[k] || round % 50 == 49);
            there[k] = watched;
            kept += watched;
        }
        CHECK(table.count <= 32);
    }
    CHECK(accounts_find(&table, keys[0], 2, true)); /* there is room again and again */
    accounts_finish(&table);
}
