/*
 * The gates about money and about simulations, both sides of each.
 */
#include "risk_rig.h"

/* ---- money ---- */

TEST(risk_slippage,
     "min_in is within the slippage of expected_in, to the smallest unit, rounded up")
{
    struct rig r;
    rig_start(&r);
    rig_flow(&r, 1, WETH, 0, 98, 100);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 1, WETH, 0, 97, 100);
    rig_refused(&r, RISK_BEFORE, "slippage",
                "with slippage_percent 2.0000 it has to be 0.000000000000000098 weth");
    rig_flow(&r, 1, WETH, 0, 98, 101); /* 98.98 */
    rig_refused(&r, RISK_BEFORE, "slippage", "at least");
    rig_flow(&r, 1, WETH, 0, 99, 101);
    rig_pass(&r, RISK_BEFORE);
    rig_flow(&r, 1, WETH, 0, 0, 1);
    rig_refused(&r, RISK_BEFORE, "slippage", "takes 0 weth at least");
    memset(&r.flows[1].expected_in, 0xff, sizeof(hawse_u256_t));
    memset(&r.flows[1].min_in, 0xff, sizeof(hawse_u256_t));
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
    rig_start_with(&r, ",\"mode\":\"live\"", MANY_LIMITS ",\"slippage_percent\":\"100\"");
    rig_flow(&r, 1, WETH, 0, 0, 100);
    rig_refused(&r, RISK_BEFORE, "slippage", "takes 0 weth"); /* nothing at all is never enough */
    rig_flow(&r, 1, WETH, 0, 1, 100);
    rig_pass(&r, RISK_BEFORE);
    rig_stop(&r);
}

TEST(risk_fee_cap, "a fee at the cap passes with a warning, one wei above it waits")
{
    struct rig r;
    rig_start_with(&r, ",\"mode\":\"live\"", MANY_LIMITS);
    r.c.fee_cap = hawse_u256(100);
    r.txs[0].max_fee = hawse_u256(79);
    rig_pass(&r, RISK_AFTER);
    CHECK_STR(r.v.warning, "");
    r.txs[0].max_fee = hawse_u256(80);
    rig_pass(&r, RISK_AFTER);
    CHECK(strstr(r.v.warning, "80 % of the cap"));
    r.txs[0].max_fee = hawse_u256(100);
    rig_pass(&r, RISK_AFTER);
    rig_pass(&r, RISK_SIGN);
    r.txs[0].max_fee = hawse_u256(101);
    rig_refused_as(&r, RISK_AFTER, RISK_WAIT, "fee_cap",
                   "a fee of 101 wei per gas is needed, and the cap is 100 wei");
    CHECK_EQ_U64(r.v.fee_most, 100);
    rig_refused_as(&r, RISK_SIGN, RISK_WAIT, "fee_cap", "it waits");
    CHECK_EQ_U64(r.v.fee_most, 100);
    struct risk_status s;
    CHECK_EQ(risk_status(r.risk, "a", NOON, &s), HAWSE_OK);
    CHECK_EQ_U64(s.waited, 2);
    memset(&r.c.fee_cap, 0xff, sizeof(r.c.fee_cap));
    memset(&r.txs[0].max_fee, 0xff, sizeof(r.c.fee_cap));
    rig_refused(&r, RISK_AFTER, "max_cost", "above 2^256");
    r.c.simulation_required = false;
    r.c.sim = NULL;
    r.c.tx_count = 0;
    r.intent.how = HAWSE_INTENT_BUNDLE;
    rig_refused(&r, RISK_AFTER, "fee_cap", "there is no transaction 1 among 0");
    r.c.tx_count = 1;
    r.c.tx_index = 1;
    rig_refused(&r, RISK_SIGN, "fee_cap", "there is no transaction 2 among 1");
    rig_stop(&r);
}

