/*
 * Simulation by traces, by eth_call and by Tenderly, over a node that is scripted; and the token.
 */
#include "sim_rig.h"

static const struct sim_options trace_only = {.order = {SIM_TRACE}};
static const struct sim_options call_only = {.order = {SIM_ETH_CALL}};
static const struct sim_options tenderly_only = {.order = {SIM_TENDERLY}};

static const json_t *question(const struct rig *r, size_t i)
{
    return json_array_get(json_array_get(r->questions, i), 1);
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

#define A "1111111111111111111111111111111111111111"
#define B "2222222222222222222222222222222222222222"
#define C "3333333333333333333333333333333333333333"

/* A frame of callTracer. */
static char *a_frame(const char *type, const char *from, const char *to, const char *more,
                     const char *calls)
{
    return text(
        "{\"type\":\"%s\",\"from\":\"0x%s\",\"to\":\"0x%s\",\"gas\":\"0x10000\",\"gasUsed\":"
        "\"0x5208\",\"input\":\"0xdeadbeef\",\"value\":\"0x0\"%s%s%s%s}",
        type, from, to, more, *calls ? ",\"calls\":[" : "", calls, *calls ? "]" : "");
}

static const struct sim_result *traced(struct rig *r, const char *tree, struct sim_request *q)
{
    rig_start(r, &trace_only);
    rig_expect(r, "debug_traceCall", tree);
    return rig_run(r, q);
}

static struct sim_call one_call;

static struct sim_request one(void)
{
    one_call = rig_a_call(A, 0, "\xde\xad\xbe\xef", 4, 100000);
    return rig_request(&one_call, 1);
}

TEST(sim_trace, "a trace tells what moved, by values and logs, and what was undone did not")
{
    struct rig r;
    struct sim_request q = one();
    char *logs = text(",\"value\":\"0x0\",\"logs\":[%s]", a_transfer(TOKEN, ME, A, 40));
    char *failed =
        text("{\"type\":\"CALL\",\"from\":\"0x%s\",\"to\":\"0x%s\",\"gas\":\"0x10000\","
             "\"gasUsed\":\"0x1\",\"input\":\"0x\",\"value\":\"0x64\",\"error\":\"execution "
             "reverted\",\"output\":\"0x\",\"calls\":[%s]}",
             A, ME, a_frame("CALL", A, B, text(",\"logs\":[%s]", a_transfer(TOKEN, ME, B, 9)), ""));
    char *paid = text("{\"type\":\"CALL\",\"from\":\"0x%s\",\"to\":\"0x%s\",\"gas\":\"0x10000\","
                      "\"gasUsed\":\"0x1\",\"input\":\"0x\",\"value\":\"0x7\"}",
                      A, ME);
    char *tree =
        text("{\"type\":\"CALL\",\"from\":\"0x%s\",\"to\":\"0x%s\",\"gas\":\"0x10000\",\"gasUsed\":"
             "\"0xc350\",\"input\":\"0xdeadbeef\"%s,\"calls\":[%s,%s]}",
             ME, A, logs, failed, paid);
    const struct sim_result *s = traced(&r, tree, &q);
    CHECK(s->success && s->inspected && s->flows_known && !s->validated);
    CHECK_EQ(s->engine, SIM_TRACE);
    CHECK(is_amount(&flow_in(s, TOKEN)->out, 40) && is_amount(&flow_in(s, NATIVE)->in, 7));
    CHECK_EQ_U64(s->gas[0].used, 50000);
    CHECK_EQ(s->finding_count, 0);
    const json_t *options = json_array_get(question(&r, 0), 2);
    CHECK_STR(member(options, "tracer"), "callTracer");
    CHECK(json_is_true(json_object_get(json_object_get(options, "tracerConfig"), "withLog")));
    CHECK_STR(member(json_object_get(options, "blockOverrides"), "number"), "0x8");
    CHECK_STR(member(json_object_get(options, "blockOverrides"), "time"), "0x6553f105");
    rig_stop(&r);
}

/* What `from` calls with data and without effect, inside a transaction of ours. */
static char *an_empty(const char *from, const char *type, const char *used, const char *more)
{
    return text("{\"type\":\"%s\",\"from\":\"0x%s\",\"to\":\"0x%s\",\"gas\":\"0x10000\","
                "\"gasUsed\":%s,\"input\":\"0xdeadbeef\",\"value\":\"0x0\"%s}",
                type, from, B, used, more);
}

TEST(sim_trace_no_effect, "what the account calls in a bundle, and has no code, is found")
{
    const struct {
        char *inside;
        bool found;
    } cases[] = {{an_empty(ME, "CALL", "\"0x0\"", ""), true},
                 {an_empty(A, "CALL", "\"0x0\"", ""), false}, /* somebody else's: may well ask */
                 {an_empty(ME, "STATICCALL", "\"0x0\"", ""), false},
                 {an_empty(ME, "CALL", "\"0x0\"", ",\"error\":\"out of gas\""), false},
                 {an_empty(ME, "CALL", "null", ""), false}, /* not told */
                 {a_frame("CALL", ME, B, "", ""), false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig r;
        struct sim_request q = one();
        const struct sim_result *s = traced(&r, a_frame("CALL", ME, A, "", cases[i].inside), &q);
        CHECK_EQ(found(s, SIM_FINDING_NO_EFFECT), cases[i].found);
        rig_stop(&r);
    }
}

TEST(sim_trace_findings, "re-entry, foreign code, self-destruction and caught overflow are found")
{
    static const char *const panic =
        ",\"error\":\"execution "
        "reverted\",\"output\":\"0x4e487b7100000000000000000000000000000000000"
        "00000000000000000000000000011\"";
    struct rig r;
    struct sim_request q = one();
    const struct sim_result *s = traced(
        &r,
        a_frame("CALL", ME, A, "",
                text("%s,%s,%s", a_frame("CALL", A, B, "", a_frame("CALL", B, A, "", "")),
                     text("{\"type\":\"SELFDESTRUCT\",\"from\":\"0x%s\",\"to\":\"0x%s\",\"value\":"
                          "\"0x5\"}",
                          A, ME),
                     a_frame("CALL", A, C, panic, ""))),
        &q);
    CHECK(s->success && s->finding_count == 3);
    CHECK(found(s, SIM_FINDING_REENTRANCY) && found(s, SIM_FINDING_SELFDESTRUCT) &&
          found(s, SIM_FINDING_OVERFLOW));
    CHECK(is_amount(&flow_in(s, NATIVE)->in, 5));
    uint8_t a[20];
    address_of(A, a);
    CHECK_MEM(s->findings[0].where, a, 20);
    CHECK_MEM(s->findings[0].selector, "\xde\xad\xbe\xef", 4);
    rig_stop(&r);
}

TEST(sim_trace_legal,
     "callbacks, static calls, stipends, proxies and calls of oneself are no re-entry")
{
    struct rig r;
    struct sim_request q = one();
    const char *callback = "{\"type\":\"CALL\",\"from\":\"0x" B "\",\"to\":\"0x" A
                           "\",\"gas\":\"0x10000\",\"gasUsed\":\"0x1\",\"input\":\"0xfa461e33\"}";
    const char *stipend =
        "{\"type\":\"CALL\",\"from\":\"0x" B "\",\"to\":\"0x" A
        "\",\"gas\":\"0x8fc\",\"gasUsed\":\"0x1\",\"input\":\"0x\",\"value\":\"0x1\"}";
    char *inside = text(
        "%s,%s,%s", callback, stipend,
        a_frame("STATICCALL", B, A, "", a_frame("CALL", A, B, "", a_frame("CALL", B, A, "", ""))));
    const struct sim_result *s =
        traced(&r,
               a_frame("CALL", ME, A, "",
                       text("%s,%s,%s", a_frame("CALL", A, B, "", inside),
                            a_frame("DELEGATECALL", A, C, "", a_frame("CALL", A, A, "", "")),
                            a_frame("CREATE2", A, C, "", ""))),
               &q);
    CHECK(s->success && s->finding_count == 0);
    rig_stop(&r);
    /* the operator's own list stands in the place of the usual one */
    q.policy.callback_count = 1;
    memcpy(q.policy.callbacks[0], "\1\2\3\4", 4);
    s = traced(&r, a_frame("CALL", ME, A, "", a_frame("CALL", A, B, "", callback)), &q);
    CHECK(found(s, SIM_FINDING_REENTRANCY));
    rig_stop(&r);
}

TEST(sim_trace_code,
     "a delegated account runs the code it points to and what is listed, and no other")
{
    struct rig r;
    one_call = rig_a_call(ME, 0, "", 0, 100000);
    struct sim_request q = rig_request(&one_call, 1);
    q.delegated = true;
    address_of(A, q.delegate);
    address_of(B, q.policy.code[0]);
    q.policy.code_count = 1;
    const struct sim_result *s =
        traced(&r,
               a_frame("CALL", ME, ME, "",
                       text("%s,%s", a_frame("DELEGATECALL", ME, A, "", ""),
                            a_frame("CALLCODE", ME, B, "", ""))),
               &q);
    CHECK_EQ(s->finding_count, 0);
    rig_stop(&r);
    s = traced(&r, a_frame("CALL", ME, ME, "", a_frame("DELEGATECALL", ME, C, "", "")), &q);
    CHECK(found(s, SIM_FINDING_DELEGATECALL));
    const json_t *sender = json_object_get(
        json_object_get(json_array_get(question(&r, 0), 2), "stateOverrides"), "0x" ME);
    CHECK_STR(member(sender, "code"), "0xef0100" A);
    rig_stop(&r);
}

TEST(sim_trace_subject, "a Safe runs its own code and what is listed; slots stand in the state")
{
    struct rig r;
    one_call = rig_a_call(A, 0, "", 0, 100000);
    struct sim_request q = rig_request(&one_call, 1);
    address_of(A, q.subject);
    address_of(B, q.policy.code[0]);
    q.policy.code_count = 1;
    address_of(A, q.slots[0].address);
    q.slot_count = 1;
    const struct sim_result *s =
        traced(&r, a_frame("CALL", ME, A, "", a_frame("DELEGATECALL", A, B, "", "")), &q);
    CHECK_EQ(s->finding_count, 0);
    const json_t *state = json_object_get(json_array_get(question(&r, 0), 2), "stateOverrides");
    CHECK(json_object_get(json_object_get(state, "0x" A), "stateDiff") != NULL);
    rig_stop(&r);
    s = traced(&r,
               a_frame("CALL", ME, A, "",
                       a_frame("DELEGATECALL", A, B, "", a_frame("DELEGATECALL", A, C, "", ""))),
               &q);
    CHECK(found(s, SIM_FINDING_DELEGATECALL));
    rig_stop(&r);
}

TEST(sim_trace_several, "each call is traced on what the ones before it left")
{
    struct rig r;
    struct sim_call calls[2] = {rig_a_call(A, 0, "\xde\xad\xbe\xef", 4, 0),
                                rig_a_call(B, 0, "\xde\xad\xbe\xef", 4, 100000)};
    struct sim_request q = rig_request(calls, 2);
    q.has_nonce = true;
    q.nonce = 4;
    rig_start(&r, &trace_only);
    rig_expect(&r, "debug_traceCall", a_frame("CALL", ME, A, "", ""));
    rig_expect(&r, "debug_traceCall",
               "{\"pre\":{\"0x" A "\":{\"storage\":{\"0x01\":\"0x02\",\"0x03\":\"0x04\"}},\"0x" B
               "\":{\"balance\":\"0x1\"}},\"post\":{\"0x" A
               "\":{\"storage\":{\"0x03\":\"0x05\"}},\"0x" B
               "\":{\"balance\":\"0x2\",\"code\":\"0x60\"},"
               "\"0x" ME "\":{\"nonce\":5}}}");
    rig_expect(&r, "debug_traceCall", a_frame("CALL", ME, B, "", ""));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && s->call_count == 2);
    CHECK_EQ_U64(s->gas[0].limit, 31500);
    CHECK_EQ_U64(s->gas[1].limit, 100000);
    const json_t *options = json_array_get(question(&r, 1), 2);
    CHECK_STR(member(options, "tracer"), "prestateTracer");
    CHECK(json_is_true(json_object_get(json_object_get(options, "tracerConfig"), "diffMode")));
    const json_t *state = json_object_get(json_array_get(question(&r, 2), 2), "stateOverrides");
    const json_t *diff = json_object_get(json_object_get(state, "0x" A), "stateDiff");
    CHECK_STR(member(diff, "0x03"), "0x05");
    CHECK_STR(member(diff, "0x01"),
              "0x0000000000000000000000000000000000000000000000000000000000000000");
    CHECK_STR(member(json_object_get(state, "0x" B), "balance"), "0x2");
    CHECK_STR(member(json_object_get(state, "0x" B), "code"), "0x60");
    CHECK_STR(member(json_object_get(state, "0x" ME), "nonce"), "0x5");
    rig_stop(&r);
    static const char *const bad[] = {"{}", "[]", "{\"pre\":{}}",
                                      ("{\"pre\":{},\"post\":{\"0x" A "\":{\"nonce\":-1}}}")};
    for (int i = 0; i < 4; i++) {
        rig_start(&r, &trace_only);
        rig_expect(&r, NULL, a_frame("CALL", ME, A, "", ""));
        rig_expect(&r, NULL, bad[i]);
        CHECK_EQ(rig_run(&r, &q)->status, HAWSE_E_FORMAT);
        rig_stop(&r);
    }
}

TEST(sim_trace_fails, "a trace that fails is a verdict with its words")
{
    struct rig r;
    struct sim_request q = one();
    const struct sim_result *s =
        traced(&r, a_frame("CALL", ME, A, ",\"error\":\"out of gas\"", ""), &q);
    CHECK(s->status == HAWSE_OK && !s->success);
    CHECK_STR(s->reason, "out of gas");
    rig_stop(&r);
    rig_start(&r, &trace_only);
    rig_expect_error(&r, NULL, HAWSE_E_REMOTE, RPC_REVERT, "{\"message\":\"no\"}");
    s = rig_run(&r, &q);
    CHECK(s->status == HAWSE_OK && !s->success);
    rig_stop(&r);
}

TEST(sim_trace_hostile, "a tree that is not one counts as no answer")
{
    struct rig r;
    struct sim_request q = one();
    char *deep = a_frame("CALL", A, B, "", "");
    for (int i = 0; i < 40; i++)
        deep = a_frame("CALL", A, B, "", deep);
    const char *bodies[] = {
        "null",
        "{\"gasUsed\":\"0x1\"}",
        a_frame("JUMP", ME, A, "", ""),
        a_frame("CALL", "12", A, "", ""),
        a_frame("CALL", ME, "12", "", ""),
        a_frame("CALL", ME, A, ",\"calls\":{}", ""),
        a_frame("CALL", ME, A, ",\"logs\":{}", ""),
        a_frame("CALL", ME, A, ",\"error\":\"x\",\"output\":\"0x1\"", ""),
        ("{\"type\":\"CALL\",\"from\":\"0x" ME "\",\"to\":\"0x" A
         "\",\"gasUsed\":\"0x1\",\"input\":\"0x\"}"),
        ("{\"type\":\"CALL\",\"from\":\"0x" ME "\",\"to\":\"0x" A
         "\",\"gas\":\"0x1\",\"gasUsed\":\"0x1\",\"input\":\"0x\",\"value\":1}"),
        ("{\"type\":\"CALL\",\"from\":\"0x" ME "\",\"to\":\"0x" A
         "\",\"gas\":\"0x1\",\"gasUsed\":\"0x1\",\"input\":7}"),
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const struct sim_result *s = traced(&r, bodies[i], &q);
        if (s->status != HAWSE_E_FORMAT)
            FAIL("%s: %d", bodies[i], s->status);
        rig_stop(&r);
    }
    CHECK(traced(&r, a_frame("CALL", ME, A, "", deep), &q)->success);
    rig_stop(&r);
    /* deeper than the EVM goes: not even JSON is read so far */
    size_t n = 3000, one_len = strlen(a_frame("CALL", A, B, ",\"calls\":[", "")) + 4;
    char *text_of_it = rig_keep(malloc(n * one_len + 10));
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        char *frame = a_frame("CALL", A, B, ",\"calls\":[", "");
        size_t len = strlen(frame) - 1;
        memcpy(text_of_it + at, frame, len);
        at += len;
    }
    for (size_t i = 0; i < n; i++, at += 2)
        memcpy(text_of_it + at, "]}", 3);
    CHECK_EQ(traced(&r, text_of_it, &q)->status, HAWSE_E_FORMAT);
    rig_stop(&r);
    /* a creation that failed made nothing */
    char *failed =
        text("{\"type\":\"CREATE\",\"from\":\"0x%s\",\"gas\":\"0x1\",\"gasUsed\":\"0x1\",\"input\":"
             "\"0x60\",\"error\":\"x\",\"value\":\"0x1\"}",
             A);
    CHECK(traced(&r, a_frame("CALL", ME, A, "", failed), &q)->success);
    rig_stop(&r);
}

