/*
 * Asks a private relay; see relay_client.h. A request waits for its limit, is signed on the
 * signing thread, and goes out from the loop's.
 */
#include "tx/relay_client.h"

#include "rpc/limit.h"
#include "rpc/rpc_client.h"

#include <hawse/eip191.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WAITING = 256, ANSWER_MS = 5000, ANSWER_BYTES = 1 << 20 };

struct request {
    struct request *next;            /* of a queue */
    struct request *all_next, **all; /* of the client: from the question to the answer */
    struct signing_job job;
    struct relay_client *client;
    enum relay_kind kind;
    uint64_t number;
    char *body;
    size_t len;
    char header[RELAY_HEADER + 32];
    int32_t code; /* of the signature */
    struct fault fault;
    struct http_request *http; /* under way */
    relay_done_fn done;
    void *ctx;
};

struct queue {
    struct request *first, **last;
    struct limit limit;
};

struct relay_client {
    struct relay_client_options options;
    struct queue queues[RELAY_LIMITS]; /* [loop] wait for their limit */
    struct loop_timer timer;
    uint32_t waiting;
    uint64_t number;
    struct request *all; /* [loop] */
    bool stopped;        /* nothing is told any more */
};

static void request_free(struct request *r)
{
    *r->all = r->all_next;
    if (r->all_next)
        r->all_next->all = r->all;
    free(r->body);
    free(r);
}

static void pump(struct relay_client *client);

/* ---- answers ---- */

static void tell(struct request *r, const struct relay_answer *answer)
{
    r->done(r->ctx, answer);
    request_free(r);
}

static void tell_words(struct request *r, int32_t status, enum rpc_class class, const char *words)
{
    tell(r, &(struct relay_answer){.status = status,
                                   .class = class,
                                   .body = (const uint8_t *)words,
                                   .body_len = strlen(words)});
}

static enum rpc_class class_of(const struct request *r, const struct http_result *result)
{
    const char *method = relay_is_look(r->kind) ? "eth_call" : "eth_sendRawTransaction";
    struct rpc_answer answer = {
        .form = result->status == HAWSE_E_REMOTE    ? RPC_FORM_ERROR
                : result->status == HAWSE_E_TIMEOUT ? RPC_FORM_TIMEOUT
                : result->status == HAWSE_E_FORMAT  ? RPC_FORM_UNREADABLE
                : result->http_status               ? RPC_FORM_ERROR
                                                    : RPC_FORM_BROKEN,
        .http_status = (int)result->http_status,
        .has_code = result->status == HAWSE_E_REMOTE,
        .code = result->rpc_code,
        .method = method,
        .method_len = strlen(method),
        .message = (const char *)result->body,
        .message_len = (size_t)result->body_len,
    };
    return rpc_classify(&answer);
}

static void on_answer(void *ctx, const struct http_result *result)
{
    struct request *r = ctx;
    struct relay_client *client = r->client;
    struct relay_answer answer = {
        .status = result->status, .body = result->body, .body_len = result->body_len};
    if (result->status != HAWSE_OK)
        answer.class = class_of(r, result);
    if (result->status != HAWSE_OK && rpc_policy(answer.class)->blame == RPC_BLAME_PAUSE)
        limit_pause(&client->queues[relay_limit_of(r->kind)].limit, loop_now(client->options.loop),
                    1000000ull * (result->retry_after_ms ? result->retry_after_ms : 1000));
    tell(r, &answer);
    pump(client);
}

/* ---- out ---- */

static void send_out(struct request *r)
{
    struct relay_client *client = r->client;
    struct fault fault = {0};
    struct http_options http = {.endpoint = client->options.endpoint,
                                .method = "POST",
                                .logins = r->header,
                                .logins_len = strlen(r->header),
                                .body = r->body,
                                .body_len = r->len,
                                .number = r->number,
                                .timeout_ms = ANSWER_MS,
                                .max_response = ANSWER_BYTES,
                                .judge = rpc_judge};
    if (r->kind == RELAY_STATUS) {
        http = (struct http_options){.endpoint = client->options.status,
                                     .method = "GET",
                                     .path = r->body,
                                     .path_len = r->len,
                                     .timeout_ms = ANSWER_MS,
                                     .max_response = ANSWER_BYTES};
    } else {
        r->body = NULL;
    }
    int32_t code = http_send(client->options.http, client->options.loop, &http, on_answer, r,
                             &r->http, &fault);
    if (code != HAWSE_OK)
        tell_words(r, code, RPC_SERVER, fault.message);
}

static struct request *request_of(struct signing_job *job)
{
    return (struct request *)((char *)job - offsetof(struct request, job));
}

/* [loop] */
static void on_signed(struct signing_job *job)
{
    struct request *r = request_of(job);
    if (r->client->stopped)
        return; /* it is freed with the client */
    if (r->code == HAWSE_OK)
        send_out(r);
    else
        tell_words(r, r->code, RPC_AUTH, r->fault.message);
}

