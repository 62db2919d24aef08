/* Connections of a provider's own; see http_wire.h. */
#include "rpc/http_wire.h"

#include "base/secret.h"
#include "base/secret_heap.h"
#include "net/connect.h"
#include "net/http_post.h"
#include "rpc/rpc_client.h"

#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
    HEAD_MAX = 4000,   /* of a request: URL, headers and logins */
    LENGTH_ROOM = 32,  /* the length of its body and an empty line */
    BODY_MAX = 4096,   /* what is larger goes by libcurl */
    FIRST_RX = 16384,  /* grown to hold a larger answer */
    LARGE_RX = 262144, /* not kept */
    ENOUGH = 4,        /* requests that found none idle: then one is opened */
    CONNECTING = 4,    /* at a time */
    IDLE_S = 30,       /* fewer servers end an idle connection than do after a minute */
    AWAY_S = 60,       /* after an answer that is not the plain case, or a connection that failed */
};

static const uint64_t MS = 1000000u, SECOND = 1000000000u;

/* One connection: connecting, idle, or with one request. */
struct line {
    struct line *next; /* of all; and of the idle ones */
    struct line *next_idle;
    struct http_wire *wire;
    struct connect_attempt *attempt; /* connecting */
    struct transport transport;
    struct loop_watch watch;
    struct loop_timer timer; /* of the request */
    char *tx;                /* the wire's head, and behind it what is of this request; secret */
    size_t tx_len, tx_sent;
    uint8_t *rx; /* rx_cap bytes and HAWSE_PADDING more */
    size_t rx_len, rx_cap, max_response;
    struct http_answer answer;
    uint64_t number, started_ns, idle_ns;
    http_done_fn done; /* NULL: idle */
    void *ctx;
    bool used;    /* a request was answered on it before */
    bool telling; /* its answer is being told: its memory stays until then */
    bool closed;
};

struct http_wire {
    struct loop *loop;
    struct connector *connector;
    struct logger *logger;
    const struct config_endpoint *endpoint;
    char *head; /* of each request; secret */
    size_t head_len;
    uint32_t most, count, connecting, missed;
    uint64_t away_ns; /* no connection is opened before */
    struct line *lines, *idle;
};

/* ---- connections ---- */

static void line_free(struct line *l)
{
    secret_heap_free(l->tx);
    if (l->rx)
        explicit_bzero(l->rx, l->rx_len); /* a server may have repeated our keys */
    free(l->rx);
    free(l);
}

static void leave_idle(struct line *l)
{
    struct line **at = &l->wire->idle;
    while (*at && *at != l)
        at = &(*at)->next_idle;
    if (*at)
        *at = l->next_idle;
}

/* Out of all lists; freed now, or when its answer has been told. */
static void line_close(struct line *l)
{
    struct http_wire *w = l->wire;
    struct line **at = &w->lines;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    leave_idle(l);
    w->count--;
    w->connecting -= l->attempt != NULL;
    connect_cancel(l->attempt);
    loop_timer_cancel(w->loop, &l->timer);
    if (l->transport.easy) {
        loop_unwatch(w->loop, &l->watch);
        transport_close(&l->transport);
    }
    l->closed = true;
    if (!l->telling)
        line_free(l);
}

static void become_idle(struct line *l)
{
    l->idle_ns = loop_now(l->wire->loop);
    l->next_idle = l->wire->idle;
    l->wire->idle = l;
}

/* ---- the end of a request ---- */

/* A large buffer is not kept, and nothing of what a server said when it refused: it may have
 * repeated our keys. */
static void tidy(struct line *l, size_t held, bool refused)
{
    uint8_t *small = l->rx_cap > LARGE_RX ? malloc(FIRST_RX + HAWSE_PADDING) : NULL;
    if (refused)
        explicit_bzero(l->rx, held);
    if (!small)
        return;
    free(l->rx);
    l->rx = small;
    l->rx_cap = FIRST_RX;
}

/* The line may be gone afterwards, or have its next request. */
static void tell(struct line *l, struct http_result *result)
{
    http_done_fn done = l->done;
    size_t held = l->rx_len;
    bool refused = result->status != HAWSE_OK || result->http_status / 100 != 2;
    loop_timer_cancel(l->wire->loop, &l->timer);
    result->elapsed_ns = loop_clock() - l->started_ns;
    result->left = true;
    result->connected = !l->used;
    l->done = NULL;
    l->used = l->telling = true;
    done(l->ctx, result);
    l->telling = false;
    if (l->closed)
        line_free(l);
    else
        tidy(l, held, refused);
}

/* The connection ends, and the request with it. */
static void fail(struct line *l, int32_t status, const char *words)
{
    char text[256 + HAWSE_PADDING] = {0};
    log_redact(l->wire->logger, words, strlen(words), text, 256);
    struct http_result result = {.status = status,
                                 .http_status = l->answer.status,
                                 .body = (const uint8_t *)text,
                                 .body_len = strlen(text)};
    l->telling = true; /* closed first: who is told may ask again at once */
    line_close(l);
    tell(l, &result);
}