TEST(sim_inspect, "the call tree is asked for after an engine that gives none, and must agree")
{
    const struct sim_options options = {.order = {SIM_SIMULATE_V1}, .inspect = true};
    struct rig r;
    struct sim_request q = one();
    char *block = a_block(a_good(50000, a_transfer(TOKEN, ME, A, 3)));
    rig_start(&r, &options);
    rig_expect(&r, "eth_simulateV1", block);
    rig_expect(&r, "debug_traceCall",
               a_frame("CALL", ME, A, text(",\"logs\":[%s]", a_transfer(TOKEN, ME, A, 3)),
                       a_frame("CALL", A, B, "", a_frame("CALL", B, A, "", ""))));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && s->inspected && s->engine == SIM_SIMULATE_V1);
    CHECK(is_amount(&flow_in(s, TOKEN)->out, 3));
    CHECK(found(s, SIM_FINDING_REENTRANCY));
    CHECK_EQ_U64(s->gas[0].used, 50000);
    rig_stop(&r);
    for (int i = 0; i < 3; i++) {
        rig_start(&r, &options);
        rig_expect(&r, "eth_simulateV1", block);
        if (i == 0)
            rig_expect_error(&r, "debug_traceCall", HAWSE_E_REMOTE, RPC_METHOD_UNSUPPORTED, "{}");
        else
            rig_expect(&r, "debug_traceCall",
                       i == 1 ? "[]"
                              : a_frame("CALL", ME, A, ",\"error\":\"execution reverted\"", ""));
        s = rig_run(&r, &q);
        CHECK(s->status == HAWSE_OK && s->success == (i < 2) && !s->inspected);
        rig_stop(&r);
    }
    CHECK_STR(s->reason, "debug_traceCall saw it fail");
}

