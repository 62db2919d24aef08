/*
 * Simulation over a node that is scripted: order of engines, what each is asked, what is read, what
 * is not believed, and the token.
 */
#include "sim_rig.h"

#include <hawse/revert.h>

static const struct sim_options v1_only = {.order = {SIM_SIMULATE_V1}};
static const struct sim_options tenderly_only = {.order = {SIM_TENDERLY}};

static const json_t *question(const struct rig *r, size_t i)
{
    return json_array_get(json_array_get(r->questions, i), 1);
}

static const json_t *block_calls(const struct rig *r, size_t i)
{
    return json_array_get(json_object_get(json_array_get(question(r, i), 0), "blockStateCalls"), 0);
}

static const char *member(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "(none)";
}

static bool is_amount(const hawse_u256_t *n, uint64_t want)
{
    const hawse_u256_t other = hawse_u256(want);
    return hawse_u256_compare(n, &other) == 0;
}

/* ---- eth_simulateV1 ---- */

TEST(sim_v1_gas, "where no gas limit is given it is found first, and simulated again with it")
{
    struct rig r;
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(OTHER, 5, "", 0, 0);
    struct sim_request q = rig_request(&call, 1);
    q.max_fee = hawse_u256(1000);
    char *native = a_transfer(COIN, ME, OTHER, 5);
    rig_expect(&r, "eth_simulateV1", a_block(a_good(21000, native)));
    rig_expect(&r, "eth_simulateV1", a_block(a_good(21001, native)));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->status == HAWSE_OK && s->success && s->flows_known && s->validated && !s->inspected);
    CHECK_EQ(s->engine, SIM_SIMULATE_V1);
    CHECK_EQ_U64(s->gas[0].limit, 31500); /* 21,000, refunds, and a fifth */
    CHECK_EQ_U64(s->gas[0].used, 21001);
    CHECK_EQ(s->flow_count, 1);
    CHECK(is_amount(&flow_in(s, NATIVE)->out, 5) && is_amount(&flow_in(s, NATIVE)->in, 0));
    const json_t *first = json_array_get(json_object_get(block_calls(&r, 0), "calls"), 0);
    const json_t *second = json_array_get(json_object_get(block_calls(&r, 1), "calls"), 0);
    CHECK_STR(member(first, "gas"), "(none)");
    CHECK_STR(member(first, "maxFeePerGas"), "(none)");
    CHECK_STR(member(second, "gas"), "0x7b0c");
    CHECK_STR(member(second, "maxFeePerGas"), "0x3e8");
    CHECK_STR(member(second, "value"), "0x5");
    CHECK(json_is_false(json_object_get(json_array_get(question(&r, 0), 0), "validation")));
    CHECK(json_is_true(json_object_get(json_array_get(question(&r, 1), 0), "validation")));
    CHECK(json_is_true(json_object_get(json_array_get(question(&r, 1), 0), "traceTransfers")));
    /* the next block, five seconds after this one and not twelve */
    CHECK_STR(member(json_object_get(block_calls(&r, 1), "blockOverrides"), "number"), "0x8");
    CHECK_STR(member(json_object_get(block_calls(&r, 1), "blockOverrides"), "time"), "0x6553f105");
    CHECK_STR(member(json_array_get(question(&r, 1), 1), "blockHash"),
              "0xabababababababababababababababababababababababababababababababab");
    rig_stop(&r);
}

TEST(sim_v1_no_effect, "a call with data that ran nothing is a finding, by the gas of its bytes")
{
    /* intrinsic 21,064; the least since Prague 21,160 */
    static const struct {
        uint64_t used;
        bool found;
    } cases[] = {{21064, true}, {21160, true}, {21063, false}, {21065, false}, {21161, false}};
    struct rig r;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rig_start(&r, &v1_only);
        struct sim_call call = rig_a_call(OTHER, 0, "\x12\x34\x56\x78", 4, 50000);
        struct sim_request q = rig_request(&call, 1);
        rig_expect(&r, "eth_simulateV1", a_block(a_good(cases[i].used, "")));
        const struct sim_result *s = rig_run(&r, &q);
        CHECK(s->success && s->finding_count == (cases[i].found ? 1 : 0));
        CHECK(!cases[i].found || (s->findings[0].kind == SIM_FINDING_NO_EFFECT &&
                                  memcmp(s->findings[0].where, call.to, 20) == 0 &&
                                  memcmp(s->findings[0].selector, "\x12\x34\x56\x78", 4) == 0));
        rig_stop(&r);
    }
}

TEST(sim_v1_no_effect_long, "below the least for much data a contract can work: only less is told")
{
    static const uint8_t data[200] = {1, 0};
    struct sim_call call = rig_a_call(OTHER, 0, "", 0, 90000);
    struct rig r;
    for (uint64_t bytes = 1; bytes <= 200; bytes += 199) {
        uint8_t full[200];
        memset(full, 0xff, sizeof(full));
        call.data = (hawse_view_t){bytes == 1 ? data : full, bytes};
        struct sim_request q = rig_request(&call, 1);
        rig_start(&r, &v1_only);
        rig_expect(&r, "eth_simulateV1", a_block(a_good(21000 + 40 * bytes, "")));
        const struct sim_result *s = rig_run(&r, &q);
        CHECK_EQ(s->finding_count, bytes == 1);
        rig_stop(&r);
        rig_start(&r, &v1_only);
        rig_expect(&r, "eth_simulateV1", a_block(a_good(21000 + 16 * bytes, "")));
        CHECK(found(rig_run(&r, &q), SIM_FINDING_NO_EFFECT));
        rig_stop(&r);
    }
}

