/*
 * A saved state of a venue of pools, of any bytes: it is refused, or taken, and then it saves what
 * it took to the byte, lives on with a block, and ends. The numbers of its head that are compared
 * with this build's own are made right first, else nothing behind them would ever be read. The
 * venue's header, with its struct pool, pool_state and record, is included before.
 */
#ifndef HAWSE_TESTS_FUZZ_VENUE_STATE_H
#define HAWSE_TESTS_FUZZ_VENUE_STATE_H

#include "quiethost.h"

#include <stdlib.h>
#include <string.h>

/* The beginning of what the venue saves. */
struct head {
    uint32_t format, flags;
    uint64_t len;
    uint32_t state_size, pool_size, record_size, pool_count, lookups;
};

static void live(const hawse_plugin_t *plugin, void *state)
{
    hawse_evm_block_t block = {.size = sizeof(block), .number = 7};
    hawse_event_t event = {.size = sizeof(event),
                           .space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_BLOCK,
                           .data = (const uint8_t *)&block,
                           .len = sizeof(block)};
    const hawse_event_t *one = &event;
    for (int i = 0; i < 2; i++) {
        event.flags = i ? HAWSE_EVENT_REMOVED : 0;
        if (plugin->on_events(state, &one, 1) > 1)
            abort();
    }
}

static void same_again(const hawse_state_interface_t *i, void *state, const uint8_t *bytes,
                       size_t size)
{
    uint8_t *out = malloc(HAWSE_STATE_MAX);
    uint64_t len = 0;
    if (!out || i->save(state, out, HAWSE_STATE_MAX, &len) != HAWSE_OK || len != size ||
        memcmp(out, bytes, sizeof(struct head)) != 0)
        abort();
    free(out);
}

static void fuzz_venue_state(const char *settings, const uint8_t *data, size_t size)
{
    static struct quiethost world;
    const hawse_host_t *host = &world.host;
    quiethost_init(&world, 1000000000u);
    const hawse_plugin_t *plugin = hawse_plugin_v1(host);
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    struct head head;
    void *state = NULL;
    uint8_t *bytes = malloc(size + 1);
    memcpy(bytes, data, size);
    if (size >= sizeof(head)) {
        memcpy(&head, bytes, sizeof(head));
        head.format = 1;
        head.flags &= 7u;
        head.len = size;
        head.state_size = sizeof(struct pool_state);
        head.pool_size = (uint32_t)(sizeof(struct pool) - sizeof(struct venue_pool));
        head.record_size = sizeof(union record);
        head.lookups = 0;
        memcpy(bytes, &head, sizeof(head));
    }
    if (i->restore(host, 1, hawse_text(settings), (hawse_view_t){bytes, size}, &state) ==
        HAWSE_OK) {
        same_again(i, state, bytes, size);
        live(plugin, state);
        plugin->destroy(state);
    }
    free(bytes);
}

#endif
