/* The frame parser: messages, fragments, control frames, everything RFC 6455 forbids a server. */
#include "harness.h"
#include "net/ws_deflate.h"
#include "net/ws_frame.h"
#include "ws_wire.h"

#include <hawse/types.h>

static const struct ws_parser_options plain = {0};

/* Runs the frames and expects the error; its text must hold `words`. */
static void expect_error(struct wire *w, const struct ws_parser_options *options, int32_t result,
                         unsigned close_code, const char *words)
{
    struct transcript t = wire_run(w, 0, options);
    CHECK_EQ(t.last, WS_ERROR);
    CHECK_EQ(t.failure.result, result);
    CHECK_EQ(t.failure.close_code, close_code);
    if (!strstr(t.failure.text, words))
        FAIL("\"%s\" does not say \"%s\"", t.failure.text, words);
    transcript_free(&t);
    wire_free(w);
}

static void expect_protocol_error(struct wire *w, const char *words)
{
    expect_error(w, &plain, HAWSE_E_FORMAT, 1002, words);
}

static bool accepts(struct wire *w, const struct ws_parser_options *options)
{
    struct transcript t = wire_run(w, 0, options);
    bool good = t.last != WS_ERROR;
    transcript_free(&t);
    wire_free(w);
    return good;
}

TEST(sizes, "messages of every length class are handed out as views into the receive buffer")
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct wire w = {0};
        struct ws_buffer assembly = {0};
        struct ws_parser parser;
        struct ws_message m;
        uint8_t *payload = malloc(sizes[i] + 1);
        CHECK(payload != NULL);
        test_random_bytes(payload, sizes[i]);
        wire_frame(&w, 0x82, payload, sizes[i]);
        ws_parser_init(&parser, &assembly, &plain);
        struct ws_input in = {.data = w.data, .len = w.len};
        CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_MESSAGE);
        CHECK_EQ(m.opcode, WS_BINARY);
        CHECK_EQ(m.len, sizes[i]);
        CHECK(m.data == w.data + w.len - sizes[i]);
        CHECK_EQ(in.len, 0);
        CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_NEED_MORE);
        CHECK_EQ(in.need, 2);
        CHECK(assembly.data == NULL);
        free(payload);
        wire_free(&w);
    }
}

TEST(need, "of a frame that is not whole, the parser says how many bytes it needs and takes none")
{
    static const struct {
        size_t len, header;
    } cases[] = {{5, 2}, {300, 4}, {70000, 10}};
    for (size_t i = 0; i < 3; i++) {
        struct wire w = {0};
        struct ws_buffer assembly = {0};
        struct ws_parser parser;
        uint8_t *payload = calloc(1, cases[i].len);
        wire_frame(&w, 0x82, payload, cases[i].len);
        ws_parser_init(&parser, &assembly, &plain);
        for (size_t have = 0; have < w.len; have += have < 16 ? 1 : 977) {
            struct ws_input in = {.data = w.data, .len = have};
            struct ws_message m;
            CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_NEED_MORE);
            size_t want = have < 2 ? 2 : have < cases[i].header ? cases[i].header : w.len;
            CHECK_EQ(in.need, want);
            CHECK(in.data == w.data && in.len == have);
        }
        free(payload);
        wire_free(&w);
    }
}

TEST(fragments, "fragments become one message, and control frames between them come out in order")
{
    struct wire w = {0};
    uint8_t old[300]; /* lies in the assembly buffer when the next one is put together */
    memset(old, 'o', sizeof(old));
    wire_frame(&w, 0x01, old, sizeof(old));
    wire_text(&w, 0x80, "old");
    wire_text(&w, 0x01, "one ");
    wire_text(&w, 0x89, "ping");
    wire_text(&w, 0x00, "");
    wire_text(&w, 0x00, "two ");
    wire_text(&w, 0x8a, "pong");
    wire_text(&w, 0x80, "three");
    wire_text(&w, 0x81, "next");
    struct ws_buffer assembly = {0};
    struct ws_parser parser;
    ws_parser_init(&parser, &assembly, &plain);
    struct ws_input in = {.data = w.data, .len = w.len};
    struct ws_message first;
    CHECK_EQ(ws_parser_next(&parser, &in, &first), WS_MESSAGE);
    CHECK_EQ(first.len, sizeof(old) + 3);
    static const struct {
        int opcode;
        const char *text;
    } want[] = {
        {WS_PING, "ping"}, {WS_PONG, "pong"}, {WS_TEXT, "one two three"}, {WS_TEXT, "next"}};
    for (size_t i = 0; i < 4; i++) {
        struct ws_message m;
        CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_MESSAGE);
        CHECK_EQ(m.opcode, want[i].opcode);
        CHECK_EQ(m.len, strlen(want[i].text));
        CHECK_MEM(m.data, want[i].text, m.len);
        if (m.data == assembly.data) {
            static const uint8_t zeros[WS_SLACK];
            CHECK_MEM(m.data + m.len, zeros, WS_SLACK);
        }
    }
    ws_buffer_finish(&assembly);
    wire_free(&w);
}

