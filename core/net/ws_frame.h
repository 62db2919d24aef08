/*
 * The receiving half of RFC 6455 for a client: takes the bytes that arrived and hands out whole
 * messages and control frames as views into them. Does no I/O, keeps no copy of an unfragmented
 * message, allocates only when a fragmented or compressed one needs more room than any before it.
 *
 * The owner of the receive buffer keeps these duties:
 *   - WS_SLACK (64) bytes behind the end of what it passes are readable, so that the readers of a
 *     message may load whole vectors. What follows a message may be the next frame, or anything.
 *   - Bytes not consumed stay in front of what arrives next; `need` says how many must be there
 *     before another call can do anything. It is at most max_message + WS_HEADER_MAX.
 *   - A message is read before the next call and before its bytes are overwritten.
 */
#ifndef HAWSE_CORE_NET_WS_FRAME_H
#define HAWSE_CORE_NET_WS_FRAME_H

#include "net/ws_buffer.h"
#include "net/ws_failure.h"
#include "net/ws_utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xa,
};

enum {
    WS_HEADER_MAX = 10,   /* of a frame from a server; a client's has 4 more for the mask */
    WS_CONTROL_MAX = 125, /* payload of a control frame */
};

#define WS_MAX_MESSAGE_DEFAULT ((size_t)16 << 20)

struct ws_inflater;

struct ws_parser_options {
    size_t max_message;           /* payload of one message, also inflated; 0 = 16 MiB */
    bool trust_text;              /* leave out the UTF-8 check of text messages */
    struct ws_inflater *inflater; /* NULL unless permessage-deflate was negotiated; outlives */
};

/* Owner: the stream; lane: the stream's; lives from upgrade to close. Fields are the parser's own,
 * except `failure`, which may be read after WS_ERROR. */
struct ws_parser {
    struct ws_buffer *assembly; /* the stream's; fragments are put together here */
    struct ws_inflater *inflater;
    ws_ascii_run_fn ascii_run;
    size_t max_message;
    size_t checked; /* bytes of the assembly that are known to be whole characters */
    bool check_text;
    bool fragment_deflated;
    uint8_t fragment_opcode; /* of the message under way; WS_CONTINUATION = none */
    uint8_t state;
    struct ws_failure failure;
};

/* What arrived and was not consumed yet. ws_parser_next moves `data` and `len` on. */
struct ws_input {
    const uint8_t *data;
    size_t len;
    size_t need; /* after WS_NEED_MORE: bytes, counted from `data`, to have before calling again */
};

/* One message or control frame. Valid until the next call or until its buffer changes. */
struct ws_message {
    const uint8_t *data; /* payload; for WS_CLOSE the reason */
    size_t len;
    uint16_t close_code; /* only WS_CLOSE: 1005 when the frame was empty */
    uint8_t opcode;      /* WS_TEXT, WS_BINARY, WS_CLOSE, WS_PING or WS_PONG */
};

enum ws_next {
    WS_ERROR = -1,    /* the connection must be failed as parser->failure says; final */
    WS_NEED_MORE = 0, /* nothing whole is there */
    WS_MESSAGE = 1,   /* *out is filled */
    WS_ENDED = 2,     /* a close frame was handed out before; what follows is not looked at */
};

/* `assembly` belongs to the caller, outlives the parser and is grown by it. */
void ws_parser_init(struct ws_parser *parser, struct ws_buffer *assembly,
                    const struct ws_parser_options *options);

/* Takes the next message or control frame from the front of *in. Never blocks, never calls back. */
enum ws_next ws_parser_next(struct ws_parser *parser, struct ws_input *in, struct ws_message *out);

/* Is a fragmented message under way? If not, nothing in the assembly is needed any more. */
static inline bool ws_parser_in_message(const struct ws_parser *parser)
{
    return parser->fragment_opcode != WS_CONTINUATION;
}

/* May this code stand in a close frame (RFC 6455, section 7.4)? */
bool ws_close_code_legal(unsigned code);

#endif
