/* See redis_link.h. hiredis speaks the protocol; the loop and the clock are ours. */
#include "tx/redis_link.h"

#include "loop/loop.h"

#include <hawse/types.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

static const uint64_t MS = 1000000ULL;
enum { RETRY_MS_LEAST = 20, RETRY_MS_MOST = 1000 };

/* One command under way, until it is answered or out of time. */
struct waiting {
    struct waiting *next, *previous;
    struct redis_link *link;
    struct loop_timer timer;
    uint64_t written_ns; /* 0: not yet */
    redis_done_fn done;
    void *ctx;
};

struct redis_link {
    struct loop *loop;
    struct redis_link_options options;
    redis_state_fn state;
    void *ctx;
    redisAsyncContext *redis; /* NULL: not connected */
    struct loop_watch watch;
    bool watched, up, closing;
    uint64_t retry_ms;
    struct loop_timer retry;
    struct waiting *first;
    char why[192];
};

static void connect_now(struct redis_link *link);

/* ---- hiredis on our loop ---- */

static void on_fd(void *ctx, uint32_t events)
{
    struct redis_link *link = ctx;
    redisAsyncContext *redis = link->redis;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        redisAsyncHandleRead(redis);
    if (!(events & EPOLLOUT) || link->redis != redis)
        return;
    redisAsyncHandleWrite(redis);
    uint64_t now = loop_clock();
    for (struct waiting *w = link->first; w; w = w->next)
        w->written_ns = w->written_ns ? w->written_ns : now;
}

static void want(struct redis_link *link, uint32_t events)
{
    struct fault fault = {0};
    if (link->watched) {
        (void)loop_modify(link->loop, &link->watch, events);
        return;
    }
    link->watch =
        (struct loop_watch){.fd = link->redis->c.fd, .fn = on_fd, .ctx = link, .events = events};
    link->watched = loop_watch(link->loop, &link->watch, &fault) == HAWSE_OK;
}

static void add_read(void *ctx)
{
    struct redis_link *link = ctx;
    want(link, link->watch.events | EPOLLIN);
}

static void drop_read(void *ctx)
{
    struct redis_link *link = ctx;
    want(link, link->watch.events & ~(uint32_t)EPOLLIN);
}

static void add_write(void *ctx)
{
    struct redis_link *link = ctx;
    want(link, link->watch.events | EPOLLOUT);
}

static void drop_write(void *ctx)
{
    struct redis_link *link = ctx;
    want(link, link->watch.events & ~(uint32_t)EPOLLOUT);
}

static void clean_up(void *ctx)
{
    struct redis_link *link = ctx;
    if (link->watched)
        loop_unwatch(link->loop, &link->watch);
    link->watched = false;
    link->watch.events = 0;
}

/* ---- what waits ---- */

static void forget(struct waiting *w)
{
    loop_timer_cancel(w->link->loop, &w->timer);
    if (w->previous)
        w->previous->next = w->next;
    else
        w->link->first = w->next;
    if (w->next)
        w->next->previous = w->previous;
    free(w);
}

static void answer(struct waiting *w, const redisReply *reply)
{
    redis_done_fn done = w->done;
    void *ctx = w->ctx;
    forget(w);
    done(ctx, reply);
}

/* The connection's own callback. What is not in the list any more was answered before. */
static void on_reply(redisAsyncContext *redis, void *reply, void *ctx)
{
    struct redis_link *link = redis->data;
    if (!link || link->redis != redis) /* dropped */
        return;
    if (reply)
        answer(ctx, reply);
}

/* ---- up and down ---- */

static void on_retry(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    connect_now(ctx);
}

static void drop(struct redis_link *link, const char *why)
{
    redisAsyncContext *redis = link->redis;
    bool was_up = link->up;
    link->redis = NULL;
    link->up = false;
    (void)snprintf(link->why, sizeof(link->why), "%s", why);
    if (redis) {
        redis->data = NULL;
        clean_up(link);
        redis->ev.addRead = redis->ev.delRead = redis->ev.addWrite = redis->ev.delWrite = NULL;
        redis->ev.cleanup = NULL;
        redisAsyncFree(redis);
    }
    if (!link->closing) {
        (void)loop_timer_set(link->loop, &link->retry, loop_clock() + link->retry_ms * MS);
        link->retry_ms =
            link->retry_ms * 2 > RETRY_MS_MOST ? RETRY_MS_MOST : (uint32_t)(link->retry_ms * 2);
    }
    while (link->first)
        answer(link->first, NULL);
    if (was_up && !link->closing)
        link->state(link->ctx, false, link->why);
}

