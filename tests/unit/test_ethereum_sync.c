/*
 * The whole chain plugin, driven by its table of callbacks in the fake host: one behaviour of a
 * node in each test, on a clock that stands still.
 */
#include "ethereum_rig.h"
#include "harness.h"

#include <string.h>

static struct rig *live(const char *settings)
{
    struct rig *r = rig_create(settings);
    rig_start(r);
    for (int i = 0; i < 5; i++)
        rig_mine(r, 2, 1000);
    CHECK_EQ(r->reader.lives, 1);
    CHECK(rig_at_head(r));
    return r;
}

TEST(tells, "blocks and logs are told as they are pushed, without a gap")
{
    struct rig *r = live("{}");
    for (int i = 0; i < 50; i++)
        rig_mine(r, 5, 200);
    rig_pass(r, 5000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 0);
    CHECK_EQ(r->reader.late_logs, 0);
    CHECK(r->reader.all_logs > 50);
    rig_destroy(r);
}

TEST(refused_check, "a log that was never pushed is told although its check is refused at first")
{
    for (uint32_t refusals = 1; refusals < 6; refusals++) {
        struct rig *r = live("{}");
        uint32_t index = rig_grow_with_log(r);
        evmnode_push_head(&r->node, index); /* and not the log */
        r->node.refuse_next = refusals;
        rig_mine(r, 0, 5000);
        for (int i = 0; i < 10; i++)
            rig_mine(r, 0, 2000);
        rig_compare(r);
        CHECK_EQ(r->reader.gaps, 1);
        CHECK_EQ(r->reader.healed, 1);
        CHECK_EQ(r->reader.late_logs, 1);
        CHECK_EQ(fakehost_metric(r->host, "evm_missing_logs_total"), 1);
        rig_destroy(r);
    }
}

/* The head is pushed with the first wanted log of three or more, and no more of them. */
static void push_half(struct rig *r)
{
    uint32_t index, wanted;
    do {
        index = rig_grow_with_log(r);
        r->node.head = r->node.blocks[index].parent;
        index = evmnode_grow(&r->node, r->node.head, NODE_LOGS);
        wanted = 0;
        for (uint32_t i = 0; i < NODE_LOGS; i++)
            wanted += rig_wanted(&r->node.blocks[index].logs[i]);
        if (wanted < 3)
            r->node.head = r->node.blocks[index].parent; /* it never was */
    } while (wanted < 3);
    evmnode_push_head(&r->node, index);
    for (uint32_t i = 0; i < NODE_LOGS; i++) {
        if (!rig_wanted(&r->node.blocks[index].logs[i]))
            continue;
        evmnode_push_log(&r->node, index, i);
        break;
    }
    rig_pass(r, 1);
}

TEST(cut_within_block, "a stream lost within a block: its other logs come before anything later")
{
    static const char *const settings[] = {"{}", "{\"check_logs\":false}"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *r = live(settings[i]);
        push_half(r);
        evmnode_cut(&r->node);
        for (int k = 0; k < 4; k++)
            rig_mine(r, 4, 700);
        rig_pass(r, 5000);
        rig_compare(r);
        CHECK_EQ(r->reader.gaps, 1);
        CHECK_EQ(r->reader.healed, 1);
        CHECK_EQ(r->reader.backwards, 0);
        CHECK_EQ(fakehost_metric(r->host, "evm_missing_logs_total"), 0);
        rig_destroy(r);
    }
}

TEST(dead_subscription, "logs end without a word: noticed, told late and in order, subscribed anew")
{
    struct rig *r = live("{}");
    push_half(r);
    memset(r->node.logs_sub, 0, sizeof(r->node.logs_sub));
    for (int k = 0; k < 10; k++)
        rig_mine(r, 4, 2000);
    CHECK(r->node.logs_sub[0] != 0);
    rig_pass(r, 5000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, r->reader.healed);
    CHECK_EQ(r->reader.gaps, 1);
    CHECK_EQ(r->reader.backwards, 0);
    rig_destroy(r);
}

/* ---- answers of a node that is behind ---- */

TEST(lag_empty, "an empty answer of a node that is behind is not believed")
{
    struct rig *r = live("{}");
    r->node.faults.lag = 3;
    r->node.faults.lag_is_empty = true;
    uint32_t index = rig_grow_with_log(r);
    evmnode_push_head(&r->node, index); /* and not the log */
    for (int i = 0; i < 12; i++)
        rig_mine(r, 0, 5000);
    r->node.faults.lag = 0;
    rig_mine(r, 0, 5000);
    rig_compare(r);
    CHECK_EQ(r->reader.late_logs, 1);
    rig_destroy(r);
}

