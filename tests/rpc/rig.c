/* The rig; see rig.h. */
#include "rig.h"

#include "config/internal.h"

#include <hawse/hawse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(int32_t code, const struct fault *fault)
{
    if (code == HAWSE_OK)
        return;
    (void)fprintf(stderr, "rig: %s (%s)\n", fault->message, fault->hint);
    abort();
}

static void begin(struct rig *r, const char *const *providers, const enum fault_mode *modes,
                  unsigned count, const char *more)
{
    char text[4096];
    struct fault fault = {0};
    int n = snprintf(text, sizeof(text),
                     "{'hawse':1,'instances':{},'chains':{'test':{%s%s%s'providers':[",
                     strstr(more, "'solana'") ? "" : "'chain_id':100,",
                     strstr(more, "'block_ms'") ? "" : "'block_ms':5000,", more);
    r->count = count;
    for (unsigned i = 0; i < count; i++) {
        uint16_t port = r->node;
        if (!port) {
            r->servers[i] = faulty_start(100);
            faulty_mode(r->servers[i], modes ? modes[i] : MODE_GOOD);
            port = faulty_port(r->servers[i]);
        }
        n += snprintf(text + n, sizeof(text) - (size_t)n,
                      "%s{'name':'p%u','http':'http://127.0.0.1:%u/%s',", i ? "," : "", i, port,
                      r->node ? "" : "k");
        if (r->sockets)
            n += snprintf(
                text + n, sizeof(text) - (size_t)n,
                "'ws':{'url':'ws://127.0.0.1:%u/%s','backoff_min_ms':50,'backoff_max_ms':200},",
                port, r->node ? "" : "w");
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s}", providers[i]);
    }
    (void)snprintf(text + n, sizeof(text) - (size_t)n, "]}}}");
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    must(config_parse(text, strlen(text), "/etc/rig.json", NULL, 0, &r->config, &fault), &fault);
    const char *log = getenv("RIG_LOG");
    must(log_create(log ? HAWSE_LOG_DEBUG : HAWSE_LOG_ERROR, LOG_FORMAT_TEXT,
                    log ? NULL : "/dev/null", &r->logger, &fault),
         &fault);
    must(metrics_create(&r->metrics), &fault);
    must(loop_create(&r->loop, &fault), &fault);
    must(connector_create(&r->connector, &fault), &fault);
    must(http_client_create(r->logger, &r->client, &fault), &fault);
    must(pool_create(r->client, r->connector, &r->config->chains[0], r->logger, r->metrics,
                     &r->pool, &fault),
         &fault);
    must(http_client_start(r->client, &fault), &fault);
}

void rig_start(struct rig *r, const char *const *providers, unsigned count, const char *more)
{
    rig_start_as(r, providers, NULL, count, more);
}

void rig_start_as(struct rig *r, const char *const *providers, const enum fault_mode *modes,
                  unsigned count, const char *more)
{
    memset(r, 0, sizeof(*r));
    begin(r, providers, modes, count, more);
}

void rig_start_sockets(struct rig *r, const char *const *providers, unsigned count,
                       const char *more)
{
    memset(r, 0, sizeof(*r));
    r->sockets = true;
    begin(r, providers, NULL, count, more);
}

void rig_start_node(struct rig *r, uint16_t port, bool sockets, const char *provider,
                    const char *more)
{
    memset(r, 0, sizeof(*r));
    r->sockets = sockets;
    r->node = port;
    begin(r, &provider, NULL, 1, more);
}

void rig_stop(struct rig *r)
{
    http_client_stop(r->client);
    pool_destroy(r->pool);
    connector_stop(r->connector);
    http_client_destroy(r->client);
    connector_destroy(r->connector);
    loop_destroy(r->loop);
    metrics_destroy(r->metrics);
    log_destroy(r->logger);
    config_destroy(r->config);
    for (unsigned i = 0; i < r->count && !r->node; i++)
        faulty_stop(r->servers[i]);
}

static void on_done(void *ctx, const struct pool_result *result)
{
    struct told *t = ctx;
    t->done++;
    t->status = result->status;
    t->class = result->class;
    t->elapsed_ns = result->elapsed_ns;
    (void)snprintf(t->body, sizeof(t->body), "%.*s", (int)result->body_len,
                   (const char *)result->body);
    (void)snprintf(t->provider, sizeof(t->provider), "%s", result->provider);
}

int32_t rig_try(struct rig *r, const struct pool_options *options, struct told *told,
                struct pool_request **out)
{
    struct fault fault = {0};
    *told = (struct told){0};
    return pool_call(r->pool, r->loop, options, on_done, told, out, &fault);
}

struct pool_request *rig_ask(struct rig *r, const char *method, const char *params, uint32_t flags,
                             uint32_t deadline_ms, struct told *told)
{
    struct pool_request *out = NULL;
    const struct pool_options options = {.method = method,
                                         .method_len = strlen(method),
                                         .params = (const uint8_t *)params,
                                         .params_len = strlen(params),
                                         .class =
                                             strstr(method, "send") ? POOL_SEND : POOL_DECISION,
                                         .flags = flags,
                                         .deadline_ms = deadline_ms};
    if (rig_try(r, &options, told, &out) != HAWSE_OK)
        abort();
    return out;
}

void rig_wait(struct rig *r, const struct told *told)
{
    uint64_t end = loop_clock() + 20000000000u;
    while (!told->done && loop_clock() < end)
        (void)loop_step(r->loop, 100000000u, 0);
    if (!told->done) {
        (void)fprintf(stderr, "rig: never told\n");
        abort();
    }
}

struct told rig_get(struct rig *r, const char *method, const char *params, uint32_t flags)
{
    struct told told;
    (void)rig_ask(r, method, params, flags, 5000, &told);
    rig_wait(r, &told);
    return told;
}

void rig_sleep(struct rig *r, uint32_t ms)
{
    uint64_t end = loop_clock() + ms * 1000000ull;
    while (loop_clock() < end)
        (void)loop_step(r->loop, end - loop_clock(), 0);
}
