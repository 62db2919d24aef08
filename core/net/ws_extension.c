/*
 * Reads the server's choice of extensions, one parameter at a time. Refuses whatever was not
 * offered, stands twice, or has a value it must not have: a guess would only show later, as noise
 * in the stream. Owns nothing.
 */
#include "net/ws_extension.h"

#include "net/ws_http.h"

#include <hawse/types.h>

/* The rest of the header; `bad` after a syntax error. */
struct cursor {
    struct ws_span rest;
    bool bad;
};

enum {
    SERVER_FORGETS = 1,
    CLIENT_FORGETS = 2,
    SERVER_WINDOW = 4,
    CLIENT_WINDOW = 8,
};

static void skip_space(struct cursor *c)
{
    while (c->rest.len > 0 && (c->rest.at[0] == ' ' || c->rest.at[0] == '\t'))
        c->rest = ws_span_from(c->rest, 1);
}

/* Takes this character, with the space around it. */
static bool take(struct cursor *c, char wanted)
{
    skip_space(c);
    if (c->rest.len == 0 || c->rest.at[0] != wanted)
        return false;
    c->rest = ws_span_from(c->rest, 1);
    skip_space(c);
    return true;
}

static struct ws_span take_token(struct cursor *c)
{
    struct ws_span token = {c->rest.at, 0};
    while (token.len < c->rest.len && ws_http_token_char(c->rest.at[token.len]))
        token.len++;
    c->bad = c->bad || token.len == 0;
    c->rest = ws_span_from(c->rest, token.len);
    return token;
}

/* "=8", or ="8": what is quoted must be a token too (RFC 6455, section 9.1). */
static struct ws_span take_value(struct cursor *c)
{
    if (!take(c, '='))
        return (struct ws_span){0};
    bool quoted = take(c, '"');
    struct ws_span value = take_token(c);
    if (quoted && !take(c, '"'))
        c->bad = true;
    return value;
}

/* 8 to 15 without leading zeros; 0 = anything else. */
static uint8_t window_bits(struct ws_span value)
{
    unsigned bits = 0;
    if (value.len == 0 || value.len > 2 || value.at[0] == '0')
        return 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return 0;
        bits = bits * 10 + (unsigned)(value.at[i] - '0');
    }
    return bits >= WS_WINDOW_BITS_MIN && bits <= WS_WINDOW_BITS_MAX ? (uint8_t)bits : 0;
}

/* Which parameter this is, and takes what it says; 0: none that is legal. */
static unsigned take_parameter(struct ws_deflate_agreed *agreed, struct ws_span name,
                               struct ws_span value)
{
    uint8_t bits = window_bits(value);
    if (ws_span_is(name, "server_no_context_takeover") && !value.at) {
        agreed->server_no_context_takeover = true;
        return SERVER_FORGETS;
    }
    if (ws_span_is(name, "client_no_context_takeover") && !value.at) {
        agreed->client_no_context_takeover = true;
        return CLIENT_FORGETS;
    }
    if (ws_span_is(name, "server_max_window_bits") && bits) {
        agreed->server_window_bits = bits;
        return SERVER_WINDOW;
    }
    if (ws_span_is(name, "client_max_window_bits") && bits) {
        agreed->client_window_bits = bits;
        return CLIENT_WINDOW;
    }
    return 0;
}

static int32_t refuse(struct ws_failure *failure, struct cursor *c, size_t len, const char *what)
{
    return ws_fail(failure, HAWSE_E_FORMAT, 0,
                   "Sec-WebSocket-Extensions of the answer, before byte %zu: %s", len - c->rest.len,
                   what);
}

int32_t ws_extension_read(const char *text, size_t len, struct ws_deflate_agreed *agreed,
                          struct ws_failure *failure)
{
    struct cursor c = {.rest = {text, len}};
    unsigned seen = 0;
    *agreed = (struct ws_deflate_agreed){.server_window_bits = WS_WINDOW_BITS_MAX,
                                         .client_window_bits = WS_WINDOW_BITS_MAX};
    skip_space(&c);
    if (!ws_span_is(take_token(&c), "permessage-deflate"))
        return refuse(failure, &c, len, "an extension that was not offered");
    while (take(&c, ';')) {
        struct ws_span name = take_token(&c);
        struct ws_span value = take_value(&c);
        unsigned which = c.bad ? 0 : take_parameter(agreed, name, value);
        if (which == 0)
            return refuse(failure, &c, len, "not a legal parameter of permessage-deflate");
        if (seen & which)
            return refuse(failure, &c, len, "the same parameter twice");
        seen |= which;
    }
    if (take(&c, ','))
        return refuse(failure, &c, len, "a second extension; one was offered");
    return c.rest.len == 0 ? HAWSE_OK : refuse(failure, &c, len, "bytes behind the extension");
}
