/*
 * A saved state of the Polymarket venue, of any bytes: it is refused, or taken, and then it saves
 * as much as it took, lives on, and ends. The numbers of its head that are compared are made right
 * first, else nothing behind them would ever be read. Empty, it is what the plugin saves after its
 * start.
 */
#include "polymarket_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void live(const hawse_plugin_t *plugin, void *state)
{
    static const char frame[] =
        "[{\"market\":\"0x5f65177b394277fd294cd75650044e32ba009a95022d88a0c1d565897d72f8f1\","
        "\"asset_id\":\"1\",\"timestamp\":\"1780449126930\",\"hash\":\"\",\"bids\":[],\"asks\":[],"
        "\"event_type\":\"book\"}]";
    for (uint8_t kind = 0; kind < 2 * STEPS; kind++) {
        world.now += 700 * MS_NS;
        step(plugin, state, kind, (const uint8_t *)frame, sizeof(frame) - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[HAWSE_STATE_MAX];
    const hawse_plugin_t *plugin = hawse_plugin_v1(&host);
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    const uint32_t format = 1;
    const uint64_t whole = size;
    uint64_t len = 0;
    void *state = world_begin(plugin, false), *made = NULL;
    uint8_t *bytes = malloc(size + 1);
    plugin->destroy(state);
    memcpy(bytes, data, size);
    if (size >= 16) {
        memcpy(bytes, &format, sizeof(format));
        memcpy(bytes + 8, &whole, sizeof(whole));
    }
    world.changes_nothing = true;
    int32_t code =
        i->restore(&host, 1, hawse_text(world_settings), (hawse_view_t){bytes, size}, &made);
    free(bytes); /* it was lent */
    if (code == HAWSE_OK) {
        if (i->save(made, again, sizeof(again), &len) != HAWSE_OK || len > size)
            abort();
        world.changes_nothing = false;
        live(plugin, made);
        world_end(plugin, made);
    }
    return 0;
}
