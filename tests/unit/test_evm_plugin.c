/*
 * The EVM chain plugin in a fake host before a fake node: what is told is what is true, once, in
 * order, and announced, whatever the node and the stream do.
 */
#include "evm_node.h"
#include "harness.h"

#include <hawse/service/stream.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 1000 };

struct bed {
    struct fake_host *host;
    struct node node;
    struct judge judge;
    uint64_t first;  /* logs from here on are expected */
    uint64_t obeyed; /* reconnections that the plugin asked for and got */
};

static void demand(struct bed *bed, uint32_t change, uint64_t sub, const uint8_t *address,
                   const uint8_t *topic)
{
    struct {
        hawse_evm_log_filter_t filter;
        uint8_t topic[32];
    } f = {.filter = {.size = sizeof(f.filter), .topic0_count = topic ? 1 : 0}};
    memcpy(f.filter.address, address, 20);
    if (topic)
        memcpy(f.topic, topic, 32);
    fake_demand(bed->host, change, sub, HAWSE_SPACE_EVM, HAWSE_EVM_LOG, &f,
                (uint32_t)(sizeof(f.filter) + (topic ? 32 : 0)));
}

static void begin_with(struct bed *bed, const char *settings, bool no_http)
{
    memset(bed, 0, sizeof(*bed));
    bed->host = fake_create(hawse_plugin_v1(NULL), settings, NULL, NULL, 0);
    CHECK(bed->host);
    bed->host->no_http = no_http;
    node_init(&bed->node, bed->host, 100, FIRST);
    for (uint32_t i = 0; i < 5; i++)
        demand(bed, HAWSE_DEMAND_ADD, 10 + i, node_pool(i), i % 2 ? node_topic() : NULL);
}

static void open_stream(struct bed *bed)
{
    fake_stream_state(bed->host, HAWSE_STREAM_OPEN);
    node_serve(&bed->node);
}

/* The host does what reconnect() asks for. */
static void obey(struct bed *bed)
{
    while (bed->obeyed < bed->host->reconnects) {
        bed->obeyed = bed->host->reconnects;
        node_forget(&bed->node);
        fake_stream_state(bed->host, HAWSE_STREAM_CLOSED);
        open_stream(bed);
    }
}

static void read_all(struct bed *bed)
{
    node_serve(&bed->node);
    obey(bed);
    judge_read(&bed->judge, &bed->node);
}

static void warm_up(struct bed *bed, int blocks)
{
    for (int i = 0; i < blocks; i++) {
        (void)node_mine(&bed->node, (uint32_t)(test_random() % 6), NODE_PLAIN);
        fake_advance(bed->host, 20);
        read_all(bed);
    }
}

static void begin(struct bed *bed)
{
    begin_with(bed, "{}", false);
    CHECK_EQ(fake_start(bed->host), HAWSE_OK);
    open_stream(bed);
    bed->first = FIRST;
    read_all(bed);
}

static void settle(struct bed *bed)
{
    node_wait(&bed->node, 1000);
    obey(bed);
    node_wait(&bed->node, 2000);
    judge_settle(&bed->judge, &bed->node, bed->first);
}

static void end(struct bed *bed)
{
    CHECK(!bed->host->failed);
    node_finish(&bed->node);
    judge_finish(&bed->judge);
    fake_destroy(bed->host);
}

static void drop_stream(struct bed *bed)
{
    node_forget(&bed->node);
    fake_stream_state(bed->host, HAWSE_STREAM_CLOSED);
    bed->obeyed = bed->host->reconnects;
    read_all(bed);
}

/* ---- ordinary life ---- */

TEST(plain, "heads and logs are told once, in order, and the sequences are live")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 60);
    settle(&bed);
    CHECK_EQ(bed.judge.gaps, 0);
    CHECK_EQ(bed.judge.late, 0);
    CHECK_EQ(bed.judge.blocks, 61);
    CHECK_EQ(fake_metric(bed.host, "heads_total"), 61);
    CHECK_EQ_U64((uint64_t)fake_metric(bed.host, "logs_total"), bed.judge.logs);
    CHECK_EQ(fake_metric(bed.host, "missing_total"), 0);
    CHECK_EQ(fake_metric(bed.host, "complete_block"), FIRST + 60);
    CHECK_EQ(fake_channel_state(bed.host, "heads"), HAWSE_CHANNEL_LIVE);
    CHECK_EQ(fake_channel_state(bed.host, "logs"), HAWSE_CHANNEL_LIVE);
    CHECK_EQ(bed.node.sub_count, 2);
    end(&bed);
}