/* ---- eth_call ---- */

TEST(sim_eth_call, "eth_call says whether one call succeeds, with a gas limit where none is given, "
                   "and gas for the authorization of a bundle")
{
    struct rig r;
    struct sim_call call = rig_a_call(ME, 1, "", 0, 0);
    struct sim_request q = rig_request(&call, 1);
    q.max_fee = hawse_u256(5);
    q.delegated = true;
    rig_start(&r, &call_only);
    rig_expect(&r, "eth_estimateGas", "\"0x5208\"");
    rig_expect(&r, "eth_call", "\"0x\"");
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && !s->flows_known && !s->inspected && s->gas[0].limit == 55200);
    CHECK_STR(member(json_array_get(question(&r, 1), 0), "gas"), "0xd7a0");
    CHECK_STR(member(json_array_get(question(&r, 1), 0), "maxFeePerGas"), "0x5");
    CHECK_EQ(json_array_size(question(&r, 1)), 3);
    rig_stop(&r);
    static const struct {
        const char *first, *second;
        int32_t status;
    } bad[] = {{"7", NULL, HAWSE_E_FORMAT},
               {"\"0x1\"", "\"0x1\"", HAWSE_E_FORMAT},
               {"\"0x1\"", "7", HAWSE_E_FORMAT}};
    for (int i = 0; i < 3; i++) {
        rig_start(&r, &call_only);
        rig_expect(&r, "eth_estimateGas", bad[i].first);
        if (bad[i].second)
            rig_expect(&r, "eth_call", bad[i].second);
        CHECK_EQ(rig_run(&r, &q)->status, bad[i].status);
        rig_stop(&r);
    }
    for (int i = 0; i < 2; i++) {
        rig_start(&r, &call_only);
        if (i > 0)
            rig_expect(&r, NULL, "\"0x1\"");
        rig_expect_error(
            &r, NULL, HAWSE_E_REMOTE, RPC_REVERT,
            "{\"code\":3,\"message\":\"execution reverted\",\"data\":\"0x4e487b710000000000"
            "000000000000000000000000000000000000000000000000000012\"}");
        s = rig_run(&r, &q);
        CHECK(s->status == HAWSE_OK && !s->success);
        CHECK_STR(s->reason, "Panic 0x12: division or modulo by zero");
        rig_stop(&r);
    }
    struct sim_call two[2] = {call, call};
    q = rig_request(two, 2);
    rig_start(&r, &call_only);
    s = rig_run(&r, &q);
    CHECK_EQ(s->status, HAWSE_E_UNSUPPORTED);
    rig_stop(&r);
}

