/*
 * A host's gates with limits of every kind, and a case that passes all of them: tests change one
 * thing of it.
 */
#ifndef TESTS_UNIT_RISK_RIG_H
#define TESTS_UNIT_RISK_RIG_H

#include "harness.h"
#include "risk/internal.h"

#include <config/internal.h>
#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ME     "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
#define USDC   "2a22f9c3b484c3629090feed35f17ff8f88f76f0"
#define WETH   "6a023ccd1ff6f2045c3309768ead9e68f978f6e1"
#define ROUTER "86042d97fd7d200ab25ed22b478650f042567e4e"
#define VAULT  "ba12222222228d8ba445958a75a0704d566bf2c8"
#define FRIEND "70997970c51812dc3a010c7d01b50e0d17dc79c8"
#define MULTI  "ca11bde05977b3631167028862be2a173976ca11"
#define LOGIC  "1111111111111111111111111111111111111111"
#define NOBODY "9999999999999999999999999999999999999999"
#define COIN   "0000000000000000000000000000000000000000"

#define NOON \
    (UINT64_C(20000) * 86400 * 1000000000 + UINT64_C(43200) * 1000000000) /* of day 20000 */
#define GWEI  UINT64_C(1000000000)
#define MILLI UINT64_C(1000000000000000) /* of a coin */

#define RIG_LIMITS                                                                             \
    "\"assets\":{\"xdai\":{\"decimals\":18,\"per_intent\":\"1\",\"per_day\":\"3\","            \
    "\"loss_per_day\":\"2\",\"keep\":\"0.1\"},"                                                \
    "\"usdc\":{\"address\":\"0x" USDC "\",\"decimals\":6,\"per_intent\":\"1000\","             \
    "\"per_day\":\"2500\",\"loss_per_day\":\"1600\",\"keep\":\"10\"},"                         \
    "\"weth\":{\"address\":\"0x" WETH "\",\"decimals\":18,\"per_intent\":\"2\","               \
    "\"per_day\":\"4\",\"max_held\":\"5\"}},"                                                  \
    "\"counterparties\":{"                                                                     \
    "\"0x" ROUTER "\":{\"functions\":[\"swap(address,uint256)\",\"multicall(bytes[])\","       \
    "\"receive()\"],\"value\":true,\"spender\":\"exact\",\"per_day\":{\"usdc\":\"1500\"}},"    \
    "\"0x" VAULT "\":{\"functions\":[\"deposit(uint256)\"],\"spender\":\"unlimited\","         \
    "\"without_quote\":true},"                                                                 \
    "\"0x" MULTI "\":{\"functions\":[\"aggregate3((address,bool,bytes)[])\","                  \
    "\"aggregate3Value((address,bool,uint256,bytes)[])\",\"execute(address,uint256,bytes)\","  \
    "\"executeBatch(address[],uint256[],bytes[])\",\"executeBatch(address[],bytes[])\","       \
    "\"execute(bytes32,bytes)\",\"multiSend(bytes)\",\"execTransaction(address,uint256,bytes," \
    "uint8,uint256,uint256,uint256,address,address,bytes)\"],\"without_quote\":true},"         \
    "\"0x" FRIEND "\":{\"recipient\":true}},"                                                  \
    "\"intents_per_day\":4,\"open_intents\":3,\"slippage_percent\":\"2\","                     \
    "\"fee_per_intent\":\"0.5\",\"canary_percent\":\"10\",\"code\":[\"0x" LOGIC "\"],"         \
    "\"allow_findings\":[\"overflow\"]"

/* So wide that only what a test is about can be in the way. */
#define MANY_LIMITS                                                                            \
    "\"assets\":{\"usdc\":{\"address\":\"0x" USDC "\",\"decimals\":6,\"per_intent\":\"1000\"," \
    "\"per_day\":\"99999999\"},\"weth\":{\"address\":\"0x" WETH "\",\"decimals\":18,"          \
    "\"per_intent\":\"2\",\"per_day\":\"9\"}},\"counterparties\":{\"0x" ROUTER                 \
    "\":{\"functions\":["                                                                      \
    "\"swap(address,uint256)\"]}},\"intents_per_day\":1000000,\"open_intents\":10000"

struct rig {
    struct config *config;
    struct risk *risk;
    char dir[512];
    uint32_t notes;
    char note[512];
    /* a case that passes */
    uint8_t from[20], head_hash[32];
    hawse_intent_call_t calls[4];
    hawse_intent_flow_t flows[4];
    hawse_intent_t intent;
    hawse_tx_t txs[4];
    struct sim_result sim;
    struct risk_balance balances[2];
    struct risk_case c;
    struct risk_verdict v;
};

