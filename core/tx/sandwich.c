/* Was a trade of ours sandwiched? See sandwich.h. */
#include "tx/sandwich.h"

#include <hawse/u256.h>
#include <string.h>

static bool same_one(const struct sandwich_swap *a, const struct sandwich_swap *b)
{
    static const uint8_t none[20] = {0};
    return memcmp(a->trader, b->trader, 20) == 0 ||
           (memcmp(a->target, b->target, 20) == 0 && memcmp(a->target, none, 20) != 0);
}

/* A router that both of us call says nothing: an attacker's contract is not ours. */
static bool stranger(const struct sandwich_swap *a, const struct sandwich_swap *us)
{
    return memcmp(a->trader, us->trader, 20) != 0 && memcmp(a->target, us->target, 20) != 0;
}

static bool within(uint32_t from, uint32_t to)
{
    return from < to && to - from <= SANDWICH_GAP + 1u;
}

struct sandwich sandwich_look(const struct sandwich_swap *swaps, size_t count, size_t ours,
                              const hawse_u256_t *simulated)
{
    struct sandwich out = {.verdict = SANDWICH_NONE};
    const struct sandwich_swap *us = &swaps[ours];
    if (hawse_u256_compare(&us->got, simulated) >= 0)
        return out;
    (void)hawse_u256_sub(simulated, &us->got, &out.lost);
    for (size_t i = 0; i < count; i++) {
        const struct sandwich_swap *a = &swaps[i];
        if (memcmp(a->pool, us->pool, 20) != 0 || !within(a->tx, us->tx) ||
            a->zero_for_one != us->zero_for_one || !stranger(a, us))
            continue;
        if (out.verdict == SANDWICH_NONE) {
            out.verdict = SANDWICH_RUN;
            out.before = (uint32_t)i;
        }
        for (size_t k = 0; k < count; k++) {
            const struct sandwich_swap *b = &swaps[k];
            if (memcmp(b->pool, us->pool, 20) != 0 || !within(us->tx, b->tx) ||
                b->zero_for_one == us->zero_for_one || !same_one(a, b) || !stranger(b, us))
                continue;
            out.verdict = SANDWICH_FOUND;
            out.before = (uint32_t)i;
            out.after = (uint32_t)k;
            return out;
        }
    }
    return out;
}

void sandwich_add(struct sandwich_count *count, uint64_t block)
{
    count->blocks[count->next] = block;
    count->next = (count->next + 1) % SANDWICH_KEPT;
    count->total++;
}

uint32_t sandwich_lately(const struct sandwich_count *count, uint64_t head, uint64_t window)
{
    uint32_t found = 0;
    for (int i = 0; i < SANDWICH_KEPT; i++) {
        uint64_t block = count->blocks[i];
        found += block != 0 && block <= head && head - block < window;
    }
    return found;
}