TEST(lag_empty_backfill, "nor is it when a gap is filled, and the node is not asked in a loop")
{
    for (int no_bloom = 0; no_bloom < 2; no_bloom++) {
        struct rig *r = live("{}");
        r->node.ws_up = false;
        evmnode_cut(&r->node);
        rig_pass(r, 100);
        for (int i = 0; i < 20; i++)
            (void)rig_grow_with_log(r);
        r->node.faults.lag = 6;
        r->node.faults.lag_is_empty = true;
        r->node.faults.no_bloom = no_bloom;
        r->node.ws_up = true;
        uint32_t before = r->node.questions;
        rig_pass(r, 20000);
        CHECK(r->node.questions - before < 60);
        CHECK(!rig_at_head(r));
        r->node.faults.lag = 0;
        rig_pass(r, 6000);
        rig_compare(r);
        CHECK_EQ(r->reader.gaps, 1);
        CHECK_EQ(r->reader.healed, 1);
        rig_destroy(r);
    }
}

TEST(other_branch, "an HTTP endpoint on another branch is asked for the blocks themselves")
{
    struct rig *r = live("{}");
    uint32_t fork = r->node.head, other = fork;
    for (int i = 0; i < 12; i++)
        other = evmnode_grow(&r->node, other, NODE_LOGS);
    r->node.head = fork;
    r->node.http_head = other;
    r->node.side_by_hash = true;
    for (int i = 0; i < 4; i++) /* heads that are not pushed: their logs are asked for */
        (void)rig_grow_with_log(r);
    (void)evmnode_mine(&r->node, 2);
    rig_pass(r, 9000);
    CHECK(rig_at_head(r));
    rig_compare(r);
    CHECK_EQ(r->reader.reorgs, 0);
    rig_destroy(r);
}

TEST(demand_meanwhile, "what a question brings about a block that was told meanwhile is not kept")
{
    for (int i = 0; i < 30; i++) {
        struct rig *r = live("{}");
        rig_pass(r, (uint64_t)i * 4);
        r->node.faults.slow_ms = 150;
        rig_demand(r, 4); /* the subscription is renewed with the next tick */
        r->all_of_4_from = r->node.blocks[r->node.head].number + 1;
        uint32_t index = rig_grow_with_log(r);
        evmnode_push_head(&r->node, index); /* and not the log */
        rig_pass(r, 3000);
        rig_mine(r, 0, 3000);
        rig_compare(r);
        rig_destroy(r);
    }
}

TEST(log_first, "a log that comes before its head is told after it, and is no gap")
{
    struct rig *r = live("{}");
    r->node.faults.log_first = 1000;
    for (int i = 0; i < 20; i++)
        rig_mine(r, 3, 1000);
    rig_pass(r, 3000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 0);
    CHECK_EQ(r->reader.late_logs, 0);
    rig_destroy(r);
}

TEST(log_first_kept, "logs that come before their head are told with it, and nothing is asked")
{
    struct rig *r = live("{\"check_logs\":false}");
    r->node.faults.log_first = 1000;
    uint32_t before = r->node.log_questions;
    for (int i = 0; i < 20; i++) {
        rig_mine(r, 3, 100);
        CHECK(rig_at_head(r));
    }
    CHECK_EQ(r->node.log_questions, before);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 0);
    CHECK_EQ(r->reader.late_logs, 0);
    rig_destroy(r);
}

TEST(abandoned_head, "the head of a branch that was left, announced again, takes nothing back")
{
    struct rig *r = live("{}");
    rig_mine(r, 2, 1000);
    uint32_t left = r->node.head;
    evmnode_reorg(&r->node, 2, 1, true);
    rig_pass(r, 1000);
    CHECK_EQ(r->reader.reorgs, 1);
    evmnode_push_head(&r->node, left);
    rig_pass(r, 2000);
    CHECK_EQ(r->reader.reorgs, 1);
    rig_compare(r);
    rig_destroy(r);
}

