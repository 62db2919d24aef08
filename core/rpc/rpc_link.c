/* JSON-RPC over a WebSocket; see rpc_link.h. Requests wait in a table by their ids. */
#include "rpc/rpc_link.h"

#include "rpc/envelope.h"

#include <hawse/hawse.h>
#include <hawse/service/stream.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 256, PING_S = 15, IDLE_S = 40 };

static const uint64_t MS = 1000000u, SECOND = 1000000000u;

struct pending {
    struct pending *next; /* in its bucket */
    struct rpc_link *link;
    uint64_t number, started_ns;
    struct loop_timer timer;
    http_done_fn done;
    void *ctx;
};

struct rpc_link {
    struct loop *loop;
    struct logger *logger;
    struct stream *stream;
    void (*changed)(void *ctx, bool open);
    void (*note)(void *ctx, const uint8_t *text, size_t len);
    void *ctx;
    bool open;
    struct pending *table[BUCKETS];
};

/* ---- ends ---- */

/* Takes it out of the table. */
static struct pending *take(struct rpc_link *link, uint64_t number)
{
    struct pending **at = &link->table[number % BUCKETS];
    while (*at && (*at)->number != number)
        at = &(*at)->next;
    struct pending *p = *at;
    if (p) {
        *at = p->next;
        loop_timer_cancel(link->loop, &p->timer);
    }
    return p;
}

static void tell(struct pending *p, struct http_result *result)
{
    result->elapsed_ns = loop_clock() - p->started_ns;
    result->left = true;
    p->done(p->ctx, result);
    free(p);
}

static void tell_words(struct pending *p, int32_t status, const char *words)
{
    char text[256 + HAWSE_PADDING] = {0};
    log_redact(p->link->logger, words, strlen(words), text, 256);
    struct http_result result = {
        .status = status, .body = (const uint8_t *)text, .body_len = strlen(text)};
    tell(p, &result);
}

static void on_timeout(void *ctx, uint64_t now)
{
    struct pending *p = ctx;
    struct rpc_link *link = p->link;
    (void)now;
    bool silent = stream_stats(link->stream)->last_message_ns < p->started_ns;
    (void)take(link, p->number);
    tell_words(p, HAWSE_E_TIMEOUT, "no answer in time");
    if (silent && link->open) /* the others wait for nothing too */
        stream_reconnect(link->stream, "no answer came since a request was sent");
}

/* Nobody is asked again by this link while the lost ones are told. */
static void lose_all(struct rpc_link *link, const char *why)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct pending *p;
        while ((p = link->table[i]) != NULL) {
            (void)take(link, p->number);
            tell_words(p, HAWSE_E_IO, why);
        }
    }
}

/* ---- answers ---- */

/* Servers repeat the key that they refuse; nobody may see it. */
static void tell_error(struct pending *p, const struct rpc_envelope *e)
{
    char *copy = calloc(1, e->len + HAWSE_PADDING);
    if (!copy) {
        tell_words(p, HAWSE_E_NOMEM, "no memory for an answer");
        return;
    }
    memcpy(copy, e->data, e->len);
    size_t len = log_mask(p->link->logger, copy, e->len);
    memset(copy + len, 0, e->len - len);
    struct http_result result = {.status = HAWSE_E_REMOTE,
                                 .http_status = 200,
                                 .rpc_code = e->error_code,
                                 .body = (const uint8_t *)copy,
                                 .body_len = len};
    tell(p, &result);
    free(copy);
}

/* What is no answer to a request of ours, or no longer waited for, is nothing. */
static void on_answer(struct rpc_link *link, const struct stream_frame *frame)
{
    struct rpc_envelope e;
    int32_t code = rpc_envelope_read(frame->data, frame->len, &e);
    if (code == HAWSE_E_FORMAT && !e.has_id)
        link->note(link->ctx, frame->data, frame->len);
    if (code != HAWSE_OK || !e.has_id)
        return;
    struct pending *p = take(link, e.id);
    if (!p)
        return;
    if (e.is_error) {
        tell_error(p, &e);
        return;
    }
    struct http_result result = {.http_status = 200, .body = e.data, .body_len = e.len};
    tell(p, &result);
}

static int32_t on_frames(void *ctx, struct stream *stream, const struct stream_frame *frames,
                         uint32_t n, uint64_t t_recv_ns)
{
    (void)stream, (void)t_recv_ns;
    for (uint32_t i = 0; i < n; i++)
        on_answer(ctx, &frames[i]);
    return (int32_t)n;
}

static void on_status(void *ctx, struct stream *stream, const struct stream_status *status)
{
    struct rpc_link *link = ctx;
    bool was = link->open;
    (void)stream;
    link->open = status->state == HAWSE_STREAM_OPEN;
    if (was && !link->open)
        lose_all(link, status->text);
    if (was != link->open)
        link->changed(link->ctx, link->open);
}

/* ---- asking ---- */

bool rpc_link_open(const struct rpc_link *link)
{
    return link && link->open;
}

int32_t rpc_link_begin(struct rpc_link *link, uint64_t number, const char *body, size_t len,
                       uint32_t timeout_ms, http_done_fn done, void *ctx)
{
    struct pending *p = link->open ? calloc(1, sizeof(*p)) : NULL;
    int32_t code = HAWSE_E_STATE;
    if (!link->open)
        return code;
    if (!p)
        return HAWSE_E_NOMEM;
    p->link = link;
    p->number = number;
    p->started_ns = loop_clock();
    p->timer = (struct loop_timer){.fn = on_timeout, .ctx = p};
    p->done = done;
    p->ctx = ctx;
    code = loop_timer_set(link->loop, &p->timer, p->started_ns + timeout_ms * MS);
    if (code == HAWSE_OK)
        code = stream_send(link->stream, HAWSE_MESSAGE_TEXT, body, len);
    if (code != HAWSE_OK) {
        loop_timer_cancel(link->loop, &p->timer);
        free(p);
        return code;
    }
    p->next = link->table[number % BUCKETS];
    link->table[number % BUCKETS] = p;
    return HAWSE_OK;
}

/* ---- begin and end ---- */

int32_t rpc_link_create(struct loop *loop, struct connector *connector, struct logger *logger,
                        const struct rpc_link_options *options, struct rpc_link **out,
                        struct fault *fault)
{
    static const struct stream_handler handler = {.on_frames = on_frames, .on_status = on_status};
    const struct stream_options stream = {.name = options->name,
                                          .endpoint = options->endpoint,
                                          .max_message = RPC_LINK_MESSAGE,
                                          .ping_ns = PING_S * SECOND,
                                          .idle_ns = IDLE_S * SECOND};
    struct rpc_link *link = calloc(1, sizeof(*link));
    if (!link)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for %s", options->name);
    link->loop = loop;
    link->logger = logger;
    link->changed = options->changed;
    link->note = options->note;
    link->ctx = options->ctx;
    int32_t code =
        stream_create(loop, connector, logger, &stream, &handler, link, &link->stream, fault);
    if (code != HAWSE_OK) {
        free(link);
        return code;
    }
    *out = link;
    return HAWSE_OK;
}

void rpc_link_destroy(struct rpc_link *link)
{
    if (!link)
        return;
    stream_destroy(link->stream);
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct pending *p;
        while ((p = link->table[i]) != NULL)
            free(take(link, p->number));
    }
    free(link);
}
