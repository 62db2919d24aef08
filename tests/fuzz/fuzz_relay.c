/*
 * What relays answer: any bytes are read or refused, and what was read stays within its bounds.
 */
#include "tx/relay.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t hash[32];
    bool canceled;
    enum relay_stage stage;
    struct relay_fate f;
    struct relay_call c;
    (void)relay_read_hash(data, size, hash);
    (void)relay_read_cancel(data, size, &canceled);
    if (relay_read_stage(data, size, &stage) == HAWSE_OK)
        require(stage < RELAY_STAGE_COUNT && relay_stage_word(stage) != NULL);
    if (relay_read_call(data, size, &c) == HAWSE_OK)
        require(c.failed <= c.count && strlen(c.reason) < sizeof(c.reason));
    if (relay_read_fate(data, size, &f) == HAWSE_OK)
        require(f.status < RELAY_STATUS_COUNT);
    return 0;
}