TEST(risk_max_cost,
     "fees wait above the intent's limit or the operator's, and count against the day")
{
    struct rig r;
    rig_start(&r);
    r.intent.max_cost = hawse_u256(200000 * GWEI); /* 100,000 gas at 2 gwei */
    rig_all(&r);
    r.intent.max_cost = hawse_u256(200000 * GWEI - 1);
    rig_refused_as(&r, RISK_AFTER, RISK_WAIT, "max_cost", "the intent's max_cost");
    CHECK_EQ_U64(r.v.fee_most, 2 * GWEI - 1);
    r.intent.max_cost = hawse_u256(0);
    r.txs[0].gas_limit = 10000000;
    r.txs[0].max_fee = hawse_u256(50 * GWEI);
    r.c.native_balance = hawse_u256(3000 * MILLI);
    rig_bind(&r);
    rig_all(&r); /* exactly half a coin */
    r.c.l1_fee = hawse_u256(1);
    rig_refused_as(&r, RISK_AFTER, RISK_WAIT, "max_cost",
                   "the operator's fee_per_intent is 0.5 xdai");
    CHECK_EQ_U64(r.v.fee_most, 50 * GWEI - 1);
    r.c.l1_fee = hawse_u256(0);
    struct risk_moved moved = {.out = hawse_u256(1500 * MILLI)};
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON);
    rig_pass(&r, RISK_AFTER); /* 1.5 lost and 0.5 at stake: 2 */
    moved.out = hawse_u256(1);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_SUCCEEDED, &moved, 1, NOON);
    rig_refused(&r, RISK_AFTER, "max_cost", "may lose 0.5 xdai with its fees");
    moved.in = hawse_u256(1000 * MILLI + 1);
    moved.out = hawse_u256(1000 * MILLI - 1);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_NOT_SENT, &moved, 1, NOON);
    rig_pass(&r, RISK_AFTER); /* exactly 3 with it */
    moved.in = moved.out = hawse_u256(1);
    risk_ended(r.risk, "a", "gnosis", 9, RISK_NOT_SENT, &moved, 1, NOON);
    rig_refused(&r, RISK_AFTER, "max_cost", "and per_day is 3 xdai");
    rig_stop(&r);
}

TEST(risk_funds, "what is missing is named with its parts, to the wei")
{
    struct rig r;
    rig_start(&r);
    /* 200,000 gwei of fees, 0.01 under way, 10,500,000 gwei for a cancel, 0.1 kept */
    const uint64_t need = 200000 * GWEI + 10 * MILLI + 10500000 * GWEI + 100 * MILLI;
    r.c.in_flight_cost = hawse_u256(10 * MILLI);
    r.c.native_balance = hawse_u256(need);
    rig_all(&r);
    r.c.native_balance = hawse_u256(need - 1);
    rig_refused(&r, RISK_AFTER, "funds",
                "the account has 0.120699999999999999 xdai and needs 0.1207 xdai, so "
                "0.000000000000000001 xdai are missing: value 0 xdai, fees 0.0002 xdai, own "
                "transactions under way 0.01 xdai, kept for a cancel and by \"keep\" 0.1105 xdai");
    CHECK(strstr(r.v.figures, "\"short\":\"1\""));
    memset(&r.c.in_flight_cost, 0xff, sizeof(hawse_u256_t));
    rig_refused(&r, RISK_AFTER, "funds", "above 2^256 wei");
    r.c.in_flight_cost = hawse_u256(0);
    r.balances[0].balance = hawse_u256(510000000);
    r.c.native_balance = hawse_u256(need);
    rig_all(&r);
    r.balances[0].in_flight = hawse_u256(1);
    rig_refused(&r, RISK_AFTER, "funds",
                "the account has 510 usdc and needs 510.000001 usdc, so 0.000001 usdc are missing");
    memset(&r.balances[0].in_flight, 0xff, sizeof(hawse_u256_t));
    rig_refused(&r, RISK_AFTER, "funds", "missing");
    r.balances[0].in_flight = hawse_u256(0);
    r.c.balances = r.balances + 1;
    r.c.balance_count = 1;
    rig_refused(&r, RISK_AFTER, "funds", "the account's balance of usdc is not known");
    r.sim.flow_count = 2;
    rig_sim_flow(&r, 0, FRIEND, 0, 1); /* nothing of usdc leaves as simulated */
    rig_bind(&r);
    rig_all(&r);
    r.c.sim = NULL; /* then by what may leave at most */
    r.c.simulation_required = r.c.inspection_required = false;
    rig_refused(&r, RISK_AFTER, "funds", "balance of usdc");
    rig_stop(&r);
}

