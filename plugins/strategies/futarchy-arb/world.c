/* What venues and chain tell, made into the market that decisions read; see arb.h. */
#include "arb.h"

#include <hawse/hex.h>
#include <string.h>

/* ---- the market's pools ---- */

void world_pair(enum market_pool leg, enum market_token pair[2])
{
    static const enum market_token pairs[MARKET_POOLS][2] = {
        [POOL_YES] = {TOKEN_YES_COMPANY, TOKEN_YES_SDAI},
        [POOL_NO] = {TOKEN_NO_COMPANY, TOKEN_NO_SDAI},
        [POOL_YES_ODDS] = {TOKEN_YES_SDAI, TOKEN_SDAI},
        [POOL_NO_ODDS] = {TOKEN_NO_SDAI, TOKEN_SDAI},
    };
    memcpy(pair, pairs[leg], sizeof(pairs[leg]));
}

static void spot_match(struct arb *a);

/* Is it the pool that the router swaps in? Anybody can deploy one that has these tokens too. */
static bool is_routed(struct arb *a, uint32_t i, const struct told_pool *p)
{
    const uint8_t *routed = a->proof.pool[i];
    char told[41] = "", right[41] = "";
    if (!a->set.check_tokens)
        return true;
    if ((a->proof.known >> (PROOF_POOL + i) & 1u) == 0)
        return false; /* not known yet */
    if (memcmp(p->market + 12, routed, 20) == 0)
        return true;
    hawse_hex_encode(p->market + 12, 20, told);
    hawse_hex_encode(routed, 20, right);
    complain(a,
             "pool 0x%s has tokens of this market, and the router swaps them in 0x%s: it is not "
             "traded; name that one in the venue's settings",
             told, right);
    return false;
}

void world_match(struct arb *a)
{
    enum market_token pair[2];
    for (uint32_t i = 0; i < MARKET_POOLS && a->tokens_known; i++) {
        struct told_leg *leg = &a->leg[i];
        world_pair((enum market_pool)i, pair);
        const uint8_t *base = a->set.places.token[pair[0]], *other = a->set.places.token[pair[1]];
        for (uint32_t k = 0; k < a->pool_count && leg->pool == TOLD_POOLS; k++) {
            const struct told_pool *p = &a->pools[k];
            bool first = memcmp(p->token[0], base, 20) == 0 && memcmp(p->token[1], other, 20) == 0;
            bool second = memcmp(p->token[1], base, 20) == 0 && memcmp(p->token[0], other, 20) == 0;
            if ((!first && !second) || !is_routed(a, i, p))
                continue;
            leg->pool = k;
            whole_pool(&a->whole, i, p->market + 12, 20);
            a->market.leg[i].base_is_0 = first;
            learn_ticks_again(a, i);
            learn_want(a, ASK_FEE, i);
            world_leg(a, i);
        }
    }
    if (a->tokens_known)
        spot_match(a);
}

void world_leg(struct arb *a, uint32_t i)
{
    struct told_leg *leg = &a->leg[i];
    struct market_leg *out = &a->market.leg[i];
    const struct told_pool *p = leg->pool < a->pool_count ? &a->pools[leg->pool] : NULL;
    out->there = p && p->priced && leg->ticks_read &&
                 (leg->quoted_fee != 0 || !a->set.quoter_set) &&
                 ticks_match(&leg->ticks, p->tick, &p->liquidity);
    if (!out->there)
        return;
    out->pool.kind = HAWSE_CLMM_ALGEBRA;
    out->pool.fee_ppm = leg->quoted_fee ? leg->quoted_fee : p->fee_ppm;
    out->pool.tick_unit = a->set.tick_unit;
    out->pool.tick = p->tick;
    out->pool.tick_count = leg->ticks.count;
    out->pool.ticks = leg->ticks.tick;
    out->pool.sqrt_price = p->sqrt_price;
    out->pool.liquidity = p->liquidity;
    a->changed = true;
}

bool world_ready(struct arb *a)
{
    return a->tokens_known && a->spot_good && a->market.leg[POOL_YES].there &&
           a->market.leg[POOL_NO].there && !hawse_u256_is_zero(&a->rate) && a->head != 0 &&
           (a->doubt[0] | a->doubt[1] | a->doubt[2]) == 0;
}

/* ---- swapr ---- */

static struct told_pool *pool_of(struct arb *a, const uint8_t market[32])
{
    for (uint32_t i = 0; i < a->pool_count; i++) {
        if (memcmp(a->pools[i].market, market, 32) == 0)
            return &a->pools[i];
    }
    return NULL;
}