TEST(sim_v1_refunds, "the limit is above what is in use before refunds, told by the node or not")
{
    for (int i = 0; i < 3; i++) {
        struct rig r;
        rig_start(&r, &v1_only);
        struct sim_call call = rig_a_call(OTHER, 5, "", 0, 0);
        struct sim_request q = rig_request(&call, 1);
        const char *max = i == 0   ? ""
                          : i == 1 ? ",\"maxUsedGas\":\"0xf4240\""
                                   : ",\"maxUsedGas\":\"0x1\"";
        for (int k = 0; k < 2; k++)
            rig_expect(
                &r, NULL,
                a_block(text("{\"status\":\"0x1\",\"gasUsed\":\"0xc3500\",\"logs\":[]%s}", max)));
        const struct sim_result *s = rig_run(&r, &q);
        CHECK_EQ_U64(s->gas[0].used, 800000);
        CHECK_EQ_U64(s->gas[0].limit, i == 2 ? 960000 : 1200000);
        rig_stop(&r);
    }
}

TEST(sim_v1_balances, "balances before and after stand above what a token logs")
{
    struct rig r;
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(POOL, 0, "\x12\x34\x56\x78", 4, 100000);
    struct sim_request q = rig_request(&call, 1);
    address_of(TOKEN, q.assets[0]);
    q.asset_count = 1;
    q.max_fee = hawse_u256(7);
    /* it says that 1,000 came, and 900 did */
    rig_expect(&r, "eth_simulateV1",
               a_block(text("%s,%s,%s", a_balance(50),
                            a_good(50000, a_transfer(TOKEN, POOL, ME, 1000)), a_balance(950))));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && s->flows_known && s->validated);
    CHECK_EQ(s->flow_count, 1);
    CHECK(is_amount(&flow_in(s, TOKEN)->in, 900) && flow_in(s, TOKEN)->measured);
    const json_t *calls = json_object_get(block_calls(&r, 0), "calls");
    CHECK_EQ(json_array_size(calls), 3);
    CHECK_STR(member(json_array_get(calls, 0), "input"), "0x70a08231000000000000000000000000" ME);
    CHECK_STR(member(json_array_get(calls, 0), "to"), "0x" TOKEN);
    CHECK_STR(member(json_array_get(calls, 0), "maxFeePerGas"), "0x7");
    CHECK_STR(member(json_array_get(calls, 2), "input"), member(json_array_get(calls, 0), "input"));
    rig_stop(&r);
}

TEST(sim_v1_balance_gone, "a token that gives no balance leaves flows unknown")
{
    struct rig r;
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(POOL, 0, "", 0, 100000);
    struct sim_request q = rig_request(&call, 1);
    address_of(TOKEN, q.assets[0]);
    q.asset_count = 1;
    rig_expect(&r, NULL, a_block(text("%s,%s,%s", a_good(9, ""), a_good(50000, ""), a_balance(1))));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && !s->flows_known);
    rig_stop(&r);
}

TEST(sim_v1_revert, "a revert is told with its call and its words, and ends the simulation")
{
    static const char *const data =
        "0x08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000"
        "0000000000000000000000000000000000000000000000000753544f503a206e000000000000000000000000"
        "0000000000000000000000";
    const struct sim_options all = {.order = {SIM_NONE}};
    for (int where = 0; where < 4; where++) {
        struct rig r;
        rig_start(&r, &all);
        struct sim_call calls[2] = {rig_a_call(OTHER, 0, "", 0, 30000),
                                    rig_a_call(POOL, 0, "\1\2\3\4", 4, 90000)};
        struct sim_request q = rig_request(calls, 2);
        char *bad =
            where == 0 ? text("{\"status\":\"0x0\",\"gasUsed\":\"0x10\",\"logs\":[],\"error\":{"
                              "\"code\":3,\"message\":\"execution reverted\",\"data\":\"%s\"}}",
                              data)
            : where == 1
                ? text("{\"status\":\"0x0\",\"gasUsed\":\"0x10\",\"returnData\":\"%s\"}", data)
            : where == 2 ? text("{\"status\":\"0x0\",\"gasUsed\":\"0x10\",\"error\":{\"message\":"
                                "\"out of \\u0007gas\"}}")
                         : text("{\"status\":\"0x0\",\"gasUsed\":\"0x10\"}");
        rig_expect(&r, NULL, a_block(text("%s,%s", a_good(21000, ""), bad)));
        const struct sim_result *s = rig_run(&r, &q);
        CHECK(s->status == HAWSE_OK && !s->success);
        CHECK_EQ(s->failed_call, 1);
        CHECK_STR(s->reason, where < 2    ? "Error: STOP: n"
                             : where == 2 ? "out of ?gas"
                                          : "no reason given");
        CHECK_EQ(s->revert, where < 2 ? HAWSE_REVERT_ERROR : HAWSE_REVERT_NONE);
        rig_stop(&r);
    }
}

