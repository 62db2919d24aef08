/*
 * The whole Solana plugin on any bytes: frames, answers to whatever it asked, refusals, closed
 * connections, time, and what readers ask for. The input is a list of steps: a kind, a length of
 * two bytes, bytes. The host does nothing (quiethost.h).
 */
#include "../../plugins/chains/solana/plugin.h"
#include "quiethost.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host);

enum { STEP_FRAME, STEP_ANSWER, STEP_REFUSE, STEP_CLOSE, STEP_TIME, STEP_DEMAND, STEP_DROP, STEPS };

static struct quiethost world;
static void *state;

static void give(uint16_t kind, const void *data, uint64_t len)
{
    const hawse_event_t event = {
        .size = sizeof(event), .space = HAWSE_SPACE_HOST, .kind = kind, .data = data, .len = len};
    const hawse_event_t *list[] = {&event};
    world.now += 10 * SOL_MS;
    if (hawse_plugin_v1(&world.host)->on_events(state, list, 1) != 1)
        abort();
}

/* A record and bytes behind it, in a block of their own: what is read beyond them is seen. */
static void give_with(uint16_t kind, const void *record, uint64_t record_len, const uint8_t *data,
                      uint64_t len)
{
    uint8_t *block = calloc(1, record_len + len + HAWSE_PADDING);
    if (!block)
        return;
    if (record_len > 0)
        memcpy(block, record, record_len);
    if (len > 0)
        memcpy(block + record_len, data, len);
    give(kind, block, record_len + len);
    free(block);
}

static void open_or_close(uint32_t to)
{
    hawse_host_stream_state_t record = {.size = sizeof(record), .state = to, .stream = 1};
    give(HAWSE_HOST_STREAM_STATE, &record, sizeof(record));
}

static void answer(int32_t status, const uint8_t *data, uint64_t len)
{
    hawse_host_rpc_done_t done = {.size = sizeof(done),
                                  .status = status,
                                  .request = world.request,
                                  .tag = world.tag,
                                  .rpc_code = len > 0 ? -32000 - data[0] : 0,
                                  .body_len = len};
    give_with(HAWSE_HOST_RPC_DONE, &done, sizeof(done), data, len);
}

static void demand(uint32_t change, const uint8_t *data, uint64_t len)
{
    hawse_host_demand_t record = {.size = sizeof(record),
                                  .change = change,
                                  .sub = len > 0 ? data[0] : 0,
                                  .space = HAWSE_SPACE_SOLANA,
                                  .filter_len = (uint32_t)len};
    give_with(HAWSE_HOST_DEMAND, &record, sizeof(record), data, len);
}

static void step(uint8_t kind, const uint8_t *data, uint64_t len)
{
    switch (kind % STEPS) {
    case STEP_FRAME:
        give_with(HAWSE_HOST_FRAME, NULL, 0, data, len);
        break;
    case STEP_ANSWER:
        answer(HAWSE_OK, data, len);
        break;
    case STEP_REFUSE:
        answer(len > 1 ? -(data[1] % 20) : HAWSE_E_IO, data, len);
        break;
    case STEP_CLOSE:
        open_or_close(HAWSE_STREAM_CLOSED);
        open_or_close(HAWSE_STREAM_OPEN);
        break;
    case STEP_TIME:
        world.now += len * 100 * SOL_MS;
        give(HAWSE_HOST_TIMER, NULL, 0);
        break;
    default:
        demand(kind % STEPS == STEP_DEMAND ? HAWSE_DEMAND_ADD : HAWSE_DEMAND_DROP, data, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char settings[] =
        "{\"accounts\":[\"So11111111111111111111111111111111111111112\"],\"programs\":["
        "\"11111111111111111111111111111111\"],\"logs\":["
        "\"So11111111111111111111111111111111111111112\"],\"commitment\":\"processed\","
        "\"max_accounts\":64,\"window\":64,\"copy_bytes\":65536,\"requests_per_second\":10000}";
    const hawse_plugin_t *plugin;
    hawse_view_t config = {(const uint8_t *)settings, sizeof(settings) - 1};
    quiethost_init(&world, 1000000000u);
    plugin = hawse_plugin_v1(&world.host);
    if (plugin->create(&world.host, 1, config, &state) != HAWSE_OK ||
        plugin->start(state) != HAWSE_OK)
        abort();
    open_or_close(HAWSE_STREAM_OPEN);
    while (size >= 3) {
        uint64_t len = (uint64_t)data[1] | (uint64_t)data[2] << 8;
        uint8_t kind = data[0];
        data += 3;
        size -= 3;
        len = len < size ? len : size;
        step(kind, data, len);
        data += len;
        size -= len;
    }
    plugin->destroy(state);
    return 0;
}
