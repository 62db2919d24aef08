/*
 * A saved state of the futarchy strategy. The input is a list of changes, each a place and a byte,
 * of what an instance saves that has every field set: it is refused, or taken, and then it saves as
 * much again, lives on with a block and answers to all that it may ask, and ends.
 */
#include "futarchy_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t bytes[HAWSE_STATE_MAX], again[HAWSE_STATE_MAX];

static void give(const hawse_plugin_t *plugin, void *state, uint16_t space, uint16_t kind,
                 const void *record, uint64_t len)
{
    hawse_event_t event = {.size = sizeof(event),
                           .space = space,
                           .kind = kind,
                           .data = (const uint8_t *)record,
                           .len = len};
    const hawse_event_t *one = &event;
    if (plugin->on_events(state, &one, 1) != 1)
        abort();
}

static void live(const hawse_plugin_t *plugin, void *state)
{
    static const char word[] =
        "\"0x0000000000000000000000000000000000000000000000000000000000000001\"";
    struct {
        hawse_host_rpc_done_t done;
        char body[sizeof(word) + HAWSE_PADDING];
    } answer;
    const hawse_evm_block_t block = {.size = sizeof(block), .number = 2048, .base_fee_wei = 7};
    give(plugin, state, HAWSE_SPACE_EVM, HAWSE_EVM_BLOCK, &block, sizeof(block));
    for (uint32_t i = 0; i < ASKS * ASK_ITEMS; i++) {
        const struct question *q = &((struct arb *)state)->ask[i / ASK_ITEMS][i % ASK_ITEMS];
        memset(&answer, 0, sizeof(answer));
        answer.done = (hawse_host_rpc_done_t){.size = sizeof(answer.done),
                                              .request = q->request,
                                              .tag = (uint64_t)(i / ASK_ITEMS) << 8 | i % ASK_ITEMS,
                                              .body_len = sizeof(word) - 1};
        memcpy(answer.body, word, sizeof(word));
        give(plugin, state, HAWSE_SPACE_HOST, HAWSE_HOST_RPC_DONE, &answer, sizeof(answer));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    quiethost_init(&futarchy_host, 1000000000u);
    const hawse_plugin_t *plugin = hawse_plugin_v1(&futarchy_host.host);
    const hawse_state_interface_t *i = plugin->query(HAWSE_STATE_ID);
    struct arb *a = futarchy_begin(plugin);
    uint64_t len = 0, second = 0;
    void *made = NULL;
    futarchy_fill(a);
    /* what it would cancel or ask for is no intent of this host */
    a->trade.open = a->trade.refused = a->carried.waits = false;
    if (i->save(a, bytes, sizeof(bytes), &len) != HAWSE_OK)
        abort();
    plugin->destroy(a);
    for (size_t at = 0; at + 3 <= size; at += 3)
        bytes[4 + ((uint64_t)data[at] << 8 | data[at + 1]) % (len - 4)] = data[at + 2];
    if (i->restore(&futarchy_host.host, 1, hawse_text(futarchy_settings),
                   (hawse_view_t){bytes, len}, &made) != HAWSE_OK)
        return 0;
    a = made;
    if (i->save(a, again, sizeof(again), &second) != HAWSE_OK || second != len)
        abort();
    a->stored_waits = true; /* so that nothing is decided or asked: this host has no intents */
    a->carried.waits = false;
    live(plugin, a);
    plugin->destroy(a);
    return 0;
}