static void info(struct arb *a, const hawse_market_info_t *told)
{
    struct told_pool *p = pool_of(a, told->market);
    if (!p && a->pool_count == TOLD_POOLS) {
        complain(a,
                 "more than %d pools are told of: name those of the market in the venue's "
                 "settings",
                 TOLD_POOLS);
        return;
    }
    if (!p)
        p = &a->pools[a->pool_count++];
    memcpy(p->market, told->market, 32);
    for (int i = 0; i < 2; i++)
        memcpy(p->token[i], told->token[i] + 12, 20);
    world_match(a);
}

/* Which pool of the market it is; MARKET_POOLS: none. */
static uint32_t leg_of(const struct arb *a, const struct told_pool *p)
{
    uint32_t i = 0;
    while (i < MARKET_POOLS && (!p || a->leg[i].pool != (uint32_t)(p - a->pools)))
        i++;
    return i;
}

static void priced(struct arb *a, const hawse_market_pool_state_t *told)
{
    struct told_pool *p = pool_of(a, told->market);
    if (!p || told->pool_kind != HAWSE_POOL_CONCENTRATED)
        return;
    bool same = p->priced && p->tick == told->tick && p->fee_ppm == told->fee_ppm &&
                hawse_u256_compare(&p->sqrt_price, &told->sqrt_price_x96) == 0 &&
                hawse_u256_compare(&p->liquidity, &told->liquidity) == 0;
    uint32_t i = leg_of(a, p);
    if (i < MARKET_POOLS && p->priced && p->fee_ppm != told->fee_ppm && a->leg[i].quoted_fee)
        a->leg[i].quoted_fee = told->fee_ppm; /* newer than the quote; the next one is asked for */
    p->priced = true;
    p->tick = told->tick;
    p->fee_ppm = told->fee_ppm;
    p->sqrt_price = told->sqrt_price_x96;
    p->liquidity = told->liquidity;
    if (i == MARKET_POOLS)
        return;
    world_leg(a, i);
    whole_told(&a->whole, i, told->origin.block_hash);
    if (!same)
        decide_outdated(a);
}

/* A change of liquidity that the ticks do not have yet, or one that they had and that is gone. */
static void liquidity(struct arb *a, const hawse_market_liquidity_t *told, bool removed)
{
    uint32_t i = leg_of(a, pool_of(a, told->market));
    hawse_u256_t delta = told->delta;
    if (i == MARKET_POOLS)
        return;
    struct told_leg *leg = &a->leg[i];
    if (told->origin.block_number <= leg->ticks_block) {
        if (removed)
            learn_ticks_again(a, i);
        return;
    }
    if (removed)
        hawse_i256_negate(&delta, &delta);
    int32_t code = ticks_add(&leg->ticks, told->tick_lower, told->tick_upper, &delta);
    if (code == HAWSE_E_LIMIT)
        complain(a, "a pool has more than %d initialised ticks: it is not traded", TICKS_MAX);
    else if (code != HAWSE_OK)
        complain(a,
                 "a pool tells of liquidity from tick %d to %d, which there cannot be: it is not "
                 "traded",
                 told->tick_lower, told->tick_upper);
    world_leg(a, i);
    decide_outdated(a);
}

/* Somebody moved one of the market's pools; a state that was read anew says of nobody. */
static void saw(struct arb *a, const hawse_market_origin_t *origin)
{
    static const uint8_t nobody[32] = {0};
    if (memcmp(origin->tx_hash, nobody, 32) == 0)
        return;
    struct seen_trade *s = &a->seen[a->seen_next++ % SEEN];
    s->block = origin->block_number;
    s->tx_index = origin->tx_index;
    memcpy(s->tx_hash, origin->tx_hash, 32);
}

static void traded(struct arb *a, const hawse_market_trade_t *told)
{
    if (leg_of(a, pool_of(a, told->market)) < MARKET_POOLS ||
        memcmp(told->market, a->set.places.spot_pool, 32) == 0)
        saw(a, &told->origin);
}

/* ---- balancer ---- */

/* Is it the company token, or (v3) what wraps it? Then calls go by the wrapper too. */
static bool spot_company(struct arb *a, uint32_t i)
{
    struct market_spot *s = &a->market.spot;
    const uint8_t *company = a->set.places.token[TOKEN_COMPANY];
    if (memcmp(a->spot_token[i], company, 20) == 0)
        return true;
    if (!s->is_v3 || memcmp(a->spot_asset[i], company, 20) != 0)
        return false;
    s->wrapped = true;
    s->wrapper = a->spot_wrapper[i];
    memcpy(a->set.places.wrapper, a->spot_token[i], 20);
    return true;
}

