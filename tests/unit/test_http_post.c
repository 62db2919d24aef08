/* The head of a POST, and answers as they arrive in pieces: see core/net/http_post.h. */
#include "harness.h"
#include "net/http_post.h"

#include <hawse/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t head(const char *url, const struct config_header *headers, size_t n, char *out,
                    struct ws_failure *failure)
{
    size_t len = 0;
    int32_t code = http_post_head(url, headers, n, out, 512, &len, failure);
    out[len] = '\0';
    return code;
}

TEST(post_head, "the head has path, host, the operator's headers and the URL's user, each once")
{
    char text[513];
    struct ws_failure f = {0};
    struct config_header headers[] = {{"X-Key", "secret"}, {"content-type", "application/x"}};
    CHECK_EQ(head("https://node.example:443/v1/KEY?a=b#c", NULL, 0, text, &f), HAWSE_OK);
    CHECK_STR(text, "POST /v1/KEY?a=b HTTP/1.1\r\nHost: node.example\r\nAccept: */*\r\n"
                    "Content-Type: application/json\r\nContent-Length: ");
    CHECK_EQ(head("http://u:p%40@[::1]:8545", headers, 2, text, &f), HAWSE_OK);
    CHECK_STR(text, "POST / HTTP/1.1\r\nHost: [::1]:8545\r\nAccept: */*\r\nX-Key: secret\r\n"
                    "content-type: application/x\r\nAuthorization: Basic dTpwQA==\r\n"
                    "Content-Length: ");
}

TEST(post_head_refused, "what could become a line of its own, or is written by us, is refused")
{
    char text[513];
    struct ws_failure f = {0};
    CHECK_EQ(head("ws://node.example", NULL, 0, text, &f), HAWSE_E_INVAL);
    CHECK_EQ(head("httpx://node.example", NULL, 0, text, &f), HAWSE_E_INVAL);
    CHECK_EQ(head("http://node.example/a\r\nb", NULL, 0, text, &f), HAWSE_E_INVAL);
    CHECK_EQ(
        head("http://node.example", &(struct config_header){"Content-Length", "1"}, 1, text, &f),
        HAWSE_E_INVAL);
    CHECK_EQ(head("http://node.example", &(struct config_header){"X", "a\r\nb"}, 1, text, &f),
             HAWSE_E_INVAL);
    char url[600];
    (void)snprintf(url, sizeof(url), "http://node.example/%0550d", 1);
    CHECK_EQ(head(url, NULL, 0, text, &f), HAWSE_E_NOSPACE);
}

struct seen {
    int32_t code;
    size_t fed; /* bytes until it was decided */
    struct http_answer answer;
    char body[256];
    size_t behind;
};

/* Feeds the text so many bytes at a time. */
static struct seen feed(const char *text, size_t piece, size_t limit)
{
    struct seen s = {.code = HAWSE_E_AGAIN};
    struct ws_failure f = {0};
    size_t all = strlen(text), len = 0;
    uint8_t *data = malloc(all + 1);
    while (s.code == HAWSE_E_AGAIN && s.fed < all) {
        size_t n = all - s.fed < piece ? all - s.fed : piece;
        memcpy(data + len, text + s.fed, n);
        len += n;
        s.fed += n;
        s.code = http_answer_read(&s.answer, data, &len, limit, &f);
    }
    if (s.code == HAWSE_OK) {
        (void)snprintf(s.body, sizeof(s.body), "%.*s", (int)s.answer.body_len,
                       (const char *)data + s.answer.head_len);
        s.behind = len - s.answer.head_len - s.answer.body_len;
    }
    free(data);
    return s;
}

TEST(post_answers, "an answer is the same in whatever pieces it arrives")
{
    static const struct {
        const char *text, *body;
        unsigned status;
        bool stays;
        size_t behind;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, true, 0},
        {"HTTP/1.1 429 No\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n", "", 429, true, 0},
        {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 1\r\n\r\na", "a", 200, false,
         0},
        {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a", 200, false, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5;a=b\r\npedia\r\n"
         "0\r\nX: y\r\n\r\n",
         "Wikipedia", 200, true, 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n00a\r\n0123456789\r\n0\r\n\r\n",
         "0123456789", 200, true, 0},
        {"HTTP/1.1 500 No\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\nno", "no", 500,
         true, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece < strlen(cases[i].text) + 1; piece++) {
            struct seen s = feed(cases[i].text, piece, 100);
            CHECK_EQ(s.code, HAWSE_OK);
            CHECK_EQ_U64(s.fed, strlen(cases[i].text)); /* not before its end */
            CHECK_STR(s.body, cases[i].body);
            CHECK_EQ(s.answer.status, cases[i].status);
            CHECK_EQ(s.answer.stays, cases[i].stays);
            CHECK_EQ_U64(s.behind, 0);
        }
    }
    CHECK_EQ(feed(cases[1].text, 100, 100).answer.retry_after_ms, 2000);
    CHECK_EQ_U64(feed("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", 99, 9).behind, 2);
    CHECK_EQ_U64(
        feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\nxyz", 99, 9)
            .behind,
        3);
}

TEST(post_answers_refused, "what is not the plain case, or no answer, is refused as what it is")
{
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
    static const struct {
        const char *text;
        int32_t code;
    } cases[] = {
        {OK_HEAD "\r\nhello", HAWSE_E_UNSUPPORTED},
        {"HTTP/1.1 100 Continue\r\n\r\n", HAWSE_E_UNSUPPORTED},
        {"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", HAWSE_E_UNSUPPORTED},
        {OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab", HAWSE_E_UNSUPPORTED},
        {OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", HAWSE_E_UNSUPPORTED},
        {OK_HEAD "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", HAWSE_E_FORMAT},
        {OK_HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", HAWSE_E_FORMAT},
        {OK_HEAD "Content-Length: +2\r\n\r\nab", HAWSE_E_FORMAT},
        {OK_HEAD "Content-Length: \r\n\r\nab", HAWSE_E_FORMAT},
        {OK_HEAD "Content-Length: 99999999999999999999\r\n\r\n", HAWSE_E_FORMAT},
        {OK_HEAD "Content-Length: 101\r\n\r\n", HAWSE_E_LIMIT},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n65\r\n", HAWSE_E_LIMIT},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffff\r\n", HAWSE_E_LIMIT},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffff\r\n", HAWSE_E_FORMAT},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\n", HAWSE_E_FORMAT},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n\r\n", HAWSE_E_FORMAT},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\nab", HAWSE_E_FORMAT},
        {OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", HAWSE_E_FORMAT},
        {"ICY 200 OK\r\n\r\n", HAWSE_E_FORMAT},
        {OK_HEAD "Content-Length : 2\r\n\r\nab", HAWSE_E_FORMAT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t piece = 1; piece < strlen(cases[i].text) + 1; piece++) {
            int32_t code = feed(cases[i].text, piece, 100).code;
            if (code != cases[i].code)
                FAIL("%s, %zu at a time: %d, expected %d", cases[i].text, piece, code,
                     cases[i].code);
        }
    }
}