/* It broke before its end. On a connection that was kept the server may have closed it just before
 * the request came: then it is asked anew, by libcurl. */
static void broke(struct line *l, const char *words)
{
    if (!l->done)
        line_close(l);
    else
        fail(l, l->used && l->rx_len == 0 ? HAWSE_E_STALE : HAWSE_E_IO, words);
}

static void on_timeout(void *ctx, uint64_t now)
{
    (void)now;
    fail(ctx, HAWSE_E_TIMEOUT, "no answer in time");
}

/* ---- answers ---- */

static void answered(struct line *l)
{
    char words[RPC_WORDS + HAWSE_PADDING] = {0};
    uint8_t *body = l->rx + l->answer.head_len;
    bool stays = l->answer.stays && l->rx_len == l->answer.head_len + l->answer.body_len;
    struct http_result result = {.http_status = l->answer.status,
                                 .retry_after_ms = l->answer.retry_after_ms,
                                 .body = body,
                                 .body_len = l->answer.body_len};
    memset(body + result.body_len, 0, HAWSE_PADDING);
    rpc_read(l->number, &result, words);
    http_mask_refusal(l->wire->logger, &result, body, l->answer.body_len);
    l->telling = true;
    if (stays)
        become_idle(l);
    else
        line_close(l);
    tell(l, &result);
}

/* False: it was told, and the line may be gone. */
static bool take(struct line *l)
{
    struct ws_failure failure = {0};
    int32_t code = http_answer_read(&l->answer, l->rx, &l->rx_len, l->max_response, &failure);
    if (code == HAWSE_E_AGAIN)
        return true;
    if (code == HAWSE_OK) {
        answered(l);
    } else if (code == HAWSE_E_LIMIT) {
        fail(l, code, failure.text);
    } else {
        l->wire->away_ns = loop_now(l->wire->loop) + AWAY_S * SECOND;
        fail(l, HAWSE_E_STALE, failure.text);
    }
    return false;
}

/* Room for at least one more byte. */
static bool grow(struct line *l)
{
    const struct http_answer *a = &l->answer;
    size_t whole = a->headed && !a->chunked ? a->head_len + a->body_len : l->rx_cap * 2;
    if (l->rx_len < l->rx_cap)
        return true;
    size_t cap = whole > l->rx_cap ? whole : l->rx_cap * 2;
    uint8_t *bigger = realloc(l->rx, cap + HAWSE_PADDING);
    if (!bigger)
        return false;
    l->rx = bigger;
    l->rx_cap = cap;
    return true;
}

static void on_readable(struct line *l)
{
    struct fault fault = {0};
    ssize_t n = 1;
    for (size_t room = 0; n > 0;) {
        if (!grow(l)) {
            fail(l, HAWSE_E_NOMEM, "no memory for an answer");
            return;
        }
        room = l->rx_cap - l->rx_len;
        n = transport_read(&l->transport, l->rx + l->rx_len, room, &fault);
        if (n == -1)
            return;
        if (n <= 0 || !l->done) { /* nobody asked */
            broke(l, n == 0 ? "the server ended the connection before its answer" : fault.message);
            return;
        }
        l->rx_len += (size_t)n;
        if (!take(l))
            return;
        if (l->transport.direct && (size_t)n < room)
            return; /* a short read of a plain socket means that it is empty */
    }
}

/* ---- requests ---- */

/* False: the connection is of no use. */
static bool flush(struct line *l)
{
    struct fault fault = {0};
    while (l->tx_sent < l->tx_len) {
        ssize_t n =
            transport_write(&l->transport, l->tx + l->tx_sent, l->tx_len - l->tx_sent, &fault);
        if (n == -1)
            return loop_modify(l->wire->loop, &l->watch, EPOLLIN | EPOLLOUT) == HAWSE_OK;
        if (n < 0)
            return false;
        l->tx_sent += (size_t)n;
    }
    return loop_modify(l->wire->loop, &l->watch, EPOLLIN) == HAWSE_OK;
}

static void on_ready(void *ctx, uint32_t events)
{
    struct line *l = ctx;
    if ((events & EPOLLOUT) && !flush(l))
        broke(l, "the connection broke while the request was written");
    else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(l);
}

static bool is_plain(const struct http_options *o)
{
    return !o->once && !o->alone && o->path_len == 0 && o->headers_len == 0 && o->logins_len == 0 &&
           o->body_len <= BODY_MAX;
}

