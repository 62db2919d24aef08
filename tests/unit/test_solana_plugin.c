/*
 * The Solana plugin as a whole: demands, notifications, continuity, what a reader is told and when.
 */
#include "solana_rig.h"

#include <hawse/base58.h>
#include <stdio.h>
#include <string.h>

/* ---- demands ---- */

TEST(demands,
     "each filter is subscribed once, with its commitment, and dropped with its last reader")
{
    struct node *n = make("{}");
    struct {
        hawse_solana_filter_t f;
        hawse_solana_memcmp_t m[3];
    } program = {.f = filter_of(HAWSE_SOLANA_WATCH_PROGRAM, OTHER, HAWSE_SOLANA_FINALIZED)};
    hawse_solana_filter_t account = filter_of(HAWSE_SOLANA_WATCH_ACCOUNT, KEY, 1);
    account_text(n->account, 5);
    start_live(n);
    demand(n, 1, &account, sizeof(account));
    demand(n, 2, &account, sizeof(account));
    CHECK_STR(sub_of(n, "accountSubscribe")->params,
              "[\"" KEY "\",{\"encoding\":\"base64\",\"commitment\":\"processed\"}]}");
    program.f.data_size = 165;
    program.f.memcmp_count = 3;
    for (int i = 0; i < 3; i++) {
        program.m[i].len = 128;
        memset(program.m[i].bytes, 0xff, 128);
    }
    demand(n, 3, &program, sizeof(program));
    CHECK(strstr(sub_of(n, "programSubscribe")->params, "\"commitment\":\"finalized\",\"filters\":["
                                                        "{\"dataSize\":165},{\"memcmp\":"));
    CHECK(n->largest < 4096);
    uint32_t subs = n->sub_count;
    program.m[2].len = 129; /* more than a node takes: no subscription comes of it */
    demand(n, 4, &program, sizeof(program));
    account.commitment = 4;
    demand(n, 5, &account, sizeof(account));
    CHECK_EQ(n->sub_count, subs);
    fakehost_demand(n->host, HAWSE_DEMAND_DROP, 1, HAWSE_SPACE_SOLANA, NULL, 0);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(n->unsubscribed, 0);
    fakehost_demand(n->host, HAWSE_DEMAND_DROP, 2, HAWSE_SPACE_SOLANA, NULL, 0);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(n->unsubscribed, 1);
    finish(n);
}

/* ---- notifications ---- */

TEST(early, "a notification that comes before the reply that names its id is told, once")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"commitment\":\"processed\"}");
    account_text(n->account, 1);
    start_live(n);
    hawse_solana_filter_t logs = filter_of(HAWSE_SOLANA_WATCH_LOGS, KEY, 1);
    n->hold = true;
    demand(n, 1, &logs, sizeof(logs));
    say_log(n, sub_of(n, "logsSubscribe")->id, n->slot, SIGNATURE);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 0);
    release(n);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 1);
    say_log(n, sub_of(n, "logsSubscribe")->id, n->slot, SIGNATURE);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 1);
    CHECK_EQ(fakehost_metric(n->host, "solana_duplicates_total"), 1);
    finish(n);
}

TEST(accounts_order,
     "states are told by slot: doubles and older ones are not, whatever their contents")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"commitment\":\"processed\"}");
    account_text(n->account, UINT64_MAX);
    start_live(n);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 1);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, UINT64_MAX);
    uint32_t sub = sub_of(n, "accountSubscribe")->id;
    uint64_t slot = n->slot + 5;
    say_account(n, sub, slot, 7);
    say_account(n, sub, slot, 7);
    say_account(n, sub, slot - 1, 8);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 2);
    say_account(n, sub, slot + 1, 7); /* written again with the same contents: an event */
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 3);
    CHECK_EQ(fakehost_metric(n->host, "solana_stale_total"), 1);
    finish(n);
}