TEST(at_once, "a pushed log is told in the callback that brought it, before its head if it came so")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 3);
    node_wait(&bed.node, 2000);
    read_all(&bed);
    uint64_t logs = bed.judge.logs;
    uint32_t block = node_make(&bed.node, bed.node.head, 4);
    node_set_head(&bed.node, block);
    node_announce(&bed.node, block, NODE_NO_HEAD);
    judge_read(&bed.judge, &bed.node); /* nothing was asked or answered */
    CHECK_EQ_U64(bed.judge.logs, logs + 4);
    node_announce(&bed.node, block, NODE_NO_LOGS);
    judge_read(&bed.judge, &bed.node);
    CHECK_EQ_U64(bed.judge.numbers[bed.judge.branch_count - 1], node_height(&bed.node));
    settle(&bed);
    CHECK_EQ(bed.judge.gaps, 0);
    end(&bed);
}

TEST(manners, "doubled, reordered and early notifications change nothing")
{
    struct bed bed;
    begin(&bed);
    for (int i = 0; i < 80; i++) {
        static const unsigned manners[] = {NODE_PLAIN, NODE_LOGS_FIRST, NODE_TWICE, NODE_BACKWARDS,
                                           NODE_LOGS_FIRST | NODE_TWICE | NODE_BACKWARDS};
        (void)node_mine(&bed.node, (uint32_t)(test_random() % 8), manners[test_random() % 5]);
        fake_advance(bed.host, 10);
        read_all(&bed);
    }
    settle(&bed);
    CHECK_EQ(bed.judge.gaps, 0);
    CHECK(fake_metric(bed.host, "duplicates_total") > 20);
    end(&bed);
}

TEST(out_of_order, "heads that change places are told in the order of their numbers")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 3);
    for (int i = 0; i < 10; i++) {
        uint32_t a = node_make(&bed.node, bed.node.head, 2), b = node_make(&bed.node, a, 3);
        node_set_head(&bed.node, b);
        node_announce(&bed.node, b, NODE_PLAIN);
        node_announce(&bed.node, a, NODE_PLAIN);
        judge_read(&bed.judge, &bed.node);
        node_serve(&bed.node);
    }
    settle(&bed);
    end(&bed);
}

TEST(over_stream, "without an endpoint for HTTP the stream is asked instead")
{
    struct bed bed;
    begin_with(&bed, "{}", true);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 20);
    (void)node_mine(&bed.node, 4, NODE_NO_LOGS);
    warm_up(&bed, 5);
    settle(&bed);
    CHECK_EQ(bed.host->request_count, 0);
    CHECK_EQ(bed.judge.healed, 1);
    end(&bed);
}

TEST(numeric_ids, "subscription ids may be numbers")
{
    struct bed bed;
    begin_with(&bed, "{}", false);
    bed.node.numeric_ids = true;
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 20);
    settle(&bed);
    end(&bed);
}

/* ---- losses ---- */

TEST(lost_log, "one log that was never pushed is found behind the head, within an announced gap")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    (void)node_mine(&bed.node, 4, NODE_LOSE_ONE);
    warm_up(&bed, 5);
    settle(&bed);
    CHECK_EQ(bed.judge.gaps, 1);
    CHECK_EQ(bed.judge.healed, 1);
    CHECK_EQ(bed.judge.backfilled, 1);
    CHECK_EQ(fake_metric(bed.host, "missing_total"), 1);
    end(&bed);
}

TEST(no_bloom, "where headers have no bloom every block is checked")
{
    struct bed bed;
    begin(&bed);
    bed.node.no_bloom = true;
    warm_up(&bed, 5);
    (void)node_mine(&bed.node, 3, NODE_NO_LOGS);
    warm_up(&bed, 5);
    settle(&bed);
    CHECK_EQ(bed.judge.backfilled, 3);
    end(&bed);
}

TEST(bloom_saves, "blocks whose bloom rules out a wanted log are never asked for")
{
    struct bed bed;
    begin(&bed);
    node_wait(&bed.node, 2000);
    uint64_t before = bed.node.asked_logs;
    for (int i = 0; i < 40; i++)
        (void)node_mine(&bed.node, 0, NODE_PLAIN);
    settle(&bed);
    CHECK_EQ_U64(bed.node.asked_logs, before);
    (void)node_mine(&bed.node, 1, NODE_PLAIN);
    settle(&bed);
    CHECK_EQ_U64(bed.node.asked_logs, before + 1);
    end(&bed);
}

TEST(lagging_answer, "an empty answer that contradicts the bloom is not believed at once")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    node_wait(&bed.node, 1500);
    bed.node.empty_logs = 1;
    (void)node_mine(&bed.node, 3, NODE_NO_LOGS);
    (void)node_mine(&bed.node, 0, NODE_PLAIN);
    settle(&bed);
    CHECK_EQ(bed.judge.backfilled, 3);
    end(&bed);
}

TEST(silent_logs, "a logs subscription that died without a word is noticed and subscribed anew")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    uint32_t subs = bed.node.next_sub;
    for (int i = 0; i < 6; i++) {
        (void)node_mine(&bed.node, 3, NODE_NO_LOGS);
        node_wait(&bed.node, 100);
        read_all(&bed);
    }
    CHECK(bed.node.next_sub > subs);
    warm_up(&bed, 5);
    settle(&bed);
    CHECK(bed.judge.gaps >= 1);
    CHECK_EQ(bed.judge.gaps, bed.judge.healed);
    CHECK_EQ(bed.node.sub_count, 2); /* the dead one was given back */
    uint64_t gaps = bed.judge.gaps;
    warm_up(&bed, 10);
    settle(&bed);
    CHECK_EQ_U64(bed.judge.gaps, gaps);
    end(&bed);
}

