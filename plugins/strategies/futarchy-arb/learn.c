/* What is asked of the chain, ahead of decisions; see arb.h. */
#include "arb.h"

#include <hawse/hex.h>
#include <hawse/keccak.h>
#include <stdio.h>
#include <string.h>

enum { RETRY_MS = 500, FRESH_BLOCKS = 64, RANGE = 50000, PARAMS = 640 };
enum { AT_ONCE = 4 };

void learn_want(struct arb *a, enum ask what, uint32_t item)
{
    a->ask[what][item].wanted = true;
}

void learn_begin(struct arb *a)
{
    for (uint32_t i = 0; i < 4; i++)
        learn_want(a, ASK_OUTCOME, i);
    for (uint32_t i = 0; i < 2; i++)
        learn_want(a, ASK_COLLATERAL, i);
    for (uint32_t i = 0; i < PROOF_FACTORY && a->set.check_tokens; i++)
        learn_want(a, ASK_PROOF, i);
    if (a->set.executor_set) {
        learn_want(a, ASK_CODE, 0);
        learn_want(a, ASK_CODE, 1);
    }
}

void learn_ticks_again(struct arb *a, uint32_t i)
{
    struct told_leg *leg = &a->leg[i];
    struct question *q = &a->ask[ASK_TICKS][i];
    if (leg->pool == TOLD_POOLS)
        return;
    if (q->asked)
        (void)a->rpc->cancel(a->host, a->self, q->request);
    a->asking -= q->asked;
    q->asked = false;
    q->wanted = true;
    leg->ticks_read = false;
    leg->ticks_block = a->head; /* 0: asked once there is one */
    leg->next_block = a->set.from_block;
    leg->range = RANGE;
    ticks_clear(&leg->ticks);
    a->market.leg[i].there = false;
}

void learn_block(struct arb *a)
{
    for (uint32_t i = 0; i < MARKET_POOLS && a->set.quoter_set; i++) {
        if (a->leg[i].pool != TOLD_POOLS)
            learn_want(a, ASK_FEE, i);
    }
    for (uint32_t i = 0; i < MARKET_POOLS; i++) {
        struct told_leg *leg = &a->leg[i];
        if (leg->pool != TOLD_POOLS && leg->ticks_block == 0)
            learn_ticks_again(a, i);
    }
    if (a->tokens_known && (hawse_u256_is_zero(&a->rate) || a->head % FRESH_BLOCKS == 0))
        learn_want(a, ASK_RATE, 0);
    if (a->set.executor_set && a->head % FRESH_BLOCKS == 0) {
        learn_want(a, ASK_CODE, 0);
        learn_want(a, ASK_CODE, 1);
    }
}

/* ---- questions ---- */

struct text {
    char method[32];
    char params[PARAMS];
};

static void call_to(struct text *t, const uint8_t to[20], const char *data)
{
    char address[40];
    hawse_hex_encode(to, 20, address);
    (void)snprintf(t->method, sizeof(t->method), "eth_call");
    (void)snprintf(t->params, sizeof(t->params),
                   "[{\"to\":\"0x%.40s\",\"data\":\"0x%s\"},\"latest\"]", address, data);
}

/* quoteExactInputSingle(tokenIn, tokenOut, amountIn, limit): its fee is that of the next swap. The
 * amount is so small that any pool has it. */
static void ask_fee(const struct arb *a, uint32_t i, struct text *t)
{
    enum market_token pair[2];
    char data[8 + 4 * 64 + 1], in[40], out[40];
    world_pair((enum market_pool)i, pair);
    hawse_hex_encode(a->set.places.token[pair[0]], 20, in);
    hawse_hex_encode(a->set.places.token[pair[1]], 20, out);
    (void)snprintf(data, sizeof(data), "2d9ebd1d%024d%.40s%024d%.40s%064x%064d", 0, in, 0, out,
                   1000000, 0);
    call_to(t, a->set.quoter, data);
}