TEST(signatures, "an outcome is told once with its error, receipts are not outcomes")
{
    struct node *n = make("{}");
    start_live(n);
    hawse_solana_filter_t f = filter_of(HAWSE_SOLANA_WATCH_SIGNATURE, SIGNATURE, 2);
    (void)snprintf(n->status, TEXT, "null");
    demand(n, 1, &f, sizeof(f));
    char text[TEXT];
    uint32_t sub = sub_of(n, "signatureSubscribe")->id;
    const char *const values[] = {"\"receivedSignature\"", "{\"err\":{\"InstructionError\":[0,"
                                                           "{\"Custom\":1}]}}"};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(
            text, sizeof(text),
            "{\"jsonrpc\":\"2.0\",\"method\":\"signatureNotification\",\"params\":{"
            "\"result\":{\"context\":{\"slot\":1007},\"value\":%s},\"subscription\":%u}}",
            values[i], sub);
        frame(n, text);
        fakehost_pass(n->host, 5 * FAKEHOST_MS);
        CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SIGNATURE, 0), i);
    }
    frame(n, text);
    pass_slots(n, 5);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SIGNATURE, 0), 1);
    finish(n);
}

TEST(malformed, "what no node sends is counted, and the stream goes on")
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":{\"result\":{\"slot\":-1},"
        "\"subscription\":0}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":{\"result\":1,"
        "\"subscription\":18446744073709551616}}",
    };
    struct node *n = make("{}");
    start_live(n);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        frame(n, bad[i]);
    pass_slots(n, 2);
    CHECK_EQ(fakehost_metric(n->host, "solana_malformed_total"), sizeof(bad) / sizeof(bad[0]));
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT)->slot, n->slot);
    finish(n);
}

TEST(same_nonce, "two transactions whose signatures begin alike are both told")
{
    struct node *n = make("{\"logs\":[\"" KEY "\"],\"commitment\":\"confirmed\"}");
    uint8_t bytes[64] = {1, 2, 3};
    start_live(n);
    for (uint8_t i = 0; i < 3;
         i++) { /* who signs twice with one nonce makes the first half alike */
        char signature[HAWSE_BASE58_SIGNATURE_TEXT];
        bytes[63] = i;
        (void)hawse_base58_from_signature(bytes, signature);
        say_log(n, sub_of(n, "logsSubscribe")->id, n->slot, signature);
    }
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 3);
    CHECK_EQ(fakehost_metric(n->host, "solana_duplicates_total"), 0);
    finish(n);
}

/* ---- continuity ---- */

TEST(reconnect,
     "after a loss: gap, then the newest state of a slot that is late enough, then healed")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"commitment\":\"confirmed\"}");
    account_text(n->account, 1);
    start_live(n);
    lose(n);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 4);
    account_text(n->account, 2);
    n->slot += 10;
    (void)snprintf(n->blocks, TEXT, "1006,1009,1010,1016");
    connect_node(n);
    say_slot(n, 1017, 1016);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 1); /* the node is at 1017 */
    pass_slots(n, 3);
    const struct told *account = last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT);
    CHECK_EQ_U64(account->lamports, 2);
    CHECK(account->slot >= 1019);
    CHECK(account->flags & HAWSE_EVENT_BACKFILLED);
    CHECK(strstr(n->last_accounts, "\"commitment\":\"confirmed\",\"minContextSlot\":1019}"));
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 0), 4);
    CHECK(place(n, last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP)) < place(n, account));
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, HAWSE_EVENT_BACKFILLED), 3);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT)->slot, n->slot);
    finish(n);
}

TEST(dead_subscription, "a subscription that falls silent is found out, filled, and made anew")
{
    struct node *n = make("{\"logs\":[\"" KEY "\"],\"commitment\":\"confirmed\","
                          "\"check_ms\":1000}");
    start_live(n);
    uint32_t subs = n->sub_count;
    pass_slots(n, 10);
    (void)snprintf(n->list, TEXT, "{\"signature\":\"" SIGNATURE "\",\"slot\":%llu,\"err\":null}",
                   (unsigned long long)n->slot);
    (void)snprintf(n->transaction, TEXT,
                   "{\"slot\":%llu,\"meta\":{\"err\":null,\"logMessages\":[\"x\"]}}",
                   (unsigned long long)n->slot);
    pass_slots(n, 12);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_BACKFILLED), 1);
    const struct told *gap = last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP);
    CHECK_EQ(gap->stream, HAWSE_SOLANA_STREAM_LOGS);
    CHECK(place(n, gap) < place(n, last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)));
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_HEALED, 0), 1);
    CHECK_EQ(n->sub_count, subs + 1);
    CHECK_EQ(n->unsubscribed, 1);
    CHECK_EQ(n->reconnects, 0);
    finish(n);
}