TEST(sim_v1_refused, "what the node refuses for nonce, funds or fees is a verdict, not a failure")
{
    static const enum rpc_class verdicts[] = {RPC_REVERT,        RPC_INSUFFICIENT_FUNDS,
                                              RPC_GAS_LIMIT,     RPC_UNDERPRICED,
                                              RPC_NONCE_TOO_LOW, RPC_NONCE_TOO_HIGH};
    for (size_t i = 0; i < 6; i++) {
        struct rig r;
        rig_start(&r, &v1_only);
        struct sim_call call = rig_a_call(OTHER, 5, "", 0, 21000);
        struct sim_request q = rig_request(&call, 1);
        rig_expect_error(&r, NULL, HAWSE_E_REMOTE, verdicts[i],
                         i == 0 ? "{}" : "{\"code\":-38014,\"message\":\"short of funds\"}");
        const struct sim_result *s = rig_run(&r, &q);
        CHECK(s->status == HAWSE_OK && !s->success);
        CHECK_STR(s->reason, i == 0 ? "REVERT" : "short of funds");
        rig_stop(&r);
    }
}

TEST(sim_v1_hostile, "an answer that is not exactly what was asked for counts as none")
{
    static const char *const bodies[] = {
        "",
        "nonsense",
        "null",
        "[]",
        "{}",
        "[{}]",
        "[{\"calls\":[]}]",
        "[{\"calls\":{}}]",
        "[{\"calls\":[{}]}]",
        "[{\"calls\":[{\"status\":\"0x1\"}]}]",
        "[{\"calls\":[{\"status\":\"0x2\",\"gasUsed\":\"0x1\",\"logs\":[]}]}]",
        "[{\"calls\":[{\"status\":true,\"gasUsed\":\"0x1\",\"logs\":[]}]}]",
        "[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\"}]}]",
        "[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":1,\"logs\":[]}]}]",
        "[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"maxUsedGas\":\"x\",\"logs\":[]}]}]",
        "[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"logs\":[{}]}]}]",
        ("[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"logs\":[{\"address\":\"0x" TOKEN
         "\",\"topics\":[\"0x1\"],\"data\":\"0x\"}]}]}]"),
        ("[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"logs\":[{\"address\":\"0x" TOKEN
         "\",\"topics\":[],\"data\":\"0x1\"}]}]}]"),
        "[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"logs\":[]}]},{}]",
        "[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"gasUsed\":\"0x1\",\"logs\":[]}]}]",
        ("[{\"calls\":[{\"status\":\"0x1\",\"gasUsed\":\"0x1\",\"logs\":[]},{\"status\":\"0x1\","
         "\"gasUsed\":\"0x1\",\"logs\":[]}]}]"),
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct rig r;
        rig_start(&r, &v1_only);
        struct sim_call call = rig_a_call(OTHER, 5, "", 0, 21000);
        struct sim_request q = rig_request(&call, 1);
        rig_expect(&r, NULL, bodies[i]);
        const struct sim_result *s = rig_run(&r, &q);
        if (s->status != HAWSE_E_FORMAT)
            FAIL("%s: %d", bodies[i], s->status);
        CHECK(!s->success &&
              !sim_token_good(s, 0, &(hawse_tx_t){0}, q.from, 7, q.block_hash, NULL, NULL));
        CHECK_STR(s->reason,
                  "no engine answered; the last: eth_simulateV1: the answer can't be read");
        rig_stop(&r);
    }
}

TEST(sim_v1_delegated, "a bundle runs with the account's code as a delegation, and with its nonce")
{
    struct rig r;
    rig_start(&r, &v1_only);
    uint8_t entry[128], key[33] = {0};
    hawse_writer_t w = hawse_writer(entry, sizeof(entry));
    struct sim_call call = rig_a_call(ME, 0, "\1\2\3\4", 4, 300000);
    uint8_t pool[20];
    address_of(POOL, pool);
    hawse_tx_access_put(&w, pool, key, 1);
    call.access_list = (hawse_view_t){entry, w.len};
    struct sim_request q = rig_request(&call, 1);
    q.delegated = true;
    q.has_nonce = true;
    q.nonce = 9;
    address_of(POOL, q.delegate);
    rig_expect(&r, NULL, a_block(a_good(100000, "")));
    CHECK(rig_run(&r, &q)->success);
    const json_t *sender =
        json_object_get(json_object_get(block_calls(&r, 0), "stateOverrides"), "0x" ME);
    CHECK_STR(member(sender, "code"), "0xef0100" POOL);
    CHECK_STR(member(sender, "nonce"), "0x9");
    const json_t *list = json_object_get(
        json_array_get(json_object_get(block_calls(&r, 0), "calls"), 0), "accessList");
    CHECK_STR(member(json_array_get(list, 0), "address"), "0x" POOL);
    CHECK_EQ(json_array_size(json_object_get(json_array_get(list, 0), "storageKeys")), 1);
    rig_stop(&r);
}