TEST(lost_head, "a head that was never pushed is fetched, and nothing is out of order")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    for (int i = 0; i < 5; i++) {
        (void)node_mine(&bed.node, 3, NODE_NO_HEAD);
        (void)node_mine(&bed.node, 3, NODE_PLAIN);
        read_all(&bed);
    }
    settle(&bed);
    CHECK_EQ(bed.judge.gaps, 0); /* it was never late */
    end(&bed);
}

TEST(silent_heads, "a heads subscription that died without a word is noticed and subscribed anew")
{
    struct bed bed;
    begin_with(&bed, "{\"heads_idle_ms\":1000}", false);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 5);
    uint32_t subs = bed.node.next_sub;
    for (int i = 0; i < 30; i++) {
        (void)node_mine(&bed.node, 2, NODE_NO_HEAD | NODE_NO_LOGS);
        node_wait(&bed.node, 100);
        read_all(&bed);
    }
    CHECK(bed.node.next_sub > subs);
    warm_up(&bed, 5);
    settle(&bed);
    CHECK(bed.judge.gaps >= 2);
    end(&bed);
}

TEST(many_heads_lost, "a long hole between pushed heads is announced, filled and healed")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    for (int i = 0; i < 40; i++)
        (void)node_mine(&bed.node, 3, NODE_NO_HEAD | NODE_NO_LOGS);
    (void)node_mine(&bed.node, 3, NODE_PLAIN);
    read_all(&bed);
    settle(&bed);
    CHECK_EQ(bed.judge.gaps, 2);
    CHECK_EQ(bed.judge.late, 0);
    end(&bed);
}

/* ---- the stream is lost ---- */

static void away(struct bed *bed, int blocks)
{
    drop_stream(bed);
    if (bed->host->room == UINT64_MAX)
        CHECK(bed->judge.gap[HAWSE_EVM_STREAM_BLOCKS] && bed->judge.gap[HAWSE_EVM_STREAM_LOGS]);
    for (int i = 0; i < blocks; i++)
        (void)node_mine(&bed->node, (uint32_t)(test_random() % 6), NODE_PLAIN);
    fake_stream_state(bed->host, HAWSE_STREAM_CLOSED); /* a failed attempt */
    fake_advance(bed->host, 100);
    open_stream(bed);
    read_all(bed);
}

TEST(reconnect, "what was missed while the stream was away is told in order between gap and healed")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 10);
    for (int i = 0; i < 8; i++) {
        away(&bed, (int)(test_random() % 30));
        warm_up(&bed, 3);
        settle(&bed);
        CHECK_EQ(bed.judge.gaps, 2 * (i + 1)); /* once for each sequence, whatever was tried */
        CHECK_EQ(bed.judge.healed, bed.judge.gaps);
    }
    CHECK_EQ(bed.judge.late, 0);
    CHECK(bed.judge.backfilled > 50);
    end(&bed);
}

TEST_LIMIT(long_gap, 20,
           "a gap of many windows is filled in pieces, in order, whatever the range allows")
{
    struct bed bed;
    begin_with(&bed, "{\"window\":64,\"max_range\":500}", false);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 10);
    bed.node.max_range = 20;
    bed.node.max_logs = 30;
    away(&bed, 700);
    settle(&bed);
    CHECK_EQ(bed.judge.unhealable, 0);
    CHECK_EQ(bed.judge.late, 0);
    CHECK_EQ(bed.judge.blocks, 711);
    end(&bed);
}

TEST(pushes_meanwhile, "what is pushed while a gap is being filled is neither lost nor doubled")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 10);
    drop_stream(&bed);
    for (int i = 0; i < 50; i++)
        (void)node_mine(&bed.node, 3, NODE_PLAIN);
    fake_stream_state(bed.host, HAWSE_STREAM_OPEN);
    for (int i = 0; i < 200; i++) { /* one answer at a time, with blocks between */
        const char *message;
        struct fake_request *request;
        uint64_t head = node_height(&bed.node);
        if (i % 3 == 0 && head < FIRST + 120)
            (void)node_mine(&bed.node, 3, i % 2 ? NODE_LOGS_FIRST : NODE_PLAIN);
        (void)message;
        (void)request;
        fake_advance(bed.host, 5);
        if (i % 7 == 0)
            node_serve(&bed.node);
        judge_read(&bed.judge, &bed.node);
    }
    settle(&bed);
    CHECK_EQ(bed.judge.late, 0);
    end(&bed);
}

