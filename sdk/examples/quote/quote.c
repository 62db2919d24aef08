/*
 * quote: what a thousandth of a pool's first token buys now, from the state that a venue told: no
 * question to a node, exact to the last wei. For pools of hawse/amm/balancer.h; link it to the
 * venue and to the venue's chain.
 *
 * Three things to take from it: a told state is whole, so the newest one is all there is to keep; a
 * flag may say that the pool takes no swap; and while a sequence of the chain is in doubt, so is
 * every quote.
 */
#include <hawse/amm/balancer.h>
#include <hawse/hawse.h>
#include <hawse/service/sub.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

HAWSE_EXPORT const char hawse_manifest_v1[] =
    "{\"id\":\"org.example.quote\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"sink\","
    "\"license\":\"MIT\","
    "\"description\":\"what a thousandth of a pool's first token buys\","
    "\"maturity\":\"stable\",\"requires\":{\"hawse.sub/1\":\">=1.0\"},\"consumes\":[\"market/1\"]}";

struct quote {
    const hawse_host_t *host;
    hawse_instance_t self;
    uint32_t doubt; /* bit n: the chain's sequence n */
};

static int32_t create(const hawse_host_t *host, hawse_instance_t self, hawse_view_t config,
                      void **state)
{
    const hawse_sub_service_t *sub = host->query(host, self, HAWSE_SUB_ID);
    hawse_sub_spec_t spec = {.size = sizeof(spec),
                             .space = HAWSE_SPACE_MARKET,
                             .kind = HAWSE_MARKET_POOL_TOKENS,
                             .policy = HAWSE_POLICY_LATEST}; /* when we are behind */
    struct quote *q = calloc(1, sizeof(*q));
    hawse_sub_t handle;
    (void)config;
    if (!q)
        return HAWSE_E_NOMEM;
    *q = (struct quote){.host = host, .self = self};
    int32_t code = sub->subscribe(host, self, &spec, &handle);
    if (code != HAWSE_OK) {
        free(q);
        return hawse_fail(host, self, code, "cannot subscribe", "link it to a venue");
    }
    *state = q;
    return HAWSE_OK;
}

/* The told tokens as the mathematics want them: without the pool's own share. */
static uint32_t tokens_of(const hawse_market_pool_tokens_t *told, hawse_bal_token_t *tokens)
{
    const uint8_t *list = (const uint8_t *)told + told->tokens_offset;
    uint32_t n = 0;
    for (uint32_t i = 0; i < told->token_count && n < HAWSE_BAL_STABLE_MAX; i++) {
        hawse_market_pool_token_t t;
        memcpy(&t, list + i * sizeof(t), sizeof(t));
        if (i != told->own_token)
            tokens[n++] = (hawse_bal_token_t){t.balance, t.scaling, t.weight};
    }
    return n;
}

static void on_state(struct quote *q, const hawse_market_pool_tokens_t *told)
{
    hawse_bal_token_t tokens[HAWSE_BAL_STABLE_MAX];
    hawse_u256_t in, out, thousand = hawse_u256(1000);
    char in_text[HAWSE_U256_DECIMAL_MAX], out_text[HAWSE_U256_DECIMAL_MAX], line[300];
    uint32_t bal = 0;
    /* the time of the block that the swap is in; the clock is the best guess at the next one's */
    uint64_t now = q->host->now(q->host, HAWSE_CLOCK_UTC) / 1000000000u;
    hawse_bal_pool_t pool = {
        .kind = told->formula,
        .token_count = tokens_of(told, tokens),
        .tokens = tokens,
        .swap_fee = told->swap_fee,
        .amplification = hawse_u256(hawse_bal_amplification(
            told->amp_start, told->amp_end, told->amp_start_time, told->amp_end_time, now))};
    if (pool.token_count < 2 || q->doubt != 0 || (told->flags & HAWSE_POOL_PAUSED) != 0)
        return;
    if (hawse_u256_div(&tokens[0].balance, &thousand, &in, NULL) != HAWSE_OK ||
        hawse_bal_swap(&pool, 0, 1, &in, 0, &out, &bal) != HAWSE_OK) {
        (void)snprintf(line, sizeof(line), "no quote: the Vault would say BAL#%u", bal);
    } else {
        (void)hawse_u256_decimal(&in, in_text);
        (void)hawse_u256_decimal(&out, out_text);
        (void)snprintf(line, sizeof(line), "block %llu: %s of the first token buy %s of the second",
                       (unsigned long long)told->origin.block_number, in_text, out_text);
    }
    hawse_log(q->host, q->self, HAWSE_LOG_INFO, line);
}

/* After HEALED all of it was told; after UNHEALABLE the venue tells its pools anew. A gap of our
 * own queue costs nothing: the newest state is whole. */
static void on_continuity(struct quote *q, const hawse_event_t *event)
{
    uint32_t bit = 1u << (event->stream & 31u);
    if (event->flags & HAWSE_EVENT_LOCAL)
        return;
    if (event->kind == HAWSE_STREAM_EVENT_GAP)
        q->doubt |= bit;
    else if (event->kind == HAWSE_STREAM_EVENT_HEALED ||
             event->kind == HAWSE_STREAM_EVENT_UNHEALABLE)
        q->doubt &= ~bit;
}

static int32_t on_events(void *state, const hawse_event_t *const *events, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (events[i]->space == HAWSE_SPACE_STREAM)
            on_continuity(state, events[i]);
        else if (events[i]->space == HAWSE_SPACE_MARKET)
            on_state(state, (const void *)events[i]->data);
    }
    return (int32_t)n;
}

static int32_t start(void *state)
{
    return state ? HAWSE_OK : HAWSE_E_INVAL;
}

static int32_t stop(void *state, uint64_t deadline_ns)
{
    return state && deadline_ns ? HAWSE_OK : HAWSE_E_INVAL;
}

HAWSE_EXPORT const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host)
{
    static const hawse_plugin_t table = {
        sizeof(table), HAWSE_ABI_MINOR, "org.example.quote", create, start, on_events, stop, free,
        NULL};
    return host ? &table : NULL;
}
