/*
 * HTTP on a thread of its own; see http_client.h. The thread runs a loop: libcurl says which
 * sockets and which moment it waits for (its "multi_socket" interface), the loop waits. A request
 * belongs to this thread from http_send until it is posted, and to the caller's loop from then on.
 * libcurl keeps the connections.
 */
#include "rpc/http_client.h"

#include "rpc/http_private.h"

#include <errno.h>
#include <hawse/hawse.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { CONNECTIONS_PER_HOST = 8 };

/* ---- requests that end ---- */

/* [loop] */
static void report(void *ctx)
{
    struct http_request *r = ctx;
    if (!__atomic_load_n(&r->canceled, __ATOMIC_ACQUIRE))
        r->done(r->ctx, &r->result);
    http_request_free(r);
}

static struct http_multi *multi_of(const struct http_request *r)
{
    return r->loop ? &r->client->lanes : &r->client->pools;
}

/* Takes it from libcurl and from the list. Its handle ends on this thread, as libcurl wants it,
 * unless a line has use for it. */
static void detach(struct http_request *r)
{
    struct http_client *c = r->client;
    (void)curl_multi_remove_handle(multi_of(r)->curl, r->easy);
    if (!r->line) {
        curl_easy_cleanup(r->easy);
        r->easy = NULL;
    }
    if (r->prev)
        r->prev->next = r->next;
    else
        c->active = r->next;
    if (r->next)
        r->next->prev = r->prev;
}

static void finish(struct http_request *r, CURLcode code)
{
    http_request_judge(r, code);
    detach(r);
    if (r->loop) {
        loop_post(r->loop, &r->work);
        return;
    }
    r->done(r->ctx, &r->result);
    http_request_free(r);
}

static bool begin(struct http_request *r)
{
    struct http_client *c = r->client;
    r->prev = NULL;
    r->next = c->active;
    if (c->active)
        c->active->prev = r;
    c->active = r;
    return curl_multi_add_handle(multi_of(r)->curl, r->easy) == CURLM_OK;
}

static void reap(struct http_multi *m)
{
    int left = 0;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(m->curl, &left)) != NULL) {
        char *owner = NULL;
        if (msg->msg == CURLMSG_DONE &&
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &owner) == CURLE_OK)
            finish((struct http_request *)(void *)owner, msg->data.result);
    }
}

/* ---- libcurl's sockets and timer, on the loop ---- */

struct socket_watch {
    struct loop_watch watch;
    struct http_multi *multi;
};

static void act(struct http_multi *m, curl_socket_t fd, int events)
{
    int running = 0;
    if (curl_multi_socket_action(m->curl, fd, events, &running) != CURLM_OK)
        log_line(m->client->logger, HAWSE_LOG_ERROR, "http", "libcurl's multi handle failed");
    reap(m);
}

static void on_socket(void *ctx, uint32_t events)
{
    struct socket_watch *s = ctx; /* may be gone once libcurl acts */
    int what = (events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    act(s->multi, s->watch.fd, what);
}

/* CURLMOPT_SOCKETFUNCTION */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
    (void)easy;
    struct http_multi *m = ctx;
    struct socket_watch *s = known;
    struct loop *loop = m->client->loop;
    uint32_t events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (what == CURL_POLL_REMOVE) {
        if (s)
            loop_unwatch(loop, &s->watch);
        free(s);
        (void)curl_multi_assign(m->curl, fd, NULL);
        return 0;
    }
    if (s)
        return loop_modify(loop, &s->watch, events) == HAWSE_OK ? 0 : -1;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -1;
    s->watch = (struct loop_watch){.fd = fd, .fn = on_socket, .ctx = s, .events = events};
    s->multi = m;
    if (loop_watch(loop, &s->watch, NULL) != HAWSE_OK ||
        curl_multi_assign(m->curl, fd, s) != CURLM_OK) {
        loop_unwatch(loop, &s->watch);
        free(s);
        return -1;
    }
    return 0;
}

static void on_timer(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

/* CURLMOPT_TIMERFUNCTION */
static int want_timer(CURLM *curl, long timeout_ms, void *ctx)
{
    (void)curl;
    struct http_multi *m = ctx;
    struct loop *loop = m->client->loop;
    if (timeout_ms < 0)
        loop_timer_cancel(loop, &m->timer);
    else if (loop_timer_set(loop, &m->timer, loop_now(loop) + (uint64_t)timeout_ms * 1000000u) !=
             HAWSE_OK)
        return -1;
    return 0;
}

static bool multi_init(struct http_client *c, struct http_multi *m, long connections)
{
    m->client = c;
    m->timer = (struct loop_timer){.fn = on_timer, .ctx = m};
    m->curl = curl_multi_init();
    return m->curl &&
           curl_multi_setopt(m->curl, CURLMOPT_MAX_HOST_CONNECTIONS, connections) == CURLM_OK &&
           curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, want_socket) == CURLM_OK &&
           curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m) == CURLM_OK &&
           curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, want_timer) == CURLM_OK &&
           curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m) == CURLM_OK;
}

/* ---- the thread ---- */

static void *client_main(void *arg)
{
    struct http_client *c = arg;
    (void)pthread_setname_np(pthread_self(), "http");
    curl_easy_cleanup(curl_easy_init()); /* the first one is slower: not while a request waits */
    while (!__atomic_load_n(&c->quit, __ATOMIC_ACQUIRE))
        (void)loop_step(c->loop, 1000000000u, 0);
    return NULL;
}