TEST(risk_position, "what is held afterwards is limited by amount and in number")
{
    struct rig r;
    rig_start(&r);
    r.balances[1].balance = hawse_u256(4010 * MILLI); /* and 0.99 come */
    rig_all(&r);
    r.balances[1].balance = hawse_u256(4010 * MILLI + 1);
    rig_refused(&r, RISK_AFTER, "position",
                "the account would hold 5.000000000000000001 weth, and max_held is 5 weth");
    r.c.balance_count = 1;
    rig_refused(&r, RISK_AFTER, "position", "balance of weth is not known");
    r.sim.flow_count = 1; /* nothing of it comes */
    rig_flow(&r, 1, WETH, 0, 0, 0);
    r.intent.flow_count = 2;
    rig_flow(&r, 0, USDC, 0, 0, 0);
    rig_sim_flow(&r, 0, USDC, 0, 0);
    rig_bind(&r);
    rig_all(&r);
    rig_stop(&r);
    rig_start_with(&r, ",\"mode\":\"live\"",
                   "\"assets\":{\"x\":{\"decimals\":18,\"per_intent\":\"1\",\"per_day\":\"3\","
                   "\"max_held\":\"9\"},"
                   "\"usdc\":{\"address\":\"0x" USDC
                   "\",\"decimals\":6,\"per_intent\":\"1000\",\"per_day\":\"2500\"},"
                   "\"weth\":{\"address\":\"0x" WETH
                   "\",\"decimals\":18,\"per_intent\":\"2\",\"per_day\":\"4\","
                   "\"max_held\":\"5\"}},\"counterparties\":{\"0x" ROUTER
                   "\":{\"functions\":[\"swap(address,uint256)\"]}},\"intents_per_day\":4,\"open_"
                   "positions\":1");
    rig_refused(&r, RISK_AFTER, "position",
                "the account would hold 2 positions, and open_positions is 1");
    r.balances[1].balance = hawse_u256(1); /* it is held already: no new one */
    rig_all(&r);
    r.balances[1].balance = hawse_u256(0);
    r.c.sim = NULL;
    r.c.simulation_required = r.c.inspection_required = false;
    rig_refused(&r, RISK_AFTER, "position", "2 positions");
    rig_flow(&r, 1, WETH, 0, 990 * MILLI, 900 * MILLI);
    rig_refused(&r, RISK_AFTER, "position", "2 positions");
    r.c.balance_count = 1;
    r.intent.flow_count = 1;
    r.flows[0].expected_in = r.flows[0].min_in = hawse_u256(1);
    rig_refused(&r, RISK_AFTER, "position", "balance of weth is not known");
    rig_stop(&r);
}

/* ---- simulation ---- */

TEST(risk_simulation_required,
     "without a simulation nothing is signed, unless the operator says so")
{
    struct rig r;
    rig_start(&r);
    r.c.sim = NULL;
    rig_refused(&r, RISK_AFTER, "simulation",
                "it was not simulated, and chains.gnosis.tx.simulation_required is set");
    rig_refused(&r, RISK_SIGN, "simulation", "nothing is signed without");
    r.c.simulation_required = false;
    rig_all(&r);
    CHECK(strstr(r.v.warning, "it was not simulated"));
    r.c.sim = &r.sim;
    r.sim.status = HAWSE_E_TIMEOUT;
    (void)snprintf(r.sim.reason, sizeof(r.sim.reason), "no engine answered");
    rig_all(&r);
    r.c.simulation_required = true;
    rig_refused(&r, RISK_AFTER, "simulation", "no engine answered, and chains.gnosis");
    r.sim.status = HAWSE_OK;
    r.sim.flows_known = false;
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "what moves is not known");
    r.c.simulation_required = false;
    rig_all(&r);
    r.sim.inspected = false;
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "no provider gave the call tree");
    r.c.inspection_required = false;
    rig_all(&r);
    rig_stop(&r);
}