TEST(below_start, "a branch that leaves below the first told block is told from its height on")
{
    struct rig *r = rig_create("{}");
    for (int i = 0; i < 40; i++)
        (void)evmnode_grow(&r->node, r->node.head, 2);
    rig_start(r);
    for (int i = 0; i < 3; i++)
        rig_mine(r, 3, 1000);
    uint32_t first = r->reader.told[0], told = r->reader.told_count;
    for (uint32_t round = 1; round <= 5; round++) {
        evmnode_reorg(&r->node, told + 10 * round, 1, round % 2);
        rig_pass(r, 3000);
        rig_mine(r, 3, 1000);
        rig_compare(r);
        CHECK_EQ(r->reader.reorgs, round);
        CHECK(r->reader.told[0] != first);
        CHECK_EQ_U64(r->node.blocks[r->reader.told[0]].number, r->node.blocks[first].number);
        told = r->reader.told_count;
        first = r->reader.told[0];
        if (round == 3)
            evmnode_cut(&r->node); /* and while there is no stream */
    }
    CHECK_EQ(r->reader.unhealable, 0);
    rig_destroy(r);
}

TEST(below_start_cut, "a stream that is lost while all is being taken back: a gap, then the branch")
{
    struct rig *r = rig_create("{\"polling\":false}");
    for (int i = 0; i < 40; i++)
        (void)evmnode_grow(&r->node, r->node.head, 2);
    rig_start(r);
    for (int i = 0; i < 3; i++)
        rig_mine(r, 3, 1000);
    r->node.http_down = true; /* nothing of the other branch can be asked for */
    evmnode_reorg(&r->node, r->reader.told_count + 5, 1, false);
    rig_pass(r, 1000);
    evmnode_cut(&r->node);
    rig_pass(r, 1000);
    r->node.http_down = false;
    rig_pass(r, 9000);
    rig_mine(r, 3, 1000);
    rig_compare(r);
    CHECK_EQ(r->reader.healed, r->reader.gaps);
    rig_destroy(r);
}

TEST(back_again, "a branch that was left and wins again is told again, with its logs")
{
    struct rig *r = live("{}");
    for (int i = 0; i < 6; i++)
        rig_mine(r, 4, 1000);
    for (int i = 0; i < 10; i++) {
        uint32_t left = r->node.head;
        evmnode_reorg(&r->node, 3, 1, true);
        rig_pass(r, 500);
        for (int k = 0; k < 2; k++) {
            left = evmnode_grow(&r->node, left, 3);
            evmnode_push_head(&r->node, left);
            for (uint32_t l = 0; l < 3; l++)
                evmnode_push_log(&r->node, left, l);
        }
        rig_pass(r, 500);
    }
    rig_pass(r, 4000);
    rig_compare(r);
    CHECK_EQ(r->reader.reorgs, 20);
    CHECK_EQ(r->reader.gaps, 0);
    rig_destroy(r);
}

/* Logs that nobody wants, in whose bloom filter are the bits of address 1 and of topic 0. */
static void false_positive(struct node_log logs[4])
{
    uint8_t address[20];
    uint32_t wanted[3], bits[3], found = 0;
    evmnode_address(1, address);
    evmnode_bloom_bits(address, 20, wanted);
    for (uint32_t i = NODE_ADDRESSES; found != 7 && i < 0x8000; i++) {
        evmnode_address(i, address);
        evmnode_bloom_bits(address, 20, bits);
        for (uint32_t k = 0; k < 9; k++) {
            if ((found & 1u << (k / 3)) || bits[k % 3] != wanted[k / 3])
                continue;
            found |= 1u << (k / 3);
            logs[k / 3] = (struct node_log){.address = (uint16_t)i, .topic = 1};
        }
    }
    CHECK_EQ(found, 7);
    logs[3] = (struct node_log){.address = 4, .topic = 0};
}

TEST(false_positive, "a bloom filter that is wrong costs two questions, and is no gap")
{
    struct rig *r = live("{}");
    struct node_log logs[4];
    false_positive(logs);
    rig_pass(r, 5000);
    uint32_t before = r->node.questions, finals = 3;
    evmnode_push_head(&r->node, evmnode_grow_with(&r->node, r->node.head, logs, 4));
    rig_pass(r, 10000);
    rig_mine(r, 0, 5000);
    CHECK_EQ(r->node.questions - before, 2 + finals);
    CHECK_EQ(r->reader.gaps, 0);
    rig_compare(r);
    rig_destroy(r);
}