/* ---- Tenderly ---- */

static char *a_tenderly(const char *status, const char *info)
{
    return text("{\"transaction\":{\"status\":%s,\"gas_used\":50000,\"error_message\":\"execution "
                "reverted: no\",\"transaction_info\":{%s}},\"simulation\":{\"id\":\"x\"}}",
                status, info);
}

TEST(sim_tenderly, "Tenderly is asked as its API says, and what moved is read from asset_changes")
{
    struct rig r;
    struct sim_request q = one();
    q.max_fee = hawse_u256(1000);
    q.has_nonce = true;
    rig_start(&r, &tenderly_only);
    char *log = a_log(TOKEN, "Approval(address,address,uint256)", WORD(ME), WORD(A), "", 8);
    rig_expect(
        &r, "/simulate",
        a_tenderly(
            "true",
            text("\"asset_changes\":[{\"token_info\":{\"standard\":\"ERC20\",\"contract_address\":"
                 "\"0x%s\"},\"from\":\"0x%s\",\"to\":\"0x%s\",\"raw_amount\":\"12\"},{\"token_"
                 "info\":{"
                 "\"standard\":\"NativeCurrency\"},\"to\":\"0x%s\",\"raw_amount\":\"3\"},{\"token_"
                 "info\":{"
                 "\"standard\":\"ERC721\",\"contract_address\":\"0x%s\"},\"from\":\"0x%s\",\"to\":"
                 "\"0x%s\"}],"
                 "\"logs\":[{\"name\":\"Approval\",\"raw\":%s},%s]",
                 TOKEN, ME, A, ME, B, ME, A, log, a_transfer(TOKEN, ME, A, 12))));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->success && s->flows_known && s->engine == SIM_TENDERLY);
    CHECK(is_amount(&flow_in(s, TOKEN)->out, 12) && is_amount(&flow_in(s, NATIVE)->in, 3));
    CHECK(found(s, SIM_FINDING_NFT) && s->approval_count == 1);
    const json_t *body = question(&r, 0);
    CHECK_STR(member(body, "network_id"), "100");
    CHECK_STR(member(body, "from"), "0x" ME);
    CHECK_STR(member(body, "input"), "0xdeadbeef");
    CHECK_STR(member(body, "value"), "0");
    CHECK_STR(member(body, "simulation_type"), "full");
    CHECK_STR(member(body, "max_fee_per_gas"), "1000");
    CHECK(json_is_false(json_object_get(body, "save")));
    CHECK_EQ(json_integer_value(json_object_get(body, "gas")), 100000);
    CHECK_EQ(json_integer_value(json_object_get(body, "block_number")), 7);
    CHECK(json_object_get(json_object_get(body, "state_objects"), "0x" ME) != NULL);
    rig_stop(&r);
}