TEST(risk_unsimulated,
     "without a simulation what stands in the calls must be within the plan by itself")
{
    static uint8_t transfer[68] = {0xa9, 0x05, 0x9c, 0xbb};
    struct rig r;
    rig_start(&r);
    address_of(FRIEND, transfer + 16);
    transfer[67] = 50;
    r.c.sim = NULL;
    r.c.simulation_required = r.c.inspection_required = false;
    rig_call(&r, 0, ROUTER, 5, r.calls[0].data.data, r.calls[0].data.len);
    rig_refused(&r, RISK_AFTER, "calls",
                "by its calls 0.000000000000000005 xdai leave, the intent lets 0 xdai go");
    rig_flow(&r, 2, COIN, 5, 0, 0);
    rig_all(&r);
    rig_call(&r, 1, USDC, 0, transfer, sizeof(transfer));
    rig_call(&r, 2, USDC, 0, transfer, sizeof(transfer));
    rig_flow(&r, 0, USDC, 100, 0, 0);
    rig_all(&r);
    rig_flow(&r, 0, USDC, 99, 0, 0);
    rig_refused(&r, RISK_AFTER, "calls",
                "by its calls 0.0001 usdc leave, the intent lets 0.000099 usdc go");
    memset(&r.calls[0].value, 0xff, sizeof(r.calls[0].value));
    r.calls[1] = r.calls[0];
    rig_plan(&r);
    rig_refused(&r, RISK_AFTER, "calls", "xdai leave");
    rig_stop(&r);
}

TEST(risk_simulation_fails, "a simulation that failed says which call and why")
{
    struct rig r;
    rig_start(&r);
    r.sim.success = false;
    r.sim.failed_call = 0;
    (void)snprintf(r.sim.reason, sizeof(r.sim.reason), "Error: \"too little\"");
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation",
                "call 1 of 1 would fail at block 7: Error: \"too little\"");
    r.c.simulation_required = false;
    rig_refused(&r, RISK_AFTER, "simulation", "would fail");
    rig_stop(&r);
}

TEST(risk_simulation_bytes,
     "other bytes, other blocks and touched results are simulated again first")
{
    struct rig r;
    rig_start(&r);
    r.txs[0].gas_limit--;
    rig_refused(&r, RISK_AFTER, "simulation", "transaction 1: its gas limit is below");
    r.txs[0].gas_limit++;
    r.c.head = 9;
    r.intent.deadline_block = 0;
    rig_refused(&r, RISK_SIGN, "simulation", "more than one block old; simulate it again");
    r.c.head = 8;
    r.c.head_parent = r.head_hash;
    rig_all(&r);
    r.sim.flows[0].out = hawse_u256(0);
    rig_refused(&r, RISK_AFTER, "simulation", "is not what its token says");
    rig_bind(&r);
    r.c.tx_index = 1;
    rig_refused(&r, RISK_SIGN, "fee_cap", "there is no transaction 2 among 1");
    r.c.tx_index = 0;
    r.c.sim_first = 1;
    rig_refused(&r, RISK_SIGN, "simulation", "it was not part of the simulation");
    rig_stop(&r);
}

