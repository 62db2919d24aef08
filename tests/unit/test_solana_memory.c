/*
 * Every allocation of the Solana plugin fails once, each in a run of its own: creating says
 * NOMEM, everything later goes on, says what it lacked, and nothing leaks. The host of these tests
 * allocates nothing, so that it is always the plugin whose memory is short.
 */
#include "../../plugins/chains/solana/plugin.h"
#include "harness.h"
#include "quiethost.h"

#include <hawse/base58.h>
#include <stdio.h>
#include <string.h>

enum { WATCHES = 40, LISTED = 300, BODY = 256 << 10 };

const hawse_plugin_t *hawse_plugin_v1(const hawse_host_t *host);

static struct quiethost world;

/* ---- what happens to the plugin ---- */

static void give(void *state, uint16_t kind, const void *data, uint64_t len)
{
    const hawse_event_t event = {
        .size = sizeof(event), .space = HAWSE_SPACE_HOST, .kind = kind, .data = data, .len = len};
    const hawse_event_t *list[] = {&event};
    world.now += 50 * SOL_MS;
    CHECK_EQ(hawse_plugin_v1(&world.host)->on_events(state, list, 1), 1);
}

static void frame(void *state, const char *text)
{
    static uint8_t padded[4096 + HAWSE_PADDING];
    memset(padded, 0, sizeof(padded));
    memcpy(padded, text, strlen(text));
    give(state, HAWSE_HOST_FRAME, padded, strlen(text));
}

/* The answer to whatever is asked, when something is. */
static void answer(void *state, const char *body)
{
    static _Alignas(8) uint8_t answer_event[sizeof(hawse_host_rpc_done_t) + BODY + HAWSE_PADDING];
    uint64_t len = strlen(body);
    hawse_host_rpc_done_t done = {.size = sizeof(done),
                                  .request = world.request,
                                  .tag = world.tag,
                                  .http_status = 200,
                                  .body_len = len};
    memset(answer_event, 0, sizeof(answer_event));
    memcpy(answer_event, &done, sizeof(done));
    memcpy(answer_event + sizeof(done), body, len);
    give(state, HAWSE_HOST_RPC_DONE, answer_event, sizeof(done) + len);
}

static void demand(void *state, uint8_t n)
{
    struct {
        hawse_host_demand_t d;
        hawse_solana_filter_t f;
    } record = {.d = {.size = sizeof(record.d),
                      .change = HAWSE_DEMAND_ADD,
                      .sub = n,
                      .space = HAWSE_SPACE_SOLANA,
                      .filter_len = sizeof(record.f)},
                .f = {.size = sizeof(record.f),
                      .watch = HAWSE_SOLANA_WATCH_LOGS,
                      .commitment = HAWSE_SOLANA_CONFIRMED,
                      .id = {n, 1}}};
    give(state, HAWSE_HOST_DEMAND, &record, sizeof(record));
}

/* A list of more transactions than the first memory for them holds, with more marks than a frame
 * may have. */
static const char *long_list(void)
{
    static char text[BODY];
    uint64_t at = (uint64_t)snprintf(text, sizeof(text), "[");
    for (uint32_t i = 0; i < LISTED; i++) {
        uint8_t bytes[64] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
        char signature[HAWSE_BASE58_SIGNATURE_TEXT];
        (void)hawse_base58_from_signature(bytes, signature);
        at += (uint64_t)snprintf(text + at, sizeof(text) - at,
                                 "%s{\"signature\":\"%s\",\"slot\":1003,\"err\":null,\"a\":[[[[[[[["
                                 "[[[[[[]]]]]]]]]]]]]]}",
                                 i ? "," : "", signature);
    }
    (void)snprintf(text + at, sizeof(text) - at, "]");
    return text;
}

static void slot(void *state, unsigned n)
{
    char text[256];
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"slotNotification\",\"params\":{\"result\":{"
                   "\"parent\":%u,\"root\":900,\"slot\":%u},\"subscription\":0}}",
                   n - 1, n);
    frame(state, text);
}

/* Many watches, a lost stream, and a long list of what was missed. */
static void live(void *state)
{
    hawse_host_stream_state_t open = {.size = sizeof(open), .state = HAWSE_STREAM_OPEN};
    char text[128];
    give(state, HAWSE_HOST_STREAM_STATE, &open, sizeof(open));
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"result\":%u,\"id\":%u}", i,
                       i + 1);
        frame(state, text);
    }
    for (uint8_t i = 0; i < WATCHES; i++)
        demand(state, i);
    for (unsigned i = 2; i < WATCHES + 4; i++) {
        (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"result\":%u,\"id\":%u}", i,
                       i + 1);
        frame(state, text);
    }
    for (unsigned i = 1001; i < 1006; i++)
        slot(state, i);
    for (int i = 0; i < 6; i++) {
        world.now += 2000 * SOL_MS;
        answer(state, world.tag == ASK_LIST ? long_list() : "1005");
    }
    slot(state, 1006);
}

static int32_t create(void **state)
{
    static const char settings[] =
        "{\"accounts\":[\"So11111111111111111111111111111111111111112\"],\"max_accounts\":64}";
    hawse_view_t config = {(const uint8_t *)settings, sizeof(settings) - 1};
    quiethost_init(&world, 1000 * SOL_MS);
    return hawse_plugin_v1(&world.host)->create(&world.host, 1, config, state);
}

/* ---- the tests ---- */

TEST(memory_create, "creating with any allocation failing says NOMEM and leaves nothing behind")
{
    uint32_t failed = 0;
    for (uint64_t n = 1;; n++) {
        void *state = NULL;
        int64_t before = test_alloc_live();
        test_alloc_fail_after(test_alloc_hooks() ? n : 0);
        int32_t code = create(&state);
        test_alloc_fail_after(0);
        if (code == HAWSE_OK) {
            hawse_plugin_v1(&world.host)->destroy(state);
            CHECK_EQ(test_alloc_live(), before);
            break;
        }
        CHECK_EQ(code, HAWSE_E_NOMEM);
        CHECK_EQ(test_alloc_live(), before);
        failed++;
    }
    CHECK(failed > 10 || !test_alloc_hooks());
}

TEST_LIMIT(memory_live, 20, "an allocation that fails later is named, and the rest goes on")
{
    uint32_t failed = 0;
    for (uint64_t n = 1;; n++) {
        void *state = NULL;
        int64_t before = test_alloc_live();
        CHECK_EQ(create(&state), HAWSE_OK);
        CHECK_EQ(hawse_plugin_v1(&world.host)->start(state), HAWSE_OK);
        uint64_t made = test_alloc_count();
        test_alloc_fail_after(test_alloc_hooks() ? n : 0);
        live(state);
        test_alloc_fail_after(0);
        made = test_alloc_count() - made;
        CHECK(world.published >= 5); /* slots, whatever else */
        CHECK(made < n || world.short_words > 0 || !test_alloc_hooks());
        hawse_plugin_v1(&world.host)->destroy(state);
        CHECK_EQ(test_alloc_live(), before);
        if (made < n || !test_alloc_hooks())
            break;
        failed++;
    }
    CHECK(failed >= 5 || !test_alloc_hooks());
}
