/*
 * Saved pools of Balancer: what the venue has saved is taken, and a pool whose counts or indexes
 * would lead beyond its tokens is refused, whatever question it is at.
 */
#include "../../plugins/venues/balancer/balancer.h"
#include "harness.h"
#include "quiethost.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

static const char settings[] =
    "{\"pools\":[{\"id\":\"0x49cdeb36a3a18284a8d93dc5efc753e82ed0882e000200000000000000000000\","
    "\"kind\":\"stable\"}]}";

static struct quiethost world;

static struct pool *begin(struct balancer **b)
{
    void *state = NULL;
    quiethost_init(&world, 1000000000u);
    const hawse_plugin_t *plugin = hawse_plugin_v1(&world.host);
    CHECK_EQ(plugin->create(&world.host, 1, hawse_text(settings), &state), HAWSE_OK);
    CHECK_EQ(plugin->start(state), HAWSE_OK);
    *b = state;
    CHECK_EQ((*b)->base.pool_count, 1);
    struct pool *p = (struct pool *)(*b)->base.pools[0];
    p->token_count = 3;
    p->own_token = 2;
    p->rated_count = 2;
    p->rated[1] = 1;
    p->stale_count = 1;
    p->expires = 5000;
    p->base.phase = POOL_READING;
    p->base.ask = ASK_RATE;
    p->base.ask_item = 0;
    p->base.request = 7;
    return p;
}

/* What restore says to what was saved. */
static int32_t hand_over(struct balancer *b)
{
    static uint8_t bytes[1 << 16];
    const hawse_plugin_t *plugin = hawse_plugin_v1(&world.host);
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    uint64_t len = 0;
    void *made = NULL;
    CHECK_EQ(i->save(b, bytes, sizeof(bytes), &len), HAWSE_OK);
    int32_t code =
        i->restore(&world.host, 1, hawse_text(settings), (hawse_view_t){bytes, len}, &made);
    if (code == HAWSE_OK) {
        const struct pool *was = (const struct pool *)b->base.pools[0];
        const struct pool *is = (const struct pool *)((struct balancer *)made)->base.pools[0];
        CHECK_MEM(&is->base + 1, &was->base + 1, sizeof(*was) - sizeof(was->base));
        CHECK_MEM(is->base.state, was->base.state, sizeof(struct pool_state));
        CHECK_EQ(is->base.ask_item, was->base.ask_item);
        plugin->destroy(made);
    }
    plugin->destroy(b);
    return code;
}

TEST(taken, "a pool that is being read goes over with its tokens, rates and the question under way")
{
    struct balancer *b;
    struct pool *p = begin(&b);
    ((struct pool_state *)p->base.state)->balance[1] = hawse_u256(12345);
    CHECK_EQ(hand_over(b), HAWSE_OK);
}

#define REFUSED(id, sentence, change)           \
    TEST(id, sentence)                          \
    {                                           \
        struct balancer *b;                     \
        struct pool *p = begin(&b);             \
        change;                                 \
        CHECK_EQ(hand_over(b), HAWSE_E_FORMAT); \
    }

REFUSED(tokens, "more tokens than a pool can have are refused", p->token_count = TOKENS_MAX + 1)
REFUSED(rated, "more rates than tokens are refused", p->rated_count = 4)
REFUSED(stale, "more stale rates than rates are refused", p->stale_count = 3)
REFUSED(rated_index, "a rate of a token that there is not is refused", p->rated[1] = TOKENS_MAX)
REFUSED(stale_index, "a stale rate of a token that there is not is refused", p->stale[0] = 200)
REFUSED(own, "an own token that there is not is refused", p->own_token = TOKENS_MAX)
REFUSED(kind, "formulas that there are not are refused", p->kind = HAWSE_BAL_STABLE_2021 + 1)
REFUSED(decimals, "a token of 19 decimals is refused", p->token[0].base.decimals = 19)
REFUSED(symbol, "a symbol without an end is refused",
        memset(p->token[1].base.symbol, 'x', VENUE_SYMBOL))
REFUSED(item, "an answer to a question that is not asked of the pool is refused",
        p->base.ask_item = 1)
REFUSED(cache, "stale rates of answers that have not come are refused",
        (p->base.ask = ASK_CACHE, p->base.ask_item = 1, p->stale_count = 2))
REFUSED(flag, "a flag that is neither true nor false is refused", memset(&p->moving, 2, 1))