TEST(no_bloom, "without bloom filters an empty answer is believed when it was given often enough")
{
    struct rig *r = live("{\"empty_answers\":2}");
    struct node_log logs[4];
    false_positive(logs);
    r->node.faults.no_bloom = true;
    rig_pass(r, 5000);
    uint32_t before = r->node.log_questions;
    evmnode_push_head(&r->node, evmnode_grow_with(&r->node, r->node.head, logs, 4));
    rig_pass(r, 10000);
    CHECK_EQ(r->node.log_questions - before, 3);
    rig_destroy(r);
}

TEST(lies,
     "a recent block's empty answers are not believed, however many, against its bloom filter")
{
    struct rig *r = live("{}");
    uint32_t index = rig_grow_with_log(r);
    evmnode_push_head(&r->node, index); /* and not the log */
    r->node.empty_next = 4;
    rig_mine(r, 0, 5000);
    rig_mine(r, 0, 5000);
    rig_compare(r);
    CHECK_EQ(r->reader.late_logs, 1);
    rig_destroy(r);
}

TEST(false_positive_backfill, "empty answers are believed for a gap too, and it heals")
{
    struct rig *r = live("{\"polling\":false}");
    struct node_log logs[4];
    false_positive(logs);
    r->node.ws_up = false;
    evmnode_cut(&r->node);
    for (int i = 0; i < 150; i++)
        (void)evmnode_grow_with(&r->node, r->node.head, logs, 4);
    rig_pass(r, 1000);
    r->node.ws_up = true;
    rig_pass(r, 20000);
    CHECK(rig_at_head(r));
    CHECK_EQ(r->reader.healed, 1);
    rig_compare(r);
    rig_destroy(r);
}

TEST(behind, "an HTTP endpoint that is behind the stream is asked with pauses")
{
    struct rig *r = live("{}");
    r->node.faults.lag = 5;
    for (int i = 0; i < 2; i++)
        (void)evmnode_grow(&r->node, r->node.head, 3); /* two heads that are never pushed */
    (void)evmnode_mine(&r->node, 3);
    uint32_t before = r->node.questions;
    rig_pass(r, 20000);
    CHECK(r->node.questions - before < 50);
    CHECK(r->node.same_time_most <= 4);
    r->node.faults.lag = 0;
    rig_pass(r, 8000);
    rig_compare(r);
    CHECK_EQ(r->reader.reorgs, 0); /* the head of a node that is behind takes nothing back */
    rig_destroy(r);
}

TEST(stale_head, "an old head that is announced again takes nothing back")
{
    struct rig *r = live("{}");
    for (int i = 0; i < 20; i++) {
        rig_mine(r, 2, 500);
        evmnode_push_head(&r->node, evmnode_up(&r->node, r->node.head, 1 + (uint32_t)i % 4));
        rig_pass(r, 500);
    }
    rig_compare(r);
    CHECK_EQ(r->reader.reorgs, 0);
    rig_destroy(r);
}

/* ---- the right chain ---- */

TEST(wrong_http, "an HTTP endpoint of another chain is refused in words, until it is put right")
{
    struct rig *r = rig_create("{}");
    r->node.http_chain = 1;
    rig_start(r);
    for (int i = 0; i < 10; i++)
        rig_mine(r, 2, 1000);
    CHECK_EQ(r->reader.told_count, 0);
    CHECK(strstr(r->last_error, "\"http\" answers for chain 1,") != NULL);
    CHECK(r->errors <= 2);
    r->node.http_chain = 100;
    rig_pass(r, 11000);
    rig_mine(r, 2, 1000);
    rig_compare(r);
    rig_destroy(r);
}

TEST(wrong_ws, "a stream of another chain is refused in words, until it is put right")
{
    struct rig *r = rig_create("{\"polling\":false}");
    r->node.ws_chain = 137;
    rig_start(r);
    for (int i = 0; i < 10; i++)
        rig_mine(r, 2, 1000);
    CHECK_EQ(r->reader.told_count, 0);
    CHECK(strstr(r->last_error, "\"ws\" answers for chain 137,") != NULL);
    CHECK(r->errors <= 2);
    r->node.ws_chain = 100;
    rig_pass(r, 11000);
    rig_mine(r, 2, 1000);
    rig_compare(r);
    rig_destroy(r);
}

/* ---- finality ---- */