TEST(sim_v1_subject, "a Safe's flows, allowances and rules are measured, not those of who executes")
{
    struct rig r;
    const char *safe = WORD(POOL), *me = WORD(ME), *other = WORD(OTHER);
    struct sim_call call = rig_a_call(POOL, 0, "\1\2\3\4", 4, 300000);
    struct sim_request q = rig_request(&call, 1);
    address_of(POOL, q.subject);
    address_of(TOKEN, q.assets[0]);
    q.asset_count = 1;
    q.slot_count = 2;
    for (uint8_t i = 0; i < 2; i++) {
        address_of(POOL, q.slots[i].address);
        q.slots[i].slot[31] = (uint8_t)(7 + i);
        q.slots[i].value[31] = 1;
    }
    rig_start(&r, &v1_only);
    char *logs =
        text("%s,%s,%s,%s,%s", a_transfer(OTHER, POOL, OTHER, 9), a_transfer(OTHER, ME, OTHER, 7),
             a_log(TOKEN, "Approval(address,address,uint256)", safe, other, "", 77),
             a_log(TOKEN, "Approval(address,address,uint256)", me, other, "", 78),
             a_log(ME, "ChangedThreshold(uint256)", "", "", "", 1));
    rig_expect(&r, NULL,
               a_block(text("%s,%s,%s", a_balance(50), a_good(100000, logs), a_balance(30))));
    rig_expect(&r, NULL, /* once more, with the allowance behind it */
               a_block(text("%s,%s,%s,%s", a_balance(50), a_good(100000, logs), a_balance(30),
                            a_balance(60))));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && s->flows_known);
    CHECK(is_amount(&s->approvals[0].left, 60));
    CHECK(is_amount(&flow_in(s, OTHER)->out, 9) && is_amount(&flow_in(s, TOKEN)->out, 20));
    CHECK(s->approval_count == 1 && is_amount(&s->approvals[0].amount, 77));
    CHECK_EQ(s->finding_count, 0);
    const json_t *o = block_calls(&r, 0);
    const json_t *diff = json_object_get(
        json_object_get(json_object_get(o, "stateOverrides"), "0x" POOL), "stateDiff");
    CHECK_EQ(json_object_size(diff), 2);
    CHECK_STR(member(diff, "0x0000000000000000000000000000000000000000000000000000000000000008"),
              "0x0000000000000000000000000000000000000000000000000000000000000001");
    const json_t *asked = json_array_get(json_object_get(o, "calls"), 0);
    CHECK(strstr(member(asked, "input"), POOL) != NULL);
    rig_stop(&r);
    static const char *const rules[] = {
        "AddedOwner(address)",         "RemovedOwner(address)",
        "ChangedThreshold(uint256)",   "EnabledModule(address)",
        "DisabledModule(address)",     "ChangedGuard(address)",
        "ChangedModuleGuard(address)", "ChangedFallbackHandler(address)"};
    q.asset_count = 0;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        rig_start(&r, &v1_only);
        rig_expect(&r, NULL, a_block(a_good(100000, a_log(POOL, rules[i], other, "", "", 0))));
        CHECK(found(rig_run(&r, &q), SIM_FINDING_CONTROL));
        rig_stop(&r);
    }
    q.slot_count = SIM_SLOTS + 1;
    rig_start(&r, &v1_only);
    CHECK_EQ(sim_start(r.sim, &q, rig_done, &r, NULL), HAWSE_E_INVAL);
    rig_stop(&r);
}

/* ---- order and life ---- */

TEST(sim_order, "engines are asked in order until one answers, and none is an error with words")
{
    const struct sim_options all = {.order = {SIM_NONE}};
    struct sim_call call = rig_a_call(OTHER, 5, "", 0, 21000);
    struct sim_request q = rig_request(&call, 1);
    struct rig r;
    rig_start(&r, &all);
    rig_expect_error(&r, "eth_simulateV1", HAWSE_E_REMOTE, RPC_METHOD_UNSUPPORTED,
                     "{\"code\":-32601,\"message\":\"no such method\"}");
    rig_expect_error(&r, "debug_traceCall", HAWSE_E_TIMEOUT, RPC_TIMEOUT, NULL);
    rig_expect(&r, "eth_call", "\"0x\"");
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && s->engine == SIM_ETH_CALL && !s->flows_known && s->asked == 3);
    rig_stop(&r);
    rig_start(&r, &all);
    rig_expect_error(&r, "eth_simulateV1", HAWSE_E_IO, RPC_SERVER, NULL);
    r.answers[r.answer_count++] = (struct rig_answer){.refuse = HAWSE_E_AGAIN};
    rig_expect_error(&r, "eth_call", HAWSE_E_REMOTE, RPC_METHOD_UNSUPPORTED,
                     "{\"code\":-32601,\"message\":\"no\\nsuch\"}");
    s = rig_run(&r, &q);
    CHECK_EQ(s->status, HAWSE_E_REMOTE);
    CHECK_STR(s->reason, "no engine answered; the last: eth_call: refused: no?such");
    rig_stop(&r);
}

