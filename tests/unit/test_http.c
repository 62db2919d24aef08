/*
 * Requests of plugins over HTTP: what may be appended to an endpoint, which grants cover it, and
 * the client against a server on loopback that misbehaves. The server runs in a thread, notes every
 * request it saw, and answers by path.
 */
#include "harness.h"
#include "plugin/grants.h"
#include "rpc/rpc_client.h"

#include <arpa/inet.h>
#include <hawse/hawse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- paths, headers, grants ---- */

TEST(http_paths, "a path that a server could read as another one is refused")
{
    static const char *const good[] = {"/",
                                       "/book?token_id=1",
                                       "/v1/a.b-c_d~e",
                                       "/a/",
                                       "/%41",
                                       "/a..b",
                                       "/markets?next=MA%3D%3D",
                                       "/a?b=../..",
                                       "/a?u=http://x/y//z"};
    static const char *const bad[] = {
        "",      "book",   "/../order", "/book/../order", "/book/./x", "/.",     "/..",
        "/a/..", "/a//b",  "//host/x",  "/%2e%2e/order",  "/%2E./x",   "/a%2fb", "/a%5cb",
        "/a\\b", "/a#b",   "/a b",      "/a\r\nX: y",     "/a?b#c",    "/a?b c", "/a?b\n",
        "/%",    "/%4",    "/%zz",      "/a?%zz",         "/a%00b",    "/a%3fb", "/a\x80",
        "/a%25", "/a%23b", "/a?\\",     "/a%0a"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!http_path_legal((const uint8_t *)good[i], strlen(good[i])))
            FAIL("refused: %s", good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (http_path_legal((const uint8_t *)bad[i], strlen(bad[i])))
            FAIL("accepted: %s", bad[i]);
    }
    CHECK(!http_path_legal((const uint8_t *)"/a\0b", 4));
}

