/* Calls of a flow; see bundle.h. */
#include "bundle.h"

#include <string.h>

/* the first 4 bytes of keccak-256 of the functions' signatures, as in bundle.h's order */
enum call_of {
    CALL_SPLIT,
    CALL_MERGE,
    CALL_EXACT_IN,
    CALL_EXACT_OUT,
    CALL_VAULT_SWAP,
    CALL_PATH_IN,
    CALL_PATH_OUT,
    CALLS
};
static const uint8_t selectors[CALLS][4] = {
    [CALL_SPLIT] = {0xd5, 0xf8, 0x22, 0x80},      /* splitPosition(address,address,uint256) */
    [CALL_MERGE] = {0x7a, 0xbe, 0xf8, 0xd1},      /* mergePositions(address,address,uint256) */
    [CALL_EXACT_IN] = {0xbc, 0x65, 0x11, 0x88},   /* exactInputSingle, without a fee */
    [CALL_EXACT_OUT] = {0xdb, 0x3e, 0x21, 0x98},  /* exactOutputSingle, with a fee */
    [CALL_VAULT_SWAP] = {0x52, 0xbb, 0xbe, 0x29}, /* swap of the Vault */
    [CALL_PATH_IN] = {0x28, 0x6f, 0x58, 0x0d},    /* swapExactIn of the batch router */
    [CALL_PATH_OUT] = {0x8e, 0xb1, 0xb6, 0x5e},   /* swapExactOut */
};

/* Under way: the last call of a bundle, and whether all that went into it was sound. */
struct maker {
    const struct bundle_places *at;
    struct bundle *out;
    struct bundle_call *call;
    bool sound;
};

static void put(struct maker *m, const uint8_t *bytes, uint32_t len)
{
    uint8_t *word = m->call->data + m->call->len;
    if (m->call->len + 32 > BUNDLE_DATA) {
        m->sound = false;
        return;
    }
    memset(word, 0, 32);
    memcpy(word + 32 - len, bytes, len);
    m->call->len += 32;
}

static void put_number(struct maker *m, uint64_t n)
{
    uint8_t word[32];
    hawse_u256_t wide = hawse_u256(n);
    hawse_u256_to_be(&wide, word);
    put(m, word, 32);
}

/* An amount, or a bound: never 0. */
static void put_amount(struct maker *m, const hawse_u256_t *n)
{
    uint8_t word[32];
    m->sound = m->sound && !hawse_u256_is_zero(n);
    hawse_u256_to_be(n, word);
    put(m, word, 32);
}

static void begin(struct maker *m, const uint8_t to[20], enum call_of which)
{
    m->call = &m->out->call[m->out->count++];
    memcpy(m->call->to, to, 20);
    memcpy(m->call->data, selectors[which], 4);
    m->call->len = 4;
}

static void position(struct maker *m, enum call_of which, enum market_token token,
                     const hawse_u256_t *amount)
{
    begin(m, m->at->router, which);
    put(m, m->at->proposal, 20);
    put(m, m->at->token[token], 20);
    put_amount(m, amount);
}

/* (tokenIn, tokenOut, recipient, deadline, amountIn, amountOutMinimum, limitSqrtPrice) */
static void exact_in(struct maker *m, enum market_token in, enum market_token out,
                     uint64_t deadline, const hawse_u256_t *amount, const hawse_u256_t *least)
{
    begin(m, m->at->swap_router, CALL_EXACT_IN);
    put(m, m->at->token[in], 20);
    put(m, m->at->token[out], 20);
    put(m, m->at->account, 20);
    put_number(m, deadline);
    put_amount(m, amount);
    put_amount(m, least);
    put_number(m, 0);
}

/* (tokenIn, tokenOut, fee, recipient, deadline, amountOut, amountInMaximum, limitSqrtPrice); the
 * fee is not looked at */
static void exact_out(struct maker *m, enum market_token in, enum market_token out,
                      uint64_t deadline, const hawse_u256_t *amount, const hawse_u256_t *most)
{
    begin(m, m->at->swap_router, CALL_EXACT_OUT);
    put(m, m->at->token[in], 20);
    put(m, m->at->token[out], 20);
    put_number(m, 0);
    put(m, m->at->account, 20);
    put_number(m, deadline);
    put_amount(m, amount);
    put_amount(m, most);
    put_number(m, 0);
}