TEST(given_up, "a gap longer than allowed is said to be lost, and the rest goes on")
{
    struct bed bed;
    begin_with(&bed, "{\"window\":64,\"max_backfill_blocks\":100}", false);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 10);
    away(&bed, 500);
    bed.first = node_height(&bed.node) - 99;
    node_wait(&bed.node, 3000);
    judge_settle(&bed.judge, &bed.node, bed.first);
    CHECK_EQ(bed.judge.unhealable, 2);
    end(&bed);
}

TEST(errors, "failing answers delay a gap's end, nothing else")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 10);
    for (int i = 0; i < 5; i++) {
        bed.node.refuse = (uint32_t)(test_random() % 12);
        away(&bed, 20);
        node_wait(&bed.node, 12000);
        warm_up(&bed, 2);
        settle(&bed);
    }
    CHECK_EQ(bed.judge.late, 0);
    end(&bed);
}

TEST(http_lags, "an HTTP node behind the stream's delays the end of a gap, and no log is lost")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 10);
    bed.node.lag = 3;
    away(&bed, 20);
    warm_up(&bed, 10);
    node_wait(&bed.node, 2000);
    judge_read(&bed.judge, &bed.node);
    bed.node.lag = 0;
    node_wait(&bed.node, 12000);
    warm_up(&bed, 5);
    settle(&bed);
    end(&bed);
}

TEST(refused_subscription, "a refused subscription is told in words and asked for again")
{
    struct bed bed;
    begin_with(&bed, "{}", false);
    bed.node.refuse_subscribe = 3;
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    CHECK(strstr(bed.host->last_log[HAWSE_LOG_WARN], "eth_subscribe"));
    CHECK(strstr(bed.host->last_log[HAWSE_LOG_WARN], "-32601"));
    CHECK(strstr(bed.host->last_log[HAWSE_LOG_WARN], "notifications not supported"));
    CHECK(strstr(bed.host->last_log[HAWSE_LOG_WARN], "\"ws\""));
    bed.first = FIRST;
    node_wait(&bed.node, 10000);
    warm_up(&bed, 5);
    settle(&bed);
    end(&bed);
}

TEST(wrong_chain, "a node of another chain is refused with a sentence that names both")
{
    struct bed bed;
    begin_with(&bed, "{}", true);
    bed.node.chain_id = 137;
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    CHECK(bed.host->failed);
    CHECK(strstr(bed.host->error, "chain 137") && strstr(bed.host->error, "chain 100"));
    CHECK(strstr(bed.host->error, "\"ws\""));
    CHECK_EQ(bed.host->event_count, 0);
    bed.host->failed = false;
    end(&bed);
}

TEST(wrong_chain_later, "a node that changes its chain when reconnected is not believed")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    drop_stream(&bed);
    bed.node.chain_id = 1;
    open_stream(&bed);
    node_wait(&bed.node, 500);
    CHECK(!bed.host->failed);
    CHECK(bed.host->reconnects >= 1);
    CHECK(bed.judge.gap[HAWSE_EVM_STREAM_LOGS]);
    bed.node.chain_id = 100;
    fake_stream_state(bed.host, HAWSE_STREAM_CLOSED);
    open_stream(&bed);
    warm_up(&bed, 5);
    settle(&bed);
    end(&bed);
}

/* ---- reorganisations ---- */

static void reorgs(struct bed *bed, uint64_t depth, bool removed, unsigned manner)
{
    node_reorg(&bed->node, depth, depth + test_random() % 3, removed, manner);
    read_all(bed);
    warm_up(bed, 2);
    settle(bed);
    CHECK_EQ_U64(bed->judge.last_depth, depth);
}

TEST_LIMIT(reorg, 20,
           "reorganisations of 1, 3, 12 and 64 blocks take back and tell exactly what changed")
{
    static const uint64_t depths[] = {1, 3, 12, 64};
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 80);
    for (int i = 0; i < 4; i++) {
        reorgs(&bed, depths[i], false, NODE_PLAIN);
        reorgs(&bed, depths[i], false, NODE_LOGS_FIRST);
        reorgs(&bed, depths[i], false, NODE_TWICE);
    }
    CHECK_EQ(bed.judge.reorgs, 12);
    CHECK_EQ(bed.judge.unhealable, 0);
    CHECK(bed.judge.retracts >= 24);
    CHECK_EQ(fake_metric(bed.host, "reorgs_total"), 12);
    end(&bed);
}

TEST_LIMIT(removed, 20, "logs that the node itself takes back are taken back once")
{
    static const uint64_t depths[] = {1, 3, 12, 64};
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 80);
    for (int i = 0; i < 4; i++)
        reorgs(&bed, depths[i], true, NODE_PLAIN);
    CHECK_EQ(bed.judge.reorgs, 4);
    CHECK_EQ(bed.judge.gaps, 0);
    end(&bed);
}

TEST(removed_at_once, "a removed log is taken back before any head explains it, and the later ones")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 10);
    node_wait(&bed.node, 2000);
    uint32_t low = node_mine(&bed.node, 3, NODE_PLAIN);
    (void)node_mine(&bed.node, 2, NODE_PLAIN);
    settle(&bed);
    uint64_t removed = bed.judge.removed;
    node_announce_removed(&bed.node, low);
    node_announce_removed(&bed.node, low); /* doubled */
    judge_read(&bed.judge, &bed.node);
    CHECK_EQ_U64(bed.judge.removed, removed + 5);
    settle(&bed); /* the node says that the block stays: everything is there again */
    CHECK_EQ(bed.judge.reorgs, 0);
    end(&bed);
}