TEST(rollback,
     "abandoned slots and what they held are taken back, newest first, and compared again")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"logs\":[\"" KEY "\"],"
                          "\"commitment\":\"processed\",\"check_ms\":1000}");
    account_text(n->account, 1);
    start_live(n);
    uint64_t slot = n->slot;
    say_slot(n, slot + 1, slot);
    say_account(n, sub_of(n, "accountSubscribe")->id, slot + 1, 2);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE);
    say_slot(n, slot + 2, slot + 1);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
    say_slot(n, slot + 3, slot);
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, 0), 1);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_RETRACT, 0), 4);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, HAWSE_EVENT_REMOVED), 2);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, HAWSE_EVENT_REMOVED), 1);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_REMOVED), 1);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE); /* from the past */
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 2);
    pass_slots(n, 4);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 1);
    uint64_t again = n->slot; /* it landed again, and nobody said so */
    (void)snprintf(n->list, TEXT, "{\"signature\":\"" SIGNATURE "\",\"slot\":%llu}",
                   (unsigned long long)again);
    (void)snprintf(n->transaction, TEXT,
                   "{\"slot\":%llu,\"meta\":{\"err\":null,"
                   "\"logMessages\":[]}}",
                   (unsigned long long)again);
    pass_slots(n, 12);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 3);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)->slot, again);
    say_slot(n, n->slot + 1, again); /* what was taken back once is not taken back again */
    fakehost_pass(n->host, 5 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, 0), 2);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_REMOVED), 1);
    finish(n);
}

TEST(minority, "a branch that comes back after a minority's slot has its records told again")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"logs\":[\"" KEY "\"],"
                          "\"commitment\":\"processed\"}");
    account_text(n->account, 1);
    start_live(n);
    uint64_t slot = n->slot;
    say_slot(n, slot + 1, slot);
    say_account(n, sub_of(n, "accountSubscribe")->id, slot + 1, 2);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE);
    account_text(n->account, 2);
    say_slot(n, slot + 2, slot);
    fakehost_pass(n->host, FAKEHOST_MS / 2); /* before anything could be asked */
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, HAWSE_EVENT_REMOVED), 1);
    say_slot(n, slot + 3, slot + 1);
    fakehost_pass(n->host, FAKEHOST_MS / 4);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ROLLBACK, 0), 2);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)->slot, slot + 1);
    CHECK_EQ(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG)->flags, 0);
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->lamports, 2);
    CHECK_EQ(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT)->flags, 0);
    say_log(n, sub_of(n, "logsSubscribe")->id, slot + 1, SIGNATURE);
    pass_slots(n, 40);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 3);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 0);
    finish(n);
}

TEST(wrong_cluster, "nothing of another cluster is told, and all of the right one once it is there")
{
    struct node *n = make("{\"genesis\":\"" KEY "\",\"accounts\":[\"" KEY "\"]}");
    account_text(n->account, 1);
    n->genesis = OTHER;
    fakehost_start(n->host);
    fakehost_pass(n->host, 10 * FAKEHOST_MS);
    connect_node(n);
    pass_slots(n, 10);
    CHECK_EQ(n->told_count, 0);
    n->genesis = KEY;
    pass_slots(n, 20);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_LIVE, 0), 4);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 1);
    finish(n);
}

TEST(silent_slots, "a stream without slots is given up, and the gap is announced before")
{
    struct node *n = make("{\"slots_idle_ms\":2000}");
    start_live(n);
    fakehost_pass(n->host, 5000 * FAKEHOST_MS);
    CHECK_EQ(n->reconnects, 1);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_GAP, 0), 4);
    finish(n);
}

