/*
 * The slot tree of the Solana plugin, and its wire parser on texts of nodes.
 */
#include "../../plugins/chains/solana/tree.h"
#include "../../plugins/chains/solana/wire.h"
#include "harness.h"

#include <stdlib.h>
#include <string.h>

/* Takes every step that needs no answer; returns the step that stopped it. */
static enum tree_step settle(struct tree *t)
{
    uint64_t slot = 0;
    for (;;) {
        enum tree_step step = tree_plan(t, &slot);
        if (step == TREE_TELL && !t->started)
            tree_start(t, slot);
        else if (step == TREE_TELL)
            tree_tell(t, slot);
        else if (step == TREE_UNTELL)
            tree_untell(t);
        else
            return step;
    }
}

TEST(tree_skips, "a skipped slot is no hole: the parent decides")
{
    struct tree t;
    uint64_t slot = 0;
    CHECK(tree_init(&t, 64));
    CHECK_EQ(tree_plan(&t, &slot), TREE_REST);
    CHECK(tree_put(&t, 100, 99, false));
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK(tree_put(&t, 104, 100, false));
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK_EQ_U64(t.head, 104);
    CHECK(tree_abandoned(&t, 102));
    CHECK(!tree_abandoned(&t, 104));
    CHECK(!tree_abandoned(&t, 99)); /* before the beginning: not judged */
    CHECK(!tree_abandoned(&t, 105));
    tree_finish(&t);
}

TEST(tree_fork,
     "slots above the common ancestor are taken back newest first, then the new one told")
{
    struct tree t;
    uint64_t slot = 0;
    CHECK(tree_init(&t, 64));
    for (uint64_t n = 100; n <= 105; n++)
        CHECK(tree_put(&t, n, n - 1, false));
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK(tree_put(&t, 106, 102, false));
    CHECK_EQ_U64(tree_ancestor(&t), 0); /* 102 was never told: the told branch begins at 105 */
    tree_finish(&t);

    CHECK(tree_init(&t, 64));
    for (uint64_t n = 100; n <= 105; n++) {
        CHECK(tree_put(&t, n, n - 1, false));
        CHECK_EQ(settle(&t), TREE_REST);
    }
    CHECK(tree_put(&t, 106, 102, false));
    CHECK_EQ_U64(tree_ancestor(&t), 102);
    CHECK(tree_on_branch(&t, 102));
    CHECK(!tree_on_branch(&t, 103));
    for (uint64_t n = 105; n > 102; n--) {
        CHECK_EQ(tree_plan(&t, &slot), TREE_UNTELL);
        CHECK_EQ_U64(slot, n);
        tree_untell(&t);
    }
    CHECK_EQ(tree_plan(&t, &slot), TREE_TELL);
    CHECK_EQ_U64(slot, 106);
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK(!tree_put(&t, 106, 105, false)); /* another parent for the same slot */
    CHECK(!tree_put(&t, 110, 110, false));
    tree_finish(&t);
}

TEST(tree_hole, "an ancestor that is not known stops the telling until it comes")
{
    struct tree t;
    uint64_t slot = 0;
    CHECK(tree_init(&t, 64));
    CHECK(tree_put(&t, 100, 99, false));
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK(tree_put(&t, 103, 102, false));
    CHECK_EQ(tree_plan(&t, &slot), TREE_MISSING);
    CHECK_EQ_U64(slot, 102);
    CHECK(tree_put(&t, 102, 101, true));
    CHECK(tree_put(&t, 101, 100, true));
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK_EQ_U64(t.head, 103);
    CHECK(tree_find(&t, 101)->late);
    CHECK(tree_put(&t, 103 + 64, 166, false)); /* as far away as the ring is long */
    CHECK_EQ(tree_plan(&t, &slot), TREE_MISSING);
    CHECK(tree_put(&t, 103 + 128, 229, false));
    CHECK(tree_put(&t, 229, 167, true));
    CHECK_EQ(tree_plan(&t, &slot), TREE_BROKEN);
    tree_forget(&t);
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK_EQ_U64(t.head, 231);
    tree_finish(&t);
}