TEST(sim_tenderly_bad,
     "status false is a revert; what can't be read leaves flows unknown, or no answer")
{
    struct rig r;
    struct sim_request q = one();
    rig_start(&r, &tenderly_only);
    rig_expect(&r, NULL, a_tenderly("false", ""));
    const struct sim_result *s = rig_run(&r, &q);
    CHECK(s->status == HAWSE_OK && !s->success);
    CHECK_STR(s->reason, "execution reverted: no");
    rig_stop(&r);
    static const char *const unknown[] = {
        "",
        "\"asset_changes\":{},\"logs\":[]",
        "\"asset_changes\":null",
        "\"asset_changes\":[{}],\"logs\":[]",
        "\"asset_changes\":[],\"logs\":[{}]",
        "\"asset_changes\":[],\"logs\":{}",
        ("\"asset_changes\":[{\"token_info\":{\"standard\":\"ERC20\"},\"raw_amount\":\"1\"}],"
         "\"logs\":[]"),
        "\"asset_changes\":[{\"token_info\":{\"standard\":\"NativeCurrency\"}}],\"logs\":[]",
        ("\"asset_changes\":[{\"token_info\":{\"standard\":\"NativeCurrency\"},\"raw_amount\":"
         "\"1e5\"}],\"logs\":[]"),
        ("\"asset_changes\":[{\"token_info\":{\"standard\":\"NativeCurrency\"},\"from\":1,\"raw_"
         "amount\":\"1\"}],"
         "\"logs\":[]")};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        rig_start(&r, &tenderly_only);
        rig_expect(&r, NULL, a_tenderly("true", unknown[i]));
        s = rig_run(&r, &q);
        if (!s->success || s->flows_known)
            FAIL("%s", unknown[i]);
        rig_stop(&r);
    }
    static const char *const none[] = {"",
                                       "{}",
                                       "[]",
                                       "{\"error\":{\"slug\":\"x\",\"message\":\"y\"}}",
                                       "{\"transaction\":{\"status\":true,\"gas_used\":-1}}",
                                       "{\"transaction\":{\"status\":1,\"gas_used\":1}}",
                                       "{\"simulation_results\":[]}"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        rig_start(&r, &tenderly_only);
        rig_expect(&r, NULL, none[i]);
        r.answers[0].http = i == 3 ? 401 : 200;
        s = rig_run(&r, &q);
        CHECK_EQ(s->status, HAWSE_E_REMOTE);
        rig_stop(&r);
    }
    rig_start(&r, &tenderly_only);
    rig_expect_error(&r, NULL, HAWSE_E_TIMEOUT, RPC_TIMEOUT, NULL);
    CHECK_EQ(rig_run(&r, &q)->status, HAWSE_E_TIMEOUT);
    rig_stop(&r);
}

