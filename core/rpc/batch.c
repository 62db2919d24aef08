/* Batches of JSON-RPC requests; see batch.h. A batch belongs to the provider while it gathers, and
 * to its one HTTP request from then on. */
#include "rpc/batch.h"

#include "rpc/envelope.h"
#include "rpc/rpc_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MS = 1000000u;

struct item {
    struct attempt *attempt;
    uint64_t number; /* its id */
    uint32_t timeout_ms;
    bool answered;
    struct rpc_envelope answer;
};

struct batch {
    struct batch *next, **at; /* among those of the provider that have left */
    struct provider *provider;
    struct loop_timer timer;
    uint64_t due_ns; /* when it leaves, full or not */
    struct http_request *request;
    uint32_t count, cap;
    struct item items[];
};

bool batch_fits(const struct provider *p, const struct attempt *a)
{
    return p->batch_max > 1 && !p->link_good && a->call && a->cost == 1 &&
           question_is_read(&a->call->question);
}

bool batch_gathers(const struct provider *p)
{
    return p->batch && p->batch->count < p->batch->cap;
}

/* ---- answers ---- */

/* Only the first of them tells of the provider: one failure is not many. */
static void fail_all(struct batch *b, const struct http_result *result)
{
    for (uint32_t i = 0; i < b->count; i++) {
        struct attempt *a = b->items[i].attempt;
        a->uncounted = i > 0;
        provider_ended(a, result);
    }
}

static void take_answer(void *ctx, const struct rpc_envelope *answer)
{
    struct batch *b = ctx;
    for (uint32_t i = 0; answer->has_id && i < b->count; i++) {
        struct item *item = &b->items[i];
        if (item->number != answer->id || item->answered)
            continue;
        item->answered = true;
        item->answer = *answer;
    }
}

static void tell_each(struct batch *b, const struct http_result *whole)
{
    struct logger *logger = b->provider->pool->logger;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct item *item = &b->items[i];
        struct http_result result = *whole;
        if (item->answered) {
            result.status = item->answer.is_error ? HAWSE_E_REMOTE : HAWSE_OK;
            result.rpc_code = item->answer.error_code;
            result.body = item->answer.data;
            result.body_len = item->answer.len;
        } else {
            result.status = HAWSE_E_IO;
            result.body = (const uint8_t *)"the answer to a batch leaves this request out";
            result.body_len = strlen((const char *)result.body);
        }
        http_mask_refusal(logger, &result, (uint8_t *)(uintptr_t)whole->body, whole->body_len);
        result.connected = whole->connected && i == 0;
        provider_ended(item->attempt, &result);
    }
}

/* ---- refusals ---- */

static bool contains(const struct http_result *r, const char *word)
{
    return r->body_len > 0 && memmem(r->body, r->body_len, word, strlen(word)) != NULL;
}

/* Did it find the batch too large, and would take a smaller one? */
static bool is_too_large(const struct http_result *r)
{
    static const char *const words[] = {"large", "limit", "exceed", "size", "many", "max"};
    bool said = r->http_status == 413;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !said; i++)
        said = contains(r, "atch") && contains(r, words[i]);
    return said;
}

/* Something was wrong with the batch as such: not the provider's state, not our login, no pause. */
static bool is_refusal(const struct batch *b, const struct http_result *r)
{
    static const uint32_t others[] = {401, 402, 403, 408, 425, 429};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (r->http_status == others[i])
            return false;
    }
    if (r->http_status / 100 == 4)
        return true;
    struct outcome o;
    outcome_read(b->items[0].attempt, r, &o);
    answer_drop(o.answer);
    enum rpc_blame blame = rpc_policy(o.class)->blame;
    return r->status == HAWSE_E_REMOTE && blame != RPC_BLAME_PAUSE && blame != RPC_BLAME_OUT;
}

static void learn(struct batch *b, const struct http_result *r)
{
    struct provider *p = b->provider;
    uint32_t half = b->count / 2;
    uint32_t most = is_too_large(r) && half > 1 ? half : 0;
    if (most >= p->batch_max)
        return;
    p->batch_max = most;
    log_line(p->pool->logger, HAWSE_LOG_WARN, "rpc",
             most ? "%s: provider %s refuses a batch of %u requests, and gets half: HTTP %u, %.*s"
                  : "%s: provider %s refuses batches (one of %u), and is asked singly from now on: "
                    "HTTP %u, %.*s",
             p->pool->chain.name, p->config->name, b->count, r->http_status,
             (int)(r->body_len < 200 ? r->body_len : 200), (const char *)r->body);
}

