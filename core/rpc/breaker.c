/* The circuit breaker; see breaker.h. */
#include "rpc/breaker.h"

enum { IN_A_ROW = 5, ENOUGH = 20, CLOSES = 3 };

static const uint64_t SECOND = 1000000000u;

static void count(struct breaker *b, uint64_t now, bool good)
{
    uint64_t second = now / SECOND;
    uint64_t slot = second % BREAKER_SECONDS;
    if (b->past[slot].second != second) {
        b->past[slot].second = second;
        b->past[slot].good = b->past[slot].bad = 0;
    }
    if (good)
        b->past[slot].good++;
    else
        b->past[slot].bad++;
}

static void sum(const struct breaker *b, uint64_t now, uint64_t *good, uint64_t *bad)
{
    uint64_t second = now / SECOND;
    *good = *bad = 0;
    for (unsigned i = 0; i < BREAKER_SECONDS; i++) {
        if (b->past[i].second + BREAKER_SECONDS <= second)
            continue;
        *good += b->past[i].good;
        *bad += b->past[i].bad;
    }
}

uint32_t breaker_errors(const struct breaker *b, uint64_t now)
{
    uint64_t good, bad;
    sum(b, now, &good, &bad);
    return good + bad == 0 ? 0 : (uint32_t)(bad * 1000 / (good + bad));
}

static void open_for(struct breaker *b, uint64_t now, uint64_t for_ns)
{
    b->state = BREAKER_OPEN;
    b->until_ns = now + for_ns;
    b->in_a_row = 0;
    b->probing = false;
}

/* Opens it, each time for twice as long. */
static void open_again(struct breaker *b, uint64_t now)
{
    b->open_ns = b->open_ns == 0 ? 10 * SECOND : b->open_ns * 2;
    if (b->open_ns > 300 * SECOND)
        b->open_ns = 300 * SECOND;
    open_for(b, now, b->open_ns);
}

static void close_it(struct breaker *b)
{
    *b = (struct breaker){0}; /* what it did before does not count any more */
}

bool breaker_success(struct breaker *b, uint64_t now)
{
    count(b, now, true);
    b->probing = false;
    if (b->state == BREAKER_CLOSED) {
        b->in_a_row = 0;
        return false;
    }
    if (b->state == BREAKER_OPEN) { /* it was asked all the same: nobody else was left */
        b->state = BREAKER_HALF_OPEN;
        b->in_a_row = 0;
    }
    if (++b->in_a_row < CLOSES)
        return false;
    close_it(b);
    return true;
}

bool breaker_failure(struct breaker *b, uint64_t now)
{
    uint64_t good, bad;
    count(b, now, false);
    b->probing = false;
    if (b->state == BREAKER_OPEN)
        return false; /* a straggler */
    if (b->state == BREAKER_HALF_OPEN) {
        open_again(b, now);
        return true;
    }
    sum(b, now, &good, &bad);
    b->in_a_row++;
    if (b->in_a_row < IN_A_ROW && (good + bad < ENOUGH || bad * 2 < good + bad))
        return false;
    open_again(b, now);
    return true;
}

bool breaker_probe(struct breaker *b, uint64_t now)
{
    if (b->state == BREAKER_OPEN && now >= b->until_ns) {
        b->state = BREAKER_HALF_OPEN;
        b->in_a_row = 0;
    }
    if (b->state != BREAKER_HALF_OPEN || b->probing)
        return false;
    b->probing = true;
    return true;
}

void breaker_forget(struct breaker *b)
{
    b->probing = false;
}