TEST(sim_tenderly_bundle, "several calls go out as one bundle, and the first that fails is named")
{
    struct rig r;
    struct sim_call calls[2] = {rig_a_call(A, 0, "", 0, 0), rig_a_call(B, 0, "", 0, 9)};
    struct sim_request q = rig_request(calls, 2);
    const char *empty = "\"asset_changes\":null,\"logs\":null";
    for (int i = 0; i < 3; i++) {
        rig_start(&r, &tenderly_only);
        char *first = a_tenderly("true", empty);
        char *second = a_tenderly(i == 0 ? "true" : "false", empty);
        rig_expect(&r, "/simulate-bundle",
                   text("{\"simulation_results\":[%s%s%s]}", first, i < 2 ? "," : "",
                        i < 2 ? second : ""));
        const struct sim_result *s = rig_run(&r, &q);
        CHECK_EQ(s->status, i < 2 ? HAWSE_OK : HAWSE_E_REMOTE);
        CHECK(s->success == (i == 0) && s->failed_call == (i == 1));
        CHECK_EQ(json_array_size(json_object_get(question(&r, 0), "simulations")), 2);
        rig_stop(&r);
    }
}

/* ---- the token ---- */

static hawse_tx_t signed_as(const struct sim_call *call)
{
    hawse_tx_t tx = {.type = HAWSE_TX_DYNAMIC_FEE,
                     .chain_id = 100,
                     .nonce = 77,
                     .gas_limit = call->gas_limit,
                     .max_fee = hawse_u256(9),
                     .value = call->value,
                     .data = call->data,
                     .access_list = call->access_list};
    memcpy(tx.to, call->to, 20);
    return tx;
}

static bool good(const struct sim_result *s, const hawse_tx_t *tx, const uint8_t from[20],
                 uint64_t head, const uint8_t *hash, const uint8_t *parent, const char *want)
{
    const char *why = "";
    bool result = sim_token_good(s, 0, tx, from, head, hash, parent, &why);
    if (!result && (!want || strcmp(why, want) != 0))
        FAIL("%s", why);
    return result;
}

