/*
 * The SDK's parts for authors: settings by name, which log is which event, and continuity that is
 * passed on to several streams through a publisher without room.
 */
#include "harness.h"

#include <hawse/contract.h>
#include <hawse/json.h>
#include <hawse/setting.h>
#include <hawse/space/stream.h>
#include <string.h>

/* sdk/rust/library.rs has them by these sizes */
_Static_assert(sizeof(hawse_json_t) == 32 && sizeof(hawse_json_value_t) == 32, "as in Rust");
_Static_assert(sizeof(hawse_abi_signature_t) == 816, "as in Rust");

TEST(setting, "a setting is read by its name and form, or said not to be there")
{
    hawse_view_t all = hawse_text("{\"n\": 18446744073709551615, \"pair\": "
                                  "\"0x00000000000000000000000000000000000000Ff\", "
                                  "\"name\": \"a\\u0062c\", \"neg\": -1, \"deep\": {\"n\": 1}}");
    uint8_t address[20];
    char text[4];
    uint64_t n = 0;
    CHECK_EQ(hawse_setting_hex(all, "pair", address, 20), HAWSE_OK);
    CHECK_EQ_U64(address[19], 0xff);
    CHECK_EQ(hawse_setting_hex(all, "pair", address, 19), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_hex(all, "n", address, 20), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_u64(all, "n", &n), HAWSE_OK);
    CHECK_EQ_U64(n, UINT64_MAX);
    CHECK_EQ(hawse_setting_u64(all, "neg", &n), HAWSE_E_RANGE);
    CHECK_EQ(hawse_setting_u64(all, "pair", &n), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_u64(all, "none", &n), HAWSE_E_NOTFOUND);
    CHECK_EQ(hawse_setting_text(all, "name", text, 4), HAWSE_OK);
    CHECK(strcmp(text, "abc") == 0);
    CHECK_EQ(hawse_setting_text(all, "name", text, 3), HAWSE_E_NOSPACE);
    CHECK_EQ(hawse_setting_text(all, "name", text, 0), HAWSE_E_NOSPACE);
    CHECK_EQ(hawse_setting_text(all, "deep", text, 4), HAWSE_E_FORMAT);
    hawse_view_t lists = hawse_text("{\"a\":[\"0x01ff\",\"0x0203\"],\"b\":[1],\"c\":[]}");
    uint8_t items[2][4] = {{0}};
    uint32_t count = 9;
    CHECK_EQ(hawse_setting_hex_list(lists, "a", 2, items[0], 4, 2, &count), HAWSE_OK);
    CHECK(count == 2 && items[0][1] == 0xff && items[1][0] == 2 && items[1][1] == 3);
    CHECK_EQ(hawse_setting_hex_list(lists, "a", 2, items[0], 4, 1, &count), HAWSE_E_NOSPACE);
    CHECK_EQ(hawse_setting_hex_list(lists, "a", 3, items[0], 4, 2, &count), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_hex_list(lists, "b", 2, items[0], 4, 2, &count), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_hex_list(lists, "c", 2, items[0], 4, 2, &count), HAWSE_OK);
    CHECK_EQ(count, 0);
    CHECK_EQ(hawse_setting_hex_list(lists, "d", 2, items[0], 4, 2, &count), HAWSE_E_NOTFOUND);
    CHECK_EQ(hawse_setting_hex_list(all, "n", 2, items[0], 4, 2, &count), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_u64(hawse_text("[1]"), "n", &n), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_u64(hawse_text("{"), "n", &n), HAWSE_E_FORMAT);
    CHECK_EQ(hawse_setting_u64(hawse_text(""), "n", &n), HAWSE_E_FORMAT);
}

static struct {
    hawse_evm_log_t log;
    uint8_t data[96];
} record;

static hawse_event_t log_event(uint32_t topics, uint32_t data_len)
{
    record.log.size = sizeof(record.log);
    record.log.topic_count = topics;
    record.log.data_offset = sizeof(record.log);
    record.log.data_len = data_len;
    return (hawse_event_t){.size = sizeof(hawse_event_t),
                           .space = HAWSE_SPACE_EVM,
                           .kind = HAWSE_EVM_LOG,
                           .data = (const uint8_t *)&record,
                           .len = sizeof(record.log) + data_len};
}