/* swap((poolId, kind, assetIn, assetOut, amount, userData), (sender, fromInternalBalance,
 * recipient, toInternalBalance), limit, deadline); kind 0: amount comes in, 1: it goes out */
static void vault_swap(struct maker *m, uint32_t kind, enum market_token in, enum market_token out,
                       uint64_t deadline, const hawse_u256_t *amount, const hawse_u256_t *limit)
{
    begin(m, m->at->vault, CALL_VAULT_SWAP);
    put_number(m, 7 * 32); /* where the first tuple begins */
    put(m, m->at->account, 20);
    put_number(m, 0);
    put(m, m->at->account, 20);
    put_number(m, 0);
    put_amount(m, limit);
    put_number(m, deadline);
    put(m, m->at->spot_pool, 32);
    put_number(m, kind);
    put(m, m->at->token[in], 20);
    put(m, m->at->token[out], 20);
    put_amount(m, amount);
    put_number(m, 6 * 32); /* its bytes, of which there are none */
    put_number(m, 0);
}

static bool is_wrapped(const struct bundle_places *at)
{
    static const uint8_t none[20];
    return memcmp(at->wrapper, none, 20) != 0;
}

/* (pool, tokenOut, isBuffer): a buffer goes by the name of its wrapper */
static void put_step(struct maker *m, const uint8_t pool[20], const uint8_t out[20], bool buffer)
{
    put(m, pool, 20);
    put(m, out, 20);
    put_number(m, buffer);
}

/* ((tokenIn, steps[], exactAmountIn, minAmountOut)[], deadline, wethIsEth, userData), or with
 * (tokenIn, steps[], maxAmountIn, exactAmountOut) */
static void path(struct maker *m, bool exact_in_path, bool company_in, uint64_t deadline,
                 const hawse_u256_t *in, const hawse_u256_t *out)
{
    const struct bundle_places *at = m->at;
    const uint8_t *pool = at->spot_pool + 12, *sdai = at->token[TOKEN_SDAI];
    const uint8_t *company = at->token[TOKEN_COMPANY];
    uint32_t steps = is_wrapped(at) ? 2 : 1;
    begin(m, at->batch_router, exact_in_path ? CALL_PATH_IN : CALL_PATH_OUT);
    put_number(m, 4 * 32); /* where the paths begin */
    put_number(m, deadline);
    put_number(m, 0);
    put_number(m, (11 + 3 * steps) * 32); /* its bytes, of which there are none */
    put_number(m, 1);
    put_number(m, 32);
    put(m, company_in ? company : sdai, 20);
    put_number(m, 4 * 32); /* where its steps begin */
    put_amount(m, in);
    put_amount(m, out);
    put_number(m, steps);
    if (steps == 2 && company_in)
        put_step(m, at->wrapper, at->wrapper, true);
    put_step(m, pool, company_in ? sdai : steps == 2 ? at->wrapper : company, false);
    if (steps == 2 && !company_in)
        put_step(m, at->wrapper, company, true);
    put_number(m, 0);
}

/* Company tokens for sDAI. */
static void sell_spot(struct maker *m, uint64_t deadline, const hawse_u256_t *company,
                      const hawse_u256_t *least)
{
    if (m->at->spot == BUNDLE_SPOT_V3)
        path(m, true, true, deadline, company, least);
    else
        vault_swap(m, 0, TOKEN_COMPANY, TOKEN_SDAI, deadline, company, least);
}

/* And the other way, exactly so many. */
static void buy_spot(struct maker *m, uint64_t deadline, const hawse_u256_t *company,
                     const hawse_u256_t *most)
{
    if (m->at->spot == BUNDLE_SPOT_V3)
        path(m, false, false, deadline, most, company);
    else
        vault_swap(m, 1, TOKEN_SDAI, TOKEN_COMPANY, deadline, company, most);
}

static void left_over(struct maker *m, const struct flow *f, uint64_t deadline)
{
    if (!hawse_u256_is_zero(&f->left))
        exact_in(m, f->left_token, TOKEN_SDAI, deadline, &f->left, &f->left_min);
}

