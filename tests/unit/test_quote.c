/*
 * The SDK's example of a quote, as a plugin in the fake host: what it says of a told pool is what
 * the formulas say, and it says nothing of a paused pool or while the chain is in doubt.
 */
#include "fakehost.h"
#include "harness.h"

#include <hawse/amm/balancer.h>
#include <hawse/space/market.h>
#include <hawse/space/stream.h>
#include <hawse/u256.h>
#include <stdio.h>
#include <string.h>

static struct {
    hawse_market_pool_tokens_t head;
    hawse_market_pool_token_t token[3];
} told;
static char said[300];
static uint32_t lines;

static void on_log(void *ctx, uint32_t level, const char *text)
{
    (void)ctx, (void)level;
    (void)snprintf(said, sizeof(said), "%s", text);
    lines++;
}

static struct fakehost *begin(void)
{
    const struct fakehost_outside outside = {.log = on_log};
    struct fakehost *h = fakehost_create(hawse_plugin_v1, "{}", &outside);
    fakehost_start(h);
    told.head = (hawse_market_pool_tokens_t){.size = sizeof(told.head),
                                             .pool_kind = HAWSE_POOL_WEIGHTED,
                                             .formula = HAWSE_BAL_WEIGHTED,
                                             .token_count = 3,
                                             .tokens_offset = sizeof(told.head),
                                             .own_token = 1};
    told.head.origin.block_number = 77;
    told.head.swap_fee = hawse_u256(3000000000000000u);
    for (int i = 0; i < 3; i++) {
        told.token[i].balance = hawse_u256(9000000000000000000u + (uint64_t)i);
        told.token[i].scaling = hawse_u256(1000000000000000000u);
        told.token[i].weight = hawse_u256(500000000000000000u);
    }
    return h;
}

static void tell(struct fakehost *h)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_MARKET,
                           .kind = HAWSE_MARKET_POOL_TOKENS,
                           .data = (const uint8_t *)&told,
                           .len = sizeof(told)};
    fakehost_event(h, &event);
    fakehost_pass(h, 0);
}

static void continuity(struct fakehost *h, uint16_t kind, uint32_t stream)
{
    hawse_stream_range_t range = {.size = sizeof(range)};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_STREAM,
                           .kind = kind,
                           .stream = stream,
                           .data = (const uint8_t *)&range,
                           .len = sizeof(range)};
    fakehost_event(h, &event);
    fakehost_pass(h, 0);
}

TEST(exact, "what it says is what the formulas say of the pool without its own share")
{
    struct fakehost *h = begin();
    hawse_bal_token_t tokens[2];
    for (int i = 0; i < 2; i++)
        tokens[i] = (hawse_bal_token_t){told.token[i * 2].balance, told.token[i * 2].scaling,
                                        told.token[i * 2].weight};
    hawse_bal_pool_t pool = {.kind = HAWSE_BAL_WEIGHTED,
                             .token_count = 2,
                             .tokens = tokens,
                             .swap_fee = told.head.swap_fee};
    hawse_u256_t in = hawse_u256(9000000000000000u), out;
    char text[HAWSE_U256_DECIMAL_MAX], line[300];
    CHECK_EQ(hawse_bal_swap(&pool, 0, 1, &in, 0, &out, NULL), HAWSE_OK);
    (void)hawse_u256_decimal(&out, text);
    (void)snprintf(line, sizeof(line),
                   "block 77: 9000000000000000 of the first token buy %s of the second", text);
    tell(h);
    CHECK_STR(said, line);
    told.token[0].balance = hawse_u256(1); /* a thousandth of it is nothing: nothing is bought */
    tell(h);
    CHECK_EQ(lines, 2);
    fakehost_destroy(h);
}

TEST(silent, "of a paused pool, and while the chain is in doubt, it says nothing")
{
    struct fakehost *h = begin();
    told.head.flags = HAWSE_POOL_PAUSED;
    tell(h);
    CHECK_EQ(lines, 0);
    told.head.flags = 0;
    continuity(h, HAWSE_STREAM_EVENT_GAP, 1);
    continuity(h, HAWSE_STREAM_EVENT_GAP, 2);
    tell(h);
    continuity(h, HAWSE_STREAM_EVENT_HEALED, 1);
    tell(h);
    CHECK_EQ(lines, 0);
    continuity(h, HAWSE_STREAM_EVENT_HEALED, 2);
    tell(h);
    CHECK_EQ(lines, 1);
    fakehost_destroy(h);
}
