/*
 * The incremental frame parser. Every call looks at the frame at the front of the input; a frame is
 * consumed only when it is whole, so there is no state inside a frame and any split of the bytes
 * gives the same messages. Owns nothing: the input is the stream's, so is the assembly buffer. Must
 * never read outside the input or allocate for an unfragmented message.
 */
#include "net/ws_frame.h"

#include "net/ws_deflate.h"

#include <hawse/types.h>
#include <inttypes.h>

enum { FIN = 0x80, RESERVED = 0x70, RSV1 = 0x40, OPCODE = 0x0f, CONTROL = 0x08 };
enum { MASKED = 0x80, LENGTH16 = 126 };
enum { OPEN, ENDED, FAILED };

/* A frame header that was found legal. */
struct frame {
    size_t head; /* bytes of the header */
    size_t len;  /* bytes of the payload */
    uint8_t first;
};

void ws_parser_init(struct ws_parser *parser, struct ws_buffer *assembly,
                    const struct ws_parser_options *options)
{
    *parser = (struct ws_parser){
        .assembly = assembly,
        .inflater = options->inflater,
        .ascii_run = ws_ascii_run_best(),
        .max_message = options->max_message ? options->max_message : WS_MAX_MESSAGE_DEFAULT,
        .check_text = !options->trust_text,
        .fragment_opcode = WS_CONTINUATION,
        .state = OPEN,
    };
}

bool ws_close_code_legal(unsigned code)
{
    if (code >= 3000)
        return code <= 4999;
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

#define FAIL(parser, result, code, ...)                                                      \
    ((parser)->state = FAILED, (void)ws_fail(&(parser)->failure, result, code, __VA_ARGS__), \
     WS_ERROR)
#define FAIL_PROTOCOL(parser, ...) FAIL(parser, HAWSE_E_FORMAT, WS_CLOSE_PROTOCOL, __VA_ARGS__)

/* Says what is wrong with the first byte of a header that first_byte_legal refused. */
static __attribute__((cold, noinline)) enum ws_next refuse_first_byte(struct ws_parser *parser,
                                                                      uint8_t first)
{
    unsigned opcode = first & OPCODE, reserved = first & RESERVED;
    if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE))
        return FAIL_PROTOCOL(parser, "reserved opcode 0x%x; allowed are 0, 1, 2, 8, 9 and 10",
                             opcode);
    if (reserved != 0)
        return FAIL_PROTOCOL(parser, "reserved bits 0x%02x in a frame with opcode 0x%x; allowed %s",
                             reserved, opcode,
                             parser->inflater
                                 ? "is 0x40, in the first frame of a text or binary message"
                                 : "are none");
    if (opcode & CONTROL)
        return FAIL_PROTOCOL(parser, "fragmented control frame, opcode 0x%x; it must be one frame",
                             opcode);
    if (opcode == WS_CONTINUATION)
        return FAIL_PROTOCOL(parser, "continuation frame, but no message is under way");
    return FAIL_PROTOCOL(parser,
                         "new message, opcode 0x%x, inside a fragmented one; expected a "
                         "continuation or control frame",
                         opcode);
}

static bool first_byte_legal(const struct ws_parser *parser, uint8_t first)
{
    unsigned opcode = first & OPCODE;
    bool starts = opcode == WS_TEXT || opcode == WS_BINARY;
    unsigned allowed = parser->inflater && starts ? RSV1 : 0;
    if (first & RESERVED & ~allowed)
        return false;
    if (starts)
        return parser->fragment_opcode == WS_CONTINUATION;
    if (opcode == WS_CONTINUATION)
        return parser->fragment_opcode != WS_CONTINUATION;
    return opcode >= WS_CLOSE && opcode <= WS_PONG && (first & FIN);
}