/* Which of the told tokens are the market's. */
static void spot_match(struct arb *a)
{
    struct market_spot *s = &a->market.spot;
    uint32_t found = 0;
    uint32_t count = s->is_v3 ? s->live.token_count : s->pool.token_count;
    for (uint32_t i = 0; i < count && a->tokens_known; i++) {
        if (spot_company(a, i)) {
            s->company = i;
            found |= 1;
        } else if (memcmp(a->spot_token[i], a->set.places.token[TOKEN_SDAI], 20) == 0) {
            s->sdai = i;
            found |= 2;
        }
    }
    a->spot_good = found == 3 && !a->spot_paused;
    a->changed = true;
    if (a->tokens_known && count > 0 && found != 3)
        complain(a, "spot_pool does not hold the company token and sDAI");
}

static void spot(struct arb *a, const hawse_market_pool_tokens_t *told)
{
    const uint8_t *list = (const uint8_t *)told + told->tokens_offset;
    uint32_t n = 0;
    bool same = true;
    if (memcmp(told->market, a->set.places.spot_pool, 32) != 0)
        return;
    whole_pool(&a->whole, WHOLE_SPOT, told->market, 32);
    whole_told(&a->whole, WHOLE_SPOT, told->origin.block_hash);
    saw(a, &told->origin);
    for (uint32_t i = 0; i < told->token_count && n < ARB_TOKENS_MAX; i++) {
        hawse_market_pool_token_t t;
        memcpy(&t, list + i * sizeof(t), sizeof(t));
        if (i == told->own_token)
            continue;
        same = same && hawse_u256_compare(&a->tokens[n].balance, &t.balance) == 0;
        memcpy(a->spot_token[n], t.token + 12, 20);
        a->tokens[n++] = (hawse_bal_token_t){t.balance, t.scaling, t.weight};
    }
    a->market.spot.pool = (hawse_bal_pool_t){
        .kind = told->formula,
        .token_count = n,
        .tokens = a->tokens,
        .swap_fee = told->swap_fee,
        .amplification =
            hawse_u256(hawse_bal_amplification(told->amp_start, told->amp_end, told->amp_start_time,
                                               told->amp_end_time, told->origin.block_timestamp))};
    a->spot_paused = (told->flags & HAWSE_POOL_PAUSED) != 0;
    spot_match(a);
    if (!same || a->spot_paused)
        decide_outdated(a);
}

static void based_on(struct arb *a, const hawse_event_t *event, const hawse_market_origin_t *origin)
{
    a->basis_block = origin->block_number;
    a->basis_ns = event->t_recv_ns;
}

/* One token of a pool of v3; false when it is not what it was. */
static bool live_token(struct arb *a, uint32_t i, const hawse_market_live_token_t *t)
{
    static const hawse_u256_t shares = {{0x9fd0803ce8000000u, 0x33b2e3cu, 0, 0}}; /* 10^27 */
    hawse_bal3_token_t now = {
        .factor = t->factor, .rate = t->rate, .weight = t->weight, .minimum = t->minimum};
    if (hawse_bal3_live(&t->balance, &t->factor, &t->rate, &now.live, NULL) != HAWSE_OK)
        now.live = hawse_u256(0); /* no swap is quoted */
    bool same = memcmp(&now, &a->live_tokens[i], sizeof(now)) == 0 &&
                hawse_u256_compare(&t->assets, &a->spot_wrapper[i].assets) == 0;
    a->live_tokens[i] = now;
    a->spot_wrapper[i] = (hawse_bal3_wrapper_t){.assets = t->assets, .shares = shares};
    memcpy(a->spot_token[i], t->token + 12, 20);
    memcpy(a->spot_asset[i], t->asset + 12, 20);
    return same;
}

/* A pool of v3. */
static void spot_live(struct arb *a, const hawse_market_pool_live_t *told)
{
    const uint8_t *list = (const uint8_t *)told + told->tokens_offset;
    struct market_spot *s = &a->market.spot;
    uint32_t n = 0;
    bool same = s->is_v3;
    if (memcmp(told->market, a->set.places.spot_pool, 32) != 0)
        return;
    for (; n < told->token_count && n < ARB_TOKENS_MAX; n++) {
        hawse_market_live_token_t t;
        memcpy(&t, list + n * sizeof(t), sizeof(t));
        same = live_token(a, n, &t) && same;
    }
    whole_pool(&a->whole, WHOLE_SPOT, told->market, 32);
    whole_told(&a->whole, WHOLE_SPOT, told->origin.block_hash);
    a->whole.spot_each_block = (told->flags & HAWSE_POOL_RATES_MOVE) != 0;
    s->is_v3 = true;
    s->live = (hawse_bal3_pool_t){.kind = told->formula,
                                  .token_count = n,
                                  .tokens = a->live_tokens,
                                  .swap_fee = told->swap_fee,
                                  .minimum_trade = told->minimum_trade};
    s->minimum_wrap = told->minimum_wrap;
    uint32_t stops = HAWSE_POOL_PAUSED | (s->wrapped ? HAWSE_POOL_BUFFERS_PAUSED : 0);
    a->spot_paused = (told->flags & stops) != 0;
    spot_match(a);
    if (!same || a->spot_paused)
        decide_outdated(a);
}