TEST(lost_slots, "slots that the node cannot list any more are declared lost, and others follow")
{
    struct node *n = make("{}");
    start_live(n);
    lose(n);
    n->slot += 10; /* and getBlocks knows nothing */
    connect_node(n);
    say_slot(n, n->slot + 1, n->slot);
    fakehost_pass(n->host, 40000 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE, 0), 1);
    CHECK(last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_LIVE) > /* and from there on it is whole */
          last(n, HAWSE_SPACE_STREAM, HAWSE_STREAM_EVENT_UNHEALABLE));
    CHECK_EQ_U64(last(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT)->slot, n->slot);
    finish(n);
}

TEST_LIMIT(no_room, 20, "when readers have no room, nothing is lost, doubled or out of order")
{
    struct node *n = make("{\"accounts\":[\"" KEY "\"],\"logs\":[\"" KEY "\"],"
                          "\"commitment\":\"processed\"}");
    account_text(n->account, 1);
    start_live(n);
    n->told_count = 0;
    n->room = 60;
    uint64_t first = n->slot;
    for (int i = 0; i < 60; i++) {
        char signature[HAWSE_BASE58_SIGNATURE_TEXT];
        uint8_t bytes[64];
        test_random_bytes(bytes, sizeof(bytes));
        (void)hawse_base58_from_signature(bytes, signature);
        say_slot(n, n->slot + 1, n->slot);
        say_log(n, sub_of(n, "logsSubscribe")->id, n->slot, signature);
        account_text(n->account, 100 + (uint64_t)i);
        say_account(n, sub_of(n, "accountSubscribe")->id, n->slot, 100 + (uint64_t)i);
        fakehost_pass(n->host, 100 * FAKEHOST_MS);
    }
    n->room = 0;
    fakehost_pass(n->host, 1000 * FAKEHOST_MS);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_SLOT, 0), 60);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), 60);
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_ACCOUNT, 0), 60);
    for (uint32_t i = 0; i < n->told_count; i++) {
        if (n->told[i].space == HAWSE_SPACE_SOLANA && n->told[i].kind == HAWSE_SOLANA_SLOT)
            CHECK_EQ_U64(n->told[i].slot, ++first);
    }
    finish(n);
}

TEST(rate, "questions stay within what the provider allows, whatever there is to compare")
{
    struct node *n = make("{\"check_ms\":100,\"requests_per_second\":2,\"logs\":[\"" KEY "\"],"
                          "\"accounts\":[\"" OTHER "\"]}");
    (void)snprintf(n->account, TEXT, "null");
    fakehost_start(n->host);
    fakehost_pass(n->host, 10 * FAKEHOST_MS);
    connect_node(n);
    pass_slots(n, 50); /* 20 seconds */
    CHECK(n->questions > 20);
    CHECK(n->questions <= 2 * 20 + 3);
    finish(n);
}

TEST(many_ids, "notifications find their watch among many, also when numbers are used again")
{
    struct node *n = make("{}");
    hawse_solana_filter_t f = filter_of(HAWSE_SOLANA_WATCH_LOGS, KEY, 2);
    start_live(n);
    for (uint64_t i = 0; i < SUBS - 3; i++) {
        f.id[0] = (uint8_t)(i + 1);
        demand(n, 10 + i, &f, sizeof(f));
    }
    fakehost_demand(n->host, HAWSE_DEMAND_DROP, 12, HAWSE_SPACE_SOLANA, NULL, 0);
    fakehost_pass(n->host, 20 * FAKEHOST_MS);
    for (uint32_t i = 2; i < n->sub_count; i++) {
        uint8_t bytes[64] = {(uint8_t)i};
        char signature[HAWSE_BASE58_SIGNATURE_TEXT];
        (void)hawse_base58_from_signature(bytes, signature);
        say_log(n, n->subs[i].id, n->slot, signature);
    }
    CHECK_EQ(count(n, HAWSE_SPACE_SOLANA, HAWSE_SOLANA_PROGRAM_LOG, 0), SUBS - 4);
    finish(n);
}