TEST(final, "what the node calls final is said, once and without holes, when it is the told branch")
{
    struct rig *r = live("{}");
    r->node.final = evmnode_up(&r->node, r->node.head, 2);
    for (int i = 0; i < 30; i++) {
        rig_mine(r, 1, 1000);
        r->node.final = evmnode_up(&r->node, r->node.head, 4);
    }
    CHECK(r->reader.final_to + 12 >= r->node.blocks[r->node.head].number);
    CHECK(r->reader.final_to + 4 <= r->node.blocks[r->node.head].number);
    CHECK_EQ(r->errors, 0);
    rig_destroy(r);
}

TEST(final_other, "a final block that is not the told one is an error and a gap, never said")
{
    struct rig *r = live("{}");
    r->node.final = evmnode_up(&r->node, r->node.head, 2);
    rig_pass(r, 6000);
    uint64_t before = r->reader.final_to;
    CHECK(before > 0);
    uint32_t head = r->node.head;
    uint32_t other = evmnode_grow(&r->node, evmnode_up(&r->node, head, 1), 1);
    r->node.head = head;
    r->node.final = other;
    rig_pass(r, 12000);
    CHECK_EQ(r->reader.final_to, before);
    CHECK(r->reader.gap[HAWSE_EVM_STREAM_BLOCKS]);
    CHECK_EQ(r->errors, 1);
    CHECK(fakehost_metric(r->host, "evm_final_contradictions_total") >= 2);
    r->node.final = head; /* it was the node that was wrong */
    rig_pass(r, 6000);
    CHECK(!r->reader.gap[HAWSE_EVM_STREAM_BLOCKS]);
    CHECK_EQ(r->reader.final_to, r->node.blocks[head].number);
    rig_compare(r);
    rig_destroy(r);
}

TEST(final_heals, "when the final block leads to another branch, that branch is told")
{
    struct rig *r = live("{}");
    r->node.final = evmnode_up(&r->node, r->node.head, 3);
    rig_pass(r, 6000);
    uint32_t at = evmnode_up(&r->node, r->node.head, 2);
    for (int i = 0; i < 4; i++) /* never pushed */
        at = evmnode_grow(&r->node, at, 2);
    r->node.final = evmnode_up(&r->node, at, 2);
    rig_pass(r, 20000);
    CHECK_EQ(r->reader.reorgs, 1);
    CHECK_EQ(r->reader.final_to, r->node.blocks[r->node.final].number);
    rig_compare(r);
    rig_destroy(r);
}

/* ---- nothing is dropped in silence ---- */

TEST(held, "checks that the node refuses for a whole window hold telling, and lose nothing")
{
    struct rig *r = live("{\"window\":16}");
    uint32_t index = rig_grow_with_log(r);
    evmnode_push_head(&r->node, index); /* and not the log */
    r->node.http_down = true;
    for (int i = 0; i < 60; i++)
        rig_mine(r, 2, 1000);
    CHECK(!rig_at_head(r));
    CHECK(r->reader.gap[HAWSE_EVM_STREAM_LOGS]);
    r->node.http_down = false;
    for (int i = 0; i < 10; i++)
        rig_mine(r, 2, 2000);
    rig_compare(r);
    CHECK(r->reader.late_logs > 0);
    CHECK_EQ(r->reader.unhealable, 0);
    rig_destroy(r);
}

TEST(gap_waits, "a gap that finds no room is announced before anything that comes later")
{
    struct rig *r = live("{}");
    r->full = true;
    evmnode_cut(&r->node);
    rig_pass(r, 300);
    for (int i = 0; i < 5; i++)
        rig_mine(r, 3, 300);
    CHECK_EQ(r->reader.gaps, 0);
    r->full = false;
    rig_pass(r, 3000);
    rig_mine(r, 3, 3000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 1);
    CHECK_EQ(r->reader.healed, 1);
    rig_destroy(r);
}

TEST(offline, "a thousand blocks that were missed are told, in one gap")
{
    struct rig *r = live("{\"polling\":false}");
    r->node.ws_up = false;
    evmnode_cut(&r->node);
    for (int i = 0; i < 1000; i++)
        (void)evmnode_grow(&r->node, r->node.head, 1);
    rig_pass(r, 5000);
    r->node.ws_up = true;
    rig_pass(r, 20000);
    rig_mine(r, 2, 5000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 1);
    CHECK_EQ(r->reader.healed, 1);
    rig_destroy(r);
}

