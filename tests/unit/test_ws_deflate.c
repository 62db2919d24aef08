/* permessage-deflate: the RFC's own examples, what a peer may send, what it must not. */
#include "harness.h"
#include "net/ws_deflate.h"
#include "net/ws_frame.h"
#include "ws_wire.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

static const struct ws_deflate_agreed widest = {.server_window_bits = 15, .client_window_bits = 15};
#define BIG ((size_t)16 << 20)

static struct ws_inflater *inflater(const struct ws_deflate_agreed *agreed)
{
    struct ws_inflater *inf;
    CHECK_EQ(ws_inflater_create(agreed, &inf), HAWSE_OK);
    return inf;
}

static void expect(struct ws_inflater *inf, const void *payload, size_t len, const char *want)
{
    struct ws_failure failure = {0};
    const uint8_t *data;
    size_t n;
    if (ws_inflater_message(inf, payload, len, BIG, &data, &n, &failure) != HAWSE_OK)
        FAIL("refused: %s", failure.text);
    CHECK_EQ(n, strlen(want));
    CHECK_MEM(data, want, n);
}

static struct ws_failure refused(struct ws_inflater *inf, const void *payload, size_t len,
                                 size_t limit, int32_t want)
{
    struct ws_failure failure = {0};
    const uint8_t *data;
    size_t n;
    CHECK_EQ(ws_inflater_message(inf, payload, len, limit, &data, &n, &failure), want);
    CHECK_EQ(failure.result, want);
    CHECK(data == NULL && n == 0);
    return failure;
}