TEST(sim_token, "a token is good for the same bytes on the same head or the next, and nothing else")
{
    struct rig r;
    rig_start(&r, &(struct sim_options){.order = {SIM_SIMULATE_V1}});
    struct sim_request q = one();
    rig_expect(&r, NULL, a_block(a_good(50000, a_transfer(TOKEN, ME, A, 3))));
    struct sim_result s = *rig_run(&r, &q), bad;
    hawse_tx_t tx = signed_as(&one_call), other;
    const uint8_t *hash = q.block_hash;
    uint8_t next[32] = {1};
    static const char *const another = "what was simulated is another transaction";
    static const char *const touched = "the simulation's result is not what its token says";
    static const char *const gone = "the block that it was simulated on is gone";
    CHECK(good(&s, &tx, q.from, 7, hash, NULL, NULL));
    CHECK(good(&s, &tx, q.from, 8, next, hash, NULL) && good(&s, &tx, q.from, 8, next, NULL, NULL));
    CHECK(!good(&s, &tx, q.from, 7, next, NULL, gone) &&
          !good(&s, &tx, q.from, 8, next, next, gone));
    CHECK(!good(&s, &tx, q.from, 9, next, hash, "the simulation is more than one block old"));
    CHECK(!good(&s, &tx, q.from, 6, next, hash, "the simulation is more than one block old"));
    other = tx;
    other.gas_limit--;
    CHECK(!good(&s, &other, q.from, 7, hash, NULL,
                "its gas limit is below what the simulation ran with"));
    other.gas_limit += 2;
    other.nonce = 1;
    other.max_fee = hawse_u256(1000);
    CHECK(good(&s, &other, q.from, 7, hash, NULL, NULL));
    CHECK(!sim_token_good(&s, 1, &tx, q.from, 7, hash, NULL, NULL));
    for (int i = 0; i < 8; i++) {
        uint8_t entry[200];
        hawse_writer_t w = hawse_writer(entry, sizeof(entry));
        other = tx;
        uint8_t from[20];
        memcpy(from, q.from, 20);
        if (i == 0)
            other.to[19] ^= 1;
        else if (i == 1)
            other.value = hawse_u256(1);
        else if (i == 2)
            other.data.len--;
        else if (i == 3)
            other.chain_id++;
        else if (i == 4)
            from[0] ^= 1;
        else if (i == 5)
            other.create = 1;
        else if (i == 6) {
            hawse_tx_access_put(&w, q.from, NULL, 0);
            other.access_list = (hawse_view_t){entry, w.len};
        } else {
            hawse_tx_authorization_t a = {.chain_id = hawse_u256(100)};
            hawse_tx_authorization_put(&w, &a);
            other.authorizations = (hawse_view_t){entry, w.len};
        }
        CHECK(!good(&s, &other, from, 7, hash, NULL, another));
    }
    for (int i = 0; i < 6; i++) {
        bad = s;
        if (i == 0)
            bad.flows[0].out = hawse_u256(1);
        else if (i == 1)
            bad.flow_count = 0;
        else if (i == 2)
            bad.gas[0].limit = 1;
        else if (i == 3)
            bad.block_number++;
        else if (i == 4)
            bad.inspected = true;
        else
            bad.bindings[0][0] ^= 1;
        CHECK(!good(&bad, &tx, q.from, 7, hash, NULL, touched));
    }
    bad = s;
    bad.success = false;
    sim_token(&bad, bad.token);
    CHECK(!good(&bad, &tx, q.from, 7, hash, NULL, "the simulation did not succeed"));
    rig_stop(&r);
}

TEST(sim_token_bundle,
     "a bundle is bound to whom its account points to, whatever its nonce and signature")
{
    struct rig r;
    rig_start(&r, &(struct sim_options){.order = {SIM_SIMULATE_V1}});
    one_call = rig_a_call(ME, 0, "\1\2\3\4", 4, 100000);
    struct sim_request q = rig_request(&one_call, 1);
    q.delegated = true;
    address_of(A, q.delegate);
    rig_expect(&r, NULL, a_block(a_good(50000, "")));
    const struct sim_result s = *rig_run(&r, &q);
    uint8_t entry[200];
    hawse_tx_t tx = signed_as(&one_call);
    CHECK(!sim_token_good(&s, 0, &tx, q.from, 7, q.block_hash, NULL, NULL));
    for (int i = 0; i < 4; i++) {
        hawse_writer_t w = hawse_writer(entry, sizeof(entry));
        hawse_tx_authorization_t a = {.chain_id = hawse_u256(i == 1 ? 0 : 100), .nonce = 3};
        memcpy(a.address, q.delegate, 20);
        a.address[0] ^= i == 2;
        memset(a.signature.r, 7, 32);
        memset(a.signature.s, 7, 32);
        hawse_tx_authorization_put(&w, &a);
        if (i == 3)
            hawse_tx_authorization_put(&w, &a);
        tx.authorizations = (hawse_view_t){entry, w.len};
        CHECK(sim_token_good(&s, 0, &tx, q.from, 7, q.block_hash, NULL, NULL) == (i == 0));
    }
    tx.authorizations = (hawse_view_t){entry, 1};
    CHECK(!sim_token_good(&s, 0, &tx, q.from, 7, q.block_hash, NULL, NULL));
    rig_stop(&r);
}