static inline void address_of(const char *digits, uint8_t out[20])
{
    CHECK(hawse_hex_decode((const uint8_t *)digits, out, 20) == HAWSE_OK);
}

static inline struct config *rig_config(const char *members, const char *limits)
{
    char *text = NULL;
    struct config *config = NULL;
    struct fault fault = {0};
    CHECK(asprintf(&text,
                   "{\"hawse\":1,\"chains\":{\"gnosis\":{\"chain_id\":100,\"block_ms\":5000,"
                   "\"providers\":[{\"name\":\"public\",\"http\":\"http://127.0.0.1:1\"}]}},"
                   "\"instances\":{\"a\":{\"plugin\":\"p\"%s,\"limits\":{\"gnosis\":{%s}}},"
                   "\"b\":{\"plugin\":\"p\",\"mode\":\"live\"}}}",
                   members, limits) > 0);
    if (config_parse(text, strlen(text), "/t.json", NULL, 0, &config, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    free(text);
    return config;
}

static inline void rig_note(void *ctx, const char *instance, const char *text)
{
    struct rig *r = ctx;
    r->notes++;
    (void)snprintf(r->note, sizeof(r->note), "%s: %s", instance ? instance : "all", text);
}

static inline void rig_open(struct rig *r)
{
    const struct risk_options options = {r->dir, rig_note, r};
    struct fault fault = {0};
    if (risk_create(r->config, &options, &r->risk, &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
}

/* Binds the simulation to the transactions as they are now. */
static inline void rig_bind(struct rig *r)
{
    r->sim.call_count = r->c.tx_count - r->c.sim_first;
    for (uint32_t i = 0; i < r->sim.call_count; i++) {
        sim_binding(&r->txs[r->c.sim_first + i], r->from, r->sim.bindings[i]);
        r->sim.gas[i] = (struct sim_gas){r->txs[r->c.sim_first + i].gas_limit,
                                         r->txs[r->c.sim_first + i].gas_limit};
    }
    sim_token(&r->sim, r->sim.token);
}

/* The transactions of the calls. */
static inline void rig_plan(struct rig *r)
{
    r->c.tx_count = r->intent.call_count;
    for (uint32_t i = 0; i < r->intent.call_count; i++) {
        r->txs[i] = (hawse_tx_t){.type = HAWSE_TX_DYNAMIC_FEE,
                                 .chain_id = 100,
                                 .gas_limit = 100000,
                                 .max_fee = hawse_u256(2 * GWEI),
                                 .value = r->calls[i].value,
                                 .data = r->calls[i].data};
        memcpy(r->txs[i].to, r->calls[i].to, 20);
    }
    rig_bind(r);
}

static inline void rig_flow(struct rig *r, uint32_t i, const char *asset, uint64_t out, uint64_t in,
                            uint64_t expected)
{
    r->flows[i] = (hawse_intent_flow_t){.size = sizeof(r->flows[0]),
                                        .max_out = hawse_u256(out),
                                        .min_in = hawse_u256(in),
                                        .expected_in = hawse_u256(expected)};
    address_of(asset, r->flows[i].asset);
    if (r->intent.flow_count <= i)
        r->intent.flow_count = i + 1;
}

static inline void rig_sim_flow(struct rig *r, uint32_t i, const char *asset, uint64_t out,
                                uint64_t in)
{
    r->sim.flows[i] = (struct sim_flow){.out = hawse_u256(out), .in = hawse_u256(in)};
    address_of(asset, r->sim.flows[i].asset);
    if (r->sim.flow_count <= i)
        r->sim.flow_count = i + 1;
}

static inline void rig_call(struct rig *r, uint32_t i, const char *to, uint64_t value,
                            const void *data, uint64_t len)
{
    r->calls[i] = (hawse_intent_call_t){
        .size = sizeof(r->calls[0]), .value = hawse_u256(value), .data = {data, len}};
    address_of(to, r->calls[i].to);
    if (r->intent.call_count <= i)
        r->intent.call_count = i + 1;
    rig_plan(r);
}

/* swap(usdc, 500): 500 usdc for 1 weth, 0.98 at least */
static inline void rig_case(struct rig *r)
{
    static uint8_t swap[68];
    static const char chain[] = "gnosis";
    hawse_keccak_selector("swap(address,uint256)", swap);
    address_of(USDC, swap + 16);
    address_of(ME, r->from);
    memset(r->head_hash, 7, 32);
    memset(&r->c, 0, sizeof(r->c));
    memset(&r->intent, 0, sizeof(r->intent));
    memset(&r->sim, 0, sizeof(r->sim));
    r->intent = (hawse_intent_t){.size = sizeof(r->intent),
                                 .kind = HAWSE_INTENT_EVM_CALLS,
                                 .chain = {(const uint8_t *)chain, 6},
                                 .call_size = sizeof(r->calls[0]),
                                 .calls = r->calls,
                                 .flow_size = sizeof(r->flows[0]),
                                 .flows = r->flows,
                                 .deadline_ns = NOON + 1000000000,
                                 .deadline_block = 9};
    r->sim = (struct sim_result){.success = true,
                                 .flows_known = true,
                                 .inspected = true,
                                 .engine = SIM_SIMULATE_V1,
                                 .block_number = 7};
    memcpy(r->sim.block_hash, r->head_hash, 32);
    r->c = (struct risk_case){.intent = &r->intent,
                              .number = 1,
                              .instance = "a",
                              .from = r->from,
                              .maturity = MATURITY_STABLE,
                              .utc_ns = NOON,
                              .head = 7,
                              .head_hash = r->head_hash,
                              .fee_cap = hawse_u256(500 * GWEI),
                              .simulation_required = true,
                              .inspection_required = true,
                              .sim = &r->sim,
                              .txs = r->txs,
                              .native_balance = hawse_u256(1000 * MILLI),
                              .balances = r->balances,
                              .balance_count = 2};
    r->balances[0] = (struct risk_balance){.balance = hawse_u256(700000000)};
    address_of(USDC, r->balances[0].asset);
    r->balances[1] = (struct risk_balance){.balance = hawse_u256(0)};
    address_of(WETH, r->balances[1].asset);
    rig_flow(r, 0, USDC, 500000000, 0, 0);
    rig_flow(r, 1, WETH, 0, 980 * MILLI, 1000 * MILLI);
    rig_sim_flow(r, 0, USDC, 500000000, 0);
    rig_sim_flow(r, 1, WETH, 0, 990 * MILLI);
    rig_call(r, 0, ROUTER, 0, swap, sizeof(swap));
}

static inline void rig_start_with(struct rig *r, const char *members, const char *limits)
{
    memset(r, 0, sizeof(*r));
    r->config = rig_config(members, limits);
    (void)snprintf(r->dir, sizeof(r->dir), "%s/risk", test_tmp_dir());
    rig_open(r);
    rig_case(r);
}

static inline void rig_start(struct rig *r)
{
    rig_start_with(r, ",\"mode\":\"live\"", RIG_LIMITS);
}

static inline void rig_stop(struct rig *r)
{
    risk_destroy(r->risk);
    config_destroy(r->config);
}

static inline void rig_end(struct rig *r, enum risk_outcome outcome)
{
    risk_ended(r->risk, "a", "gnosis", r->c.number, outcome, NULL, 0, r->c.utc_ns);
}

static inline void rig_pass(struct rig *r, enum risk_stage stage)
{
    risk_check(r->risk, stage, &r->c, &r->v);
    if (r->v.answer != RISK_PASS)
        FAIL("%s: %s %s", r->v.gate, r->v.reason, r->v.figures);
    CHECK_STR(r->v.gate, "");
}

/* Before, after and at the signature. */
static inline void rig_all(struct rig *r)
{
    rig_pass(r, RISK_BEFORE);
    rig_pass(r, RISK_AFTER);
    rig_pass(r, RISK_SIGN);
    rig_end(r, RISK_NOT_SENT);
}

/* Must not pass: by this gate, with words that hold these. Figures are always a JSON object. */
static inline void rig_refused_as(struct rig *r, enum risk_stage stage, enum risk_answer answer,
                                  const char *gate, const char *words)
{
    risk_check(r->risk, stage, &r->c, &r->v);
    if (r->v.answer != answer || strcmp(r->v.gate, gate) != 0 || !strstr(r->v.reason, words))
        FAIL("%d %s: %s", r->v.answer, r->v.gate, r->v.reason);
    json_t *figures = json_loads(r->v.figures, 0, NULL);
    CHECK(json_is_object(figures));
    json_decref(figures);
}

static inline void rig_refused(struct rig *r, enum risk_stage stage, const char *gate,
                               const char *words)
{
    rig_refused_as(r, stage, RISK_REFUSE, gate, words);
}

#endif
