/*
 * The futarchy strategy handed over to another build of itself: all that it knows goes over, the
 * trade under way with it, and what no build of ours has saved is refused.
 */
#include "futarchy_world.h"
#include "harness.h"

static uint8_t bytes[HAWSE_STATE_MAX], again[HAWSE_STATE_MAX];

static const hawse_plugin_t *begin(struct arb **a)
{
    quiethost_init(&futarchy_host, 1000000000u);
    const hawse_plugin_t *plugin = hawse_plugin_v1(&futarchy_host.host);
    *a = futarchy_begin(plugin);
    futarchy_fill(*a);
    return plugin;
}

static uint64_t save(const hawse_plugin_t *plugin, struct arb *a, uint8_t *out)
{
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    uint64_t len = 0;
    CHECK_EQ(i->save(a, out, HAWSE_STATE_MAX, &len), HAWSE_OK);
    return len;
}

/* The instance, or NULL: it was refused. */
static struct arb *restore(const hawse_plugin_t *plugin, const char *settings, uint64_t len)
{
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    uint8_t *exact = malloc(len + 1); /* so that sanitizers see its end */
    void *made = NULL;
    memcpy(exact, bytes, len);
    int32_t code =
        i->restore(&futarchy_host.host, 1, hawse_text(settings), (hawse_view_t){exact, len}, &made);
    free(exact);
    CHECK_EQ(code, made ? HAWSE_OK : HAWSE_E_FORMAT);
    return made;
}

TEST(round, "what was restored saves the very bytes that it was made of")
{
    struct arb *a;
    const hawse_plugin_t *plugin = begin(&a);
    uint64_t len = save(plugin, a, bytes);
    struct arb *made = restore(plugin, futarchy_settings, len);
    CHECK(made != NULL);
    CHECK_EQ_U64(save(plugin, made, again), len);
    CHECK_MEM(again, bytes, len);
    plugin->destroy(made);
    plugin->destroy(a);
}

TEST(whole, "the trade under way, the control and the market as quotes want it are there again")
{
    struct arb *a;
    const hawse_plugin_t *plugin = begin(&a);
    struct arb *made = restore(plugin, futarchy_settings, save(plugin, a, bytes));
    CHECK(made != NULL);
    CHECK_MEM(&made->control, &a->control, sizeof(a->control));
    CHECK_MEM(&made->stored_control, &a->stored_control, sizeof(a->control));
    CHECK_MEM(made->stranded, a->stranded, sizeof(a->stranded));
    CHECK_MEM(&made->trade.flow, &a->trade.flow, sizeof(a->trade.flow));
    CHECK_EQ_U64(made->trade.run, a->trade.run);
    CHECK_MEM(&made->ended, &a->ended, sizeof(a->ended));
    CHECK_MEM(&made->stored_ended, &a->stored_ended, sizeof(a->stored_ended));
    CHECK(made->carried.waits && made->carried.asked && made->carried.trade.fell_back);
    CHECK_EQ_U64(made->carried.trade.number, a->carried.trade.number);
    CHECK_EQ_U64(made->carried.trade.orders, a->carried.trade.orders);
    CHECK_MEM(made->trade.hash, a->trade.hash, sizeof(a->trade.hash));
    CHECK_MEM(made->ask[ASK_RECEIPT], a->ask[ASK_RECEIPT], sizeof(a->ask[ASK_RECEIPT]));
    CHECK_EQ(made->asking, a->asking);
    CHECK_EQ_U64(made->run, a->run);
    CHECK(made->market.leg[POOL_NO].there); /* ticks that add up to the pool's liquidity */
    CHECK(!made->market.leg[POOL_YES].there);
    CHECK(made->market.leg[POOL_NO].pool.ticks == made->leg[POOL_NO].ticks.tick);
    CHECK(made->market.spot.pool.tokens == made->tokens);
    CHECK(made->audit.facts.code == made->audit.code);
    plugin->destroy(made);
    plugin->destroy(a);
}

TEST(refused, "a state that is cut short, of another format or of another proposal is refused")
{
    struct arb *a;
    const hawse_plugin_t *plugin = begin(&a);
    uint64_t len = save(plugin, a, bytes);
    plugin->destroy(a);
    for (uint64_t n = 0; n < len; n += n < 600 ? 1 : 211)
        CHECK(restore(plugin, futarchy_settings, n) == NULL);
    CHECK(restore(plugin, futarchy_settings, len + 1) == NULL);
    CHECK(restore(plugin, FUTARCHY_SETTINGS("0x2222222222222222222222222222222222222223"), len) ==
          NULL);
    bytes[0]++;
    CHECK(restore(plugin, futarchy_settings, len) == NULL);
}

TEST(kept, "what the host kept does not replace the trade under way that was handed over")
{
    struct arb *a;
    const hawse_plugin_t *plugin = begin(&a);
    a->carried.waits = false;
    a->carried.trade.number++;
    struct arb *made = restore(plugin, futarchy_settings, save(plugin, a, bytes));
    const hawse_host_kept_t last = {.size = sizeof(last), .flags = HAWSE_KEPT_LAST};
    const hawse_event_t event = {.size = sizeof(event),
                                 .space = HAWSE_SPACE_HOST,
                                 .kind = HAWSE_HOST_KEPT,
                                 .data = (const uint8_t *)&last,
                                 .len = sizeof(last)};
    CHECK(made != NULL);
    stored_event(made, &event);
    CHECK(!made->carried.waits);
    CHECK_EQ_U64(made->trade.number, a->trade.number);
    CHECK_EQ_U64(made->trade.handle, a->trade.handle);
    plugin->destroy(made);
    plugin->destroy(a);
}

#define REFUSED(id, sentence, change)                                              \
    TEST(id, sentence)                                                             \
    {                                                                              \
        struct arb *a;                                                             \
        const hawse_plugin_t *plugin = begin(&a);                                  \
        change;                                                                    \
        CHECK(restore(plugin, futarchy_settings, save(plugin, a, bytes)) == NULL); \
        plugin->destroy(a);                                                        \
    }

REFUSED(pool, "a pool that is not told is refused", a->leg[0].pool = 2)
REFUSED(ticks, "ticks that are not in order are refused", a->leg[POOL_NO].ticks.tick[1].tick = -10)
REFUSED(nowhere, "ticks that are asked of no pool are refused", a->ask[ASK_TICKS][0].wanted = true)
REFUSED(spot, "a spot token beyond those of the pool is refused", a->market.spot.company = 2)
REFUSED(legs, "more transactions than a sequence has are refused", a->trade.legs = ARB_LEGS + 1)
REFUSED(undone, "a refusal that was not counted is refused", a->refusals = 0)
REFUSED(control, "a step that no ladder has is refused", a->control.step = CONTROL_AMOUNTS)
REFUSED(carried, "another trade of the run before than the one under way is refused",
        a->carried.trade.number++)
REFUSED(verb, "a verb under way on a host without verbs is refused", a->audit.what = AUDIT_LIST)
REFUSED(question, "an answer to a verb's question that there is not is refused",
        a->audit.next = AUDIT_QUESTIONS + 1)
REFUSED(bloom, "a bit that no filter has is refused", a->whole.pool[0].bit[1] = 2048)
