/*
 * The first byte chooses the limit and the size of pieces; the rest is a server's answer to a POST.
 * Fed whole and in pieces it must be the same answer, or refused alike; its body lies inside what
 * came and is never above the limit.
 */
#include "net/http_post.h"

#include <hawse/types.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    int32_t code;
    struct http_answer answer;
    uint8_t *data;
    size_t len;
};

static void require(bool truth)
{
    if (!truth)
        abort();
}

static struct seen feed(const uint8_t *data, size_t size, size_t piece, size_t limit)
{
    struct seen s = {.code = HAWSE_E_AGAIN, .data = malloc(size + 1)};
    struct ws_failure f = {0};
    require(s.data != NULL);
    for (size_t fed = 0; s.code == HAWSE_E_AGAIN && fed < size;) {
        size_t n = size - fed < piece ? size - fed : piece;
        memcpy(s.data + s.len, data + fed, n);
        s.len += n;
        fed += n;
        s.code = http_answer_read(&s.answer, s.data, &s.len, limit, &f);
        require(s.len <= fed);
    }
    require(s.code <= HAWSE_OK);
    if (s.code == HAWSE_OK) {
        require(s.answer.body_len <= limit);
        require(s.answer.head_len + s.answer.body_len <= s.len);
    }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t limit = data[0] & 128u ? 16 : 1 << 16, piece = (data[0] & 127u) + 1u;
    struct seen whole = feed(data + 1, size - 1, size, limit);
    struct seen parts = feed(data + 1, size - 1, piece, limit);
    require(whole.code == parts.code);
    if (whole.code == HAWSE_OK) {
        require(whole.answer.body_len == parts.answer.body_len);
        require(whole.answer.status == parts.answer.status);
        require(memcmp(whole.data + whole.answer.head_len, parts.data + parts.answer.head_len,
                       whole.answer.body_len) == 0);
    }
    free(whole.data);
    free(parts.data);
    return 0;
}
