/*
 * The whole Polymarket plugin on any bytes, twice: left alone, and exchanged by another instance
 * after every step (hawse.state/1). Both have to do the same. polymarket_world.h says what the
 * steps are.
 */
#include "polymarket_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    uint64_t trace[2];
    for (int i = 0; i < 2; i++) {
        void *state = world_begin(plugin, i == 1);
        world_end(plugin, world_run(plugin, state, data, size));
        trace[i] = world.trace;
    }
    if (trace[0] != trace[1])
        abort();
    return 0;
}
