/* Intents: what is legal in one, the copy, and JSON there and back. */
#include "tx/intent.h"

#include "harness.h"

#include <hawse/u256.h>
#include <stdlib.h>
#include <string.h>

/* A legal intent of random size; its memory is static. */
static hawse_intent_t random_intent(void)
{
    static hawse_intent_call_t calls[HAWSE_INTENT_CALLS_MAX];
    static hawse_intent_flow_t flows[HAWSE_INTENT_FLOWS_MAX];
    static hawse_intent_stream_t streams[HAWSE_INTENT_STREAMS_MAX];
    static uint8_t data[2048];
    hawse_intent_t in = {.size = sizeof(in),
                         .kind = HAWSE_INTENT_EVM_CALLS,
                         .tag = test_random(),
                         .id = hawse_text("order-1:!~"),
                         .chain = hawse_text("gnosis"),
                         .account = hawse_text("bot"),
                         .how = (uint32_t)(test_random() % 4),
                         .route = (uint32_t)(test_random() % 3),
                         .flags = (uint32_t)(test_random() % 4),
                         .confirmations = (uint32_t)test_random(),
                         .call_count = (uint32_t)(1 + test_random() % HAWSE_INTENT_CALLS_MAX),
                         .call_size = sizeof(calls[0]),
                         .calls = calls,
                         .flow_count = (uint32_t)(test_random() % (HAWSE_INTENT_FLOWS_MAX + 1)),
                         .flow_size = sizeof(flows[0]),
                         .flows = flows,
                         .stream_count = (uint32_t)(test_random() % (HAWSE_INTENT_STREAMS_MAX + 1)),
                         .stream_size = sizeof(streams[0]),
                         .streams = streams,
                         .deadline_ns = test_random(),
                         .deadline_block = test_random(),
                         .note = hawse_text("why \"so\" \xc3\xa9")};
    test_random_bytes(&in.max_cost, sizeof(in.max_cost));
    test_random_bytes(&in.worth, sizeof(in.worth));
    test_random_bytes(data, sizeof(data));
    for (uint32_t i = 0; i < in.call_count; i++) {
        calls[i] = (hawse_intent_call_t){.size = sizeof(calls[i]), .gas_limit = test_random() / 4};
        test_random_bytes(calls[i].to, 20);
        test_random_bytes(&calls[i].value, 32);
        calls[i].data = (hawse_view_t){data, test_random() % 1000};
    }
    for (uint32_t i = 0; i < in.flow_count; i++) {
        flows[i] = (hawse_intent_flow_t){.size = sizeof(flows[i])};
        test_random_bytes(flows[i].asset, 20);
        test_random_bytes(&flows[i].max_out, 32);
        flows[i].min_in = hawse_u256(5);
        flows[i].expected_in = hawse_u256(test_random() % 2 ? 0 : 6);
    }
    for (uint32_t i = 0; i < in.stream_count; i++)
        streams[i] = (hawse_intent_stream_t){.size = sizeof(streams[i]),
                                             .source = (uint32_t)test_random(),
                                             .stream = (uint32_t)test_random(),
                                             .key = test_random()};
    return in;
}

TEST(intent_roundtrip, "an intent as JSON reads back as the same, to the last byte")
{
    for (int i = 0; i < 300; i++) {
        hawse_intent_t in = random_intent();
        struct intent *copy = NULL, *again = NULL;
        struct fault fault = {0};
        CHECK_EQ(intent_copy(&in, &copy, &fault), HAWSE_OK);
        char *text = intent_to_json(copy);
        CHECK(text);
        CHECK_EQ(intent_from_json(text, strlen(text), &again, &fault), HAWSE_OK);
        char *second = intent_to_json(again);
        CHECK_STR(second, text);
        CHECK_EQ_U64(again->public.tag, in.tag);
        CHECK_MEM(again->calls[in.call_count - 1].data.data, in.calls[in.call_count - 1].data.data,
                  in.calls[in.call_count - 1].data.len);
        free(second);
        free(text);
        free(again);
        free(copy);
    }
}