/* No array: one error for all, or no answer at all. */
static void judge_whole(struct batch *b, struct http_result *r)
{
    char words[RPC_WORDS + HAWSE_PADDING] = {0};
    struct rpc_envelope e;
    uint8_t *block = (uint8_t *)(uintptr_t)r->body;
    uint64_t len = r->body_len;
    if (rpc_envelope_read(r->body, len, &e) == HAWSE_OK && e.is_error) { /* with whatever id */
        r->status = HAWSE_E_REMOTE;
        r->rpc_code = e.error_code;
        r->body = e.data;
        r->body_len = e.len;
    } else {
        r->status = r->http_status == 200 ? HAWSE_E_FORMAT : HAWSE_E_IO;
        (void)snprintf(words, RPC_WORDS, "HTTP %u, and the body is no answer to a batch",
                       r->http_status);
        r->body = (const uint8_t *)words;
        r->body_len = strlen(words);
    }
    http_mask_refusal(b->provider->pool->logger, r, block, len);
    if (!is_refusal(b, r)) {
        fail_all(b, r);
        return;
    }
    learn(b, r);
    for (uint32_t i = 0; i < b->count; i++)
        provider_again(b->items[i].attempt);
}

static void unlist(struct batch *b)
{
    *b->at = b->next;
    if (b->next)
        b->next->at = b->at;
}

static void enlist(struct batch *b)
{
    b->at = &b->provider->batches;
    b->next = *b->at;
    if (b->next)
        b->next->at = &b->next;
    *b->at = b;
}

static void done(void *ctx, const struct http_result *result)
{
    struct batch *b = ctx;
    struct provider *p = b->provider;
    struct http_result whole = *result;
    p->running--;
    unlist(b);
    if (whole.status != HAWSE_OK)
        fail_all(b, &whole);
    else if (rpc_envelope_each(whole.body, whole.body_len, take_answer, b) == HAWSE_OK)
        tell_each(b, &whole);
    else
        judge_whole(b, &whole);
    free(b);
    provider_pump(p, loop_clock());
}

/* ---- asking ---- */

/* "[{...},{...}]"; malloc'd. */
static char *body_of(struct batch *b, size_t *len)
{
    size_t cap = 8, at = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct call *c = b->items[i].attempt->call;
        cap += c->method_len + c->params_len + RPC_BODY;
    }
    char *body = malloc(cap);
    for (uint32_t i = 0; body && i < b->count; i++) {
        const struct call *c = b->items[i].attempt->call;
        body[at++] = i == 0 ? '[' : ',';
        at += rpc_body_put(body + at, cap - at, c->method, c->method_len, c->params, c->params_len,
                           b->items[i].number);
    }
    if (body)
        body[at++] = ']';
    *len = at;
    return body;
}

static void leaving(void *ctx)
{
    const struct batch *b = ctx;
    limit_left(&b->provider->limit, loop_clock(), b->count, false);
}

static void leave(struct batch *b, uint64_t now)
{
    struct provider *p = b->provider;
    loop_timer_cancel(p->pool->loop, &b->timer);
    p->batch = NULL;
    struct http_options o = {.endpoint = &p->config->http,
                             .method = "POST",
                             .pooled = true,
                             .line = p->line,
                             .leaving = p->limited ? leaving : NULL};
    if (b->count == 1) { /* nothing to share */
        p->running--;
        provider_single(b->items[0].attempt, now);
        free(b);
        return;
    }
    for (uint32_t i = 0; i < b->count; i++)
        o.timeout_ms =
            b->items[i].timeout_ms > o.timeout_ms ? b->items[i].timeout_ms : o.timeout_ms;
    o.body = body_of(b, &o.body_len);
    if (o.body && http_begin(p->pool->client, &o, done, b, &b->request, NULL) == HAWSE_OK) {
        p->batches_sent++;
        p->batched_sent += b->count;
        enlist(b);
        return;
    }
    p->running--;
    fail_all(b, &(struct http_result){.status = HAWSE_E_NOMEM, .body = (const uint8_t *)""});
    free(b);
}

static void on_timer(void *ctx, uint64_t now)
{
    struct batch *b = ctx;
    struct provider *p = b->provider;
    leave(b, now);
    provider_pump(p, now);
}

static struct batch *batch_new(struct provider *p, uint64_t now)
{
    struct batch *b = calloc(1, sizeof(*b) + p->batch_max * sizeof(b->items[0]));
    if (!b)
        return NULL;
    b->provider = p;
    b->cap = p->batch_max;
    b->due_ns = now + p->config->batch_delay_ms * MS;
    b->timer = (struct loop_timer){.fn = on_timer, .ctx = b};
    if (loop_timer_set(p->pool->loop, &b->timer, b->due_ns) != HAWSE_OK) {
        free(b);
        return NULL;
    }
    p->running++; /* it is one request, from now on */
    p->batch = b;
    return b;
}

bool batch_put(struct provider *p, struct attempt *a, uint64_t now)
{
    struct batch *b = p->batch ? p->batch : batch_new(p, now);
    if (!b)
        return false;
    a->batched = true;
    b->items[b->count++] = (struct item){.attempt = a,
                                         .number = http_number(p->pool->client),
                                         .timeout_ms = provider_patience_ms(a, now)};
    /* full, or nobody else may go while it gathers */
    if (b->count == b->cap || limit_at(&p->limit, now, 1, false) > b->due_ns)
        leave(b, now);
    return true;
}

void batch_forget(struct provider *p)
{
    struct batch *b = p->batch;
    if (b)
        loop_timer_cancel(p->pool->loop, &b->timer);
    free(b);
    while ((b = p->batches) != NULL) {
        unlist(b);
        free(b);
    }
    p->batch = NULL;
}