void world_market(struct arb *a, const hawse_event_t *event)
{
    bool removed = (event->flags & HAWSE_EVENT_REMOVED) != 0;
    const void *data = event->data;
    if (event->kind == HAWSE_MARKET_INFO)
        info(a, data);
    else if (event->kind == HAWSE_MARKET_POOL_STATE)
        priced(a, data);
    else if (event->kind == HAWSE_MARKET_LIQUIDITY)
        liquidity(a, data, removed);
    else if (event->kind == HAWSE_MARKET_TRADE && !removed)
        traded(a, data);
    else if (event->kind == HAWSE_MARKET_POOL_TOKENS)
        spot(a, data);
    else if (event->kind == HAWSE_MARKET_POOL_LIVE)
        spot_live(a, data);
    if (event->kind == HAWSE_MARKET_POOL_STATE)
        based_on(a, event, &((const hawse_market_pool_state_t *)data)->origin);
    else if (event->kind == HAWSE_MARKET_POOL_TOKENS)
        based_on(a, event, &((const hawse_market_pool_tokens_t *)data)->origin);
    else if (event->kind == HAWSE_MARKET_POOL_LIVE)
        based_on(a, event, &((const hawse_market_pool_live_t *)data)->origin);
}

/* ---- the chain ---- */

void world_chain(struct arb *a, const hawse_event_t *event)
{
    const hawse_evm_block_t *b = (const hawse_evm_block_t *)(const void *)event->data;
    if (event->kind != HAWSE_EVM_BLOCK || (event->flags & HAWSE_EVENT_REMOVED))
        return;
    a->head = b->number;
    a->head_time = b->timestamp;
    a->base_fee = b->base_fee_wei;
    a->changed = true;
    a->whole_asked = false;
    whole_block(&a->whole, b,
                a->host->now(a->host, HAWSE_CLOCK_MONOTONIC) + a->set.whole_block_ms * 1000000u);
    learn_block(a);
}

void world_proposal(struct arb *a, const hawse_event_t *event)
{
    const hawse_position_proposal_t *p =
        (const hawse_position_proposal_t *)(const void *)event->data;
    if (event->kind != HAWSE_POSITION_PROPOSAL ||
        memcmp(p->proposal + 12, a->set.places.proposal, 20) != 0)
        return;
    bool over = p->state != HAWSE_PROPOSAL_OPEN;
    if (over != a->over)
        say(a, HAWSE_LOG_WARN, "the proposal is %s",
            !over                                 ? "open again: trades go on"
            : p->state == HAWSE_PROPOSAL_RESOLVED ? "resolved: nothing new is begun"
                                                  : "no longer on the chain: nothing new is begun");
    a->over = over;
    a->changed = true;
}

void world_continuity(struct arb *a, const hawse_event_t *event)
{
    if (event->source != a->chain && event->source != a->swapr && event->source != a->balancer)
        return; /* the proposal's state is whole each time */
    uint32_t bit = 1u << (event->stream & 31u);
    uint32_t which = event->source == a->chain ? 0 : event->source == a->swapr ? 1 : 2;
    if (event->flags & HAWSE_EVENT_LOCAL) {
        /* events that did not reach us: states are whole, changes of liquidity are not */
        for (uint32_t i = 0; i < MARKET_POOLS; i++)
            learn_ticks_again(a, i);
        return;
    }
    if (event->kind == HAWSE_STREAM_EVENT_GAP)
        a->doubt[which] |= bit;
    else if (event->kind == HAWSE_STREAM_EVENT_HEALED || event->kind == HAWSE_STREAM_EVENT_LIVE)
        a->doubt[which] &= ~bit;
    if (event->kind == HAWSE_STREAM_EVENT_UNHEALABLE) {
        a->doubt[which] &= ~bit;
        for (uint32_t i = 0; i < MARKET_POOLS; i++)
            learn_ticks_again(a, i);
    }
}