TEST(rfc_examples, "the examples of RFC 7692, section 7.2.3, inflate to \"Hello\"")
{
    struct ws_inflater *inf = inflater(&widest);
    expect(inf, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello");
    expect(inf, "\xf2\x00\x11\x00\x00", 5, "Hello"); /* refers to the one before */
    expect(inf, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11, "Hello");
    expect(inf, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, "Hello"); /* final block */
    expect(inf, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13, "Hello");
    expect(inf, "\x00", 1, "");
    ws_inflater_destroy(inf);
}

TEST(final_block, "the window outlives a final block, and one may end a message without more")
{
    struct ws_inflater *inf = inflater(&widest);
    expect(inf, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8, "Hello");
    expect(inf, "\xf2\x00\x11\x00\x00", 5, "Hello");
    expect(inf, "\xf3\x48\xcd\xc9\xc9\x07\x00", 7, "Hello");
    expect(inf, "\xf2\x00\x11\x00\x00", 5, "Hello");
    expect(inf, "", 0, "");
    expect(inf, "\xf2\x00\x11\x00\x00", 5, "Hello");
    uint8_t many[2 * 17];
    for (size_t i = 0; i < sizeof(many); i += 2)
        memcpy(many + i, "\x03\x00", 2);
    expect(inf, many, sizeof(many) - 2, "");
    struct ws_failure f = refused(inf, many, sizeof(many), BIG, HAWSE_E_FORMAT);
    CHECK(strstr(f.text, "more than 16 final blocks"));
    ws_inflater_destroy(inf);
}

TEST(no_takeover, "without context takeover nothing is remembered from message to message")
{
    struct ws_deflate_agreed agreed = widest;
    agreed.server_no_context_takeover = true;
    struct ws_inflater *inf = inflater(&agreed);
    expect(inf, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello");
    expect(inf, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello");
    struct ws_failure f = refused(inf, "\xf2\x00\x11\x00\x00", 5, BIG, HAWSE_E_FORMAT);
    CHECK_EQ(f.close_code, 1007);
    CHECK(strstr(f.text, "distance too far back"));
    ws_inflater_destroy(inf);
}

TEST(broken, "bytes that are not deflate, or end inside a block, are refused with 1007")
{
    struct ws_inflater *inf = inflater(&widest);
    struct ws_failure f = refused(inf, "\xff\xff\xff", 3, BIG, HAWSE_E_FORMAT);
    CHECK_EQ(f.close_code, 1007);
    ws_inflater_destroy(inf);
    for (size_t len = 1; len < 6; len++) { /* "Hello", cut */
        inf = inflater(&widest);
        f = refused(inf, "\xf2\x48\xcd\xc9\xc9\x07", len, BIG, HAWSE_E_FORMAT);
        CHECK_EQ(f.close_code, 1007);
        ws_inflater_destroy(inf);
    }
}

/* n bytes of one letter, deflated. */
static struct wire zeros(size_t n)
{
    struct wire w = {0};
    struct ws_deflater *def;
    const uint8_t *data;
    uint8_t *plain = malloc(n + 1);
    size_t len;
    CHECK(plain != NULL);
    memset(plain, 'a', n + 1);
    CHECK_EQ(ws_deflater_create(&widest, 9, &def), HAWSE_OK);
    CHECK_EQ(ws_deflater_message(def, plain, n, &data, &len), HAWSE_OK);
    wire_put(&w, data, len);
    ws_deflater_destroy(def);
    free(plain);
    return w;
}

TEST(bomb, "a message that inflates above the limit is refused with 1009, one of the limit is not")
{
    static const size_t limits[] = {1, 100, 4095, 4096, 4097, 8192, 1 << 20};
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        size_t limit = limits[i];
        for (size_t n = limit - 1; n <= limit + 1; n++) {
            struct wire w = zeros(n);
            struct ws_inflater *inf = inflater(&widest);
            struct ws_failure failure = {0};
            const uint8_t *data;
            size_t len;
            int32_t result = ws_inflater_message(inf, w.data, w.len, limit, &data, &len, &failure);
            CHECK_EQ(result, n <= limit ? HAWSE_OK : HAWSE_E_LIMIT);
            if (result == HAWSE_OK)
                CHECK_EQ(len, n);
            else
                CHECK_EQ(failure.close_code, 1009);
            ws_inflater_destroy(inf);
            wire_free(&w);
        }
    }
    struct wire w = zeros((size_t)64 << 20);
    CHECK(w.len < 70000);
    struct ws_inflater *inf = inflater(&widest);
    struct ws_failure f = refused(inf, w.data, w.len, BIG, HAWSE_E_LIMIT);
    CHECK(strstr(f.text, "more than 16777216 bytes"));
    ws_inflater_destroy(inf);
    wire_free(&w);
}

/* Text that repeats itself, as JSON does. */
static size_t repetitive(uint8_t *out, size_t cap)
{
    size_t len = test_random() % cap;
    for (size_t i = 0; i < len; i++)
        out[i] = i > 40 && test_random() % 8 ? out[i - 37] : (uint8_t)('a' + test_random() % 26);
    return len;
}

TEST_LIMIT(round_trip, 20,
           "what is deflated inflates to itself, at every window, with and without "
           "takeover")
{
    static uint8_t message[70000];
    for (uint8_t bits = 9; bits <= 15; bits++) {
        for (int forget = 0; forget < 2; forget++) {
            struct ws_deflate_agreed agreed = {forget, forget, bits, bits};
            struct ws_inflater *inf = inflater(&agreed);
            struct ws_deflater *def;
            CHECK_EQ(ws_deflater_create(&agreed, (int)(test_random() % 10), &def), HAWSE_OK);
            for (unsigned round = 0; round < 40; round++) {
                struct ws_failure failure = {0};
                const uint8_t *packed, *data;
                size_t packed_len, len = round % 5 ? repetitive(message, sizeof(message)) : 0, n;
                CHECK_EQ(ws_deflater_message(def, message, len, &packed, &packed_len), HAWSE_OK);
                CHECK(packed_len > 0);
                CHECK_EQ(ws_inflater_message(inf, packed, packed_len, BIG, &data, &n, &failure),
                         HAWSE_OK);
                CHECK_EQ(n, len);
                CHECK_MEM(data, message, len);
            }
            ws_inflater_destroy(inf);
            ws_deflater_destroy(def);
        }
    }
}

TEST(options,
     "window bits and levels outside their range are refused, and 8 bits cannot be written")
{
    struct ws_deflate_agreed agreed = widest;
    struct ws_inflater *inf;
    struct ws_deflater *def;
    agreed.server_window_bits = 7;
    CHECK_EQ(ws_inflater_create(&agreed, &inf), HAWSE_E_INVAL);
    agreed.server_window_bits = 16;
    CHECK_EQ(ws_inflater_create(&agreed, &inf), HAWSE_E_INVAL);
    agreed.server_window_bits = 8;
    CHECK_EQ(ws_inflater_create(&agreed, &inf), HAWSE_OK);
    expect(inf, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, "Hello");
    ws_inflater_destroy(inf);
    agreed.client_window_bits = 8;
    CHECK_EQ(ws_deflater_create(&agreed, 6, &def), HAWSE_E_UNSUPPORTED);
    CHECK_EQ(ws_deflater_create(&widest, 10, &def), HAWSE_E_INVAL);
    CHECK_EQ(ws_deflater_create(&widest, -2, &def), HAWSE_E_INVAL);
    ws_inflater_destroy(NULL);
    ws_deflater_destroy(NULL);
}

TEST(parser,
     "a parser inflates whole and fragmented messages among plain ones, and checks the text")
{
    struct ws_parser_options options = {.inflater = inflater(&widest)};
    struct wire w = {0};
    wire_frame(&w, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    wire_text(&w, 0x81, "Hello");
    wire_frame(&w, 0x41, "\xf2\x00", 2);
    wire_text(&w, 0x89, "");
    wire_frame(&w, 0x80, "\x11\x00\x00", 3);
    wire_frame(&w, 0xc2, "", 0);
    struct transcript t = wire_run(&w, 0, &options);
    CHECK_EQ(t.last, WS_NEED_MORE);
    CHECK_EQ(t.messages, 5);
    size_t hellos = 0;
    for (size_t i = 0; i + 5 <= t.said.len; i++)
        hellos += memcmp(t.said.data + i, "Hello", 5) == 0;
    CHECK_EQ(hellos, 3);
    transcript_free(&t);
    wire_free(&w);

    wire_frame(&w, 0xc1, "\x00\x02\x00\xfd\xff\xc3\x28\x00", 8); /* stored: c3 28, not UTF-8 */
    t = wire_run(&w, 0, &options);
    CHECK_EQ(t.last, WS_ERROR);
    CHECK_EQ(t.failure.close_code, 1007);
    wire_free(&w);

    wire_frame(&w, 0xc1, "\xff\xff", 2);
    t = wire_run(&w, 0, &options);
    CHECK_EQ(t.last, WS_ERROR);
    CHECK_EQ(t.failure.close_code, 1007);
    wire_free(&w);
    ws_inflater_destroy(options.inflater);

    struct wire bomb = zeros(2000);
    options = (struct ws_parser_options){.inflater = inflater(&widest), .max_message = 1000};
    wire_frame(&w, 0xc1, bomb.data, bomb.len);
    t = wire_run(&w, 0, &options);
    CHECK_EQ(t.last, WS_ERROR);
    CHECK_EQ(t.failure.close_code, 1009);
    wire_free(&w);
    wire_free(&bomb);
    ws_inflater_destroy(options.inflater);
}

TEST(parser_splits, "any split of a deflated stream gives the same messages")
{
    static uint8_t message[5000];
    for (unsigned round = 0; round < 100; round++) {
        struct wire w = {0};
        struct ws_deflater *def;
        CHECK_EQ(ws_deflater_create(&widest, 6, &def), HAWSE_OK);
        for (unsigned i = 0; i < 6; i++) {
            const uint8_t *packed;
            size_t packed_len, len = repetitive(message, sizeof(message));
            CHECK_EQ(ws_deflater_message(def, message, len, &packed, &packed_len), HAWSE_OK);
            size_t cut = test_random() % (packed_len + 1);
            if (i % 2) {
                wire_frame(&w, 0xc2, packed, packed_len);
            } else {
                wire_frame(&w, 0x41, packed, cut);
                wire_frame(&w, 0x80, packed + cut, packed_len - cut);
            }
        }
        struct transcript said[2];
        for (size_t i = 0; i < 2; i++) {
            struct ws_parser_options options = {.inflater = inflater(&widest)};
            said[i] = wire_run(&w, i ? 50 : 0, &options);
            ws_inflater_destroy(options.inflater);
        }
        CHECK_EQ(said[0].messages, 6);
        CHECK_EQ(said[1].messages, 6);
        CHECK_EQ(said[0].said.len, said[1].said.len);
        CHECK_MEM(said[0].said.data, said[1].said.data, said[0].said.len);
        transcript_free(&said[0]);
        transcript_free(&said[1]);
        ws_deflater_destroy(def);
        wire_free(&w);
    }
}

TEST(no_memory, "memory that cannot be had is an error of create or of the message, never a crash")
{
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    struct wire w = zeros(100000);
    unsigned created = 0, failed = 0;
    for (uint64_t n = 1; n < 200; n++) {
        struct ws_inflater *inf = NULL;
        struct ws_failure failure = {0};
        const uint8_t *data;
        size_t len;
        test_alloc_fail_after(n);
        int32_t result = ws_inflater_create(&widest, &inf);
        if (result == HAWSE_OK) {
            created++;
            result = ws_inflater_message(inf, w.data, w.len, BIG, &data, &len, &failure);
        }
        test_alloc_fail_after(0);
        ws_inflater_destroy(inf);
        if (result == HAWSE_OK)
            break;
        failed++;
        CHECK_EQ(result, HAWSE_E_NOMEM);
    }
    CHECK(created > 2 && failed > created - 1);
    wire_free(&w);
}

TEST(no_memory_deflate, "a deflater without memory says so")
{
    if (!test_alloc_hooks())
        test_skip("no allocation hooks in this build");
    static uint8_t noise[50000];
    unsigned failed = 0;
    test_random_bytes(noise, sizeof(noise));
    for (uint64_t n = 1; n < 200; n++) {
        struct ws_deflater *def = NULL;
        const uint8_t *data;
        size_t len;
        test_alloc_fail_after(n);
        int32_t result = ws_deflater_create(&widest, 6, &def);
        if (result == HAWSE_OK)
            result = ws_deflater_message(def, noise, sizeof(noise), &data, &len);
        test_alloc_fail_after(0);
        ws_deflater_destroy(def);
        if (result == HAWSE_OK)
            break;
        failed++;
        CHECK_EQ(result, HAWSE_E_NOMEM);
    }
    CHECK(failed > 5);
}