TEST(sim_options_bad,
     "an engine that can't be reached and a question that can't be meant are refused")
{
    const struct sim_port no_post = {NULL, rig_call, NULL};
    struct sim *sim = NULL;
    CHECK_EQ(sim_create(&tenderly_only, &no_post, &sim), HAWSE_E_INVAL);
    sim_destroy(NULL);
    struct rig r;
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(OTHER, 5, "", 0, 21000);
    struct sim_request q = rig_request(&call, 0);
    CHECK_EQ(sim_start(r.sim, &q, rig_done, &r, NULL), HAWSE_E_INVAL);
    q.call_count = SIM_CALLS + 1;
    CHECK_EQ(sim_start(r.sim, &q, rig_done, &r, NULL), HAWSE_E_INVAL);
    q.call_count = 1;
    q.asset_count = SIM_ASSETS + 1;
    CHECK_EQ(sim_start(r.sim, &q, rig_done, &r, NULL), HAWSE_E_INVAL);
    q.asset_count = 0;
    call.access_list = (hawse_view_t){(const uint8_t *)"x", 1};
    CHECK_EQ(sim_start(r.sim, &q, rig_done, &r, NULL), HAWSE_E_INVAL);
    CHECK_EQ(r.asked, 0);
    rig_stop(&r);
}

TEST(sim_cancel, "a canceled run tells nobody and is freed when its answer comes")
{
    struct rig r;
    rig_start(&r, &v1_only);
    int64_t before = test_alloc_live();
    struct sim_call call = rig_a_call(OTHER, 5, "", 0, 21000);
    struct sim_request q = rig_request(&call, 1);
    r.later = true;
    rig_expect(&r, NULL, a_block(a_good(21000, "")));
    int64_t rig_own = test_alloc_live() - before;
    CHECK_EQ(sim_start(r.sim, &q, rig_done, &r, &r.run), HAWSE_OK);
    sim_cancel(r.run);
    rig_answer_next(&r);
    CHECK_EQ(r.done, 0);
    json_array_clear(r.questions);
    (void)rig_own;
    rig_stop(&r);
}

TEST(sim_later, "answers that come later lead to the same")
{
    struct rig r;
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(OTHER, 5, "", 0, 0);
    struct sim_request q = rig_request(&call, 1);
    r.later = true;
    rig_expect(&r, NULL, a_block(a_good(21000, "")));
    rig_expect(&r, NULL, a_block(a_good(21000, "")));
    CHECK_EQ(sim_start(r.sim, &q, rig_done, &r, &r.run), HAWSE_OK);
    rig_answer_next(&r);
    CHECK_EQ(r.done, 0);
    rig_answer_next(&r);
    CHECK(r.done == 1 && r.result.success);
    rig_stop(&r);
}

/* ---- what moves ---- */

static const struct sim_result *with_logs(struct rig *r, const char *logs)
{
    rig_start(r, &v1_only);
    struct sim_call call = rig_a_call(POOL, 0, "", 0, 100000);
    struct sim_request q = rig_request(&call, 1);
    rig_expect(r, NULL, a_block(a_good(50000, logs)));
    /* where allowances are given it is run once more: no token tells what is left */
    const char *silent = "{\"status\":\"0x0\",\"gasUsed\":\"0x1\"}";
    rig_expect(r, NULL, a_block(text("%s,%s", a_good(50000, logs), silent)));
    CHECK_EQ(sim_start(r->sim, &q, rig_done, r, &r->run), HAWSE_OK);
    CHECK_EQ(r->done, 1);
    return &r->result;
}

TEST(sim_flows_net, "flows are net, of the sender alone, and of each asset apart")
{
    struct rig r;
    const struct sim_result *s =
        with_logs(&r, text("%s,%s,%s,%s,%s", a_transfer(TOKEN, ME, POOL, 100),
                           a_transfer(TOKEN, POOL, ME, 30), a_transfer(TOKEN, POOL, OTHER, 999),
                           a_transfer(COIN, POOL, ME, 7), a_transfer(TOKEN, ME, ME, 5)));
    CHECK_EQ(s->flow_count, 2);
    CHECK(is_amount(&flow_in(s, TOKEN)->out, 70) && is_amount(&flow_in(s, TOKEN)->in, 0));
    CHECK(is_amount(&flow_in(s, NATIVE)->in, 7) && !flow_in(s, TOKEN)->measured);
    char *json = malloc(SIM_JSON);
    CHECK(sim_result_json(s, json, SIM_JSON) > 0);
    CHECK(strstr(json, "\"out\":\"70\",\"in\":\"0\",\"measured\":false"));
    free(json);
    rig_stop(&r);
}