TEST(http_joins, "a path goes behind the endpoint's own, a key in the endpoint's query behind both")
{
    static const char *const rows[][3] = {
        {"https://h", "/book?a=1", "https://h/book?a=1"},
        {"https://h/", "/book", "https://h/book"},
        {"https://h/v2/", "/trades?x=1", "https://h/v2/trades?x=1"},
        {"https://h/api?apikey=s", "/x", "https://h/api/x?apikey=s"},
        {"https://h?apikey=s", "/x?y=2", "https://h/x?y=2&apikey=s"},
        {"https://h/a#frag", "/x", "https://h/a/x"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *url = http_path_join(rows[i][0], rows[i][1], strlen(rows[i][1]));
        CHECK_STR(url, rows[i][2]);
        free(url);
    }
}

TEST(http_headers, "only harmless headers pass, and none smuggles a second line")
{
    static const char *const good[] = {"", "Accept: */*\n",
                                       "content-type: text/plain\nIf-None-Match: \"x\"\n"};
    static const char *const bad[] = {"Accept: x",
                                      "Host: evil\n",
                                      "Authorization: x\n",
                                      "Cookie: x\n",
                                      "Accept:\n",
                                      "Accept: x\r\nHost: y\n",
                                      "X-HTTP-Method-Override: DELETE\n",
                                      "Accept : x\n",
                                      ": x\n",
                                      "\n",
                                      "Accept: x\n\nGET / HTTP/1.1\n",
                                      "Content-Length: 0\n",
                                      "Transfer-Encoding: chunked\n"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(http_headers_legal((const uint8_t *)good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (http_headers_legal((const uint8_t *)bad[i], strlen(bad[i])))
            FAIL("accepted: %s", bad[i]);
    }
}

static struct grants *resolve(const char *capabilities, char *grant)
{
    char text[512];
    struct fault fault = {0};
    static struct manifest *kept[8]; /* they outlive their grants, as a library does */
    static size_t count;
    struct grants *g = NULL;
    char *list[1] = {grant};
    struct config_instance in = {.id = (char *)(uintptr_t) "venue",
                                 .allow = MATURITY_STABLE,
                                 .grants = list,
                                 .grant_count = 1};
    (void)snprintf(
        text, sizeof(text),
        "{\"id\":\"org.test.x\",\"version\":\"1.0.0\",\"abi\":\"1.0\",\"kind\":\"venue\","
        "\"maturity\":\"stable\",\"capabilities\":[%s]}",
        capabilities);
    if (manifest_parse(text, strlen(text), &kept[count], &fault) != HAWSE_OK)
        FAIL("%s", fault.message);
    return grants_resolve(kept[count++], &in, &g, &fault) == HAWSE_OK ? g : NULL;
}

static bool may(struct grants *g, const char *method, const char *path)
{
    return grants_http(g, method, path, strlen(path));
}

TEST(outcome_grants, "who may hear how intents ended hears of the instances that were named")
{
    char one[] = "outcomes:arb", all[] = "outcomes", other[] = "intent:arb";
    struct grants *g = resolve("\"outcomes\"", one);
    CHECK(g && grants_outcomes(g, "arb") && !grants_outcomes(g, "arb2") &&
          !grants_outcomes(g, "ar"));
    grants_destroy(g);
    g = resolve("\"outcomes\"", all);
    CHECK(g && grants_outcomes(g, "arb") && grants_outcomes(g, "other"));
    grants_destroy(g);
    g = resolve("\"outcomes\",\"intent\"", other);
    CHECK(g && !grants_outcomes(g, "arb"));
    grants_destroy(g);
    CHECK(!resolve("\"intent\"", all)); /* its manifest does not ask for it */
}

TEST(http_grants,
     "a grant covers its method and its path's segments, and no more than was asked for")
{
    char all[] = "http", get[] = "http:GET", deep[] = "http:GET:/book/x", post[] = "http:POST";
    struct grants *g = resolve("\"http:GET:/book\",\"http:GET:/v2/\"", all);
    CHECK(g && may(g, "GET", "/book") && may(g, "GET", "/book?a=1") && may(g, "GET", "/book/x"));
    CHECK(may(g, "GET", "/v2/trades") && !may(g, "GET", "/v2") && !may(g, "GET", "/v22"));
    CHECK(!may(g, "GET", "/books") && !may(g, "POST", "/book") && !may(g, "GET", "/"));
    grants_destroy(g);
    g = resolve("\"http:GET:/book\"", get);
    CHECK(g && may(g, "GET", "/book") && !may(g, "GET", "/order"));
    grants_destroy(g);
    g = resolve("\"http:GET:/book\"", deep);
    CHECK(g && may(g, "GET", "/book/x/y") && !may(g, "GET", "/book"));
    grants_destroy(g);
    g = resolve("\"http\"", get);
    CHECK(g && may(g, "GET", "/order") && !may(g, "GETX", "/order") && !may(g, "POST", "/order"));
    grants_destroy(g);
    CHECK(resolve("\"http:GET:/book\"", post) == NULL);
}

/* ---- the server ---- */

struct server {
    int listener;
    uint16_t port;
    int requests;    /* atomic: request heads seen */
    int connections; /* atomic */
    int quit;        /* atomic */
    pthread_t thread;
    pthread_mutex_t lock; /* guards `last` */
    char last[4096];      /* the last request, head and body */
    pthread_t served[64]; /* connections, each with a thread of its own */
    int fds[64];
};

struct peer {
    struct server *server;
    int fd;
    char text[4096];
};

static bool say(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0;
}

/* One request with its body; false when the peer is gone. */
static bool hear(struct peer *p)
{
    size_t n = 0;
    while (n + 1 < sizeof(p->text)) {
        ssize_t got = recv(p->fd, p->text + n, sizeof(p->text) - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        p->text[n] = '\0';
        const char *end = strstr(p->text, "\r\n\r\n");
        const char *length = strstr(p->text, "Content-Length: ");
        size_t body = length && end && length < end ? strtoul(length + 16, NULL, 10) : 0;
        if (end && n >= (size_t)(end + 4 - p->text) + body)
            break;
    }
    (void)pthread_mutex_lock(&p->server->lock);
    memcpy(p->server->last, p->text, n + 1);
    (void)pthread_mutex_unlock(&p->server->lock);
    __atomic_add_fetch(&p->server->requests, 1, __ATOMIC_SEQ_CST);
    return true;
}

static void flood(int fd)
{
    char chunk[4096];
    memset(chunk, 'x', sizeof(chunk));
    if (!say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n"))
        return;
    while (send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
        ;
}

/* True: the connection may be used again. */
static bool answer(struct peer *p, int nth)
{
    const char *path = strchr(p->text, ' ') + 1;
    int fd = p->fd;
    if (strncmp(path, "/slow", 5) == 0) {
        usleep(400000);
        return false;
    }
    if (strncmp(path, "/gone", 5) == 0 || (strncmp(path, "/once", 5) == 0 && nth > 0))
        return false;
    if (strncmp(path, "/flood", 6) == 0) {
        flood(fd);
        return false;
    }
    if (strncmp(path, "/short", 6) == 0) {
        (void)say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        return false;
    }
    if (strncmp(path, "/garbage", 8) == 0) {
        (void)say(fd, "\x01\x02 what?\r\n\r\n");
        return false;
    }
    if (strncmp(path, "/busy", 5) == 0)
        return say(fd, "HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 17\r\n\r\n"
                       "{\"error\":\"later\"}");
    if (strncmp(path, "/moved", 6) == 0)
        return say(fd, "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n");
    return say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
}

static void *serve_one(void *arg)
{
    struct peer *p = arg;
    for (int nth = 0; hear(p) && answer(p, nth); nth++)
        ;
    (void)shutdown(p->fd, SHUT_RDWR);
    free(p);
    return NULL;
}

static void *serve(void *arg)
{
    struct server *s = arg;
    for (int i = 0;; i++) {
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0 || __atomic_load_n(&s->quit, __ATOMIC_SEQ_CST)) {
            if (fd >= 0)
                (void)close(fd);
            return NULL;
        }
        CHECK(i < 64);
        struct peer *p = calloc(1, sizeof(*p));
        CHECK(p != NULL);
        *p = (struct peer){.server = s, .fd = fd};
        CHECK_EQ(pthread_create(&s->served[i], NULL, serve_one, p), 0);
        s->fds[i] = fd;
        __atomic_add_fetch(&s->connections, 1, __ATOMIC_SEQ_CST);
    }
}

static void server_start(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    memset(s, 0, sizeof(*s));
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(s->listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s->listener, 8) == 0);
    CHECK(getsockname(s->listener, (struct sockaddr *)&a, &len) == 0);
    s->port = ntohs(a.sin_port);
    (void)pthread_mutex_init(&s->lock, NULL);
    CHECK_EQ(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    __atomic_store_n(&s->quit, 1, __ATOMIC_SEQ_CST);
    (void)shutdown(s->listener, SHUT_RDWR);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    for (int i = 0; i < s->connections; i++) {
        (void)shutdown(s->fds[i], SHUT_RDWR);
        (void)pthread_join(s->served[i], NULL);
        (void)close(s->fds[i]);
    }
}

/* Does the last request contain this? */
static bool heard(struct server *s, const char *text)
{
    (void)pthread_mutex_lock(&s->lock);
    bool found = strstr(s->last, text) != NULL;
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

/* ---- the client ---- */

struct rig {
    struct server server;
    struct loop *loop;
    struct http_client *client;
    struct config_endpoint endpoint;
    char url[64];
    struct config_header header;
};

struct ended {
    int count;
    int32_t status;
    uint32_t http_status, retry_after_ms;
    char body[256];
    uint64_t body_len;
};

static void rig_start(struct rig *r)
{
    struct fault fault = {0};
    memset(r, 0, sizeof(*r));
    server_start(&r->server);
    (void)snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u", r->server.port);
    r->header = (struct config_header){.name = (char *)(uintptr_t) "Authorization",
                                       .value = (char *)(uintptr_t) "secret"};
    r->endpoint = (struct config_endpoint){.name = (char *)(uintptr_t) "api",
                                           .url = r->url,
                                           .display = r->url,
                                           .headers = &r->header,
                                           .header_count = 1,
                                           .request_timeout_ms = 2000};
    CHECK_EQ(loop_create(&r->loop, &fault), HAWSE_OK);
    CHECK_EQ(http_client_create(NULL, &r->client, &fault), HAWSE_OK);
}

static void rig_stop(struct rig *r)
{
    http_client_destroy(r->client);
    loop_destroy(r->loop);
    server_stop(&r->server);
}

static void on_done(void *ctx, const struct http_result *result)
{
    struct ended *e = ctx;
    e->count++;
    e->status = result->status;
    e->http_status = result->http_status;
    e->retry_after_ms = result->retry_after_ms;
    e->body_len = result->body_len;
    (void)snprintf(e->body, sizeof(e->body), "%.*s", (int)result->body_len,
                   result->body_len ? (const char *)result->body : "");
}

static struct http_request *ask(struct rig *r, const char *method, const char *path,
                                const char *body, uint32_t timeout_ms, struct ended *ended)
{
    struct fault fault = {0};
    struct http_request *request = NULL;
    struct http_options o = {.endpoint = &r->endpoint,
                             .method = method,
                             .path = path,
                             .path_len = strlen(path),
                             .headers = "Accept: text/x\n",
                             .headers_len = 15,
                             .body = body ? strdup(body) : NULL,
                             .body_len = body ? strlen(body) : 0,
                             .once = strcmp(method, "GET") != 0,
                             .timeout_ms = timeout_ms,
                             .max_response = 1 << 20};
    memset(ended, 0, sizeof(*ended));
    CHECK_EQ(http_send(r->client, r->loop, &o, on_done, ended, &request, &fault), HAWSE_OK);
    return request;
}

static struct ended get(struct rig *r, const char *method, const char *path, const char *body)
{
    struct ended ended;
    (void)ask(r, method, path, body, 300, &ended);
    for (int i = 0; i < 400 && ended.count == 0; i++)
        (void)loop_step(r->loop, 10000000, 0);
    CHECK_EQ(ended.count, 1);
    return ended;
}

TEST(http_answers,
     "an answer comes with its status and body, an error with what the server asked for")
{
    struct rig r;
    rig_start(&r);
    struct ended e = get(&r, "GET", "/ok?x=1", NULL);
    CHECK_EQ(e.status, HAWSE_OK);
    CHECK_EQ(e.http_status, 200);
    CHECK_STR(e.body, "OK");
    CHECK(heard(&r.server, "GET /ok?x=1 HTTP/1.1\r\n"));
    CHECK(heard(&r.server, "Authorization: secret\r\n"));
    CHECK(heard(&r.server, "Accept: text/x\r\n"));
    CHECK(!heard(&r.server, "Content-Type"));
    e = get(&r, "POST", "/books", "[1]");
    CHECK_EQ(e.status, HAWSE_OK);
    CHECK(heard(&r.server, "Content-Type: application/json\r\n"));
    CHECK(heard(&r.server, "\r\n\r\n[1]"));
    e = get(&r, "DELETE", "/order", "{}");
    CHECK(heard(&r.server, "DELETE /order HTTP/1.1\r\n"));
    e = get(&r, "GET", "/busy", NULL);
    CHECK_EQ(e.http_status, 429);
    CHECK_EQ(e.retry_after_ms, 3000);
    CHECK_STR(e.body, "{\"error\":\"later\"}");
    int before = r.server.requests;
    e = get(&r, "GET", "/moved", NULL);
    CHECK_EQ(e.http_status, 302);
    CHECK_EQ(r.server.requests, before + 1);
    rig_stop(&r);
}

TEST(http_failures, "what was lost after it was sent is unknown when it may have changed something")
{
    struct rig r;
    rig_start(&r);
    CHECK_EQ(get(&r, "GET", "/gone", NULL).status, HAWSE_E_IO);
    CHECK_EQ(get(&r, "POST", "/gone", "{}").status, HAWSE_E_UNKNOWN);
    CHECK_EQ(get(&r, "GET", "/slow", NULL).status, HAWSE_E_TIMEOUT);
    CHECK_EQ(get(&r, "POST", "/slow", "{}").status, HAWSE_E_UNKNOWN);
    CHECK_EQ(get(&r, "GET", "/short", NULL).status, HAWSE_E_IO);
    struct ended e = get(&r, "DELETE", "/short", NULL);
    CHECK_EQ(e.status, HAWSE_E_UNKNOWN);
    CHECK_EQ(e.http_status, 200);
    CHECK_EQ(get(&r, "GET", "/garbage", NULL).status, HAWSE_E_IO);
    e = get(&r, "GET", "/flood", NULL);
    CHECK_EQ(e.status, HAWSE_E_LIMIT);
    CHECK(e.body_len < 200);
    rig_stop(&r);
    r.endpoint.url = r.url; /* nobody listens there any more: nothing can have been done */
    struct fault fault = {0};
    CHECK_EQ(loop_create(&r.loop, &fault), HAWSE_OK);
    CHECK_EQ(http_client_create(NULL, &r.client, &fault), HAWSE_OK);
    CHECK_EQ(get(&r, "POST", "/ok", "{}").status, HAWSE_E_IO);
    http_client_destroy(r.client);
    loop_destroy(r.loop);
}

TEST(http_once,
     "what may change something reaches the server once, also when a kept connection dies")
{
    struct rig r;
    rig_start(&r);
    CHECK_EQ(get(&r, "GET", "/ok", NULL).status, HAWSE_OK); /* leaves a connection to be reused */
    int before = r.server.requests;
    /* the server closes a connection on its second request without a word */
    struct ended e = get(&r, "POST", "/once", "{}");
    CHECK(e.status == HAWSE_OK || e.status == HAWSE_E_UNKNOWN);
    CHECK_EQ(r.server.requests, before + 1);
    rig_stop(&r);
}

TEST(rpc_once, "a JSON-RPC method that sends something reaches the server once, others may twice")
{
    static const char *const methods[] = {"eth_sendRawTransaction", "sendTransaction"};
    struct rig r;
    struct fault fault = {0};
    char base[64];
    rig_start(&r);
    (void)snprintf(base, sizeof(base), "%s", r.url);
    for (size_t i = 0; i < 2; i++) {
        struct ended ended = {0};
        struct http_request *request;
        CHECK_EQ(get(&r, "GET", "/ok", NULL).status, HAWSE_OK); /* leaves a connection */
        int before = r.server.requests;
        (void)snprintf(r.url, sizeof(r.url), "%.50s/once", base);
        struct rpc_options o = {
            .endpoint = &r.endpoint, .method = methods[i], .method_len = strlen(methods[i])};
        CHECK_EQ(rpc_call(r.client, r.loop, &o, on_done, &ended, &request, &fault), HAWSE_OK);
        for (int k = 0; k < 300 && ended.count == 0; k++)
            (void)loop_step(r.loop, 10000000, 0);
        CHECK_EQ(ended.count, 1);
        CHECK(ended.status == HAWSE_E_FORMAT || ended.status == HAWSE_E_UNKNOWN);
        CHECK_EQ(r.server.requests, before + 1);
        (void)snprintf(r.url, sizeof(r.url), "%s", base);
    }
    rig_stop(&r);
}

TEST(http_cancel,
     "a canceled request says nothing any more, and destroying the client ends the rest")
{
    struct rig r;
    struct ended first, second;
    rig_start(&r);
    http_cancel(ask(&r, "GET", "/slow", NULL, 200, &first));
    (void)ask(&r, "GET", "/slow", NULL, 60000, &second);
    for (int i = 0; i < 30; i++)
        (void)loop_step(r.loop, 10000000, 0);
    rig_stop(&r);
    CHECK_EQ(first.count, 0);
    CHECK_EQ(second.count, 0);
}