TEST(last_head_only,
     "a node that announces only the last head of a new branch is followed all the same")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 70);
    for (uint64_t depth = 1; depth <= 64; depth *= 4) {
        uint32_t from = bed.node.head;
        for (uint64_t i = 0; i < depth; i++)
            from = bed.node.blocks[from].up;
        for (uint64_t i = 0; i <= depth; i++)
            from = node_make(&bed.node, from, (uint32_t)(test_random() % 4));
        node_set_head(&bed.node, from);
        node_announce(&bed.node, from, NODE_PLAIN);
        read_all(&bed);
        settle(&bed);
        CHECK_EQ_U64(bed.judge.last_depth, depth);
    }
    end(&bed);
}

TEST(shorter, "a chain that becomes shorter is followed when its next block shows it")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 20);
    for (uint64_t depth = 2; depth <= 10; depth += 4) {
        node_reorg(&bed.node, depth, 1, false, NODE_PLAIN);
        read_all(&bed);
        settle(&bed);
        warm_up(&bed, 12);
    }
    settle(&bed);
    CHECK_EQ(bed.judge.reorgs, 3);
    end(&bed);
}

TEST(unseen, "reorganisations while the stream was away are taken back before what came is told")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 80);
    for (uint64_t depth = 1; depth <= 64; depth *= 4) {
        drop_stream(&bed);
        node_reorg(&bed.node, depth, depth + 3, false, NODE_PLAIN);
        fake_advance(bed.host, 100);
        open_stream(&bed);
        read_all(&bed);
        settle(&bed);
        CHECK_EQ_U64(bed.judge.last_depth, depth);
        warm_up(&bed, 5);
    }
    settle(&bed);
    CHECK_EQ(bed.judge.late, 0);
    CHECK_EQ(bed.judge.unhealable, 0);
    end(&bed);
}

TEST(too_deep, "a branch from before the window starts afresh and says so")
{
    struct bed bed;
    begin_with(&bed, "{\"window\":64}", false);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 150);
    settle(&bed);
    node_reorg(&bed.node, 100, 105, false, NODE_PLAIN);
    read_all(&bed);
    warm_up(&bed, 5);
    node_wait(&bed.node, 3000);
    judge_read(&bed.judge, &bed.node);
    CHECK_EQ(bed.judge.unhealable, 2);
    judge_settle(&bed.judge, &bed.node, bed.judge.numbers[0]);
    end(&bed);
}

TEST(early_log_wrong, "a log told before its head is taken back when another head comes")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    node_wait(&bed.node, 2000);
    read_all(&bed);
    uint32_t lost = node_make(&bed.node, bed.node.head, 3);
    uint64_t removed = bed.judge.removed;
    uint32_t head = bed.node.head;
    node_announce(&bed.node, lost, NODE_NO_HEAD); /* never becomes the chain */
    judge_read(&bed.judge, &bed.node);
    CHECK_EQ(bed.node.head, head);
    (void)node_mine(&bed.node, 2, NODE_PLAIN);
    read_all(&bed);
    CHECK_EQ_U64(bed.judge.removed, removed + 3);
    settle(&bed);
    CHECK_EQ(bed.judge.reorgs, 0);
    end(&bed);
}

/* ---- room ---- */

/* A subscriber takes `room` events at a time and is full for a while after. */
static void trickle(struct bed *bed, uint64_t rounds, uint64_t room)
{
    for (uint64_t i = 0; i < rounds; i++) {
        bed->host->room = test_random() % (room + 1);
        fake_run(bed->host);
        fake_advance(bed->host, 1);
        judge_read(&bed->judge, &bed->node);
    }
}

TEST_LIMIT(no_room, 30,
           "a full subscriber stops everything at any event, and everything goes on there")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 80);
    for (int i = 0; i < 12; i++) {
        bed.host->room = test_random() % 3;
        if (i % 3 == 0)
            node_reorg(&bed.node, 1 + test_random() % 40, 20, i % 2, NODE_PLAIN);
        else if (i % 3 == 1)
            away(&bed, 20);
        else
            warm_up(&bed, 10);
        for (int k = 0; k < 30; k++) {
            trickle(&bed, 20, 4);
            node_serve(&bed.node);
        }
        bed.host->room = UINT64_MAX;
        fake_run(bed.host);
        settle(&bed);
    }
    CHECK_EQ(bed.judge.unhealable, 0);
    end(&bed);
}

