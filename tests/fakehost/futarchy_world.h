/*
 * One instance of the futarchy strategy with every field of it that is saved set to something, for
 * tests of its hand-over (hawse.state/1).
 */
#ifndef HAWSE_TESTS_FUTARCHY_WORLD_H
#define HAWSE_TESTS_FUTARCHY_WORLD_H

#include "../../plugins/strategies/futarchy-arb/arb.h"
#include "quiethost.h"

#include <hawse/service/state.h>
#include <stdlib.h>
#include <string.h>

#define FUTARCHY_SETTINGS(proposal)                                                        \
    "{\"chain\":\"gnosis\",\"account\":\"bot\","                                           \
    "\"address\":\"0x1111111111111111111111111111111111111111\",\"proposal\":\"" proposal  \
    "\",\"router\":\"0x3333333333333333333333333333333333333333\","                        \
    "\"swap_router\":\"0x4444444444444444444444444444444444444444\",\"spot_pool\":"        \
    "\"0x40d2cbc586dd8df50001cdba3f65cd4bbc32d596000200000000000000000154\",\"executor\":" \
    "\"0x5555555555555555555555555555555555555555\"}"

static const char futarchy_settings[] =
    FUTARCHY_SETTINGS("0x2222222222222222222222222222222222222222");

static struct quiethost futarchy_host;

static inline struct arb *futarchy_begin(const hawse_plugin_t *plugin)
{
    void *state = NULL;
    if (plugin->create(&futarchy_host.host, 1, hawse_text(futarchy_settings), &state) != HAWSE_OK ||
        plugin->start(state) != HAWSE_OK)
        abort();
    return state;
}

static inline void futarchy_fill_market(struct arb *a)
{
    a->tokens_known = a->spot_good = a->spot_paused = a->code_good = a->over = true;
    a->whole_asked = a->changed = true;
    a->rate = hawse_u256(7);
    a->head = 1000;
    a->head_time = 1001;
    a->base_fee = 1002;
    a->basis_block = 1005;
    a->basis_ns = 1006;
    a->not_before_block = 1003;
    a->refusals = 2;
    a->held_known = 63;
    a->doubt[1] = 4;
    a->pool_count = 2;
    for (uint32_t i = 0; i < a->pool_count; i++) {
        a->pools[i] = (struct told_pool){.priced = true,
                                         .tick = -5,
                                         .fee_ppm = 100,
                                         .sqrt_price = hawse_u256(8),
                                         .liquidity = hawse_u256(9)};
        memset(a->pools[i].token, 0x61 + (int)i, sizeof(a->pools[i].token));
    }
    struct told_leg *leg = &a->leg[POOL_NO];
    leg->pool = 1;
    leg->ticks_read = true;
    leg->ticks_block = 900;
    leg->next_block = 901;
    leg->asked_to = 902;
    leg->range = 903;
    leg->quoted_fee = 200;
    leg->ticks.count = 2;
    leg->ticks.tick[0] = (hawse_clmm_tick_t){.tick = -10, .liquidity_net = hawse_u256(9)};
    leg->ticks.tick[1] = (hawse_clmm_tick_t){.tick = 10, .liquidity_net = hawse_u256(1)};
    a->market.leg[POOL_NO].base_is_0 = true;
    a->market.spot.pool.token_count = 2;
    a->market.spot.pool.kind = HAWSE_BAL_WEIGHTED;
    a->market.spot.pool.swap_fee = hawse_u256(10);
    a->market.spot.pool.amplification = hawse_u256(11);
    a->market.spot.company = 1;
    a->tokens[1].weight = hawse_u256(12);
    memset(a->spot_token[1], 0x71, 20);
    memset(a->set.places.token[TOKEN_COMPANY], 0x72, 20);
    a->whole.known[WHOLE_SPOT] = true;
    a->whole.pool[WHOLE_SPOT].bit[2] = 2047;
    a->whole.awaited = 1;
    a->whole.until_ns = 1004;
    memset(a->whole.hash, 0x73, 32);
    a->proof.known = 5;
    a->proof.data_len[1] = PROOF_DATA;
    a->proof.decimals[1] = 18;
    (void)memcpy(a->untrusted, "why", 4);
}

static inline void futarchy_fill_trade(struct trade *t)
{
    t->open = t->signed_out = t->is_signed = t->outdated = t->refused = true;
    t->measuring = t->unsent_by_mode = t->fell_back = true;
    t->handle = 20;
    t->run = 19;
    t->number = 21;
    t->block = 22;
    t->included_ns = 23;
    t->last_ns = 24;
    t->legs = 3;
    t->legs_read = 2;
    t->error = HAWSE_E_REMOTE;
    t->step = HAWSE_INTENT_FAILED;
    t->hash_set[2] = true;
    memset(t->hash[2], 0x74, 32);
    t->gas_used = 25;
    t->gas_off_ppm = -26;
    t->fees = hawse_u256(27);
    t->moved[TOKEN_NO_SDAI] = hawse_u256(28);
    t->flow = (struct flow){.way = FLOW_SELL, .left_token = TOKEN_YES_SDAI};
    t->flow.gain = hawse_u256(29);
    t->flow.bound[1] = hawse_u256(30);
    t->order = (struct control_order){
        .path = PATH_SEQUENTIAL, .trial = true, .slippage_ppm = 31, .max_in = hawse_u256(32)};
    t->order.at_ns = 33;
}

static inline void futarchy_fill_run(struct arb *a)
{
    a->control.step = 2;
    a->control.rolled_back = REASON_GAS;
    a->control.window_count = 5;
    a->control.arm[PATH_BUNDLE].gain = hawse_u256(40);
    a->stored_control = a->control;
    a->stored_control.step = 1;
    a->stranded[TOKEN_YES_COMPANY] = hawse_u256(41);
    a->stored_left[TOKEN_YES_COMPANY] = hawse_u256(42);
    a->ended = (struct trade_name){63, 64};
    a->stored_ended = (struct trade_name){65, 66};
    a->carried.trade = (struct keep_trade){.run = a->trade.run,
                                           .number = a->trade.number,
                                           .block = 67,
                                           .way = FLOW_SELL,
                                           .order = a->trade.order,
                                           .gain = hawse_u256(68),
                                           .orders = 69,
                                           .last_ns = 70,
                                           .fell_back = true};
    a->carried.waits = a->carried.asked = true;
    a->next_number = 43;
    a->failures[3].number = 44;
    (void)memcpy(a->failures[3].reason, "reason", 7);
    a->failure_count = 45;
    a->measured = 46;
    a->exact = 47;
    a->cycles = 48;
    a->outputs_exact = 49;
    a->put_in = hawse_u256(50);
    a->gained = hawse_u256(51);
    a->gas_cost = hawse_u256(62);
    a->errors[2] = 52;
    a->seen[4].block = 53;
    a->seen[4].tx_index = 54;
    a->seen_next = 55;
    a->complaint_ns = 56;
    a->ask[ASK_RECEIPT][2] =
        (struct question){.wanted = true, .failures = 2, .retry_ns = 57, .request = 58};
    a->audit.intents = 59;
    a->audit.amount = hawse_u256(60);
    a->audit.facts.sdai = hawse_u256(61);
    a->audit.facts.code_len = 3;
    memcpy(a->audit.code, "abc", 3);
}

static inline void futarchy_fill(struct arb *a)
{
    futarchy_fill_market(a);
    futarchy_fill_trade(&a->trade);
    futarchy_fill_run(a);
}

#endif