TEST(risk_simulation_rest, "what is left of several transactions can be simulated again alone")
{
    struct rig r;
    rig_start(&r);
    rig_call(&r, 1, ROUTER, 0, r.calls[0].data.data, r.calls[0].data.len);
    rig_pass(&r, RISK_AFTER);
    rig_pass(&r, RISK_SIGN);
    rig_sim_flow(&r, 1, WETH, 0, 1);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "would come in, and the intent wants");
    r.c.tx_index = r.c.sim_first = 1; /* what comes in may have come already */
    rig_bind(&r);
    rig_pass(&r, RISK_SIGN);
    rig_sim_flow(&r, 2, NOBODY, 1, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "the intent lets nothing of it go");
    rig_end(&r, RISK_SUCCEEDED);
    rig_stop(&r);
}

TEST(risk_simulation_flows, "what leaves beyond the plan, or does not come, is refused")
{
    struct rig r;
    rig_start(&r);
    rig_flow(&r, 0, USDC, 499999999, 0, 0);
    rig_refused(&r, RISK_AFTER, "simulation",
                "500 usdc would leave the account, and the intent lets 499.999999 usdc");
    rig_flow(&r, 0, USDC, 500000000, 0, 0);
    rig_sim_flow(&r, 2, NOBODY, 1, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation",
                "would leave the account, and the intent lets nothing of it go");
    rig_sim_flow(&r, 2, COIN, 1, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "0.000000000000000001 xdai would leave");
    r.sim.flow_count = 2;
    rig_sim_flow(&r, 1, WETH, 0, 980 * MILLI);
    rig_bind(&r);
    rig_all(&r);
    rig_sim_flow(&r, 1, WETH, 0, 980 * MILLI - 1);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation",
                "would come in, and the intent wants 0.98 weth at least");
    r.sim.flow_count = 1;
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "0 weth would come in");
    rig_stop(&r);
}

TEST(risk_simulation_done,
     "what came before the simulated rest may leave again, and counts for what must come")
{
    struct rig r;
    struct risk_moved done[2] = {{.in = hawse_u256(300)}, {.out = hawse_u256(500000000)}};
    rig_start(&r);
    rig_call(&r, 1, ROUTER, 0, r.calls[0].data.data, r.calls[0].data.len);
    rig_pass(&r, RISK_AFTER);
    r.c.tx_index = r.c.sim_first = 1;
    address_of(WETH, done[0].asset);
    address_of(USDC, done[1].asset);
    rig_sim_flow(&r, 0, USDC, 0, 0);
    rig_sim_flow(&r, 1, WETH, 300, 0);
    rig_flow(&r, 1, WETH, 0, 0, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation",
                "would leave the account, and the intent lets nothing");
    r.c.done = done;
    r.c.done_count = 2;
    rig_pass(&r, RISK_SIGN);
    rig_sim_flow(&r, 1, WETH, 301, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "0.000000000000000301 weth would leave");
    rig_sim_flow(&r, 0, USDC, 1, 0); /* all of it left before */
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation",
                "0.000001 usdc would leave the account, and the intent lets nothing");
    rig_sim_flow(&r, 0, USDC, 0, 0);
    rig_sim_flow(&r, 1, WETH, 0, 680);
    rig_flow(&r, 1, WETH, 0, 980, 1000);
    rig_bind(&r);
    rig_pass(&r, RISK_SIGN);
    rig_sim_flow(&r, 1, WETH, 0, 679);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "0.000000000000000979 weth would come in");
    memset(&done[0].in, 0xff, sizeof(done[0].in));
    rig_pass(&r, RISK_SIGN);
    rig_sim_flow(&r, 1, WETH, 5, 0);
    r.sim.flows[1].out.limb[3] = UINT64_MAX;
    r.flows[1].max_out = hawse_u256(9);
    rig_bind(&r);
    rig_pass(&r, RISK_SIGN);
    done[0].out = hawse_u256(5);
    memset(&r.sim.flows[1].out, 0xff, sizeof(r.sim.flows[1].out));
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "would leave");
    memset(&done[0], 0xff, sizeof(done[0]));
    address_of(WETH, done[0].asset);
    r.sim.flows[1].out = hawse_u256(1);
    r.sim.flows[1].in = hawse_u256(0);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "would leave");
    r.sim.flows[1].out = hawse_u256(0);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "0 weth would come in");
    rig_stop(&r);
}