static void put_request(struct line *l, const struct http_options *o)
{
    size_t at = l->wire->head_len;
    at += (size_t)snprintf(l->tx + at, LENGTH_ROOM, "%zu\r\n\r\n", o->body_len);
    memcpy(l->tx + at, o->body, o->body_len);
    l->tx_len = at + o->body_len;
    l->tx_sent = l->rx_len = 0;
    l->answer = (struct http_answer){0};
    l->number = o->number;
    l->max_response = o->max_response ? o->max_response : HTTP_RESPONSE_MAX;
    l->started_ns = loop_clock();
}

static bool send_on(struct line *l, const struct http_options *o, http_done_fn done, void *ctx)
{
    struct loop *loop = l->wire->loop;
    put_request(l, o);
    if (o->leaving)
        o->leaving(ctx);
    if (!flush(l) ||
        loop_timer_set(loop, &l->timer, l->started_ns + o->timeout_ms * MS) != HAWSE_OK)
        return false;
    l->done = done;
    l->ctx = ctx;
    return true;
}

static void open_one(struct http_wire *w);

int32_t http_wire_begin(struct http_wire *w, const struct http_options *o, http_done_fn done,
                        void *ctx)
{
    if (!w || !is_plain(o) || loop_now(w->loop) < w->away_ns)
        return HAWSE_E_AGAIN;
    while (w->idle) {
        struct line *l = w->idle;
        w->idle = l->next_idle;
        if (send_on(l, o, done, ctx))
            return HAWSE_OK;
        line_close(l);
    }
    if (++w->missed > ENOUGH && w->count < w->most && w->connecting < CONNECTING)
        open_one(w);
    return HAWSE_E_AGAIN;
}

/* ---- connecting ---- */

static void connected(void *ctx, struct transport *transport, const struct fault *fault)
{
    struct line *l = ctx;
    struct http_wire *w = l->wire;
    l->attempt = NULL;
    w->connecting--;
    l->transport = *transport;
    l->watch =
        (struct loop_watch){.fd = transport->fd, .fn = on_ready, .ctx = l, .events = EPOLLIN};
    if (transport->easy && loop_watch(w->loop, &l->watch, NULL) == HAWSE_OK) {
        become_idle(l);
        return;
    }
    log_line(w->logger, HAWSE_LOG_DEBUG, "rpc", "%s: no connection of its own: %s",
             w->endpoint->display, fault->message); /* libcurl, which is asked instead, says more */
    w->away_ns = loop_now(w->loop) + AWAY_S * SECOND;
    transport_close(&l->transport);
    line_close(l);
}

static void open_one(struct http_wire *w)
{
    const struct config_endpoint *e = w->endpoint;
    const struct connect_options options = {.url = e->url,
                                            .proxy = e->proxy,
                                            .ca_file = e->ca_file,
                                            .timeout_ms = e->connect_timeout_ms};
    struct line *l = calloc(1, sizeof(*l));
    if (!l)
        return;
    l->wire = w;
    l->rx_cap = FIRST_RX;
    l->rx = malloc(FIRST_RX + HAWSE_PADDING);
    l->tx = secret_heap_malloc(w->head_len + LENGTH_ROOM + BODY_MAX);
    l->timer = (struct loop_timer){.fn = on_timeout, .ctx = l};
    if (!l->rx || !l->tx ||
        connect_start(w->connector, w->loop, &options, connected, l, &l->attempt, NULL) !=
            HAWSE_OK) {
        line_free(l);
        return;
    }
    memcpy(l->tx, w->head, w->head_len);
    l->next = w->lines;
    w->lines = l;
    w->count++;
    w->connecting++;
}

/* ---- begin and end ---- */

void http_wire_tick(struct http_wire *w, uint64_t now)
{
    if (!w)
        return;
    w->missed /= 2;
    for (struct line *l = w->idle, *next; l; l = next) {
        next = l->next_idle;
        if (now - l->idle_ns > IDLE_S * SECOND)
            line_close(l);
    }
}

int32_t http_wire_create(struct loop *loop, struct connector *connector, struct logger *logger,
                         const struct config_endpoint *endpoint, uint32_t connections,
                         struct http_wire **out)
{
    struct http_wire *w = calloc(1, sizeof(*w));
    struct ws_failure failure = {0};
    if (!w)
        return HAWSE_E_NOMEM;
    w->loop = loop;
    w->connector = connector;
    w->logger = logger;
    w->endpoint = endpoint;
    w->most = connections;
    w->head = secret_new(HEAD_MAX);
    int32_t code = w->head
                       ? http_post_head(endpoint->url, endpoint->headers, endpoint->header_count,
                                        w->head, HEAD_MAX, &w->head_len, &failure)
                       : HAWSE_E_NOMEM;
    if (code != HAWSE_OK) {
        http_wire_destroy(w);
        return code == HAWSE_E_NOMEM ? code : HAWSE_E_INVAL;
    }
    *out = w;
    return HAWSE_OK;
}

void http_wire_destroy(struct http_wire *w)
{
    if (!w)
        return;
    while (w->lines)
        line_close(w->lines);
    secret_free(w->head);
    free(w);
}
