/* Questions to the providers of a chain; see desk_private.h. */
#include "tx/desk_private.h"

#include <stdlib.h>
#include <string.h>

enum { SIM_DEADLINE_MS = 5000 };

static void unlink_ask(struct desk_ask *ask)
{
    *ask->at = ask->next;
    if (ask->next)
        ask->next->at = ask->at;
    if (ask->intent)
        ask->intent->asks--;
}

struct desk_ask *desk_ask_hold(struct desk_chain *chain, const struct desk_ask *what)
{
    struct desk *desk = chain->desk;
    struct desk_ask *ask = malloc(sizeof(*ask));
    if (!ask)
        return NULL;
    *ask = *what;
    ask->desk = desk;
    ask->chain = chain;
    ask->next = desk->asks;
    ask->at = &desk->asks;
    if (ask->next)
        ask->next->at = &ask->next;
    desk->asks = ask;
    if (ask->intent)
        ask->intent->asks++;
    return ask;
}

void desk_ask_drop(struct desk_ask *ask)
{
    if (ask)
        unlink_ask(ask);
    free(ask);
}

static void on_answer(void *ctx, const struct pool_result *result)
{
    struct desk_ask *ask = ctx;
    unlink_ask(ask);
    ask->done(ask, result);
    free(ask);
}

static bool ask_bytes(struct desk_chain *chain, const struct desk_ask *what, const char *method,
                      hawse_view_t params, uint32_t flags, enum pool_class class,
                      uint32_t deadline_ms)
{
    struct desk *desk = chain->desk;
    struct desk_ask *ask = desk_ask_hold(chain, what);
    struct fault fault = {0};
    if (!ask)
        return false;
    struct pool_options options = {.method = method,
                                   .method_len = strlen(method),
                                   .params = params.data,
                                   .params_len = params.len,
                                   .class = class,
                                   .flags = flags,
                                   .deadline_ms = deadline_ms};
    if (pool_call(chain->pool, desk->loop, &options, on_answer, ask, &ask->request, &fault) ==
        HAWSE_OK)
        return true;
    log_fault(desk->logger, HAWSE_LOG_WARN, "tx", &fault);
    desk_ask_drop(ask);
    return false;
}

bool desk_ask(struct desk_chain *chain, const struct desk_ask *what, const char *method,
              const char *params, uint32_t flags, enum pool_class class, uint32_t deadline_ms)
{
    return ask_bytes(chain, what, method, hawse_text(params), flags, class, deadline_ms);
}

/* A simulation must hear an answer to every question, or it is never freed. */
void desk_asks_cancel(struct desk *desk)
{
    const struct sim_answer none = {.status = HAWSE_E_CANCELED};
    while (desk->asks) {
        struct desk_ask *ask = desk->asks;
        if (ask->http)
            http_cancel(ask->http);
        else
            pool_cancel(ask->request);
        unlink_ask(ask);
        if (ask->sim_done)
            ask->sim_done(ask->sim_ctx, &none);
        free(ask);
    }
    for (size_t i = 0; i < desk->chain_count; i++) {
        desk->chains[i].refreshing = false;
        desk->chains[i].refresh_left = 0;
    }
}

static void on_sim_answer(struct desk_ask *ask, const struct pool_result *result)
{
    struct sim_answer answer = {.status = result->status,
                                .class = result->class,
                                .http_status = result->http_status,
                                .body = result->body,
                                .body_len = result->body_len};
    ask->sim_done(ask->sim_ctx, &answer);
}

int32_t desk_sim_call(void *ctx, const char *method, const char *params, size_t len,
                      sim_answer_fn done, void *done_ctx)
{
    struct desk_chain *chain = ctx;
    struct desk_ask ask = {.done = on_sim_answer, .sim_done = done, .sim_ctx = done_ctx};
    hawse_view_t text = {(const uint8_t *)params, len};
    bool asked = ask_bytes(chain, &ask, method, text, POOL_FRESH, POOL_DECISION, SIM_DEADLINE_MS);
    return asked ? HAWSE_OK : HAWSE_E_LIMIT;
}

/* ---- Tenderly ---- */

static void on_post(void *ctx, const struct http_result *result)
{
    struct desk_ask *ask = ctx;
    const struct sim_answer answer = {.status = result->status,
                                      .class = RPC_SERVER,
                                      .http_status = result->http_status,
                                      .body = result->body,
                                      .body_len =
                                          result->status == HAWSE_OK ? result->body_len : 0};
    unlink_ask(ask);
    ask->sim_done(ask->sim_ctx, &answer);
    free(ask);
}

int32_t desk_sim_post(void *ctx, const char *path, const char *body, size_t len, sim_answer_fn done,
                      void *done_ctx)
{
    static const char headers[] = "content-type: application/json\n";
    struct desk_chain *chain = ctx;
    struct desk *desk = chain->desk;
    const struct desk_ask what = {.sim_done = done, .sim_ctx = done_ctx};
    struct fault fault = {0};
    char *copy = malloc(len);
    struct desk_ask *ask = copy ? desk_ask_hold(chain, &what) : NULL;
    if (!ask) {
        free(copy);
        return HAWSE_E_NOMEM;
    }
    memcpy(copy, body, len);
    const struct http_options options = {.endpoint = &chain->config->tx.tenderly,
                                         .method = "POST",
                                         .path = path,
                                         .path_len = strlen(path),
                                         .headers = headers,
                                         .headers_len = sizeof(headers) - 1,
                                         .body = copy,
                                         .body_len = len,
                                         .timeout_ms = SIM_DEADLINE_MS};
    int32_t code =
        http_send(desk->options.http, desk->loop, &options, on_post, ask, &ask->http, &fault);
    if (code == HAWSE_OK)
        return HAWSE_OK;
    log_fault(desk->logger, HAWSE_LOG_WARN, "tx", &fault);
    unlink_ask(ask);
    free(ask);
    return code;
}