TEST(first_byte,
     "of all first bytes exactly those are accepted that the state of the message allows")
{
    struct ws_deflate_agreed agreed = {.server_window_bits = 15, .client_window_bits = 15};
    struct ws_inflater *inflater;
    CHECK_EQ(ws_inflater_create(&agreed, &inflater), HAWSE_OK);
    struct ws_parser_options deflate = {.inflater = inflater};
    for (unsigned i = 0; i < 256 * 4; i++) {
        unsigned first = i & 0xff, opcode = first & 0xf, rsv = first & 0x70;
        bool inside = i & 256, deflated = i & 512, fin = first & 0x80;
        bool data = opcode == 1 || opcode == 2;
        bool control = opcode == 8 || opcode == 9 || opcode == 10;
        bool want = (data && !inside) || (opcode == 0 && inside) || (control && fin);
        if (rsv != 0 && !(deflated && data && rsv == 0x40))
            want = false;
        struct wire w = {0};
        if (inside)
            wire_text(&w, 0x02, "begun");
        wire_frame(&w, first, "", 0);
        if (accepts(&w, deflated ? &deflate : &plain) != want)
            FAIL("first byte 0x%02x, inside %d, deflate %d: expected %s", first, inside, deflated,
                 want ? "accepted" : "refused");
    }
    ws_inflater_destroy(inflater);
}

TEST(first_byte_text, "what is wrong with a first byte is said in words")
{
    struct wire w = {0};
    wire_text(&w, 0x83, "");
    expect_protocol_error(&w, "reserved opcode 0x3");
    wire_text(&w, 0xa1, "");
    expect_protocol_error(&w, "reserved bits 0x20");
    wire_text(&w, 0xc9, "");
    expect_protocol_error(&w, "reserved bits 0x40");
    wire_text(&w, 0x09, "");
    expect_protocol_error(&w, "fragmented control frame");
    wire_text(&w, 0x80, "");
    expect_protocol_error(&w, "no message is under way");
    wire_text(&w, 0x01, "a");
    wire_text(&w, 0x81, "b");
    expect_protocol_error(&w, "inside a fragmented one");
}

TEST(lengths, "masked frames, oversized control frames and lengths in a wrong form are refused")
{
    static const uint8_t masked[] = {0x81, 0x81, 1, 2, 3, 4, 'x'};
    static const uint8_t short16[] = {0x81, 126, 0, 125};
    static const uint8_t short64[] = {0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const uint8_t high_bit[] = {0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 1};
    static const uint8_t long_ping[] = {0x89, 126};
    struct wire w = {0};
    wire_put(&w, masked, sizeof(masked));
    expect_protocol_error(&w, "must not mask");
    wire_put(&w, short16, sizeof(short16));
    expect_protocol_error(&w, "length 125 written in 2 bytes");
    wire_put(&w, short64, sizeof(short64));
    expect_protocol_error(&w, "length 65535 written in 8 bytes");
    wire_put(&w, high_bit, sizeof(high_bit));
    expect_protocol_error(&w, "high bit");
    wire_put(&w, long_ping, sizeof(long_ping));
    expect_protocol_error(&w, "above 125 bytes");
}

TEST(close_codes, "of all close codes exactly those that may be sent are accepted")
{
    for (unsigned code = 0; code <= 0xffff; code++) {
        uint8_t payload[2] = {(uint8_t)(code >> 8), (uint8_t)code};
        bool want = code >= 1000 && code < 5000 && !(code > 1014 && code < 3000) && code != 1004 &&
                    code != 1005 && code != 1006;
        struct wire w = {0};
        wire_frame(&w, 0x88, payload, 2);
        if (accepts(&w, &plain) != want)
            FAIL("close code %u: expected %s", code, want ? "accepted" : "refused");
    }
}

TEST(close_frame, "a close frame gives code and reason, and ends the parser")
{
    struct wire w = {0};
    struct ws_buffer assembly = {0};
    struct ws_parser parser;
    struct ws_message m;
    wire_frame(&w, 0x88, "\x03\xe8going", 7);
    wire_text(&w, 0x81, "after");
    ws_parser_init(&parser, &assembly, &plain);
    struct ws_input in = {.data = w.data, .len = w.len};
    CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_MESSAGE);
    CHECK_EQ(m.opcode, WS_CLOSE);
    CHECK_EQ(m.close_code, 1000);
    CHECK_EQ(m.len, 5);
    CHECK_MEM(m.data, "going", 5);
    CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_ENDED);
    CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_ENDED);
    wire_free(&w);

    wire_frame(&w, 0x88, "", 0);
    ws_parser_init(&parser, &assembly, &plain);
    in = (struct ws_input){.data = w.data, .len = w.len};
    CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_MESSAGE);
    CHECK_EQ(m.close_code, WS_CLOSE_NO_STATUS);
    CHECK_EQ(m.len, 0);
    wire_free(&w);
}