TEST(sim_flows_wrapped, "wrapping counts once, whether the token logs a transfer too or not")
{
    struct rig r;
    const char *me = WORD(ME);
    char *deposit = a_log(TOKEN, "Deposit(address,uint256)", me, "", "", 50);
    char *withdrawal = a_log(POOL, "Withdrawal(address,uint256)", me, "", "", 60);
    const struct sim_result *s = with_logs(&r, text("%s,%s", deposit, withdrawal));
    CHECK(is_amount(&flow_in(s, TOKEN)->in, 50) && is_amount(&flow_in(s, POOL)->out, 60));
    rig_stop(&r);
    s = with_logs(&r, text("%s,%s,%s,%s", deposit, a_transfer(TOKEN, NATIVE, ME, 50), withdrawal,
                           a_transfer(POOL, ME, NATIVE, 60)));
    CHECK(is_amount(&flow_in(s, TOKEN)->in, 50) && is_amount(&flow_in(s, POOL)->out, 60));
    rig_stop(&r);
}

TEST(sim_findings_logs, "allowances, ownership and collections that leave are found in logs")
{
    struct rig r;
    const char *me = WORD(ME), *pool = WORD(POOL), *token = WORD(TOKEN);
    const struct sim_result *s = with_logs(
        &r,
        text("%s,%s,%s,%s,%s,%s,%s,%s,%s",
             a_log(TOKEN, "Approval(address,address,uint256)", me, pool, "", 77),
             a_log(TOKEN, "Approval(address,address,uint256)", me, pool, me, 0),
             a_log(TOKEN, "ApprovalForAll(address,address,bool)", me, pool, "", 1),
             a_log(POOL, "Approval(address,address,address,uint160,uint48)", me, token, pool, 5),
             a_log(TOKEN, "Approval(address,address,uint256)", pool, me, "", 78),
             a_log(TOKEN, "OwnershipTransferred(address,address)", me, pool, "", 0),
             a_log(TOKEN, "Transfer(address,address,uint256)", me, pool, me, 0),
             a_log(POOL, "TransferSingle(address,address,address,uint256,uint256)", pool, me, pool,
                   0),
             a_log(OTHER, "TransferBatch(address,address,address,uint256[],uint256[])", pool, me,
                   pool, 0)));
    CHECK_EQ(s->approval_count, 4);
    CHECK(is_amount(&s->approvals[0].amount, 77) && !s->approvals[0].all);
    CHECK(is_amount(&s->approvals[1].amount, 1) && s->approvals[1].all);
    CHECK(s->approvals[2].all && is_amount(&s->approvals[3].amount, 5));
    uint8_t address[20];
    address_of(TOKEN, address);
    CHECK_MEM(s->approvals[3].asset, address, 20);
    CHECK_EQ(s->finding_count, 4);
    CHECK(found(s, SIM_FINDING_OWNERSHIP) && found(s, SIM_FINDING_NFT));
    char *json = malloc(SIM_JSON);
    int32_t len = sim_result_json(s, json, SIM_JSON);
    CHECK(len > 0 && json[len] == '\0');
    json_t *root = json_loads(json, 0, NULL);
    CHECK_EQ(json_array_size(json_object_get(root, "findings")), 4);
    CHECK_STR(member(json_array_get(json_object_get(root, "findings"), 0), "kind"), "ownership");
    CHECK_EQ(json_array_size(json_object_get(root, "approvals")), 4);
    CHECK_EQ(sim_result_json(s, json, 100), HAWSE_E_NOSPACE);
    json_decref(root);
    free(json);
    rig_stop(&r);
}

TEST(sim_v1_allowances, "what is left of an allowance is asked of the token, behind the calls")
{
    struct rig r;
    const char *given =
        a_log(TOKEN, "Approval(address,address,uint256)", WORD(ME), WORD(POOL), "", 77);
    for (int i = 0; i < 4; i++) {
        /* 0: the run for the gas shows who gets it; 1: the run that counts does, so there is one
         * more; 2: the token does not tell; 3: Permit2, which has allowances of its own */
        rig_start(&r, &v1_only);
        struct sim_call call = rig_a_call(TOKEN, 0, "\x12\x34\x56\x78", 4, i == 0 ? 0 : 100000);
        struct sim_request q = rig_request(&call, 1);
        if (i == 3)
            given = a_log(POOL, "Approval(address,address,address,uint160,uint48)", WORD(ME),
                          WORD(TOKEN), WORD(POOL), 77);
        rig_expect(&r, "eth_simulateV1", a_block(a_good(50000, given)));
        if (i < 3)
            rig_expect(
                &r, "eth_simulateV1",
                a_block(text("%s,%s", a_good(50000, given),
                             i == 2 ? "{\"status\":\"0x0\",\"gasUsed\":\"0x1\"}" : a_balance(11))));
        const struct sim_result *s = rig_run(&r, &q);
        CHECK(s->success && s->flows_known && s->approval_count == 1);
        CHECK_EQ(s->approvals[0].left_known, i < 2);
        CHECK_EQ(s->approvals[0].indirect, i == 3);
        CHECK(is_amount(&s->approvals[0].amount, 77));
        CHECK(is_amount(&s->approvals[0].left, i < 2 ? 11 : 0));
        char *json = rig_keep(malloc(SIM_JSON));
        CHECK(sim_result_json(s, json, SIM_JSON) > 0);
        CHECK_EQ(strstr(json, "\"left\":\"11\"") != NULL, i < 2);
        if (i < 3) {
            const json_t *calls = json_object_get(block_calls(&r, 1), "calls");
            CHECK_EQ(json_array_size(calls), 2);
            CHECK_STR(member(json_array_get(calls, 1), "to"), "0x" TOKEN);
            CHECK_STR(member(json_array_get(calls, 1), "input"),
                      "0xdd62ed3e000000000000000000000000" ME "000000000000000000000000" POOL);
        }
        rig_stop(&r);
    }
}

