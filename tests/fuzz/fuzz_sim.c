/*
 * Answers of nodes and of Tenderly: any bytes lead to exactly one result, which is whole. The first
 * byte says which engines are asked and for how many calls; answers are divided by NULs, the first
 * byte of each says whether it is an error, and of which class.
 */
#include "sim/internal.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct node {
    const uint8_t *at;
    size_t left;
    unsigned asked, done;
};

static void require(int truth)
{
    if (!truth)
        abort();
}

static int32_t give(struct node *node, sim_answer_fn done, void *ctx)
{
    const uint8_t *end = node->left > 0 ? memchr(node->at, 0, node->left) : NULL;
    size_t len = end ? (size_t)(end - node->at) : node->left;
    uint8_t kind = len > 0 ? node->at[0] : 0;
    size_t body_len = len > 0 ? len - 1 : 0;
    uint8_t *body = calloc(1, body_len + HAWSE_PADDING);
    struct sim_answer answer = {.body = body, .body_len = body_len, .http_status = 200};
    require(++node->asked < 1000);
    if (body_len > 0)
        memcpy(body, node->at + 1, body_len);
    if (kind >= 0x80) {
        answer.status = kind & 1 ? HAWSE_E_REMOTE : HAWSE_E_TIMEOUT;
        answer.class = (enum rpc_class)(kind % RPC_CLASS_COUNT);
    }
    node->at += len + (end != NULL);
    node->left -= len + (end != NULL);
    done(ctx, &answer);
    free(body);
    return HAWSE_OK;
}

static int32_t call(void *ctx, const char *method, const char *params, size_t len,
                    sim_answer_fn done, void *done_ctx)
{
    require(method[0] && len >= 2 && params[0] == '[');
    return give(ctx, done, done_ctx);
}

static int32_t post(void *ctx, const char *path, const char *body, size_t len, sim_answer_fn done,
                    void *done_ctx)
{
    require(strncmp(path, "/simulate", 9) == 0 && len > 2 && body[0] == '{');
    return give(ctx, done, done_ctx);
}

static void check(const struct sim_result *r)
{
    uint8_t token[32];
    char *json = malloc(SIM_JSON);
    sim_token(r, token);
    require(memcmp(token, r->token, 32) == 0);
    require(r->flow_count <= SIM_FLOWS && r->approval_count <= SIM_APPROVALS);
    require(r->finding_count <= SIM_FINDINGS && memchr(r->reason, 0, SIM_WORDS) != NULL);
    require(r->status == HAWSE_OK || !r->success);
    require(!r->success || r->engine != SIM_NONE);
    for (uint32_t i = 0; r->status == HAWSE_OK && i < r->flow_count; i++)
        require(hawse_u256_is_zero(&r->flows[i].in) || hawse_u256_is_zero(&r->flows[i].out));
    for (uint32_t i = 0; i < r->finding_count; i++)
        require(r->findings[i].kind < SIM_FINDING_COUNT);
    for (uint32_t i = 0; r->success && i < r->call_count; i++)
        require(r->gas[i].limit >= r->gas[i].used || r->gas[i].limit == 50000);
    require(sim_result_json(r, json, SIM_JSON) > 0);
    free(json);
}

static void done(void *ctx, const struct sim_result *result)
{
    struct node *node = ctx;
    node->done++;
    check(result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sim_engine orders[8][SIM_ENGINES] = {
        {SIM_SIMULATE_V1},
        {SIM_TRACE},
        {SIM_ETH_CALL},
        {SIM_TENDERLY},
        {SIM_NONE},
        {SIM_TENDERLY, SIM_SIMULATE_V1, SIM_TRACE},
        {SIM_TRACE, SIM_ETH_CALL},
        {SIM_ETH_CALL, SIM_SIMULATE_V1}};
    if (size == 0)
        return 0;
    struct node node = {.at = data + 1, .left = size - 1};
    const struct sim_port port = {&node, call, post};
    struct sim_options options = {.inspect = data[0] & 8};
    struct sim_call calls[2] = {{.to = {1}, .gas_limit = data[0] & 16 ? 50000 : 0},
                                {.to = {2}, .gas_limit = 50000}};
    struct sim_request q = {.chain_id = 100,
                            .from = {0xaa},
                            .calls = calls,
                            .call_count = data[0] & 32 ? 2 : 1,
                            .asset_count = data[0] & 64 ? 1 : 0,
                            .assets = {{0xcc}},
                            .block_ms = 5000,
                            .block_time = 1};
    struct sim *sim = NULL;
    memcpy(options.order, orders[data[0] & 7], sizeof(options.order));
    require(sim_create(&options, &port, &sim) == HAWSE_OK);
    require(sim_start(sim, &q, done, &node, NULL) == HAWSE_OK);
    require(node.done == 1);
    sim_destroy(sim);
    return 0;
}