static uint64_t big_endian(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

/* A length above 125, in the 2 or 8 bytes behind the second byte of the header. */
static __attribute__((noinline)) enum ws_next long_length(struct ws_parser *parser,
                                                          struct ws_input *in, struct frame *f)
{
    if (f->first & CONTROL)
        return FAIL_PROTOCOL(parser, "control frame, opcode 0x%x, with a payload above %d bytes",
                             f->first & OPCODE, WS_CONTROL_MAX);
    size_t bytes = f->len == LENGTH16 ? 2 : 8;
    f->head = 2 + bytes;
    in->need = f->head;
    if (in->len < f->head)
        return WS_NEED_MORE;
    uint64_t len = big_endian(in->data + 2, bytes);
    if (len >> 63)
        return FAIL_PROTOCOL(parser, "payload length 0x%016" PRIx64 "; the high bit must be 0",
                             len);
    if (len < (bytes == 2 ? LENGTH16 : 0x10000))
        return FAIL_PROTOCOL(parser,
                             "payload length %" PRIu64 " written in %zu bytes; the shortest "
                             "form is required",
                             len, bytes);
    f->len = (size_t)len;
    return WS_MESSAGE;
}

static __attribute__((cold, noinline)) enum ws_next refuse_size(struct ws_parser *parser,
                                                                size_t len)
{
    return FAIL(parser, HAWSE_E_LIMIT, WS_CLOSE_TOO_BIG,
                "message of at least %zu bytes; at most %zu are allowed", len, parser->max_message);
}

/* Reads and judges the header at the front. WS_MESSAGE: *f is filled. */
static inline enum ws_next read_header(struct ws_parser *parser, struct ws_input *in,
                                       struct frame *f)
{
    in->need = 2;
    if (in->len == 0)
        return WS_NEED_MORE;
    f->first = in->data[0];
    if (!first_byte_legal(parser, f->first))
        return refuse_first_byte(parser, f->first);
    if (in->len < 2)
        return WS_NEED_MORE;
    uint8_t second = in->data[1];
    if (second & MASKED)
        return FAIL_PROTOCOL(parser, "masked frame, opcode 0x%x; a server must not mask",
                             f->first & OPCODE);
    f->head = 2;
    f->len = second;
    if (second == LENGTH16 && in->len >= 4 && !(f->first & CONTROL) && in->data[2] != 0) {
        f->head = 4; /* the usual message: 256 bytes or more */
        f->len = (size_t)(in->data[2] << 8 | in->data[3]);
        in->need = f->head;
    } else if (second >= LENGTH16) {
        enum ws_next next = long_length(parser, in, f);
        if (next != WS_MESSAGE)
            return next;
    }
    size_t before = f->first & OPCODE ? 0 : parser->assembly->len;
    if (f->len > parser->max_message - before && !(f->first & CONTROL))
        return refuse_size(parser, before + f->len);
    return WS_MESSAGE;
}

static __attribute__((cold, noinline)) enum ws_next refuse_text(struct ws_parser *parser,
                                                                const uint8_t *data, size_t at)
{
    return FAIL(parser, HAWSE_E_FORMAT, WS_CLOSE_BAD_PAYLOAD,
                "text message is not UTF-8: byte 0x%02x at offset %zu", data[at], at);
}

static inline enum ws_next check_text(struct ws_parser *parser, const uint8_t *data, size_t len)
{
    if (!parser->check_text)
        return WS_MESSAGE;
    size_t good = ws_utf8_prefix(parser->ascii_run, data, len);
    return good == len ? WS_MESSAGE : refuse_text(parser, data, good);
}

static enum ws_next take_close(struct ws_parser *parser, const uint8_t *payload, size_t len,
                               struct ws_message *out)
{
    *out = (struct ws_message){.opcode = WS_CLOSE, .close_code = WS_CLOSE_NO_STATUS};
    if (len == 1)
        return FAIL_PROTOCOL(parser, "close frame with a payload of 1 byte; a code takes 2");
    if (len >= 2) {
        out->close_code = (uint16_t)big_endian(payload, 2);
        out->data = payload + 2;
        out->len = len - 2;
        if (!ws_close_code_legal(out->close_code))
            return FAIL_PROTOCOL(parser,
                                 "close code %u; allowed are 1000-1003, 1007-1014 and "
                                 "3000-4999",
                                 (unsigned)out->close_code);
        if (!ws_utf8_valid(out->data, out->len))
            return FAIL(parser, HAWSE_E_FORMAT, WS_CLOSE_BAD_PAYLOAD,
                        "reason of close code %u is not UTF-8", (unsigned)out->close_code);
    } else {
        out->data = payload;
    }
    parser->state = ENDED;
    return WS_MESSAGE;
}

/* Inflates a whole message and hands that out in place of it. */
static enum ws_next take_deflated(struct ws_parser *parser, uint8_t opcode, const uint8_t *payload,
                                  size_t len, struct ws_message *out)
{
    *out = (struct ws_message){.opcode = opcode};
    int32_t result = ws_inflater_message(parser->inflater, payload, len, parser->max_message,
                                         &out->data, &out->len, &parser->failure);
    if (result != HAWSE_OK) {
        parser->state = FAILED;
        return WS_ERROR;
    }
    return opcode == WS_TEXT ? check_text(parser, out->data, out->len) : WS_MESSAGE;
}

/* Text is checked as far as it has come: only a character cut by the fragment's end may be left. */
static enum ws_next check_fragment(struct ws_parser *parser, bool last)
{
    const uint8_t *data = parser->assembly->data;
    size_t len = parser->assembly->len;
    parser->checked +=
        ws_utf8_prefix(parser->ascii_run, data + parser->checked, len - parser->checked);
    const uint8_t *rest = data + parser->checked;
    size_t left = len - parser->checked;
    if (left == 0 || (!last && ws_utf8_may_continue(rest, left)))
        return WS_MESSAGE;
    return refuse_text(parser, data, parser->checked);
}

/* Adds one frame to the message under way. WS_NEED_MORE: it is not the last one. */
static __attribute__((noinline)) enum ws_next take_fragment(struct ws_parser *parser,
                                                            const struct frame *f,
                                                            const uint8_t *payload,
                                                            struct ws_message *out)
{
    struct ws_buffer *assembly = parser->assembly;
    if (f->first & OPCODE) {
        parser->fragment_opcode = f->first & OPCODE;
        parser->fragment_deflated = f->first & RSV1;
        parser->checked = 0;
        assembly->len = 0;
    }
    int32_t result = ws_buffer_append(assembly, payload, f->len, parser->max_message);
    if (result != HAWSE_OK)
        return FAIL(parser, result, WS_CLOSE_INTERNAL,
                    "no memory for a fragmented message of at least %zu bytes",
                    assembly->len + f->len);
    bool last = f->first & FIN;
    bool text = parser->fragment_opcode == WS_TEXT && !parser->fragment_deflated;
    if (text && parser->check_text && check_fragment(parser, last) != WS_MESSAGE)
        return WS_ERROR;
    if (!last)
        return WS_NEED_MORE;
    uint8_t opcode = parser->fragment_opcode;
    parser->fragment_opcode = WS_CONTINUATION;
    if (parser->fragment_deflated)
        return take_deflated(parser, opcode, assembly->data, assembly->len, out);
    ws_buffer_seal(assembly);
    *out = (struct ws_message){.data = assembly->data, .len = assembly->len, .opcode = opcode};
    return WS_MESSAGE;
}

static inline enum ws_next take_frame(struct ws_parser *parser, const struct frame *f,
                                      const uint8_t *payload, struct ws_message *out)
{
    unsigned opcode = f->first & OPCODE;
    if (opcode == WS_CLOSE)
        return take_close(parser, payload, f->len, out);
    if (opcode == WS_CONTINUATION || !(f->first & FIN))
        return take_fragment(parser, f, payload, out);
    if (f->first & RSV1)
        return take_deflated(parser, (uint8_t)opcode, payload, f->len, out);
    *out = (struct ws_message){.data = payload, .len = f->len, .opcode = (uint8_t)opcode};
    return opcode == WS_TEXT ? check_text(parser, payload, f->len) : WS_MESSAGE;
}

enum ws_next ws_parser_next(struct ws_parser *parser, struct ws_input *in, struct ws_message *out)
{
    if (parser->state != OPEN)
        return parser->state == ENDED ? WS_ENDED : WS_ERROR;
    for (;;) {
        struct frame f;
        enum ws_next next = read_header(parser, in, &f);
        if (next != WS_MESSAGE)
            return next;
        size_t whole = f.head + f.len;
        if (in->len < whole) {
            in->need = whole;
            return WS_NEED_MORE;
        }
        const uint8_t *payload = in->data + f.head;
        in->data += whole;
        in->len -= whole;
        next = take_frame(parser, &f, payload, out);
        if (next != WS_NEED_MORE)
            return next;
    }
}