/* [signing thread] */
static int32_t sign(struct request *r)
{
    const struct relay_client_options *o = &r->client->options;
    struct signature signature;
    uint8_t digest[32];
    char value[RELAY_HEADER];
    if (o->auth == 0 || r->kind == RELAY_STATUS)
        return HAWSE_OK;
    hawse_flashbots_digest((const uint8_t *)r->body, r->len, digest);
    int32_t code = signer_sign_digest(o->signer, o->auth, &o->chain, digest, &signature, &r->fault);
    if (code != HAWSE_OK)
        return code;
    relay_header(signer_key(o->signer, o->auth)->public.address, signature.bytes, signature.parity,
                 value);
    (void)snprintf(r->header, sizeof(r->header), "X-Flashbots-Signature: %s\n", value);
    return HAWSE_OK;
}

static void run_job(struct signing_job *job)
{
    struct request *r = request_of(job);
    r->code = sign(r);
}

/* It is freed with the client. */
static void drop_job(struct signing_job *job)
{
    (void)job;
}

/* ---- limits ---- */

/* Those whose turn it is. */
static void pump(struct relay_client *client)
{
    uint64_t now = loop_now(client->options.loop), next = UINT64_MAX;
    for (int i = 0; i < RELAY_LIMITS; i++) {
        struct queue *q = &client->queues[i];
        while (q->first) {
            struct request *r = q->first;
            bool first = !relay_is_look(r->kind);
            uint64_t at = limit_at(&q->limit, now, 1, first);
            if (at > now) {
                next = at < next ? at : next;
                break;
            }
            limit_take(&q->limit, now, 1, first);
            q->first = r->next;
            if (!q->first)
                q->last = &q->first;
            client->waiting--;
            signing_give(*client->options.signing, &r->job);
        }
    }
    if (next != UINT64_MAX)
        (void)loop_timer_set(client->options.loop, &client->timer, next);
}

static void on_timer(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    pump(ctx);
}

uint64_t relay_client_number(struct relay_client *client)
{
    return ++client->number;
}

/* What only looks never waits, least of all before what is to be sent. */
static bool would_wait(struct relay_client *client, enum relay_kind kind)
{
    const struct queue *q = &client->queues[relay_limit_of(kind)];
    uint64_t now = loop_now(client->options.loop);
    return relay_is_look(kind) && (q->first || limit_at(&q->limit, now, 1, false) > now);
}

int32_t relay_client_ask(struct relay_client *client, enum relay_kind kind, uint64_t number,
                         char *body, size_t len, relay_done_fn done, void *ctx, struct fault *fault)
{
    struct queue *q = &client->queues[relay_limit_of(kind)];
    if (would_wait(client, kind)) {
        free(body);
        return HAWSE_E_AGAIN;
    }
    struct request *r = client->waiting < WAITING ? calloc(1, sizeof(*r)) : NULL;
    if (!r) {
        free(body);
        return fault_set(fault, HAWSE_E_LIMIT, "the relay is asked too often: %u requests wait",
                         client->waiting);
    }
    r->client = client;
    r->kind = kind;
    r->number = number;
    r->body = body;
    r->len = len;
    r->done = done;
    r->ctx = ctx;
    r->job = (struct signing_job){.run = run_job, .done = on_signed, .drop = drop_job};
    r->all = &client->all;
    r->all_next = client->all;
    if (client->all)
        client->all->all = &r->all_next;
    client->all = r;
    *q->last = r;
    q->last = &r->next;
    client->waiting++;
    pump(client);
    return HAWSE_OK;
}

/* ---- begin and end ---- */

int32_t relay_client_create(const struct relay_client_options *options, struct relay_client **out,
                            struct fault *fault)
{
    struct relay_client *client = calloc(1, sizeof(*client));
    if (!client)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a relay");
    client->options = *options;
    client->timer = (struct loop_timer){.fn = on_timer, .ctx = client};
    for (int k = 0; k < RELAY_KIND_COUNT; k++) {
        struct queue *q = &client->queues[relay_limit_of((enum relay_kind)k)];
        q->last = &q->first;
        limit_init(&q->limit, relay_per_minute((enum relay_kind)k) / 60);
    }
    *out = client;
    return HAWSE_OK;
}

void relay_client_stop(struct relay_client *client)
{
    if (!client || client->stopped)
        return;
    client->stopped = true;
    loop_timer_cancel(client->options.loop, &client->timer);
    for (struct request *r = client->all; r; r = r->all_next) {
        if (r->http)
            http_cancel(r->http);
    }
}

void relay_client_destroy(struct relay_client *client)
{
    if (!client)
        return;
    relay_client_stop(client);
    while (client->all)
        request_free(client->all);
    free(client);
}