TEST(too_far, "a gap beyond max_backfill is given up in words, and reading begins afresh")
{
    struct rig *r = live("{\"polling\":false,\"max_backfill\":200}");
    r->unhealable_is_ok = true;
    r->node.ws_up = false;
    evmnode_cut(&r->node);
    for (int i = 0; i < 300; i++)
        (void)evmnode_grow(&r->node, r->node.head, 1);
    rig_pass(r, 1000);
    r->node.ws_up = true;
    rig_pass(r, 5000);
    rig_mine(r, 2, 5000);
    rig_compare(r);
    CHECK_EQ(r->reader.unhealable, 1);
    CHECK_EQ(r->reader.healed, 0);
    CHECK_EQ(r->reader.lives, 2);
    rig_destroy(r);
}

TEST(late_demand, "a reader that comes later gets all logs of the blocks told after it came")
{
    for (uint32_t delay = 0; delay < 12; delay++) {
        struct rig *r = live("{}");
        r->node.faults.slow_ms = 20;
        r->node.faults.drop_head = 300; /* so that blocks are being asked for */
        for (int i = 0; i < 10; i++)
            rig_mine(r, 3, 7);
        rig_pass(r, delay);
        rig_demand(r, 4);
        uint64_t from = r->node.blocks[r->reader.told[r->reader.told_count - 1]].number + 1;
        r->all_of_4_from = from;
        for (int i = 0; i < 20; i++)
            rig_mine(r, 4, 10);
        r->node.faults.drop_head = 0;
        for (int i = 0; i < 5; i++)
            rig_mine(r, 4, 3000);
        rig_compare(r);
        rig_destroy(r);
    }
}

/* ---- without a stream ---- */

TEST(poll_only, "without an endpoint for a stream the chain is followed by polling")
{
    struct rig *r = rig_create("{}");
    r->node.has_ws = false;
    rig_start(r);
    for (int i = 0; i < 40; i++) {
        if (i == 20)
            evmnode_reorg(&r->node, 5, 1, true);
        rig_mine(r, 3, 5000);
    }
    rig_pass(r, 3000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 0);
    CHECK_EQ(r->reader.lives, 1);
    CHECK_EQ(r->reader.reorgs, 1);
    CHECK(r->node.head_questions <= 90); /* half of a block's time lies between two */
    CHECK_EQ(fakehost_metric(r->host, "evm_polling"), 1);
    rig_destroy(r);
}

TEST(poll_fallback, "a stream that stays away is replaced by polling, and comes back without a gap")
{
    struct rig *r = live("{\"poll_after_ms\":10000}");
    r->node.ws_up = false;
    evmnode_cut(&r->node);
    for (int i = 0; i < 4; i++)
        rig_mine(r, 2, 2000);
    CHECK_EQ(r->polled, 0);
    CHECK(r->reader.gap[HAWSE_EVM_STREAM_BLOCKS]);
    for (int i = 0; i < 10; i++)
        rig_mine(r, 2, 2500);
    CHECK_EQ(r->polled, 1);
    CHECK_EQ(r->reader.healed, 1);
    CHECK(!r->reader.gap[HAWSE_EVM_STREAM_BLOCKS]);
    r->node.ws_up = true;
    for (int i = 0; i < 10; i++)
        rig_mine(r, 2, 700);
    rig_pass(r, 4000);
    CHECK_EQ(fakehost_metric(r->host, "evm_polling"), 0);
    uint32_t asked = r->node.head_questions;
    for (int i = 0; i < 10; i++)
        rig_mine(r, 2, 1000);
    CHECK_EQ(r->node.head_questions, asked);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 1); /* the one of the loss: none when it came back */
    rig_destroy(r);
}

TEST(poll_refused_stream, "a stream that refuses subscriptions is replaced by polling")
{
    struct rig *r = rig_create("{\"poll_after_ms\":2000}");
    r->node.refuse_subscribe = true;
    rig_start(r);
    for (int i = 0; i < 20; i++)
        rig_mine(r, 2, 1000);
    rig_pass(r, 3000);
    rig_compare(r);
    CHECK(r->polled >= 1);
    rig_destroy(r);
}