static void buy(struct maker *m, const struct flow *f, uint64_t deadline)
{
    position(m, CALL_SPLIT, TOKEN_SDAI, &f->paid);
    exact_out(m, TOKEN_YES_SDAI, TOKEN_YES_COMPANY, deadline, &f->company, &f->bound[0]);
    exact_out(m, TOKEN_NO_SDAI, TOKEN_NO_COMPANY, deadline, &f->company, &f->bound[1]);
    position(m, CALL_MERGE, TOKEN_COMPANY, &f->company);
    left_over(m, f, deadline);
    sell_spot(m, deadline, &f->company, &f->spot_min);
}

static void sell(struct maker *m, const struct flow *f, uint64_t deadline)
{
    buy_spot(m, deadline, &f->company, &f->paid_max);
    position(m, CALL_SPLIT, TOKEN_COMPANY, &f->company);
    exact_in(m, TOKEN_YES_COMPANY, TOKEN_YES_SDAI, deadline, &f->company, &f->bound[0]);
    exact_in(m, TOKEN_NO_COMPANY, TOKEN_NO_SDAI, deadline, &f->company, &f->bound[1]);
    position(m, CALL_MERGE, TOKEN_SDAI, &f->merged);
    left_over(m, f, deadline);
}

static void sweep(struct maker *m, const struct flow *f)
{
    if (!hawse_u256_is_zero(&f->merged))
        position(m, CALL_MERGE, TOKEN_SDAI, &f->merged);
    if (!hawse_u256_is_zero(&f->company))
        position(m, CALL_MERGE, TOKEN_COMPANY, &f->company);
}

static void recover(struct maker *m, const struct flow *f, uint64_t deadline)
{
    if (f->left_token == TOKEN_COMPANY)
        sell_spot(m, deadline, &f->left, &f->left_min);
    else if (f->left_token == TOKEN_YES_COMPANY)
        exact_in(m, TOKEN_YES_COMPANY, TOKEN_YES_SDAI, deadline, &f->left, &f->left_min);
    else if (f->left_token == TOKEN_NO_COMPANY)
        exact_in(m, TOKEN_NO_COMPANY, TOKEN_NO_SDAI, deadline, &f->left, &f->left_min);
    else
        left_over(m, f, deadline);
}

int32_t bundle_make(const struct bundle_places *places, const struct flow *flow, uint64_t deadline,
                    struct bundle *out)
{
    struct maker m = {.at = places, .out = out, .sound = deadline != 0};
    out->count = 0;
    out->reserved = 0;
    if (flow->way == FLOW_BUY)
        buy(&m, flow, deadline);
    else if (flow->way == FLOW_SELL)
        sell(&m, flow, deadline);
    else if (flow->way == FLOW_SWEEP)
        sweep(&m, flow);
    else if (flow->way == FLOW_RECOVER)
        recover(&m, flow, deadline);
    return m.sound && out->count > 0 ? HAWSE_OK : HAWSE_E_INVAL;
}

int32_t bundle_check(const struct bundle_places *places, const struct bundle *bundle)
{
    const uint8_t *const owner[CALLS] = {places->router,      places->router, places->swap_router,
                                         places->swap_router, places->vault,  places->batch_router,
                                         places->batch_router};
    bool v3 = places->spot == BUNDLE_SPOT_V3;
    if (bundle->count == 0 || bundle->count > BUNDLE_CALLS)
        return HAWSE_E_LIMIT;
    for (uint32_t i = 0; i < bundle->count; i++) {
        const struct bundle_call *c = &bundle->call[i];
        bool known = false;
        for (uint32_t k = 0; k < CALLS; k++)
            known = known || ((v3 ? k != CALL_VAULT_SWAP : k <= CALL_VAULT_SWAP) && c->len >= 4 &&
                              c->len <= BUNDLE_DATA && memcmp(c->data, selectors[k], 4) == 0 &&
                              memcmp(c->to, owner[k], 20) == 0);
        if (!known)
            return HAWSE_E_DENIED;
    }
    return HAWSE_OK;
}