TEST(sim_v1_spenders,
     "allowances are kept apart by spender, and more than are asked for are as given")
{
    struct rig r;
    char *logs = text("%s", a_log(TOKEN, "Approval(address,address,uint256)", WORD(ME),
                                  text("0x%064x", 1), "", 100));
    char *left = text("%s", a_balance(1));
    for (unsigned i = 2; i <= RUN_SPENDERS + 1; i++) {
        logs = text("%s,%s", logs,
                    a_log(TOKEN, "Approval(address,address,uint256)", WORD(ME), text("0x%064x", i),
                          "", 100));
        if (i <= RUN_SPENDERS)
            left = text("%s,%s", left, a_balance(i));
    }
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(TOKEN, 0, "", 0, 100000);
    struct sim_request q = rig_request(&call, 1);
    rig_expect(&r, NULL, a_block(a_good(50000, logs)));
    rig_expect(&r, NULL, a_block(text("%s,%s", a_good(50000, logs), left)));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK_EQ(s->approval_count, RUN_SPENDERS + 1);
    for (uint32_t i = 0; i < RUN_SPENDERS; i++)
        CHECK(s->approvals[i].left_known && is_amount(&s->approvals[i].left, i + 1));
    CHECK(!s->approvals[RUN_SPENDERS].left_known);
    rig_stop(&r);
}

TEST(sim_v1_full, "a token that is measured and finds no room among what moved is a finding")
{
    struct rig r;
    char *logs = a_transfer(POOL, ME, OTHER, 1);
    for (int i = 1; i < SIM_FLOWS; i++) {
        char token[41];
        (void)snprintf(token, sizeof(token), "%040x", i + 1);
        logs = text("%s,%s", logs, a_transfer(token, ME, OTHER, 1));
    }
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(TOKEN, 0, "", 0, 100000);
    struct sim_request q = rig_request(&call, 1);
    address_of(TOKEN, q.assets[0]);
    q.asset_count = 1;
    rig_expect(&r, NULL,
               a_block(text("%s,%s,%s", a_balance(5), a_good(50000, logs), a_balance(4))));
    CHECK(found(rig_run(&r, &q), SIM_FINDING_UNREADABLE));
    rig_stop(&r);
}

