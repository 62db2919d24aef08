/*
 * eth_simulateV1: all transactions in one block, with nonces, funds and fees checked by the node,
 * and the balances of tokens asked for in the same block before and after them.
 *
 * Where gas limits are to be found there are two runs: one without limits and fees that tells what
 * is used, and one with the limits and fees that will be signed. Only the last one counts. What is
 * left of an allowance is asked for behind the calls, once a run has shown whom it is given to.
 *
 * Nodes let 12 seconds pass for a simulated block, whatever the chain's are, and some give it the
 * number of its parent: interest, auctions and periods of grace depend on both, so they are set.
 */
#include "sim/internal.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

enum { PROBE_GAS = 500000 }; /* of balanceOf; tokens behind proxies take 30,000 to 60,000 */

/* Who asks for balances: an account that exists in the simulation alone. */
static const uint8_t prober[20] = {0x68, 0x61, 0x77, 0x73, 0x65, 0x20, 0x70, 0x72, 0x6f, 0x62,
                                   0x65, 0x72, 0,    0,    0,    0,    0,    0,    0,    1};

static bool gas_known(const struct sim_run *run)
{
    for (uint32_t i = 0; i < run->request.call_count; i++) {
        if (run->calls[i].gas_limit == 0)
            return false;
    }
    return true;
}

/* How many balances are asked for on each side. */
static uint32_t probes(const struct sim_run *run)
{
    return run->final ? run->request.asset_count : 0;
}

/* Whose allowances are asked for behind the calls: those that a run before saw given. */
static uint32_t allowances(const struct sim_run *run)
{
    return run->final ? run->spender_count : 0;
}

static size_t call_count(const struct sim_run *run)
{
    return 2 * (size_t)probes(run) + run->request.call_count + allowances(run);
}

static json_t *probe(const struct sim_run *run, const uint8_t token[20], const uint8_t *data,
                     uint64_t len)
{
    json_t *out = json_object();
    (void)words_set(out, "from", words_hex(prober, 20));
    (void)words_set(out, "to", words_hex(token, 20));
    (void)words_set(out, "input", words_hex(data, len));
    (void)words_set(out, "gas", words_quantity(PROBE_GAS));
    if (words_has_fees(run))
        (void)words_set(out, "maxFeePerGas", words_u256(&run->request.max_fee));
    return out;
}

static json_t *balance_probe(const struct sim_run *run, uint32_t asset)
{
    uint8_t data[36] = {0x70, 0xa0, 0x82, 0x31}; /* balanceOf(address) */
    memcpy(data + 16, run->request.subject, 20);
    return probe(run, run->request.assets[asset], data, sizeof(data));
}

static json_t *allowance_probe(const struct sim_run *run, uint32_t i)
{
    uint8_t data[68] = {0xdd, 0x62, 0xed, 0x3e}; /* allowance(address,address) */
    memcpy(data + 16, run->request.subject, 20);
    memcpy(data + 48, run->spenders[i].spender, 20);
    return probe(run, run->spenders[i].asset, data, sizeof(data));
}

static json_t *overrides(const struct sim_run *run)
{
    const hawse_u256_t rich = {{0, 1, 0, 0}};
    json_t *out = words_state(run, "stateDiff");
    char key[43];
    words_address(prober, key);
    if (probes(run) + allowances(run) > 0)
        (void)words_set(out, key, json_pack("{s:o}", "balance", words_u256(&rich)));
    return out;
}

static json_t *calls(const struct sim_run *run, bool fees)
{
    json_t *out = json_array();
    for (uint32_t i = 0; i < probes(run); i++)
        (void)json_array_append_new(out, balance_probe(run, i));
    for (uint32_t i = 0; i < run->request.call_count; i++)
        (void)json_array_append_new(out, words_call(run, i, fees));
    for (uint32_t i = 0; i < probes(run); i++)
        (void)json_array_append_new(out, balance_probe(run, i));
    for (uint32_t i = 0; i < allowances(run); i++)
        (void)json_array_append_new(out, allowance_probe(run, i));
    return out;
}

static void read_answer(struct sim_run *run, const struct sim_answer *answer);

static void ask(struct sim_run *run)
{
    bool validation = run->final && words_has_fees(run);
    json_t *list = calls(run, validation);
    json_t *block = json_pack("{s:o,s:o}", "stateOverrides", overrides(run), "calls", list);
    if (block)
        (void)words_set(block, "blockOverrides", words_next_block(run));
    json_t *params = json_pack("[{s:[o],s:b,s:b},o]", "blockStateCalls", block, "validation",
                               validation, "traceTransfers", true, words_block(run));
    run->result.validated = validation;
    /* a part without memory would ask something else */
    if (!list || json_array_size(list) != call_count(run)) {
        json_decref(params);
        params = NULL;
    }
    run_ask(run, "eth_simulateV1", params, read_answer);
}