TEST(close_faults, "a close frame of one byte or with a broken reason is refused")
{
    struct wire w = {0};
    wire_frame(&w, 0x88, "\x03", 1);
    expect_protocol_error(&w, "1 byte");
    wire_frame(&w, 0x88, "\x03\xe8 \xc3\x28", 5);
    expect_error(&w, &plain, HAWSE_E_FORMAT, 1007, "reason of close code 1000 is not UTF-8");
    wire_frame(&w, 0x88, "\x03\xed", 2);
    expect_protocol_error(&w, "close code 1005");
}

TEST(text_check, "text that is not UTF-8 is refused with 1007, wherever fragments cut it")
{
    static const char good[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
    static const char bad[] = "a\xed\xa0\x80z";
    for (size_t cut = 0; cut < sizeof(good); cut++) {
        struct wire w = {0};
        wire_frame(&w, 0x01, good, cut);
        wire_frame(&w, 0x80, good + cut, sizeof(good) - 1 - cut);
        CHECK(accepts(&w, &plain));
    }
    for (size_t cut = 0; cut < sizeof(bad) - 1; cut++) {
        struct wire w = {0};
        wire_frame(&w, 0x01, bad, cut);
        wire_frame(&w, 0x80, bad + cut, sizeof(bad) - 1 - cut);
        expect_error(&w, &plain, HAWSE_E_FORMAT, 1007, "byte 0xed at offset 1");
    }
    struct wire w = {0};
    wire_frame(&w, 0x01, "ab\xe2\x82", 4);
    wire_frame(&w, 0x80, "", 0);
    expect_error(&w, &plain, HAWSE_E_FORMAT, 1007, "byte 0xe2 at offset 2");
    wire_frame(&w, 0x81, "ab\xe2\x82", 4);
    expect_error(&w, &plain, HAWSE_E_FORMAT, 1007, "byte 0xe2 at offset 2");
    wire_frame(&w, 0x01, "ab\xff", 3); /* not finished, and beyond repair already */
    expect_error(&w, &plain, HAWSE_E_FORMAT, 1007, "byte 0xff at offset 2");
}

TEST(text_trusted, "a trusted stream's text is not checked, and binary never is")
{
    struct ws_parser_options trusted = {.trust_text = true};
    struct wire w = {0};
    wire_frame(&w, 0x81, "\xff\xfe", 2);
    wire_frame(&w, 0x01, "\xff", 1);
    wire_frame(&w, 0x80, "\xfe", 1);
    CHECK(accepts(&w, &trusted));
    wire_frame(&w, 0x82, "\xff\xfe", 2);
    wire_frame(&w, 0x02, "\xff", 1);
    wire_frame(&w, 0x80, "\xfe", 1);
    CHECK(accepts(&w, &plain));
}

TEST(too_big,
     "a message above the limit is refused as soon as its length is known, alone or in sum")
{
    struct ws_parser_options small = {.max_message = 100};
    static const uint8_t zeros[200];
    struct wire w = {0};
    wire_frame(&w, 0x82, zeros, 100);
    wire_frame(&w, 0x02, zeros, 60);
    wire_frame(&w, 0x89, zeros, 125); /* control frames do not count */
    wire_frame(&w, 0x80, zeros, 40);
    CHECK(accepts(&w, &small));
    wire_put(&w, "\x82\x65", 2); /* 101 announced, none there */
    expect_error(&w, &small, HAWSE_E_LIMIT, 1009, "at least 101 bytes; at most 100");
    wire_frame(&w, 0x02, zeros, 60);
    wire_put(&w, "\x80\x29", 2);
    expect_error(&w, &small, HAWSE_E_LIMIT, 1009, "at least 101 bytes; at most 100");
    wire_put(&w, "\x82\x7f\0\0\0\0\x01\0\0\x01", 10);
    expect_error(&w, &plain, HAWSE_E_LIMIT, 1009, "16777217 bytes; at most 16777216");
}

TEST(final_error, "after an error the parser stays failed and takes nothing more")
{
    struct wire w = {0};
    struct ws_buffer assembly = {0};
    struct ws_parser parser;
    struct ws_message m;
    wire_text(&w, 0x83, "");
    wire_text(&w, 0x81, "good");
    ws_parser_init(&parser, &assembly, &plain);
    struct ws_input in = {.data = w.data, .len = w.len};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ws_parser_next(&parser, &in, &m), WS_ERROR);
        CHECK(in.data == w.data);
    }
    wire_free(&w);
}