TEST(tree_root, "what is final is not taken back")
{
    struct tree t;
    uint64_t slot = 0;
    CHECK(tree_init(&t, 64));
    for (uint64_t n = 100; n <= 105; n++) {
        CHECK(tree_put(&t, n, n - 1, false));
        CHECK_EQ(settle(&t), TREE_REST);
    }
    tree_root(&t, 103);
    tree_root(&t, 101);
    CHECK_EQ_U64(t.root, 103);
    CHECK(tree_put(&t, 106, 102, false));
    CHECK_EQ(tree_plan(&t, &slot), TREE_BROKEN);
    tree_finish(&t);
}

TEST(tree_random, "with random forks the told branch is always that of the newest slot")
{
    static uint64_t parents[4000];
    struct tree t;
    uint64_t newest = 1;
    CHECK(tree_init(&t, 256));
    CHECK(tree_put(&t, 1, 0, false));
    for (int round = 0; round < 3000; round++) {
        uint64_t parent = newest;
        for (uint64_t back = test_random() % 4 ? 0 : test_random() % 4; back > 0 && parent > 1;
             back--)
            parent = parents[parent];
        newest += 1 + test_random() % 5 / 4;
        if (newest >= 4000)
            break;
        parents[newest] = parent;
        CHECK(tree_put(&t, newest, parent, false));
        if (test_random() % 3)
            CHECK_EQ(settle(&t), TREE_REST);
    }
    CHECK_EQ(settle(&t), TREE_REST);
    CHECK_EQ_U64(t.head, t.target);
    uint64_t at = t.head;
    for (int n = 0; n < 100; n++) {
        CHECK(tree_find(&t, at)->told);
        for (uint64_t between = parents[at] + 1; between < at; between++)
            CHECK(!tree_find(&t, between) || !tree_find(&t, between)->told);
        at = parents[at];
    }
    tree_finish(&t);
}

/* ---- wire ---- */

struct parsed {
    hawse_json_t doc;
    hawse_json_value_t root;
    uint32_t marks[512];
    char text[4096];
};

static void parse(struct parsed *p, const char *text)
{
    memset(p->text, 0, sizeof(p->text));
    memcpy(p->text, text, strlen(text));
    CHECK_EQ(hawse_json_index(&p->doc, (const uint8_t *)p->text, strlen(text), p->marks, 512),
             HAWSE_OK);
    CHECK_EQ(hawse_json_root(&p->doc, &p->root), HAWSE_OK);
}

#define OWNER "\"owner\":\"11111111111111111111111111111111\""

TEST(wire_exact, "lamports and rent epochs above 2^63 are exact")
{
    struct parsed p;
    struct wire_account account;
    uint8_t data[8];
    parse(&p, "{\"lamports\":18446744073709551614," OWNER
              ",\"data\":[\"AQID\",\"base64\"],\"executable\":false,"
              "\"rentEpoch\":18446744073709551615,\"space\":3}");
    CHECK_EQ(wire_account(&p.doc, &p.root, &account), HAWSE_OK);
    CHECK_EQ_U64(account.record.lamports, UINT64_MAX - 1);
    CHECK_EQ_U64(account.record.rent_epoch, UINT64_MAX);
    CHECK_EQ_U64(account.record.data_len, 3);
    CHECK_EQ(wire_account_data(&account, data), HAWSE_OK);
    CHECK_MEM(data, "\1\2\3", 3);
    parse(&p, "null");
    CHECK_EQ(wire_account(&p.doc, &p.root, &account), HAWSE_OK);
    CHECK_EQ_U64(account.record.lamports, 0);
}