TEST(room_only_by_timer,
     "what is left to tell when every event was taken is told without a new one")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    node_wait(&bed.node, 2000);
    read_all(&bed);
    bed.host->room = 0;
    uint32_t block = node_make(&bed.node, bed.node.head, 0);
    node_set_head(&bed.node, block);
    node_announce(&bed.node, block, NODE_PLAIN);
    CHECK(!bed.host->queue); /* it was taken */
    bed.host->room = UINT64_MAX;
    fake_advance(bed.host, 2);
    judge_read(&bed.judge, &bed.node);
    CHECK_EQ_U64(bed.judge.numbers[bed.judge.branch_count - 1], node_height(&bed.node));
    end(&bed);
}

/* ---- demands ---- */

TEST(demand_later, "an address wanted later is subscribed before the old subscription is given up")
{
    struct bed bed;
    memset(&bed, 0, sizeof(bed));
    bed.host = fake_create(hawse_plugin_v1(NULL), "{}", NULL, NULL, 0);
    node_init(&bed.node, bed.host, 100, FIRST);
    demand(&bed, HAWSE_DEMAND_ADD, 10, node_pool(0), NULL);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    for (uint32_t i = 1; i < 5; i++) {
        warm_up(&bed, 10);
        demand(&bed, HAWSE_DEMAND_ADD, 10 + i, node_pool(i), node_topic());
        bed.first = node_height(&bed.node) + 1;
        for (int k = 0; k < 4; k++) { /* before it can have been subscribed */
            (void)node_mine(&bed.node, 5, NODE_PLAIN);
            fake_advance(bed.host, 10);
        }
        read_all(&bed);
        CHECK(bed.node.sub_count >= 2);
        node_wait(&bed.node, 100);
        CHECK_EQ(bed.node.sub_count, 2);
    }
    warm_up(&bed, 10);
    settle(&bed);
    CHECK_EQ(fake_metric(bed.host, "missing_total"), 0);
    uint64_t logs = bed.judge.logs;
    for (uint32_t i = 0; i < 5; i++)
        demand(&bed, HAWSE_DEMAND_DROP, 10 + i, node_pool(i), NULL);
    node_wait(&bed.node, 100);
    CHECK_EQ(bed.node.sub_count, 1); /* heads */
    for (int i = 0; i < 5; i++)
        (void)node_mine(&bed.node, 5, NODE_PLAIN);
    node_wait(&bed.node, 2000);
    judge_read(&bed.judge, &bed.node);
    CHECK_EQ_U64(bed.judge.logs, logs);
    end(&bed);
}

TEST(many_addresses, "more addresses than fit one subscription are spread over several")
{
    struct bed bed;
    begin_with(&bed, "{}", false);
    for (uint32_t i = 0; i < 1100; i++) {
        uint8_t address[20] = {0xdd, (uint8_t)(i >> 8), (uint8_t)i, 9};
        demand(&bed, HAWSE_DEMAND_ADD, 1000 + i, address, node_topic());
    }
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    CHECK_EQ(bed.node.sub_count, 4);
    warm_up(&bed, 20);
    (void)node_mine(&bed.node, 5, NODE_NO_LOGS);
    warm_up(&bed, 3);
    settle(&bed);
    end(&bed);
}

TEST(bad_demands, "filters that make no sense are refused in words and harm nobody")
{
    struct bed bed;
    begin(&bed);
    uint8_t nobody[20] = {0};
    size_t warnings = bed.host->log_lines[HAWSE_LOG_WARN];
    demand(&bed, HAWSE_DEMAND_ADD, 99, nobody, NULL);
    CHECK_EQ_U64(bed.host->log_lines[HAWSE_LOG_WARN], warnings + 1);
    fake_demand(bed.host, HAWSE_DEMAND_ADD, 98, HAWSE_SPACE_EVM, HAWSE_EVM_LOG, "short", 5);
    fake_demand(bed.host, 77, 97, HAWSE_SPACE_EVM, HAWSE_EVM_LOG, NULL, 0);
    hawse_evm_log_filter_t f = {.size = sizeof(f), .topic0_count = 1000, .address = {1}};
    fake_demand(bed.host, HAWSE_DEMAND_ADD, 96, HAWSE_SPACE_EVM, HAWSE_EVM_LOG, &f, sizeof(f));
    f.size = UINT32_MAX;
    fake_demand(bed.host, HAWSE_DEMAND_ADD, 95, HAWSE_SPACE_EVM, HAWSE_EVM_LOG, &f, sizeof(f));
    demand(&bed, HAWSE_DEMAND_DROP, 94, node_pool(0), NULL);
    warm_up(&bed, 10);
    settle(&bed);
    end(&bed);
}

/* ---- the rest ---- */