/* A stream of legal frames; one in three streams gets a few bytes changed afterwards. */
static void random_stream(struct wire *w)
{
    static const unsigned firsts[] = {0x81, 0x82, 0x89, 0x8a, 0x01, 0x02};
    uint8_t payload[400];
    for (unsigned frames = 1 + (unsigned)(test_random() % 12); frames > 0; frames--) {
        unsigned first = firsts[test_random() % 6];
        size_t len = test_random() % (first & 8 ? 126 : sizeof(payload));
        for (size_t i = 0; i < len; i++)
            payload[i] = first & 2 ? (uint8_t)test_random() : (uint8_t)(' ' + test_random() % 90);
        if (len >= 2 && first == 0x81)
            memcpy(payload + test_random() % (len - 1), "\xc3\xa9", 2);
        wire_frame(w, first, payload, len);
        for (unsigned more = first < 0x80 ? (unsigned)(test_random() % 4) + 1 : 0; more > 0; more--)
            wire_frame(w, more == 1 ? 0x80 : 0x00, payload, len / 2);
    }
    if (test_random() % 3 == 0) {
        for (unsigned n = 1 + (unsigned)(test_random() % 3); n > 0; n--)
            w->data[test_random() % w->len] = (uint8_t)test_random();
    }
}

TEST_LIMIT(splits, 20, "any split of the bytes gives the same messages and the same error")
{
    unsigned errors = 0, messages = 0;
    for (unsigned round = 0; round < 3000; round++) {
        struct wire w = {0};
        struct ws_parser_options options = {.max_message = round % 2 ? 600 : 0};
        random_stream(&w);
        struct transcript whole = wire_run(&w, 0, &options);
        for (unsigned split = 0; split < 4; split++) {
            struct transcript pieces = wire_run(&w, split ? 7u << (2 * split) : 1, &options);
            CHECK_EQ(pieces.last, whole.last);
            CHECK_EQ(pieces.messages, whole.messages);
            CHECK_EQ(pieces.said.len, whole.said.len);
            CHECK_MEM(pieces.said.data, whole.said.data, whole.said.len);
            CHECK_STR(pieces.failure.text, whole.failure.text);
            transcript_free(&pieces);
        }
        errors += whole.last == WS_ERROR;
        messages += whole.messages;
        transcript_free(&whole);
        wire_free(&w);
    }
    CHECK(errors > 300 && messages > 3000); /* both kinds were really seen */
}

TEST(no_memory, "memory that cannot be had for fragments is an error, not a crash")
{
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    static const uint8_t zeros[9000];
    struct wire w = {0};
    wire_frame(&w, 0x02, zeros, 3000);
    wire_frame(&w, 0x00, zeros, 9000);
    wire_frame(&w, 0x80, zeros, 9000);
    unsigned failed = 0;
    for (uint64_t n = 1; n < 100; n++) {
        struct ws_buffer assembly = {0};
        struct ws_parser parser;
        struct ws_message m;
        ws_parser_init(&parser, &assembly, &plain);
        struct ws_input in = {.data = w.data, .len = w.len};
        test_alloc_fail_after(n);
        enum ws_next next = ws_parser_next(&parser, &in, &m);
        test_alloc_fail_after(0);
        ws_buffer_finish(&assembly);
        if (next == WS_MESSAGE)
            break;
        failed++;
        CHECK_EQ(next, WS_ERROR);
        CHECK_EQ(parser.failure.result, HAWSE_E_NOMEM);
        CHECK_EQ(parser.failure.close_code, 1011);
    }
    CHECK_EQ(failed, 3); /* 4 KiB, 16 KiB, 32 KiB */
    wire_free(&w);
}

TEST(no_allocation, "a warm parser allocates nothing, fragmented messages included")
{
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    struct wire w = {0};
    struct ws_buffer assembly = {0};
    struct ws_parser parser;
    struct ws_message m;
    wire_text(&w, 0x81, "whole");
    wire_text(&w, 0x01, "in ");
    wire_text(&w, 0x89, "");
    wire_text(&w, 0x80, "parts");
    ws_parser_init(&parser, &assembly, &plain);
    uint64_t warm = 0;
    for (unsigned round = 0; round < 10000; round++) {
        struct ws_input in = {.data = w.data, .len = w.len};
        while (ws_parser_next(&parser, &in, &m) == WS_MESSAGE)
            ;
        warm = round == 0 ? test_alloc_count() : warm;
    }
    CHECK_EQ_U64(test_alloc_count(), warm);
    ws_buffer_finish(&assembly);
    wire_free(&w);
}