TEST(sim_block, "a contract sees a block as there are others, and the price of gas")
{
    struct rig r;
    rig_start(&r, &v1_only);
    struct sim_call call = rig_a_call(OTHER, 5, "", 0, 21000);
    struct sim_request q = rig_request(&call, 1);
    q.base_fee = hawse_u256(900);
    q.max_fee = hawse_u256(1000);
    q.tip = hawse_u256(2);
    memset(q.prev_randao, 0x5a, 32);
    memset(q.fee_recipient, 0xfe, 20);
    rig_expect(&r, "eth_simulateV1", a_block(a_good(21000, "")));
    CHECK(rig_run(&r, &q)->validated);
    const json_t *block = json_object_get(block_calls(&r, 0), "blockOverrides");
    CHECK_STR(member(block, "baseFeePerGas"), "0x384");
    CHECK_STR(member(block, "prevRandao"),
              "0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
    CHECK_STR(member(block, "feeRecipient"), "0xfefefefefefefefefefefefefefefefefefefefe");
    const json_t *first = json_array_get(json_object_get(block_calls(&r, 0), "calls"), 0);
    CHECK_STR(member(first, "maxFeePerGas"), "0x3e8");
    CHECK_STR(member(first, "maxPriorityFeePerGas"), "0x2");
    rig_stop(&r);
}

TEST(sim_receipt, "a receipt is read by the same rules as a simulation")
{
    struct sim_result *s = rig_keep(malloc(sizeof(*s)));
    uint8_t me[20];
    address_of(ME, me);
    memset(s, 0xff, sizeof(*s)); /* what was there before does not matter */
    char *receipt = text("{\"status\":\"0x1\",\"logs\":[%s,%s,%s,%s,%s]}",
                         a_transfer(TOKEN, ME, POOL, 9), a_transfer(TOKEN, POOL, ME, 4),
                         a_transfer(POOL, POOL, ME, 6), a_transfer(POOL, POOL, OTHER, 3),
                         a_log(OTHER, "Withdrawal(address,uint256)", WORD(ME), "", "", 8));
    CHECK_EQ(sim_receipt((const uint8_t *)receipt, strlen(receipt), me, s), HAWSE_OK);
    CHECK_EQ(s->flow_count, 3);
    CHECK(is_amount(&flow_in(s, TOKEN)->out, 5) && is_amount(&flow_in(s, TOKEN)->in, 0));
    CHECK(is_amount(&flow_in(s, POOL)->in, 6) && is_amount(&flow_in(s, OTHER)->out, 8));
    static const char *const bad[] = {"", "{}", "{\"logs\":[1]}", "{\"logs\":{}}", "null"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(sim_receipt((const uint8_t *)bad[i], strlen(bad[i]), me, s), HAWSE_E_FORMAT);
    char *logs = a_transfer(TOKEN, ME, POOL, 1);
    for (int i = 0; i < SIM_FLOWS; i++) {
        char token[41];
        (void)snprintf(token, sizeof(token), "%040x", i + 1);
        logs = text("%s,%s", logs, a_transfer(token, ME, POOL, 1));
    }
    receipt = text("{\"logs\":[%s]}", logs);
    CHECK_EQ(sim_receipt((const uint8_t *)receipt, strlen(receipt), me, s), HAWSE_E_FORMAT);
}

TEST(sim_logs_odd, "logs of other shapes are no transfers and no approvals")
{
    struct rig r;
    const char *me = WORD(ME), *pool = WORD(POOL);
    const struct sim_result *s = with_logs(
        &r, text("%s,%s,%s,%s,{\"address\":\"0x%s\",\"topics\":[],\"data\":\"0x\"},"
                 "{\"address\":\"0x%s\",\"topics\":[\"%s\",\"%s\",\"%s\"],\"data\":\"0x01\"}",
                 a_log(TOKEN, "Transfer(address,address,uint256)", me, "", "", 1),
                 a_log(TOKEN, "Deposit(address,uint256)", me, pool, "", 1),
                 a_log(TOKEN, "Approval(address,address,uint256)", me, "", "", 1),
                 a_log(TOKEN, "OwnershipTransferred(address,address)", me, me, "", 1), TOKEN, TOKEN,
                 topic("Transfer(address,address,uint256)"), me, pool));
    CHECK(s->success && s->flow_count == 0 && s->approval_count == 0 && s->finding_count == 0);
    rig_stop(&r);
}

TEST(sim_too_much, "more than can be told is a finding that nothing allows")
{
    struct rig r;
    char *logs = text("%s", a_transfer(TOKEN, ME, POOL, 1));
    for (int i = 0; i < SIM_FLOWS; i++) {
        char token[41];
        (void)snprintf(token, sizeof(token), "%040x", i + 1);
        logs = text("%s,%s", logs, a_transfer(token, ME, POOL, 1));
    }
    const struct sim_result *s = with_logs(&r, logs);
    CHECK(found(s, SIM_FINDING_UNREADABLE) && s->flow_count == SIM_FLOWS);
    rig_stop(&r);
    logs =
        text("%s", a_log(TOKEN, "Approval(address,address,uint256)", WORD(ME), WORD(POOL), "", 1));
    for (int i = 0; i < SIM_APPROVALS; i++)
        logs = text("%s,%s", logs,
                    a_log(TOKEN, "Approval(address,address,uint256)", WORD(ME), WORD(POOL), "", 1));
    s = with_logs(&r, logs);
    CHECK(found(s, SIM_FINDING_UNREADABLE));
    rig_stop(&r);
    logs = text("%s",
                a_log(TOKEN, "OwnershipTransferred(address,address)", WORD(ME), WORD(POOL), "", 1));
    for (int i = 0; i < SIM_FINDINGS + 2; i++) {
        char token[41];
        (void)snprintf(token, sizeof(token), "%040x", i + 1);
        logs = text(
            "%s,%s", logs,
            a_log(token, "OwnershipTransferred(address,address)", WORD(ME), WORD(POOL), "", 1));
    }
    s = with_logs(&r, logs);
    CHECK(found(s, SIM_FINDING_UNREADABLE) && s->finding_count == SIM_FINDINGS);
    rig_stop(&r);
    /* twice 2^256 - 1 */
    const char *most = "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";
    char *huge =
        text("{\"address\":\"0x%s\",\"topics\":[\"%s\",\"%s\",\"%s\"],\"data\":\"%s\"}", TOKEN,
             topic("Transfer(address,address,uint256)"), WORD(ME), WORD(POOL), most);
    s = with_logs(&r, text("%s,%s", huge, huge));
    CHECK(found(s, SIM_FINDING_UNREADABLE));
    rig_stop(&r);
    char *many = rig_keep(malloc(400 * (MOVES_LOGS + 2)));
    char *one = a_transfer(TOKEN, POOL, OTHER, 1);
    size_t at = 0;
    for (int i = 0; i <= MOVES_LOGS; i++) {
        many[at] = ',';
        memcpy(many + at + (i > 0), one, strlen(one) + 1);
        at += strlen(one) + (i > 0);
    }
    s = with_logs(&r, many);
    CHECK_EQ(s->status, HAWSE_E_FORMAT);
    rig_stop(&r);
}
