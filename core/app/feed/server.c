/*
 * Plays a sample to whoever subscribes; see server.h. One thread: libwebsockets' service loop,
 * which also plays the frames that are due. Owns its connections and their queues; a client that
 * does not read is dropped at a bound.
 */
#include "app/feed/server.h"

#include <errno.h>
#include <hawse/types.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_MAX = 4096, REQUEST_MAX = 1 << 20 };

struct message {
    struct message *next;
    size_t len;
    unsigned char bytes[]; /* LWS_PRE, then the text */
};

/* One connection. Allocated and freed by libwebsockets with the connection. */
struct client {
    struct feed_subscriber subscriber; /* first: found by it */
    struct lws *wsi;
    struct message *first, *last;
    size_t queued;
    char *request; /* being received */
    size_t request_len;
    char path[256];
    char *response; /* HTTP: being sent */
};

struct server {
    const struct feed_world *world;
    void *state;
    struct lws_context *context;
    struct feed_subscriber *clients;
    double speed;
    lws_usec_t started;
    lws_sorted_usec_list_t due;
};

/* ---- playing ---- */

static void enqueue(struct client *c, const char *text)
{
    size_t len = strlen(text);
    struct message *m = malloc(sizeof(*m) + LWS_PRE + len);
    if (!m || c->queued == QUEUE_MAX) {
        free(m);
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        return;
    }
    m->next = NULL;
    m->len = len;
    memcpy(m->bytes + LWS_PRE, text, len);
    if (c->last)
        c->last->next = m;
    else
        c->first = m;
    c->last = m;
    c->queued++;
    (void)lws_callback_on_writable(c->wsi);
}

void feed_send(struct feed_subscriber *to, const char *text)
{
    enqueue((struct client *)to, text);
}

/* Microseconds after the start at which the next frame is due. */
static lws_usec_t next_due(const struct server *s)
{
    return (lws_usec_t)(s->world->due_ms(s->state) * 1000.0 / s->speed);
}

static void on_due(lws_sorted_usec_list_t *sul)
{
    struct server *s = lws_container_of(sul, struct server, due);
    lws_usec_t at = lws_now_usecs() - s->started;
    while (next_due(s) <= at)
        s->world->play(s->state, s->clients);
    lws_sul_schedule(s->context, 0, &s->due, on_due, next_due(s) - at + 1);
}

/* ---- connections ---- */

static void client_gone(struct server *s, struct client *c)
{
    for (struct feed_subscriber **at = &s->clients; *at; at = &(*at)->next) {
        if (*at == &c->subscriber) {
            *at = c->subscriber.next;
            break;
        }
    }
    while (c->first) {
        struct message *next = c->first->next;
        free(c->first);
        c->first = next;
    }
    feed_subscriber_finish(&c->subscriber);
    free(c->request);
    free(c->response);
    c->request = c->response = NULL;
}

static bool collect(struct client *c, const void *data, size_t len)
{
    if (c->request_len + len > REQUEST_MAX)
        return false;
    char *bigger = realloc(c->request, c->request_len + len + 1);
    if (!bigger)
        return false;
    memcpy(bigger + c->request_len, data, len);
    c->request = bigger;
    c->request_len += len;
    return true;
}

static int send_next(struct client *c)
{
    struct message *m = c->first;
    if (!m)
        return 0;
    if (lws_write(c->wsi, m->bytes + LWS_PRE, m->len, LWS_WRITE_TEXT) < 0)
        return -1;
    c->first = m->next;
    if (!c->first)
        c->last = NULL;
    c->queued--;
    free(m);
    if (c->first)
        (void)lws_callback_on_writable(c->wsi);
    return 0;
}

static int on_websocket(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                        size_t len)
{
    struct client *c = user;
    struct server *s = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        memset(c, 0, sizeof(*c));
        c->wsi = wsi;
        c->subscriber.next = s->clients;
        s->clients = &c->subscriber;
        return 0;
    case LWS_CALLBACK_CLOSED:
        client_gone(s, c);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return send_next(c);
    case LWS_CALLBACK_RECEIVE:
        if (!collect(c, in, len))
            return -1;
        if (lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0) {
            char *text = s->world->message(s->state, &c->subscriber, c->request, c->request_len);
            c->request_len = 0;
            if (text)
                enqueue(c, text);
            free(text);
        }
        return 0;
    default:
        return 0;
    }
}

/* ---- HTTP ---- */