TEST(matching, "a log is matched by topic, count of topics and length of its data")
{
    /* the same topic 0, as ERC-20 and ERC-721 have it */
    static const char *const texts[] = {
        "event Transfer(address indexed from, address indexed to, uint256 value)",
        "event Transfer(address indexed from, address indexed to, uint256 indexed id)",
        "event Approval(address indexed owner, address indexed spender, uint256 value)"};
    hawse_abi_signature_t events[3];
    const hawse_evm_log_t *log = NULL;
    const uint8_t *data = NULL;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(hawse_abi_event_parse(texts[i], strlen(texts[i]), &events[i], NULL), HAWSE_OK);
    memcpy(record.log.topics[0], events[0].hash, 32);
    hawse_event_t e = log_event(3, 32);
    CHECK_EQ(hawse_contract_match(&e, events, 3, &log, &data), 0);
    CHECK(log == &record.log && data == record.data);
    e = log_event(4, 0);
    CHECK_EQ(hawse_contract_match(&e, events, 3, &log, &data), 1);
    e = log_event(3, 31);
    CHECK_EQ(hawse_contract_match(&e, events, 3, &log, &data), HAWSE_E_FORMAT);
    e = log_event(3, 32);
    e.len -= 1; /* the record says more than there is */
    CHECK_EQ(hawse_contract_match(&e, events, 3, &log, &data), HAWSE_E_FORMAT);
    e = log_event(3, 32);
    record.log.data_offset = UINT32_MAX;
    CHECK_EQ(hawse_contract_match(&e, events, 3, &log, &data), HAWSE_E_FORMAT);
    e = log_event(0, 32);
    CHECK_EQ(hawse_contract_match(&e, events, 3, &log, &data), HAWSE_E_NOTFOUND);
    e = log_event(3, 32);
    e.kind = HAWSE_EVM_BLOCK;
    CHECK_EQ(hawse_contract_match(&e, events, 3, &log, &data), HAWSE_E_NOTFOUND);
    e = log_event(3, 32);
    CHECK_EQ(hawse_contract_match(&e, events + 2, 1, &log, &data), HAWSE_E_NOTFOUND);
}

/* ---- a publisher with room for so many ---- */

static uint32_t room, published, streams_told[8];

static int32_t publish(const hawse_host_t *host, hawse_instance_t self, const hawse_event_t *e)
{
    (void)host, (void)self;
    if (room == 0)
        return HAWSE_E_AGAIN;
    room--;
    CHECK(e->flags == HAWSE_EVENT_BACKFILLED && e->key == 0 && e->epoch == 7);
    streams_told[published++] = e->stream;
    return HAWSE_OK;
}

TEST(passing, "a gap is told to each stream once, however often there was no room")
{
    const hawse_sub_service_t sub = {.size = sizeof(sub), .publish = publish};
    hawse_stream_range_t range = {.size = sizeof(range)};
    hawse_event_t e = {.size = sizeof(e),
                       .space = HAWSE_SPACE_STREAM,
                       .kind = HAWSE_STREAM_EVENT_GAP,
                       .flags = HAWSE_EVENT_BACKFILLED | HAWSE_EVENT_LOCAL,
                       .epoch = 7,
                       .key = 9,
                       .data = (const uint8_t *)&range,
                       .len = sizeof(range)};
    const uint32_t streams[] = {2, 3, 4};
    uint32_t told = 0;
    room = published = 0;
    CHECK_EQ(hawse_continuity_pass(&sub, NULL, 1, &e, streams, 3, &told), HAWSE_E_AGAIN);
    room = 2;
    CHECK_EQ(hawse_continuity_pass(&sub, NULL, 1, &e, streams, 3, &told), HAWSE_E_AGAIN);
    CHECK_EQ_U64(told, 2);
    room = 8;
    CHECK_EQ(hawse_continuity_pass(&sub, NULL, 1, &e, streams, 3, &told), HAWSE_OK);
    CHECK(told == 0 && published == 3);
    CHECK(streams_told[0] == 2 && streams_told[1] == 3 && streams_told[2] == 4);
    e.kind = HAWSE_STREAM_EVENT_LIVE + 1; /* a kind that is not known */
    CHECK_EQ(hawse_continuity_pass(&sub, NULL, 1, &e, streams, 3, &told), HAWSE_OK);
    e.kind = HAWSE_STREAM_EVENT_GAP;
    e.len--;
    CHECK_EQ(hawse_continuity_pass(&sub, NULL, 1, &e, streams, 3, &told), HAWSE_OK);
    CHECK_EQ_U64(published, 3);
}
