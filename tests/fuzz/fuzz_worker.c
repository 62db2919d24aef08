/* Anything in what a worker shares with the host: a call is refused, or all of it can be used. */
#include "worker/hear.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct link_control link;
    static uint8_t said[LINK_SAID_BYTES];
    struct hearing hearing = {NULL, 0};
    struct record_call call;
    uint64_t sum = 0;
    memset(&link.call, 0, sizeof(link.call));
    if (size > 0)
        memcpy(&link.call, data, size < sizeof(link.call) ? size : sizeof(link.call));
    for (int round = 0; round < 2; round++) {
        if (!hear_call(&hearing, &link, said, &call))
            continue;
        if (call.arg_count > RECORD_ARGS || call.view_count > RECORD_VIEWS)
            abort();
        for (uint32_t i = 0; i < call.view_count; i++) {
            if (!call.views[i].data && call.views[i].len > 0)
                abort();
            for (uint64_t b = 0; b < call.views[i].len; b += 512)
                sum += call.views[i].data[b];
            if (call.views[i].len > 0)
                sum += call.views[i].data[call.views[i].len - 1];
        }
        link.call.views[0].len /= 2; /* and a smaller one in the same room */
    }
    hear_finish(&hearing);
    return sum == 1; /* never: what is said is zeroes */
}
