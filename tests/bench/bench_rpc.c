/*
 * JSON-RPC over HTTP, 16 requests in flight: through a provider pool, and with nothing but
 * libcurl's multi handle, which is the floor that any client on libcurl has. bench_rpc.mjs runs
 * both beside viem and ethers.
 *
 *   bench-rpc serve             a server on loopback; prints its port, ends with its input
 *   bench-rpc pool PORT N       N requests, prints requests per second and CPU us per request
 *   bench-rpc link PORT N       the same over one WebSocket
 *   bench-rpc curl PORT N
 */
#include "../rpc/faulty.h"
#include "config/internal.h"
#include "net/stream.h"
#include "rpc/pool.h"

#include <curl/curl.h>
#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { IN_FLIGHT = 16, WARM_UP = 200 };

#define CALL \
    "[{\"to\":\"0x00000000000000000000000000000000000000aa\",\"data\":\"0x18160ddd\"},\"latest\"]"

static void tell(uint64_t began, double cpu_before, unsigned n)
{
    struct rusage u;
    double s = (double)(loop_clock() - began) / 1e9;
    (void)getrusage(RUSAGE_SELF, &u);
    double cpu = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6 - cpu_before;
    (void)printf("{\"per_second\":%.0f,\"cpu_us\":%.2f}\n", n / s, cpu * 1e6 / n);
}

static double cpu_now(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int serve(void)
{
    struct faulty *server = faulty_start(100);
    char byte;
    (void)printf("%u\n", faulty_port(server));
    (void)fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    faulty_stop(server);
    return 0;
}

/* ---- the pool ---- */

struct run {
    struct pool *pool;
    struct loop *loop;
    unsigned asked, answered, wanted, bad;
};

static void ask(struct run *run);

static void done(void *ctx, const struct pool_result *result)
{
    struct run *run = ctx;
    run->answered++;
    run->bad += result->status != HAWSE_OK || result->body_len != 68;
    if (run->asked < run->wanted)
        ask(run);
}

static void ask(struct run *run)
{
    static const struct pool_options options = {.method = "eth_call",
                                                .method_len = 8,
                                                .params = (const uint8_t *)CALL,
                                                .params_len = sizeof(CALL) - 1,
                                                .class = POOL_DECISION,
                                                .flags = POOL_FRESH};
    struct pool_request *r;
    run->asked++;
    if (pool_call(run->pool, run->loop, &options, done, run, &r, NULL) != HAWSE_OK)
        abort();
}

static void go(struct run *run, unsigned n)
{
    run->asked = run->answered = 0;
    run->wanted = n;
    for (unsigned i = 0; i < IN_FLIGHT && i < n; i++)
        ask(run);
    while (run->answered < n)
        (void)loop_step(run->loop, 1000000000u, 0);
}

static int pool(const char *port, unsigned n, bool link)
{
    char text[512], ws[64] = "";
    struct fault f = {0};
    struct config *config = NULL;
    struct logger *logger = NULL;
    struct metrics *metrics = NULL;
    struct http_client *client = NULL;
    struct connector *connector = NULL; /* sets libcurl up, with the host's allocator */
    struct run run = {0};
    if (link)
        (void)snprintf(ws, sizeof(ws), "\"ws\":\"ws://127.0.0.1:%s\",", port);
    (void)snprintf(text, sizeof(text),
                   "{\"hawse\":1,\"instances\":{},\"chains\":{\"c\":{\"chain_id\":100,\"block_ms\":"
                   "5000,\"providers\":[{\"name\":\"p\",\"http\":\"http://127.0.0.1:%s\",%s"
                   "\"per_second\":0,\"in_flight\":16}]}}}",
                   port, ws);
    if (config_parse(text, strlen(text), "/b.json", NULL, 0, &config, &f) != HAWSE_OK ||
        log_create(HAWSE_LOG_ERROR, LOG_FORMAT_TEXT, NULL, &logger, &f) != HAWSE_OK ||
        metrics_create(&metrics) != HAWSE_OK || loop_create(&run.loop, &f) != HAWSE_OK ||
        connector_create(&connector, &f) != HAWSE_OK ||
        http_client_create(logger, &client, &f) != HAWSE_OK ||
        pool_create(client, connector, &config->chains[0], logger, metrics, &run.pool, &f) !=
            HAWSE_OK)
        return 1;
    go(&run, WARM_UP);
    for (int turn = 0; link && turn < 20; turn++) /* until it has told its chain id */
        (void)loop_step(run.loop, 10000000u, 0);
    double cpu = cpu_now();
    uint64_t began = loop_clock();
    go(&run, n);
    tell(began, cpu, n);
    http_client_stop(client);
    pool_destroy(run.pool);
    connector_stop(connector);
    http_client_destroy(client);
    connector_destroy(connector);
    loop_destroy(run.loop);
    metrics_destroy(metrics);
    log_destroy(logger);
    config_destroy(config);
    return run.bad ? 1 : 0;
}

/* ---- libcurl alone ---- */

struct bare {
    CURL *easy;
    char text[512];
    size_t len;
};

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct bare *b = ctx;
    size_t len = size * n;
    if (b->len + len >= sizeof(b->text))
        return 0;
    memcpy(b->text + b->len, data, len);
    b->len += len;
    return len;
}

