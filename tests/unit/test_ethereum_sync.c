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
