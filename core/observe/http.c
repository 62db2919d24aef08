/* The HTTP endpoint; see http.h. Owns its thread and libwebsockets' context. */
#include "observe/http.h"

#include <hawse/types.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_server {
    struct http_source source;
    struct lws_context *context;
    pthread_t thread;
    int quit; /* atomic */
    char host[64];
};

/* Of one connection; libwebsockets' memory. */
struct page {
    char *body;
    size_t len, sent;
};

/* The page of a path; its status in *status. */
static char *make_page(struct http_server *s, const char *path, unsigned *status, size_t *len)
{
    char *body = NULL, *reasons = NULL;
    *status = 200;
    if (strcmp(path, "/metrics") == 0)
        return s->source.metrics(s->source.ctx, len);
    if (strcmp(path, "/healthz") == 0) {
        bool good = s->source.healthy(s->source.ctx);
        *status = good ? 200 : 503;
        body = strdup(good ? "{\"healthy\":true}\n" : "{\"healthy\":false}\n");
    } else if (strcmp(path, "/readyz") == 0) {
        bool good = s->source.ready(s->source.ctx, &reasons);
        *status = good ? 200 : 503;
        size_t cap = 64 + (reasons ? strlen(reasons) : 2);
        body = malloc(cap);
        if (body)
            (void)snprintf(body, cap, "{\"ready\":%s,\"reasons\":%s}\n", good ? "true" : "false",
                           reasons ? reasons : "[]");
        free(reasons);
    } else if (strcmp(path, "/") == 0) {
        body = strdup("hawse: /metrics /healthz /readyz\n");
    } else {
        *status = 404;
        body = strdup("not here: /metrics /healthz /readyz\n");
    }
    *len = body ? strlen(body) : 0;
    return body;
}

static int begin(struct lws *wsi, struct page *page, const char *path)
{
    struct http_server *s = lws_context_user(lws_get_context(wsi));
    unsigned char head[LWS_PRE + 512];
    unsigned char *at = head + LWS_PRE, *end = head + sizeof(head) - 1;
    unsigned status = 200;
    bool probe = strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0;
    free(page->body);
    page->sent = 0;
    page->body = make_page(s, path, &status, &page->len);
    if (!page->body)
        return -1;
    if (lws_add_http_common_headers(
            wsi, status, probe ? "application/json" : "text/plain; version=0.0.4; charset=utf-8",
            page->len, &at, end) != 0 ||
        lws_finalize_write_http_header(wsi, head + LWS_PRE, &at, end) != 0)
        return -1;
    return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
}

static int write_some(struct lws *wsi, struct page *page)
{
    unsigned char buffer[LWS_PRE + 4096];
    size_t left = page->len - page->sent, n = left < 4096 ? left : 4096;
    if (!page->body)
        return 0;
    memcpy(buffer + LWS_PRE, page->body + page->sent, n);
    bool last = n == left;
    if (lws_write(wsi, buffer + LWS_PRE, n, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) != (int)n)
        return -1;
    page->sent += n;
    if (!last)
        return lws_callback_on_writable(wsi) < 0 ? -1 : 0;
    free(page->body);
    page->body = NULL;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
    struct page *page = user;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) == 0)
            return lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, "GET only") ? -1 : 0;
        return begin(wsi, page, in ? in : "/");
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_some(wsi, page);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (page) {
            free(page->body);
            page->body = NULL;
        }
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static void *serve(void *arg)
{
    struct http_server *s = arg;
    while (!__atomic_load_n(&s->quit, __ATOMIC_ACQUIRE) && lws_service(s->context, 0) >= 0)
        ;
    return NULL;
}

static bool split(const char *listen, char *host, size_t cap, int *port)
{
    const char *colon = strrchr(listen, ':');
    char *end = NULL;
    if (!colon || colon == listen || (size_t)(colon - listen) >= cap)
        return false;
    bool brackets = listen[0] == '[' && colon[-1] == ']';
    (void)snprintf(host, cap, "%.*s", (int)(colon - listen) - (brackets ? 2 : 0),
                   listen + (brackets ? 1 : 0));
    long n = strtol(colon + 1, &end, 10);
    *port = (int)n;
    return *end == '\0' && n > 0 && n < 65536;
}

int32_t http_start(const char *listen, const struct http_source *source, struct http_server **out,
                   struct fault *fault)
{
    static const struct lws_protocols protocols[] = {
        {"http", on_http, sizeof(struct page), 0, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
    struct lws_context_creation_info info = {0};
    struct http_server *s = calloc(1, sizeof(*s));
    int port = 0;
    if (!s)
        return fault_set(fault, HAWSE_E_NOMEM, "no memory for the HTTP endpoint");
    s->source = *source;
    if (!split(listen, s->host, sizeof(s->host), &port)) {
        free(s);
        return fault_set(fault, HAWSE_E_INVAL, "http.listen: found \"%s\", expected HOST:PORT",
                         listen);
    }
    lws_set_log_level(0, NULL); /* what goes wrong is said in our words */
    info.port = port;
    info.iface = s->host;
    info.protocols = protocols;
    info.user = s;
    info.fd_limit_per_thread = 32;
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    s->context = lws_create_context(&info);
    if (!s->context) {
        (void)fault_set(fault, HAWSE_E_IO, "http.listen: cannot listen on %s", listen);
        fault_hint(fault, "is the port taken? choose another, or set http to null");
        free(s);
        return HAWSE_E_IO;
    }
    if (pthread_create(&s->thread, NULL, serve, s) != 0) {
        lws_context_destroy(s->context);
        free(s);
        return fault_set(fault, HAWSE_E_NOMEM, "cannot start the HTTP thread");
    }
    *out = s;
    return HAWSE_OK;
}

void http_stop(struct http_server *s)
{
    if (!s)
        return;
    __atomic_store_n(&s->quit, 1, __ATOMIC_RELEASE);
    lws_cancel_service(s->context);
    (void)pthread_join(s->thread, NULL);
    lws_context_destroy(s->context);
    free(s);
}
