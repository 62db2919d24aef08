/* GCRA; see limit.h. */
#include "rpc/limit.h"

enum { WHOLE = 1000, LEAST = 60, STEP = 100 };

static const uint64_t SECOND = 1000000000u, MARGIN = 50000000u;

void limit_init(struct limit *l, uint32_t per_second)
{
    *l = (struct limit){0};
    l->spacing_ns = per_second ? (SECOND + MARGIN + per_second - 1) / per_second : 0;
}

uint32_t limit_share(const struct limit *l, uint64_t now)
{
    if (l->slow_ns == 0 || now < l->slow_ns)
        return l->slow_ns == 0 ? WHOLE : l->slow_share;
    uint64_t since = now - l->slow_ns;
    uint64_t steps = since < 60 * SECOND ? 0 : (since - 60 * SECOND) / (10 * SECOND) + 1;
    uint64_t share = steps > WHOLE / STEP ? WHOLE : l->slow_share + steps * STEP;
    return share < WHOLE ? (uint32_t)share : WHOLE;
}

/* Of `cost` units at the rate that holds now, rounded up. */
static uint64_t spacing(const struct limit *l, uint64_t now, uint64_t cost)
{
    uint32_t share = limit_share(l, now);
    return (l->spacing_ns * cost * WHOLE + share - 1) / share;
}

uint64_t limit_at(const struct limit *l, uint64_t now, uint32_t cost, bool send)
{
    uint64_t from = send || l->reads_ns < l->next_ns ? l->next_ns : l->reads_ns;
    if (cost > 1 && from > 0)
        from += spacing(l, now, cost - 1);
    return from > now ? from : now;
}

void limit_take(struct limit *l, uint64_t now, uint32_t cost, bool send)
{
    uint64_t units = spacing(l, now, cost > 0 ? cost : 1);
    l->next_ns = now + units;
    if (!send)
        l->reads_ns = now + (units * 5 + 3) / 4;
}

void limit_left(struct limit *l, uint64_t now, uint32_t cost, bool send)
{
    uint64_t units = spacing(l, now, cost > 0 ? cost : 1), reads = now + (units * 5 + 3) / 4;
    if (l->next_ns < now + units)
        l->next_ns = now + units;
    if (!send && l->reads_ns < reads)
        l->reads_ns = reads;
}

void limit_pause(struct limit *l, uint64_t now, uint64_t pause_ns)
{
    uint32_t share = limit_share(l, now) / 2;
    if (l->next_ns < now + pause_ns)
        l->next_ns = now + pause_ns;
    if (l->slow_ns > 0 && now < l->slow_ns + SECOND) /* answers to what left before: one cut */
        return;
    l->slow_share = share > LEAST ? share : LEAST;
    l->slow_ns = now > 0 ? now : 1;
}