TEST(wire_bad_accounts, "an account that lacks a field, or has it in another form, is refused")
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"lamports\":1.5," OWNER ",\"data\":[\"\",\"base64\"],\"executable\":false}",
        "{\"lamports\":18446744073709551616," OWNER
        ",\"data\":[\"\",\"base64\"],\"executable\":false}",
        "{\"lamports\":\"1\"," OWNER ",\"data\":[\"\",\"base64\"],\"executable\":false}",
        "{\"lamports\":1,\"owner\":\"1\",\"data\":[\"\",\"base64\"],\"executable\":false}",
        "{\"lamports\":1," OWNER ",\"data\":[\"\",\"base58\"],\"executable\":false}",
        "{\"lamports\":1," OWNER ",\"data\":\"\",\"executable\":false}",
        "{\"lamports\":1," OWNER ",\"data\":[\"AQI\",\"base64\"],\"executable\":false}",
        "{\"lamports\":1," OWNER ",\"data\":[\"\",\"base64\"]}",
    };
    struct parsed p;
    struct wire_account account;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(&p, bad[i]);
        if (wire_account(&p.doc, &p.root, &account) == HAWSE_OK)
            FAIL("taken: %s", bad[i]);
    }
}

#define SIGNATURE \
    "EDobk1sdiTnNHRHTBeyFcJQ4dZTUmqYtxrtQmw8EyFrT1vx9bR1Nrys2wid2k5VFEYrrbZ83dQcTJag2UTSnAMf"

TEST(wire_lines, "log lines come with their escapes undone, each behind its length")
{
    struct parsed p;
    struct wire_logs logs;
    uint8_t out[64];
    parse(&p, "{\"signature\":\"" SIGNATURE "\",\"err\":{\"InstructionError\":[0,{\"Custom\":1}]},"
              "\"logs\":[\"a\\\"b\",\"\",\"\\u00e9\"]}");
    CHECK_EQ(wire_logs(&p.doc, &p.root, &logs), HAWSE_OK);
    CHECK_EQ(logs.record.failed, 1);
    CHECK_EQ(logs.record.line_count, 3);
    CHECK_EQ(logs.record.lines_len, 12 + 3 + 2);
    CHECK_EQ(wire_lines(&p.doc, &logs, out), HAWSE_OK);
    CHECK_MEM(out, "\3\0\0\0a\"b\0\0\0\0\2\0\0\0\xc3\xa9", 17);
    parse(&p, "{\"signature\":\"" SIGNATURE "\",\"err\":null,\"logs\":[1]}");
    CHECK_EQ(wire_logs(&p.doc, &p.root, &logs), HAWSE_E_FORMAT);
    parse(&p, "{\"signature\":\"11\",\"err\":null,\"logs\":[]}");
    CHECK_EQ(wire_logs(&p.doc, &p.root, &logs), HAWSE_E_FORMAT);
    parse(&p, "{\"slot\":5,\"meta\":{\"err\":null,\"logMessages\":null}}");
    CHECK_EQ(wire_transaction(&p.doc, &p.root, &logs), HAWSE_OK);
    CHECK_EQ_U64(logs.record.slot, 5);
    parse(&p, "null");
    CHECK_EQ(wire_transaction(&p.doc, &p.root, &logs), HAWSE_E_NOTFOUND);
}

TEST(wire_messages, "replies and notifications are told apart, subscription 0 included")
{
    struct parsed p;
    struct wire_message m;
    parse(&p, "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":{\"result\":"
              "{\"parent\":75,\"root\":44,\"slot\":76},\"subscription\":0}}");
    CHECK_EQ(wire_message(&p.doc, &p.root, &m), HAWSE_OK);
    CHECK_EQ(m.kind, WIRE_SLOT);
    CHECK_EQ_U64(m.id, 0);
    parse(&p, "{\"jsonrpc\":\"2.0\",\"result\":0,\"id\":7}");
    CHECK_EQ(wire_message(&p.doc, &p.root, &m), HAWSE_OK);
    CHECK_EQ(m.kind, WIRE_REPLY);
    CHECK_EQ_U64(m.id, 7);
    CHECK(!m.failed);
    parse(&p, "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32602,\"message\":\"x\"},\"id\":8}");
    CHECK_EQ(wire_message(&p.doc, &p.root, &m), HAWSE_OK);
    CHECK(m.failed);
    CHECK_EQ(m.error_code, -32602);
    parse(&p, "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":[]}");
    CHECK_EQ(wire_message(&p.doc, &p.root, &m), HAWSE_E_FORMAT);
    parse(&p, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{}}");
    CHECK_EQ(wire_message(&p.doc, &p.root, &m), HAWSE_E_FORMAT);
}
