/*
 * What an answer of a provider means: a result, a verdict, or a failure of some class; see
 * failure.h for the classes. Changes nothing at the provider or the call.
 */
#include "rpc/pool_private.h"

#include <hawse/hex.h>
#include <hawse/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer *answer_hold(struct answer *a)
{
    if (a)
        __atomic_add_fetch(&a->refs, 1, __ATOMIC_RELAXED);
    return a;
}

void answer_drop(struct answer *a)
{
    if (!a || __atomic_sub_fetch(&a->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    free(a->block);
    free(a);
}

/* Takes the block. */
static struct answer *answer_new(uint8_t *block)
{
    struct answer *a = calloc(1, sizeof(*a));
    if (!a) {
        free(block);
        return NULL;
    }
    a->refs = 1;
    a->block = block;
    return a;
}

/* Without memory the words are left out; what happened still stands in status and class. */
static void set_text(struct outcome *out, const void *text, size_t len)
{
    uint8_t *block = calloc(1, len + HAWSE_PADDING);
    out->body = (const uint8_t *)"";
    out->len = 0;
    out->answer = block ? answer_new(block) : NULL;
    if (!out->answer)
        return;
    memcpy(block, text, len);
    out->body = block;
    out->len = len;
}

void outcome_words(struct outcome *out, int32_t status, enum rpc_class class, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    *out = (struct outcome){.known = true, .status = status, .class = class, .provider = ""};
    set_text(out, text, n > 0 ? strnlen(text, sizeof(text)) : 0);
}

/* ---- errors ---- */

static enum rpc_class classify(const struct attempt *a, const struct http_result *r,
                               enum rpc_form form)
{
    struct rpc_answer answer = {.form = form,
                                .http_status = (int)r->http_status,
                                .method = a->call ? a->call->method
                                                  : probe_method(a->provider->pool, a->kind)};
    uint32_t marks[512];
    hawse_json_t doc;
    hawse_json_value_t root, v;
    answer.method_len = a->call ? a->call->method_len : strlen(answer.method);
    if (form == RPC_FORM_ERROR && r->status == HAWSE_E_REMOTE &&
        hawse_json_index(&doc, r->body, r->body_len, marks, 512) == HAWSE_OK &&
        hawse_json_root(&doc, &root) == HAWSE_OK) {
        answer.has_code = hawse_json_get(&doc, &root, "code", &v) == HAWSE_OK &&
                          hawse_json_i64(&v, &answer.code) == HAWSE_OK;
        if (hawse_json_get(&doc, &root, "message", &v) == HAWSE_OK && v.kind == HAWSE_JSON_STRING) {
            answer.message = (const char *)v.data;
            answer.message_len = v.len;
        }
    }
    return rpc_classify(&answer);
}

static void read_failure(const struct attempt *a, const struct http_result *r, struct outcome *out)
{
    enum rpc_form form = r->status == HAWSE_E_REMOTE    ? RPC_FORM_ERROR
                         : r->status == HAWSE_E_TIMEOUT ? RPC_FORM_TIMEOUT
                         : r->http_status == 0          ? RPC_FORM_BROKEN
                                                        : RPC_FORM_UNREADABLE;
    out->status = r->status == HAWSE_E_FORMAT ? HAWSE_E_IO : r->status;
    out->class = r->status == HAWSE_E_LIMIT ? RPC_RESPONSE_TOO_LARGE : classify(a, r, form);
    if (r->status == HAWSE_E_REMOTE) {
        uint32_t backoff = rpc_backoff_ms(r->body, r->body_len);
        out->retry_after_ms = backoff > out->retry_after_ms ? backoff : out->retry_after_ms;
    }
    set_text(out, r->body, r->body_len);
}

/* ---- results ---- */

/* The number of a block, from the block. */
static uint64_t number_of(const uint8_t *body, size_t len)
{
    hawse_json_t doc;
    hawse_json_value_t root, number;
    uint64_t n = 0;
    uint32_t *marks = malloc((len + 1) * sizeof(marks[0]));
    if (marks && hawse_json_index(&doc, body, len, marks, (uint32_t)len + 1) == HAWSE_OK &&
        hawse_json_root(&doc, &root) == HAWSE_OK && root.kind == HAWSE_JSON_OBJECT &&
        hawse_json_get(&doc, &root, "number", &number) == HAWSE_OK &&
        number.kind == HAWSE_JSON_STRING && hawse_hex_u64(number.data, number.len, &n) != HAWSE_OK)
        n = 0;
    free(marks);
    return n;
}

/* The head that an answer tells; 0 = none. */
static uint64_t head_of(const struct attempt *a, const uint8_t *body, size_t len)
{
    const struct call *call = a->call;
    if (a->kind == ATTEMPT_HEAD || (call && call->question.kind == QUESTION_HEAD))
        return probe_head(a->provider->pool, body, len);
    return call && call->question.kind == QUESTION_BLOCK && call->question.at == AT_LATEST
               ? number_of(body, len)
               : 0;
}

/* Old or empty where there should be more: another provider is asked, and this is what is told when
 * none knows better. */
static bool is_soft(const struct attempt *a, const struct outcome *o)
{
    const struct call *call = a->call;
    const struct pool *pool = a->provider->pool;
    if (!call)
        return false;
    if (o->head > 0)
        return o->head < pool->head || o->head < call->min_head;
    if (o->len != 4 || memcmp(o->body, "null", 4) != 0)
        return false;
    if (call->question.at == AT_NUMBER && pool->head > 0 && call->question.height > pool->head)
        return false; /* there is no such block yet */
    return question_null_is_missing(&call->question, call->method, call->method_len);
}

/* The block in which the body lies: the request's own, or a copy of what a WebSocket shows. */
static uint8_t *take_body(const struct attempt *a, const struct http_result *r,
                          const uint8_t **body)
{
    if (a->request)
        return http_take_body(a->request);
    uint8_t *copy = malloc(r->body_len + HAWSE_PADDING);
    if (!copy)
        return NULL;
    memcpy(copy, r->body, r->body_len);
    memset(copy + r->body_len, 0, HAWSE_PADDING);
    *body = copy;
    return copy;
}

void outcome_read(const struct attempt *a, const struct http_result *r, struct outcome *out)
{
    *out = (struct outcome){.known = true,
                            .status = r->status,
                            .rpc_code = r->rpc_code,
                            .http_status = r->http_status,
                            .retry_after_ms = r->retry_after_ms,
                            .left = r->left,
                            .provider = a->provider->config->name};
    if (r->status != HAWSE_OK) {
        read_failure(a, r, out);
        return;
    }
    if (hawse_json_validate(r->body, r->body_len, NULL) != HAWSE_OK) {
        struct outcome o;
        outcome_words(&o, HAWSE_E_IO, classify(a, r, RPC_FORM_UNREADABLE),
                      "the result is not JSON");
        out->status = o.status;
        out->class = o.class;
        out->answer = o.answer;
        out->body = o.body;
        out->len = o.len;
        return;
    }
    const uint8_t *body = r->body;
    uint8_t *block = take_body(a, r, &body);
    out->answer = block ? answer_new(block) : NULL;
    if (!out->answer) {
        out->status = HAWSE_E_NOMEM;
        out->class = RPC_SERVER;
        out->body = (const uint8_t *)"";
        return;
    }
    out->body = body;
    out->len = r->body_len;
    out->head = head_of(a, out->body, out->len);
    out->soft = is_soft(a, out);
    if (out->soft)
        out->class = RPC_MISSING_DATA;
}