TEST(risk_simulation_sign, "what a later simulation tells is looked at as closely as the first")
{
    struct rig r;
    rig_start(&r);
    rig_pass(&r, RISK_AFTER);
    rig_sim_flow(&r, 1, WETH, 0, 979 * MILLI);
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "would come in");
    rig_sim_flow(&r, 1, WETH, 0, 990 * MILLI);
    r.sim.finding_count = 1;
    r.sim.findings[0].kind = SIM_FINDING_REENTRANCY;
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "reentrancy");
    r.sim.finding_count = 0;
    r.sim.inspected = false;
    rig_bind(&r);
    rig_refused(&r, RISK_SIGN, "simulation", "call tree");
    rig_stop(&r);
}

TEST(risk_policy,
     "a simulation gets the operator's callbacks beside the usual ones, and the listed code")
{
    struct rig r;
    struct sim_policy policy;
    uint8_t usual[SIM_CALLBACKS][4], logic[20];
    rig_start_with(&r, ",\"mode\":\"live\"", RIG_LIMITS ",\"callbacks\":[\"0x12345678\"]");
    uint32_t n = sim_usual_callbacks(usual);
    risk_sim_policy(r.risk, "a", "gnosis", &policy);
    CHECK_EQ(policy.callback_count, n + 1);
    CHECK_MEM(policy.callbacks[n], "\x12\x34\x56\x78", 4);
    CHECK_MEM(policy.callbacks, usual, 4 * n);
    address_of(LOGIC, logic);
    CHECK_EQ(policy.code_count, 1);
    CHECK_MEM(policy.code[0], logic, 20);
    risk_sim_policy(r.risk, "nobody", "gnosis", &policy);
    CHECK(policy.callback_count == n && policy.code_count == 0);
    rig_stop(&r);
}

TEST(risk_simulation_findings,
     "findings and allowances are refused but for what the operator lists")
{
    struct rig r;
    rig_start(&r);
    r.sim.finding_count = 1;
    for (uint32_t i = 0; i < SIM_FINDING_COUNT; i++) {
        r.sim.findings[0].kind = (enum sim_finding_kind)i;
        rig_bind(&r);
        if (i == SIM_FINDING_OVERFLOW)
            rig_all(&r); /* the operator lists it */
        else
            rig_refused(&r, RISK_AFTER, "simulation",
                        sim_finding_meaning((enum sim_finding_kind)i));
    }
    r.sim.finding_count = 0;
    r.sim.approval_count = 1;
    address_of(USDC, r.sim.approvals[0].asset);
    address_of(ROUTER, r.sim.approvals[0].spender);
    r.sim.approvals[0].amount = hawse_u256(1000000000);
    rig_bind(&r);
    rig_all(&r);
    r.sim.approvals[0].amount = hawse_u256(1000000001);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "gives an allowance of 1000.000001 usdc");
    address_of(VAULT, r.sim.approvals[0].spender);
    r.sim.approvals[0].all = true;
    rig_bind(&r);
    rig_all(&r);
    address_of(NOBODY, r.sim.approvals[0].spender);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "which is no spender");
    rig_stop(&r);
}

static void approves(struct rig *r, uint32_t i, const char *spender, uint64_t amount, bool known,
                     uint64_t left)
{
    r->sim.approvals[i] = (struct sim_approval){
        .amount = hawse_u256(amount), .left = hawse_u256(left), .left_known = known};
    address_of(USDC, r->sim.approvals[i].asset);
    address_of(spender, r->sim.approvals[i].spender);
    if (r->sim.approval_count <= i)
        r->sim.approval_count = i + 1;
    rig_bind(r);
}

