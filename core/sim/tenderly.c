/*
 * Tenderly's HTTP API, version 1: /simulate for one transaction, /simulate-bundle for several on
 * top of each other. Where it is and the access key are known to whoever sends, never here.
 *
 * Status 200 with "status": false is a revert, not a fault of the service. What moved is told in
 * asset_changes; where they are missing or can't be read, flows are not known.
 *
 * Source: docs.tenderly.co, "Simulation API"; names inside of asset_changes as its pages show them.
 */
#include "sim/internal.h"

#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *decimal(const hawse_u256_t *n)
{
    char text[HAWSE_U256_DECIMAL_MAX];
    (void)hawse_u256_decimal(n, text);
    return json_string(text);
}

/* ---- the question ---- */

static json_t *simulation(const struct sim_run *run, uint32_t index)
{
    const struct sim_call *call = &run->calls[index];
    char network[24];
    uint64_t gas = call->gas_limit > 0 ? call->gas_limit : 30000000;
    (void)snprintf(network, sizeof(network), "%llu", (unsigned long long)run->request.chain_id);
    json_t *out =
        json_pack("{s:s,s:o,s:o,s:o,s:I,s:o,s:I,s:b,s:b,s:s}", "network_id", network, "from",
                  words_hex(run->request.from, 20), "to", words_hex(call->to, 20), "input",
                  words_hex(call->data.data, call->data.len), "gas", (json_int_t)gas, "value",
                  decimal(&call->value), "block_number", (json_int_t)run->request.block_number,
                  "save", 0, "save_if_fails", 0, "simulation_type", "full");
    if (out && !hawse_u256_is_zero(&run->request.max_fee))
        (void)words_set(out, "max_fee_per_gas", decimal(&run->request.max_fee));
    json_t *state = index == 0 ? words_state(run, "storage") : NULL;
    if (out && json_object_size(state) > 0)
        (void)json_object_set(out, "state_objects", state);
    json_decref(state);
    return out;
}

/* ---- the answer ---- */

/* One of asset_changes. */
static bool read_change(struct sim_run *run, const json_t *change)
{
    const json_t *info = json_object_get(change, "token_info");
    const char *standard = json_string_value(json_object_get(info, "standard"));
    const char *raw = json_string_value(json_object_get(change, "raw_amount"));
    const json_t *from = json_object_get(change, "from"), *to = json_object_get(change, "to");
    uint8_t asset[20] = {0}, sides[2][20] = {{0}};
    hawse_u256_t amount;
    if (!standard || (from && !words_read_fixed(from, sides[0], 20)) ||
        (to && !words_read_fixed(to, sides[1], 20)))
        return false;
    bool native = strcmp(standard, "NativeCurrency") == 0;
    if (!native && !words_read_fixed(json_object_get(info, "contract_address"), asset, 20))
        return false;
    if (!native && strcmp(standard, "ERC20") != 0) {
        if (memcmp(sides[0], run->request.subject, 20) == 0)
            finding_add(&run->result, SIM_FINDING_NFT, run->at, asset, NULL);
        return true;
    }
    if (!raw || hawse_u256_parse((const uint8_t *)raw, strlen(raw), &amount) != HAWSE_OK)
        return false;
    moves_transfer(&run->result, asset, run->request.subject, sides[0], sides[1], &amount);
    return true;
}

/* Approvals and what else logs tell, flows apart: those come from asset_changes. */
static bool read_logs(struct sim_run *run, const json_t *logs)
{
    json_t *plain = json_array();
    struct sim_result *r = &run->result, *seen = malloc(sizeof(*seen));
    bool good = plain && seen;
    for (size_t i = 0; good && i < json_array_size(logs); i++) {
        json_t *log = json_array_get(logs, i), *raw = json_object_get(log, "raw");
        good = json_array_append(plain, raw ? raw : log) == 0;
    }
    if (good) {
        *seen = *r;
        good = moves_logs(seen, run->at, run->request.subject, plain);
        memcpy(seen->flows, r->flows, sizeof(r->flows));
        seen->flow_count = r->flow_count;
        *r = *seen;
    }
    free(seen);
    json_decref(plain);
    return good;
}

static bool read_moves(struct sim_run *run, const json_t *transaction)
{
    const json_t *info = json_object_get(transaction, "transaction_info");
    const json_t *changes = json_object_get(info, "asset_changes");
    const json_t *logs = json_object_get(info, "logs");
    if (!changes || !(json_is_array(changes) || json_is_null(changes)))
        return false;
    for (size_t i = 0; i < json_array_size(changes); i++) {
        if (!read_change(run, json_array_get(changes, i)))
            return false;
    }
    return logs && (json_is_null(logs) || (json_is_array(logs) && read_logs(run, logs)));
}

enum outcome { UNREADABLE, REVERTED, SUCCEEDED };

static enum outcome read_one(struct sim_run *run, const json_t *one)
{
    const json_t *transaction = json_object_get(one, "transaction");
    const json_t *status = json_object_get(transaction, "status");
    const json_t *gas = json_object_get(transaction, "gas_used");
    if (!json_is_boolean(status) || !json_is_integer(gas) || json_integer_value(gas) < 0)
        return UNREADABLE;
    run_gas(run, run->at, (uint64_t)json_integer_value(gas), 0);
    if (json_is_false(status)) {
        run_reverted(run, run->at, NULL,
                     json_string_value(json_object_get(transaction, "error_message")));
        return REVERTED;
    }
    if (!read_moves(run, transaction))
        run->result.flows_known = false;
    return SUCCEEDED;
}

static void read_answer(struct sim_run *run, const struct sim_answer *answer)
{
    json_t *root =
        answer->status == HAWSE_OK && answer->http_status < 300 ? words_parse(answer) : NULL;
    const json_t *list = json_object_get(root, "simulation_results");
    uint32_t count = run->request.call_count;
    enum outcome outcome = UNREADABLE;
    run->result.flows_known = true;
    if (root && (count == 1 ? !list : json_array_size(list) == count)) {
        outcome = SUCCEEDED;
        for (run->at = 0; outcome == SUCCEEDED && run->at < count; run->at++)
            outcome = read_one(run, count == 1 ? root : json_array_get(list, run->at));
    }
    if (outcome == UNREADABLE && answer->status == HAWSE_OK)
        run_failed(run, HAWSE_E_REMOTE, "HTTP %u, and no simulation in the answer",
                   answer->http_status);
    else if (outcome == UNREADABLE)
        run_failed_answer(run, answer);
    else if (outcome == SUCCEEDED) {
        run->result.success = true;
        run_verdict(run);
    }
    json_decref(root);
}

void tenderly_begin(struct sim_run *run)
{
    if (run->request.call_count == 1) {
        run_post(run, "/simulate", simulation(run, 0), read_answer);
        return;
    }
    json_t *list = json_array();
    for (uint32_t i = 0; i < run->request.call_count; i++)
        (void)json_array_append_new(list, simulation(run, i));
    json_t *body = json_array_size(list) == run->request.call_count
                       ? json_pack("{s:O}", "simulations", list)
                       : NULL;
    json_decref(list);
    run_post(run, "/simulate-bundle", body, read_answer);
}
