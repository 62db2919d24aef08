/*
 * Connecting with libcurl's CONNECT_ONLY; see connect.h. The connector counts its threads, so that
 * shutdown can wait for them; an attempt belongs to its thread until the thread posts it to the
 * loop, and to the loop from then on.
 */
#include "net/connect.h"

#include "base/secret.h"
#include "base/secret_heap.h"
#include "net/curl_options.h"
#include "net/stream.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct connector {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    uint32_t threads;
    int quit; /* atomic: attempts under way give up */
};

struct connect_attempt {
    struct loop_work work;
    struct connector *connector;
    struct loop *loop;
    char *url, *proxy, *ca_file; /* the url: scheme and host alone */
    uint32_t timeout_ms;
    connect_fn fn;
    void *ctx;
    int canceled; /* atomic */
    CURL *easy;
    char error[CURL_ERROR_SIZE];
    struct transport transport;
    struct fault fault;
};

int32_t connector_create(struct connector **out, struct fault *fault)
{
    struct connector *c = calloc(1, sizeof(*c));
    /* its copies of URLs, logins and headers, which hold keys, are as safe as ours */
    if (!c || curl_global_init_mem(CURL_GLOBAL_DEFAULT, secret_heap_malloc, secret_heap_free,
                                   secret_heap_realloc, secret_heap_strdup,
                                   secret_heap_calloc) != CURLE_OK) {
        free(c);
        return fault_set(fault, HAWSE_E_NOMEM, "libcurl could not be set up");
    }
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->ended, NULL);
    *out = c;
    return HAWSE_OK;
}

void connector_stop(struct connector *c)
{
    if (!c)
        return;
    __atomic_store_n(&c->quit, 1, __ATOMIC_RELEASE);
    (void)pthread_mutex_lock(&c->lock);
    while (c->threads > 0)
        (void)pthread_cond_wait(&c->ended, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
}

void connector_destroy(struct connector *c)
{
    if (!c)
        return;
    connector_stop(c);
    (void)pthread_mutex_destroy(&c->lock);
    (void)pthread_cond_destroy(&c->ended);
    curl_global_cleanup();
    free(c);
}

static void attempt_free(struct connect_attempt *a)
{
    free(a->url);
    secret_free(a->proxy);
    free(a->ca_file);
    free(a);
}

/* [loop] */
static void report(void *ctx)
{
    struct connect_attempt *a = ctx;
    if (__atomic_load_n(&a->canceled, __ATOMIC_ACQUIRE))
        transport_close(&a->transport);
    else
        a->fn(a->ctx, &a->transport, &a->fault);
    attempt_free(a);
}

/* ---- the thread ---- */

static int progress(void *ctx, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
                    curl_off_t ulnow)
{
    (void)dltotal, (void)dlnow, (void)ultotal, (void)ulnow;
    const struct connect_attempt *a = ctx;
    return __atomic_load_n(&a->canceled, __ATOMIC_ACQUIRE) ||
           __atomic_load_n(&a->connector->quit, __ATOMIC_ACQUIRE);
}

static int32_t fault_code(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return HAWSE_E_TIMEOUT;
    case CURLE_ABORTED_BY_CALLBACK:
        return HAWSE_E_CANCELED;
    case CURLE_OUT_OF_MEMORY:
        return HAWSE_E_NOMEM;
    default:
        return HAWSE_E_IO;
    }
}

static void explain(struct connect_attempt *a, CURLcode code)
{
    (void)fault_set(&a->fault, fault_code(code), "%s",
                    a->error[0] ? a->error : curl_easy_strerror(code));
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        fault_hint(&a->fault, "check the endpoint's name and date, or set ca_file to the authority "
                              "that signed its certificate");
    else if (code == CURLE_COULDNT_RESOLVE_HOST)
        fault_hint(&a->fault, "check the endpoint's host name and this machine's resolver");
}

static bool set_options(struct connect_attempt *a)
{
    CURL *e = a->easy;
    const struct curl_long longs[] = {
        {CURLOPT_CONNECT_ONLY, 1L},
        {CURLOPT_NOSIGNAL, 1L},
        {CURLOPT_TCP_NODELAY, 1L},
        {CURLOPT_CONNECTTIMEOUT_MS, (long)a->timeout_ms},
        {CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1},
        {CURLOPT_NOPROGRESS, 0L},
        {CURLOPT_HTTPPROXYTUNNEL, 1L},
    };
    const struct curl_pointer pointers[] = {
        {CURLOPT_URL, a->url},
        {CURLOPT_ERRORBUFFER, a->error},
        {CURLOPT_XFERINFODATA, a},
        {CURLOPT_PROXY, a->proxy ? a->proxy : ""}, /* empty: not the environment's either */
        {CURLOPT_CAINFO, a->ca_file},
    };
    return curl_set_longs(e, longs, CURL_COUNT(longs)) &&
           curl_set_pointers(e, pointers, CURL_COUNT(pointers)) &&
           curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, progress) == CURLE_OK;
}