/* How much of USDC counts as taken today or held, by all and by the router's share. */
static void taken_is(const struct rig *r, uint64_t amount)
{
    uint8_t usdc[20], router[20];
    address_of(USDC, usdc);
    address_of(ROUTER, router);
    const struct book *book = &r->risk->books[0];
    CHECK_EQ_U64(book_out(book, UINT64_MAX, usdc).limb[0], amount);
    CHECK_EQ_U64(book_share_out(book, UINT64_MAX, usdc, router).limb[0], amount);
    address_of(FRIEND, router); /* who has to do with none of it */
    CHECK_EQ_U64(book_share_out(book, UINT64_MAX, usdc, router).limb[0], 0);
}

TEST(risk_given, "what is left of an allowance counts as taken, while it is held and afterwards")
{
    struct rig r;
    struct risk_moved moved[2], given[HAWSE_INTENT_FLOWS_MAX + 1];
    rig_start(&r);
    /* all of it was used: nothing is left */
    approves(&r, 0, ROUTER, 500000000, true, 0);
    rig_pass(&r, RISK_AFTER);
    taken_is(&r, 500000000);
    CHECK_EQ(risk_given(r.risk, "a", "gnosis", 1, given), 0);
    CHECK_EQ(risk_given(r.risk, "a", "gnosis", 2, given), 0);
    rig_end(&r, RISK_NOT_SENT);
    /* the same spender twice is one allowance; the largest of what is known */
    approves(&r, 0, ROUTER, 600000000, true, 300000000);
    approves(&r, 1, ROUTER, 900000000, true, 300000000);
    rig_pass(&r, RISK_AFTER);
    taken_is(&r, 800000000);
    CHECK_EQ(risk_given(r.risk, "a", "gnosis", 1, given), 1);
    CHECK_EQ_U64(given[0].given.limb[0], 300000000);
    CHECK_EQ(risk_given(r.risk, "b", "gnosis", 1, given), 0);
    /* executed: what moved and what may still go */
    moved[0] = (struct risk_moved){.out = hawse_u256(400000000), .given = given[0].given};
    address_of(USDC, moved[0].asset);
    risk_ended(r.risk, "a", "gnosis", 1, RISK_SUCCEEDED, moved, 1, NOON);
    taken_is(&r, 700000000);
    r.sim.approval_count = 1;
    /* where no token tells, all that was given: above what the router may have of a day */
    r.c.number = 2;
    approves(&r, 0, ROUTER, 301000000, false, 0);
    rig_refused(&r, RISK_AFTER, "simulation", "with 700 usdc taken or held already by intents");
    approves(&r, 0, ROUTER, 300000000, false, 0);
    rig_pass(&r, RISK_AFTER);
    rig_end(&r, RISK_NOT_SENT);
    /* the most of what is known, when only some of it is */
    approves(&r, 0, ROUTER, 300000000, true, 5);
    approves(&r, 1, ROUTER, 200000000, false, 0);
    rig_pass(&r, RISK_AFTER);
    taken_is(&r, 1400000000);
    rig_end(&r, RISK_NOT_SENT);
    r.sim.approval_count = 1;
    /* what a token says may be anything */
    approves(&r, 0, ROUTER, 1, true, 0);
    memset(&r.sim.approvals[0].left, 0xff, sizeof(hawse_u256_t));
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "per_day, which allowances count against");
    approves(&r, 1, VAULT, 1, true, 1);
    address_of(FRIEND, r.sim.approvals[1].spender); /* no spender, and found before it counts */
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "simulation", "which is no spender");
    r.sim.approval_count = 1;
    /* one who may have any amount is not counted */
    approves(&r, 0, VAULT, 999999999999, true, 999999999999);
    rig_pass(&r, RISK_AFTER);
    taken_is(&r, 1200000000);
    rig_stop(&r);
}