static int start_response(struct lws *wsi, struct client *c, unsigned status)
{
    unsigned char head[LWS_PRE + 512];
    unsigned char *at = head + LWS_PRE, *end = head + sizeof(head) - 1;
    if (lws_add_http_common_headers(wsi, status, "application/json",
                                    c->response ? strlen(c->response) : 0, &at, end) != 0 ||
        lws_finalize_write_http_header(wsi, head + LWS_PRE, &at, end) != 0)
        return -1;
    (void)lws_callback_on_writable(wsi);
    return 0;
}

static int write_response(struct lws *wsi, struct client *c)
{
    if (!c->response)
        return 0;
    size_t len = strlen(c->response);
    unsigned char *buffer = malloc(LWS_PRE + len);
    if (!buffer)
        return -1;
    memcpy(buffer + LWS_PRE, c->response, len);
    int n = lws_write(wsi, buffer + LWS_PRE, len, LWS_WRITE_HTTP_FINAL);
    free(buffer);
    free(c->response);
    c->response = NULL;
    return n < 0 || lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* "/book?token_id=1" */
static void keep_path(struct lws *wsi, struct client *c, const char *path, size_t len)
{
    char query[sizeof(c->path)] = "";
    int n = lws_hdr_copy(wsi, query, sizeof(query), WSI_TOKEN_HTTP_URI_ARGS);
    (void)snprintf(c->path, sizeof(c->path), "%.*s%s%s", (int)len, path, n > 0 ? "?" : "", query);
}

static int respond(struct lws *wsi, struct server *s, struct client *c)
{
    int status = HTTP_STATUS_OK;
    free(c->response);
    c->response =
        s->world->request(s->state, c->path, c->request ? c->request : "", c->request_len, &status);
    free(c->request); /* libwebsockets may clear this memory before the next request */
    c->request = NULL;
    c->request_len = 0;
    return start_response(wsi, c, (unsigned)status);
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct client *c = user;
    struct server *s = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        keep_path(wsi, c, in, len);
        return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 ? 0 /* the body follows */
                                                                 : respond(wsi, s, c);
    case LWS_CALLBACK_HTTP_BODY:
        return collect(c, in, len) ? 0 : -1;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return respond(wsi, s, c);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_response(wsi, c);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (c) {
            free(c->request);
            free(c->response);
            c->request = c->response = NULL;
        }
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

/* ---- serving ---- */

static int32_t listen_on(struct server *s, const struct feed_options *o, struct fault *fault)
{
    /* the first protocol answers HTTP; a WebSocket that asks for no protocol gets `ws` */
    static const struct lws_protocols protocols[] = {
        {"http", on_http, sizeof(struct client), 0, 0, NULL, 0},
        {"ws", on_websocket, sizeof(struct client), 65536, 0, NULL, 0},
        {NULL, NULL, 0, 0, 0, NULL, 0},
    };
    static const struct lws_protocol_vhost_options use = {NULL, NULL, "default", "1"};
    static const struct lws_protocol_vhost_options pvo = {NULL, &use, "ws", ""};
    struct lws_context_creation_info info = {0};
    info.port = o->port;
    info.iface = o->host;
    info.protocols = protocols;
    info.pvo = &pvo;
    info.user = s;
    info.fd_limit_per_thread = 256;
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    lws_set_log_level(LLL_ERR, NULL);
    s->context = lws_create_context(&info);
    if (s->context)
        return HAWSE_OK;
    (void)fault_set(fault, HAWSE_E_IO, "cannot listen on %s:%d", o->host, o->port);
    fault_hint(fault, "is the port taken? choose another with --listen %s:PORT", o->host);
    return HAWSE_E_IO;
}

int32_t feed_serve(const struct feed_world *world, void *state, const struct feed_options *options,
                   struct fault *fault)
{
    struct server s = {.world = world, .state = state, .speed = options->speed};
    char what[128];
    int32_t code = listen_on(&s, options, fault);
    if (code != HAWSE_OK)
        return code;
    world->describe(state, what, sizeof(what));
    (void)printf("feed: ws://%s:%d and http://%s:%d, %s, speed %g\n", options->host, options->port,
                 options->host, options->port, what, options->speed);
    (void)fflush(stdout);
    s.started = lws_now_usecs();
    lws_sul_schedule(s.context, 0, &s.due, on_due, 1);
    while (!__atomic_load_n(options->quit, __ATOMIC_ACQUIRE) && lws_service(s.context, 0) >= 0)
        ;
    lws_context_destroy(s.context);
    return HAWSE_OK;
}
