/* The opening handshake: what is asked, what answers open the connection, what refuses, and why. */
#include "harness.h"
#include "net/ws_handshake.h"

#include <hawse/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The example of RFC 6455, section 1.3: this key, this accept. */
#define KEY    "the sample nonce"
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define HEAD(rest) \
    "HTTP/1.1 101 Switching Protocols\r\n" rest "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static struct ws_handshake_options sample(const char *url)
{
    struct ws_handshake_options o = {.url = url};
    memcpy(o.key, KEY, sizeof(o.key));
    return o;
}

static const char *request(const struct ws_handshake_options *o)
{
    static char out[4096];
    struct ws_handshake hs;
    size_t len;
    int32_t result = ws_handshake_begin(&hs, o, (uint8_t *)out, sizeof(out) - 1, &len);
    if (result != HAWSE_OK)
        FAIL("refused: %s", hs.failure.text);
    out[len] = '\0';
    return out;
}

static void refused(const struct ws_handshake_options *o, const char *words)
{
    uint8_t out[4096];
    struct ws_handshake hs;
    size_t len = 77;
    CHECK_EQ(ws_handshake_begin(&hs, o, out, sizeof(out), &len), HAWSE_E_INVAL);
    CHECK_EQ(len, 0);
    if (!strstr(hs.failure.text, words))
        FAIL("\"%s\" does not say \"%s\"", hs.failure.text, words);
}

static void refused_header(const char *name, const char *value, const char *words)
{
    char n[64], v[64];
    (void)snprintf(n, sizeof(n), "%s", name);
    (void)snprintf(v, sizeof(v), "%s", value);
    struct config_header header = {n, v};
    struct ws_handshake_options o = sample("ws://example.org/");
    o.headers = &header;
    o.header_count = 1;
    refused(&o, words);
}

/* Feeds an answer, whole or byte by byte from an allocation of exactly its size. */
static int32_t answer(struct ws_handshake *hs, const struct ws_handshake_options *o,
                      const char *text, size_t len, bool bytewise, size_t *consumed)
{
    uint8_t out[4096];
    size_t sent;
    int32_t result = ws_handshake_begin(hs, o, out, sizeof(out), &sent);
    CHECK_EQ(result, HAWSE_OK);
    result = HAWSE_E_AGAIN;
    for (size_t n = bytewise ? 0 : len; n <= len && result == HAWSE_E_AGAIN; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        CHECK(copy != NULL);
        memcpy(copy, text, n);
        result = ws_handshake_read(hs, copy, n, consumed);
        free(copy);
    }
    return result;
}

/* Judges an answer in both ways, which must agree. */
static struct ws_handshake judged(const struct ws_handshake_options *o, const char *text,
                                  int32_t want)
{
    struct ws_handshake hs, slow;
    size_t consumed = 0, slow_consumed = 0;
    int32_t result = answer(&hs, o, text, strlen(text), false, &consumed);
    CHECK_EQ(answer(&slow, o, text, strlen(text), true, &slow_consumed), result);
    if (result != want)
        FAIL("%d, expected %d: %s", result, want, hs.failure.text);
    CHECK_EQ(consumed, slow_consumed);
    if (result == HAWSE_OK)
        CHECK_EQ(consumed, strstr(text, "\r\n\r\n") + 4 - text);
    else if (hs.status == 0 || hs.status == 101) /* else the body's excerpt may differ */
        CHECK_STR(slow.failure.text, hs.failure.text);
    return hs;
}

static void bad_answer(const struct ws_handshake_options *o, const char *text, const char *words)
{
    struct ws_handshake hs = judged(o, text, HAWSE_E_FORMAT);
    if (!strstr(hs.failure.text, words))
        FAIL("\"%s\" does not say \"%s\"", hs.failure.text, words);
}

TEST(request, "the request is the one of the RFC, with what was asked for and nothing else")
{
    struct ws_handshake_options o = sample("ws://server.example.com/chat?x=1#part");
    CHECK_STR(request(&o), "GET /chat?x=1 HTTP/1.1\r\n"
                           "Host: server.example.com\r\n"
                           "Upgrade: websocket\r\n"
                           "Connection: Upgrade\r\n"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           "Sec-WebSocket-Version: 13\r\n\r\n");
    char origin[] = "Origin", site[] = "https://example.org", key[] = "X-Key", value[] = "a b\tc";
    struct config_header headers[] = {{origin, site}, {key, value}};
    o.url = "wss://[::1]:8443?q";
    o.protocols = "chat, superchat";
    o.offer_deflate = true;
    o.headers = headers;
    o.header_count = 2;
    CHECK_STR(request(&o),
              "GET /?q HTTP/1.1\r\n"
              "Host: [::1]:8443\r\n"
              "Upgrade: websocket\r\n"
              "Connection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Sec-WebSocket-Version: 13\r\n"
              "Sec-WebSocket-Protocol: chat, superchat\r\n"
              "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
              "Origin: https://example.org\r\n"
              "X-Key: a b\tc\r\n\r\n");
}

