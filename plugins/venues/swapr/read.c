/*
 * What must be asked of the chain: tokens once, state at a block. A few questions at a time, each
 * pool's in order; a failure is asked again later. See swapr.h.
 */
#include "swapr.h"

#include <hawse/abi.h>
#include <hawse/u256.h>
#include <string.h>

enum { BUSY_MAX = 16, RETRY_MS = 500 };

/* Selectors of the view functions: the first 4 bytes of keccak-256 of their signatures. */
static const char *const selectors[ASKS] = {
    [ASK_TOKEN0] = "0dfe1681",    [ASK_TOKEN1] = "d21220a7",    [ASK_SPACING] = "d0c93a7c",
    [ASK_DECIMALS0] = "313ce567", [ASK_DECIMALS1] = "313ce567", [ASK_SYMBOL0] = "95d89b41",
    [ASK_SYMBOL1] = "95d89b41",   [ASK_STATE] = "e76c01e4",     [ASK_LIQUIDITY] = "1a686502"};

static const uint8_t *target_of(const struct pool *p)
{
    if (p->ask == ASK_DECIMALS0 || p->ask == ASK_SYMBOL0)
        return p->token[0].address;
    if (p->ask == ASK_DECIMALS1 || p->ask == ASK_SYMBOL1)
        return p->token[1].address;
    return p->address;
}

static bool call(struct swapr *s, uint32_t index)
{
    struct pool *p = s->pools[index];
    if (p->ask == ASK_SPACING) { /* the state is read at one and the same block */
        p->read_block = s->head_number;
        memcpy(p->read_hash, s->head_hash, 32);
    }
    const uint8_t *block = p->ask >= ASK_SPACING ? p->read_hash : s->head_hash;
    int32_t code = venue_call(s->host, s->self, s->rpc, target_of(p), selectors[p->ask], block,
                              index, &p->request);
    if (code == HAWSE_OK)
        return true;
    p->request = 0;
    swapr_complain(s,
                   "eth_call could not be asked (%d): is rpc granted, and has the chain instance "
                   "an endpoint \"http\"?",
                   code);
    return false;
}

void read_next(struct swapr *s)
{
    uint64_t now = s->host->now(s->host, HAWSE_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < s->pool_count && s->busy < BUSY_MAX && s->head_known; i++) {
        struct pool *p = s->pools[i];
        if (p->phase == POOL_FOLLOWED || p->request || now < p->retry_ns || !p->sub)
            continue;
        p->phase = POOL_READING;
        if (call(s, i))
            s->busy++;
        else
            p->retry_ns = now + (uint64_t)RETRY_MS * 1000000u;
    }
}

/* (uint160 price, int24 tick, uint16 fee, ...) */
static bool take_state(struct pool *p, const uint8_t *d, uint64_t len)
{
    int64_t tick = 0;
    uint64_t fee = 0;
    if (len < 96 || hawse_abi_uint(d, 160, &p->state.sqrt_price) != HAWSE_OK ||
        hawse_abi_i64(d + 32, 24, &tick) != HAWSE_OK || hawse_abi_u64(d + 64, 16, &fee) != HAWSE_OK)
        return false;
    p->state.tick = (int32_t)tick;
    p->state.fee_ppm = (uint32_t)fee;
    return true;
}

static bool take_spacing(struct pool *p, const uint8_t *d, uint64_t len)
{
    int64_t spacing = 0;
    if (len < 32 || hawse_abi_i64(d, 24, &spacing) != HAWSE_OK || spacing <= 0)
        return false;
    p->state.tick_spacing = (uint32_t)spacing;
    return true;
}

static bool take_decimals(struct token *t, const uint8_t *d, uint64_t len)
{
    uint64_t n = 0;
    if (len < 32 || hawse_abi_u64(d, 8, &n) != HAWSE_OK || n > 77)
        return false;
    t->decimals = (uint32_t)n;
    return true;
}

static bool take(struct pool *p, const uint8_t *d, uint64_t len)
{
    switch (p->ask) {
    case ASK_TOKEN0:
    case ASK_TOKEN1:
        return len >= 32 && hawse_abi_address(d, p->token[p->ask - ASK_TOKEN0].address) == HAWSE_OK;
    case ASK_SPACING:
        return take_spacing(p, d, len);
    case ASK_DECIMALS0:
    case ASK_DECIMALS1:
        return take_decimals(&p->token[p->ask - ASK_DECIMALS0], d, len);
    case ASK_SYMBOL0:
    case ASK_SYMBOL1:
        venue_symbol(d, len, p->token[p->ask - ASK_SYMBOL0].symbol);
        return true;
    case ASK_STATE:
        return take_state(p, d, len);
    default:
        return len >= 32 && hawse_abi_uint(d, 128, &p->state.liquidity) == HAWSE_OK;
    }
}

/* The state is there: what happened meanwhile is applied to it. */
static void follow(struct swapr *s, struct pool *p)
{
    p->phase = POOL_FOLLOWED;
    p->steps = p->forgotten = 0;
    for (uint32_t i = 0; i < p->early_count; i++) {
        const hawse_evm_log_t *log =
            (const hawse_evm_log_t *)(const void *)(p->early + (uint64_t)i * VENUE_ANSWER_MAX);
        if (log->block_number > p->read_block)
            (void)pool_apply(s, p, log);
    }
    p->early_count = 0;
    if (!p->announced)
        emit_info(s, p);
    p->announced = true;
    emit_state(s, p, NULL, NULL);
}

void read_answer(struct swapr *s, const hawse_event_t *event)
{
    hawse_host_rpc_done_t done;
    uint8_t data[VENUE_ANSWER_MAX];
    uint64_t len = 0;
    memcpy(&done, event->data, sizeof(done));
    if (done.tag == SWAPR_TAG_DISCOVER) {
        discover_answer(s, event);
        return;
    }
    if (done.tag >= s->pool_count || s->pools[done.tag]->request != done.request)
        return;
    struct pool *p = s->pools[done.tag];
    p->request = 0;
    s->busy--;
    bool optional = p->ask >= ASK_DECIMALS0 && p->ask <= ASK_SYMBOL1;
    bool good = done.status == HAWSE_OK && venue_answer(event, data, &len) && take(p, data, len);
    if (!good && !(optional && venue_reverted(event))) {
        if (p->ask > ASK_SPACING)
            p->ask = ASK_SPACING; /* its block may be gone: both anew */
        p->retry_ns = s->host->now(s->host, HAWSE_CLOCK_MONOTONIC) + (uint64_t)RETRY_MS * 1000000u;
        if (done.status == HAWSE_OK || done.status == HAWSE_E_REMOTE)
            swapr_complain(s,
                           "a pool does not answer as an Algebra pool does (question %d): is the "
                           "address right?",
                           (int)p->ask);
        return;
    }
    if (p->ask == ASK_LIQUIDITY) {
        p->ask = ASK_SPACING;
        follow(s, p);
        return;
    }
    p->ask = (enum pool_ask)(p->ask + 1);
}