/* ---- the answer ---- */

/* One call's status; false when it can't be read. */
static bool read_status(const json_t *call, bool *success, uint64_t *gas, uint64_t *peak)
{
    uint64_t status = 2;
    const json_t *max = json_object_get(call, "maxUsedGas");
    if (!words_read_u64(json_object_get(call, "status"), &status) || status > 1 ||
        !words_read_u64(json_object_get(call, "gasUsed"), gas) ||
        (max && !words_read_u64(max, peak)))
        return false;
    *success = status == 1;
    *peak = max && *peak < *gas ? *gas : *peak;
    return true;
}

/* A balance or an allowance; false when the token told none. */
static bool read_amount(const json_t *call, hawse_u256_t *out)
{
    uint8_t word[32];
    bool success;
    uint64_t gas, peak = 0;
    if (!read_status(call, &success, &gas, &peak) || !success ||
        !words_read_fixed(json_object_get(call, "returnData"), word, 32))
        return false;
    hawse_u256_from_be(word, out);
    return true;
}

static bool read_balances(struct sim_run *run, const json_t *list)
{
    uint32_t n = probes(run), behind = n + run->request.call_count;
    for (uint32_t i = 0; i < n; i++) {
        hawse_u256_t before, after;
        if (!read_amount(json_array_get(list, i), &before) ||
            !read_amount(json_array_get(list, behind + i), &after))
            return false;
        moves_measured(&run->result, run->request.assets[i], &before, &after);
    }
    return true;
}

static void read_allowances(struct sim_run *run, const json_t *list)
{
    uint32_t first = 2 * probes(run) + run->request.call_count;
    for (uint32_t i = 0; i < allowances(run); i++) {
        hawse_u256_t left;
        if (read_amount(json_array_get(list, first + i), &left))
            moves_left(&run->result, run->spenders[i].asset, run->spenders[i].spender, &left);
    }
}

/* Notes whose allowances are to be measured. True: there is one that this run did not measure. */
static bool note_spenders(struct sim_run *run)
{
    bool more = false;
    for (uint32_t i = 0; i < run->result.approval_count; i++) {
        const struct sim_approval *a = &run->result.approvals[i];
        uint32_t k = 0;
        while (k < run->spender_count && (memcmp(run->spenders[k].asset, a->asset, 20) != 0 ||
                                          memcmp(run->spenders[k].spender, a->spender, 20) != 0))
            k++;
        if (a->all || a->indirect || hawse_u256_is_zero(&a->amount) || k < run->spender_count ||
            k == RUN_SPENDERS)
            continue;
        memcpy(run->spenders[k].asset, a->asset, 20);
        memcpy(run->spenders[k].spender, a->spender, 20);
        run->spender_count++;
        more = true;
    }
    return more;
}

enum outcome { UNREADABLE, REVERTED, SUCCEEDED };

static enum outcome read_calls(struct sim_run *run, const json_t *list)
{
    for (uint32_t i = 0; i < run->request.call_count; i++) {
        const json_t *call = json_array_get(list, probes(run) + i);
        const json_t *error = json_object_get(call, "error");
        bool success = false;
        uint64_t gas = 0, peak = 0;
        if (!read_status(call, &success, &gas, &peak))
            return UNREADABLE;
        run_gas(run, i, gas, peak);
        if (!success) {
            const json_t *data = json_object_get(error, "data");
            if (!json_is_string(data))
                data = json_object_get(call, "returnData");
            run_reverted(run, i, data, json_string_value(json_object_get(error, "message")));
            return REVERTED;
        }
        if (!moves_logs(&run->result, i, run->request.subject, json_object_get(call, "logs")))
            return UNREADABLE;
    }
    return SUCCEEDED;
}

static void read_answer(struct sim_run *run, const struct sim_answer *answer)
{
    if (run_refused(run, 0, answer))
        return;
    json_t *root = answer->status == HAWSE_OK ? words_parse(answer) : NULL;
    const json_t *list = json_object_get(json_array_get(root, 0), "calls");
    enum outcome outcome = UNREADABLE;
    if (json_array_size(root) == 1 && json_array_size(list) == call_count(run))
        outcome = read_calls(run, list);
    if (outcome == UNREADABLE) {
        run_failed_answer(run, answer);
    } else if (outcome == SUCCEEDED && (note_spenders(run) || !run->final)) {
        run->final = true;
        run_moved_nothing(run);
        run->next = ask;
    } else if (outcome == SUCCEEDED) {
        run->result.success = true;
        run->result.flows_known = read_balances(run, list);
        read_allowances(run, list);
        run_verdict(run);
    }
    json_decref(root);
}

void simulate_v1_begin(struct sim_run *run)
{
    run->final = gas_known(run);
    ask(run);
}
