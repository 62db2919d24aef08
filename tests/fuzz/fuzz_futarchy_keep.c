/*
 * What the futarchy strategy reads back of the journal at a start. Whatever is taken writes the
 * same bytes again, and is a state that the control can go on from.
 */
#include "../../plugins/strategies/futarchy-arb/keep.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static void go_on(struct control *c)
{
    struct control_rules rules = {.enabled = true,
                                  .bundle_enabled = true,
                                  .stage = STAGE_PROGRESSIVE,
                                  .ladder_count = 5,
                                  .daily_count = 4,
                                  .ladder_passes = 1,
                                  .breaker_failures = 3,
                                  .breaker_successes = 10,
                                  .rollback_ppm = 200000,
                                  .sequential_gas = 1000};
    struct control_outcome out = {.succeeded = true, .counts = true, .gas_used = 1};
    for (uint64_t day = 0; day < 24; day++) {
        struct control_order order;
        rules.stage = day % 2 ? STAGE_PROGRESSIVE : STAGE_CANARY;
        out.succeeded = day % 3 != 0;
        (void)control_next(&rules, c, day * 86400000000000u, &order, NULL);
        control_begun(c, &order);
        (void)control_ended(&rules, c, &order, &out, order.at_ns);
    }
    require(c->window_count <= CONTROL_WINDOW && c->window_next < CONTROL_WINDOW);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t again[KEEP_MAX];
    struct keep k;
    struct keep_trade t;
    if (keep_trade_read(data, size, &t) == HAWSE_OK)
        require(keep_trade_write(&t, again) == size && memcmp(again, data, size) == 0);
    if (keep_read(data, size, &k) != HAWSE_OK)
        return 0;
    if (data[7] == 2) /* an older format is written as the newest */
        require(keep_write(&k, again) == size && memcmp(again, data, size) == 0);
    go_on(&k.control);
    return 0;
}
