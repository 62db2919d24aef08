/*
 * Server bytes into the frame parser. The first byte chooses options and the size of the pieces;
 * the rest is fed whole and in pieces, which must agree. Every message is read to its last byte,
 * and text must be what it claims to be.
 */
#include "net/ws_deflate.h"
#include "net/ws_frame.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEFLATE = 1, TRUSTED = 2, SMALL = 4 };

struct summary {
    uint64_t digest;
    unsigned messages;
    enum ws_next last;
    struct ws_failure failure;
};

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void add(struct summary *s, const struct ws_message *m, uint8_t options)
{
    s->messages++;
    s->digest = s->digest * 31 + m->opcode * 7u + m->close_code + m->len;
    for (size_t i = 0; i < m->len; i++)
        s->digest = s->digest * 31 + m->data[i];
    require(m->opcode == WS_TEXT || m->opcode == WS_BINARY || m->len <= WS_CONTROL_MAX);
    if (m->opcode == WS_CLOSE || (m->opcode == WS_TEXT && !(options & TRUSTED)))
        require(ws_utf8_valid(m->data, m->len));
}

static struct summary run(const uint8_t *data, size_t size, uint8_t options, size_t piece)
{
    static const struct ws_deflate_agreed agreed = {.server_window_bits = 15,
                                                    .client_window_bits = 15};
    struct summary s = {.last = WS_NEED_MORE};
    struct ws_buffer assembly = {0};
    struct ws_parser parser;
    struct ws_parser_options o = {.max_message = options & SMALL ? 100 : 1 << 20,
                                  .trust_text = options & TRUSTED};
    if (options & DEFLATE)
        require(ws_inflater_create(&agreed, &o.inflater) == HAWSE_OK);
    ws_parser_init(&parser, &assembly, &o);
    size_t consumed = 0;
    for (size_t there = 0; s.last == WS_NEED_MORE && there < size;) {
        there = piece < size - there ? there + piece : size;
        uint8_t *exact = malloc(there - consumed + 1); /* reads behind it are seen */
        require(exact != NULL);
        memcpy(exact + 1, data + consumed, there - consumed);
        struct ws_input in = {.data = exact + 1, .len = there - consumed};
        struct ws_message m;
        while ((s.last = ws_parser_next(&parser, &in, &m)) == WS_MESSAGE)
            add(&s, &m, options);
        require(s.last != WS_NEED_MORE || in.need > in.len);
        require(in.need <= o.max_message + WS_CONTROL_MAX + WS_HEADER_MAX);
        consumed = there - in.len;
        free(exact);
    }
    s.failure = parser.failure;
    ws_inflater_destroy(o.inflater);
    ws_buffer_finish(&assembly);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint8_t options = data[0] & 7;
    struct summary whole = run(data + 1, size - 1, options, size);
    struct summary pieces = run(data + 1, size - 1, options, 1u + (data[0] >> 3));
    require(whole.last == pieces.last && whole.messages == pieces.messages);
    require(whole.digest == pieces.digest);
    require(strcmp(whole.failure.text, pieces.failure.text) == 0);
    require((whole.last == WS_ERROR) == (whole.failure.result != HAWSE_OK));
    return 0;
}
