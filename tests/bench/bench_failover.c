/*
 * Failing providers for bench_failover.mjs, and hawse's pool over them. The same servers answer all
 * clients, one client after the other.
 *
 *   bench-failover serve COUNT      prints the ports; then "INDEX MODE" a line: that one behaves so
 *                                   from now on (refused, reset, ...), answered with "ok"
 *   bench-failover pool PORT...     a pool of them, first first; then "N" a line: asks N times, 8
 * at a time, and prints [nanoseconds, right] of each as JSON
 */
#include "../rpc/faulty.h"
#include "config/internal.h"
#include "net/stream.h"
#include "rpc/pool.h"

#include <hawse/hawse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERVERS = 8, AT_ONCE = 8, HEAD = 1000 };

/* ---- the servers ---- */

struct server {
    struct faulty *faulty;
    bool refuses;
};

static void behave(struct server *s, const char *name)
{
    for (int mode = 0; mode < MODE_COUNT; mode++) {
        bool refuse = mode == MODE_REFUSED;
        if (strcmp(faulty_mode_name((enum fault_mode)mode), name) != 0)
            continue;
        if (refuse != s->refuses)
            faulty_refuse(s->faulty, refuse);
        s->refuses = refuse;
        faulty_mode(s->faulty, refuse ? MODE_GOOD : (enum fault_mode)mode);
    }
    (void)printf("ok\n");
    (void)fflush(stdout);
}

static int serve(unsigned count)
{
    struct server servers[SERVERS] = {0};
    char line[128], name[64];
    unsigned i = 0;
    for (; i < count; i++)
        servers[i].faulty = faulty_start(HEAD);
    for (i = 0; i < count; i++)
        (void)printf("%u%c", faulty_port(servers[i].faulty), i + 1 < count ? ' ' : '\n');
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "%u %63[^\n]", &i, name) == 2 && i < count)
            behave(&servers[i], name);
    }
    for (i = 0; i < count; i++)
        faulty_stop(servers[i].faulty);
    return 0;
}

/* ---- the pool ---- */

struct run {
    struct pool *pool;
    struct loop *loop;
    unsigned asked, answered, wanted;
    bool comma, head;
};

static void ask(struct run *run);

static void done(void *ctx, const struct pool_result *r)
{
    struct run *run = ctx;
    bool right = r->status == HAWSE_OK &&
                 (run->head ? r->body_len == 7 && memcmp(r->body, "\"0x3e8\"", 7) == 0
                            : r->body_len == 68 && memcmp(r->body + 65, "c8\"", 3) == 0);
    (void)printf("%s[%llu,%d]", run->comma ? "," : "", (unsigned long long)r->elapsed_ns, right);
    run->comma = true;
    run->answered++;
    if (run->asked < run->wanted)
        ask(run);
}

static void ask(struct run *run)
{
    static const char call[] =
        "[{\"to\":\"0x00000000000000000000000000000000000000aa\"},\"latest\"]";
    const char *method = run->head ? "eth_blockNumber" : "eth_call";
    const struct pool_options options = {.method = method,
                                         .method_len = strlen(method),
                                         .params = (const uint8_t *)(run->head ? "[]" : call),
                                         .params_len = run->head ? 2 : sizeof(call) - 1,
                                         .class = POOL_DECISION,
                                         .flags = POOL_FRESH,
                                         .deadline_ms = 5000};
    struct pool_request *r;
    run->asked++;
    if (pool_call(run->pool, run->loop, &options, done, run, &r, NULL) != HAWSE_OK)
        abort();
}

static void ask_many(struct run *run, unsigned n)
{
    run->asked = run->answered = 0;
    run->wanted = n;
    run->comma = false;
    (void)printf("[");
    for (unsigned i = 0; i < AT_ONCE && i < n; i++)
        ask(run);
    while (run->answered < n)
        (void)loop_step(run->loop, 1000000000u, 0);
    (void)printf("]\n");
    (void)fflush(stdout);
}

static int pool(char **ports, int count)
{
    char text[2048], line[64];
    struct fault f = {0};
    struct config *config = NULL;
    struct logger *logger = NULL;
    struct metrics *metrics = NULL;
    struct http_client *client = NULL;
    struct connector *connector = NULL;
    struct run run = {0};
    int n = snprintf(text, sizeof(text),
                     "{\"hawse\":1,\"instances\":{},\"chains\":{\"c\":{\"chain_id\":100,"
                     "\"block_ms\":5000,\"providers\":[");
    for (int i = 0; i < count; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n,
                      "%s{\"name\":\"p%d\",\"http\":\"http://127.0.0.1:%s\",\"per_second\":0,"
                      "\"priority\":%d}",
                      i ? "," : "", i, ports[i], i + 1);
    (void)snprintf(text + n, sizeof(text) - (size_t)n, "]}}}");
    if (config_parse(text, strlen(text), "/b.json", NULL, 0, &config, &f) != HAWSE_OK ||
        log_create(HAWSE_LOG_ERROR, LOG_FORMAT_TEXT, "/dev/null", &logger, &f) != HAWSE_OK ||
        metrics_create(&metrics) != HAWSE_OK || loop_create(&run.loop, &f) != HAWSE_OK ||
        connector_create(&connector, &f) != HAWSE_OK ||
        http_client_create(logger, &client, &f) != HAWSE_OK ||
        pool_create(client, connector, &config->chains[0], logger, metrics, &run.pool, &f) !=
            HAWSE_OK)
        return 1;
    while (fgets(line, sizeof(line), stdin)) {
        run.head = line[0] == 'h';
        ask_many(&run, (unsigned)strtoul(line + 5, NULL, 10));
    }
    http_client_stop(client);
    pool_destroy(run.pool);
    connector_stop(connector);
    http_client_destroy(client);
    connector_destroy(connector);
    loop_destroy(run.loop);
    metrics_destroy(metrics);
    log_destroy(logger);
    config_destroy(config);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "serve") == 0 && atoi(argv[2]) <= SERVERS)
        return serve((unsigned)atoi(argv[2]));
    if (argc > 2 && argc - 2 <= SERVERS && strcmp(argv[1], "pool") == 0)
        return pool(argv + 2, argc - 2);
    return 2;
}