int32_t http_client_create(struct logger *logger, struct http_client **out, struct fault *fault)
{
    struct http_client *c = calloc(1, sizeof(*c));
    if (!c)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the HTTP client");
    c->logger = logger;
    (void)pthread_mutex_init(&c->lock, NULL);
    int32_t code = loop_create(&c->loop, fault);
    if (code == HAWSE_OK &&
        (!multi_init(c, &c->lanes, CONNECTIONS_PER_HOST) || !multi_init(c, &c->pools, 0)))
        code = fault_set(fault, HAWSE_E_NOMEM, "libcurl's multi handle could not be made");
    if (code != HAWSE_OK) {
        http_client_destroy(c);
        return code;
    }
    *out = c;
    return HAWSE_OK;
}

/* [main or any lane] */
int32_t http_client_start(struct http_client *c, struct fault *fault)
{
    int error = 0;
    if (__atomic_load_n(&c->running, __ATOMIC_ACQUIRE))
        return HAWSE_OK;
    (void)pthread_mutex_lock(&c->lock);
    if (!c->running) {
        pthread_attr_t attr;
        (void)pthread_attr_init(&attr);
        (void)pthread_attr_setstacksize(&attr, 256u << 10);
        error = pthread_create(&c->thread, &attr, client_main, c);
        (void)pthread_attr_destroy(&attr);
        __atomic_store_n(&c->running, error == 0, __ATOMIC_RELEASE);
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (error == 0)
        return HAWSE_OK;
    return fault_set(fault, HAWSE_E_NOMEM, "cannot start the HTTP thread: %s", strerror(error));
}

void http_client_stop(struct http_client *c)
{
    if (!c || !c->running)
        return;
    __atomic_store_n(&c->quit, 1, __ATOMIC_RELEASE);
    loop_wake(c->loop);
    (void)pthread_join(c->thread, NULL);
    c->running = false;
}

static void multi_finish(struct http_multi *m)
{
    if (m->curl)
        (void)curl_multi_cleanup(m->curl); /* it closes connections, and says so: the loop lives */
}

void http_client_destroy(struct http_client *c)
{
    if (!c)
        return;
    http_client_stop(c);
    if (c->loop)
        loop_drain(c->loop); /* what was posted is in the list then */
    while (c->active) {
        struct http_request *r = c->active;
        c->active = r->next;
        (void)curl_multi_remove_handle(multi_of(r)->curl, r->easy);
        r->line = NULL; /* its owner may be gone */
        http_request_free(r);
    }
    multi_finish(&c->lanes);
    multi_finish(&c->pools);
    loop_destroy(c->loop);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- asking ---- */

uint64_t http_number(struct http_client *client)
{
    return __atomic_add_fetch(&client->next_id, 1, __ATOMIC_RELAXED);
}

/* [client's thread] */
static void begin_posted(void *ctx)
{
    struct http_request *r = ctx;
    r->work = (struct loop_work){.fn = report, .ctx = r};
    if (!begin(r))
        finish(r, CURLE_OUT_OF_MEMORY);
}

static int32_t check(const struct http_options *o, struct fault *fault)
{
    if (strncmp(o->endpoint->url, "http", 4) == 0)
        return HAWSE_OK;
    free(o->body);
    return fault_set(fault, HAWSE_E_INVAL,
                     "endpoints.%s: a request needs an http:// or https:// URL, found %s",
                     o->endpoint->name, o->endpoint->display);
}

static struct http_request *prepare(struct http_client *c, const struct http_options *options,
                                    http_done_fn done, void *ctx)
{
    struct http_request *r = http_request_new(options);
    if (r) {
        r->client = c;
        r->done = done;
        r->ctx = ctx;
    }
    return r;
}

int32_t http_send(struct http_client *c, struct loop *loop, const struct http_options *options,
                  http_done_fn done, void *ctx, struct http_request **out, struct fault *fault)
{
    int32_t code = check(options, fault);
    if (code != HAWSE_OK)
        return code;
    struct http_request *r = prepare(c, options, done, ctx);
    if (!r)
        return fault_set(fault, HAWSE_E_NOMEM, "a request could not be prepared");
    r->loop = loop;
    r->work = (struct loop_work){.fn = begin_posted, .ctx = r};
    code = http_client_start(c, fault);
    if (code != HAWSE_OK) {
        http_request_free(r);
        return code;
    }
    *out = r;
    loop_post(c->loop, &r->work);
    return HAWSE_OK;
}

void http_cancel(struct http_request *request)
{
    if (request)
        __atomic_store_n(&request->canceled, 1, __ATOMIC_RELEASE);
}

int32_t http_begin(struct http_client *c, const struct http_options *options, http_done_fn done,
                   void *ctx, struct http_request **out, struct fault *fault)
{
    int32_t code = check(options, fault);
    if (code != HAWSE_OK)
        return code;
    struct http_request *r = prepare(c, options, done, ctx);
    if (r && begin(r)) {
        *out = r;
        return HAWSE_OK;
    }
    if (r) {
        detach(r);
        http_request_free(r);
    }
    return fault_set(fault, HAWSE_E_NOMEM, "a request could not be prepared");
}

struct loop *http_client_loop(struct http_client *client)
{
    return client->loop;
}
