/* Initialised ticks; see ticks.h. */
#include "ticks.h"

#include <hawse/amm/tick.h>
#include <hawse/u256.h>
#include <string.h>

void ticks_clear(struct ticks *t)
{
    t->count = 0;
    t->lost = 0;
}

/* Where `tick` stands, or would. */
static uint32_t place_of(const struct ticks *t, int32_t tick)
{
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (t->tick[middle].tick < tick)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t add_one(struct ticks *t, int32_t tick, const hawse_u256_t *delta)
{
    uint32_t at = place_of(t, tick);
    hawse_clmm_tick_t *p = &t->tick[at];
    if (at == t->count || p->tick != tick) {
        if (t->count == TICKS_MAX)
            return HAWSE_E_LIMIT;
        memmove(p + 1, p, (t->count - at) * sizeof(*p));
        *p = (hawse_clmm_tick_t){.tick = tick};
        t->count++;
    }
    (void)hawse_u256_add(&p->liquidity_net, delta, &p->liquidity_net);
    if (hawse_u256_is_zero(&p->liquidity_net)) {
        t->count--;
        memmove(p, p + 1, (t->count - at) * sizeof(*p));
    }
    return HAWSE_OK;
}

int32_t ticks_add(struct ticks *t, int32_t lower, int32_t upper, const hawse_u256_t *delta)
{
    hawse_u256_t minus;
    int32_t code = HAWSE_E_INVAL;
    hawse_i256_negate(delta, &minus);
    if (lower < upper && lower >= HAWSE_TICK_MIN && upper <= HAWSE_TICK_MAX) {
        code = hawse_u256_is_zero(delta) ? HAWSE_OK : add_one(t, lower, delta);
        if (code == HAWSE_OK && !hawse_u256_is_zero(delta))
            code = add_one(t, upper, &minus);
    }
    if (code != HAWSE_OK)
        t->lost = 1;
    return code;
}

int32_t ticks_match(const struct ticks *t, int32_t tick, const hawse_u256_t *liquidity)
{
    hawse_u256_t sum = {{0, 0, 0, 0}};
    for (uint32_t i = 0; i < t->count && t->tick[i].tick <= tick; i++)
        (void)hawse_u256_add(&sum, &t->tick[i].liquidity_net, &sum);
    return !t->lost && hawse_u256_compare(&sum, liquidity) == 0;
}