TEST(bad_messages, "what is not understood is counted, and many in a row end the connection")
{
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"id\":\"x\",\"result\":1}",
        "{\"method\":\"eth_subscription\",\"params\":3}",
        "{\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x1\"}}",
        "{\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x1001\",\"result\":{"
        "\"number\":\"0x1\",\"hash\":\"0x12\"}}}",
        "{\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x1000\",\"result\":{"
        "\"address\":\"0x\",\"topics\":[]}}}",
        "{\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x1000\",\"result\":[]}}",
    };
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    int n = (int)(sizeof(bad) / sizeof(bad[0]));
    for (int i = 0; i < n; i++)
        fake_frame(bed.host, bad[i]);
    fake_frame_bytes(bed.host, (const uint8_t *)"{}", 2, HAWSE_FRAME_BINARY);
    CHECK(fake_metric(bed.host, "malformed_total") >= n - 1);
    CHECK_EQ(bed.host->reconnects, 0);
    CHECK(bed.host->log_lines[HAWSE_LOG_WARN] <= 6); /* once a minute of each kind */
    warm_up(&bed, 1); /* one that is understood: they are no longer in a row */
    for (int i = 0; i < 20; i++)
        fake_frame(bed.host, "{]");
    CHECK_EQ(bed.host->reconnects, 1);
    warm_up(&bed, 5);
    settle(&bed);
    end(&bed);
}

TEST(bad_answers, "answers that are lies or nonsense are asked for again")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 5);
    static const char *const lies[] = {
        "[{}]", "{}", "null", "7", "[", "[[]]", "{\"hash\":\"0x00\"}", "\"\""};
    for (int i = 0; i < 8; i++) {
        (void)node_mine(&bed.node, 3, i % 2 ? NODE_NO_LOGS : NODE_NO_HEAD);
        (void)node_mine(&bed.node, 3, NODE_PLAIN);
        fake_advance(bed.host, 50);
        for (int k = 0; k < 3; k++) {
            struct fake_request *request = fake_request(bed.host);
            if (request)
                fake_answer(bed.host, request, HAWSE_OK, 0, 200, lies[i]);
        }
        node_wait(&bed.node, 12000);
        judge_read(&bed.judge, &bed.node);
    }
    warm_up(&bed, 5);
    settle(&bed);
    end(&bed);
}

TEST(no_answer, "questions without an answer are given up in time and asked again")
{
    struct bed bed;
    begin_with(&bed, "{\"request_timeout_ms\":500}", true);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 5);
    bed.node.deaf = true;
    (void)node_mine(&bed.node, 3, NODE_NO_LOGS);
    (void)node_mine(&bed.node, 3, NODE_PLAIN);
    fake_advance(bed.host, 2000);
    bed.host->message_read = bed.host->message_count; /* they were lost */
    bed.node.deaf = false;
    node_wait(&bed.node, 5000);
    settle(&bed);
    end(&bed);
}

TEST(final_tag, "what the node calls finalized is told as final, without holes")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 60);
    settle(&bed);
    CHECK(bed.judge.finals > 3);
    CHECK(bed.judge.last_final >= FIRST + 60 - 20 - 8);
    CHECK(bed.judge.last_final <= FIRST + 40);
    end(&bed);
}

TEST(final_count, "where the node knows no finalized block confirmations are counted")
{
    struct bed bed;
    begin_with(&bed, "{\"confirmations\":10}", false);
    bed.node.no_final = true;
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 60);
    node_wait(&bed.node, 5000);
    warm_up(&bed, 1);
    settle(&bed);
    CHECK_EQ_U64(bed.judge.last_final, FIRST + 61 - 10);
    end(&bed);
}