static void refused(const hawse_intent_t *in, const char *field)
{
    struct intent *copy = NULL;
    struct fault fault = {0};
    CHECK_EQ(intent_copy(in, &copy, &fault), HAWSE_E_INVAL);
    if (!strstr(fault.message, field))
        FAIL("the fault does not name %s: %s", field, fault.message);
}

TEST(intent_refused, "each fault of an intent names the field")
{
    hawse_intent_t good = random_intent(), in = good;
    in.size = 8;
    refused(&in, "size");
    in = good;
    in.kind = 9;
    refused(&in, "kind");
    in.kind = HAWSE_INTENT_SOLANA_INSTRUCTIONS;
    refused(&in, "solana");
    in = good;
    in.id = hawse_text("a b");
    refused(&in, "id");
    in.id = hawse_text("");
    refused(&in, "id");
    in = good;
    in.how = 4;
    refused(&in, "how");
    in = good;
    in.route = 3;
    refused(&in, "route");
    in = good;
    in.flags = 4;
    refused(&in, "flags");
    in = good;
    in.call_count = 0;
    refused(&in, "calls");
    in.call_count = HAWSE_INTENT_CALLS_MAX + 1;
    refused(&in, "calls");
    in = good;
    in.call_size = 8;
    refused(&in, "calls");
    in = good;
    in.note = hawse_text("\xff");
    refused(&in, "note");
    hawse_intent_call_t call = good.calls[0];
    memset(call.to, 0, 20);
    in = good;
    in.calls = &call;
    in.call_count = 1;
    refused(&in, "to");
    call = good.calls[0];
    call.data.len = HAWSE_INTENT_DATA_MAX + 1;
    refused(&in, "data");
    hawse_intent_flow_t two[2] = {{.size = sizeof(two[0])}, {.size = sizeof(two[0])}};
    in = good;
    in.flows = two;
    in.flow_count = 2;
    refused(&in, "one asset");
    two[1].asset[0] = 1;
    two[1].expected_in = hawse_u256(1);
    two[1].min_in = hawse_u256(2);
    refused(&in, "min_in");
}

TEST(intent_longer, "a caller whose calls are longer than this host's is read all the same")
{
    struct longer {
        hawse_intent_call_t call;
        uint64_t more[2];
    } calls[2];
    memset(calls, 0, sizeof(calls));
    for (int i = 0; i < 2; i++) {
        calls[i].call.size = sizeof(calls[i]);
        calls[i].call.to[0] = (uint8_t)(i + 1);
        calls[i].more[0] = UINT64_MAX;
    }
    hawse_intent_t in = random_intent();
    in.calls = &calls[0].call;
    in.call_size = sizeof(calls[0]);
    in.call_count = 2;
    struct intent *copy = NULL;
    CHECK_EQ(intent_copy(&in, &copy, NULL), HAWSE_OK);
    CHECK_EQ(copy->public.calls[1].to[0], 2);
    CHECK_EQ(copy->public.calls[1].size, sizeof(hawse_intent_call_t));
    free(copy);
}

TEST(intent_operator, "an operator's short form is enough, and a wrong word is named")
{
    static const char good[] = "{\"id\":\"a\",\"chain\":\"c\",\"account\":\"k\",\"calls\":[{\"to\":"
                               "\"0x00000000000000000000000000000000000000aa\",\"value\":7}]}";
    static const char wrong[] = "{\"id\":\"a\",\"chain\":\"c\",\"account\":\"k\",\"cals\":[]}";
    struct intent *in = NULL;
    struct fault fault = {0};
    CHECK_EQ(intent_from_json(good, sizeof(good) - 1, &in, &fault), HAWSE_OK);
    CHECK_EQ_U64(in->public.calls[0].value.limb[0], 7);
    free(in);
    CHECK_EQ(intent_from_json(wrong, sizeof(wrong) - 1, &in, &fault), HAWSE_E_FORMAT);
    CHECK(strstr(fault.message, "cals"));
}