TEST(poll_silence, "a polled node whose head stands still is a gap, healed when it moves on")
{
    struct rig *r = rig_create("{\"heads_idle_ms\":10000}");
    r->node.has_ws = false;
    rig_start(r);
    for (int i = 0; i < 10; i++)
        rig_mine(r, 3, 5000);
    r->node.http_down = true;
    for (int i = 0; i < 5; i++)
        rig_mine(r, 3, 5000);
    CHECK(r->reader.gap[HAWSE_EVM_STREAM_BLOCKS]);
    r->node.http_down = false;
    rig_pass(r, 8000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 1);
    CHECK_EQ(r->reader.healed, 1);
    rig_destroy(r);
}

TEST(poll_off, "polling can be turned off: then the gap stays open")
{
    struct rig *r = live("{\"polling\":false}");
    r->node.ws_up = false;
    evmnode_cut(&r->node);
    for (int i = 0; i < 20; i++)
        rig_mine(r, 2, 5000);
    CHECK(r->reader.gap[HAWSE_EVM_STREAM_BLOCKS]);
    CHECK_EQ(r->polled, 0);
    r->node.ws_up = true;
    rig_pass(r, 3000);
    rig_compare(r);
    rig_destroy(r);
}

/* ---- silence ---- */

TEST(frozen, "a stream that stays open and says nothing is found out at half its time, and healed")
{
    struct rig *r = live("{\"heads_idle_ms\":60000}");
    r->node.mute = true;
    for (int i = 0; i < 7; i++)
        rig_mine(r, 3, 5000);
    CHECK_EQ(r->reader.gaps, 1); /* after 30 s */
    r->node.mute = false;
    rig_pass(r, 5000);
    rig_mine(r, 3, 5000);
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 1);
    CHECK_EQ(r->reader.healed, 1);
    rig_destroy(r);
}

TEST(slow_chain, "a chain that makes no block for a while is asked about, and nothing is said")
{
    struct rig *r = live("{\"heads_idle_ms\":60000}");
    for (int i = 0; i < 3; i++) {
        rig_pass(r, 50000);
        rig_mine(r, 3, 5000);
    }
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 0);
    rig_destroy(r);
}

TEST(second_ahead, "another endpoint that hears of a block first does not cost the stream")
{
    struct rig *r = live("{\"heads_idle_ms\":60000}");
    for (int i = 0; i < 5; i++) {
        rig_pass(r, 29950);
        uint32_t index = evmnode_grow(&r->node, r->node.head, 0);
        rig_pass(r, 200); /* the other endpoint has it, and is asked meanwhile */
        evmnode_push_head(&r->node, index);
        rig_pass(r, 5000);
    }
    rig_compare(r);
    CHECK_EQ(r->reader.gaps, 0);
    rig_destroy(r);
}

/* ---- rubbish ---- */

TEST(rubbish, "a frame that cannot be read is counted, and what it held is found by a check")
{
    struct rig *r = live("{\"check_logs\":false}");
    static const char text[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"eth_subscription\",\"params\":{\"subscription\":\"0x2\","
        "\"result\":{\"address\":\"0x40\"}}}";
    uint32_t index = rig_grow_with_log(r);
    evmnode_push_head(&r->node, index);
    rig_pass(r, 5);
    fakehost_frame(r->host, r->node.stream, text, sizeof(text) - 1);
    rig_pass(r, 5000);
    rig_compare(r);
    CHECK_EQ(fakehost_metric(r->host, "evm_malformed_total"), 1);
    CHECK_EQ(r->reader.late_logs, 1);
    rig_destroy(r);
}

TEST(unread_answer, "logs of which one cannot be read are asked for again, none is left out")
{
    struct rig *r = live("{}");
    uint32_t index = rig_grow_with_log(r);
    r->node.faults.slow_ms = 1;
    r->node.rubbish_next = 3;
    evmnode_push_head(&r->node, index); /* and not the log */
    for (int i = 0; i < 8; i++)
        rig_mine(r, 0, 2000);
    rig_compare(r);
    CHECK_EQ(fakehost_metric(r->host, "evm_malformed_total"), 3);
    CHECK_EQ(r->reader.late_logs, 1);
    rig_destroy(r);
}

TEST(mute_node, "a stream on which nothing is answered is opened anew")
{
    struct rig *r = rig_create("{\"polling\":false,\"heads_idle_ms\":60000}");
    r->node.deaf = true;
    rig_start(r);
    rig_pass(r, 5000);
    uint32_t connection = r->node.connection;
    r->node.deaf = false;
    rig_pass(r, 8000);
    CHECK(r->node.connection > connection);
    rig_mine(r, 2, 1000);
    rig_compare(r);
    rig_destroy(r);
}