static void begin(CURLM *multi, struct bare *b)
{
    b->len = 0;
    (void)curl_multi_add_handle(multi, b->easy);
}

/* Handles are set up once and used again, which is the best that libcurl can do. */
static unsigned bare_run(CURLM *multi, struct bare *all, unsigned n)
{
    unsigned asked = 0, answered = 0, bad = 0;
    int running = 0, left = 0;
    for (; asked < IN_FLIGHT && asked < n; asked++)
        begin(multi, &all[asked]);
    while (answered < n) {
        CURLMsg *msg;
        (void)curl_multi_perform(multi, &running);
        while ((msg = curl_multi_info_read(multi, &left)) != NULL) {
            CURL *easy = msg->easy_handle;
            char *owner = NULL;
            if (msg->msg != CURLMSG_DONE)
                continue;
            (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
            struct bare *b = (struct bare *)(void *)owner;
            bad += msg->data.result != CURLE_OK || b->len < 68;
            answered++;
            (void)curl_multi_remove_handle(multi, easy);
            if (asked < n) {
                asked++;
                begin(multi, b);
            }
        }
        if (answered < n)
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    return bad;
}

static int bare(const char *port, unsigned n)
{
    static struct bare all[IN_FLIGHT];
    static const char body[] =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_call\",\"params\":" CALL "}";
    char url[64];
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURLM *multi = curl_multi_init();
    headers = curl_slist_append(headers, "Expect:");
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%s", port);
    for (int i = 0; i < IN_FLIGHT; i++) {
        CURL *e = all[i].easy = curl_easy_init();
        (void)curl_easy_setopt(e, CURLOPT_URL, url);
        (void)curl_easy_setopt(e, CURLOPT_POSTFIELDS, body);
        (void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
        (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
        (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, &all[i]);
        (void)curl_easy_setopt(e, CURLOPT_PRIVATE, &all[i]);
    }
    unsigned bad = bare_run(multi, all, WARM_UP);
    double cpu = cpu_now();
    uint64_t began = loop_clock();
    bad += bare_run(multi, all, n);
    tell(began, cpu, n);
    for (int i = 0; i < IN_FLIGHT; i++)
        curl_easy_cleanup(all[i].easy);
    curl_slist_free_all(headers);
    (void)curl_multi_cleanup(multi);
    return bad ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return serve();
    if (argc != 4)
        return 2;
    unsigned n = (unsigned)strtoul(argv[3], NULL, 10);
    if (strcmp(argv[1], "curl") != 0)
        return pool(argv[2], n, strcmp(argv[1], "link") == 0);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    return bare(argv[2], n);
}