static void ask_ticks(struct arb *a, uint32_t i, struct text *t)
{
    static const char *const events[] = {
        "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        "Burn(address,int24,int24,uint128,uint256,uint256)"};
    struct told_leg *leg = &a->leg[i];
    uint64_t to = leg->next_block + leg->range - 1;
    char pool[40], topic[2][65] = {{0}, {0}};
    uint8_t hash[32];
    leg->asked_to = to < leg->ticks_block ? to : leg->ticks_block;
    hawse_hex_encode(a->pools[leg->pool].market + 12, 20, pool);
    for (int k = 0; k < 2; k++) {
        hawse_keccak_signature(events[k], hash);
        hawse_hex_encode(hash, 32, topic[k]);
    }
    (void)snprintf(t->method, sizeof(t->method), "eth_getLogs");
    (void)snprintf(t->params, sizeof(t->params),
                   "[{\"address\":\"0x%.40s\",\"topics\":[[\"0x%s\",\"0x%s\"]],"
                   "\"fromBlock\":\"0x%llx\",\"toBlock\":\"0x%llx\"}]",
                   pool, topic[0], topic[1], (unsigned long long)leg->next_block,
                   (unsigned long long)leg->asked_to);
}

static void ask_about(struct text *t, const char *method, const uint8_t *what, uint32_t len,
                      const char *then)
{
    char digits[64];
    hawse_hex_encode(what, len, digits);
    (void)snprintf(t->method, sizeof(t->method), "%s", method);
    (void)snprintf(t->params, sizeof(t->params), "[\"0x%.*s\"%s]", (int)(2 * len), digits, then);
}

static bool ask_proof(const struct arb *a, enum proof_question question, struct text *t)
{
    char hex[2 * PROOF_CALL + 1];
    uint8_t to[20], data[PROOF_CALL];
    enum market_token tokens[2] = {TOKEN_SDAI, TOKEN_SDAI};
    if (!proof_can_ask(&a->proof, question))
        return false;
    if (question >= PROOF_POOL)
        world_pair((enum market_pool)(question - PROOF_POOL), tokens);
    const uint8_t *const pair[2] = {a->set.places.token[tokens[0]], a->set.places.token[tokens[1]]};
    uint32_t len = proof_call(&a->proof, &a->set.places, question, pair, to, data);
    hawse_hex_encode(data, len, hex);
    hex[2 * len] = '\0';
    call_to(t, to, hex);
    return true;
}

/* False: not yet. */
static bool write_question(struct arb *a, enum ask what, uint32_t item, struct text *t)
{
    static const char *const collaterals[] = {"4d7b0900", "c4a091d2"};
    const struct bundle_places *at = &a->set.places;
    char data[80], account[40];
    switch (what) {
    case ASK_OUTCOME:
        (void)snprintf(data, sizeof(data), "18a988a8%064x", item);
        call_to(t, at->proposal, data);
        return true;
    case ASK_COLLATERAL:
        call_to(t, at->proposal, collaterals[item]);
        return true;
    case ASK_RATE:
        (void)snprintf(data, sizeof(data), "07a2d13a%064llx", 1000000000000000000ull);
        call_to(t, at->token[TOKEN_SDAI], data);
        return true;
    case ASK_TICKS:
        if (a->leg[item].ticks_block == 0)
            return false;
        ask_ticks(a, item, t);
        return true;
    case ASK_FEE:
        if (!a->set.quoter_set)
            return false;
        ask_fee(a, item, t);
        return true;
    case ASK_BALANCE:
        hawse_hex_encode(at->account, 20, account);
        (void)snprintf(data, sizeof(data), "70a08231%024d%.40s", 0, account);
        call_to(t, at->token[item], data);
        return true;
    case ASK_PROOF:
        return ask_proof(a, (enum proof_question)item, t);
    case ASK_CODE:
        ask_about(t, "eth_getCode", item == 0 ? a->set.executor : at->account, 20, ",\"latest\"");
        return true;
    default:
        if (!a->tokens_known)
            return false; /* whose Transfers would be known in it? */
        ask_about(t, "eth_getTransactionReceipt", a->trade.hash[item], 32, "");
        return true;
    }
}

static bool ask_one(struct arb *a, enum ask what, uint32_t item)
{
    struct question *q = &a->ask[what][item];
    struct text t;
    if (!write_question(a, what, item, &t))
        return true;
    hawse_rpc_call_t call = {.size = sizeof(call),
                             .link = hawse_text("chain"),
                             .method = hawse_text(t.method),
                             .params = hawse_text(t.params),
                             .tag = (uint64_t)what << 8 | item,
                             .max_response = ARB_ANSWER_MAX};
    int32_t code = a->rpc->call(a->host, a->self, &call, &q->request);
    if (code != HAWSE_OK) {
        complain(a,
                 "%s could not be asked (%d): is rpc:%s granted, and has the chain instance an "
                 "endpoint \"http\"?",
                 t.method, code, t.method);
        q->retry_ns = a->host->now(a->host, HAWSE_CLOCK_MONOTONIC) + RETRY_MS * 1000000ull;
        return false;
    }
    q->wanted = false;
    q->asked = true;
    a->asking++;
    return true;
}

/* What no decision waits for comes behind the simulation of one that was made. */
static bool waits(const struct arb *a, enum ask what)
{
    return what == ASK_FEE && a->trade.open && !a->trade.is_signed;
}

void learn_next(struct arb *a)
{
    uint64_t now = a->host->now(a->host, HAWSE_CLOCK_MONOTONIC);
    for (uint32_t what = 0; what < ASKS; what++) {
        for (uint32_t item = 0; item < ASK_ITEMS; item++) {
            struct question *q = &a->ask[what][item];
            if (!q->wanted || q->asked || now < q->retry_ns || waits(a, (enum ask)what))
                continue;
            if (a->asking >= AT_ONCE || !ask_one(a, (enum ask)what, item))
                return;
        }
    }
}