TEST(host, "the Host header leaves out the scheme's own port and the credentials")
{
    static const struct {
        const char *url, *line;
    } cases[] = {
        {"ws://a.example", "Host: a.example\r\n"},
        {"ws://a.example:80/", "Host: a.example\r\n"},
        {"wss://a.example:443/", "Host: a.example\r\n"},
        {"ws://a.example:443/", "Host: a.example:443\r\n"},
        {"WSS://a.example:80/", "Host: a.example:80\r\n"},
        {"ws://u:p@a.example:8546/x@y", "Host: a.example:8546\r\n"},
        {"ws://127.0.0.1:8546", "Host: 127.0.0.1:8546\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ws_handshake_options o = sample(cases[i].url);
        const char *found = strstr(request(&o), "Host: ");
        CHECK(found != NULL);
        CHECK_MEM(found, cases[i].line, strlen(cases[i].line));
    }
}

TEST(credentials, "user and password of the URL become Basic authorization, unless one was given")
{
    struct ws_handshake_options o = sample("wss://Aladdin:open%20sesame@a.example/");
    CHECK(strstr(request(&o), "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
    o.url = "wss://u@a.example/";
    CHECK(strstr(request(&o), "\r\nAuthorization: Basic dTo=\r\n"));
    char name[] = "authorization", value[] = "Bearer x";
    struct config_header header = {name, value};
    o.headers = &header;
    o.header_count = 1;
    CHECK(strstr(request(&o), "\r\nauthorization: Bearer x\r\n"));
    CHECK(!strstr(request(&o), "Basic"));
    char url[400];
    (void)snprintf(url, sizeof(url), "ws://%0*d@a.example/", 300, 7);
    o = sample(url);
    refused(&o, "300 characters");
}

TEST(injection, "no part of the URL, of a header or of the offer becomes a line of its own")
{
    struct ws_handshake_options o = sample("ws://a.example/\r\nX: y");
    refused(&o, "path holds byte 0x0d at offset 1");
    o.url = "ws://a.example/a b";
    refused(&o, "path holds byte 0x20");
    o.url = "ws://a.example/\xc3\xa9";
    refused(&o, "path holds byte 0xc3");
    o.url = "ws://a\n.example/";
    refused(&o, "host holds byte 0x0a");
    o.url = "ws://u:p\r\n@a.example/"; /* coded, so harmless */
    CHECK(strstr(request(&o), "Authorization: Basic dTpwDQo=\r\n"));
    o = sample("ws://a.example/");
    o.protocols = "chat\r\nX: y";
    refused(&o, "subprotocol");
    o.protocols = "chat, chat";
    refused(&o, "subprotocol");
    refused_header("X-A", "1\r\nX-B: 2", "X-A holds a line break");
    refused_header("X-A", "1\n2", "X-A holds a line break");
    refused_header("X-A", "1\r2", "X-A holds a line break");
    refused_header("X-A", "1\x7f", "X-A holds a line break");
    refused_header("X-A\r\nX-B", "1", "name of header 1");
    refused_header("X A", "1", "name of header 1");
    refused_header("", "1", "name of header 1");
    refused_header("X-A:", "1", "name of header 1");
}

TEST(own_headers, "a header that the handshake writes itself cannot be given from outside")
{
    static const char *const names[] = {"host",           "UPGRADE",
                                        "Connection",     "Sec-WebSocket-Key",
                                        "Content-Length", "sec-websocket-extensions"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        refused_header(names[i], "1", "written by the handshake itself");
}

TEST(bad_url, "an address that is not one is refused")
{
    static const char *const urls[] = {
        "http://a.example/", "a.example", "",           "ws:/a", "ws://",
        "ws:///path",        "ws://:80/", "wss://u:p@/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct ws_handshake_options o = sample(urls[i]);
        refused(&o, "the URL");
    }
}

TEST(small_buffer, "a request that does not fit is refused at every size, and never overruns")
{
    char name[] = "X", value[] = "y";
    struct config_header header = {name, value};
    struct ws_handshake_options o = sample("ws://u:p@a.example/");
    o.headers = &header;
    o.header_count = 1;
    o.protocols = "p";
    o.offer_deflate = true;
    size_t whole = strlen(request(&o)), len;
    for (size_t cap = 0; cap <= whole; cap++) {
        struct ws_handshake hs;
        uint8_t *out = malloc(cap ? cap : 1);
        CHECK_EQ(ws_handshake_begin(&hs, &o, out, cap, &len),
                 cap == whole ? HAWSE_OK : HAWSE_E_NOSPACE);
        free(out);
    }
}

TEST(upgraded, "the answer of the RFC opens the connection, in any case and order of headers")
{
    static const char *const answers[] = {
        HEAD(UPGRADE),
        HEAD("upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n"),
        HEAD("CONNECTION:upgrade\r\nUPGRADE:websocket  \r\nServer: x\r\n"),
        HEAD("Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade:\twebsocket\t\r\nX:\r\n"),
        "HTTP/1.1 101\r\nsec-websocket-accept: " ACCEPT "\r\n" UPGRADE "\r\n",
        "HTTP/1.1 101 \r\nSEC-WEBSOCKET-ACCEPT:" ACCEPT " \r\n" UPGRADE "\r\n",
    };
    struct ws_handshake_options o = sample("ws://a.example/");
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct ws_handshake hs = judged(&o, answers[i], HAWSE_OK);
        CHECK_EQ(hs.status, 101);
        CHECK(!hs.deflate_agreed);
        CHECK_STR(hs.protocol, "");
    }
}

TEST(glued, "bytes behind the answer's head are left for the first frame")
{
    static const char text[] = HEAD(UPGRADE) "\x81\x02hi\r\n\r\n";
    struct ws_handshake_options o = sample("ws://a.example/");
    (void)judged(&o, text, HAWSE_OK);
}

TEST(incomplete, "an answer whose head has not ended is waited for")
{
    static const char text[] = HEAD(UPGRADE);
    struct ws_handshake_options o = sample("ws://a.example/");
    struct ws_handshake hs;
    size_t consumed = 1;
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        CHECK_EQ(answer(&hs, &o, text, len, false, &consumed), HAWSE_E_AGAIN);
        CHECK_EQ(consumed, 0);
    }
}

TEST(not_upgraded, "an answer that lacks or falsifies a part of the upgrade is refused")
{
    struct ws_handshake_options o = sample("ws://a.example/");
    static const struct {
        const char *text, *words;
    } cases[] = {
        {HEAD("Connection: Upgrade\r\n"), "without \"Upgrade: websocket\""},
        {HEAD("Upgrade: h2c\r\nConnection: Upgrade\r\n"), "other than"},
        {HEAD("Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n"), "other than"},
        {HEAD("Upgrade: websocket\r\n"), "without \"Connection: Upgrade\""},
        {HEAD("Upgrade: websocket\r\nConnection: keep-alive\r\n"), "without \"Connection"},
        {HEAD("Upgrade: websocket\r\nConnection: upgraded\r\n"), "without \"Connection"},
        {"HTTP/1.1 101 x\r\n" UPGRADE "\r\n", "without Sec-WebSocket-Accept"},
        {"HTTP/1.1 101 x\r\n" UPGRADE "Sec-WebSocket-Accept: \r\n\r\n", "not the answer"},
        {"HTTP/1.1 101 x\r\n" UPGRADE "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
         "not the answer"},
        {"HTTP/1.1 101 x\r\n" UPGRADE "Sec-WebSocket-Accept: " ACCEPT "=\r\n\r\n",
         "not the answer"},
        {HEAD(UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\n"), "two Sec-WebSocket-Accept"},
        {HEAD(UPGRADE "Upgrade: websocket\r\n"), "two Upgrade"},
        {HEAD(UPGRADE "Sec-WebSocket-Protocol: chat\r\n"), "subprotocol \"chat\""},
        {HEAD(UPGRADE "Sec-WebSocket-Extensions: permessage-deflate\r\n"), "none was offered"},
        {"HTTP/1.0 101 x\r\n" UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n", "HTTP/1.0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        bad_answer(&o, cases[i].text, cases[i].words);
}

TEST(malformed, "what is not strictly an HTTP answer is refused, with the place")
{
    struct ws_handshake_options o = sample("ws://a.example/");
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"\x15\x03\x01", "looks like TLS"},
        {"SSH-2.0-OpenSSH\r\n", "byte 0x53 at offset 0"},
        {"HTTP/2 200\r\n\r\n", "byte 0x32 at offset 5"},
        {"HTTP/1.2 101 x\r\n\r\n", "first line"},
        {"HTTP/1.1 1o1 x\r\n\r\n", "first line"},
        {"HTTP/1.1 099 x\r\n\r\n", "first line"},
        {"HTTP/1.1 1011 x\r\n\r\n", "first line"},
        {"HTTP/1.1\r\n\r\n", "first line"},
        {"HTTP/1.1 101 x\nA: b\n\n", "LF without CR, at offset 14"},
        {HEAD(UPGRADE "X: a\r\n b\r\n"), "line 5 of the answer continues"},
        {HEAD(UPGRADE "X: a\r\n\tb\r\n"), "line 5 of the answer continues"},
        {HEAD(UPGRADE "X: a\rb\r\n"), "line 4 of the answer holds a control"},
        {HEAD("X: a\x01\r\n" UPGRADE), "line 2 of the answer holds a control"},
        {HEAD("no colon\r\n" UPGRADE), "line 2 of the answer has no colon"},
        {HEAD("X : a\r\n" UPGRADE), "line 2 of the answer: illegal"},
        {HEAD(": a\r\n" UPGRADE), "line 2 of the answer: illegal"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        bad_answer(&o, cases[i].text, cases[i].words);
    static const char with_nul[] = "HTTP/1.1 101 x\r\nA: \0\r\n\r\n";
    struct ws_handshake hs;
    size_t consumed;
    CHECK_EQ(answer(&hs, &o, with_nul, sizeof(with_nul) - 1, true, &consumed), HAWSE_E_FORMAT);
}

TEST(too_long, "a head above 16 KiB is refused, one of exactly 16 KiB is read")
{
    struct ws_handshake_options o = sample("ws://a.example/");
    static const char head[] =
        "HTTP/1.1 101 x\r\n" UPGRADE "Sec-WebSocket-Accept: " ACCEPT "\r\nX: ";
    static char text[WS_HANDSHAKE_MAX + 64];
    struct ws_handshake hs;
    size_t consumed;
    for (int extra = -1; extra <= 1; extra++) {
        size_t len = (size_t)(WS_HANDSHAKE_MAX + extra);
        memset(text, 'x', sizeof(text));
        memcpy(text, head, sizeof(head) - 1);
        memcpy(text + len - 4, "\r\n\r\n", 4);
        int32_t want = extra <= 0 ? HAWSE_OK : HAWSE_E_LIMIT;
        CHECK_EQ(answer(&hs, &o, text, len, false, &consumed), want);
        CHECK_EQ(answer(&hs, &o, text, len, true, &consumed), want);
        CHECK_EQ(answer(&hs, &o, text, len + 40, false, &consumed), want);
    }
    CHECK(strstr(hs.failure.text, "above 16384 bytes"));
}

TEST(statuses, "a status other than 101 is told with its retry time, its place or its body")
{
    struct ws_handshake_options o = sample("ws://a.example/");
    static const struct {
        const char *text;
        int32_t code;
        unsigned status;
        uint64_t retry_ms;
        const char *words;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", HAWSE_E_REMOTE, 200, 0, "HTTP 200 OK instead"},
        {"HTTP/1.1 301 Moved\r\nLocation: https://b.example/\r\n\r\n", HAWSE_E_REMOTE, 301, 0,
         "moved to https://b.example/; redirects are not followed"},
        {"HTTP/1.1 401 Unauthorized\r\n\r\nbad key\n", HAWSE_E_DENIED, 401, 0, ": bad key"},
        {"HTTP/1.0 403\r\n\r\n", HAWSE_E_DENIED, 403, 0, "HTTP 403 instead"},
        {"HTTP/1.1 429 Slow\r\nretry-after: 7\r\n\r\ncalm\x1b[1m", HAWSE_E_REMOTE, 429, 7000,
         "retry after 7 s: calm [1m"},
        {"HTTP/1.1 503 x\r\nRetry-After: 99999999999999999999999\r\n\r\n", HAWSE_E_REMOTE, 503,
         86400000, "retry after 86400 s"},
        {"HTTP/1.1 503 x\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n", HAWSE_E_REMOTE,
         503, 0, "HTTP 503 x instead of an upgrade"},
        {"HTTP/1.1 100 Continue\r\n\r\n", HAWSE_E_REMOTE, 100, 0, "HTTP 100"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ws_handshake hs;
        size_t consumed;
        CHECK_EQ(answer(&hs, &o, cases[i].text, strlen(cases[i].text), false, &consumed),
                 cases[i].code);
        CHECK_EQ(hs.status, cases[i].status);
        CHECK_EQ_U64(hs.retry_after_ms, cases[i].retry_ms);
        if (!strstr(hs.failure.text, cases[i].words))
            FAIL("\"%s\" does not say \"%s\"", hs.failure.text, cases[i].words);
    }
}

TEST(subprotocol, "the server may choose one subprotocol of the offer, letter for letter, or none")
{
    struct ws_handshake_options o = sample("ws://a.example/");
    o.protocols = "graphql-ws, v2.json";
    struct ws_handshake hs =
        judged(&o, HEAD(UPGRADE "Sec-WebSocket-Protocol: v2.json\r\n"), HAWSE_OK);
    CHECK_STR(hs.protocol, "v2.json");
    hs = judged(&o, HEAD(UPGRADE), HAWSE_OK);
    CHECK_STR(hs.protocol, "");
    bad_answer(&o, HEAD(UPGRADE "Sec-WebSocket-Protocol: V2.json\r\n"), "not offered");
    bad_answer(&o, HEAD(UPGRADE "Sec-WebSocket-Protocol: v2\r\n"), "not offered");
    bad_answer(&o, HEAD(UPGRADE "Sec-WebSocket-Protocol:\r\n"), "not offered");
    bad_answer(&o, HEAD(UPGRADE "Sec-WebSocket-Protocol: graphql-ws, v2.json\r\n"), "not offered");
    bad_answer(&o,
               HEAD(UPGRADE "Sec-WebSocket-Protocol: v2.json\r\n"
                            "sec-websocket-protocol: v2.json\r\n"),
               "two Sec-WebSocket-Protocol");
}

static struct ws_handshake extension(const char *reply, int32_t want)
{
    struct ws_handshake_options o = sample("ws://a.example/");
    char text[512];
    o.offer_deflate = true;
    (void)snprintf(text, sizeof(text), HEAD(UPGRADE "Sec-WebSocket-Extensions: %s\r\n"), reply);
    struct ws_handshake hs = judged(&o, text, want);
    CHECK_EQ(hs.deflate_agreed, want == HAWSE_OK);
    return hs;
}

TEST(deflate_agreed, "a legal reply to the offer of permessage-deflate is taken as it says")
{
    struct ws_handshake hs = extension("permessage-deflate", HAWSE_OK);
    CHECK_EQ(hs.deflate.server_window_bits, 15);
    CHECK_EQ(hs.deflate.client_window_bits, 15);
    CHECK(!hs.deflate.server_no_context_takeover && !hs.deflate.client_no_context_takeover);
    hs = extension("Permessage-Deflate ; SERVER_no_context_takeover;client_no_context_takeover ;"
                   "server_max_window_bits = 8; client_max_window_bits=\"12\"",
                   HAWSE_OK);
    CHECK_EQ(hs.deflate.server_window_bits, 8);
    CHECK_EQ(hs.deflate.client_window_bits, 12);
    CHECK(hs.deflate.server_no_context_takeover && hs.deflate.client_no_context_takeover);
    struct ws_handshake_options o = sample("ws://a.example/");
    o.offer_deflate = true;
    hs = judged(&o, HEAD(UPGRADE), HAWSE_OK); /* declined */
    CHECK(!hs.deflate_agreed);
}

TEST(deflate_refused, "any other reply is refused")
{
    static const char *const replies[] = {
        "",
        "x-webkit-deflate-frame",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate, foo",
        "foo permessage-deflate",
        "permessage-deflate foo",
        "permessage-deflate;",
        "permessage-deflate; foo",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=1x",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate; server_max_window_bits=\"10",
        "permessage-deflate; server_max_window_bits=\"\"",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
    };
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct ws_handshake hs = extension(replies[i], HAWSE_E_FORMAT);
        CHECK(strstr(hs.failure.text, "Sec-WebSocket-Extensions"));
    }
}

TEST(secrets, "no error repeats what the URL or a header holds")
{
    struct ws_handshake_options o = sample("ws://user:hunter2@a.example/v1/hunter2 x");
    uint8_t out[4096];
    struct ws_handshake hs;
    size_t len;
    char name[] = "X-Key", value[] = "hunter2\n";
    struct config_header header = {name, value};
    CHECK_EQ(ws_handshake_begin(&hs, &o, out, sizeof(out), &len), HAWSE_E_INVAL);
    CHECK(!strstr(hs.failure.text, "hunter2"));
    o.url = "ws://a.example/";
    o.headers = &header;
    o.header_count = 1;
    CHECK_EQ(ws_handshake_begin(&hs, &o, out, sizeof(out), &len), HAWSE_E_INVAL);
    CHECK(!strstr(hs.failure.text, "hunter2"));
}
