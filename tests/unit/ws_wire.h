/*
 * What the WebSocket tests share: building a server's bytes frame by frame, and running a parser
 * over them in pieces of any size while writing down everything it says. Header only; tests link no
 * more than they use.
 */
#ifndef HAWSE_TESTS_UNIT_WS_WIRE_H
#define HAWSE_TESTS_UNIT_WS_WIRE_H

#include "harness.h"
#include "net/ws_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wire {
    uint8_t *data;
    size_t len;
};

static inline void wire_put(struct wire *w, const void *bytes, size_t len)
{
    w->data = realloc(w->data, w->len + len + WS_SLACK);
    CHECK(w->data != NULL);
    if (len > 0)
        memcpy(w->data + w->len, bytes, len);
    w->len += len;
}

/* One unmasked frame with the shortest form of its length. */
static inline void wire_frame(struct wire *w, unsigned first, const void *payload, size_t len)
{
    uint8_t head[10] = {(uint8_t)first};
    size_t bytes = len <= 125 ? 0 : len <= 0xffff ? 2 : 8;
    head[1] = (uint8_t)(bytes == 0 ? len : bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < bytes; i++)
        head[2 + i] = (uint8_t)(len >> (8 * (bytes - 1 - i)));
    wire_put(w, head, 2 + bytes);
    wire_put(w, payload, len);
}

static inline void wire_text(struct wire *w, unsigned first, const char *text)
{
    wire_frame(w, first, text, strlen(text));
}

static inline void wire_free(struct wire *w)
{
    free(w->data);
    *w = (struct wire){0};
}

/* Everything a parser said, as bytes that can be compared. */
struct transcript {
    struct wire said;
    unsigned messages;
    enum ws_next last;
    struct ws_failure failure;
};

static inline void transcript_add(struct transcript *t, const struct ws_message *m)
{
    wire_put(&t->said, &m->opcode, sizeof(m->opcode));
    wire_put(&t->said, &m->close_code, sizeof(m->close_code));
    wire_put(&t->said, &m->len, sizeof(m->len));
    wire_put(&t->said, m->data, m->len);
    t->messages++;
}

/* Feeds the bytes in pieces of 1 .. max_piece (0 = all at once) as a stream would: what was not
 * consumed stays in front, and nothing is asked before `need` bytes are there. The bytes live in an
 * allocation of exactly their size, so that a sanitizer sees every read outside. */
static inline struct transcript wire_run(const struct wire *w, size_t max_piece,
                                         const struct ws_parser_options *options)
{
    struct transcript t = {.last = WS_NEED_MORE};
    struct ws_buffer assembly = {0};
    struct ws_parser parser;
    ws_parser_init(&parser, &assembly, options);
    uint8_t *bytes = malloc(w->len ? w->len : 1);
    CHECK(bytes != NULL);
    size_t there = 0, consumed = 0, need = 0;
    while (t.last == WS_NEED_MORE && there < w->len) {
        size_t piece = max_piece ? 1 + test_random() % max_piece : w->len;
        piece = piece < w->len - there ? piece : w->len - there;
        memcpy(bytes + there, w->data + there, piece);
        there += piece;
        if (there - consumed < need)
            continue;
        struct ws_input in = {.data = bytes + consumed, .len = there - consumed};
        struct ws_message m;
        while ((t.last = ws_parser_next(&parser, &in, &m)) == WS_MESSAGE)
            transcript_add(&t, &m);
        consumed = (size_t)(in.data - bytes);
        need = in.need;
        CHECK_EQ(in.len, there - consumed);
        if (t.last == WS_NEED_MORE)
            CHECK(need > in.len);
    }
    t.failure = parser.failure;
    free(bytes);
    ws_buffer_finish(&assembly);
    return t;
}

static inline void transcript_free(struct transcript *t)
{
    wire_free(&t->said);
}

#endif