static void on_late(void *ctx, uint64_t now_ns)
{
    struct waiting *w = ctx;
    uint64_t end = w->written_ns + w->link->options.budget_ms * MS;
    if (w->written_ns > 0 && now_ns < end) /* it was us who took long */
        (void)loop_timer_set(w->link->loop, &w->timer, end);
    else
        drop(w->link, "it does not answer in time");
}

static void on_disconnect(const redisAsyncContext *redis, int status)
{
    struct redis_link *link = redis->data;
    (void)status;
    if (!link || link->redis != redis)
        return;
    char why[128];
    (void)snprintf(why, sizeof(why), "%s",
                   redis->errstr ? redis->errstr : "it closed the connection");
    link->redis = NULL; /* hiredis frees it after this */
    clean_up(link);
    drop(link, why);
}

static void on_connect(const redisAsyncContext *redis, int status)
{
    if (status != REDIS_OK)
        on_disconnect(redis, status);
}

/* The answers of the first commands: any error means that it is of no use. */
static void on_greeted(void *ctx, const redisReply *reply)
{
    struct redis_link *link = ctx;
    if (!reply || !link->redis)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        drop(link, reply->str);
    } else if (reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "PONG") == 0) {
        link->up = true;
        link->retry_ms = RETRY_MS_LEAST;
        link->state(link->ctx, true, "");
    }
}

static void send_now(struct redis_link *link, int count, const char **arguments,
                     const size_t *lengths, redis_done_fn done, void *ctx)
{
    struct waiting *w = link->redis ? calloc(1, sizeof(*w)) : NULL;
    if (!w) {
        done(ctx, NULL);
        return;
    }
    *w = (struct waiting){.link = link,
                          .next = link->first,
                          .timer = {.fn = on_late, .ctx = w},
                          .done = done,
                          .ctx = ctx};
    if (w->next)
        w->next->previous = w;
    link->first = w;
    if (redisAsyncCommandArgv(link->redis, on_reply, w, count, arguments, lengths) != REDIS_OK ||
        loop_timer_set(link->loop, &w->timer, loop_clock() + link->options.budget_ms * MS) !=
            HAWSE_OK)
        answer(w, NULL);
}

static void greet(struct redis_link *link)
{
    char database[8];
    const struct redis_link_options *o = &link->options;
    const char *auth[3] = {"AUTH", o->user ? o->user : o->password, o->password};
    const char *select[2] = {"SELECT", database}, *ping[1] = {"PING"};
    (void)snprintf(database, sizeof(database), "%u", o->database);
    if (o->password)
        send_now(link, o->user ? 3 : 2, auth, NULL, on_greeted, link);
    send_now(link, 2, select, NULL, on_greeted, link);
    send_now(link, 1, ping, NULL, on_greeted, link);
}

static void connect_now(struct redis_link *link)
{
    const struct redis_link_options *o = &link->options;
    redisAsyncContext *redis = o->address[0] == '/' ? redisAsyncConnectUnix(o->address)
                                                    : redisAsyncConnect(o->address, o->port);
    link->redis = redis;
    if (!redis || redis->err) {
        char why[128];
        (void)snprintf(why, sizeof(why), "%s", redis ? redis->errstr : "no memory");
        drop(link, why);
        return;
    }
    redis->data = link;
    redis->ev.data = link;
    redis->ev.addRead = add_read;
    redis->ev.delRead = drop_read;
    redis->ev.addWrite = add_write;
    redis->ev.delWrite = drop_write;
    redis->ev.cleanup = clean_up;
    (void)redisAsyncSetConnectCallback(redis, on_connect);
    (void)redisAsyncSetDisconnectCallback(redis, on_disconnect);
    greet(link);
}

/* ---- for others ---- */

int32_t redis_link_open(struct loop *loop, const struct redis_link_options *options,
                        redis_state_fn state, void *ctx, struct redis_link **out,
                        struct fault *fault)
{
    struct redis_link *link = calloc(1, sizeof(*link));
    *out = link;
    if (!link)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for a connection to Redis");
    link->loop = loop;
    link->options = *options;
    link->state = state;
    link->ctx = ctx;
    link->retry_ms = RETRY_MS_LEAST;
    link->retry = (struct loop_timer){.fn = on_retry, .ctx = link};
    connect_now(link);
    return HAWSE_OK;
}

void redis_link_close(struct redis_link *link)
{
    if (!link)
        return;
    link->closing = true;
    loop_timer_cancel(link->loop, &link->retry);
    drop(link, "closed");
    free(link);
}

bool redis_link_up(const struct redis_link *link)
{
    return link->up;
}

void redis_link_send(struct redis_link *link, int count, const char **arguments,
                     const size_t *lengths, redis_done_fn done, void *ctx)
{
    if (link->up)
        send_now(link, count, arguments, lengths, done, ctx);
    else
        done(ctx, NULL);
}