static void connect_now(struct connect_attempt *a)
{
    a->easy = curl_easy_init();
    if (!a->easy || !set_options(a)) {
        (void)fault_set(&a->fault, HAWSE_E_NOMEM, "libcurl refused the connection's settings");
        goto out;
    }
    CURLcode code = curl_easy_perform(a->easy);
    curl_socket_t fd = CURL_SOCKET_BAD;
    if (code == CURLE_OK)
        code = curl_easy_getinfo(a->easy, CURLINFO_ACTIVESOCKET, &fd);
    if (code != CURLE_OK || fd == CURL_SOCKET_BAD) {
        explain(a, code);
        goto out;
    }
    (void)curl_easy_setopt(a->easy, CURLOPT_ERRORBUFFER, NULL); /* the attempt's memory ends soon */
    (void)curl_easy_setopt(a->easy, CURLOPT_XFERINFODATA, NULL);
    (void)curl_easy_setopt(a->easy, CURLOPT_NOPROGRESS, 1L);
    bool proxy_tls = a->proxy && strncmp(a->proxy, "https:", 6) == 0;
    a->transport = (struct transport){
        .easy = a->easy, .fd = fd, .direct = strncmp(a->url, "http:", 5) == 0 && !proxy_tls};
    return;
out:
    if (a->easy)
        curl_easy_cleanup(a->easy);
    a->transport = (struct transport){.fd = -1};
}

static void *attempt_main(void *arg)
{
    struct connect_attempt *a = arg;
    struct connector *c = a->connector;
    connect_now(a);
    loop_post(a->loop, &a->work); /* from here on the attempt is the loop's */
    (void)pthread_mutex_lock(&c->lock);
    if (--c->threads == 0)
        (void)pthread_cond_signal(&c->ended);
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Where to connect, and no more: the upgrade is ours, so libcurl, which keeps what it is given as
 * long as the connection lasts, needs neither path nor user, where keys stand. It connects by
 * http:// and https://. */
static char *address_of(const char *url)
{
    char *out = NULL;
    const char *host = strstr(url, "://");
    if (!host)
        return NULL;
    bool tls = host[-1] == 's' && strncmp(url, "ws://", 5) != 0;
    host += 3;
    size_t len = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', len);
    size_t user = at ? (size_t)(at - host) + 1 : 0;
    if (asprintf(&out, "http%s://%.*s/", tls ? "s" : "", (int)(len - user), host + user) < 0)
        return NULL;
    return out;
}

static bool copy_texts(struct connect_attempt *a, const struct connect_options *o)
{
    a->url = address_of(o->url);
    a->proxy = o->proxy ? secret_copy(o->proxy) : NULL;
    a->ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
    return a->url && (!o->proxy || a->proxy) && (!o->ca_file || a->ca_file);
}

int32_t connect_start(struct connector *c, struct loop *loop, const struct connect_options *options,
                      connect_fn fn, void *ctx, struct connect_attempt **out, struct fault *fault)
{
    struct connect_attempt *a = calloc(1, sizeof(*a));
    if (!a || !copy_texts(a, options)) {
        if (a)
            attempt_free(a);
        return fault_set(fault, HAWSE_E_NOMEM, "no memory to connect");
    }
    a->work.fn = report;
    a->work.ctx = a;
    a->connector = c;
    a->loop = loop;
    a->timeout_ms = options->timeout_ms;
    a->fn = fn;
    a->ctx = ctx;
    a->transport.fd = -1;
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, 256u << 10);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)pthread_mutex_lock(&c->lock);
    c->threads++;
    (void)pthread_mutex_unlock(&c->lock);
    pthread_t thread;
    int error = pthread_create(&thread, &attr, attempt_main, a);
    (void)pthread_attr_destroy(&attr);
    if (error != 0) {
        (void)pthread_mutex_lock(&c->lock);
        c->threads--;
        (void)pthread_mutex_unlock(&c->lock);
        attempt_free(a);
        return fault_set(fault, HAWSE_E_NOMEM, "cannot start a thread to connect: %s",
                         strerror(error));
    }
    *out = a;
    return HAWSE_OK;
}

void connect_cancel(struct connect_attempt *attempt)
{
    if (attempt)
        __atomic_store_n(&attempt->canceled, 1, __ATOMIC_RELEASE);
}

/* ---- the transport ---- */

ssize_t transport_read(struct transport *t, void *buffer, size_t len, struct fault *fault)
{
    if (t->direct) {
        ssize_t n = recv(t->fd, buffer, len, MSG_DONTWAIT);
        if (n >= 0)
            return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            return -1;
        (void)fault_set(fault, HAWSE_E_IO, "reading failed: %s", strerror(errno));
        return -2;
    }
    size_t n = 0;
    CURLcode code = curl_easy_recv(t->easy, buffer, len, &n);
    if (code == CURLE_OK)
        return (ssize_t)n;
    if (code == CURLE_AGAIN)
        return -1;
    (void)fault_set(fault, HAWSE_E_IO, "reading failed: %s", curl_easy_strerror(code));
    return -2;
}

ssize_t transport_write(struct transport *t, const void *data, size_t len, struct fault *fault)
{
    if (t->direct) {
        ssize_t n = send(t->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
            return -1;
        (void)fault_set(fault, HAWSE_E_IO, "writing failed: %s", strerror(errno));
        return -2;
    }
    size_t n = 0;
    CURLcode code = curl_easy_send(t->easy, data, len, &n);
    if (code == CURLE_OK)
        return (ssize_t)n;
    if (code == CURLE_AGAIN)
        return -1;
    (void)fault_set(fault, HAWSE_E_IO, "writing failed: %s", curl_easy_strerror(code));
    return -2;
}

void transport_close(struct transport *t)
{
    if (t->easy)
        curl_easy_cleanup(t->easy);
    *t = (struct transport){.fd = -1};
}