TEST(risk_given_day, "allowances alone use up a day's limit, however small each of them is")
{
    struct rig r;
    rig_start_with(&r, ",\"mode\":\"live\"",
                   "\"assets\":{\"usdc\":{\"address\":\"0x" USDC "\",\"decimals\":6,"
                   "\"per_intent\":\"1000\",\"per_day\":\"2500\"}},\"counterparties\":{\"0x" ROUTER
                   "\":{\"functions\":[\"swap(address,uint256)\"],\"spender\":\"exact\","
                   "\"without_quote\":true}},\"intents_per_day\":9,\"open_intents\":9");
    r.intent.flow_count = 0;
    r.sim.flow_count = 0;
    for (uint64_t i = 1; i <= 3; i++) {
        struct risk_moved moved[1], given[HAWSE_INTENT_FLOWS_MAX + 1];
        r.c.number = i;
        approves(&r, 0, ROUTER, 1000000000, true, 1000000000);
        if (i == 3) {
            rig_refused(&r, RISK_AFTER, "simulation",
                        "asks for 1000 usdc with 2000 usdc taken or held already, and its limit "
                        "per_day, which allowances count against is 2500 usdc");
            break;
        }
        rig_pass(&r, RISK_AFTER);
        CHECK_EQ(risk_given(r.risk, "a", "gnosis", i, given), 1);
        moved[0] = given[0];
        risk_ended(r.risk, "a", "gnosis", i, RISK_SUCCEEDED, moved, 1, NOON);
    }
    /* without a simulation what stands in the calldata counts */
    uint8_t approve[68] = {0};
    hawse_keccak_selector("approve(address,uint256)", approve);
    address_of(ROUTER, approve + 16);
    approve[64] = 0x3b; /* 1,000,000,000 */
    approve[65] = 0x9a;
    approve[66] = 0xca;
    rig_call(&r, 0, USDC, 0, approve, sizeof(approve));
    r.c.sim = NULL;
    r.c.simulation_required = false;
    rig_refused(&r, RISK_AFTER, "calls", "with 2000 usdc taken or held");
    r.c.number = 4;
    r.c.utc_ns += BOOK_DAY_NS;
    r.intent.deadline_ns = 0;
    rig_pass(&r, RISK_AFTER);
    rig_stop(&r);
}

TEST(risk_plan, "transactions that are not the calls that were checked are refused")
{
    struct rig r;
    rig_start(&r);
    for (int i = 0; i < 5; i++) {
        rig_plan(&r);
        if (i == 0)
            r.txs[0].to[0] ^= 1;
        else if (i == 1)
            r.txs[0].value = hawse_u256(1);
        else if (i == 2)
            r.txs[0].data.len--;
        else if (i == 3)
            r.txs[0].create = 1;
        else
            r.c.tx_count = 2;
        rig_bind(&r);
        rig_refused(&r, RISK_AFTER, "calls", "are not its calls: a fault of the host");
    }
    r.intent.how = HAWSE_INTENT_BUNDLE;
    r.c.tx_count = 1;
    r.txs[0].create = 0;
    rig_bind(&r);
    rig_all(&r);
    rig_stop(&r);
}

TEST(money_of_safe, "what a Safe pays is held against what the Safe has; fees against its executor")
{
    struct rig r;
    uint8_t safe[20] = {0x5a}, batch[20] = {0};
    rig_start(&r);
    r.intent.how = HAWSE_INTENT_BUNDLE; /* its plan is not what this is about */
    r.c.subject = safe;
    r.c.batch = batch;
    rig_flow(&r, 2, COIN, 300 * MILLI, 0, 0);
    rig_sim_flow(&r, 2, COIN, 300 * MILLI, 0);
    rig_bind(&r);
    rig_refused(&r, RISK_AFTER, "funds", "balance of xdai is not known");
    struct risk_balance three[3] = {r.balances[0], r.balances[1]};
    three[2].balance = hawse_u256(399 * MILLI); /* 0.1 is to be kept */
    r.c.balances = three;
    r.c.balance_count = 3;
    rig_refused(&r, RISK_AFTER, "funds", "missing");
    three[2].balance = hawse_u256(400 * MILLI);
    rig_pass(&r, RISK_AFTER);
    rig_end(&r, RISK_NOT_SENT);
    r.c.native_balance = hawse_u256(0);
    rig_refused(&r, RISK_AFTER, "funds", "value 0");
    rig_stop(&r);
}