/* A node that takes no memory of its own. */
struct still {
    char block[4096], frame[4096];
    const char *changes;
    uint32_t done;
    struct sim_result result;
};

static int32_t still_call(void *ctx, const char *method, const char *params, size_t len,
                          sim_answer_fn done, void *done_ctx)
{
    struct still *s = ctx;
    const char *body = strcmp(method, "eth_simulateV1") == 0    ? s->block
                       : strcmp(method, "debug_traceCall") != 0 ? "\"0x\""
                       : strstr(params, "prestateTracer")       ? s->changes
                                                                : s->frame;
    const struct sim_answer answer = {.body = (const uint8_t *)body, .body_len = strlen(body)};
    CHECK(len > 2 && params[0] == '[');
    done(done_ctx, &answer);
    return HAWSE_OK;
}

static void still_done(void *ctx, const struct sim_result *result)
{
    struct still *s = ctx;
    s->result = *result;
    s->done++;
}

TEST(sim_memory, "every allocation may fail: the run ends once, and never with half a result")
{
    const struct sim_options options = {.order = {SIM_SIMULATE_V1, SIM_TRACE, SIM_ETH_CALL},
                                        .inspect = true};
    static struct still s;
    const struct sim_port port = {&s, still_call, NULL};
    struct sim *sim = NULL;
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    (void)snprintf(s.block, sizeof(s.block), "%s",
                   a_block(text("%s,%s,%s", a_balance(9),
                                a_good(50000, a_transfer(TOKEN, ME, A, 3)), a_balance(6))));
    (void)snprintf(s.frame, sizeof(s.frame), "%s", a_frame("CALL", ME, A, "", ""));
    for (uint64_t n = 1; n <= 1; n++) {
        test_alloc_fail_after(n);
        int32_t code =
            sim_create(&tenderly_only, &(struct sim_port){&s, still_call, rig_post}, &sim);
        test_alloc_fail_after(0);
        CHECK_EQ(code, HAWSE_E_NOMEM);
    }
    CHECK_EQ(sim_create(&options, &port, &sim), HAWSE_OK);
    for (uint64_t n = 1; n < 700; n++) {
        struct sim_request q = one();
        address_of(TOKEN, q.assets[0]);
        q.asset_count = 1;
        q.has_nonce = true;
        s.done = 0;
        test_alloc_fail_after(n);
        int32_t code = sim_start(sim, &q, still_done, &s, NULL);
        test_alloc_fail_after(0);
        CHECK_EQ(s.done, code == HAWSE_OK);
        if (code == HAWSE_OK && s.result.status == HAWSE_OK && s.result.success &&
            s.result.engine == SIM_SIMULATE_V1 && s.result.flows_known)
            CHECK(is_amount(&flow_in(&s.result, TOKEN)->out, 3));
    }
    sim_destroy(sim);
    /* the traces of two calls, with slots that stand otherwise, and eth_call alone */
    const struct sim_options more[2] = {{.order = {SIM_TRACE, SIM_ETH_CALL}},
                                        {.order = {SIM_ETH_CALL}}};
    const struct sim_call calls[2] = {rig_a_call(A, 0, "\xde\xad\xbe\xef", 4, 50000),
                                      rig_a_call(B, 0, "\xde\xad\xbe\xef", 4, 50000)};
    s.changes = "{\"pre\":{\"0x" A "\":{\"storage\":{\"0x01\":\"0x02\"}}},\"post\":{\"0x" B
                "\":{\"balance\":\"0x2\",\"nonce\":5,\"storage\":{\"0x03\":\"0x05\"}}}}";
    for (uint64_t n = 1; n < 1300; n++) {
        struct sim_request q = rig_request(calls, n % 2 ? 2 : 1);
        q.max_fee = hawse_u256(7);
        q.has_nonce = true;
        q.slot_count = 2;
        address_of(A, q.slots[0].address);
        address_of(B, q.slots[1].address);
        s.done = 0;
        CHECK_EQ(sim_create(&more[n >= 1000], &port, &sim), HAWSE_OK);
        test_alloc_fail_after((n % 1000 + 1) / 2);
        int32_t code = sim_start(sim, &q, still_done, &s, NULL);
        test_alloc_fail_after(0);
        CHECK_EQ(s.done, code == HAWSE_OK);
        sim_destroy(sim);
    }
}