TEST(pending, "pending transactions come when the feature is on, and only then")
{
    static const char frame[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":%s,"
        "\"result\":\"0x%064d\"}}";
    for (int on = 0; on < 2; on++) {
        struct bed bed;
        char text[400];
        begin_with(&bed, on ? "{\"features\":{\"pending_transactions\":true}}" : "{}", false);
        CHECK_EQ(fake_start(bed.host), HAWSE_OK);
        open_stream(&bed);
        bed.first = FIRST;
        CHECK_EQ(bed.node.sub_count, on ? 3 : 2);
        for (int i = 0; i < 10; i++) {
            (void)snprintf(text, sizeof(text), frame, "\"0x1002\"", i);
            fake_frame(bed.host, text);
        }
        read_all(&bed);
        CHECK_EQ_U64(bed.judge.pending, on ? 10 : 0);
        warm_up(&bed, 3);
        settle(&bed);
        end(&bed);
    }
}

TEST(poll, "polling alone tells the same")
{
    struct bed bed;
    begin_with(&bed, "{\"transport\":\"poll\",\"poll_ms\":100}", false);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    bed.first = FIRST;
    node_wait(&bed.node, 500);
    for (int i = 0; i < 30; i++) {
        (void)node_mine(&bed.node, (uint32_t)(test_random() % 6), NODE_PLAIN);
        if (i == 20)
            node_reorg(&bed.node, 5, 7, false, NODE_PLAIN);
        node_wait(&bed.node, 60);
        judge_read(&bed.judge, &bed.node);
    }
    settle(&bed);
    CHECK_EQ(bed.judge.gaps, 0);
    CHECK_EQ(bed.judge.late, 0);
    CHECK_EQ(bed.judge.reorgs, 1);
    CHECK_EQ(bed.host->stream_opened, 0);
    end(&bed);
}

TEST(poll_fallback, "when the stream is away for long HTTP stands in for it, until it is back")
{
    struct bed bed;
    begin_with(&bed,
               "{\"poll_ms\":100,\"poll_after_ms\":1000,\"features\":{\"poll_fallback\":true}}",
               false);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    warm_up(&bed, 10);
    drop_stream(&bed);
    for (int i = 0; i < 40; i++) {
        (void)node_mine(&bed.node, (uint32_t)(test_random() % 6), NODE_PLAIN);
        node_wait(&bed.node, 100);
        judge_read(&bed.judge, &bed.node);
    }
    settle(&bed); /* live again, without the stream */
    CHECK_EQ(fake_metric(bed.host, "polling"), 1);
    open_stream(&bed);
    node_wait(&bed.node, 200);
    CHECK_EQ(fake_metric(bed.host, "polling"), 0);
    uint64_t gaps = bed.judge.gaps;
    warm_up(&bed, 10);
    settle(&bed);
    CHECK_EQ_U64(bed.judge.gaps, gaps); /* nothing was missed when it came back */
    CHECK_EQ(bed.judge.late, 0);
    end(&bed);
}

TEST(settings, "settings outside their range are refused by name")
{
    static const struct {
        const char *settings, *names;
    } cases[] = {
        {"{\"window\":3}", "settings.window"},
        {"{\"window\":\"x\"}", "settings.window"},
        {"{\"chain_id\":137}", "137"},
        {"{\"transport\":\"carrier pigeon\"}", "settings.transport"},
        {"{\"finality\":1}", "settings.finality"},
        {"{\"vindow\":64}", "settings.vindow"},
        {"[]", "object"},
        {"{", "object"},
        {"", "object"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int32_t code = 0;
        char error[300];
        CHECK(!fake_create(hawse_plugin_v1(NULL), cases[i].settings, &code, error, sizeof(error)));
        CHECK(code < 0);
        if (!strstr(error, cases[i].names))
            FAIL("%s: the error is \"%s\"", cases[i].settings, error);
    }
}

TEST(no_endpoint, "a missing endpoint is named, with what to add")
{
    struct bed bed;
    begin_with(&bed, "{}", false);
    bed.host->no_ws = true;
    CHECK_EQ(fake_start(bed.host), HAWSE_E_NOTFOUND);
    CHECK(strstr(bed.host->error, "\"ws\"") && strstr(bed.host->hint, "endpoints.ws"));
    end(&bed);
}

TEST_LIMIT(small_store, 20,
           "a store too small for the window is confessed, and logs are never told twice")
{
    struct bed bed;
    begin_with(&bed, "{\"log_store_kib\":64}", false);
    CHECK_EQ(fake_start(bed.host), HAWSE_OK);
    open_stream(&bed);
    bed.first = FIRST;
    for (int i = 0; i < 60; i++) {
        (void)node_mine(&bed.node, 20, i % 2 ? NODE_TWICE : NODE_PLAIN);
        fake_advance(bed.host, 20);
        read_all(&bed);
    }
    settle(&bed);
    CHECK(fake_metric(bed.host, "log_store_evicted_total") > 500);
    CHECK_EQ(bed.judge.gaps, 0);
    away(&bed, 200); /* the gap's logs are larger than the store: it is filled in pieces */
    settle(&bed);
    CHECK_EQ(bed.judge.late, 0);
    end(&bed);
}

TEST_LIMIT(storm, 60, "everything at once, at random: what is told in the end is what is true")
{
    struct bed bed;
    begin(&bed);
    warm_up(&bed, 80);
    for (int i = 0; i < 300; i++) {
        uint64_t dice = test_random() % 100;
        unsigned manner = (unsigned)(test_random() % 64);
        bed.host->room = test_random() % 4 == 0 ? test_random() % 6 : UINT64_MAX;
        bed.node.refuse = test_random() % 10 == 0 ? 2 : 0;
        bed.node.max_logs = test_random() % 5 == 0 ? 8 : 0;
        if (dice < 60)
            (void)node_mine(&bed.node, (uint32_t)(test_random() % 8), manner);
        else if (dice < 70)
            node_reorg(&bed.node, 1 + test_random() % 20, 1 + test_random() % 24, test_random() % 2,
                       manner & ~(unsigned)NODE_NO_HEAD);
        else if (dice < 76)
            away(&bed, (int)(test_random() % 20));
        else if (dice < 80)
            fake_frame(bed.host, "{\"jsonrpc\":");
        else
            (void)node_mine(&bed.node, (uint32_t)(test_random() % 8), NODE_PLAIN);
        fake_advance(bed.host, test_random() % 60);
        if (test_random() % 2)
            node_serve(&bed.node);
        judge_read(&bed.judge, &bed.node);
    }
    bed.host->room = UINT64_MAX;
    bed.node.refuse = 0;
    bed.node.max_logs = 0;
    node_wait(&bed.node, 12000);
    judge_read(&bed.judge, &bed.node);
    warm_up(&bed, 10);
    settle(&bed);
    end(&bed);
}
