/*
 * Any bytes as a request: its canonical text is JSON again and says the same of itself, and what
 * may be kept of an answer keeps the rules. The first line is the method, the second the params,
 * the rest an answer.
 */
#include "rpc/question.h"

#include <hawse/hawse.h>
#include <hawse/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

static uint8_t *padded(const uint8_t *data, size_t len)
{
    uint8_t *text = calloc(1, len + HAWSE_PADDING);
    require(text != NULL);
    if (len > 0)
        memcpy(text, data, len);
    return text;
}

/* Reading the canonical params gives the same key and the same meaning. */
static void read_again(const char *method, size_t method_len, const struct question *q)
{
    struct question again;
    size_t len = q->key_len - method_len - 1;
    uint8_t *params = padded((const uint8_t *)q->key + method_len + 1, len);
    require(hawse_json_validate(params, len, NULL) == HAWSE_OK);
    require(question_read(method, method_len, params, len, &again) == HAWSE_OK);
    require(again.key_len == q->key_len && memcmp(again.key, q->key, q->key_len) == 0);
    require(again.at == q->at && again.height == q->height && again.kind == q->kind);
    question_finish(&again);
    free(params);
}

static void keep(const struct question *q, const uint8_t *answer, size_t len)
{
    struct question_keep k;
    const struct question_chain chain = {.head = 100, .confirmations = 12, .block_ms = 5000};
    if (!question_keeps(q, &chain, answer, len, &k))
        return;
    require(q->kind > QUESTION_READ && q->at != AT_PENDING && len > 0);
    require(k.ttl_ns <= 30000000000u);
    require(k.ttl_ns > 0 || k.height == QUESTION_PINNED || k.height <= 89);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *first = memchr(data, '\n', size);
    if (!first)
        return 0;
    size_t method_len = (size_t)(first - data), left = size - method_len - 1;
    const uint8_t *second = memchr(first + 1, '\n', left);
    size_t params_len = second ? (size_t)(second - first - 1) : left;
    uint8_t *params = padded(first + 1, params_len);
    size_t answer_len = second ? left - params_len - 1 : 0;
    uint8_t *answer = padded(second ? second + 1 : data, answer_len);
    struct question q;
    if (question_read((const char *)data, method_len, params, params_len, &q) == HAWSE_OK) {
        read_again((const char *)data, method_len, &q);
        if (hawse_json_validate(answer, answer_len, NULL) == HAWSE_OK)
            keep(&q, answer, answer_len);
        question_finish(&q);
    }
    free(params);
    free(answer);
    return 0;
}
